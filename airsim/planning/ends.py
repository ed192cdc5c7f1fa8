"""Take-off and landing: judged at the aerodrome and in every airspace around it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from airsim.airspace import locate_points
from airsim.law import FlightFacts, Place, Question
from airsim.permission import AreaKey, Decision, decide
from airsim.scenario import Scenario


class AerodromePlaces:
    """Which airspaces stand over each of some aerodromes."""

    def __init__(self, scenario: Scenario, icaos: Iterable[str]) -> None:
        self.scenario = scenario
        names = sorted(icaos)
        spots = [scenario.aerodromes[name] for name in names]
        lon = np.array([spot.lon for spot in spots])
        lat = np.array([spot.lat for spot in spots])
        self._areas: dict[str, list[AreaKey]] = {name: [] for name in names}
        for layer in scenario.atlas.layer_names:
            start, rows = locate_points(scenario.atlas, layer, lon, lat)
            for i, name in enumerate(names):
                self._areas[name] += [(layer, int(row)) for row in rows[start[i] : start[i + 1]]]

    def find(self, icao: str, at_ms: int) -> tuple[Place, ...]:
        """The aerodrome itself and every airspace over it that is valid and reaches the ground.

        The aerodrome's State stands in for a territory that does not quite reach it (islands and
        airfields built into the sea).
        """
        bound, state = self.scenario.bound, self.scenario.aerodromes[icao].state
        found = [Place("aerodrome", icao, state)]
        for name, row in self._areas[icao]:
            layer = self.scenario.atlas.layer(name)
            valid = layer.valid_from_ms[row] <= at_ms < layer.valid_to_ms[row]
            if valid and layer.lower_ft[row] <= 0:
                found.append(bound.place((name, row)))
        if state and not any(place.layer == "territory" for place in found):
            rows = self.scenario.atlas.layer("territory").positions(state)
            found += [bound.place(("territory", int(row))) for row in rows[:1]]
        return tuple(found)


def decide_end(
    scenario: Scenario,
    places: AerodromePlaces,
    activity: str,
    icao: str,
    at_ms: int,
    facts: FlightFacts,
    known_ms: int | None,
) -> Decision:
    """Decide on a take-off, landing or technical stop."""
    where = places.find(icao, at_ms)
    question = Question(activity, where, at_ms, at_ms, facts, 0.0, 0.0, known_ms)
    return decide(scenario.bound, question)
