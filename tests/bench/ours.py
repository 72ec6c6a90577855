"""Our side of the pairs: release an alert, wait until all is durable, and hold the counts against each other."""

from __future__ import annotations

import json
import re
import sys
import time

from tests.bench.carrier import Carrier
from tests.bench.peers.stand import HERE, Side, send_url
from tests.bench.service import Service

NOTICES = "SELECT notices FROM alert WHERE id = $1"


def in_flight(url: str, count: int) -> str:
    """Give an account URL with so many sends in flight."""
    return re.sub(r"(?<=[?&]concurrency=)\d+", str(count), url)


async def rate(service: Service, carrier: Carrier, count: int, within: float = 120) -> float:
    """Give durable deliveries a second from the approval on; raise AssertionError if any is missing or twice."""
    alert = await service.trigger()
    await carrier.reset()
    start = time.perf_counter()
    await service.approve(alert)
    await service.done(alert["id"], within)
    took = time.perf_counter() - start
    taken, durable = await carrier.figures(), await service.durable(alert["id"])
    assert (taken.count, taken.distinct, durable) == (count, count, count), f"ours: {taken}, {durable} durable"
    return count / took


async def text_of(service: Service) -> str:
    """Give the words that a Telegram chat is sent, so that peers send the same."""
    alert = await service.trigger()
    notices = json.loads(await service.connection.fetchval(NOTICES, alert["id"]))
    words: str = notices["telegram"]["id"]
    return words


def bare(carrier: Carrier, text: str, in_flight: int) -> Side:
    """A bare client loop on the same carrier, in our own environment."""
    return Side([sys.executable, str(HERE / "bare.py"), send_url(carrier), text, str(in_flight)])


async def bare_rate(side: Side, carrier: Carrier, count: int) -> float:
    """Give the bare loop's sends a second, counted by the carrier."""
    await carrier.reset()
    took = float(await side.ask(str(count)))
    taken = await carrier.figures()
    assert (taken.count, taken.distinct) == (count, count), f"bare loop: {taken}"
    return count / took
