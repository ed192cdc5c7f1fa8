"""The zone grammar, and what the shipped zones must and must not contain."""

from __future__ import annotations

import tomllib

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, box

from airsim.airspace import load_atlas
from airsim.airspace.outlines import (
    buffer_lines,
    close_ring,
    draw_circle,
    largest_deviation_nm,
    narrow_area,
    widen_area,
)
from airsim.airspace.zones import (
    VARIANTS,
    build_zones,
    find_layer_areas,
    parse_level_ft,
    write_zones,
)
from airsim.base import InputError, find_resource
from airsim.geodesy import (
    direct_geodesic,
    inverse_geodesic,
    lonlat_from_vectors,
    unit_vectors,
)

NM_KM = 1.852
SQUARE = box(10, 50, 14, 54)
NEIGHBOUR = box(14, 50, 18, 54)
TERRITORY = {"AA": SQUARE, "BB": NEIGHBOUR}


def build(shape: dict, **more: object) -> list:
    zone = {"designator": "Z", "quality": "synthetic", "source": "s", "basis": "b", "shape": shape}
    return build_zones({"zone": [zone | more]}, TERRITORY, {"FAAA": SQUARE}, file="test")


def geometry(shape: dict) -> shapely.Geometry:
    return build(shape)[0].geometry


def go(lon: float, lat: float, azimuth: float, nm: float) -> Point:
    x, y = direct_geodesic(lon, lat, azimuth, nm * NM_KM)
    return Point(float(x), float(y))


# -- shapes ----------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(
    lon=st.floats(-180, 180),
    lat=st.floats(-89.5, 89.5),
    radius=st.floats(1, 500),
    azimuth=st.floats(0, 360),
)
def test_circle_reaches_its_radius_everywhere(lon, lat, radius, azimuth):
    circle = draw_circle(lon, lat, radius)
    assert circle.is_valid
    assert circle.covers(go(lon, lat, azimuth, radius * 0.995))  # 180 is an edge of two parts
    assert not circle.covers(go(lon, lat, azimuth, radius * 1.005))
    assert largest_deviation_nm(circle) < 0.02


@settings(max_examples=30, deadline=None)
@given(
    lon=st.floats(-180, 180),
    lat=st.floats(-80, 80),
    azimuth=st.floats(0, 360),
    length=st.floats(5, 1500),
    width=st.floats(1, 100),
    side=st.sampled_from([-1.0, 1.0]),
)
def test_corridor_is_as_wide_as_stated_along_the_great_circle(
    lon, lat, azimuth, length, width, side
):
    end = go(lon, lat, azimuth, length)
    a, b = unit_vectors(lon, lat), unit_vectors(end.x, end.y)
    middle, across = a + b, np.cross(a, b)
    middle, across = middle / np.linalg.norm(middle), across / np.linalg.norm(across)
    x, y = lonlat_from_vectors(middle)
    towards = lonlat_from_vectors(middle + side * 1e-3 * across)
    bearing = float(inverse_geodesic(x, y, *towards)[0])
    corridor = buffer_lines([[(lon, lat), (end.x, end.y)]], width)
    assert corridor.covers(go(float(x), float(y), bearing, width * 0.995))
    assert not corridor.covers(go(float(x), float(y), bearing, width * 1.005))


def test_polygon_edges_are_great_circles_unless_parallels_are_asked_for():
    ring = [[0, 60], [20, 60], [20, 62], [0, 62], [0, 60]]
    great, parallel = (
        geometry({"polygon": ring, "parallels": p} if p else {"polygon": ring})
        for p in (False, True)
    )
    bulge = Point(10, 60.2)  # the great circle rises 0.38 degree above the parallel
    assert not great.contains(bulge)
    assert parallel.contains(bulge)
    assert parallel.contains(Point(10, 60.001))
    assert not parallel.contains(Point(10, 59.999))


