"""Watches an alert on its way: a table that changes, lines in a log, or JSON lines for a machine."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from rich.live import Live

from crisis.cli import out, show
from crisis.cli.client import Client
from crisis.cli.stream import follow

NEVER_SENT = frozenset({"rejected", "expired", "cancelled", "superseded"})  # without a dispatch there will be none


def watch(client: Client, alert: int, *, as_json: bool) -> None:
    """Show the progress of an alert until every channel has ended, or it is sure that none will begin."""
    told = _until_ended(client, alert)
    if as_json:
        for kind, content in told:
            out.tell({"kind": kind, **content}, line=True)
    elif sys.stdout.isatty():
        _table(client, told)
    else:
        _lines(told)


def _until_ended(client: Client, alert: int) -> Iterator[tuple[str, dict[str, Any]]]:
    last: tuple[str, dict[str, Any]] | None = None
    for told in follow(client, f"/alerts/{alert}/events"):
        if told != last:  # a stream opened anew tells the same again
            yield told
        last = told
        if told[1]["state"] in NEVER_SENT and not told[1]["dispatches"]:
            return


def _table(client: Client, told: Iterator[tuple[str, dict[str, Any]]]) -> None:
    sent: str | None = None
    with Live(console=out.console(), auto_refresh=False) as live:
        for _, content in told:
            if sent is None and content["dispatches"]:
                sent = client.ask("GET", f"/alerts/{content['alert']}")["sent"]
            live.update(show.progress(content["dispatches"], sent), refresh=True)


def _lines(told: Iterator[tuple[str, dict[str, Any]]]) -> None:
    for kind, content in told:
        if kind != "end":
            out.say(line(content))


def line(content: dict[str, Any]) -> str:
    """Say the progress of an alert in one line."""
    counts = [
        f"{d['account']} {show.standing(d)} {d['accepted']:,}/{d['audience']:,} accepted, {d['delivered']:,} delivered"
        for d in content["dispatches"]
    ]
    return f"alert {content['alert']} is {content['state']}: " + ("; ".join(counts) or "nothing has left yet")
