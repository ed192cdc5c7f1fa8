"""Search over what a flight avoids besides the areas that are closed to it throughout.

A route that breaks a rule can often be mended in several ways: do without the airspace, or without
having crossed what bars it. Each way is a branch, a larger set of areas to avoid, no shorter than
the route it grew from. The search first goes straight down to some route that keeps the law, then
tries the branch of the least bound, and ends when none left can save more than a thousandth.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airsim.permission import AreaKey, Decision
from airsim.routing import Route

if TYPE_CHECKING:
    from airsim.planning.judge import Judgement

Extra = dict[AreaKey, Decision]

_MOST_DIVES = 60  # branches tried until a route is found
_MOST_BETTER = 12  # branches tried for a shorter one
_WORTH = 1e-3  # a branch is tried only where it might save this share of the route found


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A route that the law leaves open, with the areas avoided for its sake."""

    extra: Extra
    routes: tuple[Route, ...]
    stops: tuple[str, ...]
    judgement: Judgement
    barred: bool  # at its destination, whatever the way

    @property
    def rank(self) -> tuple[bool, int]:
        """Smaller is better: metres decide, equal on every machine."""
        return self.barred, metres(self.routes)


@dataclass(frozen=True, slots=True, eq=False)
class Branch:
    """Areas to avoid, and the length in metres below which they leave no route."""

    extra: Extra
    bound_m: int


@dataclass(slots=True, eq=False)
class Search:
    """Branches waiting and the best route found in one pass.

    Parameters
    ----------
    exhaustive : bool
        Whether each route was mended in every way there is. Airspace that is closed for a time,
        at some levels or to who comes from elsewhere might also be crossed at another time or
        from another side: that is not searched, so no bound beyond the first route is claimed.
    """

    waiting: list[Branch] = field(default_factory=list)
    seen: set[frozenset[AreaKey]] = field(default_factory=set)
    best: Found | None = None
    dives: int = 0
    exhaustive: bool = True

    def add(self, extra: Extra, bound_m: int) -> None:
        """Wait with a branch that leads to no route below a bound."""
        key = frozenset(extra)
        if key not in self.seen:
            self.seen.add(key)
            self.waiting.append(Branch(extra, bound_m))

    def keep(self, found: Found) -> None:
        """Remember a route if it is the best so far."""
        if self.best is None:
            self.dives = 0
        if self.best is None or found.rank < self.best.rank:
            self.best = found

    def next(self) -> Extra | None:
        """Take the branch to try next; None if none is worth it, or too many were tried."""
        if not self.waiting or self.cut_off:
            return None
        if self.best is None:  # down to a first route: what avoids most
            chosen = min(self.waiting, key=lambda branch: (-len(branch.extra), branch.bound_m))
        else:
            chosen = min(self.waiting, key=lambda branch: branch.bound_m)
            if not self.best.barred and chosen.bound_m >= (1.0 - _WORTH) * self.best.rank[1]:
                return None
        self.dives += 1
        self.waiting.remove(chosen)
        return chosen.extra

    @property
    def cut_off(self) -> bool:
        """Whether branches are left and were too many to be tried."""
        limit = _MOST_DIVES if self.best is None else _MOST_BETTER
        return bool(self.waiting) and self.dives >= limit

    @property
    def bound_km(self) -> float:
        """No route is shorter by what was searched; 0 where nothing is claimed."""
        if not self.exhaustive or self.best is None:
            return 0.0
        return min([self.best.rank[1], *(branch.bound_m for branch in self.waiting)]) / 1000.0


def metres(routes: tuple[Route, ...]) -> int:
    """Length of the legs of a flight."""
    return round(1000.0 * sum(route.distance_km for route in routes))
