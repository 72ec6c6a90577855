"""Importing residents: one resident a person however many addresses, twice is once, and nobody is lost."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from crisis import db
from crisis.flow import register
from crisis.model.officer import Officer, Role
from crisis.model.resident import parse_csv
from crisis.privacy import Vault

VAULT = Vault(b"k" * 32)
HEAD = "address,channel,language,area,latitude,longitude,consent,risk,exercise,name,person"
NIK = "6112010101900001"
NUMBER, OTHER, CHAT = "+6281234567801", "+6281234567802", "5001"
FACTS = {"language": "id", "lat": "-0.1", "risk": 3, "exercise": "yes", "name": "", "person": ""}

ADD_OFFICER = "INSERT INTO officer (name, role, token_hash) VALUES ('Ani', 'admin', 'x') RETURNING id"
EVERYBODY = """
SELECT a.id, a.channel, a.lookup, a.language, a.rank, a.opted_out_at, r.id AS resident_id, r.language AS speaks, r.risk,
       r.person_lookup, r.lat, r.lon, r.area_id, r.exercise,
       (a.lat, a.lon, a.exercise, a.joined) IS NOT DISTINCT FROM (r.lat, r.lon, r.exercise, r.consent_at IS NOT NULL)
       AND a.area_id IS NOT DISTINCT FROM r.area_id AND a.rank = 9 - r.risk AS true_copy
FROM resident r FULL JOIN address a ON a.resident_id = r.id ORDER BY a.id, r.id
"""
WROTE = """
INSERT INTO inquiry (code, account, provider_id, address_id, language, text, received_at)
SELECT 'c', 'sms', 'p', id, 'id', '', now() FROM address WHERE lookup = $1
"""


@pytest.fixture
async def ani(pool: db.Pool) -> Officer:
    """The admin."""
    return Officer(id=await pool.fetchval(ADD_OFFICER), name="Ani", role=Role.ADMIN)


def row(address: str, **facts: Any) -> str:
    """One line of a file."""
    f = FACTS | facts
    channel = "sms" if address.startswith("+") else "telegram"
    place = f"{f['lat']},109.3,yes,{f['risk']},{f['exercise']}"
    return f"{address},{channel},{f['language']},,{place},{f['name']},{f['person']}"


async def bring(pool: db.Pool, ani: Officer, *rows: str) -> dict[str, int]:
    """Import these lines as a file."""
    found, faults = parse_csv(
        "\n".join([HEAD, *rows]).encode(), "test", areas={}, languages=("id", "en"), channels=("sms", "telegram")
    )
    assert faults == []
    return await register.save_residents(pool, found, VAULT, ani, "test")


async def whose(pool: db.Pool) -> dict[str, int]:
    """The resident of each address."""
    by_lookup = {r["lookup"]: r["resident_id"] for r in await pool.fetch(EVERYBODY)}
    channels = ((NUMBER, "sms"), (OTHER, "sms"), (CHAT, "telegram"))
    return {a: by_lookup[VAULT.lookup(c, a)] for a, c in channels if VAULT.lookup(c, a) in by_lookup}


async def test_rows_of_one_person_become_one_resident_and_a_second_import_changes_nothing(
    pool: db.Pool, ani: Officer
) -> None:
    """Each address keeps its language, the resident has the first row's; the name may stand on any row."""
    rows = row(NUMBER, person=NIK), row(CHAT, person=NIK, language="en", name="Budi"), row(OTHER)
    assert await bring(pool, ani, *rows) == {"added": 3, "updated": 0, "moved": 0}
    first = await pool.fetch(EVERYBODY)
    assert [(r["language"], r["speaks"]) for r in first] == [("id", "id"), ("en", "id"), ("id", "id")]
    assert first[0]["resident_id"] == first[1]["resident_id"] != first[2]["resident_id"]
    sealed = await pool.fetchval("SELECT name FROM resident WHERE id = $1", first[0]["resident_id"])
    assert VAULT.open(sealed) == "Budi"
    assert await bring(pool, ani, *rows) == {"added": 0, "updated": 3, "moved": 0}
    assert await pool.fetch(EVERYBODY) == first


async def test_who_is_as_the_file_says_is_not_written_again(pool: db.Pool, ani: Officer) -> None:
    """A file that comes every night holds up no delivery; a day of consent, once known, stays."""
    await bring(pool, ani, row(NUMBER, person=NIK), row(CHAT), row(OTHER))
    written = "SELECT r.xmin, a.xmin, r.consent_at FROM resident r JOIN address a ON a.resident_id = r.id ORDER BY a.id"
    first = await pool.fetch(written)
    await bring(pool, ani, row(NUMBER, person=NIK), row(CHAT), row(OTHER, risk=9))
    again = await pool.fetch(written)
    assert again[:2] == first[:2]
    assert again[2] != first[2]
    assert [r["consent_at"] for r in again] == [r["consent_at"] for r in first]


WAITED = """
SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'
               AND clock_timestamp() - query_start > $1::integer * interval '1 second')
"""


