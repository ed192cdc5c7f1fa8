"""The report: one HTML file that opens without a network and prints on A4."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import ChainableUndefined, Environment, PackageLoader
from markupsafe import Markup, escape

from airsim.report.gantt import draw_gantt
from airsim.report.gather import (
    CONFIDENCE,
    DECISIONS,
    GRADES,
    NOT_EXACT,
    OUTCOMES,
    SIGNS,
    RouteView,
    Row,
    gather_closed,
    gather_routes,
    index_rules,
    name_pair,
    name_place,
    shares_map,
    split_ids,
    worst_confidence,
)
from airsim.report.geojson import write_geojson
from airsim.report.maps import draw_map, draw_overview, rank_closures, render_svg
from airsim.report.printing import format_minutes, format_number
from airsim.report.shapes import Shapes, load_shapes
from airsim.report.totals import format_amounts, gather_totals
from airsim.results import Results, write_text

MOST_MAPS = 60
SHORT_ROWS = 6  # longer tables of findings leave page one to the answers
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*[A-Za-z0-9]")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_UNITS = {"km": "km", "nm": "NM", "min": "min", "kg": "kg", "ft": "ft", "utc": "UTC"}


@dataclass(frozen=True, slots=True)
class _Section:
    """One route on the page: its view, its map, or the section whose map it shares."""

    view: RouteView
    svg: Markup | None
    same_as: RouteView | None


def render_report(results: Results, folder: Path | str) -> Path:
    """Write ``report.html`` and ``routes.geojson``.

    Parameters
    ----------
    results : Results
        A run. Of the summary it reads, where present: ``title scenario description start_utc
        end_utc findings sensitivity limits assumptions credits options rulebook_hash atlas_hash``
        and ``aerodromes`` (by ICAO: any of ``iata name lon lat``; fuel stops are drawn where the
        place is known).
    folder : path
        Made if missing.

    Returns
    -------
    pathlib.Path
        The page. It loads nothing: style and maps stand inside, links lead to sources only.
        Equal results give equal bytes with equal library versions.
    """
    target = Path(folder) / "report.html"
    views = gather_routes(results)
    shapes = load_shapes(results)
    overview = draw_overview(views, shapes, results)
    gantt = draw_gantt(results) if "tails" in results.tables else None
    page = _make_environment(results).get_template("report.html.j2")
    text = page.render(
        summary=results.summary,
        short_rows=SHORT_ROWS,
        views=views,
        overview=None if overview is None else Markup(render_svg(overview, "overview")),
        gantt=None if gantt is None else Markup(render_svg(gantt, "gantt")),
        grounded=gantt is not None and bool(len(results.tables["groundings"]["cause"])),
        totals=gather_totals(results),
        sections=_draw_sections(views, shapes, results),
        rules=sorted(index_rules(results).values(), key=lambda rule: rule["rule_id"]),
        closed=gather_closed(views),
        inexact=_list_inexact(results),
        labels={
            "outcomes": OUTCOMES, "signs": SIGNS, "decisions": DECISIONS,
            "confidence": CONFIDENCE, "grades": GRADES, "layers": {"fir": "FIR"},
        },
    )  # fmt: skip
    write_text(target, text)
    write_geojson(results, target.parent)
    return target


def _draw_sections(views: Sequence[RouteView], shapes: Shapes, results: Results) -> list[_Section]:
    """A map per route; a return over the same track refers to the map of its outbound."""
    sections: list[_Section] = []
    drawn: list[RouteView] = []
    ranks = rank_closures(views)
    for view in views:
        same = next((other for other in drawn if shares_map(view, other)), None)
        svg = None
        if same is None and len(drawn) < MOST_MAPS and (len(view.planned) or len(view.direct)):
            svg = Markup(render_svg(draw_map(view, shapes, results, ranks=ranks), view.key))
            drawn.append(view)
        sections.append(_Section(view, svg, same))
    return sections


def _list_inexact(results: Results) -> list[Row]:
    """Areas whose outline nobody published."""
    if "areas" not in results.tables:
        return []
    found = {(a["layer"], a["designator"]): a for a in results.rows("areas")}
    return [a for _, a in sorted(found.items()) if a["quality"] in NOT_EXACT]


def _make_environment(results: Results) -> Environment:
    rules = index_rules(results)
    environment = Environment(
        loader=PackageLoader("airsim.report"), autoescape=True, trim_blocks=True,
        lstrip_blocks=True, undefined=ChainableUndefined,
    )  # fmt: skip

    def link_rules(value: Any) -> Markup:
        """Text with each known rule id linked to the annex."""
        text, parts, end = format_cell(value), [], 0
        for word in _WORD.finditer(text):
            if word[0] in rules:
                parts.append(escape(text[end : word.start()]))
                parts.append(Markup('<a class="rule" href="#rule-{0}">{0}</a>').format(word[0]))
                end = word.end()
        return Markup("").join([*parts, escape(text[end:])])

    environment.filters.update(
        rules=link_rules,
        number=format_number,
        minutes=format_minutes,
        heading=format_heading,
        amounts=format_amounts,
        place=lambda icao: name_place(results, icao),
        ids=split_ids,
        day=lambda instant: str(instant or "")[:10],
        moment=format_moment,
    )
    environment.globals.update(
        pair=lambda flight: name_pair(results, flight).replace("-", "–"),
        spread=format_spread,
        dates=list_dates,
        confidence_of=lambda view: worst_confidence(
            rules, view.collect("blocking_rules") + view.collect("breaches")
        ),
        stays=lambda view: join_stays(view.crossings, view.decisions),
        others=lambda view: list_other_decisions(view.crossings, view.decisions),
        met=lambda view: list_changes(view.decisions),
        link=find_link,
        sizes=pivot_sensitivity,
    )
    return environment


def format_cell(value: Any) -> str:
    """A value of a finding as text."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.1f}".removesuffix(".0")
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {format_cell(v)}" for k, v in value.items())
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ", ".join(format_cell(v) for v in value)
    return str(value)


