"""The golden table of what is said, row by row, and the sentences held out while it was made."""

from __future__ import annotations

from pathlib import Path

import pytest

from channels.radio.spoken import spoken

HERE = Path(__file__).parent
LANGUAGES = ("id", "en")


def rows(name: str) -> list[tuple[str, str]]:
    """Read a table: written, tab, said; \\n stands for a line's end, "# " begins a remark."""
    lines = (HERE / name).read_text("utf-8").splitlines()
    pairs = (line.replace("\\n", "\n").split("\t") for line in lines if line and not line.startswith("# "))
    return [(written, said) for written, said in pairs]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_row_of_the_golden_table_is_said_as_it_stands(language: str) -> None:
    """All of them: a row that is not is a regression."""
    table = rows(f"golden_{language}.tsv")
    wrong = [(written, said, spoken(written, language)) for written, said in table if spoken(written, language) != said]
    assert wrong == []


def test_the_golden_table_is_as_large_as_promised() -> None:
    """At least 180 rows in both languages, no row twice."""
    tables = [rows(f"golden_{language}.tsv") for language in LANGUAGES]
    assert sum(len(dict(table)) for table in tables) >= 180


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("table", ["heldout", "second"])
def test_held_out_sentences_are_said_rightly_in_nineteen_of_twenty(table: str, language: str) -> None:
    """Sentences written before the normaliser was tried on them; the share is printed."""
    sentences = rows(f"{table}_{language}.tsv")
    wrong = [(written, spoken(written, language)) for written, said in sentences if spoken(written, language) != said]
    share = 1 - len(wrong) / len(sentences)
    print(f"{table} {language}: {share:.1%} of {len(sentences)}")
    assert share >= 0.95, wrong


@pytest.mark.parametrize("language", LANGUAGES)
def test_saying_what_was_said_changes_no_word(language: str) -> None:
    """Spoken text that comes round again (captions, a second voice) is left as it is."""
    said = [spoken(written, language) for written, _ in rows(f"golden_{language}.tsv")]
    unsettled = [text for text in said if spoken(text, language).lower() != text.lower()]
    assert len(unsettled) <= len(said) // 20, unsettled
