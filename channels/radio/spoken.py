"""Turns a written bulletin into the words a voice should say: numbers, times, phones, abbreviations."""

from __future__ import annotations

import re
from re import Match

from channels.radio.tongues import TONGUES, Tongue

NUMBER = r"(?<![\d.,])\d+(?:[.,]\d+)*"  # never begun inside another: that would cost n squared
DASH = r"\s*[-–—]\s*"
ZONE = r"(?:WIB|WITA|WIT|UTC)"
CLOCK = r"([01]?\d|2[0-4])[.:]([0-5]\d)"
PHONE = re.compile(r"(?<![\w.,])(?:1500[ -]\d{3}|(?:\+\d{1,3}[ -]?|\(0\d{2,4}\) ?|0)\d[\d -]{1,16}\d)(?!\w)")
SHORT = r"(?:11\d|129|911|999)"


def spoken(text: str, language: str) -> str:
    """Say `text` in full words for `language` (id or en); KeyError for any other language."""
    tongue = TONGUES[language.lower().split("-")[0]]
    text = _plain(text)
    text = _abbreviations(text, tongue)
    text = _money(text, tongue)
    text = _dates(text, tongue)
    text = _times(text, tongue)
    text = _phones(text, tongue)
    text = _measures(text, tongue)
    text = _numbers(text, tongue)
    text = _acronyms(text, tongue)
    return _tidy(text, tongue)


def _plain(text: str) -> str:
    text = re.sub(r"[*_#<>|~^\"“”„«»`\\]|[\U0001F000-\U0001FFFF\u2600-\u27BF\uFE0F]", " ", text)
    text = text.replace("\u00a0", " ").replace("’", "'")
    return re.sub(r"https?://(?:www\.)?([^\s/]+)\S*", r"\1", text)


def _abbreviations(text: str, tongue: Tongue) -> str:
    text = re.sub(r"\bRT\.?\s*0*(\d+)\s*/\s*RW\.?\s*0*(\d+)", r"R T \1, R W \2", text)
    text = re.sub(r"\b(RT|RW)\.?\s*0*(\d+)", lambda m: f"{' '.join(m[1])} {m[2]}", text)
    for pattern, said in tongue.abbreviations:
        text = re.sub(pattern, said, text)
    return text


def _money(text: str, tongue: Tongue) -> str:
    # Rupiah are written with full stops in English texts too.
    text = re.sub(r"\bRp\.?\s*\d{1,3}(?:\.\d{3})+", lambda m: m[0].replace(".", ""), text)
    scale = rf"(?:\s+({'|'.join(tongue.scales)}))?"
    return re.sub(
        rf"\bRp\.?\s*({NUMBER}){scale}\b",
        lambda m: f"{tongue.counting.say(m[1])}{f' {m[2]}' if m[2] else ''} rupiah",
        text,
    )


def _dates(text: str, tongue: Tongue) -> str:
    def numeric(day: str, month: str, year: str) -> str:
        known = 1 <= int(month) <= 12
        return f"{int(day)} {tongue.months[int(month) - 1]} {year}" if known else f"{day} {month} {year}"

    text = re.sub(r"\b(\d{4})-(\d\d)-(\d\d)\b", lambda m: numeric(m[3], m[2], m[1]), text)
    text = re.sub(r"\b(\d{1,2})[/-](\d{1,2})[/-](\d{4})\b", lambda m: numeric(m[1], m[2], m[3]), text)
    months = "|".join(tongue.months)
    return re.sub(
        rf"\b(\d{{1,2}})(?:st|nd|rd|th)?\s+({months})(?:\s+(\d{{4}}))?\b",
        lambda m: tongue.date(int(m[1]), m[2], int(m[3]) if m[3] else None),
        text,
    )


def _times(text: str, tongue: Tongue) -> str:
    lead = rf"(?P<lead>\b(?i:{tongue.clock_word})\s+)"
    end = rf"(?![\d.,]?\d)(?=\s*{ZONE}|\s|[.,;!?)]|$)"
    # A full stop also marks thousands, so "21.00" is a time only beside a clock word, a zone or a colon.
    for pattern in (
        rf"{lead}?(?<![\d.,]){CLOCK}{DASH}{CLOCK}{end}",
        rf"{lead}{CLOCK}(?![\d.,]?\d)",
        rf"(?P<lead>)(?<![\d.,]){CLOCK}(?=\s*{ZONE}\b)",
        r"(?P<lead>)(?<![\d.,])([01]?\d|2[0-4]):([0-5]\d)(?!\d)",
    ):
        text = re.sub(pattern, lambda m: _time(m, tongue), text)
    return text


