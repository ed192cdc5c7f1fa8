"""Lines in bulk: places (n, 2) in (lon, lat) degrees; line k is places[start[k]:start[k + 1]]."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from airsim import geodesy, kernels
from airsim.routing.tree import EdgeTree
from airsim.units import km_from_nm, nm_from_km

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]

AERODROME_NM = 10.0  # around a line's own ends, where no clearance is asked
_PIECES = 20  # legs near the ends are cut to tell their parts


def densify_lines(
    places: Floats, start: Longs, *, step_km: float, great_circle: NDArray[np.bool_]
) -> tuple[Floats, Longs]:
    """Lines with places inserted along their legs: great circles, or geodesics, line by line."""
    leg, owner = split_legs(start)
    a, b = places[leg], places[leg + 1]
    round_leg = great_circle[owner]
    azimuth, length = geodesy.inverse_geodesic(a[:, 0], a[:, 1], b[:, 0], b[:, 1])
    length[round_leg] = geodesy.great_circle_km(*a[round_leg].T, *b[round_leg].T)
    pieces = np.ones(len(places), np.int64)
    pieces[leg] = np.maximum(1, np.ceil(length / step_km))
    i = np.repeat(np.arange(len(places)), pieces)
    step = np.arange(len(i)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    new = np.flatnonzero(step)
    at, share = np.searchsorted(leg, i[new]), step[new] / pieces[i[new]]
    lon, lat = a[at, 0], a[at, 1]
    drawn = np.stack(geodesy.direct_geodesic(lon, lat, azimuth[at], share * length[at]), axis=1)
    arc = round_leg[at]
    xyz = geodesy.interpolate_arc(vectors_of(a[at[arc]]), vectors_of(b[at[arc]]), share[arc])
    drawn[arc] = np.stack(geodesy.lonlat_from_vectors(xyz), axis=1)
    result = places[i]
    result[new] = drawn
    return result, np.concatenate(([0], np.cumsum(pieces)))[start]


def vectors_of(places: Floats) -> Floats:
    """Unit vectors (n, 3) of places."""
    return geodesy.unit_vectors(places[:, 0], places[:, 1])


def split_legs(start: Longs) -> tuple[Longs, Longs]:
    """First place of each leg of lines, and which line it is of."""
    size = np.maximum(np.diff(start) - 1, 0)
    owner = np.repeat(np.arange(len(size)), size)
    return np.arange(len(owner)) + (start[:-1] - (np.cumsum(size) - size))[owner], owner


def line_lengths_km(places: Floats, start: Longs) -> Floats:
    """WGS84 length of great circles along each line."""
    leg, owner = split_legs(start)
    xyz = vectors_of(places)
    with kernels.few_threads(len(leg)):
        km = kernels.measure_arcs_km(xyz[leg], xyz[leg + 1])
    return np.asarray(np.bincount(owner, km, len(start) - 1), np.float64)


def measure_clearances_nm(places: Floats, start: Longs, tree: EdgeTree, cap_nm: float) -> Floats:
    """Distance of each line from edges, at most a cap, beyond 10 NM from its ends."""
    xyz = vectors_of(places)
    leg, owner = split_legs(start)
    p, q = xyz[leg], xyz[leg + 1]
    ends = np.stack((xyz[start[:-1]], xyz[start[1:] - 1]), axis=1)
    close = _near(p, ends[owner]) | _near(q, ends[owner])
    # legs of up to 100 km: great circle and geodesic are metres apart
    share = np.linspace(0.0, 1.0, _PIECES + 1)
    fine = geodesy.interpolate_arc(p[close][:, None], q[close][:, None], share[None, :])
    whose = np.repeat(owner[close], _PIECES + 1)
    counts = ~_near(fine.reshape(-1, 3), ends[whose]).reshape(-1, _PIECES + 1)
    counts = counts[:, :-1] & counts[:, 1:]
    p = np.concatenate((p[~close], fine[:, :-1][counts]))
    q = np.concatenate((q[~close], fine[:, 1:][counts]))
    owner = np.concatenate((owner[~close], np.repeat(owner[close], _PIECES)[counts.ravel()]))
    cap = km_from_nm(cap_nm) / geodesy.EARTH_RADIUS_KM
    angle = kernels.measure_leg_distances(p, q, cap, tree.edge, tree.ball)
    least = np.full(len(start) - 1, cap)
    np.minimum.at(least, owner, angle)
    return np.minimum(nm_from_km(geodesy.EARTH_RADIUS_KM * least), cap_nm)


def _near(xyz: Floats, ends: Floats) -> NDArray[np.bool_]:
    """Which points lie within 10 NM of either end of their line, (n, 2, 3)."""
    limit = 2.0 * np.sin(0.5 * km_from_nm(AERODROME_NM) / geodesy.EARTH_RADIUS_KM)
    chord = np.linalg.norm(xyz[:, None] - ends, axis=2)
    return np.asarray((chord < limit).any(axis=1))
