"""Officers: the very first is written by whoever holds the database, all others by an admin."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import quote

import typer

from crisis.cli import lists, out
from crisis.cli.client import Client
from crisis.cli.office import desk
from crisis.cli.options import AsJson
from crisis.model.officer import Role
from crisis.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Who may prepare, approve and administer.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The officer's name, as it is shown to others.")]


@app.command()
def add(
    name: Name,
    role: Annotated[Role, typer.Option("--role", case_sensitive=False, help="What the officer may do.")],
    as_json: AsJson = False,
) -> None:
    """Add an officer and print the token, once; without CRISIS_TOKEN this adds the very first admin."""
    settings = Settings.read()
    if settings.token:
        added = Client.of(settings).ask("POST", "/officers", {"name": name, "role": role.value})
    else:
        added = {"name": name, "role": role.value, "token": asyncio.run(_add_first(settings, name, role))}
    if as_json:
        out.tell(added)
        return
    out.say(f"{name} is {role}. The token is shown only now; set it as CRISIS_TOKEN:", aside=True)
    out.say(added["token"])


async def _add_first(settings: Settings, name: str, role: Role) -> str:
    from crisis import db, log, postgres  # noqa: PLC0415 - slow to load, and only this command needs them
    from crisis.flow import register  # noqa: PLC0415

    log.configure(settings.log_format)  # to standard error: standard output is for the token
    url = settings.database_url.get_secret_value() if settings.database_url else None
    async with postgres.database(url, settings.data_dir / "postgres") as dsn:
        await db.migrate(dsn)
        pool = await db.connect_pool(dsn)
        try:
            return await register.add_officer(pool, name, role, None, datetime.now(UTC))
        finally:
            await asyncio.wait_for(pool.close(), 10)


@app.command("list")
def list_officers(as_json: AsJson = False) -> None:
    """List the officers, those disabled too."""
    here = desk()
    found = here.client.ask("GET", "/officers")
    out.tell(found) if as_json else out.show(lists.officers(found, here.zone))


@app.command()
def disable(name: Name, as_json: AsJson = False) -> None:
    """Make an officer's token worthless at once."""
    done = desk().client.ask("DELETE", f"/officers/{quote(name, safe='')}")
    out.tell(done) if as_json else out.say(f"{name} is disabled")
