"""Crossings: ours against what people would use, speed beside accuracy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numba
import numpy as np

from airsim.airspace import Atlas, Crossings, area_polygons, find_crossings, load_atlas
from airsim.geodesy import Model, geodesic_km, great_circle_km
from benchmarks.legs import Floats, Legs, Longs, Stays, compare_stays, draw_legs, stays_of
from benchmarks.measuring import NOTES, Row, Timing, import_peers, note, time_in_turn
from benchmarks.peers import (
    Geometries,
    Peer,
    make_overlay_peer,
    make_pair_peer,
    make_s2_peer,
    make_sampling_peer,
    make_sampling_tree_peer,
    make_tree_peer,
    read_s2_areas,
)
from benchmarks.profiling import profile_task
from benchmarks.reference import find_by_brute_force, find_by_sub_legs
from benchmarks.streaming import EdgeStream

SPEED, ACCURACY, STREAM = "Crossings: speed", "Crossings: accuracy", "Crossings: against streaming"
PROFILE = "Crossings: where the time goes, 2 threads"
OURS = "airsim"


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many legs each method gets."""

    ours: int
    peers: int
    slowest: int
    sampled: int
    accuracy: int
    stream: int
    repeats: int
    budget_s: float


FULL = Sizes(100_000, 300, 4, 50, 10_000, 10_000, 5, 6.0)
LARGE = Sizes(100_000, 30, 1, 10, 1_000, 4_000, 5, 6.0)  # ten times the vertices
QUICK = Sizes(3_000, 15, 1, 4, 150, 500, 2, 0.5)
TINY = Sizes(60, 3, 1, 2, 10, 20, 1, 0.0)  # for tests


@contextmanager
def use_threads(count: int) -> Iterator[None]:
    """Run compiled loops in so many threads, or in as many as there are."""
    given = numba.get_num_threads()
    numba.set_num_threads(min(count, numba.config.NUMBA_NUM_THREADS))
    try:
        yield
    finally:
        numba.set_num_threads(given)


def run_ours(atlas: Atlas, layer_name: str, model: Model, threads: int, legs: Legs) -> Crossings:
    """Stays by airsim, from the ends of the legs."""
    with use_threads(threads):
        return find_crossings(atlas, legs.to_paths(), layers=[layer_name], model=model)


def measure(*, quick: bool = False, unsimplified: Path | None = None) -> list[Row]:
    """Rows of all tables on crossings.

    Parameters
    ----------
    quick : bool
        Small sizes, to see that it works.
    unsimplified : Path, optional
        Territory layer with every vertex, as ``python -m benchmarks.unsimplified`` makes it.
    """
    atlas = load_atlas()
    sizes = QUICK if quick else FULL
    rows = [row for name in ("territory", "fir") for row in measure_layer(atlas, name, name, sizes)]
    if unsimplified is None:
        rows.append(note("crossings: no unsimplified layer was given (--unsimplified FILE)"))
    else:
        full = load_atlas(territory=unsimplified)
        rows += measure_layer(full, "territory", "unsimplified", QUICK if quick else LARGE)
    order = (SPEED, ACCURACY, STREAM, PROFILE, NOTES)
    return sorted(rows, key=lambda row: [row["table"].startswith(t) for t in order].index(True))


def measure_layer(atlas: Atlas, name: str, label: str, sizes: Sizes) -> list[Row]:
    """Rows on one layer of an atlas."""
    layer = atlas.layer(name)
    areas = np.array(area_polygons(layer, np.arange(len(layer))), dtype=object)
    found, notes = import_peers(["spherely"])
    spherely = found.get("spherely")
    s2, rejected = None, np.empty(0, np.int64)
    if spherely is not None:
        shapes, at, why = read_s2_areas(spherely, areas)
        s2 = make_s2_peer(spherely, shapes, at)
        rejected = np.array(list(why), np.int64)
        told = ", ".join(f"{layer.designator[k]} ({text})" for k, text in why.items())
        notes.append(note(f"{label}: S2 rejects {len(why)} of {len(layer)} areas: {told or '-'}"))
    peers = list_peers(areas, s2, sizes)
    if len(layer.lonlat) > 1_000_000:
        notes.append(note(f"{label}: peers get fewer legs, as each of theirs takes long"))
    return [
        *_measure_speed(atlas, name, label, peers, rejected, sizes),
        *_measure_accuracy(atlas, name, label, s2, rejected, sizes),
        *_measure_streaming(atlas, name, label, sizes),
        *_profile(atlas, name, label, sizes),
        *notes,
    ]


