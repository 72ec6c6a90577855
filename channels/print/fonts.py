"""Which fonts print a text: two from packages, and of others only those that the text needs, always in one order."""

from __future__ import annotations

import atexit
import contextlib
import shutil
import tempfile
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import typst
from fontTools.ttLib import TTFont

CORE = ("fontpkg_atkinson_hyperlegible", "fontpkg_noto_sans")  # the first is drawn for eyes that see little
FOLDERS = (
    "/usr/share/fonts/truetype/noto",  # Debian, Ubuntu
    "/usr/share/fonts/opentype/noto",
    "/usr/share/fonts/noto",  # Alpine, Arch
    "/usr/share/fonts/noto-cjk",
    "/usr/share/fonts/google-noto",  # Fedora
)
# First and last character of a script, and what Noto calls its fonts.
SCRIPTS = (
    (0x0530, 0x058F, "Armenian"),
    (0x0590, 0x05FF, "Hebrew"),
    (0x0600, 0x06FF, "Arabic"),
    (0x0750, 0x077F, "Arabic"),
    (0x0780, 0x07BF, "Thaana"),
    (0x08A0, 0x08FF, "Arabic"),
    (0x0900, 0x097F, "Devanagari"),
    (0x0980, 0x09FF, "Bengali"),
    (0x0A00, 0x0A7F, "Gurmukhi"),
    (0x0A80, 0x0AFF, "Gujarati"),
    (0x0B00, 0x0B7F, "Oriya"),
    (0x0B80, 0x0BFF, "Tamil"),
    (0x0C00, 0x0C7F, "Telugu"),
    (0x0C80, 0x0CFF, "Kannada"),
    (0x0D00, 0x0D7F, "Malayalam"),
    (0x0D80, 0x0DFF, "Sinhala"),
    (0x0E00, 0x0E7F, "Thai"),
    (0x0E80, 0x0EFF, "Lao"),
    (0x1000, 0x109F, "Myanmar"),
    (0x10A0, 0x10FF, "Georgian"),
    (0x1200, 0x139F, "Ethiopic"),
    (0x1700, 0x171F, "Tagalog"),
    (0x1780, 0x17FF, "Khmer"),
    (0x1A00, 0x1A1F, "Buginese"),
    (0x1B00, 0x1B7F, "Balinese"),
    (0x1B80, 0x1BBF, "Sundanese"),
    (0x1BC0, 0x1BFF, "Batak"),
    (0x1CC0, 0x1CCF, "Sundanese"),
    (0x3000, 0x9FFF, "CJK"),
    (0xA930, 0xA95F, "Rejang"),
    (0xA980, 0xA9DF, "Javanese"),
    (0xAC00, 0xD7AF, "CJK"),
    (0xF900, 0xFAFF, "CJK"),
    (0xFB50, 0xFEFC, "Arabic"),
    (0xFF00, 0xFFEF, "CJK"),
)
SYMBOLS = ("Symbols", "Symbols2", "Math")
JOINERS = frozenset("\u00a0\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\u2066\u2067\u2068\u2069\ufeff\n\t ")


