"""Decides which of our areas are named in the words of an alert: whole names, the longest first, negations not seen."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

LEVELS = {
    "provinsi": 1, "prov": 1, "province": 1,
    "kabupaten": 2, "kab": 2, "kota": 2, "regency": 2, "city": 2,
    "kecamatan": 3, "kec": 3, "district": 3, "subdistrict": 3, "distrik": 3,
    "desa": 4, "ds": 4, "kelurahan": 4, "kel": 4, "village": 4,
}  # fmt: skip
SHORT = frozenset({"prov", "kab", "kec", "ds", "kel"})  # a full stop after these ends no sentence
AFTER = frozenset({"province", "regency", "city", "district", "subdistrict", "village"})
MOST_TEXT = 200_000  # characters; the longest description of real alerts has a twentieth of that

_WORD = re.compile(r"[^\W_]+")
_BREAK = re.compile(r"[.,;:!?()/\n\r]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """One of our names as it stands in a text; `doubt` when it may be the name of another place."""

    name: str
    ids: frozenset[int]
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    folded: str
    apart: bool  # a full stop, comma or line end stands before it


class Names:
    """Our areas by their names, with names of places elsewhere that must not be taken for them."""

    def __init__(self, places: Mapping[int, tuple[str, int]], elsewhere: Iterable[str] = ()) -> None:
        """Take the names and levels (1 province to 4 village, 0 unknown) of our areas, by id."""
        self._levels = {place: level for place, (_, level) in places.items()}
        self._ids: dict[tuple[str, ...], set[int]] = {}
        for place, (name, _) in places.items():
            self._ids.setdefault(_key(name), set()).add(place)
        self._elsewhere = {_key(name) for name in elsewhere}
        self._first: dict[str, list[tuple[str, ...]]] = {}
        for key in sorted(({*self._ids} | self._elsewhere) - {()}, key=len, reverse=True):
            self._first.setdefault(key[0], []).append(key)

    def find(self, text: str, *, listed: bool) -> list[Named]:
        """Name our areas in the text; `listed` when it is a list of places (areaDesc) and not running words.

        In running words a name of one word counts only with a capital, since many villages are called after
        things (Durian, Kapur), unless the text has no capitals at all. A name that several levels share means
        the widest, unless the word for its level stands beside it.
        """
        words = list(_words(text[:MOST_TEXT]))
        bare = listed or text == text.lower()
        at, found = 0, list[Named]()
        while at < len(words):
            key = self._match(words, at)
            if key is None:
                at += 1
                continue
            if len(key) > 1 or bare or words[at].text[0].isupper():
                found += self._named(words, at, key)
            at += len(key)
        return found

    def _match(self, words: list[_Word], at: int) -> tuple[str, ...] | None:
        for key in self._first.get(words[at].folded, ()):
            span = words[at : at + len(key)]
            if tuple(word.folded for word in span) == key and not any(word.apart for word in span[1:]):
                return key
        return None

    def _named(self, words: list[_Word], at: int, key: tuple[str, ...]) -> list[Named]:
        level = _level(words, at, at + len(key))
        ids = frozenset(self._of_level(self._ids.get(key, set()), level))
        shown = " ".join(word.text for word in words[at : at + len(key)])
        return [Named(name=shown, ids=ids, doubt=self._doubt(words, at, key))] if ids else []

    def _of_level(self, ids: set[int], level: int) -> set[int]:
        """Keep those of the level that the text names; without one the widest, which holds the others."""
        if level:
            return {place for place in ids if self._levels[place] in (level, 0)}
        widest = min((self._levels[place] for place in ids), default=0)
        return {place for place in ids if self._levels[place] == widest}

    def _doubt(self, words: list[_Word], at: int, key: tuple[str, ...]) -> str:
        shown, end = " ".join(word.text for word in words[at : at + len(key)]), at + len(key)
        if key in self._elsewhere:
            return f"{shown} is the name of a place elsewhere too"
        after = words[end] if end < len(words) and not words[end].apart else None
        goes_on = after and after.text[0].isupper() and not shown.isupper() and after.folded not in LEVELS
        if after and goes_on and self._match(words, end) is None:
            return f"{shown} may be part of a longer name, {shown} {after.text}"
        return ""


def level_of(code: str, name: str) -> int:
    """Tell the level of an area by its code of Kemendagri or else by the word before its name; 0 if neither does."""
    if re.fullmatch(r"[0-9]{2}(\.[0-9]+)*", code):
        return min(code.count(".") + 1, 4)
    first = next(_words(name), None)
    return LEVELS.get(first.folded, 0) if first else 0


def _level(words: list[_Word], start: int, end: int) -> int:
    if start and not words[start].apart and words[start - 1].folded in LEVELS:
        return LEVELS[words[start - 1].folded]
    if end < len(words) and not words[end].apart and words[end].folded in AFTER:
        return LEVELS[words[end].folded]
    return 0


def _key(name: str) -> tuple[str, ...]:
    """Fold a name to what is compared, without the word for its level: Kab. Kubu Raya is Kubu Raya."""
    folded = tuple(word.folded for word in _words(name))
    return folded[1:] if len(folded) > 1 and folded[0] in LEVELS else folded


def _words(text: str) -> Iterator[_Word]:
    end, before = 0, ""
    for found in _WORD.finditer(text):
        between = text[end : found.start()]
        apart = bool(_BREAK.search(between)) and not (before in SHORT and between.strip() == ".")
        before = _folded(found[0])
        yield _Word(found[0], before, apart)
        end = found.end()


def _folded(word: str) -> str:
    spread = unicodedata.normalize("NFKD", word.casefold())
    return "".join(letter for letter in spread if not unicodedata.combining(letter))
