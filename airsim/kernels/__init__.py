"""Compiled loops: arrays in, arrays out, no domain words.

The compiler keeps machine code by the file of each function and does not see when a function that
it calls has changed in another file: so files here call nothing of each other.
"""

from airsim.kernels.compiling import compiled, few_threads
from airsim.kernels.crossings import (
    LANES,
    Cells,
    Stays,
    cell_centre,
    index_areas,
    index_edges,
    join_stays,
    locate_points,
    trace_paths,
)
from airsim.kernels.decisions import Rows, Rules, judge_rows, trace_ways
from airsim.kernels.geodesics import chain_legs, measure_legs, place_points
from airsim.kernels.rings import RING_LEAF, chain_rings, simplify_rings
from airsim.kernels.visibility import (
    LEAF_EDGES,
    Corners,
    Ends,
    Sights,
    Table,
    find_cut_legs,
    find_cut_lines,
    find_legs,
    find_near_edges,
    find_rings_around,
    grow_balls,
    join_paths,
    judge_lines,
    link_ends,
    measure_arcs_km,
    measure_depths,
    measure_leg_distances,
    measure_legs_mm,
    search_paths,
    tabulate_paths,
)

__all__ = [
    "LANES",
    "LEAF_EDGES",
    "RING_LEAF",
    "Cells",
    "Corners",
    "Ends",
    "Rows",
    "Rules",
    "Sights",
    "Stays",
    "Table",
    "cell_centre",
    "chain_legs",
    "chain_rings",
    "compiled",
    "few_threads",
    "find_cut_legs",
    "find_cut_lines",
    "find_legs",
    "find_near_edges",
    "find_rings_around",
    "grow_balls",
    "index_areas",
    "index_edges",
    "join_paths",
    "join_stays",
    "judge_lines",
    "judge_rows",
    "link_ends",
    "locate_points",
    "measure_arcs_km",
    "measure_depths",
    "measure_leg_distances",
    "measure_legs",
    "measure_legs_mm",
    "place_points",
    "search_paths",
    "simplify_rings",
    "tabulate_paths",
    "trace_paths",
    "trace_ways",
]
