"""Instants: int64 UTC milliseconds inside, ISO 8601 text with Z at the edge."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

OPEN_FROM = -(2**63) + 1
OPEN_TO = 2**63 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_instant(text: str) -> int:
    """Turn ISO 8601 text into UTC milliseconds.

    Parameters
    ----------
    text : str
        ``2025-09-15T08:00Z``, ``2025-09-15T08:00:00+03:00`` or a date (midnight UTC).

    Returns
    -------
    int
        Milliseconds since 1970-01-01T00:00Z.

    Raises
    ------
    ValueError
        Not ISO 8601, or a time of day without an offset (local time is never guessed).
    """
    stamp = datetime.fromisoformat(text.strip())
    if stamp.tzinfo is None:
        if "T" in text or " " in text.strip():
            raise ValueError(f"{text!r} has a time of day but no offset: write Z for UTC")
        stamp = stamp.replace(tzinfo=UTC)
    return (stamp - _EPOCH) // timedelta(milliseconds=1)


def format_instant(ms: int) -> str:
    """Turn UTC milliseconds into ISO text, rounded to the second; open ends give ``""``."""
    if ms in (OPEN_FROM, OPEN_TO):
        return ""
    stamp = _EPOCH + timedelta(seconds=(ms + 500) // 1000)
    return stamp.replace(tzinfo=None).isoformat() + "Z"
