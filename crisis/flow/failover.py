"""Failover: whom the first channel does not reach in time is warned on the resident's next one."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import asyncpg

from crisis import db, log
from crisis.model.alert import Mode
from crisis.model.area import from_geojson
from crisis.model.audience import Place, Target, members
from crisis.model.failover import SOONEST, Rule, Standing, Verdict, decide, look_again

logger = log.get("failover")

EVERY = 1.0  # seconds between two looks
AT_ONCE = 20  # batches of one look
BATCH = 1_000  # addresses of a batch
STUCK_FOR = timedelta(seconds=10)  # a next channel that is paused or not expanded is not asked for at every look
ABSENT = 10.0  # seconds from one look to the next: more, and the service or its database was away

LIVE = """
SELECT id, sent, mode, facts FROM alert
WHERE state = 'live' AND facts ? 'failover' AND expires > $1 ORDER BY urgent, id
"""

# One process at a time looks at an alert; the others go on to the next. The lock ends with the transaction, and
# with it, after a crash, all that a look had begun: the next look decides the same again.
ALONE = "SELECT pg_try_advisory_xact_lock(hashtextextended('failover ' || $1::bigint::text, 0))"

# A cancel, a pause, an update or the expiry takes this row before it stops the dispatches. Held shared until our
# commit, it makes them wait for the batches of this look, and stop those too: none is made after the alert has ended.
# It is asked for when all has been read and decided, so that none of them waits for more than a few writes.
STILL_LIVE = "SELECT FROM alert WHERE id = $1 AND state = 'live' FOR SHARE"

# Batches nobody has looked at. Of each only those with a channel left are kept: with most residents on one channel
# the rest of the work is for few. The last channel of the order has nothing after it and is never looked at.
ADOPT = """
INSERT INTO suspense (batch_id, dispatch_id, address_ids, since, look_at)
SELECT n.id, n.dispatch_id, coalesce(w.ids, '{}'), n.since,
       CASE WHEN w.ids IS NULL THEN 'infinity' ELSE n.since + $4 END
FROM (SELECT b.id, b.dispatch_id, b.address_ids, d.channel, coalesce(b.moved_at, $3) AS since
      FROM dispatch d JOIN batch b ON b.dispatch_id = d.id
      WHERE d.alert_id = $1 AND d.channel = ANY($2::text[]) AND array_position($2, d.channel) < cardinality($2::text[])
        AND NOT EXISTS (SELECT FROM suspense s WHERE s.batch_id = b.id)
      ORDER BY b.id LIMIT $5) n
CROSS JOIN LATERAL (
    SELECT array_agg(f.id) AS ids FROM unnest(n.address_ids) AS u (id) JOIN address f ON f.id = u.id
    WHERE EXISTS (SELECT FROM address e WHERE e.resident_id = f.resident_id AND e.opted_out_at IS NULL
                  AND e.channel = ANY($2) AND array_position($2, e.channel) > array_position($2, n.channel) OFFSET 0)
) w
"""

# What an officer paused or stopped waits or ends with all that is in it: nobody of it is moved on. While it was
# paused, or nobody was there to send, a channel could not speak: that silence says nothing of it.
DUE = """
SELECT s.batch_id FROM dispatch d JOIN suspense s ON s.dispatch_id = d.id JOIN batch b ON b.id = s.batch_id
WHERE d.alert_id = $1 AND d.state <> 'stopped' AND s.look_at <= $2
  AND (b.state = 'done' OR greatest(s.since, d.resumed_at, $5) + $3 <= $2)
ORDER BY s.look_at LIMIT $4
"""

# How the undecided of some batches stand, those who stand alike together: one row a second of acceptance, not one
# an address. A receipt is found from its attempt, by its key; no index leads from a receipt to an attempt, which
# would cost every send. A part has failed when something was said of it and never that it arrived.
LOOK = """
WITH one AS (
    SELECT s.batch_id, s.dispatch_id, greatest(s.since, d.resumed_at, $2) AS since, b.state = 'done' AS done, u.id
    FROM suspense s JOIN batch b ON b.id = s.batch_id JOIN dispatch d ON d.id = s.dispatch_id
    CROSS JOIN LATERAL unnest(s.address_ids) AS u (id)
    WHERE s.batch_id = ANY($1::bigint[])),
