"""Words made ready for paper: nothing in them that is not to be seen, nothing so long that it leaves the page."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from typing import Any

from channels.print.sheet import Line, Sheet

# Controls but tab and newline; overrides of direction, by which words read otherwise than they were approved;
# what is no character at all.
HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\ufff0-\ufffb\ufffe\uffff\ud800-\udfff]")
LONG = re.compile(r"[^\s\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u1a00-\u1bff\u3000-\ud7ff]{24,}")
AS_IT_IS = frozenset({"outline", "ground", "link", "language", "mode", "severity"})
WHOLE = frozenset({"kit", "identifier", "code", "help_line"})  # to be copied or dialled: no break put in
AT_SIGNS = re.compile(r"[^./?&=_-]{1,20}[./?&=_-]{1,4}|[^./?&=_-]{1,12}|[./?&=_-]{1,12}")
ROOM = "\u200b"  # a line may break here, and nothing is seen


def clean(text: str) -> str:
    """Drop what cannot be printed and compose letters with their marks (NFC), so that fonts have them whole."""
    return unicodedata.normalize("NFC", HIDDEN.sub(" ", text.replace("\r\n", "\n"))).strip()


def breakable(text: str) -> str:
    """Let a word of 24 letters or more break after signs, else every 12; scripts without spaces do it by themselves."""
    return LONG.sub(lambda m: ROOM.join(AT_SIGNS.findall(m[0])), text)


def shortened(text: str, most: int) -> str:
    """Cut at the end of a word so that at most `most` characters stay, and show that it was cut."""
    if len(text) <= most:
        return text
    kept = text[: most - 1]
    return (kept.rsplit(None, 1)[0] if " " in kept[most // 2 :] else kept).rstrip(" ,;:-") + "…"


def stripped(text: str, lacking: str) -> str:
    """Put [?] where characters stand that no font has, so that a reader sees that something is missing."""
    return re.sub(f"[{re.escape(lacking)}]+", "[?]", text) if lacking else text


def lettered(sheet: Sheet, lacking: str = "") -> Sheet:
    """Make every word of a sheet ready for paper; links, shapes and paths stay as they are, what is empty goes."""
    made: dict[str, Any] = {}
    for name in Sheet.__slots__:
        value = getattr(sheet, name)
        if name in WHOLE:
            made[name] = stripped(clean(value), lacking)
        elif name not in AS_IT_IS:
            made[name] = _each(value, lacking)
    return replace(sheet, **made)


def right_to_left(sheet: Sheet) -> bool:
    """Tell by the letters themselves which way the words run: Javanese in Pegon runs as Arabic does."""
    words = "".join((sheet.headline, *sheet.do, *(line.text for line in sheet.script)))
    ways = [unicodedata.bidirectional(c) for c in words]
    return sum(way in ("R", "AL") for way in ways) > ways.count("L")


def isolated(value: Any) -> Any:
    """Set each string apart (Unicode FSI, PDI), so that times and file names keep their order in right-to-left text."""
    match value:
        case str():
            return f"\u2068{value}\u2069" if value else value
        case dict():
            return {key: isolated(each) for key, each in value.items()}
        case list() | tuple():
            return [isolated(each) for each in value]
        case _:
            return value


def letters(sheet: Sheet) -> str:
    """Gather every character that will be printed of a sheet, each once, sorted."""
    found: set[str] = set()
    for name in Sheet.__slots__:
        if name not in {"outline", "ground"}:
            _gather(getattr(sheet, name), found)
    return "".join(sorted(found))


def _each(value: Any, lacking: str) -> Any:
    match value:
        case str():
            return breakable(stripped(clean(value), lacking))
        case Line():
            return Line(text=_each(value.text, lacking), says=tuple(_pair(p, lacking) for p in value.says))
        case (tuple(), *_):
            return tuple(made for p in value if any(made := _pair(p, lacking)))
        case tuple():
            return tuple(made for v in value if (made := _each(v, lacking)) and getattr(made, "text", True))
        case _:
            return value


def _pair(pair: tuple[str, str], lacking: str) -> tuple[str, str]:
    return (_each(pair[0], lacking), _each(pair[1], lacking))


def _gather(value: Any, found: set[str]) -> None:
    if isinstance(value, str):
        found.update(clean(value))
    elif isinstance(value, Line):
        _gather((value.text, value.says), found)
    elif isinstance(value, tuple):
        for each in value:
            _gather(each, found)
