"""Legs on WGS84 and on the sphere: their length, and chains of great circles that stand for them.

Points are unit vectors along the normal of the ellipsoid. Seen so, a geodesic is nearly a great
circle: over 1,500 km it leaves it by 150 m at most. A chain keeps that bulge, and the distance,
as polynomials of each piece that are true at both ends in value, slope and curvature; over
1,500 km they are true to 6 mm across and 4 mm along.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import prange

from airsim.kernels.compiling import Floats, Longs, compiled

_F = 1.0 / 298.257223563  # WGS84
_A_KM = 6378.137
_B_KM = _A_KM * (1.0 - _F)
_E2 = _F * (2.0 - _F)
_EP2 = _E2 / (1.0 - _F) ** 2
_N = _F / (2.0 - _F)
_MEAN_KM = 6371.0088  # radius of the sphere
_MOST_G = 1e-4  # sum of coefficients of a bulge, which is below a quarter of it: 160 m
_FAR = -0.998  # cosine of the arc beyond which the iteration for a geodesic may not converge


# ---------------------------------------------------------------------------------------------
# series of Karney (2013), Algorithms for geodesics, J. Geodesy 87
# ---------------------------------------------------------------------------------------------
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
    """A1 and C1[1..6]: distance from arc length."""
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
    """C1'[1..6]: arc length from distance."""
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
    """A3 and C3[1..5]: longitude from that on the auxiliary sphere."""
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


# ---------------------------------------------------------------------------------------------
# points and legs
# ---------------------------------------------------------------------------------------------
@compiled()
def _sine_cosine(degrees: float) -> tuple[float, float]:
    """Sine and cosine, exact at multiples of 90 degrees; never -0.0."""
    quadrant = np.rint(degrees / 90.0)
    rest = math.radians(degrees - 90.0 * quadrant)
    s, c = math.sin(rest), math.cos(rest)
    turn = int(quadrant) & 3
    if turn & 1:
        s, c = c, -s
    if turn & 2:
        s, c = -s, -c
    return s + 0.0, c + 0.0


@compiled(parallel=True)
def place_points(lon: Floats, lat: Floats, point: Floats) -> None:
    """Unit vectors of points in degrees, as `airsim.geodesy.unit_vectors` makes them."""
    for k in prange(lon.size):
        slon, clon = _sine_cosine(lon[k])
        slat, clat = _sine_cosine(lat[k])
        x, y, z = clat * clon, clat * slon, slat
        # products of three coordinates stay far from the smallest numbers there are
        point[k, 0] = x if abs(x) >= 1e-30 else 0.0
        point[k, 1] = y if abs(y) >= 1e-30 else 0.0
        point[k, 2] = z if abs(z) >= 1e-30 else 0.0


@compiled()
def _meridian(x: float, y: float) -> tuple[float, float, float]:
    """Sine and cosine of the longitude of a vector, and its distance from the axis."""
    r = math.hypot(x, y)
    return (y / r, x / r, r) if r > 0.0 else (0.0, 1.0, 0.0)


@compiled()
def _reduce_latitude(z: float, r: float) -> tuple[float, float]:
    """Sine and cosine of the reduced latitude."""
    s = (1.0 - _F) * z
    size = math.hypot(s, r)
    return s / size, r / size


