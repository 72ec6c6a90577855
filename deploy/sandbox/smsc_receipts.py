"""The receipts of the sandbox SMSC: made of submits, kept until a session hears, brought again until answered."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from datetime import datetime
from functools import lru_cache
from typing import Protocol

from channels.sms import pdu
from channels.sms.pdu import Sm

WINDOW = 1_000  # receipts one session may leave unanswered
_AGAIN = 0.1  # seconds until a receipt that was refused is brought again


class Hearer(Protocol):
    """A session that can take receipts."""

    @property
    def places(self) -> int:
        """How many more it may be given before it answers."""

    def bring(self, bodies: list[bytes]) -> None:
        """Send these as deliver_sm."""


class Receipts:
    """What is still to be said; spread over all sessions that hear, as an SMSC does.

    `twice` brings each receipt again, `delay` (seconds) late, `mixed` those of one read in any order.
    """

    def __init__(self, *, twice: bool = False, delay: float = 0.0, mixed: bool = False) -> None:
        self._twice = twice
        self._delay = delay
        self._mixed = random.Random(1) if mixed else None
        self._kept: deque[bytes] = deque()
        self._hearers: deque[Hearer] = deque()

    def add(self, bodies: list[bytes]) -> None:
        """Take the receipts of one read: brought at once, or after the delay, twice, in any order."""
        if self._twice:
            bodies = bodies * 2
        if self._mixed is not None:
            self._mixed.shuffle(bodies)
        if self._delay:
            asyncio.get_running_loop().call_later(self._delay, self._keep, bodies)
        else:
            self._keep(bodies)

    def again(self, body: bytes) -> None:
        """Bring one that was refused again after a while."""
        asyncio.get_running_loop().call_later(_AGAIN, self._keep, [body])

    def came(self, hearer: Hearer) -> None:
        """A session that hears was bound: it gets what was kept."""
        self._hearers.append(hearer)
        self.pass_on()

    def went(self, hearer: Hearer, unanswered: list[bytes]) -> None:
        """A session ended: what it left unanswered goes to the next one."""
        if hearer in self._hearers:
            self._hearers.remove(hearer)
        self._kept.extendleft(reversed(unanswered))
        self.pass_on()

    def pass_on(self) -> None:
        """Give out what there is, as far as the sessions have places."""
        for hearer in list(self._hearers):
            some = [self._kept.popleft() for _ in range(min(hearer.places, len(self._kept)))]
            if some:
                hearer.bring(some)
                self._hearers.rotate(-1)

    def _keep(self, bodies: list[bytes]) -> None:
        self._kept.extend(bodies)
        self.pass_on()


def receipt(body: bytes, ref: str, now: datetime, failed: bool) -> bytes:
    """Return the deliver_sm that says what became of a submit_sm; empty if it asked for none."""
    source, destination, registered = ends(body)
    if not registered & 1:
        return b""
    date = f"{now.year % 100:02}{now.month:02}{now.day:02}{now.hour:02}{now.minute:02}"
    blank = "?" * len(ref)
    return b"\0" + destination + source + _words(blank, date, failed).replace(blank.encode(), ref.encode())


@lru_cache(maxsize=8)
def _words(ref: str, date: str, failed: bool) -> bytes:
    stat, count, state = ("UNDELIV", "000", 5) if failed else ("DELIVRD", "001", 2)
    words = f"id:{ref} sub:001 dlvrd:{count} submit date:{date} done date:{date} stat:{stat} err:000 text:"
    _, after = Sm(
        esm_class=4,
        octets=words.encode(),
        tlvs={pdu.RECEIPTED_MESSAGE_ID: ref.encode() + b"\0", pdu.MESSAGE_STATE: bytes((state,))},
    ).around()
    return after[1:]


def ends(body: bytes) -> tuple[bytes, bytes, int]:
    """Return TON, NPI and number of both ends, and registered_delivery: a load test has no time to read all."""
    first = body.find(0)
    second = body.find(0, first + 3)
    third = body.find(0, second + 3)
    after = body.find(0, body.find(0, third + 4) + 1) + 1
    return (
        body[first + 1 : second + 1],
        body[second + 1 : third + 1],
        body[after] if 0 < third < after < len(body) else 0,
    )
