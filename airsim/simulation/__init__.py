"""Time, permits, aircraft and rule changes unfold: SimPy processes on one state object."""

from airsim.simulation.airborne import find_position
from airsim.simulation.ferry import RETRY_MS
from airsim.simulation.run import LONGEST_WAIT_MS, OWN_TYPE_WAIT_MS, simulate
from airsim.simulation.state import Aircraft, Event, FlightRecord, World, position_fleet
from airsim.simulation.streams import open_stream
from airsim.simulation.surprise import draw_closures
from airsim.simulation.tables import tabulate_world
from airsim.simulation.trajectories import trace_flights
from airsim.simulation.upkeep import find_bars_on_part

__all__ = [
    "LONGEST_WAIT_MS",
    "OWN_TYPE_WAIT_MS",
    "RETRY_MS",
    "Aircraft",
    "Event",
    "FlightRecord",
    "World",
    "draw_closures",
    "find_bars_on_part",
    "find_position",
    "open_stream",
    "position_fleet",
    "simulate",
    "tabulate_world",
    "trace_flights",
]
