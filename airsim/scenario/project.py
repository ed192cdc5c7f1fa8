"""Scenario files: the one that a name means, and a small project to start from."""

from __future__ import annotations

from pathlib import Path

from airsim.base import InputError, Problem, ProblemList, find_resource, list_scenarios


def find_scenario(name: str) -> Path:
    """Path of a scenario: a file if there is one of this name, else a shipped name.

    Raises
    ------
    InputError
        Neither; the shipped names are listed.
    """
    path = Path(name)
    if path.is_file():
        return path
    if name in list_scenarios():
        return find_resource(f"scenarios/{name}.toml")
    if path.is_dir():
        raise InputError(Problem(name, "", "is a folder", "name a scenario file in it"))
    if path.suffix or "/" in name or "\\" in name:
        raise InputError(Problem(name, "", "no such scenario file", "check the path"))
    raise InputError(
        Problem(name, "", "is no shipped scenario", "shipped are: " + ", ".join(list_scenarios()))
    )


def start_project(folder: Path) -> tuple[Path, ...]:
    """Write a small working project to change: scenario, rulebook, timetable, fleet, schemas.

    Parameters
    ----------
    folder : pathlib.Path
        Made if it is not there.

    Returns
    -------
    tuple of pathlib.Path
        The files written, sorted.

    Raises
    ------
    InputError
        A file of one of these names is there already; nothing is written then.
    """
    starter = find_resource("scenarios/starter")
    texts = {path.relative_to(starter): path for path in starter.rglob("*.*") if path.is_file()}
    for kind in ("rulebook", "scenario"):
        schema = find_resource(f"scenarios/{kind}.schema.json")
        texts[Path("schemas") / schema.name] = schema
    problems = ProblemList()
    for name in sorted(texts):
        if (folder / name).exists():
            problems.add(str(folder / name), "", "is there already", "name a new folder")
    if folder.exists() and not folder.is_dir():
        problems.add(str(folder), "", "is a file", "name a new folder")
    problems.raise_if_any()
    for name, source in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(source.read_bytes())
    return tuple(sorted(folder / name for name in texts))
