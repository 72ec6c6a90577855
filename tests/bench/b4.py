"""B4: a carrier that answers after 100 ms: how near we come to in-flight / latency, and SAQ with as many in flight."""

from __future__ import annotations

from tests.bench import ours
from tests.bench.carrier import Carrier
from tests.bench.figures import Figure, judged, paired, short
from tests.bench.peers.stand import ledger, redis, saq
from tests.bench.service import service

PEOPLE = 8_000
THEIRS = 3_000  # SAQ's share
IN_FLIGHT = 100
DELAY_MS = 100
ROUNDS = 3
BOUND = IN_FLIGHT / (DELAY_MS / 1000)


async def figures() -> list[Figure]:
    """Give our share of the bound, and ours beside SAQ."""
    async with Carrier("http", DELAY_MS) as carrier, Carrier("http", DELAY_MS) as theirs:
        accounts = {"EXERCISE_TELEGRAM": ours.in_flight(carrier.url, IN_FLIGHT)}
        async with service(accounts, PEOPLE) as one:
            text = await ours.text_of(one)
            async with (
                redis() as broker,
                ledger(one.dsn, PEOPLE) as dsn,
                saq(dsn, broker, theirs, text, 2, IN_FLIGHT // 2) as peer,
            ):
                await peer.warm()
                await ours.rate(one, carrier, PEOPLE)
                pairs = await paired(lambda: ours.rate(one, carrier, PEOPLE), lambda: peer.rate(THEIRS), ROUNDS, "b4")
    shares = [rate / BOUND for rate in pairs.ours]
    unit = "durable deliveries/s"
    return [
        judged(
            "b4", pairs.figure, unit, peer=f"the bound: {IN_FLIGHT} in flight / {DELAY_MS} ms", peer_figure=BOUND,
            goal=0.95, what=f"{PEOPLE:,} by HTTP, carrier of {DELAY_MS} ms, one worker",
            spread=(min(shares), max(shares)), ours_each=[short(x) for x in pairs.ours],
            saq_share_of_the_bound=short(pairs.peer_figure / BOUND),
        ),
        judged("b4", pairs.figure, unit, peer="SAQ 2 processes x 50", what="the same beside SAQ", **pairs.facts()),
    ]  # fmt: skip
