"""The fixed words around a script, in each language we have them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from channels.radio.tongues import MONTHS_EN, MONTHS_ID


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What is said before, between and after the words of a bulletin."""

    issued: str
    updated: str  # this one takes the place of another
    ended: str  # a cancel or all-clear
    where: str
    and_also: str  # more places, in a sentence of their own
    since: str
    help: str
    contact: str
    next: str
    until: str
    end: str
    ends: tuple[str, ...]  # how a script of others may end already
    negative: tuple[str, ...]  # how a sentence begins that says what not to do
    modes: Mapping[str, str]  # said before and after the script
    mode_words: Mapping[str, str]  # in a script: it says its mode already
    marks: Mapping[str, str]  # before file and folder names
    heading: str
    twice: str
    not_after: str
    repeat: str  # for whoever puts it on air
    last_join: str
    months: tuple[str, ...]
    clock: str  # how hour and minute are written


FRAMES: Mapping[str, Frame] = {
    "id": Frame(
        issued="Pengumuman resmi dari {title}.",
        updated="Ini pembaruan. Pengumuman sebelumnya tidak berlaku lagi.",
        ended="Peringatan sebelumnya telah berakhir.",
        where="Wilayahnya: {places}.",
        and_also="Juga: {places}.",
        since="Mulai pukul {clock} {zone}, {date}.",
        help="Bila nyawa terancam, telepon {help}.",
        contact="Keterangan lebih lanjut: {contact}.",
        next="Kabar berikutnya pukul {clock} {zone}, {date}.",
        until="Berlaku sampai pukul {clock} {zone}, {date}.",
        end="Selesai.",
        ends=("selesai", "sekian"),
        negative=("jangan", "hindari", "dilarang", "tidak boleh"),
        modes={
            "Exercise": "Latihan. Ini hanya latihan, bukan kejadian sebenarnya.",
            "Test": "Uji coba. Ini hanya uji coba, tidak ada bahaya.",
        },
        mode_words={"Exercise": "latihan", "Test": "uji coba"},
        marks={"Exercise": "LATIHAN_", "Test": "UJI_"},
        heading="NASKAH SIARAN",
        twice="BACA DUA KALI, pelan dan jelas. Sekali baca sekitar {seconds} detik.",
        not_after="JANGAN DIBACA SETELAH {clock} {zone}, {date}.",
        repeat="Ulangi setiap 15 menit sampai {clock} {zone}, {date}",
        last_join=" dan ",
        months=MONTHS_ID,
        clock="%H.%M",
    ),
    "en": Frame(
        issued="An official announcement from {title}.",
        updated="This is an update. The earlier announcement no longer holds.",
        ended="The earlier warning has ended.",
        where="The area: {places}.",
        and_also="Also: {places}.",
        since="From {clock} {zone}, {date}.",
        help="If a life is in danger, call {help}.",
        contact="For more information: {contact}.",
        next="The next bulletin is at {clock} {zone}, {date}.",
        until="This holds until {clock} {zone}, {date}.",
        end="End of announcement.",
        ends=("end of", "that is all"),
        negative=("do not", "don't", "never", "avoid"),
        modes={
            "Exercise": "Exercise. This is only an exercise, not a real event.",
            "Test": "Test. This is only a test, there is no danger.",
        },
        mode_words={"Exercise": "exercise", "Test": "test"},
        marks={"Exercise": "EXERCISE_", "Test": "TEST_"},
        heading="RADIO SCRIPT",
        twice="READ TWICE, slowly and clearly. One reading takes about {seconds} seconds.",
        not_after="DO NOT READ AFTER {clock} {zone}, {date}.",
        repeat="Repeat every 15 minutes until {clock} {zone}, {date}",
        last_join=" and ",
        months=MONTHS_EN,
        clock="%H:%M",
    ),
}


def frame(language: str, otherwise: str = "id") -> Frame:
    """Pick the frame of a language; where we have none, the office's own, which its announcers know."""
    primary = language.lower().partition("-")[0]
    return FRAMES.get(primary) or FRAMES.get(otherwise.lower().partition("-")[0]) or FRAMES["id"]


def marker(mode: str, language: str) -> str:
    """Name the mark before every file and folder of a mode; empty for Actual."""
    return "" if mode == "Actual" else frame(language).marks.get(mode, f"{mode.upper()}_")
