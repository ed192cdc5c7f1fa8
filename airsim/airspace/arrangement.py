"""Edges of a layer, each once, with the areas on its sides; no seam at 180, none at the poles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from airsim.geodesy import angle_between, interpolate_arc, unit_vectors

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]

SNAP = 1_000_000_000  # vertices lie on a grid of 1e-9 degrees (0.1 mm)
_MAX_EDGE = np.radians(15.0)  # longer edges are cut: kernels ask for far less than 90 degrees
_EAST, _POLE = 180 * SNAP, 90 * SNAP


@dataclass(frozen=True, slots=True, eq=False)
class Arrangement:
    """Boundary edges of one layer.

    Parameters
    ----------
    vertex : ndarray, shape (V, 3)
        Unit vectors.
    edge : ndarray of int32, shape (E, 2)
        Vertices of each edge, a great-circle arc.
    label_start : ndarray of int32, shape (E + 1,)
        Edge e bounds the areas ``label_area[label_start[e]:label_start[e + 1]]``.
    label_area, label_side : ndarray of int32 and int8, shape (K,)
        Area, and 1 where it lies left of the edge, -1 where it lies right.
    """

    vertex: Floats
    edge: NDArray[np.int32]
    label_start: NDArray[np.int32]
    label_area: NDArray[np.int32]
    label_side: NDArray[np.int8]


def snap_degrees(lonlat: Floats) -> Longs:
    """Grid coordinates of (lon, lat) degrees."""
    return np.rint(lonlat * SNAP).astype(np.int64)


def _pair_edges(
    grid: Longs, vertex_start: Longs, ring_area: NDArray[np.int32]
) -> tuple[Longs, Longs, Longs]:
    """Directed edges of all rings as (from, to, area): grid points (E, 2), (E, 2), (E,)."""
    count = np.diff(vertex_start)
    following = np.arange(1, grid.shape[0] + 1)
    full = count > 0
    following[vertex_start[1:][full] - 1] = vertex_start[:-1][full]
    area = np.repeat(ring_area.astype(np.int64), count)
    point = grid.copy()
    point[point[:, 0] == -_EAST, 0] = _EAST
    point[np.abs(point[:, 1]) == _POLE, 0] = 0
    return point, point[following], area


def _cancel_seam(start: Longs, end: Longs, area: Longs) -> tuple[Longs, Longs, Longs]:
    """Replace edges along the meridian of 180 by the stretches that bound their area.

    Rings are split at the meridian, with vertices of their own on either side: stretches covered
    an even number of times by one area lie inside it or outside it.
    """

    def on_seam(point: Longs) -> NDArray[np.bool_]:
        return np.asarray((point[:, 0] == _EAST) | (np.abs(point[:, 1]) == _POLE))

    seam = on_seam(start) & on_seam(end)
    new_start, new_end, new_area = [start[~seam]], [end[~seam]], [area[~seam]]
    for one in np.unique(area[seam]):
        mine = seam & (area == one)
        low, high = start[mine, 1], end[mine, 1]
        step = np.where(low < high, 1, -1)
        ends = np.unique(np.concatenate((low, high)))
        # cover[k]: net and total number of edges over the stretch from ends[k] to ends[k + 1]
        net, total = np.zeros(ends.size, np.int64), np.zeros(ends.size, np.int64)
        at_low = np.searchsorted(ends, np.minimum(low, high))
        at_high = np.searchsorted(ends, np.maximum(low, high))
        np.add.at(net, at_low, step)
        np.add.at(net, at_high, -step)
        np.add.at(total, at_low, 1)
        np.add.at(total, at_high, -1)
        net, total = np.cumsum(net), np.cumsum(total)
        keep = np.flatnonzero(total[:-1] % 2 == 1)
        lon = np.full(ends.size, _EAST)
        lon[np.abs(ends) == _POLE] = 0
        stretch = np.stack((lon, ends), axis=1)
        up = net[keep] > 0
        new_start.append(np.where(up[:, None], stretch[keep], stretch[keep + 1]))
        new_end.append(np.where(up[:, None], stretch[keep + 1], stretch[keep]))
        new_area.append(np.full(keep.size, one))
    return np.concatenate(new_start), np.concatenate(new_end), np.concatenate(new_area)


def _cut_long_edges(
    vertex: Floats, tail: Longs, head: Longs, area: Longs, side: Longs
) -> tuple[Floats, Longs, Longs, Longs, Longs]:
    """Cut long edges into equal parts, the same for each area that shares one."""
    pieces = np.ceil(angle_between(vertex[tail], vertex[head]) / _MAX_EDGE).astype(np.int64)
    long = np.flatnonzero(pieces > 1)
    if not long.size:
        return vertex, tail, head, area, side
    parts = [(np.delete(tail, long), np.delete(head, long), np.delete(area, long),
              np.delete(side, long))]  # fmt: skip
    made: dict[tuple[int, int], Longs] = {}
    vertices = [vertex]
    count = vertex.shape[0]
    for e in long:
        key = (int(tail[e]), int(head[e]))
        if key not in made:
            share = np.arange(1, pieces[e]) / pieces[e]
            a, b = vertex[key[0]][None, :], vertex[key[1]][None, :]
            vertices.append(interpolate_arc(a, b, share))
            inner = count + np.arange(share.size)
            made[key] = np.concatenate(([key[0]], inner, [key[1]]))
            count += share.size
        chain = made[key]
        many = np.full(chain.size - 1, 1)
        parts.append((chain[:-1], chain[1:], many * area[e], many * side[e]))
    tail, head, area, side = (np.concatenate(column) for column in zip(*parts, strict=True))
    return np.concatenate(vertices), tail, head, area, side


def _number_points(grid: Longs) -> tuple[Longs, Longs]:
    """Different points, and the number of each one given; near points get near numbers."""
    order = np.lexsort((grid[:, 1], grid[:, 0], grid[:, 1] // SNAP))
    rows = grid[order]
    fresh = np.ones(rows.shape[0], np.bool_)
    fresh[1:] = np.any(rows[1:] != rows[:-1], axis=1)
    number = np.empty(rows.shape[0], np.int64)
    number[order] = np.cumsum(fresh) - 1
    return rows[fresh], number


def arrange_edges(
    lonlat: Floats,
    vertex_start: Longs,
    ring_area: NDArray[np.int32],
) -> Arrangement:
    """Merge the rings of all areas of a layer into edges with areas on their sides.

    Parameters
    ----------
    lonlat : ndarray, shape (V, 2)
        Ring vertices in degrees, rings closed implicitly, shells anticlockwise, holes clockwise.
    vertex_start : ndarray of int64, shape (R + 1,)
        Vertices of each ring.
    ring_area : ndarray of int32, shape (R,)
        Area of each ring.

    Returns
    -------
    Arrangement
        Edges that one area covers an even number of times are gone.
    """
    start, end, area = _pair_edges(snap_degrees(lonlat), vertex_start, ring_area)
    start, end, area = _cancel_seam(start, end, area)
    points, number = _number_points(np.concatenate((start, end)))
    number = number.reshape(2, -1)
    tail, head = number.min(axis=0), number.max(axis=0)
    side = np.where(number[0] < number[1], 1, -1)
    # edges of no length say nothing; the same edge twice in one area cancels itself
    keep = tail != head
    tail, head, area, side = tail[keep], head[keep], area[keep], side[keep]
    order = np.lexsort((side, area, head, tail))
    tail, head, area, side = tail[order], head[order], area[order], side[order]
    if tail.size:
        fresh = np.ones(tail.size, np.bool_)
        fresh[1:] = (np.diff(tail) != 0) | (np.diff(head) != 0) | (np.diff(area) != 0)
        group = np.flatnonzero(fresh)
        times = np.diff(np.append(group, tail.size))
        net = np.add.reduceat(side, group)
        odd = times % 2 == 1
        group, side = group[odd], np.where(net[odd] >= 0, 1, -1)
        tail, head, area = tail[group], head[group], area[group]
    vertex = unit_vectors(points[:, 0] / SNAP, points[:, 1] / SNAP).reshape(-1, 3)
    vertex, tail, head, area, side = _cut_long_edges(vertex, tail, head, area, side)
    order = np.lexsort((area, head, tail))
    tail, head, area, side = tail[order], head[order], area[order], side[order]
    first = np.ones(tail.size, np.bool_)
    first[1:] = (np.diff(tail) != 0) | (np.diff(head) != 0)
    at = np.flatnonzero(first)
    return Arrangement(
        vertex=vertex,
        edge=np.stack((tail[at], head[at]), axis=1).astype(np.int32),
        label_start=np.append(at, tail.size).astype(np.int32),
        label_area=area.astype(np.int32),
        label_side=side.astype(np.int8),
    )
