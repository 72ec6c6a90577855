"""The door for other systems: our alerts as CAP, signed, and as Atom and RSS feeds with their history."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta

from aiohttp import web

from crisis.cap import atom, rss
from crisis.cap.compose import in_order
from crisis.errors import NotFound
from crisis.flow import publish
from crisis.web.board import BOARD, NEVER, PATIENCE, Rendered, Seen
from crisis.web.house import HOUSE, House
from crisis.web.pages import SAFE, in_words, is_drill, refuse, send
from crisis.web.shown import Row, in_force

# Newest first by when they were released: what an earlier page holds never changes, so it may be kept for long.
HISTORY = """
SELECT id, identifier, sent, facts, words FROM alert
WHERE sent IS NOT NULL AND (mode <> 'Actual') = $1
  AND ($2::bigint IS NULL OR (sent, id) < (SELECT sent, id FROM alert WHERE id = $2 AND sent IS NOT NULL))
ORDER BY sent DESC, id DESC LIMIT $3
"""
KNOWN = "SELECT EXISTS (SELECT FROM alert WHERE id = $1 AND sent IS NOT NULL)"

CAPS = web.AppKey("caps", dict[int, tuple[Rendered, bool]])
CAPS_KEPT = 256
FEED_AGE, CAP_AGE = 30, 3600  # seconds others may keep it
FOREVER = timedelta(days=36_500)
PER_PAGE = 50
RSS_TYPE, PEM_TYPE = "application/rss+xml", "application/x-pem-file"


def add_published(app: web.Application) -> None:
    """Add what other systems read to the app; app[BOARD] must be there when it has started."""
    app[CAPS] = {}
    app.cleanup_ctx.append(_follow)
    app.router.add_routes(
        [web.get(r"/a/{id:[0-9]{1,18}}.xml", in_words(_cap)), web.get("/certificate.pem", in_words(_certificate))]
        + [
            web.get(f"{front}{path}", in_words(answer))
            for front in ("", "/exercise")
            for path, answer in (("/feed.atom", _atom), ("/feed.rss", _rss), ("/history.atom", _history))
        ]
    )


async def _follow(app: web.Application) -> AsyncIterator[None]:
    house = app[HOUSE]
    making = publish.follow(house.pool, house.office, house.signer, house.now, house.alerts.wait)
    following = asyncio.create_task(making)
    yield
    following.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await following


async def _cap(request: web.Request) -> web.Response:
    kept, alert_id = request.app[CAPS], int(request.match_info["id"])
    if alert_id not in kept:
        try:
            made = await request.app[HOUSE].document(alert_id)
        except NotFound:
            return refuse(request, 404, "no_alert")
        if len(kept) >= CAPS_KEPT:
            del kept[next(iter(kept))]
        kept[alert_id] = Rendered.of(made.xml, request.app[HOUSE].now() + FOREVER), made.signed
    page, signed = kept[alert_id]
    reply = send(request, page, atom.CAP_TYPE, CAP_AGE)
    reply.headers["X-CAP-Signed"] = "yes" if signed else "no"
    return reply


async def _certificate(request: web.Request) -> web.Response:
    """Give what others pin to verify our signatures; it is public."""
    signer = request.app[HOUSE].signer
    if signer is None:
        return refuse(request, 404, "no_file")
    return web.Response(body=signer.pem.encode(), headers={**SAFE, "Content-Type": PEM_TYPE})


async def _atom(request: web.Request) -> web.Response:
    house, drill = request.app[HOUSE], is_drill(request)

    async def make(seen: Seen, now: datetime) -> bytes:
        return atom.feed(
            _holding(house, seen, now, drill),
            title=_title(house, drill),
            link=_at(house, drill, "/feed.atom"),
            updated=seen.changed.get(not drill, NEVER),
            more={"archives": _at(house, drill, "/history.atom")},
        )

    return send(request, await request.app[BOARD].page(("atom", drill), make), atom.ATOM_TYPE, FEED_AGE)


async def _rss(request: web.Request) -> web.Response:
    house, drill = request.app[HOUSE], is_drill(request)

    async def make(seen: Seen, now: datetime) -> bytes:
        return rss.feed(
            _holding(house, seen, now, drill),
            title=_title(house, drill),
            page=_at(house, drill, "" if drill else "/"),
            link=_at(house, drill, "/feed.rss"),
            updated=seen.changed.get(not drill, NEVER),
        )

    return send(request, await request.app[BOARD].page(("rss", drill), make), RSS_TYPE, FEED_AGE)


async def _history(request: web.Request) -> web.Response:
    house, drill, asked = request.app[HOUSE], is_drill(request), request.query.get("before", "")
    if asked and not (asked.isdecimal() and asked.isascii() and len(asked) < 19):
        return refuse(request, 404, "no_alert", drill=drill)
    before = int(asked) if asked else None

    async def make(_: Seen, __: datetime) -> bytes:
        async with asyncio.timeout(PATIENCE), house.pool.acquire() as connection:
            if before is not None and not await connection.fetchval(KNOWN, before):
                raise NotFound(f"there is no released alert {before}")
            rows = await connection.fetch(HISTORY, drill, before, PER_PAGE)
        return _archive(house, [dict(row) for row in rows], drill, asked)

    try:
        page = await request.app[BOARD].page(("history", drill, before), make)
    except NotFound:
        return refuse(request, 404, "no_alert", drill=drill)
    return send(request, page, atom.ATOM_TYPE, CAP_AGE if before else FEED_AGE)


def _archive(house: House, rows: Sequence[Row], drill: bool, asked: str) -> bytes:
    """Write one page of all that was ever released, so that who was offline can catch up (RFC 5005 section 3)."""
    here = _at(house, drill, "/history.atom")
    more = {"first": here, "current": _at(house, drill, "/feed.atom")}
    if len(rows) == PER_PAGE:
        more["next"] = f"{here}?before={rows[-1]['id']}"
    return atom.feed(
        [_entry(house, row) for row in rows],
        title=_title(house, drill),
        link=f"{here}?before={asked}" if asked else here,
        updated=rows[0]["sent"] if rows else NEVER,
        more=more,
    )


def _holding(house: House, seen: Seen, now: datetime, drill: bool) -> list[atom.Entry]:
    """List all that is in force, cancels and all-clears too: who took the alert from here must hear of its end."""
    return [_entry(house, row) for row in seen.rows if (row["mode"] != "Actual") == drill and in_force(row, now)]


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


def _title(house: House, drill: bool) -> str:
    return f"LATIHAN / EXERCISE: {house.office.agency}" if drill else house.office.agency


def _at(house: House, drill: bool, path: str) -> str:
    return f"{house.office.public_url}{'/exercise' if drill else ''}{path}"
