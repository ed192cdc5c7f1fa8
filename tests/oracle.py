"""Slow, obvious twins of compiled loops and of the law, and small layers to compare them on."""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from airsim import kernels
from airsim.base import STATE_CODES, states_in_group
from airsim.geodesy import EARTH_RADIUS_KM, densify_line, distance_to_arcs_km, unit_vectors
from airsim.law import (
    FlightFacts,
    FlightTest,
    Place,
    Question,
    Rule,
    Unless,
    When,
    Where,
    Who,
)

Floats = NDArray[np.float64]

BESIDE = 1e-6  # radians: ends may lie nearer to an outline than its corners, which stand 3 m off
NEAR = 1e-9  # radians (6 mm): nearer than this to a boundary, the twins owe no answer
INSIDE, OUTSIDE, UNSURE = 1, 0, -1


# ------------------------------------------------------------------------------- small layers
def write_layer(path: Path, areas: dict[str, shapely.Geometry], **columns: list[object]) -> Path:
    """Write a layer file: one row per area, further columns as given."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = len(areas)
    table: dict[str, object] = {
        "designator": list(areas),
        "name": [f"area {designator}" for designator in areas],
        **dict.fromkeys(("quality", "source", "edition"), ["test"] * rows),
        **dict.fromkeys(("valid_from", "valid_to", "sovereign", "state"), [""] * rows),
        "eu_territory": [False] * rows,
        "lower_limit": pa.array([0] * rows, pa.int32()),
        "upper_limit": pa.array([99999] * rows, pa.int32()),
        "geometry": [shapely.to_wkb(shape) for shape in areas.values()],
    }
    pq.write_table(pa.table(table | columns), path)
    return path


# ---------------------------------------------------------------------------------- geometry
def polygon_rings(shape: shapely.Geometry) -> list[list[Floats]]:
    """Polygons of a shape, each a list of closed rings: shell anticlockwise, holes clockwise."""
    polygons = shapely.orient_polygons(shapely.get_parts(shape))
    return [
        [np.array(r.coords) for r in (p.exterior, *p.interiors)]  # type: ignore[attr-defined]
        for p in polygons
    ]


def turns_around(ring: Floats, point: Floats) -> float:
    """How often a ring turns anticlockwise around a point, from bearings of its vertices."""
    v = unit_vectors(ring[:, 0], ring[:, 1])
    east = np.cross([0.0, 0.0, 1.0], point)
    if np.linalg.norm(east) < 1e-12:
        east = np.array([0.0, 1.0, 0.0])
    east = east / np.linalg.norm(east)
    north = np.cross(point, east)
    bearing = np.arctan2(v @ east, v @ north)
    turn = (np.diff(bearing) + np.pi) % (2 * np.pi) - np.pi
    return float(-turn.sum() / (2 * np.pi))


def point_state(shape: shapely.Geometry, point: Floats) -> int:
    """INSIDE, OUTSIDE, or UNSURE near a boundary. Holds for polygons within a hemisphere."""
    for rings in polygon_rings(shape):
        for ring in rings:
            v = unit_vectors(ring[:, 0], ring[:, 1])
            if distance_to_arcs_km(point, v[:-1], v[1:]).min() < NEAR * EARTH_RADIUS_KM:
                return UNSURE
        if round(sum(turns_around(ring, point) for ring in rings)) == 1:
            return INSIDE
    return OUTSIDE


def _angles(a: Floats, b: Floats) -> Floats:
    return np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), np.sum(a * b, axis=-1))


def leg_cuts(p: Floats, q: Floats, a: Floats, b: Floats) -> Floats:
    """Shares of the leg pq at which it may change sides of the edges ab (too many do no harm)."""
    leg = _angles(p, q)
    if leg < 1e-15:
        return np.empty(0)
    line = np.cross(np.cross(p, q), np.cross(a, b))
    size = np.linalg.norm(line, axis=-1, keepdims=True)
    line = line / np.where(size > 0, size, 1.0)
    candidates = np.concatenate((line, -line, a, b))
    one = np.concatenate((a, a, a, b))
    two = np.concatenate((b, b, a, b))
    slack = 1e-7  # radians: cuts too many are harmless, one too few is not
    on_leg = _angles(p, candidates) + _angles(candidates, q) - leg < slack
    on_edge = _angles(one, candidates) + _angles(candidates, two) - _angles(one, two) < slack
    return np.clip(_angles(p, candidates[on_leg & on_edge]) / leg, 0.0, 1.0)


def trace_path(
    shape: shapely.Geometry, lon: Floats, lat: Floats, model: str
) -> tuple[Floats, list[int], float]:
    """Cut a path where it may enter or leave a shape: cuts in km, state between them, length."""
    ends = [
        unit_vectors(ring[:, 0], ring[:, 1]) for rings in polygon_rings(shape) for ring in rings
    ]
    a, b = np.concatenate([v[:-1] for v in ends]), np.concatenate([v[1:] for v in ends])
    step = 8.0 if model == "wgs84" else 1500.0
    x, y = densify_line(lon, lat, step_km=step, model=model)  # type: ignore[arg-type]
    points = unit_vectors(x, y)
    if model == "wgs84":
        from airsim.geodesy import geodesic_km

        length = geodesic_km(x[:-1], y[:-1], x[1:], y[1:])
    else:
        length = EARTH_RADIUS_KM * _angles(points[:-1], points[1:])
    km = np.concatenate(([0.0], np.cumsum(length)))
    cuts = [0.0, float(km[-1])]
    p, q = points[:-1], points[1:]
    reach = 0.5 * (_angles(p, q)[:, None] + _angles(a, b)) + 1e-6
    middle, centre = p + q, a + b
    middle /= np.linalg.norm(middle, axis=1, keepdims=True)
    centre /= np.linalg.norm(centre, axis=1, keepdims=True)
    near = middle @ centre.T >= np.cos(reach)  # others are too far to be cut
    for k in np.flatnonzero(near.any(axis=1)):
        share = leg_cuts(p[k], q[k], a[near[k]], b[near[k]])
        cuts += (km[k] + share * (km[k + 1] - km[k])).tolist()
    where = np.unique(cuts)
    states = []
    for low, high in pairwise(where):
        middle = 0.5 * (low + high)
        k = min(int(np.searchsorted(km, middle, side="right")) - 1, len(points) - 2)
        share = (middle - km[k]) / (km[k + 1] - km[k]) if km[k + 1] > km[k] else 0.0
        point = (1 - share) * points[k] + share * points[k + 1]
        states.append(point_state(shape, point / np.linalg.norm(point)))
    return where, states, float(km[-1])


# ------------------------------------------------------------------------------------ routes
def search_all_vertices(point: Floats, after: NDArray[np.int64], a: Floats, b: Floats) -> float:
    """Dijkstra over every vertex of rings and every leg that crosses no edge, in km."""
    following = point[after]
    ahead = following - point
    right = np.cross(ahead / np.linalg.norm(ahead, axis=1, keepdims=True), point)
    both = right.copy()
    both[after] += right
    away = both / (np.sum(both * both, axis=1, keepdims=True) / 2.0)
    place = point + away * 4.7e-7  # three metres
    place = np.vstack((a, b, place / np.linalg.norm(place, axis=1, keepdims=True)))
    n = len(place)
    crossing = np.cross(point, following)
    best = {0: 0.0}
    done: set[int] = set()
    queue = [(0.0, 0)]
    while queue:
        far, i = heapq.heappop(queue)
        if i == 1:
            return far
        if i in done:
            continue
        done.add(i)
        legs = np.array([j for j in range(n) if j not in done])
        p, q = place[i], place[legs]
        normal = np.cross(p, q)
        from_side = (normal @ point.T >= 0) != (normal @ following.T >= 0)
        over = (crossing @ p >= 0) != (q @ crossing.T >= 0)
        hit = point * np.abs(np.sum(normal[:, None] * following, axis=2))[..., None]
        hit = hit + following * np.abs(np.sum(normal[:, None] * point, axis=2))[..., None]
        ahead_of = np.sum(hit * (p + q)[:, None], axis=2) > 0
        free = ~(from_side & over & ahead_of).any(axis=1)
        step = kernels.measure_legs_mm(np.broadcast_to(p, q.shape).copy(), q) * 1e-6
        for j, km in zip(legs[free].tolist(), step[free].tolist(), strict=True):
            if far + km < best.get(j, math.inf):
                best[j] = far + km
                heapq.heappush(queue, (far + km, j))
    return math.inf


def shortest_over_legs(
    corners: kernels.Corners, rows: kernels.Sights, ends: kernels.Ends, start: int, goal: int
) -> float:
    """Dijkstra in mm between two ends, over all legs of a graph and of the ends' own places."""
    n = len(corners.point)
    legs: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for i in range(n):
        for k in range(rows.first[i], rows.first[i] + rows.size[i]):
            legs[i].append((int(rows.to[k]), rows.mm[k]))
    own = [[*range(ends.first[k], ends.first[k + 1])] for k in (start, goal)]
    for r in own[0] + own[1]:
        for k in range(ends.link_first[r], ends.link_first[r + 1]):
            legs[n + r].append((int(ends.link_to[k]), ends.link_mm[k]))
            legs[int(ends.link_to[k])].append((n + r, ends.link_mm[k]))
    for r, t in product(own[0] + own[1], repeat=2):
        p, q = ends.point[[r]], ends.point[[t]]
        tangent = all(
            (s >= -BESIDE and e >= -BESIDE) or (s <= BESIDE and e <= BESIDE)
            for side, to in ((ends.side[r], q[0]), (ends.side[t], p[0]))
            for s, e in [(side[:3] @ to, side[3:] @ to)]
        )
        if r != t and tangent and not kernels.find_cut_legs(p, q, ends.edge, ends.ball)[0]:
            legs[n + r].append((n + t, float(kernels.measure_legs_mm(p, q)[0])))
    far = {n + own[0][0]: 0.0}
    queue = [(0.0, n + own[0][0])]
    while queue:
        mm, i = heapq.heappop(queue)
        if i == n + own[1][0]:
            return mm
        if mm > far[i]:
            continue
        for j, step in legs[i]:
            if mm + step < far.get(j, math.inf):
                far[j] = mm + step
                heapq.heappush(queue, (mm + step, j))
    return math.inf


