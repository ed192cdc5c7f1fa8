"""The atlas: three layers of areas, read once from GeoParquet, then mapped from a cache."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from airsim.airspace.arrangement import Arrangement, arrange_edges
from airsim.airspace.index import CellIndex, build_index
from airsim.base import (
    OPEN_FROM,
    OPEN_TO,
    InputError,
    Problem,
    ProblemList,
    find_resource,
    parse_instant,
)
from airsim.units import UNLIMITED_FT

if TYPE_CHECKING:
    from collections.abc import Sequence

LAYER_NAMES: Final = ("territory", "fir", "zone")
ZoneVariant = Literal["nominal", "plus30", "minus30"]
_VARIANTS: Final = ("nominal", "plus30", "minus30")
_FILES: Final = {"territory": "territory", "fir": "fir", "zone": "zones"}
_FORMAT = 3  # of the cached arrays: raise it when their meaning changes
_TEXTS = ("designator", "title", "quality", "state", "source", "edition")


@dataclass(frozen=True, eq=False)
class Layer:
    """Areas of one kind; rows are areas, addressed by integer position.

    Parameters
    ----------
    name : {"territory", "fir", "zone"}
        Which layer.
    designator, title, quality, source, edition : tuple of str
        One per area. A designator may have several rows that differ in validity.
    state : tuple of str
        Sovereign of a territory, State of an FIR, empty for a zone.
    eu_territory : ndarray of bool
        Territory to which EU law applies; all False in the other layers.
    valid_from_ms, valid_to_ms : ndarray of int64
        UTC milliseconds; `airsim.base.OPEN_FROM` and `OPEN_TO` where open.
    lower_ft, upper_ft : ndarray of int32
        Levels; 0 and 99999 (ground, unlimited) for territories and FIRs.
    ring_start, vertex_start : ndarray of int64
        Area a has rings ``ring_start[a]:ring_start[a + 1]``, ring r has the vertices
        ``vertex_start[r]:vertex_start[r + 1]``.
    ring_is_hole : ndarray of bool
        A hole belongs to the shell before it.
    lonlat : ndarray, shape (V, 2)
        Degrees; rings are closed implicitly and split at 180.
    content_hash : str
        Of the file and the options it was read with.
    arrangement, index : Arrangement, CellIndex
        Boundary edges and their index, for crossings and routes.

    Notes
    -----
    All arrays are read-only, most are mapped from disk.
    """

    name: str
    designator: tuple[str, ...]
    title: tuple[str, ...]
    quality: tuple[str, ...]
    state: tuple[str, ...]
    eu_territory: NDArray[np.bool_]
    valid_from_ms: NDArray[np.int64]
    valid_to_ms: NDArray[np.int64]
    lower_ft: NDArray[np.int32]
    upper_ft: NDArray[np.int32]
    source: tuple[str, ...]
    edition: tuple[str, ...]
    ring_start: NDArray[np.int64]
    vertex_start: NDArray[np.int64]
    ring_is_hole: NDArray[np.bool_]
    lonlat: NDArray[np.float64]
    content_hash: str
    arrangement: Arrangement
    index: CellIndex

    def __len__(self) -> int:
        return len(self.designator)

    @cached_property
    def _rows(self) -> dict[str, list[int]]:
        rows: dict[str, list[int]] = {}
        for position, designator in enumerate(self.designator):
            rows.setdefault(designator, []).append(position)
        return rows

    def positions(self, designator: str) -> NDArray[np.int32]:
        """Positions of all rows of a designator; empty if there is none."""
        return np.array(self._rows.get(designator, []), np.int32)


@dataclass(frozen=True, slots=True, eq=False)
class Atlas:
    """The three layers and the hash of all that they hold.

    Parameters
    ----------
    layers : tuple of Layer
        In the order of `layer_names`.
    content_hash : str
        SHA-256 over the layers.
    """

    layers: tuple[Layer, ...]
    content_hash: str

    @property
    def layer_names(self) -> tuple[str, ...]:
        """``("territory", "fir", "zone")``."""
        return LAYER_NAMES

    def layer(self, name: str) -> Layer:
        """Layer of a name; `InputError` if there is none."""
        if name not in LAYER_NAMES:
            raise InputError(
                Problem("atlas", name, "no such layer", f"one of {', '.join(LAYER_NAMES)}")
            )
        return self.layers[LAYER_NAMES.index(name)]


def load_atlas(
    *,
    territory: str | Path | None = None,
    fir: str | Path | None = None,
    zones: str | Path | None = None,
    zone_variant: ZoneVariant = "nominal",
) -> Atlas:
    """Load the layers of airspace.

    Parameters
    ----------
    territory, fir, zones : path, optional
        GeoParquet files that replace the shipped layers.
    zone_variant : {"nominal", "plus30", "minus30"}
        Outline of those zones that come in several: as drawn, 30 NM larger, 30 NM smaller.

    Returns
    -------
    Atlas

    Raises
    ------
    InputError
        A file is missing or has bad records; lists every problem.

    Notes
    -----
    The first load of a file arranges and indexes it (seconds) and keeps the arrays in the user's
    cache folder, or in the one that the environment variable ``AIRSIM_CACHE_DIR`` names; later
    loads map them (milliseconds). Where nothing can be written the arrays stay in memory.
    """
    given = {"territory": territory, "fir": fir, "zone": zones}
    problems = ProblemList()
    if zone_variant not in _VARIANTS:
        problems.add("zones", zone_variant, "no such variant", f"one of {', '.join(_VARIANTS)}")
        problems.raise_if_any()
    layers: list[Layer] = []
    for name in LAYER_NAMES:
        try:
            layers.append(_load_layer(name, given[name], zone_variant))
        except InputError as error:
            problems.extend(error)
    problems.raise_if_any()
    digest = hashlib.sha256("\n".join(layer.content_hash for layer in layers).encode())
    return Atlas(tuple(layers), digest.hexdigest())


def _load_layer(name: str, path: str | Path | None, variant: str) -> Layer:
    shipped = f"geodata/{_FILES[name]}.parquet"
    try:
        file = find_resource(shipped) if path is None else Path(path)
        content = file.read_bytes()
    except InputError:
        content, file = b"", Path(shipped)  # not shipped yet: an empty layer
    except OSError as error:
        raise InputError(Problem(str(path), "", f"cannot be read: {error.strerror}")) from error
    key = hashlib.sha256(f"{_FORMAT} {name} {variant if name == 'zone' else ''}\n".encode())
    key.update(content)
    digest = key.hexdigest()
    kept = _cache_folder() / f"{name}-{digest[:32]}"
    layer = _read_cached(kept, digest)
    if layer is None:
        layer = _build_layer(name, content, str(file), variant, digest)
        if _write_cached(kept, layer):
            layer = _read_cached(kept, digest) or layer
    return layer


# ------------------------------------------------------------------------------- cold: build
def _build_layer(name: str, content: bytes, file: str, variant: str, digest: str) -> Layer:
    """Read, check, arrange and index a layer."""
    table = _read_table(name, content, file)
    if name == "zone":
        table = _choose_variant(table, variant)
    rings, ring_start, is_hole = _read_rings(table.pop("geometry"), table["designator"], file)
    size = np.array([ring.shape[0] for ring in rings], np.int64)
    vertex_start = np.concatenate(([0], np.cumsum(size)))
    lonlat = np.concatenate(rings) if rings else np.empty((0, 2))
    areas = len(table["designator"])
    ring_area = np.repeat(np.arange(areas, dtype=np.int32), np.diff(ring_start))
    arrangement = arrange_edges(lonlat, vertex_start, ring_area)
    index = build_index(arrangement, lonlat, vertex_start, ring_area, areas)
    table |= {
        "ring_start": ring_start,
        "vertex_start": vertex_start,
        "ring_is_hole": is_hole,
        "lonlat": lonlat,
    }
    layer = Layer(name=name, content_hash=digest, arrangement=arrangement, index=index, **table)
    for array in _arrays(layer).values():
        array.flags.writeable = False
    return layer


def _read_table(name: str, content: bytes, file: str) -> dict[str, Any]:
    """Columns of a GeoParquet file as Layer fields, plus WKB `geometry` and zone `variant`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    problems = ProblemList()
    columns: dict[str, list[Any]] = {}
    rows = 0
    if content:
        try:
            read = pq.read_table(pa.BufferReader(content))
        except pa.ArrowException as error:
            raise InputError(Problem(file, "", f"is no Parquet file: {error}")) from error
        columns = {column: read.column(column).to_pylist() for column in read.column_names}
        rows = read.num_rows
        wanted = ["designator", "name", "quality", "source", "edition", "valid_from", "valid_to"]
        wanted += {"territory": ["sovereign", "eu_territory"], "fir": ["state"]}.get(name, [])
        wanted += ["lower_limit", "upper_limit"] if name == "zone" else []
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
    import shapely

    from airsim.airspace.arrangement import SNAP

    problems = ProblemList()
    rings: list[NDArray[np.float64]] = []
    holes: list[bool] = []
    count = np.zeros(len(geometry) + 1, np.int64)
    for row, wkb in enumerate(geometry):
        label = f"{designator[row]} (row {row})"
        shape = None
        try:
            shape = None if wkb is None else shapely.from_wkb(wkb)
        except (shapely.errors.GEOSException, TypeError) as error:
            problems.add(file, label, f"geometry cannot be read: {error}")
            continue
        if shape is None or shape.is_empty:
            problems.add(file, label, "has no geometry")
            continue
        if shape.geom_type not in ("Polygon", "MultiPolygon"):
            problems.add(file, label, f"is a {shape.geom_type}", "give Polygon or MultiPolygon")
            continue
        west, south, east, north = shape.bounds
        if not (west >= -180 and east <= 180 and south >= -90 and north <= 90):
            problems.add(file, label, "leaves the map", "lon -180..180, lat -90..90, split at 180")
            continue
        # snapping may fold slivers: this drops them and leaves rings that do not cross
        shape = shapely.set_precision(shapely.make_valid(shape), 1.0 / SNAP)
        polygons = [p for p in shapely.get_parts(shape, return_index=False).tolist()]
        polygons = [p for p in polygons if p.geom_type == "Polygon" and not p.is_empty]
        if not polygons:
            problems.add(file, label, "has no area left after snapping to 1e-9 degrees")
        for polygon in polygons:
            polygon = shapely.orient_polygons(polygon)
            for k, ring in enumerate([polygon.exterior, *polygon.interiors]):
                rings.append(np.ascontiguousarray(shapely.get_coordinates(ring)[:-1]))
                holes.append(k > 0)
                count[row + 1] += 1
    problems.raise_if_any()
    return rings, np.cumsum(count), np.array(holes, np.bool_)


