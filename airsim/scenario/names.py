"""Names in law and flights that nothing answers to: refused, as they would say nothing."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from airsim.airspace import Atlas
from airsim.base import InputError, ProblemList
from airsim.law import Rulebook, find_unknown_names, list_items, list_permissions
from airsim.operation import Circumstances, load_aerodromes, load_operators
from airsim.performance import load_types
from airsim.scenario.air import shipped_atlas

# Goods known to be of no class that a rule names.
UNCONTROLLED = "uncontrolled"


def check_held(
    held: Iterable[str], base: Rulebook, law: Rulebook, *, file: str, record: str = "held"
) -> None:
    """Refuse permits said to be held that no rule asks for: they would open nothing.

    The permit of a rule of `base` that an amendment has lifted from `law` may stay listed.

    Raises
    ------
    InputError
        Every such name.
    """
    rules = {**base.by_id, **law.by_id}
    problems = ProblemList()
    for rule_id in held:
        if rule_id not in rules:
            near = get_close_matches(rule_id, rules, n=3)
            remedy = f"did you mean {', '.join(near)}?" if near else "see `airsim rules list`"
            problems.add(file, record, f"no rule {rule_id!r}", remedy)
        elif rules[rule_id].permit is None:
            problems.add(file, record, f"{rule_id} asks for no permit", "take it out")
    problems.raise_if_any()


def check_circumstances(told: Circumstances, law: Rulebook, *, file: str, record: str) -> None:
    """Refuse permits, derogations and classes of goods that no rule knows: they would say nothing.

    Raises
    ------
    InputError
        Every such name.
    """
    problems = ProblemList()
    try:
        check_held(sorted(told.held), law, law, file=file, record=record)
    except InputError as error:
        problems.extend(error)
    permissions, items = list_permissions(law), list_items(law)
    for name in sorted(told.derogations - permissions):
        known = name in law.by_id
        said = f"{name} knows no permission case by case" if known else f"no rule {name!r}"
        near = get_close_matches(name, permissions, n=3)
        problems.add(file, record, said, f"did you mean {', '.join(near)}?" if near else "")
    for item in sorted({*told.items, *told.parts} - items - {UNCONTROLLED}):
        remedy = f"one of {' '.join(sorted(items))}, or {UNCONTROLLED}"
        problems.add(file, record, f"no rule speaks of goods {item!r}", remedy)
    problems.raise_if_any()


def check_rule_names(law: Rulebook, atlas: Atlas) -> None:
    """Refuse rules about areas and aerodromes that do not exist: they would close nothing.

    Raises
    ------
    InputError
        Every such name, by file and rule.
    """
    known = {
        "fir": frozenset(atlas.layer("fir").designator),
        "zone": frozenset(atlas.layer("zone").designator),
        "aerodrome": frozenset(load_aerodromes()),
    }
    problems = ProblemList()
    for found in find_unknown_names(law, known):
        file = law.files.get(found.rule_id, "amendment")
        problems.add(file, found.rule_id, found.message, found.remedy)
    problems.raise_if_any()


def known_names(atlas: Atlas | None = None) -> dict[str, frozenset[str]]:
    """Every name a rule may use, by kind, for the linter; default: in the shipped airspace."""
    air = atlas if atlas is not None else shipped_atlas()
    return {
        "fir": frozenset(air.layer("fir").designator),
        "zone": frozenset(air.layer("zone").designator),
        "aerodrome": frozenset(load_aerodromes()),
        "operator": frozenset(load_operators()),
        "typecode": frozenset(load_types()),
    }


def area_lives(atlas: Atlas | None = None) -> dict[tuple[str, str], tuple[tuple[int, int], ...]]:
    """From when to when areas exist, by layer and designator, for the linter."""
    air = atlas if atlas is not None else shipped_atlas()
    lives: dict[tuple[str, str], tuple[tuple[int, int], ...]] = {}
    for layer in air.layers:
        spans = zip(layer.valid_from_ms.tolist(), layer.valid_to_ms.tolist(), strict=True)
        for designator, span in zip(layer.designator, spans, strict=True):
            lives[layer.name, designator] = (*lives.get((layer.name, designator), ()), span)
    return lives
