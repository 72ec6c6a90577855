"""Release: a second officer approves, returns or rejects; what leaves is exactly what was approved."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ParamSpec, TypeVar

import asyncpg

from channels.contract import Reach
from crisis import db, log
from crisis.errors import BadInput, IllegalMove, NotAllowed, NotFound
from crisis.flow import fanout
from crisis.model.alert import ENDING, AlertState, MsgType, before, refuse_move
from crisis.model.dispatch import DispatchState, Stopped, stopped_before
from crisis.model.dispatch import before as dispatch_before
from crisis.model.officer import Officer, Role
from crisis.model.playbook import Playbook
from crisis.model.words import Purpose

logger = log.get("release")
P = ParamSpec("P")
T = TypeVar("T")
TRIES = 4

LOCK = "SELECT * FROM alert WHERE id = $1 FOR UPDATE"

SUBMIT = """
UPDATE alert SET state = 'pending', submitted_by = $2, submitted_at = $3 WHERE id = $1 AND state = ANY($4)
"""

CLOSE_DRAFT = "UPDATE alert SET state = $2 WHERE id = $1 AND state = ANY($3)"

# The constraint approver_is_another_person stands behind this statement.
GO_LIVE = """
UPDATE alert SET state = 'live', approved_by = $2, break_glass = $3, pre_authorised = $4, sent = $5
WHERE id = $1 AND state = ANY($6)
"""

# An update, cancel or all-clear takes the place of every alert of its chain in the same transaction, so that
# nobody can read both as in force. What was not yet leased of them never leaves; a worker that has a batch in
# hand hears of the stop by NOTIFY and ends it. What an officer had paused stays stopped, now for good. What is done
# stays done: failover moves nobody on once the alert is not live.
REPLACE = "UPDATE alert SET state = $2 WHERE id = ANY($1::bigint[]) AND state = ANY($3)"
STOP_DISPATCHES = """
UPDATE dispatch SET state = 'stopped', stopped = $2, done_at = now()
WHERE alert_id = ANY($1::bigint[]) AND state = ANY($3) AND state <> 'done' AND (stopped IS NULL OR stopped = ANY($4))
RETURNING id
"""
STOP_BATCHES = "UPDATE batch SET state = 'stopped' WHERE dispatch_id = ANY($1::bigint[]) AND state = 'ready'"
STOP_RETRIES = """
WITH gone AS (
    DELETE FROM retry WHERE (dispatch_id, address_id) IN (
        SELECT dispatch_id, address_id FROM retry WHERE dispatch_id = ANY($1::bigint[])
        ORDER BY dispatch_id, address_id FOR UPDATE)
    RETURNING dispatch_id, address_id, try, account, leased_until)
