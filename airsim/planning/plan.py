"""Plan flights: ends first, then the best route that the law leaves open.

Flights are planned in rounds, all flights of a round together. In each round a flight has a
closed set; flights that share one share a router. A route found is judged exactly, crossing by
crossing at the time and level flown. If it breaks a rule, each way to mend it is a larger closed
set, and the flight goes into the next round with the most promising one; the first route, which
heeds only what is closed throughout, is the lower bound.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from airsim.airspace import Crossings, Paths, find_crossings, locate_points
from airsim.geodesy import geodesic_km
from airsim.law import FlightFacts, Place, Question
from airsim.operation import Flight
from airsim.performance import payload_for_seats
from airsim.permission import AreaKey, Decision, Outcome, mask_span
from airsim.planning.ends import decide_end, decide_stay, find_home
from airsim.planning.facts import make_facts
from airsim.planning.judge import (
    Judgement,
    find_landing_ms,
    history_states,
    judge_legs,
    list_legs,
    time_stays,
)
from airsim.planning.search import Extra, metres
from airsim.planning.stops import choose_stops
from airsim.planning.types import Airborne, Plan
from airsim.planning.verdict import conclude, needs_direct
from airsim.planning.work import Trips, Work
from airsim.routing import NoRoute, Route, Router, build_router, find_routes
from airsim.scenario import Scenario

_MOST_ROUNDS = 120
# By how much a detour may delay an arrival against the direct path.
LONGEST_DETOUR_MS = 12 * 3_600_000


def plan_flights(
    scenario: Scenario,
    flights: Sequence[Flight],
    *,
    progress: Callable[[int, int], None] | None = None,
    airborne: Airborne | None = None,
    heedless: bool = False,
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
    airborne : Airborne, optional
        Where the flights are if they are in the air: planned from there, on the law published by
        now. Airspace that they are in may be left even where it is closed.
    heedless : bool
        Plan for emergencies: the shortest way, whatever the law. Decisions still say what it says.

    Returns
    -------
    tuple of Plan
        In the order of `flights`. A flight that cannot be planned is infeasible with the rules
        that say so, never missing.
    """
    works = _open_works(scenario, flights, airborne)
    for work in works if heedless else ():
        work.heedless, work.settled = True, False
    pending = [work for work in works if not work.settled]
    for _ in range(_MOST_ROUNDS):
        if not pending:
            break
        for work in pending:
            work.routes, work.judgement = (), None
        _route_all(pending)
        _judge_all([work for work in pending if work.routes])
        for work in pending:
            work.rounds += 1
            work.settled = _settles(work)
        pending = [work for work in pending if not work.settled]
        if progress is not None:
            progress(len(works) - len(pending), len(works))
    for work in pending:
        work.gave_up = True
    crossed = _cross_direct(scenario, works)
    return tuple(conclude(work, found) for work, found in zip(works, crossed, strict=True))


def _open_works(
    scenario: Scenario, flights: Sequence[Flight], position: Airborne | None
) -> list[Work]:
    starts = [position or scenario.aerodromes[f.adep] for f in flights]
    ends = [scenario.aerodromes[f.ades] for f in flights]
    direct = geodesic_km(
        np.array([a.lon for a in starts]), np.array([a.lat for a in starts]),
        np.array([b.lon for b in ends]), np.array([b.lat for b in ends]),
    ).tolist()  # fmt: skip
    scenario.areas_over.prepare(icao for f in flights for icao in (f.adep, f.ades))
    told = [make_facts(scenario, flight) for flight in flights]
    kinds: dict[tuple[str, int | None], list[int]] = {}
    for k, (facts, _) in enumerate(told):
        kinds.setdefault((facts.typecode or "", facts.seats), []).append(k)
    trips = {kind: _find_trips(scenario, *kind) for kind in kinds}
    for kind, members in kinds.items():
        trips[kind].prepare(direct[k] for k in members)
    return [
        _open_work(scenario, flight, facts, assumed, trips[facts.typecode or "", facts.seats], km,
                   position)
        for flight, (facts, assumed), km in zip(flights, told, direct, strict=True)
    ]  # fmt: skip


