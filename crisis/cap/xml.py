"""Decides whether untrusted XML may be parsed at all: no DOCTYPE, no entities, not huge, not deep."""

from __future__ import annotations

from lxml import etree

from crisis.errors import BadInput

MOST_BYTES = 8 * 1024 * 1024
DEEPEST = 100
BOM = b"\xef\xbb\xbf"


class _Stop(Exception):
    """Ends the first pass as soon as the document is known to be refused."""


class _Guard:
    """Walks the document as it is parsed, without building anything."""

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


def parse_untrusted(raw: bytes, *, most_bytes: int = MOST_BYTES) -> etree._Element:
    """Parse XML from strangers without entities, network or DTD; comments are left out.

    Raises BadInput in one sentence, before any tree is built, for what is unsafe or not well-formed.
    """
    if len(raw) > most_bytes:
        raise BadInput(f"S-SIZE: the XML is larger than {most_bytes // 1024} KB and was not read.")
    raw = raw.removeprefix(BOM).lstrip(b" \t\r\n")
    try:
        etree.fromstring(raw, _parser(_Guard()))
        return etree.fromstring(raw, _parser(None))
    except _Stop as stop:
        raise BadInput(f"{stop}; it was not read.") from None
    except (etree.XMLSyntaxError, ValueError) as error:
        raise BadInput(f"S-MALFORMED: the XML is not well-formed ({_first_line(error)}).") from None


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


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else "nothing in it"
