"""Documents that hold alerts: every entry is read as published, and one bad entry never hides the others."""

from __future__ import annotations

import base64
import contextlib
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from html import escape

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from lxml import etree
from signxml import (
    CanonicalizationMethod,
    DigestAlgorithm,
    SignatureMethod,
    XMLSigner,
    XMLVerifier,
)

from crisis.cap.document import Document, Kind, read_document
from crisis.cap.entry import Entry
from crisis.cap.nouns import Severity, Status
from crisis.cap.read import read
from crisis.errors import BadInput

CAP = "urn:oasis:names:tc:emergency:cap:1.2"
CAP_1_1 = "urn:oasis:names:tc:emergency:cap:1.1"
EMPTY = f'<alert xmlns="{CAP}"/>'
URL = "https://warn.example.org/feeds/all.xml"
BODY = """<{p}identifier>{name}</{p}identifier><{p}sender>pos@example.org</{p}sender>
  <{p}sent>2026-11-21T08:15:00+07:00</{p}sent><{p}status>Actual</{p}status><{p}msgType>Alert</{p}msgType>
  <{p}scope>Public</{p}scope><{p}info><{p}language>id</{p}language><{p}category>Met</{p}category>
  <{p}event>Banjir</{p}event><{p}urgency>Immediate</{p}urgency><{p}severity>Severe</{p}severity>
  <{p}certainty>Likely</{p}certainty><{p}expires>2026-11-21T14:15:00+07:00</{p}expires>
  <{p}headline>Banjir di Kuala Dua – Désa</{p}headline>
  <{p}area><{p}areaDesc>Kuala Dua</{p}areaDesc></{p}area></{p}info>"""


def alert(name: str = "A-1", namespace: str = CAP) -> str:
    """An alert that stands alone."""
    return f'<alert xmlns="{namespace}">{BODY.format(p="", name=name)}</alert>'


def prefixed(name: str = "A-1") -> str:
    """An alert whose prefix somebody around it has to declare."""
    return f"<cap:alert>{BODY.format(p='cap:', name=name)}</cap:alert>"


def atom(*entries: str, around: str = "") -> bytes:
    inside = "".join(f"<entry>{entry}</entry>" for entry in entries)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:cap="{CAP}">
<id>urn:feed</id><title>Feed</title><updated>2026-11-21T02:00:00Z</updated>
<author><name>Weather Office</name></author>{around}{inside}</feed>""".encode()


def entry(more: str, name: str = "urn:1") -> str:
    return f"<id>{name}</id><title>Banjir</title><updated>2026-11-21T01:20:00Z</updated>{more}"


def rss(*items: str) -> bytes:
    inside = "".join(f"<item>{one}</item>" for one in items)
    return f"""<rss version="2.0" xmlns:gdacs="http://www.gdacs.org" xmlns:cap="{CAP}"><channel><title>T</title>
<language>id</language><managingEditor>desk@example.org (Desk)</managingEditor>{inside}</channel></rss>""".encode()


def edxl(*contents: str, status: str = "Actual") -> bytes:
    inside = "".join(f"<d:contentObject>{one}</d:contentObject>" for one in contents)
    return f"""<d:EDXLDistribution xmlns:d="urn:oasis:names:tc:emergency:EDXL:DE:1.0" xmlns:cap="{CAP}">