def _find_trips(scenario: Scenario, typecode: str, seats: int | None) -> Trips:
    """Trips of a type that is as full as usual, with all that is known of them."""
    aircraft = scenario.types[typecode]
    key = ("trips", id(aircraft), seats)
    if key not in scenario.memory:
        payload_kg = float(payload_for_seats(aircraft, seats))
        scenario.memory[key] = Trips(aircraft, payload_kg)
    found: Trips = scenario.memory[key]
    return found


def _open_work(
    scenario: Scenario, flight: Flight, facts: FlightFacts, assumed: tuple[str, ...], trips: Trips,
    km: float, position: Airborne | None,
) -> Work:  # fmt: skip
    start_ms = flight.eobt_ms if position is None else position.at_ms
    planned_ms = start_ms - (scenario.options.planning_lead_ms if position is None else 0)
    eta_ms = find_landing_ms(start_ms, trips.find(km).block_min)
    start = facts.having_crossed(frozenset())
    judged_ends = (
        decide_end(scenario, "take-off", flight.adep, flight.eobt_ms, start, planned_ms)
        if position is None
        else _left_already(scenario, flight, start),
        decide_end(scenario, "landing", flight.ades, eta_ms, facts, planned_ms),
    )
    # Airspace closed from departure until the latest plausible arrival. Closures of part of that
    # time are met, or not, by the route: judging it will tell.
    instants = (start_ms, eta_ms, eta_ms + LONGEST_DETOUR_MS)
    level_ft = trips.aircraft.cruise_fl * 100.0
    mask = mask_span(scenario.bound, facts, instants, level_ft=level_ft, known_ms=planned_ms)
    home = find_home(scenario, facts)
    work = Work(
        scenario, flight, facts, assumed, planned_ms, trips, km, instants, judged_ends, mask, home,
        {area: _decide_home(scenario, facts, area, activity, instants, level_ft, planned_ms)
         for area, activity in home.items() if area in mask},
    )  # fmt: skip
    if position is not None:
        work.airborne, work.inside = position, _areas_at(scenario, position)
    work.settled = _is_barred(work, eta_ms)
    return work


def _decide_home(
    scenario: Scenario, facts: FlightFacts, area: AreaKey, activity: str,
    instants: Sequence[int], level_ft: float, known_ms: int,
) -> Decision:  # fmt: skip
    """What is said of a closed area to a flight that is there to land or to take off."""
    where = scenario.bound.spot(area)
    decisions = [
        decide_stay(
            scenario.bound,
            Question(activity, where, at_ms, at_ms, facts, level_ft, level_ft, known_ms),
        )
        for at_ms in instants
    ]
    return min(decisions, key=lambda decision: decision.outcome)


def _left_already(scenario: Scenario, flight: Flight, facts: FlightFacts) -> Decision:
    """In the air nobody asks for the take-off any more."""
    state = scenario.aerodromes[flight.adep].state
    place = Place("aerodrome", flight.adep, state)
    question = Question("take-off", (place,), flight.eobt_ms, flight.eobt_ms, facts, 0.0, 0.0, None)
    return Decision(question, Outcome.PERMITTED)


def _areas_at(scenario: Scenario, position: Airborne) -> frozenset[AreaKey]:
    """Airspaces of any level over a place."""
    lon, lat = np.array([position.lon]), np.array([position.lat])
    return frozenset(
        (name, row)
        for name in scenario.atlas.layer_names
        for row in locate_points(scenario.atlas, name, lon, lat)[1].tolist()
    )


def _is_barred(work: Work, eta_ms: int) -> bool:
    """Whether an end is barred whatever the route: at the latest plausible arrival too."""
    take_off, landing = work.ends
    if take_off.says(Outcome.FORBIDDEN):
        return True
    barring = {v.rule.id for v in landing.says(Outcome.FORBIDDEN) if not v.rule.when.daily}
    if not barring:
        return False
    late = decide_end(
        work.scenario, "landing", work.flight.ades, eta_ms + LONGEST_DETOUR_MS, work.facts,
        work.planned_ms,
    )  # fmt: skip
    return not barring.isdisjoint(v.rule.id for v in late.says(Outcome.FORBIDDEN))


