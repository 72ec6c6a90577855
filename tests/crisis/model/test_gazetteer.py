"""Where an alert of somebody else holds: what is drawn, coded or named becomes our areas, and doubt is told."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from shapely import MultiPolygon, Polygon

from crisis.cap.nouns import Alert, Area, Circle, Info, MsgType, Ring, Scope, Status
from crisis.cap.read import UNDATED
from crisis.errors import BadInput
from crisis.model.area import area_km2, from_cap
from crisis.model.gazetteer import Gazetteer, Known, Where
from tests.bench.geometry import figures, nowcast, plain_loop, villages


def box(west: float, south: float, east: float, north: float) -> MultiPolygon:
    return MultiPolygon([shapely.box(west, south, east, north)])


def ring(west: float, south: float, east: float, north: float) -> Ring:
    return ((south, west), (south, east), (north, east), (north, west), (south, west))


REGENCY = Known(id=1, code="61.12", name="Kabupaten Kubu Raya", geometry=box(109, -1, 111, 0))
RAYA = Known(id=2, code="61.12.01", name="Sungai Raya", geometry=box(109, -1, 110, 0))
KAKAP = Known(id=3, code="61.12.09", name="Sungai Kakap", geometry=box(110, -1, 111, 0))
RAYA_DESA = Known(id=4, code="61.12.01.2001", name="Sungai Raya", geometry=box(109, -1, 109.5, 0))
DALAM = Known(id=5, code="61.12.01.2016", name="Sungai Raya Dalam", geometry=box(109.5, -1, 110, 0))
DURIAN = Known(id=6, code="61.12.09.2007", name="Durian", geometry=box(110, -1, 110.5, 0))
OLAK = Known(id=7, code="61.12.09.2008", name="Olak-Olak Kubu", geometry=box(110.5, -1, 111, 0))
ZONE = Known(id=8, code="Z7", name="Zona Tsunami Tujuh", geometry=box(109, -0.2, 111, 0))
NAMED = {"ISO3166-2": {"ID-KB": "61"}, "zona": {"7": "Z7"}}
ELSEWHERE = ("Sungai Raya Kepulauan", "Durian Hulu", "Olak-Olak Kubu")
OURS = Gazetteer((REGENCY, RAYA, KAKAP, RAYA_DESA, DALAM, DURIAN, OLAK, ZONE), tables=NAMED, elsewhere=ELSEWHERE)


def alert(*areas: Area, **words: Any) -> Alert:
    return Alert(
        identifier="1", sender="a", sent=UNDATED, status=Status.TEST, msg_type=MsgType.ALERT, scope=Scope.PUBLIC,
        infos=(Info(areas=areas, **words),),
    )  # fmt: skip


def drawn(*rings: Ring, **change: Any) -> Where:
    return OURS.find(alert(Area(desc="Kalbar", polygons=rings, **change)))


def coded(*codes: tuple[str, str]) -> Where:
    return OURS.find(alert(Area(desc="", geocodes=codes)))


def shown(where: Where) -> dict[int, float]:
    return {place: round(share, 3) for place, share in where.shares.items()}


def test_a_polygon_covers_shares_of_our_areas() -> None:
    """Half of the first kecamatan is half of it, a quarter of the regency, and the whole of one village."""
    where = drawn(ring(108, -2, 109.5, 1))
    assert shown(where) == {1: 0.25, 2: 0.5, 4: 1.0, 8: 0.25}
    assert (where.how, where.doubts) == ("polygon", ())
    assert where.geometry is not None
    assert where.geometry.equals(box(109, -1, 109.5, 0))


def test_overlaps_are_never_holes_and_never_count_twice() -> None:
    """Two rings over the same place, in two languages and two areas, are that place once."""
    twice = Area(desc="a", polygons=(ring(109, -1, 109.6, 0), ring(109.4, -1, 110, 0)))
    both = alert(twice, twice, Area(desc="b", polygons=(ring(109.2, -0.8, 109.8, -0.2),)))
    assert shown(OURS.find(both))[2] == 1.0
    assert OURS.find(both).geometry == OURS.find(alert(twice)).geometry


def test_neighbours_that_only_touch_are_not_covered() -> None:
    """An alert for one kecamatan exactly is not one for the next, nor one along our edge for us."""
    assert set(drawn(ring(109, -1, 110, 0)).shares) == {1, 2, 4, 5, 8}
    along = drawn(ring(108, -1, 109, 0))
    assert (along.geometry, along.how, dict(along.shares)) == (None, "", {})
    assert "edge" in along.doubts[0]


def test_a_place_without_extent_is_in_the_area_around_it() -> None:
    """A circle of radius 0 covers a metre of the village, the kecamatan and the regency it lies in."""
    where = OURS.find(alert(Area(desc="x", circles=(Circle(lat=-0.5, lon=109.2, radius=0),))))
    assert set(where.shares) == {1, 2, 4}
    assert (where.how, where.doubts) == ("polygon", ())


@pytest.mark.parametrize(
    ("codes", "ids"),
    [
        ([("Kemendagri", "61.12.01.2001")], {4: 1.0, 2: 0.5, 1: 0.25}),
        ([("kemendagri", "6112012001")], {4: 1.0, 2: 0.5, 1: 0.25}),
        ([("ADM3", "61.12.01")], {2: 1.0, 4: 1.0, 5: 1.0, 1: 0.5}),
        ([("kode_wilayah", "611201")], {2: 1.0, 4: 1.0, 5: 1.0, 1: 0.5}),
        ([("anything", "61.12.01")], {2: 1.0, 4: 1.0, 5: 1.0, 1: 0.5}),
        ([("Kemendagri", "61.12")], dict.fromkeys((1, 2, 3, 4, 5, 6, 7), 1.0)),
        ([("iso 3166-2", "id-kb")], dict.fromkeys((1, 2, 3, 4, 5, 6, 7), 1.0)),
        ([("ADM4", "61.12.01.2001"), ("ADM4", "61.12.09.2007")], {4: 1.0, 6: 1.0, 2: 0.5, 3: 0.5, 1: 0.5}),
    ],
)  # fmt: skip
def test_a_code_means_its_area_and_all_below(codes: list[tuple[str, str]], ids: dict[int, float]) -> None:
    """Kemendagri's codes with dots or without, in any list of that name, and what a table leads to."""
    where = coded(*codes)
    told = shown(where)
    zone = told.pop(8)  # a zone of our own lies across: how much of it follows from the geometry
    assert told == ids
    assert zone == pytest.approx(told[1], abs=0.001)
    assert (where.how, where.doubts) == ("geocode", ())


