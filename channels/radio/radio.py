"""Posts bulletins into a folder a radio station picks up, and brings them to stations: words at once, sound after."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, Self

from channels.contract import (
    Address,
    Limit,
    Notice,
    Outcome,
    Reach,
    Refused,
    Report,
    Result,
    Size,
    Take,
    settle,
)
from channels.radio import kit
from channels.radio.bulletin import Bulletin, Office, draft
from channels.radio.errands import Errands
from channels.radio.folder import Folder
from channels.radio.manifest import Kit
from channels.radio.neural import neural_ready
from channels.radio.order import Order
from channels.radio.press import PROCESSES, Broken, Press
from channels.radio.setting import Means, read
from channels.radio.stages import Stage
from channels.radio.voicing import recorded

# Seconds a stage may take: ten times what the longest bulletin took; a hung voice must not end the kits for good.
MAKING_TIME = {Stage.PAPER: 60.0, Stage.FIRST: 120.0, Stage.WHOLE: 240.0, Stage.NEURAL: 1200.0}


def now_utc() -> datetime:
    return datetime.now(UTC)


class Radio:
    """One folder of one agency and the stations it brings kits to; `listen()` makes kits and takes out what expired."""

    name: ClassVar[str] = "radio"
    reach: ClassVar[Reach] = Reach.POSTED
    limit: ClassVar[Limit] = Limit(
        renditions=("radio", "kit"), most_parts=1, most_units=3000, measure=lambda text: Size(units=len(text))
    )
    idempotent: ClassVar[bool] = True
    receipts: ClassVar[bool] = True  # a station reads back what it aired
    inbound: ClassVar[bool] = False

    def __init__(
        self,
        path: Path,
        office: Office,
        *,
        means: Means | None = None,
        press: Press | None = None,
        clock: Callable[[], datetime] = now_utc,
        every: float = 5.0,
    ) -> None:
        self.rate = 50.0
        self.concurrency = 1
        self.every = every  # seconds between looks at the clock and at what other workers wrote
        self.turned = asyncio.Condition()  # notified after every look and every stage of a kit
        self._means = means or Means()
        self._folder = Folder(path, office, clock)
        self._press, self._own = press or Press(), press is None
        self._wake = asyncio.Event()
        self._taken: dict[str, Stage] = {}  # places whose kit is being made, and how far
        self._recordings: set[tuple[Path, str]] = set()  # that were taken up, with the words they are of
        self._neural = False
        self._errands = Errands(self._folder, self._press, self.turned, self._order, self._means)

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Build from file:///folder?title=&base=...; Misconfigured says which part is wrong (see setting.read)."""
        path, office, means = read(url)
        return cls(path, office, means=means)

    async def open(self) -> None:
        return

    async def close(self) -> None:
        await self._errands.close()
        if self._own:
            self._press.close()

    async def send(self, notice: Notice, addresses: AsyncIterable[Address], report: Report) -> None:
        """Put the words in force at once and set out to the stations; kits follow from listen()."""
        await asyncio.to_thread(self._folder.ready)
        bulletin = draft(notice, self._folder.office, self._folder.clock())
        refused = await self._place(bulletin, notice.document)
        async with asyncio.TaskGroup() as group:
            async for address in addresses:
                if refused:
                    report(settle(address, refused))
                elif address.value.startswith("{"):
                    group.create_task(self._errand(bulletin, address, report))
                else:
                    report(Outcome(address_id=address.id, result=Result.ACCEPTED, refs=(notice.id,)))

    async def _place(self, bulletin: Bulletin, document: bytes) -> Refused | None:
        try:
            await asyncio.to_thread(self._folder.place, bulletin, document)
        except Refused as error:
            return error
        self._wake.set()
        return None

    async def _errand(self, bulletin: Bulletin, address: Address, report: Report) -> None:
        report(await self._errands.take(bulletin, address))

    async def listen(self, take: Take) -> None:
        """Make kits, two at once, and keep the folder true to the clock; nothing is taken in."""
        del take
        self._neural = self._errands.neural = self._means.most is Stage.NEURAL and neural_ready() is None
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._keep_true())
                for _ in range(PROCESSES):
                    group.create_task(self._make_kits())
        except ExceptionGroup as trouble:
            raise trouble.exceptions[0] from None

    async def _keep_true(self) -> None:
        while True:
            await asyncio.to_thread(self._look)
            self._wake.set()
            await self._turn()
            await asyncio.sleep(self.every)

    def _look(self) -> None:
        """Keep the folder true; where a person has recorded a bulletin since its voice was made, have it made again."""
        self._folder.sweep()
        for bulletin in self._folder.all() if self._means.recordings else ():
            if bulletin.place in self._taken:  # what is being made would hide that the recording has come
                continue
            found = recorded(self._order(bulletin))
            if found and bulletin.reached != "words" and (found, bulletin.reading) not in self._recordings:
                self._recordings.add((found, bulletin.reading))  # once: one that cannot be aired is told as missing
                if bulletin.voice != "recording":
                    self._folder.settle(bulletin, {"reached": "paper"})

    async def _make_kits(self) -> None:
        while True:
            self._wake.clear()  # before we look: what comes while we do wakes us again
            work = await asyncio.to_thread(self._next_work, self._most(), frozenset(self._taken))
            # Another maker may have taken it while we looked.
            if work is None or work[0].place in self._taken or work[1] > self._most():
                await self._wake.wait()
                continue
            bulletin, stage = work
            self._taken[bulletin.place] = stage
            try:
                await self._make(bulletin, stage)
            finally:
                del self._taken[bulletin.place]
                self._wake.set()
            await self._turn()

    def _next_work(self, most: Stage, taken: frozenset[str]) -> tuple[Bulletin, Stage] | None:
        return self._folder.next_work(most, neural=self._neural, taken=taken)

    def _most(self) -> Stage:
        """Keep one maker free of the better voice, which takes minutes: a new alert's paper must not wait for it."""
        busy = Stage.NEURAL in self._taken.values()
        return min(self._means.most, Stage.WHOLE) if busy else self._means.most

    async def _make(self, bulletin: Bulletin, stage: Stage) -> None:
        """Make one stage and put it in force; one that cannot be made leaves what there is, and says why."""
        order = await asyncio.to_thread(self._order, bulletin)
        try:
            made = await self._press.run(MAKING_TIME[stage], kit.make, order, stage)
            await self._put_in_force(order, made, stage)
        except (Broken, FileNotFoundError) as error:  # the desk is cleared where newer words took the place
            changes = {"reached": stage.name.lower(), "missing": (*bulletin.missing, str(error))}
            await asyncio.to_thread(self._folder.settle, bulletin, changes)

    async def _put_in_force(self, order: Order, made: Kit, stage: Stage) -> None:
        bulletin, desk = order.bulletin, order.into
        mp3 = made.path("mp3")
        changes: dict[str, object] = {
            "reached": (Stage.WHOLE if made.complete and stage < Stage.WHOLE else stage).name.lower(),
            "missing": made.missing,
            "voice": made.voice_kind,
            "seconds": made.seconds,
            "size": (desk / mp3).stat().st_size if mp3 else 0,
        }
        archive = desk / ".kit.zip"
        packed = archive if made.complete and archive.exists() else None
        files = kit.paths(made, bulletin, desk)
        await asyncio.to_thread(self._folder.settle, bulletin, changes, files, packed)

    def _order(self, bulletin: Bulletin) -> Order:
        office = self._folder.office
        return Order(
            bulletin=bulletin,
            office=office,
            into=self._folder.desk(bulletin),
            document=self._folder.document(bulletin),
            lexicon=self._means.lexicon,
            key=self._means.key,
            rivers=self._means.rivers,
            recordings=self._means.recordings,
            most=self._means.most,
            cache=self._folder.path / ".voice",
            feed=f"{office.base}/feed.xml",
            readback=f"{bulletin.home}/aired" if bulletin.home else "",
        )

    async def _turn(self) -> None:
        async with self.turned:
            self.turned.notify_all()
