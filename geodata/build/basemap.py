"""Build geodata/basemap.parquet: land and land borders to draw under maps; no answer rests on it.

Source, fetched by package name from the npm registry (no other network use):

    npm pack world-atlas@2.0.2     Natural Earth 1:50m, public domain

    python geodata/build/basemap.py --source world-atlas-2.0.2.tgz

Land is Natural Earth's. Borders are the shared edges of territory.parquet where they cross land, so
that the map shows the lines that the answers use (OpenStreetMap, ODbL 1.0); Natural Earth would
draw Crimea as Russian.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
from topology import decode_topology, read_json

ROOT = Path(__file__).resolve().parents[1]
BORDER_TOLERANCE_NM = 1.0
DIGITS = 4  # about 0.006 NM
LAND_SOURCE = "Natural Earth 1:50m, npm world-atlas 2.0.2"
BORDER_SOURCE = "© OpenStreetMap contributors, ODbL 1.0 (geodata/territory.parquet)"


def unwrap_ring(ring: np.ndarray) -> np.ndarray:
    """Longitudes without jumps; a ring around a pole is closed along that pole."""
    lon = np.degrees(np.unwrap(np.radians(ring[:, 0])))
    ring = np.column_stack([lon, ring[:, 1]])
    if abs(lon[-1] - lon[0]) > 180.0:
        pole = np.copysign(90.0, ring[:, 1].mean())
        ring = np.vstack([ring, [lon[-1], pole], [lon[0], pole], ring[:1]])
    return ring


def split_at_seam(polygon: shapely.Polygon) -> list[shapely.Polygon]:
    """Parts of a polygon within -180 to 180."""
    shell = unwrap_ring(shapely.get_coordinates(polygon.exterior))
    holes = []
    for hole in polygon.interiors:
        ring = unwrap_ring(shapely.get_coordinates(hole))
        ring[:, 0] += 360.0 * np.round((shell[:, 0].mean() - ring[:, 0].mean()) / 360.0)
        holes.append(ring)
    whole = shapely.make_valid(shapely.Polygon(shell, holes))
    parts = []
    for turn in (-360.0, 0.0, 360.0):
        moved = shapely.transform(whole, lambda c, turn=turn: c + np.array([turn, 0.0]))
        inside = shapely.intersection(moved, shapely.box(-180.0, -90.0, 180.0, 90.0))
        parts += [p for p in shapely.get_parts(shapely.get_parts([inside])) if p.area > 0]
    return parts


def read_land(package: Path) -> np.ndarray:
    """Land polygons, largest first."""
    topology = read_json(package, "land-50m.json")
    shapes = [shape for _, shape in decode_topology(topology, "land")]
    parts = [part for p in shapely.get_parts(shapes) for part in split_at_seam(p)]
    rounded = shapely.set_precision(np.array(parts, dtype=object), 10.0**-DIGITS)
    land = shapely.get_parts(rounded)
    return land[np.argsort(-shapely.area(land), kind="stable")]


def find_borders(land: np.ndarray) -> np.ndarray:
    """Edges that two States share on land, as long lines."""
    states = gpd.read_parquet(ROOT / "territory.parquet").geometry.to_numpy()
    rings = shapely.get_rings(
        shapely.get_parts(shapely.coverage_simplify(states, BORDER_TOLERANCE_NM / 60.0))
    )
    lonlat, ring = shapely.get_coordinates(rings, return_index=True)
    kept = ring[:-1] == ring[1:]
    start, end = lonlat[:-1][kept], lonlat[1:][kept]
    back = (start[:, 0] > end[:, 0]) | ((start[:, 0] == end[:, 0]) & (start[:, 1] > end[:, 1]))
    start[back], end[back] = end[back], start[back].copy()
    edges, count = np.unique(np.hstack([start, end]), axis=0, return_counts=True)
    lines = shapely.line_merge(
        shapely.multilinestrings(shapely.linestrings(edges[count == 2].reshape(-1, 2, 2)))
    )
    on_land = shapely.intersection(lines, shapely.union_all(land))
    parts = shapely.get_parts(shapely.line_merge(on_land))
    parts = shapely.get_parts(shapely.set_precision(parts, 10.0**-DIGITS))
    return parts[shapely.length(parts) > 0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", type=Path, required=True, help="world-atlas")
    parser.add_argument("--output", type=Path, default=ROOT / "basemap.parquet")
    options = parser.parse_args()
    land = read_land(options.source)
    borders = find_borders(land)
    frame = gpd.GeoDataFrame(
        {
            "kind": ["land"] * len(land) + ["border"] * len(borders),
            "source": [LAND_SOURCE] * len(land) + [BORDER_SOURCE] * len(borders),
        },
        geometry=np.concatenate([land, borders]),
        crs="OGC:CRS84",
    )
    frame.to_parquet(options.output, index=False, compression="zstd", compression_level=19)
    vertices = frame.geometry.count_coordinates().groupby(frame.kind).sum().to_dict()
    print(f"{options.output.name}: {vertices}, {options.output.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
