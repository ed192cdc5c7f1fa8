"""Outline of closed airspace on the sphere: its rings, and what they keep apart."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray

from airsim import geodesy, kernels
from airsim.routing.plane import Geometries, Plane, rings_from_polygons, widen
from airsim.routing.rings import Rings, simplify_rings

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]

FILL_KM = 50.0  # reach of what covers bays: as wide as is worth the corners that ends bring along
_CORE_AREA = 1e-3  # steradians of a ring that is worth discs: 40,000 square km
_CORE_TRIES = 8  # across such a ring
_CORE_LEAST = 0.005  # radians
_CORE_MOST = 64
CLOSED = -1  # component of a point inside the outline


@dataclass(frozen=True, eq=False)
class Outline:
    """Disjoint rings; the closed side is on their left.

    Free components are numbered by the ring of the hole that they fill, the one around all rings
    by the number of rings.

    Parameters
    ----------
    rings : Rings
    plane : Plane
        In which no ring is around the missing point.
    area : ndarray, shape (rings,)
        Steradians inside; negative for holes.
    component : ndarray of int32, shape (rings,)
        Free component on the open side of each ring.
    """

    rings: Rings
    plane: Plane
    area: Floats
    component: Ints

    @classmethod
    def around(cls, rings: Rings, plane: Plane, clearance_nm: float) -> Outline:
        """Outline of all that is nearer to closed airspace than a clearance."""
        return cls.from_polygons(widen(rings, plane, clearance_nm), plane)

    @classmethod
    def from_polygons(cls, polygons: Geometries, plane: Plane) -> Outline:
        """Outline of disjoint plane polygons with the inside on the left."""
        rings = rings_from_polygons(polygons, plane)
        area = _solid_angles(rings, plane)
        return cls(rings, plane, area, _find_components(shapely.get_rings(polygons), area))

    def simplify(self, tolerance_km: float, fill_km: float = FILL_KM) -> Outline:
        """Outline with fewer points that covers this one and parts the same free components.

        Bays are filled up to a reach, which changes no shortest path between points outside it;
        corners are capped up to the tolerance, which does, by what turns around them.
        """
        return replace(self, rings=simplify_rings(self.rings, fill_km, tolerance_km))

    @cached_property
    def polygons(self) -> Geometries:
        """Polygons in the plane, rings with the inside on the left."""
        xy = self.plane.project(self.rings.point)
        lines = np.asarray(shapely.linearrings(xy, indices=self.rings.ring), dtype=object)
        # each shell is followed by its holes
        whose = np.cumsum(self.area > 0.0) - 1
        return np.asarray(shapely.polygons(lines, indices=whose), dtype=object)

    def locate(self, points: Floats) -> Ints:
        """Free component of each point (unit vectors, (n, 3)), or `CLOSED`."""
        away = -self.plane.axes[2]  # open, and outside all rings
        # by way of a third point, so that neither leg comes near half a circle
        aside = np.where(points @ away < -0.9, 2.0, 0.0)[:, None] * self.plane.axes[0]
        middle = points + away + aside
        middle /= np.linalg.norm(middle, axis=1, keepdims=True)
        tree = self.rings.tree
        ring = np.append(self.rings.ring, -1)[tree.item].astype(np.int32)
        with kernels.few_threads(4 * len(points)):
            around = kernels.find_rings_around(
                points, middle, away, tree.edge, tree.ball, ring, self.area
            )
        shell = np.append(self.area > 0.0, False)[around]
        component = np.where(around < 0, len(self.area), around)
        return np.asarray(np.where(shell, CLOSED, component), np.int32)

    @cached_property
    def cores(self) -> Floats:
        """Discs (k, 4) inside large rings: centre and sine of the radius, the largest first."""
        tries = [np.empty((0, 3))]
        for ring in np.flatnonzero(self.area > _CORE_AREA):
            point = self.rings.point[self.rings.first[ring] : self.rings.first[ring + 1]]
            tries.append(_spread_over(point, np.sqrt(self.area[ring]) / _CORE_TRIES))
        points = np.concatenate(tries)
        points = points[self.locate(points) == CLOSED]
        tree = self.rings.tree
        with kernels.few_threads(4 * len(points)):
            depth = kernels.measure_depths(points, tree.edge, tree.ball)
        left = np.flatnonzero(depth > _CORE_LEAST)
        chosen: list[int] = []
        while len(left) and len(chosen) < _CORE_MOST:
            best = int(left[np.argmax(depth[left])])
            chosen.append(best)
            left = left[points[left] @ points[best] < np.cos(0.7 * depth[best])]
        return np.hstack((points[chosen], np.sin(0.999 * depth[chosen])[:, None]))

    def largest_component(self) -> int:
        """Free component with the largest area on the sphere."""
        size = np.append(np.maximum(-self.area, 0.0), 4.0 * np.pi)
        np.subtract.at(size, self.component, np.maximum(self.area, 0.0))
        return int(np.argmax(size))

    def component_rim(self, component: int) -> Floats:
        """Ends (k, 6) of the edges that bound a free component."""
        chosen = self.component[self.rings.ring] == component
        edges = np.hstack((self.rings.point, self.rings.point[self.rings.after]))
        return np.asarray(edges[chosen])


def _spread_over(point: Floats, step: float) -> Floats:
    """Points on a grid of some angle over the cap that holds points."""
    middle = point.mean(axis=0)
    middle /= np.linalg.norm(middle)
    across = np.cross(middle, np.eye(3)[np.argmin(np.abs(middle))])
    across /= np.linalg.norm(across)
    axes = np.stack((across, np.cross(middle, across)))
    low, high = (point @ axes.T).min(axis=0), (point @ axes.T).max(axis=0)
    x, y = (np.arange(a + 0.5 * step, b, step) for a, b in zip(low, high, strict=True))
    flat = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    flat = flat[np.sum(flat * flat, axis=1) < 1.0]
    up = np.sqrt(1.0 - np.sum(flat * flat, axis=1))
    return np.asarray(flat @ axes + up[:, None] * middle)


def _solid_angles(rings: Rings, plane: Plane) -> Floats:
    """Steradians inside plane rings, positive if they run anticlockwise."""
    a = plane.project(rings.point) / (2.0 * geodesy.EARTH_RADIUS_KM)
    b = a[rings.after]
    cross = a[:, 0] * b[:, 1] - b[:, 0] * a[:, 1]
    middle = 1.0 + np.sum((0.5 * (a + b)) ** 2, axis=1)
    count = len(rings.first) - 1
    return np.asarray(np.bincount(rings.ring, 2.0 * cross / middle, count), np.float64)


def _find_components(rings: Geometries, area: Floats) -> Ints:
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
