"""Areas and residents from files: rows that are wrong are told by line, the rest is stored."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crisis.cli import lists, out
from crisis.cli.office import desk, read_file
from crisis.cli.options import AsJson
from crisis.errors import Fault

area = typer.Typer(no_args_is_help=True, help="The areas of the district that an alert can name.")
resident = typer.Typer(no_args_is_help=True, help="The residents who asked to be warned.")

GeoJson = Annotated[Path, typer.Argument(metavar="FILE", help="A GeoJSON file of areas with a code and a name.")]
Csv = Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file: address, channel, language, area, person ...")]


@area.command("import")
def import_areas(file: GeoJson, as_json: AsJson = False) -> None:
    """Store the areas of a GeoJSON file; a newer outline replaces the older one."""
    _import("/areas", file, ("saved",), as_json)


@area.command("list")
def list_areas(as_json: AsJson = False) -> None:
    """List the areas and how many residents each has."""
    found = desk().client.ask("GET", "/areas")
    out.tell(found) if as_json else out.show(lists.areas(found))


@resident.command("import")
def import_residents(file: Csv, as_json: AsJson = False) -> None:
    """Store the residents of a CSV file; who is there already is brought up to date."""
    _import("/residents", file, ("added", "updated", "moved"), as_json)


def _import(path: str, file: Path, counts: tuple[str, ...], as_json: bool) -> None:
    report = desk().client.ask("POST", path, read_file(file), source=file.name)
    for fault in report["faults"]:
        out.say(str(Fault(**fault)), aside=True)
    stored = any(report[name] for name in counts)
    if as_json:
        out.tell(report)
    else:
        out.say(", ".join(f"{report[name]:,} {name}" for name in (*counts, "refused")))
    if not stored:
        out.say(f"{file}: nothing was stored", aside=True)
        raise typer.Exit(1)
