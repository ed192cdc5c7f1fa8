"""Build geodata/zones.parquet from geodata/zones.toml, the territory layer and the FIR layer.

python geodata/build/zones.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import geopandas as gpd
import shapely

from airsim.airspace.zones import build_zones, write_zones

GEODATA = Path(__file__).resolve().parent.parent


def read_areas(path: Path) -> dict[str, shapely.Geometry]:
    """Areas of a layer that are valid now, rows of one designator joined."""
    frame = gpd.read_parquet(path)
    frame = frame[frame.valid_to == ""]
    return {
        str(name): shapely.union_all(rows.to_numpy())
        for name, rows in frame.groupby("designator").geometry
    }


def main(territory: Path, fir: Path, output: Path) -> None:
    source = GEODATA / "zones.toml"
    zones = build_zones(source, read_areas(territory), read_areas(fir), file=source.name)
    write_zones(sorted(zones, key=lambda z: (z.designator, z.variant)), output)
    print(
        f"{len(zones)} rows, {sum(shapely.get_num_coordinates(z.geometry) for z in zones)} vertices"
    )


if __name__ == "__main__":
    paths = [Path(a) for a in sys.argv[1:]]
    main(
        paths[0] if paths else GEODATA / "territory.parquet",
        paths[1] if len(paths) > 1 else GEODATA / "fir.parquet",
        paths[2] if len(paths) > 2 else GEODATA / "zones.parquet",
    )
