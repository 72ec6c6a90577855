"""Decides whether untrusted XML may be parsed at all: no DOCTYPE, no entities, not huge, not deep."""

from __future__ import annotations

import re

from lxml import etree

from crisis.errors import BadInput

MOST_BYTES = 8 * 1024 * 1024
BYTES_A_TAG = 16  # a document at its largest has at most one tag or attribute in so many bytes: trees cost memory
DEEPEST = 100
BOM = b"\xef\xbb\xbf"
BLANKS = b" \t\r\n"
BLANK = {b" ", b"\t", b"\r", b"\n"}
DECLARED = re.compile(rb"<\?xml[^>]*?\bencoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")
# Encodings in which the bytes of <!DOCTYPE can mean nothing else and nothing else can mean <!DOCTYPE.
PLAIN = re.compile(rb"(?i)utf-?8|(us-)?ascii|iso-?8859-?[0-9]+|latin-?1|windows-125[0-9]|cp125[0-9]")


class _Stop(Exception):
    """Ends the guarding pass as soon as the document is known to be refused."""


class _Guard:
    """Walks a document as it is parsed, without building anything."""

    def __init__(self) -> None:
        self.depth = 0

    def doctype(self, *_: object) -> None:
        raise _Stop("S-DTD: it has a DOCTYPE, which an alert never needs and attacks do")

    def start(self, *_: object) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise _Stop(f"S-DEPTH: its elements are nested more than {DEEPEST} deep")

    def end(self, *_: object) -> None:
        self.depth -= 1

    def data(self, *_: object) -> None:
        """Text is not looked at here."""

    def comment(self, *_: object) -> None:
        """Comments are not looked at here."""

    def close(self) -> None:
        """End of the document: nothing was built, nothing is given."""


def _parser(guard: _Guard | None) -> etree.XMLParser:
    return etree.XMLParser(
        target=guard,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )


PARSER = _parser(None)
TOO_DEEP = etree.XPath("boolean(" + "/*" * (DEEPEST + 1) + ")")


def parse_untrusted(raw: bytes, *, most_bytes: int = MOST_BYTES) -> etree._Element:
    """Parse XML from strangers without entities, network or DTD; comments are left out.

    Raises BadInput in one sentence that begins with the rule: S-SIZE, S-DTD, S-DEPTH or S-MALFORMED. A
    DOCTYPE is refused before anything in it is read, in whatever encoding it is written.
    """
    if len(raw) > most_bytes:
        raise BadInput(f"S-SIZE: the XML is larger than {most_bytes // 1024} KB and was not read.")
    raw = raw.removeprefix(BOM).lstrip(BLANKS)
    try:
        refuse_crowd(raw, most_bytes)
        if not no_doctype(raw):
            etree.fromstring(raw, _parser(_Guard()))
        root = etree.fromstring(raw, PARSER)
        refuse_depth(root, raw)
    except _Stop as stop:
        raise BadInput(f"{stop}; it was not read.") from None
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        raise BadInput(malformed(error)) from None
    return root


def late_prolog(raw: bytes) -> str:
    """W-PROLOG: the XML declaration stands at the very beginning (XML 1.0 section 2.8); say what is before it."""
    raw = raw.removeprefix(BOM)
    late = raw[:1] in BLANK and raw.lstrip(BLANKS).startswith(b"<?xml")
    return "there are blanks before the XML declaration; they were ignored" if late else ""


def no_doctype(raw: bytes) -> bool:
    """S-DTD: know from the bytes alone that there is no DOCTYPE; False asks for a pass that stops at the first.

    Refused because entities read files, call hosts and swell (XML 1.0 section 2.8; CAP 1.2 needs none).
    """
    # One byte is found ten times as fast as nine, and most alerts have no exclamation mark.
    if (b"!" in raw and b"<!DOCTYPE" in raw) or raw[:1] != b"<" or b"\0" in raw[:4]:
        return False
    if not raw.startswith(b"<?xml"):
        return True
    head = raw[:200]
    declared = DECLARED.match(head)
    return PLAIN.fullmatch(declared[1]) is not None if declared else b"encoding" not in head[: head.find(b"?>")]


def refuse_crowd(raw: bytes, most_bytes: int = MOST_BYTES) -> None:
    """S-SIZE: refuse markup whose XML tree were far larger than its bytes: a million empty elements or attributes."""
    most = most_bytes // BYTES_A_TAG
    if len(raw) > most and raw.count(b"<") + raw.count(b"=") > most:
        raise _Stop(f"S-SIZE: it has more than {most} tags and attributes")


def refuse_depth(root: etree._Element, raw: bytes) -> None:
    """S-DEPTH: refuse XML nested deeper than any alert, feed or signature; each level opens and closes: few tags do."""
    if raw.count(b"<") > 2 * DEEPEST and TOO_DEEP(root):
        raise _Stop(f"S-DEPTH: its elements are nested more than {DEEPEST} deep")


def malformed(error: Exception) -> str:
    """S-MALFORMED: say why bytes are no XML (XML 1.0): cut short, wrong for their encoding; or which limit they met."""
    says = str(error).splitlines()[0][:200] if str(error) else "nothing in it"
    if "depth" in says:
        return f"S-DEPTH: its elements are nested more than {DEEPEST} deep; it was not read."
    if "huge" in says.lower() or "limit" in says:
        return f"S-SIZE: one part of the XML is larger than the parser takes ({says})."
    return f"S-MALFORMED: the XML is not well-formed ({says})."
