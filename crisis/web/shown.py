"""Decides how an alert looks to residents at a moment: in force or ended, its colour, its words in a language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from crisis.cap.compose import in_order
from crisis.model.alert import ENDING, AlertState
from crisis.model.code import spell
from crisis.model.phrases import long_time, tongue
from crisis.model.playbook import Playbook
from crisis.model.words import Purpose, Words
from crisis.web.labels import label_language, labels

COLOURS = {"Extreme": "extreme", "Severe": "severe", "Moderate": "moderate"}

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lists:
    """What to do and not to do under their headings."""

    do: str
    dont: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One alert as a page shows it; `others` are its words in the other languages."""

    id: int
    identifier: str
    code: str
    marker: str  # LATIHAN, UJI COBA, or nothing
    in_force: bool
    ends: bool  # a cancel or all-clear: it warns of nothing
    colour: str
    level: str
    words: Words
    others: tuple[Words, ...]
    heads: Mapping[str, Lists]
    area: str
    source: str
    issued: str
    until: str
    next_update: str
    ended: str  # how it ended; empty while in force
    ended_at: str
    next_id: int | None  # the latest alert that took its place


def in_force(row: Row, now: datetime) -> bool:
    """Tell whether an alert holds: released, not replaced, and before its expiry, ticked or not."""
    holds: bool = row["state"] == AlertState.LIVE and row["expires"] > now
    return holds


def warns(row: Row, now: datetime) -> bool:
    """Tell whether an alert holds and is a warning, not the end of one."""
    return in_force(row, now) and Purpose(row["purpose"]) not in ENDING


def ended_at(row: Row, now: datetime) -> datetime:
    """Give when an ended alert ended: replaced, or expired before that."""
    expires: datetime = row["expires"]
    return min(expires, row["replaced_at"] or expires, now)


def card(row: Row, language: str, playbooks: Mapping[str, Playbook], zone: ZoneInfo, now: datetime) -> Card:
    """Show an alert in a language, or in its default one where it has no such words."""
    every = in_order(row)
    words = next((one for one in every if one.language == language), every[0])
    speech = tongue(words.language)
    holds, ends = in_force(row, now), Purpose(row["purpose"]) in ENDING
    return Card(
        id=row["id"],
        identifier=row["identifier"],
        code=spell(row["id"]),
        marker={"Exercise": speech.exercise, "Test": speech.test}.get(row["mode"], ""),
        in_force=holds,
        ends=ends,
        colour="safe" if ends else COLOURS.get(row["facts"]["severity"], "minor"),
        level=_level(row, language, playbooks),
        words=words,
        others=tuple(one for one in every if one is not words),
        heads={w.language: Lists(do=tongue(w.language).do, dont=tongue(w.language).dont) for w in every},
        area=row["area_desc"],
        source=row["source"],
        issued=_time(row["sent"], language, zone),
        until=_time(row["expires"], language, zone),
        next_update=_time(row["next_update"], language, zone),
        ended="" if holds else labels(language)[_how(row)],
        ended_at="" if holds else _time(ended_at(row, now), language, zone),
        next_id=row["replaced_by"],
    )


def cards(
    rows: Sequence[Row], language: str, playbooks: Mapping[str, Playbook], zone: ZoneInfo, now: datetime
) -> list[Card]:
    """Show several alerts, in their order."""
    return [card(row, language, playbooks, zone, now) for row in rows]


def _level(row: Row, language: str, playbooks: Mapping[str, Playbook]) -> str:
    """Name the level, or what kind of end it is; a playbook that is gone leaves its id."""
    spoken, purpose = labels(language), Purpose(row["purpose"])
    if purpose in ENDING:
        return spoken[purpose.value]
    playbook = playbooks.get(row["playbook"])
    level = playbook.levels.get(row["level"]) if playbook else None
    title = level.title.get(language) or next(iter(level.title.values())) if level else row["level"].capitalize()
    return f"{spoken['correction']}: {title}" if purpose is Purpose.CORRECTION else title


def _how(row: Row) -> str:
    state = row["state"]
    return str(state) if state in {AlertState.SUPERSEDED, AlertState.CANCELLED} else AlertState.EXPIRED.value


def _time(moment: datetime | None, language: str, zone: ZoneInfo) -> str:
    return long_time(moment.astimezone(zone), label_language(language)) if moment else ""
