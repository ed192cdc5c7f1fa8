"""Aircraft types: masses, speeds and the two fitted coefficients of the fuel model."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache

from airsim.base import InputError, Problem, find_resource


@dataclass(frozen=True, slots=True)
class AircraftType:
    """One aircraft type.

    Parameters
    ----------
    typecode : str
        ICAO Doc 8643 designator.
    name, category : str
        Maker's name; NB narrow-body, WB wide-body, RJ regional jet, TP turboprop.
    engines : int
        Number of engines.
    us_origin : bool or None
        Made in the United States; None: share of controlled content not known.
    seats_typical, seats_max : int
        Passenger seats, usual layout and exit limit.
    mtow_kg, oew_kg, max_payload_kg, usable_fuel_kg : float
        Maximum take-off mass, operating empty mass, largest payload, usable fuel.
    cruise_tas_kt, cruise_fl, ceiling_ft : float
        True airspeed and flight level of cruise; certified ceiling.
    range_nm : float
        Published range: an upper cap only.
    range_factor_km : float
        X of the fuel model, V*(L/D)/(g*TSFC).
    climb_fraction : float
        kc of the fuel model: climb, descent and approach as a share of take-off mass.
    reference_payload_kg : float
        Payload of the fit: 80 % of typical seats at 100 kg, plus 12 % of the largest payload as
        cargo on wide-bodies.
    taxi_fuel_kg_per_min : float
        Fuel flow on the ground.
    source, mass_confidence, fuel_confidence : str
        Document to check the masses against; marks V read, K known but unverified, U estimate.
    """

    typecode: str
    name: str
    category: str
    engines: int
    us_origin: bool | None
    seats_typical: int
    seats_max: int
    mtow_kg: float
    oew_kg: float
    max_payload_kg: float
    usable_fuel_kg: float
    cruise_tas_kt: float
    cruise_fl: float
    ceiling_ft: float
    range_nm: float
    range_factor_km: float
    climb_fraction: float
    reference_payload_kg: float
    taxi_fuel_kg_per_min: float
    source: str
    mass_confidence: str
    fuel_confidence: str


class AircraftTypes(Mapping[str, AircraftType]):
    """Aircraft types by ICAO designator; ``find`` also takes close variants (E75S, AT76)."""

    def __init__(self, types: Mapping[str, AircraftType], aliases: Mapping[str, str]) -> None:
        self._types, self._aliases = dict(types), dict(aliases)

    def __getitem__(self, typecode: str) -> AircraftType:
        return self._types[typecode]

    def __iter__(self) -> Iterator[str]:
        return iter(self._types)

    def __len__(self) -> int:
        return len(self._types)

    def find(self, typecode: str) -> AircraftType:
        """Type of a designator or close variant, in any case.

        Parameters
        ----------
        typecode : str
            ICAO Doc 8643 designator.

        Returns
        -------
        AircraftType

        Raises
        ------
        InputError
            No such type; the remedy names near matches.
        """
        key = typecode.strip().upper()
        key = self._aliases.get(key, key)
        if key in self._types:
            return self._types[key]
        near = get_close_matches(key, self._types, n=4, cutoff=0.5)
        remedy = f"did you mean {', '.join(near)}?" if near else f"one of {' '.join(self._types)}"
        raise InputError(Problem("aircraft type", typecode, "unknown aircraft type", remedy))


@lru_cache(maxsize=1)
def load_types() -> AircraftTypes:
    """Shipped aircraft types.

    Returns
    -------
    AircraftTypes
        Mapping of ICAO designator to `AircraftType`.
    """
    with find_resource("geodata/aircraft.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    aliases = {aka: row["typecode"] for row in rows for aka in row["aka"].split()}
    return AircraftTypes({row["typecode"]: _build_type(row) for row in rows}, aliases)


def _build_type(row: Mapping[str, str]) -> AircraftType:
    return AircraftType(
        row["typecode"],
        row["name"],
        row["category"],
        int(row["engines"]),
        True if row["us_origin"] == "yes" else None,
        int(row["seats_typical"]),
        int(row["seats_max"]),
        float(row["mtow_kg"]),
        float(row["oew_kg"]),
        float(row["max_payload_kg"]),
        float(row["usable_fuel_kg"]),
        float(row["cruise_tas_kt"]),
        float(row["cruise_fl"]),
        float(row["ceiling_ft"]),
        float(row["range_nm"]),
        float(row["range_factor_km"]),
        float(row["climb_fraction"]),
        float(row["reference_payload_kg"]),
        float(row["taxi_fuel_kg_per_min"]),
        row["source"],
        row["mass_confidence"],
        row["fuel_confidence"],
    )
