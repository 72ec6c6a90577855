"""Read-back: a station's word that it aired an alert is its receipt, told once however often, and never made up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from crisis import db
from crisis.errors import BadInput, NotFound
from crisis.flow import readback, receipts
from crisis.flow.readback import Kept, Word
from crisis.model.alert import Mode
from tests.crisis.flow.radio import Air, officer
from tests.crisis.web.town import NOW, OFFICE, shut_town

REF, OTHER = "7QKMXW2H9RTBCDEF", "2222222233333333"
LATER = NOW + timedelta(minutes=20)


@pytest.fixture
async def air(pool: db.Pool, tmp_path: Path) -> AsyncIterator[Air]:
    town = shut_town(pool, tmp_path)
    await pool.execute("INSERT INTO officer (name, role, token_hash) VALUES ('Ani', 'admin', '\\x01')")
    yield Air(town=town, admin=officer())
    await town.client.close()


async def on_air(air: Air, mode: Mode = Mode.ACTUAL, refs: tuple[str, ...] = (REF,)) -> int:
    """One station that took an alert; a second one did not."""
    taken, missed = await air.station("Radio Satu"), await air.station("Radio Dua", language="en")
    alert_id = await air.town.alert(mode=mode)
    dispatch_id, _ = await air.send(alert_id, mode.drill)
    await air.attempt(dispatch_id, taken, "unreachable", code="no answer")
    await air.attempt(dispatch_id, taken, code="text only: no voice for jv", refs=refs)
    await air.attempt(dispatch_id, missed, "unreachable", code="connection refused")
    await air.pool.execute("UPDATE batch SET state = 'done'")
    return alert_id


async def keep(air: Air, ref: str = REF, at: datetime = LATER, by: str = "Pak Budi", how: str = "link") -> Kept:
    sending = await readback.of_ref(air.pool, ref)
    said = Word(at=at, by=by, how=how, officer=air.admin if how == "officer" else None)
    return await readback.keep(air.pool, air.vault, sending, said, OFFICE.zone, LATER)


async def delivered(air: Air, alert_id: int) -> tuple[int, int]:
    async with air.pool.acquire() as connection:
        (row,) = await receipts.progress(connection, alert_id)
    return row["accepted"], row["delivered"]


@pytest.mark.parametrize("mode", [Mode.ACTUAL, Mode.EXERCISE])
async def test_a_read_back_counts_as_the_stations_receipt(air: Air, mode: Mode) -> None:
    """Accepted is that the kit is there; delivered is that somebody heard it on air."""
    alert_id = await on_air(air, mode)
    assert await delivered(air, alert_id) == (1, 0)
    kept = await keep(air)
    assert (kept.new, kept.counted, kept.sending.station, kept.sending.drill) == (True, True, "Radio Satu", mode.drill)
    assert await delivered(air, alert_id) == (1, 1)
    row = dict(await air.pool.fetchrow("SELECT account, ref, state, code, at FROM receipt") or {})
    account = "radio/exercise" if mode.drill else "radio"
    assert row == {"account": account, "ref": REF, "state": "delivered", "code": "link", "at": LATER}


async def test_a_station_that_airs_the_words_before_the_sound_is_there_is_heard(air: Air) -> None:
    """Its kit is not whole yet: the word is kept, and counts as soon as it is."""
    station, alert_id = await air.station("Radio Satu"), await air.town.alert()
    dispatch_id, _ = await air.send(alert_id)
    await air.attempt(dispatch_id, station, "throttled", code="words there, sound follows", refs=(REF,))
    assert (await keep(air)).counted
    assert await delivered(air, alert_id) == (0, 0)
    await air.attempt(dispatch_id, station, refs=(REF,))
    assert await delivered(air, alert_id) == (1, 1)


async def test_a_sending_of_several_refs_is_read_back_whole(air: Air) -> None:
    """Whatever the channel names, one word is enough."""
    alert_id = await on_air(air, refs=(REF, OTHER))
    await keep(air)
    assert await delivered(air, alert_id) == (1, 1)


async def test_the_same_word_twice_is_one_and_another_one_is_added(air: Air) -> None:
    """A second person or time is more to know, and no second receipt; each is told what is on record."""
    await on_air(air)
    first, again = await keep(air), await keep(air, by="  pak   BUDI ", how="email")
    assert (first.new, again.new) == (True, False)
    assert [(one.at, one.by, one.how) for one in again.on_record] == [(LATER, "Pak Budi", "link")]
    other = await keep(air, at=NOW + timedelta(minutes=5), by="Bu Sri", how="officer")
    assert [(one.by, one.how, one.officer) for one in other.on_record] == [
        ("Bu Sri", "officer", "Ani"),
        ("Pak Budi", "link", None),
    ]
    assert await air.pool.fetchval("SELECT count(*) FROM receipt") == 1
    assert await air.pool.fetchval("SELECT count(*) FROM airing") == 2


async def test_a_receipt_that_a_crash_left_out_is_made_up_for(air: Air) -> None:
    """The word was kept and its receipt was not: told again, both are there."""
    alert_id = await on_air(air)
    await keep(air)
    await air.pool.execute("DELETE FROM receipt")
    assert not (await keep(air)).new
    assert await delivered(air, alert_id) == (1, 1)


async def test_what_cannot_be_true_is_refused_and_not_kept(air: Air) -> None:
    """A time before the release or still to come, or nobody's word."""
    await on_air(air)
    for changes, says in [
        ({"at": LATER + timedelta(minutes=6)}, "aired: at: 21/11 19.56 WIB is still to come"),
        ({"at": NOW - timedelta(minutes=1)}, "21/11 19.29 WIB is before the alert was sent (21/11 19.30 WIB)"),
        ({"by": "   "}, "aired: by: write who said it"),
        ({"by": "x" * 81}, "aired: by: write who said it"),
        ({"by": "\u202e\x07"}, "aired: by: write who said it"),
    ]:
        with pytest.raises(BadInput) as error:
            await keep(air, **changes)
        assert says in str(error.value)
        assert await air.pool.fetchval("SELECT count(*) FROM airing") == 0
        assert await air.pool.fetchval("SELECT count(*) FROM receipt") == 0


