"""Who flies what, where and when: aerodromes, operators, aircraft, timetables."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from airsim.operation.aerodromes import Aerodrome, Aerodromes, load_aerodromes
from airsim.operation.checks import check_aerodromes, check_operators
from airsim.operation.circumstances import (
    ORDINARY,
    Circumstances,
    Fact,
    check_statuses,
    read_fact,
)
from airsim.operation.fleet import Tail, load_fleet
from airsim.operation.marks import state_of_registration
from airsim.operation.operators import Operator, Operators, load_operators
from airsim.operation.timetable import (
    Flight,
    Service,
    expand_timetable,
    load_timetable,
    local_time,
)

if TYPE_CHECKING:
    from airsim.operation.upkeep import Channel, Check, Upkeep, load_upkeep

__all__ = [
    "ORDINARY",
    "Aerodrome",
    "Aerodromes",
    "Channel",
    "Check",
    "Circumstances",
    "Fact",
    "Flight",
    "Operator",
    "Operators",
    "Service",
    "Tail",
    "Upkeep",
    "check_aerodromes",
    "check_operators",
    "check_statuses",
    "expand_timetable",
    "load_aerodromes",
    "load_fleet",
    "load_operators",
    "load_timetable",
    "load_upkeep",
    "local_time",
    "read_fact",
    "state_of_registration",
]


def __getattr__(name: str) -> Any:
    # Only a simulation asks for upkeep: single questions do not wait for its model.
    if name not in ("Channel", "Check", "Upkeep", "load_upkeep"):
        raise AttributeError(f"module 'airsim.operation' has no attribute {name!r}")
    return getattr(import_module("airsim.operation.upkeep"), name)
