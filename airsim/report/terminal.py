"""Answers on a terminal: tables where there is one, plain aligned lines where there is none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from textwrap import shorten, wrap
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from airsim.report.gather import (
    DECISIONS,
    OUTCOMES,
    SIGNS,
    RouteView,
    gather_routes,
    name_pair,
)
from airsim.report.printing import format_minutes, format_number, print_plain, say
from airsim.report.totals import tell_totals
from airsim.report.tree import format_explanation
from airsim.results import Results

LIMITS = "Not legal advice, not for navigation."
_STYLES = {
    "direct": "green",
    "detour": "yellow",
    "fuel-stop": "yellow",
    "needs-permit": "magenta",
    "infeasible": "bold red",
    "unknown": "magenta",
}
# Column, least width of the terminal that has room for it, whether it is a number.
_COLUMNS = (
    ("route", 0, False),
    ("outcome", 0, False),
    ("lawful", 72, False),
    ("km", 0, True),
    ("extra", 84, True),
    ("block", 84, True),
    ("flights", 100, True),
    ("dates", 110, False),
    ("deciding rules", 0, False),
)
_MOST_RULES = 4
_MOST_STAYS = 60
# Columns of the answer to one question, however wide the screen.
_WIDEST = 100
_LONGEST_NAME = 44


def print_summary(results: Results, console: Console | None = None) -> None:
    """Print one line per route and the findings.

    Parameters
    ----------
    results : Results
        A run.
    console : rich.console.Console, optional
        Where to; default: stdout. Without a terminal the lines are plain and never wrapped.
    """
    out = console or Console(highlight=False)
    title = str(results.summary.get("title") or results.summary.get("scenario") or "airsim")
    views = gather_routes(results)
    plain = not out.is_terminal
    width = 10_000 if plain else out.width
    columns = [name for name, least, _ in _COLUMNS if width >= least]
    rows = [_route_cells(results, view, whole=plain) for view in views]
    say(out, title, "bold")
    if plain:
        print_plain(out, [columns, *([row[c] for c in columns] for row in rows)])
    else:
        out.print(_make_grid(columns, rows))
    totals = tell_totals(results)
    if totals:
        say(out, "")
        say(out, totals)
    for finding in results.summary.get("findings", ()):
        say(out, "")
        say(out, str(finding.get("question", "")), "bold")
        say(out, str(finding.get("answer", "")))
    say(out, "")
    say(out, LIMITS, "dim")


def _route_cells(results: Results, view: RouteView, *, whole: bool) -> dict[str, str]:
    flight, extra = view.flight, view.extra_percent
    rules = view.collect("blocking_rules") + view.collect("breaches")
    if not whole and len(rules) > _MOST_RULES:
        rules = [*rules[:_MOST_RULES], f"+{len(rules) - _MOST_RULES}"]
    outcome = flight["outcome"]
    return {
        "route": f"{name_pair(results, flight)} {flight['operator']}",
        "outcome": outcome + (" ~" if any(f["provisional"] for f in view.flights) else ""),
        "lawful": "/".join(sorted(view.lawful)),
        "km": format_number(flight["distance_km"]) or "-",
        "extra": "-" if extra is None else f"{extra:+.0f}%",
        "block": format_minutes(flight["block_min"]) or "-",
        "flights": str(len(view.flights)),
        "dates": "..".join(dict.fromkeys(view.dates)),
        "deciding rules": " ".join(rules) or "-",
    }


def _make_grid(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> Grid:
    grid = Grid(box=None, pad_edge=False, header_style="dim", show_edge=False)
    for name, _, numeric in _COLUMNS:
        if name in columns:
            grid.add_column(
                name, justify="right" if numeric else "left", no_wrap=name != "deciding rules",
                overflow="fold" if name == "deciding rules" else "ellipsis",
            )  # fmt: skip
    for row in rows:
        style = _STYLES.get(row["outcome"].split()[0], "")
        cells = [Text(row[c], style=style if c == "outcome" else "") for c in columns]
        grid.add_row(*cells)
    return grid


def print_check(answer: Mapping[str, Any], console: Console | None = None) -> None:
    """Print the answer to one question for a person.

    Parameters
    ----------
    answer : mapping
        What ``airsim check --json`` prints.
    console : rich.console.Console, optional
        Where to; default: stdout.
    """
    out = console or Console(highlight=False)
    outcome = str(answer["outcome"])
    question = answer.get("question") or {}
    say(out, _describe_question(question))
    out.print(
        Text.assemble(
            (
                f"{SIGNS.get(outcome, '')} {OUTCOMES.get(outcome, outcome)}",
                _STYLES.get(outcome, ""),
            ),
            f"   lawful for persons: {answer.get('lawful', 'unknown')}",
            "   provisional" if answer.get("provisional") else "",
        )
    )
    width = min(out.width, _WIDEST) if out.is_terminal else _WIDEST
    say(out, "")
    _print_folded(out, str(answer["summary"]), width)
    _print_route(out, answer, width)
    _print_why(out, answer, width)
    _print_requests(out, answer, width)
    _print_stays(out, answer)
    for title, key in (
        ("Assumed", "assumed"),
        ("Not judged (a fact is missing, or the law is open)", "not_judged"),
    ):
        if answer.get(key):
            say(out, "")
            _print_folded(out, f"{title}: {', '.join(_ids(answer[key]))}", width)
    say(out, "")
    say(out, str(answer.get("limits") or LIMITS), "dim")


def _describe_question(question: Any) -> str:
    if not isinstance(question, Mapping):
        return str(question)
    ends = [
        "/".join(str(question[k]) for k in (end, f"{end}_iata") if question.get(k))
        for end in ("adep", "ades")
    ]
    rest = [question.get(k) for k in ("operator", "typecode", "registration", "eobt_utc")]
    return "  ".join(str(part) for part in ("-".join(ends), *rest) if part)


def _print_route(out: Console, answer: Mapping[str, Any], width: int) -> None:
    direct, route = answer.get("direct_km"), answer.get("route")
    say(out, "")
    if not route:
        say(out, f"Great circle {format_number(direct)} km; no permitted route.")
        return
    extra = f" ({100 * (route['distance_km'] / direct - 1):+.0f}%)" if direct else ""
    parts = [f"Route {format_number(route['distance_km'])} km{extra}",
             f"great circle {format_number(direct)} km",
             f"block {format_minutes(route.get('block_min'))}",
             f"fuel {format_number(route.get('fuel_kg'))} kg"]  # fmt: skip
    if route.get("stops"):
        parts.append(f"fuel stop {' '.join(route['stops'])}")
    if route.get("clearance_nm") is not None:
        parts.append(f"at least {route['clearance_nm']:g} NM from closed airspace")
    _print_folded(out, "; ".join(parts) + ".", width)
    margin = answer.get("range")
    if route.get("stops") and margin:
        _print_folded(out, f"Range: {margin['text']}.", width)


def _ids(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [f"{k}={v}" for k, v in value.items()]
    listed = value.split() if isinstance(value, str) else value or ()
    return [str(v.get("rule", v)) if isinstance(v, Mapping) else str(v) for v in listed]


def _print_why(out: Console, answer: Mapping[str, Any], width: int) -> None:
    lines = format_explanation(answer["explanation"], width)
    if lines:
        say(out, "")
        say(out, "Why", "bold")
    for line in lines:
        out.print(Text(line), soft_wrap=True)


_STATUS = {
    "presumed": "presumed held, being routine for a scheduled service",
    "held": "held",
    "to-ask": "not held",
    "lacking": "not held, and not routine",
    "in-the-way": "not held, and not routine; the route keeps out",
}


def _print_requests(out: Console, answer: Mapping[str, Any], width: int) -> None:
    """Whom to ask for permission, how, by when, and whether that time has passed."""
    if answer["permit_requests"]:
        say(out, "")
        say(out, "Permissions", "bold")
    for request in answer["permit_requests"]:
        how = f" ({request['apply_to']})" if request["apply_to"] else ""
        said = (
            f"{request['rule']}: {_STATUS[request['status']]}; for {' '.join(request['places'])}; "
            f"ask {request['authority']}{how}"
        )
        if request["ask_by_utc"] is not None:
            days = "working days" if request["working_days"] else "days"
            said += f" {request['lead_time_days']:g} {days} before: by {request['ask_by_utc']}"
            if request["late"] and request["status"] not in ("held", "presumed"):
                said += ", which had passed when the flight was planned"
        else:
            said += ", lead time not known"
        if request["validity_hours"] is not None:
            said += f"; holds for {request['validity_hours']:g} hours"
        if quota := request["quota"]:
            each = "" if quota["each"] == "all" else f" for each {quota['each']}"
            said += f"; at most {quota['most']} per {quota['per']}{each}, not counted here"
        _print_folded(out, said, width, "  ")


def _print_folded(out: Console, text: str, width: int, lead: str = "") -> None:
    """A paragraph folded at a width, also where there is no terminal."""
    for line in wrap(
        text, width, initial_indent=lead, subsequent_indent=lead * 2,
        break_long_words=False, break_on_hyphens=False,
    ):  # fmt: skip
        out.print(Text(line), soft_wrap=True)


def _print_stays(out: Console, answer: Mapping[str, Any]) -> None:
    """Airspaces crossed with times and decisions, then the ends and persons."""
    decisions = list(answer.get("decisions", ()))
    stays = list(answer.get("crossings", ()))
    judged = {
        (d.get("layer"), d.get("designator")): d
        for d in reversed(decisions)
        if d.get("layer") != "aerodrome"
    }
    rows = [["airspace", "km", "UTC", "decision", "rules"]]
    for stay in stays[:_MOST_STAYS]:
        decision = judged.get((stay.get("layer"), stay.get("designator")), {})
        rows.append(
            [
                _name_airspace(stay),
                f"{format_number(stay.get('entry_km'))}-{format_number(stay.get('exit_km'))}",
                f"{str(stay.get('entry_utc'))[11:16]}-{str(stay.get('exit_utc'))[11:16]}",
                DECISIONS.get(str(decision.get("outcome")), "no rule"),
                " ".join(_ids(decision.get("rules"))),
            ]
        )
    ends = [d for d in decisions if d.get("layer") == "aerodrome"]
    rows += [
        [
            f"{d.get('activity')} {d.get('designator') or ''}".strip(), "",
            str(d.get("at_utc") or "")[11:16], DECISIONS.get(str(d.get("outcome")), ""),
            " ".join(_ids(d.get("rules"))),
        ]
        for d in ends
    ]  # fmt: skip
    if len(rows) == 1:
        return
    say(out, "")
    if not out.is_terminal:
        print_plain(out, rows)
        return
    grid = Grid(box=None, pad_edge=False, header_style="dim", show_edge=False)
    for name in rows[0]:
        grid.add_column(name, no_wrap=name in ("km", "UTC"), overflow="fold")
    for row in rows[1:]:
        grid.add_row(*map(escape, row))
    out.print(Padding(grid, (0, 0)))


def _name_airspace(stay: Mapping[str, Any]) -> str:
    layer = "FIR" if stay.get("layer") == "fir" else stay.get("layer")
    title = str(stay.get("title") or "").removesuffix(" FIR")
    parts = [layer, stay.get("designator"), "" if title == stay.get("designator") else title]
    return shorten(" ".join(str(part) for part in parts if part), _LONGEST_NAME, placeholder=" ...")
