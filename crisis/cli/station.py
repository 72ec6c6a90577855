"""Radio stations: which take our kits, what each got of an alert, and who said when it was on air."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import typer
from rich.console import RenderableType
from rich.text import Text

from crisis.cli import options as o
from crisis.cli import out, readback_mail
from crisis.cli.office import Desk, desk, read_file
from crisis.cli.options import AsJson
from crisis.cli.show import Doc, facts, listing, when
from crisis.errors import BadInput, NotFound, NotReady

app = typer.Typer(no_args_is_help=True, help="The radio stations that take our kits.")

CARTS = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?")
TRY_LATER = 75  # sysexits.h, EX_TEMPFAIL: a mail server keeps the mail and asks again
STATES = {"accepted": "green", "waiting": "yellow", "retrying": "yellow"}

Name = Annotated[str, typer.Argument(metavar="NAME", help="The station's name; see `crisis station list`.")]
WAY = "How its kits get there: sftp://USER:PASSWORD@HOST/FOLDER, mailto:STUDIO@HOST ...; - reads it from stdin."
CARTS_HELP = "Numbers of its playout that are ours, like 900001-900010"
FORMATS = "What it takes, split by commas, like wav,mp3 or kit; the usual of its way unless told."


@app.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called, like 'RRI Pontianak'.")],
    *,
    way: Annotated[str, typer.Option("--way", help=WAY)],
    language: Annotated[str, typer.Option("--language", help="The language it airs, like id.")],
    formats: Annotated[str, typer.Option("--formats", help=FORMATS)] = "",
    carts: Annotated[str, typer.Option("--carts", help=f"{CARTS_HELP}.")] = "",
    contact: Annotated[str, typer.Option("--contact", help="Whom to call there.")] = "",
    exercise: Annotated[bool, typer.Option("--exercise", help="It takes part in exercises and tests.")] = False,
    as_json: AsJson = False,
) -> None:
    """Add a station: it gets every alert on the radio channel from now on."""
    first, last = _carts(carts) if carts else (None, None)
    body = {
        "name": name, "way": _secret(way), "language": language, "formats": _split(formats), "cart_first": first,
        "cart_last": last, "contact": contact, "exercise": exercise,
    }  # fmt: skip
    done = desk().client.ask("POST", "/stations", body)
    part = "alerts, exercises and tests" if done["exercise"] else "alerts, but no exercises"
    out.tell(done) if as_json else out.say(f"{done['name']} is added: it gets {part} by {done['way']}")


@app.command("list")
def list_stations(as_json: AsJson = False) -> None:
    """List the stations, closed ones too."""
    found = desk().client.ask("GET", "/stations")
    out.tell(found) if as_json else out.show(_stations(found))


@app.command()
def show(name: Name, as_json: AsJson = False) -> None:
    """Show a station; what opens its door is never shown."""
    here = desk()
    found = here.client.ask("GET", _path(name))
    out.tell(found) if as_json else out.show(_station(found, here.zone))


@app.command()
def change(
    name: Name,
    *,
    way: Annotated[str | None, typer.Option("--way", help=WAY)] = None,
    language: Annotated[str | None, typer.Option("--language", help="The language it airs.")] = None,
    formats: Annotated[str | None, typer.Option("--formats", help=FORMATS)] = None,
    carts: Annotated[str | None, typer.Option("--carts", help=f"{CARTS_HELP}, or none.")] = None,
    contact: Annotated[str | None, typer.Option("--contact", help="Whom to call there.")] = None,
    exercise: Annotated[
        bool | None, typer.Option("--exercise/--no-exercise", help="It takes part in exercises and tests.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Change what is named and leave the rest; links it was sent stay good."""
    told = {
        "way": _secret(way) if way is not None else None,
        "language": language,
        "formats": _split(formats) if formats is not None else None,
        "contact": contact,
        "exercise": exercise,
    }
    body: dict[str, Any] = {field: value for field, value in told.items() if value is not None}
    if carts is not None:
        body["cart_first"], body["cart_last"] = (None, None) if carts == "none" else _carts(carts)
    if not body:
        raise BadInput(f"nothing to change of {name}: name what, for example --carts 900001-900010")
    done = desk().client.ask("PATCH", _path(name), body)
    gets = f"it gets alerts by {done['way']}" if done["open"] else "it is closed and gets nothing"
    out.tell(done) if as_json else out.say(f"{done['name']} is changed: {gets}")


@app.command()
def close(name: Name, as_json: AsJson = False) -> None:
    """Send a station nothing more; what it got and aired stays on record."""
    done = desk().client.ask("PATCH", _path(name), {"open": False})
    out.tell(done) if as_json else out.say(f"{done['name']} is closed: it gets nothing more")


@app.command("open")
def open_again(name: Name, as_json: AsJson = False) -> None:
    """Send a closed station alerts again, from the next one on."""
    done = desk().client.ask("PATCH", _path(name), {"open": True})
    out.tell(done) if as_json else out.say(f"{done['name']} is open again: it gets the next alert")


@app.command()
def receipts(alert: o.AlertId, as_json: AsJson = False) -> None:
    """Show which stations took an alert, what was missing in the kit, and who said when it was on air."""
    here = desk()
    found = here.client.ask("GET", f"/alerts/{alert}/stations")
    out.tell(found) if as_json else out.show(_receipts(found, here.zone))


