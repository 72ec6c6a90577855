"""Gives an alert's notices for a radio kit, so that it can be built on any machine that reaches the service."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from aiohttp import web
from pydantic import TypeAdapter

from channels.contract import Notice
from crisis.errors import IllegalMove, NotFound
from crisis.flow.notices import make_notice
from crisis.web.auth import officer_of
from crisis.web.house import HOUSE

STORED = TypeAdapter(Notice)

# A kit is built for the radio's words, whether or not the alert leaves by that channel.
ALERT = """
SELECT NULL::bigint AS answer_id, a.identifier, a.id AS alert_id, a.incident_id, a.mode, a.purpose, a.sent, a.expires,
       a.words, a.urgent <= 1 AS urgent,
       (SELECT jsonb_build_object('radio', jsonb_object_agg(key, value->>'radio')) FROM jsonb_each(a.words)) AS notices,
       ARRAY(SELECT p.identifier FROM alert p WHERE p.id = ANY(a.refs) ORDER BY p.id) AS replaces
FROM alert a WHERE a.id = $1
"""


def add(app: web.Application) -> None:
    """Add the door."""
    app.router.add_get(r"/api/v1/alerts/{id:\d{1,18}}/bulletins", give)


async def give(request: web.Request) -> web.Response:
    """GET /api/v1/alerts/ID/bulletins: the notices of a released alert, one a language; 409 before its release."""
    await officer_of(request)
    house, alert_id = request.app[HOUSE], int(request.match_info["id"])
    row = await house.pool.fetchrow(ALERT, alert_id)
    if row is None:
        raise NotFound(f"there is no alert {alert_id}")
    if row["sent"] is None:
        raise IllegalMove(f"alert {alert_id} was not released: nobody has approved its words for the air")
    document = await house.cap(alert_id)
    told: list[dict[str, Any]] = []
    for language in row["words"]:
        notice = make_notice(row, "radio", language, house.office.public_url)
        about = await house.about(alert_id, language)
        told.append(STORED.dump_python(replace(notice, about=about, document=document), mode="json"))
    return web.json_response({"bulletins": told})