INSERT INTO attempt (dispatch_id, address_id, try, outcome, code, refs, account, at)
SELECT dispatch_id, address_id, try, 'unknown', 'in hand at the stop', '{}', account, now()
FROM gone WHERE leased_until IS NOT NULL
"""
TELL_STOP = "SELECT pg_notify('stop', d::text) FROM unnest($1::bigint[]) d"

DISPATCH = """
INSERT INTO dispatch (alert_id, channel, account, reach, urgent, expires)
VALUES ($1, $2, $3, $4, $5, $6) RETURNING id
"""

DUE = "INSERT INTO due (kind, alert_id, at) VALUES ($1, $2, $3) ON CONFLICT (kind, alert_id) DO NOTHING"
DUE_DONE = "UPDATE due SET done_at = $2 WHERE alert_id = ANY($1::bigint[]) AND done_at IS NULL"

CLOSE_INCIDENT = "UPDATE incident SET state = 'closed', closed_at = $2 WHERE id = $1 AND state = 'open'"

AUDIT = "INSERT INTO audit (officer_id, act, subject, reason, facts, at) VALUES ($1, $2, $3, $4, $5, $6)"

ALARM = "INSERT INTO alarm (kind, alert_id, says, role, at) VALUES ($1, $2, $3, $4, $5)"

TELL_ALERT = "SELECT pg_notify('alert', $1)"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Leave:
    """By whose leave an alert goes out: an approver, one officer with a reason, or a rule agreed on beforehand."""

    act: str
    officer: Officer | None = None
    approver: int | None = None
    glass: str | None = None
    rule: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlet:
    """A channel account an alert can leave by."""

    channel: str
    account: str
    reach: Reach


async def submit(pool: db.Pool, alert_id: int, officer: Officer, now: datetime, wait: timedelta) -> None:
    """Hand a draft or returned alert to approval; the clock calls supervisors when it waits longer than `wait`."""
    officer.need(Role.OFFICER)
    async with pool.acquire() as connection, connection.transaction():
        row = await _locked(connection, alert_id)
        await _moved(connection, row, AlertState.PENDING, SUBMIT, alert_id, officer.id, now, before(AlertState.PENDING))
        await connection.execute("DELETE FROM due WHERE kind = 'approval' AND alert_id = $1", alert_id)
        await connection.execute(DUE, "approval", alert_id, now + wait)
        await _audit(connection, officer, "alert.submit", alert_id, "", {"hash": row["words_hash"]}, now)


async def send_back(pool: db.Pool, alert_id: int, officer: Officer, reason: str, now: datetime) -> None:
    """Return a pending alert to its author with a reason."""
    await _close(pool, alert_id, officer, AlertState.RETURNED, need_reason(reason), now)


async def reject(pool: db.Pool, alert_id: int, officer: Officer, reason: str, now: datetime) -> None:
    """End an alert that was not sent, with a reason; it can never be sent afterwards."""
    await _close(pool, alert_id, officer, AlertState.REJECTED, need_reason(reason), now)


async def _close(pool: db.Pool, alert_id: int, officer: Officer, state: AlertState, reason: str, now: datetime) -> None:
    async with pool.acquire() as connection, connection.transaction():
        row = await _locked(connection, alert_id)
        if officer.id not in (row["submitted_by"], row["drafted_by"]):  # an author may always take back what is theirs
            officer.need(Role.APPROVER)
        await _moved(connection, row, state, CLOSE_DRAFT, alert_id, state.value, before(state))
        await connection.execute(DUE_DONE, [alert_id], now)
        await _audit(connection, officer, f"alert.{state}", alert_id, reason, {}, now)


def again_after_deadlock(run: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Run a release or a stop again when Postgres rolled it back for getting in the way of a delivery or the clock."""

    @functools.wraps(run)
    async def persist(*args: P.args, **kwargs: P.kwargs) -> T:
        for _ in range(TRIES - 1):
            with contextlib.suppress(asyncpg.DeadlockDetectedError):
                return await run(*args, **kwargs)
        return await run(*args, **kwargs)

    return persist


@again_after_deadlock
async def approve(
    pool: db.Pool,
    alert_id: int,
    officer: Officer,
    words_hash: str,
    playbook: Playbook,
    outlets: Sequence[Outlet],
    now: datetime,
) -> None:
    """Release a pending alert: freeze it, stop what it replaces, and commit its first batches, all or nothing.

    `words_hash` is what the approver saw: any edit since voids the approval. Whoever submitted it cannot
    approve it; the database refuses that too.
    """
    async with pool.acquire() as connection, connection.transaction():
        row = await _locked(connection, alert_id)
        if officer.role not in playbook.approval.roles:
            raise NotAllowed(
                f"{officer.name} is {officer.role}: {row['playbook']} is approved by {_list(playbook.approval.roles)}"
            )
        if officer.id in (row["submitted_by"], row["drafted_by"]):
            raise NotAllowed(f"{officer.name} submitted alert {alert_id}: another officer must approve it")
        if row["state"] != AlertState.PENDING:
            raise refuse_move(alert_id, row["state"], AlertState.LIVE)
        if row["words_hash"] != words_hash:
            raise IllegalMove(f"alert {alert_id} was changed since you read it: read it again and approve what you see")
        leave = _Leave(act="alert.approve", officer=officer, approver=officer.id)
        await _go_live(connection, row, leave, outlets, now)


