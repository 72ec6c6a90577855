"""What other systems read: the same CAP bytes for ever, feeds in a stable order, and a history to catch up by."""

from __future__ import annotations

from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from lxml import etree

from crisis import db
from crisis.cap.read import read
from crisis.model.alert import Mode
from crisis.model.words import Purpose
from crisis.web.published import PER_PAGE
from tests.crisis.web.town import NOW, OFFICE, Town, open_town

ATOM = {"a": "http://www.w3.org/2005/Atom"}


@pytest.fixture(name="town")
async def open_door(pool: db.Pool, tmp_path: Path) -> AsyncIterator[Town]:
    async with open_town(pool, tmp_path) as town:
        yield town


async def test_the_cap_of_an_alert_is_the_same_bytes_after_a_restart_with_other_settings(
    town: Town, pool: db.Pool, tmp_path: Path
) -> None:
    """Whoever signed, hashed or compared them must find them as they were; HEAD tells the tag without the body."""
    alert = await town.alert()
    first = await town.get(f"/a/{alert}.xml")
    head = await town.client.head(f"/a/{alert}.xml")
    assert (head.status, head.headers["ETag"], await head.read()) == (200, first.headers["ETag"], b"")
    assert not first.headers["ETag"].startswith("W/")
    assert first.headers["X-CAP-Signed"] == "no"
    await pool.execute("UPDATE cap_document SET xml = xml || ' '::bytea")  # shows where the bytes come from
    async with open_town(pool, tmp_path) as again:
        second = await again.get(f"/a/{alert}.xml")
        assert await second.read() == await first.read() + b" "
    assert read(await first.read()).alert.identifier in await town.read("/feed.atom")


async def test_without_a_signer_there_is_no_certificate_to_pin(town: Town) -> None:
    """An empty file would be pinned."""
    await town.read("/certificate.pem", 404)


async def test_rss_lists_what_is_in_force_newest_first_with_the_identifier_as_guid(town: Town) -> None:
    """Cancels are in it too; the exercise has its own."""
    first = await town.alert()
    cancel = await town.alert(Purpose.CANCEL, after=first)
    other = await town.alert()
    drill = await town.alert(mode=Mode.EXERCISE)
    reply = await town.get("/feed.rss")
    assert reply.headers["Content-Type"] == "application/rss+xml; charset=utf-8"
    root = etree.fromstring(await reply.read())
    names = {i: await town.pool.fetchval("SELECT identifier FROM alert WHERE id = $1", i) for i in (cancel, other)}
    assert root.xpath("//item/guid/text()") == [names[other], names[cancel]]
    assert root.xpath("//item/guid/@isPermaLink") == ["false", "false"]
    assert root.xpath("//item/link/text()") == [f"{OFFICE.public_url}/a/{i}.xml" for i in (other, cancel)]
    assert root.xpath("//item/enclosure/@type") == ["application/cap+xml"] * 2
    assert parsedate_to_datetime(str(root.findtext("channel/item/pubDate"))) == NOW
    assert (await town.get("/feed.rss", **{"If-None-Match": reply.headers["ETag"]})).status == 304
    exercise = await town.read("/exercise/feed.rss")
    assert f"/a/{drill}.xml" in exercise
    assert "LATIHAN / EXERCISE" in exercise


async def test_who_was_offline_pages_back_through_everything_once(town: Town) -> None:
    """Ended, withdrawn and replaced alerts and their cancels are all there, none twice, newest first."""
    chain = await town.alert()
    await town.alert(Purpose.CANCEL, after=chain)
    while town.last < PER_PAGE + 7:
        await town.alert(state="expired")
    await town.alert(mode=Mode.EXERCISE)
    await town.alert(state="draft")
    path, seen = "/history.atom", []
    for _ in range(4):
        root = etree.fromstring((await town.read(path)).encode())
        seen += root.xpath("//a:entry/a:link[@rel='alternate']/@href", namespaces=ATOM)
        following = root.xpath("a:link[@rel='next']/@href", namespaces=ATOM)
        if not following:
            break
        parts = urlsplit(following[0])
        path = f"{parts.path}?{parts.query}"
    assert seen == [f"{OFFICE.public_url}/a/{i}.xml" for i in range(PER_PAGE + 7, 0, -1)]
    assert f"/a/{PER_PAGE + 8}.xml" in await town.read("/exercise/history.atom")


@pytest.mark.parametrize("before", ["x", "-1", "9" * 30, "²", "4711", "%00"])
async def test_a_page_of_history_that_is_not_there_is_refused(town: Town, before: str) -> None:
    """In words, with 404."""
    await town.read(f"/history.atom?before={before}", 404)


async def test_an_older_page_of_history_never_changes(town: Town) -> None:
    """So that others may keep it: what is released later stands on newer pages."""
    for _ in range(4):
        await town.alert()
    before = await town.get("/history.atom?before=3")
    await town.set_state("expired", 1)
    await town.alert()
    after = await town.get("/history.atom?before=3")
    assert (await after.read(), after.headers["ETag"]) == (await before.read(), before.headers["ETag"])
