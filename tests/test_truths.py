"""Truths of the worked example, as the law and the maps say them.

Each names the rules that decide, and flips when their file is taken away or their date is moved.
"""

from __future__ import annotations

import shutil
from functools import cache, lru_cache
from pathlib import Path

import pytest

from airsim.base import find_resource, parse_instant
from airsim.law import Amendment, load_rulebook
from airsim.performance import DEFAULT_POLICY
from airsim.planning import Plan, check_flight
from airsim.scenario import Scenario, amend_scenario, make_scenario, resize_zones

MINUTE_MS = 60_000


@lru_cache(maxsize=1)
def shipped() -> Scenario:
    return make_scenario()


@cache
def ask(
    adep: str,
    ades: str,
    operator: str,
    at: str,
    typecode: str | None = None,
    registration: str | None = None,
) -> Plan:
    return check_flight(
        adep, ades, operator=operator, at=at, typecode=typecode, registration=registration
    )


def lift(*rules: str) -> Scenario:
    return amend_scenario(shipped(), [Amendment("lift", rule) for rule in rules])


def without_file(name: str, folder: Path) -> Scenario:
    copy = folder / "rulebook"
    shutil.copytree(find_resource("scenarios/rulebook"), copy)
    (copy / name).unlink()
    return make_scenario(rulebook=load_rulebook(copy))


def territories(plan: Plan) -> set[str]:
    return {stay.designator for stay in plan.crossings if stay.layer == "territory"}


def km(plan: Plan) -> float:
    assert plan.route is not None, plan.reason
    return plan.route.distance_km


# --- Belavia and the bans of the European Union and the United Kingdom ---------------------------


def test_london_is_barred_by_the_kingdoms_own_rules() -> None:
    plan = ask("MSQ", "LHR", "BRU", "2025-09-15T08:00Z")
    assert plan.outcome == "infeasible"
    assert plan.route is None
    assert {"UK-BY-05", "UK-BY-07"} <= set(plan.blocking_rules)
    assert not any(rule.startswith("EU") for rule in plan.blocking_rules)


def test_london_opens_by_the_northern_seas_when_only_the_kingdom_lifts(tmp_path: Path) -> None:
    plan = check_flight(
        "MSQ", "LHR", operator="BRU", at="2025-09-15T08:00Z", typecode="B738",
        scenario=without_file("gb.toml", tmp_path),
    )  # fmt: skip
    assert plan.outcome in ("detour", "fuel-stop")
    assert "EU-BY-01" in plan.blocking_rules
    assert territories(plan) <= {"BY", "RU", "GB"}


def test_frankfurt_is_barred_by_the_union(tmp_path: Path) -> None:
    plan = ask("MSQ", "FRA", "BRU", "2025-09-15T08:00Z")
    assert (plan.outcome, plan.blocking_rules) == ("infeasible", ("EU-BY-01",))
    open_union = without_file("eu.toml", tmp_path)
    assert check_flight(
        "MSQ", "FRA", operator="BRU", at="2025-09-15T08:00Z", scenario=open_union
    ).feasible


# Poland, Slovakia, Czechia and the Baltic States had closed before the Union: asked without them.
NATIONAL = tuple(
    f"{state}-BY-2021-05-{day}"
    for state, day in (("PL", 26), ("SK", 26), ("CZ", 26), ("LT", 27), ("LV", 27), ("EE", 27))
)


@pytest.mark.parametrize(
    ("at", "outcome"), [("2021-06-04T19:00Z", "direct"), ("2021-06-04T21:00Z", "infeasible")]
)
def test_vienna_on_both_sides_of_the_unions_first_minute(at: str, outcome: str) -> None:
    plan = check_flight(
        "MSQ", "VIE", operator="BRU", at=at, typecode="E195", scenario=lift(*NATIONAL)
    )
    assert plan.outcome == outcome, plan.reason
    assert plan.blocking_rules == (("EU-BY-01",) if outcome == "infeasible" else ())


