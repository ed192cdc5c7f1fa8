"""Answers of the router: single routes and refusals, and whole tables of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, overload

import numpy as np
from numpy.typing import NDArray

from airsim.routing.lines import Longs, densify_lines

Floats = NDArray[np.float64]
ClosedSet = tuple[tuple[str, int], ...]
Reason = Literal[
    "origin-enclosed", "destination-enclosed", "separated", "origin-closed", "destination-closed"
]
ROUTE_STATUS: Final[tuple[str, ...]] = (
    "open", "origin-closed", "destination-closed", "origin-enclosed", "destination-enclosed",
    "separated",
)  # fmt: skip
_STEP_KM = 100.0


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """Shortest permitted route found.

    Parameters
    ----------
    points : ndarray, shape (n, 2)
        (lon, lat) degrees, from end to end as given, at most 100 km apart; legs between them are
        WGS84 geodesics. Read-only.
    distance_km : float
        WGS84 length.
    clearance_nm : float
        Distance to the nearest closed area, at most what was asked; parts within 10 NM of both
        ends do not count.
    lower_bound_km : float
        No permitted route is shorter, whatever its clearance: the geodesic or, if bounds were
        asked for, the shortest path that may graze closed areas. It is loose where closed areas
        only just touch, or are strips narrower than 2 NM.
    gap : float
        ``distance_km / lower_bound_km - 1``; 0 if the route is the geodesic.
    """

    points: Floats
    distance_km: float
    clearance_nm: float
    lower_bound_km: float
    gap: float


@dataclass(frozen=True, slots=True)
class NoRoute:
    """Why there is no permitted route.

    Parameters
    ----------
    reason : str
        ``origin-closed`` or ``destination-closed``: the point lies in closed areas;
        ``origin-enclosed`` or ``destination-enclosed``: closed areas surround it;
        ``separated``: both are surrounded, apart from each other.
    bordering : tuple of (layer name, area position)
        The closed areas that contain the point, or that border what can be reached from the
        enclosed one (from the destination if both are).
    """

    reason: Reason
    bordering: ClosedSet


@dataclass(frozen=True, slots=True, eq=False)
class Routes(Sequence[Route | NoRoute]):
    """Answers to many queries, by position; a row is made into a `Route` or `NoRoute` when asked.

    Parameters
    ----------
    status : ndarray of int8, shape (n,)
        Position in `ROUTE_STATUS`; 0 where there is a route.
    distance_km, clearance_nm, lower_bound_km, gap : ndarray, shape (n,)
        As in `Route`; not a number where there is none.
    turns : ndarray, shape (k, 2)
        (lon, lat) degrees of both ends and of the points where routes turn.
    first : ndarray of int64, shape (n + 1,)
        Route i turns at ``turns[first[i]:first[i + 1]]``.
    is_geodesic : ndarray of bool, shape (n,)
        Where the route is the geodesic; the legs of others are great circles.
    bordering : mapping of int to tuple of (layer name, area position)
        As in `NoRoute`, by position.
    """

    status: NDArray[np.int8]
    distance_km: Floats
    clearance_nm: Floats
    lower_bound_km: Floats
    gap: Floats
    turns: Floats
    first: Longs
    is_geodesic: NDArray[np.bool_]
    bordering: Mapping[int, ClosedSet]

    def __len__(self) -> int:
        return self.status.size

    @overload
    def __getitem__(self, key: int) -> Route | NoRoute: ...
    @overload
    def __getitem__(self, key: slice) -> list[Route | NoRoute]: ...
    def __getitem__(self, key: int | slice) -> Route | NoRoute | list[Route | NoRoute]:
        if isinstance(key, slice):
            return self._rows(range(*key.indices(len(self))))
        place = range(len(self))[key]  # negative ones count from the end
        return self._rows(range(place, place + 1))[0]

    def __iter__(self) -> Iterator[Route | NoRoute]:
        return iter(self._rows(range(len(self))))

    def _rows(self, keys: range) -> list[Route | NoRoute]:
        places, start = self.draw_lines(keys)
        places.flags.writeable = False
        lines = [places[a:b] for a, b in zip(start[:-1].tolist(), start[1:].tolist(), strict=True)]
        figures = zip(
            *(v[keys].tolist() for v in (self.distance_km, self.clearance_nm, self.lower_bound_km,
                                         self.gap)), strict=True,
        )  # fmt: skip
        reasons = self.status[keys].tolist()
        return [
            NoRoute(ROUTE_STATUS[reason], self.bordering[k]) if reason else Route(line, *values)
            for k, reason, line, values in zip(keys, reasons, lines, figures, strict=True)
        ]

    def draw_lines(self, keys: Sequence[int] | Longs) -> tuple[Floats, Longs]:
        """Lines of some routes.

        Parameters
        ----------
        keys : sequence of int
            Positions.

        Returns
        -------
        places : ndarray, shape (m, 2)
            (lon, lat) degrees, at most 100 km apart.
        start : ndarray of int64, shape (len(keys) + 1,)
            Line i is ``places[start[i]:start[i + 1]]``; empty where there is no route.
        """
        keys = np.asarray(keys, np.int64)
        size = (self.first[1:] - self.first[:-1])[keys]
        start = np.concatenate(([0], np.cumsum(size)))
        at = np.arange(start[-1]) + np.repeat(self.first[keys] - start[:-1], size)
        return densify_lines(
            self.turns[at], start, step_km=_STEP_KM, great_circle=~self.is_geodesic[keys]
        )
