"""Cell index of a layer: edges per cell, and the areas at a reference point of each cell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from airsim.airspace.arrangement import Arrangement

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]

_VOTES = 96  # reference points that settle which side of a boundary is inside


@dataclass(frozen=True, slots=True, eq=False)
class CellIndex:
    """Cells on the six faces of a cube, as compressed rows.

    Parameters
    ----------
    lines : ndarray, shape (n + 1,)
        Grid lines of a face, gnomonic coordinates; n cells per side, 6 n n cells.
    cell_start, cell_edge : ndarray of int32
        Edges that meet or nearly meet each cell.
    plane : ndarray of float32, shape (cell_edge.size, 4)
        Ends of these edges in the plane of the face.
    ends : ndarray, shape (cell_edge.size, 6)
        Unit vectors of the ends.
    area_start, area_of : ndarray of int32
        Areas at the reference point of each cell.
    """

    lines: NDArray[np.float64]
    cell_start: Ints
    cell_edge: Ints
    plane: NDArray[np.float32]
    ends: NDArray[np.float64]
    area_start: Ints
    area_of: Ints


def _choose_cells(edges: int) -> int:
    """Cells per side, even: about four edges per cell, within reason."""
    return int(min(max(8, 2 * round(np.sqrt(edges / 24.0) / 2)), 128))


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

    n = _choose_cells(arrangement.edge.shape[0])
    lines = np.tan((np.arange(n + 1) / n - 0.5) * (np.pi / 2))
    cell_start, cell_edge, plane, ends = kernels.index_edges(
        arrangement.vertex, arrangement.edge, lines
    )
    none = np.empty(0, np.int32)
    cells = kernels.Cells(
        arrangement.vertex, arrangement.edge, arrangement.label_start, arrangement.label_area,
        cell_start, cell_edge, plane, ends, none, none, lines,
    )  # fmt: skip

    # boundaries tell inside from outside up to exchange: rings in the plane settle it by vote,
    # as a few votes near edges that are no straight lines in the plane may be wrong
    area_start, area_of = kernels.index_areas(cells, none)
    plane_rings = _PlaneRings(lonlat, vertex_start, ring_area, areas)
    against = np.zeros(areas, np.int64)
    for cell in np.linspace(0, 6 * n * n - 1, _VOTES).astype(np.int64):
        lon, lat = lonlat_from_vectors(np.array(kernels.cell_centre(cell, lines)))
        inside = plane_rings.hold(float(lon), float(lat))
        inside[area_of[area_start[cell] : area_start[cell + 1]]] ^= True
        against += inside
    flipped = np.flatnonzero(against > _VOTES // 2).astype(np.int32)
    if flipped.size:
        area_start, area_of = kernels.index_areas(cells, flipped)
    return CellIndex(lines, cell_start, cell_edge, plane, ends, area_start, area_of)
