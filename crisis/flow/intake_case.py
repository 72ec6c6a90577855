"""The case of one source alert: what is known of it, what keeps it from leaving by itself, and which rule it meets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from crisis import db
from crisis.cap.nouns import Alert, Status
from crisis.cap.verify import SignatureState
from crisis.flow import intake_book as book
from crisis.flow import intake_told as told_by
from crisis.flow.intake_book import Fate
from crisis.flow.intake_told import District
from crisis.model import opening as deciding
from crisis.model import slots as slotting
from crisis.model.alert import Mode
from crisis.model.audience import Target
from crisis.model.feed import Feed
from crisis.model.opening import Opening
from crisis.model.playbook import Playbook

GOOD = frozenset({SignatureState.VALID, SignatureState.LENIENT})
MOST_CALLS = 30  # of one feed within an hour
TOO_SHORT = timedelta(minutes=5)  # what ends so soon is over before most have read of it


@dataclass(slots=True, kw_only=True)
class Case:
    """One source alert on its way through the stage."""

    connection: db.AnyConnection
    feed: Feed
    alert: Alert
    source_id: int
    now: datetime
    signature: SignatureState = SignatureState.NONE
    standing: str = ""
    why: list[str] = field(default_factory=list)
    bars: list[str] = field(default_factory=list)  # what keeps it from leaving without an officer
    strange: bool = False  # it is about what is not its feed's to change

    @property
    def mode(self) -> Mode:
        """An exercise of somebody else is never more than an exercise here."""
        real = self.alert.status is Status.ACTUAL
        return self.feed.mode if real or self.feed.mode is Mode.TEST else Mode.EXERCISE

    @property
    def named(self) -> str:
        """Begin a sentence for officers: who told what by which feed."""
        event = next((info.event for info in self.alert.infos if info.event), f"a CAP {self.alert.msg_type}")
        return f"feed {self.feed.name}: {told_by.sender_name(self.alert)} told {event}"

    def stranger(self, bar: str) -> None:
        """Bar it as one that speaks for somebody else: it may not even change a draft."""
        self.bars.append(bar)
        self.strange = True

    def done(self, did: str, *why: str, alert_id: int | None = None) -> Fate:
        """End the case with every reason so far."""
        bars = tuple(f"an officer decides: {bar}" for bar in dict.fromkeys(self.bars))
        return Fate(did=did, why=(*self.why, *why, *bars), alert_id=alert_id)

    async def call(self, kind: str, alert_id: int | None, says: str) -> None:
        """Call the officers, with the alert if there is one; a feed that floods them calls once more for all."""
        if await _may_call(self.connection, self.feed, self.now):
            await self.connection.execute(book.ALARM, kind, alert_id, says, "officer", self.now)
        await self.connection.execute(book.TELL, str(alert_id or 0))


async def call_once(connection: db.AnyConnection, feed: Feed, kind: str, says: str, now: datetime) -> None:
    """Call the officers, once for as long as nobody has seen it."""
    if await _may_call(connection, feed, now):
        await connection.execute(book.ALARM_ONCE, kind, says, now)


async def _may_call(connection: db.AnyConnection, feed: Feed, now: datetime) -> bool:
    begins = f"feed {feed.name}: "
    if await connection.fetchval(book.CALLS, begins, now - book.LATELY) < MOST_CALLS:
        return True
    flood = (
        f"{begins}it called officers {MOST_CALLS} times within an hour, and now calls for nothing more: read "
        f"`crisis feed show {feed.name}` and the drafts, and switch it off if it is not to be trusted"
    )
    await connection.execute(book.ALARM_ONCE, "feed_flood", flood, now)
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A rule that a source alert meets, and all that our alert takes over from it; slots as officers type them."""

    opening: Opening
    target: Target
    slots: Mapping[str, slotting.Typed]
    cap: Mapping[str, str]
    onset: datetime | None
    expires: datetime | None
    source: str
    magnitude: float | None

    @property
    def playbook(self) -> Playbook:
        return self.opening.playbook

    @property
    def level(self) -> str:
        return self.opening.rule.level


def match(case: Case, district: District, playbooks: Mapping[str, Playbook]) -> Match | Fate:
    """Find the rule that an alert meets and what our alert would be; or the fate of one that meets none.

    Every rule leaves its reasons with the case.
    """
    alert = district.concerns(case.alert)
    reach = district.reach(alert)
    if not alert.infos:
        return case.done("nothing", "it says nothing: it has no info")
    if reach.geometry is None and reach.distance is None:
        return case.done("outside", "it does not touch our district", *reach.doubts)
    told = told_by.tell(alert, reach, district.names(district.concerned(reach)), case.feed.name)
    decision = deciding.decide([playbooks[name] for name in sorted(playbooks)], told)
    case.why += map(str, decision.tried)
    target = district.target(reach, decision.opening) if decision.opening else None
    if decision.opening is None or target is None:
        return case.done("nothing", "no rule of a playbook opens anything for it")
    if old := told_by.too_old(alert, decision.opening, case.now):
        return case.done("late", old)
    case.bars += reach.doubts
    names = district.names(district.concerned(reach, decision.opening))
    found = _taken_over(case, alert, replace(told, areas=names), decision.opening, target)
    if found.expires is not None and found.expires < case.now + TOO_SHORT:
        return case.done("late", f"it ends at {found.expires.isoformat()}, too soon to warn anybody of it")
    return found


def _taken_over(case: Case, alert: Alert, told: deciding.Told, opening: Opening, target: Target) -> Match:
    language = opening.playbook.languages[0]
    info = told_by.main_info(alert, language)
    slots, notes = told_by.slots_of(opening, told_by.source_facts(alert, told, language))
    expires, capped = told_by.ends(alert, opening, case.now)
    case.why += [f"rule {opening.named} opens {opening.rule.level}", *notes, *filter(None, [capped])]
    level = opening.playbook.levels[opening.rule.level]
    return Match(
        opening=opening,
        target=target,
        slots=slots,
        cap={**told_by.milder(level, told), "event": info.event},
        onset=info.onset or info.effective,
        expires=expires,
        source=told_by.sender_name(alert),
        magnitude=told.magnitude,
    )
