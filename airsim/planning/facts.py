"""From a flight to the facts the law asks about; what was not given is assumed, and said."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from airsim.law import FlightFacts
from airsim.operation import Flight, state_of_registration
from airsim.scenario import Scenario

# Used only where neither flight, operator nor tail names a type; said under `assumed`.
REFERENCE_TYPE = "B738"


def choose_type(scenario: Scenario, flight: Flight) -> tuple[str, list[str]]:
    """Aircraft type of a flight, and what had to be assumed for it.

    The flight's own; else its tail's; else the commonest of the timetable of that date on its
    city pair, or of the operator; else a reference narrow-body.
    """
    if flight.typecode:
        return flight.typecode, []
    tails = {tail.registration: tail.typecode for tail in scenario.fleet}
    if flight.registration in tails:
        return tails[flight.registration], []
    day = datetime.fromtimestamp(flight.eobt_ms / 1000, UTC).date()
    row = sorted(
        service.typecode
        for service in scenario.services
        if (service.operator, service.adep, service.ades)
        == (flight.operator, flight.adep, flight.ades)
        and service.valid_from <= day <= service.valid_to
    )
    if row:
        typecode = max(row, key=row.count)
        return typecode, [f"typecode={typecode} (timetable)"]
    default = scenario.operators[flight.operator].default_type
    if default in scenario.types:
        return default, [f"typecode={default} (operator's commonest)"]
    return REFERENCE_TYPE, [f"typecode={REFERENCE_TYPE} (no type known for the operator)"]


def make_facts(scenario: Scenario, flight: Flight) -> tuple[FlightFacts, tuple[str, ...]]:
    """Facts about a flight before it has a route.

    Parameters
    ----------
    scenario : Scenario
    flight : Flight
        Codes known to the scenario.

    Returns
    -------
    facts : FlightFacts
    assumed : tuple of str
        ``key=value (why)`` for every fact that was not given.
    """
    operator = scenario.operators[flight.operator]
    typecode, assumed = choose_type(scenario, flight)
    tail = next((t for t in scenario.fleet if t.registration == flight.registration), None)
    if flight.registration:
        registered_in = tail.registered_in if tail else state_of_registration(flight.registration)
    else:
        registered_in = operator.state
        assumed.append(f"registered_in={registered_in} (operator's State)")
    owned_in = tail.owner_state if tail and tail.owner_state else operator.owner_state
    if not owned_in:
        owned_in = operator.state
        assumed.append(f"owned_in={owned_in} (operator's State)")
    controlled_in = operator.controller_state
    if not controlled_in:
        controlled_in = operator.state
        assumed.append(f"controlled_in={controlled_in} (operator's State)")
    assumed += ["chartered_in=none", "marketed_in=none", "designated=none"]
    decided_in = ""
    if not flight.scheduled:
        decided_in = operator.state
        assumed.append(f"decided_in={decided_in} (operator's State)")
    us_origin = tail.us_origin if tail else scenario.types[typecode].us_origin
    seats = tail.seats if tail and tail.seats else _usual_seats(scenario, flight, typecode)
    if not tail:
        assumed.append(f"seats={seats} (usual for the type)")
    told = flight.circumstances
    facts = FlightFacts(
        operator.icao, operator.state, registered_in or None, owned_in, controlled_in,
        registration=flight.registration or None, typecode=typecode, seats=seats,
        us_origin=us_origin, scheduled=flight.scheduled, service=flight.service,
        origin=flight.adep, destination=flight.ades,
        origin_state=scenario.aerodromes[flight.adep].state,
        destination_state=scenario.aerodromes[flight.ades].state,
        # Nobody files after leaving, whatever is known by hindsight.
        filed_ms=flight.eobt_ms - max(0, scenario.options.planning_lead_ms),
        item=told.items[0] if len(told.items) == 1 else None,
        status=told.status, decided_in=decided_in, derogations=told.derogations, held=told.held,
        refused=told.refused,
    )  # fmt: skip
    given: dict[str, Any] = dict(told.facts)
    kept = tuple(text for text in assumed if text.partition("=")[0] not in given)
    return replace(facts, **given), kept


def _usual_seats(scenario: Scenario, flight: Flight, typecode: str) -> int:
    """Seats of the operator's own aircraft of a type (the median); else the type's typical."""
    fitted = sorted(
        tail.seats
        for tail in scenario.fleet
        if tail.typecode == typecode and tail.seats and tail.operator in ("", flight.operator)
    )
    return fitted[len(fitted) // 2] if fitted else scenario.types[typecode].seats_typical
