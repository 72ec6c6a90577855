"""The story of the demonstration: a flood exercise from the warning to the all-clear."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from deploy import demo_checks as checks
from deploy import demo_district as district
from deploy.demo_feed import feed
from deploy.demo_process import Running, command
from deploy.demo_questions import questions
from deploy.demo_scene import Scene, keep, recorded, release

OUTAGE = 2.0  # seconds the Telegram carrier is down, from the release
SLOTS = {
    "place": "Kuala Lama (contoh)",
    "level_m": "1,2",
    "river": "Sungai Contoh",
    "shelters": "SDN 05 Contoh; Masjid Contoh",
    "posko": "0561-765432",
}
NEWS = {"level_m": "3,4", "shelters": "GOR Contoh; SDN 05 Contoh"}


async def tell(scene: Scene, running: Running) -> None:
    """Live through the whole story; every check is on the scene's timeline afterwards."""
    await prepare(scene, running)
    await feed(scene)
    await first_alert(scene)
    await questions(scene)
    await recorded(scene, "siaga")
    await update(scene)
    await all_clear(scene)
    checks.afterwards(scene)


async def prepare(scene: Scene, running: Running) -> None:
    """Add the officers, the areas and the residents."""
    timeline, desk = scene.timeline, scene.desk
    desk.tokens["Ani"] = (await command(running, "officer", "add", "Ani", "--role", "admin")).strip()
    for name, role in (("Rina", "officer"), ("Budi", "approver"), ("Sari", "supervisor")):
        added = await desk.must("Ani", "POST", "/officers", {"name": name, "role": role})
        desk.tokens[name] = added["token"]
    timeline.facts["certificate"] = await desk.page("/certificate.pem")
    timeline.tell("prepare", "officers: Ani (admin), Rina (officer), Budi (approver), Sari (supervisor)")
    areas = await desk.must("Ani", "POST", "/areas?source=demo_areas.geojson", district.areas())
    file = district.as_csv(scene.people)
    (scene.kept / "residents.csv").write_text(file, encoding="utf-8")
    told = await desk.must("Ani", "POST", "/residents?source=residents.csv", file)
    timeline.tell(
        "prepare", f"{areas['saved']} areas, {told['added']} residents; {told['refused']} rows refused by line"
    )
    lines = [fault["line"] for fault in told["faults"]]
    last = len(scene.people) + 1
    timeline.check("the import takes every good row", told["added"] == len(scene.people), told["added"])
    timeline.check("the import names the three bad rows by their lines", lines == [last + 1, last + 2, last + 3], lines)


async def first_alert(scene: Scene) -> None:
    """Launch the siaga level from the weather service's file, while one carrier is down."""
    now = datetime.now(UTC)
    cap = district.warning(now)
    scene.timeline.facts["misplaced"] = district.misplaced(scene.people, cap)
    slots = SLOTS | {"time_observed": district.measured(now)}
    body = {"playbook": "flood", "level": "siaga", "mode": "Exercise", "cap": cap, "slots": slots}
    await _preview(scene, body)
    scene.timeline.start()
    alert = await scene.desk.must("Rina", "POST", "/alerts", body)
    scene.timeline.tell("siaga", f"Rina triggered the flood playbook as an Exercise: alert {alert['identifier']}")
    await _alone(scene, alert)
    one = await release(scene, "siaga", alert, lambda: _outage(scene))
    await keep(scene, "1-siaga", "siaga")
    checks.reached_all(scene, "siaga", one)
    checks.outage(scene, one)


async def _preview(scene: Scene, body: dict[str, Any]) -> None:
    shown = await scene.desk.must("Rina", "POST", "/alerts", body | {"dry_run": True})
    audience, cost = shown["audience"], shown["cost"]
    scene.timeline.tell(
        "preview", f"{len(shown['renditions'])} renditions, cost {cost:,.0f}, {shown['area']['km2']:.0f} km2",
        audience=audience["addresses"],
    )  # fmt: skip
    wanted = district.by_channel([person for person in scene.people if person.warned])
    counted = audience["by_channel"]
    scene.timeline.check("the preview counts exactly those who live in the warned outline", counted == wanted, counted)
    scene.timeline.check("the preview refuses nothing", not shown["refusals"], shown["refusals"])


async def _alone(scene: Scene, alert: dict[str, Any]) -> None:
    """Have Rina try to release her own alert."""
    path, body = f"/alerts/{alert['id']}/approve", {"words_hash": alert["words_hash"]}
    status, told = await scene.desk.ask("Rina", "POST", path, body)
    scene.timeline.tell("siaga", f"Rina alone may not release it: {told.get('error', told)}")
    scene.timeline.check("an officer cannot approve her own alert", status == 403, status)


def _outage(scene: Scene) -> None:
    """Have the Telegram carrier fail now and work again a moment later."""

    def recover() -> None:
        scene.telegram.fault = None
        scene.timeline.facts["recovered"] = datetime.now(UTC).isoformat()
        scene.timeline.tell("siaga", "the Telegram carrier works again", channel="telegram")

    scene.telegram.fault = "error"
    scene.timeline.tell(
        "siaga", "the Telegram carrier begins to fail: it answers 500 to everything", channel="telegram"
    )
    asyncio.get_running_loop().call_later(OUTAGE, recover)


async def update(scene: Scene) -> None:
    """Raise the level with new figures, for everyone the first alert reached."""
    slots = NEWS | {"time_observed": district.measured(datetime.now(UTC))}
    alert = await _follow_up(scene, {"purpose": "update", "level": "awas", "slots": slots})
    scene.timeline.tell("awas", "Rina wrote the update: level awas, water 3.4 m, another main shelter")
    one = await release(scene, "awas", alert)
    await keep(scene, "2-awas", "awas")
    checks.reached_all(scene, "awas", one)
    await recorded(scene, "awas")


async def all_clear(scene: Scene) -> None:
    """End the exercise for everyone it ever reached."""
    alert = await _follow_up(scene, {"purpose": "all_clear", "reason": "air surut di bawah 0,3 m di semua pos"})
    scene.timeline.tell("all-clear", "Rina wrote the all-clear")
    one = await release(scene, "all-clear", alert)
    await keep(scene, "3-all-clear", "all-clear")
    checks.reached_all(scene, "all-clear", one)
    await recorded(scene, "all-clear")


async def _follow_up(scene: Scene, body: dict[str, Any]) -> dict[str, Any]:
    first = scene.alerts["siaga"]["id"]
    alert: dict[str, Any] = await scene.desk.must("Rina", "POST", f"/alerts/{first}/follow", body)
    return alert
