"""Does a rule apply? Three-valued judgement of one rule on one question.

True: it applies. False: it does not. None: a missing fact would decide, and is named.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from airsim.base import GROUP_CHANGES_MS, states_in_group
from airsim.law.model import FlightTest, Levels, Rule, Unless, When, Where, Who, parse_span
from airsim.law.rulebook import Rulebook

Truth = bool | None
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class FlightFacts:
    """What the law may ask about a flight. ``None`` is unknown; ``""`` is known to be none.

    Parameters
    ----------
    operator : str
        ICAO designator.
    licensed_in, registered_in, owned_in, controlled_in, chartered_in : str or None
        ISO 3166-1 alpha-2 of the licensing State, State of registry, owner, controller, charterer.
    registration, typecode : str or None
    seats : int or None
    us_origin : bool or None
        Whether the airframe is of United States origin.
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


_Result = tuple[Truth, frozenset[str]]
_NOTHING: frozenset[str] = frozenset()
_YES: _Result = (True, _NOTHING)
_NO: _Result = (False, _NOTHING)


def _all_of(results: Iterable[_Result]) -> _Result:
    missing: frozenset[str] = _NOTHING
    truth: Truth = True
    for value, lacks in results:
        if value is False:
            return _NO
        if value is None:
            truth, missing = None, missing | lacks
    return truth, missing


def _any_of(results: Iterable[_Result]) -> _Result:
    missing: frozenset[str] = _NOTHING
    truth: Truth = False
    for value, lacks in results:
        if value is True:
            return _YES
        if value is None:
            truth, missing = None, missing | lacks
    return truth, missing


def _negate(result: _Result) -> _Result:
    return (None if result[0] is None else not result[0]), result[1]


def _one_of(value: str | None, allowed: Iterable[str], fact: str) -> _Result:
    if value is None:
        return None, frozenset({fact})
    return (_YES if value in allowed else _NO) if value else _NO


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
    day = start_ms // DAY_MS - 1
    found: list[tuple[int, int]] = []
    while day * DAY_MS <= end_ms:
        weekday = datetime.fromtimestamp(day * DAY_MS / 1000, UTC).isoweekday()
        if not when.weekly or weekday in when.weekly:
            for text in when.daily or ("00:00-24:00",):
                begin, finish = parse_span(text)
                if finish <= begin:
                    finish += DAY_MS
                low = max(start_ms, day * DAY_MS + begin)
                # Spans are half open: the rule no longer binds at its closing minute.
                high = min(end_ms, day * DAY_MS + finish - 1)
                if low <= high:
                    found.append((low, high))
        day += 1
    return found


def _judge_who(who: tuple[Who, ...], facts: FlightFacts, at_ms: int) -> _Result:
    return _any_of(_judge_subject(test, facts, at_ms) for test in who) if who else _YES


def _judge_subject(test: Who, facts: FlightFacts, at_ms: int) -> _Result:
    results: list[_Result] = []
    for names, value, fact in (
        (test.operator, facts.operator, "operator"),
        (test.licensed_in, facts.licensed_in, "licensed_in"),
        (test.registered_in, facts.registered_in, "registered_in"),
        (test.registration, facts.registration, "registration"),
        (test.owned_in, facts.owned_in, "owned_in"),
        (test.controlled_in, facts.controlled_in, "controlled_in"),
        (test.chartered_in, facts.chartered_in, "chartered_in"),
        (test.typecode, facts.typecode, "typecode"),
    ):
        if names:
            results.append(_one_of(value, names, fact))
    for group, value, fact in (
        (test.licensed_in_group, facts.licensed_in, "licensed_in"),
        (test.registered_in_group, facts.registered_in, "registered_in"),
    ):
        if group:
            results.append(_one_of(value, states_in_group(group, at_ms), fact))
    for names, value, fact in (
        (test.operator_not, facts.operator, "operator"),
        (test.licensed_not_in, facts.licensed_in, "licensed_in"),
        (test.registration_not, facts.registration, "registration"),
    ):
        if names:
            results.append(_negate(_one_of(value, names, fact)))
    if test.us_origin is not None:
        known = facts.us_origin
        lacks: _Result = (None, frozenset({"us_origin"}))
        results.append(lacks if known is None else (known is test.us_origin, _NOTHING))
    if test.max_seats is not None:
        seats: _Result = (None, frozenset({"seats"}))
        results.append(seats if facts.seats is None else (facts.seats <= test.max_seats, _NOTHING))
    return _all_of(results)


def _judge_flight(tests: tuple[FlightTest, ...], facts: FlightFacts) -> _Result:
    return _any_of(_judge_flight_test(test, facts) for test in tests) if tests else _YES


