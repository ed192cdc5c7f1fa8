"""Let time run: flights wait for aircraft, fly, and meet the law in force."""

from __future__ import annotations

import gc
from bisect import bisect_right
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from itertools import accumulate
from typing import Any, cast

import simpy

from airsim.base import OPEN_TO, format_instant
from airsim.law import Question
from airsim.operation import Tail
from airsim.performance import fly, payload_for_seats
from airsim.permission import Decision, Outcome
from airsim.planning import TAXI_IN_MS, Plan, plan_flights
from airsim.scenario import HOUR_MS, Scenario
from airsim.simulation.airborne import cut_line, find_position, react
from airsim.simulation.choice import choose_aircraft
from airsim.simulation.clock import (
    TAKE_OFF_AFTER_MS,
    Moment,
    ask_again,
    describe_surprise,
    describe_where,
    find_bars,
    find_stand,
    list_moments,
    reveal,
)
from airsim.simulation.ferry import RETRY_MS, find_due, is_astray, plan_ferry
from airsim.simulation.holding import hold_flight, hold_flights, plan_at
from airsim.simulation.permits import PermitDesk, describe_requests
from airsim.simulation.slots import SlotBook, describe_movements, list_movements
from airsim.simulation.state import (
    Aircraft,
    FlightRecord,
    Grounding,
    Stretch,
    World,
    find_base,
    position_fleet,
)
from airsim.simulation.surprise import announce_closures, draw_closures
from airsim.simulation.upkeep import Workshop

MINUTE_MS = 60_000
# How long a flight waits for an aircraft of its own type, then for any that reaches as far; then
# it is cancelled.
OWN_TYPE_WAIT_MS = 2 * HOUR_MS
LONGEST_WAIT_MS = 6 * HOUR_MS

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
    with look_seldom_for_garbage():
        return _simulate(scenario, progress)


@contextmanager
def look_seldom_for_garbage() -> Iterator[None]:
    """Plans and logs are kept to the end: looking through them for garbage finds none."""
    before = gc.get_threshold()
    gc.set_threshold(200_000, 50, 50)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _simulate(scenario: Scenario, progress: Callable[[int, int], None] | None) -> World:
    scenario = draw_closures(scenario)
    plans = plan_flights(scenario, scenario.flights, progress=progress)
    later = hold_flights(scenario, plans)
    # A rehearsal finds out which tail each flight gets, so that all tails can be planned for in
    # one batch; the run itself plans again only where a tail comes out differently.
    rehearsal = _Run(scenario, plans, later, None)
    rehearsal.start()
    tailed = [r.flight for r in rehearsal.world.records.values() if r.registration and not r.held]
    prepared = {
        (plan.flight.flight_id, plan.flight.registration or ""): plan
        for plan in plan_flights(scenario, tailed, progress=progress)
    }
    run = _Run(scenario, plans, later, prepared)
    run.start()
    # At one instant authorities and workshops come first, then flights by id; sorting is stable.
    run.world.log.sort(key=lambda event: (event.time_ms, event.flight_id, event.registration))
    return run.world