def _time(found: Match[str], tongue: Tongue) -> str:
    hours = found.groups()[1:]
    said = [tongue.clock(int(hour), int(minute)) for hour, minute in zip(hours[::2], hours[1::2], strict=True)]
    lead = tongue.clock_lead or found["lead"] or ""
    return lead + f" {tongue.to} {tongue.clock_lead}".join(said)


def _phones(text: str, tongue: Tongue) -> str:
    def long(found: Match[str]) -> str:
        if sum(map(str.isdigit, found[0])) < 6:
            return found[0]
        groups = (tongue.counting.digits(group) for group in re.split(r"[\s()-]+", found[0]))
        said = ", ".join(group for group in groups if group)
        return f"{tongue.plus} {said}" if found[0].startswith("+") else said

    text = PHONE.sub(long, text)
    counted = rf"(?!{DASH}\d)(?![.,]?\d)(?!\s*[%/°])(?!\s+(?!(?:{tongue.after_phone})\b)[a-z])"
    return re.sub(
        rf"(?<!Km )(?<!km )(?<!R T )(?<!R W )(?<![\d.,/-])\b({SHORT})\b{counted}",
        lambda m: tongue.counting.digits(m[1]),
        text,
    )


def _measures(text: str, tongue: Tongue) -> str:
    text = re.sub(r"\bM\s?(\d[.,]\d)\b", lambda m: f"{tongue.magnitude} {_decimal(m[1], tongue)}", text)
    text = re.sub(rf"({NUMBER}){DASH}(?={NUMBER})", rf"\1 {tongue.to} ", text)
    text = re.sub(rf"({NUMBER})\s*%", rf"\1 {tongue.percent}", text)
    text = re.sub(rf"({NUMBER})\s*[x×]\s*(?={NUMBER})", rf"\1 {tongue.times} ", text)
    text = re.sub(rf"({NUMBER})[x×](?!\w)", rf"\1 {tongue.times}", text)
    names = "|".join(re.escape(unit) for unit in sorted(tongue.units, key=len, reverse=True))
    return re.sub(
        rf"({NUMBER})\s?({names})(?![\w/²³])",
        lambda m: f"{m[1]} {tongue.units[m[2]]}",
        text,
    )


def _decimal(written: str, tongue: Tongue) -> str:
    return tongue.counting.say(re.sub(r"[.,]", tongue.counting.decimal, written))


def _numbers(text: str, tongue: Tongue) -> str:
    count = tongue.counting
    grouped = rf"\d{{1,3}}(?:\{count.thousands}\d{{3}})+(?:\{count.decimal}\d+)?(?!\d)"
    text = re.sub(tongue.ordinals, lambda m: tongue.ordinal(int(m[1])), text)
    text = re.sub(rf"(?<![\w.,]){grouped}", lambda m: count.say(m[0]), text)
    text = re.sub(rf"\d+(?:\{count.decimal}\d+)", lambda m: count.say(m[0]), text)
    # A leading zero is a code, never a quantity.
    text = re.sub(r"\b0\d+", lambda m: count.digits(m[0]), text)
    return re.sub(r"\d+", lambda m: f" {count.say(m[0])} ", text)


def _acronyms(text: str, tongue: Tongue) -> str:
    def say(found: Match[str]) -> str:
        word = found[0]
        if word in tongue.spelled or not re.search(r"[AEIOUY]", word):
            return " ".join(word)
        return word.lower()

    return re.sub(r"\b[A-Z]{2,}\b", say, text)


def _tidy(text: str, tongue: Tongue) -> str:
    text = re.sub(r"(?<=[a-z])\.(?=[a-z])", f" {tongue.dot} ", text)
    text = text.replace("&", f" {tongue.conjunction} ").replace("+", f" {tongue.plus} ")
    text = re.sub(r"\s*/\s*", f" {tongue.either} ", text)
    text = re.sub(r"\s*[()\[\]{}–—]\s*|\s+-\s+", ", ", text)
    text = re.sub(r"[^\S\n]+", " ", text)
    text = re.sub(r"\s+([,.;:!?])", r"\1", text)
    text = re.sub(r"[,;](?:\s*[,;])+", ",", text)
    text = re.sub(r",\s*([.!?])", r"\1", text)
    return re.sub(r"\s*\n\s*", "\n", text).strip(" ,\n")
