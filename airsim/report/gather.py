"""What the pages and maps show, gathered from the tables: one view per distinct route."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from airsim.results import Results

Row = dict[str, Any]

OUTCOMES: dict[str, str] = {
    "direct": "allowed, direct",
    "detour": "allowed by a detour",
    "fuel-stop": "allowed, with a fuel stop",
    "needs-permit": "only with a permit",
    "infeasible": "no lawful route",
    "unknown": "unknown",
}
SIGNS: dict[str, str] = {
    "direct": "●",
    "detour": "◐",
    "fuel-stop": "◇",
    "needs-permit": "△",
    "infeasible": "✕",
    "unknown": "?",
}
DECISIONS: dict[str, str] = {
    "PERMITTED": "permitted",
    "FORBIDDEN": "forbidden",
    "NOT_PERMITTED": "permit needed, not held",
    "ADVISED_AGAINST": "advised against",
    "UNKNOWN": "unknown",
    "BREACH": "breach",
}
# From best to worst; a verdict is as good as the worst rule that it rests on.
CONFIDENCE: dict[str, str] = {
    "V*": "read in the legal text itself",
    "V": "read in a source",
    "V-date": "the fact read in a source, its date inferred",
    "K": "known, no source checked",
    "assumed": "assumed",
    "U": "uncertain or conflicting",
    "synthetic": "made up for the simulation",
}
GRADES: dict[str, str] = {
    "V": "read in a timetable or report",
    "v": "partly read",
    "K": "known, not checked",
    "S": "synthetic",
}
NOT_EXACT = ("approximate", "synthetic")
VERDICT = ("outcome", "lawful", "blocking_rules", "breaches", "permits", "provisional")
_SAME_TRACK_DEGREES = 0.1


@dataclass(frozen=True, slots=True)
class Closure:
    """The airspaces of one map that one rule closes."""

    rule: str
    outcome: str
    areas: tuple[tuple[str, str], ...]  # (layer, designator)
    also: tuple[str, ...] = ()  # further rules that close some of them


@dataclass(frozen=True, slots=True)
class RouteView:
    """Flights of one operator between two aerodromes by one route.

    Parameters
    ----------
    key : str
        Anchor of the route on the page.
    flights : tuple of dict
        Rows of the ``flights`` table; the first stands for all where they agree.
    planned, direct : ndarray
        Degrees, shape (n, 2); `planned` is empty if there is no permitted route.
    crossings, decisions : tuple of dict
        Rows of the first flight.
    closures : tuple of Closure
        Airspace closed for the first flight, by instrument; deciding rules first.
    sensitivity : tuple of dict
        The route with a synthetic zone made larger and smaller.
    """

    key: str
    flights: tuple[Row, ...]
    planned: NDArray[np.float64]
    direct: NDArray[np.float64]
    crossings: tuple[Row, ...] = ()
    decisions: tuple[Row, ...] = ()
    closures: tuple[Closure, ...] = ()
    sensitivity: tuple[Row, ...] = field(default=())

    @property
    def flight(self) -> Row:
        """The flight that stands for all."""
        return self.flights[0]

    @property
    def stops(self) -> list[str]:
        """Fuel stops, ICAO."""
        return split_ids(self.flight["stops"])

    @property
    def extra_percent(self) -> float | None:
        """Length over the geodesic, per cent."""
        distance, direct = self.flight["distance_km"], self.flight["direct_km"]
        return 100.0 * (distance / direct - 1.0) if distance and direct else None

    @property
    def lawful(self) -> Counter[str]:
        """Flights by freedom of breaches by persons: ``yes``, ``no``, ``unknown``."""
        return Counter(f["lawful"] for f in self.flights)

    def spread(self, column: str) -> tuple[float, float] | None:
        """Least and greatest value of a column over the flights."""
        found = [f[column] for f in self.flights if f[column] is not None]
        return (min(found), max(found)) if found else None

    def collect(self, column: str, separator: str | None = None) -> list[str]:
        """Distinct items of a text column over the flights, in order of appearance."""
        items = (i.strip() for f in self.flights for i in (f[column] or "").split(separator))
        return [item for item in dict.fromkeys(items) if item]

    @property
    def dates(self) -> tuple[str, str]:
        """First and last day of the flights (UTC), ISO."""
        days = sorted(str(f["eobt_utc"] or "")[:10] for f in self.flights)
        return days[0], days[-1]

    def group_verdicts(self) -> list[tuple[Row, ...]]:
        """Flights whose verdicts agree in every respect, in order of appearance."""
        groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
        for flight in self.flights:
            groups[tuple(flight[c] for c in VERDICT)].append(flight)
        return [tuple(rows) for rows in groups.values()]


def split_ids(value: Any) -> list[str]:
    """Ids of a text column, or of a list."""
    if value is None:
        return []
    if isinstance(value, str):
        return value.split()
    return [str(v) for v in value]


def gather_routes(results: Results) -> list[RouteView]:
    """One view per operator, city pair, outcome and route; a return stands next to its outbound."""
    tracks = _read_tracks(results)
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for flight in results.rows("flights"):
        line = tracks.get((flight["flight_id"], "planned"))
        groups[
            *(flight[c] for c in ("operator", "adep", "ades", "outcome", "stops")),
            b"" if line is None else np.round(line, 2).tobytes(),
        ].append(flight)
    order: dict[tuple[str, ...], int] = {}
    for operator, adep, ades, *_ in groups:
        order.setdefault((operator, *sorted((adep, ades))), len(order))
    ranked = sorted(groups, key=lambda g: order[(g[0], *sorted(g[1:3]))])  # stable
    rows = {name: _by_flight(results, name) for name in ("crossings", "decisions", "closed")}
    views = []
    for number, group in enumerate(ranked, start=1):
        flights = groups[group]
        first = flights[0]["flight_id"]
        nothing = np.empty((0, 2))
        views.append(
            RouteView(
                key=f"route-{number}",
                flights=tuple(flights),
                planned=tracks.get((first, "planned"), nothing),
                direct=tracks.get((first, "direct"), nothing),
                crossings=tuple(row for row in rows["crossings"][first] if not row["plan"]),
                decisions=tuple(rows["decisions"][first]),
                closures=gather_closures(
                    rows["closed"][first], split_ids(flights[0]["blocking_rules"])
                ),
                sensitivity=tuple(_find_sensitivity(results, flights[0])),
            )
        )
    return views


def shares_map(view: RouteView, other: RouteView) -> bool:
    """Whether one map does for both: same operator, ends, closures and (to 0.1 degree) track."""
    ends = [{v.flight["adep"], v.flight["ades"]} for v in (view, other)]
    if ends[0] != ends[1] or view.flight["operator"] != other.flight["operator"]:
        return False
    if view.closures != other.closures or view.stops != other.stops:
        return False
    if not len(view.planned) or not len(other.planned):
        return len(view.planned) == len(other.planned)
    lines = [shapely.LineString(v.planned) for v in (view, other)]
    return lines[0].hausdorff_distance(lines[1]) < _SAME_TRACK_DEGREES


def gather_closures(rows: Sequence[Row], deciding: Sequence[str] = ()) -> tuple[Closure, ...]:
    """Closed airspace by instrument: deciding rules first, then those that close the most.

    An area closed by several rules is counted, and drawn, once: under the first of that order.
    """
    counts = Counter(rule for row in rows for rule in split_ids(row["rules"]) or [""])
    areas: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    also: dict[tuple[str, str], set[str]] = defaultdict(set)

    def rank(rule: str) -> tuple[bool, int, str]:
        return (rule not in deciding, -counts[rule], rule)

    for row in rows:
        chief, *rest = sorted(split_ids(row["rules"]) or [""], key=rank)
        areas[chief, row["outcome"]].append((row["layer"], row["designator"]))
        also[chief, row["outcome"]].update(rest)
    return tuple(
        Closure(*key, tuple(sorted(set(areas[key]))), tuple(sorted(also[key])))
        for key in sorted(areas, key=lambda key: (rank(key[0]), key[1]))
    )


def _by_flight(results: Results, table: str) -> dict[str, list[Row]]:
    rows: dict[str, list[Row]] = defaultdict(list)
    if table in results.tables:
        for row in results.rows(table):
            rows[row["flight_id"]].append(row)
    return rows


def _read_tracks(results: Results) -> dict[tuple[str, str], NDArray[np.float64]]:
    points: dict[tuple[str, str], list[tuple[int, float, float]]] = defaultdict(list)
    if "routes" in results.tables:
        for row in results.rows("routes"):
            point = (row["seq"], row["longitude"], row["latitude"])
            points[row["flight_id"], row["role"]].append(point)
    return {key: np.array([p[1:] for p in sorted(found)]) for key, found in points.items()}


def _find_sensitivity(results: Results, flight: Row) -> Iterable[Row]:
    """Rows of the sensitivity table about this city pair and operator."""
    ends = [end_codes(results, flight[end]) for end in ("adep", "ades")]
    for row in results.summary.get("sensitivity", ()):
        codes = str(row.get("route", "")).replace("–", "-").split("-")
        same = row.get("operator", flight["operator"]) == flight["operator"]
        if same and len(codes) == 2 and codes[0] in ends[0] and codes[1] in ends[1]:
            yield dict(row)


def locate_places(results: Results) -> dict[str, tuple[float, float]]:
    """Degrees of aerodromes: the ends of the flights, and those that the summary places."""
    places = {}
    tracks = _read_tracks(results)
    for flight in results.rows("flights"):
        line = tracks.get((flight["flight_id"], "direct"))
        if line is not None:
            places[flight["adep"]] = (float(line[0, 0]), float(line[0, 1]))
            places[flight["ades"]] = (float(line[-1, 0]), float(line[-1, 1]))
    for icao, place in results.summary.get("aerodromes", {}).items():
        if "lon" in place and "lat" in place:
            places[icao] = (float(place["lon"]), float(place["lat"]))
    return places


def gather_closed(views: Iterable[RouteView]) -> dict[str, dict[str, list[str]]]:
    """By operator and rule, every airspace that the rule closes on some map."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for view in views:
        for closure in view.closures:
            for rule in (closure.rule, *closure.also):
                found[view.flight["operator"]][rule]
            found[view.flight["operator"]][closure.rule].update(d for _, d in closure.areas)
    return {
        operator: {rule: sorted(areas) for rule, areas in sorted(rules.items()) if areas}
        for operator, rules in sorted(found.items())
    }