@pytest.mark.parametrize("at", [NOW, NOW.replace(second=0), LATER + timedelta(minutes=4)])
async def test_the_minute_of_the_release_and_a_fast_clock_are_believed(air: Air, at: datetime) -> None:
    """People tell minutes, and clocks differ."""
    air.town.clock[0] = NOW.replace(second=40)
    await on_air(air)
    assert (await keep(air, at=at)).new


async def test_a_code_is_found_as_it_is_typed(air: Air) -> None:
    """Read over the telephone, or copied with what stood around it."""
    await on_air(air)
    for ref in ["7qkm xw2h 9rtb cdef", "7QKM-XW2H-9RTB-CDEF", " 7qkmxw2h9rtbcdef\n"]:
        assert (await readback.of_ref(air.pool, ref)).station == "Radio Satu"


async def test_an_unknown_code_is_told_so(air: Air) -> None:
    """Nothing of what we have shows through."""
    await on_air(air)
    for ref in ["", "7QKMXW2H9RTBCDEG", "195", "x" * 500, "a\x00b", "'; DROP TABLE airing"]:
        with pytest.raises(NotFound, match="no station was sent an alert under this code"):
            await readback.of_ref(air.pool, ref)


async def test_the_code_is_found_by_an_index_of_radios_attempts_alone(air: Air) -> None:
    """However many texts were sent: they are not in it."""
    alert_id = await on_air(air)
    await air.pool.execute(
        "INSERT INTO attempt SELECT 999, n, 1, 'accepted', '', ARRAY['s' || n], 'sms', now() FROM "
        "generate_series(1, 20000) n"
    )
    await air.pool.execute("ANALYZE attempt")
    plan = await air.pool.fetch(f"EXPLAIN {readback.BY_REF.replace('$1', chr(39) + REF + chr(39))}")
    assert any("attempt_ref" in row[0] for row in plan)
    size = await air.pool.fetchval("SELECT pg_relation_size('attempt_ref')")
    assert size <= 16384
    assert (await readback.of_ref(air.pool, REF)).alert_id == alert_id


