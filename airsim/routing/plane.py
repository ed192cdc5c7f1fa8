"""The plane in which closed airspace is merged, widened and simplified.

A stereographic projection maps the sphere without one point onto a plane and keeps angles. That
point is put where it is farthest from closed airspace, so no date line and no pole is special.
Plane lengths are true lengths times k = 2 / (1 + cos c) at c from the centre, k >= 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from airsim import geodesy
from airsim.units import KM_PER_NM

Floats = NDArray[np.float64]
Geometries = NDArray[np.object_]

_STEP_KM = 20.0  # plane edges this short follow great circles within 4 m
_EDGE_KM = 60.0  # edges of the outline: plane line and great circle within 36 m
_CURVE_KM = 0.04  # covers both deviations
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
        return np.asarray(2.0 * geodesy.EARTH_RADIUS_KM * v[:, :2] / (1.0 + v[:, 2:]))

    def unproject(self, xy: Floats) -> Floats:
        """Unit vectors (n, 3) of plane coordinates (n, 2) in km."""
        t = xy / (2.0 * geodesy.EARTH_RADIUS_KM)
        s = np.sum(t * t, axis=1, keepdims=True)
        return np.asarray(np.hstack((2.0 * t, 1.0 - s)) / (1.0 + s) @ self.axes)

    def scale(self, xy: Floats) -> Floats:
        """Plane length over true length at plane coordinates (n, 2)."""
        t = xy / (2.0 * geodesy.EARTH_RADIUS_KM)
        return np.asarray(1.0 + np.sum(t * t, axis=1))


def _spread_points(count: int) -> Floats:
    """Unit vectors spread evenly over the sphere (Fibonacci lattice)."""
    k = np.arange(count) + 0.5
    z = 1.0 - 2.0 * k / count
    turn = np.pi * (1.0 + np.sqrt(5.0)) * k
    r = np.sqrt(1.0 - z * z)
    return np.stack((r * np.cos(turn), r * np.sin(turn), z), axis=1)


def choose_plane(polygons: Geometries) -> Plane:
    """Plane whose missing point is open and far from every closed polygon."""
    candidates = _spread_points(200)
    lonlat = shapely.get_coordinates(polygons)
    nearest = np.full(len(candidates), -1.0)
    if len(lonlat):
        closed = geodesy.unit_vectors(lonlat[:, 0], lonlat[:, 1])
        nearest = np.max(candidates @ closed.T, axis=1)
        lon, lat = geodesy.lonlat_from_vectors(candidates)
        tree = shapely.STRtree(shapely.points(lon, lat))
        nearest[tree.query(polygons, predicate="contains")[1]] = 2.0
    centre = -candidates[np.argmin(nearest)]
    x = np.cross([0.0, 0.0, 1.0], centre)
    x /= np.linalg.norm(x)
    return Plane(np.stack((x, np.cross(centre, x), centre)))


def project_polygons(polygons: Geometries, plane: Plane) -> Geometries:
    """Plane polygons of (lon, lat) polygons whose edges are great circles."""
    rings, owner = shapely.get_rings(shapely.get_parts(polygons), return_index=True)
    lonlat, ring = shapely.get_coordinates(rings, return_index=True)
    xyz = geodesy.unit_vectors(lonlat[:, 0], lonlat[:, 1])
    follows = np.append(ring[1:] == ring[:-1], False)
    after = np.where(follows, np.arange(len(xyz)) + 1, np.arange(len(xyz)))
    length = geodesy.EARTH_RADIUS_KM * np.linalg.norm(xyz[after] - xyz, axis=1)
    pieces = np.maximum(1, np.ceil(length / _STEP_KM)).astype(np.int64)
    i = np.repeat(np.arange(len(xyz)), pieces)
    share = (np.arange(len(i)) - np.repeat(np.cumsum(pieces) - pieces, pieces)) / pieces[i]
    between = (1.0 - share)[:, None] * xyz[i] + share[:, None] * xyz[after[i]]
    xy = plane.project(between / np.linalg.norm(between, axis=1, keepdims=True))
    result = shapely.polygons(shapely.linearrings(xy, indices=ring[i]), indices=owner)
    bad = ~shapely.is_valid(result)  # slits where a file cut the area at 180 degrees
    result[bad] = shapely.make_valid(result[bad], method="structure", keep_collapsed=False)
    return np.asarray(shapely.get_parts(shapely.get_parts(result)))


def _split_by_scale(polygons: Geometries, plane: Plane) -> list[tuple[float, Geometries]]:
    """Polygons by bands of scale: (largest scale, polygons), cut where they span several."""
    xy, owner = shapely.get_coordinates(polygons, return_index=True)
    log = np.log(plane.scale(xy)) / np.log(_BAND)
    low = np.full(len(polygons), np.inf)
    high = np.zeros(len(polygons))
    np.minimum.at(low, owner, log)
    np.maximum.at(high, owner, log)
    around_centre = shapely.intersects_xy(polygons, 0.0, 0.0)  # scale 1 inside, not at the rim
    first = np.where(around_centre, 0, np.floor(low)).astype(int)
    last = np.floor(high).astype(int)
    bands = []
    for band in range(first.min(initial=0), last.max(initial=-1) + 1):
        whole = polygons[(first == band) & (last == band)]
        parts = polygons[(first <= band) & (last >= band) & (first != last)]
        if len(parts):
            # circles of equal scale; their chords stay inside by 8e-5 of the radius
            growth = np.array((_BAND**band, _BAND ** (band + 1))) - 1.0
            radii = 2.0 * geodesy.EARTH_RADIUS_KM * np.sqrt(growth)
            rim = shapely.buffer(shapely.Point(0.0, 0.0), radii, quad_segs=64)
            parts = shapely.intersection(parts, shapely.difference(rim[1], rim[0]))
        found = shapely.get_parts(np.concatenate((whole, parts)))
        found = found[~shapely.is_empty(found)]
        if len(found):
            bands.append((_BAND ** (band + 1) * 1.0002, found))
    return bands


def widen(polygons: Geometries, plane: Plane, clearance_km: float, slack_km: float) -> Geometries:
    """Outline of everything nearer than a clearance to plane polygons.

    Parameters
    ----------
    polygons : ndarray of Polygon
        In the plane.
    plane : Plane
    clearance_km : float
        True distance.
    slack_km : float
        Plane distance by which simplification may move the outline.

    Returns
    -------
    ndarray of Polygon
        Disjoint, rings oriented with the inside on the left, edges up to 60 km. Every point
        nearer than the clearance is inside, also if the edges are read as great circles.
    """
    if not len(polygons):
        return polygons
    coarse = shapely.simplify(polygons, slack_km / 3)
    grown = []
    for scale, members in _split_by_scale(coarse, plane):
        distance = scale * clearance_km * _FLATTENING + slack_km + _CURVE_KM
        distance /= np.cos(np.pi / (4 * _QUADRANT))  # the corners' chords cut into the circle
        flat = shapely.multipolygons(members[shapely.get_type_id(members) == 3])
        grown.append(shapely.buffer(flat, distance, quad_segs=_QUADRANT))
    outline = grown[0] if len(grown) == 1 else shapely.union_all(grown)
    outline = shapely.simplify(outline, slack_km * 2 / 3)
    outline = shapely.segmentize(outline, _EDGE_KM)
    return np.asarray(shapely.get_parts(shapely.orient_polygons(outline)))


def slack_for(clearance_nm: float) -> float:
    """Plane km by which the outline is simplified at a clearance."""
    return KM_PER_NM * min(0.25, 0.2 * clearance_nm)
