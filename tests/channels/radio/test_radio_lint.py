"""Promises of the linter: what an announcer would stumble over is remarked on, a good script is not."""

from __future__ import annotations

import pytest

from channels.radio.lint import lint, seconds
from channels.radio.remarks import SAYINGS
from channels.radio.script import Line, Part, Script

GOOD = {
    "id": (
        (Part.SOURCE, "Pengumuman resmi dari BPBD Kubu Raya."),
        (Part.HAZARD, "Awas banjir."),
        (Part.WHERE, "Banjir di Desa Kapur dan Desa Kuala Dua."),
        (Part.WHEN, "Air mulai naik pukul 14.30 WIB."),
        (Part.DO, "Matikan listrik dan kunci rumah."),
        (Part.GO, "Pergilah ke SDN 12 Sungai Raya."),
        (Part.DONT, "Jangan menyeberangi arus."),
        (Part.HELP, "Bila nyawa terancam, telepon 112."),
        (Part.NEXT, "Pengumuman berikutnya pukul 17.00 WIB."),
        (Part.UNTIL, "Berlaku sampai pukul 21.00 WIB, 21 November 2026."),
        (Part.END, "Selesai."),
    ),
    "en": (
        (Part.SOURCE, "An official announcement from BPBD Kubu Raya."),
        (Part.HAZARD, "Flood warning."),
        (Part.WHERE, "Flooding in Kapur village."),
        (Part.WHEN, "Water has been rising since 14:30 WIB."),
        (Part.DO, "Switch off power."),
        (Part.GO, "Go to the school in Sungai Raya."),
        (Part.DONT, "Do not cross the water."),
        (Part.HELP, "If a life is in danger, call 112."),
        (Part.UNTIL, "This holds until 21:00 WIB, 21 November 2026."),
        (Part.END, "End of announcement."),
    ),
}


def script(language: str, *changes: tuple[Part, str], mode: str = "Actual", without: Part | None = None) -> Script:
    """Give a good script with some of its parts said otherwise, or one left out."""
    other = dict(changes)
    lines = tuple(Line(text=other.get(part, text), part=part) for part, text in GOOD[language] if part is not without)
    return Script(language=language, mode=mode, lines=lines)


def rules(of: Script) -> list[tuple[str, int]]:
    return [(remark.rule, remark.line) for remark in lint(of)]


@pytest.mark.parametrize("language", ["id", "en"])
def test_a_good_script_has_no_remarks(language: str) -> None:
    """The linter is quiet when there is nothing to say: otherwise nobody reads it."""
    assert rules(script(language)) == []


@pytest.mark.parametrize(
    ("language", "part", "text", "rule"),
    [
        ("id", Part.DO, "Semua warga di dekat sungai harus segera pergi ke tempat yang lebih tinggi dan aman ini.",
         "sentence-long"),
        ("id", Part.WHERE, "Banjir 40 cm di 3 desa dan 12 dusun.", "numbers-many"),
        ("id", Part.GO, "Pergilah ke balai desa (dekat pasar).", "brackets"),
        ("id", Part.GO, "Pergilah ke Jl. Merdeka.", "abbreviation"),
        ("id", Part.DO, "Bawa obat, dll.", "abbreviation"),
        ("id", Part.HELP, "Lihat bpbd.kuburaya.go.id atau telepon 112.", "address"),
        ("id", Part.HELP, "Telepon 081234567890.", "digits-unbroken"),
        ("id", Part.WHEN, "Air naik pukul 14.30.", "clock-zone"),
        ("id", Part.WHERE, "Air naik di sini.", "place-relative"),
        ("en", Part.GO, "Stay here.", "place-relative"),
        ("en", Part.GO, "Go to the school approx. 1 km north.", "abbreviation"),
        ("en", Part.WHEN, "Rising since 14:30.", "clock-zone"),
        ("en", Part.HELP, "Call 112 or see https://bpbd.go.id.", "address"),
        ("en", Part.WHERE, "2 of 5 villages and 30 houses.", "numbers-many"),
    ],
)  # fmt: skip
def test_what_an_announcer_stumbles_over_is_remarked_on_its_line(
    language: str, part: Part, text: str, rule: str
) -> None:
    """One rule, on the line where it is broken, and nothing else."""
    of = script(language, (part, text))
    line = next(number for number, one in enumerate(of.lines, 1) if one.part is part)
    assert rules(of) == [(rule, line)]


