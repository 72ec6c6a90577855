"""Makes any pasted text plain: one kind of space, of digit and of quotation, and no sign that cannot be said."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from channels.radio.tongues import Tongue

LONGEST = 1000  # characters worked on at once, so that a text of any size costs in proportion to it
# Controls, half surrogates, joiners and what turns the direction of writing; private signs are ours (lexicon.py).
DROPPED = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ud800-\udfff\ufff9-\uffff]")
CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ue000-\uf8ff\U000e0000-\U0010ffff]")
PICTURES = re.compile("[\U0001f000-\U0001ffff\u2190-\u21ff\u2300-\u23ff\u2500-\u27bf\u2900-\u297f\u2b00-\u2bff]")
BREAK = re.compile("\r\n?|[\v\f\x85\u2028\u2029]")
HALVES = {"½": " 1/2", "¼": " 1/4", "¾": " 3/4", "⅓": " 1/3", "⅔": " 2/3", "⅛": " 1/8", "⅜": " 3/8", "⅝": " 5/8"}
HALVES |= {"’": "'", "‘": "'", "−": "-", "‐": "-", "‑": "-", "″": '"', "“": '"', "”": '"', "º": "°", "˚": "°"}
SIGNS = str.maketrans(HALVES)
OTHER_DIGIT = re.compile(r"[^\D0-9]")
SPACES = re.compile(r"[^\S\n]+")
LINES = re.compile(r" ?\n[ \n]*")
ARC = re.compile(r"(?<![\d.,])(\d{1,3}) ?° ?(\d{1,2}) ?['′](?: ?(\d{1,2}(?:[.,]\d{1,4})?) ?(?:\"|''))? ?([A-Z]{1,2})\b")
QUOTES = re.compile(r"[*_#<>|~^\"„«»`\\=•●▪◦·]")
BULLET = re.compile(r"(?m)^ ?(?:[-–—*] |[•●▪◦·] ?)+")
LISTED = re.compile(r"(?m)^ ?\(?(\d{1,2}|[a-z])[.)] (?=\S)")
COMPARED = re.compile(r" ?([<>]=|[<>≥≤±~≈]) ?(?=\d)")
LAUGHS = re.compile(r"\.{2,}|!{2,}|\?{2,}")


def cleaned(text: str) -> str:
    """Give `text` in plain signs, with single spaces and no empty lines; nothing of its words is lost."""
    if not text.isascii():
        text = DROPPED.sub("", text.translate(SIGNS))
        text = PICTURES.sub(" ", unicodedata.normalize("NFKC", text)).replace("\u2044", "/")
        text = OTHER_DIGIT.sub(_digit, text)
    text = CONTROL.sub(" ", BREAK.sub("\n", text))
    return LINES.sub("\n", SPACES.sub(" ", text)).strip()


def _digit(found: re.Match[str]) -> str:
    return str(unicodedata.digit(found[0], 0))


def marked(text: str, tongue: Tongue) -> str:
    """Say the signs that mean something beside a number, then drop those that only decorate."""
    if "°" in text:
        text = ARC.sub(lambda m: _arc(m, tongue), text)
    text = COMPARED.sub(lambda m: f" {tongue.comparisons[m[1]]} ", text)
    text = LISTED.sub(r"\1, ", BULLET.sub("", text))
    text = LAUGHS.sub(lambda m: m[0][0], text)
    return QUOTES.sub(" ", text)


def _arc(found: re.Match[str], tongue: Tongue) -> str:
    if found[4] not in tongue.compass:
        return found[0]
    named = zip(found.groups()[:3], tongue.arc, strict=True)
    said = (f"{part} {name if part != '1' else tongue.one(name)}" for part, name in named if part)
    return f"{' '.join(said)} {tongue.compass[found[4]]}"


def pieces(line: str) -> Iterator[str]:
    """Cut a line too long for one breath of work, where a word ends."""
    while len(line) > LONGEST:
        cut = line.rfind(" ", 1, LONGEST)
        cut = LONGEST if cut < 0 else cut
        yield line[:cut]
        line = line[cut:]
    yield line
