"""Rules on crossings: ``python -m benchmarks.rules [--crossings N] [--rules N] [--seed N]``.

Drawn rules and drawn crossings, the same for every method; the share of outcomes in which a method
agrees with airsim stands beside its speed. Rules have subjects, places, sharp and vague dates,
levels and exceptions; daily hours are left out, since bitsets per entry and per exit cannot hold
them. The shipped rulebook, which has all of these, is asked in a second table.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from airsim.airspace import Atlas, Crossings, load_atlas
from airsim.base import OPEN_FROM, OPEN_TO, format_instant, parse_instant
from airsim.law import Rule, load_rulebook, make_rulebook, parse_rules
from airsim.operation import load_aerodromes, load_operators
from airsim.permission import (
    BoundRulebook,
    DecisionTable,
    FactColumn,
    FactsTable,
    Outcome,
    RuleTables,
    bind_rulebook,
    decide,
    lay_out_rules,
)
from benchmarks.measuring import (
    SEED,
    Row,
    Timing,
    describe_machine,
    note,
    print_machine,
    print_rows,
    time_in_turn,
)

DRAWN = "Rules on crossings: drawn rules"
SHIPPED = "Rules on crossings: the shipped rulebook, one week"
LOOP = "airsim, compiled loop, 1 thread"
PAIR = "airsim, compiled loop, 2 threads"
ANEW = "airsim, tables laid out anew, 2 threads"
OBJECTS = "Python objects"
DECIDE = "airsim.decide"
HOUR_MS = 3_600_000
WEEK = parse_instant("2025-09-15"), parse_instant("2025-09-22")
STAYS = 20  # crossings of one flight
SAMPLE = 4_000  # crossings for methods that are too slow for all

Bools = NDArray[np.bool_]
Words = NDArray[np.uint64]


# ------------------------------------------------------------------------------------- the work
@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """Crossings of flights, as every method gets them.

    `state`, `place`, `entry_ms` ... have one value per crossing; `place` counts through all
    layers. `facts` has a row per flight.
    """

    atlas: Atlas
    facts: FactsTable
    crossings: Crossings
    entry_ms: NDArray[np.int64]
    exit_ms: NDArray[np.int64]
    lower_ft: NDArray[np.float64]
    upper_ft: NDArray[np.float64]
    emergency: Bools
    operator: NDArray[np.int64]
    place: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.crossings)

    def head(self, count: int) -> Work:
        """The first crossings only."""
        names = ("path", "layer", "area", "entry_km", "exit_km")
        cut = Crossings(*(getattr(self.crossings, name)[:count] for name in names))
        rest = ("entry_ms", "exit_ms", "lower_ft", "upper_ft", "emergency", "operator", "place")
        return replace(self, crossings=cut, **{name: getattr(self, name)[:count] for name in rest})


def draw_work(atlas: Atlas, count: int, seed: int) -> Work:
    """Flights by shipped operators in one week, each in a number of areas of any layer."""
    dice = np.random.default_rng(seed)
    operators, spots = list(load_operators().values()), list(load_aerodromes().values())
    flights = -(-count // STAYS)
    path = np.repeat(np.arange(flights), STAYS)[:count]
    who = dice.integers(len(operators), size=flights)
    ends = dice.integers(len(spots), size=(2, flights))
    emergency = dice.random(flights) < 0.01
    sizes = np.array([len(layer) for layer in atlas.layers])
    # Peers know nothing of areas that come and go, or that end at a level.
    always = np.concatenate(
        [
            (layer.valid_from_ms <= WEEK[0])
            & (layer.valid_to_ms >= WEEK[1])
            & (layer.lower_ft == 0)
            & (layer.upper_ft == layer.upper_ft.max())
            for layer in atlas.layers
        ]
    )
    place = dice.choice(np.flatnonzero(always), size=count)
    layer = np.searchsorted(np.cumsum(sizes), place, side="right")
    start = dice.integers(WEEK[0], WEEK[1] - 30 * HOUR_MS, size=flights)[path]
    entry = start + np.arange(count) % STAYS * HOUR_MS
    lower = dice.choice([0.0, 12_000.0, 35_000.0], size=count, p=[0.1, 0.1, 0.8])
    by_operator = {
        "operator": [o.icao for o in operators],
        "licensed_in": [o.state for o in operators],
        "registered_in": [o.state or None for o in operators],
        "owned_in": [o.owner_state or o.state for o in operators],
        "controlled_in": [o.controller_state or o.state for o in operators],
    }
    facts = FactsTable(
        flights,
        {
            **{name: FactColumn(values, who) for name, values in by_operator.items()},
            "origin": FactColumn([s.icao for s in spots], ends[0]),
            "origin_state": FactColumn([s.state for s in spots], ends[0]),
            "destination": FactColumn([s.icao for s in spots], ends[1]),
            "destination_state": FactColumn([s.state for s in spots], ends[1]),
            "status": FactColumn([frozenset(), frozenset({"emergency"})], emergency.astype(int)),
        },
    )
    nowhere = np.zeros(count)
    return Work(
        atlas, facts,
        Crossings(
            path.astype(np.int32), layer.astype(np.int8),
            (place - (np.cumsum(sizes) - sizes)[layer]).astype(np.int32), nowhere, nowhere,
        ),
        entry, entry + dice.integers(HOUR_MS, size=count), lower, lower + 1_000.0,
        emergency[path], who[path], place,
    )  # fmt: skip


def draw_rules(atlas: Atlas, count: int, seed: int) -> tuple[Rule, ...]:
    """Rules such as States make: against carriers of some States, over some areas, since a day."""
    dice = random.Random(seed)
    states = sorted({o.state for o in load_operators().values() if o.state})
    territories, firs = (sorted(set(atlas.layer(n).designator)) for n in ("territory", "fir"))

    def draw(k: int) -> dict[str, Any]:
        rule: dict[str, Any] = {
            "id": f"R{k:03}", "title": f"rule {k}", "authority": "XX", "regime": "drawn",
            "activities": ["overflight"], "confidence": "synthetic",
            "reference": {"instrument": "none"},
            "where": [dice.choice([
                {"territory": dice.sample(territories, dice.randint(1, 12))},
                {"fir": dice.sample(firs, dice.randint(1, 6))},
                {"territory_group": "EU"},
            ])],
        }  # fmt: skip
        if dice.random() < 0.9:
            field = dice.choice(["licensed_in", "registered_in"])
            rule["who"] = [{field: dice.sample(states, dice.randint(1, 30))}]
        cuts = sorted(dice.randrange(7 * 24) * HOUR_MS + WEEK[0] for _ in range(4))
        when: dict[str, Any] = {}
        if dice.random() < 0.3 and cuts[0] < cuts[1]:
            vague = dice.random() < 0.5
            when["from"] = (
                [format_instant(ms) for ms in cuts[:2]] if vague else format_instant(cuts[0])
            )
        if dice.random() < 0.2:
            when["to"] = format_instant(cuts[2] + HOUR_MS)
        rule["when"] = when
        if dice.random() < 0.15:
            rule["levels"] = {"lower_ft": 0, "upper_ft": dice.choice([9_500, 26_000, 36_000])}
        if dice.random() < 0.7:
            rule["unless"] = [{"id": "e", "title": "e", "flight": [{"status": ["emergency"]}]}]
        kind = dice.random()
        if kind < 0.25:
            rule["force"] = "advisory"
        elif kind < 0.4:
            rule |= {"effect": "require-permit", "permit": {"authority": "XX", "kind": "authority"}}
        return rule

    return parse_rules({"rule": [draw(k) for k in range(count)]}, "drawn")


# ------------------------------------------------------------------------- airsim, whole and bare
def prepare(bound: BoundRulebook, work: Work) -> RuleTables:
    """Lay the rules out for the work."""
    return lay_out_rules(
        bound, work.facts, first_ms=int(work.entry_ms.min()), last_ms=int(work.exit_ms.max()),
        longest_ms=int((work.exit_ms - work.entry_ms).max()),
    )  # fmt: skip


def judge(tables: RuleTables, work: Work) -> DecisionTable:
    """All crossings of the work."""
    return tables.judge(
        work.crossings, work.entry_ms, work.exit_ms, work.lower_ft, work.upper_ft
    )  # fmt: skip


def judge_anew(bound: BoundRulebook, work: Work) -> NDArray[np.int8]:
    """From flights, times and levels to outcomes, nothing kept."""
    return judge(prepare(bound, work), work).outcome


def sweep(tables: RuleTables, table: DecisionTable) -> NDArray[np.int8]:
    """The compiled loop alone, all cells filled."""
    wanted = np.empty(0, np.int32)
    found: NDArray[np.int8] = tables._sweep(table._rows, table._way, wanted)[0]
    return found


# ------------------------------------------------------------------------------------------ peers
@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """A rule as a careful programmer would take it apart for arrays."""

    who: Bools  # by operator
    spares_emergency: bool
    places: Bools  # by place
    start: tuple[int, int]
    end: tuple[int, int]
    levels: tuple[float, float]
    certain: Outcome
    possible: Outcome


def take_apart(bound: BoundRulebook) -> list[Parts]:
    """Drawn rules taken apart; their subjects and places by the law's own tests."""
    operators = list(load_operators().values())
    found = []
    for rule in bound.rulebook.rules:
        named = set(bound.areas_of(rule, WEEK[0]))
        places = [
            (name, row) in named for name, rows in bound.places.items() for row in range(len(rows))
        ]
        tests = rule.who[0] if rule.who else None
        states = set(tests.licensed_in or tests.registered_in) if tests else set()
        levels = (
            (0.0, float("inf"))
            if rule.levels is None
            else (float(rule.levels.lower_ft), float(rule.levels.upper_ft))
        )
        binding = Outcome.NOT_PERMITTED if rule.permit else Outcome.FORBIDDEN
        advice = rule.force != "binding"
        found.append(
            Parts(
                np.array([tests is None or o.state in states for o in operators]),
                bool(rule.unless), np.array(places), rule.when.start, rule.when.end, levels,
                Outcome.ADVISED_AGAINST if advice else binding,
                Outcome.PERMITTED if advice else Outcome.UNKNOWN,
            )
        )  # fmt: skip
    return found


