"""Flights that the law keeps on the ground for a time: until when they wait.

What bars a flight may end soon: an aerodrome opens in the morning, a closure runs out. The flight
is planned again for each such moment, and for the departure that lets it arrive at it; the first
that may be flown is waited for. Only what is published by now is known.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from airsim.law import Place, Question, find_changes
from airsim.operation import Flight
from airsim.planning import Plan, plan_flights
from airsim.scenario import Scenario

MINUTE_MS = 60_000
_MOST_TRIED = 8


def plan_at(scenario: Scenario, flight: Flight, start_ms: int, known_ms: int) -> Plan:
    """Plan a flight for another off-block time, on the law published by some moment."""
    options = replace(scenario.options, planning_lead_ms=start_ms - known_ms)
    (plan,) = plan_flights(replace(scenario, options=options), [replace(flight, eobt_ms=start_ms)])
    return plan


def find_openings(scenario: Scenario, plan: Plan, since_ms: int, until_ms: int) -> tuple[int, ...]:
    """Off-block times, soonest first, at which something that bars a flight has just ended.

    Parameters
    ----------
    scenario : Scenario
    plan : Plan
        That may not be flown; its blocking rules are asked when they end.
    since_ms, until_ms : int
        Only times after the first and not after the second, in whole minutes.

    Returns
    -------
    tuple of int
        At departure, and such that the landing falls on it.
    """
    flight, landing = plan.flight, plan.decisions[-1].question
    away_ms = landing.start_ms - flight.eobt_ms
    place = Place("aerodrome", flight.ades, scenario.aerodromes[flight.ades].state)
    span = Question("landing", (place,), since_ms, until_ms + away_ms, plan.facts)
    found: set[int] = set()
    for name in plan.blocking_rules:
        rule = scenario.rulebook.by_id[name]
        for at_ms in find_changes(scenario.rulebook, rule, span):
            found |= {at_ms, at_ms - away_ms}
    whole = {-(-at_ms // MINUTE_MS) * MINUTE_MS for at_ms in found}
    return tuple(sorted(at_ms for at_ms in whole if since_ms < at_ms <= until_ms))


def hold_flight(
    scenario: Scenario, flight: Flight, barred: Plan, since_ms: int, until_ms: int, known_ms: int
) -> Plan | None:
    """The plan of the soonest departure that is open; None if the wait would be too long."""
    for start_ms in find_openings(scenario, barred, since_ms, until_ms)[:_MOST_TRIED]:
        plan = plan_at(scenario, flight, start_ms, known_ms)
        if plan.feasible:
            return plan
    return None


def hold_flights(scenario: Scenario, plans: Iterable[Plan]) -> dict[str, Plan]:
    """Later plans, by flight id, of flights barred for a time, by what is known when planned."""
    limit_ms = scenario.options.longest_hold_ms
    found = {}
    for plan in plans:
        flight = plan.flight
        if plan.feasible or flight.probe:
            continue
        since_ms, until_ms = flight.eobt_ms, flight.eobt_ms + limit_ms
        later = hold_flight(scenario, flight, plan, since_ms, until_ms, plan.planned_ms)
        if later is not None:
            found[flight.flight_id] = later
    return found
