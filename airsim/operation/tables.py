"""CSV at the door: read a table completely, look codes up, say what is near."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from io import StringIO
from pathlib import Path
from typing import Generic, TypeVar

from airsim.base import InputError, Problem, ProblemList

T = TypeVar("T")


class CodeTable(Mapping[str, T], Generic[T]):
    """Records by code, built when first asked for.

    Parameters
    ----------
    rows : dict of str to sequence of str
        Raw cells by primary code.
    aliases : dict of str to str
        Other codes, each with its primary code. A primary code wins over an alias.
    build : callable
        Turns cells into a record.
    names : dict of str to str
        Primary code to name, for near matches.
    what, remedy : str
        Kind of record and what to do when none is found, for messages.
    """

    def __init__(
        self,
        rows: dict[str, Sequence[str]],
        aliases: dict[str, str],
        build: Callable[[Sequence[str]], T],
        names: Callable[[Sequence[str]], str],
        *,
        what: str,
        remedy: str,
    ) -> None:
        self._rows, self._aliases, self._build, self._name = rows, aliases, build, names
        self._what, self._remedy = what, remedy
        self._built: dict[str, T] = {}

    def __getitem__(self, code: str) -> T:
        if code not in self._built:
            self._built[code] = self._build(self._rows[code])
        return self._built[code]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, code: object) -> bool:
        return code in self._rows

    def find(self, code: str) -> T:
        """Record of a primary code or an alias, in any case.

        Parameters
        ----------
        code : str
            ICAO code first, IATA code accepted.

        Returns
        -------
        record

        Raises
        ------
        InputError
            No such code; the remedy names near matches.
        """
        key = code.strip().upper()
        if key in self._rows:
            return self[key]
        if key in self._aliases:
            return self[self._aliases[key]]
        near = self.find_near(code)
        remedy = f"did you mean {', '.join(near)}?" if near else self._remedy
        raise InputError(Problem(self._what, code, f"unknown {self._what} code", remedy))

    def find_near(self, text: str, *, limit: int = 4) -> tuple[str, ...]:
        """Codes one letter away from `text`, or whose name contains it, best first."""
        key = text.strip().upper()
        by_name: list[str] = []
        if len(key) > 3:
            named = ((code, self._name(row).upper()) for code, row in self._rows.items())
            hits = [
                (not name.startswith(key), len(name), code) for code, name in named if key in name
            ]
            by_name = [code for _, _, code in sorted(hits)]
        codes = [c for c in (*self._rows, *self._aliases) if len(c) == len(key)]
        one_off = [c for c in codes if sum(a != b for a, b in zip(c, key, strict=True)) == 1]
        # The first letters of a code say where it is: keep them, if anything.
        one_off.sort(key=lambda c: next(-i for i, a in enumerate(c) if a != key[i]))
        by_code = one_off or get_close_matches(key, codes, n=limit, cutoff=0.5)
        return tuple(self._label(c) for c in list(dict.fromkeys((*by_name, *by_code)))[:limit])

    def _label(self, code: str) -> str:
        row = self._rows[self._aliases.get(code, code)]
        return f"{code} ({self._name(row)})"


def read_rows(path: Path) -> tuple[list[str], list[list[str]]]:
    """Header and cells of a shipped file, which the data check has validated."""
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.reader(stream)
        header = next(reader)
        return header, list(reader)


class Sheet:
    """A user's CSV file, read with its row numbers; every fault goes to one `ProblemList`.

    Parameters
    ----------
    path : str or pathlib.Path
        UTF-8 text, comma separated, first line the header.
    required, optional : sequence of str
        Column names. Other columns are ignored, except when they look like a misspelt one.
    """

    def __init__(
        self, path: str | Path, required: Sequence[str], optional: Sequence[str] = ()
    ) -> None:
        self.path = Path(path)
        self.file = self.path.name
        self.problems = ProblemList()
        self.rows: list[tuple[int, dict[str, str]]] = []
        self.columns: frozenset[str] = frozenset()
        try:
            text = self.path.read_text(encoding="utf-8-sig")
        except FileNotFoundError:
            raise InputError(
                Problem(str(path), "", "no such file", "give the path of a CSV file")
            ) from None
        except (IsADirectoryError, PermissionError) as error:
            raise InputError(
                Problem(str(path), "", f"cannot be read: {error.strerror}", "give a CSV file")
            ) from None
        except UnicodeDecodeError as error:
            raise InputError(
                Problem(str(path), f"byte {error.start}", "is not UTF-8", "save it as CSV UTF-8")
            ) from None
        self._read(text, tuple(required), tuple(optional))

    def add(self, line: int, problem: str, remedy: str = "") -> None:
        """Note a problem of one row."""
        self.problems.add(self.file, f"row {line}", problem, remedy)

    def _read(self, text: str, required: tuple[str, ...], optional: tuple[str, ...]) -> None:
        reader = csv.reader(StringIO(text, newline=""), strict=True)
        try:
            header = [cell.strip().lower() for cell in next(reader, [])]
            self._check_header(header, required, optional)
            for cells in reader:
                if not any(cell.strip() for cell in cells):
                    continue
                if len(cells) != len(header):
                    self.add(
                        reader.line_num,
                        f"has {len(cells)} cells, the header has {len(header)}",
                        "quote text that contains a comma",
                    )
                    continue
                stripped = (cell.strip() for cell in cells)
                self.rows.append((reader.line_num, dict(zip(header, stripped, strict=True))))
        except csv.Error as error:
            self.add(reader.line_num, f"is not CSV: {error}", "check the quotes")
            self.problems.raise_if_any()

    def _check_header(
        self, header: list[str], required: tuple[str, ...], optional: tuple[str, ...]
    ) -> None:
        self.columns = frozenset(header)
        known = {*required, *optional}
        missing = [name for name in required if name not in self.columns]
        if missing and len(header) == 1 and ";" in header[0]:
            self.problems.add(
                self.file, "row 1", "columns are separated by ;", "save it with commas"
            )
        elif missing:
            self.problems.add(
                self.file,
                "row 1",
                f"header lacks {', '.join(missing)}",
                f"needed: {', '.join(required)}; optional: {', '.join(optional)}",
            )
        for name in header:
            if name not in known:
                near = get_close_matches(name, known - self.columns, n=1, cutoff=0.8)
                if near:
                    self.problems.add(
                        self.file, "row 1", f"unknown column {name}", f"did you mean {near[0]}?"
                    )
        for name in sorted({n for n in header if header.count(n) > 1}):
            self.problems.add(self.file, "row 1", f"column {name} comes twice", "keep one")
        self.problems.raise_if_any()
