"""What changed between two alerts: all that a duty officer must see, and nothing that only looks different."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from crisis.cap.diff import Change, diff
from crisis.cap.nouns import (
    Alert,
    Area,
    Category,
    Certainty,
    Circle,
    Info,
    MsgType,
    Resource,
    ResponseType,
    Ring,
    Scope,
    Severity,
    Status,
    Urgency,
)

SENT = datetime(2026, 11, 21, 8, 15, tzinfo=timezone(timedelta(hours=7)))


def square(lat: float, lon: float, side: float) -> Ring:
    return ((lat, lon), (lat, lon + side), (lat + side, lon + side), (lat + side, lon), (lat, lon))


HERE = Area(desc="Kuala Dua", polygons=(square(-0.2, 109.3, 0.1),), geocodes=(("BPS", "6112"),))
INFO = Info(
    language="id", categories=(Category.MET,), event="Banjir", response_types=(ResponseType.PREPARE,),
    urgency=Urgency.EXPECTED, severity=Severity.MODERATE, certainty=Certainty.LIKELY, effective=SENT, onset=SENT,
    expires=SENT + timedelta(hours=6), sender_name="BPBD", headline="Waspada banjir", description="Air naik.",
    instruction="Bersiap.", web="https://x.example/", contact="112", parameters=(("level", "2"), ("tide", "high")),
    areas=(HERE,),
)  # fmt: skip
OLD = Alert(
    identifier="A-1", sender="pos@example.org", sent=SENT, status=Status.ACTUAL, msg_type=MsgType.ALERT,
    scope=Scope.PUBLIC, infos=(INFO,),
)  # fmt: skip


def with_info(**changed: Any) -> Alert:
    return replace(OLD, infos=(replace(INFO, **changed),))


def with_area(**changed: Any) -> Alert:
    return with_info(areas=(replace(HERE, **changed),))


def test_the_same_words_are_no_change() -> None:
    """An update that only has a new name says nothing new, however its times are spelled."""
    utc = replace(INFO, expires=INFO.expires and INFO.expires.astimezone(UTC))
    renamed = replace(OLD, identifier="A-2", sent=SENT + timedelta(hours=1), infos=(INFO,))
    assert diff(OLD, OLD) == diff(OLD, renamed) == ()
    assert diff(OLD, replace(OLD, infos=(utc,))) == ()
    assert len(diff(OLD, replace(OLD, infos=(replace(utc, headline="Awas"),)))) == 1


@pytest.mark.parametrize(
    ("new", "change"),
    [
        (replace(OLD, status=Status.EXERCISE), ("status", "Actual", "Exercise")),
        (replace(OLD, msg_type=MsgType.CANCEL), ("msg_type", "Alert", "Cancel")),
        (replace(OLD, note="Latihan"), ("note", "", "Latihan")),
        (with_info(severity=Severity.EXTREME), ("info[id]/severity", "Moderate", "Extreme")),
        (with_info(urgency=Urgency.PAST), ("info[id]/urgency", "Expected", "Past")),
        (with_info(certainty=Certainty.OBSERVED), ("info[id]/certainty", "Likely", "Observed")),
        (with_info(event="Banjir bandang"), ("info[id]/event", "Banjir", "Banjir bandang")),
        (with_info(headline="Awas"), ("info[id]/headline", "Waspada banjir", "Awas")),
        (with_info(description="Air surut."), ("info[id]/description", "Air naik.", "Air surut.")),
        (with_info(instruction=""), ("info[id]/instruction", "Bersiap.", "")),
        (with_info(onset=None), ("info[id]/onset", "2026-11-21T08:15:00+07:00", "")),
        (
            with_info(expires=SENT + timedelta(hours=9)),
            ("info[id]/expires", "2026-11-21T14:15:00+07:00", "2026-11-21T17:15:00+07:00"),
        ),
        (with_info(response_types=(ResponseType.EVACUATE,)), ("info[id]/response_types", "Prepare", "Evacuate")),
        (with_info(parameters=(("level", "3"), ("tide", "high"))), ("info[id]/parameter[level]", "2", "3")),
        (with_info(parameters=(("level", "2"),)), ("info[id]/parameter[tide]", "high", "")),
        (with_info(event_codes=(("SAME", "FFW"),)), ("info[id]/event_code[SAME]", "", "FFW")),
        (
            with_info(resources=(Resource(desc="map", mime_type="image/png", uri="https://x.example/m"),)),
            ("info[id]/resource[map]", "", "image/png, https://x.example/m"),
        ),
        (with_area(geocodes=(("BPS", "6113"),)), ("info[id]/area[Kuala Dua]/geocode[BPS]", "6112", "6113")),
        (with_area(ceiling=300.0, altitude=None), ("info[id]/area[Kuala Dua]/ceiling", "", "300.0")),
    ],
)
def test_each_thing_that_changed_is_told_once(new: Alert, change: tuple[str, str, str]) -> None:
    """One difference is one change, with its place, what it was and what it is."""
    where, was, now = change
    assert diff(OLD, new) == (Change(where=where, was=was, now=now),)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (Change(where="status", was="Actual", now="Test"), "status changed from 'Actual' to 'Test'."),
        (Change(where="note", was="", now="x"), "note is new: 'x'."),
        (Change(where="note", was="x", now=""), "note is gone; it was 'x'."),
    ],
)
def test_a_change_is_a_sentence(change: Change, says: str) -> None:
    """What came, went and changed each reads as such."""
    assert change.says == says


def test_an_outline_is_told_by_its_size_not_its_points() -> None:
    """A wider polygon is so many km2, and how much of it is new."""
    (change,) = diff(OLD, with_area(polygons=(square(-0.2, 109.3, 0.2),)))
    assert change.where == "info[id]/area[Kuala Dua]/outline"
    assert change.was == "1 polygon, 124 km2"
    assert change.now == "1 polygon, 495 km2, 371 km2 of it new"


def test_an_outline_of_the_same_size_elsewhere_is_seen() -> None:
    """That the area moved must not hide behind equal numbers."""
    (change,) = diff(OLD, with_area(polygons=(square(-0.2, 110.3, 0.1),)))
    assert change.now == "1 polygon, 124 km2, 124 km2 of it new, 124 km2 no longer in it"


def test_a_redrawn_outline_of_the_same_area_is_no_change() -> None:
    """Points in another order, or one more on an edge, are the same place."""
    (ring,) = HERE.polygons
    turned = (*ring[1:], ring[1])
    finer = (ring[0], (-0.2, 109.35), *ring[1:])
    assert diff(OLD, with_area(polygons=(turned,))) == ()
    assert diff(OLD, with_area(polygons=(finer,))) == ()


def test_an_outline_that_goes_is_told() -> None:
    """An area that is only named from now on is a change, as is a circle instead of a polygon."""
    (gone,) = diff(OLD, with_area(polygons=()))
    assert (gone.was, gone.now) == ("1 polygon, 124 km2", "")
    (other,) = diff(OLD, with_area(polygons=(), circles=(Circle(lat=-0.15, lon=109.35, radius=10),)))
    assert other.now.startswith("1 circle, 316 km2, 19")


def test_areas_that_come_and_go_are_summed_up() -> None:
    """An area is known by its description."""
    there = Area(desc="Rasau", polygons=(square(-0.3, 109.3, 0.1),))
    assert diff(OLD, with_info(areas=(there,))) == (
        Change(where="info[id]/area[Kuala Dua]", was="1 polygon, 124 km2, 1 geocode", now=""),
        Change(where="info[id]/area[Rasau]", was="", now="1 polygon, 124 km2"),
    )


def test_infos_are_paired_by_language() -> None:
    """Their order does not count; a language that is new or gone is told by its headline."""
    english = replace(INFO, language="en", headline="Flood watch")
    both = replace(OLD, infos=(INFO, english))
    assert diff(both, replace(OLD, infos=(english, INFO))) == ()
    assert diff(OLD, both) == (Change(where="info[en]", was="", now="Flood watch"),)
    assert diff(both, OLD) == (Change(where="info[en]", was="Flood watch", now=""),)


def test_infos_of_one_language_keep_their_partners() -> None:
    """Where several share a language, the one that did not change is not blamed."""
    wind = replace(INFO, event="Angin")
    rising = replace(INFO, severity=Severity.SEVERE)
    changes = diff(replace(OLD, infos=(wind, INFO)), replace(OLD, infos=(rising, wind)))
    assert changes == (Change(where="info[id#1]/severity", was="Moderate", now="Severe"),)


def test_many_codes_are_counted() -> None:
    """Of a hundred codes only those that came or went are named."""
    codes = tuple(("BPS", str(at)) for at in range(100))
    (change,) = diff(with_area(geocodes=codes), with_area(geocodes=(*codes[1:], ("BPS", "x"))))
    assert (change.was, change.now) == ("100 values, 0 among them", "100 values, x among them")
