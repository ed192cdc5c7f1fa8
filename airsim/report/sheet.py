"""The sheet a map is drawn on: base map, scale, credit, key, and labels that do not collide."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path as Outline
from matplotlib.patheffects import withStroke

from airsim.report.projection import (
    Floats,
    Frame,
    Geometries,
    Projection,
    cut_to_frame,
    draw_great_circles,
    fit_frame,
)
from airsim.report.shapes import AreaKey, Shapes

CREDIT = "© OpenStreetMap contributors (ODbL) · not for navigation"
SEA, LAND, COAST, BORDER = "#f4f7f9", "#dfdfdc", "#9a9a9a", "#b9b9b9"
INK = "#1a1a1a"
TINT, HATCH = 0.16, 0.65  # opacity of closed airspace
_HATCH_LINE = 0.7
HALO = withStroke(linewidth=2.0, foreground="white", alpha=0.85)
WIDTH_INCHES = 7.1  # the text width of an A4 page
_ROW_INCHES = 0.165
_POINTS_PER_INCH = 72.0
_ASPECTS = (0.62, 0.95)
_LEAST_KM = 700.0

Spot = tuple[float, float]
_Box = tuple[float, float, float, float]


@dataclass(slots=True)
class Labels:
    """Places labels so that none covers another; boxes are in points on the page."""

    axes: Axes
    frame: Frame
    _boxes: list[_Box] = field(default_factory=list)

    @property
    def step(self) -> float:
        """Kilometres of the plane per point on the page."""
        return self.frame.width / (WIDTH_INCHES * _POINTS_PER_INCH)

    def block(self, spots: Iterable[Sequence[float]], width: float, height: float) -> None:
        """Keep labels off boxes round spots."""
        self._boxes += [self._box(x, y, width, height) for x, y in spots]

    def _box(self, x: float, y: float, width: float, height: float) -> _Box:
        px, py = x / self.step, y / self.step
        return px - width / 2, py - height / 2, px + width / 2, py + height / 2

    def _is_free(self, box: _Box) -> bool:
        frame, step = self.frame, self.step
        inside = (
            box[0] > frame.left / step + 2
            and box[1] > frame.bottom / step + 2
            and box[2] < frame.right / step - 2
            and box[3] < frame.top / step - 2
        )
        return inside and not any(
            box[0] < b[2] and b[0] < box[2] and box[1] < b[3] and b[1] < box[3] for b in self._boxes
        )

    def place(
        self,
        text: str,
        spots: Sequence[Spot],
        *,
        size: float,
        away: Sequence[Spot] = (),
        must: bool = False,
        **style: Any,
    ) -> bool:
        """Write a label at the first free spot, else at one `away` with a line to the first spot.

        With `must` it is written over others rather than not at all.
        """
        lines = text.split("\n")
        width, height = max(map(len, lines)) * size * 0.66 + 2, len(lines) * size * 1.25 + 1
        free = (s for s in (*spots, *away) if self._is_free(self._box(*s, width, height)))
        chosen = next(free, spots[0] if must and spots else None)
        if chosen is None:
            return False
        self.block([chosen], width, height)
        if chosen in away:
            x, y = zip(spots[0], chosen, strict=True)
            self.axes.plot(x, y, color=INK, linewidth=0.5, zorder=8.5, label=f"pointer: {text}")
        self.axes.text(
            *chosen, text, fontsize=size, ha="center", va="center", linespacing=1.1, zorder=9,
            path_effects=[HALO], **style,
        )  # fmt: skip
        return True


@dataclass(frozen=True, slots=True)
class Sheet:
    """One map under way: its plane, figure and labels."""

    projection: Projection
    frame: Frame
    shapes: Shapes
    figure: Figure
    axes: Axes
    labels: Labels
    pieces: dict[AreaKey, tuple[Geometries, Geometries]] = field(default_factory=dict)

    def cut(self, keys: Sequence[AreaKey]) -> tuple[Geometries, Geometries]:
        """Fills and outlines of areas, in the plane."""
        for key in keys:
            if key not in self.pieces:
                shapes = self.shapes.thin_area(key, self.frame.width)
                self.pieces[key] = cut_to_frame(shapes, self.projection, self.frame)
        found = [self.pieces[key] for key in keys]
        nothing = np.array([], dtype=object)
        fills, outlines = (np.concatenate([nothing, *(f[i] for f in found)]) for i in (0, 1))
        return fills, outlines

    def project(self, lonlat: Floats) -> Floats:
        """A polyline of great circles, in the plane."""
        return self.projection.project(draw_great_circles(lonlat))

    def fill(self, polygons: Geometries, **style: Any) -> None:
        """Fill polygons of the plane as one patch."""
        if len(polygons):
            rings = shapely.get_rings(shapely.orient_polygons(polygons))
            self._add(PathPatch(_join(rings, closed=True), linewidth=0, **style))

    def stroke(self, lines: Geometries, *, color: str, **style: Any) -> None:
        """Draw lines of the plane as one patch."""
        if len(lines):
            self._add(PathPatch(_join(lines), facecolor="none", edgecolor=color, **style))

    def _add(self, patch: PathPatch) -> None:
        _thin_hatch(patch)
        # Not add_patch, which would search every edge for limits that are already set.
        self.axes.add_artist(patch)

    def find_spots(self, polygons: Geometries) -> list[Spot]:
        """Points inside the largest parts of an area, the roomiest first."""
        frame = self.frame
        seen = shapely.clip_by_rect(polygons, frame.left, frame.bottom, frame.right, frame.top)
        seen = shapely.get_parts(seen[~shapely.is_empty(seen)])
        spots: list[Spot] = []
        for part in seen[np.argsort(-shapely.area(seen), kind="stable")[:2]]:
            left, bottom, right, top = shapely.bounds(part)
            x, y = (
                axis.ravel()
                for axis in np.meshgrid(
                    np.linspace(left, right, 13)[1:-1], np.linspace(bottom, top, 13)[1:-1]
                )
            )
            inside = shapely.contains_xy(part, x, y)
            points = np.column_stack([x, y])[inside]
            edge = shapely.boundary(part)
            room = np.round(shapely.distance(shapely.points(points), edge), 3)
            spots += [(px, py) for px, py in points[np.argsort(-room, kind="stable")].tolist()]
            surface = shapely.point_on_surface(part)
            spots.append((surface.x, surface.y))
        return spots

    def ring(self, spots: Sequence[Spot]) -> list[Spot]:
        """Spots round the first, for areas too small to hold their label."""
        return [
            (x + r * self.labels.step * math.cos(a), y + r * self.labels.step * math.sin(a))
            for x, y in spots[:1]
            for r in (14, 22, 32, 44)
            for a in np.linspace(0.0, 2 * math.pi, 16, endpoint=False).tolist()
        ]


def _join(lines: Geometries, *, closed: bool = False) -> Outline:
    points, line = shapely.get_coordinates(lines, return_index=True)
    codes = np.full(len(points), Outline.LINETO, dtype=np.uint8)
    starts = np.flatnonzero(np.diff(line, prepend=-1))
    codes[starts] = Outline.MOVETO
    if closed:
        codes[np.append(starts[1:], len(points)) - 1] = Outline.CLOSEPOLY
    return Outline(points, codes)


def open_sheet(points: Floats, shapes: Shapes) -> Sheet:
    """A sheet whose frame holds the points, with base map, scale bar and credit drawn."""
    projection, frame = fit_frame(points, aspects=_ASPECTS, least_km=_LEAST_KM)
    figure = Figure(figsize=(WIDTH_INCHES, WIDTH_INCHES * frame.height / frame.width), dpi=150)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set(xlim=(frame.left, frame.right), ylim=(frame.bottom, frame.top), facecolor=SEA)
    axes.set(xticks=[], yticks=[], aspect="auto")
    for spine in axes.spines.values():
        spine.set(linewidth=0.6, color="#666666")
    sheet = Sheet(projection, frame, shapes, figure, axes, Labels(axes, frame))
    fills, coast = cut_to_frame(shapes.thin_land(frame.width), projection, frame)
    sheet.fill(fills, label="land", facecolor=LAND, zorder=1)
    sheet.stroke(coast, label="coast", color=COAST, linewidth=0.4, zorder=1.1)
    _, borders = cut_to_frame(shapes.thin_borders(frame.width), projection, frame)
    sheet.stroke(borders, label="State borders", color=BORDER, linewidth=0.4, zorder=1.2)
    _draw_scale_bar(sheet)
    _draw_credit(sheet)
    return sheet


def _draw_scale_bar(sheet: Sheet) -> None:
    frame, step = sheet.frame, sheet.labels.step
    length = next(s for s in (2000, 1000, 500, 200, 100, 50) if s < frame.width * 0.22)
    x, y = frame.left + 10 * step, frame.bottom + 9 * step
    sheet.axes.plot(
        [x, x + length], [y, y], color=INK, linewidth=1.4, solid_capstyle="butt", zorder=10,
        label="scale bar",
    )  # fmt: skip
    sheet.axes.text(
        x, y + 3 * step, f"{length} km · {length / 1.852:.0f} NM", fontsize=5.8, va="bottom",
        color=INK, zorder=10, path_effects=[HALO],
    )  # fmt: skip
    sheet.labels.block([(x + length / 2, y + 4 * step)], length / step + 16, 20)


def _draw_credit(sheet: Sheet) -> None:
    frame, step = sheet.frame, sheet.labels.step
    sheet.axes.text(
        frame.right - 4 * step, frame.bottom + 4 * step, CREDIT, ha="right", va="bottom",
        fontsize=5.4, color="#333333", zorder=10, path_effects=[HALO],
    )  # fmt: skip
    sheet.labels.block([(frame.right - 84 * step, frame.bottom + 7 * step)], 168, 12)


def _thin_hatch(patch: Patch) -> Patch:
    if hasattr(patch, "set_hatch_linewidth"):  # matplotlib 3.10
        patch.set_hatch_linewidth(_HATCH_LINE)
    return patch


def add_key(sheet: Sheet, lines: Sequence[Any], closures: Sequence[tuple[str, str, str]]) -> None:
    """Make room under the map for the key: lines in columns, then one row per instrument."""
    figure, axes = sheet.figure, sheet.axes
    width, height = figure.get_size_inches().tolist()
    columns = 3
    rows = -(-len(lines) // columns)
    room = 0.06 + _ROW_INCHES * (rows + len(closures))
    figure.set_size_inches(width, height + room)
    axes.set_position((0.0, room / (height + room), 1.0, height / (height + room)))
    style: dict[str, Any] = {
        "loc": "upper left", "frameon": False, "fontsize": 6.8, "borderaxespad": 0.0,
        "borderpad": 0.3, "labelspacing": 0.4, "handlelength": 3.4, "handleheight": 1.1,
        "bbox_transform": figure.transFigure,
    }  # fmt: skip
    top = (room - 0.04) / (height + room)
    figure.legend(handles=lines, ncols=columns, bbox_to_anchor=(0.0, top), **style)
    if closures:
        below = (room - 0.04 - _ROW_INCHES * rows) / (height + room)
        handles: list[Any] = [
            (
                Patch(facecolor=colour, edgecolor="none", alpha=TINT),
                _thin_hatch(Patch(facecolor="none", edgecolor=colour, hatch=hatch, linewidth=0.6)),
            )
            for _, colour, hatch in closures
        ]
        figure.legend(
            handles, [text for text, *_ in closures], ncols=1, bbox_to_anchor=(0.0, below),
            handler_map={tuple: HandlerTuple(ndivide=1)}, **style,
        )  # fmt: skip