@compiled()
def _measure_geodesic(p: Floats, q: Floats) -> tuple[float, float, float, bool]:
    """Sine and cosine of the azimuth at p, length in km, whether they are to be trusted.

    The longitude on the auxiliary sphere is found by Newton's method, as far as points are not
    nearly opposite.
    """
    slon1, clon1, r1 = _meridian(p[0], p[1])
    slon2, clon2, r2 = _meridian(q[0], q[1])
    s1, c1 = _reduce_latitude(p[2], r1)
    s2, c2 = _reduce_latitude(q[2], r2)
    lam = math.atan2(slon2 * clon1 - clon2 * slon1, clon2 * clon1 + slon2 * slon1)
    omega = lam
    for _ in range(12):
        so, co = math.sin(omega), math.cos(omega)
        salp1, calp1 = c2 * so, c1 * s2 - s1 * c2 * co
        ssig, csig = math.hypot(salp1, calp1), s1 * s2 + c1 * c2 * co
        if csig < _FAR:
            return 0.0, 1.0, 0.0, False
        if ssig == 0.0:
            return 0.0, 1.0, 0.0, True
        salp1, calp1 = salp1 / ssig, calp1 / ssig
        salp0, calp0 = salp1 * c1, math.hypot(calp1, salp1 * s1)
        # sines and cosines of the arcs from the node
        ss1, cs1 = s1, calp1 * c1
        size = math.hypot(ss1, cs1)
        ss1, cs1 = (ss1 / size, cs1 / size) if size > 0.0 else (0.0, 1.0)
        ss2, cs2 = ss1 * csig + cs1 * ssig, cs1 * csig - ss1 * ssig
        k2 = calp0 * calp0 * _EP2
        eps = k2 / (2.0 * (1.0 + math.sqrt(1.0 + k2)) + k2)
        sig = math.atan2(ssig, csig)
        a3, g1, g2, g3, g4, g5 = _longitude_series(eps)
        turned = _sine_series(ss2, cs2, g1, g2, g3, g4, g5, 0.0)
        turned -= _sine_series(ss1, cs1, g1, g2, g3, g4, g5, 0.0)
        miss = lam + _F * salp0 * a3 * (sig + turned) - omega
        if abs(miss) < 3e-14:
            a1, d1, d2, d3, d4, d5, d6 = _distance_series(eps)
            run = _sine_series(ss2, cs2, d1, d2, d3, d4, d5, d6)
            run -= _sine_series(ss1, cs1, d1, d2, d3, d4, d5, d6)
            return salp1, calp1, _B_KM * (1.0 + a1) * (sig + run), True
        # Newton, with the slope of the sphere
        rise = (c1 * c2 * co - salp0 * salp0 * csig) / ssig * sig + salp0 * salp0
        omega += miss / (1.0 - _F * rise)
    return 0.0, 1.0, 0.0, False


@compiled()
def _angle(p: Floats, q: Floats) -> float:
    """Angle between unit vectors."""
    x, y, z = p[1] * q[2] - p[2] * q[1], p[2] * q[0] - p[0] * q[2], p[0] * q[1] - p[1] * q[0]
    return math.atan2(math.sqrt(x * x + y * y + z * z), p[0] * q[0] + p[1] * q[1] + p[2] * q[2])


@compiled(parallel=True)
def measure_legs(
    point: Floats, first: Longs, sphere: bool, azimuth: Floats, length: Floats
) -> None:
    """Sine and cosine of the azimuth, and length in km, of legs from first[k] to first[k] + 1.

    The length is nan where points are too nearly opposite; the sphere leaves azimuths alone.
    """
    for k in prange(first.size):
        p, q = point[first[k]], point[first[k] + 1]
        if sphere:
            length[k] = _MEAN_KM * _angle(p, q)
        else:
            sine, cosine, km, sure = _measure_geodesic(p, q)
            azimuth[k, 0], azimuth[k, 1] = sine, cosine
            length[k] = km if sure else math.nan


# ---------------------------------------------------------------------------------------------
# chains
# ---------------------------------------------------------------------------------------------
class Heading(NamedTuple):
    """How the normal turns along a geodesic at a point.

    Direction (a unit vector), speed in radians per km, curvature to the left on the sphere, and
    the second derivative of the distance by the angle that it turns.
    """

    x: float
    y: float
    z: float
    speed: float
    curve: float
    gain: float


@compiled(inline=True)
def _head(slon: float, clon: float, r: float, z: float, salp: float, calp: float) -> Heading:
    """Heading at a point (sine and cosine of its longitude, vector) for an azimuth."""
    w2 = 1.0 - _E2 * z * z
    east = math.sqrt(w2) / _A_KM  # curvature of the ellipsoid eastwards, northwards
    north = east * w2 / (1.0 - _E2)
    turn = calp * w2 / (1.0 - _E2)
    size = math.sqrt(salp * salp + turn * turn)
    speed = size * east
    normal = calp * calp * north + salp * salp * east
    curve = -_EP2 * z * r * salp * normal * w2 / (_A_KM * _A_KM * speed * speed * speed)
    # half the derivative of the square of the speed, by that of w2 and that of the azimuth
    change = -2.0 * _E2 * z * r * calp * north * (0.5 * size * size + turn * turn)
    change -= w2 * salp * salp * calp * z * r * _EP2 * (2.0 + _EP2 * r * r) * east
    return Heading(
        (-slon * salp - z * clon * turn) / size,
        (clon * salp - z * slon * turn) / size,
        r * turn / size,
        speed, curve, -change / (_A_KM * _A_KM * speed * speed * speed * speed),
    )  # fmt: skip


