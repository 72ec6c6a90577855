"""The page: an alert counts as published only when residents' own page shows it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from channels.contract import Address, Misconfigured, Notice, Outcome, Result
from channels.page import Page

LINK = "https://crisis.kubu.go.id/id/alert/7?lang=id"


async def given(*addresses: Address) -> AsyncIterator[Address]:
    for address in addresses:
        yield address


async def look(url: str, notice: Notice) -> list[Outcome]:
    channel = Page.from_url(url)
    outcomes: list[Outcome] = []
    await channel.open()
    async with asyncio.timeout(10):
        addresses = given(*(Address(id=n, value="page:id", key=f"k{n}") for n in (1, 2)))
        await channel.send(notice, addresses, outcomes.append)
    await channel.close()
    return sorted(outcomes, key=lambda outcome: outcome.address_id)


async def serving(status: str, body: str) -> tuple[asyncio.Server, str, list[str]]:
    """Serve one page whatever is asked for, and note what was."""
    asked: list[str] = []

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n")).decode().strip())
        await reader.readuntil(b"\r\n\r\n")
        if status:
            writer.write(f"HTTP/1.1 {status}\r\nConnection: close\r\n\r\n{body}".encode())
        writer.close()

    server = await asyncio.start_server(meet, "127.0.0.1", 0)
    return server, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked


@pytest.mark.parametrize(
    ("status", "body", "result", "code"),
    [
        ("200 OK", "<p>bpbd-7</p>", Result.ACCEPTED, ""),
        ("200 OK", "<p>bpbd-6</p>", Result.UNREACHABLE, "not on the page"),
        ("404 Not Found", "bpbd-7", Result.UNREACHABLE, "404"),
        ("302 Found", "bpbd-7", Result.UNREACHABLE, "302"),
        ("500 Oops", "bpbd-7", Result.UNREACHABLE, "500"),
        ("", "", Result.UNREACHABLE, "connection lost"),
    ],
)
async def test_only_a_page_that_shows_the_alert_counts(status: str, body: str, result: Result, code: str) -> None:
    """200 and the alert's identifier on the page, or it is not published yet."""
    server, url, asked = await serving(status, body)
    outcomes = await look(url, Notice(id="bpbd-7", language="id", text="", link=LINK))
    server.close()
    refs = (LINK,) if result is Result.ACCEPTED else ()
    assert outcomes == [Outcome(address_id=n, result=result, code=code, refs=refs) for n in (1, 2)]
    assert set(asked) == {"GET /id/alert/7?lang=id HTTP/1.1"}


async def test_an_identifier_is_found_as_html_writes_it() -> None:
    """An ampersand in an identifier does not hide it."""
    server, url, _ = await serving("200 OK", "<p>a&amp;b</p>")
    outcomes = await look(url, Notice(id="a&b", language="id", text="", link="/alert/7"))
    server.close()
    assert [outcome.result for outcome in outcomes] == [Result.ACCEPTED] * 2


@pytest.mark.parametrize(
    ("link", "identifier", "code"),
    [("", "a", "no link"), ("http://[bad/", "a", "bad link"), ("/alert/7", "", "not on the page")],
)
async def test_a_notice_without_a_page_is_not_published(link: str, identifier: str, code: str) -> None:
    """No link or identifier, no claim."""
    server, url, _ = await serving("200 OK", "anything")
    outcomes = await look(url, Notice(id=identifier, language="id", text="", link=link))
    server.close()
    assert [(o.result, o.code) for o in outcomes] == [(Result.UNREACHABLE, code)] * 2


async def test_a_page_that_is_down_is_not_published() -> None:
    """The stages try again; nothing is in doubt."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
        outcomes = await look(url, Notice(id="a", language="id", text="", link=LINK))
    assert [o.result for o in outcomes] == [Result.UNREACHABLE] * 2


def test_a_page_without_a_server_is_refused() -> None:
    """The setting must be a URL."""
    with pytest.raises(Misconfigured, match="page: "):
        Page.from_url("halaman")