# --------------------------------------------------------------------------------------- law
def make_rule(name: str, **table: Any) -> Rule:
    """A rule as a file would give it, with the keys that every rule needs filled in."""
    needed = {
        "id": name, "title": f"rule {name}", "authority": "XX", "regime": "test",
        "activities": ["overflight"], "confidence": "V",
        "reference": {"instrument": f"instrument of {name}", "url": "https://example.org"},
    }  # fmt: skip
    if table.get("effect") == "require-permit":
        needed["permit"] = {"authority": "XX", "kind": "authority"}
    if table.get("addresses") == "persons":
        needed["person_bound"] = "every person"
    return Rule.model_validate(needed | table)


# A fact that is missing might be anything: a test has the set of answers that it might give.
Answers = frozenset[bool]
YES, NO, EITHER = frozenset({True}), frozenset({False}), frozenset({True, False})
HALF_HOUR_MS = 1_800_000
GRAVITY = ("PERMITTED", "ADVISED_AGAINST", "UNKNOWN", "NOT_PERMITTED", "FORBIDDEN")


def every(parts: Iterable[Answers]) -> Answers:
    """Answers of a sentence whose parts are joined by "and"."""
    answers = YES
    for part in parts:
        answers = frozenset(a and b for a in answers for b in part)
    return answers


