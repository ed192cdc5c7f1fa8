"""The shipped flight information regions: where they are, since when, how well they are known."""

from __future__ import annotations

import csv
import sys

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point

from airsim.airspace.outlines import largest_deviation_nm
from airsim.base import STATE_CODES, find_resource, parse_instant
from airsim.geodesy import interpolate_arc, lonlat_from_vectors, unit_vectors

COLUMNS = ["designator", "name", "quality", "source", "edition", "valid_from", "valid_to", "state",
           "contains_firs", "geometry"]  # fmt: skip
QUALITIES = {"published", "derived", "approximate", "national"}
NOW = "2026-01-01T00:00:00Z"


@pytest.fixture(scope="module")
def firs() -> gpd.GeoDataFrame:
    return gpd.read_parquet(find_resource("geodata/fir.parquet"))


def valid(firs: gpd.GeoDataFrame, at: str) -> gpd.GeoDataFrame:
    return firs[(firs.valid_from <= at) & ((firs.valid_to == "") | (firs.valid_to > at))]


def at(firs: gpd.GeoDataFrame, lon: float, lat: float, when: str = NOW) -> set[str]:
    rows = valid(firs, when)
    return set(rows[rows.geometry.contains(Point(lon, lat))].designator)


def test_rows_are_complete_and_honest(firs):
    assert list(firs.columns) == COLUMNS
    assert set(firs.quality) == QUALITIES
    assert firs.geometry.is_valid.all()
    assert (firs.source.str.len() > 20).all()
    assert (firs.edition != "").all()
    assert set(firs.state) <= STATE_CODES
    for column in ("valid_from", "valid_to"):
        for text in firs[column]:
            assert text == "" or parse_instant(text)
    national = firs.designator.str.endswith("*")
    assert (firs[national].quality == "national").all()
    assert set(firs[~national].designator.str.fullmatch("[A-Z]{4}")) == {True}
    west, south, east, north = firs.total_bounds
    assert (west, east) == (-180.0, 180.0)
    assert -90.0 <= south < north <= 90.0


def test_every_edge_is_a_great_circle_to_within_a_fiftieth_of_a_mile(firs):
    assert max(map(largest_deviation_nm, firs.geometry)) < 0.02


def test_no_two_rows_overlap_at_one_instant(firs):
    for when in ("2021-06-01T00:00:00Z", "2023-01-01T00:00:00Z", NOW):
        rows = valid(firs, when)
        shapes = rows.geometry.to_numpy()
        a, b = shapely.STRtree(shapes).query(shapes, predicate="intersects")
        a, b = a[a < b], b[a < b]
        shared = shapely.area(shapely.intersection(shapes[a], shapes[b])) * 111.2**2
        worst = int(np.argmax(shared))
        names = rows.designator.to_numpy()
        assert shared[worst] < 0.1, (names[a[worst]], names[b[worst]])


@pytest.mark.parametrize(
    ("place", "lon", "lat", "designator"),
    [
        ("Minsk", 28.03, 53.88, "UMMV"),
        ("Kaliningrad", 20.59, 54.89, "UMKK"),
        ("St Petersburg", 30.26, 59.80, "ULLL"),
        ("Moscow", 37.41, 55.97, "UUWV"),
        ("Sochi", 39.95, 43.45, "URRV"),
        ("Samara", 50.16, 53.50, "UWWW"),
        ("Yekaterinburg", 60.80, 56.74, "USSV"),
        ("Tyumen", 65.32, 57.18, "USTV"),
        ("Novosibirsk", 82.65, 55.01, "UNNT"),
        ("Krasnoyarsk", 92.49, 56.17, "UNKL"),
        ("Irkutsk", 104.39, 52.27, "UIII"),
        ("Yakutsk", 129.77, 62.09, "UEEE"),
        ("Khabarovsk", 135.19, 48.53, "UHHH"),
        ("Magadan", 150.72, 59.91, "UHMM"),
        ("Anadyr", 177.74, 64.73, "UHMM"),
        ("Kyiv", 30.89, 50.34, "UKBV"),
        ("Lviv", 23.96, 49.81, "UKLV"),
        ("Odesa", 30.68, 46.43, "UKOV"),
        ("Dnipro", 35.10, 48.36, "UKDV"),
        ("Simferopol", 33.97, 45.05, "UKFV"),
        ("Chisinau", 28.93, 46.93, "LUUU"),
        ("Warsaw", 20.97, 52.17, "EPWW"),
        ("Vilnius", 25.29, 54.63, "EYVL"),
        ("Riga", 23.97, 56.92, "EVRR"),
        ("Tallinn", 24.83, 59.41, "EETT"),
        ("Helsinki", 24.96, 60.32, "EFIN"),
        ("Stockholm", 17.92, 59.65, "ESAA"),
        ("Ankara", 32.99, 40.13, "LTAA"),
        ("Istanbul", 28.75, 41.26, "LTBB"),
        ("Tbilisi", 44.95, 41.67, "UGGG"),
        ("Yerevan", 44.40, 40.15, "UDDD"),
        ("Baku", 50.05, 40.47, "UBBA"),
        ("Tehran", 51.15, 35.42, "OIIX"),
        ("Baghdad", 44.23, 33.26, "ORBB"),
        ("Tel Aviv", 34.89, 32.01, "LLLL"),
        ("Amman", 35.99, 31.72, "OJAC"),
        ("Beirut", 35.49, 33.82, "OLBB"),
        ("Damascus", 36.52, 33.41, "OSTT"),
        ("Kabul", 69.21, 34.57, "OAKX"),
        ("Tripoli", 13.16, 32.66, "HLLL"),
        ("Khartoum", 32.55, 15.59, "HSSS"),
        ("Sanaa", 44.22, 15.48, "OYSC"),
        ("Dushanbe", 68.82, 38.54, "UTDD"),
        ("Tashkent", 69.28, 41.26, "UZ*"),
        ("Almaty", 77.04, 43.35, "KZ*"),
        ("Ashgabat", 58.36, 37.99, "TM*"),
        ("Urumqi", 87.47, 43.91, "CN*"),
        ("Reykjavik", -22.61, 63.99, "BIRD"),
        ("New York", -73.78, 40.64, "KZNY"),
        ("Honolulu", -157.92, 21.32, "PHZH"),
        ("Anchorage", -149.99, 61.17, "PAZA"),
        ("Seoul", 126.45, 37.46, "RKRR"),
        ("Hong Kong", 113.91, 22.31, "VHHK"),
        ("Toronto", -79.63, 43.68, "CA*"),
    ],
)
def test_places_lie_in_their_region_and_in_no_other(firs, place, lon, lat, designator):
    assert at(firs, lon, lat) == {designator}, place


