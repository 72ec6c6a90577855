"""Decides where points lie on the earth: circles, edges over the antimeridian or round a pole, sizes and distances."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

EARTH_RADIUS_KM = 6371.0088  # mean radius, IUGG
EQUATOR_KM = 6378.137  # WGS 84
FLATTENING = 1 / 298.257223563  # WGS 84
CORNERS = 64
NEXT_TO_POLE = 89.999999  # on the pole itself no bearing leads anywhere
STEEPEST = math.radians(85)  # nearer to a pole an edge of a circle is no longer drawn close to it

Points = npt.NDArray[np.float64]  # rows of (lon, lat) in degrees


def circle_points(lat: float, lon: float, radius_km: float) -> Points:
    """Give 64 corners around a circle, such that none of it is left out, on the sphere or on WGS 84.

    The two differ by up to 0.6 % of the radius, and who measures from the centre uses either. Longitudes may
    leave +-180. The radius must be less than a quarter of the earth's girth.
    """
    bearings = np.linspace(0.0, 2.0 * math.pi, CORNERS, endpoint=False)
    widened = radius_km * _widening(lat, radius_km)
    lat = min(max(lat, -NEXT_TO_POLE), NEXT_TO_POLE)
    ball, ellipsoid = sphere_points(lat, lon, bearings, widened), ellipsoid_points(lat, lon, bearings, widened)
    centre = np.array([lon, lat])
    farther = haversine_km(centre, ball) >= haversine_km(centre, ellipsoid)
    return np.where(farther[:, None], ball, ellipsoid)


def _widening(lat: float, radius_km: float) -> float:
    """Say how much farther out the corners of a polygon round a circle lie.

    Its edges are straight in degrees, and nearer to the equator than the shortest way between their ends: that is
    the second part. A little is for the two bearings, of sphere and ellipsoid, of one corner.
    """
    half = math.pi / CORNERS
    angle = radius_km / EARTH_RADIUS_KM
    steepness = math.tan(min(math.radians(abs(lat)) + angle, STEEPEST))
    corner = math.atan(math.tan(angle) / math.cos(half)) / angle
    return corner + half * half / 2.0 * angle * steepness + 0.0002


def sphere_points(lat: float, lon: float, bearings: npt.NDArray[np.float64], km: float) -> Points:
    """Go so many kilometres from a place on the sphere of mean radius, in each bearing (radians from north)."""
    angle, start = km / EARTH_RADIUS_KM, math.radians(lat)
    lats = np.arcsin(math.sin(start) * math.cos(angle) + math.cos(start) * math.sin(angle) * np.cos(bearings))
    east = np.sin(bearings) * math.sin(angle) * math.cos(start)
    lons = math.radians(lon) + np.arctan2(east, math.cos(angle) - math.sin(start) * np.sin(lats))
    return _degrees(lons, lats)


def ellipsoid_points(lat: float, lon: float, bearings: npt.NDArray[np.float64], km: float) -> Points:
    """Go so many kilometres along the geodesic on WGS 84, in each bearing (radians from north); exact to a millimetre.

    Vincenty's direct solution, Survey Review 176 (1975); the names are his.
    """
    polar = EQUATOR_KM * (1.0 - FLATTENING)
    u1 = math.atan((1.0 - FLATTENING) * math.tan(math.radians(lat)))
    sin_alpha = math.cos(u1) * np.sin(bearings)
    cos2_alpha = 1.0 - sin_alpha**2
    sigma1 = np.arctan2(math.tan(u1), np.cos(bearings))
    u2 = cos2_alpha * (EQUATOR_KM**2 - polar**2) / polar**2
    a = 1.0 + u2 / 16384.0 * (4096.0 + u2 * (-768.0 + u2 * (320.0 - 175.0 * u2)))
    b = u2 / 1024.0 * (256.0 + u2 * (-128.0 + u2 * (74.0 - 47.0 * u2)))
    sigma = km / (polar * a)
    for _ in range(6):  # each round gains three digits
        mid = np.cos(2.0 * sigma1 + sigma)
        last = b / 6.0 * mid * (-3.0 + 4.0 * np.sin(sigma) ** 2) * (-3.0 + 4.0 * mid**2)
        sigma = km / (polar * a) + b * np.sin(sigma) * (mid + b / 4.0 * (np.cos(sigma) * (-1.0 + 2.0 * mid**2) - last))
    north = math.sin(u1) * np.sin(sigma) - math.cos(u1) * np.cos(sigma) * np.cos(bearings)
    up = math.sin(u1) * np.cos(sigma) + math.cos(u1) * np.sin(sigma) * np.cos(bearings)
    lats = np.arctan2(up, (1.0 - FLATTENING) * np.hypot(sin_alpha, north))
    across = math.cos(u1) * np.cos(sigma) - math.sin(u1) * np.sin(sigma) * np.cos(bearings)
    turn = np.arctan2(np.sin(sigma) * np.sin(bearings), across)
    c = FLATTENING / 16.0 * cos2_alpha * (4.0 + FLATTENING * (4.0 - 3.0 * cos2_alpha))
    mid = np.cos(2.0 * sigma1 + sigma)
    bent = sigma + c * np.sin(sigma) * (mid + c * np.cos(sigma) * (-1.0 + 2.0 * mid**2))
    lons = math.radians(lon) + turn - (1.0 - c) * FLATTENING * sin_alpha * bent
    return _degrees(lons, lats)


def _degrees(lons: npt.NDArray[np.float64], lats: npt.NDArray[np.float64]) -> Points:
    degrees: Points = np.degrees(np.column_stack((lons, lats)))
    return degrees


def haversine_km(start: Points, points: Points) -> npt.NDArray[np.float64]:
    """Measure from one place to each point, on the sphere of mean radius."""
    lon, lat = np.radians(start)
    lons, lats = np.radians(points).T
    half = np.sin((lats - lat) / 2.0) ** 2 + math.cos(lat) * np.cos(lats) * np.sin((lons - lon) / 2.0) ** 2
    found: npt.NDArray[np.float64] = 2.0 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0)))
    return found


def unwound(ring: Points) -> Points:
    """Follow a ring the short way from point to point, so that it is whole where it crosses the antimeridian.

    Longitudes may leave +-180 by that. A ring round a pole is closed over the pole. Points as given are right
    where the short way leaves no breadth: a band round the whole earth.
    """
    if np.ptp(ring[:, 0]) <= 180.0:
        return ring
    steps = np.diff(np.concatenate((ring[:, 0], ring[:1, 0])))
    short = np.where(np.abs(steps) > 180.0, steps - 360.0 * np.round(steps / 360.0), steps)
    lons = ring[0, 0] + np.concatenate(([0.0], np.cumsum(short)[:-1]))
    if abs(short.sum()) > 180.0:
        return _over_the_pole(np.column_stack((lons, ring[:, 1])), ring[0, 0] + float(short.sum()))
    flat = np.ptp(lons) == 0.0 and np.ptp(ring[:, 0]) > 0.0
    return ring if flat else np.column_stack((lons, ring[:, 1]))


def _over_the_pole(ring: Points, last: float) -> Points:
    pole = math.copysign(90.0, float(ring[:, 1].mean()))
    return np.vstack((ring, [[last, ring[0, 1]], [last, pole], [ring[0, 0], pole]]))


def equal_area(points: Points) -> Points:
    """Place degrees in kilometres such that areas are true (Lambert's cylindrical projection of the sphere)."""
    east = EARTH_RADIUS_KM * np.radians(points[:, 0])
    north = EARTH_RADIUS_KM * np.sin(np.radians(points[:, 1]))
    return np.column_stack((east, north))


def distance_km(geometry: BaseGeometry, ours: BaseGeometry) -> float:
    """Measure the shortest way between two geometries, 0 where they meet; inf when either is empty.

    On the sphere, from the middle of `ours`: exact to the 0.6 % by which the earth is none while `ours` is a
    district (azimuthal equidistant projection: true along every line through its middle).
    """
    if geometry.is_empty or ours.is_empty:
        return math.inf
    if geometry.intersects(ours):
        return 0.0
    middle = ours.envelope.centroid
    near, far = (_seen_from(shape, middle.x, middle.y) for shape in (ours, geometry))
    return float(near.distance(far))


def _seen_from(geometry: BaseGeometry, lon: float, lat: float) -> BaseGeometry:
    start = math.radians(lat)

    def place(points: Points) -> Points:
        turns, lats = np.radians(points[:, 0] - lon), np.radians(points[:, 1])
        away = haversine_km(np.array([lon, lat]), points)
        east = np.cos(lats) * np.sin(turns)
        north = math.cos(start) * np.sin(lats) - math.sin(start) * np.cos(lats) * np.cos(turns)
        length = np.hypot(east, north)
        scale = np.divide(away, length, out=np.zeros_like(away), where=length > 0.0)
        return np.column_stack((east * scale, north * scale))

    placed: BaseGeometry = shapely.transform(geometry, place)
    return placed
