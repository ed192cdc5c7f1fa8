"""A user's own project: started, linted, asked; two cases of one's own, right on both sides."""

from __future__ import annotations

import json
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from oracle import make_rule

from airsim import cli
from airsim.airspace import Paths, find_crossings
from airsim.base import InputError, find_resource
from airsim.law import load_rulebook, make_rulebook, parse_rules, rulebook_schema
from airsim.planning import Plan, check_flight, describe_hits, find_hits
from airsim.scenario import (
    Scenario,
    extended_atlas,
    load_scenario,
    make_scenario,
    resize_zones,
    scenario_schema,
    shipped_atlas,
    start_project,
)

EXAMPLES = find_resource("scenarios/examples")


def ask(*words: str | Path) -> Result:
    result = CliRunner().invoke(cli.main, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


# ------------------------------------------------------------------------------------------ init
def test_a_new_project_is_linted_clean_and_answers(tmp_path: Path) -> None:
    folder = tmp_path / "my first"
    said = ask("init", folder)
    assert said.exit_code == 0
    assert "airsim run '" in said.output  # a path with a space can be pasted
    project = folder / "scenario.toml"
    for words in (["--scenario", project], ["--rulebook", folder / "rulebook"]):
        lint = ask("rules", "check", *words)
        assert (lint.exit_code, lint.output) == (0, "2 rules, 0 findings\n")
    to_geneva = ["check", "VIE", "GVA", "--operator", "AUA", "--scenario", project, "--json"]
    for at, outcome in (("2026-03-02T08:00Z", "direct"), ("2026-03-03T08:00Z", "infeasible")):
        assert json.loads(ask(*to_geneva, "--at", at).output)["outcome"] == outcome


def test_a_new_project_runs(tmp_path: Path) -> None:
    start_project(tmp_path)
    result = ask("run", tmp_path / "scenario.toml", "-o", tmp_path / "out", "--json")
    assert result.exit_code == 0
    assert (tmp_path / "out" / "scenario" / "report.html").is_file()
    assert json.loads(result.output)["title"].startswith("What if Switzerland")


def test_every_file_of_a_new_project_names_a_schema_that_is_there_and_follows_it(
    tmp_path: Path,
) -> None:
    import jsonschema

    tables = [path for path in start_project(tmp_path) if path.suffix == ".toml"]
    assert len(tables) == 2
    for path in tables:
        text = path.read_text(encoding="utf-8")
        schema = path.parent / text.splitlines()[0].removeprefix("#:schema ")
        loaded = json.loads(schema.read_text(encoding="utf-8"))
        jsonschema.Draft202012Validator(loaded).validate(tomllib.loads(text))
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.Draft202012Validator(loaded).validate({"schema": 1, "titel": "x"})


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    start_project(tmp_path)
    mine = tmp_path / "rulebook" / "example.toml"
    mine.write_text("my own", encoding="utf-8")
    (tmp_path / "fleet.csv").unlink()
    again = ask("init", tmp_path)
    assert again.exit_code == 2
    assert f"{mine}: is there already (name a new folder)" in again.output
    assert mine.read_text(encoding="utf-8") == "my own"
    assert not (tmp_path / "fleet.csv").exists()


def test_a_file_is_no_folder_for_a_project(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert "is a file (name a new folder)" in ask("init", tmp_path / "file").output


# ----------------------------------------------------------------------------- names at the door
def test_permits_said_to_be_held_must_be_asked_for_by_a_rule() -> None:
    rules = make_rulebook(
        [
            make_rule("P-01", effect="require-permit", where=[{"territory": ["LT"]}]),
            make_rule("R-01", where=[{"territory": ["LT"]}]),
        ]
    )
    with pytest.raises(InputError) as caught:
        make_scenario(rulebook=rules, held=["P-1", "R-01", "P-01", "nonsense"])
    assert [str(problem) for problem in caught.value.problems] == [
        "question: held: no rule 'P-1' (did you mean P-01?)",
        "question: held: R-01 asks for no permit (take it out)",
        "question: held: no rule 'nonsense' (see `airsim rules list`)",
    ]
    assert make_scenario(rulebook=rules, held=["P-01"]).bound.held == {"P-01"}


def test_a_misspelt_area_of_a_rule_is_named_with_what_was_meant() -> None:
    rules = make_rulebook([make_rule("R1", where=[{"fir": ["OBB"], "zone": ["EYVL"]}])])
    with pytest.raises(InputError) as caught:
        make_scenario(rulebook=rules)
    said = [str(problem) for problem in caught.value.problems]
    assert "unknown fir 'OBB'" in said[0]
    assert "OBBB" in said[0]
    assert said[1] == "amendment: R1: unknown zone 'EYVL' (EYVL is not a zone but: fir)"


def test_rules_are_named_once() -> None:
    told = ask("rules", "check", "--scenario", "zapad-2025", "--rulebook", "x")
    assert (told.exit_code, "leave one out" in told.output) == (2, True)


def test_law_is_given_by_a_rulebook_or_by_a_scenario_not_by_both() -> None:
    with pytest.raises(InputError, match="leave one out"):
        check_flight(
            "OTHH", "HECA", operator="QTR", at=BARRED, scenario=case("qatar-2017"),
            rulebook=case("qatar-2017").rulebook,
        )  # fmt: skip


# ------------------------------------------------------------------------------- what a rule hits
def test_a_rule_is_shown_with_areas_dates_and_the_flights_it_hits() -> None:
    shown = json.loads(
        ask("rules", "show", "EU-BY-01", "--scenario", "zapad-2025", "--json").output
    )
    assert shown["from_utc"] == ["2021-06-04T22:00:00Z"] * 2
    assert (
        {"LT", "LV", "PL"}
        <= {a["designator"] for a in shown["areas"]}
        <= set(shipped_atlas().layer("territory").designator)
    )
    flights = shown["flights"]
    assert (flights["asked"], flights["unknown"]) == (676, 0)
    assert 100 < flights["touched"] < 300
    first = flights["examples"][0]
    assert (first["operator"], first["state"], first["activity"]) == (
        "BRU",
        "touched",
        "overflight",
    )
    plain = ask("rules", "show", "EU-BY-01").output
    assert "flights touched" not in plain
    assert "where: territory AT" in plain


def test_a_licence_is_shown_with_what_it_relieves(tmp_path: Path) -> None:
    start_project(tmp_path)
    world = load_scenario(tmp_path / "scenario.toml")
    ban, licence = (describe_hits(world, name) for name in ("CH-AT-01", "CH-LIC-1"))
    assert (ban["relieved_by"], licence["relieves"]) == (["CH-LIC-1"], ["CH-AT-01"])
    # Vienna-Lyon at night is cargo: barred on the 3rd, licensed from the 4th, free on the 2nd.
    states = {
        hit.flight.flight_id: hit.state
        for hit in find_hits(world, world.rulebook.by_id["CH-AT-01"])
    }
    assert "AUA901-20260302" not in states
    assert states["AUA901-20260303"] == "touched"
    assert states["AUA901-20260304"] == "relieved"
    assert not any(name.startswith(("AUA201", "AUA202")) for name in states)
    assert states["AUA571-20260303"] == "touched"


def test_hits_within_vague_dates_are_unknown(tmp_path: Path) -> None:
    start_project(tmp_path)
    path = tmp_path / "rulebook" / "example.toml"
    text = path.read_text(encoding="utf-8").replace(
        'from = "2026-03-03" }', 'from = ["2026-03-03", "2026-03-04"] }'
    )
    path.write_text(text, encoding="utf-8")
    world = load_scenario(tmp_path / "scenario.toml")
    hits = {h.flight.flight_id: h for h in find_hits(world, world.rulebook.by_id["CH-AT-01"])}
    assert hits["AUA401-20260303"].state == "unknown"
    assert hits["AUA401-20260303"].verdict.missing == {"hour of start or end"}
    assert hits["AUA401-20260304"].state == "touched"


def test_a_rule_that_is_not_there_is_named_with_its_neighbours() -> None:
    told = ask("rules", "show", "EU-BY-1")
    assert told.exit_code == 2
    assert "no rule 'EU-BY-1'" in told.output
    assert "EU-BY-01" in told.output


# ------------------------------------------------------------------------- Qatar, 2017 to 2021
@cache
def case(name: str) -> Scenario:
    return load_scenario(EXAMPLES / name / f"{name}.toml")


def fly(name: str, adep: str, ades: str, at: str, operator: str, typecode: str) -> Plan:
    return check_flight(
        adep, ades, operator=operator, at=at, typecode=typecode, scenario=case(name)
    )


def crossed(plan: Plan, layer: str) -> set[str]:
    return {stay.designator for stay in plan.crossings if stay.layer == layer}


# Day, and whether each of the four measures was surely in force, surely not, or neither is known.
BEFORE, BARRED, LAST, AFTER = (
    "2017-06-04T08:00Z", "2017-06-10T08:00Z", "2021-01-03T08:00Z", "2021-01-13T08:00Z",
)  # fmt: skip
QATAR: list[tuple[str, str, str, str, tuple[str, ...]]] = [
    ("OTHH", "HECA", "infeasible", "landing barred", ("EG-QA",)),
    ("OTHH", "OERK", "infeasible", "landing barred", ("SA-QA",)),
    ("OTHH", "OMDB", "infeasible", "landing barred", ("AE-QA",)),
    ("OTHH", "OBBI", "infeasible", "landing barred", ("BH-QA",)),
    ("OTHH", "HSSK", "detour", "", ("BH-QA", "SA-QA")),
    ("HSSK", "OTHH", "detour", "", ("BH-QA", "SA-QA")),
    ("OTHH", "OIIE", "detour", "", ("BH-QA",)),
    ("OTHH", "OOMS", "detour", "", ("AE-QA", "BH-QA")),
]


@pytest.mark.parametrize(("adep", "ades", "outcome", "why", "rules"), QATAR)
def test_qatar_is_walled_in_between_june_2017_and_january_2021(
    adep: str, ades: str, outcome: str, why: str, rules: tuple[str, ...]
) -> None:
    for at in (BEFORE, AFTER):
        assert fly("qatar-2017", adep, ades, at, "QTR", "A333").outcome == "direct", at
    for at in (BARRED, LAST):
        plan = fly("qatar-2017", adep, ades, at, "QTR", "A333")
        assert (plan.outcome, plan.blocking_rules) == (outcome, rules)
        assert why in plan.reason


def test_what_is_left_to_qatar_is_one_airway_out_and_one_in() -> None:
    out = fly("qatar-2017", "OTHH", "HSSK", BARRED, "QTR", "A333")
    back = fly("qatar-2017", "HSSK", "OTHH", BARRED, "QTR", "A333")
    for plan in (out, back):
        assert crossed(plan, "territory").isdisjoint({"SA", "AE", "BH", "EG"})
        # The region of Doha does not exist yet; the high seas are Bahrain's region and Iran's.
        assert {"OBBB", "OIIX"} <= crossed(plan, "fir")
        assert crossed(plan, "fir").isdisjoint({"OTDF", "OEJD", "OMAE"})
        assert plan.route is not None
        assert plan.route.distance_km > 1.5 * plan.direct_km
    # Without the exceptions there is no way at all.
    shut = make_rulebook(
        rule.model_copy(update={"unless": ()}) for rule in case("qatar-2017").rulebook
    )
    world = make_scenario(rulebook=shut)
    plan = check_flight("OTHH", "HSSK", operator="QTR", at=BARRED, typecode="A333", scenario=world)
    assert plan.outcome == "infeasible"
    assert plan.blocking_rules == ("BH-QA",)


def test_each_airway_is_open_in_its_own_direction() -> None:
    atlas = case("qatar-2017").atlas
    for adep, ades, airway, other in (
        ("OTHH", "OIIE", "UT430", "UR659"), ("OIIE", "OTHH", "UR659", "UT430"),
    ):  # fmt: skip
        route = fly("qatar-2017", adep, ades, BARRED, "QTR", "A320").route
        assert route is not None
        path = Paths(*route.points.T.copy(), np.array([0, len(route.points)], np.int64))
        rows = find_crossings(atlas, path, layers=["zone"]).area.tolist()
        entered = {atlas.layer("zone").designator[row] for row in rows}
        assert f"OBBB~BH-QA~{airway}" in entered
        assert entered.isdisjoint({"OBBB~BH-QA", f"OBBB~BH-QA~{other}"})


def test_other_carriers_fly_through() -> None:
    plan = fly("qatar-2017", "OTHH", "HSSK", BARRED, "ETH", "B738")
    assert plan.outcome == "direct"


def test_a_qatari_aircraft_of_another_carrier_is_barred_too() -> None:
    world = case("qatar-2017")
    at = {"operator": "ETH", "at": BARRED, "typecode": "A320", "scenario": world}
    assert check_flight("OTHH", "HECA", registration="A7-AHA", **at).blocking_rules == ("EG-QA",)
    assert check_flight("OTHH", "HECA", registration="ET-AHA", **at).blocking_rules == ()


def test_a_day_without_an_hour_is_unknown_not_permitted() -> None:
    for at, outcome in (("2017-06-05T12:00Z", "unknown"), ("2021-01-12T12:00Z", "unknown")):
        assert fly("qatar-2017", "OTHH", "HECA", at, "QTR", "A333").outcome == outcome


def test_the_rulebook_of_qatar_is_short_and_stands_alone() -> None:
    (path,) = (EXAMPLES / "qatar-2017" / "rulebook").glob("*.toml")
    assert len(path.read_text(encoding="utf-8").splitlines()) < 60
    assert {rule.id for rule in load_rulebook(path.parent)} == {"SA-QA", "AE-QA", "BH-QA", "EG-QA"}


def test_larger_and_smaller_zones_keep_the_airways_cut() -> None:
    world = resize_zones(case("qatar-2017"), "plus30")
    assert any("~UT430" in name for name in world.atlas.layer("zone").designator)
    plan = check_flight("OTHH", "OIIE", operator="QTR", at=BARRED, typecode="A320", scenario=world)
    assert plan.outcome == "detour"


# ------------------------------------------------------------------------- India and Pakistan
INDIA: list[tuple[str, str, str, dict[str, Any]]] = [
    # Over the other's territory: closed to its carriers from the day of its own measure.
    ("VIDP", "EGLL", "AIC", {"04-23": "direct", "04-26": "detour"}),
    ("OPLA", "WMKK", "PIA", {"04-26": "direct", "04-29": "direct", "05-02": "detour"}),
    ("VIDP", "OPLA", "AIC", {"04-23": "direct", "04-24": "unknown", "04-26": "infeasible"}),
    ("OPLA", "VIDP", "PIA", {"04-29": "direct", "04-30": "unknown", "05-02": "infeasible"}),
    # At home, and by others, nothing changes.
    ("OPIS", "OPKC", "PIA", {"05-02": "direct"}),
    ("VIDP", "EGLL", "BAW", {"04-23": "direct", "05-02": "direct"}),
]  # fmt: skip


@pytest.mark.parametrize(("adep", "ades", "operator", "answers"), INDIA)
def test_india_and_pakistan_are_closed_to_each_others_carriers(
    adep: str, ades: str, operator: str, answers: dict[str, str]
) -> None:
    own = {"AIC": "PK-IN", "PIA": "IN-PK"}
    for day, outcome in answers.items():
        plan = fly("india-pakistan-2025", adep, ades, f"2025-{day}T08:00Z", operator, "B77W")
        assert plan.outcome == outcome, day
        assert plan.blocking_rules == (() if outcome == "direct" else (own[operator],)), day
        if outcome == "detour":
            assert {"AIC": "PK", "PIA": "IN"}[operator] not in crossed(plan, "territory")


def test_what_nobody_has_read_since_is_said() -> None:
    plan = fly("india-pakistan-2025", "VIDP", "EGLL", "2025-10-02T08:00Z", "AIC", "B788")
    assert any("PK-IN still in force (last evidence 2025-09-23)" in said for said in plan.assumed)


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.iterdir()))
def test_worked_cases_are_linted_clean_and_name_their_schemas(name: str) -> None:
    project = EXAMPLES / name / f"{name}.toml"
    lint = ask("rules", "check", "--scenario", project)
    assert lint.output.endswith("rules, 0 findings\n"), lint.output
    for path in (EXAMPLES / name).rglob("*.toml"):
        first = path.read_text(encoding="utf-8").splitlines()[0]
        if path.name != "zones.toml":
            assert (path.parent / first.removeprefix("#:schema ")).is_file(), path


