"""B2: the same beside Celery, the better of prefork with 2 and with 8 processes, each send saved and delivered."""

from __future__ import annotations

from tests.bench import ours
from tests.bench.carrier import Carrier
from tests.bench.figures import Figure, Pairs, judged, say, short
from tests.bench.peers.stand import celery, ledger, redis
from tests.bench.service import service

PEOPLE = 20_000
THEIRS = 1_000  # Celery's share: at 20,000 one round would take a minute, and its rate does not grow with more
IN_FLIGHT = 50
ROUNDS = 3
PEER = "Celery prefork, better of c2 and c8, redis, save + deliver, acks_late, prefetch 16"


async def figures() -> list[Figure]:
    """Give ours with two workers beside the better Celery of each round."""
    async with Carrier("http") as carrier, Carrier("http") as theirs:
        accounts = {"EXERCISE_TELEGRAM": ours.in_flight(carrier.url, IN_FLIGHT)}
        async with service(accounts, PEOPLE, workers=2) as two:
            text = await ours.text_of(two)
            async with (
                redis() as broker,
                ledger(two.dsn, PEOPLE) as dsn,
                celery(dsn, broker, theirs, text, 2) as c2,
                celery(dsn, broker, theirs, text, 8) as c8,
            ):
                c8.last = 100  # both write to one table: their runs are told apart by number
                for peer in (c2, c8):
                    await peer.warm()
                await ours.rate(two, carrier, PEOPLE)
                mine, smaller, larger = [], [], []
                for n in range(ROUNDS):
                    mine.append(await ours.rate(two, carrier, PEOPLE))
                    smaller.append(await c2.rate(THEIRS))
                    larger.append(await c8.rate(THEIRS))
                    last = [short(x[-1]) for x in (mine, smaller, larger)]
                    say("b2 {}/{}: ours {:g}, c2 {:g}, c8 {:g}".format(n + 1, ROUNDS, *last))
    pairs = Pairs(mine, [max(pair) for pair in zip(smaller, larger, strict=True)])
    what = f"{PEOPLE:,} by HTTP, two workers (Celery: {THEIRS:,})"
    each = {"c2_each": [short(x) for x in smaller], "c8_each": [short(x) for x in larger]}
    return [judged("b2", pairs.figure, "durable deliveries/s", peer=PEER, goal=25, what=what, **pairs.facts(), **each)]
