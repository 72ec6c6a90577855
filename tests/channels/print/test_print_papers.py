"""What the papers of a bulletin promise, without any program that is not ours."""

from __future__ import annotations

import hashlib
import pickle
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from channels.print import fonts, look, typeset
from channels.print.labels import EN, ID, TABLES
from channels.print.lettering import breakable, clean, lettered, shortened
from channels.print.paper import Papers
from channels.print.qr import code
from channels.print.sheet import Line, Sheet

Printed = Callable[..., tuple[Path, Papers]]
ROOT = Path(__file__).parents[3]
ALL = ("script", "loudspeaker", "questions", "poster", "card", "alt", "readme")


@pytest.mark.parametrize("kind", ["id", "en", "drill", "cancel", "update"])
def test_every_kind_of_bulletin_gets_all_its_papers(kind: str, sheets: dict[str, Sheet], printed: Printed) -> None:
    """Nothing is missing, all are PDF/UA, and the poster is one page."""
    into, done = printed(sheets[kind])
    assert done == Papers(made=ALL, missing=())
    for name in ("00.pdf", "01.pdf", "02.pdf", "03.pdf", "poster.pdf"):
        content = (into / name).read_bytes()
        assert content.startswith(b"%PDF-1.7")
        assert b"pdfuaid:part" in content
        assert typeset._pages(content) == 1
    assert (into / "card.png").read_bytes()[16:24] == (1080).to_bytes(4, "big") + (1350).to_bytes(4, "big")


PROGRAM = """
import pickle, sys, types
from pathlib import Path
sys.modules["channels"] = types.ModuleType("channels")  # not all families, which take their time to load
sys.modules["channels"].__path__ = ["channels"]
from channels.print.paper import papers
from channels.print.sheet import Line, Sheet
sheet, names, into = pickle.load(sys.stdin.buffer)
papers(sheet, Path(into), names)
"""


def test_the_same_sheet_gives_the_same_bytes_in_another_process(
    sheets: dict[str, Sheet], printed: Printed, names: dict[str, str]
) -> None:
    """No clock, no order of a set or of the names, no trace of what was printed before."""
    into, _ = printed(sheets["en"], names, "before")
    into, _ = printed(sheets["drill"], names)
    again = into.with_name("again")
    backwards = dict(reversed(names.items()))
    load = pickle.dumps((sheets["drill"], backwards, str(again)))
    subprocess.run([sys.executable, "-c", PROGRAM], input=load, check=True, cwd=ROOT)
    assert _sums(again) == _sums(into)


def _sums(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_every_pair_of_colours_reads_at_seven_to_one() -> None:
    """WCAG 2.2, success criterion 1.4.6, also on the watermark and below it."""
    assert [pair for pair in look.EVERY if look.contrast(pair) < 7] == []
    assert look.contrast(look.Ink(ground="#ffffff", ink="#000000")) == pytest.approx(21)


def test_an_end_looks_like_no_danger(flood: Sheet) -> None:
    """Whatever the severity was, the band of a cancel is the green one."""
    grounds = {name: look.band(replace(flood, severity=name)).ground for name in look.SEVERITY}
    assert len(set(grounds.values())) == len(grounds)
    assert look.band(replace(flood, ends=True)).ground not in grounds.values()


def test_both_tables_of_labels_have_the_same_labels_and_slots() -> None:
    """A label that is in one language only would stop a paper."""
    slots = {key: sorted(re.findall(r"\{\w+\}", words)) for key, words in EN.items()}
    assert {key: sorted(re.findall(r"\{\w+\}", words)) for key, words in ID.items()} == slots
    assert set(TABLES) == {"en", "id"}


def test_every_label_that_a_template_names_is_there() -> None:
    """typst would stop at the first that is not."""
    source = "".join(path.read_text() for path in typeset.TEMPLATES.glob("*.typ"))
    named = re.findall(r'(?:label-of|title-of|capital-of|fact|told|pair)\("(\w+)"', source)
    assert set(named) - set(EN) == set()
    assert len(named) > 30


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a\x00b\x1b", "a b"),
        ("naik\u202egnp.exe", "naik gnp.exe"),
        ("\ud800x", "x"),
        ("e\u0301", "é"),
        ("  baris\r\nbaru ", "baris\nbaru"),
    ],
)
def test_what_cannot_be_seen_never_reaches_paper(text: str, says: str) -> None:
    """Controls, overrides of direction and halves of characters are dropped; letters are composed."""
    assert clean(text) == says


def test_a_word_without_end_may_break_and_keeps_its_letters() -> None:
    """A link breaks after its signs; nothing is lost or added that is seen."""
    for word in (
        "x" * 300,
        "https://bpbd.example.id/aired/2026-00017?by=radio",
        "Rindfleischetikettierungsueberwachung",
    ):
        assert breakable(word).replace("\u200b", "") == word
        assert max(len(part) for part in breakable(word).split("\u200b")) <= 24
    assert breakable("kata biasa") == "kata biasa"


