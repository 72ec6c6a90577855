"""Pace: how fast, and whether at all, one channel account may be fed right now."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

TRIPS_AFTER = 5  # failures in a row, none accepted between them
FIRST_PAUSE = 1.0  # seconds
LONGEST_PAUSE = 30.0
LONGEST_HOLD = 60.0  # however long one resident must wait, the account is tried again: an Extreme alert may be behind

SLICE = 0.1  # seconds of an account's rate that a worker takes from the shared bucket at once
BURST = 0.05  # seconds of the rate that may leave together: what a late timer or round trip is forgiven
FINEST = 0.002  # seconds: no timer is finer, what fell due meanwhile leaves together
ASK_AGAIN = 0.25  # seconds until a bucket that could not be reached is asked again

# Takes `seconds` of an account's rate from the bucket all workers share, after it has rested for `hold` more
# seconds; gives when what was taken begins, in seconds from now, or None while the bucket cannot be reached.
Ask = Callable[[str, float, float], Awaitable[float | None]]


@dataclass(slots=True)
class Breaker:
    """A circuit breaker in seconds of the loop's clock: closed, open until a time, then one probe at a time."""

    failures: int = 0
    pause: float = 0.0
    open_until: float = 0.0
    probing: bool = False

    def blocked_for(self, now: float) -> float:
        """Give the seconds until something may be tried."""
        return max(self.open_until - now, 0.0)

    def accepted(self) -> None:
        """Close: the provider works."""
        self.failures, self.pause, self.probing = 0, 0.0, False

    def failed(self, now: float) -> None:
        """Count a failure of the provider, and open for twice as long as before when there are too many."""
        self.failures += 1
        if self.failures >= TRIPS_AFTER or self.probing:
            self.trip(now)

    def trip(self, now: float, pause: float | None = None) -> None:
        """Open at once, for `pause` seconds or twice the former pause."""
        if pause is None and now < self.open_until:
            return  # those in flight at a trip fail after it: they tell of the same trouble, not of a longer one
        self.pause = min(max(self.pause * 2, FIRST_PAUSE), LONGEST_PAUSE)
        self.open_until = max(self.open_until, now + (self.pause if pause is None else min(pause, LONGEST_HOLD)))
        self.probing = True


@dataclass(slots=True)
class Slice:
    """So many sends of an account's rate, evenly from `start` on, in seconds of the loop's clock."""

    rate: float
    start: float = 0.0
    size: int = 0
    used: int = 0

    def spend(self, now: float) -> bool:
        """Take one if it is due and the slice is not yet stale: what was not used in its time is lost."""
        if self.used >= self.size or self.stale(now) or self.used > (now - self.start) * self.rate:
            return False
        self.used += 1
        return True

    def stale(self, now: float) -> bool:
        """Tell whether its time is over, for then its sends belong to nobody."""
        return now > self.start + self.size / self.rate + BURST

    def wait(self, now: float) -> float | None:
        """Give the seconds until the next is due; None when another slice is needed."""
        if self.used >= self.size or self.stale(now):
            return None
        return max(self.start + self.used / self.rate - now, 0.0)


@dataclass(slots=True)
class Pace:
    """The gate every address of an account passes: the breaker, the provider's wish, the account's rate.

    The rate is the account's, not the worker's: each worker takes a tenth of a second of it at a time from one
    bucket (`ask`), so that all workers together send at the rate and no faster.
    """

    rate: float
    breaker: Breaker = field(default_factory=Breaker)
    held: float = 0.0  # seconds the provider asked us to wait, which the other workers have not been told of
    _slice: Slice = field(init=False)
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self._slice = Slice(self.rate)

    def spend(self, now: float) -> bool:
        """Take leave for one send, if it may go this moment."""
        return self.rate <= 0 or self._slice.spend(now)

    async def more(self, account: str, ask: Ask) -> None:
        """Wait until another send may be due; spend() then tells."""
        async with self._asking:  # one lane asks, the others find what it got
            now = loop_now()
            wait = self._slice.wait(now)
            if wait is None:
                size = max(round(self.rate * SLICE), 1)
                held, self.held = self.held, 0.0
                begins = await ask(account, size / self.rate, held)
                if begins is None:
                    self.held = max(self.held, held)
                    await asyncio.sleep(ASK_AGAIN)
                    return
                self._slice = Slice(self.rate, loop_now() + begins, size)
                wait = self._slice.wait(loop_now())
        if wait:
            await asyncio.sleep(max(min(wait, SLICE), FINEST))

    def hold(self, now: float, seconds: float) -> None:
        """Hold the whole account as long as the provider asked, without counting it as a failure."""
        self.breaker.open_until = max(self.breaker.open_until, now + min(seconds, LONGEST_HOLD))
        self.held = max(self.held, min(seconds, LONGEST_HOLD))


def loop_now() -> float:
    """Give the loop's monotonic clock in seconds."""
    return asyncio.get_running_loop().time()
