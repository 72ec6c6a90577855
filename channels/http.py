"""Speaks HTTP for channels: one session a channel, and one rule from a reply (or its lack) to a SendError.

No redirect is ever followed, no cookie kept, and no address of a request appears in an error: some
providers carry the account's secret in it.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

import aiohttp

from channels.contract import Misconfigured, Refused, SendError, Throttled, Unavailable, Unsure

LARGEST_BODY: Final = 2_000_000  # bytes; a provider's reply is a few hundred
LONGEST_WAIT: Final = 86_400.0  # seconds; an alert is over before, and a wild figure must not stop us
NOT_TAKEN: Final = frozenset({408, 425})  # the server says it did not get to the request: worth another try


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Where a provider is and who we are there, from an account URL; never shows its secret."""

    origin: str
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def token(self) -> str:
        """The secret of providers that know one: a token with a colon in it looks like user and password."""
        return ":".join(filter(None, (self.user, self.password)))

    def number(self, name: str) -> float:
        """Read a setting as a number above zero; Misconfigured names the setting."""
        try:
            value = float(self.settings[name])
        except ValueError:
            value = math.nan
        if not 0 < value < math.inf:
            raise Misconfigured(f"{name}={self.settings[name]} must be a number above zero", code=name)
        return value


def account(url: str, name: str, *, secret: bool = True, **settings: str) -> Account:
    """Take an account URL apart; `settings` are the known query fields with their defaults.

    A secret travels over https only, or over http to this machine. Raises Misconfigured in one sentence
    that starts with the channel's name and holds nothing of the URL but the names of its query fields.
    """
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname or "", parts.port
        query = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError:
        host, port, query = "", None, {}
    says = _flaw(parts.scheme, host, secret, bool(parts.username)) if host else "its URL cannot be read"
    if unknown := sorted(set(query) - set(settings)):
        says = says or f"unknown setting {unknown[0]!r}; known: {', '.join(sorted(settings)) or 'none'}"
    if says:
        raise Misconfigured(f"{name}: {says}", code="bad account URL")
    place = f"[{host}]" if ":" in host else host
    return Account(
        origin=f"{parts.scheme}://{place}" + (f":{port}" if port else ""),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        settings={**settings, **query},
    )


