"""From an officer's wish to an alert: preview, question, request; the same for a first alert and what follows it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import typer

from crisis.cli import out, show
from crisis.cli.office import Desk, desk
from crisis.errors import BadInput, Fault

LATE = "it expired"  # a preview of a past time of expiry is still a good preview


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How far to go, and what to say on the way."""

    dry_run: bool
    submit: bool
    yes: bool
    key: str | None
    break_glass: str | None
    as_json: bool


def parse_slots(given: Sequence[str]) -> dict[str, str]:
    """Read SLOT=VALUE; raise BadInput for one without a name, and for a slot given twice."""
    slots: dict[str, str] = {}
    faults = []
    for pair in given:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            faults.append(Fault(file="--set", field=pair, says="write it SLOT=VALUE, such as --set level_m=1.2"))
        elif name.strip() in slots:
            faults.append(Fault(file="--set", field=name.strip(), says="is given twice; lists are split on ';'"))
        slots[name.strip()] = value.strip()
    if faults:
        raise BadInput(faults)
    return slots


def parse_time(given: str | None) -> str | None:
    """Read a time with its zone, as the API writes it; raise BadInput for one without."""
    if given is None:
        return None
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise BadInput(f"--expires: {given} is no time with a zone; write it like 2026-11-21T21:00+07:00")
    return moment.isoformat()


def launch(path: str, body: dict[str, Any], how: How) -> None:
    """Show what would go out, ask, and make the alert; nothing is stored before the officer has said YES."""
    here = desk()
    shown = here.client.ask("POST", path, {**body, "dry_run": True})
    if how.dry_run:
        _previewed(shown, here, how)
        return
    out.show(show.preview(shown, here.zone), aside=how.as_json)
    if shown["refusals"]:
        raise BadInput("\n".join(shown["refusals"]))
    out.confirm(question(shown, "Submit" if how.break_glass is None else "RELEASE AT ONCE"), yes=how.yes)
    made = here.client.ask("POST", path, {**body, "submit": how.submit}, key=how.key or uuid.uuid4().hex)
    if how.break_glass is not None:
        out.say(f"alert {made['id']} is stored; releasing it", aside=True)
        made = here.client.ask("POST", f"/alerts/{made['id']}/break-glass", {"reason": how.break_glass})
    out.tell(made) if how.as_json else out.say(what_now(made))


def _previewed(shown: dict[str, Any], here: Desk, how: How) -> None:
    out.tell(shown) if how.as_json else out.show(show.preview(shown, here.zone))
    for reason in shown["refusals"]:
        out.say(reason, aside=True)
    if any(not reason.startswith(LATE) for reason in shown["refusals"]):
        raise typer.Exit(1)


def question(shown: dict[str, Any], verb: str) -> str:
    """Ask with the facts: mode, playbook, level, how many, where."""
    what = f"{shown['playbook']} {shown['level']}"
    if shown["purpose"] != "alert":
        what = f"{shown['purpose'].replace('_', '-')} of {what}"
    most = "at most " if shown.get("failover") else ""
    return (
        f"{verb} {shown['mode'].upper()} {what} to {most}{shown['audience']['addresses']:,} addresses "
        f"in {shown['area']['desc']}?"
    )


def what_now(alert: dict[str, Any]) -> str:
    """Say where an alert is and what comes next."""
    number, state = alert["id"], alert["state"]
    follows = {
        "draft": f"submit it with `crisis alert submit {number}`",
        "pending": f"another officer approves it with `crisis alert approve {number}`",
        "returned": f"submit it again with `crisis alert submit {number}`, or trigger a new one",
        "live": f"see how far it got with `crisis alert show {number} --follow`",
    }
    return f"alert {number} is {state}" + (f"; {follows[state]}" if state in follows else "")
