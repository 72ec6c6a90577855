"""What the tests of the radio share."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from channels.radio.press import Press

PATIENCE = 120.0  # seconds until a test that waits has failed; kits give way to whatever else this machine does


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
