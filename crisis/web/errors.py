"""How a fault reaches whoever asked: one sentence, the right status, and for bad input every place."""

from __future__ import annotations

import asyncio
import json
import re
from enum import StrEnum
from typing import Any, TypeVar

import asyncpg
from aiohttp import web
from pydantic import BaseModel, ValidationError

from crisis import log
from crisis.db import DISK_FULL, FAULTS, is_brief
from crisis.errors import BadInput, CrisisError, Fault, IllegalMove, NotAllowed, NotFound, NotReady

logger = log.get("web")
Body = TypeVar("Body", bound=BaseModel)

STATUS: tuple[tuple[type[CrisisError], int], ...] = (
    (BadInput, 400),
    (NotAllowed, 403),
    (NotFound, 404),
    (IllegalMove, 409),
    (NotReady, 503),
)


_SAYS = {
    404: "there is nothing at this address: check how it is spelt",
    405: "this address cannot be asked so: see Allow for the methods it knows",
    413: "this is more than 64 MB, and was not read: send it in parts",
}
HALVES = re.compile(rb"\\u[dD][89a-fA-F]")  # of a character beyond the first 65,536, as JSON spells them


@web.middleware
async def tell(request: web.Request, handler: Any) -> web.StreamResponse:
    """Turn every fault below into a reply; a bug is logged once and told without its inside."""
    try:
        response: web.StreamResponse = await handler(request)
    except CrisisError as error:
        status = next((code for kind, code in STATUS if isinstance(error, kind)), 500)
        faults = [f.as_dict() for f in error.faults] if isinstance(error, BadInput) else []
        return reply(status, str(error), faults)
    except web.HTTPException as error:
        if error.status < 400 or not request.path.startswith("/api/"):
            raise
        return reply(error.status, _SAYS.get(error.status, error.reason), allow=error.headers.get("Allow", ""))
    except (asyncio.CancelledError, ConnectionResetError):
        raise
    except (asyncpg.DataError, UnicodeEncodeError):
        return reply(400, "a text or number here cannot be stored: it holds a NUL or half a character, or is too large")
    except asyncpg.DiskFullError:
        return reply(503, f"{DISK_FULL}; nothing of this was kept: ask again then")
    except FAULTS as error:
        if is_brief(error):
            return reply(503, "the database is away just now: try again in a few seconds")
        logger.exception("web.failed", path=request.path)
        return reply(500, "the service failed here: the log tells where; nothing was changed")
    except Exception:
        logger.exception("web.failed", path=request.path)
        return reply(500, "the service failed here: the log tells where; nothing was changed")
    return response


def reply(status: int, says: str, faults: list[dict[str, object]] | None = None, *, allow: str = "") -> web.Response:
    """Make the JSON reply for a fault; `allow` names the methods that an address knows."""
    body: dict[str, object] = {"error": says}
    if faults:
        body["faults"] = faults
    return web.json_response(body, status=status, headers={"Allow": allow} if allow else None)


async def read_body(request: web.Request, shape: type[Body]) -> Body:
    """Read a JSON body into its shape, or raise BadInput naming each field that is wrong."""
    raw = await request.read() or b"{}"
    try:
        given = json.loads(raw)
    except (ValueError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput("the body is not JSON in UTF-8") from error
    if HALVES.search(raw) and (broken := [name for name, value in _named(given) if _is_half(value)]):
        says = "holds half a character, which cannot be stored or sent: write it again"
        raise BadInput([Fault(file="body", field=name, says=says) for name in broken])
    try:
        return shape.model_validate(given)
    except ValidationError as error:
        # Never the input itself: it may hold a resident's words.
        wrong = error.errors(include_input=False, include_url=False, include_context=False)
        raise BadInput([Fault(file="body", field=".".join(map(str, e["loc"])), says=e["msg"]) for e in wrong]) from None


def _named(given: object) -> list[tuple[str, object]]:
    return (
        [(_whole(name), [name, value]) for name, value in given.items()] if isinstance(given, dict) else [("", given)]
    )


def _whole(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _is_half(value: object) -> bool:
    """Tell whether a text anywhere inside cannot be written as UTF-8."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False


def states_of(request: web.Request, kind: type[StrEnum]) -> list[str] | None:
    """Give the states that ?state= asks for, None for all; raise BadInput that names those there are for another."""
    given = [state.strip() for state in request.query.get("state", "").split(",") if state.strip()]
    known = [state.value for state in kind]
    unknown = [state for state in given if state not in known]
    if unknown:
        raise BadInput(f"there is no state {_whole(unknown[0][:40])!r}; there are {', '.join(known)}")
    return given or None
