"""Overflight charges: dated tariffs, flagged defaults, and silence where nothing is known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import tomli

from airsim.base import STATE_CODES, InputError, Problem, ProblemList, find_resource

_METHODS = frozenset({"eurocontrol", "bands_100km", "bands_km", "bands_flat", "tonne_km"})
_END_KM = 20.0


@dataclass(frozen=True, slots=True)
class Tariff:
    """How one State charges for its airspace.

    Parameters
    ----------
    state : str
        ISO 3166-1 alpha-2.
    method : str
        eurocontrol, bands_100km, bands_km, bands_flat or tonne_km.
    rates : tuple of float
        One per band; one only without bands.
    up_to_t : tuple of float
        Upper limits of the take-off mass bands, tonnes.
    currency : str
        ISO 4217.
    year : int
        First year of the figures.
    mark : str
        V read, K known but unverified, U estimate.
    source : str
        Where the figures come from.
    operators : frozenset of str
        States whose operators it is for; empty: all others.
    minimum : float
        Least amount per flight.
    ends_km : float
        Kilometres taken off for each take-off and landing inside.
    """

    state: str
    method: str
    rates: tuple[float, ...]
    up_to_t: tuple[float, ...]
    currency: str
    year: int
    mark: str
    source: str
    operators: frozenset[str] = frozenset()
    minimum: float = 0.0
    ends_km: float = _END_KM


@dataclass(frozen=True, slots=True)
class Charge:
    """What one flight owes for one State's airspace.

    Parameters
    ----------
    state : str
        ISO 3166-1 alpha-2.
    amount : float or None
        In `currency`; None if no tariff is known for this State, operator and mass.
    currency : str
        ISO 4217, empty without an amount.
    year : int or None
        Year of the figures used.
    mark : str
        V read, K known but unverified, U estimate or default.
    assumed : bool
        A default, or figures of another year than the flight's.
    source : str
        Where the figures come from.
    """

    state: str
    amount: float | None
    currency: str = ""
    year: int | None = None
    mark: str = "U"
    assumed: bool = True
    source: str = "no tariff known"


def charge_by_service_units(
    distance_km: float,
    mtow_kg: float,
    unit_rate: float,
    *,
    ends_inside: int = 0,
    ends_km: float = _END_KM,
) -> float:
    """EUROCONTROL route charge.

    Parameters
    ----------
    distance_km : float
        Great circle between entry and exit, kilometres.
    mtow_kg : float
        Maximum take-off mass.
    unit_rate : float
        Per service unit.
    ends_inside : int
        Take-offs and landings in the charging zone, 0 to 2; `ends_km` is taken off for each.
    ends_km : float
        See `ends_inside`.

    Returns
    -------
    float
        In the currency of `unit_rate`; 0 if the distance is used up.

    Notes
    -----
    Distance over 100 km times ``sqrt(MTOW/50 t)``, both rounded to two decimals. DFS publishes
    EUR 543.03 for Hamburg-Munich with an A320 of 73.5 t at EUR 80.14 in 2024.
    """
    distance_factor = round(max(distance_km - ends_km * ends_inside, 0.0) / 100.0, 2)
    weight_factor = round(math.sqrt(mtow_kg / 50_000.0), 2)
    return distance_factor * weight_factor * unit_rate


@dataclass(frozen=True, slots=True)
class Tariffs:
    """All tariffs, and the defaults for EUROCONTROL members without one."""

    listed: tuple[Tariff, ...]
    defaults: tuple[Tariff, ...]

    def charge_overflight(
        self,
        state: str,
        distance_km: float,
        mtow_kg: float,
        *,
        year: int,
        operator_state: str = "",
        ends_inside: int = 0,
    ) -> Charge:
        """Charge for one stay in one State's airspace.

        Parameters
        ----------
        state : str
            ISO 3166-1 alpha-2.
        distance_km : float
            Great circle between entry and exit, kilometres.
        mtow_kg : float
            Maximum take-off mass.
        year : int
            Year of the flight.
        operator_state : str
            State that licensed the operator.
        ends_inside : int
            Take-offs and landings inside, 0 to 2.

        Returns
        -------
        Charge
            With ``amount=None`` where nothing is known: unknown is not free.
        """
        tariff = self._choose(state, year, operator_state)
        if tariff is None:
            return Charge(state, None)
        amount = _apply(tariff, distance_km, mtow_kg, ends_inside)
        if amount is None:
            return Charge(state, None, source=tariff.source)
        default = tariff in self.defaults
        return Charge(
            state,
            amount,
            tariff.currency,
            tariff.year,
            "U" if default else tariff.mark,
            default or tariff.year != year,
            tariff.source,
        )

    def _choose(self, state: str, year: int, operator_state: str) -> Tariff | None:
        """Latest tariff not after the year, the operator's own before the general one."""
        of_state = [t for t in self.listed if t.state == state]
        own = [t for t in of_state if operator_state in t.operators]
        for group in (own, [t for t in of_state if not t.operators]):
            past = [t for t in group if t.year <= year]
            if past:
                return max(past, key=lambda t: t.year)
        general = [t for t in of_state if not t.operators]
        if general:
            return min(general, key=lambda t: t.year)
        return next((t for t in self.defaults if t.state == state), None)


