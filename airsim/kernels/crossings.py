"""Stays of paths in areas, over edges kept in the cells of a cube.

Signs of determinants decide what is topological, exactly where rounding could reach them; ties are
broken by one imagined shift of all path points. So each boundary is crossed an even number of
times by a closed line, whatever the rounding.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import prange
from numpy.typing import NDArray

from airsim.kernels.compiling import Floats, Ints, Longs, compiled

# ---------------------------------------------------------------------------------------------
# signs of determinants
# ---------------------------------------------------------------------------------------------
_SURE = 4e-15  # rounding of a float64 determinant of unit vectors stays below this
# the imagined shift of every path point: any direction that no boundary edge points to
_UX, _UY, _UZ = 0.48319, 0.60517, 0.63277


@compiled()
def _add_exactly(parts: Floats, count: int, term: float) -> int:
    """Add a number to a sum kept as parts that do not overlap (Shewchuk 1997)."""
    kept = 0
    for k in range(count):
        total = term + parts[k]
        b = total - term
        error = (term - (total - b)) + (parts[k] - b)
        term = total
        if error != 0.0:
            parts[kept] = error
            kept += 1
    if term != 0.0 or kept == 0:
        parts[kept] = term
        kept += 1
    return kept


@compiled()
def _multiply(x: float, y: float) -> tuple[float, float]:
    """Product and its rounding error (Dekker 1971)."""
    p = x * y
    s = 134217729.0 * x
    xh = s - (s - x)
    s = 134217729.0 * y
    yh = s - (s - y)
    xl, yl = x - xh, y - yh
    return p, ((xh * yh - p) + xh * yl + xl * yh) + xl * yl


@compiled()
def _add_product(parts: Floats, count: int, x: float, y: float, z: float) -> int:
    """Add x * y * z to an exact sum."""
    p, pe = _multiply(x, y)
    for factor in (pe, p):
        q, qe = _multiply(factor, z)
        count = _add_exactly(parts, _add_exactly(parts, count, qe), q)
    return count


@compiled()
def _add_determinant(
    parts: Floats, count: int,
    ax: float, ay: float, az: float,
    bx: float, by: float, bz: float,
    cx: float, cy: float, cz: float,
) -> int:  # fmt: skip
    """Add the determinant of three vectors to an exact sum, whose last part bears its sign."""
    count = _add_product(parts, count, ay, bz, cx)
    count = _add_product(parts, count, -az, by, cx)
    count = _add_product(parts, count, az, bx, cy)
    count = _add_product(parts, count, -ax, bz, cy)
    count = _add_product(parts, count, ax, by, cz)
    return _add_product(parts, count, -ay, bx, cz)


@compiled()
def _point_side_exact(
    px: float, py: float, pz: float,
    ax: float, ay: float, az: float,
    bx: float, by: float, bz: float,
) -> bool:  # fmt: skip
    """Whether path point p lies left of the great circle from a to b (ties: see module)."""
    parts = np.empty(64)
    count = _add_determinant(parts, 0, ax, ay, az, bx, by, bz, px, py, pz)
    if parts[count - 1] == 0.0:
        count = _add_determinant(parts, 0, ax, ay, az, bx, by, bz, _UX, _UY, _UZ)
    return bool(parts[count - 1] >= 0.0)


@compiled()
def _vertex_side_exact(
    vx: float, vy: float, vz: float,
    px: float, py: float, pz: float,
    qx: float, qy: float, qz: float,
) -> bool:  # fmt: skip
    """Whether boundary vertex v lies left of the leg from p to q (ties: see module)."""
    parts = np.empty(64)
    count = _add_determinant(parts, 0, px, py, pz, qx, qy, qz, vx, vy, vz)
    if parts[count - 1] == 0.0:
        count = _add_determinant(parts, 0, _UX, _UY, _UZ, qx, qy, qz, vx, vy, vz)
        count = _add_determinant(parts, count, -_UX, -_UY, -_UZ, px, py, pz, vx, vy, vz)
    return bool(parts[count - 1] >= 0.0)


# ---------------------------------------------------------------------------------------------
# cells: each of six faces of a cube is cut by planes through the centre into n x n cells
# ---------------------------------------------------------------------------------------------
class Cells(NamedTuple):
    """Edges, the areas on their sides, and the cells that they meet; rows compressed.

    Edge e runs between the unit vectors ``vertex[edge[e]]`` and bounds the areas
    ``label_area[label_start[e]:label_start[e + 1]]``. Cell c meets the edges
    ``cell_edge[cell_start[c]:cell_start[c + 1]]``; `ends` repeats their vectors and `plane` has
    them in the plane of the face, so that memory is read in runs. The reference point of the cell
    lies in ``area_of[area_start[c]:area_start[c + 1]]``. `lines` are the n + 1 grid lines of a
    face.
    """

    vertex: Floats
    edge: Ints
    label_start: Ints
    label_area: Ints
    cell_start: Ints
    cell_edge: Ints
    plane: NDArray[np.float32]
    ends: Floats
    area_start: Ints
    area_of: Ints
    lines: Floats


@compiled(inline=True)
def _face_of(x: float, y: float, z: float) -> int:
    ax, ay, az = abs(x), abs(y), abs(z)
    if ax >= ay and ax >= az:
        return 0 if x > 0 else 3
    if ay >= az:
        return 1 if y > 0 else 4
    return 2 if z > 0 else 5


@compiled(inline=True)
def _on_face(face: int, x: float, y: float, z: float) -> tuple[float, float, float]:
    """Coordinates (u, v, w) of a vector, w towards the face; u / w and v / w span its plane."""
    if face == 0:
        return y, z, x
    if face == 1:
        return z, x, y
    if face == 2:
        return x, y, z
    if face == 3:
        return y, z, -x
    if face == 4:
        return z, x, -y
    return x, y, -z


@compiled(inline=True)
def _column_of(r: float, lines: Floats) -> int:
    """Column between whose grid lines a plane coordinate lies, kept inside the face."""
    n = lines.size - 1
    # the angle to a quarter of a degree, then the lines themselves
    guess = (0.5 + r * (0.5 + 0.1738 * (1.0 - abs(r)))) * n
    k = int(min(max(guess, 0.0), n - 1.0))
    while k > 0 and r < lines[k]:
        k -= 1
    while k < n - 1 and r >= lines[k + 1]:
        k += 1
    return k


@compiled(inline=True)
def _place_of(x: float, y: float, z: float, lines: Floats) -> tuple[int, int, int]:
    """Face, column and row of a vector."""
    face = _face_of(x, y, z)
    u, v, w = _on_face(face, x, y, z)
    return face, _column_of(u / w, lines), _column_of(v / w, lines)


@compiled()
def cell_centre(cell: int, lines: Floats) -> tuple[float, float, float]:
    """Unit vector of the reference point of a cell, which is somewhere near its middle."""
    n = lines.size - 1
    face, i, j = cell // (n * n), cell // n % n, cell % n
    # odd shares: data like to lie on round coordinates
    u = lines[i] + 0.4871 * (lines[i + 1] - lines[i])
    v = lines[j] + 0.5147 * (lines[j + 1] - lines[j])
    size = math.sqrt(1.0 + u * u + v * v)
    u, v, w = u / size, v / size, 1.0 / size
    if face >= 3:
        w = -w
    if face % 3 == 0:
        return w, u, v
    if face % 3 == 1:
        return v, w, u
    return u, v, w


@compiled()
def _clip(lo: float, hi: float, f: float, g: float) -> tuple[float, float]:
    """Part of [lo, hi] where the linear function from f (at 0) to g (at 1) is not negative."""
    if f < 0.0 and g < 0.0:
        return 1.0, 0.0
    if f < 0.0:
        lo = max(lo, f / (f - g))
    elif g < 0.0:
        hi = min(hi, f / (f - g))
    return lo, hi


_MARGIN = 1e-9  # cells take edges that pass this near; far above rounding, far below a metre


@compiled()
def _cells_of_edge(a: Floats, b: Floats, lines: Floats, out: Ints) -> int:
    """Cells that an edge meets or nearly meets, into `out`; returns how many."""
    n = lines.size - 1
    count = 0
    for face in range(6):
        au, av, aw = _on_face(face, a[0], a[1], a[2])
        bu, bv, bw = _on_face(face, b[0], b[1], b[2])
        grow = 1.0 + _MARGIN
        lo, hi = _clip(0.0, 1.0, aw - 0.1, bw - 0.1)
        lo, hi = _clip(lo, hi, grow * aw - au, grow * bw - bu)
        lo, hi = _clip(lo, hi, grow * aw + au, grow * bw + bu)
        lo, hi = _clip(lo, hi, grow * aw - av, grow * bw - bv)
        lo, hi = _clip(lo, hi, grow * aw + av, grow * bw + bv)
        if lo > hi:
            continue
        # columns in turn: in each, the rows between the ends of the part that lies in it
        du, dv, dw = bu - au, bv - av, bw - aw
        u0, u1 = (au + lo * du) / (aw + lo * dw), (au + hi * du) / (aw + hi * dw)
        first = _column_of(min(u0, u1) - _MARGIN, lines)
        last = _column_of(max(u0, u1) + _MARGIN, lines)
        for i in range(first, last + 1):
            left = lines[i] - _MARGIN if i > first else -2.0
            right = lines[i + 1] + _MARGIN if i < last else 2.0
            s, e = _clip(lo, hi, au - left * aw, bu - left * bw)
            s, e = _clip(s, e, right * aw - au, right * bw - bu)
            if s > e:
                continue
            v0, v1 = (av + s * dv) / (aw + s * dw), (av + e * dv) / (aw + e * dw)
            low = _column_of(min(v0, v1) - 4 * _MARGIN, lines)
            high = _column_of(max(v0, v1) + 4 * _MARGIN, lines)
            for j in range(low, high + 1):
                out[count] = (face * n + i) * n + j
                count += 1
    return count


@compiled()
def index_edges(
    vertex: Floats, edge: Ints, lines: Floats
) -> tuple[Ints, Ints, NDArray[np.float32], Floats]:
    """`cell_start`, `cell_edge`, `plane`, `ends` of `Cells`; edges below 30 degrees."""
    n = lines.size - 1
    start = np.zeros(6 * n * n + 1, np.int32)
    cells = np.empty(64 * n, np.int32)
    for e in range(edge.shape[0]):
        for k in range(_cells_of_edge(vertex[edge[e, 0]], vertex[edge[e, 1]], lines, cells)):
            start[cells[k] + 1] += 1
    for c in range(6 * n * n):
        start[c + 1] += start[c]
    fill = start[:-1].copy()
    found = np.empty(start[-1], np.int32)
    plane = np.empty((start[-1], 4), np.float32)
    ends = np.empty((start[-1], 6))
    for e in range(edge.shape[0]):
        a, b = vertex[edge[e, 0]], vertex[edge[e, 1]]
        for k in range(_cells_of_edge(a, b, lines, cells)):
            at = fill[cells[k]]
            fill[cells[k]] += 1
            found[at] = e
            face = cells[k] // (n * n)
            u, v, w = _on_face(face, a[0], a[1], a[2])
            plane[at, 0], plane[at, 1] = u / w, v / w
            u, v, w = _on_face(face, b[0], b[1], b[2])
            plane[at, 2], plane[at, 3] = u / w, v / w
            for d in range(3):
                ends[at, d], ends[at, 3 + d] = a[d], b[d]
    return start, found, plane, ends


# ---------------------------------------------------------------------------------------------
# a leg against the edges of the cells that it meets
# ---------------------------------------------------------------------------------------------
class Leg(NamedTuple):
    """A path leg of less than 30 degrees: ends p and q, normal n of its plane."""

    px: float
    py: float
    pz: float
    qx: float
    qy: float
    qz: float
    nx: float
    ny: float
    nz: float
    size: float


@compiled(inline=True)
def _make_leg(px: float, py: float, pz: float, qx: float, qy: float, qz: float) -> Leg:
    nx, ny, nz = py * qz - pz * qy, pz * qx - px * qz, px * qy - py * qx
    return Leg(px, py, pz, qx, qy, qz, nx, ny, nz, math.sqrt(nx * nx + ny * ny + nz * nz))


@compiled()
def _hit_share(leg: Leg, ends: Floats, k: int) -> float:
    """Share of the leg's chord at which it crosses edge k, or -1."""
    px, py, pz, qx, qy, qz, nx, ny, nz, _ = leg
    ax, ay, az, bx, by, bz = ends[k, 0], ends[k, 1], ends[k, 2], ends[k, 3], ends[k, 4], ends[k, 5]
    da, db = nx * ax + ny * ay + nz * az, nx * bx + ny * by + nz * bz
    left_a, left_b = da > 0.0, db > 0.0
    if abs(da) <= _SURE:
        left_a = _vertex_side_exact(ax, ay, az, px, py, pz, qx, qy, qz)
    if abs(db) <= _SURE:
        left_b = _vertex_side_exact(bx, by, bz, px, py, pz, qx, qy, qz)
    if left_a == left_b:
        return -1.0
    mx, my, mz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
    dp, dq = mx * px + my * py + mz * pz, mx * qx + my * qy + mz * qz
    left_p, left_q = dp > 0.0, dq > 0.0
    if abs(dp) <= _SURE:
        left_p = _point_side_exact(px, py, pz, ax, ay, az, bx, by, bz)
    if abs(dq) <= _SURE:
        left_q = _point_side_exact(qx, qy, qz, ax, ay, az, bx, by, bz)
    if left_p == left_q:
        return -1.0
    # the point of the edge that lies on the leg's plane, then its share of the chord
    wa, wb = abs(db), abs(da)
    if wa + wb == 0.0:
        wa = wb = 1.0
    cx, cy, cz = wa * ax + wb * bx, wa * ay + wb * by, wa * az + wb * bz
    f = (py * cz - pz * cy) * nx + (pz * cx - px * cz) * ny + (px * cy - py * cx) * nz
    g = (cy * qz - cz * qy) * nx + (cz * qx - cx * qz) * ny + (cx * qy - cy * qx) * nz
    share: float = f / (f + g) if f + g != 0.0 else 0.5
    return min(max(share, 0.0), 1.0)