def _route_all(pending: Sequence[Work]) -> None:
    """Give every flight a route, or the reason why there is none, in its present pass."""
    scenario = pending[0].scenario
    groups: dict[frozenset[AreaKey], list[Work]] = {}
    for work in pending:
        groups.setdefault(work.closed, []).append(work)
    found_by: list[tuple[Work, Route | NoRoute]] = []
    for closed, works in groups.items():
        answers = scenario.routes.setdefault(closed, {})
        fresh = sorted({work.ends_at for work in works} - answers.keys())
        if fresh:
            found = find_routes(_find_router(scenario, closed), *np.array(fresh).T)
            answers.update(zip(fresh, found, strict=True))
        found_by += [(work, answers[work.ends_at]) for work in works]
    lengths: dict[Trips, list[float]] = {}
    for work, answer in found_by:
        if isinstance(answer, Route):
            lengths.setdefault(work.trips, []).append(answer.distance_km)
    for trips, kms in lengths.items():
        trips.prepare(kms)
    for work, answer in found_by:
        _take_answer(work, answer)


def _find_router(scenario: Scenario, closed: frozenset[AreaKey]) -> Router:
    return build_router(scenario.atlas, closed, clearance_nm=scenario.options.clearance_nm)


def _take_answer(work: Work, answer: Route | NoRoute) -> None:
    if isinstance(answer, NoRoute):
        work.failure = answer
        return
    work.failure = None
    if work.reaches(0, answer.distance_km):
        work.routes, work.stops, work.out_of_range = (answer,), (), False
    else:
        found = choose_stops(work, _find_router(work.scenario, work.closed))
        work.out_of_range = found is None
        if found is None:
            return
        work.routes, work.stops = found
    if not work.lower_bound_km:
        # The first route heeds only what is closed throughout: no later one can be shorter.
        work.lower_bound_km = sum(route.distance_km for route in work.routes)


def _judge_all(works: Sequence[Work]) -> None:
    """Judge all routes of a round: one call for the crossings of them all."""
    legs = [leg for work in works for leg in list_legs(work)]
    if not legs:
        return
    scenario = works[0].scenario
    crossings = _trace_routes(scenario, [leg.route for leg in legs])
    flown = iter(time_stays(scenario.bound, legs, crossings))
    for work in works:
        work.judgement = judge_legs(work, [next(flown) for _ in work.routes])


def _trace_routes(scenario: Scenario, routes: Sequence[Route]) -> Crossings:
    """Crossings of routes, a path each; those of routes met before are remembered."""
    key = ("crossings", scenario.atlas.content_hash)
    known: dict[int, tuple[Route, list[NDArray[Any]]]] = scenario.memory.setdefault(key, {})
    fresh = list({id(route): route for route in routes if id(route) not in known}.values())
    if fresh:
        start = np.cumsum([0, *(len(route.points) for route in fresh)])
        lon, lat = np.concatenate([route.points for route in fresh]).T
        found = find_crossings(
            scenario.atlas, Paths(lon.copy(), lat.copy(), start.astype(np.int64))
        )
        bounds = np.searchsorted(found.path, np.arange(len(fresh) + 1)).tolist()
        columns = (found.layer, found.area, found.entry_km, found.exit_km)
        for route, (a, b) in zip(fresh, pairwise(bounds), strict=True):
            # With the route, whose address is its name.
            known[id(route)] = (route, [column[a:b] for column in columns])
    parts = [known[id(route)][1] for route in routes]
    path = np.repeat(np.arange(len(parts), dtype=np.int32), [len(part[0]) for part in parts])
    return Crossings(path, *(np.concatenate(column) for column in zip(*parts, strict=True)))


