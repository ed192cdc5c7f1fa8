"""The shipped rulebook as data: complete, sourced, and right on both sides of its dates.

The tables of closed States below are those that published cases of May 2021 and February 2022
turned on; each row names the instant, the carrier and the territories it might not overfly.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from functools import cache
from urllib.parse import urlsplit

import jsonschema
import pytest

from airsim.airspace import load_atlas
from airsim.base import STATE_CODES, find_resource, parse_instant, states_in_group
from airsim.law import (
    FlightFacts,
    Place,
    Question,
    Rulebook,
    find_unknown_names,
    judge_rule,
    judge_time,
    load_rulebook,
    rulebook_schema,
)

EU = states_in_group("EU", parse_instant("2022-01-01"))

BELAVIA = FlightFacts(
    "BRU", "BY", "BY", "BY", "BY", typecode="B738", us_origin=True,
    origin="UMMS", origin_state="BY",
)  # fmt: skip
AEROFLOT = FlightFacts("AFL", "RU", "RU", "RU", "RU", origin="UUEE", origin_state="RU")
TURKISH = FlightFacts("THY", "TR", "TR", "TR", "TR", origin="LTFM", origin_state="TR")


def codes(text: str) -> set[str]:
    """Codes parted by blanks."""
    return set(text.split())


@cache
def rulebook() -> Rulebook:
    """The shipped rulebook, loaded once."""
    return load_rulebook()


def territory(code: str) -> Place:
    """Sovereign airspace of a State."""
    return Place("territory", code, code, code in EU)


def truth(rule_id: str, facts: FlightFacts, at: str, *places: Place, **question: object) -> object:
    """Whether a rule applies to one question: True, False or None."""
    when = parse_instant(at)
    activity = str(question.pop("activity", "overflight"))
    asked = Question(activity, places, when, when, facts, **question)  # type: ignore[arg-type]
    return judge_rule(rulebook(), rulebook().by_id[rule_id], asked).truth


def closed_to(
    facts: FlightFacts, at: str, activity: str = "overflight"
) -> tuple[set[str], set[str]]:
    """Territories that binding rules close to a flight, and those where the answer is unknown."""
    when = parse_instant(at)
    closed, unknown = set(), set()
    rules = [
        r
        for r in rulebook().rules
        if r.addresses == "airspace" and r.force == "binding" and r.effect == "prohibit"
        if activity in r.activities and judge_time(r.when, when) is not False
    ]
    for code in STATE_CODES:
        asked = Question(activity, (territory(code),), when, when, facts)
        verdicts = {judge_rule(rulebook(), rule, asked).truth for rule in rules}
        if True in verdicts:
            closed.add(code)
        elif None in verdicts:
            unknown.add(code)
    return closed, unknown


# ---- the files ----------------------------------------------------------------------------------

REQUIRED = codes(
    """