@pytest.mark.parametrize(
    ("codes", "doubt"),
    [
        ([("SAME", "006112")], "SAME 006112"),
        ([("", "6112")], "without a name 6112"),
        ([("UGC", "6112012001")], "UGC"),
        ([("BPS", "6112010")], "BPS 6112010"),
        ([("Kemendagri", "61.05")], "61.05"),
        ([("Kemendagri", "61.12.02")], "61.12.02"),
        ([("Kemendagri", "61.1")], "61.1"),
        ([("ISO3166-2", "ID-JB")], "ID-JB"),
        ([("EMMA_ID", f"IT{at:03}") for at in range(20)], "and 15 more"),
    ],
)
def test_a_code_that_is_not_ours_is_told_and_never_taken_for_everywhere(
    codes: list[tuple[str, str]], doubt: str
) -> None:
    """An unknown code covers nothing of ours: not the nearest number, and not the whole district."""
    where = coded(*codes)
    assert (where.geometry, where.how, dict(where.shares)) == (None, "", {})
    assert any(doubt in told for told in where.doubts)


def test_bps_codes_are_matched_only_where_ours_are_bps_codes() -> None:
    """6112010 is Batu Ampar to one office and nothing to the other: the same digits are two lists."""
    bps = Gazetteer([Known(id=1, code="6112010", name="Batu Ampar", geometry=box(109, -1, 110, 0))])
    area = Area(desc="", geocodes=(("BPS", "6112"),))
    assert dict(bps.find(alert(area)).shares) == {1: 1.0}
    assert not bps.find(alert(Area(desc="", geocodes=(("Kemendagri", "6112010"),)))).shares


def test_a_village_we_do_not_know_means_the_kecamatan_around_it_with_doubt() -> None:
    """Where nothing smaller is loaded the whole is taken and told; where villages are, it is another village."""
    coarse = Gazetteer([RAYA, KAKAP])
    where = coarse.find(alert(Area(desc="", geocodes=(("adm4", "61.12.01.2020"),))))
    assert dict(where.shares) == {2: 1.0}
    assert "part of our 61.12.01" in where.doubts[0]
    assert not coded(("adm4", "61.12.01.2020")).shares


