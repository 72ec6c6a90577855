"""How long a station may keep us waiting: so long without a sign of life, and never for ever."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final, TypeVar

from channels.contract import Unavailable

T = TypeVar("T")
CONNECT: Final = 5.0  # seconds
AT_MOST: Final = 10  # times the patience for a whole kit: a line that trickles must not hold us


class Patience:
    """The wait of one carriage; every piece that went through winds it up again."""

    def __init__(self, limit: asyncio.Timeout, quiet: float, longest: float) -> None:
        self._limit = limit
        self.quiet = quiet
        self._clock = asyncio.get_running_loop().time
        self._end = self._clock() + longest

    def moved(self) -> None:
        """Say that something went through."""
        self._limit.reschedule(min(self._clock() + self.quiet, self._end))


@asynccontextmanager
async def patience(quiet: float, *, longest: float | None = None) -> AsyncIterator[Patience]:
    """Bound what is done inside to `quiet` seconds without progress; raise Unavailable when they are over."""
    try:
        async with asyncio.timeout(quiet) as limit:
            yield Patience(limit, quiet, longest or quiet * AT_MOST)
    except TimeoutError:
        raise Unavailable("the station does not answer, or too slowly", code="no reply in time") from None


async def connected(host: str, port: int, quiet: float) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a connection within `quiet` seconds, and within five; raises OSError, of which TimeoutError is one."""
    async with asyncio.timeout(min(CONNECT, quiet)):
        return await asyncio.open_connection(host, port)


async def apart(work: Callable[[], T]) -> T:
    """Run blocking work in a daemon thread of its own: a folder whose server hangs holds up no pool and no exit."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if future.cancelled():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        result, error = None, None
        try:
            result = work()
        except BaseException as failure:
            error = failure
        with suppress(RuntimeError):  # the loop has ended: nobody waits any more
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=run, daemon=True, name="station folder").start()
    return await future
