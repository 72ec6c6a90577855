"""The folder a station picks up: the durable state of what it may air, kept true to the clock."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from channels.contract import Refused, Unavailable
from channels.radio.bulletin import STATE, STORED, Bulletin, Office, digest, script_of, script_sheet
from channels.radio.feed import feed
from channels.radio.lexicon import shipped
from channels.radio.names import CLOSING
from channels.radio.names import ID as NAMES
from channels.radio.pack import link, write
from channels.radio.sayings import lasts
from channels.radio.stages import Stage, next_stage

FEED, AIRED, MAKING = "feed.xml", "aired", ".making"
SOUND = {".mp3", ".wav", ".mp2", ".flac", ".ogg", ".amr", ".m3u8", ".xspf", ".zip"}
LAST = tuple(NAMES[role] for role in CLOSING)
PROBE = b"\0" * 65536  # about what one bulletin's text needs, with room to spare


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
            probe = self.path / ".probe.part"
            try:
                probe.write_bytes(PROBE)
            finally:
                probe.unlink(missing_ok=True)

    def place(self, bulletin: Bulletin, document: bytes = b"") -> None:
        """Put a bulletin in force in its place, whole or not at all; doing it twice changes nothing.

        Raise Refused for one that has expired or been replaced already, Unavailable if it cannot be written.
        """
        if bulletin.expired(self.clock()):
            raise Refused("the bulletin has expired", code="expired")
        with self._writing():
            current = self._load(self.path / bulletin.place)
            if current and current.outranks(bulletin):
                raise Refused("a later bulletin has taken its place", code="superseded")
            others = self.all()
            if any(bulletin.id in other.replaces and other.mode == bulletin.mode for other in others):
                raise Refused("a later bulletin has taken its place elsewhere", code="superseded")
            if not (current and current.same(bulletin)):
                self._write(bulletin, document)
            for other in others:
                # An exercise never takes the real thing off the air.
                if other.id in bulletin.replaces and other.mode == bulletin.mode and other.place != bulletin.place:
                    self._archive(self.path / other.place, other)
            self._refresh()

    def all(self) -> list[Bulletin]:
        """List the readable bulletins standing in the folder, Actual and urgent ones first, then oldest."""
        found = [bulletin for path in self._places() if (bulletin := self._load(path))]
        return sorted(found, key=lambda one: (one.mode != "Actual", not one.urgent, one.sent))

    def of(self, bulletin: Bulletin) -> Bulletin | None:
        """Give a bulletin as it stands now; None once newer words or the clock took its place."""
        with self._writing():
            now = self._load(self.path / bulletin.place)
            return now if now and now.same(bulletin) and not now.expired(self.clock()) else None

    def next_work(
        self, most: Stage = Stage.NEURAL, *, neural: bool = False, taken: Collection[str] = ()
    ) -> tuple[Bulletin, Stage] | None:
        """Pick what should be made first; of those in `taken` (places) somebody is at already."""
        now = self.clock()
        with self._writing():
            open_work = [
                (stage, one)
                for one in self.all()
                if one.place not in taken and not one.expired(now) and (stage := next_stage(one, most, neural=neural))
            ]
        # All papers before any sound, and every bulletin's first sound before anybody's last format.
        open_work.sort(key=lambda work: (work[1].mode != "Actual", not work[1].urgent, work[0]))
        return (open_work[0][1], open_work[0][0]) if open_work else None

    def desk(self, bulletin: Bulletin) -> Path:
        """Name the folder its kit is made in, out of a station's sight, before it is in force."""
        return self.path / MAKING / f"{bulletin.place}-{digest(bulletin.id + bulletin.reading)}"

    def document(self, bulletin: Bulletin) -> bytes:
        """Give the CAP document it came with; empty where there is none."""
        try:
            return (self.path / bulletin.place / bulletin.file("cap")).read_bytes()
        except FileNotFoundError:
            return b""

    def settle(
        self,
        bulletin: Bulletin,
        changes: Mapping[str, object],
        paths: Sequence[str] = (),
        archive: Path | None = None,
    ) -> None:
        """Put what was made in force, unless newer words took the place meanwhile.

        `paths` are all files of the kit on its desk, `archive` the ZIP of them; what else lay there leaves. The sums go
        last, so that whoever sees them sees the whole kit.
        """
        with self._writing():
            now = self._load(self.path / bulletin.place)
            if now and now.same(bulletin):
                place = self.path / now.place
                if paths:
                    _take_over(self.desk(bulletin), place, paths)
                if archive:
                    archive.replace(self.path / f"{now.place}.zip")
                self._save(place, replace(now, **changes))  # type: ignore[arg-type]
            self._refresh()

    def sweep(self) -> None:
        """Take out what expired or cannot be read, mend what a crash left."""
        with self._writing():
            (self.path / MAKING).mkdir(parents=True, exist_ok=True)
            stands = []
            for path in self._places():
                bulletin = self._load(path)
                if bulletin is None or bulletin.place != path.name or bulletin.expired(self.clock()):
                    self._archive(path, bulletin)
                else:
                    stands.append((path, bulletin))
            for path, bulletin in stands:  # mending needs room, which taking out what is old never waits for
                self._mend(path, bulletin)
            self._clear()
            self._refresh()

    def _places(self) -> list[Path]:
        return sorted(state.parent for state in self.path.glob(f"*/{STATE}"))

    def _load(self, path: Path) -> Bulletin | None:
        try:
            return STORED.validate_json((path / STATE).read_bytes())
        except (FileNotFoundError, ValidationError):
            return None

    def _write(self, bulletin: Bulletin, document: bytes) -> None:
        """Write new words beside the old, drop the old kit, then put the new in force."""
        folder = self.path / bulletin.place
        folder.mkdir(exist_ok=True)
        write(folder / f".{STATE}", STORED.dump_json(bulletin, indent=2))  # is there room? The old still stand
        # Silence before new words is safe; old words beside a new script are not.
        _clear_out(folder, keep={f".{STATE}"})
        (self.path / f"{folder.name}.zip").unlink(missing_ok=True)
        write(folder / bulletin.file("script_text"), self._sheet(bulletin))
        if document:
            write(folder / bulletin.file("cap"), document)
        (folder / f".{STATE}").replace(folder / STATE)

    def _sheet(self, bulletin: Bulletin) -> str:
        lines = script_of(bulletin, self.office).lines
        return script_sheet(bulletin, self.office, lasts(lines, bulletin.language, shipped(bulletin.language)))

    def _save(self, path: Path, bulletin: Bulletin) -> None:
        write(path / STATE, STORED.dump_json(bulletin, indent=2))

    def _mend(self, path: Path, bulletin: Bulletin) -> None:
        """Have a kit made anew whose files are not as long as its manifest says: a power cut tears them."""
        if bulletin.reached != "words" and not _untorn(path, bulletin):
            _clear_out(path, keep={STATE, bulletin.file("script_text"), bulletin.file("cap")})
            self._save(path, replace(bulletin, reached="words", size=0, seconds=0.0))

    def _clear(self) -> None:
        """Clear desks that nobody works for any more, and archives whose bulletin is gone."""
        wanted = {self.desk(bulletin).name for bulletin in self.all()}
        for left in (self.path / MAKING).iterdir():
            if left.name.partition("~")[0] not in wanted:  # a station's own goes by the desk's name
                shutil.rmtree(left, ignore_errors=True)
        places = {path.name for path in self._places()}
        for archive in self.path.glob("*.zip"):
            if archive.stem not in places:
                archive.unlink(missing_ok=True)

    def _archive(self, path: Path, bulletin: Bulletin | None) -> None:
        """Keep the words for the record and no sound: a player that looks into folders finds nothing old."""
        (self.path / f"{path.name}.zip").unlink(missing_ok=True)
        _drop_sound(path)
        stamp = digest(bulletin.id) if bulletin else f"unreadable-{self.clock():%Y%m%dT%H%M%S%f}"
        target = self.path / AIRED / f"{path.name}-{stamp}"
        shutil.rmtree(target, ignore_errors=True)
        target.parent.mkdir(exist_ok=True)
        path.rename(target)

    def _refresh(self) -> None:
        target = self.path / FEED
        fresh = feed(self.office, self.all(), self.clock())
        if not target.exists() or target.read_bytes() != fresh:
            write(target, fresh)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            with self._lock:
                yield
        except OSError as error:
            why = error.strerror or type(error).__name__
            says = f"the radio folder {self.path} cannot be written: {why}; free space or mend its rights"
            raise Unavailable(says, code=why) from None


def _clear_out(folder: Path, *, keep: Collection[str]) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir():
            if not any(path.iterdir()):
                path.rmdir()
        elif path.relative_to(folder).as_posix() not in keep:
            path.unlink(missing_ok=True)


def _untorn(place: Path, bulletin: Bulletin) -> bool:
    """Tell whether all files are as long as they should be; a kit that could not be made has neither list nor sound."""
    if not (place / bulletin.file("manifest")).exists():
        return not bulletin.size
    try:
        files = json.loads((place / bulletin.file("manifest")).read_bytes())["files"]
        return all((place / path).stat().st_size == told["size"] for path, told in files.items())
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _take_over(desk: Path, place: Path, paths: Sequence[str]) -> None:
    """Link the desk's files into the place, the sums last, after what is not of this kit has left."""
    _clear_out(place, keep={*paths, STATE} - set(LAST))
    for path in sorted(paths, key=lambda one: LAST.index(one) + 1 if one in LAST else 0):
        target = place / path
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.part")
        part.unlink(missing_ok=True)
        link(desk / path, part)  # the desk keeps it for the stages to come
        part.replace(target)


def _drop_sound(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.suffix in SOUND:
            path.unlink(missing_ok=True)
