"""Crossings: the compiled loops against slow twins, and the situations that break shortcuts."""

from __future__ import annotations

import json
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
from airsim.geodesy import densify_line, geodesic_km, great_circle_km, lonlat_from_vectors

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


def test_a_geodesic_from_pole_to_pole_keeps_the_meridian_that_it_is_given(world: Atlas) -> None:
    lon, lat = [5, 15, 160, -95], np.array([-90, 90, -90, 90])
    found = find_crossings(world, Paths.from_legs(lon, lat, lon, -lat), layers=["territory"])
    states = [found.area[found.path == k].tolist() for k in range(4)]
    assert states == [[3, 0, 4], [4, 1, 3], [3, 2, 4], [4, 3]]


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
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
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
            # the twin's geodesics are chains of great circles: 4 mm aside, more at flat crossings
            slack = 2e-5 if model == "sphere" else 5e-4
            assert_allclose(covered, (high - low) if state == oracle.INSIDE else 0.0, atol=slack)


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


def near_grid(cells: int) -> st.SearchStrategy[float]:
    """Degrees on the tile grid, a hair beside it, or anywhere."""
    hair = st.sampled_from([0.0, 0.0, 1e-200, 1e-15, -1e-13, 1e-12, -1e-10, 3e-9, -1e-7])
    limit = 7.5 * cells
    on_grid = st.builds(lambda k, d: 7.5 * k + d, st.integers(-cells, cells), hair)
    anywhere = st.floats(-limit, limit)
    return st.one_of(on_grid, anywhere).map(lambda v: min(max(v, -limit), limit))


on_tiles = st.tuples(near_grid(24), near_grid(12))


@settings(max_examples=150, deadline=None)
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


def test_a_path_that_starts_a_hair_from_the_pole(tiles: Atlas) -> None:
    line = [(0.0, 89.99999999999999), (-78.0, 89.99999999999999), (0.0, 0.0)]
    found = find_crossings(tiles, Paths.from_lines([line]), layers=["territory"])
    assert_allclose((found.exit_km - found.entry_km).sum(), 10001.9657293)


@settings(max_examples=50, deadline=None)
@given(st.lists(on_tiles, min_size=1, max_size=30))
def test_a_point_is_in_exactly_one_tile(tiles: Atlas, where: list[tuple[float, float]]) -> None:
    lon, lat = np.array(where).T
    start, _ = locate_points(tiles, "territory", lon, lat)
    assert_array_equal(np.diff(start), 1)


def star(rng: np.random.Generator) -> tuple[Polygon, np.ndarray]:
    """A star of a kilometre, where plane and sphere hardly differ, and a leg across it."""
    lon, lat = rng.uniform(-179, 179), rng.uniform(-80, 80)
    angle = (np.arange(9) + rng.uniform(0, 0.9, 9)) * 2 * np.pi / 9
    ray = rng.uniform(0.002, 0.01, 9)
    stretch = 1 / np.cos(np.radians(lat))
    shape = Polygon(np.c_[lon + ray * np.cos(angle) * stretch, lat + ray * np.sin(angle)])
    return shape, rng.uniform(-0.015, 0.015, (2, 2)) * [stretch, 1] + [lon, lat]


def test_small_areas_agree_with_plane_geometry(tmp_path: Path) -> None:
    rng = np.random.default_rng(20250915)
    stars, legs = zip(*(star(rng) for _ in range(300)), strict=True)
    atlas = make_atlas(tmp_path, {f"A{k}": shape for k, shape in enumerate(stars)})
    found = find_crossings(atlas, Paths.from_lines(legs))
    assert_array_equal(found.path, found.area)
    inside = np.bincount(found.path, found.exit_km - found.entry_km, minlength=300)
    for k, (shape, ends) in enumerate(zip(stars, legs, strict=True)):
        leg = np.stack(densify_line(ends[:, 0], ends[:, 1], step_km=0.1), axis=1)
        parts = shapely.get_parts(shapely.LineString(leg).intersection(shape))
        lines = [shapely.get_coordinates(part) for part in parts]
        expected = sum(geodesic_km(*line[:-1].T, *line[1:].T).sum() for line in lines)
        assert_allclose(inside[k], expected, atol=0.005)


