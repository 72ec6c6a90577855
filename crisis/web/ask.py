"""The residents' question form: asked on one page, answered on another that only the asker knows."""

from __future__ import annotations

import hashlib
import ipaddress
import re
import secrets
from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, urlencode

import asyncpg
from aiohttp import web

from crisis.db import is_brief
from crisis.errors import NotFound
from crisis.flow import answer, inbound
from crisis.model.inquiry import InquiryState
from crisis.triage import danger
from crisis.web.house import HOUSE, House
from crisis.web.labels import labels
from crisis.web.pages import SAFE, in_words, language_of, languages, private, refuse, render, time_of

ACCOUNT = "SELECT account FROM inquiry WHERE code = $1"

MOST_BYTES = 40_000  # of a form: the longest question, each letter spelt with percent signs
MOST_FIELDS = 8
WITHIN = timedelta(minutes=10)
PER_PERSON = 10
PER_ADDRESS = 300  # many phones share one address of their carrier
KEPT_KEYS = 20_000

CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
SETTLED = frozenset(
    {
        InquiryState.AUTO_ANSWERED,
        InquiryState.ANSWERED,
        InquiryState.CLOSED,
        InquiryState.FOLDED,
        InquiryState.ERASED,
        InquiryState.MERGED_INTO,
    }
)

Form = Mapping[str, str]


class Turnstile:
    """Lets each key through so many times in a span; what it remembers is bounded."""

    def __init__(self, most: int, within: timedelta) -> None:
        self._most, self._within = most, within
        self._passed: dict[str, deque[datetime]] = {}

    def passes(self, key: str, now: datetime) -> bool:
        """Count a try that may pass; one that may not does not count."""
        times = self._passed.pop(key, None) or deque()
        while times and times[0] <= now - self._within:
            times.popleft()
        self._passed[key] = times  # moved to the end: the first are those longest unseen
        if len(self._passed) > KEPT_KEYS:
            del self._passed[next(iter(self._passed))]
        if len(times) >= self._most:
            return False
        times.append(now)
        return True


PERSONS = web.AppKey("ask_persons", Turnstile)
ADDRESSES = web.AppKey("ask_addresses", Turnstile)


def add_ask(app: web.Application) -> None:
    """Add the question form and its answer pages."""
    app[PERSONS], app[ADDRESSES] = Turnstile(PER_PERSON, WITHIN), Turnstile(PER_ADDRESS, WITHIN)
    app.router.add_get("/ask", _empty_form)
    app.router.add_post("/ask", _take)
    app.router.add_get("/ask/{code:[A-Za-z0-9_-]{8,64}}", in_words(_asked))


async def _empty_form(request: web.Request) -> web.Response:
    return _form(request, {"exercise": request.query.get("exercise", "")})


def _form(request: web.Request, given: Form, fault: str = "", status: int = 200) -> web.Response:
    house, language, drill = request.app[HOUSE], language_of(request), given.get("exercise") == "1"
    text = render(
        house,
        "ask.html",
        language,
        drill=drill,
        path="/ask?exercise=1" if drill else "/ask",
        nonce=given.get("nonce") or secrets.token_urlsafe(16),
        text=given.get("question", ""),
        fault=fault,
        most=inbound.MOST,
        hint=labels(language)["question_hint"].format(most=inbound.MOST),
    )
    return private(text, status)


async def _take(request: web.Request) -> web.Response:
    house, now = request.app[HOUSE], request.app[HOUSE].now()
    form = await read_form(request)
    if form is None:
        return refuse(request, 400, "bad_form")
    text = CONTROLS.sub("", form.get("question", "").replace("\r\n", "\n")).strip()
    words = labels(language_of(request))
    if not text:
        return _form(request, form, words["empty"], 400)
    if len(text) > inbound.MOST:
        return _form(request, form, words["too_long"].format(given=len(text), most=inbound.MOST), 400)
    if not _may_ask(request, text, now):
        drill = form.get("exercise") == "1"
        return refuse(request, 429, "too_many", drill=drill, more={"Retry-After": str(int(WITHIN.total_seconds()))})
    try:
        return await _file(request, house, form, text, now)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        if not is_brief(error):
            raise
        return _form(request, form, words["unready"].format(help_line=house.office.help_line), 503)  # their words stay


async def _file(request: web.Request, house: House, form: Form, text: str, now: datetime) -> web.Response:
    tongue = form.get("answer_in", "")
    tongue = tongue if tongue in languages(house) else language_of(request)
    # The same form sent twice is one question; gone back to and changed, it is another.
    nonce = form.get("nonce", "")
    key = hashlib.sha256(f"{nonce}\0{text}".encode()).hexdigest()[:40] if len(nonce) >= 16 else ""
    drill = form.get("exercise") == "1"
    code = await inbound.ask(house.pool, house.desk, text, tongue, drill, key, now)
    where = f"/ask/{code}?{urlencode({'lang': language_of(request)})}"
    return web.Response(status=303, headers={**SAFE, "Location": where, "Cache-Control": "no-store"})


async def read_form(request: web.Request) -> Form | None:
    """Read a plain form of bounded size; None when it is anything else."""
    if request.content_type != "application/x-www-form-urlencoded":
        return None
    raw = bytearray()
    async for chunk in request.content.iter_chunked(8192):
        raw += chunk
        if len(raw) > MOST_BYTES:
            return None
    try:
        return dict(parse_qsl(raw.decode("ascii"), max_num_fields=MOST_FIELDS, keep_blank_values=True))
    except ValueError:
        return None


def _may_ask(request: web.Request, text: str, now: datetime) -> bool:
    """Hold back floods; one whose life may be at risk passes the limit of a person, not that of an address."""
    address = client_address(request.remote or "", request.headers.get("X-Forwarded-For", ""))
    if not request.app[ADDRESSES].passes(address, now):
        return False
    person = f"{address} {request.headers.get('User-Agent', '')[:300]}"
    return request.app[PERSONS].passes(person, now) or danger.judge(text).urgent


def client_address(remote: str, forwarded: str) -> str:
    """Give where a request comes from: a proxy's word counts only from this machine; IPv6 by its /64."""
    try:
        seen = ipaddress.ip_address(remote)
        if seen.is_loopback and forwarded:
            seen = ipaddress.ip_address(forwarded.rpartition(",")[2].strip())
    except ValueError:
        return remote
    if isinstance(seen, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((seen, 64), strict=False).network_address)
    return str(seen)


async def _asked(request: web.Request) -> web.Response:
    house, language, code = request.app[HOUSE], language_of(request), request.match_info["code"]
    try:
        page = await answer.on_page(house.pool, code)
    except NotFound:
        return refuse(request, 404, "no_question")
    async with house.pool.acquire() as connection:
        account: str = await connection.fetchval(ACCOUNT, code) or ""
    answers = [
        {"text": one["text"], "language": one["language"], "officer": one["officer"] is not None,
         "at": time_of(house, one["created_at"], language)}
        for one in page["answers"]
    ]  # fmt: skip
    state = InquiryState(page["state"])
    text = render(
        house,
        "asked.html",
        language,
        drill=account.endswith("/exercise"),
        path=f"/ask/{code}",
        waiting=state not in SETTLED,
        answered=state in {InquiryState.ANSWERED, InquiryState.AUTO_ANSWERED},
        answers=answers,
        sent_at=time_of(house, page["at"], language),
    )
    return private(text)
