"""Fan-out: the audience of a dispatch becomes batches, most at risk first, a step at a time."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import asyncpg

from crisis import db, log
from crisis.flow.pace import loop_now
from crisis.flow.walk import BATCH, Here, Walk
from crisis.model.alert import ENDING, Mode
from crisis.model.words import Purpose

logger = log.get("fanout")

FIRST_STEP = 1_000  # addresses looked at inside the release transaction: the first send waits for these only
STEP = 20_000  # addresses looked at in each later transaction
REST = 30.0  # seconds a dispatch is left alone after a step of it failed

# A second worker, or the release itself, may be at the same dispatch: whoever has the row expands it, the
# others skip it. A crash in mid-step rolls the step back and leaves the cursor where it was. Not a key is changed,
# so that a flush may name the dispatch in its retry rows meanwhile.
LOCK = """
SELECT d.id, d.channel, d.account, d.reach, d.urgent, d.at_rank, d.at_id, d.next_seq,
       a.mode, a.purpose, a.geometry::text AS geometry, a.area_ids, a.near_ids, a.refs, a.facts,
       greatest(d.made_at, a.sent) - interval '1 hour' AS risen_since
FROM dispatch d JOIN alert a ON a.id = d.alert_id
WHERE d.id = $1 AND NOT d.expanded AND d.state IN ('waiting', 'sending')
FOR NO KEY UPDATE OF d SKIP LOCKED
"""

# A station gets what we have, in the default language if need be: better read out by somebody who knows than silence.
PAGES = """
SELECT a.id, a.rank, a.language FROM address a LEFT JOIN station s ON s.address_id = a.id
WHERE a.channel = $1 AND a.resident_id IS NULL AND CASE WHEN s.id IS NULL
    THEN a.language = ANY($2::text[]) OR a.language = '' ELSE s.closed_at IS NULL AND (s.exercise OR NOT $3) END
ORDER BY a.id
"""

ANCESTORS = "SELECT id FROM dispatch WHERE alert_id = ANY($1::bigint[]) AND channel = $2 ORDER BY id"

ADD = """
INSERT INTO batch (dispatch_id, account, urgent, seq, language, address_ids) VALUES ($1, $2, $3, $4, $5, $6)
"""

# Whoever listens hears of new batches when this is committed; of nothing new ($6 empty) nobody is told.
ADVANCE = """
WITH advanced AS (UPDATE dispatch SET at_rank = $2, at_id = $3, next_seq = $4, expanded = $5 WHERE id = $1)
SELECT pg_notify('batch', $6) WHERE $6 <> ''
"""

# Done means: all expanded, every batch done, no retry left; an empty dispatch is done at once. Two who look at
# the same moment may both find it so; one counts. Whoever adds a batch in that moment holds the row: when it is free
# Postgres looks at the row again, but not at the batches. Its next_seq has changed then, and it is not done.
DONE = """
UPDATE dispatch d SET state = 'done', done_at = now()
FROM (SELECT id, next_seq FROM dispatch WHERE id = $1) s
WHERE d.id = s.id AND d.next_seq = s.next_seq AND d.expanded AND d.state IN ('waiting', 'sending')
  AND NOT EXISTS (SELECT FROM batch WHERE dispatch_id = $1 AND state IN ('ready', 'leased'))
  AND NOT EXISTS (SELECT FROM retry WHERE dispatch_id = $1)
