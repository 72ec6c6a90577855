"""What a source alert does here: it opens an incident, updates or ends one, calls an officer, or leaves by itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from crisis.cap.chain import all_clear
from crisis.errors import BadInput, CrisisError, IllegalMove
from crisis.flow import intake_book as book
from crisis.flow import intake_told as told_by
from crisis.flow import release, trigger, update
from crisis.flow.intake_book import Fate, Prior
from crisis.flow.intake_case import Case, Match
from crisis.flow.plan import Means, Wish
from crisis.flow.release import Outlet
from crisis.flow.trigger import Key
from crisis.flow.update import Change
from crisis.model import slots as slotting
from crisis.model.alert import Mode
from crisis.model.playbook import Playbook
from crisis.model.words import Purpose

MOST_LEAVE = 12  # alerts and updates of one feed within an hour: whoever floods residents is believed no more
CLEARS = 0.9  # share of our alert's area that an all-clear must be about to end it without an officer
LATER = timedelta(minutes=10)  # a new end counts from so much later: nobody is texted again for a few minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class Opener:
    """Does what a source alert asks for, in the transaction of its case."""

    means: Callable[[Mode], Means]
    ways: Callable[[Mode, Sequence[str]], Sequence[Outlet]]

    async def open(self, case: Case, match: Match, prior: Prior | None = None) -> Fate:
        """Draft the first alert of an incident; with `prior` in place of its draft, which was never released."""
        try:
            alert_id = await self._in_full(case, lambda: self._draft(case, match, prior))
        except BadInput as error:
            return await undrafted(case, match, error)
        return await self._drafted(case, match, alert_id, "drafted")

    async def _draft(self, case: Case, match: Match, prior: Prior | None) -> int:
        number, incident = 1, None
        if prior is not None:
            incident = prior.incident_id
            number = await case.connection.fetchval(book.LAST_NUMBER, incident) + 1
            await _withdraw(case, prior)
        wish = Wish(
            playbook=match.playbook,
            level=match.level,
            mode=case.mode,
            slots=slotting.parse(match.playbook, match.slots, level=match.level),
            target=match.target,
            number=number,
            source=match.source,
            cap=match.cap,
            onset=match.onset,
            expires=match.expires,
        )
        return await trigger.draft(case.connection, wish, None, self.means(case.mode), Key(), 0, case.now, incident)

    async def follow(self, case: Case, match: Match, prior: Prior) -> Fate:
        """Draft an update of an incident, or renew its draft, where something changed that residents must know."""
        row = prior.row
        assert row is not None  # noqa: S101 - the caller looked
        try:
            said = slotting.dump(slotting.parse(match.playbook, {**row["slots"], **match.slots}, level=match.level))
        except BadInput as error:
            return await undrafted(case, match, error)
        changes = list(told_by.differences(dict(row), match.opening, match.target, said))
        if match.expires is not None and match.expires > row["expires"] + LATER:
            changes.append(f"it holds until {match.expires.isoformat()} instead of {row['expires'].isoformat()}")
        if not changes:
            return case.done("recorded", "nothing changed that residents must know", alert_id=row["id"])
        case.why += changes
        if prior.in_hand():
            says = f"{case.named} anew ({'; '.join(changes)}): alert {row['id']} is {row['state']}, read it again"
            await case.call("feed_changed", row["id"], says)
            return case.done("called", f"alert {row['id']} is in an officer's hands", alert_id=row["id"])
        if case.strange and prior.draft is not None:
            return await _left_alone(case, prior, "anew")
        if prior.latest is None:
            return await self.open(case, match, prior)
        change = Change(
            purpose=Purpose.UPDATE,
            level=match.level,
            slots=match.slots,
            target=match.target,
            cap=match.cap,
            onset=match.onset,
            source=match.source,
            expires=match.expires,
        )
        try:
            alert_id = await self._in_full(case, lambda: self._follow_up(case, match.playbook, prior, change))
        except BadInput as error:
            return await undrafted(case, match, error)
        return await self._drafted(case, match, alert_id, "update drafted")

    async def _follow_up(self, case: Case, playbook: Playbook, prior: Prior, change: Change) -> int:
        row = prior.latest
        assert row is not None  # noqa: S101 - the caller looked
        await _withdraw(case, prior)
        means = self.means(Mode(row["mode"]))
        return await update.follow_up(case.connection, row["id"], change, None, playbook, means, Key(), case.now)

    async def end(self, case: Case, prior: Prior, playbook: Playbook, covered: float) -> Fate:
        """Draft the cancel or all-clear of an incident; a draft that never left is withdrawn."""
        row = prior.row
        if row is None:
            return case.done("nothing", "nothing of ours rests on what it ends")
        clear = all_clear(case.alert)
        what = "says that it is over" if clear else "withdrew it"
        if prior.in_hand():
            says = f"{case.named} and {what}: alert {row['id']} is {row['state']}, return or reject it"
            await case.call("feed_changed", row["id"], says)
            return case.done("called", f"alert {row['id']} is in an officer's hands", alert_id=row["id"])
        if case.bars and prior.draft is not None:
            return await _left_alone(case, prior, f"and {what}")
        if not prior.holds(case.now) or prior.latest is None:
            return await _nothing_left(case, prior, what)
        if clear and covered < CLEARS:
            case.bars.append(f"the all-clear is about {covered:.0%} of our alert's area")
        if prior.latest["pre_authorised"] is None:
            case.bars.append(f"alert {prior.latest['id']} was released by officers, and they end it")
        purpose = Purpose.ALL_CLEAR if clear else Purpose.CANCEL
        change = Change(purpose=purpose, reason=told_by.reason(case.alert))
        try:
            alert_id = await self._in_full(case, lambda: self._follow_up(case, playbook, prior, change))
        except (BadInput, IllegalMove) as error:
            says = f"{case.named} and {what}, but no {purpose.value} could be drafted: {error}"
            await case.call("feed_undrafted", row["id"], says)
            return case.done("undrafted", str(error), alert_id=row["id"])
        bars = [*self._bars(case), *case.bars]
        return await self._leave(case, alert_id, f"end of {playbook.playbook}", "end drafted", bars)

    async def _in_full(self, case: Case, make: Callable[[], Awaitable[int]]) -> int:
        """Keep all of a step or nothing: what was withdrawn for a draft that fails stays."""
        async with case.connection.transaction():
            return await make()

    async def _drafted(self, case: Case, match: Match, alert_id: int, did: str) -> Fate:
        bars = [*case.bars]
        if match.opening.rule.then != "release":
            bars.append(f"rule {match.opening.named} asks for a draft")
        elif match.level not in match.playbook.approval.pre_authorised:
            bars.append(f"level {match.level} is not pre-authorised by playbook {match.playbook.playbook}")
        else:
            bars += self._bars(case)
            left = await case.connection.fetchval(book.LEFT, case.feed.id, case.now - book.LATELY)
            if left >= MOST_LEAVE:
                bars.append(f"feed {case.feed.name} has released {left} alerts within an hour, which is too many")
        return await self._leave(case, alert_id, match.opening.named, did, bars)

    @staticmethod
    def _bars(case: Case) -> list[str]:
        return [] if case.feed.may_release else [f"feed {case.feed.name} may not release"]

    async def _leave(self, case: Case, alert_id: int, rule: str, did: str, bars: Sequence[str]) -> Fate:
        """Release a draft when nothing bars it; else call an officer to it, saying what does."""
        row = await case.connection.fetchrow("SELECT * FROM alert WHERE id = $1", alert_id)
        assert row is not None  # noqa: S101 - it was drafted in this transaction
        refused = list(bars)
        if not bars:
            outlets = self.ways(Mode(row["mode"]), row["channels"])
            by = f"rule {rule} for feed {case.feed.name}"
            try:
                async with case.connection.transaction():
                    await release.release_pre_authorised(case.connection, alert_id, by, outlets, case.now)
            except CrisisError as error:
                refused.append(str(error))
            else:
                return case.done(did.replace("drafted", "released"), f"it left by {by}", alert_id=alert_id)
        case.bars = refused
        what = f"{row['purpose'].replace('_', '-')} {alert_id} ({row['playbook']} {row['level']}, {row['mode']})"
        says = f"{case.named}: draft {what} for {row['area_desc']} waits for an officer: {'; '.join(refused)}"
        await case.call("feed_draft", alert_id, says)
        return case.done(did, alert_id=alert_id)


async def undrafted(case: Case, match: Match, error: BadInput) -> Fate:
    """Tell officers what a feed told that could not be drafted, and why."""
    what = f"{match.playbook.playbook} {match.level} for {match.target.desc}"
    says = f"{case.named}, but {what} could not be drafted: {error}; look at it and write the alert yourself"
    await case.call("feed_undrafted", None, says)
    return case.done("undrafted", str(error))


async def no_longer(case: Case, prior: Prior | None, fate: Fate) -> Fate:
    """Tell officers when what opened an incident of ours changed so that it would open nothing now."""
    row = prior.row if prior else None
    if prior is None or row is None or not (prior.draft or prior.holds(case.now)):
        return fate
    says = f"{case.named} anew, and it no longer meets a rule ({fate.why[-1]}): decide about alert {row['id']}"
    await case.call("feed_changed", row["id"], says)
    return Fate(did="called", why=fate.why, alert_id=row["id"])


async def _withdraw(case: Case, prior: Prior) -> None:
    if prior.draft is not None:
        says = f"feed {case.feed.name} told something newer"
        await release.withdraw(case.connection, prior.draft["id"], says, case.now)


async def _left_alone(case: Case, prior: Prior, what: str) -> Fate:
    """Keep a draft as it is and call officers, where what would change it may not be true."""
    row = prior.row
    assert row is not None  # noqa: S101 - the caller looked
    says = f"{case.named} {what}, but {'; '.join(case.bars)}: draft {row['id']} stays, read both and decide"
    await case.call("feed_changed", row["id"], says)
    return case.done("called", f"draft {row['id']} stays", alert_id=row["id"])


async def _nothing_left(case: Case, prior: Prior, what: str) -> Fate:
    """End what never left, or is over already."""
    row = prior.row
    assert row is not None  # noqa: S101 - the caller looked
    if prior.draft is None:
        return case.done("recorded", f"alert {row['id']} is {row['state']} already", alert_id=row["id"])
    await _withdraw(case, prior)
    await case.call("feed_changed", row["id"], f"{case.named} and {what}: draft {row['id']} was rejected, nothing left")
    return case.done("withdrawn", f"draft {row['id']} was rejected", alert_id=row["id"])
