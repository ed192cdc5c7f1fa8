"""Bad input: every problem at once, in words, with a remedy; exit code 2; never a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

import click
import jsonschema
import pytest
from click.testing import CliRunner, Result

from airsim import cli, kernels
from airsim.base import InputError, find_resource, list_scenarios
from airsim.operation import Circumstances
from airsim.results import SCHEMAS, Results, make_table, read_results, write_results
from airsim.scenario import Options, find_scenario, load_scenario, scenario_schema

PERIOD = '[period]\nstart = "2025-09-15T00:00Z"\nend = "2025-09-16T00:00Z"\n'
HEAD = f"schema = 1\n{PERIOD}"
PROBE = {
    "operator": '"BRU"', "adep": '"UMMS"', "ades": '"EYVI"', "eobt": '"2025-09-15T08:00Z"',
}  # fmt: skip


def write(folder: Path, text: str, name: str = "mine.toml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def problems_of(path: Path) -> list[tuple[str, str, str]]:
    """Record, problem and remedy of all that is wrong with a scenario file."""
    with pytest.raises(InputError) as caught:
        load_scenario(path)
    return [(p.record, p.problem, p.remedy) for p in caught.value.problems]


def ask(*words: str | Path) -> Result:
    """The answer of the command line, which must not be a traceback."""
    result = CliRunner().invoke(cli.main, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    return result


def probe(**keys: str) -> str:
    return "[[probe]]\n" + "\n".join(f"{key} = {text}" for key, text in {**PROBE, **keys}.items())


# ------------------------------------------------------------------------------ what is refused
REFUSED = {
    # wrong kinds of values
    "period = 3\nschema = 1": ("period", "3 is no table", "[period]"),
    "period = []\nschema = 1": ("period", "[] is no table", "[period]"),
    "schema = 1": ("period", "is missing", "add"),
    PERIOD: ("schema", "scenarios of schema 1", "schema = 1"),
    "schema = 2\n" + PERIOD: ("schema", "scenarios of schema 1", "schema = 1"),
    HEAD + "[compare]\ntitle = 'x'": ("compare", "no list", "[[compare]]"),
    HEAD + "[amendment]\naction = 'lift'": ("amendment", "no list", "[[amendment]]"),
    "amendment = [3]\n" + HEAD: ("amendment 1", "3 is no table", "[[amendment]]"),
    "probe = [3]\n" + HEAD: ("probe 1", "3 is no table", "[[probe]]"),
    HEAD + "[rules]\nheld = 3": ("rules.held", "3 is no list", "["),
    HEAD + "[rules]\nheld = 'US-DOT-03'": ("rules.held", "'US-DOT-03' is no list", "["),
    HEAD + "[rules]\nheld = [3]": ("rules.held 1", "3 is not text", "quotes"),
    HEAD + "[rules]\nrulebook = 3": ("rules.rulebook", "3 is not text", "quotes"),
    HEAD + "[rules]\nrulebook = ''": ("rules.rulebook", "is empty", "leave"),
    HEAD + "[operation]\ntimetable = 3": ("operation.timetable", "3 is not text", "quotes"),
    HEAD + "[operation]\nfleet = []": ("operation.fleet", "[] is not text", "quotes"),
    HEAD + "[zones]\nfile = 3": ("zones.file", "3 is not text", "quotes"),
    HEAD + "[sensitivity]\nzones = 'ZAPAD'": ("sensitivity.zones", "no list", "["),
    HEAD + "[zone]\nfile = 'x'": ("zone", "unknown key", "spelling"),
    HEAD + "[options]\nseeds = 1": ("options.seeds", "unknown key", "spelling"),
    HEAD + probe(operator="5"): ("probe 1 operator", "5 is not text", "quotes"),
    HEAD + probe(registration="5"): ("probe 1 registration", "5 is not text", "quotes"),
    HEAD + probe(typecode='["B738"]'): ("probe 1 typecode", "['B738'] is not text", "quotes"),
    HEAD + probe(scheduled='"no"'): ("probe 1 scheduled", "neither true nor false", "quotes"),
    # numbers
    HEAD + "[options]\nplanning_lead_hours = inf": ("options.planning_lead_hours", "finite", ""),
    HEAD + "[options]\nplanning_lead_hours = -1": (
        "options.planning_lead_hours", "-1 is too small", "0 or more",
    ),
    HEAD + "[options]\nplanning_lead_hours = 1e300": (
        "options.planning_lead_hours", "too large", "or less",
    ),
    HEAD + "[options]\nclearance_nm = 0": ("options.clearance_nm", "0 is too small", "more than 0"),
    HEAD + "[options]\nclearance_nm = nan": ("options.clearance_nm", "nan is no finite", ""),
    HEAD + "[options]\nclearance_nm = true": ("options.clearance_nm", "True is no number", ""),
    HEAD + "[options]\nseed = 1.5": ("options.seed", "1.5 is no whole number", ""),
    HEAD + "[options]\nobey_operator_policy = 'no'": (
        "options.obey_operator_policy", "'no' is neither true nor false", "without quotes",
    ),
    # dates
    HEAD + probe(eobt="2025-09-15T08:00:00"): ("probe 1 eobt", "no instant in UTC", "00:00Z"),
    HEAD + probe(eobt="'tomorrow'"): ("probe 1 eobt", "'tomorrow' is no instant", "00:00Z"),
    HEAD + probe(eobt="20250915"): ("probe 1 eobt", "20250915 is no instant", "00:00Z"),
    HEAD + probe(eobt="1949-12-31"): ("probe 1 eobt", "1949-12-31 is out of range", "1950 to 2100"),
    HEAD + probe(eobt="9999-12-31T23:59:59-14:00"): ("probe 1 eobt", "out of range", "1950"),
    "schema = 1\n[period]\nstart = 2025-09-16\nend = 2025-09-15": (
        "period", "'end' is not after 'start'", "swap",
    ),
    HEAD + "[[compare]]\nbefore = 2025-09-16\nafter = 2025-09-15": (
        "compare 1", "'after' is not after 'before'", "swap",
    ),
    HEAD + "[operation]\ntimetable_until = 3000-01-01": (
        "operation.timetable_until", "3000-01-01 is out of range", "1950 to 2100",
    ),
    # names that dangle
    HEAD + "[rules]\nheld = ['US-DOT-3']": ("rules.held", "no rule 'US-DOT-3'", "US-DOT-03"),
    HEAD + "[rules]\nheld = ['UA-01']": ("rules.held", "UA-01 asks for no permit", "out"),
    HEAD + "[sensitivity]\nzones = ['NOPE']": ("sensitivity.zones", "'NOPE'", "RU-SOUTH"),
    HEAD + "[[amendment]]\naction = 'lift'\ntarget = 'NOPE'": (
        "amendment lift NOPE", "names no rule", "rules list",
    ),
    HEAD + probe(operator='"ZZZZ"'): ("probe 1 operator", "unknown operator code 'ZZZZ'", "ICAO"),
    HEAD + probe(ades='"UMMX"'): ("probe 1 ades", "unknown aerodrome code 'UMMX'", "UMMS"),
    HEAD + probe(ades='"MSQ"'): ("probe 1", "departure and destination are the same", "two"),
    HEAD + probe(typecode='"B739X"'): ("probe 1 typecode", "unknown aircraft type 'B739X'", "B739"),
    HEAD + probe(status='["emergence"]'): ("probe 1 status", "no status of a flight", "emergency"),
    HEAD + probe(status='"state"'): ("probe 1 status", "no list", "["),
    HEAD + probe(facts='["x"]'): ("probe 1 facts", "no table of facts", "chartered_in"),
    HEAD + probe(facts='{ owner = "RU" }'): ("probe 1 facts", "no fact", "owned_in"),
    HEAD + probe(facts='{ owned_in = "RUS" }'): ("probe 1 facts", "alpha-2", "chartered_in=RU"),
    HEAD + probe(held='["UA-01"]'): ("probe 1", "UA-01 asks for no permit", "out"),
    HEAD + probe(derogations='["EU-BY-1"]'): ("probe 1", "no rule 'EU-BY-1'", "EU-BY-01"),
    HEAD + probe(derogations='["UA-01"]'): ("probe 1", "UA-01 knows no permission", ""),
    HEAD + probe(items='["EAR98"]'): ("probe 1", "no rule speaks of goods 'EAR98'", "EAR99"),
    HEAD + "[options]\nadvice = 'heed'": ("options.advice", "'heed'", "obey"),
    HEAD + probe(registration='"EW366PA"'): ("probe 1 registration", "no State uses", "EW-366PA"),
}  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_a_slip_in_a_scenario_file_is_named_with_its_remedy(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, text)
    ((record, problem, remedy),) = problems_of(path)
    where, said, advice = REFUSED[text]
    assert record == where
    assert said in problem
    assert remedy
    assert advice in remedy


def test_the_command_line_says_the_same_and_exits_with_2(tmp_path: Path) -> None:
    path = write(tmp_path, HEAD + "[options]\nclearance_nm = nan")
    result = ask("run", path, "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert result.stderr == (
        f"airsim: {path}: options.clearance_nm: nan is no finite number (write digits)\n"
    )
    assert not (tmp_path / "out").exists()


def test_problems_of_all_parts_and_files_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "law").mkdir()
    write(tmp_path / "law", "[[rule]]\nid = 'X-1'\n", "x.toml")
    write(tmp_path, "flight,adep\n", "timetable.csv")
    write(tmp_path, "registration,typecode\nEW-1,NOPE\n", "fleet.csv")
    write(tmp_path, "[[zone]]\nname = 'nameless'\n", "zones.toml")
    path = write(
        tmp_path,
        "schema = 1\nperiod = 3\n"
        "[operation]\ntimetable = 'timetable.csv'\nfleet = 'fleet.csv'\ntimetable_until = 3\n"
        "[rules]\nrulebook = 'law'\nfoo = 1\n[zones]\nfile = 'zones.toml'\nbar = 1\n"
        "[[amendment]]\naction = 'drop'\n[options]\nseed = -1\n"
        + probe(adep="1", eobt="0001-01-01")
        + "\n"
        + probe(operator="'ZZZZ'", registration="'EW366PA'"),
    )
    with pytest.raises(InputError) as caught:
        load_scenario(path)
    found = {(Path(p.file).name, p.record) for p in caught.value.problems}
    assert found >= {
        ("mine.toml", record)
        for record in (
            "period", "operation.timetable_until", "rules.foo", "zones.bar", "amendment 1",
            "options.seed", "probe 1 adep", "probe 1 eobt", "probe 2 operator",
            "probe 2 registration",
        )
    }  # fmt: skip
    assert {file for file, _ in found} >= {"x.toml", "timetable.csv", "fleet.csv", "zones.toml"}


def test_a_file_that_cannot_be_read_is_one_problem(tmp_path: Path) -> None:
    for name, content in {"a.toml": b"\xff", "b.toml": b"x = ["}.items():
        (tmp_path / name).write_bytes(content)
        ((_, problem, remedy),) = problems_of(tmp_path / name)
        assert "cannot be read as TOML" in problem
        assert remedy == "mend the file"


# ----------------------------------------------------------------------------- what is accepted
def test_codes_of_a_probe_are_read_in_any_spelling(tmp_path: Path) -> None:
    spelt = probe(
        operator="'b2'", adep="'msq'", typecode="'at76'", registration="'ew-366pa'",
        eobt="2025-09-15T11:00:00+03:00",
    )  # fmt: skip
    (flight,) = load_scenario(write(tmp_path, HEAD + spelt)).flights
    assert flight.flight_id == "BRU-UMMS-EYVI-P1"
    assert (flight.typecode, flight.registration) == ("AT72", "EW-366PA")
    assert flight.eobt_ms == 1_757_923_200_000
    assert flight.probe


def test_a_probe_may_name_a_tail_of_the_fleet_whose_mark_is_a_placeholder(tmp_path: Path) -> None:
    write(tmp_path, "registration,typecode,registered_in\nB738-1,B738,BY\n", "fleet.csv")
    text = HEAD + "[operation]\nfleet = 'fleet.csv'\n" + probe(registration="'B738-1'")
    (flight,) = load_scenario(write(tmp_path, text)).flights
    assert flight.registration == "B738-1"


def test_what_is_left_out_takes_the_documented_defaults(tmp_path: Path) -> None:
    scenario = load_scenario(write(tmp_path, HEAD))
    assert scenario.options == Options()
    assert (scenario.title, scenario.flights, scenario.bound.held) == ("mine", (), frozenset())


def test_options_and_held_permits_reach_the_scenario(tmp_path: Path) -> None:
    text = (
        "[rules]\nheld = ['US-DOT-03']\n[options]\nplanning_lead_hours = 0.5\nclearance_nm = 2\n"
        "minimum_turn_min = 30\nseed = 7\nobey_operator_policy = false\n"
    )
    scenario = load_scenario(write(tmp_path, HEAD + text))
    assert scenario.options == Options(1_800_000, 2.0, 1_800_000, 7, False)
    assert scenario.bound.held == {"US-DOT-03"}


def test_what_a_probe_tells_of_its_flight_reaches_it(tmp_path: Path) -> None:
    text = HEAD + "[options]\nadvice = 'obey'\n" + probe(
        status='["humanitarian"]', items='["EAR99"]', parts='["ITAR"]', held='["US-DOT-03"]',
        derogations='["EU-BY-01"]', facts='{ owned_in = "RU", us_origin = "no" }',
    )  # fmt: skip
    scenario = load_scenario(write(tmp_path, text))
    assert scenario.options.advice == "obey"
    assert scenario.flights[0].circumstances == Circumstances(
        frozenset({"humanitarian"}), ("EAR99",), ("ITAR",), frozenset({"US-DOT-03"}),
        frozenset({"EU-BY-01"}), (("owned_in", "RU"), ("us_origin", False)),
    )  # fmt: skip


def test_the_permit_of_a_rule_that_is_lifted_may_stay_listed(tmp_path: Path) -> None:
    text = "[rules]\nheld = ['US-DOT-03']\n[[amendment]]\naction = 'lift'\ntarget = 'US-DOT-03'"
    assert "US-DOT-03" not in load_scenario(write(tmp_path, HEAD + text)).rulebook.by_id


def test_a_run_writes_its_lines_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Path] = []
    monkeypatch.setattr("airsim.report.geojson.write_text", lambda path, _: written.append(path))
    result = ask("run", write(tmp_path, HEAD + probe()), "-o", tmp_path / "out")
    assert result.exit_code == 0
    assert written == [tmp_path / "out" / "mine" / "routes.geojson"]


# -------------------------------------------------------------------------------------- schema
def test_the_published_schema_is_that_of_the_model() -> None:
    path = find_resource("scenarios/scenario.schema.json")
    assert json.loads(path.read_text(encoding="utf-8")) == scenario_schema()


@pytest.mark.parametrize("name", list_scenarios())
def test_shipped_scenarios_follow_the_schema(name: str) -> None:
    data = tomllib.loads(find_resource(f"scenarios/{name}.toml").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(scenario_schema()).validate(data)


# --------------------------------------------------------------------------------------- names
def test_a_folder_does_not_hide_a_shipped_scenario(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "zapad-2025").mkdir()
    assert find_scenario("zapad-2025") == find_resource("scenarios/zapad-2025.toml")
    (tmp_path / "other").mkdir()
    with pytest.raises(InputError, match=r"other: is a folder \(name a scenario file in it\)"):
        find_scenario("other")
    with pytest.raises(InputError, match=r"no such scenario file"):
        find_scenario("zapad-2025.toml")


@pytest.mark.parametrize("second", ["b/x.toml", "b/X.toml", "a/x.toml"])
def test_two_scenarios_of_one_name_are_refused_before_either_runs(
    tmp_path: Path, second: str
) -> None:
    first = write(tmp_path, HEAD, "a/x.toml")
    again = write(tmp_path, HEAD, second)
    out = tmp_path / "out"
    result = ask("run", first, again, "-o", out)
    assert result.exit_code == 2
    assert f"{again}: shares its name" in result.stderr
    assert f"with {first} (rename one" in result.stderr
    assert not out.exists()


def test_problems_of_all_scenarios_asked_for_are_told_at_once(tmp_path: Path) -> None:
    path = write(tmp_path, "schema = 1")
    result = ask("run", "nope", path, "none.toml", "-o", tmp_path / "out")
    assert result.exit_code == 2
    said = ("nope: is no shipped", "period: is missing", "none.toml: no such")
    assert all(words in result.stderr for words in said)


# ------------------------------------------------------------------------- places and instants
@pytest.mark.parametrize("at", ["0001-01-01", "9999-12-31T23:00Z"])
def test_a_date_without_law_is_refused(at: str) -> None:
    result = ask("check", "MSQ", "VNO", "--operator", "BRU", "--at", at)
    assert result.exit_code == 2
    assert f"--at: {at} is out of range" in result.stderr


def unused(*_: object, **__: object) -> None:
    raise AssertionError("nothing may run")


@pytest.mark.parametrize("place", ["file", "file/below", "blocked"])
def test_a_folder_that_cannot_be_written_is_told_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setattr("airsim.study.run", unused)
    write(tmp_path, "", "file")
    write(tmp_path, "", "blocked/mine")
    result = ask("run", write(tmp_path, HEAD), "-o", tmp_path / place)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"airsim: command line: -o: {tmp_path / place}")
    assert line.endswith(("(name a folder)", "(name another folder)"))


def test_a_disk_that_fills_up_is_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "out/mine/flights.csv")

    monkeypatch.setattr("airsim.results.write_results", fail)
    result = ask("run", write(tmp_path, HEAD + probe()), "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert result.stderr == (
        "airsim: out/mine/flights.csv: cannot be read or written: No space left on device\n"
    )


# ------------------------------------------------------------------------------------- results
def some_results(*details: str) -> Results:
    rows = [
        {"seq": k, "time_utc": "", "event": "x", "flight_id": "", "registration": "", "detail": d}
        for k, d in enumerate(details)
    ]
    tables = {name: make_table(name, []) for name in SCHEMAS}
    return Results({**tables, "events": make_table("events", rows)}, {"title": "t"})


def damage_table(folder: Path, other: Path) -> None:
    (folder / "events.parquet").write_bytes((other / "events.parquet").read_bytes())


def cut_table(folder: Path, _: Path) -> None:
    path = folder / "events.parquet"
    path.write_bytes(path.read_bytes()[:-20])


def swap_table(folder: Path, _: Path) -> None:
    (folder / "events.parquet").write_bytes((folder / "rules.parquet").read_bytes())


def lose_table(folder: Path, _: Path) -> None:
    (folder / "events.parquet").unlink()


def edit_summary(folder: Path, _: Path) -> None:
    path = folder / "summary.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"t"', '"u"'), encoding="utf-8")


@pytest.mark.parametrize("harm", [damage_table, cut_table, swap_table, lose_table, edit_summary])
def test_results_that_do_not_match_their_hash_are_refused(tmp_path: Path, harm) -> None:
    folder, other = tmp_path / "run", tmp_path / "other"
    write_results(folder, some_results("one"))
    write_results(other, some_results("two"))
    assert read_results(folder).content_hash == some_results("one").content_hash
    harm(folder, other)
    with pytest.raises(InputError, match=r"does not match the tables.*\(run again\)"):
        read_results(folder)


@pytest.mark.parametrize("text", ["[]", "3", "[1]"])
def test_a_summary_of_another_kind_is_no_run(tmp_path: Path, text: str) -> None:
    write(tmp_path, text, "summary.json")
    with pytest.raises(InputError):
        read_results(tmp_path)


# ---------------------------------------------------------------------------------------- doors
def test_the_package_runs_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "airsim", "--version"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("airsim")


@pytest.mark.parametrize(
    ("terminal", "kept", "said"),
    [(True, (), 1), (True, ("visibility.find_legs-1.py311.nbi",), 0), (False, (), 0)],
)
def test_the_first_run_says_on_a_terminal_that_it_compiles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, terminal: bool, kept: Sequence[str], said: int
) -> None:
    class Compiled:
        class stats:
            cache_path = str(tmp_path)

    lines: list[str] = []
    for name in kept:
        write(tmp_path, "", name)
    monkeypatch.setattr(kernels, "find_legs", Compiled)
    monkeypatch.setattr(click, "echo", lambda text, **_: lines.append(text))
    monkeypatch.setattr(sys, "stderr", type("Stream", (), {"isatty": lambda _: terminal})())
    cli._announce_compiling()
    assert len(lines) == said
    assert all("first run: compiling" in line for line in lines)
