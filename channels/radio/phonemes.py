"""Shapes words for the neural voice: sentences, clauses, and sounds as its model knows them.

What stands here was measured (`tests/bench/voices.py`), not guessed: see the comments.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

RECIPE = 2  # counts up when anything here changes: what was spoken by an older recipe is not used again
MOST = 400  # symbols a breath; the model takes 508
SENTENCE = re.compile(r"(?<=[.!?])\s+")
CLAUSE = re.compile(r"([^,;:.!?]+)([,;:.!?]*)")
LETTERS = re.compile(r"\s*,?\s*\b([A-Z](?: [A-Z])+)\b,?")

DIGIT = (
    "nol satu dua tiga empat lima enam tujuh delapan sembilan zero oh one two three four five six seven eight nine"
).replace(" ", "|")
DIGITS = re.compile(rf"\b(?:{DIGIT})(?: (?:{DIGIT}))+\b")
# The model learnt these sounds as one symbol each; the r of Indonesian is tapped, the model's own is English.
INDONESIAN = (("r", "ɾ"), ("tʃ", "ʧ"), ("dʒ", "ʤ"))


def sentences(line: str) -> list[str]:
    """Split a line where its sentences end; a sentence is what is spoken, and kept, as one."""
    return [part for part in (part.strip() for part in SENTENCE.split(line)) if any(map(str.isalnum, part))]


def clauses(sentence: str) -> list[tuple[str, str]]:
    """Split a sentence at its marks: words, and the mark after them."""
    found = CLAUSE.findall(_letters_apart(_digits_apart(sentence)))
    said = [(words.strip(), marks[:1]) for words, marks in found if any(map(str.isalnum, words))]
    return [*said[:-1], (said[-1][0], said[-1][1] or ".")] if said else []


def _digits_apart(sentence: str) -> str:
    # A listener writes a number down, and a machine took "nol lima" for one word.
    return DIGITS.sub(lambda found: found[0].replace(" ", ", "), sentence)


def _letters_apart(sentence: str) -> str:
    # Run together, the letters of B P B D are heard as one strange word: each is a clause of its own.
    return LETTERS.sub(_apart, sentence)


def _apart(found: re.Match[str]) -> str:
    before = ", " if found.start() else ""
    rest = found.string[found.end() :]
    return f"{before}{found[1].replace(' ', ', ')}{',' if rest and rest[0] not in '.,;:!?' else ''}"


def shaped(ipa: str, language: str) -> str:
    """Write espeak-ng's IPA as the model learnt it; English is best left as it is."""
    for written, learnt in INDONESIAN if language == "id" else ():
        ipa = ipa.replace(written, learnt)
    return ipa


def breaths(spoken: Sequence[tuple[str, str]]) -> list[str]:
    """Join clauses of one sentence (IPA, mark) into pieces the model can take at once; words are never cut."""
    pieces = [""]
    for ipa, mark in spoken:
        for word in f"{ipa}{mark}".split():
            fits = len(pieces[-1]) + len(word) < MOST
            pieces = [*pieces[:-1], f"{pieces[-1]} {word}".strip()] if fits else [*pieces, word[:MOST]]
    return [piece for piece in pieces if piece]
