"""Maps: one per route and an overview, readable in grey and by the colour-blind."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import matplotlib
import numpy as np
import shapely
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from airsim.base import InputError, Problem
from airsim.report.gather import (
    DECISIONS,
    NOT_EXACT,
    Closure,
    RouteView,
    Row,
    find_place,
    gather_routes,
    index_rules,
    locate_places,
    name_place,
)
from airsim.report.projection import Floats, Geometries, draw_great_circles
from airsim.report.shapes import AreaKey, Shapes, load_shapes
from airsim.report.sheet import HALO, HATCH, INK, TINT, Sheet, Spot, add_key, open_sheet
from airsim.results import Results, open_atomic

# Fill and hatch per instrument: the colours are Okabe and Ito's, the hatches differ without them.
# (Hatches of dots or stars would make a megabyte of curves per map.)
STYLES = (
    ("#d55e00", "////"),
    ("#0072b2", "\\\\\\\\"),
    ("#009e73", "xxxx"),
    ("#a83279", "||||"),
    ("#b8860b", "----"),
    ("#56b4e9", "//"),
)
OTHER = ("#555555", "++++")
MOST_LABELS = 40
_DIGITS = re.compile(r"(?<=\.\d)\d+")  # a tenth of a point is less than a map can show
_EDGES: dict[str, Any] = {
    "FORBIDDEN": "-",
    "NOT_PERMITTED": (0, (5, 2)),
    "UNKNOWN": (0, (1, 1.5)),
}
_DASH_DOT = (0, (4, 1.5, 1, 1.5))
_FIR: dict[str, Any] = {"color": "#5f5f5f", "linewidth": 0.5, "linestyle": (0, (6, 2))}
_TERRITORY: dict[str, Any] = {"color": "#5f5f5f", "linewidth": 0.7}
_ZONE: dict[str, Any] = {"color": "#5f5f5f", "linewidth": 0.7, "linestyle": (0, (1, 1))}
_INEXACT: dict[str, Any] = {"color": INK, "linewidth": 1.1, "linestyle": _DASH_DOT}
_PERMITTED: dict[str, Any] = {"color": "#00457c", "linewidth": 2.0, "solid_capstyle": "round"}
_DIRECT: dict[str, Any] = {"color": INK, "linewidth": 1.0, "linestyle": (0, (5, 3))}
_MARK: dict[str, Any] = {"color": "white", "markeredgecolor": INK, "markeredgewidth": 1.1}
_LABELS: dict[str, dict[str, Any]] = {
    "territory": {"size": 8.5, "color": "#333333", "weight": "bold"},
    "fir": {"size": 6.5, "color": "#333333"},
    "zone": {"size": 6.0, "color": "#333333", "style": "italic"},
}


def rank_closures(views: Iterable[RouteView]) -> dict[str, int]:
    """Rules in the order in which they get a look of their own: those that decide most, first."""
    deciding: Counter[str] = Counter()
    areas: Counter[str] = Counter()
    for view in views:
        deciding.update(view.collect("blocking_rules"))
        areas.update({c.rule: len(c.areas) for c in view.closures})
    ranked = sorted(areas, key=lambda rule: (-deciding[rule], -areas[rule], rule))
    return {rule: number for number, rule in enumerate(ranked)}


def draw_map(
    view: RouteView, shapes: Shapes, results: Results, *, ranks: Mapping[str, int] | None = None
) -> Figure:
    """Map of one route: permitted route, great circle, airspaces, closures and their instruments.

    Parameters
    ----------
    view : RouteView
        The route; without a permitted route the great circle is drawn alone.
    shapes : Shapes
        Outlines.
    results : Results
        For rule titles and aerodrome codes.
    ranks : mapping of str to int, optional
        From `rank_closures`: keeps fill and hatch of a rule alike on all maps of a run.

    Returns
    -------
    matplotlib.figure.Figure
        Labels of the artists say what each is: ``permitted route``, ``great circle``,
        ``closed: <rule>``, ``<quality> outline: <designator>``, ``aerodrome: <codes>``...
    """
    stops = _find_stops(view, results)
    points = [draw_great_circles(line) for line in (view.planned, view.direct) if len(line)]
    sheet = open_sheet(np.concatenate([*points, *(np.array([s]) for s in stops.values())]), shapes)
    keys = _list_areas(view)
    closed = {key for closure in view.closures for key in closure.areas}
    lines = _draw_borders(sheet, keys, closed)
    closures = _draw_closures(sheet, view, index_rules(results), ranks or {})
    lines += _draw_tracks(sheet, view)
    lines += _draw_places(sheet, view, stops, results)
    lines += _draw_inexact(sheet, keys, closed)
    _label_crossed(sheet, [key for key in keys if key not in closed])
    _label_closed(sheet, view.closures)
    _label_small_zones(sheet, keys, closed)
    add_key(sheet, lines, closures)
    return sheet.figure


def _list_areas(view: RouteView) -> list[AreaKey]:
    """Airspaces closed or crossed; of zones merely crossed, those that a rule speaks of."""
    spoken = {(d["layer"], d["designator"]) for d in view.decisions if d["rules"]}
    crossed = [(c["layer"], c["designator"]) for c in view.crossings]
    crossed = [key for key in crossed if key[0] != "zone" or key in spoken]
    return list(dict.fromkeys(crossed + [key for c in view.closures for key in c.areas]))


def _draw_borders(sheet: Sheet, keys: Sequence[AreaKey], closed: set[AreaKey]) -> list[Any]:
    """Thin outlines of the airspaces crossed, and of closed FIRs."""
    groups: tuple[tuple[str, list[AreaKey], dict[str, Any]], ...] = (
        ("FIR border", [k for k in keys if k[0] == "fir"], _FIR),
        (
            "territory crossed, with its sea",
            [k for k in keys if k[0] == "territory" and k not in closed],
            _TERRITORY,
        ),
        (
            "zone crossed",
            [k for k in keys if k[0] == "zone" and k not in closed and not _is_inexact(sheet, k)],
            _ZONE,
        ),
    )
    entries = []
    for name, group, look in groups:
        _, outlines = sheet.cut(group)
        if len(outlines):
            sheet.stroke(outlines, label=name, zorder=1.5, **look)
            entries.append(Line2D([], [], label=name, **look))
    return entries


def _is_inexact(sheet: Sheet, key: AreaKey) -> bool:
    return sheet.shapes.quality.get(key) in NOT_EXACT


def _draw_closures(
    sheet: Sheet, view: RouteView, rules: Mapping[str, Row], ranks: Mapping[str, int]
) -> list[tuple[str, str, str]]:
    """Fill and hatch closed airspace by instrument; returns the key: text, colour, hatch."""
    deciding = view.collect("blocking_rules")
    size = {c: float(shapely.area(sheet.cut(c.areas)[0]).sum()) for c in view.closures}
    shown = [closure for closure in view.closures if size[closure]]
    shown.sort(key=lambda c: (c.rule not in deciding, -round(size[c]), c.rule))
    looks = _choose_looks([closure.rule for closure in shown], ranks)
    entries: list[tuple[str, str, str]] = []
    others: list[str] = []
    for closure in shown:
        fills, _ = sheet.cut(closure.areas)
        colour, hatch = looks.get(closure.rule, OTHER)
        _fill_closed(sheet, fills, colour, hatch, closure.rule)
        _, outlines = sheet.cut([key for key in closure.areas if not _is_inexact(sheet, key)])
        edge = _EDGES.get(closure.outcome, "-")
        sheet.stroke(outlines, color=colour, linewidth=0.8, linestyle=edge, zorder=2.5)
        if closure.rule in looks:
            entries.append((_describe_closure(closure, rules), colour, hatch))
        else:
            others.append(closure.rule)
    if others:
        named = dict.fromkeys(others)
        text = _shorten(f"{len(named)} other rules: {', '.join(named)}", 115)
        entries.append((text, *OTHER))
    return entries


def _fill_closed(sheet: Sheet, fills: Geometries, colour: str, hatch: str, rule: str) -> None:
    # Two patches: in SVG the transparency of a fill would thin out its own hatch.
    sheet.fill(fills, label=f"tint: {rule}", facecolor=colour, alpha=TINT, zorder=2)
    look = {"facecolor": "none", "edgecolor": colour, "alpha": HATCH, "hatch": hatch}
    sheet.fill(fills, label=f"closed: {rule}", zorder=2.1, **look)


def _choose_looks(rules: Sequence[str], ranks: Mapping[str, int]) -> dict[str, tuple[str, str]]:
    """A look for each of the first rules: its own on every map where it can have it."""
    chosen = list(dict.fromkeys(rules))[: len(STYLES)]
    looks: dict[str, tuple[str, str]] = {}
    for rule in sorted(chosen, key=lambda r: ranks.get(r, len(ranks))):
        wanted = STYLES[ranks[rule]] if ranks.get(rule, len(STYLES)) < len(STYLES) else None
        free = [style for style in STYLES if style not in looks.values()]
        looks[rule] = wanted if wanted in free and wanted is not None else free[-1]
    return looks


def _describe_closure(closure: Closure, rules: Mapping[str, Row]) -> str:
    title = rules[closure.rule]["title"] if closure.rule in rules else ""
    names = [designator for _, designator in closure.areas]
    where = " ".join(names) if len(names) <= 5 else f"{len(names)} airspaces"
    end = f" · {DECISIONS.get(closure.outcome, closure.outcome)}: {where}"
    return _shorten(f"{closure.rule or 'no rule'}  {title}", 115 - len(end)) + end


def _shorten(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def _draw_tracks(sheet: Sheet, view: RouteView) -> list[Any]:
    """Permitted route and great circle, told apart only where they differ."""
    entries = []
    permitted, direct = (
        sheet.project(line) if len(line) else line for line in (view.planned, view.direct)
    )
    same = False
    if len(permitted) and len(direct):
        apart = shapely.LineString(permitted).hausdorff_distance(shapely.LineString(direct))
        same = apart < 2.0 * sheet.labels.step
    for line in (permitted, direct):
        sheet.labels.block(line[:: max(1, len(line) // 300)].tolist(), 5.0, 5.0)
    if len(permitted):
        sheet.axes.plot(
            *permitted.T, label="permitted route", path_effects=[HALO], zorder=6, **_PERMITTED
        )
        text = "permitted route (the great circle)" if same else "permitted route"
        entries.append(Line2D([], [], label=text, **_PERMITTED))
    if len(direct):
        sheet.axes.plot(*direct.T, label="great circle", zorder=5, **_DIRECT)
        text = "great circle" if len(permitted) else "great circle; no permitted route"
        entries += [] if same else [Line2D([], [], label=text, **_DIRECT)]
    return entries


def _find_stops(view: RouteView, results: Results) -> dict[str, Spot]:
    """Fuel stops whose place is known."""
    if not view.stops:
        return {}
    places = locate_places(results)
    return {icao: places[icao] for icao in view.stops if icao in places}


def _draw_places(
    sheet: Sheet, view: RouteView, stops: Mapping[str, Spot], results: Results
) -> list[Any]:
    """Aerodromes and fuel stops with their codes."""
    track = view.direct if len(view.direct) else view.planned
    for icao, spot in ((view.flight["adep"], track[0]), (view.flight["ades"], track[-1])):
        _mark_place(sheet, spot, name_place(results, icao), marker="o", size=4.5)
    for icao, place in stops.items():
        _mark_place(sheet, np.array(place), name_place(results, icao), marker="D", size=5.5)
    if not stops:
        return []
    look = {**_MARK, "marker": "D", "markersize": 5, "linestyle": "none"}
    return [Line2D([], [], label="fuel stop", **look)]


def _mark_place(
    sheet: Sheet,
    spot: Floats,
    text: str,
    *,
    marker: str,
    size: float,
    font: float = 8.0,
    must: bool = True,
) -> None:
    x, y = sheet.projection.project(spot.reshape(1, 2))[0].tolist()
    if not sheet.frame.holds(x, y):
        return
    sheet.axes.plot(
        [x], [y], marker=marker, markersize=size, zorder=8, label=f"aerodrome: {text}", **_MARK
    )
    sheet.labels.block([(x, y)], size + 2.5, size + 2.5)
    step = sheet.labels.step
    half = len(text) * font * 0.33 + size + 1.5
    around = [(0, 1.3), (0, -1.3), (1, 0), (-1, 0), (1, 1.2), (-1, 1.2), (1, -1.2), (-1, -1.2)]
    spots = [(x + right * half * step, y + up * font * step) for right, up in around]
    away = [] if must else sheet.ring([(x, y)])
    sheet.labels.place(text, spots, size=font, must=must, away=away, color=INK, weight="bold")


def _draw_inexact(sheet: Sheet, keys: Sequence[AreaKey], closed: set[AreaKey]) -> list[Any]:
    """Outlines that nobody published: another line, and the word on the map."""
    seen = False
    for key in keys:
        if not _is_inexact(sheet, key):
            continue
        quality = sheet.shapes.quality[key]
        fills, outlines = sheet.cut([key])
        width = _INEXACT["linewidth"] if key in closed else 0.6
        look = {**_INEXACT, "linewidth": width, "zorder": 2.8}
        sheet.stroke(outlines, label=f"{quality} outline: {key[1]}", **look)
        if key in closed and not _is_small(sheet, fills):
            _label_inexact(sheet, key, fills, closed, must=True)
        seen = seen or len(fills) > 0
    return [Line2D([], [], label="approximate or synthetic outline", **_INEXACT)] if seen else []


def _is_small(sheet: Sheet, fills: Geometries) -> bool:
    """Whether an area is too small on this map to stand out (40 by 40 points)."""
    return float(shapely.area(fills).sum()) < (40.0 * sheet.labels.step) ** 2


def _label_inexact(
    sheet: Sheet, key: AreaKey, fills: Geometries, closed: set[AreaKey], *, must: bool = False
) -> None:
    spots = sheet.find_spots(fills)
    sheet.labels.place(
        f"{key[1]}\n({sheet.shapes.quality[key]})", spots, size=6.3, away=sheet.ring(spots),
        must=must, color=INK, style="italic", weight="bold" if key in closed else "normal",
    )  # fmt: skip


def _label_small_zones(sheet: Sheet, keys: Sequence[AreaKey], closed: set[AreaKey]) -> None:
    """Where room is left: inexact areas that are small or only crossed."""
    for key in keys:
        if _is_inexact(sheet, key):
            fills, _ = sheet.cut([key])
            if len(fills) and (key not in closed or _is_small(sheet, fills)):
                _label_inexact(sheet, key, fills, closed)


def _label_crossed(sheet: Sheet, keys: Sequence[AreaKey]) -> None:
    for layer, designator in keys:
        if not _is_inexact(sheet, (layer, designator)):
            fills, _ = sheet.cut([(layer, designator)])
            spots = sheet.find_spots(fills)
            sheet.labels.place(designator, spots, away=sheet.ring(spots), **_LABELS[layer])


def _label_closed(sheet: Sheet, closures: Sequence[Closure]) -> None:
    """Designators of closed airspace where there is room, the largest first."""
    found = []
    for key in dict.fromkeys(key for closure in closures for key in closure.areas):
        if not _is_inexact(sheet, key):
            fills, _ = sheet.cut([key])
            found.append((-float(shapely.area(fills).sum()), key[1], fills))
    for area, designator, fills in sorted(found, key=lambda f: f[:2])[:MOST_LABELS]:
        if area:
            sheet.labels.place(designator, sheet.find_spots(fills), size=6.3, color="#5b1f00")


def draw_overview(views: Sequence[RouteView], shapes: Shapes, results: Results) -> Figure | None:
    """All routes on one map: permitted ones solid, great circles of barred ones dashed.

    The frame holds the routes flown; a question that leads farther leaves it.

    Returns
    -------
    matplotlib.figure.Figure or None
        None if no route has a line.
    """
    tracks = [(view, view.planned if len(view.planned) else view.direct) for view in views]
    tracks = [(view, track) for view, track in tracks if len(track)]
    if not tracks:
        return None
    farthest = max((v.flight["direct_km"] for v, _ in tracks if not v.flight["probe"]), default=1e9)
    near = [track for view, track in tracks if view.flight["direct_km"] <= farthest]
    sheet = open_sheet(
        np.concatenate([draw_great_circles(track, step_degrees=2.0) for track in near]), shapes
    )
    entries: dict[str, Any] = {}
    ends: dict[str, Floats] = {}
    for view, track in tracks:
        permitted = len(view.planned) > 0
        look = {**(_PERMITTED if permitted else _DIRECT), "linewidth": 1.1 if permitted else 0.8}
        name = "permitted route" if permitted else "great circle; no permitted route"
        sheet.axes.plot(*sheet.project(track).T, label=name, zorder=5, alpha=0.85, **look)
        entries.setdefault(name, Line2D([], [], label=name, **look))
        ends.setdefault(view.flight["adep"], track[0])
        ends.setdefault(view.flight["ades"], track[-1])
    for icao, spot in ends.items():
        text = str(find_place(results, icao).get("iata") or icao)
        _mark_place(sheet, spot, text, marker="o", size=3.0, font=6.3, must=False)
    add_key(sheet, [entries[name] for name in sorted(entries)], [])
    return sheet.figure


def render_svg(figure: Figure, salt: str) -> str:
    """A figure as SVG to stand inside a page: real text, same bytes each time, ids of its own.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Its labels lose their halo, which would turn text into curves: the page's style gives it.
    salt : str
        Different for each figure of a page, so that ids do not clash.
    """
    for text in figure.findobj(Text):
        text.set_path_effects([])
    stream = io.BytesIO()
    _print_figure(figure, stream, "svg", salt, fonttype="none")
    svg = stream.getvalue().decode()
    svg = svg[svg.index("<svg") :]
    for pattern in (r"<metadata>.*?</metadata>\s*", r"<!--.*?-->\s*", r' id="[A-Za-z0-9.]+_\d+"'):
        svg = re.sub(pattern, "", svg, flags=re.DOTALL)
    return re.sub(r' d="[^"]*"', lambda found: _shorten_path(found[0]), svg)


def _shorten_path(path: str) -> str:
    """The same strokes in fewer bytes: straight lines need no letter after the first."""
    path = _DIGITS.sub("", path)
    return path if "Q" in path or "C" in path else path.replace(" \nL ", " ")


def _print_figure(
    figure: Figure, stream: IO[bytes], suffix: str, salt: str, *, fonttype: str = "path"
) -> None:
    """Same figure, same bytes: fixed ids, no dates."""
    with matplotlib.rc_context():
        matplotlib.rcParams.update({"svg.hashsalt": salt, "svg.fonttype": fonttype})
        if suffix == "png":
            FigureCanvasAgg(figure)
            figure.savefig(stream, format="png", metadata={"Software": None})
        else:
            FigureCanvasSVG(figure)
            figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})


def draw_route(results: Results, flight_id: str, path: Path | str) -> Path:
    """Write the map of one flight as PNG or SVG, by the suffix of the path.

    Parameters
    ----------
    results : Results
        A run.
    flight_id : str
        A flight of it.
    path : path
        ``.png`` or ``.svg``.

    Returns
    -------
    pathlib.Path
        The file; the same bytes for the same results and library versions.

    Raises
    ------
    InputError
        No such flight, nothing to draw, or another suffix.
    """
    target = Path(path)
    views = gather_routes(results)
    view = next((v for v in views if flight_id in {f["flight_id"] for f in v.flights}), None)
    if view is None:
        raise InputError(
            Problem("flight", flight_id, "no such flight in these results", "see flights.csv")
        )
    if not len(view.planned) and not len(view.direct):
        raise InputError(Problem("flight", flight_id, "has no line to draw", "run it with routes"))
    suffix = target.suffix.lower().lstrip(".")
    if suffix not in ("png", "svg"):
        raise InputError(Problem("path", target.name, "is neither .png nor .svg", "choose one"))
    ranks = rank_closures(views)
    figure = draw_map(view, load_shapes(results), results, ranks=ranks)
    with open_atomic(target, "wb") as stream:
        _print_figure(figure, stream, suffix, flight_id)
    return target
