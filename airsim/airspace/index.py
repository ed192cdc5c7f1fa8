"""Cell index of a layer: edges per cell, and the areas at a reference point of each cell."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from airsim.airspace.arrangement import Arrangement

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]

_MOST_EDGE = np.radians(0.45)  # 50 km, over which a geodesic bends by less than 0.2 m
_VOTES = 96  # reference points that settle which side of a boundary is inside


@dataclass(frozen=True, slots=True, eq=False)
class CellIndex:
    """Cells on the six faces of a cube, n by n each; drawn in `airsim.kernels.crossings`.

    Parameters
    ----------
    block_start : ndarray of int32, shape (6 n n + 1,)
        Blocks of edges that meet or nearly meet each cell.
    plane : ndarray of float32, shape (blocks, 4, lanes)
        Ends of these edges, cut to 50 km, in the plane of the face.
    edge : ndarray, shape (blocks * lanes, 8)
        Unit vectors of the ends, number of the edge, areas on its sides as one number.
    label_area : ndarray of int32
        Areas on the sides of the edges; the last one of an edge as -1 - area.
    full : ndarray of uint8
        One bit for each cell: whether an edge meets it.
    area_start, area_of : ndarray of int32
        Areas at the reference point of each cell.
    """

    block_start: Ints
    plane: NDArray[np.float32]
    edge: Floats
    label_area: Ints
    full: NDArray[np.uint8]
    area_start: Ints
    area_of: Ints

    @property
    def side(self) -> int:
        """Cells per side of a face."""
        return math.isqrt((self.block_start.size - 1) // 6)


def _choose_side(edges: int) -> int:
    """Cells per side, even: about four edges per cell, within reason."""
    return int(min(max(8, 2 * round(np.sqrt(edges / 24.0) / 2)), 512))


def _cut_edges(arrangement: Arrangement) -> tuple[Floats, Floats, Longs]:
    """Ends of edges, the long ones cut into equal parts, and the edge that each is of."""
    from airsim.geodesy import angle_between, interpolate_arc

    a, b = arrangement.vertex[arrangement.edge[:, 0]], arrangement.vertex[arrangement.edge[:, 1]]
    parts = np.maximum(np.ceil(angle_between(a, b) / _MOST_EDGE), 1.0).astype(np.int64)
    edge = np.repeat(np.arange(parts.size), parts)
    step = np.arange(edge.size) - np.repeat(np.cumsum(parts) - parts, parts)
    start, inner = a[edge], np.flatnonzero(step)
    of = edge[inner]
    start[inner] = interpolate_arc(a[of], b[of], step[inner] / parts[of])
    end = b[edge]
    end[inner - 1] = start[inner]  # bit by bit
    return start, end, edge


class _PlaneRings:
    """Rings drawn on a plate carree."""

    def __init__(
        self, lonlat: NDArray[np.float64], vertex_start: Longs, ring_area: Ints, areas: int
    ) -> None:
        following = np.arange(1, lonlat.shape[0] + 1)
        full = np.diff(vertex_start) > 0
        following[vertex_start[1:][full] - 1] = vertex_start[:-1][full]
        self.x0, self.y0 = lonlat.T.copy()
        self.x1, self.y1 = self.x0[following], self.y0[following]
        self.area = np.repeat(ring_area, np.diff(vertex_start))
        self.areas = areas

    def hold(self, lon: float, lat: float) -> NDArray[np.bool_]:
        """Whether each area holds a point: its ray eastwards meets an odd number of edges."""
        spans = np.flatnonzero((self.y0 <= lat) != (self.y1 <= lat))
        x0, y0 = self.x0[spans], self.y0[spans]
        share = (lat - y0) / (self.y1[spans] - y0)
        hit = spans[x0 + share * (self.x1[spans] - x0) > lon]
        return np.asarray(np.bincount(self.area[hit], minlength=self.areas) % 2 == 1)


def build_index(
    arrangement: Arrangement,
    lonlat: NDArray[np.float64],
    vertex_start: Longs,
    ring_area: Ints,
    areas: int,
) -> CellIndex:
    """Index the edges of a layer; rings as in `arrange_edges`, `areas` their number."""
    from airsim import kernels
    from airsim.geodesy import lonlat_from_vectors

    n = _choose_side(arrangement.edge.shape[0])
    block_start, plane, edge, full = kernels.index_edges(
        *_cut_edges(arrangement), arrangement.label_start, arrangement.label_area, n
    )
    label_area = arrangement.label_area.copy()
    label_area[arrangement.label_start[1:] - 1] *= -1
    label_area[arrangement.label_start[1:] - 1] -= 1
    none = np.empty(0, np.int32)
    cells = kernels.Cells(block_start, plane, edge, label_area, full, none, none, n, areas)
    for array in cells[:-2]:  # as mapped arrays are: loops are compiled once for both
        array.flags.writeable = False

    # boundaries tell inside from outside up to exchange: rings in the plane settle it by vote,
    # as a few votes near edges that are no straight lines in the plane may be wrong
    area_start, area_of = kernels.index_areas(cells, none)
    plane_rings = _PlaneRings(lonlat, vertex_start, ring_area, areas)
    against = np.zeros(areas, np.int64)
    for cell in np.linspace(0, 6 * n * n - 1, _VOTES).astype(np.int64):
        lon, lat = lonlat_from_vectors(np.array(kernels.cell_centre(cell, n)))
        inside = plane_rings.hold(float(lon), float(lat))
        inside[area_of[area_start[cell] : area_start[cell + 1]]] ^= True
        against += inside
    flipped = np.flatnonzero(against > _VOTES // 2).astype(np.int32)
    if flipped.size:
        flipped.flags.writeable = False
        area_start, area_of = kernels.index_areas(cells, flipped)
    return CellIndex(block_start, plane, edge, label_area, full, area_start, area_of)
