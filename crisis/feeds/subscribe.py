"""Subscribes to feeds that tell by themselves over MQTT; nothing is acknowledged to the broker before it is stored."""

from __future__ import annotations

import asyncio
import hashlib
import re
import ssl
from collections.abc import Awaitable, Callable
from urllib.parse import SplitResult, unquote, urlsplit

import aiomqtt

from crisis.feeds.fetch import LINK_BYTES, CannotRead, shown
from crisis.flow.feedbook import Turn

PORTS = {"mqtts": 8883, "mqtt": 1883}
KEEP_ALIVE = 20  # seconds; a broker that went silent is noticed within about one and a half of them
AT_ONCE = 4  # payloads in hand: one whose link hangs does not hold up the next
CONNECT_WITHIN = 20.0
NUMBERED = re.compile(r"^\[Errno -?\d+\] ")

Take = Callable[[bytes], Awaitable[None]]


async def listen(turn: Turn, take: Take, connected: Callable[[], Awaitable[None]]) -> None:
    """Hear a feed at mqtts://USER:PASSWORD@HOST:PORT/TOPIC/# and hand over each payload, until cancelled.

    QoS 1 with a session that the broker keeps while we are away (MQTT 3.1.1, sections 3.1.2.4 and 4.3.2): a payload
    whose `take` did not return comes again. Raise CannotRead when the connection is refused or lost.
    """
    place = urlsplit(turn.feed.url)
    try:
        async with _client(turn, place) as client:
            # paho would acknowledge on arrival, before anything is stored; aiomqtt has no switch of its own for it.
            client._client.manual_ack_set(True)
            await client.subscribe(_topics(turn.feed.url), qos=1, timeout=CONNECT_WITHIN)
            await connected()
            await _pass_on(client, take)
    except aiomqtt.MqttError as error:
        raise CannotRead(f"{shown(turn.feed.url)} cannot be heard: {NUMBERED.sub('', str(error))[:120]}") from error
    except (OSError, ValueError) as error:
        says = getattr(error, "strerror", None) or "the connection failed"
        raise CannotRead(f"{shown(turn.feed.url)} cannot be heard: {says}") from error


def _client(turn: Turn, place: SplitResult) -> aiomqtt.Client:
    # The same for every service on this database and for nobody else: two clients of one name throw each other out.
    name = hashlib.sha256(f"{turn.feed.url} {turn.feed.id} {turn.created_at.isoformat()}".encode()).hexdigest()[:16]
    return aiomqtt.Client(
        place.hostname or "",
        place.port or PORTS[place.scheme],
        username=unquote(place.username) if place.username is not None else None,
        password=unquote(place.password) if place.password is not None else None,
        identifier=f"crisis-{name}",
        clean_session=False,
        keepalive=KEEP_ALIVE,
        timeout=CONNECT_WITHIN,
        tls_context=ssl.create_default_context() if place.scheme == "mqtts" else None,
    )


async def _pass_on(client: aiomqtt.Client, take: Take) -> None:
    under_way: asyncio.Queue[tuple[int, int, asyncio.Task[None]]] = asyncio.Queue(AT_ONCE)

    async def acknowledge() -> None:  # in the order they came, as section 4.6 asks
        while True:
            number, qos, taking = await under_way.get()
            await taking
            client._client.ack(number, qos)

    async def hear() -> None:
        async for told in client.messages:
            payload = told.payload if isinstance(told.payload, bytes) else str(told.payload).encode()
            taking = asyncio.ensure_future(_fitting(take, payload))
            open_ones.add(taking)
            taking.add_done_callback(open_ones.discard)
            await under_way.put((told.mid, told.qos, taking))

    open_ones: set[asyncio.Future[None]] = set()
    ends = [asyncio.ensure_future(acknowledge()), asyncio.ensure_future(hear())]
    try:
        done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for end in done:
            end.result()
    finally:
        for task in (*ends, *open_ones):
            task.cancel()
        await asyncio.gather(*ends, *open_ones, return_exceptions=True)


async def _fitting(take: Take, payload: bytes) -> None:
    # One that is too large to be an alert is still recorded, by what it begins with.
    await take(payload[:LINK_BYTES])


def _topics(url: str) -> str:
    """What stands behind the host, as it stands: `#` is no fragment here."""
    return unquote(url.split("/", 3)[3])
