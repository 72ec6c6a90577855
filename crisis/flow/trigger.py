"""Trigger: an officer, a feed or a schedule launches a playbook level: a draft alert, previewed and stored."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crisis import db, log
from crisis.errors import BadInput, Fault, IllegalMove
from crisis.flow import plan as planning
from crisis.flow.plan import Means, Plan, Wish
from crisis.flow.walk import PLAN
from crisis.model.alert import Mode
from crisis.model.area import bounds, from_geojson, inside, to_geojson, union
from crisis.model.audience import Target, cells, column
from crisis.model.officer import Officer, Role
from crisis.model.slots import dump
from crisis.model.words import as_json

logger = log.get("trigger")

AREAS = """
SELECT id, code, name, geometry FROM area
WHERE code = ANY($1::text[]) OR lower(name) = ANY($2::text[]) ORDER BY code
"""

NEAR = """
SELECT id, geometry FROM area
WHERE max_lon >= $1 AND max_lat >= $2 AND min_lon <= $3 AND min_lat <= $4
"""

# Counted the way the fan-out chooses: Postgres counts who is surely in, and gives the points in doubt as columns, a
# hundred thousand residents at a time: a million in one column would cost as much memory as all the rest of us.
SURE = """
SELECT channel, language, count(*) AS n FROM address
WHERE channel = ANY($1) AND joined AND opted_out_at IS NULL AND (exercise OR NOT $2)
  AND (area_id = ANY($3::bigint[]) OR (lon IS NULL AND area_id = ANY($4::bigint[])))
GROUP BY 1, 2
"""
POINTS = """
SELECT channel, language, array_send(array_agg(lon)) AS lons, array_send(array_agg(lat)) AS lats FROM address
WHERE channel = ANY($1) AND joined AND opted_out_at IS NULL AND (exercise OR NOT $2)
  AND lon BETWEEN $3 AND $5 AND lat BETWEEN $4 AND $6 AND NOT coalesce(area_id = ANY($7::bigint[]), false)
  AND ($8::integer[] IS NULL OR cell = ANY($8))
GROUP BY channel, language, id / 100000
"""

NEXT_ID = "SELECT nextval(pg_get_serial_sequence('alert', 'id'))"
PEEK_ID = "SELECT coalesce(max(id), 0) + 1 FROM alert"

OPEN_INCIDENT = "INSERT INTO incident (playbook, mode, opened_at) VALUES ($1, $2, $3) RETURNING id"

SAME_REQUEST = "SELECT id, request_hash FROM alert WHERE drafted_by = $1 AND idempotency_key = $2"

# Two clicks with the same key at once: the second waits here for the first and is then told of its alert.
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"

INSERT = """
INSERT INTO alert (id, incident_id, identifier, number, purpose, msg_type, mode, playbook, level, urgent, facts, slots,
                   words, notices, words_hash, channels, area_desc, geometry, area_ids, near_ids, refs, source,
                   drafted_by, idempotency_key, request_hash, created_at, expires, next_update)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24,
        $25, $26, $27, $28)
"""

AUDIT = "INSERT INTO audit (officer_id, act, subject, facts, at) VALUES ($1, 'alert.draft', $2, $3, $4)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What makes a repeated request the same one: the caller's key and a hash of what was asked."""

    key: str | None = None
    request_hash: str = ""

    @classmethod
    def of(cls, key: str | None, request: object) -> Key:
        text = json.dumps(request, sort_keys=True, default=str)
        return cls(key=key, request_hash=hashlib.sha256(text.encode()).hexdigest())


async def find_target(
    connection: db.AnyConnection, names: Sequence[str], geometry: Any = None, desc: str = ""
) -> Target:
    """Find where an alert holds, by codes or names of our areas, or by a geometry; never nowhere.

    Raise BadInput for an unknown area, and when there is neither an area nor a geometry.
    """
    if geometry is not None:
        near = [
            r
            for r in await connection.fetch(NEAR, *bounds(geometry))
            if from_geojson(r["geometry"]).intersects(geometry)
        ]
        return Target(geometry=geometry, desc=desc, near_ids=frozenset(r["id"] for r in near))
    if not names:
        raise BadInput("there is no area: name one with --area, or give a CAP file that has polygons or circles")
    rows = _chosen(await connection.fetch(AREAS, [n.strip() for n in names], [n.strip().lower() for n in names]), names)
    return Target(
        geometry=union(from_geojson(r["geometry"]) for r in rows),
        desc=desc or ", ".join(r["name"] for r in rows),
        area_ids=frozenset(r["id"] for r in rows),
    )


def _chosen(rows: Sequence[Any], names: Sequence[str]) -> list[Any]:
    """Choose the area of each code or name; a name that several share says nothing, and none is taken by guess."""
    chosen: dict[str, Any] = {}
    faults = []
    for name in names:
        wanted = name.strip()
        found = [r for r in rows if r["code"] == wanted] or [r for r in rows if r["name"].lower() == wanted.lower()]
        chosen |= {r["code"]: r for r in found}
        if len(found) > 1:
            codes = " or ".join(r["code"] for r in found)
            says = f"is the name of {len(found)} areas: give the code of the one you mean, {codes}"
            faults.append(Fault(file="area", field=name, says=says))
        elif not found:
            says = "is no area we know, by code or by name; see `crisis area list`"
            faults.append(Fault(file="area", field=name, says=says))
    if faults:
        raise BadInput(faults)
    return sorted(chosen.values(), key=lambda r: str(r["code"]))


