"""The demonstration's made-up district is what its story says, so that its checks can fail."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from crisis.cap.read import read
from crisis.model.area import from_cap, inside, parse_geojson
from crisis.model.resident import parse_csv
from deploy import demo_district as district

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_the_same_seed_gives_the_same_people_and_another_does_not() -> None:
    """Figures of two runs can be compared."""
    assert district.residents() == district.residents()
    assert district.residents(1) != district.residents(2)


def test_every_resident_is_imported_and_each_bad_row_is_named() -> None:
    """Nobody is lost on the way in, or the story would be of fewer people than it says."""
    people = district.residents()
    areas, wrong = parse_geojson(district.areas().encode(), "areas")
    ids = {area.code: at for at, area in enumerate(areas)}
    taken, faults = parse_csv(
        district.as_csv(people).encode(), "people", areas=ids, languages=("id", "en"), channels=("sms", "telegram")
    )
    assert (wrong, len(areas), len(taken), len(faults)) == ([], 3, 2_100, 3)
    assert sum(person.warned for person in people) == district.WARNED


def test_the_warning_is_sound_and_both_ways_of_measuring_agree() -> None:
    """Counting crossings, which shares no code with the service, finds the same people as the service does."""
    cap = district.warning(NOW)
    reading = read(cap.encode())
    outline = from_cap(reading.alert)
    assert (reading.warnings, reading.alert.status) == ((), "Exercise")
    assert outline is not None
    placed = [(p.lon, p.lat) for p in district.residents() if p.lon is not None and p.lat is not None]
    lons, lats = np.array(placed).T
    ring = district.outline(cap)
    assert [district.contains(ring, lon, lat) for lon, lat in placed] == list(inside(outline, lons, lats))
    assert len(placed) > 100


def test_a_resident_in_the_wrong_place_is_noticed() -> None:
    """The check of where people live can fail."""
    people = [p for p in district.residents() if p.lat is not None and p.exercise]
    assert district.misplaced(people, district.warning(NOW)) == 0
    moved = [replace(people[0], warned=not people[0].warned), *people[1:]]
    assert district.misplaced(moved, district.warning(NOW)) == 1
