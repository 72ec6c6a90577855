"""What the alert card shows beside its words: the map at three heights, and the text for who cannot see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from channels.print import map as atlas
from channels.print.labels import labels
from channels.print.lettering import ROOM, shortened
from channels.print.look import ENDED
from channels.print.sheet import Sheet

WIDTH = 992  # of 1080 pixels, less the margins
HEIGHTS = (620, 480, 380, 290)  # the tallest that leaves room for the words is shown
MOST = {"headline": 220, "area": 180, "hazard": 60, "help_line": 40, "agency": 80, "until": 60}
MOST_ADVICE = 200


def short_enough(sheet: Sheet) -> tuple[Sheet, bool]:
    """Cut what no picture can hold, each at the end of a word, and tell whether anything was cut."""
    cut: dict[str, Any] = {name: shortened(getattr(sheet, name), most) for name, most in MOST.items()}
    cut["do"] = tuple(shortened(line, MOST_ADVICE) for line in sheet.do)
    made = replace(sheet, **cut)
    return made, made != sheet


def maps(sheet: Sheet) -> tuple[list[dict[str, Any]], list[str]]:
    """Draw the outline at each height, and say in sentences what could not be drawn; without an outline nothing."""
    if not sheet.outline:
        return [], []
    words = labels(sheet.language)[1]
    try:
        area = atlas.area(sheet.outline)
    except atlas.NoOutline as error:
        return [], [words["lacks_map"].format(why=error)]
    try:
        return [_shown(sheet, area, sheet.ground, height, words) for height in HEIGHTS], []
    except (OSError, ValueError, TypeError, AttributeError) as error:
        lacks = words["lacks_ground"].format(path=sheet.ground, why=type(error).__name__)
        return [_shown(sheet, area, "", height, words) for height in HEIGHTS], [lacks]


def _shown(sheet: Sheet, area: Any, ground: str, height: int, words: Mapping[str, str]) -> dict[str, Any]:
    made = atlas.drawn(area, ground, width=WIDTH, height=height, north=words["north"], ink=ENDED.ground if sheet.ends else atlas.RED)
    wide, tall = (f"{km:.0f}" if km >= 10 else f"{km:.1f}" for km in (made.width_km, made.height_km))
    return {
        "svg": made.svg,
        "height": height,
        "alt": words["map_alt"].format(width=wide, height=tall, area=sheet.area.replace(ROOM, "")),
    }


def alt(sheet: Sheet, mark: str, picture: str) -> str:
    """Tell the card in words, all of them, in the order they stand on it; `picture` describes its map."""
    words = labels(sheet.language)[1]
    says = words.get(f"{sheet.mode}_says", "")
    level = words["ends"] if sheet.ends else words.get(sheet.severity, "")
    lines = [f"{mark}. {says}" if mark else "", ". ".join(filter(None, (sheet.hazard, level))), sheet.headline]
    lines += [_told(words["where"], sheet.area), "" if sheet.ends else _told(words["until"], sheet.until)]
    lines += _listed(words["do"], sheet.do) + _listed(words["dont"], sheet.dont)
    lines += [_told(words["help"], sheet.help_line), picture, _told(words["scan"], sheet.link)]
    lines += [" · ".join(filter(None, (sheet.agency, sheet.sent)))]
    return "\n".join(line for line in lines if line).replace(ROOM, "") + "\n"


def _told(label: str, words: str) -> str:
    return f"{label}: {words}" if words else ""


def _listed(label: str, lines: tuple[str, ...]) -> list[str]:
    return [f"{label}:", *(f"{n}. {line}" for n, line in enumerate(lines, 1))] if lines else []
