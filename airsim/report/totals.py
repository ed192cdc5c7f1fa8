"""What was flown in all: sentences for the terminal, tables for the page."""

from __future__ import annotations

from typing import Any

from airsim.report.gather import Row
from airsim.report.printing import format_number
from airsim.results import Results

WHOLE = "all"
_CAUSES = {
    "law": "barred",
    "permit": "refused a permit",
    "slot": "without a place in the flow",
    "range": "out of range",
    "aircraft": "without an aircraft",
}


def _rows(results: Results, name: str) -> list[Row]:
    return list(results.rows(name)) if name in results.tables else []


def tell_totals(results: Results) -> str:
    """The whole run in a few sentences; empty if nothing was to be flown."""
    found = [row for row in _rows(results, "network") if row["period"] == WHOLE]
    if not found or not found[0]["flights"]:
        return ""
    (row,) = found
    said = f"Of {row['flights']:,} flights {row['flown']:,} arrived"
    if row["elsewhere"]:
        said += f", {row['elsewhere']:,} turned back or diverted"
    if row["cancelled"]:
        said += f", {row['cancelled']:,} cancelled ({_tell_causes(results)})"
    if row["ferries"]:
        said += f", {row['ferries']:,} flew home empty"
    said += (
        f": {format_number(row['block_min'] / 60.0)} block hours, "
        f"{format_number(row['flown_km'])} km ({format_number(row['detour_km'])} km of detours), "
        f"{format_number(row['fuel_kg'] / 1000.0)} t of fuel, "
        f"{format_number(row['co2_kg'] / 1000.0)} t of CO2, "
        f"{row['seats_flown']:,} of {row['seats_offered']:,} seats."
    )
    return f"{said} {_tell_charges(row)}".strip()


def _tell_causes(results: Results) -> str:
    """Flights cancelled by cause; one that several rules cancel counts once."""
    causes: dict[str, int] = {}
    for flight in results.rows("flights"):
        ferry = flight["service"] == "ferry"
        if flight["status"] == "cancelled" and not flight["probe"] and not ferry:
            causes[flight["cause"]] = causes.get(flight["cause"], 0) + 1
    return ", ".join(f"{causes[name]:,} {_CAUSES.get(name, name)}" for name in sorted(causes))


def _tell_charges(row: Row) -> str:
    if not (row["charges"] or row["estimates"] or row["unpriced"]):
        return ""
    parts = []
    if row["charges"]:
        parts.append(f"{format_amounts(row['charges'])} by tariffs read")
    if row["estimates"]:
        parts.append(f"{format_amounts(row['estimates'])} estimated")
    if row["unpriced"]:
        parts.append(f"no tariff known for {row['unpriced']:,} legs through a State")
    return f"En-route charges: {'; '.join(parts)}."


def format_amounts(text: str) -> str:
    """``EUR 1234.50; USD 2.00`` with whole thousands: ``EUR 1,235, USD 2``."""
    pairs = (item.split() for item in (text or "").split("; ") if item)
    return ", ".join(f"{currency} {round(float(amount)):,}" for currency, amount in pairs)


def gather_totals(results: Results) -> dict[str, Any]:
    """What the page shows of the totals: by month, by rule, by airspace, by authority."""
    months = _rows(results, "network")
    use = _rows(results, "airspace_use")
    cancelled = [row for row in _rows(results, "cancellations") if row["period"] == WHOLE]
    return {
        "said": tell_totals(results),
        # one month needs no line of its own beside the whole
        "months": months if len(months) > 2 else months[-1:],
        "cancelled": sorted(cancelled, key=lambda row: (-row["flights"], row["rule"])),
        "firs": [row for row in use if row["layer"] == "fir"],
        "territories": [row for row in use if row["layer"] == "territory"],
        "zones": [row for row in use if row["layer"] == "charging-zone"],
        "authorities": _rows(results, "authorities"),
    }
