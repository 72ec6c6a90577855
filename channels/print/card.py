"""What the alert card shows beside its words: the map at three heights, and the text for who cannot see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from channels.print import map as atlas
from channels.print.labels import labels
from channels.print.lettering import ROOM, shortened
from channels.print.look import ENDED
from channels.print.sheet import Sheet

WIDTH = 992  # of 1080 pixels, less the margins
HEIGHTS = (620, 480, 380, 290)  # the tallest that leaves room for the words is shown
MOST = {"headline": 220, "area": 180, "hazard": 60, "agency": 80}  # never a number or a time
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
    lacks: list[str] = []
    for ground in dict.fromkeys((sheet.ground, "")):
        try:
            return _drawn(sheet, ground, words), lacks
        except Exception as error:  # any shape of a stranger's file; a card without a map is better than none
            why = str(error) if isinstance(error, atlas.NoOutline) else type(error).__name__
            if ground:
                lacks = [words["lacks_ground"].format(path=Path(ground).name, why=why)]
            else:
                lacks = [words["lacks_map"].format(why=why)]
    return [], lacks


def _drawn(sheet: Sheet, ground: str, words: Mapping[str, str]) -> list[dict[str, Any]]:
    area = atlas.area(sheet.outline)
    ink = ENDED.ground if sheet.ends else atlas.RED
    shown = []
    for height in HEIGHTS:
        made = atlas.drawn(area, ground, width=WIDTH, height=height, north=words["north"], ink=ink)
        wide, tall = (f"{km:.0f}" if km >= 10 else f"{km:.1f}" for km in (made.width_km, made.height_km))
        told = words["map_alt"].format(width=wide, height=tall, area=sheet.area.replace(ROOM, ""))
        shown.append({"svg": made.svg, "height": height, "alt": told})
    return shown


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
