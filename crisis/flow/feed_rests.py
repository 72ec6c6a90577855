"""What alerts of ours rest on that feeds told, and the call to officers when a feed lists it no longer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from crisis import db, log
from crisis.cap.nouns import Alert
from crisis.cap.record import from_record
from crisis.model import feed_rules
from crisis.model.alert import AlertState
from crisis.model.feed import Feed

logger = log.get("feed_rests")

# What each open incident says or is about to say, and all that feeds told of it. Outlines do not matter here.
RESTS = """
WITH ours AS (
    SELECT DISTINCT ON (a.incident_id) a.incident_id, a.id, a.state, a.purpose
    FROM alert a JOIN incident i ON i.id = a.incident_id
    WHERE i.state = 'open' AND (a.state IN ('draft', 'pending', 'returned') OR (a.state = 'live' AND a.expires > $2))
    ORDER BY a.incident_id, a.number DESC)
SELECT o.id AS alert_id, o.state, s.guid, s.link, s.received_at, s.alert - 'infos' || jsonb_build_object('infos', (
           SELECT coalesce(jsonb_agg(info - 'areas'), '[]') FROM jsonb_array_elements(s.alert -> 'infos') AS info
       )) AS alert, EXISTS (SELECT FROM source_seen t WHERE t.source_alert_id = s.id AND t.feed_id = $1) AS of_feed
FROM ours o JOIN alert a ON a.incident_id = o.incident_id JOIN source_alert s ON s.alert_id = a.id
WHERE s.alert IS NOT NULL AND o.purpose NOT IN ('cancel', 'all_clear') ORDER BY o.id, s.id
"""
# Once for what an incident rests on; told again of the same, an officer would learn to look away.
CALL_GONE = """
INSERT INTO alarm (kind, alert_id, says, role, at) SELECT 'feed_vanished', $1, $2, 'officer', $3
WHERE NOT EXISTS (
    SELECT FROM alarm c JOIN alert b ON b.id = c.alert_id JOIN alert a ON a.incident_id = b.incident_id
    WHERE a.id = $1 AND c.kind = 'feed_vanished' AND c.at >= $4)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One alert that a feed told, without its outlines; `of_feed`: the feed in question told it, too."""

    alert: Alert
    guid: str
    link: str
    received_at: datetime
    of_feed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """What an alert of ours that is in force, or an open draft, rests on: all that feeds told, the latest last."""

    alert_id: int
    state: AlertState
    told: tuple[Source, ...]


async def rests(pool: db.Pool, feed_id: int, now: datetime) -> list[Rest]:
    """Give what our alerts in force and open drafts rest on; none that ends another, for that is in hand."""
    found = await pool.fetch(RESTS, feed_id, now)
    return [_rest([dict(row) for row in rows]) for _, rows in groupby(found, key=lambda row: row["alert_id"])]


def _rest(rows: Sequence[Mapping[str, Any]]) -> Rest:
    names = ("guid", "link", "received_at", "of_feed")
    told = tuple(Source(alert=from_record(row["alert"]), **{name: row[name] for name in names}) for row in rows)
    return Rest(alert_id=rows[0]["alert_id"], state=AlertState(rows[0]["state"]), told=told)


async def call_gone(pool: db.Pool, feed: Feed, gone: Iterable[Rest], now: datetime) -> None:
    """Call officers to alerts of ours that rest on what a feed lists no longer: once each, and nothing is ended."""
    for rest in gone:
        says = feed_rules.gone(feed.name, rest.alert_id, released=rest.state is AlertState.LIVE)
        done = await pool.execute(CALL_GONE, rest.alert_id, says, now, rest.told[-1].received_at)
        if done == "INSERT 0 1":
            logger.warning("feed_rests.gone", feed=feed.name, alert=rest.alert_id)
