"""Fetches what a feed publishes: asks only for what changed, only where it may, and never more than it can hold."""

from __future__ import annotations

import asyncio
import base64
import errno
import ipaddress
import os
import re
import socket
import zlib
from collections.abc import Collection, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from crisis.errors import CrisisError
from crisis.feeds.lookup import Lookup

FEED_BYTES = 32 * 2**20  # the largest real one is 9.4 MB; a limit that is too low silently means "no alerts"
LINK_BYTES = 8 * 2**20  # one alert; the largest real one is 1.7 MB
WITHIN = 20.0  # seconds for the whole of it, redirects included
REDIRECTS = 3
PIECE = 2**16
USER_AGENT = "crisis-broadcast (reader of public alert feeds)"
MOVED = (301, 302, 303, 307, 308)
TRY_LATER = (408, 425, 429)  # of the 4xx: those that say nothing about the document itself
NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: the last four bytes are an IPv4 address

# Whether this task may be led to addresses that are not on the public internet: true for a feed's own host only.
_inside: ContextVar[bool] = ContextVar("inside", default=False)


class CannotRead(CrisisError):
    """Nothing could be read; `retry_after` is what the other side asked for, `lasting` that asking again won't help."""

    def __init__(self, says: str, *, retry_after: timedelta | None = None, lasting: bool = False) -> None:
        super().__init__(printable(says))
        self.retry_after, self.lasting = retry_after, lasting


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What came; `unchanged` is a 304 to our question: the body is empty and the last one still holds."""

    status: int
    body: bytes
    etag: str
    last_modified: str
    unchanged: bool
    url: str  # where it came from in the end


def open_session() -> aiohttp.ClientSession:
    """Open the one session of all feeds; close it when the service stops."""
    # A connection is not kept: one that was opened to a feed's own host in the office's network must not serve
    # a link of another feed, and the next poll is a minute away anyway.
    connector = aiohttp.TCPConnector(resolver=_Guarded(), use_dns_cache=False, force_close=True, limit=64)
    return aiohttp.ClientSession(
        connector=connector,
        auto_decompress=False,  # done here, piece by piece, so that a bomb never unfolds
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": USER_AGENT, "Accept-Encoding": "gzip"},
    )


async def fetch(  # noqa: PLR0913 - each is one thing a caller knows
    session: aiohttp.ClientSession,
    url: str,
    *,
    own: str = "",
    etag: str = "",
    last_modified: str = "",
    accept: str = "*/*",
    hosts: Collection[str] = (),
    most_bytes: int = FEED_BYTES,
    timeout: float = WITHIN,
) -> Fetched:
    """Fetch a feed, or what its document at `own` links to; raise CannotRead with one sentence for whatever fails.

    https only, but where the feed's own address is http or on this machine. Redirects, three at most, and links
    lead to the feed's own host or to one of `hosts`; a name that resolves to an address that is not on the public
    internet is refused unless it is the feed's own host. The limit holds for what is unpacked, too.
    """
    asked = {"Accept": accept}
    asked |= {"If-None-Match": etag} if etag else {}
    asked |= {"If-Modified-Since": last_modified} if last_modified else {}
    try:
        async with asyncio.timeout(timeout):
            return await _follow(session, url, own or url, asked, frozenset(h.lower() for h in hosts), most_bytes)
    except TimeoutError:
        raise CannotRead(f"{shown(url)} did not answer in full within {timeout:g} seconds") from None
    except aiohttp.ClientError as error:
        raise CannotRead(f"{shown(url)} cannot be read: {_reason(error)}") from error
    except (OSError, ValueError, zlib.error) as error:
        raise CannotRead(f"{shown(url)} cannot be read: {_reason(error)}") from error


async def _follow(
    session: aiohttp.ClientSession,
    url: str,
    own: str,
    asked: Mapping[str, str],
    hosts: Collection[str],
    most_bytes: int,
) -> Fetched:
    at = url
    for _ in range(REDIRECTS + 1):
        place = _allowed(at, own, hosts)
        _inside.set(place.hostname == urlsplit(own).hostname)
        headers = {**asked, **_account(place, own)}
        async with session.get(bare(at), headers=headers, allow_redirects=False) as reply:
            if reply.status not in MOVED or "Location" not in reply.headers:
                return await _taken(reply, at, asked, most_bytes)
            at = urljoin(at, reply.headers["Location"])
    raise CannotRead(f"{shown(url)} redirects more than {REDIRECTS} times", lasting=True)


def _allowed(url: str, own: str, hosts: Collection[str]) -> SplitResult:
    """Give the parts of an address we may go to; raise CannotRead naming what would have to be allowed."""
    place, home = urlsplit(url), urlsplit(own)
    host = place.hostname or ""
    if not host or place.scheme not in ("http", "https"):
        raise CannotRead(f"{shown(url)} is not an address of the web", lasting=True)
    if place.scheme == "http" and home.scheme != "http" and not _is_loopback(host):
        raise CannotRead(f"{shown(url)} leads from https to http, where anybody could change it", lasting=True)
    if host != home.hostname and host not in hosts:
        raise CannotRead(f"{shown(url)} is on {host}, where this feed may not lead: add --host {host}", lasting=True)
    if host != home.hostname and _is_address(host) and not is_public(host):
        raise CannotRead(f"{shown(url)} is an address inside a network, not of the public internet", lasting=True)
    return place


def _account(place: SplitResult, own: str) -> dict[str, str]:
    """The name and password of the feed's address go to exactly that server, and nowhere else a document leads."""
    home = urlsplit(own)
    if home.username is None or (place.scheme, place.hostname, place.port) != (home.scheme, home.hostname, home.port):
        return {}
    pair = f"{unquote(home.username)}:{unquote(home.password or '')}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