@pytest.mark.parametrize(
    ("sea", "lon", "lat", "among"),
    [
        ("Black Sea off Odesa, high seas", 30.5, 45.0, {"UKOV", "LRBB"}),
        ("Black Sea off Crimea, high seas", 34.0, 43.5, {"UKFV"}),
        ("Black Sea off Sochi, high seas", 38.9, 43.2, {"URRV"}),
        ("Gulf of Finland strip between Estonia and Finland", 25.58, 59.877, {"EFIN", "EETT"}),
        ("Baltic off Kaliningrad, high seas", 19.2, 55.3, {"UMKK"}),
        ("mid Caspian, Russian side", 49.0, 43.6, {"URRV"}),
        ("Persian Gulf off Bushehr", 50.3, 28.4, {"OIIX"}),
        ("Mediterranean north of Tripoli", 14.0, 34.0, {"HLLL", "LMMM"}),
        ("Red Sea off Jeddah", 38.5, 21.5, {"OEJD"}),
        ("Chukchi Sea, Alaskan side", -165.0, 70.0, {"PAZA"}),
        ("North Pole, Canadian side", -100.0, 89.9, {"CA*"}),
        ("North Pole, Russian side", 100.0, 89.9, {"ULLL"}),
        ("North Pole, Alaskan side", -155.0, 89.9, {"PAZA"}),
        ("mid Pacific at the date line", 179.9, 25.0, {"KZAK"}),
        ("mid Pacific at the date line", -179.9, 25.0, {"KZAK"}),
    ],
)
def test_high_seas_that_a_region_covers(firs, sea, lon, lat, among):
    found = at(firs, lon, lat)
    assert len(found) == 1, sea
    assert found <= among, sea


def test_unknown_high_seas_have_no_row(firs):
    for lon, lat in ((75.0, -20.0), (-20.0, -20.0), (-100.0, -30.0), (150.0, 35.0)):
        assert at(firs, lon, lat) == set()


def test_doha_is_bahrain_until_8_september_2022_and_in_the_north_until_2025(firs):
    city, north = (51.6, 25.27), (52.8, 26.2)
    assert at(firs, *city, when="2022-09-07T23:59:59Z") == {"OBBB"}
    assert at(firs, *city, when="2022-09-08T00:00:00Z") == {"OTDF"}
    assert at(firs, *north, when="2023-01-01T00:00:00Z") == {"OBBB"}
    assert at(firs, *north, when=NOW) == {"OTDF"}
    assert at(firs, 50.63, 26.27, when="2021-01-01T00:00:00Z") == {"OBBB"}  # Bahrain
    assert at(firs, 50.63, 26.27, when=NOW) == {"OBBB"}


def test_ukraine_has_its_five_regions_with_the_sea(firs):
    rows = firs[firs.designator.isin(["UKBV", "UKDV", "UKFV", "UKLV", "UKOV"])]
    assert len(rows) == 5
    assert set(rows.quality) == {"published"}
    territory = gpd.read_parquet(find_resource("geodata/territory.parquet"))
    own = territory[territory.designator == "UA"].geometry.union_all()
    whole = rows.geometry.union_all()
    assert own.difference(whole).area * 111.2**2 * 0.66 < 0.005 * 600_000.0
    assert whole.difference(own).area * 111.2**2 * 0.7 > 60_000.0


