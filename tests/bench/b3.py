"""B3: 100,000 texts by SMPP in a window of 100, acknowledged by the carrier and durable, beside Kannel's stores."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from tests.bench import ours
from tests.bench.carrier import Carrier
from tests.bench.figures import Figure, Pairs, judged, say, short
from tests.bench.peers.kannel import CONNECTIONS, Kannel, kannel
from tests.bench.service import Service, service

PEOPLE = 100_000
THEIRS = 20_000  # Kannel's rate does not depend on how many there are; ours with its fixed costs does
ROUNDS = 3
WARM = 2_000
UNIT = "texts/s, acknowledged by the carrier and durable"
PEER = "Kannel 1.4.5, bearerbox and smsbox, store-type {}, sendsms over {} kept-alive connections, window 100"
GOALS = {"spool": 8, "file": 5}


async def figures() -> list[Figure]:
    """Give ours with two workers beside each store of Kannel, and with one worker beside the same rounds."""
    async with contextlib.AsyncExitStack() as stack:
        carrier, to_spool, to_file = [await stack.enter_async_context(Carrier("smpp")) for _ in range(3)]
        account = {"EXERCISE_SMS": carrier.url}
        one = await stack.enter_async_context(service(account, PEOPLE))
        two = await stack.enter_async_context(service(account, PEOPLE, workers=2))
        text = await text_of(one)
        spool = await stack.enter_async_context(kannel("spool", to_spool, text))
        file = await stack.enter_async_context(kannel("file", to_file, text))
        found = await rounds(carrier, one, two, spool, file)
        return told(found, {"spool": spool.spare, "file": file.spare})


async def text_of(here: Service) -> str:
    """Give the words of the text, so that Kannel sends the same."""
    alert = await here.trigger()
    notices = json.loads(await here.connection.fetchval(ours.NOTICES, alert["id"]))
    words: str = notices["sms"]["id"]
    return words


async def rounds(carrier: Carrier, one: Service, two: Service, spool: Kannel, file: Kannel) -> dict[str, list[float]]:
    """Measure the four in turn, ROUNDS times, after one unmeasured turn of each."""
    for here in (one, two):
        await ours.rate(here, carrier, PEOPLE)
    for peer in (spool, file):
        await peer.rate(WARM)
    found: dict[str, list[float]] = {"one": [], "two": [], "spool": [], "file": []}
    for n in range(ROUNDS):
        found["spool"].append(await spool.rate(THEIRS))
        found["two"].append(await ours.rate(two, carrier, PEOPLE))  # next to both of Kannel's
        found["file"].append(await file.rate(THEIRS))
        found["one"].append(await ours.rate(one, carrier, PEOPLE))
        last = [short(found[name][-1]) for name in ("one", "two", "spool", "file")]
        say("b3 {}/{}: one worker {:g}, two {:g}, Kannel spool {:g}, file {:g}".format(n + 1, ROUNDS, *last))
    return found


def told(found: dict[str, list[float]], spare: dict[str, float]) -> list[Figure]:
    """Make the four figures; only those of two workers have goals."""
    made = []
    for workers in ("two", "one"):
        many = f"{workers} worker{'s' if workers == 'two' else ''}"
        for store, goal in GOALS.items():
            pairs = Pairs(found[workers], found[store])
            facts: dict[str, Any] = pairs.facts() | {
                "kannel_texts": THEIRS,
                "driver_idle": f"{spare[store]:.0%} at the least",
                "kannel_syncs": "never: it writes its store and does not wait for the disk",
            }
            made.append(
                judged(
                    "b3", pairs.figure, UNIT, peer=PEER.format(store, CONNECTIONS),
                    goal=goal if workers == "two" else None,
                    what=f"{PEOPLE:,} texts by SMPP, {many}; Kannel's {store} store",
                    **facts,
                )
            )  # fmt: skip
    return made
