"""Radio stations on the day: kits reach those that take part, and the office learns which of them aired it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.stories.town import Hands, Town, open_town, residents

STATIONS = "/api/v1/stations"
SECRET = "h4rdly-gu3ssed"


@pytest.fixture
async def air(dsn: str, tmp_path: Path, free_port: Callable[[], int], hands: Hands) -> AsyncIterator[Town]:
    """A town whose kits hold words and paper: sound takes its time, and this is not about it."""
    port = free_port()
    radio = f"file://{tmp_path}/radio?title=BPBD&base=http://127.0.0.1:{port}/exercise/radio&kit=paper"
    async with open_town(dsn, tmp_path, port, hands, CRISIS_EXERCISE_RADIO=radio) as town:
        await town.settle(residents(3))
        yield town


async def add(town: Town, name: str, way: str, **more: Any) -> Any:
    told = {"name": name, "way": way, "language": "id", "formats": ["script_text", "receipt"], "exercise": True}
    return await town.must("Ani", "POST", STATIONS, told | more)


async def taken(town: Town, alert_id: int, name: str, within: float = 30.0) -> Any:
    """Wait until a station has taken an alert."""
    async with asyncio.timeout(within):
        while True:
            told = await town.must("Rina", "GET", f"/api/v1/alerts/{alert_id}/stations")
            found = {row["station"]: row for row in told["stations"]}
            if found[name]["state"] == "accepted":
                return found
            await town.service.house.progress.wait(0.1)


async def post(town: Town, path: str, form: dict[str, str]) -> tuple[int, str]:
    async with town.session.post(f"http://127.0.0.1:{town.service.port}{path}", data=form) as reply:
        return reply.status, await reply.text()


async def test_a_kit_reaches_a_station_and_its_read_back_is_the_receipt(
    air: Town, hands: Hands, tmp_path: Path, free_port: Callable[[], int]
) -> None:
    """From the register to the words in its folder, its own link, and the count that officers watch."""
    for drop in ("satu", "bukan", "tutup"):
        (tmp_path / drop).mkdir()
    with capture_logs() as lines:
        await add(air, "Radio Satu", f"file://{tmp_path}/satu", cart_first=900001, cart_last=900010)
        await add(air, "Radio Jauh", f"sftp://bpbd:{SECRET}@127.0.0.1:{free_port()}/drop?hostkey=any")
        await add(air, "Bukan latihan", f"file://{tmp_path}/bukan", exercise=False)
        await add(air, "Tutup", f"file://{tmp_path}/tutup")
        await air.must("Ani", "PATCH", f"{STATIONS}/Tutup", {"open": False})
        alert = await air.trigger(channels=["radio"])
        await air.approve(alert)
        found = await taken(air, alert["id"], "Radio Satu")
        assert set(found) == {"Radio Satu", "Radio Jauh"}
        assert found["Radio Jauh"]["state"] in {"waiting", "retrying", "unreachable"}
        assert [any((tmp_path / drop).iterdir()) for drop in ("satu", "bukan", "tutup")] == [True, False, False]
        ref = found["Radio Satu"]["ref"]
        kept = "\n".join(p.read_text() for p in (tmp_path / "satu").rglob("*.txt"))
        assert f"/aired/{ref}" in kept, "the receipt in the kit leads to our page"
        before = (await air.progress(alert["id"]))["radio"]
        assert before["delivered"] == 0
        hands.ahead = timedelta(minutes=20)
        status, page = await air.page(f"/aired/{ref}")
        assert (status, "Radio Satu" in page, 'class="drill"' in page) == (200, True, True)
        now = hands.now().astimezone(air.service.house.office.zone)
        form = {"at": f"{now:%Y-%m-%dT%H:%M}", "by": "Pak Budi"}
        assert (await post(air, f"/aired/{ref}", form))[0] == 200
        assert (await post(air, f"/aired/{ref}", form))[0] == 200
        after = (await air.progress(alert["id"]))["radio"]
        assert (after["accepted"] >= before["accepted"], after["delivered"]) == (True, 1)
        told = await air.must("Rina", "GET", f"/api/v1/alerts/{alert['id']}/stations")
        (aired,) = [row for row in told["stations"] if row["aired_at"]]
        assert (told["aired"], aired["station"], [a["by"] for a in aired["airings"]]) == (1, "Radio Satu", ["Pak Budi"])
        assert 1080 <= aired["after"] <= 1320
    everything = repr(lines) + json.dumps(told) + json.dumps(await air.must("Ani", "GET", STATIONS))
    everything += await air.service.house.pool.fetchval("SELECT string_agg(facts::text, '') FROM audit")
    everything += repr(await air.service.house.pool.fetch("SELECT * FROM attempt"))
    assert SECRET not in everything
    assert "Budi" not in repr(lines)
    await air.must("Ani", "PATCH", f"{STATIONS}/Radio Jauh", {"open": False})
    done = await air.done(alert["id"])
    assert done["radio"]["state"] == "done", "nobody waits for a closed station"


async def test_a_kit_can_be_built_anywhere_from_what_the_service_tells(air: Town) -> None:
    """Words, facts and CAP in each language, once the alert was released and not before."""
    alert = await air.trigger(channels=["radio"])
    path = f"/api/v1/alerts/{alert['id']}/bulletins"
    status, told = await air.call("Rina", "GET", path)
    assert (status, "was not released" in json.dumps(told)) == (409, True)
    await air.approve(alert)
    found = (await air.must("Rina", "GET", path))["bulletins"]
    assert {one["language"] for one in found} == {"id", "en"}
    assert all(one["script"] and one["about"]["hazard"] and one["document"] for one in found)
    async with asyncio.timeout(30):
        while not (kits := (await air.must("Rina", "GET", "/api/v1/kits"))["kits"]):
            await air.service.house.progress.wait(0.1)
    assert {(one["mode"], one["language"]) for one in kits} <= {("Exercise", "id"), ("Exercise", "en")}
