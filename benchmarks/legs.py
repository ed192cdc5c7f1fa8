"""Seeded work: great-circle legs between aerodromes, and stays in areas to compare."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from airsim.airspace import Crossings, Paths
from airsim.geodesy import great_circle_km
from airsim.operation import load_aerodromes
from benchmarks.measuring import SEED

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]

TOUCH_KM = 1e-6  # stays and gaps no longer than a millimetre are touches


@dataclass(frozen=True, slots=True, eq=False)
class Legs:
    """Legs in (lon, lat) degrees, shape (n,) each."""

    lon0: Floats
    lat0: Floats
    lon1: Floats
    lat1: Floats

    def __len__(self) -> int:
        return self.lon0.size

    def head(self, count: int) -> Legs:
        """The first legs: less of the same work."""
        return Legs(*(v[:count] for v in (self.lon0, self.lat0, self.lon1, self.lat1)))

    def to_paths(self) -> Paths:
        """As the crossings take them."""
        return Paths.from_legs(self.lon0, self.lat0, self.lon1, self.lat1)

    def mean_km(self) -> float:
        """Mean length of the great circles."""
        return float(great_circle_km(self.lon0, self.lat0, self.lon1, self.lat1).mean())


@cache
def draw_legs(count: int) -> Legs:
    """Legs between two different aerodromes, every pair as likely as any other.

    A smaller count gives the head of a larger one.
    """
    places = np.array([(a.lon, a.lat) for a in load_aerodromes().values()])
    pairs = np.random.default_rng(SEED).integers(0, len(places), (count, 2))
    same = pairs[:, 0] == pairs[:, 1]
    pairs[same, 1] = (pairs[same, 1] + 1) % len(places)
    return Legs(*places[pairs].reshape(-1, 4).T.copy())


@dataclass(frozen=True, slots=True, eq=False)
class Stays:
    """Stays of legs in areas, sorted by leg, area, entry; km from the start of the leg."""

    leg: Longs
    area: Longs
    entry_km: Floats
    exit_km: Floats

    def __len__(self) -> int:
        return self.leg.size


def join_pieces(leg: Longs, area: Longs, entry_km: Floats, exit_km: Floats) -> Stays:
    """Stays from pieces in any order: those that touch are one, touches are none."""
    order = np.lexsort((exit_km, entry_km, area, leg))
    leg, area, entry_km, exit_km = leg[order], area[order], entry_km[order], exit_km[order]
    same = np.append(False, (leg[1:] == leg[:-1]) & (area[1:] == area[:-1]))[: leg.size]
    # pieces do not overlap but for rounding, so that the one before ends last
    head = ~(same & (entry_km <= np.append(0.0, exit_km[:-1])[: leg.size] + TOUCH_KM))
    first = np.flatnonzero(head)
    last = np.maximum.reduceat(exit_km, first) if first.size else exit_km
    real = last - entry_km[first] > TOUCH_KM
    first = first[real]
    return Stays(leg[first], area[first], entry_km[first], last[real])


def stays_of(crossings: Crossings) -> Stays:
    """Stays as airsim finds them, in the order used here."""
    order = np.lexsort((crossings.entry_km, crossings.area, crossings.path))
    return Stays(
        crossings.path[order].astype(np.int64),
        crossings.area[order].astype(np.int64),
        crossings.entry_km[order],
        crossings.exit_km[order],
    )


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Stays against a reference.

    Parameters
    ----------
    pairs : int
        Pairs of leg and area that have stays in either.
    wrong_count : int
        Pairs whose numbers of stays differ.
    errors_m : ndarray
        Differences of entries and of exits where the numbers agree; ends of the leg itself are
        left out, as they are exact in all methods.
    """

    pairs: int
    wrong_count: int
    errors_m: Floats

    def describe(self) -> dict[str, float | int]:
        """Columns of a table."""
        e = self.errors_m
        median, p99, top = (
            (float(np.median(e)), float(np.percentile(e, 99)), float(e.max()))
            if e.size
            else (np.nan, np.nan, np.nan)
        )
        return {
            "error_median_m": median,
            "error_p99_m": p99,
            "error_max_m": top,
            "pairs": self.pairs,
            "wrong_count": self.wrong_count,
        }


def compare_stays(
    found: Stays, reference: Stays, length_km: Floats, *, without: Longs | None = None
) -> Accuracy:
    """Hold stays to those of a reference.

    Parameters
    ----------
    found, reference : Stays
    length_km : ndarray
        Length of each leg.
    without : ndarray, optional
        Areas left out.
    """
    if without is not None:
        found, reference = (_leave_out(s, without) for s in (found, reference))
    mine, true = (s.leg * 1_000_000 + s.area for s in (found, reference))
    every = np.union1d(mine, true)
    count = [np.bincount(np.searchsorted(every, k), minlength=every.size) for k in (mine, true)]
    agree = count[0] == count[1]
    a, b = (agree[np.searchsorted(every, k)] for k in (mine, true))
    entry_m = 1e3 * np.abs(found.entry_km[a] - reference.entry_km[b])
    exit_m = 1e3 * np.abs(found.exit_km[a] - reference.exit_km[b])
    starts_outside = reference.entry_km[b] > TOUCH_KM
    ends_outside = reference.exit_km[b] < length_km[reference.leg[b]] - TOUCH_KM
    errors = np.concatenate((entry_m[starts_outside], exit_m[ends_outside]))
    return Accuracy(every.size, int((~agree).sum()), errors)


def _leave_out(stays: Stays, areas: Longs) -> Stays:
    kept = ~np.isin(stays.area, areas)
    return Stays(stays.leg[kept], stays.area[kept], stays.entry_km[kept], stays.exit_km[kept])