<d:distributionID>D1</d:distributionID><d:senderID>hub@example.org</d:senderID>
<d:dateTimeSent>2026-11-21T01:20:00-00:00</d:dateTimeSent><d:distributionStatus>{status}</d:distributionStatus>
<d:distributionType>Report</d:distributionType><d:combinedConfidentiality>none</d:combinedConfidentiality>
{inside}</d:EDXLDistribution>""".encode()


def xml_content(inside: str, name: str = "embeddedXMLContent") -> str:
    return f"<d:xmlContent><d:{name}>{inside}</d:{name}></d:xmlContent>"


def names(document: Document) -> list[str]:
    return [one.alert.identifier if one.alert else "" for one in document.entries]


def rules(one: Entry) -> set[tuple[str, str]]:
    return {(warning.rule, warning.where) for warning in one.warnings}


EMBEDDED = '<content type="text/xml">{}</content>'
DOCUMENTS = {
    "one alert": (alert().encode(), Kind.CAP, ["A-1"]),
    "one alert of 1.1": (alert(namespace=CAP_1_1).encode(), Kind.CAP, ["A-1"]),
    "atom with alerts": (
        atom(entry(EMBEDDED.format(alert("A-1"))), entry(EMBEDDED.format(alert("A-2")))),
        Kind.ATOM,
        ["A-1", "A-2"],
    ),
    "atom, escaped": (atom(entry(f'<content type="text">{escape(alert())}</content>')), Kind.ATOM, ["A-1"]),
    "atom, CDATA with declaration": (
        atom(entry(f'<content><![CDATA[<?xml version="1.0" encoding="UTF-16"?>\n{alert()}]]></content>')),
        Kind.ATOM,
        ["A-1"],
    ),
    "atom, base64": (
        atom(entry(f'<content type="application/x">{base64.encodebytes(alert().encode()).decode()}</content>')),
        Kind.ATOM,
        ["A-1"],
    ),
    "atom, two in one entry": (atom(entry(EMBEDDED.format(alert("A-1") + alert("A-2")))), Kind.ATOM, ["A-1", "A-2"]),
    "atom, beside the entries": (atom(around=alert()), Kind.ATOM, ["A-1"]),
    "a lone atom entry": (
        f'<entry xmlns="http://www.w3.org/2005/Atom">{entry(EMBEDDED.format(alert()))}</entry>'.encode(),
        Kind.ATOM,
        ["A-1"],
    ),
    "an empty atom index": (atom(), Kind.ATOM, []),
    "rss with an alert": (rss(f"<guid>g</guid>{alert()}"), Kind.RSS, ["A-1"]),
    "rss, escaped": (rss(f"<description>{escape(alert())}</description>"), Kind.RSS, ["A-1"]),
    "an empty rss index": (rss(), Kind.RSS, []),
    "edxl": (edxl(xml_content(prefixed("A-1")), xml_content(alert("A-2"))), Kind.EDXL_DE, ["A-1", "A-2"]),
    "edxl, key content": (edxl(xml_content(prefixed(), "keyXMLContent")), Kind.EDXL_DE, ["A-1"]),
    "edxl, base64": (
        edxl(
            "<d:nonXMLContent><d:mimeType>application/cap+xml</d:mimeType>"
            f"<d:contentData>{base64.b64encode(alert().encode()).decode()}</d:contentData></d:nonXMLContent>"
        ),
        Kind.EDXL_DE,
        ["A-1"],
    ),
    "edxl, beside the content": (edxl().replace(b"</d:EDXL", f"{alert()}</d:EDXL".encode()), Kind.EDXL_DE, ["A-1"]),
    "edxl in an envelope": (b"<soap>" + edxl(xml_content(prefixed())) + b"</soap>", Kind.EDXL_DE, ["A-1"]),
    "an empty distribution": (edxl(), Kind.EDXL_DE, []),
    "a list": (f"<alerts>{alert('A-1')}{alert('A-2')}</alerts>".encode(), Kind.LIST, ["A-1", "A-2"]),
    "an envelope": (f"<soap><body>{alert('A-1')}</body></soap>".encode(), Kind.LIST, ["A-1"]),
    "an empty list": (b'<ns1:alerts xmlns:ns1="http://gov.example/feed"/>', Kind.LIST, []),
    "one after the other": (
        f'<?xml version="1.0"?>{alert("A-1")}\n<?xml version="1.0"?>\n{alert("A-2")}\n'.encode(),
        Kind.LIST,
        ["A-1", "A-2"],
    ),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_alert_in_a_document_is_found(name: str) -> None:
    """Whatever wraps it, an alert is read, in the order of the document."""
    raw, kind, expected = DOCUMENTS[name]
    document = read_document(raw, URL)
    assert (document.kind, names(document)) == (kind, expected)
    assert [one.refused for one in document.entries] == [""] * len(expected)
    assert document.version == ({True: "1.1", False: "1.2"}[CAP_1_1.encode() in raw] if expected else "")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_bytes_of_an_alert_say_what_the_alert_says(name: str) -> None:
    """What is kept stands alone and reads as the same alert, so that it can be verified and shown later."""
    for one in read_document(DOCUMENTS[name][0]).entries:
        assert read(one.raw).alert == one.alert


def test_the_bytes_are_those_that_were_published() -> None:
    """Blanks, quotes and order of attributes are kept: signatures hold over them."""
    odd = (
        alert().replace("<scope>", "<!-- here -->\n\t<scope  >").replace("Kuala Dua</area", "K&#117;ala D&#x75;a</area")
    )
    document = read_document(b"\xef\xbb\xbf\n" + atom(entry("<content/>"), entry(EMBEDDED.format(odd))))
    assert document.entries[1].raw == odd.encode()
    assert document.entries[0].raw == f"<entry>{entry('<content/>')}</entry>".encode()


def test_a_signature_holds_over_the_bytes_of_an_entry() -> None:
    """An alert that was signed alone verifies after it travelled inside a feed."""
    key = ec.generate_private_key(ec.SECP256R1())
    signer = XMLSigner(
        signature_algorithm=SignatureMethod.ECDSA_SHA256,
        digest_algorithm=DigestAlgorithm.SHA256,
        c14n_algorithm=CanonicalizationMethod.CANONICAL_XML_1_0,
    )
    signed = etree.tostring(signer.sign(etree.fromstring(alert()), key=key)).decode()
    (one,) = read_document(atom(entry(EMBEDDED.format(signed)))).entries
    done = XMLVerifier().verify(one.raw, require_x509=False, hmac_key=None, x509_cert=None)
    assert done.signed_xml is not None
    with pytest.raises(Exception, match=r"[Dd]igest|[Ss]ignature"):
        XMLVerifier().verify(one.raw.replace(b"Severe", b"Minor!"), require_x509=False)


@pytest.mark.parametrize("encoding", ["iso-8859-1", "utf-16", "windows-1252"])
def test_other_encodings_are_kept_as_utf_8(encoding: str) -> None:
    """An alert cut out of a document loses the declaration of its encoding, so its bytes become UTF-8."""
    text = atom(entry(EMBEDDED.format(alert().replace("–", "-")))).decode().replace("UTF-8", encoding)
    (one,) = read_document(text.encode(encoding)).entries
    assert one.alert is not None
    assert one.alert.infos[0].headline.endswith("Désa")
    assert "Désa".encode() in one.raw


NWS = """<link href="/cap/1"/><summary>Hujan &lt;b&gt;lebat&lt;/b&gt;</summary>
<cap:event>Flood Warning</cap:event><cap:effective>2026-11-21T08:15:00+07:00</cap:effective>
<cap:expires>2026-11-21T14:15:00+07:00</cap:expires><cap:status>Actual</cap:status><cap:msgType>Alert</cap:msgType>
<cap:category>Met</cap:category><cap:urgency>Expected</cap:urgency><cap:severity>Severe</cap:severity>
<cap:certainty>Likely</cap:certainty><cap:areaDesc>Sungai Raya; Kuala Dua</cap:areaDesc>
<cap:polygon>-0.1,109.3 -0.2,109.3 -0.2,109.4 -0.1,109.3</cap:polygon>
<cap:geocode><valueName>FIPS6</valueName><value>061201 061202</value><valueName>UGC</valueName><value>AKZ221</value>
</cap:geocode><cap:parameter><valueName>VTEC</valueName><value/></cap:parameter>"""


def test_flat_elements_of_an_index_become_an_alert() -> None:
    """What an index says about an alert is read as one, and what it had to borrow from the entry is noted."""
    (one,) = read_document(atom(entry(NWS)), URL).entries
    assert one.alert is not None
    assert (one.alert.identifier, one.alert.sender, one.alert.status) == ("urn:1", "Weather_Office", Status.ACTUAL)
    assert one.alert.sent == datetime(2026, 11, 21, 1, 20, tzinfo=UTC)
    (info,) = one.alert.infos
    assert (info.event, info.headline, info.severity) == ("Flood Warning", "Banjir", Severity.SEVERE)
    assert info.description == "Hujan lebat"
    (area,) = info.areas
    assert (area.desc, len(area.polygons)) == ("Sungai Raya; Kuala Dua", 1)
    assert area.geocodes == (("FIPS6", "061201"), ("FIPS6", "061202"), ("UGC", "AKZ221"))
    assert one.link == "https://warn.example.org/cap/1"
    borrowed = {where for rule, where in rules(one) if rule == "X-REQUIRED"}
    assert borrowed == {"identifier", "sender", "sent", "scope"}


def test_an_index_may_spell_its_fields_its_own_way() -> None:
    """MeteoAlarm writes message_type; the identifier and times it gives are used before the entry's own."""
    more = """<cap:identifier>2.49.0.1</cap:identifier><cap:message_type>Update</cap:message_type>
<cap:sent>2026-11-21T08:00:00+07:00</cap:sent><cap:event>Wind</cap:event><cap:status>Exercise</cap:status>"""
    (one,) = read_document(atom(entry(NWS.replace("cap:msgType", "cap:ignored") + more))).entries
    assert one.alert is not None
    assert (one.alert.identifier, one.alert.msg_type) == ("2.49.0.1", "Update")
    assert one.alert.sent == datetime(2026, 11, 21, 1, 0, tzinfo=UTC)


