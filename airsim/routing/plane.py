"""The plane in which closed airspace is merged and widened.

A stereographic projection maps the sphere without one point onto a plane and keeps angles. That
point is put where it is far from closed airspace, so no date line and no pole is special.
Plane lengths are true lengths times k = 2 / (1 + cos c) at c from the centre, k >= 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from airsim import geodesy
from airsim.base import InputError, Problem
from airsim.routing.rings import Rings
from airsim.units import KM_PER_NM

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Geometries = NDArray[np.object_]

_DIAMETER_KM = 2.0 * geodesy.EARTH_RADIUS_KM
_FAR_KM = 1000.0  # the missing point is at least this far from closed polygons, if it can be
_BEND_KM = 0.005  # how far great circles may bend off the plane edges of closed polygons
_WIDE_BEND_KM = 0.01  # and off those of their outline
_FLATTENING = 1.006  # a mile on the sphere of mean radius may be that much longer on WGS84
_BAND = 1.04  # ratio of scales in what is widened by one plane distance
_STEPS = 4  # such distances in that ratio
_MITRE = 1.1  # corners stand off at most that much farther than the clearance
_POLYGON = 3


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


def choose_plane(points: Floats, is_closed: Callable[[Floats], NDArray[np.bool_]]) -> Plane:
    """Plane that shows closed airspace at a small scale; its missing point is open.

    Parameters
    ----------
    points : ndarray, shape (n, 3)
        Unit vectors on the boundary.
    is_closed : callable
        Which unit vectors (n, 3) are closed.

    Raises
    ------
    InputError
        The closed airspace seems to cover the earth.
    """
    middle = points.mean(axis=0) if len(points) else np.zeros(3)
    size = float(np.linalg.norm(middle))
    missing = -middle[None, :] / size if size > 1e-6 else np.array([[0.0, 0.0, -1.0]])
    if is_closed(missing)[0] or _nearness(missing, points)[0] > _FAR:
        missing = _find_missing(points, is_closed)
    centre = -missing[0]
    x = np.cross(np.eye(3)[2] if abs(centre[2]) < 0.9 else np.eye(3)[0], centre)
    x /= np.linalg.norm(x)
    return Plane(np.stack((x, np.cross(centre, x), centre)))


_FAR = np.cos(_FAR_KM / geodesy.EARTH_RADIUS_KM)


def _nearness(xyz: Floats, points: Floats) -> Floats:
    """Cosine of the angle to the nearest point."""
    return np.asarray(np.max(xyz @ points.T, axis=1, initial=-1.0))


def _find_missing(points: Floats, is_closed: Callable[[Floats], NDArray[np.bool_]]) -> Floats:
    """Open point, (1, 3), far from boundaries if there is one, and from most of them."""
    missing = np.empty((0, 3))
    for count in (100, 10_000, 100_000):
        found = _spread_points(count)
        found = found[~is_closed(found)]
        missing = np.vstack((missing, found[:: len(found) // 101 + 1]))
        nearest = _nearness(missing, points)
        near = nearest > _FAR
        if len(missing) and (count > 100 or not near.all()):
            break
    else:
        problem = Problem("routing", "closed areas", "cover the earth", "close fewer")
        raise InputError(problem)
    # the scale grows with the inverse square of the distance from the missing point
    sample = missing @ points[:: len(points) // 1000 + 1].T
    scale = np.sum(2.0 / np.maximum(1.0 - sample, 1e-12), axis=1)
    best = np.argmin(nearest) if near.all() else np.argmin(np.where(near, np.inf, scale))
    return missing[best : best + 1]


def _spread_points(count: int) -> Floats:
    """Unit vectors spread evenly over the sphere (Fibonacci lattice)."""
    k = np.arange(count) + 0.5
    z = 1.0 - 2.0 * k / count
    turn = np.pi * (1.0 + np.sqrt(5.0)) * k
    r = np.sqrt(1.0 - z * z)
    return np.stack((r * np.cos(turn), r * np.sin(turn), z), axis=1)


def widen(rings: Rings, plane: Plane, clearance_nm: float) -> Geometries:
    """Outline of everything nearer than a clearance to closed airspace.

    Parameters
    ----------
    rings : Rings
        Edges are great circles. Rings may touch and cross: closed is what is left of one more
        ring than it is right of.
    plane : Plane
    clearance_nm : float
        True distance, above 0.

    Returns
    -------
    ndarray of Polygon
        Disjoint, in the plane, rings oriented with the inside on the left. Every point nearer than
        the clearance is inside, also if the edges are read as great circles. No true distance
        exceeds the clearance by more than 6 %, or 55 % at spikes, and 30 m.
    """
    grown = [
        widen_polygons(closed, scale, clearance_nm)
        for scale, closed in _split_by_scale(rings, plane)
    ]
    parts = shapely.get_parts(np.array(grown, dtype=object))
    return orient_parts(shapely.disjoint_subset_union_all(parts))


def widen_polygons(closed: shapely.Geometry, scale: float, clearance_nm: float) -> shapely.Geometry:
    """All nearer than a clearance to a plane shape where the scale is at most as given."""
    distance = clearance_nm * KM_PER_NM * _FLATTENING + _BEND_KM + _WIDE_BEND_KM
    return shapely.buffer(
        closed, scale * distance, quad_segs=1, join_style="mitre", mitre_limit=_MITRE
    )


def clean_polygons(rings: Rings, plane: Plane) -> Geometries:
    """Closed airspace in the plane, as disjoint polygons."""
    if not len(rings.point):
        return np.empty(0, dtype=object)
    xy, ring = project_rings(rings, plane)
    lines = np.asarray(shapely.linearrings(xy, indices=ring), dtype=object)
    return np.asarray(shapely.get_parts(shapely.buffer(_join_rings(lines), 0.0)), dtype=object)


def orient_parts(outline: shapely.Geometry) -> Geometries:
    """Polygons of a plane shape, rings with the inside on the left, edges not too long."""
    fine = shapely.segmentize(outline, _longest_edge_km(_WIDE_BEND_KM))
    parts = shapely.get_parts(shapely.orient_polygons(fine))
    return np.asarray(parts[shapely.get_type_id(parts) == _POLYGON], dtype=object)


def project_rings(rings: Rings, plane: Plane) -> tuple[Floats, Longs]:
    """Plane coordinates of points along rings, dense enough for great circles, and their rings."""
    a, b = rings.point, rings.point[rings.after]
    scale = 2.0 / np.maximum(1.0 + a @ plane.axes[2], 1e-12)
    length = geodesy.EARTH_RADIUS_KM * np.linalg.norm(b - a, axis=1)
    length *= np.sqrt(np.maximum(scale, scale[rings.after]))  # bends grow with lengths squared
    pieces = np.maximum(1, np.ceil(length / _longest_edge_km(_BEND_KM))).astype(np.int64)
    i = np.repeat(np.arange(len(a)), pieces)
    share = (np.arange(len(i)) - np.repeat(np.cumsum(pieces) - pieces, pieces)) / pieces[i]
    between = (1.0 - share)[:, None] * a[i] + share[:, None] * b[i]
    return plane.project(between / np.linalg.norm(between, axis=1, keepdims=True)), rings.ring[i]


def _longest_edge_km(bend_km: float) -> float:
    """Plane length at which great circles bend off an edge by so much.

    In the plane they are circles at least as wide as the sphere.
    """
    return float(np.sqrt(8.0 * _DIAMETER_KM * bend_km))


def _split_by_scale(rings: Rings, plane: Plane) -> list[tuple[float, shapely.Geometry]]:
    """Plane shapes of rings by scale: (largest scale, shape), cut where they span too much of it.

    What is buffered in one go may touch, cross and hold its holes anywhere.
    """
    if not len(rings.point):
        return []
    xy, ring = project_rings(rings, plane)
    lines = np.asarray(shapely.linearrings(xy, indices=ring), dtype=object)
    group = _group_boxes(lines)
    low, high = _find_bands(plane, xy, group[ring])
    wide = high - low > 1.0
    shapes = {step: [_join_rings(lines[(~wide & (_step(high) == step))[group]])]
              for step in np.unique(_step(high[~wide])).tolist()}  # fmt: skip
    for k in np.flatnonzero(wide).tolist():
        clean = shapely.buffer(_join_rings(lines[group == k]), 0.0)
        for step, parts in _cut_by_scale(np.asarray(shapely.get_parts(clean)), plane):
            shapes.setdefault(step, []).append(shapely.MultiPolygon(list(parts)))
    return [(_BAND ** (step / _STEPS), shape) for step in sorted(shapes) for shape in shapes[step]]


def _find_bands(plane: Plane, xy: Floats, owner: Longs) -> tuple[Floats, Floats]:
    """Least and largest scale at the plane coordinates of each owner, as powers of the band."""
    band = np.log(plane.scale(xy)) / np.log(_BAND)
    low, high = np.full(owner.max() + 1, np.inf), np.zeros(owner.max() + 1)
    np.minimum.at(low, owner, band)
    np.maximum.at(high, owner, band)
    return low, high


def _step(band: Floats) -> Longs:
    """Number of the least plane distance that does for a scale."""
    return np.ceil(_STEPS * band).astype(np.int64)


def _cut_by_scale(parts: Geometries, plane: Plane) -> Iterator[tuple[int, Geometries]]:
    """Disjoint polygons in pieces that span one band of scales, by the plane distance that does.

    Those that span more are cut in the middle, along circles of equal scale, until none does.
    """
    while len(parts):
        xy, owner = shapely.get_coordinates(parts, return_index=True)
        low, high = _find_bands(plane, xy, owner)
        wide = high - low > 1.01  # chords of circles stay inside by 8e-5 of the radius
        for step in np.unique(_step(high[~wide])).tolist():
            yield step, parts[~wide & (_step(high) == step)]
        middle = np.rint(low + high)[wide] / 2.0
        cut, which = np.unique(middle, return_inverse=True)
        radius = _DIAMETER_KM * np.sqrt(_BAND**cut - 1.0)
        circles = np.asarray(shapely.buffer(shapely.Point(0.0, 0.0), radius, quad_segs=64))[which]
        pieces = np.append(
            shapely.intersection(parts[wide], circles), shapely.difference(parts[wide], circles)
        )
        parts = np.asarray(shapely.get_parts(pieces), dtype=object)
        parts = parts[shapely.get_type_id(parts) == _POLYGON]


def _group_boxes(lines: Geometries) -> Longs:
    """Number of the group of each line: those whose boxes overlap, directly or by others."""
    group = np.arange(len(lines))
    one, other = shapely.STRtree(lines).query(lines)
    while True:
        least = group.copy()
        np.minimum.at(least, one, group[other])
        least = least[least]
        if np.array_equal(least, group):
            return np.unique(group, return_inverse=True)[1]
        group = least


def _join_rings(lines: Geometries) -> shapely.Geometry:
    """Shape of rings; a buffer of it does not ask which shell a hole is in."""
    is_shell = np.asarray(shapely.is_ccw(lines), np.bool_)
    shells = np.asarray(shapely.polygons(lines[is_shell]), dtype=object)
    if len(shells) and not is_shell.all():
        shells[0] = shapely.Polygon(lines[is_shell][0], list(lines[~is_shell]))
    return shapely.MultiPolygon(list(shells))


def rings_from_polygons(polygons: Geometries, plane: Plane) -> Rings:
    """Rings on the sphere of plane polygons, in their order."""
    lines = np.asarray(shapely.get_rings(polygons), dtype=object)
    xy, ring = shapely.get_coordinates(lines, return_index=True)
    begin = np.flatnonzero(ring[1:] == ring[:-1])
    first = np.searchsorted(ring[begin], np.arange(len(lines) + 1))
    return Rings(plane.unproject(xy[begin]), first, np.arange(len(begin)))
