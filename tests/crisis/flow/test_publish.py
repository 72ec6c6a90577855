"""A CAP document is made once: the same bytes for all who ask, signed where we can, and never held back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from crisis import db
from crisis.cap.read import read
from crisis.cap.sign import Signer, make_key
from crisis.cap.verify import SignatureState, verify
from crisis.errors import BadInput, NotFound
from crisis.flow import publish
from tests.crisis.web.town import NOW, OFFICE, Town, shut_town

TODAY = datetime.now(UTC)  # a signature is checked against the machine's clock when it is made
ALARMS = "SELECT kind, says FROM alarm ORDER BY id"


@pytest.fixture(name="town")
async def keep_door_shut(pool: db.Pool, tmp_path: Path) -> AsyncIterator[Town]:
    town = shut_town(pool, tmp_path)  # behind an open door the service makes the documents too, and may be first
    yield town
    await town.client.close()


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    paths = tmp_path / "key.pem", tmp_path / "certificate.pem"
    for path, pem in zip(paths, make_key("BPBD", TODAY), strict=True):
        path.write_bytes(pem)
    return paths


async def test_two_services_that_make_it_at_once_give_the_same_bytes(town: Town, pair: tuple[Path, Path]) -> None:
    """Signatures of the same alert differ each time; what others got first stays."""
    signer = publish.load_signer(*pair)
    assert signer is not None
    alert = await town.alert()
    every = await asyncio.gather(*(publish.document(town.pool, alert, OFFICE, signer, NOW) for _ in range(6)))
    assert len(set(every)) == 1
    assert every[0].signed
    assert verify(every[0].xml, signer.pem, TODAY).state is SignatureState.VALID
    assert await publish.document(town.pool, alert, OFFICE, None, NOW) == every[0]  # the key may be gone by then
    assert read(every[0].xml).alert.sent == NOW


async def test_an_alert_that_cannot_be_signed_goes_out_unsigned_and_an_officer_is_called_once(town: Town) -> None:
    """A warning is never held back for want of a signature, and the office learns that it lacks one."""
    broken = cast(Signer, object())
    for _ in range(2):
        made = await publish.document(town.pool, await town.alert(), OFFICE, broken, NOW)
        assert not made.signed
        assert b"<identifier>" in made.xml
    ((kind, says),) = await town.pool.fetch(ALARMS)
    assert kind == "cap_unsigned"
    assert "CRISIS_SIGNING_KEY" in says


async def test_a_document_is_made_for_released_alerts_only(town: Town) -> None:
    """Nobody reads a draft as CAP."""
    for alert in (await town.alert(state="draft"), 4711):
        with pytest.raises(NotFound):
            await publish.document(town.pool, alert, OFFICE, None, NOW)


@pytest.mark.parametrize("facts", ['{"event": {"id": ""}}', '{"categories": ["Zombies"]}', '{"codes": 3}'])
async def test_an_alert_no_cap_can_say_is_refused_with_an_alarm_and_ends_nothing(town: Town, facts: str) -> None:
    """The fault is one of ours; the others go on, and who mends it knows which alert it is."""
    good = await town.alert(state="draft")
    await town.pool.execute("UPDATE alert SET facts = facts || $1::text::jsonb WHERE id = $2", facts, good)
    await town.pool.execute("UPDATE alert SET state = 'live', sent = $1 WHERE id = $2", NOW, good)
    for _ in range(2):
        with pytest.raises(BadInput, match=f"alert {good} cannot be published as CAP"):
            await publish.document(town.pool, good, OFFICE, None, NOW)
    ((kind, _),) = await town.pool.fetch(ALARMS)
    assert kind == "cap_refused"


async def test_documents_are_made_after_each_release_without_anybody_asking(town: Town) -> None:
    """The first reader does not wait; one that cannot be made holds up no other."""
    bad, good = await town.alert(state="draft"), await town.alert()
    await town.pool.execute("UPDATE alert SET facts = facts || '{\"codes\": 3}', state = 'live', sent = $1 "
                            "WHERE id = $2", NOW, bad)  # fmt: skip
    made = asyncio.Event()

    async def wait(_: float) -> None:
        made.set()
        await asyncio.Event().wait()

    async with asyncio.timeout(10):
        following = asyncio.create_task(publish.follow(town.pool, OFFICE, None, lambda: NOW, wait))
        await made.wait()
        following.cancel()
    assert [r["alert_id"] for r in await town.pool.fetch("SELECT alert_id FROM cap_document")] == [good]


def test_half_a_signer_or_a_wrong_one_refuses_to_start(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    """Each in a sentence that names the setting; nothing set means unsigned."""
    key, certificate = pair
    assert publish.load_signer(None, None) is None
    with pytest.raises(BadInput, match="CRISIS_SIGNING_CERTIFICATE is not set"):
        publish.load_signer(key, None)
    with pytest.raises(BadInput, match="CRISIS_SIGNING_KEY is not set"):
        publish.load_signer(None, certificate)
    for wrong in ((tmp_path / "none.pem", certificate), (certificate, key)):
        with pytest.raises(BadInput, match="CRISIS_SIGNING_KEY"):
            publish.load_signer(*wrong)
