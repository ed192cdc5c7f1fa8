"""Routing: the shortest route that a closed set leaves open; knows no law and no aircraft."""

from airsim.routing.certificate import Certificate, certify_route, certify_routes
from airsim.routing.router import Router, build_router, find_routes
from airsim.routing.routes import ROUTE_STATUS, ClosedSet, NoRoute, Route, Routes

__all__ = [
    "ROUTE_STATUS",
    "Certificate",
    "ClosedSet",
    "NoRoute",
    "Route",
    "Router",
    "Routes",
    "build_router",
    "certify_route",
    "certify_routes",
    "find_routes",
]
