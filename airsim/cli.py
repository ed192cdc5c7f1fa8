"""The command line: parse, one call, print, exit code."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from airsim import __version__
from airsim.base import InputError, Problem, ProblemList

if TYPE_CHECKING:
    from airsim.scenario import Scenario
    from airsim.study import Level, Objective

EXIT_ANSWERED_NO = 1
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130
FEASIBLE = ("direct", "detour", "fuel-stop")

RULEBOOK_OPTION = click.option(
    "--rulebook", type=click.Path(path_type=Path), help="Folder of rules; default: as shipped."
)
SCENARIO_OPTION = click.option(
    "--scenario", "name", metavar="SCENARIO", help="Shipped name or TOML file: its rules and zones."
)
JSON_OPTION = click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")


def _guard(command: Callable[..., int | None]) -> Callable[..., None]:
    """Turn bad input into one message per problem and exit code 2, without a traceback."""

    @wraps(command)
    def guarded(*args: Any, **options: Any) -> None:
        try:
            code = command(*args, **options)
        except InputError as error:
            for problem in error.problems:
                click.echo(f"airsim: {problem}", err=True)
            sys.exit(EXIT_BAD_INPUT)
        except KeyboardInterrupt:
            click.echo("airsim: stopped; finished parts are whole", err=True)
            sys.exit(EXIT_INTERRUPTED)
        except BrokenPipeError:
            sys.exit(0)
        except OSError as error:
            place, said = error.filename or "a file", error.strerror or error
            click.echo(f"airsim: {place}: cannot be read or written: {said}", err=True)
            sys.exit(EXIT_BAD_INPUT)
        sys.exit(code or 0)

    return guarded


def _print_json(data: Any) -> None:
    click.echo(json.dumps(data, indent=2, ensure_ascii=False))


@contextmanager
def _progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """A counter on stderr, if that is a terminal."""
    shown = sys.stderr.isatty()

    def report(done: int, total: int) -> None:
        if shown:
            click.echo(f"\r{label}: {done}/{total}", err=True, nl=False)

    try:
        yield report
    finally:
        if shown:
            click.echo("", err=True)


def _announce_compiling() -> None:
    """Say on a terminal why the very first answer takes a minute."""
    if not sys.stderr.isatty():
        return
    from airsim import kernels

    stats = getattr(kernels.find_legs, "stats", None)
    folder = Path(stats.cache_path) if stats is not None and stats.cache_path else None
    if folder is not None and not any(folder.glob("visibility.*.nbi")):
        click.echo("airsim: first run: compiling, about a minute, only once", err=True)


@click.group()
@click.version_option(__version__, prog_name="airsim")
def main() -> None:
    """May this flight fly, by which route, at what cost, under whose instrument?

    Not legal advice, not for navigation.
    """


@main.command("init")
@click.argument("folder", type=click.Path(path_type=Path))
@_guard
def init_command(folder: Path) -> int:
    """Write a small working project into FOLDER, to change: rules, scenario, timetable."""
    from shlex import quote

    from airsim.scenario import start_project

    for path in start_project(folder):
        click.echo(f"wrote {path}")
    scenario = quote(str(folder / "scenario.toml"))
    click.echo(
        f"Try next:\n"
        f"  airsim rules check --scenario {scenario}\n"
        f"  airsim rules show CH-AT-01 --scenario {scenario}\n"
        f"  airsim check VIE GVA --operator AUA --at 2026-03-04T08:00Z --scenario {scenario}\n"
        f"  airsim run {scenario}"
    )
    return 0


@main.command("run")
@click.argument("scenarios", nargs=-1, required=True, metavar="SCENARIO...")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder for results.")
@click.option(
    "--trajectories", is_flag=True,
    help="Write trajectories.parquet too: each flight, minute by minute, as `traffic` reads it.",
)  # fmt: skip
@JSON_OPTION
@_guard
def run_command(
    scenarios: tuple[str, ...], output: Path | None, trajectories: bool, as_json: bool
) -> int:
    """Simulate scenarios (shipped names or TOML files) and report."""
    from airsim.report import print_summary, render_report
    from airsim.results import write_results
    from airsim.study import run

    _announce_compiling()
    root = output or Path("airsim-out")
    if root.exists() and not root.is_dir():
        raise _bad("-o", f"{root} is a file", "name a folder")
    loaded = _load_scenarios(scenarios)
    for scenario in loaded:
        _prepare_folder(root / scenario.name)
    summaries = []
    for scenario in loaded:
        with _progress(scenario.name) as report:
            results = run(scenario, progress=report, trajectories=trajectories)
        folder = root / scenario.name
        write_results(folder, results, render=render_report)
        if as_json:
            summaries.append(dict(results.summary, folder=str(folder)))
        else:
            print_summary(results)
            click.echo(f"{folder / 'report.html'}", err=True)
    if as_json:
        _print_json(summaries if len(summaries) != 1 else summaries[0])
    return 0


def _load_scenarios(names: Sequence[str]) -> list[Scenario]:
    """Scenarios of different names, or the problems of all of them."""
    from airsim.scenario import find_scenario, load_scenario

    problems, loaded = ProblemList(), []
    taken: dict[str, str] = {}
    for name in names:
        try:
            key = find_scenario(name).stem.casefold()  # some file systems know no cases
            if key in taken:
                raise _bad(
                    name, f"shares its name, and so its folder of results, with {taken[key]}",
                    "rename one or run each with its own -o",
                )  # fmt: skip
            taken[key] = name
            loaded.append(load_scenario(name))
        except InputError as error:
            problems.extend(error)
    problems.raise_if_any()
    return loaded


def _prepare_folder(folder: Path) -> None:
    """Make a folder and prove that files can be written there, before any time is spent."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _bad(
            "-o", f"{folder} cannot be written: {error.strerror}", "name another folder"
        ) from None


