"""The longest values that slots and facts may take: what words are measured with before anyone fills them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from crisis.model.code import spell
from crisis.model.phrases import number
from crisis.model.playbook_shape import ChoiceSlot, ListSlot, NumberSlot, PhoneSlot, Slot, TextSlot, TimeSlot
from crisis.model.slots import Value
from crisis.model.words import Facts

MOMENT = datetime(2026, 11, 30, 13, 50, tzinfo=UTC)  # two digits everywhere, the longest zone name below
FACTS = Facts(
    agency="W" * 32,
    area="W" * 60,
    sent=MOMENT,
    until=MOMENT + timedelta(hours=1),
    next_update=MOMENT + timedelta(minutes=30),
    source="W" * 40,
    zone=ZoneInfo("Asia/Makassar"),
    number=99,
    reason="W" * 80,
    link="https://" + "w" * 32,
    help_line="112",
    code=spell(999_999),
    check="https://" + "w" * 32 + "/check",
)


def widest(slots: Mapping[str, Slot]) -> dict[str, Value]:
    """Give each slot the value that takes the most room."""
    return {name: _widest(slot) for name, slot in slots.items()}


def _widest(slot: Slot) -> Value:
    match slot:
        case TextSlot():
            return "W" * slot.max_characters
        case NumberSlot():
            step = 10.0**-slot.decimals
            ends = (slot.min, slot.min + step, slot.max - step, slot.max)
            return max((round(end, slot.decimals) for end in ends), key=lambda end: len(number(end, "id")))
        case TimeSlot():
            return MOMENT
        case ListSlot():
            return ("W" * slot.max_characters,) * slot.max_entries
        case ChoiceSlot():
            return max(slot.choices, key=lambda c: max(map(len, slot.choices[c].values())))
        case PhoneSlot():
            return "0" * 16
