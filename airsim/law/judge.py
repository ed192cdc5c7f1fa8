"""Does a rule apply? Three-valued judgement of one rule on one question.

True: it applies. False: it does not. None: a missing fact would decide, and is named.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, TypeVar

from airsim.base import GROUP_CHANGES_MS, states_in_group
from airsim.law.model import (
    DaySide,
    FlightTest,
    Levels,
    Rule,
    Unless,
    When,
    Where,
    Who,
    parse_span,
)
from airsim.law.rulebook import Rulebook, walk_table
from airsim.law.sun import DAY_MS, find_sun_times

Truth = bool | None


@dataclass(frozen=True, slots=True)
class FlightFacts:
    """What the law may ask about a flight. ``None`` is unknown; ``""`` is known to be none.

    Parameters
    ----------
    operator : str
        ICAO designator.
    licensed_in, registered_in, owned_in, controlled_in, chartered_in : str or None
        ISO 3166-1 alpha-2 of the licensing State, State of registry, owner, controller, charterer.
    decided_in : str or None
        State of whoever can decide when and where the aircraft takes off or lands.
    marketed_in : frozenset of str or None
        Licensing States of other carriers that sell the flight under their own code.
    designated : frozenset of str or None
        Sanctions lists (EU, UK, OFAC, ...) on which operator, owner or charterer stands.
    registration, typecode : str or None
    seats : int or None
    us_origin : bool or None
        Whether the airframe is of United States origin.
    us_content : float or None
        Controlled United States content of the airframe, percent.
    scheduled : bool or None
    service : str
        passenger, cargo, ...
    origin, destination : str
        ICAO location indicators; `origin_state`, `destination_state` their States.
    stops : tuple of (str, str)
        Further aerodromes of the flight plan with their States.
    crossed : frozenset of str or None
        Territories entered so far; None before a route exists.
    filed_ms : int or None
        When the flight plan was filed, UTC ms.
    item : str or None
        Classification of the part or cargo asked about (EAR99, 9A991, ITAR, ...).
    status : frozenset of str
        emergency, humanitarian, state, ...
    derogations : frozenset of str
        Ids of rules from which the authority that they name has excused this flight.
    held, refused : frozenset of str
        Ids of `require-permit` rules whose permit this flight holds, or was refused.
    """

    operator: str
    licensed_in: str | None
    registered_in: str | None
    owned_in: str | None
    controlled_in: str | None
    chartered_in: str | None = ""
    registration: str | None = None
    typecode: str | None = None
    seats: int | None = None
    us_origin: bool | None = None
    scheduled: bool | None = True
    service: str = "passenger"
    origin: str = ""
    destination: str = ""
    origin_state: str = ""
    destination_state: str = ""
    stops: tuple[tuple[str, str], ...] = ()
    crossed: frozenset[str] | None = None
    filed_ms: int | None = None
    item: str | None = None
    status: frozenset[str] = frozenset()
    decided_in: str | None = ""
    marketed_in: frozenset[str] | None = frozenset()
    designated: frozenset[str] | None = frozenset()
    us_content: float | None = None
    derogations: frozenset[str] = frozenset()
    held: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()

    def having_crossed(self, states: frozenset[str] | None) -> FlightFacts:
        """The same, further on its way: asked for at every border, so without detours."""
        if self.crossed == states:
            return self
        values = list(_READ_FACTS(self))
        values[_CROSSED] = states
        return FlightFacts(*values)


_READ_FACTS = attrgetter(*FlightFacts.__dataclass_fields__)
_CROSSED = list(FlightFacts.__dataclass_fields__).index("crossed")


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """An airspace or aerodrome as the law sees it: a designator, never a shape."""

    layer: str
    designator: str
    sovereign: str = ""
    eu_territory: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """One activity at one place in a span of time, at levels in feet.

    `places` are all airspaces and aerodromes where the activity happens (one for an overflight;
    the aerodrome and every airspace around it for a landing); `known_ms` hides rules published
    later (None: the law in force, published or not).
    """

    activity: str
    places: tuple[Place, ...]
    start_ms: int
    end_ms: int
    facts: FlightFacts
    lower_ft: float = 0.0
    upper_ft: float = 99_999.0
    known_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a rule applies, and what it turned on.

    Parameters
    ----------
    rule : Rule
    truth : bool or None
    missing : frozenset of str
        Facts that would decide, if `truth` is None.
    relieved_by : tuple of str
        Exceptions and licences that took the rule away, by id.
    not_relieved_by : tuple of str
        Exceptions and licences considered whose scope did not reach this question.
    """

    rule: Rule
    truth: Truth
    missing: frozenset[str] = frozenset()
    relieved_by: tuple[str, ...] = ()
    not_relieved_by: tuple[str, ...] = ()


