"""How far a flight's aircraft is from its range, and what it would leave behind to need no stop.

A fuel stop costs time, leaving seats empty costs fares; which is chosen is the operator's to say.
Here only both sides are told: the permitted way without a stop, as it would be with fuel for any
distance, and the payload with which the type gets that far.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import ceil, isnan

from airsim.performance import AircraftType, max_payload_kg, max_range_km, payload_for_seats
from airsim.planning.plan import plan_flights
from airsim.planning.types import Plan
from airsim.scenario import Scenario

PASSENGER_KG = 100.0
_Way = tuple[object, ...]
# Masses beyond any aircraft: what limits a flight so large is not its fuel.
_NO_LIMIT = 1e9


@dataclass(frozen=True, slots=True)
class RangeMargin:
    """Range against route for one flight.

    Parameters
    ----------
    nonstop_km : float or None
        Permitted way without a fuel stop; None: there is none, whatever the range.
    reach_km : float
        Longest route that the aircraft flies with the payload carried.
    payload_kg : float
        Payload carried: the usual share of its seats, with bags; cargo on wide-bodies.
    most_kg : float or None
        Payload with which it flies the way without a stop: 0 or less, not even empty; None,
        unknown beyond the published range of the type.
    seats : int
        Passengers in the payload carried.
    confidence : str
        Mark of the type's masses: V read, K known but unverified, U estimate.
    stops : tuple of str
        Fuel stops that are planned.
    stop_km : float or None
        Length of the way with them.
    """

    nonstop_km: float | None
    reach_km: float
    payload_kg: float
    most_kg: float | None
    seats: int
    confidence: str
    stops: tuple[str, ...]
    stop_km: float | None

    @property
    def margin_km(self) -> float | None:
        """By how much the range exceeds the way without a stop; negative: falls short."""
        return None if self.nonstop_km is None else self.reach_km - self.nonstop_km

    @property
    def left_kg(self) -> float | None:
        """What must stay behind to fly without a stop; None: unknown, or there is no such way."""
        if self.nonstop_km is None or self.most_kg is None:
            return None
        return max(0.0, self.payload_kg - self.most_kg)

    @property
    def left_seats(self) -> int | None:
        """Passengers who must stay behind, if nothing else can; all of them may not be enough."""
        left = self.left_kg
        return None if left is None else min(self.seats, ceil(left / PASSENGER_KG))

    @property
    def says(self) -> str:
        """One line in plain words."""
        if self.nonstop_km is None:
            return "no permitted way without a stop, whatever the range"
        far = f"without a stop {self.nonstop_km:,.0f} km, range {self.reach_km:,.0f} km"
        if self.margin_km is not None and self.margin_km >= 0.0:
            return f"{far}: {self.margin_km:,.0f} km to spare with {self.seats} passengers"
        if self.most_kg is None:
            return f"{far}: beyond the published range of the type; with how many seats is unknown"
        if self.most_kg < 0.0:
            return f"{far}: too far even for the empty aircraft"
        return (
            f"{far}: {self.left_kg:,.0f} kg, {self.left_seats} of {self.seats} passengers, would "
            "have to stay behind"
        )


def weigh_ranges(scenario: Scenario, plans: Iterable[Plan]) -> tuple[RangeMargin | None, ...]:
    """Range against route for planned flights.

    Parameters
    ----------
    scenario : Scenario
        In which they were planned.
    plans : iterable of Plan

    Returns
    -------
    tuple of RangeMargin or None
        None for flights that are not made, whatever their range. Those planned with a stop, or
        out of range, are planned once more with fuel for any distance; of those alike, one.
    """
    listed = list(plans)
    short: dict[_Way, Plan] = {}
    for plan in listed:
        too_far = "within the range" in plan.reason if plan.route is None else plan.route.stops
        if too_far:
            short.setdefault(_describe_way(plan), plan)
    found: dict[_Way, Plan] = {}
    for lead_ms in sorted({plan.flight.eobt_ms - plan.planned_ms for plan in short.values()}):
        group = {k: p for k, p in short.items() if p.flight.eobt_ms - p.planned_ms == lead_ms}
        world = replace(
            scenario, types={code: _unbind(kind) for code, kind in scenario.types.items()},
            options=replace(scenario.options, planning_lead_ms=lead_ms),
        )  # fmt: skip
        endless = plan_flights(world, [plan.flight for plan in group.values()])
        found |= dict(zip(group, endless, strict=True))
    weighed: dict[_Way, RangeMargin | None] = {}
    for plan in listed:
        way = _describe_way(plan)
        if way not in weighed:
            weighed[way] = _weigh(scenario, plan, found.get(way, plan))
    return tuple(weighed[_describe_way(plan)] for plan in listed)


def _describe_way(plan: Plan) -> _Way:
    """Flights alike: the same ends, type and seats, led the same way for the same rules."""
    route = plan.route
    return (
        plan.flight.operator, plan.flight.adep, plan.flight.ades, plan.facts.typecode,
        plan.facts.seats, plan.blocking_rules,
        None if route is None else (round(route.distance_km * 1000.0), route.stops),
    )  # fmt: skip


def _unbind(aircraft: AircraftType) -> AircraftType:
    """The type with fuel for any distance."""
    return replace(aircraft, mtow_kg=_NO_LIMIT, usable_fuel_kg=_NO_LIMIT, range_nm=_NO_LIMIT)


def _weigh(scenario: Scenario, plan: Plan, endless: Plan) -> RangeMargin | None:
    if plan.route is None and endless is plan:
        return None
    aircraft = scenario.types[plan.facts.typecode or ""]
    payload_kg = float(payload_for_seats(aircraft, plan.facts.seats))
    km = None if endless.route is None else endless.route.distance_km
    most_kg = None if km is None else float(max_payload_kg(aircraft, km))
    seats = aircraft.seats_typical if plan.facts.seats is None else plan.facts.seats
    return RangeMargin(
        km, float(max_range_km(aircraft, payload_kg)), payload_kg,
        None if most_kg is None or isnan(most_kg) else most_kg,
        min(round(0.8 * seats), int(payload_kg // PASSENGER_KG)), aircraft.mass_confidence,
        plan.route.stops if plan.route is not None else (),
        plan.route.distance_km if plan.route is not None else None,
    )  # fmt: skip