def test_areas_and_infos_in_an_entry_are_kept_whole() -> None:
    """Several areas stay several; a place is never lost on the way."""
    areas = "".join(
        f"<cap:area><cap:areaDesc>{name}</cap:areaDesc><cap:circle>-0.1,109.3 {at}</cap:circle></cap:area>"
        for at, name in enumerate(("Satu", "Dua"))
    )
    (one,) = read_document(atom(entry(f"<cap:event>News</cap:event>{areas}"))).entries
    assert one.alert is not None
    assert [area.desc for area in one.alert.infos[0].areas] == ["Satu", "Dua"]
    assert one.alert.status is Status.DRAFT  # nobody said that it is actual


def test_an_alert_element_without_an_info_is_read_flat() -> None:
    """Some indexes wrap the flat elements into an alert; its event and area are not lost."""
    flat = f'<alert xmlns="{CAP}"><identifier>F-1</identifier><event>Flood</event><severity>Severe</severity></alert>'
    (one,) = read_document(atom(entry(flat))).entries
    assert one.alert is not None
    assert (one.alert.identifier, one.alert.infos[0].event) == ("F-1", "Flood")


BAD = {
    "doctype": escape(f'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>{alert()}'),
    "broken": escape(alert().replace("</info>", "")),
    "unknown namespace": alert(namespace="urn:unknown"),
}