def some(parts: Iterable[Answers]) -> Answers:
    """Answers of a sentence whose parts are joined by "or"."""
    answers = NO
    for part in parts:
        answers = frozenset(a or b for a in answers for b in part)
    return answers


def opposite(answers: Answers) -> Answers:
    """Answers of "not so"."""
    return frozenset(not a for a in answers)


def given(value: object, holds: Callable[[Any], bool]) -> Answers:
    """Answer of a test on one fact."""
    return EITHER if value is None else frozenset({bool(holds(value))})


def half_hours(first_ms: int, last_ms: int) -> range:
    """Every half hour from first to last; all dates of these tests fall on one."""
    return range(first_ms, last_ms + 1, HALF_HOUR_MS)


def is_on_schedule(when: When, at_ms: int) -> bool:
    """Whether an instant lies in a daily span, on a weekday on which that span began."""
    if not when.daily and not when.weekly:
        return True
    now = datetime.fromtimestamp(at_ms / 1000, UTC)
    for text in when.daily or ("00:00-24:00",):
        begin, finish = (int(part[:2]) * 60 + int(part[3:]) for part in text.split("-"))
        if finish <= begin:
            finish += 24 * 60
        for days_ago in (0, 1):
            began = (now - timedelta(days=days_ago)).isoweekday()
            minute = now.hour * 60 + now.minute + days_ago * 24 * 60
            if begin <= minute < finish and (not when.weekly or began in when.weekly):
                return True
    return False


