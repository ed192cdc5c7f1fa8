"""What would have to change: the smallest sets of rules whose lifting opens or shortens a flight.

The search asks one question again and again: which way is best if this set of rules were lifted?
The answer is a plan under the amended law, and the rules that its route owes its freedom to.
Lifting more never lengthens the best way, so that each answer speaks for many sets: no subset of
what was lifted does better, and every set that holds the rules owed does as well.

It starts with everything lifted. A smaller set that matters must do without one of the rules owed:
keep each of them in turn, and ask again. Every set that matters is met on the way (it is the tree
of hitting sets, best first); answers that follow from earlier ones are not asked for.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import inf
from typing import Any, TypeVar

from airsim.law import Amendment, Rule
from airsim.operation import Flight
from airsim.planning.plan import find_obstacles, plan_flights
from airsim.planning.types import Plan
from airsim.scenario import Scenario, amend_scenario

# A shorter way counts if it saves this share of the great circle.
LEAST_GAIN = 0.01
MOST_PLANS = 300

Rules = frozenset[str]


@dataclass(frozen=True, slots=True)
class Cost:
    """Kilometres and fuel stops of a way; infinite if there is none."""

    km: float
    stops: float

    def within(self, other: Cost, slack_km: float) -> bool:
        """Whether this is as good as another, but for some kilometres."""
        return self.km <= other.km + slack_km and self.stops <= other.stops


NO_WAY = Cost(inf, inf)


def _least(costs: Sequence[Cost]) -> Cost:
    return Cost(min(cost.km for cost in costs), min(cost.stops for cost in costs))


@dataclass(frozen=True, slots=True, eq=False)
class Unlocking:
    """A smallest set of rules that opens a way, and the plan if they were lifted.

    Parameters
    ----------
    rules : tuple of Rule
        All that must go, in id order; without any of them there is no way, or a longer one. Empty
        for what may be flown as things are.
    plan : Plan
        Under the amended law.
    """

    rules: tuple[Rule, ...]
    plan: Plan

    @property
    def amendments(self) -> tuple[Amendment, ...]:
        """The change of law."""
        return tuple(Amendment("lift", rule.id) for rule in self.rules)

    @property
    def prohibitions(self) -> tuple[Rule, ...]:
        """Binding rules to lift."""
        return tuple(r for r in self.rules if r.permit is None and r.force == "binding")

    @property
    def permits(self) -> tuple[Rule, ...]:
        """Rules whose permit is to be obtained."""
        return tuple(rule for rule in self.rules if rule.permit is not None)

    @property
    def advice(self) -> tuple[Rule, ...]:
        """Advice and policy that the operator would have to put aside."""
        return tuple(r for r in self.rules if r.permit is None and r.force != "binding")

    @property
    def authorities(self) -> tuple[str, ...]:
        """Who would have to act, sorted."""
        return tuple(sorted({rule.authority for rule in self.rules}))


@dataclass(frozen=True, slots=True, eq=False)
class Unlock:
    """What would have to change for one flight.

    Parameters
    ----------
    base : Plan
        As the law is.
    sets : tuple of Unlocking
        The front: fewest rules first, then shortest. None if no lifting of rules opens a way.
    least_gain_km : float
        Ways that are shorter by less are not told apart.
    complete : bool
        False if the search was cut off: sets may be missing, and some not be the smallest.
    plans : int
        Plans made.
    """

    base: Plan
    sets: tuple[Unlocking, ...]
    least_gain_km: float
    complete: bool
    plans: int


def find_unlocking(
    scenario: Scenario,
    flights: Sequence[Flight],
    *,
    least_gain: float = LEAST_GAIN,
    most_plans: int = MOST_PLANS,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Unlock, ...]:
    """Find all smallest sets of rules whose lifting opens a flight, or buys a shorter way.

    Parameters
    ----------
    scenario : Scenario
    flights : sequence of Flight
        With codes the scenario knows; those that ask about the same law share what it takes.
    least_gain : float
        Share of the great circle by which a way must be shorter to count; infinite: only what
        opens the flight, or spares a stop, counts.
    most_plans : int
        Bound on the search for each flight: plans made, at least 1.
    progress : callable, optional
        Called with (done, total) flights.

    Returns
    -------
    tuple of Unlock
        In the order of `flights`: every set of rules with a way under it such that each proper
        subset has none, or one that is longer by more than the least gain or makes more stops.

    Notes
    -----
    Rules on airspace and aerodromes can be lifted: prohibitions, permits (lifted means obtained),
    advice that the operator obeys and its own policy. Licences and rules on persons stay as they
    are. The front is as exact as planning: where closures of part of the time, or rules on what
    was crossed before, bound its search (see `plan_flights`), the sets rest on its routes.
    """
    searches = [_Search(scenario, flight, least_gain, max(1, most_plans)) for flight in flights]
    runs = [search.run() for search in searches]
    asking = {number: next(run) for number, run in enumerate(runs)}
    found: dict[int, Unlock] = {}
    while asking:
        # What most flights wait for is asked first: others may come to ask for it meanwhile.
        count = Counter(asking.values())
        lifted = min(count, key=lambda names: (-count[names], sorted(names)))
        numbers = [number for number, names in asking.items() if names == lifted]
        changes = [Amendment("lift", name) for name in sorted(lifted)]
        plans = plan_flights(amend_scenario(scenario, changes), [flights[n] for n in numbers])
        for number, plan in zip(numbers, plans, strict=True):
            try:
                asking[number] = runs[number].send(plan)
            except StopIteration as end:
                found[number] = end.value
                del asking[number]
        if progress is not None:
            progress(len(found), len(flights))
    return tuple(found[number] for number in range(len(flights)))


T = TypeVar("T")
# A search names rules to lift, and is sent the plan under the law without them.
Asking = Generator[Rules, Plan, T]


class _SpentError(Exception):
    """The bound on plans was reached."""


@dataclass(frozen=True, slots=True, eq=False)
class _Answer:
    """The plan with some rules lifted, its cost, and those that its route needs lifted."""

    plan: Plan
    cost: Cost
    needed: Rules


@dataclass(frozen=True, slots=True, eq=False)
class _Way:
    """What can be flown with these rules lifted."""

    rules: Rules
    plan: Plan
    cost: Cost

    @property
    def rank(self) -> tuple[int, list[str]]:
        """Smaller is better: metres decide, then the names."""
        return round(self.cost.km * 1000.0), sorted(self.rules)


@dataclass
class _Search:
    """All that was asked so far about a flight, and what follows from it.

    `floors` holds, by rules kept, what no way does better as long as they are kept; `ways`, by
    rules lifted, what can be flown once these are.
    """

    scenario: Scenario
    flight: Flight
    least_gain: float
    most_plans: int
    slack_km: float = 0.0
    answers: dict[Rules, _Answer] = field(default_factory=dict)
    floors: dict[Rules, Cost] = field(default_factory=dict)
    ways: dict[Rules, _Way] = field(default_factory=dict)

    @cached_property
    def everything(self) -> Rules:
        """All rules that can be lifted."""
        return frozenset(rule.id for rule in self.scenario.bound.airspace_rules)

    def run(self) -> Asking[Unlock]:
        """Explore, prove, conclude."""
        base = (yield from self._ask(frozenset())).plan
        self.slack_km = self.least_gain * base.direct_km
        self.floors[frozenset()] = Cost(base.direct_km, 0)  # whatever is lifted
        complete = True
        try:
            yield from self._explore()
            yield from self._prove_smallest()
        except _SpentError:
            complete = False
        by_id = self.scenario.rulebook.by_id
        front = sorted(self._front(), key=lambda way: (len(way.rules), way.rank))
        return Unlock(
            base,
            tuple(Unlocking(tuple(by_id[r] for r in sorted(way.rules)), way.plan) for way in front),
            self.slack_km, complete, len(self.answers),
        )  # fmt: skip

    def _ask(self, lifted: Rules) -> Asking[_Answer]:
        """Have it planned with some rules lifted."""
        if lifted not in self.answers:
            if len(self.answers) >= self.most_plans:
                raise _SpentError
            plan = yield lifted
            cost, needed = NO_WAY, lifted
            if plan.route is not None:
                needed = find_obstacles(self.scenario, plan)
                # Else against advice that is obeyed, without a permit, or with a doubt.
                if needed <= lifted:
                    cost = Cost(plan.route.distance_km, len(plan.route.stops))
            self.answers[lifted] = _Answer(plan, cost, needed)
            known = [way.cost for rules, way in self.ways.items() if rules <= lifted]
            self.floors[self.everything - lifted] = _least([cost, *known])
        return self.answers[lifted]

    def _floor(self, lifted: Rules) -> Cost:
        """No way is better with these rules lifted: something that keeps fewer rules is not."""
        known = [cost for kept, cost in self.floors.items() if kept.isdisjoint(lifted)]
        return Cost(
            max((cost.km for cost in known), default=0.0),
            max((cost.stops for cost in known), default=0.0),
        )

    def _find_best(self, lifted: Rules) -> Asking[_Way | None]:
        """Something that is as good as the best way with these rules lifted; None if none is."""
        floor = self._floor(lifted)
        if floor == NO_WAY:
            return None
        known = [
            way
            for rules, way in self.ways.items()
            if rules <= lifted and way.cost.within(floor, self.slack_km)
        ]
        if known:
            return min(known, key=lambda way: (len(way.rules), way.rank))
        cost = (yield from self._ask(lifted)).cost
        return None if cost == NO_WAY else (yield from self._narrow(lifted, cost))

    def _narrow(self, lifted: Rules, cost: Cost) -> Asking[_Way]:
        """Do with fewer rules lifted for what can be flown at a cost with these."""
        answer = yield from self._ask(lifted)
        if answer.needed < lifted:
            if (yield from self._ask(answer.needed)).cost.within(cost, self.slack_km):
                return (yield from self._narrow(answer.needed, cost))
            # What a route crosses is not all that it needs open: it also keeps its distance.
            lifted = yield from self._thin_out(lifted, sorted(lifted - answer.needed), cost)
            answer = yield from self._ask(lifted)
        way = self.ways.setdefault(lifted, _Way(lifted, answer.plan, answer.cost))
        for kept, floor in self.floors.items():
            if kept.isdisjoint(lifted):
                # Where planning is not exact it may have missed what it finds under stricter law.
                self.floors[kept] = _least([floor, way.cost])
        return way

    def _thin_out(self, lifted: Rules, spare: list[str], cost: Cost) -> Asking[Rules]:
        """Keep all rules of a list that can be kept at a cost: halves, and their halves."""
        if not spare:
            return lifted
        answer = yield from self._ask(lifted.difference(spare))
        if answer.cost.within(cost, self.slack_km):
            return lifted.difference(spare)
        if len(spare) > 1:
            middle = len(spare) // 2
            for half in (spare[:middle], spare[middle:]):
                lifted = yield from self._thin_out(lifted, half, cost)
        return lifted

    def _explore(self) -> Asking[None]:
        """Find all ways that may matter."""
        yield from self._find_best(frozenset())
        root = yield from self._find_best(self.everything)
        if root is None:
            return
        for name in sorted(root.rules):
            yield from self._find_best(self.everything - {name})
        must = frozenset(
            name for name in root.rules if self.floors.get(frozenset({name})) == NO_WAY
        )
        # All sets that open a way hold these: no other is worth more if they open it as well.
        least = yield from self._find_best(must)
        waiting: list[tuple[float, int, tuple[str, ...]]] = [(0.0, 0, ())]
        seen: set[tuple[str, ...]] = set()
        while waiting:
            *_, names = heapq.heappop(waiting)
            if names in seen:
                continue
            seen.add(names)
            lifted = self.everything.difference(names)
            if least is not None and least.cost.within(self._floor(lifted), self.slack_km):
                continue
            way = yield from self._find_best(lifted)
            for name in () if way is None else sorted(way.rules - must):
                kept = tuple(sorted((*names, name)))
                heapq.heappush(waiting, (self._floor(lifted).km, len(kept), kept))

    def _front(self) -> list[_Way]:
        """Ways with no equal among those that lift only some of their rules."""
        return [
            way
            for way in self.ways.values()
            if not any(
                other.rules < way.rules and other.cost.within(way.cost, self.slack_km)
                for other in self.ways.values()
            )
        ]

    def _prove_smallest(self) -> Asking[None]:
        """Ask for each way of the front whether one of its rules can be kept after all."""
        proved: set[Rules] = set()
        while open_ways := [way for way in self._front() if way.rules not in proved]:
            for way in sorted(open_ways, key=lambda way: way.rank):
                for name in sorted(way.rules):
                    rest = way.rules - {name}
                    if not self._floor(rest).within(way.cost, self.slack_km):
                        continue
                    answer = yield from self._ask(rest)
                    if answer.cost.within(way.cost, self.slack_km):
                        yield from self._narrow(rest, way.cost)
                proved.add(way.rules)


def describe_unlock(unlock: Unlock) -> dict[str, Any]:
    """The front as JSON-ready data, quantised.

    Returns
    -------
    dict
        ``unlock``: one entry per set; ``unlock_search``: whether the search came to its end, what
        it counted as shorter (km) and how many plans it made (see ``check.schema.json``).
    """
    rows = []
    for found in unlock.sets:
        assert found.plan.route is not None  # a set is listed for the way it opens
        rows.append(
            {
                "rules": [rule.id for rule in found.prohibitions],
                "permits": [rule.id for rule in found.permits],
                "advice": [rule.id for rule in found.advice],
                "authorities": list(found.authorities),
                "distance_km": round(found.plan.route.distance_km, 3),
                "stops": list(found.plan.route.stops),
                "block_min": round(found.plan.route.block_min, 1),
                "outcome": found.plan.outcome,
                "lawful": found.plan.lawful,
                "breaches": list(found.plan.breach_rules),
            }
        )
    return {
        "unlock": rows,
        "unlock_search": {
            "complete": unlock.complete,
            "least_gain_km": round(unlock.least_gain_km, 3),
            "plans": unlock.plans,
        },
    }
