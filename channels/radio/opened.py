"""A kit's folder as it is read for checking: nothing outside it is touched, nothing huge or strange is opened."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, BaseModel, Field, NonNegativeInt, ValidationError

from channels.radio.bulletin import STATE

MANIFEST, SUMS, SIGNATURE = "manifest.json", "SHA256SUMS", "SHA256SUMS.minisig"
OWN = frozenset({STATE})  # of the folder a kit stands in at the office
MOST_FILES = 500
LARGEST_MANIFEST = 4 << 20
LARGEST_TEXT = 4 << 20
LARGEST = 1 << 30  # of any file; a kit is some tens of megabytes


class Unfit(Exception):
    """Why a kit or a file of it cannot be read, in one sentence."""


class Listed(BaseModel):
    """One file as the manifest lists it."""

    role: str
    size: NonNegativeInt
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    type: str = ""
    seconds: float | None = None
    lufs: float | None = None
    peak: float | None = None


class Said(BaseModel):
    """The manifest, as far as it is checked; what else it says is not read."""

    kit: str
    format: Literal[1]
    id: str = Field(min_length=1)
    language: str = Field(min_length=2)
    mode: Literal["Actual", "Exercise", "Test"]
    ends: bool = False
    headline: str = ""
    agency: str = ""
    sent: AwareDatetime
    valid_from: AwareDatetime
    valid_until: AwareDatetime
    cart: int | None = None
    complete: bool = False
    missing: list[str] = []
    signed_by: str = ""
    files: dict[str, Listed] = Field(max_length=MOST_FILES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A kit whose manifest could be read."""

    folder: Path
    said: Said
    now: datetime | None = None
    key: str = ""  # the office's public key, from elsewhere than the kit

    def of(self, *roles: str) -> list[tuple[str, Listed]]:
        """List the files of these roles, in the roles' order."""
        files = self.said.files.items()
        return [(path, listed) for role in roles for path, listed in files if listed.role == role]

    def read(self, path: str, most: int = LARGEST_TEXT) -> bytes:
        """Read a listed file; Unfit if it is not plain, not there or larger than `most` octets."""
        found = located(self.folder, path)
        if found.stat().st_size > most:
            raise Unfit(f"{path} is larger than {most} octets")
        return found.read_bytes()

    def text(self, path: str) -> str:
        """Read a listed text; Unfit if it is not UTF-8."""
        try:
            return self.read(path).decode()
        except UnicodeDecodeError:
            raise Unfit(f"{path} is not UTF-8") from None


def manifest_of(folder: Path) -> Said:
    """Read the manifest; Unfit says in one sentence what is wrong with it."""
    path = located(folder, MANIFEST)
    if path.stat().st_size > LARGEST_MANIFEST:
        raise Unfit(f"{MANIFEST} is larger than {LARGEST_MANIFEST} octets")
    try:
        return Said.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Unfit(f"{MANIFEST}{' at ' + where if where else ''}: {first['msg']}") from None


def located(folder: Path, path: str) -> Path:
    """Find a file of the kit by its listed path; Unfit for one that leads out, or is no plain file."""
    parts = path.split("/")
    if not path or "\\" in path or ":" in parts[0] or "\0" in path or {"", ".", ".."} & set(parts):
        raise Unfit(f"{path!r} is not a path within the kit")
    found = folder
    for part in parts:
        found = found / part
        try:
            mode = found.lstat().st_mode
        except OSError:
            raise Unfit(f"{path} is not there") from None
        if stat.S_ISLNK(mode):
            raise Unfit(f"{path} is a link; a kit holds plain files only")
    if not stat.S_ISREG(mode):
        raise Unfit(f"{path} is not a plain file")
    return found


def standing(folder: Path) -> list[str]:
    """List every file of the folder but hidden ones and the office's own, links among them; Unfit if too many."""
    found: list[str] = []
    for where, folders, names in os.walk(folder):
        # A link to a folder is listed by os.walk among the folders, and not gone into.
        links = [name for name in folders if os.path.islink(os.path.join(where, name))]
        folders[:] = [name for name in folders if not name.startswith(".")]
        relative = [Path(where, name).relative_to(folder).as_posix() for name in (*names, *links)]
        found += [path for path in relative if not Path(path).name.startswith(".") and path not in OWN]
        if len(found) > 2 * MOST_FILES:
            raise Unfit(f"the folder holds more than {2 * MOST_FILES} files; it is no kit")
    return sorted(found)