class NoFonts(Exception):
    """The fonts that the core install brings are not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fontbook:
    """The fonts of one text: families in the order they are tried, and the characters that none of them has."""

    families: tuple[str, ...]
    fonts: typst.Fonts
    lacking: str


def fontbook(text: str, folders: Sequence[str] = FOLDERS) -> Fontbook:
    """Choose the fonts of a text; the first family has all its Latin letters, so that no word mixes two.

    Only the fonts named here are ever used, whatever else the system has. Raises NoFonts without CORE.
    """
    core = _core()
    lacking = _not_in(text, core)
    extra = _extra(lacking, tuple(folders))
    latin = "".join(c for c in text if (c.isalpha() and ord(c) < 0x0500) or 0x1E00 <= ord(c) < 0x2000)
    first = next((p for p in core if not _not_in(latin, [p])), core[0])
    order = [first, *(p for p in core if p != first), *extra]
    return Fontbook(
        families=tuple(dict.fromkeys(_family(p) for p in order)),
        fonts=_loaded(tuple(dict.fromkeys(p.parent for p in core)), tuple(extra)),
        lacking=_not_in(lacking, extra),
    )


def uncovered(text: str, folders: Sequence[str] = FOLDERS) -> str:
    """Name the characters of a text that no font here has, each once, in the order they stand in it."""
    lacking = _not_in(text, _core())
    return _not_in(lacking, _extra(lacking, tuple(folders)))


def _not_in(text: str, paths: Iterable[Path]) -> str:
    there = [_characters(path) for path in paths]
    unlike = (c for c in dict.fromkeys(text) if c not in JOINERS and unicodedata.category(c) != "Mn")
    marks = (c for c in dict.fromkeys(text) if unicodedata.category(c) == "Mn" and c not in "\ufe0e\ufe0f")
    return "".join(c for c in (*unlike, *marks) if not any(ord(c) in characters for characters in there))


@lru_cache(maxsize=1)
def _core() -> tuple[Path, ...]:
    paths = [path for package in CORE for path in _packaged(package)]
    if len(paths) < len(CORE):
        raise NoFonts(", ".join(CORE))
    return tuple(paths)


def _packaged(package: str) -> list[Path]:
    """Find the upright font of a font package, of which the regular weight tells what all have."""
    spec = find_spec(package)
    if spec is None or not spec.origin:
        return []
    files = sorted((Path(spec.origin).parent / "files").glob("*.ttf"))
    return [p for p in files if p.stem.endswith("-Regular") or ("Italic" not in p.stem and "[" in p.stem)][:1]


def _extra(lacking: str, folders: tuple[str, ...]) -> list[Path]:
    """Find the fonts for characters that the core has not, by their scripts, then among the symbols."""
    stems = dict.fromkeys(stem for c in lacking for first, last, stem in SCRIPTS if first <= ord(c) <= last)
    found: list[Path] = []
    for stem in (*stems, *SYMBOLS):
        if not _not_in(lacking, found):
            break
        path = _noto(stem, folders)
        if path and any(ord(c) in _characters(path) for c in lacking):
            found.append(path)
    return found


@lru_cache(maxsize=64)
def _noto(stem: str, folders: tuple[str, ...]) -> Path | None:
    packaged = _packaged(f"fontpkg_noto_sans_{stem.lower()}")
    names = [f"NotoSans{stem}-Regular.{kind}" for kind in ("ttf", "otf", "ttc")]
    there = (Path(folder, name) for folder in folders for name in names)
    return packaged[0] if packaged else next((path for path in there if path.is_file()), None)


@lru_cache(maxsize=32)
def _characters(path: Path) -> frozenset[int]:
    with TTFont(path, lazy=True, fontNumber=0) as font:
        return frozenset(font.getBestCmap())


@lru_cache(maxsize=32)
def _family(path: Path) -> str:
    with TTFont(path, lazy=True, fontNumber=0) as font:
        return str(font["name"].getBestFamilyName())


@lru_cache(maxsize=8)
def _loaded(folders: tuple[Path, ...], files: tuple[Path, ...]) -> typst.Fonts:
    """Load whole folders, and of others the files alone: a system's other Noto Sans must not stand in for ours."""
    paths = [str(folder) for folder in folders]
    if not files:
        return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=paths)
    apart = Path(tempfile.mkdtemp(prefix="crisis-fonts-"))
    atexit.register(shutil.rmtree, apart, ignore_errors=True)
    for regular in files:
        for path in (regular, regular.with_name(regular.name.replace("-Regular", "-Bold"))):
            if path.is_file():
                _beside(apart / path.name, path)
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[*paths, str(apart)])


def _beside(link: Path, path: Path) -> None:
    with contextlib.suppress(FileExistsError):
        try:
            link.symlink_to(path)
        except (OSError, NotImplementedError):  # Windows without the right to link
            shutil.copyfile(path, link)
