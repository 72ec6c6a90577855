"""Runs the service for the demonstration as the separate process it is in earnest, and always ends it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import aiohttp

from crisis.cap.sign import make_key

START, END = 60.0, 25.0  # seconds; an embedded database of a slow disk takes its time
AGENCY = "BPBD Contoh"
SIGNS = {"KEY": "key.pem", "CERTIFICATE": "certificate.pem"}  # made for each demonstration


class Broke(Exception):
    """The demonstration cannot go on; the sentence says why."""


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """Make a folder that the account of the embedded database can pass through, and remove it at the end."""
    path = Path(tempfile.mkdtemp(prefix="crisis-demo-", dir="/tmp")).resolve()
    path.chmod(0o711)
    try:
        yield path
    finally:
        _end_database(path / "data" / "postgres" / "data" / "postmaster.pid")
        shutil.rmtree(path, ignore_errors=True)


def _end_database(pid_file: Path) -> None:
    """End a database server whose service was killed before it could; in peace there is none."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        os.kill(int(pid_file.read_text().splitlines()[0]), signal.SIGQUIT)


def free_port() -> int:
    """Give a port of this machine that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The service under way: where it answers, and the environment its commands need."""

    url: str
    environment: dict[str, str]
    log: Path


def environment(folder: Path, port: int, carriers: dict[str, str]) -> dict[str, str]:
    """Give the environment of the service: accounts for exercises and no others, whatever the caller has set."""
    url = f"http://127.0.0.1:{port}"
    who = f"title={AGENCY.replace(' ', '%20')}&base={url}/exercise/radio&zone=Asia/Pontianak"
    radio = f"file://{folder}/radio?{who}&kit=first"  # the further formats would take another minute
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("CRISIS_")}
    return inherited | {
        "CRISIS_DATA_DIR": str(folder / "data"),
        "CRISIS_PORT": str(port),
        "CRISIS_PUBLIC_URL": url,
        "CRISIS_URL": url,
        "CRISIS_AGENCY": AGENCY,
        "CRISIS_SENDER": "demo@bpbd-contoh.example",
        "CRISIS_IDENTIFIER_PREFIX": "contoh.bpbd",
        "CRISIS_ZONE": "Asia/Pontianak",
        **{f"CRISIS_SIGNING_{name}": str(folder / file) for name, file in SIGNS.items()},
        "CRISIS_EXERCISE_PAGE": url,
        "CRISIS_EXERCISE_RADIO": radio,
        **{f"CRISIS_EXERCISE_{name.upper()}": setting for name, setting in carriers.items()},
    }


@contextlib.asynccontextmanager
async def serving(folder: Path, carriers: dict[str, str], log: Path) -> AsyncIterator[Running]:
    """Run `crisis serve` in a process group of its own until the block ends; Broke if it does not come up."""
    port = free_port()
    for file, pem in zip(SIGNS.values(), make_key(AGENCY, datetime.now(UTC)), strict=True):
        (folder / file).write_bytes(pem)
    running = Running(url=f"http://127.0.0.1:{port}", environment=environment(folder, port, carriers), log=log)
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "crisis", "serve",
            stdin=asyncio.subprocess.DEVNULL, stdout=out, stderr=out, env=running.environment, start_new_session=True,
        )  # fmt: skip
    try:
        await _up(process, running)
        yield running
    finally:
        await asyncio.shield(_end(process))


async def _up(process: asyncio.subprocess.Process, running: Running) -> None:
    try:
        async with asyncio.timeout(START), aiohttp.ClientSession() as session:
            while not await _ready(session, running.url):
                if process.returncode is not None:
                    raise Broke(f"the service ended with {process.returncode} at its start: {last_line(running.log)}")
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise Broke(f"the service was not ready after {START:.0f} s: {last_line(running.log)}") from None


async def _ready(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(f"{url}/readyz") as reply:
            return reply.status == 200
    except aiohttp.ClientError:
        return False


async def _end(process: asyncio.subprocess.Process) -> None:
    for sign, within in ((signal.SIGTERM, END), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                await process.wait()
                return


async def command(running: Running, *arguments: str) -> str:
    """Run a `crisis` command as an operator on the server does; Broke with its own sentence if it fails."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "crisis", *arguments,
        stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe, env=running.environment, start_new_session=True,
    )  # fmt: skip
    try:
        async with asyncio.timeout(START):
            said, complained = await process.communicate()
    finally:
        if process.returncode is None:
            await asyncio.shield(_end(process))
    if process.returncode:
        raise Broke(f"`crisis {' '.join(arguments)}` failed: {complained.decode(errors='replace').strip()}")
    return said.decode()


def last_line(log: Path) -> str:
    """Give the last thing the service said."""
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"
