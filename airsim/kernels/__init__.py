"""Compiled loops: arrays in, arrays out, no domain words.

The compiler keeps machine code by the file of each function and does not see when a function that
it calls has changed in another file: so files here call nothing of each other.
"""

from airsim.kernels.compiling import compiled, few_threads
from airsim.kernels.crossings import (
    Cells,
    cell_centre,
    chain_points,
    index_areas,
    index_edges,
    locate_points,
    sort_stays,
    trace_paths,
)
from airsim.kernels.decisions import Rows, Rules, judge_rows, trace_ways
from airsim.kernels.visibility import (
    LEAF_EDGES,
    count_ring_cuts,
    find_cut_legs,
    find_legs,
    find_point_legs,
    grow_balls,
    measure_leg_distances,
)

__all__ = [
    "LEAF_EDGES",
    "Cells",
    "Rows",
    "Rules",
    "cell_centre",
    "chain_points",
    "compiled",
    "count_ring_cuts",
    "few_threads",
    "find_cut_legs",
    "find_legs",
    "find_point_legs",
    "grow_balls",
    "index_areas",
    "index_edges",
    "judge_rows",
    "locate_points",
    "measure_leg_distances",
    "sort_stays",
    "trace_paths",
    "trace_ways",
]
