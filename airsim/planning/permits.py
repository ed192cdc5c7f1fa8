"""Whom to ask for permission, and by when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil

from airsim.law import Permit, Rule
from airsim.permission import Outcome
from airsim.planning.types import Plan
from airsim.scenario import Scenario

DAY_MS = 86_400_000
_SATURDAY = 6


@dataclass(frozen=True, slots=True)
class PermitRequest:
    """One permission that a flight needs.

    Parameters
    ----------
    rule : Rule
        That asks for it; its `permit` names the authority.
    status : str
        held (told so), presumed (routine for a scheduled service), to-ask (routine, of a flight
        that is not scheduled), lacking (not to be had by asking alone), or in-the-way (lacking
        for airspace that the flight keeps out of).
    places : tuple of str
        Where: aerodromes, and designators of airspaces.
    ask_by_ms : int or None
        Latest time to ask, UTC milliseconds; None: no lead time is known.
    late : bool
        That time had passed when the flight was planned.
    """

    rule: Rule
    status: str
    places: tuple[str, ...]
    ask_by_ms: int | None
    late: bool

    @property
    def permit(self) -> Permit:
        """What the rule asks for."""
        assert self.rule.permit is not None
        return self.rule.permit


def find_requests(scenario: Scenario, plan: Plan) -> tuple[PermitRequest, ...]:
    """Permissions that a plan rests on or lacks, by rule id.

    Parameters
    ----------
    scenario : Scenario
        The world in which it was made.
    plan : Plan

    Returns
    -------
    tuple of PermitRequest
        Empty if nothing has to be asked.
    """
    found: dict[tuple[str, str], list[str]] = {}
    told = scenario.bound.held | plan.facts.held
    for decision in plan.decisions:
        place = decision.question.places[0].designator
        for verdict in decision.presumed:
            status = "held" if verdict.rule.id in told else "presumed"
            found.setdefault((verdict.rule.id, status), []).append(place)
        for verdict in decision.says(Outcome.NOT_PERMITTED):
            status = "lacking" if verdict in decision.lacking else "to-ask"
            found.setdefault((verdict.rule.id, status), []).append(place)
    for area, decision in plan.obstacles:
        for verdict in decision.lacking:
            key = (verdict.rule.id, "in-the-way")
            found.setdefault(key, []).append(scenario.bound.place(area).designator)
    requests = []
    for (rule_id, status), places in sorted(found.items()):
        rule = scenario.rulebook.by_id[rule_id]
        assert rule.permit is not None
        ask_by_ms = find_deadline(rule.permit, plan.flight.eobt_ms)
        late = ask_by_ms is not None and ask_by_ms < plan.planned_ms
        requests.append(PermitRequest(rule, status, tuple(dict.fromkeys(places)), ask_by_ms, late))
    return tuple(requests)


def find_deadline(permit: Permit, eobt_ms: int) -> int | None:
    """Latest time to ask for a permit, so that its lead time runs before off-block.

    Parameters
    ----------
    permit : Permit
    eobt_ms : int
        UTC milliseconds.

    Returns
    -------
    int or None
        UTC milliseconds; None without a lead time.

    Notes
    -----
    Working days are Mondays to Fridays in UTC, counted whole: holidays, other weekends and the
    authority's hours are not known here, so that asking earlier is wise.
    """
    if permit.lead_time_days is None:
        return None
    if not permit.working_days:
        return eobt_ms - round(permit.lead_time_days * DAY_MS)
    days, at_ms = ceil(permit.lead_time_days), eobt_ms
    while days:
        at_ms -= DAY_MS
        # A day counts if authorities work on it.
        days -= datetime.fromtimestamp(at_ms / 1000, UTC).isoweekday() < _SATURDAY
    return at_ms