def test_ring_over_the_date_line_is_split_and_ring_round_the_pole_is_closed():
    over = close_ring([(170, 10), (-170, 10), (-170, 20), (170, 20)])
    assert len(over.geoms) == 2
    assert over.contains(Point(179.5, 15))
    assert over.contains(Point(-179.5, 15))
    assert not over.contains(Point(0, 15))
    polar = close_ring([(0, 80), (90, 80), (180, 80), (-90, 80)], parallels=True)
    assert polar.contains(Point(37, 89.9))
    assert not polar.contains(Point(37, 79))
    wedge = close_ring([(10, 80), (0, 90), (100, 80)], parallels=True)
    assert wedge.contains(Point(55, 89))
    assert not wedge.contains(Point(-55, 89))


def test_strip_lies_inside_its_state_and_is_as_deep_as_stated():
    strip = geometry({"strip": "AA", "along": "BB", "depth_nm": 27})
    assert strip.contains(go(14, 52, 270, 26.5))
    assert not strip.contains(go(14, 52, 270, 27.5))
    assert not strip.contains(go(14, 52, 90, 1))


def test_strip_between_two_points_stops_there():
    points = [[14, 50 + 0.1 * i] for i in range(41)]
    dense = {
        "AA": shapely.Polygon([(10, 50), *points, (10, 54)]),
        "BB": shapely.Polygon([(18, 50), *points, (18, 54)]),
    }
    zone = {"designator": "Z", "quality": "synthetic", "source": "s", "basis": "b"}
    shape = {"strip": "AA", "along": "BB", "depth_nm": 5, "between": [[14, 51], [14, 52]]}
    (built,) = build_zones({"zone": [zone | {"shape": shape}]}, dense, {}, file="t")
    assert built.geometry.contains(Point(13.95, 51.5))
    assert not built.geometry.contains(Point(13.95, 53))


@pytest.mark.parametrize(
    ("side", "limit", "inside", "outside"),
    [
        ("west_of", 12.0, (11, 52), (13, 52)),
        ("east_of", 12, (13, 52), (11, 52)),
        ("south_of", [[9, 51], [15, 53]], (13.9, 51), (10.1, 53)),
        ("north_of", [[15, 53], [9, 51]], (10.1, 53), (13.9, 51)),
        ("east_of", [[11, 49], [13, 55]], (13.9, 51), (10.1, 53)),
    ],
)
def test_part_keeps_the_side_that_is_named(side, limit, inside, outside):
    part = geometry({"part": {"territory": "AA"}, side: limit})
    assert part.contains(Point(inside))
    assert not part.contains(Point(outside))


def test_shapes_combine_and_may_be_named():
    document = {
        "shapes": {"west": {"part": {"territory": "AA"}, "west_of": 12.0}},
        "zone": [
            {"designator": "A", "quality": "synthetic", "source": "s", "basis": "b"}
            | {"shape": {"difference": [{"union": [{"use": "west"}, {"territory": "BB"}]},
                                        {"circle": [11, 52], "radius_nm": 10}]}},
            {"designator": "B", "quality": "synthetic", "source": "s", "basis": "b"}
            | {"shape": {"intersection": [{"zone": "A"}, {"fir": "FAAA"}]}},
        ],
    }  # fmt: skip
    a, b = build_zones(document, TERRITORY, {"FAAA": SQUARE}, file="test")
    assert a.geometry.contains(Point(16, 52))
    assert not a.geometry.contains(Point(11, 52))
    assert b.geometry.contains(Point(10.2, 52))
    assert not b.geometry.contains(Point(16, 52))


def test_aip_text_points_and_levels_are_read():
    shape = {"polygon": ["5200N01200E", "520000N0130000E", [13, 53], "5200N01200E"]}
    zone = build(shape, lower="FL095", upper="6000 m")[0]
    assert zone.geometry.contains(Point(12.8, 52.4))
    assert (zone.lower_ft, zone.upper_ft) == (9500, 19685)
    levels = ["GND", "UNL", "12000 ft", 500, "FL 95"]
    assert [parse_level_ft(v) for v in levels] == [0, 99999, 12000, 500, 9500]
    assert [parse_level_ft(v) for v in ("high", -1, True, None, 1.5)] == [None] * 5


