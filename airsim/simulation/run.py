"""Let time run: flights wait for aircraft, fly, and meet the law in force."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import replace
from typing import Any

import simpy

from airsim.base import format_instant
from airsim.law import Question
from airsim.operation import Flight
from airsim.permission import Outcome, decide
from airsim.planning import Plan, plan_flights
from airsim.scenario import HOUR_MS, Scenario
from airsim.simulation.state import Aircraft, FlightRecord, World, position_fleet

MINUTE_MS = 60_000
# How long a flight waits for an aircraft of its own type, then for any; then it is cancelled.
OWN_TYPE_WAIT_MS = 2 * HOUR_MS
LONGEST_WAIT_MS = 6 * HOUR_MS
_TAKE_OFF_AFTER_MS = 10 * MINUTE_MS

Process = Generator[simpy.Event, Any, None]


def simulate(scenario: Scenario, *, progress: Callable[[int, int], None] | None = None) -> World:
    """Run a scenario.

    Parameters
    ----------
    scenario : Scenario
    progress : callable, optional
        Called with (done, total) while flights are planned.

    Returns
    -------
    World
        Records by flight id and the log, in time order.
    """
    plans = plan_flights(scenario, scenario.flights, progress=progress)
    # A rehearsal finds out which tail each flight gets, so that all tails can be planned for in
    # one batch; the run itself plans again only where a tail comes out differently.
    rehearsal = _Run(scenario, plans, {})
    rehearsal.start()
    tailed = [r.flight for r in rehearsal.world.records.values() if r.registration]
    prepared = {
        (plan.flight.flight_id, plan.flight.registration or ""): plan
        for plan in plan_flights(scenario, tailed, progress=progress)
    }
    run = _Run(scenario, plans, prepared)
    run.start()
    run.world.log.sort(key=lambda event: event.time_ms)
    return run.world


class _Run:
    """Binds the processes of one run to its scenario and world."""

    def __init__(
        self,
        scenario: Scenario,
        plans: Iterable[Plan],
        prepared: Mapping[tuple[str, str], Plan],
    ) -> None:
        self.scenario = scenario
        self.world = World({p.flight.flight_id: FlightRecord(p.flight, p) for p in plans})
        self.prepared = prepared
        self.env = simpy.Environment(initial_time=self._first_ms())
        self.ramp = simpy.FilterStore(self.env)

    def _first_ms(self) -> int:
        lead = self.scenario.options.planning_lead_ms
        return min(
            (record.flight.eobt_ms - lead for record in self.world.records.values()),
            default=self.scenario.start_ms,
        )

    def start(self) -> None:
        """Create the processes in (EOBT, id) order, so that ties break the same way always."""
        flown = [f for f in self.scenario.flights if not f.probe]
        active = [t for t in self.scenario.fleet if t.status in ("active", "")]
        for aircraft in position_fleet(active, flown):
            self.ramp.put(aircraft)
            self.world.note(
                int(self.env.now), "positioned", None,
                f"{aircraft.tail.registration} {aircraft.tail.typecode} at {aircraft.at}",
            )  # fmt: skip
        for record in self.world.records.values():
            self.env.process(self._fly(record))
        self.env.run()

    def note(self, event: str, record: FlightRecord, detail: str = "") -> None:
        """Log at the present moment."""
        self.world.note(int(self.env.now), event, record, detail)

    def _fly(self, record: FlightRecord) -> Process:
        flight = record.flight
        yield self.env.timeout(max(0, record.plan.planned_ms - int(self.env.now)))
        self.note("planned", record, f"{record.plan.outcome}: {record.plan.reason}")
        if flight.probe:
            record.status = "probe"
            return
        if not record.plan.feasible:
            record.status = "cancelled"
            self.note("cancelled", record, " ".join(record.plan.blocking_rules))
            return
        yield self.env.timeout(flight.eobt_ms - int(self.env.now))
        aircraft: Aircraft | None = None
        if self.scenario.fleet:
            aircraft = yield from self._find_aircraft(record)
            if aircraft is None:
                record.status = "cancelled"
                self.note("cancelled", record, f"no aircraft at {flight.adep}")
                return
            self._take_aircraft(record, aircraft)
        yield from self._leg(record)
        if aircraft is not None:
            aircraft.at = flight.ades
            yield self.env.timeout(self.scenario.options.minimum_turn_ms)
            yield self.ramp.put(aircraft)

    def _find_aircraft(self, record: FlightRecord) -> Generator[simpy.Event, Any, Aircraft | None]:
        """A free aircraft of the planned type, later of any type that can fly the route."""
        flight = record.flight

        def own(aircraft: Aircraft) -> bool:
            fixed = flight.registration
            named = not fixed or aircraft.tail.registration == fixed
            return (
                named and aircraft.at == flight.adep and aircraft.tail.typecode == flight.typecode
            )

        def other(aircraft: Aircraft) -> bool:
            return not flight.registration and aircraft.at == flight.adep

        for suitable, wait in (
            (own, OWN_TYPE_WAIT_MS),
            (other, LONGEST_WAIT_MS - OWN_TYPE_WAIT_MS),
        ):
            request = self.ramp.get(suitable)
            # Aircraft standing on the ramp are handed over at once, before the clock moves.
            yield request | self.env.timeout(wait)
            if request.triggered:
                return request.value
            request.cancel()
        return None

    def _take_aircraft(self, record: FlightRecord, aircraft: Aircraft) -> None:
        """Plan again for the tail: rules that list registrations, another type's range."""
        tail = aircraft.tail
        record.registration = tail.registration
        flight = replace(record.flight, registration=tail.registration, typecode=tail.typecode)
        plan = self.prepared.get((flight.flight_id, tail.registration))
        if plan is None and self.prepared:
            (plan,) = plan_flights(self.scenario, [flight])
        if tail.typecode != record.flight.typecode:
            self.note("type-changed", record, f"{record.flight.typecode} to {tail.typecode}")
        record.plan = plan or record.plan
        record.flight = flight

    def _leg(self, record: FlightRecord) -> Process:
        plan = record.plan
        if plan.route is None:
            record.status = "cancelled"
            self.note("cancelled", record, f"tail {record.registration}: {plan.reason}")
            return
        record.off_block_ms = int(self.env.now)
        late_ms = record.off_block_ms - record.flight.eobt_ms
        self.note("off-block", record, f"{late_ms // MINUTE_MS} min late" if late_ms else "")
        for at_ms, event, detail in self._milestones(record, plan, late_ms):
            yield self.env.timeout(max(0, at_ms - int(self.env.now)))
            if event == "airspace-entry":
                self._meet(record, int(detail), late_ms)
            else:
                self.note(event, record, detail)
        record.status = "flown"

    def _milestones(
        self, record: FlightRecord, plan: Plan, late_ms: int
    ) -> Iterable[tuple[int, str, str]]:
        """What happens on the way, in time order."""
        route = plan.route
        assert route is not None and record.off_block_ms is not None
        stamps: list[tuple[int, int, str, str]] = []
        legs = list(zip(route.leg_start_ms, route.leg_block_min, strict=True))
        ends = [*route.stops, record.flight.ades]
        for number, (start_ms, block_min) in enumerate(legs):
            out_ms = start_ms + late_ms + _TAKE_OFF_AFTER_MS
            in_ms = start_ms + late_ms + round(block_min * MINUTE_MS)
            stamps.append((out_ms, 0, "take-off", ""))
            stamps.append((in_ms, 2, "landing", ends[number]))
            if number == 0:
                record.take_off_ms = out_ms
            record.landing_ms = in_ms
        stamps += [
            (stay.entry_ms + late_ms, 1, "airspace-entry", str(number))
            for number, stay in enumerate(plan.crossings)
        ]
        return [(at_ms, event, detail) for at_ms, _, event, detail in sorted(stamps)]

    def _meet(self, record: FlightRecord, number: int, late_ms: int) -> None:
        """Judge a crossing again by the law in force as it is entered."""
        stay = record.plan.crossings[number]
        bound = self.scenario.bound
        area = (stay.layer, stay.row)
        self.note("airspace-entry", record, f"{stay.layer} {stay.designator}")
        rules = bound.rules_on(area, stay.entry_ms + late_ms)
        if not rules:
            return
        crossed = frozenset(
            s.designator for s in record.plan.crossings[: number + 1] if s.layer == "territory"
        )
        question = Question(
            "overflight", (bound.place(area),), stay.entry_ms + late_ms, stay.exit_ms + late_ms,
            replace(record.plan.facts, crossed=crossed), stay.lower_ft, stay.upper_ft,
        )  # fmt: skip
        decision = decide(bound, question, rules=rules)
        record.met.append(decision)
        if decision.outcome is Outcome.FORBIDDEN:
            names = " ".join(decision.rules)
            starts = min(v.rule.when.start[0] for v in decision.verdicts)
            self.note(
                "closed-in-flight" if starts > record.plan.planned_ms else "entered-closed",
                record,
                f"{stay.designator} by {names}, in force from {format_instant(starts)}: "
                "flown although forbidden",
            )


def flights_of(world: World) -> tuple[Flight, ...]:
    """Flights as they were dispatched, in (EOBT, id) order."""
    return tuple(record.flight for record in world.records.values())
