"""Answers from memory are those of the law asked anew, one question at a time."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle import make_rule
from small_law import IDS, draw_facts, draw_question, draw_span, rulebooks

from airsim.law import Question
from airsim.permission import (
    Decision,
    decide,
    find_breaches,
    mask_airspace,
    mask_span,
    recall_breaches,
    recall_decision,
)

many = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
held = st.sets(st.sampled_from(IDS), max_size=1)
seeds = st.integers(0, 10_000)
_ASKED = 60  # questions under one law: what it remembers of some must not mislead others


@many
@given(rules=rulebooks, held=held, seed=seeds)
def test_decisions_from_memory_are_those_asked_anew(bind, rules, held, seed) -> None:
    dice, bound = random.Random(seed), bind(rules, held)
    for _ in range(_ASKED):
        question = draw_question(dice)
        assert recall_decision(bound, question) == decide(bound, question)


@many
@given(rules=rulebooks, seed=seeds)
def test_stays_on_the_way_hear_the_rules_on_overflight_from_memory(bind, rules, seed) -> None:
    dice, bound = random.Random(seed), bind(rules)
    for _ in range(_ASKED):
        question = draw_question(dice)
        heard = [rule for rule in bound.airspace_rules if "overflight" in rule.activities]
        found = recall_decision(bound, question, heard="overflight")
        assert found == decide(bound, question, rules=heard)


@many
@given(rules=rulebooks, seed=seeds)
def test_breaches_from_memory_are_those_asked_anew(bind, rules, seed) -> None:
    personal = [
        rule.model_copy(update={"addresses": "persons", "person_bound": "anybody"})
        for rule in rules
    ]
    dice, bound = random.Random(seed), bind(personal)
    for _ in range(_ASKED):
        question = draw_question(dice)
        assert recall_breaches(bound, question) == find_breaches(bound, question)


def said(decision: Decision) -> tuple[object, ...]:
    """All that a mask keeps of a decision: permits that are held close nothing."""
    remarks = (decision.advisories, decision.not_judged, decision.conditional, decision.lacking)
    return (
        decision.outcome,
        decision.verdicts,
        *(tuple(verdict.rule.id for verdict in found) for found in remarks),
    )


@many
@given(rules=rulebooks, held=held, seed=seeds)
def test_masks_shared_by_many_flights_are_those_of_each(bind, rules, held, seed) -> None:
    dice, bound = random.Random(seed), bind(rules, held)
    areas = [(layer.name, row) for layer in bound.atlas.layers for row in range(len(layer))]
    for _ in range(12):
        facts, (at_ms, _), level_ft = draw_facts(dice), draw_span(dice), dice.choice([8e3, 35e3])
        facts = replace(facts, refused=dice.choice([frozenset(), frozenset({"R1"})]))
        known_ms = dice.choice([None, at_ms, at_ms - 86_400_000])
        mask = mask_airspace(bound, facts, at_ms, level_ft=level_ft, known_ms=known_ms)
        for area in areas:
            layer, row = bound.atlas.layer(area[0]), area[1]
            used = layer.valid_from_ms[row] <= at_ms < layer.valid_to_ms[row]
            used &= layer.lower_ft[row] <= level_ft < layer.upper_ft[row]
            question = Question(
                "overflight", (bound.place(area),), at_ms, at_ms, facts, level_ft, level_ft,
                known_ms,
            )  # fmt: skip
            expected = decide(bound, question, rules=None if used else ())
            alone = Decision(question, decide(bound, question, rules=()).outcome)
            assert said(mask.get(area, alone)) == said(expected)


@many
@given(rules=rulebooks, seed=seeds)
def test_a_span_keeps_the_mildest_of_its_instants(bind, rules, seed) -> None:
    dice, bound = random.Random(seed), bind(rules)
    for _ in range(12):
        facts = draw_facts(dice)
        instants = sorted(draw_span(dice)[0] for _ in range(3))
        options = {"level_ft": 35_000.0, "known_ms": None}
        masks = [mask_airspace(bound, facts, at_ms, **options) for at_ms in instants]
        found = mask_span(bound, facts, instants, **options)
        assert set(found) == set.intersection(*(set(mask) for mask in masks))
        for area, decision in found.items():
            outcomes = [mask[area].outcome for mask in masks]
            assert decision.outcome == min(outcomes)
            assert found.moment.get(area, 0) == outcomes.index(min(outcomes))


def test_what_is_remembered_of_one_flight_is_not_told_of_another(bind) -> None:
    bound = bind([make_rule("R1", who=[{"operator": ["BRU"]}], where=[{"anywhere": True}])])
    dice = random.Random(1)
    question = replace(draw_question(dice), activity="overflight")
    for operator, rules in (("BRU", ("R1",)), ("THY", ()), ("BRU", ("R1",))):
        asked = replace(question, facts=replace(question.facts, operator=operator))
        assert recall_decision(bound, asked).rules == rules
