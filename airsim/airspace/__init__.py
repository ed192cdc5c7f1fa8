"""Airspace: the atlas of territories, FIRs and zones, and what paths cross in it."""

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

__all__ = [
    "LAYER_NAMES",
    "Atlas",
    "Crossings",
    "Layer",
    "Paths",
    "area_edges",
    "area_polygons",
    "find_crossings",
    "load_atlas",
    "locate_points",
    "path_lengths_km",
]
