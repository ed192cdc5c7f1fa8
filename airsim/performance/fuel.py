"""Fuel and time from distance, payload and wind: a Breguet cruise plus a fixed climb share.

Per type two numbers, the range factor X and the climb fraction kc, fitted to published block fuel
(FEAT, Seymour et al. 2020, CC BY 4.0) and scaled where EMEP/EEA, US DOT Form 41 or range disagreed.
Expect +/-7 % of FEAT and +/-12 % of independent sources; do not rank aircraft types with it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from airsim.performance.aircraft import AircraftType
from airsim.units import KM_PER_NM

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FuelPolicy:
    """Reserves and allowances.

    Parameters
    ----------
    contingency : float
        Share of trip fuel.
    alternate_km : float
        Distance to the alternate (200 NM).
    final_reserve_min : float
        Holding, at `holding_flow` times cruise flow.
    holding_flow : float
        Share of cruise flow.
    taxi_out_min, taxi_in_min : float
        ECAC means of 2022.
    terminal_km : float
        Added to the route for departure and arrival paths.
    terminal_min : float
        Added to distance over airspeed for climb and descent.
    co2_kg_per_kg : float
        CO2 per fuel burnt; ICAO 3.16, EUROCONTROL Standard Inputs 3.15.
    """

    contingency: float = 0.05
    alternate_km: float = 370.0
    final_reserve_min: float = 30.0
    holding_flow: float = 0.80
    taxi_out_min: float = 12.3
    taxi_in_min: float = 6.0
    terminal_km: float = 40.0
    terminal_min: float = 9.0
    co2_kg_per_kg: float = 3.16


DEFAULT_POLICY = FuelPolicy()


@dataclass(frozen=True, slots=True)
class FlightPerformance:
    """What flights of one type take; arrays of one shape.

    Parameters
    ----------
    air_km : ndarray of float
        Distance through the air, terminal allowance and wind included.
    air_min, block_min : ndarray of float
        Minutes airborne and off-block to on-block.
    trip_fuel_kg, reserve_fuel_kg, block_fuel_kg : ndarray of float
        Fuel burnt in the air; carried in reserve; burnt in the air and on the ground. Infinite
        where no amount of fuel would do.
    takeoff_mass_kg : ndarray of float
        Mass at take-off.
    co2_kg : ndarray of float
        From block fuel.
    feasible : ndarray of bool
        Within every limit.
    reason : ndarray of str
        First limit exceeded: ``payload``, ``range`` (published range), ``tanks``,
        ``take-off-mass``; empty if feasible.
    doubtful : ndarray of bool
        The model says infeasible but the published range does not: a warning, for the model falls
        short of published range by up to a third on some types.
    """

    air_km: FloatArray
    air_min: FloatArray
    block_min: FloatArray
    trip_fuel_kg: FloatArray
    reserve_fuel_kg: FloatArray
    block_fuel_kg: FloatArray
    takeoff_mass_kg: FloatArray
    co2_kg: FloatArray
    feasible: NDArray[np.bool_]
    reason: NDArray[np.str_]
    doubtful: NDArray[np.bool_]


def fly(
    aircraft: AircraftType,
    distance_km: ArrayLike,
    payload_kg: ArrayLike | None = None,
    *,
    wind_kt: ArrayLike = 0.0,
    policy: FuelPolicy = DEFAULT_POLICY,
) -> FlightPerformance:
    """Fuel, time and feasibility of flights.

    Parameters
    ----------
    aircraft : AircraftType
        Type flown.
    distance_km : array_like
        Route length over the ground, kilometres.
    payload_kg : array_like, optional
        Without it the type's reference payload.
    wind_kt : array_like
        Mean wind along the route, tailwind positive, knots.
    policy : FuelPolicy
        Reserves and allowances.

    Returns
    -------
    FlightPerformance
        Arrays of the broadcast shape of the inputs.

    Raises
    ------
    ValueError
        A distance or payload is negative or not finite, or the wind stops the aircraft.

    Notes
    -----
    With landing mass ``mL = z + R``, ``z`` operating mass and payload, and reserves
    ``R = c*trip + alternate + final`` the trip fuel ``(mL*(exp(D/X) - 1) + kc*mL)/(1 - kc)`` is
    linear in itself and is solved in closed form. A flight along a great circle flies more than it:
    see `flown_km`.
    """
    ground_km, payload, wind = _read_inputs(aircraft, distance_km, payload_kg, wind_kt)
    tas_kmh = aircraft.cruise_tas_kt * KM_PER_NM
    air_km = (ground_km + policy.terminal_km) * (
        aircraft.cruise_tas_kt / (aircraft.cruise_tas_kt + wind)
    )
    air_min = air_km / tas_kmh * 60.0 + policy.terminal_min

    zero_fuel, alternate, final = _fixed_masses(aircraft, payload, policy)
    fixed = alternate + final
    burn = np.expm1(np.minimum(air_km / aircraft.range_factor_km, 700.0)) + aircraft.climb_fraction
    left = 1.0 - aircraft.climb_fraction - policy.contingency * burn
    trip = np.where(
        left > 0.0, (zero_fuel + fixed) * burn / np.where(left > 0.0, left, 1.0), np.inf
    )
    reserve = policy.contingency * trip + fixed
    taxi = (policy.taxi_out_min + policy.taxi_in_min) * aircraft.taxi_fuel_kg_per_min
    mass = zero_fuel + reserve + trip

    reason = np.select(
        [
            payload > aircraft.max_payload_kg,
            air_km > aircraft.range_nm * KM_PER_NM,
            trip + reserve > aircraft.usable_fuel_kg,
            mass > aircraft.mtow_kg,
        ],
        ["payload", "range", "tanks", "take-off-mass"],
        default="",
    )
    return FlightPerformance(
        air_km,
        air_min,
        air_min + (policy.taxi_out_min + policy.taxi_in_min),
        trip,
        reserve,
        trip + taxi,
        mass,
        (trip + taxi) * policy.co2_kg_per_kg,
        reason == "",
        reason,
        (reason == "tanks") | (reason == "take-off-mass"),
    )


def max_range_km(
    aircraft: AircraftType,
    payload_kg: ArrayLike | None = None,
    *,
    wind_kt: ArrayLike = 0.0,
    policy: FuelPolicy = DEFAULT_POLICY,
) -> FloatArray:
    """Longest route that `fly` finds feasible.

    Parameters
    ----------
    aircraft : AircraftType
        Type flown.
    payload_kg : array_like, optional
        Without it the type's reference payload.
    wind_kt : array_like
        Mean wind along the route, tailwind positive, knots.
    policy : FuelPolicy
        Reserves and allowances.

    Returns
    -------
    ndarray of float
        Kilometres over the ground; 0 where the payload is too heavy for any flight.
    """
    _, payload, wind = _read_inputs(aircraft, 0.0, payload_kg, wind_kt)
    zero_fuel, alternate, final = _fixed_masses(aircraft, payload, policy)
    fixed = alternate + final
    fuel = np.minimum(aircraft.mtow_kg - zero_fuel, aircraft.usable_fuel_kg)
    trip = np.maximum(fuel - fixed, 0.0) / (1.0 + policy.contingency)
    landing = zero_fuel + policy.contingency * trip + fixed
    growth = trip * (1.0 - aircraft.climb_fraction) / landing - aircraft.climb_fraction
    by_fuel = aircraft.range_factor_km * np.log1p(np.maximum(growth, 0.0))
    air_km = np.minimum(by_fuel, aircraft.range_nm * KM_PER_NM)
    ground_km = air_km * (aircraft.cruise_tas_kt + wind) / aircraft.cruise_tas_kt
    liftable = payload <= aircraft.max_payload_kg
    return np.where(liftable, np.maximum(ground_km - policy.terminal_km, 0.0), 0.0)


def max_payload_kg(
    aircraft: AircraftType,
    distance_km: ArrayLike,
    *,
    wind_kt: ArrayLike = 0.0,
    policy: FuelPolicy = DEFAULT_POLICY,
) -> FloatArray:
    """Largest payload with which `fly` finds a route feasible.

    Parameters
    ----------
    aircraft : AircraftType
        Type flown.
    distance_km : array_like
        Route length over the ground, kilometres.
    wind_kt : array_like
        Mean wind along the route, tailwind positive, knots.
    policy : FuelPolicy
        Reserves and allowances.

    Returns
    -------
    ndarray of float
        Kilograms, at most the type's largest payload; negative where even the empty aircraft would
        not get there; NaN, unknown, beyond the published range: nothing was found that says what
        the type carries there.

    Raises
    ------
    ValueError
        A distance is negative or not finite, or the wind stops the aircraft.

    Notes
    -----
    Take-off mass and fuel are both linear in the zero-fuel mass, so that each limit gives one.
    """
    ground_km, _, wind = _read_inputs(aircraft, distance_km, 0.0, wind_kt)
    air_km = (ground_km + policy.terminal_km) * (
        aircraft.cruise_tas_kt / (aircraft.cruise_tas_kt + wind)
    )
    _, alternate, final = _fixed_masses(aircraft, np.asarray(1.0 - aircraft.oew_kg), policy)
    fixed = alternate + final  # of each kilogram of zero-fuel mass
    burn = np.expm1(np.minimum(air_km / aircraft.range_factor_km, 700.0)) + aircraft.climb_fraction
    left = 1.0 - aircraft.climb_fraction - policy.contingency * burn
    trip = np.where(left > 0.0, (1.0 + fixed) * burn / np.where(left > 0.0, left, 1.0), np.inf)
    fuel = trip * (1.0 + policy.contingency) + fixed
    zero_fuel = np.minimum(aircraft.mtow_kg / (1.0 + fuel), aircraft.usable_fuel_kg / fuel)
    payload = np.minimum(zero_fuel - aircraft.oew_kg, aircraft.max_payload_kg)
    return np.where(air_km <= aircraft.range_nm * KM_PER_NM, payload, np.nan)


def reach_km(
    aircraft: AircraftType,
    planned_km: ArrayLike,
    flown_km: ArrayLike,
    payload_kg: ArrayLike | None = None,
    *,
    policy: FuelPolicy = DEFAULT_POLICY,
) -> FloatArray:
    """How far flights get on the fuel that they left with, down to the final reserve.

    Parameters
    ----------
    aircraft : AircraftType
        Type flown.
    planned_km : array_like
        Route that the fuel was loaded for, kilometres.
    flown_km : array_like
        Flown since take-off.
    payload_kg : array_like, optional
        Without it the type's reference payload.
    policy : FuelPolicy
        Reserves and allowances.

    Returns
    -------
    ndarray of float
        Kilometres over the ground from there to a landing, in still air; never below 0. What was
        carried for contingencies and the alternate is used up, the final reserve is not.

    Raises
    ------
    ValueError
        A distance or payload is negative or not finite.
    """
    ground, payload, _ = _read_inputs(aircraft, planned_km, payload_kg, 0.0)
    flown = np.asarray(flown_km, dtype=np.float64)
    if not np.all(np.isfinite(flown) & (flown >= 0.0)):
        raise ValueError("flown_km must be finite and not negative")
    full = fly(aircraft, ground, payload, policy=policy)
    zero_fuel, _, final = _fixed_masses(aircraft, payload, policy)
    climbed = full.takeoff_mass_kg * (1.0 - aircraft.climb_fraction)
    whole = aircraft.range_factor_km * np.log(climbed / (zero_fuel + final)) - policy.terminal_km
    return np.maximum(whole - flown, 0.0)


def burn_fuel(
    aircraft: AircraftType,
    loaded_km: ArrayLike,
    flown_km: ArrayLike,
    payload_kg: ArrayLike | None = None,
    *,
    policy: FuelPolicy = DEFAULT_POLICY,
) -> tuple[FloatArray, FloatArray]:
    """Fuel of flights that flew another way than they were fuelled for.

    Parameters
    ----------
    aircraft : AircraftType
        Type flown.
    loaded_km : array_like
        Route that the fuel was loaded for, kilometres.
    flown_km : array_like
        Route flown, kilometres.
    payload_kg : array_like, optional
        Without it the type's reference payload.
    policy : FuelPolicy
        Reserves and allowances.

    Returns
    -------
    used_kg, left_kg : ndarray of float
        Burnt in the air and on the ground; left at landing. Where both routes are of one length,
        the block fuel and the reserve of `fly`. Less than nothing is left where the way flown was
        too long.

    Raises
    ------
    ValueError
        A distance or payload is negative or not finite.
    """
    ground, payload, _ = _read_inputs(aircraft, loaded_km, payload_kg, 0.0)
    flown, _, _ = _read_inputs(aircraft, flown_km, payload_kg, 0.0)
    full = fly(aircraft, ground, payload, policy=policy)
    air_km = flown + policy.terminal_km
    landing = (
        full.takeoff_mass_kg
        * (1.0 - aircraft.climb_fraction)
        * np.exp(-air_km / aircraft.range_factor_km)
    )
    taxi = (policy.taxi_out_min + policy.taxi_in_min) * aircraft.taxi_fuel_kg_per_min
    return full.takeoff_mass_kg - landing + taxi, landing - (aircraft.oew_kg + payload)


def needs_stop(
    aircraft: AircraftType,
    distance_km: ArrayLike,
    payload_kg: ArrayLike | None = None,
    *,
    wind_kt: ArrayLike = 0.0,
    policy: FuelPolicy = DEFAULT_POLICY,
) -> NDArray[np.bool_]:
    """Whether a route is too long to fly without refuelling.

    Parameters
    ----------
    aircraft, distance_km, payload_kg, wind_kt, policy
        As for `fly`.

    Returns
    -------
    ndarray of bool
        True where range, tanks or take-off mass forbid the flight non-stop. False where the payload
        itself is too heavy: a stop does not help.
    """
    flight = fly(aircraft, distance_km, payload_kg, wind_kt=wind_kt, policy=policy)
    return np.asarray(~flight.feasible & (flight.reason != "payload"))


def payload_for_seats(
    aircraft: AircraftType,
    seats: ArrayLike | None = None,
    *,
    load_factor: float = 0.8,
    passenger_kg: float = 100.0,
) -> FloatArray:
    """Payload of a cabin.

    Parameters
    ----------
    aircraft : AircraftType
        Type flown.
    seats : array_like, optional
        Seats fitted; without it the type's typical layout.
    load_factor : float
        Share of seats taken.
    passenger_kg : float
        Passenger with bags, kilograms.

    Returns
    -------
    ndarray of float
        Kilograms, at most the type's largest payload. Wide-bodies add 12 % of that as cargo.
    """
    fitted = np.asarray(aircraft.seats_typical if seats is None else seats, dtype=np.float64)
    cargo = 0.12 * aircraft.max_payload_kg if aircraft.category == "WB" else 0.0
    return np.minimum(fitted * load_factor * passenger_kg + cargo, aircraft.max_payload_kg)


def flown_km(great_circle_km: ArrayLike) -> FloatArray:
    """Distance that airliners fly between two aerodromes, terminal paths included.

    Parameters
    ----------
    great_circle_km : array_like
        Shortest distance, kilometres.

    Returns
    -------
    ndarray of float
        Kilometres: 1.0387 times the great circle plus 40.5 (Seymour et al. 2020).
    """
    return 1.0387 * np.asarray(great_circle_km, dtype=np.float64) + 40.5


def _fixed_masses(
    aircraft: AircraftType, payload: FloatArray, policy: FuelPolicy
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Zero-fuel mass, fuel to the alternate, final reserve: what does not depend on the trip."""
    zero_fuel = aircraft.oew_kg + payload
    alternate = zero_fuel * (
        np.expm1(policy.alternate_km / aircraft.range_factor_km) + 0.5 * aircraft.climb_fraction
    )
    cruise_kg_per_h = zero_fuel * aircraft.cruise_tas_kt * KM_PER_NM / aircraft.range_factor_km
    final = policy.final_reserve_min / 60.0 * policy.holding_flow * cruise_kg_per_h
    return zero_fuel, alternate, final


def _read_inputs(
    aircraft: AircraftType,
    distance_km: ArrayLike,
    payload_kg: ArrayLike | None,
    wind_kt: ArrayLike,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Distance, payload and wind as arrays of one shape, checked."""
    given = aircraft.reference_payload_kg if payload_kg is None else payload_kg
    distance, payload, wind = np.broadcast_arrays(
        np.asarray(distance_km, dtype=np.float64),
        np.asarray(given, dtype=np.float64),
        np.asarray(wind_kt, dtype=np.float64),
    )
    for name, values in (("distance_km", distance), ("payload_kg", payload)):
        if not np.all(np.isfinite(values) & (values >= 0.0)):
            raise ValueError(f"{name} must be finite and not negative")
    speed_kt = aircraft.cruise_tas_kt + wind
    if not np.all(np.isfinite(speed_kt) & (speed_kt > 0.0)):
        raise ValueError("wind_kt must be finite and weaker than the airspeed")
    return distance, payload, wind
