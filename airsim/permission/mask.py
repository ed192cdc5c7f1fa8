"""Closed masks: what overflight of every area would be told, at one instant and level."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from airsim.airspace import Atlas
from airsim.law import (
    FlightFacts,
    Question,
    Rule,
    Rulebook,
    Verdict,
    judge_facts,
    judge_rule,
    judge_time,
    walk_tables,
)
from airsim.permission.bound import AreaKey, BoundRulebook
from airsim.permission.decision import Decision, compose_decision, is_held
from airsim.permission.facts import PASSING, Witness
from airsim.permission.memory import ALL_BUT_QUESTION, ERAS, Classes

Mask = Mapping[AreaKey, Decision]
# What one rule says of some areas.
Said = tuple[tuple[AreaKey, Verdict], ...]


def mask_airspace(
    bound: BoundRulebook,
    facts: FlightFacts,
    at_ms: int,
    *,
    level_ft: float,
    known_ms: int | None,
) -> Mask:
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
    mapping of (layer, row) to Decision
        By layer and row. Areas not in it are permitted; those in it may be PERMITTED too (with
        reasons). The mapping is shared by all flights of which the rules say the same: questions
        in it are those of the first of them.
    """
    if "masks" not in bound._memory:
        bound._memory["masks"] = _Masks(bound)
    masks: _Masks = bound._memory["masks"]
    return masks.find(Question("overflight", (), at_ms, at_ms, facts, level_ft, level_ft, known_ms))


class _Masks:
    """All masks asked for so far.

    A flight is sorted by all that the rules together can tell apart. Of each class every rule is
    asked that may speak of it, which sorts it anew, by what it asks for itself; classes of which
    all rules say the same share a mask.
    """

    def __init__(self, bound: BoundRulebook) -> None:
        self.bound, layers = bound, bound.atlas.layers
        feet = {ft for one in layers for ft in (*one.lower_ft.tolist(), *one.upper_ft.tolist())}
        sort = partial(Classes, bound, dates=bound.area_changes, levels=feet)
        self.classes = sort(bound.overflight_rules)
        self.of_rule = {rule.id: sort([rule]) for rule in bound.overflight_rules}
        self.by_class: dict[Hashable, Mask] = {}
        self.by_words: dict[tuple[int, ...], Mask] = {}
        self.speaking: dict[tuple[int, ...], tuple[Rule, ...]] = {}
        self.said: dict[Hashable, Said] = {}

    def find(self, question: Question) -> Mask:
        key = self.classes.sort(question)
        if key not in self.by_class:
            found = [
                said
                for rule in self.list_speaking(question.facts)
                if (said := self.ask(rule, question))
            ]
            # What was said is kept for good, so that its address may stand for it.
            words = tuple(map(id, found))
            if words not in self.by_words:
                self.by_words[words] = self.compose(question, found)
            self.by_class[key] = self.by_words[words]
        return self.by_class[key]

    def list_speaking(self, facts: FlightFacts) -> tuple[Rule, ...]:
        """Rules whose subject a flight may be, whatever its ends and its route."""
        key = self.classes.sort_facts(self.classes.lasting, facts)
        if key not in self.speaking:
            rules = self.bound.overflight_rules
            self.speaking[key] = tuple(rule for rule in rules if not _is_ruled_out(rule, facts))
        return self.speaking[key]

    def ask(self, rule: Rule, question: Question) -> Said:
        """What a rule says of each area, but where it does not apply."""
        at_ms, known_ms = question.start_ms, question.known_ms
        if known_ms is not None and rule.when.published_ms > known_ms:
            return ()
        # A permit that is held closes nothing; what it was is said of the areas really crossed.
        if judge_time(rule.when, at_ms) is False or is_held(rule, question.facts, self.bound.held):
            return ()
        key = (rule.id, self.of_rule[rule.id].sort(question))
        if key not in self.said:
            found = tuple(self.judge(rule, question))
            # A refusal is told by the facts, not by the verdict.
            words = (rule.id, rule.id in question.facts.refused, *map(_spell_out, found))
            self.said[key] = self.said.setdefault(words, found)
        return self.said[key]

    def judge(self, rule: Rule, question: Question) -> Iterator[tuple[AreaKey, Verdict]]:
        bound, at_ms = self.bound, question.start_ms
        if judge_facts(rule, question.facts, at_ms)[0] is False:
            return
        shared: Verdict | None = None
        by_place = _depends_on_place(bound.rulebook, rule)
        for area in bound.areas_of(rule, at_ms):
            if not _in_use(bound.atlas, area, at_ms, question.lower_ft):
                continue
            if shared is None or by_place:
                shared = judge_rule(bound.rulebook, rule, self.place(question, area))
            if shared.truth is not False:
                yield area, shared

    def place(self, question: Question, area: AreaKey) -> Question:
        return replace(question, places=(self.bound.place(area),))

    def compose(self, question: Question, found: Iterable[Said]) -> Mask:
        verdicts: dict[AreaKey, list[Verdict]] = {}
        for said in found:
            for area, verdict in said:
                verdicts.setdefault(area, []).append(verdict)
        alike: dict[tuple[int, ...], tuple[Any, ...]] = {}
        mask = {}
        for area in sorted(verdicts):
            spoken = verdicts[area]
            words = tuple(map(id, spoken))
            if words not in alike:
                decision = compose_decision(question, spoken, self.bound.held)
                alike[words] = ALL_BUT_QUESTION(decision)
            mask[area] = Decision(self.place(question, area), *alike[words])
        return mask


def _spell_out(said: tuple[AreaKey, Verdict]) -> Hashable:
    area, verdict = said
    return area, verdict.truth, verdict.missing, verdict.relieved_by, verdict.not_relieved_by


def _is_ruled_out(rule: Rule, facts: FlightFacts) -> bool:
    """Whether a rule speaks of no flight with the same lasting facts, at any time."""
    for at_ms in ERAS:
        witness: Any = Witness(partial(getattr, facts))
        truth = judge_facts(rule, witness, at_ms)[0]
        if truth is not False or not witness.asked.isdisjoint(PASSING):
            return False
    return True


def _depends_on_place(rulebook: Rulebook, rule: Rule) -> bool:
    return any(table.where for table in walk_tables(rulebook, rule)[1:])


def _in_use(atlas: Atlas, area: AreaKey, at_ms: int, level_ft: float) -> bool:
    layer, row = atlas.layer(area[0]), area[1]
    return bool(
        layer.valid_from_ms[row] <= at_ms < layer.valid_to_ms[row]
        and layer.lower_ft[row] <= level_ft < layer.upper_ft[row]
    )
