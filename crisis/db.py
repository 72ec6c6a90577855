"""The way to Postgres: the pool, forward-only migrations, LISTEN, and patience while it restarts."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import asyncpg
import structlog
from asyncpg.pool import PoolConnectionProxy

from crisis.errors import NotReady

T = TypeVar("T")
if TYPE_CHECKING:  # asyncpg's classes take their record only for the type checker
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
    AnyConnection: TypeAlias = Connection | PoolConnectionProxy[asyncpg.Record]  # one's own, or lent by the pool
else:
    Connection, Pool, AnyConnection = asyncpg.Connection, asyncpg.Pool, asyncpg.Connection

SQL_FOLDER = Path(__file__).parent / "sql"
SESSION = {
    "application_name": "crisis",
    "timezone": "UTC",
    "jit": "off",  # plans here are short; compiling them costs more than it saves
    "statement_timeout": "120s",
    "idle_in_transaction_session_timeout": "60s",
}
ADVISORY_LOCK = 0x637269736973  # any number, the same in every version
FILE_NAME = re.compile(r"(?P<number>\d{4})_[a-z0-9_]+\.sql")
CHECK_EVERY = 15.0  # seconds of silence after which a listening connection is tried
# asyncpg raises InternalClientError on an idle connection that the server ended with a word (57P01) before
# it closed: the next statement finds the protocol in a state it does not expect.
FAULTS = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
COMMAND_TIMEOUT = 60.0  # seconds: a server that went silent is as good as one that is away
LONGEST_WAIT = 2.0  # seconds between two tries to connect

DISK_FULL = "the disk of the database is full: make room there, and what waits goes on by itself"

CREATE_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migration (
    number integer PRIMARY KEY,
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)"""
SELECT_APPLIED = "SELECT number, name, sha256 FROM schema_migration ORDER BY number"
INSERT_APPLIED = "INSERT INTO schema_migration (number, name, sha256) VALUES ($1, $2, $3)"

_log = structlog.get_logger(__name__)


async def connect_pool(dsn: str, *, size: int = 12) -> Pool:
    """Open a pool of at most `size` connections, in UTC, that speaks jsonb as Python values.

    Raise what asyncpg raises when the database cannot be reached.
    """
    return await asyncpg.create_pool(
        dsn,
        min_size=min(2, size),
        max_size=size,
        init=_speak_json,
        reset=_as_it_is,
        server_settings=SESSION,
        command_timeout=COMMAND_TIMEOUT,
    )


async def _as_it_is(_: object) -> None:
    """Save the round trip of asyncpg's RESET at every release: nothing here outlasts its transaction.

    Settings are SET LOCAL, locks end with their transaction, and LISTEN has a connection of its own. A transaction
    left open is rolled back by asyncpg itself before this.
    """


async def _speak_json(connection: Connection) -> None:
    # Binary, so that COPY can carry jsonb too; the leading byte is the version of the wire format.
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        format="binary",
        encoder=lambda value: b"\x01" + json.dumps(value, ensure_ascii=False).encode(),
        decoder=lambda raw: json.loads(raw[1:]),
    )


def plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """Give a row as JSON values: times in ISO 8601, everything else as it is."""
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One numbered step of the schema, as it stands in its file."""

    number: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def count(tag: str) -> int:
    """Read how many rows a statement wrote from what Postgres says of it: `INSERT 0 7`."""
    return int(tag.rpartition(" ")[2])


async def migrate(dsn: str, folder: Path | None = None) -> list[int]:
    """Bring the schema up to date and return the numbers applied now, each in its own transaction.

    Running it twice, or twice at once, applies each step once. Raise NotReady when the files and the
    database cannot be reconciled or a step fails; nothing of a failed step is kept.
    """
    steps = await asyncio.to_thread(read_migrations, folder or SQL_FOLDER)
    connection: Connection = await asyncpg.connect(dsn, timeout=10)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", ADVISORY_LOCK)
        await connection.execute(CREATE_TABLE)
        applied = {row["number"]: dict(row) for row in await connection.fetch(SELECT_APPLIED)}
        pending = find_pending(steps, applied)
        for step in pending:
            await _apply(connection, step)
        return [step.number for step in pending]
    finally:
        connection.terminate()  # its lock ends with it, and a close may hang


def read_migrations(folder: Path) -> list[Migration]:
    """Read the steps in order; raise NotReady naming the file that breaks the numbering."""
    steps: list[Migration] = []
    for path in sorted(folder.glob("*.sql")):
        match = FILE_NAME.fullmatch(path.name)
        if match is None:
            raise NotReady(f"{path}: a migration is named like 0007_add_polls.sql; rename this file.")
        number = int(match["number"])
        if number != len(steps) + 1:
            raise NotReady(
                f"{path}: migrations are numbered without gap or repeat, so number {len(steps) + 1:04} "
                "belongs here; renumber this file or put back the missing one."
            )
        steps.append(Migration(number=number, name=path.name, sql=path.read_text(encoding="utf-8")))
    return steps


def find_pending(steps: list[Migration], applied: Mapping[int, Mapping[str, Any]]) -> list[Migration]:
    """Return the steps still to apply; raise NotReady when the database does not stem from these files."""
    newest = max(applied, default=0)
    if newest > len(steps):
        raise NotReady(
            f"The database has migration {applied[newest]['name']}, which this version of Crisis does not "
            "know; run the newer version, or restore the backup made before it."
        )
    for step in steps[:newest]:
        row = applied.get(step.number)
        if row is None:
            raise NotReady(
                f"Migration {step.name} was skipped though {applied[newest]['name']} was applied; "
                "restore the database from a backup."
            )
        if row["sha256"] != step.sha256:
            raise NotReady(
                f"Migration {step.name} was edited after it was applied; put its text back and write "
                "the change as a new migration."
            )
    return steps[newest:]


async def _apply(connection: Connection, step: Migration) -> None:
    try:
        async with connection.transaction():
            await connection.execute(step.sql)
            await connection.execute(INSERT_APPLIED, step.number, step.name, step.sha256)
    except asyncpg.PostgresError as error:
        raise NotReady(
            f"Migration {step.name} failed and nothing of it was kept: {str(error).splitlines()[0]}; "
            "mend the cause and start again."
        ) from error
    _log.info("db.migrated", migration=step.name)


class Listener:
    """One connection that LISTENs for all who asked, and comes back when Postgres does.

    `ready` is set while it listens. What was notified while it was away is lost, so after each
    (re)connection every `on_connect` callback is called: look for yourself what you may have missed.
    """

    def __init__(self, dsn: str) -> None:
        self.ready = asyncio.Event()
        self._dsn = dsn
        self._heard: dict[str, list[Callable[[str], None]]] = {}
        self._connected: list[Callable[[], None]] = []
        self._lost: list[Callable[[], None]] = []

    def on(self, channel: str, callback: Callable[[str], None]) -> None:
        """Call back with the payload of each NOTIFY on the channel; ask before run()."""
        self._heard.setdefault(channel, []).append(callback)

    def on_connect(self, callback: Callable[[], None]) -> None:
        """Call back each time it starts to listen, the first time included."""
        self._connected.append(callback)

    def on_lost(self, callback: Callable[[], None]) -> None:
        """Call back each time it stops to listen: what is notified from then on is not heard."""
        self._lost.append(callback)

    async def run(self) -> None:
        """Listen until cancelled; a lost connection is made again within about two seconds."""
        wait = 0.05
        while True:
            try:
                await self._listen()
            except FAULTS as error:
                _log.warning("db.listener_lost", fault=type(error).__name__)
            finally:
                listened = self.ready.is_set()
                self.ready.clear()
                for tell in self._lost if listened else ():
                    _safely(tell)
            wait = 0.05 if listened else min(wait * 2, LONGEST_WAIT)
            await asyncio.sleep(wait)

    async def _listen(self) -> None:
        lost = asyncio.Event()
        connection: Connection = await asyncpg.connect(self._dsn, timeout=10, server_settings=SESSION)
        try:
            connection.add_termination_listener(lambda _: lost.set())
            for channel in self._heard:
                await connection.add_listener(channel, self._hear)
            self.ready.set()
            for tell in self._connected:
                _safely(tell)
            await _until_lost(connection, lost)
        finally:
            connection.terminate()

    def _hear(self, _connection: object, _pid: int, channel: str, payload: object) -> None:
        for tell in self._heard[channel]:
            _safely(tell, str(payload))


def _safely(tell: Callable[..., None], *given: str) -> None:
    try:
        tell(*given)
    except Exception:
        _log.exception("db.callback_failed")


async def _until_lost(connection: Connection, lost: asyncio.Event) -> None:
    # A machine that vanished sends no FIN, so silence is checked by asking.
    while not lost.is_set():
        try:
            async with asyncio.timeout(CHECK_EVERY):
                await lost.wait()
        except TimeoutError:
            await connection.execute("SELECT 1", timeout=5)


def is_brief(error: BaseException) -> bool:
    """Tell whether the same try may work later: the database is away just now, or two got in each other's way."""
    match error:
        case asyncpg.InterfaceError() | asyncpg.InternalClientError():
            # asyncpg has no classes of its own for these. A session that the server ended between two statements
            # of a transaction looks like one with another operation in progress. A closed pool stays closed.
            says = str(error)
            return "another operation" in says or ("closed" in says and "pool is clos" not in says)
        case (
            OSError()
            | asyncpg.PostgresConnectionError()
            | asyncpg.CannotConnectNowError()
            | asyncpg.AdminShutdownError()
            | asyncpg.CrashShutdownError()
            | asyncpg.TooManyConnectionsError()
            | asyncpg.DeadlockDetectedError()  # rolled back whole: the same try works when the other is done
            | asyncpg.DiskFullError()  # rolled back whole: the same try works when somebody has made room
        ):
            return True
        case _:
            return False


async def patiently(make: Callable[[], Awaitable[T]], *, within: float) -> T:
    """Try again while the database is briefly away, for at most `within` seconds, then raise its error.

    `make` must be safe to run twice: when the connection broke at COMMIT the first run may have counted.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + within
    wait, full = 0.05, False
    while True:
        try:
            return await make()
        except FAULTS as error:
            left = end - loop.time()
            if left <= 0 or not is_brief(error):
                raise
            if isinstance(error, asyncpg.DiskFullError) and not full:
                full = True
                _log.error("db.disk_full", says=DISK_FULL)
        await asyncio.sleep(min(wait, left))
        wait = min(wait * 2, 1.0)
