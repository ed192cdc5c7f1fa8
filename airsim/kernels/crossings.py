"""Stays of paths in areas, over edges kept in the cells of a cube.

Layout of one layer
-------------------
::

    a cube around the Earth: six faces of n x n cells, cut by planes through the centre, on which
    great circles are straight lines

      face f, column i, row j         cell c = (f n + i) n + j
      +---+---+---+---+
      |   |   |  /|   |               full          one bit per cell: does an edge meet it?
      +---+---+-/-+---+
      |   |   |/  |   |               block_start[c] .. block_start[c + 1]   blocks of 8 edges
      +---+---/---+---+                      |
      |   |  /|   |   |                      v
      +---+-/-+---+---+               plane[b]   float32   au au au au au au au au   (nan fills
      |   |/  |   |   |                                    av av ..                   the last
      +---+---+---+---+                                    bu bu ..                   block)
                                                           bv bv ..
    lane k of block b is row 8 b + k of
      edge    float64   ax ay az bx by bz number areas

    whose last two are whole numbers: that of the edge, and the areas on its sides (see
    `_next_area`); one row is one line of memory

    area_of[area_start[c]:area_start[c + 1]]   areas at the reference point of cell c

A leg lists the cells that it meets (one row per column, or two), tests eight edges of such a cell
at once in 32 bits, and those that it comes near in 64 bits. Edges are whole in every cell that
they meet, so that memory is read in runs; an edge that several cells know is found several times,
at the same share of the leg bit by bit, and counts once.

Exactness
---------
Signs of determinants decide what is topological, exactly where rounding could reach them; ties are
broken by one imagined shift of all path points. Where a leg bends (see `Leg`), a boundary vertex
between the curve and its chord changes sides for both of its edges alike. So each boundary is
crossed an even number of times by a closed line, whatever the rounding.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import prange, types
from numpy.typing import NDArray

from airsim.kernels.compiling import Floats, Ints, Longs, compiled, emitted

Singles = NDArray[np.float32]
Bytes = NDArray[np.uint8]

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
# cells
# ---------------------------------------------------------------------------------------------
LANES = 8  # edges of a block

# Legs bend by less than 2.5e-5 radians (160 m), of which a plane coordinate makes up to three
# times as much: edges are kept by all cells that they pass this near, ...
_MARGIN = 8e-5
# ... and tested by straight legs that they come this near, far above the rounding of 32 bits.
_NEAR = 2e-6


class Cells(NamedTuple):
    """Arrays of one layer (see the module), cells per side, number of areas."""

    block_start: Ints
    plane: Singles
    edge: Floats
    label_area: Ints
    full: Bytes
    area_start: Ints
    area_of: Ints
    n: int
    areas: int


_SHIFT = 24  # bits of an area's number
_NO_AREA = -(1 << 62)


@compiled()
def _pack_areas(label_area: Ints, first: int, last: int) -> int:
    """One number for the areas of an edge, ``label_area[first:last]``."""
    if last - first == 1:
        return int(label_area[first])
    if last - first == 2:
        return int(label_area[first]) + ((int(label_area[first + 1]) + 1) << _SHIFT)
    return -1 - first


@compiled(inline=True)
def _next_area(packed: int, label_area: Ints) -> tuple[int, int]:
    """One of the areas in a number, and the number of the rest; `_NO_AREA` after the last.

    Up to two areas are in the number itself. Of more it says where they start in `label_area`,
    which has the last area of an edge as -1 - area.
    """
    if packed >= 0:
        rest = packed >> _SHIFT
        return packed & ((1 << _SHIFT) - 1), rest - 1 if rest > 0 else _NO_AREA
    area = label_area[-1 - packed]
    if area < 0:
        return -1 - area, _NO_AREA
    return area, packed - 1


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
def _clamp(x: float, n: int) -> int:
    """Column in which a coordinate in units of columns lies, kept inside the face."""
    return int(min(max(x, 0.0), n - 1.0))


@compiled(inline=True)
def _cell_of(x: float, y: float, z: float, n: int) -> int:
    """Cell of a vector."""
    face = _face_of(x, y, z)
    u, v, w = _on_face(face, x, y, z)
    half = 0.5 * n
    return (face * n + _clamp((u / w + 1.0) * half, n)) * n + _clamp((v / w + 1.0) * half, n)


@compiled()
def cell_centre(cell: int, n: int) -> tuple[float, float, float]:
    """Unit vector of the reference point of a cell, which is somewhere near its middle."""
    face, i, j = cell // (n * n), cell // n % n, cell % n
    # odd shares: data like to lie on round coordinates
    u, v = (i + 0.4871) * 2.0 / n - 1.0, (j + 0.5147) * 2.0 / n - 1.0
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


@compiled()
def _cells_of_edge(a: Floats, b: Floats, n: int, out: Ints) -> int:
    """Cells that an edge meets or nearly meets, into `out`; returns how many."""
    count = 0
    half, grow = 0.5 * n, 1.0 + _MARGIN
    for face in range(6):
        au, av, aw = _on_face(face, a[0], a[1], a[2])
        bu, bv, bw = _on_face(face, b[0], b[1], b[2])
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
        first = _clamp((min(u0, u1) - _MARGIN + 1.0) * half, n)
        last = _clamp((max(u0, u1) + _MARGIN + 1.0) * half, n)
        for i in range(first, last + 1):
            left = i / half - 1.0 - _MARGIN if i > first else -2.0
            right = (i + 1) / half - 1.0 + _MARGIN if i < last else 2.0
            s, e = _clip(lo, hi, au - left * aw, bu - left * bw)
            s, e = _clip(s, e, right * aw - au, right * bw - bu)
            if s > e:
                continue
            v0, v1 = (av + s * dv) / (aw + s * dw), (av + e * dv) / (aw + e * dw)
            low = _clamp((min(v0, v1) - _MARGIN + 1.0) * half, n)
            high = _clamp((max(v0, v1) + _MARGIN + 1.0) * half, n)
            for j in range(low, high + 1):
                out[count] = (face * n + i) * n + j
                count += 1
    return count


@compiled()
def index_edges(
    start: Floats, end: Floats, of: Longs, label_start: Ints, label_area: Ints, n: int
) -> tuple[Ints, Singles, Floats, Bytes]:
    """`block_start`, `plane`, `edge`, `full` of `Cells`; edges below 30 degrees.

    Edge e runs from start[e] to end[e] and bounds the areas from ``label_start[of[e]]``.
    """
    fill = np.zeros(6 * n * n, np.int32)
    cells = np.empty(64 * n, np.int32)
    for e in range(of.size):
        for k in range(_cells_of_edge(start[e], end[e], n, cells)):
            fill[cells[k]] += 1
    block_start = np.zeros(fill.size + 1, np.int32)
    full = np.zeros((fill.size + 7) // 8, np.uint8)
    for c in range(fill.size):
        block_start[c + 1] = block_start[c] + (fill[c] + LANES - 1) // LANES
        if fill[c] > 0:
            full[c >> 3] |= np.uint8(1 << (c & 7))
        fill[c] = LANES * block_start[c]
    blocks = block_start[-1]
    plane = np.full((blocks, 4, LANES), np.float32(np.nan))
    edge = np.zeros((LANES * blocks, 8))
    for e in range(of.size):
        a, b = start[e], end[e]
        areas = _pack_areas(label_area, label_start[of[e]], label_start[of[e] + 1])
        for k in range(_cells_of_edge(a, b, n, cells)):
            at = fill[cells[k]]
            fill[cells[k]] += 1
            face, block, lane = cells[k] // (n * n), at // LANES, at % LANES
            u, v, w = _on_face(face, a[0], a[1], a[2])
            plane[block, 0, lane], plane[block, 1, lane] = u / w, v / w
            u, v, w = _on_face(face, b[0], b[1], b[2])
            plane[block, 2, lane], plane[block, 3, lane] = u / w, v / w
            for d in range(3):
                edge[at, d], edge[at, 3 + d] = a[d], b[d]
            edge[at, 6], edge[at, 7] = e, areas
    return block_start, plane, edge, full


# ---------------------------------------------------------------------------------------------
# a leg against the edges of the cells that it meets
# ---------------------------------------------------------------------------------------------
class Leg(NamedTuple):
    """A leg of less than 60 degrees: a great circle, or a curve beside one.

    Ends p and q; normal n of their plane and its length, the sine of the leg; n x p and q x n,
    whose products with a vector are as its shares of the chord from q and from p. The leg lies
    t (1 - t) g(t) left of the chord at share t, seen from the centre, with the cubic g.
    """

    px: float
    py: float
    pz: float
    qx: float
    qy: float
    qz: float
    nx: float
    ny: float
    nz: float
    sine: float
    ax: float
    ay: float
    az: float
    bx: float
    by: float
    bz: float
    g0: float
    g1: float
    g2: float
    g3: float
    bulge: float


@compiled(inline=True)
def _make_leg(
    px: float, py: float, pz: float, qx: float, qy: float, qz: float,
    g0: float, g1: float, g2: float, g3: float,
) -> Leg:  # fmt: skip
    nx, ny, nz = py * qz - pz * qy, pz * qx - px * qz, px * qy - py * qx
    return Leg(
        px, py, pz, qx, qy, qz, nx, ny, nz, math.sqrt(nx * nx + ny * ny + nz * nz),
        ny * pz - nz * py, nz * px - nx * pz, nx * py - ny * px,
        qy * nz - qz * ny, qz * nx - qx * nz, qx * ny - qy * nx,
        g0, g1, g2, g3, 0.25 * (abs(g0) + abs(g1) + abs(g2) + abs(g3)),
    )  # fmt: skip


@compiled(inline=True)
def _beside_curve(leg: Leg, d: float, x: float, y: float, z: float) -> tuple[float, bool]:
    """Distance left of the curve (any scale) of a vector, and whether the curve bends there.

    `d` is the product of the vector with the normal of the leg.
    """
    f = x * leg.ax + y * leg.ay + z * leg.az
    g = x * leg.bx + y * leg.by + z * leg.bz
    if f <= 0.0 or g <= 0.0:
        return d * leg.sine, False
    t = f / (f + g)
    bulge = leg.g0 + t * (leg.g1 + t * (leg.g2 + t * leg.g3))
    return d * leg.sine - f * (1.0 - t) * bulge, True


@compiled()
def _hit_share(leg: Leg, edge: Floats, k: int) -> float:
    """Share of the leg's chord at which it crosses edge k, or -1."""
    ax, ay, az, bx, by, bz = edge[k, 0], edge[k, 1], edge[k, 2], edge[k, 3], edge[k, 4], edge[k, 5]
    da = leg.nx * ax + leg.ny * ay + leg.nz * az
    db = leg.nx * bx + leg.ny * by + leg.nz * bz
    left_a, left_b = da > 0.0, db > 0.0
    if abs(da) <= _SURE:
        left_a = _vertex_side_exact(ax, ay, az, leg.px, leg.py, leg.pz, leg.qx, leg.qy, leg.qz)
    if abs(db) <= _SURE:
        left_b = _vertex_side_exact(bx, by, bz, leg.px, leg.py, leg.pz, leg.qx, leg.qy, leg.qz)
    crosses = left_a != left_b
    bent = leg.bulge > 0.0
    if not crosses and not bent:
        return -1.0
    if crosses:
        mx, my, mz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
        dp = mx * leg.px + my * leg.py + mz * leg.pz
        dq = mx * leg.qx + my * leg.qy + mz * leg.qz
        left_p, left_q = dp > 0.0, dq > 0.0
        if abs(dp) <= _SURE:
            left_p = _point_side_exact(leg.px, leg.py, leg.pz, ax, ay, az, bx, by, bz)
        if abs(dq) <= _SURE:
            left_q = _point_side_exact(leg.qx, leg.qy, leg.qz, ax, ay, az, bx, by, bz)
        crosses = left_p != left_q
    if bent:
        # a vertex between curve and chord makes its edges cross one of the two more often
        da, at_a = _beside_curve(leg, da, ax, ay, az)
        db, at_b = _beside_curve(leg, db, bx, by, bz)
        crosses ^= (at_a and (da > 0.0) != left_a) ^ (at_b and (db > 0.0) != left_b)
    if not crosses:
        return -1.0
    # the point of the edge that lies on the leg's plane or curve, then its share of the chord
    wa, wb = abs(db), abs(da)
    if wa + wb == 0.0:
        wa = wb = 1.0
    x, y, z = wa * ax + wb * bx, wa * ay + wb * by, wa * az + wb * bz
    if bent and (da > 0.0) != (db > 0.0):  # once more: along a long edge the bulge changes
        d, _ = _beside_curve(leg, leg.nx * x + leg.ny * y + leg.nz * z, x, y, z)
        wa, ex, ey, ez = abs(db), bx, by, bz
        if (d > 0.0) != (da > 0.0):
            wa, ex, ey, ez = abs(da), ax, ay, az
        wb = abs(d)
        x, y, z = wa * x + wb * ex, wa * y + wb * ey, wa * z + wb * ez
    f = x * leg.ax + y * leg.ay + z * leg.az
    g = x * leg.bx + y * leg.by + z * leg.bz
    share: float = f / (f + g) if f + g != 0.0 else 0.5
    return min(max(share, 0.0), 1.0)


