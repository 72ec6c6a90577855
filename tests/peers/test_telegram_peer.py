"""Telegram against a server that others wrote: the emulator telegram-test-api."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from channels.chat.telegram import Telegram
from channels.contract import Address, Incoming, Notice, Outcome, Receipt, Result

pytestmark = pytest.mark.peer
HERE = Path(__file__).parent
TOKEN = "123:abc-DEF"
NOTICE = Notice(id="alert-1", language="id", text="[LATIHAN] Banjir <segera> *pindah* & waspada")


@pytest.fixture(scope="module")
def emulator(
    peer: Callable[..., Any],
    server: Callable[..., AbstractContextManager[subprocess.Popen[Any]]],
    free_port: Callable[[], int],
) -> Iterator[str]:
    """The host and port of a running emulator."""
    node = peer("node", shutil.which("node"))
    installed = (HERE / "node_modules" / "telegram-test-api").is_dir()
    peer("telegram-test-api", installed or None)
    port = free_port()
    with server([node, str(HERE / "telegram.js"), str(port)], port):
        yield f"127.0.0.1:{port}"


async def ask(host: str, path: str, body: dict[str, Any]) -> Any:
    """Do what a resident's Telegram would do, past our own client."""
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"http://{host}{path}", json=body) as reply,
    ):
        return (await reply.json())["result"]


async def write(host: str, chat: int, text: str, date: datetime) -> None:
    letter = {
        "botToken": TOKEN,
        "from": {"id": chat, "is_bot": False, "first_name": "Warga"},
        "chat": {"id": chat, "type": "private"},
        "date": int(date.timestamp() * 1000),
        "text": text,
    }
    await ask(host, "/sendMessage", letter)


async def test_a_notice_is_read_back_from_each_chat(emulator: str) -> None:
    """What each resident sees is what was approved."""

    async def chats() -> AsyncIterator[Address]:
        for number in range(20):
            yield Address(id=number, value=str(100 + number), key=f"k{number}")

    channel = Telegram.from_url(f"http://{TOKEN}@{emulator}/")
    outcomes: list[Outcome] = []
    async with asyncio.timeout(10):
        await channel.send(NOTICE, chats(), outcomes.append)
    await channel.close()
    assert sorted(outcome.address_id for outcome in outcomes) == list(range(20))
    assert {outcome.result for outcome in outcomes} == {Result.ACCEPTED}
    refs = {outcome.address_id: outcome.refs for outcome in outcomes}
    for number in range(20):
        (seen,) = await ask(emulator, "/getUpdates", {"token": TOKEN, "chatId": 100 + number})
        assert (seen["message"]["text"], refs[number]) == (NOTICE.text, (str(seen["messageId"]),))


async def test_what_a_resident_writes_comes_in_once(emulator: str) -> None:
    """Letters come with their chat and moment, before and while we listen."""
    got: list[Incoming] = []
    came = asyncio.Event()

    async def take(arrived: Sequence[Incoming | Receipt]) -> None:
        got.extend(letter for letter in arrived if isinstance(letter, Incoming))
        came.set()

    moment = datetime(2026, 1, 4, 10, 0, tzinfo=UTC)
    channel = Telegram.from_url(f"http://{TOKEN}@{emulator}/")
    await write(emulator, 42, "Apakah jalan Sudirman aman?", moment)
    async with asyncio.timeout(10):
        listening = asyncio.create_task(channel.listen(take))
        for text in ("Terima kasih", ""):
            await came.wait()
            came.clear()
            if text:
                await write(emulator, 43, text, moment)
        listening.cancel()
        await asyncio.wait([listening])
    await channel.close()
    assert [(letter.sender, letter.text, letter.at) for letter in got] == [
        ("42", "Apakah jalan Sudirman aman?", moment),
        ("43", "Terima kasih", moment),
    ]
    assert len({letter.id for letter in got}) == 2
