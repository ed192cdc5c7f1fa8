"""Time runs: aircraft rotate, flights wait or are cancelled, law changes while they fly."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from airsim.base import InputError, format_instant, parse_instant
from airsim.law import Amendment, amend_rulebook
from airsim.operation import Flight, Tail
from airsim.results import Results, read_results, write_results
from airsim.scenario import Scenario, amend_scenario, load_scenario
from airsim.simulation import World, position_fleet, simulate, tabulate_world
from airsim.study import run

HEADER = "flight,adep,ades,days,std,sta,typecode,valid_from,valid_to,time_basis\n"
DAILY = "1234567,{std},{sta},E195,2025-09-01,2025-09-30,utc\n"

# Four legs of one aircraft: Minsk - Moscow - Minsk - Tbilisi - Minsk.
LEGS = [
    ("B2951", "UMMS", "UUEE", "05:00", "06:30"), ("B2952", "UUEE", "UMMS", "08:00", "09:30"),
    ("B2735", "UMMS", "UGTB", "11:00", "14:30"), ("B2736", "UGTB", "UMMS", "15:30", "19:00"),
]  # fmt: skip
# The same aircraft has five minutes for its turn at Moscow.
TIGHT = [
    ("B2951", "UMMS", "UUEE", "05:00", "06:30"), ("B2952", "UUEE", "UMMS", "06:35", "08:05"),
]  # fmt: skip
ONE_TAIL = "registration,typecode,seats\nEW-400PO,E195,107\n"

SCENARIO = """
schema = 1
title = "a small world"

[period]
start = "{start}"
end = "{end}"

[operation]
timetable = "timetable.csv"
fleet = "fleet.csv"

[rules]
rulebook = "law"
{more}
"""
# One rule that touches nobody: a rulebook may not be empty.
QUIET = """
[[rule]]
id = "QUIET"
title = "a rule far away"
authority = "BR"
regime = "test"
activities = ["overflight", "landing", "take-off"]
where = [{ territory = ["BR"] }]
confidence = "V"
reference = { instrument = "an act", url = "https://example.org" }
"""


def closure(name: str, state: str, start: str, published: str, more: str = "") -> str:
    """An amendment that adds a closure of a State's airspace."""
    return f"""
[[amendment]]
action = "add"
[amendment.rule]
id = "{name}"
title = "airspace closed at short notice"
authority = "{state}"
regime = "test"
activities = ["overflight", "landing", "take-off"]
where = [{{ territory = ["{state}"] }}]
when = {{ published = "{published}", from = "{start}" }}
confidence = "V"
reference = {{ instrument = "NOTAM", url = "https://example.org" }}
{more}
"""


