"""The API of alerts: trigger, preview, approve, follow up, and how far each has got."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from crisis import db
from crisis.cap.read import read as read_cap
from crisis.errors import BadInput, IllegalMove, NotFound
from crisis.flow import intake_book, plan, release, source, trigger, update
from crisis.flow.plan import Wish
from crisis.flow.source import Source
from crisis.flow.trigger import Key
from crisis.model import slots as slotting
from crisis.model.alert import AlertState, Mode
from crisis.model.officer import Officer
from crisis.model.playbook import Playbook
from crisis.model.words import Purpose
from crisis.web.auth import officer_of
from crisis.web.errors import read_body, states_of
from crisis.web.house import HOUSE, House

Typed = str | float | list[str] | None

ALERT = "SELECT * FROM alert WHERE id = $1"
ALERTS = """
SELECT a.id, a.incident_id, a.identifier, a.number, a.purpose, a.mode, a.state, a.playbook, a.level, a.area_desc,
       a.created_at, a.sent, a.expires, a.next_update, s.name AS submitted_by, p.name AS approved_by
FROM alert a LEFT JOIN officer s ON s.id = a.submitted_by LEFT JOIN officer p ON p.id = a.approved_by
WHERE ($1::text[] IS NULL OR a.state = ANY($1)) ORDER BY a.id DESC LIMIT $2
"""
HISTORY = """
SELECT u.act, u.reason, u.at, o.name AS officer, u.facts->>'account' AS account
FROM audit u LEFT JOIN officer o ON o.id = u.officer_id
WHERE (u.act LIKE 'alert.%' AND u.subject = $1)
   OR (u.act LIKE 'dispatch.%' AND u.subject IN (SELECT id FROM dispatch WHERE alert_id = $1))
ORDER BY u.id
"""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Launch(_Body):
    """What triggers an alert."""

    playbook: str
    level: str | None = None
    mode: Mode = Mode.ACTUAL
    areas: list[str] = Field(default_factory=list, max_length=200)
    slots: dict[str, Typed] = Field(default_factory=dict)
    cap: str | None = Field(None, max_length=8_000_000, description="a CAP alert as XML")
    channels: list[str] = Field(default_factory=list)
    source: str = Field("", max_length=200)
    expires: AwareDatetime | None = None
    confirm_population: int = 0
    dry_run: bool = False
    submit: bool = True


class Follow(_Body):
    """What changes in an update, correction, cancel or all-clear."""

    purpose: Literal["update", "correction", "cancel", "all_clear"]
    reason: str = Field("", max_length=400)
    level: str | None = None
    areas: list[str] = Field(default_factory=list, max_length=200)
    slots: dict[str, Typed] = Field(default_factory=dict)
    expires: AwareDatetime | None = None
    confirm_population: int = 0
    dry_run: bool = False
    submit: bool = True


class Approve(_Body):
    """What an approver has read."""

    words_hash: str


class Reason(_Body):
    """Why."""

    reason: str = Field(max_length=400)


async def launch(request: web.Request) -> web.Response:
    """POST /api/v1/alerts: draft and submit an alert, or with dry_run only preview it."""
    officer, house = await officer_of(request), request.app[HOUSE]
    body = await read_body(request, Launch)
    found = await _found(house, body)
    now = house.now()
    async with house.pool.acquire() as connection:
        wish = await _wish(house, connection, body, found)
        if body.dry_run:
            shown = await trigger.show(connection, wish, house.means(body.mode), body.confirm_population, now)
            return web.json_response({"dry_run": True, **shown})
        alert_id = await trigger.draft(
            connection, wish, officer, house.means(body.mode), _key(request, body), body.confirm_population, now
        )
    return await _after_draft(house, officer, alert_id, body.submit, now)


async def _found(house: House, body: Launch) -> Source | None:
    """Read the CAP alert it rests on, if any: megabytes beside the loop, for no other officer shall wait for them."""
    if body.cap is None:
        return None
    raw, language = body.cap.encode(), house.playbook(body.playbook).languages[0]
    return await asyncio.to_thread(lambda: source.take(read_cap(raw).alert, language, body.mode))


async def _wish(house: House, connection: Any, body: Launch, found: Source | None) -> Wish:
    playbook = house.playbook(body.playbook)
    if found is None:
        if body.level is None:
            raise BadInput(f"choose a level of {playbook.playbook}: {', '.join(playbook.levels)}")
        level = _level(playbook.levels, body.level, playbook.playbook)
        return Wish(
            playbook=playbook,
            level=level,
            mode=body.mode,
            slots=slotting.parse(playbook, body.slots, level=level),
            target=await trigger.find_target(connection, body.areas),
            source=body.source,
            channels=body.channels,
            expires=body.expires,
        )
    chosen = body.level or source.level_for(playbook, found.cap.get("severity", ""))
    level = _level(playbook.levels, chosen, playbook.playbook)
    geometry = None if body.areas else found.geometry  # an officer who names areas has narrowed it down
    given = {**_place(playbook, found.desc), **body.slots}
    return Wish(
        playbook=playbook,
        level=level,
        mode=body.mode,
        slots=slotting.parse(playbook, given, level=level),
        target=await trigger.find_target(connection, body.areas, geometry, "" if body.areas else found.desc),
        source=body.source or found.name,
        channels=body.channels,
        cap=found.cap,
        onset=found.onset,
        expires=body.expires or found.expires,
    )


def _place(playbook: Playbook, desc: str) -> dict[str, str]:
    """Fill the playbook's place from the source where it has one, never cut in the middle."""
    slot = playbook.slots.get("place")
    fits = slot is not None and slotting.value_fault(slot, desc) is None
    return {"place": desc} if fits else {}


