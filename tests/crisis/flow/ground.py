"""A register of residents on a real Postgres, and alerts released over it without any delivery."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
from shapely import MultiPolygon, box

from crisis import db
from crisis.flow import fanout
from crisis.model.area import to_geojson
from crisis.model.audience import Target

ADD_AREA = (
    "INSERT INTO area (code, name, geometry, min_lon, min_lat, max_lon, max_lat) VALUES ($1, $1, '{}', 0, 0, 1, 1)"
)
ADD_RESIDENT = """
INSERT INTO resident (language, area_id, lon, lat, risk, exercise, consent_at)
VALUES ($1, $2, $3, $4, $5, $6, CASE WHEN $7 THEN now() END) RETURNING id
"""
ADD_ADDRESS = """
INSERT INTO address (resident_id, channel, language, rank, sealed, lookup, opted_out_at)
VALUES ($1, $2, $3, $4, '', sha256(($1::bigint || $2)::bytea), CASE WHEN $5 THEN now() END)
"""
SETTLE = """
WITH r AS (INSERT INTO resident (language, area_id, lon, lat, risk, exercise, consent_at)
           SELECT n.language, n.area_id, n.lon, n.lat, n.risk, n.exercise, CASE WHEN n.joined THEN now() END
           FROM unnest($1::text[], $2::bigint[], $3::float8[], $4::float8[], $5::smallint[], $6::boolean[],
                       $7::boolean[]) n (language, area_id, lon, lat, risk, exercise, joined)
           RETURNING id, language, risk)
INSERT INTO address (resident_id, channel, language, rank, sealed, lookup)
SELECT id, 'sms', language, 9 - risk, '', sha256(id::text::bytea) FROM r
"""
MANY = """
WITH r AS (INSERT INTO resident (language, area_id, risk, consent_at)
           SELECT 'id', $1, $3::smallint, now() FROM generate_series(1, $2::integer) RETURNING id, risk)
INSERT INTO address (resident_id, channel, language, rank, sealed, lookup)
SELECT id, 'sms', 'id', 9 - risk, '', sha256(id::text::bytea) FROM r
"""
ADD_INCIDENT = "INSERT INTO incident (playbook, mode) VALUES ('flood', 'Actual') RETURNING id"
ADD_ALERT = """
INSERT INTO alert (incident_id, identifier, number, purpose, msg_type, mode, playbook, level, urgent, facts, slots,
                   words, notices, words_hash, channels, area_desc, geometry, area_ids, near_ids, refs, expires, state,
                   sent, break_glass)
VALUES ($1, gen_random_uuid()::text, 1, $2, 'Alert', $3, 'flood', 'awas', 0, $4, '{}',
        '{}', '{}', '', '{sms}', 'x', $5, $6, $7, $8, now() + interval '1 day', 'live',
        now(), 'a test') RETURNING id
