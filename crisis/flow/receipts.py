"""Receipts: what providers report later, and the honest count of where an alert has got to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from channels.contract import Receipt
from crisis import db

# Told twice is told once; a receipt may come before its attempt is flushed, so it is joined when counted. Two links
# of one account may bring the same receipts at once: all insert in one order, so that neither waits for the other
# in a ring, and neighbours in the key share their pages.
STORE = """
INSERT INTO receipt (account, ref, state, code, at)
SELECT $1, r.* FROM unnest($2::text[], $3::text[], $4::text[], $5::timestamptz[]) AS r (ref, state, code, at)
ON CONFLICT DO NOTHING
"""
AT_ONCE = 5_000  # receipts of one statement

TELL = "SELECT pg_notify('progress', '')"

# For the count alone, and only until it has ended: room to hash a million, and one core at most. Those that deliver
# need the others.
MEANS = """
SELECT set_config('work_mem', '64MB', true), set_config('max_parallel_workers_per_gather', '0', true)
"""

# Counted from attempts and receipts, never stored. Both are read once, in whatever order they lie, and met by hash.
# An address counts once, by its best attempt; a notice of several parts is delivered when every part is; delivered
# is never taken back by a later failure. With several accepted sends to an address, parts of one could make up for
# parts of another: then, which is rare, each send is looked at by itself.
PROGRESS = """
WITH mine AS MATERIALIZED (
    SELECT d.*, coalesce(a.state = 'live' AND (d.state <> 'stopped' OR d.stopped = 'paused')
                         AND a.facts -> 'failover' -> 'order' ? d.channel
                         AND a.facts -> 'failover' -> 'order' ->> -1 <> d.channel, false) AS moves_on
    FROM dispatch d JOIN alert a ON a.id = d.alert_id WHERE d.alert_id = $1),
parts AS NOT MATERIALIZED (
    SELECT t.dispatch_id, t.address_id, t.try, t.outcome, t.account, t.at, t.outcome = 'accepted' AS taken,
           unnest(CASE WHEN t.outcome = 'accepted' AND t.refs <> '{}' THEN t.refs ELSE '{NULL}' END) AS ref,
           generate_series(1, CASE WHEN t.outcome = 'accepted' THEN greatest(cardinality(t.refs), 1) ELSE 1 END) AS part
    FROM attempt t WHERE t.dispatch_id = ANY(ARRAY(SELECT id FROM mine))),
said AS NOT MATERIALIZED (
    SELECT account, ref, state FROM receipt
    WHERE account = ANY(ARRAY(SELECT account FROM mine))
      AND stored_at >= (SELECT min(made_at) - interval '1 hour' FROM mine)),
else_said AS NOT MATERIALIZED (
    SELECT account, ref, bool_or(state = 'read') AS arrived FROM said WHERE state <> 'delivered' GROUP BY account, ref),
best AS NOT MATERIALIZED (
    SELECT p.dispatch_id, p.address_id,
           count(*) FILTER (WHERE p.taken AND p.part = 1) AS accepts,
           max(p.try * 8 + CASE p.outcome WHEN 'refused' THEN 1 WHEN 'opted_out' THEN 2 WHEN 'unknown' THEN 3
                           ELSE 4 END) FILTER (WHERE NOT p.taken) % 8 AS last,
           count(p.ref) AS parts,
           count(*) FILTER (WHERE s.ref IS NOT NULL OR e.arrived) AS arrived,
           count(*) FILTER (WHERE s.ref IS NULL AND NOT e.arrived) AS failed,
           min(p.at) FILTER (WHERE p.taken) AS first_accepted, max(p.at) FILTER (WHERE p.taken) AS last_accepted
    FROM parts p LEFT JOIN said s ON s.account = p.account AND s.ref = p.ref AND s.state = 'delivered'
    LEFT JOIN else_said e ON e.account = p.account AND e.ref = p.ref
    GROUP BY p.dispatch_id, p.address_id),
