"""All benchmarks: ``python -m benchmarks [--quick] [--only PART ...] [--write]``.

Every method gets the same seeded work in the same run, in turn with the others; tables show
ratios, with accuracy beside speed. Peers come with ``pip install 'airsim-airspace[bench]'``;
those that are absent are named. A part is a module here with ``measure(*, quick)``, which gives
rows as `benchmarks.measuring` describes them.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from benchmarks.measuring import (
    Row,
    describe_machine,
    format_table,
    group_tables,
    list_notes,
    note,
)

# part: its module and what it is about
PARTS = {
    "crossings": "crossings",
    "routes": "routes",
    "rules": "rules",
    "world-day": "world_day",
    "start": "start",
    "events": "events",
    "growth": "growth",
}


def run_part(part: str, *, quick: bool, unsimplified: Path | None) -> list[Row]:
    """Rows of one part; a note if it is not there."""
    module = f"benchmarks.{PARTS[part]}"
    if find_spec(module) is None:
        return [note(f"{part}: not measured, {module} is missing")]
    options = {"unsimplified": unsimplified} if part in ("crossings", "growth") else {}
    rows: list[Row] = import_module(module).measure(quick=quick, **options)
    return rows


def print_rows(rows: Sequence[Row]) -> None:
    """Tables and notes."""
    for title, table in group_tables(rows).items():
        print(f"\n{title}\n\n{format_table(table)}", flush=True)
    for text in list_notes(rows):
        print(f"\n* {text}", flush=True)


def parse_options(arguments: Sequence[str]) -> argparse.Namespace:
    """Options of the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, under a minute")
    parser.add_argument("--only", nargs="+", choices=PARTS, metavar="PART", help=", ".join(PARTS))
    parser.add_argument(
        "--unsimplified", type=Path, metavar="FILE",
        help="territory with every vertex (python -m benchmarks.unsimplified FILE)",
    )  # fmt: skip
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows to a file")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] = tuple(sys.argv[1:])) -> list[Row]:
    """Run parts, print their tables."""
    options = parse_options(arguments)
    machine = describe_machine()
    print(f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gb']} GB")
    print(", ".join(f"{name} {version}" for name, version in machine["versions"].items()))
    rows: list[Row] = []
    for part in options.only or PARTS:
        began = time.perf_counter()
        found = run_part(part, quick=options.quick, unsimplified=options.unsimplified)
        print_rows(found)
        print(f"\n{part}: {time.perf_counter() - began:.0f} s", flush=True)
        rows += [{"part": part, **row} for row in found]
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    return rows


if __name__ == "__main__":
    main()
