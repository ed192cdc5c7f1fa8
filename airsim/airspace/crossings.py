"""Crossings: which areas paths stay in, from where to where; which areas hold points."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from airsim.airspace.atlas import LAYER_NAMES, Atlas, Layer
from airsim.base import ProblemList
from airsim.geodesy import (
    EARTH_RADIUS_KM,
    Model,
    angle_between,
    inverse_geodesic,
    unit_vectors,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shapely import MultiPolygon

    from airsim.kernels import Cells

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Ints = NDArray[np.int32]

_STEP_KM = 100.0  # pieces of a geodesic: its great circles are then 0.4 m off (median)
_ARC = np.radians(15.0)  # pieces of a great circle: kernels ask for far less than 90 degrees
_CHUNK = 1_000_000  # points handled at a time, to bound memory
_BLOCK = 32  # paths that one thread takes at a time


@dataclass(frozen=True, slots=True, eq=False)
class Paths:
    """Lines on the Earth, one per flight route.

    Parameters
    ----------
    lon, lat : ndarray of float64, shape (V,)
        Degrees; any longitude.
    start : ndarray of int64, shape (n + 1,)
        Path i has the points ``start[i]:start[i + 1]``.

    Raises
    ------
    InputError
        Coordinates that are no numbers or leave the Earth, lengths that do not match.
    """

    lon: Floats
    lat: Floats
    start: Longs

    def __post_init__(self) -> None:
        problems = ProblemList()
        object.__setattr__(self, "lon", np.ascontiguousarray(self.lon, np.float64))
        object.__setattr__(self, "lat", np.ascontiguousarray(self.lat, np.float64))
        object.__setattr__(self, "start", np.ascontiguousarray(self.start, np.int64))
        if self.lon.shape != self.lat.shape or self.lon.ndim != 1:
            problems.add("paths", "lon, lat", "are not two equally long rows")
        if (
            self.start.ndim != 1
            or self.start.size < 1
            or self.start[0] != 0
            or self.start[-1] != self.lon.size
            or np.any(np.diff(self.start) < 0)
        ):
            problems.add("paths", "start", "does not rise from 0 to the number of points")
        problems.raise_if_any()
        bad = ~(np.isfinite(self.lon) & (np.abs(self.lat) <= 90.0))
        for point in np.flatnonzero(bad)[:20]:
            path = int(np.searchsorted(self.start, point, side="right")) - 1
            place = f"lon {self.lon[point]}, lat {self.lat[point]}"
            problems.add("paths", f"path {path}", place, "degrees, latitude -90..90")
        problems.raise_if_any()

    def __len__(self) -> int:
        return self.start.size - 1

    @classmethod
    def from_legs(cls, lon0: ArrayLike, lat0: ArrayLike, lon1: ArrayLike, lat1: ArrayLike) -> Paths:
        """Paths of one leg each, from (lon0, lat0) to (lon1, lat1)."""
        ends = np.broadcast_arrays(*(np.atleast_1d(v) for v in (lon0, lat0, lon1, lat1)))
        x0, y0, x1, y1 = (np.asarray(v, np.float64).ravel() for v in ends)
        lon, lat = np.stack((x0, x1), axis=1).ravel(), np.stack((y0, y1), axis=1).ravel()
        return cls(lon, lat, 2 * np.arange(x0.size + 1, dtype=np.int64))

    @classmethod
    def from_lines(cls, lines: Iterable[ArrayLike]) -> Paths:
        """Paths from (k, 2) arrays of (lon, lat)."""
        arrays = [np.asarray(line, np.float64).reshape(-1, 2) for line in lines]
        points = np.concatenate(arrays) if arrays else np.empty((0, 2))
        size = np.array([a.shape[0] for a in arrays], np.int64)
        return cls(points[:, 0], points[:, 1], np.concatenate(([0], np.cumsum(size))))


@dataclass(frozen=True, slots=True, eq=False)
class Crossings:
    """Stays of paths in areas, sorted by path, entry, layer, area.

    Parameters
    ----------
    path : ndarray of int32
        Position of the path.
    layer : ndarray of int8
        Position in `Atlas.layer_names`.
    area : ndarray of int32
        Position in the layer.
    entry_km, exit_km : ndarray of float64
        Distance from the start of the path along it; 0 where it starts inside, its length where
        it ends inside.
    """

    path: Ints
    layer: NDArray[np.int8]
    area: Ints
    entry_km: Floats
    exit_km: Floats

    def __len__(self) -> int:
        return self.path.size


def _count_legs(paths: Paths) -> Longs:
    """Number of legs before each path, shape (n + 1,)."""
    legs = np.maximum(np.diff(paths.start) - 1, 0)
    return np.concatenate(([0], np.cumsum(legs))).astype(np.int64)


def _legs(paths: Paths) -> Longs:
    """First point of each leg."""
    first = np.ones(paths.lon.size, np.bool_)
    first[paths.start[1:][np.diff(paths.start) > 0] - 1] = False
    return np.flatnonzero(first)


def path_lengths_km(paths: Paths) -> Floats:
    """Length of each path along WGS84 geodesics, in km, shape (n,)."""
    at = _legs(paths)
    _, length = inverse_geodesic(paths.lon[at], paths.lat[at], paths.lon[at + 1], paths.lat[at + 1])
    owner = np.repeat(np.arange(len(paths)), np.diff(_count_legs(paths)))
    return np.bincount(owner, weights=length, minlength=len(paths)).astype(np.float64)


def _chain(paths: Paths, model: Model) -> tuple[Floats, Floats, Longs]:
    """Unit vectors and km along the paths, cut into short pieces, and where each path starts."""
    from airsim import kernels

    at, leg_start = _legs(paths), _count_legs(paths)
    given = unit_vectors(paths.lon, paths.lat).reshape(-1, 3)
    if model == "sphere":
        angle = angle_between(given[at], given[at + 1])
        azimuth, length = np.zeros(at.size), EARTH_RADIUS_KM * angle
        pieces = np.ceil(angle / _ARC)
    else:
        azimuth, length = inverse_geodesic(
            paths.lon[at], paths.lat[at], paths.lon[at + 1], paths.lat[at + 1]
        )
        pieces = np.ceil(length / _STEP_KM)
    pieces = np.maximum(pieces, 1).astype(np.int64)
    total = np.concatenate(([0], np.cumsum(pieces - 1)))
    start = paths.start + total[leg_start]
    out, km = np.empty((start[-1], 3)), np.empty(start[-1])
    kernels.chain_points(
        paths.start, paths.lon, paths.lat, given, azimuth, length, pieces,
        start, leg_start, model == "sphere", out, km,
    )  # fmt: skip
    return out, km, start


def _cells(layer: Layer) -> Cells:
    """Arrays of a layer as the compiled loops take them."""
    from airsim import kernels

    a, i = layer.arrangement, layer.index
    return kernels.Cells(
        a.vertex, a.edge, a.label_start, a.label_area,
        i.cell_start, i.cell_edge, i.plane, i.ends, i.area_start, i.area_of, i.lines,
    )  # fmt: skip


def _gather(values: NDArray[Any], used: Longs, capacity: int) -> NDArray[Any]:
    """The used heads of equally long blocks, joined."""
    return values.reshape(used.size, capacity)[np.arange(capacity) < used[:, None]]


def _trace_layer(
    layer: Layer, point: Floats, km: Floats, start: Longs
) -> tuple[Longs, Ints, Floats, Floats]:
    """Stays in one layer: how many per path, area, entry, exit; stays in order of exit."""
    from airsim import kernels

    size = np.zeros(start.size - 1, np.int64)
    used = np.zeros(-(-size.size // _BLOCK), np.int64)
    capacity = _BLOCK * 24
    while True:
        room = used.size * capacity
        area, entry, leave = np.empty(room, np.int32), np.empty(room), np.empty(room)
        kernels.trace_paths(
            _cells(layer), point, km, start, _BLOCK, capacity, area, entry, leave, size, used
        )  # fmt: skip
        if not used.size or used.max() <= capacity:
            break
        capacity = int(used.max())
    return (
        size,
        _gather(area, used, capacity),
        _gather(entry, used, capacity),
        _gather(leave, used, capacity),
    )


def _split(paths: Paths, points_per_path: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Runs of paths whose points stay within the chunk size."""
    total = np.concatenate(([0.0], np.cumsum(points_per_path)))
    cuts = [0]
    while cuts[-1] < len(paths) or len(cuts) == 1:
        end = int(np.searchsorted(total, total[cuts[-1]] + _CHUNK, side="right")) - 1
        cuts.append(min(max(end, cuts[-1] + 1), len(paths)))
    return list(pairwise(cuts))


