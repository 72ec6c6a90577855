"""`make demo`: the main job end to end as an exercise; everything is real but the carriers and the residents.

A service of its own, with an embedded Postgres in a fresh folder, is spoken to over its HTTP API; sandbox
carriers on loopback take what it sends. Exits 0 only if everything that had to happen did.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import time
from pathlib import Path

import aiohttp
from rich.console import Console

from deploy import demo_report as report
from deploy.demo_desk import Desk
from deploy.demo_district import residents
from deploy.demo_kit import KEPT, empty
from deploy.demo_process import Broke, scratch, serving
from deploy.demo_scene import Scene
from deploy.demo_story import tell
from deploy.demo_timeline import Timeline, rounds, table
from deploy.sandbox.mastodon import MastodonSandbox
from deploy.sandbox.smsc import Smsc
from deploy.sandbox.telegram import TelegramSandbox

PRICE = 350  # rupiah for one part of an SMS
SWITCHED_OFF = "77"  # phones whose numbers end so never take anything


async def play(timeline: Timeline, folder: Path, kept: Path) -> None:
    """Start carriers and service, live through the story, and end them in the other order."""
    async with (
        Smsc(undeliverable=lambda number: number.endswith(SWITCHED_OFF)) as smsc,
        TelegramSandbox() as telegram,
        MastodonSandbox() as mastodon,
    ):
        carriers = {
            "sms": f"{smsc.url}&cost={PRICE}",
            "telegram": f"{telegram.url}?rate=5000",
            "mastodon": mastodon.url,
        }
        timeline.tell("prepare", "sandbox carriers listen on loopback: SMPP, Bot API, Mastodon")
        async with serving(folder, carriers, folder / "service.log") as running, aiohttp.ClientSession() as session:
            timeline.tell("prepare", f"the service answers at {running.url}, on an embedded Postgres made for it")
            scene = Scene(
                desk=Desk(session=session, url=running.url),
                timeline=timeline,
                smsc=smsc,
                telegram=telegram,
                mastodon=mastodon,
                people=residents(),
                radio=folder / "radio",
                kept=kept,
            )
            await tell(scene, running)
            timeline.tell("end", "the exercise is over; the service drains and stops")


async def _until_stopped(timeline: Timeline, folder: Path, kept: Path) -> None:
    """Play, and end in order on Ctrl-C or when told to by another process."""
    playing = asyncio.ensure_future(play(timeline, folder, kept))
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, playing.cancel)
    await playing


def main() -> int:
    """Run the demonstration and give its exit code: 0 all held, 1 something did not, 130 stopped by Ctrl-C."""
    began = time.monotonic()
    console = Console(width=None if sys.stdout.isatty() else 160, highlight=False, markup=False, emoji=False)
    timeline, kept = Timeline(console=console), empty(Path(KEPT))
    with scratch() as folder:
        try:
            asyncio.run(_until_stopped(timeline, folder, kept))
        except asyncio.CancelledError:
            console.print("stopped: the service and its database have ended")
            return 130
        except (Broke, aiohttp.ClientError) as broke:
            timeline.check("the story could be told to its end", held=False, detail=broke)
        finally:
            with contextlib.suppress(OSError):
                report.write(timeline, kept, folder / "service.log")
    return _conclude(timeline, kept, began)


def _conclude(timeline: Timeline, kept: Path, began: float) -> int:
    console = timeline.console
    for drawn in (table(timeline), rounds(timeline)):
        console.print()
        console.print(drawn)
    for line in (*report.figures(timeline), *report.WORDS):
        console.print(f"  {line}", soft_wrap=True)
    for check in timeline.failed:
        console.print(f"FAILED: {check.says}: {check.detail}", style="bold red", soft_wrap=True)
    console.print(f"{report.verdict(timeline)} {time.monotonic() - began:.1f} s in all. Left in {kept}/:", end=" ")
    console.print("report.html, timeline.json, page/, cap/, radio/, residents.csv, service.log")
    return 1 if timeline.failed else 0


if __name__ == "__main__":
    sys.exit(main())
