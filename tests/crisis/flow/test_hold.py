"""Holding back: what may follow what, the same in the model, in the table and in the statements; and the fan-out."""

from __future__ import annotations

import re

import pytest

from crisis import db
from crisis.flow import fanout, hold, release
from crisis.model.dispatch import (
    DISPATCH_MOVES,
    STOPPED_MOVES,
    DispatchState,
    Stopped,
    before,
    stopped_before,
)
from crisis.model.officer import Officer, Role
from tests.crisis.flow.intake_town import NOW, OUTLET, open_district, rain

RINA = Officer(id=2, name="Rina", role=Role.OFFICER)
ENDS = {Stopped.EXPIRED, Stopped.CANCELLED, Stopped.SUPERSEDED, Stopped.OFFICER}


async def test_the_reasons_of_a_stop_are_those_of_the_table(pool: db.Pool) -> None:
    """A reason that is in the enum, the moves or the SQL CHECK is in all of them."""
    says = await pool.fetchval(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'dispatch_stopped_check'"
    )
    assert set(re.findall(r"'(\w+)'", says)) == {str(why) for why in Stopped} == {str(why) for why in STOPPED_MOVES}


def test_only_a_pause_can_be_undone() -> None:
    """What is stopped for good stays so, for the reason it has."""
    assert {why for why, to in STOPPED_MOVES.items() if to} == {Stopped.PAUSED}
    assert STOPPED_MOVES[Stopped.PAUSED] == ENDS | {DispatchState.SENDING}
    assert DISPATCH_MOVES[DispatchState.DONE] == {DispatchState.SENDING, DispatchState.STOPPED}  # by failover alone
    assert before(DispatchState.STOPPED) == ["done", "sending", "stopped", "waiting"]
    assert [stopped_before(why) for why in sorted(ENDS)] == [["paused"]] * 4
    assert stopped_before(Stopped.PAUSED) == []
    assert stopped_before(DispatchState.SENDING) == ["paused"]


MOVE = "UPDATE dispatch SET state = $1, stopped = $2"
FAILOVER = """
UPDATE alert SET facts = facts || '{"failover": {"order": ["sms", "telegram"], "after": 60}}'::jsonb
"""
STOPPED_NOW = "SELECT id FROM dispatch WHERE stopped = $1 AND stopped <> $2"


@pytest.mark.parametrize("moves_on", [False, True], ids=["at once", "failover"])
@pytest.mark.parametrize("wanted", [Stopped.PAUSED, Stopped.OFFICER, Stopped.CANCELLED, DispatchState.SENDING])
async def test_every_statement_moves_a_dispatch_as_the_model_says(
    pool: db.Pool, wanted: Stopped | DispatchState, moves_on: bool
) -> None:
    """From each state and reason there is, a statement moves exactly what MOVES allows; done only with failover."""
    alert_id = await _live(pool, moves_on=moves_on)
    dispatch_id = await pool.fetchval("SELECT id FROM dispatch")
    goal = wanted if isinstance(wanted, DispatchState) else DispatchState.STOPPED
    for state, why in [*((s, None) for s in DispatchState if s != "stopped"), *(("stopped", w) for w in Stopped)]:
        await pool.execute(MOVE, state, why)
        async with pool.acquire() as connection:
            if wanted is DispatchState.SENDING:
                guard = (before(goal), stopped_before(wanted))
                moved = await connection.fetch(hold.RESUME, [dispatch_id], *guard, NOW)
            elif wanted is Stopped.CANCELLED:
                await release.stop(connection, [alert_id], wanted)
                moved = await connection.fetch(STOPPED_NOW, wanted.value, why or "")
            else:
                guard = (before(goal), stopped_before(Stopped(wanted)))
                moved = await connection.fetch(hold.STOP, [dispatch_id], wanted, *guard)
        allowed = goal in DISPATCH_MOVES[DispatchState(state)]
        if why is None:
            allowed = allowed and wanted is not DispatchState.SENDING  # a resume begins at a pause, never at a start
            if state is DispatchState.DONE:
                allowed = allowed and moves_on and wanted in (Stopped.PAUSED, Stopped.OFFICER)
        else:
            allowed = allowed and wanted in STOPPED_MOVES[why]
        assert bool(moved) == allowed, (state, why)


async def test_the_fan_out_of_a_paused_dispatch_waits_until_it_is_resumed(pool: db.Pool) -> None:
    """What is not expanded at the pause gets no batch; after the resume everyone is in one, once."""
    alert_id = await _live(pool, people=40)
    await pool.execute("DELETE FROM batch")  # as if the release had been too large to expand anything of it
    await pool.execute("UPDATE dispatch SET expanded = false, at_rank = -1, at_id = 0, next_seq = 0")
    in_batches = "SELECT count(a), count(DISTINCT a) FROM batch, unnest(address_ids) AS a"
    await hold.pause(pool, alert_id, RINA, None, "salah wilayah?", NOW)
    assert not await fanout.expand_next(pool)
    assert tuple(await pool.fetchrow(in_batches)) == (0, 0)
    await hold.resume(pool, alert_id, RINA, "sms", NOW)
    while await fanout.expand_next(pool):
        pass
    assert tuple(await pool.fetchrow(in_batches)) == (40, 40)
    assert await pool.fetchval("SELECT expanded FROM dispatch")


async def _live(pool: db.Pool, people: int = 12, *, moves_on: bool = False) -> int:
    """Release an alert of a feed over SMS; nobody delivers it."""
    district = await open_district(pool, people)
    await district.take(rain())
    if moves_on:
        await pool.execute(FAILOVER)
    alert_id: int = await pool.fetchval("SELECT id FROM alert")
    async with pool.acquire() as connection, connection.transaction():
        await release.release_pre_authorised(connection, alert_id, "the test", [OUTLET], NOW)
    return alert_id
