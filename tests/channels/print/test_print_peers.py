"""What other programs make of the papers: poppler reads them, zbar reads the codes on them."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from channels.print import paper, typeset
from channels.print.paper import Papers
from channels.print.sheet import Line, Sheet

Printed = Callable[..., tuple[Path, Papers]]
Run = Callable[..., str]
PDFS = ("00.pdf", "01.pdf", "02.pdf", "03.pdf", "poster.pdf")
ODD = '#panic() $x^2$ *tebal* _miring_ @label \\ `kode` <a> // [x] #{1+1} "q"'

pytestmark = pytest.mark.peer


@pytest.fixture
def run(peer: Callable[[str, Any], Any]) -> Run:
    """`run(program, *arguments)` gives what a program writes; what it complains of is its own."""

    def call(program: str, *arguments: str | Path) -> str:
        found = peer(program, shutil.which(program))
        return subprocess.run([found, *map(str, arguments)], capture_output=True, check=True).stdout.decode()

    return call


@pytest.mark.parametrize("kind", ["id", "en", "drill", "cancel"])
def test_poppler_finds_each_paper_tagged_titled_and_whole(
    kind: str, sheets: dict[str, Sheet], printed: Printed, run: Run
) -> None:
    """Tagged, a title, every font embedded, the mode and the end of validity on the page."""
    sheet = sheets[kind]
    into, _ = printed(sheet)
    for name in PDFS:
        told = run("pdfinfo", into / name)
        assert re.search(r"^Tagged: +yes$", told, re.MULTILINE)
        assert sheet.headline in told
        fonts = run("pdffonts", into / name).splitlines()[2:]
        assert fonts
        assert {line.split()[-5] for line in fonts} == {"yes"}
        words = run("pdftotext", into / name, "-")
        assert ("LATIHAN" in words) == (sheet.mode == "Exercise")
        assert ("SUDAH BERAKHIR" in words) == sheet.ends


def test_poppler_reads_lines_and_places_in_their_order(flood: Sheet, printed: Printed, run: Run) -> None:
    """As an announcer does, and on each page until when and which page of how many."""
    script = tuple(Line(text=f"Kata nomor {n} untuk Desa {n * 7}, / pelan.") for n in range(1, 61))
    into, _ = printed(replace(flood, script=script))
    words = run("pdftotext", into / "01.pdf", "-")
    assert [int(n) for n in re.findall(r"Kata nomor (\d+) untuk", words)] == list(range(1, 61))
    assert [int(n) for n in re.findall(r"^(\d{1,2}) Kata nomor", words, re.MULTILINE)] == list(range(1, 61))
    pages = words.count("\f")
    assert pages > 2
    for page, text in enumerate(words.split("\f")[:pages], 1):
        assert f"Jangan dibaca setelah {flood.until}" in text
        assert f"Halaman {page} dari {pages}" in text
    poster = " ".join(run("pdftotext", into / "poster.pdf", "-").split())
    assert re.search(r"Mranggen dan.*Genuk, Pedurungan.*Kebonbatur.*112", poster)


def test_words_that_look_like_typst_are_printed_as_they_are(flood: Sheet, printed: Printed, run: Run) -> None:
    """Nothing in a word is markup, code or a file to read."""
    odd = Line(text=ODD, says=((ODD, "#x"),))
    sheet = replace(flood, headline=ODD, area=ODD, do=(ODD,), agency=ODD, script=(odd,), contact=ODD, missing=(ODD,))
    into, done = printed(sheet)
    assert done.missing == ()
    for name in ("00.pdf", "01.pdf", "poster.pdf"):
        words = " ".join(run("pdftotext", "-layout", into / name, "-").split())
        assert "#panic() $x^2$ *tebal* _miring_ @label \\ `kode`" in words
    assert ODD in (into / "card.txt").read_text()


@pytest.mark.parametrize("link", ["https://bpbd.example.id/p/2026-00017", "https://bpbd.example.id/p/" + "abc7" * 50])
def test_zbar_reads_every_code_on_paper_and_card(
    link: str, flood: Sheet, printed: Printed, run: Run, tmp_path: Path
) -> None:
    """From the card, and from each paper as a cheap scanner sees it, 150 dots an inch."""
    into, _ = printed(replace(flood, link=link, mode="Exercise"))
    assert run("zbarimg", "-q", "--raw", into / "card.png").strip() == link
    for name in PDFS:
        run("pdftoppm", "-r", "150", "-f", "1", "-l", "1", "-gray", "-singlefile", into / name, tmp_path / name)
        assert run("zbarimg", "-q", "--raw", tmp_path / f"{name}.pgm").strip() == link


@pytest.mark.parametrize("times", [1, 6, 40])
def test_no_words_leave_a_page_or_cover_others(times: int, flood: Sheet, printed: Printed, run: Run) -> None:
    """However long headline, area and advice are: poppler's boxes of words tell, on the poster and the script."""
    sheet = replace(
        flood,
        headline="Banjir bandang Kecamatan Mranggen " * times,
        area="Karangtengah Panjangsekalinamanya" * times,
        do=("Pindahkan barang ke tempat tinggi. " * times,) * 4,
        help_line="0298 591004 atau " * min(times, 6) + "112",
    )
    into, _ = printed(sheet)
    for name in ("poster.pdf", "01.pdf", "00.pdf"):
        for wide, tall, words in _pages(run("pdftotext", "-bbox", into / name, "-")):
            out = [w for w in words if w[0] < 0 or w[1] < 0 or w[2] > wide or w[3] > tall]
            assert out == []
            assert _over(words) == []


