"""What planning answers: one plan per flight, with everything it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from airsim.law import FlightFacts, Verdict
from airsim.operation import Flight
from airsim.permission import AreaKey, Decision


@dataclass(frozen=True, slots=True)
class PlannedCrossing:
    """One stay of the flight in one airspace; km from departure, times UTC milliseconds."""

    layer: str
    row: int
    designator: str
    title: str
    quality: str
    entry_km: float
    exit_km: float
    entry_ms: int
    exit_ms: int
    lower_ft: float
    upper_ft: float


@dataclass(frozen=True, slots=True)
class Airborne:
    """Where a flight is when it is planned anew in the air.

    Parameters
    ----------
    lon, lat : float
        Present position, degrees.
    at_ms : int
        Now: the law published by now is known.
    flown_km : float
        Flown since the last take-off.
    reach_km : float
        How far it gets on the fuel left.
    crossed : frozenset of str
        Territories entered so far.
    loaded_km : float
        Length of the route that fuel was loaded for.
    """

    lon: float
    lat: float
    at_ms: int
    flown_km: float
    reach_km: float
    crossed: frozenset[str]
    loaded_km: float


@dataclass(frozen=True, slots=True, eq=False)
class PlannedRoute:
    """The permitted route.

    Parameters
    ----------
    points : ndarray of float, shape (n, 2)
        Longitude and latitude in degrees, stops included.
    distance_km : float
        WGS84 length.
    block_min, fuel_kg : float
        Off-block to on-block (time on the ground at stops included); fuel burnt.
    stops : tuple of str
        Aerodromes of fuel stops, ICAO.
    clearance_nm : float
        Least distance from closed airspace, capped at what was asked.
    lower_bound_km : float
        Length of the best route, at the same clearance, round what is closed all the time: no
        permitted route is shorter.
    gap : float
        How far the route may be above the best, as a share. It is 0 where the first route, which
        heeds only what is closed throughout, breaks no rule.
    leg_km, leg_start_ms, leg_block_min : tuple of float
        Per leg between stops: length, off-block, block time.
    """

    points: NDArray[np.float64]
    distance_km: float
    block_min: float
    fuel_kg: float
    stops: tuple[str, ...]
    clearance_nm: float
    lower_bound_km: float
    gap: float
    leg_km: tuple[float, ...]
    leg_start_ms: tuple[int, ...]
    leg_block_min: tuple[float, ...]


class Dealing(NamedTuple):
    """Something done with a flight, where, and the rule that bars persons from it."""

    activity: str
    place: str
    verdict: Verdict


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """The answer for one flight.

    Parameters
    ----------
    outcome : str
        direct, detour, fuel-stop, needs-permit, infeasible or unknown: the best path if
        obtainable permits are granted.
    lawful : str
        yes, no or unknown: free of breaches by persons.
    route : PlannedRoute or None
    crossings, decisions
        Along the route, take-off and landing included among the decisions.
    blocking_rules : tuple of str
        Rules that bar an end, enclose it, or close the direct path.
    breaches, doubts : tuple of (str, Verdict)
        Activity and rule broken; the same where a fact is missing.
    dealings : tuple of Dealing
        What persons bound by a rule may not do with this flight: servicing, selling it, ...
    advisories, permits, assumed, not_judged : tuple of str
    provisional : bool
        The blocking rules are all unverified.
    closed : tuple of (AreaKey, Decision)
        Airspace closed to this flight when it was planned.
    obstacles : tuple of (AreaKey, Decision)
        What of it is in the way: on the direct path, or around what can be reached.
    planned_ms : int
        When it was planned: it knows the law published by then.
    reason : str
        One line in plain words.
    airborne : Airborne or None
        Where the flight was when this plan was made in the air.
    """

    flight: Flight
    facts: FlightFacts
    outcome: str
    lawful: str
    direct_km: float
    route: PlannedRoute | None
    crossings: tuple[PlannedCrossing, ...]
    decisions: tuple[Decision, ...]
    blocking_rules: tuple[str, ...]
    breaches: tuple[tuple[str, Verdict], ...]
    doubts: tuple[tuple[str, Verdict], ...]
    dealings: tuple[Dealing, ...]
    advisories: tuple[str, ...]
    permits: tuple[str, ...]
    assumed: tuple[str, ...]
    not_judged: tuple[str, ...]
    provisional: bool
    closed: tuple[tuple[AreaKey, Decision], ...]
    obstacles: tuple[tuple[AreaKey, Decision], ...]
    planned_ms: int
    reason: str
    airborne: Airborne | None = None

    @property
    def breach_rules(self) -> tuple[str, ...]:
        """Ids of the rules broken, sorted, each once."""
        return tuple(sorted({verdict.rule.id for _, verdict in self.breaches}))

    @property
    def feasible(self) -> bool:
        """Whether there is a path the flight may take without asking for more."""
        return self.outcome in ("direct", "detour", "fuel-stop")

    @property
    def rule_ids(self) -> frozenset[str]:
        """Every rule the plan names."""
        named = {*self.blocking_rules, *self.advisories, *self.permits, *self.not_judged}
        verdicts = [v for d in self.decisions for v in d.verdicts]
        verdicts += [v for _, v in (*self.breaches, *self.doubts)]
        verdicts += [dealing.verdict for dealing in self.dealings]
        return frozenset(named | {v.rule.id for v in verdicts})
