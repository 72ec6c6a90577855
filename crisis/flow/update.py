"""Update: update, correction, cancel, all-clear, and the clock that asks for the next one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from crisis import db, log
from crisis.errors import BadInput, IllegalMove, NotFound
from crisis.flow import plan as planning
from crisis.flow import release, trigger
from crisis.flow.plan import Means, Wish
from crisis.flow.trigger import Key
from crisis.model import slots as slotting
from crisis.model.alert import AlertState, Mode, before
from crisis.model.audience import Target
from crisis.model.dispatch import Stopped
from crisis.model.officer import Officer, Role
from crisis.model.playbook import Playbook
from crisis.model.words import Purpose

logger = log.get("update")

FORMER = """
SELECT a.*, i.state AS incident_state FROM alert a JOIN incident i ON i.id = a.incident_id WHERE a.id = $1
"""

# The latest of the chain that was released; a former one may have expired, its people still need the update.
LATEST = """
SELECT id, number FROM alert WHERE incident_id = $1 AND sent IS NOT NULL ORDER BY number DESC LIMIT 1
"""
LAST_NUMBER = "SELECT max(number) FROM alert WHERE incident_id = $1"
# Every channel the chain ever used: a cancel follows by all of them, also where an update was narrower.
USED = "SELECT array_agg(DISTINCT c) FROM alert, unnest(channels) AS c WHERE incident_id = $1 AND sent IS NOT NULL"
CHAIN = "SELECT id FROM alert WHERE incident_id = $1 AND sent IS NOT NULL ORDER BY id"
DRAFT_THERE = "SELECT id, state FROM alert WHERE incident_id = $1 AND state IN ('draft', 'pending', 'returned')"
REPLACE_DRAFT = "UPDATE alert SET state = 'rejected' WHERE id = $1 AND state = ANY($2)"

# Two clocks may tick at once: SKIP LOCKED gives a row to one, and the row is done in the same transaction as
# what it does, so a crash in between does it again and a finished one is never done twice.
TAKE_DUE = """
SELECT d.id, d.kind, d.alert_id, d.at, a.playbook, a.level, a.mode, a.state, a.expires, a.next_update, a.facts,
       ARRAY(SELECT p.account FROM dispatch p WHERE p.alert_id = a.id AND p.stopped = 'paused' ORDER BY p.id) AS paused
FROM due d JOIN alert a ON a.id = d.alert_id
WHERE d.done_at IS NULL AND d.at <= $1 ORDER BY d.at LIMIT 50 FOR UPDATE OF d SKIP LOCKED
"""
DONE_DUE = "UPDATE due SET done_at = $2 WHERE id = $1"
# An answer has no alert whose end would stop it: one that could not leave for a day is given up by the clock.
STALE_ANSWERS = """
UPDATE dispatch SET state = 'stopped', stopped = 'expired', done_at = now()
WHERE answer_id IS NOT NULL AND state IN ('waiting', 'sending') AND expires <= $1 RETURNING id
"""
EXPIRE = "UPDATE alert SET state = 'expired' WHERE id = $1 AND state = ANY($2)"
TELL_ALERT = "SELECT pg_notify('alert', $1)"
ALARM = "INSERT INTO alarm (kind, alert_id, says, role, at) VALUES ($1, $2, $3, $4, $5)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is new in a follow-up; what is not given stays as it was."""

    purpose: Purpose
    reason: str = ""
    level: str | None = None
    slots: Mapping[str, slotting.Typed] = field(default_factory=dict)
    areas: Sequence[str] = ()
    target: Target | None = None  # instead of areas, where a feed tells it
    cap: Mapping[str, str] = field(default_factory=dict)
    onset: datetime | None = None
    source: str = ""
    expires: datetime | None = None
    confirmed: int = 0


async def show_follow_up(
    connection: db.AnyConnection,
    alert_id: int,
    change: Change,
    playbook: Playbook,
    means: Means,
    now: datetime,
) -> dict[str, Any]:
    """Preview a follow-up without storing anything."""
    former = await _former(connection, alert_id)
    wish = await _wish(connection, former, change, playbook)
    return await trigger.show(connection, wish, means, change.confirmed, now)


async def follow_up(
    connection: db.AnyConnection,
    alert_id: int,
    change: Change,
    officer: Officer | None,
    playbook: Playbook,
    means: Means,
    key: Key,
    now: datetime,
) -> int:
    """Draft an update, correction, cancel or all-clear of an alert's incident, referring to its whole chain.

    A cancel or correction pushes aside a draft in progress: mending comes first. IllegalMove when the
    incident is closed, was never released, or another draft of it is open. Without an officer a feed drafts it.
    """
    if officer is not None:
        officer.need(Role.OFFICER)
    async with connection.transaction():
        if known := await trigger.same_request(connection, officer, key):
            return known
        # Two officers at once: the second waits here, then sees the first one's draft and is told of it.
        incident = (await _former(connection, alert_id))["incident_id"]
        await connection.execute(trigger.ONE_AT_A_TIME, f"incident/{incident}")
        former = await _former(connection, alert_id)
        await _make_room(connection, former["incident_id"], change.purpose)
        wish = await _wish(connection, former, change, playbook)
        new_id = await connection.fetchval(trigger.NEXT_ID)
        plan = planning.make(wish, new_id, means, now)
        _, reasons = await trigger.check_audience(connection, plan, change.confirmed, now)
        if reasons:
            raise BadInput("; ".join(reasons))
        chain = [r["id"] for r in await connection.fetch(CHAIN, former["incident_id"])]
        await trigger.insert(connection, plan, former["incident_id"], chain, officer, key, now)
    logger.info("update.drafted", alert=plan.alert_id, purpose=change.purpose, follows=chain[-1])
    return plan.alert_id


