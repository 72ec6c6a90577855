"""Strangers understand our SMPP: the npm `smpp` server our client, and Kannel's client our sandbox SMSC."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from channels.contract import Address, Arrival, Incoming, Misconfigured, Notice, Outcome, Receipt, Result
from channels.sms.smpp import Smpp
from deploy.sandbox.smsc import Smsc

pytestmark = pytest.mark.peer

HERE = Path(__file__).parent
NOTICE = Notice(id="n1", language="id", text="LATIHAN: Banjir € [1].", sent=datetime.now(UTC))


class Peer:
    """The foreign SMSC: its setting, and its control port."""

    def __init__(self, port: int, control: int) -> None:
        self.url = f"smpp://test:test@127.0.0.1:{port}/?source=BPBD"
        self._control = f"http://127.0.0.1:{control}"

    async def ask(self, path: str, **query: str) -> Any:
        async with aiohttp.ClientSession() as http, http.get(self._control + path, params=query) as reply:
            return await reply.json()


@pytest.fixture(scope="module")
def foreign(peer: Callable[..., Any], server: Callable[..., Any], free_port: Callable[[], int]) -> Iterator[Peer]:
    node = peer("node", shutil.which("node"))
    folders = [HERE / "node_modules", *map(Path, filter(None, os.environ.get("NODE_PATH", "").split(":")))]
    peer("npm smpp", any((folder / "smpp").is_dir() for folder in folders))
    port, control = free_port(), free_port()
    with server([node, str(HERE / "smsc.js"), str(port), str(control)], control):
        yield Peer(port, control)


@pytest.fixture
async def sms(foreign: Peer) -> AsyncIterator[Smpp]:
    channel = Smpp.from_url(foreign.url)
    yield channel
    await channel.close()


async def numbers(*values: str) -> AsyncIterator[Address]:
    for n, value in enumerate(values):
        yield Address(id=n, value=value, key=str(n))


@contextlib.asynccontextmanager
async def listening(sms: Smpp) -> AsyncIterator[asyncio.Queue[Incoming | Receipt]]:
    heard: asyncio.Queue[Incoming | Receipt] = asyncio.Queue()

    async def take(brought: Sequence[Incoming | Receipt]) -> None:
        for one in brought:
            heard.put_nowait(one)

    task = asyncio.create_task(sms.listen(take))
    try:
        async with asyncio.timeout(15):
            yield heard
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize(
    ("text", "coding", "parts"),
    [
        ("LATIHAN: Banjir € [1]^{}~|\\ @£", 0, 1),
        ("“Awas” 🌊 Ciliwung", 8, 1),
        ("Naik € " * 40, 0, 3),
        ("Awas 🌊" * 40, 8, 5),
    ],
)
async def test_a_foreign_smsc_reads_what_we_wrote(foreign: Peer, sms: Smpp, text: str, coding: int, parts: int) -> None:
    """Alphabet, parts, sender, urgency and life."""
    outcomes: list[Outcome] = []
    words = replace(NOTICE, text=text, urgent=True, expires=datetime.now(UTC) + timedelta(hours=2))
    await sms.send(words, numbers("+62812001"), outcomes.append)
    submits = {one["id"]: one for one in await foreign.ask("/submits")}
    (outcome,) = outcomes
    mine = [submits[ref] for ref in outcome.refs]
    assert "".join(one["text"] for one in mine) == text
    assert [one["coding"] for one in mine] == [coding] * parts
    assert {(one["source"], one["sourceTon"], one["destination"]) for one in mine} == {("BPBD", 5, "62812001")}
    assert {one["priority"] for one in mine} == {3}
    if parts > 1:
        places = [one["header"][0][-2:] for one in mine]
        assert places == [[parts, index] for index in range(1, parts + 1)]
        assert {one["esmClass"] for one in mine} == {0x40}


async def test_a_foreign_smscs_receipts_and_refusals_are_understood(foreign: Peer, sms: Smpp) -> None:
    """One delivered, one not, one throttled."""
    outcomes: list[Outcome] = []
    async with listening(sms) as heard:
        await sms.send(NOTICE, numbers("62812001", "62812009", "000"), outcomes.append)
        receipts = [await heard.get(), await heard.get()]
    by_id = {one.address_id: one for one in outcomes}
    assert (by_id[2].result, by_id[2].code) == (Result.THROTTLED, "ESME_RTHROTTLED")
    assert {one.ref: one.state for one in receipts if isinstance(one, Receipt)} == {
        by_id[0].refs[0]: Arrival.DELIVERED,
        by_id[1].refs[0]: Arrival.FAILED,
    }


async def test_a_foreign_smsc_brings_residents_texts(foreign: Peer, sms: Smpp) -> None:
    """Default alphabet, UCS-2, and in two parts that come in the wrong order."""
    async with listening(sms) as heard:
        await sms.send(NOTICE, numbers("62812001"), lambda outcome: None)
        assert isinstance(await heard.get(), Receipt)
        for text, coding in (("Apakah jalan aman? €", "0"), ("Tolong 🙏 “RT 03”", "8")):
            assert await foreign.ask("/write", **{"from": "62811", "to": "112", "text": text, "coding": coding}) == {
                "status": 0
            }
            got = await heard.get()
            assert isinstance(got, Incoming)
            assert (got.sender, got.text) == ("+62811", text)
        words = {"from": "62811", "to": "112", "coding": "0"}
        second = asyncio.create_task(foreign.ask("/write", **words, text="sudah masuk.", part="9,2,2"))
        first = asyncio.create_task(foreign.ask("/write", **words, text="Air ", part="9,2,1"))
        got = await heard.get()
        assert isinstance(got, Incoming)
        assert got.text == "Air sudah masuk."
        assert await first == await second == {"status": 0}


async def test_a_foreign_smsc_with_another_password_stops_the_channel(foreign: Peer) -> None:
    """Before any address is taken."""
    sms = Smpp.from_url(foreign.url.replace("test:test", "test:salah"))
    with pytest.raises(Misconfigured, match="ESME_RINVPASWD"):
        await sms.send(NOTICE, numbers("62812001"), lambda outcome: None)


KANNEL = """group = core
admin-port = {admin}
smsbox-port = {inner}
admin-password = x
admin-interface = 127.0.0.1
smsbox-interface = 127.0.0.1
box-allow-ip = 127.0.0.1
dlr-storage = internal

