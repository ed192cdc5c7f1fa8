"""Visibility graph of an outline on the sphere, and shortest paths over it.

Shortest paths around obstacles turn only at convex corners and touch each on one side. Corners are
moved outward by a hair, obstacles are not: no leg lies along an edge, so plain signs decide.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from airsim import kernels
from airsim.routing.outline import EdgeTree, Outline, order_near
from airsim.routing.plane import Geometries, choose_plane, project_polygons, widen

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

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
class Graph:
    """Convex corners of an outline and the legs between them.

    Parameters
    ----------
    outline : Outline
    corner : ndarray, shape (n, 3)
        Unit vectors, a hair outside the outline.
    side : ndarray, shape (n, 6)
        Unit normals of the great circles to both neighbours on the ring.
    component : ndarray of int32, shape (n,)
        Free component of each corner.
    links : csr_array
        Legs between corners, each way, in mm.
    """

    outline: Outline
    corner: Floats
    side: Floats
    component: Ints
    links: csr_array


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
    flat, _ = project_polygons(polygons, plane)
    return link_outline(Outline.from_polygons(widen(flat, plane, clearance_nm), plane))


def link_outline(outline: Outline) -> Graph:
    """Visibility graph around an outline."""
    corner, side, ring = _find_corners(outline)
    component = outline.ring_component[ring]
    row, column = _find_legs(corner, side, component, outline.tree)
    weight = approximate_geodesic_mm(corner[row], corner[column])
    links = csr_array(
        (np.tile(weight, 2), (np.append(row, column), np.append(column, row))),
        shape=(len(corner), len(corner)),
    )
    return Graph(outline, corner, side, component, links)


def _find_corners(outline: Outline) -> tuple[Floats, Floats, Ints]:
    """Convex corners a hair outside the outline, normals to their neighbours, their rings."""
    ring = outline.ring
    if not len(ring):
        return np.empty((0, 3)), np.empty((0, 6)), ring
    xy = outline.plane.project(outline.start)
    size = np.bincount(ring)[ring]
    first = np.searchsorted(ring, ring)
    place = np.arange(len(ring)) - first
    before, after = first + (place - 1) % size, first + (place + 1) % size
    step = xy[after] - xy
    step /= np.linalg.norm(step, axis=1, keepdims=True)
    out = np.stack((step[:, 1], -step[:, 0]), axis=1)  # the inside is on the left
    both = out[before] + out
    mitre = both / np.maximum(1.0 + np.sum(out[before] * out, axis=1, keepdims=True), 0.1)
    moved = xy + _HAIR_KM * mitre
    u = outline.plane.unproject(moved)
    normal_a, normal_b = np.cross(u, u[before]), np.cross(u, u[after])
    normal_a /= np.linalg.norm(normal_a, axis=1, keepdims=True)
    normal_b /= np.linalg.norm(normal_b, axis=1, keepdims=True)
    turn = np.sum(np.cross(normal_b, normal_a) * u, axis=1)  # sine of the angle to the left
    chosen = np.flatnonzero((turn > _STRAIGHT) & ~_covered(moved, outline.polygons))
    chosen = chosen[order_near(u[chosen])]
    return u[chosen], np.hstack((normal_a, normal_b))[chosen], ring[chosen]


def _covered(xy: Floats, polygons: Geometries) -> NDArray[np.bool_]:
    """Which plane points lie inside polygons: across a gap narrower than the hair."""
    closed = shapely.MultiPolygon(list(polygons))
    shapely.prepare(closed)
    return np.asarray(shapely.contains_xy(closed, xy[:, 0], xy[:, 1]))


def _find_legs(corner: Floats, side: Floats, component: Ints, tree: EdgeTree) -> tuple[Ints, Ints]:
    """Pairs of corners that see each other and are tangent at both ends."""
    if not len(corner):
        return np.empty(0, np.int32), np.empty(0, np.int32)
    near = EdgeTree.from_ordered(corner, corner).ball
    return _fill_rows(
        lambda room: kernels.find_legs(corner, side, component, near, tree.edge, tree.ball, room)
    )


def _fill_rows(search: Callable[[int], tuple[Ints, Ints]]) -> tuple[Ints, Ints]:
    """Row and column numbers of a ragged table, searched again where the room was too small."""
    room = 64
    found, count = search(room)
    if count.max(initial=0) > room:
        room = int(count.max())
        found, count = search(room)
    row = np.repeat(np.arange(len(count), dtype=np.int32), count)
    return row, found[np.arange(room) < count[:, None]]


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
    direct = graph.outline.sees(origin, destination)
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
        if not np.isfinite(total).any():
            result.append(None)
            continue
        node = int(near[np.argmin(total)])
        chain = [destination[k]]
        while node >= 0:
            chain.append(every[node])
            node = int(previous[row[k], node])
        result.append((float(total.min()) * 1e-6, np.array(chain[::-1])))
    return result


def _link_points(graph: Graph, points: Floats) -> csr_array:
    """Legs from points to the corners they see, in mm, shape (points, corners)."""
    component, tree = graph.outline.locate(points), graph.outline.tree
    row, column = _fill_rows(
        lambda room: kernels.find_point_legs(
            points, component, graph.corner, graph.side, graph.component, tree.edge, tree.ball, room
        )
    )
    weight = approximate_geodesic_mm(points[row], graph.corner[column])
    start = np.searchsorted(row, np.arange(len(points) + 1))
    return csr_array((weight, column, start), shape=(len(points), len(graph.corner)))
