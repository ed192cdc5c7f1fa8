"""Published detours and known answers hold; what does not hold is documented, with its reason."""

from __future__ import annotations

import importlib
import math
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))
published = importlib.import_module("published")

CASES = {case.id: case for case in published.load_cases()}
TRUTHS = {truth.id: truth for truth in published.load_truths()}
MISSES = set(published.load_notes()["miss"])
# Asked one by one, with the rules that bar them, in test_truths.py.
ASKED_ELSEWHERE = {name for name in TRUTHS if name.startswith("NET-")}


@cache
def scores() -> dict[str, Any]:
    return {score.case.id: score for score in published.score_cases()}


@cache
def findings() -> dict[str, Any]:
    wanted = tuple(t for name, t in TRUTHS.items() if name not in ASKED_ELSEWHERE)
    return {found.truth.id: found for found in published.judge_truths(wanted)}


# --- detours -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(set(CASES) - MISSES))
def test_published_detour_is_reproduced(name: str) -> None:
    assert scores()[name].faults == ()


def test_the_misses_are_the_documented_ones() -> None:
    missed = {name for name, score in scores().items() if not score.inside}
    missed |= {name for name, found in findings().items() if found.faults}
    assert missed == MISSES - ASKED_ELSEWHERE


@pytest.mark.parametrize("name", sorted(MISSES))
def test_every_miss_has_its_reason(name: str) -> None:
    assert len(published.load_notes()["miss"][name]["reason"]) > 80
    page = (BENCHMARKS / "KNOWN-MISSES.md").read_text(encoding="utf-8")
    assert f"\n## {name}: " in page


def test_the_page_says_what_the_simulator_says() -> None:
    page = (BENCHMARKS / "PUBLISHED.md").read_text(encoding="utf-8")
    verdicts = {
        cells[1]: cells[-2]
        for line in page.splitlines()
        if line.startswith("|") and len(cells := [c.strip() for c in line.split("|")]) == 13
    }
    for name, score in scores().items():
        assert (verdicts[name] == "inside") == score.inside, name


def test_every_case_says_who_published_it() -> None:
    assert len(CASES) >= 20
    assert all(case.sources and case.setup for case in CASES.values())
    assert all(truth.source and truth.why for truth in TRUTHS.values())


# --- the bands bite ------------------------------------------------------------------------------


# The published figure that would put the simulated one outside: share of the simulated increase,
# or of the simulated length.
@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("R11", {"delta_km": 1 / 0.74}),
        ("R11", {"delta_km": 1 / 1.06}),
        ("R11", {"after_km": 1 / 1.04}),
        ("R24", {"delta_min": 1 / 0.74}),
        ("R24", {"delta_min": 1 / 1.26}),
        ("B07", {"measure": "band 40-60 min"}),
        ("N02", {"must": "after does not stop"}),
        ("R11", {"must": "after stops"}),
    ],
)
def test_a_case_outside_its_band_is_told(name: str, change: dict[str, Any]) -> None:
    score = scores()[name]
    assert score.inside
    assert score.after.route is not None
    scale = {
        "delta_km": score.simulated,
        "delta_min": score.simulated,
        "after_km": score.after.route.distance_km,
    }
    change = {key: value * scale.get(key, 1) for key, value in change.items()}
    moved = published.score_case(replace(score.case, **change), score.before, score.after)
    assert not moved.inside


def test_a_negative_control_may_not_grow() -> None:
    score = scores()["R22"]
    turned = published.score_case(score.case, score.before, scores()["R11"].after)
    assert score.inside
    assert not turned.inside


def test_a_flight_without_a_route_is_outside() -> None:
    score = scores()["R11"]
    nowhere = replace(score.after, route=None)
    assert not published.score_case(score.case, score.before, nowhere).inside


def test_istanbul_takes_longer_with_every_closure_and_less_with_the_corridor() -> None:
    minutes = [
        published.measure_plan(plan, "min")
        for plan in (
            scores()["B01"].before,
            scores()["B02"].before,
            scores()["N06"].after,
            scores()["N06"].before,
        )
    ]
    assert not any(math.isnan(m) for m in minutes)
    assert minutes == sorted(minutes)
    assert len(set(minutes)) == 4


# --- block times ---------------------------------------------------------------------------------


def test_block_times_of_belarus_and_russia_lie_in_their_band_or_have_a_reason() -> None:
    blocks = published.fly_blocks()
    assert len(blocks) >= 25
    assert {b.case.operator for b in blocks} >= {"BRU", "AFL"}
    assert {b.id for b in blocks if not b.inside} == set(published.load_notes()["block"])
    page = (BENCHMARKS / "KNOWN-MISSES.md").read_text(encoding="utf-8")
    for name, note in published.load_notes()["block"].items():
        assert len(note["reason"]) > 80
        assert f"\n## {name}: " in page


def test_a_flight_takes_the_block_time_that_it_was_planned_with() -> None:
    scored = scores()
    for block in published.fly_blocks():
        plan = getattr(scored[block.case.id], block.side)
        taxi = 18.3 if block.airborne else 0.0
        assert block.simulated == pytest.approx(plan.route.block_min - taxi, abs=0.1), block.id


def test_a_block_time_outside_its_band_is_told() -> None:
    block = next(b for b in published.fly_blocks() if b.id == "B09-after")
    assert block.airborne
    assert block.inside
    for share in (0.74, 1.26):
        assert not replace(block, simulated=share * block.published).inside
    assert not replace(block, simulated=math.nan).inside


# --- feasible or not -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(set(TRUTHS) - ASKED_ELSEWHERE - MISSES))
def test_known_answer_is_met_by_the_rules_that_decide_it(name: str) -> None:
    found = findings()[name]
    assert found.faults == (), found.said


def test_every_truth_that_a_rule_decides_has_its_other_side() -> None:
    # The same flight, asked on another date or of another carrier, is answered differently.
    decided = {truth.id.split("-")[0] for truth in TRUTHS.values() if truth.rules}
    for group in decided - {"NET", "ZRH"}:
        answers = {t.expect for t in TRUTHS.values() if t.id.split("-")[0] == group}
        assert len(answers) > 1, group
