"""Watching: each feed for itself, nothing lost, and "no alerts" never mistaken for "cannot be read"."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from crisis.cap.entry import Entry
from crisis.cap.read import read
from crisis.cap.record import to_record
from crisis.errors import BadInput, IllegalMove, NotFound
from crisis.flow import feedbook
from crisis.model.alert import Mode
from tests.crisis.feeds.conftest import LINES, Desk, cap


async def test_a_hanging_feed_never_delays_another(watching: Desk) -> None:
    """One that answers nothing, one that drips and one that breaks off leave the fourth on its rhythm."""
    for name, fault in (("hangs", "hang"), ("drips", "slow"), ("breaks", "truncate")):
        watching.server.publish(f"/{name}", "FEED\n", fault=fault)
        await watching.add(name)
    watching.server.publish("/well", "FEED\none")
    await watching.add("well")
    async with asyncio.timeout(5):
        await watching.taker.until(lambda: watching.taker.told("well") == ["one"])
        for n in range(2, 4):
            watching.server.publish("/well", f"FEED\n{n}")
            watching.hands.on(seconds=61)
            await watching.taker.until(lambda n=n: watching.taker.told("well")[-1] == str(n))  # type: ignore[misc]
    assert watching.server.pages["/hangs"].asked == 1


async def test_a_parse_that_takes_long_stalls_nobody(watching: Desk) -> None:
    """A document is parsed beside the loop: other feeds are read meanwhile."""
    go, began = threading.Event(), threading.Event()

    def slow(raw: bytes, url: str, now: datetime) -> Sequence[Entry]:
        began.set()
        go.wait(20)
        return LINES.parse(raw, url, now)

    watching.formats["slow"] = replace(LINES, parse=slow)
    watching.watcher.kinds = {**watching.watcher.kinds, "slow": watching.watcher.kinds["lines"]}
    watching.server.publish("/big", "FEED\nbig")
    watching.server.publish("/well", "FEED\none")
    await watching.add("big", format="slow")
    try:
        async with asyncio.timeout(10):
            await asyncio.to_thread(began.wait)
            await watching.add("well")
            await watching.taker.until(lambda: bool(watching.taker.told("well")))
        assert watching.taker.told("big") == []
    finally:
        go.set()
    async with asyncio.timeout(10):
        await watching.taker.until(lambda: bool(watching.taker.told("big")))


async def test_unchanged_is_read_and_costs_nothing(watching: Desk) -> None:
    """After a 304, and after the same bytes from a server without ETag, nothing is taken again."""
    for name, tagged in (("tagged", True), ("plain", False)):
        page = watching.server.publish(f"/{name}", "FEED\none", tagged=tagged)
        await watching.add(name)
        first = await watching.until(name, lambda row: row["read_at"] is not None)
        watching.hands.on(seconds=61)
        again = await watching.until(name, lambda row, first=first: row["read_at"] > first["read_at"])
        assert watching.taker.told(name) == ["one"]
        assert (again["changed_at"], again["trouble"], page.asked) == (first["changed_at"], "", 2)
    assert watching.server.pages["/tagged"].answered_304 >= 1


async def test_what_is_new_in_a_large_feed_waits_for_nothing_known(desk: Desk) -> None:
    """Only what is not known as it stands is taken; what was not taken well is taken again."""
    known = [f"entry {n}" for n in range(500)]
    desk.taker.spoilt = {"entry 7"}
    desk.server.publish("/f", "FEED\n" + "\n".join(known))
    await desk.add("f")
    async with desk.watcher.opened():
        assert len((await desk.watcher.poll("f")).came) == 500
        desk.taker.spoilt = set()
        assert len((await desk.watcher.poll("f")).came) == 500
        desk.server.publish("/f", "FEED\n" + "\n".join([*known, "the news"]))
        assert [one.guid for one in (await desk.watcher.poll("f")).came] == ["the news"]
        desk.server.publish("/f", "FEED\nthe news")
        assert (await desk.watcher.poll("f")).came == ()
        desk.server.publish("/f", "FEED\nentry 3")
        assert [one.guid for one in (await desk.watcher.poll("f")).came] == ["entry 3"]


async def test_no_alerts_and_cannot_be_read_are_different_facts(watching: Desk) -> None:
    """An empty feed is read; a log-in page, rubbish and an error are trouble that says what it is."""
    watching.server.publish("/empty", "FEED\n")
    await watching.add("empty")
    row = await watching.until("empty", lambda row: row["tried_at"] is not None)
    assert (row["read_at"], row["trouble"], row["failures"], row["changed_at"]) == (row["tried_at"], "", 0, None)
    cases = (("page", "html", "cannot be read as lines"), ("junk", "garbage", "cannot be read as lines"))
    for name, fault, says in (*cases, ("ill", "error", "answered 500"), ("gone", "gone", "answered 410")):
        watching.server.publish(f"/{name}", "FEED\none", fault=fault)
        await watching.add(name)
        row = await watching.until(name, lambda row: row["tried_at"] is not None)
        assert (row["read_at"], row["failures"]) == (None, 1)
        assert says in row["trouble"]
    assert watching.taker.taken == []


async def test_a_feed_that_fails_is_asked_ever_later_and_comes_back(desk: Desk) -> None:
    """The wait doubles, and the first answer puts it back on its rhythm; what it told before is not touched."""
    desk.server.publish("/f", "FEED\none")
    await desk.add("f", every=timedelta(seconds=10))
    async with desk.watcher.opened():
        await desk.watcher.poll("f")
        page = desk.server.publish("/f", "FEED\none\ntwo", fault="error")
        waits = []
        for _ in range(5):
            assert not (await desk.watcher.poll("f")).read
            waits.append((await desk.row("f"))["next_at"] - desk.hands.now())
        assert [wait.total_seconds() for wait in waits] == [10, 20, 40, 80, 160]
        page.fault, page.retry_after = "throttle", "3000"
        await desk.watcher.poll("f")
        assert (await desk.row("f"))["next_at"] - desk.hands.now() == timedelta(seconds=3000)
        assert desk.taker.told("f") == ["one"]
        page.fault = None
        found = await desk.watcher.poll("f")
    row = await desk.row("f")
    assert (row["failures"], row["trouble"], row["next_at"]) == (0, "", desk.hands.now() + timedelta(seconds=10))
    assert [one.guid for one in found.came if one.new] == ["two"]


async def test_one_bad_entry_never_stops_the_others(desk: Desk) -> None:
    """What intake itself fails on is kept as refused with its bytes, told as trouble, and tried again."""
    desk.taker.spoilt = {"b"}
    desk.server.publish("/f", "FEED\na\nb\nc")
    await desk.add("f")
    async with desk.watcher.opened():
        found = await desk.watcher.poll("f")
        assert [one.guid for one in found.came] == ["a", "b", "c"]
        assert "tried again" in found.came[1].refused
        assert "itself failed" in (await desk.row("f"))["trouble"]
        kept = next(entry for _, entry, _ in desk.taker.taken if entry.guid == "b")
        assert (kept.raw, kept.alert) == (b"b", None)
        desk.taker.spoilt = set()
        again = await desk.watcher.poll("f")
    assert not again.unchanged
    assert again.says == ""
    assert (await desk.row("f"))["trouble"] == ""


async def test_a_hostile_name_in_one_entry_spoils_nothing_else(desk: Desk) -> None:
    """A NUL, half a character and a terminal's commands are refused alone, and no sentence carries them on."""
    hostile = ["a\0b", "\ud800", "x\x1b[2Jy"]

    def evil(raw: bytes, url: str, now: datetime) -> Sequence[Entry]:
        links = [Entry(raw=b"l", guid=name, link=f"{url}{name}") for name in hostile]
        return [*links, Entry(raw=b"n", guid="a\0", link=f"{url}.xml"), Entry(raw=b"good", guid="good", refused="x")]

    desk.formats["lines"] = replace(LINES, parse=evil)
    desk.server.publish("/f", "FEED\na")
    desk.server.publish("/f.xml", cap("a1"))
    await desk.add("f")
    async with desk.watcher.opened():
        found = await desk.watcher.poll("f")
    assert len(found.came) == 5
    assert {one.guid for one in found.came if one.link} == {"a\ufffd"}
    assert [one.refused for one in found.came if one.guid == "good"] == ["x"]
    assert all(one.refused.isprintable() and one.guid.isprintable() for one in found.came)
    assert [path for path, _ in desk.server.requests] == ["/f", "/f.xml"]
    row = await desk.row("f")
    assert (row["trouble"], row["read_at"]) == ("", desk.hands.now())


