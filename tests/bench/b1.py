"""B1: 20,000 people by HTTP, every send durable: two workers beside SAQ, one beside a bare aiohttp loop."""

from __future__ import annotations

from tests.bench import ours
from tests.bench.carrier import Carrier
from tests.bench.figures import Figure, Pairs, judged, say, short
from tests.bench.peers.stand import Peer, Side, ledger, redis, saq
from tests.bench.service import Service, service

PEOPLE = 20_000
THEIRS = 6_000  # SAQ's share: at 20,000 a round would take half a minute, and its rate does not grow with more
IN_FLIGHT = 100
ROUNDS = 3
SAQ = "SAQ 2 processes x 50, redis appendonly everysec, aiohttp, asyncpg pool 8"
UNIT = "durable deliveries/s"


async def figures() -> list[Figure]:
    """Give ours with two workers beside SAQ, one worker beside the bare loop, and one worker beside SAQ."""
    async with Carrier("http") as carrier, Carrier("http") as theirs:
        alone = {"EXERCISE_TELEGRAM": ours.in_flight(carrier.url, IN_FLIGHT)}
        halved = {"EXERCISE_TELEGRAM": ours.in_flight(carrier.url, IN_FLIGHT // 2)}
        async with service(alone, PEOPLE) as one, service(halved, PEOPLE, workers=2) as two:
            text = await ours.text_of(one)
            async with (
                redis() as broker,
                ledger(two.dsn, PEOPLE) as dsn,
                saq(dsn, broker, theirs, text) as peer,
                ours.bare(carrier, text, IN_FLIGHT) as bare,
            ):
                return told(*await rounds(carrier, one, two, peer, bare), peer.twice)


async def rounds(
    carrier: Carrier, one: Service, two: Service, peer: Peer, bare: Side
) -> tuple[list[float], list[float], list[float], list[float]]:
    """Measure the four in turn, ROUNDS times, one worker and the bare loop twice, after an unmeasured turn of each."""
    await peer.warm()
    await ours.bare_rate(bare, carrier, 2_000)
    for each in (one, two):
        await ours.rate(each, carrier, PEOPLE)
    ones: list[float] = []
    twos: list[float] = []
    bares: list[float] = []
    peers: list[float] = []
    for n in range(ROUNDS):
        for _ in range(2):  # these two are quick, and near each other
            ones.append(await ours.rate(one, carrier, PEOPLE))
            bares.append(await ours.bare_rate(bare, carrier, PEOPLE))
        twos.append(await ours.rate(two, carrier, PEOPLE))
        peers.append(await peer.rate(THEIRS))
        last = [short(x[-1]) for x in (ones, bares, twos, peers)]
        say("b1 {}/{}: one worker {:g}, bare loop {:g}, two workers {:g}, SAQ {:g}".format(n + 1, ROUNDS, *last))
    return ones, bares, twos, peers


def told(ones: list[float], bares: list[float], twos: list[float], peers: list[float], twice: int) -> list[Figure]:
    """Make the three figures of the four series."""
    main, share, single = Pairs(twos, peers), Pairs(ones, bares), Pairs(ones[::2], peers)
    return [
        judged(
            "b1", main.figure, UNIT, peer=SAQ, goal=7, what=f"20,000 by HTTP, two workers (SAQ: {THEIRS:,})",
            **main.facts(), peer_sent_twice=twice,
        ),
        judged(
            "b1", share.figure, UNIT, peer=f"bare aiohttp loop, uvloop, {IN_FLIGHT} in flight, no database", goal=0.8,
            what="20,000 by HTTP, one worker: our share of a bare client loop", **share.facts(),
        ),
        judged("b1", single.figure, UNIT, peer=SAQ, what="20,000 by HTTP, one worker", **single.facts()),
    ]  # fmt: skip
