"""Read-back: which station took an alert, and who said when it was on air; that word is the station's receipt."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from channels.contract import Arrival, Receipt
from crisis import db, log
from crisis.errors import BadInput, Fault, NotFound
from crisis.flow import receipts
from crisis.model.alert import Mode
from crisis.model.moment import AHEAD
from crisis.model.officer import Officer
from crisis.model.phrases import short_time
from crisis.privacy import Vault

logger = log.get("readback")

MOST_NAME, MOST_NOTE, MOST_REF = 80, 400, 100
_APART = re.compile(r"[\s.-]+")

# The index holds radio's attempts alone, so that this costs nothing however many others there are. A station may air
# the words while sound still follows: its attempt counts as accepted only then, and its receipt waits for it.
BY_REF = """
SELECT t.refs, t.account, s.id AS station_id, s.name AS station, a.id AS alert_id, a.sent, a.words, a.facts
FROM attempt t JOIN station s ON s.address_id = t.address_id
JOIN dispatch d ON d.id = t.dispatch_id JOIN alert a ON a.id = d.alert_id
WHERE t.refs[1] = $1 AND t.account IN ('radio', 'radio/exercise')
ORDER BY (t.outcome = 'accepted') DESC, t.at DESC LIMIT 1
"""
# Of a station that never took the alert there is no ref: it may have been told by telephone.
BY_NAME = """
SELECT coalesce(t.refs, '{}') AS refs, t.account, s.id AS station_id, s.name AS station, a.id AS alert_id, a.sent,
       a.words, a.facts, a.mode
FROM alert a CROSS JOIN station s
LEFT JOIN LATERAL (
    SELECT t.refs, t.account FROM dispatch d JOIN attempt t ON t.dispatch_id = d.id AND t.address_id = s.address_id
    WHERE d.alert_id = a.id AND d.channel = 'radio' AND t.refs <> '{}'
    ORDER BY (t.outcome = 'accepted') DESC, t.at DESC LIMIT 1) t ON true