@compiled(inline=True)
def _write_cubic(
    slope0: float, slope1: float, curve0: float, curve1: float, out: Floats, row: int, at: int
) -> None:
    """Cubic g for which t (1 - t) g(t) has slopes and second derivatives at 0 and 1."""
    miss, turn, twist = -slope0 - 0.5 * curve0, slope1 - slope0 - curve0, curve1 - curve0
    g3 = -6.0 * miss + 3.0 * turn - 0.5 * twist
    g2 = g3 + 15.0 * miss - 7.0 * turn + twist
    out[row, at], out[row, at + 1] = slope0, g2 - 10.0 * miss + 4.0 * turn - 0.5 * twist
    out[row, at + 2], out[row, at + 3] = g2, g3


@compiled()
def _write_bend(
    point: Floats, at: int, start: Heading, end: Heading, km: float, bend: Floats
) -> None:
    """Polynomials of the piece from point `at` to the next, eight numbers.

    At share t of the chord the geodesic lies t (1 - t) g(t) left of the great circle, as a
    distance from its plane where vectors end at the chord; at share u of the angle the distance
    is u km + u (1 - u) h(u). Numbers are the coefficients of the cubics g, h, rising.
    """
    px, py, pz = point[at, 0], point[at, 1], point[at, 2]
    qx, qy, qz = point[at + 1, 0], point[at + 1, 1], point[at + 1, 2]
    nx, ny, nz = py * qz - pz * qy, pz * qx - px * qz, px * qy - py * qx
    sine2 = nx * nx + ny * ny + nz * nz
    bend[at] = 0.0
    if sine2 < 1e-8:  # below 600 m nothing bends
        return
    sine = math.sqrt(sine2)
    angle = math.atan2(sine, px * qx + py * qy + pz * qz)
    # cosine (times the sine above) and tangent of the angle to the great circle
    cos0 = (ny * pz - nz * py) * start.x + (nz * px - nx * pz) * start.y
    cos0 += (nx * py - ny * px) * start.z
    cos1 = (ny * qz - nz * qy) * end.x + (nz * qx - nx * qz) * end.y
    cos1 += (nx * qy - ny * qx) * end.z
    tan0 = (nx * start.x + ny * start.y + nz * start.z) / cos0
    tan1 = (nx * end.x + ny * end.y + nz * end.z) / cos1
    _write_cubic(sine * tan0, sine * tan1, sine2 * start.curve, sine2 * end.curve, bend, at, 0)
    if not abs(bend[at, 0]) + abs(bend[at, 1]) + abs(bend[at, 2]) + abs(bend[at, 3]) < _MOST_G:
        bend[at] = 0.0
    _write_cubic(
        angle * sine / (start.speed * cos0) - km,
        angle * sine / (end.speed * cos1) - km,
        angle * angle * (start.gain + tan0 * start.curve / start.speed),
        angle * angle * (end.gain + tan1 * end.curve / end.speed),
        bend, at, 4,
    )  # fmt: skip


@compiled()
def _turn(cosine: float, sine: float, angle: float) -> tuple[float, float]:
    """Turn a vector by an angle of at most 0.02 radians."""
    a2 = angle * angle
    s = angle * (1.0 - a2 / 6.0 * (1.0 - a2 / 20.0 * (1.0 - a2 / 42.0)))
    c = 1.0 - a2 / 2.0 * (1.0 - a2 / 12.0 * (1.0 - a2 / 30.0))
    return cosine * c - sine * s, sine * c + cosine * s


