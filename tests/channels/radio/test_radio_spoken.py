"""Promises of the spoken-text normaliser: what a voice is given to say, row by row."""

from __future__ import annotations

from pathlib import Path
from random import Random
from time import process_time

import pytest

from channels.radio.numerals import cardinal_en, cardinal_id, ordinal_en, year_en
from channels.radio.spoken import spoken

HERE = Path(__file__).parent
TABLES = [HERE / f"{name}_{language}.tsv" for name in ("golden", "heldout") for language in ("id", "en")]
WRITTEN = [line.split("\t")[0] for table in TABLES for line in table.read_text("utf-8").splitlines() if "\t" in line]
HOSTILE = [
    "0", "1.000", "(", "0 1-", "A", " ", "\n", "a.b.", "a@", "1/", "+62 ", "II-", "https://", "12:30-", "21 ", "Rp1",
    "\ufdfa", "- ", "°'", "jam ", "RT 1,", "a-", "\ud800", "\U000f0000", "/", ",;", "1,5 m", "Jl. ", "1. ", "٣",
    "²", "½", "\u202e", "🌊", "ก", "\x00",
]  # fmt: skip


@pytest.mark.parametrize("language", ["id", "en"])
def test_no_digit_is_left_for_the_voice_to_guess(language: str) -> None:
    """Whatever the language, digits never reach the voice."""
    left = [text for text in WRITTEN + HOSTILE if any(map(str.isdigit, spoken(text, language)))]
    assert left == []


def cost(text: str) -> float:
    """Give the least of two measured costs in seconds of processor time."""
    took = []
    for _ in range(2):
        begun = process_time()
        spoken(text, "id")
        took.append(process_time() - begun)
    return min(took)


@pytest.mark.parametrize("sign", HOSTILE)
def test_a_text_of_any_size_costs_in_proportion_to_it(sign: str) -> None:
    """Whatever someone pastes again and again: six times the text never costs as n squared would."""
    short, long = (sign * (size // len(sign)) for size in (1000, 6000))
    assert cost(long) < 18 * cost(short) + 0.01


def test_any_mixture_of_signs_is_said() -> None:
    """Random unicode with our marks in between never fails, and leaves nothing that cannot be encoded."""
    seed = 20261121
    print("seed", seed)
    dice = Random(seed)
    marks = "0123456789.,:/-+°%()RTWIBJlpKmM \n\t@#ivxIVX'\""
    for _ in range(100):
        text = "".join(dice.choice(marks) if dice.random() < 0.8 else chr(dice.randrange(0x110000)) for _ in range(120))
        for language in ("id", "en"):
            said = spoken(text, language)
            said.encode()
            assert not any(map(str.isdigit, said)), text


def test_a_language_without_a_table_is_refused() -> None:
    """Javanese is never spoken by Indonesian rules."""
    with pytest.raises(KeyError):
        spoken("Banyu mundhak 1,5 m", "jv")


@pytest.mark.parametrize(
    ("number", "indonesian", "english"),
    [
        (0, "nol", "zero"),
        (11, "sebelas", "eleven"),
        (19, "sembilan belas", "nineteen"),
        (20, "dua puluh", "twenty"),
        (100, "seratus", "one hundred"),
        (101, "seratus satu", "one hundred and one"),
        (1000, "seribu", "one thousand"),
        (1_001_000, "satu juta seribu", "one million one thousand"),
        (2_345_678, "dua juta tiga ratus empat puluh lima ribu enam ratus tujuh puluh delapan", ""),
        (10**15, "satu" + " nol" * 15, "one" + " zero" * 15),
    ],
)
def test_whole_numbers_are_spelled(number: int, indonesian: str, english: str) -> None:
    """Cardinals in both languages; numbers past any use are said digit by digit."""
    assert cardinal_id(number) == indonesian
    if english:
        assert cardinal_en(number) == english


def test_english_ordinals_and_years_are_said_as_people_say_them() -> None:
    """First, twelfth, twentieth, twenty-first; two thousand and five, twenty twenty-six."""
    said = [ordinal_en(n) for n in (1, 12, 20, 21, 30)]
    assert said == ["first", "twelfth", "twentieth", "twenty-first", "thirtieth"]
    assert [year_en(y) for y in (1900, 2005, 2026)] == [
        "nineteen hundred",
        "two thousand and five",
        "twenty twenty-six",
    ]
