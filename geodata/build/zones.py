"""Build geodata/zones.parquet from geodata/zones.toml, the territory layer and the FIR layer.

python geodata/build/zones.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

from airsim.airspace.outlines import only_polygons
from airsim.airspace.zones import build_zones

GEODATA = Path(__file__).resolve().parent.parent


def read_areas(path: Path) -> dict[str, shapely.Geometry]:
    """Areas of a layer that are valid now, rows of one designator joined."""
    frame = gpd.read_parquet(path)
    if "valid_to" in frame:
        frame = frame[frame.valid_to == ""]
    return {
        str(name): shapely.union_all(rows.to_numpy())
        for name, rows in frame.groupby("designator").geometry
    }


def round_outline(geometry: shapely.MultiPolygon) -> shapely.Geometry:
    """Coordinates to 1e-6 degree (0.1 m), so that the file packs well."""
    rounded = shapely.transform(geometry, lambda xy: np.round(xy, 6) + 0.0)
    return rounded if rounded.is_valid else only_polygons(shapely.make_valid(rounded))


def main(territory: Path, fir: Path, output: Path) -> None:
    source = GEODATA / "zones.toml"
    zones = build_zones(source, read_areas(territory), read_areas(fir), file=source.name)
    names = ["designator", "name", "kind", "quality", "source", "edition", "basis", "valid_from",
             "valid_to", "variant"]  # fmt: skip
    columns: dict[str, list[object]] = {n: [getattr(z, n) for z in zones] for n in names}
    columns["lower_limit"] = [z.lower_ft for z in zones]
    columns["upper_limit"] = [z.upper_ft for z in zones]
    columns["geometry"] = [round_outline(z.geometry) for z in zones]
    frame = gpd.GeoDataFrame(columns, crs="OGC:CRS84")
    frame = frame.sort_values(["designator", "variant"], kind="stable", ignore_index=True)
    frame["lower_limit"] = frame["lower_limit"].astype("int32")
    frame["upper_limit"] = frame["upper_limit"].astype("int32")
    frame.to_parquet(output, compression="zstd", compression_level=19, index=False)
    print(f"{len(frame)} rows, {shapely.get_num_coordinates(frame.geometry).sum()} vertices")


if __name__ == "__main__":
    paths = [Path(a) for a in sys.argv[1:]]
    main(
        paths[0] if paths else GEODATA / "territory.parquet",
        paths[1] if len(paths) > 1 else GEODATA / "fir.parquet",
        paths[2] if len(paths) > 2 else GEODATA / "zones.parquet",
    )
