"""Closures that come by chance, drawn before a run and published as they happen.

Each process has streams of its own, one for when closures begin and one for how long they last:
whatever is changed in one process, the draws of all others stay as they were, and longer closures
begin when the shorter ones did. A drawn closure is a rule, so that planning, waiting and reactions
in the air know it like any other, but only from its publication on.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from airsim.base import format_instant
from airsim.law import CLOSURES, Amendment, Rule, Where, invert_hours, make_closure_rule
from airsim.scenario import HOUR_MS, ClosureProcess, Scenario, amend_scenario
from airsim.simulation.state import World
from airsim.simulation.streams import open_stream

if TYPE_CHECKING:
    import simpy

MINUTE_MS = 60_000
DAY_MIN = 1440


def draw_closures(scenario: Scenario) -> Scenario:
    """The same world with all its chance closures among the rules, and no process left to draw."""
    drawn = [
        rule
        for process in scenario.surprises
        for rule in _draw_process(process, scenario.options.seed)
    ]
    world = replace(scenario, surprises=())
    if not drawn:
        return world
    return amend_scenario(world, [Amendment("add", rule.id, rule=rule) for rule in drawn])


def _draw_process(process: ClosureProcess, seed: int) -> Iterator[Rule]:
    """Closures of one process, in order of their beginning."""
    lengths = open_stream(seed, "closures", process.name, "lengths")
    for number, start_ms in enumerate(_draw_starts(process, seed), 1):
        hours = _draw_hours(process, lengths)
        end_ms = start_ms + max(1, round(hours * 60.0)) * MINUTE_MS
        when = {
            "published": format_instant(start_ms - round(process.notice_hours * HOUR_MS)),
            "from": format_instant(start_ms), "to": format_instant(end_ms),
        }  # fmt: skip
        yield make_closure_rule(
            f"{process.name}-{number:03}", f"closure {number} of {process.name}, drawn",
            dict(process.where), confidence="synthetic", source=process.source, when=when,
            note="Drawn at random: nothing of it was published.",
        )  # fmt: skip


def _draw_starts(process: ClosureProcess, seed: int) -> Iterator[int]:
    """Beginnings: without memory in the hours that allow them, the same number a day on average."""
    minutes = _list_minutes(process.begins)
    stream = open_stream(seed, "closures", process.name, "starts")
    first_day = process.start_ms // (DAY_MIN * MINUTE_MS)
    passed = 0.0
    while True:
        passed += float(stream.standard_exponential()) / process.per_day
        day, share = divmod(passed, 1.0)
        minute = (first_day + int(day)) * DAY_MIN + int(minutes[int(share * len(minutes))])
        if minute * MINUTE_MS >= process.end_ms:
            return
        if minute * MINUTE_MS >= process.start_ms:
            yield minute * MINUTE_MS


def _list_minutes(spans: tuple[str, ...]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Minutes of the day inside the spans; all of them if there is none."""
    inside = np.ones(DAY_MIN, dtype=np.bool_)
    for text in invert_hours(spans) if spans else ():
        begin, end = (int(side[:2]) * 60 + int(side[3:]) for side in text.split("-"))
        span = np.arange(begin, end + DAY_MIN * (end <= begin)) % DAY_MIN
        inside[span] = False
    return np.flatnonzero(inside)


def _draw_hours(process: ClosureProcess, stream: np.random.Generator) -> float:
    if process.duration == "fixed":
        return process.hours[0]
    if process.duration == "exponential":
        return process.hours[0] * float(stream.standard_exponential())
    least, most = process.hours
    return least + (most - least) * float(stream.random())


def announce_closures(
    env: simpy.Environment, scenario: Scenario, world: World
) -> Generator[simpy.Event, Any, None]:
    """Write into the log when each closure of the scenario is published, begins and ends."""
    moments = []
    for rule in scenario.rulebook.rules:
        if rule.regime == CLOSURES:
            stamps = (rule.when.published_ms, rule.when.start[0], rule.when.end[0])
            names = ("closure-published", "closure-begins", "closure-ends")
            moments += [(stamps[k], k, names[k], rule) for k in range(3)]
    for at_ms, _, name, rule in sorted(moments, key=lambda m: (m[0], m[1], m[3].id)):
        if env.now <= at_ms < scenario.end_ms:
            if at_ms > env.now:
                yield env.timeout(at_ms - int(env.now))
            places = sorted({p for where in rule.where for p in _name_places(where)})
            said = f"{rule.id}: {', '.join(places)}, until {format_instant(rule.when.end[0])}"
            world.note_tail(at_ms, name, "", f"{said} [{rule.confidence}]")


def _name_places(where: Where) -> tuple[str, ...]:
    return (*where.aerodrome, *where.territory, *where.fir, *where.zone)