@emitted
def _near_lanes(context: Any, plane: Any, block: Any, nu: Any, nv: Any, nw: Any, reach: Any) -> Any:
    """Bits of the lanes of a block whose edges come near the line nu u + nv v + nw = 0.

    Written as vector code, since the compiler finds none in the plain loop: with a, b the values
    of the line's function at the ends, the bit is (a or b <= reach) and (a or b >= -reach).
    """
    one = types.float32
    signature = types.uint8(plane, types.intp, one, one, one, one)

    def build(context: Any, builder: Any, sign: Any, args: Any) -> Any:
        data = context.make_array(sign.args[0])(context, builder, args[0]).data
        lanes = ir.VectorType(ir.FloatType(), LANES)
        row = builder.mul(args[1], ir.Constant(args[1].type, 4))
        rows = builder.bitcast(data, lanes.as_pointer())

        def load(k: int) -> Any:
            at = builder.add(row, ir.Constant(row.type, k))
            return builder.load(builder.gep(rows, [at]), align=4)

        def spread(number: Any) -> Any:
            blank = ir.Constant(lanes, ir.Undefined)
            first = ir.Constant(ir.IntType(32), 0)
            picks = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
            return builder.shuffle_vector(
                builder.insert_element(blank, number, first), blank, picks
            )

        nu, nv, nw, reach = (spread(number) for number in args[2:])
        a = builder.fadd(builder.fadd(builder.fmul(nu, load(0)), builder.fmul(nv, load(1))), nw)
        b = builder.fadd(builder.fadd(builder.fmul(nu, load(2)), builder.fmul(nv, load(3))), nw)
        low = [builder.fcmp_ordered("<=", value, reach) for value in (a, b)]
        high = [builder.fcmp_ordered(">=", value, builder.fneg(reach)) for value in (a, b)]
        bits = builder.and_(builder.or_(*low), builder.or_(*high))
        return builder.bitcast(bits, ir.IntType(LANES))

    return signature, build


