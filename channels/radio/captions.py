"""Writes captions (WebVTT) of a programme: each line of the script while it is heard, in both readings."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

WIDTH, ROWS = 42, 2  # as broadcasters' captions are laid out
SHORTEST = 0.1  # seconds; a cue must end after it starts


def webvtt(lines: Sequence[str], spans: Sequence[tuple[float, float]], starts: Sequence[float], language: str) -> str:
    """Return a WebVTT file (W3C) of lines heard at `spans`, seconds after each of `starts`.

    A line too long for two rows is shown in parts, each as long as its share of the letters.
    ValueError when there are not as many spans as lines.
    """
    cues = [
        cue
        for start in starts
        for line, span in zip(lines, spans, strict=True)
        for cue in _cues(line, start + span[0], start + span[1])
    ]
    head = f"WEBVTT\n\nNOTE\nLanguage: {' '.join(_escaped(language).split())}\n"
    return "\n".join([head, *(f"{number}\n{cue}\n" for number, cue in enumerate(cues, 1))])


def _cues(line: str, start: float, end: float) -> list[str]:
    rows = wrap(" ".join(line.split()), WIDTH)
    pages = [rows[at : at + ROWS] for at in range(0, len(rows), ROWS)]
    letters = sum(map(len, rows))
    start, end = max(start, 0.0), max(end, start + SHORTEST, SHORTEST)
    shown, found = start, []
    for page in pages:
        until = shown + (end - start) * sum(map(len, page)) / letters
        found.append(f"{_clock(shown)} --> {_clock(until)}\n" + "\n".join(map(_escaped, page)))
        shown = until
    return found


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _clock(seconds: float) -> str:
    thousandths = round(seconds * 1000)
    return (
        f"{thousandths // 3_600_000:02d}:{thousandths // 60_000 % 60:02d}"
        f":{thousandths // 1000 % 60:02d}.{thousandths % 1000:03d}"
    )
