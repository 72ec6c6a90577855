"""The `crisis` command: knows every subcommand, and turns every fault into one sentence and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import typer

from crisis.cli import alert, cap, feed, imports, inbox, officer, out, playbook, serve, settings, signature, trigger
from crisis.errors import CrisisError

app = typer.Typer(
    name="crisis",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,  # its tracebacks show values, and those may be a resident's
    help="Emergency broadcast for a disaster office: one playbook, every channel, one command.",
)
app.command()(trigger.trigger)
app.add_typer(alert.app, name="alert")
app.add_typer(inbox.app, name="inbox")
app.add_typer(inbox.alarm, name="alarm")
signature.register(cap.app)
app.add_typer(cap.app, name="cap")
app.add_typer(imports.area, name="area")
app.add_typer(imports.resident, name="resident")
app.add_typer(officer.app, name="officer")
app.add_typer(feed.app, name="feed")
app.add_typer(playbook.app, name="playbook")
app.command()(serve.serve)
app.command()(serve.migrate)
app.command()(settings.settings)
app.command()(serve.version)


def main() -> None:
    """Run the command line of this process."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command and give its exit code: 0 done, 1 a fault told in a sentence, 2 wrong usage, 130 Ctrl-C."""
    try:
        try:
            app(arguments, prog_name="crisis")
        finally:
            sys.stdout.flush()
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else 1
    except CrisisError as error:
        return _told(error)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our answer has had enough; the interpreter would complain when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


def _told(error: CrisisError) -> int:
    for line in str(error).splitlines():
        out.say(line, aside=True)
    return 1


if __name__ == "__main__":
    main()
