"""The record of an alert: nothing is lost on the way, and what is no record is refused by its field."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from crisis.cap.nouns import Alert, Area, Circle, Info, MsgType, Reference, Resource, Scope, Severity, Status
from crisis.cap.record import digest, from_record, to_record
from crisis.errors import BadInput

SENT = datetime(2026, 11, 21, 8, 15, tzinfo=timezone(timedelta(hours=7)))
SMALL = Alert(
    identifier="A-1", sender="pos@example.org", sent=SENT, status=Status.ACTUAL, msg_type=MsgType.ALERT,
    scope=Scope.PUBLIC,
)  # fmt: skip
FULL = replace(
    SMALL,
    addresses=("a b", "c"),
    references=(Reference(sender="pos@example.org", identifier="A-0", sent=SENT),),
    infos=(
        Info(
            language="id", event="Banjir – \U0001f30a", severity=Severity.SEVERE, expires=SENT + timedelta(hours=6),
            parameters=(("x", "1"), ("x", "2")), resources=(Resource(desc="map", mime_type="image/png", size=12),),
            areas=(
                Area(
                    desc="Kuala Dua", polygons=(((0.0, 1.5), (0.0, 2.0), (1.0, 2.0), (0.0, 1.5)),),
                    circles=(Circle(lat=-0.1, lon=109.3, radius=0.0),), geocodes=(("BPS", "6112"),), ceiling=300.0,
                ),
            ),
        ),
    ),
)  # fmt: skip


@pytest.mark.parametrize("alert", [SMALL, FULL])
def test_a_record_gives_back_its_alert(alert: Alert) -> None:
    """Through JSON and back every part is equal, offsets of times too."""
    back = from_record(json.loads(json.dumps(to_record(alert))))
    assert back == alert
    assert back.sent.utcoffset() == timedelta(hours=7)


def test_an_empty_part_takes_no_room() -> None:
    """A record holds what was said, and always who, what and when."""
    assert set(to_record(SMALL)) == {"identifier", "sender", "sent", "status", "msg_type", "scope"}


def test_the_digest_names_the_content() -> None:
    """Equal alerts have one digest; any other word or time has another."""
    assert digest(FULL) == digest(from_record(to_record(FULL)))
    assert len({digest(SMALL), digest(FULL), digest(replace(SMALL, note="x"))}) == 3


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"sender": None}, "sender: is not a text"),
        ({"identifier": 7}, "identifier: is not a text"),
        ({"identifier": 10**400}, "identifier: is not a text"),
        ({"infos": [{"areas": [{"desc": "x", "ceiling": 10**400}]}]}, "ceiling: is not a number"),
        ({"status": "Real"}, "status: 'Real' is not one of its words"),
        ({"sent": "yesterday"}, "sent: 'yesterday' is not a time"),
        ({"colour": "red"}, "colour: is not a field"),
        ({"infos": "none"}, "infos: is not a list"),
        ({"infos": [[]]}, "infos[0]: is not an object"),
        ({"infos": [{"areas": [{"polygons": []}]}]}, "infos[0]/areas[0]/desc: is missing"),
        ({"infos": [{"parameters": [["a"]]}]}, "infos[0]/parameters[0]: does not have 2 parts"),
        ({"infos": [{"areas": [{"desc": "x", "ceiling": "9"}]}]}, "infos[0]/areas[0]/ceiling: is not a number"),
        ({"infos": [{"areas": [{"desc": "x", "ceiling": True}]}]}, "infos[0]/areas[0]/ceiling: is not a number"),
        ({"infos": [{"areas": [{"desc": "x", "ceiling": float("nan")}]}]}, "ceiling: is not a number"),
        ({"infos": [{"resources": [{"desc": "", "mime_type": "", "size": 1.5}]}]}, "size: is not a number"),
    ],
)
def test_what_is_no_record_is_refused_by_its_field(change: dict[str, Any], says: str) -> None:
    """Whoever wrote it is told which field and why; nothing is guessed."""
    with pytest.raises(BadInput) as refused:
        from_record({**to_record(SMALL), **change})
    assert says in str(refused.value)


def test_a_record_without_its_name_is_refused() -> None:
    """Who sent an alert is never made up."""
    record = to_record(SMALL)
    del record["sender"]
    with pytest.raises(BadInput, match="sender: is missing"):
        from_record(record)
