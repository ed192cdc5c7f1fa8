"""Lines in bulk: places (n, 2) in (lon, lat) degrees; line k is places[start[k]:start[k + 1]]."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from airsim import geodesy, kernels
from airsim.routing.outline import EdgeTree
from airsim.units import km_from_nm, nm_from_km

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]

AERODROME_NM = 10.0  # around a line's own ends, where no clearance is asked
_PIECES = 20  # legs near the ends are cut to tell their parts


def densify_lines(
    places: Floats, start: Longs, *, step_km: float, model: geodesy.Model
) -> tuple[Floats, Longs]:
    """Lines with places inserted along their legs, geodesics or great circles."""
    n = len(places)
    leg = _legs(start)
    a, b = places[leg], places[leg + 1]
    azimuth, length = np.zeros(n), np.zeros(n)
    azimuth[leg], length[leg] = geodesy.inverse_geodesic(a[:, 0], a[:, 1], b[:, 0], b[:, 1])
    if model == "sphere":
        length[leg] = geodesy.great_circle_km(a[:, 0], a[:, 1], b[:, 0], b[:, 1])
    pieces = np.maximum(1, np.ceil(length / step_km)).astype(np.int64)
    i = np.repeat(np.arange(n), pieces)
    step = np.arange(len(i)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    new = step > 0
    at, share = i[new], (step / pieces[i])[new]
    result = places[i]
    if model == "sphere":
        xyz = vectors_of(places)
        lonlat = geodesy.lonlat_from_vectors(geodesy.interpolate_arc(xyz[at], xyz[at + 1], share))
    else:
        lon, lat = places[at, 0], places[at, 1]
        lonlat = geodesy.direct_geodesic(lon, lat, azimuth[at], share * length[at])
    result[new] = np.stack(lonlat, axis=1)
    return result, np.concatenate(([0], np.cumsum(pieces)))[start]


def vectors_of(places: Floats) -> Floats:
    """Unit vectors (n, 3) of places."""
    return geodesy.unit_vectors(places[:, 0], places[:, 1])


def _legs(start: Longs) -> Longs:
    """First place of each leg."""
    return np.delete(np.arange(start[-1]), start[1:] - 1)


def sum_by_line(values: Floats, start: Longs) -> Floats:
    """Sum over the legs of each line."""
    owner = np.repeat(np.arange(len(start) - 1), np.diff(start) - 1)
    return np.asarray(np.bincount(owner, values, len(start) - 1))


def line_lengths_km(places: Floats, start: Longs) -> Floats:
    """WGS84 length of each line."""
    leg = _legs(start)
    a, b = places[leg], places[leg + 1]
    return sum_by_line(geodesy.geodesic_km(a[:, 0], a[:, 1], b[:, 0], b[:, 1]), start)


def count_cut_legs(places: Floats, start: Longs, tree: EdgeTree) -> Floats:
    """How many legs of each line are crossed by edges."""
    xyz, leg = vectors_of(places), _legs(start)
    cut = kernels.find_cut_legs(xyz[leg], xyz[leg + 1], tree.edge, tree.ball)
    return sum_by_line(cut.astype(np.float64), start)


def measure_clearances_nm(places: Floats, start: Longs, tree: EdgeTree, cap_nm: float) -> Floats:
    """Distance of each line from edges, at most a cap, beyond 10 NM from its ends."""
    xyz, leg = vectors_of(places), _legs(start)
    owner = np.repeat(np.arange(len(start) - 1), np.diff(start) - 1)
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
