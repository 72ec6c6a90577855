"""Fan-out: the audience of a dispatch becomes batches, most at risk first, a step at a time."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence

import asyncpg

from crisis import db, log
from crisis.model.alert import ENDING, Mode
from crisis.model.area import bounds, from_geojson
from crisis.model.audience import Place, Target, members
from crisis.model.words import Purpose

logger = log.get("fanout")

BATCH = 1_000  # addresses of a batch
FIRST_STEP = 1_000  # addresses looked at inside the release transaction: the first send waits for these only
STEP = 20_000  # addresses looked at in each later transaction

# A second worker, or the release itself, may be at the same dispatch: whoever has the row expands it, the
# others skip it. A crash in mid-step rolls the step back and leaves the cursor where it was.
LOCK = """
SELECT d.id, d.channel, d.account, d.reach, d.urgent, d.at_rank, d.at_id, d.next_seq,
       a.mode, a.purpose, a.geometry, a.area_ids, a.near_ids, a.refs, a.area_desc, a.facts
FROM dispatch d JOIN alert a ON a.id = d.alert_id
WHERE d.id = $1 AND NOT d.expanded AND d.state IN ('waiting', 'sending')
FOR UPDATE OF d SKIP LOCKED
"""

# Candidates only: the box lets in a superset, members() decides. A follow-up looks at everybody on the
# channel, because those its chain went to may have been anywhere.
CANDIDATES = """
SELECT a.id, a.rank, a.language, r.area_id, r.lon, r.lat,
       EXISTS (SELECT FROM attempt t WHERE t.dispatch_id = ANY($10::bigint[]) AND t.address_id = a.id
               AND t.outcome IN ('accepted', 'unknown')) AS reached
FROM address a JOIN resident r ON r.id = a.resident_id
WHERE a.channel = $1 AND (a.rank, a.id) > ($2::smallint, $3::bigint)
  AND a.opted_out_at IS NULL AND r.consent_at IS NOT NULL AND (r.exercise OR NOT $4::boolean)
  AND (r.area_id = ANY($5::bigint[]) OR (r.lon BETWEEN $6 AND $8 AND r.lat BETWEEN $7 AND $9)
       OR cardinality($10::bigint[]) > 0)
ORDER BY a.rank, a.id LIMIT $11
"""

PAGES = """
SELECT id, rank, language FROM address
WHERE channel = $1 AND resident_id IS NULL AND (language = ANY($2::text[]) OR language = '') ORDER BY id
"""

ANCESTORS = "SELECT id FROM dispatch WHERE alert_id = ANY($1::bigint[]) AND channel = $2"

# A batch that was leased and is not finished may have sends in flight that no attempt tells of yet; whoever is
# in it counts as reached, for a cancel too many hurts less than one missed.
IN_FLIGHT = """
SELECT unnest(address_ids) AS id FROM batch
WHERE dispatch_id = ANY($1::bigint[]) AND lease > 0 AND state <> 'done'
"""

ADD = """
INSERT INTO batch (dispatch_id, account, urgent, seq, language, address_ids) VALUES ($1, $2, $3, $4, $5, $6)
"""

ADVANCE = "UPDATE dispatch SET at_rank = $2, at_id = $3, next_seq = $4, expanded = $5 WHERE id = $1"

# Done means: all expanded, every batch done, no retry left; an empty dispatch is done at once. Two who look at
# the same moment may both find it so; one counts.
DONE = """
UPDATE dispatch SET state = 'done', done_at = now()
WHERE id = $1 AND expanded AND state IN ('waiting', 'sending')
  AND NOT EXISTS (SELECT FROM batch WHERE dispatch_id = $1 AND state IN ('ready', 'leased'))
  AND NOT EXISTS (SELECT FROM retry WHERE dispatch_id = $1)
"""

WAKE = "SELECT pg_notify('batch', $1)"

UNEXPANDED = """
SELECT id FROM dispatch
WHERE NOT expanded AND alert_id IS NOT NULL AND state IN ('waiting', 'sending') ORDER BY urgent, id LIMIT 1
"""


async def expand_step(connection: db.AnyConnection, dispatch_id: int, most: int) -> bool:
    """Put the next addresses of a dispatch into batches inside the caller's transaction.

    Looks at no more than `most` addresses; tells whether there may be more. A dispatch another worker is
    expanding, or that was stopped, is left alone.
    """
    row = await connection.fetchrow(LOCK, dispatch_id)
    if row is None:
        return False
    found, last, more = await _next_members(connection, row, most)
    languages = row["facts"]["languages"]
    seq = await _add_batches(connection, row, found, languages)
    await connection.execute(ADVANCE, dispatch_id, *last, seq, not more)
    await connection.execute(DONE, dispatch_id)
    await connection.execute(WAKE, f"{row['account']} {row['urgent']}")
    return more


async def _next_members(
    connection: db.AnyConnection, row: asyncpg.Record, most: int
) -> tuple[Sequence[asyncpg.Record], tuple[int, int], bool]:
    here = (row["at_rank"], row["at_id"])
    if row["reach"] == "posted":
        return await connection.fetch(PAGES, row["channel"], row["facts"]["languages"]), here, False
    ancestors = [r["id"] for r in await connection.fetch(ANCESTORS, row["refs"], row["channel"])]
    target = Target(
        geometry=from_geojson(row["geometry"]),
        desc=row["area_desc"],
        area_ids=frozenset(row["area_ids"]),
        near_ids=frozenset(row["near_ids"]),
    )
    candidates = await connection.fetch(
        CANDIDATES,
        row["channel"],
        *here,
        Mode(row["mode"]).drill,
        [*target.area_ids, *target.near_ids],
        *bounds(target.geometry),
        ancestors,
        most,
    )
    in_flight = {r["id"] for r in await connection.fetch(IN_FLIGHT, ancestors)} if ancestors else set()
    found = choose(candidates, target, in_flight, reached_only=Purpose(row["purpose"]) in ENDING)
    last = (candidates[-1]["rank"], candidates[-1]["id"]) if candidates else here
    return found, last, len(candidates) == most


def choose(
    candidates: Sequence[asyncpg.Record], target: Target, in_flight: set[int], *, reached_only: bool
) -> Sequence[asyncpg.Record]:
    """Keep those the alert is for: inside now, or reached before; an ending goes to the reached only."""
    places = [Place(area_id=c["area_id"], lon=c["lon"], lat=c["lat"]) for c in candidates]
    inside_now = members(target, places)
    return [
        c
        for c, inside in zip(candidates, inside_now, strict=True)
        if c["reached"] or c["id"] in in_flight or (inside and not reached_only)
    ]


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


async def expand_next(pool: db.Pool) -> bool:
    """Take one step of the most urgent dispatch not yet expanded; tell whether there was one."""
    async with pool.acquire() as connection, connection.transaction():
        dispatch_id = await connection.fetchval(UNEXPANDED)
        if dispatch_id is None:
            return False
        await expand_step(connection, dispatch_id, STEP)
        return True


async def run(pool: db.Pool, wake: asyncio.Event, poll: float = 1.0) -> None:
    """Expand dispatches until cancelled: woken by a release, and by a slow poll in case a wake was missed."""
    while True:
        wake.clear()
        try:
            while await expand_next(pool):
                pass
        except db.FAULTS as error:
            if not db.is_brief(error):
                raise
            logger.warning("fanout.database_lost", error=type(error).__name__)
        try:
            async with asyncio.timeout(poll):
                await wake.wait()
        except TimeoutError:
            continue
