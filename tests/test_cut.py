"""Exceptions inside closed areas: airspace cut along them is closed where the law closes it."""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np
import oracle
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle import make_rule
from shapely import box

from airsim.airspace import Atlas, load_atlas, locate_points
from airsim.base import parse_instant
from airsim.law import FlightFacts, Question, Rule, judge_rule, make_rulebook
from airsim.permission import BoundRulebook, Outcome, bind_rulebook, cut_exceptions, mask_airspace

TERRITORY = {"BY": box(0, 0, 10, 10), "LT": box(10, 0, 20, 10)}
FIR = {"FAAA": box(0, 0, 12, 5), "FBBB": box(0, 5, 12, 10), "FCCC": box(12, 0, 25, 10)}
# A corridor through two regions, one across it, one of some levels only, one of some days only.
ZONE = {
    "ALONG": box(1, 2, 18, 3), "ACROSS": box(5, -1, 6, 11), "LOW": box(7, 0, 9, 6),
    "SPRING": box(13, 1, 15, 9),
}  # fmt: skip
SPRING = ("2022-03-01T00:00Z", "2022-06-01T00:00Z")
FACTS = FlightFacts("BRU", "BY", "BY", "BY", "BY", origin="UMMS", origin_state="BY")


@pytest.fixture(scope="module")
def air(tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    folder = tmp_path_factory.mktemp("cut")
    files = {
        "territory": oracle.write_layer(
            folder / "t.parquet", TERRITORY, sovereign=list(TERRITORY), eu_territory=[False, True]
        ),
        "fir": oracle.write_layer(
            folder / "f.parquet", FIR, valid_from=["", "", "2022-04-01T00:00Z"]
        ),
        "zones": oracle.write_layer(
            folder / "z.parquet", ZONE, upper_limit=[99_999, 99_999, 20_000, 99_999],
            valid_from=["", "", "", SPRING[0]], valid_to=["", "", "", SPRING[1]],
        ),
    }  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRSIM_CACHE_DIR", str(folder / "cache"))
        return load_atlas(**files)


@pytest.fixture(autouse=True, scope="module")
def own_cache(tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRSIM_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


def cut(atlas: Atlas, rules: list[Rule]) -> BoundRulebook:
    """Rules laid over airspace that is cut along their exceptions."""
    return bind_rulebook(*cut_exceptions(make_rulebook(rules), atlas))


def closed_at(bound: BoundRulebook, lon: float, lat: float, at: str, ft: float) -> bool:
    """Whether the closed mask covers a spot."""
    mask = mask_airspace(bound, FACTS, parse_instant(at), level_ft=ft, known_ms=None)
    closed = {area for area, found in mask.items() if found.outcome is Outcome.FORBIDDEN}
    return not closed.isdisjoint(areas_at(bound.atlas, lon, lat))


@cache
def areas_at(atlas: Atlas, lon: float, lat: float) -> list[tuple[str, int]]:
    return [
        (name, row)
        for name in atlas.layer_names
        for row in locate_points(atlas, name, np.array([lon]), np.array([lat]))[1].tolist()
    ]


def closed_by_law(
    atlas: Atlas, rules: list[Rule], lon: float, lat: float, at: str, ft: float
) -> bool:
    """The same, asked of the law alone: all areas over the spot are one place."""
    at_ms, book = parse_instant(at), make_rulebook(rules)
    bound = bind_rulebook(book, atlas)
    places = []
    for name, row in areas_at(atlas, lon, lat):
        layer = atlas.layer(name)
        valid = layer.valid_from_ms[row] <= at_ms < layer.valid_to_ms[row]
        if valid and layer.lower_ft[row] <= ft < layer.upper_ft[row]:
            places.append(bound.place((name, row)))
    question = Question("overflight", tuple(places), at_ms, at_ms, FACTS, ft, ft)
    return any(
        judge_rule(book, rule, question).truth is True for rule in rules if rule.effect != "permit"
    )


def unless(name: str, **table: object) -> dict[str, object]:
    return {"id": name, "title": name} | table


REGION = make_rule(
    "R1", where=[{"fir": ["FAAA"]}], unless=[unless("airway", where=[{"zone": ["ALONG"]}])]
)


def test_a_corridor_inside_a_closed_region_is_open_and_the_region_closed(air: Atlas) -> None:
    for lon, lat, closed in ((3, 2.5, False), (3, 1.5, True), (3, 3.5, True), (3, 7, False)):
        assert closed_at(cut(air, [REGION]), lon, lat, "2022-01-01", 35_000) is closed
    # Without the exception, all of the region is closed.
    bare = make_rule("R1", where=[{"fir": ["FAAA"]}])
    assert closed_at(cut(air, [bare]), 3, 2.5, "2022-01-01", 35_000)


def test_another_ban_closes_the_corridor_all_the_same(air: Atlas) -> None:
    other = make_rule("R2", regime="other", where=[{"territory": ["BY"]}])
    assert closed_at(cut(air, [REGION, other]), 3, 2.5, "2022-01-01", 35_000)


def test_pieces_are_named_for_area_rule_and_exception(air: Atlas) -> None:
    rules, pieces = cut_exceptions(make_rulebook([REGION]), air)
    assert set(pieces.layer("zone").designator) - set(ZONE) == {"FAAA~R1", "FAAA~R1~airway"}
    assert rules.by_id["R1"].where[0].zone == ("FAAA~R1", "FAAA~R1~airway")
    assert rules.by_id["R1"].unless[0].where[-1].zone == ("FAAA~R1~airway",)
    # The zones that were there keep their rows.
    assert pieces.layer("zone").designator[: len(ZONE)] == air.layer("zone").designator


@pytest.mark.parametrize(
    ("where", "inside", "activity"),
    [
        ({"fir": ["FAAA"]}, {"fir": ["FBBB"]}, "overflight"),  # regions do not overlap
        ({"fir": ["FBBB"]}, {"zone": ["SPRING"]}, "overflight"),  # elsewhere
        ({"fir": ["FAAA"]}, {"zone": ["ALONG"]}, "landing"),
        ({"anywhere": True}, {"zone": ["LOW"]}, "overflight"),
    ],
)
def test_nothing_is_cut_that_no_exception_lies_in(air: Atlas, where, inside, activity) -> None:
    own = [unless("x", where=[inside])]
    rule = make_rule("R1", activities=[activity], where=[where], unless=own)
    law = make_rulebook([rule])
    assert cut_exceptions(law, air) == (law, air)


def test_a_landing_is_judged_in_the_pieces_over_the_aerodrome(air: Atlas) -> None:
    rule = REGION.model_copy(update={"activities": ("overflight", "landing")})
    bound = cut(air, [rule])
    law = bound.rulebook
    for lat, barred in ((2.5, False), (1.5, True)):
        places = tuple(bound.place(area) for area in areas_at(bound.atlas, 3, lat))
        at_ms = parse_instant("2022-01-01")
        question = Question("landing", places, at_ms, at_ms, FACTS)
        assert judge_rule(law, law.by_id["R1"], question).truth is barred


# ------------------------------------------------------------------------- on random rulebooks
def tables(*choices: dict[str, object]) -> st.SearchStrategy[list[dict[str, object]]]:
    return st.lists(st.sampled_from(choices), min_size=1, max_size=2)


WHERE = tables(
    {"fir": ["FAAA"]}, {"fir": ["FAAA", "FBBB"]}, {"territory": ["BY", "LT"]}, {"fir": ["FCCC"]},
    {"eu_territory": True}, {"zone": ["ALONG"]}, {"zone": ["ACROSS", "LOW"]},
    {"territory": ["LT"], "fir": ["FBBB"]}, {"zone": ["SPRING"]},
)  # fmt: skip
TESTS = st.sampled_from(
    [{}, {}, {"who": [{"operator": ["BRU"]}]}, {"who": [{"operator": ["THY"]}]},
     {"levels": {"upper_ft": 10_000}}, {"when": {"from": "2022-05-01"}}]
)  # fmt: skip
EXCEPTIONS = st.lists(st.tuples(WHERE, TESTS), max_size=2).map(
    lambda found: [unless("x", where=where, **tests) for where, tests in found]
)
RULES = st.tuples(
    st.builds(lambda where, own: make_rule("R1", where=where, unless=own), WHERE, EXCEPTIONS),
    st.builds(lambda where, own: make_rule("R2", where=where, unless=own), WHERE, EXCEPTIONS),
    st.builds(
        lambda where, tests: make_rule(
            "L1", effect="permit", relieves=["R1", "R2"], where=where, **tests
        ),
        WHERE, TESTS,
    ),
).map(list)  # fmt: skip


@settings(
    max_examples=50, deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(
    rules=RULES, at=st.sampled_from(["2022-01-01", "2022-03-15", "2022-05-15", "2022-07-01"]),
    ft=st.sampled_from([5_000.0, 15_000.0, 35_000.0]),
)  # fmt: skip
def test_cut_airspace_is_closed_where_the_law_closes_it(air: Atlas, rules, at, ft) -> None:
    bound = cut(air, rules)
    for lon, lat in product(
        (0.5, 3.0, 5.5, 6.5, 8.0, 11.0, 14.0, 17.0, 22.0), (0.5, 1.5, 2.5, 4.0, 5.5, 8.0)
    ):
        closed = closed_at(bound, lon, lat, at, ft)
        assert closed is closed_by_law(air, rules, lon, lat, at, ft), (lon, lat)
