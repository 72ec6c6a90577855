"""What an officer sees of an alert: its mode, its facts, every text, and how far each channel has got."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from crisis.cli.out import plain
from crisis.model.phrases import zone_name

MODES: Mapping[str, tuple[str, str]] = {
    "Actual": ("ACTUAL / SUNGGUHAN: people will act on this", "bold white on red"),
    "Exercise": ("EXERCISE / LATIHAN: only to those enrolled for exercises", "bold black on yellow"),
    "Test": ("TEST / UJI COBA: everyone disregards it", "bold white on blue"),
}
COUNTS = ("audience", "accepted", "delivered", "retrying", "refused", "unknown")

Doc = Mapping[str, Any]
NOT_MET, TO_DO = " is not met: ", "an officer decides: "


def banner(mode: str) -> Text:
    """Say the mode in its own colour."""
    says, style = MODES[mode]
    return Text(f" {says} ", style=style)


def when(moment: str | None, zone: ZoneInfo) -> str:
    """Write a moment of the API in the office's zone."""
    if moment is None:
        return "-"
    local = datetime.fromisoformat(moment).astimezone(zone)
    return f"{local:%Y-%m-%d %H:%M} {zone_name(local)}"


def cell(value: object) -> Text:
    """Show a value as it is: nothing in it can steer the terminal."""
    return Text("-" if value in (None, "") else f"{value:,}" if isinstance(value, int | float) else plain(value))


def facts(rows: Mapping[str, object]) -> Table:
    """Show names and values side by side."""
    table = Table.grid(padding=(0, 2))
    for name, value in rows.items():
        table.add_row(Text(name, style="bold"), cell(value))
    return table


def listing(columns: Sequence[str], rows: Sequence[Sequence[object]], none: str = "none") -> RenderableType:
    """Show a row for each thing there is, or say in words that there is none."""
    if not rows:
        return Text(none)
    table = Table(*columns)
    for row in rows:
        table.add_row(*(value if isinstance(value, Text) else cell(value) for value in row))
    return table


def counted(counts: Mapping[str, int]) -> str:
    """Write counts by name, the largest first: sms 1,200, page 2."""
    largest = sorted(counts.items(), key=lambda entry: -entry[1])
    return ", ".join(f"{name} {n:,}" for name, n in largest) or "nobody"


def in_turn(rule: Mapping[str, Any] | None) -> str | None:
    """Say by which channels residents are warned one after another; nothing when it is all at once."""
    if rule is None:
        return None
    return f"{', then '.join(rule['order'])}: after a failure, or {rule['after'] / 60:g} min of silence"


def at_most(count: str, rule: Mapping[str, Any] | None) -> str:
    """Write a count of every address of an audience: by turns a resident is sent to on one, unless that one fails."""
    return count if rule is None else f"at most {count}, as each resident is warned on one channel after another"


def preview(doc: Doc, zone: ZoneInfo) -> RenderableType:
    """Show what would go out, to whom and at what cost."""
    cap, area, audience = doc["cap"], doc["area"], doc["audience"]
    told = facts(
        {
            "alert": f"{doc['playbook']} {doc['level']} (version {doc['version']}), {doc['purpose']}",
            "CAP": f"{doc['msgType']}, {cap['urgency']}, {cap['severity']}, {cap['certainty']}",
            "source": doc["source"],
            "area": f"{area['desc']} ({area['km2']:,} km2, {area['areas']} areas)",
            "audience": at_most(f"{audience['addresses']:,} addresses", doc.get("failover")),
            "by channel": counted(audience["by_channel"]),
            "failover": in_turn(doc.get("failover")),
            "by language": counted(audience["by_language"]),
            "cost": at_most(f"{doc['cost']:,}", doc.get("failover")),
            "expires": when(doc["expires"], zone),
            "next update": when(doc["next_update"], zone),
            "hash": doc["words_hash"],
        }
    )
    refused = [Text(f"refused: {plain(reason)}", style="bold red") for reason in doc["refusals"]]
    sizes = renditions(doc["renditions"])
    return Group(banner(doc["mode"]), told, sizes, *texts(doc["renditions"]), *refused, banner(doc["mode"]))


def renditions(rows: Sequence[Doc]) -> Table:
    """Show the size of every text, and its cost where addresses were counted."""
    table = Table("channel", "language", "units", "parts", "encoding")
    known = any("addresses" in row for row in rows)
    for name in ("addresses", "cost") if known else ():
        table.add_column(name, justify="right")
    for row in rows:
        names = ("channel", "language", "units", "parts", "encoding", *(("addresses", "cost") if known else ()))
        table.add_row(*(cell(row[name]) for name in names))
    return table


def texts(rows: Sequence[Doc]) -> list[Panel]:
    """Show every text once, with the channels and language it is for."""
    by_text: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        by_text.setdefault((row["language"], row["text"]), []).append(row["channel"])
    return [
        Panel(cell(text), title=Text(f"{', '.join(channels)} ({language})"), title_align="left")
        for (language, text), channels in by_text.items()
    ]