async def test_a_flood_of_entries_is_told_and_not_taken(desk: Desk) -> None:
    """More than any feed of alerts has is somebody's mistake or malice: officers hear of it."""
    desk.server.publish("/f", "FEED\n" + "\n".join(str(n) for n in range(20_001)))
    await desk.add("f")
    async with desk.watcher.opened():
        found = await desk.watcher.poll("f")
    assert (found.read, found.came, "20,001 entries" in found.says) == (False, (), True)


async def test_a_format_with_a_bug_is_trouble_and_no_crash(desk: Desk) -> None:
    """Whatever a parser raises, the feed is told as unreadable and the watcher goes on."""

    def broken(raw: bytes, url: str, now: datetime) -> Sequence[Entry]:
        raise ZeroDivisionError

    desk.formats["lines"] = replace(LINES, parse=broken)
    desk.server.publish("/f", "FEED\na")
    await desk.add("f")
    async with desk.watcher.opened():
        found = await desk.watcher.poll("f")
    assert (found.read, found.came) == (False, ())
    assert "the format lines failed on it" in found.says


async def test_links_are_followed_once_until_their_entry_changes(desk: Desk) -> None:
    """The whole alert is taken with its own bytes and the index's name for it, and not fetched at each look."""
    link = desk.server.url("/alert.xml")
    page = desk.server.publish("/alert.xml", cap("a1"))
    desk.server.publish("/f", f"FEED\n{link}", tagged=False)
    await desk.add("f")
    async with desk.watcher.opened():
        found = await desk.watcher.poll("f")
        assert [(one.identifier, one.guid, one.link) for one in found.came] == [("a1", link, link)]
        _, entry, _ = desk.taker.taken[0]
        assert entry.raw == page.body
        desk.server.publish("/f", f"FEED\n{link}\nwords")
        await desk.watcher.poll("f")
        assert page.asked == 1
        desk.server.publish("/alert.xml", cap("a2"))
        desk.server.publish("/f", f"FEED\n{link} changed\nwords")
        found = await desk.watcher.poll("f")
    assert page.asked == 2
    assert "a2" in [one.identifier for one in found.came]


