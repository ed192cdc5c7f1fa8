"""Visibility: legs against edges kept in a tree of balls."""

from __future__ import annotations

import math

import numpy as np
from numba import prange
from numpy.typing import NDArray

from airsim.kernels.compiling import Floats, Ints, compiled

# Edges lie in groups of LEAF_EDGES; node k of the tree has children 2k and 2k+1, leaves come last.
LEAF_EDGES = 8
_TANGENT = 1e-9  # radians: a leg that passes a corner's neighbour this near still is tangent


@compiled()
def grow_balls(edge: Floats) -> Floats:
    """Tree over edges (n, 6), n a power of two times LEAF_EDGES: centre and radius of each ball."""
    row = edge.shape[0] // LEAF_EDGES
    ball = np.zeros((2 * row, 4))
    while row:
        span = edge.shape[0] // row
        for k in range(row):
            member = edge[k * span : (k + 1) * span]
            radius = 0.0
            for axis in range(3):
                low, high = 2.0, -2.0
                for e in range(span):
                    low = min(low, member[e, axis], member[e, axis + 3])
                    high = max(high, member[e, axis], member[e, axis + 3])
                ball[row + k, axis] = 0.5 * (low + high)
            x, y, z = ball[row + k, 0], ball[row + k, 1], ball[row + k, 2]
            for e in range(span):
                ax, ay, az, bx, by, bz = member[e]
                a = math.sqrt((ax - x) ** 2 + (ay - y) ** 2 + (az - z) ** 2)
                b = math.sqrt((bx - x) ** 2 + (by - y) ** 2 + (bz - z) ** 2)
                # an arc of up to 60 degrees leaves its chord by less than a seventh of its square
                bulge = ((bx - ax) ** 2 + (by - ay) ** 2 + (bz - az) ** 2) / 7.0
                radius = max(radius, max(a, b) + bulge + 1e-12)
            ball[row + k, 3] = radius
        row //= 2
    return ball


@compiled()
def _leg_meets_ball(
    nx: float, ny: float, nz: float, mx: float, my: float, mz: float, reach: float, margin: float,
    ball: Floats,
) -> bool:  # fmt: skip
    """Whether a leg (normal n, middle m, cosine of its half length) may come near a ball."""
    x, y, z, radius = ball[0], ball[1], ball[2], ball[3] + margin
    return bool(
        abs(nx * x + ny * y + nz * z) <= radius and mx * x + my * y + mz * z >= reach - radius
    )


@compiled()
def _next_in_tree(node: int) -> int:
    """Node after the subtree of `node` in depth-first order; 0 at the end."""
    while node & 1:
        node >>= 1
    return node + 1 if node else 0


@compiled()
def _edge_cuts_leg(
    edge: Floats, px: float, py: float, pz: float, qx: float, qy: float, qz: float,
    nx: float, ny: float, nz: float, mx: float, my: float, mz: float,
) -> bool:  # fmt: skip
    """Whether edge (a, b as six numbers) crosses leg pq; a vertex on the leg counts as left."""
    ax, ay, az, bx, by, bz = edge[0], edge[1], edge[2], edge[3], edge[4], edge[5]
    da = nx * ax + ny * ay + nz * az
    db = nx * bx + ny * by + nz * bz
    if (da >= 0.0) == (db >= 0.0):
        return False
    ex, ey, ez = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
    if (ex * px + ey * py + ez * pz >= 0.0) == (ex * qx + ey * qy + ez * qz >= 0.0):
        return False
    # both great circles meet at two antipodal points: the edge must hold the leg's one
    wa, wb = abs(db), abs(da)
    return bool(
        mx * (wa * ax + wb * bx) + my * (wa * ay + wb * by) + mz * (wa * az + wb * bz) > 0.0
    )


@compiled()
def _leaf_cuts_leg(
    leaf: int, px: float, py: float, pz: float, qx: float, qy: float, qz: float,
    nx: float, ny: float, nz: float, mx: float, my: float, mz: float, edge: Floats,
) -> bool:  # fmt: skip
    """Whether an edge of a leaf (numbered from 0) crosses leg pq."""
    for e in range(leaf * LEAF_EDGES, (leaf + 1) * LEAF_EDGES):
        if _edge_cuts_leg(edge[e], px, py, pz, qx, qy, qz, nx, ny, nz, mx, my, mz):
            return True
    return False


