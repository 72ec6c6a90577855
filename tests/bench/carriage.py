"""B10: 20,000 people by HTTP, every send durable: a worker fed over NATS JetStream beside one fed by Postgres."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator

from tests.bench import ours
from tests.bench.carrier import Carrier
from tests.bench.figures import Figure, Pairs, judged, say, short
from tests.bench.nats import nodes
from tests.bench.service import ROOT, Service, service

PEOPLE = 20_000
IN_FLIGHT = 50  # of each of the two processes
ROUNDS = 3
UNIT = "durable deliveries/s"
FAR = ("CRISIS_KEY", "CRISIS_EXERCISE_TELEGRAM", "CRISIS_NATS_URL")  # all that a worker without a database is told


async def figures() -> list[Figure]:
    """Give a service and a worker over JetStream beside a service and a worker over Postgres, in turn."""
    async with Carrier("http") as carrier:
        account = {"EXERCISE_TELEGRAM": ours.in_flight(carrier.url, IN_FLIGHT)}
        async with (
            service(account, PEOPLE) as near,
            nodes(near.folder) as nats,
            service(account, PEOPLE, nats_url=nats.url) as far,
            beside(near, FAR[:2], True),
            beside(far, FAR),
        ):
            pairs = await rounds(carrier, near, far)
    return [
        judged(
            "b10", pairs.figure, UNIT, peer="the same two processes over Postgres alone",
            what="20,000 by HTTP, a service and a worker over NATS JetStream (one server)", **pairs.facts(),
        )
    ]  # fmt: skip


@contextlib.asynccontextmanager
async def beside(at: Service, told: tuple[str, ...], database: bool = False) -> AsyncIterator[None]:
    """Run one `crisis work` that is told only so much; return when it is ready."""
    names = (*told, "CRISIS_DATABASE_URL") if database else told
    own = {name: value for name, value in os.environ.items() if not name.startswith("CRISIS_")}
    env = own | {name: at.env[name] for name in names} | {"CRISIS_DATA_DIR": str(at.folder / "worker")}
    log = at.folder / "worker.log"
    with log.open("wb") as said:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "crisis", "work", env=env, stdin=asyncio.subprocess.DEVNULL, stdout=said, stderr=said,
            cwd=ROOT,
        )  # fmt: skip
    try:
        async with asyncio.timeout(60):
            while (b"ready: " if database else b"carriage.heard") not in log.read_bytes():
                await asyncio.sleep(0.05)
        yield
    finally:
        process.terminate()
        await process.wait()


async def rounds(carrier: Carrier, near: Service, far: Service) -> Pairs:
    """Measure both in turn, ROUNDS times, after one unmeasured turn of each."""
    over_nats: list[float] = []
    over_postgres: list[float] = []
    for n in range(ROUNDS + 1):
        rates = [await ours.rate(each, carrier, PEOPLE) for each in (far, near)]
        say("b10 {}/{}: over NATS {:g}, over Postgres {:g}".format(n, ROUNDS, *map(short, rates)))
        if n:
            over_nats.append(rates[0])
            over_postgres.append(rates[1])
    return Pairs(over_nats, over_postgres)
