"""Routes as GeoJSON (RFC 7946), cut at 180 degrees."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from airsim.report.gather import NOT_EXACT, RouteView, gather_routes
from airsim.report.projection import cut_at_180, draw_great_circles
from airsim.results import Results, write_text

ATTRIBUTION = "© OpenStreetMap contributors"
LICENCE = "ODbL-1.0"
LIMITS = "Not legal advice, not for navigation."


def write_geojson(results: Results, folder: Path) -> Path:
    """Write ``routes.geojson``: permitted route and direct great circle of every route.

    Parameters
    ----------
    results : Results
        A run.
    folder : pathlib.Path
        Made if missing.

    Returns
    -------
    pathlib.Path
        The file. Lines are densified along great circles (at most half a degree) and cut at 180
        degrees; flights that share route and verdict share a feature. A flight without a
        permitted route has its direct line alone.
    """
    path = Path(folder) / "routes.geojson"
    quality = {}
    if "areas" in results.tables:
        quality = {(a["layer"], a["designator"]): a["quality"] for a in results.rows("areas")}
    features = [
        feature for view in gather_routes(results) for feature in _make_features(view, quality)
    ]
    collection = {
        "type": "FeatureCollection",
        "attribution": ATTRIBUTION,
        "licence": LICENCE,
        "note": LIMITS,
        "features": features,
    }
    write_text(path, json.dumps(collection, ensure_ascii=False, separators=(",", ":")) + "\n")
    return path


def _make_features(view: RouteView, quality: dict[tuple[str, str], str]) -> list[dict[str, Any]]:
    flight = view.flight
    used = {(c["layer"], c["designator"]) for c in view.crossings}
    used.update(area for closure in view.closures for area in closure.areas)
    shared = {
        "operator": flight["operator"],
        "adep": flight["adep"],
        "ades": flight["ades"],
        "flights": [f["flight_id"] for f in view.flights],
        "outcome": flight["outcome"],
        "lawful": dict(sorted(view.lawful.items())),
        "provisional": any(f["provisional"] for f in view.flights),
        "timetable_grade": sorted(view.collect("grade")),
        "stops": view.stops,
        "clearance_nm": flight["clearance_nm"],
        "blocking_rules": view.collect("blocking_rules"),
        "breaches": view.collect("breaches"),
        "inexact_outlines": sorted(key[1] for key in used if quality.get(key) in NOT_EXACT),
        "attribution": ATTRIBUTION,
        "licence": LICENCE,
    }
    lines = (("planned", view.planned, "distance_km"), ("direct", view.direct, "direct_km"))
    return [
        {
            "type": "Feature",
            "id": f"{view.key}-{role}",
            "properties": {"role": role, "distance_km": flight[length], **shared},
            "geometry": _make_line(points),
        }
        for role, points, length in lines
        if len(points) >= 2
    ]


def _make_line(points: NDArray[np.float64]) -> dict[str, Any]:
    pieces = [
        (np.round(piece, 6) + 0.0).tolist()
        for piece in cut_at_180(draw_great_circles(points))
        if len(piece) >= 2
    ]
    if len(pieces) == 1:
        return {"type": "LineString", "coordinates": pieces[0]}
    return {"type": "MultiLineString", "coordinates": pieces}
