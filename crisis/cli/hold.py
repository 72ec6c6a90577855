"""What an alert has still to send: paused, sent on, or stopped for good, on one channel or on all of them."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from crisis.cli import options as o
from crisis.cli import out, show
from crisis.cli.office import desk

Channel = Annotated[
    str | None,
    typer.Option("--channel", help="Only this channel or account, such as sms. Default: all.", show_default=False),
]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept and shown.")]


def pause(alert: o.AlertId, *, reason: Reason, channel: Channel = None, as_json: o.AsJson = False) -> None:
    """Hold back at once what has not left yet; any officer may, and nothing is asked."""
    done = desk().client.ask("POST", f"/alerts/{alert}/pause", {"channel": channel, "reason": reason})
    out.tell(done) if as_json else out.say(paused(done))


def resume(alert: o.AlertId, *, channel: Channel = None, as_json: o.AsJson = False) -> None:
    """Send on what was paused, from where it stood; for whoever paused it, or an approver."""
    done = desk().client.ask("POST", f"/alerts/{alert}/resume", {"channel": channel})
    says = f"alert {alert} goes on, on {_list(done['changed'])}; see `crisis alert show {alert} --follow`"
    out.tell(done) if as_json else out.say(says)


def stop(
    alert: o.AlertId, *, reason: Reason, channel: Channel = None, yes: o.Yes = False, as_json: o.AsJson = False
) -> None:
    """End for good what has not left yet; for an approver. To hold it back while you think: pause."""
    here = desk()
    if not yes:
        found = here.client.ask("GET", f"/alerts/{alert}")
        out.show(show.progress(found["dispatches"], found["sent"]), aside=as_json)
        out.confirm(question(found, channel), yes=False)
    done = here.client.ask("POST", f"/alerts/{alert}/stop", {"channel": channel, "reason": reason})
    out.tell(done) if as_json else out.say(stopped(done))


def question(alert: dict[str, Any], channel: str | None) -> str:
    """Ask with the facts: mode, playbook, level, where it ends."""
    what = f"{alert['mode'].upper()} {alert['playbook']} {alert['level']} ({alert['purpose']})"
    return f"STOP alert {alert['id']}, {what}, for good on {channel or 'every channel'}?"


def paused(done: dict[str, Any]) -> str:
    """Say where an alert is held back now, what had left before, and what comes next."""
    number = done["alert"]
    where = _list(d["account"] for d in done["dispatches"] if d["stopped"] == "paused")
    says = f"alert {number} {'is' if done['changed'] else 'was already'} paused on {where}{_gone(done)}; "
    return says + f"`crisis alert resume {number}` sends it on, `crisis alert stop {number} --reason WHY` ends it"


def stopped(done: dict[str, Any]) -> str:
    """Say where an alert has ended for good, and how those who have it hear more."""
    number = done["alert"]
    where = _list(d["account"] for d in done["dispatches"] if d["stopped"] == "officer")
    says = f"alert {number} {'is' if done['changed'] else 'was already'} stopped on {where}{_gone(done)}; "
    says += f"who has it still believes it: `crisis alert cancel {number}` or `update` tells them"
    if cut := [d["account"] for d in done["dispatches"] if d["cuts_off"]]:
        says += f"; not all of {_list(cut)} had been looked through: who is left is warned on no later channel"
    return says


def _gone(done: dict[str, Any]) -> str:
    gone = [d["account"] for d in done["dispatches"] if d["state"] == "done"]
    return f", and had all left on {_list(gone)}" if gone else ""


def _list(names: Any) -> str:
    return ", ".join(names)
