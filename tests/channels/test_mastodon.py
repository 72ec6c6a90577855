"""Mastodon: each notice posted once, follow-ups beneath the first, every fault reported as what it is."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from channels.contract import Address, Misconfigured, Notice, Outcome, Result
from channels.http import account
from channels.social.mastodon import Mastodon, measure
from deploy.sandbox.loopback import Fault
from deploy.sandbox.mastodon import MastodonSandbox

NOTICE = Notice(id="alert-1", language="id-ID", text="[LATIHAN] Banjir: pindah ke tempat tinggi.")


async def given(*addresses: Address) -> AsyncIterator[Address]:
    for address in addresses:
        yield address


def page(number: int = 1, *, key: str = "", thread: str = "") -> Address:
    return Address(id=number, value="mastodon:id", key=key or f"key-{number}", thread=thread)


async def send(url: str, *addresses: Address, notice: Notice = NOTICE, timeout: float = 5) -> list[Outcome]:
    """Send through a channel of its own and return the outcomes in the order of the addresses."""
    settings = account(url, "mastodon", visibility="public", limit="500", rate="1")
    channel = Mastodon(settings, timeout=timeout)
    outcomes: list[Outcome] = []
    await channel.open()
    try:
        async with asyncio.timeout(10):
            await channel.send(notice, given(*addresses), outcomes.append)
    finally:
        await channel.close()
    return sorted(outcomes, key=lambda outcome: outcome.address_id)


async def test_a_notice_is_posted_byte_for_byte_in_its_language() -> None:
    """The page shows exactly the approved words, and the outcome names the post."""
    async with MastodonSandbox() as server:
        (outcome,) = await send(server.url, page())
        (post,) = server.posts
    assert (post.text, post.language, post.key) == (NOTICE.text, "id", "key-1")
    assert outcome == Outcome(address_id=1, result=Result.ACCEPTED, refs=(post.id,))


async def test_a_second_try_with_the_same_key_is_the_same_post() -> None:
    """A retry after a lost reply never shows the alert twice."""
    async with MastodonSandbox() as server:
        server.fault = "drop"
        (lost,) = await send(server.url, page())
        server.fault = None
        (again,) = await send(server.url, page())
        posts = server.posts
    assert lost.result is Result.UNKNOWN
    assert (again.result, again.refs, len(posts)) == (Result.ACCEPTED, (posts[0].id,), 1)


async def test_a_follow_up_threads_under_the_first() -> None:
    """Who finds the first post finds its update beneath it."""
    async with MastodonSandbox() as server:
        (first,) = await send(server.url, page(1))
        await send(server.url, page(2, thread=first.refs[0]))
        assert server.posts[1].in_reply_to_id == first.refs[0]


async def test_a_follow_up_is_posted_alone_when_the_first_is_gone() -> None:
    """An update is seen even if someone deleted the post it follows."""
    async with MastodonSandbox() as server:
        (first,) = await send(server.url, page(1))
        server.delete(first.refs[0])
        (outcome,) = await send(server.url, page(2, thread=first.refs[0]))
        (post,) = server.posts
    assert (outcome.result, post.in_reply_to_id) == (Result.ACCEPTED, "")


@pytest.mark.parametrize(
    ("fault", "result", "code"),
    [
        (None, Result.ACCEPTED, ""),
        ("throttle", Result.THROTTLED, "429"),
        ("error", Result.UNREACHABLE, "500"),
        ("refuse", Result.REFUSED, "422"),
        ("hang", Result.UNKNOWN, "no reply in time"),
        ("drop", Result.UNKNOWN, "connection lost"),
    ],
)
async def test_every_page_is_reported_once_under_each_fault(fault: Fault, result: Result, code: str) -> None:
    """Whatever the server does, each address taken gets one outcome that says what happened."""
    async with MastodonSandbox() as server:
        server.fault, server.retry_after = fault, 120
        outcomes = await send(server.url, *(page(n) for n in range(8)), timeout=0.3 if fault == "hang" else 5)
    assert [(o.address_id, o.result, o.code) for o in outcomes] == [(n, result, code) for n in range(8)]
    assert all(120 <= (o.after or 0) <= 122 for o in outcomes) is (fault == "throttle")


async def test_a_server_that_is_down_was_sent_nothing() -> None:
    """No connection is unreachable, not unknown."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        (outcome,) = await send(f"http://t@127.0.0.1:{held.getsockname()[1]}/", page())
    assert (outcome.result, outcome.code) == (Result.UNREACHABLE, "connection refused")


