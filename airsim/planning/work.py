"""The state of one flight while it is planned, and the passes that open airspace to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from airsim.law import FlightFacts, Verdict
from airsim.operation import Flight
from airsim.performance import AircraftType, fly, time_at
from airsim.permission import AreaKey, Chosen, Decision, Mask, Outcome
from airsim.planning.judge import MINUTE_MS, STOP_GROUND_MIN, Judgement
from airsim.planning.search import Found, Search
from airsim.planning.types import Airborne, PlannedRoute
from airsim.routing import NoRoute, Route
from airsim.scenario import Scenario

F, NP, U, ADVICE = (
    Outcome.FORBIDDEN,
    Outcome.NOT_PERMITTED,
    Outcome.UNKNOWN,
    Outcome.ADVISED_AGAINST,
)
# What closes airspace in each pass: everything; then advice is put aside; then what a permit
# could open is opened; then what a missing datum might open.
PASSES: tuple[frozenset[Outcome], ...] = (
    frozenset({F, NP, U, ADVICE}),
    frozenset({F, NP, U}),
    frozenset({F, U}),
    frozenset({F}),
)


class Trip(NamedTuple):
    """What a trip takes, and whether fuel, payload and range allow it."""

    block_min: float
    fuel_kg: float
    feasible: bool


@dataclass(frozen=True, slots=True, eq=False)
class Trips:
    """Trips of one type with one payload, by their kilometres: worked out many at a time."""

    aircraft: AircraftType
    payload_kg: float
    _known: dict[float, Trip] = field(default_factory=dict)

    def prepare(self, lengths_km: Iterable[float]) -> None:
        """Work out trips of some lengths."""
        fresh = [km for km in dict.fromkeys(lengths_km) if km not in self._known]
        if fresh:
            found = fly(self.aircraft, fresh, self.payload_kg)
            columns = (found.block_min, found.block_fuel_kg, found.feasible)
            values = zip(*(column.tolist() for column in columns), strict=True)
            self._known.update(zip(fresh, map(Trip._make, values), strict=True))

    def find(self, km: float) -> Trip:
        """The trip of a length."""
        if km not in self._known:
            self.prepare((km,))
        return self._known[km]


@dataclass(slots=True, eq=False)
class Work:
    """A flight while it is being planned.

    Parameters
    ----------
    instants : tuple of int
        Departure, arrival by the direct path, and the latest plausible one.
    mask : Mask
        Airspace that is closed at all of them, shared with other flights.
    home : mapping of AreaKey to str
        Airspace entered to take off or to land (see `find_home`).
    own : dict of AreaKey to Decision
        What of the mask is home: decided on for what the flight does there.
    """

    scenario: Scenario
    flight: Flight
    facts: FlightFacts
    assumed: tuple[str, ...]
    planned_ms: int
    trips: Trips
    direct_km: float
    instants: tuple[int, int, int]
    ends: tuple[Decision, Decision]
    mask: Mask
    home: Mapping[AreaKey, str]
    own: dict[AreaKey, Decision]
    extra: dict[AreaKey, Decision] = field(default_factory=dict)
    step: int = 0
    routes: tuple[Route, ...] = ()
    stops: tuple[str, ...] = ()
    judgement: Judgement | None = None
    lower_bound_km: float = 0.0
    failure: NoRoute | None = None
    out_of_range: bool = False
    excluded: set[str] = field(default_factory=set)
    search: Search = field(default_factory=Search)
    settled: bool = False
    gave_up: bool = False
    airborne: Airborne | None = None
    inside: frozenset[AreaKey] = frozenset()
    heedless: bool = False
    rounds: int = 0

    @property
    def aircraft(self) -> AircraftType:
        """Type flown."""
        return self.trips.aircraft

    @property
    def payload_kg(self) -> float:
        """Payload carried."""
        return self.trips.payload_kg

    @property
    def start_ms(self) -> int:
        """Off-block, or now in the air."""
        return self.flight.eobt_ms if self.airborne is None else self.airborne.at_ms

    @property
    def origin(self) -> tuple[float, float]:
        """Longitude and latitude where the route begins."""
        if self.airborne is not None:
            return self.airborne.lon, self.airborne.lat
        spot = self.scenario.aerodromes[self.flight.adep]
        return spot.lon, spot.lat

    @property
    def target(self) -> tuple[float, float]:
        """Longitude and latitude of the destination."""
        spot = self.scenario.aerodromes[self.flight.ades]
        return spot.lon, spot.lat

    @property
    def ends_at(self) -> tuple[float, float, float, float]:
        """Origin and target."""
        return (*self.origin, *self.target)

    def flown_km(self, leg: int) -> float:
        """What of a leg lies behind when it is planned."""
        return self.airborne.flown_km if self.airborne is not None and leg == 0 else 0.0

    def reaches(self, leg: int, km: ArrayLike) -> NDArray[np.bool_]:
        """Whether fuel suffices for legs of so many kilometres."""
        if self.airborne is not None and leg == 0:
            return np.asarray(np.asarray(km) <= self.airborne.reach_km)
        if isinstance(km, float):
            return np.asarray(self.trips.find(km).feasible)
        return np.asarray(fly(self.aircraft, km, self.payload_kg).feasible)

    def block_min(self, leg: int, total_km: ArrayLike) -> NDArray[np.float64]:
        """Minutes from the start of a leg to on-block, for legs of so many kilometres."""
        flown = self.flown_km(leg)
        if isinstance(total_km, float) and not flown:
            return np.asarray(self.trips.find(total_km).block_min)
        whole = np.asarray(total_km) + flown
        spent = time_at(self.aircraft, flown, whole) if flown else 0.0
        return np.asarray(fly(self.aircraft, whole, self.payload_kg).block_min - spent)

    def closes(self, decision: Decision) -> bool:
        """Whether a decision closes its airspace, or bars its aerodrome, in the present pass."""
        if self.heedless or not decision.grounds:
            return False
        kinds = PASSES[self.step]
        return bool(
            (F in kinds and decision.says(F))
            or (U in kinds and decision.says(U))
            or (NP in kinds and decision.lacking)
            or (ADVICE in kinds and self.obeys(decision))
        )

    def closing(self, decision: Decision) -> tuple[Verdict, ...]:
        """Rules for whose sake `closes` says so in the present pass."""
        kinds = PASSES[self.step]
        found = [v for kind in (F, U) if kind in kinds for v in decision.says(kind)]
        found += decision.lacking if NP in kinds else ()
        found += self.heeded(decision) if ADVICE in kinds else ()
        return tuple(found)

    def obeys(self, decision: Decision) -> bool:
        """Whether the operator keeps away because it was advised to, or chose to."""
        return bool(self.heeded(decision))

    def heeded(self, decision: Decision) -> tuple[Verdict, ...]:
        """Advice that this operator obeys, and its own policy."""
        return tuple(v for v in decision.advisories if self.heeds(v) == "obey")

    def heeds(self, verdict: Verdict) -> str:
        """What the operator does with one advice or policy: obey, warn (say so) or ignore."""
        if self.scenario.options.advice:
            return self.scenario.options.advice
        if verdict.rule.force == "advisory":
            return self.scenario.operators[self.flight.operator].advisory_policy
        return "obey" if self.scenario.options.obey_operator_policy else "warn"

    @property
    def closed(self) -> frozenset[AreaKey]:
        """Areas closed in the present pass."""
        masked = self._masked()
        return masked.union(self.extra).difference(self.inside)

    def _masked(self) -> frozenset[AreaKey]:
        shared = self._choose().areas
        own = {area for area, decision in self.own.items() if self.closes(decision)}
        if not own and shared.isdisjoint(self.own):
            return shared
        return shared.difference(self.own).union(own)

    def _choose(self) -> Chosen:
        """What of the mask is closed to flights that heed as much advice in the same pass."""
        policy = (
            self.scenario.options.advice,
            self.scenario.options.obey_operator_policy,
            self.scenario.operators[self.flight.operator].advisory_policy,
        )
        return self.mask.choose((self.step, self.heedless, policy), self.closes)

    def list_closed(self) -> tuple[tuple[AreaKey, Decision], ...]:
        """What is closed in the present pass and why, by area; where the flight is, too."""
        shared = self._choose()
        added = {area: d for area, d in self.own.items() if self.closes(d)} | self.extra
        if not added and shared.areas.isdisjoint(self.own):
            return shared.decisions
        kept = {area: d for area, d in shared.decisions if area not in self.own} | added
        return tuple((area, kept[area]) for area in sorted(kept))

    def decision_on(self, area: AreaKey) -> Decision | None:
        """What this flight was told of an area of its mask, or of one that it avoids besides."""
        told = self.extra.get(area) or self.own.get(area)
        if told is not None or area not in self.mask:
            return told
        # What is shared with other flights is a question about another.
        at_ms = self.instants[self.mask.moment.get(area, 0)]
        shared = self.mask[area]
        question = replace(
            shared.question, start_ms=at_ms, end_ms=at_ms, facts=self.facts,
            lower_ft=self.level_ft, upper_ft=self.level_ft, known_ms=self.planned_ms,
        )  # fmt: skip
        return replace(shared, question=question)

    @property
    def level_ft(self) -> float:
        """Cruising level, feet."""
        return self.aircraft.cruise_fl * 100.0

    def keep_route(self) -> None:
        """Remember the present route as one that may be flown."""
        assert self.judgement is not None
        barred = self.closes(self.judgement.landing)
        self.search.keep(Found(self.extra, self.routes, self.stops, self.judgement, barred))

    def end_search(self) -> bool:
        """Go on with the next branch; True if there is none and planning has ended."""
        extra = self.search.next()
        if extra is not None:
            self.extra = extra
            return False
        best = self.search.best
        if best is None and self.search.cut_off:
            self.gave_up = True
            return True
        if best is None:
            return not (self.exclude_stops() or self._open_more())
        self.extra, self.routes, self.stops = best.extra, best.routes, best.stops
        self.judgement, self.failure, self.out_of_range = best.judgement, None, False
        self.lower_bound_km = max(self.lower_bound_km, self.search.bound_km)
        return True

    def _open_more(self) -> bool:
        """Go on to the next pass that opens something; False if there is none.

        What a route was found to cross is judged anew there: it may have been closed only for
        what that route crossed before, or where it stopped.
        """
        before = self._masked()
        while self.step + 1 < len(PASSES):
            self.step += 1
            opened = self._masked() != before
            if opened or any(not self.closes(d) for d in self.extra.values()):
                self._start_again()
                self.lower_bound_km = 0.0
                return True
        return False

    def _start_again(self) -> None:
        self.extra, self.search = {}, Search()

    def leg_facts(
        self, aerodromes: tuple[str, ...], number: int, crossed: frozenset[str] | None
    ) -> FlightFacts:
        """Facts of one leg: its own ends; the other aerodromes of the plan are its stops."""
        known = self.scenario.aerodromes
        start, end = aerodromes[number : number + 2]
        others = [icao for icao in aerodromes if icao not in (start, end)]
        return replace(
            self.facts, origin=start, destination=end, origin_state=known[start].state,
            destination_state=known[end].state,
            stops=tuple((icao, known[icao].state) for icao in others), crossed=crossed,
        )  # fmt: skip

    def exclude_stops(self) -> bool:
        """Give up the present fuel stops, and all that was closed because of them."""
        if not self.stops:
            return False
        self.excluded |= set(self.stops)
        self.stops = ()
        self._start_again()
        return True


def time_route(work: Work) -> PlannedRoute:
    """Time, fuel and geometry of the route a flight ended with."""
    start_ms = work.start_ms
    starts, blocks, fuel = [], [], 0.0
    for leg, route in enumerate(work.routes):
        starts.append(start_ms)
        blocks.append(float(work.block_min(leg, route.distance_km)))
        fuel += work.trips.find(work.flown_km(leg) + route.distance_km).fuel_kg
        start_ms += round((blocks[-1] + STOP_GROUND_MIN) * MINUTE_MS)
    total_km = sum(route.distance_km for route in work.routes)
    # the search counts whole metres: one may round up
    bound_km = min(total_km, max(work.lower_bound_km, work.direct_km))
    points = [work.routes[0].points, *(route.points[1:] for route in work.routes[1:])]
    return PlannedRoute(
        np.concatenate(points), total_km,
        (starts[-1] - starts[0]) / MINUTE_MS + blocks[-1], fuel, work.stops,
        min(route.clearance_nm for route in work.routes),
        bound_km, max(0.0, total_km / bound_km - 1.0) if bound_km else 0.0,
        tuple(route.distance_km for route in work.routes), tuple(starts), tuple(blocks),
    )  # fmt: skip
