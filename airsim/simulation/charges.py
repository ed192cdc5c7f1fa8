"""What flights owe for the airspace they were filed through.

A State charges for all its FIRs as one zone: by the great circle from entry to exit of the last
plan filed before departure, whatever was flown then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from airsim.base import format_instant
from airsim.geodesy import geodesic_km, place_along
from airsim.performance import load_tariffs
from airsim.planning import Plan
from airsim.scenario import Scenario
from airsim.simulation.state import FlightRecord

# FIRs of one State that are closer along the route than this are passed through in one go.
_GAP_KM = 1.0


@dataclass(slots=True)
class _Passage:
    """Through the FIRs of one State without leaving them; km along the plan."""

    plan: Plan
    number: int
    leg: int
    state: str
    entry_km: float
    exit_km: float


def list_charges(scenario: Scenario, records: Iterable[FlightRecord]) -> list[dict[str, Any]]:
    """Charges of all flights that flew: one row per flight, leg and State."""
    plans = [record.plan for record in records if record.landing_ms is not None]
    passages = [p for number, plan in enumerate(plans) for p in _pass(scenario, plan, number)]
    if not passages:
        return []
    lines = [plan.route.points for plan in plans if plan.route is not None]
    start = np.cumsum([0, *(len(line) for line in lines)]).astype(np.int64)
    lonlat = np.concatenate(lines)
    at = np.array([p.number for p in passages])
    entry_km, exit_km = np.array([(p.entry_km, p.exit_km) for p in passages]).T
    lon, lat = lonlat[:, 0], lonlat[:, 1]
    x0, y0, _ = place_along(lon, lat, start, at, entry_km)
    x1, y1, _ = place_along(lon, lat, start, at, exit_km)
    length = geodesic_km(x0, y0, x1, y1).tolist()
    owed: dict[tuple[int, int, str], list[float]] = {}
    for passage, km in zip(passages, length, strict=True):
        owed.setdefault((passage.number, passage.leg, passage.state), []).append(km)
    return [_charge(scenario, plans[key[0]], *key[1:], km) for key, km in owed.items()]


def _pass(scenario: Scenario, plan: Plan, number: int) -> Iterator[_Passage]:
    """Passages of a plan by State, in order; legs apart, for each has its own take-off."""
    route, states = plan.route, scenario.atlas.layer("fir").state
    assert route is not None
    latest: dict[tuple[int, str], _Passage] = {}
    for stay in plan.crossings:
        if stay.layer != "fir":
            continue
        leg = max(
            k for k, start in enumerate(route.leg_start_ms) if not k or start <= stay.entry_ms
        )
        state = states[stay.row]
        before = latest.get((leg, state))
        if before is not None and stay.entry_km <= before.exit_km + _GAP_KM:
            before.exit_km = max(before.exit_km, stay.exit_km)
            continue
        found = _Passage(plan, number, leg, state, stay.entry_km, stay.exit_km)
        if before is not None:
            yield before
        latest[leg, state] = found
    yield from latest.values()


def _charge(
    scenario: Scenario, plan: Plan, leg: int, state: str, lengths: list[float]
) -> dict[str, Any]:
    route = plan.route
    assert route is not None
    names = (plan.flight.adep, *route.stops, plan.flight.ades)[leg : leg + 2]
    inside = sum(scenario.aerodromes[name].state == state for name in names)
    charge = load_tariffs().charge_overflight(
        state, sum(lengths), scenario.types[plan.facts.typecode or ""].mtow_kg,
        year=int(format_instant(route.leg_start_ms[leg])[:4]),
        operator_state=plan.facts.licensed_in or "", ends_inside=inside,
    )  # fmt: skip
    return {
        "flight_id": plan.flight.flight_id, "leg": leg, "state": state, "passages": len(lengths),
        "distance_km": sum(lengths), "ends_inside": inside, "amount": charge.amount,
        "currency": charge.currency, "tariff_year": charge.year, "mark": charge.mark,
        "assumed": charge.assumed, "source": charge.source,
    }  # fmt: skip
