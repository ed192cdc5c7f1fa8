"""The typed model of one rulebook file: what a rule says, about whom, where and when.

Fields of a table are ANDed, entries of a list ORed. Text codes are ISO 3166-1 alpha-2 for States,
ICAO for operators and aerodromes, airspace designators for areas. The JSON Schema of
`RulebookFile` is published beside the rulebook, so that editors can complete and check it.
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from airsim.base import (
    FLIGHT_STATUSES,
    GROUPS,
    OPEN_FROM,
    OPEN_TO,
    STATE_CODES,
    STATE_NAMES,
    format_instant,
    parse_instant,
)

SCHEMA_VERSION = 1

Activity = Literal[
    "overflight", "landing", "take-off", "technical-stop", "marketing", "servicing", "parts",
    "cargo",
]  # fmt: skip
Force = Literal["binding", "advisory", "operator-policy"]
Effect = Literal["prohibit", "require-permit", "permit"]
Confidence = Literal["V", "V*", "V-date", "K", "U", "assumed", "synthetic"]


def _check_state(code: str) -> str:
    if code not in STATE_CODES:
        by_name = {name.casefold(): known for known, name in STATE_NAMES.items()}
        meant = {"UK": "GB", "EL": "GR"}.get(code) or by_name.get(code.casefold())
        hint = f"did you mean {meant}?" if meant else "write two letters, as QA for Qatar"
        raise ValueError(f"{code!r} is no ISO 3166-1 alpha-2 code: {hint}")
    return code


def _check_group(name: str) -> str:
    if name not in GROUPS:
        known = ", ".join(sorted(GROUPS))
        raise ValueError(f"{name!r} is no known group of States; known: {known}")
    return name


_AS_INSTANT = "write 2021-06-04T22:00Z, or a date for 00:00Z"


def _read_instant(value: object) -> int:
    if isinstance(value, str):
        try:
            return parse_instant(value)
        except ValueError as error:
            said = str(error)
        raise ValueError(said if "offset" in said else f"{value!r} is no instant: {_AS_INSTANT}")
    if isinstance(value, date):
        return parse_instant(value.isoformat())
    # A bare number is a slip of the pen: 2021 would be two seconds after midnight in 1970.
    raise ValueError(f"{value!r} is no instant: {_AS_INSTANT}")


def _read_bounds(value: object) -> tuple[int, int]:
    """An instant, or [earliest, latest] where the hour is not known."""
    if isinstance(value, list | tuple):
        if len(value) != 2:
            raise ValueError("an interval of instants is [earliest, latest]")
        earliest, latest = (_read_instant(v) for v in value)
        if earliest > latest:
            raise ValueError("earliest is after latest")
        return earliest, latest
    instant = _read_instant(value)
    return instant, instant


def _check_status(name: str) -> str:
    if name not in FLIGHT_STATUSES:
        raise ValueError(f"{name!r} is no status of a flight; known: {', '.join(FLIGHT_STATUSES)}")
    return name


State = Annotated[str, AfterValidator(_check_state)]
Status = Annotated[
    str,
    AfterValidator(_check_status),
    WithJsonSchema({"type": "string", "enum": list(FLIGHT_STATUSES)}),
]
Group = Annotated[str, AfterValidator(_check_group)]
_INSTANT_SCHEMA = {"type": "string", "description": "ISO 8601 instant with Z, or a date (00:00Z)"}
Instant = Annotated[
    int,
    BeforeValidator(_read_instant, json_schema_input_type=str),
    PlainSerializer(format_instant, return_type=str),
]
Bounds = Annotated[
    tuple[int, int],
    BeforeValidator(_read_bounds, json_schema_input_type=str | list[str]),
    PlainSerializer(lambda b: [format_instant(v) for v in b], return_type=list[str]),
]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Who(_Table):
    """A test on operator and aircraft; all given fields must hold.

    `marketed_in` looks at the carriers that sell the flight under their own code, `decided_in` at
    the State of whoever can decide when and where it takes off or lands, `designated` at the
    sanctions lists on which operator, owner or charterer stands, `us_content_over` at the share of
    controlled United States content of the airframe, in percent.
    """

    operator: tuple[str, ...] = ()
    operator_not: tuple[str, ...] = ()
    licensed_in: tuple[State, ...] = ()
    licensed_in_group: Group | None = None
    licensed_not_in: tuple[State, ...] = ()
    registered_in: tuple[State, ...] = ()
    registered_in_group: Group | None = None
    registration: tuple[str, ...] = ()
    registration_not: tuple[str, ...] = ()
    owned_in: tuple[State, ...] = ()
    controlled_in: tuple[State, ...] = ()
    chartered_in: tuple[State, ...] = ()
    decided_in: tuple[State, ...] = ()
    marketed_in: tuple[State, ...] = ()
    designated: tuple[str, ...] = ()
    us_origin: bool | None = None
    us_content_over: Annotated[float, Field(ge=0, lt=100)] | None = None
    typecode: tuple[str, ...] = ()
    max_seats: int | None = None


class FlightTest(_Table):
    """A test on the flight: its ends, its route so far, its nature; all given fields must hold.

    `crossed` names territories entered earlier on the same flight (a route-history test);
    `plan_aerodrome_in` looks at every aerodrome of the flight plan.
    """

    scheduled: bool | None = None
    service: tuple[str, ...] = ()
    origin_in: tuple[State, ...] = ()
    origin_not_in: tuple[State, ...] = ()
    destination_in: tuple[State, ...] = ()
    destination_not_in: tuple[State, ...] = ()
    origin: tuple[str, ...] = ()
    destination: tuple[str, ...] = ()
    destination_not: tuple[str, ...] = ()
    plan_aerodrome_in: tuple[State, ...] = ()
    crossed: tuple[State, ...] = ()
    filed_after: Instant | None = None
    item: tuple[str, ...] = ()
    status: tuple[Status, ...] = ()


class Where(_Table):
    """Where a rule acts; fields are ORed, `except_*` taken away."""

    territory: tuple[State, ...] = ()
    territory_group: Group | None = None
    eu_territory: bool = False
    fir: tuple[str, ...] = ()
    zone: tuple[str, ...] = ()
    aerodrome: tuple[str, ...] = ()
    anywhere: bool = False
    except_territory: tuple[State, ...] = ()

    @model_validator(mode="after")
    def _names_a_place(self) -> Self:
        listed = (self.territory, self.fir, self.zone, self.aerodrome, self.territory_group)
        if not (self.anywhere or self.eu_territory or any(listed)):
            raise ValueError("names no place")
        return self


class When(_Table):
    """Dates of a rule.

    `published` is when planners could know it (default: the earliest `from`). A `from` or `to`
    given as [earliest, latest] is vague: inside the interval the rule is UNKNOWN. `daily` holds
    UTC spans such as ``17:00-04:00`` (past midnight allowed), `weekly` ISO weekdays (1 = Monday)
    of the day on which a span begins. A side of a span may be ``sunrise`` or ``sunset``, also
    ``sunset+30m``, at the reference point `sun_at` ([longitude, latitude] in degrees).
    """

    published: Instant | None = None
    start: Bounds = Field((OPEN_FROM, OPEN_FROM), alias="from")
    end: Bounds = Field((OPEN_TO, OPEN_TO), alias="to")
    daily: tuple[str, ...] = ()
    weekly: tuple[Annotated[int, Field(ge=1, le=7)], ...] = ()
    sun_at: (
        tuple[Annotated[float, Field(ge=-180, le=180)], Annotated[float, Field(ge=-90, le=90)]]
        | None
    ) = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.start[0] >= self.end[1]:
            raise ValueError("'to' is not after 'from'")
        by_sun = any(side.event for text in self.daily for side in parse_span(text))
        if by_sun is not (self.sun_at is not None):
            raise ValueError(
                "'sun_at' = [lon, lat] goes with sunrise or sunset, and only with them"
            )
        return self

    @property
    def published_ms(self) -> int:
        """When a planner could first know the rule."""
        return self.start[0] if self.published is None else self.published


class DaySide(NamedTuple):
    """One side of a daily span: a clock time, or minutes after (before) an event of the sun."""

    event: str
    offset_ms: int


_SIDE = r"(?:(\d\d):([0-5]\d)|(sunrise|sunset)([+-]\d{1,3}m)?)"
_SPAN = re.compile(f"{_SIDE}-{_SIDE}")


@lru_cache(maxsize=1024)
def parse_span(text: str) -> tuple[DaySide, DaySide]:
    """Sides of ``HH:MM-HH:MM``; the second may be below the first: it is of the next day.

    Raises
    ------
    ValueError
        Not of that form, or of no length.
    """
    match = _SPAN.fullmatch(text.strip())
    parts = match.groups() if match else ()
    sides = [_read_side(*parts[k : k + 4]) for k in range(0, len(parts), 4)]
    if not sides or sides[0] == sides[1] or any(s.offset_ms > 86_400_000 for s in sides):
        raise ValueError(f"{text!r} is no span of the day; write 17:00-04:00 or sunset-sunrise")
    return sides[0], sides[1]


def _read_side(hour: str, minute: str, event: str, shift: str) -> DaySide:
    if event:
        return DaySide(event, 60_000 * int((shift or "0m")[:-1]))
    return DaySide("", 60_000 * (60 * int(hour) + int(minute)))


class Levels(_Table):
    """Vertical limits in feet, [lower, upper); a flight level is feet / 100."""

    lower_ft: int = 0
    upper_ft: int = 99_999

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not 0 <= self.lower_ft < self.upper_ft:
            raise ValueError("'upper_ft' is not above 'lower_ft', or that is below the ground")
        return self


class Unless(_Table):
    """An exception: where it holds, its rule does not; it may have exceptions of its own.

    With `permission_of` it holds only for a flight to which that authority granted it;
    `granted_as` is the name under which a flight says so (default: the id of the rule).
    """

    id: str
    title: str
    activities: tuple[Activity, ...] = ()
    who: tuple[Who, ...] = ()
    flight: tuple[FlightTest, ...] = ()
    where: tuple[Where, ...] = ()
    when: When | None = None
    levels: Levels | None = None
    unless: tuple[Unless, ...] = ()
    permission_of: str = ""
    granted_as: str = ""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        tests = (self.activities, self.who, self.flight, self.where, self.when, self.levels)
        if not any(tests) and not self.permission_of:
            raise ValueError("an exception needs a test or 'permission_of'")
        return self


def _name_permission(unless: Unless, rule_id: str) -> Unless:
    inner = tuple(_name_permission(table, rule_id) for table in unless.unless)
    named = unless.granted_as or (rule_id if unless.permission_of else "")
    if (named, inner) == (unless.granted_as, unless.unless):
        return unless
    return unless.model_copy(update={"granted_as": named, "unless": inner})


class Reference(_Table):
    """Where the norm can be read; `unknown` where no source was found."""

    instrument: str
    article: str = "unknown"
    url: str = "unknown"
    sources: tuple[str, ...] = ()


class Quota(_Table):
    """How many flights a permission covers: `most` per `per`, counted for each `each`."""

    most: Annotated[int, Field(ge=1)]
    per: Literal["hour", "day", "week", "month", "season", "year"]
    each: Literal["operator", "State", "all"] = "all"


class Permit(_Table):
    """What a `require-permit` rule asks for.

    `kind` is ``routine`` (an operator of a timetabled service is presumed to hold it, printed as
    an assumption) or ``authority`` (lacking in kind: no bilateral, no carrier permit).
    `lead_time_days` is how long before the flight it must be asked for, counted in working days
    (Monday to Friday) if `working_days`; `validity_hours` how long after the time granted it
    holds; `apply_to` the office and channel; `reference` where lead time and validity are read.
    A `quota` limits how many flights get it; flights are not counted here: whoever is not presumed
    or said to hold a place in it has none.
    """

    authority: str
    kind: Literal["routine", "authority"]
    lead_time_days: Annotated[float, Field(ge=0)] | None = None
    working_days: bool = False
    validity_hours: Annotated[float, Field(gt=0)] | None = None
    apply_to: str = ""
    quota: Quota | None = None
    reference: Reference | None = None


class Rule(_Table):
    """One machine-readable norm of a legal instrument.

    A norm that was amended is one rule for each version; `replaces` names the versions before.
    """

    id: Annotated[str, Field(pattern=r"^[A-Z0-9][A-Za-z0-9/.>+-]*$")]
    title: str
    authority: str
    regime: str
    force: Force = "binding"
    effect: Effect = "prohibit"
    addresses: Literal["airspace", "persons"] = "airspace"
    activities: Annotated[tuple[Activity, ...], Field(min_length=1)]
    who: tuple[Who, ...] = ()
    flight: tuple[FlightTest, ...] = ()
    where: tuple[Where, ...] = ()
    when: When = When()
    levels: Levels | None = None
    unless: tuple[Unless, ...] = ()
    relieves: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()
    permit: Permit | None = None
    person_bound: str = ""
    basis: str = ""
    reference: Reference
    confidence: Confidence
    last_evidence: Instant | None = None
    alternative: str = ""
    open_question: bool = False
    note: str = ""

    @field_validator("unless", mode="after")
    @classmethod
    def _name_permissions(
        cls, unless: tuple[Unless, ...], info: ValidationInfo
    ) -> tuple[Unless, ...]:
        return tuple(_name_permission(table, info.data.get("id", "")) for table in unless)

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if self.effect == "permit" and not self.relieves:
            raise ValueError("a licence (effect 'permit') must name the rules it relieves")
        if self.relieves and self.effect != "permit":
            raise ValueError("only a licence (effect 'permit') relieves rules")
        if (self.permit is not None) != (self.effect == "require-permit"):
            raise ValueError("'permit' goes with effect 'require-permit', and only with it")
        if self.addresses == "persons" and not self.person_bound:
            raise ValueError("a rule addressed to persons names whom it binds in 'person_bound'")
        return self


class RulebookFile(_Table):
    """One TOML file of a rulebook: the rules of one authority."""

    schema_version: Literal[1] = Field(1, alias="schema")
    title: str = ""
    rule: tuple[Rule, ...] = ()


def rulebook_schema() -> dict[str, Any]:
    """JSON Schema of a rulebook file, for editors and linters."""
    schema = RulebookFile.model_json_schema(by_alias=True, mode="validation")
    schema["$id"] = f"https://airsim.invalid/schema/rulebook-{SCHEMA_VERSION}.json"
    schema["title"] = "airsim rulebook file"
    return schema