def lives_of(when: When) -> list[When]:
    """The longest and the shortest life that the dates of a rule may mean, without vagueness."""
    lives = zip(when.start, reversed(when.end), strict=True)
    return [
        when.model_copy(update={"start": (start, start), "end": (end, end)})
        for start, end in dict.fromkeys(lives)
    ]


def is_in_force(when: When, at_ms: int) -> bool:
    """Whether sharp dates and schedule hold at an instant."""
    return when.start[0] <= at_ms < when.end[0] and is_on_schedule(when, at_ms)


def when_answers(when: When, first_ms: int, last_ms: int) -> Answers:
    """Whether a rule is in force at some moment, for the longest and shortest life it may have."""
    moments = half_hours(first_ms, last_ms)
    return frozenset(any(is_in_force(life, t) for t in moments) for life in lives_of(when))


def who_answers(who: Who, facts: FlightFacts, at_ms: int) -> Answers:
    facts_asked = (
        "operator", "licensed_in", "registered_in", "registration", "owned_in", "controlled_in",
        "chartered_in", "decided_in", "typecode",
    )  # fmt: skip
    tests = [
        given(getattr(facts, name), lambda v, names=names: v in names)
        for name in facts_asked
        if (names := getattr(who, name))
    ]
    for name in ("licensed_in", "registered_in"):
        if group := getattr(who, f"{name}_group"):
            members = states_in_group(group, at_ms)
            tests.append(given(getattr(facts, name), lambda v, members=members: v in members))
    for name, banned in (("operator", who.operator_not), ("licensed_in", who.licensed_not_in),
                         ("registration", who.registration_not)):  # fmt: skip
        if banned:
            tests.append(given(getattr(facts, name), lambda v, banned=banned: v not in banned))
    tests += [
        given(getattr(facts, name), lambda v, names=names: not v.isdisjoint(names))
        for name in ("marketed_in", "designated")
        if (names := getattr(who, name))
    ]
    if who.us_content_over is not None:
        tests.append(given(facts.us_content, lambda v: v > who.us_content_over))
    if who.us_origin is not None:
        tests.append(given(facts.us_origin, lambda v: v == who.us_origin))
    if who.max_seats is not None:
        tests.append(given(facts.seats, lambda v: v <= who.max_seats))
    return every(tests)


