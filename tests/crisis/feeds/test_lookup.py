"""Names of hosts are looked up without delaying anything else."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Any

import pytest

from crisis.feeds.lookup import Lookup


async def test_a_silent_name_server_delays_nothing_else() -> None:
    """While many look-ups hang, documents are still read in the shared threads, and other names are found."""
    silent = threading.Event()

    def look_up(host: str, *asked: Any) -> Any:
        if host != "localhost":
            silent.wait(20)
        return socket.getaddrinfo(host, *asked)

    lookup = Lookup(look_up)
    hanging = [asyncio.create_task(lookup.resolve(f"silent{n}.invalid")) for n in range(20)]
    try:
        async with asyncio.timeout(5):
            assert await asyncio.to_thread(lambda: 7) == 7
            assert (await lookup.resolve("localhost", 80))[0]["host"] == "127.0.0.1"
    finally:
        silent.set()
        await lookup.close()
        for task in hanging:
            task.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)


async def test_a_name_that_nobody_has_is_an_error() -> None:
    """As the operating system tells it."""
    lookup = Lookup()
    with pytest.raises(socket.gaierror):
        await lookup.resolve("no-such-host.invalid", 443)
    await lookup.close()
