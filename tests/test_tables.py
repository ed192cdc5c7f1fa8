"""Decisions in bulk are those of single questions, whatever rules, flights, places and hours."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numba
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle import make_rule
from small_law import (
    BREXIT_MS,
    FIRST_MS,
    IDS,
    draw_facts,
    draw_levels,
    draw_question,
    draw_span,
    rulebooks,
)

from airsim.airspace import Crossings
from airsim.base import InputError, parse_instant
from airsim.law import FlightFacts, Question, Rule, judge_facts, split_facts, walk_tables
from airsim.permission import (
    BoundRulebook,
    Decision,
    DecisionTable,
    FactColumn,
    FactsTable,
    Outcome,
    decide,
    judge_crossings,
    judge_questions,
    lay_out_rules,
    make_column,
    tabulate_facts,
)
from airsim.permission.facts import classify
from airsim.permission.tables import STAYS
from airsim.scenario import Scenario

many = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
some = settings(many, max_examples=25)
held = st.sets(st.sampled_from(IDS), max_size=1)
dice = st.integers(0, 2**32).map(random.Random)


# ------------------------------------------------------------------ flights that cross small areas
Stay = tuple[int, int, int, int, float, float, int]  # layer, area, entry, exit, levels, activity


def draw_stays(bound: BoundRulebook, dice: random.Random, count: int) -> list[Stay]:
    """Stays of one flight in the order in which it enters."""
    spans = sorted(draw_span(dice) for _ in range(count))
    layers = [dice.choice([0, 0, 1, 2]) for _ in spans]
    areas = [dice.randrange(len(bound.atlas.layers[layer])) for layer in layers]
    return [
        (layer, area, *span, *draw_levels(dice), dice.choice([0, 0, 1, 2]))
        for layer, area, span in zip(layers, areas, spans, strict=True)
    ]


def fly_all(
    bound: BoundRulebook, flights: Sequence[tuple[FlightFacts, list[Stay]]], known_ms: int | None
) -> DecisionTable:
    """Judge the stays of all flights at once."""
    columns = np.array([stay for _, stays in flights for stay in stays]).reshape(-1, 7).T
    path = np.repeat(np.arange(len(flights)), [len(stays) for _, stays in flights])
    layer, area, entry_ms, exit_ms = columns[:4].astype(np.int64)
    nowhere = np.zeros(path.size)
    return judge_crossings(
        bound,
        Crossings(path.astype(np.int32), layer.astype(np.int8), area.astype(np.int32), nowhere,
                  nowhere),
        [facts for facts, _ in flights],
        entry_ms=entry_ms, exit_ms=exit_ms, lower_ft=columns[4], upper_ft=columns[5],
        activity=columns[6].astype(np.int64), known_ms=known_ms,
    )  # fmt: skip


def ask_one_by_one(
    bound: BoundRulebook, flights: Sequence[tuple[FlightFacts, list[Stay]]], known_ms: int | None
) -> Iterator[tuple[Question, bool]]:
    """What each stay asks, and whether its area is in use at all."""
    for facts, stays in flights:
        crossed = set(facts.crossed or ())
        for number, area, entry_ms, exit_ms, lower_ft, upper_ft, stay in stays:
            layer = bound.atlas.layers[number]
            in_use = bool(
                layer.valid_from_ms[area] <= entry_ms < layer.valid_to_ms[area]
                and layer.lower_ft[area] <= upper_ft
                and lower_ft < layer.upper_ft[area]
            )
            if in_use and layer.name == "territory":
                crossed.add(layer.designator[area])
            yield Question(
                STAYS[stay], (bound.place((layer.name, area)),), entry_ms, exit_ms,
                replace(facts, crossed=frozenset(crossed)), lower_ft, upper_ft, known_ms,
            ), in_use  # fmt: skip


def decide_stay(bound: BoundRulebook, question: Question) -> Decision:
    """In an airspace, rules that speak of aerodromes alone are not asked."""
    return decide(bound, question, rules=bound.overflight_rules)


def assert_same(
    table: DecisionTable, asked: Sequence[tuple[Question, bool]],
    ask: Callable[[BoundRulebook, Question], Decision] = decide_stay,
) -> None:  # fmt: skip
    """Every row of a table is what is decided on its question alone."""
    said = table.list_verdicts()
    rules = table._tables.bound.rulebook.rules
    assert len(table) == len(asked)
    for k, (question, in_use) in enumerate(asked):
        decision = ask(table._tables.bound, question)
        if not in_use:
            decision = replace(decision, outcome=Outcome.PERMITTED, verdicts=(), advisories=(),
                               presumed=(), not_judged=(), conditional=(), grounds=())  # fmt: skip
        assert table.decision(k) == decision
        assert table.outcome[k] == decision.outcome
        first = rules[table.rule[k]].id if table.rule[k] >= 0 else ""
        assert first == (decision.rules or ("",))[0]
        rows = said.row == k
        weights = sorted(zip(said.rule[rows].tolist(), said.weight[rows].tolist(), strict=True))
        expected = [
            (rules.index(verdict.rule), weight)
            for weight, verdicts in (
                *decision.grounds, (5, decision.presumed), (6, decision.not_judged),
                (7, decision.conditional),
            )
            for verdict in verdicts
        ]  # fmt: skip
        assert weights == sorted(expected)


# ------------------------------------------------------------------------------- random rulebooks
@many
@given(rules=rulebooks, dice=dice, held=held)
def test_ten_thousand_questions_at_once_get_the_answers_of_each(bind, rules, dice, held) -> None:
    bound = bind(rules, held)
    asked = [draw_question(dice) for _ in range(200)]
    table = judge_questions(bound, asked)
    assert [table.question(k) for k in range(len(asked))] == asked
    assert_same(table, [(question, True) for question in asked], decide)


@some
@given(rules=rulebooks, dice=dice, held=held, known=st.sampled_from([None, FIRST_MS, BREXIT_MS]))
def test_flights_know_what_they_crossed_and_areas_when_they_are_in_use(
    bind, rules, dice, held, known
) -> None:
    way = make_rule("R4", where=[{"anywhere": True}], flight=[{"crossed": ["LT", "GL"]}])
    bound = bind([*rules, way], held)
    flights = [(draw_facts(dice), draw_stays(bound, dice, dice.randint(0, 8))) for _ in range(20)]
    table = fly_all(bound, flights, known)
    assert_same(table, list(ask_one_by_one(bound, flights, known)))


@some
@given(rules=rulebooks, dice=dice)
def test_what_a_table_asks_comes_down_to_the_single_things_it_asks(bind, rules, dice) -> None:
    bound = bind(rules)
    tables = [table for rule in bound.rulebook.rules for table in walk_tables(bound.rulebook, rule)]
    flights = [draw_facts(dice) for _ in range(60)]
    for table in tables:
        parts = split_facts(table)
        answers: dict[object, object] = {}
        for facts in flights:
            key = tuple(judge_facts(part, facts, FIRST_MS) for part in parts)
            found = judge_facts(table, facts, FIRST_MS)
            assert answers.setdefault(key, found) == found


def test_a_question_is_asked_once_of_flights_alike_in_all_that_it_looks_at() -> None:
    facts = [
        FlightFacts("BRU", licensed, licensed, None, None, seats=seats)
        for licensed in ("BY", "LT", None)
        for seats in range(50)
    ]
    table, asked = tabulate_facts(facts * 20), []

    def ask(flight: FlightFacts) -> bool:
        asked.append(flight)
        return flight.licensed_in == "BY" and (flight.seats or 0) > 20

    looked_at, answers = classify(table, ask)
    assert looked_at == {"licensed_in", "seats"}
    classes, _ = table.sort_by(looked_at)
    assert [answers[i] for i in classes.tolist()] == [
        f.licensed_in == "BY" and (f.seats or 0) > 20 for f in facts * 20
    ]
    assert len(asked) < 2 * len(facts)
    assert classify(table, lambda f: ask(f) or f.operator)[0] == {
        "licensed_in",
        "seats",
        "operator",
    }
    assert classify(table, lambda f: f.operator) == ({"operator"}, ["BRU"])


# -------------------------------------------------------------------------------- shipped rulebook
def draw_world(world: Scenario, dice: random.Random) -> FlightFacts:
    """A flight between any aerodromes of the world, some facts unknown, some of it special."""
    operators, spots = list(world.operators.values()), list(world.aerodromes.values())
    who, home, away = dice.choice(operators), dice.choice(spots), dice.choice(spots)
    near = dice.choice(["BY", "RU", "UA", "LT", "US", who.state])
    return FlightFacts(
        who.icao, dice.choice([who.state, near]), dice.choice([who.state, near, None]),
        dice.choice([who.owner_state or who.state, near, None]),
        dice.choice([who.state, near, None]), dice.choice(["", "", near, None]),
        registration=dice.choice([None, "EW-366PA", "RA-73000"]),
        seats=dice.choice([180, 12, None]), us_origin=dice.choice([True, False, None]),
        scheduled=dice.choice([True, True, False, None]),
        service=dice.choice(["passenger", "cargo"]),
        origin=home.icao, origin_state=home.state, destination=away.icao,
        destination_state=away.state,
        filed_ms=dice.choice([None, parse_instant("2022-04-05T19:49Z") + dice.choice([0, 1])]),
        status=dice.choice([frozenset(), frozenset(), frozenset({"emergency"})]),
        derogations=dice.choice([frozenset(), frozenset({"EU-RU-01"})]),
        crossed=dice.choice([None, frozenset(), frozenset({"BY"})]),
    )  # fmt: skip


def test_shipped_law_over_any_area_in_any_year_is_that_of_single_questions(world) -> None:
    dice, bound = random.Random(20250915), world.bound
    dates = sorted(
        {ms for rule in bound.rulebook.rules for ms in (*rule.when.start, *rule.when.end)}
    )[1:-1]
    flights = []
    for _ in range(300):
        stays: list[Stay] = []
        clock = dice.choice(dates) - dice.randrange(4) * 900_000
        for _ in range(10):
            layer = dice.randrange(3)
            area = dice.randrange(len(bound.atlas.layers[layer]))
            length = dice.choice([0, 1, 600_000, 5_400_000])
            stays.append(
                (layer, area, clock, clock + length, *draw_levels(dice), dice.randrange(3))
            )
            clock += dice.choice([0, length])
        flights.append((draw_world(world, dice), stays))
    table = fly_all(bound, flights, None)
    assert_same(table, list(ask_one_by_one(bound, flights, None)))
    kinds = np.bincount(table.outcome, minlength=len(Outcome))
    assert kinds.all(), "the flights drawn meet no rule of some kind"


def test_shipped_law_as_known_when_flights_were_planned(world) -> None:
    dice, bound = random.Random(1), world.bound
    flights = [(draw_world(world, dice), draw_stays(bound, dice, 5)) for _ in range(50)]
    columns = tabulate_facts([facts for facts, _ in flights])
    known = [dice.choice([FIRST_MS, BREXIT_MS, BREXIT_MS + 1]) for _ in flights]
    whole = fly_all(bound, flights, None)
    rows = whole._rows
    layer, activity = rows.layer % 3, rows.layer // 3
    found = Crossings(rows.flight, layer, rows.area, rows.lower_ft, rows.upper_ft)
    table = judge_crossings(
        bound, found, columns, entry_ms=rows.entry_ms, exit_ms=rows.exit_ms,
        lower_ft=rows.lower_ft, upper_ft=rows.upper_ft, activity=activity, known_ms=known,
    )  # fmt: skip
    asked = [
        one
        for flight, known_ms in zip(flights, known, strict=True)
        for one in ask_one_by_one(bound, [flight], known_ms)
    ]
    assert_same(table, asked)


# ------------------------------------------------------------------------------------------ pieces
@pytest.fixture(scope="module")
def flown(bind) -> tuple[BoundRulebook, list[tuple[FlightFacts, list[Stay]]]]:
    """Flights over a small world with rules of most kinds."""
    dice = random.Random(7)
    rules = [
        make_rule("R1", where=[{"territory": ["LT", "GB"]}], when={"daily": ["22:00-05:30"]}),
        make_rule("R2", where=[{"anywhere": True}], who=[{"owned_in": ["BY"]}], force="advisory"),
        make_rule("R3", where=[{"fir": ["EYVL"]}], flight=[{"crossed": ["BY"]}]),
    ]
    bound = bind(rules)
    return bound, [(draw_facts(dice), draw_stays(bound, dice, 12)) for _ in range(1500)]


def test_threads_change_nothing(flown) -> None:
    tables = []
    for threads in (1, 2):
        given, threads = numba.get_num_threads(), min(threads, numba.config.NUMBA_NUM_THREADS)
        numba.set_num_threads(threads)
        tables.append(fly_all(*flown, None))
        numba.set_num_threads(given)
    one, two = tables
    assert len(one) > 3 * 4096  # several blocks
    for name in ("outcome", "rule", "said"):
        assert np.array_equal(getattr(one, name), getattr(two, name))
    assert one.count_deciding() == two.count_deciding()
    assert set(one.count_deciding()) == {"R1", "R2", "R3"}


def test_pieces_are_the_whole(flown) -> None:
    bound, flights = flown
    whole = fly_all(bound, flights, None)
    rows = whole._rows
    tables = lay_out_rules(
        bound, [facts for facts, _ in flights], first_ms=FIRST_MS - 1,
        last_ms=int(rows.exit_ms.max()) + 1,
    )  # fmt: skip
    for first, last in ((0, 12 * 400), (12 * 400, 12 * 401), (12 * 401, len(whole))):
        cut = slice(first, last)
        part = tables.judge(
            Crossings(rows.flight[cut], rows.layer[cut] % 3, rows.area[cut], rows.lower_ft[cut],
                      rows.upper_ft[cut]),
            rows.entry_ms[cut], rows.exit_ms[cut], rows.lower_ft[cut], rows.upper_ft[cut],
            rows.layer[cut] // 3,
        )  # fmt: skip
        assert np.array_equal(part.outcome, whole.outcome[cut])
        assert np.array_equal(part.rule, whole.rule[cut])


def test_nothing_asked_or_no_rule_is_no_error(bind) -> None:
    for rules in ([], [make_rule("R1", where=[{"anywhere": True}])]):
        assert len(judge_questions(bind(rules), [])) == 0
        assert len(fly_all(bind(rules), [], None)) == 0
    dice = random.Random(3)
    asked = [draw_question(dice) for _ in range(5)]
    table = judge_questions(bind([]), asked)
    assert table.outcome.tolist() == [Outcome.PERMITTED] * 5
    assert table.rule.tolist() == [-1] * 5
    assert table.decision(2) == decide(bind([]), asked[2])


# --------------------------------------------------------------------------------------- bad input
@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"path": [0, 2]}, "path of row 1: has no facts"),
        ({"path": [1, 0]}, "path of row 0: is not sorted"),
        ({"layer": [0, 3]}, "layer of row 1: is none of the atlas"),
        ({"area": [4, 0]}, "area of row 0: is none of its layer"),
        ({"entry_ms": [5, 0]}, "entry_ms of row 0: is after exit_ms"),
        ({"upper_ft": [100.0, np.nan]}, "lower_ft of row 1: is not up to upper_ft"),
        ({"activity": [0, 3]}, "activity of row 1: is none of a stay"),
        ({"exit_ms": [1, 1, 1]}, "exit_ms: is not as long as the crossings"),
    ],
)
def test_bad_crossings_are_named(bind, change, problem) -> None:
    given = {
        "path": [0, 1], "layer": [0, 0], "area": [0, 1], "entry_ms": [0, 0], "exit_ms": [1, 1],
        "lower_ft": [0.0, 0.0], "upper_ft": [100.0, 100.0], "activity": [0, 1], **change,
    }  # fmt: skip
    ends = [np.array(given.pop(name)) for name in ("path", "layer", "area")]
    with pytest.raises(InputError, match=problem):
        judge_crossings(
            bind([make_rule("R1", where=[{"anywhere": True}])]),
            Crossings(*ends, np.zeros(2), np.zeros(2)),  # type: ignore[arg-type]
            [draw_facts(random.Random(k)) for k in range(2)],
            **given,
        )


def test_rows_outside_of_what_was_laid_out_are_refused(bind) -> None:
    facts = [draw_facts(random.Random(0))]
    tables = lay_out_rules(bind([]), facts, first_ms=10, last_ms=20, longest_ms=5)
    where = Crossings(*(np.zeros(1, dtype) for dtype in ("i4", "i1", "i4", "f8", "f8")))
    for span, problem in (((9, 12), "before"), ((18, 21), "after the batch"), ((11, 17), "longer")):
        with pytest.raises(InputError, match=problem):
            tables.judge(where, [span[0]], [span[1]], [0.0], [0.0])
    assert len(tables.judge(where, [10], [15], [0.0], [0.0])) == 1


def test_bad_columns_of_facts_are_named() -> None:
    given = {name: make_column(["BY", "BY"]) for name in (
        "operator", "licensed_in", "registered_in", "owned_in", "controlled_in")}  # fmt: skip
    assert FactsTable(2, given).row(1) == FlightFacts(*["BY"] * 5)
    with pytest.raises(InputError) as error:
        FactsTable(2, {
            **{name: column for name, column in given.items() if name != "owned_in"},
            "colour": make_column(["red", "red"]), "seats": make_column([1, 2, 3]),
            "service": FactColumn(["cargo"], np.array([0, 1])),
        })  # fmt: skip
    said = str(error.value)
    for problem in (
        "colour",
        "owned_in: is missing",
        r"seats: has shape (3,)",
        "service: has codes",
    ):
        assert problem in said


def test_a_test_of_the_way_that_rows_do_not_tell_is_refused(bind, monkeypatch) -> None:
    """Were a new test to look at the way flown, tables would have to learn to tell it apart."""
    rule: Rule = make_rule("R1", where=[{"anywhere": True}], flight=[{"service": ["cargo"]}])

    def nosy(table: object, facts: FlightFacts, at_ms: int) -> object:
        return facts.crossed is None, frozenset()

    monkeypatch.setattr("airsim.permission.layout.judge_facts", nosy)
    with pytest.raises(NotImplementedError, match="way flown"):
        judge_questions(bind([rule]), [draw_question(random.Random(k)) for k in range(9)])
