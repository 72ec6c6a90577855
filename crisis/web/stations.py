"""The API of radio stations: which there are, what each got of an alert, and who said when it was on air."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from crisis.errors import BadInput
from crisis.flow import readback, stations
from crisis.flow.readback import Kept, Sending, Word, shown
from crisis.flow.stations import Checked, NewStation
from crisis.model import moment
from crisis.web.auth import officer_of
from crisis.web.errors import read_body
from crisis.web.house import HOUSE

CHECKED: web.AppKey[Checked] = web.AppKey("checked_station")


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Added(_Body):
    """A station to add."""

    name: str = Field(max_length=200)
    way: str = Field(max_length=2000)
    language: str = Field(max_length=40)
    formats: list[str] = Field(default=[], max_length=40)
    cart_first: int | None = None
    cart_last: int | None = None
    exercise: bool = False
    contact: str = Field("", max_length=200)


class Changed(_Body):
    """What may be changed of a station; both carts null takes its numbers away."""

    way: str | None = Field(None, max_length=2000)
    language: str | None = Field(None, max_length=40)
    formats: list[str] | None = Field(None, max_length=40)
    cart_first: int | None = None
    cart_last: int | None = None
    exercise: bool | None = None
    contact: str | None = Field(None, max_length=200)
    open: bool | None = None


class Said(_Body):
    """A station's word; the time as people write it, or in ISO 8601."""

    at: str = Field(max_length=60)
    by: str = Field(max_length=200)
    note: str = Field("", max_length=readback.MOST_NOTE)


async def list_stations(request: web.Request) -> web.Response:
    """GET /api/v1/stations: every station, closed ones too, without secrets."""
    await officer_of(request)
    house = request.app[HOUSE]
    return web.json_response(await stations.rows(house.pool, house.desk.vault))


async def add_station(request: web.Request) -> web.Response:
    """POST /api/v1/stations: add one; its way comes back masked."""
    by, house = await officer_of(request), request.app[HOUSE]
    body = await read_body(request, Added)
    new = NewStation(**{**body.model_dump(), "formats": tuple(body.formats)})
    await stations.add(house.pool, house.desk.vault, new, request.app[CHECKED], by, house.now())
    return web.json_response(await stations.one(house.pool, house.desk.vault, body.name), status=201)


async def show_station(request: web.Request) -> web.Response:
    """GET /api/v1/stations/{name}."""
    await officer_of(request)
    house = request.app[HOUSE]
    return web.json_response(await stations.one(house.pool, house.desk.vault, request.match_info["name"]))


async def change_station(request: web.Request) -> web.Response:
    """PATCH /api/v1/stations/{name}: what is named is changed; `open` closes it and opens it again."""
    by, house, name = await officer_of(request), request.app[HOUSE], request.match_info["name"]
    body = await read_body(request, Changed)
    told = body.model_dump(exclude_unset=True)
    changes = {key: value for key, value in told.items() if value is not None or key.startswith("cart_")}
    if not changes:
        raise BadInput(f"nothing to change of {name}: name what")
    await stations.change(house.pool, house.desk.vault, name, changes, request.app[CHECKED], by, house.now())
    return web.json_response(await stations.one(house.pool, house.desk.vault, name))


async def of_alert(request: web.Request) -> web.Response:
    """GET /api/v1/alerts/{id}/stations: which took it and which aired it, when, and how long after."""
    await officer_of(request)
    house, alert_id = request.app[HOUSE], int(request.match_info["id"])
    rows = await readback.of_alert(house.pool, house.desk.vault, alert_id)
    counts = {
        "accepted": sum(row["state"] == "accepted" for row in rows),
        "aired": sum(row["aired_at"] is not None for row in rows),
    }
    return web.json_response({"alert": alert_id, **counts, "stations": rows})


async def aired(request: web.Request) -> web.Response:
    """POST /api/v1/alerts/{id}/stations/{name}/aired: an officer writes down what a station says."""
    house, found = request.app[HOUSE], request.match_info
    return await _keep(request, await readback.of_station(house.pool, int(found["id"]), found["name"]), "officer")


async def show_ref(request: web.Request) -> web.Response:
    """GET /api/v1/readbacks/{ref}: whose code it is, and what is on record."""
    await officer_of(request)
    house = request.app[HOUSE]
    sending = await readback.of_ref(house.pool, request.match_info["ref"])
    on_record = await readback.on_record_of(house.pool, house.desk.vault, sending)
    return web.json_response(_sending(sending) | {"airings": [shown(one) for one in on_record]})


async def read_back(request: web.Request) -> web.Response:
    """POST /api/v1/readbacks/{ref}: what a station wrote by e-mail, under the code of its kit."""
    return await _keep(request, await readback.of_ref(request.app[HOUSE].pool, request.match_info["ref"]), "email")


async def _keep(request: web.Request, sending: Sending, how: str) -> web.Response:
    by, house = await officer_of(request), request.app[HOUSE]
    body, now = await read_body(request, Said), house.now()
    word = Word(at=_moment(request, body.at, now), by=body.by, how=how, officer=by, note=body.note)
    kept = await readback.keep(house.pool, house.desk.vault, sending, word, house.office.zone, now)
    return web.json_response(_kept(kept), status=201 if kept.new else 200)


def _moment(request: web.Request, text: str, now: datetime) -> datetime:
    found = moment.read(text, now, request.app[HOUSE].office.zone)
    if found is None:
        raise BadInput("aired: at: write one time, such as 21.35, 21/11 21.35 WIB or 2026-11-21T21:35+07:00")
    return found


def _sending(sending: Sending) -> dict[str, Any]:
    names = ("station", "alert_id", "headline")
    told: Mapping[str, Any] = {name: getattr(sending, name) for name in names}
    return {"alert": told["alert_id"], "station": told["station"], "headline": told["headline"], "drill": sending.drill}


def _kept(kept: Kept) -> dict[str, Any]:
    airings = [shown(one) for one in kept.on_record]
    return _sending(kept.sending) | {"new": kept.new, "counted": kept.counted, "airings": airings}


def add(app: web.Application) -> None:
    """Open these doors; app[CHECKED] must be set."""
    one, alert = "/api/v1/stations/{name}", r"/api/v1/alerts/{id:\d{1,18}}/stations"
    app.router.add_get("/api/v1/stations", list_stations)
    app.router.add_post("/api/v1/stations", add_station)
    app.router.add_get(one, show_station)
    app.router.add_patch(one, change_station)
    app.router.add_get(alert, of_alert)
    app.router.add_post(f"{alert}/{{name}}/aired", aired)
    app.router.add_get("/api/v1/readbacks/{ref}", show_ref)
    app.router.add_post("/api/v1/readbacks/{ref}", read_back)
