"""Packs a kit's folder into a ZIP whose bytes depend on its files alone."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path

LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the earliest a ZIP can say; the true times stand in the manifest
DENSE = {".mp3", ".mp2", ".flac", ".ogg", ".amr", ".png", ".pdf"}  # packed already


def packed(folder: Path, paths: Sequence[str], target: Path, root: str) -> None:
    """Write the ZIP whole or not at all; within it all lies in one folder named `root`."""
    part = target.with_name(f".{target.name}.part")
    with part.open("wb") as out:
        with zipfile.ZipFile(out, "w") as pack:
            for path in sorted(paths):
                pack.writestr(_entry(f"{root}/{path}"), (folder / path).read_bytes(), compresslevel=6)
        out.flush()
        os.fsync(out.fileno())
    part.replace(target)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, LONG_AGO)
    entry.create_system = 3  # Unix, wherever it is made
    entry.external_attr = 0o644 << 16
    entry.compress_type = zipfile.ZIP_STORED if Path(name).suffix in DENSE else zipfile.ZIP_DEFLATED
    return entry


def link(source: Path, target: Path) -> None:
    """Link a file, or copy it where the disk knows no links: a stick, or another machine's folder."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def write(path: Path, content: bytes | str) -> None:
    """Write a file durably, whole or not at all; text as UTF-8."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as out:
            out.write(content.encode("utf-8", "replace") if isinstance(content, str) else content)
            out.flush()
            os.fsync(out.fileno())
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
