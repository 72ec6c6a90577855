"""The embedded server holds what it was given, through kills, races and folders that are not as hoped."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import asyncpg
import pytest

from crisis import db, postgres
from crisis.errors import NotReady
from crisis.pg_programs import find_account, find_binaries, find_blocked, reachable, run

ROOT = Path(__file__).parents[2]
SYSTEM_15 = Path("/usr/lib/postgresql/15/bin")
FAST = {"fsync": "off"}
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root hands the server to another account")
USE = """
import asyncio, json, sys
from pathlib import Path
from crisis import postgres
async def main():
    server = await postgres.start(Path(sys.argv[1]), settings={"fsync": "off"})
    print(json.dumps({"adopted": server.adopted, "dsn": server.dsn}), flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    await server.stop()
asyncio.run(main())
"""


@pytest.fixture(scope="module")
def made(open_folders: Callable[[], contextlib.AbstractContextManager[Path]]) -> Iterator[Path]:
    """A folder made once, with one row in it, and stopped; tests take copies."""

    async def make(folder: Path) -> None:
        async with started(folder) as server:
            await execute(server.dsn, "CREATE TABLE kept (n integer); INSERT INTO kept VALUES (42)")

    with open_folders() as place:
        asyncio.run(make(place / "pg"))
        yield place / "pg"


@pytest.fixture
def folder(made: Path, open_folder: Path) -> Path:
    subprocess.run(["cp", "-a", str(made), str(open_folder / "pg")], check=True)
    return open_folder / "pg"


@contextlib.asynccontextmanager
async def started(folder: Path, **how: Path) -> AsyncIterator[postgres.Server]:
    server = await postgres.start(folder, settings=FAST, **how)
    try:
        yield server
    finally:
        await server.stop()


async def execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def fetch(dsn: str, query: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def pid_of(folder: Path) -> int:
    return int((folder / "data" / "postmaster.pid").read_text().split()[0])


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.01)


class Other:
    """Another process that uses the server until told to leave."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", USE, str(folder)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
        )  # fmt: skip

    def says(self) -> dict[str, object]:
        assert self.process.stdout
        return dict(json.loads(self.process.stdout.readline()))

    def leave(self) -> None:
        self.process.communicate("\n", timeout=30)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


async def test_a_folder_is_made_once_and_keeps_its_rows(open_folder: Path) -> None:
    """What was written before a stop is there after the next start, and only the owner reads the password."""
    folder = open_folder / "new" / "pg"
    async with started(folder) as server:
        assert not server.adopted
        await execute(server.dsn, "CREATE TABLE kept (n integer); INSERT INTO kept VALUES (42)")
    assert not server.alive()
    async with started(folder) as server:
        assert await fetch(server.dsn, "SELECT n FROM kept") == 42
        assert await fetch(server.dsn, "SELECT datlocprovider::text FROM pg_database LIMIT 1") == "b"
    assert stat.S_IMODE((folder / "password").stat().st_mode) == 0o600


async def test_nothing_listens_on_the_network_and_only_the_password_opens(folder: Path) -> None:
    """A wrong password, no password and the network are all refused."""
    async with started(folder) as server:
        password = (folder / "password").read_text()
        assert await fetch(server.dsn, "SHOW listen_addresses") == ""
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(server.dsn.replace(password, "guess"))
        with pytest.raises((asyncpg.InvalidPasswordError, asyncpg.InterfaceError)):
            await asyncpg.connect(server.dsn.replace(f":{password}", ""), passfile=str(folder / "none"))


async def test_a_killed_server_starts_again_with_all_that_was_committed(folder: Path) -> None:
    """After kill -9 the next start recovers every committed row."""
    first = await postgres.start(folder)
    await execute(first.dsn, "INSERT INTO kept SELECT generate_series(1, 1000)")
    os.kill(pid_of(folder), signal.SIGKILL)
    await until(lambda: not first.alive())
    async with started(folder) as server:
        assert await fetch(server.dsn, "SELECT count(*) FROM kept") == 1001
    await first.stop()


