"""Permitted shortest routes: closed areas in, routes or typed refusals out."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from airsim import geodesy, kernels
from airsim.airspace import Atlas, Paths, locate_points, path_lengths_km
from airsim.base import InputError, ProblemList
from airsim.routing.graph import find_paths, gather_ends, link_ends
from airsim.routing.lines import (
    AERODROME_NM,
    densify_lines,
    line_lengths_km,
    measure_clearances_nm,
    vectors_of,
)
from airsim.routing.outline import CLOSED
from airsim.routing.rings import bound_areas
from airsim.routing.routes import ROUTE_STATUS, ClosedSet, Routes
from airsim.routing.space import Chart, FreeSpace
from airsim.units import km_from_nm

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Area = tuple[str, int]

_LESSER_NM = (0.25, 0.05)  # clearances tried, in this order, where the asked one leaves no route
_STEP_KM = 100.0
_LOOK_KM = 300.0  # geodesics leave great circles that long by 1.5 m
_METRIC_ERROR = 2e-5  # of lengths in graphs, with the hair's breadth that corners stand off
_BORDER_NM = 1.0  # areas this near to what can be reached border it
_TOLERANCE_KM = 0.25
_FLATTENING_KM = geodesy.EARTH_RADIUS_KM / 298.0
_JOINT = np.cos(km_from_nm(2.5 * AERODROME_NM) / geodesy.EARTH_RADIUS_KM)
_FAR_HALF = np.radians(85.0)  # near antipodes geodesics stray anywhere


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
    tolerance_km : float
        By which corners may be capped.
    """

    atlas: Atlas
    closed: ClosedSet
    clearance_nm: float
    tolerance_km: float
    _space: FreeSpace

    def draw_outline(self) -> int:
        """Merge closed areas and keep the clearance from them, as the first query does.

        Returns
        -------
        int
            Number of points of the outline.
        """
        return len(self._space.chart(self.clearance_nm).outline.rings.point)

    def build_graph(self) -> tuple[int, int]:
        """Find all legs between corners, as the first large batch of queries does.

        Returns
        -------
        corners, legs : int
            Their numbers.
        """
        graph = self._space.chart(self.clearance_nm).graph
        return len(graph.corners.point), graph.legs


_recent: OrderedDict[str, Router] = OrderedDict()  # routers depend on nothing but their key
_KEEP = 16


def build_router(
    atlas: Atlas,
    closed: Iterable[Area],
    *,
    clearance_nm: float = 1.0,
    tolerance_km: float = _TOLERANCE_KM,
) -> Router:
    """Prepare routes around closed areas.

    Parameters
    ----------
    atlas : Atlas
        Areas.
    closed : iterable of (layer name, area position)
        What routes may not enter; levels and validity are the caller's business.
    clearance_nm : float
        Distance kept from closed areas, above 0.
    tolerance_km : float
        Corners of what is nearer than the clearance may be capped by so much: routes get longer,
        by 0.02 % at most and 0.001 % in the middle at half a kilometre, and graphs smaller. No
        passage is closed by it, and no end. 0: the shortest routes.

    Returns
    -------
    Router
        The 16 latest are kept in memory by content.

    Raises
    ------
    InputError
        Unknown layer, area position out of range, no positive clearance, a negative tolerance.
    """
    wanted = tuple(sorted({(name, int(position)) for name, position in closed}))
    _check(atlas, wanted, clearance_nm, tolerance_km)
    content = (atlas.content_hash, wanted, clearance_nm, tolerance_km)
    key = hashlib.sha256(repr(content).encode()).hexdigest()
    if key not in _recent:

        def is_closed(xyz: Floats) -> NDArray[np.bool_]:
            lon, lat = geodesy.lonlat_from_vectors(xyz)
            return _find_areas(atlas, wanted, lon, lat)[0]

        space = FreeSpace.around(bound_areas(atlas, wanted), is_closed, tolerance_km)
        _recent[key] = Router(atlas, wanted, clearance_nm, tolerance_km, space)
    _recent.move_to_end(key)
    while len(_recent) > _KEEP:
        _recent.popitem(last=False)
    return _recent[key]


def _check(atlas: Atlas, closed: ClosedSet, clearance_nm: float, tolerance_km: float) -> None:
    problems = ProblemList()
    if not clearance_nm > 0.0:
        problems.add("build_router", "clearance_nm", f"{clearance_nm} NM", "above 0")
    if not tolerance_km >= 0.0:
        problems.add("build_router", "tolerance_km", f"{tolerance_km} km", "0 or above")
    for name, position in closed:
        try:
            count = len(atlas.layer(name))
        except InputError as error:
            problems.extend(error)
            continue
        if not 0 <= position < count:
            problems.add("build_router", f"{name} {position}", "no such area", f"0 to {count - 1}")
    problems.raise_if_any()


