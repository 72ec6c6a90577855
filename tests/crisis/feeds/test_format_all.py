"""Promises that every feed format keeps, whatever a stranger's server answers."""

from __future__ import annotations

import copy
import importlib
import json
import pkgutil
import random
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import crisis.feeds
from crisis.cap.entry import Entry
from crisis.cap.record import digest, from_record, to_record
from crisis.errors import BadInput
from crisis.feeds import FORMATS
from crisis.feeds.contract import Format, Way

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
URL = "https://feed.example/cap/index.xml"
ROUNDS = 150

CAP = b"""<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
  <identifier>A.1</identifier><sender>office@example.id</sender><sent>2026-11-21T08:15:00+07:00</sent>
  <status>Actual</status><msgType>Alert</msgType><scope>Public</scope>
  <info><language>id</language><category>Met</category><event>Hujan lebat</event><urgency>Immediate</urgency>
    <severity>Moderate</severity><certainty>Observed</certainty><expires>2026-11-21T11:15:00+07:00</expires>
    <area><areaDesc>Kubu Raya</areaDesc><polygon>-0.1,109.1 -0.1,109.3 -0.3,109.3 -0.1,109.1</polygon></area>
  </info>
</alert>"""
RSS = b"""<rss version="2.0"><channel><title>Peringatan</title><item><title>Hujan</title>
<link>https://feed.example/cap/CKB20261121001_alert.xml</link><guid isPermaLink="false">2.49.0.1.360.0.2026</guid>
<pubDate>Sat, 21 Nov 2026 15:15:00 +0700</pubDate></item></channel></rss>"""
ATOM = b"""<feed xmlns="http://www.w3.org/2005/Atom" xmlns:cap="urn:oasis:names:tc:emergency:cap:1.2">
<id>urn:x</id><title>t</title><updated>2026-11-21T01:15:00Z</updated><entry><id>urn:e:1</id><title>Wind</title>
<updated>2026-11-21T01:15:00Z</updated><cap:identifier>2.49.0.0.1</cap:identifier><cap:event>Wind</cap:event>
<cap:sent>2026-11-21T01:15:00-00:00</cap:sent><cap:status>Actual</cap:status><cap:message_type>Alert</cap:message_type>
<cap:areaDesc>North</cap:areaDesc><cap:geocode><valueName>EMMA_ID</valueName><value>XX001</value></cap:geocode>
<link href="https://feed.example/api/1" type="application/cap+xml"/></entry></feed>"""
EDXL = (
    b'<EDXLDistribution xmlns="urn:oasis:names:tc:emergency:EDXL:DE:1.0"><distributionID>1</distributionID>'
    b"<contentObject><xmlContent><embeddedXMLContent>"
    + CAP.partition(b"?>")[2]
    + b"</embeddedXMLContent></xmlContent></contentObject></EDXLDistribution>"
)
LISTING = b"""<!DOCTYPE HTML><html><head><title>Index of /cap</title></head><body><h1>Index of /cap</h1><pre>
<a href="?C=N;O=D">Name</a> <a href="/">Parent Directory</a> <a href="a%20b.xml">a b.xml</a> <a href="c.CAP">c.CAP</a>
</pre></body></html>"""
BMKG = json.dumps(
    {
        "Infogempa": {
            "gempa": [
                {
                    "Tanggal": "21 Nov 2026",
                    "Jam": "15:15:00 WIB",
                    "DateTime": "2026-11-21T08:15:00+00:00",
                    "Coordinates": "-0.12,109.34",
                    "Lintang": "0.12 LS",
                    "Bujur": "109.34 BT",
                    "Magnitude": "6.4",
                    "Kedalaman": "10 km",
                    "Wilayah": "12 km barat Pontianak",
                    "Potensi": "Berpotensi TSUNAMI untuk diteruskan pada masyarakat",
                    "Dirasakan": "IV Pontianak",
                    "Shakemap": "20261121151500.mmi.jpg",
                }
            ]
        }
    }
).encode()
BMKG_XML = b"""<?xml version="1.0" encoding="UTF-8"?><Infogempa><gempa><Tanggal>21 Nov 2026</Tanggal>
<Jam>15:15:00 WIB</Jam><DateTime>2026-11-21T08:15:00+00:00</DateTime><point><coordinates>-0.12,109.34</coordinates>
</point><Lintang>0.12 LS</Lintang><Bujur>109.34 BT</Bujur><Magnitude>6.4</Magnitude><Kedalaman>10 km</Kedalaman>
<Wilayah>12 km barat Pontianak</Wilayah><Potensi>Tidak berpotensi tsunami</Potensi></gempa></Infogempa>"""
USGS = json.dumps(
    {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "id": "us7000test",
                "properties": {
                    "mag": 6.1,
                    "place": "12 km W of Pontianak",
                    "time": 1795248900000,
                    "updated": 1795249900000,
                    "url": "https://earthquake.usgs.gov/earthquakes/eventpage/us7000test",
                    "alert": "orange",
                    "status": "reviewed",
                    "tsunami": 1,
                    "ids": ",us7000test,at00test,",
                    "title": "M 6.1 - 12 km W of Pontianak",
                    "type": "earthquake",
                },
                "geometry": {"type": "Point", "coordinates": [109.34, -0.12, 10]},
            }
        ],
    }
).encode()
GDACS = b"""\xef\xbb\xbf<?xml version="1.0" encoding="utf-8"?><rss version="2.0" xmlns:gdacs="http://www.gdacs.org"
xmlns:georss="http://www.georss.org/georss"><channel><title>GDACS</title><item><title>Orange flood</title>
<description>Rivers rise</description><link>https://www.gdacs.org/report.aspx?eventid=1</link>
<pubDate>Sat, 21 Nov 2026 08:15:00 GMT</pubDate><guid isPermaLink="false">FL1</guid>
<gdacs:bbox>105 113 -4 4</gdacs:bbox><georss:point>-0.12 109.34</georss:point>
<gdacs:cap>https://www.gdacs.org/cap_1.xml</gdacs:cap><gdacs:eventtype>FL</gdacs:eventtype>
<gdacs:alertlevel>Orange</gdacs:alertlevel><gdacs:severity unit="" value="2">Magnitude 2</gdacs:severity>
<gdacs:country>Indonesia</gdacs:country></item></channel></rss>"""
NWS = json.dumps(
    {
        "type": "FeatureCollection",
        "features": [
            {
                "id": "https://api.weather.gov/alerts/urn:oid:2.49.0.1.840.0.1",
                "type": "Feature",
                "geometry": {"type": "Polygon", "coordinates": [[[-90, 40], [-89, 40], [-89, 41], [-90, 40]]]},
                "properties": {
                    "id": "urn:oid:2.49.0.1.840.0.1",
                    "areaDesc": "Kane, UT",
                    "geocode": {"SAME": ["049025"], "UGC": ["UTC025"]},
                    "references": [
                        {"identifier": "urn:oid:2.49.0.1.840.0.0", "sender": "w", "sent": "2026-11-21T00:00:00-07:00"}
                    ],
                    "sent": "2026-11-21T01:15:00-07:00",
                    "expires": "2026-11-21T04:15:00-07:00",
                    "status": "Actual",
                    "messageType": "Update",
                    "category": "Met",
                    "severity": "Severe",
                    "certainty": "Likely",
                    "urgency": "Expected",
                    "event": "Flood Watch",
                    "sender": "w-nws.webmaster@noaa.gov",
                    "response": "Prepare",
                    "parameters": {"VTEC": ["/O.NEW.KSLC.FA.A.0001.000000T0000Z-261121T1100Z/"]},
                },
            }
        ],
    }
).encode()
WIS2 = json.dumps(
    {
        "id": "31e9d66a-cd83-4174-9429-b932f1abe1be",
        "conformsTo": ["http://wis.wmo.int/spec/wnm/1/conf/core"],
        "type": "Feature",
        "geometry": None,
        "properties": {
            "pubtime": "2026-11-21T08:15:30Z",
            "data_id": "wis2/id-bmkg/data/core/weather/advisories-warnings/A.1",
            "content": {"encoding": "utf-8", "size": len(CAP), "value": CAP.decode()},
        },
        "links": [{"href": "https://feed.example/A.1.xml", "rel": "canonical", "type": "application/xml"}],
    }
).encode()

