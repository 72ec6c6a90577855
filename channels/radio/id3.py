"""Writes the ID3v2.3 tag of an MP3: title, words, dates, links, chapters and a picture, as players show them."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

# ISO 639-2, which ID3 asks for, of the languages a district in the archipelago may speak.
LANGUAGES: Mapping[str, str] = {
    "id": "ind", "en": "eng", "jv": "jav", "su": "sun", "ms": "msa", "mad": "mad", "ban": "ban", "min": "min",
    "bug": "bug", "ace": "ace", "bjn": "bjn", "tet": "tet", "pt": "por", "tl": "tgl", "fil": "fil", "th": "tha",
    "vi": "vie", "my": "mya", "km": "khm", "lo": "lao", "ta": "tam", "zh": "zho", "hi": "hin", "bn": "ben",
    "es": "spa", "fr": "fra", "ar": "ara",
}  # fmt: skip
FRONT_COVER = 3
WHOLE = 0xFFFFFFFF  # a chapter's byte offsets are not given: its times are


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """A stretch of the sound by its name, in seconds."""

    name: str
    start: float
    end: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """What a player shows; empty is left out."""

    title: str
    artist: str
    language: str
    at: datetime  # as it is on the wall
    words: str = ""
    comment: str = ""
    source: str = ""  # address of the alert's page
    chapters: tuple[Chapter, ...] = ()
    picture: bytes = b""  # PNG or JPEG


def iso639_2(language: str) -> str:
    """Return the three letters of a language tag; `und` for one we do not know."""
    primary = language.lower().partition("-")[0]
    return LANGUAGES.get(primary, primary if len(primary) == 3 and primary.isascii() else "und")


def written(tag: Tag) -> bytes:
    """Return the whole tag, ready to stand before the first MPEG frame (id3.org, ID3v2.3.0 and Chapters 1.0)."""
    three = iso639_2(tag.language)
    frames = [_text("TIT2", tag.title), _text("TPE1", tag.artist), _text("TLAN", three)]
    frames += [_text("TYER", f"{tag.at:%Y}"), _text("TDAT", f"{tag.at:%d%m}"), _text("TIME", f"{tag.at:%H%M}")]
    frames += [_said("USLT", three, tag.words), _said("COMM", three, tag.comment)]
    frames += [_frame(name, tag.source.encode("latin-1", "ignore")) for name in ("WOAS", "WOAF")] if tag.source else []
    frames += [*_chapters(tag.chapters), _picture(tag.picture)]
    body = b"".join(frames)
    size = bytes(len(body) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x03\x00\x00" + size + body


def _frame(name: str, content: bytes) -> bytes:
    return name.encode() + struct.pack(">IH", len(content), 0) + content if content else b""


def _utf16(text: str) -> bytes:
    return b"\xff\xfe" + text.encode("utf-16-le", "replace")


def _text(name: str, text: str) -> bytes:
    return _frame(name, b"\x01" + _utf16(text)) if text else b""


def _said(name: str, language: str, text: str) -> bytes:
    """Text in a language, with an empty heading before it."""
    return _frame(name, b"\x01" + language.encode() + _utf16("") + b"\0\0" + _utf16(text)) if text else b""


def _chapters(chapters: tuple[Chapter, ...]) -> list[bytes]:
    if not chapters:
        return []
    names = b"".join(f"ch{n}\0".encode() for n in range(len(chapters)))
    contents = _frame("CTOC", b"toc\0\x03" + bytes([len(chapters)]) + names)  # top level, in order
    return [contents, *(_chapter(n, chapter) for n, chapter in enumerate(chapters))]


def _chapter(number: int, chapter: Chapter) -> bytes:
    times = struct.pack(">4I", round(chapter.start * 1000), round(chapter.end * 1000), WHOLE, WHOLE)
    return _frame("CHAP", f"ch{number}\0".encode() + times + _text("TIT2", chapter.name))


def _picture(picture: bytes) -> bytes:
    if not picture:
        return b""
    kind = b"image/png" if picture.startswith(b"\x89PNG") else b"image/jpeg"
    return _frame("APIC", b"\0" + kind + b"\0" + bytes([FRONT_COVER]) + b"\0" + picture)