"""

# One that another worker is at is skipped here too: asked for again and again it would keep this one spinning. Of
# equally urgent ones the one with the fewest batches: no channel waits for the million of another.
UNEXPANDED = """
SELECT id FROM dispatch
WHERE NOT expanded AND alert_id IS NOT NULL AND state IN ('waiting', 'sending') AND id <> ALL($1::bigint[])
ORDER BY urgent, next_seq, id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
"""


async def expand_step(connection: db.AnyConnection, dispatch_id: int, most: int) -> bool:
    """Put the next addresses of a dispatch into batches inside the caller's transaction.

    Looks at about `most` addresses, or takes a small audience whole; tells whether there may be more. A dispatch
    another worker is expanding, or that was stopped, is left alone.
    """
    row = await connection.fetchrow(LOCK, dispatch_id)
    if row is None:
        return False
    here = Here(rank=row["at_rank"], id=row["at_id"], seq=row["next_seq"])
    there = await (_pages(connection, row, here) if row["reach"] == "posted" else _next(connection, row, here, most))
    found = there.seq > here.seq
    call = f"{row['account']} {row['urgent']}" if found or not there.more else ""
    await connection.execute(ADVANCE, dispatch_id, there.rank, there.id, there.seq, not there.more, call)
    if not found and not there.more:  # with a batch just made it is surely not done
        await connection.execute(DONE, dispatch_id)
    return there.more


async def _next(connection: db.AnyConnection, row: asyncpg.Record, here: Here, most: int) -> Here:
    """Go on with those an earlier alert of the chain reached, then with those inside now, unless this one ends it."""
    ancestors = [r["id"] for r in await connection.fetch(ANCESTORS, row["refs"], row["channel"])] if row["refs"] else []
    walk = Walk(connection, row, ancestors)
    if ancestors and here.rank < 0:
        here = await walk.reached(here, most)
        if here.rank < 0:
            return here
    if Purpose(row["purpose"]) in ENDING:
        return replace(here, more=False)
    return await walk.inside(here, most)


async def _pages(connection: db.AnyConnection, row: asyncpg.Record, here: Here) -> Here:
    """Take every page of a posted channel at once."""
    pages = await connection.fetch(PAGES, row["channel"], row["facts"]["languages"], Mode(row["mode"]).drill)
    return replace(here, seq=await _add_batches(connection, row, pages, row["facts"]["languages"]), more=False)


async def _add_batches(
    connection: db.AnyConnection,
    row: asyncpg.Record,
    found: Sequence[asyncpg.Record],
    languages: Sequence[str],
) -> int:
    by_language: dict[str, list[int]] = defaultdict(list)
    for member in found:  # a batch is sent in one language; one we have no words for gets the default
        language = member["language"] if member["language"] in languages else languages[0]
        by_language[language].append(member["id"])
    seq: int = row["next_seq"]
    batches = []
    for language, ids in by_language.items():
        for start in range(0, len(ids), BATCH):
            part = ids[start : start + BATCH]
            batches.append((row["id"], row["account"], row["urgent"], seq, language, part))
            seq += 1
    await connection.executemany(ADD, batches)
    return seq


class Stuck(Exception):
    """A step of this dispatch failed, and not because the database was away: the next one would fail as well."""

    def __init__(self, dispatch_id: int) -> None:
        super().__init__(f"dispatch {dispatch_id} cannot be expanded")
        self.dispatch_id = dispatch_id


async def expand_next(pool: db.Pool, resting: Sequence[int] = ()) -> bool:
    """Take one step of the most urgent dispatch not yet expanded; tell whether there was one but those `resting`.

    Raise Stuck when that step fails for a reason that does not pass by itself; nothing of it is kept.
    """
    async with pool.acquire() as connection, connection.transaction():
        dispatch_id = await connection.fetchval(UNEXPANDED, resting)
        if dispatch_id is None:
            return False
        try:
            await expand_step(connection, dispatch_id, STEP)
        except Exception as error:
            if db.is_brief(error) and not isinstance(error, TimeoutError):  # a step that takes too long would again
                raise
            raise Stuck(dispatch_id) from error
        return True


async def run(pool: db.Pool, wake: asyncio.Event, poll: float = 1.0) -> None:
    """Expand dispatches until cancelled: woken by a release, and by a slow poll in case a wake was missed.

    One that cannot be expanded is logged and left alone for REST: it keeps no other alert from leaving.
    """
    rests: dict[int, float] = {}
    while True:
        wake.clear()
        try:
            while await expand_next(pool, [i for i, until in rests.items() if until > loop_now()]):
                pass
        except Stuck as stuck:
            logger.exception("fanout.stuck", dispatch=stuck.dispatch_id)
            rests[stuck.dispatch_id] = loop_now() + REST
            continue
        except db.FAULTS as error:
            if not db.is_brief(error):
                raise
            logger.warning("fanout.database_lost", error=type(error).__name__)
        try:
            async with asyncio.timeout(poll):
                await wake.wait()
        except TimeoutError:
            continue
