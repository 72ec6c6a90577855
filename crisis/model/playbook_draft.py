"""A playbook as read, of any shape: what its fields are and where they stand, for those who look for faults."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from crisis.model.playbook_file import Path_, Raw, Source
from crisis.model.playbook_shape import Slot
from crisis.model.template import inspect

KINDS = "headline|short|long|radio"
FOLLOW_UPS = "correction|cancel|all_clear"
_SLOT: TypeAdapter[Slot] = TypeAdapter(Slot)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A playbook as read, of any shape, and where its fields stand."""

    raw: Raw
    source: Source
    stem: str

    def find(self, pattern: str) -> Iterator[tuple[Path_, Raw]]:
        """Yield every field a pattern names: `*` is any key or entry, a|b is either key."""
        return _find(self.raw, pattern.split("."), ())

    def one(self, pattern: str) -> Raw:
        return next((value for _, value in self.find(pattern)), None)

    def texts(self, pattern: str) -> Iterator[tuple[Path_, str]]:
        return ((path, value) for path, value in self.find(pattern) if isinstance(value, str))

    def keys(self, pattern: str) -> list[str]:
        found = self.one(pattern)
        return list(found) if isinstance(found, dict) else []

    def valid_slots(self) -> dict[str, Slot]:
        """Give the slots that are right in themselves; the others are reported with their shape."""
        valid: dict[str, Slot] = {}
        for path, given in self.find("slots.*"):
            with contextlib.suppress(ValidationError):
                valid[str(path[-1])] = _SLOT.validate_python(given)
        return valid

    def required_slots(self) -> frozenset[str]:
        """Name the slots that must not stay empty where words name them."""
        return frozenset(name for name, slot in self.valid_slots().items() if slot.required)

    def needed_at(self, level: str) -> frozenset[str]:
        """Name every slot and fact that the words of a level, and of what may follow it, cannot do without."""
        patterns = (f"levels.{level}.words.*", f"{FOLLOW_UPS}.words.*")
        texts = (text for p in patterns for end in (KINDS, "do|dont.*") for _, text in self.texts(f"{p}.{end}"))
        return frozenset(name for text in texts for name in inspect(text).needed)

    def languages(self) -> list[str]:
        return list(dict.fromkeys(text for _, text in self.texts("languages.*")))


def _find(value: Raw, parts: list[str], path: Path_) -> Iterator[tuple[Path_, Raw]]:
    if not parts:
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            if parts[0] == "*" or key in parts[0].split("|"):
                yield from _find(inner, parts[1:], (*path, key))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            if parts[0] in ("*", str(at)):
                yield from _find(inner, parts[1:], (*path, at))
