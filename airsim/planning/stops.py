"""Fuel stops: where to refuel when the permitted route is longer than the aircraft's range."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from airsim.geodesy import geodesic_km
from airsim.performance import max_range_km
from airsim.planning.ends import decide_end
from airsim.planning.judge import MINUTE_MS
from airsim.routing import Route, Router, find_routes

if TYPE_CHECKING:
    from airsim.planning.work import Work

# Large aerodromes with fuel at any hour along the roads out of Europe and Asia; an assumption, as
# no source lists which of them would handle whom. The timetable's own aerodromes are added.
_STOPS = """
UMMS UUEE UWWW USSS UWUU UNNT UNKL UIII UHHH UHPP URML URWA UBBB UGTB UDYZ UTAA UTAK UTTT UTSS UTDD
UCFM UAAA UACC UATE UATG UAOO LTFM LTAI LTCG OIIE OIMM OPKC OPLA VIDP VABB OMDB OMAA OOMS OOSA OTHH
OBBI OKKK OEJN OERK OJAI OLBA HECA HESH HEGN HSSK HAAB HKJK HDAM LCLK LGAV LBSF LYBE LOWW EDDF EHAM
EGLL LFPG LEMD LPPT EFHK ENGM ENBR BIKF CYQX CYHZ LPLA GCLP GMMN DAAG GVAC PANC PHNL RJTT RKSI ZBAA
ZWWW ZGGG VHHH VTBS WSSS WMKK ZMCK
"""
TECHNICAL_STOPS: tuple[str, ...] = tuple(_STOPS.split())
_MOST_ROUTED = 24


def choose_stops(work: Work, router: Router) -> tuple[tuple[Route, ...], tuple[str, ...]] | None:
    """The single fuel stop with the shortest permitted way, or None if none will do.

    Only stops where a technical stop is not barred count; both legs must be within range with
    the payload carried, on permitted routes.
    """
    scenario, flight = work.scenario, work.flight
    reach_km = float(max_range_km(work.aircraft, work.payload_kg))
    names = sorted(
        {*TECHNICAL_STOPS, *(f.ades for f in scenario.flights if not f.probe)}
        & set(scenario.aerodromes)
    )
    names = [n for n in names if n not in (flight.adep, flight.ades) and n not in work.excluded]
    spots = [scenario.aerodromes[name] for name in names]
    lon, lat = np.array([s.lon for s in spots]), np.array([s.lat for s in spots])
    start, end = work.origin, work.target
    out_km = geodesic_km(*start, lon, lat)
    back_km = geodesic_km(lon, lat, *end)
    near = work.reaches(0, out_km) & (back_km < reach_km)
    order = np.argsort(np.rint((out_km + back_km) * 1000.0), kind="stable")
    out_min = work.block_min(0, np.where(near, out_km, 0.0))
    at_ms = work.start_ms + np.rint(out_min * MINUTE_MS).astype(np.int64)
    tried = [int(i) for i in order if near[i] and _allows_stop(work, names[i], int(at_ms[i]))][
        :_MOST_ROUTED
    ]
    if not tried:
        return None
    count = len(tried)
    found = find_routes(
        router,
        np.concatenate([np.full(count, start[0]), lon[tried]]),
        np.concatenate([np.full(count, start[1]), lat[tried]]),
        np.concatenate([lon[tried], np.full(count, end[0])]),
        np.concatenate([lat[tried], np.full(count, end[1])]),
    )
    best: tuple[int, str, tuple[Route, ...]] | None = None
    for place, first, second in zip(tried, found[:count], found[count:], strict=True):
        if not (isinstance(first, Route) and isinstance(second, Route)):
            continue
        legs = (first.distance_km, second.distance_km)
        if not all(work.reaches(leg, km) for leg, km in enumerate(legs)):
            continue
        # Metres decide, then the name: equal on every machine.
        rank = (round(sum(legs) * 1000.0), names[place])
        if best is None or rank < best[:2]:
            best = (*rank, (first, second))
    return None if best is None else (best[2], (best[1],))


def _allows_stop(work: Work, icao: str, at_ms: int) -> bool:
    """Whether a stop is not barred about when it would be made; the route found settles it."""
    facts = work.leg_facts((work.flight.adep, icao, work.flight.ades), 0)
    decisions = [
        decide_end(work.scenario, activity, icao, at_ms, facts, work.planned_ms)
        for activity in ("technical-stop", "landing")
    ]
    return not any(work.closes(decision) for decision in decisions)
