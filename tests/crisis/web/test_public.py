"""The residents' door: what is in force and nothing else, in their language, safely, and quickly."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
from lxml import etree

from crisis import db
from crisis.cap.read import read
from crisis.model.alert import Mode
from crisis.model.words import Purpose
from crisis.web.ask import client_address
from crisis.web.labels import _EN, _ID, accepted
from tests.crisis.web.town import DRAFTS, FLOOD, HOUR, NOW, OFFICE, Town, open_town

NONE_NOW = "Tidak ada peringatan yang berlaku saat ini"


@pytest.fixture(name="town")
async def open_door(pool: db.Pool, tmp_path: Path) -> AsyncIterator[Town]:
    async with open_town(pool, tmp_path) as town:
        yield town


async def test_an_alert_in_force_is_on_the_front_page_with_all_one_needs(town: Town) -> None:
    """Level, headline, area, until when, next update, what to do, and the way to all of it, in both languages."""
    alert = await town.alert()
    page = await town.read("/")
    assert '<html lang="id">' in page
    assert "<h1>Peringatan yang berlaku</h1>" in page
    for needed in ("Siaga", "Sungai Raya", "Berlaku sampai", "22 November 2026 pukul 01.30 WIB", "Kabar berikutnya"):
        assert needed in page
    for said in (FLOOD.levels["siaga"].words["id"].do[0], FLOOD.levels["siaga"].words["id"].dont[0]):
        assert said in page
    assert f'href="/a/{alert}?lang=id"' in page
    assert '<p class="also" lang="en">' in page
    assert "LATIHAN" not in page


async def test_when_nothing_holds_the_page_says_so_and_when_it_looked(town: Town) -> None:
    """Silence is told apart from a page that broke."""
    page = await town.read("/")
    assert f"<h1>{NONE_NOW}</h1>" in page
    assert "Diperiksa 21 November 2026 pukul 19.30 WIB" in page


@pytest.mark.parametrize(("lang", "header", "title"), [
    ("?lang=en", "id", "Alerts in force"),
    ("", "en-US,en;q=0.9,id;q=0.5", "Alerts in force"),
    ("", "in-ID, en;q=0.5", "Peringatan yang berlaku"),
    ("?lang=xx", "fr", "Peringatan yang berlaku"),
])  # fmt: skip
async def test_the_language_is_the_one_asked_for(town: Town, lang: str, header: str, title: str) -> None:
    """By link, then by browser, else Indonesian; each page links to the other language."""
    await town.alert()
    page = await (await town.get(f"/{lang}", **{"Accept-Language": header})).text()
    assert f"<h1>{title}</h1>" in page
    assert 'hreflang="' in page


def test_labels_say_the_same_in_both_languages() -> None:
    """No page breaks in one language only, and every place for a value is in both."""
    places = [{key: sorted(re.findall(r"{\w+}", text)) for key, text in words.items()} for words in (_ID, _EN)]
    assert places[0] == places[1]


def test_a_broken_language_header_gives_the_first_language() -> None:
    """Whatever a browser sends, a resident gets a page."""
    assert accepted("en;q=x, ;;,", ("id", "en")) == "en"
    assert accepted("*" * 9000, ("id", "en")) == "id"


@pytest.mark.parametrize("state", DRAFTS)
async def test_what_was_not_released_is_nowhere(town: Town, state: str) -> None:
    """Drafts are no page, no CAP, no entry and no line on the front page."""
    alert = await town.alert(state=state)
    assert NONE_NOW in await town.read("/")
    await town.read(f"/a/{alert}", 404)
    await town.read(f"/a/{alert}.xml", 404)
    assert "<entry" not in await town.read("/feed.atom")


async def test_an_alert_appears_the_moment_it_is_released(town: Town) -> None:
    """A page read as missing a moment ago is not remembered as missing."""
    alert = await town.alert(state="pending")
    await town.read(f"/a/{alert}", 404)
    await town.read("/")
    await town.pool.execute("UPDATE alert SET state = 'live', sent = $2 WHERE id = $1", alert, NOW)
    await town.read(f"/a/{alert}")
    town.house.alerts.tell()
    assert f"/a/{alert}?" in await town.read("/")


async def test_past_its_expiry_nothing_is_shown_as_in_force_though_the_clock_has_not_ticked(town: Town) -> None:
    """To the second, on pages kept from before, in the feed too."""
    alert = await town.alert(lasts=HOUR)
    town.later(HOUR - timedelta(seconds=1))
    reply = await town.get("/feed.atom")
    assert "<entry" in await reply.text()
    assert reply.headers["Cache-Control"] == "public, max-age=1"
    assert NONE_NOW not in await town.read("/")
    await town.read(f"/a/{alert}")
    town.later(timedelta(seconds=1))
    front = await town.read("/")
    assert NONE_NOW in front
    assert "Masa berlakunya habis" in front
    assert "TIDAK BERLAKU LAGI" in await town.read(f"/a/{alert}")
    assert "<entry" not in await town.read("/feed.atom")


async def test_what_was_replaced_leads_to_what_replaced_it(town: Town) -> None:
    """Nobody acts on old words: the page says they ended and links to the latest of the chain."""
    first = await town.alert()
    town.later(HOUR)
    second = await town.alert(Purpose.UPDATE, after=first)
    third = await town.alert(Purpose.UPDATE, after=second)
    for old in (first, second):
        page = await town.read(f"/a/{old}")
        assert "TIDAK BERLAKU LAGI" in page
        assert "Diganti: 21 November 2026 pukul 20.30 WIB" in page
        assert f'<a href="/a/{third}?lang=id">Baca kabar terbaru</a>' in page
    front = await town.read("/")
    assert front.count("<article") == 1
    assert "Berakhir dalam 24 jam terakhir" in front


@pytest.mark.parametrize(("purpose", "title"), [(Purpose.ALL_CLEAR, "Sudah aman"), (Purpose.CANCEL, "dicabut")])
async def test_an_end_is_shown_and_warns_of_nothing(town: Town, purpose: Purpose, title: str) -> None:
    """An all-clear or cancel is no alert in force, but it is there to read, and in the feed."""
    first = await town.alert()
    last = await town.alert(purpose, after=first)
    front = await town.read("/")
    assert NONE_NOW in front
    assert title in front
    warning = await town.alert(level="waspada")
    both = await town.read("/")
    assert NONE_NOW not in both
    assert both.index(f'id="a{warning}"') < both.index(f'id="a{last}"')
    assert 'class="card safe"' in front
    assert f"/a/{last}.xml" in await town.read("/feed.atom")


async def test_what_ended_more_than_a_day_ago_is_gone_from_the_front_page_only(town: Town) -> None:
    """The front page stays short; the link in an old SMS still leads somewhere true."""
    alert = await town.alert(lasts=HOUR)
    town.later(24 * HOUR)
    assert "Masa berlakunya habis" in await town.read("/")
    town.later(HOUR)
    assert "Masa berlakunya habis" not in await town.read("/")
    assert "TIDAK BERLAKU LAGI" in await town.read(f"/a/{alert}")


@pytest.mark.parametrize(("mode", "marker"), [(Mode.EXERCISE, "LATIHAN"), (Mode.TEST, "UJI COBA")])
async def test_exercises_are_apart_and_unmistakable(town: Town, mode: Mode, marker: str) -> None:
    """A drill is never on the real page or feed, and each of its own pages says at the top what it is."""
    alert = await town.alert(mode=mode)
    assert NONE_NOW in await town.read("/")
    assert "<entry" not in await town.read("/feed.atom")
    for path in ("/exercise", f"/a/{alert}"):
        page = await town.read(path)
        assert '<html lang="id" class="drill">' in page
        assert '<strong>LATIHAN / <span lang="en">EXERCISE</span></strong>' in page
        assert f'<span class="marker">{marker}</span>' in page
    feed = await town.read("/exercise/feed.atom")
    assert f"<title>{marker}: " in feed
    assert "LATIHAN / EXERCISE: BPBD" in feed
    real = await town.alert()
    assert f"/a/{real}?" not in await town.read("/exercise")


async def test_hostile_text_is_only_text(town: Town) -> None:
    """What somebody typed as a place never becomes markup, on any page or in any feed."""
    bad = "<script>alert(1)</script>\"'"
    alert = await town.alert(desc=bad, place="<img src=x onerror=y>")
    for path in ("/", f"/a/{alert}", "/?lang=en"):
        page = await town.read(path)
        assert "<script" not in page
        assert "<img" not in page
        assert "&lt;script&gt;" in page
    assert read((await town.read(f"/a/{alert}.xml")).encode()).alert.infos[0].areas[0].desc == bad
    etree.fromstring((await town.read("/feed.atom")).encode())


async def test_the_page_proves_itself_to_the_page_channel(town: Town) -> None:
    """Words in all languages and the CAP identifier are on the alert's own page."""
    alert = await town.alert()
    page = await town.read(f"/a/{alert}")
    assert OFFICE.identifier(alert, 2026) in page
    assert '<section class="card other" lang="en">' in page
    assert page.count("<h1") == 1


