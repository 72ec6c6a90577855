"""One rule from an HTTP reply, or its lack, to what a channel reports; and no secret in any of it."""

from __future__ import annotations

import asyncio
import socket
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from channels.contract import (
    Misconfigured,
    OptedOut,
    Refused,
    SendError,
    Throttled,
    Unavailable,
    Unsure,
)
from channels.http import LONGEST_WAIT, Http, Reply, account, asked_wait, fault

NOW = datetime(2026, 1, 4, 10, 0, 0, tzinfo=UTC)
SECRET = "s3cr3t-t0ken"
Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def reply(status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> Reply:
    spelled = CIMultiDict({name.replace("_", "-"): value for name, value in (headers or {}).items()})
    return Reply(status=status, body=body, headers=spelled, at=NOW)


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (200, {}, None),
        (202, {}, None),
        (204, {}, None),
        (301, {}, Misconfigured),
        (302, {}, Unavailable),
        (308, {}, Misconfigured),
        (400, {}, Refused),
        (401, {}, Misconfigured),
        (403, {}, Misconfigured),
        (404, {}, Refused),
        (408, {}, Unavailable),
        (410, {}, Refused),
        (422, {}, Refused),
        (425, {}, Unavailable),
        (429, {}, Throttled),
        (451, {}, Refused),
        (500, {}, Unavailable),
        (502, {}, Unavailable),
        (503, {}, Unavailable),
        (503, {"retry-after": "5"}, Throttled),
        (504, {}, Unavailable),
        (599, {}, Unavailable),
    ],
)
def test_each_status_asks_for_one_reaction(
    status: int, headers: dict[str, str], expected: type[SendError] | None
) -> None:
    """A reply is judged by its status, and the status is the code officers see."""
    error = fault(reply(status, headers))
    assert (type(error) if error else None) is expected
    assert error is None or error.code == str(status)


def test_a_channel_may_say_what_denied_means() -> None:
    """Where 403 is the resident's doing, it does not stop the channel."""
    assert isinstance(fault(reply(403), denied=OptedOut), OptedOut)


@pytest.mark.parametrize(
    ("headers", "after", "expected"),
    [
        ({}, None, None),
        ({"Retry_After": "120"}, None, 120.0),
        ({"retry_after": " 7 "}, None, 7.0),
        ({"Retry_After": "0.5"}, None, 0.5),
        ({"Retry_After": "Sun, 04 Jan 2026 10:01:30 GMT"}, None, 90.0),
        ({"Retry_After": "Sun, 04 Jan 2026 09:00:00 GMT"}, None, 0.0),
        ({"Retry_After": "soon"}, None, None),
        ({"Retry_After": "-5"}, None, None),
        ({"Retry_After": "9" * 40}, None, None),
        ({"Retry_After": "999999"}, None, LONGEST_WAIT),
        ({"X_RateLimit_Reset": "2026-01-04T10:05:00.000000Z"}, None, 300.0),
        ({"X_RateLimit_Reset": "2026-01-04T10:05:00"}, None, 300.0),
        ({"X_RateLimit_Reset": str(int(NOW.timestamp()) + 60)}, None, 60.0),
        ({"X_RateLimit_Reset": "15"}, None, 15.0),
        ({"Retry_After": "3", "X_RateLimit_Reset": "15"}, None, 3.0),
        ({"Retry_After": "soon", "X_RateLimit_Reset": "15"}, None, 15.0),
        ({"Retry_After": "3"}, 10072.0, 10072.0),
        ({"Retry_After": "3"}, float("nan"), 3.0),
    ],
)
def test_the_wait_asked_for_is_read_however_it_is_written(
    headers: dict[str, str], after: float | None, expected: float | None
) -> None:
    """Seconds, HTTP dates, ISO times and epochs come to seconds; what cannot be read is no wait at all."""
    assert asked_wait(reply(429, headers), after) == expected


@given(st.text(max_size=60), st.text(max_size=60), st.none() | st.floats())
def test_no_header_breaks_the_rule(retry: str, reset: str, after: float | None) -> None:
    """Whatever a server writes, the wait is none or between nothing and a day."""
    wait = asked_wait(reply(429, {"Retry-After": retry, "X-RateLimit-Reset": reset}), after)
    assert wait is None or 0 <= wait <= LONGEST_WAIT


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b"\xff", b"[" * 100_000, b'"x"'])
def test_a_body_that_is_no_object_reads_as_an_empty_one(body: bytes) -> None:
    """A proxy's error page never breaks a channel."""
    assert reply(200, body=body).json() == {}


