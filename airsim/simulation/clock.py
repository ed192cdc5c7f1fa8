"""The second clock: what was planned is asked again, under the law of a later moment.

A plan keeps the questions that it answered. To ask them again needs only their times moved by the
delay, and to forget, or to move, the date by which the law had to be known.
"""

from __future__ import annotations

from typing import NamedTuple

from airsim.base import format_instant
from airsim.law import Question
from airsim.performance import DEFAULT_POLICY
from airsim.permission import Decision, Outcome
from airsim.planning import TAXI_IN_MS, Plan, decide_stay, find_landing_ms
from airsim.scenario import Scenario
from airsim.simulation.state import FlightRecord

MINUTE_MS = 60_000
# As the profile has it by which crossings are timed: nothing is entered before take-off.
TAKE_OFF_AFTER_MS = round(DEFAULT_POLICY.taxi_out_min * MINUTE_MS)


class Moment(NamedTuple):
    """Something that happens on the way: an event, or a question to ask again."""

    at_ms: int
    event: str = ""
    detail: str = ""
    planned: Decision | None = None


def list_moments(plan: Plan, shift_ms: int) -> list[Moment]:
    """What happens on the way if everything planned is moved by one span, in time order."""
    route = plan.route
    assert route is not None
    found: list[tuple[int, Moment]] = []
    # what a plan made in the air begins with has happened already
    since_ms = plan.airborne.at_ms if plan.airborne is not None else None
    ends = (*route.stops, plan.flight.ades)
    for start_ms, block_min, end in zip(route.leg_start_ms, route.leg_block_min, ends, strict=True):
        out_ms = start_ms + shift_ms + TAKE_OFF_AFTER_MS
        down_ms = find_landing_ms(start_ms + shift_ms, block_min)
        if start_ms != since_ms:
            found.append((0, Moment(out_ms, "take-off")))
        found.append((2, Moment(down_ms, "landing", end)))
        found.append((2, Moment(down_ms + TAXI_IN_MS, "on-block", end)))
    found += [
        (1, Moment(s.entry_ms + shift_ms, "airspace-entry", f"{s.layer} {s.designator}"))
        for s in plan.crossings
        if s.entry_ms != since_ms
    ]
    found += [
        (3, Moment(planned.question.start_ms + shift_ms, planned=planned))
        for planned in plan.decisions
        if since_ms is None or planned.question.start_ms > since_ms
    ]
    # Sorting is stable: what happens at once stays in the order planned.
    return [moment for _, moment in sorted(found, key=lambda item: (item[1].at_ms, item[0]))]


def find_stand(plan: Plan, shift_ms: int, now_ms: int) -> int | None:
    """Leg before whose take-off a flight stands on the ground; None if it is in the air."""
    route = plan.route
    assert route is not None
    landed_ms: float = float("-inf") if plan.airborne is None else float("inf")
    for leg, (start_ms, block_min) in enumerate(
        zip(route.leg_start_ms, route.leg_block_min, strict=True)
    ):
        if landed_ms < now_ms <= start_ms + shift_ms + TAKE_OFF_AFTER_MS:
            return leg
        landed_ms = find_landing_ms(start_ms + shift_ms, block_min)
    return None


def ask_again(
    scenario: Scenario, planned: Decision, shift_ms: int, known_ms: int | None
) -> Decision:
    """Decide on the question of a plan, later; `known_ms` None: by the law in force."""
    asked = planned.question
    question = Question(
        asked.activity, asked.places, asked.start_ms + shift_ms, asked.end_ms + shift_ms,
        asked.facts, asked.lower_ft, asked.upper_ft, known_ms,
    )  # fmt: skip
    return decide_stay(scenario.bound, question)


def reveal(planned: Decision) -> Decision:
    """The same decision on the question without a date by which the law had to be known."""
    asked = planned.question
    question = Question(
        asked.activity, asked.places, asked.start_ms, asked.end_ms, asked.facts, asked.lower_ft,
        asked.upper_ft,
    )  # fmt: skip
    return planned.about(question)


def find_bars(decision: Decision) -> set[str]:
    """Rules that keep a flight from doing it: prohibitions, doubts, permits lacking in kind."""
    verdicts = (
        *decision.says(Outcome.FORBIDDEN), *decision.says(Outcome.UNKNOWN), *decision.lacking,
    )  # fmt: skip
    return {verdict.rule.id for verdict in verdicts}


def describe_where(decision: Decision) -> str:
    """The activity and the place of a decision."""
    question = decision.question
    return f"{question.activity} {question.places[0].designator}"


def describe_surprise(
    record: FlightRecord, planned: Decision, met: Decision
) -> tuple[str, str] | None:
    """Event and detail for the log where the law in force says other than was planned on."""
    if met.outcome < Outcome.UNKNOWN or (met.outcome, met.rules) == (
        planned.outcome, planned.rules,
    ):  # fmt: skip
        return None
    said = f"{describe_where(met)} by {' '.join(met.rules)}"
    if met.outcome is Outcome.UNKNOWN:
        missing = sorted({fact for verdict in met.verdicts for fact in verdict.missing})
        return "flown-unknown", f"{said}: unknown for want of {', '.join(missing)}"
    if met.outcome is Outcome.NOT_PERMITTED:
        return "flown-without-permit", f"{said}: permit lacking"
    assert record.off_block_ms is not None
    starts = min(verdict.rule.when.start[0] for verdict in met.verdicts)
    published = min(verdict.rule.when.published_ms for verdict in met.verdicts)
    at_end = met.question.places[0].layer == "aerodrome"
    event = "barred-end" if at_end else "entered-closed"
    if starts > record.off_block_ms:
        event = "closed-in-flight"
    elif published > record.plan.planned_ms:
        event = "closed-before-departure"
    return event, f"{said}, in force from {format_instant(starts)}: flown although forbidden"
