"""What was really flown: the parts of each plan, the airspaces entered, the fuel burnt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from airsim.performance import burn_fuel, payload_for_seats
from airsim.planning import Plan, PlannedCrossing
from airsim.scenario import Scenario
from airsim.simulation.state import FlightRecord

MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Part:
    """Part of a plan that was flown: until a moment and a place on it, or to its end."""

    plan: Plan
    shift_ms: int
    until_ms: int | None
    until_km: float


@dataclass(frozen=True, slots=True)
class FlownStay:
    """A stay on a plan, by its number: whether it was entered on it, and how much was flown."""

    plan: int
    stay: PlannedCrossing
    entered: bool
    km: float | None
    minutes: float | None


def list_parts(record: FlightRecord) -> list[Part]:
    """Parts of a flight by plan, in order; nothing if it did not fly."""
    if record.landing_ms is None:
        return []
    found = [Part(s.plan, s.shift_ms, s.until_ms, s.km) for s in record.behind]
    if record.ended:
        return found
    route = record.current.route
    assert route is not None
    return [*found, Part(record.current, record.shift_ms, None, route.distance_km)]


def list_flown_stays(record: FlightRecord) -> Iterator[FlownStay]:
    """Stays of every plan that was flown, as far as they were; those of later plans never begun."""
    for number, part in enumerate(list_parts(record)):
        since_ms = part.plan.airborne.at_ms if part.plan.airborne is not None else None
        for stay in part.plan.crossings:
            entry_ms, exit_ms = stay.entry_ms + part.shift_ms, stay.exit_ms + part.shift_ms
            begun = part.until_ms is None or entry_ms < part.until_ms
            if not begun:
                yield FlownStay(number, stay, False, 0.0, 0.0)
                continue
            until_ms = exit_ms if part.until_ms is None else min(exit_ms, part.until_ms)
            km = max(0.0, min(stay.exit_km, part.until_km) - stay.entry_km)
            entered = stay.entry_ms != since_ms
            yield FlownStay(number, stay, entered, km, (until_ms - entry_ms) / MINUTE_MS)


def list_hops(record: FlightRecord) -> list[tuple[float, float]]:
    """From take-off to landing: kilometres that fuel was loaded for, and kilometres flown."""
    hops = []
    for part in list_parts(record):
        route, position = part.plan.route, part.plan.airborne
        assert route is not None
        end_km = 0.0
        for leg, km in enumerate(route.leg_km):
            end_km += km
            if part.until_ms is not None and end_km > part.until_km:
                break  # the rest of this hop is flown on the next plan
            if leg == 0 and position is not None:
                hops.append((position.loaded_km, position.flown_km + km))
            else:
                hops.append((km, km))
    return hops


def find_fuel(
    scenario: Scenario, records: Iterable[FlightRecord]
) -> dict[str, tuple[float, float]]:
    """Kilograms burnt by each flight that flew, and left at its landing with the least."""
    rows = [
        (plan.facts.typecode or "", plan.facts.seats, record.flight.flight_id, loaded, flown)
        for record in records
        for plan in (record.current,)
        for loaded, flown in list_hops(record)
    ]
    rows.sort(key=lambda row: row[0])
    found: dict[str, tuple[float, float]] = {}
    for typecode, group in groupby(rows, key=lambda row: row[0]):
        same = list(group)
        aircraft = scenario.types[typecode]
        seats = [aircraft.seats_typical if row[1] is None else row[1] for row in same]
        used, left = burn_fuel(
            aircraft,
            np.array([row[3] for row in same]),
            np.array([row[4] for row in same]),
            payload_for_seats(aircraft, seats),
        )
        for row, burnt, rest in zip(same, used.tolist(), left.tolist(), strict=True):
            before = found.get(row[2], (0.0, float("inf")))
            found[row[2]] = (before[0] + burnt, min(before[1], rest))
    return found
