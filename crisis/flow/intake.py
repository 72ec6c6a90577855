"""Intake: an alert of somebody else becomes a draft of ours, an update or an end, or, authorised before, a release."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from crisis import db, log
from crisis.cap.chain import all_clear
from crisis.cap.entry import Entry
from crisis.cap.life import Standing, State, name_of, same_warning, standings
from crisis.cap.nouns import Alert, MsgType, Scope, Status
from crisis.cap.read import read
from crisis.cap.record import digest
from crisis.cap.verify import SignatureState, verify
from crisis.errors import BadInput
from crisis.flow import intake_book as book
from crisis.flow import intake_right as right
from crisis.flow.inbound import Desk
from crisis.flow.intake_book import Fate, Prior
from crisis.flow.intake_case import GOOD, Case, Match, call_once, match
from crisis.flow.intake_open import Opener, no_longer, undrafted
from crisis.flow.intake_told import District
from crisis.flow.plan import Means
from crisis.flow.release import Outlet
from crisis.model.alert import Mode
from crisis.model.area import area_km2, from_geojson
from crisis.model.feed import Feed
from crisis.model.gazetteer import Known

logger = log.get("intake")

TRIES = 4
AHEAD = timedelta(minutes=10)  # sent later than so by its sender's clock: it waits until ours has come there
OVER = frozenset({State.SUPERSEDED, State.CANCELLED, State.CLEARED, State.EXPIRED})
LACKS = {
    SignatureState.NONE: "it is not signed",
    SignatureState.UNTRUSTED: "its signature is of nobody this feed trusts",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of an entry: its row, whether it was new, what it did, the alert of ours, and every reason."""

    source_alert_id: int
    new: bool
    did: str
    alert_id: int | None = None
    why: tuple[str, ...] = ()


class _Dry(Exception):
    """Ends a dry run: everything was tried, and nothing stays."""


