"""Decides which of our areas a geocode of an alert names: by Kemendagri's, BPS's or a table's codes, never by guess."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

KEMENDAGRI = frozenset(
    {"kemendagri", "kepmendagri", "permendagri", "kodekemendagri", "kodewilayah", "wilayah", "kode"}
    | {f"adm{level}" for level in (1, 2, 3, 4)}
)
BPS = frozenset({"bps", "kodebps", "bpscode", "bpskode"})
DOTTED = re.compile(r"[0-9]{2}(\.[0-9]{2}(\.[0-9]{2}(\.[0-9]{4})?)?)?")  # province to village, Kemendagri
DIGITS = re.compile(r"([0-9]{2})([0-9]{2})?([0-9]{2})?([0-9]{4})?")
BPS_PARTS = (2, 4, 7, 10)  # digits of a province, regency, kecamatan, village
MOST_SHOWN = 5

Tables = Mapping[str, Mapping[str, str]]  # name of a list of codes -> its code -> our code


@dataclass(frozen=True, slots=True, kw_only=True)
class Coded:
    """The areas that geocodes name; `elsewhere` when one was understood and is none of ours."""

    ids: frozenset[int]
    doubts: tuple[str, ...] = ()
    elsewhere: bool = False


class Codes:
    """Our areas by their codes: a code of Kemendagri or BPS holds every longer one that begins with it."""

    def __init__(self, codes: Mapping[int, str], tables: Tables) -> None:
        self._by_code: dict[str, set[int]] = {}
        self._under: dict[str, set[int]] = {}
        for place, code in codes.items():
            self._by_code.setdefault(code, set()).add(place)
            for above in (code, *above_of(code)):
                self._under.setdefault(above, set()).add(place)
        self._tables = {_plain(name): _folded(table) for name, table in tables.items()}

    def within(self, code: str) -> frozenset[int]:
        """Name the areas with this code, and those below it."""
        return frozenset(self._under.get(code, ()))

    def find(self, geocodes: Iterable[tuple[str, str]]) -> Coded:
        """Name the areas that any of the geocodes means, and tell of each that means none."""
        ids: set[int] = set()
        unknown: dict[str, list[str]] = {}
        doubts: list[str] = []
        elsewhere = False
        for name, value in dict.fromkeys((name.strip(), value.strip()) for name, value in geocodes):
            code = self._code(_plain(name), value)
            found, doubt = self._places(code) if code else (frozenset[int](), "")
            ids |= found
            doubts += [doubt] if doubt else []
            elsewhere |= bool(code) and not found
            if not found:
                unknown.setdefault(name or "without a name", []).append(value)
        doubts += [f"geocode {name[:40]} {_some(values)} is none of our areas" for name, values in unknown.items()]
        return Coded(ids=frozenset(ids), doubts=tuple(doubts), elsewhere=elsewhere)

    def _code(self, name: str, value: str) -> str:
        """Give the code in our spelling; empty when the list it is from is not known."""
        if name in self._tables:
            return self._tables[name].get(value.casefold(), "")
        if name in BPS:
            return value if value.isdecimal() and len(value) in BPS_PARTS else ""
        if DOTTED.fullmatch(value) and ("." in value or name in KEMENDAGRI):
            return value
        digits = DIGITS.fullmatch(value) if name in KEMENDAGRI and len(value) in (4, 6, 10) else None
        return ".".join(part for part in digits.groups() if part) if digits else ""

    def _places(self, code: str) -> tuple[frozenset[int], str]:
        if found := self.within(code):
            return found, ""
        for above in above_of(code):
            # With areas of ours below it, one of them would be meant; without, nothing smaller is known here.
            if above in self._by_code and self._under[above] == self._by_code[above]:
                return frozenset(self._by_code[above]), f"{code} is a part of our {above}, which was taken whole"
            if above in self._under:
                break
        return frozenset(), ""


def is_nested(code: str) -> bool:
    """Tell whether a code tells what its place lies in: Kemendagri's and BPS's do, a zone of our own does not."""
    return bool(DOTTED.fullmatch(code)) or (code.isdecimal() and len(code) in BPS_PARTS)


def above_of(code: str) -> tuple[str, ...]:
    """List the codes of all that a place lies in, the nearest first; none for codes that tell no such thing."""
    if DOTTED.fullmatch(code):
        parts = code.split(".")
        return tuple(".".join(parts[:at]) for at in range(len(parts) - 1, 0, -1))
    if code.isdecimal() and len(code) in BPS_PARTS:
        return tuple(code[:at] for at in reversed(BPS_PARTS) if at < len(code))
    return ()


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()


def _folded(table: Mapping[str, str]) -> dict[str, str]:
    return {value.strip().casefold(): code for value, code in table.items()}


def _some(values: list[str]) -> str:
    shown = ", ".join(value[:40] or "(empty)" for value in values[:MOST_SHOWN])
    return f"{shown} and {len(values) - MOST_SHOWN} more" if len(values) > MOST_SHOWN else shown
