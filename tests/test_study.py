"""What a run answers: what is lacking, what moved whom, who broke what, what two dates changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from oracle import make_rule

from airsim.base import parse_instant
from airsim.law import Rule
from airsim.operation import Flight, Tail
from airsim.planning.judge import STOP_GROUND_MIN
from airsim.scenario import Comparison, Scenario
from airsim.study import compare, run

NOON = "2025-09-15T12:00Z"
NEIGHBOURS = ("LT", "LV", "PL", "RU", "UA")


def flight(
    adep: str, ades: str, typecode: str = "B738", *, operator: str = "BRU", probe: bool = True
) -> Flight:
    at_ms = parse_instant(NOON)
    name = f"{operator}-{adep}-{ades}"
    return Flight(name, "BRU1", operator, adep, ades, at_ms, at_ms, typecode, probe=probe)


def over(name: str, state: str, **more: Any) -> Rule:
    return make_rule(name, where=[{"territory": [state]}], **more)


def ask(scenario: Scenario, flights: Iterable[Flight], **more: Any) -> dict[str, Any]:
    world = replace(scenario, **{"fleet": (), "flights": tuple(flights)} | more)
    return dict(run(world, sensitivity=False).summary)


def find(summary: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = (finding for finding in summary["findings"] if finding["id"] == name)
    return dict(found)


# ------------------------------------------------------------------ what a flight would lack
def lacks(summary: dict[str, Any]) -> list[tuple[Any, ...]]:
    rows = find(summary, "united-states")["rows"]
    return [(row["set"], row["rule"], row["lacks"], row["then"]) for row in rows]


def test_what_only_closes_the_direct_path_is_not_lacking(lawless) -> None:
    rules = (
        over("LAND", "US", activities=["landing"]),
        over("PERMIT", "US", activities=["landing"], effect="require-permit"),
        over("DETOUR", "CA"),
    )
    summary = ask(lawless(*rules), [flight("UMMS", "KJFK", "A332")])
    assert lacks(summary) == [
        (1, "LAND", "prohibition to be lifted", "detour"),
        (1, "PERMIT", "permit to be granted by XX", "detour"),
    ]
    finding = find(summary, "united-states")
    km = finding["rows"][-1]["route_km"]
    assert f"BRU UMMS-KJFK lacks LAND, PERMIT; it is then detour, {km:,} km." in finding["answer"]
    assert finding["rows"][0]["instrument"] == "instrument of LAND"


def test_any_way_out_of_an_enclosure_is_enough(lawless) -> None:
    """All neighbours closed: lifting any one opens a way."""
    rules = [over(f"ROUND-{state}", state) for state in NEIGHBOURS]
    summary = ask(lawless(*rules), [flight("UMMS", "KJFK", "A332")])
    assert sorted(row[1] for row in lacks(summary)) == [rule.id for rule in rules]
    assert len({row[0] for row in lacks(summary)}) == len(rules)
    answer = find(summary, "united-states")["answer"]
    assert "or one of 4 other sets of rules; it is then direct" in answer


def test_a_flight_that_may_go_lacks_nothing(lawless) -> None:
    summary = ask(lawless(over("DETOUR", "CA")), [flight("UMMS", "KJFK", "A332")])
    finding = find(summary, "united-states")
    assert finding["rows"] == []
    assert "BRU UMMS-KJFK lacks nothing; it is detour" in finding["answer"]


def test_a_flight_out_of_range_lacks_more_than_law(lawless) -> None:
    finding = find(ask(lawless(), [flight("UMMS", "KJFK", "AT72")]), "united-states")
    assert "is opened by no lifting of rules" in finding["answer"]
    assert "range of AT72" in finding["answer"]


def test_under_the_shipped_law_a_carrier_lacks_what_bars_it(world: Scenario) -> None:
    pairs = [("AFL", "UUEE", "B77W"), ("BRU", "UMMS", "A332")]
    flights = [flight(adep, "KJFK", kind, operator=who) for who, adep, kind in pairs]
    rows = find(ask(world, flights), "united-states")["rows"]
    assert [(row["flight"], row["rule"]) for row in rows] == [
        ("AFL-UUEE-KJFK", "US-DOT-03r"), ("AFL-UUEE-KJFK", "US-FAA-03"),
        ("BRU-UMMS-KJFK", "US-DOT-03"),
    ]  # fmt: skip


# ------------------------------------------------------------------------------------ counts
def test_breaches_count_what_was_dispatched_and_tell_probes_apart(lawless) -> None:
    persons = {"addresses": "persons", "activities": ["landing"]}
    rules = (
        over("BREACH", "RU", **persons),
        over("DOUBT", "LV", who=[{"us_origin": True}], **persons),
        over("SHUT", "EE", activities=["landing"]),
    )
    unsure = Tail("EW-1", "E195", None, "BY", "BY", None, "", "", "active")
    named = replace(flight("UMMS", "EVRA", "E195", probe=False), registration="EW-1")
    summary = ask(
        lawless(*rules),
        [
            named, flight("UMMS", "UUEE", "E195", probe=False),
            flight("UMMS", "EETN", probe=False), flight("UMMS", "ULLI"), flight("UMMS", "LTFM"),
        ],
        fleet=(unsure, replace(unsure, registration="EW-2")),
    )  # fmt: skip
    assert find(summary, "breaches")["answer"] == (
        "1 of 2 dispatched flights broke a rule that binds persons: it closes no airspace. "
        "Of 1 more it is unknown: a fact is missing. "
        "1 of 2 probes with open airspace would break one."
    )
    assert [row["flights"] for row in find(summary, "breaches")["rows"]] == [1]
    assert summary["flights"] == {"direct": 2, "infeasible": 1}
    assert summary["probes"] == {"direct": 2}


def test_a_flight_without_a_route_was_not_moved_by_a_zone(lawless) -> None:
    rule = make_rule("ZONE", where=[{"zone": ["RU-SOUTH"]}], activities=["overflight", "landing"])
    through, into = flight("UMMS", "UGTB"), flight("UMMS", "URRP")
    summary = ask(lawless(rule), [through, into])
    assert summary["probes"] == {"detour": 1, "infeasible": 1}
    (row,) = find(summary, "zones")["rows"]
    assert (row["routes_moved"], row["which"]) == (1, "UMMS-UGTB")


# ------------------------------------------------------------------------------- the summary
def test_the_summary_places_ends_and_fuel_stops(lawless) -> None:
    places = ask(lawless(), [flight("UMMS", "VTBS")])["aerodromes"]
    assert {"UMMS", "VTBS"} < set(places)
    assert places["UMMS"]["iata"] == "MSQ"
    for place in places.values():
        assert set(place) == {"iata", "name", "lon", "lat"}
        assert place["name"]
        assert (-180 <= place["lon"] <= 180, -90 <= place["lat"] <= 90) == (True, True)


def test_the_summary_says_what_was_assumed(lawless) -> None:
    said = " ".join(ask(lawless(), [flight("UMMS", "EVRA")])["assumptions"])
    assert f"A fuel stop takes {STOP_GROUND_MIN} min" in said
    for words in ("presumed held", "planned 3 h before off-block", "Free routing", "No fleet"):
        assert words in said
    tail = Tail("EW-1", "B738", None, "BY", "BY", None, "", "", "active")
    said = " ".join(ask(lawless(), [flight("UMMS", "EVRA")], fleet=(tail,))["assumptions"])
    assert "after 2 h any whose range covers the legs planned; after 6 h it is cancelled" in said


# --------------------------------------------------------------------------------- two dates
def test_national_measures_are_named_together(lawless) -> None:
    later = {"when": {"from": NOON}}
    rules = [
        over("LT-1", "LT", regime="national measures: LT", activities=["landing"]),
        over("LV-1", "LV", regime="national measures: LV", activities=["landing"]),
        over("NEW", "PL", regime="EU 1/2025", activities=["landing"], **later),
    ]
    at_ms = parse_instant(NOON)
    comparison = Comparison("What changed", at_ms - 86_400_000, at_ms + 86_400_000)
    summary = ask(
        lawless(*rules), [flight("UMMS", ades) for ades in ("EYVI", "EVRA", "EPWA")],
        comparisons=(comparison,),
    )  # fmt: skip
    finding = find(summary, "changes")
    assert finding["answer"] == (
        "1 answer changed between 2025-09-14 and 2025-09-16, under EU 1/2025; "
        "nothing changed under national measures of LT, LV."
    )
    assert {row["regime"] for row in finding["rows"]} == {
        "EU 1/2025", "national measures: LT", "national measures: LV",
    }  # fmt: skip


@pytest.mark.parametrize(("lifted", "moved"), [((), False), (("LAND",), True)])
def test_two_runs_differ_where_their_law_does(lawless, lifted, moved) -> None:
    rules = [over("LAND", "LT", activities=["landing"])]
    flights = (flight("UMMS", "EYVI"), flight("UMMS", "EVRA"))
    runs = [
        run(replace(lawless(*kept), flights=flights, fleet=()))
        for kept in (rules, [rule for rule in rules if rule.id not in lifted])
    ]
    found = compare(*runs)
    assert [row["flight_id"] for row in found] == (["BRU-UMMS-EYVI"] if moved else [])
    if moved:
        assert found[0]["outcome_before"] == "infeasible"
        assert found[0]["distance_km_before"] is None
