"""Rules as data: each predicate both ways and without its fact, dates, exceptions, licences."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from math import asin, atan2, cos, degrees, radians, sin
from pathlib import Path
from typing import Any

import jsonschema
import oracle
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from oracle import make_rule

from airsim.base import OPEN_TO, InputError, find_resource, format_instant, parse_instant
from airsim.law import (
    Amendment,
    FlightFacts,
    Place,
    Question,
    Rule,
    Rulebook,
    Verdict,
    amend_rulebook,
    judge_rule,
    judge_time,
    load_rulebook,
    make_rulebook,
    parse_amendments,
    parse_rules,
    read_rules,
    rulebook_schema,
)

DAY_MS = 86_400_000
LITHUANIA = Place("territory", "LT", "LT", True)
BELAVIA = FlightFacts(
    "BRU", "BY", "BY", "BY", "BY", registration="EW-366PA", typecode="B738", seats=189,
    us_origin=True, origin="UMMS", destination="EYVI", origin_state="BY", destination_state="LT",
    crossed=frozenset({"BY"}), filed_ms=parse_instant("2022-04-05T12:00Z"), item="EAR99",
)  # fmt: skip


def judge(rule: Rule, *others: Rule, at: str = "2022-04-05T12:00Z", **asked: Any) -> Verdict:
    """Verdict on one rule; keywords are fields of the question or facts of the flight."""
    spot = {"activity": "overflight", "places": (LITHUANIA,), "until": at}
    known = asked.pop("known", None)
    more = {name: asked.pop(name) for name in ("lower_ft", "upper_ft") if name in asked}
    spot |= {name: asked.pop(name) for name in spot if name in asked}
    question = Question(
        spot["activity"], spot["places"], parse_instant(at), parse_instant(spot["until"]),
        replace(BELAVIA, **asked), known_ms=None if known is None else parse_instant(known), **more,
    )  # fmt: skip
    return judge_rule(make_rulebook([rule, *others]), rule, question)


# ---------------------------------------------------------------------- three-valued predicates
# (table, test, facts that meet it, facts that fail it, the fact without which it is unknown)
PREDICATES: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any], str]] = [
    ("who", {"operator": ["BRU"]}, {}, {"operator": "THY"}, ""),
    ("who", {"operator_not": ["THY"]}, {}, {"operator": "THY"}, ""),
    ("who", {"licensed_in": ["BY"]}, {}, {"licensed_in": "TR"}, "licensed_in"),
    ("who", {"licensed_not_in": ["TR"]}, {}, {"licensed_in": "TR"}, "licensed_in"),
    ("who", {"licensed_in_group": "EU"}, {"licensed_in": "LT"}, {}, "licensed_in"),
    ("who", {"registered_in": ["BY"]}, {}, {"registered_in": "TR"}, "registered_in"),
    ("who", {"registered_in_group": "EU"}, {"registered_in": "LT"}, {}, "registered_in"),
    ("who", {"registration": ["EW-366PA"]}, {}, {"registration": "EW-1"}, "registration"),
    ("who", {"registration_not": ["EW-1"]}, {}, {"registration": "EW-1"}, "registration"),
    ("who", {"owned_in": ["BY"]}, {}, {"owned_in": "IE"}, "owned_in"),
    ("who", {"controlled_in": ["BY"]}, {}, {"controlled_in": "TR"}, "controlled_in"),
    ("who", {"chartered_in": ["RU"]}, {"chartered_in": "RU"}, {}, "chartered_in"),
    ("who", {"decided_in": ["RU"]}, {"decided_in": "RU"}, {"decided_in": "TR"}, "decided_in"),
    ("who", {"marketed_in": ["BY"]}, {"marketed_in": frozenset({"AZ", "BY"})}, {}, "marketed_in"),
    ("who", {"designated": ["EU"]}, {"designated": frozenset({"EU"})}, {}, "designated"),
    ("who", {"us_content_over": 25}, {"us_content": 25.1}, {"us_content": 25.0}, "us_content"),
    ("who", {"us_origin": True}, {}, {"us_origin": False}, "us_origin"),
    ("who", {"us_origin": False}, {"us_origin": False}, {}, "us_origin"),
    ("who", {"typecode": ["B738"]}, {}, {"typecode": "E195"}, "typecode"),
    ("who", {"max_seats": 189}, {}, {"seats": 190}, "seats"),
    ("flight", {"scheduled": True}, {}, {"scheduled": False}, "scheduled"),
    ("flight", {"service": ["cargo"]}, {"service": "cargo"}, {}, ""),
    ("flight", {"origin_in": ["BY"]}, {}, {"origin_state": "RU"}, ""),
    ("flight", {"origin_not_in": ["RU"]}, {}, {"origin_state": "RU"}, ""),
    ("flight", {"destination_in": ["LT"]}, {}, {"destination_state": "LV"}, ""),
    ("flight", {"destination_not_in": ["LV"]}, {}, {"destination_state": "LV"}, ""),
    ("flight", {"origin": ["UMMS"]}, {}, {"origin": "UMGG"}, ""),
    ("flight", {"destination": ["EYVI"]}, {}, {"destination": "EYKA"}, ""),
    ("flight", {"destination_not": ["EYKA"]}, {}, {"destination": "EYKA"}, ""),
    ("flight", {"plan_aerodrome_in": ["RU"]}, {"stops": (("UUEE", "RU"),)}, {}, ""),
    ("flight", {"crossed": ["BY", "RU"]}, {}, {"crossed": frozenset({"PL"})}, "crossed"),
    ("flight", {"filed_after": "2022-04-05T11:59Z"}, {}, {"filed_ms": 0}, "filed_ms"),
    ("flight", {"item": ["EAR99"]}, {}, {"item": "ITAR"}, "item"),
    ("flight", {"status": ["emergency"]}, {"status": frozenset({"emergency"})}, {}, ""),
]  # fmt: skip


@pytest.mark.parametrize(("table", "test", "meets", "fails", "fact"), PREDICATES)
def test_a_predicate_holds_fails_or_lacks_its_fact(table, test, meets, fails, fact) -> None:
    rule = make_rule("R1", **{table: [test]})
    assert judge(rule, **meets).truth is True
    assert judge(rule, **fails).truth is False
    if fact:
        unsure = judge(rule, **meets | {fact: None})
        assert unsure.truth is None
        assert unsure.missing == {fact.removesuffix("_ms")}


def test_the_filing_limit_itself_is_not_after_it() -> None:
    rule = make_rule("R1", flight=[{"filed_after": "2022-04-05T12:00Z"}])
    assert judge(rule).truth is False
    assert judge(rule, filed_ms=parse_instant("2022-04-05T12:00Z") + 1).truth is True


def test_known_to_be_none_is_not_unknown() -> None:
    assert judge(make_rule("R1", who=[{"chartered_in": ["RU"]}]), chartered_in="").truth is False


def test_fields_are_joined_by_and_lists_by_or() -> None:
    both = make_rule("R1", who=[{"operator": ["BRU"], "owned_in": ["BY"]}])
    either = make_rule("R1", who=[{"operator": ["THY"]}, {"owned_in": ["BY"]}])
    assert judge(both, owned_in="IE").truth is False
    assert judge(either, owned_in="IE").truth is False
    assert judge(either).truth is True
    # A missing fact decides nothing where another already does.
    assert judge(both, operator="THY", owned_in=None).truth is False
    assert judge(either, operator="THY", owned_in=None).truth is True
    assert judge(either, owned_in=None).missing == {"owned_in"}


def test_unknown_names_every_missing_fact() -> None:
    rule = make_rule("R1", who=[{"owned_in": ["BY"], "controlled_in": ["BY"]}])
    assert judge(rule, owned_in=None, controlled_in=None).missing == {"owned_in", "controlled_in"}


def test_group_members_are_those_of_the_day() -> None:
    carriers = make_rule("R1", who=[{"licensed_in_group": "EU"}])
    air = make_rule("R2", where=[{"territory_group": "EU"}])
    britain = (Place("territory", "GB", "GB"),)
    for at, member in (("2020-01-31T22:59Z", True), ("2020-01-31T23:00Z", False)):
        assert judge(carriers, at=at, licensed_in="GB").truth is member
        assert judge(air, at=at, places=britain).truth is member


WHERE = [
    ({"territory": ["LT"]}, LITHUANIA, True),
    ({"territory": ["LV"]}, LITHUANIA, False),
    ({"territory": ["LT"]}, Place("fir", "LT"), False),
    ({"eu_territory": True}, LITHUANIA, True),
    ({"eu_territory": True}, Place("territory", "GL", "DK"), False),
    ({"territory_group": "EU", "except_territory": ["LT"]}, LITHUANIA, False),
    ({"territory_group": "EU", "anywhere": True}, Place("territory", "BY", "BY"), True),
    ({"fir": ["EYVL"]}, Place("fir", "EYVL", "LT"), True),
    ({"fir": ["EYVL"]}, Place("zone", "EYVL"), False),
    ({"zone": ["LT-STRIP"]}, Place("zone", "LT-STRIP"), True),
    ({"aerodrome": ["EYVI"]}, Place("aerodrome", "EYVI", "LT"), True),
    ({"aerodrome": ["EYVI"]}, LITHUANIA, False),
    ({"anywhere": True}, Place("fir", "EYVL", "LT"), True),
    ({"anywhere": True, "except_territory": ["LT"]}, Place("aerodrome", "EYVI", "LT"), False),
    ({"anywhere": True, "except_territory": ["LT"]}, Place("fir", "EYVL", "LT"), True),
    ({"territory": ["LV"], "fir": ["EYVL"]}, Place("fir", "EYVL", "LT"), True),
]


@pytest.mark.parametrize(("where", "place", "named"), WHERE)
def test_a_place_is_named_by_its_own_layer(where, place, named) -> None:
    assert judge(make_rule("R1", where=[where]), places=(place,)).truth is named


def test_a_landing_happens_in_all_airspaces_over_the_aerodrome() -> None:
    rule = make_rule("R1", activities=["landing"], where=[{"fir": ["EYVL"]}])
    around = (Place("aerodrome", "EYVI", "LT"), LITHUANIA, Place("fir", "EYVL", "LT"))
    assert judge(rule, activity="landing", places=around).truth is True
    assert judge(rule, activity="landing", places=around[:2]).truth is False
    assert judge(rule, activity="take-off", places=around).truth is False


@pytest.mark.parametrize(
    ("low", "high", "meets"),
    [(0, 9_499, True), (9_500, 9_500, False), (8_000, 35_000, True), (35_000, 37_000, False)],
)
def test_levels_hold_from_the_lower_up_to_below_the_upper(low, high, meets) -> None:
    rule = make_rule("R1", levels={"lower_ft": 0, "upper_ft": 9_500})
    assert judge(rule, lower_ft=low, upper_ft=high).truth is meets
    above = make_rule("R1", levels={"lower_ft": 9_500, "upper_ft": 99_999})
    assert judge(above, lower_ft=9_000, upper_ft=9_500).truth is True
    assert judge(above, lower_ft=9_000, upper_ft=9_499).truth is False


# --------------------------------------------------------------------------------------- dates
DATES: list[tuple[dict[str, Any], str, bool | None]] = [
    ({"from": "2021-06-04T22:00Z"}, "2021-06-04T21:59:59Z", False),
    ({"from": "2021-06-04T22:00Z"}, "2021-06-04T22:00Z", True),
    ({"to": "2021-06-04T22:00Z"}, "2021-06-04T21:59:59Z", True),
    ({"to": "2021-06-04T22:00Z"}, "2021-06-04T22:00Z", False),
    # Belarus's neighbour acted "in the late evening of 25 May".
    ({"from": ["2021-05-25T18:00Z", "2021-05-25T21:00Z"]}, "2021-05-25T17:59:59Z", False),
    ({"from": ["2021-05-25T18:00Z", "2021-05-25T21:00Z"]}, "2021-05-25T18:00Z", None),
    ({"from": ["2021-05-25T18:00Z", "2021-05-25T21:00Z"]}, "2021-05-25T20:59:59Z", None),
    ({"from": ["2021-05-25T18:00Z", "2021-05-25T21:00Z"]}, "2021-05-25T21:00Z", True),
    ({"to": ["2026-02-01", "2026-02-02"]}, "2026-01-31T23:59:59Z", True),
    ({"to": ["2026-02-01", "2026-02-02"]}, "2026-02-01T00:00Z", None),
    ({"to": ["2026-02-01", "2026-02-02"]}, "2026-02-01T23:59:59Z", None),
    ({"to": ["2026-02-01", "2026-02-02"]}, "2026-02-02T00:00Z", False),
    # A night ban past midnight: Wednesday 10 September 2025.
    ({"daily": ["18:00-05:00"]}, "2025-09-10T17:59:59Z", False),
    ({"daily": ["18:00-05:00"]}, "2025-09-10T18:00Z", True),
    ({"daily": ["18:00-05:00"]}, "2025-09-11T00:00Z", True),
    ({"daily": ["18:00-05:00"]}, "2025-09-11T04:59:59Z", True),
    ({"daily": ["18:00-05:00"]}, "2025-09-11T05:00Z", False),
    ({"daily": ["06:00-07:00", "20:00-21:00"]}, "2025-09-10T20:30Z", True),
    ({"daily": ["06:00-07:00", "20:00-21:00"]}, "2025-09-10T12:00Z", False),
    ({"daily": ["00:00-24:00"]}, "2025-09-10T23:59:59Z", True),
    # Weekdays are those on which the span began: the night of Wednesday (3) runs into Thursday.
    ({"weekly": [3]}, "2025-09-10T00:00Z", True),
    ({"weekly": [3]}, "2025-09-10T23:59:59Z", True),
    ({"weekly": [3]}, "2025-09-11T00:00Z", False),
    ({"weekly": [3], "daily": ["18:00-05:00"]}, "2025-09-11T04:00Z", True),
    ({"weekly": [3], "daily": ["18:00-05:00"]}, "2025-09-10T04:00Z", False),
    # The schedule counts only while the rule is in force.
    ({"from": "2025-09-10T20:00Z", "daily": ["18:00-05:00"]}, "2025-09-10T19:00Z", False),
    ({"from": "2025-09-10T20:00Z", "daily": ["18:00-05:00"]}, "2025-09-10T20:00Z", True),
    ({"from": ["2025-09-10", "2025-09-11"], "daily": ["18:00-05:00"]}, "2025-09-10T19:00Z", None),
    ({"from": ["2025-09-10", "2025-09-11"], "daily": ["18:00-05:00"]}, "2025-09-10T12:00Z", False),
]


@pytest.mark.parametrize(("when", "at", "truth"), DATES)
def test_both_sides_of_a_date(when, at, truth) -> None:
    verdict = judge(make_rule("R1", when=when), at=at)
    assert verdict.truth is truth
    assert verdict.missing == ({"hour of start or end"} if truth is None else set())


def altitude_deg(lon: float, lat: float, at_ms: int) -> float:
    """Height of the sun's centre: the low-precision formulas of the Astronomical Almanac."""
    days = (at_ms - parse_instant("2000-01-01T12:00Z")) / DAY_MS
    g, q = radians(357.529 + 0.98560028 * days), 280.459 + 0.98564736 * days
    longitude = radians(q + 1.915 * sin(g) + 0.020 * sin(2 * g))
    tilt = radians(23.439 - 0.00000036 * days)
    ascension = atan2(cos(tilt) * sin(longitude), cos(longitude))
    declination = asin(sin(tilt) * sin(longitude))
    sidereal = radians(15 * (18.697374558 + 24.06570982441908 * days) + lon)
    phi = radians(lat)
    return degrees(
        asin(sin(phi) * sin(declination) + cos(phi) * cos(declination) * cos(sidereal - ascension))
    )


