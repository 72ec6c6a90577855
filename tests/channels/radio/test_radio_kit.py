"""Promises of a kit: whole, marked, signed, the same bytes when it is built again, and never nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from shutil import which

import pytest

from channels.radio import bwf, kit
from channels.radio.check import check
from channels.radio.manifest import Kit
from channels.radio.seal import Sealer
from channels.radio.stages import Stage
from tests.channels.radio.kits import DRILL, NOON, order


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Kit]:
    """One whole kit, built as the service builds it, stage by stage."""
    folder = tmp_path_factory.mktemp("kit") / "desk"
    made = Kit()
    for stage in (Stage.PAPER, Stage.FIRST, Stage.WHOLE):
        made = kit.make(order(folder), stage)
    return folder, made


def sums(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_whole_kit_passes_its_own_check(whole: tuple[Path, Kit]) -> None:
    """Every check that needs no other program, at a time when it holds; nothing is missing."""
    folder, made = whole
    report = check(folder, NOON, key=Sealer.load(folder.with_name("key.pem")).public)
    assert [row for row in report.rows if row.verdict != "passed"] == []
    assert (made.missing, made.complete, made.voice_kind) == ((), True, "espeak")
    assert {one.role for one in made.files} >= {
        "wav",
        "mp3",
        "mp2",
        "flac",
        "opus",
        "amr",
        "loop",
        "captions",
        "poster",
    }


def test_a_kit_built_again_has_the_same_bytes(whole: tuple[Path, Kit], tmp_path: Path) -> None:
    """Every file, the signature and the ZIP, though it was built in one go and elsewhere."""
    shutil.copy(whole[0].with_name("key.pem"), tmp_path / "key.pem")
    kit.make(order(tmp_path / "again"), Stage.WHOLE)
    assert sums(tmp_path / "again") == sums(whole[0])


def test_a_drill_is_marked_in_every_name_that_may_be_aired(whole: tuple[Path, Kit]) -> None:
    """Only what no listener meets goes by a plain name."""
    plain = {"SHA256SUMS", "SHA256SUMS.minisig", "manifest.json", "alert.cap.xml", "STATION-SETUP.txt", "RECEIPT.txt"}
    for made in whole[1].files:
        assert Path(made.path).name.startswith("LATIHAN_") or made.path in plain, made.path


@pytest.mark.peer
def test_every_sum_is_what_sha256sum_finds(whole: tuple[Path, Kit], peer: Callable[..., str]) -> None:
    """A station needs no program of ours to check a kit."""
    checker = peer("sha256sum", which("sha256sum"))
    subprocess.run([checker, "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=whole[0], check=True, timeout=20)


@pytest.mark.peer
def test_no_alert_receiver_is_triggered_by_any_file(
    whole: tuple[Path, Kit], tmp_path: Path, peer: Callable[..., str]
) -> None:
    """An EAS decoder hears nothing in what each format decodes to."""
    ffmpeg, decoder = peer("ffmpeg", which("ffmpeg")), peer("multimon-ng", which("multimon-ng"))
    folder, made = whole
    sounds = [one.path for one in made.files if one.seconds]
    assert len(sounds) == 9
    for path in sounds:
        raw = tmp_path / "heard.raw"
        command = [
            ffmpeg,
            "-v",
            "error",
            "-y",
            "-i",
            folder / path,
            "-t",
            "60",
            "-f",
            "s16le",
            "-ac",
            "1",
            "-ar",
            "22050",
            raw,
        ]
        subprocess.run(command, check=True, timeout=30)
        heard = subprocess.run(
            [decoder, "-q", "-a", "EAS", "-t", "raw", raw], capture_output=True, timeout=20, check=True
        )
        assert heard.stdout.strip() == b"", path


def test_a_station_gets_its_own_cart_number_and_receipt(whole: tuple[Path, Kit], tmp_path: Path) -> None:
    """Its WAV and its sheets name them, manifest and sums are right again, the rest is the same kit."""
    own = order(whole[0], cart=900017, readback="https://office.example/aired/ABC", ref="ABCDEFGH23456789")
    made = kit.tailor(replace(own, into=tmp_path / "own"), whole[0])
    wave = bwf.read(tmp_path / "own" / next(one.path for one in made.files if one.role == "wav"))
    assert wave.cart is not None
    assert wave.cart.cut_id == "900017"
    assert "ABCDEFGH23456789" in (tmp_path / "own" / "RECEIPT.txt").read_text()
    assert json.loads((tmp_path / "own" / "manifest.json").read_bytes())["cart"] == 900017
    report = check(tmp_path / "own", NOON, key=Sealer.load(own.key).public if own.key else "")
    assert [row for row in report.rows if row.verdict != "passed"] == []
    changed = {name for name, sum_ in sums(tmp_path / "own").items() if sums(whole[0])[name] != sum_}
    assert {Path(name).suffix for name in changed} == {".wav", ".xml", ".txt", ".html", ".json", ".minisig", ".zip", ""}


@pytest.mark.parametrize(
    ("language", "words", "says"),
    [("jv", "Banjir. Ngungsi menyang SMPN 1.", "no voice for jv"), ("th", "น้ำท่วม ย้ายขึ้นที่สูง", "no voice for th")],
)
def test_a_language_without_a_voice_still_gets_a_kit(tmp_path: Path, language: str, words: str, says: str) -> None:
    """Paper and texts, no sound by another's voice, and a sentence that says so on the first page."""
    notice = replace(DRILL, language=language, script=words, headline=words[:12], mode="Actual")
    made = kit.make(order(tmp_path / "kit", notice), Stage.FIRST)
    assert f"no sound: {says}" in made.missing
    assert {one.role for one in made.files} >= {"readme", "script", "poster", "card", "script_text", "setup", "receipt"}
    assert not [one for one in made.files if one.seconds]
    assert made.complete, "there is no more to come"
    assert [row for row in check(tmp_path / "kit", NOON).rows if row.verdict == "failed"] == []


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"key": Path("/nonexistent/key.pem")}, "not signed: key.pem"),
        ({"lexicon": Path("/nonexistent/names.tsv")}, "names are said without the office's own"),
        ({"recordings": Path(__file__)}, "test_radio_kit.py"),
    ],
)
def test_what_of_the_offices_cannot_be_used_stops_no_kit(tmp_path: Path, more: dict[str, Path], says: str) -> None:
    """The kit comes with what could be made, and says what is missing."""
    sound = "recordings" in more
    made = kit.make(order(tmp_path / "kit", **more), Stage.FIRST if sound else Stage.PAPER)
    assert any(says in one for one in made.missing), made.missing
    assert made.path("mp3" if sound else "script")


def test_a_better_voice_that_fails_leaves_the_sound_there_was(tmp_path: Path) -> None:
    """Without the extra there is no neural voice: files and sums stay, and a sentence says why."""
    kit.make(order(tmp_path / "kit"), Stage.FIRST)
    before = sums(tmp_path / "kit")
    made = kit.make(order(tmp_path / "kit", cache=Path("/proc/nowhere")), Stage.NEURAL)
    kept = {name: sum_ for name, sum_ in sums(tmp_path / "kit").items() if name.startswith("audio/")}
    assert kept == {name: sum_ for name, sum_ in before.items() if name.startswith("audio/")}
    assert any("no sound" in one for one in made.missing)
    assert made.voice_kind == "espeak"
