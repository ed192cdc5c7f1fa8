"""Why: the tree from the question, by regime and rule, down to the tests that failed.

Each regime is judged alone, so each has a branch of its own. By default only rules that say
something are shown, and near misses: rules that an exception or a licence took away, that were not
yet published, or that failed by their dates, hours or levels alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from airsim.base import OPEN_FROM, OPEN_TO, format_instant
from airsim.law import (
    Node,
    Place,
    Question,
    Rule,
    Truth,
    Verdict,
    explain,
    judge_rule,
    judge_time,
    name_some,
    tell_bounds,
    tell_instant,
)
from airsim.permission import Outcome, Weight, weigh_verdict
from airsim.planning.ends import decide_stay, find_home, list_candidates
from airsim.planning.persons import Flown, breaks_itself, list_acts
from airsim.planning.types import Plan
from airsim.scenario import Scenario

DAY_MS = 86_400_000
# Of a rule that has ended or not yet begun: how long before or after it is worth a word.
_NEAR_MS = 30 * DAY_MS

# What a rule says of the flight, gravest first.
SAYS = (
    "forbids", "broken", "needs-permit", "unknown", "advises-against", "binds-persons",
    "permit-held", "not-judged", "unpublished", "relieved", "out-of-time", "out-of-levels",
    "does-not-apply",
)  # fmt: skip
_BY_WEIGHT = {
    Weight.FORBIDDEN: "forbids",
    Weight.NOT_PERMITTED: "needs-permit",
    Weight.UNKNOWN: "unknown",
    Weight.ADVISED_AGAINST: "advises-against",
    Weight.PRESUMED: "permit-held",
    Weight.NOT_JUDGED: "not-judged",
    Weight.CONDITIONAL: "unknown",
}
_OF_THE_PLACE = ("activities", "published", "where", "levels")
_TRUTHS = {True: "yes", False: "no", None: "unknown"}


@dataclass(slots=True)
class _Entry:
    """One rule and all places at which it says the same for the same reason."""

    rule: Rule
    says: str
    flown: bool
    question: Question
    acts: dict[str, dict[Place, None]] = field(default_factory=dict)


def explain_plan(scenario: Scenario, plan: Plan, *, everything: bool = False) -> dict[str, Any]:
    """Explain a plan as a tree.

    Parameters
    ----------
    scenario : Scenario
        The world in which it was made.
    plan : Plan
    everything : bool
        Show every rule that was asked, not only what says something and near misses.

    Returns
    -------
    dict
        Node of kind ``question``, as ``explanation`` in ``check.schema.json``: regimes below it,
        rules below these, then tests, exceptions and licences.
    """
    entries = _collect(scenario, plan, everything)
    successors = _find_successors(scenario)
    regimes: dict[str, list[_Entry]] = {}
    for entry in entries:
        regimes.setdefault(entry.rule.regime, []).append(entry)
    for found in regimes.values():
        found.sort(key=lambda entry: (SAYS.index(entry.says), entry.rule.id))
    ordered = sorted(regimes, key=lambda name: (SAYS.index(regimes[name][0].says), name))
    return {
        "id": plan.flight.flight_id,
        "kind": "question",
        "title": _ask(scenario, plan),
        "truth": _TRUTHS[plan.feasible],
        "says": plan.outcome,
        "complete": everything,
        "children": [
            {
                "id": name,
                "kind": "regime",
                "title": name,
                "truth": _TRUTHS[any(e.says in ("forbids", "broken") for e in regimes[name])],
                "says": regimes[name][0].says,
                "children": [
                    _describe_entry(scenario, plan, entry, successors) for entry in regimes[name]
                ],
            }
            for name in ordered
        ],
    }


def _ask(scenario: Scenario, plan: Plan) -> str:
    flight = plan.flight
    names = [scenario.aerodromes[icao].name for icao in (flight.adep, flight.ades)]
    return (
        f"May {scenario.operators[flight.operator].name} fly from {names[0]} to {names[1]} at "
        f"{format_instant(flight.eobt_ms)}, planned on what was known at "
        f"{format_instant(plan.planned_ms)}?"
    )


def _collect(scenario: Scenario, plan: Plan, everything: bool) -> list[_Entry]:
    """Rules asked about a plan, those that say the same for the same reason as one."""
    found: dict[tuple[object, ...], _Entry] = {}
    for question, rules, flown in _list_questions(scenario, plan):
        for rule in rules:
            verdict = judge_rule(scenario.rulebook, rule, question)
            if verdict.missing == {"item"}:
                continue  # turns on goods that nobody spoke of
            says = _say(scenario, verdict, question)
            if not everything and (
                says == "does-not-apply" or (says == "not-judged" and not rule.open_question)
            ):
                continue
            key = (rule.id, says, flown, verdict.relieved_by, verdict.missing)
            entry = found.setdefault(key, _Entry(rule, says, flown, question))
            entry.acts.setdefault(question.activity, {})[question.places[0]] = None
    return list(found.values())


def _list_questions(
    scenario: Scenario, plan: Plan
) -> Iterator[tuple[Question, Iterable[Rule], bool]]:
    """Everything asked: on the route and at its ends, in the way, and of persons."""
    bound = scenario.bound
    for decision in plan.decisions:
        yield decision.question, list_candidates(bound, decision.question), True
    for _, decision in plan.obstacles:
        blocking = [r for r in decision.rules if r in plan.blocking_rules]
        blocking += [v.rule.id for v in decision.advisories if v.rule.id in plan.blocking_rules]
        rules = [scenario.rulebook.by_id[name] for name in dict.fromkeys(blocking)]
        yield decision.question, rules, False
    flown = Flown(
        scenario, plan.flight, plan.facts, plan.decisions, plan.crossings, plan.planned_ms,
        find_home(scenario, plan.facts),
    )  # fmt: skip
    for _, question in list_acts(flown):
        yield question, [r for r in bound.person_rules if question.activity in r.activities], True


def _say(scenario: Scenario, verdict: Verdict, question: Question) -> str:
    """What one verdict says of the flight, in a word of `SAYS`."""
    rule = verdict.rule
    if verdict.truth is not False:
        weight = weigh_verdict(verdict, question.facts, scenario.bound.held)
        if rule.addresses == "airspace" or weight not in (Weight.FORBIDDEN, Weight.UNKNOWN):
            return _BY_WEIGHT[weight]
        if not breaks_itself(question, rule):
            return "binds-persons" if verdict.truth else "does-not-apply"
        return "broken" if verdict.truth else "unknown"
    if verdict.relieved_by:
        return "relieved"
    return _find_near_miss(scenario, rule, question)


def _find_near_miss(scenario: Scenario, rule: Rule, question: Question) -> str:
    """Why a rule whose other tests all hold does not apply; or that it does not at all."""
    if question.activity not in rule.activities:
        return "does-not-apply"
    # The dates are cheap to ask, and dismiss most rules.
    when = rule.when
    near = (
        when.start[0] - _NEAR_MS <= question.end_ms and question.start_ms < when.end[1] + _NEAR_MS
    )
    if not near:
        return "does-not-apply"
    node = explain(scenario.rulebook, rule, question)
    failed = [test.id for test in node.tests if test.truth is not True]
    if failed == ["published"]:
        return "unpublished"
    if failed in (["when"], ["published", "when"]):
        return "out-of-time"
    return "out-of-levels" if failed == ["levels"] else "does-not-apply"


# --------------------------------------------------------------------------------- the second clock
class Surprise(NamedTuple):
    """A rule in force where the flight would be, published only after it was planned."""

    rule: Rule
    question: Question
    outcome: Outcome


def find_surprises(scenario: Scenario, plan: Plan) -> tuple[Surprise, ...]:
    """What bars a planned flight by the law in force, and was not published when it was planned."""
    found = []
    for decision in plan.decisions:
        met = decide_stay(scenario.bound, replace(decision.question, known_ms=None))
        for outcome in (Outcome.FORBIDDEN, Outcome.NOT_PERMITTED, Outcome.UNKNOWN):
            found += [
                Surprise(verdict.rule, decision.question, outcome)
                for verdict in met.says(outcome)
                if verdict.rule.when.published_ms > plan.planned_ms
            ]
    return tuple(found)


# ------------------------------------------------------------------------------------- one rule
def _describe_entry(
    scenario: Scenario, plan: Plan, entry: _Entry, successors: dict[str, list[Rule]]
) -> dict[str, Any]:
    rule = entry.rule
    node = explain(scenario.rulebook, rule, entry.question)
    return {
        **_describe_node(node),
        "says": entry.says,
        "flown": entry.flown,
        "acts": [
            {
                "activity": activity,
                "places": [{"layer": p.layer, "designator": p.designator} for p in places],
            }
            for activity, places in entry.acts.items()
        ],
        "acts_text": tell_acts(entry.acts),
        "because": _list_facts(node, True),
        "not_known": _list_facts(node, None) if node.truth is None else [],
        "person_bound": rule.person_bound,
        "instrument": rule.reference.instrument,
        "article": rule.reference.article,
        "url": rule.reference.url,
        "sources": list(rule.reference.sources),
        "confidence": rule.confidence,
        "version": _describe_version(scenario, plan, rule, successors.get(rule.id, [])),
    }


def tell_acts(acts: Mapping[str, Iterable[Place]]) -> str:
    """Acts and places in a phrase: overflight of LT PL; servicing and marketing at UMKK."""
    by_place: dict[str, list[str]] = {}
    for activity, places in acts.items():
        # Several airspaces lie around an aerodrome: it stands for them.
        spots = [place for place in places if place.layer == "aerodrome"]
        word = "at" if spots else "of" if activity == "overflight" else "in"
        names = " ".join(dict.fromkeys(place.designator for place in spots or places))
        by_place.setdefault(f"{word} {names}", []).append(activity)
    return ", ".join(f"{' and '.join(done)} {place}" for place, done in by_place.items())


def _list_facts(node: Node, truth: Truth) -> list[str]:
    """Facts of operator, aircraft and flight that met a rule; or the tests that lack one."""
    leaves = [
        leaf
        for test in node.tests
        if test.id not in _OF_THE_PLACE and not (test.id == "when" and truth)
        for leaf in _leaves(test, truth)
    ]
    return list(dict.fromkeys(leaf.found if truth else leaf.title for leaf in leaves))


def _leaves(test: Node, truth: Truth) -> Iterator[Node]:
    """Tests of one truth at the ends of the branches that have it."""
    if test.truth is truth and not test.children:
        yield test
    for child in test.children:
        if child.truth is truth:
            yield from _leaves(child, truth)


def _describe_node(node: Node) -> dict[str, Any]:
    return {
        "id": node.id,
        "kind": node.kind,
        "title": node.title,
        "truth": _TRUTHS[node.truth],
        "found": node.found,
        "missing": sorted(node.missing),
        "children": [_describe_node(child) for child in node.children],
    }


def _find_successors(scenario: Scenario) -> dict[str, list[Rule]]:
    found: dict[str, list[Rule]] = {}
    for rule in scenario.rulebook.rules:
        for earlier in rule.replaces:
            found.setdefault(earlier, []).append(rule)
    return found


def _describe_version(
    scenario: Scenario, plan: Plan, rule: Rule, successors: list[Rule]
) -> dict[str, Any]:
    """Which text of the law this is: since when, known when, before and after which other."""
    when, at_ms = rule.when, plan.flight.eobt_ms
    known = when.published_ms <= plan.planned_ms
    earlier = [
        scenario.rulebook.by_id[name] for name in rule.replaces if name in scenario.rulebook.by_id
    ]
    changed = [
        f"{change.action} {change.target}"
        for change in scenario.amendments
        if change.target in (rule.id, rule.reference.instrument, rule.regime, rule.authority)
    ]
    return {
        "from_utc": [format_instant(stamp) for stamp in when.start],
        "to_utc": [format_instant(stamp) for stamp in when.end],
        "published_utc": format_instant(when.published_ms),
        "known": known,
        "replaces": [{"rule": r.id, "until_utc": format_instant(r.when.end[1])} for r in earlier],
        "replaced_by": [
            {"rule": r.id, "from_utc": format_instant(r.when.start[0])} for r in successors
        ],
        "amended": changed,
        "last_evidence_utc": (
            "" if rule.last_evidence is None else format_instant(rule.last_evidence)
        ),
        "text": _tell_version(rule, at_ms, known, earlier, successors, changed),
    }


def _tell_version(
    rule: Rule, at_ms: int, known: bool, earlier: list[Rule], later: list[Rule], changed: list[str]
) -> str:
    """Which version stands at the time of the flight, and why, in words."""
    when = rule.when
    first, last = tell_bounds(when.start), tell_bounds(when.end)
    if when.end[0] <= at_ms:
        said = [f"ended {last}"]
    elif when.start[1] > at_ms:
        said = [f"begins {first}"]
    else:
        said = [f"in force since {first}" if first else "in force, start not recorded"]
        if when.end != (OPEN_TO, OPEN_TO):
            said.append(f"until {last}")
        if judge_time(when, at_ms) is False:
            said.append("not at this hour")
    if when.published_ms not in (when.start[0], OPEN_FROM):
        said.append(f"published {tell_instant(when.published_ms)}")
    if not known:
        said.append("not yet published when the flight was planned")
    if earlier:
        said.append(f"this version follows {name_some(r.id for r in earlier)}")
    for other in later:
        said.append(f"{other.id} follows {tell_bounds(other.when.start)}")
    said += [f"changed here: {change}" for change in changed]
    if rule.last_evidence is not None and rule.last_evidence < at_ms:
        said.append(f"last seen in force {tell_instant(rule.last_evidence)}")
    return "; ".join(said)