class Intake:
    """Takes what feeds tell, one entry a transaction."""

    def __init__(
        self,
        pool: db.Pool,
        desk: Desk,
        means: Callable[[Mode], Means],
        ways: Callable[[Mode, Sequence[str]], Sequence[Outlet]],
    ) -> None:
        self._pool, self._desk = pool, desk
        self._opener = Opener(means=means, ways=ways)
        self._areas: tuple[int, int] = (0, 0)
        self._there = District(())

    async def take(self, feed: Feed, entry: Entry, now: datetime, *, dry: bool = False) -> Taken:
        """Store an entry and do what it asks for, all or nothing; told again it does nothing more.

        Two workers with the same entry, or two feeds with copies of it, open one alert. Nothing is lost: what
        is refused, out of place or cannot be drafted stays with its reasons, and calls an officer. With `dry`
        everything is tried and nothing stays.
        """
        for _ in range(TRIES - 1):
            with contextlib.suppress(asyncpg.DeadlockDetectedError):
                return await self._once(feed, entry, now, dry=dry)
        return await self._once(feed, entry, now, dry=dry)

    async def _once(self, feed: Feed, entry: Entry, now: datetime, *, dry: bool) -> Taken:
        kept: list[Taken] = []
        async with self._pool.acquire() as connection:
            with contextlib.suppress(_Dry):
                async with connection.transaction():
                    kept.append(await self._take(connection, feed, entry, now))
                    if dry:
                        raise _Dry
        (taken,) = kept
        if taken.new and not dry:
            did = {"did": taken.did, "alert": taken.alert_id}
            logger.info("intake.taken", feed=feed.name, source_alert=taken.source_alert_id, **did)
        return taken

    async def _take(self, connection: db.AnyConnection, feed: Feed, entry: Entry, now: datetime) -> Taken:
        known = await book.find(connection, feed, entry)
        if known is None or not known.settled(feed):
            await connection.execute(book.ONE_AT_A_TIME, entry.alert.sender if entry.alert else feed.name)
            known = await book.find(connection, feed, entry)  # whoever was before us may have told it
        refused = entry.refused or ("" if entry.alert else "it is only a link, and what it leads to was not read")
        told = known or await book.store(connection, feed, entry, refused, now)
        await connection.execute(book.SEEN, told.id, feed.id, now)
        if told.settled(feed):
            fate = told.fate
        elif entry.alert is None:
            await call_once(connection, feed, "feed_refused", f"feed {feed.name}: an entry was refused: {refused}", now)
            fate = Fate(did="refused", why=(refused,))
            await book.settle(connection, told.id, feed, fate, "", SignatureState.NONE.value)
        else:
            case = Case(connection=connection, feed=feed, alert=entry.alert, source_id=told.id, now=now)
            if feed.certificates or b"Signature" in entry.raw:
                # Beside the loop: a large document takes half a second, and nobody else shall wait for it.
                await asyncio.to_thread(_check_signature, case, entry.raw)
            _bar_by_signature(case)
            fate = await self._decide(case)
            await book.settle(connection, told.id, feed, fate, case.standing, case.signature.value)
        return Taken(source_alert_id=told.id, new=told.new, did=fate.did, alert_id=fate.alert_id, why=fate.why)

    async def _decide(self, case: Case) -> Fate:
        """Go from what settles the matter soonest to what needs the most."""
        alert = case.alert
        if alert.status not in (Status.ACTUAL, Status.EXERCISE) or alert.msg_type in (MsgType.ACK, MsgType.ERROR):
            return case.done("recorded", f"its status is {alert.status}, its type {alert.msg_type}: it warns nobody")
        if alert.sent > case.now + AHEAD:
            return case.done("held", f"it was sent at {alert.sent.isoformat()}, which is still to come")
        for other, alert_id in await book.in_other_words(case.connection, case.source_id, alert, case.mode):
            if alert.infos and same_warning(other, alert):
                return case.done("twin", f"it tells {other.identifier} in another language", alert_id=alert_id)
        prior = await self._followed(case)
        ending = alert.msg_type is MsgType.CANCEL or all_clear(alert)
        if late := await _late(case, ending=ending):
            return case.done("late", late, alert_id=prior.row["id"] if prior and prior.row else None)
        if alert.scope is not Scope.PUBLIC:
            case.bars.append(f"its scope is {alert.scope}: it is not for everybody")
        return await (self._end(case, prior) if ending else self._open_or_follow(case, prior))

    async def _followed(self, case: Case) -> Prior | None:
        """Find the incident of ours that rests on what this alert references, or on itself as sent before."""
        alert = case.alert
        names = [(reference.sender, reference.identifier) for reference in alert.references]
        names.append((alert.sender, alert.identifier))
        prior = await book.named(case.connection, case.source_id, names, case.mode)
        if prior:
            await right.to_follow(case, prior)
        return prior

    async def _end(self, case: Case, prior: Prior | None) -> Fate:
        row = prior.row if prior else None
        if prior is None or row is None:
            return case.done("nothing", "nothing of ours rests on what it ends")
        playbook = self._desk.playbooks.get(row["playbook"])
        if Mode(row["mode"]) is not case.mode:
            return await _not_ours(case, prior, f"it is in mode {row['mode']}, this end in {case.mode}")
        if playbook is None:
            return await _not_ours(case, prior, f"its playbook {row['playbook']} is gone")
        if outrun := await right.outrun(case, prior):
            case.bars.append(outrun)
        where = (await self._district(case.connection)).reach(case.alert).geometry
        ours = from_geojson(row["geometry"])
        covered = 1.0 if where is None else area_km2(ours.intersection(where)) / area_km2(ours)
        return await self._opener.end(case, prior, playbook, covered)

    async def _open_or_follow(self, case: Case, prior: Prior | None) -> Fate:
        found = match(case, await self._district(case.connection), self._desk.playbooks)
        if isinstance(found, Fate):
            return await no_longer(case, prior, found)
        if found.magnitude is None:
            await right.beside_officers(case, found)
        if prior is None or (case.mode is Mode.ACTUAL and _mode(prior) is not Mode.ACTUAL):
            prior = await _same_kind(case, found)  # a real warning never waits for an exercise about the same
        row = prior.row if prior else None
        if prior is not None and _mode(prior) is not None and _mode(prior) is not case.mode:
            return await _not_ours(case, prior, f"it is in mode {_mode(prior)}, this alert in {case.mode}")
        current = prior is not None and (prior.draft is not None or prior.holds(case.now))
        if prior is None or row is None or row["playbook"] != found.playbook.playbook or not current:
            await right.to_open(case, found)
            return await self._opener.open(case, found)
        if outrun := await right.outrun(case, prior):
            return case.done("late", outrun, alert_id=row["id"])
        right.to_change(case, prior)
        try:
            return await self._opener.follow(case, found, prior)
        except BadInput as error:
            return await undrafted(case, found, error)

    async def _district(self, connection: db.AnyConnection) -> District:
        """Give our areas, read again when they changed."""
        now = await connection.fetchrow(book.AREAS_NOW)
        assert now is not None  # noqa: S101 - a count always gives a row
        version = (int(now["n"]), int(now["changes"]))
        if version != self._areas:
            rows = await connection.fetch(book.AREAS)
            places = [(r["id"], r["code"], r["name"], from_geojson(r["geometry"])) for r in rows]
            self._there = District(Known(id=i, code=c, name=n, geometry=g) for i, c, n, g in places)
            self._areas = version
        return self._there


