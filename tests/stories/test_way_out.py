"""Other systems get each alert as CAP: signed, at once, whatever becomes of the system next to them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crisis.cap.read import read
from crisis.cap.sign import make_key
from crisis.cap.verify import SignatureState, verify
from deploy.sandbox.webhook import WebhookSandbox
from tests.stories.town import Hands, Town, open_town, residents

PLAYBOOKS = Path(__file__).parents[2] / "playbooks"
RETRIED = "SELECT count(*) FROM retry WHERE account = $1"


@pytest.fixture
def books(tmp_path: Path) -> Path:
    """The shipped playbooks, whose floods are told to other systems too."""
    folder = tmp_path / "playbooks"
    folder.mkdir()
    for file in PLAYBOOKS.glob("*.yaml"):
        text = file.read_text().replace("page, radio]", "page, radio, webhook]")
        (folder / file.name).write_text(text)
    return folder


@contextlib.asynccontextmanager
async def town_with(dsn: str, folder: Path, port: int, books: Path, *targets: str, **more: str) -> AsyncIterator[Town]:
    given = {"CRISIS_EXERCISE_WEBHOOK": " ".join(targets), "CRISIS_PLAYBOOKS": str(books), **more}
    async with open_town(dsn, folder, port, Hands(), **given) as town:
        await town.settle(residents(3))
        yield town


async def released(town: Town) -> int:
    alert = await town.trigger(channels=["webhook"])
    await town.approve(alert)
    return int(alert["id"])


async def test_a_dead_target_keeps_the_alert_from_nobody_and_gets_it_when_it_is_back(
    dsn: str, tmp_path: Path, books: Path, free_port: Callable[[], int]
) -> None:
    """Two of two healthy systems have it at once, signed; the third as soon as it is back, and once."""
    dead = free_port()
    key, certificate = make_key("BPBD Contoh", datetime.now(UTC))
    (tmp_path / "key.pem").write_bytes(key)
    (tmp_path / "certificate.pem").write_bytes(certificate)
    signing = {
        "CRISIS_SIGNING_KEY": str(tmp_path / "key.pem"),
        "CRISIS_SIGNING_CERTIFICATE": str(tmp_path / "certificate.pem"),
    }
    async with WebhookSandbox() as one, WebhookSandbox() as two:
        targets = (f"http://t@127.0.0.1:{dead}/cap", one.url, two.url)
        async with town_with(dsn, tmp_path, free_port(), books, *targets, **signing) as town:
            alert = await released(town)
            async with asyncio.timeout(10):
                await asyncio.gather(*(s.until(lambda s: bool(s.taken)) for s in (one, two)))
            document = one.taken[0].document
            assert two.taken[0].document == document
            _, page = await town.page(f"/a/{alert}.xml")
            assert page.encode() == document
            _, pinned = await town.page("/certificate.pem")
            verdict = verify(document, pinned, datetime.now(UTC))
            assert verdict.state is SignatureState.VALID, verdict
            assert read(document).alert.identifier == one.taken[0].identifier
            async with WebhookSandbox(dead) as back, asyncio.timeout(20):
                await back.until(lambda s: bool(s.taken))
                assert back.taken[0].document == document
                await town.done(alert)
            assert (one.tries, two.tries) == (1, 1)


async def test_a_target_that_hangs_delays_no_other_in_a_burst(
    dsn: str, tmp_path: Path, books: Path, free_port: Callable[[], int]
) -> None:
    """Ten alerts in a row: the healthy system has each while the other still holds on to the first."""
    async with WebhookSandbox() as slow, WebhookSandbox() as good:
        slow.fault = "hang"
        async with town_with(dsn, tmp_path, free_port(), books, slow.url, good.url) as town:
            waits = []
            for n in range(10):
                alert = await town.trigger(channels=["webhook"])
                began = time.monotonic()
                await town.approve(alert)
                async with asyncio.timeout(5):
                    await good.until(lambda s, n=n: len(s.taken) > n)
                waits.append(time.monotonic() - began)
            print("approve to document taken, s:", [round(w, 3) for w in waits])
            assert len(slow.taken) < 10
            slow.let_go()  # else the service gives it the time it has to end in order
