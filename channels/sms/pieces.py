"""Residents' texts as they arrive: read, put together from their parts, never lost for a missing one."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Generic, TypeVar

from channels.sms import gsm7, pdu
from channels.sms.pdu import Sm

Token = TypeVar("Token")
PATIENCE = timedelta(seconds=3)  # an SMSC with a window of one sends part 2 only when part 1 is answered
MEMORY = timedelta(minutes=10)
MOST = 2_000  # texts in pieces at a time

_CODECS = {1: "latin-1", 3: "latin-1", 5: "shift_jis", 6: "iso8859-5", 7: "iso8859-8", 8: "utf-16-be"}
_CODECS |= {2: "latin-1", 4: "latin-1", 14: "euc-kr"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One deliver_sm of a resident: part `index` of `total`."""

    sender: str = field(repr=False)
    to: str
    ref: str  # empty for a text in one piece
    total: int
    index: int
    coding: int
    octets: bytes = field(repr=False)
    mark: bytes = b""  # the SMSC's own id, if it gives one


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """What a resident wrote, whole or with gaps; `digest` is the same for a resend of the same."""

    sender: str = field(repr=False)
    text: str = field(repr=False)
    digest: str
    at: datetime


def piece(sm: Sm) -> Piece:
    """Read a deliver_sm: concatenation by UDH (3GPP TS 23.040, 9.2.3.24.1 and .8) or by SAR TLVs."""
    octets, ref, total, index = sm.payload, "", 1, 1
    if sm.esm_class & 0x40 and octets and octets[0] < len(octets):
        header, octets = octets[1 : octets[0] + 1], octets[octets[0] + 1 :]
        ref, total, index = _from_header(header)
    elif pdu.SAR_MSG_REF_NUM in sm.tlvs:
        tags = (pdu.SAR_MSG_REF_NUM, pdu.SAR_TOTAL_SEGMENTS, pdu.SAR_SEGMENT_SEQNUM)
        number, total, index = (int.from_bytes(sm.tlvs.get(tag, b"")) for tag in tags)
        ref = f"sar{number}"
    if total < 2 or not 1 <= index <= total <= 255:
        ref, total, index = "", 1, 1
    return Piece(
        sender=f"+{sm.source}" if sm.source_ton == 1 and sm.source.isdigit() else sm.source,
        to=sm.destination,
        ref=ref,
        total=total,
        index=index,
        coding=sm.data_coding,
        octets=octets,
        mark=sm.tlvs.get(pdu.RECEIPTED_MESSAGE_ID, b"") + sm.tlvs.get(pdu.USER_MESSAGE_REFERENCE, b""),
    )


def read(coding: int, octets: bytes) -> str:
    """Return the text of a data_coding (SMPP 3.4, 5.2.19; classes of 3GPP TS 23.038, 4); never fails."""
    if coding >= 0xF0:
        coding = 4 if coding & 4 else gsm7.GSM7
    elif 0x10 <= coding < 0x40:
        coding = (gsm7.GSM7, 4, gsm7.UCS2, gsm7.GSM7)[coding >> 2 & 3]
    codec = _CODECS.get(coding)
    return octets.decode(codec, "replace") if codec else gsm7.decode(octets)


@dataclass(slots=True, kw_only=True)
class _Partial(Generic[Token]):
    first: datetime
    pieces: dict[int, Piece]
    held: list[Token]  # what is to be acknowledged once the text has been handed on
    since: datetime | None  # since when something is held


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed(Generic[Token]):
    """Something to hand on (or nothing but a resend) and what to acknowledge after that."""

    text: Text | None
    tokens: tuple[Token, ...]


