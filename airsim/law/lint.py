"""Lint: what is suspicious in a rulebook although every rule by itself is well formed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import combinations

from airsim.base import format_instant
from airsim.law.model import Rule, Unless
from airsim.law.rulebook import Rulebook
from airsim.law.scope import (
    can_meet,
    covers_scope,
    holds_for_nobody,
    is_ever_in_force,
    name_places,
    times_meet,
)

LEVELS = ("error", "warning", "note")
Lives = Mapping[tuple[str, str], Sequence[tuple[int, int]]]
_NAMED = ("fir", "zone", "aerodrome", "operator", "typecode")


@dataclass(frozen=True, slots=True, order=True)
class LintFinding:
    """One remark on a rule.

    Parameters
    ----------
    level : {"error", "warning", "note"}
        The rule cannot do what it says; it may not do what was meant; worth knowing.
    rule_id, message : str
    remedy : str
        What to do about it; may be empty.
    """

    level: str
    rule_id: str
    message: str
    remedy: str = ""


def lint_rulebook(
    rulebook: Rulebook,
    known: Mapping[str, AbstractSet[str]] | None = None,
    *,
    lives: Lives | None = None,
    at_ms: int | None = None,
) -> tuple[LintFinding, ...]:
    """Find contradictions, dead rules, idle licences and exceptions, dangling names.

    Parameters
    ----------
    rulebook : Rulebook
    known : mapping of str to set of str, optional
        Designators that exist, by ``fir``, ``zone``, ``aerodrome``, ``operator``, ``typecode``;
        kinds left out are not checked.
    lives : mapping of (layer, designator) to spans, optional
        From and to, UTC ms, of areas that have not always existed.
    at_ms : int, optional
        The day that is asked about: what has expired by then, or was last read before, is noted.

    Returns
    -------
    tuple of LintFinding
        Errors first; empty if there is nothing to say.

    Notes
    -----
    What is said of rules that shadow, cancel or never meet each other is read off their words and
    holds for every flight; that one area lies inside another is not known here, so that not every
    dead rule is found.
    """
    found: list[LintFinding] = []
    for rule in rulebook.rules:
        found += _lint_rule(rule)
        found += _lint_exceptions(rule)
        found += _lint_lives(rule, lives or {})
        found += _lint_licence(rule, rulebook)
        found += _lint_versions(rule, rulebook)
        if known is not None:
            found += _lint_names(rule, known)
    found += _find_shadows(rulebook)
    found += _find_overlaps(rulebook)
    if at_ms is not None:
        found += _find_stale(rulebook, at_ms)
    return tuple(sorted(set(found), key=lambda f: (LEVELS.index(f.level), f)))


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


# ------------------------------------------------------------------------------ one rule alone
def _lint_rule(rule: Rule) -> Iterator[LintFinding]:
    if rule.addresses == "airspace" and rule.effect != "permit" and not rule.where:
        yield LintFinding("error", rule.id, "addresses airspace but says nowhere ('where')")
    if not is_ever_in_force(rule.when):
        yield LintFinding(
            "error", rule.id, "is never in force: its hours and weekdays miss its dates",
            "weekly counts 1 = Monday, of the day on which a span begins",
        )  # fmt: skip
    for tests, what in ((rule.who, "who"), (rule.flight, "flight")):
        if tests and all(map(holds_for_nobody, tests)):
            yield LintFinding("error", rule.id, f"'{what}' asks for what it rules out: binds none")
    if rule.where and not name_places(rule.where):
        yield LintFinding("error", rule.id, "'where' excepts every place that it names")
    if rule.reference.url == "unknown" and not rule.reference.sources:
        yield LintFinding("warning", rule.id, "has no source: neither url nor sources")
    if rule.last_evidence is not None and rule.last_evidence < rule.when.published_ms:
        yield LintFinding("warning", rule.id, "last evidence is older than its publication")
    if rule.when.published_ms >= rule.when.end[1]:
        yield LintFinding("error", rule.id, "was published after it had ended: nobody heeds it")
    elif rule.when.published_ms > rule.when.start[1]:
        yield LintFinding("warning", rule.id, "was published after it came into force")


def _lint_exceptions(rule: Rule) -> Iterator[LintFinding]:
    for unless in rule.unless:
        if covers_scope(unless, rule):
            yield LintFinding(
                "error", rule.id, f"never binds: its exception {unless.id!r} frees all it forbids"
            )
        elif not can_meet(rule, unless, rule.activities):
            yield LintFinding(
                "warning", rule.id, f"exception {unless.id!r} frees nothing of what it forbids",
                "an exception acts inside its rule: on the same areas, activities and dates",
            )  # fmt: skip
        elif (
            unless.where
            and "overflight" in (unless.activities or rule.activities)
            and any(table.anywhere for table in rule.where)
        ):
            yield LintFinding(
                "warning", rule.id,
                f"acts anywhere: its exception {unless.id!r}, by place, opens no airspace",
                "name territories or regions instead of 'anywhere'",
            )  # fmt: skip


def _lint_lives(rule: Rule, lives: Lives) -> Iterator[LintFinding]:
    """Areas that do not exist while the rule is in force."""
    named = sorted(name_places(rule.where))
    start, end = rule.when.start[0], rule.when.end[1]
    gone = [
        atom
        for atom in named
        if atom in lives and not any(a < end and start < b for a, b in lives[atom])
    ]
    if gone and len(gone) == len(named):
        yield LintFinding(
            "error", rule.id,
            f"is dead: {_join(gone)} {_plural(gone, 'does', 'do')} not exist while it is in force",
        )  # fmt: skip
    elif gone:
        yield LintFinding(
            "warning", rule.id,
            f"{_join(gone)} {_plural(gone, 'does', 'do')} not exist while it is in force",
        )  # fmt: skip


def _join(atoms: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"{layer} {name}" for layer, name in atoms)


def _plural(things: Sequence[object], one: str, many: str) -> str:
    return one if len(things) == 1 else many


# ------------------------------------------------------------------------------- names
def _walk(table: Rule | Unless) -> Iterator[Rule | Unless]:
    """A rule or exception, and all exceptions below it."""
    yield table
    for unless in table.unless:
        yield from _walk(unless)


def _lint_names(rule: Rule, known: Mapping[str, AbstractSet[str]]) -> Iterator[LintFinding]:
    used: dict[str, set[str]] = {kind: set() for kind in _NAMED}
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
                remedy = _suggest(name, kind, known)
                yield LintFinding("warning", rule.id, f"unknown {kind} {name!r}", remedy)


def _suggest(name: str, kind: str, known: Mapping[str, AbstractSet[str]]) -> str:
    other = [its for its, names in known.items() if its != kind and name in names]
    if other:
        return f"{name} is not a {kind} but: {other[0]}"
    near = get_close_matches(name.upper(), sorted(known[kind]), n=3)
    if near:
        return f"did you mean {', '.join(near)}?"
    return {
        "fir": "write its designator, as EYVL",
        "zone": "define it in the zones file of the scenario",
        "aerodrome": "write the ICAO location indicator, as EYVI",
        "operator": "write the ICAO designator, as BRU",
        "typecode": "write the ICAO type designator, as B738",
    }[kind]


# ------------------------------------------------------------------------- licences, shadows
def _lint_licence(rule: Rule, rulebook: Rulebook) -> Iterator[LintFinding]:
    for target_id in sorted(set(rule.relieves)):
        target = rulebook.by_id.get(target_id)
        if target is None:
            yield _miss_rule(rulebook, rule.id, "relieves", target_id)
        elif target.regime != rule.regime:
            yield LintFinding(
                "error", rule.id,
                f"relieves {target_id} of another regime ({target.regime}): it never can",
            )  # fmt: skip
        elif target.effect == "permit":
            yield LintFinding("error", rule.id, f"relieves {target_id}, which forbids nothing")
        elif not times_meet(rule.when, target.when):
            yield LintFinding("warning", rule.id, f"is never in force together with {target_id}")
        elif not can_meet(rule, target, target.activities):
            yield LintFinding(
                "warning", rule.id, f"relieves nothing of {target_id}: their scopes never meet"
            )
        elif covers_scope(rule, target):
            yield LintFinding(
                "error", target_id, f"never binds: {rule.id} permits all that it forbids"
            )
    if rule.effect != "permit":
        return
    for target in rulebook.rules:
        same = target.regime == rule.regime and target.effect != "permit"
        if same and target.id not in rule.relieves and covers_scope(rule, target):
            yield LintFinding(
                "warning", rule.id,
                f"permits all that {target.id} forbids, but does not relieve it: the ban stands",
                f"add {target.id} to 'relieves' if that is meant",
            )  # fmt: skip


def _miss_rule(rulebook: Rulebook, rule_id: str, verb: str, target_id: str) -> LintFinding:
    near = get_close_matches(target_id, rulebook.by_id, n=3)
    remedy = f"did you mean {', '.join(near)}?" if near else ""
    return LintFinding("warning", rule_id, f"{verb} {target_id}, which is not here", remedy)


def _lint_versions(rule: Rule, rulebook: Rulebook) -> Iterator[LintFinding]:
    for earlier_id in sorted(set(rule.replaces)):
        earlier = rulebook.by_id.get(earlier_id)
        if earlier is None:
            yield _miss_rule(rulebook, rule.id, "replaces", earlier_id)
        elif earlier.when.end[0] > rule.when.start[1]:
            yield LintFinding(
                "warning", rule.id, f"replaces {earlier_id}, which runs on beside it",
                "let the version before end where this one begins",
            )  # fmt: skip


def _find_shadows(rulebook: Rulebook) -> Iterator[LintFinding]:
    """Rules that change nothing because another of their regime says as much or more."""
    regimes: dict[tuple[str, str, str, str], list[Rule]] = {}
    for rule in rulebook.rules:
        if rule.effect != "permit" and not rule.open_question:
            key = (rule.regime, rule.force, rule.addresses, rule.person_bound)
            regimes.setdefault(key, []).append(rule)
    for rules in regimes.values():
        for one, other in combinations(rules, 2):
            ahead, behind = (_shadows(rulebook, a, b) for a, b in ((one, other), (other, one)))
            if ahead and behind:
                yield LintFinding("warning", other.id, f"says the same as {one.id}")
            elif ahead or behind:
                strong, idle = (one, other) if ahead else (other, one)
                yield LintFinding(
                    "warning", idle.id,
                    f"changes nothing: {strong.id} of the same regime says as much or more",
                )  # fmt: skip


def _shadows(rulebook: Rulebook, strong: Rule, idle: Rule) -> bool:
    if strong.effect != "prohibit":
        if idle.effect != strong.effect or strong.permit is None or idle.permit is None:
            return False
        if strong.permit.kind == "routine" and idle.permit.kind != "routine":
            return False
    if not covers_scope(strong, idle):
        return False
    # Where a licence lifts the stronger, the other must be lifted too.
    licences = rulebook.licences_by_rule
    lifts: list[Rule | Unless] = [*licences.get(idle.id, ()), *idle.unless]
    return all(
        any(lift is licence or covers_scope(lift, licence) for lift in lifts)
        for licence in licences.get(strong.id, ())
    )


def _find_overlaps(rulebook: Rulebook) -> Iterator[LintFinding]:
    for target_id, licences in rulebook.licences_by_rule.items():
        target = rulebook.by_id[target_id]
        for one, other in combinations({rule.id: rule for rule in licences}.values(), 2):
            wider = covers_scope(one, other), covers_scope(other, one)
            if any(wider):
                wide, idle = (one, other) if wider[0] else (other, one)
                yield LintFinding(
                    "warning", idle.id,
                    f"relieves nothing of {target_id} that {wide.id} does not relieve",
                )  # fmt: skip
            elif can_meet(one, other, target.activities):
                yield LintFinding("note", other.id, f"overlaps {one.id}: both relieve {target_id}")


def _find_stale(rulebook: Rulebook, at_ms: int) -> Iterator[LintFinding]:
    """Instruments that have ended, and rules last read before the day that is asked about."""
    day = format_instant(at_ms)[:10]
    by_instrument: dict[str, list[Rule]] = {}
    for rule in rulebook.rules:
        by_instrument.setdefault(rule.reference.instrument, []).append(rule)
        running = rule.when.start[0] <= at_ms < rule.when.end[1]
        if running and rule.last_evidence is not None and rule.last_evidence < at_ms:
            read = format_instant(rule.last_evidence)[:10]
            yield LintFinding("note", rule.id, f"was last read on {read}, before {day}")
    for instrument, rules in by_instrument.items():
        last = max(rules, key=lambda rule: (rule.when.end[1], rule.id))
        if last.when.end[1] <= at_ms:
            ended = format_instant(last.when.end[1])[:10]
            yield LintFinding("note", last.id, f"expired on {ended}: {instrument}")
