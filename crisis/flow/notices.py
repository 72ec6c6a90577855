"""Notices: the frozen words of a dispatch, fitted to its channel: the very bytes the approver saw."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime

import asyncpg

from channels.contract import About, Channel, Notice, Reach
from crisis import db
from crisis.errors import BadInput
from crisis.flow.trip import ANSWER
from crisis.model.alert import ENDING
from crisis.model.words import Purpose

KEPT = 64  # dispatches whose words are kept in memory

Document = Callable[[int], Awaitable[bytes]]
Telling = Callable[[int, str], Awaitable[About]]

# What a notice is made of; a dispatch belongs to an alert or to an answer.
NOTICE = """
SELECT d.id, d.expires, a.identifier, a.id AS alert_id, a.incident_id, a.mode, a.purpose, a.sent, a.words,
       a.notices, coalesce(a.refs, '{}') AS refs, a.urgent <= 1 AS urgent, w.id AS answer_id, w.text AS answer,
       w.language AS answer_language,
       ARRAY(SELECT p.identifier FROM alert p WHERE p.id = ANY(a.refs) ORDER BY p.id) AS replaces
FROM dispatch d LEFT JOIN alert a ON a.id = d.alert_id LEFT JOIN answer w ON w.id = d.answer_id
WHERE d.id = $1
"""

THREADS = """
SELECT DISTINCT ON (t.address_id) t.address_id, t.refs[1] AS ref
FROM attempt t JOIN dispatch d ON d.id = t.dispatch_id
WHERE d.alert_id = ANY($1::bigint[]) AND t.address_id = ANY($2::bigint[]) AND t.outcome = 'accepted'
  AND cardinality(t.refs) > 0
ORDER BY t.address_id, d.alert_id DESC
"""


class Notices:
    """Gives the notice of a dispatch on a channel in a language; asks the database once for each dispatch."""

    def __init__(self, public_url: str, document: Document | None = None, about: Telling | None = None) -> None:
        """`document` gives an alert as CAP XML, for the channels that carry it; without it they send nothing.

        `about` tells in a language what an alert is about, for the channels that carry a kit.
        """
        self._public_url, self._document, self._about = public_url, document, about
        self._rows: OrderedDict[int, asyncpg.Record] = OrderedDict()  # words never change after release

    async def of(self, connection: db.AnyConnection, dispatch_id: int) -> tuple[list[int], datetime]:
        """Give the alerts a dispatch follows and when it expires; fit() then knows the dispatch."""
        row = self._rows.get(dispatch_id)
        if row is None:
            (row,) = await connection.fetch(NOTICE, dispatch_id)
            self._rows[dispatch_id] = row
            if len(self._rows) > KEPT:
                self._rows.popitem(last=False)
        return row["refs"], row["expires"]

    async def threads(
        self, connection: db.AnyConnection, channel: Channel, refs: Sequence[int], ids: Sequence[int]
    ) -> dict[int, str]:
        """Give, for a posted channel, the provider's id of the post each address follows."""
        if channel.reach is not Reach.POSTED:
            return {}
        return {r["address_id"]: r["ref"] for r in await connection.fetch(THREADS, refs, ids)}

    async def fit(self, dispatch_id: int, channel: Channel, language: str) -> Notice:
        """Give the notice of a dispatch that of() has read."""
        row = self._rows[dispatch_id]
        notice = make_notice(row, channel.name, language, self._public_url)
        kit, alert_id = "kit" in channel.limit.renditions, row["alert_id"]
        if alert_id is None or not (kit or "cap" in channel.limit.renditions):
            return notice
        notice = replace(notice, document=await self._as_cap(alert_id))
        if not kit:
            return notice
        about = await self._about(alert_id, language) if self._about else None
        return replace(notice, about=about, home=self._public_url)

    async def _as_cap(self, alert_id: int) -> bytes:
        """Give the CAP document; an alert that cannot be written as CAP has none, and an alarm told why."""
        if self._document is None:
            return b""
        try:
            return await self._document(alert_id)
        except BadInput:
            return b""


def make_notice(row: asyncpg.Record, channel: str, language: str, public_url: str) -> Notice:
    """Fit the frozen words of a dispatch to its channel: the very bytes the approver saw."""
    if row["answer_id"] is not None:
        return Notice(
            id=f"{ANSWER}{row['answer_id']}",
            language=row["answer_language"],
            text=row["answer"],
            mode="Actual",
        )
    words = row["words"][language]
    return Notice(
        id=row["identifier"],
        language=language,
        text=row["notices"][channel][language],
        mode=row["mode"],
        urgent=row["urgent"],
        incident=str(row["incident_id"]),
        sent=row["sent"],
        expires=row["expires"],
        headline=words["headline"],
        script=words["radio"],
        link=f"{public_url}/a/{row['alert_id']}",
        replaces=tuple(row["replaces"]),
        ends=Purpose(row["purpose"]) in ENDING,
    )
