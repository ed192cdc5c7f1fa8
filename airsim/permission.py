"""Rules meet airspace: decisions on crossings and activities, closed masks, breaches.

Nothing here knows shapes beyond an area's row; nothing here knows routes. A decision always
carries the verdicts it rests on.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from functools import cached_property

from airsim.airspace import Atlas
from airsim.base import GROUP_CHANGES_MS
from airsim.law import (
    FlightFacts,
    Place,
    Question,
    Rule,
    Rulebook,
    Unless,
    Verdict,
    When,
    covers_place,
    judge_rule,
    judge_time,
)

AreaKey = tuple[str, int]


class Outcome(IntEnum):
    """What a decision says, in rising order of gravity: the gravest rule decides."""

    PERMITTED = 0
    ADVISED_AGAINST = 1
    UNKNOWN = 2
    NOT_PERMITTED = 3
    FORBIDDEN = 4


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to one question, with its reasons.

    Parameters
    ----------
    question : Question
    outcome : Outcome
    verdicts : tuple of Verdict
        The rules that decide: all of the gravest kind. Empty if no rule speaks (permitted).
    advisories : tuple of Verdict
        Advisory rules and operator policy that apply, whether or not they decide.
    presumed : tuple of Verdict
        Routine permits presumed held.
    not_judged : tuple of Verdict
        Rules that lack a fact about the tail, or are open questions of law; they change nothing.
    conditional : tuple of Verdict
        Rules that turn on the route flown, which is not known yet.
    grounds : tuple of (Outcome, tuple of Verdict)
        All that was said, by outcome: a graver outcome hides no lesser one.
    """

    question: Question
    outcome: Outcome
    verdicts: tuple[Verdict, ...] = ()
    advisories: tuple[Verdict, ...] = ()
    presumed: tuple[Verdict, ...] = ()
    not_judged: tuple[Verdict, ...] = ()
    conditional: tuple[Verdict, ...] = ()
    grounds: tuple[tuple[Outcome, tuple[Verdict, ...]], ...] = ()

    def says(self, outcome: Outcome) -> tuple[Verdict, ...]:
        """Rules that by themselves would give an outcome, decisive or hidden by graver ones."""
        return dict(self.grounds).get(outcome, ())

    @property
    def lacking(self) -> tuple[Verdict, ...]:
        """Permits missing that are lacking in kind: they cannot just be applied for."""
        return tuple(
            verdict
            for verdict in self.says(Outcome.NOT_PERMITTED)
            if verdict.rule.permit is not None and verdict.rule.permit.kind == "authority"
        )

    @property
    def rules(self) -> tuple[str, ...]:
        """Ids of the deciding rules, sorted."""
        return tuple(sorted(v.rule.id for v in self.verdicts))


