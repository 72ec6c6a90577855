"""Judges speech by what a machine that listened wrote down: how many letters are wrong, which facts are missing.

Both texts are first brought to how they are SAID: digits, clocks, phones and abbreviations by `spoken`, single
letters of Indonesian by their names (a listener writes "be pe be de" for B P B D), small letters, no marks.
What is left is what ears can tell: nothing of our own words is forgiven.
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from channels.radio import hearing
from channels.radio.speech import run
from channels.radio.spoken import spoken

PROGRAM = Path(hearing.__file__)
HEARING_TIME = 600.0  # seconds
MOST_WRONG = 0.06  # of the letters: radio's promise for its own bulletins
APART = {ord(digit): f"{digit} " for digit in "0123456789"}
Habit = tuple[str, str | Callable[[re.Match[str]], str]]  # a pattern, and what is meant by it
TOLERANCE = 0.25  # of a fact's letters: place names are written as they sound

# What Indonesian calls a, b, c ..., in that order.
SAID = "a be ce de e ef ge ha i je ka el em en o pe ki er es te u ve we eks ye zet"
NAMES = dict(zip("abcdefghijklmnopqrstuvwxyz", SAID.split(), strict=True))
FIGURES_ID = "nol satu dua tiga empat lima enam tujuh delapan sembilan sepuluh sebelas belas puluh seratus ratus"
FIGURES_EN = (
    "zero oh one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety"
)
# How listeners write what they heard right: 0-5-6-176 and 1.1.2 are figures said singly, 730 P-M is a clock.
# Spelling of English is made American, which is what Whisper writes.
SINGLY = r"(?<![\d.,-])(?:\d(?:[.,-] ?\d){2,}|\d+(?:-\d+){2,}|0\d*-\d+|\d-\d)(?![\d%-])"
CLOCK = r"(?<!\d)(1[0-2]|[1-9])[-.: ]?([0-5]\d)[\s,-]*([APap])[\s,.-]*[Mm](?=WI|\W|$)"
DIGITS: Habit = (SINGLY, lambda found: re.sub(r"\D+", "", found[0]).translate(APART))
HABITS: dict[str, tuple[Habit, ...]] = {
    "id": (DIGITS, (r"\bsetengah (\d+)\b", lambda found: f"setengah {spoken(found[1], 'id')}")),
    "en": (
        (CLOCK, lambda found: f" {found[1]}:{found[2]} {found[3].lower()}m "),
        DIGITS,
        (r"(?<=\w\wt)re(s?)\b", r"er\1"),
        (r"(?<=\w{3})our(s?)\b", r"or\1"),
    ),
}
FIGURES = {"id": FIGURES_ID.split(), "en": FIGURES_EN.split()}


def transcripts(
    files: Sequence[Path], language: str, *, timeout: float = HEARING_TIME, python: str = sys.executable
) -> list[str]:
    """Return what is heard in each file; NoAudio in one sentence if nobody can listen."""
    given = "".join(f"{json.dumps(str(file))}\n" for file in files).encode()
    printed = run([python, "-P", str(PROGRAM), language], given, timeout=timeout)
    return [str(json.loads(line)) for line in printed.splitlines()]


def said(text: str, language: str) -> str:
    """Bring a text, written by us or by a listener, to how it is said: the form in which both are compared."""
    for written, meant in HABITS[language]:
        text = re.sub(written, meant, text)
    full = unicodedata.normalize("NFKD", spoken(text, language)).casefold()
    words = re.sub(r"[^\w\s]|_", " ", "".join(letter for letter in full if not unicodedata.combining(letter))).split()
    if language == "id":
        return " ".join(
            " ".join(NAMES.get(letter, letter) for letter in word) if _letters(word) else word for word in words
        )
    return re.sub(r"\b\w(?: \w\b)+", lambda found: found[0].replace(" ", ""), " ".join(words))


def _letters(word: str) -> bool:
    return len(word) == 1 or not re.search(r"[aeiouy]", word)


def heard(reference: str, transcript: str, language: str) -> float:
    """Return the character error rate: edits from what was to be said to what was heard, by the letters of the first.

    Spaces between words count as letters, so a word heard as two is an error. 0 is perfect; it may pass 1.
    """
    return _rate(said(reference, language), said(transcript, language))


def words_wrong(reference: str, transcript: str, language: str) -> float:
    """Return the word error rate of the same two texts."""
    return _rate(said(reference, language).split(), said(transcript, language).split())


def _rate(reference: Sequence[str], other: Sequence[str]) -> float:
    return edits(reference, other) / max(1, len(reference))


def edits(one: Sequence[str], other: Sequence[str]) -> int:
    """Count the insertions, deletions and changes that make one sequence the other (Levenshtein)."""
    row = list(range(len(other) + 1))
    for above, left in enumerate(one):
        row = _next(row, above + 1, left, other)
    return row[-1]


def _next(row: Sequence[int], first: int, letter: str, other: Sequence[str]) -> list[int]:
    new = [first]
    for at, right in enumerate(other):
        new.append(min(row[at + 1] + 1, new[-1] + 1, row[at] + (letter != right)))
    return new


def slots_heard(slots: Mapping[str, str], transcript: str, language: str) -> tuple[str, ...]:
    """Name the facts that are missing in a transcript: those no place of it says.

    A fact is there if some place of the transcript is within a quarter of its letters (spaces aside), and if no
    other figure in the place of one of its own fits there as well: a phone number with one wrong digit is missing.
    """
    whole = said(transcript, language).replace(" ", "")
    return tuple(name for name, fact in slots.items() if not _there(said(fact, language).split(), whole, language))


def _there(words: Sequence[str], whole: str, language: str) -> bool:
    fact = "".join(words)
    wrong, end = nearest(fact, whole)
    if wrong > TOLERANCE * len(fact):
        return False
    place = whole[max(0, end - len(fact) - wrong) : end + wrong]
    others = (
        "".join([*words[:at], figure, *words[at + 1 :]])
        for at, word in enumerate(words)
        for figure in FIGURES[language]
        if word in FIGURES[language] and figure != word
    )
    return all(nearest(other, place)[0] > wrong for other in others)


def nearest(part: str, whole: str) -> tuple[int, int]:
    """Find the place of `whole` that is most like `part`: its edits from it, and where it ends (Sellers 1980)."""
    row = [0] * (len(whole) + 1)
    for at, letter in enumerate(part):
        row = _next(row, at + 1, letter, whole)
    return min((wrong, end) for end, wrong in enumerate(row))
