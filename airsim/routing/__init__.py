"""Routing: the shortest route that a closed set leaves open; knows no law and no aircraft."""

from airsim.routing.certificate import Certificate, certify_route
from airsim.routing.router import ClosedSet, NoRoute, Route, Router, build_router, find_routes

__all__ = [
    "Certificate",
    "ClosedSet",
    "NoRoute",
    "Route",
    "Router",
    "build_router",
    "certify_route",
    "find_routes",
]
