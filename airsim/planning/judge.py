"""Judge a route exactly: each crossing at the time and level it is flown, and the landing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from airsim.airspace import Atlas, Crossings
from airsim.law import FlightFacts, Question, Verdict
from airsim.performance import DEFAULT_POLICY, level_at, time_at
from airsim.permission import AreaKey, BoundRulebook, Decision
from airsim.planning.ends import decide_end, decide_stay, find_home, name_activity
from airsim.planning.types import PlannedCrossing

if TYPE_CHECKING:
    from airsim.planning.work import Work
    from airsim.routing import Route

MINUTE_MS = 60_000
STOP_GROUND_MIN = 60
TAXI_IN_MS = round(DEFAULT_POLICY.taxi_in_min * MINUTE_MS)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the law says of one route.

    Parameters
    ----------
    crossings : tuple of PlannedCrossing
        Airspaces in use that the route really enters, at its levels.
    decisions : tuple of Decision
        One per crossing that some rule speaks of.
    crossed : dict of AreaKey to Decision
        The gravest decision on each area.
    stops : tuple of Decision
        Technical stops, landings and take-offs at fuel stops.
    landing : Decision
        At the destination, knowing what was crossed.
    """

    crossings: tuple[PlannedCrossing, ...]
    decisions: tuple[Decision, ...]
    crossed: dict[AreaKey, Decision]
    stops: tuple[Decision, ...]
    landing: Decision


@dataclass(frozen=True, slots=True, eq=False)
class Leg:
    """One leg of a planned flight: off-block, touch-down, how far from the flight's departure."""

    work: Work
    number: int
    route: Route
    start_ms: int
    start_km: float
    landing_ms: int


def find_landing_ms(start_ms: int, block_min: float) -> int:
    """Touch-down of a leg: on-block less the way to the stand."""
    return start_ms + round(block_min * MINUTE_MS) - TAXI_IN_MS


def list_legs(work: Work) -> list[Leg]:
    """The legs of a flight's present routes, one after the other."""
    legs: list[Leg] = []
    start_ms, start_km = work.start_ms, 0.0
    for number, route in enumerate(work.routes):
        block_min = float(work.block_min(number, route.distance_km))
        landing_ms = find_landing_ms(start_ms, block_min)
        legs.append(Leg(work, number, route, start_ms, start_km, landing_ms))
        start_ms += round((block_min + STOP_GROUND_MIN) * MINUTE_MS)
        start_km += route.distance_km
    return legs


@dataclass(frozen=True, slots=True, eq=False)
class Stays:
    """Crossings of one leg that are in use when and where it enters them, in the order flown."""

    leg: Leg
    rows: tuple[PlannedCrossing, ...]


def time_stays(bound: BoundRulebook, legs: Sequence[Leg], crossings: Crossings) -> list[Stays]:
    """Put times and levels on crossings; drop areas that are not in use or not reached.

    Parameters
    ----------
    bound : BoundRulebook
    legs : sequence of Leg
        Of any flights.
    crossings : Crossings
        Of the routes of the legs, one path each.

    Returns
    -------
    list of Stays
        One per leg. Zones that no rule uses against the flight are still among them.
    """
    leg = crossings.path
    total_km = np.array([one.route.distance_km for one in legs])[leg]
    flown_km = np.array([one.work.flown_km(one.number) for one in legs])[leg]
    ends_km = np.stack([crossings.entry_km, crossings.exit_km])
    # Levels rise, hold and fall: the extremes of a stay are at its ends and nearest to midway.
    spots_km = np.stack([*ends_km, np.clip((total_km - flown_km) / 2, *ends_km)])
    minutes, level_ft = np.empty_like(ends_km), np.empty_like(spots_km)
    types = {one.work.aircraft.typecode: one.work.aircraft for one in legs}
    typecode = np.array([one.work.aircraft.typecode for one in legs])[leg]
    for name, aircraft in types.items():
        mine = np.flatnonzero(typecode == name)
        flown, whole = flown_km[mine], total_km[mine] + flown_km[mine]
        spent = np.where(flown > 0.0, time_at(aircraft, flown, whole), 0.0)
        minutes[:, mine] = time_at(aircraft, ends_km[:, mine] + flown, whole) - spent
        level_ft[:, mine] = level_at(aircraft, spots_km[:, mine] + flown, whole)
    start_ms = np.array([one.start_ms for one in legs], np.int64)[leg]
    entry_ms, exit_ms = start_ms + np.rint(minutes * MINUTE_MS).astype(np.int64)
    low_ft, high_ft = level_ft.min(axis=0), level_ft.max(axis=0)
    limits = bound.limits
    area = limits.first[crossings.layer] + crossings.area
    used = (limits.valid_from_ms[area] <= entry_ms) & (entry_ms < limits.valid_to_ms[area])
    used &= (low_ft < limits.upper_ft[area]) & (high_ft >= limits.lower_ft[area])
    start_km = np.array([one.start_km for one in legs])[leg]
    columns = (
        crossings.layer, crossings.area, start_km + ends_km[0], start_km + ends_km[1], entry_ms,
        exit_ms, low_ft, high_ft,
    )  # fmt: skip
    rows = zip(*(column[used].tolist() for column in columns), strict=True)
    kept = [_make_crossing(bound.atlas, *row) for row in rows]
    bounds = np.searchsorted(leg[used], np.arange(len(legs) + 1)).tolist()
    return [
        Stays(one, tuple(kept[a:b])) for one, (a, b) in zip(legs, pairwise(bounds), strict=True)
    ]


