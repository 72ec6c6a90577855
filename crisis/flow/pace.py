"""Pace: how fast, and whether at all, one channel account may be fed right now."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from aiolimiter import AsyncLimiter

TRIPS_AFTER = 5  # failures in a row, none accepted between them
FIRST_PAUSE = 1.0  # seconds
LONGEST_PAUSE = 30.0
LONGEST_HOLD = 60.0  # however long one resident must wait, the account is tried again: an Extreme alert may be behind


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
class Pace:
    """The gate every address of an account passes: the breaker, the provider's wish, the account's rate."""

    rate: float
    breaker: Breaker = field(default_factory=Breaker)
    _bucket: AsyncLimiter | None = None

    def __post_init__(self) -> None:
        if self.rate > 0:
            # The bucket holds a twentieth of a second (at least one), so a start is no burst over the limit.
            burst = max(self.rate / 20, 1.0)
            self._bucket = AsyncLimiter(burst, burst / self.rate)

    async def turn(self) -> None:
        """Wait until the account's rate allows one more."""
        if self._bucket is not None:
            await self._bucket.acquire()

    def hold(self, now: float, seconds: float) -> None:
        """Hold the whole account as long as the provider asked, without counting it as a failure."""
        self.breaker.open_until = max(self.breaker.open_until, now + min(seconds, LONGEST_HOLD))


def loop_now() -> float:
    """Give the loop's monotonic clock in seconds."""
    return asyncio.get_running_loop().time()
