"""Signing: not a byte of the alert changes, the XSD is kept, and what nobody could verify is never given out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from crisis.cap.nouns import Alert, Area, Category, Info, MsgType, Scope, Status
from crisis.cap.read import read
from crisis.cap.sign import Signer, make_key, sign
from crisis.cap.verify import SignatureState, verify
from crisis.cap.write import write
from crisis.errors import BadInput
from tests.crisis.cap.forge import ALERT, DAY, DS, NOW, Party, Usage, forge, party, rsa_key

OFFICE = party("BPBD Kubu Raya")
SQUARE = ((-0.1, 109.3), (-0.1, 109.5), (-0.3, 109.5), (-0.1, 109.3))
FLOOD = Alert(
    identifier="BPBD-1",
    sender="bpbd@kuburaya.id",
    sent=NOW,
    status=Status.ACTUAL,
    msg_type=MsgType.ALERT,
    scope=Scope.PUBLIC,
    infos=(
        Info(
            language="id",
            categories=(Category.MET,),
            event="Banjir",
            headline="Sungai Raya naik & meluap",
            expires=NOW + DAY,
            areas=(Area(desc="Sungai Raya", polygons=(SQUARE,)),),
        ),
    ),
)
Files = tuple[Path, Path]


def signer(who: Party = OFFICE, *issuers: Party) -> Signer:
    return Signer(key=who.key, certificates=(who.certificate, *(issuer.certificate for issuer in issuers)))


def secret(key: object, lock: KeySerializationEncryption = NoEncryption()) -> bytes:  # noqa: B008
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock)  # type: ignore[attr-defined, no-any-return]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """The office's key and certificate as files."""
    (tmp_path / "key.pem").write_bytes(secret(OFFICE.key))
    (tmp_path / "certificate.pem").write_text(OFFICE.pem)
    return tmp_path / "key.pem", tmp_path / "certificate.pem"


@pytest.mark.parametrize("who", [OFFICE, party("rsa", key=rsa_key())], ids=["ecdsa", "rsa"])
def test_what_we_sign_verifies_and_reads_unchanged(who: Party) -> None:
    """Valid for whoever pinned the certificate, and the same alert with and without its signature."""
    xml = write(FLOOD)
    signed = sign(xml, signer(who))
    verdict = verify(signed, who.pem, NOW)
    assert verdict.state is SignatureState.VALID
    assert verdict.alert_xml is not None
    assert read(signed).alert == read(verdict.alert_xml).alert == read(xml).alert == FLOOD


@pytest.mark.parametrize(
    "xml",
    [
        pytest.param(write(FLOOD), id="as we write"),
        pytest.param(ALERT.encode(), id="in one line"),
        pytest.param(b"\xef\xbb\xbf" + ALERT.encode(), id="byte order mark"),
        pytest.param(b"\n " + ALERT.encode() + b"\n\n", id="blanks around"),
        pytest.param(ALERT.replace("naik &amp;", "naik<!-- x --><![CDATA[ & ]]>\u200d\u00e9").encode(), id="comment"),
        pytest.param(("<?xml version='1.0' encoding='ISO-8859-1'?>" + ALERT).encode("latin-1"), id="latin-1"),
        pytest.param(ALERT.replace("><", ">\r\n\t<").encode(), id="CRLF"),
    ],
)
def test_no_byte_changes_but_for_the_signature(xml: bytes) -> None:
    """It stands right before the end tag, as the last child of the alert."""
    signed = sign(xml, signer())
    end = xml.rindex(b"</alert>")
    assert signed.startswith(xml[:end] + f'<Signature xmlns="{DS}">'.encode())
    assert signed.endswith(b"</Signature>" + xml[end:])
    assert verify(signed, OFFICE.pem, NOW).state is SignatureState.VALID


def test_what_we_sign_passes_the_schema(sample: Callable[..., Path]) -> None:
    """The OASIS XSD has a place for a signature; ours is in it."""
    path = sample("schema", "CAP-v1.2.xsd")
    schema = etree.XMLSchema(file=str(path))
    schema.assertValid(etree.fromstring(sign(write(FLOOD), signer())))
    schema.assertValid(etree.fromstring(sign(ALERT.encode(), signer(party("rsa", key=rsa_key())))))


@settings(max_examples=60, deadline=None)
@given(words=st.text(st.characters(codec="utf-8"), max_size=60))
def test_any_words_can_be_signed(words: str) -> None:
    """Every script and sign that the writer lets through."""
    info = replace(FLOOD.infos[0], description=words, instruction=words[::-1])
    xml = write(replace(FLOOD, infos=(info,)))
    signed = sign(xml, signer())
    assert verify(signed, OFFICE.pem, NOW).state is SignatureState.VALID
    assert read(signed).alert == read(xml).alert


def test_the_certificates_of_the_authorities_go_along() -> None:
    """So that who pins only the root can follow the path."""
    root = party("Root", usage=Usage(authority=True))
    middle = party("Middle", root, usage=Usage(authority=True))
    leaf = party("Leaf", middle)
    signed = sign(ALERT.encode(), signer(leaf, middle))
    assert verify(signed, root.pem, NOW).state is SignatureState.VALID


