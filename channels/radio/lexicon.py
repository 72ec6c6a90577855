"""How names are said: a table an officer can edit, of written names, their respelling and their sounds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

HERE = Path(__file__).parent
WORD = re.compile(r"\w+(?:['’]\w+)*")
GAP = re.compile(r"[ .\-\u00a0]{1,3}")
HIDDEN = 0xF0000  # the first of the private signs that stand for a name while the rules work on its line
SHOWN = re.compile("[\U000f0000-\U000ffffd]")
MOST = 60_000  # names; there are no more signs
LONGEST = 200  # characters of one column
HEAD = ("written", "spoken", "ipa")


class BadLexicon(ValueError):
    """The table cannot be used as it stands; each line of the text is one fault: file, line, what to do."""


Starts = Mapping[str, tuple[tuple[tuple[str, ...], int], ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """One name: as it is written, as a voice must be given it, and (where known) its sounds."""

    written: str
    spoken: str
    ipa: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicon:
    """Names by their first word, the longest first: whole words, whatever their capitals.

    What the table writes with a capital is a name: no rule touches it, and an announcer's margin shows it. What it
    writes small is a word that only a voice gets wrong: respelt last, so that rules still know it ("hotline 112").
    """

    names: tuple[Name, ...]
    proper: Starts
    common: Starts

    @property
    def digest(self) -> str:
        """Sixteen hex digits, the same whatever the order of lines or remarks of the file."""
        rows = sorted("\t".join((name.written, name.spoken, name.ipa)) for name in self.names)
        return sha256("\n".join(rows).encode()).hexdigest()[:16]

    def spoken(self, text: str) -> str:
        """Give `text` with every name of the table respelt; the rest stays byte for byte."""
        return self.revealed(self.hidden(text))

    def respelt(self, text: str) -> tuple[tuple[str, str], ...]:
        """Give the names in `text` as written there, with their respelling: each once, in order."""
        pairs = {text[start:end]: self.names[number].spoken for start, end, number in _found(text, self.proper)}
        return tuple((written, said) for written, said in pairs.items() if written.lower() != said.lower())

    def hidden(self, text: str) -> str:
        """Put one private sign for each name, so that no rule of numbers or short forms takes it apart."""
        return _signed(text, self.proper)

    def revealed(self, text: str) -> str:
        """Put the respelling where hidden() left a sign, and for common words."""
        return SHOWN.sub(lambda found: self._name(ord(found[0]) - HIDDEN), _signed(text, self.common))

    def _name(self, number: int) -> str:
        return self.names[number].spoken if number < len(self.names) else " "


def _signed(text: str, starts: Starts) -> str:
    parts, at = [], 0
    for start, end, number in _found(text, starts):
        parts += [text[at:start], chr(HIDDEN + number)]
        at = end
    return "".join([*parts, text[at:]]) if parts else text


def _found(text: str, starts: Starts) -> Iterator[tuple[int, int, int]]:
    words = [(found[0].lower(), found.start(), found.end()) for found in WORD.finditer(text)] if starts else []
    at = 0
    while at < len(words):
        length, number = _at(text, words, at, starts)
        if length:
            yield words[at][1], words[at + length - 1][2], number
        at += length or 1


def _at(text: str, words: list[tuple[str, int, int]], at: int, starts: Starts) -> tuple[int, int]:
    for name, number in starts.get(words[at][0], ()):
        there = words[at : at + len(name)]
        if tuple(word for word, _, _ in there) == name and _together(text, there):
            return len(name), number
    return 0, 0


def _together(text: str, words: list[tuple[str, int, int]]) -> bool:
    pairs = pairwise(words)
    return all(GAP.fullmatch(text, before[2], after[1]) for before, after in pairs)


def lexicon(names: Iterable[Name]) -> Lexicon:
    """Make a lexicon; of two lines for one name the later holds, so that an office's own table can follow ours."""
    kept = tuple({_words(name.written): name for name in names}.values())
    proper = [number for number, name in enumerate(kept) if not name.written[0].islower()]
    common = [number for number, name in enumerate(kept) if name.written[0].islower()]
    return Lexicon(names=kept, proper=_starts(kept, proper), common=_starts(kept, common))


def _starts(names: tuple[Name, ...], numbers: list[int]) -> Starts:
    starts: dict[str, list[tuple[tuple[str, ...], int]]] = {}
    for number in numbers:
        words = _words(names[number].written)
        starts.setdefault(words[0], []).append((words, number))
    return {first: tuple(sorted(rows, key=lambda row: -len(row[0]))) for first, rows in starts.items()}


def _words(written: str) -> tuple[str, ...]:
    return tuple(found[0].lower() for found in WORD.finditer(written))


def read(path: Path) -> Lexicon:
    """Read a table: one name a line, columns parted by a tab; empty lines and lines with # are remarks.

    BadLexicon tells every bad line, or that the file cannot be read: one sentence each, with what to do.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise BadLexicon(f"{path}: cannot be read ({error.strerror or error}); name a file that is there.") from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise BadLexicon(f"{path}, line {line}: is not UTF-8; save the file as UTF-8 text.") from None
    return parse(text, str(path))


def parse(text: str, source: str = "lexicon") -> Lexicon:
    """Read the text of a table, as read() does."""
    names: list[Name] = []
    faults: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        cells = tuple(cell.strip() for cell in line.split("\t"))
        if not line.strip() or line.lstrip().startswith("#") or tuple(map(str.lower, cells)) == HEAD[: len(cells)]:
            continue
        fault = _fault(cells)
        if fault:
            faults.append(f"{source}, line {number}: {fault}")
        else:
            names.append(Name(written=cells[0], spoken=cells[1], ipa=cells[2] if len(cells) > 2 else ""))
    if len(names) > MOST:
        faults.append(f"{source}: holds {len(names)} names; leave at most {MOST}.")
    if faults:
        raise BadLexicon("\n".join(faults))
    return lexicon(names)


def _fault(cells: tuple[str, ...]) -> str:
    if len(cells) < 2:
        return "has one column; write the name, a tab, and how it is said."
    if len(cells) > 3:
        return f"has {len(cells)} columns; leave only name, how it is said, and its sounds (IPA)."
    if not cells[1]:
        return "does not say how the name is said; fill the second column."
    if not _words(cells[0]):
        return "has no name in the first column; write it there, or put # before the line."
    if any(len(cell) > LONGEST for cell in cells):
        return f"has a column of more than {LONGEST} characters; shorten it."
    if re.search(r"\d", cells[1]):
        return "has a digit in how the name is said; write it in words."
    if not all(cell.isprintable() for cell in cells):
        return "has a sign that cannot be shown; type the line again."
    return ""


@cache
def shipped(language: str) -> Lexicon:
    """Give the table that comes with us for a language; one without names where there is none."""
    path = HERE / f"lexicon_{language.lower().partition('-')[0]}.tsv"
    return (
        read(path) if re.fullmatch("[a-z]{2,3}", language.lower().partition("-")[0]) and path.exists() else lexicon(())
    )