def test_the_unions_ban_bites_to_the_minute() -> None:
    # A landing at Vienna one minute before the ban, then one minute after its start.
    question = {"operator": "BRU", "at": "2021-06-04T21:00Z", "typecode": "E195"}
    free = lift(*NATIONAL, "EU-BY-01")
    route = check_flight("MSQ", "VIE", scenario=free, **question).route
    assert route is not None
    airborne_min = route.leg_block_min[0] - DEFAULT_POLICY.taxi_in_min  # to touch-down
    landing_ms = route.leg_start_ms[0] + round(airborne_min * MINUTE_MS)
    (start_ms, _) = shipped().rulebook.by_id["EU-BY-01"].when.start
    for minutes, outcome in ((1, "direct"), (-1, "infeasible")):
        moved = amend_scenario(
            lift(*NATIONAL),
            [Amendment("shift", "EU-BY-01", landing_ms + minutes * MINUTE_MS - start_ms)],
        )
        # Known at planning either way: the act was published on the day before it took effect.
        plan = check_flight("MSQ", "VIE", scenario=moved, **question)
        assert plan.outcome == outcome, (minutes, plan.reason)


def test_belgrade_is_barred_once_serbia_aligned() -> None:
    plan = ask("MSQ", "BEG", "BRU", "2021-07-01T08:00Z")
    assert plan.outcome == "infeasible"
    assert plan.blocking_rules == ("RS-BY-2021-06-21",)


def test_belgrade_had_a_way_round_before_serbia_albania_and_montenegro_aligned() -> None:
    plan = ask("MSQ", "BEG", "BRU", "2021-06-10T08:00Z", "B738")
    assert plan.feasible
    assert 4_200 <= km(plan) <= 4_700
    assert territories(plan).isdisjoint({"BG", "RO", "HU", "HR", "GR", "IT", "UA"})


def test_zurich_is_barred_though_switzerland_forbids_no_overflight() -> None:
    plan = ask("MSQ", "ZRH", "BRU", "2025-09-15T08:00Z")
    assert plan.outcome == "infeasible"
    assert plan.blocking_rules == ("CH-BY-01",)
    rule = shipped().rulebook.by_id["CH-BY-01"]
    assert "overflight" not in rule.activities


def test_zurich_stays_out_of_reach_when_switzerland_lifts() -> None:
    plan = check_flight(
        "MSQ", "ZRH", operator="BRU", at="2025-09-15T08:00Z", scenario=lift("CH-BY-01")
    )
    assert plan.outcome == "infeasible"
    assert "EU-BY-01" in plan.blocking_rules
    assert set(plan.blocking_rules) <= {"EU-BY-01", "LI-BY-2021-06-21"}


# --- Kaliningrad: the high-seas strip of the Gulf of Finland --------------------------------------


def test_kaliningrad_is_reached_only_through_the_gulf_of_finland() -> None:
    plan = ask("MSQ", "KGD", "BRU", "2025-09-15T08:00Z", "E195")
    assert plan.outcome == "detour"
    assert plan.blocking_rules == ("EU-BY-01",)
    assert 1_470 <= km(plan) <= 1_750
    assert territories(plan).isdisjoint({"FI", "EE", "LV", "LT", "PL", "SE"})
    assert {"EFIN", "EETT"} & {stay.designator for stay in plan.crossings if stay.layer == "fir"}
    assert plan.route is not None
    assert plan.route.clearance_nm >= 1.0


def test_kaliningrad_was_direct_before_the_bans_and_is_without_the_unions() -> None:
    assert ask("MSQ", "KGD", "BRU", "2021-05-20T08:00Z", "E195").outcome == "direct"
    free = check_flight(
        "MSQ", "KGD", operator="BRU", at="2025-09-15T08:00Z", typecode="E195",
        scenario=lift("EU-BY-01"),
    )  # fmt: skip
    assert free.outcome == "direct"


def test_moscow_kaliningrad_by_aeroflot_is_a_detour() -> None:
    plan = ask("SVO", "KGD", "AFL", "2022-03-15T08:00Z")
    assert plan.outcome == "detour"
    assert "EU-RU-01" in plan.blocking_rules
    assert territories(plan).isdisjoint({"FI", "EE", "LV", "LT", "PL", "SE"})


# --- Minsk-Istanbul through four states of the law ------------------------------------------------


