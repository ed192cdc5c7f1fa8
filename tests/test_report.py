"""The report: what is drawn, what is said, and that it opens with no network."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from rich.console import Console

from airsim.base import InputError
from airsim.report import draw_route, print_check, print_summary, render_report, write_geojson
from airsim.report.gather import gather_closures, gather_routes, shares_map
from airsim.report.maps import draw_map, draw_overview, rank_closures, render_svg
from airsim.report.page import join_stays, list_changes, list_dates, pivot_sensitivity
from airsim.report.projection import (
    Frame,
    Projection,
    cut_at_180,
    cut_to_frame,
    draw_great_circles,
    fit_frame,
)
from airsim.report.shapes import Shapes, load_shapes
from airsim.results import SCHEMAS, Results, make_table

MSQ, KGD, IST, LGW, PKC, ANC = (
    (28.03, 53.88), (20.59, 54.89), (28.75, 41.28), (-0.19, 51.15), (158.45, 53.17),
    (-150.0, 61.17),
)  # fmt: skip
TAS = (69.28, 41.26)
HOSTILE = "<script>alert('x')</script> & \"quoted\""

# Coarse outlines, made up for these tests.
OUTLINES: dict[tuple[str, str], tuple[str, Any]] = {
    ("territory", "BY"): ("published", shapely.box(23.5, 51.5, 31.5, 56.0)),
    ("territory", "LT"): ("published", shapely.box(20.9, 54.0, 23.5, 56.3)),
    ("territory", "LV"): ("published", shapely.box(20.7, 56.3, 28.0, 57.9)),
    ("territory", "EE"): ("published", shapely.box(22.0, 57.9, 27.4, 59.7)),
    ("territory", "FI"): ("published", shapely.box(20.0, 60.0, 30.0, 66.0)),
    ("territory", "PL"): ("published", shapely.box(15.0, 49.0, 23.4, 54.4)),
    ("territory", "GB"): ("published", shapely.box(-6.0, 50.0, 1.5, 59.0)),
    ("territory", "RU"): (
        "published",
        shapely.union_all([shapely.box(28, 56, 180, 70), shapely.box(-180, 65, -170, 70)]),
    ),
    ("fir", "UMMV"): ("derived", shapely.box(23.5, 51.5, 31.5, 56.0)),
    ("fir", "EETT"): ("published", shapely.box(21.0, 57.9, 27.4, 59.9)),
    ("fir", "UKFV"): ("published", shapely.box(30.0, 43.0, 37.0, 46.0)),
    ("fir", "ULLL"): ("approximate", shapely.box(28.0, 56.0, 40.0, 66.0)),
    ("zone", "RU-SOUTH"): ("synthetic", shapely.box(33.0, 45.0, 41.0, 52.0)),
    ("zone", "EASA-RU"): ("published", shapely.box(28.0, 45.0, 60.0, 70.0)),
}  # fmt: skip


def make_rows(name: str, *rows: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows with every column that a test does not care about left empty."""
    blank: dict[str, Any] = {
        c.name: {"text": "", "instant": "", "bool": False}.get(c.kind) for c in SCHEMAS[name]
    }
    return [{**blank, **row} for row in rows]


def make_flight(flight_id: str, adep: str, ades: str, outcome: str, **more: Any) -> dict[str, Any]:
    return {
        "flight_id": flight_id, "callsign": flight_id.split("-")[0], "operator": "BRU",
        "adep": adep, "ades": ades, "eobt_utc": "2025-09-15T08:20:00Z", "typecode": "B738",
        "grade": "v", "outcome": outcome, "lawful": "yes", "direct_km": 500.0, "reason": "a reason",
        **more,
    }  # fmt: skip


def make_line(flight_id: str, role: str, *points: tuple[float, float]) -> list[dict[str, Any]]:
    return [
        {"flight_id": flight_id, "role": role, "seq": i, "longitude": lon, "latitude": lat}
        for i, (lon, lat) in enumerate(points)
    ]


def close(flight_id: str) -> list[dict[str, Any]]:
    """What is closed to a Belarusian carrier, much simplified."""
    closed = [("territory", s, "EU-BY-01") for s in ("LT", "LV", "EE", "FI", "PL")]
    closed += [("territory", "GB", "UK-BY-07"), ("fir", "UKFV", "UA-01")]
    closed += [("zone", "RU-SOUTH", "RU-03")]
    return [
        {
            "flight_id": flight_id, "layer": layer, "designator": designator,
            "outcome": "FORBIDDEN", "rules": rule,
        }
        for layer, designator, rule in closed
    ]  # fmt: skip


BALTIC = (MSQ, (28.5, 56.0), (28.2, 59.8), (25.0, 59.85), (21.2, 59.2), (19.8, 55.3), KGD)
KGD_DETOUR = {
    "distance_km": 1411.0, "block_min": 128.0, "fuel_kg": 5100.0, "clearance_nm": 1.0,
    "blocking_rules": "EU-BY-01",
}  # fmt: skip