def find_crossings(
    atlas: Atlas,
    paths: Paths,
    *,
    layers: Sequence[str] | None = None,
    model: Model = "wgs84",
) -> Crossings:
    """Find all stays of paths in areas.

    Parameters
    ----------
    atlas : Atlas
        Areas, whatever their validity and levels.
    paths : Paths
        Their legs are followed as geodesics or great circles.
    layers : sequence of str, optional
        Names of layers; all if None.
    model : {"wgs84", "sphere"}
        Geodesics on WGS84, in pieces of at most 100 km, with WGS84 distances; or one great circle
        per leg with the mean radius (up to 0.6 % off in distance, tens of km off in place).

    Returns
    -------
    Crossings
        Empty where nothing is crossed. Legs of one path are joined: a stay that spans points of
        the path is one row. Stays and gaps below 1 mm count as touching and do not show, unless
        the whole path is that short.

    Raises
    ------
    InputError
        Unknown layer or model.

    Notes
    -----
    Boundary edges are great circles between the stored vertices. A path on a boundary is taken
    to lie on one side of it, the same one for every area, so that it is never in both neighbours
    or in none. The result does not depend on the number of threads.
    """
    from airsim import kernels

    picked = [
        atlas.layer(name) for name in dict.fromkeys(LAYER_NAMES if layers is None else layers)
    ]
    if model not in ("wgs84", "sphere"):
        problems = ProblemList()
        problems.add("find_crossings", str(model), "no such model", "wgs84 or sphere")
        problems.raise_if_any()
    parts = []
    for first, last in _split(paths, _guess_points(paths)):
        low, high = paths.start[first], paths.start[last]
        chunk = Paths(paths.lon[low:high], paths.lat[low:high], paths.start[first : last + 1] - low)
        with kernels.few_threads(last - first):
            point, km, start = _chain(chunk, model)
            found = [(layer, _trace_layer(layer, point, km, start)) for layer in picked]
            parts.append(_merge_layers(found, first))
    if len(parts) == 1:
        return parts[0]
    names = Crossings.__slots__
    return Crossings(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _merge_layers(
    found: list[tuple[Layer, tuple[Longs, Ints, Floats, Floats]]], first_path: int
) -> Crossings:
    """Put the stays of all layers together, path by path, sorted."""
    from airsim import kernels

    size = np.sum([stays[0] for _, stays in found], axis=0, dtype=np.int64)
    start = np.concatenate(([0], np.cumsum(size)))
    rows = int(start[-1])
    which, area = np.empty(rows, np.int8), np.empty(rows, np.int32)
    entry, leave = np.empty(rows), np.empty(rows)
    free = start[:-1].copy()
    for layer, (count, its_area, its_entry, its_exit) in found:
        at = np.arange(its_area.size) + np.repeat(free - (np.cumsum(count) - count), count)
        which[at] = LAYER_NAMES.index(layer.name)
        area[at], entry[at], leave[at] = its_area, its_entry, its_exit
        free += count
    order = np.empty(rows, np.int64)
    kernels.sort_stays(start, which, area, entry, leave, order)
    path = np.repeat(np.arange(first_path, first_path + size.size, dtype=np.int32), size)
    return Crossings(path, which[order], area[order], entry[order], leave[order])


def _guess_points(paths: Paths) -> Floats:
    """Rough number of points that each path will be cut into."""
    at = _legs(paths)
    v = unit_vectors(paths.lon, paths.lat).reshape(-1, 3)
    points = 1.0 + angle_between(v[at], v[at + 1]) * EARTH_RADIUS_KM / _STEP_KM
    owner = np.repeat(np.arange(len(paths)), np.diff(_count_legs(paths)))
    return np.asarray(1.0 + np.bincount(owner, weights=points, minlength=len(paths)))


def locate_points(
    atlas: Atlas, layer_name: str, lon: ArrayLike, lat: ArrayLike
) -> tuple[Longs, Ints]:
    """Find the areas that contain points.

    Parameters
    ----------
    atlas : Atlas
        Areas.
    layer_name : {"territory", "fir", "zone"}
        Layer to look in.
    lon, lat : array_like, shape (n,)
        Degrees.

    Returns
    -------
    start : ndarray of int64, shape (n + 1,)
        Point i lies in the areas ``area[start[i]:start[i + 1]]``, rising; none on the high seas.
    area : ndarray of int32
        Positions in the layer. A point on a boundary lies on one side of it, the same one for
        every area.
    """
    from airsim import kernels

    layer = atlas.layer(layer_name)
    points = Paths.from_legs(lon, lat, lon, lat)  # checks the coordinates
    xyz = unit_vectors(points.lon[::2], points.lat[::2]).reshape(-1, 3)
    size = np.zeros(xyz.shape[0], np.int64)
    used = np.zeros(-(-size.size // _BLOCK), np.int64)
    capacity = _BLOCK * 8
    while True:
        area = np.empty(used.size * capacity, np.int32)
        with kernels.few_threads(size.size // 16):
            kernels.locate_points(_cells(layer), xyz, _BLOCK, capacity, area, size, used)
        if not used.size or used.max() <= capacity:
            break
        capacity = int(used.max())
    return np.concatenate(([0], np.cumsum(size))), _gather(area, used, capacity).astype(np.int32)


def area_edges(layer: Layer, positions: ArrayLike) -> tuple[Floats, Floats]:
    """Boundary of the union of areas that do not overlap, as edges.

    Parameters
    ----------
    layer : Layer
        Layer of the areas.
    positions : array_like of int
        Areas.

    Returns
    -------
    a, b : ndarray, shape (E, 3)
        Unit vectors of the ends; the union lies left of each edge. Edges between two of the
        areas are gone, the meridian of 180 and the poles do not show.
    """
    arrangement = layer.arrangement
    wanted = np.zeros(len(layer) + 1, np.bool_)
    wanted[np.asarray(positions, np.int64)] = True
    owner = np.repeat(np.arange(arrangement.edge.shape[0]), np.diff(arrangement.label_start))
    mine = wanted[arrangement.label_area]
    left = np.bincount(owner[mine & (arrangement.label_side > 0)], minlength=len(arrangement.edge))
    right = np.bincount(owner[mine & (arrangement.label_side < 0)], minlength=len(arrangement.edge))
    forward, backward = (left > 0) & (right == 0), (left == 0) & (right > 0)
    ends = np.concatenate((arrangement.edge[forward], arrangement.edge[backward][:, ::-1]))
    return arrangement.vertex[ends[:, 0]], arrangement.vertex[ends[:, 1]]


def area_polygons(layer: Layer, positions: ArrayLike) -> list[MultiPolygon]:
    """Outlines of areas as shapely geometries in (lon, lat) degrees, split at 180.

    Parameters
    ----------
    layer : Layer
        Layer of the areas.
    positions : array_like of int
        Areas, one geometry each.

    Returns
    -------
    list of shapely.MultiPolygon
    """
    from shapely import MultiPolygon, Polygon

    found: list[MultiPolygon] = []
    for area in np.asarray(positions, np.int64).ravel():
        shells: list[tuple[Floats, list[Floats]]] = []
        for ring in range(layer.ring_start[area], layer.ring_start[area + 1]):
            points = layer.lonlat[layer.vertex_start[ring] : layer.vertex_start[ring + 1]]
            if layer.ring_is_hole[ring]:
                shells[-1][1].append(points)
            else:
                shells.append((points, []))
        found.append(MultiPolygon([Polygon(shell, holes) for shell, holes in shells]))
    return found
