"""The plane of one map: oblique Lambert azimuthal equal-area, and shapes cut to its frame."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

RADIUS_KM = 6371.0088
# Straight edges that cutting makes must bend with the projection: at most this long.
_STEP_DEGREES = 1.0
_ANTIPODE_CAP_DEGREES = 20.0

Floats = NDArray[np.float64]
Geometries = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Frame:
    """Rectangle of the plane that the map shows, km."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def width(self) -> float:
        """Kilometres from left to right."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Kilometres from bottom to top."""
        return self.top - self.bottom

    def widen(self, margin_km: float) -> Frame:
        """The frame with a margin on every side."""
        return Frame(
            self.left - margin_km, self.bottom - margin_km,
            self.right + margin_km, self.top + margin_km,
        )  # fmt: skip

    def holds(self, x: float, y: float) -> bool:
        """Whether a point of the plane is shown."""
        return self.left <= x <= self.right and self.bottom <= y <= self.top


@dataclass(frozen=True, slots=True)
class Projection:
    """Lambert azimuthal equal-area on the sphere, centred on a place.

    Parameters
    ----------
    lon0, lat0 : float
        Centre, degrees.
    """

    lon0: float
    lat0: float

    def project(self, lonlat: Floats) -> Floats:
        """Plane coordinates in km, shape (n, 2), of degrees, shape (n, 2)."""
        lon = np.radians(lonlat[:, 0] - self.lon0)
        lat = np.radians(lonlat[:, 1])
        sin0, cos0 = math.sin(math.radians(self.lat0)), math.cos(math.radians(self.lat0))
        cos_angle = sin0 * np.sin(lat) + cos0 * np.cos(lat) * np.cos(lon)
        # The antipode alone has no image; shapes round it are cut away before they get here.
        scale = RADIUS_KM * np.sqrt(2.0 / np.maximum(1.0 + cos_angle, 1e-9))
        x = scale * np.cos(lat) * np.sin(lon)
        y = scale * (cos0 * np.sin(lat) - sin0 * np.cos(lat) * np.cos(lon))
        return np.column_stack([x, y])

    def unproject(self, x: float, y: float) -> tuple[float, float]:
        """Degrees of one point of the plane."""
        rho = math.hypot(x, y)
        if rho == 0.0:
            return self.lon0, self.lat0
        angle = 2.0 * math.asin(min(rho / (2.0 * RADIUS_KM), 1.0))
        sin0, cos0 = math.sin(math.radians(self.lat0)), math.cos(math.radians(self.lat0))
        sine = math.cos(angle) * sin0 + y * math.sin(angle) * cos0 / rho
        lat = math.asin(min(max(sine, -1.0), 1.0))
        lon = math.atan2(
            x * math.sin(angle), rho * cos0 * math.cos(angle) - y * sin0 * math.sin(angle)
        )
        return (self.lon0 + math.degrees(lon) + 540.0) % 360.0 - 180.0, math.degrees(lat)

    def radius_degrees(self, frame: Frame) -> float:
        """Angle from the centre to the farthest corner of a frame."""
        far = max(
            math.hypot(x, y) for x in (frame.left, frame.right) for y in (frame.bottom, frame.top)
        )
        return math.degrees(2.0 * math.asin(min(far / (2.0 * RADIUS_KM), 1.0)))