class _Run:
    """Binds the processes of one run to its scenario and world.

    Without prepared plans it is a rehearsal: flights fly as planned for any tail, whatever law.
    """

    def __init__(
        self,
        scenario: Scenario,
        plans: Iterable[Plan],
        later: Mapping[str, Plan],
        prepared: Mapping[tuple[str, str], Plan] | None,
    ) -> None:
        self.scenario = scenario
        self.world = World({p.flight.flight_id: FlightRecord(p.flight, p) for p in plans})
        for flight_id, plan in later.items():
            record = self.world.records[flight_id]
            record.barred_by, record.plan = record.plan.blocking_rules, plan
        self.prepared = prepared
        self.slots = SlotBook()
        self.reached: dict[tuple[str, int | None, float], bool] = {}
        model = scenario.permits
        self.desk = PermitDesk(scenario, model, self.world) if model is not None else None
        if self.desk is not None:
            self.desk.collect(self.world.records.values())
            self.world.permits = list(self.desk.requests.values())
        self.env = simpy.Environment(initial_time=self._first_ms())
        self.ramp = simpy.FilterStore(self.env)
        self.airborne: dict[str, tuple[FlightRecord, Any]] = {}
        upkeep = scenario.upkeep
        self.workshop = (
            Workshop(self.env, scenario, upkeep, self.world) if upkeep is not None else None
        )

    def _first_ms(self) -> int:
        lead = self.scenario.options.planning_lead_ms
        begins = [record.flight.eobt_ms - lead for record in self.world.records.values()]
        begins += [request.asked_ms for request in self.world.permits]
        return min(begins, default=self.scenario.start_ms)

    def start(self) -> None:
        """Create the processes in (EOBT, id) order, so that ties break the same way always."""
        flown = [f for f in self.scenario.flights if not f.probe]
        active = [t for t in self.scenario.fleet if t.status in ("active", "")]
        self.world.fleet = position_fleet(active, flown)
        for aircraft in self.world.fleet:
            self.ramp.put(aircraft)
            if self.workshop is not None:
                self.workshop.enter_service(aircraft)
            name = aircraft.tail.registration
            said = f"{name} {aircraft.tail.typecode} at {aircraft.at}"
            self.world.note_tail(int(self.env.now), "positioned", name, said)
        for record in self.world.records.values():
            self.env.process(self._fly(record))
        if self.desk is not None:
            self.env.process(self.desk.answer_all(self.env))
        self.env.process(announce_closures(self.env, self.scenario, self.world))
        if self.prepared is not None and self.scenario.options.in_flight == "react":
            self.env.process(self._spread_news())
        self.env.run()

    def note(self, event: str, record: FlightRecord, detail: str = "") -> None:
        """Log at the present moment."""
        self.world.note(int(self.env.now), event, record, detail)

    def _fly(self, record: FlightRecord) -> Process:
        flight = record.flight
        yield self.env.timeout(max(0, record.plan.planned_ms - int(self.env.now)))
        self.note("planned", record, f"{record.plan.outcome}: {record.plan.reason}")
        if record.held:
            rules = record.barred_by
            self._hold(record, record.plan.flight.eobt_ms, "closed", " ".join(rules), rules)
        if flight.probe:
            record.status = "probe"
            return
        if not record.plan.feasible:
            self._cancel(record, " ".join(record.plan.blocking_rules), record.plan.blocking_rules)
            return
        yield self.env.timeout(max(0, record.plan.flight.eobt_ms - int(self.env.now)))
        aircraft: Aircraft | None = None
        if self.scenario.fleet:
            aircraft = yield from self._find_aircraft(record)
            if aircraft is None:
                self._cancel(record, f"no aircraft at {flight.adep}", cause="aircraft")
                return
            self._take_aircraft(record, aircraft)
        record.wait(int(self.env.now), "aircraft")
        may_go = yield from self._wait_for_permits(record)
        record.wait(int(self.env.now), "permit")
        if may_go:
            yield from self._depart(record, aircraft)
        if aircraft is not None:
            yield from self._bring_back(record, aircraft)
            # Whoever did not leave stands where it stood, free for the next flight.
            yield self.ramp.put(aircraft)

    def _depart(self, record: FlightRecord, aircraft: Aircraft | None) -> Process:
        """Fly as soon as law and flow allow; turn the aircraft round where it has landed."""
        if (yield from self._clear(record)):
            yield from self._leg(record)
            if aircraft is not None:
                yield from self._receive(record, aircraft)

    def _bring_back(self, record: FlightRecord, aircraft: Aircraft) -> Process:
        """After a flight that ended elsewhere: fly on or home, or wait there until that can be."""
        last, number = record, 0
        while is_astray(aircraft, last, self.base):
            number += 1
            now_ms = int(self.env.now)
            due_ms = find_due(
                self.world.records.values(), record, aircraft.tail.typecode, LONGEST_WAIT_MS
            )
            plan = plan_ferry(
                self.scenario, record, aircraft, base=self.base, number=number, now_ms=now_ms,
                due_ms=due_ms,
            )  # fmt: skip
            if plan is not None:
                ferry = FlightRecord(plan.flight, plan, registration=aircraft.tail.registration)
                self.world.records[plan.flight.flight_id] = ferry
                said = "on" if plan.flight.ades == record.flight.ades else "home"
                self.note("ferry", ferry, f"{said} to {plan.flight.ades}: {plan.reason}")
                yield from self._depart(ferry, aircraft)
                if ferry.status == "flown":
                    return
                if ferry.status != "cancelled":
                    last = ferry
                    continue
            yield from self._strand(aircraft)
            if self.env.now >= self.scenario.end_ms:
                return

    def _strand(self, aircraft: Aircraft) -> Process:
        """Wait where no way leads on or home; then ask again."""
        start_ms = int(self.env.now)
        mark = aircraft.tail.registration
        self.world.note_tail(start_ms, "stranded", mark, f"at {aircraft.at}: no way on or home")
        yield self.env.timeout(RETRY_MS)
        aircraft.groundings.append(Grounding(start_ms, int(self.env.now), "stranded", aircraft.at))

    def _wait_for_permits(self, record: FlightRecord) -> Generator[simpy.Event, Any, bool]:
        """Wait for answers that are due soon; go another way without what was refused."""
        desk = self.desk
        if desk is None or self.prepared is None:
            return True
        missing = desk.find_missing(record, int(self.env.now))
        latest_ms = int(self.env.now + desk.model.wait_hours * HOUR_MS)
        due_ms = max((r.answered_ms for r in missing.pending), default=0)
        if missing.pending and due_ms <= latest_ms:
            self.note("waits-for-permit", record, describe_requests(missing.pending))
            yield self.env.timeout(due_ms - int(self.env.now))
            missing = desk.find_missing(record, int(self.env.now))
        lacking = (*missing.pending, *missing.refused)
        if not lacking:
            return True
        told = record.flight.circumstances
        refused = told.refused | {request.rule_id for request in lacking}
        record.flight = replace(record.flight, circumstances=replace(told, refused=refused))
        (record.plan,) = plan_flights(
            self._at_once, [replace(record.flight, eobt_ms=int(self.env.now))]
        )
        said = f"without {describe_requests(lacking)}: {record.plan.outcome}: {record.plan.reason}"
        if not record.plan.feasible:
            names = sorted({request.rule_id for request in lacking})
            self._cancel(record, said, names, cause="permit")
            return False
        self.note("replanned", record, said)
        return True

    def _receive(self, record: FlightRecord, aircraft: Aircraft) -> Process:
        """Turn the aircraft round where it landed; at its base, see to its upkeep."""
        aircraft.at = record.landed_at or record.flight.ades
        if record.on_block_ms is not None and record.off_block_ms is not None:
            block_ms = record.on_block_ms - record.off_block_ms
            aircraft.flights += 1
            aircraft.block_ms += block_ms
            if self.workshop is not None:
                self.workshop.wear_out(aircraft, block_ms)
        yield self.env.timeout(self.scenario.options.minimum_turn_ms)
        if self.workshop is not None:
            yield from self.workshop.look_after(aircraft)

    def _cancel(
        self, record: FlightRecord, why: str, rules: Iterable[str] = (), *, cause: str = ""
    ) -> None:
        """End a flight on the ground."""
        record.status = "cancelled"
        record.cancelled_by = tuple(rules)
        without = "range" if record.plan.outcome == "infeasible" else "unknown"
        record.cause = cause or ("law" if record.cancelled_by else without)
        self.note("cancelled", record, why)

    def _find_aircraft(self, record: FlightRecord) -> Generator[simpy.Event, Any, Aircraft | None]:
        """A free aircraft of the planned type, later of any whose range covers the route."""
        flight = record.flight

        def own(aircraft: Aircraft) -> bool:
            fixed = flight.registration
            named = not fixed or aircraft.tail.registration == fixed
            return (
                named and aircraft.at == flight.adep and aircraft.tail.typecode == flight.typecode
            )

        def other(aircraft: Aircraft) -> bool:
            if flight.registration or aircraft.at != flight.adep:
                return False
            return self._reaches(record.plan, aircraft.tail)

        for suitable, wait in (
            (own, OWN_TYPE_WAIT_MS),
            (other, LONGEST_WAIT_MS - OWN_TYPE_WAIT_MS),
        ):
            request = self.ramp.get(self._narrow(record, suitable))
            # Aircraft standing on the ramp are handed over at once, before the clock moves.
            yield request | self.env.timeout(wait)
            if request.triggered:
                return request.value
            request.cancel()
        return None

    def _narrow(
        self, record: FlightRecord, suitable: Callable[[Aircraft], bool]
    ) -> Callable[[Aircraft], bool]:
        """Of several that stand there, the one that the law likes best, if that is asked for."""
        free = [aircraft for aircraft in self.ramp.items if suitable(aircraft)]
        if self.scenario.options.tail_choice == "first" or len(free) < 2:
            return suitable
        best, avoided = choose_aircraft(self.scenario, record, free, int(self.env.now))
        if avoided:
            first, chosen = free[0].tail.registration, best.tail.registration
            self.note("tail-chosen", record, f"{chosen}, not {first}, for {' '.join(avoided)}")
        return lambda aircraft: aircraft is best

    def _take_aircraft(self, record: FlightRecord, aircraft: Aircraft) -> None:
        """Plan again for the tail: rules that list registrations, another type's range."""
        tail = aircraft.tail
        record.registration = tail.registration
        flight = replace(record.flight, registration=tail.registration, typecode=tail.typecode)
        prepared = self.prepared
        if prepared is not None:
            plan = prepared.get((flight.flight_id, tail.registration))
            if plan is None or record.held:
                held = record.plan
                plan = plan_at(self.scenario, flight, held.flight.eobt_ms, held.planned_ms)
            record.plan = plan
        if tail.typecode != record.flight.typecode:
            self.note("type-changed", record, f"{record.flight.typecode} to {tail.typecode}")
        record.flight = flight

    def _reaches(self, plan: Plan, tail: Tail) -> bool:
        """Whether an aircraft, as full as usual, has the range for every leg planned."""
        assert plan.route is not None
        key = tail.typecode, tail.seats, max(plan.route.leg_km)
        if key not in self.reached:
            aircraft = self.scenario.types[tail.typecode]
            payload_kg = payload_for_seats(aircraft, tail.seats)
            self.reached[key] = bool(fly(aircraft, key[2], payload_kg).feasible)
        return self.reached[key]

    def _clear(self, record: FlightRecord) -> Generator[simpy.Event, Any, bool]:
        """Wait until law, by what is published, and the flow let the flight go; cancel it if not.

        Whatever is waited for, everything is asked again afterwards.
        """
        flight_id = record.flight.flight_id
        until_ms = int(self.env.now) + self.scenario.options.longest_hold_ms
        while self._may_leave(record, until_ms):
            now_ms = int(self.env.now)
            ready_ms = max(now_ms, record.plan.flight.eobt_ms)
            if ready_ms > now_ms:  # planned anew for when it opens
                yield self.env.timeout(ready_ms - now_ms)
                continue
            self.slots.release(flight_id)
            if next(list_movements(record.plan, 0), None) is None:
                return True  # most flights need no place
            full = self.slots.name_full(record.plan, now_ms)
            start_ms = self.slots.find_start(record.plan, now_ms, until_ms)
            if start_ms is None:
                names = {move.rule_id: None for move in full}
                self._cancel(record, f"no place: {describe_movements(full)}", names, cause="slot")
                return False
            booked = self.slots.book(flight_id, record.plan, start_ms)
            if start_ms == now_ms:
                if booked:
                    self.note("slot-booked", record, describe_movements(booked))
                return True
            rules = tuple(dict.fromkeys(move.rule_id for move in full))
            self._hold(record, start_ms, "slot", f"full: {describe_movements(full)}", rules)
            yield self.env.timeout(start_ms - now_ms)
        self.slots.release(flight_id)
        return False

    def _hold(
        self, record: FlightRecord, until_ms: int, cause: str, why: str,
        rules: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        """Write down that a flight stays until some moment, and why."""
        said = f"until {format_instant(until_ms)}: {cause}: {why}"
        self.note("held", record, said)
        record.wait(until_ms, cause, why, rules)

    def _may_leave(self, record: FlightRecord, until_ms: int) -> bool:
        """Whether the tail may fly the plan, or another made now, by the law published by now.

        The other one leaves at once; if there is none, as soon as what bars it has ended.
        """
        if self.prepared is None:
            return True
        plan, now_ms = record.plan, int(self.env.now)
        if not plan.feasible:
            return self._postpone(record, until_ms, f"tail {record.registration}: {plan.reason}")
        if now_ms == plan.flight.eobt_ms and not self._is_news(plan.planned_ms, now_ms):
            return True
        shift_ms = now_ms - plan.flight.eobt_ms
        bars: set[str] = set()
        for planned in plan.decisions:
            decision = ask_again(self.scenario, planned, shift_ms, now_ms)
            found = find_bars(decision) - find_bars(planned)
            if found:
                record.refused.append(decision)
                bars |= found
        if not bars:
            return True
        fresh = [name for name in sorted(bars) if self._published(name) > plan.planned_ms]
        if fresh:
            where = ", ".join(dict.fromkeys(map(describe_where, record.refused)))
            stamps = " ".join(format_instant(self._published(name)) for name in fresh)
            self.note(
                "closed-before-departure", record,
                f"{where} by {' '.join(fresh)}, published {stamps}",
            )  # fmt: skip
        (record.plan,) = plan_flights(self._at_once, [replace(record.flight, eobt_ms=now_ms)])
        said = f"{' '.join(sorted(bars))}: {record.plan.outcome}: {record.plan.reason}"
        if not record.plan.feasible:
            return self._postpone(record, until_ms, said)
        self.note("replanned", record, said)
        return True

    def _postpone(self, record: FlightRecord, until_ms: int, why: str) -> bool:
        """Plan for when what bars the flight ends; cancel it if that is too late."""
        now_ms, barred = int(self.env.now), record.plan
        later = hold_flight(self.scenario, record.flight, barred, now_ms, until_ms, now_ms)
        if later is None:
            self._cancel(record, why, barred.blocking_rules)
            return False
        record.plan = later
        self._hold(record, later.flight.eobt_ms, "closed", why, barred.blocking_rules)
        return True

    @cached_property
    def base(self) -> str:
        """Home: where aircraft are looked after, else where most flights begin."""
        if self.workshop is not None:
            return self.workshop.upkeep.base
        return find_base(f for f in self.scenario.flights if not f.probe)

    @cached_property
    def _at_once(self) -> Scenario:
        """The same world, where flights are planned as they leave."""
        return replace(self.scenario, options=replace(self.scenario.options, planning_lead_ms=0))

    @cached_property
    def _news(self) -> list[tuple[int, frozenset[str]]]:
        """Rules that may bar a flight, by the instant of their publication."""
        stamps: dict[int, set[str]] = {}
        for rule in self.scenario.rulebook.rules:
            if rule.addresses == "airspace" and rule.effect != "permit":
                stamps.setdefault(rule.when.published_ms, set()).add(rule.id)
        return [(stamp, frozenset(stamps[stamp])) for stamp in sorted(stamps)]

    @cached_property
    def outstations(self) -> frozenset[str]:
        """Where the timetable goes: known handling, known crews."""
        flights = [f for f in self.scenario.flights if not f.probe]
        return frozenset({f.adep for f in flights} | {f.ades for f in flights})

    @cached_property
    def _publications(self) -> list[int]:
        return sorted(rule.when.published_ms for rule in self.scenario.rulebook.rules)

    def _is_news(self, since_ms: int, until_ms: int) -> bool:
        """Whether any rule was published in a span; otherwise the same law is known."""
        stamps = self._publications
        return bisect_right(stamps, since_ms) < bisect_right(stamps, until_ms)

    def _published(self, rule_id: str) -> int:
        return self.scenario.rulebook.by_id[rule_id].when.published_ms

    def _leg(self, record: FlightRecord) -> Process:
        """Fly the plan; what happens on the way is written down when it has happened."""
        flight_id = record.flight.flight_id
        record.off_block_ms = int(self.env.now)
        late_ms = record.off_block_ms - record.flight.eobt_ms
        self.note("off-block", record, f"{late_ms // MINUTE_MS} min late" if late_ms else "")
        record.shift_ms = record.off_block_ms - record.plan.flight.eobt_ms
        record.status = "flown"
        while True:
            moments = list_moments(record.current, record.shift_ms)
            self.airborne[flight_id] = (record, self.env.active_process)
            try:
                yield self.env.timeout(max(0, moments[-1].at_ms - int(self.env.now)))
            except simpy.Interrupt as interrupt:
                now_ms, bars = int(self.env.now), cast("tuple[str, ...]", interrupt.cause)
                self._write_down(record, moments, now_ms)
                stand = find_stand(record.current, record.shift_ms, now_ms)
                if stand:  # at a fuel stop it comes to its stand, whatever the news
                    ahead = [moment for moment in moments if moment.event == "on-block"]
                    ahead = [moment for moment in ahead if moment.at_ms >= now_ms]
                    self._write_down(record, ahead, now_ms + TAXI_IN_MS)
                if stand is None:
                    self._change_plan(record, bars)
                    continue
                if record.take_off_ms is not None and self._plan_from_stop(record, stand, bars):
                    continue
                del self.airborne[flight_id]
                if record.take_off_ms is not None:
                    return
                self.note("returned-to-stand", record, " ".join(bars))
                record.wait(now_ms, "closed", "returned to stand", bars)
                if (yield from self._clear(record)):
                    yield from self._leg(record)
                else:
                    record.landed_at = record.flight.adep
                return
            del self.airborne[flight_id]
            self._write_down(record, moments, moments[-1].at_ms + 1)
            return

    def _change_plan(self, record: FlightRecord, bars: Iterable[str]) -> None:
        """Answer to rules published while the flight is in the air."""
        plan, now_ms = record.current, int(self.env.now)
        position, done_km = find_position(self.scenario, plan, record.shift_ms, now_ms)
        reaction = react(self.scenario, plan, position, self.outstations)
        self.note(
            reaction.event, record,
            f"to {reaction.plan.flight.ades} for {' '.join(bars)}: {reaction.plan.reason}",
        )  # fmt: skip
        assert plan.route is not None
        line = cut_line(plan.route.points, done_km)
        record.behind.append(Stretch(plan, record.shift_ms, now_ms, done_km, line))
        record.shift_ms = 0
        record.changes.append(reaction.plan)
        self.slots.change(record.flight.flight_id, reaction.plan, now_ms)
        if reaction.plan.flight.ades != record.flight.ades:
            record.landed_at = reaction.plan.flight.ades
            home = record.landed_at == record.flight.adep
            record.status = "returned" if home else "diverted"

    def _plan_from_stop(self, record: FlightRecord, leg: int, bars: Iterable[str]) -> bool:
        """Answer to rules published while the flight is at a fuel stop: go on, or end there.

        It is planned from there like any flight: what it crossed before is forgotten.
        """
        plan, now_ms = record.current, int(self.env.now)
        route = plan.route
        assert route is not None
        stop = (plan.flight.adep, *route.stops)[leg]
        done_km = sum(route.leg_km[:leg])
        line = cut_line(route.points, done_km)
        record.behind.append(Stretch(plan, record.shift_ms, now_ms, done_km, line))
        start_ms = max(now_ms, route.leg_start_ms[leg] + record.shift_ms)
        onward = plan_at(self.scenario, replace(plan.flight, adep=stop), start_ms, now_ms)
        why = f"for {' '.join(bars)}: {onward.reason}"
        if onward.feasible:
            self.note("rerouted", record, f"from {stop} to {plan.flight.ades} {why}")
            record.shift_ms = 0
            record.changes.append(onward)
            self.slots.change(record.flight.flight_id, onward, now_ms)
            return True
        self.note("diverted", record, f"to {stop}, where it stands, {why}")
        record.status, record.landed_at, record.ended = "diverted", stop, True
        return False

    def _spread_news(self) -> Process:
        """Tell flights in the air of each rule as it is published."""
        for stamp, names in self._news:
            if stamp < self.env.now:
                continue
            yield self.env.timeout(stamp - int(self.env.now))
            for record, process in list(self.airborne.values()):
                bars = self._find_news(record, stamp, names)
                if bars:
                    process.interrupt(bars)

    def _find_news(
        self, record: FlightRecord, now_ms: int, names: frozenset[str]
    ) -> tuple[str, ...]:
        """Which of the rules published now bar what is still ahead of a flight."""
        bars: set[str] = set()
        where: list[str] = []
        for planned in record.current.decisions:
            if planned.question.start_ms + record.shift_ms <= now_ms:
                continue
            if not self._may_hear(planned.question, record.shift_ms, names):
                continue
            decision = ask_again(self.scenario, planned, record.shift_ms, now_ms)
            found = (find_bars(decision) - find_bars(planned)) & names
            if found:
                where.append(describe_where(decision))
                bars |= found
        assert record.off_block_ms is not None
        if bars and now_ms > record.off_block_ms + TAKE_OFF_AFTER_MS:
            said = f"{', '.join(dict.fromkeys(where))} by {' '.join(sorted(bars))}, published now"
            self.note("closed-in-flight", record, said)
        return tuple(sorted(bars))

    def _may_hear(self, question: Question, shift_ms: int, names: frozenset[str]) -> bool:
        """Whether any of some rules speaks of a place, and starts before the flight has left it."""
        start_ms, end_ms = question.start_ms + shift_ms, question.end_ms + shift_ms
        return any(
            rule.id in names and rule.when.start[0] <= end_ms
            for place in question.places
            for activity in dict.fromkeys((question.activity, "overflight"))
            for at_ms in (start_ms, end_ms)
            for rule in self.scenario.bound.rules_at(activity, place, at_ms)
        )

    def _write_down(self, record: FlightRecord, moments: Iterable[Moment], until_ms: int) -> None:
        for moment in moments:
            if moment.at_ms < until_ms:
                self._meet(record, moment)

    def _meet(self, record: FlightRecord, moment: Moment) -> None:
        """Log a moment of the flight; judge again by the law in force what was planned for it."""
        if moment.event == "take-off" and record.take_off_ms is None:
            record.take_off_ms = moment.at_ms
        if moment.event == "landing":
            record.landing_ms = moment.at_ms
        if moment.event == "on-block":
            record.on_block_ms = moment.at_ms
        if moment.event:
            self.world.note(moment.at_ms, moment.event, record, moment.detail)
        if moment.planned is None or self.prepared is None:
            return
        if self._holds(moment.planned, record.shift_ms):
            record.met.append(reveal(moment.planned))
            return
        decision = ask_again(self.scenario, moment.planned, record.shift_ms, None)
        record.met.append(decision)
        surprise = describe_surprise(record, moment.planned, decision)
        if surprise is not None:
            self.world.note(moment.at_ms, surprise[0], record, surprise[1])

    def _holds(self, planned: Decision, shift_ms: int) -> bool:
        """Whether the law in force says what was planned on: no rule unknown then starts by then.

        What would not be let pass unseen is asked anew all the same.
        """
        question = planned.question
        if shift_ms or question.known_ms is None or planned.outcome >= Outcome.UNKNOWN:
            return False
        stamps, starts = self._later_law
        return starts[bisect_right(stamps, question.known_ms)] > question.end_ms

    @cached_property
    def _later_law(self) -> tuple[list[int], list[int]]:
        """Instants of publication, and the earliest start of all that is published from each on."""
        rules = sorted(self.scenario.rulebook.rules, key=lambda rule: rule.when.published_ms)
        starts = accumulate((rule.when.start[0] for rule in reversed(rules)), min, initial=OPEN_TO)
        return [rule.when.published_ms for rule in rules], list(starts)[::-1]
