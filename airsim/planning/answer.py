"""One question, one answer: the plan of a single flight as JSON-ready data."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from importlib import resources
from typing import Any

from airsim.base import (
    STATE_NAMES,
    InputError,
    Problem,
    ProblemList,
    format_instant,
    parse_instant,
)
from airsim.law import Rule, Rulebook, Verdict, name_some, tell_instant
from airsim.operation import (
    Circumstances,
    Flight,
    check_statuses,
    load_aerodromes,
    load_operators,
    read_fact,
    state_of_registration,
)
from airsim.performance import load_types
from airsim.permission import Decision
from airsim.planning.explanation import Surprise, explain_plan, find_surprises
from airsim.planning.payload import RangeMargin, weigh_ranges
from airsim.planning.permits import PermitRequest, find_requests
from airsim.planning.plan import plan_flights
from airsim.planning.types import Dealing, Plan, PlannedRoute
from airsim.planning.unlock import describe_unlock, find_unlocking
from airsim.scenario import Advice, Scenario, check_circumstances, make_scenario

CHECK_VERSION = 1
# The Chicago Convention opened airspace to agreements; nobody knows the law of the next century.
_FIRST_MS, _END_MS = parse_instant("1945-01-01"), parse_instant("2100-01-01")


def check_flight(
    adep: str,
    ades: str,
    *,
    operator: str,
    at: str | int,
    typecode: str | None = None,
    registration: str | None = None,
    scheduled: bool = True,
    rulebook: Rulebook | None = None,
    scenario: Scenario | None = None,
    **told: Any,
) -> Plan:
    """May this flight fly, by which route, under whose instrument?

    Parameters
    ----------
    adep, ades : str
        Aerodromes, ICAO or IATA.
    operator : str
        ICAO or IATA designator.
    at : str or int
        Off-block time: ISO 8601 with offset, or UTC milliseconds.
    typecode, registration : str, optional
        ICAO type designator and registration mark; assumed, and said so, if not given.
    scheduled : bool
        Scheduled service (routine permits are presumed held).
    rulebook : Rulebook, optional
        Law to ask under; default: as shipped.
    scenario : Scenario, optional
        A whole world to ask in, instead of the shipped airspace under `rulebook`.
    **told
        What else is known of the flight: `known_at`, `advice`, `status`, `items`, `parts`,
        `permits`, `derogations`, `facts` (see `Asked`).

    Returns
    -------
    Plan
        ``plan.outcome`` is direct, detour, fuel-stop, needs-permit, infeasible or unknown.

    Raises
    ------
    InputError
        Unknown aerodrome, operator, type or registration mark, a bad instant, a status, fact,
        permit, derogation or class of goods that nobody knows; all at once.

    Notes
    -----
    Not legal advice, not for navigation.
    """
    question = Asked(adep, ades, operator, at, typecode, registration, scheduled, **told)
    return _ask(question, rulebook, scenario)[1]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it was put, before any code in it is looked up.

    Parameters
    ----------
    adep, ades, operator, at, typecode, registration, scheduled
        As for `check_flight`.
    known_at : str or int, optional
        When the flight is planned, on the law published by then; default: 3 hours before `at`.
        Later than `at` is hindsight.
    advice : {"", "obey", "warn", "ignore"}
        What the operator does with advice and avoidance by choice; empty: as it is known to.
    status : tuple of str
        emergency, humanitarian, state, military, medical, search-and-rescue, calibration,
        coordinated.
    items, parts : tuple of str
        Classes of goods aboard, of parts fitted or supplied, as the rules call them.
    permits, derogations : tuple of str
        Rules whose permit is held; rules from which their authority has excused the flight, each
        for all of its scope.
    facts : tuple of str
        ``name=value``, told in the place of what is known or assumed: owned_in, controlled_in,
        chartered_in, decided_in, registered_in, marketed_in, designated, us_origin, us_content,
        seats, service.
    """

    adep: str
    ades: str
    operator: str
    at: str | int
    typecode: str | None = None
    registration: str | None = None
    scheduled: bool = True
    known_at: str | int | None = None
    advice: Advice = ""
    status: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    permits: tuple[str, ...] = ()
    derogations: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()


