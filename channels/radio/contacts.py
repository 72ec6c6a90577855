"""Finds telephone numbers, mail addresses and names on the web, and says them so that they can be written down."""

from __future__ import annotations

import re
from re import Match

from channels.radio.moments import Rule
from channels.radio.shortenings import SPELLED
from channels.radio.tongues import Tongue

ENDS = "id|com|org|net|info|go|gov|int|me|edu|app|io|tv|co"
HOST = rf"(?:[A-Za-z0-9-]{{1,63}}\.){{1,6}}(?:{ENDS})"
MAIL = re.compile(r"(?<![\w.+-])([\w.+-]{1,64})@((?:[A-Za-z0-9-]{1,63}\.){1,6}[A-Za-z]{2,12})\b")
LINK = re.compile(r"\b(?:https?|ftp)://(?:www\.)?([^\s/?#]{1,200})\S*", re.IGNORECASE)
PATHED = r"(?:[A-Za-z0-9-]{1,63}\.){1,6}[A-Za-z]{2,6}(?=/[^\s/]{4})"  # a path tells it from a missing space
BARE = re.compile(
    rf"(?<![\w.@/-])(?:www\.)?({HOST}(?![\w@-]|\.\w)|{PATHED})(?:[/?#][^\s,;]*[^\s,;.!?)\]])?", re.IGNORECASE
)
HANDLE = re.compile(r"(?<!\w)@(\w{1,40})")
TAG = re.compile(r"#(?=[A-Za-z])(\w{1,80})")
HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")

PHONE = re.compile(
    r"(?<![\w.,/])(?:1500[ -]?\d{3}(?!\d)|(?:\+\d{1,3}[ .-]?(?:\(\d{2,4}\) ?)?|\(0\d{2,4}\) ?|0|62(?=8))"
    r"\d[\d .-]{1,16}\d)"
    r"(?![\w]|[.,]\d)"
)
SHORT = r"(?:11\d|129|911|999)"


def web(text: str, tongue: Tongue) -> str:
    """Say mail addresses, links and names on the web; of a link only its host, all that can be kept in mind."""
    if "@" in text:
        text = MAIL.sub(lambda m: f"{_name(m[1], tongue)} {tongue.at} {_name(m[2], tongue)}", text)
        text = HANDLE.sub(lambda m: f"{tongue.at} {_name(m[1], tongue)}", text)
    if "://" in text:
        text = LINK.sub(lambda m: _name(m[1], tongue), text)
    if "." in text:
        text = BARE.sub(lambda m: _name(m[1], tongue), text)
    return TAG.sub(lambda m: HUMP.sub(" ", m[1]), text) if "#" in text else text


def _name(written: str, tongue: Tongue) -> str:
    signs = {".": f" {tongue.dot} ", "-": f" {tongue.hyphen} ", "_": f" {tongue.underscore} ", "+": f" {tongue.plus} "}
    said = re.sub(r"[._+-]", lambda m: signs[m[0]], written)
    return re.sub(r"[A-Za-z]+", _spelled, said).strip()


def _spelled(found: Match[str]) -> str:
    word = found[0]
    known = word.upper() in SPELLED and len(word) > 2
    return " ".join(word.upper()) if known or not re.search("[aeiouyAEIOUY]", word) else word


def rules(tongue: Tongue) -> tuple[Rule, ...]:
    """Give the rules for telephone numbers: long ones by their look, short ones by what stands around them."""
    digits = tongue.counting.digits

    def long(found: Match[str]) -> str:
        count = sum(map(str.isdigit, found[0]))
        return found[0] if count < 6 or count > 15 else _number(found[0], tongue)

    def either(found: Match[str]) -> str:
        return f"{digits(found[1])} {tongue.either} "

    counted = r"(?![ ]?[-–—][ ]?\d)(?![.,]?\d)(?!\s*[%/°])"
    counted += rf"(?!\s+(?!(?:{tongue.after_phone})\b)[a-z])"
    called = rf"(?P<lead>\b(?i:{tongue.calls})\b[.:]? (?:(?:ke|di|nomor|number|to|us on|on|at) ){{0,2}})"
    return (
        (re.compile(rf"(?<![\d.,/-])\b({SHORT})/(?=\d{{3}})"), either),
        (PHONE, long),
        (
            re.compile(rf"{called}(?P<n>\d{{3,15}})(?![\d.,:/-]?\d)(?! ?[%°])"),
            lambda m: m["lead"] + _number(m["n"], tongue),
        ),
        (re.compile(rf"(?<!Km )(?<!km )(?<!R T )(?<!R W )(?<![\d.,/-])\b({SHORT})\b{counted}"), lambda m: digits(m[1])),
        (re.compile(r"(?<![\d.,])\d{11,}"), lambda m: _number(m[0], tongue)),
    )


def _number(written: str, tongue: Tongue) -> str:
    """Say digit by digit, with a pause where the number has a gap, or after each four where it has none."""
    groups = [group for group in re.split(r"\D+", written) if group]
    if len(groups) == 1 and len(groups[0]) > 6:
        groups = _fours(groups[0])
    said = ", ".join(tongue.counting.digits(group) for group in groups)
    return f"{tongue.plus} {said}" if written.startswith("+") else said


def _fours(number: str) -> list[str]:
    cuts = [number[start : start + 4] for start in range(0, len(number), 4)]
    if len(cuts[-1]) == 1:
        cuts[-2:] = [cuts[-2] + cuts[-1]]
    return cuts
