"""Lint: what is suspicious in a rulebook although every rule by itself is well formed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from airsim.law.model import Rule, Unless
from airsim.law.rulebook import Rulebook


@dataclass(frozen=True, slots=True, order=True)
class LintFinding:
    """One remark: `level` is ``error`` (the rule cannot do what it says) or ``warning``."""

    level: str
    rule_id: str
    message: str


def lint_rulebook(
    rulebook: Rulebook, known: Mapping[str, AbstractSet[str]] | None = None
) -> tuple[LintFinding, ...]:
    """Find contradictions, dead rules, dangling names.

    Parameters
    ----------
    rulebook : Rulebook
    known : mapping of str to set of str, optional
        Designators that exist, by ``fir``, ``zone``, ``aerodrome``, ``operator``, ``typecode``;
        kinds left out are not checked.

    Returns
    -------
    tuple of LintFinding
        Sorted; empty if there is nothing to say.
    """
    found: list[LintFinding] = []
    for rule in rulebook.rules:
        found.extend(_lint_rule(rule, rulebook))
        if known is not None:
            found.extend(_lint_names(rule, known))
    return tuple(sorted(found))


def find_unknown_names(
    rulebook: Rulebook, known: Mapping[str, AbstractSet[str]]
) -> tuple[LintFinding, ...]:
    """Names in rules that nothing bears: such a rule would bind nobody, nowhere.

    Parameters
    ----------
    rulebook : Rulebook
    known : mapping of str to set of str
        As for `lint_rulebook`.

    Returns
    -------
    tuple of LintFinding
        Sorted by rule.
    """
    return tuple(f for rule in rulebook.rules for f in _lint_names(rule, known))


def _lint_rule(rule: Rule, rulebook: Rulebook) -> Iterator[LintFinding]:
    if rule.addresses == "airspace" and rule.effect != "permit" and not rule.where:
        yield LintFinding("error", rule.id, "addresses airspace but says nowhere ('where')")
    for target_id in rule.relieves:
        target = rulebook.by_id.get(target_id)
        if target is None:
            yield LintFinding("warning", rule.id, f"relieves {target_id}, which is not here")
        elif target.regime != rule.regime:
            yield LintFinding(
                "error", rule.id,
                f"relieves {target_id} of another regime ({target.regime}): it never can",
            )  # fmt: skip
        elif rule.when.start[0] >= target.when.end[1] or target.when.start[0] >= rule.when.end[1]:
            yield LintFinding("warning", rule.id, f"is never in force together with {target_id}")
    if rule.reference.url == "unknown" and not rule.reference.sources:
        yield LintFinding("warning", rule.id, "has no source: neither url nor sources")
    if rule.last_evidence is not None and rule.last_evidence < rule.when.published_ms:
        yield LintFinding("warning", rule.id, "last evidence is older than its publication")
    if rule.when.published_ms > rule.when.start[1]:
        yield LintFinding("warning", rule.id, "was published after it came into force")


def _walk(table: Rule | Unless) -> Iterator[Rule | Unless]:
    """A rule or exception, and all exceptions below it."""
    yield table
    for unless in table.unless:
        yield from _walk(unless)


def _lint_names(rule: Rule, known: Mapping[str, AbstractSet[str]]) -> Iterator[LintFinding]:
    kinds = ("fir", "zone", "aerodrome", "operator", "typecode")
    used: dict[str, set[str]] = {kind: set() for kind in kinds}
    for table in _walk(rule):
        for where in table.where:
            used["fir"].update(where.fir)
            used["zone"].update(where.zone)
            used["aerodrome"].update(where.aerodrome)
        for who in table.who:
            used["operator"].update((*who.operator, *who.operator_not))
            used["typecode"].update(who.typecode)
        for test in table.flight:
            used["aerodrome"].update((*test.origin, *test.destination, *test.destination_not))
    for kind, names in used.items():
        if kind in known:
            for name in sorted(names - known[kind]):
                yield LintFinding("warning", rule.id, f"unknown {kind} {name!r}")
