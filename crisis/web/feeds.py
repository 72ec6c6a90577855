"""The API of feeds: what is read, how it stands, what it told, and the door at which others post their alerts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Protocol
from urllib.parse import urlsplit

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from crisis import db
from crisis.errors import NotAllowed
from crisis.flow import feedbook
from crisis.flow.feedbook import Came, Poll
from crisis.model import feed_rules
from crisis.model.alert import Mode
from crisis.model.feed_rules import Kind, NewFeed
from crisis.model.officer import Role
from crisis.web.auth import officer_of
from crisis.web.errors import read_body, reply
from crisis.web.house import HOUSE

POST_BYTES = 8 * 2**20  # what one post may hold
REPLAY_BYTES = 32 * 2**20
PIECE = 2**16
SHOWN = 100  # entries at a time, unless asked otherwise
MOST_SHOWN = 1000


class Watching(Protocol):
    """The watcher of feeds, as doors see it."""

    @property
    def kinds(self) -> Mapping[str, Kind]: ...
    async def poll(self, name: str) -> Poll: ...
    async def replay(self, name: str, raw: bytes, *, dry: bool) -> Poll: ...
    async def post(self, name: str, raw: bytes) -> Poll: ...


FEEDS = web.AppKey("feeds", Watching)


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Changed(_Body):
    """What may be changed of a feed; times in seconds."""

    url: str | None = Field(None, max_length=2000)
    mode: Mode | None = None
    may_release: bool | None = None
    every: float | None = Field(None, ge=0, le=10**8, allow_inf_nan=False)
    quiet_after: float | None = Field(None, ge=0, le=10**8, allow_inf_nan=False)
    hosts: list[str] | None = Field(None, max_length=50)
    certificates: str | None = Field(None, max_length=200_000)
    must_sign: bool | None = None
    enabled: bool | None = None
    new_token: bool | None = None


class Added(_Body):
    """A feed to add; times in seconds."""

    name: str
    format: str
    url: str = Field("", max_length=2000)
    mode: Mode | None = None
    may_release: bool = False
    every: float | None = Field(None, ge=0, le=10**8, allow_inf_nan=False)
    quiet_after: float = Field(86400.0, ge=0, le=10**8, allow_inf_nan=False)
    hosts: list[str] = Field(default=[], max_length=50)
    certificates: str = Field("", max_length=200_000)
    must_sign: bool = False


async def feeds(request: web.Request) -> web.Response:
    """GET /api/v1/feeds: every feed and how it stands, in one word and in a sentence."""
    await officer_of(request)
    rows = await feedbook.rows(request.app[HOUSE].pool)
    return web.json_response([_shown(request, row) for row in rows])


async def formats(request: web.Request) -> web.Response:
    """GET /api/v1/feed-formats: what can be read, and how each reaches us."""
    await officer_of(request)
    kinds = request.app[FEEDS].kinds
    told = [{"name": n, "way": k.way, "says": k.says, "every": k.every.total_seconds()} for n, k in kinds.items()]
    return web.json_response(told)


async def add_feed(request: web.Request) -> web.Response:
    """POST /api/v1/feeds: the token of one that is posted to us is in the reply and nowhere else."""
    by, house = await officer_of(request), request.app[HOUSE]
    body, kinds = await read_body(request, Added), request.app[FEEDS].kinds
    told = body.model_dump() | {"quiet_after": timedelta(seconds=body.quiet_after), "hosts": _hosts(body.hosts)}
    every = kinds[body.format].every if body.every is None and body.format in kinds else None
    told["every"] = every or timedelta(seconds=60 if body.every is None else body.every)
    token = await feedbook.add(house.pool, NewFeed(**told), kinds, by, house.now())
    return web.json_response(await _answer(request, body.name, token), status=201)


async def change_feed(request: web.Request) -> web.Response:
    """PATCH /api/v1/feeds/{name}: what is named is changed; `enabled` switches it off and on."""
    by, house = await officer_of(request), request.app[HOUSE]
    body = await read_body(request, Changed)
    changes: dict[str, Any] = body.model_dump(exclude_none=True)
    for name in {"every", "quiet_after"} & set(changes):
        changes[name] = timedelta(seconds=changes[name])
    if "hosts" in changes:
        changes["hosts"] = _hosts(changes["hosts"])
    name = request.match_info["name"]
    token = await feedbook.change(house.pool, name, changes, request.app[FEEDS].kinds, by, house.now())
    return web.json_response(await _answer(request, name, token))


async def poll(request: web.Request) -> web.Response:
    """POST /api/v1/feeds/{name}/poll: look now, and tell what came."""
    await officer_of(request)
    return web.json_response(_told(await request.app[FEEDS].poll(request.match_info["name"])))


async def replay(request: web.Request) -> web.Response:
    """POST /api/v1/feeds/{name}/replay: what would become of these bytes; ?dry_run=0 does it, but never releases."""
    by = await officer_of(request)
    dry = request.query.get("dry_run", "1") != "0"
    if not dry:
        by.need(Role.ADMIN)
    raw = await _body(request, REPLAY_BYTES)
    if raw is None:
        return _too_large(REPLAY_BYTES)
    found = await request.app[FEEDS].replay(request.match_info["name"], raw, dry=dry)
    return web.json_response({**_told(found), "dry": dry})


async def entries(request: web.Request) -> web.Response:
    """GET /api/v1/feeds/{name}/entries?most=100: what it told, the latest first, and what was done about it."""
    await officer_of(request)
    pool = request.app[HOUSE].pool
    row = await feedbook.one(pool, request.match_info["name"])
    asked = request.query.get("most", "")
    most = min(int(asked), MOST_SHOWN) if asked.isascii() and asked.isdigit() and len(asked) < 6 else SHOWN
    return web.json_response(await feedbook.entries(pool, row["id"], most))


async def raw_entry(request: web.Request) -> web.Response:
    """GET /api/v1/feeds/{name}/entries/{id}/raw: the bytes as published, to be saved and never to be shown."""
    await officer_of(request)
    pool = request.app[HOUSE].pool
    row = await feedbook.one(pool, request.match_info["name"])
    number = int(request.match_info["id"])
    # Whatever it is, no browser may run it in our name.
    headers = {
        "Content-Type": "application/octet-stream",
        "Content-Disposition": f'attachment; filename="{row["name"]}-{number}"',
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    return web.Response(body=await feedbook.raw(pool, row["id"], number), headers=headers)


async def post_alerts(request: web.Request) -> web.Response:
    """POST /api/v1/feeds/{name}/alerts: CAP of the feed's owner; 201 something new, 200 known, 422 not to be read."""
    name = request.match_info["name"]
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    row = await feedbook.posted_by(request.app[HOUSE].pool, name, token.strip() if scheme.lower() == "bearer" else "")
    if row is None:
        refused = reply(401, "this needs the feed's own token: send `Authorization: Bearer TOKEN`")
        refused.headers["WWW-Authenticate"] = "Bearer"
        return refused
    if not row["enabled"]:
        raise NotAllowed(f"the feed {name} is switched off: ask the office that gave you the token")
    raw = await _body(request, POST_BYTES)
    if raw is None:
        return _too_large(POST_BYTES)
    return _posted(await request.app[FEEDS].post(name, raw))


