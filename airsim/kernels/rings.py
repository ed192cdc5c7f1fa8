r"""Rings of edges on the sphere: chained out of loose edges, simplified towards their open side.

Rings run with the closed side on the left. Two moves take a vertex away and add to the closed side:

    open     a ---------- b                x
              \   ear    /               /   \
               \       /                / cap \
    closed       \   /                 v ----- w
                   v         closed   /         \
                                     a           b

An ear lies between a vertex v that turns right and its neighbours; two of its sides are edges, so
only what has a vertex inside can enter it. A cap lies between an edge vw of two left turns and the
point where the edges before and after it meet; edges may also cross its two new sides.
"""

from __future__ import annotations

import math

import numpy as np

from airsim.kernels.compiling import Floats, Longs, compiled

RING_LEAF = 8  # edges below each leaf of the tree of balls
_CAP_TURN = 0.25  # cosine of the sharpest turn at the tip of a cap


@compiled(inline=True)
def _normal(a: Floats, b: Floats) -> tuple[float, float, float]:
    """Unit normal of the great circle from a to b, pointing left; nought if there is none."""
    x, y, z = a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]
    size = math.sqrt(x * x + y * y + z * z)
    if size == 0.0:
        return 0.0, 0.0, 0.0
    return x / size, y / size, z / size


@compiled(inline=True)
def _dot(n: tuple[float, float, float], p: Floats) -> float:
    return float(n[0] * p[0] + n[1] * p[1] + n[2] * p[2])


@compiled()
def _left_turn(before: Floats, at: Floats, after: Floats) -> float:
    """Angle of a turn on the sphere, above 0 to the left."""
    ahead, onward = np.empty(3), np.empty(3)
    near = before[0] * at[0] + before[1] * at[1] + before[2] * at[2]
    far = after[0] * at[0] + after[1] * at[1] + after[2] * at[2]
    for axis in range(3):
        ahead[axis] = near * at[axis] - before[axis]
        onward[axis] = after[axis] - far * at[axis]
    cosine = ahead[0] * onward[0] + ahead[1] * onward[1] + ahead[2] * onward[2]
    return math.atan2(_dot(_cross(ahead, onward), at), cosine)


@compiled(inline=True)
def _cross(a: Floats, b: Floats) -> tuple[float, float, float]:
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


@compiled()
def chain_rings(vertex: Floats, tail: Longs, head: Longs) -> tuple[Longs, Longs]:
    """Rings of directed edges, of which as many leave each vertex as arrive.

    Returns the edges ring by ring, (edges,), and where each ring starts, (rings + 1,). Where rings
    touch, each turns as far to the left as it can.
    """
    edges = tail.size
    order = np.argsort(tail, kind="mergesort")
    first = np.zeros(vertex.shape[0] + 1, np.int64)
    for e in range(edges):
        first[tail[e] + 1] += 1
    first = np.cumsum(first)
    left = np.ones(edges, np.bool_)
    chain, start = np.empty(edges, np.int64), np.empty(edges + 1, np.int64)
    used, rings = 0, 0
    for e in range(edges):
        if not left[e]:
            continue
        start[rings] = used
        rings += 1
        at = e
        while True:
            left[at] = False
            chain[used] = at
            used += 1
            here = head[at]
            if here == tail[e]:
                break
            best, turn = -1, -4.0
            for k in range(first[here], first[here + 1]):
                if left[order[k]]:
                    angle = _left_turn(vertex[tail[at]], vertex[here], vertex[head[order[k]]])
                    if angle > turn:
                        best, turn = order[k], angle
            at = best
    start[rings] = used
    return chain, start[: rings + 1]


@compiled()
def _reach_ball(ball: Floats, node: int, a: Floats, b: Floats) -> None:
    """Let the balls from a leaf up to the root take in the edge from a to b."""
    bulge = ((b[0] - a[0]) ** 2 + (b[1] - a[1]) ** 2 + (b[2] - a[2]) ** 2) / 7.0 + 1e-12
    while node:
        x, y, z = ball[node, 0], ball[node, 1], ball[node, 2]
        far = max(
            (a[0] - x) ** 2 + (a[1] - y) ** 2 + (a[2] - z) ** 2,
            (b[0] - x) ** 2 + (b[1] - y) ** 2 + (b[2] - z) ** 2,
        )
        ball[node, 3] = max(ball[node, 3], math.sqrt(far) + bulge)
        node //= 2


