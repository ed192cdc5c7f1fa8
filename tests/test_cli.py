"""The command line: exit codes, output for programs, every fault at once, no traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import jsonschema
import pytest
from click.testing import CliRunner, Result

from airsim import __version__, cli
from airsim.airspace import checks
from airsim.base import list_scenarios
from airsim.planning import check_schema
from airsim.results import read_results

AT = ("--at", "2025-09-15T08:00Z")
BY_BELAVIA = ("--operator", "BRU", *AT)


def call(*words: str) -> Result:
    result = CliRunner().invoke(cli.main, list(words))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    return result


def said(result: Result) -> list[str]:
    """Messages of a refusal: one line per problem, all on stderr, nothing else."""
    assert result.exit_code == 2
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert lines
    assert all(line.startswith("airsim: ") for line in lines), lines
    return lines


# --------------------------------------------------------------------------------------- check
@pytest.mark.parametrize(
    ("words", "code", "outcome"),
    [
        (("UMMS", "UUEE", *BY_BELAVIA), 0, "direct"),
        (("UMMS", "IST", *BY_BELAVIA), 0, "detour"),
        (("MSQ", "VNO", "--operator", "B2", *AT), 1, "infeasible"),
        (("umms", "kjfk", *BY_BELAVIA), 1, "infeasible"),
    ],
)
def test_check_exits_0_if_the_flight_may_fly_and_1_if_not(words, code, outcome) -> None:
    result = call("check", *words, "--json")
    answer = json.loads(result.stdout)
    jsonschema.Draft202012Validator(check_schema()).validate(answer)
    assert (result.exit_code, answer["outcome"]) == (code, outcome)
    assert result.stderr == ""


def test_check_tells_people_what_it_tells_programs() -> None:
    words = ("check", "UMMS", "EYVI", *BY_BELAVIA)
    text, answer = call(*words), json.loads(call(*words, "--json").stdout)
    assert text.exit_code == 1
    assert answer["reason"] if "reason" in answer else answer["summary"]
    for part in (
        *answer["blocking_rules"],
        "Council Regulation (EU) 2021/907",
        "not for navigation",
    ):
        assert part in text.stdout
    assert "\x1b" not in text.stdout  # no colours where there is no terminal


def test_check_takes_type_tail_and_another_rulebook(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text(RULE)
    answer = json.loads(
        call("check", "UMMS", "EYVI", *BY_BELAVIA, "--type", "e195", "--registration", "ew-400po",
             "--rulebook", str(tmp_path), "--json").stdout
    )  # fmt: skip
    question = answer["question"]
    assert (answer["outcome"], question["typecode"], question["registration"]) == (
        "direct", "E195", "EW-400PO",
    )  # fmt: skip


def test_check_takes_what_is_told_of_the_flight(tmp_path: Path) -> None:
    rule = RULE.replace('["BR"]', '["LT"]') + (
        'unless = [{ id = "e", title = "e", flight = [{ status = ["medical"] }] }]\n'
        'flight = [{ item = ["EAR99"], scheduled = false }]\nwho = [{ owned_in = ["RU"] }]\n'
    )
    assert rule != RULE
    (tmp_path / "one.toml").write_text(rule.replace('"overflight"', '"landing", "overflight"'))
    told = ["--item", "EAR99", "--non-scheduled", "--fact", "owned_in=RU"]

    def outcome(*more: str) -> str:
        words = ("check", "UMMS", "EYVI", *BY_BELAVIA, "--rulebook", str(tmp_path), "--json")
        return str(json.loads(call(*words, *more).stdout)["outcome"])

    assert outcome(*told) == "infeasible"
    for left in (0, 2, 3):
        assert outcome(*told[:left], *told[left + (1 if left == 2 else 2) :]) != "infeasible", left
    assert outcome(*told, "--status", "medical") == "direct"
    question = json.loads(
        call("check", "UMMS", "EYVI", *BY_BELAVIA, "--rulebook", str(tmp_path), *told, "--advice",
             "warn", "--known-at", "2025-09-01", "--json").stdout
    )["question"]  # fmt: skip
    assert (question["items"], question["scheduled"], question["advice"]) == (
        ["EAR99"], False, "warn",
    )  # fmt: skip
    assert (question["facts"], question["known_at_utc"]) == (
        {"owned_in": "RU"}, "2025-09-01T00:00:00Z",
    )  # fmt: skip


def test_check_explains_all_that_was_asked_if_told_to(tmp_path: Path) -> None:
    rule = RULE + 'who = [{ operator = ["THY"] }]\n'
    (tmp_path / "one.toml").write_text(rule.replace('["BR"]', '["LT"]'))
    words = ("check", "EVRA", "EPWA", *BY_BELAVIA, "--rulebook", str(tmp_path))
    assert "R1" not in call(*words).stdout
    assert "R1 does not bar overflight of LT" in call(*words, "--explain", "all").stdout


@pytest.mark.parametrize(
    ("line", "outcome"),
    [
        ('when = { from = ["2025-09-15", "2025-09-16"] }', "unknown"),
        ('effect = "require-permit"\npermit = { authority = "X", kind = "authority" }',
         "needs-permit"),
    ],
)  # fmt: skip
def test_check_exits_1_where_a_fact_or_a_permit_is_missing(
    tmp_path: Path, line: str, outcome: str
) -> None:
    rule = RULE.replace("overflight", "landing").replace("BR", "LT") + line
    (tmp_path / "one.toml").write_text(rule)
    words = ("check", "UMMS", "EYVI", *BY_BELAVIA, "--rulebook", str(tmp_path))
    result = call(*words, "--json")
    answer = json.loads(result.stdout)
    assert (result.exit_code, answer["outcome"], answer["blocking_rules"]) == (1, outcome, ["R1"])
    assert "R1" in call(*words).stdout


def test_check_reports_everything_unknown_at_once() -> None:
    lines = said(
        call("check", "XXXX", "VNQ", "--operator", "ZZZZ", "--type", "B7X7", "--at", "tomorrow",
             "--registration", "??")
    )  # fmt: skip
    for part in ("XXXX", "VNQ", "ZZZZ", "B7X7", "tomorrow", "??"):
        assert sum(part in line for line in lines) == 1, part
    assert all(line.endswith(")") for line in lines), "each with its remedy"
    assert any("VNO (" in line for line in lines), "near matches are named"


@pytest.mark.parametrize(
    ("at", "remedy"),
    [
        ("2025-09-15T08:00", "write 2025-09-15T08:00Z"),
        ("0001-01-01", "1945 to 2099"),
        ("9999-12-31T23:59Z", "1945 to 2099"),
    ],
)
def test_check_refuses_local_and_impossible_times(at: str, remedy: str) -> None:
    (line,) = said(call("check", "UMMS", "EYVI", "--operator", "BRU", "--at", at))
    assert remedy in line


def test_check_without_what_it_needs_is_a_usage_error() -> None:
    for words in (("check", "UMMS"), ("check", "UMMS", "EYVI", *AT), ("fly",), ("check", "--no")):
        result = CliRunner().invoke(cli.main, list(words))
        assert result.exit_code == 2
        assert "Usage:" in result.stderr


# ------------------------------------------------------------------------------------ rulebooks
RULE = """
[[rule]]
id = "R1"
title = "a rule"
authority = "BR"
regime = "test"
activities = ["overflight"]
where = [{ territory = ["BR"] }]
confidence = "V"
reference = { instrument = "an act", url = "https://example.org" }
"""


@pytest.mark.parametrize(
    "command", [("rules", "list"), ("rules", "check"), ("check", "UMMS", "EYVI", *BY_BELAVIA)]
)
def test_a_faulty_rulebook_is_named_by_file_rule_and_key(tmp_path: Path, command) -> None:
    (tmp_path / "good.toml").write_text(RULE)
    (tmp_path / "keys.toml").write_text(RULE.replace("R1", "R2").replace("title", "titel"))
    (tmp_path / "broken.toml").write_text("[[rule]\n")
    lines = said(call(*command, "--rulebook", str(tmp_path)))
    assert len(lines) == 3
    for parts in (("keys.toml", "R2 titel", "mean title?"), ("keys.toml", "R2 title", "add it"),
                  ("broken.toml", "TOML", "mend the file")):  # fmt: skip
        assert any(all(part in line for part in parts) for line in lines), parts


def test_a_question_is_not_asked_under_rules_on_airspace_that_does_not_exist(
    tmp_path: Path,
) -> None:
    (tmp_path / "one.toml").write_text(RULE.replace('territory = ["BR"]', 'zone = ["NO-ZONE"]'))
    (line,) = said(call("check", "UMMS", "EYVI", *BY_BELAVIA, "--rulebook", str(tmp_path)))
    for part in ("one.toml", "R1", "unknown zone 'NO-ZONE'"):
        assert part in line


def test_a_rulebook_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file.toml").write_text(RULE)
    for name, words in (("nowhere", "no such folder"), ("file.toml", "name the folder")):
        (line,) = said(call("rules", "list", "--rulebook", str(tmp_path / name)))
        assert words in line


def test_rules_list_prints_every_rule(rulebook) -> None:
    lines = call("rules", "list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == [rule.id for rule in rulebook]
    (ban,) = [line for line in lines if line.startswith("EU-BY-01 ")]
    assert "2021-06-04" in ban
    assert "open" in ban
    table = json.loads(call("rules", "list", "--json").stdout)
    assert [rule["id"] for rule in table] == [rule.id for rule in rulebook]
    (ban,) = [rule for rule in table if rule["id"] == "EU-BY-01"]
    assert ban["when"]["from"] == ["2021-06-04T22:00:00Z"] * 2


def test_rules_check_passes_the_shipped_rulebook(rulebook) -> None:
    result = call("rules", "check", "--json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["rules"]) == (0, len(rulebook))
    assert all(finding["level"] == "warning" for finding in found["findings"])
    assert call("rules", "check").stdout.splitlines()[-1].startswith(f"{len(rulebook)} rules")


def test_rules_check_exits_1_for_an_error_and_0_for_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "one.toml"
    path.write_text(RULE.replace('territory = ["BR"]', 'fir = ["NOFI"]'))
    warned = call("rules", "check", "--rulebook", str(tmp_path))
    assert (warned.exit_code, "warning: R1: unknown fir 'NOFI'" in warned.stdout) == (0, True)
    path.write_text(RULE.replace('where = [{ territory = ["BR"] }]\n', ""))
    failed = call("rules", "check", "--rulebook", str(tmp_path))
    assert (failed.exit_code, "error: R1: " in failed.stdout) == (1, True)


# ----------------------------------------------------------------------------------------- run
HEADER = "flight,adep,ades,days,std,sta,typecode,valid_from,valid_to,time_basis\n"
ROW = "B2951,UMMS,UUEE,1234567,05:00,06:30,E195,2025-09-01,2025-09-30,utc\n"
SCENARIO = """
schema = 1
title = "a small world"