def list_peers(areas: Geometries, s2: Peer | None, sizes: Sizes) -> dict[str, tuple[Peer, int]]:
    """Peers by name, and how many legs each gets."""
    peers: dict[str, tuple[Peer, int]] = {
        "shapely STRtree + intersection, 50 km": (make_tree_peer(areas, 50.0), sizes.peers),
        "shapely STRtree + intersection, 5 km": (make_tree_peer(areas, 5.0), sizes.peers),
        "geopandas.overlay, 50 km": (make_overlay_peer(areas, 50.0), sizes.peers),
        "shapely loop over pairs, 50 km": (make_pair_peer(areas, 50.0), sizes.peers),
        "samples every 10 km, point in polygon": (make_sampling_peer(areas), sizes.slowest),
        "samples every 10 km, STRtree": (make_sampling_tree_peer(areas), sizes.sampled),
    }
    if s2 is not None:
        peers["spherely (S2)"] = (s2, sizes.peers)
    return peers


def _measure_speed(
    atlas: Atlas, name: str, label: str, peers: dict[str, tuple[Peer, int]],
    rejected: Longs, sizes: Sizes,
) -> list[Row]:  # fmt: skip
    """Time per leg of every method, ours in the same rounds, and errors on the very same legs."""
    layer = atlas.layer(name)
    legs = draw_legs(sizes.ours)
    ours: dict[str, tuple[Model, int]] = {
        f"{OURS}, {model}, {threads} thread{'s' * (threads > 1)}": (model, threads)
        for model in ("sphere", "wgs84")
        for threads in (2, 1)
    }
    tasks: dict[str, Callable[[], Crossings | Stays]] = {
        title: partial(run_ours, atlas, name, model, threads, legs)
        for title, (model, threads) in ours.items()
    }
    heads = sorted({count for _, count in peers.values()})
    tasks |= {
        f"same {count}": partial(run_ours, atlas, name, "sphere", 2, legs.head(count))
        for count in heads
    }
    tasks |= {title: partial(peer, legs.head(count)) for title, (peer, count) in peers.items()}
    timings = time_in_turn(tasks, repeats=sizes.repeats, budget_s=sizes.budget_s)

    base = timings[f"{OURS}, sphere, 2 threads"].best_s / len(legs)
    head = legs.head(max(heads))
    truths = {
        "sphere": find_by_brute_force(layer, head),
        "wgs84": find_by_sub_legs(atlas, [name], head)[name],
    }
    ends = head.lon0, head.lat0, head.lon1, head.lat1
    lengths = {"sphere": great_circle_km(*ends), "wgs84": geodesic_km(*ends)}
    rows = []
    for title, (model, threads) in ours.items():
        row = _speed_row(label, title, threads, len(legs), timings[title], base)
        mine = stays_of(run_ours(atlas, name, model, threads, head))
        rows.append(row | compare_stays(mine, truths[model], lengths[model]).describe())
    for title, (_, count) in peers.items():
        row = _speed_row(label, title, 1, count, timings[title], base)
        row["ratio_same_legs"] = timings[title].best_s / timings[f"same {count}"].best_s
        row |= compare_stays(
            timings[title].result,
            _first_legs(truths["sphere"], count),
            lengths["sphere"],
            without=rejected if title.startswith("spherely") else None,
        ).describe()
        rows.append(row)
    return rows


