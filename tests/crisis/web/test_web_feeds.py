"""The doors of feeds: officers see how each stands and what it told, owners post, and a feed opens a draft in time."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from crisis import plane
from deploy.sandbox.feeds import FeedServer
from tests.stories.town import Hands, Town, open_town, residents

FEEDS = "/api/v1/feeds"
ALERTS = f"{FEEDS}/bpbd/alerts"


def rain(identifier: str, *, event: str = "Hujan Lebat", status: str = "Actual", of: str = "") -> str:
    """A weather warning for the north, as BMKG writes them."""
    now = datetime.now(UTC).replace(microsecond=0)
    sent, expires = (moment.isoformat().replace("+00:00", "-00:00") for moment in (now, now + timedelta(hours=3)))
    kind = (
        f"<msgType>Update</msgType><scope>Public</scope><references>{of}</references>"
        if of
        else ("<msgType>Alert</msgType><scope>Public</scope>")
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>{identifier}</identifier>
<sender>bmkg@example.test</sender>
<sent>{sent}</sent><status>{status}</status>{kind}<info><language>id</language><category>Met</category>
<event>{event}</event><urgency>Immediate</urgency><severity>Severe</severity><certainty>Observed</certainty>
<effective>{sent}</effective><expires>{expires}</expires><senderName>BMKG</senderName>
<headline>{event} di Utara</headline>
<description>Hujan lebat di Utara</description><area><areaDesc>Utara</areaDesc>
<polygon>0.0,109.0 0.0,109.5 0.4,109.5 0.4,109.0 0.0,109.0</polygon></area></info></alert>"""


def index(*links: str) -> str:
    """An RSS index of alerts."""
    items = "".join(f"<item><title>Peringatan</title><link>{link}</link><guid>{link}</guid></item>" for link in links)
    return f'<rss version="2.0"><channel><title>BMKG</title><link>https://x.test/</link>{items}</channel></rss>'


@pytest.fixture
async def bmkg() -> AsyncIterator[FeedServer]:
    async with FeedServer() as server:
        yield server


@pytest.fixture
async def town(dsn: str, tmp_path: Path, free_port: Callable[[], int]) -> AsyncIterator[Town]:
    async with open_town(dsn, tmp_path, free_port(), Hands()) as opened:
        await opened.settle(residents(20))
        yield opened


async def add(town: Town, name: str, url: str, **more: Any) -> Any:
    return await town.must("Ani", "POST", FEEDS, {"name": name, "format": "cap", "url": url} | more)


async def shown(town: Town, name: str) -> Any:
    return next(feed for feed in await town.must("Rina", "GET", FEEDS) if feed["name"] == name)


async def until(town: Town, name: str, holds: Callable[[Any], bool]) -> Any:
    async with asyncio.timeout(10):
        while not holds(feed := await shown(town, name)):
            await asyncio.sleep(0.05)
    return feed


async def test_a_feeds_warning_is_an_open_draft_soon_after_its_poll(town: Town, bmkg: FeedServer) -> None:
    """Added by an admin, read at once through its index, drafted by the playbook, and seen by an officer."""
    bmkg.publish("/1.xml", rain("w1"))
    page = bmkg.publish("/rss.xml", index(bmkg.url("/1.xml")))
    added = await add(town, "bmkg", bmkg.url("/rss.xml"))
    assert (added["mode"], added["state"], added["way"]) == ("Exercise", "new", "polled")
    async with asyncio.timeout(10):
        await bmkg.until(lambda server: server.pages["/1.xml"].asked == 1)
        polled = time.perf_counter()
        while not (entries := await town.must("Rina", "GET", f"{FEEDS}/bmkg/entries")):
            await asyncio.sleep(0.01)
    print(f"poll to draft: {(time.perf_counter() - polled) * 1000:.0f} ms")
    (entry,) = entries
    assert (entry["did"], entry["identifier"], entry["refused"]) == ("drafted", "w1", "")
    draft = await town.must("Rina", "GET", f"/api/v1/alerts/{entry['alert_id']}")
    assert (draft["state"], draft["playbook"], draft["mode"]) == ("draft", "flood", "Exercise")
    assert "feed_draft" in [alarm["kind"] for alarm in await town.must("Rina", "GET", "/api/v1/alarms")]
    feed = await until(town, "bmkg", lambda feed: feed["state"] == "reading")
    assert "last told something new" in feed["says"]
    assert page.asked == 1


