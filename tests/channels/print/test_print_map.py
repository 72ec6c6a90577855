"""What the map on a card promises."""

from __future__ import annotations

import json
import math
import random
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from channels.print import map as atlas

BLOCK = [[110.0, -7.0], [110.1, -7.0], [110.1, -7.1], [110.0, -7.1], [110.0, -7.0]]
HOLE = [[110.04, -7.04], [110.06, -7.04], [110.06, -7.06], [110.04, -7.06], [110.04, -7.04]]


def _polygon(*rings: list[list[float]], kind: str = "Polygon") -> str:
    return json.dumps({"type": kind, "coordinates": [list(rings)] if kind == "MultiPolygon" else list(rings)})


def _drawn(outline: str, **how: Any) -> atlas.Map:
    return atlas.drawn(atlas.area(outline), **({"width": 992, "height": 480} | how))


def _points(svg: str) -> list[tuple[float, float]]:
    """Every point of the outline: the hatched path."""
    path = next(found for found in re.findall(r'<path d="([^"]*)" fill="url', svg))
    return [(float(x), float(y)) for x, y in re.findall(r"(-?[\d.]+) (-?[\d.]+)", path)]


@pytest.mark.parametrize(
    "outline",
    [
        _polygon(BLOCK),
        _polygon(BLOCK, HOLE, kind="MultiPolygon"),
        json.dumps({"type": "Feature", "properties": {}, "geometry": json.loads(_polygon(BLOCK))}),
        _polygon([[110.0, -7.0], [110.1, -7.1], [110.1, -7.0], [110.0, -7.1], [110.0, -7.0]]),  # a bow tie
        _polygon([[-180, -90], [180, -90], [180, 90], [-180, 90], [-180, -90]]),
    ],
)
def test_every_outline_is_sound_svg_within_the_map(outline: str) -> None:
    """Holes, features, crossed lines and the whole world."""
    made = _drawn(outline)
    ElementTree.fromstring(made.svg)
    assert all(0 <= x <= 992 and 0 <= y <= 480 for x, y in _points(made.svg))


def test_the_scale_bar_is_as_long_as_it_says() -> None:
    """In the middle of the map, within a pixel."""
    made = _drawn(_polygon(BLOCK))
    says = float(re.search(r">([\d.]+) km<", made.svg)[1])  # type: ignore[index]
    long = float(re.search(r'd="M24 \d+V\d+H([\d.]+)V', made.svg)[1]) - 24  # type: ignore[index]
    (west, east) = min(x for x, _ in _points(made.svg)), max(x for x, _ in _points(made.svg))
    kilometres = 0.1 * math.pi / 180 * 6371.0088 * math.cos(math.radians(7.05))
    assert long == pytest.approx(says * (east - west) / kilometres, abs=1)
    assert made.width_km == pytest.approx(kilometres, rel=0.001)


def test_an_area_across_the_antimeridian_is_one() -> None:
    """Fiji: no line through it, and a few hundred kilometres wide, not forty thousand."""
    west = [[178, -17], [180, -17], [180, -18.5], [178, -18.5], [178, -17]]
    east = [[-180, -17], [-179, -17.2], [-179, -18.3], [-180, -18.5], [-180, -17]]
    made = _drawn(json.dumps({"type": "MultiPolygon", "coordinates": [[west], [east]]}))
    assert 300 < made.width_km < 330
    (path,) = re.findall(r'<path d="([^"]*)" fill="url', made.svg)
    assert path.count("M") == 1


def test_an_area_as_small_as_a_house_is_ringed() -> None:
    """Or nobody would see it."""
    assert "<circle" in _drawn(_polygon([[110.0, -7.0], [110.00005, -7.0], [110.00005, -7.00005], [110.0, -7.0]])).svg
    assert "<circle" not in _drawn(_polygon(BLOCK)).svg


def test_thousands_of_points_become_few() -> None:
    """What is finer than a pixel is left out: seed 7."""
    rng = random.Random(7)
    turns = [2 * math.pi * i / 9000 for i in range(9000)]
    ring = [[110 + 0.1 * math.cos(t) * rng.uniform(0.999, 1), -7 + 0.1 * math.sin(t)] for t in turns]
    made = _drawn(_polygon([*ring, ring[0]]))
    assert 30 < len(_points(made.svg)) < 400


@pytest.mark.parametrize(
    "outline",
    [
        "x",
        "{}",
        "[]",
        '{"type":"MultiPolygon","coordinates":[]}',
        _polygon([[0, 99], [1, 99], [1, 98], [0, 99]]),
        "null",
    ],
)
def test_what_is_no_outline_is_refused(outline: str) -> None:
    with pytest.raises(atlas.NoOutline):
        atlas.area(outline)


def test_places_of_the_office_are_named_once_and_none_over_another(tmp_path: Path) -> None:
    """Rivers and borders come from a file of the office; what stands in names stays words."""
    shape = json.loads(_polygon(BLOCK))
    river = {"type": "LineString", "coordinates": [[109.9, -7.05], [110.2, -7.04]]}
    features = [
        {"type": "Feature", "properties": {"nama": "Desa <A> & B"}, "geometry": shape},
        {"type": "Feature", "properties": {"nama": "Di atasnya"}, "geometry": shape},
        {"type": "Feature", "properties": {"waterway": "river", "name": "Babon"}, "geometry": river},
        {"type": "Feature", "properties": None, "geometry": None},
    ]
    path = tmp_path / "ground.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    svg = _drawn(_polygon(BLOCK), ground=str(path)).svg
    names = {element.text for element in ElementTree.fromstring(svg).iter() if element.tag.endswith("text")}
    assert len(names & {"Desa <A> & B", "Di atasnya"}) == 1
    assert atlas.STYLES["river"] in svg


def test_a_map_without_its_ground_is_still_a_map() -> None:
    """The caller hears why: the file is not there."""
    with pytest.raises(OSError, match="nowhere"):
        _drawn(_polygon(BLOCK), ground="/nowhere.geojson")