def test_parallels_of_iceland_run_along_the_parallel(firs):
    iceland = firs[firs.designator == "BIRD"].geometry.iloc[0]
    for lon in range(-29, 0, 3):
        assert iceland.boundary.distance(Point(lon, 61.0)) < 1e-4
    for lon in range(-19, 0, 3):
        assert iceland.boundary.distance(Point(lon, 73.0)) < 1e-4
    # the leg 6330N03900W - 7000N02000W is a great circle
    middle = interpolate_arc(unit_vectors(-39.0, 63.5), unit_vectors(-20.0, 70.0), np.array(0.5))
    lon, lat = (float(v) for v in lonlat_from_vectors(middle))
    assert iceland.boundary.distance(Point(lon, lat)) < 1e-3


# rings of these regions share inner edges; borders and stronger lists overrule single points
INNER = {"KZMA", "KZHU", "PAZA", "KZNY"}


def test_every_official_point_lies_on_its_region_limit(firs):
    limits = {
        name: shapely.union_all([g.boundary for g in rows.geometry])
        for name, rows in firs.groupby("designator")
    }
    with find_resource("geodata/fir-points.csv").open(encoding="utf-8", newline="") as stream:
        rows = [r for r in csv.DictReader(stream) if r["kind"] == "point"]
    rows = [r for r in rows if r["designator"] not in INNER | {"BIRD-OCA"}]
    assert len(rows) > 1000
    off = {
        (r["designator"], r["order"]): limits[r["designator"]].distance(point) * 60.0
        for r in rows
        if abs((point := Point(float(r["lon"]), float(r["lat"]))).y) < 90.0
    }
    # NM: where a list says "along the border", the border is drawn elsewhere (Golan, Qatar)
    assert max(nm for (name, _), nm in off.items() if name != "OSTT") < 2.0
    assert max(off.values()) < 10.0
    assert sum(nm > 0.1 for nm in off.values()) < 0.01 * len(off)


@settings(max_examples=200, deadline=None)
@given(share=st.floats(0, 1), index=st.integers(0, 10_000))
def test_all_sovereign_territory_lies_in_a_region(share, index):
    points, found = _territory_points()
    assert found[index % len(points)] == 1, points[index % len(points)]


def _territory_points(cache: dict = {}) -> tuple[np.ndarray, np.ndarray]:  # noqa: B006 once a run
    if not cache:
        firs = valid(gpd.read_parquet(find_resource("geodata/fir.parquet")), NOW)
        territory = gpd.read_parquet(find_resource("geodata/territory.parquet"))
        random = np.random.default_rng(20221)
        points = []
        for shape in territory.geometry:
            west, south, east, north = shape.bounds
            xy = random.uniform((west, south), (east, north), (200, 2))
            inside = shapely.points(xy)[shapely.contains_xy(shape, xy[:, 0], xy[:, 1])]
            points.extend(inside[:30])
        points = np.array(points)
        tree = shapely.STRtree(firs.geometry.to_numpy())
        hit, _ = tree.query(points, predicate="within")
        cache["points"] = points
        cache["found"] = np.bincount(hit, minlength=len(points))
    return cache["points"], cache["found"]


def test_agreement_figures_name_their_reference_and_cover_the_layer(firs):
    lines = find_resource("geodata/fir-agreement.csv").read_text(encoding="utf-8").splitlines()
    assert "CC BY-SA 4.0" in lines[0]
    rows = list(csv.DictReader(lines[1:]))
    assert {r["designator"] for r in rows} == set(valid(firs, "2026-08-01T00:00:00Z").designator)
    measured = {r["designator"]: float(r["iou"]) for r in rows if r["iou"]}
    for name in ("UMMV", "UMKK", "ULLL", "OIIX", "ORBB", "OAKX", "EETT", "EFIN", "UKDV", "KZ*"):
        assert measured[name] > 0.93, name


def test_agreement_is_one_with_itself(tmp_path, firs):
    folder = find_resource("geodata") / "build"
    if not (folder / "fir_agreement.py").exists():
        pytest.skip("the build scripts are not in this installation")
    sys.path.insert(0, str(folder))
    try:
        import fir_agreement
    finally:
        sys.path.remove(str(folder))
    some = firs[firs.designator.isin(["UMMV", "OAKX", "PAZA"])]
    path = tmp_path / "reference.parquet"
    some.rename(columns={"designator": "id"})[["id", "geometry"]].to_parquet(path)
    layer = fir_agreement.read_layer(find_resource("geodata/fir.parquet"), NOW)
    results = {
        r["designator"]: r["iou"]
        for r in fir_agreement.compare(layer, fir_agreement.read_reference(path))
    }
    assert results["UMMV"] == results["OAKX"] == results["PAZA"] == "1.000"
    assert results["EPWW"] == ""
