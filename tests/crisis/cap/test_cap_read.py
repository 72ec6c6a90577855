"""Reading CAP: real feeds are used despite their faults, each noted by rule; attacks are refused at once."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from crisis.cap.nouns import Certainty, Circle, MsgType, Reference, Scope, Status
from crisis.cap.read import UNDATED, Reading, read
from crisis.errors import BadInput
from crisis.model import area

HEAD = """<identifier>1</identifier><sender>a@b</sender><sent>2026-11-21T08:15:00+07:00</sent>
<status>Actual</status><msgType>Alert</msgType><scope>Public</scope>"""
INFO = """<category>Met</category><event>Banjir</event><urgency>Immediate</urgency><severity>Severe</severity>
<certainty>Observed</certainty><expires>2026-11-21T14:15:00+07:00</expires>"""
CAP = "urn:oasis:names:tc:emergency:cap:1.2"


def cap(head: str = HEAD, info: str = INFO, area_text: str = "", namespace: str = CAP) -> bytes:
    place = f"<area><areaDesc>x</areaDesc>{area_text}</area>"
    return f"<alert xmlns='{namespace}'>{head}<info>{info}{place}</info></alert>".encode()


def rules(reading: Reading) -> set[str]:
    return {warning.rule for warning in reading.warnings}


def noted(reading: Reading) -> list[tuple[str, str]]:
    return [(warning.rule, warning.where) for warning in reading.warnings]


def test_a_sound_alert_reads_without_a_note() -> None:
    """Nothing is made up about an alert that keeps the rules."""
    reading = read(cap(area_text="<polygon>0,109 0,110 1,110 0,109</polygon>"))
    assert reading.warnings == ()
    assert reading.alert.sent == datetime(2026, 11, 21, 1, 15, tzinfo=UTC)
    assert reading.alert.infos[0].language == "en-US"
    assert reading.alert.infos[0].areas[0].polygons == (((0, 109), (0, 110), (1, 110), (0, 109)),)


@pytest.mark.parametrize(
    "raw",
    [
        b"\xef\xbb\xbf" + cap(),
        b"\n  " + cap(),
        cap(namespace="urn:oasis:names:tc:emergency:cap:1.1"),
        cap(namespace="http://www.incident.com/cap/1.0"),
        cap().replace(b"xmlns=", b"xmlns:c=").replace(b"<", b"<c:").replace(b"<c:/", b"</c:"),
        b"<?xml version='1.0' encoding='utf-16'?>".decode().encode("utf-16") + cap().decode().encode("utf-16")[2:],
        cap().replace(b"<event>", b"<!-- a --><event><!-- b -->"),
    ],
    ids=["bom", "blanks", "1.1", "1.0", "prefix", "utf-16", "comments"],
)
def test_every_dress_of_the_same_alert_reads_the_same(raw: bytes) -> None:
    """Version, prefix, encoding and comments change nothing of what an alert says."""
    reading = read(raw)
    assert (reading.alert, reading.warnings) == (read(cap()).alert, ())


@pytest.mark.parametrize(
    ("area_text", "ring", "rule"),
    [
        ("<polygon>\n 0,109 \n0,110\t1,110  0,109 </polygon>", ((0, 109), (0, 110), (1, 110), (0, 109)), ""),
        ("<polygon>0,109 0,110 1,110</polygon>", ((0, 109), (0, 110), (1, 110), (0, 109)), "R-POLY-MIN4"),
        ("<polygon>0,109 0,110 1,110 1,109</polygon>",
         ((0, 109), (0, 110), (1, 110), (1, 109), (0, 109)), "R-POLY-CLOSED"),
        ("<polygon>109,0 110,0 110,1 109,0</polygon>", ((0, 109), (0, 110), (1, 110), (0, 109)), "R-POLY-RANGE"),
        ("<polygon>0, 109 0, 110 1, 110 0, 109</polygon>", ((0, 109), (0, 110), (1, 110), (0, 109)), "R-POLY-FORMAT"),
        ("<polygon>0,109 x 0,110 1,110 0,109</polygon>", ((0, 109), (0, 110), (1, 110), (0, 109)), "R-POLY-FORMAT"),
        ("<polygon>0,109 0,110 0,109</polygon>", None, "R-POLY-MIN4"),
        ("<polygon>0,109 0,109 0,109 0,109</polygon>", None, "R-POLY-MIN4"),
        ("<polygon/>", None, "R-POLY-FORMAT"),
        ("<polygon>1e9,NaN 0,1e400 2,2 3,3</polygon>", None, "R-POLY-FORMAT"),
        ("<polygon>0,109 0,110 0,1,5 1,110 0,109</polygon>", ((0, 109), (0, 110), (1, 110), (0, 109)), "R-POLY-FORMAT"),
        ("<polygon>200,300 0,110 1,110 200,300</polygon>", None, "R-POLY-RANGE"),
    ],
)  # fmt: skip
def test_polygons_are_mended_where_the_meaning_is_plain(
    area_text: str, ring: tuple[tuple[float, float], ...] | None, rule: str
) -> None:
    """Newlines pass, open rings close, swapped axes turn; each is noted, and what means nothing is left out."""
    reading = read(cap(area_text=area_text))
    assert reading.alert.infos[0].areas[0].polygons == ((ring,) if ring else ())
    assert rule in rules(reading) or (not rule and reading.warnings == ())
    assert all(where == "info[0]/area[0]/polygon[0]" for _, where in noted(reading))


@pytest.mark.parametrize(
    ("text", "circle", "strict"),
    [
        ("-0.17,109.4 5.0", Circle(lat=-0.17, lon=109.4, radius=5), True),
        ("-0.17,109.4 0", Circle(lat=-0.17, lon=109.4, radius=0), True),
        ("-0.17,109.4,5", Circle(lat=-0.17, lon=109.4, radius=5), False),
        ("109.4,-0.17 5", Circle(lat=-0.17, lon=109.4, radius=5), False),
        ("-0.17,109.4 -5", None, False),
        ("-0.17,109.4 99999", None, False),
        ("di sini", None, False),
    ],
)
def test_circles_are_read_in_kilometres(text: str, circle: Circle | None, strict: bool) -> None:
    """A circle is 'lat,lon radius'; what is close to it is read and noted."""
    reading = read(cap(area_text=f"<circle>{text}</circle>"))
    assert reading.alert.infos[0].areas[0].circles == ((circle,) if circle else ())
    assert (reading.warnings == ()) is strict


@pytest.mark.parametrize(
    ("sent", "read_as", "rule"),
    [
        ("2026-11-21T08:15:00-00:00", datetime(2026, 11, 21, 8, 15, tzinfo=UTC), ""),
        ("2026-11-21T08:15:00+00:00", datetime(2026, 11, 21, 8, 15, tzinfo=UTC), "W-TIME-PLUS00"),
        ("2026-11-21T08:15:00Z", datetime(2026, 11, 21, 8, 15, tzinfo=UTC), "R-TIME-FORMAT"),
        ("2026-11-21T08:15:00.123+07:00", datetime(2026, 11, 21, 1, 15, tzinfo=UTC), "R-TIME-FORMAT"),
        ("2026-11-21T08:15:00,07:00", datetime(2026, 11, 21, 1, 15, tzinfo=UTC), "R-TIME-FORMAT"),
        ("2026-11-21 08:15+0700", datetime(2026, 11, 21, 1, 15, tzinfo=UTC), "R-TIME-FORMAT"),
        ("2026-11-21T08:15:00", datetime(2026, 11, 21, 1, 15, tzinfo=UTC), "R-TIME-FORMAT"),  # as expires has it
        ("2026-13-41T08:15:00+07:00", UNDATED, "R-TIME-FORMAT"),
        ("besok", UNDATED, "R-TIME-FORMAT"),
        ("0001-01-01T00:00:00+14:00", UNDATED, "R-TIME-FORMAT"),
        ("9999-12-31T23:59:59-14:00", UNDATED, "R-TIME-FORMAT"),
        ("2026-11-21T08:15:00+14:30", UNDATED, "R-TIME-FORMAT"),
        ("", UNDATED, "R-TIME-FORMAT"),
    ],
)
def test_times_are_read_as_well_as_they_can_be(sent: str, read_as: datetime, rule: str) -> None:
    """A time off the standard's form is read and noted; none at all never loses the alert."""
    reading = read(cap(head=HEAD.replace("2026-11-21T08:15:00+07:00", sent)))
    assert reading.alert.sent == read_as
    assert (rule, "sent") in noted(reading) or not rule