@app.command()
def aired(
    alert: o.AlertId,
    station: Name,
    *,
    at: Annotated[str, typer.Option("--at", help="When it was on air: 21.35, '21/11 21.35 WIB' or ISO 8601.")],
    by: Annotated[str, typer.Option("--by", help="Who says so.")],
    note: Annotated[str, typer.Option("--note", help="What else is to be known.")] = "",
    as_json: AsJson = False,
) -> None:
    """Write down that a station aired an alert, as somebody there told you."""
    here = desk()
    body = {"at": at, "by": by, "note": note}
    done = here.client.ask("POST", f"/alerts/{alert}{_path(station)}/aired", body)
    out.tell(done) if as_json else out.say(_kept(done, here.zone))


@app.command()
def readback(
    mail: Annotated[Path, typer.Option("--mail", help="A station's e-mail; - reads it from standard input.")],
    as_json: AsJson = False,
) -> None:
    """Take a station's e-mail that it aired an alert; exit code 1 where it is unclear, 75 while nobody can be asked."""
    here = desk()
    raw = sys.stdin.buffer.read(readback_mail.MOST + 1) if str(mail) == "-" else read_file(mail)
    read = readback_mail.read(raw, datetime.now(UTC), here.zone)
    body = {"at": read.at.isoformat(), "by": read.by, "note": read.name}
    try:
        code = _ours(here, read.codes)
        done = here.client.ask("POST", f"/readbacks/{code}", body)
    except NotReady as error:
        out.say(str(error), aside=True)
        raise typer.Exit(TRY_LATER) from error
    out.tell(done) if as_json else out.say(_kept(done, here.zone))


def _ours(here: Desk, codes: Sequence[str]) -> str:
    """Find the one code of these that we gave out; a mail may hold others that only look like one."""
    known = []
    for code in codes:
        try:
            here.client.ask("GET", f"/readbacks/{quote(code, safe='')}")
        except NotFound:
            continue
        known.append(code)
    if len(known) > 1:
        raise BadInput(f"the mail names {len(known)} kits: ask the station to write of each by itself")
    if not known:
        raise BadInput("no station was sent a kit under the code of this mail: check how it is spelt")
    return known[0]


def _path(name: str) -> str:
    return f"/stations/{quote(name, safe='')}"


def _secret(way: str) -> str:
    """Read a way where no other process can see it."""
    return sys.stdin.readline().strip() if way == "-" else way


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _carts(text: str) -> tuple[int, int]:
    match = CARTS.fullmatch(text.replace(" ", ""))
    if match is None:
        raise BadInput(f"--carts: {text!r} is no range of numbers: write it like 900001-900010")
    return int(match[1]), int(match[2] or match[1])


def _shown_carts(doc: Doc) -> str | None:
    return f"{doc['cart_first']}-{doc['cart_last']}" if doc["cart_first"] else None


def _stations(docs: Sequence[Doc]) -> RenderableType:
    rows = [
        (
            d["name"],
            Text("open", style="green") if d["open"] else Text("closed", style="dim"),
            "yes" if d["exercise"] else "no",
            d["language"],
            d["way"],
            ", ".join(d["formats"]) or "usual",
            _shown_carts(d),
            d["contact"],
        )
        for d in docs
    ]
    columns = ("name", "state", "exercises", "language", "way", "formats", "carts", "contact")
    return listing(columns, rows, "no station is registered; an admin adds one with `crisis station add`")


def _station(doc: Doc, zone: ZoneInfo) -> RenderableType:
    return facts(
        {
            "name": doc["name"],
            "state": "open" if doc["open"] else f"closed {when(doc['closed_at'], zone)}",
            "way": doc["way"],
            "language": doc["language"],
            "formats": ", ".join(doc["formats"]) or "the usual of its way",
            "carts": _shown_carts(doc),
            "exercises": "takes part" if doc["exercise"] else "gets none",
            "contact": doc["contact"],
            "since": when(doc["made_at"], zone),
        }
    )


def _receipts(doc: Doc, zone: ZoneInfo) -> RenderableType:
    rows = [
        (
            d["station"],
            Text(d["state"], style=STATES.get(d["state"], "bold red")),
            d["code"],
            d["tries"],
            when(d["taken_at"], zone),
            "\n".join(_told(one, zone) for one in d["airings"]),
            _after(d["after"]),
        )
        for d in doc["stations"]
    ]
    columns = ("station", "kit", "code", "tries", "taken", "aired", "after the release")
    return listing(columns, rows, "this alert is for no station; `crisis station list` shows those there are")


def _told(airing: Doc, zone: ZoneInfo) -> str:
    by = f", noted by {airing['officer']}" if airing["how"] == "officer" else f" ({airing['how']})"
    note = f": {airing['note']}" if airing["note"] and airing["how"] == "officer" else ""
    return f"{when(airing['at'], zone)} {airing['by']}{by}{note}"


def _after(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _kept(done: Doc, zone: ZoneInfo) -> str:
    """Say what was stored, or what was there already."""
    first = done["airings"][0]
    counted = "" if done["counted"] else "; its kit was never taken, so this is not counted as delivered"
    times = len(done["airings"])
    more = f" ({times} reports on record)" if times > 1 else ""
    verb = "is noted" if done["new"] else "was on record already"
    return f"alert {done['alert']} aired by {done['station']} {when(first['at'], zone)} {verb}{more}{counted}"
