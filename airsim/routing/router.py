"""Permitted shortest routes: closed areas in, routes or typed refusals out."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from airsim import geodesy
from airsim.airspace import Atlas, Paths, area_polygons, locate_points
from airsim.base import InputError, ProblemList
from airsim.routing.certificate import areas_by_layer, closed_edges
from airsim.routing.graph import find_paths
from airsim.routing.lines import (
    count_cut_legs,
    densify_lines,
    line_lengths_km,
    measure_clearances_nm,
    vectors_of,
)
from airsim.routing.outline import CLOSED, EdgeTree, Outline
from airsim.routing.space import Chart, FreeSpace

Floats = NDArray[np.float64]
Area = tuple[str, int]
ClosedSet = tuple[Area, ...]
Reason = Literal[
    "origin-enclosed", "destination-enclosed", "separated", "origin-closed", "destination-closed"
]

_LESSER_NM = (0.25, 0.05)  # clearances tried, in this order, where the asked one leaves no route
_STEP_KM = 100.0
_METRIC_ERROR = 2e-5  # of lengths in the graph, with the hair's breadth its corners stand off
_BORDER_NM = 1.0  # areas this near to what can be reached border it


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """Shortest permitted route found.

    Parameters
    ----------
    points : ndarray, shape (n, 2)
        (lon, lat) degrees, from end to end as given, at most 100 km apart; legs between them are
        WGS84 geodesics. Read-only.
    distance_km : float
        WGS84 length.
    clearance_nm : float
        Measured distance to the nearest closed area, at most what was asked; parts within 10 NM
        of both ends do not count.
    lower_bound_km : float
        No permitted route is shorter, whatever its clearance: the geodesic or, if bounds were
        asked for, the shortest path that may graze closed areas. It is loose where closed areas
        only just touch, or are strips narrower than 2 NM.
    gap : float
        ``distance_km / lower_bound_km - 1``; 0 if the route is the geodesic.
    """

    points: Floats
    distance_km: float
    clearance_nm: float
    lower_bound_km: float
    gap: float


@dataclass(frozen=True, slots=True)
class NoRoute:
    """Why there is no permitted route.

    Parameters
    ----------
    reason : str
        ``origin-closed`` or ``destination-closed``: the point lies in closed areas;
        ``origin-enclosed`` or ``destination-enclosed``: closed areas surround it;
        ``separated``: both are surrounded, apart from each other.
    bordering : tuple of (layer name, area position)
        The closed areas that contain the point, or that border what can be reached from the
        enclosed one (from the destination if both are).
    """

    reason: Reason
    bordering: ClosedSet


@dataclass(frozen=True, slots=True, eq=False)
class Router:
    """Free space around a closed set, ready for queries; made by `build_router`.

    Parameters
    ----------
    atlas : Atlas
    closed : tuple of (layer name, area position)
        Sorted, without repeats.
    clearance_nm : float
        Asked.
    """

    atlas: Atlas
    closed: ClosedSet
    clearance_nm: float
    _space: FreeSpace
    _edges: EdgeTree


_recent: OrderedDict[str, Router] = OrderedDict()  # routers depend on nothing but their key
_KEEP = 16


def build_router(atlas: Atlas, closed: Iterable[Area], *, clearance_nm: float = 1.0) -> Router:
    """Prepare routes around closed areas.

    Parameters
    ----------
    atlas : Atlas
        Areas.
    closed : iterable of (layer name, area position)
        What routes may not enter; levels and validity are the caller's business.
    clearance_nm : float
        Distance kept from closed areas, above 0.

    Returns
    -------
    Router
        The 16 latest are kept in memory by content.

    Raises
    ------
    InputError
        Unknown layer, area position out of range, or no positive clearance.
    """
    wanted = tuple(sorted({(name, int(position)) for name, position in closed}))
    _check(atlas, wanted, clearance_nm)
    key = hashlib.sha256(repr((atlas.content_hash, wanted, clearance_nm)).encode()).hexdigest()
    if key not in _recent:
        shapes = [
            s for name, at in areas_by_layer(wanted) for s in area_polygons(atlas.layer(name), at)
        ]
        space = FreeSpace.around(np.array(shapes, dtype=object))
        _recent[key] = Router(atlas, wanted, clearance_nm, space, closed_edges(atlas, wanted))
    _recent.move_to_end(key)
    while len(_recent) > _KEEP:
        _recent.popitem(last=False)
    return _recent[key]


def _check(atlas: Atlas, closed: ClosedSet, clearance_nm: float) -> None:
    problems = ProblemList()
    if not clearance_nm > 0.0:
        problems.add("build_router", "clearance_nm", f"{clearance_nm} NM", "above 0")
    for name, position in closed:
        try:
            count = len(atlas.layer(name))
        except InputError as error:
            problems.extend(error)
            continue
        if not 0 <= position < count:
            problems.add("build_router", f"{name} {position}", "no such area", f"0 to {count - 1}")
    problems.raise_if_any()


def find_routes(
    router: Router,
    lon0: ArrayLike,
    lat0: ArrayLike,
    lon1: ArrayLike,
    lat1: ArrayLike,
    *,
    bounds: bool = False,
) -> list[Route | NoRoute]:
    """Find shortest permitted routes.

    Parameters
    ----------
    router : Router
    lon0, lat0, lon1, lat1 : array_like, shape (n,)
        Degrees, origins and destinations.
    bounds : bool
        Whether to search for lower bounds too (half as long again for a new router); else the
        geodesic is the bound.

    Returns
    -------
    list of Route or NoRoute, length n
        The geodesic where it is open. No clearance is asked within 10 NM of an end that itself
        lies within the clearance. Where the router's clearance leaves no route, it is lessened in
        the straits that stop it, to 0.25, then to 0.05 NM; `Route.clearance_nm` tells. A strait
        never shortens a route that exists without it.

    Raises
    ------
    InputError
        Coordinates that are no points.

    Notes
    -----
    Turning points are the shortest ones over great-circle legs with WGS84 lengths.
    """
    paths = Paths.from_legs(lon0, lat0, lon1, lat1)
    lonlat = np.stack((paths.lon, paths.lat), axis=1)
    areas = _areas_of(router, lonlat)
    result: dict[int, Route | NoRoute] = {}
    for k in range(len(lonlat) // 2):
        if areas[2 * k]:
            result[k] = NoRoute("origin-closed", areas[2 * k])
        elif areas[2 * k + 1]:
            result[k] = NoRoute("destination-closed", areas[2 * k + 1])
    rest = np.array([k for k in range(len(lonlat) // 2) if k not in result], np.int64)
    chart = router._space.chart(router.clearance_nm)
    lines: dict[int, Floats] = {}
    found = _find_lines(chart, lonlat[2 * rest], lonlat[2 * rest + 1])
    for k, line in zip(rest.tolist(), found, strict=True):
        narrow = line if line is not None else _find_narrowly(router, lonlat[2 * k : 2 * k + 2])
        if isinstance(narrow, NoRoute):
            result[k] = narrow
        else:
            lines[k] = narrow
    result |= _measure_lines(router, lines)
    if bounds:
        _raise_bounds(router, result)
    return [result[k] for k in range(len(lonlat) // 2)]


def _areas_of(router: Router, lonlat: Floats) -> list[ClosedSet]:
    """Closed areas that contain each point."""
    closed = set(router.closed)
    found: list[list[Area]] = [[] for _ in lonlat]
    for name, _ in areas_by_layer(router.closed):
        start, area = locate_points(router.atlas, name, lonlat[:, 0], lonlat[:, 1])
        for k in range(len(lonlat)):
            areas = ((name, int(a)) for a in area[start[k] : start[k + 1]])
            found[k].extend(a for a in areas if a in closed)
    return [tuple(areas) for areas in found]


def _find_lines(chart: Chart, origin: Floats, destination: Floats) -> list[Floats | None]:
    """Shortest lines (lon, lat) on a chart, densified; None where there is none."""
    a, b = vectors_of(origin), vectors_of(destination)
    at = chart.outline.locate(np.vstack((a, b))).reshape(2, -1)
    tried = np.flatnonzero((at[0] == at[1]) & (at[0] != CLOSED))
    ends = np.stack((origin[tried], destination[tried]), axis=1).reshape(-1, 2)
    direct = _densify(ends, 2 * np.arange(len(tried) + 1))
    start = np.cumsum([0, *(len(line) for line in direct)])
    every = np.concatenate([ends[:0], *direct])
    blocked = tried[count_cut_legs(every, start, chart.outline.tree) > 0]
    lines: dict[int, Floats | None] = dict(zip(tried.tolist(), direct, strict=True))
    if len(blocked):
        paths = find_paths(chart.graph, a[blocked], b[blocked])
        lines |= _draw_paths(dict(zip(blocked.tolist(), paths, strict=True)), origin, destination)
    return [lines.get(k) for k in range(len(origin))]


def _densify(
    places: Floats, start: NDArray[np.int64], model: geodesy.Model = "wgs84"
) -> list[Floats]:
    places, start = densify_lines(places, start, step_km=_STEP_KM, model=model)
    return np.split(places, start[1:-1]) if len(start) > 1 else []


def _draw_paths(
    paths: dict[int, tuple[float, Floats] | None], origin: Floats, destination: Floats
) -> dict[int, Floats | None]:
    """Densified lines of paths between given ends."""
    turns = {k: path[1] for k, path in paths.items() if path is not None}
    keys = list(turns)
    places = np.concatenate([np.empty((0, 3)), *turns.values()])
    lonlat = np.stack(geodesy.lonlat_from_vectors(places), axis=1)
    start = np.cumsum([0, *(len(path) for path in turns.values())])
    lonlat[start[:-1]], lonlat[start[1:] - 1] = origin[keys], destination[keys]
    drawn = dict(zip(keys, _densify(lonlat, start, "sphere"), strict=True))
    return {k: drawn.get(k) for k in paths}


def _find_narrowly(router: Router, lonlat: Floats) -> Floats | NoRoute:
    """Line between two ends that lie in the clearance, or are kept apart by it."""
    space, asked = router._space, router.clearance_nm
    ends = vectors_of(lonlat)
    ladder = (asked, *(c for c in _LESSER_NM if c < asked))
    lowest = space.chart(ladder[-1], ends).outline
    at = lowest.locate(ends)
    line, clearance_nm = None, asked
    if at[0] == at[1] != CLOSED:
        for clearance_nm in ladder:
            line = _find_lines(space.chart(clearance_nm, ends), lonlat[:1], lonlat[1:])[0]
            if line is not None:
                break
    if line is None:
        return _explain(router, lowest, at, ends)
    if clearance_nm < asked:
        path, _ = densify_lines(line, np.array([0, len(line)]), step_km=5.0, model="wgs84")
        chart = space.chart(asked, ends)
        opened = space.open_straits(chart, vectors_of(path), asked, clearance_nm)
        wider = _find_lines(opened, lonlat[:1], lonlat[1:])[0]
        line = line if wider is None else wider
    return line


def _measure_lines(router: Router, lines: dict[int, Floats]) -> dict[int, Route]:
    """Routes of densified lines, with what they measure."""
    if not lines:
        return {}
    places = np.concatenate(list(lines.values()))
    start = np.concatenate(([0], np.cumsum([len(line) for line in lines.values()])))
    first, last = places[start[:-1]], places[start[1:] - 1]
    length = line_lengths_km(places, start)
    bound = geodesy.geodesic_km(first[:, 0], first[:, 1], last[:, 0], last[:, 1])
    length = np.where(length < bound * (1.0 + 1e-12), bound, length)  # a geodesic's parts
    gap = np.divide(length, bound, out=np.ones_like(length), where=bound > 0.0) - 1.0
    clearance = measure_clearances_nm(places, start, router._edges, router.clearance_nm)
    figures = np.stack((length, clearance, bound, gap), axis=1).tolist()
    for k, line in lines.items():
        lines[k] = line.copy()  # out of the batch's array
        lines[k].flags.writeable = False
    return {
        k: Route(line, *values) for (k, line), values in zip(lines.items(), figures, strict=True)
    }


def _raise_bounds(router: Router, result: dict[int, Route | NoRoute]) -> None:
    """Replace geodesics by shortest paths that may graze closed areas."""
    long = {k: r for k, r in result.items() if isinstance(r, Route) and r.gap > 0.0}
    if not long:
        return
    ends = np.array([route.points[[0, -1]] for route in long.values()])
    a, b = vectors_of(ends[:, 0]), vectors_of(ends[:, 1])
    paths = find_paths(router._space.core().graph, a, b)
    for (k, route), path in zip(long.items(), paths, strict=True):
        if path is not None:
            bound = max(route.lower_bound_km, path[0] * (1.0 - _METRIC_ERROR))
            result[k] = replace(
                route, lower_bound_km=bound, gap=max(0.0, route.distance_km / bound - 1.0)
            )


def _explain(router: Router, outline: Outline, at: NDArray[np.int32], ends: Floats) -> NoRoute:
    """Why two points outside the closed areas are apart, and the areas around the enclosed one."""
    space = router._space
    reason: Reason
    if CLOSED in at:  # on the rim of a closed area
        reason = "origin-closed" if at[0] == CLOSED else "destination-closed"
        near = space.find_near(ends[0 if at[0] == CLOSED else 1], _BORDER_NM)
    else:
        main = outline.largest_component()
        if main not in at:
            reason = "separated"
        else:
            reason = "origin-enclosed" if at[1] == main else "destination-enclosed"
        enclosed = at[0] if at[1] == main else at[1]
        near = space.find_bordering(outline, int(enclosed), _BORDER_NM)
    return NoRoute(reason, tuple(router.closed[k] for k in near))