def test_an_alert_with_nothing_in_it_is_never_for_the_public() -> None:
    """Missing pieces are noted one by one, and a missing status is not actionable."""
    reading = read(f"<alert xmlns='{CAP}'/>".encode())
    assert (reading.alert.status, reading.alert.msg_type) == (Status.DRAFT, MsgType.ALERT)
    assert {w.where for w in reading.warnings} >= {"identifier", "sender", "sent", "status", "info"}


@pytest.mark.parametrize("word", ["actual", "Live", "Actual Actual"])
def test_an_unknown_status_is_not_actual(word: str) -> None:
    """Only the standard's word, in any case, makes an alert actual; any other makes it a draft."""
    reading = read(cap(head=HEAD.replace("Actual", word)))
    assert reading.alert.status is (Status.ACTUAL if word == "actual" else Status.DRAFT)
    assert ("X-ENUM", "status") in noted(reading)


def test_an_unknown_scope_is_restricted() -> None:
    """An alert whose scope we do not know is not shown to everyone."""
    assert read(cap(head=HEAD.replace("Public", "Agencies"))).alert.scope is Scope.RESTRICTED


def test_older_spellings_keep_their_meaning() -> None:
    """CAP 1.0 wrote name=value and Very Likely: no fault there, and one since CAP 1.1."""
    info = INFO.replace("Observed", "Very Likely") + "<parameter>HSAS=ORANGE</parameter>"
    reading = read(cap(info=info, namespace="http://www.incident.com/cap/1.0"))
    got = reading.alert.infos[0]
    assert reading.warnings == ()
    assert ("X-ENUM", "info[0]/certainty") in noted(read(cap(info=info)))
    assert (got.certainty, got.parameters) == (Certainty.LIKELY, (("HSAS", "ORANGE"),))


