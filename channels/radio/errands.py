"""Kits on their way to stations: words as soon as there is paper, sound as it is made, each station by itself.

Only the delivery's retries outlive this process: until a station has all it wants, its address is reported as not yet
settled and comes again. What follows after that, a better voice, goes by memory alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from channels.contract import (
    Address,
    Misconfigured,
    Outcome,
    Refused,
    Result,
    SendError,
    Throttled,
    Unavailable,
    settle,
)
from channels.radio import kit
from channels.radio.bulletin import Bulletin, kit_name
from channels.radio.folder import Folder
from channels.radio.order import Order
from channels.radio.press import Broken, Press
from channels.radio.setting import Means
from channels.radio.stages import Stage, first_roles, next_stage
from channels.radio.station import Station, cart_number, ref, wanted
from channels.radio.ways import carry
from channels.radio.ways.parcel import Parcel

GRACE = 2.0  # seconds a send waits for all its stations together; who takes longer is asked again
FOLLOW = 4.0  # seconds until a station whose kit is on its way is asked again
TAILORING = 60.0


@dataclass(eq=False)
class Errand:
    """One bulletin going to one station; `settled` once it has all it wants or it failed."""

    bulletin: Bulletin
    station: Station
    key: str
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    words_there: bool = False
    whole: bool = False
    missing: str = ""
    trouble: SendError | None = None
    running: asyncio.Task[None] | None = None


class Errands:
    """All errands of one account; `turned` is notified whenever a kit in the folder has grown."""

    def __init__(
        self, folder: Folder, press: Press, turned: asyncio.Condition, order: Callable[[Bulletin], Order], means: Means
    ) -> None:
        self._folder, self._press, self._turned, self._order, self._means = folder, press, turned, order, means
        self._all: dict[int, Errand] = {}
        self.neural = False

    async def take(self, bulletin: Bulletin, address: Address) -> Outcome:
        """Bring a bulletin to a station, or go on bringing it; report within GRACE how far it has got."""
        try:
            station = Station.parse(address.value)
        except Misconfigured as error:
            return replace(settle(address, error), alone=True)
        errand = self._errand(bulletin, address, station)
        try:
            async with asyncio.timeout(GRACE):
                await errand.settled.wait()
        except TimeoutError:
            says = "words there, sound follows" if errand.words_there else "on its way"
            return replace(settle(address, Throttled(code=says, after=FOLLOW)), alone=True)
        if errand.trouble:
            self._all.pop(address.id, None)  # the next try starts anew
            return replace(settle(address, errand.trouble), alone=True)
        told = (ref(station, address.key),)
        return Outcome(address_id=address.id, result=Result.ACCEPTED, refs=told, code=errand.missing[:80])

    def _errand(self, bulletin: Bulletin, address: Address, station: Station) -> Errand:
        errand = self._all.get(address.id)
        if errand and errand.key == address.key and errand.bulletin.same(bulletin):
            return errand
        if errand and errand.running and errand.bulletin.place == bulletin.place:
            errand.running.cancel()  # older words must not arrive after newer ones
        errand = self._all[address.id] = Errand(bulletin, station, address.key)
        errand.running = asyncio.create_task(self._go(errand, address), name="station")
        return errand

    async def _go(self, errand: Errand, address: Address) -> None:
        try:
            await self._bring(errand, address)
        except SendError as error:
            errand.trouble = errand.trouble or error
        except Broken as error:
            errand.trouble = Unavailable(str(error), code="kit not made")
        finally:
            errand.settled.set()

    async def _bring(self, errand: Errand, address: Address) -> None:
        """Bring each stage of the kit that the station has use for, until there is no further one."""
        brought, station = "words", errand.station
        while True:
            now = await asyncio.to_thread(self._folder.of, errand.bulletin)
            if now is None:
                raise Refused("a later bulletin has taken its place", code="superseded")
            if now.reached != brought:
                parcel = await self._parcel(now, station, address)
                if parcel.files or parcel.zip:
                    await carry(parcel, station, smtp=self._means.smtp)
                brought, errand.words_there = now.reached, True
                if _enough(now, station, self._means.most):
                    errand.missing = "; ".join(now.missing)
                    errand.whole = True
                    errand.settled.set()
            if next_stage(now, self._means.most, neural=self.neural) is None:
                return
            async with self._turned:
                await self._turned.wait()

    async def _parcel(self, now: Bulletin, station: Station, address: Address) -> Parcel:
        """Have a station's own kit made: its cart number, its receipt; the rest is the kit as it stands."""
        order, named = self._order(now), ref(station, address.key)
        base = order.into
        own = replace(
            order,
            into=base.with_name(f"{base.name}~{address.id}"),
            cart=cart_number(station, now.incident, now.language),
            readback=f"{now.home}/aired/{named}" if now.home else "",
            ref=named,
        )
        held = await self._press.run(TAILORING, kit.tailor, own, base)
        available = {made.role: made.path for made in held.files}
        available |= {
            role: now.file(role) for role in ("manifest", "sums", "signature") if (own.into / now.file(role)).exists()
        }
        return Parcel(
            folder=own.into,
            name=kit_name(now, order.office),
            files=wanted(station, available),
            zip=_zip(own.into, station),
            cut=f"{own.cart}.wav" if own.cart else "",
            key=address.key,
            mode=now.mode,
            language=now.language,
            headline=now.headline,
            script=now.reading,
            readback=own.readback,
            ref=named,
            contact=now.about.contact,
            sent=now.sent,
            seconds=now.seconds,
        )

    async def close(self) -> None:
        """End all errands; the delivery's retries begin anew those that were not settled."""
        running = [errand.running for errand in self._all.values() if errand.running]
        for one in running:
            one.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        self._all.clear()


def _zip(folder: Path, station: Station) -> Path | None:
    packed = folder / ".kit.zip"
    return packed if "zip" in station.formats and packed.exists() else None


def _enough(now: Bulletin, station: Station, most: Stage) -> bool:
    """Tell whether a station has all that it wants and that this kit will hold, but for a better voice."""
    reached = Stage[now.reached.upper()]
    if reached >= min(most, Stage.WHOLE):
        return True
    return reached is Stage.FIRST and set(station.formats) <= first_roles()
