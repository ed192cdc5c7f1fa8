"""Crossings against S2, the spherical geometry of Google, on areas and legs made to be awkward.

S2 decides with exact predicates on the same great circles, so that stays must agree to 0.1 m in
any place that is not on a boundary.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import oracle
import pytest
import shapely
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon

from airsim.airspace import Atlas, Crossings, Paths, find_crossings, load_atlas
from airsim.base import InputError
from airsim.geodesy import (
    EARTH_RADIUS_KM,
    angle_between,
    great_circle_km,
    interpolate_arc,
    lonlat_from_vectors,
    unit_vectors,
)

spherely = pytest.importorskip("spherely")

Ring = tuple[tuple[float, float], ...]
Spot = tuple[float, float]
SLACK_KM = 1e-4  # 0.1 m


@pytest.fixture(autouse=True)
def no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing can be written below a file, so that each test builds in memory."""
    monkeypatch.setenv("AIRSIM_CACHE_DIR", str(Path(__file__) / "nowhere"))


# ----------------------------------------------------------------------------------- awkward areas
class Area:
    """One area as a layer has it, split at 180 degrees, and as S2 has it, whole."""

    def __init__(self, rings: list[Ring], split: list[list[Ring]] | None = None) -> None:
        self.rings = [tuple(_round(spot) for spot in ring) for ring in rings]
        parts = split if split is not None else [rings]
        self.shape = MultiPolygon(
            [
                Polygon([_round(s) for s in shell], [[_round(s) for s in hole] for hole in holes])
                for shell, *holes in parts
            ]
        )  # fmt: skip

    def to_s2(self) -> Any:
        """The same for S2; hypothesis draws another if that is no valid polygon on a sphere."""
        shell, *holes = ([(_fold(lon), lat) for lon, lat in ring] for ring in self.rings)
        try:
            return spherely.create_polygon(shell, holes or None)
        except (RuntimeError, ValueError):
            assume(False)

    def __repr__(self) -> str:
        return f"Area({self.rings})"


def _round(spot: Spot) -> Spot:
    """On the grid of 1e-9 degrees that layers have."""
    return (round(spot[0], 9), round(spot[1], 9))


def _fold(lon: float) -> float:
    return (lon + 180.0) % 360.0 - 180.0


def _star(centre: Spot, turns: list[float], reach: list[float]) -> Ring:
    """Points around a centre, anticlockwise, at distances in degrees."""
    angle = np.array(turns) * 2 * np.pi
    lon = centre[0] + np.array(reach) * np.cos(angle) / np.cos(np.radians(centre[1]))
    lat = centre[1] + np.array(reach) * np.sin(angle)
    return tuple(zip(lon.tolist(), lat.tolist(), strict=True))


reaches = st.one_of(st.floats(0.5, 9.0), st.sampled_from([1e-6, 1e-4, 0.02, 3.0, 9.0]))
turns = st.lists(st.floats(0.0, 1.0, exclude_max=True), min_size=3, max_size=9, unique=True)


@st.composite
def stars(draw: st.DrawFn) -> list[Area]:
    """Stars with arms as thin as they come, one in three with a hole of the same form."""
    centre = draw(st.tuples(st.floats(-160, 160), st.floats(-65, 65)))
    angle = sorted(draw(turns))
    assume(max(np.diff([*angle, angle[0] + 1])) < 0.45)
    reach = [draw(reaches) for _ in angle]
    ring = _star(centre, angle, reach)
    if draw(st.integers(0, 2)):
        return [Area([ring])]
    return [Area([ring, _star(centre, angle, [0.5 * r for r in reach])])]


@st.composite
def neighbours(draw: st.DrawFn) -> list[Area]:
    """Two areas that share a crooked boundary, vertex by vertex."""
    lon, lat = draw(st.floats(-150, 150)), draw(st.floats(-60, 40))
    size = draw(st.integers(1, 8))
    aside = st.one_of(st.floats(-3, 3), st.sampled_from([0.0, 1e-9, 1e-6]))
    chain = [(lon + draw(aside), lat + 20.0 * k / size) for k in range(size + 1)]
    west = [*chain, (lon - 9.0, lat + 20.0), (lon - 9.0, lat)]
    east = [*chain[::-1], (lon + 9.0, lat), (lon + 9.0, lat + 20.0)]
    return [Area([tuple(west)]), Area([tuple(east)])]