def end_codes(results: Results, icao: str) -> set[str]:
    """ICAO and, if the summary has it, IATA code of an aerodrome."""
    place = find_place(results, icao)
    return {icao, str(place.get("iata") or icao)}


def find_place(results: Results, icao: str) -> Mapping[str, Any]:
    """What the summary says of an aerodrome: any of ``iata name lon lat``."""
    places: Mapping[str, Mapping[str, Any]] = results.summary.get("aerodromes", {})
    return places.get(icao, {})


def name_place(results: Results, icao: str) -> str:
    """``UMMS/MSQ`` where the IATA code is known."""
    iata = find_place(results, icao).get("iata")
    return f"{icao}/{iata}" if iata else icao


def worst_confidence(rules: Mapping[str, Row], ids: Iterable[str]) -> str:
    """The weakest confidence among rules; empty if none is known."""
    order = list(CONFIDENCE)
    found = [rules[i]["confidence"] for i in ids if i in rules and rules[i]["confidence"]]
    return max(found, key=lambda c: order.index(c) if c in order else len(order), default="")


def index_rules(results: Results) -> dict[str, Row]:
    """Rows of the ``rules`` table by id."""
    if "rules" not in results.tables:
        return {}
    return {row["rule_id"]: row for row in results.rows("rules")}


def name_pair(results: Results, flight: Row) -> str:
    """City pair by IATA codes where known, else ICAO: ``MSQ-IST``."""
    return "-".join(
        str(find_place(results, flight[end]).get("iata") or flight[end]) for end in ("adep", "ades")
    )
