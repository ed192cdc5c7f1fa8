"""Flights become plans: rights at both ends, permitted route, fuel stop, outcome and reasons."""

from airsim.planning.ends import AerodromePlaces, decide_end
from airsim.planning.facts import choose_type, make_facts
from airsim.planning.plan import plan_flights
from airsim.planning.types import Plan, PlannedCrossing, PlannedRoute

__all__ = [
    "AerodromePlaces",
    "Plan",
    "PlannedCrossing",
    "PlannedRoute",
    "choose_type",
    "decide_end",
    "make_facts",
    "plan_flights",
]
