"""The kits of the service that are in force, for officers."""

from __future__ import annotations

from rich.table import Table

from crisis.cli import out
from crisis.cli.client import Client
from crisis.settings import Settings


def show(*, as_json: bool) -> None:
    """Ask the service for its kits and show how far each is made, and what it lacks."""
    kits = Client.of(Settings.read()).ask("GET", "/kits")["kits"]
    if as_json:
        out.tell(kits)
        return
    if not kits:
        out.say("no kit is in force")
        return
    table = Table("kit", "alert", "language", "mode", "until", "made", "voice", "lacks", box=None, pad_edge=False)
    for kit in kits:
        lacks = "; ".join(kit["missing"]) or "nothing"
        told = (kit["place"], kit["headline"], kit["language"], kit["mode"], kit["expires"], kit["reached"])
        table.add_row(*map(out.plain, (*told, kit["voice"] or "none", lacks)))
    out.show(table)
