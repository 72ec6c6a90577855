"""Promises of espeak-ng's voice: timed lines, one sentence when it cannot, never another language's voice."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from channels.radio import speech
from channels.radio.choice import voices_for
from channels.radio.speech import NoAudio, joined, run, speak

LINES = ["Banjir di Desa Kuala Dua.", "Jauhi sungai, dan nyalakan radio.", "Selesai."]


def sample(tmp_path: Path, code: str) -> list[str]:
    program = tmp_path / "program.py"
    program.write_text(code)
    return [sys.executable, "-P", str(program)]


@pytest.mark.parametrize("language", ["id", "en", "id-ID"])
def test_every_line_is_heard_in_its_own_time(language: str) -> None:
    """The spans follow each other with a pause between, and sound is only inside of them."""
    said = speak(LINES, language)
    assert said.kind == "espeak"
    assert said.voice == f"espeak-ng 1.52.0 {language[:2]}"
    assert len(said.spans) == len(LINES)
    assert said.sound.dtype == np.float32
    assert said.spans[0][0] == 0
    assert said.spans[-1][1] == pytest.approx(said.seconds)
    for (_, end), (start, _) in zip(said.spans, said.spans[1:], strict=False):
        assert start - end == pytest.approx(speech.PAUSE, abs=0.001)
        between = said.sound[int(end * said.rate) + 1 : int(start * said.rate) - 1]
        assert not between.any()
    for start, end in said.spans:
        assert np.abs(said.sound[int(start * said.rate) : int(end * said.rate)]).max() > 0.05


def test_the_same_lines_are_the_same_sound() -> None:
    """Two readings are equal to the last bit: a kit that is built again is the same kit."""
    assert np.array_equal(speak(LINES, "id").sound, speak(LINES, "id").sound)


def test_a_line_without_words_has_its_place_and_no_time() -> None:
    """Captions and lines stay beside each other even where a line says nothing."""
    said = speak(["", "Banjir.", "...", "Selesai."], "id")
    first, _, dots, last = said.spans
    assert first == (0.0, 0.0)
    assert dots[0] == dots[1] <= last[0]


@pytest.mark.parametrize(("lines", "says"), [([], "no words to speak"), (["...", " "], "no words to speak")])
def test_without_words_there_is_no_audio(lines: list[str], says: str) -> None:
    """Marks alone are no words."""
    with pytest.raises(NoAudio, match=says):
        speak(lines, "id")


@pytest.mark.parametrize("language", ["jv", "su", "ms", "idx", ""])
def test_no_language_is_spoken_by_anothers_voice(language: str) -> None:
    """Javanese by an Indonesian voice would be heard as mockery, or not understood."""
    with pytest.raises(NoAudio, match=f"^no voice for {language or 'no language'}$"):
        speak(LINES, language)
    ran = subprocess.run(
        [sys.executable, "-P", speech.VOICE, "--lines", language], input=b'"x"\n', capture_output=True, check=False
    )
    assert (ran.returncode, ran.stdout) == (3, b"")


@pytest.mark.parametrize(
    ("text", "language", "ipa"),
    [("banjir", "id", "bˈandʒir"), ("nyalakan radio", "id", "ɲalˈakan radˈio"), ("fast", "en", "fˈæst")],
)
def test_the_voice_tells_how_words_sound(text: str, language: str, ipa: str) -> None:
    """The neural voice reads this."""
    printed = run([sys.executable, "-P", str(speech.VOICE), "--ipa", language], json.dumps(text).encode(), timeout=20)
    assert json.loads(printed) == ipa


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import time; time.sleep(60)", "program.py took longer than 0.3 seconds"),
        ("raise SystemExit('the library is gone')", "program.py failed: the library is gone"),
        ("import os; os.abort()", "program.py failed: exit -6"),
        ("import sys; print('no voice for xx', file=sys.stderr); sys.exit(3)", "^no voice for xx$"),
    ],
)
def test_a_voice_that_hangs_or_breaks_is_told_in_one_sentence(
    tmp_path: Path, code: str, says: str, left_behind: Callable[[], set[str]]
) -> None:
    """Nothing of it is left running."""
    with pytest.raises(NoAudio, match=says) as failed:
        run(sample(tmp_path, code), b"", timeout=0.3 if "sleep" in code else 20)
    assert "\n" not in str(failed.value)
    assert left_behind() == set()


def test_what_a_voice_said_before_it_broke_is_not_lost(tmp_path: Path) -> None:
    """The neural voice keeps its finished sentences."""
    code = "import sys; print('first', flush=True); sys.exit(1)"
    with pytest.raises(NoAudio) as failed:
        run(sample(tmp_path, code), b"", timeout=20)
    assert failed.value.so_far == b"first\n"


def test_silence_is_no_speech() -> None:
    """Nobody airs a minute of nothing."""
    with pytest.raises(NoAudio, match="the voice came back silent"):
        joined([np.zeros(24_000, np.float32)], 24_000)


@pytest.mark.parametrize(
    ("language", "recording", "neural", "kinds"),
    [
        ("id", True, True, ["recording", "neural", "espeak"]),
        ("id-ID", False, True, ["neural", "espeak"]),
        ("id", False, False, ["espeak"]),
        ("en", False, True, ["neural", "espeak"]),
        ("jv", True, True, ["recording"]),
        ("jv", False, True, []),
    ],
)
def test_a_person_goes_before_a_machine(language: str, recording: bool, neural: bool, kinds: list[str]) -> None:
    """And a machine never speaks a language it has no voice for; whoever speaks is named as what it is."""
    chosen = voices_for(language, recording=recording, neural=neural)
    assert [one.kind for one in chosen] == kinds
    assert all(("synthetic" in one.label) is (one.kind != "recording") for one in chosen)