@settings(max_examples=200, deadline=None)
@given(
    lon=st.floats(-180, 180), lat=st.floats(-60, 60),
    at_ms=st.integers(parse_instant("1990-01-01"), parse_instant("2060-01-01")),
)  # fmt: skip
def test_by_day_means_that_the_sun_stands_above_the_horizon(lon, lat, at_ms) -> None:
    height = altitude_deg(lon, lat, at_ms)
    assume(abs(height + 0.833) > 0.35)  # a minute or two of the sun's way up
    for span, holds in (("sunrise-sunset", height > -0.833), ("sunset-sunrise", height < -0.833)):
        rule = make_rule("R1", when={"daily": [span], "sun_at": [lon, lat]})
        assert judge_time(rule.when, at_ms) is holds


SUN: list[tuple[dict[str, Any], str, bool]] = [
    # London, almanac: 20 June 2024 03:43 to 20:21.
    ({"daily": ["sunrise-sunset"], "sun_at": [-0.13, 51.51]}, "2024-06-20T03:41Z", False),
    ({"daily": ["sunrise-sunset"], "sun_at": [-0.13, 51.51]}, "2024-06-20T03:45Z", True),
    ({"daily": ["sunrise-sunset"], "sun_at": [-0.13, 51.51]}, "2024-06-20T20:19Z", True),
    ({"daily": ["sunrise-sunset"], "sun_at": [-0.13, 51.51]}, "2024-06-20T20:23Z", False),
    ({"daily": ["sunset+30m-sunrise-30m"], "sun_at": [-0.13, 51.51]}, "2024-06-20T20:49Z", False),
    ({"daily": ["sunset+30m-sunrise-30m"], "sun_at": [-0.13, 51.51]}, "2024-06-20T20:53Z", True),
    ({"daily": ["sunset+30m-sunrise-30m"], "sun_at": [-0.13, 51.51]}, "2024-06-21T03:11Z", True),
    ({"daily": ["sunset+30m-sunrise-30m"], "sun_at": [-0.13, 51.51]}, "2024-06-21T03:15Z", False),
    ({"daily": ["sunset-23:00"], "sun_at": [-0.13, 51.51]}, "2024-06-20T22:59Z", True),
    ({"daily": ["sunset-23:00"], "sun_at": [-0.13, 51.51]}, "2024-06-20T23:00Z", False),
    ({"daily": ["22:00-sunrise"], "sun_at": [-0.13, 51.51]}, "2024-06-21T03:40Z", True),
    # The night of Wednesday 10 September 2025 at Warsaw runs into Thursday.
    ({"daily": ["sunset-sunrise"], "sun_at": [21, 52], "weekly": [3]}, "2025-09-11T03:00Z", True),
    ({"daily": ["sunset-sunrise"], "sun_at": [21, 52], "weekly": [3]}, "2025-09-11T20:00Z", False),
    # Auckland: the day of 21 December begins in the afternoon of the 20th, UTC.
    ({"daily": ["sunrise-sunset"], "sun_at": [174.8, -36.9]}, "2024-12-20T17:00Z", True),
    ({"daily": ["sunrise-sunset"], "sun_at": [174.8, -36.9]}, "2024-12-20T16:55Z", False),
    # Murmansk: no night in June, no day in December, at any minute of them.
    *(
        ({"daily": [span], "sun_at": [33.1, 69.0]}, f"{day}T{hour}Z", holds)
        for day, up in (("2025-06-21", True), ("2025-12-21", False))
        for hour in ("00:00", "09:46", "09:48", "12:00", "21:47", "21:48", "21:50", "23:59")
        for span, holds in (("sunrise-sunset", up), ("sunset-sunrise", not up))
    ),
]


