"""The door for everybody: alerts in force as pages, without an account or JavaScript."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from crisis.web import ask, check, pages, published
from crisis.web.board import BOARD, REMEMBERED, Board, Seen, is_stale
from crisis.web.house import HOUSE, House
from crisis.web.pages import HTML, SAFE, in_words, is_drill, language_of, refuse, render, send, time_of
from crisis.web.shown import card, cards, ended_at, in_force, warns

RADIO_FOLDER = web.AppKey("radio_folder", Path)
RADIO_DRILL_FOLDER = web.AppKey("radio_drill_folder", Path)

PAGE_AGE = 2  # seconds others may keep it
MOST_ENDED = 8
BY_LANGUAGE = "Accept-Encoding, Accept-Language"
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
            web.get("/radio/{path:.+}", _radio),
            web.get("/exercise/radio/{path:.+}", _radio),
            web.get(pages.STYLE_PATH, _style),
        ]
    )
    published.add_published(app)
    check.add_check(app)
    ask.add_ask(app)


async def _open(app: web.Application) -> AsyncIterator[None]:
    app[BOARD] = Board(app[HOUSE])
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