stood AS (
    SELECT o.batch_id, o.dispatch_id, o.since, o.done, o.id, max(t.account) AS account,
           max(t.at) FILTER (WHERE t.outcome = 'accepted') AS accepted_at,
           coalesce(bool_or(r.arrived >= cardinality(t.refs) AND r.arrived > 0), false) AS delivered,
           coalesce(bool_or(r.heard > r.arrived), false) AS failed
    FROM one o
    LEFT JOIN LATERAL (
        SELECT * FROM attempt WHERE dispatch_id = o.dispatch_id AND address_id = o.id OFFSET 0) t ON true
    LEFT JOIN LATERAL (
        SELECT count(DISTINCT p.ref) AS heard,
               count(DISTINCT p.ref) FILTER (WHERE p.state IN ('delivered', 'read')) AS arrived
        FROM receipt p WHERE p.account = t.account AND p.ref = ANY(t.refs) OFFSET 0) r ON t.outcome = 'accepted'
    GROUP BY 1, 2, 3, 4, 5)
SELECT s.batch_id, s.dispatch_id, s.since, s.account, max(s.accepted_at) AS accepted_at, s.delivered, s.failed,
       s.done AND y.address_id IS NULL AS ended, array_agg(s.id) AS ids
FROM stood s LEFT JOIN retry y ON y.dispatch_id = s.dispatch_id AND y.address_id = s.id
GROUP BY s.batch_id, s.dispatch_id, s.since, s.account, date_trunc('second', s.accepted_at), s.delivered, s.failed,
         s.done AND y.address_id IS NULL
"""

# The resident's addresses on the next channel of the order that has one, and whose dispatch was not stopped for
# good. `open` is false while that dispatch is paused or not all of its own audience is in batches.
NEXT = """
SELECT m.id AS was, n.id, n.language, n.rank, n.dispatch_id, n.open FROM unnest($2::bigint[]) AS m (id)
JOIN address f ON f.id = m.id
CROSS JOIN LATERAL (
    SELECT e.id, e.language, e.rank, d.id AS dispatch_id, d.expanded AND d.state <> 'stopped' AS open,
           rank() OVER (ORDER BY array_position($3::text[], e.channel)) AS place
    FROM address e JOIN dispatch d ON d.alert_id = $1 AND d.channel = e.channel
    WHERE e.resident_id = f.resident_id AND e.joined AND e.opted_out_at IS NULL AND (e.exercise OR NOT $4)
      AND (d.state <> 'stopped' OR d.stopped = 'paused')
      AND array_position($3, e.channel) > array_position($3, f.channel)) n
WHERE n.place = 1
"""

# A batch that is leased for the first time is not compared with the attempts: so whoever is in the dispatch already,
# tried or still in a batch, is left out here.
USED = """
SELECT u.id FROM unnest($1::bigint[], $2::bigint[]) AS u (id, dispatch_id)
WHERE EXISTS (SELECT FROM attempt t WHERE t.dispatch_id = u.dispatch_id AND t.address_id = u.id OFFSET 0)
   OR u.id IN (SELECT unnest(b.address_ids) FROM batch b
               WHERE b.dispatch_id = ANY($2) AND b.state IN ('ready', 'leased'))
"""

# A walk leaves out who has an earlier channel. Whoever opted out of that one before its own walk came by is in no
# batch at all. Once every walk has ended nobody can come to be so: it is asked once.
UNSWEPT = """
SELECT geometry::text AS geometry, area_desc, area_ids, near_ids FROM alert
WHERE id = $1 AND EXISTS (SELECT FROM dispatch WHERE alert_id = $1 AND channel = ANY($2::text[]) AND NOT swept)
  AND NOT EXISTS (SELECT FROM dispatch WHERE alert_id = $1 AND channel = ANY($2::text[])
                  AND (stopped = 'paused' OR (NOT expanded AND state <> 'stopped')))