@compiled(inline=True)
def _hits_on_face(
    leg: Leg, face: int, i: int, j: int, i1: int, j1: int, t0: float, t1: float,
    lines: Floats, cell_start: Ints, cell_edge: Ints, plane: NDArray[np.float32], ends: Floats,
    hit_t: Floats, hit_edge: Ints, count: int,
) -> int:  # fmt: skip
    """Step through cells of one face, from (i, j) at share t0 of the leg to (i1, j1) at t1.

    A crossing belongs to the cell whose half-open stretch of the leg holds its share: it counts
    once, though several cells know the edge.
    """
    n = lines.size - 1
    pu, pv, pw = _on_face(face, leg.px, leg.py, leg.pz)
    qu, qv, qw = _on_face(face, leg.qx, leg.qy, leg.qz)
    nu, nv, nw = _on_face(face, leg.nx, leg.ny, leg.nz)
    # what 32 bits cannot tell, the share of the crossing will
    far = 4e-6 * leg.size + 4e-15
    t = t0
    while True:
        ti = tj = 4.0
        if i != i1:
            line = lines[i + 1] if i1 > i else lines[i]
            f, g = pu - line * pw, qu - line * qw
            ti = f / (f - g) if f != g else t
        if j != j1:
            line = lines[j + 1] if j1 > j else lines[j]
            f, g = pv - line * pw, qv - line * qw
            tj = f / (f - g) if f != g else t
        last = i == i1 and j == j1
        end = t1 if last else min(max(min(ti, tj), t), t1)
        cell = (face * n + i) * n + j
        for k in range(cell_start[cell], cell_start[cell + 1]):
            da = nu * plane[k, 0] + nv * plane[k, 1] + nw
            db = nu * plane[k, 2] + nv * plane[k, 3] + nw
            if (da > far and db > far) or (da < -far and db < -far):
                continue
            share = _hit_share(leg, ends, k)
            if share >= 0.0 and t <= share < end:
                if count < hit_t.size:
                    hit_t[count] = share
                    hit_edge[count] = cell_edge[k]
                count += 1
        if last:
            return count
        t = end
        if j == j1 or (i != i1 and ti <= tj):
            i += 1 if i1 > i else -1
        else:
            j += 1 if j1 > j else -1


