"""The door for everybody: alerts in force as pages, without an account or JavaScript."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import datetime

from aiohttp import web

from crisis.web import aired, ask, check, kits, pages, published
from crisis.web.board import BOARD, REMEMBERED, Board, Seen, is_stale
from crisis.web.house import HOUSE, House
from crisis.web.pages import HTML, SAFE, in_words, is_drill, language_of, refuse, render, send, time_of
from crisis.web.shown import card, cards, ended_at, in_force, warns

PAGE_AGE = 2  # seconds others may keep it
MOST_ENDED = 8
BY_LANGUAGE = "Accept-Encoding, Accept-Language"


def add_public(app: web.Application) -> None:
    """Add the residents' pages to the app; app[HOUSE] must be set before it starts."""
    app.cleanup_ctx.append(_open)
    app.router.add_routes(
        [
            web.get("/", in_words(_in_force)),
            web.get("/exercise", in_words(_in_force)),
            web.get(r"/a/{id:[0-9]{1,18}}", in_words(_one)),
            web.get(pages.STYLE_PATH, _style),
        ]
    )
    published.add_published(app)
    check.add_check(app)
    kits.add(app)
    ask.add_ask(app)
    aired.add_aired(app)


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


async def _style(_: web.Request) -> web.Response:
    headers = {**SAFE, "Cache-Control": "public, max-age=31536000, immutable", "Content-Type": "text/css"}
    return web.Response(body=pages.STYLE, headers=headers)


__all__ = ["BOARD", "add_public"]
