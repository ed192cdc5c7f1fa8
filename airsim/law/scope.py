"""Is one scope inside another? Can two scopes meet? Read off the words, whatever is flown.

Both answers err on the silent side: `covers_scope` is True and `can_meet` False only where that
holds for every flight, place and time. Shapes are not known here: that one area lies inside
another is never used.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from airsim.base import GROUP_CHANGES_MS, OPEN_FROM, OPEN_TO, states_in_group
from airsim.law.judge import judge_time
from airsim.law.model import FlightTest, Levels, Rule, Unless, When, Where, Who

Test = Who | FlightTest
Atom = tuple[str, str]
LAYERS = ("territory", "fir", "zone", "aerodrome")
ANY, ANY_EU = "*", "*EU"
# Facts of which a flight has one at a time: two lists without a common entry cannot both hold.
_SINGLE = frozenset(
    (
        "operator", "licensed_in", "registered_in", "registration", "owned_in", "controlled_in",
        "chartered_in", "decided_in", "typecode", "service", "origin_in", "destination_in",
        "origin", "destination", "item",
    )
)  # fmt: skip
_AT_MOST = frozenset({"max_seats"})
_AT_LEAST = frozenset({"filed_after", "us_content_over"})
_SHORT_MS = 16 * 86_400_000
ALWAYS = When()


def covers_scope(wide: Rule | Unless, narrow: Rule | Unless) -> bool:
    """Whether every question that falls under `narrow`, exceptions heeded, falls under `wide`.

    Parameters
    ----------
    wide, narrow : Rule or Unless
        Licences are looked at by the caller.

    Returns
    -------
    bool
        False also where it holds only for reasons that words alone do not show.
    """
    return (
        (not wide.activities or set(narrow.activities or ("?",)) <= set(wide.activities))
        and covers_time(wide.when or ALWAYS, narrow.when or ALWAYS)
        and _covers_levels(wide.levels, narrow.levels)
        and _covers_tests(wide.who, narrow.who)
        and _covers_tests(wide.flight, narrow.flight)
        and _covers_where(wide.where, narrow.where)
        and _permission(wide) in ("", _permission(narrow))
        and all(any(covers_scope(own, u) for own in narrow.unless) for u in wide.unless)
    )


def can_meet(one: Rule | Unless, other: Rule | Unless, activities: Iterable[str]) -> bool:
    """Whether some question about one of these activities can fall under both.

    Parameters
    ----------
    one, other : Rule or Unless
        Their exceptions are not looked at, nor their levels: a climb passes through both.
    activities : iterable of str

    Returns
    -------
    bool
        True also where words alone do not show that they cannot meet.
    """
    shared = [
        a
        for a in activities
        if (not one.activities or a in one.activities)
        and (not other.activities or a in other.activities)
    ]
    return bool(shared) and (
        times_meet(one.when or ALWAYS, other.when or ALWAYS)
        and _tests_meet(one.who, other.who)
        and _tests_meet(one.flight, other.flight)
        and _where_meets(one.where, other.where)
    )


def holds_for_nobody(test: Test) -> bool:
    """Whether a test asks for what it also rules out."""
    return not _test_meets(test, test)


def name_places(where: Iterable[Where]) -> frozenset[Atom]:
    """Areas and aerodromes that tables name: (layer, designator), groups by all members ever."""
    return frozenset(atom for table in where for atom in _list_atoms(table))


# ---------------------------------------------------------------------------------------- time
def covers_time(wide: When, narrow: When) -> bool:
    """Whether `wide` is in force, and known, whenever `narrow` is, and may be whenever it may."""
    schedule, other = ((when.daily, when.weekly, when.sun_at) for when in (wide, narrow))
    return (
        all(a <= b for a, b in zip(wide.start, narrow.start, strict=True))
        and all(a >= b for a, b in zip(wide.end, narrow.end, strict=True))
        and schedule in (((), (), None), other)
        and wide.published_ms <= narrow.published_ms
    )


def times_meet(one: When, other: When) -> bool:
    """Whether two lives may have a moment in common; daily hours are not looked at."""
    return one.start[0] < other.end[1] and other.start[0] < one.end[1]


def is_ever_in_force(when: When) -> bool:
    """Whether a schedule has any hour within the life of its rule."""
    first, last = when.start[0], when.end[1] - 1
    if first == OPEN_FROM or when.end[1] == OPEN_TO or last - first > _SHORT_MS:
        return True
    return judge_time(when, first, last) is not False


# -------------------------------------------------------------------------------- levels, tests
def _covers_levels(wide: Levels | None, narrow: Levels | None) -> bool:
    low, high = narrow or Levels(), wide or Levels()
    return high.lower_ft <= low.lower_ft and low.upper_ft <= high.upper_ft


def _permission(table: Rule | Unless) -> str:
    """Name of a permission that a flight must have been granted; empty if none."""
    return table.granted_as if isinstance(table, Unless) and table.permission_of else ""


def _covers_tests(wide: Sequence[Test], narrow: Sequence[Test]) -> bool:
    """Tests are ORed: each of the narrow ones must lie inside one of the wide ones."""
    if not wide:
        return True
    return bool(narrow) and all(any(_covers_test(w, n) for w in wide) for n in narrow)


def _tests_meet(one: Sequence[Test], other: Sequence[Test]) -> bool:
    if not (one and other):
        return not any(all(map(holds_for_nobody, tests)) for tests in (one, other) if tests)
    return any(_test_meets(a, b) for a in one for b in other)


def _fields(test: Test, *, ever: bool) -> dict[str, Any]:
    """What a test asks for; a group of States becomes its members: ever, or always."""
    given = {name: getattr(test, name) for name in type(test).model_fields}
    asked = {name: value for name, value in given.items() if value not in ((), None)}
    for name in [name for name in asked if name.endswith("_in_group")]:
        members = group_members(asked.pop(name), ever=ever)
        fact = name.removesuffix("_group")
        asked[fact] = tuple(members.intersection(asked[fact]) if fact in asked else members)
    return asked


def group_members(group: str, *, ever: bool) -> frozenset[str]:
    """States that were in a group at some time, or at all times."""
    sets = [states_in_group(group, at_ms) for at_ms in (GROUP_CHANGES_MS[0] - 1, *GROUP_CHANGES_MS)]
    return frozenset.union(*sets) if ever else frozenset.intersection(*sets)


def _fact(name: str) -> str:
    """Fact that a field rules values out of: ``licensed_not_in`` is about ``licensed_in``."""
    return name.replace("_not_in", "_in").removesuffix("_not")


def _covers_test(wide: Test, narrow: Test) -> bool:
    groups = [name for name in type(wide).model_fields if name.endswith("_in_group")]
    if any(getattr(wide, g) and getattr(wide, g) == getattr(narrow, g) for g in groups):
        wide = wide.model_copy(
            update={g: None for g in groups if getattr(wide, g) == getattr(narrow, g)}
        )
    have = _fields(narrow, ever=True)
    return all(_implies(have, name, value) for name, value in _fields(wide, ever=False).items())


def _implies(have: Mapping[str, Any], name: str, value: Any) -> bool:
    own = have.get(name)
    if name in _AT_MOST:
        return own is not None and bool(own <= value)
    if name in _AT_LEAST:
        return own is not None and bool(own >= value)
    if not isinstance(value, tuple):
        return bool(own == value)
    if _fact(name) == name:
        return own is not None and set(own) <= set(value)
    positive = have.get(_fact(name))
    listed = positive is not None and set(positive).isdisjoint(value)
    return listed or set(value) <= set(own or ())


def _test_meets(one: Test, other: Test) -> bool:
    a, b = _fields(one, ever=True), _fields(other, ever=True)
    for name in a.keys() & b.keys():
        if isinstance(a[name], bool) and a[name] is not b[name]:
            return False
        if name in _SINGLE and set(a[name]).isdisjoint(b[name]):
            return False
    return not any(
        name != _fact(name) and _fact(name) in asked and set(asked[_fact(name)]) <= set(value)
        for table, asked in ((a, b), (b, a), (a, a), (b, b))
        for name, value in table.items()
    )


# --------------------------------------------------------------------------------------- places
def _list_atoms(table: Where, *, ever: bool = True) -> Iterator[Atom]:
    if table.anywhere:
        yield from ((layer, ANY) for layer in LAYERS)
        return
    states = set(table.territory)
    if table.territory_group is not None:
        states |= group_members(table.territory_group, ever=ever)
    if table.eu_territory:
        yield "territory", ANY_EU
    yield from (("territory", state) for state in sorted(states - set(table.except_territory)))
    for layer in LAYERS[1:]:
        yield from ((layer, name) for name in getattr(table, layer))


def _covers_where(wide: Sequence[Where], narrow: Sequence[Where]) -> bool:
    if not wide:
        return True
    if not narrow:
        return any(table.anywhere and not table.except_territory for table in wide)
    return all(
        any(_covers_atom(table, own, atom) for table in wide)
        for own in narrow
        for atom in _list_atoms(own)
    )


def _covers_atom(table: Where, own: Where, atom: Atom) -> bool:
    """Whether `table` names a place that `own` names, whenever it does."""
    layer, name = atom
    less = set(table.except_territory) - set(own.except_territory)
    if name == ANY:
        return table.anywhere and not less
    if name == ANY_EU:
        return (table.anywhere or table.eu_territory) and not less
    if layer == "aerodrome" and less:
        return False  # whose aerodrome it is, is not known here
    if layer == "territory" and name in less:
        return False
    by_group = layer == "territory" and name not in own.territory
    if by_group and own.territory_group == table.territory_group:
        return True
    return table.anywhere or atom in _list_atoms(table, ever=False)


def _where_meets(one: Sequence[Where], other: Sequence[Where]) -> bool:
    """Whether some spot can lie in both: it has one territory and one region, and many zones."""
    if not (one and other):
        return True
    a, b = name_places(one), name_places(other)
    layers = {layer for layer, _ in a | b}
    if layers not in ({"territory"}, {"fir"}):
        return True
    return any(
        name == its or name.startswith(ANY) or its.startswith(ANY) for _, name in a for _, its in b
    )
