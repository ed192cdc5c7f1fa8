"""A rulebook laid over an atlas: which rules speak of which areas, and when that may change."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from airsim.airspace import Atlas
from airsim.base import GROUP_CHANGES_MS
from airsim.law import (
    FlightFacts,
    Place,
    Rule,
    Rulebook,
    Unless,
    When,
    covers_place,
    walk_tables,
)
from airsim.permission.facts import find_ruled_out, lasting_facts

if TYPE_CHECKING:
    from airsim.permission.decision import Decision

AreaKey = tuple[str, int]


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
    _out: dict[object, frozenset[str]] = field(default_factory=dict, repr=False)
    _seen: dict[tuple[int, int, bool], NDArray[np.bool_]] = field(default_factory=dict, repr=False)
    _masks: dict[object, dict[AreaKey, Decision]] = field(default_factory=dict, repr=False)

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
    def timed_rules(self) -> tuple[Rule, ...]:
        """Rules and licences whose dates can change a closed mask."""
        licences = tuple(rule for rule in self.rulebook.rules if rule.effect == "permit")
        return self.overflight_rules + licences

    @cached_property
    def dated_rules(self) -> tuple[Rule, ...]:
        """Timed rules that have dates of their own."""
        return tuple(rule for rule in self.timed_rules if rule.when != When())

    @cached_property
    def exceptions(self) -> tuple[Unless, ...]:
        """Exceptions, nested ones too, that can change a closed mask."""
        return tuple(
            table
            for rule in self.timed_rules
            for table in walk_tables(self.rulebook, rule)
            if isinstance(table, Unless)
        )

    @cached_property
    def exception_dates(self) -> tuple[When, ...]:
        """Dates of exceptions, each once."""
        return tuple(dict.fromkeys(u.when for u in self.exceptions if u.when is not None))

    @cached_property
    def filing_limits(self) -> tuple[int, ...]:
        """Instants after which the filing of a flight plan matters to some rule or exception."""
        tests = [test for rule in self.timed_rules for test in rule.flight]
        tests += [test for unless in self.exceptions for test in unless.flight]
        return tuple(sorted({t.filed_after for t in tests if t.filed_after is not None}))

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

    def rules_out(self, facts: FlightFacts, first_ms: int, last_ms: int) -> frozenset[str]:
        """Ids of rules whose subject a flight is not, whatever its ends and its route."""
        era = bisect_right(GROUP_CHANGES_MS, first_ms)
        if era != bisect_right(GROUP_CHANGES_MS, last_ms):
            return frozenset()
        key = (era, lasting_facts(facts))
        if key not in self._out:
            found = find_ruled_out(self.rulebook.rules, facts, first_ms)
            self._out[key] = self._out.setdefault(found, found)  # each set is kept once
        return self._out[key]

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
