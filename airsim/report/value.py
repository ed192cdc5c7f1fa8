"""What instruments are worth to a network, on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console

from airsim.report.printing import format_number, print_grid, say
from airsim.results import Results

Row = Mapping[str, Any]
_GAINS = ("opened", "shortened", "km", "block h", "fuel t")


def print_values(results: Results, console: Console | None = None) -> None:
    """Print what each target gains alone, the greedy sequence and the best choices.

    Parameters
    ----------
    results : Results
        Of `airsim.study.value_instruments`.
    console : rich.console.Console, optional
        Where to; default: stdout. Without a terminal lines are plain and never wrapped.
    """
    out = console or Console(highlight=False)
    told, level = results.summary, str(results.summary["level"])
    values, steps = list(results.rows("values")), list(results.rows("sequence"))
    say(out, f"What each {level} is worth: {told['title']}", "bold")
    barred, hopeless = told["barred"], told["hopeless"]
    may = f"{barred} cannot be made" if barred else "all can be made"
    said = f"{told['flights']} flights on {told['routes']} routes; {may} as the law stands"
    said += f", {hopeless} whatever rules are lifted." if hopeless else "."
    say(out, said)
    if not values:
        say(out, "No lifting of rules would open or shorten a flight.")
    else:
        say(out, "")
        say(out, "Lifted alone", "bold")
        _print_rows(out, (level, "of"), [(r["target"], r["authorities"], r) for r in values])
        for method, title in (
            ("greedy", f"Step by step, each gaining most ({told['objective']}); sums so far"),
            ("best", "Best choices of so many, all tried"),
        ):
            rows = [row for row in steps if row["method"] == method]
            say(out, "")
            say(out, title, "bold")
            _print_rows(out, ("lift", "step"), [(r["targets"], str(r["step"]), r) for r in rows])
    if not told["complete"]:
        say(out, "A search was cut off: some gains may be larger.", "yellow")
    say(out, "")
    for line in told["assumptions"]:
        say(out, line, "dim")


def _print_rows(out: Console, names: Sequence[str], rows: Iterable[tuple[str, str, Row]]) -> None:
    cells = [(first, second, *_format_gains(row)) for first, second, row in rows]
    columns = (*names, *_GAINS)
    print_grid(out, columns, cells, numbers=_GAINS, folded=names)


def _format_gains(row: Row) -> tuple[str, ...]:
    return (
        format_number(row["flights_opened"]), format_number(row["flights_shortened"]),
        format_number(row["saved_km"]), format_number(row["saved_block_min"] / 60.0),
        format_number(row["saved_fuel_kg"] / 1000.0),
    )  # fmt: skip
