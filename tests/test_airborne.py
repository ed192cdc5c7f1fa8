"""Rules are published while flights are in the air: another way, back, elsewhere, or down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from oracle import make_rule

from airsim.airspace import Paths, find_crossings
from airsim.base import format_instant, parse_instant
from airsim.geodesy import geodesic_km
from airsim.law import Rule
from airsim.operation import Flight, Tail
from airsim.permission import Outcome
from airsim.scenario import Scenario
from airsim.simulation import FlightRecord, World, find_position, simulate

DAY = "2025-09-15T{}Z"
LITHUANIA = {"where": [{"territory": ["LT"]}]}
GEORGIA = {"activities": ["overflight", "landing"], "where": [{"territory": ["GE"]}]}

Let = Callable[..., World]


def flight(adep: str, ades: str, at: str = "08:00", typecode: str = "B738") -> Flight:
    eobt_ms = parse_instant(DAY.format(at))
    name = f"{adep}-{ades}-{at}"
    return Flight(name, "BRU1", "BRU", adep, ades, eobt_ms, eobt_ms + 3_600_000, typecode)


def news(name: str, at: str, **fields: Any) -> Rule:
    """A rule published and in force from some hour."""
    return make_rule(name, **fields, when={"from": DAY.format(at), "published": DAY.format(at)})


@pytest.fixture
def let(lawless: Callable[..., Scenario]) -> Let:
    """Let flights fly under some rules and no others: ``let(flight(...), rules=[...])``."""

    def fly(*flights: Flight, rules: tuple[Rule, ...] = (), fleet: tuple[Tail, ...] = ()) -> World:
        return simulate(replace(lawless(*rules), flights=flights, fleet=fleet))

    return fly


def events(world: World, *but: str) -> list[str]:
    hidden = {"planned", "airspace-entry", *but}
    return [e.event for e in world.log if e.event not in hidden]


def only(world: World) -> FlightRecord:
    (record,) = world.records.values()
    return record


def states_entered(world: Scenario, record: FlightRecord) -> set[str]:
    """Territories on the way flown after the last change of plan."""
    assert record.current.route is not None
    lonlat = record.current.route.points
    path = Paths(lonlat[:, 0].copy(), lonlat[:, 1].copy(), np.array([0, len(lonlat)]))
    found = find_crossings(world.atlas, path, layers=("territory",))
    return {world.atlas.layer("territory").designator[row] for row in found.area.tolist()}


def test_what_closes_ahead_is_flown_round_from_where_the_flight_is(
    let: Let, world: Scenario
) -> None:
    free, ran = let(flight("UMMS", "UMKK")), let(flight("UMMS", "UMKK"), rules=(
        news("NEW", "08:20", **LITHUANIA),
    ))  # fmt: skip
    record = only(ran)
    assert events(ran) == [
        "off-block",
        "take-off",
        "closed-in-flight",
        "rerouted",
        "landing",
        "on-block",
    ]
    assert (record.status, record.landed_at) == ("flown", "")
    assert "LT" in {stay.designator for stay in record.plan.crossings}
    assert "LT" not in states_entered(world, record)
    assert [d.rules for d in record.met if d.outcome is Outcome.FORBIDDEN] == []
    assert record.flown_km is not None
    assert only(free).flown_km < record.flown_km
    (change,) = record.changes
    assert change.airborne is not None
    assert format_instant(change.airborne.at_ms) == "2025-09-15T08:20:00Z"
    # the new way begins on the old one
    assert record.plan.route is not None
    here = change.airborne
    gap = geodesic_km(here.lon, here.lat, *record.plan.route.points.T)
    assert gap.min() < 60.0
    along = geodesic_km(*record.track[:-1].T, *record.track[1:].T)
    assert float(along.sum()) == pytest.approx(record.flown_km, rel=1e-6)
    assert record.flown_km == pytest.approx(here.flown_km + change.route.distance_km)  # type: ignore[union-attr]


def test_where_no_way_is_left_the_flight_turns_back(let: Let) -> None:
    ran = let(
        flight("UMMS", "UGTB"), flight("UGTB", "UMMS", "14:00"),
        rules=(news("NEW", "09:30", **GEORGIA),),
        fleet=(Tail("EW-455PA", "B738", None, "BY", "BY", True, "", "", "active"),),
    )  # fmt: skip
    out, back = ran.records.values()
    assert (out.status, out.landed_at, out.changes[-1].flight.ades) == ("returned", "UMMS", "UMMS")
    assert "returned" in events(ran)
    assert out.landing_ms is not None
    assert out.landing_ms > parse_instant(DAY.format("10:00"))
    # its aircraft is at home, not where the next flight leaves from
    assert back.status == "cancelled"


def test_a_flight_that_may_not_turn_back_lands_elsewhere(let: Let) -> None:
    home = news(
        "HOME", "09:30", activities=["landing", "overflight"], where=[{"territory": ["BY"]}]
    )
    record = only(let(flight("UMMS", "UGTB"), rules=(news("NEW", "09:30", **GEORGIA), home)))
    assert record.status == "diverted"
    assert record.landed_at not in ("", "UMMS", "UGTB")
    assert [d.rules for d in record.met if d.outcome is Outcome.FORBIDDEN] == []
    assert record.changes[0].airborne is not None
    assert record.changes[0].route is not None
    assert record.changes[0].route.distance_km <= record.changes[0].airborne.reach_km


def test_where_nobody_may_land_the_nearest_aerodrome_is_taken_and_the_breach_is_logged(
    let: Let,
) -> None:
    everywhere = {"activities": ["landing"], "where": [{"anywhere": True}]}
    ran = let(flight("UMMS", "UGTB"), rules=(news("NOWHERE", "09:30", **everywhere),))
    record = only(ran)
    assert record.status == "diverted"
    assert "emergency" in events(ran)
    assert record.met[-1].rules == ("NOWHERE",)


def test_news_before_take_off_keeps_the_flight_on_the_ground(let: Let) -> None:
    stopped = let(flight("UMMS", "UGTB"), rules=(news("NEW", "08:05", **GEORGIA),))
    assert only(stopped).status == "cancelled"
    assert "returned-to-stand" in events(stopped)
    assert "take-off" not in events(stopped)
    led_round = let(flight("UMMS", "UMKK"), rules=(news("NEW", "08:05", **LITHUANIA),))
    record = only(led_round)
    assert record.status == "flown"
    assert "LT" not in {stay.designator for stay in record.plan.crossings}
    assert record.off_block_ms == parse_instant(DAY.format("08:05"))


def test_news_of_what_lies_behind_changes_nothing(let: Let) -> None:
    ran = let(
        flight("UMMS", "UGTB"), rules=(news("BEHIND", "09:45", where=[{"territory": ["BY"]}]),)
    )
    assert only(ran).status == "flown"
    assert "closed-in-flight" not in events(ran)


def test_position_runs_along_the_route_as_time_goes(lawless: Callable[..., Scenario]) -> None:
    world = replace(lawless(), flights=(flight("UMMS", "UGTB"),))
    record = only(simulate(world))
    assert record.take_off_ms is not None
    assert record.landing_ms is not None
    assert record.plan.route is not None
    stamps = np.linspace(record.take_off_ms, record.landing_ms - 400_000, 7).astype(int).tolist()
    found = [find_position(world, record.plan, 0, stamp)[0] for stamp in stamps]
    flown = [p.flown_km for p in found]
    assert flown == sorted(flown)
    assert flown[-1] <= record.plan.route.distance_km + 1e-6
    total = [p.flown_km + p.reach_km for p in found]
    assert max(total) - min(total) < 1e-6
    assert total[0] > record.plan.route.distance_km
    for position in found:
        back = geodesic_km(*record.plan.route.points[0], position.lon, position.lat)
        assert float(back) <= position.flown_km + 1e-3


CASES = [
    ("B2869", "BRU", "UMMS", "LEBL", "E195", "2021-05-26T10:19Z", "FR-BY-2021-05-26"),
    ("SU124", "AFL", "UUEE", "KJFK", "B77W", "2022-02-27T12:55Z", "CA-RU-01"),
]


@pytest.mark.parametrize(("callsign", "operator", "adep", "ades", "typecode", "at", "rule"), CASES)
def test_flights_that_were_stopped_in_the_air_had_a_lawful_way_on(
    world: Scenario, callsign: str, operator: str, adep: str, ades: str, typecode: str, at: str,
    rule: str,
) -> None:  # fmt: skip
    """Both turned back. By law and fuel they might have gone on, round what had been closed.

    Whoever reads the log sees the choice that the airlines had; nothing here knows of air traffic
    control that refuses it, of oceanic clearances, or of doubts what closes next.
    """
    eobt_ms = parse_instant(at)
    asked = Flight(callsign, callsign, operator, adep, ades, eobt_ms, eobt_ms, typecode)
    ran = simulate(replace(world, flights=(asked,), fleet=()))
    record = only(ran)
    met_with = {"closed-in-flight", "closed-before-departure"}
    assert rule in next(e.detail for e in ran.log if e.event in met_with)
    assert (record.status, record.current.flight.ades) == ("flown", ades)
    assert rule in {name for _, d in record.current.closed for name in d.rules}
    assert rule not in {name for d in record.met for name in d.rules}
    going_on = replace(world.options, in_flight="continue")
    defiant = simulate(replace(world, flights=(asked,), fleet=(), options=going_on))
    assert only(defiant).status == "flown"
    assert rule in {name for d in only(defiant).met for name in d.rules}