# -------------------------------------------------------------------------------- warm: cache
def _cache_folder() -> Path:
    """Folder for arrays that can be rebuilt."""
    named = os.environ.get("AIRSIM_CACHE_DIR")
    if named:
        return Path(named)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", "~")).expanduser() / "airsim" / "Cache"
    if sys.platform == "darwin":
        return Path("~/Library/Caches/airsim").expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "airsim"


def _arrays(layer: Layer) -> dict[str, NDArray[Any]]:
    """All arrays of a layer by name."""
    found: dict[str, NDArray[Any]] = {}
    for prefix, owner in (("", layer), ("a.", layer.arrangement), ("i.", layer.index)):
        for field in fields(owner):
            value = getattr(owner, field.name)
            if isinstance(value, np.ndarray):
                found[prefix + field.name] = value
    return found


def _write_cached(folder: Path, layer: Layer) -> bool:
    """Write a layer beside its place, then move it there; False where nothing can be written."""
    scratch: str | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = tempfile.mkdtemp(prefix=".new-", dir=folder.parent)
        for name, array in _arrays(layer).items():
            np.save(Path(scratch) / f"{name}.npy", array)
        text = {name: getattr(layer, name) for name in _TEXTS}
        record = {"name": layer.name, "content_hash": layer.content_hash, "text": text}
        (Path(scratch) / "layer.json").write_text(json.dumps(record), encoding="utf-8")
        if folder.exists():
            shutil.rmtree(folder)  # it could not be read
        os.replace(scratch, folder)
    except OSError:
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)
        return folder.exists()
    return True


def _read_cached(folder: Path, digest: str) -> Layer | None:
    """Map a layer from the cache; None if it is not there or cannot be used."""
    try:
        record = json.loads((folder / "layer.json").read_text(encoding="utf-8"))
        if record["content_hash"] != digest:
            return None

        def load(kind: Any, prefix: str) -> dict[str, Any]:
            names = [f.name for f in fields(kind) if (folder / f"{prefix}{f.name}.npy").exists()]
            return {n: _map_array(folder / f"{prefix}{n}.npy") for n in names}

        texts: dict[str, Any] = {name: tuple(v) for name, v in record["text"].items()}
        return Layer(
            name=record["name"],
            content_hash=digest,
            arrangement=Arrangement(**load(Arrangement, "a.")),
            index=CellIndex(**load(CellIndex, "i.")),
            **texts,
            **load(Layer, ""),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _map_array(path: Path) -> NDArray[Any]:
    """Map one array read-only; a plain view, which compiled loops take without a detour."""
    try:
        mapped: NDArray[Any] = np.load(path, mmap_mode="r")
    except ValueError:  # an array without elements cannot be mapped
        mapped = np.load(path)
        mapped.flags.writeable = False
    return np.asarray(mapped)