# Flights go on whatever is published meanwhile, so that what they meet can be told.
GO_ON = '[options]\nin_flight = "continue"\n'

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a small world and return the path of its scenario."""

    def files(
        more: str = "", *, legs: list[tuple[str, ...]] = LEGS, fleet: str = ONE_TAIL,
        law: str = QUIET, start: str = "2025-09-15T00:00Z", end: str = "2025-09-16T00:00Z",
    ) -> Path:  # fmt: skip
        rows = [f"{n},{adep},{ades}," + DAILY.format(std=o, sta=i) for n, adep, ades, o, i in legs]
        (tmp_path / "timetable.csv").write_text(HEADER + "".join(rows))
        (tmp_path / "fleet.csv").write_text(fleet)
        (tmp_path / "law").mkdir(exist_ok=True)
        (tmp_path / "law" / "law.toml").write_text(law)
        path = tmp_path / "small.toml"
        path.write_text(SCENARIO.format(more=more, start=start, end=end))
        return path

    return files


def fly(path: Path) -> tuple[Scenario, World]:
    scenario = load_scenario(path)
    return scenario, simulate(scenario)


def events(world: World, flight_id: str) -> list[str]:
    return [event.event for event in world.log if event.flight_id == flight_id]


def events_of(results: Results) -> list[dict[str, Any]]:
    return list(results.rows("events"))


def event(world: World, name: str) -> list[tuple[str, str, str]]:
    """All events of a kind: time, flight, detail."""
    return [
        (format_instant(e.time_ms), e.flight_id, e.detail) for e in world.log if e.event == name
    ]


# ------------------------------------------------------------------------------------ rotation
def test_one_aircraft_flies_its_rotation(write: Write) -> None:
    scenario, world = fly(write())
    records = list(world.records.values())
    assert [r.status for r in records] == ["flown"] * 4
    assert {r.registration for r in records} == {"EW-400PO"}
    assert all(r.off_block_ms == r.flight.eobt_ms for r in records)
    for first, second in pairwise(records):
        assert first.landing_ms is not None
        assert second.off_block_ms is not None
        assert second.off_block_ms - first.landing_ms >= scenario.options.minimum_turn_ms


def test_the_log_runs_in_time_and_says_where_the_fleet_began(write: Write) -> None:
    _, world = fly(write())
    times = [entry.time_ms for entry in world.log]
    assert times == sorted(times)
    assert world.log[0].event == "positioned"
    assert world.log[0].detail == "EW-400PO E195 at UMMS"
    order = events(world, "BRU735-20250915")
    assert order[:2] == ["planned", "off-block"]
    assert order.index("take-off") < order.index("landing")
    crossings = world.records["BRU735-20250915"].plan.crossings
    assert order.count("airspace-entry") == len(crossings) > 2


def test_each_flight_is_planned_as_long_before_as_the_scenario_says(write: Write) -> None:
    _, world = fly(write("[options]\nplanning_lead_hours = 5\n"))
    assert event(world, "planned")[0][:2] == ("2025-09-15T00:00:00Z", "BRU951-20250915")


def test_a_flight_waits_for_its_aircraft_and_leaves_late(write: Write) -> None:
    scenario, world = fly(write(legs=TIGHT))
    out, back = world.records.values()
    assert back.status == "flown"
    assert out.on_block_ms is not None
    assert back.off_block_ms == out.on_block_ms + scenario.options.minimum_turn_ms
    assert back.off_block_ms > back.flight.eobt_ms
    late_ms = back.off_block_ms - back.flight.eobt_ms
    said = (format_instant(back.off_block_ms), "BRU952-20250915", f"{late_ms // 60_000} min late")
    assert said in event(world, "off-block")
    # What is met on the way is met late, too.
    assert {m.question.start_ms - p.question.start_ms
            for m, p in zip(back.met, back.plan.decisions, strict=True)} == {late_ms}  # fmt: skip
    assert event(world, "landing")[1][0] == format_instant(back.landing_ms or 0)


def test_a_longer_turn_makes_the_next_flight_later(write: Write) -> None:
    left = []
    for minutes in (45, 90):
        _, world = fly(write(f"[options]\nminimum_turn_min = {minutes}\n", legs=TIGHT))
        left.append(list(world.records.values())[1].off_block_ms)
    assert left[1] - left[0] == 45 * 60_000


def test_without_an_aircraft_a_flight_is_cancelled_after_six_hours(write: Write) -> None:
    two = [("B2951", "UMMS", "UUEE", "05:00", "06:30"), ("B2735", "UMMS", "UGTB", "06:00", "09:30")]
    _, world = fly(write(legs=two))
    first, second = world.records.values()
    assert (first.status, second.status, second.registration) == ("flown", "cancelled", "")
    assert event(world, "cancelled") == [
        ("2025-09-15T12:00:00Z", "BRU735-20250915", "no aircraft at UMMS")
    ]


def test_another_type_helps_out_after_two_hours(write: Write) -> None:
    two = [("B2951", "UMMS", "UUEE", "05:00", "06:30"), ("B2735", "UMMS", "UGTB", "06:00", "09:30")]
    fleet = ONE_TAIL + "EW-456PA,B738,189\n"
    _, world = fly(write(legs=two, fleet=fleet))
    late = list(world.records.values())[1]
    assert (late.status, late.registration) == ("flown", "EW-456PA")
    assert late.off_block_ms == late.flight.eobt_ms + 2 * 3_600_000
    assert event(world, "type-changed")[0][2] == "E195 to B738"
    assert late.plan.facts.typecode == "B738"


def test_aircraft_not_in_service_are_not_flown(write: Write) -> None:
    fleet = "registration,typecode,status\nEW-400PO,E195,stored\n"
    _, world = fly(write(fleet=fleet))
    assert {r.status for r in world.records.values()} == {"cancelled"}
    assert event(world, "positioned") == []


def test_without_a_fleet_every_feasible_flight_flies_on_time(write: Write) -> None:
    path = write()
    path.write_text(path.read_text().replace('fleet = "fleet.csv"\n', ""))
    _, world = fly(path)
    assert {(r.status, r.registration) for r in world.records.values()} == {("flown", "")}
    assert all(r.off_block_ms == r.flight.eobt_ms for r in world.records.values())


def tail(registration: str, typecode: str = "E195") -> Tail:
    return Tail(registration, typecode, None, "BY", "", None, "", "", "active")


def leg(name: str, adep: str, ades: str, out: int, in_: int, typecode: str = "E195") -> Flight:
    return Flight(name, name, "BRU", adep, ades, out, in_, typecode)


def test_the_fleet_begins_where_the_timetable_first_needs_it() -> None:
    flights = [
        leg("1", "UUEE", "UMMS", 10, 20), leg("2", "UMMS", "UGTB", 30, 40),
        leg("3", "UGTB", "UMMS", 50, 60), leg("4", "UMMS", "UUEE", 70, 80),
    ]  # fmt: skip
    placed = position_fleet([tail("A"), tail("B"), tail("C", "B738")], flights)
    # One spent the night in Moscow; the one from Tbilisi came in before, the other type stays.
    assert {a.tail.registration: a.at for a in placed} == {"A": "UMMS", "B": "UUEE", "C": "UMMS"}
    assert [a.tail.registration for a in placed] == ["A", "B", "C"]
    assert position_fleet([], flights) == []
    assert [a.at for a in position_fleet([tail("A")], [])] == [""]


# -------------------------------------------------------------------------------------- probes
PROBE = """
[[probe]]
operator = "BRU"
adep = "UMMS"
ades = "EDDF"
eobt = "2025-09-15T08:00Z"
typecode = "E195"
"""


def test_a_probe_is_judged_and_drawn_but_never_dispatched(write: Write) -> None:
    scenario, world = fly(write(PROBE))
    probe = next(r for r in world.records.values() if r.flight.probe)
    assert (probe.status, probe.registration, probe.off_block_ms) == ("probe", "", None)
    assert events(world, probe.flight.flight_id) == ["planned"]
    assert probe.plan.outcome == "direct"
    tables = Results(tabulate_world(scenario, world))
    assert {row["role"] for row in tables.rows("routes")
            if row["flight_id"] == probe.flight.flight_id} == {"direct", "planned"}  # fmt: skip
    # It took no aircraft: all others fly as they would without it.
    assert [r.status for r in world.records.values() if not r.flight.probe] == ["flown"] * 4


# --------------------------------------------------------------------------- law while airborne
def met(scenario: Scenario, world: World, flight_id: str, designator: str) -> list[tuple[str, str]]:
    rows = Results(tabulate_world(scenario, world)).rows("decisions")
    return [
        (row["outcome"], row["rules"])
        for row in rows
        if (row["flight_id"], row["phase"], row["designator"]) == (flight_id, "met", designator)
    ]


TBILISI = "BRU735-20250915"  # off block 11:00, planned 08:00, over Russia from about 11:30


def test_airspace_that_closes_in_flight_is_logged_and_judged_again(write: Write) -> None:
    surprise = closure("SURPRISE", "GE", "2025-09-15T12:00Z", "2025-09-15T12:00Z")
    scenario, world = fly(write(GO_ON + surprise))
    record = world.records[TBILISI]
    assert record.plan.outcome == "direct"
    assert record.status == "flown"
    (at, flight_id, detail), (_, _, last) = event(world, "closed-in-flight")
    assert flight_id == TBILISI
    assert at > "2025-09-15T12:00:00Z"
    assert "GE by SURPRISE, in force from 2025-09-15T12:00:00Z" in detail
    assert "landing UGTB by SURPRISE" in last
    assert "flown although forbidden" in detail
    assert met(scenario, world, TBILISI, "GE") == [("FORBIDDEN", "SURPRISE")]
    planned = [d for d in record.plan.decisions if "SURPRISE" in d.rules]
    assert planned == []
    # The way back is planned after the closure was published: there is none out of Georgia
    # but through Georgia.
    home = world.records["BRU736-20250915"]
    assert (home.status, home.plan.outcome) == ("cancelled", "infeasible")
    assert home.plan.blocking_rules == ("SURPRISE",)


def test_a_closure_published_before_planning_surprises_nobody(write: Write) -> None:
    known = closure("KNOWN", "RU", "2025-09-15T12:00Z", "2025-09-15T08:00Z")
    _, world = fly(write(known))
    record = world.records[TBILISI]
    assert record.plan.outcome != "direct"
    assert "KNOWN" in record.plan.blocking_rules
    assert event(world, "closed-in-flight") + event(world, "entered-closed") == []


def test_a_closure_published_before_departure_is_planned_round_or_cancels(write: Write) -> None:
    """Planned at 08:00, off block at 11:00; the closure was published in between."""
    legs = LEGS[2:3]
    around = closure("AROUND", "RU", "2025-09-15T10:00Z", "2025-09-15T08:00:01Z")
    _, world = fly(write(around, legs=legs))
    record = world.records[TBILISI]
    assert (record.status, record.plan.planned_ms) == ("flown", record.flight.eobt_ms)
    assert "RU" not in {stay.designator for stay in record.plan.crossings}
    assert [entry[0] for entry in event(world, "replanned")] == ["2025-09-15T11:00:00Z"]
    assert "AROUND" in event(world, "closed-before-departure")[0][2]

    shut = closure("SHUT", "GE", "2025-09-15T10:00Z", "2025-09-15T08:00:01Z")
    _, world = fly(write(shut, legs=[*legs, ("B2951", "UMMS", "UUEE", "12:00", "13:30")]))
    tbilisi, moscow = world.records.values()
    assert (tbilisi.status, tbilisi.off_block_ms) == ("cancelled", None)
    assert "SHUT" in tbilisi.plan.blocking_rules
    assert (moscow.status, moscow.registration) == ("flown", "EW-400PO")  # it stayed at Minsk


def test_a_closure_in_force_before_departure_that_nobody_was_told_of(write: Write) -> None:
    """In force from 10:00, published at 11:30: half an hour after off-block."""
    untold = closure("UNTOLD", "GE", "2025-09-15T10:00Z", "2025-09-15T11:30Z")
    scenario, world = fly(write(GO_ON + untold, legs=LEGS[2:3]))
    assert world.records[TBILISI].status == "flown"
    assert event(world, "closed-in-flight") == []
    assert "GE by UNTOLD" in event(world, "closed-before-departure")[0][2]
    assert met(scenario, world, TBILISI, "GE") == [("FORBIDDEN", "UNTOLD")]


def test_a_closure_after_the_flight_has_left_changes_nothing(write: Write) -> None:
    late = closure("LATE", "RU", "2025-09-15T20:00Z", "2025-09-15T20:00Z")
    _, world = fly(write(late))
    assert [r.status for r in world.records.values()] == ["flown"] * 4
    assert event(world, "closed-in-flight") == []


def test_an_aerodrome_that_closes_in_flight_is_met_at_landing(write: Write) -> None:
    shut = closure("BALLOONS", "GE", "2025-09-15T12:00Z", "2025-09-15T12:00Z").replace(
        'activities = ["overflight", "landing", "take-off"]\nwhere = [{ territory = ["GE"] }]',
        'activities = ["landing", "take-off"]\nwhere = [{ aerodrome = ["UGTB"] }]',
    )
    scenario, world = fly(write(GO_ON + shut))
    ((at, flight_id, detail),) = event(world, "closed-in-flight")
    assert (flight_id, detail.split(",")[0]) == (TBILISI, "landing UGTB by BALLOONS")
    assert at == format_instant(world.records[TBILISI].landing_ms or 0)
    assert met(scenario, world, TBILISI, "UGTB") == [("FORBIDDEN", "BALLOONS")]
    assert world.records["BRU736-20250915"].plan.blocking_rules == ("BALLOONS",)


def test_a_tail_that_may_not_fly_stays_where_it_is(write: Write) -> None:
    """The rule names the aircraft: nobody knows before it is assigned; it then flies elsewhere."""
    barred = closure("TAIL", "RU", "2025-01-01", "2025-01-01").replace(
        "where =", 'who = [{ registration = ["EW-400PO"] }]\nwhere ='
    )
    legs = [
        ("B2951", "UMMS", "UUEE", "05:00", "06:30"),
        ("B2735", "UMMS", "EPWA", "11:00", "12:30"),
    ]
    _, world = fly(write(barred, legs=legs))
    moscow, warsaw = world.records.values()
    assert (moscow.status, moscow.registration) == ("cancelled", "EW-400PO")
    assert moscow.plan.blocking_rules == ("TAIL",)
    assert (warsaw.status, warsaw.registration) == ("flown", "EW-400PO")


def test_a_tail_that_lacks_a_permit_does_not_fly(write: Write) -> None:
    lacking = closure("PERMIT", "GE", "2025-01-01", "2025-01-01").replace(
        'activities = ["overflight", "landing", "take-off"]\n',
        'activities = ["landing"]\neffect = "require-permit"\n'
        'permit = { authority = "GE", kind = "authority" }\n'
        'who = [{ registration = ["EW-400PO"] }]\n',
    )
    _, world = fly(write(lacking))
    record = world.records[TBILISI]
    assert (record.plan.outcome, record.status) == ("needs-permit", "cancelled")


def test_a_barred_flight_is_cancelled_when_it_is_planned(write: Write) -> None:
    barred = closure("BARRED", "GE", "2025-01-01", "2025-01-01").replace(
        '"overflight", "landing", "take-off"', '"landing"'
    )
    _, world = fly(write(barred))
    assert event(world, "cancelled")[0] == ("2025-09-15T08:00:00Z", TBILISI, "BARRED")
    assert world.records[TBILISI].registration == ""
    # Its aircraft never got to Tbilisi.
    assert event(world, "cancelled")[1][1:] == ("BRU736-20250915", "no aircraft at UGTB")


# -------------------------------------------------------------------------------------- tables
def test_tables_say_what_happened(write: Write, tmp_path: Path) -> None:
    surprise = closure("SURPRISE", "GE", "2025-09-15T12:00Z", "2025-09-15T12:00Z")
    results = run(write(GO_ON + surprise + PROBE))
    flights = {row["flight_id"]: row for row in results.rows("flights")}
    assert {row["status"] for row in flights.values()} == {"flown", "cancelled", "probe"}
    moscow = flights["BRU951-20250915"]
    assert moscow["planned_at_utc"] == "2025-09-15T02:00:00Z"
    assert moscow["atot_utc"] == "2025-09-15T05:12:18Z"
    assert (moscow["delay_min"], moscow["registration"]) == (0.0, "EW-400PO")
    home = flights["BRU736-20250915"]
    assert (home["atot_utc"], home["delay_min"], home["distance_km"]) == ("", None, None)
    assert home["blocking_rules"] == "SURPRISE"
    assert "SURPRISE" in {row["rule_id"] for row in results.rows("rules")}
    named = {row["designator"] for row in results.rows("crossings")}
    assert {"BY", "RU", "UMMV"} <= named <= {row["designator"] for row in results.rows("areas")}
    assert [row["seq"] for row in results.rows("events")] == list(
        range(len(results.tables["events"]["seq"]))
    )
    write_results(tmp_path / "out", results)
    assert read_results(tmp_path / "out").content_hash == results.content_hash


def test_the_summary_counts_timetabled_flights_only(write: Write) -> None:
    summary = run(write(PROBE)).summary
    assert summary["flights"] == {"direct": 4}
    assert (summary["scenario"], summary["start_utc"]) == ("small", "2025-09-15T00:00:00Z")
    assert any("Not legal advice" in line for line in summary["limits"])


# --------------------------------------------------------------------------------- determinism
BUSY = closure("SURPRISE", "GE", "2025-09-15T12:00Z", "2025-09-15T12:00Z") + PROBE
CROWD = [
    *LEGS,
    ("B2961", "UMMS", "ULLI", "05:00", "06:20"),
    ("B2962", "ULLI", "UMMS", "07:00", "08:20"),
]


def test_two_runs_are_equal_and_another_law_is_another_run(write: Write) -> None:
    path = write(BUSY, legs=CROWD)
    first, second = run(path), run(path)
    assert first.content_hash == second.content_hash
    assert first.tables == second.tables
    scenario = load_scenario(path)
    assert run(scenario).content_hash == first.content_hash
    assert run(amend_scenario(scenario, [Amendment("lift", "SURPRISE")])).content_hash != (
        first.content_hash
    )


def test_rows_of_the_timetable_may_stand_in_any_order(write: Write) -> None:
    first = run(write(BUSY, legs=CROWD))
    second = run(write(BUSY, legs=CROWD[::-1]))
    assert second.content_hash == first.content_hash


def test_the_number_of_threads_changes_nothing(write: Write) -> None:
    code = (
        f"from airsim.study import run; print(run({str(write(BUSY, legs=CROWD))!r}).content_hash)"
    )
    hashes = []
    for threads in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False,
            env={**os.environ, "NUMBA_NUM_THREADS": threads},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        hashes.append(done.stdout.strip())
    assert hashes[0] == hashes[1] != ""


# ----------------------------------------------------------------------------- scenario files
def problems_of(path: Path) -> dict[str, str]:
    with pytest.raises(InputError) as caught:
        load_scenario(path)
    assert all(problem.remedy for problem in caught.value.problems), caught.value
    return {problem.record: problem.problem for problem in caught.value.problems}


def test_everything_wrong_with_a_scenario_is_said_at_once(write: Write) -> None:
    path = write(
        """
