"""Edges on the sphere in a tree of balls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from airsim import kernels

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class EdgeTree:
    """Edges (n, 6) as pairs of unit vectors, in groups below a binary tree of balls (m, 4).

    `item` (n,) holds the number that each edge was given by, -1 where it only fills a group.
    """

    edge: Floats
    ball: Floats
    item: Longs

    @classmethod
    def from_edges(cls, a: Floats, b: Floats) -> EdgeTree:
        """Tree of edges from a to b, unit vectors (n, 3)."""
        return cls._from_ordered(a, b, order_near(0.5 * (a + b)))

    @classmethod
    def from_ordered(cls, a: Floats, b: Floats) -> EdgeTree:
        """Tree of edges in the order given."""
        return cls._from_ordered(a, b, np.arange(len(a)))

    @classmethod
    def _from_ordered(cls, a: Floats, b: Floats, order: Longs) -> EdgeTree:
        size = kernels.LEAF_EDGES
        while size < len(order):
            size *= 2
        item = np.full(size, -1)
        item[: len(order)] = order
        if not len(order):  # near nothing
            return cls(np.full((size, 6), np.nan), np.full((2, 4), np.nan), item)
        # what fills up is an edge without length, which cuts nothing, next to its neighbours
        edge = np.tile(a[order[-1]], (size, 2))
        edge[: len(order), :3], edge[: len(order), 3:] = a[order], b[order]
        return cls(edge, kernels.grow_balls(edge), item)

    def in_lanes(self) -> tuple[Floats, Floats, Longs]:
        """Edges in blocks and balls in groups, as `kernels.Corners` has them."""
        lanes = kernels.LEAF_EDGES
        row = len(self.ball) // 2
        rows = [row]
        while row > lanes:
            row //= lanes
            rows.insert(0, row)
        groups, below = [], []
        first = 0
        for row in rows:
            ball = np.full((max(row, lanes), 4), np.nan)  # near nothing
            ball[:row] = self.ball[row : 2 * row]
            groups.append(ball.reshape(-1, lanes, 4))
            first += len(groups[-1])
            below.append(first + lanes * np.arange(len(groups[-1])))
        below[-1] = ~(below[-1] - first)
        edge = self.edge.reshape(-1, lanes, 6).transpose(0, 2, 1)
        balls = np.concatenate(groups).transpose(0, 2, 1)
        return np.ascontiguousarray(edge), np.ascontiguousarray(balls), np.concatenate(below)


def order_near(xyz: Floats) -> Longs:
    """Order along a space-filling curve: near points get near places."""
    cell = ((np.clip(xyz, -1.0, 1.0) + 1.0) * 524287.0).astype(np.int64)
    key = np.zeros(len(xyz), np.int64)
    for bit in range(20):
        for axis in range(3):
            key |= ((cell[:, axis] >> bit) & 1) << (3 * bit + axis)
    return np.argsort(key, kind="stable")
