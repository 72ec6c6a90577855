"""What a feed lists no longer calls an officer, once; nothing ends by itself, and no failure counts as a sign."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from crisis import db
from crisis.cap.entry import Entry
from crisis.cap.life import name_of
from crisis.cap.nouns import Alert, MsgType
from crisis.cap.write import write
from crisis.feeds import FORMATS
from crisis.feeds.contract import Lists
from crisis.feeds.gone import gone
from crisis.feeds.watch import Watcher
from crisis.flow import feedbook
from crisis.flow.feed_rests import Rest, Source
from crisis.model.alert import AlertState
from crisis.model.feed_rules import NewFeed
from deploy.sandbox.feeds import FeedServer
from tests.crisis.flow.intake_town import ADMIN, FAR, NOW, District, naming, open_district, rain

RSS = "/nowcast/rss.xml"


@dataclass(slots=True)
class Station:
    """A weather service's RSS of what is in force, and an office that reads it."""

    district: District
    server: FeedServer
    watcher: Watcher
    at: list[datetime] = field(default_factory=lambda: [NOW])

    async def add(self, name: str = "nowcast", format_name: str = "bmkg-nowcast") -> None:
        url, span = self.server.url(RSS), timedelta(minutes=1)
        new = NewFeed(name=name, format=format_name, url=url, every=span)
        await feedbook.add(self.district.pool, new, self.watcher.kinds, ADMIN, NOW)

    def lists(self, *alerts: Alert, **how: object) -> None:
        """List these alerts, each at its own address."""
        listed = ""
        for alert in alerts:
            path = f"/nowcast/{alert.identifier}.xml"
            self.server.publish(path, write(alert))
            listed += f"<item><title>Hujan</title><link>{self.server.url(path)}</link></item>"
        rss = f'<rss version="2.0"><channel><title>Peringatan</title>{listed}</channel></rss>'
        self.server.publish(RSS, rss, **{"content_type": "application/rss+xml", **how})

    async def looks(self, name: str = "nowcast", **later: float) -> feedbook.Poll:
        self.at[0] += timedelta(**later)
        return await self.watcher.poll(name)

    async def calls(self) -> list[tuple[int, str]]:
        rows = await self.district.pool.fetch("SELECT * FROM alarm WHERE kind = 'feed_vanished' ORDER BY id")
        return [(row["alert_id"], row["says"]) for row in rows]

    async def states(self) -> list[str]:
        return [alert["state"] for alert in await self.district.alerts()]


@pytest.fixture
async def station(pool: db.Pool) -> AsyncIterator[Station]:
    district, at = await open_district(pool), [NOW]
    async with FeedServer() as server:
        watcher = Watcher(pool, district.intake(), FORMATS, lambda: at[0], chance=lambda: 0.0)
        async with watcher.opened():
            yield Station(district, server, watcher, at)


async def test_an_officer_is_called_once_to_what_a_feed_lists_no_longer(station: Station) -> None:
    """The draft stays as it was; unlisted for long, listed again and gone again, nothing more is said."""
    await station.add()
    station.lists(rain(1), rain(2, FAR))
    await station.looks()
    assert (await station.states(), await station.calls()) == (["draft"], [])
    station.lists(rain(2, FAR))
    await station.looks(minutes=1)
    ((alert_id, says),) = await station.calls()
    assert alert_id == (await station.district.alerts())[0]["id"]
    assert f"The feed nowcast no longer lists what alert {alert_id} rests on" in says
    assert "approve, change or reject it" in says
    for listed in ([], [rain(1)], []):
        station.lists(*listed)
        await station.looks(minutes=1)
    assert (await station.states(), len(await station.calls())) == (["draft"], 1)


async def test_no_failure_and_nothing_partial_is_taken_for_a_withdrawal(station: Station) -> None:
    """An error, a log-in page, half a page, a 304, the same bytes and an unread link call nobody."""
    await station.add()
    station.lists(rain(1))
    await station.looks()
    for fault in ("error", "html", "garbage", "truncate", "throttle", "gone"):
        station.lists(fault=fault)
        assert not (await station.looks(minutes=20)).read
    station.lists(rain(1), fault=None)
    assert (await station.looks()).read
    assert (await station.looks()).unchanged
    station.lists(rain(3, FAR))
    page = station.server.publish(f"/nowcast/{rain(3).identifier}.xml", write(rain(3, FAR)), fault="error")
    assert "cannot be read" in (await station.looks()).says
    assert await station.calls() == []
    page.fault = None
    assert (await station.looks(minutes=1)).read
    assert len(await station.calls()) == 1