def test_what_is_drawn_is_more_exact_than_its_codes() -> None:
    """The codes of a drawn area are not added; those of another area are."""
    regency = (("Kemendagri", "61.12"),)
    assert shown(drawn(ring(109, -1, 109.5, 0), geocodes=regency))[1] == 0.25
    both = (Area(desc="", polygons=(ring(109, -1, 109.5, 0),)), Area(desc="", geocodes=(("adm4", "61.12.09.2007"),)))
    where = OURS.find(alert(*both))
    assert (shown(where), where.how) == ({4: 1.0, 6: 1.0, 2: 0.5, 3: 0.5, 1: 0.5, 8: 0.5}, "geocode")


@pytest.mark.parametrize(
    ("desc", "ids"),
    [
        ("Kabupaten Kubu Raya", {1, 2, 3, 4, 5, 6, 7}),
        ("KAB. KUBU RAYA, KALIMANTAN BARAT", {1, 2, 3, 4, 5, 6, 7}),
        ("Kubu Raya Regency", {1, 2, 3, 4, 5, 6, 7}),
        ("Sungai Raya", {1, 2, 4, 5}),
        ("Kec. Sungai Raya", {1, 2, 4, 5}),
        ("Desa Sungai Raya", {1, 2, 4}),
        ("sungai raya dalam", {1, 2, 5}),
        ("Sungai Raya, Dalam", {1, 2, 4, 5}),
        ("Kec.Sungai-Kakap; lainnya", {1, 3, 6, 7}),
        ("Olak Olak Kubu", {1, 3, 7}),
        ("Súngai Ráya Dalam.", {1, 2, 5}),
        ("durian", {1, 3, 6}),
    ],
)
def test_names_in_the_area_description_are_found_whole(desc: str, ids: set[int]) -> None:
    """The longest name counts, the word for a level chooses among equal names, marks and capitals do not matter."""
    where = OURS.find(alert(Area(desc=desc)))
    assert set(where.shares) - {8} == ids
    assert where.how == "description"
    assert "look whether it is ours" in " ".join(where.doubts)


@pytest.mark.parametrize(
    "desc",
    ["Indonesia", "", "Sungai", "Raya Sungai", "Sungai, Raya", "Sungai Rayap", "Sungai Raya Kepulauan",
     "Provinsi Kubu Raya", "Kota Durian", "Durian Hulu", "Kalimantan Barat"],
)  # fmt: skip
def test_what_is_not_our_name_is_not_found(desc: str) -> None:
    """Half a name, a longer one of elsewhere and another level's are not ours; nothing ever means everywhere."""
    where = OURS.find(alert(Area(desc=desc)))
    assert (where.geometry, where.how, dict(where.shares)) == (None, "", {})
    assert "choose the area" in where.doubts[-1]


def test_kecamatan_within_bmkgs_description_are_found() -> None:
    """Where the area is only a province, the words tell which kecamatan, and the village called a fruit is no fruit."""
    words = "Hujan lebat di Kalimantan Barat, khususnya di Sungai Kakap, Kuala Mandor B. Awas durian jatuh."
    where = OURS.find(alert(Area(desc="Kalimantan Barat"), description=words))
    assert (set(where.shares), where.how) == ({1, 3, 6, 7, 8}, "description")
    assert "Sungai Kakap" in where.doubts[0]


@pytest.mark.parametrize(
    ("desc", "doubt"),
    [
        ("Sungai Kakap Lama", "longer name, Sungai Kakap Lama"),
        ("Olak-Olak Kubu", "elsewhere too"),
    ],
)
def test_a_name_that_may_be_anothers_is_doubted(desc: str, doubt: str) -> None:
    """It counts, since a person looks anyway, and the person is told why to look closely."""
    where = OURS.find(alert(Area(desc=desc)))
    assert where.shares
    assert any(doubt in told for told in where.doubts)


def test_words_are_not_read_where_something_is_drawn_or_coded() -> None:
    """A polygon in Java that mentions a place of ours stays in Java; a code understood as elsewhere does too."""
    java = drawn(ring(106, -7, 107, -6))
    assert OURS.find(alert(Area(desc="Sungai Raya", polygons=(ring(106, -7, 107, -6),)))) == java
    assert not OURS.find(alert(Area(desc="Sungai Raya", geocodes=(("Kemendagri", "32.01"),)))).shares
    assert OURS.find(alert(Area(desc="Sungai Raya", geocodes=(("EMMA_ID", "IT001"),)))).how == "description"


