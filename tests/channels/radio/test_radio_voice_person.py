"""Promises of recordings and of listening: a bad recording is refused, a wrong figure is never taken for heard."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from channels.radio import hearing
from channels.radio.heard import edits, heard, nearest, said, slots_heard, transcripts, words_wrong
from channels.radio.recordings import load_recording, recording_for
from channels.radio.speech import NoAudio

RATE = 16_000


def tone(seconds: float, loud: float = 0.3) -> np.ndarray:
    return (loud * np.sin(np.arange(int(seconds * RATE)) / 10)).astype(np.float32)


@pytest.mark.parametrize(
    ("put", "bulletin", "language", "found"),
    [
        (["banjir-1/id.wav"], "banjir-1", "id-ID", "banjir-1/id.wav"),
        (["any/id.wav", "id.wav"], "banjir-1", "id", None),
        (["banjir-1/jv.flac", "banjir-1/jv.wav"], "banjir-1", "jv", "banjir-1/jv.wav"),
        (["banjir-2/id.wav"], "banjir-1", "id", None),
        (["banjir-1/id-id.wav"], "banjir-1", "id", None),
        (["id.wav"], "..", "id", None),
        (["any/id.wav"], "banjir-1", "../any/id", None),
        (["banjir-1/id.txt"], "banjir-1", "id", None),
    ],
)
def test_a_recording_is_found_by_bulletin_and_language(
    tmp_path: Path, put: list[str], bulletin: str, language: str, found: str | None
) -> None:
    """Never one of other words; no name leads out of the folder."""
    for name in put:
        (tmp_path / "recordings" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "recordings" / name).write_bytes(b"")
    assert recording_for(tmp_path / "recordings", bulletin, language) == (found and tmp_path / "recordings" / found)


@pytest.mark.parametrize("ending", [".wav", ".flac", ".ogg", ".mp3"])
def test_a_good_recording_is_taken(tmp_path: Path, ending: str) -> None:
    """Whatever it was recorded as; a channel nobody spoke into does not make it quieter."""
    path = tmp_path / f"id{ending}"
    soundfile.write(path, np.stack([tone(4), np.zeros(4 * RATE, np.float32)], axis=1), RATE)
    speech = load_recording(path)
    assert (speech.kind, speech.rate, speech.spans, speech.sound.ndim) == ("recording", RATE, (), 1)
    assert speech.seconds == pytest.approx(4, abs=0.1)
    assert np.abs(speech.sound).max() == pytest.approx(0.3, abs=0.05)


@pytest.mark.parametrize(
    ("sound", "says"),
    [
        (tone(2), "id.wav lasts 2.0 seconds; record 3 to 600 seconds"),
        (np.zeros(601 * RATE, np.float32), r"id.wav lasts 601.0 seconds"),
        (tone(5, 0.0005), "id.wav is silent; check the microphone"),
        (np.clip(tone(5, 4), -1, 1), r"id.wav is clipped in \d+% of it; turn the microphone down"),
        (tone(0), "id.wav lasts 0.0 seconds"),
        (None, r"id.wav cannot be read \(.*\); export it as WAV"),
    ],
)
def test_a_bad_recording_is_refused_in_one_sentence(tmp_path: Path, sound: np.ndarray | None, says: str) -> None:
    """It says what is wrong and what to do."""
    path = tmp_path / "id.wav"
    if sound is None:
        path.write_bytes(b"this is no sound")
    else:
        soundfile.write(path, sound, RATE)
    with pytest.raises(NoAudio, match=says) as refused:
        load_recording(path)
    assert "\n" not in str(refused.value)
    assert str(tmp_path) not in str(refused.value)


def test_a_recording_of_no_numbers_is_refused(tmp_path: Path) -> None:
    """A float WAV can hold them."""
    soundfile.write(tmp_path / "id.wav", np.full(4 * RATE, np.nan, np.float32), RATE, subtype="FLOAT")
    with pytest.raises(NoAudio, match="no numbers"):
        load_recording(tmp_path / "id.wav")


@pytest.mark.parametrize(
    ("written", "spoken", "language"),
    [
        ("Dari BPBD.", "dari be pe be de", "id"),
        ("telepon 112", "Telepon, satu satu dua!", "id"),
        ("Call 112 now", "call one one two now", "en"),
        ("Call 1-1-2, 1.1.2", "call one one two one one two", "en"),
        ("at 730 PMWIB", "at seven thirty P M W I B", "en"),
        (
            "0-5-6-176-5-4-3-2, 2026-130-AMWIB",
            "zero five six one seven six five four three two, 2026 one thirty A M W I B",
            "en",
        ),
        ("setengah 8 malam", "setengah delapan malam", "id"),
        ("two metres, neighbours, four hours", "2 meters, neighbors, four hours", "en"),
        ("The BPBD says", "the B. P. B. D. says", "en"),
    ],
)
def test_digits_and_letters_are_compared_as_they_are_said(written: str, spoken: str, language: str) -> None:
    """A listener that writes figures made no mistake."""
    assert said(written, language) == said(spoken, language)
    assert heard(written, spoken, language) == 0


def test_errors_are_counted_by_letters_and_by_words() -> None:
    """One letter of twelve, one word of two."""
    assert heard("banjir besar", "banjir bezar", "id") == pytest.approx(1 / 12)
    assert words_wrong("banjir besar", "banjir bezar", "id") == pytest.approx(1 / 2)
    assert heard("banjir", "", "id") == 1
    assert edits("kitten", "sitting") == 3


def test_a_place_is_found_where_it_is_most_like() -> None:
    """With its edits and its end."""
    assert nearest("kuala", "di desa kuwala dua") == (1, 14)


FACTS = {
    "place": "Desa Kuala Dua",
    "action": "Jauhi sungai.",
    "time": "pukul 19.30 WIB",
    "phone": "0561-765432",
    "help": "112",
}
TOLD = "desa kuwaladua. jauhi sungaì {time} nomor posko {phone} telepon satu satu dua"


@pytest.mark.parametrize(
    ("time", "phone", "missing"),
    [
        ("pukul 19.30 WIB", "0561-765432", ()),
        ("pukul setengah delapan malam WIB", "nol lima enang satu tuju enam lima empat tiga dua", ()),
        ("pukul setengah sembilan malam WIB", "0561-765432", ("time",)),
        ("pukul 19.30 WIB", "nol lima enam satu tujuh enam lima empat dua dua", ("phone",)),
        ("pukul 19.30 WIB", "nol lima enam satu tujuh enam lima empat tiga", ("phone",)),
        ("", "", ("time", "phone")),
    ],
)
def test_a_figure_that_could_be_another_is_not_heard(time: str, phone: str, missing: tuple[str, ...]) -> None:
    """A name may be written as it sounds; of a number every digit must be the one that fits best."""
    assert slots_heard(FACTS, TOLD.format(time=time, phone=phone), "id") == missing


def test_nobody_listens_in_a_language_that_was_not_measured(tmp_path: Path) -> None:
    """And without the extra it says what to install."""
    with pytest.raises(NoAudio, match="nobody listens to jv here"):
        transcripts([tmp_path / "a.wav"], "jv", timeout=30)
    if hearing.lacking() is not None:
        with pytest.raises(NoAudio, match=r"listening lacks faster_whisper.*pip install"):
            transcripts([tmp_path / "a.wav"], "id", timeout=30)


@pytest.mark.peer
def test_our_bulletin_is_understood(tmp_path: Path, peer: Callable[..., str]) -> None:
    """The offline Whisper understands a short bulletin of the neural voice, and every fact of it."""
    from channels.radio.heard import MOST_WRONG
    from channels.radio.neural import neural_ready, speak_neural
    from channels.radio.spoken import spoken

    python = peer("the extras voice and asr", sys.executable if not (neural_ready() or hearing.lacking()) else None)
    lines = [
        "Hujan lebat dapat menyebabkan banjir di Desa Kuala Dua.",
        "Amankan barang penting di tempat yang tinggi.",
        "Jauhi sungai dan selokan.",
        "Siapkan tas berisi obat, surat penting, air minum, dan senter.",
        "Bila nyawa terancam, telepon 112.",
    ]
    words = [spoken(line, "id") for line in lines]
    speech = speak_neural(words, "id", cache=tmp_path, timeout=300, python=python)
    soundfile.write(tmp_path / "a.wav", np.pad(speech.sound, speech.rate), speech.rate)  # on air a bell goes before
    [written] = transcripts([tmp_path / "a.wav"], "id", python=python)
    facts = {"place": "Desa Kuala Dua", "action": "Jauhi sungai", "phone": "112"}
    assert slots_heard(facts, written, "id") == ()
    assert heard(" ".join(words), written, "id") <= MOST_WRONG