@pytest.mark.parametrize("size", ["-1e999", "9" * 400, "nan", "1 kB"])
def test_a_number_that_is_none_is_left_out(size: str) -> None:
    """A resource's size that no machine can hold never costs the alert."""
    told = f"<resource><resourceDesc>x</resourceDesc><mimeType>a/b</mimeType><size>{size}</size></resource>"
    reading = read(cap(info=INFO + told))
    assert reading.alert.infos[0].resources[0].size is None
    assert noted(reading) == [("X-NUMBER", "info[0]/resource[0]/size")]


def test_references_survive_odd_blanks_and_one_bad_triple() -> None:
    """Each good triple is kept; a bad one is noted by its place."""
    told = "<references> a@b,1,2026-11-21T00:15:00Z\n\n rusak  c,2,x,2026-11-21T00:15:00-00:00 </references>"
    reading = read(cap(head=HEAD.replace("Alert", "Update") + told))
    at = datetime(2026, 11, 21, 0, 15, tzinfo=UTC)
    assert reading.alert.references == (Reference(sender="a@b", identifier="1", sent=at),)
    assert [where for rule, where in noted(reading) if rule == "R-REFS-TRIPLE"] == [
        "references[1]",
        "references[2]",
    ]


def test_names_with_blanks_are_unquoted() -> None:
    """Addresses and incidents are blank-separated with quotes around names that hold blanks."""
    alert = read(cap(head=HEAD + '<addresses>a@b "Pusdalops Kubu Raya" c</addresses>')).alert
    assert alert.addresses == ("a@b", "Pusdalops Kubu Raya", "c")


