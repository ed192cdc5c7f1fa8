"""Measure the FIR layer against a reference file: intersection over union per designator.

    python geodata/build/fir_agreement.py --against FILE

FILE is any vector file with a column of FIR identifiers (``id``, ``icao`` or ``designator``). Only
the figures are written, to geodata/fir-agreement.csv; no reference geometry enters the project.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
from pyproj import Geod

GEODATA = Path(__file__).resolve().parent.parent
REFERENCE = "VAT-Spy client data project (vatsimnetwork/vatspy-data-project), CC BY-SA 4.0"
NOTES = {
    "BIRD": "the reference draws a control area, not the FIR",
    "KZLA": "the reference adds ocean near 32N 123W",
    "PHZH": "the reference area is larger: cause not resolved",
    "VHHK": "the reference generalises the north side",
    "GCCC": "the reference draws control sectors",
    "EISN": "the reference draws control sectors",
}
# the reference calls New York Oceanic KZNY and has no area for the domestic one
ALIAS = {"KZWY": "KZNY", "KZNY": ""}
_GEOD = Geod(ellps="WGS84")


def area_km2(geometry: object) -> float:
    """Area on WGS84; edges are read in the plane, as overlays cut them."""
    total = 0.0
    for polygon in shapely.get_parts(shapely.segmentize(geometry, 0.2)):
        if polygon.geom_type == "Polygon":
            parts = [polygon.exterior, *polygon.interiors]
            sizes = [abs(_GEOD.geometry_area_perimeter(shapely.Polygon(r))[0]) for r in parts]
            total += sizes[0] - sum(sizes[1:])
    return total / 1e6


def read_reference(path: Path) -> dict[str, object]:
    frame = gpd.read_parquet(path) if path.suffix == ".parquet" else gpd.read_file(path)
    column = next(c for c in ("id", "icao", "designator") if c in frame.columns)
    shapes = [shapely.make_valid(g) for g in frame.geometry]
    areas: dict[str, object] = {}
    for name, shape in zip(frame[column].astype(str), shapes, strict=True):
        areas[name] = shapely.union_all([areas[name], shape]) if name in areas else shape
    return areas


def read_layer(path: Path, at: str) -> dict[str, tuple[str, str, object]]:
    """Areas valid at an instant by designator: (quality, members, geometry); rows join."""
    frame = gpd.read_parquet(path)
    now = frame[(frame.valid_from <= at) & ((frame.valid_to == "") | (frame.valid_to > at))]
    areas = {}
    for name, rows in now.groupby("designator"):
        qualities = " + ".join(sorted(set(rows.quality)))
        areas[str(name)] = (
            qualities,
            str(rows.contains_firs.iloc[0]),
            shapely.union_all(rows.geometry.to_numpy()),
        )
    return areas


def compare(layer: dict, reference: dict) -> list[dict[str, str]]:
    results = []
    listed = Counter(m for _, members, _ in layer.values() for m in members.split())
    for name, (quality, members, shape) in layer.items():
        ids = [m for m in members.split() if m in reference] or [ALIAS.get(name, name)]
        found = [reference[i] for i in ids if i in reference]
        iou, note = "", NOTES.get(name, "")
        if any(listed[m] > 1 for m in members.split()):
            note = f"share of {members}, which cover several States"
        elif found:
            other = shapely.union_all(found)
            both, either = area_km2(shape.intersection(other)), area_km2(shape.union(other))
            iou = f"{both / either:.3f}"
            if members:
                note = "union of " + " ".join(ids)
        else:
            note = "no such area in the reference"
        results.append({"designator": name, "quality": quality, "iou": iou, "note": note})
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--against", type=Path, required=True, help="reference file")
    parser.add_argument("--layer", type=Path, default=GEODATA / "fir.parquet")
    parser.add_argument(
        "--at", default="2026-08-01T00:00:00Z", help="instant that the reference shows"
    )
    parser.add_argument("--output", type=Path, default=GEODATA / "fir-agreement.csv")
    options = parser.parse_args()
    results = compare(read_layer(options.layer, options.at), read_reference(options.against))
    with options.output.open("w", encoding="utf-8", newline="") as stream:
        stream.write(f"# Measured against: {REFERENCE}; figures only\n")
        writer = csv.DictWriter(
            stream, ["designator", "quality", "iou", "note"], lineterminator="\n"
        )
        writer.writeheader()
        writer.writerows(results)
    for quality in sorted({r["quality"] for r in results}):
        values = [float(r["iou"]) for r in results if r["quality"] == quality and r["iou"]]
        if values:
            low, middle = np.min(values), np.median(values)
            print(f"{quality}: {len(values)} areas, median {middle:.3f}, lowest {low:.3f}")


if __name__ == "__main__":
    main()
