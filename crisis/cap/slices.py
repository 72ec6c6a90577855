"""Finds the bytes of an element as they stand in the document: signatures hold over these, not over a rewriting."""

from __future__ import annotations

from functools import cached_property
from xml.parsers import expat

from lxml import etree

from crisis.cap.xml import BOM

NAMES = frozenset({"alert", "entry", "item", "contentObject"})  # the elements whose bytes somebody may want
Span = tuple[int, int]


class Original:
    """One document: its bytes, and its tree as parse_untrusted made it of these very bytes."""

    def __init__(self, raw: bytes, root: etree._Element) -> None:
        self.raw = raw.removeprefix(BOM).lstrip(b" \t\r\n")
        self.root = root
        self.told: dict[tuple[etree._Element, str], str] = {}  # what distributions in it say of themselves
        self.encoding = root.getroottree().docinfo.encoding or "UTF-8"

    def of(self, element: etree._Element) -> bytes:
        """Give the bytes of an element as published, in UTF-8; rewritten canonically where they cannot be found.

        They stand alone only if the element declares every namespace it uses; see standing_alone.
        """
        start, end = self._spans.get(element, (0, 0))
        try:
            return self.raw[start:end].decode(self.encoding).encode() or standing_alone(element)
        except (LookupError, UnicodeError):
            return standing_alone(element)

    @cached_property
    def _spans(self) -> dict[etree._Element, Span]:
        wanted = [part for part in self.root.iter("*") if etree.QName(part).localname in NAMES]
        try:
            spans = _find(self.raw)
        except (expat.ExpatError, LookupError, ValueError):
            return {}
        return dict(zip(wanted, spans, strict=True)) if len(wanted) == len(spans) else {}


def standing_alone(element: etree._Element) -> bytes:
    """Write an element as a document of its own: exclusive canonical XML, which many signatures survive."""
    return etree.tostring(element, method="c14n", exclusive=True, with_comments=False, with_tail=False)


def _find(raw: bytes) -> list[Span]:
    """Find where each wanted element starts and ends, in the order in which they start."""
    parser = expat.ParserCreate()
    spans: list[Span] = []
    unfinished: list[int] = []

    def start(name: str, _: object) -> None:
        if name.rpartition(":")[2] in NAMES:
            unfinished.append(len(spans))
            spans.append((parser.CurrentByteIndex, 0))

    def end(name: str) -> None:
        if name.rpartition(":")[2] in NAMES:
            at = unfinished.pop()
            spans[at] = (spans[at][0], _end(raw, parser.CurrentByteIndex, name))

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.Parse(raw, True)
    return spans


def _end(raw: bytes, at: int, name: str) -> int:
    """For <a></a> the parser stands before the end tag, for <a/> already behind it."""
    return raw.index(b">", at) + 1 if raw.startswith(b"</" + name.encode(), at) else at