def make_results() -> Results:
    """Kaliningrad round the Baltic, Istanbul past a synthetic zone, London not at all."""
    flights = make_rows(
        "flights",
        make_flight("BRU1801-15", "UMMS", "UMKK", "detour", direct_km=497.0, lawful="no",
                    breaches="US-BIS-05", registration="EW-366PA", status="flown", **KGD_DETOUR),
        make_flight("BRU1801-16", "UMMS", "UMKK", "detour", direct_km=497.0,
                    **{**KGD_DETOUR, "fuel_kg": 4900.0}, eobt_utc="2025-09-16T08:20:00Z"),
        make_flight("BRU1802-15", "UMKK", "UMMS", "detour", direct_km=497.0, **KGD_DETOUR),
        make_flight("BRU783-15", "UMMS", "LTFM", "fuel-stop", direct_km=1404.0, lawful="unknown",
                    distance_km=6000.0, block_min=520.0, fuel_kg=18_000.0, clearance_nm=0.4,
                    blocking_rules="UA-01 RU-03", stops="UTTT", provisional=True,
                    assumed="chartered_in=none; cargo=none", not_judged="US-BIS-05n"),
        make_flight("PROBE-LGW", "UMMS", "EGKK", "infeasible", probe=True, direct_km=1930.0,
                    blocking_rules="UK-BY-07 EU-BY-01", reason=HOSTILE),
        make_flight("BRU9-15", "UHPP", "PANC", "direct", direct_km=3000.0, distance_km=3000.0,
                    block_min=260.0, fuel_kg=9000.0),
    )  # fmt: skip
    ends = {"UMMS": MSQ, "UMKK": KGD, "LTFM": IST, "EGKK": LGW, "UHPP": PKC, "PANC": ANC}
    routes = []
    for f in flights:
        routes += make_line(f["flight_id"], "direct", ends[f["adep"]], ends[f["ades"]])
    routes += make_line("BRU1801-15", "planned", *BALTIC)
    routes += make_line("BRU1801-16", "planned", *BALTIC)
    routes += make_line("BRU1802-15", "planned", *reversed(BALTIC))
    routes += make_line("BRU783-15", "planned", MSQ, (45.0, 54.0), TAS, (48.0, 42.0), IST)
    routes += make_line("BRU9-15", "planned", PKC, ANC)
    stays = (("territory", "BY", 0, 235), ("fir", "UMMV", 0, 235), ("zone", "EASA-RU", 235, 668),
             ("territory", "RU", 235, 668), ("fir", "EETT", 700, 990))  # fmt: skip
    crossings = make_rows("crossings", *(
        {"flight_id": "BRU1801-15", "seq": i, "layer": layer, "designator": name, "title": name,
         "quality": OUTLINES[layer, name][0], "entry_km": start, "exit_km": end,
         "entry_utc": f"2025-09-15T08:{30 + i}:00Z", "exit_utc": f"2025-09-15T09:{10 + i}:00Z"}
        for i, (layer, name, start, end) in enumerate(stays)
    ))  # fmt: skip
    judged = [("overflight", layer, name, "PERMITTED", "") for layer, name, *_ in stays]
    judged += [("landing", "aerodrome", "UMKK", "PERMITTED", "")]
    judged += [("landing", "", "", "BREACH", "US-BIS-05")]
    decisions = make_rows("decisions", *(
        {"flight_id": "BRU1801-15", "seq": i, "phase": "planned", "activity": activity,
         "layer": layer, "designator": name, "outcome": outcome, "rules": rules,
         "references": "BIS letter of 12 September 2025" if rules else ""}
        for i, (activity, layer, name, outcome, rules) in enumerate(judged)
    ))  # fmt: skip
    rules = make_rows("rules", *(
        {"rule_id": rule, "title": title, "instrument": f"instrument of {rule}",
         "article": "Art. 1", "confidence": confidence, "url": url, "note": note,
         "from_utc": "2021-06-04T22:00:00Z",
         "addresses": "persons" if "BIS" in rule else "airspace"}
        for rule, title, confidence, url, note in (
            ("EU-BY-01", "Belarusian carriers barred from the Union", "V*",
             "https://eur-lex.europa.eu/eli/reg/2021/907/oj", ""),
            ("UK-BY-07", "Belarusian aircraft may not overfly or land", "V", "", HOSTILE),
            ("UA-01", "Ukraine closed to civil aviation", "V", "javascript:alert(1)", ""),
            ("RU-03", "Southern Russia closed", "synthetic", "", "see UA-01"),
            ("US-BIS-05", "Flights to Russia stay excluded", "V", "", ""),
        )
    ))  # fmt: skip
    areas = make_rows("areas", *(
        {"layer": layer, "designator": name, "title": name, "quality": quality, "source": "made up",
         "geometry": shapely.to_wkb(shape)}
        for (layer, name), (quality, shape) in OUTLINES.items()
    ))  # fmt: skip
    tables = {
        "flights": flights, "crossings": crossings, "decisions": decisions, "routes": routes,
        "closed": [row for f in flights for row in close(f["flight_id"])], "events": [],
        "rules": rules, "areas": areas,
    }  # fmt: skip
    return Results({name: make_table(name, rows) for name, rows in tables.items()}, make_summary())


