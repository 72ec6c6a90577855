"""A service with its public door open, a clock of ours, and alerts put straight into the table."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from shapely import box

from channels.page import Page
from crisis import db
from crisis.flow import plan
from crisis.flow.inbound import Desk
from crisis.model.alert import Mode
from crisis.model.area import to_geojson
from crisis.model.audience import Target
from crisis.model.office import Office
from crisis.model.playbook import load_folder
from crisis.model.replies import load_replies
from crisis.model.slots import Value, dump, parse
from crisis.model.words import Purpose, as_json
from crisis.privacy import Vault
from crisis.web.errors import tell
from crisis.web.house import HOUSE, House
from crisis.web.kits import RADIO_DRILL_FOLDER, RADIO_FOLDER
from crisis.web.public import add_public

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
OFFICE = Office(
    agency="BPBD Kubu Raya",
    sender="pusdalops@bpbd.example.go.id",
    identifier_prefix="urn:oid:2.49.0.1.360.9",
    zone=ZoneInfo("Asia/Pontianak"),
    help_line="112",
    public_url="https://siaga.example.go.id",
)
PLAYBOOKS = load_folder(ROOT / "playbooks")
REPLIES = load_replies(ROOT / "playbooks" / "replies.yaml")
FLOOD = PLAYBOOKS["flood"]
DRAFTS = ("draft", "pending", "returned", "rejected")

INCIDENT = "INSERT INTO incident (playbook, mode) VALUES ('flood', $1) RETURNING id"
ALERT = """
INSERT INTO alert (id, incident_id, identifier, number, purpose, msg_type, mode, state, playbook, level, urgent, facts,
    slots, words, notices, words_hash, channels, area_desc, geometry, area_ids, near_ids, refs, source, break_glass,
    sent, expires, next_update)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'flood', $9, $10, $11, $12, $13, '{}', '', '{page}', $14, $15, '{}', '{}',
    $16, 'laporan warga', $17, $18, $19, $20)
"""


@dataclass(slots=True, kw_only=True)
class Town:
    """A service with its public door open, a clock of ours, and alerts put straight into the table."""

    pool: db.Pool
    client: TestClient[web.Request, web.Application]
    house: House
    clock: list[datetime]
    last: int = 0
    chain: dict[int, tuple[int, list[int]]] = field(default_factory=dict)  # alert -> incident and the chain with it

    async def alert(
        self,
        purpose: Purpose = Purpose.ALERT,
        *,
        mode: Mode = Mode.ACTUAL,
        state: str = "live",
        level: str = "siaga",
        after: int | None = None,
        lasts: timedelta = 6 * HOUR,
        desc: str = "Sungai Raya",
        **slots: Value,
    ) -> int:
        self.last += 1
        incident, refs = self.chain[after] if after else (await self.pool.fetchval(INCIDENT, mode.value), [])
        self.chain[self.last] = (incident, [*refs, self.last])
        made = _planned(self.last, purpose, mode, level, desc, len(refs) + 1, self.clock[0] + lasts, slots)
        sent = None if state in DRAFTS else self.clock[0]
        await self.pool.execute(
            ALERT, self.last, incident, made.identifier, len(refs) + 1, purpose.value, made.msg_type.value, mode.value,
            state, level, made.urgent, dict(made.facts), dump(made.wish.slots), as_json(made.words), desc,
            to_geojson(made.wish.target.geometry), refs, "sendiri", sent, made.expires, made.next_update,
        )  # fmt: skip
        if refs and sent:
            how = "cancelled" if purpose is Purpose.CANCEL else "superseded"
            await self.set_state(how, *refs)
        self.house.alerts.tell()
        return self.last

    async def set_state(self, state: str, *ids: int) -> None:
        await self.pool.execute("UPDATE alert SET state = $1 WHERE id = ANY($2::bigint[])", state, list(ids))
        self.house.alerts.tell()

    async def read(self, path: str, status: int = 200) -> str:
        reply = await self.client.get(path, allow_redirects=False)
        text = await reply.text()
        assert reply.status == status, text
        return text

    async def get(self, path: str, **headers: str) -> ClientResponse:
        reply = await self.client.get(path, headers=headers)
        await reply.read()
        return reply

    def later(self, span: timedelta) -> None:
        self.clock[0] += span

    async def ask(self, text: str, path: str = "/ask", **fields: str) -> ClientResponse:
        form = {"question": text, "answer_in": "id", **fields}
        reply = await self.client.post(path, data=form, allow_redirects=False)
        await reply.read()
        return reply


def _planned(
    alert_id: int, purpose: Purpose, mode: Mode, level: str, desc: str, number: int, expires: datetime, slots: Any
) -> plan.Plan:
    filled = parse(FLOOD, {name: slot.example for name, slot in FLOOD.slots.items()}) | slots
    wish = plan.Wish(
        playbook=FLOOD, level=level, mode=mode, slots=filled, purpose=purpose, number=number, channels=["page"],
        target=Target(geometry=box(109.3, -0.25, 109.45, -0.1), desc=desc), reason="air surut", expires=expires,
    )  # fmt: skip
    return plan.make(wish, alert_id, plan.Means(office=OFFICE, limits={"page": Page.limit}), NOW)


def shut_town(pool: db.Pool, folder: Path, **more: Any) -> Town:
    """A town whose door is shut, so that nothing runs beside the test; `more` goes into its House."""
    clock = [NOW]
    desk = Desk(office=OFFICE, playbooks=PLAYBOOKS, replies=REPLIES, vault=Vault(bytes(32)))
    house = House(pool=pool, desk=desk, outlets=(), limits={}, trouble=dict, now=lambda: clock[0], **more)
    app = web.Application(middlewares=[tell])
    app[HOUSE], app[RADIO_FOLDER], app[RADIO_DRILL_FOLDER] = house, folder / "radio", folder / "drill"
    add_public(app)
    return Town(pool=pool, client=TestClient(TestServer(app)), house=house, clock=clock)


@contextlib.asynccontextmanager
async def open_town(pool: db.Pool, folder: Path, **more: Any) -> AsyncIterator[Town]:
    """Open the door, and make documents behind it as the service does; `more` goes into its House."""
    town = shut_town(pool, folder, **more)
    async with town.client:
        yield town
