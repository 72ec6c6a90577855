"""A sandbox SMSC and a channel that speaks to it, for the SMS tests."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from channels.contract import Address, Incoming, Notice, Outcome, Receipt
from channels.sms import pdu
from channels.sms.pdu import Pdu
from channels.sms.smpp import Smpp
from deploy.sandbox.smsc import Smsc

NOTICE = Notice(id="n1", language="id", text="LATIHAN: Banjir. Naik ke tempat tinggi.", sent=datetime.now(UTC))


async def numbers(count: int, start: int = 0) -> AsyncIterator[Address]:
    for n in range(start, start + count):
        yield Address(id=n, value=f"+62812{n:07}", key=f"n1/{n}")


class Ear:
    """Collects what listen() hands on; `refuse` makes it fail, `hold` makes it wait."""

    def __init__(self) -> None:
        self.heard: list[Incoming | Receipt] = []
        self.takes: list[int] = []
        self.refuse = False
        self.hold = asyncio.Event()
        self.hold.set()
        self.entered = asyncio.Event()
        self._more = asyncio.Condition()

    async def take(self, brought: Sequence[Incoming | Receipt]) -> None:
        self.entered.set()
        await self.hold.wait()
        if self.refuse:
            raise ConnectionError("the database is away")
        async with self._more:
            self.heard += brought
            self.takes.append(len(brought))
            self._more.notify_all()

    async def until(self, count: int) -> list[Any]:
        async with asyncio.timeout(10), self._more:
            await self._more.wait_for(lambda: len(self.heard) >= count)
        return self.heard

    @contextlib.asynccontextmanager
    async def listening(self, channel: Smpp) -> AsyncIterator[asyncio.Task[None]]:
        task = asyncio.create_task(channel.listen(self.take))
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


Reply = Callable[[Pdu], Sequence[bytes]]


class Carrier:
    """An SMSC of bare PDUs: `reply` says what it writes for each PDU it reads, after `delay` seconds."""

    def __init__(self, reply: Reply, delay: float = 0.0) -> None:
        self._reply = reply
        self._delay = delay
        self._lines: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> str:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1")
        return f"smpp://test:test@127.0.0.1:{self._server.sockets[0].getsockname()[1]}/?source=BPBD"

    async def __aexit__(self, *exc: object) -> None:
        self._server.close()
        await asyncio.wait_for(asyncio.gather(*self._lines), 5)

    def _accept(self, incoming: asyncio.StreamReader, out: asyncio.StreamWriter) -> None:
        self._lines.add(asyncio.create_task(self._serve(incoming, out)))

    async def _serve(self, incoming: asyncio.StreamReader, out: asyncio.StreamWriter) -> None:
        reader, loop = pdu.Reader(), asyncio.get_running_loop()
        with contextlib.suppress(ConnectionError):
            while chunk := await incoming.read(65536):
                for one in reader.feed(chunk):
                    loop.call_later(self._delay, out.write, b"".join(self._reply(one)))
            out.close()
            await out.wait_closed()


@pytest.fixture
def carrier() -> type[Carrier]:
    """`async with carrier(reply) as url:` has an SMSC that says exactly what the test says."""
    return Carrier


@pytest.fixture
async def smsc() -> AsyncIterator[Smsc]:
    async with Smsc(receipts=False) as smsc:
        yield smsc


@pytest.fixture
async def channel(smsc: Smsc) -> AsyncIterator[Callable[..., Smpp]]:
    """`channel(window=5)` gives a channel on the SMSC, closed after the test."""
    opened: list[Smpp] = []

    def make(url: str = "", **options: object) -> Smpp:
        extra = "".join(f"&{name}={value}" for name, value in options.items())
        opened.append(Smpp.from_url((url or smsc.url) + extra))
        return opened[-1]

    yield make
    for one in opened:
        await one.close()


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
def outcomes() -> Iterator[list[Outcome]]:
    """What was reported; the test's end checks that no address was reported twice."""
    got: list[Outcome] = []
    yield got
    ids = [one.address_id for one in got]
    assert len(ids) == len(set(ids)), "an address was reported twice"


@pytest.fixture
def notice() -> Notice:
    return NOTICE


@pytest.fixture
def to() -> Callable[..., AsyncIterator[Address]]:
    return numbers
