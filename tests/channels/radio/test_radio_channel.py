"""Promises of the radio channel: words at once, audio after, nothing stale, nothing lost in a crash."""

from __future__ import annotations

import asyncio
import json
import wave
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from lxml import etree

from channels.contract import Address, Channel, Misconfigured, Notice, Outcome, Reach, Result, Unavailable
from channels.radio.bulletin import Office
from channels.radio.folder import SOUND
from channels.radio.loudness import measured
from channels.radio.press import Press
from channels.radio.radio import Radio
from channels.radio.setting import Means
from channels.radio.stages import Stage
from tests.channels.radio.kits import NOON, Clock, listening, no_room, nothing, until
from tests.channels.radio.patience import PATIENCE

STATION = Office(title="BPBD Kubu Raya", base="http://127.0.0.1:8080/radio", language="id", zone="Asia/Pontianak")
FIRST = Means(most=Stage.FIRST)
FLOOD = Notice(
    id="urn:oid:2.49.1",
    language="id",
    text="Banjir.",
    headline="Banjir di Sungai Raya",
    script="Banjir di Sungai Raya. Pindah ke SMPN 1.",
    incident="banjir-7",
    sent=NOON,
    expires=NOON + timedelta(hours=2),
)
UPDATE = replace(
    FLOOD,
    id="urn:oid:2.49.2",
    script="Air turun. Tetap waspada.",
    sent=NOON + timedelta(minutes=30),
    replaces=(FLOOD.id,),
)


@pytest.fixture
def radio(tmp_path: Path, clock: Clock, press: Press) -> Radio:
    return Radio(tmp_path / "radio", STATION, means=FIRST, press=press, clock=clock, every=0.02)


async def offer(radio: Radio, notice: Notice, count: int = 1) -> list[Outcome]:
    async def addresses() -> AsyncIterator[Address]:
        for number in range(count):
            yield Address(id=number, value="rspd", key=f"{notice.id}-{number}")

    outcomes: list[Outcome] = []
    await radio.send(notice, addresses(), outcomes.append)
    return outcomes


def state(folder: Path) -> dict[str, object]:
    kept: dict[str, object] = json.loads((folder / "bulletin.json").read_text())
    return kept


def entries(folder: Path) -> list[etree._Element]:
    return list(etree.fromstring((folder / "feed.xml").read_bytes()).iterfind("channel/item"))


def guids(folder: Path) -> list[str | None]:
    return [entry.findtext("guid") for entry in entries(folder)]


async def test_words_are_in_the_folder_and_the_feed_before_any_audio(radio: Radio, tmp_path: Path) -> None:
    """send() alone leaves state, script and a feed entry without an enclosure, and claims only acceptance."""
    outcomes = await offer(radio, FLOOD)
    folder = tmp_path / "radio"
    script = (folder / "banjir-7-id" / "text" / "naskah.txt").read_text()
    kept = state(folder / "banjir-7-id")
    assert outcomes == [Outcome(address_id=0, result=Result.ACCEPTED, refs=(FLOOD.id,))]
    assert (kept["id"], kept["reached"], kept["replaces"]) == (FLOOD.id, "words", [])
    assert "Pengumuman resmi dari BPBD Kubu Raya.\nBanjir di Sungai Raya. Pindah ke SMPN 1." in script
    assert "BACA DUA KALI" in script
    assert "Berlaku sampai pukul 21.00 WIB, 21 November 2026." in script
    (entry,) = entries(folder)
    assert entry.findtext("guid") == FLOOD.id
    assert entry.findtext("pubDate") == "Sat, 21 Nov 2026 12:00:00 +0000"
    assert entry.find("enclosure") is None


@pytest.mark.parametrize(
    ("script", "count"),
    [
        ("Pengumuman BPBD Kubu Raya. Banjir di Sungai Raya.", 1),
        ("Banjir di Sungai Raya. Posko BPBD Kubu Raya dibuka.", 2),
    ],
)
async def test_who_speaks_is_said_first_and_once(radio: Radio, tmp_path: Path, script: str, count: int) -> None:
    """The issuing line is added unless the script opens with the agency itself."""
    await offer(radio, replace(FLOOD, script=script))
    reading = str(state(tmp_path / "radio" / "banjir-7-id")["reading"])
    assert reading.count("BPBD Kubu Raya") == count
    assert "BPBD Kubu Raya" in reading.partition(".")[0]


