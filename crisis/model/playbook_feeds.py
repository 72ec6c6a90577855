"""What the feeds section of a playbook must keep to: rules that can be met, slots that can be filled, two keys."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping

from crisis.errors import Fault
from crisis.model.playbook_draft import Draft
from crisis.model.playbook_file import Path_, Raw
from crisis.model.playbook_shape import NumberSlot, TimeSlot
from crisis.model.slots import value_fault
from crisis.model.template import inspect

# What a source tells, by the names that slots of a rule may use.
SOURCE_FACTS = frozenset(
    {
        "area", "sent", "onset", "expires", "event", "headline", "sender_name", "identifier", "feed", "magnitude",
        "depth_km", "distance_km", "felt", "epicentre",
    }
)  # fmt: skip
ALONE = re.compile(r"\{\{\s*(\w+)\s*\}\}")  # a place and nothing else
# Conditions about what the alert says; the others only tell where it is from or where it holds.
TELLING = frozenset({"event", "category", "severity", "magnitude", "says"})


def _conditions(draft: Draft) -> Iterator[Fault]:
    for path, when in draft.find("feeds.*.when"):
        if isinstance(when, dict) and not TELLING & when.keys():
            says = f"would be met by nearly every alert; add one of {', '.join(sorted(TELLING))}"
            yield draft.source.fault(path, says)
    for path, between in draft.find("feeds.*.when.magnitude|depth_km"):
        low, high = (between.get("at_least"), between.get("at_most")) if isinstance(between, dict) else (None, None)
        if isinstance(between, dict) and low is None and high is None:
            yield draft.source.fault(path, "is empty; give at_least, at_most or both")
        elif isinstance(low, int | float) and isinstance(high, int | float) and low > high:
            yield draft.source.fault((*path, "at_least"), f"is {low:g}, more than at_most {high:g}")


def _two_keys(draft: Draft) -> Iterator[Fault]:
    allowed = {level for _, level in draft.texts("approval.pre_authorised.*")}
    for path, rule in _rules(draft):
        level = rule.get("level")
        if rule.get("then") == "release" and isinstance(level, str) and level not in allowed:
            says = f"is release, but {level} is not under approval.pre_authorised; a release needs both"
            yield draft.source.fault((*path, "then"), says)


def _slots(draft: Draft) -> Iterator[Fault]:
    slots = draft.valid_slots()
    for path, rule in _rules(draft):
        given = rule.get("slots") or {}
        level = rule.get("level")
        if not isinstance(given, dict):
            continue
        for name, value in given.items():
            if name not in draft.keys("slots"):
                near = difflib.get_close_matches(name, draft.keys("slots"), n=1)
                hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(draft.keys('slots'))}"
                yield draft.source.fault((*path, "slots", name), f"is no slot of this playbook; {hint}")
            elif name in slots:
                yield from _value(draft, (*path, "slots", name), slots[name], value)
        if isinstance(level, str) and level in draft.keys("levels"):
            needed = draft.needed_at(level) & draft.required_slots()
            for name in sorted(needed - given.keys()):
                if slots[name].default is None:
                    says = f"is missing: the words of {level}, or of what may follow it, need it"
                    yield draft.source.fault((*path, "slots", name), says)


def _value(draft: Draft, path: Path_, slot: object, value: Raw) -> Iterator[Fault]:
    if not isinstance(value, str) or "{" not in value:
        if says := value_fault(slot, value):  # type: ignore[arg-type]
            yield draft.source.fault(path, says)
        return
    template = inspect(value)
    for says, snippet in template.wrong:
        yield draft.source.fault(path, says, snippet)
    if isinstance(slot, TimeSlot | NumberSlot) and not ALONE.fullmatch(value.strip()):
        yield draft.source.fault(path, "is a time or a number: it takes one fact and no words, such as {{ sent }}")
    for name in sorted(template.names - SOURCE_FACTS):
        near = difflib.get_close_matches(name, SOURCE_FACTS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"it tells {', '.join(sorted(SOURCE_FACTS))}"
        yield draft.source.fault(path, f"names {name}, which no source tells; {hint}", name)


def _rules(draft: Draft) -> Iterator[tuple[Path_, Mapping[str, Raw]]]:
    for path, rule in draft.find("feeds.*"):
        if isinstance(rule, dict):
            yield path, rule


FEED_RULES: tuple[Callable[[Draft], Iterator[Fault]], ...] = (_conditions, _two_keys, _slots)