def answer_question(
    asked: Asked,
    rulebook: Rulebook | None = None,
    scenario: Scenario | None = None,
    *,
    unlock: bool = False,
    everything: bool = False,
) -> dict[str, Any]:
    """Plan a question and describe the answer as JSON-ready data (see `describe_plan`).

    With `unlock` it also says what would have to change (see `describe_unlock`), with
    `everything` its explanation shows every rule that was asked.
    """
    world, plan = _ask(asked, rulebook, scenario)
    answer = describe_plan(world, plan, everything=everything)
    if unlock:
        (found,) = find_unlocking(world, [plan.flight])
        told = {rule["rule"]: rule for rule in answer["rules"]}
        told |= {rule.id: _describe_rule(rule) for way in found.sets for rule in way.rules}
        answer |= {"rules": [told[name] for name in sorted(told)], **describe_unlock(found)}
    return answer


def _ask(
    asked: Asked, rulebook: Rulebook | None, scenario: Scenario | None
) -> tuple[Scenario, Plan]:
    problems = ProblemList()

    def attempt(find: Any, code: Any) -> Any:
        try:
            return find(code)
        except InputError as error:
            problems.extend(error)
            return None

    eobt_ms = attempt(lambda text: _read_instant("--at", text), asked.at)
    known_ms = None
    if asked.known_at is not None:
        known_ms = attempt(lambda text: _read_instant("--known-at", text), asked.known_at)
    start = attempt(load_aerodromes().find, asked.adep)
    end = attempt(load_aerodromes().find, asked.ades)
    who = attempt(load_operators().find, asked.operator)
    if start is not None and end is not None and start.icao == end.icao:
        problems.add(
            "check", f"{asked.adep} {asked.ades}", "departure and destination are the same",
            "name two aerodromes",
        )  # fmt: skip
    aircraft = attempt(load_types().find, asked.typecode) if asked.typecode else None
    registration = (asked.registration or "").strip().upper() or None
    if registration and not state_of_registration(registration):
        problems.add(
            "check", "--registration", f"no State uses the mark of {asked.registration!r}",
            "write it with its hyphen, as EW-366PA",
        )  # fmt: skip
    status = attempt(check_statuses, asked.status) or frozenset()
    facts = [attempt(read_fact, text) for text in asked.facts]
    if rulebook is not None and scenario is not None:
        problems.add(
            "check", "rulebook", "goes without a scenario, which has its own", "leave one out"
        )
    problems.raise_if_any()
    told = Circumstances(
        status, asked.items, asked.parts, frozenset(asked.permits), frozenset(asked.derogations),
        tuple(sorted(facts)),
    )  # fmt: skip
    world = scenario or make_scenario(rulebook=rulebook, at_ms=eobt_ms)
    check_circumstances(told, world.rulebook, file="check", record="flight")
    lead_ms = world.options.planning_lead_ms if known_ms is None else eobt_ms - known_ms
    options = replace(
        world.options, planning_lead_ms=lead_ms, advice=asked.advice or world.options.advice
    )
    world = replace(world, options=options)
    flight = Flight(
        f"{who.icao}-{start.icao}-{end.icao}", who.icao, who.icao, start.icao, end.icao, eobt_ms, 0,
        aircraft.typecode if aircraft else "", registration, scheduled=asked.scheduled, probe=True,
        circumstances=told,
    )  # fmt: skip
    (plan,) = plan_flights(world, [flight])
    return world, plan


def _read_instant(option: str, value: str | int) -> int:
    try:
        at_ms = value if isinstance(value, int) else parse_instant(value)
    except ValueError as error:
        raise InputError(Problem("check", option, str(error), "write 2025-09-15T08:00Z")) from None
    if not _FIRST_MS <= at_ms < _END_MS:
        raise InputError(
            Problem("check", option, f"{value} is out of range", "ask about 1945 to 2099")
        )
    return at_ms


