"""Hostile XML: refused in one sentence or read, quickly and without filling memory, in every encoding there is."""

from __future__ import annotations

import codecs
import random
import subprocess
import sys
import time

import pytest

from crisis.cap.read import read
from crisis.cap.xml import parse_untrusted
from crisis.errors import BadInput

CAP = "urn:oasis:names:tc:emergency:cap:1.2"
HEAD = (
    "<identifier>1</identifier><sender>a@b</sender><sent>2026-11-21T08:15:00+07:00</sent><status>Actual</status>"
    "<msgType>Alert</msgType><scope>Public</scope>"
)
INFO = (
    "<category>Met</category><event>Banjir</event><urgency>Immediate</urgency><severity>Severe</severity>"
    "<certainty>Observed</certainty><expires>2026-11-21T14:15:00+07:00</expires>"
)
LAUGHS = "".join(f'<!ENTITY l{at} "{f"&l{at - 1};" * 10 if at else "lol"}">' for at in range(12))
SWELL = f'<!ENTITY a "{"a" * 50_000}">'
MB = 2**20


def cap(inside: str = f"<info>{INFO}</info>", more: str = "") -> str:
    return f"<alert xmlns='{CAP}'{more}>{HEAD}{inside}</alert>"


def spelt(encoding: str, text: str, *, declared: str = "") -> bytes:
    return f"<?xml version='1.0' encoding='{declared or encoding}'?>{text}".encode(encoding)


ATTACKS = {
    "xxe": ("<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>" + cap(f"<info>{INFO}&x;</info>"), "S-DTD"),
    "xxe over the net": ("<!DOCTYPE a SYSTEM 'http://127.0.0.1:9/x.dtd'>" + cap(), "S-DTD"),
    "parameter entity": ("<!DOCTYPE a [<!ENTITY % x SYSTEM 'http://127.0.0.1:9/'> %x;]>" + cap(), "S-DTD"),
    "laughs": (f"<!DOCTYPE a [{LAUGHS}]>" + cap("<note>&l11;</note>"), "S-DTD"),
    "laughs in an attribute": (f"<!DOCTYPE a [{LAUGHS}]>" + cap(more=" x='&l11;'"), "S-DTD"),
    "laughs in a default": (f"<!DOCTYPE alert [{LAUGHS}<!ATTLIST alert x CDATA '&l11;'>]>" + cap(), "S-DTD"),
    "quadratic blow-up": (f"<!DOCTYPE a [{SWELL}]>" + cap(f"<note>{'&a;' * 50_000}</note>"), "S-DTD"),
    "internal subset only": ("<!DOCTYPE alert [<!ELEMENT alert ANY>]>" + cap(), "S-DTD"),
    "empty subset": ("<!DOCTYPE alert []>" + cap(), "S-DTD"),
    "after a comment": ("<!-- <alert> --><!DOCTYPE alert>" + cap(), "S-DTD"),
    "after an instruction": ("<?a <!-- ?><!DOCTYPE alert>" + cap(), "S-DTD"),
    "300 deep": (cap("<b>" * 300 + "</b>" * 300), "S-DEPTH"),
    "150 deep": (cap("<b>" * 150 + "</b>" * 150), "S-DEPTH"),
    "150 deep and closed short": (cap("<b>" * 150 + "<c/>" + "</b>" * 150), "S-DEPTH"),
    "never closed": ("<a>" * 100_000, "S-DEPTH"),
    "50 MB": (cap("<note>" + "x" * 50 * MB + "</note>"), "S-SIZE"),
    "a million elements": (cap("<a/>" * 1_000_000), "S-SIZE"),
    "a million attributes": (cap(more="".join(f" a{at}=''" for at in range(1_000_000))), "S-SIZE"),
    "twenty thousand infos": (cap("<info/>" * 20_000), "S-SIZE"),
    "three thousand areas beside as many infos": (
        cap("<info/>" * 3_000 + "<area><areaDesc>x</areaDesc></area>" * 3_000),
        "S-SIZE",
    ),
    "parameters beside infos": (cap("<info/>" * 5_000 + "<parameter/>" * 5_000), "S-SIZE"),
    "undeclared entity": (cap("<note>&hujan;</note>"), "S-MALFORMED"),
    "NUL": (cap("<note>a\0b</note>"), "S-MALFORMED"),
    "twice the same attribute": (cap(more=" a='1' a='2'"), "S-MALFORMED"),
    "two roots": (cap() + cap(), "S-MALFORMED"),
}


def refused(raw: bytes) -> str:
    with pytest.raises(BadInput) as error:
        read(raw)
    assert "\n" not in str(error.value)
    return str(error.value).partition(":")[0]


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_refused_by_its_rule_before_it_costs_anything(attack: str) -> None:
    """One sentence that begins with the rule; 50 ms on a quiet machine, five times that on a shared one."""
    text, rule = ATTACKS[attack]
    raw = text.encode()
    took = []
    for _ in range(3):
        started = time.process_time()
        assert refused(raw) == rule
        took.append(time.process_time() - started)
    assert min(took) < 0.25


