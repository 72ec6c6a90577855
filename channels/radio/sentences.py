"""Keeps spoken sentences on disk, so that what two bulletins share is spoken once."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
import wave
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

from channels.radio.speech import NoAudio

ROOM = 256 << 20  # bytes: an hour and a half at 24 kHz
ENDING = ".wav"
LOOK = 0.05  # seconds between two looks whether it is our turn


def key(*made_of: str | float) -> str:
    """Name a sentence by all that decides how it sounds."""
    return blake2b(json.dumps(made_of, ensure_ascii=False).encode("utf-8", "replace"), digest_size=16).hexdigest()


class Sentences:
    """A folder of spoken sentences, as 16-bit mono WAV files; the oldest used go when there are too many."""

    def __init__(self, folder: Path, rate: int, room: int = ROOM) -> None:
        self._folder, self._rate, self._room = folder, rate, room

    def get(self, name: str) -> bytes | None:
        """Return the samples of a sentence, or None; a file that cannot be read is as good as none."""
        path = self._folder / f"{name}{ENDING}"
        try:
            with wave.open(str(path), "rb") as kept:
                count, samples = kept.getnframes(), kept.readframes(kept.getnframes())
                if len(samples) != 2 * count or kept.getframerate() != self._rate:
                    return None
            os.utime(path)
        except (OSError, EOFError, wave.Error):
            return None
        return samples

    def put(self, name: str, samples: bytes) -> None:
        """Keep a sentence; where there is no room for it, it is spoken again next time."""
        path = self._folder / f"{name}{ENDING}"
        part = path.with_suffix(".part")  # one process at a time writes here: see turn()
        try:
            with part.open("wb") as file, wave.open(file, "wb") as out:
                out.setnchannels(1)
                out.setsampwidth(2)
                out.setframerate(self._rate)
                out.writeframes(samples)
            part.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)

    def thin(self) -> None:
        """Remove the sentences unused for longest until the rest has room, and what a crash left half written."""
        for part in self._folder.glob("*.part"):
            part.unlink(missing_ok=True)
        known = [(path.stat(), path) for path in self._folder.glob(f"*{ENDING}")]
        size = sum(stat.st_size for stat, _ in known)
        for stat, path in sorted(known, key=lambda one: (one[0].st_mtime_ns, one[1].name)):
            if size <= self._room:
                return
            path.unlink(missing_ok=True)
            size -= stat.st_size

    @contextlib.contextmanager
    def turn(self, deadline: float) -> Iterator[None]:
        """Wait until no other process of this folder speaks; NoAudio at `deadline` (monotonic seconds).

        A neural voice takes both cores of a small machine: two at once would be no faster and starve the rest.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise NoAudio(f"the neural voice cannot write in {self._folder}: {error.strerror}") from None
        try:
            while not _taken(lock):
                if time.monotonic() > deadline:
                    raise NoAudio("the neural voice is still busy with another bulletin")
                time.sleep(LOOK)
            yield
        finally:
            os.close(lock)  # and with it the turn: a process that dies gives it back


def _taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