# ------------------------------------------------------------------- edges, polygons, threads
def test_the_boundary_of_neighbours_together_lacks_their_common_edge(world: Atlas) -> None:
    layer = world.layer("territory")
    a, b = area_edges(layer, [0, 1])
    lon, _ = lonlat_from_vectors(0.5 * (a + b))
    assert not np.isclose(lon, 10.0).any()
    assert a.shape == (12, 3)
    # closed: each vertex ends one edge and starts one
    assert_array_equal(np.unique(a, axis=0), np.unique(b, axis=0))
    normal = np.cross(a, b)
    inner = 0.5 * (a + b) + 1e-6 * normal / np.linalg.norm(normal, axis=1, keepdims=True)
    start, area = locate_points(world, "territory", *lonlat_from_vectors(inner))
    assert_array_equal(np.diff(start), 1)
    assert set(area.tolist()) == {0, 1}


def test_boundaries_do_not_know_the_date_line_or_the_pole(world: Atlas) -> None:
    layer = world.layer("territory")
    for area, edges in ((2, 24), (3, 72), (4, 72)):
        a, b = area_edges(layer, [area])
        assert len(a) == edges
        lon, lat = lonlat_from_vectors(0.5 * (a + b))
        seam = (np.abs(lon) > 179.99) & (np.abs(lat) < 89)
        assert seam.sum() == (1 if area == 2 else 0)  # RU is wider on one side


def test_polygons_come_back_as_given(world: Atlas) -> None:
    shapes = area_polygons(world.layer("territory"), [2, 0])
    assert shapes[1].equals(box(0, 0, 10, 10))
    assert (shapes[0].bounds, shapes[0].area) == ((-180, 50, 180, 70), 750.0)


def test_holes_come_back_as_holes(tmp_path: Path) -> None:
    ring = square(0, 0, 10, 10).difference(square(4, 4, 6, 6))
    atlas = make_atlas(tmp_path, {"A": ring, "B": square(4, 4, 6, 6)})
    assert area_polygons(atlas.layer("territory"), [0])[0].equals(ring)
    found = find_crossings(atlas, Paths.from_legs(2, 5, 8, 5))
    assert found.area.tolist() == [0, 1, 0]


def test_any_number_of_threads_gives_the_same_bytes(tiles: Atlas) -> None:
    numba = pytest.importorskip("numba")
    rng = np.random.default_rng(1)
    paths = Paths.from_lines(rng.uniform(-90, 90, (1200, 3, 2)))
    threads = numba.get_num_threads()
    many = find_crossings(tiles, paths)
    numba.set_num_threads(1)
    try:
        one = find_crossings(tiles, paths)
    finally:
        numba.set_num_threads(threads)
    for name in Crossings.__slots__:
        assert getattr(one, name).tobytes() == getattr(many, name).tobytes()


