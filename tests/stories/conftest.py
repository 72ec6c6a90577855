"""The town that stories happen in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.stories.town import Hands, Town, open_town


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
async def town(dsn: str, tmp_path: Path, free_port: Callable[[], int], hands: Hands) -> AsyncIterator[Town]:
    async with open_town(dsn, tmp_path, free_port(), hands) as opened:
        yield opened