[period]
start = "2025-09-15T00:00Z"
end = "2025-09-16T00:00Z"

[operation]
timetable = "timetable.csv"

[rules]
rulebook = "law"

[[probe]]
operator = "BRU"
adep = "UMMS"
ades = "EYVI"
eobt = "2025-09-15T08:00Z"
typecode = "E195"
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small scenario file and what it names."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "timetable.csv").write_text(HEADER + ROW)
    (folder / "law").mkdir()
    (folder / "law" / "law.toml").write_text(RULE)
    path = folder / "small.toml"
    path.write_text(SCENARIO)
    return path


@pytest.fixture(scope="module")
def ran(small: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path]:
    """The small scenario, run once."""
    folder = tmp_path_factory.mktemp("out") / "deep"
    return call("run", str(small), "-o", str(folder), "--json"), folder / "small"


def test_run_writes_tables_page_and_summary(ran: tuple[Result, Path]) -> None:
    result, folder = ran
    assert result.exit_code == 0
    summary = json.loads(result.stdout)
    assert (summary["scenario"], summary["folder"]) == ("small", str(folder))
    results = read_results(folder)
    assert [row["outcome"] for row in results.rows("flights")] == ["direct", "direct"]
    assert [path.suffix for path in folder.glob("*.html")] == [".html"]
    assert not [path for path in folder.rglob("*") if path.name.startswith(".")]


