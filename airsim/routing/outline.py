"""Outline of closed airspace on the sphere: its edges, and what they keep apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from airsim import geodesy, kernels
from airsim.routing.plane import Geometries, Plane

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

_CHUNK = 1000  # points located at a time, to bound memory
CLOSED = -1  # component of a point inside the outline


@dataclass(frozen=True, slots=True, eq=False)
class EdgeTree:
    """Edges (n, 6) as pairs of unit vectors, in groups below a binary tree of balls (m, 4)."""

    edge: Floats
    ball: Floats

    @classmethod
    def from_edges(cls, a: Floats, b: Floats) -> EdgeTree:
        """Tree of edges from a to b, unit vectors (n, 3)."""
        if not len(a):  # an edge of no length cuts nothing
            a = b = np.array([[1.0, 0.0, 0.0]])
        order = order_near(0.5 * (a + b))
        return cls.from_ordered(a[order], b[order])

    @classmethod
    def from_ordered(cls, a: Floats, b: Floats) -> EdgeTree:
        """Tree of at least one edge, in the order given; repeats of the last one fill it up."""
        size = kernels.LEAF_EDGES
        while size < len(a):
            size *= 2
        edge = np.hstack((a, b))[np.minimum(np.arange(size), len(a) - 1)]
        return cls(edge, kernels.grow_balls(edge))


def order_near(xyz: Floats) -> NDArray[np.int64]:
    """Order along a space-filling curve: near points get near places."""
    cell = ((np.clip(xyz, -1.0, 1.0) + 1.0) * 524287.0).astype(np.int64)
    key = np.zeros(len(xyz), np.int64)
    for bit in range(20):
        for axis in range(3):
            key |= ((cell[:, axis] >> bit) & 1) << (3 * bit + axis)
    return np.argsort(key, kind="stable")


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """Disjoint polygons in the plane, whose edges count as great circles.

    Free components are numbered by the ring of the hole that they fill, the one around all
    polygons by the number of rings.

    Parameters
    ----------
    plane : Plane
    polygons : ndarray of Polygon
        Rings run with the inside on the left.
    start, end : ndarray, shape (edges, 3)
        Unit vectors, in the order of the rings.
    ring : ndarray of int32, shape (edges,)
    ring_area : ndarray, shape (rings,)
        Steradians inside; negative for holes.
    ring_component : ndarray of int32, shape (rings,)
        Free component on the open side.
    tree : EdgeTree
    """

    plane: Plane
    polygons: Geometries
    start: Floats
    end: Floats
    ring: Ints
    ring_area: Floats
    ring_component: Ints
    tree: EdgeTree

    @classmethod
    def from_polygons(cls, polygons: Geometries, plane: Plane) -> Outline:
        """Outline of disjoint polygons with the inside on the left."""
        rings = shapely.get_rings(polygons)
        xy, ring = shapely.get_coordinates(rings, return_index=True)
        begin = np.flatnonzero(ring[1:] == ring[:-1])
        owner = ring[begin].astype(np.int32)
        area = _solid_angles(xy[begin], xy[begin + 1], owner, len(rings))
        xyz = plane.unproject(xy)
        start, end = xyz[begin], xyz[begin + 1]
        tree = EdgeTree.from_edges(start, end)
        inside_of = _ring_components(rings, area)
        return cls(plane, polygons, start, end, owner, area, inside_of, tree)

    def locate(self, points: Floats) -> Ints:
        """Free component of each point (unit vectors, (n, 3)), or `CLOSED`."""
        rings = len(self.ring_area)
        if not rings:
            return np.zeros(len(points), np.int32)
        points, place = np.unique(points, axis=0, return_inverse=True)
        parts = np.split(points, range(_CHUNK, len(points), _CHUNK))
        return np.concatenate([self._locate(part) for part in parts])[place]

    def _locate(self, points: Floats) -> Ints:
        rings = len(self.ring_area)
        away = -self.plane.axes[2]  # open, and outside all rings
        # by way of a third point, so that neither leg comes near half a circle
        aside = np.where(points @ away < -0.9, 2.0, 0.0)[:, None] * self.plane.axes[0]
        middle = points + away + aside
        middle /= np.linalg.norm(middle, axis=1, keepdims=True)
        goal = np.broadcast_to(away, points.shape)
        edge = np.hstack((self.start, self.end))
        cuts = kernels.count_ring_cuts(points, middle, edge, self.ring, rings)
        cuts = cuts + kernels.count_ring_cuts(middle, goal, edge, self.ring, rings)
        inside = cuts % 2 == 1
        innermost = np.argmin(np.where(inside, np.abs(self.ring_area), np.inf), axis=1)
        around = inside.any(axis=1)
        closed = around & (self.ring_area[innermost] > 0.0)
        return np.where(closed, CLOSED, np.where(around, innermost, rings)).astype(np.int32)

    def sees(self, a: Floats, b: Floats) -> NDArray[np.bool_]:
        """Whether the great circles from a to b (unit vectors) cross no edge."""
        return np.asarray(~kernels.find_cut_legs(a, b, self.tree.edge, self.tree.ball))

    def largest_component(self) -> int:
        """Free component with the largest area on the sphere."""
        size = np.append(np.maximum(-self.ring_area, 0.0), 4.0 * np.pi)
        np.subtract.at(size, self.ring_component, np.maximum(self.ring_area, 0.0))
        return int(np.argmax(size))

    def component_rim(self, component: int) -> shapely.Geometry:
        """Lines in the plane that bound a free component."""
        rings = np.asarray(shapely.get_rings(self.polygons))
        return shapely.MultiLineString(list(rings[self.ring_component == component]))


def _solid_angles(a: Floats, b: Floats, ring: Ints, rings: int) -> Floats:
    """Steradians inside plane rings with edges ab, positive if they run anticlockwise."""
    a, b = a / (2.0 * geodesy.EARTH_RADIUS_KM), b / (2.0 * geodesy.EARTH_RADIUS_KM)
    cross = a[:, 0] * b[:, 1] - b[:, 0] * a[:, 1]
    middle = 1.0 + np.sum((0.5 * (a + b)) ** 2, axis=1)
    return np.asarray(np.bincount(ring, 2.0 * cross / middle, rings), np.float64)


def _ring_components(rings: Geometries, area: Floats) -> Ints:
    """Free component that each ring bounds: itself for a hole, else the hole around its polygon."""
    component = np.arange(len(rings), dtype=np.int32)
    shell, hole = np.flatnonzero(area > 0.0), np.flatnonzero(area <= 0.0)
    component[shell] = len(rings)
    if len(hole):
        inner = np.asarray(shapely.get_point(rings[shell], 0), dtype=object)
        holes = np.asarray(shapely.polygons(rings[hole]), dtype=object)
        h, s = shapely.STRtree(inner).query(holes, predicate="contains")
        order = np.argsort(area[hole[h]], kind="stable")  # the smallest hole comes last
        component[shell[s[order]]] = hole[h[order]]
    return component
