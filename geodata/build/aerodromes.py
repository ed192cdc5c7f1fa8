"""Build geodata/aerodromes.csv from the PyPI package airportsdata and the reviewed overrides.

Run: python geodata/build/aerodromes.py   (needs airportsdata; version in MANIFEST.toml)

Kept: aerodromes with a four-letter ICAO location indicator that also have an IATA code, or that are
listed in KEEP. `also` holds codes that an aerodrome carried before or carries since.
"""

from __future__ import annotations

import csv
import sys
import tomllib
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

GEODATA = Path(__file__).resolve().parents[1]
HEADER = ("icao", "iata", "name", "state", "lon", "lat", "elevation_ft", "tz", "also")
# No IATA code, but named by closures, cases or operators.
KEEP = frozenset({"UKKM", "UKFV", "UKFY", "UKFI", "UTOD"})


def read_source() -> dict[str, dict[str, str]]:
    table = files("airportsdata").joinpath("airports.csv")
    with table.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))  # csv, not pandas: "NA" is Namibia, not missing
    return {r["icao"]: r for r in rows if len(r["icao"]) == 4 and r["icao"].isalpha()}


def convert_row(row: dict[str, str]) -> dict[str, str]:
    return {
        "icao": row["icao"],
        "iata": row["iata"],
        "name": " ".join(row["name"].split()),
        "state": row["country"],
        "lon": f"{float(row['lon']):.5f}",
        "lat": f"{float(row['lat']):.5f}",
        "elevation_ft": str(round(float(row["elevation"] or 0))),
        "tz": row["tz"],
        "also": "",
    }


def apply_overrides(rows: dict[str, dict[str, str]], overrides: dict[str, list[dict]]) -> None:
    for entry in overrides["override"]:
        row = rows[entry["icao"]]
        for key, value in entry.items():
            if key in ("lon", "lat"):
                row[key] = f"{value:.5f}"
            elif key in ("iata", "name", "state", "tz"):
                row[key] = value
            elif key == "elevation_ft":
                row[key] = str(value)
    for entry in overrides.get("add", []):
        if entry["icao"] in rows:
            sys.exit(f"{entry['icao']} is in the source now: drop it from the overrides")
        added = {key: str(entry.get(key, "")) for key in HEADER}
        added["lon"], added["lat"] = f"{entry['lon']:.5f}", f"{entry['lat']:.5f}"
        rows[entry["icao"]] = added
    for icao, key in overrides["indicator"].items():
        rows[key] = rows.pop(icao) | {"icao": key, "also": icao}
    for icao, codes in overrides["former"].items():
        rows[icao]["also"] = f"{rows[icao]['also']} {codes}".strip()


def main() -> None:
    rows = {
        icao: convert_row(row) for icao, row in read_source().items() if row["iata"] or icao in KEEP
    }
    with (GEODATA / "aerodrome-overrides.toml").open("rb") as stream:
        apply_overrides(rows, tomllib.load(stream))
    with (GEODATA / "aerodromes.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, HEADER, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows[icao] for icao in sorted(rows))
    print(f"{len(rows)} aerodromes from airportsdata {version('airportsdata')}")


if __name__ == "__main__":
    main()
