"""Gantt of tails: what each aircraft flew, and when it could not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from matplotlib import dates
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from airsim.report.sheet import INK
from airsim.results import Results

# In print without colours the three kinds of waiting still differ: by grey and by hatch.
_FLOWN = "#56b4e9"
_LOOKS: dict[str, dict[str, Any]] = {
    "check": {"facecolor": "#bdbdbd", "hatch": "", "label": "in a check"},
    "parts": {"facecolor": "#e69f00", "hatch": "///", "label": "waiting for a part"},
    "barred": {
        "facecolor": "#d55e00", "hatch": "xxx", "label": "waiting for a part that the law barred",
    },
    "stranded": {"facecolor": "#ffffff", "hatch": "...", "label": "stranded after a diversion"},
}  # fmt: skip
_ROW_INCHES = 0.3
_LEAST_DAYS = 0.08  # of a bar on a chart of months: thinner ones would not print


def draw_gantt(results: Results) -> Figure | None:
    """Chart of the fleet over time.

    Parameters
    ----------
    results : Results
        A run with the tables ``tails``, ``groundings`` and ``flights``. Days on which the law
        changed, ``marks`` in the summary, are marked.

    Returns
    -------
    matplotlib.figure.Figure or None
        None if no tail was simulated.
    """
    tails = sorted(results.rows("tails"), key=lambda row: (row["typecode"], row["registration"]))
    if not tails:
        return None
    place = {row["registration"]: number for number, row in enumerate(tails)}
    figure = Figure(figsize=(10.0, 1.4 + _ROW_INCHES * len(tails)), layout="constrained")
    axes = figure.add_subplot()
    flown: dict[int, list[tuple[float, float]]] = {}
    for row in results.rows("flights"):
        if row["registration"] in place and row["atot_utc"] and row["aldt_utc"]:
            span = _span(row["atot_utc"], row["aldt_utc"])
            flown.setdefault(place[row["registration"]], []).append(span)
    for number, spans in sorted(flown.items()):
        axes.broken_barh(spans, (number - 0.2, 0.4), facecolor=_FLOWN, linewidth=0)
    drawn = set()
    for row in results.rows("groundings"):
        barred = row["cause"] == "parts" and row["rules"]
        kind = "barred" if barred else row["cause"]
        drawn.add(kind)
        look = {key: value for key, value in _LOOKS[kind].items() if key != "label"}
        span = _span(row["from_utc"], row["to_utc"])
        axes.broken_barh(
            [span], (place[row["registration"]] - 0.38, 0.76), edgecolor=INK, linewidth=0.3, **look
        )
    first, last = _day(results.summary["start_utc"]), _day(results.summary["end_utc"])
    for stamp in results.summary.get("marks", ()):
        axes.axvline(_day(stamp), color=INK, linewidth=0.8, linestyle=(0, (4, 2)))
        axes.annotate(
            stamp[:10], (_day(stamp), -0.75), xytext=(2, 0), textcoords="offset points", size=7,
            annotation_clip=False,
        )  # fmt: skip
    axes.set_xlim(first, last)
    axes.set_ylim(len(tails) - 0.4, -0.9)
    axes.set_yticks(range(len(tails)))
    axes.set_yticklabels([f"{r['registration']}  {r['typecode']}" for r in tails], size=7.5)
    locator = dates.AutoDateLocator(tz=UTC)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    formatter = dates.ConciseDateFormatter(locator, tz=UTC)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_formatter(formatter)
    axes.tick_params(axis="x", labelsize=7.5)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="y", length=0)
    keys = [Patch(facecolor=_FLOWN, label="flying")]
    keys += [
        Patch(edgecolor=INK, linewidth=0.3, **look)
        for kind, look in _LOOKS.items()
        if kind in drawn
    ]
    figure.legend(handles=keys, loc="outside lower center", ncols=4, frameon=False, fontsize=7.5)
    return figure


def _day(stamp: str) -> float:
    moment = datetime.fromisoformat(stamp.replace("Z", "+00:00"))
    return moment.timestamp() / 86_400.0  # days since 1970, as the axis counts them


def _span(start: str, end: str) -> tuple[float, float]:
    first = _day(start)
    return first, max(_day(end) - first, _LEAST_DAYS)
