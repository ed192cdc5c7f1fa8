"""What is special about one flight: its status, its load, what it was granted, other facts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from airsim.base import FLIGHT_STATUSES, STATE_CODES, InputError, ProblemList

Fact = str | float | bool | frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What neither timetable nor fleet says of a flight, and the law may ask.

    Parameters
    ----------
    status : frozenset of str
        emergency, humanitarian, state, military, medical, search-and-rescue, calibration,
        coordinated.
    items : tuple of str
        Classes of goods aboard, as the rules call them (EAR99, ITAR, ...); empty: not known.
    parts : tuple of str
        Classes of parts fitted or supplied to the aircraft.
    held, refused : frozenset of str
        Ids of rules whose permit this flight holds, or was refused.
    derogations : frozenset of str
        Ids of rules from which the authority that they name has excused it.
    facts : tuple of (str, value)
        Other facts, in the place of what is known or assumed (see `read_fact`); None: not known.
    """

    status: frozenset[str] = frozenset()
    items: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    held: frozenset[str] = frozenset()
    derogations: frozenset[str] = frozenset()
    facts: tuple[tuple[str, Fact], ...] = ()
    refused: frozenset[str] = frozenset()


ORDINARY = Circumstances()


def _read_state(text: str) -> Fact:
    if text == "none":
        return ""
    if text.upper() not in STATE_CODES:
        raise ValueError("is no ISO 3166-1 alpha-2 code, 'none' or 'unknown'")
    return text.upper()


def _read_states(text: str) -> Fact:
    states = frozenset(_read_state(part) for part in text.split(",")) - {""}
    return frozenset(str(state) for state in states)


def _read_names(text: str) -> Fact:
    return frozenset(part for part in text.split(",") if part not in ("", "none"))


def _read_flag(text: str) -> Fact:
    if text not in ("yes", "no"):
        raise ValueError("is none of yes, no, unknown")
    return text == "yes"


def _read_percent(text: str) -> Fact:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 100:
        raise ValueError("is no percentage and not 'unknown'")
    return share


def _read_count(text: str) -> Fact:
    if not text.isdecimal():
        raise ValueError("is no whole number and not 'unknown'")
    return int(text)


FACTS: dict[str, Callable[[str], Fact]] = {
    "chartered_in": _read_state,
    "controlled_in": _read_state,
    "decided_in": _read_state,
    "designated": _read_names,
    "marketed_in": _read_states,
    "owned_in": _read_state,
    "registered_in": _read_state,
    "seats": _read_count,
    "service": lambda text: text,
    "us_content": _read_percent,
    "us_origin": _read_flag,
}


def read_fact(text: str) -> tuple[str, Fact]:
    """Read one fact about a flight.

    Parameters
    ----------
    text : str
        ``name=value``: a State for ``owned_in``, ``controlled_in``, ``chartered_in``,
        ``decided_in`` (who decides when and where it flies) and ``registered_in``; States joined
        by commas for ``marketed_in``; sanctions lists for ``designated``; yes or no for
        ``us_origin``; percent for ``us_content``; a number for ``seats``; a word for
        ``service``. ``unknown`` and ``none`` are values too.

    Returns
    -------
    name : str
    value : str, float, bool, frozenset of str or None

    Raises
    ------
    InputError
        No such fact, or a value that it cannot have.
    """
    problems = ProblemList()
    name, _, value = (part.strip() for part in text.partition("="))
    try:
        return name, None if value == "unknown" else FACTS[name](value)
    except KeyError:
        problems.add("flight", text, "is no fact to be told so", f"NAME=VALUE of {' '.join(FACTS)}")
    except ValueError as error:
        problems.add("flight", text, f"{value!r} {error}", "as chartered_in=RU or us_origin=no")
    raise InputError(*problems.problems)


def check_statuses(statuses: Iterable[str]) -> frozenset[str]:
    """Statuses of a flight.

    Raises
    ------
    InputError
        One that no flight has.
    """
    problems = ProblemList()
    found = frozenset(statuses)
    for status in sorted(found - set(FLIGHT_STATUSES)):
        problems.add("flight", status, "is no status of a flight", " ".join(FLIGHT_STATUSES))
    problems.raise_if_any()
    return found
