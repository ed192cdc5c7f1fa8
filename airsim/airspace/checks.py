"""Checks of the shipped geodata, for ``airsim data check``: papers, topology, places, edges.

Nothing here is needed to answer a question; geopandas is not needed either, but pyarrow and pyproj
are, so they are imported where they are used.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
import tomli
from numpy.typing import NDArray

from airsim.base import STATE_CODES, find_resource, parse_instant
from airsim.geodesy import unit_vectors

EDGE_LIMIT_NM = 0.02
STRIP_LEAST_NM = 6.0
GAP_LEAST_NM = 0.25
OVERLAP_MOST_NM = 0.05
RIGHTS = ("stated", "package-only", "unclear")
MANIFEST_KEYS = (
    "path", "title", "source", "registry", "edition", "licence", "rights", "attribution",
    "build", "versions", "sha256", "content_hash",
)  # fmt: skip
QUALITIES = {
    "territory": frozenset({"published", "derived"}),
    "fir": frozenset({"published", "derived", "approximate", "national"}),
    "zones": frozenset({"published", "derived", "approximate", "synthetic"}),
}
_COMMON = ("designator", "name", "quality", "source", "edition", "valid_from", "valid_to")
_EXTRA = {
    "territory": ("sovereign", "eu_territory"),
    "fir": ("state", "contains_firs"),
    "zones": ("lower_limit", "upper_limit", "variant", "kind"),
}
_SPDX = re.compile(r"[A-Za-z0-9.+-]+( (AND|OR|WITH) [A-Za-z0-9.+-]+)*")
_DESIGNATOR = {"territory": r"[A-Z]{2}", "fir": r"[A-Z]{4}|[A-Z]{2}\*", "zones": r"[A-Z0-9-]{3,}"}
_EARTH_NM = 3440.065
_SHOWN = 5
# Where (lon, lat), whose, whether EU territory, and what a wrong answer would mean.
_PLACES: tuple[tuple[float, float, str, bool, str], ...] = (
    (34.10, 44.95, "UA", False, "Crimea is not Russian"),
    (33.50, 44.50, "UA", False, "nor is its sea"),
    (20.50, 54.71, "RU", False, "Kaliningrad"),
    (-13.20, 27.15, "EH", False, "Western Sahara is not Moroccan"),
    (33.36, 35.20, "CY", True, "northern Nicosia is EU territory"),
    (32.98, 34.59, "GB", False, "Akrotiri"),
    (33.74, 34.99, "GB", False, "Dhekelia"),
    (21.16, 42.66, "XK", False, "Kosovo stands alone"),
    (19.94, 60.10, "AX", True, "Aland is EU territory"),
    (-6.77, 62.01, "FO", False, "the Faroes are not"),
    (-51.70, 64.18, "GL", False, "nor Greenland"),
    (15.60, 78.22, "SJ", False, "nor Svalbard"),
    (-52.33, 4.92, "GF", True, "French Guiana is EU territory"),
    (55.45, -20.90, "RE", True, "so is Reunion"),
    (45.22, -12.80, "YT", True, "and Mayotte"),
    (-62.83, 17.90, "BL", False, "Saint Barthelemy is not"),
    (-149.56, -17.55, "PF", False, "nor French Polynesia"),
    (-109.22, 10.30, "FR", False, "nor Clipperton, though French"),
    (-15.40, 28.10, "ES", True, "Canaries"),
    (-5.32, 35.89, "ES", True, "Ceuta"),
    (-25.67, 37.74, "PT", True, "Azores"),
    (114.17, 22.30, "HK", False, "Hong Kong stands alone"),
    (121.55, 25.05, "TW", False, "so does Taiwan"),
    (166.63, 19.30, "UM", False, "Wake"),
    (-79.50, -9.00, "", False, "30 NM off Peru is high seas"),
    (-83.00, -1.50, "", False, "so are 100 NM off Ecuador"),
    (-90.60, -0.50, "EC", False, "Galapagos inside the straight baselines"),
    (0.0, -90.0, "AQ", False, "South Pole"),
    (0.0, 90.0, "", False, "North Pole is high seas"),
    (25.0, 59.80, "", False, "Gulf of Finland"),
    (-180.0, 68.5, "RU", False, "Chukotka west of the date line"),
    (180.0, 68.5, "RU", False, "and east of it"),
)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check.

    Parameters
    ----------
    name : str
        What is proved.
    ok : bool
        Whether it holds.
    detail : str
        What was counted or measured; what is wrong.
    """

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class _Table:
    """A layer file: its columns as Python lists, and its shapes."""

    name: str
    columns: dict[str, list[Any]]
    shapes: NDArray[np.object_]

    def label(self, row: int | np.integer[Any]) -> str:
        """Designator, and what tells it from others of the same."""
        names = ("designator", "valid_from", "variant")
        return " ".join(str(self.columns[n][row]) for n in names if n in self.columns).strip()


