"""Why a rule applies or does not: the same verdict as a tree, each test with what met it.

Truths come from the tests that `judge_rule` itself asks; nothing is judged here a second time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from airsim.base import OPEN_FROM, OPEN_TO, format_instant
from airsim.law.judge import (
    FlightFacts,
    Question,
    Test,
    Truth,
    all_of,
    any_of,
    find_decisive,
    flight_tests,
    negate,
    table_tests,
    who_tests,
)
from airsim.law.model import Levels, Rule, Unless, When, Where
from airsim.law.rulebook import Rulebook

NodeKind = Literal["rule", "exception", "licence", "test", "any"]
_MOST_NAMES = 8


@dataclass(frozen=True, slots=True)
class Node:
    """One step of an explanation.

    Parameters
    ----------
    id : str
        Of the rule, exception or licence; of a test the field of the rulebook file.
    kind : {"rule", "exception", "licence", "test", "any"}
        ``any`` holds if one of its children does; every other kind with children holds if all
        of them do, exceptions and licences counting the other way round.
    title : str
        What is asked, in words.
    truth : bool or None
        Whether the rule applies, the exception or licence takes it away, the test is met.
    found : str
        The fact that a test met or missed, in words.
    missing : frozenset of str
        Facts that would decide, where `truth` is None.
    children : tuple of Node
    """

    id: str
    kind: NodeKind
    title: str
    truth: Truth
    found: str = ""
    missing: frozenset[str] = frozenset()
    children: tuple[Node, ...] = ()

    @property
    def reliefs(self) -> tuple[Node, ...]:
        """Exceptions and licences directly below."""
        return tuple(child for child in self.children if child.kind in ("exception", "licence"))

    @property
    def tests(self) -> tuple[Node, ...]:
        """Tests directly below."""
        return tuple(child for child in self.children if child.kind in ("test", "any"))


def explain(rulebook: Rulebook, rule: Rule, question: Question) -> Node:
    """Explain the verdict on one rule.

    Parameters
    ----------
    rulebook : Rulebook
        Where licences are looked up.
    rule : Rule
    question : Question

    Returns
    -------
    Node
        Of kind ``rule``; its truth is that of `judge_rule`. Of a stay, the moment is explained
        that gives the verdict.
    """
    asked, _ = find_decisive(rulebook, rule, question)
    licences = rulebook.licences_by_rule.get(rule.id, ())
    return _explain_table(
        rule, "rule", asked, [_explain_table(x, "licence", asked) for x in licences]
    )


def _explain_table(
    table: Rule | Unless, kind: NodeKind, question: Question, licences: Iterable[Node] = ()
) -> Node:
    tests = [_explain_test(table, test, question) for test in table_tests(table, question)]
    inner = [_explain_table(unless, "exception", question) for unless in table.unless]
    children = (*tests, *inner, *licences)
    truth, missing = all_of(
        negate((c.truth, c.missing)) if c.kind in ("exception", "licence") else (c.truth, c.missing)
        for c in children
    )
    return Node(table.id, kind, table.title, truth, "", missing, children)


def _explain_test(table: Rule | Unless, test: Test, question: Question) -> Node:
    field, (truth, missing) = test
    if field == "who":
        return _explain_any(
            field, table.who, lambda t: who_tests(t, question.facts, question.start_ms),
            question.facts,
        )  # fmt: skip
    if field == "flight":
        return _explain_any(
            field, table.flight, lambda t: flight_tests(t, question.facts), question.facts
        )
    title, found = _describe_part(table, field, question)
    return Node(field, "test", title, truth, found, missing)


def _explain_any(
    field: str, tables: tuple[Any, ...], judge: Callable[[Any], Iterable[Test]], facts: FlightFacts
) -> Node:
    """Alternatives of which one must hold, each of fields that must all hold."""
    found = []
    for table in tables:
        tests = [
            Node(name, "test", _ask(name, getattr(table, name)), truth, _tell(name, facts), missing)
            for name, (truth, missing) in judge(table)
        ]
        if len(tests) == 1:
            found += tests
            continue
        truth, missing = all_of((test.truth, test.missing) for test in tests)
        title = " and ".join(test.title for test in tests)
        found.append(Node(field, "test", title, truth, "", missing, tuple(tests)))
    if len(found) == 1:
        return found[0]
    truth, missing = any_of((node.truth, node.missing) for node in found)
    title = " or ".join(node.title for node in found)
    return Node(field, "any", title, truth, "", missing, tuple(found))


# ------------------------------------------------------------------------------------- in words
def name_some(names: Iterable[object]) -> str:
    """Names joined by commas; of a long list the first and how many more."""
    listed = [str(name) for name in names]
    if len(listed) <= _MOST_NAMES:
        return ", ".join(listed)
    return f"{', '.join(listed[:_MOST_NAMES])} and {len(listed) - _MOST_NAMES} more"


def _name_values(value: object) -> str:
    if isinstance(value, tuple | frozenset):
        return name_some(sorted(value) if isinstance(value, frozenset) else value)
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)


# What a field asks, what is said of the flight, of a flight of which it is known to be none, and
# where the fact stands. A missing fact is always told in the same way.
_FIELDS: dict[str, tuple[str, str, str, str]] = {
    "operator": ("flown by {}", "flown by {}", "", "operator"),
    "operator_not": ("not flown by {}", "flown by {}", "", "operator"),
    "licensed_in": ("operator licensed in {}", "licensed in {}", "no licence", "licensed_in"),
    "licensed_in_group": (
        "operator licensed in a State of the group {}", "licensed in {}", "no licence",
        "licensed_in",
    ),
    "licensed_not_in": (
        "operator not licensed in {}", "licensed in {}", "no licence", "licensed_in",
    ),
    "registered_in": ("registered in {}", "registered in {}", "no register", "registered_in"),
    "registered_in_group": (
        "registered in a State of the group {}", "registered in {}", "no register",
        "registered_in",
    ),
    "registration": ("aircraft {}", "aircraft {}", "no mark", "registration"),
    "registration_not": ("not aircraft {}", "aircraft {}", "no mark", "registration"),
    "owned_in": ("owned in {}", "owned in {}", "no owner", "owned_in"),
    "controlled_in": ("controlled from {}", "controlled from {}", "nobody", "controlled_in"),
    "chartered_in": ("chartered from {}", "chartered from {}", "not chartered", "chartered_in"),
    "decided_in": (
        "time and place decided from {}", "decided from {}", "decided by nobody else", "decided_in",
    ),
    "marketed_in": (
        "also sold by a carrier of {}", "sold by carriers of {}", "sold by no other carrier",
        "marketed_in",
    ),
    "designated": ("listed by {}", "listed by {}", "on no list", "designated"),
    "us_origin": ("{}", "{}", "", "us_origin"),
    "us_content_over": (
        "over {} % of controlled United States content", "{} %", "", "us_content",
    ),
    "typecode": ("type {}", "type {}", "no type", "typecode"),
    "max_seats": ("at most {} seats", "{} seats", "", "seats"),
    "scheduled": ("{}", "{}", "", "scheduled"),
    "service": ("service {}", "service {}", "no service", "service"),
    "origin_in": ("from {}", "from {}", "origin not known", "origin_state"),
    "origin_not_in": ("not from {}", "from {}", "origin not known", "origin_state"),
    "destination_in": ("to {}", "to {}", "destination not known", "destination_state"),
    "destination_not_in": ("not to {}", "to {}", "destination not known", "destination_state"),
    "origin": ("from {}", "from {}", "origin not known", "origin"),
    "destination": ("to {}", "to {}", "destination not known", "destination"),
    "destination_not": ("not to {}", "to {}", "destination not known", "destination"),
    "plan_aerodrome_in": ("an aerodrome of {} on the flight plan", "plan: {}", "", "plan"),
    "crossed": ("came over {}", "came over {}", "came over nothing before", "crossed"),
    "filed_after": ("flight plan filed after {}", "filed {}", "", "filed_ms"),
    "item": ("goods of class {}", "goods of class {}", "no such goods", "item"),
    "status": ("declared {}", "declared {}", "nothing declared", "status"),
}  # fmt: skip


_EITHER = {
    "us_origin": ("not of United States origin", "of United States origin"),
    "scheduled": ("not scheduled", "scheduled"),
}


def _ask(field: str, wanted: object) -> str:
    if isinstance(wanted, bool):
        wanted = _EITHER[field][wanted]
    elif field == "filed_after" and isinstance(wanted, int):
        wanted = format_instant(wanted)
    elif field == "status" and isinstance(wanted, tuple):
        wanted = " or ".join(wanted)
    return _FIELDS[field][0].format(_name_values(wanted))


def _tell(field: str, facts: FlightFacts) -> str:
    _, phrase, none, fact = _FIELDS[field]
    if fact == "plan":
        stops = [(facts.origin, facts.origin_state), *facts.stops]
        stops.append((facts.destination, facts.destination_state))
        return phrase.format(", ".join(f"{icao} ({state})" for icao, state in stops))
    value = getattr(facts, fact)
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return _EITHER[field][value]
    if fact == "filed_ms":
        return phrase.format(format_instant(value))
    return phrase.format(_name_values(value)) if value or value == 0 else none


def _describe_part(table: Rule | Unless, field: str, question: Question) -> tuple[str, str]:
    """What one part of a rule or exception asks, and what the question has to say to it."""
    if field == "published":
        assert isinstance(table, Rule)
        known = "" if question.known_ms is None else format_instant(question.known_ms)
        published = format_instant(table.when.published_ms)
        return f"known by {known or 'now'}", f"published {published or 'before records begin'}"
    if field == "when":
        assert table.when is not None
        return describe_when(table.when), _describe_span(question)
    if field == "activities":
        return ", ".join(table.activities), question.activity
    if field == "where":
        return " or ".join(describe_where(where) for where in table.where), ", ".join(
            f"{place.layer} {place.designator}" for place in question.places
        )
    if field == "levels":
        assert table.levels is not None
        flown = dict.fromkeys(f"{ft:,.0f} ft" for ft in (question.lower_ft, question.upper_ft))
        return _describe_levels(table.levels), "flown at " + " to ".join(flown)
    assert isinstance(table, Unless)
    granted = table.granted_as in question.facts.derogations
    return f"permission of {table.permission_of}", "granted" if granted else "none granted"


def _describe_span(question: Question) -> str:
    start, end = format_instant(question.start_ms), format_instant(question.end_ms)
    return start if start == end else f"{start} to {end}"


def describe_when(when: When) -> str:
    """Dates and schedule of a rule in words."""
    parts = []
    if when.start != (OPEN_FROM, OPEN_FROM):
        parts.append(f"from {tell_bounds(when.start)}")
    if when.end != (OPEN_TO, OPEN_TO):
        parts.append(f"until {tell_bounds(when.end)}")
    if when.weekly:
        days = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
        parts.append("on " + ", ".join(days[day - 1] for day in when.weekly))
    if when.daily:
        parts.append(", ".join(f"{span}{'' if when.sun_at else 'Z'}" for span in when.daily))
    return "in force " + (" ".join(parts) or "at all times")


def tell_instant(at_ms: int) -> str:
    """An instant for a reader: the day alone if it is midnight UTC."""
    text = format_instant(at_ms)
    return text[:10] if text.endswith("T00:00:00Z") else text.replace(":00Z", "Z")


def tell_bounds(bounds: tuple[int, int]) -> str:
    """A date of a rule, or the interval in which it lies; empty if it is open."""
    if bounds[0] in (OPEN_FROM, OPEN_TO):
        return ""
    first, last = (tell_instant(stamp) for stamp in bounds)
    return first if first == last else f"some time from {first} to {last}"


def describe_where(where: Where) -> str:
    """Places of a rule in words."""
    parts = []
    for name, codes in (
        ("territory of", where.territory), ("FIR", where.fir), ("zone", where.zone),
        ("aerodrome", where.aerodrome),
    ):  # fmt: skip
        if codes:
            parts.append(f"{name} {name_some(codes)}")
    if where.territory_group:
        parts.append(f"territory of the group {where.territory_group}")
    if where.eu_territory:
        parts.append("territory of the Union")
    if where.anywhere:
        parts.append("anywhere")
    said = " or ".join(parts)
    return f"{said} but {name_some(where.except_territory)}" if where.except_territory else said


def _describe_levels(levels: Levels) -> str:
    return f"{levels.lower_ft:,} to below {levels.upper_ft:,} ft"