def mask_by_rule(parts: Sequence[Parts], work: Work) -> NDArray[np.int8]:
    """A numpy mask per rule."""
    outcome = np.zeros(len(work), np.int8)
    for rule in parts:
        hit = rule.who[work.operator] & rule.places[work.place]
        hit &= (work.lower_ft < rule.levels[1]) & (work.upper_ft >= rule.levels[0])
        if rule.spares_emergency:
            hit &= ~work.emergency
        for kind, start, end in (
            (rule.possible, rule.start[0], rule.end[1]), (rule.certain, rule.start[1], rule.end[0])
        ):  # fmt: skip
            now = hit & (work.exit_ms >= start) & (work.entry_ms < end)
            if kind is rule.certain:
                outcome = np.where(now, np.maximum(outcome, kind), outcome)
            else:
                sure = (work.exit_ms >= rule.start[1]) & (work.entry_ms < rule.end[0])
                outcome = np.where(now & ~sure, np.maximum(outcome, kind), outcome)
    return outcome


@dataclass(frozen=True, slots=True, eq=False)
class Bitsets:
    """Up to 64 drawn rules as numpy tables of bits."""

    who: Words  # (2, operators): in an emergency or not
    place: Words
    dates: NDArray[np.int64]
    levels: NDArray[np.float64]
    # By stretch between dates: rules that have begun by an exit, that have not ended at an entry.
    begun: Words  # (2, stretches): possibly, certainly
    lasting: Words
    below: Words  # by stretch between levels: rules that reach below it, above it
    above: Words
    kinds: dict[Outcome, np.uint64]


