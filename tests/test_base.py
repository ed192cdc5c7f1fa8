"""Errors that say everything, instants that are never guessed, groups that change by date."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airsim.base import (
    GROUP_CHANGES_MS,
    GROUPS,
    OPEN_FROM,
    OPEN_TO,
    STATE_CODES,
    AirsimError,
    InputError,
    Problem,
    ProblemList,
    find_resource,
    format_instant,
    list_scenarios,
    parse_instant,
    states_in_group,
)


# ------------------------------------------------------------------------------------ instants
@pytest.mark.parametrize(
    ("text", "same_as"),
    [
        ("2021-06-04T22:00Z", "2021-06-04T22:00:00+00:00"),
        ("2021-06-05T01:00:00+03:00", "2021-06-04T22:00Z"),
        ("2021-06-05", "2021-06-05T00:00Z"),
        (" 2021-06-05T00:00:00.000Z ", "2021-06-05"),
    ],
)
def test_instants_of_one_moment_are_equal(text: str, same_as: str) -> None:
    assert parse_instant(text) == parse_instant(same_as)


def test_an_instant_counts_milliseconds_of_utc() -> None:
    assert parse_instant("1970-01-01T00:00:01Z") == 1_000
    assert parse_instant("2020-01-31T23:00Z") == 1_580_511_600_000


@pytest.mark.parametrize("text", ["2021-06-04T22:00", "2021-06-04 22:00", "yesterday", "", "22:00"])
def test_local_time_is_never_guessed(text: str) -> None:
    with pytest.raises(ValueError, match=r"offset|isoformat|ISO"):
        parse_instant(text)


@given(st.datetimes(datetime(1, 1, 2), datetime(9998, 12, 31), timezones=st.just(UTC)))
def test_what_is_written_is_read_back_to_the_second(moment: datetime) -> None:
    ms = round(moment.timestamp()) * 1000
    assert parse_instant(format_instant(ms)) == ms


def test_written_instants_are_rounded_and_open_ends_are_empty() -> None:
    assert format_instant(1_499) == "1970-01-01T00:00:01Z"
    assert format_instant(1_500) == "1970-01-01T00:00:02Z"
    assert (format_instant(OPEN_FROM), format_instant(OPEN_TO)) == ("", "")


# -------------------------------------------------------------------------------------- groups
@pytest.mark.parametrize(
    ("group", "last_day_in", "first_day_out"),
    [
        ("EU", "2020-01-31T22:59:59Z", "2020-01-31T23:00Z"),
        ("EASA", "2020-12-31T22:59:59Z", "2020-12-31T23:00Z"),
    ],
)
def test_the_united_kingdom_left(group: str, last_day_in: str, first_day_out: str) -> None:
    before = states_in_group(group, parse_instant(last_day_in))
    after = states_in_group(group, parse_instant(first_day_out))
    assert before - after == {"GB"}
    assert after < before
    assert parse_instant(first_day_out) in GROUP_CHANGES_MS


def test_the_union_has_27_members_and_its_aviation_agency_31() -> None:
    now = parse_instant("2025-09-15")
    assert len(states_in_group("EU", now)) == 27
    assert states_in_group("EASA", now) - states_in_group("EU", now) == {"CH", "IS", "LI", "NO"}


def test_russia_listed_36_states_and_territories_but_never_the_united_states() -> None:
    barred = states_in_group("RU36", parse_instant("2022-03-01"))
    assert len(barred - {"GL", "FO"}) == 36  # these two stand in the entry of Denmark
    assert {"GB", "DE", "AI", "VG", "JE", "GI"} <= barred
    assert not {"US", "JP", "CH", "RS", "TR"} & barred


def test_every_member_of_every_group_is_a_state() -> None:
    for group in GROUPS:
        for at_ms in (*GROUP_CHANGES_MS, GROUP_CHANGES_MS[0] - 1):
            assert states_in_group(group, at_ms) <= STATE_CODES
    with pytest.raises(KeyError):
        states_in_group("NATO", 0)


def test_states_are_those_of_iso_3166_with_kosovo() -> None:
    assert len(STATE_CODES) == 250  # 249 of the standard, and XK
    assert {"XK", "AX", "GL", "FO", "SJ", "AQ"} <= STATE_CODES
    assert not {"UK", "EU", "SU", "XX"} & STATE_CODES


# -------------------------------------------------------------------------------------- errors
def test_an_error_tells_every_problem_with_place_and_remedy() -> None:
    problems = ProblemList()
    problems.raise_if_any()  # nothing to raise yet
    problems.add("a.csv", "row 3", "bad", "mend it")
    problems.add("b.toml", "", "worse")
    with pytest.raises(InputError) as caught:
        problems.raise_if_any()
    assert caught.value.problems == (
        Problem("a.csv", "row 3", "bad", "mend it"),
        Problem("b.toml", "", "worse"),
    )
    assert str(caught.value) == "a.csv: row 3: bad (mend it)\nb.toml: worse"
    again = ProblemList()
    again.extend(caught.value)
    assert again.problems == list(caught.value.problems)


def test_bad_input_is_caught_as_a_value_error_and_as_one_of_ours() -> None:
    for kind in (ValueError, AirsimError):
        with pytest.raises(kind):
            raise InputError(Problem("a", "", "bad"))


# ----------------------------------------------------------------------------------- resources
def test_shipped_files_are_found_and_missing_ones_reported() -> None:
    assert find_resource("geodata/aerodromes.csv").is_file()
    assert find_resource("scenarios/rulebook").is_dir()
    with pytest.raises(InputError, match="reinstall"):
        find_resource("geodata/atlantis.parquet")


def test_shipped_scenarios_are_listed_by_name() -> None:
    names = list_scenarios()
    assert "zapad-2025" in names
    assert list(names) == sorted(set(names))
    for name in names:
        assert find_resource(f"scenarios/{name}.toml").is_file()


def test_contracting_states_of_the_convention_are_all_but_a_few() -> None:
    members = states_in_group("ICAO", parse_instant("2025-09-15"))
    assert STATE_CODES - members == {"AQ", "EH", "LI", "NU", "PS", "TW", "VA", "XK"}
    assert {"BY", "RU", "GL", "HK", "TV", "DM"} <= members
