"""Aircraft wear, are checked, break, and wait for parts as long as the law makes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from airsim.base import InputError, parse_instant
from airsim.operation import Channel, Flight, Tail, Upkeep, load_upkeep
from airsim.scenario import Scenario, load_scenario
from airsim.simulation import World, find_bars_on_part, open_stream, simulate

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
START_MS = parse_instant("2025-09-01T00:00Z")
CHECK = {
    "name": "A", "every_hours": 20.0, "takes_hours": 30.0, "source": "a test", "confidence": "V",
}  # fmt: skip
REMOVAL = {"per_1000_hours": 20.0, "source": "a test", "confidence": "assumed"}
CHANNEL = {
    "name": "parts", "share": 1.0, "item": "9A991", "regimes": ["EAR"], "open_days": 1.0,
    "barred_days": 9.0, "source": "a test", "confidence": "assumed",
}  # fmt: skip


def plan(**rows: Any) -> Upkeep:
    return Upkeep.model_validate({"schema": 1, "base": "UMMS", "bays": 1, **rows})


def tails(count: int) -> tuple[Tail, ...]:
    return tuple(
        Tail(f"EW-{n}PA", "B738", None, "BY", "BY", True, "", "", "active", operator="BRU")
        for n in range(count)
    )


def month(days: int = 30) -> tuple[Flight, ...]:
    """Four flights a day, Minsk - Moscow and back, twice."""
    found = []
    for day in range(days):
        for hour, (adep, ades) in zip(
            (5, 8, 12, 16), [("UMMS", "UUEE"), ("UUEE", "UMMS")] * 2, strict=True
        ):
            out = START_MS + day * DAY_MS + hour * HOUR_MS
            name = f"{day:02}-{hour:02}"
            found.append(Flight(name, name, "BRU", adep, ades, out, out + 5_400_000, "B738"))
    return tuple(found)


@pytest.fixture
def fly(lawless: Callable[..., Scenario]) -> Callable[..., World]:
    def simulate_month(
        upkeep: Upkeep | None, *, count: int = 2, days: int = 30, seed: int = 1, rules: Any = ()
    ) -> World:
        world = lawless(*rules)
        flights = month(days)
        return simulate(
            replace(
                world,
                flights=flights,
                fleet=tails(count),
                upkeep=upkeep,
                start_ms=START_MS,
                end_ms=START_MS + days * DAY_MS,
                options=replace(world.options, seed=seed),
            )
        )

    return simulate_month


Fly = Callable[..., World]


def test_an_aircraft_is_checked_after_so_many_hours_and_flies_on(fly: Fly) -> None:
    world = fly(plan(check=[CHECK]))
    checked = [g for a in world.fleet for g in a.groundings]
    hours = sum(a.block_ms for a in world.fleet) / HOUR_MS
    assert len(checked) == pytest.approx(hours / 20.0, abs=3)
    assert {g.cause for g in checked} == {"check"}
    assert all(g.end_ms - g.start_ms >= 30 * HOUR_MS for g in checked)
    begun = [e for e in world.log if e.event == "check-begins"]
    ended = [e for e in world.log if e.event == "check-ends"]
    assert len(begun) == len(ended) == len(checked)
    # one bay: no two checks at a time
    for first, second in pairwise(zip(begun, ended, strict=True)):
        assert first[1].time_ms <= second[0].time_ms


def test_calendar_checks_come_whatever_is_flown(fly: Fly) -> None:
    weekly = {**CHECK, "every_hours": None, "every_days": 7.0}
    del weekly["every_hours"]
    world = fly(plan(check=[weekly]))
    for aircraft in world.fleet:
        assert 3 <= len(aircraft.groundings) <= 5


def test_no_aircraft_flies_while_it_is_grounded_nor_is_in_two_places(fly: Fly) -> None:
    world = fly(plan(check=[CHECK], removal=[REMOVAL], channel=[CHANNEL]))
    for aircraft in world.fleet:
        flown = sorted(
            (r.off_block_ms, r.on_block_ms, r.flight.adep, r.flight.ades)
            for r in world.records.values()
            if r.registration == aircraft.tail.registration and r.landing_ms is not None
        )
        assert len(flown) == aircraft.flights
        assert sum(b - a for a, b, _, _ in flown) == aircraft.block_ms
        for first, second in pairwise(flown):
            assert first[1] <= second[0]
            assert first[3] == second[2]
        for g in aircraft.groundings:
            assert all(b <= g.start_ms or a >= g.end_ms for a, b, _, _ in flown)


def test_every_flight_ends_once(fly: Fly) -> None:
    world = fly(plan(check=[CHECK], removal=[REMOVAL], channel=[CHANNEL]), count=1)
    assert {r.status for r in world.records.values()} == {"flown", "cancelled"}
    ends = [e.flight_id for e in world.log if e.event in ("landing", "cancelled")]
    assert sorted(ends) == sorted(world.records)


def test_the_same_seed_gives_the_same_faults_and_another_seed_others(fly: Fly) -> None:
    rows = {"removal": [REMOVAL], "channel": [CHANNEL]}
    first, again, other = (
        [(a.tail.registration, a.groundings) for a in fly(plan(**rows), seed=seed).fleet]
        for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_a_stream_is_moved_by_no_other() -> None:
    faults = open_stream(7, "faults", "EW-1").random(5)
    open_stream(7, "wear", "EW-1").random(100)
    assert np.array_equal(faults, open_stream(7, "faults", "EW-1").random(5))
    for other in (("faults", "EW-2"), ("fault", "sEW-1")):
        assert not np.array_equal(faults, open_stream(7, *other).random(5))
    assert not np.array_equal(faults, open_stream(8, "faults", "EW-1").random(5))


PARTS = Channel.model_validate(CHANNEL)
LISTED = Tail("EW-455PA", "B738", None, "BY", "BY", True, "", "", "active", operator="BRU")


@pytest.mark.parametrize(
    ("day", "barred"),
    [("2025-06-01", True), ("2025-09-10", True), ("2025-09-15", False), ("2025-11-10", False)],
)
def test_delivery_of_united_states_parts_turns_with_the_letter_of_september_2025(
    world: Scenario, day: str, barred: bool
) -> None:
    at_ms = parse_instant(day)
    rules = find_bars_on_part(world, LISTED, PARTS, at_ms, "UMMS")
    assert bool(rules) is barred
    european = PARTS.model_copy(update={"regimes": ("EU 765/2006",)})
    assert find_bars_on_part(world, LISTED, european, at_ms, "UMMS") != ()


def test_a_barred_part_comes_later(fly: Fly) -> None:
    from oracle import make_rule

    ban = make_rule(
        "BAN", addresses="persons", person_bound="sellers", regime="EAR", activities=["parts"],
        where=[{"anywhere": True}],
    )  # fmt: skip
    rows = {"removal": [REMOVAL], "channel": [CHANNEL]}
    for rules, days, named in (((), 1, ()), ((ban,), 9, ("BAN",))):
        mended = [g for a in fly(plan(**rows), rules=rules).fleet for g in a.groundings]
        assert len(mended) >= 1
        assert {(g.end_ms - g.start_ms, g.rules) for g in mended} == {(days * DAY_MS, named)}


def test_the_shipped_file_reads_and_every_row_has_its_paper() -> None:
    (upkeep,) = {load_scenario("belavia-2025-h2").upkeep}
    assert upkeep is not None
    for row in (*upkeep.check, *upkeep.removal, *upkeep.channel):
        assert row.source
        assert row.confidence in ("V", "K", "U", "assumed")
    assert {row.confidence for row in upkeep.channel} == {"assumed"}


def test_all_faults_of_a_file_are_said_at_once(tmp_path: Path) -> None:
    path = tmp_path / "upkeep.toml"
    path.write_text(
        'schema = 1\nbase = "UMMS"\nbays = 0\n[[check]]\nname = "A"\ntakes_hours = 1.0\n'
        'source = "x"\nconfidence = "sure"\n[[channel]]\nname = "c"\nshare = 2.0\n'
        'item = ""\nopen_days = 1\nbarred_days = 1\nsource = "x"\nconfidence = "V"\n'
    )
    with pytest.raises(InputError) as caught:
        load_upkeep(path)
    assert {p.record for p in caught.value.problems} >= {
        "bays",
        "check 1 confidence",
        "channel 1 share",
    }
    path.write_text(
        'schema = 1\nbase = "UMMS"\nbays = 1\n[[removal]]\nper_1000_hours = 1\nsource = "x"\n'
        'confidence = "V"\n'
    )
    with pytest.raises(InputError, match="add up to 0"):
        load_upkeep(path)


# ---------------------------------------------------------------------------------------- the chart
def bars(figure: Any, y: float) -> list[tuple[float, float, str]]:
    """Bars in one row of a chart: from, to, hatch."""
    found = []
    for collection in figure.axes[0].collections:
        for path in collection.get_paths():
            box = path.get_extents()
            if box.y0 < y < box.y1:
                found.append((box.x0, box.x1, collection.get_hatch() or ""))
    return found


def test_the_chart_shows_flights_and_why_aircraft_stood(lawless: Callable[..., Scenario]) -> None:
    from airsim.report.gantt import draw_gantt
    from airsim.study import run

    upkeep = plan(check=[CHECK], removal=[REMOVAL], channel=[CHANNEL])
    world = replace(
        lawless(), flights=month(10), fleet=tails(2), upkeep=upkeep, start_ms=START_MS,
        end_ms=START_MS + 10 * DAY_MS,
    )  # fmt: skip
    results = run(world, sensitivity=False)
    figure = draw_gantt(results)
    assert figure is not None
    labels = [text.get_text().split()[0] for text in figure.axes[0].get_yticklabels()]
    assert labels == ["EW-0PA", "EW-1PA"]
    for row, mark in enumerate(labels):
        stood = [g for g in results.rows("groundings") if g["registration"] == mark]
        flown = [f for f in results.rows("flights") if f["registration"] == mark and f["aldt_utc"]]
        drawn = bars(figure, row)
        assert len(drawn) == len(stood) + len(flown)
        first = min(parse_instant(f["atot_utc"]) for f in flown) / DAY_MS
        assert min(start for start, _, _ in drawn) == pytest.approx(first, abs=1e-6)
    (legend,) = figure.legends
    kinds = {"check": "in a check", "parts": "waiting for a part"}
    causes = sorted({g["cause"] for g in results.rows("groundings")})
    shown = [text.get_text() for text in legend.get_texts()]
    assert shown == ["flying", *(kinds[cause] for cause in causes)]
    (finding,) = [f for f in results.summary["findings"] if f["id"] == "availability"]
    (share,) = [row["available_percent"] for row in finding["rows"]]
    lost = sum(row["check_min"] + row["parts_min"] for row in results.rows("tails"))
    assert share == pytest.approx(100.0 - 100.0 * lost / (2 * 10 * 1440), abs=0.06)


def test_no_fleet_no_chart(lawless: Callable[..., Scenario]) -> None:
    from airsim.report.gantt import draw_gantt
    from airsim.study import run

    results = run(replace(lawless(), flights=month(1), fleet=(), end_ms=1), sensitivity=False)
    assert draw_gantt(results) is None