GOOD: dict[str, tuple[bytes, ...]] = {
    "cap": (CAP, RSS, ATOM, EDXL, LISTING),
    "bmkg-nowcast": (RSS,),
    "bmkg-quake": (BMKG, BMKG_XML),
    "inatews": (ATOM,),
    "usgs": (USGS,),
    "gdacs": (GDACS,),
    "nws": (NWS,),
    "meteoalarm": (ATOM,),
    "edxl": (EDXL,),
    "wis2": (WIS2,),
    "post": (CAP,),
}
GOOD_CASES = [(name, raw) for name, samples in GOOD.items() for raw in samples]

BAD: dict[str, bytes] = {
    "nothing": b"",
    "blanks": b" \n\t ",
    "error page": b"<!DOCTYPE html><html><head><title>503</title></head><body><a href='x.xml'>x</a></body></html>",
    "a word": b"Service Unavailable",
    "truncated JSON": b'{"type": "FeatureCollection", "features": [{"id": 1',
    "truncated Infogempa": b'{"Infogempa": {"gempa": [{"Magnitude": "5',
    "truncated XML": b"<rss><channel><item>",
    "a number": b"7",
    "a long number": b"1" * 5000,
    "null": b"null",
    "a text": b'"features"',
    "an empty list": b"[]",
    "a list of lists": b"[[[]]]",
    "features is no list": b'{"type": "FeatureCollection", "features": "none"}',
    "gempa is no list": b'{"Infogempa": {"gempa": 5}}',
    "NaN": b"NaN",
    "deep JSON": b'{"features": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "deep gempa": b'{"Infogempa": {"gempa": ' + b'{"a":' * 10_000 + b"1" + b"}" * 10_000 + b"}}",
    "deep XML": b"<a>" * 10_000 + b"</a>" * 10_000,
    "two documents": b'{"features": []} {"features": []}',
    "a DOCTYPE": b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss><channel><title>&x;</title></channel></rss>',
    "bytes": bytes(range(256)),
    "UTF-16": '{"features": []}'.encode("utf-16"),
    "10 MB of blanks": b" " * 10_000_000,
    "10 MB of blanks and a word": b" " * 10_000_000 + b"x",
    "10 MB of text": b"x" * 10_000_000,
    "10 MB of digits": b'{"features": [' + b"9" * 10_000_000,
    "10 MB of angles": b"<" * 10_000_000,
}
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1e308, 10**400, "", " ", "null", "NaN", "-", "9" * 6000, "\x00", "\ud800", "\u202eabc",
    "[::1", "http://[::1", "javascript:alert(1)", "-91,181", "1,5", "2026-13-45T99:99:99Z", "0000-00-00T00:00:00Z",
    "9999-12-31T23:59:59-14:00", "Sat, 99 Nov 99999 99:99:99 +9999", [], {}, [[]], [None], {"a": {"b": []}}, "M 5,4 SR",
    "\N{BENGALI DIGIT TWO}" * 5, "x" * 70_000,
)  # fmt: skip
TOKENS = (b"<", b">", b'"', b"}", b"]", b",", b"\\u0000", b"&#0;", b"\xff", b"NaN", b"1e999")


@pytest.mark.parametrize(("name", "raw"), GOOD_CASES)
def test_a_good_sample_is_read_whole(name: str, raw: bytes) -> None:
    """A plain sample of the format gives an alert or a link and refuses nothing."""
    entries = FORMATS[name].parse(raw, URL, NOW)
    assert entries
    assert all((entry.alert or entry.link) and not entry.refused for entry in entries)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("bad", BAD)
def test_what_is_not_this_kind_of_feed_is_said_in_one_sentence(name: str, bad: str) -> None:
    """An answer that cannot be read is BadInput with its reason, never "no alerts" and never another exception."""
    with pytest.raises(BadInput) as caught:
        FORMATS[name].parse(BAD[bad], URL, NOW)
    assert str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("other", GOOD)
def test_another_kind_of_feed_is_refused_or_read_but_never_a_crash(name: str, other: str) -> None:
    """A feed that is entered under the wrong format does no harm."""
    for raw in GOOD[other]:
        _keeps_the_contract(FORMATS[name], raw)


@pytest.mark.parametrize(("name", "raw"), GOOD_CASES)
def test_broken_bytes_never_raise_anything_but_bad_input(name: str, raw: bytes) -> None:
    """Whatever bytes are changed, dropped or doubled, every entry still has its bytes and a fate."""
    chance = random.Random(seed := 20261121)
    print("seed", seed)
    for _ in range(ROUNDS):
        _keeps_the_contract(FORMATS[name], _broken(raw, chance))


@pytest.mark.parametrize(("name", "raw"), [(n, r) for n, r in GOOD_CASES if r.startswith(b"{")])
def test_odd_values_in_any_place_never_raise_anything_but_bad_input(name: str, raw: bytes) -> None:
    """Each value of a JSON feed is replaced by each odd one in turn."""
    whole = json.loads(raw)
    for path in _paths(whole):
        for odd in ODD:
            _keeps_the_contract(FORMATS[name], json.dumps(_with(whole, path, odd)).encode())


@pytest.mark.parametrize(("name", "raw"), [(n, r) for n, r in GOOD_CASES if b"<" in r[:5]])
def test_odd_texts_in_any_element_never_raise_anything_but_bad_input(name: str, raw: bytes) -> None:
    """Each text of an XML feed is replaced by each odd one in turn."""
    parts = raw.split(b">")
    texts = [str(odd).replace("<", "").encode("utf-8", "replace") for odd in ODD if not isinstance(odd, (list, dict))]
    for at in range(1, len(parts) - 1):
        for odd in texts:
            opening = b"<" + parts[at].partition(b"<")[2]
            _keeps_the_contract(FORMATS[name], b">".join([*parts[:at], odd + opening, *parts[at + 1 :]]))


def test_one_bad_entry_never_hides_its_neighbours() -> None:
    """An entry that cannot be read is refused alone."""
    whole = json.loads(USGS)
    whole["features"] = [None, *whole["features"], {"id": 7}]
    entries = FORMATS["usgs"].parse(json.dumps(whole).encode(), URL, NOW)
    assert [bool(entry.alert) for entry in entries] == [False, True, False]
    assert [bool(entry.refused) for entry in entries] == [True, False, True]


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_says_what_it_is_for(name: str) -> None:
    """Whoever adds a feed reads one line about each format."""
    described = FORMATS[name]
    assert described.says
    assert "\n" not in described.says
    assert described.every.total_seconds() >= 60  # 60 requests a minute are all that BMKG allows one address
    assert GOOD[name]


def test_only_wis2_is_subscribed_and_only_post_is_posted() -> None:
    """How a feed reaches us is a property of its format."""
    ways = {name: kind.way for name, kind in FORMATS.items() if kind.way is not Way.POLLED}
    assert ways == {"wis2": Way.SUBSCRIBED, "post": Way.POSTED}


def test_every_module_with_a_format_is_in_the_registry_by_one_line() -> None:
    """A module that nobody registered would be dead; a line without its module cannot be."""
    found = [module.FORMAT for module in _modules() if hasattr(module, "FORMAT")]
    registered = list(FORMATS.values())
    assert found
    assert all(registered.count(kind) == 1 for kind in found)
    source = Path(crisis.feeds.__file__).read_text(encoding="utf-8")
    assert all(source.count(f'\n        "{name}": ') == 1 for name in FORMATS)


def test_a_new_format_is_one_module_and_one_line(tmp_path: Path) -> None:
    """A format written elsewhere reads its feed through nothing but the contract."""
    (tmp_path / "river_gauge.py").write_text(
        "from crisis.cap.entry import Entry\n"
        "from crisis.feeds.contract import Format\n"
        "def parse(raw, url, now):\n"
        "    return [Entry(raw=line, refused='too low') for line in raw.splitlines()]\n"
        "FORMAT = Format(parse=parse, says='river gauges')\n",
        encoding="utf-8",
    )
    sys.path.insert(0, str(tmp_path))
    try:
        formats = {**FORMATS, "river-gauge": importlib.import_module("river_gauge").FORMAT}
    finally:
        sys.path.remove(str(tmp_path))
        sys.modules.pop("river_gauge", None)
    assert [entry.raw for entry in formats["river-gauge"].parse(b"1\n2", URL, NOW)] == [b"1", b"2"]


def _modules() -> Iterator[ModuleType]:
    for found in pkgutil.iter_modules(crisis.feeds.__path__):
        yield importlib.import_module(f"crisis.feeds.{found.name}")


def _keeps_the_contract(kind: Format, raw: bytes) -> None:
    try:
        entries = kind.parse(raw, URL, NOW)
    except BadInput:
        return
    for entry in entries:
        _is_whole(entry)


def _is_whole(entry: Entry) -> None:
    assert entry.raw
    assert entry.alert or entry.link or entry.refused
    assert not entry.link or entry.link.startswith(("http://", "https://"))
    for text in (entry.guid, entry.link, entry.where, entry.refused, *(warning.says for warning in entry.warnings)):
        assert "\x00" not in text
        text.encode()
    if entry.alert:
        record = json.dumps(to_record(entry.alert), ensure_ascii=False, allow_nan=False)
        record.encode()
        assert "\\u0000" not in record.replace("\\\\", "")
        assert from_record(json.loads(record)) == entry.alert
        assert digest(entry.alert)
        assert entry.alert.sent.tzinfo


def _broken(raw: bytes, chance: random.Random) -> bytes:
    changed = bytearray(raw)
    for _ in range(chance.randint(1, 4)):
        at, size = chance.randrange(len(changed) or 1), chance.randint(1, 12)
        how: Callable[[], bytes] = chance.choice(
            [
                lambda size=size: chance.randbytes(size),
                lambda: b"",
                lambda at=at, size=size: bytes(changed[at : at + size]) * 2,
                lambda: chance.choice(
                    [b"<", b">", b'"', b"}", b"]", b",", b"\\u0000", b"&#0;", b"\xff", b"NaN", b"1e999"]
                ),
            ]
        )
        changed[at : at + size] = how()
    return bytes(changed[: chance.randrange(len(changed) + 1)] if chance.random() < 0.2 else changed)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inside:
        yield from _paths(part, (*path, key))


def _with(whole: Any, path: tuple[Any, ...], value: Any) -> Any:
    changed = copy.deepcopy(whole)
    inside = changed
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = value
    return changed