def alert(doc: Doc, zone: ZoneInfo) -> RenderableType:
    """Show an alert as its approver must see it, its history and its progress."""
    rule = doc["facts"].get("failover")
    told = facts(
        {
            "alert": f"{doc['id']} {doc['playbook']} {doc['level']}, {doc['purpose']}, is {doc['state']}",
            "identifier": doc["identifier"],
            "CAP": f"{doc['msg_type']}, {doc['facts']['urgency']}, {doc['facts']['severity']}",
            "failover": in_turn(rule),
            "source": doc["source"],
            "area": f"{doc['area_desc']} ({doc['area']['km2']} km2)",
            "cost": at_most(f"{doc['cost']:,}", rule) if doc["sent"] is None else None,
            "audience": at_most(counted(doc["audience"]["by_channel"]), rule) if doc["sent"] is None else None,
            "sent": when(doc["sent"], zone),
            "expires": when(doc["expires"], zone),
            "next update": when(doc["next_update"], zone),
            "hash": doc["words_hash"],
        }
    )
    said = [
        {"channel": channel, "language": language, "text": text}
        for channel, by_language in doc["notices"].items()
        for language, text in by_language.items()
    ]
    history = [cell(" ".join(filter(None, _act(h, zone)))) for h in doc["history"]]
    tail = [progress(doc["dispatches"], doc["sent"]), *on_air(doc)] if doc["dispatches"] else []
    told_by = source_alert(doc["source_alert"], doc["changes"], zone) if doc.get("source_alert") else []
    sizes = [renditions(doc["renditions"])] if doc["sent"] is None else []
    return Group(banner(doc["mode"]), told, *told_by, *sizes, *texts(said), *history, *tail, *next_step(doc))


def _act(h: Doc, zone: ZoneInfo) -> tuple[str | None, ...]:
    return when(h["at"], zone), h["act"], h.get("account"), h["officer"] or "the service", h["reason"]


def next_step(doc: Doc) -> list[RenderableType]:
    """Say what to do about a draft that a feed made, and about what is paused: else nobody knows that it waits."""
    if paused := [d["account"] for d in doc["dispatches"] if d["stopped"] == "paused"]:
        says = f"Paused on {', '.join(paused)}: nothing leaves there until `crisis alert resume {doc['id']}`."
        return [Text(says, style="bold")]
    if not doc.get("source_alert") or doc["state"] != "draft":
        return []
    says = (
        f"Next: read it, then `crisis alert submit {doc['id']}` hands it to another officer's approval, or "
        f"`crisis alert reject {doc['id']} --reason WHY` ends it."
    )
    return [Text(says, style="bold")]


def source_alert(source: Doc, changes: Sequence[Doc], zone: ZoneInfo) -> list[RenderableType]:
    """Show what an alert rests on, what its source changed since it was last told, and why it became what it is."""
    named = f"{source['sender']} {source['identifier']}, sent {when(source['sent'], zone)}"
    told = facts(
        {
            "source alert": f"{named}, by feed {source['feed']}",
            "it did": source["did"],
            "signature": source["signature"],
            "warnings": "; ".join(f"{w['rule']} {w['where']}: {w['says']}" for w in source["warnings"]) or None,
        }
    )
    table = Table("changed in the source", "was", "is now")
    for change in changes:
        table.add_row(cell(change["where"]), cell(change["was"]), cell(change["now"]))
    why = [cell(f"- {reason}") for reason in reasons(source["why"])]
    return [told, *([table] if changes else []), *why]


def reasons(why: Sequence[str]) -> list[str]:
    """Give the reasons that decided, what an officer must do first; of rules not met only how many, if one was."""
    decided = sorted((r for r in why if NOT_MET not in r), key=lambda reason: not reason.startswith(TO_DO))
    others = [reason for reason in why if NOT_MET in reason]
    if others and any(" is met: " in reason for reason in decided):
        others = [f"{len(others)} other rules are not met: --json tells why"]
    return decided + others


def progress(dispatches: Sequence[Doc], sent: str | None) -> Table:
    """Show how far each channel has got; accepted is the provider's word, delivered comes from a receipt."""
    table = Table("channel", "account", "state")
    for name in (*COUNTS, "first"):
        table.add_column(name, justify="right")
    table.add_column("trouble")
    for row in dispatches:
        named = (row["channel"], row["account"], standing(row))
        counts = (*(row[name] for name in COUNTS), first_after(row["first_accepted"], sent))
        table.add_row(*map(cell, (*named, *counts, row["trouble"])))
    return table


def on_air(doc: Doc) -> list[RenderableType]:
    """Say what the counts of radio mean: a kit that was taken is not yet on air."""
    if not any(d["channel"] == "radio" and d["audience"] for d in doc["dispatches"]):
        return []
    says = "Radio: accepted is a kit that is there, delivered one that somebody says was on air"
    return [Text(f"{says}; `crisis station receipts {doc['id']}` tells which station.")]


def standing(dispatch: Doc) -> str:
    """Say how a dispatch stands; a paused one is not over, so it is not called stopped."""
    why = dispatch["stopped"]
    if why is None or why == "paused":
        return str(why or dispatch["state"])
    return "stopped by an officer" if why == "officer" else f"stopped ({why})"


def first_after(accepted: str | None, sent: str | None) -> str:
    """Say how many seconds after the release the first was accepted; `sent` counts whole seconds."""
    if accepted is None or sent is None:
        return "-"
    passed = datetime.fromisoformat(accepted) - datetime.fromisoformat(sent)
    return f"{max(passed.total_seconds(), 0):.1f} s"
