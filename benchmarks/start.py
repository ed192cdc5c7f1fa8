"""Starting: what a command takes in a process of its own, with and without what is kept on disk."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from threading import Thread

from benchmarks.measuring import ROOT, Row, note

TABLE = "Start: a process of its own"
FIRST = "airsim check, first run ever: compiles"
IMPORT = ("-c", "import airsim")
_FLIGHTS = {
    "a short detour": ("MSQ", "KGD", "--type", "E195"),
    "a way that is barred": ("MSQ", "LHR"),
    "a long detour": ("MSQ", "IST"),
}
CHECKS = {
    title: (
        "-m", "airsim", "check", *flight,
        "--operator", "BRU", "--at", "2025-09-15T08:00Z", "--json",
    )
    for title, flight in _FLIGHTS.items()
}  # fmt: skip


def measure(*, quick: bool = False) -> list[Row]:
    """Rows of the table on starts."""
    repeats = 1 if quick else 7
    rows = [time_process("import airsim", IMPORT, repeats=repeats)]
    for title, check in list(CHECKS.items())[: 1 if quick else None]:
        rows.append(time_process(f"airsim check, {title}", check, repeats=repeats))
    if quick:
        return [*rows, note("start: first runs, which compile or arrange, are left out by --quick")]
    check = CHECKS["a short detour"]
    with tempfile.TemporaryDirectory() as folder:
        kept = {"AIRSIM_CACHE_DIR": folder}
        rows.append(time_process("airsim check, layers arranged anew", check, kept, warm=False))
    with tempfile.TemporaryDirectory() as folder:
        kept = {"AIRSIM_CACHE_DIR": folder, "NUMBA_CACHE_DIR": folder}
        rows.append(time_process(FIRST, check, kept, warm=False))
    return rows


def time_process(
    title: str, arguments: Sequence[str], environment: Mapping[str, str] | None = None,
    *, repeats: int = 1, warm: bool = True,
) -> Row:  # fmt: skip
    """Row on ``python ARGUMENTS``: wall clock, processor time, most memory."""
    every = dict(os.environ) | dict(environment or {})
    runs = [_run(arguments, every) for _ in range(repeats + warm)][warm:]
    wall = [run["wall_s"] for run in runs]
    return {
        "table": TABLE,
        "command": title,
        "runs": repeats,
        "best_s": min(wall),
        "median_s": statistics.median(wall),
        "cpu_s": min(run["cpu_s"] for run in runs),
        "peak_mb": max(run["peak_mb"] for run in runs),
        "says_compiling": any(run["says_compiling"] for run in runs),
    }


def _run(arguments: Sequence[str], environment: Mapping[str, str]) -> Row:
    # what a command says of its work it says to a terminal, so that it gets one
    ours, theirs = os.openpty()
    heard: list[bytes] = []
    listener = Thread(target=_listen, args=(ours, heard))
    listener.start()
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.child", *arguments],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=theirs, check=True,
    )  # fmt: skip
    os.close(theirs)
    listener.join()
    os.close(ours)
    said = b"".join(heard).decode(errors="replace")
    row: Row = json.loads(done.stdout)
    if row["code"] not in (0, 1):  # 1: the flight may not fly, which is an answer
        raise RuntimeError(said[-2000:])
    row = {name: float("nan") if value is None else value for name, value in row.items()}
    return row | {"says_compiling": "compil" in said.lower()}


def _listen(terminal: int, heard: list[bytes]) -> None:
    """Read a terminal until the other side is closed, which some systems tell by an error."""
    with suppress(OSError):
        while found := os.read(terminal, 4096):
            heard.append(found)
