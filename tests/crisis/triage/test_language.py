"""The language of a text is guessed only when its words tell."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from crisis.triage.language import guess


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("posko pengungsian terdekat dimana ya min", "id"),
        ("kpn air surut, gk bs kluar rmh", "id"),
        ("where is the nearest shelter?", "en"),
        ("My father is bleeding, road cut off, need ambulance", "en"),
    ],
)
def test_a_clear_text_is_named(text: str, language: str) -> None:
    """The answer goes out in the language of the question, whatever the default."""
    assert [guess(text, default) for default in ("id", "en", "jv")] == [language] * 3


@pytest.mark.parametrize("text", ["", "2", "Melawi", "OK", "\N{THUMBS UP SIGN}", "rt 03 / 05"])
def test_a_text_that_does_not_tell_gives_the_default(text: str) -> None:
    """A resident's own language stands when the text adds nothing."""
    assert (guess(text, "en"), guess(text, "id")) == ("en", "id")


def test_only_known_languages_are_guessed() -> None:
    """A district without English answers is never given English."""
    assert guess("where is the nearest shelter?", "id", known=("id",)) == "id"


@pytest.mark.parametrize(("language", "file"), [("id", "indonesian"), ("en", "english")])
def test_third_party_texts_are_named_right(samples: Path, language: str, file: str) -> None:
    """At least 97 of 100 whole texts, and 86 of 100 cut at thirty letters, are named right."""
    path = samples / "inbound" / "nusax" / f"nusax_{file}_train.csv"
    if not path.exists():
        pytest.skip(f"no {path}")
    with path.open(newline="", encoding="utf-8") as lines:
        texts = [row["text"] for row in csv.DictReader(lines)]
    for longest, bar in ((None, 0.97), (30, 0.85)):
        right = sum(guess(text[:longest], "?") == language for text in texts) / len(texts)
        print(f"{language} {longest or 'whole'}: {right:.3f} of {len(texts)}")
        assert right >= bar