def make_summary() -> dict[str, Any]:
    long = [{"regime": f"regime {i}", "rules": ["EU-BY-01"], "flights": i} for i in range(9)]
    return {
        "title": "Belavia & others, September 2025",
        "description": HOSTILE,
        "start_utc": "2025-09-08T00:00:00Z",
        "end_utc": "2025-09-22T00:00:00Z",
        "aerodromes": {
            "UMMS": {"iata": "MSQ"}, "UMKK": {"iata": "KGD"}, "LTFM": {"iata": "IST"},
            "UTTT": {"iata": "TAS", "lon": TAS[0], "lat": TAS[1]},
        },
        "findings": [
            {"id": "changes", "question": "What did 11 and 12 September 2025 change?",
             "answer": "US-BIS-05 replaced a denial; EU-BY-01 is as before.",
             "columns": ["regime", "before", "after"],
             "rows": [{"regime": "EAR", "before": "barred", "after": "US-BIS-05"},
                      {"regime": HOSTILE, "before": None, "after": True}]},
            {"id": "long", "question": "Which rules spoke?", "answer": "Nine.",
             "columns": ["regime", "rules", "flights"], "rows": long},
        ],
        "sensitivity": [
            {"route": "UMMS-LTFM", "operator": "BRU", "typecode": "B738", "zones": zones,
             "outcome": "detour", "distance_km": km}
            for zones, km in (("minus30", 5900.5), ("nominal", 6000.0), ("plus30", 6111.0))
        ],
        "limits": ["Not legal advice, not for navigation.", "Outlines deviate by 0.90 NM at most."],
        "credits": [{"name": "FIRs", "text": "EUROCONTROL", "url": "https://example.org/firs"},
                    "Territories: © OpenStreetMap contributors, ODbL 1.0."],
        "options": {"clearance_nm": 1.0, "seed": 7},
    }  # fmt: skip


@pytest.fixture(scope="module")
def results() -> Results:
    return make_results()


@pytest.fixture(scope="module")
def shapes(results: Results) -> Shapes:
    return load_shapes(results)


