"""Visibility: legs against edges in a tree of balls, and shortest paths over what is visible.

All points are unit vectors. Edges (n, 6) lie in groups of LEAF_EDGES below a binary tree of balls
(m, 4: centre, radius); node k has the children 2k and 2k + 1, leaves come last. The `side` (6,) of
a corner holds the unit normals of the great circles to its neighbours on the ring; it is nought
for a point that is no corner. Lengths in graphs are whole millimetres: these add up to the same
sum in any order. Of paths of one length that is kept which, seen from its end, turns back to the
least numbers.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import prange
from numpy.typing import NDArray

from airsim.kernels.compiling import Floats, Ints, Longs, compiled

LEAF_EDGES = 8
_PLAIN, _NO_LENGTH, _ANTIPODAL = 0, 1, 2  # kinds of legs
_LANES = 8  # corners that one search for paths starts from
_CORES = 3  # discs that are looked at from one point
_TANGENT = 1e-9  # radians: a leg that passes a corner's neighbour this near still is tangent
_BESIDE = 1e-6  # the same of ends, which may lie nearer to an outline than its corners do (3 m)
_EQUATOR_KM = 6378.137  # WGS84
_FLATTENING = 1 / 298.257223563
_ECCENTRICITY_2 = _FLATTENING * (2.0 - _FLATTENING)
_LEAST_KM = 6335.0  # per radian: less than any radius of curvature of WGS84 (6335.44 and more)


class Corners(NamedTuple):
    """Corners of an outline, and the outline that stops the legs between them.

    Parameters
    ----------
    point, side : ndarray, shapes (n, 3), (n, 6)
    group : ndarray of int32, shape (n,)
        Free component.
    near : ndarray
        Balls over the corners, in their order.
    edge, ball, below : ndarray, shapes (blocks, 6, LEAF_EDGES), (m, 4, LEAF_EDGES), (m,)
        Edges of the outline in blocks below a tree of groups of balls. The balls of group g hold
        the groups from ``below[g]`` on or, if that is negative, the blocks from ``~below[g]`` on.
    core : ndarray, shape (k, 4)
        Discs on the closed side, centre and sine of the radius: short cuts to "stopped".
    """

    point: Floats
    side: Floats
    group: Ints
    near: Floats
    edge: Floats
    ball: Floats
    below: Longs
    core: Floats


class Sights(NamedTuple):
    """What corners see: corner i the corners ``to[first[i]:first[i] + size[i]]``, rising.

    `first` is -1 where that is not known yet; `used` (1,) tells how much of `to` and of the
    lengths `mm` is filled.
    """

    first: Longs
    size: Ints
    to: Ints
    mm: Floats
    used: Longs


class Ends(NamedTuple):
    """Ends of paths, and how each is linked to corners.

    Parameters
    ----------
    first : ndarray of int64, shape (ends + 1,)
        End k has the places ``first[k]:first[k + 1]``: itself and the corners of its own
        surroundings, which only its own paths turn at.
    point, side : ndarray, shapes (places, 3), (places, 6)
    group : ndarray of int32, shape (ends,)
        Free component, -1 if any may be reached.
    disc : ndarray, shape (ends, 4)
        Centre and cosine of the radius of a disc in which the edges do not count; above 1: none.
    covered : ndarray of bool, shape (ends,)
        Whether the edges stop the legs of an end; else those of the corners' outline may.
    link_first, link_to, link_mm : ndarray
        Place r sees the corners ``link_to[link_first[r]:link_first[r + 1]]``; numbers from that
        of the corners on are places of its own end.
    edge, ball, spare_edge, spare_ball : ndarray
        Trees of the edges that stop legs from places, and of those that also count in discs.
    core : ndarray, shape (k, 4)
        As in `Corners`.
    """

    first: Longs
    point: Floats
    side: Floats
    group: Ints
    disc: Floats
    covered: NDArray[np.bool_]
    link_first: Longs
    link_to: Ints
    link_mm: Floats
    edge: Floats
    ball: Floats
    spare_edge: Floats
    spare_ball: Floats
    core: Floats


class _Leg(NamedTuple):
    """Leg pq: normal n, middle m, cosine of half its length, and whether it is one at all."""

    px: float
    py: float
    pz: float
    qx: float
    qy: float
    qz: float
    nx: float
    ny: float
    nz: float
    mx: float
    my: float
    mz: float
    reach: float
    kind: int


# ---------------------------------------------------------------------------------------------
# edges and legs
# ---------------------------------------------------------------------------------------------
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


@compiled(inline=True)
def _make_leg(p: Floats, q: Floats) -> _Leg:
    """Leg pq, shorter than half a circle, with what tests of it ask for."""
    nx, ny, nz = p[1] * q[2] - p[2] * q[1], p[2] * q[0] - p[0] * q[2], p[0] * q[1] - p[1] * q[0]
    size = math.sqrt(nx * nx + ny * ny + nz * nz)
    mx, my, mz = p[0] + q[0], p[1] + q[1], p[2] + q[2]
    middle = math.sqrt(mx * mx + my * my + mz * mz)
    kind = _ANTIPODAL if middle < 1e-6 else _NO_LENGTH if size == 0.0 else _PLAIN
    n, m = 1.0 / max(size, 1e-300), 1.0 / max(middle, 1e-300)
    return _Leg(
        p[0], p[1], p[2], q[0], q[1], q[2], nx * n, ny * n, nz * n, mx * m, my * m, mz * m,
        0.5 * middle, kind,
    )  # fmt: skip


@compiled(inline=True)
def _next_in_tree(node: int) -> int:
    """Node after the subtree of `node` in depth-first order; 0 at the end."""
    while node & 1:
        node >>= 1
    return node + 1 if node else 0


@compiled()
def _next_leaf(leg: _Leg, margin: float, ball: Floats, node: int) -> int:
    """First leaf, from a node on in depth-first order, that a leg may come near; 0 if none."""
    leaves = ball.shape[0] // 2
    while node:
        radius = ball[node, 3] + margin
        x, y, z = ball[node, 0], ball[node, 1], ball[node, 2]
        if (
            abs(leg.nx * x + leg.ny * y + leg.nz * z) <= radius
            and leg.mx * x + leg.my * y + leg.mz * z >= leg.reach - radius
        ):
            if node >= leaves:
                return node
            node *= 2
        else:
            node = _next_in_tree(node)
    return 0


@compiled(inline=True)
def _edge_cuts_leg(edge: Floats, e: int, leg: _Leg) -> bool:
    """Whether edge e crosses a leg; a vertex on the leg counts as left of it."""
    ax, ay, az, bx, by, bz = edge[e, 0], edge[e, 1], edge[e, 2], edge[e, 3], edge[e, 4], edge[e, 5]
    da = leg.nx * ax + leg.ny * ay + leg.nz * az
    db = leg.nx * bx + leg.ny * by + leg.nz * bz
    if (da >= 0.0) == (db >= 0.0):
        return False
    ex, ey, ez = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
    if (ex * leg.px + ey * leg.py + ez * leg.pz >= 0.0) == (
        ex * leg.qx + ey * leg.qy + ez * leg.qz >= 0.0
    ):
        return False
    # both great circles meet at two antipodal points: the edge must hold the leg's one
    wa, wb = abs(db), abs(da)
    x, y, z = wa * ax + wb * bx, wa * ay + wb * by, wa * az + wb * bz
    return bool(leg.mx * x + leg.my * y + leg.mz * z > 0.0)


@compiled()
def _leaf_cuts_leg(node: int, leg: _Leg, edge: Floats, ball: Floats) -> bool:
    """Whether an edge below a leaf crosses a leg."""
    first = (node - ball.shape[0] // 2) * LEAF_EDGES
    for e in range(first, first + LEAF_EDGES):  # noqa: SIM110 (generators are not compiled)
        if _edge_cuts_leg(edge, e, leg):
            return True
    return False


@compiled(inline=True)
def _passes_core(leg: _Leg, core: Floats, margin: float) -> bool:
    """Whether a leg, and all that is within a margin of it, passes through a disc."""
    x, y, z = core[0], core[1], core[2]
    return bool(
        leg.mx * x + leg.my * y + leg.mz * z >= leg.reach
        and abs(leg.nx * x + leg.ny * y + leg.nz * z) < core[3] - margin
    )


@compiled()
def _leaf_that_cuts(
    p: Floats, q: Floats, edge: Floats, ball: Floats, hint: int, core: Floats, cores: int
) -> int:
    """What stops leg pq: a leaf with an edge that crosses it, or 0.

    Leaf `hint` is tried first: the next leg from one point often meets the same edges. It is also
    the answer if the leg passes through one of the first few `core` discs.
    """
    leg = _make_leg(p, q)
    if leg.kind != _PLAIN:
        return 1 if leg.kind == _ANTIPODAL else 0  # no great circle is the leg of antipodes
    for k in range(cores):
        if _passes_core(leg, core[k], 0.0):
            return max(hint, 1)
    if hint > 1 and _leaf_cuts_leg(hint, leg, edge, ball):
        return hint
    node = _next_leaf(leg, 0.0, ball, 1)
    while node and not _leaf_cuts_leg(node, leg, edge, ball):
        node = _next_leaf(leg, 0.0, ball, _next_in_tree(node))
    return node


@compiled()
def _nearest_cores(p: Floats, core: Floats, out: Floats) -> int:
    """Put the core discs that look largest from a point first into `out`; how many."""
    count = 0
    looks = np.empty(out.shape[0])
    for k in range(core.shape[0]):
        along = p[0] * core[k, 0] + p[1] * core[k, 1] + p[2] * core[k, 2]
        look = core[k, 3] / math.sqrt(max(1.0 - along * along, 1e-12))
        if along < 0.0 or (count == out.shape[0] and look <= looks[count - 1]):
            continue
        at = min(count, out.shape[0] - 1)
        count = at + 1
        while at > 0 and looks[at - 1] < look:
            looks[at] = looks[at - 1]
            out[at] = out[at - 1]
            at -= 1
        looks[at] = look
        out[at] = core[k]
    return count


@compiled(parallel=True)
def find_cut_legs(p: Floats, q: Floats, edge: Floats, ball: Floats) -> NDArray[np.bool_]:
    """Whether any edge crosses each leg pq."""
    cut = np.zeros(p.shape[0], np.bool_)
    for k in prange(p.shape[0]):
        cut[k] = _leaf_that_cuts(p[k], q[k], edge, ball, 0, edge, 0) > 0
    return cut


@compiled(parallel=True)
def judge_lines(
    start: Longs, goal: Longs, stray: Floats, ends: Ends
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which lines between ends are open, and which are stopped, wherever they stray.

    Each leaves the great circle by no more than an angle `stray`; of most that is enough to know.
    """
    is_open, is_cut = np.zeros(start.size, np.bool_), np.zeros(start.size, np.bool_)
    for k in prange(start.size):
        one, other = ends.disc[start[k]], ends.disc[goal[k]]
        leg = _make_leg(ends.point[ends.first[start[k]]], ends.point[ends.first[goal[k]]])
        if leg.kind != _PLAIN:
            is_open[k] = leg.kind == _NO_LENGTH
            continue
        for c in range(ends.core.shape[0]):
            core = ends.core[c]
            if (
                _passes_core(leg, core, 1.01 * stray[k] + 1e-6)
                and _are_apart(core, one)
                and _are_apart(core, other)
            ):
                is_cut[k] = True
                break
        if not is_cut[k] and one[3] > 1.0 and other[3] > 1.0:
            is_open[k] = _next_leaf(leg, stray[k], ends.ball, 1) == 0
    return is_open, is_cut


