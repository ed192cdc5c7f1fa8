"""Aerodromes, operators, fleets and timetables: what is shipped, and what a user may get wrong."""

from __future__ import annotations

import csv
import hashlib
import subprocess
import sys
import tomllib
from collections import Counter, defaultdict
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airsim.base import InputError, find_resource, format_instant, parse_instant
from airsim.operation import (
    check_aerodromes,
    check_operators,
    expand_timetable,
    load_aerodromes,
    load_fleet,
    load_operators,
    load_timetable,
    local_time,
    state_of_registration,
)
from airsim.operation import checks as operation_checks

TIMETABLE = find_resource("scenarios/belavia/timetable.csv")
FLEET = find_resource("scenarios/belavia/fleet.csv")
AERODROMES = load_aerodromes()
OPERATORS = load_operators()
MINSK_WEEK = {
    "2021-05": ("2021-05-10T00:00+03:00", "2021-05-17T00:00+03:00"),
    "2021-06": ("2021-06-21T00:00+03:00", "2021-06-28T00:00+03:00"),
    "2022-03": ("2022-03-14T00:00+03:00", "2022-03-21T00:00+03:00"),
    "2025-09": ("2025-09-15T00:00+03:00", "2025-09-22T00:00+03:00"),
}
HEADER = "flight,adep,ades,days,std,sta,typecode,valid_from,valid_to"


def fly_week(period):
    services = load_timetable(TIMETABLE, period)
    start, end = (parse_instant(text) for text in MINSK_WEEK[period])
    return expand_timetable(services, AERODROMES, start, end)


def write(folder: Path, *rows: str, header: str = HEADER, name: str = "mine.csv") -> Path:
    path = folder / name
    path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return path


def problems_of(function, *args):
    with pytest.raises(InputError) as caught:
        function(*args)
    return caught.value.problems


# aerodromes


def test_namibia_is_not_a_missing_value():
    assert AERODROMES["FYWH"].state == "NA"


def test_crimea_is_ukraine_and_pristina_is_kosovo():
    assert AERODROMES["UKFF"].state == "UA"
    assert AERODROMES["BKPR"].state == "XK"


@pytest.mark.parametrize(
    ("code", "icao"),
    [
        ("UMMS", "UMMS"),
        ("msq", "UMMS"),
        (" IST ", "LTFM"),
        ("URFF", "UKFF"),
        ("FRU", "UCFM"),
        ("BSZ", "UCFM"),
        ("UTTT", "UTTT"),
        ("UZTT", "UTTT"),
        ("JOK", "UWKJ"),
        ("RTW", "UWSS"),
        ("KIV", "LUKK"),
    ],
)
def test_icao_iata_and_former_codes_find_the_aerodrome(code, icao):
    assert AERODROMES.find(code).icao == icao


def test_an_unknown_aerodrome_names_near_ones():
    (problem,) = problems_of(AERODROMES.find, "UMMX")
    assert "UMMS" in problem.remedy
    (problem,) = problems_of(AERODROMES.find, "Minsk")
    assert "UMMS (Minsk" in problem.remedy
    (problem,) = problems_of(AERODROMES.find, "Domodedovo")
    assert "UUDD" in problem.remedy


@pytest.mark.parametrize(
    ("icao", "lon", "lat"),
    [("EBBR", 4.484, 50.901), ("ELLX", 6.204, 49.623), ("ZPPP", 102.937, 25.110)],
)
def test_known_faults_of_the_source_are_corrected(icao, lon, lat):
    place = AERODROMES[icao]
    assert (place.lon, place.lat) == pytest.approx((lon, lat), abs=0.01)


def test_every_override_has_a_reason_and_took_effect():
    overrides = tomllib.loads(find_resource("geodata/aerodrome-overrides.toml").read_text("utf-8"))
    for entry in overrides["override"] + overrides["add"]:
        assert entry["reason"]
        place = AERODROMES[entry["icao"]]
        for key in {"lon", "lat"} & set(entry):
            assert getattr(place, key) == pytest.approx(entry[key], abs=1e-5)
        for key in {"state", "tz", "iata", "name"} & set(entry):
            assert getattr(place, key) == entry[key]


