"""Promises of the spoken-text normaliser: what a voice is given to say, row by row."""

from __future__ import annotations

from time import process_time

import pytest

from channels.radio.numerals import cardinal_en, cardinal_id, ordinal_en, year_en
from channels.radio.spoken import spoken

INDONESIAN = [
    ("Air naik 1,5 m.", "Air naik satu koma lima meter."),
    ("Tinggi 12,75 m", "Tinggi dua belas koma tujuh lima meter"),
    ("genangan 50-100 cm", "genangan lima puluh sampai seratus sentimeter"),
    ("1.500 jiwa", "seribu lima ratus jiwa"),
    ("250000 liter", "dua ratus lima puluh ribu liter"),
    ("21.00 WIB", "pukul dua puluh satu W I B"),
    ("pukul 21.00 WIB", "pukul dua puluh satu W I B"),
    ("Pukul 14.30 WIB", "pukul empat belas lewat tiga puluh menit W I B"),
    ("jam 7.05", "pukul tujuh lewat lima menit"),
    ("06:45 WITA", "pukul enam lewat empat puluh lima menit wita"),
    ("pukul 18.00-21.00 WIB", "pukul delapan belas sampai pukul dua puluh satu W I B"),
    ("09.00–10.30 WIB", "pukul sembilan sampai pukul sepuluh lewat tiga puluh menit W I B"),
    ("9.000 jiwa, 12.500 ha", "sembilan ribu jiwa, dua belas ribu lima ratus hektare"),
    ("21 November 2026", "dua puluh satu November dua ribu dua puluh enam"),
    ("21/11/2026", "dua puluh satu November dua ribu dua puluh enam"),
    ("2026-11-05", "lima November dua ribu dua puluh enam"),
    ("Hubungi 112.", "Hubungi satu satu dua."),
    ("Telepon 112 atau 119", "Telepon satu satu dua atau satu satu sembilan"),
    ("112 rumah rusak", "seratus dua belas rumah rusak"),
    ("jarak 112 km", "jarak seratus dua belas kilometer"),
    (
        "+62 812-3456-7890",
        "plus enam dua, delapan satu dua, tiga empat lima enam, tujuh delapan sembilan nol",
    ),
    ("0561-123456", "nol lima enam satu, satu dua tiga empat lima enam"),
    ("(0561) 123456", "nol lima enam satu, satu dua tiga empat lima enam"),
    ("RT 03/RW 05", "R T tiga, R W lima"),
    ("RT.02 Parit Baru", "R T dua Parit Baru"),
    ("Jl. Adi Sucipto No. 12", "jalan Adi Sucipto nomor dua belas"),
    ("Kec. Sungai Raya, Kab. Kubu Raya", "kecamatan Sungai Raya, kabupaten Kubu Raya"),
    ("BPBD dan BMKG", "B P B D dan B M K G"),
    ("SDN 05 Arang Limbung", "S D N nol lima Arang Limbung"),
    ("BANJIR di Kubu Raya", "banjir di Kubu Raya"),
    ("gempa M 5,6", "gempa magnitudo lima koma enam"),
    ("angin 40 km/jam", "angin empat puluh kilometer per jam"),
    ("suhu 37°C", "suhu tiga puluh tujuh derajat Celsius"),
    ("80% penuh", "delapan puluh persen penuh"),
    ("3 x 24 jam", "tiga kali dua puluh empat jam"),
    ("Rp1.000.000", "satu juta rupiah"),
    ("Rp 50 ribu", "lima puluh ribu rupiah"),
    ("hari ke-1 dan ke-2", "hari pertama dan kedua"),
    ("bawa obat, dll.", "bawa obat, dan lain-lain"),
    ("air & listrik", "air dan listrik"),
    ("ibu/bapak", "ibu atau bapak"),
    ("Posko (SMPN 1) dibuka", "Posko, S M P N satu, dibuka"),
    ("lihat https://bpbd.kubu.go.id/x?y=1", "lihat bpbd titik kubu titik go titik id"),
    ("Km 12,5 Trans Kalimantan", "kilometer dua belas koma lima Trans Kalimantan"),
    ("⚠️ *AWAS* banjir", "awas banjir"),
    ("0,5 m", "nol koma lima meter"),
    ("Menuju lapangan.\nJangan menyeberang.", "Menuju lapangan.\nJangan menyeberang."),
]

ENGLISH = [
    ("Water is up 1.5 m.", "Water is up one point five metres."),
    ("1,500 people", "one thousand five hundred people"),
    ("21:00 WIB", "nine P M W I B"),
    ("at 21.30 WIB", "at nine thirty P M W I B"),
    ("18:00-21:00", "six P M to nine P M"),
    ("06:05", "six oh five A M"),
    ("00:00 WIB", "midnight W I B"),
    ("21 November 2026", "twenty-first of November twenty twenty-six"),
    ("Call 112 now", "Call one one two now"),
    ("112 houses", "one hundred and twelve houses"),
    ("50-100 cm", "fifty to one hundred centimetres"),
    ("60 km/h winds", "sixty kilometres per hour winds"),
    ("RT 03/RW 05, Jl. Adi Sucipto", "R T three, R W five, jalan Adi Sucipto"),
    ("BMKG says M5.6", "B M K G says magnitude five point six"),
    ("80% full", "eighty percent full"),
    ("+62 812 3456", "plus six two, eight one two, three four five six"),
    ("by 5 pm. Call 119", "by five P M. Call one one nine"),
    ("the 2nd floor", "the second floor"),
    ("Rp1.000.000 a house", "one million rupiah a house"),
    ("FLOOD WARNING", "flood warning"),
]


@pytest.mark.parametrize(("written", "want"), INDONESIAN)
def test_indonesian_is_said_in_full_words(written: str, want: str) -> None:
    """Every written form of a bulletin has one way to be said."""
    assert spoken(written, "id") == want


@pytest.mark.parametrize(("written", "want"), ENGLISH)
def test_english_is_said_in_full_words(written: str, want: str) -> None:
    """The same forms, for the English voice."""
    assert spoken(written, "en-GB") == want


@pytest.mark.parametrize("text", [row[0] for row in INDONESIAN + ENGLISH])
@pytest.mark.parametrize("language", ["id", "en"])
def test_no_digit_is_left_for_the_voice_to_guess(text: str, language: str) -> None:
    """Whatever the language, digits never reach the voice."""
    assert not any(map(str.isdigit, spoken(text, language)))


@pytest.mark.parametrize("text", ["0" * 3000, "1.000" * 600, "(" * 3000, "0 1-" * 700, "A" * 3000])
def test_no_text_of_the_largest_size_takes_long(text: str) -> None:
    """Whatever 3000 characters someone pastes, the loop is not held: it costs some milliseconds."""
    took = []
    for _ in range(3):
        begun = process_time()
        spoken(text, "id")
        took.append(process_time() - begun)
    assert min(took) < 0.1


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