def test_variants_nest_and_a_frame_holds_the_border():
    shape = {"part": {"territory": "AA"}, "south_of": [[9, 52], [15, 52]]}
    plain = {z.variant: z.geometry for z in build(shape, variants=list(VARIANTS))}
    framed = {
        z.variant: z.geometry
        for z in build(shape, variants=list(VARIANTS), frame={"territory": "AA"})
    }
    for zones in (plain, framed):
        assert zones["plus30"].contains(zones["nominal"].buffer(-1e-6))
        assert zones["nominal"].contains(zones["minus30"].buffer(-1e-6))
    near_border, near_line = Point(12, 50.1), Point(12, 51.8)
    assert framed["minus30"].contains(near_border)
    assert not plain["minus30"].contains(near_border)
    assert not framed["minus30"].contains(near_line)
    assert not framed["plus30"].contains(Point(12, 49.9))
    assert plain["plus30"].contains(Point(12, 49.9))


def test_widening_and_narrowing_are_as_far_as_stated():
    area = close_ring([(178, 60), (-178, 60), (-178, 62), (178, 62)])
    wide, narrow = widen_area(area, 30), narrow_area(area, 30)
    top = 62.0145  # the great circle between the corners rises this far at 180
    assert wide.contains(Point(179.9, top + 29.5 / 60))
    assert not wide.contains(Point(179.9, top + 30.5 / 60))
    assert narrow.contains(Point(179.9, top - 30.5 / 60))
    assert not narrow.contains(Point(179.9, top - 29.5 / 60))


# -- bad input ---------------------------------------------------------------------------------


def test_every_problem_is_reported_at_once_with_its_zone():
    base = {"quality": "synthetic", "source": "s", "basis": "b"}
    document = {
        "zone": [
            base | {"designator": "A", "shape": {"polygon": [[0, 0], [1, 0], [1, 1], [0, 1]]}},
            base | {"designator": "B", "shape": {"strip": "AX", "along": "BB", "depth_nm": -3}},
            base | {"designator": "C", "colour": "red", "shape": {"circle": [500, 0]}},
            base | {"designator": "A", "shape": {"territory": "AA"}},
            {"designator": "E", "shape": {"territory": "AA"}, "upper": "sky", "valid_from": "soon"},
            base | {"shape": {"territory": "AA"}},
            base | {"designator": "F", "shape": {"circle": [1, 2], "radius_nm": 5, "fir": "FAAA"}},
            base | {"designator": "G", "shape": {"part": {"territory": "AA"}, "north_of": [[1, 1],
                                                 [3, 1], [2, 1]]}},
            base | {"designator": "H", "shape": {"intersection": [{"territory": "AA"},
                                                 {"circle": [60, 0], "radius_nm": 1}]}},
            base | {"designator": "I", "shape": {"fir": "FAAB"}},
        ]
    }  # fmt: skip
    with pytest.raises(InputError) as caught:
        build_zones(document, TERRITORY, {"FAAA": SQUARE}, file="mine.toml")
    text = str(caught.value)
    for words in (
        "A: polygon is not closed",
        "B: unknown State 'AX'",
        "B: depth_nm = -3",
        "C: unknown key 'colour'",
        "C: [500, 0] lies outside the Earth",
        "C: radius_nm is missing",
        "A: designator is used twice",
        "E: source is missing",
        "E: quality is ''",
        "E: upper = 'sky'",
        "E: valid_from = 'soon'",
        "zone 6: designator is missing",
        "F: a shape needs exactly one of its words",
        "G: north_of: the line turns back",
        "H: shape is empty",
        "did you mean FAAA",
    ):
        assert words in text
    assert all(p.file == "mine.toml" for p in caught.value.problems)


