"""Errors: one type for bad input, carrying every problem found at once."""

from __future__ import annotations

from dataclasses import dataclass, field


class AirsimError(Exception):
    """Base of every error that airsim raises on purpose."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong with an input.

    Parameters
    ----------
    file : str
        File, or option, the record comes from.
    record : str
        Which record (row, key, rule id); empty if the file as a whole.
    problem : str
        What is wrong.
    remedy : str
        What to do about it.
    """

    file: str
    record: str
    problem: str
    remedy: str = ""

    def __str__(self) -> str:
        where = f"{self.file}: {self.record}" if self.record else self.file
        return f"{where}: {self.problem}" + (f" ({self.remedy})" if self.remedy else "")


class InputError(AirsimError, ValueError):
    """Input that cannot be used; `problems` lists everything found, not only the first.

    Parameters
    ----------
    problems : iterable of Problem
        At least one.
    """

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__("\n".join(str(p) for p in problems))


@dataclass(slots=True)
class ProblemList:
    """Collects problems while a loader reads on, then raises them together."""

    problems: list[Problem] = field(default_factory=list)

    def add(self, file: str, record: str, problem: str, remedy: str = "") -> None:
        """Note one problem."""
        self.problems.append(Problem(str(file), record, problem, remedy))

    def extend(self, error: InputError) -> None:
        """Take over the problems of an error raised by a part."""
        self.problems.extend(error.problems)

    def raise_if_any(self) -> None:
        """Raise `InputError` if anything was noted."""
        if self.problems:
            raise InputError(*self.problems)
