"""A feed over MQTT with a real broker, mosquitto: nothing told is lost, whoever stops when."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from crisis import db
from crisis.cap.entry import Entry
from crisis.errors import BadInput
from crisis.feeds.contract import Format, Way
from crisis.feeds.watch import Watcher
from crisis.flow import feedbook, register
from crisis.model.feed import Feed
from crisis.model.feed_rules import NewFeed
from crisis.model.officer import Role

pytestmark = pytest.mark.peer
TOPIC = "cache/a/wis2/id-bmkg/data/core/weather/advisories-warnings"
Serve = Callable[..., contextlib.AbstractContextManager[Any]]


def _parse(raw: bytes, url: str, now: datetime) -> list[Entry]:
    if raw == b"rubbish":
        raise BadInput("this is rubbish")
    return [Entry(raw=raw, guid=raw.decode(), refused="words only")]


FORMATS = {"heard": Format(parse=_parse, says="words over MQTT", way=Way.SUBSCRIBED)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    source_alert_id: int = 1
    new: bool = True
    did: str = "nothing"
    alert_id: int | None = None
    why: tuple[str, ...] = ()


class Taker:
    """Remembers what it took; while `shut` it never finishes."""

    def __init__(self) -> None:
        self.taken: list[Entry] = []
        self.asked, self.open = asyncio.Semaphore(0), asyncio.Event()
        self.open.set()

    async def take(self, feed: Feed, entry: Entry, now: datetime, *, dry: bool = False) -> Told:
        self.asked.release()
        await self.open.wait()
        self.taken.append(entry)
        return Told()

    async def until(self, *guids: str) -> None:
        async with asyncio.timeout(20):
            while not set(guids) <= {entry.guid or entry.raw.decode() for entry in self.taken}:
                await self.asked.acquire()


@dataclass(slots=True, kw_only=True)
class Broker:
    """A mosquitto on loopback with one account, to be started and stopped."""

    program: str
    port: int
    folder: Path
    serve: Serve

    @property
    def url(self) -> str:
        return f"mqtt://officer:s3cret@127.0.0.1:{self.port}/cache/a/wis2/+/data/core/weather/#"

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Its sessions outlive it, as those of real brokers do."""
        settings = self.folder / "mosquitto.conf"
        settings.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous false\npassword_file {self.folder}/accounts\n"
            f"persistence true\npersistence_location {self.folder}/\nuser root\nautosave_interval 1\n"
        )
        with self.serve([self.program, "-c", str(settings)], self.port):
            yield

    async def tell(self, payload: str, topic: str = TOPIC) -> None:
        async with aiomqtt.Client("127.0.0.1", self.port, username="officer", password="s3cret") as client:
            await client.publish(topic, payload, qos=1)