def test_run_again_writes_the_same(ran: tuple[Result, Path], small: Path, tmp_path: Path) -> None:
    again = call("run", str(small), "-o", str(tmp_path))
    assert again.exit_code == 0
    assert "a small world" in again.stdout
    first, second = (read_results(folder).content_hash for folder in (ran[1], tmp_path / "small"))
    assert first == second


def test_an_unknown_scenario_lists_those_shipped() -> None:
    (line,) = said(call("run", "zapad-2026"))
    for name in list_scenarios():
        assert name in line


@pytest.mark.parametrize("name", ["missing.toml", "folder/missing", "missing.json"])
def test_a_missing_scenario_file_is_named(tmp_path: Path, name: str) -> None:
    (line,) = said(call("run", str(tmp_path / name)))
    assert name in line
    assert "no such scenario file" in line


def test_broken_toml_is_named_by_line(tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text('schema = 1\ntitle = "open\n')
    (line,) = said(call("run", str(path)))
    assert "broken.toml" in line
    assert "line 2" in line


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "binary.toml"
    path.write_bytes(b"\xff\xfe\x00schema")
    (line,) = said(call("run", str(path)))
    assert "cannot be read as TOML" in line


def test_the_faults_of_a_scenario_and_its_files_come_at_once(small: Path, tmp_path: Path) -> None:
    zones = tmp_path / "zones.toml"
    zones.write_text(
        '[[zone]]\ndesignator = "MINE"\nname = "mine"\nkind = "danger"\nquality = "synthetic"\n'
        'source = "test"\nbasis = "test"\nlower = "GND"\nupper = "UNL"\n'
        "shape = { polygon = [[27, 53], [28, 53], [28, 54], [27, 54]] }\n"
    )
    path = tmp_path / "faulty.toml"
    path.write_text(
        SCENARIO.replace('"timetable.csv"', f'"{small.parent / "timetable.csv"}"')
        .replace('"law"', f'"{small.parent / "law"}"').replace('"EYVI"', '"XXXX"')
        + f'\n[zones]\nfile = "{zones}"\n'
        + '\n[[amendment]]\naction = "add"\nrule = { id = "N1", titel = "n" }\n'
    )  # fmt: skip
    lines = said(call("run", str(path), "-o", str(tmp_path / "out")))
    for parts in (("MINE", "not closed", "repeat the first point"), ("N1 titel", "mean title?"),
                  ("N1 title", "add it"), ("XXXX", "aerodrome")):  # fmt: skip
        assert any(all(part in line for part in parts) for line in lines), (parts, lines)
    assert not (tmp_path / "out").exists()


def test_the_faults_of_several_scenarios_come_at_once_and_nothing_is_run(
    small: Path, tmp_path: Path
) -> None:
    lines = said(
        call("run", str(small), "nowhere", str(tmp_path / "x.toml"), "-o", str(tmp_path / "out"))
    )
    assert len(lines) == 2
    assert not (tmp_path / "out").exists()


def test_two_scenarios_of_one_name_would_share_a_folder(small: Path, tmp_path: Path) -> None:
    twin = tmp_path / "Small.toml"
    twin.write_text(SCENARIO)
    assert any("small" in line for line in said(call("run", str(small), str(twin))))


@pytest.mark.parametrize("below", ["", "deeper/still"])
def test_an_output_that_is_a_file_is_refused_before_anything_runs(
    small: Path, tmp_path: Path, below: str
) -> None:
    file = tmp_path / "taken"
    file.write_text("mine")
    (line,) = said(call("run", str(small), "-o", str(file / below)))
    assert "-o" in line
    assert file.read_text() == "mine"


# ---------------------------------------------------------------------------------------- data
def test_data_check_passes_the_shipped_data() -> None:
    result = call("data", "check", "--json")
    found = json.loads(result.stdout)
    assert [entry["name"] for entry in found if not entry["ok"]] == []
    assert len(found) > 10
    assert result.exit_code == 0


def test_data_check_exits_1_for_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    fault = checks.CheckResult("hashes", False, "territory.parquet differs")
    monkeypatch.setattr(checks, "check_data", lambda: [fault])
    result = call("data", "check")
    assert result.exit_code == 1
    assert "FAIL hashes: territory.parquet differs" in result.stdout.splitlines()


# ------------------------------------------------------------------------------------- as a whole
def test_version_and_help_say_what_this_is_not() -> None:
    assert call("--version").stdout.split()[-1] == __version__
    assert "Not legal advice, not for navigation" in call("--help").stdout

    def walk(command: click.Command, *path: str) -> None:
        text = call(*path, "--help").stdout
        assert "Usage:" in text
        assert command.help
        for name, inner in getattr(command, "commands", {}).items():
            walk(inner, *path, name)

    walk(cli.main)


def shell(*words: str, **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "airsim", *words], text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, **options,
    )  # fmt: skip


def test_the_module_is_the_command() -> None:
    process = shell("check", "XXXX", "EYVI", *BY_BELAVIA)
    out, err = process.communicate()
    assert (process.returncode, out) == (2, "")
    assert "XXXX" in err
    assert "Traceback" not in err


def test_a_reader_that_goes_away_is_no_error() -> None:
    process = shell("rules", "list", "--json")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait() == 0


def test_an_interrupt_is_said_and_exits_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("airsim.law.load_rulebook", stop)
    result = call("rules", "list")
    assert result.exit_code == 130
    assert "stopped" in result.stderr
