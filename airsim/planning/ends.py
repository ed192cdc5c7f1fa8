"""Take-off and landing: judged at the aerodrome and in every airspace around it.

Whoever lands in a State, or takes off there, does not fly across it: the privilege of overflight
is to fly across a territory without landing (Air Services Transit Agreement, Article I, section
1), and entering to land is part of landing. So a ban on overflight alone closes neither the State
of departure nor that of destination, nor the region and the zones around either aerodrome.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import replace

from airsim.law import FlightFacts, Place, Question, Rule
from airsim.permission import AreaKey, BoundRulebook, Decision, find_candidates, recall_decision
from airsim.scenario import Scenario


def find_places(scenario: Scenario, icao: str, at_ms: int) -> tuple[Place, ...]:
    """The aerodrome itself and every airspace over it that is valid and reaches the ground.

    The aerodrome's State stands in for a territory that does not quite reach it (islands and
    airfields built into the sea).
    """
    bound = scenario.bound
    key = ("places", id(bound), icao, bisect_right(bound.area_changes, at_ms))
    known: tuple[BoundRulebook, tuple[Place, ...]] | None = scenario.memory.get(key)
    if known is None:
        # With the law that it belongs to, whose address is part of its name.
        known = scenario.memory[key] = (bound, _look_around(scenario, icao, at_ms))
    return known[1]


def _look_around(scenario: Scenario, icao: str, at_ms: int) -> tuple[Place, ...]:
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
    return recall_decision(scenario.bound, question)


def find_home(scenario: Scenario, facts: FlightFacts) -> dict[AreaKey, str]:
    """Airspaces that a flight enters to land or to take off, and which of the two.

    The State's whole territory, and the region and the zones around the aerodrome that reach the
    ground. Of a domestic flight they are those of its landing: the take-off is judged by itself.
    """
    found: dict[AreaKey, str] = {}
    territory = scenario.atlas.layer("territory")
    for activity, icao, state in (
        ("take-off", facts.origin, facts.origin_state),
        ("landing", facts.destination, facts.destination_state),
    ):
        around = [
            area
            for area in scenario.areas_over[icao]
            if scenario.atlas.layer(area[0]).lower_ft[area[1]] <= 0
        ]
        rows = territory.positions(state) if state else ()
        found |= dict.fromkeys((*around, *(("territory", int(row)) for row in rows)), activity)
    return found


def name_activity(area: AreaKey, home: Mapping[AreaKey, str]) -> str:
    """What a flight does in an airspace: overflight, unless it is there to land or take off."""
    return home.get(area, "overflight")


def list_candidates(bound: BoundRulebook, question: Question) -> list[Rule]:
    """Rules that may speak of an act at an aerodrome, or of a stay in one airspace.

    On the way, what concerns aerodromes alone is not asked.
    """
    if question.places[0].layer == "aerodrome":
        return find_candidates(bound, question)
    return find_candidates(bound, replace(question, activity="overflight"))


def decide_stay(bound: BoundRulebook, question: Question) -> Decision:
    """Decide on an act at an aerodrome, or on a stay in one airspace."""
    heard = None if question.places[0].layer == "aerodrome" else "overflight"
    return recall_decision(bound, question, heard=heard)