async def test_a_link_that_cannot_be_read_now_is_tried_again_though_the_index_is_unchanged(desk: Desk) -> None:
    """Trouble is told, the others are taken, and no 304 hides that something is left to do."""
    good, bad = desk.server.url("/good.xml"), desk.server.url("/bad.xml")
    desk.server.publish("/good.xml", cap("good"))
    page = desk.server.publish("/bad.xml", cap("bad"), fault="error")
    desk.server.publish("/f", f"FEED\n{bad}\n{good}")
    await desk.add("f")
    async with desk.watcher.opened():
        found = await desk.watcher.poll("f")
        assert [one.identifier for one in found.came] == ["good"]
        row = await desk.row("f")
        assert "1 of 2 linked alerts cannot be read" in row["trouble"]
        assert (row["read_at"], row["etag"]) == (None, "")
        assert row["changed_at"] is not None
        page.fault = None
        await desk.watcher.poll("f")
        assert page.asked == 1  # not at once again
        desk.hands.on(seconds=61)
        found = await desk.watcher.poll("f")
    assert [one.identifier for one in found.came] == ["bad"]
    row = await desk.row("f")
    assert (row["trouble"], row["read_at"]) == ("", desk.hands.now())


async def test_a_link_that_leads_astray_is_refused_with_its_reason(desk: Desk) -> None:
    """Another host, a file, a page that is no alert and one that is gone are each kept with what is wrong."""
    desk.server.publish("/page.xml", "<html>no alert</html>")
    links = {
        "http://evil.example/a.xml": "add --host evil.example",
        f"http://localhost:{desk.server.port}/page.xml": "add --host localhost",
        desk.server.url("/none.xml"): "answered 404",
        desk.server.url("/page.xml"): "",
    }
    desk.server.publish("/f", "FEED\n" + "\n".join(links))
    await desk.add("f")
    async with desk.watcher.opened():
        found = await desk.watcher.poll("f")
    assert {one.link for one in found.came} == set(links)
    for one in found.came:
        assert one.refused
        assert links[one.link] in one.refused
    assert {path for path, _ in desk.server.requests} == {"/f", "/none.xml", "/page.xml"}


