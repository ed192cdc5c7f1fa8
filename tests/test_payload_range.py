"""Range against route: what a flight would leave behind to need no fuel stop."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airsim.performance import fly, load_types, max_payload_kg
from airsim.planning import Plan, RangeMargin, check_flight, plan_flights, weigh_ranges
from airsim.results import Results
from airsim.scenario import Scenario
from airsim.simulation import simulate, tabulate_world
from airsim.units import KM_PER_NM

TYPES = load_types()
JUNE_2022 = "2022-06-05T08:00Z"


def weigh(
    world: Scenario, adep: str, ades: str, at: str, typecode: str
) -> tuple[Plan, RangeMargin]:
    plan = check_flight(adep, ades, operator="BRU", at=at, typecode=typecode, scenario=world)
    (margin,) = weigh_ranges(world, [plan])
    assert margin is not None
    return plan, margin


# --------------------------------------------------------------------------------- performance
@given(st.sampled_from(sorted(TYPES)), st.floats(100.0, 12_000.0))
def test_the_largest_payload_is_feasible_and_one_kilogram_more_is_not(
    typecode: str, km: float
) -> None:
    aircraft = TYPES[typecode]
    most = float(max_payload_kg(aircraft, km))
    if km + 40.0 > aircraft.range_nm * KM_PER_NM:
        assert np.isnan(most)
    elif most < 0.0:
        assert not fly(aircraft, km, 0.0).feasible
    else:
        assert fly(aircraft, km, max(0.0, most - 0.01)).feasible
        assert not fly(aircraft, km, most + 1.0).feasible


def test_payload_falls_with_distance_and_is_at_most_what_the_type_lifts() -> None:
    aircraft = TYPES["B738"]
    most = max_payload_kg(aircraft, np.linspace(100.0, 5_300.0, 50))
    assert most[0] == aircraft.max_payload_kg
    assert np.all(np.diff(most) <= 0.0)
    assert most[-1] < most[0]


def test_wind_from_behind_lifts_more() -> None:
    still, helped = max_payload_kg(TYPES["E195"], 3_800.0, wind_kt=np.array([0.0, 40.0]))
    assert helped > still > 0.0


# ---------------------------------------------------------------------------------- Tel Aviv 2022
def test_tel_aviv_in_june_2022_a_boeing_needs_no_stop_and_an_embraer_hardly(
    world: Scenario,
) -> None:
    """The stop published for it, Baku, is explained by neither range nor law: it is not forced."""
    plan, boeing = weigh(world, "UMMS", "LLBG", JUNE_2022, "B738")
    assert plan.outcome == "detour"
    assert boeing.margin_km is not None
    assert boeing.margin_km > 1_000.0
    assert boeing.left_kg == 0.0
    plan, embraer = weigh(world, "UMMS", "LLBG", JUNE_2022, "E195")
    assert plan.outcome == "fuel-stop"
    assert plan.route is not None
    assert plan.route.stops != ("UBBB",)
    assert embraer.nonstop_km is not None
    assert embraer.stop_km is not None
    assert embraer.reach_km < embraer.nonstop_km <= embraer.stop_km + 1e-6
    assert embraer.margin_km is not None
    assert embraer.margin_km < 0.0
    assert embraer.left_seats is not None
    assert 0 < embraer.left_seats < 15
    # with them left behind, it flies: the law would let it
    few = replace(
        plan.flight,
        circumstances=replace(
            plan.flight.circumstances,
            facts=(("seats", int((embraer.seats - embraer.left_seats) / 0.8)),),
        ),
    )
    (light,) = plan_flights(world, [few])
    assert light.outcome == "detour"
    assert light.route is not None
    assert light.route.distance_km == pytest.approx(embraer.nonstop_km)


def test_beyond_the_published_range_the_payload_is_unknown(world: Scenario) -> None:
    plan, margin = weigh(world, "UMMS", "ZJSY", "2025-09-05T08:00Z", "B738")
    assert plan.outcome == "fuel-stop"
    assert (margin.most_kg, margin.left_kg, margin.left_seats) == (None, None, None)
    assert "unknown" in margin.says


def test_a_flight_that_the_law_stops_has_no_margin(world: Scenario) -> None:
    plan = check_flight("UMMS", "EDDF", operator="BRU", at=JUNE_2022, scenario=world)
    assert not plan.feasible
    assert weigh_ranges(world, [plan]) == (None,)


def test_out_of_range_with_any_stop_is_told_with_the_way_that_there_is(world: Scenario) -> None:
    plan, margin = weigh(world, "UMMS", "ZJSY", "2025-09-05T08:00Z", "AT76")
    assert plan.outcome == "infeasible"
    assert margin.stops == ()
    assert margin.stop_km is None
    assert margin.nonstop_km is not None
    assert margin.nonstop_km > 7_000.0


def test_margins_are_in_the_tables_of_a_run(world: Scenario) -> None:
    plans = [weigh(world, "UMMS", "LLBG", JUNE_2022, typecode)[0] for typecode in ("B738", "E195")]
    flights = tuple(
        replace(
            p.flight,
            flight_id=p.facts.typecode or "",
            circumstances=replace(p.flight.circumstances, facts=(("seats", 124),)),
        )
        for p in plans
    )
    run = simulate(replace(world, flights=flights, fleet=()))
    rows = {r["flight_id"]: r for r in Results(tabulate_world(world, run)).rows("ranges")}
    assert rows["B738"]["left_kg"] == 0.0
    assert rows["B738"]["stops"] == ""
    assert rows["E195"]["left_passengers"] > 0
    assert rows["E195"]["mass_confidence"] == "K"
    assert rows["E195"]["margin_km"] == pytest.approx(
        rows["E195"]["reach_km"] - rows["E195"]["nonstop_km"], abs=0.002
    )
