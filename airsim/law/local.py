"""Rules written from a short form: opening hours, movement limits and closures of one place.

A scenario says them in a line or two; as rules they are judged, planned round and explained like
all others. Where nobody published them they say so: their instrument is the source given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from airsim.law.model import Confidence, Rule, parse_span

DAY_MIN = 1440
MINUTE_MS = 60_000
CLOSURES = "closures of the scenario"  # their regime
# Whoever must land, and the State's own, are not kept out by hours and closures.
_UNLESS = (
    {"id": "emergency", "title": "Emergency landing", "flight": [{"status": ["emergency"]}]},
    {
        "id": "state",
        "title": "State and military aircraft",
        "flight": [{"status": ["state", "military"]}],
    },
)


def invert_hours(spans: Iterable[str]) -> tuple[str, ...]:
    """Spans of the day outside the given ones.

    Parameters
    ----------
    spans : iterable of str
        ``HH:MM-HH:MM`` in UTC, past midnight if the second is the smaller.

    Returns
    -------
    tuple of str
        Of the same form, in order of the day; empty if the given ones fill it.

    Raises
    ------
    ValueError
        A span of another form, or one that hangs on the sun.
    """
    shut = [True] * DAY_MIN
    for text in spans:
        begin, end = parse_span(text)
        if begin.event or end.event:
            raise ValueError(f"{text!r} hangs on the sun; write clock times")
        first, last = begin.offset_ms // MINUTE_MS, end.offset_ms // MINUTE_MS
        last += DAY_MIN * (last <= first)
        for minute in range(first, last):
            shut[minute % DAY_MIN] = False
    if all(shut) or not any(shut):
        return ("00:00-24:00",) if all(shut) else ()
    found = []
    for start in (m for m in range(DAY_MIN) if shut[m] and not shut[m - 1]):
        stop = next(m for m in range(start, start + DAY_MIN) if not shut[m % DAY_MIN])
        found.append(f"{_clock(start)}-{_clock(stop % DAY_MIN)}")
    return tuple(found)


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def make_hours_rule(
    name: str, icao: str, spans: Sequence[str], *, confidence: Confidence, source: str,
    when: Mapping[str, Any],
) -> Rule:  # fmt: skip
    """Landing and taking off outside an aerodrome's hours, barred.

    Parameters
    ----------
    name : str
        Id of the rule.
    icao : str
    spans : sequence of str
        When it is open, as for `invert_hours`; they leave some of the day closed.
    confidence : str
    source : str
        Where the hours are read; ``assumed`` if nowhere.
    when : mapping
        ``published``, ``from``, ``to`` as in a rulebook, each if there is one.

    Returns
    -------
    Rule
    """
    return _make_rule(
        name, f"{icao} open {', '.join(spans)} UTC only", {"aerodrome": [icao]}, confidence, source,
        regime="aerodrome hours", when={**when, "daily": list(invert_hours(spans))},
        unless=list(_UNLESS),
    )  # fmt: skip


def make_limit_rule(
    name: str, icao: str, most: int, *, confidence: Confidence, source: str,
    when: Mapping[str, Any],
) -> Rule:  # fmt: skip
    """A place in the flow for each landing and take-off: at most so many an hour."""
    return _make_rule(
        name, f"{icao}: at most {most} movements an hour", {"aerodrome": [icao]}, confidence,
        source, regime="aerodrome slots", when=dict(when), effect="require-permit",
        permit={
            "authority": "slots", "kind": "routine", "apply_to": "a slot in the flow",
            "quota": {"most": most, "per": "hour", "each": "all"},
        },
    )  # fmt: skip


def make_closure_rule(
    name: str, title: str, where: Mapping[str, Any], *, confidence: Confidence, source: str,
    when: Mapping[str, Any], note: str = "",
) -> Rule:  # fmt: skip
    """A place shut to everybody for some time; airspace to those flying through as well."""
    ends_only = set(where) == {"aerodrome"}
    return _make_rule(
        name, title, where, confidence, source, regime=CLOSURES,
        when=dict(when), unless=list(_UNLESS), note=note,
        activities=["landing", "take-off"] + ([] if ends_only else ["overflight"]),
    )  # fmt: skip


def _make_rule(
    name: str, title: str, where: Mapping[str, Any], confidence: str, source: str, **more: Any
) -> Rule:
    table = {
        "id": name, "title": title, "authority": "scenario", "where": [dict(where)],
        "activities": ["landing", "take-off"], "confidence": confidence,
        "reference": {"instrument": source},
    }  # fmt: skip
    return Rule.model_validate(table | more)
