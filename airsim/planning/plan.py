"""Plan flights: ends first, then the best route that the law leaves open.

Flights are planned in rounds, all flights of a round together. In each round a flight has a
closed set; flights that share one share a router. A route found is judged exactly, crossing by
crossing at the time and level flown; whatever it may not cross is added to its closed set and the
flight goes into the next round. Sets only grow, so the rounds end; the first route of a flight
is the lower bound of the last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby

import numpy as np

from airsim.airspace import Paths, find_crossings
from airsim.geodesy import geodesic_km
from airsim.law import FlightFacts
from airsim.operation import Flight
from airsim.performance import AircraftType, fly, payload_for_seats
from airsim.permission import AreaKey, Decision, Outcome, mask_airspace
from airsim.planning.ends import decide_end
from airsim.planning.facts import make_facts
from airsim.planning.judge import MINUTE_MS, judge_legs
from airsim.planning.stops import choose_stops
from airsim.planning.types import Plan
from airsim.planning.verdict import conclude
from airsim.planning.work import Work
from airsim.routing import NoRoute, Route, Router, build_router, find_routes
from airsim.scenario import Scenario

_MOST_ROUNDS = 40


def plan_flights(
    scenario: Scenario,
    flights: Sequence[Flight],
    *,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Plan, ...]:
    """Plan flights on the law published when each is planned.

    Parameters
    ----------
    scenario : Scenario
        The world; its own flights are not looked at except to guess omitted types.
    flights : sequence of Flight
        Any flights whose codes the scenario knows.
    progress : callable, optional
        Called with (done, total) after each round.

    Returns
    -------
    tuple of Plan
        In the order of `flights`. A flight that cannot be planned is infeasible with the rules
        that say so, never missing.
    """
    works = _open_works(scenario, flights)
    pending = [
        work for work in works if all(end.outcome is not Outcome.FORBIDDEN for end in work.ends)
    ]
    for _ in range(_MOST_ROUNDS):
        if not pending:
            break
        for work in pending:
            work.routes, work.judgement = (), None
        _route_all(pending)
        _judge_all([work for work in pending if work.routes])
        pending = [work for work in pending if not _settled(work)]
        if progress is not None:
            progress(len(works) - len(pending), len(works))
    crossed = _cross_direct(scenario, works)
    return tuple(conclude(work, found) for work, found in zip(works, crossed, strict=True))


def _open_works(scenario: Scenario, flights: Sequence[Flight]) -> list[Work]:
    spots = [(scenario.aerodromes[f.adep], scenario.aerodromes[f.ades]) for f in flights]
    direct = geodesic_km(
        np.array([a.lon for a, _ in spots]), np.array([a.lat for a, _ in spots]),
        np.array([b.lon for _, b in spots]), np.array([b.lat for _, b in spots]),
    )  # fmt: skip
    works = []
    for flight, km in zip(flights, direct.tolist(), strict=True):
        facts, assumed = make_facts(scenario, flight)
        aircraft = scenario.types[facts.typecode or ""]
        payload = float(payload_for_seats(aircraft, facts.seats))
        planned_ms = flight.eobt_ms - scenario.options.planning_lead_ms
        eta_ms = flight.eobt_ms + round(float(fly(aircraft, km, payload).block_min) * MINUTE_MS)
        ends = (
            decide_end(scenario, "take-off", flight.adep, flight.eobt_ms, facts, planned_ms),
            decide_end(scenario, "landing", flight.ades, eta_ms, facts, planned_ms),
        )
        works.append(
            Work(
                scenario,
                flight,
                facts,
                assumed,
                planned_ms,
                aircraft,
                payload,
                km,
                ends,
                _mask(scenario, facts, flight.eobt_ms, eta_ms, aircraft, planned_ms),
            )
        )
    return works


def _mask(
    scenario: Scenario, facts: FlightFacts, start_ms: int, end_ms: int, aircraft: AircraftType,
    known_ms: int,
) -> dict[AreaKey, Decision]:  # fmt: skip
    """Areas closed from departure to arrival; closures of part of that time are judged later."""
    level_ft = aircraft.cruise_fl * 100.0
    first, last = (
        mask_airspace(scenario.bound, facts, at_ms, level_ft=level_ft, known_ms=known_ms)
        for at_ms in (start_ms, end_ms)
    )
    return {
        area: min(first[area], last[area], key=lambda decision: decision.outcome)
        for area in sorted(first.keys() & last.keys())
    }


def _route_all(pending: Sequence[Work]) -> None:
    """Give every flight a route, or the reason why there is none, in its present pass."""

    def closed_of(work: Work) -> tuple[AreaKey, ...]:
        return work.closed

    for closed, group in groupby(sorted(pending, key=closed_of), key=closed_of):
        works = list(group)
        scenario = works[0].scenario
        router = build_router(scenario.atlas, closed, clearance_nm=scenario.options.clearance_nm)
        pairs = sorted({(w.flight.adep, w.flight.ades) for w in works})
        spots = [[scenario.aerodromes[icao] for icao in pair] for pair in pairs]
        found = find_routes(
            router,
            np.array([a.lon for a, _ in spots]), np.array([a.lat for a, _ in spots]),
            np.array([b.lon for _, b in spots]), np.array([b.lat for _, b in spots]),
        )  # fmt: skip
        answers = dict(zip(pairs, found, strict=True))
        for work in works:
            answer = answers[work.flight.adep, work.flight.ades]
            _take_answer(work, router, answer)


def _take_answer(work: Work, router: Router, answer: Route | NoRoute) -> None:
    if isinstance(answer, NoRoute):
        work.failure = answer
        return
    work.failure = None
    if not work.lower_bound_km:
        work.lower_bound_km = answer.lower_bound_km
    if bool(fly(work.aircraft, answer.distance_km, work.payload_kg).feasible):
        work.routes, work.stops, work.out_of_range = (answer,), (), False
        return
    found = choose_stops(work, router)
    work.out_of_range = found is None
    if found is not None:
        work.routes, work.stops = found


def _judge_all(works: Sequence[Work]) -> None:
    """Judge all routes of a round: one call for the crossings of them all."""
    if not works:
        return
    legs = [route.points for work in works for route in work.routes]
    start = np.cumsum([0, *(len(points) for points in legs)])
    lonlat = np.concatenate(legs)
    atlas = works[0].scenario.atlas
    crossings = find_crossings(
        atlas, Paths(lonlat[:, 0].copy(), lonlat[:, 1].copy(), start.astype(np.int64))
    )
    bounds = np.searchsorted(crossings.path, np.arange(len(legs) + 1))
    first = 0
    for work in works:
        last = first + len(work.routes)
        work.judgement = judge_legs(work, crossings, bounds[first : last + 1])
        first = last


def _settled(work: Work) -> bool:
    """Whether planning of this flight has ended; otherwise its closed set has changed."""
    if not work.routes:
        return not work.open_more()
    assert work.judgement is not None
    shut = {
        area: decision
        for area, decision in work.judgement.crossed.items()
        if work.closes(decision) and area not in work.closed
    }
    if not shut and work.closes(work.judgement.landing):
        # Barred only by what was crossed on the way: try to do without crossing it.
        shut = {
            area: work.judgement.landing
            for area in work.judgement.history_areas
            if area not in work.closed
        }
    work.extra |= shut
    return not shut


def _cross_direct(scenario: Scenario, works: Sequence[Work]) -> list[frozenset[AreaKey]]:
    """Airspaces on the direct path of each flight."""
    if not works:
        return []
    spots = [
        (scenario.aerodromes[w.flight.adep], scenario.aerodromes[w.flight.ades]) for w in works
    ]
    crossings = find_crossings(
        scenario.atlas,
        Paths.from_legs(
            np.array([a.lon for a, _ in spots]), np.array([a.lat for a, _ in spots]),
            np.array([b.lon for _, b in spots]), np.array([b.lat for _, b in spots]),
        ),
    )  # fmt: skip
    names = scenario.atlas.layer_names
    found: list[set[AreaKey]] = [set() for _ in works]
    for path, layer, area in zip(
        crossings.path.tolist(), crossings.layer.tolist(), crossings.area.tolist(), strict=True
    ):
        found[path].add((names[layer], area))
    return [frozenset(areas) for areas in found]
