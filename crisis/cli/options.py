"""The options that several commands share, with the words that `--help` shows for them."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

ModeName = Literal["Actual", "Exercise", "Test"]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a machine; words for people go to stderr.")]
AlertId = Annotated[int, typer.Argument(metavar="ID", min=1, help="The alert's number; see `crisis alert list`.")]
InquiryId = Annotated[int, typer.Argument(metavar="ID", min=1, help="The inquiry's number; see `crisis inbox list`.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before it happens.")]
Follow = Annotated[bool, typer.Option("--follow", help="Show progress until every channel has ended.")]
Why = Annotated[str, typer.Option("--reason", help="Why; it is kept and shown.")]
Level = Annotated[str | None, typer.Option("--level", help="A level of the playbook.")]
Areas = Annotated[
    list[str],
    typer.Option("--area", default_factory=list, show_default=False, help="Code or name of an area; may be repeated."),
]
Slots = Annotated[
    list[str],
    typer.Option(
        "--set", default_factory=list, show_default=False, help="SLOT=VALUE; may be repeated; lists are split on ';'."
    ),
]
Expires = Annotated[
    str | None, typer.Option("--expires", help="When it ends, with zone: 2026-11-21T21:00+07:00.", show_default=False)
]
Confirm = Annotated[int, typer.Option("--confirm", min=0, help="The audience you expect, if it is an unusual one.")]
NoSubmit = Annotated[bool, typer.Option("--no-submit", help="Leave it a draft; submit it later.")]
RequestKey = Annotated[
    str | None, typer.Option("--key", help="Idempotency key: the same key twice is one alert. Default: a new one.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would go out, to whom and at what cost.")]
BreakGlass = Annotated[
    str | None,
    typer.Option("--break-glass", metavar="REASON", help="Release it at once, alone; every supervisor is told."),
]