group = smsc
smsc = smpp
smsc-id = SANDBOX
host = 127.0.0.1
port = {smsc}
smsc-username = test
smsc-password = test
system-type = ""
transceiver-mode = true

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {http}
sendsms-interface = 127.0.0.1
global-sender = 112

group = sendsms-user
username = u
password = p
concatenation = true
max-messages = 5

group = sms-service
keyword = default
catch-all = true
text = "Diterima"
"""


async def test_kannel_speaks_to_the_sandbox_smsc(
    peer: Callable[..., Any], server: Callable[..., Any], free_port: Callable[[], int], tmp_path: Path
) -> None:
    """An independent client: binds, submits long and UCS-2 texts, and answers a resident's text."""
    bearerbox = peer("kannel", shutil.which("bearerbox", path=f"{os.environ['PATH']}:/usr/sbin"))
    smsbox = str(Path(bearerbox).with_name("smsbox"))
    admin, inner, http = free_port(), free_port(), free_port()
    long = "Banjir [2 m] di Ciliwung € " * 8
    async with Smsc() as smsc, contextlib.AsyncExitStack() as stack:
        conf = tmp_path / "kannel.conf"
        conf.write_text(KANNEL.format(admin=admin, inner=inner, http=http, smsc=smsc.port))
        with (tmp_path / "log").open("wb") as log:
            for box, port in ((bearerbox, inner), (smsbox, http)):
                entering = server([box, str(conf)], port, stdout=log, stderr=log, cwd=tmp_path)
                await asyncio.to_thread(entering.__enter__)
                stack.push_async_callback(asyncio.to_thread, entering.__exit__, None, None, None)
            await smsc.wait_bound()
            for text, coding in ((long, "0"), ("“Awas” 🌊", "2")):
                query = {"username": "u", "password": "p", "to": "+62812", "text": text}
                query |= {"coding": coding, "charset": "UTF-8", "dlr-mask": "31", "dlr-url": "http://127.0.0.1:1/"}
                async with (
                    aiohttp.ClientSession() as session,
                    session.get(f"http://127.0.0.1:{http}/cgi-bin/sendsms", params=query) as reply,
                ):
                    assert reply.status == 202
            await smsc.wait_for(2)
            await smsc.write("+62811", "112", "Tolong")
            submitted = await smsc.wait_for(3)
    assert {(one.text, one.parts) for one in submitted} == {(long, 2), ("“Awas” 🌊", 1), ("Diterima", 1)}
