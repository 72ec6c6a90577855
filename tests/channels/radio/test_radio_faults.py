"""Promises kept when things go wrong at once: processes that die, stations that fail, bulletins that overtake."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from channels.radio.press import Broken, Press


@pytest.fixture
def press() -> Iterator[Press]:
    made = Press(1)
    yield made
    made.close()


def brief() -> str:
    return "done"


def linger(seconds: float) -> str:
    time.sleep(seconds)
    return "done"


def hang() -> None:
    time.sleep(600)


def cleared() -> None:
    raise FileNotFoundError(2, "No such file or directory", "/srv/radio/.making/x/y")


def die_once(mark: Path) -> str:
    """Die at the first try, as one does whose neighbour is killed."""
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "done"


def with_a_child(mark: Path) -> None:
    with subprocess.Popen((sys.executable, "-c", "import time; time.sleep(600)")) as child:
        part = mark.with_suffix(".part")
        part.write_text(str(child.pid))
        part.rename(mark)


async def test_what_waits_for_a_process_is_not_late(press: Press) -> None:
    """Thirty stations' kits wait for one another: only the work itself is timed, and nobody's is thrown away."""
    await press.run(30, brief)
    long = asyncio.create_task(press.run(30, linger, 1.0))
    waited = [asyncio.create_task(press.run(0.8, brief)) for _ in range(4)]
    assert await asyncio.gather(long, *waited) == ["done"] * 5


async def test_a_piece_that_hangs_takes_no_other_with_it() -> None:
    """Its process must be killed; what was made beside it, and what waited behind it, is made all the same."""
    press = Press(2)
    try:
        await asyncio.gather(press.run(30, brief), press.run(30, brief))
        beside = asyncio.create_task(press.run(30, linger, 1.5))
        hung = asyncio.create_task(press.run(0.5, hang))
        behind = [asyncio.create_task(press.run(30, brief)) for _ in range(3)]
        found = await asyncio.gather(hung, beside, *behind, return_exceptions=True)
    finally:
        press.close()
    assert isinstance(found[0], Broken)
    assert found[1:] == ["done"] * 4


async def test_one_whose_neighbour_died_is_made_by_itself(press: Press, tmp_path: Path) -> None:
    """The pool cannot tell which of its processes was at fault."""
    assert await press.run(30, die_once, tmp_path / "died") == "done"


async def test_a_cleared_desk_is_no_full_disk(press: Press) -> None:
    """A bulletin that was replaced while its kit was made ends that kit, and not all making of kits."""
    with pytest.raises(Broken, match="a file it needs is gone"):
        await press.run(30, cleared)


async def test_a_press_that_closes_ends_what_its_processes_began(
    press: Press, tmp_path: Path, left_behind: Callable[[], set[str]]
) -> None:
    """A voice or a codec is a process of a process: it must not write on a desk when nobody waits for it."""
    mark = tmp_path / "child"
    making = asyncio.create_task(press.run(30, with_a_child, mark))
    async with asyncio.timeout(20):
        while not mark.exists():
            await asyncio.to_thread(os.sched_yield)
    press.close()
    with pytest.raises(Broken):
        await making
    child = Path("/proc", mark.read_text())
    async with asyncio.timeout(5):
        while child.exists() and "\nState:\tZ" not in (child / "status").read_text():
            await asyncio.to_thread(os.sched_yield)
    assert left_behind() == set()