@asynccontextmanager
async def behaving(behaviour: Behaviour) -> AsyncIterator[int]:
    """Listen on loopback and do to each connection what the test says."""

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await behaviour(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(meet, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def saying(text: str) -> Behaviour:
    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(text.encode())
        await writer.drain()

    return behaviour


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def failure(port: int, timeout: float = 5) -> SendError:
    """Ask with the secret in the path, and give how it failed."""
    http = Http(f"http://127.0.0.1:{port}", secrets=(SECRET,), timeout=timeout)

    try:
        with pytest.raises(SendError) as caught:
            await http.ask("POST", f"/bot{SECRET}/sendMessage", body={"text": "Banjir"})
        return caught.value
    finally:
        await http.close()


def assert_tells_nothing(error: BaseException) -> None:
    """No part of an error, nor of what it came from, holds the secret."""
    texts = [str(error), repr(error), repr(getattr(error, "code", "")), *traceback.format_exception(error)]
    assert not [text for text in texts if SECRET in text]
    for cause in (error.__cause__, error.__context__):
        if cause is not None:
            assert_tells_nothing(cause)


CUT = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"


@pytest.mark.parametrize(
    ("behaviour", "expected", "code"),
    [
        (saying(""), Unsure, "connection lost"),
        (silent, Unsure, "no reply in time"),
        (saying(CUT), Unsure, "connection lost"),
        (saying("SSH-2.0-OpenSSH_9.2\r\n"), Unsure, ""),
    ],
)
async def test_a_request_without_a_reply_may_have_arrived(
    behaviour: Behaviour, expected: type[SendError], code: str
) -> None:
    """Once a byte was written and no whole reply came, the send is in doubt, and is said to be."""
    async with asyncio.timeout(10), behaving(behaviour) as port:
        error = await failure(port, timeout=0.3)
    assert type(error) is expected
    assert error.code == code or not code
    assert_tells_nothing(error)


async def test_a_request_without_a_body_is_in_doubt_too() -> None:
    """What a request carries does not change what is known of it."""
    async with asyncio.timeout(10), behaving(saying("")) as port:
        http = Http(f"http://127.0.0.1:{port}")
        with pytest.raises(Unsure, match="connection lost"):
            await http.ask("DELETE", "/")
        await http.close()


async def test_a_kept_connection_that_breaks_leaves_the_send_in_doubt_and_is_not_tried_again() -> None:
    """The second request on a connection may have arrived: only the stages may decide to repeat it."""
    asked: list[bytes] = []

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"{}"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        asked.append(await reader.readuntil(b"{}"))

    async with asyncio.timeout(10), behaving(once) as port:
        http = Http(f"http://127.0.0.1:{port}")
        assert (await http.ask("POST", "/", body={})).body == b"ok"
        with pytest.raises(Unsure, match="connection lost"):
            await http.ask("POST", "/", body={})
        await http.close()
    assert len(asked) == 2


@pytest.mark.parametrize("pieces", [(b"",), (b"ok",), (b"o", b"k" * 300_000)])
async def test_a_connection_serves_one_request_after_another(pieces: tuple[bytes, ...]) -> None:
    """Read whole, in one piece or in many, a reply leaves its connection free for the next request."""
    met: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        met.append(1)
        with suppress(asyncio.IncompleteReadError):
            while await reader.readuntil(b"{}"):
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % sum(map(len, pieces)))
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0)

    async with asyncio.timeout(10), behaving(serve) as port:
        http = Http(f"http://127.0.0.1:{port}")
        answers = [await http.ask("POST", "/", body={}) for _ in range(3)]
        await http.close()
    assert [answer.body for answer in answers] == [b"".join(pieces)] * 3
    assert met == [1]


@pytest.mark.parametrize(
    ("date", "expected"),
    [("Sun, 04 Jan 2026 09:59:00 GMT", datetime(2026, 1, 4, 9, 59, tzinfo=UTC)), ("yesterday", None), ("", None)],
)
def test_a_reply_tells_when_it_was_written(date: str, expected: datetime | None) -> None:
    """The server's clock, or ours where it has none that can be read."""
    told = Reply(status=200, headers={"Date": date}).written()
    assert told == expected or (expected is None and abs(told - datetime.now(UTC)) < timedelta(minutes=1))


