"""What is read aloud: an officer's approved words with what a bulletin must say around them, or CAP's facts in order.

Approved words are never changed, only framed: what they say already is not said again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from channels.contract import About
from channels.radio.frames import Frame, frame

PLACES_A_BREATH = 5  # names an announcer reads in one sentence
TOLD_WORDS = 45  # of a description: more is for paper, a listener hears it once
WIDE = 45  # characters of a line that was broken to a width
LOUDSPEAKER_WORDS = 52  # half a minute out of doors, where words must be slow

SENTENCE_END = re.compile(
    r"(?<=[.!?])(?<!\bJl\.)(?<!\bNo\.)(?<!\bKec\.)(?<!\bKel\.)(?<!\bKab\.)(?<!\bSt\.)\s+(?=[A-Z0-9\"“(*])|\n"
)


class Part(StrEnum):
    """What a line of a script says; a script of ours goes in this order."""

    MODE = "mode"  # an exercise or a test: first and last
    SOURCE = "source"  # who says it
    HAZARD = "hazard"
    WHERE = "where"
    WHEN = "when"
    WORDS = "words"  # an officer's approved words, which may say all of these in their own order
    DO = "do"
    GO = "go"  # where to go
    DONT = "dont"
    HELP = "help"  # the number to call
    NEXT = "next"  # the next bulletin
    UNTIL = "until"  # when it ends
    END = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One sentence, or few, read in one breath: as it is written, not yet as it is said."""

    text: str
    part: Part = Part.WORDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What is read aloud, once; it is read twice on air."""

    language: str
    mode: str  # Actual, Exercise or Test
    lines: tuple[Line, ...]

    @property
    def text(self) -> str:
        return "\n".join(line.text for line in self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a script is made of."""

    language: str
    mode: str
    words: str  # approved for the radio; empty: the facts are told in order
    headline: str
    title: str  # who speaks
    zone: str  # the clock on the office's wall
    office_language: str
    expires: datetime | None = None
    replaces: bool = False
    ends: bool = False
    about: About = field(default_factory=About)


def compose(told: Told) -> Script:
    """Make the script of a bulletin: who says it, what, where, when, what to do, number, next, until when, end."""
    words = frame(told.language, told.office_language)
    lines = _approved(told, words) if told.words.strip() else _facts(told, words)
    return _script(told, lines, words)


def loudspeaker(told: Told) -> Script:
    """Make half a minute for a mosque or a village head: what, what to do, until when; whole sentences only."""
    words = frame(told.language, told.office_language)
    about, spare = told.about, LOUDSPEAKER_WORDS
    lines = [Line(text=words.issued.format(title=about.agency or told.title), part=Part.SOURCE)]
    lines.append(Line(text=_stopped(_unmarked(told.headline or about.hazard, told.mode, words)), part=Part.HAZARD))
    closing = [line for line in (_help(told, words), _until(told, words)) if line]
    spare -= sum(len(line.text.split()) for line in (*lines, *closing))
    advice = about.do or tuple(line.text for line in _instructed(told, words))
    for sentence in advice:
        spare -= len(sentence.split())
        if spare < 0:
            break
        lines.append(Line(text=_stopped(sentence), part=Part.DO))
    lines += [*closing, Line(text=words.end, part=Part.END)]
    return _script(told, lines, words)


def _script(told: Told, lines: Sequence[Line], words: Frame) -> Script:
    """Say the mode first and last; words that an officer approved are marked already, and not marked twice."""
    if told.mode != "Actual" and lines[0].part is not Part.MODE:
        mode = Line(text=words.modes.get(told.mode, f"{told.mode}."), part=Part.MODE)
        lines = [mode, *lines[:-1], mode, lines[-1]]
    return Script(language=told.language, mode=told.mode, lines=tuple(lines))


def _unmarked(headline: str, mode: str, words: Frame) -> str:
    """Take a mode's written mark off a headline: the mode is said in a sentence of its own."""
    word = words.mode_words.get(mode, "")
    return re.sub(rf"^\s*{word}:\s*|\s+{word}\s*$", "", headline, flags=re.IGNORECASE) if word else headline


def _approved(told: Told, words: Frame) -> list[Line]:
    """Put around approved words what they do not say; the marks of a drill that they bear stay outermost."""
    lines = [Line(text=text.strip()) for text in told.words.splitlines() if text.strip()]
    word = words.mode_words.get(told.mode, told.mode).lower()
    marked = told.mode != "Actual" and len(lines) > 2 and lines[0].text.lower().startswith(word)
    if not marked:
        return _framed(told, words, lines)
    first, *inner, last = lines
    return [replace(first, part=Part.MODE), *_framed(told, words, inner), replace(last, part=Part.MODE)]


def _framed(told: Told, words: Frame, lines: list[Line]) -> list[Line]:
    title = re.escape(told.title.lower())
    said = told.words.lower()
    opening = re.split(r"[.!?]", lines[0].text.lower(), maxsplit=1)[0]
    if not re.search(title, opening) and not re.search(rf"\b(?:resmi|official)\b[^.\n]*\s{title}", said):
        lines.insert(0, Line(text=words.issued.format(title=told.title), part=Part.SOURCE))
    until = _until(told, words)
    if until and not _times(until.text) & _times(told.words):
        lines.append(until)
    closed = any(line.text.lower().startswith(words.ends) for line in lines[-3:])
    return lines if closed else [*lines, Line(text=words.end, part=Part.END)]