@emitted
def _fetch(context: Any, array: Any, row: Any) -> Any:
    """Ask for a row of an array, and go on before it has come from memory."""
    signature = types.void(array, types.intp)

    def build(context: Any, builder: Any, sign: Any, args: Any) -> Any:
        held = context.make_array(sign.args[0])(context, builder, args[0])
        stride = builder.extract_value(held.strides, 0)
        byte = ir.IntType(8).as_pointer()
        at = builder.gep(builder.bitcast(held.data, byte), [builder.mul(args[1], stride)])
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        ask = builder.module.declare_intrinsic("llvm.prefetch", [byte], kind)
        builder.call(ask, [at, *(ir.Constant(number, k) for k in (0, 3, 1))])  # read, keep, data
        return context.get_dummy_value()

    return signature, build


@compiled(inline=True)
def _list_cells(
    x0: float, y0: float, x1: float, y1: float, face: int, n: int, full: Bytes,
    out: Ints, count: int,
) -> int:  # fmt: skip
    """Add cells with edges that a straight line meets, on a face in units of columns and rows.

    At most as many rows as columns are passed, or the other way round: one or two cells in each.
    """
    across, up = n, 1
    if abs(x1 - x0) < abs(y1 - y0):
        x0, y0, x1, y1 = y0, x0, y1, x1
        across, up = 1, n
    slope = (y1 - y0) / (x1 - x0) if x1 != x0 else 0.0
    step = 1 if x1 >= x0 else -1
    column, row = _clamp(x0, n), _clamp(y0, n)
    columns = abs(_clamp(x1, n) - column)
    side = column + (step > 0) - x0
    for k in range(columns + 1):
        following = _clamp(y0 + (side + step * k) * slope if k < columns else y1, n)
        # where rounding makes it two rows, the second is met by less than the margin
        beside = min(max(following, row - 1), row + 1)
        cell = face * n * n + (column + step * k) * across + row * up
        out[count] = cell
        count += full[cell >> 3] >> (cell & 7) & 1
        cell += (beside - row) * up
        out[count] = cell
        count += full[cell >> 3] >> (cell & 7) & (beside != row)
        row = following
    return count


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
def _cut_at_faces(leg: Leg, cuts: Floats) -> int:
    """Shares of the chord where the face may change, and 1 after them; returns how many."""
    px, py, pz, qx, qy, qz = leg[:6]
    count = _cut(cuts, 0, px - py, qx - qy)
    count = _cut(cuts, count, px + py, qx + qy)
    count = _cut(cuts, count, px - pz, qx - qz)
    count = _cut(cuts, count, px + pz, qx + qz)
    count = _cut(cuts, count, py - pz, qy - qz)
    count = _cut(cuts, count, py + pz, qy + qz)
    cuts[count] = 1.0
    return count + 1