def test_istanbul_direct_then_round_ukraine_then_by_the_caspian_then_shorter() -> None:
    may_2021 = ask("MSQ", "IST", "BRU", "2021-05-20T08:00Z")
    june_2021 = ask("MSQ", "IST", "BRU", "2021-06-15T08:00Z")
    march_2022 = ask("MSQ", "IST", "BRU", "2022-03-15T08:00Z")
    september_2025 = ask("MSQ", "IST", "BRU", "2025-09-15T08:00Z")
    assert may_2021.outcome == "direct"
    assert 2_250 <= km(june_2021) <= 2_450
    assert {"EU-BY-01", "UA-BY-2021-05-28"} <= set(june_2021.blocking_rules)
    assert 3_000 <= km(september_2025) <= 4_200
    assert km(march_2022) > km(september_2025) > km(june_2021) > km(may_2021)
    assert {"EU-BY-01", "UA-01"} <= set(september_2025.blocking_rules)


def test_istanbul_opens_by_ukraine_when_ukraine_lifts() -> None:
    plan = check_flight(
        "MSQ", "IST", operator="BRU", at="2025-09-15T08:00Z",
        scenario=lift("UA-01", "UA-BY-2021-05-28"),
    )  # fmt: skip
    assert km(plan) < km(ask("MSQ", "IST", "BRU", "2025-09-15T08:00Z")) - 500


def test_istanbul_rests_on_a_synthetic_zone_and_answers_for_other_sizes_of_it() -> None:
    lengths = [
        km(
            check_flight(
                "MSQ", "IST", operator="BRU", at="2025-09-15T08:00Z",
                scenario=resize_zones(shipped(), size),
            )
        )
        for size in ("minus30", "nominal", "plus30")
    ]  # fmt: skip
    assert lengths == sorted(lengths)
    assert lengths[2] > lengths[0]


def test_istanbul_by_a_turkish_carrier_goes_over_the_union() -> None:
    plan = ask("MSQ", "IST", "THY", "2025-09-15T08:00Z")
    assert plan.feasible
    assert {"PL", "RO"} & territories(plan)
    assert "UA" not in territories(plan)
    assert "EU-BY-01" not in plan.blocking_rules


# --- 2 June 2021: barred, permitted, and permitted only by a long detour --------------------------

LONG_DETOURS = ("FRA", "VIE", "BRU", "AMS", "FCO", "MAD", "BUD", "KIV", "BEG", "SOF", "TIA", "SKP")


@pytest.mark.parametrize(
    ("state", "ades"),
    [("LT", "VNO"), ("LV", "RIX"), ("EE", "TLL"), ("PL", "WAW"), ("SK", "BTS"), ("CY", "LCA"),
     ("UA", "KBP"), ("FR", "CDG"), ("GB", "LGW"), ("FI", "HEL"), ("SE", "ARN"), ("CZ", "PRG")],
)  # fmt: skip
def test_2_june_2021_barred_at_the_destination(state: str, ades: str) -> None:
    plan = ask("MSQ", ades, "BRU", "2021-06-02T08:00Z", "E195")
    assert plan.outcome == "infeasible"
    assert plan.blocking_rules
    assert all(
        state in rule or (state == "GB" and rule.startswith("UK")) for rule in plan.blocking_rules
    )


@pytest.mark.parametrize(
    "ades", ["EVN", "GYD", "TBS", "SVO", "TLV", "NQZ", "IST", "TAS", "DXB"]
)  # fmt: skip
def test_2_june_2021_permitted(ades: str) -> None:
    assert ask("MSQ", ades, "BRU", "2021-06-02T08:00Z", "B738").feasible


@pytest.mark.parametrize("ades", [*LONG_DETOURS, "KGD"])
def test_2_june_2021_permitted_by_a_detour_that_was_hardly_flown(ades: str) -> None:
    plan = ask("MSQ", ades, "BRU", "2021-06-02T08:00Z", "B738")
    assert plan.outcome in ("detour", "fuel-stop"), plan.reason
    assert 1.4 <= km(plan) / plan.direct_km <= 3.4


# --- Other carriers and counter-measures ----------------------------------------------------------


def test_helsinki_tokyo_goes_round_russian_territory() -> None:
    plan = ask("HEL", "NRT", "FIN", "2022-03-15T08:00Z", "A359")
    assert plan.outcome == "detour"
    assert "RU-01" in plan.blocking_rules
    assert 2_700 <= km(plan) - plan.direct_km <= 4_200
    assert "RU" not in territories(plan)


