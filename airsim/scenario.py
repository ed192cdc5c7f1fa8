"""A scenario: a TOML file and its amendments, bound to a frozen world.

The world is atlas, law, aerodromes, operators, aircraft types, fleet, timetable and probes. Every
name in the file is looked up here, and every one that dangles is reported at once.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from difflib import get_close_matches
from functools import cached_property, lru_cache
from itertools import pairwise
from pathlib import Path
from reprlib import repr as shorten
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn, Self, TypeVar

import numpy as np
import tomli
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

from airsim.airspace import Atlas, load_atlas, locate_points
from airsim.base import (
    FLIGHT_STATUSES,
    OPEN_TO,
    InputError,
    Problem,
    ProblemList,
    find_resource,
    format_instant,
    list_scenarios,
    parse_instant,
)
from airsim.law import (
    Amendment,
    Confidence,
    Rule,
    Rulebook,
    amend_rulebook,
    find_unknown_names,
    invert_hours,
    list_items,
    list_permissions,
    load_rulebook,
    make_closure_rule,
    make_hours_rule,
    make_limit_rule,
    make_rulebook,
    parse_amendments,
)
from airsim.operation import (
    Aerodromes,
    Circumstances,
    Fact,
    Flight,
    Operators,
    Service,
    Tail,
    check_statuses,
    expand_timetable,
    load_aerodromes,
    load_fleet,
    load_operators,
    load_timetable,
    read_fact,
    state_of_registration,
)
from airsim.performance import AircraftType, load_types
from airsim.permission import AreaKey, BoundRulebook, bind_rulebook, cut_exceptions

if TYPE_CHECKING:
    from airsim.operation import Upkeep

HOUR_MS = 3_600_000
# Goods known to be of no class that a rule names.
UNCONTROLLED = "uncontrolled"
SCHEMA_VERSION = 1
TableT = TypeVar("TableT", bound=BaseModel)
Advice = Literal["", "obey", "warn", "ignore"]
ZoneVariant = Literal["nominal", "plus30", "minus30"]


@lru_cache(maxsize=4)
def shipped_atlas(zone_variant: ZoneVariant = "nominal") -> Atlas:
    """The shipped airspace, loaded once per process and zone variant."""
    return load_atlas(zone_variant=zone_variant)


def extended_atlas(zones: Path, zone_variant: ZoneVariant = "nominal") -> Atlas:
    """The shipped airspace and the zones of a user's TOML file.

    Raises
    ------
    InputError
        Every problem of the file: unknown State, unclosed polygon, bad number, unknown key.
    """
    from airsim.airspace import build_zones, find_layer_areas, write_zones

    base = shipped_atlas(zone_variant)
    territory, fir, shipped = (find_layer_areas(base.layer(n)) for n in base.layer_names)
    built = build_zones(
        zones, territory, fir, zones=shipped, file=str(zones),
        dated=lambda name, at_ms: find_layer_areas(base.layer(name), at_ms),
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "zones.parquet"
        write_zones(built, path, extend=find_resource("geodata/zones.parquet"))
        return load_atlas(zones=path, zone_variant=zone_variant)


@dataclass(frozen=True, slots=True)
class Options:
    """How flights are planned and dispatched; every default is printed with the results.

    Parameters
    ----------
    planning_lead_ms : int
        A flight is planned this long before EOBT, on the law published by then.
    clearance_nm : float
        Distance a route keeps from closed airspace.
    minimum_turn_ms : int
        Least time of an aircraft on the ground between flights.
    seed : int
        Of the random streams: wear, faults, parts, answers of authorities.
    obey_operator_policy : bool
        Whether avoidance by choice closes airspace to those who chose it.
    in_flight : {"react", "continue"}
        What flights do about rules published while they are in the air: find another way, turn
        back or divert; or go on as planned, which is logged as flown although forbidden.
    advice : {"", "obey", "warn", "ignore"}
        What all operators do with advice and avoidance by choice; empty: each as it is known to.
    longest_hold_ms : int
        How long a flight that is ready waits for an aerodrome or airspace to open, or for a place
        in the flow, before it is cancelled.
    tail_choice : {"first", "lawful"}
        Which of the free aircraft a flight takes: the first, or the one that the law bars, or
        whose flight and servicing break rules, least.
    """

    planning_lead_ms: int = 3 * HOUR_MS
    clearance_nm: float = 1.0
    minimum_turn_ms: int = 45 * 60_000
    seed: int = 20250908
    obey_operator_policy: bool = True
    in_flight: Literal["react", "continue"] = "react"
    advice: Advice = ""
    longest_hold_ms: int = 6 * HOUR_MS
    tail_choice: Literal["first", "lawful"] = "first"


@dataclass(frozen=True, slots=True)
class PermitModel:
    """How authorities answer; without one, routine permits are presumed held.

    Parameters
    ----------
    ask_days : float
        How long before the first flight an operator asks, at least the lead time.
    usual_days : float
        Lead time where the rule gives none.
    refused, late : float
        Shares of requests that are refused, that are answered late.
    late_days : float
        Mean delay of a late answer.
    wait_hours : float
        How long a flight waits for an answer before it goes another way, or not at all.
    """

    ask_days: float = 30.0
    usual_days: float = 5.0
    refused: float = 0.0
    late: float = 0.0
    late_days: float = 3.0
    wait_hours: float = 6.0


@dataclass(frozen=True, slots=True)
class ClosureProcess:
    """Closures of some place that come by chance, each nobody knew of; synthetic by nature.

    Parameters
    ----------
    name : str
        Names its random streams, and with a number its closures.
    where : tuple of (str, tuple of str)
        Places, by kind: aerodrome, territory, fir, zone.
    per_day : float
        Closures begun in a day, on average; they come without memory.
    begins : tuple of str
        Spans of the day, UTC, in which they begin; empty: at any hour.
    duration : {"fixed", "uniform", "exponential"}
        How their length is drawn.
    hours : tuple of float
        Of ``fixed`` the length, of ``exponential`` the mean, of ``uniform`` least and most.
    notice_hours : float
        How long before its beginning each is published.
    start_ms, end_ms : int
        When the first can begin, and by when the last has.
    source, confidence : str
    """

    name: str
    where: tuple[tuple[str, tuple[str, ...]], ...]
    per_day: float
    begins: tuple[str, ...]
    duration: Literal["fixed", "uniform", "exponential"]
    hours: tuple[float, ...]
    notice_hours: float
    start_ms: int
    end_ms: int
    source: str
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class Comparison:
    """A question of the kind "what did this day change": everything asked before and after."""

    title: str
    before_ms: int
    after_ms: int


@dataclass(frozen=True)
class Scenario:
    """A frozen world and what is to be flown in it.

    Parameters
    ----------
    name, title, description : str
    start_ms, end_ms : int
        Off-block times simulated: ``start_ms <= EOBT < end_ms``.
    atlas, rulebook, bound
        Airspace, law after amendments, and the law laid over the airspace, which is cut for it
        along exceptions inside closed areas (see `airsim.permission.cut_exceptions`).
    aerodromes, operators, types, fleet
        By code.
    services : tuple of Service
        Timetable, from which omitted types are taken.
    flights : tuple of Flight
        Dated flights and probes, sorted by (EOBT, id).
    comparisons : tuple of Comparison
    options : Options
    upkeep : Upkeep or None
        Checks, faults and parts of the fleet; None: aircraft need none.
    permits : PermitModel or None
        None: routine permits of timetabled services are presumed held.
    uncut : Atlas, optional
        The airspace before it was cut; default: nothing was.
    memory : dict
        What was found out on the way, by all that it depends on: worlds that are made from this
        one share it.
    surprises : tuple of ClosureProcess
        What a simulation draws closures from.
    """

    name: str
    title: str
    description: str
    start_ms: int
    end_ms: int
    atlas: Atlas
    rulebook: Rulebook
    bound: BoundRulebook
    aerodromes: Aerodromes
    operators: Operators
    types: Mapping[str, AircraftType]
    fleet: tuple[Tail, ...] = ()
    services: tuple[Service, ...] = ()
    flights: tuple[Flight, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    sensitivity_zones: tuple[str, ...] = ()
    amendments: tuple[Amendment, ...] = ()
    options: Options = Options()
    zones_file: Path | None = None
    upkeep: Upkeep | None = None
    permits: PermitModel | None = None
    uncut: Atlas | None = None
    surprises: tuple[ClosureProcess, ...] = ()
    memory: dict[Hashable, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def routes(self) -> dict[frozenset[AreaKey], dict[tuple[float, float, float, float], Any]]:
        """What the router answered so far: by what is closed, then from and to where."""
        found: dict[frozenset[AreaKey], dict[tuple[float, float, float, float], Any]]
        key = ("routes", self.atlas.content_hash, self.options.clearance_nm)
        found = self.memory.setdefault(key, {})
        return found

    @cached_property
    def areas_over(self) -> AreasOver:
        """Airspaces over each aerodrome, by ICAO location indicator; looked up when asked for."""
        key = ("areas over", self.atlas.content_hash, id(self.aerodromes))
        if key not in self.memory:
            self.memory[key] = AreasOver(self.atlas, self.aerodromes)
        found: AreasOver = self.memory[key]
        return found


class AreasOver(dict[str, tuple[AreaKey, ...]]):
    """Airspaces over aerodromes, looked up when asked for, many at once if told in time."""

    def __init__(self, atlas: Atlas, aerodromes: Aerodromes) -> None:
        super().__init__()
        self.atlas = atlas
        self.aerodromes = aerodromes

    def __missing__(self, icao: str) -> tuple[AreaKey, ...]:
        self.prepare([icao])
        return self[icao]

    def prepare(self, names: Iterable[str]) -> None:
        """Look up some aerodromes."""
        fresh = sorted(set(names) - self.keys())
        spots = [self.aerodromes[icao] for icao in fresh]
        lon, lat = np.array([spot.lon for spot in spots]), np.array([spot.lat for spot in spots])
        found: list[list[AreaKey]] = [[] for _ in fresh]
        for layer in self.atlas.layer_names if fresh else ():
            start, rows = locate_points(self.atlas, layer, lon, lat)
            for areas, (a, b) in zip(found, pairwise(start.tolist()), strict=True):
                areas += [(layer, row) for row in rows[a:b].tolist()]
        self.update(zip(fresh, map(tuple, found), strict=True))


# The worked example's fleet and timetable serve single questions too: which type flies a route,
# how many seats a tail has, who owns it. Periods by their first day.
_SHIPPED_FLEETS = (
    ("2021-05", "2021-04-01"), ("2021-06", "2021-06-01"), ("2021-12", "2021-12-01"),
    ("2022-03", "2022-03-01"), ("2025-09", "2024-09-01"),
)  # fmt: skip


@lru_cache(maxsize=8)
def shipped_fleet(at_ms: int) -> tuple[Tail, ...]:
    """Tails of the worked example at a date: the latest fleet list not after it."""
    periods = [name for name, first in _SHIPPED_FLEETS if parse_instant(first) <= at_ms]
    if not periods:
        return ()
    return load_fleet(find_resource("scenarios/belavia/fleet.csv"), periods[-1])


@lru_cache(maxsize=1)
def shipped_services() -> tuple[Service, ...]:
    """Timetables of the worked example, all periods."""
    return tuple(load_timetable(find_resource("scenarios/belavia/timetable.csv")))


def make_scenario(
    *,
    at_ms: int | None = None,
    rulebook: Rulebook | None = None,
    atlas: Atlas | None = None,
    amendments: Iterable[Amendment] = (),
    held: Iterable[str] = (),
    options: Options | None = None,
    name: str = "question",
) -> Scenario:
    """Build a world without a timetable, for single questions.

    Parameters
    ----------
    at_ms : int, optional
        Date for which the worked example's fleet is loaded; default: its latest.
    rulebook, atlas : optional
        Default: as shipped.
    amendments : iterable of Amendment
        Applied to the rulebook.
    held : iterable of str
        Rules whose permit is held.
    options : Options, optional
    name : str

    Returns
    -------
    Scenario

    Raises
    ------
    InputError
        A rule names airspace or an aerodrome that does not exist; an amendment or `held` names no
        rule, or `held` one that asks for no permit.
    """
    changes, permits = tuple(amendments), tuple(held)
    base = rulebook if rulebook is not None else load_rulebook()
    law = amend_rulebook(base, changes)
    air = atlas if atlas is not None else shipped_atlas()
    check_rule_names(law, air)
    check_held(permits, base, law, file=name)
    bound = _bind_law(law, air, permits)
    return Scenario(
        name, name, "", 0, 0, bound.atlas, law, bound,
        load_aerodromes(), load_operators(), load_types(),
        shipped_fleet(OPEN_TO if at_ms is None else at_ms), shipped_services(),
        amendments=changes, options=options or Options(), uncut=air,
    )  # fmt: skip


def _bind_law(law: Rulebook, atlas: Atlas, held: Iterable[str]) -> BoundRulebook:
    """Lay the law over the airspace, areas cut along the exceptions inside them."""
    return bind_rulebook(*cut_exceptions(law, atlas), held=held)


def amend_scenario(scenario: Scenario, amendments: Iterable[Amendment]) -> Scenario:
    """The same world under changed law."""
    changes = tuple(amendments)
    law = amend_rulebook(scenario.rulebook, changes)
    air = scenario.uncut or scenario.atlas
    check_rule_names(law, air)
    bound = _bind_law(law, air, scenario.bound.held)
    return replace(
        scenario, atlas=bound.atlas, rulebook=law, bound=bound,
        amendments=scenario.amendments + changes,
    )  # fmt: skip


def resize_zones(scenario: Scenario, zone_variant: ZoneVariant) -> Scenario:
    """The same world with its synthetic and approximate zones 30 NM larger or smaller."""
    own = scenario.zones_file
    air = extended_atlas(own, zone_variant) if own else shipped_atlas(zone_variant)
    bound = _bind_law(scenario.rulebook, air, scenario.bound.held)
    return replace(scenario, atlas=bound.atlas, bound=bound, uncut=air)


def find_scenario(name: str) -> Path:
    """Path of a scenario: a file if there is one of this name, else a shipped name.

    Raises
    ------
    InputError
        Neither; the shipped names are listed.
    """
    path = Path(name)
    if path.is_file():
        return path
    if name in list_scenarios():
        return find_resource(f"scenarios/{name}.toml")
    if path.is_dir():
        raise InputError(Problem(name, "", "is a folder", "name a scenario file in it"))
    if path.suffix or "/" in name or "\\" in name:
        raise InputError(Problem(name, "", "no such scenario file", "check the path"))
    raise InputError(
        Problem(name, "", "is no shipped scenario", "shipped are: " + ", ".join(list_scenarios()))
    )


def start_project(folder: Path) -> tuple[Path, ...]:
    """Write a small working project to change: scenario, rulebook, timetable, fleet, schemas.

    Parameters
    ----------
    folder : pathlib.Path
        Made if it is not there.

    Returns
    -------
    tuple of pathlib.Path
        The files written, sorted.

    Raises
    ------
    InputError
        A file of one of these names is there already; nothing is written then.
    """
    starter = find_resource("scenarios/starter")
    texts = {path.relative_to(starter): path for path in starter.rglob("*.*") if path.is_file()}
    for kind in ("rulebook", "scenario"):
        schema = find_resource(f"scenarios/{kind}.schema.json")
        texts[Path("schemas") / schema.name] = schema
    problems = ProblemList()
    for name in sorted(texts):
        if (folder / name).exists():
            problems.add(str(folder / name), "", "is there already", "name a new folder")
    if folder.exists() and not folder.is_dir():
        problems.add(str(folder), "", "is a file", "name a new folder")
    problems.raise_if_any()
    for name, source in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(source.read_bytes())
    return tuple(sorted(folder / name for name in texts))


# ---------------------------------------------------------------------------------------------
# the scenario file
# ---------------------------------------------------------------------------------------------
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


def _describe(detail: Any, file: str) -> Iterator[Problem]:
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


def _salvage(model: type[TableT], table: object) -> TableT:
    """The sound keys of a table whose keys are all optional; reading the file reports the rest."""
    sound = table if isinstance(table, dict) else {}
    try:
        return model.model_validate(sound)
    except ValidationError as error:
        bad = {detail["loc"][0] for detail in error.errors()}
        return model.model_validate({key: sound[key] for key in sound if key not in bad})


def load_scenario(name: str | Path, *, zone_variant: ZoneVariant = "nominal") -> Scenario:
    """Read a scenario file and bind every name in it.

    Parameters
    ----------
    name : str or path
        A file, or the name of a shipped scenario.
    zone_variant : {"nominal", "plus30", "minus30"}
        Size of the synthetic and approximate zones.

    Returns
    -------
    Scenario

    Raises
    ------
    InputError
        Everything wrong with the file and the files it names, at once.
    """
    path = find_scenario(str(name))
    try:
        data = tomli.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise InputError(
            Problem(str(path), "", f"cannot be read as TOML: {error}", "mend the file")
        ) from None
    return _Binder(path, data).bind(zone_variant)


class _Binder:
    """Binds the names of one scenario file, noting problems as it goes.

    What is wrong in one table does not hide what is wrong in another, nor in the files named.
    """

    def __init__(self, path: Path, data: dict[str, Any]) -> None:
        self.path = path
        self.data = data
        self.problems = ProblemList()

    def note(self, record: str, problem: str, remedy: str = "") -> None:
        """Note one problem of this file."""
        self.problems.add(str(self.path), record, problem, remedy)

    def bind(self, zone_variant: ZoneVariant) -> Scenario:
        """Bind everything, or raise all problems."""
        operation = _salvage(OperationTable, self.data.get("operation"))
        fleet: tuple[Tail, ...] = self._attempt(lambda: self._read_fleet(operation), ())
        file = self._read_file(fleet)
        services: tuple[Service, ...] = self._attempt(lambda: self._read_timetable(operation), ())
        rulebook, changes = self._read_law(list(_write_rules(file)) if file is not None else [])
        upkeep = self._attempt(lambda: self._read_upkeep(operation), None)
        zones = _salvage(ZonesTable, self.data.get("zones")).file
        own = self._near(zones) if zones else None
        atlas = self._attempt(
            lambda: extended_atlas(own, zone_variant) if own else shipped_atlas(zone_variant), None
        )
        if atlas is not None:
            self._check_zone_names(atlas)
            if rulebook is not None:
                self._attempt(lambda: check_rule_names(rulebook, atlas), None)
            drawn = [t for t in file.surprise if t.per_day is not None] if file is not None else []
            self._attempt(lambda: _check_processes(drawn, atlas), None)
        if rulebook is not None:
            self._check_told(rulebook, file, services)
        self.problems.raise_if_any()
        assert file is not None
        assert rulebook is not None
        assert atlas is not None
        aerodromes, start_ms, end_ms = load_aerodromes(), file.period.start, file.period.end
        flights = expand_timetable(services, aerodromes, start_ms, end_ms)
        bound = _bind_law(rulebook, atlas, file.rules.held)
        probes = (_make_probe(number, table) for number, table in enumerate(file.probe, 1))
        return Scenario(
            self.path.stem, file.title or self.path.stem, file.description, start_ms, end_ms,
            bound.atlas, rulebook, bound,
            aerodromes, load_operators(), load_types(), fleet, services,
            tuple(sorted((*flights, *probes), key=lambda f: (f.eobt_ms, f.flight_id))),
            tuple(Comparison(c.title, c.before, c.after) for c in file.compare),
            file.sensitivity.zones, changes, file.options.as_options(), own, upkeep,
            file.permits.as_model() if file.permits is not None else None, atlas,
            tuple(t.as_process(file.period) for t in file.surprise if t.per_day is not None),
        )  # fmt: skip

    def _check_told(
        self, law: Rulebook, file: ScenarioFile | None, services: Iterable[Service]
    ) -> None:
        probes = enumerate(file.probe if file else (), 1)
        told = [(f"probe {number}", probe.circumstances) for number, probe in probes]
        told += [("timetable", service.circumstances) for service in services]
        for record, circumstances in dict.fromkeys(told):
            try:
                check_circumstances(circumstances, law, file=str(self.path), record=record)
            except InputError as error:
                self.problems.extend(error)

    def _attempt(self, read: Callable[[], Any], otherwise: object) -> Any:
        """What is read; if that fails, its problems are noted and something else is taken."""
        try:
            return read()
        except InputError as error:
            self.problems.extend(error)
        except OSError as error:
            file = str(error.filename or self.path)
            self.problems.add(file, "", f"cannot be read: {error.strerror}", "check the path")
        return otherwise

    def _near(self, name: str) -> Path:
        """A file named in the scenario: beside it, else as given."""
        beside = self.path.parent / name
        return beside if beside.exists() else Path(name)

    def _read_file(self, fleet: Iterable[Tail]) -> ScenarioFile | None:
        marks = frozenset(tail.registration for tail in fleet)
        try:
            return ScenarioFile.model_validate(self.data, context=marks)
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                self.problems.problems.extend(_describe(detail, str(self.path)))
            return None

    def _read_fleet(self, operation: OperationTable) -> tuple[Tail, ...]:
        if operation.fleet is None:
            return ()
        return load_fleet(self._near(operation.fleet), operation.fleet_period)

    def _read_upkeep(self, operation: OperationTable) -> Upkeep | None:
        if operation.upkeep is None:
            return None
        from airsim.operation import load_upkeep

        upkeep = load_upkeep(self._near(operation.upkeep))
        load_aerodromes().find(upkeep.base)
        return upkeep

    def _read_timetable(self, operation: OperationTable) -> tuple[Service, ...]:
        if operation.timetable is None:
            return ()
        services = load_timetable(self._near(operation.timetable), operation.timetable_period)
        # What would have been flown had nothing changed: first and last rows run on.
        first = min((service.valid_from for service in services), default=date.min)
        last = max((service.valid_to for service in services), default=date.max)
        since, until = (
            edge if stamp is None else datetime.fromtimestamp(stamp / 1000, UTC).date()
            for stamp, edge in (
                (operation.timetable_from, first), (operation.timetable_until, last),
            )
        )  # fmt: skip
        return tuple(
            replace(
                service,
                valid_from=min(since, first) if service.valid_from == first else service.valid_from,
                valid_to=max(until, last) if service.valid_to == last else service.valid_to,
            )
            for service in services
        )

    def _read_law(self, own: Iterable[Rule]) -> tuple[Rulebook | None, tuple[Amendment, ...]]:
        """The rulebook under the amendments and with own rules, and all these; None if faulty."""
        rules = _salvage(RulesTable, self.data.get("rules"))
        folder = self._near(rules.rulebook) if rules.rulebook else None
        base = self._attempt(lambda: load_rulebook(folder), None)
        tables = self.data.get("amendment", [])
        if not isinstance(tables, list) or not all(isinstance(t, dict) for t in tables):
            return None, ()
        changes = self._attempt(lambda: parse_amendments(tables, str(self.path)), None)
        if base is None or changes is None:
            return None, ()
        changes = (*changes, *(Amendment("add", rule.id, rule=rule) for rule in own))
        try:
            law = amend_rulebook(base, changes)
        except InputError as error:
            for found in error.problems:
                self.note(f"amendment {found.record}", found.problem, found.remedy)
            return None, ()
        self._attempt(
            lambda: check_held(rules.held, base, law, file=str(self.path), record="rules.held"),
            None,
        )
        return law, changes

    def _check_zone_names(self, atlas: Atlas) -> None:
        known = sorted(set(atlas.layer("zone").designator))
        for name in _salvage(SensitivityTable, self.data.get("sensitivity")).zones:
            if not any(designator.startswith(name) for designator in known):
                self.note(
                    "sensitivity.zones", f"no zone's designator starts with {name!r}",
                    f"zones: {' '.join(known)}",
                )  # fmt: skip


def _write_rules(file: ScenarioFile) -> Iterator[Rule]:
    """Rules that a scenario says in short."""
    for number, table in enumerate(file.aerodrome, 1):
        yield from table.write_rules(number)
    yield from (table.write_example() for table in file.surprise if table.per_day is None)


def _check_processes(tables: Iterable[SurpriseTable], atlas: Atlas) -> None:
    """Refuse processes of one name, and places that do not exist."""
    check_rule_names(make_rulebook(table.write_example() for table in tables), atlas)


def _make_probe(number: int, table: ProbeTable) -> Flight:
    return Flight(
        f"{table.operator}-{table.adep}-{table.ades}-P{number}", f"{table.operator}P{number}",
        table.operator, table.adep, table.ades, table.eobt, 0, table.typecode or "",
        table.registration, scheduled=table.scheduled, probe=True,
        circumstances=table.circumstances,
    )  # fmt: skip


def check_held(
    held: Iterable[str], base: Rulebook, law: Rulebook, *, file: str, record: str = "held"
) -> None:
    """Refuse permits said to be held that no rule asks for: they would open nothing.

    The permit of a rule of `base` that an amendment has lifted from `law` may stay listed.

    Raises
    ------
    InputError
        Every such name.
    """
    rules = {**base.by_id, **law.by_id}
    problems = ProblemList()
    for rule_id in held:
        if rule_id not in rules:
            near = get_close_matches(rule_id, rules, n=3)
            remedy = f"did you mean {', '.join(near)}?" if near else "see `airsim rules list`"
            problems.add(file, record, f"no rule {rule_id!r}", remedy)
        elif rules[rule_id].permit is None:
            problems.add(file, record, f"{rule_id} asks for no permit", "take it out")
    problems.raise_if_any()


def check_circumstances(told: Circumstances, law: Rulebook, *, file: str, record: str) -> None:
    """Refuse permits, derogations and classes of goods that no rule knows: they would say nothing.

    Raises
    ------
    InputError
        Every such name.
    """
    problems = ProblemList()
    try:
        check_held(sorted(told.held), law, law, file=file, record=record)
    except InputError as error:
        problems.extend(error)
    permissions, items = list_permissions(law), list_items(law)
    for name in sorted(told.derogations - permissions):
        known = name in law.by_id
        said = f"{name} knows no permission case by case" if known else f"no rule {name!r}"
        near = get_close_matches(name, permissions, n=3)
        problems.add(file, record, said, f"did you mean {', '.join(near)}?" if near else "")
    for item in sorted({*told.items, *told.parts} - items - {UNCONTROLLED}):
        remedy = f"one of {' '.join(sorted(items))}, or {UNCONTROLLED}"
        problems.add(file, record, f"no rule speaks of goods {item!r}", remedy)
    problems.raise_if_any()


def check_rule_names(law: Rulebook, atlas: Atlas) -> None:
    """Refuse rules about areas and aerodromes that do not exist: they would close nothing.

    Raises
    ------
    InputError
        Every such name, by file and rule.
    """
    known = {
        "fir": frozenset(atlas.layer("fir").designator),
        "zone": frozenset(atlas.layer("zone").designator),
        "aerodrome": frozenset(load_aerodromes()),
    }
    problems = ProblemList()
    for found in find_unknown_names(law, known):
        file = law.files.get(found.rule_id, "amendment")
        problems.add(file, found.rule_id, found.message, found.remedy)
    problems.raise_if_any()


def known_names(atlas: Atlas | None = None) -> dict[str, frozenset[str]]:
    """Every name a rule may use, by kind, for the linter; default: in the shipped airspace."""
    air = atlas if atlas is not None else shipped_atlas()
    return {
        "fir": frozenset(air.layer("fir").designator),
        "zone": frozenset(air.layer("zone").designator),
        "aerodrome": frozenset(load_aerodromes()),
        "operator": frozenset(load_operators()),
        "typecode": frozenset(load_types()),
    }


def area_lives(atlas: Atlas | None = None) -> dict[tuple[str, str], tuple[tuple[int, int], ...]]:
    """From when to when areas exist, by layer and designator, for the linter."""
    air = atlas if atlas is not None else shipped_atlas()
    lives: dict[tuple[str, str], tuple[tuple[int, int], ...]] = {}
    for layer in air.layers:
        spans = zip(layer.valid_from_ms.tolist(), layer.valid_to_ms.tolist(), strict=True)
        for designator, span in zip(layer.designator, spans, strict=True):
            lives[layer.name, designator] = (*lives.get((layer.name, designator), ()), span)
    return lives
