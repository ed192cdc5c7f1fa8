"""airsim: may this flight fly, by which route, at what cost, under whose instrument?

The verbs below are the public face; each is imported when it is first used, so that
``import airsim`` stays cheap. Not legal advice, not for navigation.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airsim.airspace import find_crossings, load_atlas
    from airsim.permission import decide, judge_crossings
    from airsim.planning import check_flight, plan_flights
    from airsim.results import read_results
    from airsim.routing import find_routes
    from airsim.scenario import load_scenario
    from airsim.study import compare, run

__version__ = "0.1.0"

__all__ = [
    "check_flight",
    "compare",
    "decide",
    "find_crossings",
    "find_routes",
    "judge_crossings",
    "load_atlas",
    "load_scenario",
    "plan_flights",
    "read_results",
    "run",
]

_HOMES = {
    "check_flight": "planning",
    "compare": "study",
    "decide": "permission",
    "find_crossings": "airspace",
    "find_routes": "routing",
    "judge_crossings": "permission",
    "load_atlas": "airspace",
    "load_scenario": "scenario",
    "plan_flights": "planning",
    "read_results": "results",
    "run": "study",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'airsim' has no attribute {name!r}")
    return getattr(import_module(f"airsim.{_HOMES[name]}"), name)
