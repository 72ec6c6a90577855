"""Takes a person's recording of a script in place of a voice of ours: found by language, listened to, refused in words.

The officer puts it into `recordings/<bulletin>/<language>.wav`, the bulletin as the kit's files are named, for a
recording is of its very words; what libsndfile reads will do: wav, flac, ogg, mp3.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from channels.radio.speech import LOUD_ENOUGH, NoAudio, Sound, Speech

ENDINGS = (".wav", ".flac", ".ogg", ".mp3")  # the best first
SHORTEST, LONGEST = 3.0, 600.0  # seconds
RATES = range(8_000, 192_001)  # samples a second
FULL = 0.999  # of full scale
MOST_CLIPPED = 0.01  # of the samples
SAFE = re.compile(r"[A-Za-z0-9][\w.:+@ -]*")  # of a folder's name: an incident's name is no path


def recording_for(folder: Path, bulletin: str, language: str) -> Path | None:
    """Find the recording of a bulletin in a language; None if nobody recorded it.

    A tag's region may be left out: `id.wav` serves id-ID, never the other way round.
    """
    tag = language.lower()
    for name in dict.fromkeys((tag, tag.partition("-")[0])):
        if not (SAFE.fullmatch(bulletin) and SAFE.fullmatch(name)):
            continue
        for ending in ENDINGS:
            if (found := folder / bulletin / f"{name}{ending}").is_file():
                return found
    return None


def load_recording(path: Path) -> Speech:
    """Return a recording as mono speech; NoAudio in one sentence if it cannot go on air as it is."""
    sound, rate = _decoded(path)
    seconds = len(sound) / rate
    if not SHORTEST <= seconds <= LONGEST:
        raise NoAudio(f"{path.name} lasts {seconds:.1f} seconds; record {SHORTEST:.0f} to {LONGEST:.0f} seconds")
    if float(np.sqrt(np.mean(sound**2))) < LOUD_ENOUGH:
        raise NoAudio(f"{path.name} is silent; check the microphone and record again")
    if (clipped := float(np.mean(np.abs(sound) >= FULL))) > MOST_CLIPPED:
        raise NoAudio(f"{path.name} is clipped in {clipped:.0%} of it; turn the microphone down and record again")
    return Speech(sound=sound, rate=rate, spans=(), voice="recorded by a person", kind="recording")


def _decoded(path: Path) -> tuple[Sound, int]:
    import soundfile  # noqa: PLC0415  its library is loaded only where somebody recorded something

    try:
        with soundfile.SoundFile(path) as file:
            rate = int(file.samplerate)
            if rate not in RATES:
                raise NoAudio(f"{path.name} has {rate} samples a second; export it at 44100 or 48000")
            # One block more than may be: an hour long file is refused without being read.
            samples = file.read(int((LONGEST + 1) * rate), dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        why = getattr(error, "error_string", "") or getattr(error, "strerror", "") or "unknown format"
        raise NoAudio(f"{path.name} cannot be read ({why.rstrip('.')}); export it as WAV") from None
    if not np.isfinite(samples).all():
        raise NoAudio(f"{path.name} holds samples that are no numbers; export it as 16-bit WAV")
    return _mono(samples), rate


def _mono(samples: Sound) -> Sound:
    """Mix to one channel; a channel nobody spoke into would only make the other quieter."""
    loud = (
        [channel for channel in samples.T if float(np.sqrt(np.mean(channel**2))) >= LOUD_ENOUGH] if len(samples) else []
    )
    mixed = np.mean(loud, axis=0, dtype=np.float32) if loud else np.zeros(len(samples), np.float32)
    return np.ascontiguousarray(mixed, dtype=np.float32)