async def _taken(reply: aiohttp.ClientResponse, url: str, asked: Mapping[str, str], most_bytes: int) -> Fetched:
    asked_for_change = "If-None-Match" in asked or "If-Modified-Since" in asked
    unchanged = reply.status == 304 and asked_for_change
    if reply.status != 200 and not unchanged:
        raise CannotRead(
            f"{shown(url)} answered {reply.status} {(reply.reason or '')[:60]}".rstrip(),
            retry_after=_retry_after(reply.headers.get("Retry-After", ""), datetime.now(UTC)),
            lasting=400 <= reply.status < 500 and reply.status not in TRY_LATER,
        )
    return Fetched(
        status=reply.status,
        body=b"" if unchanged else await _body(reply, url, most_bytes),
        etag=reply.headers.get("ETag", asked.get("If-None-Match", "") if unchanged else ""),
        last_modified=reply.headers.get("Last-Modified", asked.get("If-Modified-Since", "") if unchanged else ""),
        unchanged=unchanged,
        url=url,
    )


async def _body(reply: aiohttp.ClientResponse, url: str, most_bytes: int) -> bytes:
    packed = reply.headers.get("Content-Encoding", "").strip().lower()
    if packed not in ("", "identity", "gzip", "x-gzip", "deflate"):
        raise CannotRead(f"{shown(url)} came packed as {packed[:20]!r}, which was not asked for")
    unpack = _Unpacked(url, most_bytes) if packed not in ("", "identity") else _Whole(url, most_bytes)
    async for piece in reply.content.iter_chunked(PIECE):
        unpack.feed(piece)
    return unpack.end()


class _Whole:
    """Collects a body up to its limit."""

    def __init__(self, url: str, most_bytes: int) -> None:
        self._url, self._most, self._got = url, most_bytes, bytearray()

    def feed(self, piece: bytes) -> None:
        self._got += piece
        if len(self._got) > self._most:
            raise CannotRead(f"{shown(self._url)} is larger than {self._most / 2**20:g} MB", lasting=True)

    def end(self) -> bytes:
        return bytes(self._got)


