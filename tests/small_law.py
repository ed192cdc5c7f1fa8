"""A small world for the law: a few areas, random small rulebooks and questions to hold to them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import oracle
import pytest
from hypothesis import strategies as st
from oracle import make_rule
from shapely import box

from airsim.airspace import Atlas, load_atlas
from airsim.base import format_instant, parse_instant
from airsim.law import FlightFacts, Place, Question, Rule, make_rulebook
from airsim.permission import BoundRulebook, bind_rulebook

HOUR_MS = 3_600_000
# Around the withdrawal of the United Kingdom from the Union, so that groups change too.
BREXIT_MS = parse_instant("2020-01-31T23:00Z")
FIRST_MS = BREXIT_MS - 60 * HOUR_MS
LAST_MS = BREXIT_MS + 60 * HOUR_MS

TERRITORIES = {"BY": "BY", "LT": "LT", "GB": "GB", "GL": "DK"}
FIRS = {"UMMV": "BY", "EYVL": "LT", "EGTT": "GB"}
ZONES = {"LOW": (0, 9_500), "HIGH": (20_000, 99_999)}
AERODROMES = {"UMMS": "BY", "EYVI": "LT", "EGLL": "GB"}
STATES = ["BY", "LT", "GB", "RU"]

Bind = Callable[..., BoundRulebook]


def load_small_atlas(folder: Path) -> Atlas:
    """A few areas: one is valid for a time only, zones have levels."""

    def squares(names: Sequence[str], lat: float) -> dict[str, Any]:
        return {name: box(3 * k, lat, 3 * k + 2, lat + 2) for k, name in enumerate(names)}

    def write(name: str, names: Sequence[str], lat: float, **columns: list[object]) -> Any:
        return oracle.write_layer(folder / f"{name}.parquet", squares(names, lat), **columns)

    start = ["", "", "2020-01-31T00:00Z"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRSIM_CACHE_DIR", str(folder / "cache"))
        return load_atlas(
            territory=write(
                "territory", list(TERRITORIES), 0.0, sovereign=list(TERRITORIES.values()),
                eu_territory=[False, True, True, False],
            ),
            fir=write("fir", list(FIRS), 10.0, state=list(FIRS.values()), valid_from=start),
            zones=write(
                "zones", list(ZONES), 20.0, lower_limit=[low for low, _ in ZONES.values()],
                upper_limit=[high for _, high in ZONES.values()],
            ),
        )  # fmt: skip


def bind_to(atlas: Atlas) -> Bind:
    """Lays rules over an atlas."""

    def over(rules: Sequence[Rule], held: Iterable[str] = ()) -> BoundRulebook:
        return bind_rulebook(make_rulebook(rules), atlas, held=held)

    return over


# ---------------------------------------------------------------------- random small rulebooks
# Rules are put together from tables that one or other flight, place and hour below will meet.
WHO: list[dict[str, Any]] = [
    {"operator": ["BRU"]}, {"operator_not": ["THY", "AFL"]}, {"licensed_in": ["BY", "RU"]},
    {"licensed_in_group": "EU"}, {"licensed_not_in": ["LT"]}, {"registered_in": ["BY", "GB"]},
    {"registered_in_group": "EU"}, {"registration": ["EW-1", "TC-1"]},
    {"registration_not": ["EW-1"]}, {"owned_in": ["BY", "RU"]}, {"controlled_in": ["BY"]},
    {"chartered_in": ["BY"]}, {"us_origin": True}, {"typecode": ["B738"]}, {"max_seats": 19},
    {"licensed_in": ["BY"], "registered_in": ["BY", "RU"]}, {"decided_in": ["BY"]},
    {"marketed_in": ["BY", "LT"]}, {"designated": ["EU"]}, {"us_content_over": 25},
    {"operator": ["BRU", "THY"], "owned_in": ["BY"]},
]  # fmt: skip
FLIGHT: list[dict[str, Any]] = [
    {"scheduled": True}, {"service": ["cargo"]}, {"origin_in": ["BY", "LT"]},
    {"origin_not_in": ["BY"]}, {"destination_in": ["LT", "GB"]}, {"destination_not_in": ["LT"]},
    {"origin": ["UMMS"]}, {"destination": ["EYVI"]}, {"destination_not": ["EGLL"]},
    {"plan_aerodrome_in": ["RU", "BY"]}, {"crossed": ["BY", "GB"]},
    {"filed_after": "2020-01-31T23:00Z"}, {"item": ["EAR99"]},
    {"status": ["emergency"]}, {"scheduled": True, "crossed": ["BY"]},
]  # fmt: skip
WHERE: list[dict[str, Any]] = [
    {"anywhere": True}, {"territory": ["BY", "LT"]}, {"territory_group": "EU"},
    {"eu_territory": True}, {"fir": ["UMMV", "EGTT"]}, {"zone": ["LOW", "HIGH"]},
    {"aerodrome": ["UMMS", "EYVI"]}, {"anywhere": True, "except_territory": ["BY", "GL"]},
    {"territory_group": "EU", "anywhere": True}, {"territory": ["GB"], "fir": ["EYVL"]},
]  # fmt: skip
LEVELS = [{"lower_ft": 0, "upper_ft": 9_500}, {"lower_ft": 9_500, "upper_ft": 99_999}]
SCHEDULES: list[dict[str, Any]] = [
    {"daily": ["06:00-18:00"]}, {"daily": ["22:00-05:30"]}, {"weekly": [5, 6]},
    {"daily": ["12:00-13:00", "20:00-24:00"]}, {"weekly": [4, 5], "daily": ["18:00-06:00"]},
]  # fmt: skip
ACTIVITIES = ["overflight", "landing", "take-off"]
REGIMES = ["EU", "UK"]


said = format_instant


def one_of(values: Sequence[Any]) -> st.SearchStrategy[Any]:
    return st.sampled_from(list(values))


def up_to(most: int, values: Sequence[Any], least: int = 0) -> st.SearchStrategy[list[Any]]:
    return st.lists(one_of(values), min_size=least, max_size=most)


def maybe(lists: st.SearchStrategy[list[Any]]) -> st.SearchStrategy[list[Any]]:
    return st.just([]) | st.just([]) | lists


def instants(first: int = 0, last: int = 120) -> st.SearchStrategy[int]:
    return st.integers(2 * first, 2 * last).map(lambda k: FIRST_MS + k * oracle.HALF_HOUR_MS)


@st.composite
def whens(draw: st.DrawFn) -> dict[str, Any]:
    """Dates: open, sharp or vague; at most one vague end if there is a schedule, too."""
    kind = draw(one_of(["open", "from", "to", "both", "vague from", "vague to", "vague"]))
    cuts = sorted({draw(instants()) for _ in range(2)} | {FIRST_MS, LAST_MS})
    found: dict[str, Any] = {}
    if kind in ("from", "both"):
        found["from"] = said(cuts[-2])
    if kind in ("to", "both"):
        found["to"] = said(cuts[-1])
    if kind in ("vague from", "vague") and len(cuts) > 3:
        found["from"] = [said(ms) for ms in cuts[:2]]
    if kind in ("vague to", "vague") and len(cuts) > 3:
        found["to"] = [said(ms) for ms in cuts[-2:]]
    if kind != "vague" and draw(st.booleans()):
        found |= draw(one_of(SCHEDULES))
    return found


def unlesses(depth: int = 1) -> st.SearchStrategy[dict[str, Any]]:
    tests = st.one_of(
        one_of([{"activities": ["overflight"]}, {"permission_of": "the authority"}]),
        one_of([{"activities": ["overflight"], "permission_of": "the authority"}]),
        st.builds(lambda *t: {"who": [*t]}, one_of(WHO)),
        st.builds(lambda *t: {"flight": [*t]}, one_of(FLIGHT)),
        st.builds(lambda *t: {"where": [*t]}, one_of(WHERE)),
        st.builds(lambda who, where: {"who": [who], "where": [where]}, one_of(WHO), one_of(WHERE)),
        st.builds(lambda when: {"when": when}, whens()),
        st.builds(lambda levels: {"levels": levels}, one_of(LEVELS)),
    )
    nested = st.lists(unlesses(depth - 1), max_size=1) if depth else st.just([])
    return st.builds(lambda t, n: {"id": "x", "title": "x", **t, "unless": n}, tests, nested)


parts = {
    "activities": one_of([*[ACTIVITIES] * 3, ["overflight"], ["landing", "take-off"]]),
    "regime": one_of(REGIMES), "who": maybe(up_to(2, WHO)), "flight": maybe(up_to(1, FLIGHT)),
    "where": st.just(WHERE[:1]) | up_to(2, WHERE, 1), "when": whens(),
    "levels": one_of([None, None, *LEVELS]), "unless": maybe(st.lists(unlesses(), max_size=2)),
}  # fmt: skip
EFFECTS: list[dict[str, Any]] = [
    {"effect": "prohibit"},
    {"effect": "require-permit", "permit": {"authority": "X", "kind": "authority"}},
    {"effect": "require-permit", "permit": {"authority": "X", "kind": "routine"}},
    {"force": "advisory"},
    {"force": "operator-policy"},
]


def prohibitions(name: str) -> st.SearchStrategy[Rule]:
    effects = one_of([*EFFECTS[:1] * 4, *EFFECTS])
    return st.builds(
        lambda effect, part: make_rule(name, **effect, **part),
        effects,
        st.fixed_dictionaries(parts),
    )


def licences(name: str, relieves: Sequence[str]) -> st.SearchStrategy[Rule]:
    scope = parts | {"where": up_to(1, WHERE), "unless": st.lists(unlesses(0), max_size=1)}
    return st.builds(
        lambda named, part: make_rule(name, effect="permit", relieves=named, **part),
        up_to(2, relieves, 1),
        st.fixed_dictionaries(scope),
    )


IDS = ("R1", "R2", "R3")
rulebooks = st.builds(
    lambda rules, licence: [*rules, *licence],
    st.integers(1, 3).flatmap(lambda n: st.tuples(*(prohibitions(name) for name in IDS[:n]))),
    st.lists(licences("L1", IDS), max_size=1),
)

PLACES = [
    *(Place("territory", code, owner, code in ("LT", "GB")) for code, owner in TERRITORIES.items()),
    *(Place("fir", code, owner) for code, owner in FIRS.items()),
    *(Place("zone", code) for code in ZONES),
    *(Place("aerodrome", code, owner) for code, owner in AERODROMES.items()),
]  # fmt: skip


FACTS: dict[str, list[Any]] = {
    "operator": ["BRU", "THY"], "licensed_in": ["BY", "GB", "LT"],
    "registered_in": ["BY", "GB", None], "owned_in": ["BY", "LT", None],
    "controlled_in": ["BY", None], "chartered_in": ["", "BY", None],
    "registration": ["EW-1", "EW-2", None], "typecode": ["B738", "E195", None],
    "seats": [180, 8, None], "us_origin": [True, False, None], "scheduled": [True, False, None],
    "service": ["passenger", "cargo"], "stops": [(), (("UUEE", "RU"),)],
    "crossed": [frozenset(), frozenset({"BY"}), None], "item": ["EAR99", None],
    "filed_ms": [BREXIT_MS, BREXIT_MS + 1, None],
    "status": [frozenset(), frozenset({"emergency"})],
    "derogations": [frozenset(), frozenset({"R1"})], "held": [frozenset(), frozenset({"R2"})],
    "decided_in": ["", "BY", None], "marketed_in": [frozenset(), frozenset({"BY", "GB"}), None],
    "designated": [frozenset(), frozenset({"EU"}), None], "us_content": [25.0, 25.1, None],
}  # fmt: skip


@st.composite
def facts_of_flights(draw: st.DrawFn) -> FlightFacts:
    adep, ades = draw(one_of(sorted(AERODROMES))), draw(one_of(sorted(AERODROMES)))
    return FlightFacts(
        origin=adep, destination=ades, origin_state=AERODROMES[adep],
        destination_state=AERODROMES[ades],
        **{name: draw(one_of(values)) for name, values in FACTS.items()},
    )  # fmt: skip


@st.composite
def questions(draw: st.DrawFn) -> Question:
    start_ms = draw(instants(0, 110))
    low = draw(st.sampled_from([0.0, 9_000.0, 35_000.0]))
    return Question(
        draw(st.sampled_from(ACTIVITIES)),
        tuple(draw(st.lists(st.sampled_from(PLACES), min_size=1, max_size=3, unique=True))),
        start_ms, start_ms + draw(st.integers(0, 12)) * oracle.HALF_HOUR_MS,
        draw(facts_of_flights()), low, low + draw(st.sampled_from([0.0, 4_000.0])),
        draw(one_of([None, None, FIRST_MS, BREXIT_MS])),
    )  # fmt: skip


def shuffle_rule(rule: Rule, dice: random.Random) -> Rule:
    """The same rule with its alternatives and exceptions in another order."""

    def mixed(values: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(dice.sample(values, len(values)))

    return rule.model_copy(
        update={name: mixed(getattr(rule, name)) for name in ("who", "flight", "where", "unless")}
    )


def draw_facts(dice: random.Random) -> FlightFacts:
    """As `facts_of_flights`, but drawn in bulk."""
    adep, ades = dice.choice(list(AERODROMES)), dice.choice(list(AERODROMES))
    return FlightFacts(
        origin=adep, destination=ades, origin_state=AERODROMES[adep],
        destination_state=AERODROMES[ades],
        **{name: dice.choice(values) for name, values in FACTS.items()},
    )  # fmt: skip


def draw_span(dice: random.Random) -> tuple[int, int]:
    """A stay that begins and ends on a half hour, where rules change, or next to one."""
    start = FIRST_MS + dice.randrange(220) * oracle.HALF_HOUR_MS + dice.choice([-1, 0, 0, 1])
    length = dice.choice([0, 0, 1, 2, 5, 12]) * oracle.HALF_HOUR_MS
    return start, start + max(0, length + dice.choice([-1, 0, 0, 1]))


def draw_levels(dice: random.Random) -> tuple[float, float]:
    """Levels on both sides of those of rules and zones."""
    low = dice.choice([0.0, 9_000.0, 9_499.0, 9_500.0, 19_999.0, 35_000.0])
    return low, low + dice.choice([0.0, 1.0, 4_000.0])


def draw_question(dice: random.Random) -> Question:
    """As `questions`, but drawn in bulk."""
    return Question(
        dice.choice(ACTIVITIES), tuple(dice.sample(PLACES, dice.randint(1, 3))), *draw_span(dice),
        draw_facts(dice), *draw_levels(dice), dice.choice([None, None, FIRST_MS, BREXIT_MS]),
    )  # fmt: skip