@pytest.mark.parametrize("language", ["id", "en"])
@pytest.mark.parametrize(
    ("without", "rule"),
    [
        (Part.SOURCE, "source-missing"),
        (Part.HELP, "help-missing"),
        (Part.UNTIL, "expiry-missing"),
        (Part.END, "end-missing"),
    ],
)
def test_what_every_bulletin_must_say_is_missed(language: str, without: Part, rule: str) -> None:
    """Who speaks, whom to call, until when, and that it is over."""
    assert rules(script(language, without=without)) == [(rule, 0)]


def test_approved_words_may_say_it_all_in_their_own_order() -> None:
    """Words of an officer are looked through for what they say, wherever they say it."""
    text = "Telepon 112 bila perlu.\nPengumuman resmi dari BPBD.\nBerlaku sampai pukul 21.00 WIB.\nSelesai."
    assert rules(Script(language="id", mode="Actual", lines=(Line(text=text),))) == []


def test_a_part_in_the_wrong_place_is_named() -> None:
    """The order of radio: what to do comes before whom to call."""
    lines = script("id").lines
    turned = (*lines[:4], lines[7], *lines[4:7], *lines[8:])
    assert ("order", 6) in rules(Script(language="id", mode="Actual", lines=turned))


@pytest.mark.parametrize("mode", ["Exercise", "Test"])
def test_a_drill_that_does_not_say_so_first_and_last_is_remarked_on(mode: str) -> None:
    """Nobody may take a drill for the real thing, however late they switch on."""
    assert rules(script("id", mode=mode)) == [("mode-missing", 1), ("mode-missing-last", 11)]
    line = Line(text="Ini hanya latihan.", part=Part.MODE)
    framed = Script(language="id", mode=mode, lines=(line, *script("id").lines[:-1], line, script("id").lines[-1]))
    assert rules(framed) == []


def test_a_correction_that_begins_with_the_rumour_is_remarked_on() -> None:
    """Whoever hears only the beginning must not hear what is false."""
    assert rules(script("id", (Part.HAZARD, "Kabar bendungan jebol tidak benar."))) == [("rumour-first", 2)]
    assert rules(script("id", (Part.HAZARD, "Bendungan utuh. Kabar bendungan jebol tidak benar."))) == []


def test_a_script_longer_than_ninety_seconds_is_remarked_on() -> None:
    """Read twice it would be three minutes."""
    long = "\n".join(["Warga desa segera pergi ke tempat yang tinggi."] * 40)
    assert rules(script("id", (Part.DO, long))) == [("too-long", 0)]


def test_a_cancel_needs_no_end() -> None:
    """What is over holds until nothing else."""
    of = script("id", (Part.HAZARD, "Peringatan banjir dicabut."), without=Part.UNTIL)
    assert rules(of) == []


def test_remarks_are_in_the_officers_language_and_say_what_to_do() -> None:
    """An English script on an Indonesian officer's desk is remarked on in Indonesian."""
    of = script("en", (Part.GO, "Stay here."))
    assert [remark.says for remark in lint(of, officer="id")] == [
        '"here" tidak jelas bagi pendengar radio; sebut nama tempatnya.'
    ]
    assert lint(of)[0].says == '"here" means nothing on the radio; name the place.'
    assert SAYINGS["id"].keys() == SAYINGS["en"].keys()


def test_a_language_without_rules_gets_only_what_needs_none() -> None:
    """A Javanese script is still counted; nothing fails."""
    of = Script(language="jv", mode="Actual", lines=(Line(text="Banyu (kali) mundhak."),))
    assert rules(of) == [("brackets", 1)]


@pytest.mark.parametrize(
    ("text", "language", "least", "most"),
    [
        ("Pengumuman resmi dari B P B D Kubu Raya.", "id", 2.5, 4.0),
        ("Bila nyawa terancam, telepon satu satu dua.", "id", 2.5, 4.0),
        ("If a life is in danger, call one one two.", "en", 2.2, 4.0),
        (" ".join(["Warga segera pergi ke tempat yang lebih tinggi."] * 15), "id", 45, 62),  # 120 words
        (" ".join(["Please go to higher ground now and stay away from rivers."] * 14), "en", 50, 72),  # 154 words
        ("", "id", 0, 0),
    ],
)
def test_seconds_are_those_of_a_calm_announcer(text: str, language: str, least: float, most: float) -> None:
    """About 120 Indonesian or 150 English words a minute."""
    assert least <= seconds(text, language) <= most