# Truth, and the facts that would decide where it is None.
Result = tuple[Truth, frozenset[str]]
# A field of a table of tests, and what it says of the question.
Test = tuple[str, Result]
TestTable = TypeVar("TestTable", Who, FlightTest)
_NOTHING: frozenset[str] = frozenset()
_YES: Result = (True, _NOTHING)
_NO: Result = (False, _NOTHING)


def all_of(results: Iterable[Result]) -> Result:
    """Joined by "and"; where it is unknown, everything missing is named."""
    missing: frozenset[str] = _NOTHING
    truth: Truth = True
    for value, lacks in results:
        if value is False:
            return _NO
        if value is None:
            truth, missing = None, missing | lacks
    return truth, missing


def any_of(results: Iterable[Result]) -> Result:
    """Joined by "or"; where it is unknown, everything missing is named."""
    missing: frozenset[str] = _NOTHING
    truth: Truth = False
    for value, lacks in results:
        if value is True:
            return _YES
        if value is None:
            truth, missing = None, missing | lacks
    return truth, missing


def negate(result: Result) -> Result:
    """Not so; what is missing stays missing."""
    return (None if result[0] is None else not result[0]), result[1]


def _lack(fact: str) -> Result:
    return None, frozenset({fact})


def _known(truth: bool) -> Result:
    return _YES if truth else _NO


def _one_of(value: str | None, allowed: Iterable[str], fact: str) -> Result:
    if value is None:
        return _lack(fact)
    return _known(bool(value) and value in allowed)


def _some_of(values: frozenset[str] | None, allowed: Iterable[str], fact: str) -> Result:
    return _lack(fact) if values is None else _known(not values.isdisjoint(allowed))


def judge_time(when: When, start_ms: int, end_ms: int | None = None) -> Truth:
    """Whether a rule is in force at some moment of the closed span [start, end].

    Parameters
    ----------
    when : When
    start_ms, end_ms : int
        UTC milliseconds; `end_ms` defaults to `start_ms`.

    Returns
    -------
    bool or None
        None only inside a vague start or end.
    """
    last = start_ms if end_ms is None else end_ms
    if last < when.start[0] or start_ms >= when.end[1]:
        return False
    if when.daily or when.weekly:
        spans = _scheduled_spans(when, start_ms, last)
    else:
        spans = [(start_ms, last)]
    certain = [s for s in spans if s[1] >= when.start[1] and s[0] < when.end[0]]
    if certain:
        return True
    possible = [s for s in spans if s[1] >= when.start[0] and s[0] < when.end[1]]
    return None if possible else False


