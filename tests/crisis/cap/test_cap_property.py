"""The writer, over alerts made up in every part: valid by the OASIS schema and our rules, and read back the same.

CRISIS_TEST_EXAMPLES says how many of each kind are made up; 200 if it is not set.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from lxml import etree

from crisis.cap.nouns import (
    Alert,
    Area,
    Category,
    Certainty,
    Circle,
    Info,
    MsgType,
    Reference,
    Resource,
    ResponseType,
    Scope,
    Severity,
    Status,
    Urgency,
)
from crisis.cap.read import read
from crisis.cap.rules import check, is_fault
from crisis.cap.write import clean_text, tidy, write
from crisis.errors import BadInput

some = settings(
    max_examples=int(os.environ.get("CRISIS_TEST_EXAMPLES", "200")),
    deadline=None,
    print_blob=True,
    phases=(Phase.explicit, Phase.generate),  # a failure is shown as it is found: shrinking whole alerts takes minutes
    suppress_health_check=list(HealthCheck),
)
any_text = st.text(max_size=30)
words = st.text(min_size=1, max_size=30).map(clean_text).filter(bool)
maybe = st.just("") | words
names = st.text("abcXYZ019.:-_@é界", min_size=1, max_size=20)
offsets = st.integers(-840, 840).map(lambda minutes: timezone(timedelta(minutes=minutes)))
odd_offsets = offsets | st.just(UTC) | st.integers(-86399, 86399).map(lambda s: timezone(timedelta(seconds=s)))
times = st.datetimes(datetime(1010, 1, 1), datetime(8980, 1, 1), timezones=odd_offsets)  # noqa: DTZ001
spans = st.timedeltas(timedelta(0), timedelta(days=400))
lats, lons = st.floats(-90, 90), st.floats(-180, 180)
pair_texts = st.sampled_from(["SAME", "UGC", "profile:CAP-CP:Location:0.3", "awareness_level", "2; yellow; Moderate"])
pairs = st.lists(st.tuples(pair_texts | maybe, pair_texts | maybe), max_size=4).map(tuple)
quotable = st.lists(words.filter(lambda name: '"' not in name), max_size=3).map(tuple)


def several(of: st.SearchStrategy[object], least: int = 0, most: int = 3) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(of, min_size=least, max_size=most).map(tuple)


def _beside_the_line(ring: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    """Move a ring so that it touches 180 degrees from the east: half of an outline split there."""
    east = max(lon for _, lon in ring)
    return tuple((lat, max(-180.0, lon - east + 180.0)) for lat, lon in ring)


rings = st.lists(st.tuples(lats, lons), min_size=3, max_size=12, unique=True).map(lambda p: (*p, p[0]))
halves = rings.map(_beside_the_line).filter(lambda ring: len(set(ring)) >= 3 and ring[0] == ring[-1])
circles = st.builds(Circle, lat=lats, lon=lons, radius=st.just(0.0) | st.floats(0, 20_000))
heights = st.one_of(
    st.just({}),
    st.builds(lambda low: {"altitude": low}, lats),
    st.builds(lambda low, more: {"altitude": low, "ceiling": low + more}, lats, st.floats(0, 9e4)),
)
areas = st.builds(
    lambda height, **rest: Area(**rest, **height),
    heights,
    desc=words,
    polygons=several(rings | halves),
    circles=several(circles),
    geocodes=pairs,
)


@st.composite
def resources(draw: st.DrawFn) -> Resource:
    carried = draw(st.just(b"") | st.binary(min_size=1, max_size=60))
    told = (
        hashlib.sha1(carried).hexdigest() if carried else draw(st.text("0123456789abcdefAF", min_size=40, max_size=40))
    )
    uri = ["", "https://bpbd.example.go.id/peta/1.png?a=%20b#c"] + (["peta/1.png", "a%20b.png#x"] if carried else [])
    return Resource(
        desc=draw(words),
        mime_type=draw(st.sampled_from(["image/png", "audio/mpeg", "application/x-gtar; version=1"])),
        size=draw(st.none() | st.integers(0, 10**17)),
        uri=draw(st.sampled_from(uri)),
        deref_uri=base64.b64encode(carried).decode(),
        digest=draw(st.sampled_from(["", told])),
    )


@st.composite
def infos(draw: st.DrawFn, sent: datetime) -> Info:
    effective, onset = draw(st.none() | spans), draw(st.none() | spans)
    end = max(effective or timedelta(), onset or timedelta()) + draw(st.timedeltas(timedelta(seconds=2), timedelta(9)))
    return Info(
        language=draw(st.sampled_from(["id", "en-US", "sr-Latn", "zh-mo", "es-419", "tl"])),
        categories=draw(several(st.sampled_from(Category), 1)),  # type: ignore[arg-type]
        event=draw(words),
        response_types=draw(several(st.sampled_from(ResponseType))),  # type: ignore[arg-type]
        urgency=draw(st.sampled_from(Urgency)),
        severity=draw(st.sampled_from(Severity)),
        certainty=draw(st.sampled_from(Certainty)),
        audience=draw(maybe),
        event_codes=draw(pairs),
        effective=None if effective is None else sent + effective,
        onset=None if onset is None else (sent + onset).astimezone(draw(odd_offsets)),
        expires=draw(st.sampled_from([None, sent + end])),
        sender_name=draw(maybe),
        headline=draw(maybe),
        description=draw(maybe | st.text("<>&\"'\n\t ]éاй界😀", max_size=80)),
        instruction=draw(maybe),
        web=draw(st.sampled_from(["", "https://bpbd.example.go.id/peringatan/1", "http://a.id:8080/%C3%A9?x=1"])),
        contact=draw(maybe),
        parameters=draw(pairs),
        resources=draw(several(resources())),  # type: ignore[arg-type]
        areas=draw(several(areas)),  # type: ignore[arg-type]
    )


@st.composite
def sound_alerts(draw: st.DrawFn) -> Alert:
    sent = draw(times)
    msg_type = draw(st.sampled_from(MsgType))
    earlier = st.builds(Reference, sender=names, identifier=names, sent=st.just(sent) | spans.map(lambda s: sent - s))
    scope = draw(st.sampled_from(Scope))
    first = msg_type is MsgType.ALERT
    alert = Alert(
        identifier=draw(names) + ".own",
        sender=draw(names),
        sent=sent,
        status=draw(st.sampled_from(Status)),
        msg_type=msg_type,
        scope=scope,
        source=draw(maybe),
        restriction=draw(words) if scope is Scope.RESTRICTED else draw(maybe),
        addresses=draw(quotable.filter(bool)) if scope is Scope.PRIVATE else draw(quotable),
        codes=draw(several(any_text)),  # type: ignore[arg-type]
        note=draw(maybe),
        references=draw(several(earlier, 0 if first else 1)),  # type: ignore[arg-type]
        incidents=draw(quotable),
        infos=draw(several(infos(sent), 1 if msg_type in {MsgType.ALERT, MsgType.UPDATE} else 0)),  # type: ignore[arg-type]
    )
    return replace(alert, references=tuple(r for r in alert.references if not r.identifier.endswith(".own")))


wild_areas = st.builds(
    Area,
    desc=any_text,
    polygons=several(st.lists(st.tuples(st.floats(), st.floats()), max_size=6).map(tuple)),
    circles=several(st.builds(Circle, lat=st.floats(), lon=st.floats(), radius=st.floats())),
    geocodes=st.lists(st.tuples(any_text, any_text), max_size=2).map(tuple),
    altitude=st.none() | st.floats(),
    ceiling=st.none() | st.floats(),
)
wild_times = st.none() | st.datetimes(timezones=st.none() | odd_offsets)
WILD_INFO = {
    "language": any_text,
    "event": any_text,
    "headline": any_text,
    "description": any_text,
    "instruction": any_text,
    "contact": any_text,
    "audience": any_text,
    "web": st.text("%?#[]@:/a1.\\é ", max_size=12).map("http://a.id".__add__),
    "effective": wild_times,
    "onset": wild_times,
    "expires": wild_times,
    "parameters": st.lists(st.tuples(any_text, any_text), max_size=2).map(tuple),
    "resources": several(
        st.builds(
            Resource,
            desc=any_text,
            mime_type=any_text,
            size=st.none() | st.integers(),
            uri=any_text | st.text("%?#[]@:/a1", max_size=8),
            deref_uri=st.just("") | any_text,
            digest=any_text,
        )
    ),
    "areas": several(wild_areas),
}
WILD_ALERT = {
    "identifier": any_text,
    "sender": any_text,
    "sent": st.datetimes(timezones=st.none() | odd_offsets),
    "source": any_text,
    "note": any_text,
    "addresses": several(any_text),
    "incidents": several(any_text),
    "codes": several(any_text),
    "references": several(st.builds(Reference, sender=any_text, identifier=any_text, sent=times)),
}


@st.composite
def wild_alerts(draw: st.DrawFn) -> Alert:
    """A sound alert with one thing in it replaced by anything at all."""
    alert = draw(sound_alerts())
    name = draw(st.sampled_from([*WILD_INFO, *WILD_ALERT]))
    if name in WILD_ALERT:
        return replace(alert, **{name: draw(WILD_ALERT[name])})  # type: ignore[arg-type]
    first = alert.infos[0] if alert.infos else draw(infos(alert.sent))
    info = replace(first, **{name: draw(WILD_INFO[name])})  # type: ignore[arg-type]
    return replace(alert, infos=(info, *alert.infos[1:]))


@pytest.fixture(scope="module")
def xsd(sample: Callable[..., Path]) -> etree.XMLSchema:
    """The official schema, an oracle that is not ours."""
    path = sample("schema", "CAP-v1.2.xsd")
    return etree.XMLSchema(etree.parse(path))


@some
@given(alert=sound_alerts())
def test_every_sound_alert_is_written_validly_and_reads_back_the_same(xsd: etree.XMLSchema, alert: Alert) -> None:
    """Valid by the standard's own schema, without a fault by our rules, and equal in every part when read."""
    written = write(alert)
    assert xsd.validate(etree.fromstring(written)), xsd.error_log
    reading = read(written)
    assert reading.alert == tidy(alert) == tidy(tidy(alert))
    assert [warning for warning in reading.warnings if is_fault(warning)] == []
    assert reading.warnings == check(tidy(alert))  # so that nothing is found in how it is spelt
    assert write(reading.alert) == written


@some
@given(alert=wild_alerts())
def test_a_wild_alert_is_refused_or_valid(xsd: etree.XMLSchema, alert: Alert) -> None:
    """No alert, however odd, makes an invalid document: it is refused by name or written validly."""
    try:
        written = write(alert)
    except BadInput:
        return
    assert xsd.validate(etree.fromstring(written)), xsd.error_log
    reading = read(written)
    assert reading.alert == tidy(alert)
    assert [warning for warning in reading.warnings if is_fault(warning)] == []