def check_schema() -> dict[str, Any]:
    """JSON Schema of `describe_plan`."""
    text = resources.files("airsim.planning").joinpath("check.schema.json").read_text("utf-8")
    return dict(json.loads(text))


def describe_plan(scenario: Scenario, plan: Plan, *, everything: bool = False) -> dict[str, Any]:
    """Turn a plan into JSON-ready data, quantised.

    Parameters
    ----------
    scenario : Scenario
        The world in which it was made.
    plan : Plan
    everything : bool
        Show every rule that was asked in the explanation (see `explain_plan`).

    Returns
    -------
    dict
        As the shipped ``check.schema.json`` says; `schema_version` names its version.
    """
    flight = plan.flight
    explanation = explain_plan(scenario, plan, everything=everything)
    requests, surprises = find_requests(scenario, plan), find_surprises(scenario, plan)
    spots = [scenario.aerodromes[icao] for icao in (flight.adep, flight.ades)]
    return {
        "schema_version": CHECK_VERSION,
        "question": {
            "operator": flight.operator, "adep": flight.adep, "ades": flight.ades,
            "adep_iata": spots[0].iata, "ades_iata": spots[1].iata,
            "eobt_utc": format_instant(flight.eobt_ms),
            "known_at_utc": format_instant(plan.planned_ms),
            "typecode": plan.facts.typecode, "registration": flight.registration,
            "scheduled": flight.scheduled, "advice": scenario.options.advice,
            **_describe_told(flight.circumstances),
        },
        "summary": _summarise(scenario, plan, explanation, requests, surprises),
        "outcome": plan.outcome,
        "lawful": plan.lawful,
        "direct_km": round(plan.direct_km, 3),
        "route": _describe_route(plan.route),
        "range": _describe_margin(*weigh_ranges(scenario, [plan])),
        "crossings": [
            {
                "layer": stay.layer, "designator": stay.designator, "title": stay.title,
                "quality": stay.quality, "entry_km": round(stay.entry_km, 3),
                "exit_km": round(stay.exit_km, 3), "entry_utc": format_instant(stay.entry_ms),
                "exit_utc": format_instant(stay.exit_ms),
            }
            for stay in plan.crossings
        ],
        "decisions": [_describe_decision(decision) for decision in plan.decisions],
        "rules": [_describe_rule(scenario.rulebook.by_id[name]) for name in sorted(plan.rule_ids)],
        "blocking_rules": list(plan.blocking_rules),
        "breaches": [_describe_breach(*item) for item in plan.breaches],
        "doubts": [_describe_breach(*item) for item in plan.doubts],
        "dealings": [_describe_dealing(item) for item in plan.dealings],
        "advisories": list(plan.advisories),
        "permits": list(plan.permits),
        "permit_requests": [_describe_request(r) for r in requests],
        "surprises": [_describe_surprise(s) for s in surprises],
        "assumed": list(plan.assumed),
        "not_judged": list(plan.not_judged),
        "provisional": plan.provisional,
        "explanation": explanation,
        "limits": "Not legal advice, not for navigation.",
    }  # fmt: skip


def _describe_told(told: Circumstances) -> dict[str, Any]:
    return {
        "status": sorted(told.status), "items": list(told.items), "parts": list(told.parts),
        "permits": sorted(told.held), "derogations": sorted(told.derogations),
        "facts": {
            name: sorted(value) if isinstance(value, frozenset) else value
            for name, value in told.facts
        },
    }  # fmt: skip


def _describe_route(route: PlannedRoute | None) -> dict[str, Any] | None:
    if route is None:
        return None
    return {
        "distance_km": round(route.distance_km, 3),
        "block_min": round(route.block_min, 1),
        "fuel_kg": round(route.fuel_kg, 1),
        "stops": list(route.stops),
        "clearance_nm": round(route.clearance_nm, 3),
        "lower_bound_km": round(route.lower_bound_km, 3),
        "gap": round(route.gap, 6),
        "points": [[round(lon, 6), round(lat, 6)] for lon, lat in route.points.tolist()],
    }


