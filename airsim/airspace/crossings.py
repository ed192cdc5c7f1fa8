"""Crossings: which areas paths stay in, from where to where; which areas hold points."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from airsim.airspace.atlas import LAYER_NAMES, Atlas, Layer
from airsim.base import ProblemList
from airsim.geodesy import (
    EARTH_RADIUS_KM,
    Model,
    inverse_geodesic,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shapely import MultiPolygon

    from airsim.kernels import Cells, Stays

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Ints = NDArray[np.int32]

_STEP_KM = 1500.0  # pieces of a geodesic: kernels know how they bend, to some mm
_ARC = np.radians(45.0)  # pieces of a great circle: kernels ask for less than 60 degrees
_CHUNK_PATHS, _CHUNK_POINTS = 8192, 200_000  # handled at a time, to bound memory
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


@dataclass(frozen=True, slots=True, eq=False)
class _Measured:
    """Points of paths as unit vectors; azimuth (sine, cosine) and length in km of their legs."""

    point: Floats
    leg_start: Longs
    azimuth: Floats
    length: Floats


def _place_points(lon: Floats, lat: Floats) -> Floats:
    """Unit vectors, shape (n, 3)."""
    from airsim import kernels

    point = np.empty((lon.size, 3))
    with kernels.few_threads(lon.size // 64):
        kernels.place_points(lon, lat, point)
    return point


def _measure(paths: Paths, model: Model) -> _Measured:
    """Measure all legs."""
    from airsim import kernels

    point, first = _place_points(paths.lon, paths.lat), _legs(paths)
    azimuth, length = np.zeros((first.size, 2)), np.empty(first.size)
    with kernels.few_threads(first.size // 8):
        kernels.measure_legs(point, first, model == "sphere", azimuth, length)
    hard = np.flatnonzero(np.isnan(length))
    if hard.size:  # nearly opposite ends
        a, b = first[hard], first[hard] + 1
        angle, length[hard] = inverse_geodesic(
            paths.lon[a], paths.lat[a], paths.lon[b], paths.lat[b]
        )
        # kernels count azimuths at a pole from the meridian of 0
        angle -= np.where(np.abs(paths.lat[a]) == 90.0, np.sign(paths.lat[a]) * paths.lon[a], 0.0)
        azimuth[hard] = np.stack((np.sin(np.radians(angle)), np.cos(np.radians(angle))), axis=1)
    return _Measured(point, _count_legs(paths), azimuth, length)


def path_lengths_km(paths: Paths) -> Floats:
    """Length of each path along WGS84 geodesics, in km, shape (n,)."""
    measured = _measure(paths, "wgs84")
    owner = np.repeat(np.arange(len(paths)), np.diff(measured.leg_start))
    return np.bincount(owner, weights=measured.length, minlength=len(paths)).astype(np.float64)


def _chain(paths: Paths, model: Model) -> tuple[Floats, Floats, Floats, Longs]:
    """Points, km and bends of the paths cut into pieces, and where each path starts."""
    from airsim import kernels

    legs = _measure(paths, model)
    step = _ARC * EARTH_RADIUS_KM if model == "sphere" else _STEP_KM
    pieces = np.maximum(np.ceil(legs.length / step), 1).astype(np.int64)
    total = np.concatenate(([0], np.cumsum(pieces - 1)))
    start = paths.start + total[legs.leg_start]
    point, km, bend = np.empty((start[-1], 3)), np.empty(start[-1]), np.empty((start[-1], 8))
    with kernels.few_threads(start[-1] // 8):
        kernels.chain_legs(
            paths.start, legs.point, legs.leg_start, legs.azimuth, legs.length, pieces,
            start, model == "sphere", point, km, bend,
        )  # fmt: skip
    return point, km, bend, start


def _cells(layer: Layer) -> Cells:
    """Arrays of a layer as the compiled loops take them."""
    from airsim import kernels

    i = layer.index
    return kernels.Cells(
        i.block_start, i.plane, i.edge, i.label_area, i.full, i.area_start, i.area_of,
        i.side, len(layer),
    )  # fmt: skip


def _make_stays(rows: int) -> Stays:
    """Room for stays."""
    from airsim import kernels

    return kernels.Stays(
        np.empty(rows, np.int32), np.empty(rows, np.int8), np.empty(rows, np.int32),
        np.empty(rows), np.empty(rows),
    )  # fmt: skip


def _trace(layers: Sequence[Layer], paths: Paths, model: Model) -> Stays:
    """Stays of paths in some layers."""
    from airsim import kernels

    point, km, bend, start = _chain(paths, model)
    cells = [_cells(layer) for layer in layers]
    one, two, three = (cells[min(k, len(cells) - 1)] for k in range(3))
    numbers = np.array([LAYER_NAMES.index(layer.name) for layer in layers], np.int8)
    used = np.zeros(-(-len(paths) // _BLOCK), np.int64)
    capacity, hits = _BLOCK * 24 * len(layers), 4096
    with kernels.few_threads(start[-1] // 4):
        while True:
            stays = _make_stays(used.size * capacity)
            kernels.trace_paths(
                one, two, three, numbers, point, km, bend, start, _BLOCK, capacity, hits,
                stays, used,
            )  # fmt: skip
            if not (used < 0).any():
                break
            capacity, hits = 2 * capacity, 2 * hits
        first = np.concatenate(([0], np.cumsum(used)))
        joined = _make_stays(int(first[-1]))
        kernels.join_stays(stays, capacity, used, first, joined)
    return joined


def _split(paths: Paths) -> list[tuple[int, int]]:
    """Runs of paths whose points stay within the chunk size."""
    cuts = [0]
    while cuts[-1] < len(paths):
        most = paths.start[cuts[-1]] + _CHUNK_POINTS
        end = int(np.searchsorted(paths.start, most, side="right")) - 1
        cuts.append(min(max(end, cuts[-1] + 1), cuts[-1] + _CHUNK_PATHS, len(paths)))
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
        Geodesics on WGS84 with WGS84 distances, true to 6 mm across and 4 mm along; or one great
        circle per leg with the mean radius (up to 0.6 % off in distance, tens of km in place).

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
    picked = [
        atlas.layer(name) for name in dict.fromkeys(LAYER_NAMES if layers is None else layers)
    ]
    if model not in ("wgs84", "sphere"):
        problems = ProblemList()
        problems.add("find_crossings", str(model), "no such model", "wgs84 or sphere")
        problems.raise_if_any()
    if not picked or not len(paths):
        return Crossings(*_make_stays(0))
    parts = []
    for first, last in _split(paths):
        low, high = paths.start[first], paths.start[last]
        chunk = Paths(paths.lon[low:high], paths.lat[low:high], paths.start[first : last + 1] - low)
        stays = _trace(picked, chunk, model)
        stays.path[:] += first
        parts.append(stays)
    if len(parts) == 1:
        return Crossings(*parts[0])
    return Crossings(*(np.concatenate(column) for column in zip(*parts, strict=True)))


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
    xyz = _place_points(points.lon[::2], points.lat[::2])
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
    # the used heads of equally long blocks, joined
    area = area.reshape(used.size, capacity)[np.arange(capacity) < used[:, None]]
    return np.concatenate(([0], np.cumsum(size))), area


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