@compiled(inline=True)
def _list_leg_cells(leg: Leg, n: int, full: Bytes, cuts: Floats, visited: Ints) -> int:
    """Cells with edges that a leg meets, into `visited`; returns how many."""
    parts = 1
    cuts[0] = 1.0
    if _face_of(leg.px, leg.py, leg.pz) != _face_of(leg.qx, leg.qy, leg.qz):
        parts = _cut_at_faces(leg, cuts)
    half = 0.5 * n
    dx, dy, dz = leg.qx - leg.px, leg.qy - leg.py, leg.qz - leg.pz
    count = 0
    s = 0.0
    for part in range(parts):
        e = cuts[part]
        m = 0.5 * (s + e)
        face = _face_of(leg.px + m * dx, leg.py + m * dy, leg.pz + m * dz)
        pu, pv, pw = _on_face(face, leg.px, leg.py, leg.pz)
        du, dv, dw = _on_face(face, dx, dy, dz)
        from_p, to_q = half / (pw + s * dw), half / (pw + e * dw)
        count = _list_cells(
            (pu + s * du) * from_p + half, (pv + s * dv) * from_p + half,
            (pu + e * du) * to_q + half, (pv + e * dv) * to_q + half,
            face, n, full, visited, count,
        )  # fmt: skip
        s = e
    return count


