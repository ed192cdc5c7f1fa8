"""Upkeep of a fleet: checks, unscheduled removals, and the ways by which parts come."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

import tomli
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from airsim.base import InputError, Problem, ProblemList

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Days = Annotated[float, Field(ge=0)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Sourced(_Table):
    """A row with its paper: where its figures come from, or ``assumed``."""

    typecodes: Annotated[tuple[str, ...], Field(strict=False)] = ()
    source: str
    confidence: Literal["V", "K", "U", "assumed"]

    def serves(self, typecode: str) -> bool:
        """Whether the row is about a type; one that names none is about all."""
        return not self.typecodes or typecode in self.typecodes


class Check(_Sourced):
    """A check by flying hours or by the calendar, whichever is given."""

    name: str
    every_hours: Positive | None = None
    every_days: Positive | None = None
    takes_hours: Positive

    @model_validator(mode="after")
    def _falls_due(self) -> Self:
        if (self.every_hours is None) == (self.every_days is None):
            raise ValueError("give every_hours or every_days, one of them")
        return self


class Removal(_Sourced):
    """Unscheduled removals: how many in a thousand flying hours ground the aircraft."""

    per_1000_hours: Positive


class Channel(_Sourced):
    """A way by which parts come: how long they take where the law allows it, and where not.

    `share` of the parts come by it. The law asked is that of the `regimes`, about a part of class
    `item`; any of their rules that the delivery would break makes it barred.
    """

    name: str
    share: Share
    item: str
    regimes: Annotated[tuple[str, ...], Field(strict=False)] = ()
    open_days: Days
    barred_days: Days


class Upkeep(_Table):
    """What one file says of a fleet's upkeep.

    Parameters
    ----------
    base : str
        ICAO location indicator where checks are made and parts arrive.
    bays : int
        Aircraft that can be checked at a time.
    check, removal, channel : tuple
        Rows, each with its source.
    """

    schema_version: Literal[1] = Field(alias="schema")
    title: str = ""
    base: str
    bays: Annotated[int, Field(ge=1)]
    check: Annotated[tuple[Check, ...], Field(strict=False)] = ()
    removal: Annotated[tuple[Removal, ...], Field(strict=False)] = ()
    channel: Annotated[tuple[Channel, ...], Field(strict=False)] = ()


def load_upkeep(path: str | Path) -> Upkeep:
    """Read an upkeep file.

    Parameters
    ----------
    path : str or pathlib.Path
        TOML with ``schema = 1``, ``base``, ``bays`` and the lists ``check``, ``removal`` and
        ``channel``; see `scenarios/belavia/upkeep.toml`.

    Returns
    -------
    Upkeep

    Raises
    ------
    InputError
        Every problem of the file at once. Shares of the channels that serve a type must add up
        to 1 wherever removals of that type are given.
    """
    file = str(path)
    try:
        data = tomli.loads(Path(path).read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise InputError(
            Problem(file, "", f"cannot be read as TOML: {error}", "mend the file")
        ) from None
    problems = ProblemList()
    try:
        upkeep = Upkeep.model_validate(data)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            problems.add(file, _name_place(detail["loc"]), detail["msg"], "mend this entry")
        problems.raise_if_any()
        raise AssertionError from None
    for typecode in sorted({code for row in upkeep.removal for code in row.typecodes} | {""}):
        channels = [row for row in upkeep.channel if row.serves(typecode)]
        total = sum(row.share for row in channels)
        if any(row.serves(typecode) for row in upkeep.removal) and abs(total - 1.0) > 1e-9:
            name = typecode or "all types"
            problems.add(file, "channel", f"shares for {name} add up to {total:g}", "make it 1")
    problems.raise_if_any()
    return upkeep


def _name_place(place: tuple[Any, ...]) -> str:
    return " ".join(str(part + 1) if isinstance(part, int) else str(part) for part in place)
