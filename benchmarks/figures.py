"""Figures that airsim set out to reach, read from the rows of a run."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from benchmarks import crossings, events, operation, routes, rules, start, world_day
from benchmarks.measuring import Row, format_value

Verdict = tuple[str, bool]  # what was measured, and whether that is enough
_TREE = "shapely STRtree + intersection, 50 km"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: what, how much, and how it is read; None where it was not measured."""

    id: str
    what: str
    reach: str
    read: Callable[[Sequence[Row]], Verdict | None]


def pick(rows: Sequence[Row], table: str, **wanted: object) -> Row | None:
    """First row of a table with some values."""
    for row in rows:
        if row["table"] == table and all(row.get(k) == v for k, v in wanted.items()):
            return row
    return None


@cache
def load_reasons() -> dict[str, str]:
    """Why a figure is not reached, by its id: from a profile, revised with each published run."""
    text = (Path(__file__).parent / "reasons.toml").read_text(encoding="utf-8")
    return {name: " ".join(why.split()) for name, why in tomllib.loads(text).items()}


def judge_figures(rows: Sequence[Row]) -> list[Row]:
    """A row per figure."""
    found = []
    for figure in FIGURES:
        verdict = figure.read(rows)
        said, reached = verdict if verdict is not None else ("not measured", None)
        found.append(
            {
                "table": "Figures",
                "figure": figure.what,
                "reach": figure.reach,
                "reached": reached,
                "measured": said,
                "why_not": load_reasons().get(figure.id, "") if reached is False else "",
            }
        )
    return found


# -------------------------------------------------------------------------------- how they are read
def _tree_ratio(label: str, least: float) -> Callable[[Sequence[Row]], Verdict | None]:
    def read(rows: Sequence[Row]) -> Verdict | None:
        row = pick(rows, f"{crossings.SPEED}, {label}", method=_TREE)
        return row and (f"{format_value(row['ratio'])}x", row["ratio"] >= least)

    return read


def _streaming(label: str) -> Callable[[Sequence[Row]], Verdict | None]:
    def read(rows: Sequence[Row]) -> Verdict | None:
        row = pick(rows, crossings.STREAM, layer=label, threads=2)
        if row is None:
            return None
        said = (
            f"{row['ratio']:.2g}x ({format_value(row['airsim_us'])} against"
            f" {format_value(row['streaming_us'])} us per leg)"
        )
        return said, row["ratio"] <= 2.0

    return read


def _accuracy(
    reference: str, median_m: float, max_m: float, model: str
) -> Callable[..., Verdict | None]:
    def read(rows: Sequence[Row]) -> Verdict | None:
        mine = [
            row
            for row in rows
            if row["table"] == crossings.ACCURACY
            and row["reference"].startswith(reference)
            and row["method"] == f"airsim, {model}"
        ]
        if not mine:
            return None
        said = "; ".join(
            f"{row['layer']}: median {format_value(row['error_median_m'])}, max"
            f" {format_value(row['error_max_m'])} m, {row['wrong_count']} wrong of"
            f" {row['legs']:,} legs"
            for row in mine
        )
        good = all(
            row["error_median_m"] <= median_m
            and row["error_max_m"] <= max_m
            and row["wrong_count"] == 0
            for row in mine
        )
        return said, good

    return read


def _model_cost(rows: Sequence[Row]) -> Verdict | None:
    found = {}
    for label in ("territory", "fir", "unsimplified"):
        row = pick(rows, f"{crossings.SPEED}, {label}", method="airsim, wgs84, 2 threads")
        if row is not None:
            found[label] = row["ratio"]
    said = "; ".join(f"{label} {ratio:.2f}x" for label, ratio in found.items())
    return (said, max(found.values()) <= 2.0) if found else None


def _graph(rows: Sequence[Row]) -> Verdict | None:
    mine = [row for row in rows if row["table"] == routes.OURS]
    if not mine:
        return None
    near = [row for row in mine if row["gap_max_%"] <= 0.1] or mine
    best = min(near, key=lambda row: row["outline_s"] + row["graph_s"])
    said = (
        f"{format_value(best['outline_s'])} s outline, {format_value(best['graph_s'])} s graph,"
        f" {format_value(best['gap_max_%'])} % at {best['tolerance_km']} km"
    )
    return said, best["outline_s"] + best["graph_s"] <= 0.1 and best["gap_max_%"] <= 0.1


def _queries(rows: Sequence[Row]) -> Verdict | None:
    mine = [row for row in rows if row["table"] == routes.OURS]
    coarse = [r for r in mine if r["tolerance_km"] != "none" and float(r["tolerance_km"]) >= 2.0]
    if not mine:
        return None
    best = max(coarse or mine, key=lambda row: row["blocked_per_s_with_graph"])
    rates = best["blocked_per_s_with_graph"], best["any_per_s_with_graph"]
    said = (
        f"{format_value(rates[0])} of blocked pairs, {format_value(rates[1])} of any pairs per s at"
        f" {best['tolerance_km']} km; strip {'open' if best['strip_open'] else 'closed'}"
    )
    return said, bool(coarse) and rates[0] >= 20_000.0 and bool(best["strip_open"])


