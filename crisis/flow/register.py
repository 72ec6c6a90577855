"""Register: who the officers are, where the areas lie, which residents asked to be warned."""

from __future__ import annotations

import asyncio
import functools
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
# No statement takes the rows as an array: the sixth use of a prepared one would search it row by row, for minutes.
# `had_id` is whose the address was before this file, `resident_id` whose it is from now on.
STAGE = """
CREATE TEMP TABLE staged (
    line int, channel text, language text, sealed bytea, lookup bytea, person bytea, name bytea, area_id bigint,
    lon float8, lat float8, risk smallint, exercise boolean, consent text, consent_at timestamptz,
    had_id bigint, resident_id bigint
) ON COMMIT DROP
"""
ANALYZE = "ANALYZE staged"  # of a temporary table nobody else does, and a wrong guess costs minutes
KNOWN = """
UPDATE staged s SET had_id = a.resident_id, resident_id = a.resident_id FROM address a
WHERE a.channel = s.channel AND a.lookup = s.lookup AND a.resident_id IS NOT NULL
"""

# All rows of a person are the resident who has the code; else one without a code who has one of the addresses, the
# first such by line; else somebody new. So an address may move from one resident to another, but a resident never
# from one code to another.
PERSONS = """
WITH spare AS (
    SELECT DISTINCT ON (s.had_id) s.had_id, s.person, s.line FROM staged s JOIN resident r ON r.id = s.had_id
    WHERE s.person IS NOT NULL AND r.person_lookup IS NULL ORDER BY s.had_id, s.line),
taken AS (SELECT DISTINCT ON (person) person, had_id FROM spare ORDER BY person, line),
whose AS MATERIALIZED (
    SELECT p.person,
           coalesce(r.id, t.had_id, nextval((SELECT pg_get_serial_sequence('resident', 'id')::regclass))) AS id
    FROM (SELECT DISTINCT person FROM staged WHERE person IS NOT NULL) p
    LEFT JOIN resident r ON r.person_lookup = p.person LEFT JOIN taken t ON t.person = p.person)
UPDATE staged s SET resident_id = w.id FROM whose w WHERE s.person = w.person
"""
NEW_IDS = """
UPDATE staged SET resident_id = nextval((SELECT pg_get_serial_sequence('resident', 'id')::regclass))
WHERE resident_id IS NULL
"""
# What is so of each resident: the first row by line, one with the code before one without, and any name that is told.
FACTS = """
CREATE TEMP TABLE fact ON COMMIT DROP AS
SELECT DISTINCT ON (resident_id) resident_id, person, language, area_id, lon, lat, risk, exercise, consent, consent_at,
       first_value(name) OVER (PARTITION BY resident_id ORDER BY name IS NULL, person IS NULL, line) AS name
FROM staged ORDER BY resident_id, person IS NULL, line
"""
ANALYZE_FACTS = "ANALYZE fact"