@compiled()
def _chain_geodesic(
    salp1: float, calp1: float, length: float, pieces: int, at: int, point: Floats, bend: Floats
) -> None:
    """Cut a geodesic from point `at` into equal pieces: inner points, and bends of the pieces.

    Karney (2013), direct problem, with the sines that change by equal or small angles turned
    rather than computed anew.
    """
    slon, clon, r = _meridian(point[at, 0], point[at, 1])
    sbet1, cbet1 = _reduce_latitude(point[at, 2], max(r, 1e-150))
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
    cbase = (clon * comg1 + slon * somg1) / size
    sbase = (slon * comg1 - clon * somg1) / size
    step = length / pieces / (_B_KM * (1.0 + a1))
    cstep, sstep = math.cos(step), math.sin(step)
    before = _head(slon, clon, r, point[at, 2], salp1, calp1)
    for k in range(1, pieces + 1):
        ctau, stau = ctau * cstep - stau * sstep, stau * cstep + ctau * sstep
        b12 = -_sine_series(stau, ctau, t1, t2, t3, t4, t5, t6)
        sig12 = step * k - (b12 - b11)
        # tau is the arc from the node plus B11 at the start: turn back to the arc itself
        csig2, ssig2 = _turn(ctau, stau, -b12)
        b32 = _sine_series(ssig2, csig2, g1, g2, g3, g4, g5, 0.0)
        clam, slam = _turn(cbase, sbase, a3 * (sig12 + (b32 - b31)))
        comg2, somg2 = csig2, salp0 * ssig2
        x, y = comg2 * clam - somg2 * slam, somg2 * clam + comg2 * slam
        z, cbet2 = calp0 * ssig2 / (1.0 - _F), math.sqrt(x * x + y * y)
        size = math.sqrt(cbet2 * cbet2 + z * z)
        if k < pieces:
            point[at + k, 0], point[at + k, 1], point[at + k, 2] = x / size, y / size, z / size
        if cbet2 > 1e-100:
            salp2, calp2 = salp0 / cbet2, calp0 * csig2 / cbet2
            after = _head(y / cbet2, x / cbet2, cbet2 / size, z / size, salp2, calp2)
        else:  # at a pole, which it reaches northwards or southwards
            after = _head(slam, clam, 0.0, math.copysign(1.0, z), 0.0, 1.0)
        _write_bend(point, at + k - 1, before, after, length / pieces, bend)
        before = after


@compiled()
def _chain_great_circle(pieces: int, at: int, point: Floats, bend: Floats) -> None:
    """Cut the great circle from point `at` to `at + pieces` into equal pieces."""
    px, py, pz = point[at, 0], point[at, 1], point[at, 2]
    qx, qy, qz = point[at + pieces, 0], point[at + pieces, 1], point[at + pieces, 2]
    nx, ny, nz = py * qz - pz * qy, pz * qx - px * qz, px * qy - py * qx
    sine = math.sqrt(nx * nx + ny * ny + nz * nz)
    cosine = px * qx + py * qy + pz * qz
    bend[at : at + pieces] = 0.0
    angle = math.atan2(sine, cosine) / pieces
    if sine < 1e-14 and cosine < 0.0:  # antipodes: by the North Pole, or by 0 E from a pole
        nx, ny, nz = py, -px, 0.0
        if nx == 0.0 and ny == 0.0:
            nx, ny, nz = 0.0, pz, 0.0
        sine = math.sqrt(nx * nx + ny * ny)
    if sine == 0.0:
        sine = 1.0
    tx, ty, tz = (ny * pz - nz * py) / sine, (nz * px - nx * pz) / sine, (nx * py - ny * px) / sine
    for k in range(1, pieces):
        s, c = math.sin(angle * k), math.cos(angle * k)
        point[at + k, 0], point[at + k, 1] = c * px + s * tx, c * py + s * ty
        point[at + k, 2] = c * pz + s * tz


@compiled(parallel=True)
def chain_legs(
    start: Longs, given: Floats, leg_start: Longs, azimuth: Floats, length: Floats,
    pieces: Longs, chain_start: Longs, sphere: bool, point: Floats, km: Floats, bend: Floats,
) -> None:  # fmt: skip
    """Cut the legs of paths into pieces: points, km from the start of the path, and bends.

    Path i has the points ``given[start[i]:start[i + 1]]``, which keep their vectors bit by bit,
    the legs from `leg_start[i]`, and the points of the chain from `chain_start[i]`. Piece k runs
    from point k to k + 1 and bends by `bend[k]` (see `_write_bend`).
    """
    for path in prange(start.size - 1):
        at = chain_start[path]
        done = 0.0
        for k in range(start[path + 1] - start[path]):
            v, leg = start[path] + k, leg_start[path] + k
            last = k + 1 == start[path + 1] - start[path]
            point[at, 0], point[at, 1], point[at, 2] = given[v, 0], given[v, 1], given[v, 2]
            km[at] = done
            if last:
                bend[at] = 0.0
                continue
            end = at + pieces[leg]
            point[end, 0], point[end, 1] = given[v + 1, 0], given[v + 1, 1]
            point[end, 2] = given[v + 1, 2]
            if sphere:
                _chain_great_circle(pieces[leg], at, point, bend)
            else:
                _chain_geodesic(
                    azimuth[leg, 0], azimuth[leg, 1], length[leg], pieces[leg], at, point, bend
                )
            for m in range(at + 1, end):
                km[m] = done + length[leg] * (m - at) / pieces[leg]
            done += length[leg]
            at = end
