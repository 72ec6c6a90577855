"""The benches' carrier counts what it was given: split, pipelined, twice over, late, by HTTP and by SMPP."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable

import pytest

from channels.sms import pdu
from channels.sms.pdu import Pdu, Reader, Sm, frame
from tests.bench.carrier import Carrier

RECEIPT = 4  # esm_class of a receipt


@pytest.fixture(autouse=True)
def _compiler(peer: Callable[[str, str | None], str]) -> None:
    peer("a C compiler", shutil.which("cc") or shutil.which("gcc"))


def post(chat: int | str) -> bytes:
    """One sendMessage as it goes on the wire."""
    body = json.dumps({"chat_id": chat, "text": "banjir"}).encode()
    return b"POST /botA/sendMessage HTTP/1.1\r\nHost: x\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)


async def replies(reader: asyncio.StreamReader, count: int) -> list[int]:
    """Read so many replies and give the numbers of the posts."""
    found = []
    for _ in range(count):
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length"))
        found.append(json.loads(await reader.readexactly(length))["result"]["message_id"])
    return found


@pytest.mark.parametrize("delay_ms", [0, 5])
async def test_pipelined_and_split_posts_are_each_answered_and_counted_once(delay_ms: int) -> None:
    async with Carrier("http", delay_ms) as carrier:
        reader, writer = await asyncio.open_connection("127.0.0.1", carrier.port)
        writer.write(post(1) + post("2") + post(2)[:60])
        assert await replies(reader, 2) == [1, 2]
        for byte in post(2)[60:]:
            writer.write(bytes([byte]))
            await writer.drain()
        assert await replies(reader, 1) == [3]
        taken = await carrier.until(3, 5)
        assert (taken.count, taken.distinct, taken.most) == (3, 2, 2)
        assert 0 < taken.first_ns <= taken.last_ns
        assert (await carrier.reset()).count == 3
        assert (await carrier.figures()).count == 0
        writer.close()


async def test_many_destinations_are_told_apart() -> None:
    async with Carrier("http") as carrier:
        reader, writer = await asyncio.open_connection("127.0.0.1", carrier.port)
        count = 40_000  # more than its first table holds
        sent = asyncio.create_task(replies(reader, count))
        for start in range(0, count, 1_000):
            writer.write(b"".join(post(10_000_000 + n) for n in range(start, start + 1_000)))
            await writer.drain()
        assert len(set(await sent)) == count
        taken = await carrier.figures()
        assert (taken.count, taken.distinct, taken.most) == (count, count, 1)
        writer.close()


async def test_an_smsc_answers_binds_submits_and_enquiries_and_tells_of_arrival_when_asked() -> None:
    async with Carrier("smpp", receipts=True) as carrier:
        reader, writer = await asyncio.open_connection("127.0.0.1", carrier.port)
        bind = pdu.Bind(system_id="test", password="test").encode()
        asked = Sm(destination="628120001", registered=1, octets=b"banjir").encode()
        plain = Sm(destination="628120002", octets=b"banjir").encode()
        writer.write(frame(pdu.BIND_TRANSCEIVER, 1, bind) + frame(pdu.SUBMIT_SM, 2, asked)[:25])
        told = await answers(reader, 1)
        writer.write(frame(pdu.SUBMIT_SM, 2, asked)[25:] + frame(pdu.SUBMIT_SM, 3, plain) + frame(pdu.ENQUIRE_LINK, 4))
        told += await answers(reader, 4)
        responses = {p.sequence: p for p in told if p.command & pdu.RESPONSE}
        assert {s: p.command & 0xFF for s, p in responses.items()} == {1: 0x09, 2: 0x04, 3: 0x04, 4: 0x15}
        assert len({responses[2].body, responses[3].body}) == 2
        arrived = [Sm.decode(p.body) for p in told if p.command == pdu.DELIVER_SM]
        assert [(sm.source, sm.esm_class) for sm in arrived] == [("628120001", RECEIPT)]
        assert arrived[0].tlvs[pdu.RECEIPTED_MESSAGE_ID] == responses[2].body
        taken = await carrier.figures()
        assert (taken.count, taken.distinct, taken.most) == (2, 2, 1)
        writer.close()


async def answers(reader: asyncio.StreamReader, count: int) -> list[Pdu]:
    """Read so many PDUs."""
    found: list[Pdu] = []
    framing = Reader()
    while len(found) < count:
        found += framing.feed(await reader.read(65536))
    return found
