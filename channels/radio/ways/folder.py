"""Lays kits into a folder of this machine: a playout system's drop box, or a USB stick that is carried over."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from channels.contract import SendError, Unavailable
from channels.radio.place import Place
from channels.radio.station import Station
from channels.radio.ways.faults import lost
from channels.radio.ways.parcel import Parcel
from channels.radio.ways.patience import Patience, apart, patience
from channels.radio.ways.tree import HEAD, LARGEST_SUMS, PIECE, lay

T = TypeVar("T")


async def carry(parcel: Parcel, station: Station, *, timeout: float) -> None:
    """Put a parcel into the folder, on its disk and not only in memory; Unavailable while it is not mounted."""
    async with patience(timeout) as wait:
        folder = _Folder(await _done(lambda: _ready(station.place), wait), wait)
        await lay(parcel, station, folder)


def _ready(place: Place) -> Path:
    """Find the folder; it is never made, for what is written below an empty mount point reaches nobody."""
    root = Path(place.path or "/")
    if place.scheme == "usb":
        if not os.path.ismount(root):
            raise Unavailable("no stick is mounted where the register says; put it in", code="stick not mounted")
        root = root / place.settings.get("folder", "")
        root.mkdir(parents=True, exist_ok=True)
    if not root.is_dir():
        raise Unavailable("the station's folder is not there; is its disk mounted?", code="no such folder")
    return root


async def _done(work: Callable[[], T], wait: Patience) -> T:
    fault: SendError
    try:
        result = await apart(work)
        wait.moved()
        return result
    except OSError as error:
        fault = lost(error)
    raise fault


class _Folder:
    def __init__(self, root: Path, wait: Patience) -> None:
        self._root, self._wait = root, wait

    async def folder(self, path: str) -> None:
        await _done(lambda: (self._root / path).mkdir(parents=True, exist_ok=True), self._wait)

    async def put(self, source: Path, path: str) -> None:
        await _done(lambda: _copy(source, self._root / path), self._wait)

    async def move(self, path: str, target: str) -> None:
        await _done(lambda: _move(self._root / path, self._root / target), self._wait)

    async def read(self, path: str) -> bytes | None:
        return await _done(lambda: _read(self._root / path), self._wait)

    async def size(self, path: str) -> int | None:
        return await _done(lambda: _size(self._root / path), self._wait)

    async def remove(self, path: str) -> None:
        await _done(lambda: (self._root / path).unlink(missing_ok=True), self._wait)

    async def prune(self, path: str) -> None:
        await _done((self._root / path).rmdir, self._wait)


def _copy(source: Path, target: Path) -> None:
    # A copy that was broken off may still be running in its thread: it must not write into this one.
    target.unlink(missing_ok=True)
    with source.open("rb") as inward, target.open("wb") as out:
        head = inward.read(HEAD)
        out.seek(len(head))
        while piece := inward.read(PIECE):
            out.write(piece)
        out.seek(0)
        out.write(head)
        out.flush()
        os.fsync(out.fileno())  # a stick is pulled out, and a power cut comes, at any moment


def _move(path: Path, target: Path) -> None:
    path.replace(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def _read(path: Path) -> bytes | None:
    length = _size(path)
    return None if length is None or length > LARGEST_SUMS else path.read_bytes()
