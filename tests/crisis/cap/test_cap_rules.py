"""The rules of CAP: each has a function, a source, one alert that breaks it and ones close by that keep it."""

from __future__ import annotations

import ast
import base64
import hashlib
import inspect
import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from crisis.cap import rules_book
from crisis.cap.nouns import Alert, Area, Category, Info
from crisis.cap.read import Reading, read
from crisis.cap.rules import check, is_fault
from crisis.errors import BadInput

FILE = b"peta evakuasi"
SOUND = f"""<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>BPBD-2</identifier><sender>a@b.id</sender>
<sent>2026-11-21T08:15:00+07:00</sent><status>Actual</status><msgType>Update</msgType><scope>Public</scope>
<code>x</code><note>catatan</note><references>a@b.id,BPBD-1,2026-11-21T07:15:00+07:00</references>
<incidents>banjir "Sungai Raya"</incidents>
<info><language>id</language><category>Met</category><event>Banjir</event><responseType>Evacuate</responseType>
<urgency>Immediate</urgency><severity>Severe</severity><certainty>Observed</certainty>
<eventCode><valueName>OET</valueName><value>OET-194</value></eventCode>
<effective>2026-11-21T08:15:00+07:00</effective><onset>2026-11-21T08:30:00+07:00</onset>
<expires>2026-11-21T14:15:00+07:00</expires><headline>Banjir</headline><description>Air naik.</description>
<instruction>Mengungsi.</instruction><web>https://bpbd.id/1?a=%20b#c</web><contact>112</contact>
<parameter><valueName>cm</valueName><value>210</value></parameter>
<resource><resourceDesc>Peta</resourceDesc><mimeType>image/png</mimeType><size>{len(FILE)}</size><uri>peta.png</uri>
<derefUri>{base64.b64encode(FILE).decode()}</derefUri><digest>{hashlib.sha1(FILE).hexdigest()}</digest></resource>
<area><areaDesc>Sungai Raya</areaDesc><polygon>0,109 0,110 1,110 1,109 0,109</polygon><circle>-0.17,109.4 5</circle>
<geocode><valueName>BPS</valueName><value>6112</value></geocode><altitude>10</altitude><ceiling>100</ceiling></area></info>
<info><language>en-US</language><category>Met</category><event>Flood</event><urgency>Immediate</urgency>
<severity>Severe</severity><certainty>Observed</certainty>
<eventCode><valueName>OET</valueName><value>OET-194</value></eventCode><expires>2026-11-21T14:15:00+07:00</expires>
<headline>Flood</headline><description>Water rises.</description>
<area><areaDesc>Sungai Raya</areaDesc></area></info></alert>"""
POLYGON = "0,109 0,110 1,110 1,109 0,109"
LINK = "<references>a@b.id,BPBD-1,2026-11-21T07:15:00+07:00</references>"
ENCODED = base64.b64encode(FILE).decode()
NEWLINE, WINDOWS = "\n", "\r\n"
LINES = ENCODED[:8] + NEWLINE + ENCODED[8:]

