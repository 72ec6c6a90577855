"""The GSM 7-bit alphabet: how a text becomes SMS parts, and how received octets become text."""

from __future__ import annotations

import codecs

from channels.contract import Size

GSM7 = 0  # data_coding: the SMSC's default alphabet
UCS2 = 8

_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = {"\f": 0x0A, "^": 0x14, "{": 0x28, "}": 0x29, "\\": 0x2F, "[": 0x3C, "~": 0x3D, "]": 0x3E}
_EXTENDED |= {"|": 0x40, "€": 0x65}
_ESCAPE = 0x1B
_TO_OCTETS: dict[int, bytes] = {ord(sign): bytes((code,)) for code, sign in enumerate(_BASIC) if sign != "\x1b"}
_TO_OCTETS |= {ord(sign): bytes((_ESCAPE, code)) for sign, code in _EXTENDED.items()}
_FROM_EXTENDED = {code: sign for sign, code in _EXTENDED.items()}

_WHOLE = {GSM7: 160, UCS2: 140}  # octets here: GSM-7 travels unpacked, one septet an octet
_PART = {GSM7: 153, UCS2: 134}  # what a 6-octet concatenation header leaves (3GPP TS 23.040, 9.2.3.24.1)
_ENCODINGS = {GSM7: "GSM-7", UCS2: "UCS-2"}


def encode(text: str) -> tuple[int, bytes]:
    """Return data_coding and octets: unpacked GSM-7 if every sign has a place there, else UTF-16BE."""
    try:
        return GSM7, codecs.charmap_encode(text, "strict", _TO_OCTETS)[0]
    except UnicodeEncodeError:
        return UCS2, text.encode("utf-16-be", "surrogatepass")


def decode(septets: bytes) -> str:
    """Read unpacked GSM-7 without ever failing; an octet that is no septet is read as Latin-1.

    An unknown escape shows the sign of the basic table, as 3GPP TS 23.038 (6.2.1.1) asks of handsets.
    """
    if _ESCAPE not in septets:
        return "".join([_BASIC[code] if code < 128 else chr(code) for code in septets])
    signs: list[str] = []
    escaped = False
    for code in septets:
        if code == _ESCAPE and not escaped:
            escaped = True
            continue
        plain = _BASIC[code] if code < 128 else chr(code)
        signs.append(_FROM_EXTENDED.get(code, plain) if escaped else plain)
        escaped = False
    return "".join(signs)


def measure(text: str) -> Size:
    """Return septets or UTF-16 code units, and the parts a carrier bills, counted by really splitting."""
    coding, octets = encode(text)
    units = len(octets) if coding == GSM7 else len(octets) // 2
    return Size(units=units, parts=len(_cut(coding, octets)), encoding=_ENCODINGS[coding])


def split(text: str, ref: int) -> list[tuple[int, int, bytes]]:
    """Return (esm_class, data_coding, short_message) of each part; no sign is ever cut in two.

    Parts of one text carry `ref` (0 to 255), their number and index: 3GPP TS 23.040, 9.2.3.24.1.
    Raises ValueError over 255 parts.
    """
    coding, octets = encode(text)
    pieces = _cut(coding, octets)
    if len(pieces) == 1:
        return [(0, coding, octets)]
    if len(pieces) > 255:
        raise ValueError(f"The text needs {len(pieces)} SMS parts; 255 is the most there can be: shorten it.")
    head = bytes((5, 0, 3, ref & 255, len(pieces)))
    return [(0x40, coding, head + bytes((index,)) + piece) for index, piece in enumerate(pieces, 1)]


def _cut(coding: int, octets: bytes) -> list[bytes]:
    if len(octets) <= _WHOLE[coding]:
        return [octets]
    pieces, at = [], 0
    while at < len(octets):
        end = min(at + _PART[coding], len(octets))
        if end < len(octets):
            end -= _straddles(coding, octets, end)
        pieces.append(octets[at:end])
        at = end
    return pieces


def _straddles(coding: int, octets: bytes, end: int) -> int:
    if coding == GSM7:  # the escape octet itself is never the second of a pair
        return int(octets[end - 1] == _ESCAPE)
    return 2 * (0xD8 <= octets[end - 2] <= 0xDB)
