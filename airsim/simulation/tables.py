"""From the end state of a run to the tables that are written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import shapely

from airsim.airspace import area_polygons
from airsim.base import format_instant
from airsim.law import Rule, Verdict
from airsim.permission import AreaKey, Decision
from airsim.planning import Plan, weigh_ranges
from airsim.results import Table, make_table
from airsim.scenario import Scenario
from airsim.simulation.charges import list_charges
from airsim.simulation.flown import FlownStay, find_fuel, list_flown_stays
from airsim.simulation.state import Aircraft, FlightRecord, PermitApplication, World
from airsim.simulation.surprise import draw_closures
from airsim.simulation.totals import (
    total_airspace,
    total_authorities,
    total_cancellations,
    total_network,
)

Row = dict[str, Any]


def tabulate_world(
    scenario: Scenario, world: World, *, also: Iterable[str] = ()
) -> dict[str, Table]:
    """All result tables of a run, quantised and in a fixed order.

    Parameters
    ----------
    scenario : Scenario
    world : World
        After the run.
    also : iterable of str
        Ids of further rules to describe; words that are no rule ids are passed over.

    Returns
    -------
    dict of str to Table
        By the names of `airsim.results.SCHEMAS`.
    """
    scenario = draw_closures(scenario)  # as the run did
    records = list(world.records.values())
    fuel = find_fuel(scenario, records)
    rows = {
        "flights": [_flight_row(record, fuel) for record in records],
        "crossings": [row for record in records for row in _crossing_rows(record)],
        "decisions": [row for record in records for row in _decision_rows(record)],
        "events": [
            {
                "seq": number, "time_utc": format_instant(event.time_ms), "event": event.event,
                "flight_id": event.flight_id, "registration": event.registration,
                "detail": event.detail,
            }
            for number, event in enumerate(world.log)
        ],
        "tails": [_tail_row(scenario, aircraft) for aircraft in world.fleet],
        "charges": list_charges(scenario, records),
        "permits": [_permit_row(request) for request in world.permits],
        "groundings": [row for aircraft in world.fleet for row in _grounding_rows(aircraft)],
        "ranges": _range_rows(scenario, records),
        "delays": [row for record in records for row in _delay_rows(record)],
        "routes": [row for record in records for row in _route_rows(scenario, record)],
        "closed": [row for record in records for row in _closed_rows(scenario, record)],
        "rules": [_rule_row(rule) for rule in _named_rules(scenario, records, also)],
        "areas": _area_rows(scenario, records),
    }  # fmt: skip
    tables = {name: make_table(name, found) for name, found in rows.items()}
    totals = {
        "airspace_use": total_airspace(tables),
        "authorities": total_authorities(scenario.rulebook.by_id, tables, world.permits),
        "network": total_network(tables),
        "cancellations": total_cancellations(tables),
    }
    return tables | {name: make_table(name, found) for name, found in totals.items()}


def _text(values: Iterable[str]) -> str:
    return " ".join(values)


def _flight_row(record: FlightRecord, fuel: Mapping[str, tuple[float, float]]) -> Row:
    flight, plan, route = record.flight, record.plan, record.plan.route
    used_kg, left_kg = fuel.get(flight.flight_id, (None, None))
    block_ms = None
    if record.on_block_ms is not None and record.off_block_ms is not None:
        block_ms = record.on_block_ms - record.off_block_ms
    late = (
        (record.off_block_ms - flight.eobt_ms) / 60_000 if record.off_block_ms is not None else None
    )
    return {
        "flight_id": flight.flight_id, "callsign": flight.callsign, "operator": flight.operator,
        "adep": flight.adep, "ades": flight.ades, "eobt_utc": format_instant(flight.eobt_ms),
        "planned_at_utc": format_instant(plan.planned_ms),
        "typecode": plan.facts.typecode or "", "registration": record.registration
        or (flight.registration or ""), "seats": plan.facts.seats,
        "scheduled": flight.scheduled, "service": flight.service, "probe": flight.probe,
        "grade": flight.grade,
        "outcome": plan.outcome, "lawful": plan.lawful, "direct_km": plan.direct_km,
        "distance_km": route.distance_km if route else None,
        "block_min": route.block_min if route else None,
        "fuel_kg": route.fuel_kg if route else None,
        "stops": _text(route.stops) if route else "",
        "clearance_nm": route.clearance_nm if route else None,
        "blocking_rules": _text(plan.blocking_rules), "breaches": _text(plan.breach_rules),
        "advisories": _text(plan.advisories), "permits": _text(plan.permits),
        "assumed": "; ".join(plan.assumed), "not_judged": _text(plan.not_judged),
        "provisional": plan.provisional, "status": record.status,
        "landed_at": record.landed_at, "cause": record.cause,
        "cancelled_by": _text(record.cancelled_by), "flown_km": record.flown_km,
        "flown_block_min": None if block_ms is None else block_ms / 60_000,
        "flown_fuel_kg": used_kg, "fuel_left_kg": left_kg,
        "atot_utc": _stamp(record.take_off_ms), "aldt_utc": _stamp(record.landing_ms),
        "aibt_utc": _stamp(record.on_block_ms),
        "delay_min": late, "reason": plan.reason,
    }  # fmt: skip


def _stamp(at_ms: int | None) -> str:
    return "" if at_ms is None else format_instant(at_ms)


def _crossing_rows(record: FlightRecord) -> Iterable[Row]:
    flown = list(list_flown_stays(record))
    planned = [FlownStay(0, stay, False, None, None) for stay in record.plan.crossings]
    for number, found in enumerate(flown or planned):
        stay = found.stay
        yield {
            "flight_id": record.flight.flight_id, "seq": number, "layer": stay.layer,
            "designator": stay.designator, "title": stay.title, "quality": stay.quality,
            "entry_km": stay.entry_km, "exit_km": stay.exit_km,
            "entry_utc": format_instant(stay.entry_ms), "exit_utc": format_instant(stay.exit_ms),
            "plan": found.plan, "entered": found.entered, "flown_km": found.km,
            "flown_min": found.minutes,
        }  # fmt: skip


def decision_place(decision: Decision) -> tuple[str, str]:
    """Layer and designator a decision is about: the aerodrome for a landing or take-off."""
    place = decision.question.places[0]
    return place.layer, place.designator


def describe_reference(verdict: Verdict) -> str:
    """Instrument and article of a rule, for people."""
    reference = verdict.rule.reference
    if reference.article == "unknown":
        return reference.instrument
    return f"{reference.instrument}, {reference.article}"


def _decision_rows(record: FlightRecord) -> Iterable[Row]:
    phases = [("planned", d) for d in record.plan.decisions] + [("met", d) for d in record.met]
    number = 0
    for phase, decision in phases:
        layer, designator = decision_place(decision)
        yield _decision_row(
            record, number, phase, decision.question.activity, layer, designator,
            decision.question.start_ms, decision.outcome.name, decision.verdicts,
        )  # fmt: skip
        number += 1
    for activity, verdict in record.plan.breaches:
        yield _decision_row(
            record, number, "planned", activity, "", "", record.flight.eobt_ms, "BREACH", (verdict,)
        )
        number += 1


def _decision_row(
    record: FlightRecord, number: int, phase: str, activity: str, layer: str, designator: str,
    at_ms: int, outcome: str, verdicts: tuple[Verdict, ...],
) -> Row:  # fmt: skip
    ordered = sorted(verdicts, key=lambda verdict: verdict.rule.id)
    return {
        "flight_id": record.flight.flight_id, "seq": number, "phase": phase, "activity": activity,
        "layer": layer, "designator": designator, "at_utc": format_instant(at_ms),
        "outcome": outcome, "rules": _text(v.rule.id for v in ordered),
        "references": " | ".join(dict.fromkeys(describe_reference(v) for v in ordered)),
    }  # fmt: skip


def _tail_row(scenario: Scenario, aircraft: Aircraft) -> Row:
    spans = [
        (g.cause, bool(g.rules), _minutes_within(scenario, g.start_ms, g.end_ms))
        for g in aircraft.groundings
    ]
    return {
        "registration": aircraft.tail.registration, "typecode": aircraft.tail.typecode,
        "flights": aircraft.flights, "block_min": aircraft.block_ms / 60_000,
        "check_min": sum(m for cause, _, m in spans if cause == "check"),
        "parts_min": sum(m for cause, _, m in spans if cause == "parts"),
        "stranded_min": sum(m for cause, _, m in spans if cause == "stranded"),
        "barred_min": sum(m for _, barred, m in spans if barred),
        "period_min": (scenario.end_ms - scenario.start_ms) / 60_000,
    }  # fmt: skip


def _permit_row(request: PermitApplication) -> Row:
    return {
        "rule_id": request.rule_id, "authority": request.authority, "subject": request.subject,
        "asked_utc": format_instant(request.asked_ms),
        "answered_utc": format_instant(request.answered_ms),
        "granted": request.granted, "late": request.late,
    }  # fmt: skip


def _minutes_within(scenario: Scenario, start_ms: int, end_ms: int) -> float:
    """Part of a span that lies in the period simulated."""
    inside = min(end_ms, scenario.end_ms) - max(start_ms, scenario.start_ms)
    return max(0, inside) / 60_000


def _grounding_rows(aircraft: Aircraft) -> Iterable[Row]:
    for number, g in enumerate(aircraft.groundings):
        yield {
            "registration": aircraft.tail.registration, "seq": number,
            "from_utc": format_instant(g.start_ms), "to_utc": format_instant(g.end_ms),
            "cause": g.cause, "detail": g.detail, "rules": _text(g.rules),
        }  # fmt: skip


def _range_rows(scenario: Scenario, records: Iterable[FlightRecord]) -> list[Row]:
    listed = list(records)
    margins = weigh_ranges(scenario, [record.plan for record in listed])
    return [
        {
            "flight_id": record.flight.flight_id, "typecode": record.plan.facts.typecode or "",
            "nonstop_km": m.nonstop_km, "reach_km": m.reach_km, "margin_km": m.margin_km,
            "payload_kg": m.payload_kg, "most_kg": m.most_kg, "left_kg": m.left_kg,
            "left_passengers": m.left_seats, "stops": _text(m.stops), "stop_km": m.stop_km,
            "mass_confidence": m.confidence,
        }
        for record, m in zip(listed, margins, strict=True)
        if m is not None
    ]  # fmt: skip


def _delay_rows(record: FlightRecord) -> Iterable[Row]:
    for number, delay in enumerate(record.delays):
        yield {
            "flight_id": record.flight.flight_id, "seq": number,
            "from_utc": format_instant(delay.start_ms), "to_utc": format_instant(delay.end_ms),
            "minutes": (delay.end_ms - delay.start_ms) / 60_000, "cause": delay.cause,
            "detail": delay.detail, "rules": _text(delay.rules),
        }  # fmt: skip


def _route_rows(scenario: Scenario, record: FlightRecord) -> Iterable[Row]:
    spots = [scenario.aerodromes[i] for i in (record.flight.adep, record.flight.ades)]
    ways = {"direct": [(spot.lon, spot.lat) for spot in spots]}
    if record.plan.route is not None:
        ways["planned"] = [tuple(point) for point in record.plan.route.points.tolist()]
    if record.changes:
        ways["flown"] = [tuple(point) for point in record.track.tolist()]
    for role, points in ways.items():
        for number, (lon, lat) in enumerate(points):
            yield {
                "flight_id": record.flight.flight_id, "role": role, "seq": number,
                "longitude": lon, "latitude": lat,
            }  # fmt: skip


def _closed_rows(scenario: Scenario, record: FlightRecord) -> Iterable[Row]:
    for (layer, row), decision in record.plan.closed:
        yield {
            "flight_id": record.flight.flight_id, "layer": layer,
            "designator": scenario.atlas.layer(layer).designator[row],
            "outcome": decision.outcome.name, "rules": _text(decision.rules),
        }  # fmt: skip


def rule_ids_of(plan: Plan) -> set[str]:
    """Every rule a plan names."""
    found = {*plan.blocking_rules, *plan.breach_rules, *plan.advisories, *plan.permits}
    found |= {*plan.not_judged, *(v.rule.id for _, v in plan.doubts)}
    found |= {rule for _, decision in plan.closed for rule in decision.rules}
    found |= {v.rule.id for decision in plan.decisions for v in decision.verdicts}
    # Licences that were considered belong to the explanation, whether they reached or not.
    verdicts = [v for d in plan.decisions for v in d.verdicts] + [v for _, v in plan.breaches]
    return found | {n for v in verdicts for n in v.not_relieved_by}


def _named_rules(
    scenario: Scenario, records: Iterable[FlightRecord], also: Iterable[str]
) -> list[Rule]:
    names = set(also) | {name for record in records for name in rule_ids_of(record.plan)}
    names |= {
        rule
        for record in records
        for decision in (*record.refused, *record.met)
        for rule in decision.rules
    }
    names |= {rule for record in records for delay in record.delays for rule in delay.rules}
    by_id: Mapping[str, Rule] = scenario.rulebook.by_id
    return [by_id[name] for name in sorted(names) if name in by_id]


def describe_bounds(bounds: tuple[int, int]) -> str:
    """An instant, or ``earliest .. latest`` where the hour is not known."""
    first, last = (format_instant(stamp) for stamp in bounds)
    return first if first == last else f"{first} .. {last}"


def _rule_row(rule: Rule) -> Row:
    return {
        "rule_id": rule.id, "title": rule.title, "authority": rule.authority,
        "regime": rule.regime, "force": rule.force, "effect": rule.effect,
        "addresses": rule.addresses, "from_utc": describe_bounds(rule.when.start),
        "to_utc": describe_bounds(rule.when.end), "instrument": rule.reference.instrument,
        "article": rule.reference.article, "url": rule.reference.url,
        "confidence": rule.confidence,
        "last_evidence_utc": _stamp(rule.last_evidence), "note": rule.note,
    }  # fmt: skip


def _area_rows(scenario: Scenario, records: Iterable[FlightRecord]) -> list[Row]:
    """Outlines of everything a map may want to draw."""
    keys: set[AreaKey] = set()
    for record in records:
        keys |= {(stay.layer, stay.row) for stay in record.plan.crossings}
        keys |= {area for area, _ in record.plan.closed}
    found = []
    for name, row in sorted(keys):
        layer = scenario.atlas.layer(name)
        (shape,) = area_polygons(layer, [row])
        found.append(
            {
                "layer": name, "designator": layer.designator[row], "title": layer.title[row],
                "quality": layer.quality[row], "source": layer.source[row],
                "geometry": shapely.to_wkb(shape, byte_order=1),
            }
        )  # fmt: skip
    return found
