"""Amendments: the one type by which scenarios, unlocking and studies change the law."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Literal

from airsim.base import OPEN_FROM, OPEN_TO, InputError, ProblemList
from airsim.law.model import FlightTest, Rule, Unless, When
from airsim.law.rulebook import Rulebook, make_rulebook, parse_rules

Action = Literal["lift", "keep", "shift", "add"]


@dataclass(frozen=True, slots=True)
class Amendment:
    """One change of the law.

    Parameters
    ----------
    action : {"lift", "keep", "shift", "add"}
        Take a rule away; let it run on past its end; move its dates; add a rule.
    target : str
        Rule id, instrument, regime or authority; for ``add`` the new rule's id.
    shift_ms : int
        By how much ``shift`` moves `published`, `from` and `to`; positive is later.
    rule : Rule, optional
        What ``add`` adds.
    """

    action: Action
    target: str
    shift_ms: int = 0
    rule: Rule | None = None


def _matches(rule: Rule, target: str) -> bool:
    return target in (rule.id, rule.reference.instrument, rule.regime, rule.authority)


def _shift_when(when: When, by_ms: int) -> When:
    def move(stamp: int) -> int:
        return stamp if stamp in (OPEN_FROM, OPEN_TO) else stamp + by_ms

    return when.model_copy(
        update={
            "published": None if when.published is None else when.published + by_ms,
            "start": (move(when.start[0]), move(when.start[1])),
            "end": (move(when.end[0]), move(when.end[1])),
        }
    )


def _shift_tests(tests: tuple[FlightTest, ...], by_ms: int) -> tuple[FlightTest, ...]:
    return tuple(
        test
        if test.filed_after is None
        else test.model_copy(update={"filed_after": test.filed_after + by_ms})
        for test in tests
    )


def _shift_unless(unless: Unless, by_ms: int) -> Unless:
    return unless.model_copy(
        update={
            "when": None if unless.when is None else _shift_when(unless.when, by_ms),
            "flight": _shift_tests(unless.flight, by_ms),
            "unless": tuple(_shift_unless(inner, by_ms) for inner in unless.unless),
        }
    )


def _shift_rule(rule: Rule, by_ms: int) -> Rule:
    """Move every instant of a rule, its exceptions' too, by one span."""
    return rule.model_copy(
        update={
            "when": _shift_when(rule.when, by_ms),
            "flight": _shift_tests(rule.flight, by_ms),
            "unless": tuple(_shift_unless(unless, by_ms) for unless in rule.unless),
        }
    )


def _keep_rule(rule: Rule) -> Rule:
    return rule.model_copy(
        update={"when": rule.when.model_copy(update={"end": (OPEN_TO, OPEN_TO)})}
    )


def amend_rulebook(rulebook: Rulebook, amendments: Iterable[Amendment]) -> Rulebook:
    """Apply amendments in order; the rulebook given stays as it is.

    Parameters
    ----------
    rulebook : Rulebook
    amendments : iterable of Amendment

    Returns
    -------
    Rulebook

    Raises
    ------
    InputError
        An amendment names nothing in the rulebook, or adds an id that is there already.
    """
    rules = dict(rulebook.by_id)
    problems = ProblemList()
    for amendment in amendments:
        if amendment.action == "add":
            assert amendment.rule is not None
            if amendment.rule.id in rules:
                problems.add(
                    "amendment", f"add {amendment.rule.id}", "the rulebook has a rule of this id",
                    "give the new rule its own",
                )  # fmt: skip
            else:
                rules[amendment.rule.id] = amendment.rule
            continue
        hit = [rule for rule in rules.values() if _matches(rule, amendment.target)]
        if not hit:
            problems.add(
                "amendment", f"{amendment.action} {amendment.target}",
                "names no rule, instrument, regime or authority of the rulebook",
                "`airsim rules list` prints them",
            )  # fmt: skip
            continue
        for rule in hit:
            if amendment.action == "lift":
                del rules[rule.id]
            elif amendment.action == "keep":
                rules[rule.id] = _keep_rule(rule)
            else:
                rules[rule.id] = _shift_rule(rule, amendment.shift_ms)
    problems.raise_if_any()
    return make_rulebook(rules.values(), rulebook.files)


def parse_amendments(tables: Iterable[Mapping[str, Any]], file: str) -> tuple[Amendment, ...]:
    """Read ``[[amendment]]`` tables of a scenario.

    Raises
    ------
    InputError
        Unknown action or key, missing target, shift without hours; all at once.
    """
    problems = ProblemList()
    found: list[Amendment] = []
    for number, table in enumerate(tables, 1):
        record = f"amendment {number}"
        if not isinstance(table, Mapping):
            problems.add(file, record, "must be a table", "write [[amendment]]")
            continue
        action, target = table.get("action"), str(table.get("target", ""))
        for key in sorted(set(table) - {"action", "target", "shift_hours", "rule"}):
            problems.add(file, record, f"unknown key {key!r}", "remove it")
        if action == "add":
            try:
                (rule,) = parse_rules({"rule": [table.get("rule", {})]}, file)
            except InputError as error:
                for problem in error.problems:
                    where = f"{record} {problem.record}"
                    problems.add(file, where, problem.problem, problem.remedy)
                continue
            found.append(Amendment("add", rule.id, rule=rule))
        elif action in ("lift", "keep", "shift") and target:
            hours = table.get("shift_hours", 0)
            known = isinstance(hours, int | float) and isfinite(hours)
            if not known or bool(hours) is not (action == "shift"):
                problems.add(
                    file, record, "a shift, and only a shift, needs 'shift_hours'",
                    "for example -24",
                )  # fmt: skip
                continue
            found.append(Amendment(action, target, round(hours * 3_600_000)))
        else:
            problems.add(
                file, record, f"action {action!r} with target {target!r} is not understood",
                "action is lift, keep, shift or add; all but add name a target",
            )  # fmt: skip
    problems.raise_if_any()
    return tuple(found)
