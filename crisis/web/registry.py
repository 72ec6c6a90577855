"""The API of officers, areas, residents, inquiries and alarms."""

from __future__ import annotations

import asyncio

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from crisis import db
from crisis.errors import NotFound
from crisis.flow import answer, register
from crisis.model.area import parse_geojson
from crisis.model.inquiry import InquiryState
from crisis.model.officer import Role
from crisis.model.resident import mask, parse_csv
from crisis.web.auth import officer_of
from crisis.web.errors import read_body, states_of
from crisis.web.house import HOUSE

ALARMS = """
SELECT a.id, a.kind, a.alert_id, a.inquiry_id, a.says, a.role, a.at, a.seen_at, o.name AS seen_by
FROM alarm a LEFT JOIN officer o ON o.id = a.seen_by WHERE $1 OR a.seen_at IS NULL ORDER BY a.id DESC LIMIT 200
"""
SEEN = "UPDATE alarm SET seen_by = $2, seen_at = $3 WHERE id = $1 AND seen_at IS NULL"


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewOfficer(_Body):
    """An officer to add."""

    name: str = Field(min_length=1, max_length=80)
    role: Role


class Said(_Body):
    """An officer's answer."""

    text: str


async def add_officer(request: web.Request) -> web.Response:
    """POST /api/v1/officers: the token is in the reply and nowhere else."""
    by, house = await officer_of(request), request.app[HOUSE]
    body = await read_body(request, NewOfficer)
    token = await register.add_officer(house.pool, body.name, body.role, by, house.now())
    return web.json_response({"name": body.name, "role": body.role, "token": token}, status=201)


async def officers(request: web.Request) -> web.Response:
    """GET /api/v1/officers."""
    (await officer_of(request)).need(Role.ADMIN)
    rows = await request.app[HOUSE].pool.fetch(register.OFFICERS)
    return web.json_response([db.plain(dict(r)) for r in rows])


async def disable_officer(request: web.Request) -> web.Response:
    """DELETE /api/v1/officers/{name}: the token stops to work at once."""
    by, house = await officer_of(request), request.app[HOUSE]
    name = request.match_info["name"]
    if not await register.disable_officer(house.pool, name, by, house.now()):
        raise NotFound(f"there is no officer {name!r} at work")
    return web.json_response({"name": name, "disabled": True})


async def me(request: web.Request) -> web.Response:
    """GET /api/v1/me: whom the token belongs to."""
    officer = await officer_of(request)
    return web.json_response({"name": officer.name, "role": officer.role})


async def import_areas(request: web.Request) -> web.Response:
    """POST /api/v1/areas: a GeoJSON file; features that are wrong are told and left out."""
    by, house = await officer_of(request), request.app[HOUSE]
    by.need(Role.ADMIN)
    # Megabytes are read beside the loop: nobody else shall wait for them.
    areas, faults = await asyncio.to_thread(parse_geojson, await request.read(), request.query.get("source", "GeoJSON"))
    saved = await register.save_areas(house.pool, areas, by)
    return web.json_response(register.report({"saved": saved}, faults))


async def areas(request: web.Request) -> web.Response:
    """GET /api/v1/areas."""
    await officer_of(request)
    return web.json_response([db.plain(dict(r)) for r in await request.app[HOUSE].pool.fetch(register.AREAS)])


async def import_residents(request: web.Request) -> web.Response:
    """POST /api/v1/residents: a CSV file; rows that are wrong are told by line and left out."""
    by, house = await officer_of(request), request.app[HOUSE]
    by.need(Role.ADMIN)
    source = request.query.get("source", "CSV")
    residents, faults = await asyncio.to_thread(
        parse_csv,
        await request.read(),
        source,
        areas=await register.area_names(house.pool),
        languages=house.desk.replies.languages,
        channels=("sms", "telegram"),
        country=house.office.country,
    )
    saved = await register.save_residents(house.pool, residents, house.desk.vault, by, source)
    return web.json_response(register.report(saved, faults))


async def inbox(request: web.Request) -> web.Response:
    """GET /api/v1/inquiries?state=open: those in danger first; numbers are masked below supervisor."""
    officer, house = await officer_of(request), request.app[HOUSE]
    states = states_of(request, InquiryState)
    shown = officer.role.rank >= Role.SUPERVISOR.rank
    return web.json_response(await answer.inbox(house.pool, house.desk.vault, states, 200, shown, mask))


async def write_answer(request: web.Request) -> web.Response:
    """POST /api/v1/inquiries/{id}/answer: it leaves on the channel the question came from."""
    officer, house = await officer_of(request), request.app[HOUSE]
    body = await read_body(request, Said)
    inquiry_id = int(request.match_info["id"])
    answer_id = await answer.by_officer(house.pool, inquiry_id, officer, body.text, house.desk.office, house.now())
    return web.json_response({"inquiry": inquiry_id, "answer": answer_id}, status=201)


async def assign(request: web.Request) -> web.Response:
    """POST /api/v1/inquiries/{id}/assign: to the officer who asks."""
    officer, house = await officer_of(request), request.app[HOUSE]
    await answer.assign(house.pool, int(request.match_info["id"]), officer, house.now())
    return web.json_response({"assigned_to": officer.name})


async def close(request: web.Request) -> web.Response:
    """POST /api/v1/inquiries/{id}/close."""
    officer, house = await officer_of(request), request.app[HOUSE]
    await answer.close(house.pool, int(request.match_info["id"]), officer, house.now())
    return web.json_response({"state": "closed"})


async def alarms(request: web.Request) -> web.Response:
    """GET /api/v1/alarms: what officers must see; ?all=1 with those seen."""
    await officer_of(request)
    rows = await request.app[HOUSE].pool.fetch(ALARMS, request.query.get("all") == "1")
    return web.json_response([db.plain(dict(r)) for r in rows])


async def seen(request: web.Request) -> web.Response:
    """POST /api/v1/alarms/{id}/seen: the officer has read it."""
    officer, house = await officer_of(request), request.app[HOUSE]
    alarm_id = int(request.match_info["id"])
    if await house.pool.execute(SEEN, alarm_id, officer.id, house.now()) != "UPDATE 1":
        raise NotFound(f"there is no unseen alarm {alarm_id}")
    return web.json_response({"seen_by": officer.name})


def add(app: web.Application) -> None:
    """Open these doors."""
    app.router.add_get("/api/v1/me", me)
    app.router.add_post("/api/v1/officers", add_officer)
    app.router.add_get("/api/v1/officers", officers)
    app.router.add_delete("/api/v1/officers/{name}", disable_officer)
    app.router.add_post("/api/v1/areas", import_areas)
    app.router.add_get("/api/v1/areas", areas)
    app.router.add_post("/api/v1/residents", import_residents)
    one = r"/api/v1/inquiries/{id:\d{1,18}}"
    app.router.add_get("/api/v1/inquiries", inbox)
    app.router.add_post(f"{one}/answer", write_answer)
    app.router.add_post(f"{one}/assign", assign)
    app.router.add_post(f"{one}/close", close)
    app.router.add_get("/api/v1/alarms", alarms)
    app.router.add_post(r"/api/v1/alarms/{id:\d{1,18}}/seen", seen)
