"""A rulebook laid over an atlas: which rules speak of which areas, and when that may change."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from airsim.airspace import Atlas
from airsim.base import GROUP_CHANGES_MS
from airsim.law import (
    Place,
    Rule,
    Rulebook,
    Unless,
    covers_place,
    walk_tables,
)

AreaKey = tuple[str, int]


class Limits(NamedTuple):
    """Number of the first area of each layer; by number, when areas are valid, and their feet."""

    first: NDArray[np.int64]
    valid_from_ms: NDArray[np.int64]
    valid_to_ms: NDArray[np.int64]
    lower_ft: NDArray[np.float64]
    upper_ft: NDArray[np.float64]


@dataclass(frozen=True)
class BoundRulebook:
    """A rulebook laid over an atlas: each rule knows the rows of airspace it speaks of.

    Parameters
    ----------
    rulebook : Rulebook
    atlas : Atlas
    held : frozenset of str
        Ids of `require-permit` rules whose permit the operators hold.
    """

    rulebook: Rulebook
    atlas: Atlas
    held: frozenset[str] = frozenset()
    _areas: dict[tuple[str, int], tuple[AreaKey, ...]] = field(default_factory=dict, repr=False)
    _rules: dict[tuple[str, Place, int], tuple[Rule, ...]] = field(default_factory=dict, repr=False)
    _seen: dict[tuple[int, int, bool], NDArray[np.bool_]] = field(default_factory=dict, repr=False)
    _memory: dict[Hashable, Any] = field(default_factory=dict, repr=False)

    @cached_property
    def places(self) -> dict[str, tuple[Place, ...]]:
        """For each layer, its rows as the law sees them."""
        return {
            layer.name: tuple(
                Place(layer.name, designator, sovereign, bool(eu))
                for designator, sovereign, eu in zip(
                    layer.designator, layer.state, layer.eu_territory, strict=True
                )
            )
            for layer in self.atlas.layers
        }

    @cached_property
    def overflown(self) -> tuple[tuple[Place], ...]:
        """Each area by itself, layer by layer, row by row."""
        return tuple((place,) for places in self.places.values() for place in places)

    @cached_property
    def limits(self) -> Limits:
        """Validity and levels of each area, layer by layer, row by row."""
        layers = self.atlas.layers
        columns = [
            np.concatenate([getattr(layer, name) for layer in layers])
            for name in Limits._fields[1:]
        ]
        return Limits(np.cumsum([0, *map(len, layers)], dtype=np.int64)[:-1], *columns)

    @cached_property
    def airspace_rules(self) -> tuple[Rule, ...]:
        """Rules, licences apart, that address airspace and aerodromes."""
        return tuple(
            rule
            for rule in self.rulebook.rules
            if rule.addresses == "airspace" and rule.effect != "permit"
        )

    @cached_property
    def person_rules(self) -> tuple[Rule, ...]:
        """Binding rules, licences apart, that address persons."""
        return tuple(
            rule
            for rule in self.rulebook.rules
            if rule.addresses == "persons" and rule.effect != "permit" and rule.force == "binding"
        )

    @cached_property
    def overflight_rules(self) -> tuple[Rule, ...]:
        """Rules that can close airspace to a flight passing through."""
        return tuple(rule for rule in self.airspace_rules if "overflight" in rule.activities)

    @cached_property
    def filing_limits(self) -> tuple[int, ...]:
        """Instants after which the filing of a flight plan matters to some rule or exception."""
        tests = [test for table in self._tables for test in table.flight]
        return tuple(sorted({t.filed_after for t in tests if t.filed_after is not None}))

    @cached_property
    def named_aerodromes(self) -> frozenset[str]:
        """Aerodromes that some rule or exception names."""
        where = [where for table in self._tables for where in table.where]
        return frozenset(icao for table in where for icao in table.aerodrome)

    @cached_property
    def _tables(self) -> list[Rule | Unless]:
        return [t for rule in self.rulebook.rules for t in walk_tables(self.rulebook, rule)]

    @cached_property
    def area_changes(self) -> tuple[int, ...]:
        """Instants at which areas come or go, or groups of States change, sorted."""
        changes = set(GROUP_CHANGES_MS)
        for layer in self.atlas.layers:
            changes.update(layer.valid_from_ms.tolist(), layer.valid_to_ms.tolist())
        return tuple(sorted(changes))

    def rules_on(self, area: AreaKey, at_ms: int) -> tuple[Rule, ...]:
        """Overflight rules that name an area."""
        return self.rules_at("overflight", self.place(area), at_ms)

    def rules_at(self, activity: str, place: Place, at_ms: int) -> tuple[Rule, ...]:
        """Rules on airspace that speak of an activity at a place, in id order."""
        # Group membership is dated; everything else about a place is not.
        key = (activity, place, bisect_right(GROUP_CHANGES_MS, at_ms))
        found = self._rules.get(key)
        if found is None:
            found = self._rules[key] = tuple(
                rule
                for rule in self.airspace_rules
                if activity in rule.activities
                and any(covers_place(where, place, at_ms) for where in rule.where)
            )
        return found

    def areas_of(self, rule: Rule, at_ms: int) -> tuple[AreaKey, ...]:
        """Rows of airspace that a rule names, in layer and row order."""
        key = (rule.id, bisect_right(GROUP_CHANGES_MS, at_ms))
        if key not in self._areas:
            self._areas[key] = tuple(
                (layer, row)
                for layer, places in self.places.items()
                for row, place in enumerate(places)
                if any(covers_place(where, place, at_ms) for where in rule.where)
            )
        return self._areas[key]

    def spot(self, area: AreaKey) -> tuple[Place]:
        """The area by itself, as a question takes it: always the same tuple."""
        return self._spots[area[0]][area[1]]

    @cached_property
    def _spots(self) -> dict[str, tuple[tuple[Place], ...]]:
        overflown = iter(self.overflown)
        return {
            name: tuple(next(overflown) for _ in places) for name, places in self.places.items()
        }

    def place(self, area: AreaKey) -> Place:
        """The area as the law sees it."""
        return self.places[area[0]][area[1]]


def bind_rulebook(rulebook: Rulebook, atlas: Atlas, *, held: Iterable[str] = ()) -> BoundRulebook:
    """Lay a rulebook over an atlas.

    Parameters
    ----------
    rulebook : Rulebook
    atlas : Atlas
    held : iterable of str
        Ids of `require-permit` rules whose permit is held although it is not routine.

    Returns
    -------
    BoundRulebook
    """
    return BoundRulebook(rulebook, atlas, frozenset(held))
