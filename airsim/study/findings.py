"""Run a scenario and answer the questions it poses: before and after, sensitivity, findings.

The findings are computed from plans and decisions, never from prose: each row names its rules.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from math import inf
from pathlib import Path
from typing import Any

from airsim.base import format_instant
from airsim.law import FlightFacts, Place, Question, Rule, judge_rule
from airsim.operation import Flight
from airsim.permission import find_breaches
from airsim.planning import Plan, Unlock, Unlocking, find_unlocking, plan_flights
from airsim.results import Results
from airsim.scenario import (
    HOUR_MS,
    Comparison,
    Scenario,
    ZoneVariant,
    load_scenario,
    resize_zones,
)
from airsim.simulation import (
    LONGEST_WAIT_MS,
    OWN_TYPE_WAIT_MS,
    RETRY_MS,
    FlightRecord,
    World,
    draw_closures,
    simulate,
    tabulate_world,
    trace_flights,
)

_DAY_MS = 24 * HOUR_MS
_VARIANTS: tuple[ZoneVariant, ...] = ("minus30", "nominal", "plus30")
Progress = Callable[[int, int], None]
Row = dict[str, Any]

# What is asked about supplies, beside flights: a part, and defence articles carried as cargo.
ITEMS: tuple[tuple[str, str, str], ...] = (
    ("parts", "EAR99", "EAR99 part for a Boeing of the fleet"),
    ("parts", "9A991", "9A991 (AT-only) part for a Boeing of the fleet"),
    ("parts", "ITAR", "US defence article bought as a part"),
    ("cargo", "ITAR", "US defence article carried as cargo"),
)
LIMITS = (
    "Not legal advice, not for navigation.",
    "Outlines are those of the shipped layers: the territory layer is simplified to 0.5 NM "
    "(deviation from its source: 99th percentile 0.39 NM; largest 2.06 NM, on narrow spikes of "
    "land borders).",
    "Synthetic and approximate outlines are drawn as such; nothing was published or found.",
    "Free routing: no airways, winds or conflicts with other traffic.",
)
CREDITS = (
    "Territories: © OpenStreetMap contributors, ODbL 1.0.",
    "European FIRs: EUROCONTROL, edition of 30 April 2015.",
    "Fuel model fitted to FEAT (Seymour et al. 2020, CC BY 4.0).",
    "Base map: Natural Earth.",
)


def run(
    scenario: str | Path | Scenario, *, progress: Progress | None = None, sensitivity: bool = True,
    trajectories: bool = False,
) -> Results:  # fmt: skip
    """Simulate a scenario and answer its questions.

    Parameters
    ----------
    scenario : str, path or Scenario
        Name of a shipped scenario, a file, or one already loaded.
    progress : callable, optional
        Called with (done, total) while flights are planned.
    sensitivity : bool
        Whether to plan the routes near synthetic zones again with zones 30 NM larger and smaller.
    trajectories : bool
        Whether to tell where each flight was, minute by minute.

    Returns
    -------
    Results
        All tables, and the summary with its findings.

    Raises
    ------
    InputError
        Everything wrong with the scenario, at once.
    """
    asked = scenario if isinstance(scenario, Scenario) else load_scenario(scenario)
    world = draw_closures(asked)
    state = simulate(world, progress=progress)
    summary = _summarise(asked, world, state, sensitivity)
    named = {
        word
        for finding in summary["findings"]
        for row in finding["rows"]
        for value in row.values()
        for word in str(value).split()
    }
    traced = trace_flights(world, state) if trajectories else None
    return Results(tabulate_world(world, state, also=named), summary, traced)


def compare(before: Results, after: Results) -> tuple[Row, ...]:
    """Flights to which two runs give different answers.

    Parameters
    ----------
    before, after : Results
        Two runs, for example of one scenario under different amendments.

    Returns
    -------
    tuple of dict
        One per flight that differs in outcome, lawfulness, rules or by more than a kilometre, in
        flight order: ``flight_id``, and for each of ``outcome lawful distance_km blocking_rules``
        a ``_before`` and an ``_after``. A flight that one run lacks has None there.
    """
    fields = ("outcome", "lawful", "distance_km", "blocking_rules")
    sides = [{row["flight_id"]: row for row in run.rows("flights")} for run in (before, after)]
    found = []
    for flight_id in dict.fromkeys((*sides[0], *sides[1])):
        first, second = (side.get(flight_id, dict.fromkeys(fields)) for side in sides)
        lengths = [row["distance_km"] for row in (first, second)]
        moved = None in lengths and lengths[0] != lengths[1]
        moved = moved or (None not in lengths and abs(lengths[0] - lengths[1]) > 1.0)
        if moved or any(first[f] != second[f] for f in fields if f != "distance_km"):
            row = {"flight_id": flight_id}
            for field in fields:
                row |= {f"{field}_before": first[field], f"{field}_after": second[field]}
            found.append(row)
    return tuple(found)


def _summarise(asked: Scenario, scenario: Scenario, world: World, sensitivity: bool) -> Row:
    """What is said of a run; `scenario` is what was asked for with its chance closures drawn."""
    records = list(world.records.values())
    findings = [
        *(_find_changes(asked, comparison) for comparison in scenario.comparisons),
        _find_availability(scenario, world),
        _find_zone_effects(scenario, records),
        _find_breaching(records),
        *_find_lacking(scenario, records),
    ]
    return {
        "scenario": scenario.name,
        "title": scenario.title,
        "description": " ".join(scenario.description.split()),
        "start_utc": format_instant(scenario.start_ms),
        "end_utc": format_instant(scenario.end_ms),
        "rulebook_hash": asked.rulebook.content_hash,
        "atlas_hash": asked.atlas.content_hash,
        "options": {
            "planning_lead_hours": scenario.options.planning_lead_ms / 3_600_000,
            "clearance_nm": scenario.options.clearance_nm,
            "minimum_turn_min": scenario.options.minimum_turn_ms / 60_000,
            "longest_hold_hours": scenario.options.longest_hold_ms / HOUR_MS,
            "tail_choice": scenario.options.tail_choice,
            "obey_operator_policy": scenario.options.obey_operator_policy,
            "seed": scenario.options.seed,
        },
        "flights": _count_outcomes(r for r in records if not r.flight.probe),
        "probes": _count_outcomes(r for r in records if r.flight.probe),
        "aerodromes": _place_aerodromes(scenario, records),
        "marks": [format_instant(at_ms) for at_ms in _mark_days(scenario)],
        "findings": [finding for finding in findings if finding is not None],
        "sensitivity": _try_zone_sizes(scenario, records) if sensitivity else [],
        "assumptions": _list_assumptions(asked),
        "limits": list(LIMITS),
        "credits": list(CREDITS),
    }


def _count_outcomes(records: Iterable[FlightRecord]) -> dict[str, int]:
    return dict(sorted(Counter(record.plan.outcome for record in records).items()))


def _place_aerodromes(scenario: Scenario, records: Iterable[FlightRecord]) -> Row:
    """Where the ends and fuel stops of all flights are, and what they are called."""
    names: set[str] = set()
    for record in records:
        names |= {record.flight.adep, record.flight.ades}
        names |= set(record.plan.route.stops if record.plan.route else ())
    spots = {icao: scenario.aerodromes[icao] for icao in sorted(names)}
    return {
        icao: {"iata": spot.iata, "name": spot.name, "lon": spot.lon, "lat": spot.lat}
        for icao, spot in spots.items()
    }


def _mark_days(scenario: Scenario) -> list[int]:
    """First midnight after the earlier day of each comparison inside the period."""
    days = {(c.before_ms // _DAY_MS + 1) * _DAY_MS for c in scenario.comparisons}
    return sorted(day for day in days if scenario.start_ms < day < scenario.end_ms)


def _find_availability(scenario: Scenario, world: World) -> Row | None:
    """What the fleet could do between the days on which the law changed."""
    if scenario.upkeep is None or not world.fleet:
        return None
    edges = [scenario.start_ms, *_mark_days(scenario), scenario.end_ms]
    rows = []
    for start_ms, end_ms in pairwise(edges):
        lost = {"check": 0, "parts": 0, "stranded": 0, "barred": 0}
        for aircraft in world.fleet:
            for g in aircraft.groundings:
                inside = max(0, min(g.end_ms, end_ms) - max(g.start_ms, start_ms))
                lost[g.cause] += inside
                lost["barred"] += inside if g.rules else 0
        whole = len(world.fleet) * (end_ms - start_ms)
        status = Counter(
            record.status
            for record in world.records.values()
            if not record.flight.probe and start_ms <= record.flight.eobt_ms < end_ms
        )
        flights = sum(status.values())
        rows.append(
            {
                "from": format_instant(start_ms)[:10], "to": format_instant(end_ms)[:10],
                "flights": flights, "cancelled": status["cancelled"],
                "turned_back_or_diverted": status["returned"] + status["diverted"],
                "in_checks_percent": round(100.0 * lost["check"] / whole, 1),
                "waiting_for_parts_percent": round(100.0 * lost["parts"] / whole, 1),
                "of_these_barred_percent": round(100.0 * lost["barred"] / whole, 1),
                **(
                    {"stranded_percent": round(100.0 * lost["stranded"] / whole, 1)}
                    if any(g.cause == "stranded" for a in world.fleet for g in a.groundings)
                    else {}
                ),
                "available_percent": round(
                    100.0
                    - 100.0 * (lost["check"] + lost["parts"] + lost["stranded"]) / whole,
                    1,
                ),
            }
        )  # fmt: skip
    shares = ", ".join(f"{row['available_percent']:g} % from {row['from']}" for row in rows)
    answer = f"{len(world.fleet)} aircraft were available for {shares} (of all aircraft-days)."
    return _finding(
        "availability", "How much of the fleet could fly?", answer, " ".join(rows[0]), rows
    )


def _list_assumptions(scenario: Scenario) -> list[str]:
    options = scenario.options
    said = [
        *(
            [
                "Routine permits of timetabled services are presumed held, until a rule or the "
                "scenario says otherwise."
            ]
            if scenario.permits is None
            else []
        ),
        f"Flights are planned {options.planning_lead_ms / HOUR_MS:g} h before off-block on the law "
        "published by then, looked at again at off-block, and meet in the air what is in force.",
        "A flight barred for a time, or without a place in the flow, waits at most "
        f"{options.longest_hold_ms / HOUR_MS:g} h; places are counted in clock hours, for whoever "
        "is ready first.",
        "A fuel stop takes 60 min on the ground; at most one is made.",
        "Free routing: the shortest permitted way, without airways, winds or other traffic.",
    ]
    said += [
        f"{rule.title} ({rule.id}): {rule.reference.instrument}"
        + ("." if rule.reference.instrument == rule.confidence else f" [{rule.confidence}].")
        for rule in scenario.rulebook.rules
        if rule.authority == "scenario"
    ]
    said += [
        f"Closures {process.name}, drawn at random: {process.per_day:g} a day, {process.duration} "
        f"{' to '.join(f'{hours:g}' for hours in process.hours)} h, each end told with its "
        f"beginning: {process.source} [{process.confidence}]."
        for process in scenario.surprises
    ]
    if scenario.upkeep is not None:
        said += [
            f"{row.name} ({', '.join(row.typecodes) or 'all types'}): {row.source}"
            + ("" if row.source == row.confidence else f" [{row.confidence}]")
            for row in scenario.upkeep.check
        ]
        said += [
            f"Faults that ground {', '.join(row.typecodes) or 'any type'}: "
            f"{row.per_1000_hours:g} in 1,000 flying hours, {row.source}."
            for row in scenario.upkeep.removal
        ]
        said += [
            f"{row.share:.0%} of parts for {', '.join(row.typecodes) or 'all types'} are "
            f"{row.name}: {row.open_days:g} days where the law allows, {row.barred_days:g} where "
            f"it does not, {row.source}."
            for row in scenario.upkeep.channel
        ]
    if scenario.permits is not None:
        model = scenario.permits
        a_day = model.answers_per_day
        busy = "" if a_day is None else f", and an authority answers {a_day:g} a day"
        said.append(
            f"Permits are asked for {model.ask_days:g} days ahead; {model.refused:.0%} are "
            f"refused, {model.late:.0%} come late, by {model.late_days:g} days on average; a "
            f"flight waits {model.wait_hours:g} h{busy}. Assumed."
        )
    if scenario.fleet:
        said.append(
            "At the start each aircraft stands where the timetable first needs its type. A flight "
            "takes an aircraft of its type at its aerodrome; after "
            f"{OWN_TYPE_WAIT_MS / HOUR_MS:g} h any whose range covers the legs planned; after "
            f"{LONGEST_WAIT_MS / HOUR_MS:g} h it is cancelled. Aircraft stay "
            f"{options.minimum_turn_ms / 60_000:g} min on the ground between flights."
        )
        said.append(
            "After a diversion an aircraft flies on to where it was bound if it comes there in "
            "time for its next flight, else home to its base, empty, under the permits of the "
            "flight that it ends; where neither may be flown it asks again every "
            f"{RETRY_MS / HOUR_MS:g} h."
        )
    else:
        said.append("No fleet is given: every flight finds an aircraft of its type.")
    return said


def _finding(name: str, question: str, answer: str, columns: str, rows: Iterable[Row]) -> Row:
    return {
        "id": name,
        "question": question,
        "answer": answer,
        "columns": columns.split(),
        "rows": list(rows),
    }


def _routes(flights: Iterable[Flight]) -> list[Flight]:
    """One flight per operator, city pair, type and tail: the question, not its repetitions."""
    found: dict[tuple[str, ...], Flight] = {}
    for flight in flights:
        key = (flight.operator, flight.adep, flight.ades, flight.typecode)
        found.setdefault((*key, flight.registration or ""), flight)
    return [found[key] for key in sorted(found)]


def _at(flights: Iterable[Flight], at_ms: int) -> list[Flight]:
    return [replace(flight, eobt_ms=at_ms, sta_ms=at_ms, probe=True) for flight in flights]


def _find_changes(scenario: Scenario, comparison: Comparison) -> Row:
    """What two dates change, regime by regime: airspace and persons, flights and supplies."""
    flights = _routes(scenario.flights)
    before, after = (
        plan_flights(scenario, _at(flights, at_ms))
        for at_ms in (comparison.before_ms, comparison.after_ms)
    )
    rows: list[Row] = []
    for first, second in zip(before, after, strict=True):
        rows += _compare_plans(scenario, first, second)
    rows += _compare_supplies(scenario, comparison)
    changed = [row for row in rows if row["before"] != row["after"]]
    touched = {row["regime"] for row in changed}
    untouched = {row["regime"] for row in rows} - touched
    days = [format_instant(at_ms)[:10] for at_ms in (comparison.before_ms, comparison.after_ms)]
    answer = (
        f"{len(changed)} answer{'' if len(changed) == 1 else 's'} changed between "
        f"{days[0]} and {days[1]}, under "
        f"{_name_regimes(touched) or 'no regime'}; "
        f"nothing changed under {_name_regimes(untouched) or 'any other regime'}."
    )
    merged = _merge_rows(rows)
    return _finding(
        "changes", comparison.title, answer, "regime question before after changed", merged
    )


def _name_regimes(regimes: Iterable[str]) -> str:
    """Regimes in a row, the national measures of several States together."""
    prefix = "national measures: "
    names = sorted(set(regimes))
    states = [name.removeprefix(prefix) for name in names if name.startswith(prefix)]
    said = [name for name in names if not name.startswith(prefix)]
    return ", ".join([*said, f"national measures of {', '.join(states)}"] if states else said)


def _regimes(scenario: Scenario, rules: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for rule_id in sorted(rules):
        rule = scenario.rulebook.by_id[rule_id]
        if rule.force == "binding":
            found.setdefault(rule.regime, []).append(rule_id)
    return found


def _closing(plan: Plan) -> set[str]:
    """Binding rules that bar this flight an end, a direct path or, for persons, the flight."""
    return {*plan.blocking_rules, *plan.breach_rules}


def _compare_plans(scenario: Scenario, first: Plan, second: Plan) -> list[Row]:
    regimes = [_regimes(scenario, _closing(plan)) for plan in (first, second)]
    flight = first.flight
    iata = [scenario.aerodromes[icao].iata or icao for icao in (flight.adep, flight.ades)]
    rows = []
    for regime in sorted({*regimes[0], *regimes[1]}):
        rules = [found.get(regime, []) for found in regimes]
        if not any(rules):
            continue
        said = [" ".join(names) if names else "silent" for names in rules]
        rows.append(
            {
                "regime": regime,
                "question": f"{flight.operator} {iata[0]}-{iata[1]} "
                f"{flight.registration or first.facts.typecode or ''}",
                "before": said[0],
                "after": said[1],
                "changed": "yes" if said[0] != said[1] else "no",
            }
        )
    return rows


def _compare_supplies(scenario: Scenario, comparison: Comparison) -> list[Row]:
    """Parts and cargo for the operator with most flights of the scenario."""
    operators = [f.operator for f in scenario.flights if not f.probe]
    if not operators:
        return []
    who = scenario.operators[max(sorted(set(operators)), key=operators.count)]
    facts = FlightFacts(
        who.icao, who.state, who.state, who.owner_state or who.state,
        who.controller_state or who.state, us_origin=True, origin_state=who.state,
        destination_state=who.state,
    )  # fmt: skip
    home = Place("territory", who.state, who.state)
    rows = []
    for activity, item, title in ITEMS:
        barred: list[dict[str, list[str]]] = []
        for at_ms in (comparison.before_ms, comparison.after_ms):
            question = Question(activity, (home,), at_ms, at_ms, replace(facts, item=item))
            found = find_breaches(scenario.bound, question)
            barred.append(_regimes(scenario, {v.rule.id for v in found if v.truth is True}))
        for regime in sorted({*barred[0], *barred[1]}):
            said = [" ".join(b.get(regime, [])) or "silent" for b in barred]
            rows.append(
                {
                    "regime": regime,
                    "question": f"{who.icao}: {title}",
                    "before": said[0],
                    "after": said[1],
                    "changed": "yes" if said[0] != said[1] else "no",
                }
            )
    return rows


def _merge_rows(rows: Sequence[Row]) -> list[Row]:
    """Put questions with equal answers under one regime into one row."""
    merged: dict[tuple[str, str, str], Row] = {}
    for row in rows:
        key = (row["regime"], row["before"], row["after"])
        if key in merged:
            merged[key]["question"] += ", " + row["question"]
        else:
            merged[key] = dict(row)
    return sorted(merged.values(), key=lambda r: (r["changed"] != "yes", r["regime"], r["before"]))


def _concerns_anybody(scenario: Scenario, rule: Rule, subjects: Iterable[FlightFacts]) -> bool:
    """Whether a rule on a zone is in force in the period and addresses any of the flights."""
    zones = [zone for where in rule.where for zone in where.zone]
    places = tuple(Place("zone", zone) for zone in zones)
    return bool(zones) and any(
        judge_rule(
            scenario.rulebook,
            rule,
            Question("overflight", places, scenario.start_ms, scenario.end_ms, facts),
        ).truth
        is not False
        for facts in subjects
    )


def _find_zone_effects(scenario: Scenario, records: Sequence[FlightRecord]) -> Row | None:
    """What border strips and exercise areas did to airliners: levels, times, kilometres."""
    subjects = {record.plan.facts for record in records}
    rules = [
        rule
        for rule in scenario.rulebook.rules
        if rule.force == "binding" and _concerns_anybody(scenario, rule, subjects)
    ]
    if not rules:
        return None
    rows = []
    for rule in rules:
        zones: list[str] = [zone for where in rule.where for zone in where.zone]
        tops = [
            int(scenario.atlas.layer("zone").upper_ft[row])
            for zone in zones
            for row in scenario.atlas.layer("zone").positions(zone)
        ]
        top = max(tops, default=0)
        if rule.levels is not None:
            top = min(top, rule.levels.upper_ft)
        hit: list[str] = sorted(
            {
                f"{r.flight.adep}-{r.flight.ades}"
                for r in records
                if r.plan.route is not None and rule.id in r.plan.blocking_rules
            }
        )
        rows.append(
            {
                "rule": rule.id,
                "zone": " ".join(zones),
                "top_ft": "unlimited" if top >= 99_999 else top,
                "confidence": rule.confidence,
                "routes_moved": len(hit),
                "which": " ".join(hit[:12]) + (" ..." if len(hit) > 12 else ""),
            }
        )
    idle = [str(row["rule"]) for row in rows if not row["routes_moved"]]
    moved = [str(row["rule"]) for row in rows if row["routes_moved"]]
    answer = (
        (f"{', '.join(moved)} closed the direct path of some routes. " if moved else "")
        + (f"{', '.join(idle)} moved no airliner of this timetable." if idle else "")
    ).strip()
    return _finding(
        "zones", "What did border strips and exercise areas do to airliners?", answer,
        "rule zone top_ft confidence routes_moved which", rows,
    )  # fmt: skip


def _find_breaching(records: Sequence[FlightRecord]) -> Row:
    """Flights lawful in airspace that persons may not have made: grouped, not repeated."""
    dispatched = [record for record in records if record.off_block_ms is not None]
    breaking = [record.plan for record in dispatched if record.plan.lawful == "no"]
    groups = Counter(
        (plan.flight.ades, " ".join(plan.breach_rules), plan.facts.typecode or "")
        for plan in breaking
    )
    rows = [
        {"destination": ades, "type": typecode, "rules": rules, "flights": number}
        for (ades, rules, typecode), number in sorted(groups.items())
    ]
    unknown = sum(record.plan.lawful == "unknown" for record in dispatched)
    probes = [record.plan for record in records if record.flight.probe and record.plan.feasible]
    answer = (
        f"{len(breaking) or 'None'} of {len(dispatched)} dispatched flights broke a rule that "
        "binds persons: it closes no airspace."
        + (f" Of {unknown} more it is unknown: a fact is missing." if unknown else "")
    )
    if probes:
        asked = sum(plan.lawful == "no" for plan in probes)
        answer += f" {asked or 'None'} of {len(probes)} probes with open airspace would break one."
    return _finding(
        "breaches", "Which flights are lawful in airspace yet breach export control?", answer,
        "destination type rules flights", rows,
    )  # fmt: skip


def _find_lacking(scenario: Scenario, records: Sequence[FlightRecord]) -> list[Row]:
    """For each question about a flight to or from the United States: what it lacks."""
    flights = _routes(
        record.flight
        for record in records
        if "US" in (record.plan.facts.origin_state, record.plan.facts.destination_state)
    )
    if not flights:
        return []
    rows: list[Row] = []
    said: list[str] = []
    # Whatever opens a flight will do, however long the way.
    unlocks = find_unlocking(scenario, flights, least_gain=inf)
    for flight, unlock in zip(flights, unlocks, strict=True):
        sets = _keep_smallest(unlock)
        rows += [
            {
                "flight": flight.flight_id, "set": number, "rule": rule.id,
                "lacks": _name_need(rule), "instrument": rule.reference.instrument,
                "then": found.plan.outcome,
                "route_km": round(found.plan.route.distance_km) if found.plan.route else None,
            }
            for number, found in enumerate(sets, 1)
            for rule in found.rules
        ]  # fmt: skip
        said.append(f"{flight.operator} {flight.adep}-{flight.ades} {_tell_need(unlock, sets)}.")
    rest = "there is no other" if all(u.complete for u in unlocks) else "there may be others"
    answer = (
        "Each set of rules is the smallest that opens the flight a way once all of it is taken "
        f"away (rules that bind persons apart); {rest}. {' '.join(said)}"
    )
    return [
        _finding(
            "united-states", "What would a flight to the United States lack?", answer,
            "flight set rule lacks instrument then route_km", rows,
        )
    ]  # fmt: skip


def _keep_smallest(unlock: Unlock) -> list[Unlocking]:
    """Sets that hold no other, though they may save a fuel stop."""
    named = [frozenset(rule.id for rule in found.rules) for found in unlock.sets]
    return [
        found
        for found, rules in zip(unlock.sets, named, strict=True)
        if not any(other < rules for other in named)
    ]


def _tell_need(unlock: Unlock, sets: Sequence[Unlocking]) -> str:
    if not sets:
        return f"is opened by no lifting of rules: {unlock.base.reason}"
    plan = sets[0].plan
    then = "" if unlock.base.feasible else "then "
    km = f", {plan.route.distance_km:,.0f} km" if plan.route else ""
    need = ", ".join(rule.id for rule in sets[0].rules) or "nothing"
    more = len(sets) - 1
    other = f", or one of {more} other set{'s' if more > 1 else ''} of rules" if more else ""
    return f"lacks {need}{other}; it is {then}{plan.outcome}{km}"


def _name_need(rule: Rule) -> str:
    if rule.permit is not None:
        return f"permit to be granted by {rule.permit.authority}"
    return "prohibition to be lifted"


def _try_zone_sizes(scenario: Scenario, records: Sequence[FlightRecord]) -> list[Row]:
    """The answers that rest on a synthetic or approximate zone, for other sizes of it."""
    wanted = [
        record
        for record in records
        if any(
            area[0] == "zone"
            and any(
                scenario.atlas.layer("zone").designator[area[1]].startswith(name)
                for name in scenario.sensitivity_zones
            )
            and set(decision.rules) & set(record.plan.blocking_rules)
            for area, decision in record.plan.closed
        )
    ]
    flights = _routes(record.flight for record in wanted)
    if not flights:
        return []
    flights = [replace(flight, registration=None) for flight in flights]
    rows = [
        {
            "route": f"{plan.flight.adep}-{plan.flight.ades}",
            "operator": plan.flight.operator,
            "typecode": plan.facts.typecode,
            "zones": variant,
            "outcome": plan.outcome,
            "distance_km": round(plan.route.distance_km, 3) if plan.route else None,
        }
        for variant in _VARIANTS
        for plan in plan_flights(
            scenario if variant == "nominal" else resize_zones(scenario, variant), flights
        )
    ]
    return sorted(rows, key=lambda r: (r["route"], r["operator"], r["typecode"], r["zones"]))
