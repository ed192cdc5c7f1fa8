"""A scenario: a TOML file and its amendments, bound to a frozen world.

The world is atlas, law, aerodromes, operators, aircraft types, fleet, timetable and probes. Every
name in the file is looked up here, and every one that dangles is reported at once.
"""

from __future__ import annotations

import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from airsim.airspace import Atlas, load_atlas, locate_points
from airsim.base import (
    OPEN_TO,
    InputError,
    Problem,
    ProblemList,
    find_resource,
    list_scenarios,
    parse_instant,
)
from airsim.law import Amendment, Rulebook, amend_rulebook, load_rulebook, parse_amendments
from airsim.operation import (
    Aerodromes,
    Flight,
    Operators,
    Service,
    Tail,
    expand_timetable,
    load_aerodromes,
    load_fleet,
    load_operators,
    load_timetable,
)
from airsim.performance import AircraftType, load_types
from airsim.permission import AreaKey, BoundRulebook, bind_rulebook

HOUR_MS = 3_600_000
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
    built = build_zones(zones, territory, fir, zones=shipped, file=str(zones))
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
        Of all random streams.
    obey_operator_policy : bool
        Whether avoidance by choice closes airspace to those who chose it.
    """

    planning_lead_ms: int = 3 * HOUR_MS
    clearance_nm: float = 1.0
    minimum_turn_ms: int = 45 * 60_000
    seed: int = 20250908
    obey_operator_policy: bool = True


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
        Airspace, law after amendments, and the law laid over the airspace.
    aerodromes, operators, types, fleet
        By code.
    services : tuple of Service
        Timetable, from which omitted types are taken.
    flights : tuple of Flight
        Dated flights and probes, sorted by (EOBT, id).
    comparisons : tuple of Comparison
    options : Options
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

    @cached_property
    def areas_over(self) -> Mapping[str, tuple[AreaKey, ...]]:
        """Airspaces over each aerodrome, by ICAO location indicator; looked up when asked for."""
        return _AreasOver(self.atlas, self.aerodromes)


class _AreasOver(dict[str, tuple[AreaKey, ...]]):
    def __init__(self, atlas: Atlas, aerodromes: Aerodromes) -> None:
        super().__init__()
        self.atlas = atlas
        self.aerodromes = aerodromes

    def __missing__(self, icao: str) -> tuple[AreaKey, ...]:
        lon, lat = np.array([self.aerodromes[icao].lon]), np.array([self.aerodromes[icao].lat])
        self[icao] = tuple(
            (layer, row)
            for layer in self.atlas.layer_names
            for row in locate_points(self.atlas, layer, lon, lat)[1].tolist()
        )
        return self[icao]


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
    """
    changes = tuple(amendments)
    law = amend_rulebook(rulebook if rulebook is not None else load_rulebook(), changes)
    air = atlas if atlas is not None else shipped_atlas()
    return Scenario(
        name, name, "", 0, 0, air, law, bind_rulebook(law, air, held=held),
        load_aerodromes(), load_operators(), load_types(),
        shipped_fleet(OPEN_TO if at_ms is None else at_ms), shipped_services(),
        amendments=changes, options=options or Options(),
    )  # fmt: skip


def amend_scenario(scenario: Scenario, amendments: Iterable[Amendment]) -> Scenario:
    """The same world under changed law."""
    changes = tuple(amendments)
    law = amend_rulebook(scenario.rulebook, changes)
    return replace(
        scenario, rulebook=law, bound=bind_rulebook(law, scenario.atlas, held=scenario.bound.held),
        amendments=scenario.amendments + changes,
    )  # fmt: skip


def resize_zones(scenario: Scenario, zone_variant: ZoneVariant) -> Scenario:
    """The same world with its synthetic and approximate zones 30 NM larger or smaller."""
    own = scenario.zones_file
    air = extended_atlas(own, zone_variant) if own else shipped_atlas(zone_variant)
    bound = bind_rulebook(scenario.rulebook, air, held=scenario.bound.held)
    return replace(scenario, atlas=air, bound=bound)


def find_scenario(name: str) -> Path:
    """Path of a scenario: a file if it exists or looks like one, else a shipped name.

    Raises
    ------
    InputError
        Neither; the shipped names are listed.
    """
    path = Path(name)
    if path.exists() or path.suffix or "/" in name or "\\" in name:
        if path.is_file():
            return path
        raise InputError(Problem(name, "", "no such scenario file", "check the path"))
    if name in list_scenarios():
        return find_resource(f"scenarios/{name}.toml")
    raise InputError(
        Problem(name, "", "is no shipped scenario", "shipped are: " + ", ".join(list_scenarios()))
    )


