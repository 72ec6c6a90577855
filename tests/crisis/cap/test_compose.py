"""Composing CAP: every playbook, level, purpose and mode gives a document that passes the XSD and our rules."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from lxml import etree
from shapely import box

from channels.contract import Limit
from channels.page import Page
from crisis.cap.compose import compose
from crisis.cap.nouns import Alert, MsgType, ResponseType, Status
from crisis.cap.read import read
from crisis.cap.rules import check
from crisis.cap.write import write
from crisis.flow import plan
from crisis.model.alert import Mode
from crisis.model.area import to_geojson
from crisis.model.audience import Target
from crisis.model.office import Office
from crisis.model.playbook import Playbook, load_folder
from crisis.model.slots import dump
from crisis.model.words import Purpose, as_json
from crisis.model.worst_case import widest

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
OFFICE = Office(
    agency="BPBD Kubu Raya",
    sender="pusdalops@bpbd.example.go.id",
    identifier_prefix="urn:oid:2.49.0.1.360.9",
    zone=ZoneInfo("Asia/Pontianak"),
    help_line="112",
    public_url="https://siaga.example.go.id",
)
PLAYBOOKS = load_folder(ROOT / "playbooks")
CASES = [
    (book, level, purpose, mode)
    for book, playbook in PLAYBOOKS.items()
    for level, purpose, mode in itertools.product(playbook.levels, Purpose, Mode)
]
LIMITS: dict[str, Limit] = {"page": Page.limit}


def row(
    book: str = "flood",
    level: str = "siaga",
    purpose: Purpose = Purpose.ALERT,
    mode: Mode = Mode.ACTUAL,
    **changes: Any,
) -> dict[str, Any]:
    """A released alert as the table holds it, made the way the service makes it."""
    playbook: Playbook = PLAYBOOKS[book]
    target = Target(geometry=box(109.3, -0.25, 109.45, -0.1), desc="Sungai Raya & Kuala Dua <timur>")
    slots = widest(playbook.slots)
    wish = plan.Wish(
        playbook=playbook, level=level, mode=mode, slots=slots, target=target, purpose=purpose, channels=["page"],
        reason="pintu air dibuka", number=1 if purpose is Purpose.ALERT else 3,
    )  # fmt: skip
    made = plan.make(wish, 7, plan.Means(office=OFFICE, limits=LIMITS), NOW)
    return {
        "id": 7, "identifier": made.identifier, "mode": mode.value, "msg_type": made.msg_type.value,
        "purpose": purpose.value, "playbook": book, "level": level, "facts": dict(made.facts), "slots": dump(slots),
        "words": as_json(made.words), "area_desc": target.desc, "geometry": to_geojson(target.geometry),
        "source": "laporan RT 05", "sent": NOW, "created_at": NOW, "expires": made.expires,
        "next_update": made.next_update, **changes,
    }  # fmt: skip


FORMER = [
    {"identifier": "urn:oid:2.49.0.1.360.9.2026.000005", "sent": NOW - timedelta(hours=2)},
    {"identifier": "urn:oid:2.49.0.1.360.9.2026.000006", "sent": NOW - timedelta(hours=1)},
]


def made(**how: Any) -> Alert:
    first = how.get("purpose", Purpose.ALERT) is Purpose.ALERT
    return compose(row(**how), [] if first else FORMER, OFFICE)


@pytest.fixture(scope="module")
def schema(samples: Path) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(next(samples.rglob("CAP-v1.2.xsd"))))


@pytest.mark.parametrize(("book", "level", "purpose", "mode"), CASES)
def test_everything_a_playbook_can_say_passes_every_rule(book: str, level: str, purpose: Purpose, mode: Mode) -> None:
    """Slots at their limits, each level, purpose and mode: strict writing takes it, and nothing is lost on reading."""
    alert = made(book=book, level=level, purpose=purpose, mode=mode)
    assert [broken for broken in check(alert) if not broken.rule.startswith("W-")] == []
    assert [broken.rule for broken in check(alert) if broken.rule == "W-HEADLINE-160"] == []
    back = read(write(alert)).alert
    assert back.identifier == alert.identifier
    assert [info.headline for info in back.infos] == [info.headline for info in alert.infos]


def test_every_document_passes_the_oasis_schema(schema: etree.XMLSchema) -> None:
    """The oracle is the standard's own schema, over every playbook, level, purpose and mode."""
    for book, level, purpose, mode in CASES:
        raw = write(made(book=book, level=level, purpose=purpose, mode=mode))
        assert schema.validate(etree.fromstring(raw)), (book, level, purpose, mode, schema.error_log)


