"""The zone grammar: words for shapes that official texts use, turned into geometry.

A zone table (``[[zone]]`` in TOML) has a designator, levels, dates, papers and one ``shape``. A
shape is a table with exactly one of these keys:

=================  ===========================================================================
``polygon``        list of points, the first repeated at the end; ``parallels = true`` makes edges
                   of equal latitude follow the parallel (else great circles)
``circle``         centre point; with ``radius_nm``
``corridor``       list of points; with ``half_width_nm``
``strip``          inside of area A along its border with the areas ``along``; with ``depth_nm``,
                   optionally only the stretch of the border ``between`` two points
``near``           a shape and everything within ``distance_nm`` of it
``part``           a shape, less what is not ``west_of`` | ``east_of`` | ``north_of`` | ``south_of``
                   a meridian or parallel (number) or a line (list of points)
``territory``      State's airspace by ISO code; a list joins several
``fir``            flight information regions by designator; a list joins several
``zone``           a zone defined before this one, by designator
``use``            a shape named before in a ``[shapes]`` table of the file
``union``          list of shapes
``intersection``   list of shapes
``difference``     list of shapes: the first less all others
=================  ===========================================================================

A point is ``[lon, lat]`` in degrees or AIP text such as ``"5222N02323E"``.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import shapely
import tomli
from shapely.geometry import MultiPolygon, box
from shapely.geometry.base import BaseGeometry

from airsim.airspace.outlines import (
    boundary_lines,
    buffer_lines,
    close_ring,
    densify_edges,
    draw_circle,
    finish_outline,
    join_areas,
    narrow_area,
    only_polygons,
    widen_area,
)
from airsim.base import OPEN_TO, ProblemList, format_instant, parse_instant
from airsim.geodesy import great_circle_km
from airsim.units import UNLIMITED_FT

if TYPE_CHECKING:
    from airsim.airspace.atlas import Atlas, Layer

Areas = Mapping[str, BaseGeometry]
Point = tuple[float, float]

QUALITIES: Final = ("published", "approximate", "synthetic")
VARIANTS: Final = {"plus30": 30.0, "minus30": -30.0}
FT_PER_M: Final = 1 / 0.3048
_LEAST_PIECE = 1e-6  # square degrees, some 0.004 square NM: neighbours drawn apart overlap by less
_LON_LAT = re.compile(r"(\d{4}(?:\d\d)?)([NS])\s?(\d{5}(?:\d\d)?)([EW])")
_LEVEL = re.compile(r"(?:FL\s?(\d{2,3})|(\d+(?:\.\d+)?)\s?(ft|m))", re.IGNORECASE)
_TEXT_KEYS: Final = ("name", "kind", "source", "edition", "basis")
_COLUMNS: Final = (
    "designator", "name", "kind", "quality", "source", "edition", "basis", "valid_from",
    "valid_to", "variant",
)  # fmt: skip
_ZONE_KEYS: Final = frozenset(
    (*_TEXT_KEYS, "designator", "quality", "lower", "upper", "valid_from", "valid_to", "shape")
) | {"variants", "frame"}


@dataclass(frozen=True, slots=True)
class Zone:
    """One area of the zone layer.

    Parameters
    ----------
    designator, name, kind : str
        Code that rules use, words for people, sort of zone.
    geometry : shapely.MultiPolygon
        (lon, lat) degrees, split at 180, edges within 0.02 NM of great circles.
    lower_ft, upper_ft : int
        0 is the ground, 99999 unlimited.
    valid_from, valid_to : str
        ISO instants with Z, empty for open.
    quality : str
        ``published``, ``approximate`` or ``synthetic``.
    source, edition, basis : str
        Where the facts come from, of which date, and how the outline was made from them.
    variant : str
        ``nominal``, ``plus30`` or ``minus30``: the zone 30 NM larger or smaller.
    """

    designator: str
    name: str
    kind: str
    geometry: MultiPolygon
    lower_ft: int
    upper_ft: int
    valid_from: str
    valid_to: str
    quality: str
    source: str
    edition: str
    basis: str
    variant: str = "nominal"


@dataclass(slots=True)
class _Builder:
    """Walks shapes of one file; notes problems instead of stopping at the first."""

    territory: Areas
    fir: Areas
    file: str
    problems: ProblemList
    dated: Callable[[str, int], Areas] | None = None
    zones: dict[str, BaseGeometry] = field(default_factory=dict)
    shapes: dict[str, BaseGeometry] = field(default_factory=dict)
    record: str = ""

    def complain(self, problem: str, remedy: str = "") -> None:
        self.problems.add(self.file, self.record, problem, remedy)

    @contextmanager
    def areas_as_of(self, start: str) -> Iterator[None]:
        """Territory and FIRs of the day on which a zone begins; of today if it has no such day."""
        today = self.territory, self.fir
        if start and self.dated is not None:
            at_ms = parse_instant(start)
            self.territory, self.fir = (self.dated(n, at_ms) for n in ("territory", "fir"))
        try:
            yield
        finally:
            self.territory, self.fir = today

    # -- values ---------------------------------------------------------------------------------

    def read_point(self, value: object) -> Point | None:
        point = _parse_point(value)
        if point is None:
            self.complain(f"{value!r} is not a point", 'write [lon, lat] or "5222N02323E"')
        elif not (-180.0 <= point[0] <= 180.0 and -90.0 <= point[1] <= 90.0):
            self.complain(f"{value!r} lies outside the Earth", "longitude first, then latitude")
            return None
        return point

    def read_points(self, value: object, least: int) -> list[Point]:
        if not isinstance(value, list) or len(value) < least:
            self.complain(f"needs a list of at least {least} points", "write [[lon, lat], ...]")
            return []
        points = [p for p in map(self.read_point, value) if p is not None]
        return points if len(points) == len(value) else []

    def read_distance(self, shape: Mapping[str, Any], key: str) -> float | None:
        value = shape.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.complain(f"{key} is missing or not a number", f"add {key} = 20")
            return None
        if not 0.0 < value <= 3000.0:
            self.complain(f"{key} = {value} is not between 0 and 3000 NM")
            return None
        return float(value)

    def find_areas(self, value: object, areas: Areas, what: str) -> list[BaseGeometry]:
        names = [value] if isinstance(value, str) else value
        if not isinstance(names, list) or not names:
            self.complain(f"{what} needs a designator or a list of designators")
            return []
        found = []
        for name in names:
            if isinstance(name, str) and name in areas:
                found.append(areas[name])
            else:
                self.complain(f"unknown {what} {name!r}", _suggest(str(name), areas))
        return found if len(found) == len(names) else []

    # -- shapes ---------------------------------------------------------------------------------

    def build(self, shape: object) -> BaseGeometry:
        """Geometry of a shape; empty, with problems noted, if it is wrong."""
        empty = MultiPolygon()
        if not isinstance(shape, dict):
            self.complain("a shape must be a table", "write shape = { polygon = [...] }")
            return empty
        words = [key for key in shape if key in _WORDS]
        if len(words) != 1:
            self.complain(
                f"a shape needs exactly one of its words, found {sorted(words) or 'none'}",
                f"use one of {', '.join(_WORDS)}",
            )
            return empty
        word, options = _WORDS[words[0]]
        for key in shape:
            if key != words[0] and key not in options:
                self.complain(f"unknown key {key!r} in {words[0]}", f"allowed: {options or 'none'}")
        return word(self, shape)

    def build_list(self, value: object, word: str) -> list[BaseGeometry]:
        if not isinstance(value, list) or len(value) < 2:
            self.complain(f"{word} needs a list of at least two shapes")
            return []
        return [self.build(shape) for shape in value]

    def polygon(self, shape: Mapping[str, Any]) -> BaseGeometry:
        points = self.read_points(shape["polygon"], 4)
        if not points:
            return MultiPolygon()
        if points[0] != points[-1]:
            self.complain("polygon is not closed", "repeat the first point at the end")
            return MultiPolygon()
        return close_ring(points, parallels=bool(shape.get("parallels", False)))

    def circle(self, shape: Mapping[str, Any]) -> BaseGeometry:
        centre, radius = self.read_point(shape["circle"]), self.read_distance(shape, "radius_nm")
        return MultiPolygon() if centre is None or radius is None else draw_circle(*centre, radius)

    def corridor(self, shape: Mapping[str, Any]) -> BaseGeometry:
        points = self.read_points(shape["corridor"], 2)
        width = self.read_distance(shape, "half_width_nm")
        return buffer_lines([points], width) if points and width is not None else MultiPolygon()

    def strip(self, shape: Mapping[str, Any]) -> BaseGeometry:
        depth = self.read_distance(shape, "depth_nm")
        own = self.find_areas(shape["strip"], self.territory, "State")
        others = self.find_areas(shape.get("along"), self.territory, "State")
        ends = self.read_points(shape["between"], 2) if "between" in shape else []
        if depth is None or not own or not others:
            return MultiPolygon()
        border = _shared_border(shapely.union_all(own), shapely.union_all(others))
        if not border:
            self.complain(f"{shape['strip']} has no border with {shape['along']}")
            return MultiPolygon()
        if ends:
            border = _cut_border(border, ends[0], ends[-1])
        return buffer_lines(border, depth).intersection(shapely.union_all(own))

    def near(self, shape: Mapping[str, Any]) -> BaseGeometry:
        distance = self.read_distance(shape, "distance_nm")
        area = self.build(shape["near"])
        return widen_area(area, distance) if distance is not None else MultiPolygon()

    def part(self, shape: Mapping[str, Any]) -> BaseGeometry:
        area = self.build(shape["part"])
        sides = [key for key in _SIDES if key in shape]
        if not sides:
            self.complain("part needs a side", f"add one of {', '.join(_SIDES)}")
        for side in sides:
            limit = shape[side]
            if isinstance(limit, int | float) and not isinstance(limit, bool):
                area = area.intersection(_half_plane(side, float(limit)))
                continue
            line = self.read_points(limit, 2)
            axis = 0 if side in ("north_of", "south_of") else 1
            steps = np.diff(np.array(line)[:, axis]) if line else np.zeros(0)
            if line and not ((steps > 0).all() or (steps < 0).all()):
                way = "west to east" if axis == 0 else "south to north"
                self.complain(f"{side}: the line turns back", f"let it run steadily {way}")
            elif line:
                area = area.intersection(_half_plane(side, line))
        return area

    def territory_word(self, shape: Mapping[str, Any]) -> BaseGeometry:
        return join_areas(self.find_areas(shape["territory"], self.territory, "State"))

    def fir_word(self, shape: Mapping[str, Any]) -> BaseGeometry:
        return join_areas(self.find_areas(shape["fir"], self.fir, "FIR"))

    def zone_word(self, shape: Mapping[str, Any]) -> BaseGeometry:
        return join_areas(self.find_areas(shape["zone"], self.zones, "zone"))

    def use(self, shape: Mapping[str, Any]) -> BaseGeometry:
        return join_areas(self.find_areas(shape["use"], self.shapes, "shape"))

    def union(self, shape: Mapping[str, Any]) -> BaseGeometry:
        return join_areas(self.build_list(shape["union"], "union"))

    def intersection(self, shape: Mapping[str, Any]) -> BaseGeometry:
        areas = self.build_list(shape["intersection"], "intersection")
        return shapely.intersection_all([only_polygons(a) for a in areas])

    def difference(self, shape: Mapping[str, Any]) -> BaseGeometry:
        areas = self.build_list(shape["difference"], "difference")
        return areas[0].difference(shapely.union_all(areas[1:])) if areas else MultiPolygon()


_SIDES: Final = ("west_of", "east_of", "north_of", "south_of")
_Word = Callable[[_Builder, Mapping[str, Any]], BaseGeometry]
_WORDS: Final[dict[str, tuple[_Word, tuple[str, ...]]]] = {
    "polygon": (_Builder.polygon, ("parallels",)),
    "circle": (_Builder.circle, ("radius_nm",)),
    "corridor": (_Builder.corridor, ("half_width_nm",)),
    "strip": (_Builder.strip, ("along", "depth_nm", "between")),
    "near": (_Builder.near, ("distance_nm",)),
    "part": (_Builder.part, _SIDES),
    "territory": (_Builder.territory_word, ()),
    "fir": (_Builder.fir_word, ()),
    "zone": (_Builder.zone_word, ()),
    "use": (_Builder.use, ()),
    "union": (_Builder.union, ()),
    "intersection": (_Builder.intersection, ()),
    "difference": (_Builder.difference, ()),
}


def _parse_point(value: object) -> Point | None:
    if isinstance(value, str):
        match = _LON_LAT.fullmatch(value.strip())
        if match is None:
            return None
        lat, north, lon, east = match.groups()
        return (
            _degrees(lon, 3) * (-1.0 if east == "W" else 1.0),
            _degrees(lat, 2) * (-1.0 if north == "S" else 1.0),
        )
    if isinstance(value, list) and len(value) == 2:
        lon_lat = [v for v in value if isinstance(v, int | float) and not isinstance(v, bool)]
        if len(lon_lat) == 2 and np.isfinite(lon_lat).all():
            return float(lon_lat[0]), float(lon_lat[1])
    return None


def _degrees(digits: str, whole: int) -> float:
    minutes = float(digits[whole : whole + 2])
    seconds = float(digits[whole + 2 :] or 0.0)
    return float(digits[:whole]) + minutes / 60.0 + seconds / 3600.0


def parse_level_ft(value: object) -> int | None:
    """Feet of ``"GND"``, ``"UNL"``, ``"FL195"``, ``"6000 m"``, ``"12000 ft"``; else None."""
    if isinstance(value, str):
        text = value.strip().upper()
        if text in ("GND", "SFC", "MSL"):
            return 0
        if text in ("UNL", "UNLIMITED"):
            return UNLIMITED_FT
        match = _LEVEL.fullmatch(text)
        if match is None:
            return None
        if match[1]:
            return int(match[1]) * 100
        return round(float(match[2]) * (FT_PER_M if match[3] == "M" else 1.0))
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= UNLIMITED_FT:
        return value
    return None


def _suggest(name: str, areas: Areas) -> str:
    from difflib import get_close_matches  # only needed when something is wrong

    near = get_close_matches(name.upper(), list(areas), n=3, cutoff=0.5)
    return f"did you mean {', '.join(near)}?" if near else "see the layer's designators"


def _half_plane(side: str, limit: float | Sequence[Point]) -> BaseGeometry:
    """Everything on one side of a meridian, parallel or line, in the plane -180..180."""
    if isinstance(limit, float):
        west, south, east, north = -180.0, -90.0, 180.0, 90.0
        bounds = {
            "west_of": (west, south, limit, north),
            "east_of": (limit, south, east, north),
            "north_of": (west, limit, east, north),
            "south_of": (west, south, east, limit),
        }
        return box(*bounds[side])
    line = densify_edges(limit)
    if side in ("north_of", "south_of"):
        line = line if line[0, 0] < line[-1, 0] else line[::-1]
        edge = 90.0 if side == "north_of" else -90.0
        ends = [[180.0, line[-1, 1]], [180.0, edge], [-180.0, edge], [-180.0, line[0, 1]]]
    else:
        line = line if line[0, 1] < line[-1, 1] else line[::-1]
        edge = -180.0 if side == "west_of" else 180.0
        ends = [[line[-1, 0], 90.0], [edge, 90.0], [edge, -90.0], [line[0, 0], -90.0]]
    return shapely.make_valid(shapely.Polygon(np.vstack((line, ends))))


def _shared_border(own: BaseGeometry, other: BaseGeometry) -> list[np.ndarray]:
    """Lines that two areas share; neighbours drawn apart share what lies within 1 NM."""
    shared = own.boundary.intersection(other.boundary)
    if shared.length == 0.0:
        shared = own.boundary.intersection(buffer_lines(boundary_lines(other), 1.0))
    parts = [g for g in shapely.get_parts(shared) if g.length > 0.0]
    if not parts:
        return []
    merged = shapely.line_merge(shapely.multilinestrings(parts))
    return [np.asarray(g.coords) for g in shapely.get_parts(merged)]


def _cut_border(lines: list[np.ndarray], start: Point, end: Point) -> list[np.ndarray]:
    """Stretch of a border between the places nearest to two points."""
    longest = max(lines, key=lambda line: shapely.LineString(line).length)
    first, last = sorted(
        int(np.argmin(great_circle_km(longest[:, 0], longest[:, 1], *p))) for p in (start, end)
    )
    return [longest[first : last + 1]] if last > first else [longest]


def _read_zone(builder: _Builder, table: Mapping[str, Any]) -> list[Zone]:
    for key in table:
        if key not in _ZONE_KEYS:
            builder.complain(f"unknown key {key!r}", f"allowed: {', '.join(sorted(_ZONE_KEYS))}")
    text = {}
    for key in _TEXT_KEYS:
        text[key] = table.get(key, "")
        if not isinstance(text[key], str):
            builder.complain(f"{key} must be text")
    for key in ("source", "basis"):
        if not table.get(key):
            builder.complain(f"{key} is missing", "say where the facts and the outline come from")
    quality = table.get("quality", "")
    if quality not in QUALITIES:
        builder.complain(f"quality is {quality!r}", f"use one of {', '.join(QUALITIES)}")
    levels = {"lower": parse_level_ft(table.get("lower", "GND"))}
    levels["upper"] = parse_level_ft(table.get("upper", "UNL"))
    for key, level in levels.items():
        if level is None:
            builder.complain(f"{key} = {table.get(key)!r} is not a level", 'write "GND", "FL195"')
    lower, upper = levels["lower"] or 0, levels["upper"] or 0
    if None not in levels.values() and upper <= lower:
        builder.complain("upper level is not above the lower one")
    dates = {key: _read_instant(builder, table, key) for key in ("valid_from", "valid_to")}
    variants = table.get("variants", [])
    if not isinstance(variants, list) or not set(variants) <= set(VARIANTS):
        builder.complain(f"variants is {variants!r}", f"a list of {', '.join(VARIANTS)}")
        variants = []
    if "shape" not in table:
        builder.complain("shape is missing")
    with builder.areas_as_of(dates["valid_from"]):
        shape = builder.build(table["shape"]) if "shape" in table else MultiPolygon()
        frame = builder.build(table["frame"]) if "frame" in table else None
    if frame is not None:
        shape = shape.intersection(frame)
    outlines = {"nominal": shape} | {v: _vary(shape, frame, VARIANTS[v]) for v in variants}
    builder.zones[str(table["designator"])] = shape
    return [
        Zone(
            designator=str(table["designator"]),
            geometry=finish_outline(outline),
            lower_ft=lower,
            upper_ft=upper,
            quality=str(quality),
            variant=variant,
            **text,
            **dates,
        )
        for variant, outline in outlines.items()
    ]


def _vary(shape: BaseGeometry, frame: BaseGeometry | None, distance_nm: float) -> BaseGeometry:
    if distance_nm < 0.0:
        return narrow_area(shape, -distance_nm, frame=frame)
    wider = widen_area(shape, distance_nm)
    return wider if frame is None else wider.intersection(frame)


def _read_instant(builder: _Builder, table: Mapping[str, Any], key: str) -> str:
    value = table.get(key, "")
    text = value if isinstance(value, str) else str(value)
    if text:
        try:
            parse_instant(text)
        except ValueError:
            builder.complain(f"{key} = {text!r} is not an instant", 'write "2022-02-24T00:45Z"')
            return ""
    return text


def _load_tables(
    source: str | Path | Mapping[str, Any], file: str
) -> tuple[dict[str, Any], list[Any]]:
    """Named shapes and zone tables of a file or mapping."""
    problems = ProblemList()
    document: Mapping[str, Any] = {}
    try:
        if isinstance(source, Mapping):
            document = source
        else:
            document = tomli.loads(Path(source).read_text(encoding="utf-8"))
    except OSError as error:
        problems.add(file, "", f"cannot be read: {error.strerror}", "check the path")
    except ValueError as error:  # TOML and encoding
        problems.add(file, "", f"is not TOML: {error}", "see the line and column")
    shapes, tables = document.get("shapes", {}), document.get("zone", [])
    for key in sorted(set(document) - {"schema", "shapes", "zone"}):
        problems.add(file, key, "unknown key", "write [[zone]] or [shapes]")
    if not isinstance(tables, list):
        problems.add(file, "zone", "must be a list of tables", "write [[zone]]")
    if not isinstance(shapes, dict):
        problems.add(file, "shapes", "must be a table of shapes", "write [shapes] NAME = { ... }")
    problems.raise_if_any()
    return shapes, tables


def build_zones(
    source: str | Path | Mapping[str, Any],
    territory: Areas,
    fir: Areas,
    *,
    zones: Areas | None = None,
    dated: Callable[[str, int], Areas] | None = None,
    file: str = "",
) -> list[Zone]:
    """Build the zones of a TOML file or of a parsed scenario.

    Parameters
    ----------
    source : path or mapping
        TOML file with ``[[zone]]`` tables, or the mapping read from one.
    territory, fir : mapping of str to shapely geometry
        Areas that shapes may name, by designator; (lon, lat) degrees, split at 180. Only areas
        that a shape names are looked up (see `find_layer_areas`).
    zones : mapping of str to shapely geometry, optional
        Zones that exist already; their designators are taken.
    dated : callable, optional
        Areas of a layer ("territory", "fir") as they were at an instant, UTC ms: asked for the
        start of each zone that has a ``valid_from``, so that a zone of 2017 is drawn from the
        regions of 2017.
    file : str
        Name for messages; the path if left out.

    Returns
    -------
    list of Zone
        In the order of the file; each zone's ``nominal`` row first, then its variants.

    Raises
    ------
    InputError
        With everything that is wrong: unknown State, FIR or zone, unclosed polygon, bad number,
        unknown key, missing source or basis, two zones of one name.

    Notes
    -----
    A ``frame`` is a shape that holds the zone: the zone is cut to it, ``plus30`` does not leave
    it, and ``minus30`` does not retreat from it (a zone along a State border keeps the border).
    """
    name = file or (str(source) if not isinstance(source, Mapping) else "scenario")
    problems = ProblemList()
    builder = _Builder(territory, fir, name, problems, dated)
    builder.zones.update(zones or {})
    result: list[Zone] = []
    shapes, tables = _load_tables(source, name)
    for key, shape in shapes.items():
        builder.record = f"shapes.{key}"
        builder.shapes[key] = builder.build(shape)
    for number, table in enumerate(tables, start=1):
        builder.record = f"zone {number}"
        designator = table.get("designator") if isinstance(table, dict) else None
        if not isinstance(designator, str) or not designator:
            builder.complain("designator is missing", 'add designator = "MY-ZONE"')
            continue
        builder.record = designator
        if designator in builder.zones:
            builder.complain("designator is used twice", "give each zone its own")
            continue
        before = len(problems.problems)
        try:
            built = _read_zone(builder, table)
        except shapely.GEOSException as error:
            builder.complain(f"shape cannot be built: {error}", "check the order of the points")
            continue
        if len(problems.problems) == before:
            if built[0].geometry.is_empty:
                builder.complain("shape is empty", "its parts do not meet")
            result.extend(z for z in built if not z.geometry.is_empty)
    problems.raise_if_any()
    return result


def find_layer_areas(layer: Layer, at_ms: int = OPEN_TO) -> dict[str, BaseGeometry]:
    """Areas of a layer by designator, for `build_zones`.

    Parameters
    ----------
    layer : Layer
        Of an atlas.
    at_ms : int
        UTC ms; by default only rows whose validity has no end.

    Returns
    -------
    dict of str to shapely.MultiPolygon
        Rows that share a designator are joined; rows not valid at that instant are left out.
    """
    from airsim.airspace.crossings import area_polygons  # the package imports this room's parts

    valid = (layer.valid_from_ms <= at_ms) & (at_ms < layer.valid_to_ms)
    if at_ms == OPEN_TO:
        valid = layer.valid_to_ms == OPEN_TO
    rows: dict[str, list[int]] = {}
    for position in np.flatnonzero(valid).tolist():
        rows.setdefault(layer.designator[position], []).append(position)
    return {
        name: only_polygons(shapely.union_all(area_polygons(layer, np.array(positions, np.int32))))
        for name, positions in rows.items()
    }


def add_zones(atlas: Atlas, zones: Sequence[Zone]) -> Atlas:
    """The same airspace with more zones; rows that are there keep their positions.

    Parameters
    ----------
    atlas : Atlas
    zones : sequence of Zone

    Returns
    -------
    Atlas
    """
    from airsim.airspace.atlas import replace_layer  # these use the parts of this room
    from airsim.airspace.crossings import area_polygons

    layer = atlas.layer("zone")
    outlines = area_polygons(layer, np.arange(len(layer)))
    rows = [
        Zone(
            layer.designator[row], layer.title[row], "", outline, int(layer.lower_ft[row]),
            int(layer.upper_ft[row]), format_instant(int(layer.valid_from_ms[row])),
            format_instant(int(layer.valid_to_ms[row])), layer.quality[row], layer.source[row],
            layer.edition[row], "",
        )
        for row, outline in enumerate(outlines)
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "zones.parquet"
        write_zones([*rows, *zones], path)
        return replace_layer(atlas, "zone", path)


def cut_area(
    atlas: Atlas, area: tuple[str, int], along: Mapping[str, Sequence[tuple[str, int]]]
) -> dict[tuple[str, ...], Zone]:
    """Cut an area along others that lie in it.

    Parameters
    ----------
    atlas : Atlas
    area : (layer, row)
        What is cut.
    along : mapping of str to sequence of (layer, row)
        Areas to cut along, by a name for each group of them.

    Returns
    -------
    dict of tuple of str to Zone
        Pieces that do not overlap, by the names of the groups that cover them: ``()`` is what
        none does. They keep levels and dates of the area, and have no designator yet.
    """
    from airsim.airspace.crossings import area_polygons

    def outline(of: tuple[str, int]) -> BaseGeometry:
        return area_polygons(atlas.layer(of[0]), [of[1]])[0]

    layer, row = atlas.layer(area[0]), area[1]
    pieces: dict[tuple[str, ...], BaseGeometry] = {(): outline(area)}
    for name, others in along.items():
        shape = shapely.union_all([outline(of) for of in others])
        split = {}
        for names, piece in pieces.items():
            split[names] = only_polygons(piece.difference(shape))
            split[*names, name] = only_polygons(piece.intersection(shape))
        pieces = {names: piece for names, piece in split.items() if piece.area > _LEAST_PIECE}
    return {
        names: Zone(
            "", layer.title[row], "", finish_outline(piece), int(layer.lower_ft[row]),
            int(layer.upper_ft[row]), format_instant(int(layer.valid_from_ms[row])),
            format_instant(int(layer.valid_to_ms[row])), layer.quality[row], layer.source[row],
            layer.edition[row], "",
        )
        for names, piece in pieces.items()
    }  # fmt: skip


def write_zones(zones: Sequence[Zone], path: Path, *, extend: Path | None = None) -> None:
    """Write zones as a layer file that `load_atlas` reads.

    Parameters
    ----------
    zones : sequence of Zone
        Rows to write; coordinates are rounded to 1e-6 degree (0.1 m).
    path : pathlib.Path
        GeoParquet file, replaced if it exists.
    extend : pathlib.Path, optional
        Layer file whose rows come first, such as the shipped ``geodata/zones.parquet``.
    """
    import pyarrow as pa  # only who writes needs it
    import pyarrow.parquet as pq

    columns: dict[str, list[Any]] = {name: [getattr(z, name) for z in zones] for name in _COLUMNS}
    columns["lower_limit"] = [z.lower_ft for z in zones]
    columns["upper_limit"] = [z.upper_ft for z in zones]
    columns["geometry"] = [shapely.to_wkb(_round_outline(z.geometry)) for z in zones]
    schema = pa.schema(
        [(name, pa.string()) for name in _COLUMNS]
        + [("lower_limit", pa.int32()), ("upper_limit", pa.int32()), ("geometry", pa.binary())]
    )
    table = pa.table(columns, schema=schema)
    if extend is not None:
        table = pa.concat_tables([pq.read_table(extend).select(schema.names).cast(schema), table])
    geo = {
        "version": "1.0.0",
        "primary_column": "geometry",
        "columns": {"geometry": {"encoding": "WKB", "geometry_types": [], "edges": "planar"}},
    }
    table = table.replace_schema_metadata({"geo": json.dumps(geo)})
    pq.write_table(table, path, compression="zstd", compression_level=19)


def _round_outline(geometry: MultiPolygon) -> MultiPolygon:
    rounded: MultiPolygon = shapely.transform(geometry, lambda xy: np.round(xy, 6) + 0.0)
    return rounded if rounded.is_valid else only_polygons(shapely.make_valid(rounded))