def test_frankfurt_delhi_hardly_changed_in_2022() -> None:
    january = ask("FRA", "DEL", "DLH", "2022-01-15T08:00Z", "A359")
    april = ask("FRA", "DEL", "DLH", "2022-04-15T08:00Z", "A359")
    assert km(april) <= 1.04 * km(january)


def test_southwind_and_the_control_limb() -> None:
    before = ask("MSQ", "IST", "STW", "2024-03-27T08:00Z", "A321")
    after = ask("MSQ", "IST", "STW", "2024-03-30T08:00Z", "A321")
    assert before.feasible
    assert after.feasible
    assert "PL" in territories(before)
    assert territories(after).isdisjoint({"PL", "LT", "SK", "HU", "RO", "BG"})
    assert "RU" in territories(after)
    assert "EU-RU-05" in after.blocking_rules
    assert "EU-RU-05" not in before.blocking_rules


# --- Export control: lawful in airspace, and yet --------------------------------------------------


@pytest.mark.parametrize(
    ("ades", "at", "breaches"),
    [
        ("SVO", "2025-09-10T08:00Z", {"US-BIS-02", "US-BIS-03"}),
        ("SVO", "2025-09-15T08:00Z", {"US-BIS-02"}),
        ("IST", "2025-09-10T08:00Z", {"US-BIS-03"}),
        ("IST", "2025-09-15T08:00Z", set()),
    ],
)
def test_ew_366pa_before_and_after_the_letter_of_12_september(
    ades: str, at: str, breaches: set[str]
) -> None:
    plan = ask("MSQ", ades, "BRU", at, None, "EW-366PA")
    assert plan.outcome != "infeasible"
    assert set(plan.breach_rules) == breaches
    assert plan.lawful == ("no" if breaches else "yes")


def test_the_letter_reaches_istanbul_but_not_moscow() -> None:
    moscow = ask("MSQ", "SVO", "BRU", "2025-09-15T08:00Z", None, "EW-366PA")
    (breach,) = [verdict for _, verdict in moscow.breaches]
    assert "US-BIS-05" in breach.not_relieved_by
    istanbul = ask("MSQ", "IST", "BRU", "2025-09-15T08:00Z", None, "EW-366PA")
    assert "US-BIS-05n" in istanbul.not_judged


@pytest.mark.parametrize("ades", ["LHR", "FRA", "ZRH", "VIE", "WAW", "RIX"])
def test_the_licence_of_11_september_changes_no_european_decision(ades: str) -> None:
    before = ask("MSQ", ades, "BRU", "2025-09-10T08:00Z", "B738")
    after = ask("MSQ", ades, "BRU", "2025-09-20T08:00Z", "B738")
    assert before.outcome == after.outcome == "infeasible"
    assert before.blocking_rules == after.blocking_rules


# --- Levels, permits ------------------------------------------------------------------------------


def test_an_airliner_in_cruise_does_not_meet_the_polish_border_strip() -> None:
    strip = shipped().atlas.layer("zone")
    (row,) = strip.positions("EP-R129")
    assert int(strip.upper_ft[row]) <= 9_500
    plan = ask("MSQ", "IST", "THY", "2025-09-15T22:00Z", "B738")
    assert "PL" in territories(plan)
    assert "EP-R129" not in {stay.designator for stay in plan.crossings}
    assert not any("R129" in rule for rule in plan.blocking_rules)


def test_new_york_lacks_an_authority_in_kind() -> None:
    plan = ask("MSQ", "JFK", "BRU", "2025-09-15T08:00Z", "A332")
    assert plan.outcome == "needs-permit"
    assert plan.route is not None
    assert "US-DOT-03" in plan.permits
    granted = make_scenario(held=["US-DOT-03"])
    assert (
        check_flight(
            "MSQ", "JFK", operator="BRU", at="2025-09-15T08:00Z", typecode="A332", scenario=granted
        ).outcome
        == "detour"
    )