async def test_officers_see_which_station_took_it_and_which_aired_it(air: Air) -> None:
    """By its best attempt, with what was missing in the kit, when it was on air and how long after."""
    alert_id = await on_air(air)
    await keep(air)
    two, one = await readback.of_alert(air.pool, air.vault, alert_id)
    assert (one["station"], one["state"], one["code"]) == ("Radio Satu", "accepted", "text only: no voice for jv")
    assert (one["tries"], one["ref"], one["after"]) == (2, REF, 1200.0)
    assert one["aired_at"] == LATER.isoformat()
    assert [(a["by"], a["how"]) for a in one["airings"]] == [("Pak Budi", "link")]
    assert (two["station"], two["state"], two["code"]) == ("Radio Dua", "unreachable", "connection refused")
    assert (two["language"], two["tries"], two["ref"], two["aired_at"], two["airings"]) == ("en", 1, None, None, [])


async def test_what_still_waits_or_was_never_sent_is_told_apart(air: Air) -> None:
    """Before any try, with a retry ahead, and when the dispatch ended without one."""
    station = await air.station("Radio Satu")
    alert_id = await air.town.alert()
    dispatch_id, _ = await air.send(alert_id)

    async def state() -> str:
        (row,) = await readback.of_alert(air.pool, air.vault, alert_id)
        return str(row["state"])

    assert await state() == "waiting"
    await air.attempt(dispatch_id, station, "unreachable")
    retry = "INSERT INTO retry VALUES ($1, $2, 'radio', 0, 'id', 2, now())"
    await air.pool.execute(retry, dispatch_id, station)
    assert await state() == "retrying"
    await air.pool.execute("DELETE FROM retry")
    assert await state() == "unreachable"
    await air.pool.execute("UPDATE attempt SET outcome = 'throttled', code = 'on its way'")
    assert await state() == "broken off", "the station was closed meanwhile"
    await air.pool.execute("DELETE FROM attempt")
    await air.pool.execute("UPDATE dispatch SET state = 'stopped', stopped = 'expired'")
    assert await state() == "not sent"
    for nothing in (99, await air.town.alert(state="draft")):
        with pytest.raises(NotFound, match=f"no released alert {nothing}"):
            await readback.of_alert(air.pool, air.vault, nothing)


async def test_an_officer_writes_down_what_a_station_says_that_never_took_the_kit(air: Air) -> None:
    """It was told by telephone: it is on record, and does not count as delivered by us."""
    alert_id = await on_air(air)
    sending = await readback.of_station(air.pool, alert_id, "radio dua")
    assert (sending.refs, sending.account) == ((), "radio")
    said = Word(at=LATER, by="Bu Sri", how="officer", officer=air.admin, note="read to her by phone")
    kept = await readback.keep(air.pool, air.vault, sending, said, OFFICE.zone, LATER)
    assert (kept.new, kept.counted) == (True, False)
    assert await delivered(air, alert_id) == (1, 0)
    late = await air.station("Radio Tiga")
    assert late
    sending = await readback.of_station(air.pool, alert_id, "Radio Tiga")
    await readback.keep(air.pool, air.vault, sending, replace(said, note=""), OFFICE.zone, LATER)
    rows = await readback.of_alert(air.pool, air.vault, alert_id)
    assert {r["station"]: (r["state"], bool(r["airings"])) for r in rows} == {
        "Radio Dua": ("unreachable", True),
        "Radio Satu": ("accepted", False),
        "Radio Tiga": ("not sent", True),
    }
    audit = await air.pool.fetch("SELECT subject, facts FROM audit WHERE act = 'station.aired'")
    assert [(r["subject"], r["facts"]["station"]) for r in audit] == [(alert_id, "Radio Dua"), (alert_id, "Radio Tiga")]
    for alert, name, says in ((99, "Radio Dua", "no released alert 99"), (alert_id, "X", "no station 'X'")):
        with pytest.raises(NotFound, match=says):
            await readback.of_station(air.pool, alert, name)


async def test_who_said_it_is_sealed_and_in_no_log_line(air: Air) -> None:
    """A person's name at a station is nobody else's business."""
    await on_air(air)
    with capture_logs() as lines:
        await keep(air, how="officer")
    kept = await air.pool.fetchval("SELECT to_jsonb(r)::text FROM airing r")
    audit = await air.pool.fetchval("SELECT string_agg(facts::text, '') FROM audit")
    assert lines
    for text in (kept, audit, repr(lines)):
        assert "Budi" not in text