def make_bitsets(parts: Sequence[Parts]) -> Bitsets:
    """Lay drawn rules out as bits."""

    def pack(rows: Sequence[Any]) -> Words:
        bit = np.uint64(1) << np.arange(len(parts), dtype=np.uint64)
        return (np.array(rows, np.uint64) * bit[:, None]).sum(axis=0, dtype=np.uint64)

    dates = np.unique([ms for p in parts for ms in (*p.start, *p.end)])
    dates = dates[(dates > OPEN_FROM) & (dates < OPEN_TO)]
    levels = np.unique([feet for p in parts for feet in p.levels])
    moments = np.concatenate(([OPEN_FROM + 1], dates))
    heights = np.concatenate(([-1.0], levels))
    subjects = [[p.who & ~(now & p.spares_emergency) for p in parts] for now in (False, True)]
    return Bitsets(
        np.stack([pack(rows) for rows in subjects]),
        pack([p.places for p in parts]), dates, levels,
        np.stack([pack([moments >= p.start[k] for p in parts]) for k in (0, 1)]),
        np.stack([pack([moments < p.end[1 - k] for p in parts]) for k in (0, 1)]),
        pack([heights < p.levels[1] for p in parts]), pack([heights >= p.levels[0] for p in parts]),
        {
            kind: pack([[p.certain is kind] for p in parts])[0]
            for kind in Outcome if kind is not Outcome.UNKNOWN
        } | {Outcome.UNKNOWN: pack([[p.possible is Outcome.UNKNOWN] for p in parts])[0]},
    )  # fmt: skip


