"""Permitted shortest routes: closed areas in, routes or typed refusals out."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from airsim import geodesy
from airsim.airspace import Atlas, Paths, area_edges, area_polygons, locate_points
from airsim.base import InputError, ProblemList
from airsim.routing.certificate import measure_clearance_nm
from airsim.routing.graph import CLOSED, EdgeTree, Graph, build_graph, find_paths
from airsim.routing.plane import Geometries, project_polygons
from airsim.units import KM_PER_NM

Floats = NDArray[np.float64]
Area = tuple[str, int]
ClosedSet = tuple[Area, ...]
Reason = Literal[
    "origin-enclosed", "destination-enclosed", "separated", "origin-closed", "destination-closed"
]

_LESSER_NM = (0.25, 0.05)  # clearances tried, in this order, where the asked one leaves no route
_STEP_KM = 100.0


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """Shortest permitted route found.

    Parameters
    ----------
    points : ndarray, shape (n, 2)
        (lon, lat) degrees, both ends included, at most 100 km apart; legs between them are WGS84
        geodesics. Longitudes lie in (-180, 180].
    distance_km : float
        WGS84 length.
    clearance_nm : float
        Measured distance to the nearest closed area, at most what was asked; parts within 10 NM
        of both ends do not count.
    lower_bound_km : float
        No permitted route is shorter.
    gap : float
        ``distance_km / lower_bound_km - 1``.
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
    _polygons: Geometries
    _edges: EdgeTree
    _graphs: dict[float, Graph] = field(default_factory=dict)

    def _graph(self, clearance_nm: float) -> Graph:
        if clearance_nm not in self._graphs:
            self._graphs[clearance_nm] = build_graph(self._polygons, clearance_nm)
        return self._graphs[clearance_nm]


_recent: OrderedDict[str, Router] = OrderedDict()  # routers depend on nothing but their key
_KEEP = 16


def build_router(atlas: Atlas, closed: ClosedSet, *, clearance_nm: float = 1.0) -> Router:
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
        edges = [area_edges(atlas.layer(name), at) for name, at in _by_layer(wanted)]
        empty = np.empty((0, 3))
        start, end = (np.concatenate([e[i] for e in edges] or [empty]) for i in (0, 1))
        tree = EdgeTree.from_edges(start, end)
        _recent[key] = Router(atlas, wanted, clearance_nm, _outlines(atlas, wanted), tree)
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


def _by_layer(closed: ClosedSet) -> list[tuple[str, list[int]]]:
    names = sorted({name for name, _ in closed})
    return [(name, [at for layer, at in closed if layer == name]) for name in names]


def _outlines(atlas: Atlas, closed: ClosedSet) -> Geometries:
    """(lon, lat) outlines in the order of the closed set."""
    found = [
        shape for name, at in _by_layer(closed) for shape in area_polygons(atlas.layer(name), at)
    ]
    return np.array(found, dtype=object)


def find_routes(
    router: Router, lon0: ArrayLike, lat0: ArrayLike, lon1: ArrayLike, lat1: ArrayLike
) -> list[Route | NoRoute]:
    """Find shortest permitted routes.

    Parameters
    ----------
    router : Router
    lon0, lat0, lon1, lat1 : array_like, shape (n,)
        Degrees, origins and destinations.

    Returns
    -------
    list of Route or NoRoute, length n
        Where the router's clearance leaves no route, those with less are tried: 0.25, 0.05 NM;
        `Route.clearance_nm` tells.

    Raises
    ------
    InputError
        Coordinates that are no points.
    """
    paths = Paths.from_legs(lon0, lat0, lon1, lat1)
    origin = np.stack((paths.lon[::2], paths.lat[::2]), axis=1)
    destination = np.stack((paths.lon[1::2], paths.lat[1::2]), axis=1)
    result: list[Route | NoRoute | None] = [None] * len(origin)
    inside = [_areas_of(router, points) for points in (origin, destination)]
    for k in range(len(origin)):
        for reason, areas in (
            ("origin-closed", inside[0][k]),
            ("destination-closed", inside[1][k]),
        ):
            if areas and result[k] is None:
                result[k] = NoRoute(reason, areas)  # type: ignore[arg-type]
    ladder = [router.clearance_nm, *(c for c in _LESSER_NM if c < router.clearance_nm)]
    for clearance_nm in ladder:
        rest = [k for k, found in enumerate(result) if found is None]
        if rest:
            found = _route_at(router, clearance_nm, origin[rest], destination[rest])
            for k, route in zip(rest, found, strict=True):
                result[k] = route
    for k, route in enumerate(result):
        if route is None:
            graph = router._graph(ladder[-1])
            result[k] = _explain(router, graph, origin[k], destination[k])
    return result  # type: ignore[return-value]


