"""Judging signatures: what was altered, moved, wrapped or signed by strangers is never accepted."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from crisis.cap.read import read
from crisis.cap.verify import SignatureState, Verdict, verify
from crisis.errors import BadInput
from tests.crisis.cap.forge import (
    ALERT,
    DAY,
    DS,
    ENVELOPED,
    EXCLUSIVE,
    INCLUSIVE,
    INCLUSIVE_11,
    MORE,
    NOW,
    How,
    Party,
    Usage,
    forge,
    inside,
    party,
    rsa_key,
    signature,
)

ACCEPTED = {SignatureState.VALID, SignatureState.LENIENT}
OFFICE = party("BPBD Kubu Raya")
STRANGER = party("BPBD Kubu Raya")  # the same name, another key
SIGNED = forge(OFFICE)
CAP = "urn:oasis:names:tc:emergency:cap:1.2"
EVIL = ALERT.replace("Sungai Raya naik", "Semua aman")


def judge(xml: str | bytes, pins: str = OFFICE.pem, at: datetime = NOW) -> Verdict:
    return verify(xml.encode() if isinstance(xml, str) else xml, pins, at)


def through(*transforms: str) -> How:
    return How(transforms="".join(transforms))


def transform(algorithm: str, inner: str = "") -> str:
    return f'<Transform Algorithm="{algorithm}">{inner}</Transform>'


def indented(xml: str) -> str:
    root = etree.fromstring(xml)
    etree.indent(root, "\t")
    return etree.tostring(root).decode()


@pytest.mark.parametrize(
    ("by", "how"),
    [
        pytest.param(OFFICE, How(), id="ecdsa-sha256"),
        pytest.param(OFFICE, How(hashing="sha512"), id="ecdsa-sha512"),
        pytest.param(party("p384", key=ec.generate_private_key(ec.SECP384R1())), How(hashing="sha384"), id="p384"),
        pytest.param(party("p521", key=ec.generate_private_key(ec.SECP521R1())), How(hashing="sha512"), id="p521"),
        pytest.param(party("rsa", key=rsa_key()), How(), id="rsa-sha256"),
        pytest.param(party("rsa", key=rsa_key()), How(hashing="sha384"), id="rsa-sha384"),
        pytest.param(party("rsa", key=rsa_key()), How(hashing="sha512"), id="rsa-sha512"),
        pytest.param(OFFICE, How(digest=f"{MORE}sha384"), id="digest-sha384"),
        pytest.param(OFFICE, How(digest="http://www.w3.org/2001/04/xmlenc#sha512"), id="digest-sha512"),
        pytest.param(OFFICE, How(c14n=INCLUSIVE, transforms=transform(ENVELOPED)), id="no-c14n-transform"),
        *(
            pytest.param(OFFICE, through(transform(ENVELOPED), transform(c14n)).but(c14n=c14n), id=c14n[-20:])
            for base in (EXCLUSIVE, INCLUSIVE, INCLUSIVE_11)
            for c14n in (base, f"{base.removesuffix('#')}#WithComments")
        ),
        pytest.param(OFFICE, How(attributes=' Id="NAADS Signature"'), id="naads-id"),
        pytest.param(
            OFFICE,
            How(after='<Object xmlns=""><SignatureProperties><x>1</x></SignatureProperties></Object>'),
            id="naads-properties",
        ),
    ],
)
def test_every_allowed_form_is_valid(by: Party, how: How) -> None:
    """Signed by hand over text in canonical form: valid, and exactly that text is given back."""
    verdict = judge(forge(by, how), by.pem)
    assert (verdict.state, verdict.alert_xml) == (SignatureState.VALID, ALERT.encode()), verdict.says
    assert verdict.signer == by.certificate.subject.rfc4514_string().removeprefix("CN=")


def test_what_is_given_back_reads_like_the_alert() -> None:
    """The signed bytes are a CAP alert of their own, and nothing of it is lost."""
    verdict = judge(SIGNED)
    assert verdict.alert_xml is not None
    assert read(verdict.alert_xml).alert == read(ALERT.encode()).alert


def test_an_unsigned_alert_has_no_signature() -> None:
    """Nothing is vouched for, nothing is given back."""
    assert judge(ALERT) == Verdict(state=SignatureState.NONE, says="it carries no signature")


@pytest.mark.parametrize("raw", [b"", b"<a", b"not xml", b"<!DOCTYPE a [<!ENTITY x 'y'>]>" + SIGNED.encode()])
def test_only_what_is_no_safe_xml_raises(raw: bytes) -> None:
    """Everything else becomes a verdict."""
    with pytest.raises(BadInput):
        verify(raw, OFFICE.pem, NOW)


def test_a_time_without_zone_is_a_fault_of_the_caller() -> None:
    """It never turns into a verdict on somebody's alert."""
    with pytest.raises(ValueError, match="zone"):
        verify(SIGNED.encode(), OFFICE.pem, NOW.replace(tzinfo=None))


