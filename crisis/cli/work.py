"""Work: deliver only, beside a service on this machine or another one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import structlog
import typer

from crisis.cli import out
from crisis.cli.serve import long_runner
from crisis.settings import Settings

if TYPE_CHECKING:
    from crisis.flow.trip import Account


def work(
    crew: Annotated[bool, typer.Option("--crew", hidden=True, help="Started by a service: ends with stdin.")] = False,
) -> None:
    """Deliver only, beside a service: same key, its channels, its CRISIS_DATABASE_URL or CRISIS_NATS_URL; anywhere."""
    from crisis import log, work  # noqa: PLC0415 - slow to load, and only this command needs it

    settings = Settings.read()
    log.configure(settings.log_format)
    structlog.contextvars.bind_contextvars(pid=os.getpid())

    def ready(accounts: Sequence[Account]) -> None:
        names = ", ".join(account.name for account in accounts) or "none: set CRISIS_SMS and others"
        out.say(f"ready: worker {os.getpid()}; channels: {names}", aside=True)
        if crew:
            print("ready", flush=True)

    with long_runner() as runner:
        if settings.nats_url is not None and settings.database_url is None:
            from crisis.carrying import work_afar  # noqa: PLC0415 - needs an extra

            runner.run(work_afar(settings, work.vault_of(settings), work.spoken_of(settings), ready))
        else:
            runner.run(work.work(settings, ready, crewed=crew))
