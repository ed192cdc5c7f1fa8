"""The airspace of a scenario: as shipped, or with zones of a user's own."""

from __future__ import annotations

import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Literal

from airsim.airspace import Atlas, load_atlas
from airsim.base import find_resource

ZoneVariant = Literal["nominal", "plus30", "minus30"]


@lru_cache(maxsize=4)
def shipped_atlas(zone_variant: ZoneVariant = "nominal") -> Atlas:
    """The shipped airspace, loaded once per process and zone variant."""
    return load_atlas(zone_variant=zone_variant)


def extended_atlas(zones: Path, zone_variant: ZoneVariant = "nominal") -> Atlas:
    """The shipped airspace and the zones of a user's TOML file.

    Raises
    ------
    InputError
        Every problem of the file: unknown State, unclosed polygon, bad number, unknown key.
    """
    from airsim.airspace import build_zones, find_layer_areas, write_zones

    base = shipped_atlas(zone_variant)
    territory, fir, shipped = (find_layer_areas(base.layer(n)) for n in base.layer_names)
    built = build_zones(
        zones, territory, fir, zones=shipped, file=str(zones),
        dated=lambda name, at_ms: find_layer_areas(base.layer(name), at_ms),
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "zones.parquet"
        write_zones(built, path, extend=find_resource("geodata/zones.parquet"))
        return load_atlas(zones=path, zone_variant=zone_variant)
