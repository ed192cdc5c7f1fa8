"""Published detours against simulated ones: ``python -m benchmarks.published [--write]``.

Every case is planned twice, before and after, under the law and the practice of its dates; so are
the flights of which it is known whether the law let them fly. ``--write`` renews PUBLISHED.md and
KNOWN-MISSES.md beside this file. Nothing here, and no rule or outline, is fitted to a case.
"""

from __future__ import annotations

import csv
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

from airsim.base import parse_instant
from airsim.law import parse_amendments
from airsim.operation import Circumstances, Flight
from airsim.performance import DEFAULT_POLICY
from airsim.planning import Plan, plan_flights
from airsim.scenario import HOUR_MS, Scenario, amend_scenario, make_scenario, shipped_fleet
from airsim.simulation import FlightRecord, simulate

HERE = Path(__file__).parent
SIDES = ("before", "after")
# A shortest permitted path is expected at this share of a published increase in distance: airlines
# do not hug limits, and winds and airways cost the rest.
KM_SHARE = (0.75, 1.05)
# Simulated over published increase in minutes.
MIN_SHARE = (0.75, 1.25)
# Never longer than the published path after the change by more than this.
MOST_OVER_AFTER = 1.03
# Where no increase was published.
MOST_OVER_BEFORE = 1.04
# Simulated over published time of one flight, of these States' operators.
BLOCK_SHARE = (0.75, 1.25)
BLOCK_STATES = ("BY", "RU")
# Stays shorter than this are left out when a route is told by its States.
SHORT_STAY_KM = 5.0
STOP_GROUND_MIN = 60
MINUTE_MS = 60_000


# --------------------------------------------------------------------------------- what is known
@dataclass(frozen=True, slots=True)
class Case:
    """A published figure, and how it is asked: operator, type, instants, measure."""

    id: str
    carrier: str
    flight: str
    adep: str
    ades: str
    dates: str
    closed: str
    kind: str
    route_before: str
    route_after: str
    sources: str
    confidence: str
    note: str
    operator: str
    typecode: str
    before_at: str
    after_at: str
    measure: str
    must: str
    setup: str
    geodesic_km: float
    before_km: float | None
    after_km: float | None
    delta_km: float | None
    before_min: float | None
    after_min: float | None
    delta_min: float | None


@dataclass(frozen=True, slots=True)
class Truth:
    """A flight of which it is known whether the law of the day let it fly."""

    id: str
    flight: str
    operator: str
    adep: str
    ades: str
    typecode: str
    registration: str
    at: str
    expect: tuple[str, ...]
    rules: frozenset[str]
    over: frozenset[str]
    not_over: frozenset[str]
    why: str
    source: str


