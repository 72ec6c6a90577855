"""Signs our CAP alerts: one enveloped signature over the whole alert, by the office's key and certificate."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureMethod
from signxml.signer import XMLSigner

from crisis.cap import trust
from crisis.cap.dsig import SHORTEST_EC, SHORTEST_RSA
from crisis.cap.nouns import NAMESPACE
from crisis.cap.verify import SIGNATURE, SignatureState, verify
from crisis.cap.xml import parse_untrusted
from crisis.errors import BadInput

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

LONGEST_NAME = 64  # X.520 upper bound of a common name
LIFETIME = timedelta(days=5 * 365)
CLOCKS_DIFFER = timedelta(hours=1)  # receivers whose clock is behind shall trust the first alert too


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """The office's key and its certificate, followed by those that issued it."""

    key: Key = field(repr=False)
    certificates: tuple[x509.Certificate, ...]

    @classmethod
    def load(cls, key_path: Path, certificate_path: Path, *, now: datetime | None = None) -> Signer:
        """Read both PEM files; nothing loads that receivers could not verify now.

        Raises BadInput naming the file: unreadable, encrypted, of the wrong kind, too short, expired, or
        key and certificate that are no pair.
        """
        key = _load_key(key_path)
        certificates = _load_certificates(certificate_path)
        _must_pair(key, certificates[0], key_path, certificate_path)
        _must_be_valid(certificates[0], certificate_path, now or datetime.now(UTC))
        return cls(key=key, certificates=certificates)

    @property
    def name(self) -> str:
        return trust.name_of(self.certificates[0])

    @property
    def fingerprint(self) -> str:
        return trust.fingerprint(self.certificates[0])

    @property
    def expires(self) -> datetime:
        return self.certificates[0].not_valid_after_utc

    @property
    def pem(self) -> str:
        """The certificates as receivers pin them."""
        return "".join(one.public_bytes(Encoding.PEM).decode() for one in self.certificates)


def sign(xml: bytes, signer: Signer) -> bytes:
    """Sign a CAP 1.2 alert; every byte of it stays as it is, the signature goes before its end tag.

    The XSD allows it only there (CAP 1.2 section 3.3.4.1). Raises BadInput for what is no unsigned CAP 1.2
    alert, and rather than give a document whose own signature does not verify.
    """
    root = parse_untrusted(xml)
    if root.tag != f"{{{NAMESPACE}}}alert":
        raise BadInput("only a CAP 1.2 alert can be signed; its root element is something else.")
    if next(root.iter(SIGNATURE), None) is not None:
        raise BadInput("the alert carries a signature already; sign the original, or make an Update.")
    end = xml.rstrip().rfind(b"</")
    if end < 0:
        raise BadInput("only an alert in UTF-8 with something in it can be signed.")
    signed = xml[:end] + _signature(root, signer) + xml[end:]
    _must_verify(signed, signer)
    return signed


def make_key(name: str, now: datetime) -> tuple[bytes, bytes]:
    """Make a P-256 key and a self-signed certificate of five years for an office without authority; both PEM.

    Raises BadInput for a name no certificate can hold.
    """
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise BadInput(f"the name of the office must have 1 to {LONGEST_NAME} printable characters")
    key = ec.generate_private_key(ec.SECP256R1())
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return secret, _self_signed(key, name.strip(), now).public_bytes(Encoding.PEM)


def _self_signed(key: ec.EllipticCurvePrivateKey, name: str, now: datetime) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = x509.KeyUsage(True, True, False, False, False, False, False, False, False)
    return (
        x509.CertificateBuilder(subject_name=subject, issuer_name=subject, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCKS_DIFFER)
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _signature(root: etree._Element, signer: Signer) -> bytes:
    rsa_key = isinstance(signer.key, rsa.RSAPrivateKey)
    maker = XMLSigner(
        signature_algorithm=SignatureMethod.RSA_SHA256 if rsa_key else SignatureMethod.ECDSA_SHA256,
        digest_algorithm=DigestAlgorithm.SHA256,
        c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
    )
    maker.namespaces = cast(Any, {None: "http://www.w3.org/2000/09/xmldsig#"})
    signed = maker.sign(root, key=signer.key, cert=list(signer.certificates))
    alone = etree.fromstring(etree.tostring(signed[-1], with_tail=False))
    etree.cleanup_namespaces(alone)
    return etree.tostring(alone)


def _must_verify(signed: bytes, signer: Signer) -> None:
    """Comments after the end tag, processing instructions and the like would make a signature nobody accepts."""
    verdict = verify(signed, signer.pem, signer.certificates[0].not_valid_before_utc)
    if verdict.state is not SignatureState.VALID:
        raise BadInput(f"the alert was not signed, because nobody could verify it: {verdict.says}.")


def _load_key(path: Path) -> Key:
    try:
        key = load_pem_private_key(_read(path), password=None)
    except TypeError:
        raise BadInput(f"{path}: the private key is encrypted; give one without a passphrase, mode 0600") from None
    except (ValueError, UnsupportedAlgorithm):
        raise BadInput(f"{path}: there is no PEM private key in it") from None
    match key:
        case rsa.RSAPrivateKey() if key.key_size >= SHORTEST_RSA:
            return key
        case ec.EllipticCurvePrivateKey() if key.key_size >= SHORTEST_EC:
            return key
    raise BadInput(
        f"{path}: alerts are signed by an RSA key of {SHORTEST_RSA} bits or an elliptic one of {SHORTEST_EC}"
    )


def _load_certificates(path: Path) -> tuple[x509.Certificate, ...]:
    try:
        found = trust.read_certificates(_read(path).decode("ascii", "replace"))
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from None
    if not found:
        raise BadInput(f"{path}: there is no PEM certificate in it")
    return found


def _must_pair(key: Key, certificate: x509.Certificate, key_path: Path, certificate_path: Path) -> None:
    ours, theirs = (
        one.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        for one in (key.public_key(), certificate.public_key())
    )
    if ours != theirs:
        raise BadInput(f"{certificate_path}: its first certificate is not that of the key in {key_path}")


def _must_be_valid(certificate: x509.Certificate, path: Path, now: datetime) -> None:
    if now > certificate.not_valid_after_utc:
        ended = certificate.not_valid_after_utc.isoformat()
        raise BadInput(f"{path}: the certificate expired at {ended}; receivers would not trust it")
    if now < certificate.not_valid_before_utc:
        starts = certificate.not_valid_before_utc.isoformat()
        raise BadInput(f"{path}: the certificate is not valid before {starts}; is this machine's clock right?")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({os.strerror(error.errno or 0)})") from None