LAUGHS = "".join(f'<!ENTITY l{at} "{f"&l{at - 1};" * 10 if at else "lol"}">' for at in range(12))


@pytest.mark.parametrize(
    ("raw", "rule"),
    [
        (b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>" + cap(info="<event>&x;</event>"), "S-DTD"),
        (b"<!DOCTYPE a SYSTEM 'http://127.0.0.1:9/x.dtd'>" + cap(), "S-DTD"),
        (f"<!DOCTYPE a [{LAUGHS}]><alert>&l11;</alert>".encode(), "S-DTD"),
        (b"<!-- x --><!DOCTYPE a>" + cap(), "S-DTD"),
        (("<!DOCTYPE a [" + LAUGHS + "]><a>&l11;</a>").encode("utf-16"), "S-DTD"),
        (b"<a>" * 1_000_000, "S-SIZE"),
        (b"<a>" * 100_000, "S-DEPTH"),
        (cap(info="<b>" * 150 + "</b>" * 150), "S-DEPTH"),
        (b"<alert>" + b" " * 8 * 1024 * 1024, "S-SIZE"),
        (cap()[:-20], "S-MALFORMED"),
        (cap(info="<event>&hujan;</event>"), "S-MALFORMED"),
        ("<?xml version='1.0' encoding='utf-8'?><alert>\xe9</alert>".encode("latin-1"), "S-MALFORMED"),
        (b"", "S-MALFORMED"),
        (b"{}", "S-MALFORMED"),
        (b"\x00\xff\xfe", "S-MALFORMED"),
        (cap(namespace="urn:oasis:names:tc:emergency:cap:9.9"), "R-NS"),
        (b"<alert/>", "R-NS"),
        (b"<feed xmlns='http://www.w3.org/2005/Atom'/>", "R-NS"),
    ],
)
def test_what_is_unsafe_or_strange_is_refused_quickly(raw: bytes, rule: str) -> None:
    """One sentence names the rule; no attack buys more than a blink of work."""
    started = time.process_time()
    with pytest.raises(BadInput) as refused:
        read(raw)
    assert time.process_time() - started < 0.25  # 50 ms on a quiet machine; this one may be shared
    assert str(refused.value).startswith(rule + ":")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "filler", ["1" * 2**20, "0 " + " " * 2**20 + "0", ".," * 2**19, '"' * 2**20, "<![CDATA[<a]]>" * 2**14]
)
def test_reading_takes_time_in_proportion_to_length(filler: str) -> None:
    """No megabyte of one character in any field keeps the reader busy for long."""
    head = HEAD.replace("2026-11-21T08:15:00+07:00", filler) + f"<references>{filler}</references>"
    started = time.process_time()
    info = INFO + f"<headline>{filler}</headline><web>{filler}</web>"
    read(cap(head + f"<incidents>{filler}</incidents>", info, f"<polygon>{filler}</polygon><circle>{filler}</circle>"))
    assert time.process_time() - started < 5


def test_a_doctype_quoted_inside_words_is_not_an_attack() -> None:
    """An alert may quote HTML in CDATA without being lost."""
    info = INFO + "<description><![CDATA[<!DOCTYPE html>]]></description>"
    assert read(cap(info=info)).alert.infos[0].description == "<!DOCTYPE html>"


def test_every_synthetic_sample_gets_its_verdict(samples: Path) -> None:
    """Each made-up file breaks exactly the rule it was made to break, and sound ones break none."""
    folder = samples / "cap" / "synthetic"
    if not folder.is_dir():
        pytest.skip(f"no samples at {folder}")
    with (folder / "EXPECTED.tsv").open() as table:
        expected = {row["file"]: row["rule"] or "" for row in csv.DictReader(table, delimiter="\t")}
    assert {name: _verdict(folder / name, rule) for name, rule in expected.items()} == expected


def _verdict(path: Path, rule: str) -> str:
    """Give the expected rule if the file broke it, else all that it broke."""
    try:
        found = sorted(rules(read(path.read_bytes())))
    except BadInput as refused:
        found = [str(refused).split(":")[0]]
    return rule if rule in found else ",".join(found)


