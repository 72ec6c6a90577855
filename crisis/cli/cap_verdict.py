"""The verdict on a file of CAP alerts: valid, warn, invalid or refused, with every rule it breaks and where."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum

from crisis.cap.document import read_document
from crisis.cap.entry import Entry
from crisis.cap.rules import Warning, is_fault  # noqa: A004 - what the standard's own tools call it
from crisis.errors import BadInput

RULE = re.compile(r"([RXSWP]-[A-Z0-9-]+): (.*)", re.DOTALL)
UNREAD = "X-FILE"


class Judgement(StrEnum):
    """How good a file is."""

    VALID = "valid"  # nothing to say
    WARN = "warn"  # usable; something is unwise
    INVALID = "invalid"  # read, but a rule is broken
    REFUSED = "refused"  # could not be read at all


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One file; `version` is that of CAP, empty if no alert was in it."""

    file: str
    verdict: Judgement
    kind: str = ""
    version: str = ""
    alerts: int = 0
    errors: tuple[Warning, ...] = ()
    warnings: tuple[Warning, ...] = ()

    def as_dict(self) -> dict[str, object]:
        return asdict(self)

    @property
    def good(self) -> bool:
        return self.verdict in {Judgement.VALID, Judgement.WARN}


def judge(file: str, raw: bytes, profile: str = "") -> Verdict:
    """Judge the bytes of one file, by a profile too if one is named; whatever is in them, a verdict is given."""
    try:
        document = read_document(raw)
    except BadInput as error:
        return refused(file, str(error))
    said = [one for entry in document.entries for one in _said(entry)]
    asked = [one for entry in document.entries for one in _asked(entry, profile)] if profile else []
    told = {(one.rule, one.where) for one in asked}
    errors = (*filter(is_fault, said), *asked)
    warnings = tuple(one for one in said if not is_fault(one) and (one.rule, one.where) not in told)
    return Verdict(
        file=file,
        verdict=Judgement.INVALID if errors else Judgement.WARN if warnings else Judgement.VALID,
        kind=document.kind,
        version=document.version,
        alerts=sum(entry.alert is not None for entry in document.entries),
        errors=errors,
        warnings=warnings,
    )


def refused(file: str, says: str) -> Verdict:
    """Give the verdict on what could not be read at all."""
    return Verdict(file=file, verdict=Judgement.REFUSED, errors=(_fault("", says),))


def placed(entry: Entry, warnings: tuple[Warning, ...]) -> tuple[Warning, ...]:
    """Name the places of an entry's warnings within its document."""
    return tuple(
        Warning(rule=one.rule, where="/".join(filter(None, (entry.where, one.where))), says=one.says)
        for one in warnings
    )


def _said(entry: Entry) -> Iterator[Warning]:
    yield from placed(entry, entry.warnings)
    if entry.refused:
        yield _fault(entry.where, entry.refused)


def _asked(entry: Entry, profile: str) -> Iterator[Warning]:
    """What the profile demands is a fault only for whoever asked for the profile."""
    from crisis.cap.profiles import check  # noqa: PLC0415 - only when one is asked for

    if entry.alert is not None:
        yield from placed(entry, check(entry.alert, profile))


def _fault(where: str, says: str) -> Warning:
    found = RULE.fullmatch(says)
    return Warning(rule=found[1] if found else UNREAD, where=where, says=found[2] if found else says)