def _settles(work: Work) -> bool:
    """Whether planning of this flight has ended; otherwise its closed set has changed."""
    if work.judgement is not None:
        if any(work.closes(decision) for decision in work.judgement.stops):
            work.exclude_stops()
            return False
        ways = _ways_out(work, work.judgement)
        for way in ways:
            work.search.add(work.extra | way, metres(work.routes))
        if not ways:
            work.keep_route()
    return work.end_search()


def _ways_out(work: Work, judgement: Judgement) -> list[Extra]:
    """What else to avoid so that a route keeps the law, one set for each way; none if it does.

    A landing barred whatever was crossed has no way out either.
    """
    known = work.closed | work.inside
    shut = {
        area: decision
        for area, decision in judgement.crossed.items()
        if area not in known and work.closes(decision)
    }
    if not shut and work.closes(judgement.landing):
        rows = _rows_crossed(work, history_states(work.closing(judgement.landing)))
        shut = dict.fromkeys(rows, judgement.landing)
        return [shut] if shut else []
    ways = [shut] if shut else []
    if len(shut) > 1:
        # avoiding the first may bring the flight to the others when they are open
        ways.append(dict([next(iter(shut.items()))]))
    for decision in shut.values():
        verdicts = work.closing(decision)
        rows = _rows_crossed(work, history_states(verdicts))
        if rows and all(history_states([verdict]) for verdict in verdicts):
            ways.append(dict.fromkeys(rows, decision))
    work.search.exhaustive &= not shut
    return ways


def _rows_crossed(work: Work, states: frozenset[str]) -> list[AreaKey]:
    """Territories of States, unless the flight begins there: they were crossed anyhow."""
    if work.facts.origin_state in states:
        return []
    layer = work.scenario.atlas.layer("territory")
    rows = [("territory", int(row)) for state in sorted(states) for row in layer.positions(state)]
    known = work.closed | work.inside
    return [area for area in rows if area not in known]


def _cross_direct(scenario: Scenario, works: Sequence[Work]) -> list[frozenset[AreaKey]]:
    """Airspaces on the direct path of each flight whose plan will tell of them."""
    found: list[set[AreaKey]] = [set() for _ in works]
    asking = [k for k, work in enumerate(works) if needs_direct(work)]
    if asking:
        ends = np.array([works[k].ends_at for k in asking])
        crossings = find_crossings(scenario.atlas, Paths.from_legs(*ends.T))
        names = scenario.atlas.layer_names
        for path, layer, area in zip(
            crossings.path.tolist(), crossings.layer.tolist(), crossings.area.tolist(), strict=True
        ):
            found[asking[path]].add((names[layer], area))
    return [frozenset(areas) for areas in found]


def find_obstacles(scenario: Scenario, plan: Plan) -> frozenset[str]:
    """Rules of a scenario that bar the route of a plan made under other law.

    Advice that the operator obeys, and its own policy, count among them.

    Parameters
    ----------
    scenario : Scenario
        The law to judge by.
    plan : Plan
        With a route.

    Returns
    -------
    frozenset of str
        Rule ids; empty if the route may be flown.
    """
    assert plan.route is not None
    (work,) = _open_works(scenario, [plan.flight], None)
    work.routes, work.stops = _split_legs(scenario, plan), plan.route.stops
    _judge_all([work])
    assert work.judgement is not None
    judged = work.judgement
    decisions = (work.ends[0], *judged.decisions, *judged.stops, judged.landing)
    return frozenset(v.rule.id for decision in decisions for v in work.closing(decision))


def _split_legs(scenario: Scenario, plan: Plan) -> tuple[Route, ...]:
    """The legs of a planned route, cut at its fuel stops."""
    assert plan.route is not None
    route, points = plan.route, plan.route.points
    spots = [scenario.aerodromes[icao] for icao in route.stops]
    found = [int(np.hypot(*(points - [spot.lon, spot.lat]).T).argmin()) for spot in spots]
    cuts = pairwise([0, *found, len(points) - 1])
    return tuple(
        Route(points[first : last + 1], km, route.clearance_nm, 0.0, 0.0)
        for (first, last), km in zip(cuts, route.leg_km, strict=True)
    )
