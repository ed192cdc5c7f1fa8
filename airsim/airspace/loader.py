"""Layer files: GeoParquet or GeoJSON, checked at the door, as columns and snapped rings."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from numpy.typing import NDArray
from shapely import Polygon
from shapely.geometry.base import BaseGeometry

from airsim.airspace.arrangement import SNAP
from airsim.airspace.outlines import close_ring, only_polygons
from airsim.base import OPEN_FROM, OPEN_TO, InputError, Problem, ProblemList, parse_instant
from airsim.units import UNLIMITED_FT

_OPTIONAL: Final = (
    "edition", "valid_from", "valid_to", "sovereign", "state", "eu_territory", "contains_firs",
    "lower_limit", "upper_limit", "variant",
)  # fmt: skip


def read_layer(name: str, content: bytes, file: str, variant: str) -> dict[str, Any]:
    """Read a layer.

    Parameters
    ----------
    name : {"territory", "fir", "zone"}
        Which columns to expect.
    content : bytes
        A GeoParquet file, or GeoJSON with at least a `designator` or `id` for each feature.
    file : str
        Its name in messages.
    variant : str
        Which outlines of zones to take.

    Returns
    -------
    dict
        Fields of `airsim.airspace.Layer` up to `lonlat`, without `name`.

    Raises
    ------
    InputError
        Every problem of the file.
    """
    table = _read_table(name, content, file)
    if name == "zone":
        table = _choose_variant(table, variant)
    rings, ring_start, is_hole = _read_rings(table.pop("geometry"), table["designator"], file)
    size = np.array([ring.shape[0] for ring in rings], np.int64)
    return table | {
        "ring_start": ring_start,
        "vertex_start": np.concatenate(([0], np.cumsum(size))),
        "ring_is_hole": is_hole,
        "lonlat": np.concatenate(rings) if rings else np.empty((0, 2)),
    }


def _read_table(name: str, content: bytes, file: str) -> dict[str, Any]:
    """Columns of a GeoParquet file as Layer fields, plus WKB `geometry` and zone `variant`."""
    problems = ProblemList()
    columns = (
        _read_geojson(content, file) if content[:1] in b"{\n " else _read_parquet(content, file)
    )
    rows = len(columns["geometry"]) if "geometry" in columns else 0
    wanted = ["designator", "name", "quality", "source", "edition", "valid_from", "valid_to"]
    wanted += {
        "territory": ["sovereign", "eu_territory"],
        "fir": ["state"],
        "zone": ["lower_limit", "upper_limit"],
    }[name]
    for column in [*wanted, "geometry"]:
        if column not in columns:
            problems.add(file, column, "column is missing", f"a {name} layer needs it")
    problems.raise_if_any()

    def texts(column: str) -> tuple[str, ...]:
        return tuple("" if v is None else str(v) for v in columns.get(column, [""] * rows))

    def instants(column: str, default: int) -> NDArray[np.int64]:
        found = np.full(rows, default, np.int64)
        for row, text in enumerate(texts(column)):
            if text:
                try:
                    found[row] = parse_instant(text)
                except ValueError as error:
                    problems.add(file, f"row {row} {column}", str(error), "ISO 8601 with Z")
        return found

    def numbers(column: str, default: int) -> NDArray[np.int32]:
        found = np.full(rows, default, np.int32)
        for row, value in enumerate(columns.get(column, [])):
            if value is not None and not 0 <= value <= UNLIMITED_FT:
                problems.add(file, f"row {row} {column}", f"{value} ft", "0 (GND) to 99999 (UNL)")
            elif value is not None:
                found[row] = int(value)
        return found

    state = {"territory": "sovereign", "fir": "state"}.get(name, "")
    flags = columns.get("eu_territory", []) if name == "territory" else []
    table: dict[str, Any] = {
        "designator": texts("designator"),
        "title": texts("name"),
        "quality": texts("quality"),
        "state": texts(state) if state else ("",) * rows,
        "source": texts("source"),
        "edition": texts("edition"),
        "contains_firs": texts("contains_firs"),
        "eu_territory": np.array([bool(f) for f in flags] or [False] * rows, np.bool_),
        "valid_from_ms": instants("valid_from", OPEN_FROM),
        "valid_to_ms": instants("valid_to", OPEN_TO),
        "lower_ft": numbers("lower_limit", 0) if name == "zone" else np.zeros(rows, np.int32),
        "upper_ft": numbers("upper_limit", UNLIMITED_FT)
        if name == "zone"
        else np.full(rows, UNLIMITED_FT, np.int32),
        "geometry": columns.get("geometry", []),
        "variant": tuple(text or "nominal" for text in texts("variant")),
    }
    for row, designator in enumerate(table["designator"]):
        if not designator:
            problems.add(file, f"row {row}", "has no designator")
        if table["valid_from_ms"][row] >= table["valid_to_ms"][row]:
            problems.add(file, designator or f"row {row}", "is valid to before it is valid from")
        if table["lower_ft"][row] >= table["upper_ft"][row]:
            problems.add(file, designator or f"row {row}", "lower limit is not below upper limit")
    problems.raise_if_any()
    if name != "zone":
        table.pop("variant")
    return table


def _read_parquet(content: bytes, file: str) -> dict[str, list[Any]]:
    """Columns of a GeoParquet file."""
    try:
        read = pq.read_table(pa.BufferReader(content))
    except pa.ArrowException as error:
        raise InputError(Problem(file, "", f"is no Parquet file: {error}")) from error
    return {name: read.column(name).to_pylist() for name in read.column_names}


def _read_geojson(content: bytes, file: str) -> dict[str, list[Any]]:
    """The same columns from GeoJSON, as found: rings may be open, cross 180 or hold a pole."""
    try:
        features = json.loads(content)["features"]
        properties = [feature.get("properties") or {} for feature in features]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(Problem(file, "", "is no GeoJSON FeatureCollection")) from error
    columns: dict[str, list[Any]] = {
        "designator": [p.get("designator") or p.get("id") or "" for p in properties],
        "geometry": [_close_geojson(feature.get("geometry")) for feature in features],
    }
    columns["name"] = [
        p.get("name") or d for p, d in zip(properties, columns["designator"], strict=True)
    ]
    columns["source"] = [p.get("source") or Path(file).name for p in properties]
    columns["quality"] = [p.get("quality") or "unstated" for p in properties]
    for column in _OPTIONAL:
        columns[column] = [p.get(column) for p in properties]
    return columns


def _close_geojson(geometry: Any) -> bytes | None:
    """WKB of a Polygon or MultiPolygon, split at 180; None where it is nothing of the kind."""
    try:
        parts = geometry["coordinates"]
        if geometry["type"] == "Polygon":
            parts = [parts]
        elif geometry["type"] != "MultiPolygon":
            return None
        shapes: list[BaseGeometry] = []
        for shell, *holes in parts:
            shape: BaseGeometry = close_ring(np.array(shell, np.float64)[:, :2])
            for hole in holes:
                shape = shape.difference(close_ring(np.array(hole, np.float64)[:, :2]))
            shapes.append(shape)
        return bytes(shapely.to_wkb(only_polygons(shapely.union_all(shapes))))
    except (KeyError, TypeError, ValueError, IndexError, shapely.errors.GEOSException):
        return None


def _choose_variant(table: dict[str, Any], variant: str) -> dict[str, Any]:
    """Rows of the variant; nominal ones of zones that do not have it."""
    variants = table.pop("variant")
    has = {d for d, v in zip(table["designator"], variants, strict=True) if v == variant}
    keep = [
        row
        for row, (d, v) in enumerate(zip(table["designator"], variants, strict=True))
        if v == (variant if d in has else "nominal")
    ]
    return {
        column: values[keep] if isinstance(values, np.ndarray) else tuple(values[k] for k in keep)
        for column, values in table.items()
    }


def _read_rings(
    geometry: Sequence[bytes | None], designator: Sequence[str], file: str
) -> tuple[list[NDArray[np.float64]], NDArray[np.int64], NDArray[np.bool_]]:
    """Snapped rings (last vertex dropped, shells anticlockwise), rings per area, hole flags."""
    problems = ProblemList()
    rings: list[NDArray[np.float64]] = []
    holes: list[bool] = []
    count = np.zeros(len(geometry) + 1, np.int64)
    for row, wkb in enumerate(geometry):
        label = f"{designator[row]} (row {row})"
        try:
            polygons = _read_polygons(wkb)
        except ValueError as error:
            problems.add(file, label, str(error))
            continue
        for polygon in polygons:
            polygon = shapely.orient_polygons(polygon)
            for k, ring in enumerate([polygon.exterior, *polygon.interiors]):
                rings.append(_follow_parallels(shapely.get_coordinates(ring))[:-1])
                holes.append(k > 0)
                count[row + 1] += 1
    problems.raise_if_any()
    return rings, np.cumsum(count), np.array(holes, np.bool_)


def _read_polygons(wkb: bytes | None) -> list[Polygon]:
    """Sound polygons on the snapping grid; ValueError says what is wrong."""
    try:
        shape = None if wkb is None else shapely.from_wkb(wkb)
    except (shapely.errors.GEOSException, TypeError) as error:
        raise ValueError(f"geometry cannot be read: {error}") from error
    if shape is None or shape.is_empty:
        raise ValueError("has no geometry")
    if shape.geom_type not in ("Polygon", "MultiPolygon"):
        raise ValueError(f"is a {shape.geom_type}: give a Polygon or MultiPolygon")
    west, south, east, north = shape.bounds
    if not (west >= -180 and east <= 180 and south >= -90 and north <= 90):
        raise ValueError("leaves the map: lon -180..180, lat -90..90, split at 180")
    # snapping may fold slivers: this drops them and leaves rings that do not cross
    shape = shapely.make_valid(shape, method="structure", keep_collapsed=False)
    shape = shapely.set_precision(shape, 1.0 / SNAP)
    parts = [p for p in shapely.get_parts(shape) if isinstance(p, Polygon) and not p.is_empty]
    if not parts:
        raise ValueError("has no area left after snapping to 1e-9 degrees")
    return [shapely.orient_polygons(part) for part in parts]


def _follow_parallels(ring: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cut the edges of a closed ring that span half the globe or more.

    No great circle is meant by the lower edge of Antarctica: it follows the parallel, or the pole.
    """
    span = np.abs(np.diff(ring[:, 0]))
    wide = (span >= 180.0) & (np.abs(ring[:-1, 1]) < 90.0)
    if not wide.any():
        return ring
    parts = np.where(wide, np.ceil(4.0 * span), 1.0).astype(np.int64)
    edge = np.repeat(np.arange(parts.size), parts)
    share = (np.arange(edge.size) - np.repeat(np.cumsum(parts) - parts, parts)) / parts[edge]
    inner = ring[edge] + share[:, None] * (ring[edge + 1] - ring[edge])
    return np.concatenate((inner, ring[-1:]))
