"""Flights become plans: ends first, passes that open airspace, routes judged as they are flown."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jsonschema
import numpy as np
import pytest
from conftest import Amend
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle import make_rule

from airsim.airspace import Paths, find_crossings
from airsim.base import InputError, format_instant, parse_instant
from airsim.law import Rule, Rulebook, make_rulebook
from airsim.operation import Flight
from airsim.permission import Outcome
from airsim.planning import (
    Plan,
    check_flight,
    check_schema,
    choose_type,
    describe_plan,
    plan_flights,
)
from airsim.scenario import Options, Scenario, make_scenario

DAY = "2025-09-15T08:00Z"
MINUTE_MS = 60_000
# Every way out of Belarus by air leads through one of these.
NEIGHBOURS = ("LT", "LV", "PL", "RU", "UA")


def over(name: str, *states: str, **table: Any) -> Rule:
    """A rule on the airspace of some States; by default it forbids overflight to all."""
    return make_rule(name, **{"where": [{"territory": list(states)}]} | table)


def ask(
    world: Scenario, adep: str = "UMMS", ades: str = "EDDF", operator: str = "BRU", at: str = DAY,
    **more: Any,
) -> Plan:  # fmt: skip
    """Plan one flight: Minsk to Frankfurt by Belavia unless said otherwise."""
    return check_flight(adep, ades, operator=operator, at=at, scenario=world, **more)


def states_of(plan: Plan) -> set[str]:
    return {stay.designator for stay in plan.crossings if stay.layer == "territory"}


def km(plan: Plan) -> float:
    assert plan.route is not None, plan.reason
    return plan.route.distance_km


def enter(world: Scenario, plan: Plan) -> set[str]:
    """Territories that the route enters, found anew from its points."""
    assert plan.route is not None
    lonlat = plan.route.points
    legs = Paths(lonlat[:, 0].copy(), lonlat[:, 1].copy(), np.array([0, len(lonlat)]))
    found = find_crossings(world.atlas, legs, layers=("territory",))
    names = world.atlas.layer("territory").designator
    return {names[row] for row in found.area.tolist()}


# ---------------------------------------------------------------------------------------- ends
def test_without_rules_the_way_is_direct(lawless: Amend) -> None:
    plan = ask(lawless())
    assert (plan.outcome, plan.lawful, plan.blocking_rules) == ("direct", "yes", ())
    assert states_of(plan) == {"BY", "PL", "DE"}
    assert km(plan) == pytest.approx(plan.direct_km, abs=0.01)


def test_barred_ends_name_all_their_rules_and_need_no_route(lawless: Amend) -> None:
    plan = ask(
        lawless(
            over("LAND-1", "DE", activities=["landing"]),
            over("LAND-2", "DE", activities=["landing"], regime="another"),
            make_rule("LAND-3", activities=["landing"], where=[{"aerodrome": ["EDDF"]}]),
            over("LEAVE", "BY", activities=["take-off"]),
            over("ELSEWHERE", "PL"),
            over("ADVICE", "DE", activities=["landing"], force="advisory"),
        )
    )
    assert (plan.outcome, plan.route) == ("infeasible", None)
    assert plan.blocking_rules == ("LAND-1", "LAND-2", "LAND-3", "LEAVE")
    assert [d.question.activity for d in plan.decisions] == ["take-off", "landing"]
    assert "take-off and landing barred by" in plan.reason


def test_a_bar_on_landing_does_not_bar_leaving(lawless: Amend) -> None:
    world = lawless(over("R1", "DE", activities=["landing"]))
    assert ask(world, "EDDF", "UMMS").outcome == "direct"
    assert ask(world).outcome == "infeasible"


@pytest.mark.parametrize(
    ("table", "outcome", "reason"),
    [
        ({"effect": "require-permit"}, "needs-permit", "needs a permit of XX"),
        ({"when": {"from": ["2025-09-15", "2025-09-16"]}}, "unknown", "hour of start or end"),
        ({"who": [{"us_origin": True}]}, "unknown", "us_origin"),
    ],
)
def test_an_end_that_lacks_a_permit_or_a_fact(lawless: Amend, table, outcome, reason) -> None:
    plan = ask(lawless(over("R1", "DE", activities=["landing"], **table)), typecode="E195")
    assert (plan.outcome, plan.blocking_rules) == (outcome, ("R1",))
    assert reason in plan.reason
    assert plan.route is not None


# ------------------------------------------------------------------------------- closed on the way
def test_a_closed_territory_is_gone_round_and_its_rule_named(lawless: Amend) -> None:
    world = lawless(over("R1", "PL"), over("FAR", "BR"))
    plan = ask(world)
    assert (plan.outcome, plan.blocking_rules) == ("detour", ("R1",))
    assert "PL" not in states_of(plan) | enter(world, plan)
    assert plan.direct_km < km(plan) < 1.2 * plan.direct_km
    assert plan.route is not None
    assert plan.direct_km <= plan.route.lower_bound_km <= km(plan)
    assert plan.route.clearance_nm == 1.0


@pytest.mark.parametrize(
    "where",
    [
        [{"territory": ["BY"]}], [{"territory": ["DE"]}], [{"territory": ["BY", "DE"]}],
        [{"fir": ["UMMV", "EDGG"]}], [{"territory": ["BY"]}, {"fir": ["EDGG"]}],
    ],
)  # fmt: skip
def test_whoever_lands_or_takes_off_does_not_fly_across(lawless: Amend, where) -> None:
    """A ban on overflight alone leaves the States at both ends reachable; one on landing not."""
    across = make_rule("ACROSS", where=where)
    assert ask(lawless(across)).outcome == "direct"
    both = make_rule("BOTH", where=where, activities=["overflight", "landing", "take-off"])
    assert (ask(lawless(both)).outcome, ask(lawless(both)).blocking_rules) == (
        "infeasible", ("BOTH",),
    )  # fmt: skip


def test_a_ban_on_overflight_still_stands_in_the_way_of_whoever_flies_across(
    lawless: Amend,
) -> None:
    world = lawless(over("R1", "PL"))
    assert ask(world).outcome == "detour"
    for adep, ades in (("UMMS", "EPWA"), ("EPWA", "UMMS"), ("EPGD", "EPKK")):
        assert ask(world, adep, ades).outcome == "direct", (adep, ades)


def test_a_flight_within_a_state_that_leaves_it_on_the_way_still_does_not_fly_across(
    lawless: Amend,
) -> None:
    """Moscow to Kaliningrad enters Russia twice, both times to take off or to land."""
    plan = ask(lawless(over("RU", "RU"), over("LT", "LT", "LV", "EE", "PL", "BY")), "UUEE", "UMKK")
    assert (plan.outcome, plan.blocking_rules) == ("detour", ("LT",))
    assert states_of(plan) == {"RU"}


def test_an_exception_for_landings_opens_the_way_in(lawless: Amend) -> None:
    closed = {"activities": ["overflight", "landing", "take-off"]}
    own = {"id": "own", "title": "own traffic", "activities": ["landing", "take-off"]}
    world = lawless(over("R1", "DE", unless=[own], **closed))
    assert ask(world).outcome == "direct"
    assert ask(world, "UMMS", "LFPG").outcome == "detour"


def test_a_closed_fir_reaches_over_the_high_seas(lawless: Amend) -> None:
    """Closing the territory of Ukraine leaves the Black Sea open; closing its FIR does not."""
    constanta, batumi = "LRCK", "UGSB"
    territory = ask(lawless(over("R1", "UA")), constanta, batumi)
    fir = ask(lawless(make_rule("R1", where=[{"fir": ["UKFV"]}])), constanta, batumi)
    assert territory.outcome == "direct"
    assert "UKFV" in {stay.designator for stay in territory.crossings}
    assert (fir.feasible, fir.blocking_rules) == (True, ("R1",))
    assert "UKFV" not in {stay.designator for stay in fir.crossings}
    assert km(fir) > km(territory)


def test_enclosed_flights_name_the_rules_of_all_that_encloses_them(lawless: Amend) -> None:
    rules = [over(f"CLOSE-{state}", state) for state in NEIGHBOURS]
    plan = ask(lawless(*rules, over("FAR", "BR")))
    assert (plan.outcome, plan.route) == ("infeasible", None)
    assert plan.blocking_rules == tuple(f"CLOSE-{state}" for state in NEIGHBOURS)
    for state in NEIGHBOURS:
        assert state in plan.reason
        rest = [rule for rule in rules if rule.id != f"CLOSE-{state}"]
        open_way = ask(lawless(*rest))
        assert open_way.feasible, state
        assert states_of(open_way).isdisjoint({*NEIGHBOURS} - {state})


CLOSED = [over(f"CLOSE-{state}", state) for state in NEIGHBOURS if state != "PL"]


def test_a_permit_that_could_be_had_opens_the_last_way(lawless: Amend) -> None:
    permit = {"authority": "the Polish CAA", "kind": "authority"}
    rule = over("P", "PL", effect="require-permit", permit=permit)
    plan = ask(lawless(*CLOSED, rule))
    assert (plan.outcome, plan.blocking_rules, plan.permits) == ("needs-permit", ("P",), ("P",))
    assert "needs a permit of the Polish CAA" in plan.reason
    assert states_of(plan) == {"BY", "PL", "DE"}
    # Any way that needs none is taken first, be it longer.
    free = ask(lawless(*CLOSED[:-1], rule))
    assert (free.outcome, free.permits) == ("detour", ())
    assert "PL" not in states_of(free)


def test_a_permit_held_is_no_hindrance(lawless: Amend) -> None:
    world = lawless(over("P", "PL", effect="require-permit"))
    holder = make_scenario(rulebook=world.rulebook, atlas=world.atlas, held=["P"])
    plan = ask(holder)
    assert (plan.outcome, plan.permits) == ("direct", ("P",))
    assert ask(world).outcome == "detour"


def test_a_routine_permit_is_presumed_and_listed(lawless: Amend) -> None:
    permit = {"authority": "XX", "kind": "routine", "lead_time_days": 3}
    world = lawless(over("P", "PL", effect="require-permit", permit=permit))
    for scheduled in (True, False):
        plan = ask(world, scheduled=scheduled)
        assert (plan.outcome, plan.permits) == ("direct", ("P",))


def test_a_permit_may_be_held_for_one_flight(lawless: Amend) -> None:
    world = lawless(over("P", "PL", effect="require-permit"), over("Q", "PL"))
    assert ask(world, permits=("P",)).blocking_rules == ("Q",)
    alone = lawless(over("P", "PL", effect="require-permit"))
    assert (ask(alone, permits=("P",)).outcome, ask(alone).outcome) == ("direct", "detour")


# ------------------------------------------------------------------------- what is told of a flight
def test_what_is_told_of_a_flight_is_asked_by_the_law(lawless: Amend) -> None:
    help_us = {"id": "e", "title": "emergency", "flight": [{"status": ["emergency"]}]}
    by_leave = {"id": "p", "title": "by leave", "permission_of": "the Polish CAA"}
    closed = over("R1", "PL", unless=[help_us, by_leave])
    chartered = over("R1", "PL", who=[{"chartered_in": ["RU"]}, {"marketed_in": ["RU"]}])
    decided = over("R1", "PL", who=[{"decided_in": ["RU"]}], flight=[{"scheduled": False}])
    listed = over("R1", "PL", who=[{"designated": ["UK"]}])
    for rule, told, free in (
        (closed, {}, False),
        (closed, {"status": ("emergency",)}, True),
        (closed, {"status": ("humanitarian",)}, False),
        (closed, {"derogations": ("R1",)}, True),
        (chartered, {}, True),
        (chartered, {"facts": ("chartered_in=RU",)}, False),
        (chartered, {"facts": ("marketed_in=DE,RU",)}, False),
        (decided, {"facts": ("decided_in=RU",)}, True),
        (decided, {"facts": ("decided_in=RU",), "scheduled": False}, False),
        (decided, {"scheduled": False}, True),
        (listed, {}, True),
        (listed, {"facts": ("designated=EU,UK",)}, False),
        (listed, {"facts": ("designated=none",)}, True),
    ):
        plan = ask(lawless(rule), **told)
        assert (plan.outcome == "direct") is free, (rule.title, told)
    unsure = ask(lawless(chartered), facts=("chartered_in=unknown",))
    assert unsure.blocking_rules == ("R1",)
    assert not any(text.startswith("chartered_in") for text in unsure.assumed)


def test_what_is_told_wrongly_is_refused_all_at_once(lawless: Amend) -> None:
    goods = over("R1", "PL", flight=[{"item": ["EAR99"]}])
    world = lawless(goods)
    with pytest.raises(InputError) as caught:
        ask(
            world, at="noon", known_at="1888-01-01", status=("emergence",),
            facts=("owner=RU", "owned_in=RUS", "us_origin=maybe", "us_content=101", "seats=-1"),
        )  # fmt: skip
    assert len(caught.value.problems) == 8
    assert all(problem.remedy for problem in caught.value.problems)
    with pytest.raises(InputError) as caught:
        ask(world, permits=("R1",), derogations=("R1", "R2"), items=("EAR98",), parts=("x",))
    assert [problem.problem.split()[0] for problem in caught.value.problems] == [
        "R1", "R1", "no", "no", "no",
    ]  # fmt: skip
    assert "EAR99" in caught.value.problems[-1].remedy
    assert ask(world, items=("uncontrolled",)).outcome == "direct"


def test_planners_know_what_was_published_when_they_planned(lawless: Amend) -> None:
    late = {"published": "2025-09-15T06:00Z", "from": "2025-09-15"}
    world = lawless(over("R1", "PL", when=late))  # off block at 08:00
    for known, seen in ((None, False), ("2025-09-15T05:59Z", False), ("2025-09-15T06:00Z", True),
                        ("2025-09-16T00:00Z", True)):  # fmt: skip
        plan = ask(world, known_at=known)
        assert (plan.blocking_rules == ("R1",)) is seen, known
    plan = ask(world, known_at="2025-09-16T00:00Z")
    assert plan.facts.filed_ms == parse_instant(DAY)  # nobody files after leaving


def test_dealings_are_told_apart_from_what_the_flight_itself_breaks(lawless: Amend) -> None:
    persons: dict[str, Any] = {"addresses": "persons", "where": [{"anywhere": True}]}
    service = make_rule("SERVE", activities=["servicing", "cargo"], **persons)
    sale = make_rule("SELL", activities=["marketing"], **persons)
    goods = make_rule(
        "GOODS", activities=["cargo", "parts"], flight=[{"item": ["ITAR"]}], **persons
    )
    world = lawless(service, sale, goods)
    plain = ask(world)
    assert (plain.lawful, plain.breaches, plain.doubts) == ("yes", (), ())
    assert [(d.activity, d.place, d.verdict.rule.id) for d in plain.dealings] == [
        ("marketing", "EDDF", "SELL"), ("servicing", "EDDF", "SERVE"),
    ]  # fmt: skip
    loaded = ask(world, items=("ITAR", "uncontrolled"))
    assert (loaded.lawful, loaded.breach_rules) == ("no", ("GOODS",))
    assert [what for what, _ in loaded.breaches] == ["cargo of class ITAR"]
    assert {d.activity for d in loaded.dealings} == {
        "marketing", "servicing", "cargo of class ITAR", "cargo of class uncontrolled",
    }  # fmt: skip
    fitted = ask(world, parts=("ITAR",))
    assert [what for what, _ in fitted.breaches] == ["parts of class ITAR"]


@pytest.mark.parametrize(
    ("table", "missing"),
    [
        ({"when": {"from": ["2025-09-15", "2025-09-16"]}}, "hour of start or end"),
        ({"who": [{"us_origin": True}]}, "us_origin"),
    ],
)
def test_what_a_missing_datum_might_open_comes_last_and_names_it(
    lawless: Amend, table: dict[str, Any], missing: str
) -> None:
    rule = over("U", "PL", **table)
    plan = ask(lawless(*CLOSED, rule), typecode="E195")
    assert (plan.outcome, plan.blocking_rules) == ("unknown", ("U",))
    assert missing in plan.reason
    # A way that needs a permit is surer than one that may be forbidden.
    by_permit = over("CLOSE-LT", "LT", effect="require-permit")
    surer = ask(lawless(*[r for r in CLOSED if r.id != "CLOSE-LT"], by_permit, rule),
                typecode="E195")  # fmt: skip
    assert (surer.outcome, surer.permits) == ("needs-permit", ("CLOSE-LT",))
    assert "PL" not in states_of(surer)


# -------------------------------------------------------------------------------------- advice
@pytest.mark.parametrize(
    ("force", "operator", "obeyed"),
    [("advisory", "DLH", True), ("advisory", "BRU", False), ("operator-policy", "BRU", True)],
)
def test_advice_is_obeyed_or_only_told(lawless: Amend, force, operator, obeyed) -> None:
    plan = ask(lawless(over("A", "PL", force=force)), operator=operator)
    assert plan.outcome == ("detour" if obeyed else "direct")
    assert plan.blocking_rules == (("A",) if obeyed else ())
    assert plan.advisories == (() if obeyed else ("A",))


@pytest.mark.parametrize("force", ["advisory", "operator-policy"])
@pytest.mark.parametrize(
    ("advice", "outcome", "told"),
    [("obey", "detour", ()), ("warn", "direct", ("A",)), ("ignore", "direct", ())],
)
def test_how_strictly_advice_is_taken_may_be_said(
    lawless: Amend, force, advice, outcome, told
) -> None:
    for operator in ("DLH", "BRU"):
        plan = ask(lawless(over("A", "PL", force=force)), operator=operator, advice=advice)
        assert (plan.outcome, plan.advisories) == (outcome, told)


def test_operators_may_be_made_to_drop_their_policy(lawless: Amend) -> None:
    world = lawless(over("A", "PL", force="operator-policy"))
    bold = replace(world, options=Options(obey_operator_policy=False))
    assert (ask(world).outcome, ask(bold).outcome) == ("detour", "direct")


def test_advice_is_put_aside_before_a_flight_is_given_up(lawless: Amend) -> None:
    plan = ask(lawless(*CLOSED, over("A", "PL", force="advisory")), operator="DLH")
    assert (plan.outcome, plan.advisories) == ("direct", ("A",))


# ----------------------------------------------------------------- rules that ask for the way flown
def test_a_landing_barred_by_the_way_flown_is_reached_by_another(lawless: Amend) -> None:
    rule = over("H", "DE", activities=["landing"], flight=[{"crossed": ["PL"]}])
    plan = ask(lawless(rule))
    assert (plan.outcome, plan.blocking_rules) == ("detour", ("H",))
    assert "PL" not in states_of(plan)
    vague = over(
        "H", "DE", activities=["landing"], flight=[{"crossed": ["PL"]}],
        when={"from": ["2025-09-15", "2025-09-16"]},
    )  # fmt: skip
    assert states_of(ask(lawless(vague))) == states_of(plan)


def test_nobody_leaves_a_state_without_having_been_there(lawless: Amend) -> None:
    plan = ask(lawless(over("H", "DE", activities=["landing"], flight=[{"crossed": ["BY"]}])))
    assert (plan.outcome, plan.blocking_rules) == ("infeasible", ("H",))


def test_a_territory_closed_to_who_crossed_another_is_asked_on_the_way(lawless: Amend) -> None:
    vienna = {"ades": "LOWW", "typecode": "B738"}
    assert {"PL", "SK"} <= states_of(ask(lawless(), **vienna))
    rule = over("H", "SK", flight=[{"crossed": ["PL"]}])
    plan = ask(lawless(rule), **vienna)
    assert plan.feasible
    assert not {"PL", "SK"} <= states_of(plan)
    # Who does not come by Poland is not concerned.
    assert "SK" in states_of(ask(lawless(rule), "LOWW", "LZKZ"))


@pytest.mark.parametrize(("adep", "ades"), [("UMMS", "LOWW"), ("EETN", "LHBP"), ("EVRA", "LYBE")])
def test_of_two_ways_to_keep_a_rule_on_the_way_flown_the_shorter_is_taken(
    lawless: Amend, adep: str, ades: str
) -> None:
    asked = {"typecode": "B738", "adep": adep, "ades": ades}
    plan = ask(lawless(over("H", "SK", flight=[{"crossed": ["PL"]}])), **asked)
    ways = [ask(lawless(over("R", state)), **asked) for state in ("SK", "PL")]
    assert km(plan) == pytest.approx(min(km(way) for way in ways), rel=1.1e-3)
    assert plan.route is not None
    assert plan.route.lower_bound_km <= km(plan)


def test_who_comes_late_enough_by_going_round_one_closure_is_not_led_round_another(
    lawless: Amend,
) -> None:
    def shut(name: str, state: str, start_ms: int, end_ms: int) -> Rule:
        dates = (format_instant(start_ms), format_instant(end_ms))
        return over(name, state, when={"published": "2025-09-01", "from": dates[0], "to": dates[1]})

    madrid = {"ades": "LEMD", "typecode": "B738"}
    direct = ask(lawless(), **madrid)
    poland = [s for s in direct.crossings if (s.layer, s.designator) == ("territory", "PL")]
    first = shut("R1", "PL", poland[0].entry_ms - MINUTE_MS, poland[-1].exit_ms + MINUTE_MS)
    later = ask(lawless(first), **madrid)
    here, there = entry_to(direct, "FR"), entry_to(later, "FR")
    assert there[0] > here[0] + 4 * MINUTE_MS
    second = shut("R2", "FR", here[0] - MINUTE_MS, there[0] - 2 * MINUTE_MS)
    assert "FR" not in states_of(ask(lawless(second), **madrid))
    plan = ask(lawless(first, second), **madrid)
    assert "PL" not in states_of(plan)
    assert km(plan) == pytest.approx(km(later))


VILNIUS = [("LTFM", "THY", "B738"), ("UACC", "KZR", "A320")]


@pytest.mark.parametrize(("adep", "operator", "typecode"), VILNIUS)
def test_vilnius_is_reached_round_belarus_in_june_2021(
    world: Scenario, amended: Amend, adep: str, operator: str, typecode: str
) -> None:
    def fly(where: Scenario, at: str) -> Plan:
        return ask(where, adep, "EYVI", operator, at, typecode=typecode)

    plan = fly(world, "2021-06-15T08:00Z")
    assert (plan.outcome, plan.blocking_rules) == ("detour", ("EU-LT-01",))
    assert "BY" not in states_of(plan) | enter(world, plan)
    landing = plan.decisions[-1]
    assert (landing.question.activity, landing.outcome) == ("landing", Outcome.PERMITTED)
    for where, at in ((amended("EU-LT-01"), "2021-06-15T08:00Z"), (world, "2021-05-24T10:00Z")):
        free = fly(where, at)
        assert (free.outcome, free.blocking_rules) == ("direct", ())
        assert "BY" in states_of(free)
        assert km(free) < km(plan)


def test_riga_asks_like_vilnius_but_helsinki_does_not(world: Scenario) -> None:
    june = {"operator": "THY", "at": "2021-06-15T08:00Z", "typecode": "B738"}
    riga = ask(world, "LTFM", "EVRA", **june)
    assert (riga.outcome, riga.blocking_rules) == ("detour", ("LV-ANY-2021-05-25",))
    assert "BY" not in states_of(riga)
    helsinki = ask(world, "LTFM", "EFHK", **june)
    assert helsinki.outcome == "direct"
    assert {"BY", "LT", "LV"} <= states_of(helsinki)


def test_the_way_out_of_vilnius_is_asked_too(world: Scenario) -> None:
    plan = ask(world, "EYVI", "LTFM", "THY", "2021-06-15T08:00Z", typecode="B738")
    assert (plan.outcome, plan.blocking_rules) == ("detour", ("EU-LT-01b",))
    assert "BY" not in states_of(plan)


def test_from_minsk_no_way_to_vilnius_leads_round_belarus(amended: Amend) -> None:
    ban = "LT-BY-2021-05-27"
    plan = ask(amended(ban, "EU-BY-01"), "UMMS", "EYVI", "THY", "2021-06-15T08:00Z")
    assert plan.outcome == "infeasible"
    assert "EU-LT-01" in plan.blocking_rules


# ------------------------------------------------------------------------------ times and levels
def entry_to(plan: Plan, state: str) -> tuple[int, int]:
    (stay,) = [s for s in plan.crossings if s.layer == "territory" and s.designator == state]
    return stay.entry_ms, stay.exit_ms


@pytest.mark.parametrize(
    ("start_min", "end_min", "outcome"),
    [
        (-600, -1, "direct"),  # over before the flight comes
        (-600, 1, "detour"),  # still in force as it enters
        (5, 10, "detour"),  # begins and ends while it is there
        (200, 900, "direct"),  # begins after it has left
    ],
)
def test_a_closure_counts_while_the_flight_is_there(
    lawless: Amend, start_min: int, end_min: int, outcome: str
) -> None:
    enters, leaves = entry_to(ask(lawless()), "PL")
    assert 5 * MINUTE_MS < leaves - enters < 200 * MINUTE_MS
    when = {
        "published": "2025-09-01",
        "from": format_instant(enters + start_min * MINUTE_MS),
        "to": format_instant(enters + end_min * MINUTE_MS),
    }
    plan = ask(lawless(over("R1", "PL", when=when)))
    assert plan.outcome == outcome
    assert ("PL" in states_of(plan)) is (outcome == "direct")


@pytest.mark.parametrize(
    ("published", "outcome"), [("2025-09-15T05:00Z", "detour"), ("2025-09-15T05:01Z", "direct")]
)
def test_flights_are_planned_on_what_was_published_three_hours_before(
    lawless: Amend, published: str, outcome: str
) -> None:
    plan = ask(lawless(over("R1", "PL", when={"published": published, "from": published})))
    assert plan.planned_ms == parse_instant("2025-09-15T05:00Z")
    assert plan.outcome == outcome


@pytest.mark.parametrize(
    ("limit", "outcome"), [("2025-09-15T04:59:59Z", "detour"), ("2025-09-15T05:00Z", "direct")]
)
def test_a_flight_plan_is_filed_when_the_flight_is_planned(
    lawless: Amend, limit: str, outcome: str
) -> None:
    assert ask(lawless(over("R1", "PL", flight=[{"filed_after": limit}]))).outcome == outcome


def test_a_later_plan_knows_more(lawless: Amend) -> None:
    late = {"published": "2025-09-15T07:00Z", "from": "2025-09-15T07:00Z"}
    world = lawless(over("R1", "PL", when=late))
    hasty = replace(world, options=Options(planning_lead_ms=30 * MINUTE_MS))
    assert (ask(world).outcome, ask(hasty).outcome) == ("direct", "detour")


NIGHT = "2025-09-15T18:00Z"


def low_world(world: Scenario) -> Scenario:
    """The same world with a turboprop that cruises below the Polish border area's top."""
    return replace(
        world, types={**world.types, "AT72": replace(world.types["AT72"], cruise_fl=80.0)}
    )