def _check_signature(case: Case, raw: bytes) -> None:
    """Judge the signature where there is one or should be; a bad one never silences an alert, an officer looks."""
    try:
        verdict = verify(raw, case.feed.certificates, case.now)
        case.signature = verdict.state
        case.why.append(f"signature: {verdict.says}")
        if verdict.alert_xml and digest(read(verdict.alert_xml).alert) != digest(case.alert):
            case.signature = SignatureState.BROKEN
            case.why.append("signature: what was signed is not what the alert says")
    except BadInput as error:
        case.why.append(f"signature: cannot be judged: {error}")


def _bar_by_signature(case: Case) -> None:
    if case.signature is SignatureState.BROKEN:
        case.bars.append("its signature is broken: it was altered after it was signed")
    elif case.feed.must_sign and case.signature not in GOOD:
        case.bars.append(f"feed {case.feed.name} must sign, and {LACKS[case.signature]}")


async def _late(case: Case, *, ending: bool) -> str:
    """Say why an alert warns of nothing any more; empty when it does, and when it ends another."""
    earlier = await right.standing_of_others(case)
    standing = _standing(case, [alert for alert, _ in earlier])
    if standing.doubt:
        case.bars.append(standing.doubt)
    if not all(own for _, own in earlier):
        others, standing = standing, _standing(case, [alert for alert, own in earlier if own])
        if others.state in OVER and standing.state not in OVER:  # whoever knows its name could tell that
            case.bars.append(f"{others.says} This was told by another feed, or not signed as it must be")
    case.standing = standing.state.value
    return standing.says if standing.state in OVER and (standing.by is not None or not ending) else ""


def _standing(case: Case, earlier: Sequence[Alert]) -> Standing:
    return standings([*earlier, case.alert], case.now)[name_of(case.alert)]


def _mode(prior: Prior) -> Mode | None:
    return Mode(prior.row["mode"]) if prior.row else None


async def _same_kind(case: Case, found: Match) -> Prior | None:
    """Find the incident that an earlier alert of the same kind and place opened; each earthquake is its own."""
    if found.magnitude is not None:
        return None
    asked = (case.alert, found.playbook.playbook, case.mode)
    for prior in await book.same_kind(case.connection, case.source_id, *asked, case.now):
        row = prior.row
        current = prior.draft is not None or prior.holds(case.now)
        if row is None or not current:
            continue
        ours, theirs = from_geojson(row["geometry"]), found.target.geometry
        if await right.outrun(case, prior) and area_km2(theirs.difference(ours)) > 0.01 * area_km2(theirs):
            continue  # an older one for a wider area still warns those whom the newer one does not
        if ours.intersects(theirs):
            case.why.append(f"it is about the same as alert {row['id']}, which is open")
            await right.to_follow(case, prior)
            return prior
    return None


async def _not_ours(case: Case, prior: Prior, why: str) -> Fate:
    row = prior.row
    assert row is not None  # noqa: S101 - the caller looked
    await case.call("feed_changed", row["id"], f"{case.named} anew, but may not change alert {row['id']}: {why}")
    return case.done("called", why, alert_id=row["id"])