async def test_cap_is_served_whole_and_once(town: Town) -> None:
    """The document is what compose wrote, refers to its chain, and is not sent again to who has it."""
    first = await town.alert()
    last = await town.alert(Purpose.CANCEL, after=first)
    reply = await town.get(f"/a/{last}.xml")
    assert reply.headers["Content-Type"].startswith("application/cap+xml")
    alert = read(await reply.read()).alert
    assert (alert.msg_type, [r.identifier for r in alert.references]) == ("Cancel", [OFFICE.identifier(first, 2026)])
    again = await town.get(f"/a/{last}.xml", **{"If-None-Match": reply.headers["ETag"]})
    assert (again.status, await again.read()) == (304, b"")
    assert (await town.get(f"/a/{last}.xml", **{"If-None-Match": '"other"'})).status == 200


async def test_a_feed_changes_its_tag_and_its_date_with_its_list_only(town: Town) -> None:
    """Who polls pays for news only, and never misses any: neither a release nor an expiry."""
    before = await town.get("/feed.atom")
    alert = await town.alert(lasts=HOUR)
    tags, dates = [before.headers["ETag"]], [_updated(await before.read())]
    for wait, news in ((timedelta(), True), (timedelta(minutes=5), False), (HOUR, True)):
        town.later(wait)
        reply = await town.get("/feed.atom", **{"If-None-Match": tags[-1]})
        assert (reply.status == 200) is news
        if news:
            tags.append(reply.headers["ETag"])
            dates.append(_updated(await reply.read()))
    assert len(set(tags)) == 3
    assert dates == sorted(set(dates))
    assert f"/a/{alert}.xml" not in await town.read("/feed.atom")