class Assembly(Generic[Token]):
    """Joins pieces. A whole text is handed on at once, a text with gaps after PATIENCE, marked so.

    What arrives after that is joined to it still, for MEMORY, and handed on anew. `token` stands for
    the deliver_sm: it comes back when its words are in a text that was handed on, so that it is
    acknowledged only when they are safe.
    """

    def __init__(self) -> None:
        self._partials: OrderedDict[tuple[str, str, str, int], _Partial[Token]] = OrderedDict()

    @property
    def waits(self) -> bool:
        """Whether due() will have something to say."""
        return any(partial.held for partial in self._partials.values())

    def add(self, one: Piece, token: Token, now: datetime) -> list[Handed[Token]]:
        """Take a piece and return what can be handed on now."""
        if one.total == 1:
            return [Handed(text=_text([one], 1, now), tokens=(token,))]
        key = (one.sender, one.to, one.ref, one.total)
        handed: list[Handed[Token]] = []
        partial = self._partials.get(key)
        if partial and partial.pieces.get(one.index, one) != one:  # the reference begins a new round
            handed += self._give_up(key)
            partial = None
        if partial is None:
            handed += self._make_room()
            partial = self._partials[key] = _Partial(first=now, pieces={}, held=[], since=None)
        return handed + _join(partial, one, token, now)

    def due(self, now: datetime) -> list[Handed[Token]]:
        """Return the texts whose missing parts have been waited for long enough; forget the old ones."""
        handed: list[Handed[Token]] = []
        for key, partial in list(self._partials.items()):
            if partial.since and now - partial.since >= PATIENCE:
                handed.append(_hand(partial))
            elif not partial.held and now - partial.first >= MEMORY:
                del self._partials[key]
        return handed

    def _make_room(self) -> list[Handed[Token]]:
        if len(self._partials) < MOST:
            return []
        return self._give_up(next(iter(self._partials)))

    def _give_up(self, key: tuple[str, str, str, int]) -> list[Handed[Token]]:
        partial = self._partials.pop(key)
        return [_hand(partial)] if partial.held else []


def _join(partial: _Partial[Token], one: Piece, token: Token, now: datetime) -> list[Handed[Token]]:
    known = one.index in partial.pieces
    if known and len(partial.pieces) == one.total:
        return [Handed(text=None, tokens=(token,))]  # a resend of what was handed on whole
    partial.pieces[one.index] = one
    partial.held.append(token)
    partial.since = partial.since or now
    return [_hand(partial)] if len(partial.pieces) == one.total else []


def _hand(partial: _Partial[Token]) -> Handed[Token]:
    pieces = [partial.pieces[index] for index in sorted(partial.pieces)]
    tokens, partial.held, partial.since = tuple(partial.held), [], None
    return Handed(text=_text(pieces, pieces[0].total, partial.first), tokens=tokens)


def _text(pieces: list[Piece], total: int, at: datetime) -> Text:
    runs: list[str] = []
    # Neighbours are joined before they are read: phones do cut a surrogate or escape pair in two.
    for _, run in groupby(enumerate(pieces), key=lambda pair: (pair[1].index - pair[0], pair[1].coding)):
        near = [one for _, one in run]
        runs.append(read(near[0].coding, b"".join(one.octets for one in near)))
    if len(pieces) == total:
        return Text(sender=pieces[0].sender, text="".join(runs), digest=_digest(pieces), at=at)
    head = f"[SMS tidak lengkap: {len(pieces)} dari {total} bagian / incomplete: {len(pieces)} of {total} parts]"
    return Text(sender=pieces[0].sender, text=f"{head}\n{' […] '.join(runs)}", digest=_digest(pieces), at=at)


def _digest(pieces: list[Piece]) -> str:
    digest = hashlib.blake2b(digest_size=12)
    for one in pieces:
        fields = (one.sender, one.to, one.ref, one.total, one.index, one.coding, one.octets, one.mark)
        digest.update(repr(fields).encode())
    return digest.hexdigest()


def _from_header(header: bytes) -> tuple[str, int, int]:
    at = 0
    while at + 2 <= len(header):
        kind, length = header[at], header[at + 1]
        element = header[at + 2 : at + 2 + length]
        if kind == 0 and len(element) == 3:
            return f"udh{element[0]}", element[1], element[2]
        if kind == 8 and len(element) == 4:
            return f"udh16-{int.from_bytes(element[:2])}", element[2], element[3]
        at += 2 + length
    return "", 1, 1
