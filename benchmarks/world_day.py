"""A day of the world: ``python -m benchmarks.world_day [--flights N] [--seed N] [--write FOLDER]``.

Seeded great-circle flights between aerodromes of the shipped table, by shipped operators, on one
day: every crossing of every layer, when and at which levels, and what the whole rulebook says of
it. No routing: the question is what stands in the way of each flight, and which rule.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from airsim.airspace import Crossings, Paths, find_crossings, locate_points, path_lengths_km
from airsim.base import parse_instant
from airsim.operation import load_aerodromes, load_operators
from airsim.performance import AircraftType, level_at, load_types, time_at
from airsim.permission import (
    DecisionTable,
    FactColumn,
    FactsTable,
    Outcome,
    lay_out_rules,
)
from airsim.scenario import Scenario, make_scenario
from benchmarks.measuring import (
    SEED,
    Row,
    describe_machine,
    note,
    peak_rss_mb,
    print_machine,
    print_rows,
    run_apart,
)

DAY = "2025-09-15"
MINUTE_MS, HOUR_MS = 60_000, 3_600_000
PLANNED_BEFORE_MS = 3 * HOUR_MS
CHUNK = 10_000  # flights judged at a time, to bound memory
FLIGHTS = 100_000
TABLE = "World day: great circles between any aerodromes, all layers x the shipped rulebook"
SAID = {
    Outcome.PERMITTED: "permitted",
    Outcome.ADVISED_AGAINST: "advised against",
    Outcome.UNKNOWN: "unknown",
    Outcome.NOT_PERMITTED: "not permitted",
    Outcome.FORBIDDEN: "forbidden",
}
KINDS = {kind.name.lower() for kind in Outcome}

Table = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Day:
    """Flights of one day, sorted by type: position in the shipped tables, and off-block time."""

    adep: NDArray[np.int64]
    ades: NDArray[np.int64]
    operator: NDArray[np.int64]
    typecode: NDArray[np.int64]
    eobt_ms: NDArray[np.int64]

    def __len__(self) -> int:
        return self.adep.size


def draw_flights(count: int, seed: int) -> Day:
    """Flights between any two aerodromes, by any operator, with any type, at any minute."""
    dice = np.random.default_rng(seed)
    aerodromes, types = len(load_aerodromes()), len(load_types())
    adep = dice.integers(aerodromes, size=count)
    ades = (adep + dice.integers(1, aerodromes, size=count)) % aerodromes
    minute = dice.integers(24 * 60, size=count)
    return Day(
        adep, ades, dice.integers(len(load_operators()), size=count),
        np.sort(dice.integers(types, size=count)), parse_instant(DAY) + minute * MINUTE_MS,
    )  # fmt: skip


def state_facts(day: Day) -> FactsTable:
    """What the law may ask about each flight, as planning would assume it."""
    operators = list(load_operators().values())
    aerodromes = list(load_aerodromes().values())
    types = list(load_types().values())
    filed, filing = np.unique(day.eobt_ms - PLANNED_BEFORE_MS, return_inverse=True)
    by = {
        "operator": [o.icao for o in operators],
        "licensed_in": [o.state for o in operators],
        "registered_in": [o.state or None for o in operators],
        "owned_in": [o.owner_state or o.state for o in operators],
        "controlled_in": [o.controller_state or o.state for o in operators],
    }
    return FactsTable(
        len(day),
        {
            **{name: FactColumn(values, day.operator) for name, values in by.items()},
            "typecode": FactColumn([t.typecode for t in types], day.typecode),
            "seats": FactColumn([t.seats_typical for t in types], day.typecode),
            "us_origin": FactColumn([t.us_origin for t in types], day.typecode),
            "origin": FactColumn([a.icao for a in aerodromes], day.adep),
            "origin_state": FactColumn([a.state for a in aerodromes], day.adep),
            "destination": FactColumn([a.icao for a in aerodromes], day.ades),
            "destination_state": FactColumn([a.state for a in aerodromes], day.ades),
            "filed_ms": FactColumn(filed.tolist(), filing),
        },
    )


def by_type(code: NDArray[np.int64]) -> Iterator[tuple[AircraftType, slice]]:
    """Runs of flights of one type."""
    types = list(load_types().values())
    for number in np.unique(code).tolist():
        first, last = np.searchsorted(code, (number, number + 1)).tolist()
        yield types[number], slice(first, last)


def find_homes(world: Scenario) -> NDArray[np.bool_]:
    """Airspace that flights enter to land at an aerodrome or to take off there.

    The State's whole territory, and the region and the zones around it that reach the ground.

    Returns
    -------
    ndarray of bool, shape (aerodromes, areas of all layers)
    """
    spots, layers = list(world.aerodromes.values()), world.atlas.layers
    lon, lat = np.array([s.lon for s in spots]), np.array([s.lat for s in spots])
    found = []
    for layer in layers:
        start, area = locate_points(world.atlas, layer.name, lon, lat)
        home = np.zeros((len(spots), len(layer)), np.bool_)
        home[np.repeat(np.arange(len(spots)), np.diff(start)), area] = True
        found.append(home & (layer.lower_ft <= 0))
    states = np.array([s.state for s in spots])
    found[0] |= (states[:, None] == np.array(layers[0].designator)) & (states[:, None] != "")
    return np.concatenate(found, axis=1)


def name_stays(
    world: Scenario, homes: NDArray[np.bool_], day: Day, found: Crossings
) -> NDArray[np.int8]:
    """Whether each crossing is overflight (0), or part of the landing (1) or the take-off (2)."""
    sizes = [0, *(len(layer) for layer in world.atlas.layers)]
    area = np.cumsum(sizes)[found.layer] + found.area
    lands, starts = homes[day.ades[found.path], area], homes[day.adep[found.path], area]
    return np.where(lands, 1, np.where(starts, 2, 0)).astype(np.int8)


def judge_day(world: Scenario, day: Day, *, chunk: int = CHUNK) -> tuple[Table, Table]:
    """Judge every crossing of every flight.

    Returns
    -------
    flights : dict of ndarray
        A row per flight: length, crossings by outcome, the gravest outcome and the first rule that
        decides it.
    rules : dict of ndarray
        A row per rule that decides anything: crossings and flights on which it does.
    """
    bound, homes = world.bound, find_homes(world)
    spots = list(load_aerodromes().values())
    lon, lat = np.array([s.lon for s in spots]), np.array([s.lat for s in spots])
    paths = Paths.from_legs(lon[day.adep], lat[day.adep], lon[day.ades], lat[day.ades])
    km = path_lengths_km(paths)
    arrival_ms = day.eobt_ms.copy()
    for aircraft, run in by_type(day.typecode):
        arrival_ms[run] += to_ms(time_at(aircraft, km[run], km[run]))
    tables = lay_out_rules(
        bound, state_facts(day), first_ms=int(day.eobt_ms.min()), last_ms=int(arrival_ms.max()),
        longest_ms=int((arrival_ms - day.eobt_ms).max()), known_ms=day.eobt_ms - PLANNED_BEFORE_MS,
    )  # fmt: skip
    tally = Tally(len(day), len(bound.rulebook.rules))
    for first in range(0, len(day), chunk):
        run = slice(first, min(first + chunk, len(day)))
        points = slice(2 * run.start, 2 * run.stop)
        piece = Paths(paths.lon[points], paths.lat[points], paths.start[: run.stop - first + 1])
        found = find_crossings(bound.atlas, piece)
        found = replace(found, path=found.path + np.int32(first))
        activity = name_stays(world, homes, day, found)
        table = tables.judge(found, *place_stays(day, km, found), activity)
        tally.add(run, found.path, table)
    names = np.array([rule.id for rule in bound.rulebook.rules])
    used = np.flatnonzero(tally.crossings_by_rule)
    by_outcome = {kind.name.lower(): tally.crossings[:, kind] for kind in Outcome}
    return (
        {
            **describe_flights(day), "km": km, "crossings": tally.crossings.sum(axis=1),
            **by_outcome, "outcome": np.array([kind.name for kind in Outcome])[tally.gravest],
            "rule": np.append(names, "")[tally.decides],
        },
        {
            "rule": names[used], "crossings": tally.crossings_by_rule[used],
            "flights": tally.flights_by_rule[used],
        },
    )  # fmt: skip


class Tally:
    """What was decided so far.

    Per flight: crossings by outcome, the gravest outcome, the first rule that decides it; per
    rule: crossings and flights on which it decides.
    """

    def __init__(self, flights: int, rules: int) -> None:
        self.crossings = np.zeros((flights, len(Outcome)), np.int32)
        self.gravest = np.zeros(flights, np.int8)
        self.decides = np.full(flights, -1, np.int16)
        self.crossings_by_rule = np.zeros(rules, np.int64)
        self.flights_by_rule = np.zeros(rules, np.int64)

    def add(self, run: slice, path: NDArray[np.int32], table: DecisionTable) -> None:
        """Add the crossings of a run of flights."""
        flight = path.astype(np.int64) - run.start
        kinds, flights = len(Outcome), run.stop - run.start
        pairs = np.bincount(flight * kinds + table.outcome, minlength=flights * kinds)
        self.crossings[run] = pairs.reshape(flights, kinds)
        gravest = self.gravest[run]
        np.maximum.at(gravest, flight, table.outcome)
        at = np.flatnonzero((table.outcome > 0) & (table.outcome == gravest[flight]))[::-1]
        self.decides[run][flight[at]] = table.rule[at]  # the first of them is written last
        said = table.list_verdicts()
        mine = said.weight == table.outcome[said.row]
        rules = self.crossings_by_rule.size
        self.crossings_by_rule += np.bincount(said.rule[mine], minlength=rules)
        pairs = np.unique(flight[said.row[mine]] * rules + said.rule[mine])
        self.flights_by_rule += np.bincount(pairs % rules, minlength=rules)


def to_ms(minutes: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.rint(minutes * MINUTE_MS).astype(np.int64)


def place_stays(
    day: Day, km: NDArray[np.float64], found: Crossings
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    """When each crossing begins and ends, and its lowest and highest level."""
    clock = np.empty((2, len(found)), np.int64)
    level = np.empty((2, len(found)))
    ends = np.stack([found.entry_km, found.exit_km])
    for aircraft, run in by_type(day.typecode[found.path]):
        total, start = km[found.path[run]], day.eobt_ms[found.path[run]]
        clock[:, run] = start + to_ms(time_at(aircraft, ends[:, run], total))
        # Levels rise, hold and fall: the extremes are at the ends and nearest to midway.
        spots = np.stack([*ends[:, run], np.clip(total / 2, *ends[:, run])])
        at = level_at(aircraft, spots, total)
        level[:, run] = at.min(axis=0), at.max(axis=0)
    return (*clock, *level)


def describe_flights(day: Day) -> Table:
    """Codes of each flight."""
    operators, aerodromes = np.array(list(load_operators())), np.array(list(load_aerodromes()))
    return {
        "operator": operators[day.operator], "adep": aerodromes[day.adep],
        "ades": aerodromes[day.ades], "typecode": np.array(list(load_types()))[day.typecode],
        "eobt_ms": day.eobt_ms,
    }  # fmt: skip


def run_case(case: Mapping[str, Any]) -> Row:
    """One day in this process: wall clock, processor time, peak memory, what was decided."""
    numba.set_num_threads(min(case["threads"], numba.config.NUMBA_NUM_THREADS))
    world = make_scenario()
    judge_day(world, draw_flights(200, 0))  # loads machine code and layers
    day = draw_flights(case["flights"], case["seed"])
    wall, cpu = [], []
    for _ in range(case["repeats"]):
        began, began_cpu = time.perf_counter(), time.process_time()
        flights, _ = judge_day(world, day)
        wall.append(time.perf_counter() - began)
        cpu.append(time.process_time() - began_cpu)
    crossings = int(flights["crossings"].sum())
    return {
        "threads": numba.get_num_threads(),
        "flights": len(day),
        "crossings": crossings,
        "rules": len(world.rulebook),
        "wall_s": min(wall),
        "cpu_s": min(cpu),
        "us_per_flight": 1e6 * min(wall) / len(day),
        "ns_per_crossing": 1e9 * min(wall) / crossings,
        "peak_mb": peak_rss_mb(),
        **{kind.name.lower(): int((flights["outcome"] == kind.name).sum()) for kind in Outcome},
    }


def measure(
    *, quick: bool = False, flights: int = FLIGHTS, seed: int = SEED, repeats: int = 3
) -> list[Row]:
    """Rows of the table: the day in processes of their own, in two threads and in one.

    Parameters
    ----------
    quick : bool
        A small day, to see that it works.
    flights, seed, repeats : int
        Size and seed of the day, runs of which the shortest counts.
    """
    case = {"flights": 2_000 if quick else flights, "seed": seed, "repeats": repeats}
    rows = [run_apart("benchmarks.world_day", case | {"threads": threads}) for threads in (2, 1)]
    outcomes = ", ".join(f"{rows[0][kind.name.lower()]:,} {SAID[kind]}" for kind in Outcome)
    return [
        *({"table": TABLE, **{k: v for k, v in row.items() if k not in KINDS}} for row in rows),
        note(f"world day: by the gravest that is said of a flight's direct way, {outcomes}"),
    ]


def main() -> None:
    """Measure and print, or run one case in this process."""
    if sys.argv[1:] and sys.argv[1].startswith("{"):
        print(json.dumps(run_case(json.loads(sys.argv[1]))))
        return
    parser = argparse.ArgumentParser(prog="python -m benchmarks.world_day", description=__doc__)
    parser.add_argument("--flights", "--legs", type=int, default=FLIGHTS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--write", type=Path, metavar="FOLDER", help="write both tables as Parquet")
    options = vars(parser.parse_args())
    folder = options.pop("write")
    print_machine(describe_machine())
    print_rows(measure(**options))
    if folder is not None:
        write_day(folder, options["flights"], options["seed"])


def write_day(folder: Path, count: int, seed: int) -> None:
    """Write what was decided on a day: a row per flight, a row per rule."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(parents=True, exist_ok=True)
    tables = judge_day(make_scenario(), draw_flights(count, seed))
    for name, table in zip(("flights", "rules"), tables, strict=True):
        pq.write_table(pa.table(table), folder / f"{name}.parquet")


if __name__ == "__main__":
    main()
