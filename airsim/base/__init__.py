"""What every room needs: errors, State codes and dated groups, instants, shipped data."""

from airsim.base.codes import (
    FLIGHT_STATUSES,
    GROUP_CHANGES_MS,
    GROUPS,
    STATE_CODES,
    STATE_NAMES,
    states_in_group,
)
from airsim.base.errors import AirsimError, InputError, Problem, ProblemList
from airsim.base.instants import OPEN_FROM, OPEN_TO, format_instant, parse_instant
from airsim.base.resources import find_resource, list_scenarios

__all__ = [
    "FLIGHT_STATUSES",
    "GROUPS",
    "GROUP_CHANGES_MS",
    "OPEN_FROM",
    "OPEN_TO",
    "STATE_CODES",
    "STATE_NAMES",
    "AirsimError",
    "InputError",
    "Problem",
    "ProblemList",
    "find_resource",
    "format_instant",
    "list_scenarios",
    "parse_instant",
    "states_in_group",
]
