"""Routes around closed areas: against a slow twin, by properties, and in known situations."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numba
import numpy as np
import oracle
import pytest
import shapely
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from airsim import geodesy, kernels
from airsim.airspace import Atlas, load_atlas
from airsim.airspace.arrangement import arrange_edges
from airsim.airspace.outlines import close_ring, draw_circle
from airsim.base import InputError, find_resource
from airsim.routing import (
    NoRoute,
    Route,
    build_router,
    certify_route,
    certify_routes,
    find_routes,
)
from airsim.routing.graph import Graph, find_paths, link_ends
from airsim.routing.outline import CLOSED, Outline
from airsim.routing.plane import choose_plane
from airsim.routing.rings import Rings, bound_edges, chain_edges
from airsim.routing.space import FreeSpace

Floats = NDArray[np.float64]
NONE: dict[str, shapely.Geometry] = {}
SLOWLY = settings(max_examples=25, deadline=None, phases=[Phase.explicit, Phase.generate])


@pytest.fixture(autouse=True, scope="module")
def no_cache() -> None:
    """Nothing can be written below a file, so that each atlas is built in memory."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRSIM_CACHE_DIR", str(Path(__file__) / "nowhere"))
        yield


def make_atlas(folder: Path, areas: dict[str, shapely.Geometry]) -> Atlas:
    return load_atlas(
        territory=oracle.write_layer(folder / "territory.parquet", areas),
        fir=oracle.write_layer(folder / "fir.parquet", NONE),
        zones=oracle.write_layer(folder / "zones.parquet", NONE),
    )


def route(
    atlas: Atlas,
    closed: str,
    start: tuple[float, float],
    end: tuple[float, float],
    **options: float,
) -> Route | NoRoute:
    areas = [("territory", p) for name in closed.split() for p in positions(atlas, name)]
    router = build_router(atlas, areas, **options)
    return find_routes(router, [start[0]], [start[1]], [end[0]], [end[1]])[0]


def positions(atlas: Atlas, designator: str) -> list[int]:
    return atlas.layer("territory").positions(designator).tolist()


def names(atlas: Atlas, found: NoRoute) -> set[str]:
    return {atlas.layer(layer).designator[at] for layer, at in found.bordering}


def block(west: float, south: float, east: float, north: float) -> shapely.Polygon:
    """A box with a vertex each degree, so that its edges stay near the parallels."""
    return shapely.segmentize(shapely.box(west, south, east, north), 1.0)


# ------------------------------------------------------------------------- random small worlds
def star(lon: float, lat: float, radii_km: list[float]) -> shapely.MultiPolygon:
    azimuth = np.linspace(0.0, 360.0, len(radii_km), endpoint=False)
    x, y = geodesy.direct_geodesic(
        np.full(len(azimuth), lon), np.full(len(azimuth), lat), azimuth, np.array(radii_km)
    )
    return close_ring(np.stack((x, y), axis=1))