def test_shipped_tables_pass_their_checks():
    results = check_aerodromes() + check_operators()
    assert len(results) >= 18
    assert [r for r in results if not r[1]] == []


@pytest.mark.parametrize(
    ("column", "value", "failing"),
    [
        (3, "", "States are ISO 3166-1"),
        (5, "95.1", "positions and elevations are possible"),
        (4, "-128.0307", "time zones exist and fit the longitude"),
        (7, "Europe/Nowhere", "time zones exist and fit the longitude"),
        (1, "LHR", "IATA codes are unique"),
        (8, "EGLL", "former codes name no other aerodrome"),
    ],
)
def test_the_check_of_aerodromes_can_fail(monkeypatch, column, value, failing):
    header, rows = operation_checks.read_rows(find_resource("geodata/aerodromes.csv"))
    spoilt = [list(row) for row in rows]
    minsk = next(row for row in spoilt if row[0] == "UMMS")
    minsk[column] = value
    monkeypatch.setattr(operation_checks, "read_rows", lambda path: (header, spoilt))
    failed = [name for name, ok, _ in check_aerodromes() if not ok]
    assert failed == [f"aerodromes: {failing}"]


def test_the_query_path_stays_light():
    code = (
        "import sys, airsim.operation, airsim.performance;"
        "bad = {'pandas', 'scipy', 'geopandas', 'pyarrow', 'matplotlib', 'shapely', 'numba'};"
        "sys.exit(' '.join(bad & set(sys.modules)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_states_agree_with_the_territory_layer():
    geopandas = pytest.importorskip("geopandas")
    territory = geopandas.read_parquet(find_resource("geodata/territory.parquet"))
    places = list(AERODROMES.values())
    points = geopandas.points_from_xy([p.lon for p in places], [p.lat for p in places])
    within = territory.sindex.query(points, predicate="within")
    over = {(int(i), territory["designator"].iloc[j]) for i, j in within.T}
    elsewhere = [p.icao for i, p in enumerate(places) if (i, p.state) not in over]
    assert elsewhere == ["FZQG"]  # Kasenga lies on the bank of a border river


OURS = ["aerodromes.csv", "operators.csv", "aircraft.csv", "charges.toml"]


def test_the_papers_name_the_files_that_are_shipped():
    papers = tomllib.loads(find_resource("geodata/MANIFEST.toml").read_text("utf-8"))["file"]
    listed = {paper["path"]: paper for paper in papers}
    for name in OURS:
        content = find_resource(f"geodata/{name}").read_bytes()
        assert listed[name]["sha256"] == hashlib.sha256(content).hexdigest(), name
        assert listed[name]["licence"]


# operators


@pytest.mark.parametrize(
    ("icao", "iata", "state"),
    [
        ("BRU", "B2", "BY"), ("AFL", "SU", "RU"), ("SDM", "FV", "RU"), ("FIN", "AY", "FI"),
        ("DLH", "LH", "DE"), ("UAE", "EK", "AE"), ("QTR", "QR", "QA"), ("KZR", "KC", "KZ"),
        ("THY", "TK", "TR"), ("AFR", "AF", "FR"), ("JAL", "JL", "JP"), ("ANA", "NH", "JP"),
        ("KAL", "KE", "KR"), ("AIC", "AI", "IN"), ("AAL", "AA", "US"), ("DAL", "DL", "US"),
        ("UAL", "UA", "US"), ("FDB", "FZ", "AE"), ("PGT", "PC", "TR"), ("AHY", "J2", "AZ"),
        ("GEL", "D4", "GE"), ("UZB", "HY", "UZ"), ("TUA", "T5", "TM"), ("CSN", "CZ", "CN"),
        ("CCA", "CA", "CN"), ("NWS", "N4", "RU"), ("RWZ", "WZ", "RU"), ("SVR", "U6", "RU"),
        ("BAW", "BA", "GB"), ("SWR", "LX", "CH"), ("NAX", "", "NO"), ("GFA", "GF", "BH"),
    ],
)  # fmt: skip
def test_well_known_operators_are_right(icao, iata, state):
    operator = OPERATORS.find(icao.lower())
    assert (operator.icao, operator.iata, operator.state) == (icao, iata, state)
    assert operator.default_type
    if iata:
        assert OPERATORS.find(iata) is operator


def test_a_dated_finding_of_control_is_left_to_the_law():
    southwind = OPERATORS["STW"]
    assert (southwind.state, southwind.controller_state) == ("TR", "")
    assert "833/2014" in southwind.source


def test_belavia_belongs_to_the_state():
    belavia = OPERATORS["BRU"]
    assert (belavia.owner_state, belavia.controller_state) == ("BY", "BY")


def test_only_operators_with_an_advising_authority_obey():
    assert {OPERATORS[c].advisory_policy for c in ("DLH", "BAW", "WIF", "SWR", "UAL")} == {"obey"}
    assert {OPERATORS[c].advisory_policy for c in ("BRU", "THY", "UAE", "AFL", "CCA")} == {"warn"}


def test_enough_operators_have_a_commonest_type():
    assert len(OPERATORS) >= 1000
    assert sum(1 for operator in OPERATORS.values() if operator.default_type) >= 300


# registrations


@pytest.mark.parametrize(
    ("registration", "state"),
    [
        ("EW-455PA", "BY"), ("RA-73733", "RU"), ("VQ-BRU", "BM"), ("VP-BJR", "BM"),
        ("TC-GRD", "TR"), ("C5-TAB", "GM"), ("N12345", "US"), ("D-AIMA", "DE"), ("G-STBA", "GB"),
        ("JA801A", "JP"), ("HL7700", "KR"), ("B-LRA", "HK"), ("B-5901", "CN"), ("B-18901", "TW"),
        ("B-MBA", "MO"), ("4X-EKA", "IL"), ("4L-GTA", "GE"), ("UP-B6703", "KZ"), ("UK75701", "UZ"),
        ("A6-EDA", "AE"), ("A7-BAA", "QA"), ("9M-MTA", "MY"), ("M-ABCD", "IM"), ("2-ABCD", "GG"),
        ("C-FIVM", "CA"), ("LZ-CPA", "BG"), ("SU-GEA", "EG"), ("YL-LCS", "LV"), ("OH-LWA", "FI"),
        ("EI-GSG", "IE"), ("QQ-XYZ", ""), ("", ""), ("EWABC", ""),
    ],
)  # fmt: skip
def test_nationality_marks(registration, state):
    assert state_of_registration(registration) == state


# fleet


@pytest.mark.parametrize(
    ("period", "flying"), [("2021-05", 29), ("2021-06", 29), ("2021-12", 14), ("2022-03", 13)]
)
def test_belavia_lost_half_its_aircraft(period, flying):
    fleet = load_fleet(FLEET, period)
    assert sum(1 for tail in fleet if tail.status == "active") == flying


def test_the_fleet_of_september_2025():
    fleet = load_fleet(FLEET, "2025-09")
    active = Counter(tail.typecode for tail in fleet if tail.status == "active")
    assert active == {"B738": 5, "E195": 4, "B733": 3, "B38M": 1, "E75L": 1, "A332": 1}
    assert {tail.registered_in for tail in fleet} == {"BY"}


def test_boeings_are_of_united_states_origin_and_the_rest_is_open():
    for tail in load_fleet(FLEET):
        assert tail.us_origin is (True if tail.typecode.startswith("B") else None)


def test_owner_is_given_only_where_a_source_names_it():
    owners = {(t.registration, t.owner_state) for t in load_fleet(FLEET, "2021-05")}
    assert ("EW-555PO", "IE") in owners
    assert ("EW-528PA", "US") in owners
    assert ("EW-455PA", "") in owners
    later = {t.registration: t for t in load_fleet(FLEET, "2025-09")}
    assert later["EW-528PA"].owner_state == ""
    assert later["EW-587PD"].owner_state == "BY"


def test_every_problem_of_a_fleet_is_told_at_once(tmp_path):
    path = write(
        tmp_path,
        "EW-1PA,B738,189,,",
        "EW-2PA,B999,189,,",
        "EW-1PA,B738,many,,sold",
        "??,B738,1,,",
        "QQ-1,B738,1,,",
        "EW-3PA,B738,1,ZZ,",
        header="registration,typecode,seats,owner_state,status",
    )
    found = [(p.record, p.problem) for p in problems_of(load_fleet, path)]
    assert [record for record, _ in found] == [
        "row 3", "row 4", "row 4", "row 5", "row 5", "row 6", "row 7", "row 4",
    ]  # fmt: skip
    text = " | ".join(problem for _, problem in found)
    for part in ("B999", "'sold'", "'many'", "not a registration", "State of registry", "'ZZ'"):
        assert part in text
    assert "already in row 2" in text


def test_a_foreign_register_follows_from_the_mark_unless_given(tmp_path):
    rows = ("TC-GRD,A321,", "VQ-BRU,A21N,", "EW-9PA,E75S,", "EW-8PA,B738,no")
    path = write(tmp_path, *rows, header="registration,typecode,us_origin")
    fleet = load_fleet(path)
    assert [t.registered_in for t in fleet] == ["TR", "BM", "BY", "BY"]
    assert fleet[2].typecode == "E75L"  # a variant of the shipped type
    assert [t.us_origin for t in fleet] == [None, None, None, False]


# timetable


@pytest.mark.parametrize(
    ("period", "rows", "sectors"),
    [("2021-05", 90, 334), ("2021-06", 44, 174), ("2022-03", 40, 200), ("2025-09", 80, 330)],
)
def test_weekly_sectors_of_the_reconstructed_timetable(period, rows, sectors):
    assert len(load_timetable(TIMETABLE, period)) == rows
    assert len(fly_week(period)) == sectors


def test_minsk_istanbul_took_two_and_a_half_hours_before_the_bans():
    may = next(f for f in fly_week("2021-05") if f.flight_id == "BRU783-20210512")
    assert (may.adep, may.ades, may.callsign) == ("UMMS", "LTFM", "BRU783")
    assert format_instant(may.eobt_ms) == "2021-05-12T05:20:00Z"
    assert (may.sta_ms - may.eobt_ms) // 60_000 == 150
    june = next(f for f in fly_week("2021-06") if f.flight_id == "BRU783-20210623")
    assert (june.sta_ms - june.eobt_ms) // 60_000 == 240


OFFSETS = {
    # Summer offsets as published beside the timetables; Egypt and Kazakhstan changed since 2022.
    "2021-05": "MSQ+3 DME+3 LED+3 KGD+2 IST+3 KBP+3 RMO+3 VNO+3 HEL+3 LCA+3 TLV+3 VIE+2 LGW+1 "
    "TBS+4 EVN+4 GYD+4 DXB+4 NQZ+6 TAS+5 HRG+2",
    "2022-03": "MSQ+3 SVO+3 AER+3 IST+3 NQZ+6 ALA+6 TAS+5 HRG+2 DXB+4",
    "2025-09": "MSQ+3 MMK+3 MCX+3 KZN+3 KGD+2 SVX+5 KRW+5 TAS+5 NQZ+5 URC+8 HRG+3 AYT+3 BUS+4",
}


@pytest.mark.parametrize("period", sorted(OFFSETS))
def test_local_times_follow_the_zone_of_each_aerodrome(period):
    hours = {}
    for flight in fly_week(period):
        place = AERODROMES[flight.adep]
        offset = local_time(place, flight.eobt_ms).utcoffset()
        hours.setdefault(place.iata, offset.total_seconds() / 3600)
    expected = {text[:3]: float(text[3:]) for text in OFFSETS[period].split()}
    assert {iata: hours[iata] for iata in expected} == expected


@pytest.mark.parametrize("period", sorted(MINSK_WEEK))
def test_no_more_aircraft_fly_at_once_than_the_fleet_has(period):
    have = Counter(t.typecode for t in load_fleet(FLEET, period) if t.status == "active")
    events = defaultdict(list)
    for flight in fly_week(period):
        turn_ms = 45 * 60_000
        events[flight.typecode] += [(flight.eobt_ms, 1), (flight.sta_ms + turn_ms, -1)]
    for typecode, changes in events.items():
        in_use = peak = 0
        for _, change in sorted(changes):
            in_use += change
            peak = max(peak, in_use)
        assert peak <= have[typecode]


def test_grades_are_kept_and_the_worst_is_shown():
    services = load_timetable(TIMETABLE, "2021-05")
    b2783 = next(s for s in services if s.flight == "B2783")
    assert b2783.grades == {"R": "V", "F": "V", "T": "V", "N": "V", "A": "v"}
    assert (b2783.grade, b2783.times_synthetic) == ("v", False)
    made_up = next(s for s in services if s.grades["T"] == "S")
    assert (made_up.grade, made_up.times_synthetic) == ("S", True)
    flights = {f.callsign: f.times_synthetic for f in fly_week("2021-05")}
    assert flights[b2783.callsign] is False
    assert flights[made_up.callsign] is True


def test_charters_are_not_scheduled():
    kinds = {(f.service, f.scheduled) for f in fly_week("2025-09")}
    assert kinds == {("passenger", True), ("charter", False)}


def test_every_row_of_the_shipped_files_has_a_source():
    for path in (TIMETABLE, FLEET):
        with path.open(encoding="utf-8", newline="") as stream:
            assert all(row["source"] and row["confidence"] for row in csv.DictReader(stream))


OTHER = "B2801,MSQ,DXB,2,08:20,14:50,B738,2021-05-01,2021-05-20"
GOOD = "B2783,MSQ,IST,1234567,08:20,10:50,B738,2021-05-01,2021-05-20"


def test_a_short_timetable_of_a_user(tmp_path):
    (service,) = load_timetable(write(tmp_path, GOOD))
    assert (service.operator, service.callsign, service.ades) == ("BRU", "BRU783", "LTFM")
    assert (service.grade, service.grades, service.times_synthetic) == ("", {}, False)
    assert service.valid_to == date(2021, 5, 20)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("B2783,MSK,IST,1,08:20,10:50,B738,2021-05-01,2021-05-20", "adep: unknown aerodrome 'MSK'"),
        ("B2783,MSQ,MSQ,1,08:20,10:50,B738,2021-05-01,2021-05-20", "departs from and arrives at"),
        ("B2783,MSQ,IST,8,08:20,10:50,B738,2021-05-01,2021-05-20", "days '8'"),
        ("B2783,MSQ,IST,11,08:20,10:50,B738,2021-05-01,2021-05-20", "days '11'"),
        ("B2783,MSQ,IST,1,8:20,10:50,B738,2021-05-01,2021-05-20", "std '8:20'"),
        ("B2783,MSQ,IST,1,08:20,24:50,B738,2021-05-01,2021-05-20", "sta '24:50'"),
        ("B2783,MSQ,IST,1,08:20,10:50,B7,2021-05-01,2021-05-20", "unknown aircraft type 'B7'"),
        ("B2783,MSQ,IST,1,08:20,10:50,B738,1.5.2021,2021-05-20", "valid_from '1.5.2021'"),
        ("B2783,MSQ,IST,1,08:20,10:50,B738,2021-05-21,2021-05-20", "is before valid_from"),
        ("B2783,MSQ,IST,1,22:20,00:50,B738,2021-05-01,2021-05-20", "before it leaves"),
        ("B2783,MSQ,IST,1,08:20,10:50+1,B738,2021-05-01,2021-05-20", "takes 1590 min"),
        ("??783,MSQ,IST,1,08:20,10:50,B738,2021-05-01,2021-05-20", "is not a flight number"),
        ("Q0783,MSQ,IST,1,08:20,10:50,B738,2021-05-01,2021-05-20", "unknown operator code"),
        ("B2783,MSQ,IST,1,08:20", "has 5 cells"),
    ],
)
def test_one_wrong_row_is_named_with_a_remedy(tmp_path, row, words):
    (problem,) = problems_of(load_timetable, write(tmp_path, OTHER, row))
    assert (problem.file, problem.record) == ("mine.csv", "row 3")
    assert words in problem.problem
    assert problem.remedy


