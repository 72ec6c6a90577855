"""What the SMSC brings, in order: kept until it has been handed on, and only then answered."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from channels.contract import Incoming, Receipt, Take
from channels.sms import pdu, pieces, receipts
from channels.sms.pdu import Pdu, Sm
from channels.sms.repeats import Repeats, Seen
from channels.sms.session import Session

_MOST = 10_000  # deliver_sm kept unanswered; over that the SMSC is asked to come again
_BATCH = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    brought: Incoming | Receipt | None  # None: nothing to hand on, yet answered in its turn
    tokens: tuple[tuple[Session, int], ...]
    seen: Seen | None = None


def _now() -> datetime:
    return datetime.now(UTC)


class Inbox:
    """Fed by sessions, emptied by listen(); outlives sessions, so that a lost one loses nothing."""

    def __init__(self, clean: Callable[[str], str], clock: Callable[[], datetime] = _now) -> None:
        self._clean = clean
        self._clock = clock
        self._entries: deque[_Entry] = deque()
        self._assembly = pieces.Assembly[tuple[Session, int]]()
        self._repeats = Repeats()
        self._stir = asyncio.Event()

    def arrived(self, session: Session, deliveries: list[Pdu]) -> None:
        """Take the deliver_sm of one read."""
        now = self._clock()
        for one in deliveries:
            if len(self._entries) >= _MOST:
                session.answer(one.sequence, pdu.CODE["ESME_RX_T_APPN"])
            else:
                self._file(session, one, now)
        self._stir.set()

    def stir(self) -> None:
        """Wake hand_on(), because the session has ended."""
        self._stir.set()

    async def hand_on(self, session: Session, take: Take) -> None:
        """Hand on and answer until the session is lost and nothing is left; what `take` refuses is kept."""
        while True:
            await self._gather(session)
            while batch := list(islice(self._entries, _BATCH)):
                if brought := [entry.brought for entry in batch if entry.brought]:
                    await take(brought)
                for entry in batch:
                    self._entries.popleft()
                    _answer(entry, self._clock())
            if session.lost:
                return

    async def _gather(self, session: Session) -> None:
        while not self._entries and not session.lost:
            self._stir.clear()
            try:
                async with asyncio.timeout(0.5 if self._assembly.waits else None):
                    await self._stir.wait()
            except TimeoutError:
                pass
            now = self._clock()
            self._keep(self._assembly.due(now), session, now)

    def _file(self, session: Session, one: Pdu, now: datetime) -> None:
        sm = Sm.decode(one.body)
        token = (session, one.sequence)
        if receipts.is_receipt(sm):
            receipt = receipts.receipt(sm, now, self._clean)
            self._entries.append(_Entry(brought=receipt, tokens=(token,)))
        else:
            self._keep(self._assembly.add(pieces.piece(sm), token, now), session, now)

    def _keep(self, handed: list[pieces.Handed[tuple[Session, int]]], session: Session, now: datetime) -> None:
        for one in handed:
            if one.text is None:
                self._entries.append(_Entry(brought=None, tokens=one.tokens))
                continue
            seen = self._repeats.seen(one.text.digest, session, now)
            text = Incoming(id=seen.id, sender=one.text.sender, text=one.text.text, at=one.text.at)
            self._entries.append(_Entry(brought=text, tokens=one.tokens, seen=seen))


def _answer(entry: _Entry, now: datetime) -> None:
    answered = [session.answer(sequence) for session, sequence in entry.tokens]
    if entry.seen and all(answered):
        entry.seen.acknowledged = now
