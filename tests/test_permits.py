"""Authorities are asked, answer in time or late, and refuse; flights wait, go round, or stay."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from oracle import make_rule

from airsim.base import parse_instant
from airsim.law import Rule
from airsim.operation import Circumstances, Flight
from airsim.permission import Outcome
from airsim.planning import plan_flights
from airsim.scenario import PermitModel, Scenario
from airsim.simulation import World, simulate

DAY_MS = 86_400_000
EOBT_MS = parse_instant("2025-09-15T08:00Z")


def needs(state: str, **permit: Any) -> Rule:
    """A routine permit to cross or land in a State."""
    given = {"authority": f"CAA {state}", "kind": "routine", **permit}
    return make_rule(
        f"ASK-{state}", effect="require-permit", permit=given, where=[{"territory": [state]}],
        activities=["overflight", "landing", "take-off"],
    )  # fmt: skip


def flight(name: str = "BRU1", days: int = 0, *, scheduled: bool = True) -> Flight:
    eobt_ms = EOBT_MS + days * DAY_MS
    return Flight(
        f"{name}-{days}", name, "BRU", "UMMS", "UMKK", eobt_ms, eobt_ms, "B738",
        scheduled=scheduled,
    )  # fmt: skip


@pytest.fixture
def let(lawless: Callable[..., Scenario]) -> Callable[..., World]:
    def fly(*flights: Flight, rules: tuple[Rule, ...], **model: float) -> World:
        world = replace(lawless(*rules), flights=flights, fleet=())
        return simulate(replace(world, permits=PermitModel(**model) if model else None))

    return fly


Let = Callable[..., World]


def states(world: World) -> list[set[str]]:
    return [
        {s.designator for s in r.plan.crossings if s.layer == "territory"}
        for r in world.records.values()
    ]


def test_without_a_model_routine_permits_are_presumed(let: Let) -> None:
    world = let(flight(), rules=(needs("LT"),))
    assert world.permits == []
    assert "LT" in states(world)[0]


def test_a_series_is_asked_for_once_and_every_other_flight_by_itself(let: Let) -> None:
    series = [flight(days=d) for d in range(3)]
    world = let(*series, rules=(needs("LT", lead_time_days=3),), ask_days=10.0)
    (request,) = world.permits
    assert (request.subject, request.asked_ms) == ("BRU1", EOBT_MS - 10 * DAY_MS)
    assert request.answered_ms - request.asked_ms == 3 * DAY_MS
    assert request.granted
    asked = [e.event for e in world.log if e.event.startswith("permit")]
    assert asked == ["permit-asked", "permit-granted"]
    assert {r.status for r in world.records.values()} == {"flown"}


def test_working_days_take_longer(let: Let) -> None:
    rules = (needs("LT", lead_time_days=5, working_days=True),)
    (request,) = let(flight(), rules=rules, ask_days=1.0).permits
    assert request.answered_ms - request.asked_ms == 7 * DAY_MS
    assert request.answered_ms <= EOBT_MS


def test_what_is_refused_is_flown_round(let: Let) -> None:
    world = let(flight(), rules=(needs("LT"),), refused=1.0)
    (record,) = world.records.values()
    assert record.status == "flown"
    assert "LT" not in states(world)[0]
    (said,) = [e.detail for e in world.log if e.event == "replanned"]
    assert "CAA LT (ASK-LT" in said
    free = let(flight(), rules=(needs("LT"),), refused=0.0, ask_days=10.0)
    assert "LT" in states(free)[0]


def test_a_landing_refused_is_not_flown(let: Let) -> None:
    world = let(flight(), rules=(needs("RU"),), refused=1.0)
    (record,) = world.records.values()
    assert (record.status, record.plan.outcome) == ("cancelled", "needs-permit")
    assert "CAA RU" in next(e.detail for e in world.log if e.event == "cancelled")


def test_a_late_answer_is_waited_for_or_gone_without(let: Let) -> None:
    rules = (needs("LT", lead_time_days=3),)
    always_late = {"late": 1.0, "ask_days": 3.0, "late_days": 0.05}
    waited = let(flight(), rules=rules, wait_hours=240.0, **always_late)
    (record,) = waited.records.values()
    (request,) = waited.permits
    assert request.late
    assert request.answered_ms > EOBT_MS
    assert record.off_block_ms == request.answered_ms
    assert "LT" in states(waited)[0]
    went = let(flight(), rules=rules, wait_hours=0.0, **always_late)
    (record,) = went.records.values()
    assert record.off_block_ms == EOBT_MS
    assert "LT" not in states(went)[0]


def test_an_authority_answers_so_many_a_day_and_first_whoever_asked_first(let: Let) -> None:
    rules = (needs("LT", lead_time_days=3),)
    flights = [flight(days=d, scheduled=False) for d in range(3)]
    free = let(*flights, rules=rules, ask_days=5.0).permits
    assert [r.answered_ms - r.asked_ms for r in free] == [3 * DAY_MS] * 3
    busy = let(*flights, rules=rules, ask_days=5.0, answers_per_day=0.5).permits
    assert [r.answered_ms - r.asked_ms for r in busy] == [3 * DAY_MS, 4 * DAY_MS, 5 * DAY_MS]
    assert [r.late for r in busy] == [False, True, True]
    enough = let(*flights, rules=rules, ask_days=5.0, answers_per_day=1.0).permits
    assert enough == free


def test_a_permit_runs_out_while_the_flight_waits_for_another(let: Let) -> None:
    rules = (needs("LT", lead_time_days=1, validity_hours=1), needs("RU", lead_time_days=30))
    world = let(
        flight(), rules=rules, late=1.0, ask_days=30.0, late_days=0.2, wait_hours=240.0
    )  # fmt: skip
    by_rule = {r.rule_id: r for r in world.permits}
    assert by_rule["ASK-LT"].answered_ms < EOBT_MS
    late_ms = by_rule["ASK-RU"].answered_ms - EOBT_MS
    (record,) = world.records.values()
    assert record.off_block_ms == EOBT_MS + late_ms
    assert ("LT" in states(world)[0]) is (late_ms <= 3_600_000)


def test_answers_depend_on_the_seed_and_on_no_other_request(let: Let) -> None:
    rules = (needs("LT"), needs("RU"))
    flights = [flight(f"BRU{n}") for n in range(12)]
    some = let(*flights[:6], rules=rules, refused=0.5, ask_days=10.0).permits
    more = let(*flights, rules=rules, refused=0.5, ask_days=10.0).permits
    by_name = {(r.rule_id, r.subject): r for r in more}
    assert all(by_name[r.rule_id, r.subject] == r for r in some)
    assert {r.granted for r in more} == {True, False}


def test_a_refused_permit_closes_what_it_would_have_opened(
    lawless: Callable[..., Scenario],
) -> None:
    world = lawless(needs("LT"))
    refused = replace(flight(), circumstances=Circumstances(refused=frozenset({"ASK-LT"})))
    free, barred = plan_flights(world, [flight(), refused])
    assert free.route is not None
    assert barred.route is not None
    assert free.permits == ("ASK-LT",)
    assert (barred.outcome, barred.blocking_rules) == ("detour", ("ASK-LT",))
    (closed,) = {d.outcome for _, d in barred.closed}
    assert closed is Outcome.NOT_PERMITTED


@pytest.mark.parametrize("at", ["2025-09-15T07:00Z", "2025-09-15T08:20Z"])
def test_what_was_refused_stays_refused_when_the_plan_changes_again(let: Let, at: str) -> None:
    """News at planning or in the air close the way round; the way refused is no way out."""
    asked = (needs("LT", lead_time_days=3),)
    (around,) = states(let(flight(), rules=asked, refused=1.0))
    closed = sorted(around - {"BY", "RU"})
    assert closed
    news = make_rule("NEWS", where=[{"territory": closed}], when={"from": at, "published": at})
    world = let(flight(), rules=(*asked, news), refused=1.0)
    (record,) = world.records.values()
    assert "LT" not in {
        stay.designator for stay in record.current.crossings if stay.layer == "territory"
    }
    assert {d.outcome for d in record.met} <= {Outcome.PERMITTED}
