"""Services and workers in processes of their own, which may be killed, paused and started again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp

from crisis import db
from crisis.privacy import token_hash
from tests.stories.town import OFFICERS, SLOTS, areas


class Killed:
    """A `crisis` command in a process of its own, which may be killed and started again."""

    def __init__(self, env: dict[str, str], *command: str) -> None:
        """`command` is `serve` unless told otherwise: ("serve", "--workers", "2"), ("work",)."""
        # Without the settings of the test run itself: the service refuses to start on one it does not know.
        self._env = {name: value for name, value in os.environ.items() if not name.startswith("CRISIS_")} | env
        self._command = command or ("serve",)
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._stirred = asyncio.Condition()
        self.said: list[str] = []  # all lines on its standard error, and on that of the workers it started

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Start it and wait until it says that it is ready: a service's doors are open then."""
        already = self.count("ready: ")
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "crisis",
            *self._command,
            env=self._env,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            cwd=Path(__file__).parents[2],
        )
        assert self._process.stderr is not None
        self._reading = asyncio.create_task(self._read(self._process.stderr))
        await self.until(lambda: self.count("ready: ") > already)

    async def _read(self, stderr: asyncio.StreamReader) -> None:
        async for line in stderr:
            self.said.append(line.decode().rstrip())
            async with self._stirred:
                self._stirred.notify_all()

    def count(self, words: str) -> int:
        """Give how many lines with these words it has said."""
        return sum(words in line for line in self.said)

    async def until(self, true: Callable[[], bool], within: float = 30.0) -> None:
        """Return once something is true of what it said; raise TimeoutError."""
        async with asyncio.timeout(within), self._stirred:
            await self._stirred.wait_for(true)

    async def kill(self, how: int = signal.SIGKILL) -> int:
        """End it with a signal to its process group, and give its exit code when it is gone."""
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, how)
        return await self.ended()

    def tell(self, how: int) -> None:
        """Send a signal to its process group and do not wait: SIGSTOP, SIGCONT."""
        os.killpg(self.pid, how)

    def tell_alone(self, how: int) -> None:
        """Send a signal to it and not to the workers it started."""
        os.kill(self.pid, how)

    async def ended(self, within: float = 40.0) -> int:
        """Wait until it has ended and give its exit code."""
        assert self._process is not None
        async with asyncio.timeout(within):
            return await self._process.wait()

    async def all_ended(self, within: float = 40.0) -> None:
        """Wait until nobody can write to its standard error any more: it and every worker it started are gone."""
        assert self._reading is not None
        async with asyncio.timeout(within):
            await self._reading


class Office:
    """The office's side of the story: the API by token."""

    def __init__(self, session: aiohttp.ClientSession, port: int) -> None:
        self._session, self._url = session, f"http://127.0.0.1:{port}"

    async def ask(self, who: str, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Ask the API as one of the officers and expect that it works."""
        headers = {"Authorization": f"Bearer {who}"}
        given = {"data": body} if isinstance(body, str) else {"json": body}
        async with self._session.request(method, self._url + path, headers=headers, **given) as reply:
            told = await reply.json()
            assert reply.status < 300, told
            return told

    async def reply(self, who: str, method: str, path: str, body: object = None) -> tuple[int, str]:
        """Ask the API, whatever it says: the status, and the sentence where it refuses."""
        headers = {"Authorization": f"Bearer {who}"}
        async with self._session.request(method, self._url + path, headers=headers, json=body) as reply:
            told = await reply.json()
            return reply.status, str(told.get("error", ""))

    async def cancel(self, one: str) -> str:
        """Have Sari cancel an alert alone, and give the path of the cancel."""
        why = {"reason": "salah wilayah"}
        cancel = await self.ask("Sari", "POST", f"{one}/follow", why | {"purpose": "cancel", "submit": False})
        path = f"/api/v1/alerts/{cancel['id']}"
        await self.ask("Sari", "POST", f"{path}/break-glass", why)
        return path

    async def settle(self, people: str) -> None:
        """Bring in the areas and residents."""
        await self.ask("Ani", "POST", "/api/v1/areas", areas())
        await self.ask("Ani", "POST", "/api/v1/residents", people)

    async def release(self, **changes: object) -> str:
        """Have Rina submit and Budi approve a flood alert for the north, as an exercise; give its path."""
        body = {"playbook": "flood", "level": "siaga", "mode": "Exercise", "areas": ["61.01"], "slots": SLOTS} | changes
        alert = await self.ask("Rina", "POST", "/api/v1/alerts", body)
        one = f"/api/v1/alerts/{alert['id']}"
        await self.ask("Budi", "POST", f"{one}/approve", {"words_hash": alert["words_hash"]})
        return one

    async def done(self, one: str, within: float = 30.0) -> dict[str, Any]:
        """Wait until every dispatch of an alert is done, and give the alert."""
        async with asyncio.timeout(within):
            while True:
                shown = await self.ask("Rina", "GET", one)
                if all(d["state"] == "done" for d in shown["dispatches"]):
                    return shown


async def enlist(pool: db.Pool) -> None:
    """Add the officers, whose tokens are their names: the service is not up yet to be asked."""
    for name, role in OFFICERS:
        await pool.execute(
            "INSERT INTO officer (name, role, token_hash) VALUES ($1, $2, $3)", name, role.value, token_hash(name)
        )


async def accepted(pool: db.Pool) -> int:
    """Give how many attempts by SMS the ledger tells of as accepted."""
    query = "SELECT count(*) FROM attempt WHERE account = 'sms/exercise' AND outcome = 'accepted'"
    count: int = await pool.fetchval(query)
    return count
