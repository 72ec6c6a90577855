"""Pause, resume and stop from the command line, and how what is paused is shown."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from crisis.cli import hold, show
from crisis.cli.watch import line
from tests.crisis.cli.conftest import Ran
from tests.stories.town import Town, residents

Asks = Callable[..., Awaitable[Ran]]
WHY = ("--reason", "salah wilayah?")


async def test_an_officer_pauses_resumes_and_stops_an_alert(town: Town, asks: Asks) -> None:
    """Each says where and what comes next; paused is shown as paused; a stop for good is asked for."""
    await town.settle(residents(5))
    town.smsc.fault = "throttle"
    number = str((alert := await town.trigger(channels=["sms"]))["id"])
    await town.approve(alert)
    ran = await asks("Rina", "alert", "pause", number, "--channel", "sms", *WHY)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"alert {number} is paused on sms/exercise; `crisis alert resume {number}` sends it on")
    ran = await asks("Rina", "alert", "show", number)
    assert f"dispatch.pause sms/exercise Rina {WHY[1]}" in ran.out
    assert f"Paused on sms/exercise: nothing leaves there until `crisis alert resume {number}`." in ran.out
    ran = await asks("Rina", "alert", "resume", number)
    assert (ran.code, ran.out.split(";")[0]) == (0, f"alert {number} goes on, on sms/exercise")
    ran = await asks("Budi", "alert", "stop", number, *WHY)
    assert ran.code == 1
    asked = f"STOP alert {number}, EXERCISE flood siaga (alert), for good on every channel?"
    assert f"{asked} There is no terminal to ask at" in ran.err
    ran = await asks("Budi", "alert", "stop", number, *WHY, "--yes", "--json")
    assert (ran.code, ran.told["changed"], ran.told["dispatches"][0]["stopped"]) == (0, ["sms/exercise"], "officer")


@pytest.mark.parametrize(
    ("state", "stopped", "says"),
    [
        ("sending", None, "sending"),
        ("stopped", "paused", "paused"),
        ("stopped", "officer", "stopped by an officer"),
        ("stopped", "cancelled", "stopped (cancelled)"),
    ],
)
def test_how_a_dispatch_stands_is_said_plainly(state: str, stopped: str | None, says: str) -> None:
    """What is paused is not called stopped: it is not over."""
    row = {"account": "sms", "state": state, "stopped": stopped, "accepted": 1500, "audience": 2000, "delivered": 7}
    assert show.standing(row) == says
    told = line({"alert": 7, "state": "live", "dispatches": [row]})
    assert told == f"alert 7 is live: sms {says} 1,500/2,000 accepted, 7 delivered"


def test_what_had_left_before_a_pause_or_a_stop_is_told() -> None:
    """An officer must not believe that a pause takes back what has left."""
    rows = [_row("sms", "stopped", "paused"), _row("page", "done", None), _row("radio", "done", None)]
    done: dict[str, Any] = {"alert": 7, "changed": ["sms"], "dispatches": rows}
    assert hold.paused(done).startswith("alert 7 is paused on sms, and had all left on page, radio; ")
    assert hold.paused(done | {"changed": []}).startswith("alert 7 was already paused on sms")
    done["dispatches"] = [_row("sms", "stopped", "officer"), *rows[1:]]
    assert hold.stopped(done).startswith("alert 7 is stopped on sms, and had all left on page, radio; ")
    assert "later channel" not in hold.stopped(done)
    done["dispatches"][0]["cuts_off"] = True
    assert "; not all of sms had been looked through" in hold.stopped(done)


def _row(account: str, state: str, stopped: str | None) -> dict[str, Any]:
    return {"channel": account, "account": account, "state": state, "stopped": stopped, "cuts_off": False}