def flight_answers(test: FlightTest, facts: FlightFacts) -> Answers:
    tests = []
    if test.scheduled is not None:
        tests.append(given(facts.scheduled, lambda v: v == test.scheduled))
    for names, value in (
        (test.service, facts.service), (test.item, facts.item),
        (test.origin_in, facts.origin_state), (test.destination_in, facts.destination_state),
        (test.origin, facts.origin), (test.destination, facts.destination),
    ):  # fmt: skip
        if names:
            tests.append(given(value, lambda v, names=names: v in names))
    for names, value in (
        (test.origin_not_in, facts.origin_state),
        (test.destination_not_in, facts.destination_state),
        (test.destination_not, facts.destination),
    ):
        if names:
            tests.append(given(value, lambda v, names=names: v not in names))
    if test.plan_aerodrome_in:
        states = [facts.origin_state, facts.destination_state, *(s for _, s in facts.stops)]
        tests.append(given(states, lambda v: any(s in test.plan_aerodrome_in for s in v)))
    if test.crossed:
        tests.append(given(facts.crossed, lambda v: any(s in test.crossed for s in v)))
    if test.filed_after is not None:
        tests.append(given(facts.filed_ms, lambda v: v > test.filed_after))
    if test.status:
        tests.append(given(facts.status, lambda v: any(s in test.status for s in v)))
    return every(tests)


def is_named(where: Where, place: Place, at_ms: int) -> bool:
    """Whether a `where` table speaks of an airspace or aerodrome."""
    code = place.designator
    land = {"territory": code, "aerodrome": place.sovereign}  # a region or zone is no State's own
    if land.get(place.layer) in where.except_territory:
        return False
    if place.layer == "territory":
        group = where.territory_group
        in_group = group is not None and code in states_in_group(group, at_ms)
        if code in where.territory or in_group or (where.eu_territory and place.eu_territory):
            return True
    listed = {"fir": where.fir, "zone": where.zone, "aerodrome": where.aerodrome}
    return where.anywhere or code in listed.get(place.layer, ())


def shared_answers(tests: Rule | Unless, question: Question, at_ms: int) -> list[Answers]:
    """Answers, at one moment of a stay, of the tests that rules and exceptions share."""
    found = []
    facts = question.facts
    if tests.activities:
        found.append(frozenset({question.activity in tests.activities}))
    if tests.who:
        found.append(some(who_answers(who, facts, at_ms) for who in tests.who))
    if tests.flight:
        found.append(some(flight_answers(test, facts) for test in tests.flight))
    if tests.where:
        named = [is_named(w, place, at_ms) for w in tests.where for place in question.places]
        found.append(frozenset({any(named)}))
    if tests.when is not None:
        found.append(frozenset({is_in_force(tests.when, at_ms)}))
    if tests.levels is not None:
        low, high = tests.levels.lower_ft, tests.levels.upper_ft
        found.append(frozenset({question.lower_ft < high and question.upper_ft >= low}))
    return found


def unless_answers(unless: Unless, question: Question, at_ms: int) -> Answers:
    tests = shared_answers(unless, question, at_ms)
    if unless.permission_of:
        tests.append(frozenset({unless.granted_as in question.facts.derogations}))
    inner = [opposite(unless_answers(u, question, at_ms)) for u in unless.unless]
    return every([*tests, *inner])


def moment_answers(rules: Iterable[Rule], rule: Rule, question: Question, at_ms: int) -> Answers:
    """Whether a rule binds at one moment: in scope, and neither exception nor licence frees."""
    if question.known_ms is not None and rule.when.published_ms > question.known_ms:
        return NO
    tests = shared_answers(rule, question, at_ms)
    tests += [opposite(unless_answers(unless, question, at_ms)) for unless in rule.unless]
    tests += [
        opposite(moment_answers([], licence, question, at_ms))
        for licence in rules
        if rule.id in licence.relieves and licence.regime == rule.regime
    ]
    return every(tests)


def lives_of_table(table: Any) -> list[Any]:
    """A rule or exception with each life its dates, and those of its exceptions, may mean."""
    found = [table.model_copy(update={"unless": ()})]
    if table.when is not None:
        published = {"published": table.when.published_ms}  # what planners know does not change
        found = [
            bare.model_copy(update={"when": life.model_copy(update=published)})
            for bare in found
            for life in lives_of(table.when)
        ]
    for inner in table.unless:
        found = [
            outer.model_copy(update={"unless": (*outer.unless, life)})
            for outer in found
            for life in lives_of_table(inner)
        ]
    return found


