"""The book of feeds: which there are, who reads one just now, how each stands, and what each told."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta, tzinfo
from typing import Any

import asyncpg

from crisis import db, log
from crisis.cap.entry import Entry
from crisis.cap.record import from_record
from crisis.errors import BadInput, Fault, NotFound
from crisis.model import feed_rules
from crisis.model.alert import Mode
from crisis.model.feed import Feed
from crisis.model.feed_rules import Kind, NewFeed, Stand
from crisis.model.officer import Officer, Role
from crisis.privacy import token_hash

logger = log.get("feedbook")

LEASE = timedelta(seconds=30)  # how long one who reads a feed may be silent before another takes it over

ADD = """
INSERT INTO feed (name, format, url, mode, may_release, every, quiet_after, hosts, certificates, must_sign, token_hash,
                  created_by, created_at, next_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13) RETURNING id
"""
# A new address has nothing to do with the old one's ETag, and a feed switched on again starts afresh.
CHANGE = """
UPDATE feed SET format = $2, url = $3, mode = $4, may_release = $5, every = $6, quiet_after = $7, hosts = $8,
    certificates = $9, must_sign = $10, token_hash = coalesce($11, token_hash), enabled = $12,
    etag = '', last_modified = '', failures = 0, trouble = '', called_at = NULL, next_at = $13,
    read_at = CASE WHEN enabled THEN read_at END