def fit_frame(
    lonlat: Floats, *, aspects: tuple[float, float], least_km: float
) -> tuple[Projection, Frame]:
    """Projection centred on points, and a frame that shows them with a margin.

    Parameters
    ----------
    lonlat : ndarray
        Degrees, shape (n, 2), n > 0.
    aspects : tuple of float
        Least and greatest height over width.
    least_km : float
        Least width.
    """
    lon, lat = np.radians(lonlat[:, 0]), np.radians(lonlat[:, 1])
    mean = np.array(
        [
            np.mean(np.cos(lat) * np.cos(lon)),
            np.mean(np.cos(lat) * np.sin(lon)),
            np.mean(np.sin(lat)),
        ]
    )
    centre = (math.degrees(math.atan2(mean[1], mean[0])),
              math.degrees(math.atan2(mean[2], math.hypot(mean[0], mean[1]))))  # fmt: skip
    for _ in range(3):  # the middle of the box, not the mean of the points, belongs in the centre
        projection = Projection(*(round(c, 2) for c in centre))
        plane = projection.project(lonlat)
        low, high = plane.min(axis=0), plane.max(axis=0)
        centre = projection.unproject(*((low + high) / 2.0).tolist())
    middle = (low + high) / 2.0
    width, height = (max(float(s), 1.0) * 1.2 for s in high - low)
    width = max(width, least_km, height / aspects[1])
    height = min(max(height, width * aspects[0]), width * aspects[1])
    return projection, Frame(
        middle[0] - width / 2, middle[1] - height / 2, middle[0] + width / 2, middle[1] + height / 2
    )


def draw_great_circles(lonlat: Floats, *, step_degrees: float = 0.5) -> Floats:
    """A polyline with points put on its great circles, at most `step_degrees` apart."""
    if len(lonlat) < 2:
        return lonlat
    lon, lat = np.radians(lonlat[:, 0]), np.radians(lonlat[:, 1])
    unit = np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    pieces = []
    for a, b in pairwise(unit):
        angle = math.atan2(float(np.linalg.norm(np.cross(a, b))), float(np.dot(a, b)))
        count = max(1, math.ceil(math.degrees(angle) / step_degrees))
        if count == 1:
            pieces.append(a[None, :])
            continue
        t = np.arange(count)[:, None] / count
        pieces.append((np.sin((1 - t) * angle) * a + np.sin(t * angle) * b) / math.sin(angle))
    points = np.concatenate([*pieces, unit[-1:]])
    return np.column_stack(
        [
            np.degrees(np.arctan2(points[:, 1], points[:, 0])),
            np.degrees(np.arctan2(points[:, 2], np.hypot(points[:, 0], points[:, 1]))),
        ]
    )


def cut_at_180(lonlat: Floats) -> list[Floats]:
    """Pieces of a densified polyline, cut where it jumps over 180 degrees of longitude."""
    jumps = np.flatnonzero(np.abs(np.diff(lonlat[:, 0])) > 180.0)
    pieces, start, head = [], 0, np.empty((0, 2))
    for i in jumps.tolist():
        (lon_a, lat_a), (lon_b, lat_b) = lonlat[i], lonlat[i + 1]
        side = math.copysign(180.0, lon_a)
        span = lon_b + 2 * side - lon_a
        share = (side - lon_a) / span if span else 0.0
        lat = lat_a + share * (lat_b - lat_a)
        pieces.append(np.concatenate([head, lonlat[start : i + 1], [[side, lat]]]))
        head, start = np.array([[-side, lat]]), i + 1
    pieces.append(np.concatenate([head, lonlat[start:]]))
    return pieces


def _visible_boxes(projection: Projection, frame: Frame) -> list[tuple[float, float, float, float]]:
    """Longitude/latitude boxes that together hold all that the frame shows."""
    radius = projection.radius_degrees(frame) + 1.0
    south, north = projection.lat0 - radius, projection.lat0 + radius
    if south <= -90.0 or north >= 90.0:
        return [(-180.0, max(south, -90.0), 180.0, min(north, 90.0))]
    sine = math.sin(math.radians(radius)) / math.cos(math.radians(projection.lat0))
    if radius >= 90.0 or sine >= 1.0:
        return [(-180.0, south, 180.0, north)]
    reach = math.degrees(math.asin(sine))
    west, east = projection.lon0 - reach, projection.lon0 + reach
    if west < -180.0:
        return [(-180.0, south, east, north), (west + 360.0, south, 180.0, north)]
    if east > 180.0:
        return [(west, south, 180.0, north), (-180.0, south, east - 360.0, north)]
    return [(west, south, east, north)]


