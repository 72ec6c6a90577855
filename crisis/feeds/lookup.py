"""Looks up names of hosts in threads of its own: a name server that is silent for long delays nothing else."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

THREADS = 32  # a look-up cannot be stopped, and each waits alone for the operating system to give up

LookUp = Callable[[str, int, int, int], Sequence[tuple[Any, ...]]]


class Lookup(AbstractResolver):
    """Resolves names. The threads that others share, in which documents are read and signed, are never waited for."""

    def __init__(self, look_up: LookUp = socket.getaddrinfo) -> None:
        self._look_up, self._threads = look_up, ThreadPoolExecutor(THREADS, thread_name_prefix="lookup")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        asked = (host, port, family, socket.SOCK_STREAM)
        found = await loop.run_in_executor(self._threads, self._look_up, *asked)
        return [_result(host, place[0], place[2], place[4]) for place in found if _is_usable(place)]

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _is_usable(place: tuple[Any, ...]) -> bool:
    """Leave out link-local addresses, which need a network card's name and are no feed's."""
    return place[0] == socket.AF_INET or (place[0] == socket.AF_INET6 and len(place[4]) > 3 and not place[4][3])


def _result(host: str, family: int, proto: int, address: tuple[Any, ...]) -> ResolveResult:
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return ResolveResult(hostname=host, host=address[0], port=address[1], family=family, proto=proto, flags=flags)
