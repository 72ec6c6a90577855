"""The page on which a station says when it aired an alert: by the code on its kit, for any phone, no JavaScript."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode

from aiohttp import web

from crisis.errors import BadInput, NotFound
from crisis.flow import readback
from crisis.flow.readback import Sending, Word
from crisis.model import moment
from crisis.model.phrases import zone_name
from crisis.web.ask import CONTROLS, Form, Turnstile, client_address, read_form
from crisis.web.house import HOUSE
from crisis.web.labels import labels
from crisis.web.pages import SAFE, in_words, is_drill, language_of, private, refuse, render, time_of

WITHIN = timedelta(minutes=10)
PER_ADDRESS = 60  # words of one station; the phones of many share the address of their carrier
MISSES = 30  # unknown codes of one address: somebody mistypes, nobody tries them all
LONGEST = 40  # characters of a time as somebody may type it

WORDS = web.AppKey("aired_words", Turnstile)
WRONG = web.AppKey("aired_wrong", Turnstile)


def add_aired(app: web.Application) -> None:
    """Add the page of each code; app[HOUSE] must be set before it is asked for."""
    app[WORDS], app[WRONG] = Turnstile(PER_ADDRESS, WITHIN), Turnstile(MISSES, WITHIN)
    for front in ("", "/exercise"):
        app.router.add_get(f"{front}/aired", in_words(_which))
        app.router.add_get(f"{front}/aired/{{ref}}", in_words(_ask))
        app.router.add_post(f"{front}/aired/{{ref}}", in_words(_take))


async def _which(request: web.Request) -> web.Response:
    """Ask for the code, and lead to its page: who has it on paper cannot click."""
    given = request.query.get("code", "").strip()[:LONGEST]
    if given:
        return web.Response(status=303, headers={**SAFE, "Location": f"{_path(request, given)}?{_lang(request)}"})
    house, language = request.app[HOUSE], language_of(request)
    path = f"{_front(request)}/aired"
    text = render(house, "aired_code.html", language, drill=is_drill(request), path=path, most=LONGEST)
    return private(text)


async def _ask(request: web.Request) -> web.Response:
    sending = await _found(request)
    return _form(request, sending, {}) if isinstance(sending, Sending) else sending


async def _found(request: web.Request) -> Sending | web.Response:
    """Find whose code it is; who tries many that are nobody's is held back."""
    try:
        return await readback.of_ref(request.app[HOUSE].pool, request.match_info["ref"])
    except NotFound:
        if not _passes(request, WRONG):
            return _too_many(request)
        return refuse(request, 404, "aired_unknown", drill=is_drill(request))


async def _take(request: web.Request) -> web.Response:
    sending = await _found(request)
    if not isinstance(sending, Sending):
        return sending
    house, language, now = request.app[HOUSE], language_of(request), request.app[HOUSE].now()
    form = await read_form(request)
    if form is None:
        return refuse(request, 400, "aired_bad_form", drill=sending.drill)
    if not _passes(request, WORDS):
        return _too_many(request)
    at = moment.read(form.get("at", "")[:LONGEST], now, house.office.zone)
    by = " ".join(CONTROLS.sub(" ", form.get("by", "")).split())
    if fault := _fault(at, by, sending, now):
        return _form(request, sending, form, labels(language)[fault].format(sent=_at(request, sending.sent)), 400)
    word = Word(at=at or now, by=by, how="link")
    try:
        kept = await readback.keep(house.pool, house.desk.vault, sending, word, house.office.zone, now)
    except BadInput:
        return _form(request, sending, form, labels(language)["aired_no_name"], 400)
    return _thanks(request, sending, [one.at for one in kept.on_record])


def _fault(at: datetime | None, by: str, sending: Sending, now: datetime) -> str:
    """Name the label of what is wrong."""
    if at is None:
        return "aired_no_time"
    if at > now + moment.AHEAD:
        return "aired_ahead"
    if at < sending.sent.replace(second=0, microsecond=0):
        return "aired_before"
    return "" if 1 <= len(by) <= readback.MOST_NAME else "aired_no_name"


def _form(request: web.Request, sending: Sending, given: Form, fault: str = "", status: int = 200) -> web.Response:
    house = request.app[HOUSE]
    local = house.now().astimezone(house.office.zone)
    shown = {
        "at": given.get("at", f"{local:%Y-%m-%dT%H:%M}")[:LONGEST],
        "by": given.get("by", "")[: readback.MOST_NAME],
        "fault": fault,
        "zone": zone_name(local),
        "most": readback.MOST_NAME,
        "times": [],
    }
    return _page(request, sending, shown, status)


def _thanks(request: web.Request, sending: Sending, times: list[datetime]) -> web.Response:
    shown = list(dict.fromkeys(_at(request, one) for one in times))  # several may tell of the same airing
    return _page(request, sending, {"times": shown}, 200)


def _page(request: web.Request, sending: Sending, values: Mapping[str, object], status: int) -> web.Response:
    house, language = request.app[HOUSE], language_of(request)
    path = _path(request, request.match_info["ref"])
    text = render(
        house, "aired.html", language, drill=sending.drill, path=path, station=sending.station,
        headline=sending.headlines.get(language, sending.headline), sent=_at(request, sending.sent), **values,
    )  # fmt: skip
    return private(text, status)


def _front(request: web.Request) -> str:
    return "/exercise" if is_drill(request) else ""


def _path(request: web.Request, ref: str) -> str:
    return f"{_front(request)}/aired/{quote(ref, safe='')}"


def _lang(request: web.Request) -> str:
    return urlencode({"lang": language_of(request)})


def _at(request: web.Request, at: datetime) -> str:
    return time_of(request.app[HOUSE], at, language_of(request))


def _passes(request: web.Request, key: web.AppKey[Turnstile]) -> bool:
    address = client_address(request.remote or "", request.headers.get("X-Forwarded-For", ""))
    return request.app[key].passes(address, request.app[HOUSE].now())


def _too_many(request: web.Request) -> web.Response:
    more = {"Retry-After": str(int(WITHIN.total_seconds()))}
    return refuse(request, 429, "aired_too_many", drill=is_drill(request), more=more)