@dataclass(frozen=True)
class BoundRulebook:
    """A rulebook laid over an atlas: each rule knows the rows of airspace it speaks of.

    Parameters
    ----------
    rulebook : Rulebook
    atlas : Atlas
    held : frozenset of str
        Ids of `require-permit` rules whose permit the operators hold.
    """

    rulebook: Rulebook
    atlas: Atlas
    held: frozenset[str] = frozenset()
    _areas: dict[tuple[str, int], tuple[AreaKey, ...]] = field(default_factory=dict, repr=False)
    _rules: dict[tuple[str, Place, int], tuple[Rule, ...]] = field(default_factory=dict, repr=False)
    _masks: dict[tuple[object, ...], dict[AreaKey, Decision]] = field(
        default_factory=dict, repr=False
    )

    @cached_property
    def places(self) -> dict[str, tuple[Place, ...]]:
        """For each layer, its rows as the law sees them."""
        return {
            layer.name: tuple(
                Place(layer.name, designator, sovereign, bool(eu))
                for designator, sovereign, eu in zip(
                    layer.designator, layer.state, layer.eu_territory, strict=True
                )
            )
            for layer in self.atlas.layers
        }

    @cached_property
    def airspace_rules(self) -> tuple[Rule, ...]:
        """Rules, licences apart, that address airspace and aerodromes."""
        return tuple(
            rule
            for rule in self.rulebook.rules
            if rule.addresses == "airspace" and rule.effect != "permit"
        )

    @cached_property
    def person_rules(self) -> tuple[Rule, ...]:
        """Binding rules, licences apart, that address persons."""
        return tuple(
            rule
            for rule in self.rulebook.rules
            if rule.addresses == "persons" and rule.effect != "permit" and rule.force == "binding"
        )

    @cached_property
    def overflight_rules(self) -> tuple[Rule, ...]:
        """Rules that can close airspace to a flight passing through."""
        return tuple(rule for rule in self.airspace_rules if "overflight" in rule.activities)

    @cached_property
    def timed_rules(self) -> tuple[Rule, ...]:
        """Rules and licences whose dates can change a closed mask."""
        licences = tuple(rule for rule in self.rulebook.rules if rule.effect == "permit")
        return self.overflight_rules + licences

    @cached_property
    def exceptions(self) -> tuple[Unless, ...]:
        """Exceptions, nested ones too, that can change a closed mask."""
        return tuple(unless for rule in self.timed_rules for unless in _walk_exceptions(rule))

    @cached_property
    def exception_dates(self) -> tuple[When, ...]:
        """Dates of exceptions, each once."""
        return tuple(dict.fromkeys(u.when for u in self.exceptions if u.when is not None))

    @cached_property
    def filing_limits(self) -> tuple[int, ...]:
        """Instants after which the filing of a flight plan matters to some rule or exception."""
        tests = [test for rule in self.timed_rules for test in rule.flight]
        tests += [test for unless in self.exceptions for test in unless.flight]
        return tuple(sorted({t.filed_after for t in tests if t.filed_after is not None}))

    @cached_property
    def area_changes(self) -> tuple[int, ...]:
        """Instants at which areas come or go, or groups of States change, sorted."""
        changes = set(GROUP_CHANGES_MS)
        for layer in self.atlas.layers:
            changes.update(layer.valid_from_ms.tolist(), layer.valid_to_ms.tolist())
        return tuple(sorted(changes))

    def rules_on(self, area: AreaKey, at_ms: int) -> tuple[Rule, ...]:
        """Overflight rules that name an area."""
        return self.rules_at("overflight", self.place(area), at_ms)

    def rules_at(self, activity: str, place: Place, at_ms: int) -> tuple[Rule, ...]:
        """Rules on airspace that speak of an activity at a place, in id order."""
        # Group membership is dated; everything else about a place is not.
        key = (activity, place, bisect_right(GROUP_CHANGES_MS, at_ms))
        found = self._rules.get(key)
        if found is None:
            found = self._rules[key] = tuple(
                rule
                for rule in self.airspace_rules
                if activity in rule.activities
                and any(covers_place(where, place, at_ms) for where in rule.where)
            )
        return found

    def areas_of(self, rule: Rule, at_ms: int) -> tuple[AreaKey, ...]:
        """Rows of airspace that a rule names, in layer and row order."""
        key = (rule.id, bisect_right(GROUP_CHANGES_MS, at_ms))
        if key not in self._areas:
            self._areas[key] = tuple(
                (layer, row)
                for layer, places in self.places.items()
                for row, place in enumerate(places)
                if any(covers_place(where, place, at_ms) for where in rule.where)
            )
        return self._areas[key]

    def place(self, area: AreaKey) -> Place:
        """The area as the law sees it."""
        return self.places[area[0]][area[1]]


def bind_rulebook(rulebook: Rulebook, atlas: Atlas, *, held: Iterable[str] = ()) -> BoundRulebook:
    """Lay a rulebook over an atlas.

    Parameters
    ----------
    rulebook : Rulebook
    atlas : Atlas
    held : iterable of str
        Ids of `require-permit` rules whose permit is held although it is not routine.

    Returns
    -------
    BoundRulebook
    """
    return BoundRulebook(rulebook, atlas, frozenset(held))


# Without a tail, a rule that lists registrations changes nothing; type and maker are known or
# assumed without one.
TAIL_FACTS = frozenset({"registration"})


def _compose(question: Question, verdicts: Sequence[Verdict], held: frozenset[str]) -> Decision:
    """Let all regimes speak: the gravest outcome stands, with every rule that says so."""
    by_outcome: dict[Outcome, list[Verdict]] = {}
    advisories: list[Verdict] = []
    presumed: list[Verdict] = []
    not_judged: list[Verdict] = []
    conditional: list[Verdict] = []
    for verdict in verdicts:
        rule = verdict.rule
        if verdict.truth is False:
            continue
        if rule.open_question:
            not_judged.append(verdict)
        elif "crossed" in verdict.missing:
            conditional.append(verdict)
        elif (
            verdict.truth is None
            and question.facts.registration is None
            and (verdict.missing <= TAIL_FACTS)
        ):
            not_judged.append(verdict)
        elif rule.force != "binding":
            (not_judged if verdict.truth is None else advisories).append(verdict)
        elif rule.permit is not None and (
            rule.id in held or (rule.permit.kind == "routine" and question.facts.scheduled)
        ):
            # Held, it opens the airspace whether or not it had to be asked for.
            presumed.append(verdict)
        elif verdict.truth is None:
            by_outcome.setdefault(Outcome.UNKNOWN, []).append(verdict)
        elif rule.permit is None:
            by_outcome.setdefault(Outcome.FORBIDDEN, []).append(verdict)
        else:
            by_outcome.setdefault(Outcome.NOT_PERMITTED, []).append(verdict)
    if advisories:
        by_outcome.setdefault(Outcome.ADVISED_AGAINST, advisories)
    outcome = max(by_outcome, default=Outcome.PERMITTED)
    return Decision(
        question,
        outcome,
        tuple(by_outcome.get(outcome, ())),
        tuple(advisories),
        tuple(presumed),
        tuple(not_judged),
        tuple(conditional),
        tuple((kind, tuple(by_outcome[kind])) for kind in sorted(by_outcome)),
    )


