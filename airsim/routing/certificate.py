"""Proof of a route by the crossings of its own line, not by the graph that found it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from airsim import geodesy, kernels
from airsim.airspace import LAYER_NAMES, Atlas, Paths, area_edges, find_crossings
from airsim.routing.outline import EdgeTree
from airsim.routing.space import AERODROME_NM
from airsim.units import km_from_nm, nm_from_km

if TYPE_CHECKING:
    from airsim.routing.router import ClosedSet, Route

Floats = NDArray[np.float64]

_CAP_NM = 5.0
_PIECE_KM = 5.0  # the parts near the ends are told apart to this


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a route's line was found to do.

    Parameters
    ----------
    clear : bool
        It crosses no closed area.
    violations : tuple of (layer name, area position, entry_km, exit_km)
        Closed areas that it does cross, with WGS84 km from the origin.
    clearance_nm : float
        Distance of the line from the nearest closed area beyond 10 NM from both ends, at most 5.
    """

    clear: bool
    violations: tuple[tuple[str, int, float, float], ...]
    clearance_nm: float


def certify_route(atlas: Atlas, closed: ClosedSet, route: Route) -> Certificate:
    """Check a route against the closed areas themselves.

    Parameters
    ----------
    atlas : Atlas
    closed : tuple of (layer name, area position)
        What the route may not enter.
    route : Route

    Returns
    -------
    Certificate

    Notes
    -----
    Uses the crossings of the route's geodesic legs and the stored edges; shares nothing with the
    visibility graph but the arithmetic of distances.
    """
    points = route.points
    paths = Paths(
        np.ascontiguousarray(points[:, 0]),
        np.ascontiguousarray(points[:, 1]),
        np.array([0, len(points)], np.int64),
    )
    wanted = set(closed)
    crossings = find_crossings(atlas, paths, layers=sorted({name for name, _ in closed}))
    violations = []
    for k in range(len(crossings.area)):
        area = (LAYER_NAMES[crossings.layer[k]], int(crossings.area[k]))
        if area in wanted:
            violations.append((*area, float(crossings.entry_km[k]), float(crossings.exit_km[k])))
    clearance = measure_clearance_nm(closed_edges(atlas, closed), points, _CAP_NM)
    return Certificate(not violations, tuple(violations), clearance)


def areas_by_layer(closed: ClosedSet) -> list[tuple[str, list[int]]]:
    """Positions by layer, in the order of the sorted set."""
    names = sorted({name for name, _ in closed})
    return [(name, [at for layer, at in closed if layer == name]) for name in names]


def closed_edges(atlas: Atlas, closed: ClosedSet) -> EdgeTree:
    """Stored edges of closed areas."""
    edges = [area_edges(atlas.layer(name), at) for name, at in areas_by_layer(closed)]
    empty = np.empty((0, 3))
    return EdgeTree.from_edges(
        np.concatenate([empty, *(a for a, _ in edges)]),
        np.concatenate([empty, *(b for _, b in edges)]),
    )


def measure_clearance_nm(edges: EdgeTree, points: Floats, cap_nm: float) -> float:
    """Distance in NM, at most a cap, of a line from edges, beyond 10 NM from its ends."""
    ends = geodesy.unit_vectors(points[[0, -1], 0], points[[0, -1], 1])
    lon, lat = points[:, 0], points[:, 1]
    near = _near_any(geodesy.unit_vectors(lon, lat), ends)
    cut = [np.stack((lon, lat), axis=1)[:1]]
    for k in range(len(points) - 1):  # legs that come near an end are cut to tell their parts
        if near[k] or near[k + 1]:
            piece = geodesy.densify_line(lon[k : k + 2], lat[k : k + 2], step_km=_PIECE_KM)
            cut.append(np.stack(piece, axis=1)[1:])
        else:
            cut.append(points[k + 1 : k + 2])
    line = np.concatenate(cut)
    xyz = geodesy.unit_vectors(line[:, 0], line[:, 1])
    near = _near_any(xyz, ends)
    counts = ~(near[:-1] | near[1:])
    cap = km_from_nm(cap_nm) / geodesy.EARTH_RADIUS_KM
    angle = kernels.measure_leg_distances(
        xyz[:-1][counts], xyz[1:][counts], cap, edges.edge, edges.ball
    )
    return float(nm_from_km(geodesy.EARTH_RADIUS_KM * np.min(angle, initial=cap)))


def _near_any(xyz: Floats, ends: Floats) -> NDArray[np.bool_]:
    angle = geodesy.angle_between(xyz[:, None], ends[None, :])
    limit = km_from_nm(AERODROME_NM) / geodesy.EARTH_RADIUS_KM
    return np.asarray((angle < limit).any(axis=1))