def _find_areas(
    atlas: Atlas, closed: ClosedSet, lon: Floats, lat: Floats
) -> tuple[NDArray[np.bool_], dict[int, ClosedSet]]:
    """Which points lie in closed areas, and in which ones."""
    inside = np.zeros(len(lon), np.bool_)
    areas: dict[int, ClosedSet] = {}
    for name in dict.fromkeys(name for name, _ in closed):
        start, area = locate_points(atlas, name, lon, lat)
        wanted = np.zeros(len(atlas.layer(name)), np.bool_)
        wanted[[position for layer, position in closed if layer == name]] = True
        owner = np.repeat(np.arange(len(lon)), np.diff(start))[wanted[area]]
        inside[owner] = True
        for k, position in zip(owner.tolist(), area[wanted[area]].tolist(), strict=True):
            areas[k] = (*areas.get(k, ()), (name, position))
    return inside, areas


def find_routes(
    router: Router,
    lon0: ArrayLike,
    lat0: ArrayLike,
    lon1: ArrayLike,
    lat1: ArrayLike,
    *,
    bounds: bool = False,
) -> Routes:
    """Find shortest permitted routes.

    Parameters
    ----------
    router : Router
    lon0, lat0, lon1, lat1 : array_like, shape (n,)
        Degrees, origins and destinations.
    bounds : bool
        Whether to search for lower bounds too; else the geodesic is the bound.

    Returns
    -------
    Routes
        A table; ``routes[k]`` is a `Route` or a `NoRoute`. The route is the geodesic where that
        is open. No clearance is asked within 10 NM of an end that itself lies within the
        clearance. Where the router's clearance leaves no route, it is lessened in the straits
        that stop it, to 0.25, then to 0.05 NM; `clearance_nm` tells. A strait never shortens a
        route that exists without it.

    Raises
    ------
    InputError
        Coordinates that are no points.

    Notes
    -----
    Turning points are the shortest ones over great-circle legs with WGS84 lengths.
    """
    paths = Paths.from_legs(lon0, lat0, lon1, lat1)
    search = _Search(router, np.stack((paths.lon, paths.lat), axis=1))
    search.find()
    return search.tabulate(bounds=bounds)


