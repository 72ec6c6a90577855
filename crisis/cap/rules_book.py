"""The book of rules: every rule id with the function that decides it, whose docstring says the rule and its source."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from crisis.cap import (
    geometry,
    markup,
    profiles,
    read_part,
    rules_alert,
    rules_area,
    rules_form,
    rules_info,
    rules_outline,
    xml,
)

Rule = Callable[..., Any]
AS_READ: tuple[tuple[str, Rule], ...] = (
    ("S-SIZE", xml.refuse_crowd),
    ("S-DTD", xml.no_doctype),
    ("S-DEPTH", xml.refuse_depth),
    ("S-MALFORMED", xml.malformed),
    ("W-PROLOG", xml.late_prolog),
    ("R-NS", read_part.refuse_strangers),
    ("X-ORDER", rules_form.in_order),
    ("X-REPEATED", rules_form.only_once),
    ("X-UNKNOWN", rules_form.not_known),
    ("X-UNKNOWN", markup.note_strange),
    ("X-REQUIRED", rules_form.not_there),
    ("X-ENUM", rules_form.read_choice),
    ("X-NUMBER", rules_form.read_number),
    ("R-TIME-FORMAT", rules_form.read_time),
    ("W-TIME-PLUS00", rules_form.plus_zero),
    ("R-REFS-TRIPLE", rules_form.read_references),
    ("W-REFS-TIME", rules_form.refs_time),
    ("R-POLY-FORMAT", geometry.odd_points),
    ("R-CIRCLE-FORMAT", geometry.read_circle),
)
TABLES: tuple[tuple[tuple[str, Rule], ...], ...] = (
    AS_READ,
    rules_alert.ALERT_RULES,
    rules_info.INFO_RULES,
    rules_info.RESOURCE_RULES,
    rules_area.AREA_RULES,
    rules_outline.OUTLINE_RULES,
)


def _book() -> Mapping[str, tuple[Rule, ...]]:
    found: dict[str, tuple[Rule, ...]] = defaultdict(tuple)
    for table in TABLES:
        for rule, decides in table:
            found[rule] += (decides,)
    for needs in profiles.PROFILES.values():
        for need in needs:
            found[need.rule] += () if need.ask in found[need.rule] else (need.ask,)
    return MappingProxyType(dict(found))


BOOK = _book()


def explain(rule: str) -> str:
    """Say in a sentence or two what a rule asks and where it is from; empty for what is no rule of ours."""
    needs = [need for table in profiles.PROFILES.values() for need in table if need.rule == rule]
    if needs:
        return f"{needs[0].field}: {needs[0].says}."
    first = next(iter(BOOK.get(rule, ())), None)
    says = " ".join((first.__doc__ or "").split()) if first else ""
    return says.removeprefix(f"{rule}: ")
