"""Conclude: from routes and decisions to the plan that is printed."""

from __future__ import annotations

from collections.abc import Iterable

from airsim.airspace import Atlas
from airsim.base import format_instant
from airsim.law import Verdict
from airsim.permission import AreaKey, Decision, Outcome
from airsim.planning.persons import Flown, ask_persons
from airsim.planning.types import Plan, PlannedRoute
from airsim.planning.work import Work, time_route

_DIRECT_SHARE = 1.01


def conclude(work: Work, direct: frozenset[AreaKey]) -> Plan:
    """Build the plan of a flight from what its planning left behind.

    Parameters
    ----------
    work : Work
    direct : frozenset of (layer, row)
        Airspaces on the direct path.

    Returns
    -------
    Plan
    """
    judgement = work.judgement
    ends = (work.ends[0], judgement.landing if judgement is not None else work.ends[1])
    may_fly = bool(work.routes) and not work.gave_up and (work.heedless or not _forbidden(ends))
    route = time_route(work) if may_fly else None
    if route is None:
        judgement = None
    decisions = (
        ends[0],
        *(judgement.decisions if judgement is not None else ()),
        *(judgement.stops if judgement is not None else ()),
        ends[1],
    )
    crossings = judgement.crossings if judgement is not None else ()
    obstacles = () if _forbidden(ends) else _find_obstacles(work, route, direct)
    blocking = _blocking(work, decisions, obstacles)
    outcome = _outcome(work, route, decisions)
    persons = ask_persons(
        Flown(
            work.scenario, work.flight, work.facts, decisions, crossings, work.planned_ms, work.home
        )
    )
    skipped = persons.not_judged | {v.rule.id for d in decisions for v in d.not_judged}
    return Plan(
        work.flight, work.facts, outcome,
        "no" if persons.breaches else "unknown" if persons.doubts else "yes",
        work.direct_km, route, crossings, decisions,
        tuple(sorted({v.rule.id for v in blocking})), persons.breaches, persons.doubts,
        persons.dealings,
        _ids(v for d in decisions for v in d.advisories if work.heeds(v) != "ignore"),
        _ids(_permits(decisions)),
        work.assumed + _stale(decisions, blocking, work),
        tuple(sorted(skipped)),
        bool(blocking) and not any(v.rule.confidence.startswith("V") for v in blocking),
        work.list_closed(),
        obstacles, work.planned_ms,
        _reason(work, outcome, route, decisions, blocking),
        work.airborne,
    )  # fmt: skip


def needs_direct(work: Work) -> bool:
    """Whether the plan will tell what is in the way on the direct path."""
    return sum(route.distance_km for route in work.routes) > _DIRECT_SHARE * work.direct_km or (
        work.failure is None and (not work.routes or work.gave_up)
    )


def _forbidden(ends: Iterable[Decision]) -> list[Verdict]:
    return [verdict for end in ends for verdict in end.says(Outcome.FORBIDDEN)]


def _ids(verdicts: Iterable[Verdict]) -> tuple[str, ...]:
    return tuple(sorted({verdict.rule.id for verdict in verdicts}))


def _permits(decisions: Iterable[Decision]) -> list[Verdict]:
    """Permits presumed held, and those lacking."""
    return [v for d in decisions for v in (*d.presumed, *d.says(Outcome.NOT_PERMITTED))]


def _outcome(work: Work, route: PlannedRoute | None, decisions: Iterable[Decision]) -> str:
    if work.gave_up:
        return "unknown"
    if route is None:
        return "infeasible"
    if any(decision.says(Outcome.UNKNOWN) for decision in decisions):
        return "unknown"
    if any(decision.lacking for decision in decisions):
        return "needs-permit"
    if route.stops:
        return "fuel-stop"
    return "direct" if route.distance_km <= _DIRECT_SHARE * work.direct_km else "detour"