def _read_csv(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def load_cases() -> tuple[Case, ...]:
    """All published cases, in the order of the file."""

    def typed(name: str, text: str) -> Any:
        return (float(text) if text else None) if name.endswith(("_km", "_min")) else text

    return tuple(
        Case(**{name: typed(name, text) for name, text in row.items()})
        for row in _read_csv("published-cases.csv")
    )


@cache
def load_truths() -> tuple[Truth, ...]:
    """All flights known to have been lawful or not."""

    def typed(name: str, text: str) -> Any:
        if name == "expect":
            return tuple(text.split())
        return frozenset(text.split()) if name in ("rules", "over", "not_over") else text

    return tuple(
        Truth(**{name: typed(name, text) for name, text in row.items()})
        for row in _read_csv("published-truths.csv")
    )


@cache
def load_notes() -> dict[str, Any]:
    """Permits reported with a case; documented misses with their reasons and what-ifs."""
    return tomllib.loads((HERE / "published-notes.toml").read_text(encoding="utf-8"))


# ------------------------------------------------------------------------------------- planning
@cache
def _world() -> Scenario:
    return make_scenario()


def _amended(world: Scenario, tables: Iterable[Mapping[str, Any]], record: str) -> Scenario:
    changes = parse_amendments(tables, f"published-notes.toml {record}")
    return amend_scenario(world, changes) if changes else world


def _flight(case: Case, side: str) -> Flight:
    at_ms = parse_instant(case.before_at if side == "before" else case.after_at)
    return Flight(
        f"{case.id}-{side}", case.operator, case.operator, case.adep, case.ades, at_ms, 0,
        case.typecode, None, probe=True,
    )  # fmt: skip


def _plan_all(world: Scenario, flights: Sequence[Flight]) -> dict[str, Plan]:
    """Plan flights, each with the worked example's fleet of its date (seats by tail)."""
    found: dict[str, Plan] = {}
    ordered = sorted(flights, key=lambda f: f.eobt_ms)
    for fleet, group in groupby(ordered, key=lambda f: shipped_fleet(f.eobt_ms)):
        for plan in plan_flights(replace(world, fleet=fleet), list(group)):
            found[plan.flight.flight_id] = plan
    return found


def _permits(case: Case, side: str) -> list[Mapping[str, Any]]:
    """Permits reported for a single flight, as amendments."""
    known = load_notes()["permits"].get(case.id, {})
    return [*known.get("both", ()), *known.get(side, ())]


def plan_cases(cases: Sequence[Case]) -> dict[str, Plan]:
    """Plans by ``<case>-before`` and ``<case>-after``."""
    sides = [(case, side) for case in cases for side in SIDES]
    plain = [_flight(case, side) for case, side in sides if not _permits(case, side)]
    found = _plan_all(_world(), plain)
    for case, side in sides:
        if permits := _permits(case, side):
            found |= _plan_all(_amended(_world(), permits, case.id), [_flight(case, side)])
    return found


def _closing(table: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Amendments of a what-if: rules lifted, airspace shut to everyone."""
    changes: list[dict[str, Any]] = [{"action": "lift", "target": t} for t in table.get("lift", ())]
    if "close" in table:
        rule = {
            "id": "WHAT-IF", "title": table["title"], "authority": "none", "regime": "what if",
            "activities": ["overflight"], "where": [table["close"]], "confidence": "assumed",
            "reference": {"instrument": "none: a question"},
        }  # fmt: skip
        changes.append({"action": "add", "target": "WHAT-IF", "rule": rule})
    return changes


def plan_what_ifs(case: Case) -> Iterator[tuple[str, str, tuple[Plan, ...]]]:
    """Title, side and plans (two if by way of a stop) of each what-if noted with a miss."""
    for table in load_notes()["miss"].get(case.id, {}).get("what_if", ()):
        side = table["side"]
        world = _amended(_world(), [*_permits(case, side), *_closing(table)], case.id)
        flight = replace(_flight(case, side), typecode=table.get("type", case.typecode))
        ends = [case.adep, *filter(None, [table.get("via")]), case.ades]
        legs = [replace(flight, flight_id=f"{a}-{b}", adep=a, ades=b) for a, b in pairwise(ends)]
        found = _plan_all(world, legs)
        yield table["title"], side, tuple(found[leg.flight_id] for leg in legs)


# -------------------------------------------------------------------------------------- scoring
@dataclass(frozen=True, slots=True)
class Score:
    """Published against simulated.

    Parameters
    ----------
    case : Case
    before, after : Plan
    unit : str
        km or min: what is compared.
    published, simulated : float
        Increase, in `unit`; NaN where a side has no route.
    faults : tuple of str
        What lies outside; empty if the case is inside its band.
    """

    case: Case
    before: Plan
    after: Plan
    unit: str
    published: float
    simulated: float
    faults: tuple[str, ...]

    @property
    def inside(self) -> bool:
        """Whether nothing lies outside."""
        return not self.faults

    @property
    def ratio(self) -> float | None:
        """Simulated over published increase; None where none was published."""
        return self.simulated / self.published if self.published else None


def measure_plan(plan: Plan, unit: str) -> float:
    """Kilometres (km) or block minutes (min) of a plan; NaN if it has no route."""
    if plan.route is None:
        return float("nan")
    return plan.route.distance_km if unit == "km" else plan.route.block_min


def score_case(case: Case, before: Plan, after: Plan) -> Score:
    """Hold one case to its band."""
    unit = "km" if "km" in case.measure or case.measure == "control" else "min"
    start = case.geodesic_km if "geodesic" in case.measure else measure_plan(before, unit)
    end = measure_plan(after, unit)
    published = case.delta_km if unit == "km" else case.delta_min
    assert published is not None, case.id
    faults = [*_outside(case, unit, published, start, end), *_broken_musts(case, before, after)]
    return Score(case, before, after, unit, published, end - start, tuple(faults))


def _outside(case: Case, unit: str, published: float, start: float, end: float) -> Iterator[str]:
    if case.measure == "control":
        if not end <= MOST_OVER_BEFORE * start:
            yield f"longer than before by {end / start - 1:.1%}"
        return
    if case.measure.startswith("band"):
        low, high = (float(v) for v in case.measure.split()[1].split("-"))
    else:
        shares = KM_SHARE if unit == "km" else MIN_SHARE
        low, high = sorted(share * published for share in shares)
    if not low <= end - start <= high:
        yield f"increase {end - start:+,.0f} {unit}, band {low:+,.0f} to {high:+,.0f}"
    if unit == "km" and case.after_km and not end <= MOST_OVER_AFTER * case.after_km:
        yield f"longer than the published path after by {end / case.after_km - 1:.1%}"


def _broken_musts(case: Case, before: Plan, after: Plan) -> Iterator[str]:
    plans = {"before": before, "after": after}
    for clause in filter(None, case.must.split("; ")):
        side, wish = clause.split(maxsplit=1)
        route = plans[side].route
        if route is None or bool(route.stops) != (wish == "stops"):
            yield f"{side}: {'no fuel stop' if wish == 'stops' else 'a fuel stop'} simulated"


@cache
def score_cases() -> tuple[Score, ...]:
    """Scores of all cases."""
    plans = plan_cases(load_cases())
    return tuple(
        score_case(case, *(plans[f"{case.id}-{side}"] for side in SIDES)) for case in load_cases()
    )


# --------------------------------------------------------------------------------- block times
@dataclass(frozen=True, slots=True)
class Block:
    """Published time of one flight against the time that the simulation flies it in.

    Parameters
    ----------
    case : Case
    side : str
        before or after.
    airborne : bool
        Both from take-off to landing; else from off-block to on-block, fuel stops included.
    published, simulated : float
        Minutes; NaN where the simulation does not let it fly.
    told : str
        What became of it in the simulation.
    """

    case: Case
    side: str
    airborne: bool
    published: float
    simulated: float
    told: str

    @property
    def id(self) -> str:
        """Case and side."""
        return f"{self.case.id}-{self.side}"

    @property
    def ratio(self) -> float:
        """Simulated over published."""
        return self.simulated / self.published

    @property
    def inside(self) -> bool:
        """Whether it lies in the band."""
        return BLOCK_SHARE[0] <= self.ratio <= BLOCK_SHARE[1]


@cache
def fly_blocks() -> tuple[Block, ...]:
    """Let every flight of Belarus's and Russia's carriers fly of which a time was published."""
    operators = _world().operators
    wanted = [
        (case, side)
        for case in load_cases()
        for side in SIDES
        if operators[case.operator].state in BLOCK_STATES and getattr(case, f"{side}_min")
    ]
    # with the seats that they were planned with, by the fleet of their date
    seats = {
        f"{score.case.id}-{side}": plan.facts.seats
        for score in score_cases()
        for side, plan in zip(SIDES, (score.before, score.after), strict=True)
    }
    flights = {
        (case, side): replace(
            _flight(case, side),
            circumstances=Circumstances(facts=(("seats", seats[f"{case.id}-{side}"]),)),
        )
        for case, side in wanted
    }
    plain = [flight for key, flight in flights.items() if not _permits(*key)]
    records = _fly_all(_world(), plain)
    for (case, side), flight in flights.items():
        if permits := _permits(case, side):
            records |= _fly_all(_amended(_world(), permits, case.id), [flight])
    return tuple(_time_block(case, side, records[f"{case.id}-{side}"]) for case, side in wanted)


def _fly_all(world: Scenario, flights: Sequence[Flight]) -> dict[str, FlightRecord]:
    """Records by flight id of flights that all find an aircraft."""
    ordered = sorted((replace(f, probe=False) for f in flights), key=lambda f: f.eobt_ms)
    last_ms = ordered[-1].eobt_ms + 48 * HOUR_MS
    return simulate(
        replace(
            world, flights=tuple(ordered), fleet=(), start_ms=ordered[0].eobt_ms, end_ms=last_ms
        )
    ).records


def _time_block(case: Case, side: str, record: FlightRecord) -> Block:
    airborne = any(word in case.kind for word in ("flown", "airborne"))
    minutes = float("nan")
    if record.on_block_ms is not None and record.off_block_ms is not None:
        minutes = (record.on_block_ms - record.off_block_ms) / MINUTE_MS
        if airborne:
            minutes -= DEFAULT_POLICY.taxi_out_min + DEFAULT_POLICY.taxi_in_min
    route = record.plan.route
    stops = f", stop {' '.join(route.stops)}" if route is not None and route.stops else ""
    return Block(
        case, side, airborne, getattr(case, f"{side}_min"), minutes, f"{record.status}{stops}"
    )


def _block_row(block: Block) -> list[str]:
    return [
        block.id, f"{block.case.operator} {block.case.adep}-{block.case.ades}",
        block.case.typecode, "airborne" if block.airborne else "block",
        _value(block.published, "min"), _value(block.simulated, "min"), f"{block.ratio:.2f}",
        "inside" if block.inside else "outside", block.told,
    ]  # fmt: skip


BLOCK_HEAD = (
    "case", "flight", "type", "time", "published", "simulated", "ratio", "verdict", "simulation",
)  # fmt: skip


# ---------------------------------------------------------------------------- feasible or not
@dataclass(frozen=True, slots=True)
class Finding:
    """A truth and what the simulator said; `faults` empty if they agree."""

    truth: Truth
    said: str
    rules: frozenset[str]
    faults: tuple[str, ...]


def judge_truths(truths: Sequence[Truth]) -> tuple[Finding, ...]:
    """Plan flights whose answer is known, and let those fly that met a ban in the air."""
    flights = [
        Flight(
            t.id, t.operator, t.operator, t.adep, t.ades, parse_instant(t.at), 0, t.typecode,
            t.registration or None, probe="closed-in-flight" not in t.expect,
        )
        for t in truths
    ]  # fmt: skip
    plans = _plan_all(_world(), [flight for flight in flights if flight.probe])
    return tuple(
        _fly_truth(truth, flight) if not flight.probe else _judge_truth(truth, plans[truth.id])
        for truth, flight in zip(truths, flights, strict=True)
    )


def _judge_truth(truth: Truth, plan: Plan) -> Finding:
    lacking = plan.permits if plan.outcome == "needs-permit" else ()
    rules = frozenset((*plan.blocking_rules, *plan.breach_rules, *lacking))
    said = plan.outcome if plan.lawful != "no" else f"{plan.outcome}, unlawful"
    crossed = {stay.designator for stay in plan.crossings if stay.layer == "territory"}
    faults = _compare(truth, {plan.outcome, "unlawful" if plan.lawful == "no" else ""}, rules)
    faults += [f"not over {state}" for state in sorted(truth.over - crossed)]
    faults += [f"over {state}" for state in sorted(truth.not_over & crossed)]
    return Finding(truth, said, rules, tuple(faults))


def _fly_truth(truth: Truth, flight: Flight) -> Finding:
    """A flight that left under one law and met another."""
    world = replace(
        _world(), flights=(flight,), start_ms=flight.eobt_ms, end_ms=flight.eobt_ms + 48 * HOUR_MS
    )
    going_on = replace(world.options, in_flight="continue")  # what it met is what is asked
    done = simulate(replace(world, fleet=(), options=going_on))
    record = done.records[truth.id]
    met = frozenset(rule for d in record.met if d.outcome.name == "FORBIDDEN" for rule in d.rules)
    said = "closed-in-flight" if any(e.event == "closed-in-flight" for e in done.log) else "flown"
    return Finding(truth, said, met, tuple(_compare(truth, {said}, met)))


def _compare(truth: Truth, said: set[str], rules: frozenset[str]) -> list[str]:
    faults = []
    if not said & set(truth.expect):
        faults.append(f"expected {' or '.join(truth.expect)}")
    if not truth.rules <= rules:
        faults.append(f"not decided by {' '.join(sorted(truth.rules - rules))}")
    return faults


# --------------------------------------------------------------------------------------- tables
def _value(number: float | None, unit: str) -> str:
    if number is None or number != number:
        return "-"
    return f"{number:,.0f} {unit}"


def tell_route(plan: Plan) -> str:
    """A route told by the States it crosses, in order, and its stops."""
    if plan.route is None:
        return f"none: {plan.reason}"
    names = [
        stay.designator
        for stay in plan.crossings
        if stay.layer == "territory" and stay.exit_km - stay.entry_km >= SHORT_STAY_KM
    ]
    told = " ".join(name for name, _ in groupby(names))
    return f"{told}; stop {' '.join(plan.route.stops)}" if plan.route.stops else told


def _row(score: Score) -> list[str]:
    case, unit = score.case, score.unit
    known = [getattr(case, f"{side}_{unit}") for side in SIDES]
    found = [measure_plan(plan, unit) for plan in (score.before, score.after)]
    if "geodesic" in case.measure:
        found[0] = case.geodesic_km
    ratio = "-" if score.ratio is None else f"{score.ratio:.3f}"
    return [
        case.id, f"{case.carrier} {case.adep}-{case.ades}", case.dates,
        *(_value(v, unit) for v in known), f"{score.published:+,.0f}",
        *(_value(v, unit) for v in found), f"{score.simulated:+,.0f}", ratio,
        "inside" if score.inside else "; ".join(score.faults),
    ]  # fmt: skip


HEAD = (
    "case", "flight", "dates", "published before", "after", "increase", "simulated before", "after",
    "increase", "ratio", "verdict",
)  # fmt: skip


def _markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(cell.replace("|", "/") for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _plain(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    table = [head, *rows]
    wide = [max(len(row[i]) for row in table) for i in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(w) for cell, w in zip(row, wide, strict=True)).rstrip()
        for row in table
    )


def _truth_row(found: Finding) -> list[str]:
    truth = found.truth
    return [
        truth.id, truth.at, f"{truth.flight} {truth.adep}-{truth.ades}".strip(),
        " or ".join(truth.expect), found.said, " ".join(sorted(truth.rules)) or "-",
        "agrees" if not found.faults else "; ".join(found.faults), truth.why,
    ]  # fmt: skip


TRUTH_HEAD = ("id", "EOBT", "flight", "known", "simulated", "deciding rules", "verdict", "why")


def _count(scores: Sequence[Score], findings: Sequence[Finding]) -> str:
    inside = sum(score.inside for score in scores)
    agree = sum(not found.faults for found in findings)
    return (
        f"{inside} of {len(scores)} published cases lie inside their bands; "
        f"{agree} of {len(findings)} known answers are met."
    )


def tell_published(
    scores: Sequence[Score], findings: Sequence[Finding], blocks: Sequence[Block]
) -> str:
    """The page PUBLISHED.md."""
    intro = load_notes()["pages"]["published"]
    routes = [
        [s.case.id, s.case.route_before, tell_route(s.before), s.case.route_after,
         tell_route(s.after)]
        for s in scores
    ]  # fmt: skip
    asked = [
        [c.id, c.operator, c.typecode, c.before_at, c.after_at, c.measure, c.must or "-", c.setup]
        for c in load_cases()
    ]
    papers = [[c.id, c.confidence, c.kind, c.note or "-", c.sources] for c in load_cases()]
    parts = [
        "# Published figures against simulated ones",
        intro.strip(),
        _count(scores, findings),
        "## Detours",
        _markdown(HEAD, (_row(score) for score in scores)),
        "Outside: see [KNOWN-MISSES.md](KNOWN-MISSES.md).",
        "## Routes, as published and by the States that the simulated one crosses",
        _markdown(("case", "before", "simulated", "after", "simulated"), routes),
        "## Block times",
        load_notes()["pages"]["blocks"].strip(),
        f"{sum(block.inside for block in blocks)} of {len(blocks)} lie inside.",
        _markdown(BLOCK_HEAD, (_block_row(block) for block in blocks)),
        "## Feasible or not",
        _markdown(TRUTH_HEAD, (_truth_row(found) for found in findings)),
        "## How each case is asked",
        _markdown(
            ("case", "operator", "type", "before", "after", "measure", "must", "chosen by"), asked
        ),
        "## Sources",
        _markdown(("case", "grade", "kind", "note", "source"), papers),
    ]
    return "\n\n".join(parts) + "\n"


def _tell_miss(score: Score) -> str:
    case, unit = score.case, score.unit
    note = load_notes()["miss"].get(case.id, {"reason": "Not explained yet."})
    rows = [
        ["as encoded", side, *_tell_plans([plan])]
        for side, plan in zip(SIDES, (score.before, score.after), strict=True)
    ]
    rows += [[title, side, *_tell_plans(plans)] for title, side, plans in plan_what_ifs(case)]
    known = " to ".join(_value(getattr(case, f"{side}_{unit}"), unit) for side in SIDES)
    return "\n\n".join(
        [
            f"## {case.id}: {case.carrier}, {case.adep}-{case.ades}",
            f"Published {known}, increase {score.published:+,.0f} {unit} ({case.kind}); simulated "
            f"{score.simulated:+,.0f} {unit}. Outside: {'; '.join(score.faults)}.",
            f"Published route: {case.route_after or '-'}.",
            note["reason"].strip(),
            _markdown(("if", "side", "simulated route", "length", "block time"), rows),
        ]
    )


def _tell_plans(plans: Sequence[Plan]) -> list[str]:
    """Route, kilometres and minutes (an hour on the ground between two plans)."""
    ground_min = STOP_GROUND_MIN * (len(plans) - 1)
    return [
        f"; stop {plans[0].flight.ades}; ".join(tell_route(plan) for plan in plans),
        _value(sum(measure_plan(plan, "km") for plan in plans), "km"),
        _value(sum(measure_plan(plan, "min") for plan in plans) + ground_min, "min"),
    ]


def tell_misses(
    scores: Sequence[Score], findings: Sequence[Finding], blocks: Sequence[Block]
) -> str:
    """The page KNOWN-MISSES.md."""
    pages, told = load_notes()["pages"], load_notes()["miss"]
    parts = ["# Known misses", pages["misses"].strip()]
    parts += [_tell_miss(score) for score in scores if not score.inside]
    for found in findings:
        if found.faults:
            truth = found.truth
            parts += [
                f"## {truth.id}: {truth.flight} {truth.adep}-{truth.ades}, {truth.at}",
                f"Known: {' or '.join(truth.expect)}; simulated: {found.said}.",
                told.get(truth.id, {"reason": "Not explained yet."})["reason"].strip(),
            ]
    for block in blocks:
        if not block.inside:
            kind = "airborne" if block.airborne else "block"
            parts += [
                f"## {block.id}: {block.case.carrier}, {block.case.adep}-{block.case.ades}, "
                f"{kind} time",
                f"Published {_value(block.published, 'min')}, simulated "
                f"{_value(block.simulated, 'min')}: {block.ratio:.2f} of it.",
                load_notes()["block"]
                .get(block.id, {"reason": "Not explained yet."})["reason"]
                .strip(),
            ]
    parts += ["## What free routing leaves out", pages["limits"].strip()]
    return "\n\n".join(parts) + "\n"


def main(arguments: Sequence[str]) -> int:
    """Run all cases, print them; exit code 1 if the misses are not the documented ones."""
    if set(arguments) - {"--write"}:
        print("usage: python -m benchmarks.published [--write]", file=sys.stderr)
        return 2
    scores, findings, blocks = score_cases(), judge_truths(load_truths()), fly_blocks()
    print(_plain(HEAD, [_row(score) for score in scores]))
    print()
    print(_plain(TRUTH_HEAD[:-1], [_truth_row(found)[:-1] for found in findings]))
    print()
    print(_plain(BLOCK_HEAD, [_block_row(block) for block in blocks]))
    print()
    print(_count(scores, findings))
    if "--write" in arguments:
        pages = {
            "PUBLISHED.md": tell_published(scores, findings, blocks),
            "KNOWN-MISSES.md": tell_misses(scores, findings, blocks),
        }
        for name, text in pages.items():
            (HERE / name).write_text(text, encoding="utf-8")
    missed = {s.case.id for s in scores if not s.inside}
    missed |= {f.truth.id for f in findings if f.faults}
    unexpected = missed ^ set(load_notes()["miss"])
    unexpected |= {b.id for b in blocks if not b.inside} ^ set(load_notes()["block"])
    if unexpected:
        print(f"not as documented: {' '.join(sorted(unexpected))}", file=sys.stderr)
    return 1 if unexpected else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
