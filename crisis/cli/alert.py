"""Alerts: seen, submitted, approved, returned, rejected, released alone, followed, held back, and followed up."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from crisis.cli import followup, hold, lists, out, show
from crisis.cli import options as o
from crisis.cli.launch import what_now
from crisis.cli.office import Desk, desk
from crisis.cli.watch import watch

app = typer.Typer(no_args_is_help=True, help="Alerts: approve them, follow them, follow them up.")
app.command()(followup.update)
app.command()(followup.correct)
app.command()(followup.cancel)
app.command("all-clear")(followup.all_clear)
app.command()(hold.pause)
app.command()(hold.resume)
app.command()(hold.stop)

Hash = Annotated[str | None, typer.Option("--hash", help="Approve exactly these words, without being asked.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept and shown.")]


@app.command("list")
def list_alerts(
    state: Annotated[str, typer.Option("--state", help="Only these states, split by commas: live,pending.")] = "",
    as_json: o.AsJson = False,
) -> None:
    """List the alerts, the newest first."""
    here = desk()
    found = here.client.ask("GET", "/alerts", state=state)
    out.tell(found) if as_json else out.show(lists.alerts(found, here.zone))


@app.command("show")
def show_alert(alert: o.AlertId, follow: o.Follow = False, as_json: o.AsJson = False) -> None:
    """Show an alert as its approver sees it, its history and its progress."""
    here = desk()
    if follow:
        watch(here.client, alert, as_json=as_json)
        return
    found = here.client.ask("GET", f"/alerts/{alert}")
    out.tell(found) if as_json else out.show(show.alert(found, here.zone))


@app.command()
def approve(
    alert: o.AlertId, words_hash: Hash = None, yes: o.Yes = False, follow: o.Follow = False, as_json: o.AsJson = False
) -> None:
    """Release an alert another officer submitted: shows the words, asks, and approves exactly those."""
    here = desk()
    if words_hash is None:
        words_hash = _read_and_agree(here, alert, "Approve and release", yes=yes, as_json=as_json)["words_hash"]
    done = here.client.ask("POST", f"/alerts/{alert}/approve", {"words_hash": words_hash})
    _tell(here, done, follow=follow, as_json=as_json)


@app.command("break-glass")
def break_glass(
    alert: o.AlertId, reason: Reason, yes: o.Yes = False, follow: o.Follow = False, as_json: o.AsJson = False
) -> None:
    """Release an alert alone, where its playbook allows it; every supervisor is told the reason."""
    here = desk()
    _read_and_agree(here, alert, "RELEASE ALONE", yes=yes, as_json=as_json)
    done = here.client.ask("POST", f"/alerts/{alert}/break-glass", {"reason": reason})
    _tell(here, done, follow=follow, as_json=as_json)


def _read_and_agree(here: Desk, alert: int, verb: str, *, yes: bool, as_json: bool) -> dict[str, Any]:
    found: dict[str, Any] = here.client.ask("GET", f"/alerts/{alert}")
    out.show(show.alert(found, here.zone), aside=as_json)
    what = f"{found['mode'].upper()} {found['playbook']} {found['level']} ({found['purpose']})"
    most = "at most " if found["facts"].get("failover") else ""
    many = f"{most}{found['audience']['addresses']:,} addresses in {found['area_desc']}"
    out.confirm(f"{verb} alert {alert}, {what}, to {many}?", yes=yes)
    return found


def _tell(here: Desk, done: dict[str, Any], *, follow: bool, as_json: bool) -> None:
    if follow:
        watch(here.client, done["id"], as_json=as_json)
    else:
        out.tell(done) if as_json else out.say(what_now(done))


@app.command()
def submit(alert: o.AlertId, as_json: o.AsJson = False) -> None:
    """Hand a draft or returned alert to approval."""
    here = desk()
    _tell(here, here.client.ask("POST", f"/alerts/{alert}/submit"), follow=False, as_json=as_json)


@app.command("return")
def send_back(alert: o.AlertId, reason: Reason, as_json: o.AsJson = False) -> None:
    """Give an alert back to its author."""
    here = desk()
    done = here.client.ask("POST", f"/alerts/{alert}/return", {"reason": reason})
    _tell(here, done, follow=False, as_json=as_json)


@app.command()
def reject(alert: o.AlertId, reason: Reason, as_json: o.AsJson = False) -> None:
    """End an alert that was not sent; it can never be sent afterwards."""
    here = desk()
    done = here.client.ask("POST", f"/alerts/{alert}/reject", {"reason": reason})
    _tell(here, done, follow=False, as_json=as_json)
