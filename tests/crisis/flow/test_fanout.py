"""The fan-out on a real Postgres: whom it chooses, in which order, and that it chooses them once."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest
from shapely import MultiPolygon, Point, Polygon, box

from crisis import db
from crisis.flow import fanout, walk
from crisis.flow.trigger import count_audience
from crisis.model.alert import Mode
from crisis.model.area import to_geojson
from crisis.model.audience import Place, Target, cells, column, members

SEEDS = range(3)

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
        for n, address_id in enumerate(_ids(await self.pool.fetch(BATCHES, dispatch_id))):
            got[outcomes[n % len(outcomes)]].add(address_id)
        rows = [(dispatch_id, address_id, outcome) for outcome, ids in got.items() for address_id in ids]
        await self.pool.executemany("INSERT INTO attempt VALUES ($1, $2, 1, $3, '', '{}', 'sms', now())", rows)
        await self.pool.execute("UPDATE batch SET state = 'done', lease = 1 WHERE dispatch_id = $1", dispatch_id)
        await self.pool.execute(
            "UPDATE dispatch SET state = 'stopped', stopped = 'superseded' WHERE id = $1", dispatch_id
        )
        return got


@pytest.fixture
def ground(pool: db.Pool) -> Ground:
    return Ground(pool)


def _ids(batches: Sequence[asyncpg.Record]) -> list[int]:
    return [address_id for batch in batches for address_id in batch["address_ids"]]


def _targets(ground: Ground, seed: int) -> list[Target]:
    """A named area, a polygon over some, a polygon with no area, far parts and a thin diagonal."""
    chance = random.Random(seed)
    whole, near, *_ = chance.sample(ground.areas, 3)
    round_one = MultiPolygon([Point(109.05, 0.05).buffer(chance.uniform(0.01, 0.06))])
    diagonal = MultiPolygon([Polygon([(108.95, -0.05), (109.15, 0.14), (109.15, 0.15), (108.95, -0.04)])])
    parts = MultiPolygon([box(109.0, 0.0, 109.04, 0.02), box(109.1, 0.1, 109.14, 0.14)])
    return [
        Target(geometry=SQUARE, desc="x", area_ids=frozenset({whole})),
        Target(geometry=round_one, desc="x", near_ids=frozenset({whole, near})),
        Target(geometry=parts, desc="x"),
        Target(geometry=diagonal, desc="x", area_ids=frozenset({whole}), near_ids=frozenset({near})),
        Target(geometry=MultiPolygon(), desc="x", area_ids=frozenset({near})),
    ]


async def _by_rule(ground: Ground, target: Target, *, drill: bool = False) -> dict[int, asyncpg.Record]:
    """Whom the one rule in crisis/model/audience.py chooses."""
    rows = [
        r
        for r in await ground.pool.fetch(EVERYBODY)
        if r["channel"] == "sms" and not r["opted_out_at"] and r["consent_at"] and (r["exercise"] or not drill)
    ]
    places = [Place(area_id=r["area_id"], lon=r["lon"], lat=r["lat"]) for r in rows]
    return {r["id"]: r for r, chosen in zip(rows, members(target, places), strict=True) if chosen}


@pytest.mark.parametrize("few", [0, walk.FEW], ids=["walked", "at once"])
@pytest.mark.parametrize("seed", SEEDS)
async def test_the_fan_out_chooses_whom_the_rule_chooses(
    ground: Ground, seed: int, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the target and however far a step looks: those of members(), each once, and as many as the preview."""
    monkeypatch.setattr(walk, "FEW", few)
    await ground.settle(seed)
    for n, target in enumerate(_targets(ground, seed)):
        mode = ("Actual", "Exercise")[n % 2]
        expected = await _by_rule(ground, target, drill=mode == "Exercise")
        assert expected
        batches = await ground.expand(await ground.release(target, mode=mode), most=37)
        assert Counter(_ids(batches)) == Counter(expected.keys()), (seed, n)
        async with ground.pool.acquire() as connection:
            counts = await count_audience(connection, target, ["sms"], Mode(mode))
        assert counts == Counter(("sms", r["language"]) for r in expected.values())


async def test_the_most_at_risk_leave_first_in_one_language_a_batch(ground: Ground) -> None:
    """Ranks never fall from batch to batch of a language; a language without words gets the default one."""
    await ground.settle(1)
    target = Target(geometry=SQUARE, desc="x", area_ids=frozenset(ground.areas))
    batches = await ground.expand(await ground.release(target))
    people = {r["id"]: r for r in await ground.pool.fetch(EVERYBODY)}
    for language, spoken in (("id", {"id", "jv"}), ("en", {"en"})):
        ids = _ids([b for b in batches if b["language"] == language])
        assert {people[i]["language"] for i in ids} == spoken
        assert [(people[i]["rank"], i) for i in ids] == sorted((people[i]["rank"], i) for i in ids)
    lowest = [people[b["address_ids"][0]]["rank"] for b in batches]
    assert lowest == sorted(lowest)