# rule, what stands in the sound alert, what breaks the rule there
BREAKS = [
    ("R-ID-EMPTY", "BPBD-2", ""),
    ("R-ID-EMPTY", "<sender>a@b.id", "<sender>\u00a0"),
    ("R-ID-CHARS", "BPBD-2", "BPBD 2"),
    ("R-ID-CHARS", "BPBD-2", "BPBD&amp;2"),
    ("R-ID-CHARS", "BPBD-2", "BPBD&lt;2"),
    ("R-ID-CHARS", "<sender>a@b.id", "<sender>a,b"),
    ("R-TIME-FORMAT", "<sent>2026-11-21T08:15:00+07:00", "<sent>2026-11-21T01:15:00Z"),
    ("R-TIME-FORMAT", "<sent>2026-11-21T08:15:00+07:00", "<sent>2026-W47-6T08:15:00+07:00"),
    ("R-TIME-FORMAT", "<onset>2026-11-21T08:30:00+07:00", "<onset>2026-11-21T08:30:00"),
    ("R-TIME-FORMAT", "<expires>2026-11-21T14:15:00+07:00", "<expires>2026-11-21T14:15:00.5+07:00"),
    ("R-TIME-FORMAT", "<sent>2026-11-21T08:15:00+07:00", "<sent>2026-11-21T08:15:00,07:00"),
    ("W-TIME-PLUS00", "<sent>2026-11-21T08:15:00+07:00", "<sent>2026-11-21T01:15:00+00:00"),
    ("R-TIME-ORDER", "<expires>2026-11-21T14:15:00+07:00", "<expires>2026-11-21T08:15:00+07:00"),
    ("R-TIME-ORDER", "<effective>2026-11-21T08:15:00+07:00", "<effective>2026-11-21T14:15:00+07:00"),
    ("R-TIME-ORDER", "<onset>2026-11-21T08:30:00+07:00", "<onset>2026-11-21T14:15:01+07:00"),
    ("R-SCOPE-RESTRICTION", "Public", "Restricted"),
    ("R-SCOPE-ADDRESSES", "Public", "Private"),
    ("W-SCOPE-RESTRICTION", "</scope>", "</scope><restriction>petugas</restriction>"),
    ("R-LIST-QUOTE", "banjir", 'ban"jir'),
    ("R-REFS-REQUIRED", LINK, ""),
    ("R-REFS-TRIPLE", "b.id,BPBD-1", "b.id BPBD-1"),
    ("R-REFS-TRIPLE", "2026-11-21T07:15:00+07:00<", "kemarin<"),
    ("R-REFS-SELF", "BPBD-1", "BPBD-2"),
    ("R-REFS-POSTDATED", "BPBD-1,2026-11-21T07", "BPBD-1,2026-11-21T09"),
    ("R-REFS-TRIPLE", "2026-11-21T07:15:00+07:00<", "2026-11-21T07:15:00<"),
    ("W-REFS-TIME", "2026-11-21T07:15:00+07:00<", "2026-11-21T07:15+07:00<"),
    ("W-ERROR-NOTE", "Update</msgType>", "Error</msgType>"),
    ("W-EXERCISE-NOTE", "Actual", "Exercise"),
    ("R-INFO-MISSING", "<info>.*</info>", ""),
    ("X-REQUIRED", "<event>Banjir</event>", ""),
    ("X-REQUIRED", "<category>Met</category>", ""),
    ("X-REQUIRED", "<urgency>Immediate</urgency>", ""),
    ("X-REQUIRED", "<status>Actual</status>", ""),
    ("X-REQUIRED", "<mimeType>image/png</mimeType>", ""),
    ("X-REQUIRED", "<areaDesc>Sungai Raya", "<areaDesc> "),
    ("X-REQUIRED", "<valueName>cm</valueName>", ""),
    ("X-ENUM", "Met", "Weather"),
    ("X-ENUM", "Actual", "actual"),
    ("X-ENUM", "Evacuate", "Run"),
    ("X-ENUM", "<severity>Severe", "<severity> Severe"),
    ("X-ORDER", "<event>Banjir</event><responseType>Evacuate</responseType>",
     "<responseType>Evacuate</responseType><event>Banjir</event>"),
    ("X-ORDER", "<status>Actual</status><msgType>Update</msgType>", "<msgType>Update</msgType><status>Actual</status>"),
    ("X-ORDER", "<valueName>cm</valueName><value>210</value>", "<value>210</value><valueName>cm</valueName>"),
    ("X-REPEATED", "<event>Banjir</event>", "<event>Banjir</event><event>Longsor</event>"),
    ("X-UNKNOWN", "<contact>112</contact>", "<phone>112</phone>"),
    ("X-UNKNOWN", "references>", "reference>"),
    ("X-UNKNOWN", "<event>Banjir", "<event><b>Ban</b>jir"),
    ("X-NUMBER", "<altitude>10", "<altitude>sepuluh"),
    ("X-NUMBER", "<size>13", "<size>13 B"),
    ("X-LANGUAGE", "<language>id", "<language>bahasa Indonesia"),
    ("W-HEADLINE-160", "<headline>Banjir", "<headline>" + "x" * 161),
    ("W-TEXT-ENTITY", "Air naik", "Air &amp;amp; naik"),
    ("W-TEXT-ENTITY", "Air naik", "Air&amp;#176;"),
    ("W-TEXT-HTML", "Air naik", "&lt;b>Air&lt;/b> naik"),
    ("W-TEXT", "Air naik", "Air\u202enaik"),
    ("W-TEXT", "Air naik", "Air\u200bnaik"),
    ("W-TEXT", "Air naik", "Air\u2067naik"),
    ("W-TEXT", "<areaDesc>Sungai", "<areaDesc>Su\u200bngai"),
    ("W-SAME-TEXT", "Water rises.", "Air naik."),
    ("W-SAME-TEXT", "<headline>Flood", "<headline>Banjir"),
    ("W-EXPIRES-MISSING", "<expires>2026-11-21T14:15:00+07:00</expires>", ""),
    ("W-ASSESS", "Evacuate", "Assess"),
    ("S-URI-SCHEME", "https://bpbd.id", "javascript:alert(1)//"),
    ("S-URI-SCHEME", "https://bpbd.id", "www.bpbd.id"),
    ("S-URI-SCHEME", "peta.png", "file:///etc/passwd"),
    ("S-URI-SCHEME", "peta.png", "//jahat.id/peta.png"),
    ("S-URI-SCHEME", f"<derefUri>{ENCODED}</derefUri>", ""),
    ("R-MIME", "image/png", "PNG"),
    ("R-DEREF", ENCODED, "bukan base64!"),
    ("R-DEREF", ENCODED, ENCODED[:-1]),
    ("R-DIGEST", "<digest>", "<digest>x"),
    ("R-DIGEST", hashlib.sha1(FILE).hexdigest(), "0" * 40),
    ("W-DIGEST", hashlib.sha1(FILE).hexdigest(), hashlib.sha1(ENCODED.encode()).hexdigest()),
    ("W-PROLOG", "<alert", "\n<?xml version='1.0'?><alert"),
    ("R-POLY-FORMAT", POLYGON, ""),
    ("R-POLY-FORMAT", POLYGON, POLYGON.replace(",", ", ")),
    ("R-POLY-FORMAT", POLYGON, POLYGON.replace("1,110", "1e0,110")),
    ("R-POLY-MIN4", POLYGON, "0,109 0,110 0,109"),
    ("R-POLY-CLOSED", POLYGON, "0,109 0,110 1,110 1,109"),
    ("R-POLY-RANGE", POLYGON, "109,0 110,0 110,1 109,1 109,0"),
    ("R-POLY-RANGE", POLYGON, "0,179 0,181 1,181 1,179 0,179"),
    ("W-POLY-INVALID", POLYGON, "0,109 1,110 0,110 1,109 0,109"),
    ("W-POLY-ANTIMERIDIAN", POLYGON, "-17,179 -17,-179 -18,-179 -18,179 -17,179"),
    ("W-POLY-ANTIMERIDIAN", POLYGON, "80,-180 80,-60 80,60 80,180 80,-180"),
    ("R-CIRCLE-FORMAT", "-0.17,109.4 5", "-0.17,109.4,5"),
    ("R-CIRCLE-FORMAT", "-0.17,109.4 5", "-0.17,109.4 -5"),
    ("R-CEILING", "<altitude>10</altitude>", ""),
    ("R-CEILING", "<ceiling>100", "<ceiling>9"),
    ("P-EVENTCODE-SAME", "OET-194", "OET-195"),
    ("P-CATEGORY-SAME", "<category>Met", "<category>Geo"),
    ("R-NS", "cap:1.2", "cap:2.0"),
    ("R-NS", "alert", "warning"),
    ("S-DTD", "<alert", "<!DOCTYPE alert><alert"),
    ("S-DEPTH", "Air naik.", "<b>" * 120 + "</b>" * 120),
    ("S-MALFORMED", "</alert>", ""),
    ("S-MALFORMED", "Air naik", "Air &naik;"),
    ("S-SIZE", "Air naik", "x" * 9_000_000),
]  # fmt: skip

