"""The shipped world, loaded once for all tests, and changed law to ask it under."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from importlib import import_module

import pytest
from small_law import Bind, bind_to, load_small_atlas

from airsim.airspace import Atlas
from airsim.base import list_scenarios
from airsim.law import Amendment, Rule, Rulebook, load_rulebook, make_rulebook
from airsim.scenario import (
    Scenario,
    amend_scenario,
    load_scenario,
    make_scenario,
    shipped_atlas,
)

Amend = Callable[..., Scenario]


def pytest_configure() -> None:
    """Where all tools are to be there, one that is missing is an error: no test is skipped."""
    if os.environ.get("AIRSIM_REQUIRE_TOOLS") == "1":
        pytest.importorskip = import_module


@pytest.fixture(scope="session")
def atlas() -> Atlas:
    """The shipped airspace."""
    return shipped_atlas()


@pytest.fixture(scope="session")
def bind(tmp_path_factory: pytest.TempPathFactory) -> Bind:
    """Lay rules over a few small areas."""
    return bind_to(load_small_atlas(tmp_path_factory.mktemp("small")))


@pytest.fixture(scope="session")
def rulebook() -> Rulebook:
    """The shipped rulebook."""
    return load_rulebook()


@pytest.fixture(scope="session")
def world(atlas: Atlas, rulebook: Rulebook) -> Scenario:
    """The shipped airspace under the shipped law, without a timetable."""
    return make_scenario(atlas=atlas, rulebook=rulebook)


@pytest.fixture(scope="session")
def amended(world: Scenario) -> Amend:
    """The shipped world without some rules (by name), with others: ``amended("UA-01", rule)``."""

    @cache
    def amend(*changes: str | Rule | Amendment) -> Scenario:
        return amend_scenario(world, [as_amendment(change) for change in changes])

    return amend


@pytest.fixture(scope="session")
def lawless(world: Scenario) -> Amend:
    """The shipped airspace under the given rules and no others."""

    def under(*rules: Rule) -> Scenario:
        return make_scenario(atlas=world.atlas, rulebook=make_rulebook(rules))

    return under


def as_amendment(change: str | Rule | Amendment) -> Amendment:
    """A name is lifted, a rule is added."""
    if isinstance(change, str):
        return Amendment("lift", change)
    return change if isinstance(change, Amendment) else Amendment("add", change.id, rule=change)


@pytest.fixture(scope="session")
def shipped() -> dict[str, Scenario]:
    """Every shipped scenario, by name."""
    return {name: load_scenario(name) for name in list_scenarios()}
