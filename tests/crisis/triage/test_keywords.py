"""Commands are the whole text and nothing but it; a cry for help is never one."""

from __future__ import annotations

import pytest

from crisis.triage.keywords import Command, Kind, command


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("STOP", Kind.STOP),
        (" stop. ", Kind.STOP),
        ("\N{FULLWIDTH LATIN CAPITAL LETTER S}TOP", Kind.STOP),
        ("S\u200bTO\u2060P\ufeff", Kind.STOP),
        ('"Berhenti!"', Kind.STOP),
        ("stop \N{PERSON WITH FOLDED HANDS}", Kind.STOP),
        ("UNREG", Kind.STOP),
        ("unsubscribe", Kind.STOP),
        ("Quit", Kind.STOP),
        ("CANCEL", Kind.STOP),
        ("end", Kind.STOP),
        ("START", Kind.JOIN),
        ("daftar", Kind.JOIN),
        ("REG", Kind.JOIN),
        ("HELP!!!", Kind.HELP),
        ("info", Kind.HELP),
        ("Bantuan", Kind.HELP),
        ("menu?", Kind.HELP),
    ],
)
def test_the_exact_word_is_obeyed_however_it_is_dressed(text: str, kind: Kind) -> None:
    """Case, marks, quotes, emoji, wide letters and invisible letters do not hide a command."""
    assert command(text) == Command(kind=kind)


@pytest.mark.parametrize(
    "text",
    ["STOP PLEASE", "tolong stop", "stop sms dong", "mohon berhenti kirim pesan", "Unsubscribe me", "berhenti ya min",
     "STOP?", "opt out please", "mandheg"],
)  # fmt: skip
def test_what_only_seems_to_mean_stop_gets_a_hint_and_is_not_obeyed(text: str) -> None:
    """Losing warnings by a misreading is worse than one more text."""
    assert command(text) == Command(kind=Kind.STOP_HINT)


@pytest.mark.parametrize(
    "text",
    ["BATAL", "TOLONG", "SOS", "banjir belum berhenti", "end of the world", "tolong stop air masuk rumah",
     "stop banjir", "info banjir", "help me", "bantuan belum sampai", "daftar relawan dimana?",
     "daftar bantuan sembako gimana",
     "start bleeding help my wife", "reg tolong kami terjebak banjir", "", "   ", "\u200b", "?!", "12", "saya",
     "daftar satu dua tiga empat lima enam tujuh"],
)  # fmt: skip
def test_any_other_text_is_no_command(text: str) -> None:
    """Distress, questions and everyday words go on to a person."""
    assert command(text) is None


@pytest.mark.parametrize(
    ("text", "area"),
    [
        ("DAFTAR Nanga Pinoh", "Nanga Pinoh"),
        ("reg  kelurahan Paal, RT 03", "kelurahan Paal, RT 03"),
        ("Start\nDesa Kenual.", "Desa Kenual"),
    ],
)
def test_joining_keeps_the_area_as_it_was_written(text: str, area: str) -> None:
    """The stage looks the area up, so its words come whole and in their own case."""
    assert command(text) == Command(kind=Kind.JOIN, argument=area)


@pytest.mark.parametrize(
    ("text", "digit"), [("1", "1"), ("2.", "2"), ("(3)", "3"), ("satu", "1"), ("1\ufe0f\u20e3", "1"), ("0", "0")]
)
def test_a_keypad_choice_is_read_as_its_digit(text: str, digit: str) -> None:
    """Self-triage by a digit must work from every phone."""
    assert command(text) == Command(kind=Kind.CHOICE, argument=digit)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("CEK 12345", "12345"),
        ("check 1 2 3 4 5", "1 2 3 4 5"),
        ("Kode: 123-45.", "123-45"),
        ("cek kode 12345?", "12345"),
    ],
)
def test_a_code_is_asked_for_in_few_words(text: str, code: str) -> None:
    """However the digits are set apart."""
    assert command(text) == Command(kind=Kind.CHECK, argument=code)


@pytest.mark.parametrize(
    "text", ["cek", "cek banjir", "kode pos 78391", "cek air 12345 sudah surut", "cek 12", "12345"]
)
def test_what_only_looks_like_a_code_is_for_somebody_else(text: str) -> None:
    """A question with a number in it stays a question."""
    assert command(text) is None
