"""`crisis work` and `crisis serve --workers`: what they refuse, each in one sentence, before anything leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from crisis import db, work
from crisis.errors import NotReady
from crisis.privacy import Vault
from crisis.settings import Settings
from tests.crisis.cli.conftest import Crisis
from tests.stories.town import KEY


@pytest.mark.parametrize(
    ("env", "says"),
    [
        ({"CRISIS_KEY": KEY}, "CRISIS_DATABASE_URL is not set: a worker needs the database of its service"),
        ({"CRISIS_DATABASE_URL": "postgresql://a:hunter2@h/c"}, "CRISIS_KEY is not set and "),
        ({"CRISIS_KEY": KEY, "CRISIS_WORKERS": "65"}, "CRISIS_WORKERS: "),
    ],
)
async def test_a_worker_that_cannot_work_says_why(
    crisis: Crisis, tmp_path: Path, env: Mapping[str, str], says: str
) -> None:
    """One sentence, exit code 1, no key made and no password shown."""
    ran = await crisis("work", env={"CRISIS_DATA_DIR": str(tmp_path), **env})
    assert (ran.code, ran.out) == (1, ""), ran
    assert says in ran.err
    assert "Traceback" not in ran.err
    assert "hunter2" not in ran.err
    assert list(tmp_path.iterdir()) == []


async def test_a_worker_with_another_key_refuses_to_start(
    crisis: Crisis, pool: db.Pool, dsn: str, tmp_path: Path
) -> None:
    """It would write off every address it took, for it can open none."""
    sealed = Vault(bytes.fromhex(KEY)).seal("id")
    await pool.execute(
        "INSERT INTO address (channel, sealed, lookup, language, rank) VALUES ('page', $1, $2, 'id', 0)",
        sealed,
        b"lookup",
    )
    ran = await crisis(
        "work", env={"CRISIS_DATABASE_URL": dsn, "CRISIS_KEY": "08" * 32, "CRISIS_DATA_DIR": str(tmp_path)}
    )
    assert (ran.code, ran.out) == (1, "")
    assert "set CRISIS_KEY to the key it was stored with" in ran.err


async def test_a_worker_waits_for_its_service_to_bring_the_schema_up_to_date(empty_dsn: str) -> None:
    """It changes nothing itself: it says what is missing, or goes on once that is there."""
    pool = await db.connect_pool(empty_dsn, size=2)
    try:
        with pytest.raises(
            NotReady, match=r"0001_start\.sql of this version: start its service, or run `crisis migrate`"
        ):
            await work.up_to_date(pool, within=0.1)
        waiting = asyncio.create_task(work.up_to_date(pool, within=60))
        await db.migrate(empty_dsn)
        await waiting
    finally:
        pool.terminate()


async def test_more_workers_than_the_database_has_room_for_are_refused(
    crisis: Crisis, dsn: str, tmp_path: Path
) -> None:
    """Else they would take the connections that officers need; 65 is a slip of the finger."""
    env = {"CRISIS_DATABASE_URL": dsn, "CRISIS_DATA_DIR": str(tmp_path), "CRISIS_KEY": KEY, "CRISIS_PORT": "0"}
    ran = await crisis("serve", "--workers", "64", env=env)
    assert ran.code == 1
    assert "CRISIS_WORKERS: 64 workers need 462 connections and the database allows " in ran.err
    assert (await crisis("serve", "--workers", "65", env=env)).code == 2


def test_the_settings_of_a_worker_are_those_of_its_service() -> None:
    """By environment they come out as they went in, secrets and all, and nothing that was not set."""
    given = {"CRISIS_KEY": KEY, "CRISIS_SMS": "smpp://a:b@h:1/", "CRISIS_LEASE_SECONDS": "2.5", "CRISIS_WORKERS": "3"}
    assert Settings.read(given).environment() == given
    assert Settings.read(Settings.read(given).environment()) == Settings.read(given)
