"""Promises to stations: words before sound, their own cart number, updates in its place, and none waits for another."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from channels.contract import Address, Notice, Outcome, Result
from channels.radio import bwf
from channels.radio.press import Press
from channels.radio.radio import Radio
from channels.radio.setting import Means
from channels.radio.stages import Stage
from tests.channels.radio.conftest import PATIENCE
from tests.channels.radio.kits import DRILL, NOON, OFFICE, until

REAL = replace(DRILL, mode="Actual", script="Air naik.")  # the shortest kit: the words are others' promise
UPDATE = replace(REAL, id="urn:oid:2.49.8", script="Air turun.", sent=NOON + timedelta(minutes=30), replaces=(REAL.id,))


class Clock:
    """A clock the test moves by hand."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def radio(tmp_path: Path, clock: Clock, press: Press) -> AsyncIterator[Radio]:
    made = Radio(tmp_path / "radio", OFFICE, means=Means(most=Stage.FIRST), press=press, clock=clock, every=0.02)
    yield made
    await made.close()


def station(way: str, number: int = 1, **more: object) -> Address:
    entry = {"name": f"Radio {number}", "way": way, "languages": ["id"], "secret": "ab" * 16, **more}
    return Address(id=number, value=json.dumps(entry), key=f"urn/{number}")


async def offer(radio: Radio, notice: Notice, *addresses: Address) -> list[Outcome]:
    async def given() -> AsyncIterator[Address]:
        for address in addresses:
            yield address

    outcomes: list[Outcome] = []
    await radio.send(notice, given(), outcomes.append)
    return sorted(outcomes, key=lambda one: one.address_id)


async def settled(radio: Radio, notice: Notice, address: Address) -> Outcome:
    """Send again as the delivery does, until the station is settled."""
    async with asyncio.timeout(PATIENCE):
        while True:
            (outcome,) = await offer(radio, notice, address)
            if outcome.result is not Result.THROTTLED:
                return outcome


@asynccontextmanager
async def listening(radio: Radio) -> AsyncIterator[None]:
    async def nothing(_: object) -> None:
        raise AssertionError("a radio hears nobody")

    loop = asyncio.create_task(radio.listen(nothing))
    try:
        yield
    finally:
        loop.cancel()
        await asyncio.gather(loop, return_exceptions=True)


async def test_a_drop_box_gets_one_wav_by_its_cart_number_and_an_update_replaces_it(
    radio: Radio, tmp_path: Path
) -> None:
    """What a playout system imports: one file, its number inside and outside; accepted once it is there."""
    box = tmp_path / "box"
    box.mkdir()
    dropped = station(f"file://{box}", cart_first=900001, cart_last=900010)
    async with listening(radio):
        first = await settled(radio, REAL, dropped)
        (wave,) = box.iterdir()
        cart = bwf.read(wave).cart
        assert (first.result, first.alone, len(first.refs[0])) == (Result.ACCEPTED, False, 16)
        assert (wave.name, cart and cart.cut_id) == (f"{900001 + 7}.wav", str(900001 + 7))
        old = wave.read_bytes()
        assert (await settled(radio, UPDATE, replace(dropped, key="urn/other"))).result is Result.ACCEPTED
    assert [path.name for path in box.iterdir()] == [wave.name]
    assert wave.read_bytes() != old


async def test_words_are_there_before_the_sound_and_not_yet_called_accepted(radio: Radio, tmp_path: Path) -> None:
    """The state of a kit on its way is told as what it is: try again later, and no trouble of others."""
    way = tmp_path / "station"
    way.mkdir()
    (outcome,) = await offer(radio, REAL, station(f"file://{way}", formats=["kit"]))
    assert (outcome.result, outcome.alone, outcome.code) == (Result.THROTTLED, True, "on its way")
    assert list(way.iterdir()) == []
    async with listening(radio):
        done = await settled(radio, REAL, station(f"file://{way}", formats=["kit"]))
    assert done.result is Result.ACCEPTED
    (kit,) = way.iterdir()
    names = {path.name for path in kit.rglob("*") if path.is_file()}
    assert {"SHA256SUMS", "RECEIPT.txt", "manifest.json"} <= names
    assert done.refs[0] in (kit / "RECEIPT.txt").read_text()
    assert f"https://office.example/aired/{done.refs[0]}" in (kit / "RECEIPT.txt").read_text()


async def test_a_dead_station_holds_up_nobody(radio: Radio, tmp_path: Path) -> None:
    """One hangs, one refuses, one is set up wrongly: the folder and the good one get the bulletin all the same."""
    box = tmp_path / "box"
    box.mkdir()
    deaf = socket.create_server(("127.0.0.1", 0))  # takes connections, and never says a word
    hangs = station(f"ftp://u:p@127.0.0.1:{deaf.getsockname()[1]}/drop", 1)
    closed = socket.create_server(("127.0.0.1", 0))
    port = closed.getsockname()[1]
    closed.close()
    refuses, wrong = station(f"ftp://u:p@127.0.0.1:{port}/drop", 2), Address(id=3, value="{}", key="k")
    good, page = station(f"file://{box}", 4), Address(id=5, value="radio", key="p")
    everyone = (hangs, refuses, wrong, good, page)
    with deaf:
        async with listening(radio), asyncio.timeout(PATIENCE):
            await settled(radio, REAL, good)
            outcomes = await offer(radio, REAL, *everyone)
            while outcomes[1].result is Result.THROTTLED:
                outcomes = await offer(radio, REAL, *everyone)
        await radio.close()
    assert [one.result.value for one in outcomes] == ["throttled", "unreachable", "unreachable", "accepted", "accepted"]
    assert [one.alone for one in outcomes] == [True, True, True, False, False]
    assert outcomes[1].code, "the officer sees why"
    assert list(box.glob("*.wav"))


async def test_an_expired_kit_leaves_the_stations_folder(radio: Radio, clock: Clock, tmp_path: Path) -> None:
    """The clock alone takes it away; other files of the station stay."""
    way = tmp_path / "station"
    way.mkdir()
    (way / "theirs.wav").write_bytes(b"RIFF")
    async with listening(radio):
        assert (await settled(radio, REAL, station(f"file://{way}", formats=["kit"]))).result is Result.ACCEPTED
        assert len(list(way.iterdir())) == 2
        clock.now = NOON + timedelta(hours=2)
        await until(radio, lambda: [path.name for path in way.iterdir()] == ["theirs.wav"])


async def test_a_drill_goes_by_its_mark_at_a_station_too(radio: Radio, tmp_path: Path) -> None:
    """The same range, but never the name of the real thing, nor its number inside: playout systems go by that."""
    box = tmp_path / "box"
    box.mkdir()
    async with listening(radio):
        await settled(radio, DRILL, station(f"file://{box}", cart_first=5, cart_last=5, exercise=True))
    (wave,) = box.iterdir()
    cart = bwf.read(wave).cart
    assert (wave.name, cart and cart.cut_id) == ("LATIHAN_5.wav", "")
