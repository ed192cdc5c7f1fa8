"""The benchmarks' front end, arithmetic and accuracy; never a time."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import shapely

from airsim.airspace import Atlas, Paths, find_crossings, load_atlas, locate_points
from airsim.geodesy import great_circle_km
from airsim.scenario import load_scenario
from benchmarks import (
    crossings,
    events,
    figures,
    growth,
    profiling,
    route_peers,
    routes,
    start,
    writing,
)
from benchmarks.__main__ import PARTS, parse_options, print_rows, run_part
from benchmarks.layers import arrange_layer
from benchmarks.legs import Legs, Stays, compare_stays, draw_legs, join_pieces, stays_of
from benchmarks.measuring import (
    Timing,
    fit_exponent,
    format_table,
    format_value,
    import_peers,
    note,
    time_in_turn,
)
from benchmarks.peers import draw_lines, make_sampling_tree_peer, make_tree_peer
from benchmarks.reference import find_by_brute_force, find_by_sub_legs
from benchmarks.streaming import list_visited_cells

SQUARES = {"WEST": (-120.0, 10.0, 20.0), "EAST": (60.0, 20.0, 25.0), "SEAM": (175.0, -10.0, 20.0)}


def _ring(west: float, south: float, size: float) -> list[list[float]]:
    steps = np.linspace(0.0, 1.0, 40, endpoint=False)
    south_side = [(west + t * size, south) for t in steps]
    east_side = [(west + size, south + t * size) for t in steps]
    north_side = [(west + size - t * size, south + size) for t in steps]
    west_side = [(west, south + size - t * size) for t in steps]
    ring = [*south_side, *east_side, *north_side, *west_side]
    return [[(lon + 180.0) % 360.0 - 180.0, lat] for lon, lat in [*ring, ring[0]]]


@pytest.fixture(scope="module")
def atlas(tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    """Three squares for FIRs, one of them across 180 degrees."""
    features = [
        {
            "type": "Feature",
            "properties": {"designator": name},
            "geometry": {"type": "Polygon", "coordinates": [_ring(*square)]},
        }
        for name, square in SQUARES.items()
    ]
    file = tmp_path_factory.mktemp("layer") / "fir.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return load_atlas(fir=file)


def _stays(*rows: tuple[int, int, float, float]) -> Stays:
    table = np.array(rows, np.float64).reshape(-1, 4)
    leg, area = table[:, 0].astype(np.int64), table[:, 1].astype(np.int64)
    return Stays(leg, area, table[:, 2], table[:, 3])


# ------------------------------------------------------------------------------------ measuring
def test_tasks_run_in_turn_after_one_warm_run_each() -> None:
    order: list[str] = []
    timings = time_in_turn(
        {name: lambda name=name: order.append(name) or name for name in "ab"}, repeats=3
    )
    assert "".join(order) == "ab" + 3 * "ab"
    assert [len(t.wall_s) for t in timings.values()] == [3, 3]
    assert timings["b"].result == "b"


def test_a_task_without_budget_runs_once_more_than_its_warm_run() -> None:
    runs: list[int] = []
    timings = time_in_turn({"slow": lambda: runs.append(0)}, repeats=9, budget_s=0.0)
    assert len(runs) == 2
    assert len(timings["slow"].wall_s) == 1


def test_best_and_median_leave_the_first_run_out() -> None:
    timing = Timing(99.0, (3.0, 1.0, 2.0), (6.0, 5.0, 4.0), None)
    assert (timing.best_s, timing.median_s, timing.best_cpu_s) == (1.0, 2.0, 4.0)


def test_exponents_are_those_of_power_laws() -> None:
    size = np.array([10.0, 100.0, 1000.0])
    assert fit_exponent(size, 7.0 * size**0.4) == pytest.approx(0.4)
    assert np.isnan(fit_exponent([5.0, 5.0], [1.0, 2.0]))


def test_absent_peers_are_named() -> None:
    found, notes = import_peers(["json", "no_such_peer"])
    assert list(found) == ["json"]
    assert "no_such_peer is absent" in notes[0]["note"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (float("nan"), ""), (1234567, "1,234,567"), (1234.5, "1,230"), (0.0, "0"),
     (0.12345, "0.123"), (4.2e-9, "4.2e-09"), (True, "yes"), ("S2", "S2")],
)  # fmt: skip
def test_values_show_the_digits_that_matter(value: object, text: str) -> None:
    assert format_value(value) == text


def test_tables_have_every_column_of_any_row() -> None:
    lines = format_table(
        [
            {"table": "t", "method": "a", "us_per_leg": 1.0},
            {"table": "t", "method": "b", "ratio": 2},
        ]
    ).splitlines()
    assert lines[0].split() == ["|", "method", "|", "us", "per", "leg", "|", "ratio", "|"]
    assert len({len(line) for line in lines}) == 1


# ----------------------------------------------------------------------------------- front end
def test_a_missing_part_is_said_not_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PARTS, "rules", "no_such_module")
    (row,) = run_part("rules", quick=True, unsimplified=None)
    assert "rules: not measured" in row["note"]


def test_only_known_parts_are_taken() -> None:
    assert parse_options(["--only", "crossings", "events"]).only == ["crossings", "events"]
    with pytest.raises(SystemExit):
        parse_options(["--only", "weather"])


def test_tables_and_notes_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows([{"table": "Speed", "method": "ours", "ratio": 1.0}, note("a peer is absent")])
    printed = capsys.readouterr().out
    assert "Speed" in printed and "| ours" in printed and "* a peer is absent" in printed


# ----------------------------------------------------------------------------- legs and stays
def test_fewer_legs_are_the_head_of_more() -> None:
    few, many = draw_legs(5), draw_legs(50)
    for name in ("lon0", "lat0", "lon1", "lat1"):
        np.testing.assert_array_equal(getattr(few, name), getattr(many.head(5), name))
    assert len(many) == 50


def test_pieces_that_touch_are_one_stay_and_touches_are_none() -> None:
    stays = join_pieces(
        np.array([0, 0, 0, 1]), np.array([7, 7, 7, 7]),
        np.array([20.0, 10.0, 50.0, 5.0]), np.array([30.0, 20.0, 50.0, 6.0]),
    )  # fmt: skip
    assert stays.entry_km.tolist() == [10.0, 5.0]
    assert stays.exit_km.tolist() == [30.0, 6.0]


def test_errors_are_of_pairs_with_equal_counts_without_the_ends_of_legs() -> None:
    truth = _stays((0, 1, 0.0, 10.0), (0, 2, 20.0, 100.0), (1, 1, 5.0, 6.0))
    found = _stays((0, 1, 0.0, 10.002), (0, 2, 20.001, 100.0), (1, 1, 5.0, 5.4), (1, 1, 5.5, 6.0))
    accuracy = compare_stays(found, truth, np.array([100.0, 100.0]))
    assert (accuracy.pairs, accuracy.wrong_count) == (3, 1)
    np.testing.assert_allclose(np.sort(accuracy.errors_m), [1.0, 2.0])


def test_a_stay_found_by_one_side_only_is_a_wrong_count() -> None:
    length = np.array([100.0])
    one, none = _stays((0, 3, 1.0, 2.0)), _stays()
    assert compare_stays(one, none, length).wrong_count == 1
    assert compare_stays(none, one, length).wrong_count == 1
    assert compare_stays(one, none, length, without=np.array([3])).pairs == 0


# ---------------------------------------------------------------------------------- crossings
def _of_ours(atlas: Atlas, legs: Legs, model: str = "sphere") -> Stays:
    return stays_of(find_crossings(atlas, legs.to_paths(), layers=["fir"], model=model))  # type: ignore[arg-type]


def _lengths(legs: Legs) -> np.ndarray:
    return great_circle_km(legs.lon0, legs.lat0, legs.lon1, legs.lat1)


def test_brute_force_agrees_with_the_index(atlas: Atlas) -> None:
    legs = draw_legs(200)
    accuracy = compare_stays(
        _of_ours(atlas, legs), find_by_brute_force(atlas.layer("fir"), legs), _lengths(legs)
    )
    assert accuracy.pairs > 50
    assert accuracy.wrong_count == 0
    assert accuracy.errors_m.max() < 1e-3


def test_short_pieces_on_the_map_come_near_the_great_circle(atlas: Atlas) -> None:
    legs = draw_legs(200)
    layer = atlas.layer("fir")
    areas = np.array(crossings.area_polygons(layer, range(len(layer))), dtype=object)
    truth = find_by_brute_force(layer, legs)
    fine, coarse = (
        compare_stays(make_tree_peer(areas, step)(legs), truth, _lengths(legs)) for step in (5, 200)
    )
    assert fine.wrong_count == 0
    assert np.median(fine.errors_m) < np.median(coarse.errors_m)
    samples = compare_stays(make_sampling_tree_peer(areas)(legs), truth, _lengths(legs))
    assert 100.0 < np.median(samples.errors_m) <= samples.errors_m.max() < 5_100.0


def test_lines_are_split_at_180(atlas: Atlas) -> None:
    legs = Legs(np.array([170.0]), np.array([0.0]), np.array([-170.0]), np.array([10.0]))
    lines, owner = draw_lines(legs, 50.0)
    assert owner.tolist() == [0, 0]
    assert [line.bounds[0::2] for line in lines] == [(170.0, 180.0), (-180.0, -170.0)]


def test_geodesics_in_short_pieces_have_the_stays_of_long_ones(atlas: Atlas) -> None:
    legs = draw_legs(60)
    pieces = find_by_sub_legs(atlas, ["fir"], legs)["fir"]
    accuracy = compare_stays(_of_ours(atlas, legs, "wgs84"), pieces, 2e4 + np.zeros(60))
    assert accuracy.wrong_count == 0
    assert np.median(accuracy.errors_m) < 2.0


def test_visited_cells_lie_next_to_each_other(atlas: Atlas) -> None:
    legs = draw_legs(20)
    start, cell = list_visited_cells(atlas.layer("fir"), legs)
    n = atlas.layer("fir").index.side
    face, i, j = cell // (n * n), cell // n % n, cell % n
    for k in range(20):
        part = slice(start[k], start[k + 1])
        step = np.abs(np.diff(i[part])) + np.abs(np.diff(j[part]))
        same_face = np.diff(face[part]) == 0
        assert (step[same_face] <= 2).all()
        assert start[k + 1] > start[k]


def test_ratios_are_those_of_the_times_in_the_table(atlas: Atlas) -> None:
    rows = crossings.measure_layer(atlas, "fir", "squares", crossings.TINY)
    speed = [row for row in rows if row["table"] == "Crossings: speed, squares"]
    base = speed[0]["us_per_leg"]
    assert speed[0]["method"] == "airsim, sphere, 2 threads"
    for row in speed:
        assert row["ratio"] == pytest.approx(row["us_per_leg"] / base)
    methods = {row["method"].split(",")[0] for row in speed}
    assert {"shapely STRtree + intersection", "geopandas.overlay"} <= methods
    exact = [row for row in rows if row["table"] == crossings.ACCURACY]
    assert {row["wrong_count"] for row in exact if "wgs84" in row["method"]} == {0}
    (stream, _) = [row for row in rows if row["table"] == crossings.STREAM]
    assert stream["ratio"] == pytest.approx(stream["airsim_us"] / stream["streaming_us"])


# ------------------------------------------------------------------------------------- events
def test_bare_loops_go_through_the_moments_of_the_simulation() -> None:
    times = [[0, 5, 9], [3], [5, 5]]
    assert events.run_heap(times) == (6, 6)
    # each moment is an event, so are the start and the end of each process
    assert events.run_simpy(times) == (6, 6 + 2 * 3)


def test_events_are_counted_in_the_same_run_of_the_simulation() -> None:
    scenario = load_scenario("zapad-2025")
    rows = events.measure_scenario(replace(scenario, flights=scenario.flights[:3]), repeats=1)
    assert [row["ratio_to_SimPy"] for row in rows if row["method"].startswith("SimPy")] == [1.0]
    base = next(row["us_per_moment"] for row in rows if row["method"].startswith("SimPy"))
    for row in rows:
        assert row["ratio_to_SimPy"] == pytest.approx(row["us_per_moment"] / base)
        assert row["moments_per_s"] == pytest.approx(1e6 / row["us_per_moment"])
    heap, simpy, _, run = rows
    assert heap["moments"] == simpy["moments"] == run["moments"] > 3


# ------------------------------------------------------------------------------------- growth
def test_grids_have_as_many_areas_as_asked_and_like_vertices(tmp_path: Path) -> None:
    vertices = []
    for areas in (8, 128):
        growth.write_grid(tmp_path / "grid.geojson", areas)
        layer = arrange_layer(load_atlas(), "fir", tmp_path / "grid.geojson").layer("fir")
        assert len(layer) == areas
        vertices.append(len(layer.lonlat))
    assert max(vertices) < 1.05 * min(vertices)


def test_obstacles_leave_routes_and_cost_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "islands.geojson"
    growth.write_islands(file, 6)
    row = growth.run_case({"grows": "obstacles", "pairs": 4, "fir": str(file)})
    assert row["size"] == 6
    assert row["per_item_us"] == pytest.approx(1e6 * row["seconds"] / 4)
    assert row["peak_mb"] >= row["before_mb"] > 0.0


def test_rules_grow_apart_from_laying_them_out() -> None:
    row = growth.run_case({"grows": "rules", "size": 6, "crossings": 400})
    assert (row["grows"], row["size"]) == ("rules", 6)
    assert row["per_item_us"] == pytest.approx(1e6 * row["seconds"] / 400)
    assert row["set-up_s"] > 0.0


def test_exponents_are_fitted_per_thing_that_grows() -> None:
    rows = [
        {"grows": g, "size": n, "seconds": n**k, "set-up_s": s, "before_mb": 10, "peak_mb": 10 + n}
        for g, k, s in (("legs", 1.0, None), ("areas", 0.5, 2.0))
        for n in (10, 100, 1000)
    ]
    legs, areas = growth.fit_rows(rows)
    assert (legs["from"], legs["to"], legs["grows"]) == (10, 1000, "legs")
    assert legs["time_exponent"] == pytest.approx(1.0)
    assert areas["time_exponent"] == pytest.approx(0.5)
    assert legs["set-up_exponent"] is None
    assert areas["set-up_exponent"] == pytest.approx(0.0)
    assert areas["memory_exponent"] == pytest.approx(1.0)


# ------------------------------------------------------------------------------------- routes
BOX = np.array([(10.0, 45.0), (20.0, 45.0), (20.0, 55.0), (10.0, 55.0)])


def _boxes() -> np.ndarray:
    return np.array([shapely.Polygon(BOX)], dtype=object)


def test_pairs_are_outside_closed_areas_and_blocked_ones_meet_them() -> None:
    atlas = load_atlas()
    closed = routes.close_europe(atlas)
    shut = {k for _, k in closed}
    lon0, lat0, lon1, lat1 = routes.draw_pairs(atlas, closed, 40, blocked=True, near=False)
    assert lon0.size == 40
    _, area = locate_points(atlas, "territory", np.append(lon0, lon1), np.append(lat0, lat1))
    assert not shut & set(area.tolist())
    found = find_crossings(atlas, Paths.from_legs(lon0, lat0, lon1, lat1), layers=["territory"])
    assert set(found.path[np.isin(found.area, list(shut))].tolist()) == set(range(40))


def test_simplified_outlines_have_about_the_corners_asked_for() -> None:
    turn = np.linspace(0.0, 2.0 * np.pi, 500, endpoint=False)
    star = np.stack((20.0 + (8 + np.sin(9 * turn)) * np.cos(turn), 50.0 + 6 * np.sin(turn)), axis=1)
    (found,) = route_peers.simplify_areas(np.array([shapely.Polygon(star)], dtype=object), 40)
    assert 20 <= len(route_peers.open_corners(found)) <= 41


def test_the_grid_goes_around_what_is_closed() -> None:
    graph = pytest.importorskip("skimage.graph")
    grid = route_peers.GridRouter.around(graph.MCP_Geometric, _boxes(), 0.5)
    line = grid.find((5.0, 50.0), (25.0, 50.0))
    assert line is not None
    assert line[0].tolist() == [5.0, 50.0] and line[-1].tolist() == [25.0, 50.0]
    along = np.concatenate([np.linspace(a, b, 50) for a, b in pairwise(line)])
    assert not shapely.contains_xy(shapely.Polygon(BOX).buffer(-0.5), along).any()
    round_north = route_peers.line_km(np.array([(5, 50), (10, 55), (20, 55), (25, 50)], float))
    assert round_north * 0.99 < route_peers.line_km(line) < round_north * 1.05


@pytest.mark.parametrize(
    ("module", "router"),
    [
        ("pyvisgraph", route_peers.PyvisgraphRouter),
        ("extremitypathfinder", route_peers.ExtremityRouter),
    ],
)
def test_planar_graphs_turn_at_the_corners(module: str, router: type) -> None:
    line = router(pytest.importorskip(module), _boxes()).find((5.0, 48.0), (25.0, 48.0))
    assert line.tolist() == [[5, 48], [10, 45], [20, 45], [25, 48]]


def test_what_is_extrapolated_is_said_to_be() -> None:
    atlas = load_atlas()
    closed = routes.close_europe(atlas)
    rows = [
        {"method": name, "vertices": n, "build_s": 1e-4 * n**2}
        for n in (100, 200)
        for name in ("airsim", "slow")
    ]
    (row,) = routes._extrapolate(rows, atlas, closed)
    assert "slow builds in vertices to the power of 2.00 between 100 and 200" in row["note"]
    assert "extrapolated, not measured" in row["note"]


def test_planar_rows_are_ratios_to_ours_on_the_same_outline() -> None:
    pytest.importorskip("extremitypathfinder")
    sizes = replace(routes.QUICK, pyvisgraph=(), extremity=(30,), planar_queries=2)
    atlas = load_atlas()
    rows = routes.measure_planar(atlas, routes.close_europe(atlas), sizes)
    ours, peer = (row for row in rows if row["table"] == routes.PEERS)
    assert (ours["method"], ours["build_ratio"], ours["query_ratio"]) == ("airsim", 1.0, 1.0)
    assert ours["vertices"] == peer["vertices"] <= 31
    assert peer["build_ratio"] == pytest.approx(peer["build_s"] / ours["build_s"])


# -------------------------------------------------------------------------------------- start
def test_a_process_that_fails_is_no_result() -> None:
    row = start.time_process("nothing", ("-c", "pass"), warm=False)
    assert row["runs"] == 1 and row["best_s"] > 0.0
    with pytest.raises(RuntimeError):
        start.time_process("broken", ("-c", "raise SystemExit(2)"), warm=False)


# --------------------------------------------------------------- figures, plots and what is written
def _results() -> dict[str, dict[str, object]]:
    speed = [
        {"table": "Crossings: speed, territory", "method": method, "us_per_leg": us,
         "ratio": us / 5.0, "error_median_m": error, "error_max_m": 9.0 * error}
        for method, us, error in (
            ("airsim, sphere, 2 threads", 5.0, 1e-9), ("airsim, wgs84, 2 threads", 15.0, 0.4),
            ("shapely STRtree + intersection, 50 km", 6000.0, 8.0),
        )
    ]  # fmt: skip
    stream = [
        {"table": crossings.STREAM, "layer": "territory", "threads": n, "airsim_us": 5.0,
         "streaming_us": 2.0, "ratio": 2.5}
        for n in (1, 2)
    ]  # fmt: skip
    grown = [
        {"table": growth.TABLE, "grows": "legs", "size": n, "set-up_s": None, "seconds": n / 1e5}
        for n in (1000, 2000)
    ]
    fitted = {"table": growth.EXPONENTS, "grows": "legs", "time_exponent": 1.0}
    machine = {
        "processor": "a processor", "cores": 2, "memory_gb": 8.0, "system": "a system",
        "versions": {"numpy": "2.4"},
    }  # fmt: skip
    kept = {"date": "2026-01-01", "seconds": 7, "machine": machine}
    return {
        "crossings": kept | {"rows": [*speed, *stream, note("S2 rejects nothing")]},
        "growth": kept | {"rows": [*grown, fitted]},
    }


def test_figures_are_read_from_the_rows_and_the_missing_are_not_measured() -> None:
    rows = [row for part in _results().values() for row in part["rows"]]  # type: ignore[attr-defined]
    found = {row["figure"]: row for row in figures.judge_figures(rows)}
    tree = found["crossings, all territories as shipped, sphere"]
    assert (tree["measured"], tree["reached"]) == ("1,200x", True)
    stream = found["the same as shipped, against reading its own edges"]
    assert stream["measured"].startswith("2.5x") and stream["reached"] is False
    cost = found["WGS84 against sphere, time"]
    assert (cost["measured"], cost["reached"]) == ("territory 3.00x", False)
    fir = found["crossings, FIRs, sphere"]
    assert (fir["measured"], fir["reached"]) == ("not measured", None)


def test_every_reason_belongs_to_a_figure_and_every_figure_has_an_id_of_its_own() -> None:
    ids = [figure.id for figure in figures.FIGURES]
    assert len(set(ids)) == len(ids)
    assert set(figures.load_reasons()) <= set(ids)


def test_what_is_written_has_machine_date_tables_plots_and_notes(tmp_path: Path) -> None:
    writing.write_results(_results(), tmp_path)
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    for part in ("2026-01-01: a processor, 2 cores", "numpy 2.4", "### Growth: exponents",
                 "* S2 rejects nothing", "![Growth and memory](growth.png)"):  # fmt: skip
        assert part in text
    assert "routes.png" not in text  # not measured
    assert {p.name for p in tmp_path.glob("*.png")} == {
        "crossings-speed.png", "crossings-accuracy.png", "growth.png",
    }  # fmt: skip
    before = (tmp_path / "growth.png").read_bytes()
    writing.write_results(_results(), tmp_path)
    assert (tmp_path / "growth.png").read_bytes() == before
    assert json.loads((tmp_path / "results.json").read_text())["parts"]["growth"]["seconds"] == 7


def test_rows_are_kept_as_plain_values() -> None:
    row = {"table": "t", "a": np.float64(2.5), "b": np.int64(3), "c": float("nan"), "d": np.True_}
    assert writing.strip_row(row) == {"table": "t", "a": 2.5, "b": 3, "c": None, "d": True}


def test_quick_figures_and_figures_without_a_date_are_not_written() -> None:
    for arguments in (["--write"], ["--write", "--quick", "--date", "2026-01-01"]):
        with pytest.raises(SystemExit):
            parse_options(arguments)


def test_a_profile_accounts_for_all_of_the_time(atlas: Atlas) -> None:
    rows = profiling.profile_task(
        "t", "find", lambda: _of_ours(atlas, draw_legs(50)), 50, repeats=1
    )
    assert sum(row["share_%"] for row in rows) == pytest.approx(100.0)
    assert "trace_paths" in {row["where"] for row in rows}
    assert rows[-1]["where"] == profiling.BETWEEN
