"""Feeds of others' alerts: which are read, how each stands, what it told, and what would become of a document."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import typer
from rich.console import RenderableType
from rich.text import Text

from crisis.cli import out
from crisis.cli.office import desk, read_file
from crisis.cli.options import AsJson, ModeName
from crisis.cli.show import MODES, Doc, listing, when
from crisis.cli.show import reasons as show_reasons
from crisis.errors import BadInput

app = typer.Typer(no_args_is_help=True, help="The feeds whose alerts open drafts here.")

UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
SPAN = re.compile(r"(\d{1,6})([smhd]?)")
STATES = {"reading": "green", "trouble": "bold red", "late": "bold red", "quiet": "yellow", "new": "yellow", "off": ""}

Name = Annotated[str, typer.Argument(metavar="NAME", help="The feed's name; see `crisis feed list`.")]
NewName = Annotated[str, typer.Argument(metavar="NAME", help="Small letters, digits and hyphens: bmkg-nowcast.")]
FormatName = Annotated[str, typer.Option("--format", help="What it is; see `crisis feed formats`.")]
Url = Annotated[str, typer.Option("--url", help="Where it is: https://..., mqtts://USER:PASSWORD@HOST/TOPIC.")]
Mode = Annotated[
    ModeName | None,
    typer.Option("--mode", case_sensitive=False, help="Of the alerts it opens here; Exercise unless told."),
]
MayRelease = Annotated[
    bool, typer.Option("--may-release", help="Where the playbook allows it too, alerts leave without an officer.")
]
Every = Annotated[str | None, typer.Option("--every", help="How often it is asked, like 60s.")]
Hosts = Annotated[
    list[str],
    typer.Option("--host", default_factory=list, show_default=False, help="Where its links may lead; repeat it."),
]
Trust = Annotated[Path | None, typer.Option("--trust", help="PEM file of the senders' certificates.")]
MustSign = Annotated[bool, typer.Option("--must-sign", help="What is not signed opens a draft at most.")]
QuietAfter = Annotated[str, typer.Option("--quiet-after", help="Silence of so long calls an officer.")]


def seconds(span: str) -> int:
    """Read a span of time like 90, 60s, 5m or 24h; raise BadInput for anything else."""
    match = SPAN.fullmatch(span.strip().lower())
    if match is None:
        raise BadInput(f"{span!r} is no span of time: write it like 60s, 5m, 24h or 3d")
    return int(match[1]) * UNITS[match[2]]


@app.command()
def add(
    name: NewName,
    *,
    format_name: FormatName,
    host: Hosts,
    url: Url = "",
    mode: Mode = None,
    may_release: MayRelease = False,
    every: Every = None,
    trust: Trust = None,
    must_sign: MustSign = False,
    quiet_after: QuietAfter = "24h",
    as_json: AsJson = False,
) -> None:
    """Add a feed; it is read at once. One that others post to gets a token, which is shown only now."""
    body: dict[str, Any] = {
        "name": name,
        "format": format_name,
        "url": url,
        "may_release": may_release,
        "hosts": host,
        "must_sign": must_sign,
        "quiet_after": seconds(quiet_after),
        "certificates": read_file(trust).decode("utf-8", "replace") if trust else "",
        **({"mode": mode} if mode else {}),
        **({"every": seconds(every)} if every else {}),
    }
    added = desk().client.ask("POST", "/feeds", body)
    if as_json:
        out.tell(added)
        return
    out.say(f"{name} is added; its alerts open drafts in mode {added['mode']}", aside=True)
    if "token" in added:
        where = f"POST /api/v1/feeds/{name}/alerts"
        out.say(f"Its owner posts CAP to {where} with this token, which is shown only now:", aside=True)
        out.say(added["token"])


@app.command()
def change(
    name: Name,
    *,
    host: Hosts,
    url: Annotated[str | None, typer.Option("--url", help="Where it is now.")] = None,
    mode: Annotated[
        ModeName | None, typer.Option("--mode", case_sensitive=False, help="Of the alerts it opens from now on.")
    ] = None,
    may_release: Annotated[
        bool | None, typer.Option("--may-release/--no-may-release", help="Its alerts may leave without an officer.")
    ] = None,
    every: Every = None,
    trust: Trust = None,
    must_sign: Annotated[
        bool | None, typer.Option("--must-sign/--no-must-sign", help="What is not signed stays a draft.")
    ] = None,
    quiet_after: Annotated[str | None, typer.Option("--quiet-after", help="Silence that calls an officer.")] = None,
    as_json: AsJson = False,
) -> None:
    """Change what is named and leave the rest; --host names all its hosts anew. A feed on trial is made Actual so."""
    told = {
        "url": url,
        "mode": mode,
        "may_release": may_release,
        "must_sign": must_sign,
        "hosts": host or None,
        "every": seconds(every) if every else None,
        "quiet_after": seconds(quiet_after) if quiet_after else None,
        "certificates": read_file(trust).decode("utf-8", "replace") if trust else None,
    }
    body = {field: value for field, value in told.items() if value is not None}
    if not body:
        raise BadInput(f"nothing to change of {name}: name what, for example --mode actual")
    done = desk().client.ask("PATCH", _path(name), body)
    leave = "may release by itself where the playbook allows it" if done["may_release"] else "opens drafts only"
    out.tell(done) if as_json else out.say(f"{name} is changed: mode {done['mode']}, {leave}")


@app.command("list")
def list_feeds(as_json: AsJson = False) -> None:
    """List the feeds and how each stands: "nothing new" and "cannot be read" are different things."""
    here = desk()
    found = here.client.ask("GET", "/feeds")
    out.tell(found) if as_json else out.show(_feeds(found))


@app.command()
def formats(as_json: AsJson = False) -> None:
    """List what a feed may be."""
    found = desk().client.ask("GET", "/feed-formats")
    rows = [(f["name"], f["way"], f["says"]) for f in found]
    out.tell(found) if as_json else out.show(listing(("format", "way", "what it is"), rows))


@app.command()
def show(
    name: Name,
    most: Annotated[int, typer.Option("--most", min=1, max=1000, help="How many entries at most.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show what a feed told, the latest first, what was done about it and why."""
    here = desk()
    found = here.client.ask("GET", f"{_path(name)}/entries", most=str(most))
    out.tell(found) if as_json else out.show(_entries(found, here.zone))


