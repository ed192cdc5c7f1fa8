"""Boundaries of closed sets as rings on the sphere, closed on the left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from airsim import geodesy, kernels
from airsim.airspace import Atlas, Layer
from airsim.routing.tree import EdgeTree

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Area = tuple[str, int]

_MARGIN_KM = 0.03  # simplification brings no vertex nearer to an edge than that
_STEPS = 6  # it starts with what reaches 1/32 of its tolerance


@dataclass(frozen=True, eq=False)
class Rings:
    """Closed chains of great-circle edges.

    Parameters
    ----------
    point : ndarray, shape (n, 3)
        Unit vectors, ring by ring; an edge runs from each point to the next of its ring.
    first : ndarray of int64, shape (rings + 1,)
        Ring r has the points ``first[r]:first[r + 1]``.
    owner : ndarray of int64, shape (n,)
        A number carried along with each edge.
    """

    point: Floats
    first: Longs
    owner: Longs

    @cached_property
    def ring(self) -> Longs:
        """Ring of each point."""
        return np.repeat(np.arange(len(self.first) - 1), np.diff(self.first))

    @cached_property
    def after(self) -> Longs:
        """Number of the next point of each point's ring."""
        following = np.arange(1, len(self.point) + 1)
        following[self.first[1:] - 1] = self.first[:-1]
        return following

    @cached_property
    def before(self) -> Longs:
        """Number of the previous point of each point's ring."""
        result = np.empty_like(self.after)
        result[self.after] = np.arange(len(result))
        return result

    @cached_property
    def tree(self) -> EdgeTree:
        """Tree over the edges; each item is the number of an edge's first point."""
        return EdgeTree.from_edges(self.point, self.point[self.after])


def bound_areas(atlas: Atlas, closed: Sequence[Area]) -> Rings:
    """Rings around closed areas; `owner` is a position in the closed set.

    Edges between two closed areas of one layer are gone. Rings of areas that overlap cross.
    """
    vertices, edges = [np.empty((0, 3))], [np.empty((3, 0), np.int64)]
    for name in dict.fromkeys(name for name, _ in closed):
        layer = atlas.layer(name)
        place = np.full(len(layer), -1)
        for k, (its_layer, position) in enumerate(closed):
            if its_layer == name:
                place[position] = k
        shift = sum(len(v) for v in vertices)
        tail, head, owner = bound_edges(layer, place)
        edges.append(np.stack((tail + shift, head + shift, owner)))
        vertices.append(layer.arrangement.vertex)
    return chain_edges(np.concatenate(vertices), *np.concatenate(edges, axis=1))


def bound_edges(layer: Layer, place: Longs) -> tuple[Longs, Longs, Longs]:
    """Edges around the areas whose `place` is not below 0: from, to, and the place of the area.

    The areas are on the left. Each edge is there as often as more of them are left than right.
    """
    arrangement = layer.arrangement
    label = np.flatnonzero(place[arrangement.label_area] >= 0)
    edge = np.searchsorted(arrangement.label_start, label, side="right") - 1
    side = arrangement.label_side[label].astype(np.int64)
    net = np.bincount(edge, side, len(arrangement.edge)).astype(np.int64)
    # of the areas on the side that has more, the first ones keep the edge
    mine = np.flatnonzero(side * net[edge] > 0)
    edge, side, label = edge[mine], side[mine], label[mine]
    rank = np.arange(len(edge)) - np.searchsorted(edge, edge)
    keep = rank < np.abs(net[edge])
    ends, forward = arrangement.edge[edge[keep]].astype(np.int64), side[keep] > 0
    owner = place[arrangement.label_area[label[keep]]]
    return (
        np.where(forward, ends[:, 0], ends[:, 1]),
        np.where(forward, ends[:, 1], ends[:, 0]),
        owner,
    )


def chain_edges(vertex: Floats, tail: Longs, head: Longs, owner: Longs) -> Rings:
    """Rings of directed edges, of which as many leave each vertex as arrive."""
    chain, first = kernels.chain_rings(vertex, np.ascontiguousarray(tail), head)
    return Rings(vertex[tail[chain]], first, owner[chain])


def simplify_rings(rings: Rings, fill_km: float, push_km: float) -> Rings:
    """Rings with fewer points, whose closed side covers that of the given ones.

    Parameters
    ----------
    rings : Rings
        That do not touch.
    fill_km : float
        Reach of ears: a concave corner is cut off if nothing else lies in it. That changes no
        shortest path between points outside all ears.
    push_km : float
        Height of caps: two convex corners become one, if nothing else lies in between.

    Returns
    -------
    Rings
        That do not touch either, as many, each around the same others as before. Nothing in them
        is farther than both reaches together from what was closed. `owner` is the number of the
        first given edge that an edge stands for.
    """
    if fill_km <= 0.0 and push_km <= 0.0:
        return replace(rings, owner=np.arange(len(rings.point)))
    point, before, after = rings.point.copy(), rings.before.copy(), rings.after.copy()
    fill, push, margin = np.array((fill_km, push_km, _MARGIN_KM)) / geodesy.EARTH_RADIUS_KM
    kernels.simplify_rings(
        point, before, after, np.diff(rings.first), rings.ring, rings.tree.item,
        rings.tree.ball.copy(), float(fill), float(push), float(margin), _STEPS,
    )  # fmt: skip
    left = after >= 0
    first = np.concatenate(([0], np.cumsum(left)))[rings.first]
    return Rings(point[left], first, np.flatnonzero(left))