def format_heading(column: Any) -> str:
    """A column name for people: ``distance_km`` becomes ``distance, km``."""
    words = str(column).split("_")
    if len(words) > 1 and words[-1] in _UNITS:
        return f"{' '.join(words[:-1])}, {_UNITS[words[-1]]}"
    return " ".join(words)


def format_moment(instant: Any) -> str:
    """Day and time of an instant, to the minute: ``15 Sep 08:20``."""
    text = str(instant or "")
    if len(text) < 16:
        return text
    return f"{int(text[8:10])} {_MONTHS[int(text[5:7]) - 1]} {text[11:16]}"


def format_spread(values: tuple[float, float] | None, minutes: bool = False) -> str:
    """One value, or least to greatest."""
    if values is None:
        return "–"
    shown = [format_minutes(v) if minutes else format_number(v) for v in values]
    return shown[0] if shown[0] == shown[1] else f"{shown[0]}–{shown[1]}"


def list_dates(flights: Iterable[Row]) -> list[tuple[str, str]]:
    """Callsigns with their dates: ``("BRU783", "2025-09-08 09 10, 2025-10-01")``."""
    found = []
    ordered = sorted(flights, key=lambda f: (f["callsign"], f["eobt_utc"] or ""))
    for callsign, rows in groupby(ordered, key=lambda f: f["callsign"]):
        days = list(dict.fromkeys(str(row["eobt_utc"])[:10] for row in rows))
        months = [
            f"{month}-" + " ".join(day[8:10] for day in group)
            for month, group in groupby(days, key=lambda day: day[:7])
        ]
        found.append((callsign, ", ".join(months)))
    return found


def join_stays(crossings: Sequence[Row], decisions: Sequence[Row]) -> list[Row]:
    """Crossings in order, each with the decision planned for it."""
    waiting: dict[tuple[str, str], list[Row]] = {}
    for decision in decisions:
        if decision["phase"] == "planned":
            waiting.setdefault((decision["layer"], decision["designator"]), []).append(decision)
    rows = []
    for stay in crossings:
        found = waiting.get((stay["layer"], stay["designator"]), [])
        # A second stay in one airspace has a decision of its own, or shares the first's.
        decision = found.pop(0) if len(found) > 1 else dict(*found)
        chosen = {name: decision.get(name, "") for name in ("outcome", "rules")}
        rows.append({**stay, **chosen})
    return rows


def list_other_decisions(crossings: Sequence[Row], decisions: Sequence[Row]) -> list[Row]:
    """Decisions planned for the ends, stops and persons, and for airspace not on the route."""
    crossed = {(stay["layer"], stay["designator"]) for stay in crossings}
    return [
        d for d in decisions
        if d["phase"] == "planned"
        and (d["layer"], d["designator"]) not in crossed
    ]  # fmt: skip


def list_changes(decisions: Sequence[Row]) -> list[Row]:
    """What the flight met otherwise than planned."""

    def key(d: Row) -> tuple[Any, ...]:
        return d["activity"], d["layer"], d["designator"]

    planned: dict[tuple[Any, ...], set[str]] = {}
    for decision in decisions:
        if decision["phase"] == "planned":
            planned.setdefault(key(decision), set()).add(decision["outcome"])
    return [
        d for d in decisions
        if d["phase"] == "met" and d["outcome"] not in planned.get(key(d), {d["outcome"]})
    ]  # fmt: skip


def pivot_sensitivity(rows: Iterable[Row]) -> list[Row]:
    """One row per route and type: the answer for the zone smaller, as drawn and larger."""
    found: dict[tuple[str, ...], dict[str, Row]] = {}
    for row in rows:
        key = tuple(str(row.get(name) or "") for name in ("route", "operator", "typecode"))
        variant = next((str(row[k]) for k in ("zones", "variant", "zone_variant") if k in row), "")
        found.setdefault(key, {})[variant] = row
    return [
        {
            "route": route, "operator": operator, "typecode": typecode,
            "answers": [sizes.get(name) for name in ("minus30", "nominal", "plus30")],
            "changes": len({row.get("outcome") for row in sizes.values()}) > 1,
        }
        for (route, operator, typecode), sizes in found.items()
    ]  # fmt: skip


def find_link(url: Any) -> str:
    """The URL if it is one of the web; anything else is shown as text only."""
    text = str(url or "").strip()
    return text if re.match(r"https?://[^\s]+$", text) else ""
