"""Prohibitions and their exceptions mean what the policy language Cedar says they mean.

Random rulebooks are written down twice: as rules, and as Cedar policies, one set for each regime,
every set beginning with a policy that permits all. A flight may go where all sets allow, and the
policies that forbid are the rules that decide.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterable
from typing import Any

import pytest
from oracle import make_rule

from airsim.airspace import Atlas
from airsim.base import format_instant, parse_instant
from airsim.law import FlightFacts, Place, Question, make_rulebook
from airsim.permission import Outcome, bind_rulebook, decide

if os.environ.get("AIRSIM_REQUIRE_TOOLS"):
    import cedarpy
else:
    cedarpy = pytest.importorskip("cedarpy")

RULEBOOKS, REQUESTS = 50, 200  # 10,000 requests in all
STATES = ["BY", "RU", "LT", "GB", "US"]
ACTIVITIES = ["overflight", "landing", "take-off"]
REGIMES = ["EU", "UK", "national"]
FIRST_MS = parse_instant("2025-09-01T00:00Z")
HOUR_MS = 3_600_000
EQUALS = {
    "operator": ["BRU", "AFL", "BAW"], "licensed_in": STATES, "registered_in": STATES,
    "owned_in": STATES, "controlled_in": STATES, "typecode": ["B738", "E195", "A332"],
}  # fmt: skip
ENDS = {"origin_in": "origin_state", "destination_in": "destination_state"}

Table = dict[str, Any]


# --------------------------------------------------------------------------------- random tables
def draw_who(rng: random.Random) -> Table:
    names = rng.sample(sorted(EQUALS), rng.randint(1, 2))
    found: Table = {name: rng.sample(EQUALS[name], rng.randint(1, 2)) for name in names}
    if rng.random() < 0.2:
        found["us_origin"] = rng.random() < 0.5
    return found


def draw_flight(rng: random.Random) -> Table:
    name = rng.choice([*ENDS, "scheduled"])
    if name == "scheduled":
        return {name: rng.random() < 0.5}
    return {name: rng.sample(STATES, rng.randint(1, 3))}


def draw_where(rng: random.Random) -> Table:
    if rng.random() < 0.2:
        return {"anywhere": True, "except_territory": rng.sample(STATES, 2)}
    return {"territory": rng.sample(STATES, rng.randint(1, 3))}


def draw_when(rng: random.Random) -> Table:
    start = FIRST_MS + rng.randrange(0, 200) * HOUR_MS
    found = {"from": format_instant(start)} if rng.random() < 0.5 else {}
    if rng.random() < 0.5:
        found["to"] = format_instant(start + rng.randrange(1, 200) * HOUR_MS)
    return found


def draw_unless(rng: random.Random, depth: int = 0) -> Table:
    found: Table = {}
    if rng.random() < 0.6:
        found["who"] = [draw_who(rng) for _ in range(rng.randint(1, 2))]
    if rng.random() < 0.4:
        found["flight"] = [draw_flight(rng)]
    if rng.random() < 0.3:
        found["where"] = [draw_where(rng)]
    if rng.random() < 0.3:
        found["activities"] = rng.sample(ACTIVITIES, 1)
    if not found:
        found["when"] = draw_when(rng) or {"from": format_instant(FIRST_MS)}
    if depth == 0 and rng.random() < 0.4:
        found["unless"] = [draw_unless(rng, 1)]
    return {"id": f"x{rng.randrange(10**9)}", "title": "an exception", **found}


def draw_rule(rng: random.Random, number: int) -> Table:
    table: Table = {
        "activities": rng.sample(ACTIVITIES, rng.randint(1, 3)),
        "where": [draw_where(rng) for _ in range(rng.randint(1, 2))],
        "regime": rng.choice(REGIMES), "when": draw_when(rng),
        "unless": [draw_unless(rng) for _ in range(rng.randrange(3))],
    }  # fmt: skip
    if rng.random() < 0.8:
        table["who"] = [draw_who(rng) for _ in range(rng.randint(1, 2))]
    if rng.random() < 0.4:
        table["flight"] = [draw_flight(rng) for _ in range(rng.randint(1, 2))]
    if rng.random() < 0.3:
        lower = rng.choice([0, 9_500, 24_500])
        table["levels"] = {"lower_ft": lower, "upper_ft": lower + rng.choice([10_000, 30_000])}
    return {"id": f"R{number}", **table}


def draw_request(rng: random.Random) -> tuple[str, str, dict[str, Any]]:
    """Activity, State and the facts of a flight, all known."""
    facts: dict[str, Any] = {name: rng.choice(values) for name, values in EQUALS.items()}
    facts |= {state: rng.choice(STATES) for state in ENDS.values()}
    facts |= {"us_origin": rng.random() < 0.5, "scheduled": rng.random() < 0.5}
    facts["at"] = FIRST_MS + rng.randrange(0, 800) * HOUR_MS // 2
    facts["level"] = rng.choice([0, 9_499, 9_500, 24_500, 35_000, 60_000])
    return rng.choice(ACTIVITIES), rng.choice(STATES), facts


# ------------------------------------------------------------------------------- tables to Cedar
def quote(values: Iterable[str]) -> str:
    return "[" + ", ".join(f'"{value}"' for value in values) + "]"


def is_in(name: str, values: Iterable[str]) -> str:
    return f"{quote(values)}.contains({name})"


def write_test(table: Table) -> str:
    """One table of a rule: all its fields hold."""
    parts = []
    for name, value in table.items():
        if name in EQUALS:
            parts.append(is_in(f"context.{name}", value))
        elif name in ENDS:
            parts.append(is_in(f"context.{ENDS[name]}", value))
        elif name in ("us_origin", "scheduled"):
            parts.append(f"context.{name} == {str(value).lower()}")
        elif name == "territory":
            parts.append(is_in("context.territory", value))
        elif name == "except_territory":
            parts.append(f"!{is_in('context.territory', value)}")
        elif name == "activities":
            parts.append(is_in("context.activity", value))
        elif name == "from":
            parts.append(f"context.at >= {parse_instant(value)}")
        elif name == "to":
            parts.append(f"context.at < {parse_instant(value)}")
        elif name == "lower_ft":
            parts.append(f"context.level >= {value}")
        elif name == "upper_ft":
            parts.append(f"context.level < {value}")
        else:
            assert name == "anywhere", name
    return "(" + (" && ".join(parts) or "true") + ")"


def write_tests(table: Table) -> str:
    """The tests of a rule or of an exception: fields are joined by and, entries of lists by or."""
    parts = [
        "(" + " || ".join(write_test(entry) for entry in table[name]) + ")"
        for name in ("who", "flight", "where")
        if table.get(name)
    ]
    parts += [write_test(table[name]) for name in ("when", "levels") if table.get(name)]
    if "activities" in table:
        parts.append(write_test({"activities": table["activities"]}))
    parts += [f"!({write_tests(inner)})" for inner in table.get("unless", ())]
    return " && ".join(parts) or "true"


def write_policies(rules: Iterable[Table]) -> str:
    policies = ["permit (principal, action, resource);"]
    policies += [
        f"forbid (principal, action, resource) when {{ {write_tests(rule)} }};" for rule in rules
    ]
    return "\n".join(policies)


# ------------------------------------------------------------------------------------- the test
def ask_cedar(rules: list[Table], requests: list[tuple[str, str, dict[str, Any]]]) -> list[Any]:
    """For each request the ids of the policies that forbid it, under any regime."""
    said: list[set[str]] = [set() for _ in requests]
    for regime in REGIMES:
        mine = [rule for rule in rules if rule["regime"] == regime]
        asked = [
            {
                "principal": 'Flight::"1"', "action": 'Action::"enter"', "resource": 'Air::"1"',
                "context": {**facts, "activity": activity, "territory": state},
            }
            for activity, state, facts in requests
        ]  # fmt: skip
        answers = cedarpy.is_authorized_batch(asked, write_policies(mine), [])
        for found, answer in zip(said, answers, strict=True):
            assert not answer.diagnostics.errors
            if not answer.allowed:
                # policies are numbered as they stand; number 0 permits
                numbers = (int(r.removeprefix("policy")) for r in answer.diagnostics.reasons)
                found |= {mine[number - 1]["id"] for number in numbers}
    return said


def ask_here(
    atlas: Atlas, rules: list[Table], requests: list[tuple[str, str, dict[str, Any]]]
) -> list[set[str]]:
    made = [make_rule(rule["id"], **{k: v for k, v in rule.items() if k != "id"}) for rule in rules]
    bound = bind_rulebook(make_rulebook(made), atlas)
    said = []
    for activity, state, facts in requests:
        at_ms, level_ft = facts["at"], float(facts["level"])
        known = {k: v for k, v in facts.items() if k not in ("at", "level")}
        question = Question(
            activity, (Place("territory", state, state),), at_ms, at_ms, FlightFacts(**known),
            level_ft, level_ft,
        )  # fmt: skip
        decision = decide(bound, question)
        assert decision.outcome in (Outcome.PERMITTED, Outcome.FORBIDDEN)
        said.append(set(decision.rules))
    return said


def test_ten_thousand_requests_are_answered_as_cedar_answers_them(atlas: Atlas) -> None:
    forbidden = 0
    for seed in range(RULEBOOKS):
        rng = random.Random(seed)
        rules = [draw_rule(rng, number) for number in range(12)]
        requests = [draw_request(rng) for _ in range(REQUESTS)]
        theirs, ours = ask_cedar(rules, requests), ask_here(atlas, rules, requests)
        assert ours == theirs, seed
        forbidden += sum(map(bool, ours))
    # neither answer is the rule
    assert 0.1 < forbidden / (RULEBOOKS * REQUESTS) < 0.9


def test_a_slip_of_the_pen_would_be_seen(atlas: Atlas) -> None:
    """The comparison can fail: exceptions dropped from one side only are noticed."""
    rng = random.Random(3)
    rules = [draw_rule(rng, number) for number in range(12)]
    requests = [draw_request(rng) for _ in range(REQUESTS)]
    bare = [{**rule, "unless": []} for rule in rules]
    assert ask_here(atlas, bare, requests) != ask_cedar(rules, requests)
