"""Feeds of CAP itself: one alert, Atom, RSS, EDXL-DE, or the bare directory of files that a web server lists."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from urllib.parse import unquote, urlsplit

from lxml import etree

from crisis.cap.document import MOST_BYTES, read_document
from crisis.cap.entry import Entry
from crisis.cap.xml import BOM
from crisis.errors import BadInput
from crisis.feeds.contract import Format, Lists
from crisis.feeds.fields import absolute

COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)
PAGE = re.compile(rb"\s*(?:<\?xml[^>]*\?>\s*)?<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
# From memory: Apache and nginx write "Index of /cap", Python "Directory listing for /cap", IIS "host - /cap/".
LISTING = re.compile(r"\s*(?:index of\b|directory listing (?:for|of)\b|(?![0-9]{3}\b)[\w.:-]+ - /)", re.IGNORECASE)
MOST_BLANKS = 4096
FILE = re.compile(r"\.(?:xml|cap)$", re.IGNORECASE)


def parse(raw: bytes, url: str, now: datetime) -> Sequence[Entry]:
    """Give every alert of the document and every link to one; an entry with neither is refused by name."""
    if PAGE.match(COMMENT.sub(b"", raw.removeprefix(BOM)[:4096])):
        return tuple(_listed(raw, url))
    return parse_document(raw, url, now)


def parse_document(raw: bytes, url: str, now: datetime) -> Sequence[Entry]:
    """Read CAP and what wraps it, but no web page."""
    start = raw.lstrip()
    # Megabytes of blanks would hold up the reader; a few before the document are common and stay as published.
    whole = raw if len(raw) - len(start) <= MOST_BLANKS else start
    return [_whole(entry) for entry in read_document(whole, url).entries]


def _whole(entry: Entry) -> Entry:
    if entry.alert or entry.link or entry.refused:
        return entry
    return replace(entry, refused=f"{entry.where or 'The entry'} holds neither an alert nor a link to one.")


def _listed(raw: bytes, url: str) -> Iterator[Entry]:
    """Read a directory listing; any other page is an error page of somebody's server, not a feed."""
    page = _page(raw)
    titles = [etree.tostring(found, method="text", encoding=str) for found in page.iter("title", "h1")]
    if not any(LISTING.match(title) for title in titles):
        raise BadInput("X-FEED: this is a web page, neither CAP nor a listing of CAP files; check the feed's address.")
    seen: set[str] = set()
    for anchor in page.iter("a"):
        link = absolute(url, anchor.get("href") or "").partition("#")[0]
        if link and link not in seen and _is_file_of(link, url):
            seen.add(link)
            where = f"a[{len(seen) - 1}]"
            yield Entry(raw=link.encode(), where=where, guid=unquote(link.rpartition("/")[2])[:500], link=link)


def _is_file_of(link: str, url: str) -> bool:
    """Only files in the directory itself count: parents, sorting links and other hosts do not."""
    here, there = urlsplit(url), urlsplit(link)
    inside = there.path.startswith(here.path.rpartition("/")[0] + "/")
    return there.netloc == here.netloc and inside and not there.query and bool(FILE.search(there.path))


def _page(raw: bytes) -> etree._Element:
    if len(raw) > MOST_BYTES:
        raise BadInput(f"S-SIZE: the page is larger than {MOST_BYTES // 1024 // 1024} MB and was not read.")
    try:
        page = etree.fromstring(raw, etree.HTMLParser(no_network=True, huge_tree=False, remove_comments=True))
    except (etree.LxmlError, ValueError, AssertionError):
        page = None
    if page is None:
        raise BadInput("X-FEED: this is a web page that cannot be read; check the feed's address.")
    return page


FORMAT = Format(
    parse=parse,
    says="CAP 1.0 to 1.2: one alert, Atom, RSS, EDXL-DE, or a directory of CAP files that a web server lists",
    accept="application/cap+xml, application/atom+xml, application/rss+xml, application/xml;q=0.9, text/xml;q=0.8,"
    " text/html;q=0.1",
    lists=Lists.LATEST,
)
