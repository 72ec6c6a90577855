"""Promises kept when things go wrong at once: stations that fail, bulletins that overtake."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from channels.contract import Refused, Result, Unavailable
from channels.radio import kit
from channels.radio.bulletin import STORED, draft, kit_name
from channels.radio.folder import Folder
from channels.radio.pack import link
from channels.radio.press import Broken, Press
from channels.radio.radio import Radio
from channels.radio.setting import Means
from channels.radio.stages import Stage
from channels.radio.voicing import _set_aside
from channels.radio.ways.folder import _copy
from crisis.cli import kits
from crisis.errors import BadInput
from tests.channels.radio.kits import (
    NOON,
    OFFICE,
    REAL,
    UPDATE,
    Clock,
    listening,
    no_room,
    offer,
    order,
    settled,
    station,
    until,
)

T = TypeVar("T")


@pytest.fixture
def box(tmp_path: Path) -> Path:
    made = tmp_path / "box"
    made.mkdir()
    return made


class Liquidsoap:
    """A studio's Liquidsoap that has played all it was given, and counts it."""

    def __init__(self) -> None:
        self.pushed: list[str] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := (await reader.readline()).decode().strip():
            if ".push " in line:
                self.pushed.append(line)
            writer.write({"r": b'status="ready"', "q": b"1"}[line[0]] * (line != "request.all") + b"\r\nEND\r\n")
        writer.close()


async def test_what_was_overtaken_is_never_called_accepted(radio: Radio, box: Path) -> None:
    """Whoever still asked after the older words hears that they did not arrive."""
    dropped = station(f"file://{box}")
    older = asyncio.create_task(offer(radio, REAL, dropped))
    while not radio._errands._all:
        await asyncio.to_thread(os.sched_yield)
    (newer,) = await offer(radio, UPDATE, dropped)
    (old,) = await older
    assert (old.result, newer.result) == (Result.UNREACHABLE, Result.THROTTLED)
    assert list(box.iterdir()) == []


async def test_what_was_under_way_when_the_service_stops_is_not_accepted(radio: Radio, box: Path) -> None:
    """The delivery brings it when the service is back."""
    asked = asyncio.create_task(offer(radio, REAL, station(f"file://{box}")))
    while not radio._errands._all:
        await asyncio.to_thread(os.sched_yield)
    await radio.close()
    (outcome,) = await asked
    assert outcome.result is Result.UNREACHABLE


async def test_a_station_for_which_there_is_nothing_has_accepted_nothing(radio: Radio, box: Path) -> None:
    """A drop box takes sound, and there is no voice for Javanese: an officer must hear that it got nothing."""
    async with listening(radio):
        outcome = await settled(radio, replace(REAL, language="jv"), station(f"file://{box}", languages=["jv"]))
    assert (outcome.result, outcome.code) == (Result.REFUSED, "no sound: no voice for jv")


async def test_what_is_queued_on_air_is_queued_once(tmp_path: Path, clock: Clock, press: Press) -> None:
    """The kit grows after its first sound; listeners do not hear the bulletin again at every stage."""
    radio = Radio(tmp_path / "radio", OFFICE, means=Means(most=Stage.WHOLE), press=press, clock=clock, every=0.02)
    studio = Liquidsoap()
    server = await asyncio.start_server(studio, "127.0.0.1", 0)
    way = f"liquidsoap://127.0.0.1:{server.sockets[0].getsockname()[1]}/queue?path=/kits"
    async with server, listening(radio):
        assert (await settled(radio, REAL, station(way))).result is Result.ACCEPTED
        await until(radio, lambda: radio._folder.all()[0].reached == "whole")
        for _ in range(10):
            await until(radio, lambda: True)
            async with radio.turned:
                await radio.turned.wait()
        await radio.close()
    assert len(studio.pushed) == 1


async def test_old_words_leave_a_station_that_was_away_when_they_expired(radio: Radio, clock: Clock, box: Path) -> None:
    """Its folder is not there at that moment; it is emptied once it is there again."""
    away = box.with_name("away")
    async with listening(radio):
        await settled(radio, REAL, station(f"file://{box}"))
        box.rename(away)
        clock.now = NOON + timedelta(hours=2)
        for _ in range(5):
            async with radio.turned:
                await radio.turned.wait()
        away.rename(box)
        await until(radio, lambda: not list(box.iterdir()))
        await until(radio, lambda: not radio._errands._all)


async def test_what_an_all_clear_ends_leaves_the_station_though_its_kit_was_not_complete(
    tmp_path: Path, clock: Clock, press: Press, box: Path
) -> None:
    """Nothing of the all-clear goes to that station, and the old sound must not lie there."""
    radio = Radio(tmp_path / "radio", OFFICE, means=Means(most=Stage.WHOLE), press=press, clock=clock, every=0.02)
    async with listening(radio):
        await settled(radio, REAL, station(f"file://{box}"))
        assert list(box.iterdir())
        await offer(radio, replace(UPDATE, incident="8", ends=True))
        await until(radio, lambda: not list(box.iterdir()))
    await radio.close()