@compiled(inline=True)
def _find_hits(
    leg: Leg, n: int, block_start: Ints, plane: Singles, edge: Floats, full: Bytes,
    cuts: Floats, visited: Ints, near: Ints, hit_t: Floats, hit_row: Ints,
) -> int:  # fmt: skip
    """Crossings of a leg: share and row of the edge, sorted by share, then edge; how many.

    If these are more than there is room for, they are of no use: come again with more room.
    """
    if leg.px == leg.qx and leg.py == leg.qy and leg.pz == leg.qz:
        return 0
    room = hit_row.size - LANES
    cells = _list_leg_cells(leg, n, full, cuts, visited)
    for k in range(cells):
        _fetch(plane, block_start[visited[k]])
    # where the normal is all rounding, each edge is near
    unit = 1.0 / leg.sine if leg.sine > 1e-9 else 0.0
    nu = nv = nw = np.float32(0.0)
    reach = np.float32(_NEAR + 1.8 * leg.bulge)  # the plane makes up to 1.74 times as much of it
    blocks = 0
    end = 0  # of the cells of the face
    # no branches on what is found: they would be guessed wrong
    for k in range(cells):
        cell = visited[k]
        if cell >= end or cell < end - n * n:
            face = cell // (n * n)
            end = (face + 1) * n * n
            u, v, w = _on_face(face, leg.nx * unit, leg.ny * unit, leg.nz * unit)
            nu, nv, nw = np.float32(u), np.float32(v), np.float32(w)
        first, last = int(block_start[cell]), int(block_start[cell + 1])
        if blocks + last - first > room:
            return room + LANES + 1
        for block in range(first, last):
            bits = int(_near_lanes(plane, block, nu, nv, nw, reach))
            near[blocks] = block * (1 << LANES) + bits
            blocks += bits != 0
    rows = 0
    for k in range(blocks):
        if rows > room:
            return room + LANES + 1
        row, bits = (near[k] >> LANES) * LANES, near[k]
        for lane in range(LANES):
            hit_row[rows] = row + lane
            rows += bits >> lane & 1
    for k in range(rows):
        _fetch(edge, hit_row[k])
    hits = 0
    for k in range(rows):
        row = hit_row[k]
        t = _hit_share(leg, edge, row)
        if t >= 0.0:
            hits = _insert_hit(t, row, edge, hits, hit_t, hit_row)
    return hits


