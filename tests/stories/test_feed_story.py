"""A weather service's feed opens, updates and ends a flood alert, with officers and, where authorised, without."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from deploy.sandbox.feeds import FeedServer
from tests.stories.town import Town, residents

WIB = timezone(timedelta(hours=7))
RSS = "/nowcast/rss.xml"
FIRST = """
SELECT min(t.at) AS accepted, min(s.received_at) AS seen FROM attempt t JOIN dispatch d ON d.id = t.dispatch_id
JOIN source_alert s ON s.alert_id = d.alert_id WHERE d.alert_id = $1 AND t.outcome = 'accepted' AND d.channel = 'sms'
"""


@pytest.fixture
async def bmkg() -> AsyncIterator[FeedServer]:
    async with FeedServer() as server:
        yield server


def box(west: float, south: float, east: float, north: float) -> str:
    points = ((south, west), (south, east), (north, east), (north, west), (south, west))
    return " ".join(f"{lat},{lon}" for lat, lon in points)


NORTH, BOTH = box(108.9, 0.05, 109.6, 0.5), box(108.9, -0.5, 109.6, 0.5)


def at(minutes: float) -> str:
    return (datetime.now(UTC) + timedelta(minutes=minutes)).astimezone(WIB).isoformat(timespec="seconds")


def nowcast(number: int, area: str, hours: float, extra: str = "") -> tuple[str, str, str]:
    """A nowcast in the weather service's own form: its identifier, when it was sent, and its XML."""
    identifier, sent = f"2.49.0.1.360.0.2026.11.21.12.61.{number:03d}", at(-1)
    msg_type = "Update" if "<references>" in extra else "Alert"
    clear = "<responseType>AllClear</responseType>" if number == 3 else ""
    return (
        identifier,
        sent,
        f"""<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>{identifier}</identifier>
<sender>cuaca.ekstrem@bmkg.go.id</sender><sent>{sent}</sent><status>Actual</status><msgType>{msg_type}</msgType>
<scope>Public</scope>{extra}<info><language>id</language><category>Met</category><event>Hujan Lebat dan Petir</event>
{clear}<urgency>Immediate</urgency><severity>Moderate</severity><certainty>Observed</certainty>
<eventCode><valueName>OET</valueName><value>OET-194</value></eventCode><expires>{at(hours * 60)}</expires>
<senderName>Badan Meteorologi Klimatologi dan Geofisika</senderName>
<headline>Hujan Lebat disertai Petir di Kalimantan Barat</headline>
<description>Hujan lebat disertai petir akan terjadi di sebagian wilayah Kalimantan Barat.</description>
<area><areaDesc>Kalimantan Barat</areaDesc><polygon>{area}</polygon></area></info></alert>""",
    )


def publish(server: FeedServer, *nowcasts: tuple[str, str, str]) -> None:
    """Put the nowcasts up and list them, the newest first."""
    items = []
    for identifier, _, xml in nowcasts:
        path = f"/nowcast/{identifier}_alert.xml"
        server.publish(path, xml)
        items.append(f"<item><title>Hujan Lebat</title><link>{server.url(path)}</link><guid>{identifier}</guid></item>")
    rss = f'<rss version="2.0"><channel><title>Peringatan Dini</title>{"".join(reversed(items))}</channel></rss>'
    server.publish(RSS, f'<?xml version="1.0" encoding="UTF-8"?>{rss}', content_type="application/rss+xml")


async def add(town: Town, server: FeedServer, *, may_release: bool) -> None:
    feed = {"name": "bmkg", "format": "bmkg-nowcast", "url": server.url(RSS), "mode": "Exercise", "every": 3600}
    await town.must("Ani", "POST", "/api/v1/feeds", feed | {"may_release": may_release})


async def poll(town: Town) -> Any:
    return await town.must("Rina", "POST", "/api/v1/feeds/bmkg/poll")


async def the_newest(town: Town) -> Any:
    (newest, *_) = await town.must("Rina", "GET", "/api/v1/alerts")
    return await town.must("Rina", "GET", f"/api/v1/alerts/{newest['id']}")


