"""Where flights were, minute by minute: as flown, and as other tools read it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from oracle import make_rule

from airsim.base import parse_instant
from airsim.geodesy import geodesic_km
from airsim.law import Rule
from airsim.operation import Flight
from airsim.performance import DEFAULT_POLICY
from airsim.results import TRAJECTORY_COLUMNS, Results, write_results
from airsim.scenario import Scenario
from airsim.simulation import FlightRecord, World, simulate, trace_flights
from airsim.study import run as run_study

KM_PER_NM = 1.852
EOBT_MS = parse_instant("2025-09-15T08:00Z")

Trace = Callable[..., tuple[World, pd.DataFrame]]


def flight(adep: str, ades: str, typecode: str = "B738", **more: Any) -> Flight:
    name = f"{adep}-{ades}"
    return Flight(name, "BRU1", "BRU", adep, ades, EOBT_MS, EOBT_MS, typecode, **more)


@pytest.fixture
def trace(lawless: Callable[..., Scenario], tmp_path: Path) -> Trace:
    """Fly, write, and read back with pandas."""

    def fly(*flights: Flight, rules: tuple[Rule, ...] = ()) -> tuple[World, pd.DataFrame]:
        scenario = replace(lawless(*rules), flights=flights, fleet=())
        world = simulate(scenario)
        write_results(tmp_path, Results({}, {}, trace_flights(scenario, world)))
        return world, pd.read_parquet(tmp_path / "trajectories.parquet")

    return fly


def only(world: World) -> FlightRecord:
    (record,) = world.records.values()
    return record


def steps(frame: pd.DataFrame) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Kilometres and hours between a point and the next."""
    lon, lat = frame["longitude"].to_numpy(), frame["latitude"].to_numpy()
    hours = frame["timestamp"].diff().dt.total_seconds().to_numpy()[1:] / 3600.0
    return geodesic_km(lon[:-1], lat[:-1], lon[1:], lat[1:]), hours


def test_a_flight_climbs_cruises_and_descends_from_end_to_end(
    trace: Trace, world: Scenario
) -> None:
    ran, frame = trace(flight("UMMS", "UGTB"))
    record = only(ran)
    assert list(frame.columns) == list(TRAJECTORY_COLUMNS)
    assert str(frame["timestamp"].dtype) == "datetime64[ms, UTC]"
    assert frame["timestamp"].is_monotonic_increasing
    assert set(frame["callsign"]) == {"BRU1"}
    assert (frame["icao24"] == "").all()
    for row, icao in ((frame.iloc[0], "UMMS"), (frame.iloc[-1], "UGTB")):
        spot = world.aerodromes[icao]
        assert geodesic_km(row.longitude, row.latitude, spot.lon, spot.lat) < 0.01
        assert row.altitude == 0.0
    # without taxiing
    assert record.off_block_ms is not None
    assert record.landing_ms is not None
    taxi_ms = round(DEFAULT_POLICY.taxi_out_min * 60_000)
    first, last = frame["timestamp"].iloc[[0, -1]].astype("int64")
    assert first == record.off_block_ms + taxi_ms
    assert last == pytest.approx(record.landing_ms, abs=2)
    aircraft = world.types["B738"]
    highest = frame["altitude"].max()
    assert highest == 100 * aircraft.cruise_fl
    top = frame["altitude"].to_numpy() == highest
    up, down = np.flatnonzero(top)[[0, -1]]
    assert top[up : down + 1].all()
    assert (frame["vertical_rate"].to_numpy()[: up - 1] > 0).all()
    assert (frame["vertical_rate"].to_numpy()[down + 2 :] < 0).all()
    assert frame["vertical_rate"].abs().max() < 6_000
    cruise = frame["groundspeed"].to_numpy()[up + 2 : down - 2]
    assert np.allclose(cruise, aircraft.cruise_tas_kt, atol=0.2)
    assert (frame["groundspeed"] <= aircraft.cruise_tas_kt + 0.2).all()