@st.composite
def slivers(draw: st.DrawFn) -> list[Area]:
    """A strip of a metre to a millimetre, long."""
    lon, lat = draw(st.floats(-150, 150)), draw(st.floats(-60, 60))
    width = draw(st.sampled_from([1e-5, 1e-6, 1e-7, 1e-8]))
    east, north = draw(st.floats(-12, 12)), draw(st.floats(-9, 9))
    assume(abs(east) + abs(north) > 0.5)
    return [Area([((lon, lat), (lon + east, lat + north), (lon + east, lat + north + width),
                   (lon, lat + width))])]  # fmt: skip


@st.composite
def across_180(draw: st.DrawFn) -> list[Area]:
    """A polygon on both sides of the date line."""
    south, north = draw(st.floats(-70, 60)), draw(st.floats(2, 15))
    west = [(180.0 - draw(st.floats(0.01, 15)), south + north * k / 4) for k in (3, 2, 1)]
    east = [(180.0 + draw(st.floats(0.01, 15)), south + north * k / 4) for k in (1, 2, 3)]
    foot, head = (180.0, south), (180.0, south + north)
    return [
        Area(
            [(foot, *east, head, *west)],
            [[(head, *west, foot)],
             [((-180.0, foot[1]), *((lon - 360.0, lat) for lon, lat in east), (-180.0, head[1]))]],
        )
    ]  # fmt: skip


@st.composite
def caps(draw: st.DrawFn) -> list[Area]:
    """A polygon around a pole."""
    inner = sorted(draw(st.lists(st.floats(-175, 175), min_size=3, max_size=8, unique=True)))
    lons = [-180.0, *inner]
    assume(max(np.diff([*lons, 180.0])) < 140.0)
    lats = [draw(st.floats(55, 89.9)) for _ in lons]
    sign = draw(st.sampled_from([1.0, -1.0]))
    ring = tuple((lon, sign * lat) for lon, lat in zip(lons, lats, strict=True))
    pole = (180.0, ring[0][1]), (180.0, 90.0 * sign), (-180.0, 90.0 * sign)
    return [Area([ring if sign > 0 else ring[::-1]], [[(*ring, *pole)]])]


awkward = st.one_of(stars(), neighbours(), slivers(), across_180(), caps())


# ------------------------------------------------------------------------------------ awkward legs
@st.composite
def spots(draw: st.DrawFn, areas: list[Area]) -> Spot:
    """On a vertex, on an edge, a hair off a vertex, its antipode, near by, or anywhere."""
    every = [spot for area in areas for ring in area.rings for spot in ring]
    k = draw(st.integers(0, len(every) - 1))
    lon, lat = every[k]
    kind = draw(st.sampled_from(["vertex", "edge", "hair", "antipode", "near", "near", "any"]))
    if kind == "edge":
        a, b = (unit_vectors(*every[i]) for i in (k, k - 1))
        x, y = lonlat_from_vectors(interpolate_arc(a, b, np.array(draw(st.floats(0, 1)))))
        lon, lat = float(x), float(y)
    elif kind == "hair":
        lon, lat = lon + draw(st.sampled_from([1e-9, -1e-7])), lat + draw(st.floats(-1e-8, 1e-8))
    elif kind == "antipode":
        lon, lat = lon + 180.0 + 1e-3, -lat + draw(st.floats(-1e-2, 1e-2))
    elif kind == "near":
        lon, lat = lon + draw(st.floats(-12, 12)), lat + draw(st.floats(-12, 12))
    elif kind == "any":
        lon, lat = draw(st.floats(-180, 180)), draw(st.floats(-90, 90))
    return _fold(lon), min(max(lat, -90.0), 90.0)


@st.composite
def situations(draw: st.DrawFn) -> tuple[list[Area], list[tuple[Spot, Spot]]]:
    areas = draw(awkward)
    return areas, draw(st.lists(st.tuples(spots(areas), spots(areas)), min_size=1, max_size=6))


# -------------------------------------------------------------------------------------- S2's say
def s2_stays(area: Any, start: Spot, end: Spot) -> NDArray[np.float64]:
    """Entry and exit in km of a leg, shape (n, 2), sorted; stays that touch are one."""
    line = spherely.create_linestring([start, end])
    met = shapely.from_wkb(spherely.to_wkb(spherely.intersection(area, line)))
    parts = shapely.get_parts(shapely.get_parts(met))  # lines among points
    pieces = [part for part in parts if part.geom_type == "LineString"]
    if not pieces:
        return np.empty((0, 2))
    at = np.array([shapely.get_coordinates(piece)[[0, -1]] for piece in pieces])
    km = np.sort(great_circle_km(*start, at[..., 0], at[..., 1]), axis=1)
    return km[np.argsort(km[:, 0])]


