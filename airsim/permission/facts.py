"""Facts about many flights as columns, and the classes into which a question sorts them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from functools import cached_property, partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from airsim.base import ProblemList
from airsim.law import FlightFacts

Codes = NDArray[np.int64]
Answer = TypeVar("Answer")

_FACTS = {f.name: f for f in fields(FlightFacts)}
_SMALL = 1 << 22  # a table of so many codes is quicker than a sort


@dataclass(frozen=True, slots=True, eq=False)
class FactColumn:
    """One fact about each of n flights.

    Parameters
    ----------
    values : sequence
        Values that the fact has, as `FlightFacts` takes them; repetitions do no harm.
    code : ndarray of int, shape (n,)
        Position in `values` for each flight.
    """

    values: Sequence[Any]
    code: NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False)
class FactsTable:
    """Facts about n flights, a column each.

    Parameters
    ----------
    size : int
        n.
    columns : mapping of str to FactColumn
        By field of `FlightFacts`; a field left out has its usual value, or is unknown.
    """

    size: int
    columns: Mapping[str, FactColumn]
    _sorted: dict[tuple[str, ...], tuple[Codes, Codes]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        problems = ProblemList()
        for name in sorted(set(self.columns) - set(_FACTS)):
            problems.add("facts", name, "is no fact that the law asks for", "see FlightFacts")
        needed = (name for name, f in _FACTS.items() if f.default is MISSING)
        for name in sorted(set(needed) - set(self.columns)):
            problems.add("facts", name, "is missing", "None says that it is not known")
        for name, column in sorted(self.columns.items()):
            code = np.asarray(column.code)
            if code.shape != (self.size,):
                problems.add("facts", name, f"has shape {code.shape}", f"({self.size},)")
            elif code.size and not 0 <= code.min() <= code.max() < len(column.values):
                problems.add("facts", name, "has codes beyond its values", "positions from 0")
        problems.raise_if_any()

    def __len__(self) -> int:
        return self.size

    def fact(self, i: int, name: str) -> Any:
        """One fact about one flight."""
        column = self.columns.get(name)
        return _FACTS[name].default if column is None else column.values[int(column.code[i])]

    def row(self, i: int) -> FlightFacts:
        """Facts about one flight."""
        return FlightFacts(**{name: c.values[int(c.code[i])] for name, c in self.columns.items()})

    def column(self, name: str) -> FactColumn:
        """One fact about all flights."""
        found = self.columns.get(name)
        return found or FactColumn([_FACTS[name].default], np.zeros(self.size, np.int64))

    @cached_property
    def codes(self) -> dict[str, tuple[Codes, int]]:
        """For each column, codes that differ only where values do, and how many there are."""
        found = {}
        for name, column in self.columns.items():
            number = {value: i for i, value in enumerate(dict.fromkeys(column.values))}
            code = np.array([number[value] for value in column.values], np.int64)
            found[name] = (code[np.asarray(column.code)], len(number))
        return found

    def replace(self, **columns: FactColumn) -> FactsTable:
        """The same flights with other columns in place of some."""
        return FactsTable(self.size, {**self.columns, **columns})

    def sort_by(self, names: Iterable[str]) -> tuple[Codes, Codes]:
        """Sort flights into classes that agree in some facts.

        Returns
        -------
        classes : ndarray of int64, shape (n,)
        example : ndarray of int64, shape (number of classes,)
            A flight of each class.
        """
        key = tuple(sorted(set(names) & set(self.columns)))
        if key not in self._sorted:
            self._sorted[key] = join_codes(self.size, [self.codes[name] for name in key])
        return self._sorted[key]


def join_codes(size: int, parts: Iterable[tuple[Codes, int]]) -> tuple[Codes, Codes]:
    """Number the combinations of several codes that occur, and find an example of each.

    Parameters
    ----------
    size : int
        n.
    parts : iterable of (ndarray of int, shape (n,); int)
        Codes from 0, and how many there may be.
    """
    joined, number = np.zeros(size, np.int64), min(size, 1)
    example = np.zeros(number, np.int64)
    for code, count in parts:
        if count > 1:
            joined = joined * count + code
            joined, example = _renumber(joined, number * count)
            number = example.size
    return joined, example


def _renumber(code: Codes, count: int) -> tuple[Codes, Codes]:
    if count > _SMALL:
        _, example, found = np.unique(code, return_index=True, return_inverse=True)
        return found.astype(np.int64), example.astype(np.int64)
    example = np.full(count, -1, np.int64)
    example[code[::-1]] = np.arange(code.size - 1, -1, -1)
    present = example >= 0
    return (np.cumsum(present) - 1)[code], example[present]


def tabulate_facts(facts: Sequence[FlightFacts]) -> FactsTable:
    """Put facts about flights into columns.

    Parameters
    ----------
    facts : sequence of FlightFacts

    Returns
    -------
    FactsTable
        Row i holds ``facts[i]``.
    """
    return FactsTable(
        len(facts), {name: make_column(getattr(f, name) for f in facts) for name in _FACTS}
    )


def make_column(values: Iterable[Any]) -> FactColumn:
    """A column from one value per flight."""
    number: dict[Any, int] = {}
    code = [number.setdefault(value, len(number)) for value in values]
    return FactColumn(tuple(number), np.array(code, np.int64))


class Witness:
    """Facts about a flight that remember which of them were asked for."""

    __slots__ = ("asked", "read")

    def __init__(self, read: Callable[[str], Any]) -> None:
        self.read = read
        self.asked: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        self.asked.add(name)
        return self.read(name)


# What a flight's ends, its route and its planning may change: all else stays as long as it flies.
PASSING = frozenset(
    {"origin", "destination", "origin_state", "destination_state", "stops", "crossed", "filed_ms"}
)


def classify(
    table: FactsTable, ask: Callable[[Any], Answer]
) -> tuple[frozenset[str], list[Answer]]:
    """Ask one question about every flight, but only once of flights that must answer alike.

    Flights are sorted by the facts that the question was seen to look at, until it looks at no
    other: those of one class then give the same answer, whatever the question is made of.

    Parameters
    ----------
    table : FactsTable
    ask : callable
        Takes facts; its answer depends on nothing else.

    Returns
    -------
    looked_at : frozenset of str
        Facts that the question looks at.
    answers : list
        One for each class of ``table.sort_by(looked_at)``.
    """
    looked_at: set[str] = set()
    while True:
        known = frozenset(looked_at)
        answers: list[Answer] = []
        for flight in table.sort_by(known)[1].tolist():
            witness = Witness(partial(table.fact, flight))
            answers.append(ask(witness))
            looked_at |= witness.asked
            if looked_at > known and len(answers) > 8:
                break
        if looked_at == known:
            return known, answers
