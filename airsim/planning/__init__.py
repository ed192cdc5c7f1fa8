"""Flights become plans: rights at both ends, permitted route, fuel stop, outcome and reasons."""

from airsim.planning.answer import (
    Asked,
    answer_question,
    check_flight,
    check_schema,
    describe_plan,
    summarise_plan,
)
from airsim.planning.ends import decide_end, decide_stay
from airsim.planning.facts import choose_type, make_facts
from airsim.planning.hits import Hit, describe_hits, find_hits
from airsim.planning.judge import TAXI_IN_MS, find_landing_ms
from airsim.planning.payload import RangeMargin, weigh_ranges
from airsim.planning.permits import find_deadline
from airsim.planning.plan import plan_flights
from airsim.planning.stops import TECHNICAL_STOPS
from airsim.planning.types import Airborne, Plan, PlannedCrossing, PlannedRoute
from airsim.planning.unlock import (
    LEAST_GAIN,
    Unlock,
    Unlocking,
    describe_unlock,
    find_unlocking,
)

__all__ = [
    "LEAST_GAIN",
    "TAXI_IN_MS",
    "TECHNICAL_STOPS",
    "Airborne",
    "Asked",
    "Hit",
    "Plan",
    "PlannedCrossing",
    "PlannedRoute",
    "RangeMargin",
    "Unlock",
    "Unlocking",
    "answer_question",
    "check_flight",
    "check_schema",
    "choose_type",
    "decide_end",
    "decide_stay",
    "describe_hits",
    "describe_plan",
    "describe_unlock",
    "find_deadline",
    "find_hits",
    "find_landing_ms",
    "find_unlocking",
    "make_facts",
    "plan_flights",
    "summarise_plan",
    "weigh_ranges",
]
