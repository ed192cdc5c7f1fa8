"""README.md and results.json beside this file, from the rows of runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.figures import judge_figures
from benchmarks.measuring import Row, format_table, group_tables, list_notes
from benchmarks.plots import draw_plots

HERE = Path(__file__).parent
RESULTS, README = "results.json", "README.md"

# part: {date, seconds, machine, rows}
Results = dict[str, dict[str, Any]]

_PLOTS = {
    "crossings": ("crossings-speed.png", "crossings-accuracy.png"),
    "routes": ("routes.png",),
    "growth": ("growth.png",),
}
_TITLES = {
    "crossings": "Crossings",
    "routes": "Routes",
    "rules": "Rules",
    "world-day": "A day of the world",
    "start": "Starting",
    "events": "Events",
    "operation": "Operation",
    "growth": "Growth and memory",
}
_INTRODUCTION = """\
# Benchmarks

Written by `python -m benchmarks --write --date DATE`; only the reasons for what is not reached
are typed by hand (`reasons.toml`). All figures are of the machine below and of no other: compare
ratios, and run it on yours.

    pip install -e '.[bench]'                    # peers, all optional: absent ones are named
    pip install --no-deps extremitypathfinder networkx   # asks for numpy below 2, runs with 2
    python -m benchmarks --quick                 # a minute: does it run?
    python -m benchmarks.unsimplified full.parquet       # every vertex, from two npm packages
    python -m benchmarks --unsimplified full.parquet
"""
_METHOD = """\
## How it is measured

* **Same work.** Legs join two aerodromes of the shipped table, every pair as likely as any other,
  seeded; routes and rules have their own seeds. A slow method gets the head of the same list, and
  its row says how many. "Ratio" divides its time per leg by airsim's on the whole list (sphere, two
  threads); "ratio same legs" divides by airsim's time for exactly those few legs.
* **From ends to stays.** Each method is given the ends of legs and returns area, entry km, exit
  km. What can be made once for a layer (trees, prepared shapes, our index) is not counted.
* **In turn.** Methods of a table run in rounds, one after the other, after one run each to warm
  up. Shown is the shortest run, beside it the median and the processor time of all threads.
* **Peers use one thread**, as they come. Ours is given for one and for two.
* **Accuracy is of the same run** and the same legs: of methods on the sphere against brute force
  over every stored edge; on WGS84 against geodesics cut by PROJ every 10 km. Errors are of entries
  and exits where the number of stays agrees; where it does not, the pair counts as wrong.
* **Lines of planar peers** are great circles in pieces of 5 or 50 km on longitude and latitude,
  split at 180 degrees.
* "Streaming" sums the rows of the edge filter in all cells that a leg passes, and nothing else.
* Growth and starts run in processes of their own; memory is their most resident memory.
"""


def load_results() -> Results:
    """Results of earlier runs, by part."""
    try:
        results: Results = json.loads((HERE / RESULTS).read_text(encoding="utf-8"))["parts"]
    except OSError:
        return {}
    return results


def write_results(results: Mapping[str, Mapping[str, Any]], folder: Path = HERE) -> None:
    """Write results.json, the plots and README.md."""
    text = json.dumps({"parts": results}, indent=1, sort_keys=True)
    (folder / RESULTS).write_text(text + "\n", encoding="utf-8")
    rows = [row for part in results.values() for row in part["rows"]]
    plots = draw_plots(rows, folder)
    (folder / README).write_text(render_readme(results, plots), encoding="utf-8")


def render_readme(results: Mapping[str, Mapping[str, Any]], plots: list[str]) -> str:
    """README.md of results."""
    parts = [part for part in _TITLES if part in results]
    rows: list[Row] = [row for part in parts for row in results[part]["rows"]]
    blocks = [_INTRODUCTION, _tell_machines(results, parts), "## What was to be reached"]
    blocks += [format_table(judge_figures(rows)), _METHOD]
    for part in parts:
        blocks.append(f"## {_TITLES[part]}")
        blocks += [f"![{_TITLES[part]}]({name})" for name in _PLOTS.get(part, ()) if name in plots]
        mine = results[part]["rows"]
        for title, table in group_tables(mine).items():
            blocks += [f"### {title}", format_table(table)]
        if notes := list_notes(mine):
            blocks.append("\n".join(f"* {text}" for text in notes))
    return "\n\n".join(block.strip("\n") for block in blocks) + "\n"


def _tell_machines(results: Mapping[str, Mapping[str, Any]], parts: list[str]) -> str:
    told: dict[str, list[str]] = {}
    for part in parts:
        machine = results[part]["machine"]
        versions = ", ".join(f"{name} {v}" for name, v in machine["versions"].items())
        text = (
            f"{results[part]['date']}: {machine['processor']}, {machine['cores']} cores,"
            f" {machine['memory_gb']:g} GB, {machine['system']}; {versions}."
        )
        told.setdefault(text, []).append(f"{part} ({results[part]['seconds']:.0f} s)")
    lines = [f"* {', '.join(names)}: {text}" for text, names in told.items()]
    return "## When and on what\n\n" + "\n".join(lines)


def strip_row(row: Row) -> Row:
    """A row as it is kept: plain values, nothing for numbers that are none."""
    plain = {k: v.item() if isinstance(v, np.generic) else v for k, v in row.items()}
    return {k: None if isinstance(v, float) and v != v else v for k, v in plain.items()}