@pytest.mark.parametrize(
    "encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "utf-7", "cp037", "shift_jis"]
)
def test_a_doctype_hides_in_no_encoding(encoding: str) -> None:
    """Whatever the parser could decode is looked at decoded; what it cannot decode is malformed."""
    text = f"<!DOCTYPE a [{LAUGHS}]>" + cap("<note>&l11;</note>")
    declared = {"utf-16-le": "utf-16", "utf-16-be": "utf-16", "utf-32-le": "utf-32", "utf-32-be": "utf-32"}
    for raw in (spelt(encoding, text, declared=declared.get(encoding, "")), text.encode(encoding)):
        assert refused(raw) in {"S-DTD", "S-MALFORMED"}
    if encoding == "utf-7":
        hidden = "<?xml version='1.0' encoding='utf-7'?>" + text.replace("<", "+ADw-").replace("!", "+ACE-")
        assert refused(hidden.encode("ascii")) in {"S-DTD", "S-MALFORMED"}


@pytest.mark.parametrize("mark", [codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, b" \n", b""])
@pytest.mark.parametrize("said", ["utf-8", "utf-16", "utf-7", "iso-8859-1", "EBCDIC-CP-US", "rot13", "utf-8' x='", ""])
def test_a_wrong_declaration_of_the_encoding_lets_no_doctype_through(mark: bytes, said: str) -> None:
    """The bytes may be called anything: either they are no XML, or their DOCTYPE is seen."""
    text = (f"<?xml version='1.0' encoding='{said}'?>" if said else "") + "<!DOCTYPE a [<!ENTITY x 'y'>]>" + cap()
    for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
        assert refused(mark + text.encode(encoding)) in {"S-DTD", "S-MALFORMED"}


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1", "windows-1252", "us-ascii", "utf-32"]
)
def test_an_alert_reads_the_same_in_every_encoding_it_declares(encoding: str) -> None:
    """Umlauts of a sender who writes Latin-1 are kept."""
    text = cap(f"<info>{INFO.replace('Banjir', 'Banjir &#228;')}</info>")
    alert = read(spelt(encoding, text, declared=encoding.removesuffix("-sig"))).alert
    assert alert.infos[0].event == "Banjir ä"
    if encoding in {"utf-16", "iso-8859-1", "windows-1252"}:
        assert read(spelt(encoding, text.replace("&#228;", "ä"))).alert == alert


def _scrawl(west: float, east: float) -> str:
    luck = random.Random(1)
    points = [f"{luck.uniform(-9, 9):.4f},{luck.uniform(west, east):.4f}" for _ in range(400_000)]
    return f"<area><areaDesc>x</areaDesc><polygon>{' '.join(points)}</polygon></area>"


BIG = {
    "one polygon": f"<area><areaDesc>x</areaDesc><polygon>{'0.5,109.5 ' * 700_000}</polygon></area>",
    "one polygon that crosses itself": _scrawl(95, 140),
    "one polygon past the antimeridian": _scrawl(178, 190),
    "many polygons": "<area><areaDesc>x</areaDesc>" + "<polygon>0,1 0,2 1,2 0,1</polygon>" * 60_000 + "</area>",
    "many bad polygons": "<area><areaDesc>x</areaDesc>" + "<polygon>x</polygon>" * 100_000 + "</area>",
    "many geocodes": "<area><areaDesc>x</areaDesc>"
    + "<geocode><valueName>a</valueName><value>b</value></geocode>" * 50_000 + "</area>",
    "attributes everywhere": "<parameter a='b'><value c='d'/></parameter>" * 60_000,
    "words everywhere": "<parameter>a<value/>b</parameter>" * 60_000,
    "many strangers": "<x/>" * 200_000,
    "nested strangers": "<event>" + "<b>x</b>" * 100_000 + "</event>",
    "one line": f"<description>{'x' * 7_000_000}</description>",
}  # fmt: skip


@pytest.mark.parametrize("kind", BIG)
def test_what_is_large_but_harmless_is_read_in_seconds(kind: str) -> None:
    """A megabyte costs a fraction of a second, whatever it is made of, and notes stay within a thousand."""
    raw = cap(f"<info>{INFO}{BIG[kind]}</info>").encode()
    started = time.process_time()
    reading = read(raw)
    assert time.process_time() - started < 6
    assert reading.alert.infos[0].event == "Banjir"
    assert len(reading.warnings) < 2500


def test_thousands_of_infos_are_read() -> None:
    """Nine infos is the most ever seen; a thousand are no reason to lose an alert."""
    assert len(read(cap(f"<info>{INFO}</info>" * 1000).encode()).alert.infos) == 1000


@pytest.mark.parametrize("attack", ["xxe", "laughs", "quadratic blow-up", "300 deep", "50 MB", "a million elements"])
def test_an_attack_takes_no_memory(attack: str) -> None:
    """In a process of its own, the peak grows by less than 64 MB over what the bytes themselves take."""
    text, _ = ATTACKS[attack]
    code = (
        "import resource, sys\n"
        "from crisis.cap.read import read\n"
        "from crisis.errors import BadInput\n"
        "raw = sys.stdin.buffer.read()\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try:\n    read(raw)\nexcept BadInput:\n    pass\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], input=text.encode(), capture_output=True, check=True)
    grown = int(ran.stdout) / (1024 if sys.platform != "darwin" else MB)
    print(f"{attack}: {grown:.1f} MB")
    assert grown < 64


def test_a_feed_may_be_larger_than_an_alert() -> None:
    """The limit belongs to the caller: 9.4 MB of a national feed are no attack."""
    feed = "<feed>" + "<entry><title>Banjir</title></entry>" * 200_000 + "</feed>"
    with pytest.raises(BadInput, match="S-SIZE"):
        parse_untrusted(feed.encode(), most_bytes=4 * MB)
    assert len(parse_untrusted(feed.encode(), most_bytes=32 * MB)) == 200_000
