"""The door for everybody: alerts in force as pages, as CAP and as feeds, without an account or JavaScript."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web

from crisis.cap import atom
from crisis.cap.compose import compose, in_order
from crisis.cap.write import write
from crisis.web import ask, pages
from crisis.web.board import NEVER, REMEMBERED, Board, Rendered, Seen, is_stale
from crisis.web.house import HOUSE, House
from crisis.web.pages import HTML, SAFE, in_words, is_drill, language_of, refuse, render, send, time_of
from crisis.web.shown import Row, card, cards, ended_at, in_force, warns

RELEASED = "SELECT * FROM alert WHERE id = $1 AND sent IS NOT NULL"
CHAIN = "SELECT identifier, sent FROM alert WHERE id = ANY($1::bigint[]) AND sent IS NOT NULL ORDER BY number"

BOARD = web.AppKey("board", Board)
CAPS = web.AppKey("caps", dict[int, Rendered])
RADIO_FOLDER = web.AppKey("radio_folder", Path)
RADIO_DRILL_FOLDER = web.AppKey("radio_drill_folder", Path)

PAGE_AGE, FEED_AGE, CAP_AGE = 2, 30, 3600  # seconds others may keep it
CAPS_KEPT = 256
FOREVER = timedelta(days=36_500)
MOST_ENDED = 8
BY_LANGUAGE = "Accept-Encoding, Accept-Language"
CAP_TYPE, ATOM_TYPE = "application/cap+xml", "application/atom+xml"
AIRED_KINDS = {".mp3": "audio/mpeg", ".wav": "audio/wav", ".txt": "text/plain"}
AIRED_NAME = re.compile(r"[\w-][\w.+-]*", re.ASCII)  # no dot in front: what is being made is hidden so


def add_public(app: web.Application) -> None:
    """Add the residents' pages to the app; app[HOUSE] must be set before it starts."""
    app.cleanup_ctx.append(_open)
    app.router.add_routes(
        [
            web.get("/", in_words(_in_force)),
            web.get("/exercise", in_words(_in_force)),
            web.get(r"/a/{id:[0-9]{1,18}}", in_words(_one)),
            web.get(r"/a/{id:[0-9]{1,18}}.xml", in_words(_cap)),
            web.get("/feed.atom", in_words(_feed)),
            web.get("/exercise/feed.atom", in_words(_feed)),
            web.get("/radio/{path:.+}", _radio),
            web.get("/exercise/radio/{path:.+}", _radio),
            web.get(pages.STYLE_PATH, _style),
        ]
    )
    ask.add_ask(app)


async def _open(app: web.Application) -> AsyncIterator[None]:
    app[BOARD], app[CAPS] = Board(app[HOUSE]), {}
    following = asyncio.create_task(app[BOARD].follow())
    yield
    following.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await following


async def _in_force(request: web.Request) -> web.Response:
    house, language, drill = request.app[HOUSE], language_of(request), is_drill(request)

    async def make(seen: Seen, now: datetime) -> bytes:
        return _board_page(house, seen, now, language, drill).encode()

    page = await request.app[BOARD].page(("board", drill, language), make)
    return send(request, page, HTML, PAGE_AGE, vary=BY_LANGUAGE)


def _board_page(house: House, seen: Seen, now: datetime, language: str, drill: bool) -> str:
    books, zone = house.desk.playbooks, house.office.zone
    rows = [row for row in seen.rows if (row["mode"] != "Actual") == drill]
    holding = sorted((row for row in rows if in_force(row, now)), key=lambda row: not warns(row, now))
    past = [row for row in rows if not in_force(row, now) and ended_at(row, now) > now - REMEMBERED]
    past.sort(key=lambda row: ended_at(row, now), reverse=True)
    return render(
        house,
        "board.html",
        language,
        drill=drill,
        path="/exercise" if drill else "/",
        cards=cards(holding, language, books, zone, now),
        warned=any(warns(row, now) for row in holding),
        past=cards(past[:MOST_ENDED], language, books, zone, now),
        checked=time_of(house, seen.at, language),
        stale=is_stale(seen, now),
    )