WHERE a.id = $1 AND a.sent IS NOT NULL AND lower(s.name) = lower($2)
"""
ADD = """
INSERT INTO airing (station_id, alert_id, account, ref, at, said_by, by_lookup, how, officer_id, note, told_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING RETURNING id
"""
TOLD = """
SELECT r.at, r.said_by, r.how, r.told_at, r.note, o.name AS officer, r.station_id
FROM airing r LEFT JOIN officer o ON o.id = r.officer_id
WHERE r.alert_id = $1 AND ($2::bigint IS NULL OR r.station_id = $2) ORDER BY r.at, r.id
"""
RELEASED = "SELECT sent FROM alert WHERE id = $1 AND sent IS NOT NULL"
# Each station in a batch of the alert, and each that aired it all the same, by its best attempt.
STANDS = """
WITH mine AS (SELECT id, state, stopped FROM dispatch WHERE alert_id = $1 AND channel = 'radio'),
asked AS (SELECT w.id AS address_id, max(m.id) AS dispatch_id
          FROM mine m JOIN batch b ON b.dispatch_id = m.id, unnest(b.address_ids) AS w (id) GROUP BY w.id)
SELECT s.id, s.name, a.language, m.state, m.stopped, t.outcome, t.code, t.at, t.refs[1] AS ref,
       coalesce(n.tries, 0) AS tries,
       EXISTS (SELECT FROM retry r WHERE r.dispatch_id = m.id AND r.address_id = s.address_id) AS retrying
FROM station s JOIN address a ON a.id = s.address_id
LEFT JOIN asked q ON q.address_id = s.address_id LEFT JOIN mine m ON m.id = q.dispatch_id
LEFT JOIN LATERAL (SELECT t.* FROM attempt t WHERE t.dispatch_id = m.id AND t.address_id = s.address_id
                   ORDER BY (t.outcome = 'accepted') DESC, t.at DESC LIMIT 1) t ON true
LEFT JOIN LATERAL (SELECT count(*) AS tries FROM attempt t
                   WHERE t.dispatch_id = m.id AND t.address_id = s.address_id) n ON true
WHERE m.id IS NOT NULL OR EXISTS (SELECT FROM airing r WHERE r.station_id = s.id AND r.alert_id = $1)
ORDER BY lower(s.name)
"""
AUDIT = "INSERT INTO audit (officer_id, act, subject, facts, at) VALUES ($1, 'station.aired', $2, $3, $4)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """An alert as one station took it; without `refs` it never did."""

    station_id: int
    station: str
    alert_id: int
    account: str
    refs: tuple[str, ...]
    sent: datetime
    headlines: Mapping[str, str]  # by language, the default one first

    @property
    def headline(self) -> str:
        return next(iter(self.headlines.values()))

    @property
    def drill(self) -> bool:
        return self.account.endswith("/exercise")


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """Somebody's word that a station aired an alert; an officer writes down what was said to them."""

    at: datetime
    by: str = field(repr=False)
    how: str  # link, email or officer
    officer: Officer | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Airing:
    """A word that is on record."""

    at: datetime
    by: str = field(repr=False)
    how: str
    told_at: datetime
    officer: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What became of a word: `new` if it was not on record, `counted` if the alert counts as delivered there."""

    sending: Sending
    new: bool
    counted: bool
    on_record: tuple[Airing, ...]


async def of_ref(pool: db.Pool, ref: str) -> Sending:
    """Find what a station names by the ref on its kit, as it may be typed; raise NotFound where we gave out none such.

    Capital or small letters, with or without spaces and hyphens.
    """
    given = ref.strip()[:MOST_REF]
    for spelt in dict.fromkeys((given, _APART.sub("", given).upper())):
        if spelt.isprintable() and (row := await pool.fetchrow(BY_REF, spelt)) is not None:
            return _sending(dict(row), row["account"])
    raise NotFound("no station was sent an alert under this code: check how it is spelt")


async def of_station(pool: db.Pool, alert_id: int, name: str) -> Sending:
    """Find what a station took of a released alert; raise NotFound where there is no such alert or station."""
    row = await pool.fetchrow(BY_NAME, alert_id, name)
    if row is not None:
        return _sending(dict(row), row["account"] or ("radio/exercise" if Mode(row["mode"]).drill else "radio"))
    if await pool.fetchval(RELEASED, alert_id) is None:
        raise NotFound(f"there is no released alert {alert_id}")
    raise NotFound(f"there is no station {name!r}; see `crisis station list`")


def _sending(row: Mapping[str, Any], account: str) -> Sending:
    words = row["words"]
    order = [one for one in row["facts"]["languages"] if one in words] or list(words)
    names = ("station_id", "station", "alert_id", "sent")
    told = {name: row[name] for name in names}
    headlines = {one: words[one]["headline"] for one in order}
    return Sending(**told, account=account, refs=tuple(row["refs"]), headlines=headlines)


async def keep(pool: db.Pool, vault: Vault, sending: Sending, word: Word, zone: ZoneInfo, now: datetime) -> Kept:
    """Store a word and count it as the receipt of what the station took; the same word twice is one.

    Raise BadInput for a time before the release or more than five minutes ahead, or a name that is none.
    """
    by = _name(word.by)
    if faults := _faults(sending, word.at, by, zone, now):
        raise BadInput(faults)
    officer_id = word.officer.id if word.officer else None
    told = (vault.seal(by), vault.lookup("aired", by.casefold()), word.how, officer_id, word.note[:MOST_NOTE], now)
    ref = sending.refs[0] if sending.refs else ""
    async with pool.acquire() as connection, connection.transaction():
        where = (sending.station_id, sending.alert_id, sending.account, ref)
        new = await connection.fetchval(ADD, *where, word.at, *told) is not None
        if new and officer_id:
            facts = {"station": sending.station, "at": word.at.isoformat(), "how": word.how}
            await connection.execute(AUDIT, officer_id, sending.alert_id, facts, now)
    # Also when the word was there: if we died between the two, the receipt is made up for.
    said = [Receipt(ref=one, state=Arrival.DELIVERED, at=word.at, code=word.how) for one in sending.refs]
    await receipts.store(pool, sending.account, said)
    logger.info("readback.kept", alert=sending.alert_id, station=sending.station_id, how=word.how, new=new)
    on_record = await on_record_of(pool, vault, sending)
    return Kept(sending=sending, new=new, counted=bool(said), on_record=tuple(on_record))


def _name(text: str) -> str:
    """Write a name on one line, of signs that can be shown."""
    return " ".join("".join(c if unicodedata.category(c)[0] != "C" else " " for c in text).split())


def _faults(sending: Sending, at: datetime, by: str, zone: ZoneInfo, now: datetime) -> list[Fault]:
    wrong = {}
    if not 1 <= len(by) <= MOST_NAME:
        wrong["by"] = f"write who said it, in 1 to {MOST_NAME} characters"
    if at > now + AHEAD:
        wrong["at"] = f"{short_time(at.astimezone(zone), 'id')} is still to come: write when it was on air"
    elif at < sending.sent.replace(second=0, microsecond=0):  # people tell minutes
        says = f"{short_time(at.astimezone(zone), 'id')} is before the alert was sent"
        wrong["at"] = f"{says} ({short_time(sending.sent.astimezone(zone), 'id')}): write when it was on air"
    return [Fault(file="aired", field=name, says=says) for name, says in wrong.items()]


async def on_record_of(pool: db.Pool, vault: Vault, sending: Sending) -> list[Airing]:
    """Give what is on record of a station and an alert, the earliest airing first."""
    return [_airing(dict(row), vault) for row in await pool.fetch(TOLD, sending.alert_id, sending.station_id)]


def _airing(row: Mapping[str, Any], vault: Vault) -> Airing:
    told = {name: row[name] for name in ("at", "how", "told_at", "officer", "note")}
    return Airing(**told, by=vault.open(row["said_by"]))


async def of_alert(pool: db.Pool, vault: Vault, alert_id: int) -> list[dict[str, Any]]:
    """Tell of each station whether it took an alert, and who said when it was on air; raise NotFound for a draft."""
    sent = await pool.fetchval(RELEASED, alert_id)
    if sent is None:
        raise NotFound(f"there is no released alert {alert_id}")
    aired: dict[int, list[Airing]] = {}
    for row in await pool.fetch(TOLD, alert_id, None):
        aired.setdefault(row["station_id"], []).append(_airing(dict(row), vault))
    return [_stand(dict(row), sent, aired.get(row["id"], [])) for row in await pool.fetch(STANDS, alert_id)]


def _stand(row: Mapping[str, Any], sent: datetime, aired: Sequence[Airing]) -> dict[str, Any]:
    first = aired[0].at if aired else None
    return {
        "station": row["name"],
        "language": row["language"],
        "state": _state(row),
        "code": row["code"] or "",
        "tries": row["tries"],
        "taken_at": row["at"].isoformat() if row["outcome"] == "accepted" else None,
        "ref": row["ref"],
        "aired_at": first.isoformat() if first else None,
        "after": max((first - sent) / timedelta(seconds=1), 0) if first else None,
        "airings": [shown(one) for one in aired],
    }


def _state(row: Mapping[str, Any]) -> str:
    """Say in a word how far it got: not sent, waiting, retrying, broken off, or what the last attempt came to."""
    if row["outcome"] == "accepted" or (row["outcome"] and not row["retrying"]):
        # A kit on its way that is not asked for again: the station was closed, the alert stopped or expired.
        return "broken off" if row["outcome"] == "throttled" else str(row["outcome"])
    if row["retrying"]:
        return "retrying" if row["outcome"] else "waiting"
    return "waiting" if row["state"] in ("waiting", "sending") else "not sent"


def shown(airing: Airing) -> dict[str, Any]:
    """Give an airing as JSON values, for officers."""
    told = {name: getattr(airing, name) for name in ("at", "by", "how", "told_at", "officer", "note")}
    return db.plain(told)
