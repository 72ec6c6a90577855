"""Decides what is wrong with an alert that the XSD does not see: one small function a rule, in five tables.

R- and X- are faults, S- is safety: an alert of ours goes out only without these. W- is a warning, P- what
profiles ask for. What only the document shows (order of elements, spelling of times) is noted while reading.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from crisis.cap.nouns import Alert, Info
from crisis.cap.rules_alert import ALERT_RULES, Found
from crisis.cap.rules_area import AREA_RULES
from crisis.cap.rules_info import HEADLINE, HIDDEN, INFO_RULES, RESOURCE_RULES
from crisis.cap.rules_outline import OUTLINE_RULES, outlines

__all__ = ["FAULTS", "HEADLINE", "HIDDEN", "Warning", "check", "is_fault"]

FAULTS = ("R-", "S-", "X-")

Part = TypeVar("Part")


@dataclass(frozen=True, slots=True, kw_only=True)
class Warning:  # noqa: A001 - what the standard's own tools call it
    """One rule an alert breaks, and where: info[0]/area[1]/polygon[2]."""

    rule: str
    where: str
    says: str


def is_fault(warning: Warning) -> bool:
    """Tell whether what was found forbids sending such an alert (R-, S-, X-) or only deserves a look (W-, P-)."""
    return warning.rule.startswith(FAULTS)


def check(alert: Alert) -> tuple[Warning, ...]:
    """Give every rule of CAP 1.2 the alert breaks; profiles.check tells those of a profile."""
    found: list[Warning] = []
    _apply(ALERT_RULES, alert, "", found)
    for at, info in enumerate(alert.infos):
        _check_info(info, f"info[{at}]/", found)
    if drawn := outlines(alert):
        _apply(OUTLINE_RULES, drawn, "", found)
    return tuple(found)


def _check_info(info: Info, place: str, found: list[Warning]) -> None:
    _apply(INFO_RULES, info, place, found)
    for at, resource in enumerate(info.resources):
        _apply(RESOURCE_RULES, resource, f"{place}resource[{at}]/", found)
    for at, area in enumerate(info.areas):
        _apply(AREA_RULES, area, f"{place}area[{at}]/", found)


def _apply(table: Sequence[tuple[str, Callable[[Part], Found]]], part: Part, place: str, found: list[Warning]) -> None:
    for rule, broken in table:
        for where, says in broken(part):
            found.append(Warning(rule=rule, where=place + where, says=says))