async def test_a_poll_now_tells_what_came_or_why_nothing_did(town: Town, bmkg: FeedServer) -> None:
    """New, unchanged, empty and unreadable are four different answers."""
    page = bmkg.publish("/a.xml", rain("p1"))
    await add(town, "one", bmkg.url("/a.xml"), every=86400, quiet_after=90000)
    await until(town, "one", lambda feed: feed["state"] != "new")
    bmkg.publish("/a.xml", rain("p2"))
    found = await town.must("Rina", "POST", f"{FEEDS}/one/poll")
    assert [(c["identifier"], c["new"]) for c in found["came"]] == [("p2", True)]
    assert found["came"][0]["why"]
    found = await town.must("Rina", "POST", f"{FEEDS}/one/poll")
    assert (found["read"], found["unchanged"], found["came"]) == (True, True, [])
    bmkg.publish("/a.xml", index())
    found = await town.must("Rina", "POST", f"{FEEDS}/one/poll")
    assert (found["read"], found["unchanged"], found["came"]) == (True, False, [])
    page.fault = "html"
    found = await town.must("Rina", "POST", f"{FEEDS}/one/poll")
    assert found["read"] is False
    assert "cannot be read as cap" in found["says"]
    feed = await shown(town, "one")
    assert feed["state"] == "trouble"
    assert "last read" in feed["says"]


async def test_a_bad_entry_is_shown_with_its_bytes_and_never_run_by_a_browser(town: Town, bmkg: FeedServer) -> None:
    """What a source published is downloaded as it is, and only by officers."""
    evil = "<html><script>alert(1)</script></html>"
    bmkg.publish("/evil.xml", evil)
    bmkg.publish("/good.xml", rain("g1"))
    bmkg.publish("/rss.xml", index(bmkg.url("/evil.xml"), bmkg.url("/good.xml")))
    await add(town, "mixed", bmkg.url("/rss.xml"))
    await until(town, "mixed", lambda feed: feed["changed_at"] is not None)
    entries = await town.must("Rina", "GET", f"{FEEDS}/mixed/entries")
    refused = next(entry for entry in entries if entry["refused"])
    assert {entry["identifier"] for entry in entries} == {"", "g1"}
    path = f"{FEEDS}/mixed/entries/{refused['id']}/raw"
    url = f"http://127.0.0.1:{town.service.port}{path}"
    async with town.session.get(url, headers={"Authorization": f"Bearer {town.tokens['Rina']}"}) as reply:
        assert await reply.read() == evil.encode()
        assert reply.headers["Content-Type"] == "application/octet-stream"
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["Content-Disposition"].startswith("attachment")
    assert (await town.call("", "GET", path))[0] == 403
    await add(town, "other", bmkg.url("/none.xml"))
    assert (await town.call("Rina", "GET", f"{FEEDS}/other/entries/{refused['id']}/raw"))[0] == 404


async def test_a_replay_shows_which_rule_would_match_and_changes_nothing(town: Town, bmkg: FeedServer) -> None:
    """Dry unless an admin says otherwise, and even then nothing is released."""
    await add(town, "bmkg", bmkg.url("/none.xml"), may_release=True, mode="Exercise")
    path = f"{FEEDS}/bmkg/replay"
    found = await town.must("Rina", "POST", path, rain("r1"))
    assert found["dry"] is True
    (came,) = found["came"]
    assert (came["id"], came["did"], came["identifier"]) == (None, "drafted", "r1")
    assert any("flood" in why for why in came["why"])
    other = await town.must("Rina", "POST", path, rain("r2", event="Angin Kencang"))
    assert other["came"][0]["alert"] is None
    assert await town.must("Rina", "GET", f"{FEEDS}/bmkg/entries") == []
    assert (await town.call("Rina", "POST", f"{path}?dry_run=0", rain("r1")))[0] == 403
    done = await town.must("Ani", "POST", f"{path}?dry_run=0", rain("r1"))
    assert done["came"][0]["did"] == "drafted"
    draft = await town.must("Rina", "GET", f"/api/v1/alerts/{done['came'][0]['alert']}")
    assert draft["state"] == "draft"
    status, told = await town.call("Rina", "POST", path, "<html>")
    assert status == 400
    assert told["error"]