@pytest.fixture(scope="module")
def page(results: Results, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render_report(results, tmp_path_factory.mktemp("report"))


class Reader(HTMLParser):
    """Collects what a browser would load, where links lead, headings, ids and cells."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.texts: dict[str, list[str]] = {}
        self.counts: dict[str, int] = {}
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.counts[tag] = self.counts.get(tag, 0) + 1
        self.ids += [values["id"]] if "id" in values else []
        for name in ("src", "srcset", "data", "poster", "background", "action"):
            self.loads += [values[name]] if name in values else []
        for name in ("href", "xlink:href"):
            if name in values:
                (self.links if tag == "a" else self.loads).append(values[name])
        self._open.append(tag)
        self.texts.setdefault(tag, []).append("")
        if tag in ("td", "th", "br"):
            self.handle_data(" ")

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        for tag in set(self._open):
            self.texts[tag][-1] += data


@pytest.fixture(scope="module")
def reader(page: Path) -> Reader:
    return Reader(page.read_text(encoding="utf-8"))


# What the page says


def test_page_one_has_each_question_as_heading_with_its_answer(reader: Reader) -> None:
    assert "What did 11 and 12 September 2025 change?" in reader.texts["h2"]
    assert "US-BIS-05 replaced a denial; EU-BY-01 is as before." in reader.texts["p"]


def test_rule_ids_in_answers_and_cells_lead_to_the_annex(page: Path, reader: Reader) -> None:
    assert {"#rule-EU-BY-01", "#rule-US-BIS-05", "#rule-UK-BY-07"} <= set(reader.links)
    inner = {link[1:] for link in reader.links if link.startswith("#")}
    assert inner <= set(reader.ids)


def test_unknown_ids_are_not_linked(reader: Reader) -> None:
    # US-BIS-05n is named as not judged but is no row of the rules table.
    assert any("US-BIS-05n" in text for text in reader.texts["dd"])
    assert "#rule-US-BIS-05n" not in reader.links


def test_long_findings_leave_page_one_to_the_answers(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    findings = text[text.index('id="findings"') : text.index('id="rows-long"')]
    assert "regime 8" not in findings
    assert "EAR" in findings
    assert "regime 8" in text


def test_route_table_gives_outcome_lengths_rules_and_doubts(reader: Reader) -> None:
    rows = [" ".join(text.split()) for text in reader.texts["tr"]]
    kgd = next(row for row in rows if row.startswith("MSQ–KGD"))
    for part in (
        "allowed by a detour",
        "497",
        "1,411",
        "+184 %",
        "2:08",
        "4,900–5,100",
        "EU-BY-01",
    ):
        assert part in kgd
    assert "no 1, yes 1" in kgd
    assert "2 flights, 2025-09-15 to 2025-09-16, B738" in kgd
    ist = next(row for row in rows if row.startswith("MSQ–IST"))
    assert "provisional" in ist
    assert "synthetic" in ist
    assert "UTTT/TAS" in ist
    lgw = next(row for row in rows if row.startswith("MSQ–EGKK"))
    assert "no lawful route" in lgw
    assert "UK-BY-07" in lgw


def test_crossings_carry_kilometres_times_and_decision(reader: Reader) -> None:
    rows = [" ".join(text.split()) for text in reader.texts["tr"]]
    assert any(r.startswith("FIR EETT") and "700 990 15 Sep 08:34 15 Sep 09:14" in r for r in rows)
    assert any("breach" in r and "US-BIS-05" in r and "BIS letter" in r for r in rows)


def test_sensitivity_stands_beside_the_route_and_in_the_annex(reader: Reader) -> None:
    rows = [" ".join(text.split()) for text in reader.texts["tr"]]
    assert sum("5,900 6,000 6,111 allowed by a detour" in row for row in rows) == 2


def test_an_outcome_that_hangs_on_a_synthetic_zone_is_called_so() -> None:
    rows = [
        {"route": "A-B", "zones": zones, "outcome": outcome}
        for zones, outcome in (
            ("plus30", "fuel-stop"),
            ("minus30", "detour"),
            ("nominal", "detour"),
        )
    ]
    (row,) = pivot_sensitivity(rows)
    assert row["changes"]
    assert [a["outcome"] for a in row["answers"]] == ["detour", "detour", "fuel-stop"]
    assert not pivot_sensitivity(rows[1:])[0]["changes"]


def test_annex_names_instrument_dates_and_shows_unsafe_urls_as_text(reader: Reader) -> None:
    rows = [" ".join(text.split()) for text in reader.texts["tr"]]
    union = next(row for row in rows if row.startswith("EU-BY-01 Belarusian carriers"))
    assert "instrument of EU-BY-01, Art. 1" in union
    assert "2021-06-04T22:00:00Z" in union
    assert "https://eur-lex.europa.eu/eli/reg/2021/907/oj" in reader.links
    assert not [link for link in reader.links if link.startswith("javascript")]


def test_text_of_others_is_escaped(page: Path, reader: Reader) -> None:
    assert "script" not in reader.counts
    # Plain in the description, beside links in the reason, a finding and a note.
    assert page.read_text(encoding="utf-8").count("&lt;script&gt;alert") >= 4


def test_limits_and_credits_are_said(reader: Reader) -> None:
    text = " ".join(reader.texts["li"] + reader.texts["figcaption"])
    assert "Not legal advice, not for navigation." in text
    assert "0.90 NM" in text
    assert "EUROCONTROL" in text
    assert "© OpenStreetMap contributors" in text


def test_every_map_carries_the_credit(page: Path) -> None:
    maps = re.findall(r"<svg.*?</svg>", page.read_text(encoding="utf-8"), re.DOTALL)
    assert len(maps) >= 4
    assert all("OpenStreetMap contributors" in svg for svg in maps)


def test_page_loads_nothing(page: Path, reader: Reader) -> None:
    text = page.read_text(encoding="utf-8")
    assert [load for load in reader.loads if not load.startswith(("#", "data:"))] == []
    assert "@import" not in text
    assert not re.search(r"url\(\s*['\"]?\s*(https?:)?//", text)


def test_ids_are_unique(reader: Reader) -> None:
    assert len(reader.ids) == len(set(reader.ids))


def test_equal_results_give_equal_bytes(results: Results, page: Path, tmp_path: Path) -> None:
    again = render_report(make_results(), tmp_path)
    assert again.read_bytes() == page.read_bytes()
    assert (tmp_path / "routes.geojson").read_bytes() == (
        page.parent / "routes.geojson"
    ).read_bytes()
    first = draw_route(results, "BRU1801-15", tmp_path / "a.svg").read_bytes()
    assert draw_route(results, "BRU1801-15", tmp_path / "b.svg").read_bytes() == first


def test_a_bare_run_still_gives_a_page(tmp_path: Path) -> None:
    flights = make_table(
        "flights", make_rows("flights", make_flight("X-1", "AAAA", "BBBB", "unknown"))
    )
    text = render_report(Results({"flights": flights}), tmp_path).read_text(encoding="utf-8")
    assert "AAAA–BBBB" in text


# What is drawn


def find_view(results: Results, flight_id: str) -> Any:
    return next(
        v for v in gather_routes(results) if flight_id in {f["flight_id"] for f in v.flights}
    )


def list_artists(figure: Any) -> dict[str, Any]:
    return {a.get_label(): a for a in (*figure.axes[0].lines, *figure.axes[0].patches)}


def list_words(figure: Any) -> list[str]:
    return [t.get_text() for t in figure.axes[0].texts]


def list_key(figure: Any) -> list[str]:
    return [t.get_text() for legend in figure.legends for t in legend.get_texts()]


def test_map_draws_permitted_route_solid_and_great_circle_dashed(
    results: Results, shapes: Shapes
) -> None:
    artists = list_artists(draw_map(find_view(results, "BRU1801-15"), shapes, results))
    assert artists["permitted route"].get_linestyle() == "-"
    assert artists["great circle"].get_linestyle() != "-"


def test_map_names_ends_airspaces_and_closures(results: Results, shapes: Shapes) -> None:
    figure = draw_map(find_view(results, "BRU1801-15"), shapes, results)
    words = list_words(figure)
    assert {"UMMS/MSQ", "UMKK/KGD", "UMMV", "EETT", "LT", "EE"} <= set(words)
    assert any("EU-BY-01  Belarusian carriers barred" in text for text in list_key(figure))
    assert any("OpenStreetMap contributors" in word for word in words)


def test_closures_differ_in_hatch_not_only_in_colour(results: Results, shapes: Shapes) -> None:
    artists = list_artists(draw_map(find_view(results, "BRU783-15"), shapes, results))
    closed = [a for label, a in artists.items() if label.startswith("closed:")]
    assert len(closed) >= 3
    assert len({a.get_hatch() for a in closed}) == len(closed)
    assert all(a.get_hatch() and a.get_facecolor()[3] == 0.0 for a in closed)


def test_an_instrument_looks_alike_on_all_maps(results: Results, shapes: Shapes) -> None:
    views = gather_routes(results)
    ranks = rank_closures(views)
    hatches = {
        list_artists(draw_map(view, shapes, results, ranks=ranks))["closed: EU-BY-01"].get_hatch()
        for view in views
        if view.flight["ades"] != "PANC"
    }
    assert len(hatches) == 1


def test_synthetic_outlines_are_marked(results: Results, shapes: Shapes) -> None:
    figure = draw_map(find_view(results, "BRU783-15"), shapes, results)
    outline = list_artists(figure)["synthetic outline: RU-SOUTH"]
    assert outline.get_linestyle() != "solid"
    assert "RU-SOUTH\n(synthetic)" in list_words(figure)
    assert "approximate or synthetic outline" in list_key(figure)


def test_zones_of_which_no_rule_speaks_are_not_drawn(results: Results, shapes: Shapes) -> None:
    figure = draw_map(find_view(results, "BRU1801-15"), shapes, results)
    assert "EASA-RU" not in list_words(figure)


def test_fuel_stop_is_a_diamond_with_its_codes(results: Results, shapes: Shapes) -> None:
    figure = draw_map(find_view(results, "BRU783-15"), shapes, results)
    assert list_artists(figure)["aerodrome: UTTT/TAS"].get_marker() == "D"
    assert "fuel stop" in list_key(figure)


def test_infeasible_flight_shows_the_great_circle_alone(results: Results, shapes: Shapes) -> None:
    figure = draw_map(find_view(results, "PROBE-LGW"), shapes, results)
    assert "permitted route" not in list_artists(figure)
    assert "great circle; no permitted route" in list_key(figure)
    assert "closed: UK-BY-07" in list_artists(figure)


def test_direct_flight_says_that_both_lines_are_one(results: Results, shapes: Shapes) -> None:
    figure = draw_map(find_view(results, "BRU9-15"), shapes, results)
    assert "permitted route (the great circle)" in list_key(figure)


def test_labels_do_not_cover_each_other(results: Results, shapes: Shapes) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = draw_map(find_view(results, "BRU1801-15"), shapes, results)
    canvas = FigureCanvasAgg(figure)
    boxes = [t.get_window_extent(canvas.get_renderer()) for t in figure.axes[0].texts]
    overlapping = [
        (figure.axes[0].texts[i].get_text(), figure.axes[0].texts[j].get_text())
        for i in range(len(boxes))
        for j in range(i)
        if boxes[i].overlaps(boxes[j])
    ]
    assert overlapping == []


def test_overview_shows_barred_questions_beside_routes(results: Results, shapes: Shapes) -> None:
    figure = draw_overview(gather_routes(results), shapes, results)
    assert figure is not None
    assert list_key(figure) == ["great circle; no permitted route", "permitted route"]
    assert "MSQ" in list_words(figure)


def test_maps_without_base_map_still_draw(results: Results, shapes: Shapes) -> None:
    none = np.array([], dtype=object)
    bare = Shapes(shapes.areas, shapes.quality, shapes.titles, none, none)
    assert "permitted route" in list_artists(
        draw_map(find_view(results, "BRU1801-15"), bare, results)
    )


def test_svg_for_a_page_has_real_text_and_no_clashing_ids(results: Results, shapes: Shapes) -> None:
    texts = [
        render_svg(draw_map(find_view(results, name), shapes, results), name)
        for name in ("BRU1801-15", "BRU783-15")
    ]
    assert all("UMMS/MSQ</text>" in svg for svg in texts)
    ids = [set(re.findall(r' id="([^"]+)"', svg)) for svg in texts]
    assert ids[0]
    assert not ids[0] & ids[1]
    assert not any("<image" in svg or "<metadata" in svg for svg in texts)
    # A hatch is a pattern, and the transparency of a fill must not thin it out.
    assert all("url(#h" in svg for svg in texts)
    assert not any(re.search(r"url\(#h\w+\);[^\"]*opacity: 0\.[0-5]", svg) for svg in texts)


@pytest.mark.parametrize(("suffix", "start"), [(".png", b"\x89PNG"), (".svg", b"<?xml")])
def test_draw_route_writes_the_picture_asked_for(
    results: Results, tmp_path: Path, suffix: str, start: bytes
) -> None:
    path = draw_route(results, "BRU1801-16", tmp_path / f"map{suffix}")
    assert path.read_bytes().startswith(start)


@pytest.mark.parametrize(
    ("flight", "name", "said"),
    [("NOBODY", "a.png", "no such flight"), ("BRU1801-15", "a.gif", "neither .png nor .svg")],
)
def test_draw_route_says_what_is_wrong(
    results: Results, tmp_path: Path, flight: str, name: str, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        draw_route(results, flight, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


# Plane


def test_projection_keeps_areas() -> None:
    cap = shapely.segmentize(shapely.box(100.0, 60.0, 101.0, 61.0), 0.01)
    plane = shapely.transform(cap, Projection(28.0, 50.0).project)
    radius = 6371.0088
    true = radius**2 * np.radians(1.0) * (np.sin(np.radians(61.0)) - np.sin(np.radians(60.0)))
    assert plane.area == pytest.approx(true, rel=1e-4)


def test_unproject_inverts_project() -> None:
    projection = Projection(170.0, -40.0)
    for lon, lat in ((170.0, -40.0), (-175.0, -10.0), (100.0, -80.0)):
        x, y = projection.project(np.array([[lon, lat]]))[0]
        assert projection.unproject(x, y) == pytest.approx((lon, lat), abs=1e-9)


def test_no_seam_is_drawn_along_180() -> None:
    halves = np.array(
        [shapely.box(170, 60, 180, 70), shapely.box(-180, 60, -170, 70)], dtype=object
    )
    projection, frame = fit_frame(
        np.array([[165.0, 65.0], [-165.0, 65.0]]), aspects=(0.6, 1.0), least_km=700.0
    )
    fills, outlines = cut_to_frame(halves, projection, frame)
    assert len(fills) == 2
    middle = shapely.LineString(
        [projection.project(np.array([[180.0, lat]]))[0] for lat in (62, 68)]
    )
    assert shapely.distance(outlines, middle).min() > 100.0
    assert shapely.distance(fills, middle).max() < 1.0


def test_land_round_a_pole_is_whole() -> None:
    antarctica = np.array([shapely.box(-180, -90, 180, -75)], dtype=object)
    projection = Projection(0.0, -85.0)
    frame = Frame(-3000.0, -3000.0, 3000.0, 3000.0)
    fills, outlines = cut_to_frame(antarctica, projection, frame)
    pole = shapely.Point(projection.project(np.array([[0.0, -90.0]]))[0])
    assert shapely.union_all(shapely.buffer(fills, 1.0)).contains(pole)
    assert shapely.distance(outlines, pole).min() > 1000.0


def test_area_round_the_antipode_does_not_turn_inside_out() -> None:
    south = np.array([shapely.box(-180, -90, 180, 10)], dtype=object)
    projection = Projection(28.0, 50.0)
    fills, _ = cut_to_frame(south, projection, Frame(-9000.0, -7000.0, 9000.0, 7000.0))
    assert not shapely.intersects(fills, shapely.Point(0.0, 0.0)).any()
    assert shapely.intersects(fills, shapely.Point(0.0, -5500.0)).any()


def test_great_circles_bow_towards_the_pole() -> None:
    line = draw_great_circles(np.array([[-100.0, 60.0], [100.0, 60.0]]))
    assert line[:, 1].max() > 75.0
    assert line[0] == pytest.approx([-100.0, 60.0])
    assert line[-1] == pytest.approx([100.0, 60.0])


# Files


def test_geojson_is_cut_at_180_and_credits_openstreetmap(results: Results, tmp_path: Path) -> None:
    data = json.loads(write_geojson(results, tmp_path).read_text(encoding="utf-8"))
    assert data["attribution"] == "© OpenStreetMap contributors"
    roles = [(f["properties"]["ades"], f["properties"]["role"]) for f in data["features"]]
    assert ("EGKK", "direct") in roles
    assert ("EGKK", "planned") not in roles
    for feature in data["features"]:
        assert feature["properties"]["attribution"] == "© OpenStreetMap contributors"
        lines = feature["geometry"]["coordinates"]
        lines = [lines] if feature["geometry"]["type"] == "LineString" else lines
        for line in lines:
            assert np.abs(np.diff([point[0] for point in line])).max() < 180.0
    across = [f for f in data["features"] if f["properties"]["ades"] == "PANC"]
    for feature in across:
        first, second = feature["geometry"]["coordinates"]
        assert (first[-1][0], second[0][0]) == (180.0, -180.0)
        assert first[-1][1] == second[0][1]
    kgd = next(f for f in data["features"] if f["properties"]["ades"] == "UMKK")
    assert kgd["properties"]["flights"] == ["BRU1801-15", "BRU1801-16"]
    assert "RU-SOUTH" in kgd["properties"]["inexact_outlines"]


def test_cut_at_180_finds_the_latitude_between() -> None:
    first, second = cut_at_180(np.array([[179.0, 10.0], [-179.0, 20.0]]))
    assert first[-1] == pytest.approx([180.0, 15.0])
    assert second[0] == pytest.approx([-180.0, 15.0])


# Gathering


def test_flights_of_one_route_share_a_view_and_keep_their_verdicts(results: Results) -> None:
    view = find_view(results, "BRU1801-16")
    assert [f["flight_id"] for f in view.flights] == ["BRU1801-15", "BRU1801-16"]
    assert len(view.group_verdicts()) == 2
    assert view.lawful == {"no": 1, "yes": 1}


def test_a_return_over_the_same_track_shares_the_map(results: Results) -> None:
    out, back, other = (find_view(results, f) for f in ("BRU1801-15", "BRU1802-15", "BRU783-15"))
    assert shares_map(back, out)
    assert not shares_map(other, out)


def test_an_area_closed_twice_goes_to_the_deciding_rule() -> None:
    rows = [
        {"layer": "territory", "designator": d, "outcome": "FORBIDDEN", "rules": rules}
        for d, rules in (("LT", "EU-BY-01 LT-01"), ("LV", "EU-BY-01"))
    ]
    assert [c.rule for c in gather_closures(rows)] == ["EU-BY-01"]
    decided = gather_closures(rows, ["LT-01"])
    assert [(c.rule, len(c.areas)) for c in decided] == [("LT-01", 1), ("EU-BY-01", 1)]


def test_a_second_stay_takes_its_own_decision() -> None:
    stay = {"layer": "fir", "designator": "UMMV"}
    decision = {**stay, "phase": "planned", "activity": "overflight"}
    rows = join_stays(
        [dict(stay), dict(stay)],
        [{**decision, "outcome": "PERMITTED", "rules": ""},
         {**decision, "outcome": "FORBIDDEN", "rules": "X-1"}],
    )  # fmt: skip
    assert [row["outcome"] for row in rows] == ["PERMITTED", "FORBIDDEN"]


def test_only_what_was_met_otherwise_is_listed() -> None:
    base = {"activity": "overflight", "layer": "fir", "designator": "OIIX"}
    planned = {**base, "phase": "planned", "outcome": "PERMITTED"}
    assert list_changes([planned, {**base, "phase": "met", "outcome": "PERMITTED"}]) == []
    met = {**base, "phase": "met", "outcome": "FORBIDDEN"}
    assert list_changes([planned, met]) == [met]


def test_dates_of_a_callsign_are_grouped_by_month() -> None:
    flights = [
        {"callsign": "BRU1", "eobt_utc": f"2025-{day}T05:00:00Z"}
        for day in ("09-30", "10-01", "09-29", "09-29")
    ]
    assert list_dates(flights) == [("BRU1", "2025-09-29 30, 2025-10-01")]


# Terminal


def read_console(width: int, *, terminal: bool) -> Console:
    return Console(
        file=io.StringIO(), width=width, force_terminal=terminal, highlight=False,
        color_system="standard" if terminal else None, _environ={},
    )  # fmt: skip


def shown(console: Console) -> str:
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def test_summary_is_plain_aligned_lines_without_a_terminal(results: Results) -> None:
    console = read_console(40, terminal=False)
    print_summary(results, console)
    text = shown(console)
    assert "\x1b" not in text
    line = next(line for line in text.splitlines() if line.startswith("MSQ-KGD"))
    for part in (
        "detour",
        "no/yes",
        "1,411",
        "+184%",
        "2:08",
        "2025-09-15..2025-09-16",
        "EU-BY-01 US-BIS-05",
    ):
        assert part in line
    assert "US-BIS-05 replaced a denial; EU-BY-01 is as before." in text.splitlines()


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_summary_fits_the_terminal(results: Results, width: int) -> None:
    console = read_console(width, terminal=True)
    print_summary(results, console)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown(console))
    assert max(map(len, plain.splitlines())) <= width
    assert "infeasible" in plain


def test_no_color_is_obeyed(results: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system="standard")
    print_summary(results, console)
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]", shown(console))


@pytest.fixture
def answer() -> dict[str, Any]:
    """One answer of ``airsim check --json``."""

    def test(name: str, title: str, found: str, truth: str) -> dict[str, Any]:
        return {"id": name, "kind": "test", "title": title, "truth": truth, "found": found,
                "missing": [], "children": []}  # fmt: skip

    emergency = {
        "id": "emergency", "kind": "exception", "title": "Emergencies", "truth": "no", "found": "",
        "missing": [], "children": [test("status", "declared emergency", "nothing declared", "no")],
    }  # fmt: skip
    rule = {
        "id": "EU-BY-01", "kind": "rule", "title": "Belarusian carriers barred [not markup]",
        "truth": "yes", "found": "", "missing": [], "says": "forbids", "flown": False,
        "children": [test("licensed_in", "licensed in BY", "licensed in BY", "yes"), emergency],
        "acts": [
            {"activity": "overflight", "places": [{"layer": "territory", "designator": "LT"}]}
        ],
        "acts_text": "overflight of LT", "because": ["licensed in BY"], "not_known": [],
        "person_bound": "", "instrument": "Regulation (EC) 765/2006", "article": "Art. 8b",
        "url": "https://example.org/" + 100 * "x", "sources": [], "confidence": "V*",
        "version": {"text": "in force since 2021-06-04T22:00Z"},
    }  # fmt: skip
    freed = {
        **rule, "id": "US-1", "says": "relieved", "flown": True, "truth": "no",
        "acts_text": "landing at UMKK",
        "children": [{**emergency, "id": "L-1", "kind": "licence", "truth": "yes"}],
    }  # fmt: skip
    held = {**rule, "id": "X-9", "says": "permit-held", "acts_text": "landing at UMKK"}
    return {
        "question": {"operator": "BRU", "adep": "UMMS", "ades": "UMKK", "adep_iata": "MSQ",
                     "ades_iata": "KGD", "eobt_utc": "2025-09-15T08:00:00Z", "typecode": "B738",
                     "registration": None},
        "summary": "Belavia may fly, but only by a detour [not markup].",
        "outcome": "detour", "lawful": "no", "direct_km": 497.0, "provisional": True,
        "route": {"distance_km": 1411.0, "block_min": 128.0, "fuel_kg": 5100.0, "stops": [],
                  "clearance_nm": 1.0, "points": [[28.0, 53.9], [20.6, 54.9]]},
        "crossings": [{"layer": "fir", "designator": "UMMV", "title": "Minsk", "entry_km": 0.0,
                       "exit_km": 235.0, "entry_utc": "2025-09-15T08:10:00Z",
                       "exit_utc": "2025-09-15T08:31:00Z"}],
        "decisions": [{"activity": "landing", "layer": "aerodrome", "designator": "UMKK",
                       "at_utc": "2025-09-15T10:08:00Z", "outcome": "FORBIDDEN",
                       "rules": ["EU-BY-01"], "references": []}],
        "blocking_rules": ["EU-BY-01"],
        "breaches": [], "doubts": [], "advisories": [], "permits": ["X-9"],
        "assumed": ["cargo=none"], "not_judged": [],
        "permit_requests": [
            {"rule": "X-9", "status": "to-ask", "authority": "the CAA", "kind": "routine",
             "apply_to": "form R", "places": ["UMKK"], "lead_time_days": 3.0, "working_days": True,
             "validity_hours": 48.0, "ask_by_utc": "2025-09-10T08:00:00Z", "late": True,
             "quota": {"most": 5, "per": "hour", "each": "operator"}}
        ],
        "explanation": {
            "complete": False,
            "children": [
                {"title": "EU", "says": "forbids", "children": [rule]},
                {"title": "US", "says": "relieved", "children": [freed]},
                {"title": "XX", "says": "permit-held", "children": [held]},
            ],
        },
    }  # fmt: skip


@pytest.mark.parametrize("terminal", [True, False])
def test_check_names_outcome_instruments_and_stays(answer: dict[str, Any], terminal: bool) -> None:
    console = read_console(100, terminal=terminal)
    print_check(answer, console)
    text = re.sub(r"\x1b\[[0-9;]*m", "", shown(console))
    for part in (
        "UMMS/MSQ-UMKK/KGD", "allowed by a detour", "provisional", "only by a detour [not markup].",
        "1,411 km (+184%)", "block 2:08", "EU: forbids", "Belarusian carriers barred [not markup]",
        "EU-BY-01 forbids overflight of LT, in the way [V*]", "Regulation (EC) 765/2006, Art. 8b",
        "FIR UMMV Minsk", "since 2021-06-04", "exception emergency fails (nothing declared)",
        "US: allows", "would bar landing at UMKK [V*]: but licence L-1 holds",
        "ask the CAA (form R) 3 working days before: by 2025-09-10T08:00:00Z, which had passed",
        "holds for 48 hours; at most 5 per hour for each operator", "08:10-08:31",
        "cargo=none", "Not legal advice, not for navigation.",
    ):  # fmt: skip
        assert part in re.sub(r"\s+", " ", text.replace("│", "")), part
    assert "XX:" not in text  # permits have a list of their own
    words = (line.split() for line in text.splitlines() if len(line) > 100)
    assert all(len(line) <= 2 for line in words), "only an address may be longer"


def test_check_shows_permits_in_the_tree_if_all_is_asked_for(answer: dict[str, Any]) -> None:
    console = read_console(100, terminal=False)
    whole = {**answer["explanation"], "complete": True}
    print_check({**answer, "explanation": whole}, console)
    assert "X-9 asks a permit, held or presumed, for landing at UMKK" in shown(console)


def test_check_without_a_route_says_so(answer: dict[str, Any]) -> None:
    console = read_console(100, terminal=False)
    print_check({**answer, "outcome": "infeasible", "route": None}, console)
    assert "no permitted route" in shown(console)


def test_terminal_answers_do_not_load_the_map_library() -> None:
    code = (
        "import sys\nfrom airsim.report import print_check, print_summary\n"
        "print([m for m in ('matplotlib', 'jinja2', 'pyarrow', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# In a browser


@pytest.fixture(scope="module")
def chromium() -> Iterator[str]:
    found = next((p for n in ("chromium", "chromium-browser") if (p := shutil.which(n))), None)
    if found is None:
        if os.environ.get("AIRSIM_REQUIRE_TOOLS") == "1":
            pytest.fail("chromium is required but not installed")
        pytest.skip("chromium is not installed")
    yield found


def run_browser(chromium: str, folder: Path, *command: str) -> str:
    quiet = ("background-networking", "component-update", "gpu", "quic", "sync")
    options = ["--headless", "--no-sandbox", "--no-first-run", "--hide-scrollbars"]
    options += [f"--disable-{part}" for part in quiet]
    done = subprocess.run(
        [chromium, *options, f"--user-data-dir={folder / 'profile'}", *command],
        capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip
    return done.stdout


def test_browser_opens_the_page_offline(chromium: str, page: Path, tmp_path: Path) -> None:
    probe = """<script>addEventListener('load', () => {
      const note = document.createElement('pre'); note.id = 'probe';
      const svg = document.querySelector('#overview svg').getBoundingClientRect();
      note.textContent = JSON.stringify({
        loaded: performance.getEntriesByType('resource').map(entry => entry.name),
        headings: document.querySelectorAll('h2, h3').length,
        rows: document.querySelectorAll('tbody tr').length,
        wide: document.documentElement.scrollWidth > innerWidth, map: svg.width,
        dangling: [...document.querySelectorAll('a[href^="#"]')].filter(
          a => !document.getElementById(a.getAttribute('href').slice(1))).length,
      }); document.body.append(note); });</script>"""
    copy = tmp_path / "probed.html"
    copy.write_text(page.read_text(encoding="utf-8").replace("</body>", probe + "</body>"), "utf-8")
    shot = tmp_path / "page.png"
    dom = run_browser(
        chromium, tmp_path, "--window-size=1000,1400", f"--screenshot={shot}", "--dump-dom",
        copy.as_uri(),
    )  # fmt: skip
    found = re.search(r'<pre id="probe">(.*?)</pre>', dom)
    assert found is not None
    seen = json.loads(found[1])
    assert seen["loaded"] == []
    assert seen["dangling"] == 0
    assert seen["headings"] >= 8
    assert seen["rows"] >= 20
    assert seen["map"] > 300
    assert not seen["wide"]


def test_page_prints_and_fits_a_telephone(chromium: str, page: Path, tmp_path: Path) -> None:
    from matplotlib.image import imread

    pdf, shot = tmp_path / "page.pdf", tmp_path / "page.png"
    run_browser(chromium, tmp_path, f"--print-to-pdf={pdf}", page.as_uri())
    assert pdf.read_bytes().startswith(b"%PDF")
    run_browser(chromium, tmp_path, "--window-size=500,900", f"--screenshot={shot}", page.as_uri())
    picture = imread(shot)
    assert picture.std() > 0.05  # not a blank sheet