def test_the_polish_border_area_ends_below_airliners(lawless: Amend, rulebook: Rulebook) -> None:
    """EP R129, from the ground to FL095: no bar to an airliner, a bar by night to who flies low."""
    world = lawless(rulebook.by_id["PL-R129-1"])
    journey = {"adep": "EYVI", "ades": "LHBP", "operator": "LOT", "typecode": "AT72"}
    high = ask(world, **journey, at=NIGHT)
    assert (high.outcome, high.blocking_rules) == ("direct", ())
    assert "EP-R129" not in {stay.designator for stay in high.crossings}
    low = ask(low_world(world), **journey, at=NIGHT)
    assert (low.feasible, low.blocking_rules) == (True, ("PL-R129-1",))
    assert "EP-R129" not in {stay.designator for stay in low.crossings}
    assert km(low) > km(high)
    # The area's own top counts where a rule names none.
    plain = lawless(make_rule("R1", where=[{"zone": ["EP-R129"]}]))
    assert ask(plain, **journey, at=NIGHT).blocking_rules == ()
    assert ask(low_world(plain), **journey, at=NIGHT).blocking_rules == ("R1",)
    by_day = ask(low_world(world), **journey, at=DAY)
    assert (by_day.outcome, by_day.blocking_rules) == ("direct", ())
    assert km(by_day) == km(high)