WRAPPED_ID = ALERT.replace(f'"{CAP}">', f'"{CAP}" Id="real">')
COUNTERSIGNED = inside(ALERT, signature(ALERT, STRANGER, How()))
NOTED = ALERT.replace("<code>one", "<note></note><code>one")
ALTERED = {
    "text": lambda: SIGNED.replace("Raya naik", "Raya turun"),
    "text of one digit": lambda: SIGNED.replace("-0.3,109.5", "-0.8,109.5"),
    "text with a blank more": lambda: SIGNED.replace("<event>Banjir", "<event> Banjir"),
    "text made of blanks": lambda: SIGNED.replace("<code>one</code>", "<code> </code>"),
    "text between elements": lambda: SIGNED.replace("<info>", "All clear.<info>"),
    "text after the signature": lambda: SIGNED.replace("</Signature>", "</Signature>All clear."),
    "attribute of the root": lambda: SIGNED.replace("<alert ", '<alert lang="id" '),
    "attribute of an element": lambda: SIGNED.replace("<info>", '<info hidden="1">'),
    "attribute xml:lang": lambda: SIGNED.replace("<info>", '<info xml:lang="en">'),
    "element added": lambda: SIGNED.replace("</info>", "<web>http://evil.example/</web></info>"),
    "element removed": lambda: SIGNED.replace("<code>one</code>", ""),
    "element doubled": lambda: SIGNED.replace("<code>one</code>", "<code>one</code><code>one</code>"),
    "elements swapped": lambda: SIGNED.replace("<code>one</code><code>two</code>", "<code>two</code><code>one</code>"),
    "element renamed": lambda: SIGNED.replace("<code>one</code>", "<note>one</note>"),
    "element in no namespace": lambda: SIGNED.replace("<info>", '<info xmlns="">'),
    "namespace of CAP 1.1": lambda: SIGNED.replace("cap:1.2", "cap:1.1"),
    "namespace by prefix": lambda: SIGNED.replace("<info>", '<c:info xmlns:c="' + CAP + '">').replace(
        "</info>", "</c:info>"
    ),
    "info doubled": lambda: re.sub(r"(<info>.*</info>)", r"\1\1", SIGNED),
    "info of another alert": lambda: inside(SIGNED, re.search(r"<info>.*</info>", EVIL)[0]),  # type: ignore[index]
    "processing instruction": lambda: SIGNED.replace("naik", "<?x naik?>turun"),
    "processing instruction only": lambda: SIGNED.replace("<info>", "<?php ?><info>"),
    "root renamed": lambda: SIGNED.replace("<alert", "<warning").replace("</alert", "</warning"),
    "signature twice": lambda: inside(SIGNED, signature(ALERT, OFFICE, How())),
    "signature of a stranger too": lambda: inside(SIGNED, signature(ALERT, STRANGER, How())),
    "stranger's signature first": lambda: inside(forge(STRANGER), signature(ALERT, OFFICE, How())),
    "signature of another alert": lambda: inside(EVIL, signature(ALERT, OFFICE, How())),
    "signature over one of a stranger": lambda: COUNTERSIGNED.replace(
        "</info>", "</info>" + signature(COUNTERSIGNED, OFFICE, How())
    ),
    "object with content": lambda: forge(OFFICE, How(after="<Object><x></x></Object>")),
    "instruction that was signed": lambda: forge(OFFICE, alert=ALERT.replace("<info>", "<?x y?><info>")),
    "another root that was signed": lambda: forge(OFFICE, alert=ALERT.replace(CAP, "urn:x")),
    "blanks in an empty element": lambda: forge(OFFICE, alert=NOTED).replace("<note>", "<note> "),
    "signature inside info": lambda: ALERT.replace("</info>", signature(ALERT, OFFICE, How()) + "</info>"),
    "signed alert inside another": lambda: inside(EVIL, SIGNED),
    "signed alert inside, its signature outside": lambda: inside(EVIL, ALERT + signature(ALERT, OFFICE, How())),
    "signed alert inside the signature": lambda: inside(
        EVIL, signature(ALERT, OFFICE, How(after=f"<Object>{ALERT}</Object>"))
    ),
    "signed alert inside properties": lambda: inside(
        EVIL,
        signature(ALERT, OFFICE, How(after=f"<Object><SignatureProperties>{ALERT}</SignatureProperties></Object>")),
    ),
    "signed alert inside the key": lambda: inside(
        EVIL, signature(ALERT, OFFICE, How()).replace("<KeyInfo>", f"<KeyInfo>{ALERT}")
    ),
    "reference to an inner alert": lambda: inside(
        EVIL, WRAPPED_ID + signature(WRAPPED_ID, OFFICE, How(uri=' URI="#real"'))
    ),
    "reference to the root by id": lambda: forge(OFFICE, How(uri=' URI="#real"'), WRAPPED_ID),
    "reference to an object": lambda: inside(
        EVIL,
        signature(f'<Object xmlns="{DS}" Id="o">{ALERT}</Object>', OFFICE, How(uri=' URI="#o"', after="<Object/>")),
    ),
    "reference by xpointer": lambda: forge(OFFICE, How(uri=' URI="#xpointer(/)"')),
    "reference to a page": lambda: forge(OFFICE, How(uri=' URI="http://127.0.0.1:9/"')),
    "reference to nothing": lambda: forge(OFFICE, How(uri="")),
    "reference of a type": lambda: forge(OFFICE, How(uri=f' Type="{DS}Manifest" URI=""')),
    "references two": lambda: forge(OFFICE, How(references=2)),
    "references none": lambda: forge(OFFICE, How(references=0)),
    "transform XPath": lambda: forge(
        OFFICE,
        through(
            transform(ENVELOPED),
            transform("http://www.w3.org/TR/1999/REC-xpath-19991116", "<XPath>not(self::info)</XPath>"),
            transform(EXCLUSIVE),
        ),
    ),
    "transform XSLT": lambda: forge(
        OFFICE, through(transform(ENVELOPED), transform("http://www.w3.org/TR/1999/REC-xslt-19991116"))
    ),
    "transform base64": lambda: forge(OFFICE, through(transform(ENVELOPED), transform(f"{DS}base64"))),
    "transform after canonical form": lambda: forge(OFFICE, through(transform(EXCLUSIVE), transform(ENVELOPED))),
    "transform with something inside": lambda: forge(
        OFFICE, through(transform(ENVELOPED), transform(EXCLUSIVE, "<XPath>1</XPath>"))
    ),
    "transforms not enveloped": lambda: forge(OFFICE, through(transform(EXCLUSIVE))),
    "transforms none": lambda: forge(OFFICE, through()),
    "canonical form unknown": lambda: forge(OFFICE, How(c14n="http://www.w3.org/2010/xml-c14n2")),
    "method HMAC": lambda: forge(OFFICE, How(method=f"{MORE}hmac-sha256")),
    "method DSA": lambda: forge(OFFICE, How(method=f"{DS}dsa-sha1")),
    "method of the wrong key": lambda: forge(OFFICE, How(method=f"{MORE}rsa-sha256")),
    "method of another hash": lambda: forge(OFFICE, How(method=f"{MORE}ecdsa-sha512")),
    "method ECDSA with SHA-1": lambda: forge(OFFICE, How(hashing="sha1")),
    "digest replaced": lambda: re.sub(
        "<DigestValue>.*</DigestValue>", f"<DigestValue>{'A' * 43}=</DigestValue>", SIGNED
    ),
    "digest method MD5": lambda: SIGNED.replace("xmlenc#sha256", "xmldsig-more#md5"),
    "value with junk": lambda: SIGNED.replace("<SignatureValue>", "<SignatureValue>*"),
    "value empty": lambda: re.sub("<SignatureValue>[^<]*<", "<SignatureValue><", SIGNED),
    "value all zero": lambda: re.sub(
        "<SignatureValue>[^<]*<", f"<SignatureValue>{base64.b64encode(bytes(64)).decode()}<", SIGNED
    ),
    "pinned certificate put in": lambda: forge(STRANGER).replace(STRANGER.inner, OFFICE.inner),
    "pinned certificate added": lambda: forge(STRANGER).replace(
        "</X509Data>", f"<X509Certificate>{OFFICE.inner}</X509Certificate></X509Data>"
    ),
    "pinned certificate before": lambda: forge(STRANGER).replace(
        "<X509Data>", f"<X509Data><X509Certificate>{OFFICE.inner}</X509Certificate></X509Data><X509Data>"
    ),
    "key added that is not the certificate's": lambda: forge(
        OFFICE, How(key_info=f"<X509Data><X509Certificate>{OFFICE.inner}</X509Certificate></X509Data>{bare(STRANGER)}")
    ),
    "no key": lambda: forge(OFFICE, How(key_info="<KeyName>BPBD</KeyName>")),
    "certificate unreadable": lambda: forge(OFFICE, How(key_info=SHORT_PAPER)),
    "certificates too many": lambda: forge(
        OFFICE, How(key_info=f"<X509Data>{f'<X509Certificate>{OFFICE.inner}</X509Certificate>' * 9}</X509Data>")
    ),
    "signature empty": lambda: inside(ALERT, f'<Signature xmlns="{DS}">...</Signature>'),
    "signature with an attribute": lambda: forge(OFFICE, How(attributes=' onload="1"')),
    "inside a feed": lambda: f'<feed xmlns="http://www.w3.org/2005/Atom"><entry>{SIGNED}</entry></feed>',
}
SHORT_PAPER = "<X509Data><X509Certificate>MIIB</X509Certificate></X509Data>"


