"""What a run adds up: airspace, charges, authorities, the network; all of it can be recounted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conservation import check_run
from oracle import make_rule

from airsim.base import parse_instant
from airsim.law import Rule
from airsim.operation import Flight
from airsim.report import print_summary, render_report
from airsim.results import Results
from airsim.scenario import PermitModel, Scenario
from airsim.simulation import simulate

DAY_MS = 86_400_000
EOBT_MS = parse_instant("2024-09-15T08:00Z")

Run = Callable[..., Results]


def flight(
    adep: str, ades: str, operator: str = "BRU", typecode: str = "B738", at_ms: int = EOBT_MS,
    **more: Any,
) -> Flight:  # fmt: skip
    name = f"{operator}-{adep}-{ades}-{at_ms}"
    return Flight(name, name[:7], operator, adep, ades, at_ms, at_ms, typecode, **more)


@pytest.fixture
def run(lawless: Callable[..., Scenario]) -> Run:
    """Fly under some rules and no others, hold the run to every law, and return its tables."""

    def fly(*flights: Flight, rules: tuple[Rule, ...] = (), **changes: Any) -> Results:
        ordered = tuple(sorted(flights, key=lambda f: (f.eobt_ms, f.flight_id)))
        scenario = replace(lawless(*rules), flights=ordered, fleet=(), **changes)
        return check_run(scenario, simulate(scenario))

    return fly


def rows(results: Results, name: str, **wanted: Any) -> list[dict[str, Any]]:
    return [
        row for row in results.rows(name) if all(row[key] == v for key, v in wanted.items())
    ]  # fmt: skip


# ------------------------------------------------------------------------------------- charges
def test_a_domestic_german_flight_owes_what_the_service_provider_says(run: Run) -> None:
    """DFS: Hamburg - Munich, A320 of 73.5 t, EUR 543.03 in 2024; 20 km off at either end."""
    found = run(flight("EDDH", "EDDM", "DLH", "A320"))
    (row,) = rows(found, "charges")
    assert (row["state"], row["ends_inside"], row["currency"]) == ("DE", 2, "EUR")
    assert (row["tariff_year"], row["mark"], row["assumed"]) == (2024, "V", False)
    ours = row["amount"] / round((78_000 / 50_000) ** 0.5, 2)
    assert ours == pytest.approx(543.03 / round((73_500 / 50_000) ** 0.5, 2), rel=0.02)


def test_firs_of_one_state_are_one_zone_and_a_stop_begins_a_leg(run: Run) -> None:
    found = run(flight("EDDH", "EDDM", "DLH", "A320"))
    firs = rows(found, "airspace_use", layer="fir")
    assert len(firs) > 1
    (zone,) = rows(found, "airspace_use", layer="charging-zone")
    assert (zone["designator"], zone["entries"], zone["unpriced"]) == ("DE", 1, 0)
    flown = sum(row["distance_km"] for row in firs)
    assert zone["distance_km"] == pytest.approx(flown, rel=0.01)


def test_a_state_crossed_twice_is_paid_for_both_ways(run: Run) -> None:
    """Kaliningrad - Moscow over Lithuania and Belarus leaves Russia and comes back."""
    found = run(flight("UMKK", "UUEE", "AFL", "A320"))
    (russia,) = rows(found, "charges", state="RU")
    assert russia["passages"] >= 2
    assert (russia["ends_inside"], russia["currency"]) == (2, "RUB")
    stays = rows(found, "crossings", layer="fir")
    whole = sum(row["exit_km"] - row["entry_km"] for row in stays)
    assert 300.0 < russia["distance_km"] < whole - 300.0
    others = sum(row["distance_km"] for row in rows(found, "charges"))
    assert others == pytest.approx(whole, rel=0.01)


def test_what_is_not_known_is_not_free(run: Run) -> None:
    found = run(flight("UMMS", "UTTT"))
    states = {row["state"]: row for row in rows(found, "charges")}
    assert states["BY"]["amount"] is states["UZ"]["amount"] is None
    assert (states["RU"]["currency"], states["RU"]["mark"]) == ("RUB", "U")
    assert (states["KZ"]["currency"], states["KZ"]["mark"]) == ("USD", "U")
    (total,) = rows(found, "network", period="all")
    assert total["charges"] == ""
    assert "RUB " in total["estimates"]
    assert total["unpriced"] == sum(row["amount"] is None for row in states.values()) >= 2


def test_a_flight_that_does_not_fly_owes_nothing(run: Run) -> None:
    shut = make_rule("SHUT", activities=["landing"], where=[{"territory": ["RU"]}])
    found = run(flight("UMMS", "UUEE"), rules=(shut,))
    assert rows(found, "charges") == rows(found, "airspace_use") == []


# ------------------------------------------------------------------------------------- network
def test_cancellations_are_told_by_rule_and_month(run: Run) -> None:
    shut = make_rule("SHUT", activities=["landing"], where=[{"territory": ["RU"]}])
    late = EOBT_MS + 20 * DAY_MS
    found = run(
        flight("UMMS", "UUEE"), flight("UMMS", "UGTB"), flight("UMMS", "ULLI", at_ms=late),
        flight("UMMS", "UUWW", at_ms=late, probe=True), rules=(shut,),
    )  # fmt: skip
    told = [(r["period"], r["cause"], r["rule"], r["flights"])
            for r in rows(found, "cancellations")]  # fmt: skip
    assert told == [
        ("2024-09", "law", "SHUT", 1), ("2024-10", "law", "SHUT", 1), ("all", "law", "SHUT", 2),
    ]  # fmt: skip
    september, october, whole = rows(found, "network")
    assert (september["flights"], september["flown"], september["cancelled"]) == (2, 1, 1)
    assert (october["flights"], october["flown"], october["cancelled"]) == (1, 0, 1)
    assert whole["flights"] == 3
    assert whole["seats_flown"] < whole["seats_offered"]


def test_a_detour_is_what_is_flown_beyond_the_great_circle(run: Run) -> None:
    shut = make_rule("SHUT", where=[{"territory": ["LT"]}])
    (free,) = rows(run(flight("UMMS", "UMKK")), "network", period="all")
    (round_it,) = rows(run(flight("UMMS", "UMKK"), rules=(shut,)), "network", period="all")
    assert free["detour_km"] < 1.0 < 15.0 < round_it["detour_km"]
    assert round_it["fuel_kg"] > free["fuel_kg"]


def test_a_change_of_plan_in_the_air_counts_what_was_flown_of_each_plan(run: Run) -> None:
    at = "2024-09-15T08:20Z"
    news = make_rule("NEWS", where=[{"territory": ["LT"]}], when={"from": at, "published": at})
    found = run(flight("UMMS", "UMKK"), rules=(news,))
    (record,) = rows(found, "flights")
    stays = rows(found, "crossings", layer="territory")
    assert {row["plan"] for row in stays} == {0, 1}
    lithuania = [row for row in stays if row["designator"] == "LT" and row["plan"] == 0]
    assert {(row["entered"], row["flown_km"]) for row in lithuania} == {(False, 0.0)}
    assert "LT" not in {row["designator"] for row in rows(found, "airspace_use", layer="territory")}
    # charged by the plan filed, with Lithuania
    assert "LT" in {row["state"] for row in rows(found, "charges")}
    assert record["fuel_left_kg"] < 20_000.0
    plain = run(flight("UMMS", "UMKK"))
    (free,) = rows(plain, "flights")
    assert record["flown_fuel_kg"] > free["flown_fuel_kg"] == pytest.approx(free["fuel_kg"])
    assert record["fuel_left_kg"] < free["fuel_left_kg"]


# --------------------------------------------------------------------------------- authorities
def needs(state: str, **permit: Any) -> Rule:
    given = {"authority": f"CAA {state}", "kind": "routine", **permit}
    return make_rule(
        f"ASK-{state}", effect="require-permit", permit=given, where=[{"territory": [state]}],
        activities=["overflight", "landing", "take-off"],
    )  # fmt: skip


def test_presumed_permits_are_counted_by_authority(run: Run) -> None:
    flights = [flight("UMMS", "UMKK", at_ms=EOBT_MS + day * DAY_MS) for day in range(3)]
    found = run(*flights, rules=(needs("LT", lead_time_days=3), needs("RU")))
    told = {row["authority"]: row for row in rows(found, "authorities")}
    assert told["CAA LT"]["flights"] == told["CAA RU"]["flights"] == 3
    assert (told["CAA LT"]["lead_days"], told["CAA RU"]["lead_days"]) == (3.0, None)
    assert told["CAA LT"]["applications"] == told["CAA LT"]["longest_queue"] == 0
    assert told["CAA LT"]["answer_days"] is None


def test_a_queue_is_as_long_as_what_waits_at_one_time(run: Run) -> None:
    flights = [
        flight("UMMS", "UMKK", at_ms=EOBT_MS + hours * 3_600_000, scheduled=False)
        for hours in (0, 24, 240)
    ]
    model = PermitModel(ask_days=5.0, refused=1.0)
    found = run(*flights, rules=(needs("LT", lead_time_days=3),), permits=model)
    (row,) = rows(found, "authorities")
    assert (row["applications"], row["granted"], row["refused"], row["late"]) == (3, 0, 3, 0)
    # asked 5 days ahead, answered 2 days ahead: the first two wait together, not the third
    assert (row["answer_days"], row["longest_answer_days"], row["longest_queue"]) == (3.0, 3.0, 2)


# -------------------------------------------------------------------------------------- report
def test_the_summary_tells_the_totals(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    shut = make_rule("SHUT", activities=["landing"], where=[{"territory": ["RU"]}])
    found = run(flight("UMMS", "UUEE"), flight("UMMS", "UGTB"), rules=(shut,))
    print_summary(found)
    said = capsys.readouterr().out
    assert "Of 2 flights 1 arrived, 1 cancelled (1 barred): " in said
    assert "no tariff known for" in said


def test_the_page_shows_totals_airspace_charges_and_authorities(run: Run, tmp_path: Path) -> None:
    found = run(flight("UMMS", "UTTT"), flight("UMMS", "UMKK"), rules=(needs("LT"),))
    page = render_report(found, tmp_path).read_text()
    for said in ("What was flown", "Of 2 flights 2 arrived", "Airspace used, charges and",
                 "UMMV", "Legs without a known tariff", "CAA LT", "not known"):  # fmt: skip
        assert said in page, said
    (russia,) = rows(found, "airspace_use", layer="charging-zone", designator="RU")
    assert russia["estimates"].startswith("RUB ")
    amount = f"RUB {round(float(russia['estimates'].split()[1])):,}"
    assert amount in page


def test_every_flight_takes_off_before_it_enters_anything(run: Run) -> None:
    found = run(flight("UMMS", "UGTB"))
    (take_off,) = rows(found, "events", event="take-off")
    entries = [row["time_utc"] for row in rows(found, "events", event="airspace-entry")]
    assert min(entries) == take_off["time_utc"] == rows(found, "flights")[0]["atot_utc"]
