"""Kits on their way to stations: words as soon as there is paper, sound as it is made, each station by itself.

Only the delivery's retries outlive this process: until a station has all it wants, its address is reported as not yet
settled and comes again. What follows after that, a better voice, goes by memory alone; what lies at a station is noted
on disk, so that whatever comes next takes away what is old.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from weakref import WeakValueDictionary

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
from channels.radio.left import Left
from channels.radio.names import CLOSING
from channels.radio.order import Order
from channels.radio.press import Broken, Press
from channels.radio.setting import Means
from channels.radio.stages import Stage, first_roles, next_stage
from channels.radio.station import TREES, Station, cart_number, ref, wanted
from channels.radio.ways import carry
from channels.radio.ways.parcel import Parcel, laid

GRACE = 2.0  # seconds a send waits for all its stations together; who takes longer is asked again
FOLLOW = 4.0  # seconds until a station whose kit is on its way is asked again
RARELY = 64  # turns at most between two tries to take something back: about five minutes
MOST_TRIES = 300  # to take something back: about a day
TAILORING = 60.0


@dataclass(eq=False)
class Errand:
    """One bulletin going to one station; `settled` once it has all it wants or it failed."""

    bulletin: Bulletin
    station: Station
    address: Address
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    something: bool = False  # lies at the station: its announcer may read the words out already, and read back
    sound: tuple[str, int] | None = None  # whose voice it is, and the bytes of its MP3: what the station last got
    missing: str = ""
    trouble: SendError | None = None
    before: str = ""  # the trouble of the try before this one: what an officer sees until something has arrived
    left: tuple[str, ...] = ()  # what lies at the station of it, and must not lie there for ever
    running: asyncio.Task[None] | None = None


class Errands:
    """All errands of one account; `turned` is notified whenever a kit in the folder has grown, or has left."""

    def __init__(
        self, folder: Folder, press: Press, turned: asyncio.Condition, order: Callable[[Bulletin], Order], means: Means
    ) -> None:
        self._folder, self._press, self._turned, self._order, self._means = folder, press, turned, order, means
        self._left = Left(folder.path)
        self._all: dict[tuple[int, str], Errand] = {}  # by station and place: what follows takes the former's turn
        self._lines: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()  # a station takes one at a time
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
            says = "words there, sound follows" if errand.something else errand.before or "on its way"
            told = (ref(station, address.key),) if errand.something else ()
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
        trouble = former.trouble.code if former and former.trouble and former.bulletin.same(bulletin) else ""
        errand = self._all[address.id, bulletin.place] = Errand(bulletin, station, address, before=trouble)
        errand.running = asyncio.create_task(self._go(errand, former), name="station")
        return errand

    async def _go(self, errand: Errand, former: Errand | None) -> None:
        try:
            await self._after(errand, former)
            await self._bring(errand)
        except SendError as error:
            errand.trouble = error
        except asyncio.CancelledError:
            if not errand.settled.is_set():  # what nobody brought is never called accepted
                errand.trouble = Unavailable("the errand was broken off", code="broken off")
            raise
        except Exception as error:
            errand.trouble = Unavailable(str(error) or type(error).__name__, code="kit not made")
        finally:
            errand.settled.set()
        await self._fetch_back(errand)

    async def _after(self, errand: Errand, former: Errand | None) -> None:
        """End the former errand first: two at once would write one file, and older words must not arrive last."""
        if former is None or former.running is None:
            about = {name for who, name in self._all if who == errand.address.id}
            errand.left = await asyncio.to_thread(self._adopt, errand, about)
            return
        errand.left = former.left
        former.running.cancel()
        await asyncio.wait({former.running})
        errand.left = former.left  # it may have been in the middle of taking something back

    async def _bring(self, errand: Errand) -> None:
        """Bring each stage of the kit that the station has use for, as long as the bulletin stands."""
        brought, station = ("words", "", 0), errand.station
        while now := await self._stands(errand):
            enough = _enough(now, station, self._means.most)
            stands = (now.reached, now.voice, now.size)
            if stands != brought and now.reached != "words" and (enough or not _once(errand)):
                try:
                    errand.something |= await self._carry(errand, now, enough=enough)
                except Broken:
                    # The kit grew while the station's was made from it, and files were gone: made from what stands now.
                    if await self._stands(errand) == now:
                        raise
                    continue
                brought = stands
            if enough and (errand.something or not station.formats):
                errand.missing = "; ".join(now.missing)
                errand.settled.set()
            if errand.settled.is_set() and station.place.scheme not in TREES:
                return  # what was aired or written in a letter cannot be replaced by a better voice
            if not errand.settled.is_set() and next_stage(now, self._means.most, neural=self.neural) is None:
                raise Refused("the kit holds nothing that this station takes", code="; ".join(now.missing) or "no kit")
            await self._next_turn()
        if not errand.settled.is_set():
            raise Refused("a later bulletin has taken its place, or it has expired", code="superseded")

    async def _carry(self, errand: Errand, now: Bulletin, *, enough: bool) -> bool:
        """Carry what there is for the station, and tell whether there was anything."""
        parcel = await self._parcel(now, errand.station, errand.address, enough=enough)
        scheme, sound = errand.station.place.scheme, (now.voice, now.size)
        if not (parcel.files or parcel.zip or scheme == "mailto"):
            return False
        if errand.station.drops and errand.sound == sound:
            return True  # a playout system would import the same again, and maybe interrupt it
        lies = tuple(one.target for one in laid(parcel, errand.station)) if scheme in TREES else ()
        before = tuple(path for path in errand.left if path not in lies)
        await self._lies(errand, (*before, *lies))  # also what arrives of it before the line breaks
        async with self._line(errand):
            await carry(replace(parcel, removes=self._free(errand, before)), errand.station, smtp=self._means.smtp)
        if scheme != "liquidsoap":  # which reads the file when its turn comes
            await asyncio.to_thread(shutil.rmtree, parcel.folder, ignore_errors=True)
        errand.sound = sound
        await self._lies(errand, lies)
        return True

    async def _lies(self, errand: Errand, paths: tuple[str, ...]) -> None:
        errand.left = paths
        await asyncio.to_thread(self._left.note, errand.address.id, errand.bulletin.place, paths)

    def _adopt(self, errand: Errand, about: set[str]) -> tuple[str, ...]:
        """Take up what a process that ended left there, of this place and of all that stand no more."""
        station, place = errand.address.id, errand.bulletin.place
        return self._left.adopt(station, place, {one.place for one in self._folder.all()} | about)

    async def _fetch_back(self, errand: Errand) -> None:
        """Take from a station's folder what has expired, however long that takes; what follows takes it instead."""
        tries = 0
        while tries < MOST_TRIES:
            for _ in range(min(2**tries, RARELY) if tries else 1):
                await self._next_turn()
            try:
                if await self._stands(errand):
                    continue
                await self._empty(errand)
                break
            except Exception:  # a station that is away must not keep old words for ever
                tries += 1
        if self._all.get((errand.address.id, errand.bulletin.place)) is errand:
            del self._all[errand.address.id, errand.bulletin.place]

    async def _empty(self, errand: Errand) -> None:
        if errand.station.place.scheme not in TREES or not (gone := self._free(errand, errand.left)):
            return
        parcel = Parcel(folder=self._folder.path, name=errand.bulletin.place, files=(), removes=gone)
        async with self._line(errand):
            await carry(parcel, errand.station, smtp=self._means.smtp)
        await self._lies(errand, ())

    def _free(self, errand: Errand, paths: tuple[str, ...]) -> tuple[str, ...]:
        """Leave out what another bulletin has at the station by now: a small range of carts comes round."""
        others = [one for one in self._all.values() if one is not errand and one.address.id == errand.address.id]
        held = {path for one in others for path in one.left}
        return tuple(path for path in paths if path not in held)

    def _line(self, errand: Errand) -> asyncio.Lock:
        return self._lines.setdefault(errand.address.id, asyncio.Lock())

    async def _stands(self, errand: Errand) -> Bulletin | None:
        return await asyncio.to_thread(self._folder.of, errand.bulletin)

    async def _next_turn(self) -> None:
        async with self._turned:
            await self._turned.wait()

    async def _parcel(self, now: Bulletin, station: Station, address: Address, *, enough: bool) -> Parcel:
        """Have a station's own kit made: its cart number, its receipt; the rest is the kit as it stands."""
        order, named = await asyncio.to_thread(self._order, now), ref(station, address.key)
        desk, place = order.into, self._folder.path / now.place
        number = cart_number(station, now.incident, now.language)
        own = replace(
            order,
            into=desk.with_name(f"{desk.name}~{address.id}"),
            # A drill bears no number: a playout system would put it in the place of the real thing.
            cart=number if now.mode == "Actual" else None,
            readback=f"{now.home}/aired/{named}" if now.home else "",
            ref=named,
        )
        held = await self._press.run(TAILORING, kit.tailor, own, place, pack="zip" in station.formats)
        available = {made.role: made.path for made in held.files}
        available |= {role: now.file(role) for role in CLOSING if (own.into / now.file(role)).exists()}
        return Parcel(
            folder=own.into,
            name=kit_name(now, order.office),
            files=wanted(station, available),
            zip=_zip(own.into, station),
            cut=f"{now.mark}{number}.wav" if number else "",
            key=address.key if enough else f"{address.key} words",  # no mailbox takes the second letter for the first
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


def _once(errand: Errand) -> bool:
    """Tell whether a station gets no half: what is on air by itself is aired once, and a mailbox had the words."""
    scheme = errand.station.place.scheme
    return scheme in ("icecast", "liquidsoap") or (scheme == "mailto" and errand.something)


def _enough(now: Bulletin, station: Station, most: Stage) -> bool:
    """Tell whether a station has all that it wants and that this kit will hold, but for a better voice."""
    reached = Stage[now.reached.upper()]
    if reached >= min(most, Stage.WHOLE):
        return True
    return reached is Stage.FIRST and set(station.formats) <= first_roles()