async def test_what_leaves_takes_no_file_that_another_bulletin_has_by_now(
    radio: Radio, clock: Clock, box: Path
) -> None:
    """One cart for two incidents: when the first expires, the second's sound stays."""
    dropped = station(f"file://{box}", cart_first=5, cart_last=5)
    later = replace(REAL, id="urn:oid:9", incident="9", expires=NOON + timedelta(hours=4))
    async with listening(radio):
        await settled(radio, REAL, dropped)
        await settled(radio, later, dropped)
        clock.now = NOON + timedelta(hours=2)
        await until(radio, lambda: len(radio._errands._all) == 1)
        assert [path.name for path in box.iterdir()] == ["5.wav"]
        clock.now = NOON + timedelta(hours=4)
        await until(radio, lambda: not list(box.iterdir()))


async def test_half_a_kit_that_arrived_leaves_with_the_words_it_was_of(radio: Radio, tmp_path: Path, box: Path) -> None:
    """The line broke in the middle: what follows finds and removes what lies there."""
    everything = station(f"file://{box}", formats=["kit"])
    async with listening(radio):
        await until(radio, lambda: True)
        await offer(radio, replace(REAL, about=None), station("rss:", 2))
        await until(radio, lambda: radio._folder.all()[0].reached == "whole")
        now = radio._folder.all()[0]
        # A folder where a file should go: the carriage fails there, after others have arrived.
        blocked = box / kit_name(now, OFFICE) / "STATION-SETUP.txt.part"
        blocked.mkdir(parents=True)
        outcome = await settled(radio, replace(REAL, about=None), everything)
        assert outcome.result is not Result.ACCEPTED
        blocked.rmdir()
        old = {path for path in box.rglob("*") if path.is_file()}
        assert old
        assert (await settled(radio, UPDATE, everything)).result is Result.ACCEPTED
    assert not [path for path in old if path.exists()]


class Overtaken(Press):
    """The first sound comes into force in the midst of the first tailoring for a station, which finds a file gone."""

    def __init__(self) -> None:
        super().__init__(1)
        self.asked, self.radio = asyncio.Event(), None

    async def run(self, timeout: float, make: Callable[..., T], /, *args: object, **kwargs: object) -> T:
        if make is kit.make and Stage.FIRST in args:
            await self.asked.wait()
        if make is kit.tailor and not self.asked.is_set():
            self.asked.set()
            await until(self.radio, lambda: self.radio._folder.all()[0].reached != "paper")
            raise Broken("tailor failed: a file it needs is gone")
        return await super().run(timeout, make, *args, **kwargs)


async def test_a_kit_that_grows_while_a_station_s_is_made_of_it_is_no_fault(tmp_path: Path, box: Path) -> None:
    """The station gets what stands by then in the same errand, and the officer reads of no trouble."""
    press = Overtaken()
    press.radio = radio = Radio(
        tmp_path / "radio", OFFICE, means=Means(most=Stage.FIRST), press=press, clock=Clock(), every=0.02
    )
    async with listening(radio):
        outcome = await settled(radio, REAL, station(f"file://{box}", formats=["kit"]))
    await radio.close()
    press.close()
    assert press.asked.is_set()
    assert (outcome.result, outcome.code) == (Result.ACCEPTED, "")


def test_one_maker_is_kept_free_of_the_better_voice(tmp_path: Path) -> None:
    """It takes minutes, and the paper of a new alert must not wait for two of them."""
    radio = Radio(tmp_path, OFFICE)
    assert radio._most() is Stage.NEURAL
    radio._taken["7-id"] = Stage.NEURAL
    assert radio._most() is Stage.WHOLE


def test_a_recording_that_comes_while_a_voice_is_made_is_taken_after_it(tmp_path: Path, clock: Clock) -> None:
    """What is made just then would be put in force over it, and the person would never be heard."""
    radio = Radio(tmp_path / "radio", OFFICE, means=Means(recordings=tmp_path / "voices"), clock=clock)
    bulletin = draft(REAL, OFFICE, NOON)
    radio._folder.ready()
    radio._folder.place(bulletin)
    radio._folder.settle(bulletin, {"reached": "whole", "voice": "espeak"})
    (tmp_path / "voices" / bulletin.stem).mkdir(parents=True)
    (tmp_path / "voices" / bulletin.stem / "id.wav").write_bytes(b"RIFF")
    radio._taken[bulletin.place] = Stage.NEURAL
    radio._look()
    assert radio._folder.all()[0].reached == "whole"
    radio._taken.clear()
    radio._look()
    assert radio._folder.all()[0].reached == "paper"


