"""What follows an alert: update, correction, cancel and all-clear go to everyone the original reached."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from crisis.cli import options as o
from crisis.cli.launch import How, launch, parse_slots, parse_time

Reason = Annotated[str, typer.Option("--reason", help="Why, in words residents will read.")]


def _follow(
    alert: int, purpose: str, reason: str, how: How, confirm: int, slots: Sequence[str] = (), **more: Any
) -> None:
    body = {"purpose": purpose, "reason": reason, "slots": parse_slots(slots), "confirm_population": confirm, **more}
    launch(f"/alerts/{alert}/follow", body, how)


def update(
    alert: o.AlertId,
    *,
    level: o.Level = None,
    slot: o.Slots,
    area: o.Areas,
    reason: o.Why = "",
    expires: o.Expires = None,
    confirm: o.Confirm = 0,
    no_submit: o.NoSubmit = False,
    key: o.RequestKey = None,
    dry_run: o.DryRun = False,
    break_glass: o.BreakGlass = None,
    yes: o.Yes = False,
    as_json: o.AsJson = False,
) -> None:
    """Say what is new; what is not given stays as it was."""
    how = How(dry_run=dry_run, submit=not no_submit, yes=yes, key=key, break_glass=break_glass, as_json=as_json)
    _follow(alert, "update", reason, how, confirm, slot, level=level, areas=area, expires=parse_time(expires))


def correct(
    alert: o.AlertId,
    *,
    reason: Reason,
    slot: o.Slots,
    confirm: o.Confirm = 0,
    no_submit: o.NoSubmit = False,
    key: o.RequestKey = None,
    dry_run: o.DryRun = False,
    break_glass: o.BreakGlass = None,
    yes: o.Yes = False,
    as_json: o.AsJson = False,
) -> None:
    """Say that what was said is wrong, and what is right."""
    how = How(dry_run=dry_run, submit=not no_submit, yes=yes, key=key, break_glass=break_glass, as_json=as_json)
    _follow(alert, "correction", reason, how, confirm, slot)


def cancel(
    alert: o.AlertId,
    *,
    reason: Reason,
    confirm: o.Confirm = 0,
    no_submit: o.NoSubmit = False,
    key: o.RequestKey = None,
    dry_run: o.DryRun = False,
    break_glass: o.BreakGlass = None,
    yes: o.Yes = False,
    as_json: o.AsJson = False,
) -> None:
    """Withdraw an alert that does not hold."""
    how = How(dry_run=dry_run, submit=not no_submit, yes=yes, key=key, break_glass=break_glass, as_json=as_json)
    _follow(alert, "cancel", reason, how, confirm)


def all_clear(
    alert: o.AlertId,
    *,
    reason: Reason,
    confirm: o.Confirm = 0,
    no_submit: o.NoSubmit = False,
    key: o.RequestKey = None,
    dry_run: o.DryRun = False,
    break_glass: o.BreakGlass = None,
    yes: o.Yes = False,
    as_json: o.AsJson = False,
) -> None:
    """Say that it is over, with the evidence."""
    how = How(dry_run=dry_run, submit=not no_submit, yes=yes, key=key, break_glass=break_glass, as_json=as_json)
    _follow(alert, "all_clear", reason, how, confirm)