def decide(
    bound: BoundRulebook, question: Question, *, rules: Iterable[Rule] | None = None
) -> Decision:
    """Judge one activity at one place under all regimes.

    Parameters
    ----------
    bound : BoundRulebook
    question : Question
    rules : iterable of Rule, optional
        Candidates; default: those that name one of the places.

    Returns
    -------
    Decision
        PERMITTED if no rule speaks: over the high seas nothing has to be asked.
    """
    candidates = _candidates(bound, question) if rules is None else rules
    verdicts = [judge_rule(bound.rulebook, rule, question) for rule in candidates]
    return _compose(question, verdicts, bound.held)


def _candidates(bound: BoundRulebook, question: Question) -> list[Rule]:
    named = {
        rule.id: rule
        for place in question.places
        for at_ms in (question.start_ms, question.end_ms)  # groups may change on the way
        for rule in bound.rules_at(question.activity, place, at_ms)
    }
    return [named[rule_id] for rule_id in sorted(named)]


def find_breaches(bound: BoundRulebook, question: Question) -> tuple[Verdict, ...]:
    """Rules addressed to persons that an activity breaks, or might break.

    Returns
    -------
    tuple of Verdict
        `truth` True: a breach. None: a fact is missing that would decide. Open questions of law
        come with truth None and ``open question`` among the missing facts.
    """
    found = []
    for rule in bound.person_rules:
        verdict = judge_rule(bound.rulebook, rule, question)
        if verdict.truth is False:
            continue
        if rule.open_question:
            verdict = replace(verdict, truth=None, missing=frozenset({"open question"}))
        found.append(verdict)
    return tuple(found)


def mask_airspace(
    bound: BoundRulebook,
    facts: FlightFacts,
    at_ms: int,
    *,
    level_ft: float,
    known_ms: int | None,
) -> dict[AreaKey, Decision]:
    """Decide on overflight of every area that some rule speaks of, at one instant and level.

    Parameters
    ----------
    bound : BoundRulebook
    facts : FlightFacts
    at_ms : int
        UTC milliseconds.
    level_ft : float
        Cruising level in feet: a zone that ends below it is not in the way.
    known_ms : int or None
        Hide rules published later.

    Returns
    -------
    dict of (layer, row) to Decision
        Areas not in it are permitted; those in it may be PERMITTED too (with reasons).
    """
    # A decision depends on time only through rules and exceptions starting, ending or repeating
    # daily, areas and groups that change, and on the filing time only through what asks for it.
    signature = _time_signature(bound, at_ms, known_ms, facts.filed_ms)
    key = (replace(facts, filed_ms=None), level_ft, signature)
    cached = bound._masks.get(key)
    if cached is not None:
        return cached
    verdicts: dict[AreaKey, list[Verdict]] = {}
    for rule in bound.overflight_rules:
        if known_ms is not None and rule.when.published_ms > known_ms:
            continue
        if judge_time(rule.when, at_ms) is False:
            continue
        shared: Verdict | None = None
        for area in bound.areas_of(rule, at_ms):
            if not _in_use(bound.atlas, area, at_ms, level_ft):
                continue
            if shared is None or _depends_on_place(bound.rulebook, rule):
                question = Question(
                    "overflight", (bound.place(area),), at_ms, at_ms, facts,
                    level_ft, level_ft, known_ms,
                )  # fmt: skip
                shared = judge_rule(bound.rulebook, rule, question)
            if shared.truth is not False:
                verdicts.setdefault(area, []).append(shared)
    mask = {
        area: _compose(
            Question("overflight", (bound.place(area),), at_ms, at_ms, facts,
                     level_ft, level_ft, known_ms),
            found, bound.held,
        )
        for area, found in sorted(verdicts.items())
    }  # fmt: skip
    bound._masks[key] = mask
    return mask


def _time_signature(
    bound: BoundRulebook, at_ms: int, known_ms: int | None, filed_ms: int | None
) -> tuple[object, ...]:
    return (
        *(
            judge_time(rule.when, at_ms)
            if known_ms is None or rule.when.published_ms <= known_ms
            else False
            for rule in bound.timed_rules
        ),
        *(judge_time(when, at_ms) for when in bound.exception_dates),
        bisect_right(bound.area_changes, at_ms),
        # Filed at the limit is not yet after it.
        None if filed_ms is None else bisect_left(bound.filing_limits, filed_ms),
    )


def _walk_exceptions(table: Rule | Unless) -> Iterator[Unless]:
    for unless in table.unless:
        yield unless
        yield from _walk_exceptions(unless)


def _depends_on_place(rulebook: Rulebook, rule: Rule) -> bool:
    licences = rulebook.licences_by_rule.get(rule.id, ())
    exceptions = (unless for table in (rule, *licences) for unless in _walk_exceptions(table))
    return any(licence.where for licence in licences) or any(u.where for u in exceptions)


def _in_use(atlas: Atlas, area: AreaKey, at_ms: int, level_ft: float) -> bool:
    layer, row = atlas.layer(area[0]), area[1]
    return bool(
        layer.valid_from_ms[row] <= at_ms < layer.valid_to_ms[row]
        and layer.lower_ft[row] <= level_ft < layer.upper_ft[row]
    )
