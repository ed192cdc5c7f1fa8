"""The atlas: three layers of areas, read once from GeoParquet, then mapped from a cache."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from airsim.airspace.arrangement import Arrangement, arrange_edges
from airsim.airspace.index import CellIndex, build_index
from airsim.base import InputError, Problem, ProblemList, find_resource

LAYER_NAMES: Final = ("territory", "fir", "zone")
ZoneVariant = Literal["nominal", "plus30", "minus30"]
_VARIANTS: Final = ("nominal", "plus30", "minus30")
_FILES: Final = {"territory": "territory", "fir": "fir", "zone": "zones"}
_FORMAT = 11  # of the cached arrays: raise it when their meaning changes
_TEXTS = ("designator", "title", "quality", "state", "source", "edition", "contains_firs")


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
    contains_firs : tuple of str
        Designators, separated by spaces, of the FIRs that a national area stands for.
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
    contains_firs: tuple[str, ...]
    ring_start: NDArray[np.int64]
    vertex_start: NDArray[np.int64]
    ring_is_hole: NDArray[np.bool_]
    lonlat: NDArray[np.float64]
    content_hash: str
    arrangement: Arrangement
    index: CellIndex

    def __len__(self) -> int:
        return len(self.designator)

    def __repr__(self) -> str:
        return f"<Layer {self.name}: {len(self)} areas, {len(self.arrangement.edge)} edges>"

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

    def __repr__(self) -> str:
        return f"<Atlas {self.content_hash[:12]}: {', '.join(map(repr, self.layers))}>"

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
        GeoParquet or GeoJSON files that replace the shipped layers. GeoJSON may come as it is
        found: only `designator` (or `id`) is needed, rings may be open or cross 180.
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
    Edges are great circles between vertices, but for edges that span 180 degrees of longitude or
    more: these follow the parallel. Vertices are snapped to 1e-9 degrees, outlines that cross
    themselves are repaired.
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
    return _bind_layers(layers)


def _bind_layers(layers: Iterable[Layer]) -> Atlas:
    bound = tuple(layers)
    digest = hashlib.sha256("\n".join(layer.content_hash for layer in bound).encode())
    return Atlas(bound, digest.hexdigest())


def replace_layer(atlas: Atlas, name: str, path: Path) -> Atlas:
    """The same airspace with one layer read from another file."""
    new = _load_layer(name, path, "nominal")
    return _bind_layers(new if layer.name == name else layer for layer in atlas.layers)


def _load_layer(name: str, path: str | Path | None, variant: str) -> Layer:
    shipped = f"geodata/{_FILES[name]}.parquet"
    file = find_resource(shipped) if path is None else Path(path)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InputError(Problem(str(file), "", f"cannot be read: {error.strerror}")) from error
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
    from airsim.airspace.loader import read_layer

    table = read_layer(name, content, file, variant)
    areas = len(table["designator"])
    ring_area = np.repeat(np.arange(areas, dtype=np.int32), np.diff(table["ring_start"]))
    rings = (table["lonlat"], table["vertex_start"], ring_area)
    arrangement = arrange_edges(*rings)
    index = build_index(arrangement, *rings, areas)
    layer = Layer(name=name, content_hash=digest, arrangement=arrangement, index=index, **table)
    for array in _arrays(layer).values():
        array.flags.writeable = False
    return layer


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
        if folder.exists() and _read_cached(folder, layer.content_hash) is None:
            shutil.rmtree(folder)  # damaged; a good one comes from another process
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