async def _former(connection: db.AnyConnection, alert_id: int) -> asyncpg.Record:
    row = await connection.fetchrow(FORMER, alert_id)
    if row is None:
        raise NotFound(f"there is no alert {alert_id}")
    if row["incident_state"] == "closed":
        raise IllegalMove(f"the incident of alert {alert_id} is closed: trigger a new alert")
    latest = await connection.fetchrow(LATEST, row["incident_id"])
    if latest is None:
        raise IllegalMove(f"alert {alert_id} was never released: there is nothing to update; reject it instead")
    newest: list[asyncpg.Record] = await connection.fetch(FORMER, latest["id"])
    return newest[0]


async def _make_room(connection: db.AnyConnection, incident_id: int, purpose: Purpose) -> None:
    row = await connection.fetchrow(DRAFT_THERE, incident_id)
    if row is None:
        return
    if purpose not in {Purpose.CANCEL, Purpose.CORRECTION}:
        raise IllegalMove(f"alert {row['id']} of this incident is {row['state']}: release or reject it first")
    await connection.execute(REPLACE_DRAFT, row["id"], before(AlertState.REJECTED))


async def _wish(connection: db.AnyConnection, former: asyncpg.Record, change: Change, playbook: Playbook) -> Wish:
    level = change.level or former["level"]
    if level not in playbook.levels:
        raise BadInput(f"playbook {playbook.playbook} has no level {level!r}; it has {', '.join(playbook.levels)}")
    if change.areas:
        target = await trigger.find_target(connection, change.areas)
    else:
        target = change.target or planning.target_of(dict(former))
    used = await connection.fetchval(USED, former["incident_id"])
    return Wish(
        playbook=playbook,
        level=level,
        mode=Mode(former["mode"]),
        slots=slotting.parse(playbook, {**former["slots"], **change.slots}, level=level),
        target=target,
        purpose=change.purpose,
        number=await connection.fetchval(LAST_NUMBER, former["incident_id"]) + 1,
        reason=change.reason,
        source=change.source or former["source"],
        channels=[c for c in playbook.channels if c in used],
        cap=change.cap,
        onset=change.onset,
        expires=change.expires,
    )


async def fire_due(pool: db.Pool, now: datetime) -> int:
    """Do what is due by `now`: expire alerts, remind of promised updates, call supervisors; count what was done."""
    async with pool.acquire() as connection, connection.transaction():
        rows = await connection.fetch(TAKE_DUE, now)
        for row in rows:
            await _fire(connection, row, now)
            await connection.execute(DONE_DUE, row["id"], now)
        await release.clear(connection, [r["id"] for r in await connection.fetch(STALE_ANSWERS, now)])
    return len(rows)


async def _fire(connection: db.AnyConnection, row: asyncpg.Record, now: datetime) -> None:
    if row["kind"] == "expire":
        await _expire(connection, row["alert_id"])
    elif call := what_to_say(row, now):
        says, role = call
        await connection.execute(ALARM, _KINDS[row["kind"]], row["alert_id"], says, role.value, now)
    logger.info("update.due", kind=row["kind"], alert=row["alert_id"])


_KINDS = {
    "next_update": "update_due",
    "overdue": "update_overdue",
    "approval": "approval_waits",
    "paused": "dispatch_paused",
}


def what_to_say(row: Mapping[str, Any] | asyncpg.Record, now: datetime) -> tuple[str, Role] | None:
    """Decide whom a due row calls and in which words; None when it no longer matters."""
    name = f"alert {row['alert_id']} ({row['playbook']} {row['level']}, {row['mode']})"
    late = minutes(now - row["at"])
    if row["kind"] == "approval":
        if row["state"] != AlertState.PENDING:
            return None
        return f"{name} still waits for approval: approve, return or reject it now", Role.APPROVER
    if row["kind"] == "paused":
        where = ", ".join(row["paused"])
        says = f"{name} is still paused on {where}: residents there wait for it; resume it, or stop it for good"
        return (says, Role.SUPERVISOR) if where else None
    if row["state"] not in {AlertState.LIVE, AlertState.EXPIRED}:
        return None
    if row["kind"] == "next_update":
        return (
            f"{name} promised residents an update now ({late} min ago): write it, or say that nothing changed",
            Role.OFFICER,
        )
    promised = minutes(now - row["next_update"])
    return f"{name}: the promised update is {promised} min overdue and nobody has sent one", Role.SUPERVISOR


def minutes(span: timedelta) -> int:
    """Give whole minutes, never below zero."""
    return max(int(span.total_seconds() // 60), 0)


async def _expire(connection: db.AnyConnection, alert_id: int) -> None:
    await connection.execute(EXPIRE, alert_id, before(AlertState.EXPIRED))
    await release.stop(connection, [alert_id], Stopped.EXPIRED)
    await connection.execute(TELL_ALERT, str(alert_id))