def _bad(record: str, problem: str, remedy: str) -> InputError:
    return InputError(Problem("command line", record, problem, remedy))


@main.command("check")
@click.argument("adep")
@click.argument("ades")
@click.option("--operator", required=True, help="ICAO or IATA designator of the operator.")
@click.option("--type", "typecode", help="ICAO type designator; assumed if omitted.")
@click.option("--registration", help="Registration mark; State of registry assumed if omitted.")
@click.option("--at", required=True, help="Off-block time, for example 2025-09-15T08:00Z.")
@click.option("--known-at", help="Plan on the law published by then; default: 3 hours before.")
@click.option("--non-scheduled", is_flag=True, help="A charter, ferry or private flight.")
@click.option("--status", multiple=True, help="emergency, humanitarian, state, ...; may repeat.")
@click.option("--item", multiple=True, help="Class of goods aboard, as EAR99; may repeat.")
@click.option("--part", multiple=True, help="Class of parts fitted or supplied; may repeat.")
@click.option("--permit", multiple=True, help="Rule whose permit is held; may repeat.")
@click.option("--derogation", multiple=True, help="Rule the flight is excused from; may repeat.")
@click.option("--fact", multiple=True, help="Another fact, as chartered_in=RU; may repeat.")
@click.option(
    "--advice", type=click.Choice(["obey", "warn", "ignore"]),
    help="What the operator does with advice; default: as it is known to.",
)  # fmt: skip
@click.option(
    "--explain", type=click.Choice(["compact", "all"]), default="compact",
    help="Why: rules that say something and near misses, or every rule that was asked.",
)  # fmt: skip
@RULEBOOK_OPTION
@SCENARIO_OPTION
@click.option("--unlock", is_flag=True, help="Say what would have to change (up to a minute).")
@JSON_OPTION
@_guard
def check_command(
    adep: str,
    ades: str,
    operator: str,
    typecode: str | None,
    registration: str | None,
    at: str,
    rulebook: Path | None,
    name: str | None,
    unlock: bool,
    as_json: bool,
    **told: Any,
) -> int:
    """Ask about one flight from ADEP to ADES. Exit 0 if it may fly, 1 if not, 2 for bad input."""
    from airsim.law import load_rulebook
    from airsim.planning import Asked, answer_question
    from airsim.scenario import load_scenario

    _refuse_both(name, rulebook)
    _announce_compiling()
    answer = answer_question(
        Asked(
            adep, ades, operator, at, typecode, registration, not told["non_scheduled"],
            told["known_at"], told["advice"] or "", told["status"], told["item"], told["part"],
            told["permit"], told["derogation"], told["fact"],
        ),
        load_rulebook(rulebook) if rulebook else None,
        load_scenario(name) if name else None,
        unlock=unlock,
        everything=told["explain"] == "all",
    )  # fmt: skip
    if as_json:
        _print_json(answer)
    else:
        from airsim.report import print_check, print_unlock

        print_check(answer)
        if unlock:
            print_unlock(answer)
    return 0 if answer["outcome"] in FEASIBLE else EXIT_ANSWERED_NO


@main.group("study")
def study_group() -> None:
    """Questions about a whole network."""


@study_group.command("value")
@click.argument("scenario")
@click.option(
    "--by", "level", type=click.Choice(("instrument", "authority", "rule")), default="instrument",
    show_default=True, help="What is lifted.",
)  # fmt: skip
@click.option(
    "--objective", type=click.Choice(("flights", "km", "hours", "fuel")), default="flights",
    show_default=True, help="What the sequence is to gain most of.",
)  # fmt: skip
@click.option("--probes", is_flag=True, help="Count the scenario's probes as flights.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder for results.")
@JSON_OPTION
@_guard
def study_value_command(
    scenario: str, level: Level, objective: Objective, probes: bool, output: Path | None,
    as_json: bool,
) -> int:  # fmt: skip
    """Say what each instrument is worth to a network, and which lifting gains most."""
    from airsim.report import print_values
    from airsim.results import write_results
    from airsim.study import value_instruments

    _announce_compiling()
    (world,) = _load_scenarios([scenario])
    folder = output or Path("airsim-out") / f"{world.name}-value"
    _prepare_folder(folder)
    with _progress(world.name) as report:
        results = value_instruments(
            world, level=level, objective=objective, probes=probes, progress=report
        )
    write_results(folder, results)
    if as_json:
        tables = {name: list(results.rows(name)) for name in results.tables}
        _print_json({**results.summary, **tables, "folder": str(folder)})
    else:
        print_values(results)
        click.echo(f"{folder}", err=True)
    return 0


