"""What holds for every run, whatever happens in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import groupby, pairwise
from math import fsum
from typing import Any

import pytest

from airsim.base import format_instant
from airsim.performance import DEFAULT_POLICY
from airsim.results import Results
from airsim.scenario import Scenario
from airsim.simulation import FlightRecord, World, tabulate_world

ENDINGS = ("flown", "returned", "diverted", "cancelled", "probe")
Row = dict[str, Any]


def check_run(scenario: Scenario, world: World) -> Results:
    """Hold a run to every law of conservation; return its tables."""
    check_log(world)
    for record in world.records.values():
        check_flight(world, record)
    check_tails(world)
    results = Results(tabulate_world(scenario, world))
    check_fuel(results)
    check_airspace(results)
    check_network(results)
    return results


def check_log(world: World) -> None:
    """The log is in one order: by time, then what is no flight's, then by flight."""
    order = [(event.time_ms, event.flight_id) for event in world.log]
    assert order == sorted(order)
    known = {aircraft.tail.registration for aircraft in world.fleet}
    for event in world.log:
        assert not event.flight_id or event.flight_id in world.records
        if event.flight_id:
            assert event.registration in known | {""}


def events_of(world: World, flight_id: str) -> list[str]:
    return [event.event for event in world.log if event.flight_id == flight_id]


def check_flight(world: World, record: FlightRecord) -> None:
    """Every flight ends, once, and in one way; whoever takes off lands."""
    events = events_of(world, record.flight.flight_id)
    assert record.status in ENDINGS
    assert events.count("planned") + events.count("ferry") == 1
    counts = Counter(events)
    assert counts["cancelled"] == (record.status == "cancelled")
    ground = [e for e in events if e in ("take-off", "landing", "on-block")]
    assert ground == ["take-off", "landing", "on-block"] * counts["take-off"]
    flew = record.status in ("flown", "returned", "diverted")
    assert bool(counts["landing"]) == flew == (record.landing_ms is not None)
    assert bool(record.cause) == (record.status == "cancelled")
    if not flew:
        return
    assert record.off_block_ms is not None
    assert record.take_off_ms is not None
    assert record.landing_ms is not None
    assert record.flight.eobt_ms <= record.off_block_ms < record.take_off_ms < record.landing_ms
    assert record.on_block_ms == record.landing_ms + DEFAULT_POLICY.taxi_in_min * 60_000
    assert (record.landed_at in ("", record.flight.ades)) == (record.status == "flown")
    landings = [
        e.time_ms
        for e in world.log
        if (e.flight_id, e.event) == (record.flight.flight_id, "landing")
    ]
    assert landings[-1] == record.landing_ms


def check_tails(world: World) -> None:
    """No tail is in two places, or flies while it is grounded; its hours and flights add up."""
    for aircraft in world.fleet:
        name = aircraft.tail.registration
        flown = sorted(
            (r.off_block_ms or 0, r.on_block_ms, r.flight.adep, r.landed_at or r.flight.ades)
            for r in world.records.values()
            if r.registration == name and r.landing_ms is not None
        )
        assert len(flown) == aircraft.flights
        assert sum(b - a for a, b, _, _ in flown) == aircraft.block_ms
        for first, second in pairwise(flown):
            assert first[1] <= second[0]
            assert first[3] == second[2]
        for one, other in pairwise(aircraft.groundings):
            assert one.end_ms <= other.start_ms
        for g in aircraft.groundings:
            assert g.start_ms <= g.end_ms
            assert all(b <= g.start_ms or a >= g.end_ms for a, b, _, _ in flown)


def check_fuel(results: Results) -> None:
    """No tank runs dry, and nobody flies without burning."""
    for row in results.rows("flights"):
        if row["flown_km"] is None:
            assert row["flown_fuel_kg"] is row["fuel_left_kg"] is row["flown_block_min"] is None
        else:
            assert row["flown_fuel_kg"] > 0.0
            assert row["fuel_left_kg"] >= 0.0


