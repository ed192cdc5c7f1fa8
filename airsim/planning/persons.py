"""Rules addressed to persons: what a flight itself breaks, and what others may not do for it.

Landing, taking off and flying over are acts of the flight, and goods of a controlled class carried
or fitted are controlled whoever ships them: a rule against those is broken. Servicing and selling
are acts of others, and so are dealings barred for the sake of the carrier alone: whether such a
rule is broken depends on whether somebody whom it binds does it, which nobody told.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from airsim.law import Question, Verdict
from airsim.permission import TAIL_FACTS, Decision, find_breaches
from airsim.planning.ends import find_home
from airsim.planning.judge import Judgement
from airsim.planning.types import Dealing

if TYPE_CHECKING:
    from airsim.planning.work import Work

_OF_THE_FLIGHT = frozenset({"landing", "take-off", "overflight"})


class Findings(NamedTuple):
    """What rules addressed to persons say of a flight.

    `breaches` and `doubts` (a fact is missing) are of the flight itself; `dealings` are broken by
    whoever is bound and does them; `not_judged` hold the ids of open questions of law and of rules
    that need a tail.
    """

    breaches: tuple[tuple[str, Verdict], ...]
    doubts: tuple[tuple[str, Verdict], ...]
    dealings: tuple[Dealing, ...]
    not_judged: frozenset[str]


def ask_persons(
    work: Work, judgement: Judgement | None, ends: tuple[Decision, Decision]
) -> Findings:
    """Ask the rules addressed to persons about a flight on its route, or about its ends alone."""
    flight: dict[tuple[str, str, bool | None], tuple[str, Verdict]] = {}
    dealings: dict[tuple[str, str, str], Dealing] = {}
    not_judged = set()
    for what, question in _list_acts(work, judgement, ends):
        for verdict in find_breaches(work.scenario.bound, question):
            rule = verdict.rule
            if verdict.missing == {"item"}:
                continue  # turns on goods that nobody spoke of
            if _is_open(verdict, work):
                not_judged.add(rule.id)
            elif _breaks(question.activity, verdict):
                flight[what, rule.id, verdict.truth] = (what, verdict)
            elif verdict.truth is True:
                place = question.places[0].designator
                dealings[what, rule.id, place] = Dealing(what, place, verdict)
    ordered = [flight[key] for key in sorted(flight, key=str)]
    return Findings(
        tuple(item for item in ordered if item[1].truth is True),
        tuple(item for item in ordered if item[1].truth is None),
        tuple(dealings[key] for key in sorted(dealings)),
        frozenset(not_judged),
    )


def _breaks(activity: str, verdict: Verdict) -> bool:
    by_goods = any(test.item for test in verdict.rule.flight)
    return activity in _OF_THE_FLIGHT or (activity in ("cargo", "parts") and by_goods)


def _is_open(verdict: Verdict, work: Work) -> bool:
    """Whether a doubt changes nothing: an open question of law, or a rule that needs a tail."""
    if verdict.truth is True:
        return False
    if verdict.rule.open_question:
        return True
    return work.facts.registration is None and verdict.missing <= TAIL_FACTS


def _list_acts(
    work: Work, judgement: Judgement | None, ends: tuple[Decision, Decision]
) -> Iterator[tuple[str, Question]]:
    """Everything done on a flight that a rule may speak of, in words and as a question."""
    landings = [ends[1].question]
    if judgement is not None:
        landings += [d.question for d in judgement.stops if d.question.activity == "landing"]
        home = find_home(work.scenario, work.facts)
        bound = work.scenario.bound
        for stay in judgement.crossings:
            area = (stay.layer, stay.row)
            if stay.layer == "territory" and area not in home:
                yield (
                    "overflight",
                    Question(
                        "overflight", (bound.place(area),), stay.entry_ms, stay.exit_ms,
                        work.facts, stay.lower_ft, stay.upper_ft, work.planned_ms,
                    ),
                )  # fmt: skip
    yield "take-off", ends[0].question
    for landing in landings:
        yield "landing", landing
        yield "servicing", replace(landing, activity="servicing")
    told = work.flight.circumstances
    yield "marketing", replace(landings[0], activity="marketing")
    for activity, classes in (("cargo", told.items), ("parts", told.parts)):
        for item in classes:
            facts = replace(landings[0].facts, item=item)
            asked = replace(landings[0], activity=activity, facts=facts)
            yield f"{activity} of class {item}", asked
