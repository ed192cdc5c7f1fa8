"""Fuel stops: where to refuel when the permitted route is longer than the aircraft's range."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from airsim.geodesy import geodesic_km
from airsim.performance import max_range_km
from airsim.planning.ends import decide_end
from airsim.planning.judge import MINUTE_MS
from airsim.routing import Route, Router, find_routes

if TYPE_CHECKING:
    from airsim.planning.work import Work

# Large aerodromes with fuel at any hour along the roads out of Europe and Asia; an assumption, as
# no source lists which of them would handle whom. The timetable's own aerodromes are added.
_STOPS = """
UMMS UUEE UWWW USSS UWUU UNNT UNKL UIII UHHH UHPP URML URWA UBBB UGTB UDYZ UTAA UTAK UTTT UTSS UTDD
UCFM UAAA UACC UATE UATG UAOO LTFM LTAI LTCG OIIE OIMM OPKC OPLA VIDP VABB OMDB OMAA OOMS OOSA OTHH
OBBI OKKK OEJN OERK OJAI OLBA HECA HESH HEGN HSSK HAAB HKJK HDAM LCLK LGAV LBSF LYBE LOWW EDDF EHAM
EGLL LFPG LEMD LPPT EFHK ENGM ENBR BIKF CYQX CYHZ LPLA GCLP GMMN DAAG GVAC PANC PHNL RJTT RKSI ZBAA
ZWWW ZGGG VHHH VTBS WSSS WMKK ZMCK
"""
TECHNICAL_STOPS: tuple[str, ...] = tuple(_STOPS.split())
_ROUTED_AT_ONCE = 24
Spot = tuple[float, float]  # longitude and latitude


def choose_stops(work: Work, router: Router) -> tuple[tuple[Route, ...], tuple[str, ...]] | None:
    """The single fuel stop with the shortest permitted way, or None if none will do.

    Only stops where a technical stop is not barred count; both legs must be within range with
    the payload carried, on permitted routes.
    """
    scenario, flight = work.scenario, work.flight
    reach_km = float(max_range_km(work.aircraft, work.payload_kg))
    names = sorted(
        {*TECHNICAL_STOPS, *(f.ades for f in scenario.flights if not f.probe)}
        & set(scenario.aerodromes)
    )
    names = [n for n in names if n not in (flight.adep, flight.ades) and n not in work.excluded]
    spots = [scenario.aerodromes[name] for name in names]
    lon, lat = np.array([s.lon for s in spots]), np.array([s.lat for s in spots])
    start, end = work.origin, work.target
    out_km = geodesic_km(*start, lon, lat)
    back_km = geodesic_km(lon, lat, *end)
    near = work.reaches(0, out_km) & (back_km < reach_km)
    shortest_m = np.rint((out_km + back_km) * 1000.0).astype(np.int64)
    out_min = work.block_min(0, np.where(near, out_km, 0.0))
    at_ms = work.start_ms + np.rint(out_min * MINUTE_MS).astype(np.int64)
    allowed = (
        int(i)
        for i in np.argsort(shortest_m, kind="stable")
        if near[i] and _allows_stop(work, names[i], int(at_ms[i]))
    )
    best: tuple[int, str, tuple[Route, ...]] | None = None
    for tried in _take_batches(allowed, _ROUTED_AT_ONCE):
        if best is not None and shortest_m[tried[0]] > best[0]:
            break  # no permitted way is shorter than the great circles
        for i, legs in _route_stops(router, start, end, {i: (lon[i], lat[i]) for i in tried}):
            lengths = [leg.distance_km for leg in legs]
            if not all(work.reaches(number, km) for number, km in enumerate(lengths)):
                continue
            # Metres decide, then the name: equal on every machine.
            rank = (round(sum(lengths) * 1000.0), names[i])
            if best is None or rank < best[:2]:
                best = (*rank, legs)
    return None if best is None else (best[2], (best[1],))


def _take_batches(items: Iterable[int], size: int) -> Iterator[list[int]]:
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


def _route_stops(
    router: Router, start: Spot, end: Spot, stops: Mapping[int, Spot]
) -> Iterator[tuple[int, tuple[Route, Route]]]:
    """Both legs by way of each stop that can be reached and left."""
    there = [(*start, *stop) for stop in stops.values()]
    on = [(*stop, *end) for stop in stops.values()]
    found = find_routes(router, *np.array(there + on).T)
    for key, first, second in zip(stops, found[: len(there)], found[len(there) :], strict=True):
        if isinstance(first, Route) and isinstance(second, Route):
            yield key, (first, second)


def _allows_stop(work: Work, icao: str, at_ms: int) -> bool:
    """Whether a stop is not barred about when it would be made; the route found settles it."""
    facts = work.leg_facts((work.flight.adep, icao, work.flight.ades), 0, work.facts.crossed)
    decisions = [
        decide_end(work.scenario, activity, icao, at_ms, facts, work.planned_ms)
        for activity in ("technical-stop", "landing")
    ]
    return not any(work.closes(decision) for decision in decisions)
