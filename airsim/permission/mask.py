"""Closed masks: what overflight of every area would be told, at one instant and level."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

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
from airsim.permission.memory import ERAS, Classes

# What one rule says of some areas.
Said = tuple[tuple[AreaKey, Verdict], ...]


class Chosen(NamedTuple):
    """Areas of a mask, as a set and with their decisions, sorted."""

    areas: frozenset[AreaKey]
    decisions: tuple[tuple[AreaKey, Decision], ...]


@dataclass(frozen=True, eq=False)
class Mask(Mapping[AreaKey, Decision]):
    """Decisions by layer and row, shared by all flights of which the rules say the same.

    Questions in it are those of the first of these flights.

    Parameters
    ----------
    decisions : mapping of (layer, row) to Decision
        Sorted. Areas not in it are permitted; those in it may be PERMITTED too (with reasons).
    moment : mapping of (layer, row) to int
        Of a mask of several instants: by which of them an area is judged, the first if not named.
    """

    decisions: Mapping[AreaKey, Decision]
    moment: Mapping[AreaKey, int] = field(default_factory=dict)
    _chosen: dict[Hashable, Chosen] = field(default_factory=dict, repr=False)

    def __getitem__(self, area: AreaKey) -> Decision:
        return self.decisions[area]

    def __iter__(self) -> Iterator[AreaKey]:
        return iter(self.decisions)

    def __len__(self) -> int:
        return len(self.decisions)

    def choose(self, name: Hashable, test: Callable[[Decision], bool]) -> Chosen:
        """Areas whose decisions pass a test; remembered under its name."""
        if name not in self._chosen:
            found = tuple((area, decision) for area, decision in self.items() if test(decision))
            self._chosen[name] = Chosen(frozenset(area for area, _ in found), found)
        return self._chosen[name]


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
    Mask
    """
    question = Question("overflight", (), at_ms, at_ms, facts, level_ft, level_ft, known_ms)
    return _recall_masks(bound).find(question)


def mask_span(
    bound: BoundRulebook,
    facts: FlightFacts,
    instants: Sequence[int],
    *,
    level_ft: float,
    known_ms: int | None,
) -> Mask:
    """The mildest that is said of areas at some instants, of those that all their masks hold.

    Parameters
    ----------
    bound, facts, level_ft, known_ms
        As for `mask_airspace`.
    instants : sequence of int
        UTC milliseconds.

    Returns
    -------
    Mask
    """
    masks = [
        mask_airspace(bound, facts, at_ms, level_ft=level_ft, known_ms=known_ms)
        for at_ms in instants
    ]
    return _recall_masks(bound).join(masks)


def _recall_masks(bound: BoundRulebook) -> _Masks:
    if "masks" not in bound._memory:
        bound._memory["masks"] = _Masks(bound)
    masks: _Masks = bound._memory["masks"]
    return masks


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
        self.wording: dict[Hashable, Said] = {}
        self.joined: dict[tuple[int, ...], Mask] = {}

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
            self.said[key] = self.wording.setdefault(words, found)
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
        alike: dict[tuple[int, ...], Decision] = {}
        mask = {}
        for area in sorted(verdicts):
            spoken = verdicts[area]
            words = tuple(map(id, spoken))
            if words not in alike:
                alike[words] = compose_decision(question, spoken, self.bound.held)
            mask[area] = alike[words].about(self.place(question, area))
        return Mask(mask)

    def join(self, masks: Sequence[Mask]) -> Mask:
        """The mildest decision on each area that all masks hold, of equals the first."""
        first, *others = masks
        if all(other is first for other in others):
            return first
        words = tuple(map(id, masks))
        if words not in self.joined:
            mildest, moment = {}, {}
            for area in first:
                if all(area in other for other in others):
                    found = [mask[area].outcome for mask in masks]
                    moment[area] = found.index(min(found))
                    mildest[area] = masks[moment[area]][area]
            self.joined[words] = Mask(mildest, moment)
        return self.joined[words]


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
