"""Playbooks: checked and shown without the service, for officers who edit them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crisis.cli import lists, out, show
from crisis.cli.options import AsJson, Level
from crisis.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Check and show the playbooks.")

Files = Annotated[
    list[Path],
    typer.Argument(
        metavar="[FILE_OR_FOLDER]...",
        default_factory=list,
        show_default=False,
        help="Default: the folder of CRISIS_PLAYBOOKS.",
    ),
]


@app.command()
def check(paths: Files, as_json: AsJson = False) -> None:
    """Check playbooks: every fault with file, line and field; the exit code is 1 if there is one."""
    from crisis.cli.verdict import judge  # noqa: PLC0415 - slow to load, and only this command needs it

    verdict = judge(paths or [Settings.read().playbooks])
    if as_json:
        out.tell(verdict.as_dict())
    else:
        out.show(lists.verdicts([checked.as_dict() for checked in verdict.checked]))
    for fault in verdict.faults:
        out.say(str(fault), aside=True)
    if verdict.faults:
        raise typer.Exit(1)


@app.command("show")
def show_playbook(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name, such as flood, or its file.")],
    level: Level = None,
    language: Annotated[str | None, typer.Option("--language", help="Only this language.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the words as they would go out on every channel, the slots filled with their examples."""
    from crisis.cli.specimen import specimens  # noqa: PLC0415

    shown = specimens(Settings.read(), name, level, language)
    if as_json:
        out.tell(shown)
        return
    for part in shown["parts"]:
        rows = [row for row in shown["renditions"] if row["part"] == part]
        out.show(lists.filled(f"{shown['playbook']}: {part}", [show.renditions(rows), *show.texts(rows)]))


@app.command()
def schema() -> None:
    """Print the JSON Schema of a playbook file, for editors that check while typing."""
    from crisis.model import playbook  # noqa: PLC0415

    out.tell(playbook.schema())
