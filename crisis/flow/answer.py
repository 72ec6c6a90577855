"""Answer: from the playbook or by an officer; it goes back on the channel the question came from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from crisis import db, log
from crisis.errors import BadInput, IllegalMove, NotFound
from crisis.model.alert import Mode
from crisis.model.inquiry import InquiryState, before
from crisis.model.office import Office
from crisis.model.officer import Officer, Role
from crisis.model.words import mark_line
from crisis.privacy import Vault

logger = log.get("answer")

STAYS_VALID = timedelta(hours=24)  # an answer that could not be sent for a day answers nothing any more
MOST = 1_000  # characters an officer may write

LOCK = """
SELECT q.id, q.account, q.state, q.priority, q.language, q.address_id FROM inquiry q WHERE q.id = $1 FOR UPDATE
"""
MOVE = "UPDATE inquiry SET state = $2, answered_at = coalesce(answered_at, $3) WHERE id = $1 AND state = ANY($4)"
ASSIGN = "UPDATE inquiry SET state = 'assigned', assigned_to = $2 WHERE id = $1 AND state = ANY($3)"
CLOSE = "UPDATE inquiry SET state = 'closed' WHERE id = $1 AND state = ANY($2)"

ADD = "INSERT INTO answer (inquiry_id, officer_id, language, text, created_at) VALUES ($1, $2, $3, $4, $5) RETURNING id"
DISPATCH = """
INSERT INTO dispatch (answer_id, channel, account, reach, urgent, expanded, expires)
VALUES ($1, $2, $3, 'addressed', $4, true, $5) RETURNING id
"""
BATCH = """
INSERT INTO batch (dispatch_id, account, urgent, seq, language, address_ids)
VALUES ($1, $2, $3, 0, $4, ARRAY[$5::bigint])
"""
WAKE = "SELECT pg_notify('batch', $1)"
TELL = "SELECT pg_notify('inquiry', $1)"
AUDIT = "INSERT INTO audit (officer_id, act, subject, at) VALUES ($1, $2, $3, $4)"

INBOX = """
SELECT q.id, q.account, q.state, q.priority, q.language, q.text, q.why, q.alert_id, q.received_at, q.answered_at,
       a.sealed, o.name AS assigned_to
FROM inquiry q LEFT JOIN address a ON a.id = q.address_id LEFT JOIN officer o ON o.id = q.assigned_to
WHERE ($1::text[] IS NULL OR q.state = ANY($1)) ORDER BY q.priority, q.received_at LIMIT $2
"""
ANSWERS = """
SELECT w.inquiry_id, w.text, w.language, w.created_at, o.name AS officer, d.state AS dispatch_state,
       (SELECT t.outcome FROM attempt t WHERE t.dispatch_id = d.id
        ORDER BY (t.outcome = 'accepted') DESC, t.at DESC LIMIT 1) AS outcome
FROM answer w LEFT JOIN officer o ON o.id = w.officer_id LEFT JOIN dispatch d ON d.answer_id = w.id
WHERE w.inquiry_id = ANY($1::bigint[]) ORDER BY w.id
"""
BY_CODE = "SELECT id, state, language, received_at FROM inquiry WHERE code = $1"


async def reply(
    connection: db.AnyConnection, inquiry: Mapping[str, Any], text: str, officer_id: int | None, now: datetime
) -> int:
    """Write an answer in the caller's transaction, to leave on the account its inquiry came by.

    An inquiry of the web form has no address: its answer is read on its own page.
    """
    answer_id: int = await connection.fetchval(ADD, inquiry["id"], officer_id, inquiry["language"], text, now)
    if inquiry["address_id"] is not None:
        await _dispatch(connection, inquiry, answer_id, now)
    await connection.execute(TELL, str(inquiry["id"]))
    return answer_id


async def _dispatch(connection: db.AnyConnection, inquiry: Mapping[str, Any], answer_id: int, now: datetime) -> None:
    account = inquiry["account"]
    urgent = 0 if inquiry["priority"] == 1 else 1
    channel = account.partition("/")[0]
    dispatch_id = await connection.fetchval(DISPATCH, answer_id, channel, account, urgent, now + STAYS_VALID)
    await connection.execute(BATCH, dispatch_id, account, urgent, inquiry["language"], inquiry["address_id"])
    # Only an answer to somebody in danger breaks into a batch that is being sent; the others go between two.
    await connection.execute(WAKE, f"{account} {0 if urgent == 0 else 99}")


async def by_officer(pool: db.Pool, inquiry_id: int, officer: Officer, text: str, office: Office, now: datetime) -> int:
    """Answer an inquiry in an officer's words; IllegalMove when it is not open any more."""
    officer.need(Role.OFFICER)
    said = text.strip()
    if not said or len(said) > MOST:
        raise BadInput(f"an answer has 1 to {MOST} characters; this has {len(said)}")
    async with pool.acquire() as connection, connection.transaction():
        row = await _locked(connection, inquiry_id)
        # What the playbook answered may be answered better by an officer: it is opened first.
        if row["state"] in {InquiryState.AUTO_ANSWERED, InquiryState.ANSWERED}:
            await connection.execute(MOVE, inquiry_id, InquiryState.OPEN.value, now, before(InquiryState.OPEN))
        await _moved(connection, row, InquiryState.ANSWERED, now)
        marked = mark_line(f"{office.agency}: {said}", row["language"], _mode(row["account"]))
        answer_id = await reply(connection, row, marked, officer.id, now)
        await connection.execute(AUDIT, officer.id, "inquiry.answer", inquiry_id, now)
    logger.info("answer.written", inquiry=inquiry_id, officer=officer.id)
    return answer_id


