"""A drill of ours as an order for a kit, for tests that build one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from channels.contract import About, Notice
from channels.radio.bulletin import Office, draft
from channels.radio.order import Order
from channels.radio.radio import Radio
from channels.radio.seal import new_key
from tests.channels.radio.conftest import PATIENCE

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
OUTLINE = json.dumps(
    {
        "type": "MultiPolygon",
        "coordinates": [[[[109.3, -0.2], [109.5, -0.2], [109.5, 0.0], [109.3, 0.0], [109.3, -0.2]]]],
    }
)
OFFICE = Office(
    title="BPBD Contoh", base="http://127.0.0.1:8080/radio", language="id", zone="Asia/Pontianak", code="BPBD-C",
    kentongan="4-4-4: banjir",
)  # fmt: skip
DRILL = Notice(
    id="urn:oid:2.49.7",
    language="id",
    text="Banjir.",
    headline="Banjir di Desa Kuala Dua, pindah ke SDN 05",
    script="Banjir di Desa Kuala Dua.\nPindah ke SDN 05.\nHubungi posko 0561-765432.",
    mode="Exercise",
    incident="7",
    sent=NOON,
    expires=NOON + timedelta(hours=2),
    link="https://office.example/a/7",
    home="https://office.example",
    document=b"<alert><identifier>urn:oid:2.49.7</identifier></alert>",
    about=About(
        agency="BPBD Contoh", hazard="Banjir", severity="Severe", area="Desa Kuala Dua", outline=OUTLINE,
        help_line="112", do=("Pindah ke SDN 05.",), dont=("Jangan menyeberang sungai.",), short="BANJIR Kuala Dua.",
        questions=(("Di mana pengungsian?", "Di SDN 05 Kuala Dua."),), contact="0561-765432",
    ),
)  # fmt: skip


def order(into: Path, notice: Notice = DRILL, **more: object) -> Order:
    """Give an order for the kit of a notice, signed with a key beside it."""
    key = into.with_name("key.pem")
    if not key.exists():
        key.parent.mkdir(parents=True, exist_ok=True)
        key.write_bytes(new_key())
    made = Order(bulletin=draft(notice, OFFICE, NOON), office=OFFICE, into=into, document=notice.document, key=key)
    return replace(made, **more)  # type: ignore[arg-type]


async def until(radio: Radio, true: Callable[[], object]) -> None:
    """Wait until something is true after a look or a stage of a kit."""
    async with asyncio.timeout(PATIENCE), radio.turned:
        await radio.turned.wait_for(true)