_KEYS: dict[str, frozenset[str]] = {
    "": frozenset(
        [
            "schema",
            "title",
            "description",
            "period",
            "operation",
            "rules",
            "zones",
            "options",
            "amendment",
            "probe",
            "compare",
            "sensitivity",
        ]
    ),
    "period": frozenset({"start", "end"}),
    "operation": frozenset(
        {"timetable", "timetable_period", "timetable_until", "fleet", "fleet_period"}
    ),
    "rules": frozenset({"rulebook", "held"}),
    "options": frozenset(
        ["planning_lead_hours", "clearance_nm", "minimum_turn_min", "seed", "obey_operator_policy"]
    ),
    "probe": frozenset(
        ["operator", "adep", "ades", "eobt", "typecode", "registration", "scheduled"]
    ),
    "compare": frozenset({"title", "before", "after"}),
    "zones": frozenset({"file"}),
    "sensitivity": frozenset({"zones"}),
}


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
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(
            Problem(str(path), "", f"cannot be read as TOML: {error}", "mend the file")
        ) from None
    return _Binder(path, data).bind(zone_variant)


class _Binder:
    """Reads one scenario file, noting problems as it goes."""

    def __init__(self, path: Path, data: dict[str, Any]) -> None:
        self.path = path
        self.data = data
        self.problems = ProblemList()
        self.aerodromes = load_aerodromes()
        self.operators = load_operators()
        self.types = load_types()

    def note(self, record: str, problem: str, remedy: str = "") -> None:
        """Note one problem of this file."""
        self.problems.add(str(self.path), record, problem, remedy)

    def bind(self, zone_variant: ZoneVariant) -> Scenario:
        """Bind everything, or raise all problems."""
        self._check_keys()
        start_ms, end_ms = self._read_period()
        rulebook = self._attempt(self._read_rulebook, None)
        services = self._attempt(self._read_timetable, ())
        fleet = self._attempt(self._read_fleet, ())
        probes = tuple(
            probe
            for number, table in enumerate(self.data.get("probe", ()), 1)
            if (probe := self._read_probe(number, table)) is not None
        )
        comparisons = tuple(
            Comparison(
                str(table.get("title", "")),
                self._instant(f"compare {number} before", table.get("before")),
                self._instant(f"compare {number} after", table.get("after")),
            )
            for number, table in enumerate(self.data.get("compare", ()), 1)
        )
        options = self._read_options()
        changes = self._attempt(
            lambda: parse_amendments(self.data.get("amendment", ()), str(self.path)), ()
        )
        if rulebook is not None:
            rulebook = self._attempt(lambda: amend_rulebook(rulebook, changes), rulebook)
        zones = self.data.get("zones", {}).get("file")
        atlas = self._attempt(
            lambda: (
                extended_atlas(self._near(zones), zone_variant)
                if zones
                else shipped_atlas(zone_variant)
            ),
            None,
        )
        self.problems.raise_if_any()
        assert rulebook is not None
        flights = expand_timetable(services, self.aerodromes, start_ms, end_ms)
        return Scenario(
            self.path.stem, str(self.data.get("title", self.path.stem)),
            str(self.data.get("description", "")), start_ms, end_ms, atlas, rulebook,
            bind_rulebook(rulebook, atlas, held=self.data.get("rules", {}).get("held", ())),
            self.aerodromes, self.operators, self.types, fleet, tuple(services),
            tuple(sorted((*flights, *probes), key=lambda f: (f.eobt_ms, f.flight_id))),
            comparisons, tuple(self.data.get("sensitivity", {}).get("zones", ())), changes, options,
            self._near(zones) if zones else None,
        )  # fmt: skip

    def _attempt(self, read: Any, otherwise: Any) -> Any:
        try:
            return read()
        except InputError as error:
            self.problems.extend(error)
            return otherwise

    def _check_keys(self) -> None:
        for key in sorted(set(self.data) - _KEYS[""]):
            self.note(key, "unknown key", "remove it or correct its spelling")
        if self.data.get("schema") != 1:
            self.note("schema", "this version reads scenarios of schema 1", "write schema = 1")
        for name, allowed in _KEYS.items():
            found = self.data.get(name, ()) if name else ()
            for table in [found] if isinstance(found, dict) else found:
                if not isinstance(table, dict):
                    self.note(name, "must be a table", f"write [{name}]")
                    continue
                for key in sorted(set(table) - allowed):
                    self.note(f"{name}.{key}", "unknown key", "remove it or correct its spelling")

    def _instant(self, record: str, value: Any) -> int:
        try:
            return parse_instant(value if isinstance(value, str) else value.isoformat())
        except (ValueError, AttributeError):
            self.note(record, f"{value!r} is no instant", "write 2025-09-08T00:00Z")
            return 0

    def _read_period(self) -> tuple[int, int]:
        period = self.data.get("period", {})
        start = self._instant("period.start", period.get("start"))
        end = self._instant("period.end", period.get("end"))
        if start and end and end <= start:
            self.note("period", "ends before it starts", "swap start and end")
        return start, end

    def _near(self, name: str) -> Path:
        """A file named in the scenario: beside it, else as given."""
        beside = self.path.parent / name
        return beside if beside.exists() else Path(name)

    def _read_rulebook(self) -> Rulebook:
        name = self.data.get("rules", {}).get("rulebook")
        return load_rulebook(self._near(name) if name else None)

    def _read_timetable(self) -> Any:
        table = self.data.get("operation", {})
        if "timetable" not in table:
            return ()
        services = load_timetable(self._near(table["timetable"]), table.get("timetable_period"))
        if "timetable_until" not in table:
            return services
        # What would have been flown had nothing changed: the last rows run on.
        until_ms = self._instant("operation.timetable_until", table["timetable_until"])
        until = datetime.fromtimestamp(until_ms / 1000, UTC).date()
        last = max((service.valid_to for service in services), default=until)
        return tuple(
            replace(service, valid_to=max(until, last)) if service.valid_to == last else service
            for service in services
        )

    def _read_fleet(self) -> tuple[Tail, ...]:
        table = self.data.get("operation", {})
        if "fleet" not in table:
            return ()
        return load_fleet(self._near(table["fleet"]), table.get("fleet_period"))

    def _read_probe(self, number: int, table: Mapping[str, Any]) -> Flight | None:
        record = f"probe {number}"
        before = len(self.problems.problems)
        missing = sorted({"operator", "adep", "ades", "eobt"} - set(table))
        for key in missing:
            self.note(record, f"lacks {key!r}", "add it")
        if missing:
            return None
        find = self._attempt
        operator = find(lambda: self.operators.find(table["operator"]), None)
        adep = find(lambda: self.aerodromes.find(table["adep"]), None)
        ades = find(lambda: self.aerodromes.find(table["ades"]), None)
        eobt_ms = self._instant(f"{record} eobt", table["eobt"])
        typecode = table.get("typecode", "")
        if typecode and typecode not in self.types:
            self.note(record, f"unknown aircraft type {typecode!r}", "use a Doc 8643 designator")
        if len(self.problems.problems) > before:
            return None
        return Flight(
            f"{operator.icao}-{adep.icao}-{ades.icao}-P{number}", f"{operator.icao}P{number}",
            operator.icao, adep.icao, ades.icao, eobt_ms, 0, typecode,
            table.get("registration"), scheduled=bool(table.get("scheduled", True)), probe=True,
        )  # fmt: skip

    def _read_options(self) -> Options:
        table = dict(self.data.get("options", {}))
        numbers = {"planning_lead_hours", "clearance_nm", "minimum_turn_min", "seed"}
        for key in sorted(numbers & set(table)):
            value = table[key]
            if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
                self.note(f"options.{key}", f"{value!r} is no number of 0 or more", "")
                del table[key]
        base = Options()
        return Options(
            round(table.get("planning_lead_hours", base.planning_lead_ms / HOUR_MS) * HOUR_MS),
            float(table.get("clearance_nm", base.clearance_nm)),
            round(table.get("minimum_turn_min", base.minimum_turn_ms / 60_000) * 60_000),
            int(table.get("seed", base.seed)),
            bool(table.get("obey_operator_policy", base.obey_operator_policy)),
        )


def known_names() -> dict[str, frozenset[str]]:
    """Every name a rule may use, by kind, for the linter."""
    atlas = shipped_atlas()
    return {
        "fir": frozenset(atlas.layer("fir").designator),
        "zone": frozenset(atlas.layer("zone").designator),
        "aerodrome": frozenset(load_aerodromes()),
        "operator": frozenset(load_operators()),
        "typecode": frozenset(load_types()),
    }
