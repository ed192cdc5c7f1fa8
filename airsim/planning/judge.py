"""Judge a route exactly: each crossing at the time and level it is flown, and the landing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from airsim.airspace import Crossings
from airsim.law import FlightFacts, Question, Verdict, judge_rule
from airsim.performance import level_at
from airsim.permission import AreaKey, BoundRulebook, Decision
from airsim.planning.ends import decide_end, decide_stay, find_home, name_activity
from airsim.planning.types import PlannedCrossing

if TYPE_CHECKING:
    from airsim.planning.work import Work

MINUTE_MS = 60_000
STOP_GROUND_MIN = 60


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
    arrival_ms : int
    """

    crossings: tuple[PlannedCrossing, ...]
    decisions: tuple[Decision, ...]
    crossed: dict[AreaKey, Decision]
    stops: tuple[Decision, ...]
    landing: Decision
    arrival_ms: int


def judge_legs(work: Work, crossings: Crossings, bounds: NDArray[np.intp]) -> Judgement:
    """Judge all legs of one flight; rows ``bounds[i]:bounds[i+1]`` of `crossings` are leg i."""
    aerodromes = (work.flight.adep, *work.stops, work.flight.ades)
    start_ms, start_km = work.start_ms, 0.0
    stays: list[PlannedCrossing] = []
    decisions: list[Decision] = []
    stops: list[Decision] = []
    crossed: dict[AreaKey, Decision] = {}
    states = work.airborne.crossed if work.airborne is not None else frozenset()
    for number, route in enumerate(work.routes):
        facts = replace(work.leg_facts(aerodromes, number), crossed=states)
        if number:
            stops.append(_end(work, "take-off", aerodromes[number], start_ms, facts))
        home = find_home(work.scenario, facts)
        rows = slice(int(bounds[number]), int(bounds[number + 1]))
        leg = _time_leg(work, number, home, crossings, rows, start_ms, start_km)
        for area, decision in judge_stays(work.scenario.bound, leg, facts, home, work.planned_ms):
            decisions.append(decision)
            if area not in crossed or decision.outcome > crossed[area].outcome:
                crossed[area] = decision
        stays += leg
        states |= {stay.designator for stay in leg if stay.layer == "territory"}
        arrival_ms = start_ms + round(float(work.block_min(number, route.distance_km)) * MINUTE_MS)
        facts = replace(facts, crossed=states)
        ends = ("technical-stop", "landing") if number + 1 < len(work.routes) else ("landing",)
        stops += [_end(work, a, aerodromes[number + 1], arrival_ms, facts) for a in ends]
        start_ms = arrival_ms + STOP_GROUND_MIN * MINUTE_MS
        start_km += route.distance_km
    landing = stops.pop()
    return Judgement(tuple(stays), tuple(decisions), crossed, tuple(stops), landing, arrival_ms)


def _end(work: Work, activity: str, icao: str, at_ms: int, facts: FlightFacts) -> Decision:
    return decide_end(work.scenario, activity, icao, at_ms, facts, work.planned_ms)


def _time_leg(
    work: Work, number: int, home: Mapping[AreaKey, str], crossings: Crossings, rows: slice,
    start_ms: int, start_km: float,
) -> list[PlannedCrossing]:  # fmt: skip
    """Put times and levels on the crossings of one leg; drop areas not in use or not reached."""
    ends = np.stack([crossings.entry_km[rows], crossings.exit_km[rows]])
    total_km = work.routes[number].distance_km
    clock = start_ms + np.rint(work.minutes_at(number, ends, total_km) * MINUTE_MS).astype(np.int64)
    flown = work.flown_km(number)
    # Levels rise, hold and fall: the extremes of a stay are at its ends and nearest to midway.
    spots = np.stack([*ends, np.clip((total_km - flown) / 2, *ends)])
    level_ft = level_at(work.aircraft, spots + flown, total_km + flown)
    names = work.scenario.atlas.layer_names
    found = []
    for i, (code, row) in enumerate(
        zip(crossings.layer[rows].tolist(), crossings.area[rows].tolist(), strict=True)
    ):
        layer = work.scenario.atlas.layer(names[code])
        low, high = float(level_ft[:, i].min()), float(level_ft[:, i].max())
        entry_ms, exit_ms = int(clock[0, i]), int(clock[1, i])
        in_use = layer.valid_from_ms[row] <= entry_ms < layer.valid_to_ms[row]
        if not in_use or low >= layer.upper_ft[row] or high < layer.lower_ft[row]:
            continue
        if layer.name == "zone" and not _concerns(work, home, row, entry_ms, exit_ms, low, high):
            continue
        found.append(
            PlannedCrossing(
                layer.name,
                row,
                layer.designator[row],
                layer.title[row],
                layer.quality[row],
                start_km + float(ends[0, i]),
                start_km + float(ends[1, i]),
                entry_ms,
                exit_ms,
                low,
                high,
            )
        )
    return found


def _concerns(
    work: Work, home: Mapping[AreaKey, str], row: int, start_ms: int, end_ms: int,
    lower_ft: float, upper_ft: float,
) -> bool:  # fmt: skip
    """Whether any rule uses a zone against this flight; otherwise it is only an outline."""
    bound, area = work.scenario.bound, ("zone", row)
    question = Question(
        name_activity(area, home), (bound.place(area),), start_ms, end_ms, work.facts, lower_ft,
        upper_ft, work.planned_ms,
    )  # fmt: skip
    return any(
        judge_rule(bound.rulebook, rule, question).truth is not False
        for rule in bound.rules_on(area, start_ms)
    )


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
    states = set(facts.crossed or ())
    for stay in stays:
        if stay.layer == "territory":
            states.add(stay.designator)
        area = (stay.layer, stay.row)
        if bound.rules_on(area, stay.entry_ms):
            question = Question(
                name_activity(area, home), (bound.place(area),), stay.entry_ms, stay.exit_ms,
                replace(facts, crossed=frozenset(states)), stay.lower_ft, stay.upper_ft, known_ms,
            )  # fmt: skip
            found.append((area, decide_stay(bound, question)))
    return found


def history_states(verdicts: Iterable[Verdict]) -> frozenset[str]:
    """States that some of the rules ask to have been crossed."""
    tests = (test for verdict in verdicts for test in verdict.rule.flight)
    return frozenset(state for test in tests for state in test.crossed)