def _flaw(scheme: str, host: str, secret: bool, known: bool) -> str:
    if scheme not in ("http", "https"):
        return "its URL must start with https://"
    if secret and not known:
        return "its URL has no token; write https://TOKEN@host/"
    if secret and scheme == "http" and not _is_this_machine(host):
        return "a token is sent over https only; write https:// in its URL"
    return ""


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An HTTP reply, whole; `at` is when the server wrote it, by the server's own clock."""

    status: int
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # found in any case of letters
    at: datetime

    def json(self) -> dict[str, Any]:
        """Read the body as a JSON object; an empty one if it is anything else."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}


def fault(
    reply: Reply, *, says: str = "", after: float | None = None, denied: type[SendError] = Misconfigured
) -> SendError | None:
    """Judge a reply: None if the provider took the request, else what went wrong by what to do about it.

    `says` is the provider's sentence and `after` its wait in seconds when they are in the body;
    `denied` is what 401 and 403 mean on this channel (RFC 9110 sections 10.2.3 and 15, RFC 6585 section 4).
    """
    code = str(reply.status)
    text = f"HTTP {code}: {says}" if says else f"HTTP {code}"
    match reply.status:
        case status if 200 <= status < 300:
            return None
        case 301 | 308:
            return Misconfigured(f"{text}: the server has moved; mend the account URL", code=code)
        case 401 | 403:
            return denied(text, code=code)
        case 429:
            return Throttled(text, code=code, after=asked_wait(reply, after))
        case 503 if after is not None or "Retry-After" in reply.headers:
            return Throttled(text, code=code, after=asked_wait(reply, after))
        case status if 400 <= status < 500 and status not in NOT_TAKEN:
            return Refused(text, code=code)
        case _:
            return Unavailable(text, code=code)


def asked_wait(reply: Reply, after: float | None = None) -> float | None:
    """Read how many seconds the provider asks us to wait; None if it does not say so that we understand.

    The body's own figure goes before Retry-After (seconds or an HTTP date), that before X-RateLimit-Reset
    (an ISO time, an epoch, or seconds to go). Times are held against the reply's own clock, not ours.
    """
    for seconds in (
        after,
        _wait(reply.headers.get("Retry-After", ""), reply.at),
        _wait(reply.headers.get("X-RateLimit-Reset", ""), reply.at),
    ):
        if seconds is not None and not math.isnan(seconds):
            return min(max(seconds, 0.0), LONGEST_WAIT)
    return None


def _wait(value: str, at: datetime) -> float | None:
    value = value.strip()
    if re.fullmatch(r"\d{1,18}(\.\d+)?", value, re.ASCII):
        seconds = float(value)
        return seconds - at.timestamp() if seconds > 1_000_000_000 else seconds  # no wait is 30 years
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = read(value)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return (aware - at).total_seconds()
    return None


class Http:
    """One channel's way to one server: the same origin for every request, never another."""

    def __init__(
        self,
        origin: str,
        *,
        secrets: tuple[str, ...] = (),
        headers: Mapping[str, str] | None = None,
        concurrency: int = 20,
        timeout: float = 20.0,
    ) -> None:
        self._origin = origin
        self._secrets = tuple(filter(None, secrets))
        self._headers = dict(headers or {})
        self._concurrency = concurrency
        self._timeout = timeout
        self._session: aiohttp.ClientSession | None = None

    def __repr__(self) -> str:
        return f"Http({self._origin!r})"

    async def open(self) -> None:
        """Make the session; connects to nothing yet. Safe to call twice."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                # One connection more than sends in flight, for a long poll. A short keep-alive: a server
                # that closes a connection just as we write leaves the send in doubt.
                connector=aiohttp.TCPConnector(limit=self._concurrency + 1, keepalive_timeout=4),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=self._headers,
                trace_configs=[_trace()],
            )

    async def close(self) -> None:
        """Close the session; safe to call twice and without open()."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def ask(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Reply:
        """Send one request, `body` as JSON or `raw` as it is, and return the reply whatever its status.

        Raises Unavailable when nothing was written to the server, Unsure when it was and no whole reply came in time.
        """
        await self.open()
        assert self._session is not None  # noqa: S101 - open() made it
        written = asyncio.Event()
        limits = aiohttp.ClientTimeout(total=timeout or self._timeout, sock_connect=min(self._timeout, 10.0))
        error: SendError
        try:
            async with self._session.request(
                method,
                self._origin + path,
                json=body,
                data=raw,
                headers=headers,
                timeout=limits,
                allow_redirects=False,
                trace_request_ctx=written,
            ) as reply:
                return Reply(
                    status=reply.status,
                    body=await _whole(reply),
                    headers=reply.headers,
                    at=_written_at(reply),
                )
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as failure:
            error = _lost(failure, written.is_set())
        # Raised out here so that the failure, which knows the address with its secret, is not its context.
        raise error

    def clean(self, text: object) -> str:
        """Take the account's secrets out of a text of the provider's."""
        safe = str(text or "")
        for secret in self._secrets:
            safe = safe.replace(secret, "***")
        return safe[:300]


async def _whole(reply: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for piece in reply.content.iter_any():
        body += piece
        if len(body) > LARGEST_BODY:
            reply.close()
            break
    return bytes(body[:LARGEST_BODY])


def _written_at(reply: aiohttp.ClientResponse) -> datetime:
    try:
        return parsedate_to_datetime(reply.headers.get("Date", "")).astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return datetime.now(UTC)


def _lost(failure: Exception, written: bool) -> SendError:
    """Tell what a request without a reply came to, by the failure's kind: its own text holds the URL."""
    kinds: list[tuple[type[Exception], str]] = [
        (aiohttp.ClientConnectorDNSError, "the host name cannot be found"),
        (aiohttp.ClientSSLError, "the server's certificate cannot be trusted"),
        (ConnectionRefusedError, "connection refused"),
        (TimeoutError, "no reply in time"),
        (aiohttp.ServerDisconnectedError, "connection lost"),
        (aiohttp.ClientOSError, "connection lost"),
        (aiohttp.ClientPayloadError, "connection lost"),
    ]
    cause = failure.os_error if isinstance(failure, aiohttp.ClientConnectorError) else failure
    says = next((s for kind, s in kinds if isinstance(failure, kind) or isinstance(cause, kind)), "")
    return (Unsure if written else Unavailable)(says or type(failure).__name__)


def _trace() -> aiohttp.TraceConfig:
    """Note on each request's own flag that its first byte is about to be written."""

    async def note(_: aiohttp.ClientSession, context: Any, __: aiohttp.TraceRequestHeadersSentParams) -> None:
        context.trace_request_ctx.set()

    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(note)
    return trace