# what stands in the sound alert, what may stand there as well without a word
KEEPS = [
    ("<onset>2026-11-21T08:30:00+07:00", "<onset>2026-11-21T02:30:00-00:00"),
    ("<expires>2026-11-21T14:15:00+07:00", "<expires>2026-11-21T24:00:00+07:00"),
    (LINK, LINK.replace("<references>", "<references>\n  c@d,9,2026-01-01T00:00:00-00:00 \n\t")),
    ("Update</msgType>", "Cancel</msgType>"),
    (LINK, LINK.replace("BPBD-1", "urn:oid:2.49.0.1.360.0.2026")),
    ("Public</scope>", "Private</scope><addresses>a@b &quot;Pusdalops Kubu Raya&quot;</addresses>"),
    ("Public</scope>", "Restricted</scope><restriction>petugas</restriction>"),
    ("Actual", "Test"),
    ("<info>", "<info>\n<!-- x -->"),
    ("<language>id", "<language>zh-mo"),
    ("<language>id", "<language>sr-Latn"),
    ("<language>id", "<language>es-419"),
    ("<headline>Banjir", "<headline>" + "x" * 160),
    ("Air naik.", "Suhu &gt; 30 &amp; angin < 5 &amp;c.".replace("<", "&lt;")),
    ("Air naik.", "می\u200cخواهم\n👨\u200d👩"),
    ("https://bpbd.id/1?a=%20b#c", "http://bpbd.id:8080/a;b=c/@/%C3%A9"),
    ("peta.png", "https://bpbd.id/peta.png"),
    (hashlib.sha1(FILE).hexdigest(), hashlib.sha1(FILE).hexdigest().upper()),
    (ENCODED, ENCODED[:8] + "\n" + ENCODED[8:]),
    (POLYGON, f"\n{POLYGON}  \n".replace(" 1,110", "\n\t 1,110")),
    (POLYGON, "0,0 0,180 1,180 1,0 0,0"),
    (POLYGON, "0,179 0,180 1,180 1,179 0,179</polygon><polygon>0,-180 0,-179 1,-179 1,-180 0,-180"),
    ("-0.17,109.4 5", "-0.17,109.4 0"),
    ("<ceiling>100</ceiling>", ""),
    ("<ceiling>100", "<ceiling>10"),
    ("<language>en-US", "<language>id-ID"),
    ("2026-11-21T07:15:00+07:00<", "2026-11-21T00:15:00Z<"),
    ("2026-11-21T07:15:00+07:00<", "2026-11-21T00:15:00+00:00<"),
    ("2026-11-21T07:15:00+07:00<", "2026-11-21T07:15:00.250+07:00<"),
    ("<sent>2026-11-21T08:15:00+07:00", "<sent>2026-11-21T15:15:00+14:00"),
    ("Air naik.", "Air&#13;&#10;naik."),
    ("<areaDesc>Sungai", "<areaDesc>&#13;\n\tSungai"),
    ("Air naik.", "&lt;lihat peta>, &lt;a@b.id>, &lt;https://bpbd.id/>, &lt;2 m> naik"),
    ("Air naik.", "R&amp;D; &amp;naik; &amp; &amp;c."),
    ("<size>13", "<size>14"),
    ("-0.17,109.4 5", " -0.17,109.4\n  5 "),
    (POLYGON, "90,-180 90,180 -90,180 -90,-180 90,-180"),
    ("<alert", "<alert xmlns:x='urn:x' xml:lang='id' xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' "
     "xsi:schemaLocation='urn:oasis:names:tc:emergency:cap:1.2 CAP-v1.2.xsd'"),
    ("<alert", "<?xml version='1.0'?>\n<alert"),
    ("<alert", "\n<alert"),
    ("</alert>", "<Signature xmlns='http://www.w3.org/2000/09/xmldsig#' Id='a'><KeyInfo Id='b'/></Signature></alert>"),
    ("peta.png", "#peta"),
    ("peta.png", "./img/peta_é{1}|2.png?x"),
    *[("https://bpbd.id/1?a=%20b#c", address) for address in (
        "http://[2001:db8::1]:8080/x", "https://bücher.example/ä", "https://a_b.id/", "https://b.id/a|b/{c}/^",
        "https://b.id/警報?q=é#ü", "HTTPS://B.ID", "https://b.id?x", "https://u@b.id/", "https://b.id/" + "x" * 1900,
    )],
]  # fmt: skip


