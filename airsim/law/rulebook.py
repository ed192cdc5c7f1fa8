"""A rulebook: all rules of a folder of TOML files, loaded and checked completely."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from reprlib import repr as shorten
from typing import Any, get_args

import tomli
from pydantic import BaseModel, ValidationError

from airsim.base import InputError, Problem, ProblemList, find_resource
from airsim.law.model import Rule, RulebookFile, Unless


@dataclass(frozen=True)
class Rulebook:
    """Rules by id, in id order.

    Parameters
    ----------
    rules : tuple of Rule
        Sorted by id, ids unique.
    files : mapping of str to str
        File name in which each rule id stands.
    """

    rules: tuple[Rule, ...]
    files: Mapping[str, str] = field(default_factory=dict)

    def __iter__(self) -> Any:
        return iter(self.rules)

    def __len__(self) -> int:
        return len(self.rules)

    @cached_property
    def by_id(self) -> Mapping[str, Rule]:
        """Rules by id."""
        return {rule.id: rule for rule in self.rules}

    @cached_property
    def licences_by_rule(self) -> Mapping[str, tuple[Rule, ...]]:
        """For each relieved rule id, the licences that name it *and* belong to its regime."""
        found: dict[str, list[Rule]] = {}
        for licence in self.rules:
            for rule_id in licence.relieves:
                target = self.by_id.get(rule_id)
                if target is not None and target.regime == licence.regime:
                    found.setdefault(rule_id, []).append(licence)
        return {rule_id: tuple(licences) for rule_id, licences in found.items()}

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 over the canonical JSON of all rules."""
        digest = hashlib.sha256()
        for rule in self.rules:
            digest.update(rule.model_dump_json(by_alias=True).encode())
        return digest.hexdigest()


def walk_table(table: Rule | Unless) -> Iterator[Rule | Unless]:
    """A rule or exception, and all exceptions below it."""
    yield table
    for unless in table.unless:
        yield from walk_table(unless)


def list_permissions(rulebook: Rulebook) -> frozenset[str]:
    """Names under which a flight may say that it was excused: of rules, mostly."""
    found = (table for rule in rulebook.rules for table in walk_table(rule))
    return frozenset(t.granted_as for t in found if isinstance(t, Unless) and t.permission_of)


def list_items(rulebook: Rulebook) -> frozenset[str]:
    """Classes of goods that some rule or exception names."""
    found = (table for rule in rulebook.rules for table in walk_table(rule))
    return frozenset(item for table in found for test in table.flight for item in test.item)


def make_rulebook(rules: Iterable[Rule], files: Mapping[str, str] | None = None) -> Rulebook:
    """Bind rules into a rulebook, sorted by id.

    Raises
    ------
    InputError
        Two rules share an id.
    """
    ordered = sorted(rules, key=lambda rule: rule.id)
    problems = ProblemList()
    names = files or {}
    for first, second in pairwise(ordered):
        if first.id == second.id:
            problems.add(
                names.get(first.id, "rulebook"), first.id, "rule id is used twice", "rename one"
            )
    problems.raise_if_any()
    return Rulebook(tuple(ordered), dict(names))


def load_rulebook(folder: Path | str | None = None) -> Rulebook:
    """Read every ``*.toml`` of a folder as rules.

    Parameters
    ----------
    folder : path, optional
        Default: the rulebook shipped with airsim.

    Returns
    -------
    Rulebook

    Raises
    ------
    InputError
        No such folder, no rules in it, broken TOML, or rules that the model refuses; all
        problems of all files at once.
    """
    root = find_resource("scenarios/rulebook") if folder is None else Path(folder)
    if root.is_file():
        raise InputError(Problem(str(root), "", "is a file", "name the folder that it is in"))
    if not root.is_dir():
        raise InputError(Problem(str(root), "", "no such folder of rules", "name a folder of TOML"))
    problems = ProblemList()
    rules: list[Rule] = []
    files: dict[str, str] = {}
    for path in sorted(root.glob("*.toml")):
        try:
            found = read_rules(path)
        except InputError as error:
            problems.extend(error)
            continue
        for rule in found:
            if rule.id in files:
                problems.add(
                    path.name, rule.id, f"rule id already stands in {files[rule.id]}", "rename one"
                )
            else:
                files[rule.id] = path.name
                rules.append(rule)
    if not rules and not problems.problems:
        problems.add(str(root), "", "holds no rules", "a rulebook is a folder of TOML files")
    problems.raise_if_any()
    return make_rulebook(rules, files)


def read_rules(path: Path) -> tuple[Rule, ...]:
    """Rules of one TOML file.

    Raises
    ------
    InputError
        Every problem in the file, each named by rule id and field.
    """
    try:
        data = tomli.loads(path.read_text(encoding="utf-8"))
    except (tomli.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise InputError(
            Problem(str(path), "", f"cannot be read as TOML: {error}", "mend the file")
        ) from None
    return parse_rules(data, str(path))


def parse_rules(data: Mapping[str, Any], file: str) -> tuple[Rule, ...]:
    """Rules of an already parsed table ``{rule = [...]}``."""
    try:
        return RulebookFile.model_validate(data).rule
    except ValidationError as error:
        raise InputError(
            *(_describe(detail, data, file) for detail in error.errors(include_url=False))
        ) from None


def _describe(detail: Any, data: Mapping[str, Any], file: str) -> Problem:
    """One error of the model in words: where it is, what is wrong, what to write instead."""
    place = list(detail["loc"])
    record = ""
    if len(place) >= 2 and place[0] == "rule" and isinstance(place[1], int):
        entry = data["rule"][place[1]]
        name = entry.get("id", "") if isinstance(entry, dict) else ""
        record = str(name or f"rule {place[1] + 1}")
        place = place[2:]
    key = ".".join(str(part) for part in place)
    kind, given = detail["type"], shorten(detail["input"])
    message, remedy = detail["msg"].removeprefix("Value error, "), ""
    if kind == "missing":
        message, remedy = "is missing", "add it"
    elif kind == "extra_forbidden":
        keys = _keys_at(detail["loc"][:-1])
        near = get_close_matches(str(detail["loc"][-1]), keys, n=2)
        message = "unknown key"
        remedy = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(keys)}"
    elif kind == "literal_error":
        message, remedy = f"{given} is not understood", f"write {detail['ctx']['expected']}"
    elif kind in ("tuple_type", "list_type"):
        listed = "[{ ... }]" if isinstance(detail["input"], dict) else '["..."]'
        message, remedy = f"{given} is no list", f"write {listed}"
    elif kind in ("model_type", "model_attributes_type", "dict_type"):
        message, remedy = f"{given} is no table", "write { key = ... }"
    elif kind == "too_short":
        message, remedy = "is empty", "name at least one"
    elif kind == "string_type":
        message, remedy = f"{given} is not text", "write it in quotes"
    elif kind == "string_pattern_mismatch":
        message = f"{given} is no id"
        remedy = "a capital or digit, then letters, digits and . / > + -, as SA-QA-01"
    return Problem(file, " ".join(part for part in (record, key) if part), message, remedy)


def _keys_at(place: Iterable[Any]) -> list[str]:
    """Keys that the table at a place of a rulebook file may have."""
    table: type[BaseModel] | None = RulebookFile
    for part in place:
        if isinstance(part, str) and table is not None:
            fields = {field.alias or name: field for name, field in table.model_fields.items()}
            table = _find_model(fields[part].annotation) if part in fields else None
    if table is None:
        return []
    return [field.alias or name for name, field in table.model_fields.items()]


def _find_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_find_model, get_args(annotation))), None)