def bare(who: Party) -> str:
    """A KeyValue: a key without a name."""
    point = who.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return (
        '<KeyValue><ECKeyValue xmlns="http://www.w3.org/2009/xmldsig11#">'
        '<NamedCurve URI="urn:oid:1.2.840.10045.3.1.7"></NamedCurve>'
        f"<PublicKey>{base64.b64encode(point).decode()}</PublicKey></ECKeyValue></KeyValue>"
    )


@pytest.mark.parametrize("xml", ALTERED.values(), ids=ALTERED.keys())
def test_what_was_altered_or_wrapped_is_broken(xml: Callable[[], str]) -> None:
    """Though the pinned key is in play in each of them: broken, with a sentence, and no bytes vouched for."""
    verdict = judge(xml())
    assert (verdict.state, verdict.alert_xml) == (SignatureState.BROKEN, None), verdict
    assert verdict.says


SAME = {
    "comment": lambda: SIGNED.replace("Raya naik", "Raya <!-- turun -->naik"),
    "comment in the signature": lambda: SIGNED.replace("<SignatureValue>", "<SignatureValue><!-- x -->"),
    "CDATA": lambda: SIGNED.replace("Raya naik &amp;", "Raya <![CDATA[naik &]]>"),
    "character reference": lambda: SIGNED.replace("Banjir", "&#66;anjir"),
    "quotes": lambda: SIGNED.replace(f'"{CAP}"', f"'{CAP}'"),
    "byte order mark": lambda: "\ufeff" + SIGNED,
    "stylesheet before the root": lambda: '<?xml version="1.0"?><?xml-stylesheet href="x.xsl"?>' + SIGNED,
    "signature moved to the front": lambda: ALERT.replace(
        "<identifier>", signature(ALERT, OFFICE, How()) + "<identifier>"
    ),
}