async def test_a_busy_orphan_does_not_hold_up_the_next_start(folder: Path) -> None:
    """A statement that outlives its killed server is ended, since it would bar the folder for hours."""
    first = await postgres.start(folder, settings=FAST)
    connection = await asyncpg.connect(first.dsn)
    busy = asyncio.create_task(connection.execute("SELECT count(*) FROM generate_series(1, 3000000000)"))
    watcher = await asyncpg.connect(first.dsn)
    async with asyncio.timeout(20):
        while not await watcher.fetchval("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%30000%0)'"):
            pass
    os.kill(pid_of(folder), signal.SIGKILL)
    async with asyncio.timeout(10), started(folder) as server:
        assert await fetch(server.dsn, "SELECT n FROM kept") == 42
    with contextlib.suppress(asyncpg.PostgresError, OSError):
        await busy
    connection.terminate()
    watcher.terminate()
    await first.stop()


async def test_a_pid_that_belongs_to_another_now_does_not_bar_the_start(folder: Path) -> None:
    """After a reboot the number in postmaster.pid may be anyone's, even one of the same account."""
    account = find_account(folder / "data")
    as_account = {"user": account.uid, "group": account.gid} if account else {}
    first = await postgres.start(folder, settings=FAST)
    pid = str(pid_of(folder))
    os.kill(int(pid), signal.SIGKILL)
    await until(lambda: not first.alive())
    stranger = subprocess.Popen(["/bin/sleep", "60"], cwd="/", **as_account)  # type: ignore[call-overload]
    try:
        for path in (folder / "data" / "postmaster.pid", folder / "socket" / ".s.PGSQL.5432.lock"):
            path.write_text(path.read_text().replace(pid, str(stranger.pid), 1))
        async with started(folder) as server:
            assert not server.adopted
            assert await fetch(server.dsn, "SELECT n FROM kept") == 42
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
    await first.stop()


async def test_of_many_starts_at_once_one_starts_and_the_rest_adopt(open_folder: Path) -> None:
    """Several processes on a new folder end up on one server, alive until the last leaves."""
    folder = open_folder / "pg"
    others = [Other(folder) for _ in range(3)]
    said = [await asyncio.to_thread(other.says) for other in others]
    assert sorted(bool(each["adopted"]) for each in said) == [False, True, True]
    dsn = str(said[0]["dsn"])
    starter_first = sorted(zip(others, said, strict=True), key=lambda pair: bool(pair[1]["adopted"]))
    for other, _ in starter_first:
        assert await fetch(dsn, "SELECT 1") == 1
        await asyncio.to_thread(other.leave)
    with pytest.raises(OSError):
        await asyncpg.connect(dsn)


async def test_the_server_of_a_killed_service_is_adopted_and_then_stopped(folder: Path) -> None:
    """A service killed with -9 leaves its server up; the next one takes it over and stops it at its end."""
    other = Other(folder)
    await asyncio.to_thread(other.says)
    pid = pid_of(folder)
    other.kill()
    async with started(folder) as server:
        assert server.adopted
        assert pid_of(folder) == pid
        assert await fetch(server.dsn, "SELECT n FROM kept") == 42
    assert not (folder / "data" / "postmaster.pid").exists()


async def test_a_server_that_dies_under_the_service_is_started_again(folder: Path) -> None:
    """`database` keeps it up: after kill -9 the same DSN works again, and the end of use is a clean stop."""
    async with postgres.database(None, folder) as dsn:
        pid = pid_of(folder)
        os.kill(pid, signal.SIGKILL)
        assert await db.patiently(lambda: fetch(dsn, "SELECT n FROM kept"), within=10) == 42
        await until(lambda: pid_of(folder) != pid)
    assert not (folder / "data" / "postmaster.pid").exists()


async def test_two_watchers_of_a_server_that_dies_agree_on_one(folder: Path) -> None:
    """Whoever is second to notice uses what the first has started, and the last to leave stops it."""
    async with started(folder) as first, started(folder) as second:
        pid = pid_of(folder)
        os.kill(pid, signal.SIGKILL)
        await until(lambda: not first.alive() and not second.alive())
        watching = asyncio.create_task(second.watch())
        also = asyncio.create_task(first.watch())
        await until(first.alive)
        assert await db.patiently(lambda: fetch(first.dsn, "SELECT n FROM kept"), within=10) == 42
        watching.cancel()
        also.cancel()
        await asyncio.wait([watching, also])
        assert first.alive()
        assert second.alive()
    assert not (folder / "data" / "postmaster.pid").exists()


