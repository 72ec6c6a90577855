"""Trigger: launch a playbook level over an area, or from a CAP file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crisis.cli import options as o
from crisis.cli.launch import How, launch, parse_slots, parse_time
from crisis.cli.office import read_file
from crisis.errors import BadInput


def trigger(
    playbook: Annotated[str, typer.Argument(metavar="PLAYBOOK", help="Its name, such as flood.")],
    *,
    level: o.Level = None,
    area: o.Areas,
    slot: o.Slots,
    mode: Annotated[o.ModeName, typer.Option("--mode", case_sensitive=False, help="Whether it is meant.")] = "Actual",
    from_cap: Annotated[
        Path | None, typer.Option("--from-cap", metavar="FILE", help="Take area, times, severity and event from it.")
    ] = None,
    channel: Annotated[
        list[str],
        typer.Option("--channel", default_factory=list, show_default=False, help="Only this channel; may be repeated."),
    ],
    source: Annotated[str, typer.Option("--source", help="Who says so, such as BMKG.")] = "",
    expires: o.Expires = None,
    confirm: o.Confirm = 0,
    no_submit: o.NoSubmit = False,
    key: o.RequestKey = None,
    dry_run: o.DryRun = False,
    break_glass: o.BreakGlass = None,
    yes: o.Yes = False,
    as_json: o.AsJson = False,
) -> None:
    """Launch a playbook level: shows every text, who gets it and the cost, asks, and submits it for approval."""
    body = {
        "playbook": playbook,
        "level": level,
        "mode": mode,
        "areas": area,
        "slots": parse_slots(slot),
        "cap": _cap(from_cap),
        "channels": channel,
        "source": source,
        "expires": parse_time(expires),
        "confirm_population": confirm,
    }
    how = How(dry_run=dry_run, submit=not no_submit, yes=yes, key=key, break_glass=break_glass, as_json=as_json)
    launch("/alerts", body, how)


def _cap(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        return read_file(file).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{file}: is not UTF-8 text, as CAP is; save it again with encoding UTF-8") from error