@pytest.mark.parametrize("times", [1, 3, 8, 40])
@pytest.mark.parametrize("mapped", [True, False])
def test_no_words_leave_the_card_or_cover_others(
    times: int, mapped: bool, flood: Sheet, run: Run, names: dict[str, str], tmp_path: Path
) -> None:
    """The same template as PDF, so that poppler can tell where each word stands."""
    sheet = replace(
        flood,
        mode="Exercise",
        headline="Banjir bandang Mranggen " * times,
        area="Kecamatan Karangtengah, " * times,
        do=("Pindahkan barang ke tempat tinggi. " * times,) * 5,
        hazard="Banjir bandang " * min(times, 4),
        help_line="0298 591004 atau " * min(times, 5) + "112",
        outline=flood.outline if mapped else "",
    )
    desk, _ = paper._desk(sheet, names)
    path = tmp_path / "card.pdf"
    path.write_bytes(typeset.pdf("card", paper._card_values(desk, "Kartu")[0], desk.book.fonts).content)
    ((wide, tall, words),) = _pages(run("pdftotext", "-bbox", path, "-"))
    words = [word for word in words if word[4] not in "LATIHAN"]  # pieces of the watermark, which lies below all
    assert (wide, tall) == (1080, 1350)
    assert [w for w in words if w[0] < 0 or w[1] < 0 or w[2] > wide or w[3] > tall] == []
    assert _over(words) == []
    assert "112" in [word[4] for word in words]


Box = tuple[float, float, float, float, str]


def _pages(boxes: str) -> list[tuple[float, float, list[Box]]]:
    pages = []
    for wide, tall, body in re.findall(r'<page width="([\d.]+)" height="([\d.]+)">(.*?)</page>', boxes, re.DOTALL):
        found = re.findall(r'xMin="(.*?)" yMin="(.*?)" xMax="(.*?)" yMax="(.*?)">(.*?)<', body)
        pages.append((float(wide), float(tall), [(*map(float, f[:4]), f[4]) for f in found]))
    return pages  # type: ignore[return-value]


def _over(words: list[Box]) -> list[tuple[str, str]]:
    """Name pairs of words of which one covers a good part of the other; boxes have room above and below letters."""
    found = []
    for i, one in enumerate(words):
        for other in words[i + 1 :]:
            across = min(one[2], other[2]) - max(one[0], other[0])
            down = min(one[3], other[3]) - max(one[1], other[1])
            least = min(one[3] - one[1], other[3] - other[1])
            if across > 1 and down > 0.45 * least:
                found.append((one[4], other[4]))
    return found
