"""Signatures written by hand, right or wrong on purpose, and the certificates for them; all of it made anew each run.

Alert and SignedInfo are kept in canonical form as text, so that no canonicaliser is needed to say what is right.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

NOW = datetime(2026, 11, 21, 1, 15, tzinfo=UTC)
DAY = timedelta(days=1)
DS = "http://www.w3.org/2000/09/xmldsig#"
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
INCLUSIVE_11 = "http://www.w3.org/2006/12/xml-c14n11"
ENVELOPED = f"{DS}enveloped-signature"
DIGESTS = {
    f"{DS}sha1": "sha1",
    "http://www.w3.org/2001/04/xmlenc#sha256": "sha256",
    f"{MORE}sha384": "sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512": "sha512",
}
HASHES = {"sha1": hashes.SHA1(), "sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}
ALERT = (
    '<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>BPBD-1</identifier>'
    "<sender>bpbd@kuburaya.id</sender><sent>2026-11-21T08:15:00+07:00</sent><status>Actual</status><msgType>Alert</msgType>"
    "<scope>Public</scope><code>one</code><code>two</code><info><language>id</language><category>Met</category><event>Banjir</event>"
    "<urgency>Immediate</urgency><severity>Severe</severity><certainty>Observed</certainty>"
    "<expires>2026-11-21T14:15:00+07:00</expires><headline>Sungai Raya naik &amp; meluap</headline>"
    "<area><areaDesc>Sungai Raya</areaDesc><polygon>-0.1,109.3 -0.1,109.5 -0.3,109.5 -0.1,109.3</polygon></area></info>"
    "</alert>"
)

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Somebody with a key and a certificate."""

    key: Key
    certificate: x509.Certificate

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def inner(self) -> str:
        return b64encode(self.certificate.public_bytes(Encoding.DER)).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a certificate is for, and when."""

    authority: bool = False
    signs: bool = True
    since: datetime = NOW - 30 * DAY
    until: datetime = NOW + 30 * DAY


@cache
def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def party(name: str, issuer: Party | None = None, key: Key | None = None, usage: Usage = Usage()) -> Party:
    """Make a key and a certificate, issued by another party or by itself."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    by, by_key = (issuer.certificate.subject, issuer.key) if issuer else (subject, key)
    agrees = not usage.signs
    flags = x509.KeyUsage(usage.signs, False, False, False, agrees, usage.authority, usage.authority, False, False)
    built = (
        x509.CertificateBuilder(subject_name=subject, issuer_name=by, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(usage.since)
        .not_valid_after(usage.until)
        .add_extension(x509.BasicConstraints(ca=usage.authority, path_length=None), critical=True)
        .add_extension(flags, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by_key.public_key()), critical=False)
    )
    return Party(key=key, certificate=built.sign(by_key, hashes.SHA256()))


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How a signature is made; what is not given is as it should be."""

    digest: str = "http://www.w3.org/2001/04/xmlenc#sha256"
    hashing: str = "sha256"
    method: str = ""
    c14n: str = EXCLUSIVE
    transforms: str = f'<Transform Algorithm="{ENVELOPED}"></Transform><Transform Algorithm="{EXCLUSIVE}"></Transform>'
    uri: str = ' URI=""'
    references: int = 1
    key_info: str | None = None
    after: str = ""
    attributes: str = ""

    def but(self, **changes: object) -> How:
        return replace(self, **changes)  # type: ignore[arg-type]


def signature(content: str, by: Party, how: How) -> str:
    """Write the Signature element of somebody over a canonical content."""
    digest = b64encode(hashlib.new(DIGESTS[how.digest], content.encode()).digest()).decode()
    kind = "rsa" if isinstance(by.key, rsa.RSAPrivateKey) else "ecdsa"
    method = how.method or f"{MORE}{kind}-{how.hashing}"
    reference = (
        f"<Reference{how.uri}><Transforms>{how.transforms}</Transforms>"
        f'<DigestMethod Algorithm="{how.digest}"></DigestMethod><DigestValue>{digest}</DigestValue></Reference>'
    )
    inner = (
        f'<CanonicalizationMethod Algorithm="{how.c14n}"></CanonicalizationMethod>'
        f'<SignatureMethod Algorithm="{method}"></SignatureMethod>{reference * how.references}</SignedInfo>'
    )
    value = b64encode(_sign(f'<SignedInfo xmlns="{DS}">{inner}'.encode(), by.key, how)).decode()
    key_info = f"<X509Data><X509Certificate>{by.inner}</X509Certificate></X509Data>"
    key_info = f"<KeyInfo>{key_info if how.key_info is None else how.key_info}</KeyInfo>"
    return (
        f'<Signature xmlns="{DS}"{how.attributes}><SignedInfo>{inner}'
        f"<SignatureValue>{value}</SignatureValue>{key_info}{how.after}</Signature>"
    )


def forge(by: Party, how: How = How(), alert: str = ALERT) -> str:
    """Sign a canonical alert by hand."""
    return inside(alert, signature(alert, by, how))


def inside(alert: str, more: str) -> str:
    """Put something at the end of the alert."""
    return alert.removesuffix("</alert>") + more + "</alert>"


def _sign(signed_info: bytes, key: Key, how: How) -> bytes:
    hashing = HASHES[how.hashing]
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(signed_info, padding.PKCS1v15(), hashing)
    first, second = utils.decode_dss_signature(key.sign(signed_info, ec.ECDSA(hashing)))
    size = (key.key_size + 7) // 8
    return first.to_bytes(size, "big") + second.to_bytes(size, "big")
