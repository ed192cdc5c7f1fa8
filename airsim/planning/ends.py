"""Take-off and landing: judged at the aerodrome and in every airspace around it."""

from __future__ import annotations

from airsim.law import FlightFacts, Place, Question
from airsim.permission import Decision, decide
from airsim.scenario import Scenario


def find_places(scenario: Scenario, icao: str, at_ms: int) -> tuple[Place, ...]:
    """The aerodrome itself and every airspace over it that is valid and reaches the ground.

    The aerodrome's State stands in for a territory that does not quite reach it (islands and
    airfields built into the sea).
    """
    bound, state = scenario.bound, scenario.aerodromes[icao].state
    found = [Place("aerodrome", icao, state)]
    for name, row in scenario.areas_over[icao]:
        layer = scenario.atlas.layer(name)
        valid = layer.valid_from_ms[row] <= at_ms < layer.valid_to_ms[row]
        if valid and layer.lower_ft[row] <= 0:
            found.append(bound.place((name, row)))
    if state and not any(place.layer == "territory" for place in found):
        rows = scenario.atlas.layer("territory").positions(state)
        found += [bound.place(("territory", int(row))) for row in rows[:1]]
    return tuple(found)


def decide_end(
    scenario: Scenario,
    activity: str,
    icao: str,
    at_ms: int,
    facts: FlightFacts,
    known_ms: int | None,
) -> Decision:
    """Decide on a take-off, landing or technical stop."""
    where = find_places(scenario, icao, at_ms)
    question = Question(activity, where, at_ms, at_ms, facts, 0.0, 0.0, known_ms)
    return decide(scenario.bound, question)