@compiled(inline=True)
def _are_apart(core: Floats, disc: Floats) -> bool:
    """Whether a core disc is apart from the disc of an end."""
    if disc[3] > 1.0:
        return True
    cosine = math.sqrt(1.0 - core[3] * core[3])
    sine = math.sqrt(1.0 - disc[3] * disc[3])
    along = core[0] * disc[0] + core[1] * disc[1] + core[2] * disc[2]
    return bool(along < cosine * disc[3] - core[3] * sine)


@compiled()
def _is_cut_outside(
    p: Floats, q: Floats, edge: Floats, ball: Floats, disc: Floats, other: Floats
) -> bool:
    """Whether an edge crosses leg pq outside two discs."""
    leg = _make_leg(p, q)
    if leg.kind != _PLAIN:
        return leg.kind == _ANTIPODAL
    node = _next_leaf(leg, 0.0, ball, 1)
    while node:
        first = (node - ball.shape[0] // 2) * LEAF_EDGES
        for e in range(first, first + LEAF_EDGES):
            if _edge_cuts_leg(edge, e, leg):
                a = abs(leg.nx * edge[e, 3] + leg.ny * edge[e, 4] + leg.nz * edge[e, 5])
                b = abs(leg.nx * edge[e, 0] + leg.ny * edge[e, 1] + leg.nz * edge[e, 2])
                x = a * edge[e, 0] + b * edge[e, 3]
                y = a * edge[e, 1] + b * edge[e, 4]
                z = a * edge[e, 2] + b * edge[e, 5]
                far = math.sqrt(x * x + y * y + z * z)
                if (
                    x * disc[0] + y * disc[1] + z * disc[2] < disc[3] * far
                    and x * other[0] + y * other[1] + z * other[2] < other[3] * far
                ):
                    return True
        node = _next_leaf(leg, 0.0, ball, _next_in_tree(node))
    return False


@compiled(parallel=True)
def find_cut_lines(
    point: Floats, first: Longs, start: Longs, goal: Longs, ends: Ends
) -> NDArray[np.bool_]:
    """Whether any leg of each line between two ends is stopped."""
    cut = np.zeros(start.size, np.bool_)
    for k in prange(start.size):
        at = first[k] + 1
        while at < first[k + 1] and not cut[k]:
            cut[k] = _is_stopped(point[at - 1], point[at], start[k], goal[k], ends)
            at += 1
    return cut


@compiled()
def _is_stopped(p: Floats, q: Floats, end: int, other: int, ends: Ends) -> bool:
    """Whether a leg pq of a path between two ends is stopped."""
    if ends.disc[end, 3] > 1.0 and ends.disc[other, 3] > 1.0:
        return _leaf_that_cuts(p, q, ends.edge, ends.ball, 0, ends.core, ends.core.shape[0]) > 0
    return _leaf_that_cuts(
        p, q, ends.spare_edge, ends.spare_ball, 0, ends.core, 0
    ) > 0 or _is_cut_outside(p, q, ends.edge, ends.ball, ends.disc[end], ends.disc[other])


@compiled()
def _toggle_rings(
    p: Floats, q: Floats, edge: Floats, ball: Floats, ring: Ints, odd: Ints, count: int
) -> tuple[Ints, int]:
    """Put rings that leg pq crosses into a list, or take them out again."""
    leg = _make_leg(p, q)
    if leg.kind != _PLAIN:
        return odd, count
    node = _next_leaf(leg, 0.0, ball, 1)
    while node:
        first = (node - ball.shape[0] // 2) * LEAF_EDGES
        for e in range(first, first + LEAF_EDGES):
            if _edge_cuts_leg(edge, e, leg):
                k = 0
                while k < count and odd[k] != ring[e]:
                    k += 1
                if k < count:
                    count -= 1
                    odd[k] = odd[count]
                else:
                    if count == odd.size:
                        odd = np.concatenate((odd, np.empty_like(odd)))
                    odd[count] = ring[e]
                    count += 1
        node = _next_leaf(leg, 0.0, ball, _next_in_tree(node))
    return odd, count


@compiled(parallel=True)
def find_rings_around(
    point: Floats, middle: Floats, open_point: Floats, edge: Floats, ball: Floats, ring: Ints,
    area: Floats,
) -> Ints:  # fmt: skip
    """The smallest ring around each point, -1 if none is.

    Rings that the way by `middle` (points, 3) to a point outside all rings crosses an odd number
    of times are around a point. `ring` (edges,) is the ring of each edge of the tree.
    """
    found = np.full(point.shape[0], -1, np.int32)
    for k in prange(point.shape[0]):
        odd, count = _toggle_rings(point[k], middle[k], edge, ball, ring, np.empty(16, np.int32), 0)
        odd, count = _toggle_rings(middle[k], open_point, edge, ball, ring, odd, count)
        least = math.inf
        for c in range(count):
            size = abs(area[odd[c]])
            if size < least or (size == least and odd[c] < found[k]):
                found[k], least = odd[c], size
    return found


# ---------------------------------------------------------------------------------------------
# lengths
# ---------------------------------------------------------------------------------------------
@compiled()
def _measure_mm(a: Floats, b: Floats) -> float:
    """Whole millimetres between two points, a few metres off WGS84 at 10,000 km.

    Andoyer-Lambert formula, undefined near antipodes.
    """
    polar = 1.0 - _FLATTENING
    au = 1.0 / math.sqrt(a[0] * a[0] + a[1] * a[1] + polar * polar * a[2] * a[2])
    bu = 1.0 / math.sqrt(b[0] * b[0] + b[1] * b[1] + polar * polar * b[2] * b[2])
    az, bz = polar * a[2] * au, polar * b[2] * bu
    x, y, z = a[0] * au - b[0] * bu, a[1] * au - b[1] * bu, az - bz
    half = min(0.5 * math.sqrt(x * x + y * y + z * z), 1.0)
    angle = 2.0 * math.asin(half)
    sine = 2.0 * half * math.sqrt(1.0 - half * half)
    squash = (angle - sine) * (az + bz) ** 2 / max(1.0 - half * half, 1e-9)
    squash += (angle + sine) * z * z / max(half * half, 1e-30)
    return float(np.rint(1e6 * _EQUATOR_KM * (angle - _FLATTENING / 8.0 * squash)))


@compiled()
def measure_legs_mm(p: Floats, q: Floats) -> Floats:
    """Whole millimetres of each leg pq, a few metres off WGS84 at 10,000 km."""
    result = np.empty(p.shape[0])
    for k in range(p.shape[0]):
        result[k] = _measure_mm(p[k], q[k])
    return result


@compiled(parallel=True)
def measure_arcs_km(p: Floats, q: Floats) -> Floats:
    """Length on WGS84 of the great circle through the normals from each p to q.

    Gauss-Legendre quadrature over pieces of at most 30 degrees.
    """
    share = np.array([0.1252334085114689, 0.3678314989981802, 0.5873179542866175,
                      0.7699026741943047, 0.9041172563704749, 0.9815606342467192])  # fmt: skip
    weight = np.array([0.2491470458134028, 0.2334925365383548, 0.2031674267230659,
                       0.1600783285433462, 0.1069393259953184, 0.0471753363865118])  # fmt: skip
    result = np.zeros(p.shape[0])
    for k in prange(p.shape[0]):
        a, b = p[k], q[k]
        cosine = a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
        x, y, z = b[0] - cosine * a[0], b[1] - cosine * a[1], b[2] - cosine * a[2]
        sine = math.sqrt(x * x + y * y + z * z)
        if sine == 0.0:
            continue
        angle = math.atan2(sine, cosine)
        onward = z / sine
        pieces = math.ceil(angle / 0.52)
        step = angle / pieces
        for piece in range(pieces):
            for g in range(12):
                t = share[g // 2] if g % 2 else -share[g // 2]
                along = (piece + 0.5 + 0.5 * t) * step
                c, s = math.cos(along), math.sin(along)
                up = c * a[2] + s * onward
                rise = c * onward - s * a[2]
                flat = max(1.0 - up * up, 1e-30)
                north = min(rise * rise / flat, 1.0)
                w = 1.0 - _ECCENTRICITY_2 * up * up
                meridian = (1.0 - _ECCENTRICITY_2) / w
                radius = math.sqrt((meridian * meridian * north + 1.0 - north) / w)
                result[k] += 0.5 * step * weight[g // 2] * _EQUATOR_KM * radius
    return result


# ---------------------------------------------------------------------------------------------
# what corners and ends see
# ---------------------------------------------------------------------------------------------
@compiled(inline=True)
def _is_tangent(x: float, y: float, z: float, side: Floats, slack: float) -> bool:
    """Whether the line from a corner to (x, y, z) leaves both neighbours on one hand."""
    s = side[0] * x + side[1] * y + side[2] * z
    t = side[3] * x + side[4] * y + side[5] * z
    return bool((s >= -slack and t >= -slack) or (s <= slack and t <= slack))


@compiled(inline=True)
def _may_be_tangent(ball: Floats, side: Floats) -> bool:
    """Whether a line from a corner to some point in a ball may be tangent."""
    x, y, z, radius = ball[0], ball[1], ball[2], ball[3] + _BESIDE
    s = side[0] * x + side[1] * y + side[2] * z
    t = side[3] * x + side[4] * y + side[5] * z
    return not ((s > radius and t < -radius) or (s < -radius and t > radius))


@compiled()
def _block_cuts_leg(block: Floats, leg: _Leg) -> bool:
    """Whether an edge of a block crosses a leg: `_edge_cuts_leg` for eight at a time."""
    cuts = 0
    for k in range(LEAF_EDGES):
        ax, ay, az, bx, by, bz = (
            block[0, k], block[1, k], block[2, k], block[3, k], block[4, k], block[5, k]
        )  # fmt: skip
        da = leg.nx * ax + leg.ny * ay + leg.nz * az
        db = leg.nx * bx + leg.ny * by + leg.nz * bz
        ex, ey, ez = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
        ep = ex * leg.px + ey * leg.py + ez * leg.pz
        eq = ex * leg.qx + ey * leg.qy + ez * leg.qz
        wa, wb = abs(db), abs(da)
        x, y, z = wa * ax + wb * bx, wa * ay + wb * by, wa * az + wb * bz
        ahead = leg.mx * x + leg.my * y + leg.mz * z
        cuts += ((da >= 0.0) != (db >= 0.0)) & ((ep >= 0.0) != (eq >= 0.0)) & (ahead > 0.0)
    return cuts > 0


class _Look(NamedTuple):
    """Room for legs from one point: discs that look large from there, and walks in a tree."""

    core: Floats
    hit: NDArray[np.int64]
    stack: Longs


@compiled()
def _make_look() -> _Look:
    return _Look(np.empty((_CORES, 4)), np.empty(LEAF_EDGES, np.int64), np.empty(128, np.int64))


@compiled()
def _block_that_cuts(
    p: Floats, q: Floats, corners: Corners, hint: int, cores: int, look: _Look
) -> int:
    """What stops a leg outside the outline of corners: a block counted from 1, or 0.

    As `_leaf_that_cuts`, with eight balls or edges at a time.
    """
    leg = _make_leg(p, q)
    if leg.kind != _PLAIN:
        return leg.kind == _ANTIPODAL
    for k in range(cores):
        if _passes_core(leg, look.core[k], 0.0):
            return max(hint, 1)
    if hint and _block_cuts_leg(corners.edge[hint - 1], leg):
        return hint
    look.stack[0] = 0
    size = 1
    while size:
        size -= 1
        group = look.stack[size]
        ball, below = corners.ball[group], corners.below[group]
        for k in range(LEAF_EDGES):
            x, y, z, radius = ball[0, k], ball[1, k], ball[2, k], ball[3, k]
            across = abs(leg.nx * x + leg.ny * y + leg.nz * z)
            ahead = leg.mx * x + leg.my * y + leg.mz * z
            look.hit[k] = (across <= radius) & (ahead >= leg.reach - radius)
        for k in range(LEAF_EDGES):
            if look.hit[k]:
                if below >= 0:
                    look.stack[size] = below + k
                    size += 1
                elif _block_cuts_leg(corners.edge[~below + k], leg):
                    return int(~below + k + 1)
    return 0


@compiled()
def _corners_seen(i: int, first: int, corners: Corners, out: Ints) -> int:
    """Corners from number `first` that corner i sees along a common tangent, rising; how many."""
    count = hint = 0
    point, side = corners.point, corners.side
    x, y, z = point[i, 0], point[i, 1], point[i, 2]
    look = _make_look()
    cores = _nearest_cores(point[i], corners.core, look.core)
    leaves = corners.near.shape[0] // 2
    node = 1
    while node:
        last = node
        while last < leaves:
            last = 2 * last + 1
        if (last - leaves + 1) * LEAF_EDGES > first and _may_be_tangent(
            corners.near[node], side[i]
        ):
            if node < leaves:
                node *= 2
                continue
            start = (node - leaves) * LEAF_EDGES
            for j in range(max(start, first), min(start + LEAF_EDGES, point.shape[0])):
                if (
                    j != i
                    and corners.group[i] == corners.group[j]
                    and _is_tangent(point[j, 0], point[j, 1], point[j, 2], side[i], _TANGENT)
                    and _is_tangent(x, y, z, side[j], _TANGENT)
                ):
                    block = _block_that_cuts(point[i], point[j], corners, hint, cores, look)
                    if block:
                        hint = block
                        continue
                    if count < out.size:
                        out[count] = j
                    count += 1
        node = _next_in_tree(node)
    return count


@compiled(parallel=True)
def find_legs(corners: Corners, room: int) -> tuple[Ints, Ints]:
    """Corners j > i that each corner i sees, (n, room), and their numbers.

    A number above `room` asks for another run.
    """
    n = corners.point.shape[0]
    found = np.empty((n, room), np.int32)
    count = np.zeros(n, np.int32)
    blocks = min(n, 256)
    for b in prange(blocks):  # rows far apart in one block: even work
        for i in range(b, n, blocks):
            count[i] = _corners_seen(i, i + 1, corners, found[i])
    return found, count


@compiled(parallel=True)
def link_ends(corners: Corners, ends: Ends, room: int) -> tuple[Ints, Floats, Ints]:
    """What each place of each end sees, (places, room), how far that is, how many.

    Corners, and from their number on the places of the same end.
    """
    places = ends.point.shape[0]
    found, mm = np.empty((places, room), np.int32), np.empty((places, room))
    count = np.zeros(places, np.int32)
    leaves = corners.near.shape[0] // 2
    for end in prange(ends.first.size - 1):
        group, look = ends.group[end], _make_look()
        for r in range(ends.first[end], ends.first[end + 1]):
            p, side = ends.point[r], ends.side[r]
            hint = 0
            cores = _nearest_cores(p, ends.core, look.core)
            node = 1
            while node:
                if _may_be_tangent(corners.near[node], side):
                    if node < leaves:
                        node *= 2
                        continue
                    start = (node - leaves) * LEAF_EDGES
                    for j in range(start, min(start + LEAF_EDGES, corners.point.shape[0])):
                        q = corners.point[j]
                        if (
                            (group >= 0 and group != corners.group[j])
                            or not _is_tangent(p[0], p[1], p[2], corners.side[j], _BESIDE)
                            or not _is_tangent(q[0], q[1], q[2], side, _BESIDE)
                        ):
                            continue
                        if ends.disc[end, 3] <= 1.0:
                            if _is_stopped(p, q, end, end, ends):
                                continue
                        else:
                            if ends.covered[end]:
                                stop = _leaf_that_cuts(
                                    p, q, ends.edge, ends.ball, hint, look.core, cores
                                )
                            else:
                                stop = _block_that_cuts(p, q, corners, hint, cores, look)
                            if stop:
                                hint = stop
                                continue
                        if count[r] < room:
                            found[r, count[r]] = j
                            mm[r, count[r]] = _measure_mm(p, q)
                        count[r] += 1
                node = _next_in_tree(node)
            for other in range(ends.first[end], ends.first[end + 1]):
                if other != r and _sees_place(r, other, end, end, ends):
                    if count[r] < room:
                        found[r, count[r]] = corners.point.shape[0] + other
                        mm[r, count[r]] = _measure_mm(p, ends.point[other])
                    count[r] += 1
    return found, mm, count


@compiled()
def _sees_place(r: int, t: int, end: int, other: int, ends: Ends) -> bool:
    """Whether a place of one end sees a place of another, along a common tangent."""
    p, q = ends.point[r], ends.point[t]
    return (
        _is_tangent(p[0], p[1], p[2], ends.side[t], _BESIDE)
        and _is_tangent(q[0], q[1], q[2], ends.side[r], _BESIDE)
        and not _is_stopped(p, q, end, other, ends)
    )


# ---------------------------------------------------------------------------------------------
# shortest paths
# ---------------------------------------------------------------------------------------------
@compiled()
def _sift(heap: Ints, place: Ints, rank: Floats, size: int, node: int) -> int:
    """Put a node into the heap of least rank, or move it up there; returns the heap's size."""
    at = place[node]
    if at < 0:
        at = size
        size += 1
    while at > 0:
        above = (at - 1) // 2
        other = heap[above]
        if rank[other] < rank[node] or (rank[other] == rank[node] and other < node):
            break
        heap[at], place[other] = other, at
        at = above
    heap[at], place[node] = node, at
    return size


@compiled()
def _pop(heap: Ints, place: Ints, rank: Floats, size: int) -> int:
    """Take the node of least rank, of equal ones that of least number, out of a heap."""
    top, node = heap[0], heap[size - 1]
    place[top] = -1
    size -= 1
    at = 0
    while 2 * at + 1 < size:
        low = 2 * at + 1
        if low + 1 < size:
            one, other = heap[low], heap[low + 1]
            if rank[other] < rank[one] or (rank[other] == rank[one] and other < one):
                low += 1
        below = heap[low]
        if rank[node] < rank[below] or (rank[node] == rank[below] and node < below):
            break
        heap[at], place[below] = below, at
        at = low
    if size:
        heap[at], place[node] = node, at
    return int(top)


class _Search(NamedTuple):
    """Room for one search: nodes are the corners, then the places of both ends."""

    far: Floats  # from the start, mm; infinite if not reached
    rank: Floats  # far and at least what is left to the goal
    before: Ints
    place: Ints  # in the heap, -1 if not there
    heap: Ints
    touched: Ints


@compiled()
def _least_mm(p: Floats, q: Floats) -> float:
    """Less than the distance of two points."""
    x, y, z = p[0] - q[0], p[1] - q[1], p[2] - q[2]
    return 2e6 * _LEAST_KM * math.asin(min(1.0, 0.5 * math.sqrt(x * x + y * y + z * z)))


@compiled()
def _reach(
    node: int,
    by: int,
    far: float,
    p: Floats,
    goal: Floats,
    search: _Search,
    size: int,
    touched: int,
) -> tuple[int, int]:
    """Note a way to a node, if it is the shortest so far; sizes of the heap and of `touched`.

    Of ways of equal length, that by the node of the least number is kept.
    """
    if far >= search.far[node]:
        if far == search.far[node] and by < search.before[node] and search.far[by] < far:
            search.before[node] = by
        return size, touched
    if search.far[node] == math.inf:
        search.touched[touched] = node
        touched += 1
    search.far[node], search.before[node] = far, by
    search.rank[node] = far + _least_mm(p, goal)
    return _sift(search.heap, search.place, search.rank, size, node), touched


@compiled()
def _expand(i: int, corners: Corners, rows: Sights, found: Ints) -> bool:
    """Find out what a corner sees; False if there is no room to note it."""
    count = _corners_seen(i, 0, corners, found)
    first = rows.used[0]
    if first + count > rows.to.size:
        return False
    for k in range(count):
        rows.to[first + k] = found[k]
        rows.mm[first + k] = _measure_mm(corners.point[i], corners.point[found[k]])
    rows.first[i], rows.size[i] = first, count
    rows.used[0] = first + count
    return True


@compiled()
def _search_path(
    start: int, goal: int, corners: Corners, rows: Sights, ends: Ends, search: _Search,
    entry: Ints, following: Ints, found: Ints, path: Ints,
) -> int:  # fmt: skip
    """Shortest path between two ends (A*); its number of nodes, 0 if none, -1 for want of room.

    Nodes from the number of corners on are the places of the start, then those of the goal.
    """
    n = corners.point.shape[0]
    s0, s1 = ends.first[start], ends.first[start + 1]
    t0, t1 = ends.first[goal], ends.first[goal + 1]
    target = n + s1 - s0
    aim = ends.point[t0]
    base = ends.link_first[t0]
    for link in range(base, ends.link_first[t1]):  # which places of the goal a corner sees
        if ends.link_to[link] < n:
            following[link - base] = entry[ends.link_to[link]]
            entry[ends.link_to[link]] = link - base
    size, touched = _reach(n, -1, 0.0, ends.point[s0], aim, search, 0, 0)
    length = 0
    while size:
        node = _pop(search.heap, search.place, search.rank, size)
        size -= 1
        far = search.far[node]
        if node == target:
            while node >= 0:
                if length < path.size:
                    path[length] = node
                length += 1
                node = search.before[node]
            break
        if node < n:
            if rows.first[node] < 0 and not _expand(node, corners, rows, found):
                length = -1
                break
            for k in range(rows.first[node], rows.first[node] + rows.size[node]):
                size, touched = _reach(
                    rows.to[k], node, far + rows.mm[k], corners.point[rows.to[k]], aim,
                    search, size, touched,
                )  # fmt: skip
            link = entry[node]
            while link >= 0:
                t = np.searchsorted(ends.link_first[t0 : t1 + 1], base + link, side="right") - 1
                size, touched = _reach(
                    target + t, node, far + ends.link_mm[base + link], ends.point[t0 + t], aim,
                    search, size, touched,
                )  # fmt: skip
                link = following[link]
            continue
        r = s0 + node - n if node < target else t0 + node - target
        shift = s0 if node < target else n + t0 - target  # from numbers of places to nodes
        for link in range(ends.link_first[r], ends.link_first[r + 1]):
            j = ends.link_to[link]
            if j >= n:
                size, touched = _reach(
                    j - shift, node, far + ends.link_mm[link], ends.point[j - n], aim,
                    search, size, touched,
                )  # fmt: skip
            elif node < target:
                size, touched = _reach(
                    j, node, far + ends.link_mm[link], corners.point[j], aim, search, size, touched
                )
        if node < target:
            for other in range(t0, t1):
                if _sees_place(r, other, start, goal, ends):
                    mm = _measure_mm(ends.point[r], ends.point[other])
                    size, touched = _reach(
                        target + other - t0, node, far + mm, ends.point[other], aim,
                        search, size, touched,
                    )  # fmt: skip
    for k in range(size):
        search.place[search.heap[k]] = -1
    for k in range(touched):
        search.far[search.touched[k]] = math.inf
    for link in range(base, ends.link_first[t1]):
        if ends.link_to[link] < n:
            entry[ends.link_to[link]] = -1
    return length


@compiled(parallel=True)
def search_paths(
    start: Longs, goal: Longs, corners: Corners, rows: Sights, ends: Ends, room: int, threads: int
) -> tuple[Ints, Ints]:
    """Shortest paths between ends: nodes from the goal back to the start, (paths, room); how many.

    Nodes from the number of corners on are places, in their order in `ends`. 0 nodes: there is no
    path; -1: `rows` is full; more than `room`: there was none. Sights found on the way are kept,
    so only one thread may search until all rows are known.
    """
    n = corners.point.shape[0]
    paths = np.empty((start.size, room), np.int32)
    count = np.zeros(start.size, np.int32)
    most, links = 0, 0
    for end in range(ends.first.size - 1):
        first, last = ends.first[end], ends.first[end + 1]
        most = max(most, last - first)
        links = max(links, ends.link_first[last] - ends.link_first[first])
    for thread in prange(threads):
        nodes = n + 2 * most
        search = _Search(
            np.full(nodes, math.inf), np.empty(nodes), np.empty(nodes, np.int32),
            np.full(nodes, -1, np.int32), np.empty(nodes, np.int32), np.empty(nodes, np.int32),
        )  # fmt: skip
        entry, following = np.full(n, -1, np.int32), np.empty(links, np.int32)
        found = np.empty(n, np.int32)
        for k in range(thread, start.size, threads):
            count[k] = _search_path(
                start[k], goal[k], corners, rows, ends, search, entry, following, found, paths[k]
            )
            s0, s1, t0 = ends.first[start[k]], ends.first[start[k] + 1], ends.first[goal[k]]
            for at in range(min(count[k], room)):  # places by their number
                node = paths[k, at] - n
                if node >= 0:
                    paths[k, at] = n + (s0 + node if node < s1 - s0 else t0 + node - (s1 - s0))
            if count[k] < 0:
                break
    return paths, count


class Table(NamedTuple):
    """Shortest paths between all corners.

    `mm` (n, n) are their lengths, infinite where there is none; `before` (n, n) is the corner
    before j on the path from i, of several the one of the least number.
    """

    mm: Floats
    before: Ints


@compiled()
def _reach_all(roots: int, first: int, rows: Sights, far: Floats) -> None:
    """Lengths of the shortest paths to all corners from some corners from number `first` on.

    One search for all of them, corner by root in `far` (n, _LANES): a corner has its turn again
    if it was found nearer to some of the roots.
    """
    n = far.shape[0]
    heap, place, rank = np.empty(n, np.int32), np.full(n, -1, np.int32), np.full(n, math.inf)
    size = 0
    far[:] = math.inf
    for lane in range(roots):
        far[first + lane, lane] = rank[first + lane] = 0.0
        size = _sift(heap, place, rank, size, first + lane)
    while size:
        node = _pop(heap, place, rank, size)
        size -= 1
        rank[node] = math.inf
        for k in range(rows.first[node], rows.first[node] + rows.size[node]):
            j, mm = rows.to[k], rows.mm[k]
            nearer = 0
            for lane in range(_LANES):
                nearer += far[node, lane] + mm < far[j, lane]
            if nearer:
                least = rank[j]
                for lane in range(_LANES):
                    way = far[node, lane] + mm
                    if way < far[j, lane]:
                        far[j, lane] = way
                        least = min(least, way)
                rank[j] = least
                size = _sift(heap, place, rank, size, j)


@compiled(parallel=True)
def tabulate_paths(rows: Sights) -> Table:
    """Shortest paths between all corners, once all rows are known."""
    n = rows.first.size
    mm, before = np.full((n, n), math.inf), np.full((n, n), -1, np.int32)
    for group in prange((n + _LANES - 1) // _LANES):
        first = group * _LANES
        roots = min(_LANES, n - first)
        far, by = np.empty((n, _LANES)), np.full((n, _LANES), -1, np.int32)
        _reach_all(roots, first, rows, far)
        for node in range(n):
            for k in range(rows.first[node], rows.first[node] + rows.size[node]):
                j, step = rows.to[k], rows.mm[k]
                for lane in range(_LANES):
                    near = far[node, lane]
                    if near + step == far[j, lane] and near < far[j, lane] and by[j, lane] < 0:
                        by[j, lane] = node
        for lane in range(roots):
            for j in range(n):
                mm[first + lane, j], before[first + lane, j] = far[j, lane], by[j, lane]
    return Table(mm, before)


@compiled()
def _join_path(s: int, t: int, corners: Corners, table: Table, ends: Ends, path: Ints) -> int:
    """Shortest path between two places by way of corners; its number of nodes, 0 if none."""
    n = corners.point.shape[0]
    s0, s1, t0, t1 = (
        ends.link_first[s], ends.link_first[s + 1], ends.link_first[t], ends.link_first[t + 1]
    )  # fmt: skip
    # no path by a corner is shorter than that
    least, first = np.empty(s1 - s0), -1
    for a in range(s0, s1):
        least[a - s0] = ends.link_mm[a] + _least_mm(corners.point[ends.link_to[a]], ends.point[t])
        if first < 0 or least[a - s0] < least[first - s0]:
            first = a
    if first < 0:
        return 0
    best = math.inf
    for b in range(t0, t1):
        way = table.mm[ends.link_to[first], ends.link_to[b]] + ends.link_mm[b]
        best = min(best, ends.link_mm[first] + way)
    near, last = np.empty(t1 - t0, np.int64), 0
    for b in range(t0, t1):
        j = ends.link_to[b]
        if ends.link_mm[b] + _least_mm(corners.point[j], ends.point[s]) <= best:
            near[last] = b
            last += 1
    node = n
    for a in range(s0, s1):
        if least[a - s0] <= best:
            way = table.mm[ends.link_to[a]]
            for b in near[:last]:
                j = ends.link_to[b]
                mm = ends.link_mm[a] + (way[j] + ends.link_mm[b])
                if mm < best or (mm == best and j < node):
                    best, node, end_mm = mm, j, ends.link_mm[b]
    if best == math.inf:
        return 0
    # all first corners of paths of that length: of several nodes, the least number comes before
    roots, count = np.empty(s1 - s0, np.int32), 0
    for a in range(s0, s1):
        if ends.link_mm[a] + table.mm[ends.link_to[a], node] + end_mm == best:
            roots[count] = ends.link_to[a]
            count += 1
    length = 1
    path[0] = n + t
    while True:
        if length < path.size:
            path[length] = node
        length += 1
        following = n
        for k in range(count):
            if roots[k] != node:
                following = min(following, table.before[roots[k], node])
        if following == n:
            break
        kept = 0
        for k in range(count):
            i = roots[k]
            if (
                i != node
                and table.mm[i, following] + table.mm[following, node] == table.mm[i, node]
            ):
                roots[kept] = i
                kept += 1
        count, node = kept, following
    if length < path.size:
        path[length] = n + s
    return length + 1


@compiled(parallel=True)
def join_paths(
    start: Longs, goal: Longs, corners: Corners, table: Table, ends: Ends, room: int
) -> tuple[Ints, Ints]:
    """Shortest paths, as `search_paths` finds them, between ends that have but one place each."""
    n = corners.point.shape[0]
    paths = np.empty((start.size, room), np.int32)
    count = np.zeros(start.size, np.int32)
    for k in prange(start.size):
        s, t = ends.first[start[k]], ends.first[goal[k]]
        if _sees_place(s, t, start[k], goal[k], ends):
            paths[k, 0], paths[k, 1], count[k] = n + t, n + s, 2
        else:
            count[k] = _join_path(s, t, corners, table, ends, paths[k])
    return paths, count


# ---------------------------------------------------------------------------------------------
# distances
# ---------------------------------------------------------------------------------------------
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
def _measure_depth(p: Floats, most: float, edge: Floats, ball: Floats) -> float:
    """Angle from a point to the nearest edge, no more than `most`."""
    x, y, z = p[0], p[1], p[2]
    best = most
    leaves = ball.shape[0] // 2
    node = 1
    while node:
        far = ball[node, 3] + best
        dx, dy, dz = ball[node, 0] - x, ball[node, 1] - y, ball[node, 2] - z
        if dx * dx + dy * dy + dz * dz <= far * far:
            if node < leaves:
                node *= 2
                continue
            for e in range((node - leaves) * LEAF_EDGES, (node - leaves + 1) * LEAF_EDGES):
                ax, ay, az, bx, by, bz = edge[e]
                best = min(best, _angle_to_arc(x, y, z, ax, ay, az, bx, by, bz))
        node = _next_in_tree(node)
    return best


@compiled(parallel=True)
def measure_depths(point: Floats, edge: Floats, ball: Floats) -> Floats:
    """Angle from each point to the nearest edge; quickest if near points follow each other."""
    n = point.shape[0]
    depth = np.empty(n)
    for block in prange((n + 63) // 64):
        most = 4.0
        for k in range(64 * block, min(64 * block + 64, n)):
            depth[k] = _measure_depth(point[k], most, edge, ball)
            if k + 1 < n:  # no edge is farther from the next point than by way of this one
                x, y, z = point[k] - point[k + 1]
                chord = min(1.0, 0.5 * math.sqrt(x * x + y * y + z * z))
                most = min(4.0, depth[k] + 2.0 * math.asin(chord) + 1e-9)
    return depth


@compiled()
def find_near_edges(point: Floats, reach: float, edge: Floats, ball: Floats) -> Longs:
    """Places in the tree of the edges within an angle of a point."""
    found = np.empty(64, np.int64)
    count = 0
    leaves = ball.shape[0] // 2
    x, y, z = point[0], point[1], point[2]
    node = 1
    while node:
        far = ball[node, 3] + reach
        dx, dy, dz = ball[node, 0] - x, ball[node, 1] - y, ball[node, 2] - z
        if dx * dx + dy * dy + dz * dz <= far * far:
            if node < leaves:
                node *= 2
                continue
            for e in range((node - leaves) * LEAF_EDGES, (node - leaves + 1) * LEAF_EDGES):
                if _angle_to_arc(x, y, z, edge[e, 0], edge[e, 1], edge[e, 2],
                                 edge[e, 3], edge[e, 4], edge[e, 5]) <= reach:  # fmt: skip
                    if count == found.size:
                        found = np.concatenate((found, np.empty_like(found)))
                    found[count] = e
                    count += 1
        node = _next_in_tree(node)
    return found[:count]


@compiled()
def measure_leg_distances(p: Floats, q: Floats, cap: float, edge: Floats, ball: Floats) -> Floats:
    """Angle from each leg pq to the nearest edge, 0 where one crosses, at most `cap`."""
    result = np.full(p.shape[0], cap)
    for k in range(p.shape[0]):
        px, py, pz, qx, qy, qz = p[k, 0], p[k, 1], p[k, 2], q[k, 0], q[k, 1], q[k, 2]
        leg = _make_leg(p[k], q[k])
        best = cap
        node = _next_leaf(leg, best, ball, 1)
        while node and best > 0.0:
            if _leaf_cuts_leg(node, leg, edge, ball):
                best = 0.0
            first = (node - ball.shape[0] // 2) * LEAF_EDGES
            for e in range(first, first + LEAF_EDGES):
                ax, ay, az, bx, by, bz = edge[e]
                best = min(
                    best,
                    _angle_to_arc(px, py, pz, ax, ay, az, bx, by, bz),
                    _angle_to_arc(qx, qy, qz, ax, ay, az, bx, by, bz),
                    _angle_to_arc(ax, ay, az, px, py, pz, qx, qy, qz),
                    _angle_to_arc(bx, by, bz, px, py, pz, qx, qy, qz),
                )
            node = _next_leaf(leg, best, ball, _next_in_tree(node))
        result[k] = best
    return result