"""
ADD_DISPATCH = """
INSERT INTO dispatch (alert_id, channel, account, reach, urgent, expires)
VALUES ($1, $2, $2, 'addressed', 0, now() + interval '1 day') RETURNING id
"""
BATCHES = """
SELECT language, address_ids, lease, seq FROM batch WHERE dispatch_id = $1 ORDER BY seq
"""
EVERYBODY = """
SELECT a.id, a.channel, a.rank, a.language, a.opted_out_at, r.area_id, r.lon, r.lat, r.exercise, r.consent_at
FROM address a JOIN resident r ON r.id = a.resident_id
"""
SQUARE = MultiPolygon([box(109.0, 0.0, 109.1, 0.1)])


@dataclass(slots=True)
class Ground:
    """A register and what is released over it."""

    pool: db.Pool
    areas: list[int] = field(default_factory=list)

    async def settle(self, seed: int, count: int = 300) -> None:
        """Make up residents by area, by point, by both or by nothing; some stand exactly on an edge."""
        chance = random.Random(seed)
        await self.pool.executemany(ADD_AREA, [(f"{n}",) for n in range(4)])
        self.areas = [r["id"] for r in await self.pool.fetch("SELECT id FROM area ORDER BY id")]
        rows = []
        for _ in range(count):
            lon = chance.choice([109.0, 109.04, 109.1, chance.uniform(108.95, 109.15)])
            lat = chance.choice([0.0, 0.02, 0.1, chance.uniform(-0.05, 0.15)])
            point = chance.choice([(None, None), (lon, lat), (lon, lat)])
            language, area = chance.choice(["id", "en", "jv"]), chance.choice([None, *self.areas])
            rows.append((language, area, *point, chance.randrange(10), chance.random() < 0.5, chance.random() < 0.9))
        await self.pool.execute(SETTLE, *map(list, zip(*rows, strict=True)))
        await self.pool.execute("UPDATE address SET opted_out_at = now() WHERE id % 10 = $1", seed)

    async def live(
        self,
        *,
        area: int | None = None,
        point: tuple[float, float] | None = None,
        risk: int = 0,
        language: str = "id",
        exercise: bool = True,
        joined: bool = True,
        out: bool = False,
        channels: Sequence[str] = ("sms",),
    ) -> int:
        """Add one resident with an address on each channel."""
        lon, lat = point or (None, None)
        resident_id: int = await self.pool.fetchval(ADD_RESIDENT, language, area, lon, lat, risk, exercise, joined)
        for channel in channels:
            await self.pool.execute(ADD_ADDRESS, resident_id, channel, language, 9 - risk, out)
        return resident_id

    async def settle_many(self, area: int, count: int, *, risk: int) -> None:
        """Add residents of one area at once."""
        await self.pool.execute(MANY, area, count, risk)
        await self.pool.execute("VACUUM (ANALYZE) address, resident")

    async def release(self, target: Target, **facts: Any) -> int:
        """Store a live alert and give its dispatch, not yet expanded."""
        purpose, mode = facts.pop("purpose", "alert"), facts.pop("mode", "Actual")
        refs, channel = facts.pop("refs", []), facts.pop("channel", "sms")
        incident = await self.pool.fetchval(ADD_INCIDENT)
        chosen = ({"languages": ["id", "en"]} | facts, to_geojson(target.geometry))
        where = (list(target.area_ids), list(target.near_ids), refs)
        alert_id = await self.pool.fetchval(ADD_ALERT, incident, purpose, mode, *chosen, *where)
        dispatch_id: int = await self.pool.fetchval(ADD_DISPATCH, alert_id, channel)
        return dispatch_id

    async def alert_of(self, dispatch_id: int) -> int:
        found: int = await self.pool.fetchval("SELECT alert_id FROM dispatch WHERE id = $1", dispatch_id)
        return found

    async def expand(self, dispatch_id: int, most: int = 50) -> list[asyncpg.Record]:
        """Expand to the end, a step a transaction, and give the batches in the order they are sent."""
        more = True
        while more:
            async with self.pool.acquire() as connection, connection.transaction():
                more = await fanout.expand_step(connection, dispatch_id, most)
        return await self.pool.fetch(BATCHES, dispatch_id)

    async def send(self, dispatch_id: int, outcomes: Sequence[str]) -> dict[str, set[int]]:
        """Settle every address of a dispatch, turn by turn with these outcomes; give who got which."""
        got: dict[str, set[int]] = {outcome: set() for outcome in outcomes}
        for n, address_id in enumerate(ids_of(await self.pool.fetch(BATCHES, dispatch_id))):
            got[outcomes[n % len(outcomes)]].add(address_id)
        rows = [(dispatch_id, address_id, outcome) for outcome, ids in got.items() for address_id in ids]
        await self.pool.executemany("INSERT INTO attempt VALUES ($1, $2, 1, $3, '', '{}', 'sms', now())", rows)
        await self.pool.execute("UPDATE batch SET state = 'done', lease = 1 WHERE dispatch_id = $1", dispatch_id)
        await self.pool.execute(
            "UPDATE dispatch SET state = 'stopped', stopped = 'superseded' WHERE id = $1", dispatch_id
        )
        return got


def ids_of(batches: Sequence[asyncpg.Record]) -> list[int]:
    """Everybody in these batches, in the order they are sent."""
    return [address_id for batch in batches for address_id in batch["address_ids"]]
