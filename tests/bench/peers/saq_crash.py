"""SAQ as one sets it up to survive a kill, run in .venv-bench: three tries, two seconds each, swept every half second.

By default a call gets one try, and those that a killed worker had are given up a minute later. `work` sends; `drive`
answers "RUN COUNT" by queueing, and "sweep" by giving what dead workers had in hand back to the queue.
"""

from __future__ import annotations

import asyncio
import os
import sys

import asyncpg
import uvloop
from saq import Queue
from saq_side import AT_ONCE, DSN, READ, work

ABORT = 0.02  # seconds to wait for each call's former worker to say something; by default 5


async def drive() -> None:
    """Queue, or sweep, as each line asks."""
    queue = Queue.from_url(os.environ["PEER_REDIS"])
    connection = await asyncpg.connect(DSN)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        if line.strip() == "sweep":
            print(len(await queue.sweep(lock=1, abort=ABORT)), flush=True)
            continue
        run, count = map(int, line.split())
        rows = await connection.fetch(READ, count)
        for start in range(0, len(rows), AT_ONCE):
            part = [{"run": run, "subscriber": r["id"], "chat": r["chat"]} for r in rows[start : start + AT_ONCE]]
            await asyncio.gather(*(queue.enqueue("deliver", ttl=60, retries=3, timeout=2, **each) for each in part))
        print("queued", len(rows), flush=True)


if __name__ == "__main__":
    uvloop.run(work() if sys.argv[1] == "work" else drive())
