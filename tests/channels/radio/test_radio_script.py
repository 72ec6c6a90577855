"""Promises of the script: approved words stay as they are, facts come in order, a drill says so first and last."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from channels.contract import About
from channels.radio.script import Part, Told, compose, loudspeaker, sentences

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ABOUT = About(
    agency="BMKG",
    hazard="Hujan lebat",
    area="Sungai Raya; Rasau Jaya; Kubu; Terentang; Teluk Pakedai; Batu Ampar",
    onset=NOON,
    next_update=NOON + timedelta(hours=3),
    help_line="112",
    contact="BMKG 196",
    description="Hujan lebat terjadi. Angin kencang mungkin. " + "Kata " * 60 + ".",
    do=("Pindah ke SMPN 1. Bawa obat.", "Jangan menyeberang sungai."),
)
TOLD = Told(
    language="id",
    mode="Actual",
    words="",
    headline="Hujan lebat di Kubu Raya",
    title="BPBD Kubu Raya",
    zone="Asia/Pontianak",
    office_language="id",
    expires=NOON + timedelta(hours=6),
    about=ABOUT,
)
APPROVED = (
    "Warga Sungai Raya, mohon perhatian.\nIni informasi resmi dari BPBD Kubu Raya.\nBanjir. Pindah ke SMPN 1.\n"
    "Berlaku sampai 21 November 2026 pukul 01.00 WIB.\nSelesai dari BPBD Kubu Raya."
)


def parts(told: Told) -> list[str]:
    return [line.part.value for line in compose(told).lines]


def test_facts_come_in_the_order_a_listener_needs() -> None:
    """Who, what, where in groups of five, since when, what to do in the source's order, help, next, until, end."""
    assert parts(TOLD) == [
        "source", "hazard", "hazard", "hazard", "where", "where", "when", "do", "do", "dont", "help", "help", "next",
        "until", "end",
    ]  # fmt: skip
    text = compose(TOLD).text
    assert text.startswith("Pengumuman resmi dari BMKG.\nHujan lebat di Kubu Raya.\nHujan lebat terjadi.")
    assert "Wilayahnya: Sungai Raya, Rasau Jaya, Kubu, Terentang dan Teluk Pakedai.\nJuga: Batu Ampar." in text
    assert "Berlaku sampai pukul 01.00 WIB, 22 November 2026.\nSelesai." in text
    assert "Kata Kata" not in text, "a long description is for paper"


def test_approved_words_are_never_changed_and_nothing_is_said_twice() -> None:
    """What the words say already, who, until when, the end, is not added."""
    assert compose(replace(TOLD, words=APPROVED)).text == APPROVED


def test_approved_words_get_what_they_lack() -> None:
    """Who says it, until when, and an end are put around words that say none of them."""
    lines = compose(replace(TOLD, words="Banjir di Kubu.\nPindah.")).lines
    assert [line.part for line in lines] == [Part.SOURCE, Part.WORDS, Part.WORDS, Part.UNTIL, Part.END]


@pytest.mark.parametrize(
    ("mode", "language", "said"),
    [
        ("Exercise", "id", "Latihan. Ini hanya latihan"),
        ("Test", "id", "Uji coba."),
        ("Exercise", "en", "Exercise. This is only"),
        ("Test", "jv", "Uji coba."),
    ],
)
@pytest.mark.parametrize("words", ["", "Banjir.\nPindah."])
def test_a_drill_says_so_first_and_last(mode: str, language: str, said: str, words: str) -> None:
    """Also on the loudspeaker; the end alone may come after."""
    told = replace(TOLD, mode=mode, language=language, words=words)
    for script in (compose(told), loudspeaker(told)):
        assert script.lines[0].text.startswith(said)
        assert script.lines[-2].text.startswith(said)
        assert script.text.count(script.lines[0].text) == 2


def test_words_marked_already_are_not_marked_twice() -> None:
    """The playbook's own marker counts."""
    marked = "LATIHAN. Ini hanya latihan.\nBanjir. Pindah.\nIni hanya latihan. LATIHAN."
    assert compose(replace(TOLD, mode="Exercise", words=marked)).text.count("hanya latihan") == 2


@pytest.mark.parametrize("ends", [True, False])
def test_what_follows_says_that_the_former_no_longer_holds(ends: bool) -> None:
    """A cancel names no help line, no next bulletin and no end of its own validity."""
    told = replace(TOLD, replaces=True, ends=ends)
    said = compose(told).text
    assert ("telah berakhir" in said, "Ini pembaruan" in said) == (ends, not ends)
    assert ("Berlaku sampai" in said, "telepon 112" in said) == (not ends, not ends)


def test_the_loudspeaker_gets_half_a_minute_of_whole_sentences() -> None:
    """Fewer deeds, never a cut one."""
    long = replace(ABOUT, do=tuple(f"Bawa barang nomor {n} ke tempat yang tinggi dan aman." for n in range(30)))
    script = loudspeaker(replace(TOLD, about=long))
    assert len(script.text.split()) < 65
    assert all(line.text.endswith(".") for line in script.lines)
    assert any(line.part is Part.DO for line in script.lines)
    assert "Berlaku sampai" in script.text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Pergi ke Jl. Ahmad Yani No. 5. Bawa obat!", ["Pergi ke Jl. Ahmad Yani No. 5.", "Bawa obat!"]),
        ("* satu\n* dua", ["satu", "dua"]),
        ("Air 1.5 m.\nNaik", ["Air 1.5 m.", "Naik"]),
        ("", []),
        ("...", []),
    ],
)
def test_prose_is_split_where_sentences_end(text: str, found: list[str]) -> None:
    """Abbreviations and decimals end none."""
    assert sentences(text) == found


def test_a_drills_headline_loses_its_written_mark_when_it_is_said() -> None:
    """The mode is said in a sentence of its own."""
    told = replace(TOLD, mode="Exercise", headline="LATIHAN: Banjir LATIHAN")
    assert next(line.text for line in compose(told).lines if line.part is Part.HAZARD) == "Banjir."
