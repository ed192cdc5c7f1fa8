"""Where each flight was, minute by minute: position, level, speed, track.

Levels and times follow the same profile that the flight was planned and judged by.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from airsim.geodesy import place_along
from airsim.performance import AircraftType, level_at, time_at
from airsim.results import Trajectories
from airsim.scenario import Scenario
from airsim.simulation.flown import Part, list_parts
from airsim.simulation.state import FlightRecord, World
from airsim.units import nm_from_km

MINUTE_MS = 60_000
STEP_MS = MINUTE_MS
_SPAN_MIN = 0.1  # over which speeds are measured
_KNOTS = 401  # of the table that turns minutes into kilometres

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Piece:
    """Part of one leg: when it was flown, and how far along the leg and the plan's line."""

    record: FlightRecord
    aircraft: AircraftType
    part: Part
    before_km: float  # of the plan's line, up to this leg
    flown_km: float  # of the leg, before the plan was made
    total_km: float  # of the leg, in all
    start_ms: int  # when time on the leg, counted from `flown_km`, was 0
    end_ms: int | None  # where it was given up


def trace_flights(scenario: Scenario, world: World) -> Trajectories:
    """Trajectories of all flights that flew, from take-off to landing, without taxiing.

    Parameters
    ----------
    scenario : Scenario
    world : World
        After the run.

    Returns
    -------
    Trajectories
        Columns of one length, by flight in the order of departure, then by time: a point each
        minute, at take-off and at landing.
    """
    pieces = [
        piece for record in world.records.values() for piece in _list_pieces(scenario, record)
    ]
    lines, number_of = _collect_lines(pieces)
    traced = [_trace(piece) for piece in pieces]
    count = [len(at_ms) for at_ms, *_ in traced]
    stamps, km, feet, knots, climb = (
        np.concatenate([np.empty(0), *column]) for column in zip(*traced, strict=True)
    ) if traced else (np.empty(0) for _ in range(5))  # fmt: skip
    start = np.cumsum([0, *(len(line) for line in lines)]).astype(np.int64)
    lon = lat = track = np.empty(0)
    if lines:
        lonlat = np.concatenate(lines)
        at = np.repeat(np.array(number_of, dtype=np.int64), count)
        lon, lat, track = place_along(lonlat[:, 0], lonlat[:, 1], start, at, km)

    def repeat(values: Iterable[str]) -> NDArray[np.object_]:
        return np.repeat(np.array(list(values), dtype=object), count)

    records = [piece.record for piece in pieces]
    return {
        "timestamp": stamps.astype(np.int64),
        "icao24": np.full(len(stamps), "", dtype=object),
        "callsign": repeat(r.flight.callsign for r in records),
        "flight_id": repeat(r.flight.flight_id for r in records),
        "registration": repeat(r.registration for r in records),
        "typecode": repeat(piece.aircraft.typecode for piece in pieces),
        "origin": repeat(r.flight.adep for r in records),
        "destination": repeat(r.flight.ades for r in records),
        "latitude": np.round(lat, 6),
        "longitude": np.round(lon, 6),
        # adding zero turns -0.0 into 0.0: equal values must be equal bytes
        "altitude": np.round(feet) + 0.0,
        "groundspeed": np.round(knots, 1) + 0.0,
        "track": np.round(track, 1) % 360.0 + 0.0,
        "vertical_rate": np.round(climb) + 0.0,
    }


def _list_pieces(scenario: Scenario, record: FlightRecord) -> Iterator[_Piece]:
    for part in list_parts(record):
        plan, route = part.plan, part.plan.route
        assert route is not None
        aircraft = scenario.types[plan.facts.typecode or ""]
        before_km = 0.0
        for leg, km in enumerate(route.leg_km):
            flown = plan.airborne.flown_km if plan.airborne is not None and leg == 0 else 0.0
            start_ms = route.leg_start_ms[leg] + part.shift_ms
            if part.until_ms is not None and start_ms >= part.until_ms:
                break
            yield _Piece(
                record, aircraft, part, before_km, flown, flown + km, start_ms, part.until_ms
            )
            before_km += km


def _collect_lines(pieces: Iterable[_Piece]) -> tuple[list[Floats], list[int]]:
    """Lines of the plans flown, and which of them each piece is on."""
    found: dict[int, int] = {}
    lines: list[Floats] = []
    numbers = []
    for piece in pieces:
        route = piece.part.plan.route
        assert route is not None
        if id(route) not in found:
            found[id(route)] = len(lines)
            lines.append(route.points)
        numbers.append(found[id(route)])
    return lines, numbers


def _trace(piece: _Piece) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Stamps, kilometres on the line, feet, knots and feet a minute of one piece."""
    aircraft, total = piece.aircraft, piece.total_km
    knots_km = np.linspace(0.0, total, _KNOTS)
    # minutes since the leg, or the plan, began; in the profile of the whole leg
    begun = time_at(aircraft, piece.flown_km, total) if piece.flown_km else 0.0
    knots_min = time_at(aircraft, knots_km, total) - begun
    first_ms = piece.start_ms
    if not piece.flown_km:
        first_ms += round(float(knots_min[0]) * MINUTE_MS)
    last_ms = piece.start_ms + round(float(knots_min[-1]) * MINUTE_MS)
    if piece.end_ms is not None and piece.end_ms <= last_ms:
        stamps = np.arange(first_ms, piece.end_ms, STEP_MS)
    else:
        stamps = np.append(np.arange(first_ms, last_ms, STEP_MS), last_ms)
    minutes = (stamps - piece.start_ms) / MINUTE_MS

    def place(at_min: Floats) -> Floats:
        return np.interp(at_min, knots_min, knots_km)

    km = place(minutes)
    early = np.maximum(minutes - _SPAN_MIN, knots_min[0])
    late = np.minimum(minutes + _SPAN_MIN, knots_min[-1])
    span = np.maximum(late - early, 1e-9)
    behind, ahead = place(early), place(late)
    feet = level_at(aircraft, km, total)
    climb = (level_at(aircraft, ahead, total) - level_at(aircraft, behind, total)) / span
    speed = nm_from_km(ahead - behind) / span * 60.0
    return stamps.astype(np.float64), km - piece.flown_km + piece.before_km, feet, speed, climb
