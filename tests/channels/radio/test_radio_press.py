"""Promises of the press: what hangs or dies ends alone, and the next piece of work is done."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from channels.contract import Unavailable
from channels.radio.press import Broken, Press
from tests.channels.radio.patience import PATIENCE


@pytest.fixture
def press() -> Iterator[Press]:
    made = Press(1)
    yield made
    made.close()


def hang() -> None:
    threading.Event().wait()


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def no_room() -> None:
    raise OSError(28, "No space left on device")


def wrong() -> None:
    raise ValueError("bad words")


def niceness() -> int:
    return os.nice(0)


def brief() -> str:
    return "done"


def linger(seconds: float) -> str:
    time.sleep(seconds)
    return "done"


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


async def test_work_is_done_in_a_humble_process(press: Press) -> None:
    """Alerts on other channels go first."""
    assert await press.run(PATIENCE, niceness) >= 10
    assert await press.run(PATIENCE, os.getpid) != os.getpid()


@pytest.mark.parametrize(
    ("make", "seconds", "says"),
    [
        (hang, 1.0, "hang took longer than 1 seconds"),
        (die, 30, "the process of die ended before its work was done"),
        (wrong, 30, "wrong failed: ValueError: bad words"),
    ],
)
async def test_what_goes_wrong_is_told_and_the_next_is_made(
    press: Press, make: object, seconds: float, says: str
) -> None:
    """A hung process is killed, a dead one replaced."""
    with pytest.raises(Broken, match=says):
        await press.run(seconds, make)
    assert await press.run(PATIENCE, niceness) >= 10


async def test_a_full_disk_asks_for_a_back_off(press: Press) -> None:
    """It may pass, so it is no fault of the work."""
    with pytest.raises(Unavailable, match="the kit cannot be written: No space left on device"):
        await press.run(PATIENCE, no_room)


async def test_what_waits_for_a_process_is_not_late(press: Press) -> None:
    """Thirty stations' kits wait for one another: only the work itself is timed, and nobody's is thrown away."""
    await press.run(PATIENCE, brief)
    long = asyncio.create_task(press.run(PATIENCE, linger, 1.0))
    waited = [asyncio.create_task(press.run(0.8, brief)) for _ in range(4)]
    assert await asyncio.gather(long, *waited) == ["done"] * 5


async def test_a_piece_that_hangs_takes_no_other_with_it() -> None:
    """Its process must be killed; what was made beside it, and what waited behind it, is made all the same."""
    press = Press(2)
    try:
        await asyncio.gather(press.run(PATIENCE, brief), press.run(PATIENCE, brief))
        beside = asyncio.create_task(press.run(PATIENCE, linger, 1.5))
        hung = asyncio.create_task(press.run(0.5, hang))
        behind = [asyncio.create_task(press.run(PATIENCE, brief)) for _ in range(3)]
        found = await asyncio.gather(hung, beside, *behind, return_exceptions=True)
    finally:
        press.close()
    assert isinstance(found[0], Broken)
    assert found[1:] == ["done"] * 4


async def test_one_whose_neighbour_died_is_made_by_itself(press: Press, tmp_path: Path) -> None:
    """The pool cannot tell which of its processes was at fault."""
    assert await press.run(PATIENCE, die_once, tmp_path / "died") == "done"


async def test_a_cleared_desk_is_no_full_disk(press: Press) -> None:
    """A bulletin that was replaced while its kit was made ends that kit, and not all making of kits."""
    with pytest.raises(Broken, match="a file it needs is gone"):
        await press.run(PATIENCE, cleared)


async def test_a_press_that_closes_ends_what_its_processes_began(
    press: Press, tmp_path: Path, left_behind: Callable[[], set[str]]
) -> None:
    """A voice or a codec is a process of a process: it must not write on a desk when nobody waits for it."""
    mark = tmp_path / "child"
    making = asyncio.create_task(press.run(PATIENCE, with_a_child, mark))
    async with asyncio.timeout(PATIENCE):
        while not mark.exists():
            await asyncio.to_thread(os.sched_yield)
    press.close()
    with pytest.raises(Broken):
        await making
    child = Path("/proc", mark.read_text())
    async with asyncio.timeout(PATIENCE):
        while child.exists() and "\nState:\tZ" not in (child / "status").read_text():
            await asyncio.to_thread(os.sched_yield)
    assert left_behind() == set()
