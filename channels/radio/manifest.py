"""The manifest of a kit: what it holds, of which alert, until when, in which voice, each file with its sum."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from channels.radio.bulletin import Bulletin, Office, kit_name

FORMAT = 1
TYPES = {
    ".pdf": "application/pdf", ".png": "image/png", ".txt": "text/plain", ".html": "text/html",
    ".wav": "audio/wav", ".mp2": "audio/mpeg", ".mp3": "audio/mpeg", ".flac": "audio/flac", ".ogg": "audio/ogg",
    ".amr": "audio/amr", ".vtt": "text/vtt", ".m3u8": "application/vnd.apple.mpegurl",
    ".xspf": "application/xspf+xml", ".xml": "application/xml", ".json": "application/json",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One file of a kit, by its role and its path below the kit's folder; loudness as measured once decoded."""

    role: str
    path: str
    seconds: float | None = None
    lufs: float | None = None
    peak: float | None = None  # dBTP


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """A kit as far as it is made; `missing` says in sentences what it could not hold."""

    files: tuple[Made, ...] = ()
    missing: tuple[str, ...] = ()
    voice: str = ""  # "espeak-ng 1.52.0 id"
    voice_kind: str = ""  # espeak, neural or recording
    seconds: float = 0.0
    complete: bool = False

    def path(self, role: str) -> str | None:
        """Name the file of a role, if it was made."""
        return next((made.path for made in self.files if made.role == role), None)

    def with_files(self, files: Sequence[Made]) -> tuple[Made, ...]:
        """Give all files, the newer ones in place of those of the same role."""
        fresh = {made.role for made in files}
        return (*(made for made in self.files if made.role not in fresh), *files)


def manifest(
    bulletin: Bulletin, office: Office, kit: Kit, folder: Path, *, lexicon: str, cart: int | None, signed_by: str
) -> bytes:
    """Write the manifest of the files that lie in `folder`; the same kit gives the same bytes.

    Times are ISO 8601 on the office's wall. Raises OSError for a file that is not there.
    """
    zone = ZoneInfo(office.zone)
    said: dict[str, Any] = {
        "kit": kit_name(bulletin, office),
        "format": FORMAT,
        "id": bulletin.id,
        "incident": bulletin.incident,
        "version": bulletin.about.version,
        "replaces": list(bulletin.replaces),
        "language": bulletin.language,
        "mode": bulletin.mode,
        "ends": bulletin.ends,
        "headline": bulletin.headline,
        "agency": bulletin.about.agency or office.title,
        "sent": bulletin.sent.astimezone(zone).isoformat(),
        "valid_from": bulletin.sent.astimezone(zone).isoformat(),
        "valid_until": bulletin.expires.astimezone(zone).isoformat(),
        "voice": {"name": kit.voice, "kind": kit.voice_kind} if kit.voice else None,
        "lexicon": lexicon,
        "seconds": kit.seconds,
        "cart": cart,
        "complete": kit.complete,
        "missing": list(kit.missing),
        "signed_by": signed_by,
        "files": {made.path: _described(made, folder / made.path) for made in sorted(kit.files, key=_by_path)},
    }
    return json.dumps(said, indent=2, ensure_ascii=False).encode() + b"\n"


def sums(folder: Path, paths: Sequence[str]) -> bytes:
    """Write what `sha256sum -c` reads, one line a file, in the order of their names."""
    return "".join(f"{sha256(folder / path)}  {path}\n" for path in sorted(paths)).encode()


def sha256(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _by_path(made: Made) -> str:
    return made.path


def _described(made: Made, path: Path) -> dict[str, Any]:
    said = {
        "role": made.role,
        "type": TYPES.get(path.suffix, "application/octet-stream"),
        "size": path.stat().st_size,
        "sha256": sha256(path),
        "seconds": made.seconds,
        "lufs": made.lufs,
        "peak": made.peak,
    }
    return {name: value for name, value in said.items() if value is not None}
