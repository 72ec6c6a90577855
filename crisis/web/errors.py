"""How a fault reaches whoever asked: one sentence, the right status, and for bad input every place."""

from __future__ import annotations

import asyncio
import json
from typing import Any, TypeVar

import asyncpg
from aiohttp import web
from pydantic import BaseModel, ValidationError

from crisis import log
from crisis.db import FAULTS, is_brief
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


@web.middleware
async def tell(request: web.Request, handler: Any) -> web.StreamResponse:
    """Turn every fault below into a reply; a bug is logged once and told without its inside."""
    try:
        response: web.StreamResponse = await handler(request)
    except CrisisError as error:
        status = next((code for kind, code in STATUS if isinstance(error, kind)), 500)
        faults = [f.as_dict() for f in error.faults] if isinstance(error, BadInput) else []
        return reply(status, str(error), faults)
    except (web.HTTPException, asyncio.CancelledError, ConnectionResetError):
        raise
    except (asyncpg.DataError, UnicodeEncodeError):
        return reply(400, "a text or number here cannot be stored: it holds a NUL or half a character, or is too large")
    except FAULTS as error:
        if is_brief(error):
            return reply(503, "the database is away just now: try again in a few seconds")
        logger.exception("web.failed", path=request.path)
        return reply(500, "the service failed here: the log tells where; nothing was changed")
    except Exception:
        logger.exception("web.failed", path=request.path)
        return reply(500, "the service failed here: the log tells where; nothing was changed")
    return response


def reply(status: int, says: str, faults: list[dict[str, object]] | None = None) -> web.Response:
    """Make the JSON reply for a fault."""
    body: dict[str, object] = {"error": says}
    if faults:
        body["faults"] = faults
    return web.json_response(body, status=status)


async def read_body(request: web.Request, shape: type[Body]) -> Body:
    """Read a JSON body into its shape, or raise BadInput naming each field that is wrong."""
    try:
        given = json.loads(await request.read() or b"{}")
    except (ValueError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput("the body is not JSON in UTF-8") from error
    try:
        return shape.model_validate(given)
    except ValidationError as error:
        # Never the input itself: it may hold a resident's words.
        wrong = error.errors(include_input=False, include_url=False, include_context=False)
        raise BadInput([Fault(file="body", field=".".join(map(str, e["loc"])), says=e["msg"]) for e in wrong]) from None
