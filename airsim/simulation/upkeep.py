"""Upkeep: aircraft wear as they fly; checks and parts ground them at the base.

Parts come by channels, and the law of the day says how long that takes: what may be delivered comes
soon, what may not comes late, if at all. A fault found away from the base is carried home.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import simpy

from airsim.law import FlightFacts, Place, Question
from airsim.permission import find_breaches
from airsim.scenario import HOUR_MS, Scenario
from airsim.simulation.state import Aircraft, Grounding, World
from airsim.simulation.streams import open_stream

if TYPE_CHECKING:
    from airsim.operation import Channel, Check, Tail, Upkeep

DAY_MS = 24 * HOUR_MS


@dataclass(slots=True)
class _Wear:
    """How worn one aircraft is: hours flown, what each check is due at, the next fault."""

    hours: float
    due_hours: dict[str, float] = field(default_factory=dict)
    due_ms: dict[str, float] = field(default_factory=dict)
    next_fault: float = float("inf")


class Workshop:
    """The bays of the base, and the wear of each aircraft."""

    def __init__(
        self, env: simpy.Environment, scenario: Scenario, upkeep: Upkeep, world: World
    ) -> None:
        self.env = env
        self.scenario = scenario
        self.upkeep = upkeep
        self.world = world
        self.bays = simpy.Resource(env, upkeep.bays)
        self.wear: dict[str, _Wear] = {}
        self.faults: dict[str, np.random.Generator] = {}

    def enter_service(self, aircraft: Aircraft) -> None:
        """Begin somewhere between two checks: where exactly is drawn for each aircraft."""
        tail = aircraft.tail
        stream = open_stream(self.scenario.options.seed, "wear", tail.registration)
        wear = self.wear[tail.registration] = _Wear(0.0)
        for check in self._checks(tail):
            share = 1.0 - float(stream.random())
            if check.every_hours is not None:
                wear.due_hours[check.name] = share * check.every_hours
            elif check.every_days is not None:
                wear.due_ms[check.name] = self.env.now + share * check.every_days * DAY_MS
        self.faults[tail.registration] = open_stream(
            self.scenario.options.seed, "faults", tail.registration
        )
        self._draw_fault(tail)

    def wear_out(self, aircraft: Aircraft, block_ms: int) -> None:
        """Wear of one flight."""
        self.wear[aircraft.tail.registration].hours += block_ms / HOUR_MS

    def look_after(self, aircraft: Aircraft) -> Generator[simpy.Event, Any, None]:
        """At the base: mend faults, make checks that are due; the aircraft waits for both."""
        tail = aircraft.tail
        wear = self.wear[tail.registration]
        if aircraft.at != self.upkeep.base:
            return
        while wear.hours >= wear.next_fault:
            yield from self._mend(aircraft)
            self._draw_fault(tail)
        for check in self._checks(tail):
            now = self.env.now
            late = wear.hours >= wear.due_hours.get(check.name, float("inf"))
            if late or now >= wear.due_ms.get(check.name, float("inf")):
                yield from self._check(aircraft, check)

    def _checks(self, tail: Tail) -> list[Check]:
        return [check for check in self.upkeep.check if check.serves(tail.typecode)]

    def _draw_fault(self, tail: Tail) -> None:
        """Hours of the next fault: they come without memory, at the rate of the type."""
        rates = [r.per_1000_hours for r in self.upkeep.removal if r.serves(tail.typecode)]
        if rates:
            wear = self.wear[tail.registration]
            gap = float(self.faults[tail.registration].exponential(1000.0 / sum(rates)))
            wear.next_fault = wear.hours + gap

    def _check(self, aircraft: Aircraft, check: Check) -> Generator[simpy.Event, Any, None]:
        wear = self.wear[aircraft.tail.registration]
        start_ms = int(self.env.now)
        with self.bays.request() as bay:
            yield bay
            self._note("check-begins", aircraft, check.name)
            yield self.env.timeout(round(check.takes_hours * HOUR_MS))
        self._note("check-ends", aircraft, check.name)
        if check.every_hours is not None:
            wear.due_hours[check.name] = wear.hours + check.every_hours
        elif check.every_days is not None:
            wear.due_ms[check.name] = self.env.now + check.every_days * DAY_MS
        aircraft.groundings.append(Grounding(start_ms, int(self.env.now), "check", check.name))

    def _mend(self, aircraft: Aircraft) -> Generator[simpy.Event, Any, None]:
        """Wait for a part: by which channel is drawn, how long it takes is the law's to say."""
        tail, start_ms = aircraft.tail, int(self.env.now)
        channel = self._draw_channel(tail)
        rules = find_bars_on_part(self.scenario, tail, channel, start_ms, self.upkeep.base)
        days = channel.barred_days if rules else channel.open_days
        why = f"barred by {' '.join(rules)}" if rules else "not barred"
        self._note("part-ordered", aircraft, f"{channel.name}: {why}, {days:g} days")
        yield self.env.timeout(round(days * DAY_MS))
        self._note("part-arrived", aircraft, channel.name)
        aircraft.groundings.append(
            Grounding(start_ms, int(self.env.now), "parts", channel.name, rules)
        )

    def _draw_channel(self, tail: Tail) -> Channel:
        channels = [c for c in self.upkeep.channel if c.serves(tail.typecode)]
        steps = np.cumsum([channel.share for channel in channels])
        place = float(self.faults[tail.registration].random()) * steps[-1]
        return channels[min(int(np.searchsorted(steps, place, side="right")), len(channels) - 1)]

    def _note(self, event: str, aircraft: Aircraft, detail: str) -> None:
        self.world.note_tail(int(self.env.now), event, aircraft.tail.registration, detail)


def find_bars_on_part(
    scenario: Scenario, tail: Tail, channel: Channel, at_ms: int, base: str
) -> tuple[str, ...]:
    """Rules of a channel's regimes that delivering its part for an aircraft would break."""
    operator = scenario.operators[tail.operator] if tail.operator else None
    state = scenario.aerodromes[base].state
    licensed = operator.state if operator is not None else tail.registered_in
    facts = FlightFacts(
        operator.icao if operator is not None else "", licensed, tail.registered_in,
        tail.owner_state or licensed, licensed, registration=tail.registration,
        typecode=tail.typecode, us_origin=tail.us_origin, item=channel.item, origin_state=state,
        destination_state=state,
    )  # fmt: skip
    question = Question("parts", (Place("territory", state, state),), at_ms, at_ms, facts)
    found = find_breaches(scenario.bound, question)
    return tuple(
        sorted(v.rule.id for v in found if v.truth is True and v.rule.regime in channel.regimes)
    )