def _updated(feed: bytes) -> str:
    return str(etree.fromstring(feed).findtext("{http://www.w3.org/2005/Atom}updated"))


@pytest.mark.parametrize("path", ["/", "/exercise", "/a/1", "/a/1.xml", "/feed.atom", "/ask", "/a/99", "/radio/x"])
async def test_every_reply_keeps_a_browser_safe(town: Town, path: str) -> None:
    """No page runs or frames what is not ours, and no address of a page leaks to others."""
    await town.alert()
    headers = (await town.get(path)).headers
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert (headers["X-Content-Type-Options"], headers["Referrer-Policy"]) == ("nosniff", "no-referrer")


async def test_pages_are_small_and_need_no_script(town: Town) -> None:
    """Three alerts at once fit the first packets of a bad connection, style included."""
    for level in ("waspada", "siaga", "awas"):
        await town.alert(level=level)
    page = await town.read("/")
    style = await town.read(re.findall(r'rel="stylesheet" href="([^"]+)"', page)[0])
    assert "<script" not in page
    sizes = {path: len((await town.read(path)).encode()) for path in ("/", "/a/1", "/ask", "/exercise")}
    assert max(sizes.values()) < 14_000, sizes
    assert len(style.encode()) < 6_000
    packed = await town.client.get("/", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"


async def test_a_lost_database_leaves_the_last_reading_and_says_how_old_it_is(
    town: Town, free_port: Callable[[], int]
) -> None:
    """What was in force is still shown; after a minute the page no longer claims that nothing else is."""
    await town.alert(lasts=HOUR)
    await town.read("/")
    town.house.pool = await asyncpg.create_pool(f"postgresql://x@127.0.0.1:{free_port()}/x", min_size=0)
    town.later(timedelta(seconds=90))
    page = await town.read("/")
    assert "belum dapat diperbarui sejak 21 November 2026 pukul 19.30 WIB" in page
    assert 'class="card severe"' in page
    town.later(HOUR)
    assert "Kami belum dapat memeriksa apakah ada peringatan" in await town.read("/")
    assert "telepon 112" in await town.read("/a/77", 503)


async def test_the_radio_folder_shows_its_feed_and_kits_and_nothing_else(town: Town, tmp_path: Path) -> None:
    """No way out of the folder, and none to what is unfinished, aired, or internal."""
    radio = tmp_path / "radio"
    inside = radio / "banjir-1-id"
    for name in (
        "text/script.txt",
        "audio/bulletin-1.mp3",
        "bulletin.json",
        ".script.txt.part",
        "SHA256SUMS",
        "listen.html",
    ):
        (inside / name).parent.mkdir(parents=True, exist_ok=True)
        (inside / name).write_text("isi")
    (radio / "feed.xml").write_text("<rss/>")
    (radio / "banjir-1-id.zip").write_text("PK")
    (tmp_path / "secret.txt").write_text("rahasia")
    (inside / "way-out.txt").symlink_to(tmp_path / "secret.txt")
    assert (await town.get("/radio/feed.xml")).headers["Content-Type"].startswith("application/rss+xml")
    assert (await town.get("/radio/banjir-1-id/audio/bulletin-1.mp3")).headers["Content-Type"] == "audio/mpeg"
    assert (await town.get("/radio/banjir-1-id.zip")).headers["Content-Type"] == "application/zip"
    assert "unsafe-inline" in (await town.get("/radio/banjir-1-id/listen.html")).headers["Content-Security-Policy"]
    for way in ("text/script.txt", "SHA256SUMS"):
        assert await town.read(f"/radio/banjir-1-id/{way}") == "isi"
    for way in ("bulletin.json", ".script.txt.part", "way-out.txt", "a%00.txt", "text/a/b.txt", "text"):
        await town.read(f"/radio/banjir-1-id/{way}", 404)
    for way in ("../secret.txt", "%2e%2e/secret.txt", "..%2fsecret.txt", "banjir-1-id/..%2f..%2fsecret.txt", "//etc/x"):
        assert (await _raw(town, f"/radio/{way}")).split()[1] == b"404", way
    await town.read("/exercise/radio/feed.xml", 404)


async def test_a_kit_that_has_left_is_told_to_be_gone(town: Town, tmp_path: Path) -> None:
    """A player that asks again learns not to; what never was is not there."""
    (tmp_path / "radio" / "aired" / "banjir-1-id-0a1b2c3d").mkdir(parents=True)
    for way in ("banjir-1-id/audio/bulletin-1.mp3", "banjir-1-id.zip"):
        assert (await town.get(f"/radio/{way}")).status == 410
    assert (await town.get("/radio/banjir-2-id/audio/bulletin-1.mp3")).status == 404
    late = tmp_path / "radio" / "banjir-3-id"
    (late / "text").mkdir(parents=True)
    (late / "text" / "naskah.txt").write_text("isi")
    for expires, status in (("2999-01-01T00:00:00Z", 200), ("2001-01-01T00:00:00Z", 410)):
        (late / "bulletin.json").write_text(f'{{"expires": "{expires}"}}')
        assert (await town.get("/radio/banjir-3-id/text/naskah.txt")).status == status
    assert (await town.get("/radio/aired/banjir-1-id-0a1b2c3d/text/script.txt")).status == 404


async def test_a_feed_that_is_unchanged_is_not_sent_again(town: Town, tmp_path: Path) -> None:
    """Players ask every five minutes, and pay for each byte."""
    (tmp_path / "radio").mkdir()
    (tmp_path / "radio" / "feed.xml").write_text("<rss/>")
    tag = (await town.get("/radio/feed.xml")).headers["ETag"]
    again = await town.client.get("/radio/feed.xml", headers={"If-None-Match": tag})
    assert again.status == 304


async def _raw(town: Town, path: str) -> bytes:
    """Ask for a path byte for byte; an HTTP client would tidy it."""
    reader, writer = await asyncio.open_connection(town.client.host, town.client.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    reply = await reader.read()
    writer.close()
    await writer.wait_closed()
    return reply


async def test_a_question_is_filed_and_answered_on_its_own_page(town: Town) -> None:
    """Asked without an account, found again by its address alone, reading itself again until answered."""
    form = await town.read("/ask")
    nonce = re.findall(r'name="nonce" value="([^"]+)"', form)[0]
    reply = await town.ask("Kapan air surut di <b>RT 05</b>?", nonce=nonce)
    assert reply.status == 303
    page = await town.read(reply.headers["Location"])
    assert '<meta http-equiv="refresh" content="15">' in page
    assert "Pesan Anda kami terima" in page
    await town.pool.execute("UPDATE inquiry SET state = 'answered'")
    await town.pool.execute(
        "INSERT INTO answer (inquiry_id, language, text) SELECT id, 'id', '<b>Surut</b> pukul 21' FROM inquiry"
    )
    page = await town.read(reply.headers["Location"])
    assert "http-equiv" not in page
    assert "&lt;b&gt;Surut&lt;/b&gt; pukul 21" in page
    assert (await town.get(reply.headers["Location"])).headers["Cache-Control"] == "no-store"


async def test_the_same_form_twice_is_one_question_and_a_changed_one_another(town: Town) -> None:
    """An impatient second tap files nothing; words changed after going back are not lost."""
    for text in ("Di mana posko?", "Di mana posko?", "Di mana posko RT 2?"):
        await town.ask(text, nonce="n" * 22)
    assert await town.pool.fetchval("SELECT count(*) FROM inquiry") == 2


async def test_a_question_of_an_exercise_is_kept_apart(town: Town) -> None:
    """It is filed with the exercise's, and its pages carry the sign."""
    assert 'name="exercise" value="1"' in await town.read("/ask?exercise=1")
    reply = await town.ask("Di mana posko?", exercise="1")
    assert await town.pool.fetchval("SELECT account FROM inquiry") == "web/exercise"
    assert "drill-sign" in await town.read(reply.headers["Location"])
    assert "drill-sign" not in await town.read("/ask")


@pytest.mark.parametrize(("text", "says"), [(" \n", "masih kosong"), ("x" * 2001, "2001 huruf; paling banyak 2000")])
async def test_what_cannot_be_filed_is_said_and_kept_in_the_form(town: Town, text: str, says: str) -> None:
    """One clear sentence, and nobody types it twice."""
    reply = await town.ask(text)
    page = await reply.text()
    assert reply.status == 400
    assert says in page
    assert text.strip() in page


async def test_the_longest_question_fits_however_it_is_spelt(town: Town) -> None:
    """Two thousand letters that take four bytes each, sent with Windows' line ends and a stray NUL."""
    assert (await town.ask("\U0001f30a" * 1990 + "\r\n" * 5 + "\0x")).status == 303


async def test_forms_that_are_none_are_refused(town: Town) -> None:
    """Too large, of another kind, or with hundreds of fields: a sentence, and nothing is filed."""
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    for body, headers in (
        (b"question=" + b"x" * 50_000, kind),
        (b"&".join(b"a%d=1" % n for n in range(99)), kind),
        (b"question=\xff", kind),
        (b'{"question": "x"}', {"Content-Type": "application/json"}),
    ):
        reply = await town.client.post("/ask", data=body, headers=headers)
        assert reply.status == 400
        assert "tidak dapat dibaca" in await reply.text()
    assert await town.pool.fetchval("SELECT count(*) FROM inquiry") == 0


async def test_a_flood_of_questions_is_held_back_but_never_a_cry_for_help(town: Town) -> None:
    """The eleventh in ten minutes waits and is told whom to call; one in danger goes through."""
    for n in range(10):
        assert (await town.ask(f"Di mana posko nomor {n}?")).status == 303
    held = await town.ask("Di mana posko nomor 11?")
    assert (held.status, held.headers["Retry-After"]) == (429, "600")
    assert "telepon 112" in await held.text()
    assert (await town.ask("Tolong kami terjebak di atap, air naik terus, ada bayi")).status == 303
    town.later(timedelta(minutes=10))
    assert (await town.ask("Di mana posko nomor 12?")).status == 303


async def test_an_unknown_question_is_not_found(town: Town) -> None:
    """A guessed address tells nothing."""
    assert "Tidak ada pertanyaan di alamat ini" in await town.read("/ask/abcdefghijklmnop", 404)


@pytest.mark.parametrize(("remote", "forwarded", "client"), [
    ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
    ("127.0.0.1", "10.0.0.1, 198.51.100.1", "198.51.100.1"),
    ("::1", "2001:db8:1:2:3::4", "2001:db8:1:2::"),
    ("127.0.0.1", "nonsense", "127.0.0.1"),
    ("", "", ""),
])  # fmt: skip
def test_only_a_proxy_of_this_machine_may_name_the_client(remote: str, forwarded: str, client: str) -> None:
    """Nobody escapes the limit by a header, and nobody is limited for a whole proxy."""
    assert client_address(remote, forwarded) == client


async def test_the_table_refuses_what_the_board_relies_on(town: Town) -> None:
    """Only released alerts have a time of sending, which is what the board asks for."""
    alert = await town.alert(state="draft")
    with pytest.raises(asyncpg.CheckViolationError):
        await town.pool.execute("UPDATE alert SET sent = now() WHERE id = $1", alert)