def test_length_speed_and_track_agree_with_the_positions(trace: Trace) -> None:
    ran, frame = trace(flight("UMMS", "UGTB"))
    km, hours = steps(frame)
    assert km.sum() == pytest.approx(only(ran).flown_km, rel=1e-3)
    knots = km / KM_PER_NM / hours
    said = frame["groundspeed"].to_numpy()
    assert np.allclose(knots[1:-1], (said[1:-2] + said[2:-1]) / 2.0, rtol=0.03)
    assert frame["track"].between(0.0, 360.0, inclusive="left").all()
    # Minsk - Tbilisi leads south-east all the way
    assert frame["track"].between(90.0, 190.0).all()


def test_a_change_of_plan_leaves_no_gap(trace: Trace) -> None:
    at = "2025-09-15T08:20Z"
    news = make_rule("NEWS", where=[{"territory": ["LT"]}], when={"from": at, "published": at})
    ran, frame = trace(flight("UMMS", "UMKK"), rules=(news,))
    assert only(ran).changes
    km, hours = steps(frame)
    assert (hours > 0.0).all()
    assert km.sum() == pytest.approx(only(ran).flown_km, rel=5e-3)
    assert (km / KM_PER_NM / hours).max() < 500.0


def test_a_fuel_stop_is_a_gap_at_the_aerodrome(trace: Trace, world: Scenario) -> None:
    ran, frame = trace(flight("UMMS", "VIDP", "E195"))
    (stop,) = only(ran).plan.route.stops  # type: ignore[union-attr]
    _, hours = steps(frame)
    assert sorted(hours)[-2:] == pytest.approx([1 / 60, (60 + 12.3 + 6.0) / 60], abs=0.01)
    landed = frame.iloc[int(hours.argmax())]
    assert geodesic_km(
        landed.longitude, landed.latitude, world.aerodromes[stop].lon, world.aerodromes[stop].lat
    ) < 0.01  # fmt: skip
    assert landed.altitude == 0.0


def test_nobody_flies_nothing_is_written_but_columns(trace: Trace) -> None:
    _, frame = trace(flight("UMMS", "UGTB", probe=True))
    assert (len(frame), list(frame.columns)) == (0, list(TRAJECTORY_COLUMNS))


def test_a_run_without_trajectories_leaves_none_of_an_older_one(
    lawless: Callable[..., Scenario], tmp_path: Path
) -> None:
    scenario = replace(lawless(), flights=(flight("UMMS", "UUEE"),), fleet=())
    file = tmp_path / "trajectories.parquet"
    write_results(tmp_path, run_study(scenario, trajectories=True))
    assert file.exists()
    first = file.read_bytes()
    write_results(tmp_path, run_study(scenario, trajectories=True))
    assert file.read_bytes() == first
    write_results(tmp_path, run_study(scenario))
    assert not file.exists()


READ = """
import json, sys
from traffic.core import Traffic

read = Traffic.from_file(sys.argv[1])
one = read["UMMS-UGTB"]
phases = sorted(set(one.phases().data["phase"]))
print(json.dumps([sorted(read.flight_ids), one.duration.total_seconds(), phases]))
"""


def test_the_traffic_library_reads_them(trace: Trace, tmp_path: Path) -> None:
    """In an environment of its own: traffic 2.13 does not run with pandas 3."""
    python = os.environ.get("AIRSIM_TRAFFIC_PYTHON")
    if python is None:
        if os.environ.get("AIRSIM_REQUIRE_TOOLS") == "1":
            pytest.fail("AIRSIM_TRAFFIC_PYTHON is to name a Python that has traffic")
        pytest.skip("AIRSIM_TRAFFIC_PYTHON names no Python that has traffic")
    trace(flight("UMMS", "UGTB"), flight("UMMS", "UUEE"))
    file = str(tmp_path / "trajectories.parquet")
    alone = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    run = subprocess.run(
        [python, "-c", READ, file], capture_output=True, text=True, env=alone, check=False
    )
    assert run.returncode == 0, run.stderr
    flights, seconds, phases = json.loads(run.stdout)
    assert flights == ["UMMS-UGTB", "UMMS-UUEE"]
    assert seconds > 2 * 3600
    assert {"CLIMB", "CRUISE", "DESCENT"} <= set(phases)
