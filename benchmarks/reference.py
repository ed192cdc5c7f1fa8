"""References that crossings are held to: slow, short, and without the index."""

from __future__ import annotations

import numpy as np
import shapely

from airsim.airspace import Atlas, Layer, Paths, area_polygons, find_crossings
from airsim.geodesy import EARTH_RADIUS_KM, direct_geodesic, inverse_geodesic, unit_vectors
from benchmarks.legs import Legs, Stays, join_pieces, stays_of

SUB_LEG_KM = 10.0
_CHUNK = 1000


def find_by_brute_force(layer: Layer, legs: Legs) -> Stays:
    """Stays of great circles, each leg against every edge of every ring as it is stored.

    The whole circle of a leg is cut; whether it starts inside an area is read on the plate carree.
    """
    following = np.arange(1, len(layer.lonlat) + 1)
    following[layer.vertex_start[1:] - 1] = layer.vertex_start[:-1]
    ring_area = np.repeat(np.arange(len(layer)), np.diff(layer.ring_start))
    area = np.repeat(ring_area, np.diff(layer.vertex_start))
    v = unit_vectors(*layer.lonlat.T)
    starts = np.asarray(shapely.points(legs.lon0, legs.lat0), dtype=object)
    shapes = area_polygons(layer, np.arange(len(layer)))
    holds, held = shapely.STRtree(starts).query(shapes, predicate="contains")
    a, b = unit_vectors(legs.lon0, legs.lat0), unit_vectors(legs.lon1, legs.lat1)
    pieces: list[tuple[int, int, float, float]] = []
    for k in range(len(legs)):
        normal = np.cross(a[k], b[k])
        normal /= np.linalg.norm(normal)
        height = v @ normal
        cut = np.flatnonzero((height > 0.0) != (height[following] > 0.0))
        h0, h1 = np.abs(height[cut]), np.abs(height[following[cut]])
        point = h1[:, None] * v[cut] + h0[:, None] * v[following[cut]]
        ahead = np.cross(normal, a[k])
        angle = np.arctan2(point @ ahead, point @ a[k]) % (2.0 * np.pi)
        total = np.arctan2(b[k] @ ahead, b[k] @ a[k])
        inside = set(holds[held == k].tolist())
        for at in sorted(inside | set(area[cut].tolist())):
            limits = np.sort(angle[(area[cut] == at) & (angle < total)])
            limits = np.concatenate(([0.0] if at in inside else [], limits))
            if limits.size % 2:
                limits = np.append(limits, total)
            for entry, leave in limits.reshape(-1, 2).tolist():
                pieces.append((k, at, EARTH_RADIUS_KM * entry, EARTH_RADIUS_KM * leave))
    table = np.array(pieces, np.float64).reshape(-1, 4)
    return join_pieces(
        table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2], table[:, 3]
    )


def find_by_sub_legs(atlas: Atlas, layer_names: list[str], legs: Legs) -> dict[str, Stays]:
    """Stays of WGS84 geodesics cut by PROJ into pieces of at most 10 km, by layer.

    Within such a piece the great circle is within 5 mm of the geodesic.
    """
    found: dict[str, list[Stays]] = {name: [] for name in layer_names}
    for first in range(0, len(legs), _CHUNK):
        part = Legs(
            *(v[first : first + _CHUNK] for v in (legs.lon0, legs.lat0, legs.lon1, legs.lat1))
        )
        paths = cut_geodesics(part)
        for name in layer_names:
            stays = stays_of(find_crossings(atlas, paths, layers=[name], model="wgs84"))
            found[name].append(Stays(stays.leg + first, stays.area, stays.entry_km, stays.exit_km))
    return {
        name: Stays(
            *(
                np.concatenate([getattr(s, field) for s in parts])
                for field in ("leg", "area", "entry_km", "exit_km")
            )
        )
        for name, parts in found.items()
    }


def cut_geodesics(legs: Legs) -> Paths:
    """Geodesics with points every 10 km."""
    azimuth, length = inverse_geodesic(legs.lon0, legs.lat0, legs.lon1, legs.lat1)
    pieces = np.maximum(1, np.ceil(length / SUB_LEG_KM)).astype(np.int64)
    start = np.concatenate(([0], np.cumsum(pieces + 1)))
    leg = np.repeat(np.arange(len(legs)), pieces + 1)
    share = (np.arange(leg.size) - start[leg]) / pieces[leg]
    lon, lat = direct_geodesic(legs.lon0[leg], legs.lat0[leg], azimuth[leg], share * length[leg])
    # the ends as given, bit by bit
    for at, x, y in ((start[:-1], legs.lon0, legs.lat0), (start[1:] - 1, legs.lon1, legs.lat1)):
        lon[at], lat[at] = x, y
    return Paths(lon, lat, start)
