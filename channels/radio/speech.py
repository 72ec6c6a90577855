"""Has lines of a script spoken by a voice in a process of its own, and says when each line is heard."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from channels.radio.voice import NO_VOICE, VOICES

Sound = NDArray[np.float32]
Kind = Literal["espeak", "neural", "recording"]

VOICE = Path(__file__).with_name("voice.py")
VOICE_TIME = 30.0  # seconds; a hundred times what the longest bulletin took
PAUSE = 0.35  # seconds between two lines: a listener writes things down
FAINT = 0.004  # of full scale: what espeak-ng leaves around a line is below it
EDGE = 0.02  # seconds kept before and after a line, lest a soft consonant is cut
LOUD_ENOUGH = 0.002  # RMS below which there is nothing to hear


class NoAudio(Exception):
    """There is no audio of this text; the sentence says why. `so_far` is what the voice printed before it failed."""

    def __init__(self, says: str, so_far: bytes = b"") -> None:
        super().__init__(says)
        self.so_far = so_far


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Speech:
    """A script as it was spoken once: mono samples from -1 to 1, and when each of its lines is heard."""

    sound: Sound
    rate: int  # samples a second
    spans: tuple[tuple[float, float], ...]  # seconds, one for each line given; none for a recording: nobody timed it
    voice: str  # by whom, as a listener may be told: "espeak-ng 1.52.0 id", "kokoro-82m jm_kumo"
    kind: Kind

    @property
    def seconds(self) -> float:
        return len(self.sound) / self.rate


def voice_for(language: str) -> str | None:
    """Name the voice of a language tag, or None: a language is never spoken by another's voice."""
    primary = language.lower().partition("-")[0]
    return primary if primary in VOICES else None


def speak(lines: Sequence[str], language: str, *, timeout: float = VOICE_TIME) -> Speech:
    """Have espeak-ng say `lines`, words in full already, a pause apart; NoAudio in one sentence if it cannot.

    All lines go to one process, so a minute of sound takes a fraction of a second. Same lines, same samples.
    """
    voice = speakable(lines, language)
    given = "".join(f"{json.dumps(line)}\n" for line in lines).encode()
    printed = run([sys.executable, "-P", str(VOICE), "--lines", voice], given, timeout=timeout)
    head, _, samples = printed.partition(b"\n")
    try:
        told = json.loads(head)
        rate, name, counts = int(told["rate"]), str(told["voice"]), [int(count) for count in told["samples"]]
    except (ValueError, KeyError, TypeError):
        raise NoAudio("espeak-ng's answer cannot be read; reinstall espeakng-loader") from None
    whole = sound_of(samples)
    if len(whole) != sum(counts) or len(counts) != len(lines):
        raise NoAudio("espeak-ng broke off in the middle of a line")
    pieces = [trimmed(piece, rate) for piece in np.split(whole, np.cumsum(counts)[:-1])]
    sound, spans = joined(pieces, rate)
    return Speech(sound=sound, rate=rate, spans=spans, voice=name, kind="espeak")


def speakable(lines: Iterable[str], language: str) -> str:
    """Return the name of the voice; NoAudio if the language has none or there are no words."""
    voice = voice_for(language)
    if voice is None:
        raise NoAudio(f"no voice for {language or 'no language'}")
    if not any(any(letter.isalnum() for letter in line) for line in lines):
        raise NoAudio("no words to speak")
    return voice


def run(command: Sequence[str], given: bytes, *, timeout: float) -> bytes:
    """Return what a program of ours prints; NoAudio in its own last sentence if it fails, killed when too slow."""
    name = next((Path(part).name for part in command if part.endswith(".py")), command[0])
    try:
        ran = subprocess.run(command, input=given, capture_output=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired as late:
        raise NoAudio(f"{name} took longer than {timeout:.3g} seconds", late.output or b"") from None
    except OSError as error:
        raise NoAudio(f"{name} could not be started: {error}") from None
    if ran.returncode:
        said = ran.stderr.decode("utf-8", "replace").strip().splitlines() or [f"exit {ran.returncode}"]
        says = said[-1][:200] if ran.returncode == NO_VOICE else f"{name} failed: {said[-1][:200]}"
        raise NoAudio(says, ran.stdout)
    return ran.stdout


def sound_of(samples: bytes) -> Sound:
    """Turn 16-bit little-endian samples into -1 to 1."""
    return np.frombuffer(samples[: len(samples) & ~1], "<i2").astype(np.float32) / np.float32(32768)


def trimmed(sound: Sound, rate: int, faint: float = FAINT) -> Sound:
    """Cut what is silent before and after; nothing is left of silence."""
    loud = np.flatnonzero(np.abs(sound) > faint)
    if not len(loud):
        return sound[:0]
    edge = int(EDGE * rate)
    return sound[max(0, int(loud[0]) - edge) : int(loud[-1]) + 1 + edge]


def joined(pieces: Sequence[Sound], rate: int, pause: float = PAUSE) -> tuple[Sound, tuple[tuple[float, float], ...]]:
    """Join the lines with pauses between those that are heard; NoAudio if none is.

    The second is when each begins and ends, in seconds; a line nobody hears begins and ends at one moment.
    """
    parts: list[Sound] = []
    spans: list[tuple[float, float]] = []
    silence, at = np.zeros(round(pause * rate), np.float32), 0
    for piece in pieces:
        if len(piece) and parts:
            parts.append(silence)
            at += len(silence)
        parts += [piece] if len(piece) else []
        spans.append((at / rate, (at + len(piece)) / rate))
        at += len(piece)
    whole = np.concatenate(parts) if parts else np.zeros(0, np.float32)
    if not len(whole) or float(np.sqrt(np.mean(whole**2))) < LOUD_ENOUGH:
        raise NoAudio("the voice came back silent")
    return whole, tuple(spans)
