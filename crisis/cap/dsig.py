"""The one form of XML signature that an alert may carry, and the check of it (W3C XML Signature 1.1).

Enveloped in the alert, one reference to the whole of it, canonical XML, RSA or ECDSA: anything else is refused
before cryptography, because what a signature may point at is where forgeries hide.
"""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureMethod
from signxml.exceptions import InvalidDigest, InvalidSignature
from signxml.verifier import SignatureConfiguration, VerifyResult, XMLVerifier

from crisis.cap import trust

DS = "{http://www.w3.org/2000/09/xmldsig#}"
INCLUSIVE_NAMESPACES = "{http://www.w3.org/2001/10/xml-exc-c14n#}InclusiveNamespaces"
ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
CANONICAL = {method.value for method in CanonicalizationMethod}
METHODS = {
    method.value: method
    for method in (
        SignatureMethod.RSA_SHA256,
        SignatureMethod.RSA_SHA384,
        SignatureMethod.RSA_SHA512,
        SignatureMethod.ECDSA_SHA256,
        SignatureMethod.ECDSA_SHA384,
        SignatureMethod.ECDSA_SHA512,
        SignatureMethod.RSA_SHA1,  # weak: senders of old use it, nobody may rely on it
    )
}
DIGESTS = {
    digest.value: digest
    for digest in (DigestAlgorithm.SHA256, DigestAlgorithm.SHA384, DigestAlgorithm.SHA512, DigestAlgorithm.SHA1)
}
PARSER = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
LARGEST = 64 * 1024  # characters in a signature; real ones have 10,000, and big numbers cost time
MOST_CERTIFICATES = 8
SHORTEST_RSA, SHORTEST_EC = 2048, 256  # bits, NIST SP 800-131A


class Broken(Exception):
    """The signature is not of the form an alert may carry; one clause says why."""


class Mismatch(Broken):
    """The signature is of the right form, but not of this content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What a signature says of itself: how it was made, and with which certificate."""

    method: SignatureMethod
    digest: DigestAlgorithm
    certificates: tuple[x509.Certificate, ...]
    certificate: x509.Certificate | None  # the one that signed; none for a bare key
    weak: str = ""  # what of it can be forged


class _Verifier(XMLVerifier):
    """signxml, canonicalising each part as a document of its own."""

    def _c14n(self, nodes: Any, algorithm: CanonicalizationMethod, inclusive_ns_prefixes: Any = None) -> bytes:
        # libxml2 2.14 invents xmlns="" when it canonicalises an element inside a larger tree inclusively.
        alone = etree.fromstring(etree.tostring(nodes, with_tail=False), PARSER)
        return cast(bytes, super()._c14n(alone, algorithm=algorithm, inclusive_ns_prefixes=inclusive_ns_prefixes))


def read_form(signature: etree._Element) -> Form:
    """Read how an enveloped signature was made; raise Broken for every form but the one allowed.

    What the signature never covers and nobody reads is taken out of it: its own Id, which NAADS writes with a
    blank in it, and an object that holds only signature properties.
    """
    if sum(len(text) for text in signature.itertext()) > LARGEST:
        raise Broken("its signature is too large to be one")
    signature.attrib.pop("Id", "")
    _drop_properties(signature)
    signed = _child(signature, "SignedInfo")
    _canonical(_child(signed, "CanonicalizationMethod"))
    method = METHODS.get(_algorithm(_child(signed, "SignatureMethod")))
    digest = DIGESTS.get(_algorithm(_child(_reference(signed), "DigestMethod")))
    if method is None or digest is None:
        raise Broken("it is signed by an algorithm that is not accepted; RSA and ECDSA with SHA-2 are")
    _must_be_base64(_child(signature, "SignatureValue"))
    certificates = _certificates(signature)
    leaf = trust.leaf_of(certificates)
    if certificates and leaf is None:
        raise Broken("the certificates in its signature are no chain")
    weak = _weakness(method, digest, leaf)
    return Form(method=method, digest=digest, certificates=certificates, certificate=leaf, weak=weak)


