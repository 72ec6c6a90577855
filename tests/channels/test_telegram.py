"""Telegram: each chat told what became of it, and nothing a resident writes is lost."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from channels.chat.telegram import Telegram, judge, measure, read_update
from channels.contract import (
    Address,
    Incoming,
    Misconfigured,
    Notice,
    OptedOut,
    Outcome,
    Receipt,
    Refused,
    Result,
    SendError,
    Throttled,
    Unavailable,
)
from channels.http import Reply, account
from deploy.sandbox.loopback import Fault
from deploy.sandbox.telegram import TelegramSandbox

NOTICE = Notice(id="alert-1", language="id", text="[LATIHAN] Banjir <segera> *pindah* & waspada")
NOW = datetime(2026, 1, 4, 10, 0, 0, tzinfo=UTC)


async def given(*addresses: Address) -> AsyncIterator[Address]:
    for address in addresses:
        yield address


def chat(number: int) -> Address:
    return Address(id=number, value=str(1000 + number), key=f"key-{number}")


async def send(url: str, *addresses: Address, notice: Notice = NOTICE, timeout: float = 5) -> list[Outcome]:
    """Send through a channel of its own and return the outcomes in the order of the addresses."""
    channel = Telegram(account(url, "telegram", rate="25", concurrency="20"), timeout=timeout)
    outcomes: list[Outcome] = []
    await channel.open()
    try:
        async with asyncio.timeout(10):
            await channel.send(notice, given(*addresses), outcomes.append)
    finally:
        await channel.close()
    return sorted(outcomes, key=lambda outcome: outcome.address_id)


async def test_a_notice_reaches_each_chat_byte_for_byte() -> None:
    """The words go out as plain text: no mark-up is read into them."""
    async with TelegramSandbox() as server:
        outcomes = await send(server.url, *(chat(n) for n in range(200)))
        assert {sent.text for sent in server.sent} == {NOTICE.text}
        assert sorted(int(sent.chat_id) for sent in server.sent) == [1000 + n for n in range(200)]
    assert {outcome.result for outcome in outcomes} == {Result.ACCEPTED}
    assert sorted(int(outcome.refs[0]) for outcome in outcomes) == list(range(1, 201))


@pytest.mark.parametrize(
    ("fault", "result", "code"),
    [
        (None, Result.ACCEPTED, ""),
        ("throttle", Result.THROTTLED, "429"),
        ("error", Result.UNREACHABLE, "500"),
        ("refuse", Result.REFUSED, "400 chat not found"),
        ("hang", Result.UNKNOWN, "no reply in time"),
        ("drop", Result.UNKNOWN, "connection lost"),
    ],
)
async def test_every_chat_is_reported_once_under_each_fault(fault: Fault, result: Result, code: str) -> None:
    """Whatever the provider does, each address taken gets one outcome that says what happened."""
    async with TelegramSandbox() as server:
        server.fault, server.retry_after = fault, 35
        outcomes = await send(server.url, *(chat(n) for n in range(18)), timeout=0.3 if fault == "hang" else 5)
    assert [(o.address_id, o.result, o.code) for o in outcomes] == [(n, result, code) for n in range(18)]
    assert {o.after for o in outcomes} == {35.0 if fault == "throttle" else None}


async def test_a_provider_that_is_down_was_sent_nothing() -> None:
    """No connection is unreachable, not unknown."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        (outcome,) = await send(f"http://123:abc@127.0.0.1:{held.getsockname()[1]}/", chat(1))
    assert (outcome.result, outcome.code) == (Result.UNREACHABLE, "connection refused")


async def test_who_blocked_the_bot_has_opted_out_and_the_others_are_reached() -> None:
    """One resident's refusal never stops the rest."""
    async with TelegramSandbox() as server:
        server.blocked, server.unknown = {"1001"}, {"1002"}
        outcomes = await send(server.url, chat(0), chat(1), chat(2))
    assert [o.result for o in outcomes] == [Result.ACCEPTED, Result.OPTED_OUT, Result.REFUSED]


async def test_a_bad_token_stops_the_channel_without_showing_it() -> None:
    """The token is part of the address of each request, and in no word of the error."""
    outcomes: list[Outcome] = []
    async with TelegramSandbox() as server:
        channel = Telegram.from_url(f"http://999:wr0ng@127.0.0.1:{server.port}/")
        with pytest.raises(Misconfigured) as caught:
            await channel.send(NOTICE, given(chat(1)), outcomes.append)
        await channel.close()
    assert [outcome.result for outcome in outcomes] == [Result.UNREACHABLE]
    assert "wr0ng" not in f"{caught.value!s}{caught.value!r}{channel!r}{outcomes!r}"


