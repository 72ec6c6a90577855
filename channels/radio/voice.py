"""Speaks lines of words, or says how they sound in IPA, with espeak-ng, in a process of its own.

espeak-ng is GPL: this file is run as a program, never imported for its voice, and stands on nothing else
of ours. Words come on stdin, already in full: espeak-ng reads numbers and abbreviations in its own way.

    python -P voice.py id < words.txt > words.wav         the whole as one WAV
    python -P voice.py --lines id < lines.jsonl > sound   a JSON string a line in; out, one line of JSON
                                                          (rate, voice, samples of each line), then the samples
    python -P voice.py --ipa id < lines.jsonl             a JSON string a line in, a JSON string a line out
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import wave
from collections.abc import Callable
from typing import Any

VOICES = {"id": b"id", "en": b"en"}  # a language is never spoken by another's voice
SOUNDS = {"id": b"id", "en": b"en-us"}  # whose IPA: the neural voice learnt American English
PACE = {"id": 150, "en": 145}  # espeak's words a minute; Indonesian words are longer, heard about 110

SYNCHRONOUS = 2  # speak_lib.h: AUDIO_OUTPUT_SYNCHRONOUS
UTF8, END_PAUSE = 0x1, 0x1000
IPA = 0x2  # phoneme mode of espeak_TextToPhonemes
RATE = 1  # espeakRATE
SAMPLES = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
NO_VOICE, FAILED = 3, 1  # exit codes


class Espeak:
    """The library, once in a process; RuntimeError in one sentence when it does not start."""

    def __init__(self) -> None:
        import espeakng_loader  # noqa: PLC0415  GPL: never loaded into the service's process

        self._library: Any = ctypes.CDLL(espeakng_loader.get_library_path())
        self._library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        self._library.espeak_Info.restype = ctypes.c_char_p
        whole: list[Any] = [ctypes.c_char_p, ctypes.c_size_t, *[ctypes.c_uint] * 4, ctypes.c_void_p, ctypes.c_void_p]
        self._library.espeak_Synth.argtypes = whole
        data = espeakng_loader.get_data_path().encode()
        self.rate: int = self._library.espeak_Initialize(SYNCHRONOUS, 0, data, 0)
        if self.rate <= 0:
            raise RuntimeError("espeak-ng did not start; reinstall espeakng-loader")
        self.version: str = self._library.espeak_Info(None).split()[0].decode()
        self._heard: list[bytes] = []
        self._callback = SAMPLES(self._keep)  # the library calls it as long as it lives
        self._library.espeak_SetSynthCallback(self._callback)

    def _keep(self, samples: int | None, count: int, _events: int | None) -> int:
        if samples and count:
            self._heard.append(ctypes.string_at(samples, count * 2))
        return 0

    def choose(self, voice: bytes, pace: int) -> None:
        """Speak by this voice, at so many of espeak's words a minute."""
        if self._library.espeak_SetVoiceByName(voice) != 0:
            raise RuntimeError(f"espeak-ng lacks its voice {voice.decode()}; reinstall espeakng-loader")
        self._library.espeak_SetParameter(RATE, pace, 0)

    def speak(self, text: str, *, end_pause: bool = False) -> bytes:
        """Return 16-bit samples of the text."""
        self._heard.clear()
        words = text.replace("\0", " ").encode("utf-8", "replace")
        flags = UTF8 | (END_PAUSE if end_pause else 0)
        if self._library.espeak_Synth(words, len(words) + 1, 0, 1, 0, flags, None, None) != 0:
            raise RuntimeError("espeak-ng could not speak the text")
        self._library.espeak_Synchronize()
        return b"".join(self._heard)

    def sounds(self, text: str) -> str:
        """Return the text's sounds in IPA with stress marks, its clauses a space apart."""
        words = ctypes.create_string_buffer(text.replace("\0", " ").encode("utf-8", "replace"))
        rest = ctypes.c_void_p(ctypes.addressof(words))
        clauses = []
        while rest.value:
            clauses.append(self._library.espeak_TextToPhonemes(ctypes.byref(rest), UTF8, IPA).decode())
        return " ".join(clause.strip() for clause in clauses if clause.strip())


def main(arguments: list[str]) -> int:
    """Do what the arguments name with stdin; exit 3 and say why when there is no voice for the language."""
    language = arguments[-1] if arguments else ""
    if language not in VOICES:
        print(f"no voice for {language or 'no language'}", file=sys.stderr)
        return NO_VOICE
    ways: dict[str, Callable[[Espeak, str], None]] = {"--lines": speak_lines, "--ipa": tell_sounds}
    way = ways.get(arguments[0], speak_whole)
    try:
        way(Espeak(), language)
    except (RuntimeError, OSError, ImportError, ValueError) as error:
        print(error, file=sys.stderr)
        return FAILED
    return 0


def speak_whole(espeak: Espeak, language: str) -> None:
    """Speak stdin as one 16-bit mono WAV."""
    text = sys.stdin.buffer.read().decode("utf-8", "replace")
    espeak.choose(VOICES[language], PACE[language])
    samples = espeak.speak(text, end_pause=True)
    with wave.open(sys.stdout.buffer, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(espeak.rate)
        out.setnframes(len(samples) // 2)
        out.writeframesraw(samples)


def speak_lines(espeak: Espeak, language: str) -> None:
    """Speak each line of stdin by itself, so that the caller knows where each one begins."""
    espeak.choose(VOICES[language], PACE[language])
    spoken = [espeak.speak(line) for line in lines()]
    voice = f"espeak-ng {espeak.version} {VOICES[language].decode()}"
    head = {"rate": espeak.rate, "voice": voice, "samples": [len(samples) // 2 for samples in spoken]}
    sys.stdout.buffer.write(json.dumps(head).encode() + b"\n" + b"".join(spoken))
    sys.stdout.buffer.flush()


def tell_sounds(espeak: Espeak, language: str) -> None:
    """Say how each line of stdin sounds."""
    espeak.choose(SOUNDS[language], PACE[language])
    for line in lines():
        print(json.dumps(espeak.sounds(line)))


def lines() -> list[str]:
    """Read stdin's JSON strings, one a line."""
    return [str(json.loads(line)) for line in sys.stdin.buffer if line.strip()]


if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(10)  # text goes first: a voice never takes a core from the alert path
    sys.exit(main(sys.argv[1:]))