@again_after_deadlock
async def break_glass(
    pool: db.Pool,
    alert_id: int,
    officer: Officer,
    reason: str,
    playbook: Playbook,
    outlets: Sequence[Outlet],
    now: datetime,
) -> None:
    """Release an alert by one officer alone, where the playbook allows it, with a reason that all supervisors see.

    Cancel and correction are pre-written, so those who may break the glass may send them at any level.
    """
    async with pool.acquire() as connection, connection.transaction():
        row = await _locked(connection, alert_id)
        rule = playbook.approval.break_glass
        if officer.role not in rule.roles:
            raise NotAllowed(
                f"{officer.name} is {officer.role}: only {_list(rule.roles)} may break the glass for {row['playbook']}"
            )
        mending = Purpose(row["purpose"]) in {Purpose.CANCEL, Purpose.CORRECTION}
        if row["level"] not in rule.levels and not mending:
            raise NotAllowed(
                f"level {row['level']} of {row['playbook']} needs a second officer; "
                f"break-glass is for {_list(rule.levels)}"
            )
        if row["state"] not in {AlertState.DRAFT, AlertState.PENDING}:
            raise refuse_move(alert_id, row["state"], AlertState.LIVE)
        what = f"alert {alert_id} ({row['playbook']} {row['level']}, {row['mode']})"
        says = f"{officer.name} released {what} alone: {need_reason(reason)}"
        await connection.execute(ALARM, "break_glass", alert_id, says, Role.SUPERVISOR.value, now)
        leave = _Leave(act="alert.break_glass", officer=officer, glass=reason.strip())
        await _go_live(connection, row, leave, outlets, now)


async def release_pre_authorised(
    connection: db.AnyConnection, alert_id: int, rule: str, outlets: Sequence[Outlet], now: datetime
) -> None:
    """Release a draft of a feed without an officer, by a rule agreed on beforehand, in the caller's transaction.

    `rule` says which rule of which playbook, for which feed; it stays on the record and every supervisor is told.
    Whether it may is the caller's to decide. IllegalMove for anything but a draft that no officer wrote or submitted.
    """
    row = await _locked(connection, alert_id)
    if row["state"] != AlertState.DRAFT or row["drafted_by"] is not None:
        raise IllegalMove(
            f"alert {alert_id} is {row['state']} and in an officer's hands: only a feed's draft can leave"
        )
    what = f"alert {alert_id} ({row['playbook']} {row['level']}, {row['mode']}) for {row['area_desc']}"
    says = f"{what} left without an officer, by {rule}: read it, and correct or cancel it if it is wrong"
    await connection.execute(ALARM, "pre_authorised", alert_id, says, Role.SUPERVISOR.value, now)
    await _go_live(connection, row, _Leave(act="alert.pre_authorised", rule=rule), outlets, now)


async def withdraw(connection: db.AnyConnection, alert_id: int, reason: str, now: datetime) -> None:
    """End a feed's own draft in the caller's transaction because its source said something newer."""
    row = await _locked(connection, alert_id)
    state = AlertState.REJECTED
    await _moved(connection, row, state, CLOSE_DRAFT, alert_id, state.value, before(state))
    await connection.execute(DUE_DONE, [alert_id], now)
    await _audit(connection, None, "alert.rejected", alert_id, reason, {}, now)


async def _go_live(
    connection: db.AnyConnection,
    row: asyncpg.Record,
    leave: _Leave,
    outlets: Sequence[Outlet],
    now: datetime,
) -> None:
    _still_in_time(row, now)
    _every_way_is_there(row, outlets)
    by = (leave.approver, leave.glass, leave.rule, now.replace(microsecond=0))
    await _moved(connection, row, AlertState.LIVE, GO_LIVE, row["id"], *by, before(AlertState.LIVE))
    await _replace(connection, row, now)
    await _set_clock(connection, row, now)
    facts = {"hash": row["words_hash"], "accounts": [o.account for o in outlets]}
    await _audit(connection, leave.officer, leave.act, row["id"], leave.glass or leave.rule or "", facts, now)
    for outlet in outlets:
        way = (outlet.channel, outlet.account, outlet.reach.value, row["urgent"], row["expires"])
        dispatch_id = await connection.fetchval(DISPATCH, row["id"], *way)
        await fanout.expand_step(connection, dispatch_id, fanout.FIRST_STEP)
    await connection.execute(TELL_ALERT, str(row["id"]))
    logger.info("release.live", alert=row["id"], mode=row["mode"], purpose=row["purpose"], accounts=facts["accounts"])


