"""Promises to stations: words before sound, their own cart number, updates in its place, and none waits for another."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from channels.contract import Address, Result
from channels.radio import bwf
from channels.radio.radio import Radio
from tests.channels.radio.kits import (
    DRILL,
    NOON,
    REAL,
    UPDATE,
    Clock,
    listening,
    offer,
    settled,
    station,
    until,
)
from tests.channels.radio.patience import PATIENCE


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