@compiled(inline=True)
def _insert_hit(t: float, row: int, edge: Floats, count: int, hit_t: Floats, hit_row: Ints) -> int:
    """Insert a hit among sorted ones, if it is new."""
    k = count
    while k > 0 and (
        hit_t[k - 1] > t or (hit_t[k - 1] == t and edge[hit_row[k - 1], 6] >= edge[row, 6])
    ):
        k -= 1
    if k < count and hit_t[k] == t and edge[hit_row[k], 6] == edge[row, 6]:
        return count
    for m in range(count, k, -1):
        hit_t[m], hit_row[m] = hit_t[m - 1], hit_row[m - 1]
    hit_t[k], hit_row[k] = t, row
    return count + 1


class Room(NamedTuple):
    """Room that one thread works in: what a leg meets and crosses, areas at a point."""

    cuts: Floats
    visited: Ints
    near: Ints
    hit_t: Floats
    hit_row: Ints
    found: Ints


@compiled()
def _make_room(n: int, areas: int, hits: int) -> Room:
    """Room for cells of n x n, so many areas, and so many hits of a leg."""
    # the planes between faces cut a leg of less than 60 degrees six times at most
    return Room(
        np.empty(8), np.empty(14 * (n + 1), np.int32), np.empty(hits, np.int32),
        np.empty(hits), np.empty(hits, np.int32), np.empty(areas + 1, np.int32),
    )  # fmt: skip


# ---------------------------------------------------------------------------------------------
# areas at points
# ---------------------------------------------------------------------------------------------
@compiled()
def _toggle_leg(leg: Leg, cells: Cells, room: Room, count: int) -> int:
    """Areas at the end of a leg, in `room.found`, from those at its start; returns how many.

    If hits need more room, nothing is done and -1 is returned.
    """
    edge, label_area, found = cells.edge, cells.label_area, room.found
    hits = _find_hits(
        leg, cells.n, cells.block_start, cells.plane, edge, cells.full,
        room.cuts, room.visited, room.near, room.hit_t, room.hit_row,
    )  # fmt: skip
    if hits > room.hit_row.size:
        return -1
    for h in range(hits):
        areas = int(edge[room.hit_row[h], 7])
        while areas != _NO_AREA:
            area, areas = _next_area(areas, label_area)
            at = 0
            while at < count and found[at] != area:
                at += 1
            if at < count:
                count -= 1
                found[at] = found[count]
            else:
                found[count] = area
                count += 1
    return count


@compiled()
def _areas_at(px: float, py: float, pz: float, cells: Cells, room: Room) -> int:
    """Areas at a point: those at its cell's reference point, toggled on the way; -1 as above."""
    cell = _cell_of(px, py, pz, cells.n)
    first = int(cells.area_start[cell])
    count = int(cells.area_start[cell + 1]) - first
    for k in range(count):
        room.found[k] = cells.area_of[first + k]
    if cells.block_start[cell] == cells.block_start[cell + 1]:
        return count
    cx, cy, cz = cell_centre(cell, cells.n)
    leg = _make_leg(cx, cy, cz, px, py, pz, 0.0, 0.0, 0.0, 0.0)
    return _toggle_leg(leg, cells, room, count)


@compiled()
def _cell_on_walk(step: int, n: int) -> int:
    """Cells in an order that seldom jumps: rows to and fro."""
    row, column = step // n, step % n
    return row * n + (column if row % 2 == 0 else n - 1 - column)