async def opened_by_poll(town: Town) -> Any:
    """Poll, and tell how soon the first text of the alert that this opened was accepted."""
    began = time.perf_counter()
    await poll(town)
    polled = time.perf_counter() - began
    opened = await the_newest(town)
    await town.done(opened["id"])
    row = await town.service.house.pool.fetchrow(FIRST, opened["id"])
    assert row is not None
    seconds = (row["accepted"] - row["seen"]).total_seconds()
    print(f"poll to release: {polled * 1000:.0f} ms; seen to first attempt accepted: {seconds * 1000:.0f} ms")
    return opened


async def test_a_feed_opens_updates_and_ends_a_flood_alert_by_itself(town: Town, bmkg: FeedServer) -> None:
    """Seen, released, sent, updated with what changed, ended; told again it does nothing."""
    await town.settle(residents(40))
    first = nowcast(1, NORTH, 3)
    publish(bmkg, first)
    await add(town, bmkg, may_release=True)
    opened = await opened_by_poll(town)
    assert (opened["state"], opened["playbook"], opened["level"]) == ("live", "flood", "potensi")
    assert len({t.destination for t in town.smsc.submitted}) == 40
    assert all("POTENSI BANJIR" in t.text or "FLOOD POSSIBLE" in t.text for t in town.smsc.submitted)

    await poll(town)
    assert len(await town.must("Rina", "GET", "/api/v1/alerts")) == 1

    named = f"<references>cuaca.ekstrem@bmkg.go.id,{first[0]},{first[1]}</references>"
    second = nowcast(2, BOTH, 5, named)
    publish(bmkg, first, second)
    await poll(town)
    wider = await the_newest(town)
    assert (wider["purpose"], wider["state"]) == ("update", "live")
    assert wider["area"]["areas"] == 2
    assert wider["expires"] > opened["expires"]
    assert {"info[id]/expires", "info[id]/area[Kalimantan Barat]/outline"} <= {c["where"] for c in wider["changes"]}
    assert wider["source_alert"]["feed"] == "bmkg"
    await town.done(wider["id"])
    assert len(town.smsc.submitted) == 80

    both = named.replace("</references>", f" cuaca.ekstrem@bmkg.go.id,{second[0]},{second[1]}</references>")
    publish(bmkg, first, second, nowcast(3, BOTH, 5, both))
    await poll(town)
    over = await the_newest(town)
    assert (over["purpose"], over["state"], over["facts"]["response"]) == ("all_clear", "live", ["AllClear"])
    await town.done(over["id"])
    assert len(town.smsc.submitted) == 120
    states = [a["state"] for a in await town.must("Rina", "GET", "/api/v1/alerts")]
    assert states == ["live", "superseded", "superseded"]


async def test_a_feed_without_leave_opens_a_draft_that_two_officers_release(town: Town, bmkg: FeedServer) -> None:
    """The officer is called, reads what it rests on and what changed since, and another approves it."""
    await town.settle(residents(10))
    first = nowcast(1, NORTH, 3)
    publish(bmkg, first)
    await add(town, bmkg, may_release=False)
    await poll(town)
    drafted = await the_newest(town)
    assert (drafted["state"], drafted["source_alert"]["did"]) == ("draft", "drafted")
    assert town.smsc.submitted == []
    alarms = await town.must("Rina", "GET", "/api/v1/alarms")
    assert [a["alert_id"] for a in alarms if a["kind"] == "feed_draft"] == [drafted["id"]]

    publish(bmkg, first, nowcast(2, BOTH, 5))  # a new Alert where an Update belongs
    await poll(town)
    renewed = await the_newest(town)
    assert (renewed["state"], renewed["incident_id"]) == ("draft", drafted["incident_id"])
    assert renewed["changes"]

    submitted = await town.must("Rina", "POST", f"/api/v1/alerts/{renewed['id']}/submit")
    await town.approve(submitted)
    await town.done(renewed["id"])
    assert len(town.smsc.submitted) == 10
    states = [a["state"] for a in await town.must("Rina", "GET", "/api/v1/alerts")]
    assert states == ["live", "rejected"]
