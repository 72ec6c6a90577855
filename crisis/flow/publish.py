"""Publish: an alert of ours as CAP XML, made and signed once; everybody gets the same bytes, for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from crisis import db, log
from crisis.cap.compose import compose
from crisis.cap.sign import Signer, sign
from crisis.cap.write import write
from crisis.errors import BadInput, CrisisError, NotFound
from crisis.model.office import Office

logger = log.get("publish")

EVERY = 10.0  # seconds: the safety net under the calls
AFTERWARDS = 1.0  # seconds the first attempts of a release have before its document is made unasked
AT_ONCE = 20

KEPT = "SELECT xml, signed FROM cap_document WHERE alert_id = $1"
RELEASED = "SELECT * FROM alert WHERE id = $1 AND sent IS NOT NULL"
CHAIN = "SELECT identifier, sent FROM alert WHERE id = ANY($1::bigint[]) AND sent IS NOT NULL ORDER BY number"

# Two may make the document at once, and two signatures of the same alert differ: the first one stays, and both
# read it back.
KEEP = """
INSERT INTO cap_document (alert_id, xml, signed, made_at) VALUES ($1, $2, $3, $4) ON CONFLICT (alert_id) DO NOTHING
"""

UNMADE = """
SELECT a.id FROM alert a WHERE a.sent IS NOT NULL AND NOT EXISTS (SELECT FROM cap_document d WHERE d.alert_id = a.id)
  AND a.id <> ALL($1::bigint[])
ORDER BY a.sent DESC, a.id DESC LIMIT $2
"""

ALARM = """
INSERT INTO alarm (kind, alert_id, says, role, at) SELECT $1, $2, $3, 'officer', $4
WHERE NOT EXISTS (SELECT FROM alarm WHERE kind = $1 AND says = $3 AND seen_at IS NULL)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """An alert of ours as CAP XML, as it was first given away; `signed` tells whether we signed it."""

    xml: bytes
    signed: bool


def load_signer(key: Path | None, certificate: Path | None) -> Signer | None:
    """Load what signs our alerts; None when nothing is set. Raises BadInput naming the setting that is wrong."""
    if key is None and certificate is None:
        return None
    if key is None or certificate is None:
        missing = "CRISIS_SIGNING_KEY" if key is None else "CRISIS_SIGNING_CERTIFICATE"
        raise BadInput(f"{missing} is not set: a signature needs both the key and its certificate")
    try:
        return Signer.load(key, certificate)
    except CrisisError as error:
        raise BadInput(f"CRISIS_SIGNING_KEY, CRISIS_SIGNING_CERTIFICATE: {error}") from error


async def document(pool: db.Pool, alert_id: int, office: Office, signer: Signer | None, now: datetime) -> Document:
    """Give a released alert as CAP XML: made at the first demand, the same bytes ever after, restarts included.

    An alert that cannot be signed is given unsigned, and an alarm tells of it. Raises NotFound for an alert that
    was not released, BadInput (and an alarm) for one that breaks a rule of CAP.
    """
    async with pool.acquire() as connection:
        if kept := await connection.fetchrow(KEPT, alert_id):
            return Document(xml=kept["xml"], signed=kept["signed"])
        row = await connection.fetchrow(RELEASED, alert_id)
        if row is None:
            raise NotFound(f"there is no released alert {alert_id}")
        earlier = await connection.fetch(CHAIN, row["refs"])
    try:
        # A coast of many thousand points takes a while to thin, and a signature a while to make.
        made, why = await asyncio.to_thread(_make, dict(row), [dict(one) for one in earlier], office, signer)
    except Exception as error:  # a fault here must end neither the door nor the delivery that asked
        says = f"alert {alert_id} cannot be published as CAP: {error if isinstance(error, BadInput) else repr(error)}"
        logger.exception("publish.not_written", alert=alert_id)
        await _call(pool, "cap_refused", alert_id, says, now)
        raise BadInput(says) from error
    if why:
        says = f"CAP alerts go out unsigned ({why}): mend CRISIS_SIGNING_KEY and its certificate, then restart"
        await _call(pool, "cap_unsigned", alert_id, says, now)
    async with pool.acquire() as connection:
        await connection.execute(KEEP, alert_id, made.xml, made.signed, now)
        kept = await connection.fetchrow(KEPT, alert_id)
    return Document(xml=kept["xml"], signed=kept["signed"]) if kept else made


def _make(
    row: Mapping[str, Any], earlier: Sequence[Mapping[str, Any]], office: Office, signer: Signer | None
) -> tuple[Document, str]:
    """Write and sign; give also why it could not be signed, if it could not."""
    xml = write(compose(row, earlier, office))
    if signer is None:
        return Document(xml=xml, signed=False), ""
    try:
        return Document(xml=sign(xml, signer), signed=True), ""
    except Exception as error:  # whatever it is: a warning is never held back for want of a signature
        logger.exception("publish.not_signed", alert=row["id"])
        return Document(xml=xml, signed=False), str(error)[:200] or type(error).__name__


async def _call(pool: db.Pool, kind: str, alert_id: int, says: str, now: datetime) -> None:
    """Call an officer, once for as long as nobody has seen it."""
    await pool.execute(ALARM, kind, alert_id, says, now)
    logger.error(f"publish.{kind}", alert=alert_id)


async def follow(
    pool: db.Pool,
    office: Office,
    signer: Signer | None,
    now: Callable[[], datetime],
    wait: Callable[[float], Awaitable[None]],
) -> None:
    """Run until cancelled: make the document of each release a moment after it, so that no reader waits for it.

    `wait` returns at a call, at the latest after the seconds it is given.
    """
    hopeless: set[int] = set()
    while True:
        try:
            for row in await pool.fetch(UNMADE, list(hopeless), AT_ONCE):
                try:
                    await document(pool, row["id"], office, signer, now())
                except CrisisError:
                    hopeless.add(row["id"])  # an alarm told of it
        except db.FAULTS as error:  # whoever asks for a document still gets it, or hears why not
            logger.warning("publish.database_lost", error=type(error).__name__)
        await wait(EVERY)
        await asyncio.sleep(AFTERWARDS)