# Residents before their addresses, as a text from one of them locks them too. Who is as the file says is not written:
# a delivery waits for each row that is. A file without a day of consent leaves the one that is known.
REFRESH = """
UPDATE resident r SET language = f.language, area_id = f.area_id, lon = f.lon, lat = f.lat, risk = f.risk,
    exercise = f.exercise, consent = f.consent, consent_at = coalesce(f.consent_at, r.consent_at, now()),
    name = coalesce(f.name, r.name), person_lookup = coalesce(f.person, r.person_lookup)
FROM fact f WHERE f.resident_id = r.id
  AND (r.language, r.area_id, r.lon, r.lat, r.risk, r.exercise, r.consent, r.consent_at, r.name, r.person_lookup)
      IS DISTINCT FROM (f.language, f.area_id, f.lon, f.lat, f.risk, f.exercise, f.consent,
                        coalesce(f.consent_at, r.consent_at, now()), coalesce(f.name, r.name),
                        coalesce(f.person, r.person_lookup))
"""
ADD_RESIDENTS = """
INSERT INTO resident (id, name, language, area_id, lon, lat, risk, exercise, consent, consent_at, person_lookup)
OVERRIDING SYSTEM VALUE
SELECT f.resident_id, f.name, f.language, f.area_id, f.lon, f.lat, f.risk, f.exercise, f.consent,
       coalesce(f.consent_at, now()), f.person
FROM fact f WHERE NOT EXISTS (SELECT FROM resident r WHERE r.id = f.resident_id)
"""
MOVE = """
UPDATE address a SET resident_id = s.resident_id FROM staged s
WHERE s.had_id <> s.resident_id AND a.channel = s.channel AND a.lookup = s.lookup
"""
# The rank is the resident's, also on an address that this file does not name.
REFRESH_ADDRESS = """
UPDATE address a SET language = coalesce(s.language, a.language), rank = 9 - f.risk
FROM fact f JOIN address b ON b.resident_id = f.resident_id
LEFT JOIN staged s ON s.channel = b.channel AND s.lookup = b.lookup
WHERE a.id = b.id AND (a.language, a.rank) IS DISTINCT FROM (coalesce(s.language, a.language), 9 - f.risk)
"""
ADD_ADDRESSES = """
INSERT INTO address (resident_id, channel, language, rank, sealed, lookup)
SELECT s.resident_id, s.channel, s.language, 9 - f.risk, s.sealed, s.lookup
FROM staged s JOIN fact f ON f.resident_id = s.resident_id WHERE s.had_id IS NULL ORDER BY s.line
"""
# Who is left without an address can no longer be reached or asked. Whoever wrote to us is kept: what they agreed to
# may be in their own words. What was asked from an address goes where the address goes.
REMOVE = """
DELETE FROM resident r WHERE r.id IN (SELECT had_id FROM staged WHERE had_id <> resident_id)
  AND NOT EXISTS (SELECT FROM address a WHERE a.resident_id = r.id)
  AND NOT EXISTS (SELECT FROM staged s JOIN address a ON a.channel = s.channel AND a.lookup = s.lookup
                  JOIN inquiry i ON i.address_id = a.id WHERE s.had_id = r.id)
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
# A million residents take longer than a statement elsewhere may; all of an import together takes less than the hour
# that the fan-out looks back.
LONG = 240.0
TAKE_LONG = f"SET LOCAL statement_timeout = '{LONG:.0f}s'"
TAKE_LONG_HERE = f"SET statement_timeout = '{LONG:.0f}s'"  # VACUUM runs in no transaction
AS_BEFORE = "RESET statement_timeout"

COLUMNS = (
    "line", "channel", "language", "sealed", "lookup", "person", "name", "area_id", "lon", "lat", "risk", "exercise",
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
    """Store residents by person and address: new ones added, known ones brought up to date; all or nothing.

    Counts addresses: those added, those updated, and how many of these moved to another resident.
    """
    by.need(Role.ADMIN)
    records = await asyncio.to_thread(lambda: [_staged(r, vault, source) for r in residents])
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(TAKE_LONG)
        run = functools.partial(connection.execute, timeout=LONG)
        for statement in (ONE_IMPORT, STAGE):
            await run(statement)
        await connection.copy_records_to_table("staged", columns=COLUMNS, records=records, timeout=LONG)
        for statement in (ANALYZE, KNOWN, PERSONS, NEW_IDS, FACTS, ANALYZE_FACTS, REFRESH, ADD_RESIDENTS):
            await run(statement)
        moved = db.count(await run(MOVE))
        await run(REFRESH_ADDRESS)
        added = db.count(await run(ADD_ADDRESSES))
        removed = db.count(await run(REMOVE))
        told = {"added": added, "updated": len(records) - added, "moved": moved}
        await connection.execute(AUDIT, by.id, "resident.import", {**told, "removed": removed})
    await _tidy(pool)
    return told


async def _tidy(pool: db.Pool) -> None:
    """Make the fan-out quick again after an import; the import stands even where this fails."""
    try:
        async with pool.acquire() as connection:
            await connection.execute(TAKE_LONG_HERE)
            try:
                await connection.execute(VACUUM, timeout=LONG)
            finally:
                await connection.execute(AS_BEFORE)
    except db.FAULTS as error:
        logger.warning("register.not_vacuumed", error=type(error).__name__)


def _staged(resident: NewResident, vault: Vault, source: str) -> tuple[object, ...]:
    consent_at = datetime.combine(resident.consent, time(), UTC) if resident.consent else None
    return (
        resident.line,
        resident.channel,
        resident.language,
        vault.seal(resident.address),
        vault.lookup(resident.channel, resident.address),
        vault.lookup("person", resident.person) if resident.person else None,
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