def test_all_wrong_rows_are_told_at_once(tmp_path):
    path = write(
        tmp_path,
        "B2783,XXXX,IST,9,08:20,10:50,B999,2021-05-01,2021-05-20",
        GOOD,
        "B2784,IST,MSQ,1,25:00,10:50,B738,2021-05-01,2021-04-20",
    )
    assert [p.record for p in problems_of(load_timetable, path)] == ["row 2"] * 3 + ["row 4"] * 2


def test_the_same_flight_twice_a_day_is_a_duplicate(tmp_path):
    again = "B2783,UMMS,LTFM,7,18:20,20:50,B738,2021-05-20,2021-06-20"
    (problem,) = problems_of(load_timetable, write(tmp_path, GOOD, again))
    assert "already in row 2 on days 7" in problem.problem
    apart = "B2783,UMMS,LTFM,7,18:20,20:50,B738,2021-05-21,2021-06-20"
    assert len(load_timetable(write(tmp_path, GOOD, apart))) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEADER.replace(",days", ""), "header lacks days"),
        (HEADER.replace(",", ";"), "separated by ;"),
        (HEADER + ",sorce", "unknown column sorce"),
        (HEADER + ",std", "comes twice"),
        ("", "header lacks"),
    ],
)
def test_a_wrong_header_is_told(tmp_path, text, words):
    assert any(
        words in p.problem for p in problems_of(load_timetable, write(tmp_path, header=text))
    )


