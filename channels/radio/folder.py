"""The folder a station picks up: the durable state of what it may air, kept true to the clock."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from channels.contract import Refused, Unavailable
from channels.radio.bulletin import STORED, Bulletin, Office, digest, sheet
from channels.radio.feed import feed

STATE, FEED, AIRED, MAKING = "bulletin.json", "feed.xml", "aired", ".making"
PROBE = b"\0" * 65536  # about what one bulletin's text needs, with room to spare
PART = ".part"


class Folder:
    """Blocking: every public call holds one lock, so threads of one process never cross."""

    def __init__(self, path: Path, office: Office, clock: Callable[[], datetime]) -> None:
        self.path = path
        self.office = office
        self.clock = clock
        self._lock = threading.RLock()

    def ready(self) -> None:
        """Prove that a bulletin's text can be written now; raise Unavailable in one sentence."""
        with self._writing():
            self.path.mkdir(parents=True, exist_ok=True)
            probe = self.path / f".probe{PART}"
            try:
                probe.write_bytes(PROBE)
            finally:
                probe.unlink(missing_ok=True)

    def place(self, bulletin: Bulletin) -> None:
        """Put a bulletin in force in its place, whole or not at all; doing it twice changes nothing.

        Raise Refused for one that has expired or been replaced already, Unavailable if it cannot be written.
        """
        if bulletin.expired(self.clock()):
            raise Refused("the bulletin has expired", code="expired")
        with self._writing():
            current = self._load(self.path / bulletin.place)
            if current and current.outranks(bulletin):
                raise Refused("a later bulletin has taken its place", code="superseded")
            if not (current and current.id == bulletin.id and current.reading == bulletin.reading):
                self._write(bulletin)
            for other in self.all():
                if other.id in bulletin.replaces and other.place != bulletin.place:
                    self._archive(self.path / other.place, other)
            self._refresh()

    def all(self) -> list[Bulletin]:
        """List the readable bulletins standing in the folder, Actual and urgent ones first, then oldest."""
        found = [bulletin for path in self._places() if (bulletin := self._load(path))]
        return sorted(found, key=lambda one: (one.mode != "Actual", not one.urgent, one.sent))

    def next_pending(self) -> Bulletin | None:
        """Pick the bulletin whose audio should be made first."""
        now = self.clock()
        with self._writing():
            return next((one for one in self.all() if one.audio == "pending" and not one.expired(now)), None)

    def parts(self, bulletin: Bulletin) -> tuple[Path, Path]:
        """Name the files its WAV and MP3 are made in, out of a station's sight, before they are in force."""
        desk = self.path / MAKING
        return desk / f"{bulletin.stem}.wav", desk / f"{bulletin.stem}.mp3"

    def settle(self, bulletin: Bulletin, **changes: object) -> None:
        """Record what became of the audio, unless newer words took the place meanwhile."""
        with self._writing():
            now = self._load(self.path / bulletin.place)
            if now and now.id == bulletin.id and now.reading == bulletin.reading:
                if changes.get("audio") == "ready":
                    for made in self.parts(bulletin):
                        made.replace(self.path / now.place / made.name)
                self._save(self.path / now.place, replace(now, **changes))  # type: ignore[arg-type]
            self._refresh()

    def sweep(self) -> bool:
        """Take out what expired or cannot be read, mend what a crash left; tell whether audio is pending."""
        with self._writing():
            (self.path / MAKING).mkdir(parents=True, exist_ok=True)
            for path in self._places():
                bulletin = self._load(path)
                if bulletin is None or bulletin.place != path.name or bulletin.expired(self.clock()):
                    self._archive(path, bulletin)
                else:
                    self._mend(path, bulletin)
            self._clear_desk()
            self._refresh()
            return self.next_pending() is not None

    def _places(self) -> list[Path]:
        return sorted(state.parent for state in self.path.glob(f"*/{STATE}"))

    def _load(self, path: Path) -> Bulletin | None:
        try:
            return STORED.validate_json((path / STATE).read_bytes())
        except (FileNotFoundError, ValidationError):
            return None

    def _write(self, bulletin: Bulletin) -> None:
        """Write new words beside the old, drop the old audio, then put the new in force."""
        folder = self.path / bulletin.place
        folder.mkdir(exist_ok=True)
        text = sheet(bulletin, self.office)
        script = _part(folder / bulletin.text_name, text.encode("utf-8", "replace"))
        state = _part(folder / STATE, STORED.dump_json(bulletin, indent=2))
        # Silence before new words is safe; old words beside a new script are not.
        _drop_audio(folder, keep="")
        script.replace(folder / bulletin.text_name)
        state.replace(folder / STATE)

    def _save(self, path: Path, bulletin: Bulletin) -> None:
        target = path / STATE
        _part(target, STORED.dump_json(bulletin, indent=2)).replace(target)

    def _mend(self, path: Path, bulletin: Bulletin) -> None:
        mp3 = path / f"{bulletin.stem}.mp3"
        if bulletin.audio == "ready" and not (mp3.exists() and mp3.stat().st_size == bulletin.size):
            self._save(path, replace(bulletin, audio="pending"))
        _drop_audio(path, keep=bulletin.stem)

    def _clear_desk(self) -> None:
        wanted = {bulletin.stem for bulletin in self.all()}
        for left in (self.path / MAKING).iterdir():
            if left.stem not in wanted:
                left.unlink(missing_ok=True)

    def _archive(self, path: Path, bulletin: Bulletin | None) -> None:
        """Keep the words for the record and no audio: a player that looks into folders finds nothing old."""
        _drop_audio(path, keep="")
        if bulletin:
            self._save(path, replace(bulletin, audio="removed"))
        stamp = digest(bulletin.id) if bulletin else f"unreadable-{self.clock():%Y%m%dT%H%M%S%f}"
        target = self.path / AIRED / f"{path.name}-{stamp}"
        shutil.rmtree(target, ignore_errors=True)
        target.parent.mkdir(exist_ok=True)
        path.rename(target)

    def _refresh(self) -> None:
        target = self.path / FEED
        fresh = feed(self.office, self.all(), self.clock())
        if not target.exists() or target.read_bytes() != fresh:
            _part(target, fresh).replace(target)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            with self._lock:
                yield
        except OSError as error:
            why = error.strerror or type(error).__name__
            says = f"the radio folder {self.path} cannot be written: {why}; free space or mend its rights"
            raise Unavailable(says, code=why) from None


def _part(target: Path, content: bytes) -> Path:
    """Write content durably beside its target, under a name no station picks up."""
    part = target.with_name(f".{target.name}{PART}")
    with part.open("wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    return part


def _drop_audio(folder: Path, *, keep: str) -> None:
    for path in folder.iterdir():
        if path.suffix in {".mp3", ".wav"} and path.stem != keep:
            path.unlink(missing_ok=True)
