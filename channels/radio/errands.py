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
from channels.radio.station import TREES, Station, cart_number, ref, wanted
from channels.radio.ways import carry
from channels.radio.ways.parcel import Parcel, laid

GRACE = 2.0  # seconds a send waits for all its stations together; who takes longer is asked again
FOLLOW = 4.0  # seconds until a station whose kit is on its way is asked again
TAILORING = 60.0


@dataclass(eq=False)
class Errand:
    """One bulletin going to one station; `settled` once it has all it wants or it failed."""

    bulletin: Bulletin
    station: Station
    address: Address
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    words_there: bool = False
    missing: str = ""
    trouble: SendError | None = None
    left: tuple[str, ...] = ()  # what lies at the station of it, and must not lie there for ever
    running: asyncio.Task[None] | None = None


class Errands:
    """All errands of one account; `turned` is notified whenever a kit in the folder has grown, or has left."""

    def __init__(
        self, folder: Folder, press: Press, turned: asyncio.Condition, order: Callable[[Bulletin], Order], means: Means
    ) -> None:
        self._folder, self._press, self._turned, self._order, self._means = folder, press, turned, order, means
        self._all: dict[tuple[int, str], Errand] = {}  # by station and place: what follows takes the former's turn
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
            # Its announcer may read the words out already, and read back.
            told = (ref(station, address.key),) if errand.words_there else ()
            return replace(settle(address, Throttled(code=says, after=FOLLOW)), alone=True, refs=told)
        if errand.trouble:
            return replace(settle(address, errand.trouble), alone=True)
        told = (ref(station, address.key),)
        return Outcome(address_id=address.id, result=Result.ACCEPTED, refs=told, code=errand.missing[:80])

    def _errand(self, bulletin: Bulletin, address: Address, station: Station) -> Errand:
        """Give the errand that is under way, or begin one: after a failure, and for words that follow others."""
        former = self._all.get((address.id, bulletin.place))
        if former and former.bulletin.same(bulletin) and not former.trouble:
            return former
        errand = self._all[address.id, bulletin.place] = Errand(bulletin, station, address)
        errand.running = asyncio.create_task(self._go(errand, former), name="station")
        return errand

    async def _go(self, errand: Errand, former: Errand | None) -> None:
        try:
            await self._after(errand, former)
            await self._bring(errand)
            await self._fetch_back(errand)
        except SendError as error:
            errand.trouble = error
        except (Broken, OSError) as error:
            errand.trouble = Unavailable(str(error), code="kit not made")
        finally:
            errand.settled.set()

    async def _after(self, errand: Errand, former: Errand | None) -> None:
        """End the former errand first: two at once would write one file, and older words must not arrive last."""
        if former is None or former.running is None:
            return
        former.running.cancel()
        await asyncio.wait({former.running})
        errand.left = former.left

    async def _bring(self, errand: Errand) -> None:
        """Bring each stage of the kit that the station has use for, until there is no further one."""
        brought, station = "words", errand.station
        while True:
            now = await asyncio.to_thread(self._folder.of, errand.bulletin)
            if now is None:
                raise Refused("a later bulletin has taken its place, or it has expired", code="superseded")
            if now.reached != brought:
                await self._carry(errand, now)
                brought, errand.words_there = now.reached, True
                if _enough(now, station, self._means.most):
                    errand.missing = "; ".join(now.missing)
                    errand.settled.set()
            if next_stage(now, self._means.most, neural=self.neural) is None:
                return
            await self._next_turn()

    async def _carry(self, errand: Errand, now: Bulletin) -> None:
        parcel = await self._parcel(now, errand.station, errand.address)
        if not (parcel.files or parcel.zip):
            return
        lies = tuple(one.target for one in laid(parcel, errand.station))
        before = tuple(path for path in errand.left if path not in lies)
        await carry(replace(parcel, removes=before), errand.station, smtp=self._means.smtp)
        errand.left = lies

    async def _fetch_back(self, errand: Errand) -> None:
        """Take from a station's folder what has expired; what follows an errand takes away what that one left."""
        if errand.station.place.scheme not in TREES:
            return
        while await asyncio.to_thread(self._folder.of, errand.bulletin):
            await self._next_turn()
        gone = Parcel(folder=self._folder.path, name=errand.bulletin.place, files=(), removes=errand.left)
        await carry(gone, errand.station, smtp=self._means.smtp)
        self._all.pop((errand.address.id, errand.bulletin.place), None)

    async def _next_turn(self) -> None:
        async with self._turned:
            await self._turned.wait()

    async def _parcel(self, now: Bulletin, station: Station, address: Address) -> Parcel:
        """Have a station's own kit made: its cart number, its receipt; the rest is the kit as it stands."""
        order, named = self._order(now), ref(station, address.key)
        desk, place = order.into, self._folder.path / now.place
        own = replace(
            order,
            into=desk.with_name(f"{desk.name}~{address.id}"),
            cart=cart_number(station, now.incident, now.language),
            readback=f"{now.home}/aired/{named}" if now.home else "",
            ref=named,
        )
        held = await self._press.run(TAILORING, kit.tailor, own, place)
        available = {made.role: made.path for made in held.files}
        available |= {
            role: now.file(role) for role in ("manifest", "sums", "signature") if (own.into / now.file(role)).exists()
        }
        return Parcel(
            folder=own.into,
            name=kit_name(now, order.office),
            files=wanted(station, available),
            zip=_zip(own.into, station),
            cut=f"{now.mark}{own.cart}.wav" if own.cart else "",
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