def check_data() -> list[CheckResult]:
    """Check everything in ``geodata``: papers, layers, places, edges and the sea corridor.

    Returns
    -------
    list of CheckResult
        In a fixed order. A layer file that is missing gives one result that does not hold.

    Notes
    -----
    Takes seconds; reads every file. Great-circle figures are on a sphere of mean radius, areas and
    the corridor on WGS84.
    """
    folder = find_resource("geodata")
    results = check_manifest(folder)
    for name in ("territory", "fir", "zones"):
        path = folder / f"{name}.parquet"
        if path.exists():
            results += check_layer(path)
        else:
            results.append(CheckResult(f"{name}: file", False, f"{path.name} is missing"))
    if (folder / "basemap.parquet").exists():
        results.append(_check_base_map(folder / "basemap.parquet"))
    return results


def check_layer(path: Path) -> list[CheckResult]:
    """Check one layer file.

    Parameters
    ----------
    path : pathlib.Path
        ``territory.parquet``, ``fir.parquet`` or ``zones.parquet``; the name says which.

    Returns
    -------
    list of CheckResult
        Only the first if the columns are not as they should be.
    """
    table = _read_table(path)
    results = _check_rows(table)
    if not results[0].ok:
        return results
    results += _check_shapes(table)
    if table.name == "territory":
        results += _check_territory(table)
    elif table.name == "fir":
        results.append(_check_fir_overlaps(table))
    else:
        results.append(_check_zone_variants(table))
    return results


# -- papers ------------------------------------------------------------------------------------


def hash_file(path: Path) -> str:
    """SHA-256 of a file; text files with Unix line ends, whatever the checkout made of them."""
    data = path.read_bytes()
    if path.suffix != ".parquet":
        data = data.replace(b"\r\n", b"\n")
    return hashlib.sha256(data).hexdigest()


def hash_content(path: Path) -> str:
    """SHA-256 of what a file says: for Parquet the values, not the way they are packed."""
    if path.suffix != ".parquet":
        return hash_file(path)
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    digest = hashlib.sha256()
    for name in sorted(table.column_names):
        digest.update(f"{name}\n".encode())
        for value in table[name].to_pylist():
            data = value if isinstance(value, bytes) else repr(value).encode()
            digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()


def list_data_files(folder: Path) -> list[str]:
    """Files that need papers, relative to the folder: all data, and typed inputs of builds."""
    found = [
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.suffix in {".parquet", ".csv", ".toml", ".json", ".geojson", ".npz"}
    ]
    return sorted(set(found) - {"MANIFEST.toml"})


