"""Turns a written bulletin into the words a voice should say: numbers, times, phones, abbreviations."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from re import Match

from channels.radio import contacts, moments
from channels.radio.lexicon import Lexicon
from channels.radio.moments import DASH, Rule
from channels.radio.numerals import roman
from channels.radio.plain import LONGEST, cleaned, marked, pieces
from channels.radio.shortenings import SHORTENINGS, Shortenings
from channels.radio.tongues import TONGUES, Tongue, alternatives

# Never begun inside another, never given back: that would cost n squared.
NUMBER = r"(?<![\d.,])\d++(?:[.,]\d++)*+"
CAPITALS = re.compile(r"\b[A-Z]{2,}\b")
VOWEL = re.compile("[AEIOUY]")
ZEROS = re.compile(r"(?<!\d)0+(?=\d)")
DIGIT = re.compile(r"\d")
HUMP = re.compile(r"\b[A-Z][a-z]{3,}[A-Z][a-z]{3,}\b")
OFFSET = re.compile(r"\b(UTC|GMT) ?([+\-\u2212])0?(\d{1,2})(?::00)?(?![\d:])")  # of a clock from the zero meridian


def spoken(text: str, language: str, *, lexicon: Lexicon | None = None) -> str:
    """Say `text` in full words for `language` (id or en), names as `lexicon` has them respelt.

    Never fails on any text and costs in proportion to its length; KeyError for any other language.
    """
    return speaker(language.lower().partition("-")[0]).say(text, lexicon)


@cache
def speaker(primary: str) -> Speaker:
    """Give the speaker of a language, its patterns made once; KeyError where there is no table."""
    tongue = TONGUES[primary]
    return Speaker(
        tongue=tongue,
        shortenings=SHORTENINGS[primary],
        rooms=_rooms(),
        rules=(
            *_money(tongue),
            *moments.rules(tongue),
            *contacts.rules(tongue),
            *_measures(tongue),
            *_numbers(tongue),
        ),
        romans=_romans(tongue),
        tidied=_tidied(tongue),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """All rules of one language, in the order in which they must be tried."""

    tongue: Tongue
    shortenings: Shortenings
    rooms: tuple[Rule, ...]
    rules: tuple[Rule, ...]
    romans: tuple[Rule, ...]
    tidied: tuple[Rule, ...]

    def say(self, text: str, lexicon: Lexicon | None) -> str:
        text = marked(contacts.web(cleaned(text), self.tongue), self.tongue)
        text = lexicon.hidden(text) if lexicon else text
        said = "\n".join(filter(None, (self._line(line) for line in text.split("\n"))))
        return lexicon.revealed(said) if lexicon else said

    def _line(self, line: str) -> str:
        if len(line) <= LONGEST:
            return self._piece(line)
        return " ".join(filter(None, map(self._piece, pieces(line))))

    def _piece(self, text: str) -> str:
        numbered = DIGIT.search(text) is not None
        if numbered:
            text = _applied(self.rooms, text)
        text = self.shortenings.full(text)
        text = _applied(self.romans, text)
        if numbered:
            text = _applied(self.rules, text)
        text = self._capitals(text)
        return _applied(self.tidied, text).strip(" ,;:-")

    def _capitals(self, text: str) -> str:
        text = self.shortenings.initials.sub(lambda m: " ".join(m[0].replace(".", "")), text)
        text = HUMP.sub(lambda m: contacts.HUMP.sub(" ", m[0]), text)
        return CAPITALS.sub(self._capital, text)

    def _capital(self, found: Match[str]) -> str:
        word = found[0]
        if word in self.shortenings.capitals:
            return self.shortenings.capitals[word]
        if word in self.shortenings.spelled or not VOWEL.search(word):
            return " ".join(word)
        return word.lower()


def _applied(rules: tuple[Rule, ...], text: str) -> str:
    for pattern, said in rules:
        text = pattern.sub(said, text)
    return text


def _rooms() -> tuple[Rule, ...]:
    """Neighbourhoods, RT and RW, however they are joined: a range of them is no telephone number."""
    several = r"0*(\d{1,3}(?:(?: ?[-,] ?| (?:dan|and|s\.?d\.?|s/d|sampai|to) )\d{1,3})*)(?!\d)"
    return (
        (OFFSET, lambda m: f"{m[1]} {'plus' if m[2] == '+' else 'minus'} {int(m[3])}"),
        (re.compile(r"\bRT ?/ ?RW[.:]? ?(\d{1,3}) ?/ ?(\d{1,3})\b"), lambda m: f"R T {int(m[1])}, R W {int(m[2])}"),
        (
            re.compile(r"\bRT[.:]? ?(\d{1,3}) ?/ ?(?:RW[.:]? ?)?(\d{1,3})\b"),
            lambda m: f"R T {int(m[1])}, R W {int(m[2])}",
        ),
        (re.compile(r"\bRT/RW\b"), "R T, R W"),
        (re.compile(rf"\b(RT|RW)[.:]? ?{several}"), lambda m: f"{' '.join(m[1])} {ZEROS.sub('', m[2])}"),
    )


def _money(tongue: Tongue) -> tuple[Rule, ...]:
    scale = rf"(?: ?(?P<scale>{alternatives(tongue.scales)})(?!\w))?"
    sign = rf"(?<!\w)(?P<sign>{alternatives(tongue.money)})\.? ?"

    def said(found: Match[str]) -> str:
        amount, unit = found["n"], tongue.money[found["sign"]]
        if unit == "rupiah" and re.fullmatch(r"[1-9]\d{0,2}(?:\.\d{3})+(?:,\d\d?)?", amount):
            # Rupiah are written with full stops in English texts too, and their cents are never said.
            amount = amount.partition(",")[0].replace(".", "")
        per = f" {tongue.per} {tongue.one(tongue.units.get(found['per'], found['per']))}" if found["per"] else ""
        size = f" {tongue.scales[found['scale']]}" if found["scale"] else ""
        return f"{tongue.counting.say(amount)}{size} {unit}{per}"

    number = r"(?P<n>\d++(?:[.,]\d++)*+)"
    return (
        (re.compile(rf"({sign}{NUMBER}){DASH}(?=(?:{alternatives(tongue.money)}|\d))"), rf"\1 {tongue.to} "),
        (
            re.compile(rf"{sign}{number}(?:,-)?{scale}(?:/(?P<per>{alternatives(tongue.units)}|{tongue.rates})\b)?"),
            said,
        ),
    )


def _measures(tongue: Tongue) -> tuple[Rule, ...]:
    units = alternatives(tongue.units)
    decimal = tongue.counting.decimal

    def strength(found: Match[str]) -> str:
        return f"{tongue.magnitude} {tongue.counting.say(re.sub('[.,]', decimal, found[1]))}"

    def measured(found: Match[str]) -> str:
        unit = tongue.units[found["unit"]]
        return f"{found['n']} {tongue.one(unit) if found['n'] == '1' else unit}"

    def placed(found: Match[str]) -> str:
        degrees = "" if not found["deg"] else f" {tongue.arc[0]}"
        return (
            f"{found['n'].replace('.', decimal)}{degrees} {tongue.compass[found['side']]}{', ' if found['on'] else ''}"
        )

    named = "|".join(word for word in tongue.compass if len(word) == 2)
    number = NUMBER.replace(r"(?<![\d.,])", r"(?P<n>(?<![\d.,])", 1) + ")"
    return (
        (re.compile(r"\b(?:M|Mw|Mag)[ .:=]{0,3}(\d[.,]\d{1,2})(?![\d.,]*\d)"), strength),
        (re.compile(rf"{number}(?P<deg>°)? ?(?P<side>{named})\b(?P<on>{DASH}(?=\d))?"), placed),
        (re.compile(rf"{number}(?P<deg>°) ?(?P<side>[NSEW])\b(?P<on>{DASH}(?=\d))?"), placed),
        (re.compile(r"(?<![\w.,)/°%-])-(?=\d)"), f"{tongue.minus} "),
        (re.compile(rf"({NUMBER}(?: ?(?:{units}|%)(?!\w))?){DASH}(?=\d)"), rf"\1 {tongue.to} "),
        (re.compile(rf"({NUMBER}) ?%"), rf"\1 {tongue.percent}"),
        (re.compile(rf"({NUMBER}) ?[x×] ?(?=\d)"), rf"\1 {tongue.times} "),
        (re.compile(rf"({NUMBER})[x×](?!\w)"), rf"\1 {tongue.times}"),
        (re.compile(rf"{number} ?(?P<unit>{units})(?![\w/°])(?:\.(?= [a-z]))?"), measured),
        (re.compile(rf"{number} ?(?P<unit>{units})(?=/(?i:{tongue.rates})\b)"), measured),
        (re.compile(r"(?<=[a-z])/KK\b"), f" {tongue.per} {tongue.units.get('KK', 'K K')}"),
        (re.compile(rf"(?<=\d )([a-z]+(?: [a-z]+)?)/(?=(?i:{tongue.rates})\b)"), rf"\1 {tongue.per} "),
        (re.compile(rf"(?<={tongue.per} )([a-z]+)/(?=(?i:{tongue.rates})\b)"), rf"\1 {tongue.per} "),
    )


def _numbers(tongue: Tongue) -> tuple[Rule, ...]:
    count = tongue.counting

    def part(found: Match[str]) -> str:
        whole, upper, lower = found.groups()
        said = count.fraction(int(upper), int(lower))
        return f"{count.cardinal(int(whole))} {'and ' if tongue.dotted_clock is False else ''}{said}" if whole else said

    return (
        (re.compile(tongue.ordinals), lambda m: tongue.ordinal(int(m[1]))),
        (re.compile(r"(?<![\d.,/])(?:(\d{1,3}) )?([1-9])/([2-9]|10)(?![\d.,]*[\d/])"), part),
        (re.compile(r"(?<=\d)/(?=\d)"), f" {tongue.per} "),
        (re.compile(r"\b([A-Z])([A-Z])-?(?=\d)"), r"\1 \2 "),
        (re.compile(r"(?<=[A-Za-z])-(?=\d)"), " "),
        (re.compile(rf"({NUMBER})-an\b"), lambda m: f"{count.say(m[1])}an"),
        (re.compile(NUMBER), lambda m: f" {count.say(m[0])} "),
        (re.compile(r"\d+"), lambda m: f" {count.say(m[0])} "),
    )


def _romans(tongue: Tongue) -> tuple[Rule, ...]:
    def said(found: Match[str]) -> str:
        try:
            return found["lead"] + tongue.counting.cardinal(roman(found["n"]))
        except ValueError:
            return found[0]

    def ordinal(found: Match[str]) -> str:
        try:
            return tongue.ordinal(roman(found[1]))
        except ValueError:
            return found[0]

    return (
        (re.compile(r"\b[Kk]e-([IVXLC]+)\b"), ordinal),
        (re.compile(rf"(?P<n>(?<![\w.-])[IVX]+)(?P<lead>){DASH}(?=[IVX]+\b)"), lambda m: f"{said(m)} {tongue.to} "),
        (re.compile(rf"(?P<lead>\b(?i:{tongue.graded}|{tongue.to}) )(?P<n>[IVX]+|[IVXLC]{(2,)})\b(?!\.\w)"), said),
        (
            re.compile(r"(?P<lead>(?<![\w.'-]))(?P<n>[IVX]{2,})\b(?!\.\w)(?:/(?=[A-Z][a-z]))?"),
            lambda m: f"{said(m)} " if m[0][-1] == "/" else said(m),
        ),
    )


def _tidied(tongue: Tongue) -> tuple[Rule, ...]:
    return (
        (re.compile(r"(?<=[a-z])\.(?=[a-z])"), f" {tongue.dot} "),
        (re.compile("&"), f" {tongue.conjunction} "),
        (re.compile(r"\+"), f" {tongue.plus} "),
        (re.compile(r"[°²³%$]"), " "),
        (re.compile(r" ?(?<![\w])/| ?/(?!\w)"), " "),
        (re.compile(r" ?/ ?"), f" {tongue.either} "),
        (re.compile(r" ?[()\[\]{}–—] ?| -+ "), ", "),
        (re.compile(" {2,}"), " "),
        (re.compile(r" (?=[,.;:!?])"), ""),
        (re.compile(r"[,;:](?: ?[,;])+"), ","),
        (re.compile(r"[,;:] ?(?=[.!?])"), ""),
        (re.compile(r"([.!?]) ?, ?"), r"\1 "),
    )
