"""Tables of what there is: alerts, inquiries, alarms, officers, areas, settings, playbooks."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.text import Text

from crisis.cli.show import MODES, Doc, listing, when


def alerts(docs: Sequence[Doc], zone: ZoneInfo) -> RenderableType:
    """Show alerts, each with its mode in its colour."""
    rows = [
        (
            str(d["id"]),
            Text(d["mode"], style=MODES[d["mode"]][1]),
            f"{d['playbook']} {d['level']}",
            d["purpose"],
            d["state"],
            d["area_desc"],
            d["submitted_by"],
            d["approved_by"],
            when(d["sent"], zone),
            when(d["expires"], zone),
        )
        for d in docs
    ]
    columns = ("id", "mode", "playbook", "purpose", "state", "area", "submitted by", "approved by", "sent", "expires")
    return listing(columns, rows)


def inquiries(docs: Sequence[Doc], zone: ZoneInfo) -> RenderableType:
    """Show what residents wrote, those in danger first, and what they were answered."""
    rows = [
        (
            Text(str(d["id"]), style="bold red" if d["priority"] == 1 else ""),
            "\n".join(filter(None, (d["state"], d["assigned_to"], d["account"], d["from"]))),
            when(d["received_at"], zone),
            "\n".join([d["text"], *(f"> {a['text']} ({a['by']}, {a['outcome']})" for a in d["answers"])]),
            d["why"],
        )
        for d in docs
    ]
    return listing(("id", "state, who", "received", "text and answers", "why"), rows)


def alarms(docs: Sequence[Doc], zone: ZoneInfo) -> RenderableType:
    """Show what officers must see."""
    rows = [(str(d["id"]), d["kind"], d["says"], d["role"], when(d["at"], zone), d["seen_by"]) for d in docs]
    return listing(("id", "kind", "what", "for", "at", "seen by"), rows)


def officers(docs: Sequence[Doc], zone: ZoneInfo) -> RenderableType:
    """Show who may do what."""
    rows = [(d["name"], d["role"], when(d["created_at"], zone), when(d["disabled_at"], zone)) for d in docs]
    return listing(("name", "role", "since", "disabled"), rows)


def areas(docs: Sequence[Doc]) -> RenderableType:
    """Show the areas an alert can name."""
    return listing(("code", "name", "residents"), [(d["code"], d["name"], d["residents"]) for d in docs])


def settings(docs: Sequence[Doc]) -> RenderableType:
    """Show every setting, what it is for and what it is now."""
    return listing(
        ("variable", "now", "default", "what it is"),
        [(d["name"], d["value"], d["default"], d["description"]) for d in docs],
    )


def verdicts(docs: Sequence[Doc]) -> RenderableType:
    """Show the verdict on every playbook file."""
    rows = [
        (
            Text("right" if d["valid"] else "wrong", style="green" if d["valid"] else "bold red"),
            d["file"],
            d["version"],
            ", ".join(d["languages"]),
            ", ".join(d["levels"]),
            d["questions"],
            d["words"],
        )
        for d in docs
    ]
    return listing(("verdict", "file", "version", "languages", "levels", "questions", "words"), rows)


def filled(title: str, renderables: Sequence[RenderableType]) -> RenderableType:
    """Show one part of a playbook's words as they would go out."""
    return Group(Text(f"\n{title}", style="bold"), *renderables)