def test_every_real_alert_is_read(samples: Path) -> None:
    """All 71 real alerts become alerts; feeds, envelopes and the broken file are refused in one sentence."""
    folder = samples / "cap" / "real"
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    if not files:
        pytest.skip(f"no samples at {folder}")
    read_well, refused = [], []
    for path in files:
        try:
            read_well.append(read(path.read_bytes()).alert)
        except BadInput as error:
            refused.append(str(error).split(":")[0])
    print(f"{len(read_well)} of {len(files)} read, {len(refused)} refused")
    assert all(alert.identifier and alert.infos for alert in read_well if alert.msg_type is MsgType.ALERT)
    assert (len(read_well), refused.count("R-NS"), refused.count("S-MALFORMED")) == (71, 16, 1)


def test_a_real_bmkg_alert_has_its_words_times_and_area(sample: Callable[..., Path]) -> None:
    """The nowcast of BMKG reads without a note and gives the area it warns of."""
    path = sample("feeds", "bmkg", "tests_fixtures_cap_banten.xml")
    reading = read(path.read_bytes())
    (info,) = reading.alert.infos
    assert reading.warnings == ()
    assert (info.language, info.event) == ("id", "Hujan Lebat dan Petir")
    assert info.expires is not None
    assert info.expires - reading.alert.sent == timedelta(hours=3, minutes=10)
    geometry = area.from_cap(reading.alert)
    assert geometry is not None
    assert 100 < area.area_km2(geometry) < 150


def test_what_two_languages_share_is_noted_in_each() -> None:
    """Nothing odd goes unsaid in the second language because the first had it too."""
    odd = "<onset>2026-11-21T01:15:00+00:00</onset>"
    crossing, still_open = "0,109 1,110 0,110 1,109 0,109", "0,109 0,110 1,110 1,109"
    shapes = f"<polygon>{crossing}</polygon><polygon>{still_open}</polygon><circle>0, 109, 5</circle>"
    info = INFO.replace("<expires>", odd + "<expires>")
    one = f"<info>{info}<area><areaDesc>x</areaDesc>{shapes}</area></info>"
    reading = read(f"<alert xmlns='{CAP}'>{HEAD}{one}{one}</alert>".encode())
    wanted = [
        ("W-TIME-PLUS00", "onset"),
        ("R-POLY-CLOSED", "area[0]/polygon[1]"),
        ("R-CIRCLE-FORMAT", "area[0]/circle[0]"),
    ]
    crossed = [("W-POLY-INVALID", f"info[{at}]/area[0]/polygon[0]") for at in (0, 1)]
    assert noted(reading) == [(rule, f"info[{at}]/{where}") for at in (0, 1) for rule, where in wanted] + crossed
    first, second = reading.alert.infos
    assert first == second


@pytest.mark.parametrize(
    "text", ["1", "1,2", "1,2,3 4", "1 2,3", "1,2 ,3 4,", "1,2 3", ",", "1_0,2 3,4", "\uff11,2 3,4"]
)
def test_what_is_almost_a_polygon_is_read_as_none(text: str) -> None:
    """However its commas and blanks are laid out, what is no outline of points leaves only a note."""
    reading = read(cap(area_text=f"<polygon>{text}</polygon>"))
    assert reading.alert.infos[0].areas[0].polygons == ()
    assert {where for _, where in noted(reading)} == {"info[0]/area[0]/polygon[0]"}


@pytest.mark.parametrize("deep", [99, 101])
def test_depth_is_told_however_few_the_tags(deep: int) -> None:
    """A document of one thread of elements is refused exactly when it is too deep, whether its last closes or not."""
    raws = [b"<a>" * (deep - 1) + inner + b"</a>" * (deep - 1) for inner in (b"<a/>", b"<a></a>")]
    for raw in raws:
        with pytest.raises(BadInput, match="S-DEPTH" if deep > 100 else "R-NS"):
            read(raw)
