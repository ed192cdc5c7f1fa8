"""Airspace: the atlas of territories, FIRs and zones, and what paths cross in it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from airsim.airspace.atlas import LAYER_NAMES, Atlas, Layer, load_atlas
from airsim.airspace.crossings import (
    Crossings,
    Paths,
    area_edges,
    area_polygons,
    find_crossings,
    locate_points,
    path_lengths_km,
)

if TYPE_CHECKING:
    from airsim.airspace.zones import (
        Zone,
        add_zones,
        build_zones,
        cut_area,
        find_layer_areas,
        write_zones,
    )

__all__ = [
    "LAYER_NAMES",
    "Atlas",
    "Crossings",
    "Layer",
    "Paths",
    "Zone",
    "add_zones",
    "area_edges",
    "area_polygons",
    "build_zones",
    "cut_area",
    "find_crossings",
    "find_layer_areas",
    "load_atlas",
    "locate_points",
    "path_lengths_km",
    "write_zones",
]


_OF_ZONES = ("Zone", "add_zones", "build_zones", "cut_area", "find_layer_areas", "write_zones")


def __getattr__(name: str) -> Any:
    # Building zones needs the projection library; asking about flights does not.
    if name not in _OF_ZONES:
        raise AttributeError(f"module 'airsim.airspace' has no attribute {name!r}")
    return getattr(import_module("airsim.airspace.zones"), name)
