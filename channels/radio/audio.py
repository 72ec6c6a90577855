"""Makes a broadcast file from a spoken WAV: our bell, the bulletin twice, level, WAV and MP3.

Run as a program so that the service's loop never waits for it:
`python channels/radio/audio.py out.wav out.mp3 < speech.wav`, which prints its figures as JSON.
"""

from __future__ import annotations

import json
import math
import os
import sys
import wave
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import lameenc
import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.float64]

RATE = 48_000  # Hz, what stations play
BELL = (587.33, 739.99, 880.0)  # D5 F#5 A5: ours, and none of the EAS, WEA or SAME frequencies
PEAK = -3.0  # dBFS; MP3 overshoots a little, and decoded it must stay below -1.5
QUIETEST = -45.0  # dBFS RMS; less is a voice that failed
BELL_PEAK = -9.0  # dBFS; it calls attention, the words must not sound faint after it
GAP, BREATH = 0.6, 1.5  # seconds after the bell, and between the two readings


def main(arguments: list[str]) -> int:
    """Write the WAV and the MP3; exit 3 when the speech is no good, 4 when there is no room, saying why."""
    wav_path, mp3_path = map(Path, arguments)
    speech = read_wav(sys.stdin.buffer)
    if level(speech) < QUIETEST:
        print("the voice came back silent", file=sys.stderr)
        return 3
    programme = quantised(assemble(speech))
    try:
        written(wav_path, wav(programme))
        written(mp3_path, encoded := mp3(programme))
    except OSError as error:
        print(f"the audio cannot be written: {error.strerror}", file=sys.stderr)
        return 4
    print(json.dumps({"seconds": round(len(programme) / RATE, 2), "size": len(encoded)}))
    return 0


def read_wav(source: BinaryIO | BytesIO) -> Sound:
    """Return mono samples at 48 kHz in -1..1 from a 16-bit mono WAV of any rate."""
    with wave.open(source, "rb") as speech:
        if speech.getnchannels() != 1 or speech.getsampwidth() != 2:
            raise ValueError("speech must be 16-bit mono")
        frames = speech.readframes(speech.getnframes())
        return resampled(np.frombuffer(frames, "<i2") / 32768.0, speech.getframerate())


def resampled(sound: Sound, rate: int) -> Sound:
    """Change the rate to 48 kHz, band-limited, by cutting or padding the spectrum."""
    if rate == RATE or not len(sound):
        return sound
    common = math.gcd(rate, RATE)
    blocks = -(-len(sound) // (rate // common * 256)) * 256  # whole periods and a length the FFT likes
    size_in, size_out = rate // common * blocks, RATE // common * blocks
    spectrum = np.fft.rfft(sound, size_in)[: size_out // 2 + 1]
    return np.fft.irfft(spectrum, size_out)[: len(sound) * RATE // rate] * (size_out / size_in)


def bell() -> Sound:
    """Three rising notes of a third of a second, each dying away."""
    time = np.arange(int(RATE * 0.34)) / RATE
    shape = np.minimum(time / 0.008, 1.0) * np.exp(-time * 6.0) * np.minimum((time[-1] - time) / 0.01, 1.0)
    notes = [shape * (np.sin(2 * np.pi * f * time) + 0.2 * np.sin(4 * np.pi * f * time)) for f in BELL]
    return np.concatenate(notes) * 0.6


def assemble(speech: Sound) -> Sound:
    """Bell, gap, the bulletin, a breath, the bulletin again; peaks at -3 dBFS."""
    heard = np.flatnonzero(np.abs(speech) > 0.003)
    words = louder(speech[heard[0] : heard[-1] + 1])

    def quiet(seconds: float) -> Sound:
        return np.zeros(int(RATE * seconds))

    return np.concatenate([quiet(0.2), louder(bell(), BELL_PEAK), quiet(GAP), words, quiet(BREATH), words, quiet(0.5)])


def louder(sound: Sound, peak: float = PEAK) -> Sound:
    return sound * (10 ** (peak / 20) / max(float(np.max(np.abs(sound))), 1e-9))


def level(sound: Sound) -> float:
    """RMS in dBFS."""
    return 20 * math.log10(max(float(np.sqrt(np.mean(np.square(sound)))) if len(sound) else 0.0, 1e-9))


def quantised(sound: Sound) -> NDArray[np.int16]:
    return np.asarray(np.clip(np.rint(sound * 32767), -32768, 32767), dtype="<i2")


def written(path: Path, content: bytes) -> None:
    with path.open("wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())


def wav(samples: NDArray[np.int16]) -> bytes:
    whole = BytesIO()
    with wave.open(whole, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(samples.tobytes())
    return whole.getvalue()


def mp3(samples: NDArray[np.int16]) -> bytes:
    """Encode at a constant 128 kbit/s, the rate every station's player takes."""
    encoder = lameenc.Encoder()
    encoder.silence()
    encoder.set_bit_rate(128)
    encoder.set_in_sample_rate(RATE)
    encoder.set_channels(1)
    encoder.set_quality(5)
    return bytes(encoder.encode(samples.tobytes())) + bytes(encoder.flush())


if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(10)  # text goes first: sound never takes a core from the alert path
    sys.exit(main(sys.argv[1:]))
