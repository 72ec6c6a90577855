"""What users feel in a small district, in one process: the first notice on each channel, and 2,000 residents."""

from __future__ import annotations

import asyncio
import shutil
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp

from channels.contract import Address, Notice, Outcome
from crisis import db, postgres
from tests.bench.ports import free_port
from tests.stories.town import Hands, Town, open_town, residents

CHANNELS = ("sms", "telegram", "mastodon", "page", "radio")


@asynccontextmanager
async def town() -> AsyncIterator[Town]:
    """A service on an embedded Postgres of its own, fsync on, with zero-delay carriers."""
    folder = Path(tempfile.mkdtemp(prefix="crisis-bench-"))
    folder.chmod(0o711)
    server = await postgres.start(folder / "pg")
    try:
        await db.migrate(server.dsn)
        async with open_town(server.dsn, folder / "data", free_port(), Hands()) as opened:
            yield opened
    finally:
        await server.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def released(here: Town) -> tuple[int, datetime, float]:
    """Trigger and approve; give the alert, and when the approval was asked for and answered."""
    alert = await here.trigger()
    asked = here.service.house.now()
    start = time.perf_counter()
    await here.approve(alert)
    return alert["id"], asked, time.perf_counter() - start


async def first(rounds: int = 30) -> dict[str, Any]:
    """Approval asked for -> first attempt accepted, on each channel, 200 residents, idle carriers."""
    async with town() as here:
        await here.settle(residents(100, 100))
        waits: dict[str, list[float]] = {channel: [] for channel in CHANNELS}
        for _ in range(rounds):
            alert_id, asked, _ = await released(here)
            for channel, d in (await here.done(alert_id)).items():
                at = datetime.fromisoformat(d["first_accepted"])
                waits[channel].append((at - asked).total_seconds() * 1000)
        bare = await one_send(here)
    shown = {c: {"p50": statistics.median(w), "p99": sorted(w)[-1]} for c, w in waits.items()}
    worst = max(v["p50"] for v in shown.values())
    return {
        "bench": "first",
        "figure": round(worst, 1),
        "unit": "ms, worst channel's p50",
        "peer": "one bare SMPP submit, no database",
        "peer_figure": round(bare, 2),
        "ratio": round(worst / bare, 1),
        "goal": 50,
        "met": worst < 50,
        "channels": {c: {k: round(x, 1) for k, x in v.items()} for c, v in shown.items()},
    }


async def one_send(here: Town) -> float:
    """Milliseconds of one bare submit on the same carrier."""
    waits = []
    for n in range(30):
        start = time.perf_counter()
        await bare_sms(here, 1, f"x{n}")
        waits.append((time.perf_counter() - start) * 1000)
    return statistics.median(waits)


async def bare_sms(here: Town, count: int, key: str) -> None:
    """Send on the same account's channel without stages or database: what the wire alone costs."""
    channel = next(a.channel for a in here.service.accounts if a.channel.name == "sms")
    settled: list[Outcome] = []

    async def people() -> AsyncIterator[Address]:
        for n in range(count):
            yield Address(id=n, value=f"+62811{n:07d}", key=f"{key}/{n}")

    await channel.send(Notice(id=key, language="id", text="LATIHAN: banjir " * 9), people(), settled.append)
    assert len(settled) == count


async def fanout(rounds: int = 5) -> dict[str, Any]:
    """2,000 residents: approval asked for -> every attempt durable on every channel."""
    async with town() as here:
        await here.settle(residents(1400, 600))
        ours, bare = [], []
        for n in range(rounds):
            start = time.perf_counter()
            alert_id, _, _ = await released(here)
            progress = await here.done(alert_id, within=60)
            ours.append(time.perf_counter() - start)
            assert sum(d["accepted"] for d in progress.values()) == 2000 + 6
            start = time.perf_counter()
            await asyncio.gather(bare_sms(here, 1400, f"b{n}"), bare_telegram(here, 600))
            bare.append(time.perf_counter() - start)
    mine, theirs = statistics.median(ours), statistics.median(bare)
    return {
        "bench": "fanout",
        "figure": round(mine, 3),
        "unit": "s for 2,000 residents, all durable",
        "range": [round(min(ours), 3), round(max(ours), 3)],
        "peer": "bare client loops on the same carriers, no database",
        "peer_figure": round(theirs, 3),
        "ratio": round(mine / theirs, 2),
        "goal": 3,
        "met": mine < 3,
    }


async def bare_telegram(here: Town, count: int) -> None:
    """The same number of sendMessage by one aiohttp session, twenty at a time."""
    gate = asyncio.Semaphore(20)
    url = f"http://127.0.0.1:{here.telegram.port}/bot123:abc/sendMessage"
    async with aiohttp.ClientSession() as session:

        async def one(n: int) -> None:
            async with gate, session.post(url, json={"chat_id": n, "text": "LATIHAN: banjir " * 9}) as reply:
                assert reply.status == 200

        await asyncio.gather(*(one(n) for n in range(count)))
