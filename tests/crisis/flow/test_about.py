"""About: a kit says the same of an alert as its words and its map, and nothing that is not known."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import pytest

from channels.contract import About, Limit, Notice
from channels.radio.radio import Radio
from crisis import db
from crisis.errors import NotFound
from crisis.flow import about
from crisis.flow.notices import Notices
from crisis.model.playbook import check_fit
from crisis.model.words import Purpose, fit, from_json
from tests.crisis.web.town import FLOOD, NOW, OFFICE, PLAYBOOKS, Town, shut_town

KIT = Limit(renditions=("radio", "kit"), most_parts=1, most_units=3000, measure=Radio.limit.measure)
DISPATCH = """
INSERT INTO dispatch (alert_id, channel, account, reach, urgent, expires)
VALUES ($1, 'radio', 'radio', 'posted', 0, now() + interval '1 day') RETURNING id
"""


class Carrier:
    """As much of a channel as notices look at."""

    name: ClassVar[str] = "radio"

    def __init__(self, *renditions: str) -> None:
        self.limit = replace(KIT, renditions=renditions)


@pytest.fixture
async def town(pool: db.Pool, tmp_path: Path) -> AsyncIterator[Town]:
    opened = shut_town(pool, tmp_path)
    yield opened
    await opened.client.close()


async def told(town: Town, alert_id: int, language: str = "id") -> About:
    return await town.house.about(alert_id, language)


async def test_a_kit_is_told_what_the_alert_says_of_itself(town: Town) -> None:
    """Facts, place, lists and numbers are the alert's own, in the language that was asked for."""
    found = await told(town, await town.alert(desc="Sungai Raya", posko="0561-765432"), "en")
    assert (found.agency, found.hazard, found.area) == (OFFICE.agency, "Flood", "Sungai Raya")
    assert (found.severity, found.urgency, found.certainty) == ("Severe", "Immediate", "Observed")
    assert (found.help_line, found.contact, found.source) == ("112", "0561-765432", "laporan warga")
    assert (found.code, found.check, found.version) == ("195", "https://siaga.example.go.id/check", 1)
    assert found.next_update is not None
    assert found.next_update > NOW
    assert found.do
    assert found.dont
    assert found.description
    assert "Flood" in found.short or "FLOOD" in found.short
    shape, stored = json.loads(found.outline), await town.pool.fetchval("SELECT geometry FROM alert")
    assert (shape["type"], stored["type"]) == ("MultiPolygon", "Polygon"), "however it was drawn"
    assert {(lon, lat) for lon, lat in shape["coordinates"][0][0]} == {tuple(at) for at in stored["coordinates"][0]}


async def test_a_kit_answers_what_residents_ask_at_this_level(town: Town) -> None:
    """The playbook's questions with the alert's own slots; those of other levels are left out."""
    alert_id = await town.alert(level="siaga", shelters=("SDN 05 Kuala Dua",), posko="0561-765432")
    asked = dict((await told(town, alert_id)).questions)
    assert asked["di mana tempat pengungsian"] == "Tempat pengungsian: SDN 05 Kuala Dua. Posko 0561-765432."
    mild = await told(town, await town.alert(level="potensi"))
    assert "di mana tempat pengungsian" not in dict(mild.questions)
    assert mild.questions


async def test_what_ends_an_alert_answers_no_questions_of_it(town: Town) -> None:
    """Who reads a cancel aloud must not be asked where the shelters are."""
    first = await town.alert()
    ending = await told(town, await town.alert(Purpose.CANCEL, after=first))
    assert (ending.questions, ending.version) == ((), 2)


async def test_a_playbook_that_is_gone_leaves_out_only_what_it_alone_knows(town: Town) -> None:
    """The kit still comes: words, map and facts are the alert's."""
    alert_id = await town.alert()
    row = dict(await town.pool.fetchrow(about.ALERT, alert_id) or {})
    whole, alone = (about.make(row, "id", OFFICE, book) for book in (FLOOD, None))
    assert whole.questions
    assert alone == replace(whole, questions=(), contact="")
    changed = about.make(row | {"slots": {"gone": 1}}, "id", OFFICE, FLOOD)
    assert changed == alone


async def test_no_alert_is_no_kit(town: Town) -> None:
    """A number of nobody's is told so."""
    with pytest.raises(NotFound, match="no alert 7"):
        await told(town, 7)


@pytest.mark.parametrize(
    ("renditions", "holds"),
    [(("radio",), (False, False)), (("cap",), (True, False)), (("radio", "kit"), (True, True))],
)
async def test_only_who_carries_a_kit_is_told_what_it_is_about(
    town: Town, renditions: tuple[str, ...], holds: tuple[bool, bool]
) -> None:
    """CAP goes to kits and to those that carry CAP alone, what it is about to kits alone."""
    alert_id = await town.alert()
    words = (await town.pool.fetchval("SELECT words FROM alert"))["id"]["radio"]
    await town.pool.execute("ALTER TABLE alert DISABLE TRIGGER alert_is_frozen")
    await town.pool.execute("UPDATE alert SET notices = $1", {"radio": {"id": words}})
    dispatch_id = await town.pool.fetchval(DISPATCH, alert_id)
    notices = Notices(OFFICE.public_url, town.house.cap, town.house.about)
    async with town.pool.acquire() as connection:
        await notices.of(connection, dispatch_id)
    notice: Notice = await notices.fit(dispatch_id, Carrier(*renditions), "id")  # type: ignore[arg-type]
    assert (bool(notice.document), notice.about is not None) == holds
    assert notice.home == (OFFICE.public_url if holds[1] else "")
    assert notice.text == words


async def test_a_kit_changes_no_word_that_an_approver_reads(town: Town) -> None:
    """The words of a channel that carries a kit are those of the same channel without."""
    await town.alert(lasts=timedelta(hours=2))
    stored = await town.pool.fetchval("SELECT words FROM alert")
    for words in from_json(stored).values():
        assert fit(words, KIT) == fit(words, Radio.limit) == words.radio
        assert fit(words, replace(KIT, most_units=10)) is None
    assert [f for book in PLAYBOOKS.values() for f in check_fit(book, {"radio": KIT})] == []
    faults = check_fit(FLOOD, {"radio": replace(KIT, most_units=50)})
    assert {f.field.rpartition(".")[2] for f in faults} == {"radio"}, "a fault names words, not the kit"