@compiled()
def _cut(cuts: Floats, count: int, f: float, g: float) -> int:
    """Add the zero of the linear function from f to g, keeping `cuts` sorted."""
    if (f < 0.0) == (g < 0.0):
        return count
    t = f / (f - g)
    k = count
    while k > 0 and cuts[k - 1] > t:
        cuts[k] = cuts[k - 1]
        k -= 1
    cuts[k] = t
    return count + 1


@compiled()
def _hits_over_faces(leg: Leg, cells: Cells, hit_t: Floats, hit_edge: Ints) -> int:
    """Crossings of a leg that leaves its face: cut it where faces may change."""
    px, py, pz, qx, qy, qz = leg[:6]
    cuts = np.empty(7)
    count = _cut(cuts, 0, px - py, qx - qy)
    count = _cut(cuts, count, px + py, qx + qy)
    count = _cut(cuts, count, px - pz, qx - qz)
    count = _cut(cuts, count, px + pz, qx + qz)
    count = _cut(cuts, count, py - pz, qy - qz)
    count = _cut(cuts, count, py + pz, qy + qz)
    hits = 0
    t = -1.0
    for k in range(count + 1):
        end = cuts[k] if k < count else 2.0
        s, e = max(t, 0.0), min(end, 1.0)
        m = 0.5 * (s + e)
        face = _face_of(px + m * (qx - px), py + m * (qy - py), pz + m * (qz - pz))
        pu, pv, pw = _on_face(face, px, py, pz)
        qu, qv, qw = _on_face(face, qx, qy, qz)
        sw, ew = pw + s * (qw - pw), pw + e * (qw - pw)
        hits = _hits_on_face(
            leg, face,
            _column_of((pu + s * (qu - pu)) / sw, cells.lines),
            _column_of((pv + s * (qv - pv)) / sw, cells.lines),
            _column_of((pu + e * (qu - pu)) / ew, cells.lines),
            _column_of((pv + e * (qv - pv)) / ew, cells.lines),
            t, end, cells.lines, cells.cell_start, cells.cell_edge, cells.plane, cells.ends,
            hit_t, hit_edge, hits,
        )  # fmt: skip
        t = end
    return hits