async def test_a_village_is_warned_whole_in_the_release_however_large_the_register(ground: Ground) -> None:
    """The first step takes all of a small target, though thousands of others are at higher risk."""
    home, other = [await ground.pool.fetchval(ADD_AREA + " RETURNING id", n) for n in ("home", "other")]
    await ground.settle_many(other, 6000, risk=9)
    await ground.settle_many(home, 60, risk=0)
    dispatch_id = await ground.release(Target(geometry=SQUARE, desc="x", area_ids=frozenset({home})))
    async with ground.pool.acquire() as connection, connection.transaction():
        assert not await fanout.expand_step(connection, dispatch_id, fanout.FIRST_STEP)
    assert len(_ids(await ground.pool.fetch(BATCHES, dispatch_id))) == 60


async def test_the_first_step_finds_somebody_behind_thousands_of_others(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When too many are there to take at once, and none of them in the rows next in order, the walk skips to them."""
    monkeypatch.setattr(walk, "FEW", 10)
    home, other = [await ground.pool.fetchval(ADD_AREA + " RETURNING id", n) for n in ("home", "other")]
    await ground.settle_many(other, 500, risk=9)
    await ground.settle_many(home, 50, risk=3)
    dispatch_id = await ground.release(Target(geometry=SQUARE, desc="x", area_ids=frozenset({home})))
    async with ground.pool.acquire() as connection, connection.transaction():
        await fanout.expand_step(connection, dispatch_id, 20)
    assert len(_ids(await ground.pool.fetch(BATCHES, dispatch_id))) == 20
    assert len(_ids(await ground.expand(dispatch_id))) == 50


async def test_an_ending_goes_to_the_reached_only_wherever_they_are_now(ground: Ground) -> None:
    """Accepted, unknown and in flight count as reached; refused, never sent and opted out since do not."""
    await ground.settle(2)
    target = Target(geometry=SQUARE, desc="x", area_ids=frozenset(ground.areas[:2]))
    first = await ground.release(target)
    await ground.expand(first)
    got = await ground.send(first, ["accepted", "unknown", "refused"])
    (in_flight,) = await ground.pool.fetch(
        """UPDATE batch SET state = 'ready' WHERE id = (SELECT max(id) FROM batch WHERE dispatch_id = $1)
           RETURNING address_ids""", first,
    )  # fmt: skip
    await ground.pool.execute("UPDATE resident SET area_id = NULL, lon = 0, lat = 0")  # all moved away
    gone = min(got["accepted"])
    await ground.pool.execute("UPDATE address SET opted_out_at = now() WHERE id = $1", gone)
    ending = await ground.release(target, purpose="cancel", refs=[await ground.alert_of(first)])
    reached = (got["accepted"] | got["unknown"] | set(in_flight["address_ids"])) - {gone}
    assert Counter(_ids(await ground.expand(ending))) == Counter(reached)


async def test_an_update_goes_to_the_reached_and_to_all_who_are_inside_now_once_each(ground: Ground) -> None:
    """Through a chain of two earlier alerts nobody is chosen twice, and the most at risk of both kinds go first."""
    await ground.settle(3)
    small, wide = (Target(geometry=SQUARE, desc="x", area_ids=frozenset(ground.areas[:n])) for n in (1, 4))
    first = await ground.release(small)
    await ground.expand(first)
    got = await ground.send(first, ["accepted", "refused"])
    chain = [await ground.alert_of(first)]
    second = await ground.release(small, purpose="update", refs=chain)
    assert set(_ids(await ground.expand(second))) == got["accepted"] | got["refused"]
    again = await ground.send(second, ["refused", "accepted", "accepted"])
    chain.append(await ground.alert_of(second))
    batches = await ground.expand(await ground.release(wide, purpose="update", refs=chain))
    inside = await _by_rule(ground, wide)
    assert Counter(_ids(batches)) == Counter(inside.keys() | got["accepted"] | again["accepted"])
    leads = [inside[b["address_ids"][0]]["rank"] for b in batches]
    assert leads == sorted(leads)


@pytest.mark.parametrize("few", [0, walk.FEW], ids=["walked", "at once"])
async def test_with_failover_a_resident_is_warned_on_their_first_channel_only(
    ground: Ground, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First by the order of the alert, among those not opted out; a channel outside the order is untouched."""
    monkeypatch.setattr(walk, "FEW", few)
    both, silent, only, email = [
        await ground.live(point=(109.05, 0.05), channels=channels)
        for channels in (("sms", "telegram"), ("sms", "telegram"), ("telegram",), ("sms", "email"))
    ]
    await ground.pool.execute(
        "UPDATE address SET opted_out_at = now() WHERE resident_id = $1 AND channel = 'sms'", silent
    )
    target = Target(geometry=SQUARE, desc="x")
    rule = {"order": ["sms", "telegram"], "after": 120}
    for channel, expected in (("sms", {both, email}), ("telegram", {silent, only}), ("email", {email})):
        batches = await ground.expand(await ground.release(target, channel=channel, failover=rule))
        people = await ground.pool.fetch("SELECT resident_id FROM address WHERE id = ANY($1)", _ids(batches))
        assert {r["resident_id"] for r in people} == expected, channel


async def test_an_address_stands_where_its_resident_does(ground: Ground) -> None:
    """Whoever moves, joins, enrols or is refreshed by a file takes their addresses along."""
    (area,) = [await ground.pool.fetchval(ADD_AREA + " RETURNING id", "a")]
    one = await ground.live(joined=False, exercise=False, channels=("sms", "telegram"))
    stands = "SELECT DISTINCT area_id, lon, lat, exercise, joined FROM address WHERE resident_id = $1"
    assert [tuple(r) for r in await ground.pool.fetch(stands, one)] == [(None, None, None, False, False)]
    await ground.pool.execute(
        "UPDATE resident SET area_id = $2, lon = 109.5, lat = -0.5, exercise = true, consent_at = now() WHERE id = $1",
        one, area,
    )  # fmt: skip
    assert [tuple(r) for r in await ground.pool.fetch(stands, one)] == [(area, 109.5, -0.5, True, True)]
    await ground.pool.execute(ADD_ADDRESS, one, "email", "id", 9, False)
    assert [tuple(r) for r in await ground.pool.fetch(stands, one)] == [(area, 109.5, -0.5, True, True)]


async def test_a_step_that_breaks_off_leaves_everything_as_it_was(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cursor and the batches are one transaction: the next step takes the same addresses, once."""
    monkeypatch.setattr(walk, "FEW", 0)
    await ground.settle(4)
    target = Target(geometry=SQUARE, desc="x", area_ids=frozenset(ground.areas))
    dispatch_id = await ground.release(target)
    async with ground.pool.acquire() as connection:
        step = connection.transaction()
        await step.start()
        assert await fanout.expand_step(connection, dispatch_id, 50)
        assert len(await connection.fetch(BATCHES, dispatch_id)) > 0
        await step.rollback()
    assert await ground.pool.fetch(BATCHES, dispatch_id) == []
    assert Counter(_ids(await ground.expand(dispatch_id))) == Counter((await _by_rule(ground, target)).keys())


@pytest.mark.parametrize("seed", SEEDS)
async def test_the_cells_of_a_target_hold_every_point_of_it(ground: Ground, seed: int) -> None:
    """Postgres and Python count cells alike, on their edges too: a point in the target is in one of its cells."""
    chance = random.Random(seed)
    centre = (chance.choice([-179.99, -0.01, 0.0, 109.0, 179.99]), chance.choice([-89.9, -0.02, 0.0, 45.0]))
    shape = MultiPolygon([Point(centre).buffer(chance.uniform(0.001, 0.3), quad_segs=2)])
    corners = [(x, y) for x, y in shape.geoms[0].exterior.coords if abs(x) <= 180 and abs(y) <= 90]
    west, south, east, north = shape.bounds
    points = corners + [(chance.uniform(west, east), chance.uniform(south, north)) for _ in range(200)]
    points += [(round(x * 50) / 50, round(y * 50) / 50) for x, y in points]
    count = len(points)
    lons, lats = [list(each) for each in zip(*points, strict=True)]
    rest = ([0] * count, [True] * count, [True] * count)
    await ground.pool.execute(SETTLE, ["id"] * count, [None] * count, lons, lats, *rest)
    found = await ground.pool.fetch("SELECT cell, lon, lat FROM address")
    places = [Place(area_id=None, lon=r["lon"], lat=r["lat"]) for r in found]
    chosen = members(Target(geometry=shape, desc="x"), places)
    named = cells(shape)
    assert named is not None
    assert {r["cell"] for r, inside in zip(found, chosen, strict=True) if inside} <= set(named), seed


async def test_columns_are_read_as_postgres_writes_them(pool: db.Pool) -> None:
    """Both kinds of number, in order, and none at all."""
    for numbers, kind, name in (([1, -2, 9007199254740993], "i8", "bigint"), ([0.1, -109.5], "f8", "float8")):
        raw = await pool.fetchval(f"SELECT array_send($1::{name}[])", numbers)
        assert column(raw, kind).tolist() == numbers
    assert column(None, "i8").tolist() == []
