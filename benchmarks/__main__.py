"""All benchmarks: ``python -m benchmarks [--quick] [--only PART ...] [--write --date DATE]``.

Every method gets the same seeded work in the same run, in turn with the others; tables show
ratios, with accuracy beside speed. Peers come with ``pip install -e '.[bench]'``;
those that are absent are named. ``--write`` renews README.md, its plots and results.json beside
this file, for the parts that ran. A part is a module here with ``measure(*, quick)``, which gives
rows as `benchmarks.measuring` describes them.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from benchmarks.measuring import (
    Row,
    describe_machine,
    note,
    print_machine,
    print_rows,
)

# part: its module and what it is about
PARTS = {
    "crossings": "crossings",
    "routes": "routes",
    "rules": "rules",
    "world-day": "world_day",
    "start": "start",
    "events": "events",
    "operation": "operation",
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


def parse_options(arguments: Sequence[str]) -> argparse.Namespace:
    """Options of the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, under a minute")
    parser.add_argument("--only", nargs="+", choices=PARTS, metavar="PART", help=", ".join(PARTS))
    parser.add_argument(
        "--unsimplified", type=Path, metavar="FILE",
        help="territory with every vertex (python -m benchmarks.unsimplified FILE)",
    )  # fmt: skip
    parser.add_argument("--write", action="store_true", help="renew README.md and results.json")
    parser.add_argument("--render", action="store_true", help="renew README.md, measure nothing")
    parser.add_argument("--date", help="of the run, for --write")
    options = parser.parse_args(arguments)
    if options.write and not options.date:
        parser.error("--write needs --date")
    if options.write and options.quick:
        parser.error("--quick is to see that it works: its figures are not written")
    return options


def main(arguments: Sequence[str] = tuple(sys.argv[1:])) -> None:
    """Run parts, print their tables, write them if asked."""
    from benchmarks.figures import judge_figures
    from benchmarks.writing import load_results, strip_row, write_results

    options = parse_options(arguments)
    if options.render:
        write_results(load_results())
        return
    machine = describe_machine()
    print_machine(machine)
    results = {}
    for part in options.only or PARTS:
        began = time.perf_counter()
        rows = run_part(part, quick=options.quick, unsimplified=options.unsimplified)
        seconds = time.perf_counter() - began
        print_rows(rows)
        print(f"\n{part}: {seconds:.0f} s", flush=True)
        results[part] = {
            "date": options.date,
            "machine": machine,
            "seconds": round(seconds),
            "rows": [strip_row(row) for row in rows],
        }
        if options.write:
            write_results(load_results() | {part: results[part]})
    if options.quick:
        print("\nSmall sizes: the figures below tell that it works, and no more.")
    print_rows(judge_figures([row for part in results.values() for row in part["rows"]]))


if __name__ == "__main__":
    main()
