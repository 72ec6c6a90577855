"""What the tests of the radio share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


def _children() -> set[str]:
    """The children of this process, those that ended and nobody waited for among them."""
    threads = Path("/proc/self/task").iterdir()
    return {child for thread in threads for child in (thread / "children").read_text().split()}


@pytest.fixture
def left_behind() -> Callable[[], set[str]]:
    """`left_behind()` gives the processes that a test started and that are still there."""
    before = _children()
    return lambda: _children() - before