@pytest.mark.parametrize("xml", SAME.values(), ids=SAME.keys())
def test_another_spelling_of_the_same_content_is_valid(xml: Callable[[], str]) -> None:
    """What canonical XML leaves out may differ, and is not in what is given back."""
    verdict = judge(xml())
    assert (verdict.state, verdict.alert_xml) == (SignatureState.VALID, ALERT.encode()), verdict.says


def test_an_alert_indented_after_it_was_signed_is_lenient_and_flagged() -> None:
    """As WMO's composer and NAADS archives have it: the state says so, and the bytes are those that were signed."""
    verdict = judge(indented(SIGNED))
    assert (verdict.state, verdict.alert_xml) == (SignatureState.LENIENT, ALERT.encode())
    assert "blanks" in verdict.says


@pytest.mark.parametrize("change", [("naik", "turun"), ("<event>Banjir", "<event> Banjir"), ("<code>one</code>", "")])
def test_blanks_excuse_nothing_else(change: tuple[str, str]) -> None:
    """An indented alert that was altered too is broken."""
    assert judge(indented(SIGNED.replace(*change))).state is SignatureState.BROKEN


SHA1 = f"{DS}sha1"


@pytest.mark.parametrize(
    ("by", "how", "says"),
    [
        pytest.param(STRANGER, How(), "no pinned certificate is equal", id="stranger of the same name"),
        pytest.param(party("x", OFFICE), How(), "no pinned", id="issued by a pinned one that is no authority"),
        pytest.param(OFFICE, How(key_info=bare(OFFICE)), "bare key", id="bare key"),
        pytest.param(OFFICE, How(digest=SHA1), "SHA-1", id="digest sha1"),
        pytest.param(party("r", key=rsa_key()), How(hashing="sha1", method=f"{DS}rsa-sha1"), "SHA-1", id="rsa-sha1"),
        pytest.param(party("r", key=rsa_key(1024)), How(), "1024 bits", id="short RSA key"),
        pytest.param(
            party("e", key=ec.generate_private_key(ec.SECP224R1())), How(), "224 bits", id="short elliptic key"
        ),
    ],
)
def test_right_signatures_by_strangers_or_weak_means_are_untrusted(by: Party, how: How, says: str) -> None:
    """Weak ones even when their certificate is pinned; no bytes are vouched for."""
    pins = OFFICE.pem if by.certificate.issuer == OFFICE.certificate.subject else by.pem
    verdict = judge(forge(by, how), pins)
    assert (verdict.state, verdict.alert_xml) == (SignatureState.UNTRUSTED, None), verdict
    assert says in verdict.says


