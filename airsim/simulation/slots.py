"""Places in the flow: who moves where in which hour, and when the next place is free.

A rule that asks for a routine permit of which so many are given an hour (or a day) is counted
here: at an aerodrome each landing and take-off, in an airspace each flight that enters it. Clock
hours and UTC days are counted; whoever is ready first gets the place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from airsim.base import format_instant
from airsim.law import Rule
from airsim.permission import Outcome
from airsim.planning import Plan
from airsim.scenario import HOUR_MS

MINUTE_MS = 60_000
_WINDOW_MS = {"hour": HOUR_MS, "day": 24 * HOUR_MS}

Key = tuple[str, str, int]  # rule, for whom it is counted, beginning of the hour or day


@dataclass(frozen=True, slots=True)
class Movement:
    """One movement that needs a place: under which rule, when, of how many."""

    rule_id: str
    counted_for: str
    at_ms: int
    window_ms: int
    most: int
    what: str

    @property
    def key(self) -> Key:
        """Which places it shares with others."""
        return self.rule_id, self.counted_for, self.at_ms // self.window_ms * self.window_ms


def is_counted(rule: Rule) -> bool:
    """Whether a rule's permits are places that are counted here."""
    permit = rule.permit
    return (
        permit is not None
        and permit.kind == "routine"
        and permit.quota is not None
        and permit.quota.per in _WINDOW_MS
    )


def list_movements(plan: Plan, shift_ms: int) -> Iterator[Movement]:
    """Movements of a plan that need a place, if everything is moved by one span."""
    entered: set[str] = set()
    counted = {"operator": plan.facts.operator, "State": plan.facts.licensed_in, "all": ""}
    for decision in plan.decisions:
        question = decision.question
        place = question.places[0]
        for verdict in (*decision.presumed, *decision.says(Outcome.NOT_PERMITTED)):
            rule = verdict.rule
            if not is_counted(rule) or (place.layer != "aerodrome" and rule.id in entered):
                continue
            entered.add(rule.id)
            assert rule.permit is not None
            quota = rule.permit.quota
            assert quota is not None
            yield Movement(
                rule.id, counted[quota.each] or "", question.start_ms + shift_ms,
                _WINDOW_MS[quota.per], quota.most, f"{question.activity} {place.designator}",
            )  # fmt: skip


class SlotBook:
    """All places taken in a run."""

    def __init__(self) -> None:
        self.taken: Counter[Key] = Counter()
        self.held: dict[str, tuple[Movement, ...]] = {}

    def find_start(self, plan: Plan, start_ms: int, until_ms: int) -> int | None:
        """Soonest off-block, not before one time nor after another, with a place everywhere.

        Each full hour is left as late as must be: no sooner departure has all its places.
        """
        while start_ms <= until_ms:
            moves = list_movements(plan, start_ms - plan.flight.eobt_ms)
            wait_ms = max((self._wait_ms(move) for move in moves), default=0)
            if not wait_ms:
                return start_ms
            start_ms = -(-(start_ms + wait_ms) // MINUTE_MS) * MINUTE_MS
        return None

    def name_full(self, plan: Plan, start_ms: int) -> list[Movement]:
        """Movements that find no place if the flight leaves at a time."""
        moves = list_movements(plan, start_ms - plan.flight.eobt_ms)
        return [move for move in moves if self._wait_ms(move)]

    def book(self, flight_id: str, plan: Plan, start_ms: int) -> tuple[Movement, ...]:
        """Take the places of a flight, whether they are free or not; it gives up its former."""
        self.release(flight_id)
        moves = tuple(list_movements(plan, start_ms - plan.flight.eobt_ms))
        self.held[flight_id] = moves
        self.taken.update(move.key for move in moves)
        return moves

    def change(self, flight_id: str, plan: Plan, now_ms: int) -> None:
        """Count what a flight in the air does by its new plan, whether there is a place or not."""
        made = tuple(move for move in self.held.get(flight_id, ()) if move.at_ms <= now_ms)
        ahead = tuple(move for move in list_movements(plan, 0) if move.at_ms > now_ms)
        self.release(flight_id)
        self.held[flight_id] = made + ahead
        self.taken.update(move.key for move in self.held[flight_id])

    def release(self, flight_id: str) -> None:
        """Give up the places of a flight."""
        self.taken.subtract(move.key for move in self.held.pop(flight_id, ()))

    def _wait_ms(self, move: Movement) -> int:
        """Until the next hour, if this one is full."""
        if self.taken[move.key] < move.most:
            return 0
        return move.key[2] + move.window_ms - move.at_ms


def describe_movements(moves: list[Movement] | tuple[Movement, ...]) -> str:
    """What moves when under which rule, for the log."""
    return ", ".join(f"{m.what} {format_instant(m.at_ms)} by {m.rule_id}" for m in moves)
