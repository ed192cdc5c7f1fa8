"""After a diversion or a return: the aircraft flies on, or home, or waits where it is.

On to where it was bound, with everybody aboard, if it comes in time for the next flight from there;
else home to the base, empty. Both are planned like any flight, under the law published by then: if
neither may be flown, it waits and asks again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from airsim.operation import Flight
from airsim.planning import Plan
from airsim.scenario import Scenario
from airsim.simulation.holding import hold_flight, plan_at
from airsim.simulation.state import Aircraft, FlightRecord

# What follows from a way on or home: told with the results of any run in which it happened.
RETRY_MS = 12 * 3_600_000


def is_astray(aircraft: Aircraft, record: FlightRecord, base: str) -> bool:
    """Whether an aircraft stands where its timetable does not have it."""
    return record.status in ("returned", "diverted") and aircraft.at != base


def plan_ferry(
    scenario: Scenario, record: FlightRecord, aircraft: Aircraft, *, base: str, number: int,
    now_ms: int, due_ms: int | None,
) -> Plan | None:  # fmt: skip
    """The way on or home, soonest after now.

    Parameters
    ----------
    scenario : Scenario
    record : FlightRecord
        What ended elsewhere.
    aircraft : Aircraft
        Where it stands, turned round.
    base : str
    number : int
        Which attempt of this flight it is: it becomes part of its name.
    now_ms : int
    due_ms : int or None
        By when it must be ready where it was bound; None: nobody waits for it there.

    Returns
    -------
    Plan or None
        None if neither may be flown within the longest wait.
    """
    turn_ms, hold_ms = scenario.options.minimum_turn_ms, scenario.options.longest_hold_ms
    for flight in _list_ways(record, aircraft, base, number, now_ms, due_ms):
        plan: Plan | None = plan_at(scenario, flight, now_ms, now_ms)
        assert plan is not None
        if not plan.feasible:
            plan = hold_flight(scenario, flight, plan, now_ms, now_ms + hold_ms, now_ms)
        in_time = plan is not None and (
            due_ms is None
            or flight.ades == base
            or plan.decisions[-1].question.start_ms + turn_ms <= due_ms
        )
        if in_time:
            return plan
    return None


def _list_ways(
    record: FlightRecord, aircraft: Aircraft, base: str, number: int, now_ms: int,
    due_ms: int | None,
) -> Iterator[Flight]:  # fmt: skip
    flight = record.flight
    here = replace(
        flight, flight_id=f"{flight.flight_id}-F{number}", adep=aircraft.at, eobt_ms=now_ms,
        sta_ms=now_ms, typecode=aircraft.tail.typecode, registration=aircraft.tail.registration,
    )  # fmt: skip
    if flight.ades not in (aircraft.at, base) and due_ms is not None:
        yield here
    told = flight.circumstances
    # the permits of the flight that it ends are taken to cover the way home
    empty = replace(
        told, items=(), held=told.held | frozenset(record.plan.permits),
        facts=tuple(sorted({**dict(told.facts), "seats": 0}.items())),
    )  # fmt: skip
    onward = flight.ades == base
    yield (
        here
        if onward
        else replace(here, ades=base, scheduled=False, service="ferry", circumstances=empty)
    )


def find_due(
    records: Iterable[FlightRecord], record: FlightRecord, typecode: str, longest_wait_ms: int
) -> int | None:
    """Until when the next flight from where one was bound waits for an aircraft; None: no flight.

    It is the first of that type that has not left nor been cancelled.
    """
    waiting = [
        other.flight.eobt_ms
        for other in records
        if other.status == "planned" and not other.registration and not other.flight.probe
        and other.flight.adep == record.flight.ades and other.flight.typecode == typecode
        and other.flight.eobt_ms >= record.flight.eobt_ms
    ]  # fmt: skip
    return min(waiting) + longest_wait_ms if waiting else None