# what breaks one rule and no other: nothing untrue is said beside it
ALONE = [
    ("X-REQUIRED", "<identifier>BPBD-2</identifier>", ""),
    ("X-REQUIRED", "<sender>a@b.id</sender>", ""),
    ("X-REQUIRED", "<sent>2026-11-21T08:15:00+07:00</sent>", ""),
    ("R-ID-EMPTY", "<identifier>BPBD-2</identifier>", "<identifier/>"),
    ("R-ID-EMPTY", "<sender>a@b.id", "<sender> "),
    ("R-ID-CHARS", "<identifier>BPBD-2", "<identifier> BPBD-2"),
    ("R-ID-CHARS", "<sender>a@b.id", "<sender>\n  a@b.id\n"),
    ("R-TIME-FORMAT", "<sent>2026-11-21T08:15:00+07:00", "<sent>"),
    ("R-TIME-FORMAT", "<sent>2026-11-21T08:15:00+07:00", "<sent>besok"),
    ("R-TIME-FORMAT", "<sent>2026-11-21T08:15:00+07:00", "<sent>2026-11-21T08:15:00+15:00"),
    ("R-TIME-FORMAT", "<sent>2026-11-21T08:15:00+07:00", "<sent>2026-11-21T08:15:00+07:75"),
    ("R-TIME-FORMAT", "<onset>2026-11-21T08:30:00+07:00", "<onset>"),
    ("R-TIME-FORMAT", "<effective>2026-11-21T08:15:00+07:00", "<effective>"),
    ("R-TIME-FORMAT", "<expires>2026-11-21T14:15:00+07:00", "<expires>"),
    ("R-TIME-FORMAT", "<expires>2026-11-21T14:15:00+07:00", "<expires>besok"),
    ("R-TIME-FORMAT", "<expires>2026-11-21T14:15:00+07:00", "<expires>2026-11-21T14:15:00+14:01"),
    ("X-ENUM", "<status>Actual", "<status>"),
    ("X-ENUM", "<msgType>Update", "<msgType>"),
    ("X-ENUM", "<scope>Public", "<scope> "),
    ("X-ENUM", "<scope>Public", "<scope>Semua"),
    ("X-ENUM", "<urgency>Immediate", "<urgency>"),
    ("X-ENUM", "<severity>Severe", "<severity>"),
    ("X-ENUM", "<certainty>Observed", "<certainty>"),
    ("X-ENUM", "<certainty>Observed", "<certainty>Very Likely"),
    ("X-NUMBER", "<size>13", "<size>"),
    ("X-NUMBER", "<altitude>10", "<altitude>"),
    ("X-NUMBER", "<altitude>10", "<altitude>sepuluh"),
    ("X-NUMBER", "<ceiling>100", "<ceiling>"),
    ("R-REFS-TRIPLE", "a@b.id,BPBD-1,", "a@b.id;BPBD-1;"),
    ("R-REFS-TRIPLE", "2026-11-21T07:15:00+07:00<", "2026-11-21T07:15:00.5<"),
    ("R-REFS-REQUIRED", LINK, "<references> </references>"),
    ("R-POLY-FORMAT", POLYGON, "0,109 0,110 1,110 1,109 nan,109"),
    ("R-POLY-FORMAT", POLYGON, "POLYGON((109 0,110 0,110 1,109 0))"),
    ("R-POLY-MIN4", POLYGON, "0,109 0,110 1,110"),
    ("R-POLY-MIN4", POLYGON, "0,109 0,110"),
    ("R-POLY-RANGE", POLYGON, "91,109 0,110 1,110 91,109"),
    ("S-SIZE", POLYGON, "1,1 " * 260_000),
    ("W-TEXT-ENTITY", "Air naik", "Air &amp;eacute; naik"),
    ("W-TEXT-ENTITY", "<areaDesc>Sungai", "<areaDesc>Su&amp;amp;ngai"),
    ("W-TEXT-ENTITY", "<certainty>Observed</certainty>",
     "<certainty>Observed</certainty><audience>a &amp;nbsp;b</audience>"),
    ("W-TEXT-HTML", "Air naik", "Air&lt;BR />naik"),
    ("W-TEXT-HTML", "Air naik", "&lt;a href='x'>Air"),
    ("W-TEXT-HTML", "<areaDesc>Sungai", "<areaDesc>&lt;b>Sungai"),
    ("W-TEXT-HTML", "<certainty>Observed</certainty>", "<certainty>Observed</certainty><audience>&lt;p></audience>"),
    ("W-TEXT", "<certainty>Observed</certainty>", "<certainty>Observed</certainty><audience>a\u202eb</audience>"),
    ("X-UNKNOWN", "<status>", "<status x='y'>"),
    ("X-UNKNOWN", "<value>210", "<value xml:lang='id'>210"),
    ("X-UNKNOWN", "<info>", "halo <info>"),
    ("X-UNKNOWN", "<altitude>", "halo<altitude>"),
    ("X-UNKNOWN", "<contact>", "<contact xmlns='urn:oasis:names:tc:emergency:cap:1.1'>"),
    ("X-UNKNOWN", "<geocode>", "<geocode xmlns='http://www.incident.com/cap/1.0'>"),
    ("R-DIGEST", hashlib.sha1(FILE).hexdigest() + "<", "0" * 40 + "<"),
    ("W-DIGEST", f"{ENCODED}</derefUri><digest>{hashlib.sha1(FILE).hexdigest()}",
     f"\n{LINES}\n</derefUri><digest>{hashlib.sha1(LINES.encode()).hexdigest()}"),
    ("W-DIGEST", f"{ENCODED}</derefUri><digest>{hashlib.sha1(FILE).hexdigest()}",
     f"{LINES}</derefUri><digest>{hashlib.sha1(LINES.replace(NEWLINE, WINDOWS).encode()).hexdigest().upper()}"),
    *[("S-URI-SCHEME", "https://bpbd.id", address) for address in (
        "ftp://bpbd.id", "data:text/html,x", "file:///x", "JavaScript:alert(1)", "https://", "https:///x", "https://?x",
        "https://b .id", "https://b.id/a b", "https://b.id/\u202ex", "https://b.id/&quot;", "https://b.id/&lt;x", "/x",
        "https://b.id:x", "https://b.id/%zz", "mailto:a@b.id", "https://b.id/" + "x" * 2000,
    )],
    *[("S-URI-SCHEME", "peta.png", address) for address in ("data:image/png,x", "javascript:x", "a b", "x" * 2001)],
]  # fmt: skip


