"""The README's Python lines do what they show."""

import doctest
from pathlib import Path


def test_readme_lines_print_what_they_say() -> None:
    readme = Path(__file__).resolve().parent.parent / "README.md"
    found = doctest.testfile(str(readme), module_relative=False)
    assert found.attempted >= 5
    assert found.failed == 0