def check_airspace(results: Results) -> None:
    """Each entry of the use of airspace is one line of the log; lengths and times add up."""
    logged = Counter(e["detail"] for e in results.rows("events") if e["event"] == "airspace-entry")
    used = [row for row in results.rows("airspace_use") if row["layer"] != "charging-zone"]
    entries = {f"{row['layer']} {row['designator']}": row["entries"] for row in used}
    assert {name: number for name, number in entries.items() if number} == logged
    for row in used:
        stays = [
            stay for stay in results.rows("crossings")
            if (stay["layer"], stay["designator"]) == (row["layer"], row["designator"])
            and stay["flown_km"] is not None
        ]  # fmt: skip
        assert row["distance_km"] == pytest.approx(fsum(s["flown_km"] for s in stays), abs=1e-6)
        assert row["minutes"] == pytest.approx(fsum(s["flown_min"] for s in stays), abs=1e-6)
    charges = list(results.rows("charges"))
    for row in results.rows("airspace_use"):
        if row["layer"] == "charging-zone":
            owed = [c for c in charges if c["state"] == row["designator"]]
            check_amounts(row, owed)
            assert row["entries"] == sum(c["passages"] for c in owed)
    # FIRs cover the world without overlap: what was flown was flown in them
    flown = {row["flight_id"]: row["flown_km"] for row in results.rows("flights")}
    for flight_id, rows in groupby(results.rows("crossings"), key=lambda row: row["flight_id"]):
        inside = [row["flown_km"] for row in rows if row["layer"] == "fir"]
        if flown[flight_id] is not None:
            assert fsum(inside) == pytest.approx(flown[flight_id], rel=0.005, abs=1.0)


def check_amounts(total: Row, rows: Iterable[Row]) -> None:
    """What is owed adds up, currency by currency; what is unknown is counted, not left out."""
    found = list(rows)
    assert total["unpriced"] == sum(row["amount"] is None for row in found)
    for column, marks in (("charges", ("V", "K")), ("estimates", ("U",))):
        said = dict(item.split() for item in total[column].split("; ") if item)
        owed = [r for r in found if r["amount"] is not None and r["mark"] in marks]
        assert set(said) == {row["currency"] for row in owed}
        for currency, amount in said.items():
            summed = fsum(row["amount"] for row in owed if row["currency"] == currency)
            assert float(amount) == pytest.approx(summed, abs=0.006)


def check_network(results: Results) -> None:
    """Whoever adds up the flights gets the totals."""
    flights = [row for row in results.rows("flights") if not row["probe"]]
    for total in results.rows("network"):
        mine = [f for f in flights if total["period"] in ("all", f["eobt_utc"][:7])]
        flew = [f for f in mine if f["aldt_utc"]]
        sold = [f for f in mine if f["service"] != "ferry"]
        statuses = Counter(f["status"] for f in sold)
        assert total["flights"] == len(sold) == sum(statuses.values())
        assert total["ferries"] == sum(f["service"] == "ferry" for f in flew)
        assert total["flown"] == statuses["flown"]
        assert total["elsewhere"] == statuses["returned"] + statuses["diverted"]
        assert total["cancelled"] == statuses["cancelled"]
        assert total["flown"] + total["elsewhere"] + total["cancelled"] == len(sold)
        for column, summed in (
            ("block_min", "flown_block_min"), ("flown_km", "flown_km"),
            ("fuel_kg", "flown_fuel_kg"), ("direct_km", "direct_km"),
        ):  # fmt: skip
            assert total[column] == pytest.approx(fsum(f[summed] for f in flew), abs=1e-6)
        assert total["co2_kg"] == pytest.approx(3.16 * total["fuel_kg"], abs=0.06)
        assert total["seats_offered"] == sum(f["seats"] for f in sold)
        late = fsum(f["delay_min"] for f in flew if f["service"] != "ferry")
        assert total["delay_min"] == pytest.approx(late, abs=1e-6)
        names = {f["flight_id"] for f in mine}
        check_amounts(total, (c for c in results.rows("charges") if c["flight_id"] in names))
        gone = [f for f in sold if f["status"] == "cancelled"]
        told = [c for c in results.rows("cancellations") if c["period"] == total["period"]]
        for row in told:
            same = [f for f in gone if f["cause"] == row["cause"]]
            rules = [f["cancelled_by"].split() or [""] for f in same]
            assert row["flights"] == sum(row["rule"] in found for found in rules)
        assert sum(row["flights"] for row in told) >= len(gone)
    # by tails: every flight of the fleet is one of the flights
    tails = list(results.rows("tails"))
    if tails:
        (whole,) = [row for row in results.rows("network") if row["period"] == "all"]
        flew = whole["flown"] + whole["elsewhere"] + whole["ferries"]
        assert sum(row["flights"] for row in tails) == flew
        rounding = 0.05 * (len(flights) + len(tails)) + 1e-6
        summed = fsum(row["block_min"] for row in tails)
        assert summed == pytest.approx(whole["block_min"], abs=rounding)


def describe_log(world: World) -> list[str]:
    """The log as text, for comparing runs."""
    return [
        f"{format_instant(e.time_ms)} {e.event} {e.flight_id} {e.registration} {e.detail}"
        for e in world.log
    ]
