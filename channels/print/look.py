"""The colours of paper and card: each pair of ground and ink reads at 7:1 or more (WCAG 2.2, 1.4.6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from channels.print.sheet import Sheet


@dataclass(frozen=True, slots=True, kw_only=True)
class Ink:
    """What is written on what, as #rrggbb."""

    ground: str
    ink: str


WATERMARK = "#ebebeb"  # letters are read on top of it
SEVERITY: Mapping[str, Ink] = MappingProxyType(
    {
        "Extreme": Ink(ground="#5c0a4a", ink="#ffffff"),
        "Severe": Ink(ground="#9c0000", ink="#ffffff"),
        "Moderate": Ink(ground="#ffb000", ink="#000000"),
        "Minor": Ink(ground="#ffe680", ink="#000000"),
        "Unknown": Ink(ground="#e6e6e6", ink="#000000"),
    }
)
ENDED = Ink(ground="#0a5520", ink="#ffffff")
MODE = Ink(ground="#00357a", ink="#ffffff")
BODY = Ink(ground=WATERMARK, ink="#000000")
QUIET = Ink(ground=WATERMARK, ink="#3c3c3c")  # footers, respelt names
FORBID = Ink(ground=WATERMARK, ink="#8b0000")
EVERY = (*SEVERITY.values(), ENDED, MODE, BODY, QUIET, FORBID)


def band(sheet: Sheet) -> Ink:
    """Choose the colours of the band on top: what has ended never looks like a danger."""
    return ENDED if sheet.ends else SEVERITY.get(sheet.severity, SEVERITY["Unknown"])


def contrast(pair: Ink) -> float:
    """Work out the contrast ratio of WCAG 2.2: 1 is nothing, 21 black on white."""
    light, dark = sorted((_luminance(pair.ground), _luminance(pair.ink)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