def _posted(found: Poll) -> web.Response:
    told = _told(found)
    read = [one for one in found.came if not one.refused]
    if not found.read:
        return web.json_response({"error": f"stored, but {found.says}: post it again", **told}, status=500)
    if not read:
        why = next((one.refused for one in found.came), "the document holds no alert")
        return web.json_response({"error": f"cannot be read as CAP: {why}", **told}, status=422)
    first = read[0]
    known = {"id": first.id, "did": first.did, "alert": first.alert_id}
    return web.json_response({**known, **told}, status=201 if any(one.new for one in read) else 200)


async def _body(request: web.Request, most: int) -> bytes | None:
    """Read a body up to a limit; None as soon as it is larger, so that nothing of that size is ever held."""
    if (request.content_length or 0) > most:
        return None
    got = bytearray()
    async for piece in request.content.iter_chunked(PIECE):
        got += piece
        if len(got) > most:
            return None
    return bytes(got)


def _too_large(most: int) -> web.Response:
    refused = reply(413, f"the body is larger than {most // 2**20} MB: send each alert by itself")
    refused.force_close()
    return refused


async def _answer(request: web.Request, name: str, token: str) -> dict[str, Any]:
    row = await feedbook.one(request.app[HOUSE].pool, name)
    return _shown(request, row) | ({"token": token} if token else {})


def _shown(request: web.Request, row: Mapping[str, Any]) -> dict[str, Any]:
    """Give a feed without any secret in its address."""
    house, kinds = request.app[HOUSE], request.app[FEEDS].kinds
    stand = feedbook.stand_of(row, kinds)
    state, says = feed_rules.standing(stand, row["every"], house.now(), house.office.zone)
    times = {name: row[name] for name in ("tried_at", "read_at", "changed_at", "next_at", "called_at", "created_at")}
    return {
        **{name: row[name] for name in ("name", "format", "mode", "may_release", "hosts", "must_sign", "enabled")},
        "url": _masked(row["url"]),
        "way": kinds[row["format"]].way if row["format"] in kinds else "unknown",
        "every": row["every"].total_seconds(),
        "quiet_after": row["quiet_after"].total_seconds(),
        "certificates": row["certificates"].count("-----BEGIN CERTIFICATE-----"),
        "state": state,
        "says": says,
        "failures": row["failures"],
        "trouble": row["trouble"],
        **db.plain(times),
    }


def _masked(url: str) -> str:
    place = urlsplit(url)
    netloc = f"***@{place.netloc.rpartition('@')[2]}" if "@" in place.netloc else place.netloc
    return place._replace(netloc=netloc, query="***" if place.query else "").geturl()


def _told(found: Poll) -> dict[str, Any]:
    return {**asdict(found), "came": [_came(one) for one in found.came]}


def _came(one: Came) -> dict[str, Any]:
    sent = one.sent.isoformat() if isinstance(one.sent, datetime) else None
    told = {name: value for name, value in asdict(one).items() if name != "alert_id"}
    return {**told, "sent": sent, "alert": one.alert_id}


def _hosts(given: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(host.strip().lower() for host in given))


def add(app: web.Application) -> None:
    """Open these doors."""
    one = "/api/v1/feeds/{name}"
    app.router.add_get("/api/v1/feeds", feeds)
    app.router.add_get("/api/v1/feed-formats", formats)
    app.router.add_post("/api/v1/feeds", add_feed)
    app.router.add_patch(one, change_feed)
    app.router.add_post(f"{one}/poll", poll)
    app.router.add_post(f"{one}/replay", replay)
    app.router.add_get(f"{one}/entries", entries)
    app.router.add_get(rf"{one}/entries/{{id:\d{{1,18}}}}/raw", raw_entry)
    app.router.add_post(f"{one}/alerts", post_alerts)
