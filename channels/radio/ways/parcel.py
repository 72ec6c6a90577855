"""What goes to one station: which files of a kit, what they are called there, and the words of a letter."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath

from channels.radio.place import CONTROL
from channels.radio.station import Station


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One kit, or what is left to take away of one; every path has forward slashes and lies below its folder.

    No files and some `removes`: the kit has expired. ValueError for a name that leaves its folder or a line.
    """

    folder: Path  # the kit as it stands on our disk
    name: str  # the kit's folder at the station
    files: tuple[str, ...]  # in the order they are sent
    zip: Path | None = None
    cut: str = ""  # what a lone sound file is called at the station: the same for a cart number, so that it replaces
    removes: tuple[str, ...] = ()  # paths below the station's folder, of the kit this one replaces
    key: str = ""  # the same for every try at this station
    mode: str = "Actual"
    language: str = "id"
    headline: str = ""
    script: str = field(default="", repr=False)
    readback: str = field(default="", repr=False)  # the link where the station says that it was aired
    ref: str = field(default="", repr=False)  # the same by telephone
    contact: str = field(default="", repr=False)  # whom to call back
    reply_to: str = field(default="", repr=False)  # a mailbox of the office
    sent: datetime | None = None
    seconds: float = 0.0  # how long its sound lasts

    def __post_init__(self) -> None:
        for path in (self.name, self.cut, *self.files, *self.removes):
            if path.startswith("/") or ".." in path.split("/") or CONTROL.search(path):
                raise ValueError(f"{path!r} is no path inside a kit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Laid:
    """A file of ours and where it goes below the station's folder."""

    source: Path
    target: str


def laid(parcel: Parcel, station: Station) -> tuple[Laid, ...]:
    """Say where each file goes: into a folder of the kit's name, or a lone sound file into the drop box as its cart."""
    if station.drops:
        return tuple(Laid(source=parcel.folder / path, target=_cut(parcel, path)) for path in parcel.files[:1])
    found = [Laid(source=parcel.folder / path, target=f"{parcel.name}/{path}") for path in parcel.files]
    if parcel.zip and "zip" in station.formats:
        found.append(Laid(source=parcel.zip, target=f"{parcel.name}.zip"))
    return tuple(found)


def _cut(parcel: Parcel, path: str) -> str:
    """Keep the sound's own ending: a player goes by it."""
    name = PurePosixPath(path)
    return PurePosixPath(parcel.cut).stem + name.suffix if parcel.cut else name.name


def sound(parcel: Parcel) -> str:
    """Name the first sound file of a parcel, or nothing where there is none."""
    endings = {".wav", ".mp3", ".flac", ".mp2", ".ogg"}
    return next((path for path in parcel.files if PurePosixPath(path).suffix.lower() in endings), "")
