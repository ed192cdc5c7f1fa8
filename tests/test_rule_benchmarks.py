"""A day of the world is the same however it is cut, and peers of the rules benchmark agree."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numba
import numpy as np
import pytest

from airsim.airspace import Paths, find_crossings, path_lengths_km
from airsim.law import Question, make_rulebook
from airsim.operation import load_aerodromes
from airsim.performance import level_at, load_types, time_at
from airsim.permission import Outcome, bind_rulebook
from airsim.planning.ends import decide_stay, find_home, name_activity
from airsim.scenario import Scenario
from benchmarks import rules, world_day


def slow_day(world: Scenario, day: world_day.Day) -> tuple[list[list[int]], Counter[str]]:
    """Crossings of each flight by outcome, and crossings that each rule decides: one by one."""
    spots, types = list(load_aerodromes().values()), list(load_types().values())
    facts = world_day.state_facts(day)
    counts, by_rule = [], Counter[str]()
    for i in range(len(day)):
        start, end = spots[day.adep[i]], spots[day.ades[i]]
        aircraft = types[day.typecode[i]]
        path = Paths.from_legs(start.lon, start.lat, end.lon, end.lat)
        km, found = float(path_lengths_km(path)[0]), find_crossings(world.atlas, path)
        eobt_ms, crossed = int(day.eobt_ms[i]), set[str]()
        home = find_home(world, facts.row(i))
        mine = [0] * len(Outcome)
        for k in range(len(found)):
            layer, row = world.atlas.layers[found.layer[k]], int(found.area[k])
            ends = np.array([found.entry_km[k], found.exit_km[k]])
            entry_ms, exit_ms = (eobt_ms + np.rint(time_at(aircraft, ends, km) * 60_000)).tolist()
            feet = level_at(aircraft, [*ends, min(max(km / 2, ends[0]), ends[1])], km)
            low, high = float(feet.min()), float(feet.max())
            if not (
                layer.valid_from_ms[row] <= entry_ms < layer.valid_to_ms[row]
                and low < layer.upper_ft[row]
                and high >= layer.lower_ft[row]
            ):
                mine[Outcome.PERMITTED] += 1
                continue
            if layer.name == "territory":
                crossed.add(layer.designator[row])
            question = Question(
                name_activity((layer.name, row), home), (world.bound.place((layer.name, row)),),
                int(entry_ms), int(exit_ms),
                replace(facts.row(i), crossed=frozenset(crossed)), low, high,
                eobt_ms - world_day.PLANNED_BEFORE_MS,
            )  # fmt: skip
            decision = decide_stay(world.bound, question)
            mine[decision.outcome] += 1
            by_rule.update(decision.rules)
        counts.append(mine)
    return counts, by_rule


def test_a_day_is_what_single_questions_make_of_it(world) -> None:
    day = world_day.draw_flights(80, 5)
    flights, decided = world_day.judge_day(world, day)
    counts, by_rule = slow_day(world, day)
    for kind in Outcome:
        assert flights[kind.name.lower()].tolist() == [mine[kind] for mine in counts]
    gravest = [max((kind for kind in Outcome if mine[kind]), default=0) for mine in counts]
    assert flights["outcome"].tolist() == [Outcome(kind).name for kind in gravest]
    names, crossings = decided["rule"].tolist(), decided["crossings"].tolist()
    assert dict(zip(names, crossings, strict=True)) == by_rule
    assert len(by_rule) > 10
    assert np.array_equal(flights["rule"] == "", flights["outcome"] == "PERMITTED")


def test_a_day_is_the_same_in_one_thread_and_in_other_pieces(world) -> None:
    day = world_day.draw_flights(2_000, 1)
    given, results = numba.get_num_threads(), []
    for threads, chunk in ((given, 2_000), (1, 2_000), (given, 333)):
        numba.set_num_threads(threads)
        try:
            results.append(world_day.judge_day(world, day, chunk=chunk))
        finally:
            numba.set_num_threads(given)
    for other in results[1:]:
        for table, same in zip(results[0], other, strict=True):
            assert list(table) == list(same)
            assert all(np.array_equal(table[name], same[name]) for name in table)
    flights, decided = results[0]
    assert flights["crossings"].sum() > 30_000
    assert (decided["flights"] <= decided["crossings"]).all()


@pytest.mark.parametrize("seed", [1, 2])
def test_all_methods_of_the_rules_benchmark_agree(world, seed) -> None:
    law = make_rulebook(rules.draw_rules(world.atlas, 60, seed))
    bound = bind_rulebook(law, world.atlas)
    work = rules.draw_work(world.atlas, 20_000, seed)
    table = rules.judge(rules.prepare(bound, work), work)
    parts = rules.take_apart(bound)
    assert np.array_equal(rules.mask_by_rule(parts, work), table.outcome)
    assert np.array_equal(rules.intersect_bitsets(rules.make_bitsets(parts), work), table.outcome)
    rows = rules.measure_drawn(world.atlas, 60, 20_000, seed, repeats=1)
    assert [row["agree_percent"] for row in rows] == [100.0] * 7
    assert set(table.outcome.tolist()) == set(Outcome)