@pytest.mark.parametrize(
    ("status", "description", "parameters", "expected", "code"),
    [
        (400, "Bad Request: chat not found", {}, Refused, "400 chat not found"),
        (400, "Bad Request: message is too long", {}, Refused, "400"),
        (
            400,
            "Bad Request: group chat was upgraded to a supergroup chat",
            {"migrate_to_chat_id": -100123},
            Refused,
            "migrate_to_chat_id",
        ),
        (401, "Unauthorized", {}, Misconfigured, "401"),
        (403, "Forbidden: bot was blocked by the user", {}, OptedOut, "403"),
        (403, "Forbidden: user is deactivated", {}, OptedOut, "403"),
        (403, "Forbidden: bot was kicked from the group chat", {}, OptedOut, "403"),
        (403, "Forbidden: bot can't initiate conversation with a user", {}, Refused, "403"),
        (404, "Not Found", {}, Misconfigured, "404"),
        (409, "Conflict: terminated by other getUpdates request", {}, Unavailable, "409"),
        (429, "Too Many Requests: retry after 10072", {"retry_after": 10072}, Throttled, "429"),
        (429, "Too Many Requests", [], Throttled, "429"),
        (502, "Bad Gateway", {}, Unavailable, "502"),
    ],
)
def test_each_refusal_of_the_bot_api_asks_for_one_reaction(
    status: int, description: str, parameters: Any, expected: type[SendError], code: str
) -> None:
    """The provider's words decide whether it is the resident, the chat, the bot or the hour."""
    body = {"ok": False, "error_code": status, "description": description, "parameters": parameters}
    error = judge(Reply(status=status, body=json.dumps(body).encode(), at=NOW), says=description)
    assert error is not None
    assert (type(error), error.code) == (expected, code)
    if parameters and isinstance(error, Throttled):
        assert error.after == 10072.0


