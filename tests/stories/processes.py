"""Services in processes of their own, which may be killed, paused and started again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

import aiohttp

from crisis import db
from crisis.privacy import token_hash
from tests.stories.town import OFFICERS

RUN = """
import asyncio
from crisis import app, log
from crisis.settings import Settings
log.configure()
asyncio.run(app.serve(Settings.read(), lambda service: print("ready", flush=True)))
"""


class Killed:
    """A service in a process of its own, which may be killed and started again."""

    def __init__(self, env: dict[str, str]) -> None:
        # Without the settings of the test run itself: the service refuses to start on one it does not know.
        self._env = {name: value for name, value in os.environ.items() if not name.startswith("CRISIS_")} | env
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it and wait until its doors are open."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            RUN,
            env=self._env,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
            cwd=Path(__file__).parents[2],
        )
        assert self._process.stdout is not None
        async with asyncio.timeout(20):
            assert await self._process.stdout.readline() == b"ready\n"

    async def kill(self, how: int = signal.SIGKILL) -> None:
        """End it with a signal to its process group, and wait until it is gone."""
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, how)
        await self._process.wait()

    def tell(self, how: int) -> None:
        """Send a signal and do not wait: SIGSTOP, SIGCONT."""
        assert self._process is not None
        os.killpg(self._process.pid, how)


class Office:
    """The office's side of the story: the API by token."""

    def __init__(self, session: aiohttp.ClientSession, port: int) -> None:
        self._session, self._url = session, f"http://127.0.0.1:{port}"

    async def ask(self, who: str, method: str, path: str, body: object = None) -> dict[str, object]:
        headers = {"Authorization": f"Bearer {who}"}
        given = {"data": body} if isinstance(body, str) else {"json": body}
        async with self._session.request(method, self._url + path, headers=headers, **given) as reply:
            told = await reply.json()
            assert reply.status < 300, told
            return told


async def enlist(pool: db.Pool) -> None:
    """Add the officers, whose tokens are their names: the service is not up yet to be asked."""
    for name, role in OFFICERS:
        await pool.execute(
            "INSERT INTO officer (name, role, token_hash) VALUES ($1, $2, $3)", name, role.value, token_hash(name)
        )


async def accepted(pool: db.Pool) -> int:
    query = "SELECT count(*) FROM attempt WHERE account = 'sms/exercise' AND outcome = 'accepted'"
    count: int = await pool.fetchval(query)
    return count
