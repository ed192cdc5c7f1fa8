"""Shipped geodata: every check holds on what is shipped, and fails on what is wrong."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from airsim.airspace.checks import (
    CheckResult,
    check_data,
    check_layer,
    check_manifest,
    hash_content,
    hash_file,
    measure_edge_gaps,
    measure_strip_nm,
)
from airsim.base import find_resource, parse_instant, states_in_group

GEODATA = find_resource("geodata")
BUILD = Path(__file__).resolve().parents[1] / "geodata" / "build"
sys.path.insert(0, str(BUILD))
import basemap  # noqa: E402 (the build scripts are no package)
import topology  # noqa: E402

SHIPPED = check_data()
Rows = dict[str, list[object]]


@pytest.mark.parametrize("result", SHIPPED, ids=lambda r: r.name)
def test_shipped_data_pass(result: CheckResult) -> None:
    assert result.ok, result.detail


# -- territory ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def territory() -> Rows:
    return pq.read_table(GEODATA / "territory.parquet").to_pydict()


def shape_of(rows: Rows, code: str) -> shapely.Geometry:
    wkb = [w for w, d in zip(rows["geometry"], rows["designator"], strict=True) if d == code]
    return shapely.union_all(shapely.from_wkb(wkb))


def write_layer(folder: Path, rows: Rows) -> Path:
    path = folder / "territory.parquet"
    pq.write_table(pa.table(rows), path)
    return path


def failures(path: Path) -> dict[str, str]:
    return {r.name.partition(": ")[2]: r.detail for r in check_layer(path) if not r.ok}


def replace_shape(rows: Rows, code: str, change: object) -> Rows:
    """A copy in which the first row of a State has another shape."""
    at = rows["designator"].index(code)
    shapes = list(rows["geometry"])
    shapes[at] = shapely.to_wkb(change(shapely.from_wkb(shapes[at])))  # type: ignore[operator]
    return {**rows, "geometry": shapes}


def test_union_territory_is_the_members_and_the_outermost_regions(territory):
    flagged = {
        d
        for d, flag in zip(territory["designator"], territory["eu_territory"], strict=True)
        if flag
    }
    members = states_in_group("EU", parse_instant("2025-09-15"))
    assert flagged == members | {"AX", "GF", "GP", "MF", "MQ", "RE", "YT"}


def test_dependencies_name_their_sovereign(territory):
    sovereign = dict(zip(territory["designator"], territory["sovereign"], strict=True))
    assert sovereign["FO"] == sovereign["GL"] == "DK"
    assert sovereign["IM"] == sovereign["GI"] == sovereign["FK"] == "GB"
    assert sovereign["SJ"] == "NO" and sovereign["HK"] == "CN" and sovereign["UM"] == "US"
    assert sovereign["BY"] == "BY" and sovereign["XK"] == "XK" and sovereign["EH"] == "EH"


def test_estonian_and_finnish_belts_leave_six_miles(territory):
    # By distance, not erosion: from each point of the Finnish belt's edge to Estonian territory.
    plane = Geod(ellps="WGS84")
    window = shapely.box(23.0, 59.3, 26.0, 60.3)
    finland = shape_of(territory, "FI").intersection(window)
    estonia = shape_of(territory, "EE").intersection(window)
    stretched = [
        shapely.transform(shapely.segmentize(s, 0.002), lambda c: c * [np.cos(np.radians(59.8)), 1])
        for s in (finland, estonia)
    ]
    ends = shapely.get_coordinates(shapely.shortest_line(*stretched))
    lon, lat = ends[:, 0] / np.cos(np.radians(59.8)), ends[:, 1]
    _, _, metres = plane.inv(lon[0], lat[0], lon[1], lat[1])
    assert 6.0 <= metres / 1852 < 6.9


def test_one_broken_layer_fails_each_check_by_name(territory, tmp_path):
    rows = replace_shape(territory, "EE", lambda s: s.buffer(0.15))  # closes the Gulf of Finland
    rows = replace_shape(rows, "UA", lambda s: s.difference(shapely.box(32.2, 44.0, 36.7, 46.1)))
    rows = replace_shape(rows, "TV", lambda s: s.intersection(shapely.box(0, -20, 180, 0)))
    lone = rows["designator"].index("NR")  # an island without neighbours
    rows = {name: values[:lone] + values[lone + 1 :] for name, values in rows.items()}
    rows["valid_from"][0] = "yesterday"
    rows["quality"][1] = "hearsay"
    rows["geometry"][2] = shapely.to_wkb(shapely.box(60.0, 30.0, 70.0, 35.0))
    found = failures(write_layer(tmp_path, rows))
    assert "Gulf" in "".join(found)
    assert "narrowest 0.00" in found["the Gulf of Finland stays open"]
    assert "EE" in found["neighbours share exact borders and never overlap"]
    assert found["every State is there"] == "NR"
    assert "Crimea" in found["known places belong where they should"]
    assert "TV" in found["both sides of the date line meet"]
    assert "edges mean the same in the plane and on the sphere" in found
    assert "yesterday" in found["values come from the closed lists"]
    assert "hearsay" in found["values come from the closed lists"]


def test_missing_column_and_crossed_ring_are_told(territory, tmp_path):
    without = {name: values for name, values in territory.items() if name != "eu_territory"}
    assert "lacks eu_territory" in failures(write_layer(tmp_path, without))["columns"]
    bow = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    few = {name: values[:1] for name, values in territory.items()}
    few["geometry"] = [shapely.to_wkb(bow)]
    results = {r.name: r for r in check_layer(write_layer(tmp_path, few))}
    assert not results["territory: polygons are valid and in range"].ok


def test_strip_is_measured_in_miles():
    # Two coasts 10 NM apart along the whole way leave a strip of 10 NM; none leaves the frame open.
    north = shapely.segmentize(shapely.box(10.0, 57.0 + 5 / 60, 35.0, 63.0), 0.02)
    south = shapely.segmentize(shapely.box(10.0, 50.0, 35.0, 57.0 - 5 / 60), 0.02)
    ends = [shapely.Point(29.0, 60.0).buffer(1.0), shapely.Point(19.9, 54.95).buffer(0.9)]
    shafts = [shapely.box(28.0, 57.0, 30.0, 60.0), shapely.box(19.0, 54.95, 20.8, 57.0)]
    way = shapely.union_all([*ends, *shafts])
    coasts = np.array([north.difference(way), south.difference(way)], dtype=object)
    assert measure_strip_nm(coasts) == pytest.approx(10.0, abs=0.06)
    assert measure_strip_nm(np.array([shapely.box(10, 50, 35, 58)], dtype=object)) == 0.0


# -- edges -------------------------------------------------------------------------------------


def test_parallel_and_great_circle_part_by_the_known_distance():
    # cot(vertex) = cot(60) cos(10): the great circle rises 22.8 NM above 60 N over 20 degrees.
    start, end = np.array([[0.0, 60.0]]), np.array([[20.0, 60.0]])
    rise = np.degrees(np.arctan(np.tan(np.radians(60.0)) / np.cos(np.radians(10.0)))) - 60.0
    assert measure_edge_gaps(start, end)[0] == pytest.approx(rise * 60.0, rel=0.02)
    meridian = measure_edge_gaps(np.array([[5.0, -80.0]]), np.array([[5.0, 80.0]]))
    pole = measure_edge_gaps(np.array([[-180.0, -90.0]]), np.array([[180.0, -90.0]]))
    assert meridian[0] < 1e-6 and pole[0] < 1e-6


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(st.floats(-170, 0), st.floats(-85, 85), st.floats(0.01, 60), st.floats(-80, 80)),
)
def test_densified_edges_agree_and_are_the_same_both_ways(edge):
    lon, lat, width, lat_end = edge
    ring = np.array([[lon, lat], [lon + width, lat_end], [lon, lat]])
    dense = topology.densify_ring(ring, 0.018)
    assert measure_edge_gaps(dense[:-1], dense[1:]).max() <= 0.02
    turn = np.flatnonzero((dense == ring[1]).all(axis=1))[0]
    there, back = dense[: turn + 1], dense[turn:]
    assert np.array_equal(there, back[::-1])


def test_parallels_stay_parallels_when_densified():
    ring = np.array([[0.0, 60.0], [30.0, 60.0], [30.0, 70.0], [0.0, 60.0]])
    dense = topology.densify_ring(ring, 0.018)
    along = dense[: np.flatnonzero((dense == ring[1]).all(axis=1))[0] + 1]
    assert len(along) > 50 and (along[:, 1] == 60.0).all()


def test_ring_across_the_date_line_is_cut_there():
    ring = shapely.Polygon([(170, 60), (-170, 60), (-170, 70), (170, 70)])
    parts = basemap.split_at_seam(ring)
    assert sorted(tuple(np.round(p.bounds).astype(int)) for p in parts) == [
        (-180, 60, -170, 70),
        (170, 60, 180, 70),
    ]


def test_ring_around_the_pole_reaches_it():
    lons = np.linspace(-180, 170, 36)
    polygon = shapely.Polygon(np.column_stack([lons, np.full(36, -70.0)]))
    cap = shapely.union_all(basemap.split_at_seam(polygon))
    assert cap.bounds == (-180.0, -90.0, 180.0, -70.0)
    assert cap.area == pytest.approx(360 * 20)


# -- papers ------------------------------------------------------------------------------------


@pytest.fixture
def papers(tmp_path) -> Path:
    """A folder with one data file and its papers."""
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "make.py").write_text("")
    data = tmp_path / "things.csv"
    data.write_bytes(b"a,b\n1,2\n")
    entry = {
        "path": "things.csv",
        "title": "Things",
        "source": "Somebody",
        "registry": "",
        "edition": "2025",
        "licence": "MIT",
        "rights": "stated",
        "attribution": "",
        "build": "build/make.py",
        "versions": "",
        "sha256": hash_file(data),
        "content_hash": hash_content(data),
    }
    lines = [f'{key} = "{value}"' for key, value in entry.items()]
    (tmp_path / "MANIFEST.toml").write_text("[[file]]\n" + "\n".join(lines) + "\n")
    return tmp_path


def told(folder: Path) -> str:
    return "; ".join(r.detail for r in check_manifest(folder) if not r.ok)


def edit_manifest(folder: Path, old: str, new: str) -> None:
    path = folder / "MANIFEST.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_papers_in_order_pass(papers):
    assert told(papers) == ""


def test_line_ends_of_the_checkout_change_no_hash(papers):
    (papers / "things.csv").write_bytes(b"a,b\r\n1,2\r\n")
    assert told(papers) == ""


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('rights = "stated"', 'rights = "sure"', "rights 'sure'"),
        ('licence = "MIT"', 'licence = ""', "no SPDX"),
        ('licence = "MIT"', 'licence = "see website, ask"', "no SPDX"),
        ('licence = "MIT"', 'licence = "ODbL-1.0"', "ODbL needs an attribution"),
        ('source = "Somebody"', 'source = ""', "empty title, source or edition"),
        ('registry = ""\n', "", "lacks registry"),
        ("build/make.py", "build/gone.py", "no build script"),
        ('path = "things.csv"', 'path = "other.csv"', "other.csv: no file"),
    ],
)
def test_faults_in_papers_are_told(papers, old, new, problem):
    edit_manifest(papers, old, new)
    assert problem in told(papers)


def test_changed_or_unlisted_files_are_told(papers):
    (papers / "things.csv").write_bytes(b"a,b\n1,3\n")
    shutil.copy(papers / "things.csv", papers / "build" / "more.csv")
    assert "things.csv: sha256 differs" in told(papers)
    assert "build/more.csv: no entry" in told(papers)
    (papers / "MANIFEST.toml").unlink()
    assert "MANIFEST.toml is missing" in told(papers)


def test_content_hash_sees_values_not_packing(tmp_path):
    rows = {"name": ["a", "b"], "shape": [b"12", b"3"], "n": [1, 2]}
    one, two, three = (tmp_path / f"{n}.parquet" for n in "123")
    pq.write_table(pa.table(rows), one, compression="zstd")
    pq.write_table(pa.table(dict(reversed(rows.items()))), two, compression="none")
    pq.write_table(pa.table({**rows, "shape": [b"1", b"23"]}), three)
    assert hash_file(one) != hash_file(two)
    assert hash_content(one) == hash_content(two) != hash_content(three)