def test_large_batches_are_split_without_a_trace(
    tiles: Atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(2)
    paths = Paths.from_lines(rng.uniform(-90, 90, (200, 3, 2)))
    whole = rows_of(find_crossings(tiles, paths))
    monkeypatch.setattr("airsim.airspace.crossings._CHUNK_PATHS", 70)
    assert rows_of(find_crossings(tiles, paths)) == whole
    monkeypatch.setattr("airsim.airspace.crossings._CHUNK_POINTS", 100)
    assert rows_of(find_crossings(tiles, paths)) == whole


def test_functions_compile_where_nothing_can_be_kept() -> None:
    from airsim.kernels import compiled

    scope: dict[str, object] = {}
    exec("def add_one(x):\n    return x + 1\n", scope)  # no file: numba finds no place for a cache
    assert compiled()(scope["add_one"])(1) == 2  # type: ignore[type-var]


# --------------------------------------------------------------------------------- the loader
def test_a_sliver_thinner_than_the_snap_turns_nothing_inside_out(tmp_path: Path) -> None:
    spike = Polygon(
        [(0, 0), (5, 0), (5, -3), (5 + 1e-12, -3), (5 + 2e-12, 0), (10, 0), (10, 10), (0, 10)]
    )
    atlas = make_atlas(tmp_path, {"A": spike})
    found = find_crossings(atlas, Paths.from_legs([2, -5], [5, -1], [8, 15], [5, -1]))
    assert found.path.tolist() == [0]


def test_an_outline_that_crosses_itself_is_repaired(tmp_path: Path) -> None:
    bow = Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])
    atlas = make_atlas(tmp_path, {"A": bow})
    start, _ = locate_points(atlas, "territory", [1, 9, 5, 5], [5, 5, 1, 9])
    assert np.diff(start).tolist() == [1, 1, 0, 0]


def test_an_edge_around_the_globe_follows_its_parallel(tmp_path: Path) -> None:
    atlas = make_atlas(tmp_path, {"AQ": box(-180, -90, 180, -60)})
    start, _ = locate_points(atlas, "territory", [0, 77, 180, -5], [-61, -59.5, -60.5, -90])
    assert np.diff(start).tolist() == [1, 0, 1, 1]


def test_overlapping_rows_are_all_found(tmp_path: Path) -> None:
    shape = square(0, 0, 10, 10)
    firs = {"OBBB": shape, "OTDF": shape, "BIG": square(-10, -10, 20, 20)}
    file = oracle.write_layer(
        tmp_path / "validity.parquet",
        firs,
        valid_from=["", "2022-09-08T00:00Z", ""],
        valid_to=["2022-09-08T00:00Z", "", ""],
        contains_firs=["", "", "OBBB OTDF"],
    )
    empty = oracle.write_layer(tmp_path / "empty.parquet", NO_AREAS)
    atlas = load_atlas(territory=empty, fir=file, zones=empty)
    layer = atlas.layer("fir")
    opened = parse_instant("2022-09-08T00:00Z")
    assert layer.valid_from_ms.tolist() == [OPEN_FROM, opened, OPEN_FROM]
    assert layer.valid_to_ms.tolist() == [opened, OPEN_TO, OPEN_TO]
    assert layer.contains_firs[2] == "OBBB OTDF"
    start, area = locate_points(atlas, "fir", [5, 15], [5, 5])
    assert (start.tolist(), area.tolist()) == ([0, 3, 4], [0, 1, 2, 2])
    found = find_crossings(atlas, Paths.from_legs(-5, 5, 15, 5))
    assert found.area.tolist() == [2, 0, 1]


def test_zones_come_in_the_size_asked_for(tmp_path: Path) -> None:
    rows = {"A1": square(0, 0, 2, 2), "A2": square(0, 0, 4, 4), "B": square(10, 0, 12, 2)}
    file = oracle.write_layer(
        tmp_path / "zones.parquet",
        rows,
        designator=["A", "A", "B"],
        variant=["nominal", "plus30", "nominal"],
        upper_limit=[9500, 9500, 99999],
    )
    empty = oracle.write_layer(tmp_path / "empty.parquet", NO_AREAS)
    for variant, size in (("nominal", 2), ("plus30", 4), ("minus30", 2)):
        atlas = load_atlas(territory=empty, fir=empty, zones=file, zone_variant=variant)  # type: ignore[arg-type]
        layer = atlas.layer("zone")
        assert layer.designator == ("A", "B")
        assert layer.upper_ft.tolist() == [9500, 99999]
        assert area_polygons(layer, layer.positions("A"))[0].bounds == (0, 0, size, size)
    assert layer.positions("nowhere").size == 0


