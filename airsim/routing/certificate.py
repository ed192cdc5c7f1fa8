"""Proof of a route by the crossings of its own line, not by the graph that found it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from airsim import geodesy, kernels
from airsim.airspace import LAYER_NAMES, Atlas, Paths, area_edges, find_crossings
from airsim.routing.graph import EdgeTree
from airsim.units import km_from_nm, nm_from_km

if TYPE_CHECKING:
    from airsim.routing.router import ClosedSet, Route

Floats = NDArray[np.float64]

AERODROME_NM = 10.0  # around a route's own ends, where no clearance is asked
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
    ends = [
        area_edges(atlas.layer(name), [at for layer, at in closed if layer == name])
        for name in sorted({name for name, _ in closed})
    ]
    empty = np.empty((0, 3))
    start, end = (np.concatenate([e[i] for e in ends] or [empty]) for i in (0, 1))
    clearance = measure_clearance_nm(EdgeTree.from_edges(start, end), points, _CAP_NM)
    return Certificate(not violations, tuple(violations), clearance)


def measure_clearance_nm(edges: EdgeTree, points: Floats, cap_nm: float) -> float:
    """Distance in NM, at most a cap, of a line from edges, beyond 10 NM from its ends."""
    lon, lat = geodesy.densify_line(points[:, 0], points[:, 1], step_km=_PIECE_KM)
    xyz = geodesy.unit_vectors(lon, lat)
    limit = km_from_nm(AERODROME_NM) / geodesy.EARTH_RADIUS_KM
    near_end = np.zeros(len(xyz) - 1, bool)
    for end in (xyz[0], xyz[-1]):
        near = geodesy.angle_between(xyz, end[None, :]) < limit
        near_end |= near[:-1] | near[1:]
    p, q = xyz[:-1][~near_end], xyz[1:][~near_end]
    cap = km_from_nm(cap_nm) / geodesy.EARTH_RADIUS_KM
    angle = kernels.measure_leg_distances(p, q, cap, edges.edge, edges.ball)
    return float(nm_from_km(geodesy.EARTH_RADIUS_KM * np.min(angle, initial=cap)))