@compiled(inline=True)
def _hits_of_leg(
    leg: Leg, start: tuple[int, int, int], end: tuple[int, int, int], cells: Cells,
    hit_t: Floats, hit_edge: Ints,
) -> tuple[Floats, Ints, int]:  # fmt: skip
    """Crossings of one leg between two places, sorted by share, then edge; arrays may grow."""
    if leg.px == leg.qx and leg.py == leg.qy and leg.pz == leg.qz:
        return hit_t, hit_edge, 0
    if start == end:
        n = cells.lines.size - 1
        cell = (start[0] * n + start[1]) * n + start[2]
        if cells.cell_start[cell] == cells.cell_start[cell + 1]:
            return hit_t, hit_edge, 0
    while True:
        if start[0] == end[0]:
            count = _hits_on_face(
                leg, start[0], start[1], start[2], end[1], end[2], -1.0, 2.0, cells.lines,
                cells.cell_start, cells.cell_edge, cells.plane, cells.ends,
                hit_t, hit_edge, 0,
            )  # fmt: skip
        else:
            count = _hits_over_faces(leg, cells, hit_t, hit_edge)
        if count <= hit_t.size:
            break
        hit_t, hit_edge = np.empty(2 * count), np.empty(2 * count, np.int32)
    for k in range(1, count):
        t, e = hit_t[k], hit_edge[k]
        m = k
        while m > 0 and (hit_t[m - 1] > t or (hit_t[m - 1] == t and hit_edge[m - 1] > e)):
            hit_t[m], hit_edge[m] = hit_t[m - 1], hit_edge[m - 1]
            m -= 1
        hit_t[m], hit_edge[m] = t, e
    return hit_t, hit_edge, count


