"""Where the time goes: in which compiled loop, and how much between them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from airsim import kernels
from benchmarks.measuring import Row

BETWEEN = "between the loops (numpy, PROJ, Python)"


@contextmanager
def watch_kernels(spent: dict[str, float]) -> Iterator[None]:
    """Add up the seconds in each function of `airsim.kernels` called from outside it."""
    kept = {name: getattr(kernels, name) for name in kernels.__all__}

    def watch(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **named: Any) -> Any:
            began = time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                spent[name] = spent.get(name, 0.0) + time.perf_counter() - began

        return run

    compiled = {name: f for name, f in kept.items() if hasattr(f, "py_func")}
    for name, function in compiled.items():
        setattr(kernels, name, watch(name, function))
    try:
        yield
    finally:
        for name, function in compiled.items():
            setattr(kernels, name, function)


def profile_task(
    table: str, title: str, task: Callable[[], object], items: int, *, repeats: int = 3
) -> list[Row]:
    """Rows on the fastest of some runs: microseconds per item by loop, the longest first."""
    runs: list[tuple[float, dict[str, float]]] = []
    for _ in range(repeats + 1):
        spent: dict[str, float] = {}
        with watch_kernels(spent):
            began = time.perf_counter()
            task()
            runs.append((time.perf_counter() - began, spent))
    total, spent = min(runs[1:], key=lambda run: run[0])
    parts = sorted(spent.items(), key=lambda part: -part[1])
    parts.append((BETWEEN, total - sum(spent.values())))
    return [
        {
            "table": table,
            "task": title,
            "where": name,
            "us_per_item": 1e6 * seconds / items,
            "share_%": 100.0 * seconds / total,
        }
        for name, seconds in parts
    ]
