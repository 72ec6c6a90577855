"""How CAP documents are shown: a line a file with its faults, an alert with its infos, the changes between two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from rich.table import Table

from crisis.cap.diff import Change
from crisis.cap.document import Document, read_document
from crisis.cap.entry import Entry
from crisis.cap.nouns import Alert, Area
from crisis.cap.record import to_record
from crisis.cli import out
from crisis.cli.cap_verdict import Judgement, Verdict, placed
from crisis.cli.show import cell
from crisis.errors import BadInput

MOST_FAULTS = 20  # of one file, for people; a machine gets all


def verdict(one: Verdict) -> None:
    """Show one file: its verdict, what it is, and every rule it breaks."""
    out.say(f"{one.verdict:8} {one.file}{_what(one)}")
    said = (*one.errors, *one.warnings)
    for fault in said[:MOST_FAULTS]:
        out.say(
            f"         {fault.rule} {fault.where}: {fault.says}"
            if fault.where
            else f"         {fault.rule}: {fault.says}"
        )
    if len(said) > MOST_FAULTS:
        out.say(f"         and {len(said) - MOST_FAULTS} more; --json tells all")


def counted(counts: Mapping[str, int]) -> str:
    """Sum up: 34 files: 8 valid, 5 warn, 14 invalid, 7 refused."""
    told = ", ".join(f"{counts.get(name, 0)} {name}" for name in Judgement)
    return f"{sum(counts.values())} files: {told}"


def alerts(file: str, raw: bytes, *, as_json: bool) -> list[str]:
    """Show every alert in a file and give what was refused, a sentence each."""
    try:
        document = read_document(raw)
    except BadInput as error:
        return [f"{file}: {error}"]
    for entry in document.entries:
        if entry.alert is None:
            continue
        if as_json:
            out.tell(_record(file, entry, entry.alert), line=True)
        else:
            _show(file, entry, entry.alert)
    _tell_links(file, document)
    return [f"{_place(file, entry)}: {entry.refused}" for entry in document.entries if entry.refused]


def changes(old: Alert, new: Alert, found: Sequence[Change], *, as_json: bool) -> None:
    """Show what changed from one alert to the next."""
    if as_json:
        told = [{**asdict(change), "says": change.says} for change in found]
        out.tell({"old": _name(old), "new": _name(new), "changes": told})
        return
    out.say(f"old: {_named(old)}")
    out.say(f"new: {_named(new)}")
    if not found:
        out.say("nothing changed that people see")
        return
    table = Table("where", "was", "now")
    for change in found:
        table.add_row(cell(change.where), cell(change.was), cell(change.now))
    out.show(table)


def mended(file: str, entry: Entry) -> None:
    """Tell, beside the answer, what an alert breaks or had to be read leniently for."""
    for one in entry.warnings:
        out.say(f"{_place(file, entry)}: {one.where}: {one.rule}: {one.says}", aside=True)


def _what(one: Verdict) -> str:
    if one.verdict is Judgement.REFUSED:
        return ""
    of = f"CAP {one.version}, " if one.version else ""
    kind = "" if one.kind == "cap" else f"{one.kind}, "
    return f" ({kind}{of}{one.alerts} alert{'' if one.alerts == 1 else 's'})"


def _place(file: str, entry: Entry) -> str:
    return f"{file}: {entry.where}" if entry.where else file


def _record(file: str, entry: Entry, alert: Alert) -> dict[str, object]:
    said = [asdict(one) for one in placed(entry, entry.warnings)]
    around = {"file": file, "where": entry.where} if entry.where else {"file": file}
    return {**to_record(alert), **around, "warnings": said}


def _show(file: str, entry: Entry, alert: Alert) -> None:
    out.say(f"{_place(file, entry)}: {alert.status} {alert.msg_type} {_named(alert)}")
    for info in alert.infos:
        grades = f"{info.urgency}/{info.severity}/{info.certainty}"
        out.say(f"  {info.language}: {_line(info.headline or info.event)} ({_line(info.event)}, {grades})")
        times = (("effective", info.effective), ("onset", info.onset), ("expires", info.expires))
        out.say("    " + ", ".join(f"{name} {time.isoformat() if time else 'not given'}" for name, time in times))
        for area in info.areas[:MOST_FAULTS]:
            out.say(f"    {_line(area.desc)}: {_drawn(area)}")
        if len(info.areas) > MOST_FAULTS:
            out.say(f"    and {len(info.areas) - MOST_FAULTS} more areas")
    for one in placed(entry, entry.warnings)[:MOST_FAULTS]:
        out.say(f"  {one.rule} {one.where}: {one.says}")


def _tell_links(file: str, document: Document) -> None:
    links = [entry for entry in document.entries if entry.alert is None and not entry.refused]
    if links:
        told = ", ".join(entry.link or entry.guid or "no link" for entry in links[:3])
        out.say(f"{file}: {len(links)} entries only lead to alerts, which were not fetched: {told}", aside=True)


def _drawn(area: Area) -> str:
    kinds = (("polygon", area.polygons), ("circle", area.circles), ("geocode", area.geocodes))
    return (
        ", ".join(f"{len(parts)} {kind}{'' if len(parts) == 1 else 's'}" for kind, parts in kinds if parts)
        or "name only"
    )


def _line(text: str) -> str:
    return " ".join(text.split())


def _name(alert: Alert) -> dict[str, str]:
    return {"sender": alert.sender, "identifier": alert.identifier, "sent": alert.sent.isoformat()}


def _named(alert: Alert) -> str:
    return f"{alert.identifier} of {alert.sender}, sent {alert.sent.isoformat()}"