def test_an_area_that_is_only_described_beside_a_drawn_one_is_told() -> None:
    """What could not be placed is not forgotten."""
    where = OURS.find(alert(Area(desc="x", polygons=(ring(109, -1, 110, 0),)), Area(desc="Sungai Kakap")))
    assert shown(where)[2] == 1.0
    assert where.doubts == ("an area is only described and was left out: Sungai Kakap",)


def test_what_lies_outside_says_how_far() -> None:
    """A degree of latitude south of our edge is 111 km away."""
    where = drawn(ring(109, -3, 110, -2))
    assert (where.geometry, where.how) == (None, "")
    assert where.doubts == ("its area lies outside ours, 111 km away",)


def test_swapped_coordinates_that_would_be_ours_are_told() -> None:
    """For a district where both orders lie on the earth, a swapped polygon is recognised and not used."""
    lagos = Gazetteer([Known(id=1, code="LA", name="Lagos", geometry=box(3, 6, 4, 7))])
    where = lagos.find(alert(Area(desc="", polygons=(((3.1, 6.1), (3.1, 6.9), (3.9, 6.9), (3.1, 6.1)),))))
    assert where.geometry is None
    assert any("swapped" in doubt for doubt in where.doubts)
    assert not any("swapped" in doubt for doubt in drawn(ring(109, -3, 110, -2)).doubts)


def test_codes_of_ours_on_a_polygon_elsewhere_are_told() -> None:
    """When the two disagree neither is believed by itself."""
    where = drawn(ring(106, -7, 107, -6), geocodes=(("Kemendagri", "61.12.01"),))
    assert where.geometry is None
    assert any("Sungai Raya" in doubt for doubt in where.doubts)


BOW = ((-1.0, 109.0), (0.0, 110.0), (-1.0, 110.0), (0.0, 109.0), (-1.0, 109.0))
STAR = tuple((-0.5 + 0.4 * math.cos(at * 0.8 * math.pi), 109.5 + 0.4 * math.sin(at * 0.8 * math.pi)) for at in range(6))
KEYHOLE = ((-1.0, 109.0), (-1.0, 110.0), (0.0, 110.0), (0.0, 109.0), (-1.0, 109.0), (-0.7, 109.3), (-0.3, 109.3),
           (-0.3, 109.7), (-0.7, 109.7), (-0.7, 109.3), (-1.0, 109.0))  # fmt: skip


def test_a_crossing_ring_is_used_whole_and_doubted() -> None:
    """Both wings of a bow tie count, and the middle of a star is not a hole."""
    bow, star = drawn(BOW), drawn(STAR)
    for where in (bow, star):
        assert where.how == "polygon"
        assert where.doubts == ("a polygon crosses itself, and what it covers is not certain",)
    assert shown(bow)[2] == pytest.approx(0.5, abs=0.001)
    assert star.geometry is not None
    assert star.geometry.covers(shapely.Point(109.5, -0.5))


def test_a_hole_drawn_by_a_slit_stays_a_hole() -> None:
    """A ring that goes in and round the other way leaves out what its sender left out, without doubt."""
    where = drawn(KEYHOLE)
    assert shown(where)[2] == pytest.approx(1 - 0.16, abs=0.001)
    assert where.doubts == ()


@pytest.mark.parametrize(
    ("spoilt", "doubt"),
    [
        (((-1.0, 109.0), (-0.5, 109.5), (0.0, 110.0), (-1.0, 109.0)), "in one line"),
        (((-1.0, 109.0), (-0.5, 109.5)), "fewer than three"),
        (((-91.0, 109.0), (-0.5, 109.5), (0, 110)), "not on the earth"),
        (((math.nan, 109.0), (-0.5, 109.5), (0, 110)), "not on the earth"),
        (((math.inf, 109.0), (-0.5, 109.5), (0, 110)), "not on the earth"),
        ((), "fewer than three"),
    ],
)
def test_a_ring_that_cannot_be_drawn_is_told_and_costs_no_other(spoilt: Ring, doubt: str) -> None:
    """The good ring beside it counts; alone it leaves nothing, and never everything."""
    both = drawn(spoilt, ring(109, -1, 110, 0))
    assert shown(both)[2] == 1.0
    assert any(doubt in told for told in both.doubts)
    assert drawn(spoilt).geometry is None


