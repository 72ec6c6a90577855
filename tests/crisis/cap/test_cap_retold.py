"""Promises of retelling: anybody's CAP alert as notices for a radio kit, and never one that nobody may air."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from crisis.cap.nouns import (
    Alert,
    Area,
    Circle,
    Info,
    MsgType,
    Reference,
    ResponseType,
    Scope,
    Severity,
    Status,
    Urgency,
)
from crisis.cap.retold import notices, outline
from crisis.errors import BadInput

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
RING = ((-0.2, 109.3), (-0.2, 109.5), (0.0, 109.5), (-0.2, 109.3))
INFO = Info(
    language="id",
    event="Hujan lebat",
    severity=Severity.SEVERE,
    urgency=Urgency.IMMEDIATE,
    headline="Hujan lebat  di\nKubu Raya",
    description="Hujan lebat.",
    instruction="Pindah.",
    sender_name="BMKG",
    contact="196",
    expires=NOON + timedelta(hours=3),
    areas=(Area(desc="Sungai Raya", polygons=(RING,)),),
)
ALERT = Alert(
    identifier="a1",
    sender="x@bmkg.example",
    sent=NOON,
    status=Status.ACTUAL,
    msg_type=MsgType.ALERT,
    scope=Scope.PUBLIC,
    infos=(INFO,),
)


def test_each_language_becomes_a_notice_of_facts() -> None:
    """No officer's words: the script is made of the facts, the document goes with it."""
    told = notices(replace(ALERT, infos=(INFO, replace(INFO, language="en-US", headline="Heavy rain"))), b"<alert/>")
    assert [one.language for one in told] == ["id", "en-US"]
    first = told[0]
    assert (first.headline, first.script, first.document) == ("Hujan lebat di Kubu Raya", "", b"<alert/>")
    assert (first.urgent, first.ends, first.expires) == (True, False, NOON + timedelta(hours=3))
    about = first.about
    assert about is not None
    assert (about.agency, about.hazard, about.area, about.do) == ("BMKG", "Hujan lebat", "Sungai Raya", ("Pindah.",))
    assert json.loads(about.outline)["coordinates"] == [[[[lon, lat] for lat, lon in RING]]]


def test_infos_of_one_language_are_told_together() -> None:
    """Two areas with the same words are one bulletin that lasts as long as the longest."""
    other = replace(INFO, areas=(Area(desc="Rasau Jaya"),), expires=NOON + timedelta(hours=5))
    (told,) = notices(replace(ALERT, infos=(INFO, other)), b"")
    assert told.about is not None
    assert (told.about.area, told.about.do) == ("Sungai Raya; Rasau Jaya", ("Pindah.",))
    assert told.expires == NOON + timedelta(hours=5)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"status": Status.DRAFT}, "its status is Draft"),
        ({"status": Status.SYSTEM}, "its status is System"),
        ({"msg_type": MsgType.ACK}, "warns of nothing"),
        ({"scope": Scope.PRIVATE}, "only what is for the public"),
        ({"infos": ()}, "nothing to say"),
    ],
)
def test_what_nobody_may_air_is_refused_in_a_sentence(change: dict[str, object], says: str) -> None:
    """Each names the alert and what is wrong with it."""
    with pytest.raises(BadInput, match=rf"^a1: .*{says}"):
        notices(replace(ALERT, **change), b"")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "ends"),
    [
        ({"msg_type": MsgType.CANCEL}, True),
        ({"infos": (replace(INFO, response_types=(ResponseType.ALL_CLEAR,)),)}, True),
        ({"msg_type": MsgType.UPDATE}, False),
    ],
)
def test_what_follows_names_what_it_replaces(change: dict[str, object], ends: bool) -> None:
    """A cancel and an all-clear end it; all stand under the first alert's incident."""
    earlier = (Reference(sender="x@bmkg.example", identifier="a0", sent=NOON - timedelta(hours=1)),)
    (told,) = notices(replace(ALERT, references=earlier, **change), b"")  # type: ignore[arg-type]
    assert (told.replaces, told.incident, told.ends) == (("a0",), "a0", ends)
    assert told.about is not None
    assert told.about.version == 2


def test_an_exercise_stays_one() -> None:
    """Its mode goes with it."""
    (told,) = notices(replace(ALERT, status=Status.EXERCISE), b"")
    assert told.mode == "Exercise"


def test_a_circle_is_drawn_as_wide_as_it_is() -> None:
    """Within a hundredth of its radius in kilometres, also far from the equator."""
    shape = json.loads(outline([Area(desc="x", circles=(Circle(lat=60.0, lon=10.0, radius=50.0),))]))
    for lon, lat in shape["coordinates"][0][0]:
        north, east = (lat - 60.0) * 111.195, (lon - 10.0) * 111.195 * math.cos(math.radians(60.0))
        assert math.hypot(north, east) == pytest.approx(50.0, rel=0.01)


def test_an_alert_of_named_places_has_no_outline() -> None:
    """A map would be a guess."""
    assert outline([Area(desc="Sungai Raya", geocodes=(("ADM", "61.12"),))]) == ""