@pytest.fixture
def broker(peer: Callable[[str, Any], Any], server: Serve, free_port: Callable[[], int], tmp_path: Path) -> Broker:
    program = peer("mosquitto", shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"))
    passwd = peer("mosquitto_passwd", shutil.which("mosquitto_passwd"))
    import subprocess

    subprocess.run([passwd, "-b", "-c", str(tmp_path / "accounts"), "officer", "s3cret"], check=True)
    return Broker(program=program, port=free_port(), folder=tmp_path, serve=server)


@pytest.fixture
async def add(pool: db.Pool) -> Callable[[str], Any]:
    """`await add(url)` adds the feed `wis`."""

    async def added(url: str) -> None:
        token = await register.add_officer(pool, "Ani", Role.ADMIN, None, datetime.now(UTC))
        admin = await register.who_is(pool, token)
        assert admin is not None
        new = NewFeed(name="wis", format="heard", url=url, every=timedelta(minutes=1))
        await feedbook.add(pool, new, Watcher(pool, Taker(), FORMATS, _now).kinds, admin, _now())

    return added


def _now() -> datetime:
    return datetime.now(UTC)


@contextlib.asynccontextmanager
async def watching(pool: db.Pool, taker: Taker) -> AsyncIterator[None]:
    run = asyncio.create_task(Watcher(pool, taker, FORMATS, _now, chance=lambda: 0.0).run())
    try:
        yield
    finally:
        run.cancel()
        await asyncio.wait([run])


async def until(pool: db.Pool, holds: Callable[[Any], bool]) -> Any:
    async with asyncio.timeout(20):
        while not holds(row := await feedbook.one(pool, "wis")):
            await asyncio.sleep(0.05)
    return row


async def test_what_a_broker_tells_is_taken_and_the_feed_counts_as_read(
    broker: Broker, pool: db.Pool, add: Callable[[str], Any]
) -> None:
    """As long as the connection stands it is read; rubbish is kept with its reason, and the next is taken."""
    with broker.running():
        await add(broker.url)
        taker = Taker()
        async with watching(pool, taker):
            row = await until(pool, lambda row: row["read_at"] is not None)
            assert (row["changed_at"], row["trouble"]) == (None, "")
            await broker.tell("one")
            await broker.tell("rubbish")
            await broker.tell("elsewhere", "cache/a/wis2/id-bmkg/data/core/ocean")
            await broker.tell("two")
            await taker.until("one", "rubbish", "two")
            row = await until(pool, lambda row: row["changed_at"] is not None)
    assert [entry.raw for entry in taker.taken] == [b"one", b"rubbish", b"two"]
    assert taker.taken[1].refused == "this is rubbish"


async def test_what_was_told_while_we_were_away_comes_when_we_are_back(
    broker: Broker, pool: db.Pool, add: Callable[[str], Any]
) -> None:
    """The broker keeps our session: a restart of the service misses nothing."""
    with broker.running():
        await add(broker.url)
        async with watching(pool, Taker()):
            await until(pool, lambda row: row["read_at"] is not None)
        await broker.tell("while away")
        taker = Taker()
        async with watching(pool, taker):
            await taker.until("while away")


async def test_nothing_is_acknowledged_before_it_is_stored(
    broker: Broker, pool: db.Pool, add: Callable[[str], Any]
) -> None:
    """A service that dies with an alert in hand is told it again."""
    with broker.running():
        await add(broker.url)
        dying = Taker()
        dying.open.clear()
        async with watching(pool, dying):
            await until(pool, lambda row: row["read_at"] is not None)
            await broker.tell("in hand")
            async with asyncio.timeout(10):
                await dying.asked.acquire()
        assert dying.taken == []
        taker = Taker()
        async with watching(pool, taker):
            await taker.until("in hand")


async def test_a_broker_that_goes_and_comes_back_is_heard_again(
    broker: Broker, pool: db.Pool, add: Callable[[str], Any]
) -> None:
    """While it is away that is trouble, in one sentence without the password."""
    with broker.running():
        await add(broker.url)
        taker = Taker()
        running = watching(pool, taker)
        await running.__aenter__()
        try:
            await until(pool, lambda row: row["read_at"] is not None)
        except BaseException:
            await running.__aexit__(None, None, None)
            raise
    try:
        row = await until(pool, lambda row: row["trouble"] != "")
        assert "cannot be heard" in row["trouble"]
        assert "s3cret" not in row["trouble"]
        with broker.running():
            await until(pool, lambda row: row["trouble"] == "")
            await broker.tell("again")
            await taker.until("again")
    finally:
        await running.__aexit__(None, None, None)


@pytest.mark.parametrize("wrong", ["officer:wrong@", ""])
async def test_a_broker_that_refuses_us_is_trouble(
    broker: Broker, pool: db.Pool, add: Callable[[str], Any], wrong: str
) -> None:
    """A wrong or missing password is told as what the broker said."""
    with broker.running():
        await add(broker.url.replace("officer:s3cret@", wrong))
        async with watching(pool, Taker()):
            row = await until(pool, lambda row: row["trouble"] != "")
    assert "uthori" in row["trouble"]
    assert row["read_at"] is None
