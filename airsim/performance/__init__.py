"""Time, fuel, profile and charges by aircraft type."""

from airsim.performance.aircraft import AircraftType, AircraftTypes, load_types
from airsim.performance.charges import (
    Charge,
    Tariff,
    Tariffs,
    charge_by_service_units,
    load_tariffs,
)
from airsim.performance.fuel import (
    DEFAULT_POLICY,
    FlightPerformance,
    FuelPolicy,
    burn_fuel,
    flown_km,
    fly,
    max_payload_kg,
    max_range_km,
    needs_stop,
    payload_for_seats,
    reach_km,
)
from airsim.performance.profile import level_at, time_at

__all__ = [
    "DEFAULT_POLICY",
    "AircraftType",
    "AircraftTypes",
    "Charge",
    "FlightPerformance",
    "FuelPolicy",
    "Tariff",
    "Tariffs",
    "burn_fuel",
    "charge_by_service_units",
    "flown_km",
    "fly",
    "level_at",
    "load_tariffs",
    "load_types",
    "max_payload_kg",
    "max_range_km",
    "needs_stop",
    "payload_for_seats",
    "reach_km",
    "time_at",
]
