"""Promises of the lexicon: how names are said, and what an officer is told of a bad line."""

from __future__ import annotations

from pathlib import Path

import pytest

from channels.radio.lexicon import BadLexicon, Name, lexicon, parse, read, shipped
from channels.radio.spoken import spoken

NAMES = parse(
    "written\tspoken\tipa\n# a remark\n\nKuala Mandor B\tkuala mandor be\t\nKuala\tkuwala\n"
    "SMPN 1 Kubu\tsempen satu kubu\tsəmpen\nA. Yani\tAhmad Yani\nhotline\thotlain\nBPBD\tbe pe be de\n"
)


@pytest.mark.parametrize(
    ("written", "want"),
    [
        ("Warga Kuala Mandor B mengungsi", "Warga kuala mandor be mengungsi"),
        ("KUALA MANDOR B.", "kuala mandor be."),
        ("di Kuala saja", "di kuwala saja"),
        ("Kualasari tetap", "Kualasari tetap"),
        ("Kuala Mandor Besar", "kuwala Mandor Besar"),
        ("Jl. A. Yani No. 5", "jalan Ahmad Yani nomor lima"),
        ("SMPN 1 Kubu, SMPN 2 Kubu", "sempen satu kubu, S M P N dua Kubu"),
        ("Kec. Kuala Mandor B, RT 03", "kecamatan kuala mandor be, R T tiga"),
        ("hotline 14045", "hotlain satu empat nol empat lima"),
        ("BPBD: telepon 112", "be pe be de: telepon satu satu dua"),
        ("Kuala\nMandor B", "kuwala\nMandor B"),
    ],
)
def test_names_are_respelt_whole_and_longest_first(written: str, want: str) -> None:
    """Whatever its capitals, and no rule of numbers or short forms takes a name apart."""
    assert spoken(written, "id", lexicon=NAMES) == want


def test_the_margin_shows_names_once_and_not_common_words() -> None:
    """What an announcer sees beside a line: as written there, and how it is said."""
    line = "Hotline Kuala Mandor B, lalu Kuala, lalu Kuala Mandor B."
    assert NAMES.respelt(line) == (("Kuala Mandor B", "kuala mandor be"), ("Kuala", "kuwala"))


def test_a_text_without_names_is_left_byte_for_byte() -> None:
    """Respelling alone normalises nothing."""
    assert NAMES.spoken("  Rp5.000  di Km 3 ") == "  Rp5.000  di Km 3 "
    assert NAMES.spoken("ke Kuala, ya") == "ke kuwala, ya"


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("Kuala", "write the name, a tab, and how it is said"),
        ("Kuala\t", "fill the second column"),
        ("\tkuwala", "write it there, or put # before the line"),
        ("...\tkuwala", "write it there, or put # before the line"),
        ("Kuala\tkuala 2", "write it in words"),
        ("Kuala\ta\tb\tc", "leave only name"),
        ("K" * 201 + "\tk", "shorten it"),
        ("Kuala\tku\u202ewala", "type the line again"),
    ],
)
def test_a_bad_line_is_one_sentence_with_file_line_and_what_to_do(tmp_path: Path, line: str, part: str) -> None:
    """All bad lines at once, so that an officer mends them in one go."""
    table = tmp_path / "names.tsv"
    table.write_text(f"Rasau\trasaw\n{line}\n", "utf-8")
    with pytest.raises(BadLexicon) as caught:
        read(table)
    said = str(caught.value)
    assert said.startswith(f"{table}, line 2: ")
    assert part in said
    assert "\n" not in said


def test_a_file_that_is_not_there_or_no_text_is_one_sentence(tmp_path: Path) -> None:
    """The same for the file as a whole."""
    with pytest.raises(BadLexicon, match="name a file that is there"):
        read(tmp_path / "none.tsv")
    (tmp_path / "bad.tsv").write_bytes(b"Kuala\tkuwala\n\xff\xfe\tx\n")
    with pytest.raises(BadLexicon, match=r"bad.tsv, line 2: is not UTF-8"):
        read(tmp_path / "bad.tsv")


def test_the_digest_is_of_what_is_said_not_of_how_the_file_looks() -> None:
    """The same names in another order give the same digest; one sound more gives another."""
    rows = [Name(written="A", spoken="a"), Name(written="B", spoken="b")]
    assert lexicon(rows).digest == lexicon(reversed(rows)).digest
    assert lexicon(rows).digest != lexicon([*rows, Name(written="C", spoken="c")]).digest
    assert len(lexicon(()).digest) == 16


def test_the_later_line_holds() -> None:
    """An office's own table can follow ours."""
    assert lexicon([*NAMES.names, Name(written="kuala", spoken="kwala")]).spoken("Kuala") == "kwala"


def test_what_is_shipped_reads_and_is_needed_by_the_voice() -> None:
    """Indonesian has a table; a language without one has no names."""
    assert spoken("Posyandu di Jl. A. Yani", "id", lexicon=shipped("id")) == "pos yandu di jalan Ahmad Yani"
    assert spoken("call center 14045", "id", lexicon=shipped("id")) == "kol senter satu empat nol empat lima"
    assert shipped("en").names == ()
    assert shipped("../x").names == ()


def test_private_signs_in_a_text_never_become_a_name() -> None:
    """Nobody can smuggle in a name by the signs that hide them."""
    assert spoken("\U000f0000 air", "id", lexicon=NAMES) == "air"
