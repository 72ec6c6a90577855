"""What lies at stations, on disk: what follows takes it away there, also after this process was killed."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Sequence
from pathlib import Path

from channels.radio.pack import write

LEFT = ".left"  # within the radio folder, where no station looks


class Left:
    """One file for each station and place, of paths alone: how its door is opened is written nowhere.

    Blocking. A disk that is full costs the note, never the errand.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / LEFT

    def note(self, station: int, place: str, paths: Sequence[str]) -> None:
        """Keep what lies there of a place now; nothing where nothing does."""
        target = self._folder / f"{station}~{place}.json"
        with contextlib.suppress(OSError):
            if not paths:
                target.unlink(missing_ok=True)
                return
            self._folder.mkdir(parents=True, exist_ok=True)
            write(target, json.dumps(list(paths)).encode())

    def adopt(self, station: int, place: str, known: Collection[str]) -> tuple[str, ...]:
        """Give what lies there of a place, and of all others but those in `known`: whoever asks takes it away."""
        noted = {path.stem.partition("~")[2]: _read(path) for path in sorted(self._folder.glob(f"{station}~*.json"))}
        mine = {name for name in noted if name == place or name not in known}
        # A small range of carts comes round: what a bulletin that stands has there by now stays.
        held = {path for name in noted.keys() - mine for path in noted[name]}
        lies = tuple(dict.fromkeys(path for name in sorted(mine) for path in noted[name] if path not in held))
        self.note(station, place, lies)
        for name in mine - {place}:
            self.note(station, name, ())
        return lies


def _read(path: Path) -> list[str]:
    try:
        return [str(one) for one in json.loads(path.read_bytes())]
    except (OSError, ValueError, TypeError):
        return []
