"""The short service words residents get back: received, registered, stopped, not understood."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from crisis.errors import BadPlaybook, Fault, NotFound
from crisis.model.phrases import drill_denial, relative_time
from crisis.model.playbook_file import Path_, Raw, Source, read
from crisis.model.playbook_shape import Language
from crisis.model.shape_faults import validated
from crisis.model.template import fill, inspect

ReplyName = Literal[
    "received",  # an officer will answer
    "danger",  # a life may be at risk: call first
    "stop_done",  # opted out
    "stop_hint",  # how to opt out
    "joined",  # registered for an area
    "join_needs_area",  # registering without saying where
    "join_unknown_area",  # registering for a place we do not know
    "help_menu",  # what one can write
    "asked_again",  # the same question twice
    "not_understood",  # nothing we could read
    "answered_prefix",  # stands before an officer's answer
]
FACTS = frozenset({"agency", "help_line"})  # every reply may name these
AREA = "joined"  # the only reply that may also name the area

_Short = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]


class Replies(BaseModel):
    """All replies, in every language the file lists."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Annotated[int, Field(ge=1)]
    languages: Annotated[tuple[Language, ...], Field(min_length=1)]
    replies: dict[ReplyName, dict[Language, _Short]]

    def say(self, name: ReplyName, language: str, *, agency: str, help_line: str = "112", area: str = "") -> str:
        """Give one reply in a language, or in the first one where that language has none."""
        texts = self.replies.get(name)
        if texts is None:
            raise NotFound(f"there is no reply {name!r}")
        chosen = language if language in texts else self.languages[0]
        return fill(texts[chosen], chosen, {"agency": agency, "help_line": help_line, "area": area})


def load_replies(path: Path) -> Replies:
    """Read the replies; BadPlaybook lists every fault of the file with line and field."""
    raw, source, faults = read(path)
    if raw is None:
        raise BadPlaybook(faults)
    replies, wrong = validated(Replies, raw, source)
    faults += wrong + _check(raw, source)
    if replies is None or faults:
        raise BadPlaybook(sorted(faults, key=lambda fault: fault.line))
    return replies


def _check(raw: Raw, source: Source) -> list[Fault]:
    given = raw.get("replies") if isinstance(raw, dict) else None
    listed = raw.get("languages") if isinstance(raw, dict) else None
    if not isinstance(given, dict) or not isinstance(listed, list):
        return []  # reported with its shape
    faults = [
        source.fault(("replies", name), "is missing; add it") for name in get_args(ReplyName) if name not in given
    ]
    for name, texts in given.items():
        if isinstance(texts, dict):
            faults += _reply_faults(name, texts, [str(language) for language in listed], source)
    return faults


def _reply_faults(name: str, texts: dict[str, Raw], languages: list[str], source: Source) -> list[Fault]:
    path: Path_ = ("replies", name)
    faults = [
        source.fault((*path, language), f"is missing; write it in {language!r} too")
        for language in languages
        if language not in texts
    ]
    for language, text in texts.items():
        if language not in languages:
            faults.append(source.fault((*path, language), "is a language the file does not list"))
        if isinstance(text, str):
            faults += _text_faults(text, name, (*path, language), source)
    return faults


def _text_faults(text: str, name: str, path: Path_, source: Source) -> list[Fault]:
    template = inspect(text)
    allowed = FACTS | {"area"} if name == AREA else FACTS
    strays = sorted(template.names - allowed)
    banned = filter(None, (relative_time(text), drill_denial(text)))
    return [
        *(source.fault(path, says, snippet) for says, snippet in template.wrong),
        *(source.fault(path, f"names {n}; a reply may name {', '.join(sorted(allowed))}", n) for n in strays),
        *(source.fault(path, f"says {found!r}; leave it out", found) for found in banned),
    ]
