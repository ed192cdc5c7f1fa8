"""Events: the simulation against a bare SimPy loop and a bare heap on the moments of its own log.

A moment is a line of the log. The simulation needs fewer events than moments, as what happens to a
flight in the air is written down at once, and more, as flights wait for aircraft and for news.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Generator
from dataclasses import replace
from functools import partial
from typing import Any

import simpy

from airsim.planning import Plan, plan_flights
from airsim.scenario import Scenario, load_scenario
from airsim.simulation import run as simulation
from benchmarks.measuring import Row, time_in_turn

TABLE = "Events: zapad-2025"
BARE = "SimPy, a process per flight"
WITH_LAW = "airsim, stays and ends judged again, news met"
_QUICK_FLIGHTS = 24

Prepared = dict[tuple[str, str], Plan]
Times = list[list[int]]
Count = tuple[int, int]  # moments of flights, events of the loop


def measure(*, quick: bool = False) -> list[Row]:
    """Rows of the table on events; plans are made beforehand and not timed."""
    scenario = load_scenario("zapad-2025")
    if quick:
        scenario = replace(scenario, flights=scenario.flights[:_QUICK_FLIGHTS])
    return measure_scenario(scenario, repeats=2 if quick else 7)


def measure_scenario(scenario: Scenario, *, repeats: int) -> list[Row]:
    """Rows for one scenario."""
    plans, prepared = prepare_plans(scenario)
    times = list_times(run_loop(scenario, plans, prepared))
    tasks: dict[str, Callable[[], Count]] = {
        "heap of (time, number)": partial(run_heap, times),
        BARE: partial(run_simpy, times),
        "airsim, flights and aircraft without law": partial(_count, scenario, plans, None),
        WITH_LAW: partial(_count, scenario, plans, prepared),
    }
    timings = time_in_turn(tasks, repeats=repeats)
    each = {name: 1e6 * timing.best_s / timing.result[0] for name, timing in timings.items()}
    return [
        {
            "table": TABLE,
            "method": name,
            "flights": len(times),
            "moments": timing.result[0],
            "events": timing.result[1],
            "us_per_moment": each[name],
            "cpu_us": 1e6 * timing.best_cpu_s / timing.result[0],
            "moments_per_s": 1e6 / each[name],
            "ratio_to_SimPy": each[name] / each[BARE],
        }
        for name, timing in timings.items()
    ]


def prepare_plans(scenario: Scenario) -> tuple[tuple[Plan, ...], Prepared]:
    """Plans for flights, and for the tails that a rehearsal finds."""
    plans = tuple(plan_flights(scenario, scenario.flights))
    records = run_loop(scenario, plans, None).world.records.values()
    tailed = [record.flight for record in records if record.registration]
    prepared = {
        (plan.flight.flight_id, plan.flight.registration or ""): plan
        for plan in plan_flights(scenario, tailed)
    }
    return plans, prepared


def run_loop(
    scenario: Scenario, plans: tuple[Plan, ...], prepared: Prepared | None
) -> simulation._Run:
    """The event loop of `simulate` without the planning before it."""
    run = simulation._Run(scenario, plans, {}, prepared)
    run.start()
    return run


def _count(scenario: Scenario, plans: tuple[Plan, ...], prepared: Prepared | None) -> Count:
    with simulation.look_seldom_for_garbage():  # as `simulate` does
        run = run_loop(scenario, plans, prepared)
    return len(run.world.log), count_events(run.env)


def count_events(env: simpy.Environment) -> int:
    """How many events an environment has scheduled (by SimPy's own counter)."""
    return next(env._eid)


def list_times(run: simulation._Run) -> Times:
    """Moments of each flight's log."""
    times: dict[str, list[int]] = {}
    for event in run.world.log:
        times.setdefault(event.flight_id, []).append(event.time_ms)
    return [sorted(moments) for moments in times.values()]


def run_simpy(times: Times) -> Count:
    """A process per flight that waits for each of its moments."""

    def fly(env: simpy.Environment, moments: list[int]) -> Generator[simpy.Event, Any, None]:
        for moment in moments:
            yield env.timeout(moment - env.now)

    env = simpy.Environment(initial_time=min(moments[0] for moments in times))
    for moments in times:
        env.process(fly(env, moments))
    env.run()
    return sum(map(len, times)), count_events(env)


def run_heap(times: Times) -> Count:
    """Moments of flights put and taken, one flight's next after its last."""
    heap = [(moments[0], k, 0) for k, moments in enumerate(times)]
    heapq.heapify(heap)
    count = 0
    while heap:
        _, k, at = heapq.heappop(heap)
        count += 1
        if at + 1 < len(times[k]):
            heapq.heappush(heap, (times[k][at + 1], k, at + 1))
    return count, count