def changed(old: str, new: str) -> bytes:
    """The sound alert with one thing in it changed, the first time it stands there unless it is an element's name."""
    if old == "<info>.*</info>":
        return re.sub(old, new, SOUND, flags=re.DOTALL).encode()
    assert old in SOUND, old
    return SOUND.replace(old, new, -1 if old in {"alert", "references>"} else 1).encode()


def broken(raw: bytes) -> set[str]:
    try:
        return {warning.rule for warning in read(raw).warnings}
    except BadInput as refused:
        return {str(refused).partition(":")[0]}


def without_note(raw: bytes) -> bytes:
    return raw.replace(b"<note>catatan</note>", b"")


@pytest.mark.parametrize(("rule", "old", "new"), BREAKS, ids=[f"{at}-{row[0]}" for at, row in enumerate(BREAKS)])
def test_each_rule_finds_the_alert_that_breaks_it(rule: str, old: str, new: str) -> None:
    """The named rule, and not by chance: the same alert without the change breaks none."""
    raw = changed(old, new)
    raw = without_note(raw) if rule.endswith("-NOTE") else raw
    assert rule in broken(raw)
    assert broken(SOUND.encode()) == set()


@pytest.mark.parametrize(("rule", "old", "new"), ALONE, ids=[f"{at}-{row[0]}" for at, row in enumerate(ALONE)])
def test_one_fault_is_told_by_its_rule_alone(rule: str, old: str, new: str) -> None:
    """What only follows from a fault is no second one: an officer reads what to mend."""
    assert broken(changed(old, new)) == {rule}


