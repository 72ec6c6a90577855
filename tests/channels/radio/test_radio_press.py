"""Promises of the press: what hangs or dies ends alone, and the next piece of work is done."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from channels.contract import Unavailable
from channels.radio.press import Broken, Press


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


async def test_work_is_done_in_a_humble_process(press: Press) -> None:
    """Alerts on other channels go first."""
    assert await press.run(30, niceness) >= 10
    assert await press.run(30, os.getpid) != os.getpid()


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
    assert await press.run(30, niceness) >= 10


async def test_a_full_disk_asks_for_a_back_off(press: Press) -> None:
    """It may pass, so it is no fault of the work."""
    with pytest.raises(Unavailable, match="the kit cannot be written: No space left on device"):
        await press.run(30, no_room)
