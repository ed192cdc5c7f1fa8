"""One question, one decision: what all regimes together say, with the verdicts it rests on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import IntEnum

from airsim.law import FlightFacts, Question, Rule, Verdict, judge_rule
from airsim.permission.bound import BoundRulebook


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
        for kind, verdicts in self.grounds:
            if kind is outcome:
                return verdicts
        return ()

    @property
    def lacking(self) -> tuple[Verdict, ...]:
        """Permits missing that cannot just be applied for: lacking in kind, or refused."""
        asked = self.says(Outcome.NOT_PERMITTED)
        if not asked:
            return ()
        refused = self.question.facts.refused
        return tuple(
            verdict
            for verdict in asked
            if verdict.rule.permit is not None
            and (verdict.rule.permit.kind == "authority" or verdict.rule.id in refused)
        )

    def about(self, question: Question) -> Decision:
        """The same decision on another question."""
        return Decision(
            question, self.outcome, self.verdicts, self.advisories, self.presumed,
            self.not_judged, self.conditional, self.grounds,
        )  # fmt: skip

    @property
    def speaks(self) -> bool:
        """Whether any rule says anything, be it only a remark."""
        return bool(self.grounds or self.presumed or self.not_judged or self.conditional)

    @property
    def rules(self) -> tuple[str, ...]:
        """Ids of the deciding rules, sorted."""
        return tuple(sorted(v.rule.id for v in self.verdicts))


# Without a tail, a rule that lists registrations changes nothing; type and maker are known or
# assumed without one.
TAIL_FACTS = frozenset({"registration"})


class Weight(IntEnum):
    """What one verdict adds to a decision: an outcome (same numbers), or only a remark."""

    SILENT = 0
    ADVISED_AGAINST = 1
    UNKNOWN = 2
    NOT_PERMITTED = 3
    FORBIDDEN = 4
    PRESUMED = 5
    NOT_JUDGED = 6
    CONDITIONAL = 7


def is_held(rule: Rule, facts: FlightFacts, held: frozenset[str]) -> bool:
    """Whether the permit that a rule asks for is held, or presumed to be."""
    if rule.permit is None or rule.id in facts.refused:
        return False
    routine = rule.permit.kind == "routine" and facts.scheduled is True
    return routine or rule.id in held or rule.id in facts.held


def weigh_verdict(verdict: Verdict, facts: FlightFacts, held: frozenset[str]) -> Weight:
    """What one verdict adds to a decision on a flight of an operator that holds some permits."""
    rule, unsure = verdict.rule, verdict.truth is None
    if verdict.truth is False:
        return Weight.SILENT
    if rule.open_question:
        return Weight.NOT_JUDGED
    if "crossed" in verdict.missing:
        return Weight.CONDITIONAL
    if unsure and facts.registration is None and verdict.missing <= TAIL_FACTS:
        return Weight.NOT_JUDGED
    if rule.force != "binding":
        return Weight.NOT_JUDGED if unsure else Weight.ADVISED_AGAINST
    if is_held(rule, facts, held):
        # Held, it opens the airspace whether or not it had to be asked for.
        return Weight.PRESUMED
    if unsure:
        return Weight.UNKNOWN
    return Weight.FORBIDDEN if rule.permit is None else Weight.NOT_PERMITTED


def weigh_every_verdict(rule: Rule, held: frozenset[str], facts: FlightFacts) -> tuple[Weight, ...]:
    """What verdicts on a rule add to a decision: if it holds, for want of a tail, of another fact.

    What hangs on the way flown is conditional, whatever the flight.
    """
    gaps = (TAIL_FACTS, frozenset({"another fact"}))
    verdicts = (Verdict(rule, True), *(Verdict(rule, None, missing) for missing in gaps))
    return tuple(weigh_verdict(verdict, facts, held) for verdict in verdicts)


def compose_decision(
    question: Question, verdicts: Iterable[Verdict], held: frozenset[str]
) -> Decision:
    """Let all regimes speak: the gravest outcome stands, with every rule that says so."""
    said: dict[int, list[Verdict]] = {}
    for verdict in verdicts:
        said.setdefault(weigh_verdict(verdict, question.facts, held), []).append(verdict)

    def of(weight: int) -> tuple[Verdict, ...]:
        return tuple(said.get(weight, ()))

    grounds = tuple((kind, of(kind)) for kind in Outcome if kind and kind in said)
    outcome, deciding = grounds[-1] if grounds else (Outcome.PERMITTED, ())
    return Decision(
        question, outcome, deciding, of(Weight.ADVISED_AGAINST), of(Weight.PRESUMED),
        of(Weight.NOT_JUDGED), of(Weight.CONDITIONAL), grounds,
    )  # fmt: skip


def decide(
    bound: BoundRulebook, question: Question, *, rules: Iterable[Rule] | None = None
) -> Decision:
    """Judge one activity at one place under all regimes.

    Parameters
    ----------
    bound : BoundRulebook
    question : Question
    rules : iterable of Rule, optional
        Candidates from the rulebook; default: those that name one of the places.

    Returns
    -------
    Decision
        PERMITTED if no rule speaks: over the high seas nothing has to be asked.
    """
    candidates = find_candidates(bound, question) if rules is None else rules
    verdicts = [judge_rule(bound.rulebook, rule, question) for rule in candidates]
    return compose_decision(question, verdicts, bound.held)


def find_candidates(bound: BoundRulebook, question: Question) -> list[Rule]:
    """Rules that speak of the activity at one of the places, in id order."""
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
