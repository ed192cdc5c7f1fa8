"""Lint: what it finds, that it is silent on sound law, and that what it says is true."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from oracle import make_rule
from small_law import (
    FLIGHT,
    IDS,
    WHO,
    instants,
    one_of,
    prohibitions,
    questions,
    rulebooks,
    shuffle_rule,
)

from airsim.base import parse_instant
from airsim.law import (
    LintFinding,
    Question,
    Rule,
    Rulebook,
    covers_scope,
    judge_rule,
    lint_rulebook,
    make_rulebook,
)
from airsim.scenario import area_lives, known_names

HERE: dict[str, Any] = {"where": [{"territory": ["LT"]}]}
BOTH: dict[str, Any] = {"who": [{"licensed_in": ["BY"]}, {"registered_in": ["BY"]}]}
KNOWN = {
    "fir": {"EYVL", "OBBB", "OTDF"}, "zone": {"EP-R129"}, "aerodrome": {"EYVI", "EYKA"},
    "operator": {"BRU"}, "typecode": {"B738"},
}  # fmt: skip
LIVES = {("fir", "OTDF"): [(parse_instant("2022-09-08"), parse_instant("2100-01-01"))]}


def unless(name: str, **table: Any) -> dict[str, Any]:
    return {"id": name, "title": name} | table


def licence(name: str, *relieves: str, **table: Any) -> Rule:
    return make_rule(name, effect="permit", relieves=list(relieves), **table)


def lint(*rules: Rule, at: str = "") -> list[LintFinding]:
    at_ms = parse_instant(at) if at else None
    return list(lint_rulebook(make_rulebook(rules), KNOWN, lives=LIVES, at_ms=at_ms))


def findings(*rules: Rule, at: str = "") -> list[tuple[str, str, str]]:
    return [(f.level, f.rule_id, f.message) for f in lint(*rules, at=at)]


# ------------------------------------------------------------------------------- sound rulebooks
SOUND = [
    [make_rule("R1", **HERE), licence("L1", "R1", who=[{"operator": ["BRU"]}])],
    # An exception inside its rule, by aerodrome for landings, by State for overflight.
    [
        make_rule(
            "R1",
            activities=["landing"],
            where=[{"territory": ["LT"]}],
            unless=[unless("x", where=[{"aerodrome": ["EYVI"]}])],
        )
    ],
    [
        make_rule(
            "R1",
            where=[{"territory": ["LT", "LV"]}],
            unless=[unless("x", where=[{"territory": ["LV"]}])],
        )
    ],
    # An airway through a closed region.
    [
        make_rule(
            "R1", where=[{"fir": ["OBBB"]}], unless=[unless("x", where=[{"zone": ["EP-R129"]}])]
        )
    ],
    # Neither is inside the other: carriers here, aircraft there; other dates; other regimes.
    [
        make_rule("R1", who=[{"licensed_in": ["BY"]}], **HERE),
        make_rule("R2", who=[{"registered_in": ["BY"]}], **HERE),
    ],
    [
        make_rule("R1", when={"to": "2022-01-01"}, **HERE),
        make_rule("R2", when={"from": "2021-06-01"}, **HERE),
    ],
    [make_rule("R1", regime="EU", **HERE), make_rule("R2", regime="UK", **HERE)],
    [make_rule("R1", force="advisory", **HERE), make_rule("R2", **HERE)],
    # The wider one is lifted by a licence that leaves the narrower one standing.
    [
        make_rule("R1", **HERE),
        make_rule("R2", who=[{"operator": ["BRU"]}], **HERE),
        licence("L1", "R1", who=[{"typecode": ["B738"]}]),
    ],
    # Nights by the sun of two places are two schedules; a share of content is a threshold.
    [
        make_rule("R1", when={"daily": ["sunset-sunrise"], "sun_at": [25.0, 54.0]}, **HERE),
        make_rule("R2", when={"daily": ["sunset-sunrise"], "sun_at": [25.0, 55.0]}, **HERE),
    ],
    [
        make_rule("R1", when={"to": "2022-01-01"}, **HERE),
        make_rule("R2", when={"from": "2022-01-01"}, replaces=["R1"], **HERE),
    ],
    # A derogation is granted from one rule by name: the other stands.
    [
        make_rule("R1", unless=[unless("x", permission_of="LT")], **HERE),
        make_rule("R2", unless=[unless("x", permission_of="LT")], **HERE),
    ],
    # A ban published earlier and a wider one published later: on the day between, only one is
    # known.
    [
        make_rule("R1", when={"published": "2022-02-02", "from": "2022-02-02"}, **HERE),
        make_rule("R2", when={"published": "2022-02-01", "from": "2022-02-02"}, **BOTH, **HERE),
    ],
]


@pytest.mark.parametrize("rules", SOUND)
def test_lint_is_silent_on_sound_law(rules: list[Rule]) -> None:
    assert findings(*rules) == []


# ------------------------------------------------------------------------------------ what it finds
FOUND: list[tuple[list[Rule], str, str, str]] = [
    ([make_rule("R1")], "error", "R1", "says nowhere"),
    ([make_rule("R1", reference={"instrument": "i"}, **HERE)], "warning", "R1", "no source"),
    (
        [make_rule("R1", when={"from": "2022-01-01"}, last_evidence="2021-01-01", **HERE)],
        "warning", "R1", "older than its publication",
    ),
    (
        [make_rule("R1", when={"from": "2022-01-01", "published": "2022-01-02"}, **HERE)],
        "warning", "R1", "after it came into force",
    ),
    (
        [make_rule("R1", when={"to": "2022-01-01", "published": "2022-01-01"}, **HERE)],
        "error", "R1", "published after it had ended",
    ),
    # 10 September 2025 is a Wednesday.
    (
        [make_rule("R1", when={"from": "2025-09-10", "to": "2025-09-11", "weekly": [1]}, **HERE)],
        "error", "R1", "never in force",
    ),
    (
        [make_rule("R1", who=[{"operator": ["BRU"], "operator_not": ["BRU"]}], **HERE)],
        "error", "R1", "'who' asks for what it rules out",
    ),
    (
        [make_rule("R1", flight=[{"origin_in": ["BY"], "origin_not_in": ["BY", "RU"]}], **HERE)],
        "error", "R1", "'flight' asks for what it rules out",
    ),
    (
        [make_rule("R1", where=[{"territory": ["LT"], "except_territory": ["LT"]}])],
        "error", "R1", "excepts every place",
    ),
    # --- areas that are not there yet
    (
        [make_rule("R1", when={"to": "2021-01-05"}, where=[{"fir": ["OTDF"]}])],
        "error", "R1", "is dead: fir OTDF does not exist",
    ),
    (
        [make_rule("R1", when={"to": "2021-01-05"}, where=[{"fir": ["OBBB", "OTDF"]}])],
        "warning", "R1", "fir OTDF does not exist",
    ),
    # --- contradictions: a ban and what takes all of it away
    (
        [make_rule("R1", **HERE), licence("L1", "R1")],
        "error", "R1", "never binds: L1 permits all that it forbids",
    ),
    (
        [make_rule("R1", unless=[unless("x", when={"to": "2100-01-01"})],
                   when={"to": "2100-01-01"}, **HERE)],
        "error", "R1", "never binds: its exception 'x'",
    ),
    (
        [make_rule("R1", who=[{"operator": ["BRU"]}], **HERE),
         make_rule("R2", who=[{"typecode": ["B738"]}], **HERE),
         licence("L1", "R2", who=[{"operator": ["BRU"]}])],
        "warning", "L1", "permits all that R1 forbids, but does not relieve it",
    ),
    # --- licences that do nothing
    ([licence("L1", "R9")], "warning", "L1", "R9, which is not here"),
    (
        [make_rule("R1", regime="EU", **HERE), licence("L1", "R1", regime="UK")],
        "error", "L1", "another regime",
    ),
    (
        [make_rule("R1", when={"to": "2021-01-01"}, **HERE),
         licence("L1", "R1", when={"from": "2021-01-01"})],
        "warning", "L1", "never in force together",
    ),
    (
        [make_rule("R1", **HERE), licence("L1", "R1", activities=["landing"])],
        "warning", "L1", "relieves nothing of R1",
    ),
    (
        [make_rule("R1", **HERE), licence("L1", "R1", where=[{"territory": ["LV"]}])],
        "warning", "L1", "relieves nothing of R1",
    ),
    (
        [make_rule("R1", **BOTH, **HERE), licence("L1", "R1", who=[{"operator": ["BRU"]}]),
         licence("L2", "L1", who=[{"operator": ["BRU"]}])],
        "error", "L2", "forbids nothing",
    ),
    (
        [make_rule("R1", **HERE), licence("L1", "R1", who=[{"operator": ["BRU"]}]),
         licence("L2", "R1", who=[{"operator": ["BRU"], "typecode": ["B738"]}])],
        "warning", "L2", "relieves nothing of R1 that L1 does not relieve",
    ),
    (
        [make_rule("R1", **HERE), licence("L1", "R1", who=[{"operator": ["BRU"]}]),
         licence("L2", "R1", who=[{"typecode": ["B738"]}])],
        "note", "L2", "overlaps L1: both relieve R1",
    ),
    # --- exceptions that do nothing
    (
        [make_rule("R1", unless=[unless("x", activities=["landing"])], **HERE)],
        "warning", "R1", "exception 'x' frees nothing",
    ),
    (
        [make_rule("R1", where=[{"fir": ["OBBB"]}],
                   unless=[unless("x", where=[{"fir": ["EYVL"]}])])],
        "warning", "R1", "exception 'x' frees nothing",
    ),
    (
        [make_rule("R1", where=[{"anywhere": True}],
                   unless=[unless("airway", where=[{"zone": ["EP-R129"]}])])],
        "warning", "R1", "exception 'airway', by place, opens no airspace",
    ),
    # --- rules in the shadow of others
    (
        [make_rule("R1", **HERE), make_rule("R2", who=[{"operator": ["BRU"]}], **HERE)],
        "warning", "R2", "changes nothing: R1",
    ),
    (
        [make_rule("R1", who=[{"licensed_in_group": "EU"}], **HERE),
         make_rule("R2", who=[{"licensed_in": ["LT", "LV"]}], **HERE)],
        "warning", "R2", "changes nothing: R1",
    ),
    (
        [make_rule("R1", where=[{"territory": ["LT"], "fir": ["EYVL"]}]),
         make_rule("R2", effect="require-permit", **HERE)],
        "warning", "R2", "changes nothing: R1",
    ),
    ([make_rule("R1", **HERE), make_rule("R2", **HERE)], "warning", "R2", "the same as R1"),
    (
        [make_rule("R1", who=[{"us_content_over": 10}], **HERE),
         make_rule("R2", who=[{"us_content_over": 25}], **HERE)],
        "warning", "R2", "changes nothing: R1",
    ),
    # --- versions
    ([make_rule("R2", replaces=["R0"], **HERE)], "warning", "R2", "replaces R0, which is not"),
    (
        [make_rule("R1", when={"to": "2022-02-01"}, **HERE),
         make_rule("R2", when={"from": "2022-01-01"}, replaces=["R1"], **HERE)],
        "warning", "R2", "replaces R1, which runs on beside it",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("rules", "level", "rule_id", "words"), FOUND)
def test_lint_finds(rules: list[Rule], level: str, rule_id: str, words: str) -> None:
    ((found_level, found_id, message),) = findings(*rules)
    assert (found_level, found_id) == (level, rule_id)
    assert words in message


def test_the_united_kingdom_was_not_always_in_the_group_nor_ever_out_of_it() -> None:
    group = make_rule("R1", who=[{"licensed_in_group": "EU"}], **HERE)
    british = make_rule("R2", who=[{"licensed_in": ["GB"]}], **HERE)
    assert findings(group, british) == []
    assert findings(group, make_rule("R2", who=[{"licensed_in": ["FR"]}], **HERE)) != []


# -------------------------------------------------------------------------------- dates asked about
def test_what_has_expired_or_was_last_read_before_the_day_is_noted_only_when_a_day_is_asked() -> (
    None
):
    old = make_rule(
        "R1", when={"to": "2022-01-01"}, reference={"instrument": "A", "url": "u"}, **HERE
    )
    new = make_rule(
        "R2", when={"from": "2022-01-01"}, last_evidence="2022-06-01",
        reference={"instrument": "B", "url": "u"}, **HERE,
    )  # fmt: skip
    assert findings(old, new) == []
    assert findings(old, new, at="2021-12-31") == []
    assert findings(old, new, at="2022-06-01") == [("note", "R1", "expired on 2022-01-01: A")]
    assert findings(old, new, at="2022-06-02") == [
        ("note", "R1", "expired on 2022-01-01: A"),
        ("note", "R2", "was last read on 2022-06-01, before 2022-06-02"),
    ]


def test_an_instrument_has_not_expired_while_one_of_its_rules_runs() -> None:
    act = {"instrument": "A", "url": "u"}
    old = make_rule("R1", when={"to": "2022-01-01"}, reference=act, **HERE)
    new = make_rule("R2", when={"from": "2022-01-01"}, reference=act, **HERE)
    assert findings(old, new, at="2023-01-01") == []


# ------------------------------------------------------------------------------------------- names
def test_lint_finds_names_that_dangle_even_in_exceptions_of_exceptions() -> None:
    nested = unless("y", where=[{"zone": ["NO-ZONE"]}], flight=[{"origin": ["XXXX"]}])
    outer = unless("x", who=[{"typecode": ["B738"], "operator": ["ZZZ"]}], unless=[nested])
    rule = make_rule(
        "R1", where=[{"fir": ["EYVL", "NOFI"], "zone": ["EP-R12"]}], who=[{"typecode": ["B7X7"]}],
        unless=[unless("z", unless=[outer], flight=[{"scheduled": False}])],
    )  # fmt: skip
    (found,) = [
        [(f.message, f.remedy) for f in lint_rulebook(make_rulebook([rule]), known) if f.remedy]
        for known in [KNOWN]
    ]
    assert sorted(found) == [
        ("unknown aerodrome 'XXXX'", "write the ICAO location indicator, as EYVI"),
        ("unknown fir 'NOFI'", "write its designator, as EYVL"),
        ("unknown operator 'ZZZ'", "write the ICAO designator, as BRU"),
        ("unknown typecode 'B7X7'", "write the ICAO type designator, as B738"),
        ("unknown zone 'EP-R12'", "did you mean EP-R129?"),
        ("unknown zone 'NO-ZONE'", "define it in the zones file of the scenario"),
    ]
    assert lint_rulebook(make_rulebook([rule]), {"fir": {"EYVL", "NOFI"}}) == ()


def test_a_name_of_another_kind_is_recognised() -> None:
    rule = make_rule("R1", where=[{"zone": ["OBBB"], "fir": ["EYVI"]}])
    assert [(f.message, f.remedy) for f in lint(rule)] == [
        ("unknown fir 'EYVI'", "EYVI is not a fir but: aerodrome"),
        ("unknown zone 'OBBB'", "OBBB is not a zone but: fir"),
    ]


# ------------------------------------------------------------------------------------- as shipped
# Warnings that stay, each with its reason.
JUSTIFIED = {
    (
        "EASA-BY-02",
        "changes nothing",
    ): "another act, for other addressees, a week later",
}


def test_the_shipped_rulebook_has_no_error_and_only_justified_warnings(rulebook: Rulebook) -> None:
    found = lint_rulebook(rulebook, known_names(), lives=area_lives())
    assert [f for f in found if f.level == "error"] == []
    warnings = {(f.rule_id, f.message) for f in found if f.level == "warning"}
    unexplained = {
        (rule_id, message)
        for rule_id, message in warnings
        if not any(rule_id == its and words in message for its, words in JUSTIFIED)
    }
    assert unexplained == set()


# ---------------------------------------------------------------------------- on random rulebooks
many = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def scope_truth(rule: Rule, question: Question) -> bool | None:
    """Whether a rule, its exceptions heeded, applies by itself."""
    return judge_rule(make_rulebook([rule]), rule, question).truth


def is_real(question: Question) -> bool:
    """Nothing lies in two territories or two regions at once."""
    layers = [place.layer for place in question.places]
    return max(layers.count("territory"), layers.count("fir")) <= 1


@many
@given(rules=rulebooks, seed=st.integers(0, 99), at_ms=st.none() | instants())
def test_lint_never_fails_and_does_not_depend_on_order(rules, seed, at_ms) -> None:
    dice = random.Random(seed)
    mixed = [shuffle_rule(rule, dice) for rule in dice.sample(rules, len(rules))]
    first, second = (
        lint_rulebook(make_rulebook(book), KNOWN, lives=LIVES, at_ms=at_ms)
        for book in (rules, mixed)
    )
    assert first == second


@st.composite
def narrowed(draw: st.DrawFn, rule: Rule) -> Rule:
    """The same rule with less in its scope."""
    data = rule.model_dump(by_alias=True, exclude_unset=True)
    data["id"] = "N1"
    what = draw(st.sets(one_of(["activities", "who", "flight", "where", "unless"])))
    if "activities" in what:
        data["activities"] = data["activities"][:1]
    for field, choices in (("who", WHO), ("flight", FLIGHT)):
        if field in what:
            tests = data.get(field) or [draw(one_of(choices))]
            data[field] = list(tests)[:1]
    if "where" in what and rule.where:
        data["where"] = list(data["where"])[:1]
    if "unless" in what:
        extra = {"id": "e", "title": "e", "flight": [draw(one_of(FLIGHT))]}
        data["unless"] = [*data.get("unless", ()), extra]
    return Rule.model_validate(data)


@many
@given(pair=prohibitions("R1").flatmap(lambda r: st.tuples(st.just(r), narrowed(r))))
def test_a_narrowed_rule_is_seen_to_lie_inside(pair) -> None:
    wide, narrow = pair
    assert covers_scope(wide, narrow)


@many
@given(
    one=prohibitions("R1"), other=prohibitions("R2"), question=questions(), data=st.data(),
)  # fmt: skip
def test_what_lies_inside_applies_only_where_the_wider_one_applies(
    one, other, question, data
) -> None:
    inner = data.draw(st.just(other) | narrowed(one))
    assume(covers_scope(one, inner))
    wide, narrow = scope_truth(one, question), scope_truth(inner, question)
    assert narrow is not True or wide is True
    assert wide is not False or narrow is False


@settings(many, max_examples=400)
@given(rules=rulebooks, question=questions().filter(is_real))
def test_what_lint_says_of_dead_rules_is_true_of_every_question(rules, question) -> None:
    book = make_rulebook(rules)
    for found in lint_rulebook(book):
        rule = book.by_id[found.rule_id]
        if "never binds" in found.message or "rules out" in found.message:
            assert judge_rule(book, rule, question).truth is not True
        if "relieves nothing of" in found.message and rule.id.startswith("L"):
            target = book.by_id[found.message.split(" of ")[1][:2]]
            without = make_rulebook([r for r in rules if r is not rule])
            assert target.id in IDS
            verdicts = (judge_rule(b, target, question).truth for b in (book, without))
            assert len(set(verdicts)) == 1
        if "frees nothing" in found.message:
            name = found.message.split("'")[1]
            kept = tuple(u for u in rule.unless if u.id != name)
            bare = rule.model_copy(update={"unless": kept})
            if len(kept) == len(rule.unless) - 1:
                bare_book = make_rulebook([bare if r is rule else r for r in rules])
                verdicts = (judge_rule(b, r, question).truth
                            for b, r in ((book, rule), (bare_book, bare)))  # fmt: skip
                assert len(set(verdicts)) == 1
