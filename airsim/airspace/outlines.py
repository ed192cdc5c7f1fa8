"""Plane outlines that mean great circles: densify, close over poles, split at 180, widen in NM.

Shapely sees (lon, lat) as a plane. These functions make that harmless: edges get so many vertices
that plane and great circle agree, rings are unwrapped and split at 180, and distances are taken in
local azimuthal equidistant planes, never in degrees.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from pyproj import Transformer
from shapely import affinity
from shapely.geometry import LineString, MultiPolygon, Point, Polygon, box
from shapely.geometry.base import BaseGeometry

from airsim.geodesy import (
    angle_between,
    great_circle_km,
    interpolate_arc,
    lonlat_from_vectors,
    unit_vectors,
)
from airsim.units import KM_PER_NM

Floats = NDArray[np.float64]

EDGE_TOLERANCE_NM = 0.01  # half of what the layers promise, so that rounding cannot break it
_PIECE_KM = 150.0  # an azimuthal equidistant plane this wide is true to 0.01 %
_RADIUS_NM = 3440.0695
_SLIT_DEG = 5e-6


def _deviation_nm(a: Floats, b: Floats) -> Floats:
    """Distance of the plane middle from the great circle, for edges a-b (n, 2) in degrees."""
    start, end = unit_vectors(a[:, 0], a[:, 1]), unit_vectors(b[:, 0], b[:, 1])
    middle = (a + b) / 2.0
    point = unit_vectors(middle[:, 0], middle[:, 1])
    normal = np.cross(start, end)
    size = np.linalg.norm(normal, axis=1)
    short = size < 1e-12
    sine = np.sum(normal * point, axis=1) / np.where(short, 1.0, size)
    across = np.abs(np.arcsin(np.clip(sine, -1.0, 1.0)))
    return np.where(short, angle_between(start, point), across) * _RADIUS_NM


def largest_deviation_nm(geometry: BaseGeometry) -> float:
    """Largest distance in NM between an edge read in the plane and as a great circle."""
    worst = 0.0
    for ring in _rings(geometry):
        worst = max(worst, float(_deviation_nm(ring[:-1], ring[1:]).max(initial=0.0)))
    return worst


def densify_edges(
    lonlat: ArrayLike, *, parallels: bool = False, tolerance_nm: float = EDGE_TOLERANCE_NM
) -> Floats:
    """Insert points along great circles until the plane reading agrees with them.

    Parameters
    ----------
    lonlat : array_like, shape (n, 2)
        Vertices in degrees; consecutive longitudes may jump at 180.
    parallels : bool
        Edges whose ends share a latitude run along the parallel instead.
    tolerance_nm : float
        Largest deviation that stays.

    Returns
    -------
    ndarray, shape (m, 2)
        Unwrapped longitudes: they may leave -180..180, but never jump.
    """
    line = np.array(lonlat, np.float64)
    line[:, 0] = np.unwrap(line[:, 0], period=360.0)
    along = np.zeros(len(line) - 1, bool)
    if parallels:
        along = np.abs(np.diff(line[:, 1])) < 1e-9
    for _ in range(30):
        a, b = line[:-1], line[1:]
        bad = _deviation_nm(a, b) > tolerance_nm
        if not bad.any():
            break
        edge = np.flatnonzero(bad)
        middle = (a[edge] + b[edge]) / 2.0
        curved = ~along[edge]
        if curved.any():
            at = edge[curved]
            start, end = unit_vectors(*a[at].T), unit_vectors(*b[at].T)
            lon, lat = lonlat_from_vectors(interpolate_arc(start, end, np.full(at.size, 0.5)))
            turns = np.rint((middle[curved, 0] - lon) / 360.0)
            middle[curved] = np.column_stack((lon + 360.0 * turns, lat))
        line = np.insert(line, edge + 1, middle, axis=0)
        along = np.insert(along, edge + 1, along[edge])
    return line


def close_ring(
    lonlat: ArrayLike, *, parallels: bool = False, tolerance_nm: float = EDGE_TOLERANCE_NM
) -> MultiPolygon:
    """Area inside a ring of points, split at 180 and closed over a pole that it contains.

    Parameters
    ----------
    lonlat : array_like, shape (n, 2)
        Vertices in degrees, first one not repeated (or repeated: no difference). A vertex at
        latitude 90 or -90 is the pole, whatever its longitude.
    parallels, tolerance_nm
        As in `densify_edges`.

    Returns
    -------
    shapely.MultiPolygon
        Valid, longitudes in -180..180. A ring that winds round a pole contains the pole of its own
        hemisphere.
    """
    ring = np.array(lonlat, np.float64)
    if not np.array_equal(ring[0], ring[-1]):
        ring = np.vstack((ring, ring[:1]))
    line = densify_edges(_open_poles(ring), parallels=parallels, tolerance_nm=tolerance_nm)
    winding = line[-1, 0] - line[0, 0]
    if abs(winding) > 180.0:
        pole = 90.0 if line[:, 1].mean() > 0 else -90.0
        line = np.vstack((line, [[line[-1, 0], pole], [line[0, 0], pole], line[0]]))
    return split_at_180(shapely.make_valid(Polygon(line)))


def _open_poles(ring: Floats) -> Floats:
    """Replace each pole by the ends of its two meridians: the plane has a line there."""
    points: list[list[float]] = []
    last = len(ring) - 1
    for i, (lon, lat) in enumerate(ring):
        if abs(lat) < 90.0:
            points.append([lon, lat])
            continue
        before = ring[i - 1 if i else last - 1]
        after = ring[i + 1 if i < last else 1]
        if i > 0:
            points.append([before[0], lat])
        if i < last:
            points.append([after[0], lat])
    return np.array(points)


def split_at_180(geometry: BaseGeometry) -> MultiPolygon:
    """Bring unwrapped longitudes back to -180..180, cutting at the date line."""
    west, _, east, _ = geometry.bounds if not geometry.is_empty else (0.0, 0.0, 0.0, 0.0)
    if west >= -180.0 and east <= 180.0:
        return only_polygons(geometry)
    parts = []
    for turn in range(int(np.floor((west + 180.0) / 360.0)), int(np.ceil((east + 180.0) / 360.0))):
        window = box(-180.0 + 360.0 * turn, -90.0, 180.0 + 360.0 * turn, 90.0)
        part = only_polygons(geometry.intersection(window))
        parts.append(affinity.translate(part, xoff=-360.0 * turn))
    return only_polygons(shapely.union_all(parts))


def only_polygons(geometry: BaseGeometry) -> MultiPolygon:
    """Areal part of any geometry, as one MultiPolygon."""
    parts = shapely.get_parts(shapely.get_parts(geometry))  # twice: collections may nest
    return MultiPolygon([p for p in parts if isinstance(p, Polygon) and not p.is_empty])


def join_areas(areas: Iterable[BaseGeometry]) -> BaseGeometry:
    """Union that closes slits under a metre: neighbours drawn apart meet."""
    parts = list(areas)
    if len(parts) < 2:
        return parts[0] if parts else MultiPolygon()
    grown = shapely.union_all(parts).buffer(_SLIT_DEG, join_style="mitre")
    return only_polygons(grown.buffer(-_SLIT_DEG, join_style="mitre"))


def finish_outline(geometry: BaseGeometry, *, grain_km2: float = 0.05) -> MultiPolygon:
    """Valid MultiPolygon without crumbs, every edge within 0.02 NM of its great circle."""
    parts = [p for p in only_polygons(shapely.make_valid(geometry)).geoms if p.area > 0.0]
    kept = [_densify_polygon(p) for p in parts if _rough_km2(p) > grain_km2]
    return only_polygons(shapely.make_valid(MultiPolygon(kept)))


def _rough_km2(polygon: Polygon) -> float:
    lat = np.clip(polygon.representative_point().y, -89.0, 89.0)
    return float(polygon.area * 111.2**2 * np.cos(np.radians(lat)))


def _densify_polygon(polygon: Polygon) -> Polygon:
    rings = [_densify_plane(np.asarray(r.coords)) for r in (polygon.exterior, *polygon.interiors)]
    return Polygon(rings[0], rings[1:])


def _densify_plane(ring: Floats) -> Floats:
    """Split edges in the plane (they were cut there) where plane and great circle part."""
    for _ in range(20):
        bad = np.flatnonzero(_deviation_nm(ring[:-1], ring[1:]) > EDGE_TOLERANCE_NM)
        if bad.size == 0:
            break
        ring = np.insert(ring, bad + 1, (ring[bad] + ring[bad + 1]) / 2.0, axis=0)
    return ring


def _rings(geometry: BaseGeometry) -> Iterator[Floats]:
    for polygon in only_polygons(geometry).geoms:
        for ring in (polygon.exterior, *polygon.interiors):
            yield np.asarray(ring.coords)[:, :2]


def boundary_lines(geometry: BaseGeometry) -> list[Floats]:
    """Rings of an area as lines, without the seams that splitting at 180 and the poles left."""
    lines: list[Floats] = []
    for ring in _rings(geometry):
        a, b = ring[:-1], ring[1:]
        seam = (np.abs(a[:, 0]) == 180.0) & (a[:, 0] == b[:, 0])
        seam |= (np.abs(a[:, 1]) == 90.0) & (a[:, 1] == b[:, 1])
        start = 0
        for i in [*np.flatnonzero(seam).tolist(), len(ring) - 1]:
            if i > start:
                lines.append(ring[start : i + 1])
            start = i + 1
    return lines


def draw_circle(lon: float, lat: float, radius_nm: float) -> MultiPolygon:
    """Circle of a WGS84 radius; contains a pole or crosses 180 where it must."""
    plane = _local_plane(lon, lat)
    angle = np.radians(np.arange(0.0, 360.0, 2.0))
    metres = radius_nm * KM_PER_NM * 1000.0
    x, y = plane.transform(metres * np.sin(angle), metres * np.cos(angle), direction="INVERSE")
    return close_ring(np.column_stack((x, y)))


def _local_plane(lon: float, lat: float) -> Transformer:
    return Transformer.from_crs(
        "OGC:CRS84",
        f"+proj=aeqd +lon_0={lon:.6f} +lat_0={lat:.6f} +datum=WGS84",
        always_xy=True,
    )


def _cut_pieces(line: Floats) -> Iterator[Floats]:
    """Pieces of a line, each short enough for one local plane, with long edges densified."""
    step = great_circle_km(line[:-1, 0], line[:-1, 1], line[1:, 0], line[1:, 1])
    if (step > _PIECE_KM).any():
        share = np.concatenate(
            [np.arange(n) / n for n in np.maximum(1, np.ceil(step / _PIECE_KM)).astype(int)]
        )
        count = np.maximum(1, np.ceil(step / _PIECE_KM)).astype(int)
        edge = np.repeat(np.arange(len(step)), count)
        start, end = unit_vectors(*line[edge].T), unit_vectors(*line[edge + 1].T)
        lon, lat = lonlat_from_vectors(interpolate_arc(start, end, share))
        line = np.vstack((np.column_stack((lon, lat)), line[-1:]))
        step = great_circle_km(line[:-1, 0], line[:-1, 1], line[1:, 0], line[1:, 1])
    piece = np.concatenate(([0.0], np.cumsum(step))) // _PIECE_KM
    for number in np.unique(piece):
        inside = np.flatnonzero(piece == number)
        yield line[inside[0] : inside[-1] + 2]


def buffer_lines(lines: Iterable[ArrayLike], distance_nm: float) -> MultiPolygon:
    """Everything within a distance of lines.

    Parameters
    ----------
    lines : iterable of array_like, shapes (n, 2)
        Degrees; edges are great circles.
    distance_nm : float
        Greater than zero.

    Returns
    -------
    shapely.MultiPolygon
        True to 0.1 % of the distance (round ends and bends have 64 corners to the circle).
    """
    metres = distance_nm * KM_PER_NM * 1000.0
    parts: list[BaseGeometry] = []
    for line in lines:
        for piece in _cut_pieces(np.asarray(line, np.float64)):
            centre = lonlat_from_vectors(unit_vectors(*piece.T).sum(axis=0))
            plane = _local_plane(float(centre[0]), float(centre[1]))
            xy = np.column_stack(plane.transform(piece[:, 0], piece[:, 1]))
            spine: BaseGeometry = LineString(xy) if len(xy) > 1 else Point(xy[0])
            belt = spine.simplify(metres / 2000.0).buffer(metres, quad_segs=16)
            belt = belt.segmentize(40_000.0)  # geodesics here, great circles outside: 0.2 m apart
            parts.extend(_lift(polygon, plane) for polygon in only_polygons(belt).geoms)
    return only_polygons(shapely.union_all(parts)) if parts else MultiPolygon()


def _lift(polygon: Polygon, plane: Transformer) -> BaseGeometry:
    rings = []
    for ring in (polygon.exterior, *polygon.interiors):
        x, y = np.asarray(ring.coords).T
        rings.append(close_ring(np.column_stack(plane.transform(x, y, direction="INVERSE"))))
    area: BaseGeometry = rings[0]
    for hole in rings[1:]:
        area = area.difference(hole)
    return area


def widen_area(geometry: BaseGeometry, distance_nm: float) -> MultiPolygon:
    """The area and everything within a distance of it."""
    if geometry.is_empty or distance_nm <= 0.0:
        return only_polygons(geometry)
    belt = buffer_lines(boundary_lines(geometry), distance_nm)
    return only_polygons(shapely.union_all([geometry, belt]))


def narrow_area(
    geometry: BaseGeometry, distance_nm: float, *, frame: BaseGeometry | None = None
) -> MultiPolygon:
    """The area less everything within a distance of what lies outside it.

    With a frame, only limits inside the frame move: a zone along a State border keeps the border.
    """
    if frame is None:
        return only_polygons(
            geometry.difference(buffer_lines(boundary_lines(geometry), distance_nm))
        )
    return only_polygons(geometry.difference(widen_area(frame.difference(geometry), distance_nm)))
