"""Makes the residents' pages: templates filled, packed, tagged, and sent with what keeps a browser safe."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from pathlib import Path

import asyncpg
from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from crisis.db import is_brief
from crisis.errors import NotReady
from crisis.model.phrases import long_time
from crisis.web.board import Rendered
from crisis.web.house import HOUSE, House
from crisis.web.labels import LANGUAGE_NAMES, choose_language, label_language, labels

HERE = Path(__file__).parent
STYLE = (HERE / "static" / "public.css").read_bytes()
STYLE_PATH = f"/static/public.{hashlib.sha256(STYLE).hexdigest()[:12]}.css"
HTML = "text/html"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

SAFE = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

TEMPLATES = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def languages(house: House) -> tuple[str, ...]:
    """List the languages residents can choose: those of the replies first, then the playbooks' others."""
    books = (language for book in house.desk.playbooks.values() for language in book.languages)
    return tuple(dict.fromkeys((*house.desk.replies.languages, *books)))


def language_of(request: web.Request) -> str:
    """Choose the language of a reply."""
    return choose_language(request, languages(request.app[HOUSE]))


def render(house: House, template: str, language: str, *, drill: bool, path: str, **values: object) -> str:
    """Fill a page; `path` is where its language links lead."""
    return TEMPLATES.get_template(template).render(
        w=labels(language),
        language=language,
        label_language=label_language(language),
        languages=[(code, LANGUAGE_NAMES.get(code, code)) for code in languages(house)],
        office=house.office,
        drill=drill,
        path=path,
        style=STYLE_PATH,
        **values,
    )


def time_of(house: House, moment: datetime, language: str) -> str:
    """Write a moment as residents read it, in the office's zone."""
    return long_time(moment.astimezone(house.office.zone), label_language(language))


def send(request: web.Request, page: Rendered, kind: str, age: int, *, vary: str = "Accept-Encoding") -> web.Response:
    """Answer with a page, packed when the browser can; 304 when it has these bytes already.

    `age` is for how many seconds others may keep it; never past the expiry of an alert on it.
    """
    now = request.app[HOUSE].now()
    left = int((page.ends - now).total_seconds()) if page.ends else age
    packs = "gzip" in request.headers.get("Accept-Encoding", "")
    tag = f"{page.tag}-gz" if packs else page.tag
    headers = {**SAFE, "ETag": f'"{tag}"', "Vary": vary, "Cache-Control": f"public, max-age={max(min(age, left), 0)}"}
    if any(known.value in {tag, "*"} for known in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    if packs:
        headers["Content-Encoding"] = "gzip"
    headers["Content-Type"] = f"{kind}; charset=utf-8"
    return web.Response(body=page.packed if packs else page.body, headers=headers)


def private(text: str, status: int = 200, more: Mapping[str, str] | None = None) -> web.Response:
    """Answer with a page that is one resident's alone: nobody keeps it."""
    headers = {**SAFE, "Cache-Control": "no-store", **(more or {})}
    return web.Response(text=text, status=status, content_type=HTML, headers=headers)


def refuse(
    request: web.Request, status: int, label: str, *, drill: bool = False, more: Mapping[str, str] | None = None
) -> web.Response:
    """Say in one sentence, on a page of its own, why there is nothing else to show."""
    house, language = request.app[HOUSE], language_of(request)
    says = labels(language)[label].format(help_line=house.office.help_line)
    title = HTTPStatus(status).phrase
    path = "/exercise" if drill else "/"
    text = render(house, "refused.html", language, drill=drill, path=path, says=says, title=title)
    return private(text, status, more)


def in_words(handler: Handler) -> Handler:
    """Have residents told in words, not in JSON, that the database is away."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except (NotReady, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            if not (isinstance(error, NotReady) or is_brief(error)):
                raise
            return refuse(request, 503, "unready", drill=is_drill(request), more={"Retry-After": "5"})

    return answer


def is_drill(request: web.Request) -> bool:
    """Tell whether a path belongs to the exercises."""
    return request.path.startswith("/exercise")
