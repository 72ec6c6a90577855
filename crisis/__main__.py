"""The `crisis` command: knows every subcommand, and turns every fault into one sentence and an exit code."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module

import typer

from crisis.cli import out
from crisis.errors import CrisisError

# Command -> the module of crisis.cli that holds it, and what it is called there. Only what is asked for is imported:
# whoever warns in a hurry does not wait for the libraries that signing or drawing needs.
COMMANDS: Mapping[str, tuple[str, str]] = {
    "trigger": ("trigger", "trigger"),
    "alert": ("alert", "app"),
    "inbox": ("inbox", "app"),
    "alarm": ("inbox", "alarm"),
    "cap": ("cap", "app"),
    "area": ("imports", "area"),
    "resident": ("imports", "resident"),
    "officer": ("officer", "app"),
    "feed": ("feed", "app"),
    "station": ("station", "app"),
    "playbook": ("playbook", "app"),
    "radio": ("radio", "app"),
    "serve": ("serve", "serve"),
    "work": ("work", "work"),
    "migrate": ("serve", "migrate"),
    "settings": ("settings", "settings"),
    "version": ("serve", "version"),
}

SELDOM = 10_000  # new objects between two looks for garbage, not 700: loading and a batch make thousands, and no rings


def build(asked: str = "") -> typer.Typer:
    """Build the command line: the part that is asked for, or all of it for help and for what there is not."""
    app = typer.Typer(
        name="crisis",
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,  # its tracebacks show values, and those may be a resident's
        help="Emergency broadcast for a disaster office: one playbook, every channel, one command.",
    )
    app.callback()(lambda: None)  # else a single command would lose its name
    for name in [asked] if asked in COMMANDS else COMMANDS:
        module, called = COMMANDS[name]
        part = getattr(import_module(f"crisis.cli.{module}"), called)
        if isinstance(part, typer.Typer):
            app.add_typer(part, name=name)
        else:
            app.command(name)(part)
    return app


def main() -> None:
    """Run the command line of this process."""
    gc.set_threshold(SELDOM)
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command and give its exit code: 0 done, 1 a fault told in a sentence, 2 wrong usage, 130 Ctrl-C."""
    try:
        try:
            build(next(iter(arguments), ""))(arguments, prog_name="crisis")
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
