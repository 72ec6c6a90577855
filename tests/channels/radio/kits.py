"""What tests of the radio build with: alerts of ours, orders for their kits, stations, a clock and a full disk."""

from __future__ import annotations

import asyncio
import json
import resource
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from channels.contract import About, Address, Notice, Outcome, Result
from channels.radio.bulletin import Office, draft
from channels.radio.order import Order
from channels.radio.radio import Radio
from channels.radio.seal import new_key
from tests.channels.radio.patience import PATIENCE

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
OUTLINE = json.dumps(
    {
        "type": "MultiPolygon",
        "coordinates": [[[[109.3, -0.2], [109.5, -0.2], [109.5, 0.0], [109.3, 0.0], [109.3, -0.2]]]],
    }
)
OFFICE = Office(
    title="BPBD Contoh", base="http://127.0.0.1:8080/radio", language="id", zone="Asia/Pontianak", code="BPBD-C",
    kentongan="4-4-4: banjir",
)  # fmt: skip
DRILL = Notice(
    id="urn:oid:2.49.7",
    language="id",
    text="Banjir.",
    headline="Banjir di Desa Kuala Dua, pindah ke SDN 05",
    script="Banjir di Desa Kuala Dua.\nPindah ke SDN 05.\nHubungi posko 0561-765432.",
    mode="Exercise",
    incident="7",
    sent=NOON,
    expires=NOON + timedelta(hours=2),
    link="https://office.example/a/7",
    home="https://office.example",
    document=b"<alert><identifier>urn:oid:2.49.7</identifier></alert>",
    about=About(
        agency="BPBD Contoh", hazard="Banjir", severity="Severe", area="Desa Kuala Dua", outline=OUTLINE,
        help_line="112", do=("Pindah ke SDN 05.",), dont=("Jangan menyeberang sungai.",), short="BANJIR Kuala Dua.",
        questions=(("Di mana pengungsian?", "Di SDN 05 Kuala Dua."),), contact="0561-765432",
    ),
)  # fmt: skip
REAL = replace(DRILL, mode="Actual", script="Air naik.")  # the shortest kit: the words are others' promise
UPDATE = replace(REAL, id="urn:oid:2.49.8", script="Air turun.", sent=NOON + timedelta(minutes=30), replaces=(REAL.id,))


def order(into: Path, notice: Notice = DRILL, **more: object) -> Order:
    """Give an order for the kit of a notice, signed with a key beside it."""
    key = into.with_name("key.pem")
    if not key.exists():
        key.parent.mkdir(parents=True, exist_ok=True)
        key.write_bytes(new_key())
    made = Order(bulletin=draft(notice, OFFICE, NOON), office=OFFICE, into=into, document=notice.document, key=key)
    return replace(made, **more)  # type: ignore[arg-type]


class Clock:
    """A clock the test moves by hand."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


async def until(radio: Radio, true: Callable[[], object]) -> None:
    """Wait until something is true after a look or a stage of a kit."""
    async with asyncio.timeout(PATIENCE), radio.turned:
        await radio.turned.wait_for(true)


def station(way: str, number: int = 1, **more: object) -> Address:
    entry = {"name": f"Radio {number}", "way": way, "languages": ["id"], "secret": "ab" * 16, **more}
    return Address(id=number, value=json.dumps(entry), key=f"urn/{number}")


async def offer(radio: Radio, notice: Notice, *addresses: Address) -> list[Outcome]:
    async def given() -> AsyncIterator[Address]:
        for address in addresses:
            yield address

    outcomes: list[Outcome] = []
    await radio.send(notice, given(), outcomes.append)
    return sorted(outcomes, key=lambda one: one.address_id)


async def settled(radio: Radio, notice: Notice, address: Address) -> Outcome:
    """Send again as the delivery does, until the station is settled."""
    async with asyncio.timeout(PATIENCE):
        while True:
            (outcome,) = await offer(radio, notice, address)
            if outcome.result is not Result.THROTTLED:
                return outcome


async def nothing(_: object) -> None:
    raise AssertionError("a radio hears nobody")


@asynccontextmanager
async def listening(radio: Radio) -> AsyncIterator[asyncio.Task[None]]:
    """Have kits made, and brought to stations, inside the `async with`."""
    loop = asyncio.create_task(radio.listen(nothing))
    try:
        yield loop
    finally:
        loop.cancel()
        await asyncio.gather(loop, return_exceptions=True)


@contextmanager
def no_room(most: int = 1024) -> Iterator[None]:
    """Let no file grow past so many bytes, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