@compiled()
def _toggle_leg(
    leg: Leg, start: tuple[int, int, int], end: tuple[int, int, int], cells: Cells,
    hit_t: Floats, hit_edge: Ints, areas: Ints, count: int,
) -> tuple[Floats, Ints, Ints, int]:  # fmt: skip
    """Areas at the end of a leg from the areas at its start: an unordered list."""
    hit_t, hit_edge, hits = _hits_of_leg(leg, start, end, cells, hit_t, hit_edge)
    for h in range(hits):
        e = hit_edge[h]
        for k in range(cells.label_start[e], cells.label_start[e + 1]):
            area = cells.label_area[k]
            at = 0
            while at < count and areas[at] != area:
                at += 1
            if at < count:
                count -= 1
                areas[at] = areas[count]
                continue
            if count == areas.size:
                areas = np.concatenate((areas, np.empty_like(areas)))
            areas[count] = area
            count += 1
    return hit_t, hit_edge, areas, count


@compiled()
def _cell_on_walk(step: int, n: int) -> int:
    """Cells in an order that seldom jumps: rows to and fro."""
    row, column = step // n, step % n
    return row * n + (column if row % 2 == 0 else n - 1 - column)


@compiled()
def index_areas(cells: Cells, areas_at_first: Ints) -> tuple[Ints, Ints]:
    """`area_start` and `area_of` of `Cells`, given the areas of the first cell."""
    lines = cells.lines
    n = lines.size - 1
    start = np.zeros(6 * n * n + 1, np.int32)
    where = np.zeros(6 * n * n, np.int64)
    found = np.empty(24 * n * n, np.int32)
    used = 0
    hit_t, hit_edge = np.empty(64), np.empty(64, np.int32)
    count = areas_at_first.size
    areas = np.empty(count + 8, np.int32)
    areas[:count] = areas_at_first
    px, py, pz = cell_centre(0, lines)
    for step in range(6 * n * n):
        cell = _cell_on_walk(step, n)
        qx, qy, qz = cell_centre(cell, lines)
        # shorter legs where the walk jumps from face to face
        hops = 1 if step % (n * n) else 16
        sx, sy, sz = px, py, pz
        for h in range(1, hops + 1):
            t = h / hops
            ex, ey, ez = qx, qy, qz
            if h < hops:
                ex, ey, ez = sx + t * (qx - sx), sy + t * (qy - sy), sz + t * (qz - sz)
                size = math.sqrt(ex * ex + ey * ey + ez * ez)
                ex, ey, ez = ex / size, ey / size, ez / size
            hit_t, hit_edge, areas, count = _toggle_leg(
                _make_leg(px, py, pz, ex, ey, ez), _place_of(px, py, pz, lines),
                _place_of(ex, ey, ez, lines), cells, hit_t, hit_edge, areas, count,
            )  # fmt: skip
            px, py, pz = ex, ey, ez
        while used + count > found.size:
            found = np.concatenate((found, np.empty_like(found)))
        found[used : used + count] = np.sort(areas[:count])
        where[cell] = used
        start[cell + 1] = count
        used += count
    for cell in range(6 * n * n):
        start[cell + 1] += start[cell]
    result = np.empty(used, np.int32)
    for cell in range(6 * n * n):
        size_c = start[cell + 1] - start[cell]
        result[start[cell] : start[cell + 1]] = found[where[cell] : where[cell] + size_c]
    return start, result


@compiled()
def _areas_at(
    px: float, py: float, pz: float, cells: Cells, hit_t: Floats, hit_edge: Ints, areas: Ints
) -> tuple[Floats, Ints, Ints, int]:
    """Areas that contain a point: those at its cell's reference point, toggled on the way."""
    n = cells.lines.size - 1
    place = _place_of(px, py, pz, cells.lines)
    cell = (place[0] * n + place[1]) * n + place[2]
    first, last = cells.area_start[cell], cells.area_start[cell + 1]
    count = last - first
    while count > areas.size:
        areas = np.concatenate((areas, np.empty_like(areas)))
    areas[:count] = cells.area_of[first:last]
    if cells.cell_start[cell] == cells.cell_start[cell + 1]:
        return hit_t, hit_edge, areas, count
    cx, cy, cz = cell_centre(cell, cells.lines)
    leg = _make_leg(cx, cy, cz, px, py, pz)
    return _toggle_leg(leg, place, place, cells, hit_t, hit_edge, areas, count)


@compiled(parallel=True)
def locate_points(
    cells: Cells, point: Floats, block: int, capacity: int, out: Ints, size: Longs, used: Longs
) -> None:
    """Areas at each point, sorted, written block by block; `used` tells the room each needs."""
    for b in prange(used.size):
        hit_t, hit_edge = np.empty(64), np.empty(64, np.int32)
        areas = np.empty(16, np.int32)
        total = 0
        for k in range(b * block, min((b + 1) * block, size.size)):
            hit_t, hit_edge, areas, count = _areas_at(
                point[k, 0], point[k, 1], point[k, 2], cells, hit_t, hit_edge, areas
            )
            if total + count <= capacity:
                out[b * capacity + total : b * capacity + total + count] = np.sort(areas[:count])
            size[k] = count
            total += count
        used[b] = total


# ---------------------------------------------------------------------------------------------
# stays of paths in areas
# ---------------------------------------------------------------------------------------------
_TOUCH_KM = 1e-6  # stays and gaps shorter than a millimetre are rounding


