"""Array geometry on the sphere and on WGS84.

Faces take and give (lon, lat) in degrees and distances in kilometres; unit vectors are geodetic
normals, so that both models share one set of points.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from pyproj import Geod

Floats = NDArray[np.float64]
Model = Literal["wgs84", "sphere"]

EARTH_RADIUS_KM = 6371.0088  # mean radius R1 of WGS84 (IUGG)


@cache
def _geod() -> Geod:
    from pyproj import Geod  # costs import time; most commands measure no distance

    return Geod(ellps="WGS84")


def _sin_cos_degrees(angle: Floats) -> tuple[Floats, Floats]:
    """Sine and cosine, exact at multiples of 90 degrees: no seam at 180, poles are one point."""
    quadrant = np.rint(angle / 90.0)
    rest = np.radians(angle - 90.0 * quadrant)
    sine, cosine = np.sin(rest), np.cos(rest)
    turn = quadrant.astype(np.int64) & 3
    odd = (turn & 1) == 1
    s, c = np.where(odd, cosine, sine), np.where(odd, sine, cosine)
    # adding zero turns -0.0 into 0.0, so that equal points have equal bits
    return np.where(turn >= 2, -s, s) + 0.0, np.where((turn == 1) | (turn == 2), -c, c) + 0.0


def unit_vectors(lon: ArrayLike, lat: ArrayLike) -> Floats:
    """Unit vectors of points.

    Parameters
    ----------
    lon, lat : array_like, shape (...)
        Degrees; any longitude, so that 180, -180 and 540 give the same bits.

    Returns
    -------
    ndarray, shape (..., 3)
        x towards (0, 0), y towards (90 E, 0), z towards the North Pole.
    """
    sin_lon, cos_lon = _sin_cos_degrees(np.asarray(lon, np.float64))
    sin_lat, cos_lat = _sin_cos_degrees(np.asarray(lat, np.float64))
    xyz = np.stack((cos_lat * cos_lon, cos_lat * sin_lon, sin_lat + 0.0 * cos_lon), axis=-1)
    # products of three coordinates stay far from the smallest numbers there are
    return np.where(np.abs(xyz) < 1e-30, 0.0, xyz)


def lonlat_from_vectors(xyz: ArrayLike) -> tuple[Floats, Floats]:
    """Longitude (-180..180] and latitude in degrees of vectors of any length, shape (..., 3)."""
    v = np.asarray(xyz, np.float64)
    lon = np.degrees(np.arctan2(v[..., 1], v[..., 0]))
    lat = np.degrees(np.arctan2(v[..., 2], np.hypot(v[..., 0], v[..., 1])))
    return np.where(lon == -180.0, 180.0, lon), lat


def angle_between(a: Floats, b: Floats) -> Floats:
    """Angle in radians between unit vectors (..., 3); accurate at 0 and at 180 degrees."""
    cross = np.linalg.norm(np.cross(a, b), axis=-1)
    return np.asarray(np.arctan2(cross, np.sum(a * b, axis=-1)))


def great_circle_km(lon0: ArrayLike, lat0: ArrayLike, lon1: ArrayLike, lat1: ArrayLike) -> Floats:
    """Length of great circles on the sphere of mean radius, in km (up to 0.6 % off WGS84)."""
    return EARTH_RADIUS_KM * angle_between(unit_vectors(lon0, lat0), unit_vectors(lon1, lat1))


def _flat(*values: ArrayLike) -> tuple[tuple[int, ...], list[Floats]]:
    arrays = np.broadcast_arrays(*(np.asarray(v, np.float64) for v in values))
    return arrays[0].shape, [np.array(a, np.float64).ravel() for a in arrays]


def inverse_geodesic(
    lon0: ArrayLike, lat0: ArrayLike, lon1: ArrayLike, lat1: ArrayLike
) -> tuple[Floats, Floats]:
    """Azimuth and length of WGS84 geodesics.

    Parameters
    ----------
    lon0, lat0, lon1, lat1 : array_like, shapes that broadcast
        Degrees.

    Returns
    -------
    azimuth, distance_km : ndarray
        Azimuth at the first point, degrees clockwise from north; length in km. Antipodal points
        have many geodesics: one of them is chosen, always the same.

    Notes
    -----
    Karney (2013), Algorithms for geodesics, J. Geodesy 87, as implemented in PROJ.
    """
    shape, args = _flat(lon0, lat0, lon1, lat1)
    azimuth, _, metres = _geod().inv(args[0], args[1], args[2], args[3])
    return np.reshape(azimuth, shape), np.reshape(metres, shape) / 1000.0


def direct_geodesic(
    lon: ArrayLike, lat: ArrayLike, azimuth: ArrayLike, distance_km: ArrayLike
) -> tuple[Floats, Floats]:
    """End points (lon, lat) of WGS84 geodesics that start at an azimuth (degrees)."""
    shape, args = _flat(lon, lat, azimuth, distance_km)
    end_lon, end_lat, _ = _geod().fwd(args[0], args[1], args[2], args[3] * 1000.0)
    return np.reshape(end_lon, shape), np.reshape(end_lat, shape)


def geodesic_km(lon0: ArrayLike, lat0: ArrayLike, lon1: ArrayLike, lat1: ArrayLike) -> Floats:
    """Length of WGS84 geodesics in km."""
    return inverse_geodesic(lon0, lat0, lon1, lat1)[1]


def densify_line(
    lon: ArrayLike, lat: ArrayLike, *, step_km: float = 100.0, model: Model = "wgs84"
) -> tuple[Floats, Floats]:
    """Insert points along each leg of a line.

    Parameters
    ----------
    lon, lat : array_like, shape (n,)
        Degrees.
    step_km : float
        Longest leg of the result.
    model : {"wgs84", "sphere"}
        Geodesics, or great circles.

    Returns
    -------
    lon, lat : ndarray, shape (m,)
        The given points, bit by bit, with equal steps between them; longitudes of inserted
        points lie in (-180, 180].
    """
    x, y = np.asarray(lon, np.float64), np.asarray(lat, np.float64)
    if x.size < 2:
        return x.copy(), y.copy()
    azimuth, length = inverse_geodesic(x[:-1], y[:-1], x[1:], y[1:])
    if model == "sphere":
        length = great_circle_km(x[:-1], y[:-1], x[1:], y[1:])
    pieces = np.maximum(1, np.ceil(length / step_km)).astype(np.int64)
    leg = np.repeat(np.arange(pieces.size), pieces)
    step = np.arange(leg.size) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    share = step / pieces[leg]
    if model == "sphere":
        points = interpolate_arc(unit_vectors(x[leg], y[leg]), unit_vectors(x, y)[leg + 1], share)
        new_lon, new_lat = lonlat_from_vectors(points)
    else:
        new_lon, new_lat = direct_geodesic(x[leg], y[leg], azimuth[leg], share * length[leg])
    new_lon, new_lat = np.where(step == 0, x[leg], new_lon), np.where(step == 0, y[leg], new_lat)
    return np.append(new_lon, x[-1]), np.append(new_lat, y[-1])


def place_along(
    lon: ArrayLike, lat: ArrayLike, start: NDArray[np.int64], line: NDArray[np.int64], km: Floats
) -> tuple[Floats, Floats, Floats]:
    """Places at distances along lines of WGS84 geodesics.

    Parameters
    ----------
    lon, lat : array_like, shape (n,)
        Points of all lines, degrees.
    start : ndarray of int, shape (lines + 1,)
        Line i has the points ``start[i]:start[i + 1]``, at least two.
    line : ndarray of int, shape (m,)
        Line that each place is on.
    km : ndarray of float, shape (m,)
        Distance from the beginning of that line; beyond its ends the ends are taken.

    Returns
    -------
    lon, lat, track : ndarray, shape (m,)
        Degrees; the track clockwise from north, in 0..360, of the leg ahead.
    """
    x, y = np.asarray(lon, np.float64), np.asarray(lat, np.float64)
    azimuth, length = inverse_geodesic(x[:-1], y[:-1], x[1:], y[1:])
    # what leads from one line to the next is no part of either
    length[start[1:-1] - 1] = 0.0
    run = np.concatenate(([0.0], np.cumsum(length)))
    first, last = start[:-1][line], start[1:][line] - 2
    leg = np.clip(np.searchsorted(run, run[first] + km, side="right") - 1, first, last)
    along = np.clip(run[first] + km - run[leg], 0.0, length[leg])
    end_lon, end_lat = direct_geodesic(x[leg], y[leg], azimuth[leg], along)
    back, _ = inverse_geodesic(end_lon, end_lat, x[leg], y[leg])
    track = np.where(along > 0.001, back + 180.0, azimuth[leg]) % 360.0
    return end_lon, end_lat, track


def interpolate_arc(a: Floats, b: Floats, share: Floats) -> Floats:
    """Points at a share (0..1) of the great circle from a to b, unit vectors (..., 3).

    Between antipodes the way is over the North Pole, between the poles along 0 E.
    """
    normal = np.cross(a, b)
    sine = np.linalg.norm(normal, axis=-1, keepdims=True)
    opposite = (sine < 1e-14) & (np.sum(a * b, axis=-1, keepdims=True) < 0.0)
    over_pole = np.stack((a[..., 1], -a[..., 0], np.zeros_like(a[..., 0])), axis=-1)
    from_pole = np.stack((0.0 * a[..., 2], a[..., 2], 0.0 * a[..., 2]), axis=-1)
    at_pole = np.hypot(a[..., 0], a[..., 1])[..., None] == 0.0
    normal = np.where(opposite, np.where(at_pole, from_pole, over_pole), normal)
    sine = np.where(opposite, np.linalg.norm(normal, axis=-1, keepdims=True), sine)
    ahead = np.cross(normal, a) / np.where(sine > 0.0, sine, 1.0)
    angle = (share * angle_between(a, b))[..., None]
    return np.asarray(np.cos(angle) * a + np.sin(angle) * ahead)


def distance_to_arcs_km(point: Floats, a: Floats, b: Floats) -> Floats:
    """Shortest distance on the sphere from points to great-circle arcs.

    Parameters
    ----------
    point, a, b : ndarray, shapes (..., 3) that broadcast
        Unit vectors; the arcs run from a to b, shorter than 180 degrees.

    Returns
    -------
    ndarray, shape (...)
        km on the sphere of mean radius. An arc of no length is its point.
    """
    normal = np.cross(a, b)
    size = np.linalg.norm(normal, axis=-1)
    # the foot of the perpendicular lies on the arc if the point is on the inner side of both ends
    inside = (np.sum(np.cross(normal, a) * point, axis=-1) >= 0.0) & (
        np.sum(np.cross(b, normal) * point, axis=-1) >= 0.0
    )
    inside &= size > 0.0
    height = np.abs(np.sum(normal * point, axis=-1)) / np.where(size > 0.0, size, 1.0)
    across = np.arcsin(np.minimum(height, 1.0))
    ends = np.minimum(angle_between(point, a), angle_between(point, b))
    return EARTH_RADIUS_KM * np.where(inside, across, ends)