async def test_what_ended_as_it_should_vanishes_in_silence(station: Station) -> None:
    """What has run out, what was updated or cancelled by its sender, and what ours no longer is, calls nobody."""
    await station.add()
    first = rain(1)
    station.lists(first)
    await station.looks()
    station.lists(replace(rain(2), msg_type=MsgType.UPDATE, references=naming(first), sent=NOW + timedelta(minutes=1)))
    await station.looks(minutes=2)
    assert await station.calls() == []
    station.lists()
    await station.looks(hours=4)
    assert await station.calls() == []


async def test_a_cancel_that_leaves_the_list_too_calls_nobody(station: Station) -> None:
    """Its sender has withdrawn it already, in words."""
    await station.add()
    first = rain(1)
    station.lists(first)
    await station.looks()
    station.lists(replace(rain(2), msg_type=MsgType.CANCEL, references=naming(first), sent=NOW + timedelta(minutes=1)))
    await station.looks(minutes=2)
    station.lists()
    await station.looks(minutes=2)
    assert await station.calls() == []


async def test_in_a_list_of_the_latest_what_newer_ones_push_out_calls_nobody(station: Station) -> None:
    """A feed of CAP may keep only so many: gone counts when an older one is still there, or no newer one."""
    await station.add(format_name="cap")
    station.lists(rain(2))
    await station.looks(minutes=1)
    station.lists(rain(5, FAR))
    await station.looks(minutes=5)
    assert await station.calls() == []
    station.lists(rain(5, FAR), rain(1, FAR))
    await station.looks()
    assert len(await station.calls()) == 1


async def test_a_restart_between_the_list_and_the_call_loses_nothing(station: Station) -> None:
    """The next service reads all of it once more, and compares with what the book says, not with its memory."""
    await station.add()
    station.lists(rain(1))
    await station.looks()
    station.lists()
    now = station.at
    second = Watcher(station.district.pool, station.district.intake(), FORMATS, lambda: now[0], chance=lambda: 0.0)
    async with second.opened():
        await second.poll("nowcast")
    assert len(await station.calls()) == 1


IT = rain(1)


def rest(*alerts: Alert, of_feed: bool = True) -> Rest:
    told = [Source(alert=alert, guid="g", link="l", received_at=NOW, of_feed=of_feed) for alert in alerts]
    return Rest(alert_id=7, state=AlertState.LIVE, told=tuple(told))


def listed(alert: Alert | None = None, guid: str = "", link: str = "") -> Entry:
    return Entry(raw=b"", alert=alert, guid=guid, link=link, refused="" if alert else "unreadable")


@pytest.mark.parametrize(
    ("what", "entries", "lists", "is_gone"),
    [
        (rest(IT), [], Lists.ALL, True),
        (rest(IT), [], Lists.SOME, False),
        (rest(IT, of_feed=False), [], Lists.ALL, False),
        (rest(IT), [listed(IT)], Lists.ALL, False),
        (rest(IT), [listed(replace(IT, sent=NOW + timedelta(minutes=9)))], Lists.ALL, False),
        (rest(IT), [listed(replace(IT, sender=IT.sender.upper()))], Lists.ALL, False),
        (rest(IT), [listed(rain(2))], Lists.ALL, True),
        (rest(IT), [listed(rain(2))], Lists.LATEST, False),
        (rest(IT, rain(2)), [listed(IT)], Lists.ALL, False),
        (rest(IT), [listed(guid="g")], Lists.ALL, False),
        (rest(IT), [listed(link="l")], Lists.ALL, False),
        (rest(IT), [listed(guid="another")], Lists.ALL, True),
        (rest(IT), [listed()], Lists.ALL, False),
        (rest(rain(1, expires=NOW - timedelta(minutes=1))), [], Lists.ALL, False),
    ],
)
def test_only_what_is_surely_not_listed_is_gone(what: Rest, entries: list[Entry], lists: Lists, is_gone: bool) -> None:
    """Any version, any part that still stands, and whatever cannot be read but may be it, keep it."""
    found = gone([what], entries, lambda entry: {name_of(entry.alert)} if entry.alert else set(), lists, NOW)
    assert found == ([what] if is_gone else [])


def test_only_formats_that_list_what_is_in_force_say_so() -> None:
    """The last quake, the last forty, and what is posted or pushed to us, say nothing by silence."""
    assert {name for name, one in FORMATS.items() if one.lists is Lists.ALL} == {"bmkg-nowcast", "meteoalarm", "nws"}
    assert {name for name, one in FORMATS.items() if one.lists is Lists.LATEST} == {"cap", "edxl"}