@pytest.mark.parametrize(
    "spot", [(math.nan, 109.0, 1.0), (91.0, 109.0, 1.0), (0.0, 109.0, -1.0), (0.0, 109.0, math.inf)]
)
def test_a_circle_that_cannot_be_drawn_is_told(spot: tuple[float, float, float]) -> None:
    """Readers let only sound ones through; other formats may not."""
    lat, lon, radius = spot
    where = OURS.find(alert(Area(desc="", circles=(Circle(lat=lat, lon=lon, radius=radius),))))
    assert where.geometry is None
    assert "circle" in where.doubts[0]


def test_a_ring_left_open_is_closed() -> None:
    """The last side is drawn back to the first point."""
    assert shown(drawn(ring(109, -1, 110, 0)[:-1])) == shown(drawn(ring(109, -1, 110, 0)))


@pytest.mark.parametrize("radius", [5_000, 10_000, 20_000])
def test_a_circle_round_half_the_world_covers_us_with_doubt(radius: float) -> None:
    """It is what it says, and a person looks at it first."""
    where = OURS.find(alert(Area(desc="", circles=(Circle(lat=10, lon=100, radius=radius),))))
    assert shown(where)[1] == 1.0
    assert f"{radius} km" in where.doubts[0]


def comb(teeth: int, *, turned: bool) -> Ring:
    """A valid ring of thin teeth; two of them at right angles cross everywhere."""
    points = [(109 + (at + side) / teeth, -1 + end) for at in range(teeth) for side, end in
              ((0, 0.0), (0, 0.9), (0.5, 0.9), (0.5, 0.0))] + [(110.0, -1.1), (109.0, -1.1)]  # fmt: skip
    ours = [(109 + (lat + 1), -1 + (lon - 109)) if turned else (lon, lat) for lon, lat in points]
    return tuple((lat, lon) for lon, lat in ours)


def test_rings_that_would_take_minutes_are_refused_at_once() -> None:
    """A thousand random points, a hundred such rings, and combs across each other: told in a second, never hung."""
    rng = np.random.default_rng(5)
    wild = [tuple(zip(rng.uniform(-1, 0, 1000), rng.uniform(109, 110, 1000), strict=True)) for _ in range(20)]
    combs = (comb(1500, turned=False), comb(1500, turned=True))
    for rings, doubt in ((wild, "crosses itself too often"), (combs, "or others too often to be mended")):
        started = time.process_time()
        where = drawn(*rings)
        assert time.process_time() - started < 5
        assert where.geometry is None
        assert any(doubt in told for told in where.doubts)
    with pytest.raises(BadInput, match="too often"):
        from_cap(alert(Area(desc="", polygons=combs)))


def test_many_small_crossings_share_one_budget() -> None:
    """Each of many rings may be mended alone, but not all: the whole alert takes seconds, not minutes."""
    rng = np.random.default_rng(6)
    some = [tuple(zip(rng.uniform(-1, 0, 140), rng.uniform(109, 110, 140), strict=True)) for _ in range(200)]
    started = time.process_time()
    where = drawn(*some, ring(109, -1, 110, 0))
    assert time.process_time() - started < 5
    assert where.doubts


NEAR = st.tuples(
    st.floats(-1.2, 0.3).map(lambda at: round(at, 2)), st.floats(108.8, 111.2).map(lambda at: round(at, 2))
)
ANYWHERE = st.tuples(st.floats(-90, 90), st.floats(-180, 180))
EDGES = st.sampled_from([(90.0, 0.0), (-90.0, 180.0), (0.0, 180.0), (0.0, -180.0), (1e-300, 1e-300)])
POINTS = st.one_of(NEAR, NEAR, ANYWHERE, EDGES)
RINGS = st.lists(st.lists(POINTS, max_size=20).map(tuple), max_size=5).map(tuple)
SPOTS = st.builds(
    lambda at, radius: Circle(lat=at[0], lon=at[1], radius=radius), POINTS, st.sampled_from([0.0, 1.0, 900.0, 19_999.0])
)
AREAS = st.builds(
    Area,
    desc=st.sampled_from(["", "Sungai Raya", "x"]),
    polygons=RINGS,
    circles=st.lists(SPOTS, max_size=2).map(tuple),
    geocodes=st.sampled_from([(), (("adm3", "61.12.01"),), (("UGC", "x"),)]),
)