# ------------------------------------------------------------------------------------ the page
PAGE = find_resource("scenarios/README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_what_the_page_shows_can_be_read(tmp_path: Path) -> None:
    rules, zones, *tables = blocks("toml")
    (rule,) = parse_rules(tomllib.loads(rules), "page")
    assert rule.unless[0].where[0].zone == ("UT430",)
    (tmp_path / "zones.toml").write_text(zones, encoding="utf-8")
    atlas = extended_atlas(tmp_path / "zones.toml")
    world = make_scenario(rulebook=make_rulebook([rule]), atlas=atlas)
    assert any("~UT430" in name for name in world.atlas.layer("zone").designator)
    head = 'schema = 1\n[period]\nstart = "2025-09-01"\nend = "2025-09-02"\n'
    (tmp_path / "mine.toml").write_text(head + "".join(tables), encoding="utf-8")
    assert "SLOTS-EVRA-1" in load_scenario(tmp_path / "mine.toml").rulebook.by_id


def test_what_the_page_tells_to_type_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = [line.split("#")[0] for line in PAGE.splitlines() if line.startswith("    airsim ")]
    assert len(lines) == 5
    for line in lines:
        if " run " not in line:  # done above
            result = ask(*line.split()[1:])
            assert result.exit_code == (1 if " check VIE" in line else 0), result.output
    (python,) = blocks("python")
    told: dict[str, Any] = {}
    exec(python, told)
    assert told["plan"].blocking_rules == ("CH-AT-01",)


def test_the_page_names_every_key() -> None:
    words = set(re.findall(r"[a-z_]+", PAGE))
    heap: list[Any] = [rulebook_schema(), scenario_schema()]
    seen: set[str] = set()
    while heap:
        table = heap.pop()
        if isinstance(table, dict):
            seen |= set(table["properties"]) if isinstance(table.get("properties"), dict) else set()
            heap += table.values()
        elif isinstance(table, list):
            heap += table
    assert {"unless", "granted_as", "us_content_over", "timetable_until", "held"} <= seen
    assert seen - words == set()