@pytest.mark.parametrize(
    ("name", "rule"), [("doctype", "S-DTD"), ("broken", "S-MALFORMED"), ("unknown namespace", "R-NS")]
)
def test_a_bad_entry_is_refused_alone(name: str, rule: str) -> None:
    """The reason is told, its bytes are kept, and the entries around it are read."""
    content = f"<content>{BAD[name]}</content>"
    document = read_document(
        atom(entry(EMBEDDED.format(alert("A-1"))), entry(content), entry(EMBEDDED.format(alert("A-2"))))
    )
    assert names(document) == ["A-1", "", "A-2"]
    assert document.entries[1].refused.startswith(rule)
    assert document.entries[1].where == "entry[1]"
    assert b"A-1" in document.entries[1].raw


LINKS = {
    "relative": ('<link href="a/1.xml"/>', "https://warn.example.org/feeds/a/1.xml"),
    "typed before the page": (
        '<link href="/page"/><link href="/api/7" type="application/cap+xml"/><link rel="self" href="/s"/>',
        "https://warn.example.org/api/7",
    ),
    "xml before the page": (
        '<link href="/p.html" type="text/html"/><link href="/1.cap"/>',
        "https://warn.example.org/1.cap",
    ),
    "content elsewhere": ('<content src="https://x.example/1" type="application/cap+xml"/>', "https://x.example/1"),
    "base": ('<link xml:base="http://other.example/x/" href="1"/>', "http://other.example/x/1"),
    "hub is no way": ('<link rel="hub" href="https://hub.example/"/>', ""),
    "script is no way": ('<link href="javascript:alert(1)"/>', ""),
    "no address": ('<link href="http://[bad"/>', ""),
    "none": ("", ""),
}


@pytest.mark.parametrize("name", LINKS)
def test_the_link_to_the_alert_is_chosen_and_absolute(name: str) -> None:
    """The CAP document comes before pages for people; what is no web address is never followed."""
    given, expected = LINKS[name]
    (one,) = read_document(atom(entry(given)), URL).entries
    assert (one.link, one.alert, one.refused) == (expected, None, "")
    assert (("X-ENTRY", "link") in rules(one)) is (expected == "")