def _areas_of(router: Router, lonlat: Floats) -> list[ClosedSet]:
    """Closed areas that contain each point."""
    closed = set(router.closed)
    found: list[list[Area]] = [[] for _ in lonlat]
    for name, _ in _by_layer(router.closed):
        start, area = locate_points(router.atlas, name, lonlat[:, 0], lonlat[:, 1])
        for k in range(len(lonlat)):
            areas = ((name, int(a)) for a in area[start[k] : start[k + 1]])
            found[k].extend(a for a in areas if a in closed)
    return [tuple(areas) for areas in found]


def _route_at(
    router: Router, clearance_nm: float, origin: Floats, destination: Floats
) -> list[Route | None]:
    """Routes that keep a clearance."""
    graph = router._graph(clearance_nm)
    a = geodesy.unit_vectors(origin[:, 0], origin[:, 1])
    b = geodesy.unit_vectors(destination[:, 0], destination[:, 1])
    open_a, open_b = graph.locate(a), graph.locate(b)
    found: list[Route | None] = [None] * len(a)
    tried = np.flatnonzero((open_a == open_b) & (open_a != CLOSED))
    lines: dict[int, Floats] = {}
    for k in tried:
        line = _geodesic(origin[k], destination[k])
        xyz = geodesy.unit_vectors(line[:, 0], line[:, 1])
        if graph.sees(xyz[:-1], xyz[1:]).all():
            lines[int(k)] = line
    rest = [int(k) for k in tried if int(k) not in lines]
    for k, path in zip(rest, find_paths(graph, a[rest], b[rest]), strict=True):
        if path is not None:
            lon, lat = geodesy.lonlat_from_vectors(path[1])
            lon, lat = geodesy.densify_line(lon, lat, step_km=_STEP_KM, model="sphere")
            line = np.stack((lon, lat), axis=1)
            line[0], line[-1] = origin[k], destination[k]
            lines[k] = line
    for k, line in lines.items():
        found[k] = _finish(router, line)
    return found


def _geodesic(origin: Floats, destination: Floats) -> Floats:
    pair = np.stack((origin, destination))
    lon, lat = geodesy.densify_line(pair[:, 0], pair[:, 1], step_km=_STEP_KM)
    return np.stack((lon, lat), axis=1)


def _finish(router: Router, line: Floats) -> Route:
    """Route of a densified line, with what it measures."""
    lon, lat = line[:, 0], line[:, 1]
    distance = float(np.sum(geodesy.geodesic_km(lon[:-1], lat[:-1], lon[1:], lat[1:])))
    bound = float(geodesy.geodesic_km(lon[0], lat[0], lon[-1], lat[-1]))
    bound = min(bound, distance)
    clearance = measure_clearance_nm(router._edges, line, router.clearance_nm)
    gap = distance / bound - 1.0 if bound > 0.0 else 0.0
    return Route(line, distance, clearance, bound, gap)


def _explain(router: Router, graph: Graph, origin: Floats, destination: Floats) -> NoRoute:
    """Why two open points are apart, and the closed areas around the enclosed one."""
    pair = np.stack((origin, destination))
    at = graph.locate(geodesy.unit_vectors(pair[:, 0], pair[:, 1]))
    main = graph.largest_component()
    if at[1] in (main, CLOSED) and at[0] != main:
        return NoRoute("origin-enclosed", _bordering(router, graph, int(at[0]), origin))
    reason: Reason = "destination-enclosed" if at[0] == main else "separated"
    return NoRoute(reason, _bordering(router, graph, int(at[1]), destination))


def _bordering(router: Router, graph: Graph, component: int, point: Floats) -> ClosedSet:
    """Closed areas that border a free component of the graph."""
    flat = [project_polygons(np.array([p]), graph.plane) for p in router._polygons]
    owner = np.repeat(np.arange(len(flat)), [len(f) for f in flat])
    place = graph.plane.project(geodesy.unit_vectors(*point)[None, :])
    if component == CLOSED:
        rim = shapely.Point(place[0])
    else:
        rim = graph.component_rim(component)
    scale = graph.plane.scale(shapely.get_coordinates(rim)).max()
    reach = (2.0 * graph.clearance_nm * KM_PER_NM + 1.0) * scale
    tree = shapely.STRtree(np.concatenate(flat))
    near = tree.query(rim, predicate="dwithin", distance=reach)
    return tuple(router.closed[k] for k in sorted(set(owner[near].tolist())))