# -------------------------------------------------------------------------------- fuel and facts
def test_a_stop_is_made_where_the_aircraft_does_not_reach(lawless: Amend) -> None:
    plan = ask(lawless(), "UMMS", "ZBAA", typecode="E195")
    assert plan.outcome == "fuel-stop"
    route = plan.route
    assert route is not None
    (stop,) = route.stops
    assert len(route.leg_km) == len(route.leg_start_ms) == len(route.leg_block_min) == 2
    assert sum(route.leg_km) == pytest.approx(route.distance_km)
    ground_ms = route.leg_start_ms[1] - route.leg_start_ms[0]
    assert ground_ms == pytest.approx((route.leg_block_min[0] + 60) * MINUTE_MS, abs=1)
    activities = [d.question.activity for d in plan.decisions]
    assert activities[-4:] == ["technical-stop", "landing", "take-off", "landing"]
    assert f"fuel stop at {stop}" in plan.reason
    assert ask(lawless(), "UMMS", "ZBAA", typecode="A332").outcome == "direct"


def test_no_stop_is_made_where_it_is_barred(lawless: Amend) -> None:
    first = ask(lawless(), "UMMS", "ZBAA", typecode="E195")
    assert first.route is not None
    state = lawless().aerodromes[first.route.stops[0]].state
    barred = over("R1", state, activities=["technical-stop"])
    second = ask(lawless(barred), "UMMS", "ZBAA", typecode="E195")
    assert second.route is not None
    assert second.outcome == "fuel-stop"
    assert lawless().aerodromes[second.route.stops[0]].state != state
    assert km(second) >= km(first)


