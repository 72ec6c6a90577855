"""The register of stations: what is secret stays so, what is closed gets nothing, drills go to those who take part."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from crisis import db
from crisis.errors import BadInput, NotAllowed, NotFound
from crisis.flow import stations
from crisis.flow.stations import NewStation, masked
from crisis.model.alert import Mode
from crisis.model.officer import Role
from crisis.privacy import Vault
from tests.crisis.flow.radio import PAGE, WAY, Air, checked, officer
from tests.crisis.web.town import NOW, shut_town


@pytest.fixture
async def air(pool: db.Pool, tmp_path: Path) -> AsyncIterator[Air]:
    town = shut_town(pool, tmp_path)
    await pool.execute("INSERT INTO officer (name, role, token_hash) VALUES ('Ani', 'admin', '\\x01')")
    yield Air(town=town, admin=officer())
    await town.client.close()


async def test_a_station_is_kept_whole_and_shown_without_its_secrets(air: Air) -> None:
    """The channel reads all of it; lists, audit and log none of what opens its door."""
    with capture_logs() as lines:
        address = await air.station(
            "RRI Pontianak", formats=("wav", "mp3"), cart_first=900001, cart_last=900010, contact="0561-123456"
        )
        await stations.change(air.pool, air.vault, "rri pontianak", {"language": "jv"}, checked, air.admin, NOW)
    row = await air.pool.fetchrow("SELECT * FROM address WHERE id = $1", address)
    assert row is not None
    assert (row["resident_id"], row["channel"], row["language"]) == (None, "radio", "jv")
    entry = json.loads(air.vault.open(row["sealed"]))
    secret = entry.pop("secret")
    assert len(bytes.fromhex(secret)) == 32
    assert entry == {
        "name": "RRI Pontianak", "way": WAY, "language": "jv", "formats": ["wav", "mp3"], "cart_first": 900001,
        "cart_last": 900010, "exercise": True, "contact": "0561-123456",
    }  # fmt: skip
    shown = await stations.one(air.pool, air.vault, "rri pontianak")
    assert shown["way"] == "sftp://***@studio.example:2222/drop?hostkey=***"
    assert (shown["contact"], shown["open"], shown["formats"]) == ("0561-123456", True, ["wav", "mp3"])
    facts = [dict(r) for r in await air.pool.fetch("SELECT act, facts::text FROM audit ORDER BY id")]
    assert [f["act"] for f in facts] == ["station.add", "station.change"]
    for text in (repr(shown), repr(facts), repr(lines), repr(await stations.rows(air.pool, air.vault))):
        for hidden in ("s3cret", "bpbd", secret):
            assert hidden not in text
    assert "0561" not in repr(facts) + repr(lines)


@pytest.mark.parametrize(
    ("way", "shown"),
    [
        ("ftp://user:pass@host/a", "ftp://***@host/a"),
        ("icecast://source:hackme@10.0.0.1:8000/live.ogg", "icecast://***@10.0.0.1:8000/live.ogg"),
        ("davs://u:p%40ss@cloud.example/kits?tls=implicit", "davs://***@cloud.example/kits?tls=***"),
        ("mailto:studio@radio.example", "mailto:studio@radio.example"),
        ("rss:", "rss:"),
        ("file:///srv/drop", "file:///srv/drop"),
        ("sftp://[broken", "sftp:***"),
    ],
)
def test_a_way_is_shown_without_what_opens_it(way: str, shown: str) -> None:
    """Host and folder stay: an officer must see where it goes."""
    assert masked(way) == shown


async def test_a_wrong_station_is_refused_in_one_sentence(air: Air) -> None:
    """What is wrong is named, nothing secret is quoted, and nothing is kept."""
    await air.station("RRI Pontianak")
    for changes, says in [
        ({"name": "rri PONTIANAK"}, "station: name: there is such a station already"),
        ({"name": ""}, "station: name: write it on one line"),
        ({"name": "a\nb"}, "station: name: write it on one line"),
        ({"name": "x" * 61}, "has 61 characters; at most 60 fit"),
        ({"language": "Bahasa"}, "station: language: 'Bahasa' is no code of a language: write it like id or en"),
        ({"way": " "}, "station: way: is empty: write how its kits get there"),
        ({"way": "gopher://user:s3cret@x"}, "station: way: it must begin with one of file, sftp, mailto"),
        ({"cart_first": 900010, "cart_last": 900001}, "carts: 900010-900001 is no range: the first comes first"),
        ({"cart_first": 0, "cart_last": 5}, "0-5 is no range"),
        ({"cart_first": 5, "cart_last": 1_000_000}, "both are from 1 to 999999"),
        ({"cart_first": 5}, "give the first and the last number of the range"),
    ]:
        with pytest.raises(BadInput) as error:
            await air.station(**{"name": "Radio Dua", **changes})
        assert says in str(error.value)
        assert "s3cret" not in str(error.value)
        assert await air.pool.fetchval("SELECT count(*) FROM station") == 1
        assert await air.pool.fetchval("SELECT count(*) FROM address") == 1


async def test_only_an_admin_sets_up_a_station(air: Air) -> None:
    """As with feeds: what leaves the house by itself is an admin's to decide."""
    who, new = officer(Role.SUPERVISOR), NewStation(name="Radio", way=WAY, language="id")
    with pytest.raises(NotAllowed):
        await stations.add(air.pool, air.vault, new, checked, who, NOW)
    with pytest.raises(NotAllowed):
        await stations.change(air.pool, air.vault, "Radio", {"open": False}, checked, who, NOW)
    with pytest.raises(NotFound, match="no station 'Radio'"):
        await stations.change(air.pool, air.vault, "Radio", {"open": False}, checked, air.admin, NOW)
    with pytest.raises(NotFound):
        await stations.one(air.pool, air.vault, "Radio")


