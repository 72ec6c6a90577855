"""Writing CAP: what goes out passes the OASIS XSD, reads back the same, or is refused with every place named."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from crisis.cap.nouns import (
    Alert,
    Area,
    Category,
    Info,
    MsgType,
    Reference,
    Scope,
    Status,
)
from crisis.cap.read import read
from crisis.cap.write import write
from crisis.errors import BadInput

SENT = datetime(2026, 11, 21, 8, 15, tzinfo=timezone(timedelta(hours=7)))
SQUARE = ((-0.1, 109.3), (-0.1, 109.45), (-0.25, 109.45), (-0.25, 109.3), (-0.1, 109.3))
FLOOD = Alert(
    identifier="urn:oid:2.49.0.1.360.9.1",
    sender="pusdalops@bpbd.example.go.id",
    sent=SENT,
    status=Status.ACTUAL,
    msg_type=MsgType.ALERT,
    scope=Scope.PUBLIC,
    infos=(
        Info(
            language="id",
            categories=(Category.MET,),
            event="Banjir",
            expires=SENT + timedelta(hours=6),
            areas=(Area(desc="Sungai Raya", polygons=(SQUARE,)),),
        ),
    ),
)


@pytest.mark.parametrize(
    ("time", "spelt"),
    [
        (datetime(2026, 11, 21, 1, 2, 3, tzinfo=UTC), "2026-11-21T01:02:03-00:00"),
        (datetime(2026, 11, 21, 8, 15, 0, 999_999, tzinfo=SENT.tzinfo), "2026-11-21T08:15:00+07:00"),
        (datetime(2026, 1, 1, tzinfo=timezone(-timedelta(hours=3, minutes=30))), "2026-01-01T00:00:00-03:30"),
        (datetime(1890, 1, 1, 7, 7, 12, tzinfo=timezone(timedelta(seconds=25632))), "1890-01-01T00:00:00-00:00"),
        (datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=15))), "2026-01-01T09:00:00-00:00"),
    ],
)
def test_times_are_spelt_as_the_standard_wants(time: datetime, spelt: str) -> None:
    """No fraction, always an offset, UTC as -00:00, and no offset that XML has no spelling for."""
    assert f"<sent>{spelt}</sent>" in write(replace(FLOOD, sent=time)).decode()


@pytest.mark.parametrize(
    ("change", "field", "rule"),
    [
        ({"identifier": "has space"}, "identifier", "R-ID-CHARS"),
        ({"identifier": "\u200b"}, "identifier", "R-ID-EMPTY"),
        ({"sender": "a,b"}, "sender", "R-ID-CHARS"),
        ({"sent": datetime(2026, 1, 1)}, "sent", "R-TIME-FORMAT"),  # noqa: DTZ001
        ({"msg_type": MsgType.CANCEL}, "references", "R-REFS-REQUIRED"),
        ({"scope": Scope.RESTRICTED}, "restriction", "R-SCOPE-RESTRICTION"),
        ({"scope": Scope.PRIVATE}, "addresses", "R-SCOPE-ADDRESSES"),
        ({"incidents": ('a"b',)}, "incidents", "R-LIST-QUOTE"),
        ({"infos": ()}, "info", "R-INFO-MISSING"),
        ({"infos": (replace(FLOOD.infos[0], event=""),)}, "info[0]/event", "X-REQUIRED"),
        ({"infos": (replace(FLOOD.infos[0], expires=SENT),)}, "info[0]/expires", "R-TIME-ORDER"),
        ({"infos": (replace(FLOOD.infos[0], web="javascript:x"),)}, "info[0]/web", "S-URI-SCHEME"),
        (
            {"infos": (replace(FLOOD.infos[0], areas=(Area(desc="x", polygons=(SQUARE[:4],)),)),)},
            "info[0]/area[0]/polygon[0]",
            "R-POLY-CLOSED",
        ),
        (
            {"infos": (replace(FLOOD.infos[0], areas=(Area(desc="x", altitude=float("nan")),)),)},
            "info[0]/area[0]/altitude",
            "X-NUMBER",
        ),
    ],
)
def test_a_bad_alert_is_refused_with_the_place_named(change: dict[str, object], field: str, rule: str) -> None:
    """The officer learns which field breaks which rule; nothing is written."""
    with pytest.raises(BadInput) as refused:
        write(replace(FLOOD, **change))  # type: ignore[arg-type]
    assert [(fault.field, fault.says.split(":")[0]) for fault in refused.value.faults] == [(field, rule)]


def test_all_faults_are_listed_at_once() -> None:
    """Mending an alert takes one round, not one round a fault."""
    with pytest.raises(BadInput) as refused:
        write(replace(FLOOD, identifier="", sender="a b", infos=(Info(),)))
    assert {fault.field for fault in refused.value.faults} >= {"identifier", "sender", "info[0]/event"}


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        (" Banjir\x00\x07 ", "Banjir"),
        ("a\u202eb\u2066c\u2069d\u200fe\u200bf\ufeffg", "abcdefg"),
        ("baris\r\nsatu\rdua", "baris\nsatu\ndua"),
        ("lone\ud800\ufffe", "lone"),
        ("می\u200cخواهم 👨\u200d👩", "می\u200cخواهم 👨\u200d👩"),
    ],
)
def test_words_go_out_without_hidden_characters(dirty: str, clean: str) -> None:
    """What could hide or turn words is stripped; joiners that spelling needs stay."""
    alert = replace(FLOOD, infos=(replace(FLOOD.infos[0], description=dirty),))
    assert read(write(alert)).alert.infos[0].description == clean


def test_references_and_quoted_lists_have_the_standard_form() -> None:
    """References are sender,identifier,sent; names with blanks are quoted."""
    earlier = Reference(sender="a@b", identifier="1", sent=SENT - timedelta(hours=1))
    alert = replace(FLOOD, msg_type=MsgType.UPDATE, references=(earlier, earlier), incidents=("banjir", "Sungai Raya"))
    text = write(alert).decode()
    assert "<references>a@b,1,2026-11-21T07:15:00+07:00 a@b,1,2026-11-21T07:15:00+07:00</references>" in text
    assert '<incidents>banjir "Sungai Raya"</incidents>' in text
