"""RESULTS.md and its chart, from figures; pure but for write()."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime
from html import escape
from pathlib import Path

from tests.bench.figures import KEYS, Figure

FOLDER = Path(__file__).parent
KNOWN = frozenset(KEYS)
HEADER = "| bench | what | ours | unit | peer | peer's | ratio | goal | met | spread |"
ROW, TOP, LEFT, WIDE, RIGHT = 26, 44, 420, 380, 400  # of the chart, in pixels
STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #24292f }
  .faint { fill: #57606a }
  .grid { stroke: #d0d7de }
  .ours { fill: #1f6feb }
  .missed { fill: #cf222e }
  .goal { stroke: #9a6700; stroke-width: 2.5 }
  .paper { fill: #ffffff }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .faint { fill: #9198a1 }
    .grid { stroke: #3d444d }
    .ours { fill: #4493f8 }
    .missed { fill: #f85149 }
    .goal { stroke: #d29922 }
    .paper { fill: #0d1117 }
  }
"""


def table(figures: Sequence[Figure]) -> str:
    """Give the figures as one Markdown table, a row each, none left out."""
    lines = [HEADER, "|" + "---|" * (HEADER.count("|") - 1)]
    for f in figures:
        cells = (
            f.bench, f.what or f.unit, number(f.figure), f.unit, f.peer or "-", number(f.peer_figure),
            number(f.ratio), goal(f), verdict(f), "-" if f.spread is None else " to ".join(map(number, f.spread)),
        )  # fmt: skip
        lines.append("| " + " | ".join(cell.replace("|", "/").replace("\n", " ") for cell in cells) + " |")
    return "\n".join(lines)


def number(value: float | None) -> str:
    """Give a figure as people write it: thousands apart, no tail of zeros."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def goal(f: Figure) -> str:
    """Say the goal with its direction, and of what it is."""
    if f.goal is None:
        return "-"
    return f"{f.sense} {number(f.goal)}{'x' if f.goal_of == 'ratio' else ''}"


def verdict(f: Figure) -> str:
    """Say whether the goal was met; nothing where there is none."""
    return {True: "yes", False: "**no**", None: "-"}[f.met]


def page(figures: Sequence[Figure], at: datetime, absent: Sequence[str] = ()) -> str:
    """Give RESULTS.md: when, on what, the table, the chart, and each round of each pair."""
    lines = ["# Results of the benchmarks", "", f"Measured {at:%Y-%m-%d %H:%M} UTC by `python -m tests.bench all`.", ""]
    lines += [f"- {name}: {value}" for name, value in (figures[0].machine if figures else {}).items()]
    lines += ["", table(figures), "", "![Ours beside each peer, with the goals](results.svg)", ""]
    lines += [
        "Ratio: ours to the peer's, the median of pairs measured back to back; spread: the least and the most.",
        "",
    ]
    if absent:
        lines += [f"Not there: {', '.join(absent)}.", ""]
    lines += ["## What stands behind each", ""]
    for f in figures:
        facts = "; ".join(f"{name}: {value}" for name, value in f.more.items())
        lines.append(f"- **{f.bench}**, {f.what or f.unit}{': ' + facts if facts else ''}")
    return "\n".join(lines) + "\n"


def chart(figures: Sequence[Figure]) -> str:
    """Give the ratios as bars on a log scale, each with its goal as a tick; SVG text, light and dark."""
    shown = [f for f in figures if f.ratio is not None and f.ratio > 0]
    values = [x for f in shown for x in (f.ratio, f.goal if f.goal_of == "ratio" else None) if x]
    low = min(-1, math.floor(math.log10(min(values, default=1))))
    high = max(1, math.ceil(math.log10(max(values, default=1))))

    def x(value: float) -> float:
        return LEFT + WIDE * (math.log10(value) - low) / (high - low)

    height, width = TOP + ROW * len(shown) + 24, LEFT + WIDE + RIGHT
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">']
    parts += [f"<title>Ours to the peer's, log scale</title><style>{STYLE}</style>"]
    parts += [f'<rect class="paper" width="{width}" height="{height}"/>']
    parts += ['<text x="12" y="18">Ours to the peer&#8217;s (log scale); the upright tick is the goal</text>']
    for power in range(low, high + 1):
        at = x(10.0**power)
        parts += [f'<line class="grid" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP - 8}" y2="{height - 22}"/>']
        parts += [f'<text class="faint" x="{at:.1f}" y="{height - 8}" text-anchor="middle">{10.0**power:g}x</text>']
    for n, f in enumerate(shown):
        parts += _bar(f, TOP + ROW * n, x)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _bar(f: Figure, y: float, x: Callable[[float], float]) -> list[str]:
    assert f.ratio is not None
    start, end = sorted((x(1.0), x(f.ratio)))
    kind = "missed" if f.met is False else "ours"
    name = f"{f.bench}: {f.what or f.unit}"
    parts = [
        f'<text x="{LEFT - 10}" y="{y + 14}" text-anchor="end">{escape(_cut(name, 58))}</text>',
        f'<rect class="{kind}" x="{start:.1f}" y="{y + 2}" width="{max(end - start, 2):.1f}" height="16" rx="2"/>',
    ]
    label = end
    if f.goal and f.goal_of == "ratio":
        at = x(f.goal)
        parts.append(f'<line class="goal" x1="{at:.1f}" x2="{at:.1f}" y1="{y - 1}" y2="{y + 21}"/>')
        label = max(end, at)
    told = f"{number(f.ratio)}x {(f.peer or '').partition(', ')[0]}"
    told = _cut(told, 44) + f": {number(f.figure)}" + (f", goal {goal(f)}" if f.goal is not None else "")
    parts.append(f'<text x="{label + 6:.1f}" y="{y + 14}">{escape(told)}</text>')
    return parts


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 2].rstrip(" ,:(") + " \N{HORIZONTAL ELLIPSIS}"


def write(figures: Sequence[Figure], at: datetime, absent: Sequence[str] = (), folder: Path = FOLDER) -> None:
    """Write RESULTS.md and results.svg beside the benches."""
    (folder / "RESULTS.md").write_text(page(figures, at, absent), encoding="utf-8")
    (folder / "results.svg").write_text(chart(figures), encoding="utf-8")


def plain(figures: Sequence[Figure]) -> str:
    """Give the figures for a terminal, each with its rounds."""
    lines = []
    for f in figures:
        lines.append(f"{f.bench}  {f.what or f.unit}")
        lines.append(f"    ours {number(f.figure)} {f.unit}; {f.peer or 'no peer'} {number(f.peer_figure)}")
        spread = "" if f.spread is None else f" ({number(f.spread[0])} to {number(f.spread[1])})"
        lines.append(f"    ratio {number(f.ratio)}{spread}; goal {goal(f)}; met: {verdict(f).strip('*')}")
        lines += [f"    {name}: {value}" for name, value in f.more.items()]
    return "\n".join(lines)
