"""Checks of the shipped tables, for ``airsim data check``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo, available_timezones

from airsim.base import STATE_CODES, find_resource
from airsim.operation.aerodromes import COLUMNS as AERODROME_COLUMNS
from airsim.operation.fleet import shipped_types
from airsim.operation.operators import COLUMNS as OPERATOR_COLUMNS
from airsim.operation.operators import POLICIES
from airsim.operation.tables import read_rows

Check = tuple[str, bool, str]
_SHOWN = 5
_NOON = datetime(2025, 7, 1, 12)


def check_aerodromes() -> list[Check]:
    """Check the shipped aerodromes.

    Returns
    -------
    list of (str, bool, str)
        Name of the check, whether it holds, and what was counted or found wrong.
    """
    header, rows = read_rows(find_resource("geodata/aerodromes.csv"))
    if tuple(header) != AERODROME_COLUMNS or any(len(r) != len(header) for r in rows):
        return [("aerodromes: columns", False, f"expected {','.join(AERODROME_COLUMNS)}")]
    zones = available_timezones()
    codes = [row[0] for row in rows]
    iatas = [row[1] for row in rows if row[1]]
    former = [code for row in rows for code in row[8].split()]
    by_code = {row[0]: row for row in rows}
    return [
        _report("aerodromes: location indicators are four letters", codes, r"[A-Z]{4}"),
        _unique("aerodromes: location indicators are unique", codes),
        _report("aerodromes: IATA codes are three letters", iatas, r"[A-Z]{3}"),
        _unique("aerodromes: IATA codes are unique", iatas),
        _found(
            "aerodromes: former codes name no other aerodrome",
            [c for c in former if c in by_code or c in set(iatas) or former.count(c) > 1],
            len(former),
        ),
        _found(
            "aerodromes: States are ISO 3166-1",
            [f"{row[0]} {row[3]!r}" for row in rows if row[3] not in STATE_CODES],
            len(rows),
        ),
        _found(
            "aerodromes: positions and elevations are possible",
            [row[0] for row in rows if not _is_possible(row)],
            len(rows),
        ),
        _found(
            "aerodromes: time zones exist and fit the longitude",
            [f"{row[0]} {row[7]}" for row in rows if not _fits_zone(row, zones)],
            len(rows),
        ),
        _found(
            "aerodromes: Namibia is NA, Crimea UA, Kosovo XK",
            [
                f"{icao} {by_code[icao][3]!r}" if icao in by_code else f"{icao} missing"
                for icao, state in (("FYWH", "NA"), ("UKFF", "UA"), ("BKPR", "XK"))
                if icao not in by_code or by_code[icao][3] != state
            ],
            3,
        ),
    ]


def check_operators() -> list[Check]:
    """Check the shipped operators.

    Returns
    -------
    list of (str, bool, str)
        Name of the check, whether it holds, and what was counted or found wrong.
    """
    header, rows = read_rows(find_resource("geodata/operators.csv"))
    if tuple(header) != OPERATOR_COLUMNS or any(len(r) != len(header) for r in rows):
        return [("operators: columns", False, f"expected {','.join(OPERATOR_COLUMNS)}")]
    types = {shipped.typecode for shipped in shipped_types().values()}
    column = {name: [row[i] for row in rows] for i, name in enumerate(OPERATOR_COLUMNS)}
    states = [s for n in ("state", "owner_state", "controller_state") for s in column[n] if s]
    given = [iata for iata in column["iata"] if iata]
    typed = [typecode for typecode in column["default_type"] if typecode]
    return [
        _report("operators: designators are three letters", column["icao"], r"[A-Z]{3}"),
        _unique("operators: designators are unique", column["icao"]),
        _report("operators: IATA codes have two characters", given, r"[A-Z0-9]{2}"),
        _unique("operators: IATA codes are unique", given),
        _found(
            "operators: every operator has a licensing State",
            [
                icao
                for icao, state in zip(column["icao"], column["state"], strict=True)
                if not state
            ],
            len(rows),
        ),
        _found(
            "operators: States are ISO 3166-1",
            sorted({s for s in states if s not in STATE_CODES}),
            len(states),
        ),
        _found(
            "operators: commonest types are in the aircraft table",
            sorted({t for t in typed if t not in types}),
            len(typed),
        ),
        _found(
            "operators: advisory policies are obey, warn or ignore",
            sorted(set(column["advisory_policy"]) - POLICIES),
            len(rows),
        ),
        _found(
            "operators: every row has a source and a mark",
            [row[0] for row in rows if not row[8] or row[9] not in ("V", "K", "U")],
            len(rows),
        ),
    ]


def _found(name: str, wrong: list[str], count: int) -> Check:
    if not wrong:
        return (name, True, f"{count} checked")
    more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
    return (name, False, f"{', '.join(wrong[:_SHOWN])}{more}")


def _report(name: str, values: list[str], form: str) -> Check:
    return _found(name, [v for v in values if not re.fullmatch(form, v)], len(values))


def _unique(name: str, values: Iterable[str]) -> Check:
    counts = Counter(values)
    return _found(name, [v for v, n in counts.items() if n > 1], len(counts))


def _is_possible(row: list[str]) -> bool:
    try:
        lon, lat, elevation = float(row[4]), float(row[5]), int(row[6])
    except ValueError:
        return False
    return abs(lon) <= 180 and abs(lat) <= 90 and -1500 <= elevation <= 17_000


def _fits_zone(row: list[str], zones: set[str]) -> bool:
    """Whether the zone exists and lies within four hours of solar time."""
    if row[7] not in zones:
        return False
    offset = _NOON.replace(tzinfo=ZoneInfo(row[7])).utcoffset()
    if offset is None:
        return False
    hours = offset.total_seconds() / 3600.0 - float(row[4]) / 15.0
    return abs((hours + 12.0) % 24.0 - 12.0) <= 4.0
