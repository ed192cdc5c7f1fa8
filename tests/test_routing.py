"""Routes around closed areas: against a slow twin, by properties, and in known situations."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from pathlib import Path

import numba
import numpy as np
import oracle
import pytest
import shapely
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from airsim import geodesy
from airsim.airspace import Atlas, load_atlas
from airsim.airspace.outlines import close_ring, draw_circle
from airsim.base import InputError, find_resource
from airsim.routing import NoRoute, Route, build_router, certify_route, find_routes
from airsim.routing.graph import approximate_geodesic_mm, build_graph, find_paths, link_outline
from airsim.routing.outline import CLOSED, Outline
from airsim.routing.plane import choose_plane, project_polygons, widen
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


def length_km(areas: list[shapely.Geometry], a: Floats, b: Floats, clearance: float = 1.0) -> float:
    """Length found; infinite if the points are apart; not a number if one is closed."""
    graph = build_graph(np.array(areas, dtype=object), clearance)
    at = graph.outline.locate(np.vstack((a, b)))
    if CLOSED in at:
        return math.nan
    path = find_paths(graph, a, b)[0]
    assert (path is not None) == (at[0] == at[1])
    return path[0] if path else math.inf


def search_all_vertices(outline: Outline, a: Floats, b: Floats) -> float:
    """Dijkstra over every vertex of the outline and every leg that crosses no edge."""
    ahead = outline.end - outline.start
    right = np.cross(ahead / np.linalg.norm(ahead, axis=1, keepdims=True), outline.start)
    before = {tuple(p.round(12)): k for k, p in enumerate(outline.end)}
    both = right + right[[before[tuple(p.round(12))] for p in outline.start]]
    away = both / (np.sum(both * both, axis=1, keepdims=True) / 2.0)
    place = outline.start + away * 4.7e-7  # three metres
    place = np.vstack((a, b, place / np.linalg.norm(place, axis=1, keepdims=True)))
    n = len(place)
    crossing = np.cross(outline.start, outline.end)
    best = {0: 0.0}
    done: set[int] = set()
    queue = [(0.0, 0)]
    while queue:
        far, i = heapq.heappop(queue)
        if i == 1:
            return far
        if i in done:
            continue
        done.add(i)
        legs = np.array([j for j in range(n) if j not in done])
        p, q = place[i], place[legs]
        normal = np.cross(p, q)
        from_side = (normal @ outline.start.T >= 0) != (normal @ outline.end.T >= 0)
        over = (crossing @ p >= 0) != (q @ crossing.T >= 0)
        hit = outline.start * np.abs(np.sum(normal[:, None] * outline.end, axis=2))[..., None]
        hit = hit + outline.end * np.abs(np.sum(normal[:, None] * outline.start, axis=2))[..., None]
        ahead_of = np.sum(hit * (p + q)[:, None], axis=2) > 0
        free = ~(from_side & over & ahead_of).any(axis=1)
        step = approximate_geodesic_mm(np.broadcast_to(p, q.shape), q) * 1e-6
        for j, km in zip(legs[free].tolist(), step[free].tolist(), strict=True):
            if far + km < best.get(j, math.inf):
                best[j] = far + km
                heapq.heappush(queue, (far + km, j))
    return math.inf


@SLOWLY
@given(scenes())
def test_graph_equals_search_over_all_vertices(scene):
    shapes = np.array(scene.areas, dtype=object)
    plane = choose_plane(shapes)
    flat, _ = project_polygons(shapes, plane)
    outline = Outline.from_polygons(widen(flat, plane, 1.0, 20.0), plane)  # few vertices
    a, b = vector(scene.start), vector(scene.end)
    at = outline.locate(np.vstack((a, b)))
    assume(at[0] == at[1] != CLOSED)
    path = find_paths(link_outline(outline), a, b)[0]
    assert path is not None
    assert_allclose(path[0], search_all_vertices(outline, a, b), rtol=0, atol=0.1)


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
    assert after >= before - 2.0 - 1e-4 * min(before, 1e6)  # outlines are simplified anew


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
    assert_allclose(there, here, rtol=2e-4, atol=2.0)


@SLOWLY
@given(scenes())
def test_length_does_not_fall_as_tolerance_grows(scene):
    shapes = np.array(scene.areas, dtype=object)
    plane = choose_plane(shapes)
    flat, _ = project_polygons(shapes, plane)
    a, b = vector(scene.start), vector(scene.end)
    lengths = []
    for slack_km in (0.1, 0.5, 2.5, 12.5):
        outline = Outline.from_polygons(widen(flat, plane, 1.0, slack_km), plane)
        at = outline.locate(np.vstack((a, b)))
        if CLOSED in at or at[0] != at[1]:
            break
        path = find_paths(link_outline(outline), a, b)[0]
        assert path is not None
        lengths.append(path[0])
    assume(len(lengths) > 1)
    for (finer, slack_km), coarser in zip(
        zip(lengths, (0.1, 0.5, 2.5), strict=False), lengths[1:], strict=False
    ):
        assert coarser >= finer - 2.0 * slack_km - 1e-5 * finer
        assert coarser <= finer + 2.0 * math.pi * 8.0 * slack_km * 5.0  # no leg was lost


@SLOWLY
@given(scenes())
def test_outline_keeps_the_clearance_and_little_more(scene):
    shapes = np.array(scene.areas, dtype=object)
    plane = choose_plane(shapes)
    flat, _ = project_polygons(shapes, plane)
    outline = Outline.from_polygons(widen(flat, plane, 1.0), plane)
    lines = np.asarray(shapely.get_rings(flat))
    xy, line = shapely.get_coordinates(lines, return_index=True)
    keep = np.append(line[1:] == line[:-1], False)
    xyz = plane.unproject(xy)
    a, b = xyz[keep], np.roll(xyz, -1, axis=0)[keep]
    middle = outline.start + outline.end
    middle /= np.linalg.norm(middle, axis=1, keepdims=True)
    rim = np.vstack((outline.start, middle))
    rim = rim[:: len(rim) // 200 + 1]
    away = np.array([geodesy.distance_to_arcs_km(p, a, b).min() for p in rim]) / 1.852
    assert away.min() >= 1.0
    assert away.max() <= 1.06 + 2 * 0.2 + 0.02


@SLOWLY
@given(scenes())
def test_lower_bound_is_below_the_route_and_near_it(scene):
    found = length_km(scene.areas, vector(scene.start), vector(scene.end))
    assume(math.isfinite(found))
    core = FreeSpace.around(np.array(scene.areas, dtype=object)).core()
    path = find_paths(core.graph, vector(scene.start), vector(scene.end))[0]
    assert path is not None
    assert path[0] * (1 - 2e-5) <= found < path[0] + 60.0


@given(places, places)
def test_approximate_lengths_are_near_wgs84(start, end):
    assume(vector(start)[0] @ vector(end)[0] > -0.85)  # below 148 degrees
    known = float(geodesy.geodesic_km(*start, *end))
    near = approximate_geodesic_mm(vector(start), vector(end))[0]
    assert near == np.rint(near)
    assert near * 1e-6 == pytest.approx(known, rel=1e-5, abs=1e-3)


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
    assert_allclose(found.distance_km, legs.sum(), rtol=1e-12)
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