"""
MISSED = """
SELECT a.id, a.area_id, a.lon, a.lat, d.id AS dispatch_id
FROM address a JOIN dispatch d ON d.alert_id = $1 AND d.channel = a.channel
WHERE a.opted_out_at >= $3::timestamptz - interval '1 minute' AND a.channel = ANY($2::text[])
  AND a.joined AND (a.exercise OR NOT $4)
  AND NOT EXISTS (SELECT FROM address e WHERE e.resident_id = a.resident_id AND e.opted_out_at IS NULL
                  AND array_position($2, e.channel) <= array_position($2, a.channel) OFFSET 0)
  AND a.id NOT IN (SELECT unnest(b.address_ids) FROM batch b JOIN dispatch o ON o.id = b.dispatch_id
                   WHERE o.alert_id = $1)
"""
SWEPT = "UPDATE dispatch SET swept = true WHERE alert_id = $1 AND channel = ANY($2::text[])"

# The only move from done to sending, and never from stopped.
TAKE = """
UPDATE dispatch SET next_seq = next_seq + $2, state = CASE WHEN state = 'done' THEN 'sending' ELSE state END,
       done_at = NULL
WHERE id = $1 AND expanded AND state IN ('waiting', 'sending', 'done') AND expires > now()
RETURNING next_seq - $2 AS seq, account, urgent
"""
# The number of a batch goes by risk first, as the fan-out's does.
ADD = """
INSERT INTO batch (dispatch_id, account, urgent, seq, language, address_ids, came_from, moved_at)
VALUES ($1, $2, $3, ($4 - 10) * 100000000 + $5, $6, $7, $8, $9)
"""

# Whoever finished the last batch but ours may have waited for our commit and then called the dispatch done, by what
# it saw before it. The next look finds that, a second later.
REVIVE = """
UPDATE dispatch d SET state = 'sending', done_at = NULL WHERE d.alert_id = $1 AND d.state = 'done'
  AND EXISTS (SELECT FROM batch b WHERE b.dispatch_id = d.id AND b.state = 'ready' AND b.came_from IS NOT NULL)
RETURNING d.account || ' ' || d.urgent
"""

KEEP = """
UPDATE suspense s SET address_ids = k.ids, look_at = k.look_at
FROM (SELECT batch_id, array_agg(id) FILTER (WHERE id IS NOT NULL) AS ids, min(look_at) AS look_at
      FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) AS k (batch_id, id, look_at) GROUP BY 1) k
WHERE s.batch_id = k.batch_id
"""
DECIDED = "UPDATE suspense SET address_ids = '{}', look_at = 'infinity' WHERE batch_id = ANY($1::bigint[])"

FORGET = """
DELETE FROM suspense s WHERE NOT EXISTS (
    SELECT FROM dispatch d JOIN alert a ON a.id = d.alert_id WHERE d.id = s.dispatch_id AND a.state = 'live')
