"""Plots of a run, from its rows; fit to print, told apart without colour too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from benchmarks import crossings, growth, routes
from benchmarks.measuring import Row, format_value, group_tables

# Okabe and Ito (2008): told apart by colour-blind people, and each has a marker of its own
OURS, PEER, THIRD, FOURTH = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
_GREY = "#555555"
_DPI = 200
_LABELS = {"territory": "territories", "fir": "FIRs", "unsimplified": "territories, every vertex"}


def draw_plots(rows: Sequence[Row], folder: Path) -> list[str]:
    """Write all plots for which there are rows; their file names."""
    plots: dict[str, Callable[[Sequence[Row]], Figure | None]] = {
        "crossings-speed.png": draw_speed,
        "crossings-accuracy.png": draw_accuracy,
        "routes.png": draw_routes,
        "growth.png": draw_growth,
    }
    written = []
    for name, draw in plots.items():
        figure = draw(rows)
        if figure is not None:
            # no date and no version inside: the same rows give the same bytes
            figure.savefig(folder / name, dpi=_DPI, metadata={"Software": None})
            written.append(name)
    return written


def _layers(rows: Sequence[Row]) -> dict[str, list[Row]]:
    tables = group_tables(rows)
    titles = {label: f"{crossings.SPEED}, {label}" for label in _LABELS}
    return {label: tables[title] for label, title in titles.items() if title in tables}


def _tidy(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(True, which="major", color="#DDDDDD", linewidth=0.6)
    axes.set_axisbelow(True)


def _scale_by_log(axes: Axes) -> None:
    """Both axes by logarithm, with few and plain numbers."""
    axes.set_xscale("log")
    axes.set_yscale("log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        axis.set_minor_formatter(NullFormatter())


def draw_speed(rows: Sequence[Row]) -> Figure | None:
    """Time per leg of every method, a panel per layer."""
    layers = _layers(rows)
    if not layers:
        return None
    figure = Figure(figsize=(3.0 + 2.6 * len(layers), 4.2), layout="constrained")
    panels = figure.subplots(1, len(layers), sharey=True, squeeze=False)[0]
    for axes, (label, table) in zip(panels, layers.items(), strict=True):
        names = [row["method"] for row in table]
        cost = np.array([row["us_per_leg"] for row in table])
        mine = np.array([name.startswith(crossings.OURS) for name in names])
        places = np.arange(len(table))[::-1]
        axes.barh(places, cost, color=np.where(mine, OURS, PEER), height=0.7)
        axes.set_xscale("log")
        axes.set_xlim(1.0, 60.0 * cost.max())
        for place, row in zip(places, table, strict=True):
            axes.text(
                1.2 * row["us_per_leg"], place, f"{format_value(row['ratio'])}x", va="center",
                fontsize=7,
            )  # fmt: skip
        axes.set_yticks(places, names, fontsize=8)
        axes.set_title(_LABELS[label], fontsize=9)
        axes.set_xlabel("µs per leg", fontsize=8)
        axes.tick_params(axis="x", which="both", labelsize=7)
        _tidy(axes)
        axes.grid(False, axis="y")
    figure.suptitle(
        "Crossings: time per leg, and ratio to airsim on the sphere in two threads", fontsize=10
    )
    return figure


def draw_accuracy(rows: Sequence[Row]) -> Figure | None:
    """Errors against time: each method's median and largest, a panel per layer."""
    layers = _layers(rows)
    if not layers:
        return None
    figure = Figure(figsize=(1.0 + 3.1 * len(layers), 4.6), layout="constrained")
    panels = figure.subplots(1, len(layers), sharey=True, squeeze=False)[0]
    markers = "osD^vPX*<>"
    handles = {}
    for axes, (label, table) in zip(panels, layers.items(), strict=True):
        shown = [row for row in table if row.get("error_median_m") is not None]
        for row, marker in zip(shown, markers, strict=False):
            low, high = max(row["error_median_m"], 1e-10), max(row["error_max_m"], 1e-10)
            ours = row["method"].startswith(crossings.OURS)
            colour = OURS if ours else THIRD if "S2" in row["method"] else PEER
            axes.plot([row["us_per_leg"]] * 2, [low, high], color=colour, linewidth=0.9)
            axes.plot(row["us_per_leg"], high, marker="_", color=colour, markersize=7)
            (handles[row["method"]],) = axes.plot(
                row["us_per_leg"], low, marker=marker, color=colour, linestyle="none",
                markersize=6, markerfacecolor=colour if ours else "white",
            )  # fmt: skip
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_title(_LABELS[label], fontsize=9)
        axes.set_xlabel("µs per leg", fontsize=8)
        axes.tick_params(which="both", labelsize=7)
        _tidy(axes)
    panels[0].set_ylabel(
        "error of entries and exits, m: median (marker) to largest (bar)", fontsize=8
    )
    figure.legend(
        handles.values(), handles.keys(), loc="outside lower center", ncols=3, fontsize=7,
        frameon=False,
    )  # fmt: skip
    figure.suptitle(
        "Crossings on the sphere: accuracy beside speed (lower left is best)", fontsize=10
    )
    return figure


