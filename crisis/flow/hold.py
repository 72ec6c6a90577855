"""Hold: an officer pauses, resumes or stops what an alert sends, on one channel or on all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from crisis import db, log
from crisis.errors import BadInput, IllegalMove, NotAllowed, NotFound
from crisis.flow import release
from crisis.model.alert import AlertState
from crisis.model.dispatch import DispatchState, Stopped, before, stopped_before
from crisis.model.officer import Officer, Role

logger = log.get("hold")

FORGOTTEN = timedelta(minutes=10)  # after so long the clock calls supervisors to what is still paused

# Taken by whatever stops or replaces an alert, and before its dispatches: so an alert is not cancelled between our
# look at it and the resume, and nothing of a cancelled alert ever leaves.
LOCK = "SELECT state, expires FROM alert WHERE id = $1 FOR NO KEY UPDATE"

# A walk leaves out who has an earlier channel of the order: where that one is ended before its own walk is over, those
# it had not come to are warned on no channel. `cuts_off` tells of it.
DISPATCHES = """
SELECT d.id, d.channel, d.account, d.state, d.stopped, d.urgent, p.officer_id AS paused_by, o.name AS paused_by_name,
       coalesce(NOT d.expanded AND d.stopped = 'officer' AND a.facts -> 'failover' -> 'order' ? d.channel
                AND a.facts -> 'failover' -> 'order' ->> -1 <> d.channel, false) AS cuts_off
FROM dispatch d JOIN alert a ON a.id = d.alert_id
LEFT JOIN LATERAL (SELECT u.officer_id FROM audit u WHERE u.act = 'dispatch.pause' AND u.subject = d.id
                   ORDER BY u.id DESC LIMIT 1) p ON d.stopped = 'paused'
LEFT JOIN officer o ON o.id = p.officer_id
WHERE d.alert_id = $1 ORDER BY d.id
"""

# A worker may finish the last batch, or lease another, at the same moment: a dispatch that was done by then stays
# done, and whoever leased before the commit hears of the stop by NOTIFY after it. Batches and retries of a paused
# dispatch stay as they are: leases and the fan-out pass over one that is neither waiting nor sending. One that is
# done may be sent on by failover, to it or from it, for as long as the alert is live: so it can be held back too.
STOP = """
UPDATE dispatch d SET state = 'stopped', stopped = $2, done_at = now()
WHERE id = ANY($1::bigint[]) AND state = ANY($3) AND (stopped IS NULL OR stopped = ANY($4))
  AND (state <> 'done' OR EXISTS (SELECT FROM alert a WHERE a.id = d.alert_id AND a.state = 'live'
                                  AND a.facts -> 'failover' -> 'order' ? d.channel))
RETURNING id
"""
RESUME = """
UPDATE dispatch SET state = 'sending', stopped = NULL, done_at = NULL, resumed_at = $4
WHERE id = ANY($1::bigint[]) AND state = ANY($2) AND stopped = ANY($3) RETURNING id
"""

# A call is made once for each time that something comes to be paused; what is paused besides does not put it off.
DUE = """
INSERT INTO due (kind, alert_id, at) VALUES ('paused', $1, $2)
ON CONFLICT (kind, alert_id) DO UPDATE SET at = EXCLUDED.at, done_at = NULL WHERE due.done_at IS NOT NULL
"""
DUE_DONE = """
UPDATE due SET done_at = $2 WHERE kind = 'paused' AND alert_id = $1 AND done_at IS NULL
  AND NOT EXISTS (SELECT FROM dispatch WHERE alert_id = $1 AND stopped = 'paused')
"""

AUDIT = """
INSERT INTO audit (officer_id, act, subject, reason, facts, at)
SELECT $1, $2, d.id, $4, jsonb_build_object('alert', d.alert_id, 'account', d.account), $5
FROM dispatch d WHERE d.id = ANY($3::bigint[]) ORDER BY d.id
"""

TELL_STOP = "SELECT pg_notify('stop', d::text) FROM unnest($1::bigint[]) d"
TELL_PROGRESS = "SELECT pg_notify('progress', d::text) FROM unnest($1::bigint[]) d"
WAKE_WORKERS = "SELECT pg_notify('batch', account || ' ' || urgent) FROM dispatch WHERE id = ANY($1::bigint[])"
WAKE_FANOUT = "SELECT pg_notify('alert', $1)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What came of it: the accounts where something changed, and how every dispatch of the alert stands now."""

    changed: Sequence[str]
    dispatches: Sequence[asyncpg.Record]


@release.again_after_deadlock
async def pause(
    pool: db.Pool, alert_id: int, officer: Officer, channel: str | None, reason: str, now: datetime
) -> Held:
    """Hold back what an alert has still to send; nothing of it leaves after the commit but what is in flight.

    Any officer may: harm must be stopped quickly. What is paused already stays so, without a fault. `channel` is a
    channel or an account; None: all of them. IllegalMove when nothing is left to pause, BadInput for a channel it
    does not use, NotFound.
    """
    officer.need(Role.OFFICER)
    why = release.need_reason(reason)
    async with pool.acquire() as connection, connection.transaction():
        chosen = await _chosen(connection, alert_id, channel, "pause")
        changed = await _stop(connection, chosen, Stopped.PAUSED, "pause")
        if changed:
            await connection.execute(TELL_STOP, changed)
            await connection.execute(TELL_PROGRESS, changed)
            await connection.execute(DUE, alert_id, now + FORGOTTEN)
            await connection.execute(AUDIT, officer.id, "dispatch.pause", changed, why, now)
        return await _held(connection, alert_id, changed)


