"""Outlines that a report draws: areas of the run, and land of the base map."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import shapely

from airsim.base import InputError, find_resource
from airsim.report.projection import Geometries
from airsim.results import Results

# Degrees to which outlines are thinned, by the width in km from which a map can use them.
_LEVELS = ((9000.0, 0.04), (3500.0, 0.015), (1200.0, 0.005))
AreaKey = tuple[str, str]  # (layer, designator)


@dataclass(frozen=True, slots=True)
class Shapes:
    """Outlines in degrees, split at 180, thinned once per level of detail.

    Parameters
    ----------
    areas : dict
        Geometry by (layer, designator).
    quality, titles : dict
        Of the same areas.
    land, borders : ndarray of shapely geometries
        The base map; empty if the installation has none.
    """

    areas: dict[AreaKey, Any]
    quality: dict[AreaKey, str]
    titles: dict[AreaKey, str]
    land: Geometries
    borders: Geometries
    _thinned: dict[tuple[str, float], Geometries] = field(default_factory=dict)

    def thin_land(self, width_km: float) -> Geometries:
        """Land for a map of a width."""
        return self._thin("land", self.land, width_km)

    def thin_borders(self, width_km: float) -> Geometries:
        """State borders for a map of a width."""
        return self._thin("borders", self.borders, width_km)

    def thin_area(self, key: AreaKey, width_km: float) -> Geometries:
        """Outline of an area for a map of a width; empty if the run has none."""
        shapes = self.areas.get(key, np.array([], dtype=object))
        return self._thin("/".join(key), shapes, width_km)

    def _thin(self, name: str, shapes: Geometries, width_km: float) -> Geometries:
        tolerance = next((t for least, t in _LEVELS if width_km >= least), 0.0)
        if (name, tolerance) not in self._thinned:
            parts = shapely.get_parts(shapes)
            if tolerance:
                parts = shapely.simplify(parts, tolerance, preserve_topology=False)
                parts = parts[~shapely.is_empty(parts)]
            self._thinned[name, tolerance] = parts
        return self._thinned[name, tolerance]


def load_shapes(results: Results) -> Shapes:
    """Outlines of a run and of the base map."""
    found: dict[AreaKey, list[Any]] = defaultdict(list)
    quality: dict[AreaKey, str] = {}
    titles: dict[AreaKey, str] = {}
    if "areas" in results.tables:
        for row in results.rows("areas"):
            key = row["layer"], row["designator"]
            quality[key], titles[key] = row["quality"], row["title"]
            if row["geometry"]:
                found[key].append(shapely.from_wkb(row["geometry"]))
    areas = {
        key: shapely.get_parts(np.array(shapes, dtype=object)) for key, shapes in found.items()
    }
    land, borders = _read_base_map()
    return Shapes(areas, quality, titles, land, borders)


@lru_cache(maxsize=1)
def _read_base_map() -> tuple[Geometries, Geometries]:
    """Land polygons and border lines; none where the installation lacks the base map."""
    import pyarrow.parquet as pq

    nothing = np.array([], dtype=object)
    try:
        path = find_resource("geodata/basemap.parquet")
    except InputError:
        return nothing, nothing
    table = pq.read_table(path, columns=["geometry"])
    shapes = shapely.get_parts(
        shapely.from_wkb(np.array(table["geometry"].to_pylist(), dtype=object))
    )
    dimension = shapely.get_dimensions(shapes)
    return shapes[dimension == 2], shapes[dimension == 1]
