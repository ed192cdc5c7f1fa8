"""Timetables: services in local time, flights in UTC."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from airsim.base import InputError
from airsim.operation.aerodromes import Aerodrome, Aerodromes, load_aerodromes
from airsim.operation.circumstances import ORDINARY, Circumstances, check_statuses
from airsim.operation.fleet import read_type, select_period, shipped_types
from airsim.operation.operators import Operators, load_operators
from airsim.operation.tables import Sheet

REQUIRED = (
    "flight",
    "adep",
    "ades",
    "days",
    "std",
    "sta",
    "typecode",
    "valid_from",
    "valid_to",
)
OPTIONAL = (
    "period",
    "operator",
    "time_basis",
    "registration",
    "service",
    "status",
    "items",
    "source",
    "confidence",
)
GRADE_FIELDS = ("R", "F", "T", "N", "A")  # route, frequency, times, number, aircraft
_GRADE_ORDER = ("V", "v", "K", "S")  # best to worst
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_ARRIVAL = re.compile(r"([01]\d|2[0-3]):([0-5]\d)(?:([+-])([12]))?")
_FLIGHT = re.compile(r"([A-Z0-9]{2}|[A-Z]{3})([A-Z]?\d{1,4}[A-Z]?)")
_GRADES = re.compile(r"([RFTNA]):([VvKS])")
_LONGEST_BLOCK_MIN = 22 * 60


@dataclass(frozen=True, slots=True)
class Service:
    """One flight number, one direction, on some weekdays between two dates.

    Parameters
    ----------
    flight : str
        Flight number as published (B2783).
    operator, callsign : str
        ICAO designator, and designator plus number (BRU783).
    adep, ades : str
        ICAO location indicators.
    days : str
        Weekdays of departure, 1 = Monday, in the time basis of the file.
    std, sta : str
        Departure and arrival, HH:MM; ``+1`` after `sta`: next day.
    typecode, registration : str
        ICAO type designator; mark if fixed, else empty.
    valid_from, valid_to : datetime.date
        First and last day of departure.
    source : str
        Where the row comes from.
    confidence : str
        Five grades as given, ``R:V F:v T:S N:S A:K``: route, frequency, times, number, aircraft;
        V read for that period, v read nearby or derived, K known but unverified, S synthetic.
    grade : str
        The worst of them (V, v, K, S), empty if none was given.
    service : str
        passenger, charter (not scheduled), cargo or another word.
    time_basis : str
        local or utc.
    circumstances : Circumstances
        Status and goods of all its flights.
    """

    flight: str
    operator: str
    callsign: str
    adep: str
    ades: str
    days: str
    std: str
    sta: str
    typecode: str
    registration: str
    valid_from: date
    valid_to: date
    source: str = ""
    confidence: str = ""
    grade: str = ""
    service: str = "passenger"
    time_basis: str = "local"
    circumstances: Circumstances = ORDINARY

    @property
    def grades(self) -> dict[str, str]:
        """Grade by field: R route, F frequency, T times, N number, A aircraft."""
        return dict(_GRADES.findall(self.confidence))

    @property
    def times_synthetic(self) -> bool:
        """Whether the clock times were invented, not read."""
        return self.grades.get("T") == "S"


@dataclass(frozen=True, slots=True)
class Flight:
    """One dated flight.

    Parameters
    ----------
    flight_id : str
        Callsign and departure day in the time basis (BRU783-20250915); ``-2`` and so on where one
        callsign departs again that day.
    callsign, operator : str
        As in the flight plan; ICAO designator.
    adep, ades : str
        ICAO location indicators.
    eobt_ms, sta_ms : int
        Off-block and scheduled arrival, UTC milliseconds.
    typecode : str
        ICAO type designator.
    registration : str or None
        Mark, if known.
    scheduled : bool
        Scheduled service; charters are not, though they stand in a timetable.
    service : str
        passenger, cargo or another word.
    probe : bool
        A question, never dispatched.
    grade : str
        Worst grade of its timetable row.
    times_synthetic : bool
        Its clock times were invented, not read.
    circumstances : Circumstances
        Status, load, permits, derogations, facts told.
    """

    flight_id: str
    callsign: str
    operator: str
    adep: str
    ades: str
    eobt_ms: int
    sta_ms: int
    typecode: str
    registration: str | None = None
    scheduled: bool = True
    service: str = "passenger"
    probe: bool = False
    grade: str = ""
    times_synthetic: bool = False
    circumstances: Circumstances = ORDINARY


def load_timetable(
    path: str | Path,
    period: str | None = None,
    *,
    aerodromes: Aerodromes | None = None,
    operators: Operators | None = None,
) -> tuple[Service, ...]:
    """Read a timetable file.

    Parameters
    ----------
    path : str or pathlib.Path
        CSV with a header. Required columns: flight, adep, ades (ICAO or IATA), days (digits, 1 is
        Monday), std, sta (HH:MM; ``+1`` next day), typecode, valid_from, valid_to (ISO dates).
        Optional: period, operator (else read from the flight number), time_basis (local or utc;
        local without it), registration, service, status (emergency, humanitarian, state, ...) and
        items (classes of goods aboard), several of them parted by spaces, source, confidence.
    period : str, optional
        Only rows of this period; without it all rows.
    aerodromes, operators : optional
        Tables to look codes up in; the shipped ones without them.

    Returns
    -------
    tuple of Service
        In file order.

    Raises
    ------
    InputError
        Every problem of the file at once, each with its row and remedy.
    """
    sheet = Sheet(path, REQUIRED, OPTIONAL)
    reader = _Reader(sheet, aerodromes or load_aerodromes(), operators or load_operators())
    rows = select_period(sheet, period)
    services = [reader.read_service(line, row) for line, row in rows]
    sheet.problems.raise_if_any()
    complete = [s for s in services if s is not None]
    reader.check_blocks(rows, complete)
    _check_duplicates(sheet, rows, complete)
    sheet.problems.raise_if_any()
    return tuple(complete)


class _Reader:
    """Turns rows into services, noting every problem."""

    def __init__(self, sheet: Sheet, aerodromes: Aerodromes, operators: Operators) -> None:
        self.sheet, self.aerodromes, self.operators = sheet, aerodromes, operators
        self.types = shipped_types()

    def read_service(self, line: int, row: dict[str, str]) -> Service | None:
        """Service of one row; None if any part of it is wrong."""
        before = len(self.sheet.problems.problems)
        aircraft = read_type(self.sheet, line, row["typecode"], self.types)
        operator, callsign = self._read_flight(line, row)
        adep, ades = (self._read_aerodrome(line, name, row[name]) for name in ("adep", "ades"))
        if adep and adep == ades:
            self.sheet.add(line, f"departs from and arrives at {adep}", "correct adep or ades")
        days = self._read_days(line, row["days"])
        self._check_clock(line, "std", row["std"], _CLOCK, "HH:MM")
        self._check_clock(line, "sta", row["sta"], _ARRIVAL, "HH:MM, +1 if next day")
        first, last = (self._read_date(line, n, row[n]) for n in ("valid_from", "valid_to"))
        if first and last and last < first:
            self.sheet.add(line, f"valid_to {last} is before valid_from {first}", "swap them")
        basis = row.get("time_basis", "").lower() or "local"
        if basis not in ("local", "utc"):
            self.sheet.add(line, f"time_basis {basis!r} is not understood", "local or utc")
        grade = self._read_grade(line, row.get("confidence", ""))
        circumstances = self._read_circumstances(line, row)
        if len(self.sheet.problems.problems) > before or not (first and last and aircraft):
            return None
        return Service(
            row["flight"].upper(),
            operator,
            callsign,
            adep,
            ades,
            days,
            row["std"],
            row["sta"],
            aircraft.typecode,
            row.get("registration", "").upper(),
            first,
            last,
            row.get("source", ""),
            row.get("confidence", ""),
            grade,
            row.get("service", "") or "passenger",
            basis,
            circumstances,
        )

    def check_blocks(self, rows: Sequence[tuple[int, dict[str, str]]], done: list[Service]) -> None:
        """Note services that arrive before they leave, or a day late."""
        for (line, _), service in zip(rows, done, strict=True):
            eobt, sta = _instants(service, service.valid_from, self.aerodromes)
            minutes = (sta - eobt) // 60_000
            if minutes <= 0:
                self.sheet.add(
                    line,
                    f"arrives {-minutes} min before it leaves ({service.std}-{service.sta})",
                    "write +1 after sta if it arrives next day; times are local at each end",
                )
            elif minutes > _LONGEST_BLOCK_MIN:
                self.sheet.add(
                    line, f"takes {minutes} min ({service.std}-{service.sta})", "check sta and +1"
                )

    def _read_flight(self, line: int, row: dict[str, str]) -> tuple[str, str]:
        number = row["flight"].upper().replace(" ", "")
        given = row.get("operator", "")
        if given:
            try:
                operator = self.operators.find(given)
            except InputError as error:
                self.sheet.add(line, error.problems[0].problem, error.problems[0].remedy)
                return "", ""
            codes = [code for code in (operator.icao, operator.iata) if code]
            suffix = next((number[len(c) :] for c in codes if number.startswith(c)), number)
            if not re.fullmatch(r"[A-Z]?\d{1,4}[A-Z]?", suffix):
                self.sheet.add(
                    line, f"{number!r} is not a flight number of {operator.icao}", f"{codes[-1]}123"
                )
            return operator.icao, operator.icao + suffix
        for size in (3, 2):
            match = re.fullmatch(_FLIGHT, number)
            code, suffix = number[:size], number[size:]
            if match and (code in self.operators or size == 2):
                try:
                    icao = self.operators.find(code).icao
                except InputError as error:
                    self.sheet.add(line, error.problems[0].problem, "fill the column operator")
                    return "", ""
                return icao, icao + suffix
        self.sheet.add(line, f"{number!r} is not a flight number", "as B2783 or BRU783")
        return "", ""

    def _read_circumstances(self, line: int, row: dict[str, str]) -> Circumstances:
        items = tuple(row.get("items", "").split())
        try:
            status = check_statuses(row.get("status", "").split())
        except InputError as error:
            for found in error.problems:
                self.sheet.add(line, f"status {found.record!r} {found.problem}", found.remedy)
            return ORDINARY
        return Circumstances(status, items) if status or items else ORDINARY

    def _read_aerodrome(self, line: int, name: str, text: str) -> str:
        try:
            return self.aerodromes.find(text).icao
        except InputError as error:
            problem = error.problems[0]
            self.sheet.add(line, f"{name}: unknown aerodrome {text!r}", problem.remedy)
            return ""

    def _read_days(self, line: int, text: str) -> str:
        days = re.sub(r"[.\s-]", "", text)
        if not days or not set(days) <= set("1234567") or len(set(days)) != len(days):
            self.sheet.add(line, f"days {text!r} is not understood", "digits, 1 = Monday: 135")
            return ""
        return "".join(sorted(days))

    def _check_clock(
        self, line: int, name: str, text: str, form: re.Pattern[str], remedy: str
    ) -> None:
        if not form.fullmatch(text):
            self.sheet.add(line, f"{name} {text!r} is not a time", remedy)

    def _read_date(self, line: int, name: str, text: str) -> date | None:
        try:
            return date.fromisoformat(text)
        except ValueError:
            self.sheet.add(line, f"{name} {text!r} is not a date", "YYYY-MM-DD")
            return None

    def _read_grade(self, line: int, text: str) -> str:
        if not text:
            return ""
        grades: dict[str, str] = dict(_GRADES.findall(text))
        if set(grades) != set(GRADE_FIELDS) or len(text.split()) != len(GRADE_FIELDS):
            self.sheet.add(
                line, f"confidence {text!r} is not understood", "as R:V F:v T:S N:K A:V, or empty"
            )
            return ""
        return max(grades.values(), key=_GRADE_ORDER.index)


def _check_duplicates(
    sheet: Sheet, rows: Sequence[tuple[int, dict[str, str]]], services: Sequence[Service]
) -> None:
    by_leg: dict[tuple[str, str, str, str], list[tuple[int, Service]]] = {}
    for (line, row), service in zip(rows, services, strict=True):
        key = (row.get("period", ""), service.callsign, service.adep, service.ades)
        for earlier_line, earlier in by_leg.setdefault(key, []):
            overlap = (
                service.valid_from <= earlier.valid_to and earlier.valid_from <= service.valid_to
            )
            shared = sorted(set(service.days) & set(earlier.days))
            if overlap and shared:
                sheet.add(
                    line,
                    f"{service.flight} {service.adep}-{service.ades} is already in row"
                    f" {earlier_line} on days {''.join(shared)}",
                    "split the dates or the days, or drop one row",
                )
        by_leg[key].append((line, service))


# zoneinfo itself keeps only eight zones alive.
_zone = lru_cache(maxsize=None)(ZoneInfo)


def _to_utc_ms(day: date, clock: str, zone: ZoneInfo) -> int:
    hours, minutes = int(clock[:2]), int(clock[3:5])
    shift = int(clock[5:]) if len(clock) > 5 else 0
    local = datetime(day.year, day.month, day.day, hours, minutes, tzinfo=zone)
    return round((local + timedelta(days=shift)).astimezone(UTC).timestamp()) * 1000


def _instants(service: Service, day: date, aerodromes: Aerodromes) -> tuple[int, int]:
    """Departure and arrival, UTC milliseconds, of a service on one departure day."""
    if service.time_basis == "utc":
        zones = (_zone("UTC"), _zone("UTC"))
    else:
        zones = (_zone(aerodromes[service.adep].tz), _zone(aerodromes[service.ades].tz))
    return _to_utc_ms(day, service.std, zones[0]), _to_utc_ms(day, service.sta, zones[1])


def expand_timetable(
    services: Iterable[Service], aerodromes: Aerodromes, start_ms: int, end_ms: int
) -> tuple[Flight, ...]:
    """Date the services.

    Parameters
    ----------
    services : iterable of Service
        Timetable.
    aerodromes : Aerodromes
        Gives the time zones.
    start_ms, end_ms : int
        UTC milliseconds; flights with ``start_ms <= eobt_ms < end_ms`` are returned.

    Returns
    -------
    tuple of Flight
        Sorted by (eobt_ms, flight_id), identifiers unique and the same for any window. Empty if
        nothing departs in the window.

    Notes
    -----
    A local time that a clock change skips is read with the offset before the change; one that
    comes twice is the first.
    """
    listed = list(services)
    by_day: dict[date, list[Service]] = {}
    # Local days reach 14 h beyond UTC days on either side.
    first = datetime.fromtimestamp(start_ms / 1000, UTC).date() - timedelta(days=1)
    last = datetime.fromtimestamp(end_ms / 1000, UTC).date() + timedelta(days=1)
    for service in listed:
        day = max(first, service.valid_from)
        while day <= min(last, service.valid_to):
            if str(day.isoweekday()) in service.days:
                by_day.setdefault(day, []).append(service)
            day += timedelta(days=1)
    flights: list[Flight] = []
    for day, departures in by_day.items():
        flights.extend(_date_services(departures, day, aerodromes))
    inside = (f for f in flights if start_ms <= f.eobt_ms < end_ms)
    return tuple(sorted(inside, key=lambda f: (f.eobt_ms, f.flight_id)))


def _date_services(
    departures: Sequence[Service], day: date, aerodromes: Aerodromes
) -> Iterable[Flight]:
    dated = [(*_instants(s, day, aerodromes), s) for s in departures]
    dated.sort(key=lambda item: (item[0], item[2].callsign, item[2].adep, item[2].ades))
    count: dict[str, int] = {}
    for eobt_ms, sta_ms, service in dated:
        number = count[service.callsign] = count.get(service.callsign, 0) + 1
        again = f"-{number}" if number > 1 else ""
        yield Flight(
            f"{service.callsign}-{day:%Y%m%d}{again}",
            service.callsign,
            service.operator,
            service.adep,
            service.ades,
            eobt_ms,
            sta_ms,
            service.typecode,
            service.registration or None,
            scheduled=service.service != "charter",
            service=service.service,
            grade=service.grade,
            times_synthetic=service.times_synthetic,
            circumstances=service.circumstances,
        )


def local_time(aerodrome: Aerodrome, at_ms: int) -> datetime:
    """Local clock time at an aerodrome.

    Parameters
    ----------
    aerodrome : Aerodrome
        Gives the time zone.
    at_ms : int
        UTC milliseconds.

    Returns
    -------
    datetime.datetime
        With the zone's offset.
    """
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(_zone(aerodrome.tz))
