"""Refresh the hashes in geodata/MANIFEST.toml, and the locked versions of files just built.

    python geodata/build/manifest.py                        hashes of every entry
    python geodata/build/manifest.py --lock territory.parquet fir.parquet
                                                            also the versions installed now
    python geodata/build/manifest.py --check                change nothing; fail if anything differs

Entries keep their order; keys are put in the order that the head of the file documents. Comments
above the first entry stay, comments inside entries do not.
"""

from __future__ import annotations

import argparse
import json
import platform
import tomllib
from importlib.metadata import version
from pathlib import Path

import shapely

from airsim.airspace.checks import MANIFEST_KEYS, check_manifest, hash_content, hash_file

ROOT = Path(__file__).resolve().parents[1]
MANIFEST = ROOT / "MANIFEST.toml"
BUILD_PACKAGES = ("geopandas", "numpy", "pyarrow", "pyproj", "shapely")


def list_versions() -> str:
    """Interpreter and packages that decide what a build gives."""
    packages = [f"{name} {version(name)}" for name in BUILD_PACKAGES]
    return ", ".join([f"python {platform.python_version()}", *packages,
                      f"GEOS {shapely.geos_version_string}"])  # fmt: skip


def format_entry(entry: dict[str, str]) -> str:
    """One [[file]] table, keys in the documented order, others after them."""
    first = [key for key in MANIFEST_KEYS if key in entry]
    order = [*first, *(key for key in entry if key not in MANIFEST_KEYS)]
    lines = [f"{key} = {json.dumps(entry[key], ensure_ascii=False)}" for key in order]
    return "\n".join(["[[file]]", *lines]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lock", nargs="*", default=[], metavar="PATH")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    if options.check:
        results = check_manifest(ROOT)
        for result in results:
            print("ok  " if result.ok else "FAIL", result.name, "-", result.detail)
        raise SystemExit(0 if all(result.ok for result in results) else 1)
    text = MANIFEST.read_text(encoding="utf-8")
    head = text[: text.index("\n[[file]]") + 1]
    entries = tomllib.loads(text)["file"]
    for entry in entries:
        path = ROOT / entry["path"]
        if not path.is_file():
            print(f"{entry['path']}: no such file")
            continue
        entry["sha256"], entry["content_hash"] = hash_file(path), hash_content(path)
        if entry["path"] in options.lock:
            entry["versions"] = list_versions()
    MANIFEST.write_text(head + "\n".join(map(format_entry, entries)), encoding="utf-8")
    print(f"{len(entries)} entries")


if __name__ == "__main__":
    main()
