"""A scenario: a TOML file and its amendments, bound to a frozen world.

What reads files is loaded when it is first asked for: a single question has none.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from airsim.scenario.air import ZoneVariant, extended_atlas, shipped_atlas
from airsim.scenario.names import area_lives, check_circumstances, known_names
from airsim.scenario.project import find_scenario, start_project
from airsim.scenario.world import (
    HOUR_MS,
    Advice,
    ClosureProcess,
    Comparison,
    Options,
    PermitModel,
    Scenario,
    amend_scenario,
    make_scenario,
    resize_zones,
    shipped_fleet,
)

if TYPE_CHECKING:
    from airsim.scenario.binding import load_scenario
    from airsim.scenario.file import scenario_schema

__all__ = [
    "HOUR_MS",
    "Advice",
    "ClosureProcess",
    "Comparison",
    "Options",
    "PermitModel",
    "Scenario",
    "ZoneVariant",
    "amend_scenario",
    "area_lives",
    "check_circumstances",
    "extended_atlas",
    "find_scenario",
    "known_names",
    "load_scenario",
    "make_scenario",
    "resize_zones",
    "scenario_schema",
    "shipped_atlas",
    "shipped_fleet",
    "start_project",
]

_HOMES = {"load_scenario": "binding", "scenario_schema": "file"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
