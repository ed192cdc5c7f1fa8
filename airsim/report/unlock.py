"""What would have to change, on a terminal: one sentence, a line per way, the rules at its foot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from airsim.report.printing import format_minutes, format_number, print_grid, say

Row = Mapping[str, Any]
_COLUMNS = ("lift or obtain", "authorities", "km", "extra", "block", "stop", "lawful")
_NUMBERS = ("km", "extra", "block")
_KINDS = (("rules", "lift"), ("permits", "obtain permit"), ("advice", "put aside"))


def print_unlock(answer: Mapping[str, Any], console: Console | None = None) -> None:
    """Print the smallest sets of rules to lift, and the way that each opens.

    Parameters
    ----------
    answer : mapping
        What ``airsim check --unlock --json`` prints.
    console : rich.console.Console, optional
        Where to; default: stdout. Without a terminal lines are plain and never wrapped.
    """
    out = console or Console(highlight=False)
    sets: Sequence[Row] = answer["unlock"]
    common = frozenset.intersection(*map(_name_rules, sets)) if sets else frozenset()
    say(out, "")
    say(out, "What would have to change", "bold")
    say(out, _summarise(sets, common))
    if sets:
        say(out, "")
        _print_sets(out, answer, sets, common)
        say(out, "")
        _print_rules(out, answer, common)
        say(out, "")
        gain = format_number(answer["unlock_search"]["least_gain_km"])
        note = f"Each set is the smallest for its way; {gain} km and less count for nothing."
        say(out, note, "dim")
    if not answer["unlock_search"]["complete"]:
        plans = answer["unlock_search"]["plans"]
        say(out, f"The search was cut off after {plans} plans: sets may be missing.", "yellow")


def _name_rules(row: Row) -> frozenset[str]:
    return frozenset(name for key, _ in _KINDS for name in row[key])


def _summarise(sets: Sequence[Row], common: frozenset[str]) -> str:
    """The front in a sentence or two."""
    if not sets:
        return "No lifting of rules opens a way for this flight with this aircraft."
    least, shortest = sets[0], min(sets, key=lambda row: row["distance_km"])
    if not _name_rules(least):
        said = f"As the law stands it may fly {_measure(least)}."
    elif _name_rules(least) == common:
        said = f"To fly at all: {_demand(least)}. That opens a way of {_measure(least)}."
    else:
        said = "There is more than one way to open it. The fewest changes, "
        said += f"{_demand(least)}, open a way of {_measure(least)}."
    if shortest is not least:
        named = _name_rules(least)
        also = bool(named) and named <= _name_rules(shortest)
        more = _demand(shortest, named if also else frozenset())
        said += f" The shortest, {_measure(shortest)}, asks {'also ' if also else ''}to {more}."
    return said


def _measure(row: Row) -> str:
    said = f"{format_number(row['distance_km'])} km"
    return f"{said} with a fuel stop at {' '.join(row['stops'])}" if row["stops"] else said


def _demand(row: Row, without: frozenset[str] = frozenset()) -> str:
    """``lift A, B and C; obtain permit D``."""
    found = [(verb, [n for n in row[key] if n not in without]) for key, verb in _KINDS]
    return "; ".join(f"{verb} {_join(names)}" for verb, names in found if names)


def _join(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _print_sets(out: Console, answer: Row, sets: Sequence[Row], common: frozenset[str]) -> None:
    rows = [_cells(row, answer["direct_km"], common) for row in sets]
    print_grid(out, _COLUMNS, rows, numbers=_NUMBERS, folded=_COLUMNS[:2])


def _cells(row: Row, direct_km: float, common: frozenset[str]) -> tuple[str, ...]:
    more = _demand(row, common)
    first = f"and {more}" if common and more else more or ("only these" if common else "nothing")
    extra = 100 * (row["distance_km"] / direct_km - 1) if direct_km else 0.0
    breaches = f": {' '.join(row['breaches'])}" if row["breaches"] else ""
    return (
        first, " ".join(row["authorities"]), format_number(row["distance_km"]), f"{extra:+.0f}%",
        format_minutes(row["block_min"]), " ".join(row["stops"]) or "-", row["lawful"] + breaches,
    )  # fmt: skip


def _print_rules(out: Console, answer: Row, common: frozenset[str]) -> None:
    """Every rule named: title and instrument, those that all ways need first."""
    told = {rule["rule"]: rule for rule in answer["rules"]}
    named = frozenset().union(*map(_name_rules, answer["unlock"]))
    for title, names in (("In every set", common), ("In some sets", named - common)):
        if not names:
            continue
        say(out, title, "bold")
        grid = Grid.grid(padding=(0, 0, 0, 2))
        grid.add_column(no_wrap=True)
        grid.add_column(overflow="fold")
        for name in sorted(names):
            text = f"{told[name]['title']}; {told[name]['instrument']}"
            if out.is_terminal:
                grid.add_row(Text(name), Text(text))
            else:
                say(out, f"  {name}: {text}")
        if out.is_terminal:
            out.print(grid)