def test_a_file_that_is_missing_or_not_text(tmp_path):
    (problem,) = problems_of(load_timetable, tmp_path / "nowhere.csv")
    assert "no such file" in problem.problem
    (tmp_path / "latin.csv").write_bytes(b"flight,adep\nB2\xe9,MSQ\n")
    (problem,) = problems_of(load_timetable, tmp_path / "latin.csv")
    assert "not UTF-8" in problem.problem
    (tmp_path / "quote.csv").write_text(HEADER + '\n"B2783,MSQ\n', encoding="utf-8")
    assert "not CSV" in problems_of(load_timetable, tmp_path / "quote.csv")[0].problem


def test_an_unknown_period_lists_the_known_ones():
    (problem,) = problems_of(load_timetable, TIMETABLE, "2019")
    assert "2021-05, 2021-06, 2022-03, 2025-09" in problem.remedy


def test_a_byte_order_mark_and_ssim_days_are_accepted(tmp_path):
    path = tmp_path / "excel.csv"
    row = GOOD.replace("1234567", "1.3.5..")
    path.write_text(f"{HEADER}\n{row}\n", encoding="utf-8-sig")
    assert load_timetable(path)[0].days == "135"


def test_icao_flight_numbers_and_a_given_operator(tmp_path):
    icao = "BRU783,MSQ,IST,1,08:20,10:50,B738,2021-05-01,2021-05-20"
    assert load_timetable(write(tmp_path, icao))[0].callsign == "BRU783"
    path = write(tmp_path, icao + ",B2", header=HEADER + ",operator")
    assert load_timetable(path)[0].callsign == "BRU783"
    path = write(tmp_path, icao + ",DLH", header=HEADER + ",operator")
    assert "not a flight number of DLH" in problems_of(load_timetable, path)[0].problem


