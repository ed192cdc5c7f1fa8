"""Operators: licence, owner and controller are three different facts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from airsim.base import find_resource
from airsim.operation.tables import CodeTable, read_rows

COLUMNS = (
    "icao",
    "iata",
    "name",
    "state",
    "owner_state",
    "controller_state",
    "default_type",
    "advisory_policy",
    "source",
    "confidence",
)
POLICIES = frozenset({"obey", "warn", "ignore"})


@dataclass(frozen=True, slots=True)
class Operator:
    """One holder of an air operator certificate.

    Parameters
    ----------
    icao, iata : str
        Three-letter designator; IATA code, empty if none.
    name : str
        Trading name.
    state : str
        ISO 3166-1 alpha-2 of the State that licensed it.
    owner_state, controller_state : str
        State of the majority owner and of whoever controls it; empty: not known.
    default_type : str
        Its commonest aircraft type, used where a question names none; empty: not known.
    advisory_policy : str
        What it does with the advisories of its own authorities (EASA and CAA for European
        operators, FAA KICZ notices for United States operators): obey, warn or ignore.
    source, confidence : str
        Where the row comes from; V read, K known but unverified, U uncertain.
    """

    icao: str
    iata: str
    name: str
    state: str
    owner_state: str
    controller_state: str
    default_type: str
    advisory_policy: str
    source: str
    confidence: str


class Operators(CodeTable[Operator]):
    """Operators by ICAO designator; ``find`` also takes IATA codes."""


def build_operator(row: Sequence[str]) -> Operator:
    """Operator of one row of the shipped table."""
    return Operator(*row[: len(COLUMNS)])


@lru_cache(maxsize=1)
def load_operators() -> Operators:
    """Shipped operators.

    Returns
    -------
    Operators
        Mapping of ICAO designator to `Operator`.

    Notes
    -----
    IATA codes are reused; where two operators carry one, the first in the file owns the code.
    """
    _, rows = read_rows(find_resource("geodata/operators.csv"))
    aliases: dict[str, str] = {}
    for row in rows:
        if row[1]:
            aliases.setdefault(row[1], row[0])
    return Operators(
        {row[0]: row for row in rows},
        aliases,
        build_operator,
        lambda row: row[2],
        what="operator",
        remedy="use a three-letter ICAO designator or an IATA code",
    )
