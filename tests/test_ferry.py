"""After a diversion or a return: on, home, or stranded; an aircraft is never in two places."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from conservation import check_run

from airsim.base import parse_instant
from airsim.law import Rule, make_closure_rule
from airsim.operation import Flight, Tail
from airsim.scenario import Options, Scenario
from airsim.simulation import FlightRecord, World, simulate

DAY = "2025-09-15T{}Z"
START_MS = parse_instant("2025-09-15")
FLEET = (Tail("EW-400PO", "E195", 107, "BY", "BY", None, "", "", "active"),)


def at(clock: str) -> int:
    return parse_instant(DAY.format(clock))


def shut(name: str, start: str, end: str, where: dict[str, Any]) -> Rule:
    stamps = [stamp if "T" in stamp else DAY.format(stamp) for stamp in (start, end)]
    return make_closure_rule(
        name, "shut", where, confidence="V", source="x", when={"from": stamps[0], "to": stamps[1]}
    )


def leg(adep: str, ades: str, clock: str, number: int) -> Flight:
    eobt_ms = at(clock)
    return Flight(
        f"BRU{number}", f"BRU{number}", "BRU", adep, ades, eobt_ms, eobt_ms + 9_000_000, "E195"
    )


# Three departures of Minsk make it the base; the pair to Tbilisi is what goes wrong.
LEGS = (
    leg("UMMS", "UGTB", "05:00", 1), leg("UGTB", "UMMS", "09:30", 2),
    leg("UMMS", "UUEE", "18:00", 3), leg("UUEE", "UMMS", "21:00", 4),
    replace(leg("UMMS", "UUEE", "10:00", 5), eobt_ms=at("10:00") + 86_400_000),
)  # fmt: skip


@pytest.fixture
def let(lawless: Callable[..., Scenario]) -> Callable[..., World]:
    def fly(*rules: Rule, flights: tuple[Flight, ...] = LEGS, days: int = 2) -> World:
        listed = tuple(sorted(flights, key=lambda f: (f.eobt_ms, f.flight_id)))
        scenario = replace(
            lawless(*rules), flights=listed, fleet=FLEET, start_ms=START_MS,
            end_ms=START_MS + days * 86_400_000, options=Options(),
        )  # fmt: skip
        world = simulate(scenario)
        check_rotation(world)
        check_run(scenario, world)
        return world

    return fly


Let = Callable[..., World]


def check_rotation(world: World) -> None:
    """Each leg begins where and after the one before has ended; every flight ends once."""
    flown = sorted(
        (r.off_block_ms, r.on_block_ms, r.flight.adep, r.landed_at or r.flight.ades)
        for r in world.records.values()
        if r.off_block_ms is not None and r.on_block_ms is not None
    )
    for first, second in pairwise(flown):
        assert first[1] <= second[0]
        assert first[3] == second[2]
    (aircraft,) = world.fleet
    assert aircraft.flights == len(flown)
    assert {r.status for r in world.records.values()} <= {
        "flown", "cancelled", "diverted", "returned"
    }  # fmt: skip
    for g in aircraft.groundings:
        assert all(end <= g.start_ms or start >= g.end_ms for start, end, _, _ in flown)


def ferries(world: World) -> list[FlightRecord]:
    return [r for name, r in world.records.items() if "-F" in name]


def test_without_a_diversion_nobody_is_ferried(let: Let) -> None:
    world = let()
    assert ferries(world) == []
    assert [r.status for r in world.records.values()] == ["flown"] * 5


def test_a_short_closure_is_waited_for_elsewhere_and_the_rotation_goes_on(let: Let) -> None:
    """Tbilisi shuts for two hours while the flight is near: it lands elsewhere and flies on."""
    world = let(shut("SHUT", "07:30", "09:30", {"aerodrome": ["UGTB"]}))
    out, back = (world.records[name] for name in ("BRU1", "BRU2"))
    assert out.status in ("diverted", "returned")
    (on,) = ferries(world)
    assert (on.flight.adep, on.flight.ades, on.status) == (out.landed_at, "UGTB", "flown")
    assert on.flight.service == "passenger"
    assert on.landing_ms is not None
    assert on.landing_ms >= at("09:30")
    assert (back.status, back.registration) == ("flown", "EW-400PO")
    assert back.off_block_ms is not None
    assert back.delays[0].cause == "aircraft"
    assert world.records["BRU3"].status == "flown"
    said = [e.detail for e in world.log if e.event == "ferry"]
    assert len(said) == 1
    assert said[0].startswith("on to UGTB")


def test_a_long_closure_sends_the_aircraft_home_empty(let: Let) -> None:
    world = let(shut("SHUT", "07:30", "2025-09-17T00:00Z", {"aerodrome": ["UGTB"]}))
    out, back = (world.records[name] for name in ("BRU1", "BRU2"))
    assert out.status == "diverted"
    (home,) = ferries(world)
    assert (home.flight.adep, home.flight.ades, home.status) == (out.landed_at, "UMMS", "flown")
    assert (home.flight.service, home.flight.scheduled, home.plan.facts.seats) == (
        "ferry", False, 0,
    )  # fmt: skip
    assert back.status == "cancelled"
    assert world.records["BRU3"].status == "flown"


def test_a_return_to_base_needs_no_ferry(let: Let) -> None:
    world = let(shut("SHUT", "05:40", "2025-09-17T00:00Z", {"territory": ["GE"]}))
    out = world.records["BRU1"]
    assert (out.status, out.landed_at) == ("returned", "UMMS")
    assert ferries(world) == []
    assert world.records["BRU3"].status == "flown"


def test_without_a_way_on_or_home_it_is_stranded_and_flies_when_one_opens(let: Let) -> None:
    """Home and destination shut for a day while it is on its way back from Tbilisi."""
    until = "2025-09-16T14:00Z"
    world = let(shut("HOME", "10:30", until, {"aerodrome": ["UMMS"]}), days=3)
    back = world.records["BRU2"]
    assert back.status in ("diverted", "returned")
    (aircraft,) = world.fleet
    assert {g.cause for g in aircraft.groundings} == {"stranded"}
    assert "stranded" in [e.event for e in world.log]
    (home,) = [r for r in ferries(world) if r.status == "flown"]
    assert home.flight.ades == "UMMS"
    assert home.landing_ms is not None
    assert home.landing_ms >= parse_instant(until)
    # it then takes what waited for it at home
    assert [d.cause for d in world.records["BRU5"].delays] == ["closed", "aircraft"]
    # what it should have flown meanwhile found no aircraft
    assert world.records["BRU3"].status == "cancelled"


def test_the_way_home_is_judged_by_law(let: Let) -> None:
    """Stranded in a place from which this aircraft may not leave: it stays there."""
    rule = shut("HOME", "10:30", "2026-01-01T00:00Z", {"aerodrome": ["UMMS"]})
    world = let(rule, days=2)
    assert [r for r in ferries(world) if r.status == "flown"] == []
    (aircraft,) = world.fleet
    assert aircraft.at != "UMMS"
    lost_ms = sum(g.end_ms - g.start_ms for g in aircraft.groundings if g.cause == "stranded")
    assert lost_ms >= 24 * 3_600_000
