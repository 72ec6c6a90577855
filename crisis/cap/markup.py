"""Finds what stands in an alert beside its elements and their words: attributes, and text between elements."""

from __future__ import annotations

from collections import Counter

from lxml import etree

from crisis.cap.read_part import BY_NAME, SIGNATURE, VERSIONS, Log

ANY = ("", *VERSIONS)
MANY = {place.name for names in BY_NAME.values() for place in names.values() if place.how in {"*", "+"}}
BLANKS = " \t\r\n"
XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
AT_ROOT = "{http://www.w3.org/XML/1998/namespace}lang"
# Asked of the parser's own tree, in time that grows with it, which is far quicker than a walk. Attributes of a
# signature are its own.
SOMETHING = etree.XPath(
    "boolean(*[not(self::ds:Signature)]/descendant-or-self::*/@*)"
    " or boolean(descendant-or-self::*[*]/text()[normalize-space()])",
    namespaces={"ds": SIGNATURE[1:].partition("}")[0]},
)


def note_strange(alert: etree._Element, log: Log) -> None:
    """X-UNKNOWN: an alert is made of elements and their words alone; CAP has no attributes (section 3.4, the XSD).

    What every schema allows passes: declared namespaces, xsi:schemaLocation, and xml:lang on the alert.
    """
    if any(_is_strange(name) and name != AT_ROOT for name in alert.attrib):
        log.note("alert", "X-UNKNOWN", "has an attribute, which CAP has nowhere; it was not read")
    if SOMETHING(alert):
        _words_between(alert, "alert", log)
        _walk(alert, "", log)


def _walk(parent: etree._Element, under: str, log: Log) -> None:
    seen: Counter[str] = Counter()
    for child in parent:
        namespace, _, name = str(child.tag).rpartition("}")
        if namespace[1:] not in ANY:
            continue
        where = f"{under}{name[:40]}[{seen[name]}]" if name in MANY else under + name[:40]
        seen[name] += 1
        if any(map(_is_strange, child.attrib)):
            log.note(where, "X-UNKNOWN", "has an attribute, which CAP has nowhere; it was not read")
        _words_between(child, where, log)
        _walk(child, f"{where}/", log)


def _words_between(element: etree._Element, where: str, log: Log) -> None:
    if len(element) and any(text and text.strip(BLANKS) for text in (element.text, *[one.tail for one in element])):
        log.note(where, "X-UNKNOWN", "has words between its elements, where CAP has none; they were not read")


def _is_strange(name: str | bytes) -> bool:
    return not str(name).startswith(XSI) or str(name) == XSI + "nil"