@pytest.mark.parametrize(("old", "new"), KEEPS)
def test_what_the_standard_allows_is_passed_without_a_word(old: str, new: str) -> None:
    """A rule that cries over sound alerts would soon be ignored."""
    assert broken(changed(old, new)) == set()


def test_every_rule_of_the_book_is_shown_broken() -> None:
    """No rule is there that was never seen to work; profiles have their own table."""
    profile = re.compile(r"P-(IPAWS|CAPCP|CAPAU|GOOGLE|WMO)-")
    assert {rule for rule in rules_book.BOOK if not profile.match(rule)} == {row[0] for row in BREAKS}


def test_every_rule_says_itself_and_its_source() -> None:
    """Each rule has its own function whose docstring begins with its id and names a section or a document."""
    for rule, deciders in rules_book.BOOK.items():
        for decide in deciders:
            says = inspect.getdoc(decide) or ""
            assert says, rule
            if not rule.startswith("P-"):
                assert says.startswith(f"{rule}:"), (rule, decide.__name__)
                assert re.search(r"[Ss]ections? \d|\(\d\.\d|RFC|XML|Unicode|validator|practice", says), says
        assert rules_book.explain(rule)


def test_every_rule_of_the_book_is_small() -> None:
    """A rule that needs more than twenty lines is two rules."""
    for rule, deciders in rules_book.BOOK.items():
        for decide in deciders:
            (function,) = ast.parse(inspect.getsource(decide)).body
            assert (function.end_lineno or 0) - function.lineno < 21, rule