@compiled()
def index_areas(cells: Cells, areas_at_first: Ints) -> tuple[Ints, Ints]:
    """`area_start` and `area_of` of `Cells`, given the areas of the first cell."""
    n = cells.n
    start = np.zeros(6 * n * n + 1, np.int32)
    where = np.zeros(6 * n * n, np.int64)
    held = np.empty(24 * n * n, np.int32)
    used = 0
    room = _make_room(n, cells.areas, 256)
    count = areas_at_first.size
    room.found[:count] = areas_at_first
    px, py, pz = cell_centre(0, n)
    for step in range(6 * n * n):
        cell = _cell_on_walk(step, n)
        qx, qy, qz = cell_centre(cell, n)
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
            leg = _make_leg(px, py, pz, ex, ey, ez, 0.0, 0.0, 0.0, 0.0)
            after = _toggle_leg(leg, cells, room, count)
            while after < 0:
                found = room.found
                room = _make_room(n, cells.areas, 2 * room.hit_row.size)
                room.found[:] = found
                after = _toggle_leg(leg, cells, room, count)
            count = after
            px, py, pz = ex, ey, ez
        while used + count > held.size:
            held = np.concatenate((held, np.empty_like(held)))
        held[used : used + count] = np.sort(room.found[:count])
        where[cell] = used
        start[cell + 1] = count
        used += count
    for cell in range(6 * n * n):
        start[cell + 1] += start[cell]
    result = np.empty(used, np.int32)
    for cell in range(6 * n * n):
        size_c = start[cell + 1] - start[cell]
        result[start[cell] : start[cell + 1]] = held[where[cell] : where[cell] + size_c]
    return start, result


@compiled(parallel=True)
def locate_points(
    cells: Cells, point: Floats, block: int, capacity: int, out: Ints, size: Longs, used: Longs
) -> None:
    """Areas at each point, sorted, written block by block; `used` tells the room each needs."""
    for b in prange(used.size):
        room = _make_room(cells.n, cells.areas, 256)
        total = 0
        for k in range(b * block, min((b + 1) * block, size.size)):
            x, y, z = point[k, 0], point[k, 1], point[k, 2]
            count = _areas_at(x, y, z, cells, room)
            while count < 0:
                room = _make_room(cells.n, cells.areas, 2 * room.hit_row.size)
                count = _areas_at(x, y, z, cells, room)
            if total + count <= capacity:
                at = b * capacity + total
                out[at : at + count] = np.sort(room.found[:count])
            size[k] = count
            total += count
        used[b] = total


# ---------------------------------------------------------------------------------------------
# stays of paths in areas
# ---------------------------------------------------------------------------------------------
_TOUCH_KM = 1e-6  # stays and gaps shorter than a millimetre are rounding


class Stays(NamedTuple):
    """Rows of stays."""

    path: Ints
    layer: NDArray[np.int8]
    area: Ints
    entry: Floats
    leave: Floats


@compiled()
def _trace_path(
    cells: Cells, point: Floats, km: Floats, bend: Floats, first: int, last: int,
    room: Room, stays: Stays, begin: int, end: int,
) -> int:  # fmt: skip
    """Write the stays of one path in one layer from row `begin`; returns the row after them.

    That is -1 if rows run out before `end`, whether of stays or hits.
    """
    count = _areas_at(point[first, 0], point[first, 1], point[first, 2], cells, room)
    if count < 0 or count > end - begin:
        return -1
    # names for what the loop uses: taking them from a tuple would count references each time
    block_start, plane, edge, label_area, full, _, _, n, _ = cells
    cuts, visited, near, hit_t, hit_row, found = room
    out_area, out_entry, out_leave = stays.area, stays.entry, stays.leave
    at = begin
    for s in range(count):
        # a stay under way has no exit yet
        out_area[at], out_entry[at], out_leave[at] = found[s], 0.0, -1.0
        at += 1
    for k in range(first, last):
        leg = _make_leg(
            point[k, 0], point[k, 1], point[k, 2],
            point[k + 1, 0], point[k + 1, 1], point[k + 1, 2],
            bend[k, 0], bend[k, 1], bend[k, 2], bend[k, 3],
        )  # fmt: skip
        hits = _find_hits(
            leg, n, block_start, plane, edge, full, cuts, visited, near, hit_t, hit_row
        )
        if hits == 0:
            continue
        if hits > hit_row.size:
            return -1
        cosine = leg.px * leg.qx + leg.py * leg.qy + leg.pz * leg.qz
        half = leg.sine / (1.0 + cosine)  # tangent of half the angle
        angle = 2.0 * math.atan(half)
        for m in range(hits):
            t = hit_t[m]
            u = 0.5 + math.atan((2.0 * t - 1.0) * half) / angle if leg.sine > 1e-4 else t
            here = km[k] + u * (km[k + 1] - km[k])
            h = bend[k, 4] + u * (bend[k, 5] + u * (bend[k, 6] + u * bend[k, 7]))
            here += u * (1.0 - u) * h
            areas = int(edge[hit_row[m], 7])
            while areas != _NO_AREA:
                area, areas = _next_area(areas, label_area)
                row = at - 1
                while row >= begin and out_area[row] != area:
                    row -= 1
                if row >= begin and out_leave[row] < 0.0:
                    out_leave[row] = here
                elif row >= begin and here - out_leave[row] <= _TOUCH_KM:
                    out_leave[row] = -1.0
                elif at == end:
                    return -1
                else:
                    out_area[at], out_entry[at], out_leave[at] = area, here, -1.0
                    at += 1
    length = km[last]
    kept = begin
    for row in range(begin, at):
        entry, leave = out_entry[row], out_leave[row]
        leave = leave if 0.0 <= leave < length - _TOUCH_KM else length
        if leave - entry > _TOUCH_KM or length <= _TOUCH_KM:
            out_area[kept] = out_area[row]
            out_entry[kept] = entry if entry > _TOUCH_KM else 0.0
            out_leave[kept] = leave
            kept += 1
    return kept


