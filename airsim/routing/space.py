"""Free space around closed areas: outlines by clearance, opened where none is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray

from airsim import geodesy, kernels
from airsim.routing.graph import Graph, Opening, find_turns
from airsim.routing.lines import AERODROME_NM
from airsim.routing.outline import FILL_KM, Outline
from airsim.routing.plane import (
    Geometries,
    Plane,
    choose_plane,
    clean_polygons,
    orient_parts,
    rings_from_polygons,
    widen,
    widen_polygons,
)
from airsim.routing.rings import Rings
from airsim.routing.tree import EdgeTree
from airsim.units import km_from_nm

Floats = NDArray[np.float64]

_TOUCH_NM = 0.02  # kept even there, so that rounding never lets a leg cut a corner
_GRAZE_NM = 0.005  # with bends and corners still less than a touch
_LARGE_KM2 = 1000.0
_KEEP = 64
_RIM_NM = 1.0  # around an opened disc the outline is drawn anew
_AROUND_NM = 4.0  # and cut off where that does not matter
_MARGIN_KM = 5.0  # how far around an opened region closed areas matter
_OVERLAP_KM = 0.01  # pieces that are joined again share a seam this wide


@dataclass(eq=False)
class Chart:
    """An outline at a clearance, its graph once it is asked for, and openings made in it."""

    outline: Outline
    tolerance_km: float
    openings: dict[bytes, list[Opening]] = field(default_factory=dict)
    bordering: dict[int, list[int]] = field(default_factory=dict)

    @cached_property
    def graph(self) -> Graph:
        """Visibility graph around the simplified outline."""
        cover = self.outline.simplify(self.tolerance_km)
        return Graph(self.outline, cover, FILL_KM + self.tolerance_km)


@dataclass(eq=False)
class FreeSpace:
    """Space outside closed areas.

    Parameters
    ----------
    rings : Rings
        Around the closed areas; `owner` tells which area each edge bounds.
    plane : Plane
    tolerance_km : float
        By which the graphs may cap corners.
    """

    rings: Rings
    plane: Plane
    tolerance_km: float
    _charts: dict[float, Chart] = field(default_factory=dict)

    @classmethod
    def around(
        cls, rings: Rings, is_closed: Callable[[Floats], NDArray[np.bool_]], tolerance_km: float
    ) -> FreeSpace:
        """Space outside rings; `is_closed` tells which unit vectors (n, 3) lie inside."""
        return cls(rings, choose_plane(rings.point, is_closed), tolerance_km)

    def chart(self, clearance_nm: float) -> Chart:
        """Chart of what keeps a clearance."""
        if clearance_nm not in self._charts:
            outline = Outline.around(self.rings, self.plane, clearance_nm)
            self._charts[clearance_nm] = Chart(outline, self.tolerance_km)
        return self._charts[clearance_nm]

    @cached_property
    def core(self) -> Graph:
        """Graph around what no route enters, whatever its clearance: its paths are lower bounds."""
        closed = widen(self.rings, self.plane, _GRAZE_NM)
        closed = closed[shapely.area(closed) > _LARGE_KM2]  # a bound may ignore the small ones
        outline = Outline.from_polygons(closed, self.plane)
        return Graph(outline, outline.simplify(0.0), FILL_KM)

    @cached_property
    def _closed(self) -> Geometries:
        """Closed areas in the plane."""
        return clean_polygons(self.rings, self.plane)

    def open_discs(self, chart: Chart, ends: Floats) -> list[Opening]:
        """Surroundings of aerodromes (unit vectors) of one flight, where no clearance is asked."""
        key = ends.tobytes()
        if key not in chart.openings:
            while len(chart.openings) >= _KEEP:
                del chart.openings[next(iter(chart.openings))]
            chart.openings[key] = self._make_openings(chart.outline, ends)
        return chart.openings[key]

    def _make_openings(self, outline: Outline, ends: Floats) -> list[Opening]:
        region, around = (
            shapely.union_all([self._disc(end, AERODROME_NM + more) for end in ends])
            for more in (0.0, _AROUND_NM)
        )
        little = shapely.intersection(
            self._widen_near(region, _TOUCH_NM), shapely.buffer(region, _OVERLAP_KM)
        )
        outline_here = shapely.intersection(_clip(outline.polygons, around), around)
        outside = shapely.difference(outline_here, region)
        merged = shapely.union_all(np.append(outside, [little]))
        opened = rings_from_polygons(orient_parts(merged), self.plane)
        turns = find_turns(opened)
        # what is cut off lies farther out; edges count from the new outline inside the rim
        rim, radius = (
            np.cos(km_from_nm(AERODROME_NM + more) / geodesy.EARTH_RADIUS_KM)
            for more in (2.0 * _RIM_NM, _RIM_NM)
        )
        start, end = opened.point, opened.point[opened.after]
        near = (start @ ends.T > rim).any(axis=1) & (end @ ends.T > rim).any(axis=1)
        point = turns.point[(turns.point @ ends.T > rim).any(axis=1)]
        return [Opening(np.append(place, radius), start[near], end[near], point) for place in ends]

    def open_straits(
        self, chart: Chart, path: Floats, clearance_nm: float, keep_nm: float
    ) -> Chart:
        """Chart opened to a lesser clearance where a path (unit vectors) leaves its free space.

        Opened is all within the clearance and 2 NM of those parts of the path.
        """
        xy = self.plane.project(path)
        outline = chart.outline
        inside = shapely.intersection(
            shapely.LineString(xy), shapely.MultiPolygon(list(outline.polygons))
        )
        reach = km_from_nm(clearance_nm + 2.0) * float(self.plane.scale(xy).max())
        region = shapely.buffer(inside, reach)
        little = shapely.intersection(
            self._widen_near(region, keep_nm), shapely.buffer(region, _OVERLAP_KM)
        )
        rest = shapely.difference(outline.polygons, region)
        merged = orient_parts(shapely.union_all(np.append(rest, [little])))
        return Chart(Outline.from_polygons(merged, self.plane), self.tolerance_km)

    def _widen_near(self, region: shapely.Geometry, clearance_nm: float) -> shapely.Geometry:
        """Plane shape of all nearer than a clearance to closed areas, right in a region."""
        scale = float(self.plane.scale(shapely.get_coordinates(region)).max(initial=1.0))
        far = shapely.buffer(region, scale * (2.0 * km_from_nm(clearance_nm) + _MARGIN_KM))
        near = shapely.intersection(_clip(self._closed, far), far)
        return widen_polygons(shapely.union_all(near), scale, clearance_nm)

    def _disc(self, end: Floats, radius_nm: float) -> shapely.Geometry:
        """Plane shape of all nearer than a distance to a point (unit vector)."""
        across = np.cross(end, self.plane.axes[np.argmin(np.abs(self.plane.axes @ end))])
        across /= np.linalg.norm(across)
        turn = np.linspace(0.0, 2.0 * np.pi, 65)[:-1, None]
        radius = km_from_nm(radius_nm) / geodesy.EARTH_RADIUS_KM
        rim = np.cos(turn) * across + np.sin(turn) * np.cross(end, across)
        return shapely.Polygon(self.plane.project(np.cos(radius) * end + np.sin(radius) * rim))

    def find_bordering(self, chart: Chart, component: int, reach_nm: float) -> list[int]:
        """Which closed areas come near a free component of a chart."""
        if component not in chart.bordering:
            rim = chart.outline.component_rim(component)
            tree = EdgeTree.from_edges(rim[:, :3], rim[:, 3:])
            cap = km_from_nm(reach_nm) / geodesy.EARTH_RADIUS_KM
            a, b = self.rings.point, self.rings.point[self.rings.after]
            near = kernels.measure_leg_distances(a, b, cap, tree.edge, tree.ball) < cap
            chart.bordering[component] = sorted(set(self.rings.owner[near].tolist()))
        return chart.bordering[component]

    def find_near(self, point: Floats, reach_nm: float) -> list[int]:
        """Which closed areas come near a point (unit vector)."""
        reach, tree = km_from_nm(reach_nm) / geodesy.EARTH_RADIUS_KM, self.rings.tree
        near = tree.item[kernels.find_near_edges(point, reach, tree.edge, tree.ball)]
        return sorted(set(self.rings.owner[near[near >= 0]].tolist()))


def _clip(polygons: Geometries, region: shapely.Geometry) -> Geometries:
    """Parts of polygons in the box around a region."""
    box = shapely.box(*shapely.bounds(region).tolist())
    near = polygons[shapely.intersects(shapely.envelope(polygons), box)]
    return np.asarray(shapely.intersection(near, box), dtype=object)
