"""Decides what is wrong with an info and its resources: required parts, words, addresses, files."""

from __future__ import annotations

import binascii
import hashlib
import re
from collections.abc import Callable
from html.entities import html5

from crisis.cap.nouns import Info, Resource, ResponseType
from crisis.cap.rules_alert import Found

LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")
SHA1 = re.compile(r"[0-9A-Fa-f]{40}")
MIME = re.compile(r"[\w.+-]+/[\w.+-]+(\s*;.*)?", re.ASCII)
HIDING = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff"
# What may stand in an address as it is: RFC 3986, and what browsers and RFC 3987 take besides, such as | or letters
# beyond ASCII; no blanks, control characters, double quotes, brackets.
NEVER = rf"\s{HIDING}\"<>\\\[\]%"
PERCENT = "%[0-9A-Fa-f]{2}"


def _any_but(more: str) -> str:
    return rf"[^{NEVER}{more}]*(?:{PERCENT}[^{NEVER}{more}]*)*"


TAIL = rf"(?:\?{_any_but('#')})?(?:#{_any_but('#')})?"
HOST = rf"(?:\[[0-9A-Fa-f:.]+\]|[^\W_][^{NEVER}/?#@:]*)"
WEB = re.compile(rf"(?i:https?)://(?:{_any_but('/?#@')}@)?{HOST}(?::[0-9]{{1,5}})?(?:/{_any_but('?#')})?{TAIL}")
PLAIN_WEB = re.compile(r"https?://[A-Za-z0-9][A-Za-z0-9.-]*(?:/[A-Za-z0-9._~/-]*)?")  # of WEB, and twice as fast
RELATIVE = re.compile(rf"(?!//){_any_but(':?#')}{TAIL}")
LONGEST = 2_000  # characters of an address; more than browsers and phones open
ENTITY = re.compile(r"&(?:(#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6})|([A-Za-z][A-Za-z0-9]{1,31}));")
ELEMENTS = (
    "a abbr acronym address applet area article aside audio b base basefont bdi bdo big blink blockquote body br "
    "button canvas caption center cite code col colgroup data datalist dd del details dfn dialog dir div dl dt em "
    "embed fieldset figcaption figure font footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html i "
    "iframe img input ins kbd label legend li link main map mark marquee menu meta meter nav nobr noframes noscript "
    "object ol optgroup option output p param picture pre progress q rp rt ruby s samp script search section select "
    "slot small source span strike strong style sub summary sup svg table tbody td template textarea tfoot th thead "
    "time title tr track tt u ul var video wbr"
)
TAG = re.compile(rf"</?(?:{ELEMENTS.replace(' ', '|')})(?:\s[^<>]*)?/?>", re.IGNORECASE)
HIDDEN = re.compile(f"[{HIDING}]")
WORDS = ("event", "senderName", "headline", "description", "instruction", "contact", "audience")
HEADLINE = 160  # characters, CAP 1.2 section 3.2.2


def _words(info: Info) -> tuple[str, ...]:
    said = (info.event, info.sender_name, info.headline, info.description, info.instruction)
    return (*said, info.contact, info.audience)


def _where(hit: Callable[[str], object], info: Info, says: str) -> Found:
    return ((name, says) for name, text in zip(WORDS, _words(info), strict=True) if hit(text))


def holds_entity(text: str) -> bool:
    """Tell whether people would read &amp; or &#176; or another entity that HTML has."""
    return any(number or f"{name};" in html5 for number, name in ENTITY.findall(text))


def holds_tags(text: str) -> bool:
    """Tell whether there is a tag of HTML; <see the map> and <a@b.id> are none."""
    return TAG.search(text) is not None


def is_web(address: str) -> bool:
    """Tell whether this is a whole http or https address with a host."""
    return len(address) <= LONGEST and (PLAIN_WEB.fullmatch(address) or WEB.fullmatch(address)) is not None


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
        yield from _where(holds_entity, info, "holds an entity that was escaped twice")


def text_html(info: Info) -> Found:
    """W-TEXT-HTML: words are plain text, not HTML (sections 3.2.2 and 3.3.1)."""
    if "<" in "".join(_words(info)):
        yield from _where(holds_tags, info, "holds HTML tags")


def text_hidden(info: Info) -> Found:
    """W-TEXT: words hold no control, direction or zero-width character that hides or turns them (Unicode TR 36)."""
    # What is printable is not hidden; asking that first is ten times as fast.
    if not "".join(_words(info)).replace("\n", "").isprintable():
        yield from _where(HIDDEN.search, info, "holds control or direction characters")


def web_scheme(info: Info) -> Found:
    """S-URI-SCHEME: web is a whole http or https address (section 3.2.2); no other is safe to show."""
    if info.web and not is_web(info.web):
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
    carried = bool(resource.deref_uri) and len(resource.uri) <= LONGEST and RELATIVE.fullmatch(resource.uri)
    if resource.uri and not carried and not is_web(resource.uri):
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


def size_number(resource: Resource) -> Found:
    """X-NUMBER: size is a whole number of bytes, not below zero (section 3.2.3)."""
    if resource.size is not None and resource.size < 0:
        yield "size", "is below zero"


def is_of_lines(digest: str, text: str) -> bool:
    """Tell whether a digest is that of base64 text with its line breaks, however they were spelt, not of the file."""
    carried = decoded("".join(text.split()))
    if carried is not None and digest.lower() == _sha1(carried):
        return False
    bare = text.strip()
    spelt = {text, bare, "\n".join(line.strip() for line in bare.splitlines())}
    ended = {one + end for one in spelt for end in ("", "\n")}
    ended |= {one.replace("\n", "\r\n") for one in ended}
    return digest.lower() in {_sha1(one.encode("utf-8", "replace")) for one in ended}


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
)