def _judge_flight_test(test: FlightTest, facts: FlightFacts) -> _Result:
    results: list[_Result] = []
    if test.scheduled is not None:
        known = facts.scheduled
        lacks: _Result = (None, frozenset({"scheduled"}))
        results.append(lacks if known is None else (known is test.scheduled, _NOTHING))
    for names, value, fact in (
        (test.service, facts.service, "service"),
        (test.origin_in, facts.origin_state, "origin"),
        (test.destination_in, facts.destination_state, "destination"),
        (test.origin, facts.origin, "origin"),
        (test.destination, facts.destination, "destination"),
        (test.item, facts.item, "item"),
    ):
        if names:
            results.append(_one_of(value, names, fact))
    for names, value, fact in (
        (test.origin_not_in, facts.origin_state, "origin"),
        (test.destination_not_in, facts.destination_state, "destination"),
        (test.destination_not, facts.destination, "destination"),
    ):
        if names:
            results.append(_negate(_one_of(value, names, fact)))
    if test.plan_aerodrome_in:
        states = {facts.origin_state, facts.destination_state, *(s for _, s in facts.stops)}
        results.append((not states.isdisjoint(test.plan_aerodrome_in), _NOTHING))
    if test.crossed:
        if facts.crossed is None:
            results.append((None, frozenset({"crossed"})))
        else:
            results.append((not facts.crossed.isdisjoint(test.crossed), _NOTHING))
    if test.filed_after is not None:
        filed: _Result = (None, frozenset({"filed"}))
        results.append(
            filed if facts.filed_ms is None else (facts.filed_ms > test.filed_after, _NOTHING)
        )
    if test.status:
        results.append((not facts.status.isdisjoint(test.status), _NOTHING))
    return _all_of(results)


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


def _judge_where(where: tuple[Where, ...], question: Question) -> _Result:
    if not where:
        return _YES
    hit = any(
        covers_place(table, place, question.start_ms)
        for table in where
        for place in question.places
    )
    return _YES if hit else _NO


def _judge_levels(levels: Levels | None, question: Question) -> _Result:
    if levels is None:
        return _YES
    meets = question.lower_ft < levels.upper_ft and question.upper_ft >= levels.lower_ft
    return _YES if meets else _NO


def judge_facts(table: Rule | Unless, facts: FlightFacts, at_ms: int) -> _Result:
    """Judge all that one table, its exceptions apart, asks of a flight whatever it does.

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
    results = [_judge_who(table.who, facts, at_ms)]
    if results[0][0] is not False:
        results.append(_judge_flight(table.flight, facts))
    if isinstance(table, Unless) and table.permission_of:
        # A permission granted case by case: held only where the flight says so.
        results.append(("derogation" in facts.status, _NOTHING))
    return _all_of(results)


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
    if table.activities and question.activity not in table.activities:
        return False
    return _judge_where(table.where, question)[0] is True


def _judge_unless(unless: Unless, question: Question) -> _Result:
    results = [
        (judge_place(unless, question), _NOTHING),
        judge_facts(unless, question.facts, question.start_ms),
        _judge_levels(unless.levels, question),
    ]
    if unless.when is not None:
        results.append(_time_result(unless.when, question))
    results += [_negate(_judge_unless(inner, question)) for inner in unless.unless]
    return _all_of(results)


def _time_result(when: When, question: Question) -> _Result:
    truth = judge_time(when, question.start_ms, question.end_ms)
    return truth, (frozenset({"hour of start or end"}) if truth is None else _NOTHING)


def _judge_scope(rule: Rule, question: Question) -> _Result:
    """Whether a rule's own scope holds, before exceptions and licences; and what is missing.

    Dates are looked at first: they dismiss most rules, and cost two comparisons.
    """
    if question.known_ms is not None and rule.when.published_ms > question.known_ms:
        return _NO
    in_time = _time_result(rule.when, question)
    if in_time[0] is False:
        return _NO
    facts = judge_facts(rule, question.facts, question.start_ms)
    if facts[0] is False or not judge_place(rule, question):
        return _NO
    return _all_of((in_time, facts, _judge_levels(rule.levels, question)))


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
    licences = rulebook.licences_by_rule.get(rule.id, ())
    moments = _find_moments(rule, licences, question)
    if not moments:
        return _judge_once(rule, licences, question)
    # An exception that ends on the way frees only the part of the stay before: the rule applies
    # to the stay if it does at some moment of it.
    verdicts = [
        _judge_once(rule, licences, replace(question, start_ms=at_ms, end_ms=at_ms))
        for at_ms in moments
    ]
    rank = {True: 0, None: 1, False: 2}
    return min(verdicts, key=lambda verdict: (rank[verdict.truth], not verdict.relieved_by))


def _judge_once(rule: Rule, licences: Iterable[Rule], question: Question) -> Verdict:
    """Judge scope, exceptions and licences of a rule for a stay as a whole."""
    scope = _judge_scope(rule, question)
    if scope[0] is False:
        return Verdict(rule, False)
    results = [scope]
    relieved: list[str] = []
    failed: list[str] = []
    for unless in rule.unless:
        found = _judge_unless(unless, question)
        results.append(_negate(found))
        (relieved if found[0] else failed).append(unless.id)
    for licence in licences:
        found = _judge_licence(licence, question)
        results.append(_negate(found))
        (relieved if found[0] else failed).append(licence.id)
    truth, missing = _all_of(results)
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
    return [table.when for table in _walk(rule, licences) if table.when is not None]


def _walk(rule: Rule | Unless, licences: Iterable[Rule] = ()) -> Iterator[Rule | Unless]:
    yield rule
    for unless in rule.unless:
        yield from _walk(unless)
    for licence in licences:
        yield from _walk(licence)


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
    return tuple(_walk(rule, rulebook.licences_by_rule.get(rule.id, ())))


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


def _judge_licence(licence: Rule, question: Question) -> _Result:
    scope = _judge_scope(licence, question)
    return _all_of(
        [scope, *(_negate(_judge_unless(unless, question)) for unless in licence.unless)]
    )