@pytest.mark.parametrize("pins", ["", "  \n", STRANGER.pem, "-----BEGIN CERTIFICATE-----\nx", "no pem", "\ud800"])
def test_nobody_is_trusted_without_a_pin(pins: str) -> None:
    """The certificate inside the alert proves nothing; pins that cannot be read are none."""
    assert judge(SIGNED, pins).state is SignatureState.UNTRUSTED


@pytest.mark.parametrize(
    ("at", "state"),
    [
        (NOW - 31 * DAY, SignatureState.UNTRUSTED),
        (NOW - 30 * DAY, SignatureState.VALID),
        (NOW + 30 * DAY, SignatureState.VALID),
        (NOW + 31 * DAY, SignatureState.UNTRUSTED),
    ],
)
def test_validity_is_judged_at_the_time_of_receipt(at: datetime, state: SignatureState) -> None:
    """Pinned or not, a certificate counts from its first second to its last."""
    assert judge(SIGNED, at=at).state is state


ROOT = party("Root", usage=Usage(authority=True))
MIDDLE = party("Middle", ROOT, usage=Usage(authority=True))
LEAF = party("Leaf", MIDDLE)
OLD = party("Old", ROOT, usage=Usage(authority=True, until=NOW - DAY))


def chained(leaf: Party, *others: Party) -> str:
    papers = "".join(f"<X509Certificate>{who.inner}</X509Certificate>" for who in others)
    return forge(leaf, How(key_info=f"<X509Data>{papers}</X509Data>"))


