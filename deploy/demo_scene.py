"""The scene of the demonstration: carriers, officers, residents, and one alert's way to the last outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from deploy.demo_desk import Desk, until
from deploy.demo_district import Resident
from deploy.demo_kit import keep_pages, keep_radio
from deploy.demo_timeline import COUNTS, Round, Timeline
from deploy.sandbox.mastodon import MastodonSandbox
from deploy.sandbox.smsc import Smsc
from deploy.sandbox.telegram import TelegramSandbox

ADDRESSED = ("sms", "telegram")
ENDED = frozenset({"done", "stopped"})


@dataclass(slots=True, kw_only=True)
class Scene:
    """Everybody and everything of the demonstration."""

    desk: Desk
    timeline: Timeline
    smsc: Smsc
    telegram: TelegramSandbox
    mastodon: MastodonSandbox
    people: list[Resident]
    radio: Path
    kept: Path
    alerts: dict[str, dict[str, Any]] = field(default_factory=dict)  # by stage, as it was approved
    caps: dict[str, str] = field(default_factory=dict)
    recording: asyncio.Task[list[dict[str, Any]]] | None = None

    def warned(self, channel: str) -> list[Resident]:
        """Give those the first alert must reach."""
        return [person for person in self.people if person.warned and person.channel == channel]

    def sms_to(self, number: str) -> list[str]:
        """Give every text a phone has got so far."""
        return [text.text for text in self.smsc.submitted if _bare(text.destination) == _bare(number)]

    def chat_of(self, chat: str) -> list[str]:
        """Give everything a chat has got so far."""
        return [sent.text for sent in self.telegram.sent if sent.chat_id == chat]


def _bare(number: str) -> str:
    return number.removeprefix("+")


async def release(
    scene: Scene, stage: str, alert: dict[str, Any], while_sending: Callable[[], None] | None = None
) -> Round:
    """Have Budi approve what he reads and follow the alert until every channel has ended."""
    if while_sending is not None:
        while_sending()
    path = f"/alerts/{alert['id']}"
    live = await scene.desk.must("Budi", "POST", f"{path}/approve", {"words_hash": alert["words_hash"]})
    scene.alerts[stage] = live
    released = next(h["at"] for h in live["history"] if h["act"] == "alert.approve")
    scene.timeline.tell(stage, "Budi approved what he read; it is released", when=released)
    await _follow(scene, stage, alert["id"])
    channels = await _receipts(scene, alert["id"])
    one = Round(stage=stage, alert_id=alert["id"], released=datetime.fromisoformat(released), channels=channels)
    scene.timeline.rounds.append(one)
    return one


async def _follow(scene: Scene, stage: str, alert_id: int) -> None:
    """Tell the first acceptance, the first trouble and the end of each channel as the service reports them."""
    told: set[tuple[str, str]] = set()

    def tell_once(what: str, channel: str, says: str, when: str | None, counts: dict[str, int]) -> None:
        if (what, channel) not in told:
            told.add((what, channel))
            scene.timeline.tell(stage, says, channel=channel, when=when, **counts)

    async for dispatches in scene.desk.events("Rina", alert_id):
        for dispatch in dispatches:
            channel, counts = dispatch["channel"], {name: dispatch[name] for name in COUNTS}
            if dispatch["retrying"]:
                says = f"the carrier fails ({dispatch['trouble'] or 'errors'}); it will be tried again"
                tell_once("trouble", channel, says, None, counts)
            if dispatch["accepted"]:
                tell_once("first", channel, "first one accepted", dispatch["first_accepted"], {})
            if dispatch["state"] in ENDED:
                tell_once("end", channel, "all accepted", dispatch["last_accepted"], counts)


async def _receipts(scene: Scene, alert_id: int) -> dict[str, dict[str, Any]]:
    """Wait for the receipts of the only channel that gives any, and give the counts of all."""

    async def told() -> dict[str, dict[str, Any]]:
        channels = await scene.desk.dispatches("Rina", alert_id)
        sms = channels["sms"]
        return channels if sms["delivered"] + sms["undelivered"] >= sms["accepted"] else {}

    channels: dict[str, dict[str, Any]] = await until("the carrier's receipts", told)
    return channels


async def keep(scene: Scene, name: str, stage: str) -> None:
    """Keep what residents and stations see at this moment; the voice goes on speaking meanwhile."""
    alert = scene.alerts[stage]
    scene.caps[stage] = await keep_pages(scene.desk, scene.kept, name, alert["id"])
    recording = keep_radio(scene.radio, scene.kept, name, alert["identifier"])
    scene.recording = asyncio.create_task(recording)


async def recorded(scene: Scene, stage: str) -> None:
    """Wait for the recording that keep() began, and check it."""
    if scene.recording is None:
        return
    bulletins = await scene.recording
    spoken = sorted(f"{one['language']} {one['seconds']:.0f} s" for one in bulletins if one["size"])
    scene.timeline.tell(stage, f"the kit is in the stations' folder, with sound: {', '.join(spoken)}", channel="radio")
    why = "; ".join(says for one in bulletins for says in one["missing"])
    scene.timeline.check(f"{stage}: the bulletin is spoken in both languages", len(spoken) == 2, why)