@pytest.mark.parametrize("text", ["[[zone]\n", "zone = 3", "shapes = 1"])
def test_a_broken_file_is_named(tmp_path, text):
    path = tmp_path / "zones.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"zones\.toml"):
        build_zones(path, {}, {})
    with pytest.raises(InputError, match="cannot be read"):
        build_zones(tmp_path / "none.toml", {}, {})


# -- into an atlas ------------------------------------------------------------------------------


def test_own_zones_join_the_shipped_ones_in_an_atlas(tmp_path):
    shipped = load_atlas()
    document = {
        "zone": [
            {
                "designator": "MY-BELT",
                "quality": "synthetic",
                "source": "exercise",
                "basis": "the part of BY-SOUTH within 40 NM of Ukraine",
                "upper": "FL300",
                "shape": {"intersection": [{"zone": "BY-SOUTH"},
                                           {"near": {"territory": "UA"}, "distance_nm": 40}]},
            }
        ]
    }  # fmt: skip
    layers = [find_layer_areas(shipped.layer(name)) for name in ("territory", "fir", "zone")]
    zones = build_zones(document, layers[0], layers[1], zones=layers[2], file="mine")
    path = tmp_path / "zones.parquet"
    write_zones(zones, path, extend=find_resource("geodata/zones.parquet"))
    layer = load_atlas(zones=path).layer("zone")
    assert set(layer.designator) == {*shipped.layer("zone").designator, "MY-BELT"}
    (row,) = layer.positions("MY-BELT")
    assert layer.upper_ft[row] == 30000
    assert gpd.read_parquet(path).designator.tolist()[-1] == "MY-BELT"
    with pytest.raises(InputError, match="used twice"):
        build_zones({"zone": [document["zone"][0] | {"designator": "BY-SOUTH"}]}, layers[0],
                    layers[1], zones=layers[2])  # fmt: skip


# -- shipped zones -------------------------------------------------------------------------------

AERODROMES = {
    "Anapa": (37.35, 45.00), "Belgorod": (36.59, 50.64), "Bryansk": (34.18, 53.21),
    "Voronezh": (39.23, 51.81), "Gelendzhik": (38.01, 44.58), "Krasnodar": (39.17, 45.03),
    "Kursk": (36.30, 51.75), "Lipetsk": (39.54, 52.70), "Rostov": (39.92, 47.49),
    "Simferopol": (33.97, 45.05), "Elista": (44.33, 46.37), "Sochi": (39.95, 43.45),
    "Mineralnye Vody": (43.08, 44.22), "Stavropol": (42.11, 45.11), "Volgograd": (44.35, 48.78),
    "Astrakhan": (48.01, 46.28), "Makhachkala": (47.65, 42.82), "Vladikavkaz": (44.60, 43.20),
    "Saratov": (46.17, 51.71), "Moscow": (37.90, 55.41), "Minsk": (28.03, 53.88),
    "Gomel": (31.02, 52.53), "Brest": (23.90, 52.11), "Vitebsk": (30.35, 55.13),
    "Lhasa": (90.91, 29.30), "Leh": (77.55, 34.14), "Kathmandu": (85.36, 27.70),
    "Kabul": (69.21, 34.57), "Dushanbe": (68.82, 38.54), "Kashgar": (76.02, 39.54),
    "Herat": (62.23, 34.21), "Kandahar": (65.85, 31.51),
}  # fmt: skip
CLOSED = ["Anapa", "Belgorod", "Bryansk", "Voronezh", "Gelendzhik", "Krasnodar", "Kursk",
          "Lipetsk", "Rostov", "Simferopol", "Elista"]  # fmt: skip
OPEN = ["Sochi", "Mineralnye Vody", "Stavropol", "Volgograd", "Astrakhan", "Makhachkala",
        "Vladikavkaz", "Saratov", "Moscow"]  # fmt: skip
SOUTH = ["RU-SOUTH", "RU-SOUTH-KRR", "RU-SOUTH-GDZ", "RU-SOUTH-ESL"]