def test_boundaries_from_elsewhere_come_as_geojson(tmp_path: Path) -> None:
    """Unclosed, across 180, around a pole, with a hole: as public boundary files have them."""
    rings = {
        "NZZO": [[[170, -30], [-170, -30], [-170, -40], [170, -40]]],
        "CZEG": [[[lon, 80] for lon in range(-180, 180, 20)]],
        "EDGG": [
            [[0, 40], [10, 40], [10, 50], [0, 50], [0, 40]],
            [[4, 44], [6, 44], [6, 46], [4, 46], [4, 44]],
        ],
    }
    features = [
        {
            "type": "Feature",
            "properties": {"id": name},
            "geometry": {"type": "Polygon", "coordinates": c},
        }
        for name, c in rings.items()
    ]
    file = tmp_path / "boundaries.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    empty = oracle.write_layer(tmp_path / "empty.parquet", NO_AREAS)
    atlas = load_atlas(territory=empty, fir=file, zones=empty)
    assert atlas.layer("fir").source[0] == "boundaries.geojson"
    start, area = locate_points(atlas, "fir", [180, -175, 0, 77, 1, 5], [-35, -35, 0, 89, 45, 45])
    assert np.diff(start).tolist() == [1, 1, 0, 1, 1, 0]
    assert area.tolist() == [0, 0, 1, 2]
    file.write_text('{"type": "FeatureCollection", "features": [{"geometry": null}]}')
    with pytest.raises(InputError, match="no designator"):
        load_atlas(territory=empty, fir=file, zones=empty)
    file.write_text('{"type": "Topology"}')
    with pytest.raises(InputError, match="no GeoJSON FeatureCollection"):
        load_atlas(territory=empty, fir=file, zones=empty)


def test_a_bad_file_tells_all_its_problems(tmp_path: Path) -> None:
    file = oracle.write_layer(
        tmp_path / "bad.parquet",
        {
            "A": square(0, 0, 1, 1),
            "B": shapely.LineString([(0, 0), (1, 1)]),
            "C": square(0, 0, 1, 1),
        },
        valid_from=["yesterday", "", "2024-01-01T00:00Z"],
        valid_to=["", "", "2023-01-01T00:00Z"],
    )
    with pytest.raises(InputError) as caught:
        load_atlas(territory=file, fir=tmp_path / "absent.parquet", zones=tmp_path)
    text = str(caught.value)
    assert all(word in text for word in ("yesterday", "C: is valid to", "absent.parquet"))
    good = oracle.write_layer(tmp_path / "good.parquet", NO_AREAS)
    line = oracle.write_layer(tmp_path / "l.parquet", {"B": shapely.LineString([(0, 0), (1, 1)])})
    with pytest.raises(InputError, match=r"B \(row 0\): is a LineString"):
        load_atlas(territory=line, fir=good, zones=good)
    (tmp_path / "text.parquet").write_text("no parquet")
    with pytest.raises(InputError, match="is no Parquet file"):
        load_atlas(territory=tmp_path / "text.parquet", fir=good, zones=good)


def test_coordinates_that_leave_the_earth_are_refused() -> None:
    with pytest.raises(InputError, match=r"path 1: lon 0.0, lat 91.0"):
        Paths.from_legs([0, 0], [0, 91], [1, 1], [1, 1])
    with pytest.raises(InputError, match="nan"):
        Paths.from_legs(float("nan"), 0, 1, 1)
    with pytest.raises(InputError, match="start"):
        Paths(np.zeros(3), np.zeros(3), np.array([0, 2]))


def test_unknown_layers_and_models_are_named(world: Atlas) -> None:
    with pytest.raises(InputError, match="territory, fir, zone"):
        find_crossings(world, Paths.from_legs(0, 0, 1, 1), layers=["sector"])
    with pytest.raises(InputError, match="wgs84 or sphere"):
        find_crossings(world, Paths.from_legs(0, 0, 1, 1), model="plane")  # type: ignore[arg-type]


