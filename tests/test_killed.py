"""A run that is killed leaves the old results, the new ones, or what nobody takes for results."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from airsim.base import InputError
from airsim.results import SCHEMAS, Results, make_table, read_results, write_results

# Writes results over others, and kills its own process as the n-th file is renamed into place.
WRITER = """
import os, signal, sys
from pathlib import Path
from test_killed import draw, make_results
from airsim.results import write_results

left, replace = int(sys.argv[2]), Path.replace
def rename(path, target):
    global left
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1
    return replace(path, target)

Path.replace = rename
write_results(Path(sys.argv[1]), make_results("new"), render=draw)
"""


def make_results(name: str) -> Results:
    event = {"seq": 0, "time_utc": "", "event": name, "flight_id": "", "registration": "",
             "detail": ""}  # fmt: skip
    tables = {table: make_table(table, []) for table in SCHEMAS}
    return Results(tables | {"events": make_table("events", [event] * 3)}, {"scenario": name})


def draw(results: Results, folder: Path) -> None:
    page = folder / "report.html"
    page.with_name(".report.html.abcdefgh").write_text(str(results.summary["scenario"]))
    page.with_name(".report.html.abcdefgh").replace(page)


def start(*arguments: object) -> subprocess.Popen[bytes]:
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, *map(str, arguments)], env=os.environ | {"PYTHONPATH": path},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def files_of(results: Results) -> int:
    return 2 * len(results.tables) - 1 + 2  # no CSV of outlines; the page and the summary


@pytest.mark.parametrize("share", [0.0, 0.05, 0.6, 0.97, 1.0])
def test_a_run_killed_while_it_writes_is_never_taken_for_whole(
    tmp_path: Path, share: float
) -> None:
    old, new = make_results("old"), make_results("new")
    write_results(tmp_path, old, render=draw)
    count = files_of(new)
    renamed = round(share * (count - 1))
    code = start("-c", WRITER, tmp_path, renamed).wait()
    assert code == -signal.SIGKILL
    with pytest.raises(InputError, match="no finished run here"):
        read_results(tmp_path)
    # running again makes a whole of it, and leaves nothing behind
    assert start("-c", WRITER, tmp_path, count).wait() == 0
    assert read_results(tmp_path).content_hash == new.content_hash
    assert (tmp_path / "report.html").read_text() == "new"
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_pages_of_an_older_run_do_not_stay(tmp_path: Path) -> None:
    write_results(tmp_path, make_results("old"), render=draw)
    write_results(tmp_path, make_results("new"))
    assert not (tmp_path / "report.html").exists()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small project, and what a run of it that nobody disturbs leaves."""
    folder = tmp_path_factory.mktemp("project")
    assert start("-m", "airsim", "init", folder).wait() == 0
    begun = time.monotonic()
    assert run(folder, folder / "whole").wait() == 0
    (folder / "took").write_text(str(time.monotonic() - begun))
    return folder


def run(project: Path, output: Path) -> subprocess.Popen[bytes]:
    return start("-m", "airsim", "run", project / "scenario.toml", "-o", output)


@pytest.mark.parametrize("kind", [signal.SIGKILL, signal.SIGINT])
def test_a_run_stopped_at_any_moment_can_be_run_again(
    project: Path, tmp_path: Path, kind: signal.Signals
) -> None:
    took = float((project / "took").read_text())
    whole = read_results(project / "whole" / "scenario")
    stopped = run(project, tmp_path)
    time.sleep(took * random.Random(int(kind)).uniform(0.3, 1.0))
    stopped.send_signal(kind)
    code = stopped.wait()
    # it may have ended just before; interrupted, it says so
    assert code in ((0, -signal.SIGKILL) if kind == signal.SIGKILL else (0, 130, -kind))
    try:
        found = read_results(tmp_path / "scenario")
    except InputError as error:
        assert "no finished run here" in str(error)
    else:
        assert found.content_hash == whole.content_hash
    assert run(project, tmp_path).wait() == 0
    assert read_results(tmp_path / "scenario").content_hash == whole.content_hash
    left = [path.name for path in (tmp_path / "scenario").glob(".*")]
    assert left == []
    names = {path.name for path in (project / "whole" / "scenario").iterdir()}
    assert {path.name for path in (tmp_path / "scenario").iterdir()} == names