def _speed_row(
    label: str, title: str, threads: int, legs: int, timing: Timing, base_s: float
) -> Row:
    return {
        "table": f"{SPEED}, {label}",
        "method": title,
        "threads": threads,
        "legs": legs,
        "us_per_leg": 1e6 * timing.best_s / legs,
        "median_us": 1e6 * timing.median_s / legs,
        "cpu_us": 1e6 * timing.best_cpu_s / legs,
        "ratio": timing.best_s / legs / base_s,
        "ratio_same_legs": None,
    }


def _first_legs(stays: Stays, count: int) -> Stays:
    kept = stays.leg < count
    return Stays(stays.leg[kept], stays.area[kept], stays.entry_km[kept], stays.exit_km[kept])


def _measure_accuracy(
    atlas: Atlas, name: str, label: str, s2: Peer | None, rejected: Longs, sizes: Sizes
) -> list[Row]:
    """Both models of ours against references on many legs."""
    legs = draw_legs(sizes.accuracy)
    sphere_km = great_circle_km(legs.lon0, legs.lat0, legs.lon1, legs.lat1)
    wgs84_km = geodesic_km(legs.lon0, legs.lat0, legs.lon1, legs.lat1)
    sphere = stays_of(run_ours(atlas, name, "sphere", 2, legs))
    wgs84 = stays_of(run_ours(atlas, name, "wgs84", 2, legs))
    pieces = find_by_sub_legs(atlas, [name], legs)[name]

    def row(title: str, reference: str, mine: Stays, true: Stays, length_km: Floats) -> Row:
        without = rejected if reference.startswith("spherely") else None
        return {
            "table": ACCURACY,
            "layer": label,
            "method": title,
            "reference": reference,
            "legs": len(legs),
            **compare_stays(mine, true, length_km, without=without).describe(),
        }

    title = "WGS84 geodesics in pieces of 10 km (PROJ)"
    rows = [
        row(f"{OURS}, wgs84", title, wgs84, pieces, wgs84_km),
        row(f"{OURS}, sphere", title, sphere, pieces, wgs84_km),
    ]
    if s2 is not None:
        rows.append(row(f"{OURS}, sphere", "spherely (S2)", sphere, s2(legs), sphere_km))
    return rows


def _measure_streaming(atlas: Atlas, name: str, label: str, sizes: Sizes) -> list[Row]:
    """Ours against reading its own edges only, in the same rounds."""
    layer = atlas.layer(name)
    legs = draw_legs(sizes.stream)
    paths = legs.to_paths()
    stream = EdgeStream(layer, legs)

    def stream_in(threads: int) -> int:
        with use_threads(threads):
            return stream.run()

    def find_in(threads: int) -> int:
        with use_threads(threads):
            return len(find_crossings(atlas, paths, layers=[name], model="sphere"))

    tasks = {f"stream {n}": partial(stream_in, n) for n in (1, 2)}
    tasks |= {f"find {n}": partial(find_in, n) for n in (1, 2)}
    timings = time_in_turn(tasks, repeats=2 * sizes.repeats, budget_s=sizes.budget_s)
    us = {title: 1e6 * timing.best_s / len(legs) for title, timing in timings.items()}
    return [
        {
            "table": STREAM,
            "layer": label,
            "vertices": len(layer.lonlat),
            "threads": n,
            "legs": len(legs),
            "cells_per_leg": stream.cell.size / len(legs),
            "edges_per_leg": stream.edges / len(legs),
            "streaming_us": us[f"stream {n}"],
            "airsim_us": us[f"find {n}"],
            "ratio": us[f"find {n}"] / us[f"stream {n}"],
        }
        for n in (1, 2)
    ]


def _profile(atlas: Atlas, name: str, label: str, sizes: Sizes) -> list[Row]:
    """What ours spends its time on."""
    legs = draw_legs(sizes.ours)
    models: tuple[Model, ...] = ("sphere", "wgs84")
    return [
        row
        for model in models
        for row in profile_task(
            PROFILE, f"{label}, {model}", partial(run_ours, atlas, name, model, 2, legs), len(legs)
        )
    ]
