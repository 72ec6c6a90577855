"""How notifications of WIS2 become alerts, links or a reason why they are neither."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from crisis.cap.entry import Entry
from crisis.feeds.wis2 import MOST_CONTENT, parse

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
CAP = b"""<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>A.1</identifier>
<sender>office@example.id</sender><sent>2026-11-21T08:15:00+07:00</sent><status>Actual</status>
<msgType>Alert</msgType><scope>Public</scope></alert>"""
DATA_ID = "wis2/id-bmkg/data/core/weather/advisories-warnings/A.1"
LINK = {"href": "https://cache.example/A.1.xml", "rel": "canonical", "type": "application/xml"}


def _read(content: Any = None, links: Any = (LINK,), method: str = "sha512", digest: str = "", **more: Any) -> Entry:
    value = digest or base64.b64encode(hashlib.new(method, CAP).digest()).decode()
    told = {
        "data_id": DATA_ID,
        "pubtime": "2026-11-21T08:15:30Z",
        "integrity": {"method": method.replace("_", "-"), "value": value},
        **more,
    }
    if content:
        told["content"] = content
    feature = {"id": "1", "type": "Feature", "geometry": None, "properties": told, "links": list(links)}
    (entry,) = parse(json.dumps(feature).encode(), "mqtts://broker.example:8883", NOW)
    return entry


def _packed(how: str, raw: bytes = CAP) -> dict[str, Any]:
    value = {"utf-8": raw, "base64": base64.b64encode(raw), "gzip": base64.b64encode(gzip.compress(raw))}[how]
    return {"encoding": how, "size": len(raw), "value": value.decode()}


def _faults(entry: Entry) -> list[str]:
    return [warning.where for warning in entry.warnings if warning.rule == "X-FEED"]


@pytest.mark.parametrize("how", ["utf-8", "base64", "gzip"])
@pytest.mark.parametrize("method", ["sha256", "sha384", "sha512", "sha3_256", "sha3_384", "sha3_512"])
def test_cap_inside_a_notification_is_read_with_its_own_bytes(how: str, method: str) -> None:
    """The alert is there at once, and its bytes are those its sender signed."""
    entry = _read(_packed(how), method=method)
    assert entry.alert
    assert (entry.alert.identifier, entry.guid, entry.raw) == ("A.1", DATA_ID, CAP)
    assert _faults(entry) == []


def test_a_checksum_in_hex_holds_too() -> None:
    """Some centres write it so."""
    assert _read(_packed("base64"), digest=hashlib.sha512(CAP).hexdigest().upper()).alert


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (_packed("utf-8", CAP.replace(b"Actual", b"Test")), "properties/integrity/value"),
        ({"encoding": "base64", "size": 3, "value": "%%%"}, "properties/content/value"),
        ({"encoding": "gzip", "size": 3, "value": "AAAA"}, "properties/content/value"),
        ({"encoding": "rot13", "size": 3, "value": "x"}, "properties/content/value"),
        ({"encoding": "utf-8", "size": 3, "value": 7}, "properties/content/value"),
        (_packed("gzip", b"0" * (MOST_CONTENT + 1)), "properties/content/value"),
        ("text", "properties/content/value"),
    ],
)
def test_content_that_is_not_what_was_promised_is_fetched_instead(content: Any, fault: str) -> None:
    """What was changed on the way, cannot be unpacked or is too much is never used."""
    entry = _read(content)
    assert entry.alert is None
    assert entry.link == LINK["href"]
    assert fault in _faults(entry)


def test_content_of_an_unknown_checksum_is_not_trusted() -> None:
    """A method that is not WIS2's proves nothing."""
    entry = _read(_packed("utf-8"), integrity={"method": "crc32", "value": "1"})
    assert (entry.alert, entry.link) == (None, LINK["href"])


def test_content_without_a_checksum_is_read_and_noted() -> None:
    """The standard lets integrity be left out."""
    entry = _read(_packed("utf-8"), integrity=None)
    assert entry.alert
    assert _faults(entry) == ["properties/integrity"]


@pytest.mark.parametrize(
    ("links", "chosen"),
    [
        ([LINK], LINK["href"]),
        ([{**LINK, "rel": "update", "href": "https://cache.example/2.xml"}, LINK], "https://cache.example/2.xml"),
        ([{**LINK, "type": "application/cap+xml"}], LINK["href"]),
        ([{"href": LINK["href"], "rel": "canonical"}], LINK["href"]),
        ([{**LINK, "type": "application/bufr"}], ""),
        ([{**LINK, "type": "image/png"}, LINK], LINK["href"]),
        ([{**LINK, "href": "ftp://cache.example/A.xml"}], ""),
        ([{**LINK, "rel": "deletion"}], ""),
        ([LINK, {**LINK, "rel": "deletion"}], ""),
        ([None, 7, "x"], ""),
        ([], ""),
    ],
)
def test_only_a_link_that_may_be_cap_is_followed(links: Any, chosen: str) -> None:
    """Everything else has its reason."""
    entry = _read(links=links)
    assert entry.link == chosen
    assert bool(entry.refused) == (chosen == "")


def test_a_deleted_file_cancels_no_alert() -> None:
    """Only the sender's Cancel withdraws a warning."""
    entry = _read(links=[{**LINK, "rel": "deletion"}])
    assert entry.alert is None
    assert "cancels no alert" in entry.refused


def test_several_notifications_may_come_as_a_collection() -> None:
    """An archive of a broker answers so."""
    one = {"type": "Feature", "properties": {"data_id": DATA_ID}, "links": [LINK]}
    raw = json.dumps({"type": "FeatureCollection", "features": [one, one]}).encode()
    assert [entry.link for entry in parse(raw, "", NOW)] == [LINK["href"]] * 2


def test_the_examples_of_the_standard_are_no_cap(samples: Path) -> None:
    """BUFR, GRIB and satellite pictures are ignored, each with its reason."""
    found = sorted((samples / "feeds" / "wis2").glob("examples_*.json"))
    if not found:
        pytest.skip("no samples of WIS2")
    for path in found:
        (entry,) = parse(path.read_bytes(), "", NOW)
        assert entry.refused, path.name
