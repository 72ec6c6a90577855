"""What cannot be is refused in one sentence that says what to do, and nothing is kept of it."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.stories.town import SLOTS, Town, areas, residents

FLOOD = {"playbook": "flood", "level": "siaga", "mode": "Actual", "areas": ["61.01"], "slots": SLOTS}

DRILL = FLOOD | {"mode": "Exercise"}


@pytest.mark.parametrize(
    ("expires", "says"),
    [
        ("0001-01-01T00:00:00+14:00", "it expired at 0001-01-01T00:00:00+14:00: give a later time of expiry"),
        ("1999-12-31T00:00:00Z", "it expired at 1999-12-31T00:00:00+00:00: give a later time of expiry"),
        ("9999-12-31T23:59:59-12:00", "nothing holds for more than 7 days at once: give an earlier time of expiry"),
        pytest.param(
            (datetime.now(UTC) + timedelta(days=8)).isoformat(), "and extend it with an update", id="eight days ahead"
        ),
    ],
)
async def test_an_alert_holds_for_a_week_at_most(town: Town, expires: str, says: str) -> None:
    """Neither the ends of time nor a slip of the year make an alert, or a fault of the service."""
    await town.settle(residents(5))
    for dry in (True, False):
        status, told = await town.call("Rina", "POST", "/api/v1/alerts", FLOOD | {"expires": expires, "dry_run": dry})
        assert (status, says in told["error"]) == (400, True), told
    assert await town.must("Rina", "GET", "/api/v1/alerts") == []


async def test_a_drill_is_cut_to_its_hours_and_an_update_may_not_last_longer(town: Town) -> None:
    """An exercise ends within twelve hours whatever is asked; a follow-up keeps the same limits."""
    await town.settle(residents(5))
    drill = await town.trigger(expires="9999-12-31T23:59:59-12:00")
    assert datetime.fromisoformat(drill["expires"]) <= datetime.now(UTC) + timedelta(hours=12)
    await town.approve(drill)
    body = {"purpose": "update", "reason": "x", "expires": "0001-01-01T00:00:00+14:00"}
    status, told = await town.call("Rina", "POST", f"/api/v1/alerts/{drill['id']}/follow", body)
    assert (status, told["error"][:13]) == (400, "it expired at"), told


async def test_a_name_that_two_areas_share_is_never_guessed(town: Town) -> None:
    """The codes to choose from are named; a code, and a name of one area, still do."""
    await town.settle(residents(5))
    await town.must("Ani", "POST", "/api/v1/areas", areas().replace("61.02", "61.05").replace("Selatan", "utara"))
    status, told = await town.call("Rina", "POST", "/api/v1/alerts", DRILL | {"areas": ["Utara", "Kosong"]})
    says = "is the name of 2 areas: give the code of the one you mean, 61.01 or 61.05"
    assert (status, told["error"]) == (400, f"area: Utara: {says}")
    status, told = await town.call("Rina", "POST", "/api/v1/alerts", DRILL | {"areas": ["Utara", "Pulau"]})
    assert [fault["field"] for fault in told["faults"]] == ["Utara", "Pulau"]
    for named, count in (([" 61.01 "], 1), (["selatan", "61.01", "61.02"], 2)):
        told = await town.must("Rina", "POST", "/api/v1/alerts", DRILL | {"areas": named, "dry_run": True})
        assert told["area"]["areas"] == count


@pytest.mark.parametrize(
    "wrong",
    [
        '"channels": ["\\ud800"]',
        '"areas": ["Utara\\udfff"]',
        '"slots": {"place": "\\uD83D"}',
        '"slots": {"\\udc00": "x"}',
        '"source": "\\ud800"',
        '"\\ud800": 1',
    ],
)
async def test_half_a_character_is_named_and_refused(town: Town, wrong: str) -> None:
    """It can be neither stored nor sent; whole ones beyond the usual, spelt in two halves, are welcome."""
    await town.settle(residents(5))
    given = json.dumps(DRILL)[:-1]
    status, told = await town.call("Rina", "POST", "/api/v1/alerts", f"{given}, {wrong}}}", **{"Idempotency-Key": "k"})
    assert (status, "holds half a character" in told["error"]) == (400, True), told
    smile = f'{given}, "source": "\\ud83d\\ude00"}}'
    assert (await town.must("Rina", "POST", "/api/v1/alerts", smile))["source"] == "\U0001f600"


async def test_every_fault_below_api_is_json(town: Town) -> None:
    """No such address, a wrong method, a body too large: one sentence each, like every other fault."""
    cases = (("GET", "/api/v1/nothing", 404), ("DELETE", "/api/v1/alerts", 405), ("GET", "/api/v1/alerts/x", 404))
    for method, path, code in cases:
        status, told = await town.call("Rina", method, path)
        assert (status, list(told)) == (code, ["error"])
    url = f"http://127.0.0.1:{town.service.port}/api/v1/areas"
    headers = {"Authorization": f"Bearer {town.tokens['Ani']}"}
    async with town.session.post(url, data=io.BytesIO(bytes(65 * 2**20)), headers=headers) as reply:
        assert (reply.status, "more than 64 MB" in (await reply.json())["error"]) == (413, True)
    assert (await town.page("/nothing"))[0] == 404


async def test_a_mistyped_state_says_which_there_are(town: Town) -> None:
    """An empty list would be taken for "nothing waits"."""
    for path, one, known in (("alerts", "live", "superseded"), ("inquiries", "open", "auto_answered")):
        status, told = await town.call("Rina", "GET", f"/api/v1/{path}?state={one},lvie")
        assert (status, "'lvie'" in told["error"], known in told["error"]) == (400, True, True)
        assert await town.must("Rina", "GET", f"/api/v1/{path}?state={one},%20{known}") == []
