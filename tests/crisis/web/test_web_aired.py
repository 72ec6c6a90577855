"""The read-back page: a station says when it aired an alert, on any phone, and nobody else learns anything."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import ClientResponse

from crisis import db
from crisis.model.alert import Mode
from crisis.web import aired
from tests.crisis.flow.radio import Air, officer
from tests.crisis.web.town import NOW, open_town

REF = "7QKMXW2H9RTBCDEF"
FORM = {"at": "2026-11-21T19:45", "by": "Pak Budi"}  # the alert left at 19.30 WIB


@pytest.fixture
async def air(pool: db.Pool, tmp_path: Path) -> AsyncIterator[Air]:
    async with open_town(pool, tmp_path) as town:
        await pool.execute("INSERT INTO officer (name, role, token_hash) VALUES ('Ani', 'admin', '\\x01')")
        yield Air(town=town, admin=officer())


async def sent(air: Air, mode: Mode = Mode.ACTUAL) -> int:
    """A station that took an alert; it is 19.50 WIB."""
    station = await air.station("RRI <Pro 1>")
    alert_id = await air.town.alert(mode=mode)
    dispatch_id, _ = await air.send(alert_id, mode.drill)
    await air.attempt(dispatch_id, station, refs=(REF,))
    air.town.later(timedelta(minutes=20))
    return alert_id


async def post(air: Air, path: str = f"/aired/{REF}", **form: str) -> tuple[int, str]:
    reply: ClientResponse = await air.town.client.post(path, data=FORM | form, allow_redirects=False)
    return reply.status, await reply.text()


async def stored(air: Air) -> list[tuple[str, str]]:
    return [(r["account"], r["ref"]) for r in await air.pool.fetch("SELECT account, ref FROM receipt ORDER BY ref")]


async def test_a_station_reports_on_a_plain_form_filled_in_with_now(air: Air) -> None:
    """What it is about, the time and zone, a name; no script, nothing others may keep, nobody's data."""
    await sent(air)
    page = await air.town.read(f"/aired/{REF}")
    for needed in ("<h1>Kapan disiarkan?</h1>", "RRI &lt;Pro 1&gt;", 'value="2026-11-21T19:50"', "(WIB)"):
        assert needed in page
    assert f'<form method="post" action="/aired/{REF}?lang=id">' in page
    assert "<script" not in page
    assert "LATIHAN" not in page
    english = await air.town.get(f"/aired/{REF}?lang=en")
    read = await english.text()
    assert "<h1>When was it on air?</h1>" in read
    assert "<strong>Flood warning for" in read, "whoever airs English never heard our other words"
    assert english.headers["Cache-Control"] == "no-store"
    status, thanks = await post(air)
    assert (status, await stored(air)) == (200, [("radio", REF)])
    assert "<h1>Terima kasih, sudah kami catat</h1>" in thanks
    assert "<dd>21 November 2026 pukul 19.45 WIB</dd>" in thanks
    assert "Budi" not in thanks, "whoever has the link may be anybody"
    row = await air.pool.fetchrow("SELECT how, officer_id, at, said_by FROM airing")
    assert row is not None
    assert (row["how"], row["officer_id"], row["at"]) == ("link", None, NOW + timedelta(minutes=15))
    assert air.vault.open(row["said_by"]) == "Pak Budi"


async def test_reported_twice_is_one_and_the_page_tells_what_is_on_record(air: Air) -> None:
    """Somebody pressed twice, or a colleague reports the second reading."""
    await sent(air)
    await post(air)
    _, again = await post(air)
    assert again.count("<dd>21 November 2026 pukul") == 2, "when it was sent, and the one airing"
    _, second = await post(air, at="19.48", by="Bu Sri")
    assert "pukul 19.45 WIB</dd>" in second
    assert "pukul 19.48 WIB</dd>" in second
    _, third = await post(air, by="Bu Sri")
    assert third.count("pukul 19.45 WIB</dd>") == 1, "two who tell of one airing"
    assert len(await stored(air)) == 1


