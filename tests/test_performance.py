"""Fuel, time, profile and charges: published figures, and what must hold for any flight."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airsim.base import InputError, find_resource
from airsim.performance import (
    DEFAULT_POLICY,
    FuelPolicy,
    charge_by_service_units,
    flown_km,
    fly,
    level_at,
    load_tariffs,
    load_types,
    max_range_km,
    needs_stop,
    payload_for_seats,
    reach_km,
    time_at,
)

TYPES = load_types()
# Great-circle figures carry the terminal paths in `flown_km`.
AS_FLOWN = FuelPolicy(terminal_km=0.0)
with find_resource("geodata/aircraft.csv").open(encoding="utf-8", newline="") as _stream:
    PUBLISHED = list(csv.DictReader(_stream))
MILES = (500, 1000, 2000, 3000, 5000)
typecodes = st.sampled_from(sorted(TYPES))


def block_fuel(typecode, great_circle_nm):
    flight = fly(TYPES[typecode], flown_km(great_circle_nm * 1.852), policy=AS_FLOWN)
    return float(flight.block_fuel_kg)


def points(column):
    """(type, NM, kg) of every figure that the table gives in such a column."""
    figures = [
        (row["typecode"], nm, row[f"{column}_{nm}nm_kg"]) for row in PUBLISHED for nm in MILES
    ]
    return [pytest.param(t, nm, float(kg), id=f"{t}-{nm}") for t, nm, kg in figures if kg]


# published figures


def test_all_types_are_there():
    assert len(TYPES) == 34
    assert TYPES.find("e75s") is TYPES["E75L"]
    with pytest.raises(InputError) as caught:
        TYPES.find("B73X")
    assert "B738" in caught.value.problems[0].remedy


@pytest.mark.parametrize(("typecode", "nm", "expected"), points("model_block"))
def test_the_model_gives_its_printed_values(typecode, nm, expected):
    assert block_fuel(typecode, nm) == pytest.approx(expected, abs=6.0)


@pytest.mark.parametrize(
    ("typecode", "nm", "expected"),
    [p for p in points("published_block") if p.values[0] in {"B738", "A332", "B77W", "E195"}],
)
def test_published_block_fuel_within_seven_percent(typecode, nm, expected):
    assert block_fuel(typecode, nm) == pytest.approx(expected, rel=0.07)


@pytest.mark.parametrize(
    ("typecode", "nm", "expected"), [p for p in points("emep2009_block") if p.values[0] == "A332"]
)
def test_a330_fuel_agrees_with_a_second_source(typecode, nm, expected):
    assert block_fuel(typecode, nm) == pytest.approx(expected, rel=0.015)


@pytest.mark.parametrize(
    ("typecode", "nm", "hours", "tolerance"),
    [
        ("A332", 2854, 6.48, 0.01),
        ("B77W", 3667, 7.95, 0.02),
        ("B738", 934, 2.40, 0.03),
        ("E75L", 519, 1.50, 0.07),
    ],
)
def test_airborne_hours_of_the_united_states_fleet(typecode, nm, hours, tolerance):
    flight = fly(TYPES[typecode], flown_km(nm * 1.852), policy=AS_FLOWN)
    assert float(flight.air_min) / 60.0 == pytest.approx(hours, rel=tolerance)


@pytest.mark.parametrize(("typecode", "extra"), [("B738", 0.108), ("A332", 0.102), ("B77W", 0.100)])
def test_ten_percent_more_distance_carries_more_fuel(typecode, extra):
    short, longer = fly(
        TYPES[typecode], np.array([1.0, 1.1]) * flown_km(2700 * 1.852), policy=AS_FLOWN
    ).trip_fuel_kg
    assert longer / short - 1.0 == pytest.approx(extra, abs=0.004)


def test_typical_narrow_body_reserve():
    flight = fly(TYPES["B738"], flown_km(1852.0), policy=AS_FLOWN)
    assert 2_590 <= float(flight.reserve_fuel_kg) <= 2_900


def test_taxi_minutes_are_the_ecac_means():
    flight = fly(TYPES["A320"], 1000.0)
    assert float(flight.block_min - flight.air_min) == pytest.approx(18.3)
    assert float(flight.block_fuel_kg - flight.trip_fuel_kg) == pytest.approx(18.3 * 11.7)


@pytest.mark.parametrize("factor", [3.16, 3.15])
def test_carbon_dioxide_follows_the_chosen_factor(factor):
    flight = fly(TYPES["A320"], 1000.0, policy=replace(DEFAULT_POLICY, co2_kg_per_kg=factor))
    assert float(flight.co2_kg / flight.block_fuel_kg) == pytest.approx(factor)


# the formula against a slow twin


def iterate_trip(aircraft, ground_km, payload_kg, wind_kt):
    """The trip fuel by iteration, as the formula is stated."""
    tas = aircraft.cruise_tas_kt
    air_km = (ground_km + 40.0) * tas / (tas + wind_kt)
    z = aircraft.oew_kg + payload_kg
    x, kc = aircraft.range_factor_km, aircraft.climb_fraction
    alternate = z * (np.exp(370.0 / x) - 1.0) + 0.5 * kc * z
    final = 0.5 * 0.80 * z * tas * 1.852 / x
    trip = 0.0
    for _ in range(200):
        landing = z + 0.05 * trip + alternate + final
        trip = (landing * (np.exp(air_km / x) - 1.0) + kc * landing) / (1.0 - kc)
    return trip


@settings(max_examples=60, deadline=None)
@given(typecodes, st.floats(0, 12_000), st.floats(0, 1), st.floats(-100, 100))
def test_closed_form_is_the_limit_of_the_iteration(typecode, km, load, wind):
    aircraft = TYPES[typecode]
    payload = load * aircraft.max_payload_kg
    flight = fly(aircraft, km, payload, wind_kt=wind)
    expected = iterate_trip(aircraft, km, payload, wind)
    assert float(flight.trip_fuel_kg) == pytest.approx(expected, rel=1e-9)


# what must hold for any flight


@pytest.mark.parametrize("typecode", ["B738", "E195", "A332"])
def test_fuel_left_carries_a_flight_beyond_its_plan_by_its_reserves_alone(typecode: str) -> None:
    aircraft = TYPES[typecode]
    reach = reach_km(aircraft, 2000.0, np.array([0.0, 500.0, 2000.0, 9000.0]))
    assert reach[0] - reach[1] == pytest.approx(500.0)
    assert reach[0] - reach[2] == pytest.approx(2000.0)
    # left: the way to the alternate with half a climb, and the twentieth for contingencies
    climb_km = aircraft.climb_fraction * aircraft.range_factor_km
    spare = 370.0 + 0.5 * climb_km + 0.05 * (2040.0 + climb_km)
    assert reach[2] == pytest.approx(spare, rel=0.1)
    assert reach[3] == 0.0
    assert float(reach_km(aircraft, 3000.0, 0.0)) > reach[0]
    with pytest.raises(ValueError, match="flown_km"):
        reach_km(aircraft, 2000.0, -1.0)


@settings(max_examples=60, deadline=None)
@given(typecodes, st.floats(0, 1), st.floats(-80, 80))
def test_max_range_is_where_flights_stop_being_feasible(typecode, load, wind):
    aircraft = TYPES[typecode]
    payload = load * aircraft.max_payload_kg
    reach = float(max_range_km(aircraft, payload, wind_kt=wind))
    if reach > 0.0:
        assert bool(fly(aircraft, reach * (1 - 1e-9), payload, wind_kt=wind).feasible)
    assert not bool(fly(aircraft, reach + 0.01, payload, wind_kt=wind).feasible)


@settings(max_examples=40, deadline=None)
@given(typecodes, st.lists(st.floats(0, 15_000), min_size=2, max_size=6), st.floats(0, 50))
def test_longer_heavier_or_headwind_never_saves(typecode, distances, wind):
    aircraft = TYPES[typecode]
    km = np.sort(np.array(distances))
    flight = fly(aircraft, km)
    assert np.all(np.diff(flight.block_fuel_kg) >= 0)
    assert np.all(np.diff(flight.block_min) >= 0)
    assert np.all(np.diff(flight.feasible.astype(int)) <= 0)
    heavy = fly(aircraft, km, aircraft.max_payload_kg)
    assert np.all(heavy.trip_fuel_kg >= flight.trip_fuel_kg)
    slow = fly(aircraft, km, wind_kt=-wind)
    assert np.all(slow.trip_fuel_kg >= flight.trip_fuel_kg)
    assert np.all(slow.air_min >= flight.air_min)


def test_arrays_broadcast_and_scalars_stay_scalar():
    grid = fly(TYPES["B738"], np.array([[1000.0], [4000.0]]), np.array([8_000.0, 15_000.0]))
    assert grid.block_fuel_kg.shape == grid.reason.shape == (2, 2)
    assert fly(TYPES["B738"], 1000.0).block_fuel_kg.shape == ()
    assert fly(TYPES["B738"], np.array([])).feasible.shape == (0,)


def test_each_limit_gives_its_reason():
    b738 = TYPES["B738"]
    km = np.array([3000.0, 3000.0, 5400.0, 4000.0, 5290.0])
    payload = np.array([30_000.0, 10_000.0, 2_000.0, 21_000.0, 15_120.0])
    flight = fly(b738, km, payload)
    assert list(flight.reason) == ["payload", "", "range", "take-off-mass", "tanks"]
    assert list(flight.feasible) == [False, True, False, False, False]
    assert list(flight.doubtful) == [False, False, False, True, True]
    a321 = fly(TYPES["A321"], 5500.0, 5_000.0)
    assert (str(a321.reason), bool(a321.doubtful)) == ("tanks", True)


def test_an_absurd_distance_is_infeasible_not_negative():
    flight = fly(TYPES["AT72"], np.array([5e4, 1e6]))
    assert np.all(np.isinf(flight.trip_fuel_kg) | (flight.trip_fuel_kg > 0))
    assert not flight.feasible.any()


@pytest.mark.parametrize(
    "arguments",
    [
        ((-1.0,), {}),
        ((np.nan,), {}),
        ((1000.0, -5.0), {}),
        ((1000.0,), {"wind_kt": -453.0}),
    ],
)
def test_impossible_input_is_refused(arguments):
    args, options = arguments
    with pytest.raises(ValueError, match="must be finite"):
        fly(TYPES["B738"], *args, **options)


# fuel stops


def test_minsk_dubai_around_iran_needs_a_stop():
    b738 = TYPES["B738"]
    payload = payload_for_seats(b738, 189)
    assert float(payload) == pytest.approx(15_120)
    assert bool(needs_stop(b738, 5290.0, payload))
    assert not bool(needs_stop(b738, 4900.0, payload))
    assert not np.any(needs_stop(b738, [3300.0, 2400.0], payload))
    assert not bool(needs_stop(TYPES["A332"], 5290.0))


def test_a_stop_does_not_help_what_is_too_heavy():
    b738 = TYPES["B738"]
    assert not bool(needs_stop(b738, 9000.0, b738.max_payload_kg + 1))
    assert float(max_range_km(b738, b738.max_payload_kg + 1)) == 0.0


def test_payload_never_exceeds_the_limit():
    for aircraft in TYPES.values():
        assert float(payload_for_seats(aircraft, 900, load_factor=1.0)) == aircraft.max_payload_kg
        if aircraft.seats_typical:
            assert float(payload_for_seats(aircraft)) == pytest.approx(
                aircraft.reference_payload_kg, abs=1.0
            )


# profile


@settings(max_examples=60, deadline=None)
@given(typecodes, st.floats(1.0, 12_000), st.floats(0, 50))
def test_time_runs_from_taxi_to_landing(typecode, total, wind):
    aircraft = TYPES[typecode]
    km = np.linspace(0.0, total, 41)
    minutes = time_at(aircraft, km, total, wind_kt=wind)
    flight = fly(aircraft, total, wind_kt=wind)
    assert minutes[0] == pytest.approx(12.3)
    assert minutes[-1] == pytest.approx(float(flight.block_min) - 6.0)
    assert np.all(np.diff(minutes) > 0)


@settings(max_examples=60, deadline=None)
@given(typecodes, st.floats(1.0, 12_000))
def test_levels_rise_once_and_fall_once(typecode, total):
    aircraft = TYPES[typecode]
    feet = level_at(aircraft, np.linspace(0.0, total, 101), total)
    assert feet[0] == feet[-1] == 0.0
    assert feet.max() <= aircraft.cruise_fl * 100 <= aircraft.ceiling_ft
    top = int(feet.argmax())
    assert np.all(np.diff(feet[: top + 1]) >= 0)
    assert np.all(np.diff(feet[top:]) <= 0)


def test_a_long_flight_cruises_and_a_short_one_stays_low():
    b738 = TYPES["B738"]
    assert float(level_at(b738, 900.0, 2000.0)) == 36_000.0
    assert 12_000 < float(level_at(b738, 90.0, 170.0)) < 24_000
    # About 100 NM out, an airliner is over every strip that ends at FL195.
    assert float(level_at(b738, 185.0, 2000.0)) > 19_500
    assert float(level_at(b738, 30.0, 2000.0)) < 9_500


def test_places_beyond_the_ends_are_the_ends():
    b738 = TYPES["B738"]
    assert float(level_at(b738, -5.0, 1000.0)) == float(level_at(b738, 1005.0, 1000.0)) == 0.0
    assert float(time_at(b738, 2000.0, 1000.0)) == float(time_at(b738, 1000.0, 1000.0))
    assert np.isfinite(time_at(b738, 0.0, 0.0))


# charges


def test_hamburg_munich_as_published():
    # DFS: A320 of 73.5 t, unit rate of 2024, 600 km less 20 km at either end.
    assert charge_by_service_units(600.0, 73_500, 80.14, ends_inside=2) == pytest.approx(
        543.03, abs=0.005
    )


MTOW = TYPES["B738"].mtow_kg


@pytest.mark.parametrize(
    ("state", "year", "amount", "currency"),
    [
        ("RU", 2026, 1614.0, "USD"),
        ("IR", 2025, 320.8, "USD"),
        ("CN", 2025, 450.0, "USD"),
        ("AE", 2025, 130.0, "USD"),
        ("IQ", 2025, 450.0, "USD"),
        ("AF", 2025, 700.0, "USD"),
        ("SA", 2025, 1486.8, "SAR"),
    ],
)
def test_a_thousand_kilometres_elsewhere(state, year, amount, currency):
    charge = load_tariffs().charge_overflight(state, 1000.0, MTOW, year=year)
    assert (charge.amount, charge.currency) == (pytest.approx(amount, abs=0.1), currency)


def test_belarus_pays_russia_as_its_own_operators_do():
    tariffs = load_tariffs()
    foreign = tariffs.charge_overflight("RU", 1000.0, MTOW, year=2025, operator_state="TR")
    parity = tariffs.charge_overflight("RU", 1000.0, MTOW, year=2025, operator_state="BY")
    before = tariffs.charge_overflight("RU", 1000.0, MTOW, year=2022, operator_state="BY")
    assert (foreign.currency, parity.currency, before.currency) == ("USD", "RUB", "USD")
    assert (parity.mark, foreign.mark) == ("U", "V")


def test_defaults_and_old_figures_are_flagged():
    tariffs = load_tariffs()
    poland = tariffs.charge_overflight("PL", 1000.0, MTOW, year=2025)
    assert (poland.amount, poland.assumed, poland.mark) == (pytest.approx(781.2), True, "U")
    germany = tariffs.charge_overflight("DE", 1000.0, MTOW, year=2024)
    assert (germany.assumed, germany.mark) == (False, "V")
    assert tariffs.charge_overflight("DE", 1000.0, MTOW, year=2021).assumed


def test_an_unknown_tariff_is_not_free():
    tariffs = load_tariffs()
    assert tariffs.charge_overflight("MN", 1000.0, MTOW, year=2025).amount is None
    heavy = tariffs.charge_overflight("CN", 1000.0, 350_000, year=2025)
    assert heavy.amount is None


def test_a_users_tariffs_replace_ours_or_are_refused(tmp_path):
    path = tmp_path / "rates.toml"
    path.write_text(
        '[[tariff]]\nstate="PL"\nmethod="eurocontrol"\nrate=50.0\ncurrency="EUR"\n'
        'year=2025\nsource="mine"\nmark="V"\n',
        encoding="utf-8",
    )
    mine = load_tariffs(path)
    assert mine.charge_overflight("PL", 1000.0, MTOW, year=2025).amount == pytest.approx(630.0)
    assert mine.charge_overflight("DE", 1000.0, MTOW, year=2025).amount is None
    path.write_text(
        '[[tariff]]\nstate="PX"\nmethod="magic"\nrate="x"\ncurrency="EUR"\nyear=2025\nsource="m"\n'
        '[[tariff]]\nstate="PL"\n'
        '[[tariff]]\nstate="PL"\nmethod="bands_km"\nrates=[1.0, 2.0]\nup_to_t=[100, 50]\n'
        'currency="EUR"\nyear="now"\nsource="m"\n',
        encoding="utf-8",
    )
    with pytest.raises(InputError) as caught:
        load_tariffs(path)
    records = [problem.record for problem in caught.value.problems]
    assert records == ["tariff 1 (PX)"] * 3 + ["tariff 2"] + ["tariff 3 (PL)"] * 2
    assert all(problem.remedy for problem in caught.value.problems)