def cut_to_frame(
    shapes: Geometries, projection: Projection, frame: Frame
) -> tuple[Geometries, Geometries]:
    """Project shapes, cut to a frame and simplified to what its scale can show.

    Parameters
    ----------
    shapes : ndarray of shapely geometries
        Polygons or lines in degrees, split at 180.
    projection : Projection
    frame : Frame

    Returns
    -------
    fills : ndarray
        Polygons of the plane; edges that only cutting made lie outside the frame or are not
        outlines.
    outlines : ndarray
        Lines of the plane: true edges alone, without those along 180 degrees or the poles.
    """
    tolerance = frame.width / 1200.0
    around = frame.widen(frame.width * 0.02)
    fills, outlines = [], []
    for box in _visible_boxes(projection, frame):
        near = _cut_box(shapes, box, projection)
        areas = near[shapely.get_dimensions(near) == 2]
        lines = near[shapely.get_dimensions(near) == 1]
        fills.append(_to_plane(areas, projection, around, tolerance))
        edges = np.concatenate([lines, _true_edges(areas)])
        outlines.append(_to_plane(edges, projection, around, tolerance))
    return np.concatenate(fills), np.concatenate(outlines)


def _cut_box(
    shapes: Geometries, box: tuple[float, float, float, float], projection: Projection
) -> Geometries:
    near = shapely.get_parts(shapely.clip_by_rect(shapes, *box))
    near = near[shapely.length(near) > 0.0]  # cutting may leave lines of one point
    lon, lat = (projection.lon0 + 360.0) % 360.0 - 180.0, -projection.lat0
    if box[0] <= lon <= box[2] and box[1] <= lat <= box[3] and len(near):
        caps = [
            shapely.Point(lon + shift, lat).buffer(_ANTIPODE_CAP_DEGREES)
            for shift in (-360, 0, 360)
        ]
        near = shapely.get_parts(
            shapely.difference(shapely.make_valid(near), shapely.union_all(caps))
        )
    cut: Geometries = shapely.segmentize(near, _STEP_DEGREES)
    return cut


def _to_plane(
    shapes: Geometries, projection: Projection, around: Frame, tolerance: float
) -> Geometries:
    if not len(shapes):
        return shapes
    plane = shapely.transform(shapes, projection.project)
    # A hole round the antipode becomes the outermost ring: the shape is inside out.
    turned = shapely.area(plane) < 0.0
    plane[turned] = shapely.make_valid(plane[turned])
    plane = shapely.simplify(plane, tolerance, preserve_topology=False)
    polygons = shapely.get_dimensions(plane) == 2
    plane[polygons] = shapely.make_valid(plane[polygons])
    plane = shapely.clip_by_rect(plane, around.left, around.bottom, around.right, around.top)
    plane = shapely.get_parts(plane[~shapely.is_empty(plane)])
    if polygons.any():
        plane = plane[shapely.get_dimensions(plane) == 2]
        large = shapely.area(plane) > (2.0 * tolerance) ** 2
    else:
        large = shapely.length(plane) > 3.0 * tolerance
    shown: Geometries = plane[large]
    return shown


def _true_edges(areas: Geometries) -> Geometries:
    """Rings as lines, without the edges along 180 degrees that only splitting made."""
    rings = shapely.get_rings(areas)
    if not len(rings):
        return rings
    points, ring = shapely.get_coordinates(rings, return_index=True)
    made = np.zeros(len(points), dtype=bool)  # the edge that ends at this vertex is not real
    made[0] = True
    made[1:] = ring[1:] != ring[:-1]
    for seam in (-180.0, 180.0):  # the other edges of the box lie outside the frame
        on = np.abs(points[:, 0] - seam) < 1e-9
        made[1:] |= on[1:] & on[:-1]
    line = np.cumsum(made) - 1
    keep = np.bincount(line)[line] >= 2
    lines: Geometries = shapely.linestrings(
        points[keep], indices=np.unique(line[keep], return_inverse=True)[1]
    )
    return lines
