"""Playbooks read from their files: refused whole, with every fault and its line, or right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from channels.contract import Limit
from crisis.errors import BadPlaybook, Fault
from crisis.model import playbook_rules
from crisis.model.playbook_file import Path_, read
from crisis.model.playbook_shape import (
    Approval,
    Audience,
    BreakGlass,
    Cap,
    ChoiceSlot,
    Failover,
    Level,
    LevelCap,
    ListSlot,
    NumberSlot,
    PhoneSlot,
    Playbook,
    Question,
    Slot,
    TextSlot,
    TimeSlot,
    WordsText,
    json_schema,
)
from crisis.model.shape_faults import validated
from crisis.model.words import Purpose, Words, fit, mark, render, rendition, texts
from crisis.model.worst_case import FACTS, widest

__all__ = [
    "Approval", "Audience", "BreakGlass", "Cap", "ChoiceSlot", "Failover", "Level", "LevelCap", "ListSlot",
    "NumberSlot", "PhoneSlot", "Playbook", "Question", "Slot", "TextSlot", "TimeSlot", "WordsText", "check_fit", "load",
    "load_folder", "schema",
]  # fmt: skip

NOT_PLAYBOOKS = frozenset({"replies.yaml"})


def load(path: Path) -> Playbook:
    """Read one playbook; BadPlaybook lists every fault of the file with line and field."""
    playbook, faults = _examine(path)
    if playbook is None or faults:
        raise BadPlaybook(faults)
    return playbook


def load_folder(folder: Path) -> dict[str, Playbook]:
    """Read every playbook of a folder by id; BadPlaybook lists all faults of all files."""
    playbooks: dict[str, Playbook] = {}
    faults: list[Fault] = []
    for path in sorted(folder.glob("*.yaml")):
        if path.name in NOT_PLAYBOOKS:
            continue
        playbook, wrong = _examine(path)
        faults += wrong
        if playbook is not None:
            playbooks[playbook.playbook] = playbook
    for path in sorted(folder.glob("*.yml")):
        faults.append(Fault(file=str(path), says=f"would be ignored; rename it {path.stem}.yaml"))
    if not playbooks and not faults:
        faults.append(Fault(file=str(folder), says="holds no playbook (*.yaml); check CRISIS_PLAYBOOKS"))
    if faults:
        raise BadPlaybook(faults)
    return playbooks


def _examine(path: Path) -> tuple[Playbook | None, list[Fault]]:
    raw, source, faults = read(path)
    if raw is None:
        return None, faults
    playbook, wrong = validated(Playbook, raw, source)
    faults += wrong + playbook_rules.check(raw, source, path.stem)
    faults.sort(key=lambda fault: fault.line)
    return playbook.bound_to(source) if playbook else None, faults


def schema() -> dict[str, Any]:
    """Give the JSON Schema of a playbook file, for editors that check while typing."""
    return json_schema(Playbook)


def check_fit(playbook: Playbook, limits: Mapping[str, Limit]) -> list[Fault]:
    """List every words that, filled to the limits of their slots and marked as an exercise, fit no rendition
    of a channel, and every SMS text over the playbook's sms_parts. Channels without a limit are skipped.
    """
    return [
        fault
        for path, words in _worst_words(playbook)
        for channel in playbook.channels
        if channel in limits
        for fault in _unfit(playbook, channel, limits[channel], path, words)
    ]


def _worst_words(playbook: Playbook) -> Iterator[tuple[Path_, Words]]:
    slots = widest(playbook.slots)
    longest = max(playbook.levels, key=lambda level: max(map(len, playbook.levels[level].title.values())))
    cases: list[tuple[Path_, Purpose, str]] = [(("levels", level), Purpose.UPDATE, level) for level in playbook.levels]
    cases += [((p.value,), p, longest) for p in (Purpose.CORRECTION, Purpose.CANCEL, Purpose.ALL_CLEAR)]
    for path, purpose, level in cases:
        for language, words in render(playbook, purpose, level, slots, FACTS).items():
            yield (*path, "words", language), mark(words, "Exercise")


def _unfit(playbook: Playbook, channel: str, limit: Limit, path: Path_, words: Words) -> Iterator[Fault]:
    smallest = texts(limit)[-1]
    if channel == "sms":
        size = limit.measure(words.short)
        if size.parts > playbook.sms_parts:
            says = (
                f"may take {size.parts} SMS parts ({size.units} units, {size.encoding}), slots at their limits; "
                f"the budget is {playbook.sms_parts}: shorten it or lower a slot's max_characters"
            )
            yield playbook.source.fault((*path, "short"), says)
            return
    if fit(words, limit) is None:
        size = limit.measure(rendition(words, smallest))
        says = f"may reach {size.units} units with slots at their limits; {channel} takes {limit.most_units}"
        yield playbook.source.fault((*path, smallest), says)
