"""What every test may ask for: a fresh database, a free port, a real server, a third-party peer or sample."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import asyncpg
import pytest

from crisis import db
from crisis import postgres as embedded

T = TypeVar("T")
ROOT = Path(__file__).parents[1]
KEPT = ("CRISIS_TEST_",)
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}  # a test's data may be lost

for name in [name for name in os.environ if name.startswith("CRISIS_") and not name.startswith(KEPT)]:
    del os.environ[name]


gc.set_threshold(50_000)  # not 700: five thousand collected tests are no garbage, yet would be looked through for ever


def pytest_collection_finish() -> None:
    gc.freeze()


def _apart(make: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine in a thread of its own, so that session fixtures leave the tests' loops alone."""
    got: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            got.append(asyncio.run(make()))
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return got[0]


async def _execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _named(dsn: str, database: str) -> str:
    return urlsplit(dsn)._replace(path=f"/{database}").geturl()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other accounts can pass through, which pytest's own tmp_path is not for root's tests."""
    with _open_folder() as path:
        yield path


@pytest.fixture(scope="session")
def open_folders() -> Callable[[], AbstractContextManager[Path]]:
    """`with open_folders() as path:` for fixtures that outlive one test."""
    return _open_folder


@contextlib.contextmanager
def _open_folder() -> Iterator[Path]:
    # In memory where there is room: 20 times as fast as some disks. A container's is often 64 MB.
    memory = Path("/dev/shm")
    roomy = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 4 << 30
    path = Path(tempfile.mkdtemp(prefix="crisis-test-", dir=memory if roomy else None)).resolve()
    path.chmod(0o711)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def _swept_up(folder: Path) -> Iterator[None]:
    """Have the server stopped and its folder removed even if this process is killed: stdin ends then."""
    script = 'cat; pid=$(head -n1 "$1/pg/data/postmaster.pid") && kill -QUIT "$pid"; sleep 1; rm -rf "$1"'
    sweeper = subprocess.Popen(
        ["/bin/sh", "-c", script, "sh", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        os.killpg(sweeper.pid, signal.SIGKILL)
        sweeper.wait()
        if sweeper.stdin:
            sweeper.stdin.close()


@pytest.fixture(scope="session", name="postgres")
def postgres_dsn() -> Iterator[str]:
    """The DSN of the session's server: CRISIS_TEST_DATABASE_URL, or an embedded one in a hurry."""
    if url := os.environ.get("CRISIS_TEST_DATABASE_URL"):
        yield url
        return
    with _open_folder() as folder, _swept_up(folder):
        server = _apart(lambda: embedded.start(folder / "pg", settings=FAST))
        yield server.dsn
        _apart(server.stop)


@pytest.fixture(scope="session")
def template(postgres: str) -> Iterator[str]:
    """The name of a database with the whole schema, migrated once, that no test may write to."""
    name = f"crisis_template_{secrets.token_hex(4)}"
    _apart(lambda: _execute(postgres, f"CREATE DATABASE {name}"))
    _apart(lambda: db.migrate(_named(postgres, name)))
    yield name
    _apart(lambda: _execute(postgres, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
async def dsn(postgres: str, template: str) -> AsyncIterator[str]:
    """A fresh database with the whole schema for this test alone."""
    async with _fresh(postgres, template) as dsn:
        yield dsn


@pytest.fixture(scope="session")
def fresh(postgres: str, template: str) -> Callable[[], AbstractAsyncContextManager[str]]:
    """`async with fresh() as dsn:` for fixtures that outlive one test."""
    return lambda: _fresh(postgres, template)


@pytest.fixture
async def empty_dsn(postgres: str) -> AsyncIterator[str]:
    """A fresh database with nothing in it for this test alone."""
    async with _fresh(postgres, "template1") as dsn:
        yield dsn


@contextlib.asynccontextmanager
async def _fresh(server: str, template: str) -> AsyncIterator[str]:
    name = f"crisis_test_{secrets.token_hex(6)}"
    # By copying files: through the log, which is Postgres' way since version 15, a small one takes three times as long.
    await _execute(server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    try:
        yield _named(server, name)
    finally:
        await _execute(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def pool(dsn: str) -> AsyncIterator[db.Pool]:
    """The service's own pool on this test's database."""
    pool = await db.connect_pool(dsn)
    try:
        yield pool
    finally:
        pool.terminate()


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of third-party samples, which are never part of this tree: CRISIS_TEST_SAMPLES, or beside it."""
    path = Path(os.environ.get("CRISIS_TEST_SAMPLES") or ROOT.parent / "shared" / "data")
    if not path.is_dir():
        pytest.skip(f"no third-party samples at {path}; CRISIS_TEST_SAMPLES names another place")
    return path


@pytest.fixture(scope="session")
def sample(samples: Path) -> Callable[..., Path]:
    """`sample("cap", "real", name)` gives the path of one sample; without it, that test alone is skipped."""

    def find(*parts: str) -> Path:
        path = samples.joinpath(*parts)
        if not path.is_file():
            pytest.skip(f"no sample at {path}")
        return path

    return find


@pytest.fixture(scope="session")
def peer() -> Callable[[str, T | None], T]:
    """`peer(name, found)` returns what was found; else it skips, or fails when CRISIS_TEST_PEERS=required."""

    def need(name: str, found: T | None) -> T:
        if found:
            return found
        if os.environ.get("CRISIS_TEST_PEERS") == "required":
            pytest.fail(f"{name} is not installed, and CRISIS_TEST_PEERS=required; `make peers` installs it")
        pytest.skip(f"{name} is not installed; `make peers` installs it")

    return need


def _free_port() -> int:
    """From below what the kernel gives out by itself: no other test's socket has it before its server, or after."""
    while True:
        port = 12_000 + secrets.randbelow(20_000)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """`free_port()` returns a port that nobody listens at on 127.0.0.1."""
    return _free_port


@pytest.fixture(scope="session")
def server() -> Callable[..., AbstractContextManager[subprocess.Popen[Any]]]:
    """`with server(argv, port) as process:` runs a real server until it listens, and ends its whole group."""
    return _server


@contextlib.contextmanager
def _server(argv: Sequence[str], port: int, *, timeout: float = 20, **how: Any) -> Iterator[subprocess.Popen[Any]]:
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, start_new_session=True, **how)
    try:
        _wait_for_port(process, port, time.monotonic() + timeout)
        yield process
    finally:
        _end(process)


def _wait_for_port(process: subprocess.Popen[Any], port: int, end: float) -> None:
    while True:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} exited with {process.returncode} before it listened at {port}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        if time.monotonic() > end:
            raise TimeoutError(f"{process.args!r} does not listen at {port}")
        time.sleep(0.03)


def _end(process: subprocess.Popen[Any]) -> None:
    for sign, within in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(within)
            return