def test_moscow_new_york_is_barred_by_the_united_states() -> None:
    plan = ask("SVO", "JFK", "AFL", "2025-09-15T08:00Z", "B77W")
    assert plan.outcome == "infeasible"
    assert "US-FAA-03" in plan.blocking_rules


def test_dubai_needs_a_stop_while_iran_is_closed() -> None:
    closed = ask("MSQ", "DXB", "BRU", "2025-06-17T01:25Z", "B738")
    assert closed.outcome == "fuel-stop"
    assert "ME-25-IR" in closed.blocking_rules
    assert "IR" not in territories(closed)
    assert 0.95 * 5_290 <= km(closed) <= 1.05 * 5_290
    assert ask("MSQ", "DXB", "BRU", "2025-09-15T01:25Z", "B738").outcome == "detour"


def test_what_is_asked_later_than_the_evidence_says_so() -> None:
    plan = ask("MSQ", "FRA", "BRU", "2026-11-20T08:00Z")
    rule = shipped().rulebook.by_id["EU-BY-01"]
    assert rule.last_evidence is not None
    assert rule.last_evidence < parse_instant("2026-11-20T08:00Z")
    assert any("EU-BY-01 still in force" in said for said in plan.assumed)


# --- Every truth turns on its rules: lifted, or moved past the flight, the answer is another ------

TURNS = (
    # adep, ades, operator, off-block, type, tail, the rules that decide
    ("MSQ", "BEG", "BRU", "2021-07-01T08:00Z", "E195", None, ("RS-BY-2021-06-21", "EU-BY-01")),
    ("MSQ", "KGD", "BRU", "2025-09-15T08:00Z", "E195", None, ("EU-BY-01",)),
    ("MSQ", "IST", "BRU", "2021-06-15T08:00Z", "B738", None, ("EU-BY-01", "UA-BY-2021-05-28")),
    ("SVO", "KGD", "AFL", "2022-03-15T08:00Z", "A320", None, ("EU-RU-01",)),
    ("HEL", "NRT", "FIN", "2022-03-15T08:00Z", "A359", None, ("RU-01", "OP-RU-FIR")),
    ("MSQ", "IST", "STW", "2024-03-30T08:00Z", "A321", None, ("EU-RU-05",)),
    ("MSQ", "DXB", "BRU", "2025-06-17T01:25Z", "B738", None, ("ME-25-IR",)),
    ("MSQ", "WAW", "BRU", "2021-06-02T08:00Z", "E195", None, ("PL-BY-2021-05-26",)),
    ("MSQ", "SVO", "BRU", "2025-09-15T08:00Z", "B733", "EW-366PA", ("US-BIS-02",)),
    ("MSQ", "IST", "BRU", "2025-09-10T08:00Z", "B733", "EW-366PA", ("US-BIS-03",)),
)


def said(plan: Plan) -> tuple[object, ...]:
    """What a reader would take from a plan."""
    length = None if plan.route is None else round(plan.route.distance_km)
    return plan.outcome, plan.lawful, length, plan.blocking_rules, plan.breach_rules


@pytest.mark.parametrize("turn", TURNS, ids=lambda turn: "-".join((*turn[:4], turn[6][0])))
def test_a_truth_turns_on_its_rules_and_their_dates(turn: tuple) -> None:  # type: ignore[type-arg]
    adep, ades, operator, at, typecode, tail, rules = turn
    question = {
        "operator": operator, "at": at, "typecode": typecode, "registration": tail,
    }  # fmt: skip
    plan = check_flight(adep, ades, **question)
    named = {*plan.blocking_rules, *plan.breach_rules}
    assert named & set(rules), plan.reason
    free = check_flight(adep, ades, scenario=lift(*rules), **question)
    assert said(free) != said(plan)
    eobt_ms = parse_instant(at)
    for start_ms, expected in (
        # In force, and known, a minute before planning; or not before two days later.
        (plan.planned_ms - MINUTE_MS, plan),
        (eobt_ms + 48 * 60 * MINUTE_MS, free),
    ):
        moved = amend_scenario(
            shipped(),
            [
                Amendment("shift", rule, start_ms - shipped().rulebook.by_id[rule].when.start[1])
                for rule in rules
            ],
        )
        found = check_flight(adep, ades, scenario=moved, **question)
        assert said(found) == said(expected), found.reason
