"""Which files a command means and what is in them: folders are walked in order, no file is held longer than needed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from crisis.cap.document import MOST_BYTES
from crisis.errors import BadInput

SUFFIXES = {".xml", ".cap", ".atom", ".rss", ".rdf", ".edxl", ".edxlde"}
OTHERS = {".xsd", ".xsl", ".xslt", ".html", ".htm", ".svg", ".kml", ".gml", ".gpx", ".wsdl"}  # XML, but never an alert
STDIN = "-"
MARKS = (b"<", b"\xef\xbb\xbf<", b"\xff\xfe", b"\xfe\xff")  # how XML begins in any encoding it may have


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One file and its bytes; `fault` says in one sentence why it could not be read."""

    name: str
    raw: bytes = b""
    fault: str = ""


def found(paths: Iterable[str]) -> Iterator[Found]:
    """Read each file, each folder with all that is in it, and standard input for `-`, one after the other.

    In a folder files that are no XML, or another kind of it, are passed over; a file that is named is always read.
    """
    for path in paths:
        if path == STDIN:
            yield Found(name=STDIN, raw=sys.stdin.buffer.read(MOST_BYTES + 1))
        elif Path(path).is_dir():
            yield from _within(Path(path))
        else:
            yield _read(Path(path))


def one(path: str) -> bytes:
    """Read the one file that is meant; raises BadInput for a folder and for what cannot be read."""
    if path != STDIN and Path(path).is_dir():
        raise BadInput(f"{path}: is a folder; name one file")
    file = next(found([path]))
    if file.fault:
        raise BadInput(file.fault)
    return file.raw


def shown(path: Path) -> str:
    """Give a path as it can be printed: names may be any bytes, and what is not UTF-8 becomes \\xff."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _within(folder: Path) -> Iterator[Found]:
    for path in sorted(folder.rglob("*")):
        if _is_file(path) and path.suffix.lower() not in OTHERS:
            file = _read(path)
            if path.suffix.lower() in SUFFIXES or file.fault or _is_xml(file.raw):
                yield file


def _is_file(path: Path) -> bool:
    """A link that leads nowhere counts: passing over it would hide an alert that should be there."""
    try:
        return path.is_file() or (path.is_symlink() and not path.exists())
    except OSError:  # links in a circle
        return True


def _is_xml(raw: bytes) -> bool:
    return raw[:200].lstrip().startswith(MARKS)


def _read(path: Path) -> Found:
    name = shown(path)
    try:
        with path.open("rb") as file:
            return Found(name=name, raw=file.read(MOST_BYTES + 1))  # a byte more, to be refused for its size
    except OSError as error:
        return Found(name=name, fault=f"{name}: cannot be read: {error.strerror or error}")
    except ValueError as error:  # no path at all: a NUL in it
        return Found(name=name, fault=f"{name!r}: cannot be read: {error}")
