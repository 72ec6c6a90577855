"""The queue most would write first: one row a resident, claimed with SKIP LOCKED, sent by our own channel, updated.

`rowclaim.py DSN CHANNEL URL` waits for a line, says that it goes, works until the queue is empty, and waits again.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence

import asyncpg
import uvloop

from channels import kinds
from channels.contract import Address, Channel, Notice, Outcome

CLAIMED = 1_000  # rows at once, as many as a batch of ours
LANES = 3  # as many as ours
TEXT = "LATIHAN. BANJIR Desa Kuala Dua. Posko 0561-765432. S.d. 21.30. Kabar 20.30. BPBD Contoh"

CLAIM = """
UPDATE queue SET state = 1 WHERE id IN (
    SELECT id FROM queue WHERE state = 0 ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED) RETURNING id, value
"""
SENT = """
UPDATE queue q SET state = 2, ref = s.ref, at = now() FROM unnest($1::bigint[], $2::text[]) s (id, ref)
WHERE q.id = s.id
"""


async def lane(pool: asyncpg.Pool, channel: Channel) -> None:  # type: ignore[type-arg]
    """Claim, send and write down until nothing is left."""
    while rows := await pool.fetch(CLAIM, CLAIMED):
        outcomes: list[Outcome] = []
        await channel.send(Notice(id="bench", language="id", text=TEXT), given(rows), outcomes.append)
        await pool.execute(SENT, [o.address_id for o in outcomes], ["".join(o.refs) for o in outcomes])


async def given(rows: Sequence[asyncpg.Record]) -> AsyncIterator[Address]:
    """Hand out what was claimed."""
    for row in rows:
        yield Address(id=row["id"], value=row["value"], key=str(row["id"]))


async def main() -> None:
    """Empty the queue at each line."""
    dsn, name, url = sys.argv[1:]
    loop, channel = asyncio.get_running_loop(), kinds()[name].from_url(url)
    await channel.open()
    async with asyncpg.create_pool(dsn, min_size=LANES, max_size=LANES) as pool:
        print("ready", flush=True)
        while await loop.run_in_executor(None, sys.stdin.readline):
            print("going", flush=True)
            await asyncio.gather(*(lane(pool, channel) for _ in range(LANES)))


if __name__ == "__main__":
    uvloop.run(main())