def test_the_facts_stand_where_cap_wants_them() -> None:
    """Who, what, until when and where, in the terms of CAP and of the office's zone."""
    alert = made(purpose=Purpose.UPDATE)
    info = alert.infos[0]
    assert [one.language for one in alert.infos] == list(PLAYBOOKS["flood"].languages)
    assert (alert.sender, alert.status, alert.msg_type) == (OFFICE.sender, Status.ACTUAL, MsgType.UPDATE)
    assert (info.sender_name, info.contact, info.web) == (OFFICE.agency, "112", "https://siaga.example.go.id/a/7")
    assert info.event == "Banjir"
    assert info.effective == alert.sent == NOW
    assert b"<sent>2026-11-21T19:30:00+07:00</sent>" in write(alert)
    assert dict(info.parameters)["level"] == "siaga"
    assert dict(info.parameters)["next_update"].endswith("+07:00")
    assert info.areas[0].polygons[0][0] == info.areas[0].polygons[0][-1]
    assert all(-0.25 <= lat <= -0.1 and 109.3 <= lon <= 109.45 for lat, lon in info.areas[0].polygons[0])
    assert info.instruction.startswith("Yang harus dilakukan:")


def test_a_follow_up_refers_to_the_whole_chain() -> None:
    """Whoever received any earlier alert of the chain can tell that this takes its place."""
    alert = made(purpose=Purpose.ALL_CLEAR)
    assert [one.identifier for one in alert.references] == [one["identifier"] for one in FORMER]
    assert {one.sender for one in alert.references} == {OFFICE.sender}
    assert b"2026.000005,2026-11-21T17:30:00+07:00 " in write(alert)
    assert alert.infos[0].response_types == (ResponseType.ALL_CLEAR,)


@pytest.mark.parametrize(("mode", "marker"), [(Mode.EXERCISE, "LATIHAN"), (Mode.TEST, "UJI COBA")])
def test_what_is_no_real_alert_says_so_in_status_note_and_words(mode: Mode, marker: str) -> None:
    """A drill is marked in every place a reader may look at alone."""
    alert = made(mode=mode)
    info = alert.infos[0]
    assert alert.status == Status(mode.value)
    assert alert.note.startswith(f"{marker}: Banjir")
    assert all(text.startswith(marker) for text in (info.headline, info.description, info.instruction))
    assert made().note == ""


def test_a_long_headline_is_shortened_between_its_markers() -> None:
    """Cut at a word, never through the marker; the description still says all."""
    stored = row(mode=Mode.EXERCISE)
    stored["words"]["id"]["headline"] = f"LATIHAN: {'banjir besar ' * 20}LATIHAN"
    headline = compose(stored, [], OFFICE).infos[0].headline
    assert len(headline) <= 160
    assert headline.startswith("LATIHAN: banjir")
    assert headline.endswith(("banjir… LATIHAN", "besar… LATIHAN"))


def test_words_of_a_feed_that_cap_does_not_know_do_not_hold_an_alert_back() -> None:
    """An unknown urgency becomes Unknown, an onset after the end is left out, the feed's event is kept."""
    stored = row()
    stored["facts"] |= {"urgency": "Soon", "onset": "2027-01-01T00:00:00+00:00", "source_event": "Gempa"}
    alert = compose(stored, [], OFFICE)
    assert alert.infos[0].urgency == "Unknown"
    assert alert.infos[0].onset is None
    assert ("source_event", "Gempa") in alert.infos[0].parameters
    write(alert)


def test_the_same_rows_give_the_same_bytes() -> None:
    """A reader's cache and a signature hold."""
    assert write(made()) == write(made())
    assert write(replace(made(), note="x")) != write(made())
