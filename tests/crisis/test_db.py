"""The schema moves only forward, the listener comes back, and patience ends."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg
import pytest

from crisis import db
from crisis import postgres as embedded
from crisis.errors import NotReady

FIRST = "CREATE TABLE plot (name text NOT NULL); INSERT INTO plot VALUES ('Ngawi')"
SECOND = "ALTER TABLE plot ADD COLUMN hectares integer NOT NULL DEFAULT 1"


@pytest.fixture
def steps(tmp_path: Path) -> Path:
    (tmp_path / "0001_start.sql").write_text(FIRST)
    (tmp_path / "0002_size.sql").write_text(SECOND)
    return tmp_path


async def fetch(dsn: str, query: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_each_step_is_applied_once_and_in_order(empty_dsn: str, steps: Path) -> None:
    """A second run applies nothing, and a new file only itself."""
    assert await db.migrate(empty_dsn, steps) == [1, 2]
    assert await db.migrate(empty_dsn, steps) == []
    (steps / "0003_note.sql").write_text("ALTER TABLE plot ADD COLUMN note text")
    assert await db.migrate(empty_dsn, steps) == [3]
    assert await fetch(empty_dsn, "SELECT count(*) FROM plot") == 1


async def test_many_migrators_at_once_apply_each_step_once(empty_dsn: str, steps: Path) -> None:
    """Replicas that start together wait for one another."""
    applied = await asyncio.gather(*(db.migrate(empty_dsn, steps) for _ in range(5)))
    assert sorted(applied) == [[], [], [], [], [1, 2]]


async def test_the_schema_of_this_version_applies_to_an_empty_database(empty_dsn: str) -> None:
    """The package's own files stand as they are, and a second start finds nothing to do."""
    assert await db.migrate(empty_dsn) == [step.number for step in db.read_migrations(db.SQL_FOLDER)]
    assert await db.migrate(empty_dsn) == []


async def test_a_failing_step_leaves_nothing_of_itself(empty_dsn: str, steps: Path) -> None:
    """What came before stays, what failed is named, and mending the file is enough."""
    third = steps / "0003_broken.sql"
    third.write_text("CREATE TABLE half (n integer); SELECT no_such_function()")
    with pytest.raises(NotReady, match=r"0003_broken.sql failed .*no_such_function\(\) does not exist; mend"):
        await db.migrate(empty_dsn, steps)
    assert await fetch(empty_dsn, "SELECT to_regclass('half')") is None
    assert await fetch(empty_dsn, "SELECT max(number) FROM schema_migration") == 2
    third.write_text("CREATE TABLE half (n integer)")
    assert await db.migrate(empty_dsn, steps) == [3]


async def test_an_edited_step_is_refused(empty_dsn: str, steps: Path) -> None:
    """History is not rewritten: the file is named and nothing is applied."""
    await db.migrate(empty_dsn, steps)
    (steps / "0001_start.sql").write_text(FIRST + ";")
    (steps / "0003_note.sql").write_text("ALTER TABLE plot ADD COLUMN note text")
    with pytest.raises(NotReady, match=r"0001_start.sql was edited after it was applied; put its text back"):
        await db.migrate(empty_dsn, steps)
    assert await fetch(empty_dsn, "SELECT max(number) FROM schema_migration") == 2


async def test_line_ends_of_another_system_are_not_an_edit(empty_dsn: str, steps: Path) -> None:
    """A checkout that turned the line ends is the same step."""
    (steps / "0001_start.sql").write_bytes(b"CREATE TABLE plot (\n  name text NOT NULL\n)")
    await db.migrate(empty_dsn, steps)
    (steps / "0001_start.sql").write_bytes(b"CREATE TABLE plot (\r\n  name text NOT NULL\r\n)")
    assert await db.migrate(empty_dsn, steps) == []


async def test_a_database_of_a_newer_version_is_refused(empty_dsn: str, steps: Path) -> None:
    """An old version started by mistake does not write to what it does not know."""
    await db.migrate(empty_dsn, steps)
    (steps / "0002_size.sql").unlink()
    with pytest.raises(NotReady, match=r"migration 0002_size.sql, which this version of Crisis does not know"):
        await db.migrate(empty_dsn, steps)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("0004_far.sql", r"0004_far.sql: .*number 0003 belongs here"),
        ("0002_again.sql", r"0002_size.sql: .*number 0003 belongs here"),
        ("3_short.sql", r"3_short.sql: a migration is named like"),
        ("0003-dash.sql", r"0003-dash.sql: a migration is named like"),
    ],
)
def test_a_gap_a_repeat_or_a_strange_name_is_refused(steps: Path, name: str, says: str) -> None:
    """The file that breaks the numbering is named, with what belongs there."""
    (steps / name).write_text("SELECT 1")
    with pytest.raises(NotReady, match=says):
        db.read_migrations(steps)


def test_a_hole_in_what_was_applied_is_refused(steps: Path) -> None:
    """A database that has the second step without the first does not stem from these files."""
    first, second = db.read_migrations(steps)
    with pytest.raises(NotReady, match=r"0001_start.sql was skipped though 0002_size.sql was applied"):
        db.find_pending([first, second], {2: {"name": second.name, "sha256": second.sha256}})


