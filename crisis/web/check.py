"""The page that answers "is this alert real?": by the code on every notice, for any phone, without JavaScript."""

from __future__ import annotations

from datetime import datetime

from aiohttp import web

from crisis.cap.compose import in_order
from crisis.model.alert import ENDING, AlertState
from crisis.model.code import Flaw, read, spell
from crisis.model.words import Purpose
from crisis.web.board import BOARD, Seen
from crisis.web.house import HOUSE
from crisis.web.labels import labels
from crisis.web.pages import HTML, in_words, language_of, private, render, send
from crisis.web.shown import Row, card, in_force

AGE = 2  # seconds others may keep it
LONGEST = 40  # characters of a code as somebody may type it
BY_LANGUAGE = "Accept-Encoding, Accept-Language"


def add_check(app: web.Application) -> None:
    """Add the form and the page of each code."""
    app.router.add_get("/check", in_words(_form))
    app.router.add_get("/check/{code}", in_words(_check))


async def _form(request: web.Request) -> web.Response:
    if "code" in request.query:
        return await _answer(request, request.query["code"])
    return _ask(request)


async def _check(request: web.Request) -> web.Response:
    return await _answer(request, request.match_info["code"])


def _ask(request: web.Request, given: str = "", says: str = "", status: int = 200) -> web.Response:
    house, language = request.app[HOUSE], language_of(request)
    text = render(
        house,
        "check.html",
        language,
        drill=False,
        path="/check",
        given=given[:LONGEST],
        says=labels(language)[says].format(help_line=house.office.help_line) if says else "",
        warn=says == "check_unknown",
        most=LONGEST,
    )
    return private(text, status)


async def _answer(request: web.Request, given: str) -> web.Response:
    found = read(given)
    if isinstance(found, Flaw):
        return _ask(request, given, {Flaw.MISTYPED: "check_digits", Flaw.NOT_A_CODE: "check_no_code"}[found], 400)
    house, language, board, alert_id = request.app[HOUSE], language_of(request), request.app[BOARD], found

    async def make(seen: Seen, now: datetime) -> bytes:
        row = await board.one(seen, alert_id)
        if row is None:
            raise _NotOurs
        drill = row["mode"] != "Actual"
        return render(
            house,
            "checked.html",
            language,
            drill=drill,
            path=f"/check/{spell(alert_id)}",
            card=card(row, language, house.desk.playbooks, house.office.zone, now),
            code=spell(alert_id),
            verdict=f"check_{row['mode'].lower()}",
            stands=_stands(row, now),
            all_words=in_order(row),
            next_code=spell(row["replaced_by"]) if row["replaced_by"] else "",
        ).encode()

    try:
        page = await board.page(("check", alert_id, language), make)
    except _NotOurs:
        return _ask(request, given, "check_unknown", 404)
    return send(request, page, HTML, AGE, vary=BY_LANGUAGE)


class _NotOurs(Exception):
    """No alert with this number was ever released."""


def _stands(row: Row, now: datetime) -> str:
    """Name the label that says how the alert stands at this moment."""
    if in_force(row, now):
        purpose = Purpose(row["purpose"])
        if purpose in ENDING:
            return f"stands_{purpose.value}"
        return "stands_in_force" if row["mode"] == "Actual" else "stands_drill"
    replaced = row["state"] in {AlertState.SUPERSEDED, AlertState.CANCELLED}
    return f"stands_{row['state']}" if replaced else "stands_expired"