def _find_obstacles(
    work: Work, route: PlannedRoute | None, direct: frozenset[AreaKey]
) -> tuple[tuple[AreaKey, Decision], ...]:
    """Closed airspace in the way: what encloses a flight without a route, else the direct path."""
    if route is None and work.failure is not None:
        areas: Iterable[AreaKey] = work.failure.bordering
    elif route is not None and route.distance_km <= _DIRECT_SHARE * work.direct_km:
        areas = ()
    else:
        areas = direct & work.closed
    told = ((area, work.decision_on(area)) for area in sorted(areas))
    return tuple((area, decision) for area, decision in told if decision is not None)


def _blocking(
    work: Work,
    decisions: tuple[Decision, ...],
    obstacles: tuple[tuple[AreaKey, Decision], ...],
) -> list[Verdict]:
    """Rules that bar an end, else those in doubt or lacking, and those in the way."""
    barred = _forbidden((decisions[0], decisions[-1]))
    if barred:
        return barred
    open_questions = [
        verdict for d in decisions for verdict in (*d.says(Outcome.UNKNOWN), *d.lacking)
    ]
    return open_questions + [v for _, decision in obstacles for v in work.closing(decision)]


def _stale(
    decisions: Iterable[Decision], blocking: Iterable[Verdict], work: Work
) -> tuple[str, ...]:
    """Rules relied on later than anybody has seen them in force."""
    used = {v.rule.id: v.rule for d in decisions for v in d.verdicts}
    used |= {v.rule.id: v.rule for v in blocking}
    return tuple(
        f"{rule_id} still in force (last evidence {format_instant(rule.last_evidence)[:10]})"
        for rule_id, rule in sorted(used.items())
        if rule.last_evidence is not None and rule.last_evidence < work.flight.eobt_ms
    )


def _names(work: Work, areas: Iterable[AreaKey]) -> str:
    atlas: Atlas = work.scenario.atlas
    names = sorted({atlas.layer(layer).designator[row] for layer, row in areas})
    return ", ".join(names[:12]) + (" and others" if len(names) > 12 else "")


def _reason(
    work: Work,
    outcome: str,
    route: PlannedRoute | None,
    decisions: tuple[Decision, ...],
    blocking: list[Verdict],
) -> str:
    rules = ", ".join(sorted({v.rule.id for v in blocking}))
    barred = [d for d in (decisions[0], decisions[-1]) if d.says(Outcome.FORBIDDEN)]
    if barred:
        doing = " and ".join(d.question.activity for d in barred)
        return f"{doing} barred by {rules}"
    if work.gave_up:
        return f"planning did not settle in {work.rounds} rounds"
    if route is None and work.out_of_range:
        why = f" (the direct path is closed by {rules})" if rules else ""
        return (
            f"no permitted route within the range of {work.aircraft.typecode}, "
            f"with one fuel stop or none{why}"
        )
    if route is None:
        where = _names(work, work.failure.bordering) if work.failure is not None else ""
        return f"no route: enclosed by {where} under {rules}"
    said = _measure(work, outcome, route)
    lacking = sorted({v.rule.permit.authority for d in decisions for v in d.lacking
                      if v.rule.permit is not None})  # fmt: skip
    missing = sorted({f for d in decisions for v in d.says(Outcome.UNKNOWN) for f in v.missing})
    if outcome == "needs-permit":
        return f"needs a permit of {' and '.join(lacking)} ({rules}): {said}"
    if outcome == "unknown":
        return f"unknown for want of {', '.join(missing)} ({rules}): {said}"
    if outcome != "direct" and rules:
        said += f"; the direct path is closed by {rules}"
    against = _ids(v for d in decisions for v in d.advisories if work.heeds(v) == "obey")
    return f"{said}; against the advice of {', '.join(against)}" if against else said


def _measure(work: Work, outcome: str, route: PlannedRoute) -> str:
    if outcome == "direct":
        return f"direct, {route.distance_km:,.0f} km"
    extra = route.distance_km - work.direct_km
    said = f"{route.distance_km:,.0f} km, {extra:,.0f} km more than direct"
    return f"{said}, fuel stop at {' '.join(route.stops)}" if route.stops else said
