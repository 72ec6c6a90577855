"""Says whole numbers, digits and decimals as words, in Indonesian and English."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

ID_DIGITS = ("nol", "satu", "dua", "tiga", "empat", "lima", "enam", "tujuh", "delapan", "sembilan")
ID_SCALES = ((10**12, "triliun"), (10**9, "miliar"), (10**6, "juta"), (1000, "ribu"), (100, "ratus"))

EN_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
EN_TEENS = tuple(TEENS.split())
EN_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
EN_SCALES = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand"))
EN_ORDINALS = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth"}
EN_ORDINALS |= {"nine": "ninth", "twelve": "twelfth"}

ROMAN = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}
LONGEST = 15  # digits; a longer row is a code, not a quantity


def cardinal_id(number: int) -> str:
    """Say a whole number below 10^15 in Indonesian; larger ones digit by digit."""
    if number >= 10**15:
        return digits(str(number), ID_DIGITS)
    if number < 10:
        return ID_DIGITS[number]
    if number < 20:
        return {10: "sepuluh", 11: "sebelas"}.get(number) or f"{ID_DIGITS[number - 10]} belas"
    if number < 100:
        return _joined(f"{ID_DIGITS[number // 10]} puluh", number % 10, cardinal_id)
    for size, name in ID_SCALES:
        if number >= size:
            count = number // size
            head = f"se{name}" if count == 1 and size <= 1000 else f"{cardinal_id(count)} {name}"
            return _joined(head, number % size, cardinal_id)
    raise AssertionError(number)


def cardinal_en(number: int) -> str:
    """Say a whole number below 10^15 in English; larger ones digit by digit."""
    if number >= 10**15:
        return digits(str(number), EN_DIGITS)
    if number < 10:
        return EN_DIGITS[number]
    if number < 20:
        return EN_TEENS[number - 10]
    if number < 100:
        tens = EN_TENS[number // 10]
        return f"{tens}-{EN_DIGITS[number % 10]}" if number % 10 else tens
    if number < 1000:
        return _joined(f"{EN_DIGITS[number // 100]} hundred", number % 100, cardinal_en, " and ")
    for size, name in EN_SCALES:
        if number >= size:
            rest = number % size
            joint = " and " if 0 < rest < 100 else " "
            return _joined(f"{cardinal_en(number // size)} {name}", rest, cardinal_en, joint)
    raise AssertionError(number)


def ordinal_en(number: int) -> str:
    """Say the place in a row: 21 is "twenty-first"."""
    said = cardinal_en(number)
    head, joint, last = said.rpartition("-" if "-" in said.rpartition(" ")[2] else " ")
    regular = f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th"
    return f"{head}{joint}{EN_ORDINALS.get(last, regular)}"


def year_en(year: int) -> str:
    """Say a year as people do: 2026 is "twenty twenty-six", 2005 "two thousand and five"."""
    century, rest = divmod(year, 100)
    if year < 1000 or year > 9999 or 2000 <= year < 2010:
        return cardinal_en(year)
    if rest == 0:
        return f"{cardinal_en(century)} hundred"
    return f"{cardinal_en(century)} {'oh ' if rest < 10 else ''}{cardinal_en(rest)}"


def digits(text: str, names: tuple[str, ...]) -> str:
    """Say every digit of `text` by itself; anything else is left out."""
    return " ".join(names[int(letter)] for letter in text if letter in "0123456789")


def _joined(head: str, rest: int, say: Callable[[int], str], joint: str = " ") -> str:
    return f"{head}{joint}{say(rest)}" if rest else head


def roman(written: str) -> int:
    """Read a roman numeral below 400; ValueError for letters that are none."""
    if not re.fullmatch(r"C{0,3}(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})", written) or not written:
        raise ValueError(written)
    sizes = [ROMAN[letter] for letter in written]
    return sum(-size if size < after else size for size, after in zip(sizes, [*sizes[1:], 0], strict=True))


def fraction_id(part: int, whole: int) -> str:
    """Say a fraction of two whole numbers: 1/2 is "setengah", 2/3 "dua pertiga"."""
    if (part, whole) == (1, 2):
        return "setengah"
    name = f"per{cardinal_id(whole)}"
    return f"se{name}" if part == 1 else f"{cardinal_id(part)} {name}"


def fraction_en(part: int, whole: int) -> str:
    """Say a fraction of two whole numbers: 1/2 is "one half", 3/4 "three quarters"."""
    name = {2: "half", 4: "quarter"}.get(whole) or ordinal_en(whole)
    return f"{cardinal_en(part)} {name}{'' if part == 1 else 's'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counting:
    """How one language writes and says numbers."""

    cardinal: Callable[[int], str]
    fraction: Callable[[int, int], str]
    names: tuple[str, ...]  # of the digits 0-9
    thousands: str  # the mark written between thousands
    decimal: str  # the mark written before decimals
    point: str  # how that mark is said
    dot: str  # between the parts of what is no number: section 1.2.3

    def say(self, written: str) -> str:
        """Say a number as written: thousands marks dropped, decimals digit by digit, the other mark forgiven."""
        parts, marks = re.split("[.,]", written), re.sub("[0-9]", "", written)
        if len(parts) == 1 or _grouped(parts, marks, self.thousands):
            return self._amount("".join(parts), "")
        if len(parts) == 2:
            return self._amount(*parts)
        if _grouped(parts, marks, marks[0]):
            return self._amount("".join(parts), "")
        if marks[-1] != marks[0] and _grouped(parts[:-1], marks[:-1], marks[0]):
            return self._amount("".join(parts[:-1]), parts[-1])
        return f" {self.dot} ".join(self._amount(part, "") for part in parts)

    def _amount(self, whole: str, part: str) -> str:
        code = len(whole) > LONGEST or (len(whole) > 1 and whole[0] == "0")
        said = self.digits(whole) if code else self.cardinal(int(whole))
        return f"{said} {self.point} {self.digits(part)}" if part else said

    def digits(self, written: str) -> str:
        return digits(written, self.names)


def _grouped(parts: list[str], marks: str, mark: str) -> bool:
    """Tell whether these are groups of thousands, all with the same mark: 1.500 but not 0.500 or 1.50."""
    head, *rest = parts
    return set(marks) == {mark} and head[0] != "0" and len(head) <= 3 and all(len(part) == 3 for part in rest)


INDONESIAN = Counting(
    cardinal=cardinal_id,
    fraction=fraction_id,
    names=ID_DIGITS,
    thousands=".",
    decimal=",",
    point="koma",
    dot="titik",
)
ENGLISH = Counting(
    cardinal=cardinal_en,
    fraction=fraction_en,
    names=EN_DIGITS,
    thousands=",",
    decimal=".",
    point="point",
    dot="dot",
)
