"""Rules against rows: bitsets dismiss what cannot speak, small tables weigh what may.

A row asks one question: about a class of facts, at a place, in a span of time, between levels,
knowing what was met on the way so far. Bit ``r % 64`` of word ``r // 64`` stands for rule r::

    fact_bits[class]      rules that the facts do not rule out        shape (classes, words)
    place_bits[place]     rules that speak of the place               shape (places, words)
    era_bits[era]         rules possibly in force in an era           shape (eras, words)

The few rules left in the AND of the three are weighed by one look into `cells`: a table per rule,
addressed by what the rule can tell apart. That is its own kind of facts and of place, between
which of its dates the row begins, how many dates further it ends, between which of its limits the
levels lie, and which of its ways (sets of places met earlier) were met::

    fact_at[class, r]  +  place_at[place, r]  +  (begun * reach + further) * time_step
                       +  (low * limits + high) * level_step  +  ways met, as bits
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import prange
from numpy.typing import NDArray

from airsim.kernels.compiling import Floats, Ints, Longs, compiled

Words = NDArray[np.uint64]
Bytes = NDArray[np.int8]

EMPTY = -1  # a cell that was not asked for yet
LAST_OUTCOME = 4  # graver numbers are remarks: they decide nothing
_BLOCK = 4096  # rows that one thread takes at a time

# Position of the only set bit of a word: multiplied by this number (a de Bruijn sequence), the
# six highest bits are another for each position.
_SEQUENCE = 0x03F79D71B4CB0A89
_POSITION = np.zeros(64, np.int64)
for _bit in range(64):
    _POSITION[((_SEQUENCE << _bit) % 2**64) >> 58] = _bit


class Rows(NamedTuple):
    """Questions as columns: row k is about flight ``flight[k]`` at ``area[k]`` of a layer."""

    flight: Ints
    layer: Bytes
    area: Ints
    entry_ms: Longs
    exit_ms: Longs
    lower_ft: Floats
    upper_ft: Floats


class Rules(NamedTuple):
    """Rules as the compiled loops take them; see the drawing above.

    `head` has a row per rule: first and last date and `reach`, `time_step`; first and last limit,
    `level_step`; first and last way.
    """

    row_fact: Ints  # class of facts of each flight
    place_start: Longs  # first place of each layer
    fact_bits: Words
    place_bits: Words
    era_ms: Longs  # start of each era; the first is not after any row
    era_bits: Words
    bucket_shift: int  # stretches of 2 ** shift ms from the first era on
    bucket_era: Ints  # era in which each begins
    # When and at which levels a place is in use at all; whether that is always.
    use_always: NDArray[np.bool_]
    use_from_ms: Longs
    use_to_ms: Longs
    use_lower_ft: Floats
    use_upper_ft: Floats
    fact_at: Ints
    place_at: Ints
    head: Longs
    time_ms: Longs
    level_ft: Floats
    way_bit: Longs


@compiled(inline=True)
def _count_up_to(values: Any, first: int, last: int, value: float) -> int:
    """How many of values[first:last], rising, are not above a value."""
    low, high = first, last
    while low < high:
        middle = (low + high) >> 1
        if values[middle] <= value:
            low = middle + 1
        else:
            high = middle
    return low - first


@compiled(parallel=True)
def judge_rows(
    rules: Rules, cells: Bytes, wanted: Ints, rows: Rows, way: Words,
    outcome: Bytes, first: NDArray[np.int16], said: NDArray[np.int16],
    start: Longs, list_rule: NDArray[np.int16], list_weight: Bytes,
) -> None:  # fmt: skip
    """Outcome of each row, the first rule that decides it (-1: none), how many rules say a thing.

    These three come in as 0, -1 and 0, and rows that hear from no rule are left so. A cell that is
    still empty gets, in `wanted`, the number of a row that asks for it. If `start` is not empty,
    all that is said on row k is also listed from ``start[k]`` on.
    """
    # Taken out of the tuples once: in the loop, each look at them would count references.
    row_fact, place_start, fact_bits, place_bits = rules[:4]
    era_ms, era_bits, bucket_shift, bucket_era = rules[4:8]
    use_always, use_from_ms, use_to_ms, use_lower_ft, use_upper_ft = rules[8:13]
    fact_at, place_at, head, time_ms, level_ft, way_bit = rules[13:]
    flight, layer, area, entry_ms, exit_ms, lower_ft, upper_ft = rows
    size, words, eras = flight.size, fact_bits.shape[1], era_ms.size
    one, sequence, listing = np.uint64(1), np.uint64(_SEQUENCE), start.size > 0
    for block in prange((size + _BLOCK - 1) // _BLOCK):
        # First without a branch: most rows hear from no rule, but which ones cannot be foreseen.
        hears, hearing = np.empty(_BLOCK, np.int64), 0
        for k in range(block * _BLOCK, min(size, (block + 1) * _BLOCK)):
            fact, place = row_fact[flight[k]], place_start[layer[k]] + area[k]
            bits = np.uint64(0)
            for w in range(words):
                bits |= fact_bits[fact, w] & place_bits[place, w]
            hears[hearing] = k
            hearing += bits != 0
        for i in range(hearing):
            k = hears[i]
            fact, place = row_fact[flight[k]], place_start[layer[k]] + area[k]
            gravest, decides, count = 0, -1, 0
            for w in range(words):
                bits = fact_bits[fact, w] & place_bits[place, w]
                if bits == 0:
                    continue
                if not use_always[place] and not (
                    use_from_ms[place] <= entry_ms[k] < use_to_ms[place]
                    and lower_ft[k] < use_upper_ft[place]
                    and upper_ft[k] >= use_lower_ft[place]
                ):
                    break
                era = bucket_era[(entry_ms[k] - era_ms[0]) >> bucket_shift]
                while era + 1 < eras and era_ms[era + 1] <= entry_ms[k]:
                    era += 1
                in_force = era_bits[era, w]
                while era + 1 < eras and era_ms[era + 1] <= exit_ms[k]:
                    era += 1
                    in_force |= era_bits[era, w]
                bits &= in_force
                while bits != 0:
                    bit = bits & (~bits + one)
                    bits ^= bit
                    r = 64 * w + _POSITION[(bit * sequence) >> np.uint64(58)]
                    cell = fact_at[fact, r] + place_at[place, r]
                    low, high = head[r, 0], head[r, 1]
                    if low < high:
                        date = low + _count_up_to(time_ms, low, high, entry_ms[k])
                        begun, further = date - low, 0
                        while date < high and time_ms[date] <= exit_ms[k]:
                            date += 1
                            further += 1
                        cell += (begun * head[r, 2] + further) * head[r, 3]
                    low, high = head[r, 4], head[r, 5]
                    if low < high:
                        below = _count_up_to(level_ft, low, high, lower_ft[k])
                        above = _count_up_to(level_ft, low, high, upper_ft[k])
                        cell += (below * (high - low + 1) + above) * head[r, 6]
                    met = 0
                    for j in range(head[r, 7], head[r, 8]):
                        met <<= 1
                        if way[k, way_bit[j] >> 6] >> np.uint64(way_bit[j] & 63) & one:
                            met += 1
                    weight = cells[cell + met]
                    if weight == EMPTY:
                        wanted[cell + met] = k
                        continue
                    if weight > 0:
                        if listing:
                            list_rule[start[k] + count], list_weight[start[k] + count] = r, weight
                        count += 1
                    if gravest < weight <= LAST_OUTCOME:
                        gravest, decides = weight, r
            outcome[k], first[k], said[k] = gravest, decides, count


@compiled(parallel=True)
def trace_ways(
    rules: Rules, place_way: Words, rows: Rows, start: Longs, before: Words, way: Words
) -> None:
    """What was met up to each row, itself included; rows ``start[i]:start[i + 1]`` are flight i."""
    words = way.shape[1]
    for i in prange(start.size - 1):
        for k in range(start[i], start[i + 1]):
            place = rules.place_start[rows.layer[k]] + rows.area[k]
            used = (
                rules.use_from_ms[place] <= rows.entry_ms[k] < rules.use_to_ms[place]
                and rows.lower_ft[k] < rules.use_upper_ft[place]
                and rows.upper_ft[k] >= rules.use_lower_ft[place]
            )
            for w in range(words):
                met = before[i, w] if k == start[i] else way[k - 1, w]
                way[k, w] = met | place_way[place, w] if used else met
