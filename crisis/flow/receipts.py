"""Receipts: what providers report later, and the honest count of where an alert has got to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from channels.contract import Receipt
from crisis import db

# Told twice is told once; a receipt may come before its attempt is flushed, so it is joined when counted.
STORE = """
INSERT INTO receipt (account, ref, state, code, at)
SELECT $1, r.* FROM unnest($2::text[], $3::text[], $4::text[], $5::timestamptz[]) AS r (ref, state, code, at)
ON CONFLICT DO NOTHING
"""

# Counted from attempts and receipts, never stored. An address counts once, by its best attempt; a notice of
# several parts is delivered when every part is; delivered is never taken back by a later failure.
PROGRESS = """
WITH mine AS (SELECT * FROM dispatch WHERE alert_id = $1),
best AS (
    SELECT DISTINCT ON (t.dispatch_id, t.address_id) t.dispatch_id, t.address_id, t.outcome, t.refs, t.account, t.at,
           count(*) FILTER (WHERE t.outcome = 'accepted') OVER (PARTITION BY t.dispatch_id, t.address_id) AS accepts
    FROM attempt t JOIN mine d ON d.id = t.dispatch_id
    ORDER BY t.dispatch_id, t.address_id, (t.outcome = 'accepted') DESC, t.try DESC, t.at DESC),
told AS (
    SELECT b.dispatch_id, b.address_id,
           count(DISTINCT r.ref) FILTER (WHERE r.state IN ('delivered', 'read')) >= cardinality(b.refs) AS delivered,
           bool_or(r.state IN ('failed', 'expired')) AS failed
    FROM best b JOIN receipt r ON r.account = b.account AND r.ref = ANY(b.refs)
    WHERE b.outcome = 'accepted' GROUP BY b.dispatch_id, b.address_id, b.refs),
counted AS (
    SELECT b.dispatch_id,
           count(*) FILTER (WHERE b.outcome = 'accepted') AS accepted,
           count(*) FILTER (WHERE b.outcome = 'refused') AS refused,
           count(*) FILTER (WHERE b.outcome = 'opted_out') AS opted_out,
           count(*) FILTER (WHERE b.outcome = 'unknown') AS unknown,
           count(*) FILTER (WHERE b.outcome IN ('unreachable', 'throttled')) AS failing,
           coalesce(sum(greatest(b.accepts - 1, 0)), 0) AS twice,
           count(*) FILTER (WHERE t.delivered) AS delivered,
           count(*) FILTER (WHERE t.failed AND NOT t.delivered) AS undelivered,
           min(b.at) FILTER (WHERE b.outcome = 'accepted') AS first_accepted,
           max(b.at) FILTER (WHERE b.outcome = 'accepted') AS last_accepted
    FROM best b LEFT JOIN told t USING (dispatch_id, address_id) GROUP BY b.dispatch_id)
SELECT d.id AS dispatch, d.channel, d.account, d.state, d.stopped, d.expanded,
       coalesce((SELECT sum(cardinality(address_ids)) FROM batch WHERE dispatch_id = d.id), 0)::bigint AS audience,
       (SELECT count(*) FROM retry WHERE dispatch_id = d.id) AS retrying,
       coalesce(c.accepted, 0) AS accepted, coalesce(c.refused, 0) AS refused,
       coalesce(c.opted_out, 0) AS opted_out, coalesce(c.unknown, 0) AS unknown,
       coalesce(c.failing, 0) AS failing, coalesce(c.twice, 0)::bigint AS twice,
       coalesce(c.delivered, 0) AS delivered, coalesce(c.undelivered, 0) AS undelivered,
       c.first_accepted, c.last_accepted
FROM mine d LEFT JOIN counted c ON c.dispatch_id = d.id ORDER BY d.id
"""


async def store(pool: db.Pool, account: str, receipts: Sequence[Receipt]) -> None:
    """Keep what a provider reported, durable when this returns; the same report twice changes nothing."""
    if not receipts:
        return
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            STORE,
            account,
            [r.ref for r in receipts],
            [r.state.value for r in receipts],
            [r.code[:80] for r in receipts],
            [r.at for r in receipts],
        )
        await connection.execute("SELECT pg_notify('progress', '')")


async def progress(connection: db.AnyConnection, alert_id: int) -> list[dict[str, Any]]:
    """Count each dispatch of an alert: its audience, and what became of it so far.

    `accepted` is the provider's word that it took the notice; only `delivered` comes from a receipt. `twice`
    counts sends accepted more than once for one address. Those not yet tried are the rest of the audience.
    """
    rows = await connection.fetch(PROGRESS, alert_id)
    return [db.plain(dict(row)) for row in rows]
