"""Totals of a run: sums over the rows of its tables, so that whoever adds them up gets the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from math import fsum
from typing import Any

from airsim.law import Rule
from airsim.performance import DEFAULT_POLICY
from airsim.results import SCHEMAS, Table
from airsim.simulation.state import PermitApplication

Row = dict[str, Any]
WHOLE = "all"
_LATE_MIN = 15.0
_DAY_MS = 86_400_000


def list_rows(name: str, table: Table) -> Iterator[Row]:
    """Rows of a table."""
    names = [column.name for column in SCHEMAS[name]]
    for values in zip(*(table[n] for n in names), strict=True):
        yield dict(zip(names, values, strict=True))


def total_airspace(tables: Mapping[str, Table]) -> list[Row]:
    """Use of each airspace as flown, and of each State's charging zone as filed."""
    used: dict[tuple[str, str], list[Row]] = {}
    for row in list_rows("crossings", tables["crossings"]):
        if row["flown_km"] is not None and (row["entered"] or row["flown_min"]):
            used.setdefault((row["layer"], row["designator"]), []).append(row)
    found = [
        {
            "layer": layer, "designator": designator, "title": rows[0]["title"],
            "flights": len({row["flight_id"] for row in rows}),
            "entries": sum(row["entered"] for row in rows),
            "distance_km": fsum(row["flown_km"] for row in rows),
            "minutes": fsum(row["flown_min"] for row in rows), "charges": "", "estimates": "",
            "unpriced": None,
        }
        for (layer, designator), rows in sorted(used.items())
    ]  # fmt: skip
    zones: dict[str, list[Row]] = {}
    for row in list_rows("charges", tables["charges"]):
        zones.setdefault(row["state"], []).append(row)
    return found + [
        {
            "layer": "charging-zone", "designator": state, "title": state,
            "flights": len({row["flight_id"] for row in rows}),
            "entries": sum(row["passages"] for row in rows),
            "distance_km": fsum(row["distance_km"] for row in rows), "minutes": None,
            **_add_charges(rows),
        }
        for state, rows in sorted(zones.items())
    ]  # fmt: skip


def _add_charges(rows: list[Row]) -> Row:
    """Amounts by currency, those by a tariff and those estimated; how many are not known."""
    priced = [row for row in rows if row["amount"] is not None]
    return {
        "charges": _add_amounts(row for row in priced if row["mark"] != "U"),
        "estimates": _add_amounts(row for row in priced if row["mark"] == "U"),
        "unpriced": len(rows) - len(priced),
    }


def _add_amounts(rows: Iterable[Row]) -> str:
    amounts: dict[str, list[float]] = {}
    for row in rows:
        amounts.setdefault(row["currency"], []).append(row["amount"])
    return "; ".join(f"{name} {fsum(found):.2f}" for name, found in sorted(amounts.items()))


def _list_periods(flights: Iterable[Row]) -> dict[str, list[Row]]:
    """Flights of each month, and all of them."""
    every = [row for row in flights if not row["probe"]]
    months = sorted({row["eobt_utc"][:7] for row in every})
    found = {m: [row for row in every if row["eobt_utc"].startswith(m)] for m in months}
    return {**found, WHOLE: every}


def total_network(tables: Mapping[str, Table]) -> list[Row]:
    """What the network did, month by month and in all."""
    owed: dict[str, list[Row]] = {}
    for row in list_rows("charges", tables["charges"]):
        owed.setdefault(row["flight_id"], []).append(row)
    return [
        _total_period(period, flights, [c for f in flights for c in owed.get(f["flight_id"], ())])
        for period, flights in _list_periods(list_rows("flights", tables["flights"])).items()
    ]


def _total_period(period: str, rows: list[Row], charges: list[Row]) -> Row:
    flew = [row for row in rows if row["flown_km"] is not None]
    flights = [row for row in rows if row["service"] != "ferry"]
    left = [row for row in flew if row["service"] != "ferry"]
    arrived = [row for row in left if not row["landed_at"]]

    def add(name: str, rows: list[Row]) -> float:
        return fsum(row[name] for row in rows)

    fuel_kg = add("flown_fuel_kg", flew)
    return {
        "period": period, "flights": len(flights), "flown": len(arrived),
        "elsewhere": len(left) - len(arrived),
        "cancelled": sum(row["status"] == "cancelled" for row in flights),
        "ferries": len(flew) - len(left),
        "late": sum(row["delay_min"] > _LATE_MIN for row in left),
        "delay_min": add("delay_min", left), "block_min": add("flown_block_min", flew),
        "flown_km": add("flown_km", flew), "direct_km": add("direct_km", flew),
        "detour_km": add("flown_km", arrived) - add("direct_km", arrived),
        "fuel_kg": fuel_kg, "co2_kg": fuel_kg * DEFAULT_POLICY.co2_kg_per_kg,
        "seats_offered": sum(row["seats"] for row in flights),
        "seats_flown": sum(row["seats"] for row in arrived), **_add_charges(charges),
    }  # fmt: skip


def total_cancellations(tables: Mapping[str, Table]) -> list[Row]:
    """Flights cancelled by cause and rule, month by month and in all."""
    found = []
    for period, flights in _list_periods(list_rows("flights", tables["flights"])).items():
        counts = Counter(
            (row["cause"], rule)
            for row in flights
            if row["status"] == "cancelled" and row["service"] != "ferry"
            for rule in row["cancelled_by"].split() or [""]
        )
        found += [
            {"period": period, "cause": cause, "rule": rule, "flights": number}
            for (cause, rule), number in sorted(counts.items())
        ]
    return found


def total_authorities(
    rules: Mapping[str, Rule], tables: Mapping[str, Table], requests: Iterable[PermitApplication]
) -> list[Row]:
    """What each authority was asked for, how it answered, and how many flights hang on it."""
    flights: dict[str, set[str]] = {}
    lead: dict[str, float] = {}
    for row in list_rows("flights", tables["flights"]):
        for name in () if row["probe"] else row["permits"].split():
            permit = rules[name].permit
            if permit is None:
                continue
            flights.setdefault(permit.authority, set()).add(row["flight_id"])
            if permit.lead_time_days is not None:
                days = max(permit.lead_time_days, lead.get(permit.authority, 0.0))
                lead[permit.authority] = days
    asked: dict[str, list[PermitApplication]] = {}
    for request in requests:
        asked.setdefault(request.authority, []).append(request)
    return [
        {
            "authority": name, "flights": len(flights.get(name, ())), "lead_days": lead.get(name),
            **_total_requests(asked.get(name, [])),
        }
        for name in sorted({*flights, *asked})
    ]  # fmt: skip


def _total_requests(requests: list[PermitApplication]) -> Row:
    days = [(request.answered_ms - request.asked_ms) / _DAY_MS for request in requests]
    steps = [(request.asked_ms, 1) for request in requests]
    steps += [(request.answered_ms, -1) for request in requests]
    waiting, most = 0, 0
    for _, step in sorted(steps):  # at one instant answers go out before more is asked
        waiting += step
        most = max(most, waiting)
    return {
        "applications": len(requests), "granted": sum(r.granted for r in requests),
        "refused": sum(not r.granted for r in requests), "late": sum(r.late for r in requests),
        "answer_days": fsum(days) / len(days) if days else None,
        "longest_answer_days": max(days, default=None), "longest_queue": most,
    }  # fmt: skip