def test_what_is_shortened_ends_with_a_word_and_shows_it() -> None:
    assert shortened("satu dua tiga empat", 12) == "satu dua…"
    assert shortened("satu", 12) == "satu"


def test_numbers_to_call_are_never_cut(flood: Sheet) -> None:
    """Half a telephone number calls a stranger."""
    long = " atau ".join(["0298 591004"] * 12)
    assert lettered(replace(flood, help_line=long)).help_line == long


def test_empty_lines_leave_no_numbers(flood: Sheet) -> None:
    """What is only spaces is gone before lines are numbered."""
    sheet = lettered(replace(flood, do=("a", " \x00", "b"), script=(Line(text="x"), Line(text=" "))))
    assert sheet.do == ("a", "b")
    assert [line.text for line in sheet.script] == ["x"]


def test_a_character_that_no_font_has_is_said_and_shown(flood: Sheet, printed: Printed) -> None:
    """The papers are made all the same, PDF/UA too, and tell that something is missing."""
    sheet = replace(flood, headline="Banjir \U00012000 besar", missing=("Kalimat \U00012001 lain.",))
    _, done = printed(sheet)
    assert done.made == ALL
    (said,) = done.missing
    assert "U+12000" in said
    assert "fonts-noto-core" in said
    assert lettered(sheet, "\U00012000").headline == "Banjir [?] besar"


def test_latin_of_many_languages_is_covered_by_packages_alone() -> None:
    """Without any font of the system; the first font has all Latin letters of a text, so that no word mixes two."""
    vietnamese, javanese = "Lũ sông: người dân sơ tán ngay, rất gấp", "énggal pindhah, ḍusun, ṭiṭik"
    for text in (vietnamese, javanese, "Açores, İzmir, Łódź, Đà Nẵng", "Наводнение", "Πλημμύρα"):
        assert fonts.uncovered(text, folders=()) == ""
    assert fonts.fontbook("Banjir", ()).families[0] == "Atkinson Hyperlegible"
    assert fonts.fontbook(vietnamese, ()).families[0] == "Noto Sans"
    assert fonts.uncovered("Banjir \U00012000 \u0e01", folders=()) == "\U00012000\u0e01"


def test_a_sheet_with_nothing_on_it_says_what_was_not_made(printed: Printed) -> None:
    """The first page is there, and a sentence for each of the others."""
    _, done = printed(Sheet(language="", mode="Test"))
    assert done.made == ("readme",)
    assert len(done.missing) == 5


def test_one_paper_that_cannot_be_written_stops_no_other(flood: Sheet, printed: Printed, names: dict[str, str]) -> None:
    """A folder stands where the poster should be."""
    into, _ = printed(flood, {})
    (into / names["poster"]).mkdir(parents=True)
    into, done = printed(flood, names)
    assert set(done.made) == set(ALL) - {"poster"}
    (said,) = done.missing
    assert said.startswith("Poster: tidak dibuat (IsADirectoryError")


def test_words_that_no_poster_holds_go_on_over_pages(flood: Sheet, printed: Printed) -> None:
    """Nothing is cut, it is still PDF/UA, and the officer is told to shorten; the card tells that it was cut."""
    long = replace(flood, headline="Banjir bandang Mranggen " * 60, do=("Pindahkan barang. " * 170,))
    _, done = printed(long)
    assert done.made == ALL
    poster, shortened = done.missing
    assert re.fullmatch(r"Poster: \d halaman karena .*", poster)
    assert shortened == ID["lacks_card"].format(paper="Kartu peringatan")


def test_a_link_too_long_for_a_code_is_said(flood: Sheet, printed: Printed) -> None:
    """No camera reads such a code."""
    _, done = printed(replace(flood, link="https://x.example/" + "a" * 700), {"script": "01.pdf"})
    assert done == Papers(made=("script",), missing=(ID["lacks_qr"].format(length=718),))


@pytest.mark.parametrize(("length", "wide"), [(20, 28.0), (120, 31.8), (600, 60.6)])
def test_a_module_of_a_code_is_never_too_fine_for_a_photocopy(length: int, wide: float) -> None:
    """At least 0.6 mm, whatever the link."""
    made = code("https://" + "a" * (length - 8))
    assert made is not None
    assert made.millimetres / made.modules >= 0.6
    assert made.millimetres == pytest.approx(wide)


def test_missing_fonts_are_a_sentence(flood: Sheet, printed: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the packages of the core install nothing can be printed, and that is said once."""
    monkeypatch.setitem(sys.modules, "fontpkg_noto_sans", None)  # as if it were not installed
    fonts._core.cache_clear()
    try:
        _, done = printed(flood)
    finally:
        fonts._core.cache_clear()
    assert done == Papers(made=(), missing=(ID["lacks_fonts"],))
