"""Counts that many watch: how old one may be, and when it may not be old at all."""

from __future__ import annotations

from crisis import db
from crisis.web.counts import Counts
from tests.crisis.flow.test_receipts import ALERT, ATTEMPT, DISPATCH, NOW


async def test_a_slow_count_rests_until_an_act_of_an_officer_or_an_end_changes_what_it_tells(pool: db.Pool) -> None:
    """New attempts wait for the next count; a dispatch that was added, held or has ended is told at once."""
    counts, alert = Counts(quick=0.0, rest=1e9), await pool.fetchval(ALERT)
    assert await counts.of(pool, alert) == []
    dispatch = await pool.fetchval(DISPATCH, alert)
    assert [d["accepted"] for d in await counts.of(pool, alert)] == [0]
    await pool.execute(ATTEMPT, dispatch, 1, 1, "accepted", ["a"], NOW)
    assert [d["accepted"] for d in await counts.of(pool, alert)] == [0]
    await pool.execute("UPDATE dispatch SET state = 'stopped', stopped = 'paused'")
    assert [(d["accepted"], d["stopped"]) for d in await counts.of(pool, alert)] == [(1, "paused")]


async def test_a_quick_count_is_never_old(pool: db.Pool) -> None:
    """Whoever asks sees what was committed before they asked."""
    counts, alert = Counts(quick=1e9), await pool.fetchval(ALERT)
    dispatch = await pool.fetchval(DISPATCH, alert)
    for n in range(3):
        await pool.execute(ATTEMPT, dispatch, n, 1, "accepted", ["a"], NOW)
        assert [d["accepted"] for d in await counts.of(pool, alert)] == [n + 1]