def check_manifest(folder: Path) -> list[CheckResult]:
    """Check that each data file has papers and that each paper's hashes hold.

    Parameters
    ----------
    folder : pathlib.Path
        Folder with ``MANIFEST.toml``.

    Returns
    -------
    list of CheckResult
    """
    manifest = folder / "MANIFEST.toml"
    if not manifest.exists():
        return [CheckResult("manifest: file", False, "MANIFEST.toml is missing")]
    entries = tomli.loads(manifest.read_text(encoding="utf-8")).get("file", [])
    paths = [str(entry.get("path", "")) for entry in entries]
    files = list_data_files(folder)
    missing = [f"{p}: no entry" for p in files if p not in paths]
    missing += [f"{p}: no file" for p in paths if not (folder / p).is_file()]
    missing += [f"{p}: two entries" for p in sorted(set(paths)) if paths.count(p) > 1]
    wrong = []
    for entry in entries:
        path = entry.get("path", "")
        lacks = [key for key in MANIFEST_KEYS if not isinstance(entry.get(key), str)]
        if lacks:
            wrong.append(f"{path}: lacks {' '.join(lacks)}")
            continue
        if not _SPDX.fullmatch(entry["licence"]):
            wrong.append(f"{path}: licence {entry['licence']!r} is no SPDX expression")
        if entry["rights"] not in RIGHTS:
            wrong.append(f"{path}: rights {entry['rights']!r}")
        if entry["build"] and not (folder / entry["build"]).is_file():
            wrong.append(f"{path}: no build script {entry['build']}")
        if not (entry["title"] and entry["source"] and entry["edition"]):
            wrong.append(f"{path}: empty title, source or edition")
        if not entry["attribution"] and "ODbL" in entry["licence"]:
            wrong.append(f"{path}: ODbL needs an attribution")
    changed = [
        f"{entry['path']}: {key} differs"
        for entry in entries
        if (folder / str(entry.get("path", ""))).is_file()
        for key, compute in (("sha256", hash_file), ("content_hash", hash_content))
        if entry.get(key) != compute(folder / entry["path"])
    ]
    return [
        _found("manifest: every data file has one entry", missing, f"{len(files)} files"),
        _found("manifest: source, licence and rights are stated", wrong, f"{len(entries)} entries"),
        _found("manifest: hashes match", changed, f"{len(entries)} entries"),
    ]


# -- rows and shapes ---------------------------------------------------------------------------


def _read_table(path: Path) -> _Table:
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    columns = {name: table[name].to_pylist() for name in table.column_names}
    wkb = np.array(columns.pop("geometry", []), dtype=object)
    return _Table(path.stem, columns, shapely.from_wkb(wkb))


def _check_rows(table: _Table) -> list[CheckResult]:
    """Columns, closed lists, dates."""
    name, columns, rows = table.name, table.columns, len(table.shapes)
    wanted = (*_COMMON, *_EXTRA[name])
    lacking = [c for c in wanted if c not in columns]
    typed = {"eu_territory": bool, "lower_limit": int, "upper_limit": int}
    wrong_type = [
        c
        for c in set(wanted) - set(lacking)
        if not all(isinstance(v, typed.get(c, str)) for v in columns[c])
    ]
    shape = CheckResult(
        f"{name}: columns",
        not lacking and not wrong_type and rows > 0,
        f"{rows} rows" + "".join(f"; lacks {c}" for c in lacking)
        + "".join(f"; wrong type in {c}" for c in sorted(wrong_type)),
    )  # fmt: skip
    if not shape.ok:
        return [shape]
    bad = []
    for row in range(rows):
        value = {c: columns[c][row] for c in wanted}
        label = table.label(row)
        if not re.fullmatch(_DESIGNATOR[name], value["designator"]):
            bad.append(f"{label}: designator")
        if value["quality"] not in QUALITIES[name]:
            bad.append(f"{label}: quality {value['quality']!r}")
        if not value["source"]:
            bad.append(f"{label}: no source")
        bad += [
            f"{label}: {column} {value[column]!r}"
            for column in ("sovereign", "state")
            if column in value and value[column] not in STATE_CODES | {""}
        ]
        if "lower_limit" in value and not 0 <= value["lower_limit"] < value["upper_limit"] <= 99999:
            bad.append(f"{label}: levels")
        if not _is_period(value["valid_from"], value["valid_to"]):
            bad.append(f"{label}: valid {value['valid_from']!r} to {value['valid_to']!r}")
    return [shape, _found(f"{name}: values come from the closed lists", bad, f"{rows} rows")]


def _is_period(start: str, end: str) -> bool:
    try:
        stamps = [parse_instant(text) for text in (start, end) if text]
    except ValueError:
        return False
    return all(text == "" or text.endswith("Z") for text in (start, end)) and (
        len(stamps) < 2 or stamps[0] < stamps[1]
    )


