"""The embedded Postgres: finds its binaries, makes its folder once, starts or adopts it, keeps it up."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import re
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from urllib.parse import quote

import asyncpg
import structlog

from crisis.db import is_brief, patiently
from crisis.errors import NotReady
from crisis.pg_folder import Folder, Whose, flock, last_words
from crisis.pg_programs import (
    ENVIRONMENT,
    find_account,
    find_binaries,
    find_blocked,
    make_folder,
    reachable,
    run_as,
)

OLDEST = 15  # the oldest major version the SQL is written for
START_LIMIT = 180.0  # seconds; recovery after a crash replays up to max_wal_size
LOOK_EVERY = 0.2  # seconds between two looks at a running server
MEGABYTE = 1 << 20


def buffers(memory: int) -> str:
    """Give the server an eighth of the machine's `memory` (bytes), from 128 MB to 1 GB.

    With less, the indexes of a million residents do not stay in memory while each is looked up.
    """
    return f"{min(max(memory // 8 // MEGABYTE, 128), 1024)}MB"


SETTINGS = {
    "listen_addresses": "",
    "port": "5432",  # only names the socket
    "shared_buffers": buffers(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")),
    "max_connections": "100",
    "wal_compression": "on",
    "max_wal_size": "2GB",
    "fsync": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # A failed statement may carry what is a resident's, so we log its failure and the server does not.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_checkpoints": "off",
}
_log = structlog.get_logger(__name__)


@contextlib.asynccontextmanager
async def database(url: str | None, folder: Path) -> AsyncIterator[str]:
    """Yield the DSN of the database: the one at `url`, or the embedded one in `folder`, kept running.

    Raise NotReady in one sentence without the password when neither can be used.
    """
    if url:
        await check(url)
        yield url
        return
    server = await start(folder)
    watching = asyncio.create_task(server.watch())
    try:
        yield server.dsn
    finally:
        watching.cancel()
        await asyncio.wait([watching])
        await server.stop()


async def check(url: str, *, within: float = 5.0) -> None:
    """Make sure that a Postgres new enough answers at the URL, waiting a few seconds for one that starts."""
    try:
        connection = await patiently(lambda: asyncpg.connect(url, timeout=within), within=within)
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise NotReady(
            f"The database at {_without_secrets(url)} cannot be used: {_reason(error)}; "
            "check CRISIS_DATABASE_URL and that its server runs."
        ) from None  # asyncpg's own text may quote the URL
    version = connection.get_server_version()
    connection.terminate()  # nothing is left to lose, and a close may hang
    if version.major < OLDEST:
        raise NotReady(
            f"The database at {_without_secrets(url)} is Postgres {version.major}; "
            f"Crisis needs {OLDEST} or newer: upgrade it or name another in CRISIS_DATABASE_URL."
        )


def _without_secrets(url: str) -> str:
    # Cut by hand: a URL with a password that was not percent-encoded parses wrong, and would show it.
    _, scheme, rest = url.partition("://")
    return re.split(r"[?&#]", rest.rpartition("@")[2])[0] if scheme else "CRISIS_DATABASE_URL"


def _reason(error: BaseException) -> str:
    match error:
        case asyncpg.InvalidPasswordError() | asyncpg.InvalidAuthorizationSpecificationError():
            return "it refuses this account or password"
        case asyncpg.InvalidCatalogNameError():
            return "it has no database of this name"
        case socket.gaierror():
            return "the host name is not known"
        case TimeoutError():
            return "it does not answer"
        case ConnectionRefusedError() | FileNotFoundError():
            return "nothing listens there"
        case OSError():
            return f"the connection failed ({error})"
        case ValueError() | asyncpg.InterfaceError():
            return "the URL is not of the form postgresql://account:password@host:5432/database"
        case _:
            return f"it said {type(error).__name__}"


async def start(folder: Path, *, binaries: Path | None = None, settings: Mapping[str, str] | None = None) -> Server:
    """Start the server of this folder, or adopt the one that runs already; make the folder if there is none.

    Safe when two processes start it at once and after any crash. `settings` go over the usual ones.
    Raise NotReady in one sentence when it cannot be had.
    """
    try:
        server = Server(await _find_folder(folder, binaries), settings or {})
        await server.enter()
    except OSError as error:
        raise NotReady(
            f"The embedded Postgres cannot start in {folder}: {error.filename or ''}: {error.strerror or error}; "
            "run as the account that owns this folder, or set CRISIS_DATA_DIR to one that is yours."
        ) from error
    return server


async def _find_folder(path: Path, binaries: Path | None) -> Folder:
    path = path.resolve()
    account = find_account(path / "data")
    there = next(each for each in (path, *path.parents) if each.exists())
    if account and (blocked := await find_blocked(there, account)):
        raise NotReady(
            f"The account {account.name}, which runs the database because Crisis runs as root, cannot pass "
            f"through {blocked} to reach {path}; set CRISIS_DATA_DIR to a folder it can reach, such as "
            "/var/lib/crisis."
        )
    make_folder(path)
    return Folder(path, await reachable(binaries or find_binaries(), account), account)


class Server:
    """One running server and our use of it; the last one who stops using it shuts it down."""

    def __init__(self, folder: Folder, settings: Mapping[str, str]) -> None:
        self.adopted = False  # it ran already when we came
        self._folder = folder
        self._settings = SETTINGS | dict(settings)
        self._process: subprocess.Popen[bytes] | None = None
        self._use: int | None = None

    @property
    def dsn(self) -> str:
        """How asyncpg reaches it; holds the password, so never log it."""
        return self._dsn("crisis")

    def _dsn(self, name: str) -> str:
        host = quote(str(self._folder.sockets), safe="")
        return f"postgresql://crisis:{self._folder.password}@/{name}?host={host}&port=5432"

    def alive(self) -> bool:
        """Tell whether the server's process is there (it may still be replaying its log)."""
        return self._pid() is not None or self._folder.listens()

    def _pid(self) -> int | None:
        if self._process and self._process.poll() is None:
            return self._process.pid
        # Ours has ended, or there was none: another user of the folder may have started one.
        return self._folder.pid() if self._folder.whose() is Whose.OURS else None

    async def enter(self) -> None:
        """Begin to use it, starting it if need be."""
        async with self._folder.locked(START_LIMIT):
            await self._folder.prepare(sync=self._settings["fsync"] != "off")
            self.adopted = self.alive()
            try:
                await self._bring_up()
            except BaseException:
                if self._process and self._process.poll() is None:  # nobody would be left to stop it
                    self._process.send_signal(signal.SIGQUIT)
                    self._process.wait(10)
                raise
            self._use = os.open(self._folder.path / "users", os.O_RDWR | os.O_CREAT, 0o600)
            flock(self._use, fcntl.LOCK_SH)

    async def watch(self) -> None:
        """Start it again whenever its process has died; runs until cancelled."""
        wait = LOOK_EVERY
        while True:
            await asyncio.sleep(wait)
            if self.alive():
                continue
            _log.warning("postgres.died", folder=str(self._folder.path))
            try:
                async with self._folder.locked(START_LIMIT):
                    await self._bring_up()
            except (NotReady, OSError) as error:
                wait = min(wait * 2, 10.0)
                _log.error("postgres.not_restarted", fault=str(error))
            else:
                wait = LOOK_EVERY
                _log.warning("postgres.restarted", folder=str(self._folder.path))

    async def stop(self) -> None:
        """Stop using it; the last to do so shuts it down. Safe to call twice."""
        if self._use is None:
            return
        async with self._folder.locked(START_LIMIT):
            last = flock(self._use, fcntl.LOCK_EX)
            if last:
                await self._shut_down()
            os.close(self._use)
        self._use = None
        if self._process and not last:
            self._process.returncode = 0  # it lives on for others, and Popen would warn of that

    async def _shut_down(self) -> None:
        # SIGINT: end all connections and write everything out. SIGQUIT: at once, recover at next start.
        for sign, within in ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
            pid = self._pid()
            if pid is None:
                return
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, sign)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(within):
                    while self._pid() is not None:  # noqa: ASYNC110
                        await asyncio.sleep(0.01)

    async def _bring_up(self) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + START_LIMIT
        while True:
            log_from = None
            if not self.alive():
                await self._folder.clear()
                log_from = self._spawn()
            if await self._answers(end):
                return
            if loop.time() > end:
                raise NotReady(f"The database in {self._folder.data} does not answer; see {self._folder.log}.")
            said = "" if log_from is None else self._log_since(log_from)
            if log_from is not None and "shared memory" not in said:
                raise NotReady(
                    f"The database in {self._folder.data} does not start: {last_words(said)}; see {self._folder.log}."
                )
            await asyncio.sleep(0.2)  # what a killed server left behind is still ending

    async def _answers(self, end: float) -> bool:
        while self.alive() and asyncio.get_running_loop().time() < end:
            try:
                connection = await asyncpg.connect(self.dsn, timeout=10)
            except asyncpg.InvalidCatalogNameError:
                await self._create_database()
            except asyncpg.InvalidPasswordError:
                raise NotReady(
                    f"The database in {self._folder.path} refuses the password kept there; "
                    "put back the one it was made with."
                ) from None
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                if not is_brief(error):
                    raise NotReady(f"The database in {self._folder.path} cannot be used: {error}.") from error
                await asyncio.sleep(0.02)
            else:
                connection.terminate()
                return True
        return False

    async def _create_database(self) -> None:
        connection = await asyncpg.connect(self._dsn("postgres"), timeout=10)
        try:
            await connection.execute("CREATE DATABASE crisis")
        finally:
            connection.terminate()

    def _spawn(self) -> int:
        settings = self._settings | {
            "unix_socket_directories": str(self._folder.sockets),
            "hba_file": str(self._folder.hba),
            "cluster_name": self._folder.cluster(),
        }
        argv = [str(self._folder.programs / "postgres"), "-D", str(self._folder.data)]
        for name, value in settings.items():
            argv += ["-c", f"{name}={value}"]
        path = self._folder.log
        if path.exists() and path.stat().st_size > 10_000_000:
            path.replace(path.with_suffix(".old"))
        with open(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab") as log:
            before = os.fstat(log.fileno()).st_size
            # In a session of its own, so that it outlives us and a Ctrl-C in our terminal.
            self._process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", env=ENVIRONMENT,
                start_new_session=True, **run_as(self._folder.account),
            )  # fmt: skip
        return before

    def _log_since(self, start: int) -> str:
        with open(self._folder.log, "rb") as log:
            log.seek(start)
            return log.read(100_000).decode(errors="replace")