async def test_an_alert_with_a_summary_does_not_wait_for_its_link(desk: Desk) -> None:
    """When the whole cannot be had, what the index itself told is taken."""
    link = desk.server.url("/whole.xml")
    page = desk.server.publish("/whole.xml", cap("whole"), fault="error")

    def summary(raw: bytes, url: str, now: datetime) -> Sequence[Entry]:
        return [Entry(raw=raw, guid="s", link=link, alert=read(cap("summary").encode()).alert)]

    desk.formats["lines"] = replace(LINES, parse=summary)
    desk.server.publish("/f", "FEED")
    await desk.add("f")
    async with desk.watcher.opened():
        assert [one.identifier for one in (await desk.watcher.poll("f")).came] == ["summary"]
        page.fault = None
        desk.hands.on(seconds=61)
        assert [one.identifier for one in (await desk.watcher.poll("f")).came] == ["whole"]
        desk.server.publish("/f", "FEED\n")
        assert (await desk.watcher.poll("f")).came != ()


async def test_two_services_share_the_feeds_out(watching: Desk) -> None:
    """On one database each feed is asked once a turn, whoever asks."""
    second = asyncio.create_task(watching.another().run())
    try:
        for n in range(8):
            watching.server.publish(f"/f{n}", f"FEED\nentry {n}", tagged=False)
            await watching.add(f"f{n}")
        for turn in (1, 2, 3):
            for n in range(8):
                await watching.until(f"f{n}", lambda row: row["read_at"] == watching.hands.now())
            assert [watching.server.pages[f"/f{n}"].asked for n in range(8)] == [turn] * 8
            watching.hands.on(seconds=61)
    finally:
        second.cancel()
        await asyncio.wait([second])


async def test_the_turn_of_a_reader_that_died_passes_on(desk: Desk) -> None:
    """Until its turn ends nobody else reads the feed, then somebody does; the dead one's note is void."""
    desk.server.publish("/f", "FEED\none")
    await desk.add("f")
    dead = await feedbook.take_due(desk.pool, desk.hands.now(), never=(), busy=())
    assert dead is not None
    desk.hands.on(seconds=29)
    assert await feedbook.take_due(desk.pool, desk.hands.now(), never=(), busy=()) is None
    desk.hands.on(seconds=2)
    async with _running(desk):
        await desk.until("f", lambda row: row["read_at"] is not None)
    late = feedbook.Note(at=desk.hands.now(), next_at=desk.hands.now(), read=False, trouble="late")
    assert not await feedbook.note(desk.pool, dead, dead.ends, late)
    assert await feedbook.renew(desk.pool, dead, dead.ends, desk.hands.now()) is None
    assert (await desk.row("f"))["trouble"] == ""