WHERE name = $1
"""
ALL = "SELECT * FROM feed ORDER BY name"
ONE = "SELECT * FROM feed WHERE name = $1"
HELD = "SELECT * FROM feed WHERE name = $1 FOR UPDATE"
AUDIT = "INSERT INTO audit (officer_id, act, subject, facts, at) VALUES ($1, $2, $3, $4, $5)"

# Several services may share this database, and a feed asked by each would be asked too often (BMKG bans for it) and
# told twice. So whoever reads a feed first moves its `next_at` to the end of a lease: the others see nothing due, a
# row that is just being taken is skipped, and if the reader dies the lease ends and the feed is due again. The
# moment itself is the fence: who has lost the lease writes nothing about the feed any more.
TAKE_DUE = """
UPDATE feed SET next_at = $2 WHERE id = (
    SELECT id FROM feed WHERE enabled AND next_at <= $1 AND NOT format = ANY($3::text[]) AND NOT id = ANY($4::bigint[])
    ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING *
"""
TAKE = "UPDATE feed SET next_at = $2 WHERE name = $1 AND enabled RETURNING *"
RENEW = "UPDATE feed SET next_at = $3 WHERE id = $1 AND next_at = $2 AND enabled"
GIVE_BACK = "UPDATE feed SET next_at = $3 WHERE id = $1 AND next_at = $2"
NOTE = """
UPDATE feed SET tried_at = $3, read_at = coalesce($4, read_at), changed_at = coalesce($5, changed_at), failures = $6,
    trouble = $7, next_at = $8, etag = $9, last_modified = $10,
    called_at = CASE WHEN $7 = '' AND coalesce($5, changed_at, created_at) + quiet_after > $3 THEN NULL
                ELSE called_at END
WHERE id = $1 AND next_at = $2
"""
POSTED = """
UPDATE feed SET tried_at = $2, read_at = $2, changed_at = coalesce($3, changed_at), failures = 0, trouble = '',
    called_at = CASE WHEN $3::timestamptz IS NULL THEN called_at END
WHERE id = $1
"""
CALLED = "UPDATE feed SET called_at = $2 WHERE id = $1 AND called_at IS NOT DISTINCT FROM $3"
ALARM = "INSERT INTO alarm (kind, says, role, at) VALUES ('feed_unread', $1, 'officer', $2)"

# What another feed told first is this feed's, too.
ENTRIES = """
SELECT s.id, s.guid, s.link, s.sender, s.identifier, s.sent, s.refused, s.signature, s.standing, s.did, s.why,
       jsonb_array_length(s.warnings) AS warnings, s.alert_id, s.received_at, octet_length(s.raw) AS bytes
FROM source_alert s
WHERE s.feed_id = $1
   OR EXISTS (SELECT FROM source_seen t WHERE t.source_alert_id = s.id AND t.feed_id = $1)
ORDER BY s.id DESC LIMIT $2
"""
RAW = """
SELECT s.raw FROM source_alert s
WHERE s.id = $2 AND (s.feed_id = $1
   OR EXISTS (SELECT FROM source_seen t WHERE t.source_alert_id = s.id AND t.feed_id = $1))
"""
# What was sent by a clock ahead of ours waits until ours has come there; told only once, it would wait for ever.
WAITING = """
SELECT f.*, s.raw, s.guid, s.link, s.alert FROM source_alert s JOIN feed f ON f.id = s.feed_id
WHERE s.did = 'held' AND s.alert IS NOT NULL AND s.sent <= $1 ORDER BY s.id LIMIT 100
"""
KNOWN_LINKS = "SELECT DISTINCT link FROM source_alert WHERE link = ANY($1::text[])"


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """One entry that came, and what was done about it."""

    where: str = ""
    guid: str = ""
    link: str = ""
    sender: str = ""
    identifier: str = ""
    sent: datetime | None = None
    refused: str = ""
    warnings: int = 0
    id: int | None = None  # of what was stored
    new: bool = False
    did: str = ""
    alert_id: int | None = None  # of ours
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """What one look at a feed brought: `read` without `came` is "no alerts", not `read` is "cannot be read"."""

    feed: str
    read: bool = True
    unchanged: bool = False
    says: str = ""
    came: tuple[Came, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """The right to read a feed just now, until `ends`."""

    feed: Feed
    ends: datetime
    failures: int
    etag: str
    last_modified: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What is written down after a look: `etag` and `last_modified` are kept only when nothing was left undone."""

    at: datetime
    next_at: datetime
    read: bool
    changed: bool = False
    trouble: str = ""
    etag: str = ""
    last_modified: str = ""


async def add(pool: db.Pool, new: NewFeed, kinds: Mapping[str, Kind], by: Officer, now: datetime) -> str:
    """Add a feed, or raise BadInput with every fault; give the token of one that is posted to us, shown only now."""
    by.need(Role.ADMIN)
    if faults := feed_rules.check(new, kinds):
        raise BadInput(faults)
    token = secrets.token_urlsafe(32) if kinds[new.format].way == "posted" else ""
    hashed = token_hash(token) if token else None
    values = (*_values(new)[1:], hashed)
    try:
        async with pool.acquire() as connection, connection.transaction():
            feed_id = await connection.fetchval(ADD, new.name, *values, by.id, now)
            await connection.execute(AUDIT, by.id, "feed.add", feed_id, _told(new), now)
    except asyncpg.UniqueViolationError as error:
        says = "there is such a feed already: choose another name"
        raise BadInput([Fault(file="feed", field="name", says=says)]) from error
    return token


async def change(
    pool: db.Pool, name: str, changes: Mapping[str, Any], kinds: Mapping[str, Kind], by: Officer, now: datetime
) -> str:
    """Change what an admin named, `enabled` and `new_token` too; give the new token, if one was asked for.

    A feed is never removed: what it told stays on the record, so it is switched off instead.
    """
    by.need(Role.ADMIN)
    async with pool.acquire() as connection, connection.transaction():
        row = await connection.fetchrow(HELD, name)
        if row is None:
            raise NotFound(f"there is no feed {name!r}; see `crisis feed list`")
        new = _changed(dict(row), changes)
        # What is only switched off may be wrong by now: its format may be gone.
        enabled = changes.get("enabled", row["enabled"])
        if (faults := feed_rules.check(new, kinds)) and enabled:
            raise BadInput(faults)
        token = secrets.token_urlsafe(32) if changes.get("new_token") and row["token_hash"] else ""
        values = (*_values(new), token_hash(token) if token else None)
        await connection.execute(CHANGE, *values, enabled, now)
        told = {field: str(value)[:200] for field, value in changes.items() if field not in ("url", "certificates")}
        await connection.execute(AUDIT, by.id, "feed.change", row["id"], told, now)
    return token


def _changed(row: Mapping[str, Any], changes: Mapping[str, Any]) -> NewFeed:
    names = [field.name for field in fields(NewFeed)]
    told = {name: changes.get(name, row[name]) for name in names}
    freshly_released = changes.get("may_release") and not row["may_release"]
    mode = None if freshly_released and "mode" not in changes else Mode(told["mode"])
    return NewFeed(**{**told, "mode": mode, "hosts": tuple(told["hosts"])})


def _values(new: NewFeed) -> tuple[Any, ...]:
    mode = new.mode or Mode.EXERCISE
    return (
        new.name, new.format, new.url, mode.value, new.may_release, new.every, new.quiet_after, list(new.hosts),
        new.certificates, new.must_sign,
    )  # fmt: skip


def _told(new: NewFeed) -> dict[str, Any]:
    return {"name": new.name, "format": new.format, "mode": new.mode, "may_release": new.may_release}


async def rows(pool: db.Pool) -> list[Mapping[str, Any]]:
    """Give every feed there is, as it stands."""
    return [dict(row) for row in await pool.fetch(ALL)]


async def one(pool: db.Pool, name: str) -> Mapping[str, Any]:
    """Give a feed as it stands; raise NotFound when there is none of that name."""
    row = await pool.fetchrow(ONE, name)
    if row is None:
        raise NotFound(f"there is no feed {name!r}; see `crisis feed list`")
    return dict(row)


def feed_of(row: Mapping[str, Any]) -> Feed:
    """Give the feed of a row."""
    told = {field.name: row[field.name] for field in fields(Feed)}
    return Feed(**{**told, "mode": Mode(row["mode"]), "hosts": tuple(row["hosts"])})


def stand_of(row: Mapping[str, Any], kinds: Mapping[str, Kind]) -> Stand:
    """Give how the feed of a row stands."""
    told = {field.name: row[field.name] for field in fields(Stand) if field.name != "posted"}
    return Stand(**told, posted=row["format"] in kinds and kinds[row["format"]].way == "posted")


async def take_due(pool: db.Pool, now: datetime, *, never: Collection[str], busy: Collection[int]) -> Turn | None:
    """Take the turn of the feed that has been due longest, but none of the formats `never` or that we have in hand."""
    row = await pool.fetchrow(TAKE_DUE, now, now + LEASE, list(never), list(busy))
    return None if row is None else _turn(dict(row), now)


async def take(pool: db.Pool, name: str, now: datetime) -> Turn:
    """Take the turn of a feed at once, from another who may have it; raise NotFound where it is off or unknown."""
    row = await pool.fetchrow(TAKE, name, now + LEASE)
    if row is None:
        await one(pool, name)
        raise NotFound(f"the feed {name} is switched off: switch it on first with `crisis feed on {name}`")
    return _turn(dict(row), now)


def _turn(row: Mapping[str, Any], now: datetime) -> Turn:
    names = ("failures", "etag", "last_modified", "created_at")
    return Turn(feed=feed_of(row), ends=now + LEASE, **{name: row[name] for name in names})


async def renew(pool: db.Pool, turn: Turn, ends: datetime, now: datetime) -> datetime | None:
    """Hold on to a turn that ends at `ends`; give its new end, None when it is another's or the feed was changed."""
    later = now + LEASE
    done = await pool.execute(RENEW, turn.feed.id, ends, later)
    return later if done == "UPDATE 1" else None


async def give_back(pool: db.Pool, turn: Turn, ends: datetime, now: datetime) -> None:
    """Give back a turn that ends at `ends` unused: whoever starts next reads the feed at once."""
    await pool.execute(GIVE_BACK, turn.feed.id, ends, now)


async def note(pool: db.Pool, turn: Turn, ends: datetime, told: Note) -> bool:
    """Write down what a look at a feed brought, and give back the turn; False when it was another's by now."""
    done = await pool.execute(
        NOTE,
        turn.feed.id,
        ends,
        told.at,
        told.at if told.read else None,
        told.at if told.changed else None,
        turn.failures + 1 if told.trouble else 0,
        told.trouble,
        told.next_at,
        told.etag,
        told.last_modified,
    )
    return done == "UPDATE 1"


async def note_posted(pool: db.Pool, feed_id: int, changed: bool, now: datetime) -> None:
    """Write down that a feed's owner posted something."""
    await pool.execute(POSTED, feed_id, now, now if changed else None)


async def posted_by(pool: db.Pool, name: str, token: str) -> Mapping[str, Any] | None:
    """Give the feed whose token this is; None takes the same time whether the feed or the token is wrong."""
    row = await pool.fetchrow(ONE, name)
    kept = row["token_hash"] if row is not None and row["token_hash"] is not None else bytes(32)
    right = hmac.compare_digest(kept, token_hash(token))
    return dict(row) if right and row is not None else None


async def call_officers(pool: db.Pool, kinds: Mapping[str, Kind], now: datetime, zone: tzinfo) -> int:
    """Call officers to every feed that needs one, once for each trouble or silence; count the calls."""
    calls = 0
    for row in await rows(pool):
        if says := feed_rules.call(stand_of(row, kinds), row["every"], now, zone):
            async with pool.acquire() as connection, connection.transaction():
                # Of two services that see it at once, one calls.
                if await connection.execute(CALLED, row["id"], now, row["called_at"]) == "UPDATE 1":
                    await connection.execute(ALARM, says, now)
                    logger.warning("feedbook.officers_called", feed=row["name"])
                    calls += 1
    return calls


async def entries(pool: db.Pool, feed_id: int, most: int) -> list[dict[str, Any]]:
    """Give what a feed told, the latest first."""
    return [db.plain(dict(row)) for row in await pool.fetch(ENTRIES, feed_id, most)]


async def raw(pool: db.Pool, feed_id: int, entry_id: int) -> bytes:
    """Give the bytes of what a feed told, exactly as published; raise NotFound where it told no such thing."""
    found = await pool.fetchval(RAW, feed_id, entry_id)
    if found is None:
        raise NotFound(f"this feed told no entry {entry_id}")
    return bytes(found)


async def known_links(pool: db.Pool, links: Collection[str]) -> set[str]:
    """Tell which of these links lead to what is stored already."""
    return {row["link"] for row in await pool.fetch(KNOWN_LINKS, list(links))}


async def waiting(pool: db.Pool, now: datetime) -> list[tuple[Feed, Entry]]:
    """Give the alerts whose time of sending was still to come when they were told, and has come now."""
    found = [dict(row) for row in await pool.fetch(WAITING, now)]
    return [
        (feed_of(r), Entry(raw=r["raw"], guid=r["guid"], link=r["link"], alert=from_record(r["alert"]))) for r in found
    ]
