"""Proof of a route by the crossings of its own line, not by the graph that found it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from airsim.airspace import LAYER_NAMES, Atlas, Paths, area_edges, find_crossings
from airsim.routing.lines import measure_clearances_nm
from airsim.routing.tree import EdgeTree

if TYPE_CHECKING:
    from airsim.routing.routes import ClosedSet, Route

Floats = NDArray[np.float64]

Violation = tuple[str, int, float, float]

_CAP_NM = 5.0


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
    violations: tuple[Violation, ...]
    clearance_nm: float


def certify_routes(
    atlas: Atlas, closed: ClosedSet, routes: Sequence[Route]
) -> tuple[Certificate, ...]:
    """Check routes against the closed areas themselves.

    Parameters
    ----------
    atlas : Atlas
    closed : tuple of (layer name, area position)
        What the routes may not enter.
    routes : sequence of Route

    Returns
    -------
    tuple of Certificate
        One for each route.

    Notes
    -----
    Uses the crossings of the routes' geodesic legs and the stored edges; shares nothing with the
    visibility graph but the arithmetic of distances.
    """
    if not routes:
        return ()
    paths = Paths.from_lines([route.points for route in routes])
    wanted = set(closed)
    crossings = find_crossings(atlas, paths, layers=sorted({name for name, _ in closed}))
    violations: list[list[Violation]] = [[] for _ in routes]
    for k in range(len(crossings.area)):
        area = (LAYER_NAMES[crossings.layer[k]], int(crossings.area[k]))
        if area in wanted:
            violations[crossings.path[k]].append(
                (*area, float(crossings.entry_km[k]), float(crossings.exit_km[k]))
            )
    points = np.concatenate([route.points for route in routes])
    clearances = measure_clearances_nm(points, paths.start, closed_edges(atlas, closed), _CAP_NM)
    return tuple(
        Certificate(not found, tuple(found), clearance)
        for found, clearance in zip(violations, clearances.tolist(), strict=True)
    )


def certify_route(atlas: Atlas, closed: ClosedSet, route: Route) -> Certificate:
    """Check one route, as `certify_routes` does many."""
    return certify_routes(atlas, closed, [route])[0]


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
