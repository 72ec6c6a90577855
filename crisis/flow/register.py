"""Register: who the officers are, where the areas lie, which residents asked to be warned."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time
from typing import Any

import asyncpg

from crisis import db, log
from crisis.errors import BadInput, Fault, NotAllowed
from crisis.model.area import NewArea, bounds, to_geojson
from crisis.model.officer import Officer, Role
from crisis.model.resident import NewResident
from crisis.privacy import Vault, token_hash

logger = log.get("register")

ADD_OFFICER = "INSERT INTO officer (name, role, token_hash, created_at) VALUES ($1, $2, $3, $4) RETURNING id"
ANY_OFFICER = "SELECT EXISTS (SELECT FROM officer)"
BY_TOKEN = "SELECT id, name, role FROM officer WHERE token_hash = $1 AND disabled_at IS NULL"  # noqa: S105 - a statement
OFFICERS = "SELECT id, name, role, created_at, disabled_at FROM officer ORDER BY id"
DISABLE = "UPDATE officer SET disabled_at = $2 WHERE name = $1 AND disabled_at IS NULL"

# Importing the same file twice changes nothing; a newer outline replaces the older one, alerts keep their own.
SAVE_AREA = """
INSERT INTO area (code, name, geometry, min_lon, min_lat, max_lon, max_lat) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (code) DO UPDATE SET name = EXCLUDED.name, geometry = EXCLUDED.geometry, min_lon = EXCLUDED.min_lon,
    min_lat = EXCLUDED.min_lat, max_lon = EXCLUDED.max_lon, max_lat = EXCLUDED.max_lat
"""
AREAS = """
SELECT a.id, a.code, a.name, (SELECT count(*) FROM resident r WHERE r.area_id = a.id) AS residents
FROM area a ORDER BY a.code
"""
AREA_NAMES = "SELECT id, code, name FROM area"

# A file of residents goes in at once: staged by COPY, then matched by the keyed hash. Somebody who is there
# already is brought up to date, never doubled; who opted out stays so, a file does not outweigh their word.
STAGE = """
CREATE TEMP TABLE staged (
    line int, channel text, language text, sealed bytea, lookup bytea, name bytea, area_id bigint, lon float8,
    lat float8, risk smallint, exercise boolean, consent text, consent_at timestamptz, resident_id bigint
) ON COMMIT DROP
"""
KNOWN = """
UPDATE staged s SET resident_id = a.resident_id FROM address a
WHERE a.channel = s.channel AND a.lookup = s.lookup AND a.resident_id IS NOT NULL
"""
REFRESH = """
UPDATE resident r SET language = s.language, area_id = s.area_id, lon = s.lon, lat = s.lat, risk = s.risk,
    exercise = s.exercise, consent = s.consent, consent_at = s.consent_at, name = coalesce(s.name, r.name)
FROM staged s WHERE s.resident_id = r.id
"""
REFRESH_ADDRESS = """
UPDATE address a SET language = s.language, rank = 9 - s.risk FROM staged s
WHERE a.channel = s.channel AND a.lookup = s.lookup
"""
NEW_IDS = """
UPDATE staged SET resident_id = nextval(pg_get_serial_sequence('resident', 'id')) WHERE resident_id IS NULL
RETURNING line
"""
ADD_RESIDENTS = """
INSERT INTO resident (id, name, language, area_id, lon, lat, risk, exercise, consent, consent_at)
OVERRIDING SYSTEM VALUE
SELECT s.resident_id, s.name, s.language, s.area_id, s.lon, s.lat, s.risk, s.exercise, s.consent, s.consent_at
FROM staged s WHERE s.line = ANY($1::int[])
"""
ADD_ADDRESSES = """
INSERT INTO address (resident_id, channel, language, rank, sealed, lookup)
SELECT s.resident_id, s.channel, s.language, 9 - s.risk, s.sealed, s.lookup
FROM staged s WHERE s.line = ANY($1::int[]) ORDER BY s.line
"""
ONE_IMPORT = "SELECT pg_advisory_xact_lock(7246702)"

# The page, account or transmitter of a posted channel is an address too, one for each language; without a
# language it takes all of them at once, as a CAP document does.
ADD_PAGE = """
INSERT INTO address (channel, language, sealed, lookup) VALUES ($1, $2, $3, $4) ON CONFLICT (channel, lookup) DO NOTHING
"""

AUDIT = "INSERT INTO audit (officer_id, act, facts) VALUES ($1, $2, $3)"
# VACUUM, so that the fan-out reads its index alone; ANALYZE, so that it is chosen.
VACUUM = "VACUUM (ANALYZE) address, resident"

COLUMNS = (
    "line", "channel", "language", "sealed", "lookup", "name", "area_id", "lon", "lat", "risk", "exercise",
    "consent", "consent_at",
)  # fmt: skip


async def add_officer(pool: db.Pool, name: str, role: Role, by: Officer | None, now: datetime) -> str:
    """Add an officer and give the token, which is shown once and stored only as its hash.

    Without an officer who asks for it this works only for the very first one, who must be an admin.
    """
    if by is not None:
        by.need(Role.ADMIN)
    token = secrets.token_urlsafe(32)
    async with pool.acquire() as connection, connection.transaction():
        if by is None and await connection.fetchval(ANY_OFFICER):
            raise NotAllowed("there are officers already: an admin adds more; set CRISIS_TOKEN to the admin's token")
        if by is None and role is not Role.ADMIN:
            raise NotAllowed("the first officer must be an admin: add one with --role admin")
        try:
            await connection.execute(ADD_OFFICER, name.strip(), role.value, token_hash(token), now)
        except asyncpg.UniqueViolationError as error:
            raise BadInput(f"there is an officer {name.strip()!r} already: choose another name") from error
        except asyncpg.CheckViolationError as error:
            raise BadInput("an officer's name has 1 to 80 characters") from error
        await connection.execute(AUDIT, by.id if by else None, "officer.add", {"name": name, "role": role.value})
    return token


async def who_is(pool: db.Pool, token: str) -> Officer | None:
    """Find the officer a token belongs to; None for an unknown or disabled one."""
    row = await pool.fetchrow(BY_TOKEN, token_hash(token))
    return None if row is None else Officer(id=row["id"], name=row["name"], role=Role(row["role"]))


async def disable_officer(pool: db.Pool, name: str, by: Officer, now: datetime) -> bool:
    """Make an officer's token worthless at once; tell whether there was such an officer."""
    by.need(Role.ADMIN)
    if name == by.name:
        raise NotAllowed(f"{name} is you: another admin must disable you, so that one admin is always left")
    done = await pool.execute(DISABLE, name, now)
    await pool.execute(AUDIT, by.id, "officer.disable", {"name": name})
    return done == "UPDATE 1"