def check(root: etree._Element, form: Form) -> bytes:
    """Give the canonical bytes that the signature in the root covers; raise Mismatch if it is not of them.

    Says nothing about trust: whether the certificate may speak, and when, is decided elsewhere.
    """
    leaf = form.certificate
    expected = SignatureConfiguration(
        require_x509=leaf is not None,
        location="./",
        expect_references=1,
        signature_methods=frozenset({form.method}),
        digest_algorithms=frozenset({form.digest}),
        verification_time=leaf.not_valid_before_utc if leaf else datetime.now(UTC),
        default_reference_c14n_method=CanonicalizationMethod.CANONICAL_XML_1_0,
    )
    try:
        found = _Verifier().verify(root, x509_cert=leaf, expect_config=expected)
    except InvalidDigest:
        raise Mismatch("the alert was altered after it was signed") from None
    except InvalidSignature:
        raise Mismatch("the signature was not made with the key it names") from None
    except etree.DocumentInvalid:
        raise Broken("the signature is not of the form of the standard") from None
    return cast(VerifyResult, found).signed_data


def _drop_properties(signature: etree._Element) -> None:
    for child in list(signature):
        if etree.QName(child).localname != "Object":
            continue
        if any(etree.QName(part).localname != "SignatureProperties" for part in child):
            raise Broken("its signature carries an object, where forged content could hide")
        signature.remove(child)


def _reference(signed: etree._Element) -> etree._Element:
    references = signed.findall(f"{DS}Reference")
    if len(references) != 1 or references[0].get("URI") != "" or references[0].get("Type"):
        raise Broken("its signature does not refer once to the whole alert")
    transforms = list(_child(references[0], "Transforms"))
    if not 1 <= len(transforms) <= 2 or _algorithm(transforms[0]) != ENVELOPED or len(transforms[0]):
        raise Broken("its signature changes the alert by more than leaving itself out")
    for transform in transforms[1:]:
        _canonical(transform)
    _must_be_base64(_child(references[0], "DigestValue"))
    return references[0]


def _must_be_base64(element: etree._Element) -> None:
    try:
        _decoded(element)
    except ValueError:
        raise Broken("its signature holds a number with junk in it") from None


def _decoded(element: etree._Element) -> bytes:
    return b64decode("".join((element.text or "").split()), validate=True)


def _canonical(method: etree._Element) -> None:
    if _algorithm(method) not in CANONICAL or any(child.tag != INCLUSIVE_NAMESPACES for child in method):
        raise Broken("its signature transforms the alert by something else than canonical XML")


def _child(parent: etree._Element, name: str) -> etree._Element:
    found = parent.findall(f"{DS}{name}")
    if len(found) != 1:
        raise Broken(f"its signature has {len(found)} {name} where there must be one")
    return found[0]


def _algorithm(element: etree._Element) -> str:
    return element.get("Algorithm") or ""


def _certificates(signature: etree._Element) -> tuple[x509.Certificate, ...]:
    papers = signature.findall(f"{DS}KeyInfo/{DS}X509Data/{DS}X509Certificate")
    if len(papers) > MOST_CERTIFICATES:
        raise Broken(f"its signature brings {len(papers)} certificates; at most {MOST_CERTIFICATES} are read")
    if not papers and signature.find(f"{DS}KeyInfo/{DS}KeyValue") is None:
        raise Broken("its signature names neither certificate nor key")
    try:
        return tuple(x509.load_der_x509_certificate(_decoded(paper)) for paper in papers)
    except ValueError:
        raise Broken("a certificate in its signature cannot be read") from None


def _weakness(method: SignatureMethod, digest: DigestAlgorithm, leaf: x509.Certificate | None) -> str:
    if method is SignatureMethod.RSA_SHA1 or digest is DigestAlgorithm.SHA1:
        return "SHA-1"
    return _short_key(leaf.public_key()) if leaf else ""


def _short_key(key: object) -> str:
    match key:
        case rsa.RSAPublicKey() if key.key_size < SHORTEST_RSA:
            return f"an RSA key of {key.key_size} bits"
        case ec.EllipticCurvePublicKey() if key.key_size < SHORTEST_EC:
            return f"an elliptic curve key of {key.key_size} bits"
        case _:
            return ""