async def test_a_change_leaves_what_it_does_not_name(air: Air) -> None:
    """Its secret above all: links that were sent out stay good."""
    address = await air.station("Radio Satu", formats=("mp3",), contact="Pak Budi")

    async def entry() -> Any:
        return json.loads(air.vault.open(await air.pool.fetchval("SELECT sealed FROM address WHERE id = $1", address)))

    before = await entry()
    changes = {"way": "mailto:studio@radio.example", "cart_first": 7, "cart_last": 9}
    await stations.change(air.pool, air.vault, "Radio Satu", changes, checked, air.admin, NOW)
    assert await entry() == before | changes
    with pytest.raises(BadInput):
        await stations.change(air.pool, air.vault, "Radio Satu", {"way": "gopher://x"}, checked, air.admin, NOW)
    assert await entry() == before | changes
    shown = await stations.one(air.pool, air.vault, "Radio Satu")
    assert (shown["way"], shown["contact"]) == ("mailto:studio@radio.example", "Pak Budi")


async def test_a_closed_station_gets_nothing_more_and_may_be_opened_again(air: Air) -> None:
    """Neither the next alert nor what still waits for it; its history stays."""
    address, other = await air.station("Radio Satu"), await air.station("Radio Dua")
    page = await air.pool.fetchval(PAGE, "id")
    _, first = await air.send(await air.town.alert())
    assert first == {page, address, other}
    await stations.change(air.pool, air.vault, "Radio Satu", {"open": False}, checked, air.admin, NOW)
    assert await air.pool.fetchval("SELECT opted_out_at FROM address WHERE id = $1", address) == NOW
    _, second = await air.send(await air.town.alert())
    assert second == {page, other}
    assert [s["open"] for s in await stations.rows(air.pool, air.vault)] == [True, False]
    await stations.change(air.pool, air.vault, "Radio Satu", {"open": True}, checked, air.admin, NOW)
    _, third = await air.send(await air.town.alert())
    assert third == first


@pytest.mark.parametrize("mode", [Mode.ACTUAL, Mode.EXERCISE, Mode.TEST])
async def test_a_drill_goes_only_to_stations_that_take_part(air: Air, mode: Mode) -> None:
    """The real thing goes to all; folder pages have no register and take both."""
    page = await air.pool.fetchval(PAGE, "id")
    ready = await air.station("Ikut", exercise=True)
    apart = await air.station("Tidak ikut", exercise=False)
    _, audience = await air.send(await air.town.alert(mode=mode), mode.drill)
    assert audience == {page, ready, *([] if mode.drill else [apart])}


async def test_a_station_whose_language_we_have_no_words_in_gets_the_default_ones(air: Air) -> None:
    """Somebody there can translate; silence helps nobody. A folder of that language has nobody."""
    station, page = await air.station("Suara Sunda", language="su"), await air.pool.fetchval(PAGE, "su")
    dispatch_id, audience = await air.send(await air.town.alert())
    assert page not in audience
    languages = await air.pool.fetch("SELECT language, address_ids FROM batch WHERE dispatch_id = $1", dispatch_id)
    assert [(r["language"], r["address_ids"]) for r in languages] == [("id", [station])]


async def test_a_station_sealed_with_another_key_does_not_hide_the_others(air: Air) -> None:
    """It is listed by its name and says what is wrong."""
    await air.station("Radio Satu")
    (row,) = await stations.rows(air.pool, Vault(bytes([7] * 32)))
    assert (row["name"], row["way"]) == ("Radio Satu", "sftp: sealed with another key")
