"""The plane in which closed airspace is merged, widened and simplified.

A stereographic projection maps the sphere without one point onto a plane and keeps angles. That
point is put where it is far from closed airspace, so no date line and no pole is special.
Plane lengths are true lengths times k = 2 / (1 + cos c) at c from the centre, k >= 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from airsim import geodesy
from airsim.base import InputError, Problem
from airsim.units import KM_PER_NM

Floats = NDArray[np.float64]
Geometries = NDArray[np.object_]

_DIAMETER_KM = 2.0 * geodesy.EARTH_RADIUS_KM
_FAR_KM = 1000.0  # the missing point is at least this far from closed polygons, if it can be
_BEND_KM = 0.005  # how far great circles may bend off the plane edges of closed polygons
_FLATTENING = 1.006  # a mile on the sphere of mean radius may be that much longer on WGS84
_BAND = 1.03  # ratio of scales in a zone that is widened by one plane distance
_QUADRANT = 4  # edges per quarter of a circle in rounded corners


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """A stereographic projection.

    Parameters
    ----------
    axes : ndarray, shape (3, 3)
        Unit vectors of the plane's x, of its y and of the centre.
    """

    axes: Floats

    def project(self, xyz: Floats) -> Floats:
        """Plane coordinates (n, 2) in km of unit vectors (n, 3)."""
        v = xyz @ self.axes.T
        return np.asarray(_DIAMETER_KM * v[:, :2] / (1.0 + v[:, 2:]))

    def unproject(self, xy: Floats) -> Floats:
        """Unit vectors (n, 3) of plane coordinates (n, 2) in km."""
        t = xy / _DIAMETER_KM
        s = np.sum(t * t, axis=1, keepdims=True)
        return np.asarray(np.hstack((2.0 * t, 1.0 - s)) / (1.0 + s) @ self.axes)

    def scale(self, xy: Floats) -> Floats:
        """Plane length over true length at plane coordinates (n, 2)."""
        t = xy / _DIAMETER_KM
        return np.asarray(1.0 + np.sum(t * t, axis=1))


def _spread_points(count: int) -> Floats:
    """Unit vectors spread evenly over the sphere (Fibonacci lattice)."""
    k = np.arange(count) + 0.5
    z = 1.0 - 2.0 * k / count
    turn = np.pi * (1.0 + np.sqrt(5.0)) * k
    r = np.sqrt(1.0 - z * z)
    return np.stack((r * np.cos(turn), r * np.sin(turn), z), axis=1)


def choose_plane(polygons: Geometries) -> Plane:
    """Plane that shows (lon, lat) polygons at a small scale; its missing point is open.

    The scale grows with the inverse square of the distance from the missing point.
    """
    lonlat = shapely.get_coordinates(polygons)
    closed = geodesy.unit_vectors(lonlat[:, 0], lonlat[:, 1])
    missing = np.empty((0, 3))
    for count in (100, 10_000, 100_000):
        found = _spread_points(count)
        found = found[~_contain(polygons, found)]
        missing = np.vstack((missing, found[:: len(found) // 101 + 1]))
        nearest = np.max(missing @ closed.T, axis=1, initial=-1.0)
        near = nearest > np.cos(_FAR_KM / geodesy.EARTH_RADIUS_KM)
        if len(missing) and (count > 100 or not near.all()):
            break
    else:
        problem = Problem("routing", "closed areas", "cover the earth", "close fewer")
        raise InputError(problem)
    sample = missing @ closed[:: len(closed) // 1000 + 1].T
    scale = np.sum(2.0 / np.maximum(1.0 - sample, 1e-12), axis=1)
    best = np.argmin(nearest) if near.all() else np.argmin(np.where(near, np.inf, scale))
    centre = -missing[best]
    x = np.cross([0.0, 0.0, 1.0], centre)
    x /= np.linalg.norm(x)
    return Plane(np.stack((x, np.cross(centre, x), centre)))


def _contain(polygons: Geometries, xyz: Floats) -> NDArray[np.bool_]:
    """Which points (unit vectors) lie in (lon, lat) polygons, read in the plane."""
    lon, lat = geodesy.lonlat_from_vectors(xyz)
    points = np.asarray(shapely.points(lon, lat), dtype=object).reshape(-1)
    inside = np.zeros(len(xyz), np.bool_)
    inside[shapely.STRtree(points).query(polygons, predicate="contains")[1]] = True
    return inside


def project_polygons(polygons: Geometries, plane: Plane) -> tuple[Geometries, NDArray[np.int64]]:
    """Plane polygons of (lon, lat) shapes whose edges are great circles, and whose each is."""
    parts, shape = shapely.get_parts(polygons, return_index=True)
    rings, owner = shapely.get_rings(parts, return_index=True)
    lonlat, ring = shapely.get_coordinates(rings, return_index=True)
    xyz = geodesy.unit_vectors(lonlat[:, 0], lonlat[:, 1])
    place = np.arange(len(xyz))
    after = place + np.append(ring[1:] == ring[:-1], False)[: len(xyz)]
    scale = 2.0 / np.maximum(1.0 + xyz @ plane.axes[2], 1e-12)
    length = geodesy.EARTH_RADIUS_KM * np.linalg.norm(xyz[after] - xyz, axis=1)
    length *= np.sqrt(np.maximum(scale, scale[after]))  # bends grow with the square of lengths
    pieces = np.maximum(1, np.ceil(length / _longest_edge_km(_BEND_KM)))
    pieces = pieces.astype(np.int64)
    i = np.repeat(place, pieces)
    share = (np.arange(len(i)) - np.repeat(np.cumsum(pieces) - pieces, pieces)) / pieces[i]
    between = (1.0 - share)[:, None] * xyz[i] + share[:, None] * xyz[after[i]]
    xy = plane.project(between / np.linalg.norm(between, axis=1, keepdims=True))
    lines = np.asarray(shapely.linearrings(xy, indices=ring[i]), dtype=object)
    # around the missing point inside and outside change places: the widest ring is the shell
    order = np.lexsort((-shapely.area(shapely.polygons(lines)), owner))
    flat = np.asarray(shapely.polygons(lines[order], indices=owner[order]), dtype=object)
    bad = ~shapely.is_valid(flat)  # slits where a file cut the area at 180 degrees
    flat[bad] = shapely.make_valid(flat[bad], method="structure", keep_collapsed=False)
    whole, again = shapely.get_parts(flat, return_index=True)
    solid = shapely.area(whole) > 0.0
    return whole[solid], shape[again[solid]]


def _longest_edge_km(bend_km: float) -> float:
    """Plane length at which great circles bend off an edge by so much.

    In the plane they are circles at least as wide as the sphere.
    """
    return float(np.sqrt(8.0 * _DIAMETER_KM * bend_km))


def _split_by_scale(polygons: Geometries, plane: Plane) -> list[tuple[float, Geometries]]:
    """Polygons by bands of scale: (largest scale, polygons), cut where they span several."""
    xy, owner = shapely.get_coordinates(polygons, return_index=True)
    log = np.log(plane.scale(xy)) / np.log(_BAND)
    low = np.full(len(polygons), np.inf)
    high = np.zeros(len(polygons))
    np.minimum.at(low, owner, log)
    np.maximum.at(high, owner, log)
    first, last = np.floor(low).astype(int), np.floor(high).astype(int)
    bands = []
    for band in range(first.min(initial=0), last.max(initial=-1) + 1):
        whole = polygons[(first == band) & (last == band)]
        cut = (first <= band) & (last >= band) & (first != last)
        parts = polygons[cut]
        if len(parts):
            # circles of equal scale; their chords stay inside by 8e-5 of the radius
            radii = _DIAMETER_KM * np.sqrt(np.array((_BAND**band, _BAND ** (band + 1))) - 1.0)
            inner, outer = (shapely.Point(0.0, 0.0).buffer(r, quad_segs=64) for r in radii)
            # the first band takes in all towards the centre, the last one all away from it
            begins, ends = first[cut] == band, last[cut] == band
            parts[~begins] = shapely.difference(parts[~begins], inner)
            parts[~ends] = shapely.intersection(parts[~ends], outer)
            parts = shapely.get_parts(parts)
        found = np.concatenate((whole, parts[shapely.get_type_id(parts) == 3]))
        if len(found):
            bands.append((_BAND ** (band + 1) * 1.0002, found))
    return bands


def widen(
    polygons: Geometries, plane: Plane, clearance_nm: float, slack_km: float | None = None
) -> Geometries:
    """Outline of everything nearer than a clearance to plane polygons.

    Parameters
    ----------
    polygons : ndarray of Polygon
        In the plane.
    plane : Plane
    clearance_nm : float
        True distance.
    slack_km : float, optional
        Distance, true where the scale is smallest, by which simplification may move the outline;
        grows with the clearance.

    Returns
    -------
    ndarray of Polygon
        Disjoint, rings oriented with the inside on the left. Every point nearer than the clearance
        is inside, also if the edges are read as great circles. No true distance from the polygons
        exceeds the clearance by more than 5 % and twice the slack.
    """
    if slack_km is None:
        slack_km = KM_PER_NM * min(0.25, 0.2 * clearance_nm)
    slack_km *= _least_scale(polygons, plane)
    coarse, fine, bend = 0.3 * slack_km, 0.5 * slack_km, 0.2 * slack_km
    polygons = shapely.simplify(polygons, coarse)
    grown = [polygons[:0]]
    for scale, members in _split_by_scale(polygons, plane):
        distance = scale * (clearance_nm * KM_PER_NM * _FLATTENING + _BEND_KM) + slack_km
        distance /= np.cos(np.pi / (4 * _QUADRANT))  # the chords of rounded corners cut inside
        grown.append(shapely.buffer(members, distance, quad_segs=_QUADRANT))
    outline = shapely.simplify(shapely.union_all(np.concatenate(grown)), fine)
    return orient_parts(shapely.segmentize(outline, _longest_edge_km(bend)))


def shrink(polygons: Geometries, plane: Plane) -> Geometries:
    """Outline of what every permitted route stays out of, whatever its clearance and waivers.

    Like `widen`, but inside the plane polygons by up to 1 NM; only gaps between them that are
    narrower than 0.08 NM are closed, which no route passes.
    """
    least = _least_scale(polygons, plane)
    gap, slack = 0.04 * KM_PER_NM * least, 0.5 * KM_PER_NM * least
    joined = shapely.buffer(shapely.MultiPolygon(list(polygons)), gap, quad_segs=_QUADRANT)
    smooth = shapely.simplify(joined, 0.8 * slack)
    bend = _BEND_KM * plane.scale(shapely.get_coordinates(polygons)).max(initial=1.0)
    depth = (gap + slack + bend) / np.cos(np.pi / (4 * _QUADRANT))
    inner = shapely.buffer(smooth, -depth, quad_segs=_QUADRANT)
    return orient_parts(shapely.segmentize(inner, _longest_edge_km(0.2 * slack)))


def _least_scale(polygons: Geometries, plane: Plane) -> float:
    """Smallest scale at the rim of plane polygons: there, tolerances are true distances."""
    xy = shapely.get_coordinates(polygons)
    return float(plane.scale(xy).min()) if len(xy) else 1.0


def orient_parts(outline: shapely.Geometry) -> Geometries:
    """Polygons of a plane shape, rings with the inside on the left."""
    parts = shapely.get_parts(shapely.orient_polygons(outline))
    return np.asarray(parts[shapely.get_type_id(parts) == 3], dtype=object)