def _level(levels: Mapping[str, object], named: str, playbook: str) -> str:
    if named not in levels:
        raise BadInput(f"playbook {playbook} has no level {named!r}; it has {', '.join(levels)}")
    return named


async def _after_draft(house: House, officer: Officer, alert_id: int, submit: bool, now: datetime) -> web.Response:
    row = await house.pool.fetchrow(ALERT, alert_id)
    if submit and row is not None and row["state"] == "draft":
        wait = house.playbook(row["playbook"]).approval.escalate_after
        # The same request sent twice at once: whichever came second finds it submitted, which is what it asked for.
        with contextlib.suppress(IllegalMove):
            await release.submit(house.pool, alert_id, officer, now, wait)
    return web.json_response(await _shown(house, alert_id), status=201)


async def follow(request: web.Request) -> web.Response:
    """POST /api/v1/alerts/{id}/follow: draft an update, correction, cancel or all-clear."""
    officer, house = await officer_of(request), request.app[HOUSE]
    body, alert_id, now = await read_body(request, Follow), _id(request), house.now()
    former = await _row(house, alert_id)
    playbook, means = house.playbook(former["playbook"]), house.means(Mode(former["mode"]))
    change = update.Change(
        purpose=Purpose(body.purpose),
        reason=body.reason,
        level=body.level,
        slots=body.slots,
        areas=body.areas,
        expires=body.expires,
        confirmed=body.confirm_population,
    )
    async with house.pool.acquire() as connection:
        if body.dry_run:
            shown = await update.show_follow_up(connection, alert_id, change, playbook, means, now)
            return web.json_response({"dry_run": True, **shown})
        key = _key(request, body)
        new_id = await update.follow_up(connection, alert_id, change, officer, playbook, means, key, now)
    return await _after_draft(house, officer, new_id, body.submit, now)


async def submit(request: web.Request) -> web.Response:
    """POST /api/v1/alerts/{id}/submit: hand a draft or returned alert to approval."""
    officer, house = await officer_of(request), request.app[HOUSE]
    row = await _row(house, _id(request))
    wait = house.playbook(row["playbook"]).approval.escalate_after
    await release.submit(house.pool, row["id"], officer, house.now(), wait)
    return web.json_response(await _shown(house, row["id"]))


async def approve(request: web.Request) -> web.Response:
    """POST /api/v1/alerts/{id}/approve: release it, bound to the hash of what was read."""
    officer, house = await officer_of(request), request.app[HOUSE]
    body = await read_body(request, Approve)
    row = await _row(house, _id(request))
    ways = house.ways(Mode(row["mode"]), row["channels"])
    playbook = house.playbook(row["playbook"])
    await release.approve(house.pool, row["id"], officer, body.words_hash, playbook, ways, house.now())
    return web.json_response(await _shown(house, row["id"]))


