"""The book of what feeds told: every source alert as it came, what became of it, and which alert of ours it made."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from crisis import db
from crisis.cap.diff import Change, diff
from crisis.cap.entry import Entry
from crisis.cap.nouns import Alert, Status
from crisis.cap.record import digest, from_record, to_record
from crisis.model.alert import Mode
from crisis.model.feed import Feed

KEPT = timedelta(days=7)  # alerts of a sender that are compared: nothing a feed opens is in force for longer
MADE = frozenset({"drafted", "released", "update drafted", "update released", "recorded"})
LATELY = timedelta(hours=1)  # for what a feed does too often
JUST_ENDED = timedelta(hours=1)  # an alert of ours that ended so lately is still updated, not told anew

FIND = """
SELECT s.id, s.feed_id, s.did, s.why, s.alert_id, f.mode AS feed_mode, a.mode AS mode
FROM source_alert s JOIN feed f ON f.id = s.feed_id LEFT JOIN alert a ON a.id = s.alert_id
WHERE (s.sender, s.identifier, s.digest) = ($1, $2, $4) AND s.sent IS NOT DISTINCT FROM $3
"""
STORE = """
INSERT INTO source_alert (feed_id, guid, link, sender, identifier, sent, digest, raw, alert, warnings, refused,
                          received_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING id
"""
# `last_at` is when the feed last told it to us as something new or changed, not when it last listed it: that would be
# a row a minute for every alert in force, and what leaves a list is judged by the list itself (feed_rests).
SEEN = """
INSERT INTO source_seen (source_alert_id, feed_id, first_at, last_at) VALUES ($1, $2, $3, $3)
ON CONFLICT (source_alert_id, feed_id) DO UPDATE SET last_at = EXCLUDED.last_at
"""
SETTLE = """
UPDATE source_alert SET did = $2, why = $3, alert_id = $4, standing = $5, signature = $6, feed_id = $7 WHERE id = $1
"""

# Two workers, or two feeds, with alerts of one sender: the second waits, and then sees what the first one did.
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('source/' || lower($1), 0))"

# What can have ended an alert is itself sent again, or names it. Outlines are the bulk of an alert and do not matter.
OF_SENDER = """
SELECT alert - 'infos' || jsonb_build_object('infos', (
    SELECT coalesce(jsonb_agg(info - 'areas'), '[]') FROM jsonb_array_elements(alert -> 'infos') AS info)) AS alert,
    (cardinality($6::text[]) = 0 OR signature = ANY($6))
    AND EXISTS (SELECT FROM source_seen t WHERE t.source_alert_id = s.id AND t.feed_id = $5) AS own
FROM source_alert s
WHERE sender = $1 AND received_at > $2 AND alert IS NOT NULL AND id <> $3
  AND (identifier = $4 OR position($4 IN coalesce(alert ->> 'references', '')) > 0
       OR position($4 IN coalesce(alert #>> '{infos,0,parameters}', '')) > 0)
ORDER BY id
"""
AT_ONCE = """
SELECT s.alert, s.alert_id FROM source_alert s JOIN alert a ON a.id = s.alert_id
WHERE s.sender = $1 AND s.sent = $2 AND s.id <> $3 AND a.mode = $5 AND s.alert IS NOT NULL AND NOT EXISTS (
    SELECT FROM jsonb_array_elements(s.alert -> 'infos') AS info
    WHERE lower(split_part(coalesce(info ->> 'language', 'en-US'), '-', 1)) = ANY($4))
ORDER BY s.id
"""

# The alert of ours that an earlier source alert made, by its name: what it references, or itself sent again.
NAMED = """
SELECT s.sender, a.incident_id FROM source_alert s
JOIN alert a ON a.id = s.alert_id JOIN incident i ON i.id = a.incident_id
JOIN unnest($1::text[], $2::text[]) AS n (sender, identifier)
    ON lower(s.sender) = lower(n.sender) AND s.identifier = n.identifier
WHERE i.state = 'open' AND s.id <> $3 ORDER BY i.mode = $4 DESC, s.id DESC LIMIT 1
"""
# A new Alert where an Update belongs: some senders never send one.
SAME_KIND = """
SELECT s.sender, a.incident_id FROM source_alert s
JOIN alert a ON a.id = s.alert_id JOIN incident i ON i.id = a.incident_id
WHERE s.sender = $1 AND i.state = 'open' AND i.playbook = $2 AND i.mode = $3 AND s.id <> $4
  AND s.received_at > $5 AND EXISTS (
    SELECT FROM jsonb_array_elements(s.alert -> 'infos') AS info
    WHERE lower(btrim(info ->> 'event')) = ANY($6) OR info -> 'event_codes' @> ANY($7::jsonb[]))
GROUP BY 1, 2 ORDER BY max(s.id) DESC LIMIT 10
"""
NEWEST = """
SELECT * FROM alert WHERE incident_id = $1 AND (sent IS NOT NULL OR state IN ('draft', 'pending', 'returned'))
ORDER BY number DESC LIMIT 3
"""
LAST_NUMBER = "SELECT max(number) FROM alert WHERE incident_id = $1"
AREAS = "SELECT id, code, name, geometry FROM area ORDER BY id"
# xmin changes with every change of a row.
AREAS_NOW = "SELECT count(*) AS n, coalesce(sum(xmin::text::bigint), 0) AS changes FROM area"

ALARM = "INSERT INTO alarm (kind, alert_id, says, role, at) VALUES ($1, $2, $3, $4, $5)"
ALARM_ONCE = """
INSERT INTO alarm (kind, says, at) SELECT $1, $2, $3::timestamptz
WHERE NOT EXISTS (SELECT FROM alarm WHERE kind = $1 AND says = $2
                  AND (seen_at IS NULL OR at > $3::timestamptz - interval '1 day'))
"""
CALLS = "SELECT count(*) FROM alarm WHERE starts_with(says, $1) AND at > $2"
LEFT = """
SELECT count(*) FROM source_alert WHERE feed_id = $1 AND did IN ('released', 'update released') AND received_at > $2
"""
TELL = "SELECT pg_notify('alert', $1)"

OF_OURS = """
SELECT s.id, s.sender, s.identifier, s.sent, s.alert, s.signature, s.standing, s.did, s.why, s.warnings, s.received_at,
       s.link, f.name AS feed, a.incident_id
FROM source_alert s JOIN feed f ON f.id = s.feed_id JOIN alert a ON a.id = s.alert_id
WHERE s.alert_id = $1 AND s.alert IS NOT NULL AND s.did <> 'twin' ORDER BY s.id DESC LIMIT 1
"""
BEFORE = """
SELECT s.alert FROM source_alert s JOIN alert a ON a.id = s.alert_id
WHERE a.incident_id = $1 AND s.id < $2 AND s.alert IS NOT NULL AND s.did <> 'twin' ORDER BY s.id DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What became of a source alert, with every reason, and the alert of ours it made or met."""

    did: str
    why: tuple[str, ...] = ()
    alert_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A source alert as the book has it."""

    id: int
    fate: Fate
    new: bool
    on_trial: bool = False  # what was decided about a real warning was no more than an exercise or a test

    def settled(self, feed: Feed) -> bool:
        """Tell whether nothing is left to decide: a feed on trial never takes an alert from a real one."""
        return not self.new and self.fate.did != "held" and not (self.on_trial and feed.mode is Mode.ACTUAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """An incident of ours that an earlier source alert opened: its open draft, its latest released alert."""

    incident_id: int
    sender: str  # of that source alert
    draft: asyncpg.Record | None
    latest: asyncpg.Record | None

    @property
    def row(self) -> asyncpg.Record | None:
        """What the incident says now or is about to say."""
        return self.draft or self.latest

    def in_hand(self) -> bool:
        """Tell whether an officer has taken its draft up: then no feed may change it."""
        return self.draft is not None and (self.draft["state"] != "draft" or self.draft["drafted_by"] is not None)

    def holds(self, now: datetime) -> bool:
        """Tell whether what was released is in force, or was until just now."""
        row = self.latest
        return row is not None and row["state"] in ("live", "expired") and row["expires"] > now - JUST_ENDED


async def find(connection: db.AnyConnection, feed: Feed, entry: Entry) -> Told | None:
    """Find an entry that was told before with the same content."""
    row = await connection.fetchrow(FIND, *map(_storable, _name(entry)), _digest(entry))
    if row is None:
        return None
    fate = Fate(did=row["did"], why=tuple(row["why"]), alert_id=row["alert_id"])
    real = entry.alert is not None and entry.alert.status is Status.ACTUAL
    by_other = row["feed_id"] != feed.id and row["feed_mode"] != Mode.ACTUAL.value
    made = row["did"] in MADE and row["mode"] not in (None, Mode.ACTUAL.value)
    return Told(id=row["id"], fate=fate, new=False, on_trial=real and (by_other or made))


async def store(connection: db.AnyConnection, feed: Feed, entry: Entry, refused: str, now: datetime) -> Told:
    """Store an entry as it came: its bytes, its record, its warnings, or why it was refused."""
    record = to_record(entry.alert) if entry.alert else None
    warnings = [asdict(warning) for warning in entry.warnings]
    content = map(_storable, (_digest(entry), entry.raw, record, warnings, refused))
    named = (entry.guid, entry.link, *_name(entry))
    source_id = await connection.fetchval(STORE, feed.id, *map(_storable, named), *content, now)
    return Told(id=source_id, fate=Fate(did=""), new=True)


async def settle(
    connection: db.AnyConnection, source_id: int, feed: Feed, fate: Fate, standing: str, signature: str
) -> None:
    """Write down what became of a source alert, and by which feed that was decided."""
    why = _storable(list(fate.why))
    await connection.execute(SETTLE, source_id, fate.did, why, fate.alert_id, standing, signature, feed.id)


def _storable(value: Any) -> Any:
    """Leave out what Postgres cannot keep as text: NUL and halves of characters; the bytes keep them."""
    match value:
        case str():
            return value.replace("\x00", "").encode("utf-8", "replace").decode()
        case dict():
            return {key: _storable(part) for key, part in value.items()}
        case list():
            return [_storable(part) for part in value]
        case _:
            return value


def _name(entry: Entry) -> tuple[str, str, datetime | None]:
    return (entry.alert.sender, entry.alert.identifier, entry.alert.sent) if entry.alert else ("", "", None)


def _digest(entry: Entry) -> str:
    return digest(entry.alert) if entry.alert else hashlib.sha256(entry.raw).hexdigest()


async def bearing_on(
    connection: db.AnyConnection, source_id: int, alert: Alert, now: datetime, feed: Feed, signed: Sequence[str]
) -> list[tuple[Alert, bool]]:
    """Give the alerts of the same sender that may have ended an alert, without their outlines, as received.

    Each with whether this feed told it too, with one of the signatures asked for, if any are.
    """
    asked = (alert.sender, now - KEPT, source_id, alert.identifier, feed.id, list(signed))
    return [(from_record(row["alert"]), row["own"]) for row in await connection.fetch(OF_SENDER, *asked)]


async def in_other_words(
    connection: db.AnyConnection, source_id: int, alert: Alert, mode: Mode
) -> list[tuple[Alert, int]]:
    """Give what a sender sent at the same instant in no language of this alert and made an alert of ours in `mode`."""
    languages = [info.language.lower().split("-")[0] for info in alert.infos]
    rows = await connection.fetch(AT_ONCE, alert.sender, alert.sent, source_id, languages, mode.value)
    return [(from_record(row["alert"]), row["alert_id"]) for row in rows]


async def named(
    connection: db.AnyConnection, source_id: int, names: Sequence[tuple[str, str]], mode: Mode
) -> Prior | None:
    """Find the open incident that the alert of one of these names (sender, identifier) made, rather one of `mode`."""
    senders, identifiers = [name[0] for name in names], [name[1] for name in names]
    row = await connection.fetchrow(NAMED, senders, identifiers, source_id, mode.value)
    return await _prior(connection, row) if row else None


async def same_kind(
    connection: db.AnyConnection, source_id: int, alert: Alert, playbook: str, mode: Mode, now: datetime
) -> list[Prior]:
    """Find the open incidents that other alerts of this sender about the same event made, the newest first."""
    events = [info.event.strip().lower() for info in alert.infos]
    codes = [[list(pair)] for info in alert.infos for pair in info.event_codes]
    asked = (alert.sender, playbook, mode.value, source_id, now - KEPT, events, codes)
    return [await _prior(connection, row) for row in await connection.fetch(SAME_KIND, *asked)]


async def _prior(connection: db.AnyConnection, row: asyncpg.Record) -> Prior:
    rows = await connection.fetch(NEWEST, row["incident_id"])
    return Prior(
        incident_id=row["incident_id"],
        sender=row["sender"],
        draft=next((r for r in rows if r["sent"] is None), None),
        latest=next((r for r in rows if r["sent"] is not None), None),
    )


async def of_ours(connection: db.AnyConnection, alert_id: int) -> dict[str, Any] | None:
    """Tell which source alert an alert of ours rests on, and what it changed against the one before it."""
    row = await connection.fetchrow(OF_OURS, alert_id)
    if row is None:
        return None
    before = await connection.fetchval(BEFORE, row["incident_id"], row["id"])
    changes = diff(from_record(before), from_record(row["alert"])) if before else ()
    hidden = ("alert", "incident_id")
    shown = db.plain({name: value for name, value in row.items() if name not in hidden})
    return {"source_alert": shown, "changes": [_shown(change) for change in changes]}


def _shown(change: Change) -> dict[str, str]:
    return {"where": change.where, "was": change.was, "now": change.now, "says": change.says}
