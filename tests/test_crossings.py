"""Crossings: the compiled loops against slow twins, and the situations that break shortcuts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import oracle
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from shapely import MultiPolygon, Polygon, box

from airsim.airspace import (
    Atlas,
    Crossings,
    Paths,
    area_edges,
    area_polygons,
    find_crossings,
    load_atlas,
    locate_points,
    path_lengths_km,
)
from airsim.base import OPEN_FROM, OPEN_TO, InputError, parse_instant
from airsim.geodesy import geodesic_km, great_circle_km, lonlat_from_vectors

NO_AREAS: dict[str, shapely.Geometry] = {}


@pytest.fixture(autouse=True)
def no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing can be written below a file, so that each test builds in memory."""
    monkeypatch.setenv("AIRSIM_CACHE_DIR", str(Path(__file__) / "nowhere"))


def make_atlas(
    folder: Path, territory: dict[str, shapely.Geometry], **more: dict[str, shapely.Geometry]
) -> Atlas:
    return load_atlas(
        territory=oracle.write_layer(folder / "territory.parquet", territory),
        fir=oracle.write_layer(folder / "fir.parquet", more.get("fir", NO_AREAS)),
        zones=oracle.write_layer(folder / "zones.parquet", more.get("zones", NO_AREAS)),
    )


def rows_of(crossings: Crossings) -> list[tuple[int, int, int, float, float]]:
    return list(
        zip(
            crossings.path.tolist(),
            crossings.layer.tolist(),
            crossings.area.tolist(),
            crossings.entry_km.tolist(),
            crossings.exit_km.tolist(),
            strict=True,
        )
    )


