"""B6: from an officer's approval to the first notice at the carrier, service idle, 200 times, by SMS and by HTTP."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Sequence

from tests.bench import ours
from tests.bench.carrier import Carrier
from tests.bench.figures import Figure, judged, say, short
from tests.bench.peers.stand import HERE, Peer, Side, celery, ledger, python, redis, send_url
from tests.bench.service import Service, service

PEOPLE = 100  # half of them by SMS, half by Telegram
ROUNDS = 200
WARM = 20
SAVED = 4  # every so many rounds Celery also does the whole: read the audience, save, deliver
PEER = "Celery prefork c2, redis: .delay(), audience read, one saved, one delivered; no approval, no second officer"
BARE = "Celery prefork c2, redis: one .delay(), one POST; no approval, no audience, no database"
UNIT = "ms from POST approve to first accepted, p50"


async def figures() -> list[Figure]:
    """Give p50 and p99 by SMS and by HTTP, on each carrier's own clock, beside Celery on a third."""
    async with Carrier("smpp") as smpp, Carrier("http") as http, Carrier("http") as theirs:
        accounts = {"EXERCISE_SMS": smpp.url, "EXERCISE_TELEGRAM": http.url}
        async with service(accounts, PEOPLE) as one:
            text = await ours.text_of(one)
            async with (
                redis() as broker,
                ledger(one.dsn, PEOPLE // 2) as dsn,
                celery(dsn, broker, theirs, text, 2) as saved,
                celery_hop(broker, theirs, text) as bare,
            ):
                await saved.rate(PEOPLE // 2)
                waits: dict[str, list[float]] = {"sms": [], "telegram": [], "saved": [], "bare": []}
                for n in range(WARM + ROUNDS):
                    waits["sms"].append(await first(one, smpp, "sms"))
                    waits["telegram"].append(await first(one, http, "telegram"))
                    waits["bare"].append(await hop(bare, theirs, n))
                    if n % SAVED == 0:
                        waits["saved"].append(await whole(saved))
                    if n % 50 == 49:
                        say(f"b6 {n + 1}: " + ", ".join(f"{k} {short(v[-1]):g} ms" for k, v in waits.items()))
    return told({name: each[WARM // SAVED if name == "saved" else WARM :] for name, each in waits.items()})


async def first(one: Service, carrier: Carrier, channel: str) -> float:
    """Give the ms from when the approval is sent until the carrier has the first notice whole; then wait for idle."""
    alert = await one.trigger(channels=[channel])
    await carrier.reset()
    sent = time.time_ns()
    await one.approve(alert)
    taken = await carrier.until(PEOPLE // 2, 20)
    await one.done(alert["id"], 20)
    assert (taken.count, taken.distinct) == (PEOPLE // 2, PEOPLE // 2), f"ours: {taken}"
    return (taken.first_ns - sent) / 1e6


@contextlib.asynccontextmanager
async def celery_hop(broker: str, carrier: Carrier, text: str) -> AsyncIterator[Side]:
    """Run a Celery worker of two processes, and give the driver that queues a call for each line it reads."""
    env = {"PEER_REDIS": broker, "PEER_URL": send_url(carrier), "PEER_TEXT": text, "PYTHONPATH": str(HERE)}
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING"]
    argv = [python(), "-m", "celery", "-A", "celery_hop:app", "worker", "--pool", "prefork", "-c", "2", "-Q", "hop"]
    async with Side([*argv, *quiet], env), Side([python(), str(HERE / "celery_hop.py")], env) as driver:
        yield driver


async def hop(driver: Side, carrier: Carrier, n: int) -> float:
    """Give the ms from when the driver is asked until the carrier has its one notice."""
    await carrier.reset()
    sent = time.time_ns()
    await driver.ask(str(n + 1))
    taken = await carrier.until(1, 30)
    return (taken.first_ns - sent) / 1e6


async def whole(peer: Peer) -> float:
    """Give the ms from when Celery's driver is asked until its carrier has the first of the same audience."""
    sent = time.time_ns()
    await peer.rate(PEOPLE // 2, 30)
    return ((await peer.carrier.figures()).first_ns - sent) / 1e6


def told(waits: dict[str, Sequence[float]]) -> list[Figure]:
    """Make the figures: the slower way's p50 heads them, and each way's p50 and p99 have a goal of their own."""
    made = []
    for way in sorted(("sms", "telegram"), key=lambda way: -at(waits[way], 0.5)):
        for part, goal in ((0.5, 10), (0.99, 50)):
            figure, name, peer = at(waits[way], part), f"p{part * 100:.0f}", at(waits["saved"], part)
            made.append(
                judged(
                    "b6", figure, UNIT.replace("p50", name), peer=PEER, peer_figure=peer, ratio=peer / figure,
                    goal=goal, goal_of="figure", sense="<=", what=f"approval to first accepted by {way}, {name}",
                    spread=(min(waits[way]), max(waits[way])), rounds=len(waits[way]),
                    their_rounds=len(waits["saved"]), bare_hop={"peer": BARE, name: short(at(waits["bare"], part))},
                )
            )  # fmt: skip
    return made


def at(values: Sequence[float], part: float) -> float:
    """Give the value that this part of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(round(part * len(ordered)), len(ordered) - 1)]