class _Unpacked(_Whole):
    """As above, unpacking gzip (RFC 1952, members after one another too) or zlib on the way."""

    def __init__(self, url: str, most_bytes: int) -> None:
        super().__init__(url, most_bytes)
        self._member = zlib.decompressobj(47)  # 32 + 15: either header

    def feed(self, piece: bytes) -> None:
        more = True
        while more:
            if self._member.eof:
                if not piece.strip(b"\0"):  # nothing, or padding after the last member
                    return
                self._member = zlib.decompressobj(47)
            out = self._member.decompress(piece, PIECE)
            super().feed(out)
            piece = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
            more = bool(piece) or len(out) == PIECE  # a full piece: zlib may hold back some more

    def end(self) -> bytes:
        if not self._member.eof:
            raise CannotRead(f"{shown(self._url)} broke off in the middle")
        return super().end()


class _Guarded(AbstractResolver):
    """Resolves names, and refuses those that lead inside where the task at hand may not go.

    The connection is made to the very addresses checked here, so a name cannot change its mind in between.
    """

    def __init__(self) -> None:
        self._resolver = Lookup()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        if not _inside.get() and not all(is_public(place["host"]) for place in found):
            raise CannotRead(f"{host} leads inside a network, not to the public internet", lasting=True)
        return found

    async def close(self) -> None:
        await self._resolver.close()


def is_public(address: str) -> bool:
    """Tell whether an IP address is one of the public internet, whatever it is wrapped in."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
        if found in NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return found.is_global and not found.is_multicast


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    return host == "localhost" or (_is_address(host) and ipaddress.ip_address(host.partition("%")[0]).is_loopback)


def _retry_after(given: str, now: datetime) -> timedelta | None:
    """Read Retry-After (RFC 9110, section 10.2.3): seconds, or a date; None where it says nothing sensible."""
    try:
        if re.fullmatch(r"\d{1,7}", given.strip()):
            return timedelta(seconds=int(given))
        moment = parsedate_to_datetime(given)
        return max(moment.replace(tzinfo=moment.tzinfo or UTC) - now, timedelta(0))
    except (TypeError, ValueError, OverflowError):
        return None


def printable(text: str) -> str:
    """Give a text that can be stored and shown: control signs and halves of characters become a replacement sign."""
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in text)


def bare(url: str) -> str:
    """Give an address without the name and password in it: what a document's links are made absolute against."""
    place = urlsplit(url)
    return place._replace(netloc=place.netloc.rpartition("@")[2]).geturl()


def shown(url: str) -> str:
    """Give an address as it may be shown and logged: without password, and without what its query may hide."""
    try:
        place = urlsplit(url)
        host = place.hostname or ""
        port = f":{place.port}" if place.port else ""
    except ValueError:
        return "an address that cannot be read"
    query = "?..." if place.query else ""
    return f"{place.scheme}://{f'[{host}]' if ':' in host else host}{port}{place.path}{query}"[:300]


NO_WAY = {
    errno.ECONNREFUSED: "nothing answers there, the connection was refused",
    errno.ECONNRESET: "it hung up",
    errno.EPIPE: "it hung up",
    errno.ETIMEDOUT: "nothing answers there",
    errno.EHOSTUNREACH: "the network knows no way there",
    errno.ENETUNREACH: "the network knows no way there: is this machine online?",
}


def _reason(error: BaseException) -> str:
    """Say in words of its own why a connection failed, never with the address, which may hold a password."""
    table: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str], ...] = (
        (aiohttp.ClientConnectorCertificateError, "its certificate is not to be trusted"),
        (aiohttp.ClientSSLError, "no secure connection can be made"),
        (aiohttp.ClientConnectorDNSError, "its name cannot be found"),
        (aiohttp.ClientPayloadError, "it broke off in the middle"),
        (aiohttp.ServerDisconnectedError, "it hung up without an answer"),
        (aiohttp.InvalidURL, "it is no address of the web"),
        (aiohttp.ClientResponseError, "it does not speak HTTP as it should"),
        (zlib.error, "it is not packed as it says"),
    )
    for kind, says in table:
        if isinstance(error, kind):
            return says
    number: Any = getattr(error, "errno", None)
    known = os.strerror(number) if isinstance(number, int) and number > 0 else "the connection failed"
    return NO_WAY.get(number, known)
