"""Distances, points and vectors agree with each other and with known figures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from airsim import geodesy, units

longitudes = st.floats(-180, 180)
latitudes = st.floats(-90, 90)


def test_the_date_line_is_no_seam() -> None:
    west, east = geodesy.unit_vectors(-180.0, 40.0), geodesy.unit_vectors(180.0, 40.0)
    assert west.tobytes() == east.tobytes()
    assert geodesy.unit_vectors(540.0, 40.0).tobytes() == east.tobytes()


def test_a_pole_is_one_point() -> None:
    poles = geodesy.unit_vectors(np.arange(-180.0, 181.0, 7.5), 90.0)
    assert np.array_equal(poles, np.broadcast_to([0.0, 0.0, 1.0], poles.shape))


@given(longitudes, latitudes)
def test_vectors_give_points_back(lon: float, lat: float) -> None:
    xyz = geodesy.unit_vectors(lon, lat)
    assert_allclose(np.linalg.norm(xyz), 1.0, rtol=1e-15)
    back_lon, back_lat = geodesy.lonlat_from_vectors(xyz)
    assert_allclose(back_lat, lat, atol=1e-6 if abs(lat) > 89.9 else 1e-12)
    assert_allclose(geodesy.unit_vectors(back_lon, back_lat), xyz, atol=1e-14)


def test_a_quarter_of_the_meridian() -> None:
    # 10 001.965 729 km: meridian quadrant of WGS84 (Karney 2013, and the origin of the metre)
    assert_allclose(geodesy.geodesic_km(0, 0, 0, 90), 10001.965729, atol=1e-6)


def test_minsk_to_istanbul_is_shorter_than_by_one_corner() -> None:
    azimuth, length = geodesy.inverse_geodesic(28.0307, 53.8825, 28.7519, 41.2753)
    assert 1400 < length < 1404
    lon, lat = geodesy.direct_geodesic(28.0307, 53.8825, azimuth, length)
    assert_allclose([lon, lat], [28.7519, 41.2753], atol=1e-9)


@pytest.mark.parametrize("model", ["wgs84", "sphere"])
@given(ends=st.tuples(longitudes, latitudes, longitudes, latitudes))
def test_densified_lines_keep_their_ends_and_their_length(
    model: geodesy.Model, ends: tuple[float, float, float, float]
) -> None:
    lon, lat = np.array(ends[::2]), np.array(ends[1::2])
    x, y = geodesy.densify_line(lon, lat, step_km=500.0, model=model)
    measure = geodesy.geodesic_km if model == "wgs84" else geodesy.great_circle_km
    steps = measure(x[:-1], y[:-1], x[1:], y[1:])
    assert (x[0], y[0], x[-1], y[-1]) == (lon[0], lat[0], lon[1], lat[1])
    assert steps.max() <= 500.0 + 1e-6
    assert_allclose(steps.sum(), measure(*ends), atol=1e-6)


def test_distance_to_an_arc_is_that_to_its_foot_or_its_ends() -> None:
    a, b = geodesy.unit_vectors(0.0, 0.0), geodesy.unit_vectors(10.0, 0.0)
    points = geodesy.unit_vectors([5.0, -3.0, 14.0, 185.0], [1.0, 0.0, 0.0, 0.0])
    degree = np.pi / 180 * geodesy.EARTH_RADIUS_KM
    expected = np.array([1.0, 3.0, 4.0, 175.0]) * degree
    assert_allclose(geodesy.distance_to_arcs_km(points, a, b), expected, rtol=1e-9)
    assert_allclose(geodesy.distance_to_arcs_km(points, a, a)[1], 3 * degree, rtol=1e-9)


def test_units_turn_around() -> None:
    assert units.km_from_nm(1.0) == 1.852
    assert_allclose(units.nm_from_km(units.km_from_nm(5.3)), 5.3)
    assert_allclose(units.ft_from_km(units.km_from_ft(19_500.0)), 19_500.0)
    assert units.ft_from_fl(195.0) == 19_500.0
    assert units.fl_from_ft(19_500.0) == 195.0


@pytest.mark.parametrize(
    ("feet", "text"),
    [(0, "GND"), (2500, "2500 ft"), (9500, "FL095"), (19500, "FL195"), (99999, "UNL")],
)
def test_levels_read_as_crews_write_them(feet: int, text: str) -> None:
    assert units.format_level(feet) == text
