"""Areas: what a file gives, what an alert covers, who is inside; the boundary always counts as inside."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import shapely
from shapely import MultiPolygon, Polygon

from crisis.cap.nouns import Alert, Area, Circle, Info, MsgType, Scope, Status
from crisis.cap.read import UNDATED, read
from crisis.errors import BadInput
from crisis.model.area import (
    area_km2,
    bounds,
    circle,
    from_cap,
    from_geojson,
    inside,
    overlaps,
    parse_geojson,
    to_cap_polygons,
    to_geojson,
    union,
)

Floats = npt.NDArray[np.float64]
SQUARE = [[109.3, -0.2], [109.4, -0.2], [109.4, -0.1], [109.3, -0.1], [109.3, -0.2]]
BOW_TIE = [[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]


def feature(code: str = "61.12.01", coordinates: object = None, **change: object) -> dict[str, object]:
    geometry = {"type": "Polygon", "coordinates": [SQUARE] if coordinates is None else coordinates}
    return {
        "type": "Feature",
        "properties": {"kode": code, "nama": "Sungai Raya"},
        "geometry": geometry,
    } | change


def collection(*features: object) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def alert(*areas: Area) -> Alert:
    return Alert(
        identifier="1",
        sender="a",
        sent=UNDATED,
        status=Status.TEST,
        msg_type=MsgType.ALERT,
        scope=Scope.PUBLIC,
        infos=(Info(areas=areas),),
    )


@pytest.mark.parametrize(
    ("properties", "code", "name", "kind"),
    [
        ({"kode": "61.12.01", "nama": "Sungai Raya"}, "61.12.01", "Sungai Raya", "kecamatan"),
        ({"KODE": "61.12.01.2001", "NAMA": "Sungai Raya"}, "61.12.01.2001", "Sungai Raya", "desa"),
        ({"code": "61.12", "name": "Kubu Raya"}, "61.12", "Kubu Raya", "kabupaten"),
        ({"id": 7, "name": "Zona 7", "kind": "zona"}, "7", "Zona 7", "zona"),
        ({"kode": "61.12.01"}, "61.12.01", "61.12.01", "kecamatan"),
    ],
)
def test_code_and_name_are_found_under_their_usual_names(
    properties: dict[str, object], code: str, name: str, kind: str
) -> None:
    """Indonesian, English and plain id properties all name an area."""
    ((area,), faults) = parse_geojson(collection(feature(properties=properties)), "a.geojson")
    assert (area.code, area.name, area.kind, faults) == (code, name, kind, [])
    assert isinstance(area.geometry, MultiPolygon)


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ("x", "not a Feature"),
        (feature(properties={"nama": "tanpa kode"}), "no code"),
        (feature(properties=None), "no code"),
        (feature(geometry=None), "no geometry"),
        (feature(geometry={"type": "Point", "coordinates": [1, 2]}), "type Point"),
        (feature(coordinates=[]), "without rings"),
        (feature(coordinates=[[[1, 2], [3]]]), "not a list"),
        (feature(coordinates=[[["1", "2"], ["3", "4"], ["5", "6"]]]), "not a list"),
        (feature(coordinates=[[[1, 2], [3, 4], [10**400, 5]]]), "not a list"),
        (feature(coordinates=[[[-0.2, 109.3], [-0.2, 109.4], [-0.1, 109.4], [-0.2, 109.3]]]), "out of range"),
        (feature(coordinates=[[[float("nan"), 0], [1, 1], [1, 0], [0, 0]]]), "out of range"),
        (feature(coordinates=[[[1, 1], [1, 1], [1, 1], [1, 1]]]), "without any area"),
        (feature(coordinates=[BOW_TIE]), "crosses itself"),
        (feature(code="61.12.99"), "already taken"),
    ],
)
def test_a_bad_feature_is_named_and_the_rest_kept(bad: object, says: str) -> None:
    """One wrong outline never costs the others; the officer is told which one by its place."""
    areas, faults = parse_geojson(collection(feature("61.12.99"), bad, feature("61.12.02")), "a.geojson")
    assert [area.code for area in areas] == ["61.12.99", "61.12.02"]
    assert [(fault.file, fault.field) for fault in faults] == [("a.geojson", "features[1]")]
    assert says in faults[0].says


@pytest.mark.parametrize(
    "raw",
    [b"", b"\xff\xfe\x00", b"{", b"[" * 100_000, b"[]", b"{}", json.dumps(feature()).encode(),
     b'{"type":"FeatureCollection"}', b'{"type":"FeatureCollection","features":{}}'],
)  # fmt: skip
def test_a_file_that_is_no_collection_is_refused(raw: bytes) -> None:
    """The whole file is refused in one sentence that names it."""
    with pytest.raises(BadInput, match=r"a\.geojson") as refused:
        parse_geojson(raw, "a.geojson")
    assert "\n" not in str(refused.value)


def test_a_small_self_crossing_is_repaired() -> None:
    """A sliver of a crossing, as in real outlines, is mended without changing the area noticeably."""
    ring = [[0, 0], [1, 0], [1, 1], [0.5, 1], [0.49, 1.01], [0.51, 1.01], [0.49, 1], [0, 1], [0, 0]]
    assert not Polygon(ring).is_valid
    ((area,), faults) = parse_geojson(collection(feature(coordinates=[ring])), "a.geojson")
    assert (area.geometry.is_valid, faults) == (True, [])
    assert area.geometry.area == pytest.approx(1, rel=0.01)


def test_geojson_comes_back_as_it_was_stored() -> None:
    """What goes into a jsonb column comes out the same, whether read as text or object."""
    shape = union([Polygon(SQUARE), shapely.box(110, 1, 111, 2)])
    stored = to_geojson(shape)
    assert stored["type"] == "MultiPolygon"
    assert from_geojson(stored).equals(shape)
    assert from_geojson(json.dumps(stored)).equals(shape)


def test_an_alert_covers_the_union_of_all_it_names() -> None:
    """Polygons and circles of all areas unite; overlaps are not holes."""
    one = ((0.0, 0.0), (0.0, 2.0), (2.0, 2.0), (2.0, 0.0), (0.0, 0.0))
    two = ((1.0, 1.0), (1.0, 3.0), (3.0, 3.0), (3.0, 1.0), (1.0, 1.0))
    shape = from_cap(
        alert(
            Area(desc="a", polygons=(one, two)),
            Area(desc="b", circles=(Circle(lat=50, lon=50, radius=10),)),
        )
    )
    assert shape is not None
    assert inside(shape, np.array([1.5, 0.5, 2.5, 50.0]), np.array([1.5, 0.5, 2.5, 50.0])).all()
    assert not inside(shape, np.array([0.5]), np.array([2.5])).any()


@pytest.mark.parametrize("areas", [(), (Area(desc="Kubu Raya"),), (Area(desc="x", polygons=(((0, 0), (1, 1)),)),)])
def test_an_alert_without_geometry_has_no_shape(areas: tuple[Area, ...]) -> None:
    """None, never an empty shape or the whole world: without geometry nothing may be sent."""
    assert from_cap(alert(*areas)) is None


@pytest.mark.parametrize(("lat", "lon", "radius"), [(-0.17, 109.4, 5), (60, 10, 100), (-45, -70, 500), (0, 0, 1)])
def test_a_circle_holds_every_point_within_its_radius(lat: float, lon: float, radius: float) -> None:
    """Points at the radius are inside, by the haversine formula; the shape is hardly larger than the circle."""
    shape = circle(lat, lon, radius)
    rng = np.random.default_rng(7)
    lats = lat + rng.uniform(-1, 1, 20_000) * radius / 100
    lons = lon + rng.uniform(-1, 1, 20_000) * radius / 100 / math.cos(math.radians(lat))
    far = _haversine(lat, lon, lats, lons)
    held = inside(shape, lons, lats)
    assert (far <= radius).sum() > 1000
    assert (far > radius * 1.01).sum() > 1000
    assert held[far <= radius].all()
    assert not held[far > radius * 1.01].any()
    assert area_km2(shape) == pytest.approx(math.pi * radius**2, rel=0.01)


def _haversine(lat: float, lon: float, lats: Floats, lons: Floats) -> Floats:
    a1, a2, dl = math.radians(lat), np.radians(lats), np.radians(lons - lon)
    half: Floats = np.sin((a2 - a1) / 2) ** 2 + math.cos(a1) * np.cos(a2) * np.sin(dl / 2) ** 2
    angle: Floats = np.arcsin(np.sqrt(half))
    return 2 * 6371.0088 * angle


def test_a_circle_of_no_radius_still_meets_the_area_it_lies_in() -> None:
    """A point alert reaches the village the point is in."""
    assert circle(-0.15, 109.35, 0).intersects(Polygon(SQUARE))


def test_an_alert_over_the_antimeridian_does_not_girdle_the_earth() -> None:
    """A polygon off Fiji covers Fiji, not Indonesia at the same latitude."""
    ring = ((-20.0, 178.0), (-20.0, -178.0), (10.0, -178.0), (10.0, 178.0), (-20.0, 178.0))
    shape = from_cap(alert(Area(desc="Fiji", polygons=(ring,))))
    assert shape is not None
    held = inside(shape, np.array([179.0, -179.0, 109.3]), np.array([-17.0, -17.0, -0.1]))
    assert held.tolist() == [True, True, False]
    round_fiji = circle(-17, 179.9, 50)
    assert inside(round_fiji, np.array([-179.9, 179.6]), np.array([-17.0, -17.0])).all()


def test_the_boundary_is_inside() -> None:
    """A resident on the line between two areas is warned with both."""
    lons = np.array([109.3, 109.35, 109.3, 109.35, 109.2999, np.nan])
    lats = np.array([-0.2, -0.2, -0.15, -0.15, -0.15, -0.15])
    assert inside(Polygon(SQUARE), lons, lats).tolist() == [True, True, True, True, False, False]


def test_a_hole_is_outside_and_an_empty_shape_holds_nobody() -> None:
    """The shape itself decides, not its bounding box."""
    ring = Polygon([(0, 0), (9, 0), (9, 9), (0, 9)], [[(3, 3), (6, 3), (6, 6), (3, 6)]])
    assert inside(ring, np.array([4.0, 1.0]), np.array([4.0, 1.0])).tolist() == [False, True]
    assert inside(MultiPolygon(), np.array([4.0]), np.array([4.0])).tolist() == [False]


def test_a_hundred_thousand_points_take_little_time() -> None:
    """Placing a district's residents is not what an alert waits for."""
    shape = circle(-0.2, 109.4, 30)
    rng = np.random.default_rng(1)
    lons, lats = rng.uniform(109, 110, 100_000), rng.uniform(-1, 1, 100_000)
    started = time.process_time()
    held = inside(shape, lons, lats)
    assert time.process_time() - started < 1
    assert 0.05 < held.mean() < 0.25


