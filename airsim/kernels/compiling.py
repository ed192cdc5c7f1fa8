"""How kernels are compiled and run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numba.extending import intrinsic
from numpy.typing import NDArray

Function = TypeVar("Function", bound=Callable[..., Any])
Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]


def compiled(*, parallel: bool = False, inline: bool = False) -> Callable[[Function], Function]:
    """Compile with numba; keep the machine code on disk where something can be written.

    Functions with a leading underscore are called by compiled code alone, which holds theirs.
    `inline` is for short functions of hot loops whose many arguments cost more than their work.
    """

    def decorate(function: Function) -> Function:
        options: dict[str, Any] = {"error_model": "numpy", "nogil": True, "parallel": parallel}
        options["forceinline"] = inline
        try:
            result: Any = numba.njit(cache=function.__name__[0] != "_", **options)(function)
            _forgive_old_classes(result)
        except (RuntimeError, OSError):  # no place to keep it: compile once per process
            result = numba.njit(cache=False, **options)(function)
        return cast("Function", result)

    return decorate


def emitted(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a call to the instructions that the function builds, given types and values."""
    return cast("Callable[..., Any]", intrinsic(function))


def _forgive_old_classes(function: Any) -> None:
    """Take a list of kept code that names classes of an older version for an empty one."""
    file = getattr(getattr(function, "_cache", None), "_cache_file", None)
    if file is None:
        return
    read = file._load_index

    def read_or_forget() -> Any:
        try:
            return read()
        except AttributeError:
            return {}

    file._load_index = read_or_forget


@contextmanager
def few_threads(tasks: int) -> Iterator[int]:
    """Run parallel loops in no more threads than so many tasks are worth waking: how many."""
    given = numba.get_num_threads()
    chosen = min(given, max(1, tasks // 256))
    numba.set_num_threads(chosen)
    try:
        yield chosen
    finally:
        numba.set_num_threads(given)