async def test_a_wrong_word_is_told_beside_the_form_and_not_kept(air: Air) -> None:
    """What was typed stays, up to what fits."""
    await sent(air)
    for form, says in [
        ({"at": ""}, "Jamnya tidak terbaca"),
        ({"at": "tadi malam"}, "Jamnya tidak terbaca"),
        ({"at": "9" * 5000}, "Jamnya tidak terbaca"),
        ({"at": "2026-11-21T20:00"}, "Jam itu belum tiba"),
        ({"at": "2026-11-21T19:29"}, "baru dikirim 21 November 2026 pukul 19.30 WIB"),
        ({"by": "  "}, "Tulis nama yang melaporkan"),
        ({"by": "\u202e"}, "Tulis nama yang melaporkan"),
        ({"by": "x" * 81}, "Tulis nama yang melaporkan"),
    ]:
        status, page = await post(air, **form)
        assert (status, says in page, await stored(air)) == (400, True, [])
        assert '<form method="post"' in page
        assert "x" * 81 not in page


async def test_a_drill_looks_like_one(air: Air) -> None:
    """By either path, as every page of an exercise does, and counted for the account of exercises."""
    await sent(air, Mode.EXERCISE)
    for front in ("", "/exercise"):
        page = await air.town.read(f"{front}/aired/{REF}")
        assert 'class="drill"' in page
        assert f'action="{front}/aired/{REF}?lang=id"' in page
    assert (await post(air, f"/exercise/aired/{REF}"))[0] == 200
    assert await stored(air) == [("radio/exercise", REF)]


async def test_a_code_of_nobody_is_a_clear_page(air: Air) -> None:
    """404 and a sentence, on reading and on reporting."""
    await sent(air)
    for ref in ["2222222222222222", "195", "%00", "%3Cscript%3E", "x" * 300, "a%2Fb"]:
        page = await air.town.read(f"/aired/{ref}", 404)
        assert "Tidak ada siaran dengan kode ini" in page
        assert "<script>" not in page
        assert (await post(air, f"/aired/{ref}"))[0] == 404


async def test_who_tries_codes_is_held_back_and_stations_are_not(air: Air) -> None:
    """Thirty wrong ones in ten minutes, then none; a right one is still heard."""
    await sent(air)
    for n in range(aired.MISSES):
        await air.town.read(f"/aired/{n}", 404)
    reply = await air.town.get("/aired/99")
    assert (reply.status, reply.headers["Retry-After"]) == (429, "600")
    assert (await post(air))[0] == 200
    air.town.later(timedelta(minutes=11))
    await air.town.read("/aired/99", 404)


async def test_a_flood_of_words_and_what_is_no_form_are_refused(air: Air) -> None:
    """Bounded in number and in size."""
    await sent(air)
    reply = await air.town.client.post(f"/aired/{REF}", json=FORM)
    assert (reply.status, "tidak dapat dibaca" in await reply.text()) == (400, True)
    assert (await post(air, note="x" * 50_000))[0] == 400
    for _ in range(aired.PER_ADDRESS):
        assert (await post(air))[0] == 200
    assert (await post(air))[0] == 429


async def test_who_has_the_code_on_paper_types_it(air: Air) -> None:
    """The bare page asks for it and leads on, however it is spelt."""
    await sent(air)
    form = await air.town.read("/exercise/aired")
    assert '<form method="get" action="/exercise/aired">' in form
    assert "16 huruf dan angka" in form
    reply = await air.town.client.get("/aired?code=7qkm+xw2h-9rtb+cdef&lang=en", allow_redirects=False)
    assert (reply.status, reply.headers["Location"]) == (303, "/aired/7qkm%20xw2h-9rtb%20cdef?lang=en")
    assert "RRI &lt;Pro 1&gt;" in await air.town.read(reply.headers["Location"])
    odd = await air.town.client.get("/aired?code=//evil.example/%0d%0aX:1", allow_redirects=False)
    assert odd.headers["Location"] == "/aired/%2F%2Fevil.example%2F%0D%0AX%3A1?lang=id"
    await air.town.read(odd.headers["Location"], 404)
