"""Posts bulletins into a folder a radio station picks up: words at once, audio as soon as it is spoken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, Self
from urllib.parse import parse_qs, unquote, urlsplit
from zoneinfo import ZoneInfo

from channels.contract import (
    Address,
    Limit,
    Misconfigured,
    Notice,
    Outcome,
    Reach,
    Report,
    Result,
    SendError,
    Size,
    Take,
    Unavailable,
    settle,
)
from channels.radio.bulletin import Bulletin, Office, draft
from channels.radio.folder import Folder
from channels.radio.studio import NoAudio, produce, speak

SETTINGS = {"title", "base", "language", "zone"}


def now_utc() -> datetime:
    return datetime.now(UTC)


class Radio:
    """One folder of one agency; `listen()` makes the audio and takes out what expired."""

    name: ClassVar[str] = "radio"
    reach: ClassVar[Reach] = Reach.POSTED
    limit: ClassVar[Limit] = Limit(
        renditions=("radio",), most_parts=1, most_units=3000, measure=lambda text: Size(units=len(text))
    )
    idempotent: ClassVar[bool] = True
    receipts: ClassVar[bool] = False
    inbound: ClassVar[bool] = False

    def __init__(
        self, path: Path, office: Office, *, clock: Callable[[], datetime] = now_utc, every: float = 5.0
    ) -> None:
        self.rate = 50.0
        self.concurrency = 1
        self.every = every  # seconds between looks at the clock and at what other workers wrote
        self.turned = asyncio.Condition()  # notified after every look and every rendering
        self._folder = Folder(path, office, clock)
        self._wake = asyncio.Event()

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Build from file:///folder?title=&base=&language=&zone=; Misconfigured says which part is wrong."""
        parts = urlsplit(url)
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        if parts.scheme != "file" or parts.netloc or not parts.path.strip("/"):
            raise Misconfigured("radio: give a folder as file:///absolute/path")
        if unknown := query.keys() - SETTINGS:
            raise Misconfigured(f"radio: unknown setting {sorted(unknown)[0]}; known are {sorted(SETTINGS)}")
        if not query.get("title"):
            raise Misconfigured("radio: title is missing; it is the agency named on air")
        base = urlsplit(query.get("base", ""))
        if base.scheme not in {"http", "https"} or not base.netloc:
            raise Misconfigured("radio: base must be the http(s) address the folder is served at")
        zone = query.get("zone", "Asia/Jakarta")
        try:
            ZoneInfo(zone)
        except (ValueError, OSError, KeyError):
            raise Misconfigured(f"radio: zone {zone!r} is not a time zone; try Asia/Pontianak") from None
        office = Office(
            title=query["title"],
            base=query["base"].rstrip("/"),
            language=query.get("language", "id"),
            zone=zone,
        )
        return cls(Path(unquote(parts.path)), office)

    async def open(self) -> None:
        return

    async def close(self) -> None:
        return

    async def send(self, notice: Notice, addresses: AsyncIterable[Address], report: Report) -> None:
        """Put the words in force at once; audio follows from listen()."""
        await asyncio.to_thread(self._folder.ready)
        async for address in addresses:
            try:
                await asyncio.to_thread(self._place, notice)
            except SendError as error:
                report(settle(address, error))
                if isinstance(error, Unavailable):
                    raise
            else:
                report(Outcome(address_id=address.id, result=Result.ACCEPTED, refs=(notice.id,)))
                self._wake.set()

    async def listen(self, take: Take) -> None:
        """Make pending audio, one at a time, and keep the folder true to the clock; nothing is taken in."""
        del take
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._keep_true())
                group.create_task(self._render())
        except ExceptionGroup as trouble:
            raise trouble.exceptions[0] from None

    def _place(self, notice: Notice) -> None:
        self._folder.place(draft(notice, self._folder.office, self._folder.clock()))

    async def _keep_true(self) -> None:
        while True:
            if await asyncio.to_thread(self._folder.sweep):
                self._wake.set()
            await self._turn()
            await asyncio.sleep(self.every)

    async def _render(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while bulletin := await asyncio.to_thread(self._folder.next_pending):
                await self._make_audio(bulletin)
                await self._turn()

    async def _make_audio(self, bulletin: Bulletin) -> None:
        """Speak, mix and put in force; a voice that fails leaves the words, and says why."""
        wav, mp3 = self._folder.parts(bulletin)
        changes: dict[str, object]
        try:
            speech = await speak(bulletin.reading, bulletin.language)
            made = await produce(speech, wav, mp3)
            changes = {"audio": "ready", "seconds": made.seconds, "size": made.size}
        except NoAudio as error:
            changes = {"audio": "failed", "why": str(error)}
        await asyncio.to_thread(self._folder.settle, bulletin, **changes)

    async def _turn(self) -> None:
        async with self.turned:
            self.turned.notify_all()