@compiled(inline=True)
def _cuts(a: Floats, b: Floats, p: Floats, q: Floats) -> bool:
    """Whether short edges ab and pq cross."""
    edge, leg = _cross(a, b), _cross(p, q)
    if (_dot(leg, a) >= 0.0) == (_dot(leg, b) >= 0.0):
        return False
    return bool((_dot(edge, p) >= 0.0) != (_dot(edge, q) >= 0.0))


@compiled(inline=True)
def _distance(p: Floats, q: Floats) -> float:
    return math.sqrt((p[0] - q[0]) ** 2 + (p[1] - q[1]) ** 2 + (p[2] - q[2]) ** 2)


@compiled()
def _distance_to_edge(p: Floats, a: Floats, b: Floats, n: tuple[float, float, float]) -> float:
    """Distance of a point from a short edge ab with normal n."""
    x, y, z = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    if x * (p[0] - a[0]) + y * (p[1] - a[1]) + z * (p[2] - a[2]) <= 0.0:
        return _distance(p, a)
    if x * (p[0] - b[0]) + y * (p[1] - b[1]) + z * (p[2] - b[2]) >= 0.0:
        return _distance(p, b)
    return abs(_dot(n, p))


@compiled()
def _is_clear(
    a: Floats, b: Floats, tip: Floats, is_cap: bool, known: tuple[int, int, int, int],
    margin: float, point: Floats, after: Longs, item: Longs, ball: Floats,
) -> bool:  # fmt: skip
    """Whether the triangle of a, b and a tip left of ab is free of all but the `known` vertices.

    Nor may a vertex be nearer to its open sides than the margin, and than half its way to a and b.
    Of a cap, no edge but those that start at the known vertices may cross the sides at the tip, or
    pass the tip within the margin.
    """
    beyond = np.empty(3)
    for axis in range(3):
        beyond[axis] = tip[axis] - 0.5 * (a[axis] + b[axis])
    size = math.sqrt(beyond[0] ** 2 + beyond[1] ** 2 + beyond[2] ** 2)
    for axis in range(3):
        beyond[axis] = tip[axis] + 2.0 * margin / size * beyond[axis]
    base, out, back = _normal(a, b), _normal(b, tip), _normal(tip, a)
    height = _dot(base, tip)
    x, y, z = a[0] + b[0] + tip[0], a[1] + b[1] + tip[1], a[2] + b[2] + tip[2]
    size = math.sqrt(x * x + y * y + z * z)
    x, y, z = x / size, y / size, z / size
    reach = (a[0] - x) ** 2 + (a[1] - y) ** 2 + (a[2] - z) ** 2
    reach = max(reach, (b[0] - x) ** 2 + (b[1] - y) ** 2 + (b[2] - z) ** 2)
    reach = max(reach, (tip[0] - x) ** 2 + (tip[1] - y) ** 2 + (tip[2] - z) ** 2)
    reach = 1.01 * math.sqrt(reach) + 3.0 * margin
    leaves = ball.shape[0] // 2
    node = 1
    while node:
        far = reach + ball[node, 3]
        dx, dy, dz = ball[node, 0] - x, ball[node, 1] - y, ball[node, 2] - z
        if dx * dx + dy * dy + dz * dz <= far * far:
            if node < leaves:
                node *= 2
                continue
            for place in range((node - leaves) * RING_LEAF, (node - leaves + 1) * RING_LEAF):
                k = item[place]
                if k < 0 or after[k] < 0:
                    continue
                if k == known[0] or k == known[1] or k == known[2] or k == known[3]:
                    continue
                p = point[k]
                up = _dot(base, p)
                if not is_cap and (up < -margin or up > height + margin):
                    continue
                if up >= 0.0 and _dot(out, p) >= 0.0 and _dot(back, p) >= 0.0:
                    return False
                least = min(margin, 0.5 * _distance(p, a), 0.5 * _distance(p, b))
                if not is_cap:
                    if _distance_to_edge(p, a, b, base) < least:
                        return False
                    continue
                q = point[after[k]]
                if (
                    _distance_to_edge(p, b, tip, out) < least
                    or _distance_to_edge(p, tip, a, back) < least
                    or _cuts(b, beyond, p, q)
                    or _cuts(beyond, a, p, q)
                ):
                    return False
        while node & 1:
            node >>= 1
        node = node + 1 if node else 0
    return True


