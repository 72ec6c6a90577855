"""Hub: one connection to NATS that comes back by itself; streams, what is kept in them, questions and calls."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from crisis import log
from crisis.errors import BadInput

try:
    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.errors import Error, MaxPayloadError
    from nats.js import api
    from nats.js.errors import NotFoundError
except ImportError as error:  # an extra
    raise BadInput("CRISIS_NATS_URL needs nats-py: pip install 'crisis-broadcast[nats]'") from error

if TYPE_CHECKING:
    from nats.js.client import JetStreamContext

logger = log.get("carriage")

PREFIX = "crisis"
PARCEL = "Crisis-Parcel"  # the header that names a parcel, for whoever cannot read what is in it
ANSWER_WITHIN = 2.0  # seconds a question or a publish may take; then it is asked again, under its own id
DUPLICATES = 120.0  # seconds within which the same id is kept once
LOADS_KEPT = 86_400.0  # seconds; a load that old has long been given out again by Postgres
BACK_KEPT = 6 * 86_400.0  # seconds; less than the claims of flushes are remembered (ledger.PRUNE)
TRY_AGAIN = 0.25  # seconds between two tries to reach a server
# For ever, and a server that went silent is given up within 15 seconds.
PATIENT: dict[str, Any] = {
    "max_reconnect_attempts": -1, "reconnect_time_wait": TRY_AGAIN, "connect_timeout": 2, "ping_interval": 5,
    "max_outstanding_pings": 2,
}  # fmt: skip
FAULTS = (Error, OSError, TimeoutError)

Hear = Callable[[Msg], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Stream:
    """A work queue with one durable consumer: what it keeps is gone when it was acknowledged."""

    name: str
    subject: str
    kept: float  # seconds
    ack_wait: float  # seconds
    in_hand: int = 1_000  # given out and not yet acknowledged

    @property
    def consumer(self) -> str:
        return f"{self.name}_hands"


# What a service that died had in hand comes to another one soon, for its worker waits for it and sends nothing new.
BACK = Stream("CRISIS_BACK", f"{PREFIX}.back", BACK_KEPT, 5.0)


class TooLarge(ConnectionError):
    """NATS takes less at once than this: its `max_payload` is set too low."""


def loads_of(account: str) -> Stream:
    """Give the stream of a channel account's loads."""
    plain = re.sub(r"[^A-Za-z0-9]+", "_", account)[:40]
    token = f"{plain}_{hashlib.sha256(account.encode()).hexdigest()[:8]}"
    return Stream(f"CRISIS_LOAD_{token}", f"{PREFIX}.load.{token}", LOADS_KEPT, 5.0)