async def _one(request: web.Request) -> web.Response:
    house, language = request.app[HOUSE], language_of(request)
    board, alert_id = request.app[BOARD], int(request.match_info["id"])

    async def make(seen: Seen, now: datetime) -> bytes:
        row = await board.one(seen, alert_id)
        if row is None:
            raise _NoAlert
        shown = card(row, language, house.desk.playbooks, house.office.zone, now)
        drill, path = row["mode"] != "Actual", f"/a/{alert_id}"
        return render(house, "alert.html", language, drill=drill, path=path, card=shown).encode()

    try:
        page = await board.page(("alert", alert_id, language), make)
    except _NoAlert:
        return refuse(request, 404, "no_alert")
    return send(request, page, HTML, PAGE_AGE, vary=BY_LANGUAGE)


class _NoAlert(Exception):
    """No alert with this id was released: nothing is kept of the try, it may be released next."""


async def _cap(request: web.Request) -> web.Response:
    kept, alert_id = request.app[CAPS], int(request.match_info["id"])
    if alert_id not in kept:
        found = await _compose(request.app[HOUSE], alert_id)
        if found is None:
            return refuse(request, 404, "no_alert")
        if len(kept) >= CAPS_KEPT:
            del kept[next(iter(kept))]
        kept[alert_id] = found
    return send(request, kept[alert_id], CAP_TYPE, CAP_AGE)


async def _compose(house: House, alert_id: int) -> Rendered | None:
    async with house.pool.acquire() as connection:
        row = await connection.fetchrow(RELEASED, alert_id)
        earlier = await connection.fetch(CHAIN, row["refs"]) if row else []
    if row is None:
        return None
    # A coast of many thousand points takes a while to thin: not while others wait.
    raw = await asyncio.to_thread(lambda: write(compose(dict(row), [dict(one) for one in earlier], house.office)))
    return Rendered.of(raw, house.now() + FOREVER)


async def _feed(request: web.Request) -> web.Response:
    house, drill = request.app[HOUSE], is_drill(request)

    async def make(seen: Seen, now: datetime) -> bytes:
        return _atom(house, seen, now, drill)

    page = await request.app[BOARD].page(("feed", drill), make)
    return send(request, page, ATOM_TYPE, FEED_AGE)


def _atom(house: House, seen: Seen, now: datetime, drill: bool) -> bytes:
    """All that is in force, cancels and all-clears too: who took the alert from here must hear of its end."""
    mine = [row for row in seen.rows if (row["mode"] != "Actual") == drill and in_force(row, now)]
    office = house.office
    return atom.feed(
        (_entry(house, row) for row in mine),
        title=f"LATIHAN / EXERCISE: {office.agency}" if drill else office.agency,
        link=f"{office.public_url}{'/exercise' if drill else ''}/feed.atom",
        updated=seen.changed.get(not drill, NEVER),
    )


def _entry(house: House, row: Row) -> atom.Entry:
    words, page = in_order(row)[0], house.office.link(row["id"])
    return atom.Entry(
        id=row["identifier"],
        updated=row["sent"],
        title=words.headline,
        summary=words.short,
        link=f"{page}.xml",
        page=page,
        language=words.language,
    )


async def _radio(request: web.Request) -> web.StreamResponse:
    """Serve the feed and what it points to of the radio folder, and nothing else that lies there."""
    key = RADIO_DRILL_FOLDER if is_drill(request) else RADIO_FOLDER
    folder: Any = request.app.get(key)
    path = _aired(folder, request.match_info["path"]) if folder else None
    if path is None or not await asyncio.to_thread(path.is_file):
        return refuse(request, 404, "no_file", drill=is_drill(request))
    kind = AIRED_KINDS.get(path.suffix, "application/rss+xml")
    charset = "" if kind.startswith("audio/") else "; charset=utf-8"
    headers = {**SAFE, "Content-Type": kind + charset, "Cache-Control": "public, max-age=30"}
    return web.FileResponse(path, headers=headers)


def _aired(folder: Path, wanted: str) -> Path | None:
    """Find a file a station may fetch: the feed, or sound and script of a bulletin in force; no way out."""
    parts = wanted.split("/")
    if parts == ["feed.xml"]:
        return folder / "feed.xml"
    if len(parts) != 2 or parts[0] == "aired" or not all(map(AIRED_NAME.fullmatch, parts)):
        return None
    path = folder.joinpath(*parts)
    inside = path.resolve().is_relative_to(folder.resolve())
    return path if inside and path.suffix in AIRED_KINDS else None


async def _style(_: web.Request) -> web.Response:
    headers = {**SAFE, "Cache-Control": "public, max-age=31536000, immutable", "Content-Type": "text/css"}
    return web.Response(body=pages.STYLE, headers=headers)


__all__ = ["BOARD", "RADIO_DRILL_FOLDER", "RADIO_FOLDER", "add_public"]