def test_status_and_goods_of_a_row_are_those_of_its_flights(tmp_path):
    path = write(
        tmp_path, f"{GOOD},humanitarian state,EAR99 9A991", header=f"{HEADER},status,items"
    )
    (service,) = load_timetable(path)
    assert service.circumstances.status == {"humanitarian", "state"}
    assert service.circumstances.items == ("EAR99", "9A991")
    first = parse_instant(service.valid_from.isoformat())
    for flight in expand_timetable([service], AERODROMES, first, first + 8 * 86_400_000):
        assert flight.circumstances == service.circumstances
    path = write(tmp_path, f"{GOOD},holy", header=f"{HEADER},status")
    ((record, problem, remedy),) = [
        (p.record, p.problem, p.remedy) for p in problems_of(load_timetable, path)
    ]
    assert ("2" in record, "'holy' is no status" in problem, "emergency" in remedy) == (True,) * 3


def test_utc_timetables_are_read_as_they_stand(tmp_path):
    path = write(tmp_path, GOOD + ",utc", header=HEADER + ",time_basis")
    services = load_timetable(path)
    day = parse_instant("2021-05-12")
    (flight,) = expand_timetable(services, AERODROMES, day, day + 86_400_000)
    assert format_instant(flight.eobt_ms) == "2021-05-12T08:20:00Z"


