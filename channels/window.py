"""How many sends one account may have in flight right now, learned from how its provider replies.

It doubles each round trip until the provider shows strain, then feels its way by small steps. What it
learns is in two pure functions, `learn` and `halve`; `Window` counts and hands out the slots.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import median
from time import monotonic
from typing import Final

START: Final = 10  # in flight before anything is known of the provider
STEP: Final = 8  # once strain was seen, a round trip adds an eighth
PATIENCE: Final = 2.0  # at twice its lowest latency a provider has as much waiting as in work
SLACK: Final = 0.05  # seconds; more wait than this begins to matter, and our own work can cost as much
STALE: Final = 60.0  # seconds after which a provider that seems strained is measured anew
TURN: Final = 8  # sends in a slot before it goes to who waits: handing it over costs as much as a tenth of a send
FEW: Final = 4  # in flight while it is: so few that none waits behind another


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """What is known of a provider: `lowest` is the least median latency of a round in seconds, `since` when learned."""

    size: int
    swift: bool = True  # no strain seen yet: double
    lowest: float = math.inf
    since: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One round trip's replies: their median latency in seconds, and whether every slot was in use."""

    latency: float
    full: bool
    at: float


def learn(known: Gauge, seen: Round, most: int) -> Gauge:
    """Say how many may be in flight after a round of replies; between 1 and `most`, more only where all were used."""
    if seen.latency < known.lowest:
        known = replace(known, lowest=seen.latency, since=seen.at)
    near = PATIENCE * known.lowest + SLACK
    if seen.latency > near:
        if seen.at - known.since > STALE:  # perhaps it is not strained but farther away than it was
            return Gauge(size=min(FEW, known.size), since=seen.at)
        shrunk = int(known.size * max(0.5, near / seen.latency))
        return replace(known, size=max(1, shrunk), swift=False)
    if not seen.full:
        return known
    more = known.size if known.swift else max(1, known.size // STEP)
    return replace(known, size=min(most, known.size + more))


def halve(known: Gauge) -> Gauge:
    """Say how many may be in flight after the provider throttled us or fell silent."""
    return replace(known, size=max(1, known.size // 2), swift=False)


class Window:
    """The slots of one account, shared by all its sends: never more than `most` in flight, first come first served."""

    def __init__(self, most: int, start: int = START, *, now: Callable[[], float] = monotonic) -> None:
        self.most, self.now = most, now
        self.in_flight = 0
        self._gauge = Gauge(size=max(1, min(start, most)))
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._begin_round()

    @property
    def size(self) -> int:
        """How many may be in flight right now."""
        return self._gauge.size

    async def enter(self) -> None:
        """Take a slot, waiting for one if need be; give it back by leave()."""
        if self._waiters or self.in_flight >= self._gauge.size:
            await self._turn()
        else:
            self.in_flight += 1
        if self.in_flight >= self._gauge.size:
            self._full = True

    def stay(self, sent: int) -> bool:
        """Tell whether who has sent so many in its slot may keep it: there is room, and it is nobody else's turn."""
        if self.in_flight >= self._gauge.size:
            self._full = True
        return self.in_flight <= self._gauge.size and (sent < TURN or not self._waiters)

    def leave(self) -> None:
        """Give a slot back; whoever waits longest has it at once."""
        self.in_flight -= 1
        if self._waiters:
            self._admit()

    def replied(self, began: float) -> None:
        """Learn from a send that was taken; `began` is when it went out, by `now`."""
        if began < self._began:  # it went out under another size and tells of that
            return
        at = self.now()
        self._latencies.append(at - began)
        if len(self._latencies) * 2 >= self._gauge.size:
            self._become(learn(self._gauge, Round(latency=median(self._latencies), full=self._full, at=at), self.most))

    def strained(self, began: float) -> None:
        """Yield to a provider that throttled a send or left it without a reply; once for each round trip."""
        if began >= self._began:
            self._become(halve(self._gauge))

    async def _turn(self) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._waiters.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # the slot was given in the same moment
                self.leave()
            elif turn in self._waiters:
                self._waiters.remove(turn)
            raise

    def _admit(self) -> None:
        while self._waiters and self.in_flight < self._gauge.size:
            turn = self._waiters.popleft()
            if not turn.done():
                self.in_flight += 1
                turn.set_result(None)

    def _become(self, known: Gauge) -> None:
        self._gauge = known
        self._begin_round()
        self._admit()

    def _begin_round(self) -> None:
        self._began = self.now()
        self._latencies: list[float] = []
        self._full = self.in_flight >= self._gauge.size
