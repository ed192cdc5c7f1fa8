"""Laws that hold for every run: small worlds drawn at random, with all that may happen in one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from conservation import check_run, describe_log
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle import make_rule

from airsim.base import format_instant, parse_instant
from airsim.law import Rule, make_hours_rule, make_limit_rule
from airsim.operation import Flight, Tail, Upkeep
from airsim.results import Results
from airsim.scenario import ClosureProcess, Options, PermitModel, Scenario
from airsim.simulation import simulate, tabulate_world, trace_flights

HOUR_MS = 3_600_000
START_MS = parse_instant("2025-09-15T04:00Z")
PAPER: dict[str, Any] = {"confidence": "assumed", "source": "assumed", "when": {}}
BASE = "UMMS"
# Where flights go, and States that their way may be barred in; Delhi is beyond an E195's range.
OUTSTATIONS = {
    "UMKK": ("LT", "LV", "RU", "BY"), "UUEE": ("RU", "BY"), "UGTB": ("RU", "GE", "BY"),
    "VIDP": ("RU", "KZ", "UZ", "AF", "PK", "IN", "BY"),
}  # fmt: skip
Small = dict[str, Any]

few = settings(
    max_examples=20, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)  # fmt: skip


def stamp(hours: float) -> str:
    return format_instant(START_MS + round(hours * HOUR_MS))


@st.composite
def timetables(draw: st.DrawFn) -> tuple[Flight, ...]:
    """Pairs of legs from the base and back, some single legs, now and then a question."""
    flights = []
    for number in range(draw(st.integers(1, 4))):
        ades = draw(st.sampled_from(sorted(OUTSTATIONS)))
        typecode = draw(st.sampled_from(["B738", "E195"]))
        out_ms = START_MS + draw(st.integers(6, 36)) * HOUR_MS // 2
        scheduled, probe = draw(st.booleans()), draw(st.sampled_from([False] * 5 + [True]))
        back_ms = out_ms + draw(st.integers(4, 12)) * HOUR_MS
        legs = [(BASE, ades, out_ms), (ades, BASE, back_ms)][: draw(st.sampled_from([2, 2, 1]))]
        flights += [
            Flight(
                f"F{number}{k}", f"BRU{number}{k}", "BRU", adep, end, at_ms, at_ms + 2 * HOUR_MS,
                typecode, scheduled=scheduled, probe=probe,
            )
            for k, (adep, end, at_ms) in enumerate(legs)
        ]  # fmt: skip
    return tuple(sorted(flights, key=lambda f: (f.eobt_ms, f.flight_id)))


def tails() -> st.SearchStrategy[tuple[Tail, ...]]:
    kinds = st.tuples(
        st.sampled_from(["B738", "E195"]), st.sampled_from(["active"] * 4 + ["stored"])
    )
    return (st.just([]) | st.lists(kinds, min_size=1, max_size=5)).map(
        lambda drawn: tuple(
            Tail(f"EW-{n}PA", typecode, None, "BY", "BY", None, "", "", status, operator="BRU")
            for n, (typecode, status) in enumerate(drawn)
        )
    )


@st.composite
def closures(draw: st.DrawFn, name: str, flights: tuple[Flight, ...]) -> Rule:
    """What is shut on the way of some flight: before it leaves, in the air, or without a word."""
    flight = draw(st.sampled_from(flights))
    (far,) = {flight.adep, flight.ades} - {BASE}
    since = (flight.eobt_ms - START_MS) / HOUR_MS
    published = since + draw(st.sampled_from([0.5, 1.0, 0.25, 1.5, 2.5, 4.0, 5.5, 6.0, -0.5, -4.0]))
    start = published + draw(st.sampled_from([0.0, 0.5, 3.0]))
    when = {"published": stamp(published), "from": stamp(start)}
    if draw(st.booleans()):
        when["to"] = stamp(start + draw(st.sampled_from([0.5, 2.0, 6.0])))
    kinds = [["overflight", "landing", "take-off"], ["landing"], ["overflight"], ["take-off"]]
    return make_rule(
        name, where=[{"territory": [draw(st.sampled_from(OUTSTATIONS[far]))]}], when=when,
        activities=draw(st.sampled_from(kinds)),
    )  # fmt: skip


@st.composite
def requirements(draw: st.DrawFn) -> Rule:
    """A routine permit, with a lead time or without, that runs out or does not."""
    permit: Small = {"authority": "CAA", "kind": "routine"}
    if draw(st.booleans()):
        permit |= {"lead_time_days": 2, "working_days": draw(st.booleans())}
    if draw(st.booleans()):
        permit["validity_hours"] = 2
    state = draw(st.sampled_from(["LT", "RU", "GE"]))
    return make_rule(
        "ASK", effect="require-permit", permit=permit, where=[{"territory": [state]}],
        activities=["overflight", "landing", "take-off"],
    )  # fmt: skip


@st.composite
def rulebooks(draw: st.DrawFn, flights: tuple[Flight, ...]) -> tuple[Rule, ...]:
    rules = [
        draw(closures(f"SHUT{k}", flights)) for k in range(draw(st.sampled_from([2, 1, 3, 0])))
    ]
    if draw(st.booleans()):
        rules.append(draw(requirements()))
    if draw(st.booleans()):
        rules.append(make_hours_rule("HOURS", "UUEE", ["06:00-16:00"], **PAPER))
    if draw(st.booleans()):
        rules.append(make_limit_rule("SLOTS", BASE, 1, **PAPER))
    return tuple(rules)


MODELS = st.builds(
    PermitModel, ask_days=st.sampled_from([1.0, 5.0]), refused=st.sampled_from([0.0, 0.5]),
    late=st.sampled_from([0.0, 0.7]), late_days=st.sampled_from([0.1, 2.0]),
    wait_hours=st.sampled_from([0.0, 6.0]),
)  # fmt: skip
OPTIONS = st.builds(
    Options, seed=st.integers(0, 5), in_flight=st.sampled_from(["react"] * 3 + ["continue"]),
    minimum_turn_ms=st.sampled_from([HOUR_MS // 2, 2 * HOUR_MS]),
)  # fmt: skip


def make_upkeep(**changes: Any) -> Upkeep:
    rows: Small = {
        "schema": 1, "base": BASE, "bays": 1,
        "check": [{"name": "A", "every_hours": 3.0, "takes_hours": 4.0, "source": "a test",
                   "confidence": "assumed"}],
        "removal": [{"per_1000_hours": 300.0, "source": "a test", "confidence": "assumed"}],
        "channel": [{"name": "parts", "share": 1.0, "item": "9A991", "regimes": ["EAR"],
                     "open_days": 0.2, "barred_days": 9.0, "source": "a test",
                     "confidence": "assumed"}],
    }  # fmt: skip
    return Upkeep.model_validate(rows | changes)


def surprises() -> st.SearchStrategy[tuple[ClosureProcess, ...]]:
    """Aerodromes that close by chance, without notice."""
    process = ClosureProcess(
        "BALLOONS", (("aerodrome", ("UUEE", "UMKK", "UGTB")),), 3.0, (), "exponential", (1.5,), 0.0,
        START_MS, START_MS + 30 * HOUR_MS, "a test", "assumed",
    )  # fmt: skip
    return st.sampled_from([(), (process,)])


@st.composite
def worlds(draw: st.DrawFn) -> Small:
    """Rules, flights, and everything else that a scenario may hold."""
    flights = draw(timetables())
    return {
        "rules": draw(rulebooks(flights)), "flights": flights, "fleet": draw(tails()),
        "options": draw(OPTIONS), "permits": draw(st.none() | MODELS),
        "upkeep": draw(st.none() | st.just(make_upkeep())), "surprises": draw(surprises()),
    }  # fmt: skip


Under = Callable[..., Scenario]


def build(lawless: Under, world: Small, **changes: Any) -> Scenario:
    given_ = {**world, **changes}
    scenario = lawless(*given_.pop("rules"))
    return replace(scenario, start_ms=START_MS, end_ms=START_MS + 48 * HOUR_MS, **given_)


@few
@given(worlds())
def test_every_law_of_conservation_holds_whatever_happens(lawless: Under, world: Small) -> None:
    scenario = build(lawless, world)
    check_run(scenario, simulate(scenario))


@few
@given(worlds(), st.integers(0, 5))
def test_equal_seeds_give_equal_bytes(lawless: Under, world: Small, seed: int) -> None:
    options = replace(world["options"], seed=seed)
    hashes, traces, logs = [], [], []
    for _ in range(2):
        scenario = build(lawless, world, options=options)
        ran = simulate(scenario)
        hashes.append(Results(tabulate_world(scenario, ran)).content_hash)
        traces.append([c.tobytes() for c in trace_flights(scenario, ran).values()
                       if c.dtype != object])  # fmt: skip
        logs.append(describe_log(ran))
    assert logs[0] == logs[1]
    assert hashes[0] == hashes[1]
    assert traces[0] == traces[1]


@few
@given(worlds(), MODELS)
def test_a_stream_that_changes_moves_no_other(
    lawless: Under, world: Small, model: PermitModel
) -> None:
    """Faults leave the answers of authorities where they were, and the other way round."""
    answers = [
        simulate(build(lawless, world, permits=model, upkeep=upkeep)).permits
        for upkeep in (None, make_upkeep())
    ]
    assert answers[0] == answers[1]
    quiet = tuple(rule for rule in world["rules"] if rule.effect == "prohibit")
    logs = [
        describe_log(simulate(build(
            lawless, world, rules=quiet, permits=permits, upkeep=make_upkeep()
        )))
        for permits in (None, model)
    ]  # fmt: skip
    assert logs[0] == logs[1]


# ------------------------------------------------------------------- what random worlds seldom do
STOPPING = Flight("F", "BRU1", "BRU", BASE, "VIDP", START_MS, START_MS + 7 * HOUR_MS, "E195")


@pytest.mark.parametrize("state", ["IN", "PK", "KZ"])
@pytest.mark.parametrize("after_min", [-30, 0, 1, 59, 60, 65, 75])
def test_news_at_a_fuel_stop_is_answered_on_the_ground(
    lawless: Under, state: str, after_min: int
) -> None:
    """Whoever stands at a stop goes on from there another way, or stays; it does not take off
    twice, nor land without having taken off."""
    free = simulate(replace(lawless(), flights=(STOPPING,), fleet=()))
    route = free.records["F"].plan.route
    assert route is not None
    (stop,) = route.stops
    landed = (route.leg_start_ms[0] - START_MS) / HOUR_MS + route.leg_block_min[0] / 60.0
    at = stamp(landed + after_min / 60.0)
    news = make_rule(
        "NEWS", where=[{"territory": [state]}], when={"published": at, "from": at},
        activities=["overflight", "landing", "take-off"],
    )  # fmt: skip
    scenario = replace(lawless(news), flights=(STOPPING,), fleet=(), start_ms=START_MS,
                       end_ms=START_MS + 48 * HOUR_MS)  # fmt: skip
    world = simulate(scenario)
    check_run(scenario, world)
    record = world.records["F"]
    events = [e.event for e in world.log if e.event in ("take-off", "landing")]
    on_ground = 0 < after_min <= 72
    if on_ground and state == "IN":
        assert (record.status, record.landed_at) == ("diverted", stop)
        assert events == ["take-off", "landing"]
    if state == "PK":
        assert record.status == "flown"
        assert events == ["take-off", "landing"] * 2
        assert "PK" not in {
            s.designator for s in record.current.crossings if s.layer == "territory"
        }


def test_groundings_follow_one_another(lawless: Under) -> None:
    """Enough flying that every tail is in the hangar more than once."""
    flights = []
    for day in range(6):
        for hour, (adep, ades) in zip((2, 5, 9, 12), [(BASE, "UUEE"), ("UUEE", BASE)] * 2,
                                      strict=True):  # fmt: skip
            at_ms = START_MS + (24 * day + hour) * HOUR_MS
            name = f"{day}-{hour:02}"
            flights.append(Flight(name, name, "BRU", adep, ades, at_ms, at_ms + HOUR_MS, "B738"))
    fleet = tuple(
        Tail(f"EW-{n}PA", "B738", None, "BY", "BY", None, "", "", "active", operator="BRU")
        for n in range(2)
    )
    world = {"rules": (), "flights": tuple(flights), "fleet": fleet, "upkeep": make_upkeep()}
    scenario = build(lawless, world)
    ran = simulate(scenario)
    check_run(scenario, ran)
    for aircraft in ran.fleet:
        assert len(aircraft.groundings) > 2
        assert all(a.end_ms <= b.start_ms for a, b in pairwise(aircraft.groundings))