async def test_the_pool_speaks_json_also_in_copy(pool: db.Pool) -> None:
    """What goes in as Python values comes out as such, by query and by COPY."""
    value = {"kota": "Ngawi", "angka": [1, 2.5, None], "aksara": "ꦧꦚ꧀ꦗꦶꦂ"}
    async with pool.acquire() as connection:
        await connection.execute("CREATE TEMPORARY TABLE held (value jsonb)")
        await connection.copy_records_to_table("held", records=[(value,)])
        await connection.execute("INSERT INTO held VALUES ($1)", value)
        assert [row["value"] for row in await connection.fetch("SELECT value FROM held")] == [value, value]
        assert await connection.fetchval("SELECT value->>'kota' FROM held LIMIT 1") == "Ngawi"


async def test_connections_of_the_pool_are_in_utc_and_named(pool: db.Pool) -> None:
    """An officer who looks at the server sees whose connections they are."""
    assert await pool.fetchval("SHOW timezone") == "UTC"
    assert await pool.fetchval("SHOW application_name") == "crisis"


async def test_the_listener_hears_what_is_notified(dsn: str, pool: db.Pool) -> None:
    """Each who asked gets each payload; one who fails does not keep it from the others."""
    heard: asyncio.Queue[str] = asyncio.Queue()
    listener = db.Listener(dsn)
    listener.on("batch_ready", lambda payload: heard.put_nowait(str(1 // (payload != "7"))))
    listener.on("batch_ready", heard.put_nowait)
    running = asyncio.create_task(listener.run())
    async with asyncio.timeout(10):
        await listener.ready.wait()
        await pool.execute("SELECT pg_notify('batch_ready', '7'), pg_notify('other', '8')")
        assert await heard.get() == "7"
    running.cancel()
    await asyncio.wait([running])
    assert heard.empty()


async def test_the_listener_comes_back_after_the_server_restarts(open_folder: Path) -> None:
    """While the server is away it tries again, tells that it is back, and hears again."""
    server = await embedded.start(open_folder / "pg", settings={"fsync": "off"})
    heard: asyncio.Queue[str] = asyncio.Queue()
    connected: asyncio.Queue[None] = asyncio.Queue()
    listener = db.Listener(server.dsn)
    listener.on("batch_ready", heard.put_nowait)
    listener.on_connect(lambda: connected.put_nowait(None))
    running = asyncio.create_task(listener.run())
    async with asyncio.timeout(20):
        await connected.get()
        await server.stop()
        server = await embedded.start(open_folder / "pg", settings={"fsync": "off"})
        await connected.get()
        await fetch(server.dsn, "SELECT pg_notify('batch_ready', 'again')")
        assert await heard.get() == "again"
    running.cancel()
    await asyncio.wait([running])
    await server.stop()


async def test_a_statement_waits_out_a_restart(open_folder: Path) -> None:
    """With patience a pool's statement works although the server is away when it is first tried."""
    server = await embedded.start(open_folder / "pg", settings={"fsync": "off"})
    pool = await db.connect_pool(server.dsn)
    assert await pool.fetchval("SELECT 1") == 1
    await server.stop()
    tries: asyncio.Queue[None] = asyncio.Queue()

    async def select() -> object:
        tries.put_nowait(None)
        return await pool.fetchval("SELECT 2")

    waiting = asyncio.create_task(db.patiently(select, within=20))
    await tries.get()
    await tries.get()
    server = await embedded.start(open_folder / "pg", settings={"fsync": "off"})
    assert await waiting == 2
    pool.terminate()
    await server.stop()


async def test_patience_ends_with_the_error_itself() -> None:
    """After the time is up the caller learns what is wrong."""
    tries = 0

    async def make() -> None:
        nonlocal tries
        tries += 1
        raise ConnectionRefusedError("nobody there")

    with pytest.raises(ConnectionRefusedError):
        await db.patiently(make, within=0.12)
    assert tries >= 3


@pytest.mark.parametrize(
    ("error", "brief"),
    [
        (asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"), True),
        (asyncpg.CannotConnectNowError("the database system is starting up"), True),
        (asyncpg.AdminShutdownError("terminating connection"), True),
        (asyncpg.CrashShutdownError("terminating connection"), True),
        (asyncpg.TooManyConnectionsError("sorry, too many clients already"), True),
        (asyncpg.DiskFullError("could not extend file: No space left on device"), True),
        (asyncpg.InterfaceError("connection is closed"), True),
        (ConnectionResetError(), True),
        (TimeoutError(), True),
        (FileNotFoundError("no socket"), True),
        (asyncpg.InterfaceError("pool is closed"), False),
        (asyncpg.InterfaceError("cannot perform operation: another operation is in progress"), True),
        (asyncpg.InternalClientError("cannot switch to state 21; another operation (2) is in progress"), True),
        (asyncpg.InterfaceError("the server expects 2 arguments for this query, 1 was passed"), False),
        (asyncpg.UniqueViolationError("duplicate key"), False),
        (asyncpg.InvalidPasswordError("password authentication failed"), False),
        (asyncpg.QueryCanceledError("canceling statement due to statement timeout"), False),
        (ValueError("ours"), False),
    ],
)
def test_only_what_passes_by_itself_is_tried_again(error: Exception, brief: bool) -> None:
    """A fault of ours is raised at once."""
    assert db.is_brief(error) is brief
