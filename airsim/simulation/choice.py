"""Which of the free aircraft a flight takes, so that the law is kept where it can be.

Rules name registrations, owners and makers: a listed Boeing may land where another may not, or may
not be fuelled there. Only the two ends are looked at, where aircraft differ in law; the way is
planned for the one that is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from airsim.operation import Tail
from airsim.permission import Outcome, find_breaches
from airsim.planning import decide_end, make_facts
from airsim.scenario import Scenario
from airsim.simulation.state import Aircraft, FlightRecord


@dataclass(frozen=True, slots=True)
class Standing:
    """What law says of one aircraft at both ends of a flight: ids of rules.

    Parameters
    ----------
    barred : tuple of str
        That forbid its take-off or landing.
    breached : tuple of str
        Addressed to persons, broken by its take-off or landing.
    unserved : tuple of str
        By which persons may not fuel or service it where it lands.
    """

    barred: tuple[str, ...]
    breached: tuple[str, ...]
    unserved: tuple[str, ...]

    @property
    def rank(self) -> tuple[int, int, int]:
        """Smaller is better: what forbids comes first."""
        return len(self.barred), len(self.breached), len(self.unserved)

    @property
    def rules(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(sorted({*self.barred, *self.breached, *self.unserved}))


def find_standing(scenario: Scenario, record: FlightRecord, tail: Tail, now_ms: int) -> Standing:
    """What the law published by now says of an aircraft at the ends of a planned flight."""
    flight = replace(record.flight, registration=tail.registration, typecode=tail.typecode)
    facts, _ = make_facts(scenario, flight)
    lands_ms = record.plan.decisions[-1].question.start_ms
    take_off = decide_end(scenario, "take-off", flight.adep, now_ms, facts, now_ms)
    landing = decide_end(scenario, "landing", flight.ades, lands_ms, facts, now_ms)
    barred = [v for d in (take_off, landing) for v in (*d.says(Outcome.FORBIDDEN), *d.lacking)]
    broken = [v for d in (take_off, landing) for v in find_breaches(scenario.bound, d.question)]
    served = find_breaches(scenario.bound, replace(landing.question, activity="servicing"))
    found = ((v.rule.id for v in said if v.truth is True) for said in (barred, broken, served))
    return Standing(*(tuple(sorted(set(names))) for names in found))


def choose_aircraft(
    scenario: Scenario, record: FlightRecord, free: Sequence[Aircraft], now_ms: int
) -> tuple[Aircraft, tuple[str, ...]]:
    """The free aircraft that breaks least, of those alike the first; what the first would break."""
    standings = [find_standing(scenario, record, a.tail, now_ms) for a in free]
    best = min(range(len(free)), key=lambda k: (standings[k].rank, k))
    avoided = set(standings[0].rules) - set(standings[best].rules)
    return free[best], tuple(sorted(avoided))
