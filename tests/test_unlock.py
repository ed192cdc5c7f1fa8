"""What would have to change: smallest sets of rules, against brute force and in worked cases."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from io import StringIO
from itertools import combinations
from math import inf
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import shapely
from click.testing import CliRunner
from conftest import Amend
from oracle import make_rule, write_layer
from rich.console import Console

from airsim.airspace import load_atlas
from airsim.base import parse_instant
from airsim.cli import main
from airsim.law import Amendment, Rule, make_rulebook
from airsim.operation import Flight
from airsim.planning import (
    Unlock,
    check_schema,
    describe_unlock,
    find_unlocking,
    plan_flights,
)
from airsim.report import print_unlock, print_values
from airsim.results import read_results, write_results
from airsim.scenario import Scenario, amend_scenario, make_scenario
from airsim.study import value_instruments

DAY = "2025-09-15T08:00Z"
Front = dict[tuple[str, ...], int]


def fly(adep: str, ades: str, operator: str, typecode: str = "", at: str = DAY) -> Flight:
    name = f"{operator}-{adep}-{ades}"
    return Flight(
        name, name, operator, adep, ades, parse_instant(at), 0, typecode, None, probe=True
    )


MINSK_FRANKFURT = fly("UMMS", "EDDF", "BRU", "B738")


def unlock(world: Scenario, flight: Flight, **more: Any) -> Unlock:
    """The front of one flight."""
    (found,) = find_unlocking(world, [flight], **more)
    return found


def sets_of(found: Unlock) -> dict[tuple[str, ...], Any]:
    """The front: ids of the rules to lift, and the plan once they are."""
    return {tuple(rule.id for rule in way.rules): way.plan for way in found.sets}


def front_of(found: Unlock) -> Front:
    """The front in whole kilometres."""
    assert found.complete
    return {ids: round(plan.route.distance_km) for ids, plan in sets_of(found).items()}


def over(name: str, *states: str, **table: Any) -> Rule:
    return make_rule(name, **{"where": [{"territory": list(states)}]} | table)


# ----------------------------------------------------------------------- against brute force
# Boxes of airspace strewn between Minsk and Frankfurt, each a State; six rules on some of them.
STATES = ("PL", "DE", "CZ", "SK", "AT", "HU", "LT", "LV", "EE", "SE")


def strew_boxes(rng: np.random.Generator) -> dict[str, shapely.Geometry]:
    taken, areas = shapely.Point(0.0, 0.0).buffer(0.1), {}
    for state in STATES:
        lon, lat = rng.uniform(11, 24), rng.uniform(42, 58)
        wide, high = rng.uniform(0.5, 2.5), rng.uniform(3, 14)
        box = shapely.box(lon, lat - high / 2, lon + wide, lat + high / 2)
        box = box.difference(taken.buffer(0.001))
        taken = taken.union(box)
        if box.area > 0.05:
            areas[state] = box
    return areas


def make_random_world(seed: int, folder: Path) -> Scenario:
    rng = np.random.default_rng(seed)
    areas = strew_boxes(rng)
    far = shapely.box(-170, -60, -169, -59)
    atlas = load_atlas(
        territory=write_layer(folder / "territory.parquet", areas, sovereign=list(areas)),
        fir=write_layer(folder / "fir.parquet", {"XXXX": far}),
        zones=write_layer(folder / "zones.parquet", {"Z": far}, variant=["nominal"]),
    )
    rules = []
    for number in range(6):
        states = [str(s) for s in rng.choice(list(areas), size=rng.integers(1, 4), replace=False)]
        table: dict[str, Any] = {"activities": ["overflight"]}
        kind = rng.choice(["prohibit", "prohibit", "require-permit", "advisory"])
        table |= {"force": "advisory"} if kind == "advisory" else {"effect": str(kind)}
        if rng.random() < 0.3:
            table["activities"] = ["overflight", "landing"]
            states.append("DE")
        rules.append(over(f"R{number}", *states, **table))
    return make_scenario(rulebook=make_rulebook(rules), atlas=atlas)


def try_all_sets(world: Scenario, flight: Flight, gain_km: float) -> set[tuple[str, ...]]:
    """The front by planning under every set of rules lifted."""
    ids = [rule.id for rule in world.rulebook.rules]
    costs: dict[frozenset[str], tuple[float, float]] = {}
    for size in range(len(ids) + 1):
        for lifted in combinations(ids, size):
            changes = [Amendment("lift", name) for name in lifted]
            (plan,) = plan_flights(amend_scenario(world, changes), [flight])
            # Lufthansa obeys all advice: a plan against it is none.
            flies = plan.route is not None and plan.feasible and not plan.advisories
            costs[frozenset(lifted)] = (
                (plan.route.distance_km, len(plan.route.stops)) if flies else (inf, inf)
            )

    def is_spared(lifted: frozenset[str]) -> bool:
        km, stops = costs[lifted]
        return any(
            fewer < lifted and cost[0] <= km + gain_km and cost[1] <= stops
            for fewer, cost in costs.items()
        )

    return {tuple(sorted(s)) for s in costs if costs[s][0] < inf and not is_spared(s)}


@pytest.mark.parametrize("seed", range(8))
def test_the_front_is_that_of_trying_every_set(seed: int, tmp_path: Path) -> None:
    world, flight = make_random_world(seed, tmp_path), fly("UMMS", "EDDF", "DLH", "B738")
    found = unlock(world, flight)
    assert found.complete
    assert set(sets_of(found)) == try_all_sets(world, flight, found.least_gain_km)
    assert found.plans <= 2 ** len(world.rulebook)


# ------------------------------------------------------------------------------ small worlds
def test_rules_that_bind_alike_go_together(lawless: Amend) -> None:
    world = lawless(
        over("LAND", "DE", activities=["landing"]),
        over("ALSO", "DE", activities=["landing", "overflight"], regime="another"),
        over("FAR", "BR"),
    )
    found = unlock(world, MINSK_FRANKFURT)
    assert list(sets_of(found)) == [("ALSO", "LAND")]
    assert not found.base.feasible
    assert found.sets[0].plan.outcome == "direct"
    for alone in ("ALSO", "LAND"):
        changed = amend_scenario(world, [Amendment("lift", alone)])
        assert not plan_flights(changed, [MINSK_FRANKFURT])[0].feasible


def test_what_may_be_flown_as_things_are_asks_for_nothing(lawless: Amend) -> None:
    found = unlock(lawless(over("FAR", "BR")), MINSK_FRANKFURT)
    assert list(sets_of(found)) == [()]
    assert (found.sets[0].authorities, found.sets[0].amendments) == ((), ())


def test_a_gain_below_the_least_asked_for_is_none(lawless: Amend) -> None:
    world = lawless(over("R1", "PL"))
    fine, coarse = (unlock(world, MINSK_FRANKFURT, least_gain=g) for g in (0.01, 0.5))
    assert list(sets_of(fine)) == [(), ("R1",)]
    assert list(sets_of(coarse)) == [()]
    assert fine.least_gain_km == pytest.approx(0.01 * fine.base.direct_km)


def test_permits_are_obtained_advice_put_aside_the_rest_lifted(lawless: Amend) -> None:
    world = lawless(
        over("PERMIT", "DE", activities=["landing"], effect="require-permit", authority="DE"),
        over("ADVICE", "PL", force="advisory", authority="EASA"),
        over("BAN", "PL", authority="PL"),
    )
    flight = fly("UMMS", "EDDF", "DLH", "B738")
    (way,) = (way for way in unlock(world, flight).sets if len(way.rules) == 3)
    named = [[r.id for r in kind] for kind in (way.prohibitions, way.permits, way.advice)]
    assert named == [["BAN"], ["PERMIT"], ["ADVICE"]]
    assert way.authorities == ("DE", "EASA", "PL")
    # Who is only warned by advice has none to put aside.
    warned = unlock(world, MINSK_FRANKFURT)
    assert {rule.id for way in warned.sets for rule in way.rules} == {"BAN", "PERMIT"}


def test_a_permit_held_and_a_licence_are_not_asked_for(lawless: Amend) -> None:
    licence = make_rule("FREE", effect="permit", relieves=["BAN"])
    world = lawless(over("BAN", "PL"), licence, over("PERMIT", "PL", effect="require-permit"))
    holder = make_scenario(rulebook=world.rulebook, atlas=world.atlas, held=["PERMIT"])
    assert list(sets_of(unlock(holder, MINSK_FRANKFURT))) == [()]
    assert list(sets_of(unlock(world, MINSK_FRANKFURT))) == [(), ("PERMIT",)]


def test_a_doubt_is_no_way(lawless: Amend) -> None:
    world = lawless(over("DOUBT", "DE", who=[{"us_origin": True}], activities=["landing"]))
    flight = fly("UMMS", "EDDF", "BRU", "E195")
    assert list(sets_of(unlock(world, flight))) == [("DOUBT",)]


def test_rules_on_the_way_flown_are_lifted_or_obeyed(lawless: Amend) -> None:
    world = lawless(over("H", "DE", activities=["landing"], flight=[{"crossed": ["PL"]}]))
    assert list(sets_of(unlock(world, MINSK_FRANKFURT))) == [(), ("H",)]


def test_where_nothing_opens_a_way_there_is_no_set(lawless: Amend) -> None:
    found = unlock(lawless(), fly("UMMS", "YSSY", "BRU", "E195"))
    assert (found.sets, found.complete) == ((), True)


def test_persons_are_told_of_but_not_unlocked(lawless: Amend) -> None:
    binds = over("PERSON", "DE", addresses="persons", activities=["landing"])
    found = unlock(lawless(binds, over("BAN", "DE", activities=["landing"])), MINSK_FRANKFURT)
    (row,) = describe_unlock(found)["unlock"]
    assert (row["rules"], row["lawful"], row["breaches"]) == (["BAN"], "no", ["PERSON"])


def test_a_search_cut_off_says_so(lawless: Amend) -> None:
    world = lawless(*(over(f"CLOSE-{state}", state) for state in ("LT", "LV", "PL", "RU", "UA")))
    short = unlock(world, MINSK_FRANKFURT, most_plans=3)
    assert (short.complete, short.plans) == (False, 3)
    whole = unlock(world, MINSK_FRANKFURT)
    assert whole.complete
    assert {ids for ids in sets_of(whole) if len(ids) == 1} == {
        (f"CLOSE-{state}",) for state in ("LT", "LV", "PL", "RU", "UA")
    }


# -------------------------------------------------------------------------------- worked cases
UK = ("UK-BY-01", "UK-BY-05", "UK-BY-07")
US = ("US-DOT-03r", "US-FAA-03")
RS, DK = "RS-BY-2021-06-21", "DK-RU-2022-02-27"


def ids(*rules: str | tuple[str, ...]) -> tuple[str, ...]:
    """Ids of a set, in order."""
    return tuple(sorted(name for rule in rules for name in ([rule] if type(rule) is str else rule)))


WORKED: dict[tuple[str, ...], Front] = {
    # By the Barents and Norwegian Seas; Norway shortens it, the Union more.
    ("UMMS", "EGLL", "BRU"): {
        ids(UK): 4750,
        ids(UK, "NO-BY-2021-06-21"): 4432,
        ids(UK, "EU-BY-01"): 1932,
    },
    # Its neighbours are closed too: by the Union, or round by the Mediterranean and the Adriatic
    # with a fuel stop, less far over Ukraine or southern Russia.
    ("UMMS", "LYBE", "BRU"): {
        ids("EU-BY-01", RS): 1186,
        ids("EU-BY-01", RS, "UA-01"): 1152,
        ids(RS, "ME-BY-2021-06-21"): 5451,
        ids(RS, "ME-BY-2021-06-21", "RU-03"): 4464,
        ids(RS, "ME-BY-2021-06-21", "UA-01"): 3540,
        ids(RS, "AL-BY-2021-06-21"): 5454,
        ids(RS, "AL-BY-2021-06-21", "RU-03"): 4467,
        ids(RS, "AL-BY-2021-06-21", "UA-01"): 3543,
    },
    ("UMMS", "UMKK", "BRU"): {(): 1493, ("EU-BY-01",): 496},
    ("UMMS", "LTFM", "BRU"): {
        (): 3483,
        ("RU-03",): 2444,
        ("EU-BY-01",): 1715,
        ("UA-01",): 1430,
        ("EU-BY-01", "MD-01c", "UA-01"): 1403,
    },
    # A resumed service to New York needs the United States alone; the others shorten it.
    ("UUEE", "KJFK", "AFL", "B77W"): {
        ids(US): 8496,
        ids(US, "NO-RU-01"): 8365,
        ids(US, "CA-RU-01"): 8103,
        ids(US, "CA-RU-01", DK): 7988,
        ids(US, "CA-RU-01", "NO-RU-01"): 7977,
        ids(US, "EU-RU-01"): 7906,
        ids(US, "CA-RU-01", DK, "NO-RU-01"): 7887,
        ids(US, "EU-RU-01", "UK-RU-02", "UK-RU-02b", "UK-RU-03"): 7791,
        ids(US, "EU-RU-01", "NO-RU-01"): 7738,
        ids(US, "EU-RU-01", "CA-RU-01"): 7711,
        ids(US, "EU-RU-01", "CA-RU-01", "NO-RU-01"): 7505,
    },
}


@pytest.fixture(scope="session")
def unlocked(world: Scenario) -> Callable[..., Unlock]:
    """Fronts of the worked cases, found all at once."""
    fronts = find_unlocking(world, [fly(*asked) for asked in WORKED])
    known = dict(zip(WORKED, fronts, strict=True))
    return lambda *asked: known[asked]


@pytest.mark.parametrize("asked", list(WORKED), ids="-".join)
def test_worked_cases(unlocked: Callable[..., Unlock], asked: tuple[str, ...]) -> None:
    found = unlocked(*asked)
    # the router may give away a few hundred metres at each turn
    assert front_of(found) == pytest.approx(WORKED[asked], abs=3)
    assert all(way.plan.feasible for way in found.sets)


def test_new_york_asks_for_a_permit_and_a_ban_to_be_lifted(
    unlocked: Callable[..., Unlock],
) -> None:
    least = unlocked("UUEE", "KJFK", "AFL", "B77W").sets[0]
    assert [rule.id for rule in least.permits] == ["US-DOT-03r"]
    assert [rule.id for rule in least.prohibitions] == ["US-FAA-03"]
    assert least.authorities == ("US-DOT", "US-FAA")
    # by the Arctic and the high seas of the Atlantic
    territories = {stay.designator for stay in least.plan.crossings if stay.layer == "territory"}
    assert territories <= {"RU", "US"}


def test_each_set_is_an_amendment_under_which_the_flight_plans(
    world: Scenario, unlocked: Callable[..., Unlock]
) -> None:
    for way in unlocked("UMMS", "EGLL", "BRU").sets:
        (plan,) = plan_flights(amend_scenario(world, way.amendments), [way.plan.flight])
        assert (plan.outcome, plan.reason) == (way.plan.outcome, way.plan.reason)


def test_london_by_the_northern_seas(unlocked: Callable[..., Unlock]) -> None:
    way = unlocked("UMMS", "EGLL", "BRU").sets[0]
    territories = {stay.designator for stay in way.plan.crossings if stay.layer == "territory"}
    assert territories <= {"BY", "RU", "GB"}
    assert way.plan.route is not None
    assert way.plan.route.points[:, 1].max() > 70.0
    assert way.authorities == ("GB",)


# ------------------------------------------------------------------------------- as it is shown
def test_the_command_line_says_what_would_have_to_change() -> None:
    asked = ["check", "MSQ", "KGD", "--operator", "BRU", "--at", DAY, "--unlock"]
    said = CliRunner().invoke(main, [*asked, "--json"])
    answer = json.loads(said.stdout)
    jsonschema.Draft202012Validator(check_schema()).validate(answer)
    assert (said.exit_code, answer["unlock_search"]["complete"]) == (0, True)
    assert [row["rules"] for row in answer["unlock"]] == [[], ["EU-BY-01"]]
    assert answer["unlock"][1]["authorities"] == ["EU"]
    assert "EU-BY-01" in {rule["rule"] for rule in answer["rules"]}
    plain = CliRunner().invoke(main, asked[:-1])
    assert "What would have to change" not in plain.stdout


def show(found: Unlock, world: Scenario, width: int = 100) -> str:
    told = [
        {"rule": rule.id, "title": rule.title, "instrument": rule.reference.instrument}
        for rule in world.rulebook
    ]
    answer = {"direct_km": found.base.direct_km, "rules": told, **describe_unlock(found)}
    out = Console(width=width, force_terminal=True, color_system=None, file=StringIO())
    print_unlock(answer, out)
    assert isinstance(out.file, StringIO)
    return out.file.getvalue()


def test_what_every_way_needs_is_told_once(
    world: Scenario, unlocked: Callable[..., Unlock]
) -> None:
    text = show(unlocked("UMMS", "EGLL", "BRU"), world)
    assert "To fly at all: lift UK-BY-01, UK-BY-05 and UK-BY-07." in " ".join(text.split())
    assert "The shortest, 1,932 km, asks also to lift EU-BY-01." in " ".join(text.split())
    table = text[text.index("lift or obtain") : text.index("In every set")]
    assert "UK-BY" not in table
    assert "and lift NO-BY-2021-06-21  GB NO" in table
    assert all(len(line) <= 100 for line in text.splitlines())
    # each instrument is named
    assert all(text.count(f"\n{rule}") == 1 for rule in (*UK, "EU-BY-01", "NO-BY-2021-06-21"))


def test_fronts_without_a_way_or_cut_short_say_so(lawless: Amend) -> None:
    nowhere = lawless()
    assert "No lifting of rules opens a way" in show(
        unlock(nowhere, fly("UMMS", "YSSY", "BRU", "E195")), nowhere
    )
    world = lawless(over("R1", "PL"))
    cut = show(unlock(world, MINSK_FRANKFURT, most_plans=1), world)
    assert "cut off after 1 plans" in cut


# --------------------------------------------------------------------- what instruments are worth
def network(world: Scenario, *flights: Flight) -> Scenario:
    return replace(world, fleet=(), flights=flights)


def daily(adep: str, ades: str, day: int) -> Flight:
    flight = fly(adep, ades, "BRU", "B738", at=f"2025-09-{day}T08:00Z")
    return replace(flight, flight_id=f"{flight.flight_id}-{day}", probe=False)


NETWORK = (
    *(daily("UMMS", "EDDF", day) for day in (15, 16)),
    *(daily("UMMS", ades, 15) for ades in ("EPWA", "LKPR", "UUEE")),
)
BANS = (
    over("PL-1", "PL", reference={"instrument": "Act A"}, authority="PL"),
    over("CZ-1", "CZ", reference={"instrument": "Act A"}, authority="CZ"),
    over("PL-2", "PL", activities=["landing"], reference={"instrument": "Act B"}, authority="PL"),
    over("CZ-2", "CZ", activities=["landing"], reference={"instrument": "Act C"}, authority="CZ"),
    over("CZ-3", "CZ", activities=["landing"], reference={"instrument": "Act D"}, authority="CZ"),
    over("FAR", "BR", reference={"instrument": "Act E"}),
)


def gains_of(world: Scenario, names: Iterable[str]) -> tuple[int, int, float]:
    """Flights opened and shortened and kilometres saved, by planning under amended law."""
    before = plan_flights(world, world.flights)
    after = plan_flights(
        amend_scenario(world, [Amendment("lift", n) for n in names]), world.flights
    )
    pairs = list(zip(before, after, strict=True))
    saved = [
        a.route.distance_km - b.route.distance_km
        for a, b in pairs
        if a.route is not None and b.route is not None
    ]
    opened = sum(b.feasible and not a.feasible for a, b in pairs)
    return opened, sum(km > 1.0 for km in saved), sum(saved)


@pytest.mark.parametrize("level", ["instrument", "authority", "rule"])
def test_values_are_those_of_planning_under_the_law_without_them(lawless: Amend, level) -> None:
    world = network(lawless(*BANS), *NETWORK)
    found = value_instruments(world, level=level)
    rows = list(found.rows("values"))
    names = {
        "instrument": {f"Act {name}" for name in "ABCD"}, "authority": {"PL", "CZ"},
        # who lands at Prague does not fly over the country
        "rule": {"PL-1", "PL-2", "CZ-2", "CZ-3"},
    }  # fmt: skip
    assert {row["target"] for row in rows} == names[level]
    for row in rows:
        opened, shortened, km = gains_of(world, [row["target"]])
        assert (row["flights_opened"], row["flights_shortened"]) == (opened, shortened), row
        assert row["saved_km"] == pytest.approx(km, abs=0.02 * 1500 * len(NETWORK))
        assert (row["saved_fuel_kg"] > 0) == (row["saved_block_min"] > 0) == (shortened > 0)
    assert (found.summary["flights"], found.summary["routes"]) == (5, 4)
    assert (found.summary["barred"], found.summary["hopeless"]) == (2, 0)


def test_the_sequence_gains_most_at_each_step_and_bundles_what_gains_only_together(
    lawless: Amend,
) -> None:
    world = network(lawless(*BANS), *NETWORK)
    found = value_instruments(world)
    steps = [row for row in found.rows("sequence") if row["method"] == "greedy"]
    assert [row["targets"] for row in steps] == ["Act B", "Act A", "Act C | Act D"]
    assert [row["flights_opened"] for row in steps] == [1, 1, 2]
    assert [row["flights_shortened"] for row in steps] == [0, 2, 2]
    best = [row for row in found.rows("sequence") if row["method"] == "best"]
    assert [row["targets"] for row in best] == ["Act B", "Act A | Act B", "Act B | Act C | Act D"]
    by_km = value_instruments(world, objective="km")
    assert next(by_km.rows("sequence"))["targets"] == "Act A"
    assert next(by_km.rows("values"))["target"] == "Act A"


def test_values_are_the_same_every_time_and_can_be_read_back(
    lawless: Amend, tmp_path: Path
) -> None:
    world = network(lawless(*BANS), *NETWORK)
    first, second = value_instruments(world), value_instruments(world)
    assert first.content_hash == second.content_hash
    write_results(tmp_path, first)
    assert read_results(tmp_path).content_hash == first.content_hash
    fronts = list(first.rows("fronts"))
    assert {row["flights"] for row in fronts if row["ades"] == "EDDF"} == {2}
    assert all(row["complete"] for row in fronts)


def test_probes_are_counted_only_when_asked_for(lawless: Amend) -> None:
    asked = replace(NETWORK[2], probe=True)
    world = network(lawless(*BANS), NETWORK[0], asked)
    assert value_instruments(world).summary["flights"] == 1
    assert value_instruments(world, probes=True).summary["barred"] == 1


def test_values_are_shown(lawless: Amend) -> None:
    out = Console(width=100, force_terminal=True, color_system=None, file=StringIO())
    print_values(value_instruments(network(lawless(*BANS), *NETWORK)), out)
    assert isinstance(out.file, StringIO)
    text = out.file.getvalue()
    assert "5 flights on 4 routes; 2 cannot be made as the law stands." in text
    assert "Act C | Act D" in text
    assert "greedy" in text
    nothing = Console(width=100, force_terminal=True, color_system=None, file=StringIO())
    print_values(value_instruments(network(lawless(), *NETWORK)), nothing)
    assert isinstance(nothing.file, StringIO)
    assert "No lifting of rules would open or shorten" in nothing.file.getvalue()
