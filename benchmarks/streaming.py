"""How long the machine takes only to read the edges that crossings have to look at."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from airsim.airspace import Layer
from airsim.geodesy import interpolate_arc, unit_vectors
from benchmarks.legs import Floats, Legs, Longs

_PIECES = 18  # of a leg, at most 10 degrees each
_CHUNK = 4_000
# the w, u and v of the faces of a cube: w towards the face, u and v as they count its cells
_AXES = ((0, 1, 2), (1, 2, 0), (2, 0, 1))


def list_visited_cells(layer: Layer, legs: Legs) -> tuple[Longs, NDArray[np.int32]]:
    """Cells of the index that great circles pass, in order: leg k's are cell[start[k]:start[k+1]].

    All planes of the grid cut a leg into stretches: the middle of each tells its cell.
    """
    lines = np.linspace(-1.0, 1.0, layer.index.side + 1)  # of a face, in the plane that touches it
    a, b = unit_vectors(legs.lon0, legs.lat0), unit_vectors(legs.lon1, legs.lat1)
    share = np.linspace(0.0, 1.0, _PIECES + 1)
    points = interpolate_arc(a[:, None, :], b[:, None, :], share[None, :])
    p, q = points[:, :-1].reshape(-1, 3), points[:, 1:].reshape(-1, 3)
    every, whose = [], []
    for first in range(0, len(p), _CHUNK):
        part = slice(first, first + _CHUNK)
        cell, piece = _cells_of_pieces(p[part], q[part], lines)
        every.append(cell)
        whose.append((first + piece) // _PIECES)
    cell, leg = np.concatenate(every), np.concatenate(whose)
    new = np.append(True, (cell[1:] != cell[:-1]) | (leg[1:] != leg[:-1]))
    cell, leg = cell[new], leg[new]
    return np.searchsorted(leg, np.arange(len(legs) + 1)), cell.astype(np.int32)


def _cells_of_pieces(p: Floats, q: Floats, lines: Floats) -> tuple[Longs, Longs]:
    """Cells that pieces pass, and the piece of each, in order."""
    every = np.arange(len(p))
    pieces, shares = [every, every], [np.zeros(len(p)), np.ones(len(p))]
    for w, u, v in _AXES:
        for other in (u, v):
            f = p[:, other, None] - lines * p[:, w, None]
            g = q[:, other, None] - lines * q[:, w, None]
            piece, k = np.nonzero((f > 0.0) != (g > 0.0))
            f, g = f[piece, k], g[piece, k]
            pieces.append(piece)
            shares.append(f / (f - g))
    piece, t = np.concatenate(pieces), np.concatenate(shares)
    order = np.lexsort((t, piece))
    piece, t = piece[order], t[order]
    gap = np.flatnonzero((piece[1:] == piece[:-1]) & (t[1:] > t[:-1]))
    middle = (0.5 * (t[gap + 1] + t[gap]))[:, None]
    piece = piece[gap]
    return _cell_of(p[piece] + middle * (q[piece] - p[piece]), lines), piece


def _cell_of(point: Floats, lines: Floats) -> Longs:
    n = lines.size - 1
    axis = np.argmax(np.abs(point), axis=1)
    row = np.arange(len(point))
    w = point[row, axis]
    u, v = point[row, (axis + 1) % 3], point[row, (axis + 2) % 3]
    face = axis + 3 * (w < 0.0)
    i, j = (
        np.clip(np.searchsorted(lines, x / np.abs(w), side="right") - 1, 0, n - 1) for x in (u, v)
    )
    return (face * n + i) * n + j


@numba.njit(parallel=True, cache=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _sum_words(
    visit_start: Longs, visit: NDArray[np.int32], cell_start: Longs, words: Longs, out: Longs
) -> None:
    for leg in numba.prange(out.size):
        total = 0
        for k in range(visit_start[leg], visit_start[leg + 1]):
            cell = visit[k]
            for at in range(cell_start[cell], cell_start[cell + 1]):
                total += words[at]
        out[leg] = total


class EdgeStream:
    """Reads the rows of the edge filter that legs pass, and does nothing with them."""

    def __init__(self, layer: Layer, legs: Legs) -> None:
        self.start, self.cell = list_visited_cells(layer, legs)
        plane = np.ascontiguousarray(layer.index.plane)
        self.words = plane.view(np.int64).ravel()  # whole numbers add up in any order, in lanes
        self.cell_start = layer.index.block_start * np.int64(self.words.size // max(1, len(plane)))
        read = int(np.diff(self.cell_start)[self.cell].sum())
        self.edges = read // 2  # an edge has four numbers of 32 bits
        self.out = np.zeros(len(legs), np.int64)

    def run(self) -> int:
        """Read all; the sum, so that nothing is left out."""
        _sum_words(self.start, self.cell, self.cell_start, self.words, self.out)
        return int(self.out.sum())
