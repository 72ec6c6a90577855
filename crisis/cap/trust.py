"""Decides whether a certificate is trusted: it is in time, and pinned or issued under a pinned authority.

The certificate inside an alert is never a reason to trust it; only the ones an admin pinned are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import verification
from cryptography.x509.oid import NameOID

from crisis.errors import BadInput

LONGEST_NAME = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Whether a certificate is trusted at a time, and why or why not."""

    trusted: bool
    says: str


@lru_cache(maxsize=64)
def read_certificates(pem: str) -> tuple[x509.Certificate, ...]:
    """Read every certificate of a PEM text, none for a blank one.

    Raises BadInput when the text holds something but no readable certificate.
    """
    if not pem.strip():
        return ()
    try:
        return tuple(x509.load_pem_x509_certificates(pem.encode()))
    except ValueError as error:
        raise BadInput(f"no PEM certificates can be read from it ({str(error)[:120]})") from None


def judge(
    leaf: x509.Certificate, others: Sequence[x509.Certificate], pinned: Sequence[x509.Certificate], at: datetime
) -> Standing:
    """Judge a signing certificate at a time against the pinned ones, with the others its alert brought along.

    A certificate equal to a pinned one (SHA-256) is trusted within its validity; any other only through a
    path (RFC 5280, section 6) to a pinned authority, every certificate of it in time.
    """
    if not leaf.not_valid_before_utc <= at <= leaf.not_valid_after_utc:
        return Standing(trusted=False, says=f"its certificate is valid {_span(leaf)}, not at {_time(at)}")
    if leaf in pinned:
        return Standing(trusted=True, says=f"its certificate is pinned ({short_print(leaf)})")
    authority = _authority(leaf, others, [one for one in pinned if _may_issue(one)], at)
    if authority is not None:
        return Standing(trusted=True, says=f"its certificate was issued under the pinned {name_of(authority)}")
    pins = "none is pinned" if not pinned else "no pinned certificate is equal to it or issued it"
    return Standing(trusted=False, says=f"its certificate ({short_print(leaf)}) is not trusted: {pins}")


def name_of(certificate: x509.Certificate) -> str:
    """Give the name a certificate claims: its common name, else its organisation, else all of its subject.

    It is a stranger's text: cut to 100 characters, those that could steer or reorder a screen replaced.
    """
    found = [
        str(name.value)
        for kind in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME)
        for name in certificate.subject.get_attributes_for_oid(kind)
    ]
    name = (found[0] if found else certificate.subject.rfc4514_string())[:LONGEST_NAME]
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in name) or "nobody"


def fingerprint(certificate: x509.Certificate) -> str:
    """Give the SHA-256 fingerprint as people compare it, in capitals, two digits at a time."""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def short_print(certificate: x509.Certificate) -> str:
    """Give the first eight bytes of the fingerprint, enough to tell certificates apart by eye."""
    return f"SHA-256 {fingerprint(certificate)[:23]}..."


def leaf_of(certificates: Sequence[x509.Certificate]) -> x509.Certificate | None:
    """Find the one certificate that issued none of the others (XML Signature 1.1, section 4.5.4: in any order)."""
    distinct = list(dict.fromkeys(certificates))
    issuers = {one.issuer for one in distinct if one.issuer != one.subject}
    leaves = [one for one in distinct if one.subject not in issuers]
    return leaves[0] if len(leaves) == 1 else None


def _authority(
    leaf: x509.Certificate, others: Sequence[x509.Certificate], authorities: list[x509.Certificate], at: datetime
) -> x509.Certificate | None:
    if not authorities:
        return None
    signs = verification.ExtensionPolicy.permit_all().may_be_present(
        x509.KeyUsage, verification.Criticality.AGNOSTIC, _must_sign
    )
    issues = verification.ExtensionPolicy.webpki_defaults_ca()
    builder = verification.PolicyBuilder().store(verification.Store(authorities)).time(at)
    verifier = builder.extension_policies(ee_policy=signs, ca_policy=issues).build_client_verifier()
    try:
        return verifier.verify(leaf, [one for one in others if one != leaf]).chain[-1]
    except verification.VerificationError:
        return None


def _must_sign(_policy: verification.Policy, _leaf: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    if usage is not None and not (usage.digital_signature or usage.content_commitment):
        raise ValueError("its key is not for signing")


def _may_issue(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False


def _span(certificate: x509.Certificate) -> str:
    return f"from {_time(certificate.not_valid_before_utc)} to {_time(certificate.not_valid_after_utc)}"


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="minutes")