EU-BY-01 EU-BY-03 EU-BY-04 EU-LT-01 EU-RU-01 EU-RU-02 EU-RU-03 EU-RU-05
EASA-BY-01 EASA-BY-02 EASA-BY-03 EASA-RU-01 EASA-RU-02
UK-BY-01 UK-BY-02 UK-BY-03 UK-BY-04 UK-BY-05 UK-BY-06 UK-BY-07 UK-RU-01 UK-RU-02 UK-RU-03
EU-BY-05 EU-RU-3C EU-RU-5AE GB-DEP-BY GB-DEP-RU
US-BIS-01r US-BIS-01c US-BIS-02r US-BIS-02e US-BIS-02o US-BIS-03x US-BIS-03b US-BIS-05p
US-OFAC-03b US-OFAC-03c US-OFAC-03d US-OFAC-03e US-OFAC-03f
CHI-03-BY CHI-03-RU CHI-06-BY CHI-06-RU CHI-06-CN CHI-06-ID CHI-06-CA CHI-06-INTO
ASA-BY-RU ASA-BY-KZ ASA-BY-TR ASA-BY-AZ ASA-BY-KG ASA-BY-TM ASA-BY-HK ASA-BY-SA ASA-BY-UA ASA-BY-US
PERMIT-RU-SCHED PERMIT-RU-TRANSIT PERMIT-RU-LANDING PERMIT-BY PERMIT-KZ PERMIT-KZ-SCHED PERMIT-UZ
PERMIT-TM-TRANSIT PERMIT-TM-LANDING PERMIT-KG PERMIT-IR PERMIT-IQ PERMIT-AE PERMIT-EG
PERMIT-IN-TRANSIT PERMIT-IN-LANDING PERMIT-CN PERMIT-CN-STATE PERMIT-TR PERMIT-PK PERMIT-AF
EASA-TCO EASA-TCO-RU UK-PERMIT US-DOT-PERMIT
US-DOT-01 US-DOT-03 US-FAA-01 US-FAA-02 US-FAA-03
US-OFAC-01 US-OFAC-02 US-OFAC-03 US-OFAC-04 US-OFAC-06
US-BIS-01 US-BIS-02 US-BIS-03 US-BIS-04 US-BIS-05 US-BIS-05n US-BIS-06 US-ITAR-01
UA-01 UA-BY-2021-05-25 UA-BY-2021-05-28 RS-BY-2021-06-21 NO-BY-2021-06-21 IS-BY-2021-06-21
LI-BY-2021-06-21 MK-BY-2021-06-21 ME-BY-2021-06-21 AL-BY-2021-06-21
CH-BY-01 CH-RU-01 NO-RU-01 CA-RU-01 CA-BY-01 CA-OWN-2021-05-26
RU-01 RU-02 RU-03 RU-04 BY-01 BY-02 MD-01 MD-02
RU-GB-2022-02-25 RU-BG-2022-02-26 RU-PL-2022-02-26 RU-CZ-2022-02-26 RU-RO-2022-02-26
RU-LV-2022-02-27 RU-LT-2022-02-27 RU-SI-2022-02-27 RU-EE-2022-02-27 RU-CH-2022-02-28
PL-R129-1 PL-R129-2 PL-R129-3 LT-01 LT-02a LV-01 EE-01 ZAPAD-25-BARYSAU
ME-24-1 ME-25-IR ME-25-IQ ME-25-IL ME-25-JO ME-25-SY ME-25-LB ME-26-1 ME-26-2
CZIB-2025-02 CZIB-2026-03 CZIB-SY CZIB-LY CZIB-SD CZIB-AF CZIB-IQ CZIB-IR AM-AZ
FR-BY-2021-05-24 FR-BY-2021-05-26 LT-BY-2021-05-27 LV-BY-2021-05-25 LV-ANY-2021-05-25
PL-BY-2021-05-26 SK-BY-2021-05-26 CZ-BY-2021-05-26 FI-BY-2021-05-26 SE-BY-2021-05-25
EE-BY-2021-05-27 CY-BY-2021-05-28 DK-BY-2021-06-04 JP-BY-2021-06-10
GB-RU-2022-02-24 BG-RU-2022-02-25 PL-RU-2022-02-25 CZ-RU-2022-02-25 RO-RU-2022-02-26
SI-RU-2022-02-26 LT-RU-2022-02-26 LV-RU-2022-02-26 EE-RU-2022-02-26 IS-RU-2022-02-27
DE-RU-2022-02-27 AT-RU-2022-02-27 IT-RU-2022-02-27 LU-RU-2022-02-27 NL-RU-2022-02-27
FR-RU-2022-02-27 IE-RU-2022-02-27 PT-RU-2022-02-27 MT-RU-2022-02-27 BE-RU-2022-02-27
DK-RU-2022-02-27 HU-RU-2022-02-27 AL-RU-2022-02-27 MK-RU-2022-02-27 ME-RU-2022-03-04
OP-TERRAIN OP-AF-EU OP-SY-EU OP-YE-EU OP-LY-EU OP-SD-EU OP-BY-EU OP-UA-EAST OP-RU-JP OP-RU-KR
"""
)


def test_every_measure_of_the_sources_stands_in_the_rulebook() -> None:
    assert set(rulebook().by_id) >= REQUIRED


def test_every_rule_has_a_grade_and_a_source() -> None:
    for rule in rulebook().rules:
        assert rule.confidence
        assert rule.reference.instrument
        assert rule.reference.url != "unknown" or rule.reference.sources, rule.id


def test_addresses_are_well_formed() -> None:
    for rule in rulebook().rules:
        for source in (rule.reference.url, *rule.reference.sources):
            if source.startswith("http"):
                parts = urlsplit(source)
                assert parts.scheme in ("http", "https"), (rule.id, source)
                assert "." in parts.netloc, (rule.id, source)
                assert not set(" <>\"'") & set(source), (rule.id, source)


def test_every_named_airspace_exists() -> None:
    atlas = load_atlas()
    known = {name: set(atlas.layer(name).designator) for name in ("fir", "zone")}
    assert find_unknown_names(rulebook(), known) == ()
    named = {code for rule in rulebook().rules for where in rule.where for code in where.territory}
    assert named <= set(atlas.layer("territory").designator)


def test_open_questions_and_synthetic_outlines_are_marked() -> None:
    assert [r.id for r in rulebook().rules if r.open_question] == ["US-BIS-05n"]
    for rule in rulebook().rules:
        zones = {zone for where in rule.where for zone in where.zone}
        if any(zone.startswith(("RU-SOUTH", "ZAPAD")) for zone in zones):
            assert rule.confidence == "synthetic", rule.id


def test_persons_are_never_barred_from_airspace() -> None:
    for rule in rulebook().rules:
        if rule.regime in ("EAR", "ITAR", "OFAC BSR 31 CFR 548"):
            assert rule.addresses == "persons", rule.id


def test_published_schema_is_the_model() -> None:
    path = find_resource("scenarios/rulebook.schema.json")
    assert json.loads(path.read_text(encoding="utf-8")) == rulebook_schema()


def test_files_keep_the_published_schema() -> None:
    validator = jsonschema.Draft202012Validator(rulebook_schema())
    folder = find_resource("scenarios/rulebook")
    for path in sorted(folder.glob("*.toml")):
        errors = list(validator.iter_errors(tomllib.loads(path.read_text(encoding="utf-8"))))
        assert not errors, (path.name, errors[:1])


# ---- who was closed to whom, and when -----------------------------------------------------------

# The British orders do not reach these; their own acts were not found.
OVERSEAS = codes("JE GG IM GI AI BM FK GS IO KY MS PN SH TC VG")
NEIGHBOURS_21 = {"CY", "EE", "FR", "LT", "PL", "SK", "UA"}


@pytest.mark.parametrize(
    ("at", "closed", "unknown"),
    [
        ("2021-05-24T12:00Z", set(), set()),
        ("2021-05-26T08:00Z", set(), set()),
        ("2021-05-26T10:30Z", {"FR"}, set()),
        ("2021-05-26T21:59Z", {"FR"}, set()),
        ("2021-05-27T06:59Z", {"FR", "LT", "PL", "SK"}, set()),
        ("2021-05-27T07:00Z", {"FR", "LT", "PL", "SK"}, {"LV"}),
        ("2021-05-29T05:20Z", NEIGHBOURS_21, {"LV"}),
        ("2021-06-02T12:00Z", NEIGHBOURS_21, {"LV"}),
        ("2021-06-04T21:59Z", NEIGHBOURS_21 | {"GB"}, {"LV"}),
        ("2021-06-05T00:00Z", EU | {"GB", "UA", "GL", "FO"}, set()),
        ("2021-06-20T12:00Z", EU | {"GB", "UA", "GL", "FO"}, set()),
        (
            "2021-06-22T00:00Z",
            EU | {"GB", "UA", "GL", "FO", "AL", "MK", "RS", "ME", "NO", "SJ", "IS", "LI"},
            set(),
        ),
    ],
)
def test_overflight_closed_to_belavia_in_spring_2021(
    at: str, closed: set[str], unknown: set[str]
) -> None:
    overseas = OVERSEAS if at >= "2021-06-02T23:00Z" else set()
    assert closed_to(BELAVIA, at) == (closed, unknown | overseas)


def test_landing_closed_to_belavia_on_2_june_2021() -> None:
    closed, _ = closed_to(BELAVIA, "2021-06-02T12:00Z", "landing")
    assert closed >= codes("LT LV EE PL SK CY UA FR GB FI SE CZ")
    assert not closed & codes("AM AZ GE RU IL KZ TR UZ AE DE AT BE NL IT ES HU MD RS BG AL MK")


@pytest.mark.parametrize(
    ("at", "closed", "unknown"),
    [
        ("2022-02-24T23:59Z", {"UA"}, set()),
        ("2022-02-26T12:30Z", {"GB", "BG", "PL", "CZ", "UA"}, set()),
        ("2022-02-26T18:30Z", {"GB", "BG", "PL", "CZ", "RO", "SI", "UA"}, set()),
        (
            "2022-02-27T10:00Z",
            {"GB", "BG", "PL", "CZ", "RO", "SI", "LT", "LV", "EE", "UA"},
            {"IE", "IS", "MK", "MT"},
        ),
        (
            "2022-02-27T17:00Z",
            codes("GB BG PL CZ RO SI LT LV EE UA AT DE IT LU NL CA IS"),
            {"FR", "IE", "MK", "MT", "PT"},
        ),
        (
            "2022-02-27T22:59Z",
            codes("GB BG PL CZ RO SI LT LV EE UA AT DE IT LU NL CA IS"),
            {"FR", "IE", "MK", "MT", "PT"},
        ),
        (
            "2022-02-28T12:00Z",
            EU | codes("GB UA CA IS AL MK NO SJ GL FO"),
            set(),
        ),
        (
            "2022-03-05T00:00Z",
            EU | codes("GB UA CA IS AL MK NO SJ GL FO CH ME US PR VI GU MP AS"),
            set(),
        ),
    ],
)
def test_overflight_closed_to_aeroflot_in_february_2022(
    at: str, closed: set[str], unknown: set[str]
) -> None:
    # Moldova had closed its sky to everybody.
    overseas = OVERSEAS if at >= "2022-02-25T00:01Z" else set()
    assert closed_to(AEROFLOT, at) == (closed | {"MD"}, unknown | overseas)


def carrier_of(state: str) -> FlightFacts:
    """A scheduled flight of a carrier licensed and registered in one State."""
    return FlightFacts("XXX", state, state, state, state)


@pytest.mark.parametrize(
    ("state", "last_open", "first_closed", "rule_id"),
    [
        ("GB", "2022-02-25T07:59Z", "2022-02-25T08:00Z", "RU-GB-2022-02-25"),
        ("PL", "2022-02-26T11:59Z", "2022-02-26T12:00Z", "RU-PL-2022-02-26"),
        ("BG", "2022-02-26T11:59Z", "2022-02-26T12:00Z", "RU-BG-2022-02-26"),
        ("CZ", "2022-02-26T11:59Z", "2022-02-26T12:00Z", "RU-CZ-2022-02-26"),
        ("RO", "2022-02-26T17:20Z", "2022-02-26T17:21Z", "RU-RO-2022-02-26"),
        ("EE", "2022-02-26T23:59Z", "2022-02-27T05:00Z", "RU-EE-2022-02-27"),
        ("DE", "2022-02-28T13:50Z", "2022-02-28T13:51Z", "RU-01"),
        ("CH", "2022-02-27T23:59Z", "2022-03-01T00:00Z", "RU-CH-2022-02-28"),
    ],
)
def test_russia_answers_state_by_state(
    state: str, last_open: str, first_closed: str, rule_id: str
) -> None:
    carrier, russia = carrier_of(state), territory("RU")
    assert truth(rule_id, carrier, last_open, russia) is False
    assert truth(rule_id, carrier, first_closed, russia) is True
    if state not in ("GB", "CH"):
        assert truth("RU-01", carrier, "2022-03-01T00:00Z", russia) is True


# ---- who is tested: licence, register, owner, controller, route, plan ---------------------------


def test_emergency_and_derogation_lift_the_ban_of_the_union() -> None:
    at, finland = "2023-08-17T12:00Z", territory("FI")
    assert truth("EU-RU-01", AEROFLOT, at, finland) is True
    emergency = replace(AEROFLOT, status=frozenset({"emergency"}))
    excused = replace(AEROFLOT, derogations=frozenset({"EU-RU-01"}))
    other = replace(AEROFLOT, derogations=frozenset({"EU-BY-01"}))
    for facts, barred in ((emergency, False), (excused, False), (other, True)):
        assert truth("EU-RU-01", facts, at, finland) is barred


def test_lithuania_asks_which_way_a_flight_came() -> None:
    at, vilnius = "2021-05-26T00:00Z", territory("LT")
    direct = replace(AEROFLOT, crossed=frozenset({"RU", "LV"}))
    over_belarus = replace(AEROFLOT, crossed=frozenset({"RU", "BY"}))
    assert truth("EU-LT-01", direct, at, vilnius, activity="landing") is False
    assert truth("EU-LT-01", over_belarus, at, vilnius, activity="landing") is True
    assert truth("EU-LT-01", AEROFLOT, at, vilnius, activity="landing") is None
    leaving = replace(TURKISH, origin="EYVI", origin_state="LT")
    assert truth("EU-LT-01b", leaving, at, territory("BY")) is True
    assert truth("EU-LT-01b", leaving, "2021-05-24T23:59Z", territory("BY")) is False


def test_estonia_also_barred_any_aircraft_from_belarus() -> None:
    facts = replace(TURKISH, origin="UMMS", origin_state="BY")
    assert truth("EE-BY-2021-05-27b", facts, "2021-05-28T12:00Z", territory("EE")) is True
    assert truth("EE-BY-2021-05-27b", TURKISH, "2021-05-28T12:00Z", territory("EE")) is False


def test_romania_and_its_answer_touch_scheduled_flights_only() -> None:
    charter = replace(AEROFLOT, scheduled=False)
    assert truth("RO-RU-2022-02-26", AEROFLOT, "2022-02-27T00:00Z", territory("RO")) is True
    assert truth("RO-RU-2022-02-26", charter, "2022-02-27T00:00Z", territory("RO")) is False
    tarom = replace(carrier_of("RO"), scheduled=False)
    assert truth("RU-RO-2022-02-26", tarom, "2022-02-27T00:00Z", territory("RU")) is False


# ---- levels, hours, corridors -------------------------------------------------------------------


def at_level(feet: float) -> dict[str, float]:
    """A question at one level."""
    return {"lower_ft": feet, "upper_ft": feet}


@pytest.mark.parametrize(
    ("rule_id", "zone", "at", "feet", "applies"),
    [
        ("PL-R129-1", "EP-R129", "2025-09-15T22:00Z", 35_000, False),
        ("PL-R129-1", "EP-R129", "2025-09-15T22:00Z", 8_000, True),
        ("PL-R129-1", "EP-R129", "2025-09-15T10:00Z", 8_000, False),
        ("PL-R129-1", "EP-R129", "2025-09-10T21:59Z", 8_000, False),
        ("LV-01", "LV-STRIP", "2025-09-15T10:00Z", 19_000, True),
        ("LV-01", "LV-STRIP", "2025-09-15T10:00Z", 36_000, False),
        ("LT-01", "LT-STRIP", "2025-09-15T10:00Z", 11_900, True),
        ("LT-01", "LT-STRIP", "2025-09-15T10:00Z", 12_000, False),
        ("EE-01", "EE-STRIP", "2025-09-15T18:00Z", 10_000, True),
        ("EE-01", "EE-STRIP", "2025-09-15T12:00Z", 10_000, False),
        ("EE-01b", "EE-STRIP-1KM", "2025-09-25T18:00Z", 10_000, False),
        ("EE-01b", "EE-STRIP-1KM", "2025-09-25T18:00Z", 3_000, True),
        ("BY-01", "BY-SOUTH", "2022-02-24T09:00Z", 35_000, True),
        ("BY-01", "BY-SOUTH", "2022-02-24T08:59Z", 35_000, False),
        ("BY-01", "BY-SOUTH", "2024-09-20T00:00Z", 35_000, False),
    ],
)
def test_zones_have_levels_and_hours(
    rule_id: str, zone: str, at: str, feet: float, applies: bool
) -> None:
    facts = replace(TURKISH, typecode="B738")
    assert truth(rule_id, facts, at, Place("zone", zone), **at_level(feet)) is applies


def test_volgograd_astrakhan_opens_for_all_then_for_belavia() -> None:
    corridor = Place("zone", "RU-SOUTH-VLG-ASF")
    for facts, rule_id, closed, opened in (
        (AEROFLOT, "RU-03-VLG", "2022-08-29T12:00Z", "2022-08-30T12:00Z"),
        (BELAVIA, "RU-04", "2022-09-15T12:00Z", "2022-09-16T12:00Z"),
    ):
        assert truth(rule_id, facts, closed, corridor) is True
        assert truth(rule_id, facts, opened, corridor) is False
        local = replace(facts, destination="URWW", destination_state="RU")
        assert truth(rule_id, local, closed, corridor) is False
    assert truth("RU-03-VLG", BELAVIA, "2022-03-01T12:00Z", corridor) is False


@pytest.mark.parametrize(
    ("icao", "at", "closed"),
    [
        ("URKK", "2022-02-24T00:44Z", False),
        ("URKK", "2022-02-24T00:45Z", True),
        ("URKK", "2025-09-11T05:59Z", True),
        ("URKK", "2025-09-11T06:00Z", False),
        ("URKK", "2025-09-11T16:00Z", True),
        ("URKG", "2025-07-09T12:00Z", True),
        ("URKG", "2025-07-18T12:00Z", False),
        ("URWI", "2024-05-02T12:00Z", True),
        ("URWI", "2024-05-28T12:00Z", False),
        ("URRP", "2025-09-17T12:00Z", True),
        ("URSS", "2022-02-24T12:00Z", True),
        ("URSS", "2022-03-05T12:00Z", False),
        ("URMM", "2022-03-05T12:00Z", False),
    ],
)
def test_southern_aerodromes_close_and_reopen(icao: str, at: str, closed: bool) -> None:
    when = parse_instant(at)
    asked = Question("landing", (Place("aerodrome", icao), territory("RU")), when, when, AEROFLOT)
    rules = [r for r in rulebook().rules if r.id.startswith("RU-02") and r.effect == "prohibit"]
    assert any(judge_rule(rulebook(), r, asked).truth for r in rules) is closed


def test_krasnodar_corridor_serves_krasnodar_only() -> None:
    corridor, at = Place("zone", "RU-SOUTH-KRR"), "2025-09-17T12:00Z"
    arriving = replace(AEROFLOT, destination="URKK", destination_state="RU")
    assert truth("RU-03-KRR", arriving, at, corridor) is False
    assert truth("RU-03-KRR", arriving, "2025-09-11T05:00Z", corridor) is True
    assert truth("RU-03-KRR", AEROFLOT, at, corridor) is True


# ---- the United States --------------------------------------------------------------------------


def test_a_licence_relieves_only_its_own_regime() -> None:
    for rule in rulebook().rules:
        for target in rule.relieves:
            assert rulebook().by_id[target].regime == rule.regime
    assert truth("EU-BY-01", BELAVIA, "2025-10-01T00:00Z", territory("PL")) is True


def test_belavia_lacks_authority_in_the_united_states_and_is_not_barred_by_a_closure() -> None:
    at = "2025-01-01T00:00Z"
    assert "US" not in closed_to(BELAVIA, at, "landing")[0]
    assert truth("US-DOT-03", BELAVIA, at, territory("US"), activity="landing") is True
    permit = rulebook().by_id["US-DOT-03"].permit
    assert permit is not None
    assert permit.kind == "authority"
    assert "CA" in closed_to(BELAVIA, "2022-03-17T00:00Z")[0]
    assert "CA" not in closed_to(BELAVIA, "2022-03-15T00:00Z")[0]


# ---- closures and advice ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule_id", "outside", "inside"),
    [
        ("UA-01", "2022-02-24T00:44Z", "2022-02-24T00:45Z"),
        ("MD-01", "2022-03-21T10:00Z", "2022-03-21T09:59Z"),
        ("MD-02", "2023-02-14T12:47Z", "2023-02-14T12:46Z"),
        ("ME-24-1", "2024-10-26T05:30Z", "2024-10-26T05:29Z"),
        ("ME-25-IR", "2025-06-12T23:59Z", "2025-06-17T12:00Z"),
        ("ME-25-IR", "2025-06-26T00:00Z", "2025-06-24T23:59Z"),
        ("ME-25-JO", "2025-06-14T04:30Z", "2025-06-14T04:29Z"),
        ("ME-26-1", "2026-01-14T22:14Z", "2026-01-14T22:15Z"),
        ("ME-26-2", "2026-02-27T12:00Z", "2026-03-01T12:00Z"),
        ("EU-BY-01", "2021-06-04T21:59Z", "2021-06-04T22:00Z"),
        ("EU-RU-01", "2022-02-27T22:59Z", "2022-02-27T23:00Z"),
        ("UK-BY-03", "2021-06-02T22:59Z", "2021-06-02T23:00Z"),
        ("NO-RU-01", "2022-02-28T08:14Z", "2022-02-28T08:15Z"),
        ("CH-RU-2022-02-28", "2022-02-28T13:59Z", "2022-02-28T14:00Z"),
        ("CH-RU-01", "2022-04-27T15:59Z", "2022-04-27T16:00Z"),
        ("CA-RU-01", "2022-02-27T14:20Z", "2022-02-27T14:21Z"),
        ("US-FAA-03", "2022-03-03T01:59Z", "2022-03-03T02:00Z"),
        ("LT-02a", "2025-10-30T21:10Z", "2025-10-30T20:00Z"),
    ],
)
def test_both_sides_of_a_date(rule_id: str, outside: str, inside: str) -> None:
    when = rulebook().by_id[rule_id].when
    assert judge_time(when, parse_instant(outside)) is False
    assert judge_time(when, parse_instant(inside)) is True


def test_planners_learn_of_a_closure_when_it_is_published() -> None:
    for rule_id, at in (
        ("CA-RU-01", "2022-02-27T14:21Z"),
        ("UA-01", "2022-02-24T00:45Z"),
        ("UK-BY-03", "2021-06-02"),
        ("EU-BY-01", "2021-06-04"),
        ("FR-BY-2021-05-26", "2021-05-26T10:26Z"),
    ):
        assert rulebook().by_id[rule_id].when.published_ms == parse_instant(at), rule_id


def test_bulletins_advise_and_national_orders_bind() -> None:
    forces = {rule.id: rule.force for rule in rulebook().rules}
    for rule_id in ("EASA-BY-01", "EASA-BY-02", "CZIB-2025-02", "US-FAA-01", "FI-OWN-2021-05-25"):
        assert forces[rule_id] == "advisory", rule_id
    for rule_id in ("EASA-BY-03", "LV-OWN-2021-05-25", "UA-BY-2021-05-25b", "US-FAA-02"):
        assert forces[rule_id] == "binding", rule_id
    policy = [rule for rule in rulebook().rules if rule.id.startswith("OP-")]
    assert {rule.force for rule in policy} == {"operator-policy"}


def test_afghanistan_is_low_level_advice_in_2025() -> None:
    facts, kabul = carrier_of("DE"), Place("fir", "OAKX")
    at = "2025-06-15T00:00Z"
    assert truth("CZIB-AF", facts, at, kabul, **at_level(31_000)) is True
    assert truth("CZIB-AF", facts, at, kabul, **at_level(36_000)) is False
    assert truth("OP-AF-EU", facts, "2022-04-01T00:00Z", kabul) is True
    assert truth("OP-AF-EU", facts, at, kabul) is False


def test_indian_carriers_lose_pakistan() -> None:
    air_india = replace(carrier_of("IN"), operator="AIC")
    assert "PK" not in closed_to(air_india, "2025-04-23T12:00Z")[0]
    assert "PK" in closed_to(air_india, "2025-04-26T00:00Z")[0]
    assert "PK" not in closed_to(TURKISH, "2025-04-26T00:00Z")[0]
