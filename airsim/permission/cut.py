"""Exceptions by place inside a closed area: the area is cut along them.

Overflight is judged area by area, and an area is closed or open as a whole. An exception (or a
licence) that opens a corridor inside a closed region would therefore open nothing. So the region
is cut beforehand: the rule then speaks of two zones, the corridor and the rest, and its exception
of the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise, product
from typing import TYPE_CHECKING, TypeVar

from airsim.airspace import Atlas
from airsim.base import format_instant
from airsim.law import Rule, Rulebook, Unless, Where, covers_place, make_rulebook
from airsim.permission.bound import AreaKey, BoundRulebook, bind_rulebook

if TYPE_CHECKING:
    from airsim.airspace import Zone

Relief = Unless | Rule
ReliefT = TypeVar("ReliefT", Unless, Rule)


def cut_exceptions(rulebook: Rulebook, atlas: Atlas) -> tuple[Rulebook, Atlas]:
    """Cut closed areas along the exceptions and licences that open a part of them to overflight.

    Parameters
    ----------
    rulebook : Rulebook
    atlas : Atlas

    Returns
    -------
    rulebook : Rulebook
        The same rules; those concerned name pieces of areas instead of areas.
    atlas : Atlas
        With the pieces among its zones. Both are those given if nothing has to be cut.

    Notes
    -----
    The designator of a piece joins area, rule and exception with ``~``: ``OBBB~BH-QA`` is what
    stays closed, ``OBBB~BH-QA~airways`` what the exception opens. Groups of States are those of
    the day on which the rule begins. A rule that acts ``anywhere`` is not cut, nor is an area
    along exceptions of exceptions.
    """
    bound = bind_rulebook(rulebook, atlas)
    rules, zones = dict(rulebook.by_id), list["Zone"]()
    for rule in rulebook.rules:
        reliefs = _find_reliefs(rulebook, rule)
        if reliefs:
            cut = _Cut(bound, rule, reliefs)
            zones += cut.zones
            for changed in cut.apply(rules):
                rules[changed.id] = changed
    if not zones:
        return rulebook, atlas
    from airsim.airspace import add_zones

    return make_rulebook(rules.values(), rulebook.files), add_zones(atlas, zones)


def _find_reliefs(rulebook: Rulebook, rule: Rule) -> list[Relief]:
    """Exceptions and licences that open some places only to overflight."""
    if "overflight" not in rule.activities or rule.effect == "permit":
        return []
    if any(table.anywhere for table in rule.where):
        return []
    reliefs: list[Relief] = [*rule.unless, *rulebook.licences_by_rule.get(rule.id, ())]
    return [
        relief
        for relief in reliefs
        if relief.where
        and "overflight" in (relief.activities or rule.activities)
        and not any(table.anywhere for table in relief.where)
    ]


_Box = tuple[tuple[int, int], tuple[int, int]]  # levels in feet, life in UTC ms


_Groups = dict[tuple[str, _Box], list[AreaKey]]


class _Cut:
    """The pieces into which the areas of one rule fall.

    `pieces` holds, by (layer, designator) of each area cut, the designators of its pieces;
    `opened`, by the label of an exception or licence, those of them that it opens.
    """

    def __init__(self, bound: BoundRulebook, rule: Rule, reliefs: list[Relief]) -> None:
        self.bound, self.rule = bound, rule
        self.life = rule.when.start[0], rule.when.end[1]
        ids = [relief.id for relief in reliefs]
        self.reliefs = {
            name if ids.count(name) == 1 else f"{name}-{number}": relief
            for number, (name, relief) in enumerate(zip(ids, reliefs, strict=True), 1)
        }
        self.zones: list[Zone] = []
        self.pieces: dict[tuple[str, str], list[str]] = {}
        self.opened: dict[str, list[str]] = {label: [] for label in self.reliefs}
        inside = {label: self._areas_named(relief) for label, relief in self.reliefs.items()}
        rows: dict[tuple[str, str], list[AreaKey]] = {}
        for area in bound.areas_of(rule, rule.when.start[0]):
            if _meet(self._box(area)[1], self.life):
                rows.setdefault((area[0], bound.place(area).designator), []).append(area)
        for name, areas in rows.items():
            self._cut(name, areas, inside)

    def _areas_named(self, relief: Relief) -> list[AreaKey]:
        at_ms = self.rule.when.start[0]
        return [
            (layer, row)
            for layer, places in self.bound.places.items()
            for row, place in enumerate(places)
            if any(covers_place(where, place, at_ms) for where in relief.where)
        ]

    def _box(self, area: AreaKey) -> _Box:
        layer, row = self.bound.atlas.layer(area[0]), area[1]
        levels = int(layer.lower_ft[row]), int(layer.upper_ft[row])
        return levels, (int(layer.valid_from_ms[row]), int(layer.valid_to_ms[row]))

    def _cut(
        self, name: tuple[str, str], areas: list[AreaKey], inside: dict[str, list[AreaKey]]
    ) -> None:
        """Cut all rows of one designator, if any of them is met by an area of an exception."""
        groups = {area: self._group(area, inside) for area in areas}
        if not any(groups.values()):
            return
        found = {area: self._cut_row(area, groups[area]) for area in areas}
        if not any(labels for pieces in found.values() for labels, _ in pieces):
            return
        own = self.pieces.setdefault(name, [])
        for labels, zone in (piece for pieces in found.values() for piece in pieces):
            designator = "~".join((name[1], self.rule.id, *labels))
            titles = "; ".join(self.reliefs[label].title for label in labels)
            said = f"{zone.name}: {titles or 'what no exception opens'}"
            self.zones.append(replace(zone, designator=designator, name=said))
            own.append(designator)
            for label in labels:
                self.opened[label].append(designator)
        # What opened the area as a whole opens all its pieces.
        for label, others in inside.items():
            if not set(areas).isdisjoint(others):
                self.opened[label] += own

    def _group(self, area: AreaKey, inside: dict[str, list[AreaKey]]) -> _Groups:
        """What may lie in an area, by whose exception it is and by levels and life."""
        whole = self._box(area)
        groups: _Groups = {}
        for label, others in inside.items():
            for other in others:
                box = self._box(other)
                # Territories, and regions, do not overlap each other; zones may.
                apart = other[0] == area[0] and (area[0] != "zone" or other == area)
                if not apart and all(map(_meet, box, whole)):
                    groups.setdefault((label, box), []).append(other)
        return groups

    def _cut_row(self, area: AreaKey, groups: _Groups) -> list[tuple[tuple[str, ...], Zone]]:
        """Pieces of one row with the labels of what opens them: by outline, level and date."""
        from airsim.airspace import cut_area

        names = {str(number): key for number, key in enumerate(groups)}
        along = {name: groups[key] for name, key in names.items()}
        pieces = []
        for covering, zone in cut_area(self.bound.atlas, area, along).items():
            opens = [names[name] for name in covering]
            for box in _slice(self._box(area), [its for _, its in opens]):
                labels = {label for label, its in opens if all(map(_within, box, its))}
                (low, high), (first, last) = box
                if not _meet((first, last), self.life):
                    continue
                part = replace(
                    zone, lower_ft=low, upper_ft=high, valid_from=format_instant(first),
                    valid_to=format_instant(last),
                )  # fmt: skip
                pieces.append((tuple(sorted(labels)), part))
        return pieces

    def apply(self, rules: dict[str, Rule]) -> Iterator[Rule]:
        """The rule, and the licences concerned, in terms of pieces."""
        if not self.pieces:
            return
        kept = [part for table in self.rule.where for part in _take_out(table, self.pieces)]
        names = sorted({name for own in self.pieces.values() for name in own})
        labels = {id(relief): label for label, relief in self.reliefs.items()}
        unless = tuple(
            self._widen(labels[id(own)], own) if id(own) in labels else own
            for own in self.rule.unless
        )
        yield rules[self.rule.id].model_copy(
            update={"where": (*kept, Where(zone=tuple(names))), "unless": unless}
        )
        for label, relief in self.reliefs.items():
            if isinstance(relief, Rule):
                yield self._widen(label, rules[relief.id])

    def _widen(self, label: str, relief: ReliefT) -> ReliefT:
        names = tuple(sorted(set(self.opened[label])))
        if not names:
            return relief
        return relief.model_copy(update={"where": (*relief.where, Where(zone=names))})


def _meet(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _within(inner: tuple[int, int], outer: tuple[int, int]) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]


def _slice(whole: _Box, along: Iterable[_Box]) -> Iterator[_Box]:
    """The boxes into which levels and life fall at the ends of others."""
    boxes = list(along)
    sides = [
        sorted({*span, *(v for box in boxes for v in box[k] if span[0] < v < span[1])})
        for k, span in enumerate(whole)
    ]
    yield from product(pairwise(sides[0]), pairwise(sides[1]))


def _take_out(table: Where, gone: Iterable[tuple[str, str]]) -> Iterator[Where]:
    """A table without some areas; its aerodromes apart, so that nothing excepts them."""
    lost = set(gone)
    states = {name for layer, name in lost if layer == "territory"}
    rest = table.model_copy(
        update={
            **{
                layer: tuple(n for n in getattr(table, layer) if (layer, n) not in lost)
                for layer in ("territory", "fir", "zone")
            },
            "aerodrome": (),
            "except_territory": tuple(sorted({*table.except_territory, *states})),
        }
    )
    if rest.territory or rest.territory_group or rest.eu_territory or rest.fir or rest.zone:
        yield rest
    if table.aerodrome:
        yield Where(aerodrome=table.aerodrome, except_territory=table.except_territory)