def test_shares_areas_and_bounds_are_right() -> None:
    """A square degree at the equator is about 12,364 km2; half covered is 0.5."""
    degree = shapely.box(0, 0, 1, 1)
    assert area_km2(degree) == pytest.approx(12_363.7, rel=0.001)
    assert overlaps(degree, shapely.box(0.5, -1, 9, 9)) == pytest.approx(0.5, abs=0.001)
    assert overlaps(degree, shapely.box(5, 5, 6, 6)) == 0
    assert overlaps(degree, shapely.box(-1, -1, 6, 6)) == 1
    assert bounds(degree) == (0, 0, 1, 1)


def test_cap_rings_are_closed_lat_lon_and_fill_holes() -> None:
    """CAP has no holes: what lay in one is warned too."""
    holed = Polygon([(100, 0), (109, 0), (109, 9), (100, 9)], [[(103, 3), (106, 3), (106, 6), (103, 6)]])
    (ring,) = to_cap_polygons(holed)
    assert ring[0] == ring[-1]
    assert {point[1] for point in ring} == {100, 109}


@pytest.mark.parametrize("most", [2000, 300, 100, 30, 6])
def test_thinning_for_cap_leaves_nobody_out(most: int) -> None:
    """A coast of 5,000 points fits the limit and still covers all of itself."""
    rng = np.random.default_rng(3)
    turn = np.linspace(0, 2 * math.pi, 5000, endpoint=False)
    far = 0.3 + 0.05 * np.sin(9 * turn) + rng.uniform(0, 0.01, 5000)
    coast = union([Polygon(np.column_stack((109 + far * np.cos(turn), far * np.sin(turn))))])
    rings = to_cap_polygons(coast, most)
    written = union([Polygon([(lon, lat) for lat, lon in ring]) for ring in rings])
    assert sum(len(ring) for ring in rings) <= most
    assert overlaps(coast, written) > 0.99999
    assert area_km2(written) < (1.1 if most >= 300 else 2) * area_km2(coast)