def _every_way_is_there(row: asyncpg.Record, outlets: Sequence[Outlet]) -> None:
    """An account may have gone from the settings since the draft: what was approved must not leave by less."""
    if missing := sorted(set(row["channels"]) - {o.channel for o in outlets}):
        raise IllegalMove(
            f"alert {row['id']} was drafted for {', '.join(missing)}, which has no account now: "
            "set it up again, or draft the alert anew"
        )


def _still_in_time(row: asyncpg.Record, now: datetime) -> None:
    if row["expires"] <= now:
        raise IllegalMove(
            f"alert {row['id']} expired at {row['expires'].isoformat()} before it was released: draft it anew"
        )
    if row["next_update"] is not None and row["next_update"] <= now:
        raise IllegalMove(
            f"alert {row['id']} promises an update for {row['next_update'].isoformat()}, "
            "which has passed: draft it anew"
        )


async def _replace(connection: db.AnyConnection, row: asyncpg.Record, now: datetime) -> None:
    if not row["refs"]:
        return
    state = AlertState.CANCELLED if row["msg_type"] == MsgType.CANCEL else AlertState.SUPERSEDED
    await connection.execute(REPLACE, row["refs"], state.value, before(state))
    await stop(connection, row["refs"], Stopped(state.value))
    await connection.execute(DUE_DONE, row["refs"], now)
    if Purpose(row["purpose"]) in ENDING:
        await connection.execute(CLOSE_INCIDENT, row["incident_id"], now)


async def stop(connection: db.AnyConnection, alert_ids: Sequence[int], why: Stopped) -> None:
    """Stop all dispatches of these alerts in the caller's transaction: nothing more of them leaves after its commit."""
    guard = (dispatch_before(DispatchState.STOPPED), stopped_before(why))
    stopped = await connection.fetch(STOP_DISPATCHES, alert_ids, why.value, *guard)
    await clear(connection, [r["id"] for r in stopped])


async def clear(connection: db.AnyConnection, stopped: Sequence[int]) -> None:
    """Take what stopped dispatches had still to send out of the queues, and tell the workers."""
    if stopped:
        await connection.execute(STOP_BATCHES, stopped)
        await connection.execute(STOP_RETRIES, stopped)
        await connection.execute(TELL_STOP, stopped)


async def _set_clock(connection: db.AnyConnection, row: asyncpg.Record, now: datetime) -> None:
    await connection.execute(DUE_DONE, [row["id"]], now)
    await connection.execute(DUE, "expire", row["id"], row["expires"])
    if row["next_update"] is not None:
        await connection.execute(DUE, "next_update", row["id"], row["next_update"])
        overdue = row["next_update"] + timedelta(minutes=row["facts"]["escalate_minutes"])
        await connection.execute(DUE, "overdue", row["id"], overdue)


async def _locked(connection: db.AnyConnection, alert_id: int) -> asyncpg.Record:
    row: asyncpg.Record | None = await connection.fetchrow(LOCK, alert_id)
    if row is None:
        raise NotFound(f"there is no alert {alert_id}")
    return row


async def _moved(
    connection: db.AnyConnection,
    row: asyncpg.Record,
    state: AlertState,
    statement: str,
    *arguments: object,
) -> None:
    done = await connection.execute(statement, *arguments)
    if done != "UPDATE 1":
        raise refuse_move(row["id"], row["state"], state)


async def _audit(
    connection: db.AnyConnection,
    officer: Officer | None,
    act: str,
    subject: int,
    reason: str,
    facts: Mapping[str, object],
    now: datetime,
) -> None:
    await connection.execute(AUDIT, officer.id if officer else None, act, subject, reason, dict(facts), now)


def need_reason(text: str) -> str:
    """Give the reason an officer wrote; raise BadInput where there is none to speak of."""
    if len(text.strip()) < 3:
        raise BadInput("give a reason of at least three letters: it is kept and shown")
    return text.strip()


def _list(names: Sequence[str]) -> str:
    return " or ".join(map(str, names)) or "nobody"