@compiled()
def _share_of_angle(t: float, leg: Leg) -> float:
    """Share of the angle of a leg at a share t of its chord."""
    if leg.size < 1e-4:
        return t
    cosine = leg.px * leg.qx + leg.py * leg.qy + leg.pz * leg.qz
    return math.atan2(t * leg.size, (1.0 - t) + t * cosine) / math.atan2(leg.size, cosine)


@compiled()
def _write_stay(
    area: int, entry: float, leave: float, length: float, at: int, end: int,
    out_area: Ints, out_entry: Floats, out_exit: Floats,
) -> int:  # fmt: skip
    """Write a stay at `at`, if it is one and there is room; returns the next place."""
    if leave - entry <= _TOUCH_KM < length:
        return at
    if at < end:
        out_area[at] = area
        out_entry[at] = entry if entry > _TOUCH_KM else 0.0
        out_exit[at] = leave if leave < length - _TOUCH_KM else length
    return at + 1


@compiled()
def _double(a: Ints, b: Floats, c: Floats) -> tuple[Ints, Floats, Floats]:
    """Twice the room in three arrays."""
    return (
        np.concatenate((a, np.empty_like(a))),
        np.concatenate((b, np.empty_like(b))),
        np.concatenate((c, np.empty_like(c))),
    )


@compiled(parallel=True)
def trace_paths(
    cells: Cells, point: Floats, km: Floats, start: Longs, block: int, capacity: int,
    out_area: Ints, out_entry: Floats, out_exit: Floats, size: Longs, used: Longs,
) -> None:  # fmt: skip
    """Stays of each path in each area, written block by block; `used` tells the room needed."""
    for b in prange(used.size):
        hit_t, hit_edge = np.empty(64), np.empty(64, np.int32)
        areas = np.empty(16, np.int32)
        # stays under way (exit below 0) or just ended: a gap after them may be rounding
        slot_area, slot_entry, slot_exit = np.empty(16, np.int32), np.empty(16), np.empty(16)
        at, end = b * capacity, (b + 1) * capacity
        for path in range(b * block, min((b + 1) * block, size.size)):
            first, last = start[path], start[path + 1] - 1
            before = at
            slots = 0
            length = 0.0
            place = (0, 0, 0)
            if last >= first:
                length = km[last]
                x, y, z = point[first, 0], point[first, 1], point[first, 2]
                place = _place_of(x, y, z, cells.lines)
                hit_t, hit_edge, areas, slots = _areas_at(x, y, z, cells, hit_t, hit_edge, areas)
                while slots > slot_area.size:
                    slot_area, slot_entry, slot_exit = _double(slot_area, slot_entry, slot_exit)
                for s in range(slots):
                    slot_area[s], slot_entry[s], slot_exit[s] = areas[s], 0.0, -1.0
            for k in range(first, last):
                leg = _make_leg(
                    point[k, 0], point[k, 1], point[k, 2],
                    point[k + 1, 0], point[k + 1, 1], point[k + 1, 2],
                )  # fmt: skip
                next_place = _place_of(leg.qx, leg.qy, leg.qz, cells.lines)
                hit_t, hit_edge, hits = _hits_of_leg(leg, place, next_place, cells, hit_t, hit_edge)
                place = next_place
                for h in range(hits):
                    here = km[k] + _share_of_angle(hit_t[h], leg) * (km[k + 1] - km[k])
                    e = hit_edge[h]
                    for label in range(cells.label_start[e], cells.label_start[e + 1]):
                        area = cells.label_area[label]
                        s = 0
                        while s < slots and slot_area[s] != area:
                            s += 1
                        if s < slots and slot_exit[s] < 0.0:
                            slot_exit[s] = here
                        elif s < slots and here - slot_exit[s] <= _TOUCH_KM:
                            slot_exit[s] = -1.0
                        else:
                            if s < slots:
                                at = _write_stay(
                                    area, slot_entry[s], slot_exit[s], length, at, end,
                                    out_area, out_entry, out_exit,
                                )  # fmt: skip
                            elif slots == slot_area.size:
                                slot_area, slot_entry, slot_exit = _double(
                                    slot_area, slot_entry, slot_exit
                                )
                            slots = max(slots, s + 1)
                            slot_area[s], slot_entry[s], slot_exit[s] = area, here, -1.0
            for s in range(slots):
                leave = slot_exit[s] if slot_exit[s] >= 0.0 else length
                at = _write_stay(
                    slot_area[s], slot_entry[s], leave, length, at, end,
                    out_area, out_entry, out_exit,
                )  # fmt: skip
            size[path] = at - before
        used[b] = at - b * capacity


@compiled(parallel=True)
def sort_stays(
    start: Longs, layer: NDArray[np.int8], area: Ints, entry: Floats, leave: Floats, order: Longs
) -> None:
    """Order of the stays of each path by entry, layer, area, exit; `start` has their rows."""
    for path in prange(start.size - 1):
        for k in range(start[path], start[path + 1]):
            m = k
            while m > start[path]:
                o = order[m - 1]
                if entry[o] < entry[k] or (
                    entry[o] == entry[k]
                    and (layer[o], area[o], leave[o]) <= (layer[k], area[k], leave[k])
                ):
                    break
                order[m] = o
                m -= 1
            order[m] = k


