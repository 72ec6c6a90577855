"""Has lines spoken by the neural voice of the extra `voice`, sentence by sentence, each only once.

It takes a third of the time it lasts, so a kit goes out with espeak-ng's sound first; this one replaces it.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from channels.radio import kokoro, phonemes
from channels.radio.sentences import Sentences, key
from channels.radio.speech import PAUSE, VOICE, NoAudio, Sound, Speech, joined, run, sound_of, speakable

PROGRAM = Path(kokoro.__file__)
NEURAL_TIME = 240.0  # seconds; the longest bulletin took 30 on two idle cores
# Language: voice, speed. All voices of the model we can have are Japanese speakers'. For English too jm_kumo is
# understood better than espeak-ng: 0.013 of the letters wrong in five held-out texts against 0.056.
SPEAKERS = {"id": ("jm_kumo", 1.0), "en": ("jm_kumo", 1.0)}


def neural_ready(language: str = "id") -> str | None:
    """Return None if the neural voice can speak the language, else one sentence on what it lacks."""
    primary = language.lower().partition("-")[0]
    return kokoro.lacking() if primary in SPEAKERS else f"no neural voice for {language or 'no language'}"


def speak_neural(
    lines: Sequence[str],
    language: str,
    *,
    cache: Path,
    timeout: float = NEURAL_TIME,
    lexicon: str = "",
    python: str = sys.executable,
) -> Speech:
    """Say `lines`, words in full already, by the neural voice; NoAudio in one sentence if it cannot.

    Sentences spoken before come from `cache`; those spoken before a timeout are kept, so another try is shorter.
    """
    primary = speakable(lines, language)
    if primary not in SPEAKERS:
        raise NoAudio(f"no neural voice for {language}")
    voice, speed = SPEAKERS[primary]
    kept, end = Sentences(cache, kokoro.RATE), time.monotonic() + timeout
    parted = [phonemes.sentences(line) for line in lines]
    names = {
        sentence: key(sentence, primary, voice, speed, kokoro.MODEL, lexicon, phonemes.RECIPE)
        for sentence in dict.fromkeys(sentence for line in parted for sentence in line)
    }
    heard = _kept(kept, names)
    if len(heard) < len(names):
        speaker = _Speaker(language=primary, voice=voice, speed=speed, python=python, end=end)
        with kept.turn(end):
            heard |= _kept(kept, {sentence: name for sentence, name in names.items() if sentence not in heard})
            heard |= _spoken(speaker, kept, {s: name for s, name in names.items() if s not in heard})
            kept.thin()
    gap = np.zeros(round(PAUSE * kokoro.RATE), np.float32)
    sound, spans = joined([_line([heard[sentence] for sentence in line], gap) for line in parted], kokoro.RATE)
    return Speech(sound=sound, rate=kokoro.RATE, spans=spans, voice=f"kokoro-82m {voice}", kind="neural")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Speaker:
    """The programs that speak, and until when (monotonic seconds) they may."""

    language: str
    voice: str
    speed: float
    python: str
    end: float

    def sounds(self, clauses: Sequence[str]) -> list[str]:
        """Say how clauses sound."""
        given = "".join(f"{json.dumps(clause)}\n" for clause in clauses).encode()
        left = max(0.01, self.end - time.monotonic())
        printed = run([sys.executable, "-P", str(VOICE), "--ipa", self.language], given, timeout=left)
        return [phonemes.shaped(json.loads(line), self.language) for line in printed.splitlines()]

    def speak(self, breaths: Sequence[str]) -> tuple[list[bytes], NoAudio | None]:
        """Return the samples of each breath until time ran out or the voice failed, and what it failed of."""
        given = "".join(f"{json.dumps(breath)}\n" for breath in breaths).encode()
        left = max(0.01, self.end - time.monotonic())
        command = [self.python, "-P", str(PROGRAM), self.voice, str(self.speed)]
        try:
            return _pieces(run(command, given, timeout=left)), None
        except NoAudio as error:
            return _pieces(error.so_far), error


def _spoken(speaker: _Speaker, kept: Sentences, names: Mapping[str, str]) -> dict[str, bytes]:
    """Speak sentences and keep each; NoAudio when not all could be spoken, with those that could kept."""
    if not names:
        return {}
    clauses = {sentence: phonemes.clauses(sentence) for sentence in names}
    sounds = iter(speaker.sounds([words for said in clauses.values() for words, _ in said]))
    breaths = {
        sentence: phonemes.breaths([(next(sounds), mark) for _, mark in said]) for sentence, said in clauses.items()
    }
    samples, problem = speaker.speak([breath for parts in breaths.values() for breath in parts])
    heard: dict[str, bytes] = {}
    for sentence, parts in breaths.items():
        if len(samples) < len(parts):
            raise problem or NoAudio("the neural voice broke off in the middle of a sentence")
        heard[sentence] = b"".join(samples[: len(parts)])
        del samples[: len(parts)]
        kept.put(names[sentence], heard[sentence])
    return heard


def _kept(kept: Sentences, names: Mapping[str, str]) -> dict[str, bytes]:
    found = ((sentence, kept.get(name)) for sentence, name in names.items())
    return {sentence: samples for sentence, samples in found if samples is not None}


def _pieces(printed: bytes) -> list[bytes]:
    """Take apart what the program printed; a piece it did not finish is left out."""
    pieces, at = [], 0
    while (end := printed.find(b"\n", at)) >= 0:
        size = 2 * int(json.loads(printed[at:end])["samples"])
        if len(printed) < end + 1 + size:
            break
        pieces.append(printed[end + 1 : end + 1 + size])
        at = end + 1 + size
    return pieces


def _line(sentences: Sequence[bytes], gap: Sound) -> Sound:
    sounds = [sound_of(samples) for samples in sentences if samples]
    parts = [part for sound in sounds for part in (gap, sound)][1:]
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)