def _scheduled_spans(when: When, start_ms: int, end_ms: int) -> list[tuple[int, int]]:
    """Parts of [start, end] inside the daily and weekly schedule."""
    # The sun's day at the reference point may begin half a day before or after the UTC one.
    margin = 2 if when.sun_at is not None else 1
    found: list[tuple[int, int]] = []
    for day in range(start_ms // DAY_MS - margin, end_ms // DAY_MS + margin):
        weekday = datetime.fromtimestamp(day * DAY_MS / 1000, UTC).isoweekday()
        if when.weekly and weekday not in when.weekly:
            continue
        for text in when.daily or ("00:00-24:00",):
            begin, finish = _place_span(text, day, when.sun_at)
            low = max(start_ms, begin)
            # Spans are half open: the rule no longer binds at its closing minute.
            high = min(end_ms, finish - 1)
            if low <= high:
                found.append((low, high))
    return found


def _place_span(text: str, day: int, sun_at: tuple[float, float] | None) -> tuple[int, int]:
    """Begin and end of a daily span that begins on a day, UTC milliseconds."""
    sides = parse_span(text)

    def at(side: DaySide, on_day: int) -> int:
        if not side.event:
            return on_day * DAY_MS + side.offset_ms
        assert sun_at is not None
        return find_sun_times(*sun_at, on_day)[side.event == "sunset"] + side.offset_ms

    begin, finish = (at(side, day) for side in sides)
    # By day the sun may not rise at all, and that night has 24 hours: the order of the words says
    # which day is meant, not the order of the times.
    events = [side.event for side in sides]
    over_night = finish <= begin if "" in events else events != ["sunrise", "sunset"]
    return begin, at(sides[1], day + 1) if over_night else finish


def judge_who(who: tuple[Who, ...], facts: FlightFacts, at_ms: int) -> Result:
    """Whether operator and aircraft are those of one of the tables; groups as of `at_ms`."""
    if not who:
        return _YES
    return any_of(all_of(r for _, r in who_tests(test, facts, at_ms)) for test in who)


def who_tests(test: Who, facts: FlightFacts, at_ms: int) -> Iterator[Test]:
    """Every field given in a table on operator and aircraft, judged."""
    # No fact is looked at that is not asked for: flights alike in the others get equal answers.
    for field, names in (
        ("operator", test.operator),
        ("licensed_in", test.licensed_in),
        ("registered_in", test.registered_in),
        ("registration", test.registration),
        ("owned_in", test.owned_in),
        ("controlled_in", test.controlled_in),
        ("chartered_in", test.chartered_in),
        ("decided_in", test.decided_in),
        ("typecode", test.typecode),
    ):
        if names:
            yield field, _one_of(getattr(facts, field), names, field)
    for field, fact, group in (
        ("licensed_in_group", "licensed_in", test.licensed_in_group),
        ("registered_in_group", "registered_in", test.registered_in_group),
    ):
        if group:
            yield field, _one_of(getattr(facts, fact), states_in_group(group, at_ms), fact)
    for field, fact, names in (
        ("operator_not", "operator", test.operator_not),
        ("licensed_not_in", "licensed_in", test.licensed_not_in),
        ("registration_not", "registration", test.registration_not),
    ):
        if names:
            yield field, negate(_one_of(getattr(facts, fact), names, fact))
    if test.marketed_in:
        yield "marketed_in", _some_of(facts.marketed_in, test.marketed_in, "marketed_in")
    if test.designated:
        yield "designated", _some_of(facts.designated, test.designated, "designated")
    if test.us_origin is not None:
        known = facts.us_origin
        yield "us_origin", _lack("us_origin") if known is None else _known(known is test.us_origin)
    if test.us_content_over is not None:
        share = facts.us_content
        yield (
            "us_content_over",
            _lack("us_content") if share is None else _known(share > test.us_content_over),
        )
    if test.max_seats is not None:
        seats = facts.seats
        yield "max_seats", _lack("seats") if seats is None else _known(seats <= test.max_seats)


def judge_flight(tests: tuple[FlightTest, ...], facts: FlightFacts) -> Result:
    """Whether the flight is that of one of the tables."""
    if not tests:
        return _YES
    return any_of(all_of(r for _, r in flight_tests(test, facts)) for test in tests)


def flight_tests(test: FlightTest, facts: FlightFacts) -> Iterator[Test]:
    """Every field given in a table on the flight, judged."""
    if test.scheduled is not None:
        known = facts.scheduled
        yield "scheduled", _lack("scheduled") if known is None else _known(known is test.scheduled)
    for field, fact, names in (
        ("service", "service", test.service),
        ("origin_in", "origin_state", test.origin_in),
        ("destination_in", "destination_state", test.destination_in),
        ("origin", "origin", test.origin),
        ("destination", "destination", test.destination),
        ("item", "item", test.item),
    ):
        if names:
            yield field, _one_of(getattr(facts, fact), names, fact.removesuffix("_state"))
    for field, fact, names in (
        ("origin_not_in", "origin_state", test.origin_not_in),
        ("destination_not_in", "destination_state", test.destination_not_in),
        ("destination_not", "destination", test.destination_not),
    ):
        if names:
            yield field, negate(_one_of(getattr(facts, fact), names, fact.removesuffix("_state")))
    if test.plan_aerodrome_in:
        states = {facts.origin_state, facts.destination_state, *(s for _, s in facts.stops)}
        yield "plan_aerodrome_in", _known(not states.isdisjoint(test.plan_aerodrome_in))
    if test.crossed:
        yield "crossed", _some_of(facts.crossed, test.crossed, "crossed")
    if test.filed_after is not None:
        filed = facts.filed_ms
        yield "filed_after", _lack("filed") if filed is None else _known(filed > test.filed_after)
    if test.status:
        yield "status", _known(not facts.status.isdisjoint(test.status))


def covers_place(where: Where, place: Place, at_ms: int) -> bool:
    """Whether a `where` table names this airspace or aerodrome."""
    # An aerodrome lies on the territory of its State; a region reaches over several.
    state = {"territory": place.designator, "aerodrome": place.sovereign}.get(place.layer)
    if state in where.except_territory:
        return False
    if place.layer == "territory":
        if place.designator in where.territory or (where.eu_territory and place.eu_territory):
            return True
        group = where.territory_group
        if group is not None and place.designator in states_in_group(group, at_ms):
            return True
    named = {"fir": where.fir, "zone": where.zone, "aerodrome": where.aerodrome}
    return where.anywhere or place.designator in named.get(place.layer, ())


def judge_where(where: tuple[Where, ...], places: tuple[Place, ...], at_ms: int) -> Result:
    """Whether one of the tables names one of the places; groups as of `at_ms`."""
    if not where:
        return _YES
    return _known(any(covers_place(table, place, at_ms) for table in where for place in places))


def judge_levels(levels: Levels | None, lower_ft: float, upper_ft: float) -> Result:
    """Whether the levels flown meet those of a rule."""
    if levels is None:
        return _YES
    return _known(lower_ft < levels.upper_ft and upper_ft >= levels.lower_ft)


def fact_tests(table: Rule | Unless, facts: FlightFacts, at_ms: int) -> Iterator[Test]:
    """Whatever a table, its exceptions apart, asks of the flight itself, judged."""
    if table.who:
        yield "who", judge_who(table.who, facts, at_ms)
    if table.flight:
        yield "flight", judge_flight(table.flight, facts)
    if isinstance(table, Unless) and table.permission_of:
        # Granted case by case: held only where the flight says so.
        yield "permission_of", _known(table.granted_as in facts.derogations)


def split_facts(table: Rule | Unless) -> tuple[Unless, ...]:
    """Take apart what a table asks of the flight itself, into exceptions that ask one thing each.

    Parameters
    ----------
    table : Rule or Unless

    Returns
    -------
    tuple of Unless
        Flights of which `judge_facts` says the same for each of them, it answers alike for the
        table too.
    """
    found = [
        *(_ask_one(who=(one,)) for test in table.who for one in _split_test(test)),
        *(_ask_one(flight=(one,)) for test in table.flight for one in _split_test(test)),
    ]
    if isinstance(table, Unless) and table.permission_of:
        found.append(_ask_one(permission_of=table.permission_of, granted_as=table.granted_as))
    return tuple(found)


def _split_test(test: TestTable) -> Iterator[TestTable]:
    """A table for each field given."""
    for name, field in type(test).model_fields.items():
        if (asked := getattr(test, name)) != field.default:
            yield test.model_construct(**{name: asked})


def _ask_one(**part: Any) -> Unless:
    return Unless.model_construct(id="", title="", **part)


def place_tests(table: Rule | Unless, question: Question) -> Iterator[Test]:
    """Whatever a table, its exceptions apart, asks of activity and places, judged."""
    if table.activities:
        yield "activities", _known(question.activity in table.activities)
    if table.where:
        yield "where", judge_where(table.where, question.places, question.start_ms)


def table_tests(table: Rule | Unless, question: Question) -> Iterator[Test]:
    """Every part of a rule or exception, judged; its own exceptions are not among them.

    Dates come first: they dismiss most rules, and cost two comparisons.
    """
    if isinstance(table, Rule):
        known_ms = question.known_ms
        yield "published", _known(known_ms is None or table.when.published_ms <= known_ms)
    if table.when is not None:
        truth = judge_time(table.when, question.start_ms, question.end_ms)
        yield "when", (_lack("hour of start or end") if truth is None else _known(truth))
    yield from fact_tests(table, question.facts, question.start_ms)
    yield from place_tests(table, question)
    if table.levels is not None:
        yield "levels", judge_levels(table.levels, question.lower_ft, question.upper_ft)


def judge_facts(table: Rule | Unless, facts: FlightFacts, at_ms: int) -> Result:
    """Judge all that one table, its exceptions apart, asks of the flight itself.

    Parameters
    ----------
    table : Rule or Unless
    facts : FlightFacts
    at_ms : int
        UTC milliseconds: groups of States change.

    Returns
    -------
    truth : bool or None
    missing : frozenset of str
        Facts that would decide, if `truth` is None.
    """
    return all_of(result for _, result in fact_tests(table, facts, at_ms))


def judge_place(table: Rule | Unless, question: Question) -> bool:
    """Whether one table, its exceptions apart, speaks of an activity at its places.

    Parameters
    ----------
    table : Rule or Unless
    question : Question
        Its activity, places and start are looked at.

    Returns
    -------
    bool
    """
    return all_of(result for _, result in place_tests(table, question))[0] is True


def judge_table(table: Rule | Unless, question: Question) -> Result:
    """Judge a rule or exception with the exceptions to it; licences apart."""
    scope = all_of(result for _, result in table_tests(table, question))
    if scope[0] is False or not table.unless:
        return scope
    return all_of([scope, *(negate(judge_table(unless, question)) for unless in table.unless)])


def judge_rule(rulebook: Rulebook, rule: Rule, question: Question) -> Verdict:
    """Judge one rule on one question: scope, then exceptions, then licences of its regime.

    Parameters
    ----------
    rulebook : Rulebook
        Where licences are looked up.
    rule : Rule
    question : Question

    Returns
    -------
    Verdict
    """
    return find_decisive(rulebook, rule, question)[1]


def find_decisive(rulebook: Rulebook, rule: Rule, question: Question) -> tuple[Question, Verdict]:
    """The verdict on a rule, and the moment of the stay, or the whole of it, that gives it."""
    licences = rulebook.licences_by_rule.get(rule.id, ())
    moments = _find_moments(rule, licences, question)
    if not moments:
        return question, _judge_once(rule, licences, question)
    # An exception that ends on the way frees only the part of the stay before: the rule applies
    # to the stay if it does at some moment of it.
    asked = [replace(question, start_ms=at_ms, end_ms=at_ms) for at_ms in moments]
    found = [(moment, _judge_once(rule, licences, moment)) for moment in asked]
    rank = {True: 0, None: 1, False: 2}
    return min(found, key=lambda pair: (rank[pair[1].truth], not pair[1].relieved_by))


def _judge_once(rule: Rule, licences: Iterable[Rule], question: Question) -> Verdict:
    """Judge scope, exceptions and licences of a rule for a stay as a whole."""
    scope = all_of(result for _, result in table_tests(rule, question))
    if scope[0] is False:
        return Verdict(rule, False)
    results = [scope]
    relieved: list[str] = []
    failed: list[str] = []
    reliefs: list[Rule | Unless] = [*rule.unless, *licences]
    for relief in reliefs:
        found = judge_table(relief, question)
        results.append(negate(found))
        (relieved if found[0] else failed).append(relief.id)
    truth, missing = all_of(results)
    if relieved:
        return Verdict(rule, False, relieved_by=tuple(relieved))
    return Verdict(rule, truth, missing, (), tuple(failed))


def _find_moments(rule: Rule, licences: Iterable[Rule], question: Question) -> tuple[int, ...]:
    """Start of a stay and every instant in it at which a date may change the verdict.

    Empty if the stay can be judged as a whole: no group changes, no exception and no licence has
    dates, or the rule is not in force at all.
    """
    first, last = question.start_ms, question.end_ms
    if first == last or judge_time(rule.when, first, last) is False:
        return ()
    dates = _dates_of(rule, licences)
    if len(dates) == 1 and not any(first < at_ms <= last for at_ms in GROUP_CHANGES_MS):
        return ()
    return (first, *_changes_of(dates, question))


def _changes_of(dates: Iterable[When], question: Question) -> list[int]:
    """Instants after the start of a stay, up to its end, at which a date or a group changes."""
    first, last = question.start_ms, question.end_ms
    changes = set(GROUP_CHANGES_MS)
    for when in dates:
        changes.update((*when.start, *when.end))
        if when.daily or when.weekly:
            for low, high in _scheduled_spans(when, first, last):
                changes.update((low, high + 1))
    return sorted(at_ms for at_ms in changes if first < at_ms <= last)


def _dates_of(rule: Rule, licences: Iterable[Rule]) -> list[When]:
    """Dates of a rule, of its exceptions, of its licences and of theirs."""
    return [table.when for table in _walk_all(rule, licences) if table.when is not None]


def _walk_all(rule: Rule, licences: Iterable[Rule]) -> Iterator[Rule | Unless]:
    for table in (rule, *licences):
        yield from walk_table(table)


def walk_tables(rulebook: Rulebook, rule: Rule) -> tuple[Rule | Unless, ...]:
    """All tables that a verdict on a rule may turn on.

    Parameters
    ----------
    rulebook : Rulebook
        Where licences are looked up.
    rule : Rule

    Returns
    -------
    tuple of Rule or Unless
        The rule, its exceptions (nested ones too), the licences that name it, and theirs.
    """
    return tuple(_walk_all(rule, rulebook.licences_by_rule.get(rule.id, ())))


def find_changes(rulebook: Rulebook, rule: Rule, question: Question) -> tuple[int, ...]:
    """Instants at which the verdict on a rule may change with the start or the end of a stay.

    Parameters
    ----------
    rulebook : Rulebook
    rule : Rule
    question : Question
        Its span and its places are looked at.

    Returns
    -------
    tuple of int
        UTC milliseconds, rising, after the start of the span and not after its end. Stays that
        start between the same two instants, and end between the same two, get the same verdict.
    """
    licences = rulebook.licences_by_rule.get(rule.id, ())
    return tuple(_changes_of(_dates_of(rule, licences), question))
