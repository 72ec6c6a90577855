"""B7: kill -9 in mid-run, 20,000 residents by HTTP and SMPP, 10 seeds: who was lost, who heard twice, and the bound."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import asyncpg

from tests.bench import ours
from tests.bench.carrier import Carrier
from tests.bench.figures import Figure, judged, say
from tests.bench.peers.stand import DURABLE, HERE, Side, ledger, python, redis, send_url
from tests.bench.service import Service, service

PEOPLE = 20_000
SEEDS = range(1, 11)
THEIRS, THEIR_SEEDS = 2_000, range(1, 3)  # SAQ needs some seconds to notice each time
WITHIN = 60.0
GIVEN = 10  # seconds SAQ is given after its restart: five times its timeout
LEASE = 2  # seconds, so that a restart does not wait the 30 that are usual
PEER = f"SAQ 2 x 50, retries 3, timeout 2 s, swept every half second (lost: not sent {GIVEN} s after its restart)"
GONE = """
SELECT count(*) FROM pg_stat_activity WHERE application_name = 'crisis' AND datname = current_database()
"""


@dataclass(frozen=True, slots=True)
class Crash:
    """How one run went that was killed after `taken`, of which `known` were durable."""

    taken: int
    known: int
    lost: int
    twice: int
    most: int  # the most often anybody heard it

    @property
    def bound(self) -> int:
        """What may leave twice: taken by the carrier, and in no flush."""
        return self.taken - self.known


async def figures() -> list[Figure]:
    """Give what was lost, and what left twice as a share of the bound, beside SAQ killed the same way."""
    async with Carrier("http") as http, Carrier("smpp") as smpp, Carrier("http") as theirs:
        accounts = {"EXERCISE_TELEGRAM": http.url, "EXERCISE_SMS": smpp.url}
        async with service(accounts, PEOPLE, lease_seconds=str(LEASE)) as one:
            mine = [await killed(one, (http, smpp), seed) for seed in SEEDS]
            text = await ours.text_of(one)
            async with redis() as broker, ledger(one.dsn, THEIRS) as dsn:
                env = {"PEER_DSN": dsn, "PEER_REDIS": broker, "PEER_URL": send_url(theirs), "PEER_TEXT": text}
                env |= {"PEER_CONCURRENCY": "50", "PYTHONUNBUFFERED": "1"}
                saq = [await saq_killed(dsn, env, theirs, seed) for seed in THEIR_SEEDS]
    return told(mine, saq)


async def killed(one: Service, carriers: Sequence[Carrier], seed: int) -> Crash:
    """Release to all, kill -9 at a seeded moment, start again, and count when every dispatch has ended."""
    alert = await one.trigger()
    for carrier in carriers:
        await carrier.reset()
    await one.approve(alert)
    at = random.Random(seed).randrange(PEOPLE // 20, PEOPLE * 9 // 10)
    taken = await until_taken(carriers, at)
    await one.end(signal.SIGKILL)
    taken = await until_taken(carriers, at)
    async with asyncio.timeout(WITHIN):
        while await one.connection.fetchval(GONE):  # a last COMMIT may be under way
            await asyncio.sleep(0.005)
    known = await one.durable(alert["id"])
    await one.start()
    await one.done(alert["id"], WITHIN)
    got = [await carrier.figures() for carrier in carriers]
    distinct, count = sum(g.distinct for g in got), sum(g.count for g in got)
    assert await one.durable(alert["id"]) == distinct, "what is durable is not what the carriers have"
    return _said("ours", seed, Crash(taken, known, PEOPLE - distinct, count - distinct, max(g.most for g in got)))


async def until_taken(carriers: Sequence[Carrier], count: int) -> int:
    """Return once the carriers together have taken so many, and give how many it were by then."""
    async with asyncio.timeout(WITHIN):
        while (taken := sum([(await carrier.figures()).count for carrier in carriers])) < count:
            await asyncio.sleep(0.002)
    return taken


@contextlib.asynccontextmanager
async def workers(env: dict[str, str]) -> AsyncIterator[list[Side]]:
    """Run two workers of SAQ, ready to send; they are killed at the end, if not before."""
    async with contextlib.AsyncExitStack() as stack:
        argv = [python(), str(HERE / "saq_crash.py"), "work"]
        both = [await stack.enter_async_context(Side(argv, env)) for _ in range(2)]
        for each in both:
            await each.answer(30)
        yield both


async def saq_killed(dsn: str, env: dict[str, str], carrier: Carrier, seed: int) -> Crash:
    """Do the same to SAQ: kill both workers at a seeded moment, start two others, sweep until all are durable."""
    at = random.Random(seed).randrange(THEIRS // 20, THEIRS * 9 // 10)
    connection = await asyncpg.connect(dsn)
    try:
        async with Side([python(), str(HERE / "saq_crash.py"), "drive"], env) as driver:
            async with workers(env):
                await carrier.reset()
                queued = asyncio.create_task(driver.ask(f"{seed} {THEIRS}"))
                await until_taken([carrier], at)
            taken = await until_taken([carrier], at)
            known: int = await connection.fetchval(DURABLE, seed)
            await queued
            async with workers(env):
                await _swept(driver, connection, seed)
                got = await carrier.figures()
    finally:
        connection.terminate()
    return _said("SAQ", seed, Crash(taken, known, THEIRS - got.distinct, got.count - got.distinct, got.most))


async def _swept(driver: Side, connection: asyncpg.Connection[asyncpg.Record], run: int) -> None:
    """Sweep until everybody has a durable row, or for GIVEN seconds: who is missing then is lost."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(GIVEN):
            while await connection.fetchval(DURABLE, run) < THEIRS:
                await asyncio.sleep(0.5)
                await driver.ask("sweep")


def _said(who: str, seed: int, crash: Crash) -> Crash:
    say(f"b7 {who}, seed {seed}: killed at {crash.taken} taken; lost {crash.lost}, "
        f"twice {crash.twice} (at most {crash.bound})")  # fmt: skip
    return crash


def told(mine: Sequence[Crash], saq: Sequence[Crash]) -> list[Figure]:
    """Make the two figures: those lost in all seeds, and the most that left twice for what was in flight."""
    what = f"kill -9 in mid-run, {PEOPLE:,} by HTTP and SMPP, {len(mine)} seeds"
    lost = judged(
        "b7", sum(c.lost for c in mine), "lost in all runs", peer=PEER, peer_figure=sum(c.lost for c in saq),
        goal=0, goal_of="figure", sense="<=", what=what,
        spread=(min(c.lost for c in mine), max(c.lost for c in mine)), their_runs=f"{len(saq)} of {THEIRS:,}",
    )  # fmt: skip
    over = max(c.twice - c.bound for c in mine)
    twice = judged(
        "b7", max(c.twice for c in mine), "heard twice in one run, at most", peer=PEER,
        peer_figure=max(c.twice for c in saq), goal=max(c.bound for c in mine), goal_of="figure", sense="<=",
        what="goal: what the carriers had taken and no flush had recorded when it was killed",
        spread=(min(c.twice for c in mine), max(c.twice for c in mine)),
        each=[f"{c.twice} of {c.bound}" for c in mine], saq_each=[f"{c.twice} of {c.bound}" for c in saq],
        most_often=max(c.most for c in mine), beyond_the_bound=max(over, 0),
    )  # fmt: skip
    assert over <= 0, f"{over} more than the bound left twice"
    return [lost, twice]
