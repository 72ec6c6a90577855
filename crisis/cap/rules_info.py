"""Decides what is wrong with an info and its resources: required parts, words, addresses, files."""

from __future__ import annotations

import binascii
import hashlib
import re
from collections.abc import Callable

from crisis.cap.nouns import Info, Resource, ResponseType
from crisis.cap.rules_alert import Found

LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")
SHA1 = re.compile(r"[0-9A-Fa-f]{40}")
MIME = re.compile(r"[\w.+-]+/[\w.+-]+(\s*;.*)?", re.ASCII)
CHARS = r"A-Za-z0-9._~!$&'()*+,;=@/-"  # RFC 3986 pchar and /, without the colon
COLON, QUERY = CHARS.replace("/-", "/:-"), CHARS.replace("/-", "/:?-")
TAIL = rf"(?:\?[{QUERY}]*(?:%[0-9A-Fa-f]{{2}}[{QUERY}]*)*)?(?:#[{QUERY}]*(?:%[0-9A-Fa-f]{{2}}[{QUERY}]*)*)?"
WEB = re.compile(
    rf"(?i:https?)://[A-Za-z0-9.-]+(?::[0-9]{{1,5}})?(?:/[{COLON}]*(?:%[0-9A-Fa-f]{{2}}[{COLON}]*)*)?{TAIL}"
)
RELATIVE = re.compile(rf"(?!//)(?:[{CHARS}]|%[0-9A-Fa-f]{{2}})[{CHARS}]*(?:%[0-9A-Fa-f]{{2}}[{CHARS}]*)*{TAIL}")
ENTITY = re.compile(r"&(amp|lt|gt|quot|apos|nbsp|#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6});")
TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
HIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
WORDS = ("event", "senderName", "headline", "description", "instruction", "contact")
HEADLINE = 160  # characters, CAP 1.2 section 3.2.2


def _words(info: Info) -> tuple[str, ...]:
    return info.event, info.sender_name, info.headline, info.description, info.instruction, info.contact


def _where(hit: Callable[[str], object], info: Info, says: str) -> Found:
    return ((name, says) for name, text in zip(WORDS, _words(info), strict=True) if hit(text))


def info_required(info: Info) -> Found:
    """X-REQUIRED: an info has a category and an event (section 3.2.2)."""
    if not info.categories:
        yield "category", "is missing"
    if not info.event:
        yield "event", "is missing"


def language_tag(info: Info) -> Found:
    """X-LANGUAGE: the language is a tag such as id, en-US, zh-mo or sr-Latn (section 3.2.2, RFC 3066)."""
    if not LANGUAGE.fullmatch(info.language):
        yield "language", "is not a language tag such as id or en-US"


def headline_160(info: Info) -> Found:
    """W-HEADLINE-160: a headline over 160 characters is cut on phones (section 3.2.2)."""
    if len(info.headline) > HEADLINE:
        yield "headline", f"has {len(info.headline)} characters, more than {HEADLINE}"


def text_entity(info: Info) -> Found:
    """W-TEXT-ENTITY: words hold no character that was escaped twice: people would read &amp; (section 3.3.1)."""
    if "&" in "".join(_words(info)):
        yield from _where(ENTITY.search, info, "holds an entity that was escaped twice")


def text_html(info: Info) -> Found:
    """W-TEXT-HTML: words are plain text, not HTML (sections 3.2.2 and 3.3.1)."""
    if "<" in "".join(_words(info)):
        yield from _where(TAG.search, info, "holds HTML tags")


def text_hidden(info: Info) -> Found:
    """W-TEXT: words hold no control, direction or zero-width character that hides or turns them (Unicode TR 36)."""
    # What is printable is not hidden; asking that first is ten times as fast.
    if not "".join(_words(info)).replace("\n", "").isprintable():
        yield from _where(HIDDEN.search, info, "holds control or direction characters")


def web_scheme(info: Info) -> Found:
    """S-URI-SCHEME: web is a whole http or https address (section 3.2.2); no other is safe to show."""
    if info.web and not WEB.fullmatch(info.web):
        yield "web", "is not a whole http or https address"


def expires_missing(info: Info) -> Found:
    """W-EXPIRES-MISSING: without expires every receiver decides for itself how long it holds (section 3.2.2)."""
    if info.expires is None:
        yield "expires", "is missing"


