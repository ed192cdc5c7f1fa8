"""Decisions are those of Cedar, on rulebooks that Cedar can say: forbid, unless, several regimes.

Each regime is a set of policies with a permit for everything; a prohibition is a ``forbid``, its
exceptions and licences are its ``unless``. All regimes must allow.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from oracle import make_rule

from airsim.airspace import Atlas
from airsim.base import GROUP_CHANGES_MS, format_instant, parse_instant, states_in_group
from airsim.law import (
    FlightFacts,
    FlightTest,
    Place,
    Question,
    Rule,
    Unless,
    When,
    Where,
    Who,
    make_rulebook,
)
from airsim.permission import Outcome, bind_rulebook, decide, judge_questions

try:
    import cedarpy
except ImportError:
    if os.environ.get("AIRSIM_REQUIRE_TOOLS") == "1":
        raise
    pytest.skip("needs cedarpy", allow_module_level=True)

RULEBOOKS, REQUESTS = 100, 100  # requests each
HOUR_MS = 3_600_000
MIDDLE_MS = parse_instant("2020-01-31T23:00Z")  # the United Kingdom leaves the Union
REGIMES = ("EU", "UK", "US")
PLACES = (
    Place("territory", "BY", "BY"), Place("territory", "LT", "LT", True),
    Place("territory", "GB", "GB", True), Place("territory", "GL", "DK"),
    Place("fir", "UMMV", "BY"), Place("fir", "EYVL", "LT"), Place("zone", "EP-R129"),
    Place("zone", "LT-STRIP"), Place("aerodrome", "UMMS", "BY"), Place("aerodrome", "EYVI", "LT"),
    Place("aerodrome", "EGLL", "GB"),
)  # fmt: skip
AERODROMES = {place.designator: place.sovereign for place in PLACES if place.layer == "aerodrome"}
SOME: dict[str, list[Any]] = {
    "operator": ["BRU", "THY", "AFL"], "State": ["BY", "LT", "GB", "RU", "TR"],
    "registration": ["EW-1", "EW-2", "TC-1"], "typecode": ["B738", "E195"],
    "service": ["passenger", "cargo"], "aerodrome": list(AERODROMES), "item": ["EAR99", "ITAR"],
    "status": ["emergency", "humanitarian", "state"], "list": ["EU", "UK"],
}  # fmt: skip
SPANS = ["06:00-18:00", "22:00-05:30", "12:00-13:00", "20:00-24:00", "18:00-06:00"]
WHO = {
    "operator": "operator", "operator_not": "operator", "licensed_in": "State",
    "licensed_not_in": "State", "registered_in": "State", "registration": "registration",
    "registration_not": "registration", "owned_in": "State", "controlled_in": "State",
    "chartered_in": "State", "decided_in": "State", "marketed_in": "State", "designated": "list",
    "typecode": "typecode",
}  # fmt: skip
FLIGHT = {
    "service": "service", "origin_in": "State", "origin_not_in": "State",
    "destination_in": "State", "destination_not_in": "State", "origin": "aerodrome",
    "destination": "aerodrome", "destination_not": "aerodrome", "plan_aerodrome_in": "State",
    "crossed": "State", "item": "item", "status": "status",
}  # fmt: skip


# ------------------------------------------------------------------------------- random rulebooks
class Dice(random.Random):
    """Draws rules and questions."""

    def some(self, kind: str) -> list[Any]:
        return self.sample(SOME[kind], self.randint(1, 2))

    def when(self) -> dict[str, Any]:
        start, end = sorted(self.sample(range(-60, 61), 2))
        found: dict[str, Any] = {}
        if self.random() < 0.4:
            found["from"] = format_instant(MIDDLE_MS + start * HOUR_MS)
        if self.random() < 0.4:
            found["to"] = format_instant(MIDDLE_MS + end * HOUR_MS)
        if self.random() < 0.3:
            found["published"] = format_instant(MIDDLE_MS + self.randint(-60, 60) * HOUR_MS)
        if self.random() < 0.3:
            found["daily"] = self.sample(SPANS, self.randint(1, 2))
        if self.random() < 0.3:
            found["weekly"] = self.sample(range(1, 8), 4)
        return found

    def who(self) -> dict[str, Any]:
        extra: list[dict[str, Any]] = [
            {"licensed_in_group": "EU"}, {"registered_in_group": "EU"},
            {"us_origin": self.random() < 0.5},
            {"us_content_over": 10}, {"max_seats": 19},
        ]  # fmt: skip
        if self.random() < 0.3:
            return self.choice(extra)
        return {name: self.some(WHO[name]) for name in self.sample(list(WHO), self.randint(1, 2))}

    def flight(self) -> dict[str, Any]:
        if self.random() < 0.2:
            return self.choice(
                [{"scheduled": self.random() < 0.5}, {"filed_after": format_instant(MIDDLE_MS)}]
            )
        return {n: self.some(FLIGHT[n]) for n in self.sample(list(FLIGHT), self.randint(1, 2))}

    def where(self) -> dict[str, Any]:
        if self.random() < 0.3:
            return self.choice(
                [{"anywhere": True}, {"eu_territory": True}, {"territory_group": "EU"},
                 {"anywhere": True, "except_territory": ["BY", "GL"]},
                 {"territory_group": "EU", "except_territory": ["LT"]}]
            )  # fmt: skip
        places = self.sample(PLACES, 3)
        layers = {place.layer for place in places}
        return {n: [p.designator for p in places if p.layer == n] for n in layers}

    def tests(self, *, chance: float) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, draw in (("who", self.who), ("flight", self.flight)):
            if self.random() < chance:
                found[name] = [draw() for _ in range(self.randint(1, 2))]
        if self.random() < chance:
            found["when"] = self.when()
        if self.random() < 0.15:
            lower = self.choice([0, 9_500])
            found["levels"] = {"lower_ft": lower, "upper_ft": lower + self.choice([9_500, 30_000])}
        return found

    def unless(self, name: str, depth: int = 1) -> dict[str, Any]:
        found = {"id": name, "title": name} | self.tests(chance=0.35)
        if self.random() < 0.3:
            found["where"] = [self.where()]
        if self.random() < 0.2:
            found["activities"] = ["overflight"]
        if self.random() < 0.15 or len(found) == 2:
            found["permission_of"] = "the authority"
        if depth and self.random() < 0.4:
            found["unless"] = [self.unless(f"{name}i", depth - 1)]
        return found

    def rule(self, name: str, **fixed: Any) -> Rule:
        fixed.setdefault("regime", self.choice(REGIMES))
        found = self.tests(chance=0.5) | {
            "activities": self.sample(["overflight", "landing", "take-off"], self.randint(1, 3)),
            "where": [self.where() for _ in range(self.randint(1, 2))],
            "unless": [self.unless(f"x{k}") for k in range(self.choice([0, 0, 1, 2]))],
        }
        return make_rule(name, **found, **fixed)

    def rulebook(self) -> list[Rule]:
        bans = [self.rule(f"R{k}") for k in range(self.randint(2, 8))]
        licences = [
            self.rule(f"L{k}", effect="permit", regime=ban.regime, relieves=[ban.id])
            for k, ban in enumerate(self.sample(bans, self.choice([0, 1, 2])))
        ]
        return [*bans, *licences]

    def question(self) -> Question:
        pick, adep, ades = self.choice, self.choice(list(AERODROMES)), self.choice(list(AERODROMES))
        at_ms = MIDDLE_MS + self.randint(-130, 130) * HOUR_MS // 2
        states = SOME["State"]
        facts = FlightFacts(
            pick(SOME["operator"]), pick(states), pick(states), pick(states), pick(states),
            pick(["", *states]), pick(SOME["registration"]), pick(SOME["typecode"]),
            pick([8, 180]), pick([True, False]), pick([True, False]), pick(SOME["service"]), adep,
            ades, AERODROMES[adep], AERODROMES[ades], pick([(), (("UUEE", "RU"),)]),
            frozenset(self.sample(states, 2)), at_ms - pick([0, 3, 48]) * HOUR_MS,
            pick(["", *SOME["item"]]), frozenset(self.sample(SOME["status"], pick([0, 0, 1]))),
            decided_in=pick(["", *states]),
            marketed_in=frozenset(self.sample(states, pick([0, 1]))),
            designated=frozenset(self.sample(SOME["list"], pick([0, 1]))),
            us_content=pick([5.0, 10.0, 30.0]),
            derogations=frozenset(self.sample(["R0", "R1", "L0"], pick([0, 0, 1]))),
        )  # fmt: skip
        low = pick([0.0, 5_500.0, 9_500.0, 35_000.0])
        return Question(
            pick(["overflight", "landing", "take-off"]),
            tuple(self.sample(PLACES, self.randint(1, 3))), at_ms, at_ms, facts, low,
            low + pick([0.0, 4_000.0]), pick([None, at_ms, at_ms - 3 * HOUR_MS]),
        )  # fmt: skip


# ----------------------------------------------------------------------------------- into Cedar
def quote(values: Iterable[str]) -> str:
    return json.dumps(sorted(values))


def every(parts: Iterable[str]) -> str:
    return " && ".join(f"({part})" for part in parts) or "true"


def some(parts: Iterable[str]) -> str:
    return " || ".join(f"({part})" for part in parts) or "false"


def say_membership(group: str, fact: str) -> str:
    """Members of a group differ by date: one case for each time between its changes."""
    ends = [*GROUP_CHANGES_MS, None]
    cases, first = [], None
    for last in ends:
        members = states_in_group(group, last - 1 if last is not None else GROUP_CHANGES_MS[-1])
        limits = [f"context.at >= {first}"] if first is not None else []
        limits += [f"context.at < {last}"] if last is not None else []
        cases.append(every([*limits, f"{quote(members)}.contains({fact})"]))
        first = last
    return some(cases)


def say_test(test: Who | FlightTest) -> str:
    """One table: what is given must hold."""
    return every(say_field(*field) for field in test if field[1] not in ((), None))


def say_field(name: str, value: Any) -> str:
    fact = name.replace("_not_in", "_in").removesuffix("_not").removesuffix("_group")
    if name.endswith("_group"):
        return say_membership(value, f"context.{fact}")
    match name:
        case "us_origin" | "scheduled":
            return f"context.{name} == {json.dumps(value)}"
        case "us_content_over":
            return f"context.us_content > {int(value)}"
        case "max_seats":
            return f"context.seats <= {value}"
        case "filed_after":
            return f"context.filed > {value}"
        case "plan_aerodrome_in" | "crossed" | "status" | "marketed_in" | "designated":
            return f"context.{name}.containsAny({quote(value)})"
    listed = f"{quote(value)}.contains(context.{fact})"
    return listed if fact == name else f"!({listed})"


def say_where(tables: Iterable[Where]) -> str:
    return some(
        every([f"context.places.contains({json.dumps(key(place))})", named])
        for table in tables
        for place in PLACES
        if (named := say_place(table, place)) != "false"
    )


def say_place(table: Where, place: Place) -> str:
    """When a table names a place: always, never, or while its State is in a group."""
    own = {"territory": place.designator, "aerodrome": place.sovereign}.get(place.layer, "")
    if own in table.except_territory:
        return "false"
    if table.anywhere or place.designator in getattr(table, place.layer):
        return "true"
    if place.layer == "territory" and table.eu_territory and place.eu_territory:
        return "true"
    if place.layer == "territory" and table.territory_group is not None:
        return say_membership(table.territory_group, json.dumps(place.designator))
    return "false"


def key(place: Place) -> str:
    return f"{place.layer}/{place.designator}"


def say_when(when: When) -> str:
    limits = [f"context.at >= {when.start[0]}", f"context.at < {when.end[0]}"]
    spans = [(text[:5], text[6:]) for text in when.daily or ("00:00-24:00",)]
    days = list(when.weekly or range(1, 8))
    return every([*limits, some(say_span(*map(minutes, span), days) for span in spans)])


def minutes(clock: str) -> int:
    return 60 * int(clock[:2]) + int(clock[3:])


def say_span(begin: int, finish: int, days: list[int]) -> str:
    today, yesterday = f"{days}.contains(context.day)", f"{days}.contains(context.yesterday)"
    if begin < finish:
        return every([f"context.minute >= {begin}", f"context.minute < {finish}", today])
    late, early = f"context.minute >= {begin}", f"context.minute < {finish}"
    return some([every([late, today]), every([early, yesterday])])


def say_scope(table: Rule | Unless) -> str:
    """Everything that a rule or exception asks, its own exceptions included."""
    parts = [f"{quote(table.activities)}.contains(context.activity)"] if table.activities else []
    parts += [some(map(say_test, tests)) for tests in (table.who, table.flight) if tests]
    parts += [say_where(table.where)] if table.where else []
    parts += [say_when(table.when)] if table.when is not None else []
    if table.levels is not None:
        low, high = table.levels.lower_ft, table.levels.upper_ft
        parts += [f"context.low < {high}", f"context.high >= {low}"]
    if isinstance(table, Rule):
        parts.append(f"context.known >= {table.when.published_ms}")
    elif table.permission_of:
        parts.append(f"context.derogations.contains({json.dumps(table.granted_as)})")
    return every([*parts, *(f"!({say_scope(inner)})" for inner in table.unless)])


def say_regime(rules: list[Rule], bans: list[Rule]) -> str:
    """Policies of one regime; policy k is ban k - 1, policy 0 permits everything."""

    def say(ban: Rule) -> Iterator[str]:
        bare = ban.model_copy(update={"unless": ()})
        yield f"forbid(principal, action, resource) when {{ {say_scope(bare)} }}"
        reliefs = [*ban.unless, *(rule for rule in rules if ban.id in rule.relieves)]
        yield from (f"unless {{ {say_scope(relief)} }}" for relief in reliefs)

    return "permit(principal, action, resource);" + "".join(
        "\n".join(say(ban)) + ";" for ban in bans
    )


def say_request(question: Question) -> dict[str, Any]:
    facts = question.facts
    clock = datetime.fromtimestamp(question.start_ms / 1000, UTC)
    names = (
        "operator", "licensed_in", "registered_in", "owned_in", "controlled_in", "chartered_in",
        "registration", "typecode", "seats", "us_origin", "scheduled", "service", "origin",
        "destination", "item", "decided_in",
    )  # fmt: skip
    sets = ("crossed", "status", "marketed_in", "designated", "derogations")
    plan = {facts.origin_state, facts.destination_state, *(state for _, state in facts.stops)}
    return {
        "principal": f'Operator::"{facts.operator}"',
        "action": f'Action::"{question.activity}"',
        "resource": f'Place::"{key(question.places[0])}"',
        "context": {
            **{name: getattr(facts, name) for name in names},
            **{name: sorted(getattr(facts, name)) for name in sets},
            "origin_in": facts.origin_state, "destination_in": facts.destination_state,
            "plan_aerodrome_in": sorted(plan), "us_content": int(facts.us_content or 0),
            "filed": facts.filed_ms, "activity": question.activity,
            "places": sorted(key(place) for place in question.places), "at": question.start_ms,
            "day": clock.isoweekday(), "yesterday": (clock.isoweekday() - 2) % 7 + 1,
            "minute": 60 * clock.hour + clock.minute, "low": int(question.lower_ft),
            "high": int(question.upper_ft),
            "known": 2**62 if question.known_ms is None else question.known_ms,
        },
    }  # fmt: skip


def ask_cedar(rules: list[Rule], questions: list[Question]) -> list[tuple[str, ...]]:
    """For each question, the rules by which some regime denies it; empty if all allow."""
    requests = [say_request(question) for question in questions]
    denied: list[set[str]] = [set() for _ in questions]
    for regime in REGIMES:
        own = [rule for rule in rules if rule.regime == regime]
        bans = [rule for rule in own if rule.effect == "prohibit"]
        answers = cedarpy.is_authorized_batch(requests, say_regime(own, bans), "[]")
        for answer, rule_ids in zip(answers, denied, strict=True):
            assert not answer.diagnostics.errors, answer.diagnostics.errors
            if not answer.allowed:
                numbers = [int(name.removeprefix("policy")) for name in answer.diagnostics.reasons]
                rule_ids.update(bans[number - 1].id for number in numbers)
    return [tuple(sorted(rule_ids)) for rule_ids in denied]


# --------------------------------------------------------------------------------------- and back
def test_decisions_are_those_of_cedar_on_ten_thousand_requests(atlas: Atlas) -> None:
    """One by one and in bulk, with the same rules that forbid."""
    forbidden = several = 0
    for seed in range(RULEBOOKS):
        dice = Dice(seed)
        rules = dice.rulebook()
        questions = [dice.question() for _ in range(REQUESTS)]
        expected = ask_cedar(rules, questions)
        bound = bind_rulebook(make_rulebook(rules), atlas)
        bulk = judge_questions(bound, questions)
        for k, (question, rule_ids) in enumerate(zip(questions, expected, strict=True)):
            decision = decide(bound, question)
            assert decision.rules == rule_ids, (seed, k)
            outcome = Outcome.FORBIDDEN if rule_ids else Outcome.PERMITTED
            assert decision.outcome is outcome, (seed, k)
            assert bulk.outcome[k] == outcome, (seed, k)
            forbidden += bool(rule_ids)
            several += len(rule_ids) > 1
    # The draw is no foregone conclusion.
    assert RULEBOOKS * REQUESTS == 10_000
    assert 1_000 < forbidden < 9_000
    assert several > 100


def test_a_slip_of_the_pen_would_be_seen() -> None:
    """The comparison can fail: exceptions, or licences, left out on one side are noticed."""
    dice = Dice(3)
    rules = [dice.rule(f"R{k}", regime="EU") for k in range(8)]
    rules.append(dice.rule("L0", effect="permit", regime="EU", relieves=[r.id for r in rules]))
    questions = [dice.question() for _ in range(1000)]
    full = ask_cedar(rules, questions)
    assert full != ask_cedar([r.model_copy(update={"unless": ()}) for r in rules], questions)
    assert full != ask_cedar(rules[:-1], questions)
