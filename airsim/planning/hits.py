"""What a rule hits: where it acts, when, and which flights of a scenario meet it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

import numpy as np

from airsim.airspace import Paths, find_crossings, path_lengths_km
from airsim.base import InputError, Problem, format_instant
from airsim.law import FlightFacts, Question, Rule, Unless, Verdict, When, judge_rule
from airsim.operation import Flight
from airsim.performance import fly, payload_for_seats
from airsim.planning.ends import find_home, find_places, name_activity
from airsim.planning.facts import make_facts
from airsim.planning.judge import MINUTE_MS, find_landing_ms
from airsim.scenario import Scenario

# Activities that a timetable tells something about, asked where they happen.
_AT_ADES = ("landing", "servicing", "marketing")
_MOST_EXAMPLES = 8
TOUCHED, UNKNOWN, RELIEVED = "touched", "unknown", "relieved"
_WORST_FIRST = (TOUCHED, UNKNOWN, RELIEVED)


@dataclass(frozen=True, slots=True)
class Hit:
    """One meeting of a flight and a rule.

    Parameters
    ----------
    flight : Flight
    activity : str
    place : str
        Aerodrome, or layer and designator of the airspace.
    at_ms : int
        When, UTC milliseconds.
    state : {"touched", "unknown", "relieved"}
        The rule applies; it may, for want of a fact or within vague dates; an exception or
        licence takes it away.
    verdict : Verdict
    """

    flight: Flight
    activity: str
    place: str
    at_ms: int
    state: str
    verdict: Verdict


def find_hits(scenario: Scenario, rule: Rule) -> tuple[Hit, ...]:
    """Flights of a scenario that a rule meets at their ends or on their direct path.

    Parameters
    ----------
    scenario : Scenario
    rule : Rule
        Of its rulebook; a licence hits what it would relieve.

    Returns
    -------
    tuple of Hit
        In the order of the scenario's flights, the gravest meeting of each; flights that the rule
        does not speak of are left out.

    Notes
    -----
    The path is the great circle at cruising level, the law that in force: what a rule would
    hit, whatever other rules say. Routes round it, and plans made before it was published, are
    the business of `plan_flights`.
    """
    flights = scenario.flights
    if not flights:
        return ()
    stays = _cross_direct(scenario, flights) if "overflight" in rule.activities else {}
    found = []
    for number, flight in enumerate(flights):
        meetings = list(_meet(scenario, rule, flight, stays.get(number, [])))
        if meetings:
            found.append(min(meetings, key=lambda hit: _WORST_FIRST.index(hit.state)))
    return tuple(found)


_Stay = tuple[str, int, float]  # layer, row, share of the way at which it is entered


def _cross_direct(scenario: Scenario, flights: tuple[Flight, ...]) -> dict[int, list[_Stay]]:
    spots = [(scenario.aerodromes[f.adep], scenario.aerodromes[f.ades]) for f in flights]
    paths = Paths.from_legs(
        np.array([a.lon for a, _ in spots]), np.array([a.lat for a, _ in spots]),
        np.array([b.lon for _, b in spots]), np.array([b.lat for _, b in spots]),
    )  # fmt: skip
    crossings, total_km = find_crossings(scenario.atlas, paths), path_lengths_km(paths)
    share = crossings.entry_km / total_km[crossings.path]
    names = scenario.atlas.layer_names
    stays: dict[int, list[_Stay]] = {}
    for path, layer, row, start in zip(
        crossings.path.tolist(), crossings.layer.tolist(), crossings.area.tolist(), share.tolist(),
        strict=True,
    ):  # fmt: skip
        stays.setdefault(path, []).append((names[layer], row, start))
    return stays


def _meet(scenario: Scenario, rule: Rule, flight: Flight, stays: list[_Stay]) -> Iterator[Hit]:
    facts, _ = make_facts(scenario, flight)
    aircraft = scenario.types[facts.typecode or ""]
    spots = [scenario.aerodromes[icao] for icao in (flight.adep, flight.ades)]
    (km,) = path_lengths_km(
        Paths.from_legs(*(np.array([v]) for spot in spots for v in (spot.lon, spot.lat)))
    )
    payload = payload_for_seats(aircraft, facts.seats)
    block_min = float(fly(aircraft, float(km), float(payload)).block_min)
    eta_ms = find_landing_ms(flight.eobt_ms, block_min)
    crossed: set[str] = set()
    home = find_home(scenario, facts)
    level_ft = aircraft.cruise_fl * 100.0
    if "take-off" in rule.activities:
        yield from _end(scenario, rule, flight, "take-off", flight.eobt_ms, facts)
    for name, row, share in sorted(stays, key=lambda stay: stay[2]):
        layer = scenario.atlas.layer(name)
        at_ms = flight.eobt_ms + round(share * block_min * MINUTE_MS)
        in_use = layer.valid_from_ms[row] <= at_ms < layer.valid_to_ms[row]
        if not in_use or not layer.lower_ft[row] <= level_ft < layer.upper_ft[row]:
            continue
        if name == "territory":
            crossed.add(layer.designator[row])
        place = scenario.bound.place((name, row))
        asked = replace(facts, crossed=frozenset(crossed))
        doing = name_activity((name, row), home)
        question = Question(doing, (place,), at_ms, at_ms, asked, level_ft, level_ft)
        yield from _hit(scenario, rule, flight, question, f"{name} {place.designator}")
    facts = replace(facts, crossed=frozenset(crossed) if stays else None)
    for activity in _AT_ADES:
        if activity in rule.activities:
            yield from _end(scenario, rule, flight, activity, eta_ms, facts)


def _end(
    scenario: Scenario, rule: Rule, flight: Flight, activity: str, at_ms: int, facts: FlightFacts
) -> Iterator[Hit]:
    icao = flight.adep if activity == "take-off" else flight.ades
    question = Question(activity, find_places(scenario, icao, at_ms), at_ms, at_ms, facts, 0.0, 0.0)
    yield from _hit(scenario, rule, flight, question, icao)


def _hit(
    scenario: Scenario, rule: Rule, flight: Flight, question: Question, place: str
) -> Iterator[Hit]:
    verdict = judge_rule(scenario.bound.rulebook, rule, question)
    if verdict.truth is False and not verdict.relieved_by:
        return
    state = {True: TOUCHED, None: UNKNOWN, False: RELIEVED}[verdict.truth]
    yield Hit(flight, question.activity, place, question.start_ms, state, verdict)


# ---------------------------------------------------------------------------------------- in words
def describe_hits(scenario: Scenario, rule_id: str) -> dict[str, Any]:
    """What a rule says and hits, as JSON-ready data.

    Parameters
    ----------
    scenario : Scenario
        Its airspace, rulebook and flights.
    rule_id : str

    Returns
    -------
    dict
        The rule in short, the areas it names (and whether they exist while it is in force), its
        exceptions, the licences that relieve it, and, if the scenario has flights, how many it
        touches, with examples by route.

    Raises
    ------
    InputError
        No such rule.
    """
    law = scenario.bound.rulebook
    rule = law.by_id.get(rule_id)
    if rule is None:
        near = get_close_matches(rule_id, law.by_id, n=3)
        remedy = f"did you mean {', '.join(near)}?" if near else "`airsim rules list` prints them"
        raise InputError(Problem("rulebook", "", f"no rule {rule_id!r}", remedy))
    shown: dict[str, Any] = {
        "rule": rule.id,
        "title": rule.title,
        "file": law.files.get(rule.id, ""),
        "authority": rule.authority,
        "regime": rule.regime,
        "force": rule.force,
        "effect": rule.effect,
        "addresses": rule.addresses,
        "person_bound": rule.person_bound,
        "reference": rule.reference.model_dump(mode="json"),
        "confidence": rule.confidence,
        "last_evidence_utc": format_instant(rule.last_evidence) if rule.last_evidence else "",
        "published_utc": format_instant(rule.when.published_ms),
        **_describe_when(rule.when),
        "activities": list(rule.activities),
        "who": [table.model_dump(mode="json", exclude_defaults=True) for table in rule.who],
        "flight": [table.model_dump(mode="json", exclude_defaults=True) for table in rule.flight],
        "levels_ft": None if rule.levels is None else list(rule.levels.model_dump().values()),
        "anywhere": not rule.where or any(table.anywhere for table in rule.where),
        "except_territory": sorted({s for table in rule.where for s in table.except_territory}),
        "areas": [] if any(table.anywhere for table in rule.where) else _describe_areas(
            scenario, rule
        ),
        "exceptions": [_describe_unless(unless) for unless in rule.unless],
        "relieves": list(rule.relieves),
        "relieved_by": [
            licence.id for licence in law.licences_by_rule.get(rule.id, ())
        ],
        "note": rule.note,
        "flights": None,
    }  # fmt: skip
    if scenario.flights:
        shown["flights"] = _describe_flights(scenario, find_hits(scenario, rule))
    return shown


def _describe_when(when: When) -> dict[str, Any]:
    return {
        "from_utc": [format_instant(stamp) for stamp in when.start],
        "to_utc": [format_instant(stamp) for stamp in when.end],
        "daily_utc": list(when.daily),
        "weekly": list(when.weekly),
    }


def _describe_unless(unless: Unless) -> dict[str, Any]:
    return {
        "id": unless.id,
        "title": unless.title,
        "zones": sorted({zone for table in unless.where for zone in table.zone}),
        "permission_of": unless.permission_of,
        "unless": [_describe_unless(inner) for inner in unless.unless],
    }


def _describe_areas(scenario: Scenario, rule: Rule) -> list[dict[str, Any]]:
    """Areas that a rule names, each validity of them; then its aerodromes."""
    found = []
    for name, row in scenario.bound.areas_of(rule, rule.when.start[0]):
        layer = scenario.atlas.layer(name)
        first, last = int(layer.valid_from_ms[row]), int(layer.valid_to_ms[row])
        found.append(
            {
                "layer": name,
                "designator": layer.designator[row],
                "title": layer.title[row],
                "quality": layer.quality[row],
                "valid_from": format_instant(first),
                "valid_to": format_instant(last),
                "exists": first < rule.when.end[1] and rule.when.start[0] < last,
            }
        )
    known = scenario.aerodromes
    named = sorted({icao for table in rule.where for icao in table.aerodrome if icao in known})
    return found + [
        {
            "layer": "aerodrome", "designator": icao, "title": known[icao].name,
            "quality": "", "valid_from": "", "valid_to": "", "exists": True,
        }
        for icao in named
    ]  # fmt: skip


def _describe_flights(scenario: Scenario, hits: tuple[Hit, ...]) -> dict[str, Any]:
    """Counts by state, and the routes hit most often, each with its first flight."""
    counts = Counter(hit.state for hit in hits)
    routes: dict[tuple[str, str, str, str, str], list[Hit]] = {}
    for hit in hits:
        key = (hit.state, hit.flight.operator, hit.flight.adep, hit.flight.ades, hit.activity)
        routes.setdefault(key, []).append(hit)
    order = sorted(routes, key=lambda key: (_WORST_FIRST.index(key[0]), -len(routes[key]), key))
    examples = []
    for key in order[:_MOST_EXAMPLES]:
        hit = routes[key][0]
        examples.append(
            {
                "state": hit.state,
                "operator": hit.flight.operator,
                "adep": hit.flight.adep,
                "ades": hit.flight.ades,
                "activity": hit.activity,
                "place": hit.place,
                "flights": len(routes[key]),
                "first": hit.flight.flight_id,
                "at_utc": format_instant(hit.at_ms),
                "missing": sorted(hit.verdict.missing),
                "relieved_by": list(hit.verdict.relieved_by),
            }
        )
    return {
        "scenario": scenario.name,
        "asked": len(scenario.flights),
        **{state: counts[state] for state in _WORST_FIRST},
        "routes": len(routes),
        "examples": examples,
    }
