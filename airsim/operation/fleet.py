"""Aircraft by registration."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from airsim.base import STATE_CODES, find_resource
from airsim.operation.marks import state_of_registration
from airsim.operation.tables import Sheet, read_rows

REQUIRED = ("registration", "typecode")
OPTIONAL = (
    "period",
    "operator",
    "seats",
    "registered_in",
    "owner_state",
    "owner_note",
    "us_origin",
    "status",
    "status_note",
    "source",
    "confidence",
)
STATUSES = frozenset({"active", "maintenance", "stored", "parked", "leaving", "returned"})
_REGISTRATION = re.compile(r"[A-Z0-9][A-Z0-9-]{2,24}")


@dataclass(frozen=True, slots=True)
class Tail:
    """One aircraft.

    Parameters
    ----------
    registration : str
        Nationality and registration mark; a placeholder where only the count is known.
    typecode : str
        ICAO type designator.
    seats : int or None
        Passenger seats; None if not given.
    registered_in : str
        ISO 3166-1 alpha-2 of the State of registry, from the mark unless given.
    owner_state : str
        State of the legal owner; empty: not known.
    us_origin : bool or None
        Made in the United States; None: share of controlled content not known.
    status : str
        active, maintenance, stored, parked, leaving or returned.
    source, confidence : str
        Where the row comes from; V read, K known but unverified, S inferred.
    owner_note, status_note : str
        What the source says in words.
    operator : str
        ICAO designator; empty if the file names none.
    """

    registration: str
    typecode: str
    seats: int | None
    registered_in: str
    owner_state: str
    us_origin: bool | None
    source: str
    confidence: str
    status: str
    owner_note: str = ""
    status_note: str = ""
    operator: str = ""


@dataclass(frozen=True, slots=True)
class _ShippedType:
    """What the loaders need of a type: its designator and United States origin."""

    typecode: str
    us_origin: bool | None


def shipped_types() -> dict[str, _ShippedType]:
    """Types of the shipped aircraft table by designator and by close variant."""
    header, rows = read_rows(find_resource("geodata/aircraft.csv"))
    code, aka, origin = (header.index(name) for name in ("typecode", "aka", "us_origin"))
    return {
        spelt: _ShippedType(row[code], True if row[origin] == "yes" else None)
        for row in rows
        for spelt in (row[code], *row[aka].split())
    }


def load_fleet(path: str | Path, period: str | None = None) -> tuple[Tail, ...]:
    """Read a fleet file.

    Parameters
    ----------
    path : str or pathlib.Path
        CSV with a header. Required columns: registration, typecode. Optional: period, operator,
        seats, registered_in, owner_state, owner_note, us_origin (yes, no or empty), status,
        status_note, source, confidence.
    period : str, optional
        Only rows of this period; without it all rows.

    Returns
    -------
    tuple of Tail
        In file order.

    Raises
    ------
    InputError
        Every problem of the file at once, each with its row and remedy.
    """
    sheet = Sheet(path, REQUIRED, OPTIONAL)
    types = shipped_types()
    rows = select_period(sheet, period)
    tails = [_read_tail(sheet, line, row, types) for line, row in rows]
    seen: dict[tuple[str, str], int] = {}
    for (line, row), tail in zip(rows, tails, strict=True):
        first = seen.setdefault((row.get("period", ""), tail.registration), line)
        if first != line:
            sheet.add(line, f"{tail.registration} is already in row {first}", "keep one row")
    sheet.problems.raise_if_any()
    return tuple(tails)


def select_period(sheet: Sheet, period: str | None) -> list[tuple[int, dict[str, str]]]:
    """Rows of one period, or all; an unknown period is a problem."""
    if period is None:
        return sheet.rows
    known = sorted({row["period"] for _, row in sheet.rows if "period" in row})
    if period not in known:
        remedy = f"periods: {', '.join(known)}" if known else "the file has no period column"
        sheet.problems.add(sheet.file, "", f"no rows of period {period!r}", remedy)
        sheet.problems.raise_if_any()
    return [(line, row) for line, row in sheet.rows if row["period"] == period]


def read_type(
    sheet: Sheet, line: int, text: str, types: dict[str, _ShippedType]
) -> _ShippedType | None:
    """Aircraft type of a cell; one that the aircraft table lacks is a problem."""
    found = types.get(text.upper())
    if found is None:
        what = f"unknown aircraft type {text!r}" if text else "typecode is empty"
        sheet.add(line, what, f"one of {' '.join(sorted(types))}")
    return found


def _read_tail(
    sheet: Sheet, line: int, row: dict[str, str], types: dict[str, _ShippedType]
) -> Tail:
    registration = row["registration"].upper()
    aircraft = read_type(sheet, line, row["typecode"], types)
    if not _REGISTRATION.fullmatch(registration):
        sheet.add(line, f"{registration!r} is not a registration", "letters, digits and -")
    registered_in = row.get("registered_in", "").upper() or state_of_registration(registration)
    if not registered_in:
        sheet.add(
            line,
            f"State of registry of {registration} is not evident from its mark",
            "fill the column registered_in",
        )
    owner_state = row.get("owner_state", "").upper()
    for name, state in (("registered_in", registered_in), ("owner_state", owner_state)):
        if state and state not in STATE_CODES:
            sheet.add(line, f"{name} {state!r} is not a State", "ISO 3166-1 alpha-2, or empty")
    status = row.get("status", "").lower() or "active"
    if status not in STATUSES:
        sheet.add(line, f"unknown status {status!r}", f"one of {' '.join(sorted(STATUSES))}")
    return Tail(
        registration,
        aircraft.typecode if aircraft else "",
        _read_seats(sheet, line, row.get("seats", "")),
        registered_in,
        owner_state,
        _read_origin(
            sheet, line, row.get("us_origin", ""), aircraft.us_origin if aircraft else None
        ),
        row.get("source", ""),
        row.get("confidence", ""),
        status,
        row.get("owner_note", ""),
        row.get("status_note", ""),
        row.get("operator", "").upper(),
    )


def _read_seats(sheet: Sheet, line: int, text: str) -> int | None:
    if not text:
        return None
    if not text.isdecimal() or int(text) > 1000:
        sheet.add(line, f"seats {text!r} is not a number of seats", "a whole number, or empty")
        return None
    return int(text)


def _read_origin(sheet: Sheet, line: int, text: str, default: bool | None) -> bool | None:
    answers = {"yes": True, "no": False, "unknown": None, "": default}
    if text.lower() not in answers:
        sheet.add(line, f"us_origin {text!r} is not understood", "yes, no, unknown or empty")
    return answers.get(text.lower())