class Hub:
    """One connection to NATS. While it is away publishing raises ConnectionError, and questions have no answer."""

    def __init__(self, urls: str, replicas: int, name: str) -> None:
        self._servers = [part.strip() for part in urls.split(",") if part.strip()]
        self._replicas, self._name = replicas, name
        self._client: Client | None = None
        self._closed = asyncio.Event()
        self._said, self._leaving = "", False
        self._heard: list[tuple[str, str, Hear]] = []
        self._pulls: dict[str, JetStreamContext.PullSubscription] = {}
        self._lost: list[Callable[[], None]] = []
        self._answering: set[asyncio.Task[None]] = set()

    @property
    def connected(self) -> bool:
        """Tell whether NATS can be reached just now."""
        return self._client is not None and self._client.is_connected

    def hear(self, subject: str, tell: Hear, *, shared: str = "") -> None:
        """Call `tell` with all that is said on a subject; of the processes that name the same `shared`, one hears it.

        To be told before run().
        """
        self._heard.append((f"{PREFIX}.{subject}", shared, tell))

    def on_lost(self, tell: Callable[[], None]) -> None:
        """Call `tell` when the connection is lost."""
        self._lost.append(tell)

    async def run(self) -> None:
        """Keep the connection until cancelled."""
        try:
            while True:
                self._closed.clear()
                await self._connect()
                await self._closed.wait()  # it does not come back by itself, as after a refused password
                await asyncio.sleep(TRY_AGAIN * 4)
        finally:
            await self._leave()

    async def _connect(self) -> None:
        client = self._client = Client()
        self._pulls.clear()
        with contextlib.suppress(*FAULTS):
            await client.connect(
                self._servers, name=self._name, error_cb=self._trouble, disconnected_cb=self._gone,
                closed_cb=self._ended, **_signs_in(self._servers[0]), **PATIENT,
            )  # fmt: skip
            for subject, shared, tell in self._heard:
                await client.subscribe(subject, queue=shared, cb=self._aside(tell))
            self._said = ""
            logger.info("carriage.connected", name=self._name)
            return
        with contextlib.suppress(*FAULTS):
            await client.close()  # or it comes back beside the next one, and two of us answer the same claim
        self._closed.set()

    def _aside(self, tell: Hear) -> Hear:
        """Answer each in its own time: one that waits for the database must not hold up the next."""

        async def safely(given: Msg) -> None:
            try:
                await tell(given)
            except BadInput as error:
                logger.error("carriage.not_understood", subject=given.subject, error=str(error))
            except FAULTS as error:
                logger.warning("carriage.not_answered", subject=given.subject, error=type(error).__name__)
            except Exception:
                logger.exception("carriage.answer_broke", subject=given.subject)

        async def aside(given: Msg) -> None:
            answering = asyncio.create_task(safely(given))
            self._answering.add(answering)
            answering.add_done_callback(self._answering.discard)

        return aside

    async def _trouble(self, error: Exception) -> None:
        if self._said != (said := type(error).__name__):  # once, not at every try; its words may hold a secret
            logger.warning("carriage.trouble", name=self._name, error=said)
        self._said = said

    async def _gone(self) -> None:
        if not self._leaving:
            logger.warning("carriage.lost", name=self._name)
        for tell in self._lost:
            tell()

    async def _ended(self) -> None:
        self._closed.set()

    async def _leave(self) -> None:
        self._leaving = True
        for answering in self._answering:
            answering.cancel()
        await asyncio.gather(*self._answering, return_exceptions=True)
        if self._client is not None and not self._client.is_closed:
            with contextlib.suppress(*FAULTS):
                await self._client.close()

    async def say(self, subject: str, payload: bytes) -> None:
        """Tell whoever hears it now; said to nobody while NATS is away: nothing old is told later."""
        if self._client is None or not self.connected:
            return
        with contextlib.suppress(*FAULTS):
            await self._client.publish(f"{PREFIX}.{subject}", payload)

    async def ask(self, subject: str, payload: bytes) -> bytes | None:
        """Ask, and give the answer; None when there is none within two seconds."""
        if self._client is None or not self.connected:
            return None
        try:
            answer = await self._client.request(f"{PREFIX}.{subject}", payload, timeout=ANSWER_WITHIN)
        except FAULTS:
            return None
        return answer.data

    async def put(self, stream: Stream, payload: bytes, name: str, parcel: str = "") -> None:
        """Keep a payload in a stream, once for each `name`; raise ConnectionError when that is not certain."""
        if self._client is None or not self.connected:
            raise ConnectionError("NATS cannot be reached")
        try:
            kept = self._client.jetstream(timeout=ANSWER_WITHIN)
            headers = {api.Header.MSG_ID: name} | ({PARCEL: parcel} if parcel else {})
            await kept.publish(stream.subject, payload, headers=headers)
        except MaxPayloadError as error:
            raise TooLarge(f"{len(payload)} bytes are more than NATS takes at once: raise its max_payload") from error
        except FAULTS as error:
            raise ConnectionError(f"NATS did not keep it: {type(error).__name__}") from error

    async def take(self, stream: Stream, lane: int, within: float) -> Msg | None:
        """Take the next of a stream; each lane has an inbox of its own. None when there is none `within` seconds."""
        client, key = self._client, f"{stream.name}/{lane}"
        if client is None or not self.connected:
            await asyncio.sleep(min(within, TRY_AGAIN))
            return None
        try:
            if key not in self._pulls:
                self._pulls[key] = await client.jetstream().pull_subscribe_bind(stream.consumer, stream.name)
            return (await self._pulls[key].fetch(1, timeout=within))[0]
        except TimeoutError:
            return None
        except FAULTS as error:  # the stream or its consumer is just being made anew
            logger.debug("carriage.not_taken", stream=stream.name, error=type(error).__name__)
            await asyncio.sleep(TRY_AGAIN)
            return None

    async def ensure(self, stream: Stream) -> int | None:
        """Make a stream and its consumer unless they are there; tell how much it keeps, None when it was lost.

        Raise ConnectionError when that cannot be done now.
        """
        if self._client is None or not self.connected:
            raise ConnectionError("NATS cannot be reached")
        try:
            manager = self._client.jetstream(timeout=ANSWER_WITHIN)
            try:
                found = await manager.stream_info(stream.name)
            except NotFoundError:
                await manager.add_stream(_stream(stream, self._replicas))
                await manager.add_consumer(stream.name, _consumer(stream))
                return None
            if found.config.num_replicas != self._replicas:
                await manager.update_stream(_stream(stream, self._replicas))
            if not found.state.consumer_count:
                await manager.add_consumer(stream.name, _consumer(stream))
            return found.state.messages
        except FAULTS as error:
            raise ConnectionError(f"NATS did not make {stream.name}: {type(error).__name__} {error}") from error


async def settle(say: Callable[[], Awaitable[None]]) -> None:
    """Acknowledge what was taken; what NATS does not hear of it gives out again."""
    with contextlib.suppress(*FAULTS):
        await say()


def _signs_in(server: str) -> dict[str, Any]:
    """Give name and password as they are: nats-py takes those of a URL without decoding them."""
    told = urlsplit(server)
    if told.username is None or told.password is None or "%" not in told.username + told.password:
        return {}
    return {"user": unquote(told.username), "password": unquote(told.password)}


def _stream(stream: Stream, replicas: int) -> api.StreamConfig:
    return api.StreamConfig(
        name=stream.name, subjects=[stream.subject], retention=api.RetentionPolicy.WORK_QUEUE,
        storage=api.StorageType.FILE, num_replicas=replicas, max_age=stream.kept, duplicate_window=DUPLICATES,
    )  # fmt: skip


def _consumer(stream: Stream) -> api.ConsumerConfig:
    return api.ConsumerConfig(
        durable_name=stream.consumer, ack_policy=api.AckPolicy.EXPLICIT, ack_wait=stream.ack_wait,
        max_ack_pending=stream.in_hand,
    )  # fmt: skip