def test_links_follow_xml_base() -> None:
    """RFC 4287 section 2: a base around the entry counts."""
    raw = atom(entry('<link href="1.xml"/>')).replace(b"<entry>", b'<entry xml:base="/cap/">')
    assert read_document(raw, URL).entries[0].link == "https://warn.example.org/cap/1.xml"
    assert read_document(atom(entry('<link href="1.xml"/>'))).entries[0].link == "1.xml"


ITEMS = {
    "link": ("<link>/a/1.xml</link><guid isPermaLink='false'>2.49</guid>", "2.49", "https://warn.example.org/a/1.xml"),
    "gdacs": ("<link>http://g/r?x=1</link><gdacs:cap>http://g/cap.xml</gdacs:cap><guid>T</guid>", "T", "http://g/cap.xml"),
    "permalink": ("<title>T</title><guid>https://x.example/1</guid>", "https://x.example/1", "https://x.example/1"),
    "enclosure": (
        "<link>/p</link><enclosure url='/1' length='1' type='application/cap+xml'/>", "", "https://warn.example.org/1"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ITEMS)
def test_an_rss_item_leads_to_its_alert(name: str) -> None:
    """RSS 2.0 has link, guid and enclosure; GDACS adds one of its own."""
    given, guid, link = ITEMS[name]
    (one,) = read_document(rss(given), URL).entries
    assert (one.guid, one.link) == (guid, link)


def test_rss_of_rdf_has_its_items_beside_the_channel() -> None:
    """RSS 1.0 names an item by rdf:about and dates it by Dublin Core; flat CAP in it is read."""
    raw = f"""<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:cap="{CAP}"><channel rdf:about="x"><title>T</title></channel>
<item rdf:about="urn:7"><title>T</title><link>http://x.example/7</link><dc:date>2026-11-21T08:15:00+07:00</dc:date>
<dc:creator>desk@example.org</dc:creator><cap:severity>Severe</cap:severity></item></rdf:RDF>"""
    (one,) = read_document(raw.encode()).entries
    assert one.alert is not None
    assert (one.guid, one.link) == ("urn:7", "http://x.example/7")
    assert (one.alert.sender, one.alert.sent) == ("desk@example.org", datetime(2026, 11, 21, 1, 15, tzinfo=UTC))


def test_flat_cap_in_rss_borrows_from_item_and_channel() -> None:
    """RSS spells its times by RFC 822 and its author as mail (name)."""
    date = "<pubDate>Sat, 21 Nov 2026 08:15:00 +0700</pubDate>"
    item = f"<guid>g-1</guid><title>Banjir</title>{date}<cap:severity>Severe</cap:severity>"
    (one,) = read_document(rss(item)).entries
    assert one.alert is not None
    assert (one.alert.identifier, one.alert.sender, one.alert.infos[0].language) == ("g-1", "desk@example.org", "id")
    assert one.alert.sent == datetime(2026, 11, 21, 1, 15, tzinfo=UTC)


def test_content_elsewhere_is_a_link_of_the_distribution() -> None:
    """A content object may only name its content; one without either is noted."""
    away = "<d:nonXMLContent><d:mimeType>application/cap+xml</d:mimeType><d:uri>/1.xml</d:uri></d:nonXMLContent>"
    document = read_document(edxl(away, xml_content("<x xmlns='urn:other'/>")), URL)
    assert [one.link for one in document.entries] == ["https://warn.example.org/1.xml", ""]
    assert rules(document.entries[1]) == {("X-ENTRY", "contentObject")}


@pytest.mark.parametrize(("status", "read_as"), [("Actual", "Actual"), ("Exercise", "Exercise"), ("Test", "Test")])
def test_an_alert_in_a_distribution_for_exercise_is_an_exercise(status: str, read_as: str) -> None:
    """EDXL-DE may wrap an actual alert to rehearse with it: it must not reach the public."""
    alone = edxl(xml_content(prefixed()), status=status)
    text = edxl(xml_content(escape(alert())), status=status)
    for raw in (alone, text, b"<soap>" + alone + b"</soap>", atom(entry(EMBEDDED.format(alone.decode())))):
        (one,) = read_document(raw).entries
        assert one.alert is not None
        assert one.alert.status == read_as
        assert (("W-DISTRIBUTION", "status") in rules(one)) is (status != "Actual")


WHOLES: dict[str, tuple[Callable[[], bytes], str]] = {
    "not XML": (lambda: b'{"a": 1}', "S-MALFORMED"),
    "nothing": (lambda: b"", "S-MALFORMED"),
    "cut off": (lambda: atom(entry(EMBEDDED.format(alert())))[:-20], "S-MALFORMED"),
    "doctype": (lambda: b"<!DOCTYPE feed>" + atom(), "S-DTD"),
    "misspelt root": (lambda: alert().replace("alert", "alerts").encode(), "R-NS"),
    "misspelt rss": (lambda: alert().replace("<alert", "<rss").replace("</alert", "</rss").encode(), "R-NS"),
    "page": (lambda: b"<html><body>No alerts today</body></html>", "R-NS"),
    "unknown alert": (lambda: alert(namespace="urn:unknown").encode(), "R-NS"),
    "second alert cut off": (f"{alert()}{alert()[:-9]}".encode, "S-MALFORMED"),
    "too large": (lambda: b"<feed>" + b" " * (32 * 1024 * 1024) + b"</feed>", "S-SIZE"),
}


@pytest.mark.parametrize("name", WHOLES)
def test_what_is_no_document_of_alerts_is_refused_in_one_sentence(name: str) -> None:
    """Cannot read the feed is told apart from no alerts."""
    make, rule = WHOLES[name]
    with pytest.raises(BadInput, match=f"^{rule}: .*[.]$"):
        read_document(make(), URL)


CROWDS = {
    "entries": (lambda: atom(*["<id>1</id>"] * 20_001), "S-SIZE"),
    "glued": (lambda: b"<alert></alert>" * 20_001, "S-MALFORMED"),
    "alerts in an unknown root": (f"<list>{EMPTY * 20_001}</list>".encode, "S-SIZE"),
}


@pytest.mark.parametrize("name", CROWDS)
def test_more_entries_than_any_feed_has_are_refused(name: str) -> None:
    """Each costs time to read: a feed of a million empty ones would hold up all others."""
    make, rule = CROWDS[name]
    with pytest.raises(BadInput, match=f"^{rule}: "):
        read_document(make(), URL)


def test_many_content_objects_cost_no_more_than_their_number() -> None:
    """What the distribution says is looked for once, even where it says nothing."""
    crowd = b"<EDXLDistribution xmlns='urn:x'>" + b"<contentObject/>" * 15_000 + b"</EDXLDistribution>"
    started = time.process_time()
    assert len(read_document(crowd, URL).entries) == 15_000
    assert time.process_time() - started < 1.5


def test_a_content_object_in_another_is_read_once() -> None:
    """Two distributions, one in the other, do not make two alerts of one."""
    nested = f"<d:contentObject>{alert('A-2')}</d:contentObject>"
    assert [one.alert.identifier for one in read_document(edxl(nested), URL).entries if one.alert] == ["A-2"]


def test_a_large_index_is_read() -> None:
    """A feed of 10 MB, larger than any alert may be, is read."""
    padding = f"<summary>{'x' * 100_000}</summary>"
    document = read_document(atom(*[entry(f'<link href="/{at}.xml"/>{padding}') for at in range(100)]), URL)
    assert len(document.entries) == 100


@pytest.mark.parametrize("seed", range(4))
def test_damaged_documents_are_read_or_refused(seed: int) -> None:
    """Whatever a line or a server does to the bytes, the answer is a document or one sentence."""
    print(f"seed {seed}")
    chance = random.Random(seed)
    for raw, _, _ in DOCUMENTS.values():
        for _ in range(20):
            damaged = bytearray(raw)
            for _ in range(chance.randint(1, 4)):
                at = chance.randrange(len(damaged))
                end = at + chance.randint(1, 30)
                damaged[at:end] = chance.choice([b"", b"<", b"&#0;", b"\xff", damaged[end : end + 20], b"]]>", b'"'])
            with contextlib.suppress(BadInput):
                assert all(one.raw for one in read_document(bytes(damaged), URL).entries)


def test_megabytes_of_blanks_are_refused_at_once() -> None:
    """A pattern that tried every way to share blanks out would not end within the life of the test run."""
    for tail in (b"", b"x", b"<alert"):
        with pytest.raises(BadInput):
            read_document(b" " * 4_000_000 + tail)
