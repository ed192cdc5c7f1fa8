"""Closed masks: what overflight of every area would be told, at one instant and level."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import replace

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
    out = bound.rules_out(facts, at_ms, at_ms)
    signature = _time_signature(bound, out, at_ms, known_ms, facts.filed_ms)
    key = (replace(facts, filed_ms=None), level_ft, signature)
    cached = bound._masks.get(key)
    if cached is not None:
        return cached
    verdicts: dict[AreaKey, list[Verdict]] = {}
    for rule in bound.overflight_rules:
        if rule.id in out or (known_ms is not None and rule.when.published_ms > known_ms):
            continue
        # A permit that is held closes nothing; what it was is said of the areas really crossed.
        if judge_time(rule.when, at_ms) is False or is_held(rule, facts, bound.held):
            continue
        if judge_facts(rule, facts, at_ms)[0] is False:
            continue
        shared: Verdict | None = None
        by_place = _depends_on_place(bound.rulebook, rule)
        for area in bound.areas_of(rule, at_ms):
            if not _in_use(bound.atlas, area, at_ms, level_ft):
                continue
            if shared is None or by_place:
                question = Question(
                    "overflight", (bound.place(area),), at_ms, at_ms, facts,
                    level_ft, level_ft, known_ms,
                )  # fmt: skip
                shared = judge_rule(bound.rulebook, rule, question)
            if shared.truth is not False:
                verdicts.setdefault(area, []).append(shared)
    mask = {
        area: compose_decision(
            Question("overflight", (bound.place(area),), at_ms, at_ms, facts,
                     level_ft, level_ft, known_ms),
            found, bound.held,
        )
        for area, found in sorted(verdicts.items())
    }  # fmt: skip
    bound._masks[key] = mask
    return mask


def _time_signature(
    bound: BoundRulebook,
    out: frozenset[str],
    at_ms: int,
    known_ms: int | None,
    filed_ms: int | None,
) -> tuple[object, ...]:  # fmt: skip
    return (
        *(
            judge_time(rule.when, at_ms)
            if known_ms is None or rule.when.published_ms <= known_ms
            else False
            for rule in bound.dated_rules
            if rule.id not in out
        ),
        *(judge_time(when, at_ms) for when in bound.exception_dates),
        bisect_right(bound.area_changes, at_ms),
        # Filed at the limit is not yet after it.
        None if filed_ms is None else bisect_left(bound.filing_limits, filed_ms),
    )


def _depends_on_place(rulebook: Rulebook, rule: Rule) -> bool:
    return any(table.where for table in walk_tables(rulebook, rule)[1:])


def _in_use(atlas: Atlas, area: AreaKey, at_ms: int, level_ft: float) -> bool:
    layer, row = atlas.layer(area[0]), area[1]
    return bool(
        layer.valid_from_ms[row] <= at_ms < layer.valid_to_ms[row]
        and layer.lower_ft[row] <= level_ft < layer.upper_ft[row]
    )