def _make_crossing(atlas: Atlas, code: int, row: int, *figures: Any) -> PlannedCrossing:
    layer = atlas.layers[code]
    return PlannedCrossing(
        layer.name, row, layer.designator[row], layer.title[row], layer.quality[row], *figures
    )


def judge_legs(work: Work, flown: Sequence[Stays]) -> Judgement:
    """Judge all legs of one flight on its present routes."""
    aerodromes = (work.flight.adep, *work.stops, work.flight.ades)
    stays: list[PlannedCrossing] = []
    decisions: list[Decision] = []
    stops: list[Decision] = []
    crossed: dict[AreaKey, Decision] = {}
    states = work.airborne.crossed if work.airborne is not None else frozenset()
    for number, (leg, rows) in enumerate((one.leg, one.rows) for one in flown):
        facts = work.leg_facts(aerodromes, number, states)
        if number:
            stops.append(_end(work, "take-off", aerodromes[number], leg.start_ms, facts))
        home = find_home(work.scenario, facts) if work.stops else work.home
        entered = [stay for stay in rows if stay.layer != "zone" or _concerns(work, home, stay)]
        for area, decision in judge_stays(
            work.scenario.bound, entered, facts, home, work.planned_ms
        ):
            decisions.append(decision)
            if area not in crossed or decision.outcome > crossed[area].outcome:
                crossed[area] = decision
        stays += entered
        states |= {stay.designator for stay in entered if stay.layer == "territory"}
        facts = facts.having_crossed(states)
        ends = ("technical-stop", "landing") if number + 1 < len(flown) else ("landing",)
        stops += [_end(work, a, aerodromes[number + 1], leg.landing_ms, facts) for a in ends]
    landing = stops.pop()
    return Judgement(tuple(stays), tuple(decisions), crossed, tuple(stops), landing)


def _end(work: Work, activity: str, icao: str, at_ms: int, facts: FlightFacts) -> Decision:
    return decide_end(work.scenario, activity, icao, at_ms, facts, work.planned_ms)


def _concerns(work: Work, home: Mapping[AreaKey, str], stay: PlannedCrossing) -> bool:
    """Whether any rule uses a zone against this flight; otherwise it is only an outline."""
    bound, area = work.scenario.bound, (stay.layer, stay.row)
    question = Question(
        name_activity(area, home), bound.spot(area), stay.entry_ms, stay.exit_ms, work.facts,
        stay.lower_ft, stay.upper_ft, work.planned_ms,
    )  # fmt: skip
    return decide_stay(bound, question).speaks


def judge_stays(
    bound: BoundRulebook,
    stays: Iterable[PlannedCrossing],
    facts: FlightFacts,
    home: Mapping[AreaKey, str],
    known_ms: int | None,
) -> list[tuple[AreaKey, Decision]]:
    """Decide on each stay that some rule speaks of, knowing what was crossed before it.

    Parameters
    ----------
    bound : BoundRulebook
    stays : iterable of PlannedCrossing
        In the order flown.
    facts : FlightFacts
        `crossed` holds the territories entered before the first stay.
    home : mapping of AreaKey to str
        Airspaces entered to land or to take off (see `find_home`).
    known_ms : int or None
        Hide rules published later; None: the law in force, published or not.

    Returns
    -------
    list of (AreaKey, Decision)
    """
    found = []
    states = facts.crossed or frozenset()
    known = facts.having_crossed(states)
    for stay in stays:
        if stay.layer == "territory":
            states |= {stay.designator}
        area = (stay.layer, stay.row)
        if bound.rules_on(area, stay.entry_ms):
            if known.crossed != states:
                known = facts.having_crossed(states)
            question = Question(
                name_activity(area, home), bound.spot(area), stay.entry_ms, stay.exit_ms,
                known, stay.lower_ft, stay.upper_ft, known_ms,
            )  # fmt: skip
            found.append((area, decide_stay(bound, question)))
    return found


def history_states(verdicts: Iterable[Verdict]) -> frozenset[str]:
    """States that some of the rules ask to have been crossed."""
    tests = (test for verdict in verdicts for test in verdict.rule.flight)
    return frozenset(state for test in tests for state in test.crossed)