@compiled()
def _meet(a: Floats, v: Floats, w: Floats, b: Floats, out: Floats) -> bool:
    """Where the edges av and bw meet beyond v and w; False if that is sharp or far."""
    n, m = _normal(a, v), _normal(w, b)
    x = n[1] * m[2] - n[2] * m[1]
    y = n[2] * m[0] - n[0] * m[2]
    z = n[0] * m[1] - n[1] * m[0]
    size = math.sqrt(x * x + y * y + z * z)
    if size == 0.0 or n[0] * m[0] + n[1] * m[1] + n[2] * m[2] < _CAP_TURN:
        return False
    out[0], out[1], out[2] = x / size, y / size, z / size
    return bool(out[0] * v[0] + out[1] * v[1] + out[2] * v[2] > 0.0)


@compiled()
def simplify_rings(
    point: Floats, before: Longs, after: Longs, size: Longs, ring: Longs, item: Longs,
    ball: Floats, fill: float, push: float, margin: float, steps: int,
) -> None:  # fmt: skip
    """Take vertices out of rings, in place: closed sides only grow, at most by `fill` + `push`.

    `before` and `after` link the vertices of each ring, -1 where one has gone; `size` counts the
    vertices of each ring. `item` (-1 for none) are the edges below the leaves of `ball`, numbered
    by their first vertices. Ears go up to the reach `fill`, caps up to `push` (radians), the
    lowest first, `steps` times twice as high. No vertex comes nearer to an edge than `margin`.
    """
    n = point.shape[0]
    # how far the edge after each vertex is, at most, from where the closed side began
    filled, pushed = np.zeros(n), np.zeros(n)
    tip = np.empty(3)
    leaf = np.empty(n, np.int64)
    for place in range(item.size):
        if item[place] >= 0:
            leaf[item[place]] = ball.shape[0] // 2 + place // RING_LEAF
    for step in range(steps):
        limit = fill * 0.5 ** (steps - 1 - step)
        for i in range(n):
            v = i
            while after[v] >= 0 and size[ring[v]] > 3:
                a, b = before[v], after[v]
                height = _dot(_normal(point[a], point[b]), point[v])
                reach = max(filled[a], filled[v]) + height
                if height <= 0.0 or reach > limit:
                    break
                if not _is_clear(
                    point[a], point[b], point[v], False, (a, b, v, v), margin,
                    point, after, item, ball,
                ):  # fmt: skip
                    break
                before[b], after[a], after[v], filled[a] = a, b, -1, reach
                size[ring[v]] -= 1
                _reach_ball(ball, leaf[a], point[a], point[b])
                v = a  # it may be an ear now
    for step in range(steps):
        limit = push * 0.5 ** (steps - 1 - step)
        for v in range(n):
            while after[v] >= 0 and size[ring[v]] > 3:
                w, a = after[v], before[v]
                b = after[w]
                if (
                    _dot(_normal(point[a], point[v]), point[w]) <= 0.0
                    or _dot(_normal(point[v], point[w]), point[b]) <= 0.0
                    or not _meet(point[a], point[v], point[w], point[b], tip)
                ):
                    break
                reach = pushed[v] - _dot(_normal(point[v], point[w]), tip)
                if reach > limit or not _is_clear(
                    point[w], point[v], tip, True, (a, b, v, w), margin, point, after, item, ball
                ):
                    break
                point[v] = tip
                after[v], before[b], after[w] = b, v, -1
                pushed[a], pushed[v] = max(pushed[a], reach), max(pushed[w], reach)
                filled[v] = max(filled[v], filled[w])
                filled[a] = max(filled[a], filled[v])
                size[ring[v]] -= 1
                _reach_ball(ball, leaf[a], point[a], tip)
                _reach_ball(ball, leaf[v], tip, point[b])