def intersect_bitsets(sets: Bitsets, work: Work) -> NDArray[np.int8]:
    """numpy bitset tables: three gathers, two of them after a search."""
    bits = sets.who[work.emergency.astype(np.int8), work.operator] & sets.place[work.place]
    bits &= sets.below[np.searchsorted(sets.levels, work.lower_ft, side="right")]
    bits &= sets.above[np.searchsorted(sets.levels, work.upper_ft, side="right")]
    left = np.searchsorted(sets.dates, work.exit_ms, side="right")
    entered = np.searchsorted(sets.dates, work.entry_ms, side="right")
    possible = bits & sets.begun[0, left] & sets.lasting[0, entered]
    certain = bits & sets.begun[1, left] & sets.lasting[1, entered]
    outcome = np.zeros(len(work), np.int8)
    for kind in Outcome:
        if kind is Outcome.UNKNOWN:
            outcome[(possible & ~certain & sets.kinds[kind]) != 0] = kind
        elif kind:
            outcome[(certain & sets.kinds[kind]) != 0] = kind
    return outcome


class PlainRule:
    """A rule as an object."""

    def __init__(self, parts: Parts) -> None:
        self.operators = set(np.flatnonzero(parts.who).tolist())
        self.places = set(np.flatnonzero(parts.places).tolist())
        self.spares_emergency = parts.spares_emergency
        self.start, self.end, self.levels = parts.start, parts.end, parts.levels
        self.certain, self.possible = parts.certain, parts.possible

    def weigh(self, crossing: PlainCrossing) -> int:
        """What the rule says of a crossing."""
        if crossing.operator not in self.operators or crossing.place not in self.places:
            return 0
        if self.spares_emergency and crossing.emergency:
            return 0
        if not (crossing.lower_ft < self.levels[1] and crossing.upper_ft >= self.levels[0]):
            return 0
        if crossing.exit_ms >= self.start[1] and crossing.entry_ms < self.end[0]:
            return self.certain
        if crossing.exit_ms >= self.start[0] and crossing.entry_ms < self.end[1]:
            return self.possible
        return 0


@dataclass(frozen=True, slots=True)
class PlainCrossing:
    """A crossing as an object."""

    operator: int
    place: int
    emergency: bool
    entry_ms: int
    exit_ms: int
    lower_ft: float
    upper_ft: float


def loop_over_objects(rules: Sequence[PlainRule], crossings: Sequence[PlainCrossing]) -> Any:
    """Objects that ask each other: the gravest of all rules."""
    return np.array(
        [max(rule.weigh(crossing) for rule in rules) for crossing in crossings], np.int8
    )


# ---------------------------------------------------------------------------------------- measure
def on_threads(threads: int, task: Callable[[], Any]) -> Callable[[], Any]:
    """The same task in so many threads."""

    def run() -> Any:
        given = numba.get_num_threads()
        numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
        try:
            return task()
        finally:
            numba.set_num_threads(given)

    return run