async def test_a_refused_connection_sent_nothing() -> None:
    """Nobody listening means not sent, which is not in doubt."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        error = await failure(held.getsockname()[1])
    assert (type(error), error.code) == (Unavailable, "connection refused")
    assert_tells_nothing(error)


async def test_a_server_without_tls_gets_nothing() -> None:
    """A broken TLS handshake means not sent: no byte of the request left."""
    async with asyncio.timeout(10), behaving(saying("no TLS here")) as port:
        http = Http(f"https://127.0.0.1:{port}", timeout=0.5)
        with pytest.raises(Unavailable):
            await http.ask("POST", f"/{SECRET}")
        await http.close()


async def test_a_request_that_never_got_a_connection_was_not_sent() -> None:
    """Requests that waited for a free connection until time ran out are not in doubt."""
    reached: asyncio.Queue[bytes] = asyncio.Queue()

    async def hold(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reached.put(await reader.readuntil(b"\r\n\r\n"))
        await reader.read()

    async with asyncio.timeout(10), behaving(hold) as port:
        http = Http(f"http://127.0.0.1:{port}", concurrency=1)  # and one more for a long poll
        holders = [asyncio.create_task(http.ask("GET", "/")) for _ in range(2)]
        for _ in holders:
            await reached.get()
        late = await asyncio.gather(*(http.ask("GET", "/", timeout=0.1) for _ in range(4)), return_exceptions=True)
        for holder in holders:
            holder.cancel()
        await asyncio.wait(holders)
        await http.close()
    assert [(type(error), str(error)) for error in late] == [(Unavailable, "no reply in time")] * 4
    assert reached.empty()


async def test_a_reply_without_a_body_leaves_its_connection_free() -> None:
    """204 has no body and no length, and the next request still goes out on the same connection."""
    met: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        met.append(1)
        with suppress(asyncio.IncompleteReadError):
            while await reader.readuntil(b"{}"):
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    async with asyncio.timeout(10), behaving(serve) as port:
        http = Http(f"http://127.0.0.1:{port}")
        answers = [await http.ask("POST", "/", body={}) for _ in range(2)]
        await http.close()
    assert [(answer.status, answer.body) for answer in answers] == [(204, b"")] * 2
    assert met == [1]


async def test_a_redirect_is_never_followed() -> None:
    """A server cannot send our token elsewhere."""
    reached = asyncio.Event()

    async def elsewhere(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.set()

    async with asyncio.timeout(10), behaving(elsewhere) as other:
        moved = f"HTTP/1.1 307 Moved\r\nLocation: http://127.0.0.1:{other}/\r\nContent-Length: 0\r\n\r\n"
        async with behaving(saying(moved)) as port:
            http = Http(f"http://127.0.0.1:{port}", secrets=(SECRET,))
            answer = await http.ask("GET", f"/{SECRET}")
            await http.close()
    assert (answer.status, reached.is_set()) == (307, False)


async def test_an_endless_reply_is_cut_off() -> None:
    """A reply without end costs two megabytes and not the machine."""

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                writer.write(b"x" * 65_536)
                await writer.drain()
        except ConnectionError:
            pass

    async with asyncio.timeout(10), behaving(endless) as port:
        http = Http(f"http://127.0.0.1:{port}")
        answer = await http.ask("GET", "/")
        await http.close()
    assert len(answer.body) == 2_000_000


@pytest.mark.parametrize(
    ("url", "origin", "token"),
    [
        ("https://tok@mastodon.example/?rate=2", "https://mastodon.example", "tok"),
        ("https://123:abc@api.telegram.org/", "https://api.telegram.org", "123:abc"),
        ("https://123%3Aabc@api.telegram.org", "https://api.telegram.org", "123:abc"),
        ("http://tok@127.0.0.1:8081/", "http://127.0.0.1:8081", "tok"),
        ("http://tok@[::1]:8081/", "http://[::1]:8081", "tok"),
        ("http://tok@localhost/", "http://localhost", "tok"),
    ],
)
def test_an_account_url_says_where_and_who(url: str, origin: str, token: str) -> None:
    """The origin keeps nothing of the secret, and a token with a colon is whole again."""
    made = account(url, "any", rate="1")
    assert (made.origin, made.token) == (origin, token)
    assert token not in repr(made)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "cannot be read"),
        (SECRET, "cannot be read"),
        (f"https://{SECRET}@", "cannot be read"),
        (f"https://{SECRET}@host:port/", "cannot be read"),
        (f"https://{SECRET}@[::1/", "cannot be read"),
        (f"https://{SECRET}@h\u2100st/", "cannot be read"),
        (f"ftp://{SECRET}@host/", "https://"),
        (f"http://{SECRET}@social.example/", "over https only"),
        ("https://host/", "no token"),
        (f"https://{SECRET}@host/?speed=2", "unknown setting 'speed'; known: rate"),
        (f"https://{SECRET}@host/?speed", "cannot be read"),
    ],
)
def test_a_bad_account_url_is_refused_in_a_sentence_without_secrets(url: str, says: str) -> None:
    """The officer reads which channel and what to do, and nothing of the token."""
    with pytest.raises(Misconfigured, match=r"^any: ") as caught:
        account(url, "any", rate="1")
    assert says in str(caught.value)
    assert_tells_nothing(caught.value)


@pytest.mark.parametrize("value", ["0", "-1", "fast", "nan", "inf", ""])
def test_a_rate_that_is_no_number_is_refused(value: str) -> None:
    """A channel is never set up with a rate of nothing."""
    with pytest.raises(Misconfigured, match=r"rate=.* must be a number above zero"):
        account(f"https://t@host/?rate={value}", "any", rate="1").number("rate")


def test_a_provider_that_echoes_the_token_does_not_get_it_logged() -> None:
    """Text of the provider's is cleaned of the account's secrets, and an Http shows its origin only."""
    http = Http("https://host", secrets=(SECRET,))
    assert http.clean(f"bad token {SECRET}!") == "bad token ***!"
    assert repr(http) == "Http('https://host')"


async def test_closing_is_safe_at_any_time() -> None:
    """Twice, and without open()."""
    http = Http("http://127.0.0.1:1")
    await http.close()
    await http.open()
    await http.close()
    await http.close()
