"""The frozen world of a scenario: atlas, law, aerodromes, operators, fleet, timetable, probes."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from airsim.airspace import Atlas, locate_points
from airsim.base import OPEN_TO, find_resource, parse_instant
from airsim.law import Amendment, Confidence, Rulebook, amend_rulebook, load_rulebook
from airsim.operation import (
    Aerodromes,
    Flight,
    Operators,
    Service,
    Tail,
    load_aerodromes,
    load_fleet,
    load_operators,
    load_timetable,
)
from airsim.performance import AircraftType, load_types
from airsim.permission import AreaKey, BoundRulebook, bind_rulebook, cut_exceptions
from airsim.scenario.air import ZoneVariant, extended_atlas, shipped_atlas
from airsim.scenario.names import check_held, check_rule_names

if TYPE_CHECKING:
    from airsim.operation import Upkeep

HOUR_MS = 3_600_000
Advice = Literal["", "obey", "warn", "ignore"]


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
    answers_per_day : float or None
        What one authority gets done: who asked later waits longer. None: any number.
    """

    ask_days: float = 30.0
    usual_days: float = 5.0
    refused: float = 0.0
    late: float = 0.0
    late_days: float = 3.0
    wait_hours: float = 6.0
    answers_per_day: float | None = None


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
    bound = bind_law(law, air, permits)
    return Scenario(
        name, name, "", 0, 0, bound.atlas, law, bound,
        load_aerodromes(), load_operators(), load_types(),
        shipped_fleet(OPEN_TO if at_ms is None else at_ms), shipped_services(),
        amendments=changes, options=options or Options(), uncut=air,
    )  # fmt: skip


def bind_law(law: Rulebook, atlas: Atlas, held: Iterable[str]) -> BoundRulebook:
    """Lay the law over the airspace, areas cut along the exceptions inside them."""
    return bind_rulebook(*cut_exceptions(law, atlas), held=held)


def amend_scenario(scenario: Scenario, amendments: Iterable[Amendment]) -> Scenario:
    """The same world under changed law."""
    changes = tuple(amendments)
    law = amend_rulebook(scenario.rulebook, changes)
    air = scenario.uncut or scenario.atlas
    check_rule_names(law, air)
    bound = bind_law(law, air, scenario.bound.held)
    return replace(
        scenario, atlas=bound.atlas, rulebook=law, bound=bound,
        amendments=scenario.amendments + changes,
    )  # fmt: skip


def resize_zones(scenario: Scenario, zone_variant: ZoneVariant) -> Scenario:
    """The same world with its synthetic and approximate zones 30 NM larger or smaller."""
    own = scenario.zones_file
    air = extended_atlas(own, zone_variant) if own else shipped_atlas(zone_variant)
    bound = bind_law(scenario.rulebook, air, scenario.bound.held)
    return replace(scenario, atlas=bound.atlas, bound=bound, uncut=air)