@pytest.mark.parametrize(
    ("xml", "says"),
    [
        pytest.param(forge(OFFICE), "carries a signature already", id="signed"),
        pytest.param(ALERT.replace("cap:1.2", "cap:1.1"), "only a CAP 1.2 alert", id="CAP 1.1"),
        pytest.param("<html><p>x</p></html>", "only a CAP 1.2 alert", id="a page"),
        pytest.param('<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"/>', "something in it", id="empty"),
        pytest.param(ALERT.replace("<info>", "<?x y?><info>"), "processing instructions", id="instruction inside"),
        pytest.param(ALERT.replace("<alert ", '<alert Id="x" '), "nobody could verify", id="an Id at the root"),
        pytest.param(ALERT + "<!-- </alert> -->", "nobody could verify", id="a tag in a comment behind"),
        pytest.param(ALERT[:-3], "S-MALFORMED", id="cut off"),
    ],
)
def test_what_nobody_could_verify_is_not_signed(xml: str, says: str) -> None:
    """One sentence why instead."""
    with pytest.raises(BadInput, match=says):
        sign(xml.encode(), signer())


def test_a_document_of_two_byte_characters_is_not_signed() -> None:
    """The signature would be spliced in as other bytes."""
    with pytest.raises(BadInput):
        sign(('<?xml version="1.0" encoding="UTF-16"?>' + ALERT).encode("utf-16"), signer())


def test_signer_tells_what_receivers_need(files: Files) -> None:
    """Name, fingerprint, end and PEM of the certificate; the key is in no text of it."""
    loaded = Signer.load(*files, now=NOW)
    assert (loaded.name, loaded.pem, loaded.expires) == ("BPBD Kubu Raya", OFFICE.pem, NOW + 30 * DAY)
    assert len(loaded.fingerprint) == 95
    assert "key" not in repr(loaded).lower()


def test_the_files_of_the_office_load_and_sign(files: Files) -> None:
    """What was loaded signs what receivers accept."""
    signed = sign(ALERT.encode(), Signer.load(*files, now=NOW))
    assert verify(signed, OFFICE.pem, NOW).state is SignatureState.VALID


@pytest.mark.parametrize(
    ("key", "certificate", "file", "says"),
    [
        pytest.param(b"nothing", None, "key", "no PEM private key", id="no key"),
        pytest.param(OFFICE.pem.encode(), None, "key", "no PEM private key", id="certificate for a key"),
        pytest.param(
            secret(OFFICE.key, BestAvailableEncryption(b"x")), None, "key", "is encrypted", id="encrypted key"
        ),
        pytest.param(secret(ed25519.Ed25519PrivateKey.generate()), None, "key", "RSA key of 2048", id="Ed25519"),
        pytest.param(secret(rsa_key(1024)), None, "key", "RSA key of 2048", id="short RSA"),
        pytest.param(secret(ec.generate_private_key(ec.SECP224R1())), None, "key", "elliptic one", id="short EC"),
        pytest.param(secret(rsa_key()), None, "certificate", "not that of the key", id="another's key"),
        pytest.param(None, b"", "certificate", "no PEM certificate", id="empty certificate"),
        pytest.param(None, b"\xff\x00", "certificate", "no PEM certificate", id="junk certificate"),
        pytest.param(None, secret(OFFICE.key), "certificate", "no PEM certificate", id="key for a certificate"),
        pytest.param(
            None,
            party("old", key=OFFICE.key, usage=Usage(until=NOW - DAY)).pem.encode(),
            "certificate",
            "expired at 2026-11-20",
            id="expired",
        ),
        pytest.param(
            None,
            party("new", key=OFFICE.key, usage=Usage(since=NOW + DAY)).pem.encode(),
            "certificate",
            "not valid before 2026-11-22",
            id="not yet valid",
        ),
    ],
)
def test_a_key_or_certificate_of_no_use_is_refused_at_once(
    files: Files, key: bytes | None, certificate: bytes | None, file: str, says: str
) -> None:
    """Naming the file and what is wrong with it, in one line without a secret."""
    if key is not None:
        files[0].write_bytes(key)
    if certificate is not None:
        files[1].write_bytes(certificate)
    with pytest.raises(BadInput) as refused:
        Signer.load(*files, now=NOW)
    assert str(refused.value).startswith(f"{files[0].parent / file}.pem: ")
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_files_that_are_not_there_are_named(tmp_path: Path) -> None:
    """The key is asked for first."""
    with pytest.raises(BadInput, match=r"key\.pem: cannot be read \(No such file"):
        Signer.load(tmp_path / "key.pem", tmp_path / "certificate.pem", now=NOW)


def test_an_office_without_authority_makes_its_own_key(files: Files) -> None:
    """The pair loads, signs, and is trusted by those who pinned the certificate, from an hour before on."""
    key, certificate = make_key("BPBD Kubu Raya", NOW)
    files[0].write_bytes(key)
    files[1].write_bytes(certificate)
    loaded = Signer.load(*files, now=NOW)
    signed = sign(ALERT.encode(), loaded)
    assert (loaded.name, loaded.expires) == ("BPBD Kubu Raya", NOW + 5 * 365 * DAY)
    assert verify(signed, certificate.decode(), NOW - DAY / 25).state is SignatureState.VALID
    assert verify(signed, certificate.decode(), NOW - DAY).state is SignatureState.UNTRUSTED
    assert verify(signed, certificate.decode(), loaded.expires + DAY).state is SignatureState.UNTRUSTED
    assert make_key("BPBD Kubu Raya", NOW)[0] != key


@pytest.mark.parametrize("name", ["", "  ", "x" * 65, "a\nb", "\ud800"])
def test_a_name_no_certificate_can_hold_is_refused(name: str) -> None:
    """One sentence."""
    with pytest.raises(BadInput, match="printable characters"):
        make_key(name, NOW)
