"""Reads a script as an announcer would and remarks what will make him stumble, or leave listeners in doubt."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from channels.radio.contacts import BARE, LINK, MAIL, PHONE
from channels.radio.remarks import SAYINGS, SIGNS, Signs
from channels.radio.script import Line, Part, Script
from channels.radio.shortenings import SHORTENINGS, TOKEN
from channels.radio.spoken import spoken

LONGEST, MOST_NUMBERS, MOST_SECONDS = 15, 2, 90  # words a sentence, numbers a sentence, seconds read once
SPEED = {"id": 5.0, "en": 4.0}  # syllables a second: 120 and 150 words a minute of bulletins
ORDER = tuple(part for part in Part if part not in (Part.MODE, Part.WORDS))
SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[^\W\d_]|\d)|\n+")
DATE = re.compile(r"\b\d{1,2}(?:[ /-](?:[A-Z][a-z]{2,9}|\d{1,2})(?:[ /-]\d{2,4})?)\b|\b\d{4}-\d\d-\d\d\b")
CLOCK = re.compile(r"\b(?:[01]?\d|2[0-4])[.:][0-5]\d\b")
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
UNBROKEN = re.compile(r"(?<![\d.,])\d{7,}")
BRACKET = re.compile(r"[()\[\]{}]")
SYLLABLE_ID = re.compile(r"[aou]i\b|au\b|[aiueoAIUEO]|\b[^\W\daiueoAIUEO_]\b")
SYLLABLE_EN = re.compile(r"[aeiouy]+(?!\b)|(?:[aiouy]|ee|le)\b|\b(?:the|be|he|me|we|she)\b|\b\w\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One thing to look at before it is read; `line` counts from 1, 0 is the whole script. It never blocks."""

    rule: str  # a stable code: sentence-long
    line: int
    says: str  # in the officer's language: what is wrong, and what to do


Found = Iterator[tuple[str, int, dict[str, object]]]


def lint(script: Script, *, officer: str = "") -> tuple[Remark, ...]:
    """Give the remarks on a script, by line; said in the `officer`'s language, else the script's, else Indonesian."""
    language = script.language.lower().partition("-")[0]
    says = SAYINGS.get(officer.lower().partition("-")[0] or language, SAYINGS["id"])
    signs = SIGNS.get(language)
    found = [*_of_lines(script, language), *(_of_whole(script, signs) if signs else ())]
    remarks = (Remark(rule=rule, line=line, says=says[rule].format(**facts)) for rule, line, facts in found)
    return tuple(sorted(remarks, key=lambda remark: remark.line))


def remarks_of(text: str, language: str) -> tuple[Remark, ...]:
    """Give the remarks on one line by itself: only what needs no other line."""
    script = Script(language=language, mode="Actual", lines=(Line(text=text),))
    says = SAYINGS.get(language.lower().partition("-")[0], SAYINGS["id"])
    return tuple(
        Remark(rule=rule, line=line, says=says[rule].format(**facts))
        for rule, line, facts in _of_lines(script, language.lower().partition("-")[0])
    )


def seconds(lines: str, language: str) -> float:
    """Tell how long one reading of spoken words takes, in seconds, by their syllables; KeyError as for spoken()."""
    primary = language.lower().partition("-")[0]
    syllables = SYLLABLE_EN if primary == "en" else SYLLABLE_ID
    return round(sum(1 for _ in syllables.finditer(lines)) / SPEED[primary], 1)


def _of_lines(script: Script, language: str) -> Found:
    for number, line in enumerate(script.lines, 1):
        for sentence in SENTENCE.split(line.text):
            for rule, facts in _of_sentence(sentence, language):
                yield rule, number, facts


def _of_sentence(sentence: str, language: str) -> Iterator[tuple[str, dict[str, object]]]:
    words = len(sentence.split())
    if words > LONGEST:
        yield "sentence-long", {"words": words, "most": LONGEST}
    if (count := _numbers(sentence)) > MOST_NUMBERS:
        yield "numbers-many", {"count": count, "most": MOST_NUMBERS}
    if BRACKET.search(sentence):
        yield "brackets", {}
    if address := MAIL.search(sentence) or LINK.search(sentence) or BARE.search(sentence):
        yield "address", {"what": address[0][:60]}
    if unbroken := UNBROKEN.search(sentence):
        yield "digits-unbroken", {"what": unbroken[0][:20]}
    if signs := SIGNS.get(language):
        yield from _of_signs(sentence, language, signs)


def _of_signs(sentence: str, language: str, signs: Signs) -> Iterator[tuple[str, dict[str, object]]]:
    for token in TOKEN.finditer(sentence):
        key = token[0].lower()
        forms = SHORTENINGS[language].forms
        if (key.endswith(".") and (key in forms or key[:-1] in forms)) or key in signs.short:
            yield "abbreviation", {"what": token[0], "full": forms.get(key) or forms.get(key[:-1], "")}
    if CLOCK.search(sentence) and signs.clock.search(sentence) and not signs.zone.search(sentence):
        yield "clock-zone", {}
    if place := signs.relative.search(sentence):
        yield "place-relative", {"what": place[0]}


def _numbers(sentence: str) -> int:
    """Count numbers as a listener does: a date, a time, a telephone number are one each."""
    for pattern in (LINK, MAIL, PHONE, DATE, CLOCK):
        sentence = pattern.sub(" 1 ", sentence)
    return sum(1 for _ in NUMBER.finditer(sentence))


def _of_whole(script: Script, signs: Signs) -> Found:
    parts = {line.part for line in script.lines}
    text = script.text
    missing: tuple[tuple[str, Part, Callable[[str], object]], ...] = (
        ("source-missing", Part.SOURCE, signs.source.search),
        ("help-missing", Part.HELP, signs.help.search),
        ("end-missing", Part.END, signs.end.search),
    )
    for rule, part, found in missing:
        if part not in parts and not found(text):
            yield rule, 0, {}
    if Part.UNTIL not in parts and not signs.until.search(text) and not signs.over.search(text):
        yield "expiry-missing", 0, {}
    yield from _of_mode(script, signs)
    yield from _of_order(script)
    yield from _of_rumour(script, signs)
    took = seconds(spoken(text, script.language), script.language)
    if took > MOST_SECONDS:
        yield "too-long", 0, {"seconds": round(took), "most": MOST_SECONDS}


def _of_mode(script: Script, signs: Signs) -> Found:
    if script.mode == "Actual" or not script.lines:
        return
    said = [line.part is Part.MODE or bool(signs.mode.search(line.text)) for line in script.lines]
    if not said[0]:
        yield "mode-missing", 1, {}
    if not any(said[-2:]) or (len(said) == 1 and not said[0]):
        yield "mode-missing-last", len(said), {}


def _of_order(script: Script) -> Found:
    latest = -1
    for number, line in enumerate(script.lines, 1):
        if line.part not in ORDER:
            continue
        rank = ORDER.index(line.part)
        if rank < latest:
            yield "order", number, {"part": line.part.value, "before": ORDER[latest].value}
        latest = max(latest, rank)


def _of_rumour(script: Script, signs: Signs) -> Found:
    """A correction says first what is true: whoever hears only the beginning must not hear the rumour."""
    for number, line in enumerate(script.lines, 1):
        if line.part in (Part.MODE, Part.SOURCE) or signs.source.search(line.text):
            continue
        if signs.rumour.search(SENTENCE.split(line.text)[0]):
            yield "rumour-first", number, {}
        return