def test_beyond_any_single_stop_the_range_is_the_reason(lawless: Amend) -> None:
    plan = ask(lawless(), "UMMS", "KLAX", typecode="E195")
    assert (plan.outcome, plan.blocking_rules) == ("infeasible", ())
    assert plan.route is None
    assert "range of E195" in plan.reason


def test_what_was_not_given_is_assumed_and_said(lawless: Amend) -> None:
    world = lawless()
    plan = ask(world)
    keys = {fact.split("=")[0] for fact in plan.assumed}
    assert {"typecode", "registered_in", "chartered_in"} <= keys
    assert "registered_in=BY (operator's State)" in plan.assumed
    given_all = ask(world, typecode="B738", registration="TC-JVA", operator="BRU")
    assert given_all.facts.registered_in == "TR"
    assert keys - {fact.split("=")[0] for fact in given_all.assumed} == {
        "typecode", "registered_in",
    }  # fmt: skip


def test_a_tail_of_the_shipped_fleet_brings_its_own_facts() -> None:
    at_ms = parse_instant(DAY)
    world = make_scenario(rulebook=make_rulebook([over("FAR", "BR")]), at_ms=at_ms)
    plan = ask(world, registration="ew-366pa")
    assert (plan.facts.registration, plan.facts.typecode) == ("EW-366PA", "B733")
    assert plan.facts.us_origin is True
    assert not {fact for fact in plan.assumed if fact.startswith(("typecode", "registered_in"))}