@compiled()
def _leaf_that_cuts(p: Floats, q: Floats, edge: Floats, ball: Floats, hint: int) -> int:
    """Leaf with an edge that crosses leg pq, shorter than half a circle; -1 if none does.

    Leaf `hint` is tried first: the next leg from one point often meets the same edges.
    """
    px, py, pz, qx, qy, qz = p[0], p[1], p[2], q[0], q[1], q[2]
    nx, ny, nz = py * qz - pz * qy, pz * qx - px * qz, px * qy - py * qx
    size = math.sqrt(nx * nx + ny * ny + nz * nz)
    mx, my, mz = px + qx, py + qy, pz + qz
    middle = math.sqrt(mx * mx + my * my + mz * mz)
    if size == 0.0 or middle < 1e-6:
        return 0 if middle < 1e-6 else -1  # no great circle is the leg of antipodal points
    nx, ny, nz, mx, my, mz = nx / size, ny / size, nz / size, mx / middle, my / middle, mz / middle
    if hint >= 0 and _leaf_cuts_leg(hint, px, py, pz, qx, qy, qz, nx, ny, nz, mx, my, mz, edge):
        return hint
    leaves = ball.shape[0] // 2
    node = 1
    while node:
        if _leg_meets_ball(nx, ny, nz, mx, my, mz, 0.5 * middle, 0.0, ball[node]):
            if node < leaves:
                node *= 2
                continue
            if _leaf_cuts_leg(node - leaves, px, py, pz, qx, qy, qz, nx, ny, nz, mx, my, mz, edge):
                return int(node - leaves)
        node = _next_in_tree(node)
    return -1


@compiled()
def find_cut_legs(p: Floats, q: Floats, edge: Floats, ball: Floats) -> NDArray[np.bool_]:
    """Whether any edge crosses each leg pq."""
    cut = np.zeros(p.shape[0], np.bool_)
    for k in range(p.shape[0]):
        cut[k] = _leaf_that_cuts(p[k], q[k], edge, ball, -1) >= 0
    return cut


@compiled()
def _is_tangent(x: float, y: float, z: float, side: Floats) -> bool:
    """Whether the line from a corner to (x, y, z) leaves both neighbours on one hand."""
    s = side[0] * x + side[1] * y + side[2] * z
    t = side[3] * x + side[4] * y + side[5] * z
    return bool((s >= -_TANGENT and t >= -_TANGENT) or (s <= _TANGENT and t <= _TANGENT))


@compiled()
def _may_be_tangent(ball: Floats, side: Floats) -> bool:
    """Whether a line from a corner to some point in a ball may be tangent."""
    x, y, z, radius = ball[0], ball[1], ball[2], ball[3] + _TANGENT
    s = side[0] * x + side[1] * y + side[2] * z
    t = side[3] * x + side[4] * y + side[5] * z
    return not ((s > radius and t < -radius) or (s < -radius and t > radius))


@compiled()
def _legs_of_corner(
    i: int, corner: Floats, side: Floats, group: Ints, near: Floats, edge: Floats, ball: Floats,
    out: Ints,
) -> int:  # fmt: skip
    """Later corners of its group that corner i sees along a common tangent; how many there are."""
    count = 0
    hint = -1
    x, y, z = corner[i, 0], corner[i, 1], corner[i, 2]
    leaves = near.shape[0] // 2
    node = 1
    while node:
        last = node
        while last < leaves:
            last = 2 * last + 1
        if (last - leaves + 1) * LEAF_EDGES > i and _may_be_tangent(near[node], side[i]):
            if node < leaves:
                node *= 2
                continue
            first = (node - leaves) * LEAF_EDGES
            for j in range(max(first, i + 1), min(first + LEAF_EDGES, corner.shape[0])):
                if (
                    group[i] == group[j]
                    and _is_tangent(corner[j, 0], corner[j, 1], corner[j, 2], side[i])
                    and _is_tangent(x, y, z, side[j])
                ):
                    leaf = _leaf_that_cuts(corner[i], corner[j], edge, ball, hint)
                    if leaf >= 0:
                        hint = leaf
                        continue
                    if count < out.size:
                        out[count] = j
                    count += 1
        node = _next_in_tree(node)
    return count


@compiled(parallel=True)
def find_legs(
    corner: Floats, side: Floats, group: Ints, near: Floats, edge: Floats, ball: Floats, room: int
) -> tuple[Ints, Ints]:
    """Corners j > i that corner i sees along a tangent at both, (n, room), and their numbers.

    `side[i]` holds the unit normals of the great circles from corner i to both neighbours, `near`
    the tree over the corners in their order. A number above `room` asks for another run.
    """
    n = corner.shape[0]
    found = np.empty((n, room), np.int32)
    count = np.zeros(n, np.int32)
    blocks = min(n, 256)
    for b in prange(blocks):  # rows far apart in one block: even work
        for i in range(b, n, blocks):
            count[i] = _legs_of_corner(i, corner, side, group, near, edge, ball, found[i])
    return found, count