def reading(old: str, new: str) -> Reading:
    return read(changed(old, new))


def test_what_stands_in_the_wrong_place_is_used_all_the_same() -> None:
    """An outline beside its area, or an area beside its info, still says where the danger is."""
    loose = SOUND.replace("<area><areaDesc>Sungai Raya</areaDesc></area></info></alert>",
                          "</info><area><areaDesc>Kubu</areaDesc><circle>0,109 1</circle></area></alert>")  # fmt: skip
    read_so = read(loose.encode())
    assert [info.areas[-1].desc for info in read_so.alert.infos] == ["Kubu", "Kubu"]
    assert ("X-UNKNOWN", "area") in {(w.rule, w.where) for w in read_so.warnings}
    beside = SOUND.replace("<area><areaDesc>Sungai Raya</areaDesc><polygon>", "<areaDesc>Raya</areaDesc><polygon>")
    beside = beside.replace("<ceiling>100</ceiling></area>", "<ceiling>100</ceiling>")
    (area,) = read(beside.encode()).alert.infos[0].areas
    assert (area.desc, len(area.polygons), len(area.circles)) == ("Raya", 1, 1)


def test_names_spelt_otherwise_are_read_with_a_note() -> None:
    """<Polygon>, <MSGTYPE> and elements without the namespace keep their meaning."""
    assert reading(f"<polygon>{POLYGON}</polygon>", f"<Polygon>{POLYGON}</Polygon>").alert == read(SOUND.encode()).alert
    bare = read(changed("<contact>112</contact>", "<contact xmlns=''>112</contact>"))
    assert bare.alert.infos[0].contact == "112"
    assert {w.rule for w in bare.warnings} == {"X-UNKNOWN"}
    foreign = read(changed("<contact>112</contact>", "<contact xmlns='urn:x'>112</contact>"))
    assert foreign.alert.infos[0].contact == ""


def test_an_outline_past_180_degrees_is_split_there() -> None:
    """A polygon of a sender who counts on eastwards is used on both sides of the line."""
    (area,) = reading(POLYGON, "0,179 0,181 1,181 1,179 0,179").alert.infos[0].areas
    assert sorted((min(lon for _, lon in ring), max(lon for _, lon in ring)) for ring in area.polygons) == [
        (-180, -179),
        (179, 180),
    ]


def test_a_time_without_an_offset_is_in_the_zone_of_the_others() -> None:
    """Seven hours of error could end a warning before it began."""
    sent = reading("<sent>2026-11-21T08:15:00+07:00", "<sent>2026-11-21T08:15:00")
    onset = reading("<onset>2026-11-21T08:30:00+07:00", "<onset>2026-11-21T08:30:00")
    assert sent.alert == onset.alert == read(SOUND.encode()).alert
    assert [(w.rule, w.where) for w in sent.warnings + onset.warnings] == [
        ("R-TIME-FORMAT", "sent"),
        ("R-TIME-FORMAT", "info[0]/onset"),
    ]


def test_a_reference_without_an_offset_is_in_the_zone_of_the_others() -> None:
    """It is kept: an update that cannot be tied to its alert would stand beside it."""
    bare = reading("2026-11-21T07:15:00+07:00<", "2026-11-21T07:15:00<")
    assert bare.alert == read(SOUND.encode()).alert
    assert [(w.rule, w.where) for w in bare.warnings] == [("R-REFS-TRIPLE", "references[0]")]


def test_names_are_read_without_the_blanks_at_their_ends() -> None:
    """Else nothing could reference an alert that was written with line breaks."""
    wide = reading("<identifier>BPBD-2", "<identifier>\n BPBD-2 ")
    assert wide.alert == read(SOUND.encode()).alert
    assert [(w.rule, w.where) for w in wide.warnings] == [("R-ID-CHARS", "identifier")]