# dates


def test_clock_changes_move_the_utc_time(tmp_path):
    path = write(tmp_path, "LH1,FRA,MUC,1234567,12:00,13:00,A320,2025-10-25,2025-10-26")
    flights = expand_timetable(
        load_timetable(path), AERODROMES, parse_instant("2025-10-24"), parse_instant("2025-10-28")
    )
    starts = [format_instant(f.eobt_ms)[11:16] for f in flights]
    assert starts == ["10:00", "11:00"]


def test_arrival_across_the_date_line_and_next_day(tmp_path):
    rows = (
        "JL1,HND,SFO,1,19:45,12:15,B789,2025-09-01,2025-09-30",
        "UA1,SFO,HND,1,13:00,16:00+1,B789,2025-09-01,2025-09-30",
    )
    flights = expand_timetable(
        load_timetable(write(tmp_path, *rows)),
        AERODROMES,
        parse_instant("2025-09-01"),
        parse_instant("2025-09-03"),
    )
    assert [(f.sta_ms - f.eobt_ms) // 60_000 for f in flights] == [8 * 60 + 30, 11 * 60]


def test_one_number_on_two_legs_gets_two_identifiers(tmp_path):
    rows = (
        "B2912,SVO,BQT,1,10:00,11:45,E75L,2025-09-01,2025-09-30",
        "B2912,BQT,GME,1,13:00,14:00,E75L,2025-09-01,2025-09-30",
    )
    services = load_timetable(write(tmp_path, *rows))
    noon = parse_instant("2025-09-01T08:00Z")
    day = expand_timetable(services, AERODROMES, noon - 28_800_000, noon + 57_600_000)
    assert [f.flight_id for f in day] == ["BRU912-20250901", "BRU912-20250901-2"]
    after = expand_timetable(services, AERODROMES, noon, noon + 57_600_000)
    assert [f.flight_id for f in after] == ["BRU912-20250901-2"]


SEPTEMBER = load_timetable(TIMETABLE, "2025-09")
FIRST, LAST = parse_instant("2025-08-25"), parse_instant("2025-10-05")
SEASON = expand_timetable(SEPTEMBER, AERODROMES, FIRST, LAST)


@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(FIRST, LAST), max_size=4))
def test_windows_cut_anywhere_give_the_same_flights(cuts):
    edges = [FIRST, *sorted(cuts), LAST]
    parts = [
        flight
        for start, end in pairwise(edges)
        for flight in expand_timetable(SEPTEMBER, AERODROMES, start, end)
    ]
    assert tuple(parts) == SEASON


def test_flights_are_sorted_unique_and_in_the_window():
    keys = [(f.eobt_ms, f.flight_id) for f in SEASON]
    assert keys == sorted(keys)
    assert len({f.flight_id for f in SEASON}) == len(SEASON) > 1000
    assert all(FIRST <= f.eobt_ms < LAST for f in SEASON)
    assert expand_timetable(SEPTEMBER, AERODROMES, FIRST, FIRST) == ()


def test_a_window_holds_its_start_and_not_its_end():
    departure = SEASON[500].eobt_ms
    window = expand_timetable(SEPTEMBER, AERODROMES, departure, departure + 60_000)
    assert SEASON[500] in window
    assert SEASON[500] not in expand_timetable(SEPTEMBER, AERODROMES, FIRST, departure)
