"""What cannot be is refused in one sentence that says what to do, and nothing is kept of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.stories.town import SLOTS, Town, residents

FLOOD = {"playbook": "flood", "level": "siaga", "mode": "Actual", "areas": ["61.01"], "slots": SLOTS}


@pytest.mark.parametrize(
    ("expires", "says"),
    [
        ("0001-01-01T00:00:00+14:00", "it expired at 0001-01-01T00:00:00+14:00: give a later time of expiry"),
        ("1999-12-31T00:00:00Z", "it expired at 1999-12-31T00:00:00+00:00: give a later time of expiry"),
        ("9999-12-31T23:59:59-12:00", "nothing holds for more than 7 days at once: give an earlier time of expiry"),
        ((datetime.now(UTC) + timedelta(days=8)).isoformat(), "and extend it with an update"),
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