async def test_who_has_a_feeds_token_posts_alerts(town: Town) -> None:
    """New is 201, known is 200 with the same id, unreadable 422 with the reason, and no other token opens it."""
    added = await town.must("Ani", "POST", FEEDS, {"name": "bpbd", "format": "post"})
    token, body = added["token"], rain("post1")
    assert "token" not in await shown(town, "bpbd")

    async def post(given: str | bytes, bearer: str = token) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        return await town.call("", "POST", ALERTS, given, **headers)

    for wrong in ("", "x", town.tokens["Ani"]):
        status, told = await post(body, wrong)
        assert (status, "own token" in told["error"]) == (401, True)
    status, first = await post(body)
    assert (status, first["did"], first["alert"] is not None) == (201, "drafted", True)
    status, again = await post(body)
    assert (status, again["id"], again["alert"]) == (200, first["id"], first["alert"])
    status, told = await post("<alert>half")
    assert status == 422
    assert "cannot be read as CAP" in told["error"]
    assert (await post(b""))[0] == 422
    entries = await town.must("Rina", "GET", f"{FEEDS}/bpbd/entries")
    assert [bool(entry["refused"]) for entry in entries].count(True) == 2
    await town.must("Ani", "PATCH", f"{FEEDS}/bpbd", {"enabled": False})
    assert (await post(body))[0] == 403


async def test_a_body_that_is_too_large_is_cut_off(town: Town) -> None:
    """Nothing of that size is ever held, whether its length was told or not."""
    added = await town.must("Ani", "POST", FEEDS, {"name": "bpbd", "format": "post"})

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(200):
            yield bytes(1 << 16)

    url = f"http://127.0.0.1:{town.service.port}{ALERTS}"
    headers = {"Authorization": f"Bearer {added['token']}"}
    for body in (pieces(), io.BytesIO(bytes(8 * 2**20 + 1))):
        async with town.session.post(url, data=body, headers=headers) as reply:
            assert reply.status == 413
            assert "8 MB" in (await reply.json())["error"]
    assert await town.must("Rina", "GET", f"{FEEDS}/bpbd/entries") == []


async def test_officers_see_feeds_and_only_admins_change_them(town: Town, bmkg: FeedServer) -> None:
    """Faults name their field; a secret in an address is never shown."""
    url = f"http://officer:s3cret@127.0.0.1:{bmkg.port}/a.xml?key=k3y"
    bmkg.publish("/a.xml", index())
    assert (await town.call("Sari", "POST", FEEDS, {"name": "a", "format": "cap", "url": url}))[0] == 403
    assert (await town.call("", "GET", FEEDS))[0] == 403
    added = await add(town, "a", url, hosts=["X.Example"])
    assert (added["url"], added["hosts"]) == (f"http://***@127.0.0.1:{bmkg.port}/a.xml?***", ["x.example"])
    assert "s3cret" not in str(await town.must("Rina", "GET", FEEDS))
    status, told = await town.call("Ani", "POST", FEEDS, {"name": "B", "format": "x", "url": "", "every": 1})
    assert status == 400
    assert {fault["field"] for fault in told["faults"]} == {"name", "format", "every"}
    assert (await town.call("Ani", "POST", FEEDS, {"name": "a", "format": "cap", "url": url}))[0] == 400
    assert (await town.call("Ani", "POST", FEEDS, {"name": "b", "format": "cap", "nonsense": 1}))[0] == 400
    assert (await town.call("Rina", "PATCH", f"{FEEDS}/a", {"enabled": False}))[0] == 403
    changed = await town.must("Ani", "PATCH", f"{FEEDS}/a", {"enabled": False, "every": 120})
    assert (changed["state"], changed["every"]) == ("off", 120)
    assert (await town.call("Rina", "POST", f"{FEEDS}/a/poll"))[0] == 404
    assert (await town.call("Rina", "POST", f"{FEEDS}/none/poll"))[0] == 404
    names = {one["name"] for one in await town.must("Rina", "GET", "/api/v1/feed-formats")}
    assert {"cap", "bmkg-nowcast", "bmkg-quake", "usgs", "gdacs", "nws", "wis2", "post"} <= names


async def test_the_service_stops_while_a_feed_hangs(
    dsn: str, tmp_path: Path, free_port: Callable[[], int], bmkg: FeedServer
) -> None:
    """No feed keeps the service from stopping."""
    bmkg.publish("/hang", "", fault="hang")
    async with asyncio.timeout(20):
        async with open_town(dsn, tmp_path, free_port(), Hands()) as town:
            await add(town, "hang", bmkg.url("/hang"))
            await bmkg.until(lambda server: bool(server.requests))
            began = time.monotonic()
        assert time.monotonic() - began < plane.DRAIN
