"""Slow, obvious twins of the compiled loops, and small layers to compare them on."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from airsim.geodesy import EARTH_RADIUS_KM, densify_line, distance_to_arcs_km, unit_vectors

Floats = NDArray[np.float64]

NEAR = 1e-9  # radians (6 mm): nearer than this to a boundary, the twins owe no answer
INSIDE, OUTSIDE, UNSURE = 1, 0, -1


# ------------------------------------------------------------------------------- small layers
def write_layer(path: Path, areas: dict[str, shapely.Geometry], **columns: list[object]) -> Path:
    """Write a layer file: one row per area, further columns as given."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = len(areas)
    table: dict[str, object] = {
        "designator": list(areas),
        "name": [f"area {designator}" for designator in areas],
        **dict.fromkeys(("quality", "source", "edition"), ["test"] * rows),
        **dict.fromkeys(("valid_from", "valid_to", "sovereign", "state"), [""] * rows),
        "eu_territory": [False] * rows,
        "lower_limit": pa.array([0] * rows, pa.int32()),
        "upper_limit": pa.array([99999] * rows, pa.int32()),
        "geometry": [shapely.to_wkb(shape) for shape in areas.values()],
    }
    pq.write_table(pa.table(table | columns), path)
    return path


# ---------------------------------------------------------------------------------- geometry
def polygon_rings(shape: shapely.Geometry) -> list[list[Floats]]:
    """Polygons of a shape, each a list of closed rings: shell anticlockwise, holes clockwise."""
    polygons = shapely.orient_polygons(shapely.get_parts(shape))
    return [
        [np.array(r.coords) for r in (p.exterior, *p.interiors)]  # type: ignore[attr-defined]
        for p in polygons
    ]


def turns_around(ring: Floats, point: Floats) -> float:
    """How often a ring turns anticlockwise around a point, from bearings of its vertices."""
    v = unit_vectors(ring[:, 0], ring[:, 1])
    east = np.cross([0.0, 0.0, 1.0], point)
    if np.linalg.norm(east) < 1e-12:
        east = np.array([0.0, 1.0, 0.0])
    east = east / np.linalg.norm(east)
    north = np.cross(point, east)
    bearing = np.arctan2(v @ east, v @ north)
    turn = (np.diff(bearing) + np.pi) % (2 * np.pi) - np.pi
    return float(-turn.sum() / (2 * np.pi))


def point_state(shape: shapely.Geometry, point: Floats) -> int:
    """INSIDE, OUTSIDE, or UNSURE near a boundary. Holds for polygons within a hemisphere."""
    for rings in polygon_rings(shape):
        for ring in rings:
            v = unit_vectors(ring[:, 0], ring[:, 1])
            if distance_to_arcs_km(point, v[:-1], v[1:]).min() < NEAR * EARTH_RADIUS_KM:
                return UNSURE
        if round(sum(turns_around(ring, point) for ring in rings)) == 1:
            return INSIDE
    return OUTSIDE


def _angles(a: Floats, b: Floats) -> Floats:
    return np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), np.sum(a * b, axis=-1))


def leg_cuts(p: Floats, q: Floats, a: Floats, b: Floats) -> Floats:
    """Shares of the leg pq at which it may change sides of the edges ab (too many do no harm)."""
    leg = _angles(p, q)
    if leg < 1e-15:
        return np.empty(0)
    line = np.cross(np.cross(p, q), np.cross(a, b))
    size = np.linalg.norm(line, axis=-1, keepdims=True)
    line = line / np.where(size > 0, size, 1.0)
    candidates = np.concatenate((line, -line, a, b))
    one = np.concatenate((a, a, a, b))
    two = np.concatenate((b, b, a, b))
    slack = 1e-7  # radians: cuts too many are harmless, one too few is not
    on_leg = _angles(p, candidates) + _angles(candidates, q) - leg < slack
    on_edge = _angles(one, candidates) + _angles(candidates, two) - _angles(one, two) < slack
    return np.clip(_angles(p, candidates[on_leg & on_edge]) / leg, 0.0, 1.0)


def trace_path(
    shape: shapely.Geometry, lon: Floats, lat: Floats, model: str
) -> tuple[Floats, list[int], float]:
    """Cut a path where it may enter or leave a shape: cuts in km, state between them, length."""
    ends = [
        unit_vectors(ring[:, 0], ring[:, 1]) for rings in polygon_rings(shape) for ring in rings
    ]
    a, b = np.concatenate([v[:-1] for v in ends]), np.concatenate([v[1:] for v in ends])
    step = 100.0 if model == "wgs84" else 1500.0
    x, y = densify_line(lon, lat, step_km=step, model=model)  # type: ignore[arg-type]
    points = unit_vectors(x, y)
    if model == "wgs84":
        from airsim.geodesy import geodesic_km

        length = geodesic_km(x[:-1], y[:-1], x[1:], y[1:])
    else:
        length = EARTH_RADIUS_KM * _angles(points[:-1], points[1:])
    km = np.concatenate(([0.0], np.cumsum(length)))
    cuts = [0.0, float(km[-1])]
    for k in range(len(points) - 1):
        share = leg_cuts(points[k], points[k + 1], a, b)
        cuts += [float(km[k]), *(km[k] + share * (km[k + 1] - km[k]))]
    where = np.unique(cuts)
    states = []
    for low, high in pairwise(where):
        middle = 0.5 * (low + high)
        k = min(int(np.searchsorted(km, middle, side="right")) - 1, len(points) - 2)
        share = (middle - km[k]) / (km[k + 1] - km[k]) if km[k + 1] > km[k] else 0.0
        point = (1 - share) * points[k] + share * points[k + 1]
        states.append(point_state(shape, point / np.linalg.norm(point)))
    return where, states, float(km[-1])
