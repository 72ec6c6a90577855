"""What lies at stations leaves them, also when the process that brought it is gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from channels.contract import Notice
from channels.radio.left import LEFT, Left
from channels.radio.press import Press
from channels.radio.radio import Radio
from channels.radio.setting import Means
from channels.radio.stages import Stage
from tests.channels.radio.kits import NOON, OFFICE, REAL, UPDATE, Clock, listening, settled, station

LATER = replace(REAL, id="urn:oid:9", incident="9", expires=NOON + timedelta(hours=4))


@pytest.mark.parametrize(("follows", "hours"), [(UPDATE, 0), (LATER, 2)], ids=["an update", "another alert"])
async def test_what_comes_after_a_crash_takes_away_what_is_old(
    tmp_path: Path, press: Press, follows: Notice, hours: int
) -> None:
    """The station's folder holds one kit: no old warning lies beside what replaced it."""
    clock, box = Clock(), tmp_path / "box"
    box.mkdir()
    taker = station(f"file://{box}", formats=["kit"])
    for notice in (REAL, follows):
        radio = Radio(tmp_path / "radio", OFFICE, means=Means(most=Stage.PAPER), press=press, clock=clock, every=0.02)
        async with listening(radio):
            await settled(radio, notice, taker)
        before = [path.name for path in box.iterdir()]
        assert len(before) == 1
        for task in [one.running for one in radio._errands._all.values() if one.running]:
            task.cancel()  # killed: nothing is taken back
        clock.now = NOON + timedelta(hours=hours)
    assert len(list((tmp_path / "radio" / LEFT).iterdir())) == 1


def test_what_another_bulletin_has_there_by_now_stays(tmp_path: Path) -> None:
    """One cart for two incidents; and each station's notes are its own."""
    left = Left(tmp_path)
    for who, place, paths in [(5, "1-id", ["5.wav", "old.wav"]), (5, "9-id", ["5.wav"]), (55, "1-id", ["x.wav"])]:
        left.note(who, place, paths)
    assert left.adopt(5, "12-id", {"9-id", "12-id"}) == ("old.wav",)
    assert left.adopt(5, "1-id", {"9-id", "12-id"}) == ()
    assert left.adopt(5, "12-id", {"9-id", "12-id"}) == ("old.wav",), "kept until it is taken away"
    assert left.adopt(55, "2-id", set()) == ("x.wav",)


@pytest.mark.parametrize("spoilt", [b"", b"{", b"3", b"\xff"])
def test_a_spoilt_note_is_none(tmp_path: Path, spoilt: bytes) -> None:
    """A power cut must not keep new words from a station."""
    left = Left(tmp_path)
    left.note(5, "1-id", ["a.wav"])
    next((tmp_path / LEFT).iterdir()).write_bytes(spoilt)
    assert left.adopt(5, "1-id", set()) == ()
    (tmp_path / "file").touch()
    Left(tmp_path / "file").note(5, "1-id", ["a.wav"])