# ---------------------------------------------------------------------------------------------
# points along geodesics and great circles
# ---------------------------------------------------------------------------------------------
_F = 1.0 / 298.257223563  # WGS84
_A_KM = 6378.137
_N = _F / (2.0 - _F)
_EP2 = _F * (2.0 - _F) / (1.0 - _F) ** 2


@compiled()
def _sine_series(
    sine: float, cosine: float,
    c1: float, c2: float, c3: float, c4: float, c5: float, c6: float,
) -> float:  # fmt: skip
    """Sum of c[k] sin(2 k x), k = 1 to 6, by Clenshaw's recurrence."""
    twice = 2.0 * (cosine - sine) * (cosine + sine)
    b5 = twice * c6 + c5
    b4 = twice * b5 - c6 + c4
    b3 = twice * b4 - b5 + c3
    b2 = twice * b3 - b4 + c2
    return 2.0 * sine * cosine * (twice * b2 - b3 + c1)


@compiled()
def _distance_series(eps: float) -> tuple[float, float, float, float, float, float, float]:
    """A1 and C1[1..6] of Karney (2013), J. Geodesy 87: distance from arc length."""
    e2 = eps * eps
    return (
        (e2 * (e2 * (e2 + 4.0) + 64.0) / 256.0 + eps) / (1.0 - eps),
        eps * ((6.0 - e2) * e2 - 16.0) / 32.0,
        e2 * ((64.0 - 9.0 * e2) * e2 - 128.0) / 2048.0,
        eps * e2 * (9.0 * e2 - 16.0) / 768.0,
        e2 * e2 * (3.0 * e2 - 5.0) / 512.0,
        -7.0 * e2 * e2 * eps / 1280.0,
        -7.0 * e2 * e2 * e2 / 2048.0,
    )


@compiled()
def _arc_series(eps: float) -> tuple[float, float, float, float, float, float]:
    """C1'[1..6] of Karney (2013): arc length from distance."""
    e2 = eps * eps
    return (
        eps * (e2 * (205.0 * e2 - 432.0) + 768.0) / 1536.0,
        e2 * (e2 * (4005.0 * e2 - 4736.0) + 3840.0) / 12288.0,
        eps * e2 * (116.0 - 225.0 * e2) / 384.0,
        e2 * e2 * (2695.0 - 7173.0 * e2) / 7680.0,
        3467.0 * e2 * e2 * eps / 7680.0,
        38081.0 * e2 * e2 * e2 / 61440.0,
    )


@compiled()
def _longitude_series(eps: float) -> tuple[float, float, float, float, float, float]:
    """A3 and C3[1..5] of Karney (2013): longitude from that on the auxiliary sphere."""
    e2, n, n2 = eps * eps, _N, _N * _N
    return (
        1.0 + eps * ((n - 1.0) / 2.0
        + eps * ((-2.0 - n + 3.0 * n2) / 8.0
        + eps * ((-1.0 - 3.0 * n - n2) / 16.0
        + eps * ((-3.0 - 2.0 * n) / 64.0 - eps * 3.0 / 128.0)))),
        eps * ((1.0 - n) / 4.0
        + eps * ((1.0 - n2) / 8.0
        + eps * ((3.0 + 3.0 * n - n2) / 64.0
        + eps * ((5.0 + 2.0 * n) / 128.0 + eps * 3.0 / 128.0)))),
        e2 * ((2.0 - 3.0 * n + n2) / 32.0
        + eps * ((3.0 - 2.0 * n - 3.0 * n2) / 64.0
        + eps * ((3.0 + n) / 128.0 + eps * 5.0 / 256.0))),
        eps * e2 * ((5.0 - 9.0 * n + 5.0 * n2) / 192.0
        + eps * ((9.0 - 10.0 * n) / 384.0 + eps * 7.0 / 512.0)),
        e2 * e2 * ((7.0 - 14.0 * n) / 512.0 + eps * 7.0 / 512.0),
        eps * e2 * e2 * 21.0 / 2560.0,
    )  # fmt: skip


@compiled()
def _turn(cosine: float, sine: float, angle: float) -> tuple[float, float]:
    """Turn a vector by an angle of at most 0.02 radians."""
    a2 = angle * angle
    s = angle * (1.0 - a2 / 6.0 * (1.0 - a2 / 20.0 * (1.0 - a2 / 42.0)))
    c = 1.0 - a2 / 2.0 * (1.0 - a2 / 12.0 * (1.0 - a2 / 30.0))
    return cosine * c - sine * s, sine * c + cosine * s