def _check_shapes(table: _Table) -> list[CheckResult]:
    """Valid polygons, coordinates in range, edges that plane and great circle agree on."""
    name, shapes = table.name, table.shapes
    polygonal = np.isin(shapely.get_type_id(shapes), (3, 6)) & ~shapely.is_empty(shapes)
    valid = polygonal & shapely.is_valid(shapes)
    bad = [
        f"{table.label(r)}: {shapely.is_valid_reason(shapes[r])}" for r in np.flatnonzero(~valid)
    ]
    lonlat, row = shapely.get_coordinates(shapes, return_index=True)
    outside = row[~((np.abs(lonlat[:, 0]) <= 180.0) & (np.abs(lonlat[:, 1]) <= 90.0))]
    bad += [f"{table.label(r)}: coordinates out of range" for r in np.unique(outside)]
    start, end, owner = _list_edges(shapes)
    gap = measure_edge_gaps(start, end)
    wide = [
        f"{table.label(owner[e])}: {gap[e]:.3f} NM at {start[e].round(2).tolist()}"
        for e in np.argsort(-gap)[:_SHOWN]
        if gap[e] > EDGE_LIMIT_NM
    ]
    most = float(gap.max(initial=0.0))
    return [
        _found(f"{name}: polygons are valid and in range", bad, f"{len(lonlat)} vertices"),
        _found(
            f"{name}: edges mean the same in the plane and on the sphere",
            wide,
            f"{len(gap)} edges, at most {most:.4f} NM apart (limit {EDGE_LIMIT_NM})",
        ),
    ]


