"""The fan-out on a real Postgres: whom it chooses, in which order, and that it chooses them once."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import asyncpg
import pytest
from shapely import MultiPolygon, Point, Polygon, box

from crisis import db
from crisis.flow import fanout, walk
from crisis.flow.trigger import count_audience
from crisis.model.alert import Mode
from crisis.model.audience import Place, Target, cells, column, members, runs
from tests.crisis.flow.ground import (
    ADD_ADDRESS,
    ADD_AREA,
    BATCHES,
    EVERYBODY,
    SETTLE,
    SQUARE,
    Ground,
    ids_of,
)

SEEDS = range(3)


@pytest.fixture
def ground(pool: db.Pool) -> Ground:
    return Ground(pool)


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
        assert Counter(ids_of(batches)) == Counter(expected.keys()), (seed, n)
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
        ids = ids_of([b for b in batches if b["language"] == language])
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
    assert len(ids_of(await ground.pool.fetch(BATCHES, dispatch_id))) == 60


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
    assert len(ids_of(await ground.pool.fetch(BATCHES, dispatch_id))) == 20
    assert len(ids_of(await ground.expand(dispatch_id))) == 50


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
    assert Counter(ids_of(await ground.expand(ending))) == Counter(reached)


async def test_an_update_goes_to_the_reached_and_to_all_who_are_inside_now_once_each(ground: Ground) -> None:
    """Through a chain of two earlier alerts nobody is chosen twice, and the most at risk of both kinds go first."""
    await ground.settle(3)
    small, wide = (Target(geometry=SQUARE, desc="x", area_ids=frozenset(ground.areas[:n])) for n in (1, 4))
    first = await ground.release(small)
    await ground.expand(first)
    got = await ground.send(first, ["accepted", "refused"])
    chain = [await ground.alert_of(first)]
    second = await ground.release(small, purpose="update", refs=chain)
    assert set(ids_of(await ground.expand(second))) == got["accepted"] | got["refused"]
    again = await ground.send(second, ["refused", "accepted", "accepted"])
    chain.append(await ground.alert_of(second))
    batches = await ground.expand(await ground.release(wide, purpose="update", refs=chain))
    inside = await _by_rule(ground, wide)
    assert Counter(ids_of(batches)) == Counter(inside.keys() | got["accepted"] | again["accepted"])
    leads = [inside[b["address_ids"][0]]["rank"] for b in batches]
    assert leads == sorted(leads)


async def test_whose_send_in_flight_fails_behind_the_walk_is_chosen_once(ground: Ground) -> None:
    """They counted as reached while the earlier alert had them in hand; refused since, they are also inside."""
    people = [await ground.live(point=(109.05, 0.05)) for _ in range(6)]
    target = Target(geometry=SQUARE, desc="x")
    first = await ground.release(target)
    await ground.expand(first)
    await ground.pool.execute("UPDATE batch SET state = 'leased', lease = 1")
    late = await ground.live(point=(109.05, 0.05))
    update = await ground.release(target, purpose="update", refs=[await ground.alert_of(first)])
    async with ground.pool.acquire() as connection, connection.transaction():
        assert await fanout.expand_step(connection, update, 1000)
    await ground.send(first, ["refused"])
    found = Counter(ids_of(await ground.expand(update)))
    rows = await ground.pool.fetch("SELECT id FROM address WHERE resident_id = ANY($1)", [*people, late])
    assert found == Counter(r["id"] for r in rows)


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
        people = await ground.pool.fetch("SELECT resident_id FROM address WHERE id = ANY($1)", ids_of(batches))
        assert {r["resident_id"] for r in people} == expected, channel


async def test_whose_risk_rises_behind_the_walk_is_warned_all_the_same(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An import makes the last one of the most at risk: once, and nobody who is elsewhere or has an earlier channel."""
    monkeypatch.setattr(walk, "FEW", 0)
    people = [await ground.live(point=(109.05, 0.05)) for _ in range(6)]
    far = await ground.live(point=(111.0, 0.05))
    both = await ground.live(point=(109.05, 0.05), channels=("sms", "telegram"))
    rule = {"order": ["telegram", "sms"], "after": 60}
    dispatch_id = await ground.release(Target(geometry=SQUARE, desc="x"), failover=rule)
    async with ground.pool.acquire() as connection, connection.transaction():
        assert await fanout.expand_step(connection, dispatch_id, 3)
    risen = [people[0], people[-1], far, both]
    await ground.pool.execute("UPDATE address SET rank = 2 WHERE resident_id = ANY($1)", risen)
    found = Counter(ids_of(await ground.expand(dispatch_id, 3)))
    rows = await ground.pool.fetch("SELECT id FROM address WHERE resident_id = ANY($1)", people)
    assert found == Counter(r["id"] for r in rows)


async def test_no_channel_waits_for_the_whole_of_another(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two channels of one alert are expanded in turns; what is more urgent still goes before both."""
    monkeypatch.setattr(walk, "FEW", 0)
    monkeypatch.setattr(fanout, "STEP", 3)
    for _ in range(12):
        await ground.live(point=(109.05, 0.05), channels=("sms", "telegram", "email"))
    target = Target(geometry=SQUARE, desc="x")
    calm = [await ground.release(target, channel=channel) for channel in ("sms", "telegram")]
    await ground.pool.execute("UPDATE dispatch SET urgent = 1")
    urgent = await ground.release(target, channel="email")
    for _ in range(7):
        assert await fanout.expand_next(ground.pool)
    counts = [len(ids_of(await ground.pool.fetch(BATCHES, each))) for each in (urgent, *calm)]
    assert counts == [12, 3, 3]


async def test_a_dispatch_that_cannot_be_expanded_keeps_no_other_waiting(ground: Ground) -> None:
    """It is left alone for a while, and the fan-out goes on; nobody but an operator can mend what ails it."""
    await ground.live(point=(109.05, 0.05))
    target = Target(geometry=SQUARE, desc="x")
    await ground.release(target, languages=[])  # no release can come to this
    sound = await ground.release(target)
    running = asyncio.create_task(fanout.run(ground.pool, asyncio.Event()))
    while not await ground.pool.fetchval("SELECT expanded FROM dispatch WHERE id = $1", sound):
        assert not running.done()
    assert len(ids_of(await ground.pool.fetch(BATCHES, sound))) == 1
    running.cancel()
    await asyncio.wait([running])


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
    assert Counter(ids_of(await ground.expand(dispatch_id))) == Counter((await _by_rule(ground, target)).keys())


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


def test_neighbouring_cells_are_told_by_their_runs() -> None:
    """None missed and none added, a run of one included."""
    table = {(): ([], []), (5,): ([5], [5]), (1, 2, 3): ([1], [3]), (1, 2, 4, 8, 9): ([1, 4, 8], [2, 4, 9])}
    for named, expected in table.items():
        assert runs(named) == expected


async def test_columns_are_read_as_postgres_writes_them(pool: db.Pool) -> None:
    """Both kinds of number, in order, and none at all."""
    for numbers, kind, name in (([1, -2, 9007199254740993], "i8", "bigint"), ([0.1, -109.5], "f8", "float8")):
        raw = await pool.fetchval(f"SELECT array_send($1::{name}[])", numbers)
        assert column(raw, kind).tolist() == numbers
    assert column(None, "i8").tolist() == []
