"""The channel contract: what a channel is given, what it must report, and how it may fail.

A channel carries one notice to many addresses (`reach` addressed) or posts it once per page
(`reach` posted). It never retries, sleeps, splits an audience, logs bodies or addresses, or touches
the database: the stages do that, by what the channel reports.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Protocol, Self, assert_never

from channels.window import Window


class Reach(StrEnum):
    """Whether a channel speaks to addresses of residents or posts for everyone."""

    ADDRESSED = "addressed"  # one send for each resident's address
    POSTED = "posted"  # one post for each page, account or transmitter


class Result(StrEnum):
    """What became of one try at one address."""

    ACCEPTED = "accepted"  # the provider took it; says nothing of its arrival
    REFUSED = "refused"  # this address will never work
    UNREACHABLE = "unreachable"  # not sent: no connection, or the provider is in trouble
    THROTTLED = "throttled"  # not sent: too fast, try after a while
    OPTED_OUT = "opted_out"  # the resident blocked us at the provider
    UNKNOWN = "unknown"  # sent, but no reply came: it may or may not have arrived


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large a text is on a channel: `units` (septets, characters), `parts` billed, `encoding`."""

    units: int
    parts: int = 1
    encoding: str = "UTF-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What a channel can carry: which words suit it, best first, and how much of them.

    `renditions` names kinds of words of a playbook (headline, short, long, radio), or "cap" for the whole
    alert as a CAP document, "kit" for that and all that paper and stations' screens show. `cost` is the usual
    price of one part in the district's currency (0 where posting is free).
    """

    renditions: tuple[str, ...]
    most_parts: int
    most_units: int
    measure: Callable[[str], Size]
    cost: float = 0.0

    def fits(self, text: str) -> bool:
        """Tell whether the text goes out whole; a text that does not fit is never cut."""
        size = self.measure(text)
        return size.parts <= self.most_parts and size.units <= self.most_units


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What an alert is about, beside its words: what a sheet of paper, a map or a station's screen shows.

    Plain text in the notice's language, CAP's spellings for severity, urgency and certainty; empty is not known.
    """

    agency: str = ""  # who says it
    hazard: str = ""  # CAP's event: Banjir, Flood
    severity: str = "Unknown"
    urgency: str = "Unknown"
    certainty: str = "Unknown"
    area: str = ""  # as people name it
    outline: str = field(default="", repr=False)  # GeoJSON MultiPolygon, longitude first
    onset: datetime | None = None
    next_update: datetime | None = None
    source: str = ""
    help_line: str = ""  # what to call when a life is in danger
    contact: str = ""  # whom a station calls back
    description: str = ""
    do: tuple[str, ...] = ()
    dont: tuple[str, ...] = ()
    short: str = ""  # what SMS says
    questions: tuple[tuple[str, str], ...] = ()  # as residents ask, and our answers
    code: str = ""  # by which anybody can check that it is ours
    check: str = ""  # where
    version: int = 1  # of the incident: 1 the alert, 2.. what followed


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """The words of one alert (or one answer) fitted to one channel in one language."""

    id: str  # stable over retries: CAP identifier, or the answer's id
    language: str
    text: str  # carries its mode marker already; goes out byte for byte
    mode: str = "Actual"  # Actual, Exercise or Test
    urgent: bool = False
    incident: str = ""  # the same for an alert and all that follows it: a station replaces by it
    sent: datetime | None = None
    expires: datetime | None = None
    headline: str = ""
    script: str = ""  # what an announcer reads aloud
    link: str = ""  # the public page of the alert
    replaces: tuple[str, ...] = ()  # ids of the notices this one takes the place of
    ends: bool = False  # a cancel or all-clear: nothing is in force after it
    document: bytes = field(default=b"", repr=False)  # the alert as CAP XML, for channels that carry "cap" or "kit"
    about: About | None = None  # for channels that carry "kit"
    home: str = ""  # where the office's public pages are: a station reads back there


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One place a notice goes to: a number, chat, page or transmitter."""

    id: int
    value: str = field(repr=False)  # never in a log line
    key: str  # the same for every try of this notice at this address: the idempotency key
    thread: str = ""  # provider's id of the notice this one follows (posted channels reply to it)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one try at one address came to; `refs` are the provider's ids, one for each part."""

    address_id: int
    result: Result
    code: str = ""  # the provider's own code, for officers: "ESME_RTHROTTLED", "422"
    refs: tuple[str, ...] = ()
    after: float | None = None  # seconds the provider asked us to wait
    alone: bool = False  # trouble of this address's own: it says nothing of the account and of others on it