def test_a_rule_that_lists_tails_is_not_judged_without_one(lawless: Amend) -> None:
    world = lawless(over("TAILS", "PL", who=[{"registration": ["EW-366PA"]}]))
    without = ask(world)
    assert (without.outcome, without.not_judged) == ("direct", ("TAILS",))
    listed, other = (ask(world, registration=mark) for mark in ("EW-366PA", "EW-455PA"))
    assert (listed.outcome, listed.blocking_rules) == ("detour", ("TAILS",))
    assert (other.outcome, other.not_judged) == ("direct", ())


def test_rules_for_persons_make_a_flight_unlawful_not_impossible(lawless: Amend) -> None:
    breach = over("B", "DE", activities=["landing"], addresses="persons")
    plan = ask(lawless(breach))
    assert (plan.outcome, plan.lawful, plan.breach_rules) == ("direct", "no", ("B",))
    doubt = over("B", "DE", activities=["landing"], addresses="persons", who=[{"us_origin": True}])
    unsure = ask(lawless(doubt), typecode="E195")
    assert (unsure.outcome, unsure.lawful) == ("direct", "unknown")
    assert [(a, v.rule.id, set(v.missing)) for a, v in unsure.doubts] == [
        ("landing", "B", {"us_origin"})
    ]


def test_a_verdict_on_unverified_rules_is_provisional(lawless: Amend) -> None:
    assert ask(lawless(over("R1", "PL", confidence="U"))).provisional
    assert not ask(lawless(over("R1", "PL"))).provisional
    assert not ask(lawless()).provisional


