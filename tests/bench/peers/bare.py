"""A bare aiohttp loop: post, read, next; no database, nothing kept. What the client library itself can do."""

from __future__ import annotations

import asyncio
import sys
import time

import aiohttp
import uvloop


async def send(url: str, text: str, in_flight: int, count: int) -> float:
    """Post `count` sends with so many in flight; give the seconds it took."""
    numbers = iter(range(1, count + 1))

    async def lane() -> None:
        for n in numbers:
            body = {"chat_id": str(1_000_000_000 + n), "text": text, "disable_web_page_preview": True}
            async with session.post(url, json=body) as reply:
                await reply.read()

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=in_flight)) as session:
        start = time.perf_counter()
        await asyncio.gather(*(lane() for _ in range(in_flight)))
        return time.perf_counter() - start


async def main() -> None:
    """Answer each line COUNT with the seconds it took."""
    url, text, in_flight = sys.argv[1], sys.argv[2], int(sys.argv[3])
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        print(await send(url, text, in_flight, int(line)), flush=True)


if __name__ == "__main__":
    uvloop.run(main())
