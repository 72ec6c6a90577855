"""Lays a kit into a folder of a station's, whole files only, in whatever way the folder is reached."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Final, Protocol

from channels.contract import SendError
from channels.radio.station import Station
from channels.radio.ways.parcel import Laid, Parcel, laid

PART: Final = ".part"
SUMS: Final = "SHA256SUMS"
LARGEST_SUMS: Final = 1_000_000  # bytes; ours are a few thousand
# Liquidsoap plays whatever it can decode, .part or hidden too. Where a way can, the beginning is written last:
# until then a WAV, FLAC or Ogg is no sound to any player. (A MP3 plays from its middle, and FTP writes in order.)
HEAD: Final = 4096  # bytes
PIECE: Final = 1 << 18  # bytes between two signs of life


class Tree(Protocol):
    """A folder of a station; paths are below it, and every call raises a SendError when it does not work."""

    async def folder(self, path: str) -> None:
        """Make a folder and those above it; one that is there is left as it is."""

    async def put(self, source: Path, path: str) -> None:
        """Write a file, over what may be there."""

    async def move(self, path: str, target: str) -> None:
        """Rename over what may be there, at once where the station can do that."""

    async def read(self, path: str) -> bytes | None:
        """Read a small file; None where there is none, or one beyond LARGEST_SUMS."""

    async def size(self, path: str) -> int | None:
        """Say how long a file is; None where there is none or the station does not tell."""

    async def remove(self, path: str) -> None:
        """Remove a file; one that is not there is fine."""

    async def prune(self, path: str) -> None:
        """Remove a folder if it is empty; one that is not stays, silently or with a SendError."""


async def lay(parcel: Parcel, station: Station, tree: Tree) -> None:
    """Put every file of a parcel in place, then take away what it replaces.

    A file is written under its name with .part and renamed over: nobody ever reads half a one. Doing it again
    finishes what was cut short, and sends nothing that the station's own sums say it has.
    """
    files = laid(parcel, station)
    settled = await _settled(files, tree)
    for parent in dict.fromkeys(str(PurePosixPath(one.target).parent) for one in files if one not in settled):
        if parent != ".":
            await tree.folder(parent)
    for one in files:
        if one not in settled:
            await _place(one, tree)
    kept = {one.target for one in files}
    await _clear([path for path in parcel.removes if path not in kept], kept, tree)


async def _place(one: Laid, tree: Tree) -> None:
    part = one.target + PART
    try:
        await tree.put(one.source, part)
        await tree.move(part, one.target)
    except SendError:
        with suppress(SendError):  # a full disk is not left fuller; a lost line cannot be helped
            await tree.remove(part)
        raise


async def _settled(files: tuple[Laid, ...], tree: Tree) -> set[Laid]:
    """Find the files that the station has already, by the sums it has: those come last, after what they count."""
    sums = next((one for one in files if PurePosixPath(one.target).name == SUMS), None)
    theirs = await tree.read(sums.target) if sums else None
    if sums is None or theirs is None:
        return set()
    ours = sums.source.read_bytes()
    known = _counted(theirs, sums.target)
    same = {path for path, digest in _counted(ours, sums.target).items() if known.get(path) == digest}
    settled = {sums} if theirs == ours else set()
    for one in files:
        if one.target in same and await tree.size(one.target) == one.source.stat().st_size:
            settled.add(one)
    return settled


def _counted(sums: bytes, target: str) -> dict[str, str]:
    """Read sums as sha256sum writes them: path below the station's folder -> digest."""
    folder = PurePosixPath(target).parent
    rows = (line.partition(" ") for line in sums.decode("utf-8", "replace").splitlines())
    return {str(folder / path.lstrip(" *")): digest for digest, _, path in rows if path}


async def _clear(paths: list[str], kept: set[str], tree: Tree) -> None:
    """Remove files, then the folders that this leaves empty, deepest first; those that hold more stay."""
    folders: dict[str, None] = {}
    for path in paths:
        await tree.remove(path)
        for parent in PurePosixPath(path).parents:
            if parent.name and not any(target.startswith(f"{parent}/") for target in kept):
                folders[str(parent)] = None
    for folder in sorted(folders, key=lambda one: -one.count("/")):
        with suppress(SendError):  # somebody keeps a file of theirs in it
            await tree.prune(folder)
