"""One rule on a terminal: what it says, where it acts, which flights it hits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

_MOST_AREAS = 8


def print_hits(shown: Mapping[str, Any], console: Console | None = None) -> None:
    """Print what a rule hits.

    Parameters
    ----------
    shown : mapping
        As `airsim.planning.describe_hits` gives it.
    console : rich.console.Console, optional
        Where to; default: stdout. Without a terminal the lines are plain and never wrapped.
    """
    out = console or Console(highlight=False)
    head, *lines = list(_lines(shown))
    out.print(Text(head, style="bold"), soft_wrap=not out.is_terminal)
    for line in lines:
        out.print(Text(line), soft_wrap=not out.is_terminal)


def _lines(shown: Mapping[str, Any]) -> Iterator[str]:
    reference = shown["reference"]
    yield f"{shown['rule']}: {shown['title']}"
    yield f"  {reference['instrument']}, article {reference['article']}; {reference['url']}"
    read = f", last read {shown['last_evidence_utc'][:10]}" if shown["last_evidence_utc"] else ""
    yield f"  regime {shown['regime']}; {shown['force']}; confidence {shown['confidence']}{read}"
    what = {"prohibit": "forbids", "require-permit": "asks a permit for", "permit": "permits"}
    yield f"{what[shown['effect']]}: {', '.join(shown['activities'])}"
    for key, name in (("who", "of"), ("flight", "on")):
        for number, table in enumerate(shown[key]):
            tests = "; ".join(f"{field} {_words(value)}" for field, value in table.items())
            yield f"{'or ' if number else ''}{name}: {tests}"
    yield f"when: {_span(shown)}"
    if shown["levels_ft"]:
        yield "levels: {} to {} ft".format(*shown["levels_ft"])
    yield from _places(shown)
    for unless in shown["exceptions"]:
        by = f" (by permission of {unless['permission_of']})" if unless["permission_of"] else ""
        at = f" in {' '.join(unless['zones'])}" if unless["zones"] else ""
        yield f"unless {unless['id']}: {unless['title']}{at}{by}"
    for key, name in (("relieves", "relieves"), ("relieved_by", "licences that relieve it")):
        if shown[key]:
            yield f"{name}: {', '.join(shown[key])}"
    if shown["flights"]:
        yield from _flights(shown["flights"])


def _words(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, Sequence) and value else str(value)


def _span(shown: Mapping[str, Any]) -> str:
    sides = []
    for key, open_end in (("from_utc", "always"), ("to_utc", "open")):
        first, last = shown[key]
        vague = f" or up to {last}" if last != first else ""
        sides.append((first or open_end) + vague)
    hours = "".join(f", {span} UTC" for span in shown["daily_utc"])
    days = f", weekdays {_words(shown['weekly'])}" if shown["weekly"] else ""
    return f"{sides[0]} to {sides[1]}{hours}{days}"


def _places(shown: Mapping[str, Any]) -> Iterator[str]:
    if shown["anywhere"]:
        less = shown["except_territory"]
        yield "where: anywhere" + (f" but {', '.join(less)}" if less else "")
        return
    if len(shown["areas"]) <= _MOST_AREAS:
        yield from map(_area, shown["areas"])
        return
    layers: dict[str, list[str]] = {}
    for area in shown["areas"]:
        layers.setdefault(area["layer"], []).append(area["designator"])
    for layer, names in layers.items():
        yield f"where: {layer} {' '.join(dict.fromkeys(names))}"
    yield from (_area(area) for area in shown["areas"] if not area["exists"])


def _area(area: Mapping[str, Any]) -> str:
    dates = [area["valid_from"][:10], area["valid_to"][:10]]
    valid = f"exists {dates[0] or '...'} to {dates[1] or '...'}" if any(dates) else ""
    said = ", ".join(part for part in (area["title"], area["quality"], valid) if part)
    gone = "" if area["exists"] else ": not while the rule is in force"
    return f"where: {area['layer']} {area['designator']} ({said}){gone}"


def _flights(flights: Mapping[str, Any]) -> Iterator[str]:
    yield ""
    yield (
        f"{flights['scenario']}: {flights['touched']} of {flights['asked']} flights touched, "
        f"{flights['unknown']} unknown, {flights['relieved']} relieved"
    )
    for route in flights["examples"]:
        why = ""
        if route["missing"]:
            why = f", for want of {', '.join(route['missing'])}"
        elif route["relieved_by"]:
            why = f" by {', '.join(route['relieved_by'])}"
        yield (
            f"  {route['state']}{why}: {route['operator']} {route['adep']}-{route['ades']}, "
            f"{route['activity']} {route['place']}, {route['flights']} flights, "
            f"first {route['at_utc']}"
        )
    if flights["routes"] > len(flights["examples"]):
        yield f"  and {flights['routes'] - len(flights['examples'])} more"
