"""The explanation of a check as lines: regimes, rules below them, and what each turned on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from textwrap import wrap
from typing import Any

Node = Mapping[str, Any]

# What a rule says, said of it; the full reason is given of the first group alone.
_SAID = {
    "forbids": "forbids",
    "broken": "is broken by",
    "needs-permit": "asks a permit that is not held for",
    "unknown": "may bar",
    "advises-against": "advises against",
    "binds-persons": "bars persons from",
    "permit-held": "asks a permit, held or presumed, for",
    "not-judged": "was not judged for",
    "unpublished": "bars, but was not yet published:",
    "relieved": "would bar",
    "out-of-time": "would bar",
    "out-of-levels": "would bar",
    "does-not-apply": "does not bar",
}
_DECISIVE = ("forbids", "broken", "needs-permit", "unknown", "advises-against")
_REGIMES = {
    "forbids": "forbids",
    "broken": "is broken",
    "needs-permit": "asks for a permit",
    "unknown": "cannot be judged",
    "advises-against": "advises against",
    "binds-persons": "bars nothing; binds persons",
    "permit-held": "allows, with a permit",
    "unpublished": "was not yet known to forbid",
}
# Permits have a list of their own, with whom to ask and by when.
_TOLD_ELSEWHERE = ("permit-held",)


def format_explanation(explanation: Node, width: int) -> list[str]:
    """Lines of the tree.

    Parameters
    ----------
    explanation : mapping
        ``explanation`` of ``airsim check --json``: a node of kind ``question``.
    width : int
        No line is longer, words and addresses that are longer by themselves apart.

    Returns
    -------
    list of str
        One branch for each regime, which is judged alone. Empty if no rule was asked.
    """
    lines: list[str] = []
    for regime in explanation["children"]:
        rules = [
            rule
            for rule in regime["children"]
            if explanation["complete"] or rule["says"] not in _TOLD_ELSEWHERE
        ]
        if rules:
            lines.append(f"{regime['title']}: {_REGIMES.get(regime['says'], 'allows')}")
        for number, rule in enumerate(rules, 1):
            first, rest = ("└ ", "  ") if number == len(rules) else ("├ ", "│ ")
            for line, (indent, text) in enumerate(_format_rule(rule)):
                lead = first if line == 0 else rest + " " * indent
                lines += _fold(text, lead, rest + " " * (indent + 2), width)
    return lines


def _fold(text: str, lead: str, hang: str, width: int) -> list[str]:
    return wrap(
        text, max(width, 40), initial_indent=lead, subsequent_indent=hang,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def _format_rule(rule: Node) -> Iterator[tuple[int, str]]:
    """Lines of one rule with their indent."""
    says = rule["says"]
    where = "" if rule["flown"] else ", in the way"
    head = f"{rule['id']} {_SAID[says]} {rule['acts_text']}{where} [{rule['confidence']}]"
    if says not in _DECISIVE:
        reason = _tell_reason(rule)
        yield 0, f"{head}: {reason}" if reason else head
        return
    yield 0, head
    yield 2, rule["title"] + (f" (binds {rule['person_bound']})" if rule["person_bound"] else "")
    act = [rule["instrument"], None if rule["article"] == "unknown" else rule["article"]]
    yield 2, ", ".join(part for part in act if part)
    sources = [rule["url"]] if rule["url"] != "unknown" else rule["sources"]
    if sources:
        yield 2, sources[0]
    if rule["because"]:
        yield 2, f"because: {'; '.join(rule['because'])}"
    if rule["not_known"]:
        yield 2, f"not known: {'; '.join(rule['not_known'])}"
    for relief in _reliefs(rule):
        yield from _format_relief(relief, 2)
    yield 2, f"version: {rule['version']['text']}"


def _format_relief(relief: Node, indent: int) -> Iterator[tuple[int, str]]:
    """An exception or licence, whether it holds and what it failed on; exceptions to it below."""
    held = {"yes": "holds", "no": "fails", "unknown": "may hold"}[relief["truth"]]
    failed = _tell_failures(relief)
    why = f" ({'; '.join(failed)})" if failed else ""
    yield indent, f"{relief['kind']} {relief['id']} {held}{why}: {relief['title']}"
    for inner in _reliefs(relief):
        if inner["truth"] != "no":
            for deeper, text in _format_relief(inner, indent + 2):
                yield deeper, f"but {text}" if deeper == indent + 2 else text


def _tell_reason(rule: Node) -> str:
    """Why a rule that does not bar the flight is worth a line."""
    says = rule["says"]
    if says == "relieved":
        held = [relief for relief in _reliefs(rule) if relief["truth"] == "yes"]
        return "but " + "; ".join(f"{r['kind']} {r['id']} holds: {r['title']}" for r in held)
    if says == "binds-persons":
        return f"{rule['person_bound']}; {rule['version']['text']}"
    if says in ("out-of-time", "unpublished"):
        return str(rule["version"]["text"])
    if says in ("out-of-levels", "does-not-apply"):
        return "; ".join(_tell_failures(rule))
    return str(rule["title"])


def _reliefs(node: Node) -> list[Node]:
    return [child for child in node["children"] if child["kind"] in ("exception", "licence")]


def _tests(node: Node) -> list[Node]:
    return [child for child in node["children"] if child["kind"] in ("test", "any")]


def _leaves(test: Node, truth: str) -> Iterator[Node]:
    """Tests of one truth at the end of the branches."""
    if test["truth"] == truth and not test["children"]:
        yield test
    # Of alternatives, those that hold say why; if none holds, all that failed do.
    for child in test["children"]:
        if child["truth"] == truth:
            yield from _leaves(child, truth)


def _tell_failures(node: Node) -> list[str]:
    """Tests that a table failed, or that lack a fact, with what was found."""
    said = []
    for test in _tests(node):
        if test["truth"] == "yes":
            continue
        leaves = list(_leaves(test, test["truth"]))
        found = ", ".join(dict.fromkeys(leaf["found"] for leaf in leaves))
        if test["id"] == "when":
            said.append(test["title"])
        elif all(leaf["id"] in ("status", "permission_of") for leaf in leaves):
            said.append(found)
        else:
            titles = list(dict.fromkeys(leaf["title"] for leaf in leaves))
            asked = " or ".join(titles) if len(titles) < 4 else test["title"]
            said.append(f"asks {asked}: {found}")
    return said
