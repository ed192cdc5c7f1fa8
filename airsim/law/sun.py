"""Sunrise and sunset at a place: for rules that hold by night or by day.

Equations of the NOAA Solar Calculator (Global Monitoring Laboratory,
https://gml.noaa.gov/grad/solcalc/calcdetails.html), after J. Meeus, Astronomical Algorithms: the
upper limb on a sea horizon, 0.833 degrees of refraction and radius. Good to a minute below 72
degrees of latitude; results are rounded to the minute, as aeronautical publications print them.
"""

from __future__ import annotations

from functools import lru_cache
from math import acos, asin, cos, degrees, radians, sin, tan

DAY_MS = 86_400_000
MINUTE_MS = 60_000
_J2000_MS = 946_728_000_000  # 2000-01-01T12:00Z
_CENTURY_MS = 36_525 * DAY_MS
_HORIZON = radians(90.833)


@lru_cache(maxsize=4096)
def find_sun_times(lon: float, lat: float, day: int) -> tuple[int, int]:
    """Sunrise and sunset of one day.

    Parameters
    ----------
    lon, lat : float
        Degrees.
    day : int
        Days since 1970-01-01; the sun's noon at the place lies within 12 hours of 12:00Z of it.

    Returns
    -------
    sunrise_ms, sunset_ms : int
        UTC milliseconds, whole minutes. Where the sun does not rise both are mean noon; where
        it does not set they are 12 hours before and after it: by day is then never or always.
    """
    noon_ms = day * DAY_MS + DAY_MS // 2 - round(lon * 4 * MINUTE_MS)
    # The sun moves while it rises: once more with its place at the time found first.
    rise_ms = _find_event(lon, lat, noon_ms, _find_event(lon, lat, noon_ms, noon_ms, -1), -1)
    set_ms = _find_event(lon, lat, noon_ms, _find_event(lon, lat, noon_ms, noon_ms, 1), 1)
    return rise_ms, set_ms


def _find_event(lon: float, lat: float, mean_noon_ms: int, at_ms: int, side: int) -> int:
    """Rise (side -1) or set (+1) if the sun stood all day where it stands at `at_ms`."""
    declination, equation_min = _place_sun(at_ms)
    phi = radians(max(-89.9, min(89.9, lat)))
    share = cos(_HORIZON) / (cos(phi) * cos(declination)) - tan(phi) * tan(declination)
    arc_min = 4 * degrees(acos(max(-1.0, min(1.0, share))))
    if not -1.0 < share < 1.0:
        equation_min = 0.0  # no event: days and nights of 24 hours join without a gap
    return round(mean_noon_ms / MINUTE_MS - equation_min + side * arc_min) * MINUTE_MS


def _place_sun(at_ms: int) -> tuple[float, float]:
    """Declination in radians and equation of time in minutes."""
    t = (at_ms - _J2000_MS) / _CENTURY_MS
    mean = radians((280.46646 + t * (36000.76983 + t * 0.0003032)) % 360)
    anomaly = radians(357.52911 + t * (35999.05029 - 0.0001537 * t))
    eccentricity = 0.016708634 - t * (0.000042037 + 0.0000001267 * t)
    centre = (
        sin(anomaly) * (1.914602 - t * (0.004817 + 0.000014 * t))
        + sin(2 * anomaly) * (0.019993 - 0.000101 * t)
        + sin(3 * anomaly) * 0.000289
    )
    node = radians(125.04 - 1934.136 * t)
    longitude = mean + radians(centre - 0.00569 - 0.00478 * sin(node))
    tilt_arcsec = 21.448 - t * (46.815 + t * (0.00059 - t * 0.001813))
    tilt = radians(23 + (26 + tilt_arcsec / 60) / 60 + 0.00256 * cos(node))
    y = tan(tilt / 2) ** 2
    equation = (
        y * sin(2 * mean)
        - 2 * eccentricity * sin(anomaly)
        + 4 * eccentricity * y * sin(anomaly) * cos(2 * mean)
        - 0.5 * y * y * sin(4 * mean)
        - 1.25 * eccentricity**2 * sin(2 * anomaly)
    )
    return asin(sin(tilt) * sin(longitude)), 4 * degrees(equation)
