"""Permits: who is asked, when the answer comes, and what it is.

An operator asks each authority once for a timetabled series, before its first flight, and once for
every other flight. An answer takes the lead time of the rule before that flight, longer where it
comes late. Whether
it is late or refused is drawn for each request by its own name: one request more leaves all others
as they were.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass, replace
from typing import Any

import simpy

from airsim.base import format_instant
from airsim.law import Rule
from airsim.planning import find_deadline
from airsim.scenario import HOUR_MS, PermitModel, Scenario
from airsim.simulation.slots import is_counted
from airsim.simulation.state import FlightRecord, PermitApplication, World
from airsim.simulation.streams import open_stream

DAY_MS = 24 * HOUR_MS


@dataclass(frozen=True, slots=True)
class Missing:
    """Permits that a flight lacks: asked for and not answered yet, refused, or run out."""

    pending: tuple[PermitApplication, ...]
    refused: tuple[PermitApplication, ...]


class PermitDesk:
    """All requests of a run, one for each series or flight and rule."""

    def __init__(self, scenario: Scenario, model: PermitModel, world: World) -> None:
        self.scenario = scenario
        self.model = model
        self.world = world
        self.requests: dict[tuple[str, str], PermitApplication] = {}
        self.needs: dict[str, tuple[PermitApplication, ...]] = {}

    def collect(self, records: Iterable[FlightRecord]) -> None:
        """Find out who must ask for what, from the plans made on the law published by then."""
        keys: dict[str, list[tuple[str, str]]] = {}
        for record in records:
            flight = record.flight
            if flight.probe:
                continue
            found = keys.setdefault(flight.flight_id, [])
            for name in record.plan.permits:
                rule = self.scenario.rulebook.by_id[name]
                if rule.permit is None or rule.permit.kind != "routine" or is_counted(rule):
                    continue
                series = flight.scheduled
                subject = flight.callsign if series else flight.flight_id
                key = (name, subject)
                if key not in self.requests:
                    self.requests[key] = self._file(rule, subject, flight.eobt_ms)
                found.append(key)
        self._queue()
        for flight_id, asked in keys.items():
            self.needs[flight_id] = tuple(self.requests[key] for key in asked)

    def _queue(self) -> None:
        """Let each authority answer one application after the other, as many a day as it can."""
        if self.model.answers_per_day is None:
            return
        pause_ms = round(DAY_MS / self.model.answers_per_day)
        free_ms: dict[str, int] = {}
        for key in sorted(self.requests, key=lambda key: (self.requests[key].asked_ms, key)):
            request = self.requests[key]
            # not before its own time, nor before all that lay on the desk already
            at_ms = max(request.answered_ms, free_ms.get(request.authority, request.answered_ms))
            free_ms[request.authority] = at_ms + pause_ms
            late = request.late or at_ms > request.answered_ms
            self.requests[key] = replace(request, answered_ms=at_ms, late=late)

    def _file(self, rule: Rule, subject: str, first_ms: int) -> PermitApplication:
        """A request, and the answer that it will get."""
        assert rule.permit is not None
        deadline_ms = find_deadline(rule.permit, first_ms)
        lead_ms = (
            round(self.model.usual_days * DAY_MS) if deadline_ms is None else first_ms - deadline_ms
        )
        ask_ms = first_ms - max(round(self.model.ask_days * DAY_MS), lead_ms)
        stream = open_stream(self.scenario.options.seed, "permit", rule.id, subject)
        refused, late, wait = stream.random(), stream.random(), stream.exponential()
        is_late = bool(late < self.model.late)
        answer_ms = ask_ms + lead_ms
        if is_late:
            answer_ms += round(self.model.late_days * float(wait) * DAY_MS)
        granted = bool(refused >= self.model.refused)
        return PermitApplication(
            rule.id, rule.permit.authority, subject, ask_ms, answer_ms, granted, is_late,
            rule.permit.validity_hours,
        )  # fmt: skip

    def answer_all(self, env: simpy.Environment) -> Generator[simpy.Event, Any, None]:
        """Write requests and answers into the log as they happen."""
        moments = [(r.asked_ms, 0, r) for r in self.requests.values()]
        moments += [(r.answered_ms, 1, r) for r in self.requests.values()]
        for at_ms, answered, request in sorted(
            moments, key=lambda m: (m[0], m[1], m[2].rule_id, m[2].subject)
        ):
            yield env.timeout(max(0, at_ms - int(env.now)))
            event = "permit-asked"
            if answered:
                event = "permit-granted" if request.granted else "permit-refused"
            said = f"{request.subject}: {request.authority} ({request.rule_id})"
            self.world.note_tail(at_ms, event, "", said)

    def find_missing(self, record: FlightRecord, now_ms: int) -> Missing:
        """What a flight lacks if it leaves now."""
        late_ms = now_ms - record.flight.eobt_ms
        needs = [
            request
            for request in self.needs.get(record.flight.flight_id, ())
            if request.rule_id in record.plan.permits
        ]
        pending = tuple(r for r in needs if r.answered_ms > now_ms)
        refused = tuple(
            r for r in needs
            if r.answered_ms <= now_ms
            and (not r.granted or (r.validity_hours and late_ms > r.validity_hours * HOUR_MS))
        )  # fmt: skip
        return Missing(pending, refused)


def describe_requests(requests: Iterable[PermitApplication]) -> str:
    """Authorities and rules, for the log."""
    return ", ".join(
        f"{request.authority} ({request.rule_id}, answer {format_instant(request.answered_ms)})"
        for request in requests
    )
