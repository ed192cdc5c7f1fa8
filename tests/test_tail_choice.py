"""Of several free aircraft a flight takes the one that the law bars least, if that is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from conservation import check_run
from oracle import make_rule

from airsim.base import parse_instant
from airsim.law import Rule
from airsim.operation import Flight, Tail
from airsim.scenario import Options, Scenario
from airsim.simulation import FlightRecord, World, simulate

EOBT_MS = parse_instant("2025-09-15T08:00Z")
PERSONS: dict[str, Any] = {
    "addresses": "persons", "person_bound": "everybody", "where": [{"anywhere": True}],
}  # fmt: skip


def tail(registration: str, *, us_origin: bool | None = True) -> Tail:
    return Tail(registration, "B738", 189, "BY", "BY", us_origin, "", "", "active", operator="BRU")


FLEET = (tail("EW-455PA"), tail("EW-456PA", us_origin=False))
MOSCOW = Flight("BRU1", "BRU1", "BRU", "UMMS", "UUEE", EOBT_MS, EOBT_MS + 5_400_000, "B738")


@pytest.fixture
def take(lawless: Callable[..., Scenario]) -> Callable[..., tuple[World, FlightRecord]]:
    def fly(
        *rules: Rule, choice: Any = "lawful", fleet: tuple[Tail, ...] = FLEET,
    ) -> tuple[World, FlightRecord]:  # fmt: skip
        scenario = replace(
            lawless(*rules), flights=(MOSCOW,), fleet=fleet, options=Options(tail_choice=choice),
            start_ms=EOBT_MS, end_ms=EOBT_MS + 86_400_000,
        )  # fmt: skip
        world = simulate(scenario)
        check_run(scenario, world)
        return world, world.records["BRU1"]

    return fly


Take = Callable[..., tuple[World, FlightRecord]]


def said(world: World) -> list[str]:
    return [e.detail for e in world.log if e.event == "tail-chosen"]


RULES = {
    "listed": make_rule(
        "LISTED", activities=["landing"], who=[{"registration": ["EW-455PA"]}],
        flight=[{"destination_in": ["RU"]}], **PERSONS,
    ),
    "closed": make_rule(
        "CLOSED", activities=["landing"], who=[{"registration": ["EW-455PA"]}],
        where=[{"territory": ["RU"]}],
    ),
    "unserved": make_rule(
        "UNSERVED", activities=["servicing"], who=[{"us_origin": True}], **PERSONS
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", RULES)
def test_the_aircraft_is_taken_that_may_go_land_and_be_served(take: Take, name: str) -> None:
    rule = RULES[name]
    world, record = take(rule)
    assert (record.status, record.registration) == ("flown", "EW-456PA")
    assert said(world) == [f"EW-456PA, not EW-455PA, for {rule.id}"]
    assert rule.id not in record.plan.rule_ids
    world, record = take(rule, choice="first")
    assert record.registration == "EW-455PA"
    assert said(world) == []
    assert rule.id in record.plan.rule_ids
    assert record.status == ("cancelled" if name == "closed" else "flown")


def test_without_a_rule_that_tells_them_apart_the_first_is_taken(take: Take) -> None:
    everybody = make_rule("ALL", activities=["landing"], **PERSONS)
    world, record = take(everybody)
    assert record.registration == "EW-455PA"
    assert said(world) == []


def test_what_forbids_weighs_more_than_what_persons_break(take: Take) -> None:
    other = make_rule(
        "OTHER", activities=["landing", "servicing"], who=[{"us_origin": False}], **PERSONS
    )
    _, record = take(RULES["closed"], other)
    assert (record.status, record.registration) == ("flown", "EW-456PA")
    assert "OTHER" in record.plan.breach_rules


def test_the_only_aircraft_is_taken_and_its_breach_is_told(take: Take) -> None:
    world, record = take(RULES["listed"], fleet=FLEET[:1])
    assert (record.status, record.registration) == ("flown", "EW-455PA")
    assert record.plan.breach_rules == ("LISTED",)
    assert said(world) == []


@pytest.mark.parametrize(
    ("day", "ades", "taken"),
    [
        ("2025-09-10", "LTFM", "EW-999PA"),  # before the letter: it stands on the list
        ("2025-09-15", "LTFM", "EW-366PA"),  # the letter covers it
        ("2025-09-15", "UUEE", "EW-999PA"),  # but not to Russia
    ],
)
def test_belavia_takes_another_aircraft_where_the_letter_does_not_reach(
    world: Scenario, day: str, ades: str, taken: str
) -> None:
    """EW-999PA is made up: on no list, of no United States origin."""
    eobt_ms = parse_instant(f"{day}T08:00Z")
    flight = replace(MOSCOW, ades=ades, eobt_ms=eobt_ms, sta_ms=eobt_ms + 5_400_000)
    fleet = (tail("EW-366PA"), tail("EW-999PA", us_origin=False))
    ran = simulate(
        replace(world, flights=(flight,), fleet=fleet, options=Options(tail_choice="lawful"))
    )
    (record,) = ran.records.values()
    assert record.registration == taken
