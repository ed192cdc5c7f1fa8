"""How things are timed, and the form in which results travel.

A result is a list of rows. A row is a dict with the title of its ``table``, then its columns in
order: the unit is part of a column's name. Rows of the table ``notes`` have only a ``note``.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

Row = dict[str, Any]

ROOT = Path(__file__).resolve().parents[1]
SEED = 20_250_701
NOTES = "notes"


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds of one task.

    Parameters
    ----------
    first_s : float
        The first run, which warms caches and may compile; not among the others.
    wall_s, cpu_s : tuple of float
        Later runs: wall clock, and processor time of all threads.
    result : Any
        What the task gave.
    """

    first_s: float
    wall_s: tuple[float, ...]
    cpu_s: tuple[float, ...]
    result: Any

    @property
    def best_s(self) -> float:
        """Shortest run: the least disturbed one."""
        return min(self.wall_s)

    @property
    def median_s(self) -> float:
        """Median run."""
        return statistics.median(self.wall_s)

    @property
    def best_cpu_s(self) -> float:
        """Least processor time."""
        return min(self.cpu_s)


def time_in_turn(
    tasks: Mapping[str, Callable[[], Any]], *, repeats: int = 5, budget_s: float = 10.0
) -> dict[str, Timing]:
    """Time tasks in turn, so that what disturbs the machine disturbs them all.

    Each runs once to warm up, then in each of `repeats` rounds, but for tasks that have used
    their budget: these end after one round at least.
    """
    wall: dict[str, list[float]] = {name: [] for name in tasks}
    cpu: dict[str, list[float]] = {name: [] for name in tasks}
    first, results = {}, {}
    for name, task in tasks.items():
        began = time.perf_counter()
        results[name] = task()
        first[name] = time.perf_counter() - began
    for _ in range(repeats):
        for name, task in tasks.items():
            if wall[name] and sum(wall[name]) > budget_s:
                continue
            began, began_cpu = time.perf_counter(), time.process_time()
            task()
            wall[name].append(time.perf_counter() - began)
            cpu[name].append(time.process_time() - began_cpu)
    return {n: Timing(first[n], tuple(wall[n]), tuple(cpu[n]), results[n]) for n in tasks}


def run_apart(
    module: str, case: Mapping[str, Any], *, environment: Mapping[str, str] | None = None
) -> Row:
    """Run ``python -m module CASE`` in a process of its own, which prints one JSON row."""
    done = subprocess.run(
        [sys.executable, "-m", module, json.dumps(case)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env=dict(os.environ) | dict(environment or {}),
    )
    if done.returncode:
        raise RuntimeError(f"{module} {case}: {done.stderr.strip()[-2000:]}")
    row: Row = json.loads(done.stdout.splitlines()[-1])
    return row


def peak_rss_mb() -> float:
    """Most memory that this process has held so far."""
    try:  # the usual call counts the memory of the process that started this one too
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        return float(status.split("VmHWM:")[1].split()[0]) / 1e3
    except (OSError, IndexError):
        pass
    try:
        import resource
    except ImportError:  # Windows
        return float("nan")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


def fit_exponent(size: ArrayLike, cost: ArrayLike) -> float:
    """Exponent k of cost = c * size ** k by least squares on logarithms; NaN for one size."""
    x, y = np.log(np.asarray(size, np.float64)), np.log(np.asarray(cost, np.float64))
    if x.size < 2 or np.ptp(x) == 0.0:
        return float("nan")
    return float(np.polyfit(x, y, 1)[0])


def import_peers(names: Iterable[str]) -> tuple[dict[str, Any], list[Row]]:
    """Modules of optional peers by name, and notes on those that are absent."""
    found: dict[str, Any] = {}
    notes: list[Row] = []
    for name in names:
        try:
            found[name] = import_module(name)
        except ImportError as error:
            notes.append(note(f"{name} is absent ({error}): its rows are missing"))
    return found, notes


def note(text: str) -> Row:
    """A remark that goes with the tables."""
    return {"table": NOTES, "note": text}


# ----------------------------------------------------------------------------------- tables
def group_tables(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Rows by the title of their table, in order, notes apart."""
    tables: dict[str, list[Row]] = {}
    for row in rows:
        if row["table"] != NOTES:
            tables.setdefault(row["table"], []).append(row)
    return tables


def list_notes(rows: Sequence[Row]) -> list[str]:
    """Texts of the notes, each once."""
    return list(dict.fromkeys(row["note"] for row in rows if row["table"] == NOTES))


def format_value(value: Any) -> str:
    """Three digits that matter; nothing for what was not measured."""
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, np.integer)):
        return f"{int(value):,}"
    if not isinstance(value, (float, np.floating)):
        return str(value)
    if value == 0.0:
        return "0"
    size = abs(float(value))
    if size >= 100.0:
        return f"{float(f'{value:.3g}'):,.0f}"
    if size < 1e-3:
        return f"{value:.1e}"
    return f"{value:.3g}"


def format_table(rows: Sequence[Row]) -> str:
    """A table in Markdown that lines up when printed; numbers to the right."""
    names = [name for name in dict.fromkeys(k for row in rows for k in row) if name != "table"]
    heads = [name.replace("_", " ") for name in names]
    cells = [[format_value(row.get(name)) for name in names] for row in rows]
    left = [any(isinstance(row.get(name), str) for row in rows) for name in names]
    wide = [max(len(head), *(len(line[k]) for line in cells)) for k, head in enumerate(heads)]

    def draw(line: Sequence[str]) -> str:
        padded = (
            text.ljust(w) if to_left else text.rjust(w)
            for text, w, to_left in zip(line, wide, left, strict=True)
        )
        return f"| {' | '.join(padded)} |"

    rule = (
        "-" * w if to_left else "-" * (w - 1) + ":" for w, to_left in zip(wide, left, strict=True)
    )
    return "\n".join([draw(heads), f"| {' | '.join(rule)} |", *map(draw, cells)])


def print_rows(rows: Sequence[Row]) -> None:
    """Tables and notes."""
    for title, table in group_tables(rows).items():
        print(f"\n{title}\n\n{format_table(table)}", flush=True)
    for text in list_notes(rows):
        print(f"\n* {text}", flush=True)


# ---------------------------------------------------------------------------------- machine
_PACKAGES = (
    "numpy", "numba", "scipy", "shapely", "pyproj", "geopandas", "spherely", "pyvisgraph",
    "extremitypathfinder", "scikit-image", "simpy", "matplotlib",
)  # fmt: skip


def describe_machine() -> Row:
    """What the figures were measured on and with."""
    from airsim import __version__

    versions = {"airsim": __version__, "python": platform.python_version()}
    for name in _PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "absent"
    return {
        "processor": _processor_name(),
        "cores": os.cpu_count(),
        "memory_gb": round(_memory_gb(), 1),
        "system": platform.platform(),
        "versions": versions,
    }


def print_machine(machine: Row) -> None:
    """What it runs on, and with which versions."""
    print(f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gb']} GB")
    print(", ".join(f"{name} {version}" for name, version in machine["versions"].items()))


def _processor_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _memory_gb() -> float:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    except (AttributeError, ValueError, OSError):
        return float("nan")
