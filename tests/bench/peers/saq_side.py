"""SAQ's side of the benches, run in .venv-bench: `work` sends, `drive` queues what a line "RUN COUNT" asks for."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

import aiohttp
import asyncpg
import uvloop
from saq import Queue
from saq.worker import Worker

DSN, URL, TEXT = os.environ["PEER_DSN"], os.environ["PEER_URL"], os.environ["PEER_TEXT"]
AT_ONCE = 200
READ = "SELECT id, chat FROM subscriber ORDER BY id LIMIT $1"
SENT = "INSERT INTO sent (run, subscriber, state, ref) VALUES ($1, $2, 'sent', $3)"


async def deliver(ctx: dict[str, Any], *, run: int, subscriber: int, chat: str) -> None:
    """Post one and commit its row."""
    body = {"chat_id": chat, "text": TEXT, "disable_web_page_preview": True}
    async with ctx["session"].post(URL, json=body) as reply:
        told = await reply.json()
    await ctx["pool"].execute(SENT, run, subscriber, str(told["result"]["message_id"]))


async def begin(ctx: dict[str, Any]) -> None:
    """Open the session and the pool once for the process."""
    ctx["session"] = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
    ctx["pool"] = await asyncpg.create_pool(DSN, min_size=8, max_size=8)
    print("ready", flush=True)


async def work() -> None:
    """Run one worker process."""
    queue = Queue.from_url(os.environ["PEER_REDIS"])
    await Worker(queue, [deliver], concurrency=int(os.environ["PEER_CONCURRENCY"]), startup=begin).start()


async def drive() -> None:
    """Queue a delivery for each subscriber of each line asked for."""
    queue = Queue.from_url(os.environ["PEER_REDIS"])
    connection = await asyncpg.connect(DSN)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        run, count = map(int, line.split())
        rows = await connection.fetch(READ, count)
        for start in range(0, len(rows), AT_ONCE):
            part = rows[start : start + AT_ONCE]
            await asyncio.gather(
                *(queue.enqueue("deliver", run=run, subscriber=r["id"], chat=r["chat"], ttl=60) for r in part)
            )
        print("queued", len(rows), flush=True)


if __name__ == "__main__":
    uvloop.run(work() if sys.argv[1] == "work" else drive())
