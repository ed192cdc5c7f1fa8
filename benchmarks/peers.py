"""Crossings as one would find them with other tools: leg ends in, stays out.

Each peer is made once for the areas of a layer, which is not timed, and then called with legs.
Lines are great circles in short straight pieces on the plate carree, split at 180 degrees.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from matplotlib.path import Path as Polygon
from numpy.typing import NDArray

from airsim.geodesy import (
    EARTH_RADIUS_KM,
    angle_between,
    great_circle_km,
    interpolate_arc,
    lonlat_from_vectors,
    unit_vectors,
)
from benchmarks.legs import Floats, Legs, Longs, Stays, join_pieces

Geometries = NDArray[np.object_]
Peer = Callable[[Legs], Stays]

SAMPLE_KM = 10.0


# ------------------------------------------------------------------------------- lines and stays
@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Points along legs: which leg, degrees, km from its start."""

    leg: Longs
    lon: Floats
    lat: Floats
    km: Floats


def sample_legs(legs: Legs, step_km: float) -> Points:
    """Points at equal steps of at most `step_km` along the great circles, with both ends."""
    a, b = unit_vectors(legs.lon0, legs.lat0), unit_vectors(legs.lon1, legs.lat1)
    length = EARTH_RADIUS_KM * angle_between(a, b)
    pieces = np.maximum(1, np.ceil(length / step_km)).astype(np.int64)
    leg = np.repeat(np.arange(len(legs)), pieces + 1)
    first = np.cumsum(pieces + 1) - (pieces + 1)
    share = (np.arange(leg.size) - first[leg]) / pieces[leg]
    lon, lat = lonlat_from_vectors(interpolate_arc(a[leg], b[leg], share))
    return Points(leg, lon, lat, share * length[leg])


def draw_lines(legs: Legs, step_km: float) -> tuple[Geometries, Longs]:
    """Lines on the plate carree, split at 180 degrees, and the leg of each."""
    points = sample_legs(legs, step_km)
    lon, lat, leg = points.lon, points.lat, points.leg
    jump = np.diff(lon)
    cut = np.flatnonzero((np.abs(jump) > 180.0) & (leg[1:] == leg[:-1]))
    side = np.where(jump[cut] < 0.0, 180.0, -180.0)  # the side that the line leaves by
    share = (side - lon[cut]) / (lon[cut + 1] + 2.0 * side - lon[cut])
    at = lat[cut] + share * (lat[cut + 1] - lat[cut])
    where = np.repeat(cut + 1, 2)
    lon = np.insert(lon, where, np.stack((side, -side), axis=1).ravel())
    lat = np.insert(lat, where, np.repeat(at, 2))
    leg = np.insert(leg, where, np.repeat(leg[cut], 2))
    begins = np.append(True, leg[1:] != leg[:-1])
    begins[cut + 2 * np.arange(cut.size) + 2] = True
    line = np.cumsum(begins) - 1
    # a leg that begins or ends at 180 degrees leaves a piece of one point there
    size = np.bincount(line)
    long = size[line] > 1
    _, line = np.unique(line[long], return_inverse=True)
    lines = shapely.linestrings(np.stack((lon[long], lat[long]), axis=1), indices=line)
    owner = leg[long][np.append(True, line[1:] != line[:-1])]
    return np.asarray(lines, dtype=object), owner


def read_pieces(pieces: Geometries, leg: Longs, area: Longs, legs: Legs) -> Stays:
    """Stays from what lines and areas have in common, one geometry per pair."""
    parts, pair = shapely.get_parts(pieces, return_index=True)
    parts, again = shapely.get_parts(parts, return_index=True)
    pair = pair[again]
    solid = shapely.get_type_id(parts) == shapely.GeometryType.LINESTRING
    parts, pair = parts[solid], pair[solid]
    leg, area = leg[pair], area[pair]
    km = []
    for end in (0, -1):
        point = shapely.get_point(parts, end)
        lon, lat = shapely.get_x(point), shapely.get_y(point)
        km.append(great_circle_km(legs.lon0[leg], legs.lat0[leg], lon, lat))
    return join_pieces(leg, area, np.minimum(*km), np.maximum(*km))


# ----------------------------------------------------------------------------------- the peers
def make_tree_peer(areas: Geometries, step_km: float) -> Peer:
    """shapely: candidates from an STRtree, then all intersections in one call.

    The tree holds the lines and is asked with the areas, which are prepared: the faster way round.
    """

    def find(legs: Legs) -> Stays:
        lines, owner = draw_lines(legs, step_km)
        area, line = shapely.STRtree(lines).query(areas, predicate="intersects")
        pieces = shapely.intersection(lines[line], areas[area])
        return read_pieces(pieces, owner[line], area, legs)

    return find