def _facts(told: Told, words: Frame) -> list[Line]:
    about = told.about
    lines = [Line(text=words.issued.format(title=about.agency or told.title), part=Part.SOURCE)]
    if told.ends or told.replaces:
        lines.append(Line(text=words.ended if told.ends else words.updated, part=Part.HAZARD))
    lines += [Line(text=_stopped(text), part=Part.HAZARD) for text in _hazard(told)]
    lines += _where(about.area, words)
    if about.onset and not told.ends:
        lines.append(Line(text=moment(words.since, words, about.onset, told.zone), part=Part.WHEN))
    lines += _instructed(told, words)
    more = (_help(told, words), _contact(about, words), _next(told, words), _until(told, words))
    return [*lines, *filter(None, more), Line(text=words.end, part=Part.END)]


def _hazard(told: Told) -> Iterator[str]:
    """Say the headline, or what CAP calls the event, then as much of the description as a listener can take in."""
    yield _unmarked(told.headline or told.about.hazard, told.mode, frame(told.language, told.office_language))
    spare = TOLD_WORDS
    for sentence in sentences(told.about.description):
        spare -= len(sentence.split())
        if spare < 0:
            return
        yield sentence


def _where(area: str, words: Frame) -> list[Line]:
    names = [name.strip(" .") for name in re.split(r"[;,\n]", area) if name.strip(" .")]
    lines = []
    for start in range(0, len(names), PLACES_A_BREATH):
        group = names[start : start + PLACES_A_BREATH]
        places = words.last_join.join(filter(None, (", ".join(group[:-1]), group[-1])))
        pattern = words.and_also if start else words.where
        lines.append(Line(text=pattern.format(places=places), part=Part.WHERE))
    return lines


def _instructed(told: Told, words: Frame) -> list[Line]:
    """Keep the order in which the source gave them: a step left out of order can harm."""
    return [
        Line(text=_stopped(text), part=Part.DONT if text.lower().startswith(words.negative) else Part.DO)
        for advice in (*told.about.do, *told.about.dont)
        for text in sentences(advice)
    ]


def _help(told: Told, words: Frame) -> Line | None:
    number = told.about.help_line
    return Line(text=words.help.format(help=number), part=Part.HELP) if number and not told.ends else None


def _contact(about: About, words: Frame) -> Line | None:
    speakable = sum(letter.isdigit() for letter in about.contact) >= 3 and len(about.contact) <= 80
    return Line(text=words.contact.format(contact=about.contact.strip(" .")), part=Part.HELP) if speakable else None


def _next(told: Told, words: Frame) -> Line | None:
    at = told.about.next_update
    return Line(text=moment(words.next, words, at, told.zone), part=Part.NEXT) if at and not told.ends else None


def _until(told: Told, words: Frame) -> Line | None:
    if told.ends or told.expires is None:
        return None
    return Line(text=moment(words.until, words, told.expires, told.zone), part=Part.UNTIL)


def _times(text: str) -> set[str]:
    return {found.replace(":", ".") for found in re.findall(r"\b\d{1,2}[.:]\d{2}\b", text)}


def sentences(text: str) -> list[str]:
    """Split prose into sentences; abbreviations such as Jl. and No., decimals, and lines broken to a width end none."""
    flat = "\n".join(_unbroken(re.sub(r"\s*(?:\.{3,}|…)\s*", " … ", text).splitlines()))
    found = (part.replace(" … ", ", ").strip(" *•-…\t") for part in SENTENCE_END.split(flat))
    return [part for part in found if part.strip(" .")]


def _unbroken(lines: Sequence[str]) -> Iterator[str]:
    """Join lines that were broken to a width: the former one is long or stops in mid-sentence, and no list begins."""
    held = ""
    for line in (line.strip() for line in lines):
        listed = re.match(r"[*•-]\s", line)
        wide = (len(held) >= WIDE or held.endswith("…")) and not held.endswith((".", "!", "?", ":"))
        if held and line and not listed and (wide or line[0].islower()):
            held = f"{held} {line}"
            continue
        yield held
        held = line
    yield held


def _stopped(text: str) -> str:
    flat = re.sub(r"\s+", " ", text).strip()
    return flat if flat.endswith((".", "!", "?")) else f"{flat}."


def moment(pattern: str, words: Frame, at: datetime, zone: str) -> str:
    """Fill clock, zone and date of a pattern, as they are on the office's wall."""
    local = at.astimezone(ZoneInfo(zone))
    date = f"{local.day} {words.months[local.month - 1]} {local.year}"
    name = local.tzname() or ""
    named = f"UTC{name}" if name[:1] in "+-" else name  # a zone without letters of its own
    return pattern.format(clock=local.strftime(words.clock), zone=named, date=date)