def test_a_rule_asked_later_than_its_evidence_says_so(lawless: Amend) -> None:
    plan = ask(lawless(over("R1", "PL", last_evidence="2025-09-01")))
    assert "R1 still in force (last evidence 2025-09-01)" in plan.assumed
    fresh = ask(lawless(over("R1", "PL", last_evidence="2025-09-15T08:00Z")))
    assert not any("R1" in fact for fact in fresh.assumed)


def test_the_type_is_taken_from_flight_tail_timetable_operator_in_that_order(
    lawless: Amend,
) -> None:
    world = make_scenario(rulebook=lawless().rulebook, at_ms=parse_instant(DAY))
    flight = Flight("X", "X", "BRU", "UMMS", "UUEE", parse_instant(DAY), 0, "")
    assert choose_type(world, replace(flight, typecode="A332"))[0] == "A332"
    assert choose_type(world, replace(flight, registration="EW-366PA")) == ("B733", [])
    assert choose_type(world, flight)[1] == ["typecode=E195 (timetable)"]
    default = world.operators["BRU"].default_type
    unserved = replace(flight, ades="EGLC")
    assert choose_type(world, unserved) == (
        default, [f"typecode={default} (operator's commonest)"],
    )  # fmt: skip


# ------------------------------------------------------------------------------------- answers
def answer(world: Scenario, plan: Plan) -> str:
    return json.dumps(describe_plan(world, plan), sort_keys=True)


