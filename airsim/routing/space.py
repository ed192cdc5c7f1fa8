"""Free space around closed polygons: outlines by clearance, opened where none is asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray

from airsim import geodesy
from airsim.routing.graph import Graph, link_outline
from airsim.routing.lines import AERODROME_NM
from airsim.routing.outline import CLOSED, Outline
from airsim.routing.plane import (
    Geometries,
    Plane,
    choose_plane,
    orient_parts,
    project_polygons,
    shrink,
    widen,
)
from airsim.units import km_from_nm

Floats = NDArray[np.float64]

_TOUCH_NM = 0.02  # kept even there, so that rounding never lets a leg cut a corner
_KEEP = 16
_MARGIN_KM = 5.0  # how far around an opened region closed polygons matter
_OVERLAP_KM = 0.01  # pieces that are joined again share a seam this wide


@dataclass(frozen=True, eq=False)
class Chart:
    """An outline, and its graph once it is asked for."""

    outline: Outline

    @cached_property
    def graph(self) -> Graph:
        """Visibility graph around the outline."""
        return link_outline(self.outline)


@dataclass(frozen=True, slots=True, eq=False)
class FreeSpace:
    """Space outside polygons.

    Parameters
    ----------
    plane : Plane
    flat : ndarray of Polygon
        In the plane.
    owner : ndarray of int
        Which of the given shapes each polygon is part of.
    """

    plane: Plane
    flat: Geometries
    owner: NDArray[np.int64]
    _charts: dict[tuple[float, bytes], Chart] = field(default_factory=dict)

    @classmethod
    def around(cls, shapes: Geometries) -> FreeSpace:
        """Space outside (lon, lat) shapes, cut at 180, whose edges are great circles."""
        plane = choose_plane(shapes)
        return cls(plane, *project_polygons(shapes, plane))

    def chart(self, clearance_nm: float, ends: Floats | None = None) -> Chart:
        """Chart at a clearance; it is waived near those ends (unit vectors) that lie within."""
        whole = self._kept(clearance_nm, b"")
        if ends is None:
            return whole
        waived = ends[whole.outline.locate(ends) == CLOSED]
        return self._kept(clearance_nm, waived.tobytes()) if len(waived) else whole

    def _kept(self, clearance_nm: float, ends: bytes) -> Chart:
        """Chart out of the latest ones, else made; `ends` are the bytes of unit vectors."""
        key = (clearance_nm, ends)
        if key not in self._charts:
            if ends:
                discs = [self._disc(end) for end in np.frombuffer(ends).reshape(-1, 3)]
                whole = self._kept(clearance_nm, b"").outline
                chart = Chart(self._open(whole, shapely.union_all(discs), _TOUCH_NM))
            else:
                outline = widen(self.flat, self.plane, clearance_nm)
                chart = Chart(Outline.from_polygons(outline, self.plane))
            for old in [k for k in self._charts if k[1]][: max(0, len(self._charts) - _KEEP)]:
                del self._charts[old]
            self._charts[key] = chart
        return self._charts[key]

    def core(self) -> Chart:
        """Chart of what no permitted route can enter: its shortest paths are lower bounds."""
        key = (0.0, b"")
        if key not in self._charts:
            outline = Outline.from_polygons(shrink(self.flat, self.plane), self.plane)
            self._charts[key] = Chart(outline)
        return self._charts[key]

    def open_straits(
        self, chart: Chart, path: Floats, clearance_nm: float, keep_nm: float
    ) -> Chart:
        """Chart opened to a lesser clearance where a path (unit vectors) leaves its free space.

        Opened is all within the clearance and 2 NM of those parts of the path.
        """
        xy = self.plane.project(path)
        inside = shapely.intersection(
            shapely.LineString(xy), shapely.MultiPolygon(list(chart.outline.polygons))
        )
        reach = km_from_nm(clearance_nm + 2.0) * float(self.plane.scale(xy).max())
        return Chart(self._open(chart.outline, shapely.buffer(inside, reach), keep_nm))

    def find_bordering(self, outline: Outline, component: int, reach_nm: float) -> list[int]:
        """Which shapes come near a free component of an outline."""
        rim = outline.component_rim(component)
        return self._near(rim, reach_nm)

    def find_near(self, point: Floats, reach_nm: float) -> list[int]:
        """Which shapes come near a point (unit vector)."""
        return self._near(shapely.Point(self.plane.project(point[None, :])[0]), reach_nm)

    def _near(self, where: shapely.Geometry, reach_nm: float) -> list[int]:
        reach = km_from_nm(reach_nm) * self.plane.scale(shapely.get_coordinates(where)).max()
        near = shapely.STRtree(self.flat).query(where, predicate="dwithin", distance=reach)
        return sorted(set(self.owner[near].tolist()))

    def _disc(self, end: Floats) -> shapely.Geometry:
        """Plane shape of the surroundings of an aerodrome."""
        across = np.cross(end, self.plane.axes[np.argmin(np.abs(self.plane.axes @ end))])
        across /= np.linalg.norm(across)
        turn = np.linspace(0.0, 2.0 * np.pi, 65)[:-1, None]
        radius = km_from_nm(AERODROME_NM) / geodesy.EARTH_RADIUS_KM
        rim = np.cos(turn) * across + np.sin(turn) * np.cross(end, across)
        return shapely.Polygon(self.plane.project(np.cos(radius) * end + np.sin(radius) * rim))

    def _open(self, outline: Outline, region: shapely.Geometry, keep_nm: float) -> Outline:
        """Outline that inside a plane region keeps only a lesser clearance."""
        margin = _MARGIN_KM * self.plane.scale(shapely.get_coordinates(region)).max()
        around = shapely.intersection(self.flat, shapely.buffer(region, margin))
        near = shapely.get_parts(around)
        near = near[(shapely.get_type_id(near) == 3) & ~shapely.is_empty(near)]
        little = widen(near, self.plane, keep_nm) if len(near) else near
        rest = shapely.difference(outline.polygons, region)
        inside = shapely.intersection(little, shapely.buffer(region, _OVERLAP_KM))
        merged = shapely.union_all(np.concatenate((rest, inside)))
        return Outline.from_polygons(orient_parts(merged), self.plane)
