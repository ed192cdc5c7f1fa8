"""Conclude: from routes and decisions to the plan that is printed."""

from __future__ import annotations

from collections.abc import Iterable

from airsim.airspace import Atlas
from airsim.base import format_instant
from airsim.law import Question, Verdict
from airsim.permission import TAIL_FACTS, AreaKey, Decision, Outcome, find_breaches
from airsim.planning.judge import Judgement
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
    route = time_route(work) if work.routes and _may_land(work) else None
    judgement = work.judgement if route is not None else None
    ends = (work.ends[0], judgement.landing if judgement is not None else work.ends[1])
    decisions = (
        ends[0],
        *(judgement.decisions if judgement is not None else ()),
        *(judgement.stops if judgement is not None else ()),
        ends[1],
    )
    blocking = _blocking(work, route, ends, direct)
    outcome = _outcome(work, route, ends)
    breaches, doubts = _persons(work, judgement, ends)
    skipped = {v.rule.id for d in decisions for v in d.not_judged}
    unsure = [d for d in doubts if not _is_open(d[1], work)]
    skipped |= {v.rule.id for _, v in doubts if _is_open(v, work)}
    return Plan(
        work.flight, work.facts, outcome,
        "no" if breaches else "unknown" if unsure else "yes",
        work.direct_km, route, judgement.crossings if judgement is not None else (), decisions,
        tuple(sorted({v.rule.id for v in blocking})), breaches, tuple(unsure),
        _ids(v for d in decisions for v in d.advisories),
        _ids(_permits(decisions)),
        work.assumed + _stale(decisions, blocking, work),
        tuple(sorted(skipped)),
        bool(blocking) and not any(v.rule.confidence.startswith("V") for v in blocking),
        tuple((area, d) for area, d in sorted((work.mask | work.extra).items())
              if work.closes(d) or area in work.extra),
        work.planned_ms,
        _reason(work, outcome, route, ends, blocking),
    )  # fmt: skip


def _may_land(work: Work) -> bool:
    return work.judgement is not None and work.judgement.landing.outcome < Outcome.FORBIDDEN


def _ids(verdicts: Iterable[Verdict]) -> tuple[str, ...]:
    return tuple(sorted({verdict.rule.id for verdict in verdicts}))


def _permits(decisions: Iterable[Decision]) -> list[Verdict]:
    """Permits presumed held, and those lacking."""
    return [
        v
        for d in decisions
        for v in (*d.presumed, *(d.verdicts if d.outcome is Outcome.NOT_PERMITTED else ()))
    ]


def _outcome(work: Work, route: PlannedRoute | None, ends: tuple[Decision, Decision]) -> str:
    if route is None:
        return "infeasible"
    kinds = {d.outcome for d in ends}
    if Outcome.UNKNOWN in kinds or work.step == 3:
        return "unknown"
    if work.step == 2 or any(
        d.outcome is Outcome.NOT_PERMITTED and d.lacks_authority for d in ends
    ):
        return "needs-permit"
    if route.stops:
        return "fuel-stop"
    return "direct" if route.distance_km <= _DIRECT_SHARE * work.direct_km else "detour"


def _blocking(
    work: Work,
    route: PlannedRoute | None,
    ends: tuple[Decision, Decision],
    direct: frozenset[AreaKey],
) -> list[Verdict]:
    """Rules that bar an end, else enclose it, else close the direct path or hold on the route."""
    barred = [v for d in ends if d.outcome >= Outcome.UNKNOWN for v in d.verdicts]
    if any(d.outcome is Outcome.FORBIDDEN for d in ends):
        return [v for d in ends if d.outcome is Outcome.FORBIDDEN for v in d.verdicts]
    shut = work.mask | work.extra
    if route is None and work.failure is not None:
        areas: Iterable[AreaKey] = work.failure.bordering
    elif route is not None and route.distance_km <= _DIRECT_SHARE * work.direct_km:
        areas = ()
    else:
        areas = direct & set(work.closed)
    opened = _opened(work) if route is not None else []
    return barred + opened + [v for a in sorted(areas) if a in shut for v in shut[a].verdicts]


def _opened(work: Work) -> list[Verdict]:
    """Rules on the route that a permit, or a fact, would have to take away."""
    decisions = work.judgement.decisions if work.judgement is not None else ()
    return [
        verdict
        for decision in decisions
        for verdict in decision.verdicts
        if decision.outcome is Outcome.UNKNOWN
        or (decision.outcome is Outcome.NOT_PERMITTED and decision.lacks_authority)
    ]


def _persons(
    work: Work, judgement: Judgement | None, ends: tuple[Decision, Decision]
) -> tuple[tuple[tuple[str, Verdict], ...], tuple[tuple[str, Verdict], ...]]:
    """Rules addressed to persons: on take-off, landings, and on territory flown over."""
    questions = [end.question for end in ends]
    if judgement is not None:
        questions += [d.question for d in judgement.stops if d.question.activity == "landing"]
        bound = work.scenario.bound
        questions += [
            Question(
                "overflight", (bound.place((s.layer, s.row)),), s.entry_ms, s.exit_ms, work.facts,
                s.lower_ft, s.upper_ft, work.planned_ms,
            )
            for s in judgement.crossings if s.layer == "territory"
        ]  # fmt: skip
    found = {
        (question.activity, verdict.rule.id, verdict.truth): (question.activity, verdict)
        for question in questions
        for verdict in find_breaches(work.scenario.bound, question)
    }
    ordered = [found[key] for key in sorted(found, key=str)]
    return (
        tuple(item for item in ordered if item[1].truth is True),
        tuple(item for item in ordered if item[1].truth is None),
    )


def _is_open(verdict: Verdict, work: Work) -> bool:
    """Whether a doubt changes nothing: an open question of law, or a rule that needs a tail."""
    if verdict.rule.open_question:
        return True
    return work.facts.registration is None and verdict.missing <= TAIL_FACTS


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
    ends: tuple[Decision, Decision],
    blocking: list[Verdict],
) -> str:
    rules = ", ".join(sorted({v.rule.id for v in blocking}))
    barred = [d for d in ends if d.outcome is Outcome.FORBIDDEN]
    if barred:
        doing = " and ".join(d.question.activity for d in barred)
        return f"{doing} barred by {rules}"
    if route is None and work.out_of_range:
        return f"the permitted route is beyond the range of {work.aircraft.typecode}, no stop helps"
    if route is None:
        where = _names(work, work.failure.bordering) if work.failure is not None else ""
        return f"no route: enclosed by {where} under {rules}"
    extra = route.distance_km - work.direct_km
    length = f"{route.distance_km:,.0f} km"
    if outcome == "direct":
        return f"direct, {length}"
    said = f"{length}, {extra:,.0f} km more than direct"
    if route.stops:
        said += f", fuel stop at {' '.join(route.stops)}"
    if outcome == "needs-permit":
        lacking = {v.rule.permit.authority for v in blocking if v.rule.permit is not None}
        return f"needs a permit of {' and '.join(sorted(lacking)) or 'an authority'}: {said}"
    if outcome == "unknown":
        missing = sorted({fact for v in blocking for fact in v.missing})
        return f"unknown for want of {', '.join(missing) or 'a fact'}: {said}"
    return f"{said}; the direct path is closed by {rules}" if rules else said