@main.group("data")
def data_group() -> None:
    """Shipped data."""


@data_group.command("check")
@JSON_OPTION
@_guard
def data_check_command(as_json: bool) -> int:
    """Prove topology, coverage, edges, hashes, licences and the Gulf of Finland strip."""
    from airsim.airspace.checks import check_data
    from airsim.operation import check_aerodromes

    results = [
        *((r.name, r.ok, r.detail) for r in check_data()),
        *check_aerodromes(),
    ]
    if as_json:
        _print_json([{"name": n, "ok": ok, "detail": detail} for n, ok, detail in results])
    else:
        for name, ok, detail in results:
            click.echo(f"{'ok  ' if ok else 'FAIL'} {name}: {detail}")
    return 0 if all(ok for _, ok, _ in results) else EXIT_ANSWERED_NO


@main.group("rules")
def rules_group() -> None:
    """The rulebook."""


def _load_world(name: str | None, rulebook: Path | None) -> Scenario:
    """The world of a scenario; else the shipped airspace under a folder of rules."""
    from airsim.law import load_rulebook
    from airsim.scenario import load_scenario, make_scenario

    _refuse_both(name, rulebook)
    return load_scenario(name) if name else make_scenario(rulebook=load_rulebook(rulebook))


def _refuse_both(name: str | None, rulebook: Path | None) -> None:
    if name is not None and rulebook is not None:
        raise _bad("--rulebook", "goes without --scenario, which names its own", "leave one out")


@rules_group.command("check")
@RULEBOOK_OPTION
@SCENARIO_OPTION
@click.option("--at", help="Note what has expired, or was last read, before this day.")
@JSON_OPTION
@_guard
def rules_check_command(
    rulebook: Path | None, name: str | None, at: str | None, as_json: bool
) -> int:
    """Lint: contradictions, dead rules, dangling names. Exit 1 if there is an error."""
    from airsim.law import lint_rulebook, load_rulebook
    from airsim.scenario import area_lives, known_names

    at_ms = None if at is None else _read_instant("--at", at)
    world = None if name is None else _load_world(name, rulebook)
    # Without a scenario names are only linted: all of them at once, not the first that dangles.
    book = load_rulebook(rulebook) if world is None else world.rulebook
    atlas = None if world is None else world.atlas
    found = lint_rulebook(book, known_names(atlas), lives=area_lives(atlas), at_ms=at_ms)
    if as_json:
        findings = [
            {"level": f.level, "rule": f.rule_id, "message": f.message, "remedy": f.remedy}
            for f in found
        ]
        _print_json({"rules": len(book), "findings": findings})
    else:
        for f in found:
            remedy = f" ({f.remedy})" if f.remedy else ""
            click.echo(f"{f.level}: {f.rule_id}: {f.message}{remedy}")
        click.echo(f"{len(book)} rules, {len(found)} findings")
    return EXIT_ANSWERED_NO if any(f.level == "error" for f in found) else 0


def _read_instant(option: str, text: str) -> int:
    from airsim.base import parse_instant

    try:
        return parse_instant(text)
    except ValueError as error:
        raise _bad(option, str(error), "write 2025-09-15 or 2025-09-15T08:00Z") from None


@rules_group.command("show")
@click.argument("rule_id")
@RULEBOOK_OPTION
@SCENARIO_OPTION
@JSON_OPTION
@_guard
def rules_show_command(rule_id: str, rulebook: Path | None, name: str | None, as_json: bool) -> int:
    """Show what a rule says and hits: airspace, dates; of a scenario also which flights."""
    from airsim.planning import describe_hits

    shown = describe_hits(_load_world(name, rulebook), rule_id)
    if as_json:
        _print_json(shown)
    else:
        from airsim.report import print_hits

        print_hits(shown)
    return 0


@rules_group.command("list")
@RULEBOOK_OPTION
@JSON_OPTION
@_guard
def rules_list_command(rulebook: Path | None, as_json: bool) -> int:
    """Print every rule: id, effect, dates, confidence, title."""
    from airsim.base import format_instant
    from airsim.law import load_rulebook

    book = load_rulebook(rulebook)
    if as_json:
        _print_json([json.loads(rule.model_dump_json(by_alias=True)) for rule in book])
        return 0
    for rule in book:
        start = format_instant(rule.when.start[0])[:10] or "always"
        end = format_instant(rule.when.end[1])[:10] or "open"
        click.echo(
            f"{rule.id:24} {rule.force:15} {rule.effect:14} {start:10} {end:10} "
            f"{rule.confidence:9} {rule.title}"
        )
    return 0
