"""The words of an alert: a playbook's text filled with slots and facts, marked for its mode, fitted whole."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from channels.contract import Limit
from crisis.errors import BadInput, Fault, NotFound
from crisis.model.code import spaced
from crisis.model.phrases import drill_denial, short_time, tongue
from crisis.model.playbook_shape import ChoiceSlot, Playbook, WordsText
from crisis.model.slots import Value, line_fault, needed, plain
from crisis.model.template import fill

BUILT_INS = frozenset(
    {
        "agency", "area", "sent", "sent_short", "until", "until_short", "next_update", "next_update_short",
        "level", "source", "number", "reason", "link", "help_line",
    }
)  # fmt: skip

MORE = re.compile(r"(?<=[^\W\d_]) \+(\d{1,2})$")  # of a list of names that had no room for all


class Purpose(StrEnum):
    """What an alert is in its chain."""

    ALERT = "alert"  # the first
    UPDATE = "update"  # the level's words again, with what is new
    CORRECTION = "correction"  # what we said was wrong; this is right
    CANCEL = "cancel"  # it does not hold; take no action
    ALL_CLEAR = "all_clear"  # it is over, with the evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What one language says of one alert; `marker` is set once mark() has been applied."""

    language: str
    headline: str
    short: str
    long: str
    radio: str
    do: tuple[str, ...] = ()
    dont: tuple[str, ...] = ()
    marker: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the service knows and words may name; times are aware and are written in `zone`."""

    agency: str
    area: Mapping[str, str] | str
    sent: datetime
    until: datetime
    next_update: datetime | None
    source: str
    zone: ZoneInfo
    level: str = ""  # overrides the level's title where set
    number: int = 0  # of the update, counted from 1
    reason: Mapping[str, str] | str = ""  # of a correction, cancel or all-clear
    link: str = ""
    help_line: str = "112"
    code: str = ""  # by which a resident can check that the notice is ours
    check: str = ""  # where


def render(
    playbook: Playbook, purpose: Purpose, level: str, slots: Mapping[str, Value], facts: Facts
) -> dict[str, Words]:
    """Fill the words of every language, unmarked; BadInput names each slot or fact that is missing.

    `slots` are parsed values (slots.parse). NotFound if the playbook has no such level.
    """
    if level not in playbook.levels:
        raise NotFound(f"playbook {playbook.playbook} has no level {level!r}; it has {', '.join(playbook.levels)}")
    faults = _missing(purpose, playbook, level, slots, facts)
    if faults:
        raise BadInput(faults)
    return {
        language: _coded(_said(text, language, purpose, context(playbook, language, level, slots, facts)), facts)
        for language, text in _texts(playbook, purpose, level).items()
    }


def _texts(playbook: Playbook, purpose: Purpose, level: str) -> Mapping[str, WordsText]:
    match purpose:
        case Purpose.ALERT | Purpose.UPDATE:
            return playbook.levels[level].words
        case Purpose.CORRECTION:
            return playbook.correction.words
        case Purpose.CANCEL:
            return playbook.cancel.words
        case Purpose.ALL_CLEAR:
            return playbook.all_clear.words


def _missing(purpose: Purpose, playbook: Playbook, level: str, slots: Mapping[str, Value], facts: Facts) -> list[Fault]:
    asked = needed(playbook, level)
    faults = [
        Fault(file="slots", field=name, says=f"has no value; fill it in, for example {playbook.slots[name].example}")
        for name in playbook.slots
        if name in asked and slots.get(name) is None
    ]
    if facts.next_update is None and purpose in (Purpose.ALERT, Purpose.UPDATE, Purpose.CORRECTION):
        faults.append(Fault(file="facts", field="next_update", says="is missing; say when the next update comes"))
    if purpose in (Purpose.CORRECTION, Purpose.CANCEL, Purpose.ALL_CLEAR):
        faults += _reason_faults(facts.reason)
    return faults


def _reason_faults(reason: Mapping[str, str] | str) -> list[Fault]:
    faults = []
    for text in [reason] if isinstance(reason, str) else reason.values() or [""]:
        says = line_fault(plain(text), allow_links=False)
        if denial := drill_denial(text):
            says = f"may not say {denial!r}"
        if says:
            faults.append(Fault(file="facts", field="reason", says=says))
    return faults


def context(
    playbook: Playbook, language: str, level: str, slots: Mapping[str, Value], facts: Facts
) -> dict[str, object]:
    """Give everything a template of this playbook may name, in the terms of one language."""
    sent, until, following = (_local(t, facts.zone) for t in (facts.sent, facts.until, facts.next_update))
    values: dict[str, object] = {
        "agency": facts.agency,
        "area": _in(facts.area, language),
        "level": facts.level or _in(playbook.levels[level].title, language),
        "source": facts.source,
        "number": facts.number,
        "reason": plain(_in(facts.reason, language)).rstrip(". "),
        "link": facts.link,
        "help_line": facts.help_line,
        "sent": sent,
        "until": until,
        "next_update": following,
    }
    for name in ("sent", "until", "next_update"):
        values[f"{name}_short"] = _short(values[name], language)
    for name in playbook.slots:
        values[name] = _slot_value(playbook, name, slots.get(name), language, facts.zone)
    return values


def _in(by_language: Mapping[str, str] | str, language: str) -> str:
    if isinstance(by_language, str):
        return by_language
    return by_language.get(language) or next(iter(by_language.values()), "")


def _local(moment: datetime | None, zone: ZoneInfo) -> datetime | None:
    return moment.astimezone(zone) if moment else None


def _short(moment: object, language: str) -> str:
    return short_time(moment, language) if isinstance(moment, datetime) else ""


def _slot_value(playbook: Playbook, name: str, value: Value, language: str, zone: ZoneInfo) -> object:
    slot = playbook.slots[name]
    if isinstance(value, datetime):
        return value.astimezone(zone)
    if isinstance(slot, ChoiceSlot) and isinstance(value, str):
        return _in(slot.choices.get(value, {language: value}), language)
    return value


def _spoken(value: object, language: str) -> object:
    """Write "Kubu, Batu Ampar +3" as it is said: in full sentences, on air above all, nobody says "plus three"."""
    if not isinstance(value, str) or (more := MORE.search(value)) is None:
        return value
    return value[: more.start()] + tongue(language).others.format(n=more[1])


def _said(text: WordsText, language: str, purpose: Purpose, values: Mapping[str, object]) -> Words:
    spoken = {name: _spoken(value, language) for name, value in values.items()}
    words = Words(
        language=language,
        headline=_one_line(fill(text.headline, language, values)),
        short=_one_line(fill(text.short, language, values)),
        long=fill(text.long, language, spoken),
        radio=fill(text.radio, language, spoken),
        do=tuple(filter(None, (_one_line(fill(line, language, values)) for line in text.do))),
        dont=tuple(filter(None, (_one_line(fill(line, language, values)) for line in text.dont))),
    )
    if purpose is not Purpose.UPDATE:
        return words
    prefix = f"{tongue(language).update} {values['number']}"
    return _each(words, f"{prefix}: ", f"{prefix}.\n")


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def _each(words: Words, line: str, paragraph: str) -> Words:
    return replace(
        words,
        headline=line + words.headline,
        short=line + words.short,
        long=paragraph + words.long,
        radio=paragraph + words.radio,
    )


def _coded(words: Words, facts: Facts) -> Words:
    """Put the code where it is read last; on air before the words that close the bulletin."""
    if not facts.code:
        return words
    speech, (said, _, closing) = tongue(words.language), words.radio.rstrip().rpartition("\n")
    aloud = speech.code_spoken.format(code=spaced(facts.code))
    where = f" {speech.code_check.format(check=facts.check)}" if facts.check else ""
    return replace(
        words,
        short=f"{words.short} {speech.code} {facts.code}",
        long=f"{words.long.rstrip()}\n\n{speech.code} {facts.code}.{where}",
        radio=f"{said}\n{aloud}\n{closing}" if said else f"{closing}\n{aloud}",
    )


def mark(words: Words, mode: str) -> Words:
    """Put the mode's marker at the start and the end of every rendition; Actual is unchanged.

    Marking twice changes nothing; words marked for one mode can never be marked for another.
    """
    speech = tongue(words.language)
    markers = {
        "Actual": ("", ""),
        "Exercise": (speech.exercise, speech.exercise_spoken),
        "Test": (speech.test, speech.test_spoken),
    }
    if mode not in markers:
        raise ValueError(f"there is no mode {mode!r}")
    marker, spoken = markers[mode]
    if words.marker:
        if words.marker != marker:
            raise ValueError(f"these words are marked {words.marker} already")
        return words
    if not marker:
        return words
    return Words(
        language=words.language,
        headline=f"{marker}: {words.headline} {marker}",
        short=f"{marker}: {words.short} {marker}",
        long=f"{marker}\n{words.long}\n{marker}",
        radio=f"{marker}. {spoken}\n{words.radio}\n{spoken} {marker}.",
        do=words.do,
        dont=words.dont,
        marker=marker,
    )


def instruction(words: Words) -> str:
    """Give what to do and what not to do as one text, marked like the words."""
    lists = _lists(words)
    return f"{words.marker}\n{lists}\n{words.marker}" if words.marker and lists else lists


def full_text(words: Words) -> str:
    """Give the long text with what to do and not to do below it, the marker at both ends."""
    if not (lists := _lists(words)):
        return words.long
    if not words.marker:
        return f"{words.long}\n\n{lists}"
    return f"{words.long.removesuffix(words.marker).rstrip()}\n\n{lists}\n{words.marker}"


def _lists(words: Words) -> str:
    speech = tongue(words.language)
    parts = [
        "\n".join([heading, *(f"- {line}" for line in lines)])
        for heading, lines in ((speech.do, words.do), (speech.dont, words.dont))
        if lines
    ]
    return "\n\n".join(parts)


def rendition(words: Words, name: str) -> str:
    """Give one kind of words by its name; long comes with its lists."""
    match name:
        case "headline":
            return words.headline
        case "short":
            return words.short
        case "long" | "cap":  # a CAP document says all of it; this is what an approver reads of it
            return full_text(words)
        case "radio":
            return words.radio
        case _:
            raise ValueError(f"there is no rendition {name!r}")


def texts(limit: Limit) -> tuple[str, ...]:
    """Name the kinds of words a channel takes, best first; "kit" is none, it asks for all that goes with them."""
    return tuple(name for name in limit.renditions if name != "kit")


def fit(words: Words, limit: Limit) -> str | None:
    """Give the first rendition the channel prefers that goes out whole; None if none does. Never cuts."""
    for name in texts(limit):
        text = rendition(words, name)
        if text and limit.fits(text):
            return text
    return None


def render_answer(playbook: Playbook, question_id: str, language: str, slots: Mapping[str, Value], facts: Facts) -> str:
    """Fill the playbook's answer in a language (or the default one); NotFound if there is no such question.

    `facts.level` is the level's title; when empty the first level's is used.
    """
    question = playbook.question(question_id)
    if question is None:
        raise NotFound(f"playbook {playbook.playbook} has no question {question_id!r}")
    chosen = language if language in question.answer else playbook.languages[0]
    values = context(playbook, chosen, next(iter(playbook.levels)), slots, facts)
    return fill(question.answer[chosen], chosen, values)


def as_json(words: Mapping[str, Words]) -> dict[str, dict[str, object]]:
    """Give words by language as plain values for storing; from_json gives the same words back."""
    return {language: {**asdict(w), "do": list(w.do), "dont": list(w.dont)} for language, w in words.items()}


def from_json(stored: str | Mapping[str, Mapping[str, Any]]) -> dict[str, Words]:
    """Read stored words back, byte for byte."""
    plain = json.loads(stored) if isinstance(stored, str) else stored
    return {language: _stored(w) for language, w in plain.items()}


def _stored(fields: Mapping[str, Any]) -> Words:
    return Words(**{**fields, "do": tuple(fields["do"]), "dont": tuple(fields["dont"])})


def words_hash(words: Mapping[str, Words], context: Mapping[str, object]) -> str:
    """Hash the words and whatever else the approver saw: SHA-256 over canonical JSON, as hex.

    `context` holds JSON values and datetimes; anything else is a TypeError, so nothing is hashed by accident.
    """
    seen = {"words": as_json(words), "context": context}
    canonical = json.dumps(seen, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=_plain)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no canonical form")


def mark_line(text: str, language: str, mode: str) -> str:
    """Put the mode's marker at the start and end of one line, such as an answer; Actual is unchanged."""
    speech = tongue(language)
    if mode == "Actual":
        return text
    marker = speech.exercise if mode == "Exercise" else speech.test
    return f"{marker}: {text} {marker}"
