"""About: what an alert is about beside its words, for channels that carry a whole kit: paper, maps, questions."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from channels.contract import About
from crisis import db, log
from crisis.errors import BadInput, NotFound
from crisis.model import slots as slotting
from crisis.model.alert import ENDING
from crisis.model.area import from_geojson, to_geojson
from crisis.model.code import spell
from crisis.model.office import Office
from crisis.model.playbook import PhoneSlot, Playbook, Question
from crisis.model.slots import Value
from crisis.model.words import Facts, Purpose, render_answer

logger = log.get("about")

ALERT = """
SELECT id, number, purpose, playbook, level, facts, slots, words, notices -> 'sms' AS sms, area_desc,
       geometry::text AS outline, source, sent, expires, next_update
FROM alert WHERE id = $1
"""

Row = Mapping[str, Any]


async def of_alert(
    pool: db.Pool, alert_id: int, language: str, office: Office, playbooks: Mapping[str, Playbook]
) -> About:
    """Tell what an alert is about in one of its languages; raise NotFound where there is no such alert."""
    row = await pool.fetchrow(ALERT, alert_id)
    if row is None:
        raise NotFound(f"there is no alert {alert_id}")
    # Beside the loop, for a coast has many thousand points.
    return await asyncio.to_thread(make, dict(row), language, office, playbooks.get(row["playbook"]))


def make(row: Row, language: str, office: Office, playbook: Playbook | None) -> About:
    """Tell what an alert row is about; a playbook that is gone or has changed leaves out what only it knows."""
    facts, words = row["facts"], row["words"][language]
    slots = _slots(row, playbook)
    return About(
        agency=office.agency,
        hazard=_in(facts["event"], language),
        severity=facts["severity"],
        urgency=facts["urgency"],
        certainty=facts["certainty"],
        area=row["area_desc"],
        outline=json.dumps(to_geojson(from_geojson(row["outline"])), separators=(",", ":")),
        onset=datetime.fromisoformat(facts["onset"]) if facts.get("onset") else None,
        next_update=row["next_update"],
        source=row["source"] or office.agency,
        help_line=office.help_line,
        contact=_phone(playbook, slots),
        description=words["long"],
        do=tuple(words["do"]),
        dont=tuple(words["dont"]),
        short=(row["sms"] or {}).get(language) or words["short"],
        questions=_questions(row, language, office, playbook, slots),
        code=spell(row["id"]),
        check=office.check_link,
        version=row["number"],
    )


def _in(by_language: Mapping[str, str], language: str) -> str:
    return by_language.get(language) or next(iter(by_language.values()), "")


def _slots(row: Row, playbook: Playbook | None) -> Mapping[str, Value] | None:
    """Read the slots as they were filled; None where the playbook was changed since and does not know them."""
    if playbook is None or row["level"] not in playbook.levels:
        return None
    try:
        return slotting.parse(playbook, row["slots"], level=row["level"])
    except BadInput:
        return None


def _phone(playbook: Playbook | None, slots: Mapping[str, Value] | None) -> str:
    """Give the number of the command post: the first phone of the playbook that is filled in."""
    if playbook is None or slots is None:
        return ""
    phones = (slots.get(name) for name, slot in playbook.slots.items() if isinstance(slot, PhoneSlot))
    return next((str(phone) for phone in phones if phone), "")


def _questions(
    row: Row, language: str, office: Office, playbook: Playbook | None, slots: Mapping[str, Value] | None
) -> tuple[tuple[str, str], ...]:
    """Give the playbook's questions that are answered at this level; of an alert that ends all, none."""
    if playbook is None or slots is None or Purpose(row["purpose"]) in ENDING:
        return ()
    facts = _facts(row, language, office, playbook)
    found = []
    for question in playbook.questions:
        if question.levels and row["level"] not in question.levels:
            continue
        if pair := _pair(question, language, playbook, slots, facts):
            found.append(pair)
    return tuple(found)


def _pair(
    question: Question, language: str, playbook: Playbook, slots: Mapping[str, Value], facts: Facts
) -> tuple[str, str] | None:
    asked = question.ask.get(language)
    try:
        answer = render_answer(playbook, question.id, language, slots, facts)
    except Exception:  # whatever it is: a bulletin is never held back for want of an answer
        logger.exception("about.not_answered", playbook=playbook.playbook, question=question.id)
        return None
    return (asked[0], answer) if asked and answer else None


def _facts(row: Row, language: str, office: Office, playbook: Playbook) -> Facts:
    return Facts(
        agency=office.agency,
        area=row["area_desc"],
        sent=row["sent"],
        until=row["expires"],
        next_update=row["next_update"],
        source=row["source"] or office.agency,
        zone=office.zone,
        level=_in(playbook.levels[row["level"]].title, language),
        link=office.link(row["id"]),
        help_line=office.help_line,
    )