def response_assess(info: Info) -> Found:
    """W-ASSESS: Assess is not for public warning (section 3.2.2)."""
    if ResponseType.ASSESS in info.response_types:
        yield "responseType", "is Assess, which is not for public warning"


def resource_required(resource: Resource) -> Found:
    """X-REQUIRED: a resource has a description and, since CAP 1.2, a MIME type (section 3.2.3)."""
    if not resource.desc:
        yield "resourceDesc", "is missing"
    if not resource.mime_type:
        yield "mimeType", "is missing"


def mime_type(resource: Resource) -> Found:
    """R-MIME: mimeType is type/subtype (section 3.2.3, RFC 2046)."""
    if resource.mime_type and not MIME.fullmatch(resource.mime_type):
        yield "mimeType", "is not type/subtype"


def uri_scheme(resource: Resource) -> Found:
    """S-URI-SCHEME: uri is a whole http or https address, or relative where derefUri carries it (section 3.2.3)."""
    carried = bool(resource.deref_uri) and RELATIVE.fullmatch(resource.uri)
    if resource.uri and not carried and not WEB.fullmatch(resource.uri):
        yield "uri", "is not a whole http or https address"


def digest(resource: Resource) -> Found:
    """R-DIGEST: digest is the SHA-1 of the file in 40 hexadecimal digits; that of derefUri if it is there (3.2.3)."""
    if resource.digest and not SHA1.fullmatch(resource.digest):
        yield "digest", "is not a SHA-1 of 40 hexadecimal digits"
    elif resource.digest and resource.deref_uri:
        carried = decoded(resource.deref_uri)
        if carried is not None and resource.digest.lower() not in {
            _sha1(carried),
            _sha1(resource.deref_uri.encode("utf-8", "replace")),
        }:
            yield "digest", "is not the SHA-1 of what derefUri carries"


def digest_of_text(resource: Resource) -> Found:
    """W-DIGEST: digest is of the file, not of its base64 text, as Canadian samples have it (section 3.2.3)."""
    if (
        resource.digest
        and resource.deref_uri
        and resource.digest.lower() == _sha1(resource.deref_uri.encode("utf-8", "replace"))
    ):
        yield "digest", "is the SHA-1 of the base64 text, not of the file"


def deref_base64(resource: Resource) -> Found:
    """R-DEREF: derefUri is the file in base64 (section 3.2.3)."""
    if resource.deref_uri and decoded(resource.deref_uri) is None:
        yield "derefUri", "is not base64"


def size_true(resource: Resource) -> Found:
    """W-SIZE: size is about that of the file in bytes, exactly so where derefUri carries it (section 3.2.3)."""
    text = resource.deref_uri
    if text and resource.size is not None and len(text) % 4 == 0:
        carried = len(text) // 4 * 3 - (len(text) - len(text.rstrip("=")))
        if carried != resource.size:
            yield "size", f"is {resource.size} though derefUri carries {carried} bytes"


def size_number(resource: Resource) -> Found:
    """X-NUMBER: size is a whole number of bytes, not below zero (section 3.2.3)."""
    if resource.size is not None and resource.size < 0:
        yield "size", "is below zero"


def _sha1(carried: bytes) -> str:
    return hashlib.sha1(carried, usedforsecurity=False).hexdigest()


def decoded(text: str) -> bytes | None:
    """Give what the base64 text carries, or None where it is none (RFC 4648 section 4)."""
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError:  # binascii.Error, or characters beyond ASCII
        return None


InfoRule = Callable[[Info], Found]
INFO_RULES: tuple[tuple[str, InfoRule], ...] = (
    ("X-REQUIRED", info_required),
    ("X-LANGUAGE", language_tag),
    ("W-HEADLINE-160", headline_160),
    ("W-TEXT-ENTITY", text_entity),
    ("W-TEXT-HTML", text_html),
    ("W-TEXT", text_hidden),
    ("S-URI-SCHEME", web_scheme),
    ("W-EXPIRES-MISSING", expires_missing),
    ("W-ASSESS", response_assess),
)
ResourceRule = Callable[[Resource], Found]
RESOURCE_RULES: tuple[tuple[str, ResourceRule], ...] = (
    ("X-REQUIRED", resource_required),
    ("R-MIME", mime_type),
    ("X-NUMBER", size_number),
    ("S-URI-SCHEME", uri_scheme),
    ("R-DEREF", deref_base64),
    ("R-DIGEST", digest),
    ("W-DIGEST", digest_of_text),
    ("W-SIZE", size_true),
)
