"""Level and time along a route: climb, cruise, descent.

Simplified: 140 NM of climb and 120 NM of descent between the ground and FL350, both in proportion
for other cruise levels; steeper at the ground than near the top. A short route turns from climb to
descent where the two curves meet.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from airsim.performance.aircraft import AircraftType
from airsim.performance.fuel import DEFAULT_POLICY, FloatArray, FuelPolicy
from airsim.units import FT_PER_FL, KM_PER_NM

CLIMB_NM_AT_FL350 = 140.0
DESCENT_NM_AT_FL350 = 120.0
_CURVE = 1.6  # reaches FL110 in the first fifth of the climb


def climb_descent_km(aircraft: AircraftType) -> tuple[float, float]:
    """Ground distance of a full climb and a full descent, kilometres."""
    scale = aircraft.cruise_fl / 350.0 * KM_PER_NM
    return CLIMB_NM_AT_FL350 * scale, DESCENT_NM_AT_FL350 * scale


def level_at(aircraft: AircraftType, km: ArrayLike, total_km: ArrayLike) -> FloatArray:
    """Level at a place along a route.

    Parameters
    ----------
    aircraft : AircraftType
        Type flown.
    km : array_like
        Distance from the start, kilometres; values beyond the ends are taken at the ends.
    total_km : array_like
        Route length, kilometres.

    Returns
    -------
    ndarray of float
        Feet above the aerodromes' level (flight level times 100 in cruise); 0 at both ends.
    """
    total = np.asarray(total_km, dtype=np.float64)
    place = np.clip(np.asarray(km, dtype=np.float64), 0.0, total)
    climb_km, descent_km = climb_descent_km(aircraft)
    share = np.minimum(_rise(place / climb_km), _rise((total - place) / descent_km))
    return np.asarray(aircraft.cruise_fl * FT_PER_FL * share)


def time_at(
    aircraft: AircraftType,
    km: ArrayLike,
    total_km: ArrayLike,
    *,
    wind_kt: ArrayLike = 0.0,
    policy: FuelPolicy = DEFAULT_POLICY,
) -> FloatArray:
    """Time at a place along a route.

    Parameters
    ----------
    aircraft : AircraftType
        Type flown.
    km : array_like
        Distance from the start, kilometres; values beyond the ends are taken at the ends.
    total_km : array_like
        Route length, kilometres.
    wind_kt : array_like
        Mean wind along the route, tailwind positive, knots.
    policy : FuelPolicy
        Taxi and terminal allowances.

    Returns
    -------
    ndarray of float
        Minutes since off-block: `taxi_out_min` at the start, the block time of `fly` less
        `taxi_in_min` at the end; never decreasing.
    """
    total = np.asarray(total_km, dtype=np.float64)
    place = np.clip(np.asarray(km, dtype=np.float64), 0.0, total)
    min_per_km = 60.0 / (
        (aircraft.cruise_tas_kt + np.asarray(wind_kt, dtype=np.float64)) * KM_PER_NM
    )
    climb_km, descent_km = climb_descent_km(aircraft)
    fit = np.minimum(total / (climb_km + descent_km), 1.0)
    # Time lost to slow flight and terminal paths, half in climb, half in descent.
    lost = policy.terminal_min + policy.terminal_km * min_per_km
    up, down = np.maximum(climb_km * fit, 1e-9), np.maximum(descent_km * fit, 1e-9)
    climbing = 1.0 - np.square(1.0 - np.clip(place / up, 0.0, 1.0))
    descending = np.square(1.0 - np.clip((total - place) / down, 0.0, 1.0))
    return np.asarray(
        policy.taxi_out_min + place * min_per_km + lost * 0.5 * (climbing + descending)
    )


def _rise(share: FloatArray) -> FloatArray:
    """Part of the cruise level reached after a share of the climb distance."""
    return np.asarray(1.0 - np.power(1.0 - np.clip(share, 0.0, 1.0), _CURVE))
