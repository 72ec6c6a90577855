"""Stations: which radio stations take our kits, by which way, in which language and under which cart numbers."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from channels.contract import Misconfigured
from crisis import db, log
from crisis.errors import BadInput, Fault, NotFound, NotReady
from crisis.model.officer import Officer, Role
from crisis.privacy import Vault

logger = log.get("stations")

CHANNEL = "radio"
MOST_NAME = 60
LARGEST_CART = 999_999  # Rivendell's
LANGUAGE = re.compile(r"[a-z]{2,3}")  # ISO 639, as the words of an alert name theirs

ADD_ADDRESS = """
INSERT INTO address (channel, language, sealed, lookup) VALUES ($1, $2, $3, $4) RETURNING id
"""
ADD = """
INSERT INTO station (address_id, name, contact, formats, way_kind, cart_first, cart_last, exercise, made_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id
"""
HELD = """
SELECT s.*, a.language, a.sealed FROM station s JOIN address a ON a.id = s.address_id
WHERE lower(s.name) = lower($1) FOR UPDATE
"""
CHANGE_ADDRESS = "UPDATE address SET language = $2, sealed = $3 WHERE id = $1"
CHANGE = """
UPDATE station SET contact = $2, formats = $3, way_kind = $4, cart_first = $5, cart_last = $6, exercise = $7
WHERE id = $1
"""
# Its address is silenced like that of a resident who opts out: what waits there is not sent any more, also by a worker
# that has it in hand.
CLOSE = "UPDATE station SET closed_at = $2 WHERE id = $1"
SILENCE = "UPDATE address SET opted_out_at = $2 WHERE id = $1"
TELL = "SELECT pg_notify('opted_out', $1)"
ALL = """
SELECT s.*, a.language, a.sealed FROM station s JOIN address a ON a.id = s.address_id ORDER BY lower(s.name)
"""
ONE = """
SELECT s.*, a.language, a.sealed FROM station s JOIN address a ON a.id = s.address_id WHERE lower(s.name) = lower($1)
"""
AUDIT = "INSERT INTO audit (officer_id, act, subject, facts, at) VALUES ($1, $2, $3, $4, $5)"

# Gives what the channel reads of a station, as it is sealed; raises Misconfigured in a sentence without secrets.
Checked = Callable[[Mapping[str, Any]], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewStation:
    """What an admin says of a station; no carts where its playout has no numbers."""

    name: str
    way: str = field(repr=False)
    language: str
    formats: tuple[str, ...] = ()  # none: what is usual for its way
    cart_first: int | None = None
    cart_last: int | None = None
    exercise: bool = False
    contact: str = field(default="", repr=False)


async def add(pool: db.Pool, vault: Vault, new: NewStation, checked: Checked, by: Officer, now: datetime) -> None:
    """Add a station, which gets every alert from now on; raise BadInput with every fault."""
    by.need(Role.ADMIN)
    sealed = vault.seal(_entry(new, secrets.token_hex(32), checked))
    lookup = vault.lookup(CHANNEL, f"station:{new.name.lower()}")
    try:
        async with pool.acquire() as connection, connection.transaction():
            address_id = await connection.fetchval(ADD_ADDRESS, CHANNEL, new.language, sealed, lookup)
            station_id = await connection.fetchval(ADD, address_id, new.name, *_values(new, vault), now)
            await connection.execute(AUDIT, by.id, "station.add", station_id, _told(new), now)
    except asyncpg.UniqueViolationError as error:
        says = "there is such a station already, maybe a closed one: choose another name, or open it again"
        raise BadInput([Fault(file="station", field="name", says=says)]) from error


async def change(
    pool: db.Pool, vault: Vault, name: str, changes: Mapping[str, Any], checked: Checked, by: Officer, now: datetime
) -> None:
    """Change what an admin named, `open` too; what was not named stays, its secret above all.

    A station is never removed: what it got and aired stays on the record, so it is closed instead.
    """
    by.need(Role.ADMIN)
    async with pool.acquire() as connection, connection.transaction():
        row = await connection.fetchrow(HELD, name)
        if row is None:
            raise NotFound(f"there is no station {name!r}; see `crisis station list`")
        kept = json.loads(vault.open(row["sealed"]))
        if set(changes) - {"open"}:
            new = _changed(dict(row), kept, vault, changes)
            sealed = vault.seal(_entry(new, kept["secret"], checked))
            await connection.execute(CHANGE_ADDRESS, row["address_id"], new.language, sealed)
            await connection.execute(CHANGE, row["id"], *_values(new, vault))
        if "open" in changes:
            await _set_open(connection, row, changes["open"], now)
        facts = {"name": row["name"], "changed": sorted(changes)}
        if "open" in changes:
            facts["open"] = changes["open"]
        await connection.execute(AUDIT, by.id, "station.change", row["id"], facts, now)


async def _set_open(connection: db.AnyConnection, row: asyncpg.Record, wanted: bool, now: datetime) -> None:
    if wanted == (row["closed_at"] is None):
        return
    closed_at = None if wanted else now
    await connection.execute(CLOSE, row["id"], closed_at)
    await connection.execute(SILENCE, row["address_id"], closed_at)
    if not wanted:
        await connection.execute(TELL, str(row["address_id"]))


def _changed(row: Mapping[str, Any], kept: Mapping[str, Any], vault: Vault, changes: Mapping[str, Any]) -> NewStation:
    there = {**row, "way": kept["way"], "formats": kept["formats"], "contact": vault.open(row["contact"])}
    told = {one.name: changes.get(one.name, there[one.name]) for one in fields(NewStation)}
    return NewStation(**{**told, "name": row["name"], "formats": tuple(told["formats"])})


def _entry(new: NewStation, secret: str, checked: Checked) -> str:
    """Give what the channel will read of a station, or raise BadInput with every fault."""
    faults = list(_faults(new))
    told = {**asdict(new), "formats": list(new.formats), "secret": secret}
    try:
        entry = checked(told)
    except Misconfigured as error:
        faults = faults or [Fault(file="station", says=str(error).removeprefix("station: "))]
    if faults:
        raise BadInput(faults)
    return entry


def _faults(new: NewStation) -> list[Fault]:
    wrong = {}
    if not new.name.strip() or new.name != " ".join(new.name.split()) or not new.name.isprintable():
        wrong["name"] = "write it on one line, without spaces around it"
    elif len(new.name) > MOST_NAME:
        wrong["name"] = f"has {len(new.name)} characters; at most {MOST_NAME} fit"
    if LANGUAGE.fullmatch(new.language) is None:
        wrong["language"] = f"{new.language!r} is no code of a language: write it like id or en"
    if not new.way.strip():
        wrong["way"] = "is empty: write how its kits get there, as in sftp://user@host/folder"
    first, last = new.cart_first, new.cart_last
    if (first is None) != (last is None):
        wrong["carts"] = "give the first and the last number of the range, as in 900001-900010"
    elif first is not None and last is not None and not 1 <= first <= last <= LARGEST_CART:
        wrong["carts"] = f"{first}-{last} is no range: the first comes first, and both are from 1 to {LARGEST_CART}"
    return [Fault(file="station", field=name, says=says) for name, says in wrong.items()]


def _values(new: NewStation, vault: Vault) -> tuple[Any, ...]:
    contact = vault.seal(new.contact)
    return (contact, list(new.formats), _kind(new.way), new.cart_first, new.cart_last, new.exercise)


def _told(new: NewStation) -> dict[str, Any]:
    """Give what the audit keeps: nothing secret, nobody's number."""
    carts = [new.cart_first, new.cart_last] if new.cart_first else None
    return {
        "name": new.name, "way": _kind(new.way), "language": new.language, "formats": list(new.formats),
        "carts": carts, "exercise": new.exercise,
    }  # fmt: skip


async def rows(pool: db.Pool, vault: Vault) -> list[dict[str, Any]]:
    """Give every station there is, closed ones too, without any secret."""
    return [_shown(dict(row), vault) for row in await pool.fetch(ALL)]


async def one(pool: db.Pool, vault: Vault, name: str) -> dict[str, Any]:
    """Give a station without any secret; raise NotFound when there is none of that name."""
    row = await pool.fetchrow(ONE, name)
    if row is None:
        raise NotFound(f"there is no station {name!r}; see `crisis station list`")
    return _shown(dict(row), vault)


def _shown(row: Mapping[str, Any], vault: Vault) -> dict[str, Any]:
    try:
        way, contact = masked(json.loads(vault.open(row["sealed"]))["way"]), vault.open(row["contact"])
    except NotReady:  # sealed with another key: the others are still listed
        logger.error("stations.unreadable", station=row["id"])
        way, contact = f"{row['way_kind']}: sealed with another key", ""
    return {
        **{name: row[name] for name in ("name", "language", "formats", "cart_first", "cart_last", "exercise")},
        "way": way,
        "contact": contact,
        "open": row["closed_at"] is None,
        **db.plain({name: row[name] for name in ("made_at", "closed_at")}),
    }


def _kind(way: str) -> str:
    return way.strip().partition(":")[0].lower()[:20]


def masked(way: str) -> str:
    """Write a way without what is secret in it: user, password and the values of its settings."""
    try:
        place = urlsplit(way.strip())
        netloc = f"***@{place.netloc.rpartition('@')[2]}" if "@" in place.netloc else place.netloc
        names = [part.partition("=")[0] for part in place.query.split("&") if part]
        return place._replace(netloc=netloc, query="&".join(f"{name}=***" for name in names), fragment="").geturl()
    except ValueError:
        return f"{_kind(way)}:***"
