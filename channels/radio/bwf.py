"""Writes and reads Broadcast WAV: bext version 2 (EBU Tech 3285) and cart (AES46), for playout systems.

All text is ASCII: both standards know nothing else, and automation of thirty years of age reads it.
"""

from __future__ import annotations

import os
import shutil
import struct
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

BEXT = struct.Struct("<256s32s32s10s8sQH64s5h180x")
CART = struct.Struct("<4s64s64s64s64s64s64s64s10s8s10s8s64s64s64si64s276x1024s")
CUT_ID, CLIENT_ID = (132, 64), (196, 64)  # offset and length in the cart chunk
UNKNOWN = 0x7FFF  # a loudness field nobody measured
LEVEL_REFERENCE = 32_768
TIMERS = 8
LARGEST = 1 << 24  # bytes of a chunk of words; more is a broken file
# What Unicode does not take apart.
PLAIN = str.maketrans({
    "‘": "'", "’": "'", "‚": ",", "“": '"', "”": '"', "„": '"', "–": "-", "—": "-", "‐": "-", "‑": "-", "−": "-",
    "•": "-", "·": "-", "×": "x", "÷": "/", "°": " deg ", "ß": "ss", "æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O",
    "œ": "oe", "Œ": "OE", "đ": "d", "Đ": "D", "ł": "l", "Ł": "L", "ı": "i", "ð": "d", "þ": "th", "€": "EUR", "£": "GBP",
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Bext:
    """What the `bext` chunk says; loudness fields in LUFS, LU and dBTP, None where nobody measured."""

    description: str = ""
    originator: str = ""
    reference: str = ""  # a USID, EBU R 99
    date: str = ""  # yyyy-mm-dd
    time: str = ""  # hh:mm:ss
    time_reference: int = 0  # samples since midnight
    version: int = 2
    umid: bytes = b""
    loudness: float | None = None
    range: float | None = None
    peak: float | None = None
    momentary: float | None = None
    short_term: float | None = None
    history: str = ""  # coding history, lines ended by CRLF


@dataclass(frozen=True, slots=True, kw_only=True)
class Cart:
    """What the `cart` chunk says; times as they are on the station's wall, timers in samples."""

    version: str = "0101"
    title: str = ""
    artist: str = ""
    cut_id: str = ""  # the cart number: Rivendell takes nothing but digits
    client_id: str = ""
    category: str = ""
    classification: str = ""
    out_cue: str = ""
    start_date: str = ""
    start_time: str = ""
    end_date: str = ""
    end_time: str = ""
    producer: str = ""
    producer_version: str = ""
    user_defined: str = ""
    level_reference: int = LEVEL_REFERENCE
    timers: tuple[tuple[str, int], ...] = ()
    url: str = ""
    tag_text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """What a WAV file says of itself."""

    rate: int
    channels: int
    bits: int
    samples: int
    chunks: tuple[str, ...]  # in the order they stand
    bext: Bext | None = None
    cart: Cart | None = None
    facts: Mapping[str, str] = field(default_factory=dict)  # LIST/INFO by its four letters


def written(
    samples: NDArray[np.int16], bext: Bext, cart: Cart | None, facts: Mapping[str, str], *, rate: int = 48_000
) -> bytes:
    """Return a 16-bit mono Broadcast WAV: bext, fmt, cart, LIST/INFO, data; the same words give the same bytes."""
    chunks = [(b"bext", _bext(bext)), (b"fmt ", struct.pack("<HHIIHH", 1, 1, rate, rate * 2, 2, 16))]
    chunks += [(b"cart", _cart(cart))] if cart else []
    chunks += [(b"LIST", b"INFO" + b"".join(_chunk(key.encode(), _info(text)) for key, text in facts.items()))]
    chunks += [(b"data", samples.astype("<i2").tobytes())]
    body = b"WAVE" + b"".join(_chunk(name, content) for name, content in chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def plain(text: str) -> str:
    """Write a text in ASCII: letters without their marks, `?` for what has no likeness."""
    apart = unicodedata.normalize("NFKD", text.translate(PLAIN))
    kept = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return kept.encode("ascii", "replace").decode("ascii")


def recarted(source: Path, target: Path, cut_id: str, *, client: str | None = None) -> None:
    """Copy a Broadcast WAV with another cart number, and client; nothing else changes.

    ValueError when the source has no cart chunk.
    """
    with source.open("rb") as whole:
        at = next((start for name, start, _ in _walk(whole) if name == b"cart"), None)
    if at is None:
        raise ValueError(f"{source.name} has no cart chunk; take the BWF of the kit")
    shutil.copyfile(source, target)
    with target.open("r+b") as copy:
        for (offset, length), text in ((CUT_ID, cut_id), (CLIENT_ID, client)):
            if text is not None:
                copy.seek(at + offset)
                copy.write(_field(text, length))


def read(path: Path) -> Wave:
    """Return what a WAV file says of itself; ValueError, in a sentence, when it is broken."""
    with path.open("rb") as whole:
        found = {}
        order = []
        size = 0
        for name, _, length in _walk(whole):
            order.append(name.decode("latin-1"))
            size = length if name == b"data" else size
            found[name] = whole.read(length) if name != b"data" and length < LARGEST else b""
    return _understood(path.name, found, tuple(order), size)


def _understood(name: str, found: Mapping[bytes, bytes], order: tuple[str, ...], size: int) -> Wave:
    try:
        _, channels, rate, _, width, bits = struct.unpack("<HHIIHH", found[b"fmt "][:16])
        return Wave(
            rate=rate,
            channels=channels,
            bits=bits,
            samples=size // width,
            chunks=order,
            bext=_read_bext(found[b"bext"]) if b"bext" in found else None,
            cart=_read_cart(found[b"cart"]) if b"cart" in found else None,
            facts=_read_info(found.get(b"LIST", b"")),
        )
    except (KeyError, struct.error, ZeroDivisionError) as error:
        raise ValueError(f"{name} is not a whole WAV file; build the kit again") from error


def _walk(whole: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, start and length of each chunk, with the file standing at its start."""
    end = whole.seek(0, os.SEEK_END)
    whole.seek(0)
    head = whole.read(12)
    if head[:4] != b"RIFF" or head[8:] != b"WAVE" or struct.unpack("<I", head[4:8])[0] + 8 != end:
        raise ValueError(f"{Path(whole.name).name} is not a whole WAV file; build the kit again")
    at = 12
    while at + 8 <= end:
        whole.seek(at)
        name, length = struct.unpack("<4sI", whole.read(8))
        if at + 8 + length > end:
            raise ValueError(f"{Path(whole.name).name} ends in the middle of a chunk; build the kit again")
        yield name, at + 8, length
        at += 8 + length + length % 2


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def _field(text: str, length: int) -> bytes:
    return plain(text).encode("ascii")[:length].ljust(length, b"\0")


def _lines(text: str) -> bytes:
    return "\r\n".join(plain(text).splitlines()).encode("ascii")


def _info(text: str) -> bytes:
    return plain(text).encode("ascii") + b"\0"


def _bext(bext: Bext) -> bytes:
    levels = (bext.loudness, bext.range, bext.peak, bext.momentary, bext.short_term)
    texts = ((bext.description, 256), (bext.originator, 32), (bext.reference, 32), (bext.date, 10), (bext.time, 8))
    head = BEXT.pack(
        *(_field(*text) for text in texts),
        bext.time_reference,
        bext.version,
        bext.umid,
        *map(_hundredths, levels),
    )
    return head + (_lines(bext.history) + b"\r\n" if bext.history else b"")


def _hundredths(level: float | None) -> int:
    return UNKNOWN if level is None or abs(level) > 300 else round(level * 100)


def _cart(cart: Cart) -> bytes:
    texts = (
        (cart.version, 4), (cart.title, 64), (cart.artist, 64), (cart.cut_id, 64), (cart.client_id, 64),
        (cart.category, 64), (cart.classification, 64), (cart.out_cue, 64), (cart.start_date, 10),
        (cart.start_time, 8), (cart.end_date, 10), (cart.end_time, 8), (cart.producer, 64),
        (cart.producer_version, 64), (cart.user_defined, 64),
    )  # fmt: skip
    timers = b"".join(struct.pack("<4sI", _field(name, 4), at) for name, at in cart.timers[:TIMERS])
    head = CART.pack(*(_field(*text) for text in texts), cart.level_reference, timers, _field(cart.url, 1024))
    return head + _lines(cart.tag_text) + b"\r\n"


def _text(content: bytes) -> str:
    return content.split(b"\0", 1)[0].decode("latin-1").rstrip()


def _read_bext(content: bytes) -> Bext:
    *texts, since, version, umid, loudness, spread, peak, momentary, short = BEXT.unpack(content[: BEXT.size])
    description, originator, reference, date, time = map(_text, texts)
    levels = (None if level == UNKNOWN else level / 100 for level in (loudness, spread, peak, momentary, short))
    return Bext(
        **dict(zip(("loudness", "range", "peak", "momentary", "short_term"), levels, strict=True)),
        description=description,
        originator=originator,
        reference=reference,
        date=date,
        time=time,
        time_reference=since,
        version=version,
        umid=umid.rstrip(b"\0"),
        history=_text(content[BEXT.size :]),
    )


def _read_cart(content: bytes) -> Cart:
    *texts, reference, timers, url = CART.unpack(content[: CART.size])
    names = (
        "version", "title", "artist", "cut_id", "client_id", "category", "classification", "out_cue",
        "start_date", "start_time", "end_date", "end_time", "producer", "producer_version", "user_defined",
    )  # fmt: skip
    return Cart(
        **dict(zip(names, map(_text, texts), strict=True)),
        level_reference=reference,
        timers=_read_timers(timers),
        url=_text(url),
        tag_text=_text(content[CART.size :]),
    )


def _read_timers(content: bytes) -> tuple[tuple[str, int], ...]:
    pairs = struct.iter_unpack("<4sI", content)
    return tuple((name.decode("latin-1"), at) for name, at in pairs if name.strip(b"\0"))


def _read_info(content: bytes) -> dict[str, str]:
    facts, at = {}, 4
    while content[:4] == b"INFO" and at + 8 <= len(content):
        name, length = struct.unpack_from("<4sI", content, at)
        facts[name.decode("latin-1")] = _text(content[at + 8 : at + 8 + length])
        at += 8 + length + length % 2
    return facts