async def test_the_alert_waits_for_no_audio(radio: Radio, tmp_path: Path) -> None:
    """A bulletin is accepted when its words are on disk; the audio is made after that."""
    await offer(radio, FLOOD)
    place = tmp_path / "radio" / "banjir-7-id"
    assert state(place)["reached"] == "words"
    assert not [path for path in place.rglob("*") if path.suffix in {".wav", ".mp3"}]


async def test_audio_follows_and_can_be_heard(radio: Radio, tmp_path: Path) -> None:
    """The rendered WAV is 48 kHz mono, loud, unclipped and twice as long as one reading; the feed has the MP3."""
    place = tmp_path / "radio" / "banjir-7-id"
    async with listening(radio):
        await offer(radio, FLOOD)
        await until(radio, lambda: state(place)["size"])
    (sound,) = place.rglob("*.wav")
    with wave.open(str(sound)) as heard:
        assert (heard.getframerate(), heard.getnchannels(), heard.getsampwidth()) == (48000, 1, 2)
        samples = np.frombuffer(heard.readframes(heard.getnframes()), "<i2") / 32768
    assert 20 * np.log10(np.max(np.abs(samples))) <= -2.0
    assert measured(samples.astype(np.float32)).integrated == pytest.approx(-23.0, abs=0.2)
    assert 15 < len(samples) / 48000 < 60
    (mp3,) = place.rglob("*.mp3")
    (enclosure,) = entries(tmp_path / "radio")[0].iterfind("enclosure")
    assert enclosure.get("url") == f"http://127.0.0.1:8080/radio/banjir-7-id/audio/{mp3.name}"
    assert (enclosure.get("length"), enclosure.get("type")) == (str(mp3.stat().st_size), "audio/mpeg")
    assert float(str(state(place)["seconds"])) == pytest.approx(len(samples) / 48000, abs=0.01)


async def test_audio_does_not_wait_for_the_steady_look(clock: Clock, press: Press, tmp_path: Path) -> None:
    """A send wakes listen() at once, though its next look is an hour away."""
    radio = Radio(tmp_path / "radio", STATION, means=FIRST, press=press, clock=clock, every=3600)
    place = tmp_path / "radio" / "banjir-7-id"
    async with listening(radio):
        await until(radio, lambda: True)
        await offer(radio, FLOOD)
        await until(radio, lambda: state(place)["size"])


async def test_an_update_silences_the_old_words_at_once(radio: Radio, tmp_path: Path) -> None:
    """The follow-up takes the same place; the old audio is gone before send() returns, then made anew."""
    place = tmp_path / "radio" / "banjir-7-id"
    async with listening(radio):
        await offer(radio, FLOOD)
        await until(radio, lambda: state(place)["size"])
    (old,) = place.rglob("*.mp3")
    await offer(radio, UPDATE)
    assert list(place.rglob("*.mp3")) + list(place.rglob("*.wav")) == []
    assert guids(tmp_path / "radio") == [UPDATE.id]
    assert entries(tmp_path / "radio")[0].find("enclosure") is None
    assert "Air turun." in (place / "text" / "naskah.txt").read_text()
    async with listening(radio):
        await until(radio, lambda: state(place)["size"])
    assert [path.name != old.name for path in place.rglob("*.mp3")] == [True]


async def test_an_all_clear_under_another_incident_takes_out_what_it_replaces(radio: Radio, tmp_path: Path) -> None:
    """A notice that ends others removes them by id, in every language."""
    await offer(radio, FLOOD)
    await offer(radio, replace(FLOOD, language="en", script="Flood. Move to the school."))
    await offer(radio, replace(UPDATE, incident="aman-7", ends=True, script="Sudah aman."))
    folder = tmp_path / "radio"
    assert guids(folder) == [UPDATE.id]
    assert sorted(path.name for path in folder.glob("*-*")) == ["aman-7-id"]
    assert "Berlaku sampai" not in str(state(folder / "aman-7-id")["reading"])