@pytest.mark.parametrize(
    ("xml", "pins", "state"),
    [
        pytest.param(chained(LEAF, LEAF, MIDDLE), ROOT.pem, SignatureState.VALID, id="path to the pinned root"),
        pytest.param(chained(LEAF, MIDDLE, LEAF), ROOT.pem, SignatureState.VALID, id="in any order"),
        pytest.param(chained(LEAF, LEAF, MIDDLE, ROOT), ROOT.pem, SignatureState.VALID, id="with the root inside"),
        pytest.param(chained(LEAF, LEAF), MIDDLE.pem, SignatureState.VALID, id="issued by the pinned one itself"),
        pytest.param(chained(LEAF, LEAF), LEAF.pem, SignatureState.VALID, id="leaf pinned"),
        pytest.param(chained(LEAF, LEAF), STRANGER.pem + ROOT.pem + MIDDLE.pem, SignatureState.VALID, id="many pins"),
        pytest.param(chained(LEAF, LEAF), ROOT.pem, SignatureState.UNTRUSTED, id="path with a gap"),
        pytest.param(chained(LEAF, LEAF, MIDDLE, ROOT), OFFICE.pem, SignatureState.UNTRUSTED, id="root not pinned"),
        pytest.param(
            chained(party("x", LEAF), LEAF, MIDDLE), ROOT.pem, SignatureState.BROKEN, id="signer's certificate left out"
        ),
        *(
            pytest.param(chained(bad, bad, *more), ROOT.pem, SignatureState.UNTRUSTED, id=why)
            for why, bad, more in (
                ("below one that is no authority", party("x", LEAF), (LEAF, MIDDLE)),
                ("expired", party("x", ROOT, usage=Usage(until=NOW - DAY)), ()),
                ("not for signing", party("x", ROOT, usage=Usage(signs=False)), ()),
                (
                    "below an expired authority",
                    party("x", OLD),
                    (OLD,),
                ),
                ("of a false root of the same name", party("x", party("Root", usage=Usage(authority=True))), ()),
            )
        ),
    ],
)
def test_a_pinned_authority_vouches_for_those_it_issued(xml: str, pins: str, state: SignatureState) -> None:
    """Through a whole path of authorities in time, and for no one else."""
    assert judge(xml, pins).state is state, judge(xml, pins).says


def test_the_verdict_names_the_authority() -> None:
    """So that an officer knows who vouched."""
    assert "under the pinned Root" in judge(chained(LEAF, LEAF, MIDDLE), ROOT.pem).says


def test_a_name_in_a_certificate_cannot_steer_a_screen() -> None:
    """Direction and control signs of a stranger's name are replaced, and it has an end."""
    verdict = judge(forge(party("a\u202eb\x1b[2J" + "x" * 50)))
    assert verdict.signer == "a\ufffdb\ufffd[2J" + "x" * 50
    assert not {"\u202e", "\x1b"} & set(verdict.says)