HARDLY_ANYTHING = (  # two of the points are less than any number that GEOS can divide by from the equator
    ((0.0, 109.0), (0.0, 108.88), (3.378836335806928e-294, 110.0)),
    ((0.0, 108.88), (0.0, 180.0), (-1.12, 110.25), (90.0, 0.0)),
    ((0.0, 108.88), (-90.0, 180.0), (3.398679251320329e-287, 109.0)),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(AREAS, max_size=3))
@example([Area(desc="x", polygons=HARDLY_ANYTHING)])
def test_nothing_drawn_on_earth_breaks_the_search(areas: list[Area]) -> None:
    """Whatever rings, circles and codes come, there is a valid shape with its shares, or a doubt that says why not."""
    where = OURS.find(alert(*areas))
    if where.geometry is None:
        assert where.doubts
        assert not where.shares
        assert where.how == ""
    else:
        assert where.geometry.is_valid
        assert where.shares
        assert all(0 < share <= 1 for share in where.shares.values())
        assert where.how in ("polygon", "geocode", "description")


@pytest.mark.parametrize(
    ("lat", "lon", "km"),
    [(-0.5, 109.5, 0.0), (-2.0, 109.5, 111.2), (0.5, 112.0, 124.3), (-0.5, -70.0, 19_904)],
)
def test_an_epicentre_is_so_many_kilometres_away(lat: float, lon: float, km: float) -> None:
    """From the epicentre to our nearest edge, however far, within the flattening of the earth."""
    quake = alert(Area(desc="", circles=(Circle(lat=lat, lon=lon, radius=0),)))
    assert OURS.distance_km(quake) == pytest.approx(km, rel=0.006, abs=0.01)


def test_without_geometry_there_is_no_distance() -> None:
    """None, not zero: an alert that draws nothing is not here."""
    assert OURS.distance_km(alert(Area(desc="Sungai Raya"))) is None
    assert Gazetteer([]).distance_km(alert(Area(desc="", polygons=(ring(109, -1, 110, 0),)))) is None


def test_with_no_areas_loaded_nothing_is_found_and_the_reason_told() -> None:
    """A fresh service says that it knows no areas, instead of that there is no danger."""
    where = Gazetteer([]).find(alert(Area(desc="", polygons=(ring(109, -1, 110, 0),))))
    assert where.geometry is None
    assert "load" in where.doubts[0]


def test_shares_are_those_of_a_plain_loop() -> None:
    """On 150 rings over a whole district, every village's share is what shapely alone says."""
    places = villages()
    ours = Gazetteer(places)
    for seed in range(3):
        print(f"seed {seed}")
        told = nowcast(ours.whole, seed)
        where, plain = ours.find(told), plain_loop(told, places)
        assert {place: round(share, 4) for place, share in plain.items()} == pytest.approx(
            {place: round(share, 4) for place, share in where.shares.items()}, abs=2e-4
        )
        assert where.geometry is not None
        covered = sum(share * area_km2(place.geometry) for place in places if (share := where.shares.get(place.id, 0)))
        assert area_km2(where.geometry) == pytest.approx(covered, rel=0.001)


def test_a_large_nowcast_is_matched_within_its_promise() -> None:
    """100 ms on a quiet machine; this one may be shared."""
    told = figures(rounds=5)
    print(told)
    assert float(str(told["figure"])) < 300


def test_a_ring_of_the_real_world_meets_the_villages_it_should() -> None:
    """Each village, drawn as a polygon of its own, is found whole, and nothing far from it is."""
    places = villages()
    ours = Gazetteer(places)
    for place in places[::10]:
        parts = [Polygon(part.exterior) for part in place.geometry.geoms]
        rings = tuple(tuple((lat, lon) for lon, lat in part.exterior.coords) for part in parts)
        where = ours.find(alert(Area(desc="", polygons=rings)))
        assert where.shares[place.id] == pytest.approx(1.0, abs=1e-6)
        far = [other.id for other in places if other.geometry.distance(place.geometry) > 0.001]
        assert not set(far) & set(where.shares)