def _mode(account: str) -> Mode:
    return Mode.EXERCISE if account.endswith("/exercise") else Mode.ACTUAL


async def assign(pool: db.Pool, inquiry_id: int, officer: Officer, now: datetime) -> None:
    """Give an open inquiry to the officer who asks for it."""
    await _set(pool, inquiry_id, officer, InquiryState.ASSIGNED, (ASSIGN, officer.id), now)


async def close(pool: db.Pool, inquiry_id: int, officer: Officer, now: datetime) -> None:
    """Close an inquiry; a later word of the resident opens a new one."""
    await _set(pool, inquiry_id, officer, InquiryState.CLOSED, (CLOSE,), now)


async def _set(
    pool: db.Pool, inquiry_id: int, officer: Officer, state: InquiryState, how: tuple[Any, ...], now: datetime
) -> None:
    officer.need(Role.OFFICER)
    async with pool.acquire() as connection, connection.transaction():
        row = await _locked(connection, inquiry_id)
        statement, *arguments = how
        if await connection.execute(statement, inquiry_id, *arguments, before(state)) != "UPDATE 1":
            raise IllegalMove(f"inquiry {inquiry_id} is {row['state']}: it cannot become {state}")
        await connection.execute(AUDIT, officer.id, f"inquiry.{state}", inquiry_id, now)


async def _locked(connection: db.AnyConnection, inquiry_id: int) -> Mapping[str, Any]:
    row = await connection.fetchrow(LOCK, inquiry_id)
    if row is None:
        raise NotFound(f"there is no inquiry {inquiry_id}")
    return dict(row)


async def _moved(connection: db.AnyConnection, row: Mapping[str, Any], state: InquiryState, now: datetime) -> None:
    if await connection.execute(MOVE, row["id"], state.value, now, before(state)) != "UPDATE 1":
        raise IllegalMove(f"inquiry {row['id']} is {row['state']}: it cannot become {state}")


async def inbox(
    pool: db.Pool, vault: Vault, states: list[str] | None, most: int, show_address: bool, mask: Any
) -> list[dict[str, Any]]:
    """List inquiries, those in danger first, then the longest waiting; addresses masked without the right."""
    async with pool.acquire() as connection:
        rows = await connection.fetch(INBOX, states, most)
        answers = await connection.fetch(ANSWERS, [r["id"] for r in rows])
    return [_shown(row, answers, vault, show_address, mask) for row in rows]


def _shown(row: Any, answers: Any, vault: Vault, show_address: bool, mask: Any) -> dict[str, Any]:
    sender = vault.open(row["sealed"]) if row["sealed"] else ""
    return {
        "id": row["id"],
        "account": row["account"],
        "state": row["state"],
        "priority": row["priority"],
        "language": row["language"],
        "from": sender if show_address else mask(sender),
        "text": vault.open(row["text"]),
        "why": row["why"],
        "alert": row["alert_id"],
        "received_at": row["received_at"].isoformat(),
        "assigned_to": row["assigned_to"],
        "answers": [
            {
                "text": a["text"],
                "by": a["officer"] or "playbook",
                "at": a["created_at"].isoformat(),
                "outcome": a["outcome"] or ("on its page" if a["dispatch_state"] is None else "waiting"),
            }
            for a in answers
            if a["inquiry_id"] == row["id"]
        ],
    }


async def on_page(pool: db.Pool, code: str) -> dict[str, Any]:
    """Give what the web form's own page shows: the state of the inquiry and its answers."""
    async with pool.acquire() as connection:
        row = await connection.fetchrow(BY_CODE, code)
        if row is None:
            raise NotFound("there is no question with this address")
        answers = await connection.fetch(ANSWERS, [row["id"]])
    return {"state": row["state"], "language": row["language"], "at": row["received_at"], "answers": answers}
