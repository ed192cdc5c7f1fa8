"""Maps, pages and terminal tables drawn from results; knows no law and no geometry of its own.

Each verb is loaded when it is first asked for: a terminal table must not wait for the map library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airsim.report.geojson import write_geojson
    from airsim.report.maps import draw_route
    from airsim.report.page import render_report
    from airsim.report.rule import print_hits
    from airsim.report.terminal import print_check, print_summary
    from airsim.report.unlock import print_unlock
    from airsim.report.value import print_values

__all__ = [
    "draw_route",
    "print_check",
    "print_hits",
    "print_summary",
    "print_unlock",
    "print_values",
    "render_report",
    "write_geojson",
]

_HOMES = {
    "draw_route": "maps",
    "print_check": "terminal",
    "print_hits": "rule",
    "print_summary": "terminal",
    "print_unlock": "unlock",
    "print_values": "value",
    "render_report": "page",
    "write_geojson": "geojson",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