class Arrival(StrEnum):
    """What a provider says later of a notice it took."""

    DELIVERED = "delivered"  # on the handset
    FAILED = "failed"  # the provider gave up
    READ = "read"  # opened by the resident
    EXPIRED = "expired"  # the provider dropped it, too late to matter


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A provider's later word on one part, by the id it gave when it accepted."""

    ref: str
    state: Arrival
    at: datetime
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """What a resident wrote to us on a channel; `id` is the provider's, so that twice is once."""

    id: str
    sender: str = field(repr=False)
    text: str = field(repr=False)
    at: datetime


Report = Callable[[Outcome], None]
Take = Callable[[Sequence[Incoming | Receipt]], Awaitable[None]]


class Channel(Protocol):
    """One account at one provider."""

    name: ClassVar[str]
    reach: ClassVar[Reach]
    limit: ClassVar[Limit]
    idempotent: ClassVar[bool]  # the provider drops a second send with the same key
    receipts: ClassVar[bool]  # the provider says later whether a notice arrived
    inbound: ClassVar[bool]  # residents can write to us here
    rate: float  # sends a second the account allows
    concurrency: int  # sends in flight the account allows

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Build the account from its setting; raise Misconfigured in one sentence without secrets."""

    async def open(self) -> None:
        """Make ready to send; may connect lazily. Raise Misconfigured if the account can never work."""

    async def close(self) -> None:
        """Release what open() took; safe to call twice and without open()."""

    async def send(self, notice: Notice, addresses: AsyncIterable[Address], report: Report) -> None:
        """Send to each address as it comes and report each one taken exactly once.

        The stages pace the iterable (rate, expiry, opt-out, cancel), so it may pause or end early.
        Raise Unavailable or Throttled when the account as a whole cannot send now, Misconfigured when
        it never will; every address taken from the iterable has been reported before raising.
        """

    async def listen(self, take: Take) -> None:
        """Run until cancelled, handing on what residents and the provider say.

        Acknowledge to the provider only after `take` has returned, so that a crash loses nothing.
        A channel without inbound and receipts returns at once. Raise like send() on trouble; the
        caller starts it again after a back-off.
        """


class SendError(Exception):
    """A send that did not work, by what should be done about it; `code` is the provider's own."""

    def __init__(self, says: str = "", *, code: str = "") -> None:
        super().__init__(says or code)
        self.code = code or says


class Unavailable(SendError):
    """The provider cannot be reached or is in trouble: back off."""


class Unsure(SendError):
    """The request went out and no reply came: it may have arrived."""


class Throttled(SendError):
    """The provider asks us to slow down; `after` is the wait in seconds, None if it did not say."""

    def __init__(self, says: str = "", *, code: str = "", after: float | None = None) -> None:
        super().__init__(says, code=code)
        self.after = after


class Refused(SendError):
    """This address will never take this notice."""


class OptedOut(SendError):
    """The resident blocked us at the provider."""


class Misconfigured(SendError):
    """The account can never work as it is set up: stop it and page an officer."""