def square(west: float, south: float, east: float, north: float) -> Polygon:
    """A box with a vertex every 5 degrees, so that its edges stay near the parallels."""
    return shapely.segmentize(box(west, south, east, north), 5.0)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    """Two neighbours, one State on both sides of 180, and both polar caps."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRSIM_CACHE_DIR", str(Path(__file__) / "nowhere"))
        return make_atlas(
            tmp_path_factory.mktemp("world"),
            {
                "AA": square(0, 0, 10, 10),
                "BB": square(10, 0, 20, 10),
                "RU": MultiPolygon([square(150, 50, 180, 70), square(-180, 50, -170, 65)]),
                "AQ": square(-180, -90, 180, -70),
                "NP": square(-180, 85, 180, 90),
            },
            zones={"ZZ": square(8, 2, 12, 4)},
        )


# --------------------------------------------------------------------------- plain situations
def test_a_leg_over_two_neighbours_leaves_one_where_it_enters_the_other(world: Atlas) -> None:
    found = find_crossings(world, Paths.from_legs(-5, 3, 25, 3), layers=["territory"])
    assert found.area.tolist() == [0, 1]
    assert found.exit_km[0] == found.entry_km[1]
    assert_allclose(found.entry_km[0], geodesic_km(-5, 3, 0, 3.0), rtol=2e-3)


def test_a_leg_that_starts_and_ends_inside_counts_from_zero_to_its_length(world: Atlas) -> None:
    paths = Paths.from_legs(2, 3, 15, 4)
    found = find_crossings(world, paths, layers=["territory"])
    assert found.entry_km[0] == 0.0
    assert found.exit_km[-1] == path_lengths_km(paths)[0]


def test_layers_are_sorted_together(world: Atlas) -> None:
    found = find_crossings(world, Paths.from_legs([25, -5], [3, 3], [-5, 25], [3, 3]))
    assert [(row[0], row[1], row[2]) for row in rows_of(found)] == [
        (0, 0, 1), (0, 2, 0), (0, 0, 0),
        (1, 0, 0), (1, 2, 0), (1, 0, 1),
    ]  # fmt: skip


def test_the_date_line_cuts_no_stay(world: Atlas) -> None:
    found = find_crossings(world, Paths.from_legs([160, -175], [55, 55], [-175, 160], [55, 55]))
    assert found.area.tolist() == [2, 2]
    assert_allclose(found.exit_km - found.entry_km, geodesic_km(160, 55, -175, 55))


def test_a_leg_along_the_date_line_is_one_stay(world: Atlas) -> None:
    for lon in (180.0, -180.0):
        found = find_crossings(world, Paths.from_legs(lon, 52, lon, 63), layers=["territory"])
        assert found.area.tolist() == [2]


def test_legs_over_the_poles(world: Atlas) -> None:
    north = find_crossings(world, Paths.from_legs(30, 80, -150, 80))
    assert north.area.tolist() == [4]
    south = find_crossings(
        world, Paths.from_legs([0, 77, -140], [-60] * 3, [180, -103, 40], [-60] * 3)
    )
    assert south.area.tolist() == [3, 3, 3]
    assert_allclose(south.exit_km - south.entry_km, 2 * geodesic_km(0, -70, 0, -90), rtol=2e-3)
    start, area = locate_points(world, "territory", [0, 55], [90, -90])
    assert area.tolist() == [4, 3]
    assert start.tolist() == [0, 1, 2]


def test_a_path_of_several_legs_is_one_stay_per_area(world: Atlas) -> None:
    paths = Paths.from_lines([[(-2, 5), (2, 5), (5, 7), (5, 7), (12, 5)], [(1, 1), (2, 2)]])
    found = find_crossings(world, paths, layers=["territory"])
    assert [(row[0], row[2]) for row in rows_of(found)] == [(0, 0), (0, 1), (1, 0)]
    assert_allclose(found.exit_km[1], path_lengths_km(paths)[0])


def test_a_path_that_goes_nowhere_is_where_it_is(world: Atlas) -> None:
    lines = [[(9, 3), (9, 3)], [(9, 3)], [], [(-40, 3), (-40, 3)]]
    found = find_crossings(world, Paths.from_lines(lines))
    assert rows_of(found) == [
        (0, 0, 0, 0.0, 0.0), (0, 2, 0, 0.0, 0.0), (1, 0, 0, 0.0, 0.0), (1, 2, 0, 0.0, 0.0),
    ]  # fmt: skip


def test_an_empty_table_for_no_paths_and_for_the_high_seas(world: Atlas) -> None:
    assert len(find_crossings(world, Paths.from_lines([]))) == 0
    assert len(find_crossings(world, Paths.from_legs(-40, 0, -30, 10))) == 0
    start, area = locate_points(world, "zone", [], [])
    assert (start.tolist(), area.size) == ([0], 0)


def test_antipodes_have_a_path(world: Atlas) -> None:
    paths = Paths.from_legs([5, 5, 0], [5, 0, 90], [-175, -175, 0], [-5, 0, -90])
    for model in ("wgs84", "sphere"):
        found = find_crossings(world, paths, layers=["territory"], model=model)
        assert set(found.path.tolist()) == {0, 1, 2}
        assert np.isfinite(found.exit_km).all()


def test_the_sphere_measures_great_circles(world: Atlas) -> None:
    found = find_crossings(world, Paths.from_legs(2, 3, 8, 9), model="sphere", layers=["territory"])
    assert_allclose(found.exit_km, great_circle_km(2, 3, 8, 9), rtol=1e-12)


def test_a_stay_has_the_length_that_the_figure_allows(world: Atlas) -> None:
    # along the equator, edges are exactly on meridians: 10 degrees of the equator each
    found = find_crossings(world, Paths.from_legs(-5, 0.1, 25, 0.1), layers=["territory"])
    assert_allclose(found.exit_km - found.entry_km, 1113.195, atol=0.02)


# ---------------------------------------------------------------------------- the slow twins
corner = st.sampled_from([-180.0, -150.0, -90.0, -30.0, 0.0, 0.5, 60.0, 90.0, 150.0, 180.0])
height = st.sampled_from([-90.0, -75.0, -30.0, 0.0, 0.5, 45.0, 80.0, 90.0])
places = st.tuples(st.one_of(corner, st.floats(-180, 180)), st.one_of(height, st.floats(-90, 90)))
quick = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@st.composite
def shapes(draw: st.DrawFn) -> shapely.Geometry:
    """Boxes on a coarse grid, some with a hole, some across 180: all but general."""
    west, east = sorted(draw(st.lists(corner, min_size=2, max_size=2, unique=True)))
    south, north = sorted(draw(st.lists(height, min_size=2, max_size=2, unique=True)))
    step = draw(st.sampled_from([3.0, 7.5, 30.0]))
    if east - west > 120:  # the twin takes polygons within a hemisphere
        parts = [box(-180, south, -150, north), box(150, south, 180, north)]
    else:
        parts = [box(west, south, east, north)]
    if draw(st.booleans()):
        inner = shapely.affinity.scale(parts[0], 0.5, 0.5)
        parts[0] = parts[0].difference(inner)
    return shapely.segmentize(MultiPolygon(parts), step)


@quick
@given(
    areas=st.lists(shapes(), min_size=1, max_size=3),
    line=st.lists(places, min_size=2, max_size=4),
    model=st.sampled_from(["wgs84", "sphere"]),
)
def test_crossings_agree_with_the_slow_twin(
    tmp_path: Path, areas: list[shapely.Geometry], line: list[tuple[float, float]], model: str
) -> None:
    atlas = make_atlas(tmp_path, {f"A{k}": shape for k, shape in enumerate(areas)})
    found = find_crossings(atlas, Paths.from_lines([line]), layers=["territory"], model=model)  # type: ignore[arg-type]
    lon, lat = np.array(line).T
    for area, shape in enumerate(areas):
        cuts, states, length = oracle.trace_path(shape, lon, lat, model)
        mine = found.area == area
        entry, leave = found.entry_km[mine], found.exit_km[mine]
        assert (entry[1:] > leave[:-1]).all()
        assert (leave <= length + 1e-6).all()
        for low, high, state in zip(cuts[:-1], cuts[1:], states, strict=True):
            if state == oracle.UNSURE or high - low < 1e-5:
                continue
            covered = np.clip(np.minimum(leave, high) - np.maximum(entry, low), 0, None).sum()
            assert_allclose(covered, (high - low) if state == oracle.INSIDE else 0.0, atol=2e-5)


@quick
@given(areas=st.lists(shapes(), min_size=1, max_size=3), where=st.lists(places, min_size=1))
def test_points_agree_with_the_slow_twin(
    tmp_path: Path, areas: list[shapely.Geometry], where: list[tuple[float, float]]
) -> None:
    atlas = make_atlas(tmp_path, {f"A{k}": shape for k, shape in enumerate(areas)})
    lon, lat = np.array(where).T
    start, area = locate_points(atlas, "territory", lon, lat)
    for k in range(len(where)):
        point = oracle.unit_vectors(lon[k], lat[k])
        inside = set(area[start[k] : start[k + 1]].tolist())
        for a, shape in enumerate(areas):
            state = oracle.point_state(shape, point)
            assert state == oracle.UNSURE or (a in inside) == (state == oracle.INSIDE)


@pytest.fixture(scope="module")
def tiles(tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    """The whole Earth in tiles of 30 degrees that share all vertices, poles included."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRSIM_CACHE_DIR", str(Path(__file__) / "nowhere"))
        return make_atlas(
            tmp_path_factory.mktemp("tiles"),
            {
                f"{lon}/{lat}": shapely.segmentize(box(lon, lat, lon + 30, lat + 30), 7.5)
                for lon in range(-180, 180, 30)
                for lat in range(-90, 90, 30)
            },
        )


