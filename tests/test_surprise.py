"""Closures that nobody planned for, dated and drawn: what flights do, and what moves what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airsim.base import InputError, parse_instant
from airsim.law import CLOSURES, Rule, make_closure_rule
from airsim.operation import Flight
from airsim.results import Results
from airsim.scenario import ClosureProcess, Options, Scenario, load_scenario
from airsim.simulation import World, draw_closures, simulate, tabulate_world
from airsim.study import run

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
START_MS = parse_instant("2025-10-01")
BALLOONS = ClosureProcess(
    "BALLOONS", (("aerodrome", ("EYVI",)),), 0.5, ("17:00-01:00",), "uniform", (1.0, 4.0), 0.0,
    START_MS, START_MS + 60 * DAY_MS, "assumed", "assumed",
)  # fmt: skip
DRONES = replace(BALLOONS, name="DRONES", where=(("fir", ("EVRR",)),), begins=(), per_day=2.0)


def spans(scenario: Scenario, name: str) -> list[tuple[int, int]]:
    rules = [r for r in scenario.rulebook.rules if r.id.startswith(f"{name}-")]
    assert all((r.regime, r.confidence) == (CLOSURES, "synthetic") for r in rules)
    return [(r.when.start[0], r.when.end[0]) for r in rules]


@pytest.fixture(scope="session")
def draw(lawless: Callable[..., Scenario]) -> Callable[..., Scenario]:
    def drawn(*processes: ClosureProcess, seed: int = 1) -> Scenario:
        world = lawless()
        return draw_closures(replace(world, surprises=processes, options=Options(seed=seed)))

    return drawn


Draw = Callable[..., Scenario]


# --------------------------------------------------------------------------------------- draws
def test_closures_begin_in_their_hours_and_last_as_long_as_they_may(draw: Draw) -> None:
    found = spans(draw(BALLOONS), "BALLOONS")
    assert 15 <= len(found) <= 45  # thirty are expected in sixty days
    for start_ms, end_ms in found:
        assert START_MS <= start_ms < START_MS + 60 * DAY_MS
        hour = start_ms % DAY_MS / HOUR_MS
        assert hour >= 17.0 or hour < 1.0
        assert HOUR_MS <= end_ms - start_ms <= 4 * HOUR_MS
    starts = [start for start, _ in found]
    assert starts == sorted(starts)


def test_the_same_seed_draws_the_same_and_another_seed_others(draw: Draw) -> None:
    assert spans(draw(BALLOONS), "BALLOONS") == spans(draw(BALLOONS), "BALLOONS")
    assert spans(draw(BALLOONS, seed=2), "BALLOONS") != spans(draw(BALLOONS), "BALLOONS")


@settings(max_examples=10, deadline=None)
@given(
    st.floats(0.1, 5.0), st.sampled_from([(), ("02:00-03:00",), ("22:00-02:00",)]),
    st.sampled_from([("fixed", (1.0,)), ("uniform", (1.0, 9.0)), ("exponential", (2.0,))]),
)  # fmt: skip
def test_a_change_of_one_process_moves_no_draw_of_another(
    draw: Draw, per_day: float, begins: tuple[str, ...], lengths: tuple[Any, tuple[float, ...]]
) -> None:
    alone = spans(draw(BALLOONS), "BALLOONS")
    kind, hours = lengths
    other = replace(DRONES, per_day=per_day, begins=begins, duration=kind, hours=hours)
    for order in ((BALLOONS, other), (other, BALLOONS)):
        assert spans(draw(*order), "BALLOONS") == alone


def test_longer_closures_begin_when_the_shorter_ones_did(draw: Draw) -> None:
    short = spans(draw(BALLOONS), "BALLOONS")
    long = spans(draw(replace(BALLOONS, duration="fixed", hours=(9.0,))), "BALLOONS")
    assert [start for start, _ in short] == [start for start, _ in long]
    assert {end - start for start, end in long} == {9 * HOUR_MS}


def test_drawing_twice_draws_once(draw: Draw) -> None:
    world = draw(BALLOONS)
    assert world.surprises == ()
    assert draw_closures(world) is not None
    assert len(draw_closures(world).rulebook.rules) == len(world.rulebook.rules)


# ----------------------------------------------------------------------------------- the flights
def closed(start: str, end: str, published: str = "", icao: str = "EYVI") -> Rule:
    day = "2025-10-30T{}Z"
    when = {"from": day.format(start), "to": day.format(end)}
    return make_closure_rule(
        "VNO", "Vilnius shut", {"aerodrome": [icao]}, confidence="V", source="lb.ua",
        when=when | ({"published": day.format(published)} if published else {}),
    )  # fmt: skip


def to_vilnius(clock: str, adep: str = "EPWA", ades: str = "EYVI") -> Flight:
    eobt_ms = parse_instant(f"2025-10-30T{clock}Z")
    return Flight(f"F{clock}", "LOT1", "LOT", adep, ades, eobt_ms, eobt_ms + HOUR_MS, "E195")


@pytest.fixture
def let(lawless: Callable[..., Scenario]) -> Callable[..., World]:
    def fly(*flights: Flight, rules: tuple[Rule, ...]) -> World:
        period = {"start_ms": START_MS, "end_ms": START_MS + 40 * DAY_MS}
        return simulate(replace(lawless(*rules), flights=flights, fleet=(), **period))

    return fly


Let = Callable[..., World]


def events(world: World) -> list[str]:
    return [e.event for e in world.log if e.event not in ("planned", "airspace-entry")]


def test_in_the_air_it_turns_away_and_on_the_ground_it_waits_until_vilnius_opens(let: Let) -> None:
    """Shut from 18:10Z to 21:10Z on 30 October 2025; nobody knew beforehand."""
    flights = to_vilnius("17:35"), to_vilnius("18:30")
    world = let(*flights, rules=(closed("18:10", "21:10"),))
    aloft, waits = world.records.values()
    assert aloft.status in ("returned", "diverted")
    assert aloft.landed_at not in ("", "EYVI")
    assert waits.status == "flown"
    assert waits.landing_ms is not None
    opens = parse_instant("2025-10-30T21:10Z")
    assert opens <= waits.landing_ms < opens + 2 * 60_000
    assert [d.cause for d in waits.delays] == ["closed"]
    assert waits.delays[0].rules == ("VNO",)
    found = events(world)
    order = ["closure-begins", "closed-in-flight", "closed-before-departure", "held"]
    assert [e for e in found if e in order] == order
    assert found.count("closure-ends") == 1


def test_before_and_after_a_closure_nothing_happens(let: Let) -> None:
    world = let(to_vilnius("15:00"), to_vilnius("21:30"), rules=(closed("18:10", "21:10"),))
    assert [r.status for r in world.records.values()] == ["flown", "flown"]
    assert not {"held", "closed-in-flight", "replanned"} & set(events(world))
    assert all(r.off_block_ms == r.flight.eobt_ms for r in world.records.values())


def test_what_is_announced_the_day_before_surprises_nobody(let: Let) -> None:
    told = closed("18:10", "21:10", published="06:00")
    world = let(to_vilnius("17:35"), rules=(told,))
    (record,) = world.records.values()
    assert record.status == "flown"
    assert record.delays[0].rules == ("VNO",)
    assert "closed-in-flight" not in events(world)
    assert events(world)[:2] == ["held", "closure-begins"]


def test_a_closure_longer_than_the_wait_cancels(let: Let) -> None:
    world = let(to_vilnius("18:30"), rules=(closed("18:10", "23:59"),))
    assert [r.status for r in world.records.values()] == ["flown"]
    far = make_closure_rule(
        "VNO", "shut", {"aerodrome": ["EYVI"]}, confidence="V", source="x",
        when={"from": "2025-10-30T18:10Z", "to": "2025-10-31T18:10Z"},
    )  # fmt: skip
    world = let(to_vilnius("18:30"), rules=(far,))
    assert [r.status for r in world.records.values()] == ["cancelled"]


def test_airspace_that_closes_by_chance_is_flown_round(draw: Draw) -> None:
    """Riga region shut all the time by a process: flights through it go another way."""
    always = replace(
        DRONES, per_day=24.0, duration="fixed", hours=(6.0,), end_ms=START_MS + 2 * DAY_MS
    )
    world = replace(
        draw(always), start_ms=START_MS, end_ms=START_MS + 2 * DAY_MS,
        flights=(replace(to_vilnius("08:00", "EFHK"), eobt_ms=START_MS + 36 * HOUR_MS),),
    )  # fmt: skip
    (record,) = simulate(world).records.values()
    assert record.status == "flown"
    assert "EVRR" not in {s.designator for s in record.plan.crossings}
    free = simulate(replace(world, rulebook=draw().rulebook, bound=draw().bound))
    (record,) = free.records.values()
    assert "EVRR" in {s.designator for s in record.plan.crossings}


# ------------------------------------------------------------------------------- scenario files
HEAD = 'schema = 1\n[period]\nstart = "2025-10-01"\nend = "2025-11-01"\n'
PAPER = 'source = "assumed"\nconfidence = "assumed"\n'
PROCESS = (
    '[[surprise]]\nname = "BALLOONS"\naerodrome = ["VNO"]\nper_day = 0.3\n'
    'begins = ["17:00-01:00"]\nduration = { kind = "exponential", hours = 2 }\n' + PAPER
)
DATED = (
    '[[surprise]]\nname = "VNO-1"\naerodrome = ["EYVI"]\nfrom = "2025-10-30T18:10Z"\n'
    'to = "2025-10-30T21:10Z"\n' + PAPER
)


def read(tmp_path: Path, text: str) -> Scenario:
    (tmp_path / "mine.toml").write_text(HEAD + text)
    return load_scenario(tmp_path / "mine.toml")


def test_a_scenario_names_its_closures_and_a_run_lists_them(tmp_path: Path) -> None:
    scenario = read(tmp_path, PROCESS + DATED)
    assert scenario.rulebook.by_id["VNO-1"].when.published_ms == parse_instant("2025-10-30T18:10Z")
    (process,) = scenario.surprises
    assert (process.where, process.hours) == ((("aerodrome", ("EYVI",)),), (2.0,))
    assert (process.start_ms, process.end_ms) == (scenario.start_ms, scenario.end_ms)
    results = run(scenario)
    log = [row for row in results.rows("events") if row["event"] == "closure-begins"]
    assert "VNO-1: EYVI, until 2025-10-30T21:10:00Z [assumed]" in {row["detail"] for row in log}
    drawn = [row for row in log if row["detail"].startswith("BALLOONS-")]
    assert drawn
    assert all("[synthetic]" in row["detail"] for row in drawn)
    said = "\n".join(results.summary["assumptions"])
    assert "Closures BALLOONS, drawn at random: 0.3 a day, exponential 2 h" in said
    assert "closure VNO-1 (VNO-1): assumed" in said
    assert "BALLOONS-001" not in said
    again = run(scenario)
    assert again.content_hash == results.content_hash
    assert set(Results(tabulate_world(scenario, simulate(scenario))).tables) == set(results.tables)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('aerodrome = ["VNO"]\n', "", "names no place"),
        ("per_day = 0.3\n", "", "neither dates nor a rate"),
        ('duration = { kind = "exponential", hours = 2 }\n', "", "no duration"),
        ("hours = 2 }", "least_hours = 2 }", "takes hours and nothing else"),
        ('"exponential", hours = 2', '"uniform", least_hours = 3, most_hours = 2', "below"),
        ("17:00-01:00", "dusk", "no span of the day"),
        ('aerodrome = ["VNO"]', 'territory = ["XQ"]', "no ISO 3166-1"),
        ('aerodrome = ["VNO"]', 'fir = ["XXXX"]', "unknown"),
        ("BALLOONS", "balloons", "String should match"),
        ("per_day = 0.3\n", 'per_day = 0.3\npublished = "2025-10-01"\n', "published at one time"),
        ("per_day = 0.3\n", "per_day = 0\n", "too small"),
    ],
)
def test_a_slip_in_a_closure_is_named(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert old in PROCESS
    with pytest.raises(InputError) as caught:
        read(tmp_path, PROCESS.replace(old, new))
    ((found),) = caught.value.problems
    assert problem in found.problem
    assert found.remedy


def test_two_closures_of_one_name_are_refused(tmp_path: Path) -> None:
    for text in (PROCESS + PROCESS, DATED + DATED):
        with pytest.raises(InputError):
            read(tmp_path, text)
