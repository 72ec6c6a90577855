"""Decides what is wrong with an alert as a whole: its names, scope, references and how its infos agree."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from crisis.cap.nouns import Alert, MsgType, Scope, Status

Found = Iterator[tuple[str, str]]  # where, sentence
BAD_NAME = re.compile(r"[\s,<&]")
FIRST_YEAR, LAST_YEAR = 1000, 8999  # times that offsets cannot push out of what calendars hold


def later(one: datetime | None, two: datetime | None) -> bool:
    """Tell whether the first time is after the second; times without a zone cannot be told."""
    return bool(one and two and one.tzinfo and two.tzinfo and one > two)


def primary(language: str) -> str:
    """Give the primary subtag by which languages are matched: sr for sr-Latn (RFC 3066)."""
    return language.partition("-")[0].lower()


def id_empty(alert: Alert) -> Found:
    """R-ID-EMPTY: identifier and sender name the alert and cannot be empty (CAP 1.2 section 3.2.1)."""
    if not alert.identifier:
        yield "identifier", "is missing or empty"
    if not alert.sender:
        yield "sender", "is missing or empty"


def id_chars(alert: Alert) -> Found:
    """R-ID-CHARS: neither name holds a blank, comma, < or &: references could not repeat it (section 3.2.1)."""
    if BAD_NAME.search(alert.identifier):
        yield "identifier", "has a blank, comma, < or &"
    if BAD_NAME.search(alert.sender):
        yield "sender", "has a blank, comma, < or &"


def time_format(alert: Alert) -> Found:
    """R-TIME-FORMAT: every time has a zone and a year that calendars can hold (section 3.3.2)."""
    if odd := _odd_time(alert.sent):
        yield "sent", odd
    for at, past in enumerate(alert.references):
        if odd := _odd_time(past.sent):
            yield f"references[{at}]", odd
    for at, info in enumerate(alert.infos):
        for name, time in (("effective", info.effective), ("onset", info.onset), ("expires", info.expires)):
            if time is not None and (odd := _odd_time(time)):
                yield f"info[{at}]/{name}", odd


def _odd_time(time: datetime) -> str:
    if time.utcoffset() is None:
        return "has no zone"
    return "" if FIRST_YEAR <= time.year <= LAST_YEAR else f"is in the year {time.year}"


def time_order(alert: Alert) -> Found:
    """R-TIME-ORDER: expires is after sent and effective and not before onset (section 3.2.2)."""
    for at, info in enumerate(alert.infos):
        if info.expires is None:
            continue
        where = f"info[{at}]/expires"
        if not later(info.expires, alert.sent) and info.expires.tzinfo and alert.sent.tzinfo:
            yield where, "is not after sent"
        if info.effective and info.effective.tzinfo and info.expires.tzinfo and info.expires <= info.effective:
            yield where, "is not after effective"
        if later(info.onset, info.expires):
            yield where, "is before onset"


def scope_restriction(alert: Alert) -> Found:
    """R-SCOPE-RESTRICTION: Restricted says in restriction to whom (section 3.2.1)."""
    if alert.scope is Scope.RESTRICTED and not alert.restriction:
        yield "restriction", "is missing though the scope is Restricted"


def scope_addresses(alert: Alert) -> Found:
    """R-SCOPE-ADDRESSES: Private lists its addresses (section 3.2.1)."""
    if alert.scope is Scope.PRIVATE and not alert.addresses:
        yield "addresses", "are missing though the scope is Private"


def scope_open(alert: Alert) -> Found:
    """W-SCOPE-RESTRICTION: a restriction is only for the scope Restricted (section 3.2.1)."""
    if alert.restriction and alert.scope is not Scope.RESTRICTED:
        yield "restriction", f"is given though the scope is {alert.scope}"


def list_quote(alert: Alert) -> Found:
    """R-LIST-QUOTE: no name in addresses or incidents is empty or holds the quotation mark (section 3.2.1)."""
    for where, names in (("addresses", alert.addresses), ("incidents", alert.incidents)):
        if names and any('"' in name or not name for name in names):
            yield where, "one is empty or holds a quotation mark, which CAP cannot quote"


def refs_required(alert: Alert) -> Found:
    """R-REFS-REQUIRED: what updates, cancels, confirms or rejects says which alerts (section 3.2.1)."""
    if alert.msg_type is not MsgType.ALERT and not alert.references:
        yield "references", f"are missing though the type is {alert.msg_type}"


def refs_triple(alert: Alert) -> Found:
    """R-REFS-TRIPLE: each reference is sender,identifier,sent, so neither name can be empty or odd (section 3.2.1)."""
    for at, past in enumerate(alert.references):
        if not past.sender or not past.identifier or BAD_NAME.search(past.sender) or BAD_NAME.search(past.identifier):
            yield f"references[{at}]", "is not sender,identifier,sent"


def refs_self(alert: Alert) -> Found:
    """R-REFS-SELF: an alert does not reference itself, nor anything under its own name (section 3.2.1)."""
    for at, past in enumerate(alert.references):
        if past.identifier == alert.identifier and past.sender == alert.sender:
            yield f"references[{at}]", "is the alert itself"


def refs_postdated(alert: Alert) -> Found:
    """R-REFS-POSTDATED: what is referenced was sent before (section 3.2.1)."""
    for at, past in enumerate(alert.references):
        if later(past.sent, alert.sent) and (past.identifier, past.sender) != (alert.identifier, alert.sender):
            yield f"references[{at}]", "was sent later than this alert"


def error_note(alert: Alert) -> Found:
    """W-ERROR-NOTE: an Error should say in note what was wrong (section 3.2.1)."""
    if alert.msg_type is MsgType.ERROR and not alert.note:
        yield "note", "should say what is in error"


def exercise_note(alert: Alert) -> Found:
    """W-EXERCISE-NOTE: an Exercise should name itself in note (section 3.2.1)."""
    if alert.status is Status.EXERCISE and not alert.note:
        yield "note", "should name the exercise"


def info_missing(alert: Alert) -> Found:
    """R-INFO-MISSING: an Alert or Update carries at least one info, unless it is of the System (section 3.2.1)."""
    if not alert.infos and alert.status is not Status.SYSTEM and alert.msg_type in {MsgType.ALERT, MsgType.UPDATE}:
        yield "info", f"is missing though the type is {alert.msg_type}"


def same_text(alert: Alert) -> Found:
    """W-SAME-TEXT: no two languages have the very same words: one was left untranslated (Google's validator)."""
    if len(alert.infos) < 2:
        return
    seen: dict[tuple[str, str], str] = {}
    for at, info in enumerate(alert.infos):
        language = primary(info.language)
        for field, text in (("headline", info.headline), ("description", info.description)):
            if text and seen.setdefault((field, text), language) != language:
                yield f"info[{at}]/{field}", f"has the same words as under the language {seen[field, text]}"


def eventcode_same(alert: Alert) -> Found:
    """P-EVENTCODE-SAME: all infos carry the same event codes (IPAWS, CAP-AU and CAP-CP profiles)."""
    return _differs("eventCode", [info.event_codes for info in alert.infos])


def category_same(alert: Alert) -> Found:
    """P-CATEGORY-SAME: all infos carry the same categories (IPAWS, CAP-AU and CAP-CP profiles)."""
    return _differs("category", [info.categories for info in alert.infos])


def _differs(field: str, parts: Sequence[tuple[object, ...]]) -> Found:
    for at, part in enumerate(parts):
        if part != parts[0] and set(part) != set(parts[0]):
            yield f"info[{at}]/{field}", "is not the same as in the first info"


Rule = Callable[[Alert], Found]
ALERT_RULES: tuple[tuple[str, Rule], ...] = (
    ("R-ID-EMPTY", id_empty),
    ("R-ID-CHARS", id_chars),
    ("R-TIME-FORMAT", time_format),
    ("R-SCOPE-RESTRICTION", scope_restriction),
    ("W-SCOPE-RESTRICTION", scope_open),
    ("R-SCOPE-ADDRESSES", scope_addresses),
    ("R-LIST-QUOTE", list_quote),
    ("W-ERROR-NOTE", error_note),
    ("W-EXERCISE-NOTE", exercise_note),
    ("R-REFS-REQUIRED", refs_required),
    ("R-REFS-TRIPLE", refs_triple),
    ("R-REFS-SELF", refs_self),
    ("R-REFS-POSTDATED", refs_postdated),
    ("R-INFO-MISSING", info_missing),
    ("R-TIME-ORDER", time_order),
    ("W-SAME-TEXT", same_text),
    ("P-EVENTCODE-SAME", eventcode_same),
    ("P-CATEGORY-SAME", category_same),
)
