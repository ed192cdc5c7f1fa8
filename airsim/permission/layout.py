"""Rules as arrays: what each rule of a batch of questions can tell apart.

Nothing here knows what a rule says. The law is asked, by its own functions and once per class of
equal questions, how a table of a rule sees facts and places; the instants at which a verdict may
change are the law's as well.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from airsim.base import GROUP_CHANGES_MS
from airsim.law import (
    FlightFacts,
    Place,
    Question,
    Rule,
    Unless,
    find_changes,
    judge_facts,
    judge_place,
    judge_time,
    split_facts,
    walk_tables,
)
from airsim.permission.bound import BoundRulebook
from airsim.permission.decision import weigh_every_verdict
from airsim.permission.facts import Codes, FactColumn, FactsTable, classify, join_codes

if TYPE_CHECKING:
    from airsim.kernels import Rules

Longs = NDArray[np.int64]
Floats = NDArray[np.float64]
Words = NDArray[np.uint64]
Table = Rule | Unless
Way = frozenset[str]

_BUCKETS = 4096  # stretches of time in which eras are looked up
_NOBODY = FlightFacts("", None, None, None, None)


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """What the questions of a batch are about: any of some activities at any of some places.

    Parameters
    ----------
    activities : tuple of str
    where : tuple of tuple of Place
        Activity i at ``where[j]`` is number ``i * len(where) + j``.
    start : ndarray of int64
        First number of each layer of each activity.
    from_ms, to_ms : ndarray of int64, shape (len(where),)
        When there is such a place.
    lower_ft, upper_ft : ndarray of float64, shape (len(where),)
        Its levels; infinite where there is no limit.
    """

    activities: tuple[str, ...]
    where: tuple[tuple[Place, ...], ...]
    start: Longs
    from_ms: Longs
    to_ms: Longs
    lower_ft: Floats
    upper_ft: Floats

    def __len__(self) -> int:
        return len(self.activities) * len(self.where)

    def setting(self, number: int) -> tuple[str, tuple[Place, ...]]:
        """Activity and places of a number."""
        activity, where = divmod(number, len(self.where))
        return self.activities[activity], self.where[where]

    def repeat(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values of places, for every activity."""
        return np.tile(values, len(self.activities))


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """What the rows of a batch have in common.

    Parameters
    ----------
    bound : BoundRulebook
    rules : tuple of Rule
        Those to ask.
    facts : FactsTable
        Of each flight; `crossed` is what it had crossed before its first row.
    places : Places
    first_ms, last_ms : int
        No row begins before, none ends after.
    longest_ms : int
        No row is longer.
    known_ms : ndarray of int64
        For each flight: rules published later are hidden.
    """

    bound: BoundRulebook
    rules: tuple[Rule, ...]
    facts: FactsTable
    places: Places
    first_ms: int
    last_ms: int
    longest_ms: int
    known_ms: Longs

    @property
    def eras(self) -> tuple[int, ...]:
        """The first instant, and those at which groups of States change."""
        changes = (ms for ms in GROUP_CHANGES_MS if self.first_ms < ms <= self.last_ms)
        return (self.first_ms, *changes)

    def question(self, where: tuple[Place, ...]) -> Question:
        """Whether something happens at some places at any time of the batch."""
        activity = self.places.activities[0]
        return Question(activity, where, self.first_ms, self.last_ms, _NOBODY)