async def test_a_bad_token_stops_the_channel_without_showing_it() -> None:
    """Misconfigured is raised for the officer to be paged; every address taken is reported before."""
    outcomes: list[Outcome] = []
    async with MastodonSandbox(token="right") as server:
        channel = Mastodon.from_url(f"http://wr0ng@127.0.0.1:{server.port}/")
        with pytest.raises(Misconfigured) as caught:
            await channel.send(NOTICE, given(page(1), page(2)), outcomes.append)
        await channel.close()
        taken = server.requests
    assert [outcome.result for outcome in outcomes] == [Result.UNREACHABLE] * taken
    assert "wr0ng" not in f"{caught.value!s}{caught.value!r}{channel!r}{outcomes!r}"


async def test_a_text_too_long_for_the_server_is_refused_and_never_cut() -> None:
    """A text that does not fit is not sent in part."""
    long = Notice(id="a", language="id", text="x" * 501)
    async with MastodonSandbox() as server:
        (outcome,) = await send(server.url, page(), notice=long)
        assert (outcome.result, outcome.code, server.posts) == (Result.REFUSED, "422", [])
    assert not Mastodon.limit.fits(long.text)


async def test_a_page_that_is_no_mastodon_is_never_called_accepted() -> None:
    """A 200 that names no post leaves the send in doubt."""

    async def portal(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nConnection: close\r\n\r\n<html>login>")
        writer.close()

    server = await asyncio.start_server(portal, "127.0.0.1", 0)
    (outcome,) = await send(f"http://t@127.0.0.1:{server.sockets[0].getsockname()[1]}/", page())
    server.close()
    assert (outcome.result, outcome.code) == (Result.UNKNOWN, "no id")


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("Banjir", 6),
        ("https://crisis.kubu.go.id/id/peringatan/2026-0001", 23),
        ("Lihat http://a.id.", 6 + 23 + 1),
        ("(https://kubu.go.id/a)", 25),
        ("https://kubu.go.id/a?b=c#d", 23 + len("?b=c#d")),
        ("http://127.0.0.1:8080/a", 23),
        ("http://127.0.0.1:8080/a/very/long/path/indeed", 45),
        ("xhttps://kubu.go.id/a-long-path-of-a-page", 41),
        ("\U0001f30a", 1),
    ],
)
def test_a_link_counts_as_mastodon_counts_it(text: str, units: int) -> None:
    """23 characters for a link, never less than the server will count."""
    assert measure(text).units == units


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("?visibility=everyone", "visibility must be one of public"),
        ("?limit=none", "limit=none must be a number"),
        ("?rate=0", "rate=0 must be a number"),
        ("?server=x", "unknown setting 'server'"),
    ],
)
def test_a_wrong_setting_is_named(query: str, says: str) -> None:
    """The officer reads which setting and what it may be."""
    with pytest.raises(Misconfigured, match=says):
        Mastodon.from_url(f"https://token@social.example/{query}")


def test_a_server_with_longer_posts_is_given_longer_posts() -> None:
    """`limit` is the account's own and changes no other account's."""
    own = Mastodon.from_url("https://token@social.example/?limit=5000&rate=2")
    assert (own.limit.most_units, own.rate, own.name) == (5000, 2.0, "mastodon")
    assert Mastodon.limit.most_units == 500


async def test_listening_returns_at_once() -> None:
    """A page without inbound keeps no listener."""

    async def take(_: object) -> None:
        raise AssertionError("nothing comes in here")

    async with asyncio.timeout(10):
        await Mastodon.from_url("https://token@social.example/").listen(take)