class _Search:
    """The work of one call of `find_routes`.

    Points are the different ends, lines are addressed by the position of their query.
    """

    def __init__(self, router: Router, lonlat: Floats) -> None:
        self.router, self.space = router, router._space
        self.lonlat, place = np.unique(lonlat, axis=0, return_inverse=True)
        self.xyz = vectors_of(self.lonlat)
        self.start, self.goal = place.reshape(-1, 2).T.copy()
        n = len(self.start)
        self.status = np.zeros(n, np.int8)
        self.bordering: dict[int, ClosedSet] = {}
        self.turns: list[Floats] = []  # what was found, one after the other
        self.begin, self.size = np.zeros((2, n), np.int64)  # each line's part of that
        self.is_geodesic = np.zeros(n, np.bool_)
        self.clearance = np.full(n, np.nan)

    def find(self) -> None:
        """Find lines, or refusals, for all queries."""
        left = self.refuse_closed()
        asked = self.router.clearance_nm
        chart = self.space.chart(asked)
        left = self.try_chart(chart, left, asked)
        if len(left):
            left = self.refuse_enclosed(left)
        for clearance_nm in (c for c in _LESSER_NM if c < asked):
            if len(left):
                found = left
                left = self.try_chart(self.space.chart(clearance_nm), left, clearance_nm)
                for k in np.setdiff1d(found, left).tolist():
                    self.widen_straits(k, chart, clearance_nm)

    def refuse_closed(self) -> Longs:
        """Refuse what starts or ends in closed areas; the positions of the rest."""
        inside, areas = _find_areas(
            self.router.atlas, self.router.closed, self.lonlat[:, 0], self.lonlat[:, 1]
        )
        for status, end in (("destination-closed", self.goal), ("origin-closed", self.start)):
            for k in np.flatnonzero(inside[end]).tolist():
                self.status[k], self.bordering[k] = ROUTE_STATUS.index(status), areas[int(end[k])]
        return np.flatnonzero(self.status == 0)

    def try_chart(self, chart: Chart, queries: Longs, clearance_nm: float) -> Longs:
        """Note the lines that a chart leaves open; the positions of the other queries."""
        points, place = np.unique(
            np.concatenate((self.start[queries], self.goal[queries])), return_inverse=True
        )
        start, goal = place.reshape(2, -1)
        xyz = self.xyz[points]
        component = chart.outline.locate(xyz)
        is_opened = component == CLOSED
        waived = is_opened[start] | is_opened[goal]
        both = is_opened[start] & is_opened[goal] & (start != goal)
        joint = both & (np.sum(xyz[start] * xyz[goal], axis=1) > _JOINT)
        if joint.any() and len(queries) > 1:  # discs that overlap are opened together
            left = [self.try_chart(chart, queries[~joint], clearance_nm)]
            left += [self.try_chart(chart, k, clearance_nm) for k in queries[joint][:, None]]
            return np.sort(np.concatenate(left))
        if joint.any():
            openings = dict(enumerate(self.space.open_discs(chart, xyz)))
        else:
            openings = {
                k: self.space.open_discs(chart, xyz[k : k + 1])[0]
                for k in np.flatnonzero(is_opened).tolist()
            }
        tried = np.flatnonzero((component[start] == component[goal]) | waived)
        ends = gather_ends(chart.outline, xyz, component, openings)
        is_direct = self.see_directly(queries[tried], start[tried], goal[tried], ends)
        direct, rest = tried[is_direct], tried[~is_direct]
        found = np.zeros(len(queries), np.bool_)
        found[direct] = True
        both_ends = np.stack((self.start[queries[direct]], self.goal[queries[direct]]), axis=1)
        self.note_lines(
            queries[direct], self.lonlat[both_ends.ravel()], 2 * np.arange(len(direct) + 1)
        )
        self.is_geodesic[queries[direct]] = True
        if len(rest):
            used, place = np.unique(np.concatenate((start[rest], goal[rest])), return_inverse=True)
            opened = {k: openings[at] for k, at in enumerate(used.tolist()) if at in openings}
            ends = link_ends(chart.graph, xyz[used], component[used], opened)
            where, first = find_paths(chart.graph, ends, *place.reshape(2, -1))
            found[rest] = np.diff(first) > 0
            lonlat = np.stack(geodesy.lonlat_from_vectors(where), axis=1)
            some = found[rest]
            lonlat[first[:-1][some]] = self.lonlat[self.start[queries[rest[some]]]]
            lonlat[first[1:][some] - 1] = self.lonlat[self.goal[queries[rest[some]]]]
            self.note_lines(queries[rest], lonlat, first)
            self.is_geodesic[queries[rest]] = False
        # what stays out of the outline of a clearance keeps it; the rest is measured
        kept = clearance_nm if clearance_nm == self.router.clearance_nm else np.nan
        self.clearance[queries[found]] = np.where(waived[found], np.nan, kept)
        return queries[~found]

    def note_lines(self, queries: Longs, lonlat: Floats, first: Longs) -> None:
        """Note lines of queries, if they have any: line i is lonlat[first[i]:first[i + 1]]."""
        found = np.diff(first) > 0
        shift = sum(len(part) for part in self.turns)
        self.begin[queries[found]] = first[:-1][found] + shift
        self.size[queries[found]] = np.diff(first)[found]
        self.turns.append(lonlat)

    def lines_of(self, queries: Longs) -> tuple[Floats, Longs]:
        """Lines noted for queries, and where each begins."""
        first = np.concatenate(([0], np.cumsum(self.size[queries])))
        at = np.repeat(self.begin[queries] - first[:-1], self.size[queries]) + np.arange(first[-1])
        return np.concatenate([np.empty((0, 2)), *self.turns])[at], first

    def see_directly(
        self, queries: Longs, start: Longs, goal: Longs, ends: kernels.Ends
    ) -> NDArray[np.bool_]:
        """Whether the geodesics of queries are open, between ends of those numbers."""
        a, b = self.xyz[self.start[queries]], self.xyz[self.goal[queries]]
        # a geodesic strays from the great circle by less than that
        half = 0.5 * geodesy.angle_between(a, b)
        stray = np.tan(half) * np.sin(half) * (_FLATTENING_KM / geodesy.EARTH_RADIUS_KM)
        stray[half > _FAR_HALF] = np.inf
        with kernels.few_threads(len(a)):
            open_, cut = kernels.judge_lines(start, goal, stray, ends)
        left = np.flatnonzero(~(open_ | cut))
        pairs = np.stack((self.start[queries], self.goal[queries]), axis=1)[left]
        lines, first = densify_lines(
            self.lonlat[pairs.ravel()], 2 * np.arange(len(pairs) + 1), step_km=_LOOK_KM,
            great_circle=np.zeros(len(pairs), np.bool_),
        )  # fmt: skip
        with kernels.few_threads(8 * len(left)):
            cut = kernels.find_cut_lines(vectors_of(lines), first, start[left], goal[left], ends)
        open_[left] = ~cut
        return open_

    def refuse_enclosed(self, queries: Longs) -> Longs:
        """Refuse what no clearance lets out, or in; the positions of the rest."""
        lowest = min(_LESSER_NM[-1], self.router.clearance_nm)
        chart = self.space.chart(lowest)
        points, place = np.unique(
            np.concatenate((self.start[queries], self.goal[queries])), return_inverse=True
        )
        at = self.components_of(chart, points)
        one, other = at[place.reshape(2, -1)]
        main = chart.outline.largest_component()
        left = []
        for k, a, b in zip(queries.tolist(), one.tolist(), other.tolist(), strict=True):
            if a == b != CLOSED:
                left.append(k)
                continue
            if CLOSED in (a, b):  # on the rim of a closed area
                status = "origin-closed" if a == CLOSED else "destination-closed"
                end = self.start[k] if a == CLOSED else self.goal[k]
                near = self.space.find_near(self.xyz[end], _BORDER_NM)
            else:
                status = "separated"
                if main in (a, b):
                    status = "origin-enclosed" if b == main else "destination-enclosed"
                near = self.space.find_bordering(chart, a if b == main else b, _BORDER_NM)
            self.status[k] = ROUTE_STATUS.index(status)
            self.bordering[k] = tuple(self.router.closed[i] for i in near)
        return np.array(left, np.int64)

    def components_of(self, chart: Chart, points: Longs) -> NDArray[np.int32]:
        """Free component that each point reaches; `CLOSED` if none."""
        component = chart.outline.locate(self.xyz[points])
        for k in np.flatnonzero(component == CLOSED).tolist():
            end = self.xyz[points[k : k + 1]]
            opened = self.space.open_discs(chart, end)[0]
            ends = link_ends(chart.graph, end, component[k : k + 1], {0: opened})
            group = chart.graph.corners.group
            seen = group[ends.link_to[ends.link_to < len(group)]]
            if len(seen):
                component[k] = np.bincount(seen).argmax()
        return component

    def widen_straits(self, query: int, chart: Chart, clearance_nm: float) -> None:
        """Keep the asked clearance but in the straits that a line needs."""
        path, _ = densify_lines(
            *self.lines_of(np.array([query])), step_km=5.0,
            great_circle=~self.is_geodesic[query : query + 1],
        )  # fmt: skip
        opened = self.space.open_straits(
            chart, vectors_of(path), self.router.clearance_nm, clearance_nm
        )
        self.try_chart(opened, np.array([query]), clearance_nm)

    def bound(self, queries: Longs) -> Floats:
        """Lengths, km, that no permitted route of queries can fall below."""
        points, place = np.unique(
            np.concatenate((self.start[queries], self.goal[queries])), return_inverse=True
        )
        core = self.space.core
        component = core.outline.locate(self.xyz[points])
        ends = link_ends(core, self.xyz[points], component, {})
        where, first = find_paths(core, ends, *place.reshape(2, -1))
        lonlat = np.stack(geodesy.lonlat_from_vectors(where), axis=1)
        return line_lengths_km(lonlat, first) * (1.0 - _METRIC_ERROR)

    def tabulate(self, *, bounds: bool) -> Routes:
        """The table of all answers."""
        n = len(self.start)
        turns, first = self.lines_of(np.arange(n))
        keys = np.flatnonzero(self.size)
        a, b = self.lonlat[self.start[keys]], self.lonlat[self.goal[keys]]
        bound, length = np.full(n, np.nan), np.full(n, np.nan)
        bound[keys] = path_lengths_km(Paths.from_legs(*a.T, *b.T))
        length[keys] = np.maximum(line_lengths_km(turns, first)[keys], bound[keys])
        length[self.is_geodesic] = bound[self.is_geodesic]
        if bounds:
            detours = keys[~self.is_geodesic[keys]]
            bound[detours] = np.clip(self.bound(detours), bound[detours], length[detours])
        gap = np.divide(length, bound, out=np.ones(n), where=bound > 0.0) - 1.0
        gap[self.size == 0] = np.nan
        routes = Routes(
            self.status, length, self.clearance, bound, gap, turns, first, self.is_geodesic,
            self.bordering,
        )  # fmt: skip
        unknown = keys[np.isnan(self.clearance[keys])]
        if len(unknown):
            lines, start = routes.draw_lines(unknown)
            self.clearance[unknown] = measure_clearances_nm(
                lines, start, self.space.rings.tree, self.router.clearance_nm
            )
        for array in (self.status, length, self.clearance, bound, gap, turns, first):
            array.flags.writeable = False
        return routes
