"""Speaks text from stdin as a 16-bit mono WAV on stdout, with espeak-ng, in a process of its own.

espeak-ng is GPL: this file is run as a program, never imported for its voice, and stands on nothing else
of ours. `python channels/radio/voice.py id < words.txt > words.wav`
"""

from __future__ import annotations

import ctypes
import os
import sys
import wave
from typing import Any

VOICES = {"id": b"id", "en": b"en"}  # a language is never spoken by another's voice
PACE = {"id": 150, "en": 145}  # espeak's words a minute; Indonesian words are longer, heard about 110

SYNCHRONOUS = 2  # speak_lib.h: AUDIO_OUTPUT_SYNCHRONOUS
UTF8, END_PAUSE = 0x1, 0x1000
RATE = 1  # espeakRATE
SAMPLES = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)


def main(arguments: list[str]) -> int:
    """Speak stdin in the language given; exit 3 and say why when there is no voice for it."""
    language = arguments[0] if arguments else ""
    if language not in VOICES:
        print(f"no voice for {language or 'no language'}", file=sys.stderr)
        return 3
    text = sys.stdin.buffer.read().decode("utf-8", "replace")
    rate, samples = render(text, language)
    with wave.open(sys.stdout.buffer, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.setnframes(len(samples) // 2)
        out.writeframesraw(samples)
    return 0


def render(text: str, language: str) -> tuple[int, bytes]:
    """Return the sample rate in Hz and 16-bit samples; RuntimeError when espeak-ng cannot."""
    import espeakng_loader  # noqa: PLC0415  GPL: never loaded into the service's process

    library: Any = ctypes.CDLL(espeakng_loader.get_library_path())
    rate: int = library.espeak_Initialize(SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), 0)
    if rate <= 0:
        raise RuntimeError("espeak-ng did not start; reinstall espeakng-loader")
    heard: list[bytes] = []

    def keep(samples: int | None, count: int, _events: int | None) -> int:
        if samples and count:
            heard.append(ctypes.string_at(samples, count * 2))
        return 0

    callback = SAMPLES(keep)
    library.espeak_SetSynthCallback(callback)
    if library.espeak_SetVoiceByName(VOICES[language]) != 0:
        raise RuntimeError(f"espeak-ng lacks its {language} voice; reinstall espeakng-loader")
    library.espeak_SetParameter(RATE, PACE[language], 0)
    words = text.replace("\0", " ").encode()
    synth = library.espeak_Synth
    synth.argtypes = [
        ctypes.c_char_p,
        ctypes.c_size_t,
        *[ctypes.c_uint] * 4,
        ctypes.c_void_p,
        ctypes.c_void_p,
    ]
    if synth(words, len(words) + 1, 0, 1, 0, UTF8 | END_PAUSE, None, None) != 0:
        raise RuntimeError("espeak-ng could not speak the text")
    library.espeak_Synchronize()
    return rate, b"".join(heard)


if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(10)  # text goes first: a voice never takes a core from the alert path
    sys.exit(main(sys.argv[1:]))