held = ["NO-RULE"]

[options]
clearance_nm = -1
colour = "red"

[[probe]]
operator = "ZZZZ"
adep = "XXXX"
ades = "EDDF"
eobt = "tomorrow"
typecode = "B7X7"

[[probe]]
operator = "BRU"

[[compare]]
title = "t"
before = "2025-09-10T12:00"

[[amendment]]
action = "lift"
target = "NO-SUCH"

[surprise]
"""
    )
    found = problems_of(path)
    assert set(found) >= {
        "options.clearance_nm", "options.colour", "surprise", "probe 1 operator", "probe 1 adep",
        "probe 1 eobt", "probe 1 typecode", "probe 2 adep", "probe 2 eobt", "compare 1 before",
        "compare 1 after", "amendment lift NO-SUCH",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "record"),
    [
        ("schema = 1", "schema = 2", "schema"),
        ("2025-09-16T00:00Z", "2025-09-14T00:00Z", "period"),
        ("2025-09-16T00:00Z", "2025-09-16T00:00", "period.end"),
        ('"timetable.csv"', "3", "operation.timetable"),
        ('"fleet.csv"', '["fleet.csv"]', "operation.fleet"),
        ("[period]", "[perod]", "perod"),
        ('rulebook = "law"', "rulebook = 3", "rules.rulebook"),
        ('rulebook = "law"', 'rulebook = "law"\nheld = "NO-RULE"', "rules.held"),
        ("[rules]", 'options = 3\n[rules]', "operation.options"),
    ],
)  # fmt: skip
def test_a_fault_in_a_scenario_is_named_by_its_key(write: Write, old, new, record) -> None:
    path = write()
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    assert record in problems_of(path)


@pytest.mark.parametrize(
    "line",
    [
        "period = 3", 'operation = "x"', "rules = []", "options = [1]", 'probe = "x"',
        "probe = [3]", "probe = { operator = 3 }", "compare = 3", 'compare = ["x"]',
        'amendment = "x"', "amendment = [3]", "amendment = { action = 3 }", "sensitivity = 3",
        "zones = 3",
        'zones = { file = 3 }', "title = 3", 'sensitivity = { zones = "RU-SOUTH" }',
        "[[probe]]\noperator = 3\nadep = 4\nades = []\neobt = 5",
        "[[compare]]\ntitle = 3\nbefore = 3\nafter = []",
        '[[probe]]\noperator = "BRU"\nadep = "UMMS"\nades = "EDDF"\neobt = "2025-09-15T08:00Z"\n'
        'typecode = 3\nregistration = 4\nscheduled = "no"',
        "[options]\nseed = 1.5", "[options]\nclearance_nm = nan", "[options]\nseed = inf",
        '[options]\nobey_operator_policy = "yes"',
    ],
)  # fmt: skip
def test_values_of_the_wrong_kind_are_refused_in_words(tmp_path: Path, line: str) -> None:
    path = tmp_path / "odd.toml"
    period = '[period]\nstart = "2025-09-15"\nend = "2025-09-16"\n'
    key = line.split()[0]
    head = "schema = 1\n" + ("" if line.startswith("[") else line + "\n")
    tail_ = "" if key == "period" else period
    path.write_text(head + tail_ + (line if line.startswith("[") else ""))
    assert problems_of(path)


def test_names_in_a_scenarios_own_rules_must_exist(write: Write) -> None:
    law = QUIET.replace('territory = ["BR"]', 'fir = ["NOFI"], zone = ["NO-ZONE"]')
    found = problems_of(write(closure("NEW", "GE", "2025-01-01", "2025-01-01").replace(
        'territory = ["GE"]', 'aerodrome = ["XXXX"]'), law=law))  # fmt: skip
    assert found["NEW"] == "unknown aerodrome 'XXXX'"
    assert "unknown" in found["QUIET"]


def test_files_that_a_scenario_names_are_reported_with_their_own_faults(write: Write) -> None:
    path = write(fleet="registration,typecode\nEW-400PO,B7X7\n", law=QUIET.replace("BR", "ZZ"))
    (path.parent / "timetable.csv").unlink()
    with pytest.raises(InputError) as caught:
        load_scenario(path)
    files = {Path(problem.file).name for problem in caught.value.problems}
    assert files == {"fleet.csv", "law.toml", "timetable.csv"}


def test_shipped_scenarios_load_and_their_probes_are_questions(shipped: dict[str, Any]) -> None:
    for name, scenario in shipped.items():
        assert scenario.flights, name
        assert scenario.start_ms < scenario.end_ms
        keys = [(f.eobt_ms, f.flight_id) for f in scenario.flights]
        assert keys == sorted(keys)
        assert len({f.flight_id for f in scenario.flights}) == len(keys)
        for flight in scenario.flights:
            if not flight.probe:
                assert scenario.start_ms <= flight.eobt_ms < scenario.end_ms


def test_amending_a_scenario_leaves_the_first_as_it_was(shipped: dict[str, Any]) -> None:
    scenario = shipped["zapad-2025"]
    other = amend_scenario(scenario, [Amendment("lift", "EU-BY-01")])
    assert "EU-BY-01" in scenario.rulebook.by_id
    assert "EU-BY-01" not in other.rulebook.by_id
    assert other.bound.rulebook is other.rulebook
    assert other.amendments == (*scenario.amendments, Amendment("lift", "EU-BY-01"))
    assert other.rulebook.content_hash == (
        amend_rulebook(scenario.rulebook, other.amendments).content_hash
    )


def test_a_period_holds_its_first_instant_and_not_its_last(write: Write) -> None:
    path = write(start="2025-09-15T05:00Z", end="2025-09-16T05:00Z")
    flights = load_scenario(path).flights
    assert [f.eobt_ms for f in flights if f.callsign == "BRU951"] == [
        parse_instant("2025-09-15T05:00Z")
    ]