def _never_another(raw: bytes) -> None:
    """Accepted means: the bytes vouched for are those that were signed, whatever else is in the file."""
    try:
        verdict = judge(raw)
    except BadInput:
        return
    assert (verdict.alert_xml is not None) == (verdict.state in ACCEPTED)
    if verdict.alert_xml is not None:
        assert verdict.alert_xml == ALERT.encode()


@pytest.mark.parametrize("xml", [SIGNED, indented(SIGNED)], ids=["as signed", "indented"])
def test_no_flipped_bit_is_accepted_for_another_content(xml: str) -> None:
    """One bit in each byte of the alert and its signature."""
    raw = xml.encode()
    for at in range(len(raw)):
        _never_another(raw[:at] + bytes([raw[at] ^ (1 << at % 7)]) + raw[at + 1 :])


@settings(max_examples=300, deadline=None)
@given(data=st.data(), xml=st.sampled_from([SIGNED, indented(SIGNED)]))
def test_no_edit_of_bytes_is_accepted_for_another_content(data: st.DataObject, xml: str) -> None:
    """Any piece replaced by anything, or by a piece from elsewhere in the file."""
    raw = xml.encode()
    at, take, start = (data.draw(st.integers(0, len(raw))) for _ in range(3))
    piece = data.draw(st.one_of(st.binary(max_size=4), st.just(raw[start : start + take % 40])))
    _never_another(raw[:at] + piece + raw[at + data.draw(st.integers(0, 40)) :])


@settings(max_examples=300, deadline=None)
@given(data=st.data(), xml=st.sampled_from([SIGNED, indented(SIGNED)]))
def test_no_edit_of_elements_is_accepted_for_another_content(data: st.DataObject, xml: str) -> None:
    """Elements and attributes changed, removed, doubled, moved and nested, in the signature too."""
    root = etree.fromstring(xml)
    for _ in range(data.draw(st.integers(1, 3))):
        _edit(root, data)
    _never_another(etree.tostring(root))


def _edit(root: etree._Element, data: st.DataObject) -> None:
    nodes = list(root.iter())
    one, other = (nodes[data.draw(st.integers(0, len(nodes) - 1))] for _ in range(2))
    copy = etree.fromstring(etree.tostring(one, with_tail=False))
    match data.draw(st.sampled_from(["text", "tail", "attribute", "remove", "double", "move", "nest", "rename"])):
        case "text":
            one.text = data.draw(st.sampled_from(["", " ", "x", "Semua aman"]))
        case "tail":
            one.tail = data.draw(st.sampled_from([None, "\n", "x"]))
        case "attribute":
            one.set(data.draw(st.sampled_from(["Id", "URI", "Algorithm", "x"])), data.draw(st.sampled_from(["", "#x"])))
        case "remove" if one is not root:
            parent = one.getparent()
            assert parent is not None
            parent.remove(one)
        case "double":
            (root if one is root else one.getparent()).append(copy)  # type: ignore[union-attr]
        case "move":
            other.insert(0, copy)
        case "nest":
            other.append(copy)
        case "rename":
            one.tag = str(other.tag)


def test_a_hostile_signature_costs_little_time() -> None:
    """A key of a million digits, thousands of certificates, namespaces or attributes: judged in a second."""
    number = f"<RSAKeyValue><Modulus>{'fA9' * 1_333_332}</Modulus><Exponent>AQAB</Exponent></RSAKeyValue>"
    hostile = [
        How(key_info=f"<KeyValue>{number}</KeyValue>", method=f"{MORE}rsa-sha256"),
        How(transforms=transform(ENVELOPED) * 20_000),
        How(key_info=f"<X509Data>{'<X509Certificate/>' * 20_000}</X509Data>"),
        How(references=2_000),
    ]
    crowd = " ".join(f'xmlns:a{at}="urn:{at}"' for at in range(20_000))
    flood = forge(OFFICE, How(c14n=INCLUSIVE, transforms=transform(ENVELOPED)))
    flood = flood.replace("<alert ", f"<alert {crowd} ").replace("<info>", "<info/>" * 20_000 + "<info>")
    wide = SIGNED.replace("<info>", "<info " + " ".join(f'a{at}=""' for at in range(200_000)) + ">")
    for xml in (*(forge(OFFICE, how) for how in hostile), flood, wide):
        began = time.process_time()
        assert judge(xml).state is SignatureState.BROKEN
        assert time.process_time() - began < 1


