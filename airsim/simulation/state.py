"""The one state object of a run: where the aircraft are, what was flown, what was logged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from airsim.operation import Flight, Tail
from airsim.permission import Decision
from airsim.planning import Plan


class Event(NamedTuple):
    """One line of the log; never changed once written."""

    time_ms: int
    event: str
    flight_id: str
    registration: str
    detail: str


@dataclass(frozen=True, slots=True)
class Grounding:
    """A time in which an aircraft could not fly.

    `cause` is ``check``, ``parts`` or ``stranded`` (after a diversion, without a way on or home);
    `rules` are those that barred the part's delivery.
    """

    start_ms: int
    end_ms: int
    cause: str
    detail: str
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Delay:
    """A wait between the hour of the timetable and off-block.

    `cause` is ``aircraft``, ``permit``, ``closed`` (by a rule for a time: hours, a curfew, a
    closure) or ``slot``; `rules` are those that made it wait.
    """

    start_ms: int
    end_ms: int
    cause: str
    detail: str
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PermitApplication:
    """What was asked of an authority, for a series of flights or one flight, and its answer."""

    rule_id: str
    authority: str
    subject: str
    asked_ms: int
    answered_ms: int
    granted: bool
    late: bool
    validity_hours: float | None


@dataclass(slots=True)
class Aircraft:
    """A tail in the simulation: where it stands, what it has flown, when it could not."""

    tail: Tail
    at: str
    flights: int = 0
    block_ms: int = 0
    groundings: list[Grounding] = field(default_factory=list)


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """What was flown on a plan that was given up, in the air or at a fuel stop.

    `km` counts from where the plan begins, stops included; `line` is that way, (lon, lat).
    """

    plan: Plan
    shift_ms: int
    until_ms: int
    km: float
    line: NDArray[np.float64]


@dataclass(slots=True)
class FlightRecord:
    """What became of one flight.

    Parameters
    ----------
    flight : Flight
        As dispatched: with the tail that flew it.
    plan : Plan
        The last one made on the ground: at planning, for the tail, or again at off-block.
    shift_ms : int
        By how much the present plan is flown later than planned.
    landed_at : str
        Where it landed if not at its destination; empty otherwise.
    cause : str
        Why it was cancelled: ``law``, ``permit``, ``slot``, ``range``, ``aircraft`` or
        ``unknown``; empty if it was not.
    cancelled_by : tuple of str
        Rules for which it was cancelled.
    behind : list of Stretch
        Flown on plans that were given up.
    changes : list of Plan
        Plans made on the way, each from where the flight was.
    ended : bool
        It ended at a fuel stop: what was flown of its last plan is behind.
    refused : list of Decision
        What barred the plan as it stood at off-block, by the law published by then.
    met : list of Decision
        What was planned, judged again as it was flown, by the law in force.
    barred_by : tuple of str
        Rules that bar the hour of the timetable, for whose sake it is planned for a later one.
    delays : list of Delay
        What it waited for before off-block; one follows the other.
    """

    flight: Flight
    plan: Plan
    status: str = "planned"
    registration: str = ""
    off_block_ms: int | None = None
    take_off_ms: int | None = None
    landing_ms: int | None = None
    on_block_ms: int | None = None
    shift_ms: int = 0
    landed_at: str = ""
    cause: str = ""
    cancelled_by: tuple[str, ...] = ()
    behind: list[Stretch] = field(default_factory=list)
    changes: list[Plan] = field(default_factory=list)
    ended: bool = False
    refused: list[Decision] = field(default_factory=list)
    met: list[Decision] = field(default_factory=list)
    barred_by: tuple[str, ...] = ()
    delays: list[Delay] = field(default_factory=list)

    def wait(
        self, until_ms: int, cause: str, detail: str = "", rules: tuple[str, ...] = ()
    ) -> None:
        """Write down a wait since the last one ended, or since the hour of the timetable."""
        since_ms = self.delays[-1].end_ms if self.delays else self.flight.eobt_ms
        if until_ms > since_ms:
            self.delays.append(Delay(since_ms, until_ms, cause, detail, rules))

    @property
    def held(self) -> bool:
        """Whether the flight is planned for later than its timetable says."""
        return self.plan.flight.eobt_ms > self.flight.eobt_ms

    @property
    def current(self) -> Plan:
        """The plan being flown."""
        return self.changes[-1] if self.changes else self.plan

    @property
    def track(self) -> NDArray[np.float64]:
        """Line flown, (lon, lat): as planned, but for changes in the air."""
        lines = [stretch.line for stretch in self.behind]
        if not self.ended:
            assert self.current.route is not None
            lines.append(self.current.route.points)
        return np.concatenate(lines)

    @property
    def flown_km(self) -> float | None:
        """Length of the way from the first take-off to the last landing; None if not flown."""
        if self.landing_ms is None:
            return None
        behind_km = sum(stretch.km for stretch in self.behind)
        if self.ended:
            return behind_km
        assert self.current.route is not None
        return behind_km + self.current.route.distance_km


@dataclass(slots=True)
class World:
    """Everything that changes during a run."""

    records: dict[str, FlightRecord]
    log: list[Event] = field(default_factory=list)
    fleet: list[Aircraft] = field(default_factory=list)
    permits: list[PermitApplication] = field(default_factory=list)

    def note_tail(self, time_ms: int, event: str, registration: str, detail: str = "") -> None:
        """Write one line about an aircraft on the ground."""
        self.log.append(Event(time_ms, event, "", registration, detail))

    def note(
        self, time_ms: int, event: str, record: FlightRecord | None = None, detail: str = ""
    ) -> None:
        """Write one line of the log."""
        flight_id = record.flight.flight_id if record is not None else ""
        registration = record.registration if record is not None else ""
        self.log.append(Event(time_ms, event, flight_id, registration, detail))


def find_base(flights: Iterable[Flight]) -> str:
    """The aerodrome with most departures; empty if there is none."""
    departures = Counter(flight.adep for flight in flights)
    return min(departures, key=lambda icao: (-departures[icao], icao), default="")


def position_fleet(fleet: Sequence[Tail], flights: Sequence[Flight]) -> list[Aircraft]:
    """Stand each tail where the timetable first needs it.

    All start at the base (the aerodrome with most departures), except as many of each type as
    leave an outstation before one of that type could have come in: those spent the night there.
    """
    base = find_base(flights)
    idle = {
        typecode: [Aircraft(t, base) for t in fleet if t.typecode == typecode]
        for typecode in sorted({t.typecode for t in fleet})
    }
    placed: list[Aircraft] = []
    balance: Counter[tuple[str, str]] = Counter()
    moves = sorted(
        [(f.eobt_ms, 1, f.adep, f.typecode) for f in flights]
        + [(f.sta_ms, 0, f.ades, f.typecode) for f in flights]
    )
    for _, leaves, icao, typecode in moves:
        if icao == base:
            continue
        if not leaves:
            balance[icao, typecode] += 1
        elif balance[icao, typecode]:
            balance[icao, typecode] -= 1
        elif idle.get(typecode):
            aircraft = idle[typecode].pop()
            aircraft.at = icao
            placed.append(aircraft)
    rest = [aircraft for group in idle.values() for aircraft in group]
    return sorted(placed + rest, key=lambda aircraft: aircraft.tail.registration)
