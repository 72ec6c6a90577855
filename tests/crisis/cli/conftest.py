"""The command line as officers and machines run it: a process of its own, with nothing but its environment."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.stories.town import Hands, Town, open_town

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def told(self) -> Any:
        return json.loads(self.out)


Crisis = Callable[..., Awaitable[Ran]]


def surroundings(given: Mapping[str, str]) -> dict[str, str]:
    """The environment of a command: that of this process without any setting of Crisis, and what is given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CRISIS_")}
    return {**kept, "PYTHONPATH": str(ROOT), **given}


async def run(*arguments: str, env: Mapping[str, str] | None = None) -> Ran:
    """Run `crisis ARGUMENTS` with no terminal until it ends."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "crisis",
        *arguments,
        env=surroundings(env or {}),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    return Ran(code=process.returncode or 0, out=out.decode(), err=err.decode())


@pytest.fixture
def crisis() -> Crisis:
    """`await crisis("alert", "list", env={...})` runs the command."""
    return run


@pytest.fixture
async def town(dsn: str, tmp_path: Path, free_port: Callable[[], int]) -> AsyncIterator[Town]:
    """A whole service with sandbox carriers."""
    async with open_town(dsn, tmp_path, free_port(), Hands()) as opened:
        yield opened


@pytest.fixture
def asks(town: Town) -> Crisis:
    """`await asks("Rina", "alert", "list")` runs the command against the town's service as one of its officers."""

    async def ask(who: str, *arguments: str) -> Ran:
        return await run(*arguments, env=as_officer(town, who))

    return ask


def as_officer(town: Town, who: str) -> dict[str, str]:
    """The settings by which an officer's command reaches the town."""
    return {"CRISIS_URL": f"http://127.0.0.1:{town.service.port}", "CRISIS_TOKEN": town.tokens[who]}