async def test_late_words_never_push_out_newer_ones(radio: Radio, tmp_path: Path) -> None:
    """A retry of the alert after its update is refused, and so is an expired notice."""
    await offer(radio, UPDATE)
    (late,) = await offer(radio, FLOOD)
    (stale,) = await offer(radio, replace(FLOOD, incident="x", expires=NOON))
    assert (late.result, late.code) == (Result.REFUSED, "superseded")
    assert (stale.result, stale.code) == (Result.REFUSED, "expired")
    assert guids(tmp_path / "radio") == [UPDATE.id]


async def test_sending_twice_changes_nothing(radio: Radio, tmp_path: Path) -> None:
    """A retry of the same notice keeps the audio that is there."""
    place = tmp_path / "radio" / "banjir-7-id"
    async with listening(radio):
        await offer(radio, FLOOD)
        await until(radio, lambda: state(place)["size"])
        before = {path: path.read_bytes() for path in sorted(place.rglob("*")) if path.is_file()}
        await offer(radio, FLOOD, count=2)
    assert {path: path.read_bytes() for path in sorted(place.rglob("*")) if path.is_file()} == before


async def test_an_expired_bulletin_leaves_without_being_woken(radio: Radio, clock: Clock, tmp_path: Path) -> None:
    """Nobody sends; the clock alone takes it out of feed and folder, and no audio stays in the archive."""
    folder = tmp_path / "radio"
    async with listening(radio):
        await offer(radio, FLOOD)
        await until(radio, lambda: state(folder / "banjir-7-id")["size"])
        clock.now = NOON + timedelta(hours=2)
        await until(radio, lambda: not (folder / "banjir-7-id").exists())
    assert guids(folder) == []
    (kept,) = (folder / "aired").iterdir()
    assert (kept / "text" / "naskah.txt").exists()
    assert [path for path in kept.rglob("*") if path.suffix in SOUND] == []


async def test_the_feed_lists_nothing_expired_even_before_the_next_look(
    radio: Radio, clock: Clock, tmp_path: Path
) -> None:
    """A send after another bulletin's expiry writes a feed without it."""
    await offer(radio, FLOOD)
    clock.now = NOON + timedelta(hours=2)
    fire = replace(FLOOD, id="urn:oid:9", incident="api-1", sent=clock.now, expires=None)
    await offer(radio, fire)
    assert guids(tmp_path / "radio") == [fire.id]


async def test_a_bulletin_without_expiry_leaves_after_a_day(radio: Radio, clock: Clock, tmp_path: Path) -> None:
    """No words stay on air for ever, even if nobody said until when."""
    await offer(radio, replace(FLOOD, expires=None))
    clock.now = NOON + timedelta(hours=24)
    async with listening(radio):
        await until(radio, lambda: guids(tmp_path / "radio") == [])
    assert not (tmp_path / "radio" / "banjir-7-id").exists()


async def test_a_crash_before_the_audio_loses_nothing(radio: Radio, clock: Clock, press: Press, tmp_path: Path) -> None:
    """Another process finds the bulletin in the folder and makes its audio."""
    await offer(radio, FLOOD)
    place = tmp_path / "radio" / "banjir-7-id"
    reborn = Radio(tmp_path / "radio", STATION, means=FIRST, press=press, clock=clock, every=0.02)
    async with listening(reborn):
        await until(reborn, lambda: state(place)["size"])
    assert len(list(place.rglob("*.mp3"))) == 1


async def test_audio_that_was_lost_or_torn_is_made_again(radio: Radio, tmp_path: Path) -> None:
    """A half MP3 left by a power cut is not aired as ready; stray audio goes."""
    place = tmp_path / "radio" / "banjir-7-id"
    async with listening(radio):
        await offer(radio, FLOOD)
        await until(radio, lambda: state(place)["size"])
        (mp3,) = place.rglob("*.mp3")
        whole = mp3.read_bytes()
        (place / "bulletin-00000000.mp3").write_bytes(b"stale")
        mp3.write_bytes(b"torn")
        await until(radio, lambda: mp3.exists() and mp3.read_bytes() == whole and state(place)["size"])
    assert list(place.rglob("*.mp3")) == [mp3]


