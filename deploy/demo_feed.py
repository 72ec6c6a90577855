"""The feed of the demonstration: a made-up weather service tells of heavy rain, and a draft is open at once."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from deploy.demo_district import ZONE
from deploy.demo_scene import Scene
from deploy.sandbox.feeds import FeedServer

HERE = Path(__file__).parent
RSS, CAP = "/nowcast/rss.xml", "/nowcast/hujan_alert.xml"
NAME = "cuaca-contoh"
GOAL = 1.0  # seconds from asking the feed to the open draft


async def feed(scene: Scene) -> None:
    """Let a feed open a draft, and an approver set it aside: the river has risen, a higher level is needed."""
    async with FeedServer() as server:
        _publish(server, datetime.now(UTC))
        body = {"name": NAME, "format": "bmkg-nowcast", "url": server.url(RSS), "mode": "Exercise", "every": 3600}
        await scene.desk.must("Ani", "POST", "/feeds", body)
        scene.timeline.tell("feed", f"Ani added the feed {NAME}: RSS that leads to CAP, as a weather service has it")
        began = time.perf_counter()
        told = await scene.desk.must("Rina", "POST", f"/feeds/{NAME}/poll")
        took = time.perf_counter() - began
        again = await scene.desk.must("Rina", "POST", f"/feeds/{NAME}/poll")
    await _draft(scene, took)
    scene.timeline.check("told again, the feed opens nothing more", not any(one["new"] for one in again["came"]), again)
    scene.timeline.check("the feed could be read", told["read"], told["says"])


async def _draft(scene: Scene, took: float) -> None:
    drafts = await scene.desk.must("Rina", "GET", "/alerts?state=draft")
    scene.timeline.check("the feed's alert opened one draft", len(drafts) == 1, len(drafts))
    if len(drafts) != 1:
        return
    path = f"/alerts/{drafts[0]['id']}"
    shown = await scene.desk.must("Rina", "GET", path)
    says = f"{shown['playbook']} {shown['level']} for {shown['area']['desc']} is drafted and an officer called"
    scene.timeline.tell("feed", f"{took * 1000:.0f} ms after the feed was asked, {says}")
    scene.timeline.check("the draft was open within a second", took < GOAL, f"{took:.2f} s")
    rests = (shown["source_alert"] or {}).get("feed")
    scene.timeline.check("the draft says which feed it rests on", rests == NAME, rests)
    scene.timeline.check(
        "a feed's draft reaches nobody by itself", not scene.smsc.submitted and not scene.telegram.sent
    )
    await scene.desk.must("Budi", "POST", f"{path}/reject", {"reason": "sungai sudah meluap: dipakai tingkat siaga"})
    scene.timeline.tell("feed", "Budi set the draft aside: the river has risen, the siaga level is needed")


def _publish(server: FeedServer, now: datetime) -> None:
    """Put up an index and the alert it leads to, sent a minute ago."""
    sent = (now - timedelta(minutes=1)).astimezone(ZONE).replace(microsecond=0)
    ends = sent + timedelta(hours=3)
    text = (HERE / "demo_nowcast.xml").read_text(encoding="utf-8")
    server.publish(CAP, text.format(stamp=f"{sent:%Y%m%d%H%M%S}", sent=sent.isoformat(), expires=ends.isoformat()))
    entry = f"<item><title>Hujan Lebat (contoh)</title><link>{server.url(CAP)}</link><guid>{sent:%H%M%S}</guid></item>"
    rss = f'<rss version="2.0"><channel><title>Nowcast (contoh)</title>{entry}</channel></rss>'
    server.publish(RSS, rss, content_type="application/rss+xml")
