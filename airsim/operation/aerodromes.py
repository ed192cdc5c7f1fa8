"""Aerodromes by ICAO location indicator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from airsim.base import find_resource
from airsim.operation.tables import CodeTable, read_rows

COLUMNS = ("icao", "iata", "name", "state", "lon", "lat", "elevation_ft", "tz", "also")


@dataclass(frozen=True, slots=True)
class Aerodrome:
    """One aerodrome.

    Parameters
    ----------
    icao, iata : str
        ICAO location indicator; IATA code, empty if none.
    name : str
        Usual English name.
    state : str
        ISO 3166-1 alpha-2 of the territory it lies in (Crimea is UA, Kosovo XK).
    lon, lat : float
        Reference point, degrees.
    elevation_ft : int
        Elevation, feet.
    tz : str
        IANA time zone.
    """

    icao: str
    iata: str
    name: str
    state: str
    lon: float
    lat: float
    elevation_ft: int
    tz: str


class Aerodromes(CodeTable[Aerodrome]):
    """Aerodromes by ICAO code; ``find`` also takes IATA and former codes."""


def build_aerodrome(row: Sequence[str]) -> Aerodrome:
    """Aerodrome of one row of the shipped table."""
    icao, iata, name, state, lon, lat, elevation, tz = row[:8]
    return Aerodrome(icao, iata, name, state, float(lon), float(lat), int(elevation), tz)


@lru_cache(maxsize=1)
def load_aerodromes() -> Aerodromes:
    """Shipped aerodromes.

    Returns
    -------
    Aerodromes
        Mapping of ICAO code to `Aerodrome`, about 7,600.
    """
    _, rows = read_rows(find_resource("geodata/aerodromes.csv"))
    aliases = {old: row[0] for row in rows if row[8] for old in row[8].split()}
    aliases.update((row[1], row[0]) for row in rows if row[1])
    return Aerodromes(
        {row[0]: row for row in rows},
        aliases,
        build_aerodrome,
        lambda row: row[2],
        what="aerodrome",
        remedy="use an ICAO location indicator or an IATA code",
    )
