"""A whole service with sandbox carriers, spoken to as officers and residents do."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp

from crisis import app
from crisis.flow import register
from crisis.model.officer import Role
from crisis.settings import Settings
from deploy.sandbox.mastodon import MastodonSandbox
from deploy.sandbox.smsc import Smsc
from deploy.sandbox.telegram import TelegramSandbox

NORTH = [[109.0, 0.0], [109.5, 0.0], [109.5, 0.4], [109.0, 0.4], [109.0, 0.0]]
SOUTH = [[109.0, -0.4], [109.5, -0.4], [109.5, -0.01], [109.0, -0.01], [109.0, -0.4]]
EMPTY = [[110.0, 1.0], [110.1, 1.0], [110.1, 1.1], [110.0, 1.1], [110.0, 1.0]]
SLOTS = {
    "place": "Desa Kuala Dua",
    "level_m": "1,2",
    "time_observed": "2026-11-21 19.30 WIB",
    "shelters": "SDN 05 Kuala Dua; Masjid Nurul Iman",
    "posko": "0561-765432",
}
KEY = "07" * 32


def areas() -> str:
    """Three squares: two where people live, one where nobody does."""
    shapes = (("61.01", "Utara", NORTH), ("61.02", "Selatan", SOUTH), ("61.03", "Kosong", EMPTY))
    features = [
        {
            "type": "Feature",
            "properties": {"kode": code, "nama": name},
            "geometry": {"type": "Polygon", "coordinates": [ring]},
        }
        for code, name, ring in shapes
    ]
    return json.dumps({"type": "FeatureCollection", "features": features})


def residents(sms: int, telegram: int = 0, *, area: str = "61.01", seed: int = 1, exercise: str = "yes") -> str:
    """A CSV of made-up residents, every fifth in English, with seeded risks."""
    chance = random.Random(seed)
    lines = ["address,channel,language,area,consent,risk,exercise"]
    for n in range(sms):
        language = "en" if n % 5 == 0 else "id"
        lines.append(f"+62812{seed:02d}{n:06d},sms,{language},{area},yes,{chance.randrange(10)},{exercise}")
    chats = [f"{seed * 1000000 + n},telegram,id,{area},yes,{chance.randrange(10)},{exercise}" for n in range(telegram)]
    return "\n".join(lines + chats)


@dataclass(slots=True, kw_only=True)
class Town:
    """A district on the day: its service, its carriers, and its officers."""

    dsn: str
    folder: Path
    smsc: Smsc
    mastodon: MastodonSandbox
    telegram: TelegramSandbox
    settings: Settings
    service: app.Service
    session: aiohttp.ClientSession
    tokens: dict[str, str] = field(default_factory=dict)

    async def call(self, who: str, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Ask the API as one of the officers; "" asks without a token."""
        if who:
            headers["Authorization"] = f"Bearer {self.tokens[who]}"
        url = f"http://127.0.0.1:{self.service.port}{path}"
        given = {"data": body} if isinstance(body, str | bytes) else {"json": body}
        async with self.session.request(method, url, headers=headers, **given) as reply:
            return reply.status, await reply.json()

    async def must(self, who: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Ask the API and expect that it works."""
        status, told = await self.call(who, method, path, body, **headers)
        assert status < 300, (status, told)
        return told

    async def page(self, path: str) -> tuple[int, str]:
        """Read a public page as residents do."""
        async with self.session.get(f"http://127.0.0.1:{self.service.port}{path}") as reply:
            return reply.status, await reply.text()

    async def settle(self, people: str) -> None:
        """Bring in the areas and residents."""
        await self.must("Ani", "POST", "/api/v1/areas", areas())
        told = await self.must("Ani", "POST", "/api/v1/residents", people)
        assert told["refused"] == 0, told

    async def trigger(self, **changes: Any) -> Any:
        """Have Rina submit a flood alert for the north, as an exercise."""
        body = {"playbook": "flood", "level": "siaga", "mode": "Exercise", "areas": ["61.01"], "slots": SLOTS} | changes
        return await self.must("Rina", "POST", "/api/v1/alerts", body)

    async def approve(self, alert: Any, who: str = "Budi") -> Any:
        """Have Budi approve what he reads."""
        body = {"words_hash": alert["words_hash"]}
        return await self.must(who, "POST", f"/api/v1/alerts/{alert['id']}/approve", body)

    async def progress(self, alert_id: int) -> dict[str, Any]:
        """Read how far an alert has got, by channel."""
        shown = await self.must("Rina", "GET", f"/api/v1/alerts/{alert_id}")
        return {d["channel"]: d for d in shown["dispatches"]}

    async def until(
        self, holds: Callable[[dict[str, Any]], bool], alert_id: int, within: float = 20.0
    ) -> dict[str, Any]:
        """Wait until an alert's progress is as wanted."""
        async with asyncio.timeout(within):
            while not holds(last := await self.progress(alert_id)):
                await self.service.house.progress.wait(0.1)
        return last

    async def done(self, alert_id: int, within: float = 20.0) -> dict[str, Any]:
        """Wait until every dispatch of an alert has ended."""
        return await self.until(lambda p: all(d["state"] in {"done", "stopped"} for d in p.values()), alert_id, within)


OFFICERS = (("Ani", Role.ADMIN), ("Rina", Role.OFFICER), ("Budi", Role.APPROVER), ("Sari", Role.SUPERVISOR))


def environment(
    folder: Path, dsn: str, smsc: Smsc, mastodon: MastodonSandbox, telegram: TelegramSandbox, port: int
) -> dict[str, str]:
    """The settings of the town's service: every account is for exercises."""
    return {
        "CRISIS_DATABASE_URL": dsn,
        "CRISIS_DATA_DIR": str(folder),
        "CRISIS_KEY": KEY,
        "CRISIS_PORT": str(port),
        "CRISIS_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "CRISIS_AGENCY": "BPBD Contoh",
        "CRISIS_EXERCISE_SMS": smsc.url,
        "CRISIS_EXERCISE_TELEGRAM": f"{telegram.url}?rate=100000",  # a carrier without delay
        "CRISIS_EXERCISE_MASTODON": f"{mastodon.url}?rate=100000",
        "CRISIS_EXERCISE_PAGE": f"http://127.0.0.1:{port}",
        # Words alone: whole kits of every story would take more time than all the rest.
        "CRISIS_EXERCISE_RADIO": f"file://{folder}/radio?title=BPBD&base=http://127.0.0.1:{port}/exercise/radio&kit=words",
        "CRISIS_LEASE_SECONDS": "2",
        "CRISIS_TICK_SECONDS": "0.1",
    }


@dataclass(slots=True)
class Hands:
    """The town's clock: tests move it, nobody sleeps."""

    ahead: timedelta = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@contextlib.asynccontextmanager
async def open_town(dsn: str, folder: Path, port: int, hands: Hands, **more: str) -> AsyncIterator[Town]:
    """Start the carriers and the service; without a `dsn` it runs its embedded Postgres in the folder.

    `more` are further settings by their names.
    """
    async with (
        Smsc() as smsc,
        MastodonSandbox() as mastodon,
        TelegramSandbox() as telegram,
        aiohttp.ClientSession() as session,
    ):
        variables = environment(folder, dsn, smsc, mastodon, telegram, port) | more
        settings = Settings.read({name: value for name, value in variables.items() if value})
        async with app.running(settings, hands.now) as service:
            tokens = {}
            first = None
            for name, role in OFFICERS:
                tokens[name] = await register.add_officer(service.house.pool, name, role, first, hands.now())
                first = first or await register.who_is(service.house.pool, tokens["Ani"])
            yield Town(
                dsn=dsn,
                folder=folder,
                smsc=smsc,
                mastodon=mastodon,
                telegram=telegram,
                settings=settings,
                service=service,
                session=session,
                tokens=tokens,
            )