def _check(rows: Sequence[Row]) -> Verdict | None:
    mine = [
        row
        for row in rows
        if row["table"] == start.TABLE
        and row["command"].removeprefix("airsim check, ") in start.CHECKS
    ]
    if not mine:
        return None
    said = "; ".join(
        f"{row['command'].removeprefix('airsim check, ')} {row['best_s']:.2f} s" for row in mine
    )
    return said, max(row["best_s"] for row in mine) <= 1.5


def _says_compiling(rows: Sequence[Row]) -> Verdict | None:
    row = pick(rows, start.TABLE, command=start.FIRST)
    return row and (f"{row['best_s']:.0f} s", bool(row["says_compiling"]))


def _loop(rows: Sequence[Row]) -> Verdict | None:
    found = [pick(rows, rules.DRAWN, method=method) for method in (rules.LOOP, rules.PAIR)]
    if None in found:
        return None
    one, two = (row["ns_per_crossing"] for row in found if row)
    return f"{one:.1f} ns in one thread, {two:.1f} ns in two", min(one, two) <= 10.0


def _objects(rows: Sequence[Row]) -> Verdict | None:
    row = pick(rows, rules.DRAWN, method=rules.OBJECTS)
    return row and (f"{format_value(row['times_as_long'])}x", row["times_as_long"] >= 200.0)


def _events(rows: Sequence[Row]) -> Verdict | None:
    row = pick(rows, events.TABLE, method=events.WITH_LAW)
    if row is None:
        return None
    said = (
        f"{format_value(row['moments_per_s'])} moments per s, {row['ratio_to_SimPy']:.1f} times the"
        " bare loop"
    )
    return said, row["moments_per_s"] >= 200_000.0 and row["ratio_to_SimPy"] <= 2.0


def _world_day(rows: Sequence[Row]) -> Verdict | None:
    row = pick(rows, world_day.TABLE, threads=2)
    if row is None or row["flights"] < world_day.FLIGHTS:
        return None
    said = f"{row['wall_s']:.1f} s, {row['peak_mb']:.0f} MB"
    return said, row["wall_s"] <= 5.0 and row["peak_mb"] <= 1000.0


def _operation(name: str, flights: int, most_s: float) -> Callable[..., Verdict | None]:
    def read(rows: Sequence[Row]) -> Verdict | None:
        row = pick(rows, operation.TABLE, operation=name)
        if row is None or row["flights"] < flights:
            return None
        said = f"{row['wall_s']:.1f} s for {row['flights']:,} flights, {row['peak_mb']:.0f} MB"
        return said, row["wall_s"] <= most_s

    return read


FIGURES = (
    Figure(
        "tree", "crossings, all territories as shipped, sphere", ">= 1,000x shapely STRtree +"
        " intersection", _tree_ratio("territory", 1000.0),
    ),
    Figure(
        "tree-unsimplified", "the same, every vertex of the source", ">= 1,000x",
        _tree_ratio("unsimplified", 1000.0),
    ),
    Figure(
        "stream", "the same as shipped, against reading its own edges", "<= 2x",
        _streaming("territory"),
    ),
    Figure(
        "stream-unsimplified", "the same, every vertex of the source", "<= 2x",
        _streaming("unsimplified"),
    ),
    Figure("tree-fir", "crossings, FIRs, sphere", ">= 300x", _tree_ratio("fir", 300.0)),
    Figure(
        "wgs84", "WGS84 entries and exits against pieces of 10 km", "median <= 1 m, max <= 10 m, no"
        " wrong count", _accuracy("WGS84", 1.0, 10.0, "wgs84"),
    ),
    Figure("wgs84-cost", "WGS84 against sphere, time", "<= 2x", _model_cost),
    Figure(
        "s2", "sphere against spherely (S2)", "<= 0.1 m, no wrong count",
        _accuracy("spherely", 0.1, 0.1, "sphere"),
    ),
    Figure(
        "graph", "visibility graph, EU + United Kingdom + Ukraine closed", "build <= 0.1 s, gap"
        " <= 0.1 %", _graph,
    ),
    Figure(
        "queries", "route queries with the graph's set-up, 2 km or coarser", ">= 20,000 per s, the"
        " Gulf of Finland strip open", _queries,
    ),
    Figure("rules", "60 rules on a crossing, compiled loop", "<= 10 ns", _loop),
    Figure("rules-objects", "the same against Python objects", ">= 200x", _objects),
    Figure(
        "world-day", "100,000 flights of a day x all layers x the rulebook, decisions", "<= 5 s,"
        " <= 1 GB", _world_day,
    ),
    Figure(
        "month", "a month of Belavia, planned and simulated", "<= 5 s",
        _operation(operation.MONTH, 1_000, 5.0),
    ),
    Figure(
        "day", "35,000 flights of a day of the world, planned and simulated", "<= 60 s",
        _operation(operation.DAY, operation.FLIGHTS, 60.0),
    ),
    Figure(
        "events", "the event loop, plans made, law judged again", ">= 200,000 events per s, >= half"
        " of bare SimPy", _events,
    ),
    Figure("check", "`airsim check`, cold process, kernels cached", "<= 1.5 s", _check),
    Figure("compiling", "first run ever", "says that it is compiling", _says_compiling),
)  # fmt: skip