def _list_edges(
    shapes: NDArray[np.object_],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Start and end of every edge (E, 2), and its row."""
    parts, part_row = shapely.get_parts(shapes, return_index=True)
    rings, ring_part = shapely.get_rings(parts, return_index=True)
    lonlat, ring = shapely.get_coordinates(rings, return_index=True)
    kept = ring[:-1] == ring[1:]
    return lonlat[:-1][kept], lonlat[1:][kept], part_row[ring_part[ring[:-1][kept]]]


def measure_edge_gaps(start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
    """Widest distance of the straight lon/lat line from the great circle through its ends.

    Parameters
    ----------
    start, end : (E, 2) float64
        Degrees (lon, lat); edges do not cross 180.

    Returns
    -------
    (E,) float64
        NM. Ends in one place on the sphere (all along a pole) give 0.
    """
    normal = np.cross(unit_vectors(start[:, 0], start[:, 1]), unit_vectors(end[:, 0], end[:, 1]))
    length = np.linalg.norm(normal, axis=1)
    normal /= np.where(length > 1e-12, length, np.inf)[:, None]
    gap = np.zeros(len(start))
    for share in np.linspace(0.1, 0.9, 9):
        between = start + share * (end - start)
        across = np.einsum("ij,ij->i", unit_vectors(between[:, 0], between[:, 1]), normal)
        gap = np.maximum(gap, np.abs(across))
    widest: NDArray[np.float64] = np.arcsin(np.minimum(gap, 1.0)) * _EARTH_NM
    return widest


# -- territory ---------------------------------------------------------------------------------


def _check_territory(table: _Table) -> list[CheckResult]:
    shapes, codes = table.shapes, table.columns["designator"]
    # Also proves that neighbours have the same vertices along their common border.
    exact = bool(shapely.coverage_is_valid(shapes))
    faults = [] if exact else _name_faults(table)
    joined = shapely.coverage_union_all(shapes) if exact else shapely.MultiPolygon()
    holes = [shapely.Polygon(r) for part in shapely.get_parts(joined) for r in part.interiors]
    widths = np.array([_width_nm(hole) for hole in holes])
    thin = [
        f"{width:.3f} NM wide at {np.round(hole.centroid.coords[0], 3).tolist()}"
        for hole, width in zip(holes, widths, strict=True)
        if width < GAP_LEAST_NM
    ]
    if not exact:
        thin = ["cannot be measured where borders are not exact"]
    absent = sorted(STATE_CODES - set(codes))
    return [
        _found("territory: neighbours share exact borders and never overlap", faults,
               f"{len(shapes)} rows form one coverage"),
        _found("territory: no gap between neighbours is mere noise", thin,
               f"{len(holes)} enclosed high seas, narrowest {widths.min(initial=np.inf):.2f} NM"
               f" on average (limit {GAP_LEAST_NM})"),
        _found("territory: every State is there", absent, f"{len(set(codes))} designators"),
        _check_places(table),
        _check_seam(table),
        _check_strip(table),
    ]  # fmt: skip


def _name_faults(table: _Table) -> list[str]:
    edges = shapely.coverage_invalid_edges(table.shapes)
    return [
        f"{table.label(r)} near {np.round(shapely.get_coordinates(edges[r])[0], 3).tolist()}"
        for r in np.flatnonzero(~shapely.is_empty(edges))
    ]


def _width_nm(shape: shapely.Geometry) -> float:
    """Mean width: twice the area by the perimeter."""
    from pyproj import Geod

    area_m2, perimeter_m = Geod(ellps="WGS84").geometry_area_perimeter(shape)
    return float(2.0 * abs(area_m2) / perimeter_m / 1852.0)


def _check_places(table: _Table) -> CheckResult:
    """Points whose owner is known, poles and both sides of the date line among them."""
    points = shapely.points([(lon, lat) for lon, lat, *_ in _PLACES])
    at, row = shapely.STRtree(table.shapes).query(points, predicate="intersects")
    wrong = []
    for place, (lon, lat, code, in_union, why) in enumerate(_PLACES):
        rows = row[at == place]
        seen = {(table.columns["designator"][r], table.columns["eu_territory"][r]) for r in rows}
        wanted = {(code, in_union)} if code else set()
        if seen != wanted:
            wrong.append(f"{why} ({lon}, {lat}): {sorted(seen)}")
    name = "territory: known places belong where they should"
    return _found(name, wrong, f"{len(_PLACES)} places")


def _check_seam(table: _Table) -> CheckResult:
    """Borders on 180 degrees: as long on one side as on the other, State by State."""
    start, end, owner = _list_edges(table.shapes)
    on = (np.abs(start[:, 0]) == 180.0) & (start[:, 0] == end[:, 0])
    reach: dict[float, dict[str, float]] = {180.0: {}, -180.0: {}}
    for lon, south, north, row in zip(
        start[on, 0], start[on, 1], end[on, 1], owner[on], strict=True
    ):
        side, code = reach[float(lon)], table.columns["designator"][row]
        side[code] = side.get(code, 0.0) + abs(north - south)
    uneven = [
        f"{code}: {reach[180.0].get(code, 0.0):.5f} and {reach[-180.0].get(code, 0.0):.5f} degrees"
        for code in sorted(set(reach[180.0]) | set(reach[-180.0]))
        if abs(reach[180.0].get(code, 0.0) - reach[-180.0].get(code, 0.0)) > 1e-9
    ]
    names = " ".join(sorted(reach[180.0]))
    return _found("territory: both sides of the date line meet", uneven, names)


def measure_strip_nm(union_shapes: NDArray[np.object_]) -> float:
    """Narrowest place of the way St Petersburg - Kaliningrad outside EU territory.

    Parameters
    ----------
    union_shapes : array of shapely geometry
        Territory of the European Union, degrees.

    Returns
    -------
    float
        NM, rounded down to 0.01; 0 if there is no way. The widest disc that can travel from
        (29.0 E, 60.0 N) to (19.9 E, 54.95 N), by erosion in an azimuthal equal-area plane.
    """
    from pyproj import Transformer

    plane = Transformer.from_crs(
        "OGC:CRS84", "+proj=laea +lat_0=58 +lon_0=24 +ellps=WGS84", always_xy=True
    )

    def project(lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(plane.transform(lonlat[:, 0], lonlat[:, 1]))

    frame = shapely.segmentize(shapely.box(17.5, 54.0, 30.5, 61.0), 0.05)
    near = union_shapes[shapely.intersects(union_shapes, frame)]
    closed = shapely.intersection(shapely.union_all(near), frame)
    open_sea = shapely.difference(
        shapely.transform(frame, project), shapely.transform(closed, project)
    )
    ends = shapely.transform(shapely.points([(29.0, 60.0), (19.9, 54.95)]), project)
    low, high = 0, 2000  # hundredths of a mile
    while high - low > 1:
        middle = (low + high) // 2
        rest = shapely.get_parts(shapely.buffer(open_sea, -middle / 100.0 * 926.0, quad_segs=32))
        if bool((shapely.intersects(rest, ends[0]) & shapely.intersects(rest, ends[1])).any()):
            low = middle
        else:
            high = middle
    return low / 100.0


def _check_strip(table: _Table) -> CheckResult:
    width = measure_strip_nm(table.shapes[np.array(table.columns["eu_territory"])])
    return CheckResult(
        "territory: the Gulf of Finland stays open",
        width >= STRIP_LEAST_NM,
        f"(29.0 E, 60.0 N) to (19.9 E, 54.95 N) clear of EU territory: narrowest {width:.2f} NM"
        f" (least {STRIP_LEAST_NM})",
    )


# -- FIRs, zones, base map ---------------------------------------------------------------------


def _check_fir_overlaps(table: _Table) -> CheckResult:
    """Regions valid at the same time may share slivers of digitising, no more."""
    shapes, columns = table.shapes, table.columns
    one, other = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    one, other = one[one < other], other[one < other]
    shared = shapely.intersection(shapes[one], shapes[other])
    found = []
    for pair in np.flatnonzero(shapely.area(shared) > 1e-6):
        a, b = int(one[pair]), int(other[pair])
        width = _width_nm(shared[pair])
        if width > OVERLAP_MOST_NM and _overlap_in_time(columns, a, b):
            found.append(f"{table.label(a)} and {table.label(b)}: {width:.2f} NM wide")
    return _found("fir: regions valid at one time do not overlap", found, f"{len(one)} neighbours")


def _overlap_in_time(columns: dict[str, list[Any]], a: int, b: int) -> bool:
    starts = [columns["valid_from"][r] for r in (a, b)]
    ends = [columns["valid_to"][r] for r in (b, a)]
    return all(
        not start or not end or parse_instant(start) < parse_instant(end)
        for start, end in zip(starts, ends, strict=True)
    )


def _check_zone_variants(table: _Table) -> CheckResult:
    """Every zone has its nominal outline, and variants only grow or shrink it."""
    by_key: dict[tuple[str, str], dict[str, int]] = {}
    bad = []
    for row, variant in enumerate(table.columns["variant"]):
        key = table.columns["designator"][row], table.columns["valid_from"][row]
        if variant not in ("nominal", "plus30", "minus30"):
            bad.append(f"{key[0]}: variant {variant!r}")
        if variant in by_key.setdefault(key, {}):
            bad.append(f"{key[0]}: {variant} twice")
        by_key[key][variant] = row
    for (code, _), rows in by_key.items():
        if "nominal" not in rows:
            bad.append(f"{code}: no nominal outline")
        order = [rows[v] for v in ("minus30", "nominal", "plus30") if v in rows]
        areas = shapely.area(table.shapes[order])
        if (np.diff(areas) < 0).any():
            bad.append(f"{code}: variants do not grow")
    return _found("zones: variants are complete and in order", bad, f"{len(by_key)} zones")


def _check_base_map(path: Path) -> CheckResult:
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    shapes = shapely.from_wkb(np.array(table["geometry"].to_pylist(), dtype=object))
    kinds = table["kind"].to_pylist()
    wanted = {"land": 2, "border": 1}
    bad = [
        f"row {row}: {kind}"
        for row, (kind, size, valid) in enumerate(
            zip(kinds, shapely.get_dimensions(shapes), shapely.is_valid(shapes), strict=True)
        )
        if wanted.get(kind) != size or not valid
    ]
    bad += [f"no {kind}" for kind in wanted if kind not in kinds]
    lonlat = shapely.get_coordinates(shapes)
    if (np.abs(lonlat) > (180.0, 90.0)).any():
        bad.append("coordinates out of range")
    return _found("basemap: land and borders can be drawn", bad, f"{len(lonlat)} vertices")


def _found(name: str, problems: Sequence[str] | Iterable[str], counted: str) -> CheckResult:
    """Hold if nothing was found; else show the first few."""
    listed = list(problems)
    if not listed:
        return CheckResult(name, True, counted)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return CheckResult(name, False, "; ".join(listed[:_SHOWN]) + more)
