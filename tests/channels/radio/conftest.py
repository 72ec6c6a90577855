"""What the tests of the radio share."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from channels.radio.press import Press
from channels.radio.radio import Radio
from channels.radio.setting import Means
from channels.radio.stages import Stage
from tests.channels.radio.kits import OFFICE, Clock


def _children() -> set[str]:
    """The children of this process, those that ended and nobody waited for among them."""
    found: set[str] = set()
    for thread in Path("/proc/self/task").iterdir():
        with contextlib.suppress(FileNotFoundError):  # a thread may end while we look
            found |= set((thread / "children").read_text().split())
    return found


@pytest.fixture
def left_behind() -> Callable[[], set[str]]:
    """`left_behind()` gives the processes that a test started and that are still there."""
    before = _children()
    return lambda: _children() - before


@pytest.fixture(scope="session")
def press() -> Iterator[Press]:
    """One press for all tests of a process: its own processes take seconds to start."""
    shared = Press()
    yield shared
    shared.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def radio(tmp_path: Path, clock: Clock, press: Press) -> AsyncIterator[Radio]:
    """A radio of an office that goes as far as the first sound."""
    made = Radio(tmp_path / "radio", OFFICE, means=Means(most=Stage.FIRST), press=press, clock=clock, every=0.02)
    yield made
    await made.close()
