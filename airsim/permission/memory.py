"""Answers remembered: questions that some rules cannot tell apart are judged once.

A verdict turns on what the tables of a rule ask of a flight and of places, and on the dates and
limits that a stay lies between. Questions that agree in all of that belong to one class. Of each
class the law itself is asked about the first question that comes along (see `decide` and
`find_breaches`, which remember nothing); the others get its verdicts.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from operator import attrgetter
from typing import Any

from airsim.base import GROUP_CHANGES_MS, OPEN_FROM
from airsim.law import (
    FlightFacts,
    Question,
    Rule,
    Unless,
    Verdict,
    When,
    judge_facts,
    judge_place,
    judge_time,
    parse_span,
    split_facts,
    walk_tables,
)
from airsim.permission.bound import BoundRulebook
from airsim.permission.decision import Decision, decide, find_breaches, find_candidates
from airsim.permission.facts import PASSING, Witness

_NOBODY = FlightFacts("", None, None, None, None)
ERAS = (OPEN_FROM, *GROUP_CHANGES_MS)
DAY_MS = 86_400_000


class Ask:
    """One thing that a table asks of some facts about a flight, and the answers so far."""

    __slots__ = ("_answers", "names", "test")

    def __init__(self, names: tuple[str, ...], test: Callable[[Any], Hashable]) -> None:
        self.names, self.test = names, test
        self._answers: dict[Hashable, Hashable] = {}

    def answer(self, value: Hashable, facts: FlightFacts) -> Hashable:
        """The answer about a flight whose facts of these names have a value."""
        if value not in self._answers:
            self._answers[value] = self.test(facts)
        return self._answers[value]


class Codes:
    """Sorts flights by some of their facts, as a few tables see them."""

    __slots__ = ("_number", "asks", "known", "names", "read")

    def __init__(self, bound: BoundRulebook, names: tuple[str, ...]) -> None:
        self.names = names
        self.asks: list[Ask] = []
        self.read: Callable[[Any], Hashable] = attrgetter(*names)
        if names == ("filed_ms",):
            self.read = _read_filing(bound)
        self.known: dict[Hashable, int] = {}
        self._number: dict[Hashable, int] = {}

    def find(self, facts: FlightFacts) -> int:
        """Number of what the tables say of a flight; they are asked once about each value."""
        value = self.read(facts)
        if value not in self.known:
            answers = tuple(ask.answer(value, facts) for ask in self.asks)
            self.known[value] = self._number.setdefault(answers, len(self._number))
        return self.known[value]


def _list_breaks(when: When) -> list[int]:
    """Times of the day at which a schedule begins or ends; none if not every day is the same."""
    if when.weekly or when.sun_at is not None:
        return []
    return sorted({side.offset_ms % DAY_MS for text in when.daily for side in parse_span(text)})


def _read_filing(bound: BoundRulebook) -> Callable[[Any], Hashable]:
    """Between which limits a plan was filed: filed at a limit is not yet after it."""
    limits = bound.filing_limits

    def read(facts: FlightFacts) -> Hashable:
        return None if facts.filed_ms is None else bisect_left(limits, facts.filed_ms)

    return read


class Classes:
    """Sorts questions about one activity at the same places into classes that rules answer alike.

    Parameters
    ----------
    bound : BoundRulebook
    rules : sequence of Rule
    dates, levels : iterable of float
        Further instants and feet that no class may reach across.
    """

    def __init__(
        self,
        bound: BoundRulebook,
        rules: Sequence[Rule],
        *,
        dates: Iterable[int] = (),
        levels: Iterable[float] = (),
    ) -> None:
        tables = [table for rule in rules for table in walk_tables(bound.rulebook, rule)]
        whens = dict.fromkeys(table.when for table in tables if table.when is not None)
        self.schedules = tuple(
            (when, _list_breaks(when)) for when in whens if when.daily or when.weekly
        )
        bounds = {at_ms for when in whens for at_ms in (*when.start, *when.end)}
        self.dates = sorted({*bounds, *GROUP_CHANGES_MS, *dates})
        limits = [table.levels for table in tables if table.levels is not None]
        feet = {float(ft) for one in limits for ft in (one.lower_ft, one.upper_ft)}
        self.levels = sorted({*feet, *levels})
        self.published = sorted({t.when.published_ms for t in tables if isinstance(t, Rule)})
        found: dict[tuple[str, ...], Codes] = {}
        for rule in rules:
            for ask in _list_asks(bound, rule):
                if ask.names not in found:
                    found[ask.names] = Codes(bound, ask.names)
                found[ask.names].asks.append(ask)
        self.lasting = tuple(c for c in found.values() if PASSING.isdisjoint(c.names))
        self.passing = tuple(c for c in found.values() if not PASSING.isdisjoint(c.names))

    def sort(self, question: Question) -> Hashable:
        """The class of a question; None where a schedule of the day would make too many."""
        start, end, known = question.start_ms, question.end_ms, question.known_ms
        scheduled: list[object] = []
        for when, breaks in self.schedules:
            if end < when.start[0] or start >= when.end[1]:
                scheduled.append(False)
            elif start != end:
                return None
            else:
                scheduled.append(
                    bisect_right(breaks, start % DAY_MS) if breaks else judge_time(when, start)
                )
        return (
            self.sort_facts(self.lasting, question.facts),
            self.sort_facts(self.passing, question.facts),
            bisect_right(self.dates, start),
            bisect_right(self.dates, end),
            len(self.published) if known is None else bisect_right(self.published, known),
            bisect_right(self.levels, question.lower_ft),
            bisect_right(self.levels, question.upper_ft),
            *scheduled,
        )

    @staticmethod
    def sort_facts(columns: Iterable[Codes], facts: FlightFacts) -> tuple[int, ...]:
        """The class of a flight by some of its facts."""
        try:  # asked so often that nothing else is asked first
            return tuple([codes.known[codes.read(facts)] for codes in columns])
        except KeyError:
            return tuple([codes.find(facts) for codes in columns])


def _list_asks(bound: BoundRulebook, rule: Rule) -> list[Ask]:
    """Everything that a rule, its exceptions and its licences ask of a flight."""
    key = ("asks", rule.id)
    if key not in bound._memory:
        asks = []
        for table in walk_tables(bound.rulebook, rule):
            for part in split_facts(table):
                # Each part asks one thing, and looks at the same facts whatever they are.
                witness: Any = Witness(partial(getattr, _NOBODY))
                judge_facts(part, witness, OPEN_FROM)
                dated = any(who.licensed_in_group or who.registered_in_group for who in part.who)
                eras = ERAS if dated else ERAS[:1]
                asks.append(Ask(tuple(sorted(witness.asked)), partial(_judge_eras, part, eras)))
        if rule.permit is not None:
            asks += [
                Ask(("scheduled",), attrgetter("scheduled")),
                Ask(("held",), partial(_is_among, rule.id, "held")),
                Ask(("refused",), partial(_is_among, rule.id, "refused")),
            ]
        bound._memory[key] = asks
    found: list[Ask] = bound._memory[key]
    return found


def _judge_eras(part: Unless, eras: tuple[int, ...], facts: FlightFacts) -> Hashable:
    return tuple(judge_facts(part, facts, at_ms) for at_ms in eras)


def _is_among(rule_id: str, fact: str, facts: FlightFacts) -> bool:
    return rule_id in getattr(facts, fact)


class Panel:
    """Rules that hear questions about one activity at places that they cannot tell apart."""

    def __init__(self, bound: BoundRulebook, rules: Sequence[Rule]) -> None:
        self.bound, self.rules = bound, rules
        self.classes = Classes(bound, rules)
        self._decided: dict[Hashable, Decision] = {}
        self._breached: dict[Hashable, tuple[Verdict, ...]] = {}

    def decide(self, question: Question) -> Decision:
        """As `decide` does, asking these rules."""
        if not self.rules:
            return decide(self.bound, question, rules=())
        key = self.classes.sort(question)
        found = self._decided.get(key) if key is not None else None
        if found is not None:
            return found.about(question)
        decision = decide(self.bound, question, rules=self.rules)
        if key is not None:
            self._decided[key] = decision
        return decision

    def find_breaches(self, question: Question) -> tuple[Verdict, ...]:
        """As `find_breaches` does; these rules are addressed to persons."""
        if not self.rules:
            return ()
        key = self.classes.sort(question)
        if key is None:
            return find_breaches(self.bound, question)
        if key not in self._breached:
            self._breached[key] = find_breaches(self.bound, question)
        return self._breached[key]


def recall_decision(
    bound: BoundRulebook, question: Question, *, heard: str | None = None
) -> Decision:
    """What `decide` says, from memory where a question of the same class was decided before.

    Parameters
    ----------
    bound : BoundRulebook
    question : Question
    heard : str, optional
        Ask the rules that speak of another activity at these places; default: of its own.

    Returns
    -------
    Decision
    """
    activity = heard or question.activity
    return _find_panel(bound, activity, question, find_candidates).decide(question)


def recall_breaches(bound: BoundRulebook, question: Question) -> tuple[Verdict, ...]:
    """What `find_breaches` says, from memory where it was asked the like before."""
    return _find_panel(bound, "persons", question, _list_person_rules).find_breaches(question)


def _list_person_rules(bound: BoundRulebook, question: Question) -> list[Rule]:
    return [rule for rule in bound.person_rules if question.activity in rule.activities]


def _find_panel(
    bound: BoundRulebook,
    heard: str,
    question: Question,
    list_rules: Callable[[BoundRulebook, Question], list[Rule]],
) -> Panel:
    """The rules that hear a question, with what they remember."""
    era = bisect_right(GROUP_CHANGES_MS, question.start_ms)
    until = bisect_right(GROUP_CHANGES_MS, question.end_ms)
    # Most places come as the same tuple again and again: its address is looked up before it.
    near = (heard, question.activity, id(question.places), era, until)
    known: tuple[object, Panel] | None = bound._memory.get(near)
    if known is not None and known[0] is question.places:
        return known[1]
    # Which aerodrome it is matters only where some table names it.
    named = bound.named_aerodromes
    places = tuple(
        replace(place, designator="")
        if place.layer == "aerodrome" and place.designator not in named
        else place
        for place in question.places
    )
    key = (heard, question.activity, places, era, until)
    panel: Panel | None = bound._memory.get(key)
    if panel is None:
        asked = question if heard == "persons" else replace(question, activity=heard)
        rules = list_rules(bound, asked)
        moments = [replace(question, start_ms=at_ms, end_ms=at_ms) for at_ms in ERAS]
        seen = tuple(
            judge_place(table, moment)
            for rule in rules
            for table in walk_tables(bound.rulebook, rule)
            if table.where
            for moment in moments
        )
        alike = ("panel", question.activity, tuple(rule.id for rule in rules), seen)
        panel = bound._memory.get(alike) or Panel(bound, rules)
        bound._memory[key] = bound._memory[alike] = panel
    bound._memory[near] = (question.places, panel)
    return panel