async def test_an_import_may_take_longer_than_a_statement_elsewhere(
    pool: db.Pool, dsn: str, ani: Officer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On this pool no statement may take more than a second, but those of an import."""
    monkeypatch.setitem(db.SESSION, "statement_timeout", "1s")
    monkeypatch.setattr(db, "COMMAND_TIMEOUT", 1.0)
    impatient = await db.connect_pool(dsn, size=2)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(register.ONE_IMPORT)
        importing = asyncio.create_task(bring(impatient, ani, row(NUMBER)))
        while not await pool.fetchval(WAITED, 1):
            assert not importing.done()
    assert (await importing)["added"] == 1
    assert await impatient.fetchval("SHOW statement_timeout") == "1s"
    await impatient.close()


async def test_a_later_file_finds_the_person_again_by_a_hash_and_never_by_the_code(pool: db.Pool, ani: Officer) -> None:
    """A new chat joins the number of last year, whose place and rank follow; the code stands nowhere in clear."""
    await bring(pool, ani, row(NUMBER, person=NIK))
    assert await bring(pool, ani, row(CHAT, person=NIK, risk=9, lat="0.3")) == {"added": 1, "updated": 0, "moved": 0}
    both = await pool.fetch(EVERYBODY)
    assert [(r["rank"], r["lat"], r["true_copy"]) for r in both] == [(0, 0.3, True)] * 2
    assert len({r["resident_id"] for r in both}) == 1
    stored = await pool.fetchval(
        "SELECT string_agg(r::text, '') || (SELECT string_agg(a::text, '') FROM audit a) FROM resident r"
    )
    assert NIK not in stored
    assert NIK.encode().hex() not in stored


async def test_a_file_without_the_column_leaves_the_person_together(pool: db.Pool, ani: Officer) -> None:
    """The old form of the file brings facts up to date by address and takes nobody apart."""
    await bring(pool, ani, row(NUMBER, person=NIK), row(CHAT, person=NIK))
    for _ in range(2):
        await bring(pool, ani, row(NUMBER, risk=5), row(CHAT, risk=7))
        both = await pool.fetch(EVERYBODY)
        assert [(r["risk"], r["person_lookup"]) for r in both] == [(5, VAULT.lookup("person", NIK))] * 2
        assert all(r["true_copy"] for r in both)


async def test_two_residents_of_before_become_one_when_a_code_names_both(pool: db.Pool, ani: Officer) -> None:
    """The first by line stays and takes the other's address, opt-out and all; the empty one is removed."""
    await bring(pool, ani, row(NUMBER), row(CHAT))
    before = await whose(pool)
    await pool.execute("UPDATE address SET opted_out_at = now() WHERE channel = 'telegram'")
    told = await bring(pool, ani, row(NUMBER, person=NIK), row(CHAT, person=NIK))
    assert told == {"added": 0, "updated": 2, "moved": 1}
    assert await whose(pool) == {NUMBER: before[NUMBER], CHAT: before[NUMBER]}
    assert await pool.fetchval("SELECT count(*) FROM resident") == 1
    assert [r["opted_out_at"] is None for r in await pool.fetch(EVERYBODY)] == [True, False]


@pytest.mark.parametrize("wrote", [False, True])
async def test_an_address_moves_to_the_person_who_is_named_now(pool: db.Pool, ani: Officer, wrote: bool) -> None:
    """A number changed hands: whose it was is removed when nothing is left of them, and kept if they wrote to us."""
    await bring(pool, ani, row(NUMBER, person="W-1"), row(CHAT, person="W-2"))
    before = await whose(pool)
    if wrote:
        await pool.execute(WROTE, VAULT.lookup("sms", NUMBER))
    assert (await bring(pool, ani, row(NUMBER, person="W-2")))["moved"] == 1
    assert await whose(pool) == {NUMBER: before[CHAT], CHAT: before[CHAT]}
    left = {r["id"] for r in await pool.fetch("SELECT id FROM resident")}
    assert left == ({before[NUMBER], before[CHAT]} if wrote else {before[CHAT]})
    assert await pool.fetchval("SELECT count(*) FROM inquiry WHERE address_id IS NOT NULL") == wrote


async def test_two_persons_of_a_file_are_never_one_resident(pool: db.Pool, ani: Officer) -> None:
    """One resident of two addresses, and a code for each: the first keeps the resident, the second is a new one."""
    await bring(pool, ani, row(NUMBER), row(CHAT))
    await pool.execute("UPDATE address SET resident_id = (SELECT min(resident_id) FROM address)")
    await bring(pool, ani, row(CHAT, person="W-2"), row(NUMBER, person="W-1"))
    after = await whose(pool)
    assert after[NUMBER] != after[CHAT] == min(after.values())


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_files_come_every_address_is_where_its_last_code_says(
    pool: db.Pool, ani: Officer, seed: int
) -> None:
    """Six files of random rows: no address lost or doubled, none copies another place, nobody is without one."""
    chance = random.Random(seed)
    last: dict[str, str] = {}
    for _ in range(6):
        facts = {f"w-{n}": {"risk": chance.randrange(10), "lat": f"0.{n}1"} for n in range(8)}
        rows = []
        for n in chance.sample(range(24), 12):
            code = chance.choice(["", *facts])
            address = f"+6281234567{n:03d}" if n % 2 else str(5000 + n)
            rows.append(row(address, person=code, **facts.get(code, {"risk": chance.randrange(10)})))
            last[address] = code or last.get(address, "")
        await bring(pool, ani, *rows)
    everybody = await pool.fetch(EVERYBODY)
    assert len(everybody) == len(last), seed
    assert all(r["true_copy"] for r in everybody), seed
    found = {r["lookup"]: r["person_lookup"] for r in everybody}
    for address, code in last.items():
        lookup = VAULT.lookup("sms" if address.startswith("+") else "telegram", address)
        assert not code or found[lookup] == VAULT.lookup("person", code), (seed, address)
