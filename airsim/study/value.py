"""What each instrument is worth to a network, and in which order lifting them gains most.

For every route the smallest sets of rules to lift are known, each with its way
(`airsim.planning.find_unlocking`). What a network gains from lifting any instruments is then a sum
of look-ups: each flight takes the best way whose rules are all lifted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import comb
from typing import Any, Literal

from airsim.base import format_instant
from airsim.law import Rule
from airsim.operation import Flight
from airsim.planning import (
    LEAST_GAIN,
    Plan,
    Unlock,
    describe_unlock,
    find_unlocking,
    plan_flights,
)
from airsim.results import Results, make_table
from airsim.scenario import Scenario, load_scenario

Level = Literal["instrument", "authority", "rule"]
Objective = Literal["flights", "km", "hours", "fuel"]
Progress = Callable[[int, int], None]
Row = dict[str, Any]

# What is compared first, second and so on.
_RANKS: dict[Objective, tuple[str, ...]] = {
    "flights": ("flights_opened", "saved_km"),
    "km": ("saved_km", "flights_opened"),
    "hours": ("saved_block_min", "flights_opened"),
    "fuel": ("saved_fuel_kg", "flights_opened"),
}
_ASSUMPTIONS = (
    "Flights of one route, aircraft and answer share the front of the first of them.",
    f"Ways that differ by less than {LEAST_GAIN:.0%} of the great circle are not told apart.",
    "Flights opened count as flights only: what they would fly is no saving.",
    "The sequence is greedy: each step lifts what gains most beside what is lifted already.",
    "What is not listed gains nothing, alone or with others.",
)
_MOST_TOGETHER = 3
_MOST_TRIED = 20_000


@dataclass(frozen=True, slots=True)
class _Way:
    """Targets to lift, and what the way costs that they open."""

    targets: frozenset[str]
    km: float
    block_min: float
    fuel_kg: float


@dataclass(frozen=True, slots=True)
class _Route:
    """Flights that ask alike: how many, what they fly now, if anything, and what they could."""

    count: int
    now: _Way | None
    ways: tuple[_Way, ...]


def value_instruments(
    scenario: str | Scenario,
    *,
    level: Level = "instrument",
    objective: Objective = "flights",
    probes: bool = False,
    progress: Progress | None = None,
) -> Results:
    """Say what each instrument is worth to the flights of a scenario, and the best sequence.

    Parameters
    ----------
    scenario : str or Scenario
        Name, file, or one already loaded.
    level : {"instrument", "authority", "rule"}
        What is lifted: all rules of an instrument, all of an authority, or single ones.
    objective : {"flights", "km", "hours", "fuel"}
        What the sequence is to gain most of: flights opened (kilometres between equals), or
        kilometres, block time, fuel saved by the flights that can be made already.
    probes : bool
        Whether the scenario's probes count as flights.
    progress : callable, optional
        Called with (done, total) while fronts are found.

    Returns
    -------
    Results
        Tables ``fronts``, ``values`` and ``sequence``; the summary says how they were made.

    Raises
    ------
    InputError
        Everything wrong with the scenario, at once.

    Notes
    -----
    Flights of one route, type and answer share one front: that of the first. The sequence is
    greedy: each step lifts what gains most together with what is lifted already, a bundle where no
    single target gains anything. Beside it stands the best choice of one, two and three targets,
    found by trying all.
    """
    world = scenario if isinstance(scenario, Scenario) else load_scenario(scenario)
    groups = _group_flights(world, [f for f in world.flights if probes or not f.probe])
    unlocks = find_unlocking(world, [flights[0] for flights in groups], progress=progress)
    routes = [
        _read_route(len(flights), unlock, level)
        for flights, unlock in zip(groups, unlocks, strict=True)
    ]
    named = {rule.id for unlock in unlocks for found in unlock.sets for rule in found.rules}
    rules: dict[str, list[Rule]] = {}
    for name in sorted(named):
        rule = world.rulebook.by_id[name]
        rules.setdefault(_name_target(rule, level), []).append(rule)
    tables = {
        "fronts": make_table("fronts", _list_fronts(groups, unlocks)),
        "values": make_table("values", _list_values(routes, rules, objective)),
        "sequence": make_table(
            "sequence", _climb(routes, objective) + _choose(routes, objective, sorted(rules))
        ),
    }
    summary = {
        "scenario": world.name,
        "title": world.title,
        "start_utc": format_instant(world.start_ms),
        "end_utc": format_instant(world.end_ms),
        "rulebook_hash": world.rulebook.content_hash,
        "atlas_hash": world.atlas.content_hash,
        "level": level,
        "objective": objective,
        "flights": sum(len(flights) for flights in groups),
        "routes": len(groups),
        "barred": sum(route.count for route in routes if route.now is None),
        "hopeless": sum(route.count for route in routes if route.now is None and not route.ways),
        "complete": all(unlock.complete for unlock in unlocks),
        "plans": sum(unlock.plans for unlock in unlocks),
        "assumptions": list(_ASSUMPTIONS),
    }
    return Results(tables, summary)


def _group_flights(scenario: Scenario, flights: Sequence[Flight]) -> list[list[Flight]]:
    """Flights that ask the same and get the same answer as the law stands."""
    groups: dict[tuple[object, ...], list[Flight]] = {}
    for flight, plan in zip(flights, plan_flights(scenario, flights), strict=True):
        metres = None if plan.route is None else round(plan.route.distance_km * 1000.0)
        key = (replace(plan.facts, filed_ms=None), plan.outcome, metres, plan.blocking_rules)
        groups.setdefault(key, []).append(flight)
    return list(groups.values())


def _name_target(rule: Rule, level: Level) -> str:
    """What has to be lifted at a level so that a rule is."""
    if level == "instrument":
        return rule.reference.instrument
    return rule.authority if level == "authority" else rule.id


def _read_way(plan: Plan, targets: Iterable[str]) -> _Way:
    assert plan.route is not None
    route = plan.route
    return _Way(frozenset(targets), route.distance_km, route.block_min, route.fuel_kg)


def _read_route(count: int, unlock: Unlock, level: Level) -> _Route:
    now = _read_way(unlock.base, ()) if unlock.base.feasible else None
    ways = tuple(
        _read_way(found.plan, (_name_target(rule, level) for rule in found.rules))
        for found in unlock.sets
    )
    return _Route(count, now, ways)


def _add_gains(routes: Iterable[_Route], lifted: frozenset[str]) -> Row:
    """What all flights gain if some targets are lifted."""
    opened, shortened, km, block_min, fuel_kg = 0, 0, 0.0, 0.0, 0.0
    for route in routes:
        open_ways = [way for way in route.ways if way.targets <= lifted]
        best = min(open_ways, key=lambda way: way.km, default=None)
        if best is None:
            continue
        if route.now is None:
            opened += route.count
        elif best.km < route.now.km:
            shortened += route.count
            km += route.count * (route.now.km - best.km)
            block_min += route.count * (route.now.block_min - best.block_min)
            fuel_kg += route.count * (route.now.fuel_kg - best.fuel_kg)
    return {
        "flights_opened": opened, "flights_shortened": shortened, "saved_km": round(km, 3),
        "saved_block_min": round(block_min, 1), "saved_fuel_kg": round(fuel_kg, 1),
    }  # fmt: skip


def _rank(gains: Row, objective: Objective) -> tuple[float, ...]:
    return tuple(gains[name] for name in _RANKS[objective])


def _list_values(
    routes: Sequence[_Route], rules: Mapping[str, Sequence[Rule]], objective: Objective
) -> list[Row]:
    """What each target gains if it alone is lifted, the worthiest first."""
    rows = [
        {
            "target": name,
            "authorities": " ".join(sorted({rule.authority for rule in found})),
            "rules": " ".join(sorted(rule.id for rule in found)),
            **_add_gains(routes, frozenset({name})),
        }
        for name, found in rules.items()
    ]
    return sorted(rows, key=lambda row: ([-v for v in _rank(row, objective)], row["target"]))


def _climb(routes: Sequence[_Route], objective: Objective) -> list[Row]:
    """Lift what gains most, again and again; a bundle where nothing gains anything alone."""
    rows: list[Row] = []
    lifted: frozenset[str] = frozenset()
    gains = _add_gains(routes, lifted)
    while True:
        bundles = {way.targets - lifted for route in routes for way in route.ways}
        bundles |= {frozenset({name}) for bundle in bundles for name in bundle}
        tried = [(bundle, _add_gains(routes, lifted | bundle)) for bundle in bundles if bundle]
        better = [found for found in tried if _rank(found[1], objective) > _rank(gains, objective)]
        if not better:
            return rows
        bundle, gains = min(
            better,
            key=lambda found: (
                len(found[0]), [-value for value in _rank(found[1], objective)], sorted(found[0])
            ),
        )  # fmt: skip
        lifted |= bundle
        rows.append(_describe_step("greedy", len(rows) + 1, bundle, gains))


def _choose(routes: Sequence[_Route], objective: Objective, targets: Sequence[str]) -> list[Row]:
    """The best of all choices of one, two and three targets, as long as they are not too many."""
    rows = []
    for size in range(1, min(_MOST_TOGETHER, len(targets)) + 1):
        if comb(len(targets), size) > _MOST_TRIED:
            break
        gains, chosen = min(
            (
                (_add_gains(routes, frozenset(names)), names)
                for names in combinations(targets, size)
            ),
            key=lambda found: ([-value for value in _rank(found[0], objective)], found[1]),
        )
        rows.append(_describe_step("best", size, chosen, gains))
    return rows


def _describe_step(method: str, step: int, targets: Iterable[str], gains: Row) -> Row:
    return {"method": method, "step": step, "targets": " | ".join(sorted(targets)), **gains}


def _list_fronts(groups: Iterable[Sequence[Flight]], unlocks: Iterable[Unlock]) -> list[Row]:
    rows = []
    for flights, unlock in zip(groups, unlocks, strict=True):
        for found, told in zip(unlock.sets, describe_unlock(unlock)["unlock"], strict=True):
            assert found.plan.route is not None
            rows.append(
                {
                    "flight_id": flights[0].flight_id,
                    "operator": flights[0].operator,
                    "adep": flights[0].adep,
                    "ades": flights[0].ades,
                    "typecode": found.plan.facts.typecode,
                    "flights": len(flights),
                    "distance_km": found.plan.route.distance_km,
                    "block_min": found.plan.route.block_min,
                    "fuel_kg": found.plan.route.fuel_kg,
                    "outcome": found.plan.outcome,
                    "lawful": found.plan.lawful,
                    "complete": unlock.complete,
                    **{
                        key: " ".join(told[key])
                        for key in ("rules", "permits", "advice", "authorities", "stops")
                    },
                }
            )
    return rows
