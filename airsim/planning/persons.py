"""Rules addressed to persons: what a flight itself breaks, and what others may not do for it.

Landing, taking off and flying over are acts of the flight, and goods of a controlled class carried
or fitted are controlled whoever ships them: a rule against those is broken. Servicing and selling
are acts of others, and so are dealings barred for the sake of the carrier alone: whether such a
rule is broken depends on whether somebody whom it binds does it, which nobody told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from airsim.law import FlightFacts, Question, Rule, Verdict
from airsim.operation import Flight
from airsim.permission import TAIL_FACTS, AreaKey, Decision, recall_breaches
from airsim.planning.types import Dealing, PlannedCrossing
from airsim.scenario import Scenario

_OF_THE_FLIGHT = frozenset({"landing", "take-off", "overflight"})


class Flown(NamedTuple):
    """What is known of a flight once it is planned; `decisions` begin and end with its ends."""

    scenario: Scenario
    flight: Flight
    facts: FlightFacts
    decisions: tuple[Decision, ...]
    crossings: tuple[PlannedCrossing, ...]
    planned_ms: int
    home: Mapping[AreaKey, str]


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


def ask_persons(flown: Flown) -> Findings:
    """Ask the rules addressed to persons about a flight on its route, or about its ends alone."""
    flight: dict[tuple[str, str, bool | None], tuple[str, Verdict]] = {}
    dealings: dict[tuple[str, str, str], Dealing] = {}
    not_judged = set()
    for what, question in list_acts(flown):
        for verdict in recall_breaches(flown.scenario.bound, question):
            rule = verdict.rule
            if verdict.missing == {"item"}:
                continue  # turns on goods that nobody spoke of
            if _is_open(verdict, question.facts):
                not_judged.add(rule.id)
            elif breaks_itself(question, rule):
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


def breaks_itself(question: Question, rule: Rule) -> bool:
    """Whether it is the flight that breaks a rule by an act, not whoever deals with it."""
    by_goods = any(test.item for test in rule.flight)
    return question.activity in _OF_THE_FLIGHT or (
        question.activity in ("cargo", "parts") and by_goods
    )


def _is_open(verdict: Verdict, facts: FlightFacts) -> bool:
    """Whether a doubt changes nothing: an open question of law, or a rule that needs a tail."""
    if verdict.truth is True:
        return False
    if verdict.rule.open_question:
        return True
    return facts.registration is None and verdict.missing <= TAIL_FACTS


def list_acts(flown: Flown) -> Iterator[tuple[str, Question]]:
    """Everything done on a flight that a rule for persons may speak of: in words, as a question."""
    scenario, facts = flown.scenario, flown.facts
    home, bound = flown.home, scenario.bound
    for stay in flown.crossings:
        area = (stay.layer, stay.row)
        if stay.layer == "territory" and area not in home:
            yield (
                "overflight",
                Question(
                    "overflight", bound.spot(area), stay.entry_ms, stay.exit_ms, facts,
                    stay.lower_ft, stay.upper_ft, flown.planned_ms,
                ),
            )  # fmt: skip
    ends = [d.question for d in flown.decisions if d.question.places[0].layer == "aerodrome"]
    landings = [asked for asked in ends if asked.activity == "landing"]
    yield "take-off", ends[0]
    for landing in landings:
        yield "landing", landing
        yield "servicing", _instead(landing, "servicing")
    last, told = landings[-1], flown.flight.circumstances
    yield "marketing", _instead(last, "marketing")
    for activity, classes in (("cargo", told.items), ("parts", told.parts)):
        for item in classes:
            asked = replace(last, activity=activity, facts=replace(last.facts, item=item))
            yield f"{activity} of class {item}", asked


def _instead(asked: Question, activity: str) -> Question:
    return Question(
        activity, asked.places, asked.start_ms, asked.end_ms, asked.facts, asked.lower_ft,
        asked.upper_ft, asked.known_ms,
    )  # fmt: skip
