"""What the announcer reads: who speaks, the mode, the script, until when, and how to read it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from channels.contract import Notice
from channels.radio.tongues import MONTHS_EN, MONTHS_ID


class Part(StrEnum):
    """What a line of a script says; a script of ours goes in this order."""

    MODE = "mode"  # an exercise or a test: first and last
    SOURCE = "source"  # who says it
    HAZARD = "hazard"
    WHERE = "where"
    WHEN = "when"
    WORDS = "words"  # an officer's approved words, which may say all of these in their own order
    DO = "do"
    GO = "go"  # where to go
    DONT = "dont"
    HELP = "help"  # the number to call
    NEXT = "next"  # the next bulletin
    UNTIL = "until"  # when it ends
    END = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One sentence, or few, read in one breath: as it is written, not yet as it is said."""

    text: str
    part: Part = Part.WORDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What is read aloud, once; it is read twice on air."""

    language: str
    mode: str  # Actual, Exercise or Test
    lines: tuple[Line, ...]

    @property
    def text(self) -> str:
        return "\n".join(line.text for line in self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The words around a script in one language."""

    issued: str
    until: str
    end: str
    modes: Mapping[str, str]  # said before and after the script
    marks: Mapping[str, str]  # before file and folder names
    heading: str
    twice: str
    not_after: str
    months: tuple[str, ...]
    clock: str  # how hour and minute are written
    pace: int  # words a minute an announcer reads


FRAMES = {
    "id": Frame(
        issued="Pengumuman resmi dari {title}.",
        until="Berlaku sampai pukul {clock} {zone}, {date}.",
        end="Selesai.",
        modes={
            "Exercise": "Latihan. Ini hanya latihan, bukan kejadian sebenarnya.",
            "Test": "Uji coba. Ini hanya uji coba, tidak ada bahaya.",
        },
        marks={"Exercise": "LATIHAN_", "Test": "UJI_"},
        heading="NASKAH SIARAN",
        twice="BACA DUA KALI, pelan dan jelas. Sekali baca sekitar {seconds} detik.",
        not_after="JANGAN DIBACA SETELAH {clock} {zone}, {date}.",
        months=MONTHS_ID,
        clock="%H.%M",
        pace=120,
    ),
    "en": Frame(
        issued="An official announcement from {title}.",
        until="This holds until {clock} {zone}, {date}.",
        end="End of announcement.",
        modes={
            "Exercise": "Exercise. This is only an exercise, not a real event.",
            "Test": "Test. This is only a test, there is no danger.",
        },
        marks={"Exercise": "EXERCISE_", "Test": "TEST_"},
        heading="RADIO SCRIPT",
        twice="READ TWICE, slowly and clearly. One reading takes about {seconds} seconds.",
        not_after="DO NOT READ AFTER {clock} {zone}, {date}.",
        months=MONTHS_EN,
        clock="%H:%M",
        pace=150,
    ),
}


def frame(language: str, otherwise: str = "id") -> Frame:
    """Pick the frame of a language; where we have none, the station's own, which its announcer knows."""
    primary = language.lower().partition("-")[0]
    return FRAMES.get(primary) or FRAMES.get(otherwise.lower().partition("-")[0]) or FRAMES["id"]


def marker(mode: str, language: str) -> str:
    """Name the mark before every file and folder of a mode; empty for Actual."""
    return "" if mode == "Actual" else frame(language).marks.get(mode, f"{mode.upper()}_")


def reading(notice: Notice, script: str, title: str, zone: str, station_language: str) -> str:
    """Frame a script for the microphone: mode, who says it, the script, until when, mode, end."""
    words = frame(notice.language, station_language)
    mode = words.modes.get(notice.mode, "")
    opening = re.split(r"[.!?\n]", script, maxsplit=1)[0]
    issued = "" if title.lower() in opening.lower() else words.issued.format(title=title)
    until = "" if notice.ends or not notice.expires else moment(words.until, words, notice.expires, zone)
    return "\n".join(line for line in (mode, issued, script, until, mode, words.end) if line)


def moment(pattern: str, words: Frame, at: datetime, zone: str) -> str:
    """Fill clock, zone and date of a pattern, as they are on the station's wall."""
    local = at.astimezone(ZoneInfo(zone))
    date = f"{local.day} {words.months[local.month - 1]} {local.year}"
    return pattern.format(clock=local.strftime(words.clock), zone=local.tzname(), date=date)