@pytest.fixture(scope="module")
def zones() -> dict[tuple[str, str], shapely.Geometry]:
    frame = gpd.read_parquet(find_resource("geodata/zones.parquet"))
    keys = zip(frame.designator, frame.variant, strict=True)
    return dict(zip(keys, frame.geometry, strict=True))


@pytest.fixture(scope="module")
def russia() -> shapely.Geometry:
    territory = gpd.read_parquet(find_resource("geodata/territory.parquet"))
    fir = gpd.read_parquet(find_resource("geodata/fir.parquet"))
    window = box(19, 40, 66, 62)
    parts = [*territory[territory.designator == "RU"].geometry.intersection(window)]
    parts += [*fir[fir.designator.isin(["URRV"])].geometry]
    return shapely.union_all(parts)


def place(name: str) -> Point:
    return Point(AERODROMES[name])


def joined(area: shapely.Geometry, *names: str) -> bool:
    """Whether one connected part of an area holds all these aerodromes."""
    parts = shapely.get_parts(area)
    return any(all(p.contains(place(n)) for n in names) for p in parts)


def test_southern_russia_holds_the_closed_aerodromes_and_spares_the_open_ones(zones):
    closed = shapely.union_all([zones[name, "nominal"] for name in SOUTH])
    assert [n for n in CLOSED if not closed.contains(place(n))] == []
    assert [n for n in OPEN if closed.contains(place(n))] == []


def test_each_reopened_aerodrome_lies_in_its_own_row_only(zones):
    for code, name in (("KRR", "Krasnodar"), ("GDZ", "Gelendzhik"), ("ESL", "Elista")):
        holders = [z for z in SOUTH if zones[z, "nominal"].contains(place(name))]
        assert holders == [f"RU-SOUTH-{code}"]


@pytest.mark.parametrize("variant", ["nominal", "plus30", "minus30"])
def test_until_august_2022_no_way_leads_past_volgograd_inside_russia(zones, russia, variant):
    south = [zones[name, variant] for name in SOUTH]
    open_after = russia.difference(shapely.union_all(south))
    band = zones["RU-SOUTH-VLG-ASF", variant]
    assert joined(open_after, "Saratov", "Makhachkala")
    assert not joined(open_after.difference(band), "Saratov", "Makhachkala")


def test_open_aerodromes_of_the_south_hang_together_without_krasnodar(zones, russia):
    closed = {name: zones[name, "nominal"] for name in SOUTH}
    left = russia.difference(shapely.union_all(list(closed.values())))
    assert joined(left, "Sochi", "Mineralnye Vody", "Stavropol", "Makhachkala", "Vladikavkaz")
    assert joined(left, "Moscow", "Saratov", "Volgograd", "Astrakhan", "Makhachkala")
    for code, name, door in (("KRR", "Krasnodar", "Stavropol"), ("ESL", "Elista", "Volgograd"),
                             ("GDZ", "Gelendzhik", "Sochi")):  # fmt: skip
        row = closed[f"RU-SOUTH-{code}"]
        assert not joined(left, name, door)
        assert joined(left.union(row.buffer(1e-4)), name, door)


def test_reopening_krasnodar_opens_no_way_to_the_sea(zones, russia):
    closed = [zones[n, "nominal"] for n in SOUTH if n != "RU-SOUTH-KRR"]
    left = russia.difference(shapely.union_all(closed))
    west = left.intersection(box(36, 43, 39.5, 46))
    holder = next(p for p in shapely.get_parts(west) if p.contains(place("Krasnodar")))
    assert holder.bounds[1] > 44.5


