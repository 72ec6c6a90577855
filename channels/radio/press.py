"""The press: a pool of niced processes that make kits, so that no loop and no other channel ever waits for them."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import ParamSpec, TypeVar

from channels.contract import Unavailable

P = ParamSpec("P")
T = TypeVar("T")

PROCESSES = 2


class Broken(Exception):
    """A piece of a kit could not be made; the sentence says why."""


class Press:
    """Processes start at the first piece of work; one that dies or hangs is replaced, and its work told as Broken."""

    def __init__(self, processes: int = PROCESSES) -> None:
        self._processes = processes
        self._pool: ProcessPoolExecutor | None = None
        self._pools: set[ProcessPoolExecutor] = set()  # whose processes may run
        self._room: tuple[asyncio.AbstractEventLoop, asyncio.Semaphore] | None = None
        self._closed = 0  # times

    async def run(self, timeout: float, make: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `make` in a process; raise Unavailable when there is no room on the disk, Broken for any other fault.

        `timeout` is of the work itself, in seconds: what waits for a free process is not late yet.
        """
        work, closed = partial(make, *args, **kwargs), self._closed
        try:
            try:
                return await self._together(timeout, work)
            except BrokenProcessPool:
                if closed != self._closed:
                    raise
                # Maybe it is a neighbour that hung or died: by itself, this work shows whether it was at fault.
                return await self._alone(timeout, work)
        except TimeoutError:
            raise Broken(f"{_name(make)} took longer than {timeout:g} seconds") from None
        except BrokenProcessPool:
            raise Broken(f"the process of {_name(make)} ended before its work was done") from None
        except OSError as error:
            if isinstance(error, FileNotFoundError):  # its desk was cleared, or its makings are gone: that is no disk
                raise Broken(f"{_name(make)} failed: a file it needs is gone") from error
            raise Unavailable(f"the kit cannot be written: {error.strerror or error}") from error
        except Exception as error:
            raise Broken(f"{_name(make)} failed: {type(error).__name__}: {error}"[:300]) from error

    async def _together(self, timeout: float, work: Callable[[], T]) -> T:
        loop, room = asyncio.get_running_loop(), self._slots()
        await room.acquire()
        try:
            pool = self._pool = self._pool or self._begun(self._processes)
            made = pool.submit(work)
        except BaseException as error:
            room.release()
            if isinstance(error, BrokenProcessPool):
                self._drop(pool)
            raise

        def freed(_: object) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(room.release)

        made.add_done_callback(freed)  # and not before: a process works on when nobody waits for it any more
        return await self._waited(pool, timeout, made)

    async def _alone(self, timeout: float, work: Callable[[], T]) -> T:
        pool = self._begun(1)
        try:
            return await self._waited(pool, timeout, pool.submit(work))
        finally:
            self._drop(pool)

    async def _waited(self, pool: ProcessPoolExecutor, timeout: float, made: Future[T]) -> T:
        try:
            async with asyncio.timeout(timeout):
                return await asyncio.wrap_future(made)
        except (TimeoutError, BrokenProcessPool):
            self._drop(pool)
            raise
        except asyncio.CancelledError:
            asyncio.get_running_loop().call_later(timeout, self._late, pool, made)
            raise

    def _late(self, pool: ProcessPoolExecutor, made: Future[T]) -> None:
        """End a process that hangs over work for which nobody waits any more."""
        if not made.done():
            self._drop(pool)

    def _slots(self) -> asyncio.Semaphore:
        """One for each process, so that none waits within the pool: whatever waits there ends with the pool."""
        loop = asyncio.get_running_loop()
        if self._room is None or self._room[0] is not loop:
            self._room = (loop, asyncio.Semaphore(self._processes))
        return self._room[1]

    def _begun(self, processes: int) -> ProcessPoolExecutor:
        pool = _pool(processes)
        self._pools.add(pool)
        return pool

    def close(self) -> None:
        """End every process at once; what was being made is lost and is made again."""
        self._closed += 1
        for pool in list(self._pools):
            self._drop(pool)

    def _drop(self, pool: ProcessPoolExecutor) -> None:
        """Forget a pool and end its processes: shutdown alone would wait for the one that hangs."""
        self._pools.discard(pool)
        if self._pool is pool:
            self._pool = None
        processes = list((getattr(pool, "_processes", None) or {}).values())
        pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            with contextlib.suppress(ValueError, OSError, TypeError):
                os.killpg(process.pid, signal.SIGKILL)  # with the voice or codec it started
            with contextlib.suppress(ValueError, OSError):
                process.kill()
                process.join(5)


def _pool(processes: int) -> ProcessPoolExecutor:
    # spawn: a fork of a process with threads and an event loop may hang.
    return ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn"), initializer=_humble)


def _humble() -> None:
    """Give way: text on the other channels goes first. And end with the service, however it ends."""
    if hasattr(os, "nice"):
        os.nice(10)
    with contextlib.suppress(OSError):
        os.setpgid(0, 0)
    threading.Thread(target=_follow, daemon=True, name="follow the service").start()


def _follow() -> None:
    service = multiprocessing.parent_process()
    if service is None:
        return
    service.join()
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def _name(make: Callable[..., object]) -> str:
    return getattr(make, "__name__", "a piece of the kit").strip("_").replace("_", " ")
