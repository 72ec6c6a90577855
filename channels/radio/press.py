"""The press: a pool of niced processes that make kits, so that no loop and no other channel ever waits for them."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
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

    async def run(self, timeout: float, make: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `make` in a process; raise Unavailable when there is no room on the disk, Broken for any other fault."""
        pool = self._pool = self._pool or _pool(self._processes)
        try:
            async with asyncio.timeout(timeout):
                return await asyncio.wrap_future(pool.submit(make, *args, **kwargs))
        except TimeoutError:
            self._drop(pool)
            raise Broken(f"{_name(make)} took longer than {timeout:g} seconds") from None
        except BrokenProcessPool:
            self._drop(pool)
            raise Broken(f"the process of {_name(make)} ended before its work was done") from None
        except OSError as error:
            raise Unavailable(f"the kit cannot be written: {error.strerror or error}") from error
        except Exception as error:
            raise Broken(f"{_name(make)} failed: {type(error).__name__}: {error}"[:300]) from error

    def close(self) -> None:
        """End every process at once; what was being made is lost and is made again."""
        if self._pool is not None:
            self._drop(self._pool)

    def _drop(self, pool: ProcessPoolExecutor) -> None:
        """Forget a pool and end its processes: shutdown alone would wait for the one that hangs."""
        if self._pool is pool:
            self._pool = None
        processes = list((getattr(pool, "_processes", None) or {}).values())
        pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            with contextlib.suppress(ValueError, OSError):
                process.kill()
                process.join(5)


def _pool(processes: int) -> ProcessPoolExecutor:
    # spawn: a fork of a process with threads and an event loop may hang.
    return ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn"), initializer=_humble)


def _humble() -> None:
    """Give way: text on the other channels goes first."""
    if hasattr(os, "nice"):
        os.nice(10)


def _name(make: Callable[..., object]) -> str:
    return getattr(make, "__name__", "a piece of the kit").strip("_").replace("_", " ")