@compiled()
def _write_geodesic(
    lon: float, lat: float, azimuth: float, length: float, pieces: int, out: Floats
) -> None:
    """Unit vectors of the inner points of a geodesic cut into equal pieces; radians, km.

    Karney (2013), direct problem, with the sines that change by equal or small angles turned
    rather than computed anew.
    """
    salp1, calp1 = math.sin(azimuth), math.cos(azimuth)
    sbet1, cbet1 = (1.0 - _F) * math.sin(lat), max(math.cos(lat), 1e-150)
    size = math.hypot(sbet1, cbet1)
    sbet1, cbet1 = sbet1 / size, cbet1 / size
    salp0, calp0 = salp1 * cbet1, math.hypot(calp1, salp1 * sbet1)
    ssig1, csig1 = sbet1, cbet1 * calp1
    if sbet1 == 0.0 and calp1 == 0.0:
        csig1 = 1.0
    somg1, comg1 = salp0 * sbet1, csig1
    size = math.hypot(ssig1, csig1)
    ssig1, csig1 = ssig1 / size, csig1 / size
    k2 = calp0 * calp0 * _EP2
    eps = k2 / (2.0 * (1.0 + math.sqrt(1.0 + k2)) + k2)
    a1, d1, d2, d3, d4, d5, d6 = _distance_series(eps)
    t1, t2, t3, t4, t5, t6 = _arc_series(eps)
    a3, g1, g2, g3, g4, g5 = _longitude_series(eps)
    a3 *= -_F * salp0
    b11 = _sine_series(ssig1, csig1, d1, d2, d3, d4, d5, d6)
    b31 = _sine_series(ssig1, csig1, g1, g2, g3, g4, g5, 0.0)
    ctau, stau = _turn(csig1, ssig1, b11)
    # the longitude less that of the auxiliary sphere, as a vector
    size = math.hypot(somg1, comg1)
    clon, slon = math.cos(lon), math.sin(lon)
    cbase = (clon * comg1 + slon * somg1) / size
    sbase = (slon * comg1 - clon * somg1) / size
    step = length / pieces / (_A_KM * (1.0 - _F) * (1.0 + a1))
    cstep, sstep = math.cos(step), math.sin(step)
    for k in range(1, pieces):
        ctau, stau = ctau * cstep - stau * sstep, stau * cstep + ctau * sstep
        b12 = -_sine_series(stau, ctau, t1, t2, t3, t4, t5, t6)
        sig12 = step * k - (b12 - b11)
        # tau is the arc from the node plus B11 at the start: turn back to the arc itself
        csig2, ssig2 = _turn(ctau, stau, -b12)
        b32 = _sine_series(ssig2, csig2, g1, g2, g3, g4, g5, 0.0)
        clam, slam = _turn(cbase, sbase, a3 * (sig12 + (b32 - b31)))
        comg2, somg2 = csig2, salp0 * ssig2
        x, y = comg2 * clam - somg2 * slam, somg2 * clam + comg2 * slam
        z = calp0 * ssig2 / (1.0 - _F)
        size = math.sqrt(x * x + y * y + z * z)
        out[k - 1, 0], out[k - 1, 1], out[k - 1, 2] = x / size, y / size, z / size


@compiled()
def _write_great_circle(p: Floats, q: Floats, pieces: int, out: Floats) -> None:
    """Unit vectors of the inner points of a great circle cut into equal pieces."""
    nx = p[1] * q[2] - p[2] * q[1]
    ny = p[2] * q[0] - p[0] * q[2]
    nz = p[0] * q[1] - p[1] * q[0]
    sine = math.sqrt(nx * nx + ny * ny + nz * nz)
    cosine = p[0] * q[0] + p[1] * q[1] + p[2] * q[2]
    angle = math.atan2(sine, cosine)
    if sine < 1e-14 and cosine < 0.0:  # antipodes: by the North Pole, or by 0 E from a pole
        nx, ny, nz = p[1], -p[0], 0.0
        if nx == 0.0 and ny == 0.0:
            nx, ny, nz = 0.0, p[2], 0.0
        sine = math.sqrt(nx * nx + ny * ny)
    if sine == 0.0:
        sine = 1.0
    tx = (ny * p[2] - nz * p[1]) / sine
    ty = (nz * p[0] - nx * p[2]) / sine
    tz = (nx * p[1] - ny * p[0]) / sine
    for k in range(1, pieces):
        s, c = math.sin(angle * k / pieces), math.cos(angle * k / pieces)
        out[k - 1, 0], out[k - 1, 1] = c * p[0] + s * tx, c * p[1] + s * ty
        out[k - 1, 2] = c * p[2] + s * tz


@compiled(parallel=True)
def chain_points(
    start: Longs, lon: Floats, lat: Floats, given: Floats, azimuth: Floats, length: Floats,
    pieces: Longs, chain_start: Longs, leg_start: Longs, sphere: bool, out: Floats, km: Floats,
) -> None:  # fmt: skip
    """Cut the legs of paths into pieces: unit vectors and km from the start of the path.

    `leg_start[path]` is the number of legs before the path, `azimuth`, `length` and `pieces` have
    one entry per leg; the points given keep their vectors bit by bit.
    """
    for path in prange(start.size - 1):
        at = chain_start[path]
        done = 0.0
        for v in range(start[path], start[path + 1]):
            for d in range(3):
                out[at, d] = given[v, d]
            km[at] = done
            at += 1
            if v + 1 == start[path + 1]:
                continue
            leg = leg_start[path] + v - start[path]
            inner = pieces[leg] - 1
            if sphere:
                _write_great_circle(given[v], given[v + 1], pieces[leg], out[at : at + inner])
            else:
                _write_geodesic(
                    math.radians(lon[v]), math.radians(lat[v]), math.radians(azimuth[leg]),
                    length[leg], pieces[leg], out[at : at + inner],
                )  # fmt: skip
            for k in range(inner):
                km[at + k] = done + length[leg] * (k + 1) / pieces[leg]
            at += inner
            done += length[leg]
