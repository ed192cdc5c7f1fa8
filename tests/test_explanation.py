"""Why: the tree agrees with the verdict it explains, and says what a reader needs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from conftest import Amend
from hypothesis import given
from oracle import make_rule
from test_law import BELAVIA, LITHUANIA, PREDICATES, unless
from test_permission import many, questions, rulebooks

from airsim.base import parse_instant
from airsim.law import Node, Question, Rule, explain, judge_rule, make_rulebook
from airsim.planning import answer_question, check_flight, describe_plan
from airsim.planning.answer import Asked
from airsim.planning.permits import find_deadline
from airsim.report.tree import format_explanation

DAY = "2025-09-15T08:00Z"


# ------------------------------------------------------------------------------- tree and verdict
def combine(node: Node) -> bool | None:
    """Truth of a node from those of its children alone."""
    if not node.children:
        return node.truth
    truths = [
        (None if child.truth is None else not child.truth) if child in node.reliefs else child.truth
        for child in node.children
    ]
    if node.kind == "any":
        return True if True in truths else None if None in truths else False
    return False if False in truths else None if None in truths else True


def walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from walk(child)


@many
@given(rules=rulebooks, question=questions())
def test_a_tree_says_what_the_judge_says_and_its_parts_add_up(rules, question) -> None:
    book = make_rulebook(rules)
    for rule in rules:
        verdict, tree = judge_rule(book, rule, question), explain(book, rule, question)
        assert (tree.id, tree.truth) == (rule.id, verdict.truth)
        for node in walk(tree):
            assert combine(node) is node.truth
            assert (node.truth is None) is bool(node.missing), node
        scope = [test.truth for test in tree.tests]
        if verdict.relieved_by:
            held = [relief.id for relief in tree.reliefs if relief.truth is True]
            assert tuple(held) == verdict.relieved_by
        elif verdict.truth is not False:
            assert False not in scope
            assert {r.id for r in tree.reliefs} == {*verdict.not_relieved_by}
        else:
            assert False in scope


def tree_of(rule: Rule, *others: Rule, **asked: Any) -> Node:
    at_ms = parse_instant(asked.pop("at", "2022-04-05T12:00Z"))
    activity = asked.pop("activity", "overflight")
    question = Question(activity, (LITHUANIA,), at_ms, at_ms, replace(BELAVIA, **asked))
    return explain(make_rulebook([rule, *others]), rule, question)


@pytest.mark.parametrize(("table", "test", "meets", "fails", "fact"), PREDICATES)
def test_every_test_is_told_with_the_fact_that_met_or_missed_it(
    table, test, meets, fails, fact
) -> None:
    (field,) = test
    rule = make_rule("R1", **{table: [test]})
    for asked, truth in ((meets, True), (fails, False), (meets | {fact: None}, None)):
        if truth is None and not fact:
            continue
        (node,) = [node for node in tree_of(rule, **asked).tests if node.id == field]
        assert node.truth is truth
        assert node.title
        assert node.found
        assert (node.found == "not known") is (truth is None)
    for value in next(iter(test.values())) if isinstance(test[field], list) else ():
        assert str(value) in node.title


def test_the_words_are_those_of_the_rule() -> None:
    rule = make_rule(
        "R1", who=[{"licensed_in": ["BY"]}, {"registered_in": ["BY"], "us_origin": True}],
        flight=[{"scheduled": True}], where=[{"territory": ["LT"]}, {"fir": ["EYVL"]}],
        levels={"lower_ft": 0, "upper_ft": 9_500},
        when={"from": "2021-06-04T22:00Z", "to": ["2022-05-01", "2022-06-01"], "weekly": [2],
              "daily": ["06:00-18:00"]},
    )  # fmt: skip
    tree = tree_of(rule, licensed_in="TR", us_origin=False)
    told = {test.id: (test.title, test.found, test.truth) for test in tree.tests}
    assert told["when"] == (
        "in force from 2021-06-04T22:00Z until some time from 2022-05-01 to 2022-06-01 on Tue "
        "06:00-18:00Z",
        "2022-04-05T12:00:00Z", True,
    )  # fmt: skip
    assert told["who"] == (
        "operator licensed in BY or registered in BY and of United States origin",
        "",
        False,
    )
    assert told["scheduled"] == ("scheduled", "scheduled", True)
    assert told["where"] == ("territory of LT or FIR EYVL", "territory LT", True)
    assert told["levels"] == ("0 to below 9,500 ft", "flown at 0 ft to 99,999 ft", True)
    (who,) = [test for test in tree.tests if test.id == "who"]
    assert [leaf.found for leaf in walk(who) if not leaf.children] == [
        "licensed in TR", "registered in BY", "not of United States origin",
    ]  # fmt: skip


def test_an_exception_to_an_exception_is_a_node_of_its_own() -> None:
    emergency = unless("emergency", flight=[{"status": ["emergency"]}])
    arms = unless("arms", flight=[{"item": ["ITAR"]}], unless=[emergency])
    rule = make_rule("R1", unless=[unless("cargo", flight=[{"service": ["cargo"]}], unless=[arms])])
    for asked, truths in (
        ({"service": "passenger"}, [True, False, False, False]),
        ({"service": "cargo"}, [False, True, False, False]),
        ({"service": "cargo", "item": "ITAR"}, [True, False, True, False]),
        (
            {"service": "cargo", "item": "ITAR", "status": frozenset({"emergency"})},
            [False, True, False, True],
        ),
    ):
        nodes = [
            node for node in walk(tree_of(rule, **asked)) if node.kind in ("rule", "exception")
        ]
        assert [node.id for node in nodes] == ["R1", "cargo", "arms", "emergency"]
        assert [node.truth for node in nodes] == truths


def test_a_licence_that_fails_says_on_what() -> None:
    licence = make_rule(
        "L1", effect="permit", relieves=["R1"], flight=[{"destination_not_in": ["LT"]}],
        when={"from": "2022-01-01"},
    )  # fmt: skip
    (node,) = tree_of(make_rule("R1"), licence).reliefs
    assert (node.id, node.kind, node.truth) == ("L1", "licence", False)
    assert [(t.id, t.title, t.found) for t in node.tests if not t.truth] == [
        ("destination_not_in", "not to LT", "to LT")
    ]


# ----------------------------------------------------------------------------------- worked cases
@cache
def answer(adep: str, ades: str, operator: str, registration: str = "", **more: str) -> Any:
    told = dict(more)
    everything = told.pop("everything", "") == "yes"
    return answer_question(
        Asked(adep, ades, operator, told.pop("at", DAY), registration=registration or None, **told),
        everything=everything,
    )  # fmt: skip


def rules_of(told: Any) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for regime in told["explanation"]["children"]:
        for rule in regime["children"]:
            found.setdefault(rule["id"], []).append(rule)
    return found


def says(told: Any, rule_id: str) -> set[str]:
    return {rule["says"] for rule in rules_of(told).get(rule_id, [])}


def test_minsk_to_kaliningrad_goes_round_the_ban_of_the_union() -> None:
    told = answer("MSQ", "KGD", "BRU")
    assert told["explanation"]["children"][0]["id"] == "EU 765/2006"
    (ban,) = [rule for rule in rules_of(told)["EU-BY-01"] if rule["says"] == "forbids"]
    assert (ban["flown"], ban["because"]) == (False, ["licensed in BY"])
    assert {place["designator"] for act in ban["acts"] for place in act["places"]} >= {"LT"}
    reliefs = [child for child in ban["children"] if child["kind"] == "exception"]
    assert {relief["id"]: relief["truth"] for relief in reliefs} == {
        "emergency": "no", "derogation": "no",
    }  # fmt: skip
    assert ban["url"].startswith("https://")
    assert "EU-BY-01 (Council Regulation (EU) 2021/907" in told["summary"]
    assert "forbids overflight of Lithuania (licensed in BY)" in told["summary"]


def test_minsk_to_london_is_barred_by_the_version_in_force() -> None:
    told = answer("MSQ", "LHR", "BRU")
    rules = rules_of(told)
    assert {name for name in rules if "forbids" in says(told, name)} == {*told["blocking_rules"]}
    (ban,) = rules["UK-BY-07"]
    assert ban["version"]["replaces"]
    assert "follows" in ban["version"]["text"]
    earlier = answer("MSQ", "LHR", "BRU", at="2021-09-01T08:00Z")
    assert "UK-BY-07" not in earlier["blocking_rules"]
    assert "UK-BY-07" not in rules_of(earlier)  # ten months ahead is no near miss


def test_a_listed_aircraft_to_moscow_before_and_after_its_letter() -> None:
    before = answer("MSQ", "SVO", "BRU", "EW-366PA", at="2025-09-10T08:00Z")
    after = answer("MSQ", "SVO", "BRU", "EW-366PA", at="2025-09-15T08:00Z")
    assert (before["outcome"], after["outcome"]) == ("direct", "direct")
    # By the landing itself, and by whoever services the aircraft.
    assert says(before, "US-BIS-03") == {"broken", "binds-persons"}
    assert says(after, "US-BIS-03") == {"out-of-time"}
    (rule,) = [r for r in rules_of(after)["US-BIS-02"] if r["says"] == "broken"]
    letter = next(child for child in rule["children"] if child["id"] == "US-BIS-05")
    (test,) = [child for child in letter["children"] if child["truth"] == "no"]
    failed = [leaf["found"] for leaf in test["children"] if leaf["truth"] == "no"]
    assert (letter["kind"], letter["truth"], failed) == ("licence", "no", ["to RU"])
    free = answer("MSQ", "IST", "BRU", "EW-366PA", at="2025-09-15T08:00Z")
    assert free["lawful"] == "yes"
    assert "broken" not in {word for name in rules_of(free) for word in says(free, name)}


def test_a_russian_carrier_to_new_york_lacks_more_than_airspace() -> None:
    told = answer("SVO", "JFK", "AFL")
    assert says(told, "US-FAA-03") == {"forbids"}
    assert says(told, "US-DOT-03r") == {"needs-permit"}
    (request,) = [r for r in told["permit_requests"] if r["rule"] == "US-DOT-03r"]
    assert (request["status"], request["authority"]) == ("lacking", "US DOT")


@pytest.mark.parametrize(
    "case",
    [("MSQ", "KGD", "BRU"), ("MSQ", "IST", "BRU"), ("MSQ", "LHR", "BRU"), ("SVO", "JFK", "AFL"),
     ("MSQ", "SVO", "BRU", "EW-366PA")],
)  # fmt: skip
def test_the_tree_is_complete_sorted_and_fits_a_hundred_columns(case) -> None:
    told, whole = answer(*case), answer(*case, everything="yes")
    assert whole["explanation"]["complete"]
    assert whole["summary"] == told["summary"]
    short, long = rules_of(told), rules_of(whole)
    assert {*told["blocking_rules"], *(b["rule"] for b in told["breaches"])} <= {*short}
    assert {*short} < {*long}
    quiet = {"does-not-apply", "not-judged"}
    for name, rules in long.items():
        spoken = [rule for rule in rules if rule["says"] not in quiet]
        assert [r for r in short.get(name, []) if r["says"] not in quiet] == spoken
    for shown in (told, whole):
        for line in format_explanation(shown["explanation"], 100):
            assert len(line) <= 100 or len(line.split()) <= 3, line
            assert "None" not in line
    assert json.dumps(told, sort_keys=True) == json.dumps(
        answer_question(Asked(*case[:3], DAY, registration=(*case, None)[3])), sort_keys=True
    )


# ------------------------------------------------------------------------- what is told of a plan
def over(name: str, state: str, **table: Any) -> Rule:
    return make_rule(name, **{"where": [{"territory": [state]}]} | table)


def tell(world: Any, **asked: Any) -> Any:
    plan = check_flight(
        "UMMS", "EDDF", operator="BRU", **{"at": DAY, "scenario": world} | asked
    )  # fmt: skip
    everything = describe_plan(world, plan, everything=True)
    return everything if asked.get("whole") else describe_plan(world, plan)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({}, "forbids"),
        ({"effect": "require-permit"}, "needs-permit"),
        ({"force": "advisory"}, "advises-against"),
        ({"when": {"from": ["2025-09-15", "2025-09-16"]}}, "unknown"),
        ({"when": {"published": "2025-09-15T06:00Z", "from": "2025-09-15"}}, "unpublished"),
        ({"when": {"to": "2025-09-15"}}, "out-of-time"),
        ({"when": {"from": "2025-10-01"}}, "out-of-time"),
        ({"when": {"from": "2025-10-20"}}, None),
        ({"when": {"daily": ["18:00-22:00"]}}, "out-of-time"),
        ({"levels": {"lower_ft": 0, "upper_ft": 9_500}}, "out-of-levels"),
        ({"unless": [unless("x", who=[{"operator": ["BRU"]}])]}, "relieved"),
        ({"who": [{"operator": ["THY"]}]}, None),
        ({"who": [{"registration": ["EW-1PA"]}]}, None),
    ],
)
def test_near_misses_are_shown_and_far_ones_are_not(lawless: Amend, table, said) -> None:
    """Over Poland, that lies on the way: no rule closes it for good."""
    told = tell(lawless(over("R1", "PL", **table)), advice="warn", permits=())
    assert says(told, "R1") == ({said} if said else set())


def test_what_was_not_published_when_planned_is_told_as_met(lawless: Amend) -> None:
    late = {"published": "2025-09-15T06:00Z", "from": "2025-09-15"}
    world = lawless(over("LATE", "PL", when=late), over("OLD", "DE", when={"from": "2025-10-01"}))
    told = tell(world)
    assert (told["outcome"], [s["rule"] for s in told["surprises"]]) == ("direct", ["LATE"])
    (surprise,) = told["surprises"]
    assert (surprise["designator"], surprise["outcome"]) == ("PL", "FORBIDDEN")
    assert "would meet what was not yet published when it was planned: LATE" in told["summary"]
    assert "not yet published when the flight was planned" in rules_of(told)["LATE"][0]["version"][
        "text"
    ]  # fmt: skip


def test_regimes_are_judged_apart(lawless: Amend) -> None:
    world = lawless(
        over("R1", "PL", regime="EU"), over("R2", "PL", regime="UK"),
        make_rule("L2", regime="UK", effect="permit", relieves=["R2"]),
    )  # fmt: skip
    told = tell(world)
    assert [(r["id"], r["says"], r["truth"]) for r in told["explanation"]["children"]] == [
        ("EU", "forbids", "yes")
    ]
    freed = tell(lawless(*(r for r in world.rulebook if r.id != "R1")))
    assert [(r["id"], r["says"], r["truth"]) for r in freed["explanation"]["children"]] == [
        ("UK", "relieved", "no")
    ]


def test_the_version_that_stands_is_told_with_those_before_and_after(lawless: Amend) -> None:
    dates: list[dict[str, Any]] = [
        {"to": "2025-09-01"}, {"from": "2025-09-01", "to": "2025-10-01"}, {"from": "2025-10-01"},
    ]  # fmt: skip
    versions = [
        over(f"V{k}", "PL", when=when, replaces=[f"V{k - 1}"][: k - 1], force="advisory")
        for k, when in enumerate(dates, 1)
    ]
    told = rules_of(tell(lawless(*versions)))
    (node,) = told["V2"]
    assert node["version"]["text"] == (
        "in force since 2025-09-01; until 2025-10-01; this version follows V1; "
        "V3 follows 2025-10-01"
    )
    (ended,) = told["V1"]
    assert (ended["says"], ended["version"]["text"]) == (
        "out-of-time", "ended 2025-09-01; V2 follows 2025-09-01",
    )  # fmt: skip


# ------------------------------------------------------------------------------------- permissions
@pytest.mark.parametrize(
    ("days", "working", "ask_by"),
    [
        (3, False, "2025-09-12T08:00Z"),
        (0.5, False, "2025-09-14T20:00Z"),
        (0, False, "2025-09-15T08:00Z"),
        # Monday 15 September 2025: the working day before it is Friday.
        (1, True, "2025-09-12T08:00Z"),
        (3, True, "2025-09-10T08:00Z"),
        (5, True, "2025-09-08T08:00Z"),
        (6, True, "2025-09-05T08:00Z"),
        (0.5, True, "2025-09-12T08:00Z"),
        (0, True, "2025-09-15T08:00Z"),
    ],
)
def test_a_permit_is_asked_for_in_time(days, working, ask_by) -> None:
    permit = make_rule(
        "P", effect="require-permit",
        permit={"authority": "X", "kind": "routine", "lead_time_days": days,
                "working_days": working},
    ).permit  # fmt: skip
    assert permit is not None
    assert find_deadline(permit, parse_instant(DAY)) == parse_instant(ask_by)


def test_without_a_lead_time_there_is_no_deadline() -> None:
    permit = make_rule("P", effect="require-permit").permit
    assert permit is not None
    assert find_deadline(permit, parse_instant(DAY)) is None


def test_who_is_asked_by_when_and_whether_that_is_past(lawless: Amend) -> None:
    def asks(kind: str) -> dict[str, Any]:
        permit = {"authority": "the CAA", "kind": kind, "lead_time_days": 3, "apply_to": "form R"}
        return {"effect": "require-permit", "permit": permit}

    def requests(kind: str, state: str = "DE", **asked: Any) -> list[tuple[str, Any, bool]]:
        rule = over("P", state, activities=["landing"], **asks(kind))
        told = tell(lawless(rule), **asked)
        assert ("to be asked for by 2025-09-12T08:00Z" in told["summary"]) is any(
            r["status"] in ("lacking", "to-ask") for r in told["permit_requests"]
        )
        return [(r["status"], r["ask_by_utc"], r["late"]) for r in told["permit_requests"]]

    by = "2025-09-12T08:00:00Z"
    assert requests("routine") == [("presumed", by, True)]
    assert requests("routine", scheduled=False) == [("to-ask", by, True)]
    assert requests("authority") == [("lacking", by, True)]
    assert requests("authority", known_at="2025-09-12T08:00Z") == [("lacking", by, False)]
    assert requests("authority", permits=("P",)) == [("held", by, True)]
    assert requests("authority", state="FR") == []
    # Airspace kept out of for want of a permit: asking might open it.
    told = tell(lawless(over("P", "PL", **asks("authority"))))
    assert [(r["status"], r["places"]) for r in told["permit_requests"]] == [("in-the-way", ["PL"])]


def test_a_quota_is_named_and_not_counted(lawless: Amend) -> None:
    permit = {"authority": "X", "kind": "authority", "quota": {"most": 15, "per": "hour"}}
    told = tell(lawless(over("Q", "DE", activities=["landing"], effect="require-permit",
                             permit=permit)))  # fmt: skip
    assert told["outcome"] == "needs-permit"
    assert told["permit_requests"][0]["quota"] == {"most": 15, "per": "hour", "each": "all"}
