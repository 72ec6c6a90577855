"""A session settles each request once and knows what reached the wire; the inbox knows what was answered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from channels.contract import Incoming
from channels.sms import pdu
from channels.sms.inbox import Inbox
from channels.sms.pdu import Pdu
from channels.sms.session import NO_REPLY, UNWRITTEN, Account, Session, bind
from channels.sms.setting import parse
from deploy.sandbox.smsc import Smsc


def account(smsc: Smsc) -> Account:
    return parse(smsc.url).account


@pytest.fixture
async def session(smsc: Smsc) -> AsyncIterator[Session]:
    session = await bind(account(smsc), lambda session, deliveries: None, lambda: None)
    yield session
    session.lose()


async def test_what_waits_for_the_wire_and_what_left_are_told_apart(smsc: Smsc, session: Session) -> None:
    """One submit was written, one was still in our hands when the line broke."""
    settled: list[tuple[int, int]] = []
    smsc.fault = "hang"
    written = asyncio.Event()
    one = session.submit(b"one", lambda sequence, status, body: settled.append((sequence, status)))
    asyncio.get_running_loop().call_soon(written.set)  # runs after the write of this turn
    await written.wait()
    two = session.submit(b"two", lambda sequence, status, body: settled.append((sequence, status)))
    session.lose()
    three = session.submit(b"three", lambda sequence, status, body: settled.append((sequence, status)))
    assert settled == [(one, NO_REPLY), (two, UNWRITTEN)]
    assert three == 0  # nothing was taken
    assert not await session.room()
    assert not session.answer(1)


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        ((pdu.ENQUIRE_LINK, 0), (pdu.ENQUIRE_LINK | pdu.RESPONSE, 0)),
        ((pdu.UNBIND, 0), (pdu.UNBIND | pdu.RESPONSE, 0)),
        ((0x03, 0), (pdu.GENERIC_NACK, 3)),  # query_sm is for an SMSC
        ((0x0DEAD, 0), (pdu.GENERIC_NACK, 3)),
    ],
)
async def test_the_carriers_requests_are_answered(
    carrier: Any, sent: tuple[int, int], answered: tuple[int, int]
) -> None:
    """What we do not know gets a generic_nack, not silence."""
    got: asyncio.Future[Pdu] = asyncio.get_running_loop().create_future()

    def reply(one: Pdu) -> list[bytes]:
        if one.command == pdu.BIND_TRANSCEIVER:
            return [pdu.frame(one.command | pdu.RESPONSE, one.sequence, b"x\0")]
        if one.command == pdu.SUBMIT_SM:
            return [pdu.frame(sent[0], 77, status=sent[1])]
        got.set_result(one)
        return []

    async with carrier(reply) as url:
        session = await bind(parse(url).account, lambda session, deliveries: None, lambda: None)
        session.submit(b"", lambda sequence, status, body: None)
        told = await asyncio.wait_for(got, 5)
        session.lose()
    assert (told.command, told.status, told.sequence) == (*answered, 77)


async def test_a_stream_of_nonsense_ends_the_session(smsc: Smsc) -> None:
    """It cannot be followed again; the next send binds anew."""
    ended = asyncio.Event()
    session = await bind(account(smsc), lambda session, deliveries: None, ended.set)
    session.data_received(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await asyncio.wait_for(ended.wait(), 5)
    assert session.lost


async def test_the_same_word_next_day_on_another_line_is_a_new_text(smsc: Smsc, ear: Any) -> None:
    """It was answered at the time, and the line lived on for long: nobody sends that again."""
    start = datetime.now(UTC) - timedelta(seconds=30)
    times = [start]
    inbox = Inbox(str, clock=lambda: times[-1])
    for n in (1, 2):
        session = await bind(account(smsc), inbox.arrived, inbox.stir)
        handing = asyncio.create_task(inbox.hand_on(session, ear.take))
        await smsc.write("+62811", "112", "AMAN")
        await ear.until(n)
        times.append(start + timedelta(seconds=30))
        smsc.hang_up()
        await asyncio.wait_for(handing, 5)
    first, second = ear.heard
    assert isinstance(first, Incoming)
    assert first.id != second.id
