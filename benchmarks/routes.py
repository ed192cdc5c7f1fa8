"""Routes: ours around "EU, United Kingdom and Ukraine closed", against what people would use."""

from __future__ import annotations

import itertools
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from airsim.airspace import Atlas, Paths, area_polygons, find_crossings, load_atlas, locate_points
from airsim.operation import load_aerodromes
from airsim.routing import Router, build_router, find_routes
from benchmarks.layers import arrange_layer, write_geojson
from benchmarks.legs import Floats
from benchmarks.measuring import SEED, Row, fit_exponent, import_peers, note, time_in_turn
from benchmarks.profiling import profile_task
from benchmarks.route_peers import (
    WINDOW,
    ExtremityRouter,
    GridRouter,
    Polygons,
    PyvisgraphRouter,
    line_km,
    open_corners,
    simplify_areas,
)

OURS = "Routes: EU, United Kingdom and Ukraine closed"
PEERS = "Routes: planar graphs, all on the same simplified outline"
GRID = "Routes: grid"
PROFILE = "Routes: where the time goes"
CLEARANCE_NM = 1.0
GRID_DEGREES = 0.05
STRIP = ("ULLI", "UMKK")  # by the high seas of the Gulf of Finland

Closed = list[tuple[str, int]]
# longitudes and latitudes of origins, then of destinations
Pairs = tuple[Floats, Floats, Floats, Floats]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of each."""

    pairs: int
    gaps: int
    tolerances_km: tuple[float, ...]
    repeats: int
    budget_s: float
    pyvisgraph: tuple[int, ...]
    extremity: tuple[int, ...]
    planar_queries: int
    grid_queries: int


FULL = Sizes(
    10_000, 1_000, (0.0, 0.2, 0.5, 1.0, 2.0, 5.0), 3, 10.0,
    (60, 120, 240, 480), (60, 120, 240, 480), 10, 8,
)  # fmt: skip
QUICK = Sizes(200, 50, (0.0, 2.0), 1, 1.0, (40,), (40, 80), 3, 1)


def measure(*, quick: bool = False) -> list[Row]:
    """Rows of all tables on routes."""
    sizes = QUICK if quick else FULL
    atlas = load_atlas()
    closed = close_europe(atlas)
    ours, reference = measure_ours(atlas, closed, sizes)
    return [
        *ours,
        *profile_ours(atlas, closed, sizes),
        *measure_grid(atlas, closed, reference, sizes),
        *measure_planar(atlas, closed, sizes),
    ]


# ------------------------------------------------------------------------------------ the work
def close_europe(atlas: Atlas) -> Closed:
    """Territories to which EU law applies, of the United Kingdom and of Ukraine."""
    layer = atlas.layer("territory")
    shut = np.flatnonzero(layer.eu_territory).tolist()
    for code in ("GB", "UA"):
        shut += layer.positions(code).tolist()
    return [("territory", k) for k in sorted(set(shut))]


def draw_pairs(atlas: Atlas, closed: Closed, count: int, *, blocked: bool, near: bool) -> Pairs:
    """Pairs of aerodromes outside the closed areas.

    `blocked`: pairs whose geodesic meets closed areas; `near`: aerodromes in the window.
    """
    spots = np.array([(a.lon, a.lat) for a in load_aerodromes().values()])
    if near:
        west, south, east, north = np.array(WINDOW) + np.array([1.0, 1.0, -1.0, -1.0])
        x, y = spots.T
        spots = spots[(x > west) & (x < east) & (y > south) & (y < north)]
    start, area = locate_points(atlas, "territory", spots[:, 0], spots[:, 1])
    shut = np.zeros(len(atlas.layer("territory")), np.bool_)
    shut[[k for _, k in closed]] = True
    owner = np.repeat(np.arange(len(spots)), np.diff(start))
    spots = np.delete(spots, owner[shut[area]], axis=0)
    pairs = np.random.default_rng(SEED).integers(0, len(spots), (16 * count + 64, 2))
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    if blocked:
        ends = spots[pairs]
        paths = Paths.from_legs(*ends[:, 0].T, *ends[:, 1].T)
        found = find_crossings(atlas, paths, layers=["territory"])
        pairs = pairs[np.unique(found.path[shut[found.area]])]
    ends = spots[pairs[:count]]
    return (*ends[:, 0].T.copy(), *ends[:, 1].T.copy())


def head(pairs: Pairs, count: int) -> Pairs:
    """The first pairs."""
    a, b, c, d = (v[:count] for v in pairs)
    return a, b, c, d


# ------------------------------------------------------------------------------------------ ours
_times = itertools.count()


def make_router(
    atlas: Atlas, closed: Closed, tolerance_km: float, clearance_nm: float = CLEARANCE_NM
) -> Router:
    """A router made anew: those in memory are found by what was asked, so that differs."""
    another = clearance_nm + 1e-9 * next(_times)
    return build_router(atlas, closed, clearance_nm=another, tolerance_km=tolerance_km)


def is_strip_open(router: Router) -> bool:
    """Whether St Petersburg reaches Kaliningrad."""
    a, b = (load_aerodromes()[name] for name in STRIP)
    return bool(np.isfinite(find_routes(router, [a.lon], [a.lat], [b.lon], [b.lat]).distance_km[0]))


def measure_ours(atlas: Atlas, closed: Closed, sizes: Sizes) -> tuple[list[Row], Router]:
    """A row per tolerance, and the router without one."""
    blocked = draw_pairs(atlas, closed, sizes.pairs, blocked=True, near=False)
    every = draw_pairs(atlas, closed, sizes.pairs, blocked=False, near=False)
    some = head(blocked, sizes.gaps)
    exact = make_router(atlas, closed, 0.0)
    truth = find_routes(exact, *some).distance_km
    find_routes(make_router(atlas, closed, 0.0), *blocked)  # loads the machine code of batches
    rows = []
    for tolerance in sizes.tolerances_km:
        took: list[list[float]] = []
        for _ in range(sizes.repeats):
            clock = [(time.perf_counter(), time.process_time())]
            router = make_router(atlas, closed, tolerance)
            router.draw_outline()
            clock.append((time.perf_counter(), time.process_time()))
            corners, legs = router.build_graph()
            clock.append((time.perf_counter(), time.process_time()))
            found = find_routes(router, *blocked)
            clock.append((time.perf_counter(), time.process_time()))
            find_routes(router, *blocked)
            clock.append((time.perf_counter(), time.process_time()))
            find_routes(router, *every)
            clock.append((time.perf_counter(), time.process_time()))
            took.append(np.diff(clock, axis=0).T.ravel().tolist())
        best = np.min(took, axis=0).tolist()
        outline_s, graph_s, first_s, again_s, every_s = best[:5]
        outline_cpu, graph_cpu, first_cpu = best[5:8]
        length = found.distance_km[: sizes.gaps]
        gap = 100.0 * (length / truth - 1.0)
        gap = gap[np.isfinite(gap)]
        count = sizes.pairs
        rows.append(
            {
                "table": OURS,
                "tolerance_km": f"{tolerance:g}",
                "vertices": sum(_vertices(atlas, k) for _, k in closed),
                "corners": corners,
                "legs": legs,
                "outline_s": outline_s,
                "graph_s": graph_s,
                "outline_cpu_s": outline_cpu,
                "graph_cpu_s": graph_cpu,
                "pairs": count,
                "blocked_per_s_with_graph": count / (graph_s + first_s),
                "blocked_per_s_with_all": count / (outline_s + graph_s + first_s),
                "blocked_per_s_again": count / again_s,
                "blocked_per_cpu_s_with_graph": count / (graph_cpu + first_cpu),
                "any_per_s_with_graph": count / (graph_s + every_s),
                "gap_median_%": float(np.median(gap)),
                "gap_max_%": float(gap.max()),
                "no_route": int(np.isnan(length).sum()),
                "wrongly_none": int((np.isnan(length) & np.isfinite(truth)).sum()),
                "strip_open": is_strip_open(router),
            }
        )
    return rows, exact


def profile_ours(atlas: Atlas, closed: Closed, sizes: Sizes) -> list[Row]:
    """What building a graph and asking it spend their time on."""
    tolerance = 2.0
    title = f", {tolerance:g} km"
    blocked = draw_pairs(atlas, closed, sizes.pairs, blocked=True, near=False)

    def build() -> Router:
        router = make_router(atlas, closed, tolerance)
        router.build_graph()
        return router

    router = build()
    return [
        *profile_task(PROFILE, f"outline and graph{title}", build, 1, repeats=sizes.repeats),
        *profile_task(
            PROFILE, f"blocked pairs{title}", lambda: find_routes(router, *blocked),
            len(blocked[0]), repeats=sizes.repeats,
        ),
    ]  # fmt: skip


def _vertices(atlas: Atlas, area: int) -> int:
    layer = atlas.layer("territory")
    first, last = layer.ring_start[area], layer.ring_start[area + 1]
    return int(layer.vertex_start[last] - layer.vertex_start[first])


# ------------------------------------------------------------------------------------------ grid
def measure_grid(atlas: Atlas, closed: Closed, router: Router, sizes: Sizes) -> list[Row]:
    """The grid and ours on the same pairs in the window."""
    found, notes = import_peers(["skimage.graph"])
    if notes:
        return notes
    mcp = found["skimage.graph"].MCP_Geometric
    areas = np.array(area_polygons(atlas.layer("territory"), [k for _, k in closed]), dtype=object)
    began = time.perf_counter()
    grid = GridRouter.around(mcp, areas, GRID_DEGREES)
    set_up = time.perf_counter() - began
    pairs = np.stack(draw_pairs(atlas, closed, 40 * sizes.grid_queries, blocked=True, near=True))
    free = grid.is_open(pairs[0], pairs[1]) & grid.is_open(pairs[2], pairs[3])
    ours = find_routes(router, *pairs).distance_km
    # both have a route, and it stays in the window
    chosen = np.flatnonzero(free & np.isfinite(ours) & (ours < 6_000.0))[: sizes.grid_queries]
    some = pairs[:, chosen]
    tasks = {
        "grid": lambda: [grid.find((a, b), (c, d)) for a, b, c, d in some.T.tolist()],
        "airsim": lambda: find_routes(router, *some),
    }
    timings = time_in_turn(tasks, repeats=sizes.repeats, budget_s=0.0)
    lines = timings["grid"].result
    kept = [k for k, line in enumerate(lines) if line is not None]
    longer = np.array([100.0 * (line_km(lines[k]) / ours[chosen[k]] - 1.0) for k in kept])
    a, b = (load_aerodromes()[name] for name in STRIP)
    strip = grid.find((a.lon, a.lat), (b.lon, b.lat)) is not None
    each = {name: 1e3 * timing.best_s / len(chosen) for name, timing in timings.items()}
    return [
        {
            "table": GRID,
            "method": f"grid of {GRID_DEGREES} degrees, pulled tight (scikit-image)",
            "set-up_s": set_up,
            "cells": grid.cost.size,
            "queries": len(chosen),
            "ms_per_query": each["grid"],
            "ratio": each["grid"] / each["airsim"],
            "longer_median_%": float(np.median(longer)),
            "longer_max_%": float(longer.max()),
            "no_route": len(chosen) - len(kept),
            "routes_in_closed_areas": count_violations(atlas, closed, [lines[k] for k in kept]),
            "strip_open": strip,
        },
        {
            "table": GRID,
            "method": "airsim, tolerance 0, one batch",
            "queries": len(chosen),
            "ms_per_query": each["airsim"],
            "ratio": 1.0,
            "longer_median_%": 0.0,
            "longer_max_%": 0.0,
            "no_route": 0,
            "routes_in_closed_areas": count_violations(
                atlas, closed, [r.points for r in timings["airsim"].result]
            ),
            "strip_open": is_strip_open(router),
        },
        note(
            "routes: the grid keeps no clearance but whole cells, airsim 1 NM; its grid covers"
            f" {WINDOW[0]:g} to {WINDOW[2]:g} E, {WINDOW[1]:g} to {WINDOW[3]:g} N only"
        ),
    ]


def count_violations(atlas: Atlas, closed: Closed, lines: list[Floats]) -> int:
    """Lines that enter closed areas for more than 100 m, along great circles."""
    found = find_crossings(atlas, Paths.from_lines(lines), layers=["territory"], model="sphere")
    shut = np.zeros(len(atlas.layer("territory")), np.bool_)
    shut[[k for _, k in closed]] = True
    inside = shut[found.area] & (found.exit_km - found.entry_km > 0.1)
    return len(np.unique(found.path[inside]))


# ---------------------------------------------------------------------------------- planar graphs
def measure_planar(atlas: Atlas, closed: Closed, sizes: Sizes) -> list[Row]:
    """Planar tools and ours on one outline, simplified to sizes that the former can finish."""
    peers = {"pyvisgraph": PyvisgraphRouter, "extremitypathfinder": ExtremityRouter}
    found, notes = import_peers(peers)
    areas = np.array(area_polygons(atlas.layer("territory"), [k for _, k in closed]), dtype=object)
    runs = {"pyvisgraph": sizes.pyvisgraph, "extremitypathfinder": sizes.extremity}
    rows: list[Row] = []
    for vertices in sorted({n for name in found for n in runs[name]}):
        polygons = simplify_areas(areas, vertices)
        names = [name for name in found if vertices in runs[name]]
        makers = {name: partial(peers[name], found[name], polygons) for name in names}
        rows += _measure_outline(atlas, polygons, makers, sizes)
    return [*rows, *_extrapolate(rows, atlas, closed), *notes]


def _measure_outline(
    atlas: Atlas, polygons: Polygons, makers: dict[str, Any], sizes: Sizes
) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"outline-{len(shapely.get_coordinates(polygons))}.geojson"
        write_geojson(file, [shapely.get_coordinates(p) for p in polygons])
        own = arrange_layer(atlas, "fir", file)
    shut = [("fir", k) for k in range(len(own.layer("fir")))]
    pairs = _pairs_around(polygons, sizes.planar_queries)

    def make_ours() -> Router:
        router = make_router(own, shut, 0.0, 0.05)
        router.build_graph()
        return router

    builds = time_in_turn(
        {"airsim": make_ours, **makers}, repeats=sizes.repeats, budget_s=sizes.budget_s / 5
    )
    ours = builds["airsim"].result
    queries: dict[str, Any] = {"airsim": lambda: find_routes(ours, *pairs.T)}
    for name in makers:
        peer = builds[name].result
        queries[name] = lambda peer=peer: [
            peer.find((a, b), (c, d)) for a, b, c, d in pairs.tolist()
        ]
    asked = time_in_turn(queries, repeats=sizes.repeats, budget_s=sizes.budget_s / 5)
    length = asked["airsim"].result.distance_km
    rows = []
    for name, build in builds.items():
        answer = asked[name].result
        km = length if name == "airsim" else np.array([line_km(line) for line in answer])
        longer = 100.0 * (km / length - 1.0)
        rows.append(
            {
                "table": PEERS,
                "method": name,
                "vertices": sum(len(open_corners(p)) for p in polygons),
                "build_s": build.best_s,
                "build_ratio": build.best_s / builds["airsim"].best_s,
                "queries": len(pairs),
                "ms_per_query": 1e3 * asked[name].best_s / len(pairs),
                "query_ratio": asked[name].best_s / asked["airsim"].best_s,
                "longer_median_%": float(np.nanmedian(longer)),
                "longer_max_%": float(np.nanmax(longer)),
            }
        )
    return rows


def _pairs_around(polygons: Polygons, count: int) -> NDArray[np.float64]:
    """Pairs of open points in the window whose straight line meets a polygon, shape (n, 4)."""
    random = np.random.default_rng(SEED)
    west, south, east, north = WINDOW
    ends = random.uniform((west, south) * 2, (east, north) * 2, (60 * count, 4))
    whole = shapely.union_all(shapely.buffer(polygons, 0.2))
    shapely.prepare(whole)
    free = ~shapely.contains_xy(whole, ends[:, :2]) & ~shapely.contains_xy(whole, ends[:, 2:])
    met = shapely.intersects(whole, shapely.linestrings(ends.reshape(-1, 2, 2)))
    return ends[free & met][:count]


def _extrapolate(rows: list[Row], atlas: Atlas, closed: Closed) -> list[Row]:
    """What the planar tools would take for the whole outline, if they went on as they began."""
    whole = sum(_vertices(atlas, k) for _, k in closed)
    guessed = []
    for name in dict.fromkeys(row["method"] for row in rows if row["method"] != "airsim"):
        mine = [row for row in rows if row["method"] == name]
        size, cost = [row["vertices"] for row in mine], [row["build_s"] for row in mine]
        power = fit_exponent(size, cost)
        if np.isfinite(power):
            hours = cost[-1] * (whole / size[-1]) ** power / 3600.0
            guessed.append(
                note(
                    f"routes: {name} builds in vertices to the power of {power:.2f} between"
                    f" {size[0]} and {size[-1]} vertices; extrapolated, not measured: {hours:,.1f}"
                    f" hours for the {whole:,} vertices of the whole closed set"
                )
            )
    return guessed