async def test_a_language_without_a_voice_goes_out_as_words(radio: Radio, tmp_path: Path) -> None:
    """Javanese is never spoken by the Indonesian voice: the script stands, the audio says why not."""
    jv = replace(FLOOD, language="jv", script="Banjir. Ngungsi menyang SMPN 1.")
    (outcome,) = await offer(radio, jv)
    folder = tmp_path / "radio"
    assert outcome.result is Result.ACCEPTED
    async with listening(radio):
        await until(radio, lambda: state(folder / "banjir-7-jv")["reached"] == "whole")
    kept = state(folder / "banjir-7-jv")
    assert (kept["size"], kept["missing"]) == (0, ["no sound: no voice for jv"])
    assert guids(folder) == [f"{FLOOD.id}#jv"]
    assert "Ngungsi" in (folder / "banjir-7-jv" / "text" / "naskah.txt").read_text()


@pytest.mark.parametrize(
    ("mode", "language", "mark", "said"),
    [
        ("Exercise", "id", "LATIHAN", "Latihan. Ini hanya latihan"),
        ("Exercise", "en", "EXERCISE", "Exercise. This is only an exercise"),
        ("Test", "id", "UJI", "Uji coba."),
        ("Test", "en", "TEST", "Test. This is only a test"),
    ],
)
async def test_a_drill_is_marked_in_every_name_and_word(
    radio: Radio, tmp_path: Path, mode: str, language: str, mark: str, said: str
) -> None:
    """Folder, script, title and spoken words all say so, and it never takes the place of the real thing."""
    await offer(radio, replace(FLOOD, language=language))
    await offer(radio, replace(UPDATE, language=language, mode=mode, replaces=()))
    folder = tmp_path / "radio"
    place = folder / f"{mark}_banjir-7-{language}"
    reading = str(state(place)["reading"])
    assert sorted(path.name for path in place.iterdir()) == ["bulletin.json", "text"]
    assert reading.startswith(said)
    assert reading.count(said) == 2
    assert entries(folder)[0].findtext("title") == f"{mark}: {FLOOD.headline}"
    assert state(folder / f"banjir-7-{language}")["id"] == FLOOD.id


@pytest.mark.parametrize("incident", ["../../etc/passwd", "urn:oid:1/2", "..", "banjir 7", "", "é" * 300])
async def test_no_identifier_leaves_the_folder(radio: Radio, tmp_path: Path, incident: str) -> None:
    """Whatever an incident is called, its bulletin stands right inside the folder."""
    await offer(radio, replace(FLOOD, incident=incident))
    (found,) = (tmp_path / "radio").rglob("bulletin.json")
    assert found.parent.parent == tmp_path / "radio"
    assert not found.parent.name.startswith(".")
    assert len(guids(tmp_path / "radio")) == 1


async def test_control_characters_never_break_the_feed(radio: Radio, tmp_path: Path) -> None:
    """What XML cannot carry is left out; the words around it stay."""
    await offer(radio, replace(FLOOD, script="Banjir\x00\x0b\ud800 <b>& \ufffe]]>", headline="A\x1fB"))
    (entry,) = entries(tmp_path / "radio")
    assert entry.findtext("title") == "A B"
    assert "<b>&" in (entry.findtext("description") or "")


async def test_a_folder_that_cannot_be_made_is_unavailable_before_any_address(tmp_path: Path) -> None:
    """No address is taken from the stage when the folder is known to be unusable."""
    (tmp_path / "file").write_text("in the way")
    radio = Radio(tmp_path / "file" / "radio", STATION)
    taken: list[int] = []

    async def addresses() -> AsyncIterator[Address]:
        taken.append(1)
        yield Address(id=1, value="x", key="k")

    with pytest.raises(Unavailable, match="cannot be written: Not a directory; free space or mend"):
        await radio.send(FLOOD, addresses(), lambda outcome: None)
    with pytest.raises(Unavailable, match="cannot be written"):
        await radio.listen(nothing)
    assert taken == []


async def test_a_full_disk_leaves_the_former_bulletin_whole(radio: Radio, tmp_path: Path) -> None:
    """What cannot be written whole is not written at all, and is never reported as accepted."""
    await offer(radio, FLOOD)
    folder = tmp_path / "radio"
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with no_room(), pytest.raises(Unavailable, match="File too large"):
        await offer(radio, UPDATE)
    left = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert left == before