def test_the_district_loads_whole(sample: Callable[..., Path]) -> None:
    """Real kecamatan and desa outlines load without a fault, and written for CAP they cover the district."""
    sizes = {}
    for name in ("kubu_raya_kecamatan", "kubu_raya_desa", "kalbar_kabupaten"):
        path = sample("geo", f"{name}.geojson")
        areas, faults = parse_geojson(path.read_bytes(), path.name)
        assert faults == []
        sizes[name] = len(areas)
        whole = union(area.geometry for area in areas)
        written = [Polygon([(lon, lat) for lat, lon in ring]) for ring in to_cap_polygons(whole, 500)]
        assert overlaps(whole, union(written)) > 0.9999
    assert sizes == {"kubu_raya_kecamatan": 9, "kubu_raya_desa": 117, "kalbar_kabupaten": 14}


def test_a_large_alert_is_matched_to_every_desa_quickly(sample: Callable[..., Path]) -> None:
    """150 polygons against 117 desa: the promise is 100 ms on a quiet machine."""
    path = sample("geo", "kubu_raya_desa.geojson")
    areas, _ = parse_geojson(path.read_bytes(), path.name)
    spots = [(-0.9 + 0.07 * (at % 15), 109.1 + 0.08 * (at // 15)) for at in range(150)]
    text = "".join(
        f"<polygon>{' '.join(f'{y + dy:.3f},{x + dx:.3f}' for dx, dy in _CORNERS)}</polygon>" for y, x in spots
    )
    raw = f"<alert xmlns='urn:oasis:names:tc:emergency:cap:1.2'><info><area>{text}</area></info></alert>"
    started = time.process_time()
    shape = from_cap(read(raw.encode()).alert)
    assert shape is not None
    shares = [overlaps(area.geometry, shape) for area in areas]
    took = time.process_time() - started
    print(f"{took * 1000:.0f} ms")
    assert sum(share > 0.1 for share in shares) > 60
    assert took < 0.5  # five times the promise: the machine may be shared


_CORNERS = [(0.03 * math.cos(turn), 0.03 * math.sin(turn)) for turn in [at * math.pi / 10 for at in range(20)] + [0]]