on_tiles = st.tuples(
    st.one_of(st.integers(-24, 24).map(lambda k: 7.5 * k), st.floats(-180, 180)),
    st.one_of(st.integers(-12, 12).map(lambda k: 7.5 * k), st.floats(-90, 90)),
)


@settings(max_examples=300, deadline=None)
@given(line=st.lists(on_tiles, min_size=2, max_size=5), model=st.sampled_from(["wgs84", "sphere"]))
def test_a_path_over_tiles_is_in_exactly_one_at_a_time(
    tiles: Atlas, line: list[tuple[float, float]], model: str
) -> None:
    """Also along edges, through vertices and over poles: no gap, no overlap."""
    paths = Paths.from_lines([line])
    found = find_crossings(tiles, paths, layers=["territory"], model=model)  # type: ignore[arg-type]
    lon, lat = np.array(line).T
    if model == "wgs84":
        length = path_lengths_km(paths)[0]
    else:
        length = great_circle_km(lon[:-1], lat[:-1], lon[1:], lat[1:]).sum()
    order = np.lexsort((found.exit_km, found.entry_km))
    entry, leave = found.entry_km[order], found.exit_km[order]
    assert entry[0] == 0.0
    assert_allclose(leave[-1], length, atol=1e-6)
    assert_allclose(entry[1:], leave[:-1], atol=1e-5)


@settings(max_examples=200, deadline=None)
@given(st.lists(on_tiles, min_size=1, max_size=30))
def test_a_point_is_in_exactly_one_tile(tiles: Atlas, where: list[tuple[float, float]]) -> None:
    lon, lat = np.array(where).T
    start, _ = locate_points(tiles, "territory", lon, lat)
    assert_array_equal(np.diff(start), 1)