def make_overlay_peer(areas: Geometries, step_km: float) -> Peer:
    """geopandas.overlay, lines by areas."""
    table = gpd.GeoDataFrame({"area": np.arange(len(areas))}, geometry=areas, crs="OGC:CRS84")

    def find(legs: Legs) -> Stays:
        lines, owner = draw_lines(legs, step_km)
        flown = gpd.GeoDataFrame({"leg": owner}, geometry=lines, crs="OGC:CRS84")
        met = gpd.overlay(flown, table, how="intersection", keep_geom_type=True)
        return read_pieces(
            met.geometry.to_numpy(), met["leg"].to_numpy(), met["area"].to_numpy(), legs
        )

    return find


def make_pair_peer(areas: Geometries, step_km: float) -> Peer:
    """shapely, one pair at a time, as flights are clipped to airspaces in `traffic`."""

    def find(legs: Legs) -> Stays:
        lines, owner = draw_lines(legs, step_km)
        met, leg, at = [], [], []
        for line, its_leg in zip(lines, owner.tolist(), strict=True):
            for k, area in enumerate(areas):
                if line.intersects(area):
                    met.append(line.intersection(area))
                    leg.append(its_leg)
                    at.append(k)
        pieces = np.array(met, dtype=object)
        return read_pieces(pieces, np.array(leg, np.int64), np.array(at, np.int64), legs)

    return find


def _read_samples(points: Points, inside: tuple[Longs, Longs]) -> Stays:
    """Stays from the areas at each sample: (sample, area); limits lie half-way between samples."""
    sample, area = inside
    order = np.lexsort((sample, area))
    sample, area = sample[order], area[order]
    if not sample.size:
        empty = np.empty(0, np.int64)
        return Stays(empty, empty, np.empty(0), np.empty(0))
    broken = np.diff(sample) != 1
    broken |= (np.diff(area) != 0) | (points.leg[sample[1:]] != points.leg[sample[:-1]])
    first = sample[np.append(True, broken)]
    last = sample[np.append(broken, True)]
    starts = np.append(True, points.leg[1:] != points.leg[:-1])
    ends = np.append(points.leg[1:] != points.leg[:-1], True)
    middle = 0.5 * (points.km + np.append(0.0, points.km[:-1]))
    entry = np.where(starts[first], 0.0, middle[first])
    leave = np.where(ends[last], points.km[last], middle[np.minimum(last + 1, middle.size - 1)])
    kept = area[np.append(True, broken)]
    return join_pieces(points.leg[first], kept, entry, leave)


def make_sampling_peer(areas: Geometries) -> Peer:
    """Points every 10 km, each area asked for all of them, as areas are checked in BlueSky."""
    parts, area = shapely.get_parts(areas, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    outlines = [
        (area_of, Polygon(shapely.get_coordinates(ring)))
        for ring, area_of in zip(rings, area[part].tolist(), strict=True)
    ]

    def find(legs: Legs) -> Stays:
        points = sample_legs(legs, SAMPLE_KM)
        lonlat = np.stack((points.lon, points.lat), axis=1)
        inside = np.zeros((len(areas), len(lonlat)), np.bool_)
        for k, outline in outlines:  # a hole takes out what its shell put in
            inside[k] ^= outline.contains_points(lonlat)
        at, sample = np.nonzero(inside)
        return _read_samples(points, (sample, at))

    return find


def make_sampling_tree_peer(areas: Geometries) -> Peer:
    """Points every 10 km in an STRtree, asked with prepared areas: samples, but handled well."""

    def find(legs: Legs) -> Stays:
        points = sample_legs(legs, SAMPLE_KM)
        places = np.asarray(shapely.points(points.lon, points.lat), dtype=object)
        at, sample = shapely.STRtree(places).query(areas, predicate="contains")
        return _read_samples(points, (sample, at))

    return find


def read_s2_areas(spherely: Any, areas: Geometries) -> tuple[Any, Longs, dict[int, str]]:
    """Areas on the sphere that S2 accepts, their positions, and why it rejects the others."""
    accepted, at, rejected = [], [], {}
    for k, wkb in enumerate(shapely.to_wkb(areas)):
        try:
            accepted.append(spherely.from_wkb(wkb))
        except RuntimeError as error:
            rejected[k] = str(error)
        else:
            at.append(k)
    shapes = np.array(accepted, dtype=object)
    spherely.prepare(shapes)
    return shapes, np.array(at, np.int64), rejected


def make_s2_peer(spherely: Any, shapes: Any, at: Longs) -> Peer:
    """spherely: S2 on the sphere, with great circles for edges and for legs."""

    def find(legs: Legs) -> Stays:
        found, leg, area = [], [], []
        ends = zip(*(v.tolist() for v in (legs.lon0, legs.lat0, legs.lon1, legs.lat1)), strict=True)
        for k, (lon0, lat0, lon1, lat1) in enumerate(ends):
            line = spherely.create_linestring([(lon0, lat0), (lon1, lat1)])
            met = np.flatnonzero(spherely.intersects(line, shapes))
            found.append(spherely.to_wkb(spherely.intersection(shapes[met], line)))
            area.append(at[met])
            leg.append(np.full(met.size, k))
        pieces = np.asarray(shapely.from_wkb(np.concatenate(found)), dtype=object)
        return read_pieces(pieces, np.concatenate(leg), np.concatenate(area), legs)

    return find
