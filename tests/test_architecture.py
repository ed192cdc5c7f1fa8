"""Imports point down the table of rooms, through each room's door, and cost what they may."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import airsim

PACKAGE = Path(airsim.__file__).parent
# The table of rooms: imports go strictly downward, rooms of one floor do not know each other.
FLOORS = {
    "cli": 8,
    "report": 7, "study": 7,
    "simulation": 6,
    "planning": 5,
    "scenario": 4,
    "permission": 3, "routing": 3,
    "airspace": 2, "law": 2, "operation": 2, "performance": 2,
    "kernels": 1, "results": 1,
    "geodesy": 0, "units": 0, "base": 0,
}  # fmt: skip
# The face of the package offers verbs of many rooms and is used by none but the command line.
FACE = "airsim"
OWN_FILES = {"__init__", "__main__"}
# Doors that may be passed by: work that only a command line asks for, kept out of the fast path.
SIDE_DOORS = {("cli", "airsim.airspace.checks")}
HEAVY = {"numba", "shapely", "pandas", "geopandas", "pyarrow", "matplotlib", "scipy"}
# What a single question may not wait for once the layers are arranged.
SLOW_TO_LOAD = {"pandas", "geopandas", "pyarrow", "matplotlib"}


def room_of(path: Path) -> str:
    """Room a source file belongs to; the package's own files are the face."""
    first = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return FACE if first in OWN_FILES else first


def imports_of(path: Path) -> Iterator[str]:
    """Modules of airsim that a file imports, wherever in the file: ``airsim.law.model``."""
    package = ["airsim", *path.relative_to(PACKAGE).parent.parts]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.split(".")[0] == "airsim")
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *(node.module or "").split(".")]).strip(".")
            if module == "airsim":
                yield from (f"airsim.{alias.name}" for alias in node.names)
            elif module.startswith("airsim."):
                yield module


SOURCES = sorted(PACKAGE.rglob("*.py"))
EDGES = sorted(
    {
        (str(path.relative_to(PACKAGE)), room_of(path), module)
        for path in SOURCES
        if "_data" not in path.parts
        for module in imports_of(path)
    }
)


def test_the_rooms_are_those_of_the_table() -> None:
    found = {
        path.name.removesuffix(".py")
        for path in PACKAGE.iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert found - OWN_FILES == set(FLOORS)


def test_the_imports_are_seen() -> None:
    """A guard for the tests below: known imports, at the top and inside functions, are found."""
    assert ("law/judge.py", "law", "airsim.base") in EDGES
    assert ("cli.py", "cli", "airsim.report") in EDGES
    assert ("routing/graph.py", "routing", "airsim.kernels") in EDGES


def test_imports_point_strictly_down() -> None:
    wrong = [
        f"{file}: {module}"
        for file, room, module in EDGES
        if room != FACE
        and module != "airsim.__version__"
        and (target := module.split(".")[1]) != room
        and FLOORS.get(target, 99) >= FLOORS[room]
    ]
    assert wrong == []


def test_only_the_command_line_asks_the_face_and_only_for_the_version() -> None:
    asked = {(room, module) for _, room, module in EDGES if module == "airsim.__version__"}
    assert asked == {("cli", "airsim.__version__")}


def test_a_room_is_entered_by_its_door() -> None:
    passed_by = {
        (room, module)
        for _, room, module in EDGES
        if len(module.split(".")) > 2 and module.split(".")[1] not in (room, FACE)
    }
    assert passed_by - SIDE_DOORS == set()


def test_geometry_and_law_never_import_each_other() -> None:
    geometry, law = {"airspace", "routing", "geodesy", "kernels"}, {"law"}
    for file, room, module in EDGES:
        target = module.split(".")[1]
        assert not (room in geometry and target in law), file
        assert not (room in law and target in geometry), file


def test_reports_import_results_and_what_finds_the_base_map_only() -> None:
    assert {m.split(".")[1] for _, room, m in EDGES if room == "report"} <= {
        "report", "results", "base",
    }  # fmt: skip


def test_compiled_functions_live_in_one_room() -> None:
    for path in SOURCES:
        names = {
            (node.module or "").split(".")[0]
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.ImportFrom)
        }
        assert "numba" not in names or path.parent.name == "kernels", path


def test_files_of_kernels_call_nothing_of_each_other() -> None:
    """The compiler would keep stale machine code of a caller in another file."""
    between = {
        (file, module)
        for file, room, module in EDGES
        if room == "kernels" and not file.endswith("__init__.py")
    }
    assert {module for _, module in between} == {"airsim.kernels.compiling"}


def test_every_verb_of_the_face_is_there_and_documented() -> None:
    for name in airsim.__all__:
        verb = getattr(airsim, name)
        assert callable(verb)
        assert verb.__module__.startswith("airsim.")
        assert "Parameters" in (verb.__doc__ or ""), name
        assert "Returns" in (verb.__doc__ or ""), name
    with pytest.raises(AttributeError):
        airsim.fly_anywhere  # noqa: B018  the access itself is what is tested


# ----------------------------------------------------------------------------- import budgets
def modules_after(code: str) -> set[str]:
    """Top-level modules loaded by a fresh interpreter that ran some code."""
    report = "import json, sys; print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_importing_airsim_loads_nothing_heavy() -> None:
    loaded = modules_after("import airsim; airsim.__version__; airsim.__all__")
    assert "airsim" in loaded
    assert loaded & HEAVY == set()


def test_the_command_line_answers_for_help_without_anything_heavy() -> None:
    assert modules_after("import airsim.cli") & HEAVY == set()


def test_a_question_loads_no_table_or_drawing_library(world: object) -> None:
    """`world` has seen to it that the layers are arranged and kept."""
    loaded = modules_after(
        "import sys\n"
        "from airsim.cli import main\n"
        "try:\n"
        "    main(['check', 'UMMS', 'EYVI', '--operator', 'BRU', '--at', '2025-09-15T08:00Z',"
        " '--json'])\n"
        "except SystemExit as end:\n"
        "    assert end.code == 1, end.code"
    )
    assert {"airsim", "numpy"} <= loaded
    assert loaded & SLOW_TO_LOAD == set()


def test_kernels_that_share_a_tree_agree_on_its_leaves() -> None:
    """Files of kernels import nothing of each other, so that each has its own number."""
    from airsim import kernels

    assert kernels.RING_LEAF == kernels.LEAF_EDGES
