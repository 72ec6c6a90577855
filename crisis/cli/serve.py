"""Serve: run the service until told to stop; migrate: bring its database up to date; version."""

from __future__ import annotations

import asyncio
import gc
from importlib import metadata
from typing import TYPE_CHECKING, Annotated

import typer

from crisis.cli import out
from crisis.cli.options import AsJson
from crisis.settings import MOST_WORKERS, Settings

if TYPE_CHECKING:
    from crisis.app import Service

Workers = Annotated[
    int | None,
    typer.Option(
        "--workers", min=1, max=MOST_WORKERS, help="Processes that deliver, this one included.", show_default=False
    ),
]


def serve(workers: Workers = None) -> None:
    """Run the service: page, API, channels and clock. Everything about it is a CRISIS_* setting."""
    from crisis import app, log  # noqa: PLC0415 - slow to load, and only this command needs it

    settings = Settings.read()
    if workers is not None:
        settings = settings.model_copy(update={"workers": workers})
    log.configure(settings.log_format)

    def ready(service: Service) -> None:
        accounts = ", ".join(account.name for account in service.accounts) or "none: set CRISIS_SMS and others"
        out.say(f"ready: http://{settings.host}:{service.port} (page, API); channels: {accounts}", aside=True)

    with long_runner() as runner:
        runner.run(app.serve(settings, ready))


def long_runner() -> asyncio.Runner:
    """Give the runner of whatever runs for long: on uvloop where it is installed; what was loaded is no garbage."""
    gc.freeze()
    return asyncio.Runner(loop_factory=_event_loop)


def _event_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop  # noqa: PLC0415 - an extra
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def migrate() -> None:
    """Bring the database up to date and stop; `serve` does the same at its start."""
    settings = Settings.read()
    asyncio.run(_migrate(settings))
    out.say("the database is up to date")


async def _migrate(settings: Settings) -> None:
    from crisis import db, log, postgres  # noqa: PLC0415

    log.configure(settings.log_format)
    url = settings.database_url.get_secret_value() if settings.database_url else None
    async with postgres.database(url, settings.data_dir / "postgres") as dsn:
        await db.migrate(dsn)


def version(as_json: AsJson = False) -> None:
    """Say which version this is."""
    try:
        found = metadata.version("crisis-broadcast")
    except metadata.PackageNotFoundError:
        found = "unknown: run from files that were not installed"
    out.tell({"version": found}) if as_json else out.say(f"crisis {found}")
