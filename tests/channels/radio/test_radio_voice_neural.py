"""Promises of the neural voice: each sentence spoken once, one process at a time, nothing run that was not measured."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from channels.radio import kokoro, neural, phonemes
from channels.radio.neural import neural_ready, speak_neural
from channels.radio.sentences import Sentences, key
from channels.radio.speech import NoAudio

LINES = ["Banjir di Desa Kuala Dua. Jauhi sungai.", "Selesai dari B P B D Kubu Raya.", "Jauhi sungai."]
# In place of the model: a tone as long as what it is given, and a book of what it was asked to say.
STAND_IN = """
import json, sys
for line in sys.stdin:
    print(line, end="", file=open({book!r}, "a"))
    if {broken!r} and {broken!r} in line:
        sys.exit("out of memory")
    samples = b"".join((n % 100 * 200).to_bytes(2, "little") for n in range(100 * len(json.loads(line))))
    sys.stdout.buffer.write(json.dumps({{"samples": len(samples) // 2}}).encode() + b"\\n" + samples)
    sys.stdout.flush()
"""


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """`stand_in(broken="...")` puts a program in the model's place; the call gives what it was asked since."""
    book = tmp_path / "book"

    def place(broken: str = "") -> list[str]:
        asked = [json.loads(line) for line in book.read_text().splitlines()] if book.exists() else []
        book.unlink(missing_ok=True)
        program = tmp_path / "stand_in.py"
        program.write_text(STAND_IN.format(book=str(book), broken=broken))
        monkeypatch.setattr(neural, "PROGRAM", program)
        return asked

    place()
    return place


def test_a_sentence_is_spoken_once(tmp_path: Path, stand_in: Callable[..., list[str]]) -> None:
    """What two lines, or two bulletins, share comes from the folder, and is the same sound."""
    first = speak_neural(LINES, "id", cache=tmp_path / "kept", timeout=30)
    assert len(stand_in()) == 3
    again = speak_neural(LINES, "id", cache=tmp_path / "kept", timeout=30)
    assert stand_in() == []
    assert np.array_equal(first.sound, again.sound)
    assert (first.kind, first.voice, first.rate, len(first.spans)) == ("neural", "kokoro-82m jm_kumo", 24_000, 3)
    speak_neural([*LINES, "Air naik."], "id", cache=tmp_path / "kept", timeout=30)
    assert len(stand_in()) == 1


def test_another_lexicon_is_another_sound(tmp_path: Path, stand_in: Callable[..., list[str]]) -> None:
    """A name that is said otherwise from now on is never taken from the folder as it was."""
    speak_neural(["Air naik."], "id", cache=tmp_path, timeout=30, lexicon="a")
    speak_neural(["Air naik."], "id", cache=tmp_path, timeout=30, lexicon="b")
    assert len(stand_in()) == 2


def test_what_was_spoken_before_it_broke_is_kept(tmp_path: Path, stand_in: Callable[..., list[str]]) -> None:
    """The next try begins where the last one ended."""
    stand_in(broken="aja")
    with pytest.raises(NoAudio, match=r"stand_in.py failed: out of memory"):
        speak_neural(LINES, "id", cache=tmp_path / "kept", timeout=30)
    assert len(stand_in()) == 3
    speak_neural(LINES, "id", cache=tmp_path / "kept", timeout=30)
    assert len(stand_in()) == 1


def test_two_neural_voices_never_speak_at_once(tmp_path: Path) -> None:
    """The second waits its turn, and says so when the time is up."""
    held = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(NoAudio, match="still busy with another bulletin"):
            speak_neural(LINES, "id", cache=tmp_path, timeout=0.1)
    finally:
        os.close(held)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """The kit keeps espeak-ng's sound, and the officer reads why."""
    (tmp_path / "file").write_text("")
    with pytest.raises(NoAudio, match="the neural voice cannot write in"):
        speak_neural(LINES, "id", cache=tmp_path / "file" / "kept", timeout=5)


@pytest.mark.parametrize("language", ["jv", "ms", ""])
def test_the_neural_voice_speaks_no_other_language(tmp_path: Path, language: str) -> None:
    """Whatever is installed."""
    assert neural_ready(language) == f"no neural voice for {language or 'no language'}"
    with pytest.raises(NoAudio, match=r"^no voice for"):
        speak_neural(LINES, language, cache=tmp_path)


def test_without_the_extra_it_says_what_to_install() -> None:
    """Every package that is missing is named."""
    says = neural_ready("id")
    absent = [name for name in kokoro.NEEDED if find_spec(name) is None]
    assert says is None if not absent else all(name in str(says) for name in [*absent, "pip install"])


def test_a_model_that_is_not_the_measured_one_is_never_run() -> None:
    """One byte is enough."""
    digest = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    assert kokoro.verified(b"hello", digest, "x") == b"hello"
    with pytest.raises(kokoro.NotOurs, match=r"^the Kokoro model is not the one"):
        kokoro.verified(b"hellO", digest, "the Kokoro model")


def test_the_oldest_sentences_go_when_there_is_no_room(tmp_path: Path) -> None:
    """Those used last stay; half-written ones of a crash go."""
    kept = Sentences(tmp_path, 24_000, room=3 * 244)
    for at, name in enumerate("abcd"):
        kept.put(name, bytes(200))
        os.utime(tmp_path / f"{name}.wav", (at, at))
    (tmp_path / "e.part").write_bytes(b"x")
    assert kept.get("a") == bytes(200)
    kept.thin()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.wav", "c.wav", "d.wav"]


@pytest.mark.parametrize("damage", [b"", b"RIFF", None])
def test_a_damaged_sentence_is_spoken_anew(tmp_path: Path, damage: bytes | None) -> None:
    """Cut short by a full disk or a crash, it is as good as none."""
    kept = Sentences(tmp_path, 24_000)
    kept.put("a", bytes(range(200)))
    path = tmp_path / "a.wav"
    path.write_bytes(path.read_bytes()[:-10] if damage is None else damage)
    assert kept.get("a") is None
    kept.put("a", b"ab")
    assert kept.get("a") == b"ab"


def test_a_sentence_is_known_by_all_that_decides_its_sound() -> None:
    """No two ways of putting it together are taken for one another."""
    assert len({key("a", "b", 1.0), key("ab", 1.0), key("a", "b", 1.1), key("a", "b")}) == 4


def test_a_turn_is_given_back_by_a_process_that_fails(tmp_path: Path) -> None:
    """The next one does not wait."""
    kept = Sentences(tmp_path, 24_000)
    with contextlib.suppress(RuntimeError), kept.turn(time.monotonic()):
        raise RuntimeError
    with kept.turn(time.monotonic()):
        pass


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("Banjir. Jauhi sungai!", ["Banjir.", "Jauhi sungai!"]),
        ("Banjir di Kuala Dua", ["Banjir di Kuala Dua"]),
        (" ... ", []),
    ],
)
def test_a_line_is_spoken_sentence_by_sentence(line: str, parts: list[str]) -> None:
    """Marks alone are nothing to say."""
    assert phonemes.sentences(line) == parts


@pytest.mark.parametrize(
    ("sentence", "parts"),
    [
        ("Obat, air.", [("Obat", ","), ("air", ".")]),
        ("dari B P B D Kubu", [("dari", ","), ("B", ","), ("P", ","), ("B", ","), ("D", ","), ("Kubu", ".")]),
        ("B M K G.", [("B", ","), ("M", ","), ("K", ","), ("G", ".")]),
        ("malam W I B, lalu", [("malam", ","), ("W", ","), ("I", ","), ("B", ","), ("lalu", ".")]),
        ("telepon satu satu dua.", [("telepon satu", ","), ("satu", ","), ("dua", ".")]),
        ("dua puluh dua orang", [("dua puluh dua orang", ".")]),
        ("...", []),
    ],
)
def test_letters_and_digits_are_spoken_apart(sentence: str, parts: list[tuple[str, str]]) -> None:
    """Run together they are heard as one strange word, and nobody can write them down."""
    assert phonemes.clauses(sentence) == parts


def test_no_breath_is_longer_than_the_model_takes() -> None:
    """A sentence without end is parted between words."""
    pieces = phonemes.breaths([("kata " * 500, ",")])
    assert max(map(len, pieces)) <= phonemes.MOST
    assert " ".join(pieces).count("kata") == 500


@pytest.mark.peer
def test_the_neural_voice_speaks(tmp_path: Path, peer: Callable[..., str]) -> None:
    """A short line is about as long as it should be, not silent, and the same when spoken by another process."""
    python = peer("the extra voice", sys.executable if neural_ready() is None else None)
    said = [speak_neural(["Banjir."], "id", cache=tmp_path / name, timeout=300, python=python) for name in "ab"]
    assert 0.4 < said[0].seconds < 2.5
    assert np.array_equal(said[0].sound, said[1].sound)
