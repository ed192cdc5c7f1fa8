"""Conversions between the units that flight crews read and the ones the arithmetic uses."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

KM_PER_NM = 1.852  # exact: international nautical mile
KM_PER_FT = 0.0003048  # exact: international foot
FT_PER_FL = 100.0
UNLIMITED_FT = 99_999  # "UNL" in level columns

Number = TypeVar("Number", float, NDArray[np.float64])


def km_from_nm(distance_nm: Number) -> Number:
    """Kilometres from nautical miles."""
    return distance_nm * KM_PER_NM


def nm_from_km(distance_km: Number) -> Number:
    """Nautical miles from kilometres."""
    return distance_km / KM_PER_NM


def km_from_ft(height_ft: Number) -> Number:
    """Kilometres from feet."""
    return height_ft * KM_PER_FT


def ft_from_km(height_km: Number) -> Number:
    """Feet from kilometres."""
    return height_km / KM_PER_FT


def ft_from_fl(level_fl: Number) -> Number:
    """Feet (pressure altitude) from a flight level."""
    return level_fl * FT_PER_FL


def fl_from_ft(height_ft: Number) -> Number:
    """Flight level from feet (pressure altitude)."""
    return height_ft / FT_PER_FL


def format_level(height_ft: float) -> str:
    """Level as crews write it: ``GND``, ``2500 ft``, ``FL195``, ``UNL``."""
    if height_ft <= 0:
        return "GND"
    if height_ft >= UNLIMITED_FT:
        return "UNL"
    if height_ft >= 5000 and height_ft % FT_PER_FL == 0:
        return f"FL{round(height_ft / FT_PER_FL):03d}"
    return f"{height_ft:.0f} ft"
