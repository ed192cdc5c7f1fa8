"""An operation planned and simulated: a month of Belavia, and a day of the world.

``python -m benchmarks.operation [--quick]``. Belavia flies the whole timetable of September 2025
with its fleet, planned once as the timetable says and once for the tail that takes each flight.
The day of the world is drawn with a seed: flights of all shipped operators between shipped
aerodromes, at home or from home to anywhere and back, each with an aircraft of its own. Both are
planned on permitted routes and simulated to the last landing; drawing is not counted.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from airsim.base import parse_instant
from airsim.geodesy import great_circle_km
from airsim.operation import Flight, load_aerodromes, load_operators
from airsim.performance import load_types, max_range_km, payload_for_seats
from airsim.scenario import Scenario, load_scenario, make_scenario
from airsim.simulation import World, simulate
from benchmarks.measuring import SEED, Row, note, peak_rss_mb, print_rows, run_apart

TABLE = "Operation: planned and simulated"
MONTH = "Belavia, September 2025"
DAY = "a day of the world"
MONTH_SPAN = "2025-09-01T00:00Z", "2025-10-01T00:00Z"
DAY_SPAN = "2025-09-15T00:00Z", "2025-09-16T00:00Z"
FLIGHTS = 35_000
MINUTE_MS, HOUR_MS = 60_000, 3_600_000
_ABROAD = 0.6  # share of flights that leave the operator's State or come home to it
_LONGEST = 0.6  # share of its range that a flight may be long on the great circle


def cut_month(first: str, last: str) -> Scenario:
    """The shipped six months of Belavia between two instants; nothing else is asked of it."""
    whole = load_scenario("belavia-2025-h2")
    start_ms, end_ms = parse_instant(first), parse_instant(last)
    flights = tuple(f for f in whole.flights if start_ms <= f.eobt_ms < end_ms)
    return replace(whole, start_ms=start_ms, end_ms=end_ms, flights=flights, comparisons=())


def draw_day(count: int, seed: int) -> Scenario:
    """A world with flights on one day, drawn with a seed; no fleet, so that none waits for one."""
    dice = np.random.default_rng(seed)
    spots, operators = list(load_aerodromes().values()), list(load_operators().values())
    by_state: dict[str, list[int]] = {}
    for k, spot in enumerate(spots):
        by_state.setdefault(spot.state, []).append(k)
    carriers = [one for one in operators if len(by_state.get(one.state, ())) > 1]
    lon, lat = (np.array([getattr(spot, name) for spot in spots]) for name in ("lon", "lat"))
    types = sorted(load_types().values(), key=lambda one: (one.range_nm, one.typecode))
    reach_km = _LONGEST * np.array([float(max_range_km(t, payload_for_seats(t))) for t in types])
    start_ms = parse_instant(DAY_SPAN[0])
    flights: list[Flight] = []
    while len(flights) < count:
        who = carriers[int(dice.integers(len(carriers)))]
        home = by_state[who.state]
        one, other = (home[int(k)] for k in dice.choice(len(home), 2, replace=False))
        if dice.random() < _ABROAD:
            other = int(dice.integers(len(spots)))
        pair = (one, other) if dice.random() < 0.5 else (other, one)
        a, b = np.array(pair)
        km = float(great_circle_km(lon[a], lat[a], lon[b], lat[b]))
        able = np.flatnonzero(reach_km >= km)
        minute = int(dice.integers(24 * 60))
        choice = dice.random()
        if km < 50.0 or not able.size:
            continue
        aircraft = types[int(able[int(choice * able.size)])]
        number = len(flights)
        eobt_ms = start_ms + minute * MINUTE_MS
        flights.append(
            Flight(
                f"{who.icao}{number}-20250915", f"{who.icao}{number}", who.icao, spots[a].icao,
                spots[b].icao, eobt_ms, eobt_ms + round(km / 800.0 * HOUR_MS), aircraft.typecode,
            )
        )  # fmt: skip
    flights.sort(key=lambda flight: (flight.eobt_ms, flight.flight_id))
    return replace(
        make_scenario(at_ms=start_ms), start_ms=start_ms, end_ms=parse_instant(DAY_SPAN[1]),
        fleet=(), services=(), flights=tuple(flights),
    )  # fmt: skip


def run_case(case: Mapping[str, Any]) -> Row:
    """One operation in this process: wall clock, processor time, memory, what came of it."""
    make: Callable[[], Scenario]
    if case["operation"] == MONTH:
        simulate(cut_month("2025-06-01T00:00Z", "2025-06-02T00:00Z"))  # loads machine code
        make = partial(cut_month, *case["span"])
    else:
        simulate(draw_day(20, 0))
        make = partial(draw_day, case["flights"], SEED)
    wall, cpu = [], []
    world = None
    for _ in range(case["repeats"]):
        scenario = make()  # which remembers nothing
        began, began_cpu = time.perf_counter(), time.process_time()
        world = simulate(scenario)
        wall.append(time.perf_counter() - began)
        cpu.append(time.process_time() - began_cpu)
    assert world is not None
    return {**describe(world), "wall_s": min(wall), "cpu_s": min(cpu)}


def describe(world: World) -> Row:
    """What was planned and what became of it."""
    records = list(world.records.values())
    return {
        "flights": len(records),
        "flown": sum(record.landing_ms is not None for record in records),
        "detours": sum(record.plan.outcome in ("detour", "fuel-stop") for record in records),
        "decisions": sum(len(record.plan.decisions) for record in records),
        "moments": len(world.log),
        "peak_mb": peak_rss_mb(),
    }


def measure(*, quick: bool = False) -> list[Row]:
    """Rows of the table, each operation in a process of its own.

    Parameters
    ----------
    quick : bool
        Two days of Belavia and a small day of the world, to see that it works.
    """
    span = ("2025-09-15T00:00Z", "2025-09-17T00:00Z") if quick else MONTH_SPAN
    cases: list[Row] = [
        {"operation": MONTH, "span": span, "repeats": 1 if quick else 3},
        {"operation": DAY, "flights": 200 if quick else FLIGHTS, "repeats": 1},
    ]
    rows = []
    for case in cases:
        found = run_apart("benchmarks.operation", case)
        seconds = {"wall_s": found.pop("wall_s"), "cpu_s": found.pop("cpu_s")}
        each = {"ms_per_flight": 1e3 * seconds["wall_s"] / found["flights"]}
        rows.append({"table": TABLE, "operation": case["operation"], **found, **seconds, **each})
    return [*rows, note("operation: drawing and writing are not counted; the law is the shipped")]


def main() -> None:
    """Measure and print, or run one case in this process."""
    if sys.argv[1:] and sys.argv[1].startswith("{"):
        print(json.dumps(run_case(json.loads(sys.argv[1]))))
        return
    print_rows(measure(quick="--quick" in sys.argv[1:]))


if __name__ == "__main__":
    main()