@compiled()
def find_point_legs(
    point: Floats, point_group: Ints, corner: Floats, side: Floats, group: Ints,
    edge: Floats, ball: Floats, room: int,
) -> tuple[Ints, Ints]:  # fmt: skip
    """Corners that each point sees along a tangent, (points, room), and their numbers.

    A number above `room` asks for another run.
    """
    found = np.empty((point.shape[0], room), np.int32)
    count = np.zeros(point.shape[0], np.int32)
    for k in range(point.shape[0]):
        x, y, z = point[k, 0], point[k, 1], point[k, 2]
        hint = -1
        for j in range(corner.shape[0]):
            if point_group[k] == group[j] and _is_tangent(x, y, z, side[j]):
                leaf = _leaf_that_cuts(point[k], corner[j], edge, ball, hint)
                if leaf >= 0:
                    hint = leaf
                    continue
                if count[k] < room:
                    found[k, count[k]] = j
                count[k] += 1
    return found, count


@compiled()
def count_ring_cuts(p: Floats, q: Floats, edge: Floats, ring: Ints, rings: int) -> Ints:
    """How often each ring's edges cross each leg pq, shape (legs, rings)."""
    count = np.zeros((p.shape[0], rings), np.int32)
    for k in range(p.shape[0]):
        px, py, pz, qx, qy, qz = p[k, 0], p[k, 1], p[k, 2], q[k, 0], q[k, 1], q[k, 2]
        nx, ny, nz = py * qz - pz * qy, pz * qx - px * qz, px * qy - py * qx
        mx, my, mz = px + qx, py + qy, pz + qz
        for e in range(ring.size):
            if _edge_cuts_leg(edge[e], px, py, pz, qx, qy, qz, nx, ny, nz, mx, my, mz):
                count[k, ring[e]] += 1
    return count


@compiled()
def _angle_to_arc(
    x: float, y: float, z: float, ax: float, ay: float, az: float, bx: float, by: float, bz: float
) -> float:
    """Angle between a point and an arc, right for short distances."""
    nx, ny, nz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
    size = math.sqrt(nx * nx + ny * ny + nz * nz)
    if size > 0.0:
        height = (nx * x + ny * y + nz * z) / size
        # inner side of the planes through both ends, upright on the arc's plane
        fa = (ny * az - nz * ay) * x + (nz * ax - nx * az) * y + (nx * ay - ny * ax) * z
        fb = (by * nz - bz * ny) * x + (bz * nx - bx * nz) * y + (bx * ny - by * nx) * z
        if fa >= 0.0 and fb >= 0.0:
            return math.asin(min(1.0, abs(height)))
    da = math.sqrt((x - ax) ** 2 + (y - ay) ** 2 + (z - az) ** 2)
    db = math.sqrt((x - bx) ** 2 + (y - by) ** 2 + (z - bz) ** 2)
    return 2.0 * math.asin(min(1.0, 0.5 * min(da, db)))


@compiled()
def measure_leg_distances(p: Floats, q: Floats, cap: float, edge: Floats, ball: Floats) -> Floats:
    """Angle from each leg pq to the nearest edge, 0 where one crosses, at most `cap`."""
    result = np.full(p.shape[0], cap)
    leaves = ball.shape[0] // 2
    for k in range(p.shape[0]):
        px, py, pz, qx, qy, qz = p[k, 0], p[k, 1], p[k, 2], q[k, 0], q[k, 1], q[k, 2]
        nx, ny, nz = py * qz - pz * qy, pz * qx - px * qz, px * qy - py * qx
        size = math.sqrt(nx * nx + ny * ny + nz * nz)
        if size > 0.0:
            nx, ny, nz = nx / size, ny / size, nz / size
        mx, my, mz = px + qx, py + qy, pz + qz
        middle = math.sqrt(mx * mx + my * my + mz * mz)
        mx, my, mz = mx / middle, my / middle, mz / middle
        best = cap
        node = 1
        while node and best > 0.0:
            if _leg_meets_ball(nx, ny, nz, mx, my, mz, 0.5 * middle, best, ball[node]):
                if node < leaves:
                    node *= 2
                    continue
                if _leaf_cuts_leg(
                    node - leaves, px, py, pz, qx, qy, qz, nx, ny, nz, mx, my, mz, edge
                ):
                    best = 0.0
                for e in range((node - leaves) * LEAF_EDGES, (node - leaves + 1) * LEAF_EDGES):
                    ax, ay, az, bx, by, bz = edge[e]
                    best = min(
                        best,
                        _angle_to_arc(px, py, pz, ax, ay, az, bx, by, bz),
                        _angle_to_arc(qx, qy, qz, ax, ay, az, bx, by, bz),
                        _angle_to_arc(ax, ay, az, px, py, pz, qx, qy, qz),
                        _angle_to_arc(bx, by, bz, px, py, pz, qx, qy, qz),
                    )
            node = _next_in_tree(node)
        result[k] = best
    return result
