"""Shortest paths around closed areas as one would find them with other tools.

Each takes the closed areas as (lon, lat) polygons without holes and gives lines of (lon, lat).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from airsim.geodesy import geodesic_km, interpolate_arc, lonlat_from_vectors, unit_vectors
from benchmarks.legs import Floats

WINDOW = (-15.0, 30.0, 60.0, 72.0)  # west, south, east, north: Europe and what is around it

Point = tuple[float, float]
Polygons = NDArray[np.object_]


def line_km(line: Floats) -> float:
    """Length along geodesics."""
    return float(geodesic_km(line[:-1, 0], line[:-1, 1], line[1:, 0], line[1:, 1]).sum())


# ------------------------------------------------------------------------------ simpler outlines
def simplify_areas(areas: Polygons, vertices: int) -> Polygons:
    """The union of areas in the window, simplified to about so many vertices.

    For tools that cannot finish the whole: the same few corners for them and for airsim.
    """
    whole = shapely.union_all(shapely.intersection(areas, shapely.box(*WINDOW)))
    low, high = 1e-3, 8.0
    for _ in range(14):
        middle = np.sqrt(low * high)
        found = _simplify(whole, middle)
        low, high = (middle, high) if _count(found) > vertices else (low, middle)
    return _simplify(whole, high)


def _simplify(whole: shapely.Geometry, degrees: float) -> Polygons:
    shells = shapely.polygons(shapely.get_exterior_ring(shapely.get_parts(whole)))
    shells = shells[shapely.area(shells) > degrees**2]
    simple = shapely.union_all(shapely.simplify(shells, degrees, preserve_topology=True))
    parts = shapely.get_parts(simple)
    return np.asarray(shapely.polygons(shapely.get_exterior_ring(parts)), dtype=object)


def _count(polygons: Polygons) -> int:
    return int(shapely.get_num_coordinates(polygons).sum()) - len(polygons)


def open_corners(polygon: shapely.Geometry) -> Floats:
    """Corners without the repeated last one."""
    return np.asarray(shapely.get_coordinates(polygon)[:-1])


# ------------------------------------------------------------------------------ planar graphs
class PyvisgraphRouter:
    """pyvisgraph: visibility graph in the plane of longitude and latitude."""

    def __init__(self, pyvisgraph: Any, polygons: Polygons) -> None:
        self.point = pyvisgraph.Point
        self.graph = pyvisgraph.VisGraph()
        outlines = [[self.point(*xy) for xy in open_corners(p).tolist()] for p in polygons]
        self.graph.build(outlines, workers=1, status=False)

    def find(self, start: Point, goal: Point) -> Floats:
        """Shortest line."""
        found = self.graph.shortest_path(self.point(*start), self.point(*goal))
        return np.array([(p.x, p.y) for p in found])


class ExtremityRouter:
    """extremitypathfinder: the same plane, a graph of the extremities."""

    def __init__(self, extremitypathfinder: Any, polygons: Polygons) -> None:
        west, south, east, north = shapely.total_bounds(polygons) + np.array([-1, -1, 1, 1]) * 20.0
        frame = [(west, south), (east, south), (east, north), (west, north)]
        clockwise = [
            open_corners(p) if not shapely.is_ccw(shapely.get_exterior_ring(p))
            else open_corners(p)[::-1]
            for p in polygons
        ]  # fmt: skip
        self.environment = extremitypathfinder.PolygonEnvironment()
        self.environment.store(frame, clockwise)

    def find(self, start: Point, goal: Point) -> Floats:
        """Shortest line."""
        found, _ = self.environment.find_shortest_path(start, goal)
        return np.array([(float(x), float(y)) for x, y in found])


# ----------------------------------------------------------------------------------------- grid
@dataclass(frozen=True, slots=True, eq=False)
class GridRouter:
    """A grid in Mercator's projection, least-cost path, then pulled tight along great circles.

    Parameters
    ----------
    cost : ndarray
        Relative length of each cell, cos(lat); -1 where it is closed.
    degrees : float
        Of longitude per cell; the projection keeps shapes, so that cells are square.
    mcp : type
        ``skimage.graph.MCP_Geometric``: eight neighbours, weights by length.
    """

    cost: Floats
    degrees: float
    mcp: Any

    @classmethod
    def around(cls, mcp: Any, areas: Polygons, degrees: float) -> GridRouter:
        """Grid over the window; each cell that a closed area touches is closed."""
        west, south, east, north = WINDOW
        columns = round((east - west) / degrees)
        low, high = _mercator(np.array([south, north]))
        rows = int((high - low) / degrees)
        lon = west + degrees * (np.arange(columns) + 0.5)
        lat = _latitude(low + degrees * (np.arange(rows) + 0.5))
        x, y = np.meshgrid(lon, lat)
        closed = np.zeros(x.shape, np.bool_)
        inside = shapely.intersection(areas, shapely.box(*WINDOW))
        for area in shapely.get_parts(inside):
            shapely.prepare(area)
            a, b, c, d = area.bounds
            box = np.ix_((lat >= b) & (lat <= d), (lon >= a) & (lon <= c))
            closed[box] |= shapely.contains_xy(area, x[box], y[box])
        rim = shapely.segmentize(shapely.boundary(inside), degrees / 10.0)
        grid = cls(np.where(closed, -1.0, np.cos(np.radians(lat))[:, None]), degrees, mcp)
        at = grid.cell_of(*shapely.get_coordinates(rim).T)
        grid.cost[at] = -1.0
        return grid

    def cell_of(self, lon: Floats, lat: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Row and column of points, kept inside the grid."""
        rows, columns = self.cost.shape
        low = _mercator(np.array([WINDOW[1]]))[0]
        row = ((_mercator(np.asarray(lat)) - low) / self.degrees).astype(np.int64)
        column = ((np.asarray(lon) - WINDOW[0]) / self.degrees).astype(np.int64)
        return np.clip(row, 0, rows - 1), np.clip(column, 0, columns - 1)

    def is_open(self, lon: Floats, lat: Floats) -> NDArray[np.bool_]:
        """Whether points lie in open cells."""
        return np.asarray(self.cost[self.cell_of(lon, lat)] > 0.0)

    def find(self, start: Point, goal: Point) -> Floats | None:
        """Shortest line; None if there is none."""
        a, b = (tuple(int(v[0]) for v in self.cell_of(*np.array([p]).T)) for p in (start, goal))
        search = self.mcp(self.cost)
        total, _ = search.find_costs([a], [b])
        if not np.isfinite(total[b]):
            return None
        row, column = np.array(search.traceback(b)).T
        low = _mercator(np.array([WINDOW[1]]))[0]
        lon = WINDOW[0] + self.degrees * (column + 0.5)
        lat = _latitude(low + self.degrees * (row + 0.5))
        line = np.stack((lon, lat), axis=1)
        line[0], line[-1] = start, goal
        return self._pull(line)

    def _pull(self, line: Floats) -> Floats:
        """Leave out points between two that see each other, as far as halving finds them."""
        kept, at, last = [0], 0, len(line) - 1
        while at < last:
            low, high = at + 1, last
            if self._sees(line[at], line[last]):
                low = last
            while high - low > 1:
                middle = (low + high) // 2
                if self._sees(line[at], line[middle]):
                    low = middle
                else:
                    high = middle
            at = low
            kept.append(at)
        return line[kept]

    def _sees(self, a: Floats, b: Floats) -> bool:
        """Whether the great circle passes open cells only, at five points per cell."""
        p, q = unit_vectors(*a), unit_vectors(*b)
        steps = int(np.ceil(5.0 * np.hypot(*(b - a)) / self.degrees)) + 1
        share = np.linspace(0.0, 1.0, steps)
        lon, lat = lonlat_from_vectors(interpolate_arc(p[None, :], q[None, :], share))
        return bool(self.is_open(lon, lat).all())


def _mercator(lat: Floats) -> Floats:
    """Degrees of longitude."""
    return np.degrees(np.arcsinh(np.tan(np.radians(lat))))


def _latitude(y: Floats) -> Floats:
    return np.degrees(np.arctan(np.sinh(np.radians(y))))
