"""The scenario file: its tables, and what is wrong with one in words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from reprlib import repr as shorten
from typing import Annotated, Any, Literal, NoReturn, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

from airsim.base import FLIGHT_STATUSES, InputError, Problem, format_instant, parse_instant
from airsim.law import (
    Confidence,
    Rule,
    invert_hours,
    make_closure_rule,
    make_hours_rule,
    make_limit_rule,
)
from airsim.operation import (
    Circumstances,
    Fact,
    check_statuses,
    load_aerodromes,
    load_operators,
    read_fact,
    state_of_registration,
)
from airsim.performance import load_types
from airsim.scenario.world import HOUR_MS, Advice, ClosureProcess, Options, PermitModel

SCHEMA_VERSION = 1
TableT = TypeVar("TableT", bound=BaseModel)
# A date outside is a slip of the pen: the law shipped or amended has nothing to say there.
_FIRST_MS, _END_MS = parse_instant("1950-01-01"), parse_instant("2101-01-01")
_DEFAULTS = Options()
_PERMITS = PermitModel()


def _refuse(problem: str, remedy: str) -> NoReturn:
    raise InputError(Problem("", "", problem, remedy))


def _read_instant(value: object) -> int:
    text = value.isoformat() if isinstance(value, date) else value
    try:
        if not isinstance(text, str):
            raise ValueError
        stamp = parse_instant(text)
    except ValueError:
        _refuse(f"{shorten(text)} is no instant in UTC", "write 2025-09-08T00:00Z")
    if not _FIRST_MS <= stamp < _END_MS:
        _refuse(f"{text} is out of range", "write a date of 1950 to 2100")
    return stamp


def _check_mark(text: str, info: ValidationInfo) -> str:
    """A mark in capitals; context: marks of the fleet, which may be placeholders."""
    mark = text.strip().upper()
    if mark not in (info.context or ()) and not state_of_registration(mark):
        _refuse(f"no State uses the mark of {text!r}", "write it with its hyphen, as EW-366PA")
    return mark


def _read_facts(table: object) -> tuple[tuple[str, Fact], ...]:
    if not isinstance(table, dict):
        _refuse("is no table of facts", 'write { chartered_in = "RU" }')
    return tuple(sorted(read_fact(f"{name}={value}") for name, value in table.items()))


Text = Annotated[str, Field(min_length=1)]
Texts = Annotated[tuple[Text, ...], Strict(False)]  # TOML knows lists, not tuples
Instant = Annotated[int, BeforeValidator(_read_instant, json_schema_input_type=str)]
Statuses = Annotated[
    tuple[Text, ...],
    Strict(False),
    AfterValidator(lambda names: tuple(sorted(check_statuses(names)))),
    WithJsonSchema({"type": "array", "items": {"enum": list(FLIGHT_STATUSES)}}),
]
Facts = Annotated[
    tuple[tuple[str, Fact], ...],
    BeforeValidator(_read_facts),
    WithJsonSchema({"type": "object", "additionalProperties": {"type": "string"}}),
]
OperatorCode = Annotated[str, AfterValidator(lambda code: load_operators().find(code).icao)]
AerodromeCode = Annotated[str, AfterValidator(lambda code: load_aerodromes().find(code).icao)]
Typecode = Annotated[str, AfterValidator(lambda code: load_types().find(code).typecode)]
Mark = Annotated[str, AfterValidator(_check_mark)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class PeriodTable(_Table):
    """Off-block times simulated: from `start` to just before `end`."""

    start: Instant
    end: Instant

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.end <= self.start:
            _refuse("'end' is not after 'start'", "swap them")
        return self


class OperationTable(_Table):
    """Timetable and fleet: CSV files beside the scenario file, and which period of them.

    `timetable_from` and `timetable_until` let the first rows begin, the last rows run on, as if
    the timetable had been the same then. `upkeep` is a TOML file of checks, faults and parts.
    """

    timetable: Text | None = None
    timetable_period: Text | None = None
    timetable_from: Instant | None = None
    timetable_until: Instant | None = None
    fleet: Text | None = None
    fleet_period: Text | None = None
    upkeep: Text | None = None


class RulesTable(_Table):
    """A folder of rules instead of those shipped; ids of rules whose permit is held."""

    rulebook: Text | None = None
    held: Texts = ()


class ZonesTable(_Table):
    """A TOML file of zones, added to those shipped."""

    file: Text | None = None


class OptionsTable(_Table):
    """How flights are planned and dispatched (see `Options`)."""

    planning_lead_hours: float = Field(_DEFAULTS.planning_lead_ms / HOUR_MS, ge=0, le=8784)
    clearance_nm: float = Field(_DEFAULTS.clearance_nm, gt=0, le=100)
    minimum_turn_min: float = Field(_DEFAULTS.minimum_turn_ms / 60_000, ge=0, le=10_080)
    seed: int = Field(_DEFAULTS.seed, ge=0, lt=2**63)
    obey_operator_policy: bool = _DEFAULTS.obey_operator_policy
    in_flight: Literal["react", "continue"] = _DEFAULTS.in_flight
    advice: Advice = _DEFAULTS.advice
    longest_hold_hours: float = Field(_DEFAULTS.longest_hold_ms / HOUR_MS, ge=0, le=240)
    tail_choice: Literal["first", "lawful"] = _DEFAULTS.tail_choice

    def as_options(self) -> Options:
        """The same in the units used inside."""
        return Options(
            round(self.planning_lead_hours * HOUR_MS), self.clearance_nm,
            round(self.minimum_turn_min * 60_000), self.seed, self.obey_operator_policy,
            self.in_flight, self.advice, round(self.longest_hold_hours * HOUR_MS),
            self.tail_choice,
        )  # fmt: skip


class PermitsTable(_Table):
    """How authorities answer requests; a scenario without this table presumes routine permits."""

    ask_days: float = Field(_PERMITS.ask_days, ge=0, le=365)
    usual_days: float = Field(_PERMITS.usual_days, ge=0, le=365)
    refused: float = Field(_PERMITS.refused, ge=0, le=1)
    late: float = Field(_PERMITS.late, ge=0, le=1)
    late_days: float = Field(_PERMITS.late_days, ge=0, le=365)
    wait_hours: float = Field(_PERMITS.wait_hours, ge=0, le=240)
    answers_per_day: float | None = Field(_PERMITS.answers_per_day, gt=0, le=10_000)

    def as_model(self) -> PermitModel:
        """The same as the simulation takes it."""
        return PermitModel(**self.model_dump())


class AerodromeTable(_Table):
    """Hours of an aerodrome and how many movements an hour it takes, from some day to another.

    `open` lists spans of the day in UTC (local hours move with summer time). Landing and take-off
    outside are barred, emergencies excepted; nobody lands or takes off in an hour that is full.
    """

    icao: AerodromeCode
    open: Texts = ()
    movements_per_hour: int | None = Field(None, ge=1)
    published: Instant | None = None
    from_: Instant | None = Field(None, alias="from")
    to: Instant | None = None
    source: Text
    confidence: Confidence

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.open and self.movements_per_hour is None:
            _refuse("says nothing of the aerodrome", "give open, movements_per_hour, or both")
        try:
            closed = invert_hours(self.open)
        except ValueError as error:
            _refuse(str(error), 'write open = ["06:00-16:00"]')
        if self.open and not closed:
            _refuse("is open all day", "leave open out")
        if self.to is not None and self.from_ is not None and self.to <= self.from_:
            _refuse("'to' is not after 'from'", "swap them")
        return self

    def write_rules(self, number: int) -> Iterator[Rule]:
        """The same as rules: planned round, waited for and explained like all others."""
        stamps = {"published": self.published, "from": self.from_, "to": self.to}
        when = {key: format_instant(at) for key, at in stamps.items() if at is not None}
        if self.open:
            yield make_hours_rule(
                f"HOURS-{self.icao}-{number}", self.icao, self.open,
                confidence=self.confidence, source=self.source, when=when,
            )  # fmt: skip
        if self.movements_per_hour is not None:
            yield make_limit_rule(
                f"SLOTS-{self.icao}-{number}", self.icao, self.movements_per_hour,
                confidence=self.confidence, source=self.source, when=when,
            )  # fmt: skip


class DurationTable(_Table):
    """How long closures last: `hours`, or on average; or between `least_hours` and `most_hours`."""

    kind: Literal["fixed", "uniform", "exponential"]
    hours: float | None = Field(None, gt=0, le=8784)
    least_hours: float | None = Field(None, gt=0, le=8784)
    most_hours: float | None = Field(None, gt=0, le=8784)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        uniform = self.kind == "uniform"
        given = (self.hours, self.least_hours, self.most_hours)
        if [value is not None for value in given] != [not uniform, uniform, uniform]:
            keys = "least_hours and most_hours" if uniform else "hours"
            _refuse(f"of kind {self.kind} takes {keys} and nothing else", f"give {keys}")
        if uniform and self.numbers[0] > self.numbers[1]:
            _refuse("'most_hours' is below 'least_hours'", "swap them")
        return self

    @property
    def numbers(self) -> tuple[float, ...]:
        """What was given."""
        given = (self.hours, self.least_hours, self.most_hours)
        return tuple(value for value in given if value is not None)


class SurpriseTable(_Table):
    """Closures that nobody planned for: one with its dates, or a process that draws them.

    A dated one has `from` and `to` (and `published`, by default `from`); a process `per_day` and
    `duration`, optionally `begins` (spans of the day in UTC) and `notice_hours`, and may have
    `from` and `to` too, between which closures begin. All are labelled by their source.
    """

    name: Annotated[str, Field(pattern=r"^[A-Z0-9][A-Z0-9-]*$")]
    aerodrome: Annotated[tuple[AerodromeCode, ...], Strict(False)] = ()
    territory: Texts = ()
    fir: Texts = ()
    zone: Texts = ()
    published: Instant | None = None
    from_: Instant | None = Field(None, alias="from")
    to: Instant | None = None
    per_day: float | None = Field(None, gt=0, le=100)
    begins: Texts = ()
    duration: DurationTable | None = None
    notice_hours: float = Field(0.0, ge=0, le=8784)
    source: Text
    confidence: Confidence

    @property
    def where(self) -> dict[str, tuple[str, ...]]:
        """Places by kind."""
        kinds = ("aerodrome", "territory", "fir", "zone")
        return {kind: getattr(self, kind) for kind in kinds if getattr(self, kind)}

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if not self.where:
            _refuse("names no place", "give aerodrome, territory, fir or zone")
        if self.to is not None and self.from_ is not None and self.to <= self.from_:
            _refuse("'to' is not after 'from'", "swap them")
        if self.per_day is None:
            if self.from_ is None or self.to is None:
                _refuse("has neither dates nor a rate", "give from and to, or per_day and duration")
            if self.begins or self.duration is not None or self.notice_hours:
                _refuse("has dates, and keys of a process", "leave these out, or give per_day")
        elif self.duration is None:
            _refuse("has no duration", 'write duration = { kind = "exponential", hours = 2 }')
        elif self.published is not None:
            _refuse("has a rate and is published at one time", "give notice_hours instead")
        try:
            invert_hours(self.begins)
            self.write_example()
        except ValidationError as error:
            _refuse(error.errors()[0]["msg"].removeprefix("Value error, "), "mend the code")
        except ValueError as error:
            _refuse(str(error), 'write begins = ["18:00-04:00"]')
        return self

    def write_example(self) -> Rule:
        """A closure of this place as a rule: the dated one, or one like those to be drawn."""
        stamps = {"published": self.published, "from": self.from_, "to": self.to}
        when = {key: format_instant(at) for key, at in stamps.items() if at is not None}
        return make_closure_rule(
            self.name, f"closure {self.name}", self.where, confidence=self.confidence,
            source=self.source, when=when,
        )  # fmt: skip

    def as_process(self, period: PeriodTable) -> ClosureProcess:
        """The process; it runs as long as the scenario unless dates are given."""
        assert self.per_day is not None
        assert self.duration is not None
        return ClosureProcess(
            self.name, tuple(self.where.items()), self.per_day, self.begins, self.duration.kind,
            self.duration.numbers, self.notice_hours,
            period.start if self.from_ is None else self.from_,
            period.end if self.to is None else self.to, self.source, self.confidence,
        )  # fmt: skip


class SensitivityTable(_Table):
    """Zones, by the beginning of their designators, that are also tried 30 NM larger and smaller.

    Only flights that they concern are planned again.
    """

    zones: Texts = ()


class ProbeTable(_Table):
    """A question flight: judged and drawn like a flight, never dispatched.

    `held` and `derogations` are rules whose permit it holds or from which it was excused, `facts`
    are told in the place of what is known or assumed (``{ chartered_in = "RU" }``).
    """

    operator: OperatorCode
    adep: AerodromeCode
    ades: AerodromeCode
    eobt: Instant
    typecode: Typecode | None = None
    registration: Mark | None = None
    scheduled: bool = True
    status: Statuses = ()
    items: Texts = ()
    parts: Texts = ()
    held: Texts = ()
    derogations: Texts = ()
    facts: Facts = ()

    @property
    def circumstances(self) -> Circumstances:
        """The same as planning knows them."""
        return Circumstances(
            frozenset(self.status), self.items, self.parts, frozenset(self.held),
            frozenset(self.derogations), self.facts,
        )  # fmt: skip

    @model_validator(mode="after")
    def _goes_somewhere(self) -> Self:
        if self.adep == self.ades:
            _refuse("departure and destination are the same", "name two aerodromes")
        return self


class CompareTable(_Table):
    """Everything asked before and after a change."""

    title: str = ""
    before: Instant
    after: Instant

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.after <= self.before:
            _refuse("'after' is not after 'before'", "swap them")
        return self


_AMENDMENT_SCHEMA = {
    "type": "object",
    "description": "One change of the law; all actions but add name a target.",
    "properties": {
        "action": {"enum": ["lift", "keep", "shift", "add"]},
        "target": {"type": "string", "description": "rule id, instrument, regime or authority"},
        "shift_hours": {"type": "number"},
        "rule": {"type": "object", "description": "as in a rulebook file"},
    },
    "required": ["action"],
    "additionalProperties": False,
}
AmendmentTable = Annotated[dict[str, Any], WithJsonSchema(_AMENDMENT_SCHEMA)]


class ScenarioFile(_Table):
    """One scenario file. Amendments are read by `airsim.law.parse_amendments`."""

    schema_version: Literal[1] = Field(alias="schema")
    title: str = ""
    description: str = ""
    period: PeriodTable
    operation: OperationTable = OperationTable()
    rules: RulesTable = RulesTable()
    zones: ZonesTable = ZonesTable()
    options: OptionsTable = OptionsTable()
    permits: PermitsTable | None = None
    sensitivity: SensitivityTable = SensitivityTable()
    aerodrome: Annotated[tuple[AerodromeTable, ...], Strict(False)] = ()
    surprise: Annotated[tuple[SurpriseTable, ...], Strict(False)] = ()
    amendment: Annotated[tuple[AmendmentTable, ...], Strict(False)] = ()
    probe: Annotated[tuple[ProbeTable, ...], Strict(False)] = ()
    compare: Annotated[tuple[CompareTable, ...], Strict(False)] = ()


def scenario_schema() -> dict[str, Any]:
    """JSON Schema of a scenario file, for editors and linters."""
    schema = ScenarioFile.model_json_schema(by_alias=True, mode="validation")
    schema["$id"] = f"https://airsim.invalid/schema/scenario-{SCHEMA_VERSION}.json"
    schema["title"] = "airsim scenario file"
    return schema


_SAYS: dict[str, tuple[str, str]] = {
    "literal_error": ("{given} is not understood", "write {expected}"),
    "missing": ("is missing", "add it"),
    "extra_forbidden": ("unknown key", "remove it or correct its spelling"),
    "string_type": ("{given} is not text", "write it in quotes"),
    "string_too_short": ("is empty", "give it or leave the key out"),
    "bool_type": ("{given} is neither true nor false", "write true or false, without quotes"),
    "float_type": ("{given} is no number", "write digits, without quotes"),
    "int_type": ("{given} is no whole number", "write digits, without quotes"),
    "finite_number": ("{given} is no finite number", "write digits"),
    "greater_than": ("{given} is too small", "write more than {gt}"),
    "greater_than_equal": ("{given} is too small", "write {ge} or more"),
    "less_than": ("{given} is too large", "write less than {lt}"),
    "less_than_equal": ("{given} is too large", "write {le} or less"),
}


def describe_error(detail: Any, file: str) -> Iterator[Problem]:
    """Problems of one error of pydantic: where in the file, what is wrong, what to do."""
    record, kind, given = "", detail["type"], shorten(detail["input"])
    place: tuple[str | int, ...] = detail["loc"]
    for before, part in zip(("", *place), place, strict=False):
        if isinstance(part, int):
            record += f" {part + 1}"
        else:
            record += f"{' ' if isinstance(before, int) else '.' if record else ''}{part}"
    context = detail.get("ctx", {})
    cause = context.get("error")
    if isinstance(cause, InputError):
        for found in cause.problems:
            said = f"{found.problem} {found.record!r}" if found.record else found.problem
            yield Problem(file, record, said, found.remedy)
        return
    if place == ("schema",):
        said, remedy = (
            f"this version reads scenarios of schema {SCHEMA_VERSION}",
            "write schema = 1",
        )
    elif kind in ("model_type", "dict_type"):
        name = f"[[{place[0]}]]" if len(place) > 1 else f"[{place[0]}]"
        said, remedy = f"{given} is no table", f"write {name}"
    elif kind == "tuple_type":
        said = f"{given} is no list"
        remedy = 'write ["..."]' if len(place) > 1 else f"write [[{place[0]}]]"
    elif kind in _SAYS:
        said, remedy = (words.format(given=given, **context) for words in _SAYS[kind])
    else:
        said, remedy = f"{given}: {detail['msg']}", "see scenarios/scenario.schema.json"
    yield Problem(file, record, said, remedy)


def salvage_table(model: type[TableT], table: object) -> TableT:
    """The sound keys of a table whose keys are all optional; reading the file reports the rest."""
    sound = table if isinstance(table, dict) else {}
    try:
        return model.model_validate(sound)
    except ValidationError as error:
        bad = {detail["loc"][0] for detail in error.errors()}
        return model.model_validate({key: sound[key] for key in sound if key not in bad})
