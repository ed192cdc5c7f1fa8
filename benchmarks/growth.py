"""Growth of time and memory with the size of the work; each case in a process of its own."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.layers import arrange_layer, write_geojson
from benchmarks.measuring import (
    SEED,
    Row,
    fit_exponent,
    note,
    peak_rss_mb,
    run_apart,
    time_in_turn,
)

TABLE, EXPONENTS = "Growth", "Growth: exponents"
_LEGS = 20_000
_GRID_VERTICES = 60_000


def measure(*, quick: bool = False, unsimplified: Path | None = None) -> list[Row]:
    """Rows of both tables."""
    with tempfile.TemporaryDirectory() as folder:
        cases = list_cases(Path(folder), quick=quick, unsimplified=unsimplified)
        rows = [{"table": TABLE, **run_apart("benchmarks.growth", case)} for case in cases]
    missing = [note("growth: no unsimplified layer was given")] if unsimplified is None else []
    return [*rows, *fit_rows(rows), *missing]


def fit_rows(rows: Iterable[Row]) -> list[Row]:
    """One row per thing that grows: exponents over the range measured."""
    fitted = []
    every = list(rows)
    for grows in dict.fromkeys(row["grows"] for row in every):
        mine = [row for row in every if row["grows"] == grows]
        size = [row["size"] for row in mine]
        extra = [row["peak_mb"] - row["before_mb"] for row in mine]
        fitted.append(
            {
                "table": EXPONENTS,
                "grows": grows,
                "from": min(size),
                "to": max(size),
                "time_exponent": fit_exponent(size, [row["seconds"] for row in mine]),
                "set-up_exponent": fit_exponent(size, [row["set-up_s"] for row in mine])
                if all(row["set-up_s"] for row in mine)
                else None,
                "memory_exponent": fit_exponent(size, np.maximum(extra, 0.1)),
            }
        )
    return fitted


def list_cases(folder: Path, *, quick: bool, unsimplified: Path | None) -> Iterable[Row]:
    """Cases in order; files that they need are written to the folder first."""
    for count in (1_000, 10_000) if quick else (3_000, 10_000, 30_000, 100_000, 300_000):
        yield {"grows": "legs", "size": count}
    legs = 1_000 if quick else _LEGS
    for degrees in () if quick else (0.5, 0.2, 0.1, 0.05):
        file = folder / f"territory-{degrees}.parquet"
        write_simplified(file, degrees)
        yield {"grows": "vertices", "legs": legs, "territory": str(file)}
    if not quick:
        yield {"grows": "vertices", "legs": legs, "territory": None}
    if unsimplified is not None and not quick:
        yield {"grows": "vertices", "legs": legs, "territory": str(unsimplified.resolve())}
    for areas in (8, 32) if quick else (8, 32, 128, 512, 2048):
        file = folder / f"grid-{areas}.geojson"
        write_grid(file, areas)
        yield {"grows": "areas", "legs": legs, "fir": str(file)}
    for rules in (20, 40) if quick else (15, 60, 240, 960):
        yield {"grows": "rules", "size": rules, "crossings": 20_000 if quick else 200_000}
    for islands in (20, 40) if quick else (25, 50, 100, 200):
        file = folder / f"islands-{islands}.geojson"
        write_islands(file, islands)
        yield {"grows": "obstacles", "pairs": 20 if quick else 300, "fir": str(file)}


# ----------------------------------------------------------------------------------- layers
def write_simplified(file: Path, degrees: float) -> None:
    """The shipped territories with fewer vertices, neighbours still sharing their borders."""
    import geopandas as gpd
    import shapely

    from airsim.base import find_resource

    shipped = gpd.read_parquet(find_resource("geodata/territory.parquet"))
    shapes = shapely.coverage_simplify(shipped.geometry.to_numpy(), degrees)
    kept = shipped.set_geometry(gpd.GeoSeries(shapes, crs=shipped.crs))
    kept[~kept.geometry.is_empty].to_parquet(file)


def write_grid(file: Path, areas: int) -> None:
    """Equal boxes between 75 S and 75 N, whatever their number with as many vertices in all."""
    rows = round((areas / 2.0) ** 0.5)
    columns = areas // rows
    side = max(1, _GRID_VERTICES // (4 * areas))
    lon, lat = np.linspace(-180.0, 180.0, columns + 1), np.linspace(-75.0, 75.0, rows + 1)
    step = np.linspace(0.0, 1.0, side, endpoint=False)[:, None]
    rings = []
    for i in range(columns):
        for j in range(rows):
            x, y = np.array([0, 1, 1, 0, 0]), np.array([0, 0, 1, 1, 0])
            corner = np.stack((lon[i + x], lat[j + y]), axis=1)
            parts = [a + step * (b - a) for a, b in pairwise(corner)]
            rings.append(np.concatenate((*parts, corner[:1])))
    write_geojson(file, rings)


def write_islands(file: Path, count: int) -> None:
    """Stars of 24 corners and about a degree, strewn between 70 S and 70 N."""
    random = np.random.default_rng(SEED)
    turn = np.linspace(0.0, 2.0 * np.pi, 25)
    rings = []
    for _ in range(count):
        lon, lat = random.uniform(-170.0, 170.0), np.degrees(np.arcsin(random.uniform(-0.94, 0.94)))
        reach = random.uniform(0.3, 1.0, 24)
        reach = np.append(reach, reach[0])
        wide = reach * np.cos(turn) / np.cos(np.radians(lat))
        rings.append(np.stack((lon + wide, lat + reach * np.sin(turn)), axis=1))
    write_geojson(file, rings)


# ------------------------------------------------------------------------------------ cases
def run_case(case: Row) -> Row:
    """One case in this process."""
    measures: dict[str, Callable[[Row], Row]] = {
        "legs": _grow_legs,
        "vertices": _grow_layer,
        "areas": _grow_layer,
        "rules": _grow_rules,
        "obstacles": _grow_obstacles,
    }
    return {"grows": case["grows"], **measures[case["grows"]](case)}


def _find(atlas: Any, layer_name: str, legs: int) -> Row:
    from airsim.airspace import find_crossings
    from benchmarks.legs import draw_legs

    paths = draw_legs(legs).to_paths()
    timing = time_in_turn(
        {"": lambda: find_crossings(atlas, paths, layers=[layer_name])}, repeats=3, budget_s=3.0
    )[""]
    return {
        "seconds": timing.best_s,
        "per_item_us": 1e6 * timing.best_s / legs,
        "stays": len(timing.result),
        "peak_mb": peak_rss_mb(),
    }


def _warm_up() -> tuple[Any, float]:
    """Shipped atlas, with the machine code of crossings loaded, and the memory held then."""
    from airsim.airspace import find_crossings, load_atlas
    from benchmarks.legs import draw_legs

    atlas = load_atlas()
    find_crossings(atlas, draw_legs(300).to_paths())
    return atlas, peak_rss_mb()


def _grow_legs(case: Row) -> Row:
    atlas, before = _warm_up()
    found = _find(atlas, "territory", case["size"])
    return {"size": case["size"], "set-up_s": None, "before_mb": before, **found}


def _grow_layer(case: Row) -> Row:
    name = "territory" if case["grows"] == "vertices" else "fir"
    atlas, before = _warm_up()
    began = time.perf_counter()
    atlas = arrange_layer(atlas, name, case[name])
    set_up = time.perf_counter() - began
    layer = atlas.layer(name)
    size = len(layer.lonlat) if case["grows"] == "vertices" else len(layer)
    found = _find(atlas, name, case["legs"])
    return {"size": size, "set-up_s": set_up, "before_mb": before, **found}


def _grow_rules(case: Row) -> Row:
    from airsim.law import make_rulebook
    from airsim.permission import bind_rulebook
    from benchmarks.rules import draw_rules, draw_work, judge, prepare

    atlas, _ = _warm_up()
    few = draw_work(atlas, 100, SEED)
    judge(prepare(bind_rulebook(make_rulebook(draw_rules(atlas, 5, SEED)), atlas), few), few)
    before = peak_rss_mb()
    work = draw_work(atlas, case["crossings"], SEED)
    bound = bind_rulebook(make_rulebook(draw_rules(atlas, case["size"], SEED)), atlas)
    began = time.perf_counter()
    tables = prepare(bound, work)
    judge(tables, work)  # fills the cells that are met
    set_up = time.perf_counter() - began
    timing = time_in_turn({"": lambda: judge(tables, work)}, repeats=3, budget_s=3.0)[""]
    return {
        "size": case["size"],
        "set-up_s": set_up,
        "seconds": timing.best_s,
        "per_item_us": 1e6 * timing.best_s / len(work),
        "before_mb": before,
        "peak_mb": peak_rss_mb(),
    }


def _grow_obstacles(case: Row) -> Row:
    from airsim.airspace import locate_points
    from airsim.routing import build_router, find_routes

    atlas, _ = _warm_up()
    atlas = arrange_layer(atlas, "fir", case["fir"])
    closed = [("fir", k) for k in range(len(atlas.layer("fir")))]
    random = np.random.default_rng(SEED)
    lon = random.uniform(-170.0, 170.0, 4 * case["pairs"])
    lat = np.degrees(np.arcsin(random.uniform(-0.9, 0.9, lon.size)))
    start, _ = locate_points(atlas, "fir", lon, lat)
    open_ = np.flatnonzero(np.diff(start) == 0)[: 2 * case["pairs"]]
    ends = lon[open_][::2], lat[open_][::2], lon[open_][1::2], lat[open_][1::2]
    one = [v[:1] for v in ends]
    find_routes(build_router(atlas, closed[:5]), *one)
    before = peak_rss_mb()
    began = time.perf_counter()
    router = build_router(atlas, closed)
    find_routes(router, *one)
    set_up = time.perf_counter() - began
    began = time.perf_counter()
    routes = find_routes(router, *ends)
    seconds = time.perf_counter() - began
    return {
        "size": len(closed),
        "set-up_s": set_up,
        "seconds": seconds,
        "per_item_us": 1e6 * seconds / len(routes),
        "before_mb": before,
        "peak_mb": peak_rss_mb(),
    }


if __name__ == "__main__":
    print(json.dumps(run_case(json.loads(sys.argv[1]))))
