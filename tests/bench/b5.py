"""B5: a million residents by a polygon: how soon the first has it, how soon all do, in how much memory."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Mapping, Sequence

import asyncpg

from crisis import db
from tests.bench import growth, ours
from tests.bench.carrier import Carrier
from tests.bench.figures import Figure, judged, say, short
from tests.bench.growth import IN_FLIGHT, MILLION, Cell
from tests.bench.peers.stand import Side
from tests.bench.service import database

TENTH = 100_000
CELLS = [(1, "smpp"), (2, "smpp"), (2, "http")]
CHANNELS = {"smpp": "sms", "http": "telegram"}
PART = {"smpp": 200_000, "http": 30_000}  # of the million in the peer's queue: its rate is told from so many
PEER = "row-claim queue, a row a resident: SKIP LOCKED 1,000 at once, 2 processes, our channel, no polygon, unsealed"

QUEUE = """
CREATE TABLE subscriber (id bigint PRIMARY KEY, value text NOT NULL);
CREATE TABLE queue (id bigint PRIMARY KEY, value text NOT NULL, state smallint NOT NULL DEFAULT 0, ref text,
                    at timestamptz);
CREATE INDEX queue_ready ON queue (id) WHERE state = 0;
"""
SUBSCRIBE = "INSERT INTO subscriber SELECT n, '62812' || lpad(n::text, 8, '0') FROM generate_series(1, $1::int) n"
EMPTY = "TRUNCATE queue"
ENQUEUE = "INSERT INTO queue (id, value) SELECT id, value FROM subscriber"
SENT = "SELECT count(*) FROM queue WHERE state = 2"


async def figures() -> list[Figure]:
    """Give the first by the worse way, all by HTTP and by SMPP, and the memory, each beside the row-claim queue."""
    tenth = await growth.cells(TENTH, CELLS)
    million = await growth.cells(MILLION, CELLS)
    theirs: dict[str, tuple[float, float]] = {}
    async with database() as (dsn, _):
        connection = await asyncpg.connect(dsn)
        try:
            await connection.execute(QUEUE)
            await connection.execute(SUBSCRIBE, MILLION, timeout=120)
            for way in ("smpp", "http"):
                theirs[way] = await row_claim(dsn, connection, way)
        finally:
            connection.terminate()
    return told(tenth, million, theirs)


async def row_claim(dsn: str, connection: db.Connection, way: str) -> tuple[float, float]:
    """Queue a million rows and let the peer send the first part; give the ms to its first, and the s of its million."""
    async with contextlib.AsyncExitStack() as stack:
        carrier = await stack.enter_async_context(Carrier("smpp" if way == "smpp" else "http"))
        url = ours.in_flight(carrier.url, IN_FLIGHT // 2)
        argv = [sys.executable, "-m", "tests.bench.peers.rowclaim", dsn, CHANNELS[way], url]
        sides = [await stack.enter_async_context(Side(argv)) for _ in range(2)]
        for side in sides:
            await side.answer(30)
        await connection.execute(EMPTY)
        asked = time.time_ns()
        await connection.execute(ENQUEUE, timeout=120)
        queued = time.time_ns()
        for side in sides:
            await side.ask("go")
        first = (await carrier.until(1, 60)).first_ns
        await carrier.until(PART[way], 240)
        sent, now = await connection.fetchval(SENT), time.time_ns()
    whole = (queued - asked + (now - queued) * MILLION / sent) / 1e9
    say(f"row-claim by {way}: first at {(first - asked) / 1e6:.0f} ms; {sent} sent, so all in {whole:.1f} s")
    return (first - asked) / 1e6, whole


def told(tenth: Sequence[Cell], million: Sequence[Cell], theirs: Mapping[str, tuple[float, float]]) -> list[Figure]:
    """Make the figures; times are beside the row-claim queue's, memory beside ours at a tenth."""
    two = {c.way: c for c in million if c.workers == 2}
    made = [first(million, theirs)]
    for way, goal in (("http", 60), ("smpp", 15)):
        run, peer = two[way].runs[0], theirs[way][1]
        made.append(
            judged(
                "b5", run.seconds, "s from release to all durable", peer=PEER, peer_figure=peer,
                ratio=peer / run.seconds, goal=goal, goal_of="figure", sense="<=",
                what=f"a million by {way}, two workers", peer_told_from=f"its first {PART[way]:,}, and queueing all",
                deliveries_a_second=round(MILLION / run.seconds), processor_seconds=short(two[way].cpu()),
            )
        )  # fmt: skip
    return made + memory(tenth, million)


def first(million: Sequence[Cell], theirs: Mapping[str, tuple[float, float]]) -> Figure:
    """Judge the first by the slowest of the runs."""
    slowest = max(million, key=lambda c: c.runs[0].first_ms)
    run, peer = slowest.runs[0], theirs[slowest.way][0]
    each = {c.name: f"{c.runs[0].first_ms:.0f}, {c.runs[0].after_answer_ms:+.0f} from the answer" for c in million}
    return judged(
        "b5", run.first_ms, "ms from POST approve to the carrier's first", peer=PEER, peer_figure=peer,
        ratio=peer / run.first_ms, goal=250, goal_of="figure", sense="<=",
        what="first of a million in a polygon of 400 corners, the slowest run", **each,
    )  # fmt: skip


def memory(tenth: Sequence[Cell], million: Sequence[Cell]) -> list[Figure]:
    """Judge the largest process, and each process's growth from a tenth to all."""
    growths = [b / a for t, m in zip(tenth, million, strict=True) for a, b in zip(t.memory, m.memory, strict=True)]
    most, before = max(max(c.memory) for c in million), max(max(c.memory) for c in tenth)
    each = {c.name: " and ".join(f"{mb:.0f} MB" for mb in c.memory) for c in (*tenth, *million)}
    return [
        judged(
            "b5", most, "MB at most (VmHWM) of any process", peer=f"ours at {TENTH:,}", peer_figure=before, goal=300,
            goal_of="figure", sense="<=", what="memory at a million", **each,
        ),
        judged(
            "b5", most, "MB at most (VmHWM) of any process", peer=f"ours at {TENTH:,}, process by process",
            peer_figure=before, ratio=max(growths), goal=1.15, sense="<=", spread=(min(growths), max(growths)),
            what="growth of memory from a tenth to a million, the worst process",
        ),
    ]  # fmt: skip