@pytest.mark.parametrize(("when", "at", "holds"), SUN)
def test_by_night_is_from_sunset_to_sunrise_at_the_place_named(when, at, holds) -> None:
    assert judge(make_rule("R1", when=when), at=at).truth is holds


def test_a_day_without_sunrise_is_all_night_and_one_without_sunset_has_none() -> None:
    for day, night_ms in (("2025-12-21", DAY_MS), ("2025-06-21", 0)):
        start_ms = parse_instant(day)
        when = make_rule("R1", when={"daily": ["sunset-sunrise"], "sun_at": [33.1, 69.0]}).when
        dark = sum(judge_time(when, start_ms + k * 60_000) is True for k in range(1440))
        assert dark * 60_000 == night_ms


STAYS: list[tuple[dict[str, Any], str, str, bool | None]] = [
    ({"from": "2022-02-24T03:00Z"}, "2022-02-24T02:00Z", "2022-02-24T02:59:59Z", False),
    ({"from": "2022-02-24T03:00Z"}, "2022-02-24T02:00Z", "2022-02-24T03:00Z", True),
    ({"to": "2022-02-24T03:00Z"}, "2022-02-24T03:00Z", "2022-02-24T04:00Z", False),
    ({"daily": ["12:00-13:00"]}, "2025-09-10T11:00Z", "2025-09-10T14:00Z", True),
    ({"daily": ["12:00-13:00"]}, "2025-09-10T13:00Z", "2025-09-11T11:59:59Z", False),
    ({"daily": ["22:00-02:00"], "weekly": [3]}, "2025-09-11T01:00Z", "2025-09-11T03:00Z", True),
    # Certain, although both ends of the rule are vague: every life it may have meets the stay.
    (
        {"from": ["2025-11-23T16:00Z", "2025-11-24T04:00Z"],
         "to": ["2025-11-23T18:00Z", "2025-11-24T06:00Z"]},
        "2025-11-23T17:00Z", "2025-11-24T05:00Z", True,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("when", "entry", "leave", "truth"), STAYS)
def test_a_stay_meets_a_rule_that_holds_at_some_moment_of_it(when, entry, leave, truth) -> None:
    assert judge(make_rule("R1", when=when), at=entry, until=leave).truth is truth


@settings(max_examples=200, deadline=None)
@given(
    first=st.integers(0, 96), stay=st.integers(0, 40), span=st.sampled_from(
        ["00:00-24:00", "06:00-18:30", "22:30-05:00", "23:30-00:00", "00:00-00:30", "12:00-11:30"]
    ),
    weekly=st.lists(st.integers(1, 7), max_size=3, unique=True),
    start=st.none() | st.tuples(st.integers(0, 48), st.integers(0, 48)).map(sorted),
    end=st.none() | st.tuples(st.integers(49, 120), st.integers(49, 120)).map(sorted),
)  # fmt: skip
def test_schedules_are_those_of_the_slow_clock(first, stay, span, weekly, start, end) -> None:
    epoch = parse_instant("2025-09-08")

    def at(half_hours: int) -> int:
        return epoch + half_hours * oracle.HALF_HOUR_MS

    when: dict[str, Any] = {"daily": [span], "weekly": weekly}
    if start is not None:
        when["from"] = [format_instant(at(k)) for k in start]
    if end is not None and start is None:
        when["to"] = [format_instant(at(k)) for k in end]
    rule = make_rule("R1", when=when)
    answers = oracle.when_answers(rule.when, at(first), at(first + stay))
    expected = {oracle.YES: True, oracle.NO: False, oracle.EITHER: None}[answers]
    assert judge_time(rule.when, at(first), at(first + stay)) is expected


def test_planners_know_a_rule_from_its_publication() -> None:
    early = make_rule("R1", when={"published": "2022-02-24T00:00Z", "from": "2022-02-25T00:00Z"})
    noon = "2022-02-25T12:00Z"
    assert judge(early, at=noon, known="2022-02-23T23:59Z").truth is False
    assert judge(early, at=noon, known="2022-02-24T00:00Z").truth is True
    assert judge(early, at=noon).truth is True  # what is in force, published or not
    late = make_rule("R1", when={"from": ["2022-02-25T00:00Z", "2022-02-25T06:00Z"]})
    assert judge(late, at=noon, known="2022-02-24T23:59Z").truth is False
    assert judge(late, at=noon, known="2022-02-25T00:00Z").truth is True  # earliest start


def test_a_licence_not_yet_published_helps_no_planner() -> None:
    rule = make_rule("R1")
    licence = make_rule(
        "L1", effect="permit", relieves=["R1"], when={"published": "2025-09-11T14:00Z"}
    )
    at = "2025-09-12T00:00Z"
    assert judge(rule, licence, at=at, known="2025-09-11T13:59Z").truth is True
    assert judge(rule, licence, at=at, known="2025-09-11T14:00Z").truth is False


# --------------------------------------------------------------------- exceptions and licences
def unless(name: str, **table: Any) -> dict[str, Any]:
    return {"id": name, "title": name} | table


EMERGENCY = unless("emergency", flight=[{"status": ["emergency"]}])


def test_an_exception_takes_the_rule_away_and_is_named() -> None:
    rule = make_rule("R1", unless=[EMERGENCY])
    assert judge(rule).not_relieved_by == ("emergency",)
    landed = judge(rule, status=frozenset({"emergency"}))
    assert (landed.truth, landed.relieved_by) == (False, ("emergency",))


def test_an_exception_to_an_exception_brings_the_rule_back() -> None:
    rule = make_rule(
        "R1",
        unless=[
            unless(
                "cargo", flight=[{"service": ["cargo"]}],
                unless=[unless("arms", flight=[{"item": ["ITAR"]}], unless=[EMERGENCY])],
            )
        ],
    )  # fmt: skip
    help_us = frozenset({"emergency"})
    assert judge(rule, service="passenger").truth is True
    assert judge(rule, service="cargo").truth is False
    assert judge(rule, service="cargo", item="ITAR").truth is True
    assert judge(rule, service="cargo", item="ITAR", status=help_us).truth is False
    assert judge(rule, service="cargo", item=None).truth is None


@pytest.mark.parametrize(
    ("table", "asked", "relieved"),
    [
        ({"activities": ["overflight"]}, {}, True),
        ({"activities": ["landing"]}, {}, False),
        ({"permission_of": "the CAA"}, {}, False),
        ({"permission_of": "the CAA"}, {"derogations": frozenset({"R1"})}, True),
        ({"permission_of": "the CAA", "who": [{"operator": ["BRU"]}]}, {}, False),
        (
            {"permission_of": "the CAA", "who": [{"operator": ["THY"]}]},
            {"derogations": frozenset({"R1"})},
            False,
        ),
        ({"when": {"from": "2022-04-05T12:00Z"}}, {}, True),
        ({"when": {"from": "2022-04-05T12:01Z"}}, {}, False),
        ({"where": [{"territory": ["LT"]}]}, {}, True),
        ({"levels": {"lower_ft": 24_500, "upper_ft": 99_999}}, {"upper_ft": 9_000.0}, False),
        ({"who": [{"owned_in": ["BY"]}]}, {"owned_in": None}, None),
    ],
)
def test_what_an_exception_asks(table, asked, relieved) -> None:
    verdict = judge(make_rule("R1", unless=[unless("x", **table)]), **asked)
    assert verdict.truth is (None if relieved is None else not relieved)


def test_a_derogation_frees_from_the_rule_for_which_it_was_granted_alone() -> None:
    by_leave = unless("leave", permission_of="the CAA")
    nested = unless("cargo", flight=[{"service": ["cargo"]}], unless=[by_leave])
    first, second = (make_rule(name, unless=[by_leave]) for name in ("R1", "R2"))
    granted = {"derogations": frozenset({"R1"})}
    assert [judge(rule, **granted).truth for rule in (first, second)] == [False, True]
    # Deeper down it still goes by the rule, and shared permissions by the name they share.
    deep = make_rule("R1", unless=[nested])
    assert judge(deep, service="cargo").truth is False
    assert judge(deep, service="cargo", **granted).truth is True
    shared = unless("leave", permission_of="the CAA", granted_as="LEAVE")
    for name in ("R1", "R2"):
        rule = make_rule(name, unless=[shared])
        assert judge(rule, **granted).truth is True
        assert judge(rule, derogations=frozenset({"LEAVE"})).truth is False


def test_a_licence_relieves_only_what_it_names_of_its_own_regime_in_its_own_scope() -> None:
    rule, other = make_rule("R1", regime="EAR"), make_rule("R2", regime="EAR")
    licence = make_rule(
        "L1", regime="EAR", effect="permit", relieves=["R1"],
        when={"from": "2025-09-11", "to": "2026-01-01"}, who=[{"operator": ["BRU"]}],
        where=[{"territory": ["LT", "TR"]}], levels={"lower_ft": 0, "upper_ft": 40_000},
        unless=[unless("cargo", flight=[{"service": ["cargo"]}])],
    )  # fmt: skip
    day = "2025-09-15T12:00Z"
    assert judge(rule, licence, at=day).relieved_by == ("L1",)
    assert judge(other, licence, at=day).truth is True
    for outside in (
        {"at": "2025-09-10T23:59Z"}, {"at": "2026-01-01T00:00Z"}, {"operator": "THY"},
        {"places": (Place("territory", "RU", "RU"),)}, {"service": "cargo"},
        {"lower_ft": 41_000.0}, {"activity": "landing"},
    ):  # fmt: skip
        both = make_rule("R1", regime="EAR", activities=["overflight", "landing"])
        verdict = judge(both, licence, **{"at": day} | outside)
        assert (verdict.truth, verdict.not_relieved_by) == (True, ("L1",)), outside
    foreign = make_rule("L1", regime="OFAC", effect="permit", relieves=["R1"])
    verdict = judge(rule, foreign, at=day)
    assert (verdict.truth, verdict.not_relieved_by) == (True, ())


def test_a_licence_that_may_not_yet_be_in_force_leaves_the_rule_unknown() -> None:
    licence = make_rule(
        "L1", effect="permit", relieves=["R1"], when={"from": ["2025-09-11", "2025-09-12"]}
    )
    truths = [
        judge(make_rule("R1"), licence, at=at).truth
        for at in ("2025-09-10T23:59Z", "2025-09-11T12:00Z", "2025-09-12T00:00Z")
    ]
    assert truths == [True, None, False]


@pytest.mark.parametrize(
    ("entry", "leave", "truth"),
    [
        ("2025-09-15T15:00Z", "2025-09-15T16:04:59Z", False),
        ("2025-09-15T15:00Z", "2025-09-15T16:05Z", True),
        ("2025-09-15T04:00Z", "2025-09-15T05:00Z", True),
        ("2025-09-15T16:05Z", "2025-09-15T16:05Z", True),
    ],
)
def test_an_exception_by_day_does_not_free_what_stays_into_the_night(entry, leave, truth) -> None:
    by_day = unless("day", when={"daily": ["04:30-16:05"]})
    rule = make_rule("R1", unless=[by_day])
    assert judge(rule, at=entry, until=leave).truth is truth
    both = make_rule("R1", unless=[by_day, EMERGENCY])
    assert judge(both, at=entry, until=leave, status=frozenset({"emergency"})).truth is False


def test_a_licence_that_ends_on_the_way_does_not_cover_the_rest() -> None:
    licence = make_rule("L1", effect="permit", relieves=["R1"], when={"to": "2025-09-12T00:00Z"})
    day = "2025-09-11T20:00Z"
    assert judge(make_rule("R1"), licence, at=day, until="2025-09-11T23:59Z").truth is False
    assert judge(make_rule("R1"), licence, at=day, until="2025-09-12T00:00Z").truth is True
    # The rule itself ended before the licence did.
    ended = make_rule("R1", when={"to": "2025-09-11T22:00Z"})
    assert judge(ended, licence, at=day, until="2025-09-12T06:00Z").truth is False


def test_a_group_that_loses_a_member_on_the_way_does_so_for_the_rest() -> None:
    carriers = make_rule(
        "R1", who=[{"licensed_in_group": "EU"}], when={"from": "2020-01-31T23:00Z"}
    )
    stay = {"at": "2020-01-31T22:00Z", "until": "2020-02-01T01:00Z"}
    assert judge(carriers, licensed_in="GB", **stay).truth is False
    assert judge(carriers, licensed_in="IE", **stay).truth is True


# ---------------------------------------------------------------------------------- amendments
def book(*rules: Rule) -> Rulebook:
    return make_rulebook(rules)


TWO = book(
    make_rule("R1", regime="EU", authority="EU", when={"from": "2021-06-04T22:00Z"}),
    make_rule(
        "R2", regime="UK", authority="GB", reference={"instrument": "SI 2021/657"},
        when={"published": "2021-05-20", "from": ["2021-05-25", "2021-05-26"], "to": "2022-01-01"},
    ),
)  # fmt: skip


@pytest.mark.parametrize("target", ["R2", "SI 2021/657", "UK", "GB"])
def test_lift_takes_away_by_rule_instrument_regime_or_authority(target) -> None:
    lifted = amend_rulebook(TWO, [Amendment("lift", target)])
    assert [rule.id for rule in lifted] == ["R1"]
    assert [rule.id for rule in TWO] == ["R1", "R2"]  # what was given stays
    assert lifted.content_hash != TWO.content_hash


def test_keep_lets_a_rule_run_on() -> None:
    kept = amend_rulebook(TWO, [Amendment("keep", "R2")]).by_id["R2"]
    assert kept.when.end == (OPEN_TO, OPEN_TO)
    assert kept.when.start == TWO.by_id["R2"].when.start


def test_shift_moves_all_dates_and_leaves_open_ends_open() -> None:
    moved = amend_rulebook(TWO, [Amendment("shift", r, shift_ms=-DAY_MS) for r in ("R1", "R2")])
    when = moved.by_id["R2"].when
    assert format_instant(when.published_ms) == "2021-05-19T00:00:00Z"
    assert [format_instant(ms) for ms in (*when.start, *when.end)] == [
        "2021-05-24T00:00:00Z", "2021-05-25T00:00:00Z",
        "2021-12-31T00:00:00Z", "2021-12-31T00:00:00Z",
    ]  # fmt: skip
    open_ended = moved.by_id["R1"].when
    assert open_ended.end == (OPEN_TO, OPEN_TO)
    assert format_instant(open_ended.published_ms) == "2021-06-03T22:00:00Z"


@pytest.mark.parametrize("target", ["Act 1", "EU", "Council"])
def test_keep_and_shift_reach_every_rule_of_an_instrument_regime_or_authority(target) -> None:
    act = {"regime": "EU", "authority": "Council", "reference": {"instrument": "Act 1"}}
    dates = {"from": "2021-06-04", "to": "2022-01-01"}
    rules = [make_rule(name, when=dates, **act) for name in ("R1", "R2")]
    law = book(*rules, make_rule("R3", when=dates, regime="UK", authority="GB"))
    kept = amend_rulebook(law, [Amendment("keep", target)])
    assert [rule.when.end[0] == OPEN_TO for rule in kept] == [True, True, False]
    moved = amend_rulebook(law, [Amendment("shift", target, shift_ms=DAY_MS)])
    starts = [format_instant(rule.when.start[0])[:10] for rule in moved]
    assert starts == ["2021-06-05", "2021-06-05", "2021-06-04"]


def test_amendments_apply_in_order() -> None:
    new = make_rule("R3", regime="UK")
    changes = [Amendment("add", "R3", rule=new), Amendment("lift", "UK")]
    assert [rule.id for rule in amend_rulebook(TWO, changes)] == ["R1"]
    assert [rule.id for rule in amend_rulebook(TWO, changes[::-1])] == ["R1", "R3"]


def test_amendments_that_miss_are_all_reported() -> None:
    changes = [
        Amendment("lift", "R9"), Amendment("shift", "Atlantis", shift_ms=1),
        Amendment("add", "R1", rule=make_rule("R1")),
    ]  # fmt: skip
    with pytest.raises(InputError) as caught:
        amend_rulebook(TWO, changes)
    records = [problem.record for problem in caught.value.problems]
    assert records == ["lift R9", "shift Atlantis", "add R1"]
    assert all(problem.remedy for problem in caught.value.problems)


def test_amendments_are_read_from_tables() -> None:
    rule = {
        "id": "N1", "title": "n", "authority": "X", "regime": "x", "activities": ["overflight"],
        "reference": {"instrument": "i"}, "confidence": "U", "where": [{"territory": ["LT"]}],
    }  # fmt: skip
    read = parse_amendments(
        [
            {"action": "lift", "target": "UA-01"}, {"action": "keep", "target": "RU-03"},
            {"action": "shift", "target": "EU", "shift_hours": -1.5},
            {"action": "add", "rule": rule},
        ],
        "s.toml",
    )  # fmt: skip
    assert [(a.action, a.target, a.shift_ms) for a in read] == [
        ("lift", "UA-01", 0), ("keep", "RU-03", 0), ("shift", "EU", -5_400_000), ("add", "N1", 0),
    ]  # fmt: skip
    assert read[3].rule is not None
    assert read[3].rule.id == "N1"


def test_faulty_amendments_are_all_reported_with_remedies() -> None:
    tables: list[Any] = [
        {"action": "repeal", "target": "UA-01"},
        {"action": "lift"},
        {"action": "shift", "target": "UA-01"},
        {"action": "shift", "target": "UA-01", "shift_hours": float("inf")},
        {"action": "lift", "target": "UA-01", "shift_hours": 3},
        {"action": "lift", "target": "UA-01", "wen": 3},
        {"action": "add", "rule": {"id": "N1", "titel": "typo"}},
        "lift",
    ]
    with pytest.raises(InputError) as caught:
        parse_amendments(tables, "s.toml")
    problems = caught.value.problems
    assert {p.record.split(" N1")[0] for p in problems} == {f"amendment {n}" for n in range(1, 9)}
    assert {p.file for p in problems} == {"s.toml"}
    assert all(p.remedy for p in problems)
    assert {p.record for p in problems} >= {"amendment 7 N1 titel", "amendment 7 N1 title"}


# ------------------------------------------------------------------------------- files of rules
RULE = """
[[rule]]
id = "R1"
title = "a rule"
authority = "XX"
regime = "test"
activities = ["overflight"]
where = [{ territory = ["LT"] }]
confidence = "V"
reference = { instrument = "an act", url = "https://example.org" }
"""

# (what is changed in the file, key that the error names, words of the message or remedy)
FAULTS = [
    (('title = "a rule"', 'titel = "a rule"'), "titel", "did you mean title?"),
    (('title = "a rule"', ""), "title", "is missing add it"),
    (("LT", "ZZ"), "where.0.territory.0", "no ISO 3166-1"),
    (("LT", "UK"), "where.0.territory.0", "did you mean GB?"),
    (("LT", "Lithuania"), "where.0.territory.0", "did you mean LT?"),
    (('where = [{ territory = ["LT"] }]', 'where = { fir = "EYVL" }'), "where", "[{ ... }]"),
    (('activities = ["overflight"]', 'activities = "overflight"'), "activities", 'write ["..."]'),
    (('title = "a rule"', "title = 3"), "title", "in quotes"),
    (('{ territory = ["LT"] }', "{ }"), "where.0", "names no place"),
    (
        ('{ territory = ["LT"] }', '{ teritory = ["LT"] }'),
        "where.0.teritory",
        "did you mean territory",
    ),
    (('territory = ["LT"]', 'territory_group = "NATO"'), "where.0.territory_group", "known: EASA"),
    (('["overflight"]', '["hovering"]'), "activities.0", "overflight"),
    (('["overflight"]', "[]"), "activities", "name at least one"),
    (('"V"', '"certain"'), "confidence", "V-date"),
    (('id = "R1"', 'id = "r 1"'), "id", "as SA-QA-01"),
    (('confidence = "V"', 'confidence = "V"\neffect = "permit"'), "", "must name the rules"),
    (('confidence = "V"', 'confidence = "V"\nrelieves = ["R2"]'), "", "only a licence"),
    (('confidence = "V"', 'confidence = "V"\neffect = "require-permit"'), "", "goes with effect"),
    (('confidence = "V"', 'confidence = "V"\naddresses = "persons"'), "", "person_bound"),
    *(
        (('confidence = "V"', f'confidence = "V"\n{line}'), key, words)
        for line, key, words in [
            ('when = { from = "2021-06-04T22:00" }', "when.from", "write Z"),
            ("when = { from = 2021-06-04T22:00:00 }", "when.from", "write Z"),
            ("when = { from = 2021 }", "when.from", "2021-06-04T22:00Z"),
            ('when = { from = "June" }', "when.from", "June"),
            ('when = { from = ["2021-06-05", "2021-06-04"] }', "when.from", "earliest is after"),
            ('when = { from = ["2021-06-05"] }', "when.from", "[earliest, latest]"),
            ('when = { from = "2022-01-01", to = "2021-01-01" }', "when", "not after"),
            ('when = { daily = ["18:00-25:00"] }', "when", "write 17:00-04:00"),
            ('when = { daily = ["1800-0500"] }', "when", "write 17:00-04:00"),
            ('when = { daily = ["18:75-19:00"] }', "when", "write 17:00-04:00"),
            ('when = { daily = ["18:00-18:00"] }', "when", "write 17:00-04:00"),
            ('when = { daily = ["sunset-sunrise"] }', "when", "goes with sunrise"),
            ("when = { sun_at = [21.0, 52.0] }", "when", "goes with sunrise"),
            ('when = { daily = ["sunset-sunset"], sun_at = [21, 52] }', "when", "sunset-sunrise"),
            ('when = { daily = ["dusk-dawn"], sun_at = [21, 52] }', "when", "sunset-sunrise"),
            ('when = { daily = ["sunset-sunrise"], sun_at = [21, 95] }', "when.sun_at.1", "90"),
            ("when = { weekly = [0] }", "when.weekly.0", "greater than or equal to 1"),
            ("levels = { lower_ft = 9500, upper_ft = 9500 }", "levels", "not above"),
            ('unless = [{ id = "x", title = "x" }]', "unless.0", "needs a test"),
        ]
    ),
]


@pytest.mark.parametrize(("change", "key", "words"), FAULTS)
def test_a_fault_is_named_by_file_rule_and_key(tmp_path: Path, change, key, words) -> None:
    path = tmp_path / "xx.toml"
    path.write_text(RULE)
    assert [rule.id for rule in read_rules(path)] == ["R1"]
    assert change[0] in RULE
    path.write_text(RULE.replace(*change))
    with pytest.raises(InputError) as caught:
        read_rules(path)
    record = f"{'r 1' if key == 'id' else 'R1'} {key}".strip()
    (problem,) = [p for p in caught.value.problems if p.record == record]
    assert problem.file == str(path)
    assert words in f"{problem.problem} {problem.remedy}"
    assert "Value error" not in str(caught.value)


def test_dates_may_be_written_as_toml_dates(tmp_path: Path) -> None:
    path = tmp_path / "xx.toml"
    path.write_text(RULE + "when = { from = 2021-06-05, to = 2021-06-06T01:00:00+03:00 }\n")
    (rule,) = read_rules(path)
    assert format_instant(rule.when.start[0]) == "2021-06-05T00:00:00Z"
    assert format_instant(rule.when.end[0]) == "2021-06-05T22:00:00Z"


def test_faults_of_several_files_come_in_one_error(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(RULE.replace("title", "titel"))
    (tmp_path / "b.toml").write_text(RULE)
    (tmp_path / "c.toml").write_text("[[rule]\n")
    (tmp_path / "d.toml").write_text(RULE)
    with pytest.raises(InputError) as caught:
        load_rulebook(tmp_path)
    found = {(Path(p.file).name, p.record) for p in caught.value.problems}
    assert found == {
        ("a.toml", "R1 titel"), ("a.toml", "R1 title"), ("c.toml", ""), ("d.toml", "R1"),
    }  # fmt: skip
    assert all(problem.remedy for problem in caught.value.problems)


def test_an_id_twice_in_one_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(RULE + RULE)
    with pytest.raises(InputError, match=r"already stands in a\.toml"):
        load_rulebook(tmp_path)


@pytest.mark.parametrize(
    ("data", "record"),
    [
        ({"rule": "R1"}, "rule"),
        ({"rule": [3]}, "rule 1"),
        ({"rule": [{}]}, "rule 1 id"),
        ({"rules": []}, "rules"),
        ({"schema": 2}, "schema"),
    ],
)
def test_what_is_no_file_of_rules_is_refused_in_words(data, record) -> None:
    with pytest.raises(InputError) as caught:
        parse_rules(data, "x.toml")
    assert caught.value.problems[0].record == record


def test_a_folder_that_is_missing_or_empty_is_no_rulebook(tmp_path: Path) -> None:
    for folder, words in ((tmp_path / "nowhere", "no such folder"), (tmp_path, "holds no rules")):
        with pytest.raises(InputError, match=words):
            load_rulebook(folder)


def test_the_shipped_rulebook_does_not_depend_on_the_order_of_files(rulebook: Rulebook) -> None:
    again = make_rulebook(reversed(rulebook.rules))
    assert again.content_hash == rulebook.content_hash
    assert [rule.id for rule in rulebook] == sorted(rule.id for rule in rulebook)


# -------------------------------------------------------------------------------------- schema
def test_the_schema_refuses_what_the_model_refuses_and_takes_what_it_takes() -> None:
    validator = jsonschema.Draft202012Validator(rulebook_schema())
    assert validator.is_valid(tomllib.loads(RULE))
    # Meaning (codes, order of dates) is the model's; names, types and lists are the schema's, too.
    for old, new in [
        ('title = "a rule"', 'titel = "a rule"'), ('title = "a rule"', ""), ('"V"', '"certain"'),
        ('["overflight"]', '["hovering"]'), ('["overflight"]', "[]"), ('id = "R1"', 'id = "r 1"'),
        ('"a rule"', "3"), ('confidence = "V"', 'confidence = "V"\nwhen = { weekly = [8] }'),
        ('confidence = "V"', 'confidence = "V"\nwhen = { from = 2021 }'),
    ]:  # fmt: skip
        text = RULE.replace(old, new)
        assert text != RULE
        data = tomllib.loads(text)
        assert not validator.is_valid(data), new
        with pytest.raises(InputError):
            parse_rules(data, "x.toml")


def test_every_table_of_the_model_is_closed_in_the_schema() -> None:
    schema = rulebook_schema()
    for name, table in {**schema["$defs"], "file": schema}.items():
        if table.get("type") == "object":
            assert table.get("additionalProperties") is False, name


def test_every_file_of_the_shipped_rulebook_names_the_schema_for_editors() -> None:
    for path in sorted(find_resource("scenarios/rulebook").glob("*.toml")):
        assert path.read_text(encoding="utf-8").startswith("#:schema ../rulebook.schema.json"), path