async def break_glass(request: web.Request) -> web.Response:
    """POST /api/v1/alerts/{id}/break-glass: release it alone, with a reason every supervisor sees."""
    officer, house = await officer_of(request), request.app[HOUSE]
    body = await read_body(request, Reason)
    row = await _row(house, _id(request))
    ways = house.ways(Mode(row["mode"]), row["channels"])
    playbook = house.playbook(row["playbook"])
    await release.break_glass(house.pool, row["id"], officer, body.reason, playbook, ways, house.now())
    return web.json_response(await _shown(house, row["id"]))


async def send_back(request: web.Request) -> web.Response:
    """POST /api/v1/alerts/{id}/return: back to its author, with a reason."""
    officer, house = await officer_of(request), request.app[HOUSE]
    body = await read_body(request, Reason)
    await release.send_back(house.pool, _id(request), officer, body.reason, house.now())
    return web.json_response(await _shown(house, _id(request)))


async def reject(request: web.Request) -> web.Response:
    """POST /api/v1/alerts/{id}/reject: never to be sent, with a reason."""
    officer, house = await officer_of(request), request.app[HOUSE]
    body = await read_body(request, Reason)
    await release.reject(house.pool, _id(request), officer, body.reason, house.now())
    return web.json_response(await _shown(house, _id(request)))


async def show(request: web.Request) -> web.Response:
    """GET /api/v1/alerts/{id}: the alert as approvers see it, its history and its progress."""
    await officer_of(request)
    return web.json_response(await _shown(request.app[HOUSE], _id(request)))


async def list_alerts(request: web.Request) -> web.Response:
    """GET /api/v1/alerts?state=live,pending: the newest first."""
    await officer_of(request)
    rows = await request.app[HOUSE].pool.fetch(ALERTS, states_of(request, AlertState), 200)
    return web.json_response([db.plain(dict(r)) for r in rows])


async def _shown(house: House, alert_id: int) -> dict[str, Any]:
    row = await _row(house, alert_id)
    async with house.pool.acquire() as connection:
        history = await connection.fetch(HISTORY, alert_id)
        target = plan.target_of(row)
        mode = Mode(row["mode"])
        counts = await trigger.count_audience(connection, target, row["channels"], mode) if row["sent"] is None else {}
        told = await intake_book.of_ours(connection, alert_id)
    dispatches = await house.progress_of(alert_id)
    shown = {k: v for k, v in row.items() if k not in _HIDDEN}
    shown["audience"] = plan.audience_of(counts)
    shown["area"] = plan.describe(target)
    shown["renditions"] = plan.renditions(row["notices"], house.means(mode).limits, counts, row["facts"]["languages"])
    shown["cost"] = plan.cost_of(shown["renditions"])
    shown["history"] = [db.plain(dict(h)) for h in history]
    shown["dispatches"] = dispatches
    shown["source_alert"], shown["changes"] = (told or {}).get("source_alert"), (told or {}).get("changes", [])
    return db.plain(shown)


_HIDDEN = frozenset({"geometry", "idempotency_key", "request_hash", "area_ids", "near_ids"})


async def _row(house: House, alert_id: int) -> dict[str, Any]:
    row = await house.pool.fetchrow(ALERT, alert_id)
    if row is None:
        raise NotFound(f"there is no alert {alert_id}")
    return dict(row)


def _id(request: web.Request) -> int:
    return int(request.match_info["id"])


def _key(request: web.Request, body: BaseModel) -> Key:
    key = request.headers.get("Idempotency-Key")
    if key is not None and not 1 <= len(key) <= 200:
        raise BadInput("Idempotency-Key has 1 to 200 characters")
    return Key.of(key, {"path": request.path, **json.loads(body.model_dump_json(exclude={"dry_run"}))})


def add(app: web.Application) -> None:
    """Open these doors."""
    app.router.add_post("/api/v1/alerts", launch)
    app.router.add_get("/api/v1/alerts", list_alerts)
    one = r"/api/v1/alerts/{id:\d{1,18}}"
    app.router.add_get(one, show)
    app.router.add_post(f"{one}/follow", follow)
    app.router.add_post(f"{one}/submit", submit)
    app.router.add_post(f"{one}/approve", approve)
    app.router.add_post(f"{one}/break-glass", break_glass)
    app.router.add_post(f"{one}/return", send_back)
    app.router.add_post(f"{one}/reject", reject)