def test_answers_keep_the_published_schema(world: Scenario, lawless: Amend) -> None:
    validator = jsonschema.Draft202012Validator(check_schema())
    validator.check_schema(check_schema())
    permit = lawless(*CLOSED, over("P", "PL", effect="require-permit"))
    for where, plan in [
        (world, ask(world)), (world, ask(world, ades="UUEE", registration="EW-366PA")),
        (permit, ask(permit)), (world, ask(world, "UMMS", "ZBAA", typecode="E195")),
        (world, ask(world, "LTFM", "UMMS", "THY", "2021-05-25T19:00Z")),
    ]:  # fmt: skip
        data = json.loads(answer(where, plan))
        validator.validate(data)
        assert plan.reason in data["summary"]
        for rule_id in plan.blocking_rules[:4]:  # no verdict without its instrument
            assert where.rulebook.by_id[rule_id].reference.instrument in data["summary"]


def test_all_faults_of_a_question_come_at_once(lawless: Amend) -> None:
    with pytest.raises(InputError) as caught:
        ask(lawless(), "XXXX", "QQQ", "ZZZZ", "tomorrow", typecode="B7X7", registration="??")
    problems = caught.value.problems
    assert {p.record for p in problems} == {
        "XXXX", "QQQ", "ZZZZ", "--at", "B7X7", "--registration",
    }  # fmt: skip
    assert all(p.remedy for p in problems)


