"""Specimens: the words of a playbook as they would go out, its slots filled with their examples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from channels.contract import Limit
from crisis.app import limits_of_channels, office_of
from crisis.errors import NotFound
from crisis.model import slots as slotting
from crisis.model.code import spell
from crisis.model.office import Office
from crisis.model.playbook import NOT_PLAYBOOKS, Playbook, load
from crisis.model.words import Facts, Purpose, Words, fit, render
from crisis.settings import Settings

FOLLOW_UPS = (Purpose.CORRECTION, Purpose.CANCEL, Purpose.ALL_CLEAR)
REASON = {"id": "contoh alasan", "en": "example of a reason"}
AREA = {"id": "contoh wilayah", "en": "example area"}


def specimens(settings: Settings, name: str, level: str | None, language: str | None) -> dict[str, Any]:
    """Render a playbook for every channel: one level, or all and what follows them; in one language or all.

    Raise NotFound naming what there is, BadPlaybook if the file is wrong.
    """
    playbook = _find(settings.playbooks, name)
    _must_have(playbook, "level", level, list(playbook.levels))
    _must_have(playbook, "language", language, list(playbook.languages))
    limits = limits_of_channels()
    parts = {
        part: [row for row in _rows(part, playbook, words, limits) if language in (None, row["language"])]
        for part, words in _parts(playbook, level, office_of(settings))
    }
    return {
        "playbook": playbook.playbook,
        "version": playbook.version,
        "slots": {slot: fields.example for slot, fields in playbook.slots.items()},
        "parts": list(parts),
        "renditions": [row for rows in parts.values() for row in rows],
    }


def _find(folder: Path, name: str) -> Playbook:
    file = Path(name) if name.endswith((".yaml", ".yml")) else folder / f"{name}.yaml"
    if not file.is_file():
        there = sorted(path.stem for path in folder.glob("*.yaml") if path.name not in NOT_PLAYBOOKS)
        raise NotFound(f"there is no playbook {name} in {folder}; there are {', '.join(there) or 'none'}")
    return load(file)


def _must_have(playbook: Playbook, what: str, wanted: str | None, there: list[str]) -> None:
    if wanted is not None and wanted not in there:
        raise NotFound(f"playbook {playbook.playbook} has no {what} {wanted!r}; it has {', '.join(there)}")


def _parts(playbook: Playbook, level: str | None, office: Office) -> Iterator[tuple[str, Mapping[str, Words]]]:
    slots = slotting.parse(playbook, {name: slot.example for name, slot in playbook.slots.items()})
    for one in [level] if level else playbook.levels:
        yield one, render(playbook, Purpose.ALERT, one, slots, _facts(playbook, one, office))
    worst = list(playbook.levels)[-1]
    for purpose in () if level else FOLLOW_UPS:
        yield purpose.value, render(playbook, purpose, worst, slots, _facts(playbook, worst, office))


def _facts(playbook: Playbook, level: str, office: Office) -> Facts:
    now = datetime.now(UTC)
    rhythm = playbook.levels[level]
    return Facts(
        agency=office.agency,
        area=AREA,
        sent=now,
        until=now + rhythm.expires_after,
        next_update=now + rhythm.update_every,
        source=office.agency,
        zone=office.zone,
        number=1,
        reason=REASON,
        link=office.link(1),
        help_line=office.help_line,
        code=spell(1),
        check=office.check_link,
    )


def _rows(
    part: str, playbook: Playbook, words: Mapping[str, Words], limits: Mapping[str, Limit]
) -> Iterator[dict[str, Any]]:
    for channel in playbook.channels:
        for language, said in words.items():
            if channel not in limits or (text := fit(said, limits[channel])) is None:
                continue  # `playbook check` tells of words that fit nowhere
            size = limits[channel].measure(text)
            yield {
                "part": part,
                "channel": channel,
                "language": language,
                "text": text,
                "units": size.units,
                "parts": size.parts,
                "encoding": size.encoding,
            }