"""

WAKE = "SELECT pg_notify('batch', w) FROM unnest($1::text[]) AS w"
TELL = "SELECT pg_notify('progress', '')"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Course:
    """One live alert with failover: its rule, its clock, and the accounts whose provider tells of arrival."""

    id: int
    sent: datetime
    drill: bool
    rule: Rule
    languages: Sequence[str]
    telling: Collection[str]
    awake: datetime | None  # since when somebody was there to send; None: always


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sight:
    """What a look found in its batches: who waits and until when, and who has failed."""

    batches: Sequence[int]
    waiting: list[tuple[int, int, datetime]] = field(default_factory=list)  # batch, address, look again at
    failed: dict[int, asyncpg.Record] = field(default_factory=dict)  # by address


@dataclass(frozen=True, slots=True, kw_only=True)
class _Onward:
    """Where those who failed can be warned next, and who must wait for that channel."""

    rows: Sequence[asyncpg.Record]
    stuck: Collection[int]


class _Ended(Exception):
    """The alert is no longer live: nothing of this look is kept."""


async def run(pool: db.Pool, telling: Collection[str], now: Callable[[], datetime], every: float = EVERY) -> None:
    """Move residents on until cancelled; `telling` are the accounts whose provider tells of arrival.

    A step takes AT_ONCE batches, and rests as long as it took: it never has more than half a core of the database.
    """
    loop = asyncio.get_running_loop()
    awake, looked = now(), loop.time()
    while True:
        more = False
        if loop.time() - looked > ABSENT:
            awake = now()
        try:
            more = await look_around(pool, telling, now, awake)
            looked = loop.time()
        except db.FAULTS as error:
            if not db.is_brief(error):
                raise
            logger.warning("failover.database_lost", error=type(error).__name__)
        if not more:
            await asyncio.sleep(every)


async def look_around(
    pool: db.Pool, telling: Collection[str], now: Callable[[], datetime], awake: datetime | None = None
) -> bool:
    """Take one step of every live alert with failover, each in its turn; tell whether there may be more.

    Before `awake` nobody was there to send: who was not sent to by then has their time from there.
    """
    loop = asyncio.get_running_loop()
    some = False
    for row in await pool.fetch(LIVE, now()):
        rule = Rule.of(row["facts"]["failover"])
        course = _Course(
            id=row["id"],
            sent=row["sent"],
            drill=Mode(row["mode"]).drill,
            rule=rule,
            languages=row["facts"]["languages"],
            telling=telling,
            awake=awake,
        )
        began = loop.time()
        if await step(pool, course, now()):
            some = True
            await asyncio.sleep(loop.time() - began)
    if not some:
        await pool.execute(FORGET)
    return some


async def step(pool: db.Pool, course: _Course, now: datetime) -> bool:
    """Look at the next batches of an alert that are due, all or nothing; tell whether there may be more."""
    with contextlib.suppress(_Ended):
        async with pool.acquire() as connection, connection.transaction():
            if not await connection.fetchval(ALONE, course.id):
                return False
            tag = await connection.execute(ADOPT, course.id, list(course.rule.order), course.sent, SOONEST, AT_ONCE)
            given = (course.id, now, course.rule.after, AT_ONCE, course.awake)
            due = [r[0] for r in await connection.fetch(DUE, *given)]
            sight = await _judge(connection, course, due, now)
            missed = await _missed(connection, course)
            onward = await _onward(connection, course, [*sight.failed, *(missed or ())])
            if await connection.fetchrow(STILL_LIVE, course.id) is None:
                raise _Ended
            calls = [r[0] for r in await connection.fetch(REVIVE, course.id)]
            calls += await _settle(connection, course, sight, missed, onward, now)
            if calls:
                await connection.execute(WAKE, calls)
                await connection.execute(TELL)
            return tag == f"INSERT 0 {AT_ONCE}" or len(due) == AT_ONCE
    return False


async def _judge(connection: db.AnyConnection, course: _Course, batches: Sequence[int], now: datetime) -> _Sight:
    """Decide on everybody undecided in these batches."""
    sight = _Sight(batches=batches)
    for row in await connection.fetch(LOOK, batches, course.awake) if batches else []:
        standing = Standing(
            since=row["since"],
            accepted_at=row["accepted_at"],
            delivered=row["delivered"],
            failed=row["failed"],
            ended=row["ended"],
            told=row["account"] in course.telling,
        )
        match decide(standing, course.rule.after, now):
            case Verdict.MOVE:
                sight.failed.update(dict.fromkeys(row["ids"], row))
            case Verdict.WAIT:
                again = look_again(row["since"], now, [standing.deadline(course.rule.after)])
                sight.waiting.extend((row["batch_id"], i, again) for i in row["ids"])
    return sight


async def _missed(connection: db.AnyConnection, course: _Course) -> dict[int, int] | None:
    """Find whom every walk left out, by address and its dispatch; None while there is a walk, or when it was done."""
    order = list(course.rule.order)
    row = await connection.fetchrow(UNSWEPT, course.id, order)
    if row is None:
        return None
    found = await connection.fetch(MISSED, course.id, order, course.sent, course.drill)
    if not found:
        return {}
    target = Target(
        geometry=await asyncio.to_thread(from_geojson, row["geometry"]),
        desc=row["area_desc"],
        area_ids=frozenset(row["area_ids"]),
        near_ids=frozenset(row["near_ids"]),
    )
    chosen = members(target, [Place(area_id=r["area_id"], lon=r["lon"], lat=r["lat"]) for r in found])
    return {r["id"]: r["dispatch_id"] for r, there in zip(found, chosen, strict=True) if there}


async def _onward(connection: db.AnyConnection, course: _Course, failed: list[int]) -> _Onward:
    """Find where residents can be warned next, and who must wait for it."""
    if not failed:
        return _Onward(rows=[], stuck=set())
    found = await connection.fetch(NEXT, course.id, failed, list(course.rule.order), course.drill)
    there = [row for row in found if row["open"]]
    used = await connection.fetch(USED, [r["id"] for r in there], [r["dispatch_id"] for r in there])
    gone = {row["id"] for row in used}
    return _Onward(rows=[r for r in there if r["id"] not in gone], stuck={r["was"] for r in found if not r["open"]})


async def _settle(
    connection: db.AnyConnection,
    course: _Course,
    sight: _Sight,
    missed: Mapping[int, int] | None,
    onward: _Onward,
    now: datetime,
) -> list[str]:
    """Write down what was decided of these batches; give the calls for the workers of what was moved on."""
    came_from = {i: r["dispatch_id"] for i, r in sight.failed.items()} | dict(missed or {})
    calls, stuck = await _move(connection, course, came_from, onward, now)
    if missed is not None and stuck.isdisjoint(missed):
        await connection.execute(SWEPT, course.id, list(course.rule.order))
    waiting = sight.waiting + [(sight.failed[i]["batch_id"], i, now + STUCK_FOR) for i in stuck if i in sight.failed]
    if waiting:
        await connection.execute(KEEP, *map(list, zip(*waiting, strict=True)))
    await connection.execute(DECIDED, list(set(sight.batches) - {batch for batch, _, _ in waiting}))
    return calls


async def _move(
    connection: db.AnyConnection, course: _Course, came_from: Mapping[int, int], onward: _Onward, now: datetime
) -> tuple[list[str], set[int]]:
    """Put residents into batches of their next channel; give the calls, and who must wait for that channel."""
    stuck, calls = set(onward.stuck), list[str]()
    for dispatch_id, rows in sorted(_by(onward.rows, "dispatch_id").items()):
        each = {row["id"]: row for row in rows}  # two of a resident's may lead to one
        packs = _packed(list(each.values()), came_from, course.languages)
        taken = await connection.fetchrow(TAKE, dispatch_id, len(packs))
        if taken is None:  # stopped or paused since NEXT looked
            stuck |= {row["was"] for row in rows}
            continue
        for seq, (was, language, part) in enumerate(packs, taken["seq"]):
            ids, rank = [row["id"] for row in part], part[0]["rank"]
            way = (taken["account"], taken["urgent"], rank, seq)
            await connection.execute(ADD, dispatch_id, *way, language, ids, was, now)
        calls.append(f"{taken['account']} {taken['urgent']}")
        logger.info("failover.moved", alert=course.id, account=taken["account"], addresses=len(each))
    return calls, stuck


def _packed(
    rows: Sequence[asyncpg.Record], came_from: Mapping[int, int], languages: Sequence[str]
) -> list[tuple[int, str, list[asyncpg.Record]]]:
    """Pack those who move to one dispatch into batches: by where they come from and by language, by risk within."""
    groups: dict[tuple[int, str], list[asyncpg.Record]] = defaultdict(list)
    for row in sorted(rows, key=lambda r: (r["rank"], r["id"])):
        language = row["language"] if row["language"] in languages else languages[0]
        groups[came_from[row["was"]], language].append(row)
    return [
        (was, language, group[at : at + BATCH])
        for (was, language), group in groups.items()
        for at in range(0, len(group), BATCH)
    ]


def _by(rows: Sequence[asyncpg.Record], name: str) -> dict[int, list[asyncpg.Record]]:
    groups: dict[int, list[asyncpg.Record]] = defaultdict(list)
    for row in rows:
        groups[row[name]].append(row)
    return groups