async def test_a_service_that_stops_gives_its_turns_back(desk: Desk) -> None:
    """What it was reading is due at once for whoever starts next."""
    desk.server.publish("/f", "FEED\none", fault="hang")
    await desk.add("f")
    async with _running(desk), asyncio.timeout(10):
        await desk.server.until(lambda server: bool(server.requests))
    assert (await desk.row("f"))["next_at"] == desk.hands.now()


async def test_officers_are_called_once_to_a_feed_that_stays_unread(desk: Desk) -> None:
    """Not at the first fault, not at each, and anew for the next trouble; the call is in both languages."""
    page = desk.server.publish("/f", "FEED\none")
    await desk.add("f")
    async with desk.watcher.opened():
        await desk.watcher.poll("f")
        for episode in (1, 2):
            page.fault = "error"
            for n in range(8):
                desk.hands.on(seconds=61)
                await desk.watcher.poll("f")
                await feedbook.call_officers(desk.pool, desk.watcher.kinds, desk.hands.now(), desk.watcher.zone)
                assert len(await desk.alarms()) == episode - (n < 3)
            page.fault = None
            await desk.watcher.poll("f")
            assert (await desk.row("f"))["called_at"] is None
    first = (await desk.alarms())[0]
    assert "cannot be read since" in first
    assert "tidak terbaca sejak" in first


async def test_officers_are_called_once_to_a_feed_that_fell_silent(desk: Desk) -> None:
    """Read and unchanged for longer than it may be is a question to somebody, not a fault."""
    page = desk.server.publish("/f", "FEED\none")
    await desk.add("f", quiet_after=timedelta(hours=2))
    async with desk.watcher.opened():
        await desk.watcher.poll("f")
        for hour in range(5):
            await desk.watcher.poll("f")
            await feedbook.call_officers(desk.pool, desk.watcher.kinds, desk.hands.now(), desk.watcher.zone)
            assert len(await desk.alarms()) == (hour >= 2), hour
            desk.hands.on(hours=1)
        page.body = b"FEED\ntwo"
        await desk.watcher.poll("f")
    row = await desk.row("f")
    assert (row["called_at"], row["changed_at"]) == (None, desk.hands.now())
    assert "nothing new since" in (await desk.alarms())[0]


async def test_a_feed_that_is_switched_off_is_left_alone(watching: Desk) -> None:
    """Nobody asks it, not even when told to; switched on it is read at once."""
    page = watching.server.publish("/f", "FEED\none")
    await watching.add("f")
    await watching.until("f", lambda row: row["read_at"] is not None)
    await _change(watching, "f", enabled=False)
    watching.hands.on(hours=5)
    with pytest.raises(NotFound, match="switched off"):
        await watching.watcher.poll("f")
    assert page.asked == 1
    await _change(watching, "f", enabled=True)
    await watching.until("f", lambda row: row["read_at"] == watching.hands.now())
    assert page.asked == 2


async def test_a_replay_never_releases_and_a_dry_one_changes_nothing(desk: Desk) -> None:
    """Nobody can release alone what no source ever said."""
    await desk.add("f", mode=Mode.ACTUAL, may_release=True)
    found = await desk.watcher.replay("f", b"FEED\none\nhttp://127.0.0.1/a.xml", dry=True)
    assert [one.id for one in found.came] == [None, None]
    assert "only a link" in found.came[1].refused
    await desk.watcher.replay("f", b"FEED\none", dry=False)
    assert [(feed.may_release, dry) for feed, _, dry in desk.taker.taken] == [(False, True)] * 2 + [(False, False)]
    with pytest.raises(BadInput, match="not FEED"):
        await desk.watcher.replay("f", b"rubbish", dry=True)
    assert desk.server.requests == []


