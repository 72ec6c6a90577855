"""Sorts the children of one element of an alert by CAP's names, in one walk, and notes what stands wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import NamedTuple, TypeVar

from lxml import etree

from crisis.cap.nouns import NAMESPACE, OLDER_NAMESPACES, Circle, Pair, Ring
from crisis.cap.rules import Warning  # noqa: A004 - what the standard's own tools call it
from crisis.cap.rules_form import (
    Choice,
    Note,
    in_order,
    late_hour,
    not_known,
    not_there,
    only_once,
    plus_zero,
    read_choice,
    strict_time,
)
from crisis.errors import BadInput

Shape = TypeVar("Shape", Ring, Circle)

VERSIONS = {NAMESPACE: "1.2", OLDER_NAMESPACES[0]: "1.1", OLDER_NAMESPACES[1]: "1.0"}
SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}Signature"
MOST_PARTS = 10_000  # infos, resources and areas together; the largest real alert has some hundreds
MOST_NOTED = 1_000

# CAP 1.2 section 3.4, the order of the XSD. What may be there more than once is marked * if it has parts of its own
# and + if it is words alone; ! marks what is looked at with the blanks at its ends.
SEQUENCES = {
    "alert": "identifier! sender! sent status! msgType! source scope! restriction addresses code+ note references "
    "incidents info*",
    "info": "language category+ event responseType+ urgency! severity! certainty! audience eventCode* effective onset "
    "expires senderName headline description instruction web contact parameter* resource* area*",
    "resource": "resourceDesc mimeType size uri derefUri! digest",
    "area": "areaDesc polygon+ circle+ geocode* altitude ceiling",
    "pair": "valueName value",
}
DEEPER = {"alert": "info", "info": "area"}  # whose children are found one level too high
ALIASES = {"reference": "references"}


class Place(NamedTuple):
    """Where an element belongs among its siblings."""

    name: str
    order: int
    how: str = ""  # empty: one text; +: many; *: many parts; !: one text, blanks and all; -: not read


def _places(sequence: str) -> dict[str, Place]:
    names = enumerate(sequence.split())
    return {
        word.rstrip("*+!"): Place(word.rstrip("*+!"), order, word[-1] if word[-1] in "*+!" else "")
        for order, word in names
    }


BY_NAME = {kind: _places(sequence) for kind, sequence in SEQUENCES.items()}
BY_SPELLING = {kind: {name.lower(): place for name, place in names.items()} for kind, names in BY_NAME.items()}
BY_TAG = {
    version: {
        kind: {f"{{{namespace}}}{name}": place for name, place in names.items()} for kind, names in BY_NAME.items()
    }
    for namespace, version in VERSIONS.items()
}
VALUE_NAMES = {version: f"{{{namespace}}}valueName" for namespace, version in VERSIONS.items()}
VALUES = {version: f"{{{namespace}}}value" for namespace, version in VERSIONS.items()}
ROOTS = {f"{{{namespace}}}alert": version for namespace, version in VERSIONS.items()}
for kinds in BY_TAG.values():
    kinds["alert"][SIGNATURE] = Place("Signature", 99, "-")
BY_TAG["1.0"]["alert"][f"{{{OLDER_NAMESPACES[1]}}}password"] = Place("password", 5, "-")


@dataclass(slots=True, kw_only=True)
class Log:
    """What is noted while one alert is read, and how many parts it turned out to have."""

    version: str
    warnings: list[Warning] = field(default_factory=list)
    noted: set[tuple[str, str]] = field(default_factory=set)
    parts: int = 0
    zone: str = ""  # the offset of a time in this alert, for those that have none
    # By their text, where nothing was noted: an alert in two languages has all of them twice.
    times: dict[str, datetime] = field(default_factory=dict)
    rings: dict[str, tuple[Ring, ...]] = field(default_factory=dict)
    circles: dict[str, tuple[Circle, ...]] = field(default_factory=dict)

    def note(self, where: str, rule: str, says: str) -> None:
        if len(self.warnings) < MOST_NOTED and (rule, where) not in self.noted:
            self.noted.add((rule, where))
            self.warnings.append(Warning(rule=rule, where=where, says=says))

    def settle(self, where: str, rule: str) -> None:
        """Keep a rule from being told as well: it only follows from what was noted."""
        self.noted.add((rule, where))

    def count(self, parts: int) -> None:
        """S-SIZE: an alert of very many parts is an attack on whoever reads it."""
        self.parts += parts
        if self.parts > MOST_PARTS:
            raise BadInput(f"S-SIZE: the alert has more than {MOST_PARTS} infos, resources and areas; it was not read.")


def refuse_strangers(element: etree._Element) -> str:
    """R-NS: give the version by the namespace of the root, whatever its prefix; refuse what is no alert (section 3.4).

    Raises BadInput naming what stands there instead.
    """
    version = ROOTS.get(element.tag)
    if version is None:
        name = etree.QName(element)
        shown = f"{name.localname[:40]} in namespace {(name.namespace or 'none')[:80]}"
        raise BadInput(f"R-NS: the root element is {shown}, not a CAP alert of version 1.0 to 1.2.")
    return version


def words(element: etree._Element) -> str:
    """Give all text of an element as it stands, with that of elements inside it."""
    if len(element):
        return "".join(map(str, element.itertext()))
    return element.text or ""


class Part:
    """One element with its children by CAP's name, and where notes about it belong."""

    __slots__ = ("elements", "kind", "log", "series", "strays", "texts", "where")

    def __init__(self, element: etree._Element, kind: str, where: str, log: Log) -> None:
        self.kind, self.where, self.log = kind, where, log
        self.texts: dict[str, str] = {}
        self.series: dict[str, list[str]] = {}  # texts of what may be there more than once
        self.elements: dict[str, list[etree._Element]] = {}
        self.strays: list[etree._Element] = []
        places, texts = BY_TAG[log.version][kind], self.texts
        last = 0
        for child in element:
            place = places.get(child.tag) or self._stray(child)
            if place is None:
                continue
            name, order, how = place
            last = order if order >= last else in_order(name, order, last, self.noting(name))
            if not how or how == "!":  # first what is most often there: this loop is a third of all reading
                if name in texts:
                    self._again(name, child)
                else:
                    text = self._leaf(name, child) if len(child) else child.text or ""
                    texts[name] = text if how else text.strip()
            elif how == "*":
                self.elements.setdefault(name, []).append(child)
            elif how == "+":
                self.series.setdefault(name, []).append(words(child) if len(child) else child.text or "")

    def note(self, name: str, rule: str, says: str) -> None:
        self.log.note(f"{self.where}/{name}" if self.where else name, rule, says)

    def settle(self, name: str, rule: str) -> None:
        self.log.settle(f"{self.where}/{name}" if self.where else name, rule)

    def noting(self, name: str) -> Note:
        return partial(self.note, name)

    def missing(self, name: str, read_as: str) -> None:
        not_there(name, read_as, self.noting(name))

    def _leaf(self, name: str, child: etree._Element) -> str:
        not_known(str(child[0].tag).rpartition("}")[2], "words", self.noting(name))
        return words(child)

    def _again(self, name: str, child: etree._Element) -> None:
        only_once(name, self.noting(name))
        if not self.texts[name].strip():
            self.texts[name] = words(child).strip()

    def _stray(self, child: etree._Element) -> Place | None:
        """Give the place of what is not spelt as CAP does, or keep it for the part it should have stood in."""
        if not isinstance(child.tag, str):
            return None
        namespace, _, local = child.tag.rpartition("}")
        spelt = ALIASES.get(local.lower(), local.lower())
        place = BY_SPELLING[self.kind].get(spelt) if namespace[1:] in {"", *VERSIONS} else None
        deeper = DEEPER.get(self.kind, "")
        if place is None and namespace[1:] in VERSIONS and local in BY_NAME.get(deeper, {}):
            self.strays.append(child)
            not_known(local, f"part of {deeper}", self.noting(local[:40]))
            return None
        not_known(local, place.name if place else "", self.noting(place.name if place else local[:40]))
        return place

    def misplaced(self, kind: str) -> Part | None:
        """Give what stood one level too high as if it stood in a part of its own."""
        if not self.strays:
            return None
        holder = etree.Element(f"{{{NAMESPACE}}}{kind}")
        holder.extend([deepcopy(stray) for stray in self.strays])
        return Part(holder, kind, self.where, self.log)

    def parts(self, name: str) -> list[Part]:
        found = self.elements.get(name)
        if found is None:
            return []
        self.log.count(len(found))
        under = f"{self.where}/{name}" if self.where else name
        return [Part(child, name, f"{under}[{at}]", self.log) for at, child in enumerate(found)]

    def text(self, name: str) -> str:
        return self.texts.get(name, "")

    def many(self, name: str) -> tuple[str, ...]:
        return tuple([text for one in self.series.get(name, ()) if (text := one.strip())])

    def choice(self, name: str, known: Mapping[str, Choice], missing: Choice, unknown: Choice) -> Choice:
        text = self.texts.get(name, "")
        found = known.get(text)
        if found is not None:
            return found
        if name not in self.texts:
            self.missing(name, missing)
            return missing
        return read_choice(text, known, self.noting(name)) or unknown

    def choices(self, name: str, known: Mapping[str, Choice], unknown: Choice | None = None) -> tuple[Choice, ...]:
        texts = self.series.get(name, ())
        try:
            return tuple([known[text] for text in texts])
        except KeyError:
            found = [known.get(text) or read_choice(text, known, self.noting(name)) or unknown for text in texts]
            return tuple([choice for choice in found if choice is not None])

    def time(self, name: str) -> datetime | None:
        text = self.texts.get(name)
        if text is None:
            return None
        time = self.log.times.get(text) or strict_time(text)
        if time is None:
            return late_hour(text, self.noting(name), self.log.zone)
        self.log.zone = text[-6:]
        if text[-6:] == "+00:00":
            plus_zero(text, self.noting(name))
        self.log.times[text] = time
        return time

    def drawn(
        self, name: str, known: dict[str, tuple[Shape, ...]], read: Callable[[str, Note], tuple[Shape, ...]]
    ) -> tuple[Shape, ...]:
        """Read polygons or circles; one that an earlier info had too and that was sound is not read again."""
        found: list[Shape] = []
        for at, text in enumerate(self.series.get(name, ())):
            shapes = known.get(text)
            if shapes is None:
                before = len(self.log.warnings)
                shapes = read(text, self.noting(f"{name}[{at}]"))
                if before == len(self.log.warnings) < MOST_NOTED:
                    known[text] = shapes
            found += shapes
        return tuple(found)

    def pairs(self, name: str) -> tuple[Pair, ...]:
        found = self.elements.get(name)
        return tuple([self._pair(name, at, child) for at, child in enumerate(found)]) if found else ()

    def _pair(self, name: str, at: int, child: etree._Element) -> Pair:
        if len(child) == 2:
            one, two = child
            version = self.log.version
            named = one.tag == VALUE_NAMES[version] and two.tag == VALUES[version]
            if named and not len(one) and not len(two):
                return (one.text or "").strip(), (two.text or "").strip()
        return self._odd_pair(name, at, child)

    def _odd_pair(self, name: str, at: int, child: etree._Element) -> Pair:
        where = f"{self.where}/{name}[{at}]"
        if not len(child) and self.log.version == "1.0":  # which wrote name=value
            value_name, _, value = words(child).partition("=")
            return value_name.strip(), value.strip()
        part = Part(child, "pair", where, self.log)
        for wanted in ("valueName", "value"):
            if wanted not in part.texts:
                part.missing(wanted, "empty")
        return part.text("valueName"), part.text("value") or ("" if len(child) else words(child).strip())