async def test_a_full_disk_keeps_the_kit_pending(radio: Radio, clock: Clock, tmp_path: Path) -> None:
    """listen() asks for a back-off, and the kit is made when there is room again."""
    place = tmp_path / "radio" / "banjir-7-id"
    await offer(radio, FLOOD)
    cramped = Radio(tmp_path / "radio", STATION, means=FIRST, clock=clock, every=0.02)  # with processes of its own
    try:
        with no_room(100_000):
            async with asyncio.timeout(PATIENCE):
                with pytest.raises(Unavailable, match="the kit cannot be written"):
                    await cramped.listen(nothing)
    finally:
        await cramped.close()
    assert (state(place)["reached"], state(place)["size"]) == ("paper", 0), "paper is small, sound is not"
    async with listening(radio):
        await until(radio, lambda: state(place)["size"])


async def test_a_bulletin_nobody_can_read_is_taken_out_of_the_folder(radio: Radio, tmp_path: Path) -> None:
    """Words we cannot vouch for are set aside, and the others stay in force."""
    await offer(radio, FLOOD)
    bad = tmp_path / "radio" / "rusak-id"
    bad.mkdir()
    (bad / "bulletin.json").write_text('{"id": ')
    (bad / "bulletin.mp3").write_bytes(b"?")
    async with listening(radio):
        await until(radio, lambda: not bad.exists())
    assert guids(tmp_path / "radio") == [FLOOD.id]
    assert [path.name[:20] for path in (tmp_path / "radio" / "aired").iterdir()] == ["rusak-id-unreadable-"]


async def test_the_loop_is_never_held_while_audio_is_made(radio: Radio, tmp_path: Path) -> None:
    """While a voice speaks and a desk mixes, the loop turns on."""
    place = tmp_path / "radio" / "banjir-7-id"
    loop, turns = asyncio.get_running_loop(), 0

    def turn() -> None:
        nonlocal turns, next_turn
        turns, next_turn = turns + 1, loop.call_later(0.002, turn)

    await offer(radio, FLOOD)
    next_turn = loop.call_later(0, turn)
    async with listening(radio):
        await until(radio, lambda: state(place)["size"])
    next_turn.cancel()
    assert turns > 20  # made on the loop itself, the audio would leave it a turn for each of a few steps


async def test_stopping_midway_leaves_no_process_and_no_half_file(
    radio: Radio, tmp_path: Path, left_behind: Callable[[], set[str]]
) -> None:
    """Cancelling listen() while audio is made kills the child; the bulletin stays pending."""
    place = tmp_path / "radio" / "banjir-7-id"
    await offer(radio, FLOOD)
    async with listening(radio):
        await until(radio, lambda: True)
    assert left_behind() == set()
    assert state(place)["reached"] == "words"
    assert list(place.rglob("*.mp3")) == []


GOOD = "file:///var/lib/crisis/radio?title=BPBD%20Kubu%20Raya&base=http://127.0.0.1:8080/radio&language=id"


def test_the_setting_makes_a_channel() -> None:
    """One address of a folder is enough, and the class keeps the contract."""
    radio: Channel = Radio.from_url(GOOD)
    assert (radio.name, radio.reach, radio.limit.renditions) == ("radio", Reach.POSTED, ("radio", "kit"))
    assert radio.limit.fits("a" * 3000)
    assert not radio.limit.fits("a" * 3001)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://host/radio?title=A&base=http://h", "file:///absolute/path"),
        ("file://host/radio?title=A&base=http://h", "file:///absolute/path"),
        ("file:///r?base=http://h", "title is missing"),
        ("file:///r?title=A", "base must be"),
        ("file:///r?title=A&base=ftp://h", "base must be"),
        ("file:///r?title=A&base=http://h&zone=Mars", "not a time zone"),
        ("file:///r?title=A&base=http://h&colour=red", "unknown setting colour"),
    ],
)
def test_a_wrong_setting_is_refused_in_one_sentence(url: str, says: str) -> None:
    """Each names the part that is wrong and what to give."""
    with pytest.raises(Misconfigured, match=says):
        Radio.from_url(url)