def _describe_margin(margin: RangeMargin | None) -> dict[str, Any] | None:
    if margin is None:
        return None

    def tenths(kg: float | None) -> float | None:
        return None if kg is None else round(kg, 1)

    return {
        "nonstop_km": None if margin.nonstop_km is None else round(margin.nonstop_km, 3),
        "reach_km": round(margin.reach_km, 3), "payload_kg": tenths(margin.payload_kg),
        "most_kg": tenths(margin.most_kg), "left_kg": tenths(margin.left_kg),
        "passengers": margin.seats, "left_passengers": margin.left_seats,
        "mass_confidence": margin.confidence, "text": margin.says,
    }  # fmt: skip


def _describe_rule(rule: Rule) -> dict[str, Any]:
    return {
        "rule": rule.id,
        "title": rule.title,
        "instrument": rule.reference.instrument,
        "article": rule.reference.article,
        "url": rule.reference.url,
        "from_utc": [format_instant(stamp) for stamp in rule.when.start],
        "to_utc": [format_instant(stamp) for stamp in rule.when.end],
        "confidence": rule.confidence,
    }


def _reference(verdict: Verdict) -> dict[str, Any]:
    return {
        **_describe_rule(verdict.rule),
        "not_relieved_by": list(verdict.not_relieved_by),
        "missing": sorted(verdict.missing),
    }


def _describe_decision(decision: Decision) -> dict[str, Any]:
    place = decision.question.places[0]
    verdicts = sorted(decision.verdicts, key=lambda verdict: verdict.rule.id)
    return {
        "activity": decision.question.activity,
        "layer": place.layer,
        "designator": place.designator,
        "at_utc": format_instant(decision.question.start_ms),
        "outcome": decision.outcome.name,
        "rules": [verdict.rule.id for verdict in verdicts],
        "references": [_reference(verdict) for verdict in verdicts],
    }


def _describe_breach(activity: str, verdict: Verdict) -> dict[str, Any]:
    return {
        "rule": verdict.rule.id,
        "activity": activity,
        "person_bound": verdict.rule.person_bound,
        "reference": _reference(verdict),
    }


def _describe_request(request: PermitRequest) -> dict[str, Any]:
    permit = request.permit
    ask_by = None if request.ask_by_ms is None else format_instant(request.ask_by_ms)
    return {
        "rule": request.rule.id, "status": request.status, "authority": permit.authority,
        "kind": permit.kind, "apply_to": permit.apply_to, "places": list(request.places),
        "lead_time_days": permit.lead_time_days, "working_days": permit.working_days,
        "validity_hours": permit.validity_hours, "ask_by_utc": ask_by, "late": request.late,
        "quota": None if permit.quota is None else permit.quota.model_dump(),
    }  # fmt: skip


def _describe_surprise(surprise: Surprise) -> dict[str, Any]:
    place = surprise.question.places[0]
    return {
        "rule": surprise.rule.id, "activity": surprise.question.activity, "layer": place.layer,
        "designator": place.designator, "at_utc": format_instant(surprise.question.start_ms),
        "outcome": surprise.outcome.name,
        "published_utc": format_instant(surprise.rule.when.published_ms),
    }  # fmt: skip


def _describe_dealing(dealing: Dealing) -> dict[str, Any]:
    return {**_describe_breach(dealing.activity, dealing.verdict), "place": dealing.place}


_SAYS = {
    "direct": "may fly direct",
    "detour": "may fly, but only by a detour",
    "fuel-stop": "may fly, but only with a fuel stop",
    "needs-permit": "lacks an authority to fly",
    "infeasible": "cannot fly lawfully through the airspace",
    "unknown": "cannot be judged for want of a fact",
}
_MOST_TOLD = 4


def summarise_plan(scenario: Scenario, plan: Plan) -> str:
    """The answer in a few plain sentences, with its instruments and dates."""
    return _summarise(
        scenario, plan, explain_plan(scenario, plan), find_requests(scenario, plan),
        find_surprises(scenario, plan),
    )  # fmt: skip