def settle(address: Address, error: SendError) -> Outcome:
    """Turn the failure of one address into its outcome; Misconfigured counts as not sent."""
    match error:
        case Throttled():
            result = Result.THROTTLED
        case Refused():
            result = Result.REFUSED
        case OptedOut():
            result = Result.OPTED_OUT
        case Unsure():
            result = Result.UNKNOWN
        case _:
            result = Result.UNREACHABLE
    after = error.after if isinstance(error, Throttled) else None
    return Outcome(address_id=address.id, result=result, code=error.code[:80], after=after)


SendOne = Callable[[Notice, Address], Awaitable[tuple[str, ...]]]


async def one_by_one(
    send_one: SendOne, notice: Notice, addresses: AsyncIterable[Address], report: Report, window: Window
) -> None:
    """Run a one-address sender over all addresses, as many in flight as `window` allows, each reported once.

    `send_one` returns the provider's refs or raises a SendError. The first Misconfigured ends the run
    (the rest of the iterable is left untaken) and is raised again when those in flight have settled.
    """
    line = _Line(send_one, notice, aiter(addresses), report, window)
    async with asyncio.TaskGroup() as group:
        line.man(group)
    if line.stop is not None:
        raise line.stop


class _Line:
    """Runners that each take an address, send, report and take the next: no cost of a new task per address."""

    def __init__(
        self, send_one: SendOne, notice: Notice, addresses: AsyncIterator[Address], report: Report, window: Window
    ) -> None:
        self._send_one, self._notice, self._addresses = send_one, notice, addresses
        self._report, self._window = report, window
        self._gate = asyncio.Lock()  # one of us waits for a slot, the others behind it: lines share by turns
        self._feed = asyncio.Lock()  # an async generator cannot be advanced by two at once
        self._runners = self._idle = 0
        self._over = False
        self.stop: Misconfigured | None = None

    def man(self, group: asyncio.TaskGroup) -> None:
        """Start one more runner; once it has work it starts the next, while there is room and nobody else is free."""
        self._runners += 1
        self._idle += 1
        group.create_task(self._run(group))

    async def _run(self, group: asyncio.TaskGroup) -> None:
        window, sent = self._window, 0  # sends since it has its slot; 0: it has none
        while (address := await (self._next() if sent else self._first())) is not None:
            if not sent:
                self._idle -= 1
            sent += 1
            if not self._idle and self._runners < window.size:
                self.man(group)
            try:
                await self._send(address)
            except BaseException:
                window.leave()
                raise
            if not window.stay(sent):
                window.leave()
                self._idle += 1
                sent = 0

    async def _send(self, address: Address) -> None:
        began = self._window.now()
        try:
            refs = await self._send_one(self._notice, address)
        except SendError as error:
            self._failed(address, error, began)
        else:
            self._window.replied(began)
            self._report(Outcome(address_id=address.id, result=Result.ACCEPTED, refs=refs))

    async def _first(self) -> Address | None:
        """Take a slot and then an address, so that no address taken waits; None when there is no more to do."""
        async with self._gate:
            if self._over:
                return None
            await self._window.enter()
            return await self._next()

    async def _next(self) -> Address | None:
        """Take an address for a slot that we have; give the slot back when there is no more to do."""
        address = None
        try:
            async with self._feed:
                if self.stop is None and not self._over:
                    address = await anext(self._addresses, None)
        finally:
            if address is None:
                self._over = True
                self._window.leave()
        return address

    def _failed(self, address: Address, error: SendError, began: float) -> None:
        if isinstance(error, Misconfigured):
            self.stop = self.stop or error
        elif isinstance(error, Throttled | Unsure):
            self._window.strained(began)
        self._report(settle(address, error))


def is_final(result: Result) -> bool:
    """Tell whether another try at the same address could help."""
    match result:
        case Result.ACCEPTED | Result.REFUSED | Result.OPTED_OUT:
            return True
        case Result.UNREACHABLE | Result.THROTTLED | Result.UNKNOWN:
            return False
        case _:
            assert_never(result)
