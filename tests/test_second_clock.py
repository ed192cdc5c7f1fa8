"""What is planned meets the law of the moment: at off-block, in the air, at stops and landing.

Flights go on as planned here, whatever is published meanwhile; test_airborne.py has those that
react.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from oracle import make_rule

from airsim.base import parse_instant
from airsim.law import Rule
from airsim.operation import Flight, Tail
from airsim.permission import Outcome
from airsim.planning import plan_flights
from airsim.scenario import Scenario
from airsim.simulation import World, simulate

# Planned at 05:00, off-block at 08:00, in Kaliningrad or Moscow within two hours.
OFF_BLOCK = "2025-09-15T08:00Z"
DAY = "2025-09-15T{}Z"
LITHUANIA = {"where": [{"territory": ["LT"]}]}
TO_LAND_IN_RUSSIA = {"activities": ["landing"], "where": [{"territory": ["RU"]}]}
TO_LEAVE_BELARUS = {"activities": ["take-off"], "where": [{"territory": ["BY"]}]}

Let = Callable[..., World]


def flight(adep: str, ades: str, at: str = "08:00", typecode: str = "B738") -> Flight:
    eobt_ms = parse_instant(DAY.format(at))
    name = f"{adep}-{ades}-{at}"
    return Flight(name, "BRU1", "BRU", adep, ades, eobt_ms, eobt_ms + 3_600_000, typecode)


def tail(registration: str = "EW-455PA", typecode: str = "B738") -> Tail:
    return Tail(registration, typecode, None, "BY", "BY", True, "", "", "active")


def when(start: str, published: str = "2025-09-01T00:00Z", **more: str) -> dict[str, object]:
    if len(published) == 5:
        published = DAY.format(published)
    return {"when": {"from": DAY.format(start), "published": published, **more}}


@pytest.fixture
def let(lawless: Callable[..., Scenario]) -> Let:
    """Let flights fly under some rules and no others: ``let(flight(...), rules=[...])``."""

    def fly(*flights: Flight, rules: tuple[Rule, ...] = (), fleet: tuple[Tail, ...] = ()) -> World:
        ordered = tuple(sorted(flights, key=lambda f: (f.eobt_ms, f.flight_id)))
        world = lawless(*rules)
        options = replace(world.options, in_flight="continue")
        return simulate(replace(world, flights=ordered, fleet=fleet, options=options))

    return fly


def events(world: World, flight_id: str) -> list[str]:
    return [e.event for e in world.log if e.flight_id == flight_id]


def detail(world: World, event: str) -> str:
    """What the log says of all events of a kind."""
    (found,) = {e.detail for e in world.log if e.event == event}
    return found


# Without a tail, the first two are not judged, and the third does not hold for a Boeing.
LISTED = {"who": [{"registration": ["EW-455PA"]}]}
TAIL_RULES: dict[str, dict[str, object]] = {
    "forbidden": LISTED,
    "needs a permit": {"effect": "require-permit", **LISTED},
    "unknown": {"who": [{"us_origin": False}]},
}


@pytest.mark.parametrize("kind", TAIL_RULES)
def test_an_aircraft_whose_tail_may_not_fly_stays_where_it_is(let: Let, kind: str) -> None:
    rule = make_rule("TAIL", **TO_LAND_IN_RUSSIA, **TAIL_RULES[kind])
    unsure = replace(tail(), us_origin=None)
    world = let(
        flight("UMMS", "UUEE"), flight("UMMS", "EYVI", "08:10"), rules=(rule,), fleet=(unsure,)
    )
    barred, next_one = world.records.values()
    assert (barred.status, barred.off_block_ms) == ("cancelled", None)
    assert detail(world, "cancelled").startswith("tail EW-455PA: ")
    # It serves the next flight from where it stands, at once.
    assert next_one.status == "flown"
    assert next_one.off_block_ms == next_one.flight.eobt_ms


def test_a_cancelled_flight_brings_no_aircraft_to_its_destination(let: Let) -> None:
    rule = make_rule("TAIL", **LISTED, **TO_LAND_IN_RUSSIA)
    there, back = flight("UMMS", "UUEE"), flight("UUEE", "UMMS", "10:30")
    world = let(there, back, rules=(rule,), fleet=(tail(),))
    assert [r.status for r in world.records.values()] == ["cancelled", "cancelled"]
    assert "no aircraft at UUEE" in [e.detail for e in world.log if e.event == "cancelled"]
    free = let(there, back, fleet=(tail(),))
    assert [r.status for r in free.records.values()] == ["flown", "flown"]


@pytest.mark.parametrize(("typecode", "status"), [("AT72", "cancelled"), ("A332", "flown")])
def test_another_type_comes_only_if_it_reaches_as_far(let: Let, typecode: str, status: str) -> None:
    world = let(flight("UMMS", "OMDB"), fleet=(tail("EW-1", typecode),))
    (record,) = world.records.values()
    assert record.status == status
    assert ("type-changed" in events(world, record.flight.flight_id)) is (status == "flown")


def test_take_off_and_landing_are_judged_again(let: Let) -> None:
    (record,) = let(flight("UMMS", "UUEE")).records.values()
    met = [(d.question.activity, d.question.places[0].designator) for d in record.met]
    assert (met[0], met[-1]) == (("take-off", "UMMS"), ("landing", "UUEE"))
    assert all(d.question.known_ms is None for d in record.met)


@pytest.mark.parametrize(("start", "closed"), [("09:00", True), ("12:00", False)])
def test_a_landing_barred_while_in_the_air_is_flown_although_forbidden(
    let: Let, start: str, closed: bool
) -> None:
    rule = make_rule("NEW", **TO_LAND_IN_RUSSIA, **when(start, start))
    world = let(flight("UMMS", "UUEE"), rules=(rule,))
    (record,) = world.records.values()
    assert record.status == "flown"
    assert ("closed-in-flight" in events(world, record.flight.flight_id)) is closed
    if closed:
        assert detail(world, "closed-in-flight") == (
            "landing UUEE by NEW, in force from 2025-09-15T09:00:00Z: flown although forbidden"
        )
        assert record.met[-1].outcome is Outcome.FORBIDDEN


@pytest.mark.parametrize(
    ("fields", "event", "said"),
    [
        ({"effect": "require-permit", **when("09:00", "09:00")},
         "flown-without-permit", "landing UUEE by NEW: permit lacking"),
        ({"when": {"from": [DAY.format("08:30"), DAY.format("20:00")]}},
         "flown-unknown", "landing UUEE by NEW: unknown for want of hour of start or end"),
    ],
)  # fmt: skip
def test_what_lacks_a_permit_or_a_fact_on_arrival_is_logged(
    let: Let, fields: dict[str, object], event: str, said: str
) -> None:
    world = let(flight("UMMS", "UUEE"), rules=(make_rule("NEW", **TO_LAND_IN_RUSSIA, **fields),))
    assert detail(world, event) == said


def test_a_fuel_stop_barred_while_in_the_air_is_met(
    let: Let, lawless: Callable[..., Scenario]
) -> None:
    far = flight("UMMS", "VTBS")
    (plan,) = plan_flights(lawless(), [far])
    assert plan.route is not None
    assert len(plan.route.stops) == 1
    rule = make_rule(
        "STOP", activities=["technical-stop"], where=[{"aerodrome": list(plan.route.stops)}],
        **when("08:30", "08:30"),
    )  # fmt: skip
    world = let(far, rules=(rule,))
    assert detail(world, "closed-in-flight").startswith(f"technical-stop {plan.route.stops[0]} by")


@pytest.mark.parametrize("rule", [TO_LEAVE_BELARUS, TO_LAND_IN_RUSSIA])
def test_an_end_barred_after_planning_keeps_the_flight_on_the_ground(
    let: Let, rule: dict[str, object]
) -> None:
    world = let(
        flight("UMMS", "UUEE"), flight("UMMS", "EYVI", "23:00"), fleet=(tail(),),
        rules=(make_rule("NEW", **rule, **when("07:00", "06:00", to=DAY.format("20:00"))),),
    )  # fmt: skip
    barred, later = world.records.values()
    assert events(world, barred.flight.flight_id) == [
        "planned", "closed-before-departure", "cancelled",
    ]  # fmt: skip
    assert detail(world, "cancelled").startswith("NEW: infeasible: ")
    assert barred.plan.blocking_rules == ("NEW",)
    assert [d.rules for d in barred.refused] == [("NEW",)]
    assert (barred.met, later.status) == ([], "flown")


@pytest.mark.parametrize("start", ["07:00", "08:20"])
def test_airspace_closed_after_planning_is_flown_round(let: Let, start: str) -> None:
    """Also where the closure starts later: what is published by off-block is known."""
    rule = make_rule("NEW", **LITHUANIA, **when(start, "06:00"))
    world = let(flight("UMMS", "UMKK"), rules=(rule,))
    (record,) = world.records.values()
    said = events(world, record.flight.flight_id)
    assert said[:4] == ["planned", "closed-before-departure", "replanned", "off-block"]
    assert "closed-in-flight" not in said
    assert detail(world, "closed-before-departure") == (
        "overflight LT by NEW, published 2025-09-15T06:00:00Z"
    )
    assert record.status == "flown"
    assert record.plan.planned_ms == parse_instant(OFF_BLOCK)
    assert "LT" not in {stay.designator for stay in record.plan.crossings}


def test_airspace_closed_in_the_air_is_flown_although_forbidden(let: Let) -> None:
    rule = make_rule("NEW", **LITHUANIA, **when("08:05", "08:05"))
    world = let(flight("UMMS", "UMKK"), rules=(rule,))
    (record,) = world.records.values()
    said = events(world, record.flight.flight_id)
    assert "closed-in-flight" in said
    assert not {"replanned", "closed-before-departure"} & set(said)
    assert record.status == "flown"


def test_a_closure_published_after_departure_but_in_force_before_is_not_closed_in_flight(
    let: Let,
) -> None:
    rule = make_rule("NEW", **LITHUANIA, **when("07:00", "08:05"))
    world = let(flight("UMMS", "UMKK"), rules=(rule,))
    assert detail(world, "closed-before-departure") == (
        "overflight LT by NEW, in force from 2025-09-15T07:00:00Z: flown although forbidden"
    )


def test_a_flight_that_leaves_late_is_held_against_the_law_of_its_new_times(let: Let) -> None:
    """The second flight waits for the aircraft of the first and would arrive after the curfew."""
    rule = make_rule(
        "CURFEW", activities=["landing"], where=[{"aerodrome": ["UMMS"]}], **when("09:50")
    )
    world = let(
        flight("UMMS", "EYVI"), flight("EYVI", "UMMS", "08:30"), rules=(rule,), fleet=(tail(),)
    )
    late = world.records["EYVI-UMMS-08:30"]
    assert late.status == "cancelled"
    assert detail(world, "cancelled").startswith("CURFEW: infeasible: ")
    assert "closed-before-departure" not in {e.event for e in world.log}
    on_time = let(flight("EYVI", "UMMS", "08:30"), rules=(rule,))
    assert on_time.records["EYVI-UMMS-08:30"].status == "flown"


def test_nothing_new_changes_nothing(let: Let) -> None:
    rules = (make_rule("OLD", **LITHUANIA),)
    world = let(flight("UMMS", "UMKK"), rules=rules, fleet=(tail(),))
    (record,) = world.records.values()
    assert [(d.outcome, d.rules) for d in record.met] == [
        (d.outcome, d.rules)
        for d in sorted(record.plan.decisions, key=lambda d: d.question.start_ms)
    ]
    assert {e.event for e in world.log} == {
        "positioned", "planned", "off-block", "take-off", "airspace-entry", "landing", "on-block",
    }  # fmt: skip