@dataclass(frozen=True, slots=True, eq=False)
class _Answers:
    """How flights answer one thing that is asked of them, by class of equal flights."""

    classes: Codes  # of each flight
    example: Codes  # a flight of each class
    code: Codes  # of the answer of each class
    count: int
    looked_at: frozenset[str]

    @classmethod
    def collect(cls, facts: FactsTable, ask: Callable[[Any], Any]) -> _Answers:
        looked_at, values = classify(facts, ask)
        number: dict[object, int] = {}
        code = np.array([number.setdefault(v, len(number)) for v in values], np.int64)
        return cls(*facts.sort_by(looked_at), code, len(number), looked_at)

    def of(self, flights: Codes) -> Codes:
        return self.code[self.classes[flights]]


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Rules laid out.

    Parameters
    ----------
    rules : tuple of Rule
        Those that may speak of any row, in rulebook order.
    position : ndarray of int16
        Their positions in the rulebook; one more, -1, stands for none.
    arrays : Rules
    offset : ndarray of int64
        First cell of each rule, and how many there are.
    ways : tuple of frozenset of str
        Sets of territories of which some rule asks whether one was crossed.
    """

    rules: tuple[Rule, ...]
    position: NDArray[np.int16]
    arrays: Rules
    offset: Longs
    ways: tuple[Way, ...]


def lay_out(batch: Batch) -> Layout:
    """Find what each rule that may speak can tell apart."""
    from airsim import kernels

    bound, places = batch.bound, batch.places
    rules = _pick_rules(batch)
    tables = [walk_tables(bound.rulebook, rule) for rule in rules]
    place_bits, place_code, place_count = _sort_places(batch, rules, tables)
    row_fact, fact_bits, fact_code, fact_count = _sort_flights(batch, rules, tables)
    era_ms, era_bits = _find_eras(batch, rules)
    times = [
        _find_times(batch, rule, place_bits[:, r]) for r, rule in enumerate(rules)
    ]  # fmt: skip
    reach = np.array([_reach(dates, batch.longest_ms) for dates in times], np.int64)
    levels = [_find_levels(found) for found in tables]
    asked = [_find_ways(found) for found in tables]
    ways = tuple(dict.fromkeys(chain.from_iterable(asked)))
    unknown = len(ways)  # the bit that says that the way is not known
    bits = [[*map(ways.index, found), unknown] if found else [] for found in asked]
    kinds = np.array([fact_count, place_count], np.int64).T.reshape(-1, 2)
    level_step = np.array([1 << len(found) for found in bits], np.int64)
    time_step = level_step * np.array([(len(limits) + 1) ** 2 for limits in levels], np.int64)
    place_step = time_step * reach * np.array([len(dates) + 1 for dates in times], np.int64)
    fact_step = place_step * kinds[:, 1]
    offset = np.concatenate(([0], np.cumsum(fact_step * kinds[:, 0])))
    (time_at, time_ms), (level_at, level_ft), (way_at, way_bit) = (
        _chain(times, np.int64), _chain(levels, np.float64), _chain(bits, np.int64)
    )  # fmt: skip
    shift = ((batch.last_ms - batch.first_ms) // _BUCKETS).bit_length()
    begins = batch.first_ms + (np.arange(_BUCKETS, dtype=np.int64) << shift)
    bucket_era = np.searchsorted(era_ms, begins, side="right") - 1
    always = (places.from_ms <= batch.first_ms) & (batch.last_ms < places.to_ms)
    always &= np.isneginf(places.lower_ft) & np.isposinf(places.upper_ft)
    head = [
        time_at[:-1], time_at[1:], reach, time_step, level_at[:-1], level_at[1:], level_step,
        way_at[:-1], way_at[1:],
    ]  # fmt: skip
    arrays = kernels.Rules(
        row_fact, places.start, pack_bits(fact_bits), pack_bits(place_bits), era_ms,
        pack_bits(era_bits), shift, bucket_era.astype(np.int32), places.repeat(always),
        places.repeat(places.from_ms), places.repeat(places.to_ms),
        places.repeat(places.lower_ft), places.repeat(places.upper_ft),
        (offset[:-1] + fact_code * fact_step).astype(np.int32),
        (place_code * place_step).astype(np.int32),
        np.stack(head, axis=1), time_ms, level_ft, way_bit,
    )  # fmt: skip
    number = {rule.id: i for i, rule in enumerate(bound.rulebook.rules)}
    position = np.array([*(number[rule.id] for rule in rules), -1], np.int16)
    return Layout(rules, position, arrays, offset, ways)


def _pick_rules(batch: Batch) -> tuple[Rule, ...]:
    """Rules that may speak of some row."""
    activities = set(batch.places.activities)
    known_ms = int(batch.known_ms.max(initial=batch.first_ms))
    return tuple(
        rule
        for rule in batch.rules
        if rule.where
        and not activities.isdisjoint(rule.activities)
        and rule.when.published_ms <= known_ms
        and judge_time(rule.when, batch.first_ms, batch.last_ms) is not False
    )


def _sort_places(
    batch: Batch, rules: tuple[Rule, ...], tables: list[tuple[Table, ...]]
) -> tuple[NDArray[np.bool_], NDArray[np.int32], list[int]]:
    """Which settings rules speak of, which they can tell apart, and how many kinds there are."""
    size = len(batch.places)
    bits = np.zeros((size, len(rules)), np.bool_)
    code = np.zeros((size, len(rules)), np.int32)
    counts = []
    for r, found in enumerate(tables):
        seen = [
            _see_places(batch, table, at_ms)
            for table in found
            if table.where or table.activities
            for at_ms in batch.eras
        ]
        bits[:, r] = np.any(seen[: len(batch.eras)], axis=0)  # the rule itself comes first
        code[:, r], example = join_codes(size, ((c.astype(np.int64), 2) for c in seen))
        counts.append(example.size)
    return bits, code, counts


def _see_places(batch: Batch, table: Table, at_ms: int) -> NDArray[np.bool_]:
    """Of which settings a table speaks, at one instant."""
    where, era = batch.places.where, bisect_right(GROUP_CHANGES_MS, at_ms)
    # What is found of the areas of an atlas is remembered: the rulebook keeps its tables alive.
    memory = batch.bound._seen if where is batch.bound.overflown else {}
    found = []
    for activity in batch.places.activities:
        # Of activities a table knows those that it names, and others.
        key = (id(table), era, not table.activities or activity in table.activities)
        if key not in memory:
            asked = (Question(activity, places, at_ms, at_ms, _NOBODY) for places in where)
            memory[key] = np.array([judge_place(table, question) for question in asked], np.bool_)
        found.append(memory[key])
    return np.concatenate(found)


def _sort_flights(
    batch: Batch, rules: tuple[Rule, ...], tables: list[tuple[Table, ...]]
) -> tuple[NDArray[np.int32], NDArray[np.bool_], NDArray[np.int32], list[int]]:
    """Classes of flights that all rules see alike; by class, what each rule makes of it."""
    # What a flight has crossed is told by the row, as ways met.
    facts = batch.facts.replace(crossed=FactColumn([None], np.zeros(len(batch.facts), np.int64)))
    asked = [list(dict.fromkeys(chain.from_iterable(map(split_facts, t)))) for t in tables]
    answers = {
        test: _Answers.collect(facts, partial(_judge_eras, test, batch.eras))
        for test in dict.fromkeys(chain.from_iterable(asked))
    }
    for test, found in answers.items():
        if "crossed" in found.looked_at and not _find_ways((test,)):
            raise NotImplementedError(f"{test.flight} asks for the way flown as rows do not tell")
    held = batch.bound.held
    weights = [_Answers.collect(facts, partial(weigh_every_verdict, rule, held)) for rule in rules]
    published = _find_publications(chain.from_iterable(tables))
    known = np.searchsorted(published, batch.known_ms, side="right")
    row_fact, example = join_codes(
        len(facts),
        [(known, len(published) + 1), *_join_answers([*weights, *answers.values()])],
    )
    bits = np.ones((example.size, len(rules)), np.bool_)
    code = np.zeros((example.size, len(rules)), np.int32)
    counts = []
    for r, (rule, weight) in enumerate(zip(rules, weights, strict=True)):
        limits = _find_publications(tables[r])
        hidden = np.searchsorted(limits, batch.known_ms[example], side="right")
        parts = [weight, *(answers[test] for test in asked[r])]
        code[:, r], kinds = join_codes(
            example.size, [(hidden, len(limits) + 1), *((p.of(example), p.count) for p in parts)]
        )
        counts.append(kinds.size)
        may_hold = [
            any(truth is not False for truth, _ in _judge_eras(rule, batch.eras, facts.row(flight)))
            and rule.when.published_ms <= batch.known_ms[flight]
            for flight in example[kinds].tolist()
        ]
        bits[:, r] = np.array(may_hold, np.bool_)[code[:, r]]
    return row_fact.astype(np.int32), bits, code, counts


def _judge_eras(table: Table, eras: tuple[int, ...], facts: FlightFacts) -> tuple[Any, ...]:
    return tuple(judge_facts(table, facts, at_ms) for at_ms in eras)


def _find_publications(tables: Iterable[Table]) -> list[int]:
    return sorted({table.when.published_ms for table in tables if table.when is not None})


def _join_answers(answers: Iterable[_Answers]) -> Iterable[tuple[Codes, int]]:
    """One code per flight for all answers that turn on the same facts."""
    by_classes: dict[int, list[_Answers]] = {}
    for part in answers:
        by_classes.setdefault(id(part.classes), []).append(part)
    for parts in by_classes.values():
        code, example = join_codes(parts[0].example.size, ((p.code, p.count) for p in parts))
        yield code[parts[0].classes], example.size


def _find_eras(batch: Batch, rules: tuple[Rule, ...]) -> tuple[Longs, NDArray[np.bool_]]:
    """Stretches of time between the dates of rules, and which rules may be in force in each."""
    dates = {ms for rule in rules for ms in (rule.when.start[0], rule.when.end[1])}
    inside = sorted(ms for ms in dates if batch.first_ms < ms <= batch.last_ms)
    start = [batch.first_ms, *inside]
    end = [*(ms - 1 for ms in inside), batch.last_ms]
    bits = [
        [judge_time(rule.when, *span) is not False for rule in rules]
        for span in zip(start, end, strict=True)
    ]
    return np.array(start, np.int64), np.array(bits, np.bool_).reshape(len(start), len(rules))


def _find_times(batch: Batch, rule: Rule, named: NDArray[np.bool_]) -> tuple[int, ...]:
    """Instants at which the verdict on a rule may change anywhere that it speaks of."""
    numbers = np.flatnonzero(named).tolist()
    where = dict.fromkeys(p for number in numbers for p in batch.places.setting(number)[1])
    return find_changes(batch.bound.rulebook, rule, batch.question(tuple(where)))


def _reach(dates: tuple[int, ...], longest_ms: int) -> int:
    """How many numbers of dates may fall into one row, none among them."""
    at = np.array(dates, np.int64)
    within = np.searchsorted(at, at + longest_ms, side="right") - np.arange(at.size)
    return 1 + int(within.max(initial=0))


def _find_levels(tables: Iterable[Table]) -> list[float]:
    levels = (table.levels for table in tables if table.levels is not None)
    return sorted({float(feet) for one in levels for feet in (one.lower_ft, one.upper_ft)})


def _find_ways(tables: Iterable[Table]) -> list[Way]:
    """Sets of territories of which tables ask whether one was crossed."""
    tests = (test for table in tables for test in table.flight)
    return list(dict.fromkeys(Way(test.crossed) for test in tests if test.crossed))


def _chain(lists: list[Any], dtype: Any) -> tuple[Longs, NDArray[Any]]:
    start = np.concatenate(([0], np.cumsum([len(values) for values in lists], dtype=np.int64)))
    return start, np.array(list(chain.from_iterable(lists)), dtype)


def pack_bits(bits: NDArray[np.bool_]) -> Words:
    """Rows of truths as words: bit j % 64 of word j // 64 is column j."""
    words = -(-bits.shape[1] // 64)
    padded = np.zeros((bits.shape[0], 64 * words), np.bool_)
    padded[:, : bits.shape[1]] = bits
    return np.packbits(padded, axis=1, bitorder="little").view("<u8").astype(np.uint64)
