"""Who flies what, where and when: aerodromes, operators, aircraft, timetables."""

from airsim.operation.aerodromes import Aerodrome, Aerodromes, load_aerodromes
from airsim.operation.checks import check_aerodromes, check_operators
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

__all__ = [
    "Aerodrome",
    "Aerodromes",
    "Flight",
    "Operator",
    "Operators",
    "Service",
    "Tail",
    "check_aerodromes",
    "check_operators",
    "expand_timetable",
    "load_aerodromes",
    "load_fleet",
    "load_operators",
    "load_timetable",
    "local_time",
    "state_of_registration",
]
