"""Paragraphs and grids of text: wrapped on a terminal, plain and never wrapped elsewhere."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text


def say(out: Console, text: str, style: str = "") -> None:
    """One paragraph: wrapped on a terminal, one line elsewhere; text is never markup."""
    out.print(Text(text, style=style), soft_wrap=not out.is_terminal)


def print_plain(out: Console, rows: Sequence[Sequence[str]]) -> None:
    """Rows with their cells below one another."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        line = "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True))
        out.print(Text(line.rstrip()), soft_wrap=True)


def print_grid(
    out: Console, columns: Sequence[str], rows: Sequence[Sequence[str]], *,
    numbers: Collection[str] = (), folded: Collection[str] = (),
) -> None:  # fmt: skip
    """Rows under their names: some to the right, some folded where the terminal is narrow."""
    if not out.is_terminal:
        print_plain(out, [columns, *rows])
        return
    grid = Grid(box=None, pad_edge=False, header_style="dim", show_edge=False)
    for name in columns:
        grid.add_column(
            name, justify="right" if name in numbers else "left", no_wrap=name not in folded,
            overflow="fold" if name in folded else "ellipsis",
        )  # fmt: skip
    for row in rows:
        grid.add_row(*map(Text, row))
    out.print(grid)


def format_minutes(value: float | None) -> str:
    """Minutes as h:mm; empty if there is no value."""
    if value is None:
        return ""
    whole = round(value)
    return f"{whole // 60}:{whole % 60:02d}"


def format_number(value: float | None) -> str:
    """A whole number with thousands separators; empty if there is no value."""
    return "" if value is None else f"{round(value):,}"