def test_what_has_no_place_is_told_where_it_stands() -> None:
    """Attributes and words between elements are named by the element that has them."""
    odd = reading("<value>6112", "<value a='b'>6112")
    assert [(w.rule, w.where) for w in odd.warnings] == [("X-UNKNOWN", "info[0]/area[0]/geocode[0]/value")]
    between = reading("<info><language>en-US", "<info>halo<language>en-US")
    assert [(w.rule, w.where) for w in between.warnings] == [("X-UNKNOWN", "info[1]")]
    assert [w.where for w in reading("<alert", "<alert a='b'").warnings] == ["alert"]


def test_a_heartbeat_of_the_system_needs_no_info() -> None:
    """Networks send alerts without words to show that they live; of a test they are still a fault."""
    silent = changed("<info>.*</info>", "").decode()
    assert broken(silent.replace("Actual", "System").encode()) == set()
    assert broken(silent.replace("Actual", "Test").encode()) == {"R-INFO-MISSING"}


def test_an_empty_info_is_told_by_what_it_has_to_have() -> None:
    """Only advice is spared; each required part is named."""
    empty = changed("<info>.*</info>", "").replace(b"</alert>", b"<info/></alert>")
    assert broken(empty) == {"X-REQUIRED"}


def test_an_unknown_category_is_other() -> None:
    """An alert of a kind that CAP has no word for is still of some kind; one fault is noted, not two."""
    unknown = reading("<category>Met", "<category>Weather")
    assert unknown.alert.infos[0].categories == (Category.OTHER,)
    assert {w.rule for w in unknown.warnings} == {"X-ENUM", "P-CATEGORY-SAME"}


def test_a_version_is_known_and_judged_by_its_own_demands() -> None:
    """CAP 1.1 needs no MIME type and 1.0 no category, so neither is a fault there."""
    raw = changed("<mimeType>image/png</mimeType>", "")
    assert (read(raw).version, broken(raw)) == ("1.2", {"X-REQUIRED"})
    raw = raw.replace(b"cap:1.2", b"cap:1.1")
    assert (read(raw).version, broken(raw)) == ("1.1", set())
    raw = raw.replace(b"urn:oasis:names:tc:emergency:cap:1.1", b"http://www.incident.com/cap/1.0")
    raw = raw.replace(b"<category>Met</category>", b"")
    assert (read(raw).version, broken(raw)) == ("1.0", set())


def test_a_signature_before_the_info_is_out_of_order_and_one_after_is_not() -> None:
    """The schema wants the signature last; where it is not, the alert is read all the same."""
    mark = '<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/>'
    assert broken(changed("</alert>", f"{mark}</alert>")) == set()
    assert broken(changed("<info><language>id", f"{mark}<info><language>id")) == {"X-ORDER"}


def test_faults_are_told_from_advice() -> None:
    """R, S and X forbid sending; W and P do not."""
    said = read(changed("BPBD-2", "BPBD 2")).warnings + read(changed("Evacuate", "Assess")).warnings
    assert [is_fault(warning) for warning in said] == [True, False]


def test_an_alert_made_by_hand_is_checked_whatever_is_in_it() -> None:
    """Times without zone, NaN and empty rings are faults, never crashes."""
    alert = read(SOUND.encode()).alert
    nan = float("nan")
    odd = Area(desc="x", polygons=((), ((nan, nan),) * 4, ((0.0, nan), (1.0, 1.0), (2.0, 0.0), (0.0, nan))))
    naive = datetime(2026, 11, 21)  # noqa: DTZ001
    wild = replace(alert, sent=naive, infos=(Info(areas=(odd,), effective=naive, expires=naive),))
    assert {warning.rule for warning in check(wild)} >= {"R-TIME-FORMAT", "R-POLY-MIN4", "R-POLY-RANGE"}
    assert isinstance(alert, Alert)


def test_the_book_holds_every_rule_of_the_reference(samples: Path) -> None:
    """Each rule id that the reference page lists for single alerts has its function."""
    page = samples.parent / "reference" / "cap.md"
    if not page.is_file():
        pytest.skip(f"no reference at {page}")
    section = page.read_text().partition("## 1.")[2].partition("## 2.")[0]
    listed = set(re.findall(r"\b[RWSPX]-[A-Z][A-Z0-9]+(?:-[A-Z0-9]+)*\b", section))
    assert listed - set(rules_book.BOOK) == {"R-CIRCLE"}  # the short name of R-CIRCLE-FORMAT