@release.again_after_deadlock
async def resume(pool: db.Pool, alert_id: int, officer: Officer, channel: str | None, now: datetime) -> Held:
    """Send on what was paused, from where it stood: nobody is sent to twice for it, and nobody is left out.

    Whoever paused it may, or an approver: what another officer doubted is not for the next one to wave through.
    IllegalMove when nothing of it is paused, or the alert holds no longer; BadInput and NotFound like pause().
    """
    officer.need(Role.OFFICER)
    async with pool.acquire() as connection, connection.transaction():
        chosen = await _chosen(connection, alert_id, channel, "resume", now)
        paused = [row for row in chosen if row["stopped"] == Stopped.PAUSED]
        if not paused:
            raise IllegalMove(f"nothing of alert {alert_id} is paused: {_standing(chosen)}")
        _may_resume(officer, paused)
        guard = (before(DispatchState.SENDING), stopped_before(DispatchState.SENDING))
        changed = [r["id"] for r in await connection.fetch(RESUME, [row["id"] for row in paused], *guard, now)]
        await connection.execute(WAKE_WORKERS, changed)
        await connection.execute(WAKE_FANOUT, str(alert_id))
        await connection.execute(DUE_DONE, alert_id, now)
        await connection.execute(AUDIT, officer.id, "dispatch.resume", changed, "", now)
        return await _held(connection, alert_id, changed)


@release.again_after_deadlock
async def stop(pool: db.Pool, alert_id: int, officer: Officer, channel: str | None, reason: str, now: datetime) -> Held:
    """End for good what an alert has still to send; those it reached stay reached, and a cancel still goes to them.

    An approver may: to keep a warning from residents for good weighs as much as to send it. What an officer stopped
    already stays so, without a fault; raises like pause().
    """
    officer.need(Role.APPROVER)
    why = release.need_reason(reason)
    async with pool.acquire() as connection, connection.transaction():
        chosen = await _chosen(connection, alert_id, channel, "stop")
        changed = await _stop(connection, chosen, Stopped.OFFICER, "stop")
        if changed:
            await release.clear(connection, changed)
            await connection.execute(TELL_PROGRESS, changed)
            await connection.execute(DUE_DONE, alert_id, now)
            await connection.execute(AUDIT, officer.id, "dispatch.stop", changed, why, now)
        return await _held(connection, alert_id, changed)


async def _chosen(
    connection: db.AnyConnection, alert_id: int, channel: str | None, verb: str, now: datetime | None = None
) -> list[asyncpg.Record]:
    """Lock the alert and give its dispatches on the channel; with `now` it must still be in force by then."""
    alert = await connection.fetchrow(LOCK, alert_id)
    if alert is None:
        raise NotFound(f"there is no alert {alert_id}")
    rows: list[asyncpg.Record] = await connection.fetch(DISPATCHES, alert_id)
    if not rows:
        raise IllegalMove(
            f"alert {alert_id} is {alert['state']}: nothing of it was sent, so there is nothing to {verb}"
        )
    chosen = [row for row in rows if channel in (None, row["channel"], row["account"])]
    if not chosen:
        there = ", ".join(row["account"] for row in rows)
        raise BadInput(f"channel: alert {alert_id} does not leave by {channel}; it leaves by {there}")
    if now is not None and alert["state"] != AlertState.LIVE:
        raise IllegalMove(f"alert {alert_id} is {alert['state']}: only a live alert can go on")
    if now is not None and alert["expires"] <= now:
        raise IllegalMove(f"alert {alert_id} expired at {alert['expires'].isoformat()}: only a live alert can go on")
    return chosen


async def _stop(connection: db.AnyConnection, chosen: Sequence[asyncpg.Record], why: Stopped, verb: str) -> list[int]:
    guard = (before(DispatchState.STOPPED), stopped_before(why))
    changed = [r["id"] for r in await connection.fetch(STOP, [row["id"] for row in chosen], why.value, *guard)]
    if not changed and all(row["stopped"] != why for row in chosen):
        raise IllegalMove(f"there is nothing left to {verb}: {_standing(chosen)}")
    return changed


def _may_resume(officer: Officer, paused: Sequence[asyncpg.Record]) -> None:
    others = [row for row in paused if row["paused_by"] != officer.id]
    if others and officer.role.rank < Role.APPROVER.rank:
        what, who = others[0]["account"], others[0]["paused_by_name"]
        raise NotAllowed(f"{who} paused {what}: only {who}, or an officer with the role approver or higher, resumes it")


def _standing(rows: Sequence[asyncpg.Record]) -> str:
    return ", ".join(f"{row['account']} is {row['state']}" + _because(row["stopped"]) for row in rows)


def _because(stopped: str | None) -> str:
    return f" ({stopped})" if stopped else ""


async def _held(connection: db.AnyConnection, alert_id: int, changed: Sequence[int]) -> Held:
    rows = await connection.fetch(DISPATCHES, alert_id)
    accounts = [row["account"] for row in rows if row["id"] in set(changed)]
    logger.info("hold.changed", alert=alert_id, accounts=accounts, states=[row["state"] for row in rows])
    return Held(changed=accounts, dispatches=rows)
