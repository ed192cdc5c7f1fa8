"""Visibility graph of an outline on the sphere, and shortest paths over it.

Shortest paths around obstacles turn only at convex corners and touch each on one side. Corners are
moved outward by a hair, obstacles are not: no leg lies along an edge, so plain signs decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from airsim import geodesy, kernels
from airsim.routing.plane import Geometries, Plane, choose_plane, project_polygons, slack_for, widen
from airsim.units import KM_PER_NM

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

CLOSED = -1  # component of a point inside the outline
_HAIR_KM = 0.003  # corners stand off the outline by this plane distance
_STRAIGHT = 1e-9  # radians: a corner that turns less is none
_EQUATOR_KM = 6378.137  # WGS84
_FLATTENING = 1 / 298.257223563


def approximate_geodesic_mm(a: Floats, b: Floats) -> Floats:
    """Whole millimetres between points (unit vectors), a few metres off WGS84 at 10,000 km.

    Whole numbers add up to the same sum in any order. Andoyer-Lambert formula, undefined near
    antipodes.
    """
    u, v = (_reduced(x) for x in (a, b))
    half = 0.5 * np.linalg.norm(u - v, axis=-1)
    angle = 2.0 * np.arcsin(np.minimum(half, 1.0))
    sine = np.sin(angle)
    squash = (angle - sine) * (u[..., 2] + v[..., 2]) ** 2 / np.maximum(1.0 - half**2, 1e-9)
    squash += (angle + sine) * (u[..., 2] - v[..., 2]) ** 2 / np.maximum(half**2, 1e-30)
    km = _EQUATOR_KM * (angle - _FLATTENING / 8.0 * squash)
    return np.asarray(np.rint(1e6 * km))


def _reduced(xyz: Floats) -> Floats:
    v = xyz * np.array([1.0, 1.0, 1.0 - _FLATTENING])
    return np.asarray(v / np.linalg.norm(v, axis=-1, keepdims=True))


@dataclass(frozen=True, slots=True, eq=False)
class EdgeTree:
    """Edges (n, 6) as pairs of unit vectors, in groups below a binary tree of balls (m, 4)."""

    edge: Floats
    ball: Floats

    @classmethod
    def from_edges(cls, a: Floats, b: Floats) -> EdgeTree:
        """Tree of edges from a to b, unit vectors (n, 3)."""
        size = kernels.LEAF_EDGES
        leaves = 1
        while leaves * size < len(a):
            leaves *= 2
        if not len(a):  # one edge of no length cuts nothing
            a = b = np.array([[1.0, 0.0, 0.0]])
        order = np.argsort(_interleave(0.5 * (a + b)), kind="stable")
        # the tree is filled up with repeats, spread out so that its halves stay balanced
        order = order[np.arange(leaves * size) * len(a) // (leaves * size)]
        a, b = a[order], b[order]
        bulge = np.sum((b - a) ** 2, axis=1) / 8.0 + 1e-12
        ball = np.zeros((2 * leaves, 4))
        count = leaves
        while count:
            pa, pb = a.reshape(count, -1, 3), b.reshape(count, -1, 3)
            low = np.minimum(pa.min(axis=1), pb.min(axis=1))
            centre = 0.5 * (low + np.maximum(pa.max(axis=1), pb.max(axis=1)))
            far = np.maximum(_distance(pa, centre[:, None]), _distance(pb, centre[:, None]))
            ball[count : 2 * count, :3] = centre
            ball[count : 2 * count, 3] = np.max(far + bulge.reshape(count, -1), axis=1)
            count //= 2
        return cls(np.hstack((a, b)), ball)


def _distance(a: Floats, b: Floats) -> Floats:
    return np.asarray(np.sqrt(np.sum((a - b) ** 2, axis=-1)))


def _interleave(xyz: Floats) -> NDArray[np.int64]:
    """Keys along a space-filling curve: near points get near keys."""
    cell = ((np.clip(xyz, -1.0, 1.0) + 1.0) * 524287.0).astype(np.int64)
    key = np.zeros(len(xyz), np.int64)
    for bit in range(20):
        for axis in range(3):
            key |= ((cell[:, axis] >> bit) & 1) << (3 * bit + axis)
    return key


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """What `build_graph` makes.

    Parameters
    ----------
    clearance_nm : float
        Kept by every leg from the polygons.
    plane, outline
        The widened polygons in the plane.
    tree : EdgeTree
        Edges of the outline on the sphere.
    ring_edge : ndarray, shape (edges, 6)
    ring : ndarray of int32
        Ring of each edge in `ring_edge`.
    ring_area : ndarray
        Steradians inside each ring; negative for holes.
    ring_component : ndarray of int32
        Free component on the open side of each ring: the hole's ring, or `len(ring_area)` outside
        all.
    corner : ndarray, shape (n, 3)
    side : ndarray, shape (n, 6)
        Unit normals of the great circles to the neighbours on the ring.
    component : ndarray of int32, shape (n,)
        Free component of each corner.
    links : csr_array
        Legs between corners, each way, in mm.
    """

    clearance_nm: float
    plane: Plane
    outline: Geometries
    tree: EdgeTree
    ring_edge: Floats
    ring: Ints
    ring_area: Floats
    ring_component: Ints
    corner: Floats
    side: Floats
    component: Ints
    links: csr_array

    def locate(self, points: Floats) -> Ints:
        """Free component of each point (unit vectors), or `CLOSED`."""
        rings = len(self.ring_area)
        away = -self.plane.axes[2]  # open, and outside all rings
        # two legs by way of a side point where one leg would be near half a circle
        aside = np.where(points @ away < -0.9, 1.0, 0.0)[:, None] * self.plane.axes[0]
        middle = points + away + 2.0 * aside
        middle /= np.linalg.norm(middle, axis=1, keepdims=True)
        goal = np.broadcast_to(away, points.shape)
        cuts = kernels.count_ring_cuts(points, middle, self.ring_edge, self.ring, rings)
        cuts = cuts + kernels.count_ring_cuts(middle, goal, self.ring_edge, self.ring, rings)
        inside = cuts % 2 == 1
        area = np.where(inside, np.abs(self.ring_area), np.inf)
        innermost = np.argmin(area, axis=1) if rings else np.zeros(len(points), np.int64)
        component = np.where(inside.any(axis=1), innermost, rings)
        closed = inside.any(axis=1) & (np.append(self.ring_area, -1.0)[component] > 0.0)
        return np.where(closed, CLOSED, component).astype(np.int32)

    def largest_component(self) -> int:
        """Free component with the largest area on the sphere."""
        size = np.append(np.maximum(-self.ring_area, 0.0), 4.0 * np.pi)
        np.subtract.at(size, self.ring_component, np.maximum(self.ring_area, 0.0))
        return int(np.argmax(size))

    def component_rim(self, component: int) -> Any:
        """Lines in the plane that bound a free component."""
        rings = shapely.get_rings(self.outline)
        return shapely.multilinestrings(rings[self.ring_component == component])

    def sees(self, a: Floats, b: Floats) -> NDArray[np.bool_]:
        """Whether the great circles from a to b (unit vectors) stay outside the outline."""
        return ~kernels.find_cut_legs(a, b, self.tree.edge, self.tree.ball)


def build_graph(polygons: Geometries, clearance_nm: float) -> Graph:
    """Visibility graph of the free space around polygons.

    Parameters
    ----------
    polygons : ndarray of Polygon or MultiPolygon
        (lon, lat) degrees, cut at 180, edges are great circles; they may overlap.
    clearance_nm : float
        Kept from them.

    Returns
    -------
    Graph
    """
    plane = choose_plane(polygons)
    flat = project_polygons(polygons, plane)
    outline = widen(flat, plane, clearance_nm * KM_PER_NM, slack_for(clearance_nm))
    return link_outline(outline, plane, clearance_nm)


def link_outline(outline: Geometries, plane: Plane, clearance_nm: float) -> Graph:
    """Visibility graph around disjoint plane polygons with the inside on the left."""
    rings = shapely.get_rings(outline)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    ring = ring.astype(np.int32)
    last = np.append(ring[1:] != ring[:-1], True) if len(ring) else np.zeros(0, bool)
    start, end = np.flatnonzero(~last), np.flatnonzero(~last) + 1
    xyz = plane.unproject(xy)
    area = _signed_areas(xy, start, end, ring, len(rings))
    corner, side, corner_ring = _find_corners(xy, ring, last, plane, outline)
    ring_component = _ring_components(rings, area)
    component = ring_component[corner_ring]
    tree = EdgeTree.from_edges(xyz[start], xyz[end])
    row, column = _find_legs(corner, side, component, tree)
    weight = approximate_geodesic_mm(corner[row], corner[column])
    links = csr_array(
        (np.tile(weight, 2), (np.append(row, column), np.append(column, row))),
        shape=(len(corner), len(corner)),
    )
    return Graph(
        clearance_nm, plane, outline, tree, np.hstack((xyz[start], xyz[end])), ring[start],
        area, ring_component, corner, side, component, links,
    )  # fmt: skip


def _signed_areas(
    xy: Floats, start: NDArray[np.int64], end: NDArray[np.int64], ring: Ints, rings: int
) -> Floats:
    """Steradians inside plane rings, positive if they run anticlockwise."""
    t = xy / (2.0 * geodesy.EARTH_RADIUS_KM)
    a, b = t[start], t[end]
    cross = a[:, 0] * b[:, 1] - b[:, 0] * a[:, 1]
    middle = 1.0 + np.sum((0.5 * (a + b)) ** 2, axis=1)
    return np.bincount(ring[start], 2.0 * cross / middle, rings)


def _find_corners(
    xy: Floats, ring: Ints, last: NDArray[np.bool_], plane: Plane, outline: Geometries
) -> tuple[Floats, Floats, Ints]:
    """Convex corners a hair outside the outline, normals to their neighbours, their rings."""
    keep = np.flatnonzero(~last)
    first = np.searchsorted(ring[keep], ring[keep])
    size = np.bincount(ring[keep])[ring[keep]] if len(keep) else first
    place = np.arange(len(keep)) - first
    before, after = first + (place - 1) % size, first + (place + 1) % size
    xy, ring = xy[keep], ring[keep]
    step = xy[after] - xy
    step /= np.linalg.norm(step, axis=1, keepdims=True)
    out = np.stack((step[:, 1], -step[:, 0]), axis=1)  # the inside is on the left
    in_, out_ = out[before], out
    mitre = (in_ + out_) / np.maximum(1.0 + np.sum(in_ * out_, axis=1, keepdims=True), 0.1)
    moved = xy + _HAIR_KM * mitre
    u = plane.unproject(moved)
    a, b = u[before], u[after]
    normal_a, normal_b = np.cross(u, a), np.cross(u, b)
    normal_a /= np.linalg.norm(normal_a, axis=1, keepdims=True)
    normal_b /= np.linalg.norm(normal_b, axis=1, keepdims=True)
    # turning left by the angle between the directions (from a to u) and (from u to b)
    turn = np.sum(np.cross(normal_b, normal_a) * u, axis=1)
    convex = (turn > _STRAIGHT) & ~_covered(moved, outline)
    side = np.hstack((normal_a, normal_b))
    return u[convex], side[convex], ring[convex]


def _covered(xy: Floats, outline: Geometries) -> NDArray[np.bool_]:
    """Which plane points lie inside the outline (gaps narrower than the hair)."""
    covered = np.zeros(len(xy), bool)
    # the side that is asked is prepared: polygons, not points
    covered[shapely.STRtree(shapely.points(xy)).query(outline, predicate="contains")[1]] = True
    return covered


def _ring_components(rings: Geometries, area: Floats) -> Ints:
    """Free component that each ring bounds: itself for a hole, else the hole around its polygon."""
    component = np.arange(len(rings), dtype=np.int32)
    shell = np.flatnonzero(area > 0.0)
    component[shell] = len(rings)
    hole = np.flatnonzero(area < 0.0)
    if len(hole):
        inner = shapely.points(shapely.get_coordinates(shapely.get_point(rings[shell], 0)))
        found = shapely.STRtree(inner).query(shapely.polygons(rings[hole]), predicate="contains")
        order = np.argsort(area[hole[found[0]]], kind="stable")  # the smallest hole comes last
        component[shell[found[1][order]]] = hole[found[0][order]]
    return component


def _find_legs(
    corner: Floats, side: Floats, component: Ints, tree: EdgeTree
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of corners that see each other and are tangent at both ends."""
    start, column = kernels.find_tangent_pairs(corner, side, component)
    row = np.repeat(np.arange(len(corner)), np.diff(start))
    column = column.astype(np.int64)
    free = ~kernels.find_cut_legs(corner[row], corner[column], tree.edge, tree.ball)
    return row[free], column[free]


