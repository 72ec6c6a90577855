"""Receipts: whatever order they come in, an address counts once, and delivered stays delivered."""

from __future__ import annotations

import asyncio
import itertools
import random
from datetime import UTC, datetime

import pytest

from channels.contract import Arrival, Receipt
from crisis import db
from crisis.flow import receipts

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ALERT = """
WITH who AS (INSERT INTO officer (name, role, token_hash) VALUES ('a', 'admin', '\\x01'), ('b', 'admin', '\\x02')
             RETURNING id),
     what AS (INSERT INTO incident (playbook, mode) VALUES ('flood', 'Exercise') RETURNING id)
INSERT INTO alert (incident_id, identifier, number, purpose, msg_type, mode, state, playbook, level, urgent, facts,
                   slots, words, notices, words_hash, channels, area_desc, geometry, area_ids, near_ids, break_glass,
                   sent, expires)
SELECT id, 'x', 1, 'alert', 'Alert', 'Exercise', 'live', 'flood', 'siaga', 1, '{}', '{}', '{}', '{}', 'h', '{sms}',
       'a', '{}', '{}', '{}', 'alone', now(), now() + interval '1 day' FROM what RETURNING id
"""
DISPATCH = """
INSERT INTO dispatch (alert_id, channel, account, reach, urgent, expires, state, expanded)
VALUES ($1, 'sms', 'sms', 'addressed', 1, now() + interval '1 day', 'done', true) RETURNING id
"""
ATTEMPT = """
INSERT INTO attempt (dispatch_id, address_id, try, outcome, code, refs, account, at)
VALUES ($1, $2, $3, $4, '', $5, 'sms', $6)
"""


def told(ref: str, state: Arrival) -> Receipt:
    """A provider's word on one part."""
    return Receipt(ref=ref, state=state, at=NOW)


@pytest.fixture
async def dispatch(pool: db.Pool) -> tuple[int, int]:
    """An alert and its one dispatch."""
    alert: int = await pool.fetchval(ALERT)
    return alert, await pool.fetchval(DISPATCH, alert)


async def counted(pool: db.Pool, alert_id: int) -> dict[str, object]:
    """The one row of the progress."""
    async with pool.acquire() as connection:
        (row,) = await receipts.progress(connection, alert_id)
    return row


D, F, E, R = Arrival.DELIVERED, Arrival.FAILED, Arrival.EXPIRED, Arrival.READ
CASES: list[tuple[str, list[tuple[int, str, str]], list[tuple[str, Arrival]], tuple[int, int, int, int]]] = [
    # name, attempts (try, outcome, refs), receipts, (accepted, delivered, undelivered, twice)
    ("one part", [(1, "accepted", "a")], [("a", D)], (1, 1, 0, 0)),
    ("half of two parts", [(1, "accepted", "a b")], [("a", D)], (1, 0, 0, 0)),
    ("both parts", [(1, "accepted", "a b")], [("a", D), ("b", R)], (1, 1, 0, 0)),
    ("one part failed", [(1, "accepted", "a b")], [("a", D), ("b", F)], (1, 0, 1, 0)),
    ("failed, then delivered after all", [(1, "accepted", "a")], [("a", F), ("a", D)], (1, 1, 0, 0)),
    (
        "a delivered part fails, the other is unheard",
        [(1, "accepted", "a b")],
        [("a", D), ("a", E)],
        (1, 0, 0, 0),
    ),
    ("no ids, no word", [(1, "accepted", "")], [("a", D)], (1, 0, 0, 0)),
    ("a retry", [(1, "throttled", ""), (2, "accepted", "a")], [("a", D)], (1, 1, 0, 0)),
    (
        "twice, the second arrived",
        [(1, "accepted", "a"), (1, "accepted", "b")],
        [("a", F), ("b", D)],
        (1, 1, 0, 1),
    ),
    ("half of each of two", [(1, "accepted", "a b"), (1, "accepted", "c d")], [("a", D), ("c", D)], (1, 0, 0, 1)),
    ("of another alert", [(1, "accepted", "a")], [("z", D)], (1, 0, 0, 0)),
    ("refused", [(1, "refused", "")], [], (0, 0, 0, 0)),
]


@pytest.mark.parametrize(("name", "attempts", "said", "wanted"), CASES, ids=[c[0] for c in CASES])
async def test_receipts_in_any_order_doubled_and_early_count_once(
    pool: db.Pool,
    dispatch: tuple[int, int],
    name: str,
    attempts: list[tuple[int, str, str]],
    said: list[tuple[str, Arrival]],
    wanted: tuple[int, int, int, int],
) -> None:
    """Every order of what is said, each twice, some of it before the attempt is written: always the same count."""
    alert, way = dispatch
    orders = list(itertools.permutations(said))
    for address, order in enumerate(orders, 1):
        rows = [told(f"{address}{ref}", state) for ref, state in order]
        await receipts.store(pool, "sms", rows[: address % 2])  # early
        for try_, outcome, refs in attempts:
            await pool.execute(ATTEMPT, way, address, try_, outcome, [f"{address}{r}" for r in refs.split()], NOW)
        for row in rows:
            await receipts.store(pool, "sms", [row, row])
    row = await counted(pool, alert)
    got = (row["accepted"], row["delivered"], row["undelivered"], row["twice"])
    assert got == tuple(n * len(orders) for n in wanted)


async def test_a_later_failure_never_takes_back_delivered(pool: db.Pool, dispatch: tuple[int, int]) -> None:
    """Whatever a provider says after it said delivered."""
    alert, way = dispatch
    await pool.execute(ATTEMPT, way, 1, 1, "accepted", ["a", "b"], NOW)
    await receipts.store(pool, "sms", [told("a", D), told("b", D)])
    for state in (F, E, F):
        await receipts.store(pool, "sms", [told("a", state), told("b", state)])
        row = await counted(pool, alert)
        assert (row["delivered"], row["undelivered"]) == (1, 0)


@pytest.mark.parametrize("seed", range(3))
async def test_thousands_of_receipts_in_one_store_are_all_kept(
    pool: db.Pool, dispatch: tuple[int, int], seed: int
) -> None:
    """More than one statement takes, doubled and shuffled; two links bring the same at once."""
    alert, way = dispatch
    chance = random.Random(seed)
    print(f"seed {seed}")
    many = 6_000
    rows = [told(f"{n:x}", D) for n in range(many)] * 2
    halves = [chance.sample(rows, len(rows)) for _ in range(2)]
    await asyncio.gather(*(receipts.store(pool, "sms", half) for half in halves))
    entries = [(way, n, 1, "accepted", [f"{n:x}"], NOW) for n in range(many)]
    await pool.executemany(ATTEMPT, entries)
    assert (await counted(pool, alert))["delivered"] == many
