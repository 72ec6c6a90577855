"""The report of the demonstration, as Markdown, as HTML and for machines; it claims no more than the carriers said."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path

from deploy.demo_timeline import COUNTS, Timeline

GOAL = 3.0  # seconds in which 2,000 residents are to be handed to carriers that do not delay
WORDS = (
    "accepted: the carrier took it. It says nothing of its arrival.",
    "delivered: the carrier later gave a receipt from the handset. Only SMS gives receipts here, so nothing on "
    "Telegram, Mastodon, the page or the radio is ever called delivered.",
    "undelivered: the carrier later said that it gave up (here: phones that are switched off).",
    "unknown: sent, but no reply came; it may or may not have arrived.",
    "Carriers, residents, areas and the warning are made up; the service, its database and the wire formats are real.",
)
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; } th, td { border: 1px solid #999; padding: .2rem .6rem; }
td.n { text-align: right; white-space: nowrap; } .failed { background: #fdd; color: #600; }
"""

Rows = list[tuple[str, ...]]


def write(timeline: Timeline, folder: Path, log: Path) -> None:
    """Write report.md, report.html and timeline.json."""
    if log.exists():
        (folder / "service.log").write_bytes(log.read_bytes())
    (folder / "timeline.json").write_text(json.dumps(timeline.as_dict(), indent=2, ensure_ascii=False) + "\n")
    (folder / "report.md").write_text(_markdown(timeline), encoding="utf-8")
    (folder / "report.html").write_text(_html(timeline), encoding="utf-8")


def verdict(timeline: Timeline) -> str:
    """Say in one sentence whether all that had to happen did."""
    if timeline.failed:
        return f"{len(timeline.failed)} of {len(timeline.checks)} checks failed."
    return f"All {len(timeline.checks)} checks held."


def figures(timeline: Timeline) -> list[str]:
    """Give the figures people ask for first."""
    lines = []
    for one in timeline.rounds:
        addressed = sum(one.channels[name]["audience"] for name in ("sms", "telegram"))
        firsts = ", ".join(f"{name} {one.first_ms(name) or 0:.0f} ms" for name in one.channels)
        lines.append(
            f"{one.stage}: {addressed:,} residents, all accepted {one.seconds():.2f} s after release; first: {firsts}"
        )
        if one.stage == "siaga":
            rest = one.seconds(*(name for name in one.channels if name != "telegram"))
            lines[-1] += f". Without Telegram, whose carrier was made to fail: {rest:.2f} s"
    clean = [one.seconds() for one in timeline.rounds if one.stage != "siaga"]
    if clean:
        held = "met" if max(clean) < GOAL else "missed on this machine"
        lines.append(f"goal for carriers that do not delay, under {GOAL:.0f} s: {held} ({max(clean):.2f} s at most)")
    return lines


def _moments(timeline: Timeline) -> Rows:
    ordered = sorted(timeline.moments, key=lambda moment: -1.0 if moment.at is None else moment.at)
    return [
        ("" if moment.at is None else f"{moment.at:.2f}", moment.stage, moment.channel, moment.says,
         *(str(moment.counts.get(name, "")) for name in COUNTS))
        for moment in ordered
    ]  # fmt: skip


def _rounds(timeline: Timeline) -> Rows:
    return [
        (one.stage, name, f"{one.first_ms(name) or 0:.0f}", f"{one.seconds(name):.2f}",
         *(str(counts[column]) for column in COUNTS))
        for one in timeline.rounds
        for name, counts in one.channels.items()
    ]  # fmt: skip


TIMES = ("s since trigger", "stage", "channel", "what", *COUNTS)
EACH = ("alert", "channel", "first accepted, ms", "all accepted, s", *COUNTS)


def _markdown(timeline: Timeline) -> str:
    checks = [
        f"- [{'x' if one.held else ' '}] {one.says}{'' if one.held else f': {one.detail}'}" for one in timeline.checks
    ]
    parts = [
        "# Flood exercise, end to end",
        verdict(timeline),
        "\n".join(f"- {line}" for line in figures(timeline)),
        "## What the words mean",
        "\n".join(f"- {line}" for line in WORDS),
        "## Each alert on each channel",
        _markdown_table(EACH, _rounds(timeline)),
        "## Timeline",
        _markdown_table(TIMES, _moments(timeline)),
        "## What had to happen",
        "\n".join(checks),
    ]
    return "\n\n".join(parts) + "\n"


def _markdown_table(heads: tuple[str, ...], rows: Rows) -> str:
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in line) + " |" for line in lines
    )


def _html(timeline: Timeline) -> str:
    checks = "".join(
        f"<li{'' if one.held else ' class=failed'}>{'held' if one.held else 'FAILED'}: {escape(one.says)}"
        f"{'' if one.held else escape(': ' + one.detail)}</li>"
        for one in timeline.checks
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Flood exercise</title><style>{STYLE}</style>'
        f"<h1>Flood exercise, end to end</h1><p><strong>{escape(verdict(timeline))}</strong></p>"
        f"{_list(figures(timeline))}<h2>What the words mean</h2>{_list(WORDS)}"
        f"<h2>Each alert on each channel</h2>{_html_table(EACH, _rounds(timeline))}"
        f"<h2>Timeline</h2>{_html_table(TIMES, _moments(timeline))}"
        f"<h2>What had to happen</h2><ul>{checks}</ul></html>\n"
    )


def _list(lines: list[str] | tuple[str, ...]) -> str:
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def _html_table(heads: tuple[str, ...], rows: Rows) -> str:
    top = "".join(f"<th>{escape(head)}</th>" for head in heads)
    return f"<table><tr>{top}</tr>{''.join(map(_html_row, rows))}</table>"


def _html_row(row: tuple[str, ...]) -> str:
    cells = "".join(f"<td{' class=n' if cell.replace('.', '').isdigit() else ''}>{escape(cell)}</td>" for cell in row)
    return f"<tr>{cells}</tr>"
