"""Writing CAP: what goes out passes the OASIS XSD, reads back the same, or is refused with every place named."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
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
from crisis.cap.rules import is_fault
from crisis.cap.write import clean_text, tidy, write
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

some = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
any_text = st.text(max_size=30)
words = st.text(min_size=1, max_size=30).map(clean_text).filter(bool)
names = st.text("abcXYZ019.:-_@é", min_size=1, max_size=20)
offsets = st.integers(-840, 840).map(lambda minutes: timezone(timedelta(minutes=minutes)))
times = st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1), timezones=offsets).map(  # noqa: DTZ001
    lambda time: time.replace(microsecond=0)
)
lats, lons = st.floats(-90, 90), st.floats(-180, 180)
rings = st.lists(st.tuples(lats, lons), min_size=3, max_size=8, unique=True).map(lambda p: (*p, p[0]))
circles = st.builds(Circle, lat=lats, lon=lons, radius=st.floats(0, 20_000))
pairs = st.lists(st.tuples(words, words), max_size=2).map(tuple)
quotable = st.lists(words.filter(lambda name: '"' not in name), max_size=3).map(tuple)


def several(of: st.SearchStrategy[object], least: int = 0) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(of, min_size=least, max_size=3).map(tuple)


heights = st.one_of(
    st.just({}), st.builds(lambda low, more: {"altitude": low, "ceiling": low + more}, lats, st.floats(0, 9e4))
)
areas = st.builds(
    lambda height, **rest: Area(**rest, **height),
    heights,
    desc=words,
    polygons=several(rings),
    circles=several(circles),
    geocodes=pairs,
)
resources = st.builds(
    Resource,
    desc=words,
    mime_type=st.sampled_from(["image/png", "audio/mpeg"]),
    size=st.none() | st.integers(0, 10**9),
    uri=st.sampled_from(["", "https://bpbd.example.go.id/peta/1.png?a=%20b#c"]),
    digest=st.just("") | st.text("0123456789abcdef", min_size=40, max_size=40),
)


@st.composite
def infos(draw: st.DrawFn, sent: datetime) -> Info:
    onset = draw(st.none() | st.timedeltas(timedelta(0), timedelta(days=2)).map(_whole))
    return Info(
        language=draw(st.sampled_from(["id", "en-US", "sr-Latn", "zh-mo"])),
        categories=draw(several(st.sampled_from(Category), 1)),  # type: ignore[arg-type]
        event=draw(words),
        response_types=draw(several(st.sampled_from(ResponseType))),  # type: ignore[arg-type]
        urgency=draw(st.sampled_from(Urgency)),
        severity=draw(st.sampled_from(Severity)),
        certainty=draw(st.sampled_from(Certainty)),
        audience=draw(st.just("") | words),
        event_codes=draw(pairs),
        effective=draw(st.sampled_from([None, sent])),
        onset=None if onset is None else sent + onset,
        expires=draw(st.sampled_from([None, sent + (onset or timedelta()) + timedelta(hours=1)])),
        headline=draw(st.just("") | words),
        description=draw(st.just("") | words),
        instruction=draw(st.just("") | words),
        web=draw(st.sampled_from(["", "https://bpbd.example.go.id/peringatan/1"])),
        contact=draw(st.just("") | words),
        parameters=draw(pairs),
        resources=draw(several(resources)),  # type: ignore[arg-type]
        areas=draw(several(areas)),  # type: ignore[arg-type]
    )


def _whole(span: timedelta) -> timedelta:
    return timedelta(seconds=int(span.total_seconds()))


@st.composite
def sound_alerts(draw: st.DrawFn) -> Alert:
    sent = draw(times)
    msg_type = draw(st.sampled_from(MsgType))
    earlier = st.builds(Reference, sender=names, identifier=names, sent=st.just(sent - timedelta(hours=1)))
    scope = draw(st.sampled_from(Scope))
    return Alert(
        identifier="own-" + draw(names),
        sender=draw(names),
        sent=sent,
        status=draw(st.sampled_from(Status)),
        msg_type=msg_type,
        scope=scope,
        source=draw(st.just("") | words),
        restriction=draw(words) if scope is Scope.RESTRICTED else "",
        addresses=draw(quotable.filter(bool)) if scope is Scope.PRIVATE else (),
        codes=draw(several(words)),  # type: ignore[arg-type]
        note=draw(st.just("") | words),
        references=() if msg_type is MsgType.ALERT else draw(several(earlier, 1)),  # type: ignore[arg-type]
        incidents=draw(quotable),
        infos=draw(several(infos(sent), 1)),  # type: ignore[arg-type]
    )


wild_areas = st.builds(
    Area,
    desc=any_text,
    polygons=several(st.lists(st.tuples(st.floats(), st.floats()), max_size=5).map(tuple)),
    circles=several(st.builds(Circle, lat=st.floats(), lon=st.floats(), radius=st.floats())),
    altitude=st.none() | st.floats(),
)
WILD_INFO = {
    "language": any_text,
    "categories": several(st.sampled_from(Category)),
    "event": any_text,
    "headline": any_text,
    "web": st.text("%?#[]@:/a1.\\é ", max_size=12).map("http://a.id".__add__),
    "onset": times,
    "expires": times,
    "parameters": st.lists(st.tuples(any_text, any_text), max_size=2).map(tuple),
    "resources": several(
        st.builds(
            Resource,
            desc=any_text,
            mime_type=any_text,
            uri=any_text | st.text("%?#[]@:/a1", max_size=8),
            deref_uri=st.just("") | any_text,
        )
    ),
    "areas": several(wild_areas),
}
WILD_ALERT = {
    "identifier": any_text,
    "sender": any_text,
    "sent": st.datetimes(timezones=st.none() | offsets),
    "addresses": several(any_text),
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
    info = replace(alert.infos[0], **{name: draw(WILD_INFO[name])})  # type: ignore[arg-type]
    return replace(alert, infos=(info, *alert.infos[1:]))


@pytest.fixture(scope="module")
def xsd(samples: Path) -> etree.XMLSchema:
    """The official schema, an oracle that is not ours."""
    path = samples / "schema" / "CAP-v1.2.xsd"
    if not path.is_file():
        pytest.skip(f"no OASIS schema at {path}")
    return etree.XMLSchema(etree.parse(path))


@some
@given(alert=sound_alerts())
def test_every_sound_alert_passes_the_oasis_schema(xsd: etree.XMLSchema, alert: Alert) -> None:
    """Whatever keeps the rules is valid by the standard's own schema."""
    document = etree.fromstring(write(alert))
    assert xsd.validate(document), xsd.error_log


@some
@given(alert=sound_alerts())
def test_an_alert_reads_back_as_it_was_written(alert: Alert) -> None:
    """Nothing of an alert is lost or changed between writing and reading, and no fault is noted."""
    reading = read(write(alert))
    assert reading.alert == tidy(alert) == alert
    assert [w for w in reading.warnings if is_fault(w)] == []


@some
@given(alert=wild_alerts())
def test_a_wild_alert_is_refused_or_valid(xsd: etree.XMLSchema, alert: Alert) -> None:
    """No alert, however odd, makes an invalid document: it is refused by name or written validly."""
    try:
        written = write(alert)
    except BadInput:
        return
    assert xsd.validate(etree.fromstring(written)), xsd.error_log
    assert read(written).alert.identifier == clean_text(alert.identifier)


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
