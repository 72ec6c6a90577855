"""Decides which of an index entry's links leads to its CAP document, and makes it absolute."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

CAP_TYPES = {"application/cap+xml", "application/common-alerting-protocol+xml"}
XML_TYPES = {"application/xml", "text/xml"}
ELSEWHERE = {"hub", "license", "author", "edit", "edit-media", "replies", "search", "next", "prev", "first", "last"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One link as an entry gives it; `rel` and `type` as RFC 4287 section 4.2.7 means them."""

    href: str
    type: str = ""
    rel: str = "alternate"

    @property
    def kind(self) -> str:
        return self.type.partition(";")[0].strip().lower()


def best(links: list[Link]) -> str:
    """Choose the link that most likely leads to the alert; empty if none can."""
    fit = [link for link in links if link.href and link.rel not in ELSEWHERE]
    return min(fit, key=_rank).href if fit else ""


def page(links: list[Link]) -> str:
    """Choose the link for people to read."""
    fit = [link.href for link in links if link.kind in {"", "text/html"} and link.rel == "alternate"]
    return next((href for href in fit if is_web(href)), "")


def absolute(href: str, *bases: str) -> str:
    """Resolve a link against its bases, the document's own address first; one that cannot be stays as it is."""
    base = ""
    try:
        for one in bases:
            base = urljoin(base, one) if one else base
        return urljoin(base, href.strip())
    except ValueError:
        return href


def is_web(href: str) -> bool:
    """Tell whether an address is a whole http or https one."""
    try:
        parts = urlsplit(href)
    except ValueError:
        return False
    return parts.scheme.lower() in {"http", "https"} and bool(parts.netloc)


def _rank(link: Link) -> int:
    if link.kind in CAP_TYPES:
        return 0
    named = link.href.lower().partition("?")[0].endswith((".cap", ".xml"))
    if (named or link.kind in XML_TYPES or link.kind == "application/atom+xml") and link.rel != "self":
        return 1
    ranks = {"alternate": 2, "enclosure": 4, "self": 5}
    return ranks.get(link.rel, 3)