def draw_routes(rows: Sequence[Row]) -> Figure | None:
    """Our graph by tolerance; building time of planar graphs by vertices."""
    tables = group_tables(rows)
    mine = tables.get(routes.OURS, [])
    planar = tables.get(routes.PEERS, [])
    if not mine:
        return None
    figure = Figure(figsize=(8.2, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    for row in mine:
        gap, built = max(row["gap_max_%"], 1e-3), row["outline_s"] + row["graph_s"]
        left.plot(built, gap, marker="o", color=OURS, linestyle="none")
        left.annotate(
            f"{row['tolerance_km']} km", (built, gap), xytext=(5, 4),
            textcoords="offset points", fontsize=7,
        )  # fmt: skip
    left.set_xlim(0.0, 1.25 * max(row["outline_s"] + row["graph_s"] for row in mine))
    left.set_yscale("log")
    left.axhline(0.1, color=_GREY, linestyle="--", linewidth=0.8)
    left.axvline(0.1, color=_GREY, linestyle="--", linewidth=0.8)
    left.set_xlabel("building outline and graph, s", fontsize=8)
    left.set_ylabel("longest detour over tolerance 0, % (none: 0.001)", fontsize=8)
    left.set_title("airsim by tolerance; dashed: to reach", fontsize=9)
    styles = {"airsim": (OURS, "o"), "pyvisgraph": (PEER, "s"), "extremitypathfinder": (THIRD, "^")}
    for name, (colour, marker) in styles.items():
        some = [row for row in planar if row["method"] == name]
        if some:
            right.plot(
                [row["vertices"] for row in some], [row["build_s"] for row in some],
                color=colour, marker=marker, label=name,
            )  # fmt: skip
    _scale_by_log(right)
    right.set_xlabel("vertices of the simplified outline", fontsize=8)
    right.set_ylabel("building the graph, s", fontsize=8)
    right.set_title("planar tools on the same outlines", fontsize=9)
    if planar:
        right.legend(fontsize=7, frameon=False)
    for axes in (left, right):
        axes.tick_params(which="both", labelsize=7)
        _tidy(axes)
    figure.suptitle("Routes: EU, United Kingdom and Ukraine closed", fontsize=10)
    return figure


def draw_growth(rows: Sequence[Row]) -> Figure | None:
    """Time and memory by size, a panel for each thing that grows."""
    tables = group_tables(rows)
    table, fitted = tables.get(growth.TABLE, []), tables.get(growth.EXPONENTS, [])
    kinds = list(dict.fromkeys(row["grows"] for row in table))
    if not kinds:
        return None
    columns = min(3, len(kinds))
    lines = -(-len(kinds) // columns)
    figure = Figure(figsize=(3.1 * columns, 2.9 * lines), layout="constrained")
    panels = figure.subplots(lines, columns, squeeze=False).ravel()
    for axes, kind in zip(panels, kinds, strict=False):
        mine = [row for row in table if row["grows"] == kind]
        size = [row["size"] for row in mine]
        (fit,) = (row for row in fitted if row["grows"] == kind)
        series = [("seconds", "time_exponent", "time", OURS, "o")]
        if all(row.get("set-up_s") for row in mine):
            series.append(("set-up_s", "set-up_exponent", "set-up", PEER, "s"))
        for column, exponent, name, colour, marker in series:
            axes.plot(
                size, [row[column] for row in mine], color=colour, marker=marker, markersize=4,
                label=f"{name}, exponent {fit[exponent]:.2f}",
            )  # fmt: skip
        _scale_by_log(axes)
        axes.set_xlabel(kind, fontsize=8)
        axes.set_ylabel("s", fontsize=8)
        axes.tick_params(which="both", labelsize=7)
        axes.legend(fontsize=7, frameon=False)
        _tidy(axes)
    for axes in panels[len(kinds) :]:
        axes.set_visible(False)
    figure.suptitle("Growth", fontsize=10)
    return figure