def find_paths(
    graph: Graph, origin: Floats, destination: Floats
) -> list[tuple[float, Floats] | None]:
    """Shortest paths between pairs of points that are outside the outline.

    Parameters
    ----------
    graph : Graph
    origin, destination : ndarray, shape (n, 3)
        Unit vectors.

    Returns
    -------
    list of (float, ndarray) or None
        Length in km (a few metres off WGS84) and the turning points with both ends, shape
        (k, 3); None if there is no path.
    """
    points, place = np.unique(np.vstack((origin, destination)), axis=0, return_inverse=True)
    source, target = place[: len(origin)], place[len(origin) :]
    seen = _link_points(graph, points)
    n = len(graph.corner)
    every = np.vstack((graph.corner, points))
    wide = csr_array(
        (
            np.append(graph.links.data, seen.data),
            np.append(graph.links.indices, seen.indices),
            np.append(graph.links.indptr, seen.indptr[1:] + len(graph.links.data)),
        ),
        shape=(len(every), len(every)),
    )
    direct = graph.sees(origin, destination)
    length = approximate_geodesic_mm(origin, destination)
    starts = np.unique(source[~direct])
    far, previous = dijkstra(wide, indices=starts + n, return_predecessors=True)
    row = np.searchsorted(starts, source)
    result: list[tuple[float, Floats] | None] = []
    for k in range(len(origin)):
        if direct[k]:
            result.append((length[k] * 1e-6, np.stack((origin[k], destination[k]))))
            continue
        first, last = seen.indptr[target[k]], seen.indptr[target[k] + 1]
        near = seen.indices[first:last]
        total = far[row[k], near] + seen.data[first:last]
        if not len(near) or not np.isfinite(total.min()):
            result.append(None)
            continue
        node = near[np.argmin(total)]
        chain = [destination[k]]
        while node >= 0:
            chain.append(every[node])
            node = previous[row[k], node]
        result.append((float(total.min()) * 1e-6, np.array(chain[::-1])))
    return result


def _link_points(graph: Graph, points: Floats) -> csr_array:
    """Legs from points to the corners they see, in mm, shape (points, corners)."""
    component = graph.locate(points)
    tangent = kernels.find_tangent_corners(
        points, component, graph.corner, graph.side, graph.component
    )
    row, column = np.nonzero(tangent)
    free = graph.sees(points[row], graph.corner[column])
    row, column = row[free], column[free]
    weight = approximate_geodesic_mm(points[row], graph.corner[column])
    order = np.lexsort((column, row))
    start = np.searchsorted(row[order], np.arange(len(points) + 1))
    return csr_array((weight[order], column[order], start), shape=(len(points), len(graph.corner)))
