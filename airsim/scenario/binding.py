"""A scenario file bound to the world.

Every name in the file is looked up here, and every one that dangles is reported at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli
from pydantic import ValidationError

from airsim.airspace import Atlas
from airsim.base import InputError, Problem, ProblemList
from airsim.law import (
    Amendment,
    Rule,
    Rulebook,
    amend_rulebook,
    load_rulebook,
    make_rulebook,
    parse_amendments,
)
from airsim.operation import (
    Flight,
    Service,
    Tail,
    expand_timetable,
    load_aerodromes,
    load_fleet,
    load_operators,
    load_timetable,
)
from airsim.performance import load_types
from airsim.scenario.air import ZoneVariant, extended_atlas, shipped_atlas
from airsim.scenario.file import (
    OperationTable,
    ProbeTable,
    RulesTable,
    ScenarioFile,
    SensitivityTable,
    SurpriseTable,
    ZonesTable,
    describe_error,
    salvage_table,
)
from airsim.scenario.names import check_circumstances, check_held, check_rule_names
from airsim.scenario.project import find_scenario
from airsim.scenario.world import Comparison, Scenario, bind_law

if TYPE_CHECKING:
    from airsim.operation import Upkeep


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
        operation = salvage_table(OperationTable, self.data.get("operation"))
        fleet: tuple[Tail, ...] = self._attempt(lambda: self._read_fleet(operation), ())
        file = self._read_file(fleet)
        services: tuple[Service, ...] = self._attempt(lambda: self._read_timetable(operation), ())
        rulebook, changes = self._read_law(list(_write_rules(file)) if file is not None else [])
        upkeep = self._attempt(lambda: self._read_upkeep(operation), None)
        zones = salvage_table(ZonesTable, self.data.get("zones")).file
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
        bound = bind_law(rulebook, atlas, file.rules.held)
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
                self.problems.problems.extend(describe_error(detail, str(self.path)))
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
        rules = salvage_table(RulesTable, self.data.get("rules"))
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
        for name in salvage_table(SensitivityTable, self.data.get("sensitivity")).zones:
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