def measure_drawn(atlas: Atlas, rules: int, count: int, seed: int, *, repeats: int) -> list[Row]:
    """Every method on drawn rules."""
    bound = bind_rulebook(make_rulebook(draw_rules(atlas, rules, seed)), atlas)
    work = draw_work(atlas, count, seed)
    tables = prepare(bound, work)
    table = judge(tables, work)
    judge_all = partial(judge_anew, bound, work)
    parts = take_apart(bound)
    few, fewer = work.head(SAMPLE), SAMPLE // 8
    objects = [PlainRule(part) for part in parts]
    crossings = [
        PlainCrossing(*values)
        for values in zip(
            few.operator.tolist(), few.place.tolist(), few.emergency.tolist(),
            few.entry_ms.tolist(), few.exit_ms.tolist(), few.lower_ft.tolist(),
            few.upper_ft.tolist(), strict=True,
        )
    ]  # fmt: skip
    questions = [table.question(k) for k in range(fewer)]
    tasks: dict[str, Callable[[], Any]] = {
        LOOP: on_threads(1, lambda: sweep(tables, table)),
        PAIR: on_threads(2, lambda: sweep(tables, table)),
        ANEW: on_threads(2, judge_all),
        "numpy mask per rule": lambda: mask_by_rule(parts, work),
        OBJECTS: lambda: loop_over_objects(objects, crossings),
        DECIDE: lambda: np.array([decide(bound, q).outcome for q in questions]),
    }
    if rules <= 64:
        sets = make_bitsets(parts)
        tasks["numpy bitset tables"] = lambda: intersect_bitsets(sets, work)
    return list_methods(DRAWN, rules, time_in_turn(tasks, repeats=repeats), table.outcome)


def measure_shipped(atlas: Atlas, count: int, seed: int, *, repeats: int) -> list[Row]:
    """The shipped rulebook, which no simple method takes."""
    rulebook = load_rulebook()
    bound, work = bind_rulebook(rulebook, atlas), draw_work(atlas, count, seed)
    tables = prepare(bound, work)
    table = judge(tables, work)
    judge_all = partial(judge_anew, bound, work)
    questions = [table.question(k) for k in range(SAMPLE // 8)]
    tasks: dict[str, Callable[[], Any]] = {
        LOOP: on_threads(1, lambda: sweep(tables, table)),
        PAIR: on_threads(2, lambda: sweep(tables, table)),
        ANEW: on_threads(2, judge_all),
        DECIDE: lambda: np.array([decide(bound, q).outcome for q in questions]),
    }
    timings = time_in_turn(tasks, repeats=repeats)
    rows = list_methods(SHIPPED, len(rulebook), timings, table.outcome)
    said = (
        f"rules: of the shipped rulebook {len(tables._layout.rules)} may speak in that week; they "
        f"tell {tables._layout.arrays.fact_bits.shape[0]} classes of flights apart and have "
        f"{tables._cells.size:,} cells; {100 * np.mean(table.said > 0):.0f} % of crossings hear "
        "from some rule"
    )
    return [*rows, note(said)]


LOOP = "airsim, compiled loop, 1 thread"


def list_methods(
    title: str, rules: int, timings: dict[str, Timing], outcome: NDArray[np.int8]
) -> list[Row]:
    """A row per method: time per crossing, against the compiled loop, and agreement."""
    bare = timings[LOOP].best_s / timings[LOOP].result.size
    return [
        {
            "table": title,
            "method": name,
            "rules": rules,
            "crossings": timing.result.size,
            "ns_per_crossing": 1e9 * timing.best_s / timing.result.size,
            "cpu_ns": 1e9 * timing.best_cpu_s / timing.result.size,
            "times_as_long": timing.best_s / timing.result.size / bare,
            "agree_percent": 100.0 * float(np.mean(timing.result == outcome[: timing.result.size])),
        }
        for name, timing in timings.items()
    ]


def measure(
    *, quick: bool = False, rules: int = 60, crossings: int = 1_000_000, seed: int = SEED
) -> list[Row]:
    """Rows of both tables.

    Parameters
    ----------
    quick : bool
        Small sizes, to see that it works.
    rules, crossings, seed : int
        Drawn rules, crossings of both tables, seed of all that is drawn.
    """
    atlas, count, repeats = load_atlas(), 50_000 if quick else crossings, 2 if quick else 7
    return [
        *measure_drawn(atlas, rules, count, seed, repeats=repeats),
        *measure_shipped(atlas, count, seed, repeats=repeats),
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rules", description=__doc__)
    parser.add_argument("--rules", type=int, default=60)
    parser.add_argument("--crossings", "--legs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    print_machine(describe_machine())
    print_rows(measure(**vars(options)))


if __name__ == "__main__":
    main()