def _apply(tariff: Tariff, distance_km: float, mtow_kg: float, ends_inside: int) -> float | None:
    tonnes = mtow_kg / 1000.0
    if tariff.method == "eurocontrol":
        return charge_by_service_units(
            distance_km,
            mtow_kg,
            tariff.rates[0],
            ends_inside=ends_inside,
            ends_km=tariff.ends_km,
        )
    if tariff.method == "tonne_km":
        return max(tariff.rates[0] * tonnes * distance_km, tariff.minimum)
    bands = zip(tariff.up_to_t, tariff.rates, strict=True)
    rate = next((rate for limit, rate in bands if tonnes <= limit), None)
    if rate is None:
        return None
    units = {"bands_100km": distance_km / 100.0, "bands_km": distance_km, "bands_flat": 1.0}
    return max(rate * units[tariff.method], tariff.minimum)


def load_tariffs(path: str | Path | None = None) -> Tariffs:
    """Read tariffs.

    Parameters
    ----------
    path : str or pathlib.Path, optional
        TOML in the form of the shipped ``geodata/charges.toml``, which is read without it.

    Returns
    -------
    Tariffs

    Raises
    ------
    InputError
        Every problem of the file at once.
    """
    return _load_shipped() if path is None else _read_tariffs(Path(path))


@lru_cache(maxsize=1)
def _load_shipped() -> Tariffs:
    return _read_tariffs(find_resource("geodata/charges.toml"))


def _read_tariffs(path: Path) -> Tariffs:
    try:
        data = tomli.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(Problem(str(path), "", "no such file", "give a TOML file")) from None
    except (tomli.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(
            Problem(path.name, "", f"is not TOML: {error}", "correct the file")
        ) from None
    problems = ProblemList()
    entries, default = data.get("tariff", []), data.get("default", {})
    if not isinstance(entries, list) or not isinstance(default, dict):
        problems.add(path.name, "", "tariffs must be [[tariff]], the default [default]", "rename")
        problems.raise_if_any()
    listed = [
        _read_tariff(path.name, f"tariff {number}", entry, problems)
        for number, entry in enumerate(entries, start=1)
    ]
    defaults = _read_defaults(path.name, default, problems)
    problems.raise_if_any()
    return Tariffs(tuple(t for t in listed if t), defaults)


def _read_tariff(
    file: str, record: str, entry: dict[str, Any], problems: ProblemList
) -> Tariff | None:
    before = len(problems.problems)
    missing = [k for k in ("state", "method", "currency", "year", "source") if k not in entry]
    if missing:
        problems.add(file, record, f"lacks {', '.join(missing)}", "fill them in")
        return None
    state, method = entry["state"], entry["method"]
    record = f"{record} ({state})"
    if not isinstance(state, str) or state not in STATE_CODES:
        problems.add(file, record, f"state {state!r} is not a State", "ISO 3166-1 alpha-2")
    if not isinstance(method, str) or method not in _METHODS:
        problems.add(file, record, f"unknown method {method!r}", f"one of {sorted(_METHODS)}")
    banded = str(method).startswith("bands")
    rates = tuple(entry.get("rates", ())) if banded else (entry.get("rate"),)
    limits = tuple(entry.get("up_to_t", ()))
    if not rates or not all(_is_amount(rate) for rate in rates):
        problems.add(file, record, "has no rate", "a number, or rates and up_to_t for bands")
    for name in ("minimum", "ends_km"):
        if not _is_amount(entry.get(name, 0.0)):
            problems.add(file, record, f"{name} {entry[name]!r} is not a number", "as 50.0")
    if banded and (len(rates) != len(limits) or list(limits) != sorted(limits)):
        problems.add(file, record, "rates and up_to_t do not match", "one rising limit per rate")
    if not isinstance(entry["year"], int):
        problems.add(file, record, f"year {entry['year']!r} is not a year", "as 2024")
    if len(problems.problems) > before:
        return None
    return Tariff(
        state,
        method,
        tuple(float(r) for r in rates if r is not None),
        tuple(float(x) for x in limits),
        entry["currency"],
        entry["year"],
        entry.get("mark", "U"),
        entry["source"],
        frozenset(entry.get("operators", ())),
        float(entry.get("minimum", 0.0)),
        float(entry.get("ends_km", _END_KM)),
    )


def _is_amount(value: object) -> bool:
    return isinstance(value, int | float) and value >= 0


def _read_defaults(file: str, table: dict[str, Any], problems: ProblemList) -> tuple[Tariff, ...]:
    defaults: list[Tariff | None] = []
    pairs = (
        ("single_european_sky", "single_european_sky_states"),
        ("other_members", "other_member_states"),
    )
    for rate, states in pairs:
        for state in str(table.get(states, "")).split():
            entry = {
                "state": state,
                "method": "eurocontrol",
                "rate": table.get(rate),
                "currency": table.get("currency", "EUR"),
                "year": table.get("year", 0),
                "source": table.get("source", "default"),
            }
            defaults.append(_read_tariff(file, "default", entry, problems))
    return tuple(t for t in defaults if t)
