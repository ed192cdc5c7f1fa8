"""Hours and movements of aerodromes: flights wait for an opening or a place, or stay."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import make_rule

from airsim.base import InputError, format_instant, parse_instant
from airsim.law import Rule, invert_hours, make_hours_rule, make_limit_rule
from airsim.operation import Flight, Tail
from airsim.results import Results
from airsim.scenario import Options, Scenario, load_scenario
from airsim.simulation import World, simulate, tabulate_world

DAY = "2025-09-15T{}Z"
HOUR_MS = 3_600_000
PAPER: dict[str, Any] = {"confidence": "assumed", "source": "assumed", "when": {}}


def at(clock: str, day: str = "2025-09-15") -> int:
    return parse_instant(f"{day}T{clock}Z")


def leg(adep: str, ades: str, clock: str, *, name: str = "") -> Flight:
    eobt_ms = at(clock)
    return Flight(
        name or f"{adep}-{ades}-{clock}", "BRU1", "BRU", adep, ades, eobt_ms, eobt_ms + 5_400_000,
        "E195",
    )  # fmt: skip


def open_at(icao: str, *spans: str) -> Rule:
    return make_hours_rule(f"HOURS-{icao}", icao, spans, **PAPER)


def at_most(icao: str, most: int) -> Rule:
    return make_limit_rule(f"SLOTS-{icao}", icao, most, **PAPER)


@pytest.fixture(scope="session")
def let(lawless: Callable[..., Scenario]) -> Callable[..., World]:
    """Let flights fly under some rules and no others."""

    def fly(
        *flights: Flight, rules: tuple[Rule, ...] = (), fleet: tuple[Tail, ...] = (),
        **options: Any,
    ) -> World:  # fmt: skip
        listed = tuple(sorted(flights, key=lambda f: (f.eobt_ms, f.flight_id)))
        return simulate(
            replace(lawless(*rules), flights=listed, fleet=fleet, options=Options(**options))
        )

    return fly


Let = Callable[..., World]


def said(world: World, name: str) -> list[str]:
    return [e.detail for e in world.log if e.event == name]


def check_delays(world: World) -> None:
    """Every late minute has its cause, and causes follow one another."""
    for record in world.records.values():
        if record.off_block_ms is None:
            continue
        late_ms = record.off_block_ms - record.flight.eobt_ms
        assert sum(d.end_ms - d.start_ms for d in record.delays) == late_ms
        edges = [record.flight.eobt_ms, *(d.end_ms for d in record.delays)]
        assert [d.start_ms for d in record.delays] == edges[:-1]


# --------------------------------------------------------------------------------------- hours
@pytest.mark.parametrize(
    ("spans", "closed"),
    [
        (["06:00-16:00"], ("16:00-06:00",)),
        (["22:00-02:00"], ("02:00-22:00",)),
        (["06:00-12:00", "11:00-16:00", "18:00-20:00"], ("16:00-18:00", "20:00-06:00")),
        (["00:00-24:00"], ()),
        (["00:00-12:00", "12:00-24:00"], ()),
        (["00:00-23:00"], ("23:00-00:00",)),
    ],
)
def test_an_aerodrome_is_closed_outside_its_hours(
    spans: list[str], closed: tuple[str, ...]
) -> None:
    assert invert_hours(spans) == closed


@given(st.lists(st.tuples(st.integers(0, 1439), st.integers(0, 1439)), min_size=1, max_size=4))
def test_a_minute_is_open_or_closed_and_never_both(sides: list[tuple[int, int]]) -> None:
    def clock(minute: int) -> str:
        return f"{minute // 60:02}:{minute % 60:02}"

    def minutes(spans: list[tuple[int, int]]) -> set[int]:
        return {m % 1440 for a, b in spans for m in range(a, b + 1440 * (b <= a))}

    spans = [(a, b) for a, b in sides if a != b]
    if not spans:
        return
    closed = invert_hours([f"{clock(a)}-{clock(b)}" for a, b in spans])
    if closed == ("00:00-24:00",):
        pytest.fail("some span is open")
    found = [tuple(int(t[:2]) * 60 + int(t[3:]) for t in text.split("-")) for text in closed]
    assert minutes([(a, b) for a, b in found]) == set(range(1440)) - minutes(spans)


def test_a_flight_that_would_land_before_opening_arrives_when_it_opens(let: Let) -> None:
    free = let(leg("UMMS", "UUEE", "05:00"))
    held = let(leg("UMMS", "UUEE", "05:00"), rules=(open_at("UUEE", "08:00-20:00"),))
    (early,), (late,) = free.records.values(), held.records.values()
    assert early.landing_ms is not None
    assert late.landing_ms is not None
    assert early.landing_ms < at("08:00") <= late.landing_ms < at("08:02")
    assert late.status == "flown"
    (detail,) = said(held, "held")
    assert "HOURS-UUEE" in detail
    ((delay),) = late.delays
    assert (delay.cause, delay.rules) == ("closed", ("HOURS-UUEE",))
    check_delays(held)


def test_a_flight_that_lands_within_the_hours_is_not_held(let: Let) -> None:
    world = let(leg("UMMS", "UUEE", "08:00"), rules=(open_at("UUEE", "08:00-20:00"),))
    assert said(world, "held") == []
    (record,) = world.records.values()
    assert record.off_block_ms == record.flight.eobt_ms
    assert record.delays == []


def test_a_flight_may_not_leave_an_aerodrome_that_sleeps(let: Let) -> None:
    world = let(leg("UMMS", "UUEE", "05:00"), rules=(open_at("UMMS", "07:30-20:00"),))
    (record,) = world.records.values()
    assert record.off_block_ms == at("07:30")
    check_delays(world)


def test_who_would_wait_too_long_is_cancelled(let: Let) -> None:
    evening = leg("UMMS", "UUEE", "19:30")
    hours = open_at("UUEE", "06:00-20:00")
    world = let(evening, rules=(hours,))
    (record,) = world.records.values()
    assert record.status == "cancelled"
    assert said(world, "cancelled") == ["HOURS-UUEE"]
    patient = let(evening, rules=(hours,), longest_hold_ms=12 * HOUR_MS)
    (record,) = patient.records.values()
    assert record.status == "flown"
    assert record.landing_ms is not None
    assert at("06:00", "2025-09-16") <= record.landing_ms < at("06:02", "2025-09-16")


def test_a_late_aircraft_runs_into_the_curfew(let: Let) -> None:
    """The second leg could just make it, on time; forty minutes late it cannot."""
    fleet = (Tail("EW-400PO", "E195", 107, "BY", "BY", None, "", "", "active"),)
    legs = leg("UMMS", "UUEE", "05:00"), leg("UUEE", "UMMS", "06:30")
    free = let(*legs, fleet=fleet)
    home = list(free.records.values())[1]
    assert home.landing_ms is not None
    until = format_instant(home.landing_ms - 60_000)[11:16]
    shut = let(*legs, fleet=fleet, rules=(open_at("UMMS", f"04:00-{until}"),))
    home = list(shut.records.values())[1]
    assert (home.status, home.plan.feasible) == ("cancelled", False)
    assert home.plan.blocking_rules == ("HOURS-UMMS",)
    longer = format_instant(parse_instant(DAY.format(until)) + 120_000)[11:16]
    open_ = let(*legs, fleet=fleet, rules=(open_at("UMMS", f"04:00-{longer}"),))
    assert list(open_.records.values())[1].status == "flown"
    check_delays(open_)


# --------------------------------------------------------------------------------------- slots
def movements(world: World, icao: str) -> Counter[int]:
    """Landings and take-offs at an aerodrome by hour, as the log has them (take-off: off-block)."""
    found: Counter[int] = Counter()
    for record in world.records.values():
        if record.off_block_ms is None or record.landing_ms is None:
            continue
        if record.flight.adep == icao:
            found[record.off_block_ms // HOUR_MS] += 1
        if record.flight.ades == icao:
            found[record.landing_ms // HOUR_MS] += 1
    return found


def test_the_sixth_movement_of_an_hour_waits_for_the_next(let: Let) -> None:
    five = [leg("UMMS", "UUEE", f"05:{m:02}") for m in (0, 2, 4, 6, 8)]
    world = let(*five, rules=(at_most("UMMS", 5),))
    assert said(world, "held") == []
    world = let(*five, leg("UMMS", "UUEE", "05:10"), rules=(at_most("UMMS", 5),))
    assert movements(world, "UMMS") == Counter(
        {at("05:00") // HOUR_MS: 5, at("06:00") // HOUR_MS: 1}
    )
    (detail,) = said(world, "held")
    assert "full: take-off UMMS 2025-09-15T05:10:00Z by SLOTS-UMMS" in detail
    last = world.records["UMMS-UUEE-05:10"]
    assert (last.off_block_ms, last.delays[0].cause) == (at("06:00"), "slot")
    check_delays(world)


def test_who_finds_no_place_is_cancelled(let: Let) -> None:
    many = [leg("UMMS", "UUEE", f"05:{m:02}") for m in range(5)]
    world = let(*many, rules=(at_most("UMMS", 1),), longest_hold_ms=2 * HOUR_MS)
    status = [r.status for r in world.records.values()]
    assert status == ["flown", "flown", "flown", "cancelled", "cancelled"]
    assert all("no place" in text for text in said(world, "cancelled"))


def test_a_flight_that_lands_elsewhere_leaves_its_place_to_another(let: Let) -> None:
    """Two want the one place of an hour at Moscow; the first is turned away in the air."""
    first = leg("UMMS", "UUEE", "05:00", name="A")
    second = leg("ULLI", "UUEE", "05:45", name="B")
    rules = (at_most("UUEE", 1),)
    full = let(first, second, rules=rules)
    assert full.records["B"].delays[0].cause == "slot"
    shut = make_rule(
        "A-ONLY", activities=["landing"], who=[{"licensed_in": ["BY"]}],
        where=[{"aerodrome": ["UUEE"]}],
        when={"from": DAY.format("05:30"), "published": DAY.format("05:30")},
    )  # fmt: skip
    russian = replace(second, operator="AFL")
    freed = let(first, russian, rules=(*rules, shut))
    assert freed.records["A"].status in ("returned", "diverted")
    assert freed.records["B"].delays == []
    assert freed.records["B"].status == "flown"


@settings(max_examples=8, deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 119)), min_size=1, max_size=9),
    st.integers(1, 3),
)
def test_no_hour_takes_more_than_its_movements(
    let: Let, drawn: list[tuple[bool, int]], most: int
) -> None:
    legs = [
        leg(*(("UMMS", "UUEE") if out else ("UUEE", "UMMS")), f"{5 + m // 60:02}:{m % 60:02}",
            name=f"F{number}")
        for number, (out, m) in enumerate(drawn)
    ]  # fmt: skip
    rules = (at_most("UMMS", most), at_most("UUEE", most), open_at("UUEE", "06:30-20:00"))
    world = let(*legs, rules=rules)
    for icao in ("UMMS", "UUEE"):
        assert max(movements(world, icao).values(), default=0) <= most
    check_delays(world)
    ends = [e.flight_id for e in world.log if e.event in ("landing", "cancelled")]
    assert sorted(ends) == sorted(world.records)
    assert [repr(e) for e in let(*legs[::-1], rules=rules).log] == [repr(e) for e in world.log]


def test_krasnodar_keeps_the_hours_and_the_flow_of_its_reopening(world: Scenario) -> None:
    """Open from 11 September 2025, 06:00Z to 16:00Z, for at most five movements an hour."""
    from_moscow = [
        replace(leg("UUEE", "URKK", clock, name=f"AFL{n}"), operator="AFL", typecode="A321")
        for n, clock in enumerate(["02:00", "07:30", "07:32", "07:34", "07:36", "07:38", "07:40"])
    ]
    late = replace(leg("UUEE", "URKK", "14:30", name="LATE"), operator="AFL", typecode="A321")
    ran = simulate(replace(world, flights=(*from_moscow, late), fleet=()))
    first = ran.records["AFL0"]
    assert first.landing_ms is not None
    assert at("06:00") <= first.landing_ms < at("06:02")
    assert first.delays[0].rules == ("RU-02-KRR-H",)
    assert max(movements(ran, "URKK").values()) == 5
    assert "full: landing URKK" in ran.records["AFL6"].delays[0].detail
    assert ran.records["AFL6"].delays[0].rules == ("RU-02-KRR-Q",)
    assert (ran.records["LATE"].status, ran.records["LATE"].plan.blocking_rules) == (
        "cancelled", ("RU-02-KRR-H",),
    )  # fmt: skip
    check_delays(ran)
    # the day before the reopening there is nothing to wait for
    shut = simulate(
        replace(world, flights=(replace(first.flight, eobt_ms=at("02:00", "2025-09-10")),))
    )
    assert [r.status for r in shut.records.values()] == ["cancelled"]


def test_delays_are_in_the_tables_with_their_rules(let: Let, lawless: Any) -> None:
    rules = (open_at("UUEE", "08:00-20:00"),)
    world = let(leg("UMMS", "UUEE", "05:00"), rules=rules)
    tables = Results(tabulate_world(lawless(*rules), world))
    ((row),) = tables.rows("delays")
    (flight,) = tables.rows("flights")
    assert (row["cause"], row["rules"]) == ("closed", "HOURS-UUEE")
    assert row["minutes"] == flight["delay_min"] > 0
    assert "HOURS-UUEE" in {r["rule_id"] for r in tables.rows("rules")}


# ------------------------------------------------------------------------------- scenario files
HEAD = 'schema = 1\n[period]\nstart = "2025-09-15"\nend = "2025-09-16"\n'


def test_hours_and_movements_are_written_in_a_scenario(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        HEAD + "[options]\nlongest_hold_hours = 2.5\n[[aerodrome]]\nicao = 'MSQ'\n"
        "open = ['04:00-21:00']\nmovements_per_hour = 12\nfrom = 2025-09-01\n"
        "to = 2025-10-01\nsource = 'a guess'\nconfidence = 'assumed'\n"
    )
    scenario = load_scenario(path)
    assert scenario.options.longest_hold_ms == 9_000_000
    hours, slots = (scenario.rulebook.by_id[n] for n in ("HOURS-UMMS-1", "SLOTS-UMMS-1"))
    assert (hours.when.daily, hours.confidence) == (("21:00-04:00",), "assumed")
    assert hours.reference.instrument == "a guess"
    assert hours.when.end[0] == parse_instant("2025-10-01")
    assert slots.permit is not None
    assert slots.permit.quota is not None
    assert slots.permit.quota.most == 12


@pytest.mark.parametrize(
    ("keys", "record", "problem"),
    [
        ("icao = 'UMMX'\nmovements_per_hour = 1", "aerodrome 1 icao", "unknown aerodrome"),
        ("icao = 'UMMS'", "aerodrome 1", "says nothing"),
        ("icao = 'UMMS'\nopen = ['6-16']", "aerodrome 1", "no span of the day"),
        ("icao = 'UMMS'\nopen = ['sunrise-sunset']", "aerodrome 1", "hangs on the sun"),
        ("icao = 'UMMS'\nopen = ['00:00-24:00']", "aerodrome 1", "open all day"),
        ("icao = 'UMMS'\nmovements_per_hour = 0", "aerodrome 1 movements_per_hour", "too small"),
        ("icao = 'UMMS'\nmovements_per_hour = 1\nfrom = 2025-09-02\nto = 2025-09-01",
         "aerodrome 1", "not after"),
    ],
)  # fmt: skip
def test_a_slip_in_the_hours_of_an_aerodrome_is_named(
    tmp_path: Path, keys: str, record: str, problem: str
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(f"{HEAD}[[aerodrome]]\n{keys}\nsource = 'x'\nconfidence = 'V'\n")
    with pytest.raises(InputError) as caught:
        load_scenario(path)
    ((found),) = caught.value.problems
    assert found.record == record
    assert problem in found.problem
    assert found.remedy