# ---------------------------------------------------------------------------------- the cache
QUERY = """
import sys
from airsim.airspace import Paths, find_crossings, load_atlas, locate_points
atlas = load_atlas(territory=sys.argv[1], fir=sys.argv[2], zones=sys.argv[2])
found = find_crossings(atlas, Paths.from_legs(-5, 5, 15, 5))
assert found.area.tolist() == [0], found
heavy = {"pandas", "geopandas", "pyarrow", "matplotlib", "shapely"} & set(sys.modules)
print("heavy:", *sorted(heavy))
"""


@pytest.fixture
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path, Path]:
    """A cache folder, a territory file and an empty file."""
    monkeypatch.setenv("AIRSIM_CACHE_DIR", str(tmp_path / "cache"))
    territory = oracle.write_layer(tmp_path / "territory.parquet", {"A": square(0, 0, 10, 10)})
    return tmp_path / "cache", territory, oracle.write_layer(tmp_path / "empty.parquet", NO_AREAS)


def layer_bytes(atlas: Atlas) -> bytes:
    layer = atlas.layer("territory")
    parts = (layer.lonlat, layer.arrangement.vertex, layer.index.plane, layer.index.area_of)
    return b"".join(part.tobytes() for part in parts)


def test_a_question_with_a_warm_cache_loads_no_table_library(
    cached: tuple[Path, Path, Path],
) -> None:
    _, territory, empty = cached
    load_atlas(territory=territory, fir=empty, zones=empty)
    done = subprocess.run(
        [sys.executable, "-c", QUERY, territory, empty], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "heavy:"


def test_importing_the_room_loads_no_compiler() -> None:
    code = "import sys, airsim.airspace; print(sorted({'numba', 'pyproj'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_cache_gives_what_was_built(cached: tuple[Path, Path, Path]) -> None:
    folder, territory, empty = cached
    built = load_atlas(territory=territory, fir=empty, zones=empty)
    mapped = load_atlas(territory=territory, fir=empty, zones=empty)
    assert layer_bytes(built) == layer_bytes(mapped)
    assert built.content_hash == mapped.content_hash
    assert not mapped.layer("territory").lonlat.flags.writeable
    assert sorted(p.name.split("-")[0] for p in folder.iterdir()) == ["fir", "territory", "zone"]


def test_another_content_is_another_layer(cached: tuple[Path, Path, Path]) -> None:
    _, territory, empty = cached
    before = load_atlas(territory=territory, fir=empty, zones=empty)
    oracle.write_layer(territory, {"A": square(0, 0, 10, 10), "B": square(20, 0, 30, 10)})
    after = load_atlas(territory=territory, fir=empty, zones=empty)
    assert before.content_hash != after.content_hash
    assert len(after.layer("territory")) == 2


@pytest.mark.parametrize("damage", ["i.plane.npy", "layer.json", "lonlat.npy"])
def test_a_damaged_cache_is_built_anew(cached: tuple[Path, Path, Path], damage: str) -> None:
    folder, territory, empty = cached
    whole = layer_bytes(load_atlas(territory=territory, fir=empty, zones=empty))
    (file,) = folder.glob(f"territory-*/{damage}")
    size = file.stat().st_size
    with open(file, "r+b") as open_file:
        open_file.truncate(size // 2)
    assert layer_bytes(load_atlas(territory=territory, fir=empty, zones=empty)) == whole
    assert file.stat().st_size == size


def test_a_folder_that_cannot_be_written_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRSIM_CACHE_DIR", "/dev/null/airsim")
    atlas = make_atlas(tmp_path, {"A": square(0, 0, 10, 10)})
    assert len(find_crossings(atlas, Paths.from_legs(-5, 5, 15, 5))) == 1