async def count_audience(
    connection: db.AnyConnection, target: Target, channels: Sequence[str], mode: Mode
) -> dict[tuple[str, str], int]:
    """Count the addresses an alert would go to now, by channel and language."""
    whole, near = list(target.area_ids), list(target.near_ids)
    who = (list(channels), mode.drill)
    squares = await asyncio.to_thread(cells, target.geometry)
    async with connection.transaction():
        await connection.execute(PLAN)
        sure = await connection.fetch(SURE, *who, whole, near)
        points = await connection.fetch(POINTS, *who, *bounds(target.geometry), whole, squares)
    counts = Counter({(row["channel"], row["language"]): row["n"] for row in sure})
    for row in points:
        inside_now = await asyncio.to_thread(_count_inside, target, row["lons"], row["lats"])
        if inside_now:
            counts[row["channel"], row["language"]] += inside_now
    return dict(counts)


def _count_inside(target: Target, lons: bytes, lats: bytes) -> int:
    return int(inside(target.geometry, column(lons, "f8"), column(lats, "f8")).sum())


async def check_audience(
    connection: db.AnyConnection, plan: Plan, confirmed: int, now: datetime
) -> tuple[dict[tuple[str, str], int], list[str]]:
    """Count who an alert would go to by its channels, and list why it may not be released."""
    wish = plan.wish
    known = await count_audience(connection, wish.target, wish.playbook.channels, wish.mode)
    counts = {key: n for key, n in known.items() if key[0] in plan.channels}
    return counts, planning.refuse_reasons(plan, counts, sum(known.values()), confirmed, now)


async def show(
    connection: db.AnyConnection,
    wish: Wish,
    means: Means,
    confirmed: int,
    now: datetime,
) -> dict[str, Any]:
    """Preview an alert without storing anything."""
    plan = planning.make(wish, await connection.fetchval(PEEK_ID), means, now)
    counts, reasons = await check_audience(connection, plan, confirmed, now)
    return planning.preview(plan, means.limits, counts, reasons)


async def draft(
    connection: db.AnyConnection,
    wish: Wish,
    officer: Officer | None,
    means: Means,
    key: Key,
    confirmed: int,
    now: datetime,
    incident_id: int | None = None,
) -> int:
    """Open an incident with its first draft alert; the same key twice gives the same alert.

    Without an officer a feed drafts it; with `incident_id` it takes the place of a draft of that incident that
    was never released. Raise BadInput with every reason for which it could not be released; nothing is stored then.
    """
    if officer is not None:
        officer.need(Role.OFFICER)
    async with connection.transaction():
        if known := await same_request(connection, officer, key):
            return known
        plan = planning.make(wish, await connection.fetchval(NEXT_ID), means, now)
        _, reasons = await check_audience(connection, plan, confirmed, now)
        if reasons:
            raise BadInput("; ".join(reasons))
        opened = (wish.playbook.playbook, wish.mode.value, now)
        incident = incident_id or await connection.fetchval(OPEN_INCIDENT, *opened)
        await insert(connection, plan, incident, [], officer, key, now)
    logger.info(
        "trigger.drafted",
        alert=plan.alert_id,
        playbook=wish.playbook.playbook,
        level=wish.level,
        mode=wish.mode,
    )
    return plan.alert_id


async def same_request(connection: db.AnyConnection, officer: Officer | None, key: Key) -> int | None:
    """Find the alert this officer made with the same key; IllegalMove if the key was used for another request."""
    if key.key is None or officer is None:
        return None
    await connection.execute(ONE_AT_A_TIME, f"{officer.id}/{key.key}")
    row = await connection.fetchrow(SAME_REQUEST, officer.id, key.key)
    if row is None:
        return None
    if row["request_hash"] != key.request_hash:
        raise IllegalMove(f"Idempotency-Key was used for alert {row['id']} with another content: use a new key")
    found: int = row["id"]
    return found


async def insert(
    connection: db.AnyConnection,
    plan: Plan,
    incident_id: int,
    refs: Sequence[int],
    officer: Officer | None,
    key: Key,
    now: datetime,
) -> None:
    """Store a planned alert as a draft in the caller's transaction."""
    chain = (incident_id, list(refs))
    author = officer.id if officer else None
    by = (author, key.key, key.request_hash, now)
    await connection.execute(INSERT, *_columns(plan, *chain), *by, plan.expires, plan.next_update)
    await connection.execute(AUDIT, author, plan.alert_id, {"hash": plan.words_hash}, now)


def _columns(plan: Plan, incident_id: int, refs: list[int]) -> tuple[object, ...]:
    wish, target = plan.wish, plan.wish.target
    return (
        plan.alert_id,
        incident_id,
        plan.identifier,
        wish.number,
        wish.purpose.value,
        plan.msg_type.value,
        wish.mode.value,
        wish.playbook.playbook,
        wish.level,
        plan.urgent,
        dict(plan.facts),
        dump(wish.slots),
        as_json(plan.words),
        {c: dict(n) for c, n in plan.notices.items()},
        plan.words_hash,
        list(plan.channels),
        target.desc,
        to_geojson(target.geometry),
        list(target.area_ids),
        list(target.near_ids),
        refs,
        wish.source,
    )