@compiled()
def _sort_stays(stays: Stays, begin: int, end: int) -> None:
    """Sort rows by entry, layer, area, exit."""
    for k in range(begin + 1, end):
        layer, area, entry, leave = stays.layer[k], stays.area[k], stays.entry[k], stays.leave[k]
        m = k
        while m > begin:
            o = m - 1
            if stays.entry[o] < entry or (
                stays.entry[o] == entry
                and (stays.layer[o], stays.area[o], stays.leave[o]) <= (layer, area, leave)
            ):
                break
            stays.layer[m], stays.area[m] = stays.layer[o], stays.area[o]
            stays.entry[m], stays.leave[m] = stays.entry[o], stays.leave[o]
            m = o
        stays.layer[m], stays.area[m], stays.entry[m], stays.leave[m] = layer, area, entry, leave


@compiled()
def _trace_block(
    layers: tuple[Cells, Cells, Cells], numbers: NDArray[np.int8],
    point: Floats, km: Floats, bend: Floats, start: Longs, first_path: int, last_path: int,
    hit_room: int, stays: Stays, begin: int, end: int,
) -> int:  # fmt: skip
    """Stays of some paths; returns the row after them, or -1 if there are too many."""
    n, areas = 0, 0
    for k in range(numbers.size):
        n, areas = max(n, layers[k].n), max(areas, layers[k].areas)
    room = _make_room(n, areas, hit_room)
    at = begin
    for path in range(first_path, last_path):
        first, last = start[path], start[path + 1] - 1
        before = at
        for k in range(numbers.size if first <= last else 0):
            after = _trace_path(layers[k], point, km, bend, first, last, room, stays, at, end)
            if after < 0:
                return -1
            stays.layer[at:after] = numbers[k]
            at = after
        stays.path[before:at] = path
        _sort_stays(stays, before, at)
    return at


@compiled(parallel=True)
def trace_paths(
    one: Cells, two: Cells, three: Cells, numbers: NDArray[np.int8],
    point: Floats, km: Floats, bend: Floats, start: Longs,
    block: int, capacity: int, hit_room: int, stays: Stays, used: Longs,
) -> None:  # fmt: skip
    """Stays of each path in areas of as many layers as have numbers, sorted.

    Path i is the chain of the points ``start[i]:start[i + 1]``. Each block of paths writes rows
    from its number times the capacity; `used` tells how many, or -1 if it needs more room.
    """
    for b in prange(used.size):
        begin = b * capacity
        end = _trace_block(
            (one, two, three), numbers, point, km, bend, start,
            b * block, min((b + 1) * block, start.size - 1), hit_room,
            stays, begin, begin + capacity,
        )  # fmt: skip
        used[b] = max(end - begin, -1)


@compiled()
def _copy_stays(stays: Stays, at: int, out: Stays, to: int, rows: int) -> None:
    for k in range(rows):
        out.path[to + k] = stays.path[at + k]
        out.layer[to + k] = stays.layer[at + k]
        out.area[to + k] = stays.area[at + k]
        out.entry[to + k] = stays.entry[at + k]
        out.leave[to + k] = stays.leave[at + k]


@compiled(parallel=True)
def join_stays(stays: Stays, capacity: int, used: Longs, first: Longs, out: Stays) -> None:
    """Copy the rows of each block to a place of its own in one table."""
    for b in prange(used.size):
        # not in place: the compiler drops what a parallel loop writes to members of a tuple
        _copy_stays(stays, b * capacity, out, first[b], used[b])
