"""A register of radio stations on a real Postgres, and what they were sent of an alert."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from channels.contract import Misconfigured
from crisis import db
from crisis.flow import fanout, stations
from crisis.flow.stations import NewStation
from crisis.model.officer import Officer, Role
from crisis.privacy import Vault
from tests.crisis.web.town import NOW, Town

WAY = "sftp://bpbd:s3cret@studio.example:2222/drop?hostkey=any"
DISPATCH = """
INSERT INTO dispatch (alert_id, channel, account, reach, urgent, expires)
VALUES ($1, 'radio', $2, 'posted', 0, now() + interval '1 day') RETURNING id
"""
ATTEMPT = "INSERT INTO attempt VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
PAGE = """
INSERT INTO address (channel, language, sealed, lookup)
VALUES ('radio', $1::text, '', sha256($1::text::bytea)) RETURNING id
"""


def checked(told: Mapping[str, Any]) -> str:
    """As the channel does: its entry, or a sentence that quotes nothing."""
    if told["way"].startswith("gopher:"):
        raise Misconfigured("station: way: it must begin with one of file, sftp, mailto")
    return json.dumps(told)


def officer(role: Role = Role.ADMIN) -> Officer:
    return Officer(id=1, name="Ani", role=role)


@dataclass(slots=True, kw_only=True)
class Air:
    """Stations and the alerts that were sent to them."""

    town: Town
    admin: Officer

    @property
    def pool(self) -> db.Pool:
        return self.town.pool

    @property
    def vault(self) -> Vault:
        return self.town.house.desk.vault

    async def station(self, name: str, **more: Any) -> int:
        """Add a station and give its address."""
        told: dict[str, Any] = {"way": WAY, "language": "id", "exercise": True} | more
        await stations.add(self.pool, self.vault, NewStation(name=name, **told), checked, self.admin, NOW)
        return await self.address(name)

    async def address(self, name: str) -> int:
        found: int = await self.pool.fetchval("SELECT address_id FROM station WHERE name = $1", name)
        return found

    async def send(self, alert_id: int, drill: bool = False) -> tuple[int, set[int]]:
        """Fan an alert out over radio; give its dispatch and whom it is for."""
        dispatch_id: int = await self.pool.fetchval(DISPATCH, alert_id, "radio/exercise" if drill else "radio")
        async with self.pool.acquire() as connection, connection.transaction():
            assert not await fanout.expand_step(connection, dispatch_id, 10)
        rows = await self.pool.fetch("SELECT address_ids FROM batch WHERE dispatch_id = $1", dispatch_id)
        return dispatch_id, {one for row in rows for one in row["address_ids"]}

    async def attempt(
        self, dispatch_id: int, address_id: int, outcome: str = "accepted", *, code: str = "", refs: Sequence[str] = ()
    ) -> None:
        """Write down what came of a try at a station."""
        account = await self.pool.fetchval("SELECT account FROM dispatch WHERE id = $1", dispatch_id)
        tried = 1 + await self.pool.fetchval("SELECT count(*) FROM attempt WHERE dispatch_id = $1", dispatch_id)
        row = (dispatch_id, address_id, tried, outcome, code, list(refs), account, self.town.clock[0])
        await self.pool.execute(ATTEMPT, *row)