@dataclass
class Scene:
    """Obstacles crowded around a place anywhere on earth, and two points among them."""

    areas: list[shapely.MultiPolygon]
    another: shapely.MultiPolygon
    start: tuple[float, float]
    end: tuple[float, float]


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    lon0, lat0 = draw(st.integers(-180, 180)), draw(st.sampled_from([-85, -40, 0, 15, 60, 88]))

    def place(far_km: int) -> tuple[float, float]:
        azimuth, away = draw(st.integers(0, 359)), draw(st.integers(far_km // 4, far_km))
        x, y = geodesy.direct_geodesic(lon0, lat0, azimuth, away)
        return float(x), float(y)

    def area() -> shapely.MultiPolygon:
        radii = draw(st.lists(st.integers(80, 1500).map(float), min_size=3, max_size=8))
        return star(*place(2500), radii)

    areas = [area() for _ in range(draw(st.integers(1, 5)))]
    return Scene(areas, area(), place(4500), place(4500))


places = st.tuples(st.integers(-179, 180).map(float), st.integers(-89, 89).map(float))


def vector(place: tuple[float, float]) -> Floats:
    return geodesy.unit_vectors(place[0], place[1])[None, :]


def bound_shapes(shapes: list[shapely.Geometry]) -> Rings:
    """Rings around shapes, which may overlap."""
    rings = [
        (ring[:-1], k)
        for k, shape in enumerate(shapes)
        for polygon in oracle.polygon_rings(shape)
        for ring in polygon
    ]
    start = np.cumsum([0, *(len(ring) for ring, _ in rings)])
    area = np.array([k for _, k in rings], np.int32)
    layer = SimpleNamespace(
        arrangement=arrange_edges(np.concatenate([r for r, _ in rings]), start, area)
    )
    places = np.arange(len(shapes))
    edges = bound_edges(layer, places)  # type: ignore[arg-type]
    return chain_edges(layer.arrangement.vertex, *edges)


def draw_outline(shapes: list[shapely.Geometry], clearance: float = 1.0) -> Outline:
    rings = bound_shapes(shapes)
    whole = shapely.union_all(shapes)

    def is_closed(xyz: Floats) -> NDArray[np.bool_]:
        return shapely.contains_xy(whole, *geodesy.lonlat_from_vectors(xyz))

    return Outline.around(rings, choose_plane(rings.point, is_closed), clearance)


def plain_graph(outline: Outline) -> Graph:
    """Graph of the outline itself, nothing covered."""
    return Graph(outline, outline.simplify(0.0, 0.0), 0.0)


def covered_graph(outline: Outline, tolerance_km: float, fill_km: float = 50.0) -> Graph:
    return Graph(outline, outline.simplify(tolerance_km, fill_km), tolerance_km + fill_km)


def path_km(graph: Graph, a: Floats, b: Floats) -> float:
    """Length of a path; infinite if the points are apart; not a number if one is closed."""
    points = np.vstack((a, b))
    at = graph.outline.locate(points)
    if CLOSED in at:
        return math.nan
    if not kernels.find_cut_legs(
        a, b, graph.outline.rings.tree.edge, graph.outline.rings.tree.ball
    )[0]:
        return float(kernels.measure_legs_mm(a, b)[0]) * 1e-6
    ends = link_ends(graph, points, at, {})
    path, _ = find_paths(graph, ends, np.array([0]), np.array([1]))
    assert (len(path) > 0) == (at[0] == at[1])
    return (
        float(kernels.measure_legs_mm(path[:-1], path[1:]).sum()) * 1e-6 if len(path) else math.inf
    )


def length_km(areas: list[shapely.Geometry], a: Floats, b: Floats, clearance: float = 1.0) -> float:
    return path_km(covered_graph(draw_outline(areas, clearance), 0.0), a, b)


@SLOWLY
@given(scenes())
def test_graph_equals_search_over_all_vertices(scene):
    outline = draw_outline(scene.areas).simplify(5.0)  # few vertices
    a, b = vector(scene.start), vector(scene.end)
    at = outline.locate(np.vstack((a, b)))
    assume(at[0] == at[1] != CLOSED)
    known = oracle.search_all_vertices(outline.rings.point, outline.rings.after, a[0], b[0])
    assert_allclose(path_km(plain_graph(outline), a, b), known, rtol=0, atol=0.05)


@SLOWLY
@given(scenes(), st.floats(0.0, 20.0))
def test_covering_bays_changes_no_length(scene, near_km):
    """Also from within bays: right beside the outline, where its cover may lie."""
    outline = draw_outline(scene.areas)
    rim = outline.rings.point[len(scene.areas) :: 7]
    beside = beside_rim(outline, near_km)
    for a in (vector(scene.start), beside[:1], beside[1:2]):
        for b in (vector(scene.end), beside[-1:]):
            at = outline.locate(np.vstack((a, b)))
            if len(a) and len(b) and at[0] == at[1] != CLOSED:
                plain, covered = plain_graph(outline), covered_graph(outline, 0.0)
                assert_allclose(path_km(covered, a, b), path_km(plain, a, b), rtol=0, atol=0.05)
    assert len(rim)


@pytest.mark.parametrize("beside_m", [0.1, 1.0, 2.9, 3.1, 10.0])
def test_an_end_between_an_outline_and_the_line_of_its_corners_is_linked(beside_m):
    """Corners stand 3 m off: seen from there, an end nearer than that lies behind their line."""
    outline = draw_outline([shapely.box(0.0, 50.0, 8.0, 54.0)]).simplify(5.0)
    a, b = outline.rings.point, outline.rings.point[outline.rings.after]
    longest = np.argmin(np.sum(a * b, axis=1))
    right = np.cross(b[longest], a[longest])
    near = (a + b)[longest] / np.linalg.norm((a + b)[longest])
    near = near + beside_m / 1e3 / geodesy.EARTH_RADIUS_KM * right / np.linalg.norm(right)
    near = (near / np.linalg.norm(near))[None]
    far = -(a + b)[longest] + 3.0 * outline.rings.point.mean(axis=0)  # across the closed area
    far = (far / np.linalg.norm(far))[None]
    assert (outline.locate(np.vstack((near, far))) != CLOSED).all()
    known = oracle.search_all_vertices(outline.rings.point, outline.rings.after, near[0], far[0])
    assert_allclose(path_km(plain_graph(outline), near, far), known, rtol=0, atol=0.05)


def beside_rim(outline: Outline, near_km: float) -> Floats:
    """Free points at a distance outside middles of edges."""
    a, b = outline.rings.point, outline.rings.point[outline.rings.after]
    right = np.cross(b, a)
    size = np.linalg.norm(right, axis=1)
    chosen = np.flatnonzero(size > 1e-5)[:: max(1, len(a) // 5)]
    reach = (near_km + 0.01) / geodesy.EARTH_RADIUS_KM
    points = (a + b)[chosen] / 2.0 + reach * right[chosen] / size[chosen, None]
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    return points[outline.locate(points) != CLOSED]


@SLOWLY
@given(scenes(), st.floats(0.0, 8.0))
def test_a_star_equals_dijkstra_on_the_full_graph(scene, near_km):
    outline = draw_outline(scene.areas)
    points = np.vstack((vector(scene.start), vector(scene.end), beside_rim(outline, near_km)))
    component = outline.locate(points)
    points, component = points[component != CLOSED], component[component != CLOSED]
    assume(len(points) > 1)
    lazy, full = covered_graph(outline, 0.5), covered_graph(outline, 0.5)
    rows = full.rows(complete=True)
    start = np.array([0])
    for graph in (lazy, full):
        ends = link_ends(graph, points, component, {})
        for goal in range(1, len(points)):
            path, _ = find_paths(graph, ends, start, np.array([goal]))
            mm = kernels.measure_legs_mm(path[:-1], path[1:]).sum() if len(path) else math.inf
            assert mm == oracle.shortest_over_legs(full.corners, rows, ends, 0, goal)


@SLOWLY
@given(scenes(), st.floats(0.0, 8.0))
def test_paths_by_table_are_those_of_one_search_each(scene, near_km):
    """Point by point: what else is asked at the same time changes no path."""
    outline = draw_outline(scene.areas)
    points = np.vstack((vector(scene.start), vector(scene.end), beside_rim(outline, near_km)))
    component = outline.locate(points)
    points, component = points[component != CLOSED], component[component != CLOSED]
    assume(len(points) > 1)
    graph, other = covered_graph(outline, 0.5), covered_graph(outline, 0.5)
    start, goal = np.nonzero(~np.eye(len(points), dtype=np.bool_))
    times = len(graph.corners.point) // 4 + 1  # enough of them to make the table
    ends = link_ends(graph, points, component, {})
    many, first = find_paths(graph, ends, np.tile(start, times), np.tile(goal, times))
    assert "table" in vars(graph) or ends.covered.sum() > 2
    ends = link_ends(other, points, component, {})
    for k in range(len(start)):
        alone, _ = find_paths(other, ends, start[k : k + 1], goal[k : k + 1])
        assert_array_equal(many[first[k] : first[k + 1]], alone)
    assert "table" not in vars(other)


@SLOWLY
@given(scenes())
def test_no_route_is_shorter_than_the_geodesic(scene):
    found = length_km(scene.areas, vector(scene.start), vector(scene.end))
    assume(not math.isnan(found))
    direct = float(geodesy.geodesic_km(*scene.start, *scene.end))
    assert found >= direct * (1 - 2e-5) - 0.01


@SLOWLY
@given(scenes())
def test_closing_an_airspace_never_shortens_a_route(scene):
    before = length_km(scene.areas, vector(scene.start), vector(scene.end))
    after = length_km([*scene.areas, scene.another], vector(scene.start), vector(scene.end))
    assume(not math.isnan(before) and not math.isnan(after))
    # the clearance is kept in another plane: up to 4 % of a mile and metres at corners
    assert after >= before - 0.5


@SLOWLY
@given(scenes(), st.sampled_from([7.0, 90.0, 123.0, 180.0]))
def test_turning_the_world_changes_nothing(scene, turn):

    def turned(lon: float) -> float:
        return (lon + turn + 180.0) % 360.0 - 180.0

    def turn_shape(shape: shapely.Geometry) -> shapely.Geometry:
        moved = []
        for part in shape.geoms:
            west, _, east, _ = part.bounds
            x = (west + east) / 2 + turn
            shift = turn - 360.0 * math.floor((x + 180.0) / 360.0)
            part = shapely.affinity.translate(part, xoff=shift)
            for window in (-360.0, 0.0, 360.0):
                box = shapely.box(-180.0 + window, -90.0, 180.0 + window, 90.0)
                moved.append(shapely.affinity.translate(part.intersection(box), xoff=-window))
        return shapely.MultiPolygon(
            [p for m in moved for p in shapely.get_parts(m) if p.geom_type == "Polygon" and p.area]
        )

    here = length_km(scene.areas, vector(scene.start), vector(scene.end))
    there = length_km(
        [turn_shape(shape) for shape in scene.areas],
        vector((turned(scene.start[0]), scene.start[1])),
        vector((turned(scene.end[0]), scene.end[1])),
    )
    assume(not math.isnan(here) and not math.isnan(there))
    assert_allclose(there, here, rtol=1e-5, atol=0.5)


@SLOWLY
@given(scenes())
def test_length_does_not_fall_as_tolerance_grows(scene):
    outline = draw_outline(scene.areas)
    a, b = vector(scene.start), vector(scene.end)
    at = outline.locate(np.vstack((a, b)))
    assume(at[0] == at[1] != CLOSED)
    exact = path_km(plain_graph(outline), a, b)
    for tolerance_km in (0.2, 1.0, 5.0):
        found = path_km(covered_graph(outline, tolerance_km), a, b)
        assert found >= exact - 0.05
        # corners turn by no more than a few rounds together, and no leg was lost
        assert found <= exact + 12.0 * math.pi * tolerance_km


@SLOWLY
@given(scenes())
def test_outline_keeps_the_clearance_and_little_more(scene):
    rings, outline = bound_shapes(scene.areas), draw_outline(scene.areas)
    a, b = rings.point, rings.point[rings.after]
    start, end = outline.rings.point, outline.rings.point[outline.rings.after]
    middle = start + end
    middle /= np.linalg.norm(middle, axis=1, keepdims=True)
    rim = np.vstack((start, middle))
    rim = rim[:: len(rim) // 200 + 1]
    away = np.array([geodesy.distance_to_arcs_km(p, a, b).min() for p in rim]) / 1.852
    assert away.min() >= 1.0
    assert away.max() <= 1.55 + 0.02
    assert np.median(away) <= 1.06 + 0.02


@SLOWLY
@given(scenes(), st.sampled_from([0.0, 0.5, 5.0]))
def test_a_cover_covers_and_parts_the_same_components(scene, tolerance_km):
    outline = draw_outline(scene.areas)
    check_cover(outline, outline.simplify(tolerance_km), tolerance_km)


def check_cover(outline: Outline, cover: Outline, tolerance_km: float) -> None:
    """Nothing closed is open in the cover; as many components; little more is closed."""
    grid = outline.rings.point[:: len(outline.rings.point) // 60 + 1]
    rng = np.random.default_rng(0)
    points = np.repeat(grid, 20, axis=0) + rng.normal(0.0, 2e-3, (20 * len(grid), 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    before, after = outline.locate(points), cover.locate(points)
    assert np.all(after[before == CLOSED] == CLOSED)
    assert np.all(after[after != CLOSED] == before[after != CLOSED])
    assert np.all(np.diff(cover.rings.first) >= 3)
    edges = cover.rings.point, cover.rings.point[cover.rings.after]
    # no new edge crosses one of the old: each ring keeps to its own open side
    tree = outline.rings.tree
    foot = 0.5 * (edges[0] + edges[1])
    foot /= np.linalg.norm(foot, axis=1, keepdims=True)
    assert set(outline.locate(foot + 1e-9 * np.cross(edges[1], edges[0])).tolist()) <= {
        CLOSED, *outline.component.tolist(), len(outline.area)
    }  # fmt: skip
    added = points[(before != CLOSED) & (after == CLOSED)]
    if len(added):
        depth = kernels.measure_depths(added, tree.edge, tree.ball) * geodesy.EARTH_RADIUS_KM
        assert depth.max() <= 50.0 + tolerance_km


# ------------------------------------------------------------------------------ narrow passages
@st.composite
def mazes(draw: st.DrawFn) -> tuple[list[shapely.Geometry], list[tuple[float, float]]]:
    """Walls on a grid, lanes between them of a few km, and cells of it."""
    n = draw(st.integers(2, 4))
    wall = draw(st.floats(0.02, 0.2))  # degrees
    lat0 = draw(st.sampled_from([0.0, 30.0]))
    lanes = []
    for i in range(n):
        for j in range(n):
            east, north = draw(st.booleans()), draw(st.booleans())
            if east and i + 1 < n:
                lanes.append(shapely.LineString([(i, j), (i + 1, j)]))
            if north and j + 1 < n:
                lanes.append(shapely.LineString([(i, j), (i, j + 1)]))
    cells = [(float(i), float(j)) for i in range(n) for j in range(n)]
    half = draw(st.floats(0.019, 0.08))  # of a lane, degrees: from nearly closed to wide
    open_ = shapely.union_all([*lanes, *(shapely.Point(c).buffer(0.1) for c in cells)])
    open_ = shapely.union_all([lane.buffer(half, quad_segs=2) for lane in lanes] + [
        shapely.Point(c).buffer(0.1 + half) for c in cells
    ])  # fmt: skip
    solid = shapely.box(-0.5 - wall, -0.5 - wall, n - 0.5 + wall, n - 0.5 + wall).difference(open_)
    solid = shapely.affinity.translate(solid, xoff=10.0, yoff=lat0)
    parts = [p for p in shapely.get_parts(solid) if p.area > 0.0]
    return parts, [(10.0 + x, lat0 + y) for x, y in cells]


@SLOWLY
@given(mazes(), st.sampled_from([0.2, 1.0, 5.0]))
def test_no_lane_of_a_maze_is_closed_or_opened(maze, tolerance_km):
    walls, cells = maze
    outline = draw_outline(walls)
    cover = outline.simplify(tolerance_km)
    check_cover(outline, cover, tolerance_km)
    plain, covered = plain_graph(outline), covered_graph(outline, tolerance_km)
    points = np.vstack([vector(cell) for cell in [*cells, (0.0, -5.0)]])
    at = outline.locate(points)
    for k in range(1, len(points)):
        if at[0] != CLOSED and at[k] != CLOSED:
            exact = path_km(plain, points[:1], points[k : k + 1])
            found = path_km(covered, points[:1], points[k : k + 1])
            assert math.isinf(found) == math.isinf(exact)
            if not math.isinf(exact):
                assert exact - 0.05 <= found <= exact + 20.0 * tolerance_km


@SLOWLY
@given(scenes())
def test_lower_bound_is_below_the_route_and_near_it(scene):
    a, b = vector(scene.start), vector(scene.end)
    found = length_km(scene.areas, a, b)
    assume(math.isfinite(found))
    rings = bound_shapes(scene.areas)
    core = FreeSpace(rings, draw_outline(scene.areas).plane, 0.0).core
    bound = path_km(core, a, b)
    assert bound * (1 - 2e-5) <= found < bound + 60.0


@settings(deadline=None)  # machine code may have to be loaded
@given(places, places)
def test_lengths_are_near_wgs84(start, end):
    assume(vector(start)[0] @ vector(end)[0] > -0.85)  # below 148 degrees
    known = float(geodesy.geodesic_km(*start, *end))
    near = kernels.measure_legs_mm(vector(start), vector(end))[0]
    assert near == np.rint(near)
    assert near * 1e-6 == pytest.approx(known, rel=1e-5, abs=1e-3)
    lon, lat = geodesy.densify_line([start[0], end[0]], [start[1], end[1]], step_km=5.0,
                                    model="sphere")  # fmt: skip
    arc = geodesy.geodesic_km(lon[:-1], lat[:-1], lon[1:], lat[1:]).sum()
    found = kernels.measure_arcs_km(vector(start), vector(end))[0]
    assert found == pytest.approx(arc, rel=1e-8, abs=1e-6)


# --------------------------------------------------------------------------------- situations
@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    ring = block(60, 20, 80, 40).difference(block(65, 25, 75, 35))
    return make_atlas(
        tmp_path_factory.mktemp("world"),
        {
            "AA": block(0, 40, 10, 60),
            "BB": block(10.0, 40, 20, 60),
            "DL": close_ring([(170, -10), (-170, -10), (-170, 10), (170, 10)]),
            "NP": draw_circle(0, 90, 900),
            "RW": shapely.intersection(ring, block(60, 20, 70, 40)),
            "RE": shapely.intersection(ring, block(70, 20, 80, 40)),
            "S1": block(100, 0, 110, 5),
            "S2": block(100, 5.1, 110, 10),  # a strait of 6 NM
            "T1": block(130, -20, 140, 5),
            "T2": block(130, 5.02, 140, 30),  # a strait of 1.2 NM
            "BD": block(-180, -40, 180, -38),
        },
    )


def test_open_geodesic_is_the_route(world):
    found = route(world, "AA", (30, 50), (60, 55))
    assert isinstance(found, Route)
    assert found.gap == 0.0
    assert found.clearance_nm == 1.0
    assert_allclose(found.distance_km, geodesy.geodesic_km(30, 50, 60, 55), rtol=0, atol=1e-6)
    assert_array_equal(found.points[[0, -1]], [[30, 50], [60, 55]])


def test_route_around_neighbours_does_not_slip_between_them(world):
    found = route(world, "AA BB", (5, 30), (15, 65))
    assert isinstance(found, Route)
    proof = certify_route(world, [("territory", 0), ("territory", 1)], found)
    assert proof.clear
    assert 1.0 <= proof.clearance_nm < 1.6
    legs = geodesy.geodesic_km(*found.points[:-1].T, *found.points[1:].T)
    assert legs.max() <= 100.001
    assert_allclose(found.distance_km, legs.sum(), rtol=1e-8)
    assert found.gap == pytest.approx(found.distance_km / found.lower_bound_km - 1)


def test_circle_takes_two_tangents_and_an_arc(world):
    """Around the polar circle of 900 NM the way is known: along its parallel, 1 NM farther out."""
    found = route(world, "NP", (-60, 60), (120, 60))
    assert isinstance(found, Route)
    along = np.radians(np.linspace(0, 180, 1801))
    polar = math.radians(90.0 - float(geodesy.direct_geodesic(0, 90, 180, 901 * 1.852)[1]))
    reach = math.acos(math.tan(polar) / math.tan(math.radians(30.0)))  # tangent point's longitude
    lon = np.degrees(along[(along >= reach) & (along <= math.pi - reach)]) - 60.0
    lon = np.concatenate(([-60.0], lon, [120.0]))
    lat = np.full(len(lon), 90.0 - math.degrees(polar))
    lat[[0, -1]] = 60.0
    line = geodesy.densify_line(lon, lat, step_km=100.0, model="sphere")
    known = np.sum(geodesy.geodesic_km(line[0][:-1], line[1][:-1], line[0][1:], line[1][1:]))
    assert known * 0.9999 < found.distance_km < known + 3.0


def test_date_line_is_no_wall_and_no_gap(world):
    around = route(world, "DL", (165, 0), (-165, 1))
    assert isinstance(around, Route)
    assert certify_route(world, [("territory", positions(world, "DL")[0])], around).clear
    assert around.distance_km > 1.1 * geodesy.geodesic_km(165, 0, -165, 1)
    across = route(world, "AA", (175, 50), (-175, 50))
    assert isinstance(across, Route)
    assert across.distance_km == pytest.approx(float(geodesy.geodesic_km(175, 50, -175, 50)))


def test_enclosed_destination_names_the_areas_around_it(world):
    found = route(world, "RE RW AA", (50, 30), (70, 30))
    assert isinstance(found, NoRoute)
    assert (found.reason, names(world, found)) == ("destination-enclosed", {"RE", "RW"})
    back = route(world, "RE RW AA", (70, 30), (50, 30))
    assert isinstance(back, NoRoute)
    assert (back.reason, names(world, back)) == ("origin-enclosed", {"RE", "RW"})
    inside = route(world, "RE RW AA", (70, 30), (66, 33))
    assert isinstance(inside, Route)


def test_ends_in_closed_areas_name_them(world):
    found = route(world, "AA BB", (5, 50), (15, 50))
    assert isinstance(found, NoRoute)
    assert (found.reason, names(world, found)) == ("origin-closed", {"AA"})
    found = route(world, "AA BB", (30, 50), (15, 50))
    assert isinstance(found, NoRoute)
    assert (found.reason, names(world, found)) == ("destination-closed", {"BB"})


def test_band_around_the_earth_separates_the_lesser_side(world):
    found = route(world, "BD", (0, 0), (0, -80))
    assert isinstance(found, NoRoute)
    assert (found.reason, names(world, found)) == ("destination-enclosed", {"BD"})
    assert isinstance(route(world, "BD", (0, -80), (90, -70)), Route)
    apart = route(world, "BD RE RW", (70, 30), (0, -80))
    assert isinstance(apart, NoRoute)
    assert (apart.reason, names(world, apart)) == ("separated", {"BD"})


def test_strait_of_six_miles_stays_open(world):
    found = route(world, "S1 S2", (99, 5.05), (111, 5.05))
    assert isinstance(found, Route)
    assert found.clearance_nm == 1.0
    assert found.distance_km < 1.001 * geodesy.geodesic_km(99, 5.05, 111, 5.05)


def test_narrower_strait_is_used_where_nothing_else_is_open(world, tmp_path):
    walls = {
        "T1": block(-180, -40, 180, 5),
        "T2": block(-180, 5, 180, 50).difference(block(20, 4, 20.02, 51)),
    }
    atlas = make_atlas(tmp_path, walls | {"T3": block(-180, -41, 180, -40)})
    closed = [("territory", positions(atlas, "T2")[0])]
    found = route(atlas, "T2", (20, 0), (20, 60))
    assert isinstance(found, Route)
    assert 0.2 < found.clearance_nm < 0.62
    assert certify_route(atlas, closed, found).clear
    # a strait never shortens a route that exists without it
    found = route(world, "T1 T2", (129, 5.01), (141, 5.01))
    assert isinstance(found, Route)
    assert found.clearance_nm == 1.0
    assert found.distance_km > 2000


def test_aerodrome_within_the_clearance_is_reached(world):
    found = route(world, "AA BB", (-0.01, 50), (-5, 50))
    assert isinstance(found, Route)
    assert found.distance_km < 1.001 * geodesy.geodesic_km(-0.01, 50, -5, 50)
    both = route(world, "AA BB", (-0.01, 50), (20.01, 50))
    assert isinstance(both, Route)
    assert certify_route(world, [("territory", 0), ("territory", 1)], both).clear
    assert both.clearance_nm == 1.0


def test_certificate_sees_a_route_through_closed_areas(world):
    found = route(world, "", (-5, 50), (15, 65))
    assert isinstance(found, Route)
    proof = certify_route(world, [("territory", 0), ("territory", 1)], found)
    assert not proof.clear
    assert {area for _, area, _, _ in proof.violations} <= {0, 1}
    assert proof.clearance_nm == 0.0


def test_certificates_of_many_routes_are_those_of_each(world):
    closed = (("territory", 0), ("territory", 1))
    open_, around = build_router(world, []), build_router(world, closed)
    ends = ([-5, 30, -5], [50, 50, 40], [15, 60, 30], [65, 55, 62])
    routes = [r for router in (open_, around) for r in find_routes(router, *ends)]
    assert all(isinstance(r, Route) for r in routes)
    proofs = certify_routes(world, closed, routes)
    assert proofs == tuple(certify_route(world, closed, r) for r in routes)
    assert [proof.clear for proof in proofs] == [False, True, False, True, True, True]
    assert certify_routes(world, closed, []) == ()


def test_bad_requests_are_all_named(world):
    with pytest.raises(InputError) as caught:
        build_router(world, [("territory", 99), ("nowhere", 0)], clearance_nm=0.0)
    assert len(caught.value.problems) == 3


def test_batch_equals_single_queries_whatever_the_threads(world):
    closed = [("territory", k) for k in range(len(world.layer("territory")))]
    lon, lat = np.array([30, 90, -30, 150, 70, 5]), np.array([50, 0, 20, -20, 30, 50])
    i, j = (x.ravel() for x in np.meshgrid(np.arange(6), np.arange(6)))
    router = build_router(world, closed)
    together = find_routes(router, lon[i], lat[i], lon[j], lat[j])
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    alone = build_router(world, closed, clearance_nm=1.0 + 1e-12)
    try:
        for k, found in enumerate(together):
            single = find_routes(
                alone, lon[i[k : k + 1]], lat[i[k : k + 1]], lon[j[k : k + 1]], lat[j[k : k + 1]]
            )[0]
            assert type(single) is type(found)
            if isinstance(found, Route) and isinstance(single, Route):
                assert_allclose(single.distance_km, found.distance_km, rtol=0, atol=1e-3)
                assert_allclose(single.points, found.points, rtol=0, atol=1e-6)
    finally:
        numba.set_num_threads(threads)


def test_world_closed_but_for_a_window(tmp_path):
    window = block(0, 0, 40, 30).difference(block(10, 10, 30, 20))
    atlas = make_atlas(tmp_path, {"XX": block(-180, -90, 180, 90).difference(window)})
    direct = float(geodesy.geodesic_km(5, 15, 35, 16))
    found = route(atlas, "XX", (5, 15), (35, 16))
    assert isinstance(found, Route)
    assert certify_route(atlas, [("territory", 0)], found).clear
    by_corners = geodesy.geodesic_km([5, 10, 30], [15, 20, 20], [10, 30, 35], [20, 20, 16]).sum()
    assert found.distance_km == pytest.approx(by_corners, rel=3e-3)
    assert found.distance_km > 1.05 * direct
    refused = route(atlas, "XX", (5, 15), (100, 50))
    assert isinstance(refused, NoRoute)
    assert refused.reason == "destination-closed"


def test_same_point_and_antipodes(world):
    same = route(world, "AA", (30, 50), (30, 50))
    assert isinstance(same, Route)
    assert (same.distance_km, same.gap) == (0.0, 0.0)
    far = route(world, "AA", (30, 10), (-150, -10))
    assert isinstance(far, Route)
    assert_allclose(far.distance_km, geodesy.geodesic_km(30, 10, -150, -10), rtol=2e-3)


# ------------------------------------------------------------------------------ shipped layer
EU_UK_UA = (
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK AX GB UA"
)


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    territory = find_resource("geodata/territory.parquet")
    folder = tmp_path_factory.mktemp("empty")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("AIRSIM_CACHE_DIR", raising=False)
        return load_atlas(
            territory=territory,
            fir=oracle.write_layer(folder / "fir.parquet", NONE),
            zones=oracle.write_layer(folder / "zones.parquet", NONE),
        )


def test_minsk_to_kaliningrad_goes_by_the_gulf_of_finland(shipped):
    found = route(shipped, EU_UK_UA, (28.03, 53.88), (20.59, 54.89))
    assert isinstance(found, Route)
    assert 1470 < found.distance_km < 1750
    assert found.clearance_nm == 1.0
    closed = [("territory", p) for name in EU_UK_UA.split() for p in positions(shipped, name)]
    assert certify_route(shipped, sorted(closed), found).clear
    assert found.points[:, 1].max() > 59.5


def closed_areas(atlas: Atlas, closed: str) -> list[tuple[str, int]]:
    return [("territory", p) for name in closed.split() for p in positions(atlas, name)]


# high seas a few miles wide between closed shores, on the only way
NARROW_SEAS = {
    "gulf of finland": (EU_UK_UA, (30.26, 59.80), (20.59, 54.89), 973.0),
    "bornholm gap": ("SE DK PL DE NO FI EE LV LT AX", (17.5, 55.6), (13.9, 55.0), 251.0),
    "otranto": ("IT AL GR HR ME BA SI MT", (17.4, 42.4), (18.6, 38.0), 516.0),
    "aegean": ("GR TR BG RO CY", (24.9, 38.9), (24.5, 33.5), 739.0),
}


@pytest.mark.parametrize("sea", NARROW_SEAS)
def test_narrow_seas_stay_open_at_any_tolerance(shipped, sea):
    closed, start, end, known = NARROW_SEAS[sea]
    lengths = []
    for tolerance_km in (0.0, 0.2, 1.0, 5.0):
        found = route(shipped, closed, start, end, tolerance_km=tolerance_km)
        assert isinstance(found, Route)
        assert certify_route(shipped, sorted(closed_areas(shipped, closed)), found).clear
        lengths.append(found.distance_km)
    assert lengths[0] == pytest.approx(known, abs=2.0)
    assert min(lengths) >= lengths[0] - 0.01
    assert max(lengths) <= 1.01 * lengths[0]


def test_bound_shows_how_good_the_detour_is(shipped):
    areas = [("territory", p) for name in EU_UK_UA.split() for p in positions(shipped, name)]
    router = build_router(shipped, areas)
    rough, sharp = (
        find_routes(router, [28.03], [53.88], [20.59], [54.89], bounds=b)[0] for b in (False, True)
    )
    assert isinstance(rough, Route)
    assert isinstance(sharp, Route)
    assert rough.gap > 1.9
    assert 0.0 < sharp.gap < 0.01
    assert sharp.distance_km == rough.distance_km


def test_zurich_is_enclosed_by_the_union(shipped):
    found = route(shipped, EU_UK_UA, (28.03, 53.88), (8.55, 47.46))
    assert isinstance(found, NoRoute)
    assert found.reason == "destination-enclosed"
    assert names(shipped, found) == {"AT", "DE", "FR", "IT"}


def test_helsinki_to_tokyo_around_russia(shipped):
    found = route(shipped, "RU", (24.96, 60.32), (140.39, 35.76))
    assert isinstance(found, Route)
    assert 10_600 < found.distance_km < 10_950
    assert found.clearance_nm == 1.0
