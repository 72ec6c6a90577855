"""The round earth: circles hold all they should on sphere and ellipsoid, rings survive the antimeridian and poles."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
import shapely
from shapely import Point

from crisis.model.area import area_km2, circle, inside, union
from crisis.model.globe import EQUATOR_KM, FLATTENING, distance_km, ellipsoid_points, sphere_points
from crisis.model.outline import outline

Floats = npt.NDArray[np.float64]
BEARINGS = np.linspace(0, 2 * math.pi, 721)
E2 = FLATTENING * (2 - FLATTENING)


def walked(lat: float, lon: float, bearings: Floats, km: float, steps: int = 400) -> tuple[Floats, Floats]:
    """Follow the geodesic on WGS 84 by integrating its equations (Runge-Kutta), with nothing of Vincenty's in it."""

    def slope(state: Floats) -> Floats:
        phi, alpha = state[0], state[2]
        root = np.sqrt(1 - E2 * np.sin(phi) ** 2)
        meridian, prime = EQUATOR_KM * (1 - E2) / root**3, EQUATOR_KM / root
        return np.array(
            [np.cos(alpha) / meridian, np.sin(alpha) / (prime * np.cos(phi)), np.tan(phi) * np.sin(alpha) / prime]
        )

    state = np.array([np.full_like(bearings, math.radians(lat)), np.full_like(bearings, math.radians(lon)), bearings])
    h = km / steps
    for _ in range(steps):
        one = slope(state)
        two = slope(state + h / 2 * one)
        three = slope(state + h / 2 * two)
        four = slope(state + h * three)
        state = state + h / 6 * (one + 2 * two + 2 * three + four)
    return np.degrees(state[0]), np.degrees(state[1])


@pytest.mark.parametrize(("lat", "lon", "km"), [(-0.1, 109.4, 50), (-0.1, 109.4, 1500), (48, 11, 300), (-62, 0, 900)])
def test_geodesics_on_the_ellipsoid_end_where_they_should(lat: float, lon: float, km: float) -> None:
    """Vincenty's solution and plain integration agree to a centimetre."""
    lats, lons = walked(lat, lon, BEARINGS, km)
    found = ellipsoid_points(lat, lon, BEARINGS, km)
    assert np.abs(found[:, 1] - lats).max() < 1e-7
    assert np.abs(found[:, 0] - lons).max() < 1e-7


@pytest.mark.parametrize("lat", [-60, -35, -10, -0.1, 0, 7, 52, 65])
@pytest.mark.parametrize("km", [0.001, 1, 25, 300, 1500])
def test_a_circle_holds_all_of_itself_on_sphere_and_ellipsoid(lat: float, km: float) -> None:
    """Every point at the radius, whichever way the radius is measured, is inside; the excess is below 1.5 %."""
    shape = circle(lat, 109.4, km)
    for points in (sphere_points(lat, 109.4, BEARINGS, km), ellipsoid_points(lat, 109.4, BEARINGS, km)):
        assert inside(shape, points[:, 0], points[:, 1]).all()
    larger = sphere_points(lat, 109.4, BEARINGS, km * 1.015)
    assert not inside(shape, larger[:, 0], larger[:, 1]).any()


@pytest.mark.parametrize(("lat", "lon", "km"), [(89.5, 20, 500), (-88, -100, 400), (90, 0, 100), (70, 179, 2500)])
def test_a_circle_round_a_pole_holds_the_pole(lat: float, lon: float, km: float) -> None:
    """It is a cap over every longitude, not a band, and reaches no farther towards the equator than its radius."""
    shape = circle(lat, lon, km)
    assert shape.is_valid
    lons = np.array([-179.0, -90.0, 0.0, 90.0, 179.0])
    assert inside(shape, lons, np.full(5, math.copysign(89.99, lat))).all()
    assert area_km2(shape) == pytest.approx(math.tau * 6371**2 * (1 - math.cos(km / 6371)), rel=0.03)


RINGS = {
    "fiji": [(178, -20), (-178, -20), (-178, -10), (178, -10)],
    "fiji by way of 180": [(178, -20), (180, -20), (-180, -20), (-178, -20), (-178, -10), (178, -10)],
    "the world": [(-180, -90), (180, -90), (180, 90), (-180, 90)],
    "a band": [(-180, -10), (180, -10), (180, 10), (-180, 10)],
    "a band with a stop": [(-180, -10), (0, -10), (180, -10), (180, 10), (0, 10), (-180, 10)],
    "a cap": [(0, 70), (90, 70), (180, 70), (-90, 70)],
    "a cap the other way round": [(-90, -70), (180, -70), (90, -70), (0, -70)],
    "kubu raya": [(109, -1), (110, -1), (110, 0), (109, 0)],
}


@pytest.mark.parametrize(
    ("name", "within", "beyond"),
    [
        ("fiji", [(179, -15), (-179, -15)], [(109.4, -15), (177, -15), (0, -15)]),
        ("fiji by way of 180", [(179, -15), (-179, -15)], [(109.4, -15), (0, -15)]),
        ("the world", [(0, 0), (109.4, -0.1), (-179, 89)], []),
        ("a band", [(0, 0), (109.4, -0.1), (-179, 9)], [(0, 11)]),
        ("a band with a stop", [(0, 0), (109.4, -0.1), (-179, 9)], [(0, 11)]),
        ("a cap", [(0, 89), (-135, 75), (45, 71)], [(109.4, -0.1), (45, 69)]),
        ("a cap the other way round", [(0, -89), (135, -75)], [(109.4, -0.1), (0, 89)]),
        ("kubu raya", [(109.4, -0.1)], [(108, -0.1), (-70.6, -0.1)]),
    ],
)
def test_a_ring_over_an_edge_of_the_map_covers_what_it_goes_round(
    name: str, within: list[tuple[float, float]], beyond: list[tuple[float, float]]
) -> None:
    """The antimeridian, a pole and the whole world: never a girdle round the earth, never nothing."""
    shape = outline(RINGS[name])
    assert shape.is_valid
    assert [shape.intersects(Point(spot)) for spot in within] == [True] * len(within)
    assert [shape.intersects(Point(spot)) for spot in beyond] == [False] * len(beyond)
    west, south, east, north = shape.bounds
    assert (west >= -180, east <= 180, south >= -90, north <= 90) == (True,) * 4


def test_a_ring_wound_many_times_stays_in_the_world() -> None:
    """A spiral over the antimeridian ends as some valid shape on the map, in no time."""
    spiral = [((170 + 31 * at + 180) % 360 - 180, -10 + at * 0.1) for at in range(60)]
    shape = outline(spiral)
    assert shape.is_valid
    assert shape.is_empty or (shape.bounds[0] >= -180 and shape.bounds[2] <= 180)


def test_distances_reach_over_the_antimeridian() -> None:
    """Fiji is near Samoa although their longitudes have other signs; what is empty is infinitely far."""
    fiji, samoa = shapely.box(177, -19, 179.9, -16), circle(-14, -172, 10)
    assert distance_km(samoa, fiji) == pytest.approx(879, rel=0.02)
    assert distance_km(fiji, fiji) == 0
    assert distance_km(union([]), fiji) == math.inf