class Inbox:
    """Takes what residents write, or fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.got: list[Incoming] = []
        self._failures = failures
        self._came = asyncio.Event()

    async def take(self, arrived: Sequence[Incoming | Receipt]) -> None:
        if self._failures:
            self._failures -= 1
            raise ConnectionError("the database is away")
        self.got += [letter for letter in arrived if isinstance(letter, Incoming)]
        self._came.set()

    async def until(self, count: int) -> None:
        while len(self.got) < count:
            self._came.clear()
            await self._came.wait()


async def test_what_residents_write_is_handed_on_and_confirmed_only_then() -> None:
    """Each update comes once, and the provider forgets it only after it was taken."""
    inbox = Inbox()
    async with asyncio.timeout(10), TelegramSandbox() as server:
        first = await server.write(42, "Apakah jalan Sudirman aman?")
        channel = Telegram.from_url(server.url)
        listening = asyncio.create_task(channel.listen(inbox.take))
        await inbox.until(1)
        await server.write(43, location={"latitude": 0.123, "longitude": 109.456})
        await inbox.until(2)
        await server.until(lambda it: it.requests > 2)
        listening.cancel()
        await asyncio.wait([listening])
        await channel.close()
    assert [(letter.id, letter.sender, letter.text) for letter in inbox.got] == [
        (str(first), "42", "Apakah jalan Sudirman aman?"),
        (str(first + 1), "43", "[lokasi 0.123,109.456]"),
    ]


async def test_an_update_is_not_lost_when_it_cannot_be_taken() -> None:
    """If taking fails, the provider keeps the update and the next listener gets it."""
    inbox = Inbox(failures=1)
    async with asyncio.timeout(10), TelegramSandbox() as server:
        await server.write(42, "Tolong, air masuk rumah")
        channel = Telegram.from_url(server.url)
        with pytest.raises(ConnectionError, match="database is away"):
            await channel.listen(inbox.take)
        assert (len(server.updates), inbox.got) == (1, [])
        listening = asyncio.create_task(channel.listen(inbox.take))
        await inbox.until(1)
        listening.cancel()
        await asyncio.wait([listening])
        await channel.close()
    assert [letter.text for letter in inbox.got] == ["Tolong, air masuk rumah"]


async def test_a_second_listener_is_named_as_the_trouble() -> None:
    """Two programs on one bot take updates from each other: the officer reads so."""
    inbox = Inbox()
    async with asyncio.timeout(10), TelegramSandbox() as server:
        one, two = Telegram.from_url(server.url), Telegram.from_url(server.url)
        older = asyncio.create_task(one.listen(inbox.take))
        await server.until(lambda it: it.requests > 0)
        newer = asyncio.create_task(two.listen(inbox.take))
        with pytest.raises(Unavailable, match="another program reads this bot's updates"):
            await older
        newer.cancel()
        await asyncio.wait([newer])
        await one.close()
        await two.close()


@pytest.mark.parametrize(
    ("fault", "expected"),
    [("throttle", Throttled), ("error", Unavailable), ("drop", Unavailable)],
)
async def test_listening_raises_what_is_wrong(fault: Fault, expected: type[SendError]) -> None:
    """The stages start it again after a back-off; nothing is ever in doubt about a poll."""
    async with asyncio.timeout(10), TelegramSandbox() as server:
        await server.write(42, "halo")
        server.fault = fault
        channel = Telegram.from_url(server.url)
        with pytest.raises(expected):
            await channel.listen(Inbox().take)
        await channel.close()
        assert len(server.updates) == 1


@pytest.mark.parametrize(
    ("letter", "text"),
    [
        ({"text": "halo"}, "halo"),
        ({"caption": "air naik", "photo": [{"file_id": "x"}]}, "[foto] air naik"),
        ({"photo": []}, "[foto]"),
        ({"voice": {"file_id": "x"}}, "[pesan suara]"),
        ({"location": {"latitude": 0.5, "longitude": 109.0}}, "[lokasi 0.5,109.0]"),
        ({"venue": {"location": {"latitude": 0.5, "longitude": 109.0}}}, "[lokasi 0.5,109.0]"),
        ({"location": "broken"}, "[lain]"),
        ({"something_new": {}}, "[lain]"),
    ],
)
def test_whatever_is_sent_is_put_in_words(letter: dict[str, Any], text: str) -> None:
    """An officer sees at least that something came, and where from."""
    read = read_update({"update_id": 7, "message": {"chat": {"id": -5}, "date": 1767520800} | letter})
    assert read == Incoming(id="7", sender="-5", text=text, at=NOW)


def test_an_edited_letter_comes_again_as_one_of_its_own() -> None:
    """A resident who corrects the street is heard."""
    read = read_update({"update_id": 8, "edited_message": {"chat": {"id": 5}, "text": "RT 04", "date": 1}})
    assert read is not None
    assert (read.id, read.text) == ("8", "RT 04")


@pytest.mark.parametrize("date", [1767520800, 1767520800000, 1767520800.0])
def test_a_date_is_read_in_seconds_or_milliseconds(date: float) -> None:
    """The provider gives seconds, its emulators milliseconds."""
    read = read_update({"update_id": 7, "message": {"chat": {"id": 5}, "text": "x", "date": date}})
    assert read is not None
    assert read.at == NOW


@pytest.mark.parametrize("update", [{}, {"callback_query": {}}, {"message": {}}, {"message": "x"}])
def test_an_update_nobody_wrote_is_passed_over(update: dict[str, Any]) -> None:
    """Button presses and changes of settings are no letters."""
    assert read_update({"update_id": 7} | update) is None


@pytest.mark.parametrize(("text", "units"), [("Banjir", 6), ("\U0001f30a", 2), ("\ud800", 1)])
def test_text_counts_in_utf16_units(text: str, units: int) -> None:
    """An emoji is two units, as the Bot API counts."""
    assert measure(text).units == units


@pytest.mark.parametrize(("query", "most"), [("", 20), ("?concurrency=100", 100), ("?rate=1000&concurrency=1", 1)])
def test_an_account_says_how_many_may_be_in_flight(query: str, most: int) -> None:
    """A bot with a larger allowance is used to it."""
    assert Telegram.from_url(f"https://123:abc@api.telegram.org/{query}").concurrency == most


@pytest.mark.parametrize("value", ["0", "-1", "2.5", "many", ""])
def test_a_number_in_flight_that_is_none_is_refused(value: str) -> None:
    """The officer reads which setting to mend."""
    with pytest.raises(Misconfigured, match=f"concurrency={value} must be a"):
        Telegram.from_url(f"https://123:abc@api.telegram.org/?concurrency={value}")


@pytest.mark.parametrize("url", ["https://abc@api.telegram.org/", "https://123:a%2Fb@api.telegram.org/"])
def test_a_token_of_the_wrong_form_is_refused(url: str) -> None:
    """A token that could change the path of a request never gets into one."""
    with pytest.raises(Misconfigured, match="must look like"):
        Telegram.from_url(url)