def _in_file(raw: bytes) -> x509.Certificate | None:
    found = re.search(rb"X509Certificate>([^<]+)<", raw)
    try:
        return x509.load_der_x509_certificate(base64.b64decode(found[1])) if found else None
    except ValueError:
        return None


REAL = {
    "willglynn+oasiscap/fixtures__ipaws-5e6ddbad023f1930ef6c1a5a.xml": SignatureState.VALID,
    "willglynn+oasiscap/fixtures__google-PAAQ-4-mg5a94.xml": SignatureState.BROKEN,
    "wmo-im+capvalidator/tests__data__bf__valid.xml": SignatureState.LENIENT,
    "wmo-im+capvalidator/tests__data__bf__invalid_signature.xml": SignatureState.BROKEN,
    "wmo-im+capvalidator/tests__data__bf__invalid_certificate.xml": SignatureState.BROKEN,
    "wmo-im+capvalidator/tests__data__bf__invalid_digest.xml": SignatureState.BROKEN,
    "wmo-im+capvalidator/tests__data__bf__invalid_schema.xml": SignatureState.BROKEN,
    "wmo-im+capvalidator/tests__data__bf__no_signature.xml": SignatureState.NONE,
    "VE3LSR+pynaads/test__samples__Sample1_CAPCP_No_Attachment.xml": SignatureState.LENIENT,
    "VE3LSR+pynaads/test__samples__Sample2_CAPCP_with_Embedded_Large_Audio_File.xml": SignatureState.LENIENT,
    "VE3LSR+pynaads/test__samples__Sample3_CAPCP_with_Multiple_Embedded_Files.xml": SignatureState.LENIENT,
    "VE3LSR+pynaads/test__samples__Sample10_CAPCP_with_TTS.XML": SignatureState.LENIENT,
    "openbroadcaster+obplayer/obplayer__alerts__data__testalerts__1example_CAPCP_No_Attachment.xml": (
        SignatureState.BROKEN
    ),
    "kelvinn+capparselib/tests__resources__ph.cap": SignatureState.UNTRUSTED,
    "sahana+eden/modules__templates__SAMBRO__Demo__TropicalCyclone20150808.xml": SignatureState.UNTRUSTED,
    "google+cap-library/testdata__earthquake_signed.cap": SignatureState.UNTRUSTED,
    "google+cap-library/testdata__canada_signed.atom": SignatureState.BROKEN,
    "KDE+kweathercore/autotests__capdata__tsunami.xml": SignatureState.BROKEN,
}


@pytest.mark.parametrize(("name", "state"), REAL.items(), ids=REAL.keys())
def test_real_signatures_get_their_verdict(sample: Callable[..., Path], name: str, state: SignatureState) -> None:
    """Their own certificate is pinned, and they are received when it was new; unpinned, none is accepted."""
    path = sample("cap", "real", name)
    raw = path.read_bytes()
    paper = _in_file(raw)
    pins, at = ("", NOW) if paper is None else (paper.public_bytes(Encoding.PEM).decode(), paper.not_valid_before_utc)
    verdict = judge(raw, pins, at)
    assert verdict.state is state, verdict.says
    assert judge(raw, "", at).state not in ACCEPTED
    if state in ACCEPTED:
        assert verdict.alert_xml is not None
        assert read(verdict.alert_xml).alert == read(raw).alert