async def test_an_interrupted_first_start_leaves_nothing_broken(open_folder: Path) -> None:
    """A start that is cancelled while the folder is being made can simply be made again."""
    folder = open_folder / "pg"
    starting = asyncio.create_task(postgres.start(folder, settings=FAST))
    await until((folder / "data.part" / "PG_VERSION").exists)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert not (folder / "data").exists()
    async with started(folder) as server:
        assert await fetch(server.dsn, "SELECT 1") == 1


async def test_a_folder_of_another_version_is_refused_and_left_alone(folder: Path) -> None:
    """Data of an older Postgres is never touched; the sentence names both versions and the folder."""
    (folder / "data" / "PG_VERSION").write_text("14\n")
    with pytest.raises(NotReady, match=r"pg/data was written by Postgres 14 and this is Postgres \d+: dump it"):
        await postgres.start(folder)
    assert not (folder / "data" / "postmaster.pid").exists()


async def test_a_lost_password_is_a_clear_refusal(folder: Path) -> None:
    """No new password is made up for a database that has one."""
    (folder / "password").unlink()
    with pytest.raises(NotReady, match="password is gone"):
        await postgres.start(folder)
    assert not (folder / "password").exists()


async def test_a_server_that_cannot_start_says_why(folder: Path) -> None:
    """The server's own reason is in the sentence."""
    with pytest.raises(NotReady, match=r"does not start: .*invalid value for parameter \"shared_buffers\""):
        await postgres.start(folder, settings={"shared_buffers": "none"})


async def test_a_path_too_long_for_a_socket_gets_one_elsewhere(folder: Path) -> None:
    """The socket of a deep folder lies in a private short place, which a second process finds again."""
    deep = folder.parent / ("d" * 100)
    folder.rename(deep)
    async with started(deep) as server:
        away = Path((deep / "socket.path").read_text())
        assert stat.S_IMODE(away.stat().st_mode) == 0o700
        async with started(deep) as second:
            assert second.adopted
            assert await fetch(second.dsn, "SELECT n FROM kept") == 42
    assert server.dsn == second.dsn
    shutil.rmtree(away)


async def test_folders_that_were_there_keep_their_modes_and_owners(open_folder: Path) -> None:
    """Neither the way to the folder nor the way to the programs is opened wider or given away."""
    folder = open_folder / "theirs"
    folder.mkdir()
    folder.chmod(0o711)
    programs = find_binaries()
    ways = [path for start in (folder, programs) for path in (start, *start.parents)]
    before = [(path.stat().st_mode, path.stat().st_uid, path.stat().st_gid) for path in ways]
    async with started(folder):
        pass
    assert [(path.stat().st_mode, path.stat().st_uid, path.stat().st_gid) for path in ways] == before


@as_root
async def test_root_hands_the_server_to_another_account(folder: Path) -> None:
    """The server's processes are not root's, and neither are its data."""
    async with started(folder):
        assert Path(f"/proc/{pid_of(folder)}").stat().st_uid != 0
        assert (folder / "data").stat().st_uid != 0


@as_root
async def test_a_closed_way_to_the_folder_is_refused_by_name(open_folder: Path) -> None:
    """Root's private folder is not opened up for the server; the sentence says which one and what to set."""
    closed = open_folder / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(NotReady, match=rf"cannot pass through {closed} to reach .*set CRISIS_DATA_DIR"):
        await postgres.start(closed / "crisis" / "pg")
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert not list(closed.iterdir())


@as_root
async def test_programs_out_of_reach_are_staged_once_where_they_run(open_folder: Path) -> None:
    """A wheel under root's home is copied once, whole, even when two do it at the same time."""
    wheel = find_binaries().parents[1]
    closed, cache = open_folder / "closed", open_folder / "cache"
    closed.mkdir(mode=0o700)
    for part in (wheel, wheel.with_name(f"{wheel.name}.libs")):
        shutil.copytree(part, closed / part.name)
    programs = closed / wheel.name / "pginstall" / "bin"
    account = find_account(open_folder / "none")
    assert account
    assert await find_blocked(programs, account) == closed
    (cache / "staging.part" / "half").mkdir(parents=True)
    cache.chmod(0o755)
    first, second = await asyncio.gather(*(reachable(programs, account, cache) for _ in range(2)))
    assert first == second != programs
    assert (await run([str(first / "initdb"), "--version"], account))[0] == 0
    assert sorted(path.name.split("-")[0] for path in cache.iterdir()) == ["lock", "postgres"]
    async with started(open_folder / "pg", binaries=first) as server:
        assert await fetch(server.dsn, "SELECT 1") == 1


