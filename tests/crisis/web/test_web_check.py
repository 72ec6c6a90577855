"""The page that tells whether an alert is real: how it stands, what to do with a false one, or look again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from crisis import db
from crisis.model.alert import Mode
from crisis.model.code import spell
from crisis.model.words import Purpose
from tests.crisis.web.town import DRAFTS, HOUR, OFFICE, Town, open_town


@pytest.fixture(name="town")
async def open_door(pool: db.Pool, tmp_path: Path) -> AsyncIterator[Town]:
    async with open_town(pool, tmp_path) as town:
        yield town


async def test_the_code_of_an_alert_in_force_is_confirmed_with_all_to_compare(town: Town) -> None:
    """Agency, headline, area, times, how it stands, and the words as they left, in both languages."""
    alert = await town.alert()
    page = await town.read(f"/check/{spell(alert)}")
    assert "<h1>Ya, peringatan ini dari kami</h1>" in page
    assert "Masih berlaku." in page
    for needed in (OFFICE.agency, "Sungai Raya", "22 November 2026 pukul 01.30 WIB", f"Kode {spell(alert)}"):
        assert needed in page
    assert 'lang="en"' in page
    english = await town.read(f"/check/{spell(alert)}?lang=en")
    assert "<h1>Yes, this alert is ours</h1>" in english
    assert "It is in force." in english
    assert f'href="/a/{alert}?lang=en"' in english


async def test_the_form_finds_a_code_however_it_is_typed(town: Town) -> None:
    """A plain GET form without JavaScript, for the oldest phones."""
    alert = await town.alert()
    form = await town.read("/check")
    assert '<form method="get" action="/check">' in form
    assert 'inputmode="numeric"' in form
    assert "<script" not in form
    for typed in (spell(alert), "+".join(spell(alert)), f"Kode+{spell(alert)}.", f"kode:+{'-'.join(spell(alert))}"):
        assert "Ya, peringatan ini dari kami" in await town.read(f"/check?code={typed}&lang=id")


@pytest.mark.parametrize(
    ("typed", "status", "says"),
    [
        ("12321", 400, "Check the digits"),
        ("13220", 400, "Check the digits"),
        ("12320", 404, "We have not sent an alert with this code. Do not pass it on."),
        ("", 400, "This is not a code"),
        ("banjir", 400, "This is not a code"),
        ("9" * 40, 400, "This is not a code"),
        ("%3Cscript%3Ealert(1)%3C/script%3E", 400, "This is not a code"),
        ("%00%FF", 400, "This is not a code"),
    ],
)
async def test_what_is_not_ours_is_told_apart_from_a_slip(town: Town, typed: str, status: int, says: str) -> None:
    """Only a code that is right and unknown is called not ours; that page names the number to call."""
    page = await town.read(f"/check?code={typed}&lang=en", status)
    assert says in page
    assert "<script" not in page
    if status == 404:
        assert f"call {OFFICE.help_line}" in page


@pytest.mark.parametrize("state", DRAFTS)
async def test_an_alert_that_was_not_released_is_not_confirmed(town: Town, state: str) -> None:
    """Nobody learns of a draft by trying codes; once it is released it is confirmed at once."""
    alert = await town.alert(state=state)
    await town.read(f"/check/{spell(alert)}", 404)


@pytest.mark.parametrize(
    ("mode", "title"),
    [(Mode.EXERCISE, "Ini LATIHAN dari kami, bukan kejadian sebenarnya"), (Mode.TEST, "Ini UJI COBA dari kami")],
)
async def test_an_exercise_is_never_taken_for_the_real_thing(town: Town, mode: Mode, title: str) -> None:
    """Its own title, and the sign of a drill above it."""
    alert = await town.alert(mode=mode)
    page = await town.read(f"/check/{spell(alert)}")
    assert f"<h1>{title}" in page
    assert 'class="drill-sign"' in page
    assert "Latihan atau uji coba ini masih berlangsung." in page
    assert "Ya, peringatan ini dari kami" not in page


async def test_what_no_longer_holds_says_so_and_leads_to_the_latest(town: Town) -> None:
    """Replaced, withdrawn, expired, all clear: the same code tells how it stands now."""
    first = await town.alert()
    second = await town.alert(Purpose.UPDATE, after=first)
    page = await town.read(f"/check/{spell(first)}?lang=en")
    assert "NO LONGER IN FORCE: there is newer word." in page
    assert f'href="/a/{second}?lang=en"' in page
    assert f"Code {spell(second)}" in page
    clear = await town.alert(Purpose.ALL_CLEAR, after=second)
    assert "it gives the all-clear" in await town.read(f"/check/{spell(clear)}?lang=en")
    false = await town.alert()
    cancel = await town.alert(Purpose.CANCEL, after=false)
    assert "it was withdrawn" in await town.read(f"/check/{spell(false)}?lang=en")
    assert "it withdraws an earlier alert" in await town.read(f"/check/{spell(cancel)}?lang=en")
    short = await town.alert(lasts=HOUR)
    town.later(HOUR + timedelta(seconds=1))
    assert "it has expired" in await town.read(f"/check/{spell(short)}?lang=en")


async def test_every_page_of_an_alert_shows_its_code_and_leads_to_the_check(town: Town) -> None:
    """The alert's page with its code, every page in its footer."""
    alert = await town.alert()
    assert f'href="/check/{spell(alert)}?lang=id"' in await town.read(f"/a/{alert}")
    assert 'href="/check?lang=id"' in await town.read("/")
