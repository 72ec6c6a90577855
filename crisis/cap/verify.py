"""Decides what a CAP alert's signature is worth: none, valid, valid but for blanks, of a stranger, or broken.

What a signature is made of is decided here, before any cryptography; the cryptography is signxml's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cryptography import x509
from lxml import etree

from crisis.cap import trust
from crisis.cap.dsig import Broken, Form, Mismatch, check, read_form
from crisis.cap.nouns import NAMESPACE, OLDER_NAMESPACES
from crisis.cap.xml import BOM, parse_untrusted
from crisis.errors import BadInput

SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}Signature"
MOST_AT_ONCE = 64  # real alerts have a dozen namespaces and two attributes
ROOTS = {f"{{{namespace}}}alert" for namespace in (NAMESPACE, *OLDER_NAMESPACES)}


class SignatureState(StrEnum):
    """What an alert's signature is worth."""

    NONE = "none"  # there is no signature
    VALID = "valid"  # unaltered, and signed by a trusted certificate
    LENIENT = "lenient"  # the same, once blanks between elements are left out
    UNTRUSTED = "untrusted"  # unaltered, but by a certificate nobody pinned, or by means too weak
    BROKEN = "broken"  # altered, or of a form that cannot be checked


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the signature is worth, one sentence why, whom it claims, and the bytes that were signed.

    `alert_xml` is there only when the state is valid or lenient: the alert as it was signed, in
    canonical form, without the signature. Nothing outside of it was vouched for.
    """

    state: SignatureState
    says: str
    signer: str = ""
    alert_xml: bytes | None = None


def verify(raw: bytes, trusted_pem: str, at: datetime) -> Verdict:
    """Judge the enveloped signature of one alert as received at a time (CAP 1.2 section 3.3.4.1).

    `trusted_pem` holds the pinned certificates: the sender's own, or authorities. Weak means (SHA-1, keys
    too short) are never more than untrusted. Raises BadInput only for what is no safe XML.
    """
    if at.tzinfo is None:
        raise ValueError("the time of receipt needs a zone")
    root = _as_signed(raw)
    signatures = list(root.iter(SIGNATURE))
    if not signatures:
        return Verdict(state=SignatureState.NONE, says="it carries no signature")
    try:
        return _judged(root, signatures, trusted_pem, at)
    except Broken as broken:
        return _broken(str(broken))
    except Exception as error:  # whatever a hostile certificate or number provokes below is a verdict, not a crash
        return _broken(f"the signature cannot be checked ({type(error).__name__})")


def _as_signed(raw: bytes) -> etree._Element:
    """Parse what parse_untrusted allows, keeping processing instructions, which signatures cover."""
    parse_untrusted(raw)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
    return etree.fromstring(raw.removeprefix(BOM).lstrip(b" \t\r\n"), parser)


def _judged(root: etree._Element, signatures: list[etree._Element], trusted_pem: str, at: datetime) -> Verdict:
    form = read_form(_only_one(root, signatures))
    content, blanks = _content(root, form)
    if str(parse_untrusted(content).tag) not in ROOTS:
        raise Broken("what was signed is not the alert")
    if form.certificate is None:
        return _untrusted("unaltered, but the signature names a bare key and no certificate that could be pinned")
    signer = trust.name_of(form.certificate)
    if form.weak:
        return _untrusted(f"unaltered, but signed by {signer} with {form.weak}, which can be forged", signer)
    standing = _standing(form.certificate, form, trusted_pem, at)
    if not standing.trusted:
        return _untrusted(f"unaltered and signed by {signer}, but {standing.says}", signer)
    state = SignatureState.LENIENT if blanks else SignatureState.VALID
    but = "; it was re-indented after it was signed, only blanks between elements differ" if blanks else ""
    return Verdict(state=state, says=f"signed by {signer}; {standing.says}{but}", signer=signer, alert_xml=content)


def _only_one(root: etree._Element, signatures: list[etree._Element]) -> etree._Element:
    if str(root.tag) not in ROOTS:
        raise Broken("the root is not a CAP alert; take each alert out of its feed and verify it by itself")
    if len(signatures) > 1:
        raise Broken(f"it carries {len(signatures)} signatures; an alert may carry one")
    if signatures[0].getparent() is not root:
        raise Broken("its signature is not a child of the alert")
    if any(True for _ in root.iter(etree.PI)):
        raise Broken("it holds processing instructions, which a signed alert has no use for")
    if _crowded(root):
        raise Broken(f"it has more than {MOST_AT_ONCE} namespaces or attributes in one place")
    return signatures[0]


def _crowded(root: etree._Element) -> bool:
    """Tell whether canonical XML would take long: by its namespaces times its elements, by attributes squared."""
    declared = 0
    for event, element in etree.iterwalk(root, events=("start-ns", "end-ns", "start")):
        declared += (event == "start-ns") - (event == "end-ns")
        if declared > MOST_AT_ONCE or (event == "start" and len(element.attrib) > MOST_AT_ONCE):
            return True
    return False


def _content(root: etree._Element, form: Form) -> tuple[bytes, bool]:
    """Give the signed bytes, and whether blanks had to be left out to find them."""
    try:
        return check(root, form), False
    except Mismatch:
        if not _strip_blanks(root):
            raise
        return check(root, form), True


def _strip_blanks(root: etree._Element) -> bool:
    """Leave out white space between elements, never the text of an element that holds only text."""
    found = False
    for element in root.iter(etree.Element):
        if len(element) and element.text and not element.text.strip(" \t\r\n"):
            element.text, found = None, True
        if element.tail and not element.tail.strip(" \t\r\n"):
            element.tail, found = None, True
    return found


def _standing(leaf: x509.Certificate, form: Form, trusted_pem: str, at: datetime) -> trust.Standing:
    try:
        pinned = trust.read_certificates(trusted_pem)
    except BadInput as error:
        return trust.Standing(trusted=False, says=f"the pinned certificates are unreadable: {error}")
    return trust.judge(leaf, form.certificates, pinned, at)


def _untrusted(says: str, signer: str = "") -> Verdict:
    return Verdict(state=SignatureState.UNTRUSTED, says=says, signer=signer)


def _broken(says: str) -> Verdict:
    return Verdict(state=SignatureState.BROKEN, says=says)
