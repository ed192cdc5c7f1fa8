"""One function finds shipped data: inside the wheel, else beside the package in a checkout."""

from __future__ import annotations

from pathlib import Path

from airsim.base.errors import InputError, Problem

_PACKAGE = Path(__file__).resolve().parent.parent


def _roots() -> tuple[Path, Path]:
    return (_PACKAGE / "_data", _PACKAGE.parent)


def find_resource(name: str) -> Path:
    """Path of a shipped file or folder.

    Parameters
    ----------
    name : str
        Relative to the data root, with ``/``: ``geodata/territory.parquet``.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    InputError
        The installation lacks the file.
    """
    for root in _roots():
        path = root / name
        if path.exists():
            return path
    raise InputError(
        Problem(name, "", "shipped file is missing from this installation", "reinstall airsim")
    )


def list_scenarios() -> tuple[str, ...]:
    """Names of the shipped scenarios, sorted."""
    names: set[str] = set()
    for root in _roots():
        names.update(p.stem for p in (root / "scenarios").glob("*.toml"))
    return tuple(sorted(names))