def test_southern_belarus_runs_to_19_800_metres_south_of_the_line(zones):
    frame = gpd.read_parquet(find_resource("geodata/zones.parquet"))
    row = frame[(frame.designator == "BY-SOUTH") & (frame.variant == "nominal")].iloc[0]
    assert (row.lower_limit, row.upper_limit) == (0, 64961)
    for name, inside in (("Gomel", True), ("Brest", True), ("Minsk", False), ("Vitebsk", False)):
        assert row.geometry.contains(place(name)) is inside
    assert not zones["BY-SOUTH", "plus30"].contains(place("Minsk"))
    assert zones["BY-O0562-22", "nominal"].contains(place("Minsk"))


def test_high_terrain_leaves_its_aerodromes_reachable(zones):
    names = ["Lhasa", "Leh", "Kathmandu", "Kabul", "Dushanbe", "Kashgar", "Herat", "Kandahar"]
    for variant in ("nominal", "minus30"):
        area = zones["HIGH-TERRAIN", variant]
        assert [n for n in names if area.contains(place(n))] == []
        around = box(60, 20, 110, 46).difference(area)
        assert joined(around, *names)
    nominal = zones["HIGH-TERRAIN", "nominal"]
    assert nominal.bounds[0] > 68.0
    for lon, lat in ((86.9, 28.2), (76.5, 35.9), (72.5, 38.0), (88.0, 33.0), (71.0, 36.0)):
        assert nominal.contains(Point(lon, lat))


def test_border_strips_have_their_levels_and_stay_at_home(zones):
    frame = gpd.read_parquet(find_resource("geodata/zones.parquet")).set_index("designator")
    tops = {"EP-R129": 9500, "LT-STRIP": 12000, "LV-STRIP": 19500, "EE-STRIP": 19685}
    territory = gpd.read_parquet(find_resource("geodata/territory.parquet"))
    own = territory.set_index("designator").geometry
    for name, top in tops.items():
        assert frame.loc[name, "upper_limit"] == top
        state = {"EP": "PL", "LT": "LT", "LV": "LV", "EE": "EE"}[name[:2]]
        outside = zones[name, "nominal"].difference(own[state])
        assert outside.area * 111.2**2 < 0.5
    assert zones["EP-R129", "nominal"].contains(Point(23.3, 52.6))
    assert not zones["EP-R129", "nominal"].contains(Point(21.0, 52.2))


def test_exercise_circles_are_clear_of_minsk(zones):
    for (name, _), area in zones.items():
        if name.startswith("ZAPAD"):
            assert area.distance(place("Minsk")) > 0.2


def test_russia_west_of_60_is_territory_with_kaliningrad_but_not_the_far_east(zones):
    area = zones["EASA-RU-WEST60", "nominal"]
    assert area.contains(Point(20.6, 54.9))
    assert not area.contains(Point(60.8, 56.8))
    assert not area.contains(Point(-173.0, 66.0))
    assert not area.contains(Point(26.0, 60.0))


def test_shipped_file_has_papers_for_every_row(zones):
    frame = gpd.read_parquet(find_resource("geodata/zones.parquet"))
    document = tomllib.loads(find_resource("geodata/zones.toml").read_text(encoding="utf-8"))
    assert set(frame.designator) == {z["designator"] for z in document["zone"]}
    assert set(frame.quality) <= {"published", "approximate", "synthetic"}
    assert (frame.source.str.len() > 20).all()
    assert (frame.basis.str.len() > 10).all()
    assert frame.geometry.is_valid.all()
    assert not frame.duplicated(["designator", "variant"]).any()
    assert {n for n, v in zones} == {n for n, v in zones if v == "nominal"}
    assert max(map(largest_deviation_nm, frame.geometry)) < 0.02


def test_variants_of_shipped_zones_nest(zones):
    varied = {n for n, v in zones if v != "nominal"}
    assert {"RU-SOUTH", "BY-SOUTH", "HIGH-TERRAIN", "RU-SOUTH-VLG-ASF"} <= varied
    for name in varied:
        small, middle, large = (zones[name, v] for v in ("minus30", "nominal", "plus30"))
        assert small.difference(middle).area < 1e-3
        assert middle.difference(large).area < 1e-3
        assert small.area < middle.area < large.area