def rule_answers(rules: Iterable[Rule], rule: Rule, question: Question) -> Answers:
    """Whether a rule binds at some moment of a stay, whatever vague dates may mean."""
    licences = [other for other in rules if rule.id in other.relieves]
    answers: set[bool] = set()
    for known, *others in product(*(lives_of_table(r) for r in (rule, *licences))):
        answers |= some(
            moment_answers(others, known, question, at_ms)
            for at_ms in half_hours(question.start_ms, question.end_ms)
        )
    return frozenset(answers)


def decide_slowly(
    rules: Sequence[Rule], question: Question, held: Iterable[str] = ()
) -> tuple[str, list[str]]:
    """Outcome of a question, and the ids of the rules that decide it."""
    says: dict[str, list[str]] = {name: [] for name in GRAVITY}
    for rule in rules:
        if rule.addresses == "persons" or rule.effect == "permit" or not rule.where:
            continue
        answers = rule_answers(rules, rule, question)
        routine = rule.permit is not None and rule.permit.kind == "routine"
        named = rule.id in held or rule.id in question.facts.held
        has_permit = named or (routine and question.facts.scheduled)
        if answers == NO or rule.open_question or (rule.permit is not None and has_permit):
            continue
        if answers == EITHER:
            if rule.force == "binding" and not is_put_aside(rules, rule, question):
                says["UNKNOWN"].append(rule.id)
        elif rule.force != "binding":
            says["ADVISED_AGAINST"].append(rule.id)
        else:
            says["NOT_PERMITTED" if rule.permit is not None else "FORBIDDEN"].append(rule.id)
    gravest = max((name for name in GRAVITY if says[name]), key=GRAVITY.index, default=GRAVITY[0])
    return gravest, sorted(says[gravest])


class Unsure(Exception):
    """The twin owes no answer: the facts have several gaps, and one hides another."""


def is_put_aside(rules: Sequence[Rule], rule: Rule, question: Question) -> bool:
    """Whether what is missing is the tail or the route: judged once there is one, or never."""
    facts = question.facts
    if facts.crossed is None:
        ways = (frozenset[str](), frozenset(STATE_CODES))
        none, everywhere = (
            rule_answers(rules, rule, replace(question, facts=replace(facts, crossed=way)))
            for way in ways
        )
        if none != everywhere:
            return True
        if _asks(rules, rule, "crossed"):
            raise Unsure
    if facts.registration is None and _asks(rules, rule, "registration"):
        marks = ["none of these", *_marks(rules, rule)]
        found = {
            rule_answers(rules, rule, replace(question, facts=replace(facts, registration=mark)))
            for mark in marks
        }
        if len(found) == 1 and EITHER not in found:
            raise Unsure
        return EITHER not in found
    return False


def _dumped(rules: Sequence[Rule], rule: Rule) -> list[dict[str, Any]]:
    """A rule, its licences and all their tables."""
    heap: list[Any] = [r.model_dump() for r in rules if rule.id in (r.id, *r.relieves)]
    found = []
    while heap:
        entry = heap.pop()
        if isinstance(entry, dict):
            found.append(entry)
            heap += entry.values()
        elif isinstance(entry, list | tuple):
            heap += entry
    return found


def _asks(rules: Sequence[Rule], rule: Rule, fact: str) -> bool:
    """Whether a rule, an exception or a licence of it asks for a fact at all."""
    keys = (fact, f"{fact}_not")
    return any(table.get(key) for table in _dumped(rules, rule) for key in keys)


def _marks(rules: Sequence[Rule], rule: Rule) -> list[str]:
    tables = _dumped(rules, rule)
    keys = ("registration", "registration_not")
    return sorted({mark for table in tables for key in keys for mark in table.get(key, ())})
