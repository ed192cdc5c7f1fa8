"""Decisions in bulk: rules laid out as tables, so that a crossing costs a few look-ups.

The verdict of a rule on a crossing turns on a few things only, and of each the rule can tell but
a few classes apart: facts about the flight (alike, if all that the rule asks is answered alike),
the place (named or not, by the rule and by its exceptions), entry and exit (between which of its
dates), levels (between which of its limits), and what was crossed before. So a rule is a small
table with one cell per combination of classes. A cell is filled, when a row first asks for it, by
`judge_rule` itself: there is no second judge here that might disagree with the first. Bitsets over
all rules dismiss beforehand those that cannot speak; most rows need no cell at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from airsim.airspace import Crossings
from airsim.base import OPEN_FROM, OPEN_TO, ProblemList
from airsim.law import FlightFacts, Question, judge_rule
from airsim.permission.bound import BoundRulebook
from airsim.permission.decision import Decision, decide, weigh_verdict
from airsim.permission.facts import FactsTable, make_column, tabulate_facts
from airsim.permission.layout import Batch, Longs, Places, Words, lay_out, pack_bits
from airsim.units import UNLIMITED_FT

if TYPE_CHECKING:
    from airsim.kernels import Rows


@dataclass(frozen=True, slots=True, eq=False)
class VerdictList:
    """All that rules say about the rows of a table: row by row, rules in their order.

    Parameters
    ----------
    row : ndarray of int64, shape (m,)
        Row of the `DecisionTable`.
    rule : ndarray of int16, shape (m,)
        Position in ``rulebook.rules``.
    weight : ndarray of int8, shape (m,)
        As `Outcome`; 5 is a permit presumed, 6 not judged, 7 conditional on the way flown.
    """

    row: Longs
    rule: NDArray[np.int16]
    weight: NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class DecisionTable:
    """Decisions on n rows.

    Parameters
    ----------
    outcome : ndarray of int8, shape (n,)
        As `Outcome`. Areas not in use at the time and levels of a crossing are PERMITTED.
    rule : ndarray of int16, shape (n,)
        The first rule that decides, as its position in ``rulebook.rules``; -1 if none does.
    said : ndarray of int16, shape (n,)
        How many rules say anything, decisive or not.
    """

    outcome: NDArray[np.int8]
    rule: NDArray[np.int16]
    said: NDArray[np.int16]
    _tables: RuleTables
    _rows: Rows
    _way: Words

    def __len__(self) -> int:
        return self.outcome.size

    def question(self, k: int) -> Question:
        """What row k asks, knowing what was crossed until then."""
        return self._tables._question(self._rows, k)

    def decision(self, k: int) -> Decision:
        """The decision on row k with all its reasons, from the judge of single questions."""
        first, last = np.searchsorted(self._said.row, (k, k + 1)).tolist()
        rules = self._tables.bound.rulebook.rules
        speaking = [rules[i] for i in self._said.rule[first:last].tolist()]
        return decide(self._tables.bound, self.question(k), rules=speaking)

    @cached_property
    def _said(self) -> VerdictList:
        return self.list_verdicts()

    def list_verdicts(self) -> VerdictList:
        """Every rule that says anything about a row, and what."""
        return self._tables._list_verdicts(self)

    def count_deciding(self) -> dict[str, int]:
        """How many rows each rule decides, alone or with others, by rule id."""
        said = self._said
        deciding = said.rule[said.weight == self.outcome[said.row]]
        rules = self._tables.bound.rulebook.rules
        counts = np.bincount(deciding, minlength=len(rules)).tolist()
        return {rule.id: count for rule, count in zip(rules, counts, strict=True) if count}


def _within(values: NDArray[Any], limit: ArrayLike) -> NDArray[np.bool_]:
    return (values >= 0) & (values < limit)


# What a stay in an airspace may be part of.
STAYS = ("overflight", "landing", "take-off")
_NOT_LISTED = np.empty(0, np.int64)


class RuleTables:
    """Rules laid out for a batch of flights; their cells fill as rows ask for them.

    Parameters
    ----------
    batch : Batch
    follow : bool
        Rows are stays in the order flown: each knows the territories entered before it.
    """

    def __init__(self, batch: Batch, *, follow: bool) -> None:
        self.bound = batch.bound
        self._batch, self._follow, self._layout = batch, follow, lay_out(batch)
        self._cells = np.full(int(self._layout.offset[-1]), -1, np.int8)

    def judge(
        self, crossings: Crossings, entry_ms: ArrayLike, exit_ms: ArrayLike, lower_ft: ArrayLike,
        upper_ft: ArrayLike, activity: ArrayLike | None = None,
    ) -> DecisionTable:  # fmt: skip
        """Decide on crossings of the batch, as `judge_crossings`; in any number of pieces.

        A flight's crossings must not be split between pieces.
        """
        from airsim import kernels

        stay = np.zeros(len(crossings), np.int8) if activity is None else np.asarray(activity)
        rows = kernels.Rows(
            np.ascontiguousarray(crossings.path, np.int32),
            np.ascontiguousarray(crossings.layer, np.int8),
            np.ascontiguousarray(crossings.area, np.int32),
            np.ascontiguousarray(entry_ms, np.int64), np.ascontiguousarray(exit_ms, np.int64),
            np.ascontiguousarray(lower_ft, np.float64), np.ascontiguousarray(upper_ft, np.float64),
        )  # fmt: skip
        self._check(rows, stay)
        # The layers of each activity follow those of the one before.
        layer = rows.layer + np.int8(len(self.bound.atlas.layers)) * stay.astype(np.int8)
        return self._judge(rows._replace(layer=layer))

    def _check(self, rows: Rows, stay: NDArray[Any]) -> None:
        problems, batch = ProblemList(), self._batch
        for name, column in (*rows._asdict().items(), ("activity", stay)):
            if column.shape != rows.flight.shape:
                problems.add("crossings", name, "is not as long as the crossings", "a value each")
        problems.raise_if_any()
        layers = self.bound.atlas.layers
        layer = np.clip(rows.layer, 0, len(layers) - 1)
        areas = np.array([len(one) for one in layers])
        late = rows.exit_ms - rows.entry_ms > batch.longest_ms
        for wrong, name, problem, remedy in (
            (~_within(rows.flight, len(batch.facts)), "path", "has no facts", "a row for each"),
            (rows.layer != layer, "layer", "is none of the atlas", "positions in layer_names"),
            (~_within(rows.area, areas[layer]), "area", "is none of its layer", "rows from 0"),
            (~_within(stay, len(STAYS)), "activity", "is none of a stay", "0, 1 or 2"),
            (np.diff(rows.flight) < 0, "path", "is not sorted", "as find_crossings gives it"),
            (rows.entry_ms > rows.exit_ms, "entry_ms", "is after exit_ms", "enter first"),
            (rows.entry_ms < batch.first_ms, "entry_ms", "is before the batch", "a wider span"),
            (rows.exit_ms > batch.last_ms, "exit_ms", "is after the batch", "a wider span"),
            (late, "exit_ms", "makes a stay longer than the batch allows", "a larger longest_ms"),
            (~(rows.lower_ft <= rows.upper_ft), "lower_ft", "is not up to upper_ft", "feet"),
        ):
            for k in np.flatnonzero(wrong)[:3]:
                problems.add("crossings", f"{name} of row {k}", problem, remedy)
        problems.raise_if_any()

    def _judge(self, rows: Rows) -> DecisionTable:
        way = self._trace_ways(rows)
        while True:
            wanted = np.full(self._cells.size, -1, np.int32)
            outcome, first, said = self._sweep(rows, way, wanted)[:3]
            empty = np.flatnonzero(wanted >= 0)
            if not empty.size:
                return DecisionTable(outcome, self._layout.position[first], said, self, rows, way)
            self._fill(rows, empty, wanted[empty])

    def _sweep(
        self, rows: Rows, way: Words, wanted: NDArray[np.int32], start: Longs = _NOT_LISTED
    ) -> tuple[NDArray[Any], ...]:
        """Run over the rows: outcome, first rule, how many speak; and, if asked, all that do."""
        from airsim import kernels

        size, listed = rows.flight.size, int(start[-1]) if start.size else 0
        found = (
            np.zeros(size, np.int8), np.full(size, -1, np.int16), np.zeros(size, np.int16),
            np.empty(listed, np.int16), np.empty(listed, np.int8),
        )  # fmt: skip
        if self._layout.rules:
            kernels.judge_rows(
                self._layout.arrays, self._cells, wanted, rows, way, *found[:3], start, *found[3:]
            )
        return found

    def _fill(self, rows: Rows, cells: Longs, asking: NDArray[np.int32]) -> None:
        """Have empty cells judged, each for a row that asks for it."""
        owner = np.searchsorted(self._layout.offset, cells, side="right") - 1
        for cell, number, k in zip(cells.tolist(), owner.tolist(), asking.tolist(), strict=True):
            question = self._question(rows, k)
            verdict = judge_rule(self.bound.rulebook, self._layout.rules[number], question)
            self._cells[cell] = weigh_verdict(verdict, question.facts, self.bound.held)

    def _list_verdicts(self, table: DecisionTable) -> VerdictList:
        start = np.concatenate(([0], np.cumsum(table.said, dtype=np.int64)))
        none_wanted = np.empty(0, np.int32)
        rule, weight = self._sweep(table._rows, table._way, none_wanted, start)[3:]
        row = np.repeat(np.arange(len(table), dtype=np.int64), table.said)
        return VerdictList(row, self._layout.position[rule], weight)

    # ------------------------------------------------------------------------- the way so far
    def _trace_ways(self, rows: Rows) -> Words:
        """For each row, which of the ways that rules ask for were met until then."""
        from airsim import kernels

        ways, batch = self._layout.ways, self._batch
        way = np.zeros((rows.flight.size, -(-(len(ways) + 1) // 64)), np.uint64)
        if not ways:
            return way
        crossed = batch.facts.column("crossed")
        before = self._meet(crossed.values)[crossed.code]
        if not self._follow:
            return np.ascontiguousarray(before[rows.flight])
        land = [
            {place.designator for place in places if place.layer == "territory"}
            for places in batch.places.where
        ]
        met = np.tile(self._meet(land), (len(batch.places.activities), 1))
        kernels.trace_ways(
            self._layout.arrays, met, rows,
            np.searchsorted(rows.flight, np.arange(len(batch.facts) + 1)),
            before, way,
        )  # fmt: skip
        return way

    def _meet(self, crossed: Sequence[Iterable[str] | None]) -> Words:
        """Which ways have a State among those crossed; the last bit: not known."""
        ways = self._layout.ways
        bits = np.zeros((len(crossed), len(ways) + 1), np.bool_)
        for i, states in enumerate(crossed):
            if states is not None:
                bits[i, :-1] = [not way.isdisjoint(states) for way in ways]
            else:
                bits[i, -1] = not self._follow
        return pack_bits(bits)

    def _question(self, rows: Rows, k: int) -> Question:
        batch, flight = self._batch, int(rows.flight[k])
        facts = batch.facts.row(flight)
        if self._follow:
            states = self._crossed_until(rows, k) | (facts.crossed or frozenset())
            facts = replace(facts, crossed=states)
        number = int(batch.places.start[rows.layer[k]] + rows.area[k])
        activity, where = batch.places.setting(number)
        known_ms = int(batch.known_ms[flight])
        return Question(
            activity, where, int(rows.entry_ms[k]), int(rows.exit_ms[k]), facts,
            float(rows.lower_ft[k]), float(rows.upper_ft[k]),
            None if known_ms == OPEN_TO else known_ms,
        )  # fmt: skip

    def _crossed_until(self, rows: Rows, k: int) -> frozenset[str]:
        """Territories in use that a flight has entered up to row k, itself included."""
        places = self._batch.places
        first = int(np.searchsorted(rows.flight, rows.flight[k]))
        run = slice(first, k + 1)
        at = (places.start[rows.layer[run]] + rows.area[run]) % len(places.where)
        used = (
            (places.from_ms[at] <= rows.entry_ms[run]) & (rows.entry_ms[run] < places.to_ms[at])
            & (rows.lower_ft[run] < places.upper_ft[at])
            & (rows.upper_ft[run] >= places.lower_ft[at])
        )  # fmt: skip
        found = (place for i in at[used].tolist() for place in places.where[i])
        return frozenset(place.designator for place in found if place.layer == "territory")


def lay_out_rules(
    bound: BoundRulebook,
    facts: FactsTable | Sequence[FlightFacts],
    *,
    first_ms: int,
    last_ms: int,
    longest_ms: int | None = None,
    known_ms: ArrayLike | None = None,
) -> RuleTables:
    """Lay out all rules for crossings of many flights, to be judged in pieces.

    Parameters
    ----------
    bound : BoundRulebook
    facts : FactsTable or sequence of FlightFacts
        Of each flight (path); `crossed` is what was entered before the path begins.
    first_ms, last_ms : int
        UTC ms: no crossing begins before or ends after.
    longest_ms : int, optional
        No crossing is longer. Default: the whole span; shorter keeps the tables smaller.
    known_ms : int or array_like of int, optional
        Hide rules published later, for all flights or for each; default: the law in force,
        published or not.

    Returns
    -------
    RuleTables
        ``tables.judge(crossings, entry_ms, exit_ms, lower_ft, upper_ft)`` decides.
    """
    table = facts if isinstance(facts, FactsTable) else tabulate_facts(facts)
    layers = bound.atlas.layers

    def join(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(layer, name) for layer in layers])

    lower_ft, upper_ft = join("lower_ft"), join("upper_ft")
    areas = len(bound.overflown)
    firsts = np.cumsum([0, *map(len, layers)], dtype=np.int64)[:-1]
    places = Places(
        STAYS, bound.overflown, np.concatenate([firsts + areas * i for i in range(len(STAYS))]),
        join("valid_from_ms"), join("valid_to_ms"),
        np.where(lower_ft == 0, -np.inf, lower_ft),
        np.where(upper_ft == UNLIMITED_FT, np.inf, upper_ft),
    )  # fmt: skip
    known = np.broadcast_to(np.asarray(OPEN_TO if known_ms is None else known_ms), (len(table),))
    longest = last_ms - first_ms if longest_ms is None else longest_ms
    return RuleTables(
        Batch(
            bound, bound.overflight_rules, table, places, first_ms, last_ms, longest,
            known.astype(np.int64),
        ),
        follow=True,
    )  # fmt: skip


def judge_crossings(
    bound: BoundRulebook,
    crossings: Crossings,
    facts: FactsTable | Sequence[FlightFacts],
    *,
    entry_ms: ArrayLike,
    exit_ms: ArrayLike,
    lower_ft: ArrayLike,
    upper_ft: ArrayLike,
    activity: ArrayLike | None = None,
    known_ms: ArrayLike | None = None,
) -> DecisionTable:
    """Decide on overflight for all crossings of many flights at once.

    Parameters
    ----------
    bound : BoundRulebook
    crossings : Crossings
        n rows, as `find_crossings` gives them for paths flown one by one.
    facts : FactsTable or sequence of FlightFacts
        Of each flight: row i is about path i. `crossed` is what was entered before the path
        begins; unknown counts as nothing.
    entry_ms, exit_ms : array_like of int, shape (n,)
        When each crossing begins and ends, UTC ms.
    lower_ft, upper_ft : array_like of float, shape (n,)
        Lowest and highest level of each crossing, feet.
    activity : array_like of int, shape (n,), optional
        What each crossing is part of: 0 overflight (default), 1 landing, 2 take-off. Only rules
        on overflight are asked, and of those, in the airspace that a flight enters to land or to
        take off, only those that speak of that too.
    known_ms : int or array_like of int, optional
        Hide rules published later, for all flights or for each; default: the law in force,
        published or not.

    Returns
    -------
    DecisionTable
        Row by row what `decide` would say; areas not in use at the time and levels of a crossing
        are PERMITTED. Empty for no crossings.

    Raises
    ------
    InputError
        Lengths that do not match, paths out of order or without facts, a crossing that ends
        before it begins or is lower than its lower level.

    Notes
    -----
    The result does not depend on the number of threads. For more crossings than fit into memory,
    see `lay_out_rules`.
    """
    spans = np.asarray(entry_ms, np.int64), np.asarray(exit_ms, np.int64)
    given = spans[0].size and spans[0].shape == spans[1].shape
    tables = lay_out_rules(
        bound, facts,
        first_ms=int(spans[0].min()) if given else 0,
        last_ms=int(spans[1].max()) if given else 0,
        longest_ms=int((spans[1] - spans[0]).max()) if given else 0,
        known_ms=known_ms,
    )  # fmt: skip
    return tables.judge(crossings, *spans, lower_ft, upper_ft, activity)


def judge_questions(bound: BoundRulebook, questions: Sequence[Question]) -> DecisionTable:
    """Decide on many questions of any kind at once: row k is what `decide` says of question k.

    Parameters
    ----------
    bound : BoundRulebook
    questions : sequence of Question
        Any activities at any places.

    Returns
    -------
    DecisionTable
        ``decision(k)`` has the reasons.
    """
    from airsim import kernels

    size = len(questions)
    activity, where = (
        make_column(q.activity for q in questions),
        make_column(q.places for q in questions),
    )
    count = len(where.values)
    spans = np.array([(q.start_ms, q.end_ms) for q in questions], np.int64).reshape(size, 2)
    levels = np.array([(q.lower_ft, q.upper_ft) for q in questions], np.float64).reshape(size, 2)
    places = Places(
        tuple(activity.values), tuple(where.values), count * np.arange(len(activity.values)),
        np.full(count, OPEN_FROM), np.full(count, OPEN_TO),
        np.full(count, -np.inf), np.full(count, np.inf),
    )  # fmt: skip
    known = [OPEN_TO if q.known_ms is None else q.known_ms for q in questions]
    batch = Batch(
        bound, bound.airspace_rules, tabulate_facts([q.facts for q in questions]), places,
        int(spans[:, 0].min()) if size else 0, int(spans[:, 1].max()) if size else 0,
        int((spans[:, 1] - spans[:, 0]).max(initial=0)), np.array(known, np.int64),
    )  # fmt: skip
    rows = kernels.Rows(
        np.arange(size, dtype=np.int32), activity.code.astype(np.int8), where.code.astype(np.int32),
        *np.ascontiguousarray(spans.T), *np.ascontiguousarray(levels.T),
    )  # fmt: skip
    return RuleTables(batch, follow=False)._judge(rows)