@pytest.mark.parametrize("left", ["made anew", "not made", "ended in the middle"])
def test_sound_that_cannot_be_made_again_stays_as_it_was(tmp_path: Path, left: str) -> None:
    """The kit names those files: without them it could not be made whole, now or ever."""
    made = order(tmp_path / "desk")
    mp3 = made.into / made.bulletin.file("mp3")
    mp3.parent.mkdir(parents=True)
    mp3.write_bytes(b"old")
    if left == "ended in the middle":
        (made.into / ".aside").mkdir()
        mp3.replace(made.into / ".aside" / mp3.name)
    with _set_aside(made, ["mp3"]):
        assert not mp3.exists()
        if left == "made anew":
            mp3.write_bytes(b"new")
    assert mp3.read_bytes() == (b"new" if left == "made anew" else b"old")
    assert not (made.into / ".aside").exists()


def test_a_station_never_gets_the_kit_of_other_words_under_its_own_name(tmp_path: Path) -> None:
    """Its turn came late, and by then an update stood in the place."""
    later = order(tmp_path / "place", UPDATE)
    kit.make(later, Stage.PAPER)
    (later.into / "bulletin.json").write_bytes(STORED.dump_json(later.bulletin))
    kit.tailor(order(tmp_path / "own", UPDATE), later.into)
    with pytest.raises(FileNotFoundError, match="another kit has taken its place"):
        kit.tailor(order(tmp_path / "own", REAL), later.into)


@pytest.fixture
def folder(tmp_path: Path, clock: Clock) -> Folder:
    made = Folder(tmp_path / "radio", OFFICE, clock)
    made.ready()
    return made


def test_what_was_replaced_elsewhere_does_not_come_back(folder: Folder) -> None:
    """The all-clear has another incident and one language; a late try of the alert's other language is refused."""
    english = draft(replace(REAL, language="en", script="Flood."), OFFICE, NOON)
    folder.place(draft(REAL, OFFICE, NOON))
    folder.place(english)
    folder.place(draft(replace(UPDATE, incident="8", ends=True), OFFICE, NOON))
    with pytest.raises(Refused, match="a later bulletin has taken its place"):
        folder.place(english)
    assert [one.place for one in folder.all()] == ["8-id"]


def test_an_exercise_takes_no_actual_bulletin_off_the_air(folder: Folder) -> None:
    """Though it says that it replaces it."""
    folder.place(draft(REAL, OFFICE, NOON))
    folder.place(draft(replace(UPDATE, mode="Exercise", ends=True), OFFICE, NOON))
    assert [one.mode for one in folder.all()] == ["Actual", "Exercise"]


def test_a_full_disk_keeps_nothing_expired_in_force(folder: Folder, clock: Clock) -> None:
    """Mending another bulletin needs room; the old one leaves all the same."""
    broken = draft(replace(REAL, incident="1", expires=None), OFFICE, NOON)
    for bulletin in (broken, draft(REAL, OFFICE, NOON)):
        folder.place(bulletin)
    folder.settle(broken, {"reached": "whole", "size": 5})  # its MP3 is gone
    clock.now = NOON + timedelta(hours=2)
    with no_room(), pytest.raises(Unavailable):
        folder.sweep()
    assert [one.incident for one in folder.all()] == ["1"]


def test_a_copy_that_was_broken_off_writes_into_no_later_one(tmp_path: Path) -> None:
    """Its thread cannot be stopped; what it still writes is nobody's."""
    (tmp_path / "new.wav").write_bytes(b"new")
    with (tmp_path / "5.wav.part").open("wb") as old:
        _copy(tmp_path / "new.wav", tmp_path / "5.wav.part")
        old.write(b"old words")
    assert (tmp_path / "5.wav.part").read_bytes() == b"new"


def test_a_disk_without_links_gets_copies(tmp_path: Path) -> None:
    """A station's share may be of a kind that knows none; the kit is put in force all the same."""
    other = Path("/dev/shm") / f"{tmp_path.name}-{os.getpid()}"
    if not other.parent.is_dir() or other.parent.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("this machine has one disk")
    (tmp_path / "a").write_bytes(b"sound")
    try:
        link(tmp_path / "a", other)
        assert other.read_bytes() == b"sound"
    finally:
        other.unlink(missing_ok=True)


def test_one_recording_speaks_one_language(tmp_path: Path) -> None:
    """An Indonesian voice must not lie in the English kit."""
    recording = tmp_path / "id.wav"
    recording.write_bytes(b"RIFF")
    told = [REAL, replace(REAL, language="en")]
    with pytest.raises(BadInput, match="say which with --lang"):
        kits.build(told, OFFICE, tmp_path, kits.Own(recordings=recording), "best")
