"""A playbook file as plain values, with the line of every field, so that a fault can point at its place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import yaml

from crisis.errors import Fault

MOST_BYTES = 512_000
MOST_DEPTH = 12

Path_ = tuple[str | int, ...]
Raw = None | bool | int | float | str | list["Raw"] | dict[str, "Raw"]

_INTEGER = re.compile(r"[-+]?\d+")
_DECIMAL = re.compile(r"[-+]?\d+\.\d+")
_WORD: Mapping[str, Raw] = {"true": True, "false": False, "null": None, "~": None, "": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the fields of one file stand; lines are counted from 1."""

    file: str
    lines: tuple[str, ...] = ()
    spans: Mapping[Path_, tuple[int, int]] = field(default_factory=dict)  # path -> first and last line

    def line(self, path: Path_, snippet: str = "") -> int:
        """Find the line of a field (of its nearest parent if it is missing), or of a snippet within it."""
        while path and path not in self.spans:
            path = path[:-1]
        first, last = self.spans.get(path, (1, 1))
        if snippet:
            for number in range(first, min(last, len(self.lines)) + 1):
                if snippet in self.lines[number - 1]:
                    return number
        return first

    def fault(self, path: Path_, says: str, snippet: str = "") -> Fault:
        """Say what is wrong with a field, at its line."""
        return Fault(file=self.file, line=self.line(path, snippet), field=dotted(path), says=says)


def dotted(path: Path_) -> str:
    """Write a path the way officers read it: levels.siaga.words.id.do[2]."""
    return "".join(f"[{p + 1}]" if isinstance(p, int) else f".{p}" for p in path).lstrip(".")


def read(path: Path) -> tuple[Raw, Source, list[Fault]]:
    """Read one YAML file; the values are None when it cannot be read at all.

    Duplicate keys, anchors and tags are faults. Plain scalars follow YAML 1.2 (21:00 and no stay text).
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        return _unreadable(path, f"cannot be read: {error.strerror or error}")
    if len(content) > MOST_BYTES:
        return _unreadable(path, f"is larger than {MOST_BYTES} bytes; that is not a playbook")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        return _unreadable(path, "is not UTF-8 text; save it again with encoding UTF-8", line)
    return _parse(str(path), text)


def _unreadable(path: Path, says: str, line: int = 0) -> tuple[Raw, Source, list[Fault]]:
    return None, Source(file=str(path)), [Fault(file=str(path), line=line, says=says)]


def _parse(file: str, text: str) -> tuple[Raw, Source, list[Fault]]:
    builder = _Builder(file)
    try:
        raw = builder.document(yaml.parse(text, Loader=yaml.CSafeLoader))
    except yaml.YAMLError as error:
        builder.faults.append(_syntax_fault(file, error))
        raw = None
    except _Unusable:
        raw = None
    source = Source(file=file, lines=tuple(text.splitlines()), spans=builder.spans)
    return raw, source, builder.faults


def _syntax_fault(file: str, error: yaml.YAMLError) -> Fault:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "unreadable"
    says = f"is not valid YAML: {problem}; check indentation, colons and quotes here and just above"
    return Fault(file=file, line=_line(mark) if mark else 0, says=says)


class _Unusable(Exception):
    """The rest of the file has no meaning; the fault is noted."""


class _Builder:
    """Builds values from YAML events, so that nothing recurses or expands without bound."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.spans: dict[Path_, tuple[int, int]] = {}
        self.faults: list[Fault] = []

    def document(self, events: Iterator[yaml.Event]) -> Raw:
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                return self._value(events, next(events), (), _line(event.start_mark))
        self.faults.append(Fault(file=self.file, line=1, says="is empty; copy a playbook to start from"))
        return None

    def _value(self, events: Iterator[yaml.Event], event: yaml.Event, path: Path_, line: int) -> Raw:
        if len(path) > MOST_DEPTH:
            self._give_up(event, path, f"is nested deeper than {MOST_DEPTH} levels")
        if getattr(event, "anchor", None) or getattr(event, "tag", None):
            self._give_up(event, path, "uses a YAML anchor, alias or tag (& * !); write the words out, in quotes")
        value: Raw
        match event:
            case yaml.ScalarEvent():
                value, last = _scalar(event), _line(event.end_mark)
            case yaml.SequenceStartEvent():
                value, last = self._sequence(events, path)
            case yaml.MappingStartEvent():
                value, last = self._mapping(events, path)
            case _:
                self._give_up(event, path, "uses a YAML anchor, alias or tag (& * !); write the words out, in quotes")
        self.spans[path] = (line, last)
        return value

    def _sequence(self, events: Iterator[yaml.Event], path: Path_) -> tuple[list[Raw], int]:
        values: list[Raw] = []
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                return values, _line(event.end_mark)
            values.append(self._value(events, event, (*path, len(values)), _line(event.start_mark)))
        raise _Unusable

    def _mapping(self, events: Iterator[yaml.Event], path: Path_) -> tuple[dict[str, Raw], int]:
        values: dict[str, Raw] = {}
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                return values, _line(event.end_mark)
            if not isinstance(event, yaml.ScalarEvent):
                self._give_up(event, path, "has a key that is not a plain word; quote {{ ... }} texts")
            line, key = _line(event.start_mark), _text(event)
            if key in values:
                first = self.spans[(*path, key)][0]
                says = f"is given twice (first on line {first}); keep one"
                self.faults.append(Fault(file=self.file, line=line, field=dotted((*path, key)), says=says))
                self._value(events, next(events), (*path, f"{key} (again)"), line)
            else:
                values[key] = self._value(events, next(events), (*path, key), line)
        raise _Unusable

    def _give_up(self, event: yaml.Event, path: Path_, says: str) -> NoReturn:
        line = _line(event.start_mark)
        self.faults.append(Fault(file=self.file, line=line, field=dotted(path), says=says))
        raise _Unusable


def _line(mark: Any) -> int:
    return int(mark.line) + 1


def _text(event: Any) -> str:
    return str(event.value)


def _scalar(event: yaml.ScalarEvent) -> Raw:
    text = _text(event)
    if event.style not in (None, ""):
        return text
    if text in _WORD:
        return _WORD[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text