async def test_what_is_posted_is_kept_even_if_it_cannot_be_read(desk: Desk) -> None:
    """Its bytes and the reason stay; asking such a feed is refused, for it tells by itself."""
    token = await _add_posted(desk)
    assert token
    found = await desk.watcher.post("p", b"FEED\none")
    assert [one.guid for one in found.came] == ["one"]
    found = await desk.watcher.post("p", b"\xff\x00rubbish")
    assert "not FEED" in found.came[0].refused
    assert desk.taker.taken[-1][1].raw == b"\xff\x00rubbish"
    with pytest.raises(IllegalMove, match="never asked, it posts"):
        await desk.watcher.poll("p")
    row = await desk.row("p")
    assert row["read_at"] == desk.hands.now()


async def test_an_alert_sent_by_a_clock_ahead_is_taken_again_when_its_time_has_come(desk: Desk) -> None:
    """Told only once, it would otherwise wait for ever."""
    desk.server.publish("/f", "FEED\n")
    await desk.add("f")
    alert = read(cap("ahead").encode()).alert
    sent = desk.hands.now() + timedelta(minutes=30)
    row = await desk.row("f")
    await desk.pool.execute(
        "INSERT INTO source_alert (feed_id, identifier, sender, sent, digest, raw, alert, did, received_at)"
        " VALUES ($1, 'ahead', 's', $2, 'd', 'x', $3, 'held', $4)",
        row["id"], sent, to_record(alert), desk.hands.now(),
    )  # fmt: skip
    assert await feedbook.waiting(desk.pool, desk.hands.now()) == []
    desk.hands.on(minutes=31)
    async with _running(desk), asyncio.timeout(10):
        await desk.taker.until(lambda: any(entry.alert == alert for _, entry, _ in desk.taker.taken))


async def test_the_watcher_outlives_a_lost_database(watching: Desk) -> None:
    """Its connections are cut; it goes on, and the feed is read when its turn comes."""
    watching.server.publish("/f", "FEED\none")
    await watching.add("f")
    await watching.until("f", lambda row: row["read_at"] is not None)
    with contextlib.suppress(Exception):
        await watching.pool.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        )
    watching.hands.on(seconds=61)
    async with asyncio.timeout(10):
        while True:
            with contextlib.suppress(Exception):
                await watching.until("f", lambda row: row["read_at"] == watching.hands.now())
                break


async def test_a_secret_in_an_address_is_in_no_word_about_it(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither trouble nor alarms nor the log tell a password."""
    page = desk.server.publish("/f", "FEED\none", fault="error")
    url = f"http://officer:s3cret@127.0.0.1:{desk.server.port}/f?key=k3y"
    await desk.add("f", url)
    async with desk.watcher.opened():
        for _ in range(6):
            found = await desk.watcher.poll("f")
            desk.hands.on(minutes=2)
    await feedbook.call_officers(desk.pool, desk.watcher.kinds, desk.hands.now(), desk.watcher.zone)
    said = json.dumps([found.says, await desk.alarms(), (await desk.row("f"))["trouble"]]) + str(capsys.readouterr())
    assert page.asked >= 6
    assert "answered 500" in said
    assert "s3cret" not in said
    assert "k3y" not in said


@contextlib.asynccontextmanager
async def _running(desk: Desk) -> AsyncIterator[None]:
    run = asyncio.create_task(desk.watcher.run())
    try:
        yield
    finally:
        run.cancel()
        await asyncio.wait([run])


async def _change(desk: Desk, name: str, **changes: Any) -> None:
    await feedbook.change(desk.pool, name, changes, desk.watcher.kinds, desk.admin, desk.hands.now())


async def _add_posted(desk: Desk) -> str:
    new = feedbook.NewFeed(name="p", format="post", every=timedelta(minutes=1))
    return await feedbook.add(desk.pool, new, desk.watcher.kinds, desk.admin, desk.hands.now())