@pytest.mark.parametrize("at", ["1944-12-31T23:59Z", "2100-01-01", "0001-01-01", "9999-12-31"])
def test_instants_without_a_law_are_refused(lawless: Amend, at: str) -> None:
    with pytest.raises(InputError, match="out of range"):
        ask(lawless(), at=at)


def test_a_flight_needs_two_aerodromes(lawless: Amend) -> None:
    with pytest.raises(InputError, match="the same"):
        ask(lawless(), "UMMS", "MSQ")


# --------------------------------------------------------------------------------- determinism
JOURNEYS = [
    ("UMMS", "EDDF", "BRU", DAY), ("UMMS", "LTFM", "BRU", DAY), ("UMMS", "OMDB", "BRU", DAY),
    ("LTFM", "EYVI", "THY", "2021-06-15T08:00Z"), ("UMMS", "UMKK", "BRU", DAY),
    ("EFHK", "RJTT", "FIN", "2023-06-01T12:00Z"), ("UMMS", "ZBAA", "BRU", DAY),
    ("UACC", "EYVI", "KZR", "2021-06-15T08:00Z"), ("EDDF", "UMMS", "DLH", "2021-05-27T08:00Z"),
]  # fmt: skip


@pytest.fixture(scope="module")
def flights() -> list[Flight]:
    return [
        Flight(f"{k}", "X", operator, adep, ades, parse_instant(at), 0, "", probe=True)
        for k, (adep, ades, operator, at) in enumerate(JOURNEYS)
    ]


def test_plans_do_not_depend_on_order_company_or_memory(
    world: Scenario, rulebook: Rulebook, flights: list[Flight]
) -> None:
    def plan(where: Scenario, asked: list[Flight]) -> dict[str, str]:
        plans = plan_flights(where, asked)
        assert [p.flight for p in plans] == asked
        return {p.flight.flight_id: answer(where, p) for p in plans}

    first = plan(world, flights)
    fresh = make_scenario(atlas=world.atlas, rulebook=rulebook)
    assert plan(fresh, flights[::-1]) == first
    assert plan(world, flights) == first
    for flight in flights:
        assert plan(fresh, [flight])[flight.flight_id] == first[flight.flight_id]


def test_no_flights_no_plans(world: Scenario) -> None:
    assert plan_flights(world, []) == ()


def test_progress_counts_up_to_all(world: Scenario, flights: list[Flight]) -> None:
    seen: list[tuple[int, int]] = []
    plan_flights(world, flights, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (len(flights), len(flights))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


# ------------------------------------------------------------------ what no more law may ever do
closures = st.lists(
    st.sampled_from([*NEIGHBOURS, "DE", "SK", "CZ", "SE", "BY"]), max_size=4, unique=True
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(states=closures, more=st.sampled_from([*NEIGHBOURS, "SK"]), kind=st.integers(0, 2))
def test_more_law_never_frees_nor_shortens(
    lawless: Callable[..., Scenario], states: list[str], more: str, kind: int
) -> None:
    table: dict[str, Any] = [
        {},
        {"effect": "require-permit"},
        {"when": {"from": ["2025-09-15", "2025-09-16"]}},
    ][kind]
    before_world = lawless(*[over(f"CLOSE-{state}", state) for state in states])
    after_world = lawless(*before_world.rulebook, over("MORE", more, **table))
    before, after = ask(before_world), ask(after_world)
    if not before.feasible:
        assert not after.feasible
    if before.outcome == "infeasible":
        assert after.outcome == "infeasible"
    if after.feasible and before.feasible:
        assert km(after) >= km(before) * (1 - 1e-3)  # routes are the best to a thousandth
    for world, plan, closed in [
        (before_world, before, set(states)),
        (after_world, after, {*states, *([more] if after.feasible else [])}),
    ]:
        if plan.route is not None:
            # Both ends lie in airspace that has to be left and entered, closed or not.
            assert enter(world, plan).isdisjoint(closed - {"BY", "DE"})