judged AS NOT MATERIALIZED (
    SELECT b.*, CASE WHEN b.arrived = 0 THEN false WHEN b.arrived = b.parts THEN true WHEN b.accepts = 1 THEN false
        ELSE EXISTS (SELECT FROM attempt t WHERE t.dispatch_id = b.dispatch_id AND t.address_id = b.address_id
            AND t.outcome = 'accepted' AND t.refs <> '{}' AND NOT EXISTS (
                SELECT FROM unnest(t.refs) AS p (ref) WHERE NOT EXISTS (
                    SELECT FROM receipt r WHERE r.account = t.account AND r.ref = p.ref
                    AND r.state IN ('delivered', 'read')))) END AS delivered
    FROM best b),
counted AS (
    SELECT dispatch_id,
           count(*) FILTER (WHERE accepts > 0) AS accepted,
           count(*) FILTER (WHERE accepts = 0 AND last = 1) AS refused,
           count(*) FILTER (WHERE accepts = 0 AND last = 2) AS opted_out,
           count(*) FILTER (WHERE accepts = 0 AND last = 3) AS unknown,
           count(*) FILTER (WHERE accepts = 0 AND last = 4) AS failing,
           sum(greatest(accepts - 1, 0)) AS twice,
           count(*) FILTER (WHERE delivered) AS delivered,
           count(*) FILTER (WHERE failed > 0 AND NOT delivered) AS undelivered,
           min(first_accepted) AS first_accepted, max(last_accepted) AS last_accepted
    FROM judged GROUP BY dispatch_id),
moved AS (
    SELECT b.came_from, sum(cardinality(b.address_ids)) AS n FROM batch b
    WHERE b.dispatch_id = ANY(ARRAY(SELECT id FROM mine)) AND b.came_from IS NOT NULL GROUP BY b.came_from)
SELECT d.id AS dispatch, d.channel, d.account, d.state, d.stopped, d.expanded,
       coalesce((SELECT sum(cardinality(address_ids)) FROM batch WHERE dispatch_id = d.id), 0)::bigint AS audience,
       (SELECT count(*) FROM retry WHERE dispatch_id = d.id) AS retrying,
       coalesce(c.accepted, 0) AS accepted, coalesce(c.refused, 0) AS refused,
       coalesce(c.opted_out, 0) AS opted_out, coalesce(c.unknown, 0) AS unknown,
       coalesce(c.failing, 0) AS failing, coalesce(c.twice, 0)::bigint AS twice,
       coalesce(c.delivered, 0) AS delivered, coalesce(c.undelivered, 0) AS undelivered,
       c.first_accepted, c.last_accepted, coalesce(m.n, 0)::bigint AS failed_over,
       CASE WHEN d.moves_on THEN (
           SELECT coalesce(sum(cardinality(coalesce(s.address_ids, b.address_ids))), 0) FROM batch b
           LEFT JOIN suspense s ON s.batch_id = b.id WHERE b.dispatch_id = d.id) ELSE 0 END::bigint AS undecided
FROM mine d LEFT JOIN counted c ON c.dispatch_id = d.id LEFT JOIN moved m ON m.came_from = d.id ORDER BY d.id
"""


async def store(pool: db.Pool, account: str, receipts: Sequence[Receipt]) -> None:
    """Keep what a provider reported, durable when this returns; the same report twice changes nothing.

    The one way in for every channel's receipts, in any order: of an attempt not yet written too.
    """
    if not receipts:
        return
    ordered = sorted(receipts, key=lambda r: (r.ref, r.state))
    async with pool.acquire() as connection, connection.transaction():
        for start in range(0, len(ordered), AT_ONCE):
            part = ordered[start : start + AT_ONCE]
            await connection.execute(
                STORE,
                account,
                [r.ref for r in part],
                [r.state.value for r in part],
                [r.code[:80] for r in part],
                [r.at for r in part],
            )
        await connection.execute(TELL)


async def progress(connection: db.AnyConnection, alert_id: int) -> list[dict[str, Any]]:
    """Count each dispatch of an alert: its audience, and what became of it so far.

    `accepted` is the provider's word that it took the notice; only `delivered` comes from a receipt. `twice`
    counts sends accepted more than once for one address. Those not yet tried are the rest of the audience.
    `failed_over` are those moved on to their next channel, `undecided` those who may yet be; of what was stopped for
    good that is nobody.
    """
    async with connection.transaction():
        await connection.execute(MEANS)
        rows = await connection.fetch(PROGRESS, alert_id)
    return [db.plain(dict(row)) for row in rows]