def covers(stays: NDArray[np.float64], km: float) -> bool:
    return bool(((stays[:, 0] <= km) & (km <= stays[:, 1])).any())


def find_differences(area: Area, mine: NDArray[np.float64], theirs: NDArray[np.float64],
                     start: Spot, end: Spot) -> list[tuple[float, float]]:  # fmt: skip
    """Stretches of a leg over 0.1 m, off any boundary, that only one of the two has inside."""
    length = float(great_circle_km(*start, *end))
    cuts = np.unique(np.concatenate((mine.ravel(), theirs.ravel(), [0.0, length])))
    found = []
    for low, high in pairwise(cuts.tolist()):
        middle = 0.5 * (low + high)
        if high - low <= SLACK_KM or covers(mine, middle) == covers(theirs, middle):
            continue
        point = interpolate_arc(unit_vectors(*start), unit_vectors(*end), np.array(middle / length))
        if oracle.point_state(area.shape, point) != oracle.UNSURE:
            found.append((low, high))
    return found


def make_atlas(folder: Path, areas: list[Area]) -> Atlas:
    none: dict[str, shapely.Geometry] = {}
    shapes = {f"A{k}": area.shape for k, area in enumerate(areas)}
    try:
        return load_atlas(
            territory=oracle.write_layer(folder / "territory.parquet", shapes),
            fir=oracle.write_layer(folder / "fir.parquet", none),
            zones=oracle.write_layer(folder / "zones.parquet", none),
        )
    except InputError:  # nothing is left of it on the grid, or it is no polygon on the plane
        assume(False)
        raise


def trace(atlas: Atlas, legs: list[tuple[Spot, Spot]]) -> Crossings:
    ends = np.array([(*a, *b) for a, b in legs])
    return find_crossings(atlas, Paths.from_legs(*ends.T), model="sphere", layers=["territory"])


NEIGHBOURS = [
    Area([((0.0, 0.0), (0.0, 10.0), (-9.0, 10.0), (-9.0, 0.0))]),
    Area([((0.0, 10.0), (0.0, 0.0), (9.0, 0.0), (9.0, 10.0))]),
]


@settings(
    max_examples=150, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much,
                           HealthCheck.too_slow],
)  # fmt: skip
@example(situation=(NEIGHBOURS, [((0.0, -5.0), (0.0, 15.0)), ((0.0, 2.0), (0.0, 8.0))]))
@example(situation=(NEIGHBOURS, [((-5.0, 5.0), (5.0, 5.0)), ((-9.0, 0.0), (9.0, 10.0))]))
@given(situation=situations())
def test_stays_are_those_of_s2(
    tmp_path: Path, situation: tuple[list[Area], list[tuple[Spot, Spot]]]
) -> None:
    areas, legs = situation
    known = [area.to_s2() for area in areas]
    legs = [(a, b) for a, b in legs if _is_leg(a, b)]
    assume(legs)
    found = trace(make_atlas(tmp_path, areas), legs)
    for k, (start, end) in enumerate(legs):
        for number, area in enumerate(areas):
            rows = (found.path == k) & (found.area == number)
            mine = np.stack((found.entry_km[rows], found.exit_km[rows]), axis=1)
            theirs = s2_stays(known[number], start, end)
            assert not find_differences(area, mine, theirs, start, end)


def _is_leg(start: Spot, end: Spot) -> bool:
    """Whether there is one great circle between two points."""
    apart = float(angle_between(unit_vectors(*start), unit_vectors(*end)))
    return 1e-3 / EARTH_RADIUS_KM < apart < np.pi - 1e-6


def test_the_comparison_sees_an_area_that_lies_a_metre_off(tmp_path: Path) -> None:
    moved = [Area([tuple((lon, lat + 1e-5) for lon, lat in NEIGHBOURS[0].rings[0])])]
    leg = ((-5.0, -5.0), (-5.0, 5.0))
    found = trace(make_atlas(tmp_path, moved), [leg])
    mine = np.stack((found.entry_km, found.exit_km), axis=1)
    theirs = s2_stays(NEIGHBOURS[0].to_s2(), *leg)
    assert len(find_differences(NEIGHBOURS[0], mine, theirs, *leg)) == 1
