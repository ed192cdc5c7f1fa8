"""What a flight does when the law ahead of it changes while it is in the air.

It goes on by another way if there is one and the fuel suffices; else it turns back; else it lands
at the nearest aerodrome that may and can receive it; if there is none, it lands at the nearest
within reach as an emergency, whatever the law.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from airsim.geodesy import geodesic_km, inverse_geodesic, place_along
from airsim.operation import Flight
from airsim.performance import payload_for_seats, reach_km, time_at
from airsim.planning import TECHNICAL_STOPS, Airborne, Plan, plan_flights
from airsim.scenario import Scenario

MINUTE_MS = 60_000
_MOST_TRIED = 12  # aerodromes asked for, nearest first


@dataclass(frozen=True, slots=True)
class Reaction:
    """What a flight does now: the event for the log, and the plan from here.

    `event` is ``rerouted``, ``returned``, ``diverted`` or ``emergency``.
    """

    event: str
    plan: Plan


def find_position(
    scenario: Scenario, plan: Plan, shift_ms: int, now_ms: int
) -> tuple[Airborne, float]:
    """Where a flight is that follows its plan, everything moved by one span; km done on it."""
    route = plan.route
    assert route is not None
    leg = max(
        k for k, start in enumerate(route.leg_start_ms) if k == 0 or start + shift_ms <= now_ms
    )
    aircraft = scenario.types[plan.facts.typecode or ""]
    before = plan.airborne if leg == 0 else None
    flown = before.flown_km if before is not None else 0.0
    total = route.leg_km[leg] + flown
    # The profile gives time by distance; it rises, so that distance by time is its inverse.
    km = np.linspace(flown, total, 400)
    minutes = time_at(aircraft, km, total)
    spent = (now_ms - shift_ms - route.leg_start_ms[leg]) / MINUTE_MS
    on_leg = float(np.interp(spent + (minutes[0] if flown else 0.0), minutes, km)) - flown
    done_km = sum(route.leg_km[:leg]) + on_leg
    lon, lat = _place_on(route.points, done_km)
    payload_kg = payload_for_seats(aircraft, plan.facts.seats)
    left = reach_km(aircraft, _loaded_for(plan, leg), flown + on_leg, payload_kg)
    crossed = set(before.crossed if before is not None else ())
    crossed |= {
        stay.designator
        for stay in plan.crossings
        if stay.layer == "territory" and stay.entry_ms + shift_ms <= now_ms
    }
    position = Airborne(
        lon, lat, now_ms, flown + on_leg, float(left), frozenset(crossed), _loaded_for(plan, leg)
    )
    return position, done_km


def _loaded_for(plan: Plan, leg: int) -> float:
    """Route length for which the tanks were filled at the last take-off."""
    assert plan.route is not None
    if leg == 0 and plan.airborne is not None:
        return plan.airborne.loaded_km
    return plan.route.leg_km[leg]


def cut_line(points: NDArray[np.float64], km: float) -> NDArray[np.float64]:
    """Part of a line of geodesic legs, (lon, lat), up to a distance."""
    a, b = points[:-1], points[1:]
    _, length = inverse_geodesic(a[:, 0], a[:, 1], b[:, 0], b[:, 1])
    passed = int(np.searchsorted(np.cumsum(length), km)) + 1
    return np.concatenate((points[:passed], [_place_on(points, km)]))


def _place_on(points: NDArray[np.float64], km: float) -> tuple[float, float]:
    """Longitude and latitude at a distance along a line of geodesic legs."""
    whole = np.array([0, len(points)])
    lon, lat, _ = place_along(points[:, 0], points[:, 1], whole, np.array([0]), np.array([km]))
    return float(lon[0]), float(lat[0])


def react(
    scenario: Scenario, plan: Plan, position: Airborne, aerodromes: Iterable[str]
) -> Reaction:
    """Choose what to do by the law published by now and the fuel left.

    Parameters
    ----------
    scenario : Scenario
    plan : Plan
        What is flown so far.
    position : Airborne
    aerodromes : iterable of str
        Where it might divert, beside large aerodromes with fuel at any hour.

    Returns
    -------
    Reaction
    """
    flight = plan.flight
    (onward,) = plan_flights(scenario, [flight], airborne=position)
    if onward.feasible:
        return Reaction("rerouted", onward)
    tried = _choose_diversions(scenario, flight, position, aerodromes)
    elsewhere = [replace(flight, ades=icao) for icao in tried]
    plans = plan_flights(scenario, elsewhere, airborne=position)
    for icao, found in zip(tried, plans, strict=True):
        if found.feasible and found.route is not None and not found.route.stops:
            return Reaction("returned" if icao == flight.adep else "diverted", found)
    # the fuel was loaded for the destination: where nothing else is within reach, that is
    nearest = replace(flight, ades=tried[1]) if len(tried) > 1 else flight
    (down,) = plan_flights(scenario, [nearest], airborne=position, heedless=True)
    return Reaction("emergency", down)


def _choose_diversions(
    scenario: Scenario, flight: Flight, position: Airborne, aerodromes: Iterable[str]
) -> list[str]:
    """Aerodromes within reach: the one of departure, then the nearest."""
    names = sorted(({*TECHNICAL_STOPS, *aerodromes} & set(scenario.aerodromes)) - {flight.ades})
    spots = [scenario.aerodromes[name] for name in names]
    away = geodesic_km(
        position.lon, position.lat,
        np.array([spot.lon for spot in spots]), np.array([spot.lat for spot in spots]),
    )  # fmt: skip
    near = sorted(
        (round(1000.0 * km), name)
        for km, name in zip(away.tolist(), names, strict=True)
        if km <= position.reach_km
    )
    order = [name for _, name in near if name != flight.adep][:_MOST_TRIED]
    return [flight.adep, *order]
