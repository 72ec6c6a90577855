"""Checks a kit's folder against what its manifest promises, with nothing but this program.

A kit may be broken or hostile: every check ends in a row with a sentence, never in a crash.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path

from channels.radio.check_folder import FOLDER
from channels.radio.check_sound import SOUND
from channels.radio.check_words import WORDS
from channels.radio.findings import Report, Row, Verdict, judged, skipped
from channels.radio.opened import MANIFEST, Opened, Unfit, manifest_of

__all__ = ["Report", "Row", "Verdict", "check"]

Check = Callable[[Opened], Iterable[Row]]


def check(folder: Path, now: datetime | None = None, *, key: str = "") -> Report:
    """Check everything that needs no third-party program; blocking, about a second for a minute's bulletin.

    `now` (aware) asks whether it still holds; `key` is the office's public key as minisign writes it, taken from
    elsewhere than the kit.
    """
    rows = tuple(_rows(folder, now, key))
    return Report(folder=str(folder), rows=rows)


def _rows(folder: Path, now: datetime | None, key: str) -> Iterator[Row]:
    wanted = f"a readable {MANIFEST}"
    try:
        kit = Opened(folder=folder, said=manifest_of(folder), now=now, key=key)
    except (Unfit, OSError, ValueError, RecursionError) as error:
        yield judged("manifest", [_why(error)], good="", wanted=wanted)
        return
    yield judged("manifest", [], good=f"{len(kit.said.files)} files of {kit.said.id}", wanted=wanted)
    for name, run in {**FOLDER, **WORDS, **SOUND}.items():
        yield from _guarded(name, run, kit)


def _guarded(name: str, run: Check, kit: Opened) -> list[Row]:
    """Turn whatever a broken or hostile file does to a check into a row that failed."""
    try:
        return list(run(kit)) or [skipped(name, "there is nothing to check", wanted="")]
    except (Unfit, OSError) as error:
        return [judged(name, [_why(error)], good="", wanted="files that can be read")]
    except Exception as error:
        # A kit comes from anywhere; what our own code trips over in it is a fault of the kit to whoever checks it.
        told = f"it cannot be understood ({type(error).__name__}: {error})"
        return [judged(name, [told], good="", wanted="files that can be understood")]


def _why(error: BaseException) -> str:
    if isinstance(error, OSError):
        return f"{Path(str(error.filename)).name}: {error.strerror}"
    return str(error) or type(error).__name__