def test_without_the_wheel_the_sentence_says_what_to_install() -> None:
    """A Crisis installed without its own Postgres says so instead of failing somewhere."""
    script = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from crisis.errors import NotReady\nfrom crisis.pg_programs import find_binaries\n"
        "try: find_binaries()\nexcept NotReady as error: print(error)"
    )
    said = subprocess.run([sys.executable, "-S", "-c", script], capture_output=True, text=True, check=True).stdout
    assert "crisis-broadcast[embedded]" in said
    assert "CRISIS_DATABASE_URL" in said


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgresql://crisis:s3cret@127.0.0.1:{port}/crisis", "nothing listens there"),
        ("postgresql://crisis:s3cret@no-such-host.invalid/crisis", "host name is not known"),
        ("mysql://crisis:s3cret@127.0.0.1/crisis", "is not of the form postgresql://"),
        ("postgresql://crisis:s3cret/with@slash:99x/crisis", "is not of the form postgresql://"),
        ("host=127.0.0.1 password=s3cret", "is not of the form postgresql://"),
    ],
)
async def test_a_database_that_cannot_be_used_is_named_without_its_password(
    url: str, says: str, free_port: Callable[[], int]
) -> None:
    """One sentence, what and why, and the password is not in it."""
    with pytest.raises(NotReady) as caught:
        await postgres.check(url.format(port=free_port()), within=0.3)
    assert says in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_a_refused_account_and_a_missing_database_are_told_apart(folder: Path) -> None:
    """Whoever set the URL learns which part of it is wrong."""
    async with started(folder) as server:
        await postgres.check(server.dsn)
        with pytest.raises(NotReady, match="refuses this account or password"):
            await postgres.check(server.dsn.replace("@", "x@"), within=1)
        with pytest.raises(NotReady, match="no database of this name"):
            await postgres.check(server.dsn.replace("/crisis?", "/elsewhere?"), within=1)


async def test_a_server_too_old_is_refused(free_port: Callable[[], int]) -> None:
    """Postgres 14 is named, with what is needed, before anything is written to it."""

    closed = asyncio.Event()

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        size = int.from_bytes(await reader.readexactly(4), "big")
        await reader.readexactly(size - 4)
        version = b"server_version\x0014.9\x00"
        writer.write(b"R" + (8).to_bytes(4, "big") + bytes(4))
        writer.write(b"S" + (4 + len(version)).to_bytes(4, "big") + version)
        writer.write(b"Z" + (5).to_bytes(4, "big") + b"I")
        with contextlib.suppress(OSError):
            await reader.read()
            writer.close()
            await writer.wait_closed()
        closed.set()

    port = free_port()
    async with await asyncio.start_server(speak, "127.0.0.1", port):
        with pytest.raises(NotReady, match="is Postgres 14; Crisis needs 15 or newer"):
            await postgres.check(f"postgresql://crisis:s3cret@127.0.0.1:{port}/crisis?sslmode=disable")
        await closed.wait()


async def test_the_oldest_supported_server_serves_through_its_url(
    open_folder: Path, peer: Callable[[str, object], object]
) -> None:
    """Postgres 15 of the system takes the whole schema and has what the schema asks for."""
    peer("postgresql 15", SYSTEM_15 if (SYSTEM_15 / "initdb").exists() else None)
    async with started(open_folder / "pg15", binaries=SYSTEM_15) as server:
        assert quote(str(open_folder), safe="") in server.dsn
        async with postgres.database(server.dsn, open_folder / "unused") as dsn:
            assert dsn == server.dsn
            assert str(await fetch(dsn, "SHOW server_version")).startswith("15.")
            await db.migrate(dsn)
            await execute(dsn, "CREATE EXTENSION IF NOT EXISTS pg_trgm")
            assert await fetch(dsn, "SELECT similarity('banjir', 'banjer') > 0.3") is True
    assert not (open_folder / "unused").exists()


@pytest.mark.parametrize(("gigabytes", "given"), [(0.5, "128MB"), (4, "512MB"), (24, "1024MB")])
def test_the_server_gets_its_share_of_the_memory_and_no_more(gigabytes: float, given: str) -> None:
    """An eighth, from 128 MB on a small machine to 1 GB on a large one."""
    assert postgres.buffers(int(gigabytes * (1 << 30))) == given
