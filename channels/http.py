"""Speaks HTTP for channels: one session a channel, and one rule from a reply (or its lack) to a SendError.

No redirect is ever followed, no cookie kept, and no address of a request appears in an error: some
providers carry the account's secret in it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from contextvars import ContextVar
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
JSON: Final = "application/json"
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

    def whole(self, name: str) -> int:
        """Read a setting as a whole number of at least one; Misconfigured names the setting."""
        value = self.number(name)
        if value != int(value):
            raise Misconfigured(f"{name}={self.settings[name]} must be a whole number", code=name)
        return int(value)


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
    """An HTTP reply, whole; `at` is when it was written, or None to take the server's own word in its headers."""

    status: int
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # found in any case of letters
    at: datetime | None = None

    def written(self) -> datetime:
        """Tell when the server wrote it, by the server's own clock, or by ours if it does not say."""
        if self.at is not None:
            return self.at
        try:
            return parsedate_to_datetime(self.headers.get("Date", "")).astimezone(UTC)
        except (ValueError, TypeError, OverflowError):
            return datetime.now(UTC)

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
    at = reply.written()
    for seconds in (
        after,
        _wait(reply.headers.get("Retry-After", ""), at),
        _wait(reply.headers.get("X-RateLimit-Reset", ""), at),
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
        self._limits = self._limited(timeout)
        self._session: aiohttp.ClientSession | None = None

    def __repr__(self) -> str:
        return f"Http({self._origin!r})"

    async def open(self) -> None:
        """Make the session; connects to nothing yet. Safe to call twice."""
        self._opened()

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                # One connection more than sends in flight, for a long poll. A short keep-alive: a server
                # that closes a connection just as we write leaves the send in doubt.
                connector=aiohttp.TCPConnector(limit=self._concurrency + 1, keepalive_timeout=4),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=self._headers,
                request_class=_Request,
            )
        return self._session

    def _limited(self, timeout: float) -> aiohttp.ClientTimeout:
        return aiohttp.ClientTimeout(total=timeout, sock_connect=min(self._timeout, 10.0))

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
        kind: str = JSON,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Reply:
        """Send one request, `body` as JSON or `raw` as it is and of `kind`, and return the reply whatever its status.

        Raises Unavailable when nothing was written to the server, Unsure when it was and no whole reply came in time.
        """
        session, sent = self._session or self._opened(), _Sent()
        _SENT.set(sent)
        data = raw if body is None else json.dumps(body).encode()
        error: SendError
        try:
            reply = await session.request(
                method,
                self._origin + path,
                data=None if data is None else aiohttp.BytesPayload(data, content_type=kind),
                headers=headers,
                timeout=self._limited(timeout) if timeout else self._limits,
                allow_redirects=False,
            )
            return Reply(status=reply.status, body=await _whole(reply), headers=reply.headers)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as failure:
            error = _lost(failure, sent.begun)
        # Raised out here so that the failure, which knows the address with its secret, is not its context.
        raise error

    def clean(self, text: object) -> str:
        """Take the account's secrets out of a text of the provider's."""
        safe = str(text or "")
        for secret in self._secrets:
            safe = safe.replace(secret, "***")
        return safe[:300]


async def _whole(reply: aiohttp.ClientResponse) -> bytes:
    """Read what there is of a body up to LARGEST_BODY, and leave the connection free or closed."""
    content = reply.content
    if content.is_eof() and content.total_bytes <= LARGEST_BODY:  # it came with the headers, as nearly always
        return content.read_nowait()
    body = bytearray()
    try:
        async for piece in content.iter_any():
            body += piece
            if len(body) > LARGEST_BODY:
                break
    finally:
        if not content.is_eof():
            reply.close()
    return bytes(body[:LARGEST_BODY])


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


class _Sent:
    """Whether a request got as far as a connection: from there on a byte of it may have been written."""

    __slots__ = ("begun",)

    def __init__(self) -> None:
        self.begun = False


_SENT: ContextVar[_Sent] = ContextVar("sent")


class _Request(aiohttp.ClientRequest):
    """Notes that it is about to be written: aiohttp calls send() once it has a connection and never before."""

    async def send(self, conn: aiohttp.connector.Connection) -> aiohttp.ClientResponse:
        _SENT.get().begun = True
        return await super().send(conn)