def _summarise(
    scenario: Scenario,
    plan: Plan,
    explanation: dict[str, Any],
    requests: Iterable[PermitRequest],
    surprises: Iterable[Surprise],
) -> str:
    names = [scenario.aerodromes[i].name for i in (plan.flight.adep, plan.flight.ades)]
    who = scenario.operators[plan.flight.operator].name
    says = _SAYS[plan.outcome]
    if plan.outcome == "infeasible" and "within the range" in plan.reason:
        says = "has no way to fly with this aircraft"
    said = [
        f"{who} from {names[0]} to {names[1]} on {format_instant(plan.flight.eobt_ms)[:10]} "
        f"{says}: {plan.reason}."
    ]
    said += _tell_blocking(scenario, plan, explanation)
    for request in requests:
        if request.status in ("lacking", "to-ask"):
            said.append(_tell_request(request))
    if plan.breaches:
        bound = sorted({verdict.rule.person_bound for _, verdict in plan.breaches})
        said.append(
            f"It would break {', '.join(plan.breach_rules)}, which closes no airspace but binds "
            f"{'; '.join(bound)}."
        )
    elif plan.lawful == "unknown":
        facts = sorted({fact for _, verdict in plan.doubts for fact in verdict.missing})
        said.append(f"Whether persons break a rule is unknown: {', '.join(facts)} not known.")
    if plan.dealings:
        acts = name_some(dict.fromkeys(dealing.activity for dealing in plan.dealings))
        rules = name_some(sorted({dealing.verdict.rule.id for dealing in plan.dealings}))
        said.append(f"Persons bound by {rules} may take no part ({acts}).")
    if unknown := sorted({surprise.rule.id for surprise in surprises}):
        named = name_some(unknown)
        said.append(f"It would meet what was not yet published when it was planned: {named}.")
    if plan.not_judged:
        said.append(f"Not judged: {', '.join(plan.not_judged)}.")
    if plan.provisional:
        said.append("The verdict is provisional: the rules it rests on are not verified.")
    return " ".join(said)


def _tell_blocking(scenario: Scenario, plan: Plan, explanation: dict[str, Any]) -> list[str]:
    """What the blocking rules are, since when they hold, what they do and to whom."""
    nodes = {
        rule["id"]: rule
        for regime in reversed(explanation["children"])
        for rule in reversed(regime["children"])
        if rule["id"] in plan.blocking_rules
    }
    said = []
    for rule_id in [name for name in plan.blocking_rules if name in nodes][:_MOST_TOLD]:
        node = nodes[rule_id]
        since = node["version"]["text"].partition(";")[0]
        why = f" ({name_some(node['because'])})" if node["because"] else ""
        does = {"needs-permit": "asks a permit for", "unknown": "may bar"}.get(
            node["says"], "advises against" if node["says"] == "advises-against" else "forbids"
        )
        acts = " and ".join(_tell_act(scenario, act) for act in node["acts"])
        said.append(f"{rule_id} ({node['instrument']}, {since}) {does} {acts}{why}.")
    return said


def _tell_act(scenario: Scenario, act: dict[str, Any]) -> str:
    """An act and its places by name: overflight of Lithuania, landing at Istanbul Airport."""
    spots = [place for place in act["places"] if place["layer"] == "aerodrome"]
    names = []
    for place in spots or act["places"]:
        layer, code = place["layer"], place["designator"]
        if layer == "aerodrome":
            names.append(scenario.aerodromes[code].name)
        elif layer == "territory":
            names.append(STATE_NAMES.get(code, code))
        else:
            names.append(f"{'FIR' if layer == 'fir' else layer} {code}")
    word = "at" if spots else "of" if act["activity"] == "overflight" else "in"
    return f"{act['activity']} {word} {name_some(dict.fromkeys(names))}"


def _tell_request(request: PermitRequest) -> str:
    """Whom to ask, how and by when."""
    permit = request.permit
    how = f" ({permit.apply_to})" if permit.apply_to else ""
    said = f"{request.rule.id} needs a permission of {permit.authority}{how}"
    if request.ask_by_ms is None:
        return f"{said}; no lead time is known."
    late = ", which had passed when it was planned" if request.late else ""
    return f"{said}, to be asked for by {tell_instant(request.ask_by_ms)}{late}."