async def save_areas(pool: db.Pool, areas: Sequence[NewArea], by: Officer) -> int:
    """Store areas by code, replacing older outlines; count them."""
    by.need(Role.ADMIN)
    rows = await asyncio.to_thread(
        lambda: [(a.code, a.name, to_geojson(a.geometry), *bounds(a.geometry)) for a in areas]
    )
    async with pool.acquire() as connection, connection.transaction():
        await connection.executemany(SAVE_AREA, rows)
        await connection.execute(AUDIT, by.id, "area.import", {"areas": len(rows)})
    return len(rows)


async def area_names(pool: db.Pool) -> dict[str, int]:
    """Give every area's id by its code and by its lower-case name; a name that two share is left out."""
    rows = await pool.fetch(AREA_NAMES)
    names = [r["name"].lower() for r in rows]
    found = {r["name"].lower(): r["id"] for r in rows if names.count(r["name"].lower()) == 1}
    return found | {r["code"]: r["id"] for r in rows}


async def save_residents(
    pool: db.Pool, residents: Sequence[NewResident], vault: Vault, by: Officer, source: str
) -> dict[str, int]:
    """Store residents by address: new ones added, known ones brought up to date; all or nothing."""
    by.need(Role.ADMIN)
    records = await asyncio.to_thread(lambda: [_staged(r, vault, source) for r in residents])
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(ONE_IMPORT)
        await connection.execute(STAGE)
        await connection.copy_records_to_table("staged", columns=COLUMNS, records=records)
        await connection.execute(KNOWN)
        await connection.execute(REFRESH)
        await connection.execute(REFRESH_ADDRESS)
        new = [r["line"] for r in await connection.fetch(NEW_IDS)]
        await connection.execute(ADD_RESIDENTS, new)
        await connection.execute(ADD_ADDRESSES, new)
        await connection.execute(AUDIT, by.id, "resident.import", {"new": len(new), "rows": len(records)})
    await pool.execute(VACUUM)
    return {"added": len(new), "updated": len(records) - len(new)}


def _staged(resident: NewResident, vault: Vault, source: str) -> tuple[object, ...]:
    consent_at = datetime.combine(resident.consent, time(), UTC) if resident.consent else datetime.now(UTC)
    return (
        resident.line,
        resident.channel,
        resident.language,
        vault.seal(resident.address),
        vault.lookup(resident.channel, resident.address),
        vault.seal(resident.name) if resident.name else None,
        resident.area_id,
        resident.longitude,
        resident.latitude,
        resident.risk,
        resident.exercise,
        f"imported from {source}",
        consent_at,
    )


async def ensure_pages(pool: db.Pool, pages: Mapping[str, Sequence[str]], vault: Vault) -> None:
    """Make sure each posted channel has its page in each language."""
    rows = [
        (channel, language, vault.seal(f"{channel}:{language}"), vault.lookup(channel, f"{channel}:{language}"))
        for channel, languages in pages.items()
        for language in languages
    ]
    await pool.executemany(ADD_PAGE, rows)


def report(saved: Mapping[str, int], faults: Sequence[Fault]) -> dict[str, Any]:
    """Tell what an import did, and every row it left out."""
    return {**saved, "refused": len(faults), "faults": [f.as_dict() for f in faults]}