@app.command()
def poll(name: Name, as_json: AsJson = False) -> None:
    """Read a feed now and show what came; a feed that cannot be read is exit code 1."""
    here = desk()
    found = here.client.ask("POST", f"{_path(name)}/poll")
    if as_json:
        out.tell(found)
    elif found["came"]:
        out.show(_came(found["came"], here.zone))
    if found["says"]:
        out.say(f"{name}: {found['says']}", aside=True)
    if not found["read"]:
        raise typer.Exit(1)


@app.command()
def replay(
    name: Name,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Documents as the feed would publish them.")],
    for_real: Annotated[
        bool, typer.Option("--for-real", help="Do it: store and draft. Without an officer nothing is ever released.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show what would become of documents if the feed told them: which rule would match, and why; one JSON a file."""
    here, worst = desk(), 0
    for file in files:
        dry = "0" if for_real else "1"
        try:
            found = here.client.ask("POST", f"{_path(name)}/replay", read_file(file), dry_run=dry)
        except BadInput as error:
            out.say(str(error) if str(error).startswith(f"{file}: ") else f"{file}: {error}", aside=True)
            worst = 1
            continue
        if as_json:
            out.tell({"file": str(file), **found}, line=True)
            continue
        out.say(f"{file}: {'stored and done' if for_real else 'dry run, nothing was changed'}")
        out.show(_came(found["came"], here.zone))
    if worst:
        raise typer.Exit(worst)


@app.command()
def off(name: Name, as_json: AsJson = False) -> None:
    """Read a feed no more; what it told stays on the record."""
    _switch(name, False, as_json)


@app.command()
def on(name: Name, as_json: AsJson = False) -> None:
    """Read a feed again, at once."""
    _switch(name, True, as_json)


def _switch(name: str, enabled: bool, as_json: bool) -> None:
    done = desk().client.ask("PATCH", _path(name), {"enabled": enabled})
    out.tell(done) if as_json else out.say(f"{name} is switched {'on' if enabled else 'off'}")


def _path(name: str) -> str:
    return f"/feeds/{quote(name, safe='')}"


def _feeds(docs: Sequence[Doc]) -> RenderableType:
    rows = [
        (
            d["name"],
            f"{d['format']}\n{d['url']}" if d["url"] else d["format"],
            Text(d["mode"] + (", may release" if d["may_release"] else ""), style=MODES[d["mode"]][1]),
            Text(d["state"], style=STATES.get(d["state"], "")),
            d["says"],
        )
        for d in docs
    ]
    none = "no feed is read; an admin adds one with `crisis feed add`"
    return listing(("name", "format", "mode", "state", "how it stands"), rows, none)


def _entries(docs: Sequence[Doc], zone: ZoneInfo) -> RenderableType:
    rows = [
        (
            d["id"],
            _named(d),
            when(d["sent"], zone),
            when(d["received_at"], zone),
            d["did"],
            d["alert_id"],
            _why(d),
        )
        for d in docs
    ]
    return listing(
        ("id", "alert", "sent", "received", "done", "our alert", "why"),
        rows,
        "it has told nothing yet; `crisis feed list` says whether it can be read",
    )


def _came(docs: Sequence[Doc], zone: ZoneInfo) -> RenderableType:
    rows = [
        (_named(d), when(d["sent"], zone), "new" if d["new"] else "known", d["did"], d["alert"], _why(d)) for d in docs
    ]
    return listing(("alert", "sent", "", "done", "our alert", "why"), rows)


def _named(doc: Mapping[str, Any]) -> str:
    name = doc["identifier"] or doc["guid"] or doc["link"] or doc.get("where") or "-"
    return f"{name}\n{doc['warnings']} warnings" if doc["warnings"] else str(name)


def _why(doc: Mapping[str, Any]) -> str:
    reasons = [f"REFUSED: {doc['refused']}"] if doc["refused"] else []
    decided = show_reasons([str(reason) for reason in doc["why"] if reason != doc["refused"]])
    return "\n".join(reasons + decided)
